//! What a link may say, and what it may not.

use form_urlencoded::Serializer;

use crate::link::*;
use crate::shop::{GOOD, NOW_MS, Reply, Shop};

#[tokio::test]
async fn row_65_whatever_is_changed_is_refused() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "t-1");
    let signature = sign(&link.0, &shop.key);
    let forge = |link: &Link, signature: &str| {
        let mut query = Serializer::new(String::new());
        for (name, value) in &link.0 {
            query.append_pair(name, value.as_str().expect("a text"));
        }
        format!(
            "/payment?{}",
            query.append_pair("signature", signature).finish()
        )
    };
    let mut refused = vec![
        forge(&link, ""),
        forge(&link, "AAAA"),
        forge(&link, &signature[1..]),
        format!("{}&payment_amount=1", forge(&link, &signature)),
        format!("{}&extra=1", forge(&link, &signature)),
        format!("{}&customer_id=2", forge(&link, &signature)),
        "/payment".to_owned(),
        "/payment/confirm".to_owned(),
    ];
    for (name, value) in [
        ("payment_amount", "1"),
        ("payment_currency", "KZT"),
        ("payment_id", "t-2"),
        ("project_id", "102"),
        ("merchant_success_url", "https://evil.example/"),
        ("payment_description", "x"),
    ] {
        refused.push(forge(&link.clone().with(name, value), &signature));
    }
    for path in refused {
        for (language, words) in [
            ("ru", "Не удалось открыть оплату"),
            ("kk", "Төлем бетін ашу мүмкін болмады"),
            ("en", "could not be opened"),
        ] {
            let path = path.replace("language_code=en&", "");
            let page = get_in(&shop, &path, language).await;
            assert_eq!(page.status, 400, "{path}");
            assert!(page.text.contains(words), "{path}: {}", page.text);
        }
    }
    for payment_id in ["t-1", "t-2"] {
        assert_unknown(&shop, payment_id).await;
    }
}

/// A parameter, a value that cannot be, and what the shop reads. An empty value counts as absent.
const WRONG: [(&str, &str, &str); 24] = [
    ("customer_id", "", "customer_id is missing"),
    ("payment_id", "", "payment_id is missing"),
    ("payment_id", " a", "payment_id is malformed"),
    ("payment_amount", "0", "payment_amount is malformed"),
    ("payment_amount", "1.5", "payment_amount is malformed"),
    ("payment_amount", "-1", "payment_amount is malformed"),
    (
        "payment_amount",
        "10000000000001",
        "payment_amount is malformed",
    ),
    ("payment_currency", "XXQ", "payment_currency is malformed"),
    ("payment_currency", "KZT", "payment_currency is none"),
    ("mode", "payout", "mode asks for"),
    ("mode", "card_tokenize", "mode asks for"),
    ("mode", "x", "mode is malformed"),
    ("mode", "card_verify", "payment_amount is malformed"),
    ("moto_type", "1", "moto_type asks for"),
    ("operation_type", "x", "operation_type is malformed"),
    ("customer_phone", "123", "customer_phone is malformed"),
    ("customer_country", "IND", "customer_country is malformed"),
    ("descriptor", "12345678901234", "descriptor is malformed"),
    (
        "force_payment_method",
        "nothing",
        "force_payment_method is none",
    ),
    (
        "merchant_success_url",
        "javascript:alert(1)",
        "merchant_success_url is malformed",
    ),
    (
        "merchant_fail_url",
        "//evil.example",
        "merchant_fail_url is malformed",
    ),
    (
        "redirect_success_url",
        "https://a@b.example",
        "redirect_success_url is malformed",
    ),
    ("payment_description", "a;b", "no value may hold"),
    (
        "payment_description",
        "a\u{0}b",
        "no value may hold control",
    ),
];

#[tokio::test]
async fn a_link_of_wrong_shape_says_which_parameter() {
    let shop = Shop::open().await;
    let usual = Link::of(&shop, "shape").with("merchant_return_url", "https://a.example");
    let more = [
        (
            "merchant_callback_url",
            "http://127.0.0.1/",
            "merchant_callback_url is malformed",
        ),
        (
            "merchant_return_enabled",
            "3",
            "merchant_return_enabled is malformed",
        ),
    ];
    for (name, value, words) in WRONG.into_iter().chain(more) {
        let page = open(&shop, &usual.clone().with(name, value)).await;
        assert_eq!(page.status, 400, "{words}");
        let text = page.text.replace("&#34;", "\"");
        assert!(
            text.contains(&format!("For the shop: {words}")),
            "{words}: {text}"
        );
    }
    let over = usual.with("best_before", "2026-11-22T00:00:00+00:00");
    let page = open(&shop, &over).await;
    assert_eq!(page.status, 400);
    assert!(page.text.contains("Time to pay is over"));
}

#[tokio::test]
async fn the_link_chooses_ways_of_paying() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "ways");
    let offered = |page: &Reply| {
        let names = ["wallet-partner", "banks/india", "bank-1"];
        let is_there = |name: &&str| {
            page.text
                .contains(&format!("name=\"method\" value=\"{name}\""))
        };
        names.into_iter().filter(is_there).collect::<Vec<_>>()
    };
    let table: [(Link, &[&str]); 10] = [
        (link.clone(), &["wallet-partner", "banks/india", "bank-1"]),
        (
            link.clone().with("force_payment_method", "wallet-partner"),
            &["wallet-partner"],
        ),
        (
            link.clone().with("force_payment_method", "card"),
            &["bank-1"],
        ),
        (
            link.clone().with("hide", "card, banks/india"),
            &["wallet-partner"],
        ),
        (link.clone().with("list_payment_block", "card"), &["bank-1"]),
        (
            link.clone().with("list_payment_block", "unknown"),
            &["wallet-partner", "banks/india", "bank-1"],
        ),
        (
            link.clone().with("customer_country", "KZ"),
            &["banks/india", "bank-1"],
        ),
        (
            link.clone().with("region_code", "kz"),
            &["banks/india", "bank-1"],
        ),
        (
            link.clone().with("payment_amount", "50"),
            &["banks/india", "bank-1"],
        ),
        (link.clone().with("operation_type", "auth"), &["bank-1"]),
    ];
    for (link, expected) in table {
        let page = open(&shop, &link).await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert_eq!(offered(&page), expected, "{:?}", link.0);
    }
    let first = link.clone().with("default_payment_method", "card");
    let page = open(&shop, &first).await;
    assert!(
        page.text.contains("data-method=\"bank-1\" open"),
        "{}",
        page.text
    );
    let forced = link.clone().with("force_payment_method", "wallet-partner");
    let small = open(&shop, &forced.with("payment_amount", "50")).await;
    assert_eq!(small.status, 400);
    // What the page does not offer, its form cannot bring.
    let page = open(&shop, &link.with("hide", "card")).await;
    let answer = post(
        &shop,
        "/payment/confirm",
        card_form(&request_of(&page), GOOD),
    )
    .await;
    assert_eq!(answer.status, 200);
    assert_unknown(&shop, "ways").await;
}

#[tokio::test]
async fn the_end_of_a_link() {
    let shop = Shop::open().await;
    let at = |payment_id: &str, text: &str| Link::of(&shop, payment_id).with("best_before", text);
    let minute = 60_000;
    for (payment_id, text, expected_ms) in [
        ("e1", "2026-11-22T01:00:00+00:00", NOW_MS + 60 * minute),
        ("e2", "2026-11-22T06:00:00+05", NOW_MS + 60 * minute),
        (
            "e3",
            "2026-11-22T01:00:00.000000+00:00",
            NOW_MS + 60 * minute,
        ),
        ("e4", "2027-11-22T01:00:00+00:00", NOW_MS + 30 * minute),
        ("e5", "tomorrow", NOW_MS + 30 * minute),
    ] {
        let answer = pay_by_card(&shop, &at(payment_id, text), GOOD).await;
        let payment = payment(&shop, id_in(location(&answer))).await;
        assert_eq!(payment.expires_at.as_millis(), expected_ms, "{text}");
    }
}
