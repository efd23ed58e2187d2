//! sale and auth: what a request must hold, what is accepted, and what becomes of it.

use altyn_engine::EngineConfig;
use serde_json::{Value, json};

use crate::shop::{GOOD, NOW_MS, POOR, Shop};

const WALLET: &str = "/v2/payment/wallet-partner/sale";
const CARD: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";

/// Sets the value at a path with dots; `null` takes it away.
fn set(body: &mut Value, path: &str, value: &Value) {
    let mut place = body;
    for name in path.split('.') {
        if place.is_null() {
            *place = json!({});
        }
        place = &mut place[name];
    }
    *place = value.clone();
}

#[tokio::test]
async fn an_accepted_request_is_answered_in_four_members() {
    let shop = Shop::open().await;
    let mut body = shop.wallet_sale("Case-Kept №1", 15_000);
    body["general"]["project_id"] = "101".into();
    let reply = shop.post(WALLET, &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let told = shop.status("case-kept №1").await;
    let request_id = told["operations"][0]["request_id"].as_str().expect("an id");
    let parts: Vec<_> = request_id.split('-').map(str::len).collect();
    assert_eq!(parts, [40, 40, 8], "{request_id}");
    let expected = format!(
        "{{\"status\":\"success\",\"request_id\":\"{request_id}\",\"project_id\":101,\
         \"payment_id\":\"Case-Kept №1\"}}"
    );
    assert_eq!(reply.text, expected);
    assert_eq!(reply.headers["content-type"], "application/json");
    assert_eq!(reply.headers["cache-control"], "no-store");
    assert_eq!(told["payment"]["id"], "Case-Kept №1");
}

/// What is posted to, the member, what it holds instead of what it must, the code, and the member that is
/// told if it is another. `@N` stands for that many letters.
const WRONG: &str = r#"
wallet | payment.amount | null | 2004
wallet | payment.currency | null | 2004
wallet | customer.id | null | 2004
wallet | customer.id | "" | 2004
wallet | customer.ip_address | null | 2004
wallet | customer.first_name | null | 2004
wallet | customer.last_name | null | 2004
wallet | customer.email | null | 2004
wallet | customer.phone | null | 2004
wallet | return_url.success | null | 2004
card | customer.id | null | 2004
card | customer.ip_address | null | 2004
card | card.pan | null | 2004
card | card.year | null | 2004
card | card.month | null | 2004
card | card.card_holder | null | 2004
card | card.cvv | null | 3141
wallet | payment.amount | 0 | 702
wallet | payment.amount | -1 | 702
wallet | payment.amount | 10.5 | 702
wallet | payment.amount | 10.0 | 702
wallet | payment.amount | 1e3 | 702
wallet | payment.amount | "10" | 702
wallet | payment.amount | true | 702
wallet | payment.amount | [10] | 702
wallet | payment.amount | {"minor": 10} | 702
wallet | payment.amount | 10000000000001 | 702
wallet | payment.amount | 9223372036854775807 | 702
wallet | payment.amount | 18446744073709551615 | 702
wallet | payment.amount | 1e300 | 702
wallet | payment.currency | "inr" | 3121
wallet | payment.currency | "XXX" | 3121
wallet | payment.currency | "INRR" | 3121
wallet | payment.currency | "356" | 3121
wallet | payment.currency | 356 | 3121
wallet | payment | "text" | 702
wallet | payment | [1] | 702
wallet | payment.description | "@256" | 702
wallet | payment.description | 5 | 702
wallet | payment.best_before | "tomorrow" | 702
wallet | payment.best_before | "2026-12-01T10:00:00" | 702
wallet | payment.best_before | "2026-11-01T10:00:00+0000" | 702
wallet | payment.end_to_end_id | "@36" | 702
wallet | payment.moto_type | 3 | 702
wallet | payment.is_fast | "yes" | 702
wallet | payment.challenge_indicator | "10" | 702
wallet | customer | "text" | 702
wallet | customer.id | 5 | 2124
wallet | customer.id | "@256" | 2124
wallet | customer.email | "nobody" | 2426
wallet | customer.email | "a b@example.com" | 2426
wallet | customer.email | "a@b@c" | 2426
wallet | customer.email | 5 | 2426
wallet | customer.phone | "123" | 702
wallet | customer.phone | "1234567890123456789012345" | 702
wallet | customer.phone | "+91 98765" | 702
wallet | customer.phone | "٩١٩٨٧٦٥" | 702
wallet | customer.phone | 76575657 | 702
wallet | customer.ip_address | "1.1.1" | 702
wallet | customer.ip_address | "example.com" | 702
wallet | customer.ip_address | "1.1.1.1:80" | 702
wallet | customer.country | "in" | 2610
wallet | customer.country | "IND" | 2610
wallet | customer.country | "ИН" | 2610
wallet | customer.day_of_birth | "1990-12-31" | 2609
wallet | customer.day_of_birth | "31-02-1990" | 2609
wallet | customer.gender | "x" | 702
wallet | customer.first_name | "@256" | 702
wallet | customer.zip | "12345678901" | 702
wallet | customer.ssn | 12345 | 702
wallet | customer.identify.doc_number | 5 | 702
wallet | customer.billing.country | "India" | 2610
wallet | customer.billing.postal | "@17" | 702
wallet | return_url | "https://example.com" | 702
wallet | return_url.success | "/relative" | 702
wallet | return_url.success | "javascript:alert(1)" | 702
wallet | return_url.success | "ftp://example.com" | 702
wallet | return_url.success | "https://a:b@example.com" | 702
wallet | return_url.success | "https:\\\\example.com" | 702
wallet | return_url.success | "https://exa mple.com" | 702
wallet | return_url.decline | "https://example.com/@256" | 702
wallet | return_url.return | 7 | 702
wallet | general.merchant_callback_url | "example.com/cb" | 702
wallet | general.merchant_callback_url | "http://127.0.0.1/cb" | 702
wallet | general.merchant_callback_url | "http://[::ffff:10.0.0.1]/cb" | 702
wallet | general.merchant_callback_url | "http://169.254.169.254/" | 702
wallet | general.merchant_success_callback_url | "nowhere" | 702
wallet | general.referrer_url | "@256" | 702
wallet | callback.delay | 601 | 702
wallet | callback.delay | -1 | 702
wallet | callback.delay | "5" | 702
wallet | callback.force_disable | "true" | 702
wallet | callback | true | 702
card | card | "4444555511113333" | 702
card | card.pan | "4444555511113334" | 3101
card | card.pan | "44445555" | 702
card | card.pan | "444455551111333344445555111133334444555511113333" | 702
card | card.pan | "444455551111333a" | 702
card | card.pan | 4444555511113333 | 702
card | card.year | 2019 | 702
card | card.year | 10000 | 702
card | card.year | 2100 | 702
card | card.year | "2030" | 702
card | card.month | 0 | 702
card | card.month | 13 | 702
card | card.card_holder | "MARY <b>" | 3161
card | card.card_holder | "MARY; DROP" | 3161
card | card.card_holder | "@256" | 3161
card | card.cvv | "12" | 702
card | card.cvv | "1234" | 702
card | card.cvv | "12a" | 702
card | card.cvv | 123 | 702
card | card.save | 1 | 702
card | avs_data | {"avs_post_code": "1"} | 2004 | avs_data.avs_street_address
card | merchant.descriptor | "@14" | 702
card | acs_return_url | {"return_url": "https://shop.in/acs"} | 2004 | acs_return_url.3ds_notification_url
card | acs_return_url.return_url | "shop.in" | 702
"#;

#[tokio::test]
async fn every_member_is_doubted_by_name() {
    let shop = Shop::open().await;
    let rows: Vec<&str> = WRONG.lines().filter(|row| !row.is_empty()).collect();
    assert!(rows.len() > 100, "{}", rows.len());
    for row in rows {
        let columns: Vec<&str> = row.split(" | ").collect();
        let (address, path, code) = (columns[0], columns[1], columns[3]);
        let value: Value = serde_json::from_str(&spelt_out(columns[2])).expect(row);
        let (address, mut body) = match address {
            "wallet" => (WALLET, shop.wallet_sale("wrong", 15_000)),
            _ => (CARD, shop.card_sale("wrong", 1_000, GOOD)),
        };
        set(&mut body, path, &value);
        let reply = shop.post(address, &body).await;
        assert_eq!(
            reply.told(),
            (400, code.to_owned()),
            "{row}: {}",
            reply.text
        );
        let field = columns.get(4).copied().unwrap_or(path);
        let wrong = reply.fields();
        assert!(
            wrong.contains(&(code.to_owned(), field.to_owned())),
            "{row}: {wrong:?}"
        );
        let told = reply.json();
        assert_eq!(
            (&told["project_id"], &told["payment_id"]),
            (&json!(101), &json!("wrong"))
        );
        assert!(!reply.text.contains("444455"), "{}", reply.text);
    }
    // Nothing of it was ever a payment.
    assert_eq!(shop.status("wrong").await["payment"]["status"], "error");
}

/// Puts letters where `@` and a number stand.
fn spelt_out(text: &str) -> String {
    let Some((before, rest)) = text.split_once("\"@").or_else(|| text.split_once("/@")) else {
        return text.to_owned();
    };
    let digits = rest.find('"').expect("a text ends");
    let Ok(letters) = rest[..digits].parse() else {
        return text.to_owned();
    };
    let mark = &text[before.len()..=before.len()];
    format!("{before}{mark}{}{}", "x".repeat(letters), &rest[digits..])
}

#[tokio::test]
async fn a_card_is_good_until_its_month_is_over() {
    let shop = Shop::open().await;
    let mut body = shop.card_sale("month", 1_000, GOOD);
    body["card"]["year"] = 2026.into();
    body["card"]["month"] = 10.into();
    assert_eq!(
        shop.post(CARD, &body).await.told(),
        (400, "3021".to_owned())
    );
    body["card"]["month"] = 11.into();
    assert_eq!(shop.post(CARD, &body).await.told(), (200, String::new()));
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let shop = Shop::open().await;
    let body = json!({
        "general": shop.general("many"),
        "payment": {"amount": "1", "currency": "inr"},
        "customer": {"email": "x"},
    });
    let reply = shop.post(WALLET, &body).await;
    assert_eq!(reply.told(), (400, "702".to_owned()));
    let fields: Vec<_> = reply
        .fields()
        .into_iter()
        .map(|(code, field)| format!("{code} {field}"))
        .collect();
    #[rustfmt::skip]
    let expected = [
        "702 payment.amount", "3121 payment.currency", "2004 customer.id", "2004 customer.ip_address",
        "2004 customer.first_name", "2004 customer.last_name", "2426 customer.email",
        "2004 customer.phone", "2004 return_url.success",
    ];
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn unknown_members_and_empty_ones_do_no_harm() {
    let shop = Shop::open().await;
    let mut body = shop.wallet_sale("more", 15_000);
    for (path, value) in [
        ("customer.middle_name", json!(null)),
        ("customer.zip", json!("")),
        ("customer.billing", json!([])),
        ("customer.country", json!("IN")),
        ("customer.browser", json!("Mozilla/5.0")),
        ("payment.best_before", json!("2026-11-23T10:00:00+0530")),
        ("payment.future", json!({"deep": [{"a": 1.5}, null, false]})),
        (
            "general.merchant_callback_url",
            json!("https://shop.example/cb"),
        ),
        (
            "receipt_data.positions",
            json!([{"quantity": "10", "amount": "108"}]),
        ),
        ("interface_type", json!({"id": 24})),
        ("callback", json!({"delay": 600, "force_disable": false})),
        ("surprise", json!("x")),
    ] {
        set(&mut body, path, &value);
    }
    assert_eq!(shop.post(WALLET, &body).await.told(), (200, String::new()));
    shop.until("more", "success").await;
    // Without a card's own wishes nothing is asked of the payer but what is needed.
    let mut card = shop.card_sale("card", 1_000, GOOD);
    for (path, value) in [
        ("card.pan", json!("4444 5555 1111 3333")),
        ("card.card_holder", json!("Әсел Ким-Ли")),
        ("payment.challenge_indicator", json!("04")),
        ("return_url", json!({})),
        ("acs_return_url", json!(null)),
        ("authentication_data", json!({"eci": "05"})),
    ] {
        set(&mut card, path, &value);
    }
    assert_eq!(shop.post(CARD, &card).await.told(), (200, String::new()));
    let told = shop.until("card", "success").await;
    assert_eq!(told["account"]["number"], "444455**3333");
    assert_eq!(told["payment"]["method"], "card");
    assert!(!told.to_string().contains("4444555511113333"));
}

#[tokio::test]
async fn what_was_told_is_kept_with_the_payment() {
    let shop = Shop::open().await;
    let mut body = shop.wallet_sale("Kept", 15_000);
    for (path, value) in [
        ("payment.description", json!("Чай")),
        ("payment.best_before", json!("2026-11-23T10:00:00+05:30")),
        ("customer.country", json!("IN")),
        ("customer.language", json!("kk_KZ")),
        ("customer.address", json!("Downing str., 23")),
        ("customer.billing.city", json!("Pune")),
        ("return_url.decline", json!("https://shop.in/no")),
        ("return_url.return", json!("https://shop.in/back")),
        ("general.merchant_callback_url", json!("https://shop.in/cb")),
        ("callback", json!({"delay": 5, "force_disable": true})),
    ] {
        set(&mut body, path, &value);
    }
    assert_eq!(shop.post(WALLET, &body).await.told(), (200, String::new()));
    let told = shop.until("kept", "success").await;
    assert_eq!(told["payment"]["description"], "Чай");
    assert_eq!(told["customer"]["id"], "customer123");
    assert_eq!(told["customer"]["address"], "Downing str., 23");
    let payment = shop.payment("kept").await;
    let order = &payment.order;
    assert_eq!(payment.tries_max, 1);
    assert_eq!(payment.expires_at.as_millis(), 1_795_408_200_000);
    assert_eq!(order.reference, "Kept");
    assert_eq!(order.language, altyn_domain::Language::Kk);
    assert_eq!(
        order.return_url.as_deref(),
        Some("http://example.com/success")
    );
    assert_eq!(order.fail_url.as_deref(), Some("https://shop.in/no"));
    assert_eq!(order.callback_url.as_deref(), Some("https://shop.in/cb"));
    assert_eq!(
        (order.callback_delay_ms, order.callbacks_disabled),
        (5_000, true)
    );
    let customer = &order.customer;
    assert_eq!(customer.name.as_deref(), Some("Mary Smith"));
    assert_eq!(customer.country.as_deref(), Some("IN"));
    assert_eq!(customer.ip.as_deref(), Some("1.1.1.1"));
    assert_eq!(customer.phone.as_deref(), Some("76575657657676"));
    assert_eq!(customer.email.as_deref(), Some("smith@example.com"));
    assert_eq!(order.extra["door"], "gate");
    assert_eq!(order.extra["customer"]["billing"]["city"], "Pune");
    assert_eq!(order.extra["return_urls"]["return"], "https://shop.in/back");
    // An end that is too far away does not count.
    let mut far = shop.wallet_sale("far", 15_000);
    set(
        &mut far,
        "payment.best_before",
        &json!("2027-01-01T00:00:00Z"),
    );
    assert_eq!(shop.post(WALLET, &far).await.told(), (200, String::new()));
    assert_eq!(
        shop.payment("far").await.expires_at.as_millis(),
        NOW_MS + 1_200_000
    );
}

#[tokio::test]
async fn an_id_of_a_payment_is_used_once() {
    let shop = Shop::open().await;
    let body = shop.wallet_sale("Order_314", 15_000);
    let first = shop.post(WALLET, &body).await;
    assert_eq!(first.told(), (200, String::new()));
    for id in ["Order_314", "order_314", "ORDER_314"] {
        for (path, body) in [
            (WALLET, shop.wallet_sale(id, 15_000)),
            (CARD, shop.card_sale(id, 1, GOOD)),
            (AUTH, shop.card_sale(id, 1, GOOD)),
        ] {
            let reply = shop.post(path, &body).await;
            assert_eq!(reply.told(), (400, "3041".to_owned()), "{id}");
            assert_eq!(reply.json()["payment_id"], id);
        }
    }
    assert_eq!(
        shop.post(WALLET, &shop.wallet_sale("order_315", 15_000))
            .await
            .status,
        200
    );
    let many = (0..20).map(|_| {
        let body = shop.wallet_sale("Parallel", 15_000);
        let shop = shop.clone();
        async move { shop.post(WALLET, &body).await.told() }
    });
    let told = futures::future::join_all(many).await;
    let taken = told
        .iter()
        .filter(|told| **told == (200, String::new()))
        .count();
    let refused = told
        .iter()
        .filter(|told| **told == (400, "3041".to_owned()))
        .count();
    assert_eq!((taken, refused), (1, 19), "{told:?}");
}

#[tokio::test]
async fn what_the_project_does_not_take_is_refused_at_once() {
    let shop = Shop::open().await;
    for currency in ["USD", "KZT"] {
        let mut body = shop.wallet_sale("foreign", 15_000);
        body["payment"]["currency"] = currency.into();
        assert_eq!(
            shop.post(WALLET, &body).await.told(),
            (400, "3023".to_owned()),
            "{currency}"
        );
    }
    for method in [
        "wallet",
        "wallet-partner/x",
        "Wallet-Partner",
        "banks",
        "cards",
        "bank-2",
    ] {
        let body = shop.wallet_sale("foreign", 15_000);
        let reply = shop
            .post(&format!("/v2/payment/{method}/sale"), &body)
            .await;
        assert_eq!(reply.told(), (400, "2541".to_owned()), "{method}");
    }
    assert_eq!(shop.status("foreign").await["payment"]["status"], "error");
    // By its own id or by the family's word.
    for (id, path) in [("c-1", CARD), ("c-2", "/v2/payment/bank-1/sale")] {
        shop.paid(path, &shop.card_sale(id, 1_000, GOOD), "success")
            .await;
    }
    let told = shop
        .paid(
            "/v2/payment/banks/india/sale",
            &shop.wallet_sale("b-1", 500),
            "success",
        )
        .await;
    assert_eq!(told["payment"]["method"], "banks/india");
}

#[tokio::test]
async fn what_the_method_does_not_take_is_accepted_and_declined() {
    let shop = Shop::open().await;
    let table = [
        ("small", "payment.amount", json!(99), "3358"),
        ("large", "payment.amount", json!(40_000_001), "2642"),
        ("other", "payment.currency", json!("EUR"), "3121"),
        ("abroad", "customer.country", json!("KZ"), "20205"),
        (
            "hugest",
            "payment.amount",
            json!(10_000_000_000_000_i64),
            "2642",
        ),
    ];
    for (id, path, value, code) in table {
        let mut body = shop.wallet_sale(id, 15_000);
        set(&mut body, path, &value);
        assert_eq!(
            shop.post(WALLET, &body).await.told(),
            (200, String::new()),
            "{id}"
        );
        let told = shop.status(id).await;
        assert_eq!(told["payment"]["status"], "decline", "{told}");
        let operation = &told["operations"][0];
        assert_eq!(
            (&operation["status"], &operation["code"]),
            (&json!("decline"), &json!(code))
        );
        assert!(operation.get("provider").is_none());
    }
    for amount in [100, 40_000_000] {
        let id = format!("limit-{amount}");
        shop.paid(WALLET, &shop.wallet_sale(&id, amount), "success")
            .await;
    }
    let declined = shop
        .paid(CARD, &shop.card_sale("poor", 1_000, POOR), "decline")
        .await;
    assert_eq!(declined["operations"][0]["code"], "10105");
    let held = shop
        .paid(
            AUTH,
            &shop.card_sale("held", 1_000, GOOD),
            "awaiting capture",
        )
        .await;
    assert_eq!(held["operations"][0]["type"], "auth");
    let mut yen = shop.card_sale("yen", 1_000, GOOD);
    yen["payment"]["currency"] = "JPY".into();
    let told = shop.paid(CARD, &yen, "success").await;
    assert_eq!(
        told["payment"]["sum"],
        json!({"amount": 1_000, "currency": "JPY"})
    );
}

#[tokio::test]
async fn a_busy_gate_says_when_to_come_back() {
    let config = EngineConfig {
        background_max: 0,
        ..EngineConfig::default()
    };
    let shop = Shop::open_with(config).await;
    let body = shop.wallet_sale("busy", 15_000);
    let reply = shop.post(WALLET, &body).await;
    assert_eq!(reply.told(), (503, "601".to_owned()));
    assert_eq!(reply.json()["message"], "Try again");
    assert_eq!(reply.headers["retry-after"], "1");
    // Nothing was begun, and the id is free.
    assert_eq!(shop.status("busy").await["payment"]["status"], "error");
}

/// The paths of all members of a value.
fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        paths(value, &path, found);
        found.push(path);
    }
}

#[tokio::test]
async fn row_84_odd_values_anywhere_get_an_answer() {
    let shop = Shop::open().await;
    #[rustfmt::skip]
    let odd = [
        json!(null), json!(true), json!(0), json!(-1), json!(1.5), json!(1e300), json!(i64::MIN),
        json!(u64::MAX), json!(""), json!("\u{202e}\u{feff}"), json!("x".repeat(5_000)), json!([]),
        json!([[[]]]), json!({}), json!({"": {"": ""}}), json!({"amount": 1, "id": []}),
    ];
    let mut card = shop.card_sale("odd", 1_000, GOOD);
    card["acs_return_url"] =
        json!({"return_url": "https://a.in", "3ds_notification_url": "https://a.in"});
    card["callback"] = json!({"delay": 1, "force_disable": false});
    let after = shop.about(
        "odd",
        json!({
            "description": "x", "amount": 1, "currency": "INR", "merchant_refund_id": "r",
        }),
    );
    let steps =
        json!({"general": shop.general("odd"), "cres": "x", "threeds_completion_indicator": true});
    let bodies = [
        (WALLET, shop.wallet_sale("odd", 15_000)),
        (CARD, card),
        ("/v2/payment/card/refund", after.clone()),
        ("/v2/payment/card/capture", after),
        ("/v2/payment/card/3ds_result", steps.clone()),
        ("/v2/payment/card/3ds_check_iframe", steps),
        (
            "/v2/payment/status",
            json!({"general": shop.general("odd"), "destination": "merchant"}),
        ),
        (
            "/v2/payment/status/request",
            json!({"project_id": 101, "request_id": "x"}),
        ),
    ];
    for (address, body) in bodies {
        let mut places = Vec::new();
        paths(&body, "", &mut places);
        for path in places {
            for value in &odd {
                let mut body = body.clone();
                set(&mut body, &path, value);
                let reply = shop.post(address, &body).await;
                let expected = matches!(reply.status, 200 | 400 | 403 | 404);
                assert!(expected, "{address} {path} {value}: {}", reply.text);
                assert!(reply.json().is_object());
            }
        }
    }
}
