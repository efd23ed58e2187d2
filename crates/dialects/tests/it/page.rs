//! The Payment Page: opening a link, paying by its form, coming back to it.

use altyn_domain::{Language, PaymentId, PaymentStatus, Way};
use axum::body::Body;
use axum::http::{Request, header};
use form_urlencoded::Serializer;
use serde_json::{Map, Value};

use crate::shop::{GOOD, NOW_MS, POOR, Reply, SECURE, Shop};

/// What a shop puts into a link.
#[derive(Clone)]
struct Link(Map<String, Value>);

impl Link {
    fn of(shop: &Shop, payment_id: &str) -> Self {
        let mut link = Self(Map::new());
        for (name, value) in [
            ("project_id", shop.number.to_string().as_str()),
            ("payment_id", payment_id),
            ("payment_amount", "15000"),
            ("payment_currency", "INR"),
            ("customer_id", "customer1"),
            ("payment_description", "Чай + 2"),
            ("language_code", "en"),
        ] {
            link = link.with(name, value);
        }
        link
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// The query, signed.
    fn signed(&self, shop: &Shop) -> String {
        let signature = sign(&self.0, &shop.key);
        let mut query = Serializer::new(String::new());
        for (name, value) in &self.0 {
            query.append_pair(name, value.as_str().expect("a text"));
        }
        query.append_pair("signature", &signature).finish()
    }
}

fn sign(parameters: &Map<String, Value>, key: &str) -> String {
    altyn_dialects::ecommpay::signature::sign(&Value::Object(parameters.clone()), key)
}

async fn get(shop: &Shop, path: &str) -> Reply {
    get_in(shop, path, "").await
}

async fn get_in(shop: &Shop, path: &str, language: &str) -> Reply {
    let request = Request::get(path).header(header::ACCEPT_LANGUAGE, language);
    shop.send(request.body(Body::empty()).expect("a request"))
        .await
}

async fn open(shop: &Shop, link: &Link) -> Reply {
    get(shop, &format!("/payment?{}", link.signed(shop))).await
}

async fn post(shop: &Shop, path: &str, form: String) -> Reply {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form));
    shop.send(request.expect("a request")).await
}

/// The value of the hidden field that carries the link back.
fn request_of(page: &Reply) -> String {
    let (_, rest) = page
        .text
        .split_once("name=\"request\" value=\"")
        .expect("the page brings the request back");
    let (value, _) = rest.split_once('"').expect("it ends");
    value.replace("&#38;", "&")
}

fn card_form(request: &str, number: &str) -> String {
    Serializer::new(String::new())
        .extend_pairs([
            ("request", request),
            ("language", "en"),
            ("method", "bank-1"),
            ("cc-number", number),
            ("cc-exp", "12/30"),
            ("cc-csc", "123"),
            ("cc-name", "A B"),
        ])
        .finish()
}

fn wallet_form(request: &str, method: &str) -> String {
    let pairs = [("request", request), ("language", "en"), ("method", method)];
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

async fn pay_by_card(shop: &Shop, link: &Link, number: &str) -> Reply {
    let form = open(shop, link).await;
    assert_eq!(form.status, 200, "{}", form.text);
    post(
        shop,
        "/payment/confirm",
        card_form(&request_of(&form), number),
    )
    .await
}

/// Where the browser is sent, without the path that the installation has before all others.
fn location(reply: &Reply) -> &str {
    assert_eq!(reply.status, 303, "{}", reply.text);
    let location = reply.headers[header::LOCATION].to_str().expect("plain");
    location.strip_prefix("/base").expect("it is ours")
}

fn id_in(location: &str) -> PaymentId {
    let id = location.split('/').nth(2).expect("an id");
    PaymentId::parse(id).expect("an id")
}

async fn payment(shop: &Shop, id: PaymentId) -> altyn_domain::Payment {
    let found = shop.engine.open_payment(id).await.expect("it can be read");
    found.expect("it is there").1
}

fn policy(reply: &Reply) -> &str {
    reply.headers["content-security-policy"]
        .to_str()
        .expect("plain")
}

/// Nothing is registered under this id.
async fn assert_unknown(shop: &Shop, payment_id: &str) {
    let body = serde_json::json!({"general": shop.general(payment_id)});
    let reply = shop.post("/v2/payment/status", &body).await;
    let told = reply.json();
    assert_eq!(told["errors"][0]["code"], "3061", "{told}");
}

#[tokio::test]
async fn a_link_shows_a_form_and_registers_nothing() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "X03936");
    let query = link.signed(&shop);
    let by_post = post(&shop, "/payment", query.clone()).await;
    let spaced = query.replace('+', "%20");
    for page in [
        get(&shop, &format!("/payment?{query}")).await,
        get(&shop, &format!("/payment?{spaced}")).await,
        by_post,
    ] {
        assert_eq!(page.status, 200, "{}", page.text);
        for words in [
            "₹150.00",
            "X03936",
            "Чай + 2",
            "How to pay",
            "Wallets of India",
            "Bank card",
            "action=\"/base/payment/confirm\"",
        ] {
            assert!(page.text.contains(words), "{words}: {}", page.text);
        }
        assert!(policy(&page).contains("frame-ancestors 'none'"));
        assert_eq!(page.headers["x-frame-options"], "DENY");
    }
    assert_unknown(&shop, "X03936").await;
}

#[tokio::test]
async fn a_card_pays_what_the_link_says() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "Order-7")
        .with("customer_email", "mary@example.com")
        .with("customer_first_name", "Mary")
        .with("customer_phone", "+7 (701) 555-00-11")
        .with("merchant_data", "basket 9");
    let answer = pay_by_card(&shop, &link, GOOD).await;
    assert!(
        location(&answer).ends_with("/result"),
        "{}",
        location(&answer)
    );
    let payment = payment(&shop, id_in(location(&answer))).await;
    assert_eq!(payment.status(), PaymentStatus::Captured);
    assert_eq!(
        (payment.amount.minor(), payment.amount.currency().alpha()),
        (15_000, "INR")
    );
    assert_eq!(payment.order.reference, "Order-7");
    assert_eq!(payment.order.language, Language::En);
    assert_eq!(payment.tries_max, 5);
    assert_eq!(payment.expires_at.as_millis(), NOW_MS + 1_800_000);
    assert_eq!(payment.order.customer.name.as_deref(), Some("Mary"));
    assert_eq!(payment.order.attributes["merchant_data"], "basket 9");
    let told = shop.status("ORDER-7").await;
    assert_eq!(told["payment"]["status"], "success", "{told}");
}

#[tokio::test]
async fn a_wallet_leads_to_its_own_page_and_back() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "w-1").with("payment_amount", "15050");
    let form = open(&shop, &link).await;
    let answer = post(
        &shop,
        "/payment/confirm",
        wallet_form(&request_of(&form), "wallet-partner"),
    )
    .await;
    let go = location(&answer).to_owned();
    assert!(go.ends_with("/go"), "{go}");
    let page = get(&shop, &go).await;
    assert!(page.text.contains("href=\"https://partner.example/order\""));
    assert!(page.text.contains("data-auto") && page.text.contains("Go on at Wallets of India"));
    assert!(policy(&page).contains("form-action 'self' https://partner.example;"));

    // Back from there, nothing paid: no second journey without a word.
    let back = get(&shop, go.trim_end_matches("/go")).await;
    assert_eq!(back.status, 200);
    assert!(!back.text.contains("data-auto") && back.text.contains("Payment not finished"));
    let returned = get(&shop, &go.replace("/go", "/back")).await;
    assert_eq!(location(&returned), go.trim_end_matches("/go"));
}

#[tokio::test]
async fn the_link_opened_again_shows_how_the_payment_stands() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "again");
    let answer = pay_by_card(&shop, &link, GOOD).await;
    let id = id_in(location(&answer));
    for id_text in ["again", "AGAIN"] {
        let again = open(&shop, &link.clone().with("payment_id", id_text)).await;
        assert_eq!(location(&again), format!("/checkout/{}", id.uuid()));
    }
    let paid = get(&shop, &format!("/checkout/{}", id.uuid())).await;
    assert!(paid.text.contains("Already paid") || paid.text.contains("already paid"));
    for (name, value) in [("payment_amount", "15001"), ("payment_currency", "KZT")] {
        let other = open(&shop, &link.clone().with(name, value)).await;
        assert_eq!(other.status, 400, "{name}");
    }
}

#[tokio::test]
async fn row_25_clicks_and_windows_make_one_charge() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "clicks");
    let form = open(&shop, &link).await;
    let request = request_of(&form);
    let clicks = (0..8).map(|_| post(&shop, "/payment/confirm", card_form(&request, GOOD)));
    let answers = futures::future::join_all(clicks).await;
    let ids: Vec<_> = answers
        .iter()
        .map(|answer| id_in(location(answer)))
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    let payment = payment(&shop, ids[0]).await;
    assert_eq!(payment.operations.len(), 1);
    // And the form that is still open in another window.
    let late = post(&shop, "/payment/confirm", card_form(&request, SECURE)).await;
    assert_eq!(id_in(location(&late)), ids[0]);
}

#[tokio::test]
async fn mistakes_in_the_card_come_back_and_register_nothing() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "typo");
    let answer = pay_by_card(&shop, &link, "4444555511113334").await;
    assert_eq!(answer.status, 422);
    assert!(answer.text.contains("aria-invalid") && !answer.text.contains("4444555511113334"));
    assert_unknown(&shop, "typo").await;
    let again = card_form(&request_of(&answer), GOOD);
    assert!(location(&post(&shop, "/payment/confirm", again).await).ends_with("/result"));
}

#[tokio::test]
async fn a_declined_payer_tries_again_five_times() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "poor");
    let answer = pay_by_card(&shop, &link, POOR).await;
    let result = get(&shop, location(&answer)).await;
    assert!(result.text.contains("Try again") && result.text.contains("Attempts left: 4"));
    let told = shop.status("poor").await;
    assert_eq!(told["payment"]["status"], "awaiting customer", "{told}");

    // Who goes back to the shop by itself has no second try.
    let once = Link::of(&shop, "poor-once")
        .with("merchant_fail_url", "https://shop.example/sorry")
        .with("merchant_fail_enabled", "2");
    let answer = pay_by_card(&shop, &once, POOR).await;
    let result = get(&shop, location(&answer)).await;
    assert!(!result.text.contains("Try again"), "{}", result.text);
    assert!(result.text.contains("id=\"leave\""));
    assert_eq!(
        shop.status("poor-once").await["payment"]["status"],
        "decline"
    );
}

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

#[tokio::test]
async fn a_link_of_wrong_shape_says_which_parameter() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "shape");
    let table = [
        (
            link.clone().without("customer_id"),
            "customer_id is missing",
        ),
        (link.clone().without("payment_id"), "payment_id is missing"),
        (
            link.clone().with("payment_id", " a"),
            "payment_id is malformed",
        ),
        (
            link.clone().with("payment_amount", "0"),
            "payment_amount is malformed",
        ),
        (
            link.clone().with("payment_amount", "1.5"),
            "payment_amount is malformed",
        ),
        (
            link.clone().with("payment_amount", "10000000000001"),
            "payment_amount is malformed",
        ),
        (
            link.clone().with("payment_currency", "XXQ"),
            "payment_currency is malformed",
        ),
        (
            link.clone().with("payment_currency", "KZT"),
            "payment_currency is none",
        ),
        (link.clone().with("mode", "payout"), "mode asks for"),
        (link.clone().with("mode", "card_tokenize"), "mode asks for"),
        (link.clone().with("mode", "x"), "mode is malformed"),
        (
            link.clone().with("mode", "card_verify"),
            "payment_amount is malformed",
        ),
        (link.clone().with("moto_type", "1"), "moto_type asks for"),
        (
            link.clone().with("operation_type", "x"),
            "operation_type is malformed",
        ),
        (
            link.clone().with("customer_phone", "123"),
            "customer_phone is malformed",
        ),
        (
            link.clone().with("customer_country", "IND"),
            "customer_country is malformed",
        ),
        (
            link.clone().with("descriptor", "12345678901234"),
            "descriptor is malformed",
        ),
        (
            link.clone().with("force_payment_method", "nothing"),
            "force_payment_method is none",
        ),
        (
            link.clone()
                .with("merchant_success_url", "javascript:alert(1)"),
            "merchant_success_url is malformed",
        ),
        (
            link.clone().with("merchant_fail_url", "//evil.example"),
            "merchant_fail_url is malformed",
        ),
        (
            link.clone()
                .with("redirect_success_url", "https://a@b.example"),
            "redirect_success_url is malformed",
        ),
        (
            link.clone()
                .with("merchant_callback_url", "http://127.0.0.1/"),
            "merchant_callback_url is malformed",
        ),
        (
            link.clone().with("payment_description", "a;b"),
            "no value may hold",
        ),
        (
            link.clone().with("payment_description", "a\u{0}b"),
            "no value may hold control",
        ),
        (
            link.clone()
                .with("merchant_return_url", "https://a.example")
                .with("merchant_return_enabled", "3"),
            "merchant_return_enabled is malformed",
        ),
    ];
    for (link, words) in table {
        let page = open(&shop, &link).await;
        assert_eq!(page.status, 400, "{words}");
        let text = page.text.replace("&#34;", "\"");
        assert!(
            text.contains(&format!("For the shop: {words}")),
            "{words}: {text}"
        );
    }
    let over = link.with("best_before", "2026-11-22T00:00:00+00:00");
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
async fn holds_and_checks_of_a_card() {
    let shop = Shop::open().await;
    let hold = Link::of(&shop, "hold").with("card_operation_type", "auth");
    let answer = pay_by_card(&shop, &hold, GOOD).await;
    let held = payment(&shop, id_in(location(&answer))).await;
    assert_eq!(
        (held.way, held.status()),
        (Way::Hold, PaymentStatus::Authorized)
    );
    let check = Link::of(&shop, "check")
        .with("mode", "card_verify")
        .with("payment_amount", "0");
    let form = open(&shop, &check).await;
    assert!(form.text.contains("No charge"), "{}", form.text);
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
        ("e4", "2027-11-22T01:00:00+00:00", NOW_MS + 10 * minute),
        ("e5", "tomorrow", NOW_MS + 10 * minute),
    ] {
        let answer = pay_by_card(&shop, &at(payment_id, text), GOOD).await;
        let payment = payment(&shop, id_in(location(&answer))).await;
        assert_eq!(payment.expires_at.as_millis(), expected_ms, "{text}");
    }
}

#[tokio::test]
async fn the_ways_back_to_the_shop() {
    let shop = Shop::open().await;
    let urls = |payment_id: &str| {
        Link::of(&shop, payment_id)
            .with("merchant_success_url", "https://shop.example/thanks?id=1")
            .with("merchant_fail_url", "https://shop.example/sorry")
            .with("merchant_return_url", "https://shop.example/basket")
    };
    let open_form = open(&shop, &urls("b1")).await;
    assert!(
        open_form
            .text
            .contains("href=\"https://shop.example/basket\"")
    );
    assert!(open_form.text.contains("shop.example</span>"));
    let answer = pay_by_card(&shop, &urls("b1"), GOOD).await;
    let path = location(&answer).to_owned();
    let result = get(&shop, &path).await;
    assert!(result.text.contains("shop.example</p>") && !result.text.contains("id=\"leave\""));
    let back = get(&shop, &path.replace("/result", "/return")).await;
    assert_eq!(
        back.headers[header::LOCATION],
        "https://shop.example/thanks?id=1"
    );

    for (payment_id, enabled, button, automatic) in [
        ("b2", "0", false, false),
        ("b3", "1", true, false),
        ("b4", "2", true, true),
    ] {
        let link = Link::of(&shop, payment_id)
            .with("merchant_success_url", "https://shop.example/thanks")
            .with("merchant_success_enabled", enabled)
            .with("merchant_success_redirect_mode", "blank_page");
        let answer = pay_by_card(&shop, &link, GOOD).await;
        let result = get(&shop, location(&answer)).await;
        assert_eq!(
            result.text.contains("target=\"_blank\""),
            button,
            "{enabled}"
        );
        assert_eq!(result.text.contains("id=\"leave\""), automatic, "{enabled}");
    }
    let older = Link::of(&shop, "b5").with("redirect_success_url", "https://shop.example/old");
    let answer = pay_by_card(&shop, &older, GOOD).await;
    assert!(
        get(&shop, location(&answer))
            .await
            .text
            .contains("id=\"leave\"")
    );
}

#[tokio::test]
async fn row_68_frames_are_for_payments_opened_in_one() {
    let shop = Shop::open().await;
    let plain = Link::of(&shop, "f0");
    let answer = pay_by_card(&shop, &plain, SECURE).await;
    let steps = get(&shop, location(&answer)).await;
    assert!(policy(&steps).contains("frame-ancestors 'none'"));

    // Neither name is signed.
    let table = [
        (
            "f1",
            "frame_mode=iframe",
            "frame-ancestors 'self' http: https:;",
        ),
        (
            "f2",
            "_origin=https%3A%2F%2Fshop.example",
            "frame-ancestors 'self' https://shop.example;",
        ),
        (
            "f3",
            "frame_mode=embedded&_origin=https%3A%2F%2Fshop.example%3A444%2Fx",
            "frame-ancestors 'self' https://shop.example:444;",
        ),
        (
            "f4",
            "frame_mode=popup&_origin=javascript%3Aalert(1)",
            "frame-ancestors 'self' http: https:;",
        ),
    ];
    for (payment_id, added, expected) in table {
        let query = Link::of(&shop, payment_id).signed(&shop);
        let form = get(&shop, &format!("/payment?{query}&{added}")).await;
        assert_eq!(form.status, 200, "{}", form.text);
        assert!(policy(&form).contains(expected), "{}", policy(&form));
        assert!(form.headers.get("x-frame-options").is_none());
        let answer = post(
            &shop,
            "/payment/confirm",
            card_form(&request_of(&form), SECURE),
        )
        .await;
        let steps = location(&answer).to_owned();
        assert!(policy(&answer).contains(expected));
        for rest in ["/3ds", "", "/result", "/state"] {
            let path = steps.replace("/3ds", rest);
            let page = get(&shop, &path).await;
            if page.status == 200 && rest != "/state" {
                assert!(
                    policy(&page).contains(expected),
                    "{path}: {}",
                    policy(&page)
                );
            }
        }
        let frame = post(&shop, &format!("{steps}/method"), String::new()).await;
        assert!(policy(&frame).contains(expected), "{}", policy(&frame));
    }
    let bad = get(&shop, "/payment?project_id=101&frame_mode=iframe").await;
    assert_eq!(bad.status, 400);
    assert!(bad.headers.get("x-frame-options").is_none());
}

#[tokio::test]
async fn another_language_is_a_click_away() {
    let shop = Shop::open().await;
    let link = Link::of(&shop, "lang").without("language_code");
    let path = format!("/payment?{}", link.signed(&shop));
    for (language, words) in [
        ("kk", "Төлейтін сома"),
        ("ru", "К оплате"),
        ("en", "Amount to pay"),
    ] {
        let page = get_in(&shop, &path, language).await;
        assert!(page.text.contains(words), "{language}");
        let other = Serializer::new(String::new())
            .extend_pairs([("request", request_of(&page).as_str()), ("_lang", language)])
            .finish();
        let again = post(&shop, "/payment/form", other).await;
        assert!(again.text.contains(words), "{language}: {}", again.text);
        assert!(
            get(&shop, &format!("{path}&_lang={language}"))
                .await
                .text
                .contains(words)
        );
    }
    let page = open(&shop, &link.with("language_code", "kk")).await;
    assert!(page.text.contains("Төлейтін сома"));
}

#[tokio::test]
async fn the_shops_page_is_told_of_the_payment() {
    let shop = Shop::open().await;
    let query = Link::of(&shop, "told").signed(&shop);
    let form = get(
        &shop,
        &format!("/payment?{query}&_origin=https%3A%2F%2Fshop.example"),
    )
    .await;
    assert!(form.text.contains("data-parent=\"https://shop.example\""));
    assert!(form.text.contains("data-standing=\"draft\" data-told=\"\""));
    let answer = post(
        &shop,
        "/payment/confirm",
        card_form(&request_of(&form), GOOD),
    )
    .await;
    let result = get(&shop, location(&answer)).await;
    let (_, told) = result.text.split_once("data-told=\"").expect("it is told");
    let (told, _) = told.split_once('"').expect("it ends");
    let told: Value = serde_json::from_str(&told.replace("&#34;", "\"")).expect("JSON");
    assert_eq!(told["status"], "success");
    assert_eq!(told["payment_id"], "told");
    assert_eq!(
        (told["amount"].as_i64(), told["currency"].as_str()),
        (Some(15_000), Some("INR"))
    );
    assert_eq!(told["request_id"].as_str().map(str::len), Some(90));
    assert!(result.text.contains("data-standing=\"paid\""));
}
