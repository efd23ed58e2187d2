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

#[tokio::test]
async fn every_member_is_doubted_by_name() {
    let shop = Shop::open().await;
    let long = "x".repeat(256);
    let url = format!("https://example.com/{long}");
    let missing = "2004";
    #[rustfmt::skip]
    let table: Vec<(&str, &str, Value, &str)> = vec![
        (WALLET, "payment.amount", json!(null), missing),
        (WALLET, "payment.currency", json!(null), missing),
        (WALLET, "customer.id", json!(null), missing),
        (WALLET, "customer.id", json!(""), missing),
        (WALLET, "customer.ip_address", json!(null), missing),
        (WALLET, "customer.first_name", json!(null), missing),
        (WALLET, "customer.last_name", json!(null), missing),
        (WALLET, "customer.email", json!(null), missing),
        (WALLET, "customer.phone", json!(null), missing),
        (WALLET, "return_url.success", json!(null), missing),
        (CARD, "customer.id", json!(null), missing),
        (CARD, "customer.ip_address", json!(null), missing),
        (CARD, "card.pan", json!(null), missing),
        (CARD, "card.year", json!(null), missing),
        (CARD, "card.month", json!(null), missing),
        (CARD, "card.card_holder", json!(null), missing),
        (CARD, "card.cvv", json!(null), "3141"),
        // Amounts: whole numbers from 1 to 10^13.
        (WALLET, "payment.amount", json!(0), "702"),
        (WALLET, "payment.amount", json!(-1), "702"),
        (WALLET, "payment.amount", json!(10.5), "702"),
        (WALLET, "payment.amount", json!(10.0), "702"),
        (WALLET, "payment.amount", json!(1e3), "702"),
        (WALLET, "payment.amount", json!("10"), "702"),
        (WALLET, "payment.amount", json!(true), "702"),
        (WALLET, "payment.amount", json!([10]), "702"),
        (WALLET, "payment.amount", json!({"minor": 10}), "702"),
        (WALLET, "payment.amount", json!(10_000_000_000_001_i64), "702"),
        (WALLET, "payment.amount", json!(i64::MAX), "702"),
        (WALLET, "payment.amount", json!(u64::MAX), "702"),
        (WALLET, "payment.amount", json!(1e300), "702"),
        (WALLET, "payment.currency", json!("inr"), "3121"),
        (WALLET, "payment.currency", json!("XXX"), "3121"),
        (WALLET, "payment.currency", json!("INRR"), "3121"),
        (WALLET, "payment.currency", json!("356"), "3121"),
        (WALLET, "payment.currency", json!(356), "3121"),
        (WALLET, "payment", json!("text"), "702"),
        (WALLET, "payment", json!([1]), "702"),
        (WALLET, "payment.description", json!(long), "702"),
        (WALLET, "payment.description", json!(5), "702"),
        (WALLET, "payment.best_before", json!("tomorrow"), "702"),
        (WALLET, "payment.best_before", json!("2026-12-01T10:00:00"), "702"),
        (WALLET, "payment.best_before", json!("2026-11-01T10:00:00+0000"), "702"),
        (WALLET, "payment.end_to_end_id", json!("x".repeat(36)), "702"),
        (WALLET, "payment.moto_type", json!(3), "702"),
        (WALLET, "payment.is_fast", json!("yes"), "702"),
        (WALLET, "payment.challenge_indicator", json!("10"), "702"),
        (WALLET, "customer", json!("text"), "702"),
        (WALLET, "customer.id", json!(5), "2124"),
        (WALLET, "customer.id", json!(long), "2124"),
        (WALLET, "customer.email", json!("nobody"), "2426"),
        (WALLET, "customer.email", json!("a b@example.com"), "2426"),
        (WALLET, "customer.email", json!("a@b@c"), "2426"),
        (WALLET, "customer.email", json!(5), "2426"),
        (WALLET, "customer.phone", json!("123"), "702"),
        (WALLET, "customer.phone", json!("1234567890123456789012345"), "702"),
        (WALLET, "customer.phone", json!("+91 98765"), "702"),
        (WALLET, "customer.phone", json!("٩١٩٨٧٦٥"), "702"),
        (WALLET, "customer.phone", json!(76_575_657), "702"),
        (WALLET, "customer.ip_address", json!("1.1.1"), "702"),
        (WALLET, "customer.ip_address", json!("example.com"), "702"),
        (WALLET, "customer.ip_address", json!("1.1.1.1:80"), "702"),
        (WALLET, "customer.country", json!("in"), "2610"),
        (WALLET, "customer.country", json!("IND"), "2610"),
        (WALLET, "customer.country", json!("ИН"), "2610"),
        (WALLET, "customer.day_of_birth", json!("1990-12-31"), "2609"),
        (WALLET, "customer.day_of_birth", json!("31-02-1990"), "2609"),
        (WALLET, "customer.gender", json!("x"), "702"),
        (WALLET, "customer.first_name", json!(long), "702"),
        (WALLET, "customer.zip", json!("12345678901"), "702"),
        (WALLET, "customer.ssn", json!(12_345), "702"),
        (WALLET, "customer.identify.doc_number", json!(5), "702"),
        (WALLET, "customer.billing.country", json!("India"), "2610"),
        (WALLET, "customer.billing.postal", json!("x".repeat(17)), "702"),
        (WALLET, "return_url", json!("https://example.com"), "702"),
        (WALLET, "return_url.success", json!("/relative"), "702"),
        (WALLET, "return_url.success", json!("javascript:alert(1)"), "702"),
        (WALLET, "return_url.success", json!("ftp://example.com"), "702"),
        (WALLET, "return_url.success", json!("https://a:b@example.com"), "702"),
        (WALLET, "return_url.success", json!("https:\\\\example.com"), "702"),
        (WALLET, "return_url.success", json!("https://exa mple.com"), "702"),
        (WALLET, "return_url.decline", json!(url), "702"),
        (WALLET, "return_url.return", json!(7), "702"),
        (WALLET, "general.merchant_callback_url", json!("example.com/cb"), "702"),
        (WALLET, "general.merchant_callback_url", json!("http://127.0.0.1/cb"), "702"),
        (WALLET, "general.merchant_callback_url", json!("http://[::ffff:10.0.0.1]/cb"), "702"),
        (WALLET, "general.merchant_callback_url", json!("http://169.254.169.254/"), "702"),
        (WALLET, "general.merchant_success_callback_url", json!("nowhere"), "702"),
        (WALLET, "general.referrer_url", json!(long), "702"),
        (WALLET, "callback.delay", json!(601), "702"),
        (WALLET, "callback.delay", json!(-1), "702"),
        (WALLET, "callback.delay", json!("5"), "702"),
        (WALLET, "callback.force_disable", json!("true"), "702"),
        (WALLET, "callback", json!(true), "702"),
        // Cards.
        (CARD, "card", json!(GOOD), "702"),
        (CARD, "card.pan", json!("4444555511113334"), "3101"),
        (CARD, "card.pan", json!("44445555"), "702"),
        (CARD, "card.pan", json!("4444555511113333".repeat(3)), "702"),
        (CARD, "card.pan", json!("444455551111333a"), "702"),
        (CARD, "card.pan", json!(4_444_555_511_113_333_u64), "702"),
        (CARD, "card.year", json!(2019), "702"),
        (CARD, "card.year", json!(10_000), "702"),
        (CARD, "card.year", json!(2100), "702"),
        (CARD, "card.year", json!("2030"), "702"),
        (CARD, "card.month", json!(0), "702"),
        (CARD, "card.month", json!(13), "702"),
        (CARD, "card.card_holder", json!("MARY <b>"), "3161"),
        (CARD, "card.card_holder", json!("MARY; DROP"), "3161"),
        (CARD, "card.card_holder", json!(long), "3161"),
        (CARD, "card.cvv", json!("12"), "702"),
        (CARD, "card.cvv", json!("1234"), "702"),
        (CARD, "card.cvv", json!("12a"), "702"),
        (CARD, "card.cvv", json!(123), "702"),
        (CARD, "card.save", json!(1), "702"),
        (CARD, "avs_data", json!({"avs_post_code": "1"}), missing),
        (CARD, "merchant.descriptor", json!("x".repeat(14)), "702"),
        (CARD, "acs_return_url", json!({"return_url": "https://shop.in/acs"}), missing),
        (CARD, "acs_return_url.return_url", json!("shop.in"), "702"),
    ];
    let nested = |path: &str| match path {
        "avs_data" => "avs_data.avs_street_address".to_owned(),
        "acs_return_url" => "acs_return_url.3ds_notification_url".to_owned(),
        path => path.to_owned(),
    };
    for (address, path, value, code) in table {
        let mut body = match address {
            WALLET => shop.wallet_sale("wrong", 15_000),
            _ => shop.card_sale("wrong", 1_000, GOOD),
        };
        set(&mut body, path, &value);
        let reply = shop.post(address, &body).await;
        assert_eq!(
            reply.told(),
            (400, code.to_owned()),
            "{path} {value}: {}",
            reply.text
        );
        let wrong = reply.fields();
        assert!(
            wrong.contains(&(code.to_owned(), nested(path))),
            "{path} {value}: {wrong:?}"
        );
        let told = reply.json();
        assert_eq!(
            (&told["project_id"], &told["payment_id"]),
            (&json!(101), &json!("wrong"))
        );
        assert!(!reply.text.contains("444455"), "{}", reply.text);
    }
    let mut expired = shop.card_sale("wrong", 1_000, GOOD);
    expired["card"]["year"] = 2026.into();
    expired["card"]["month"] = 10.into();
    assert_eq!(
        shop.post(CARD, &expired).await.told(),
        (400, "3021".to_owned())
    );
    // Nothing of it was ever a payment.
    assert_eq!(shop.status("wrong").await["payment"]["status"], "error");
    expired["card"]["month"] = 11.into();
    assert_eq!(shop.post(CARD, &expired).await.told(), (200, String::new()));
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
