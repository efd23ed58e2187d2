//! Who is let in, and in which order a request is doubted.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::shop::{GOOD, POOR, Shop};

const SALE: &str = "/v2/payment/wallet-partner/sale";

#[tokio::test]
async fn the_first_check_that_fails_is_the_answer() {
    let shop = Shop::open().await;
    // Each is wrong in its own way and in every way of those below it.
    #[rustfmt::skip]
    let table: [(&str, String, u16, &str); 9] = [
        ("too large", format!("{{{}", " ".repeat(64 * 1024)), 413, "702"),
        ("no JSON", "{\"general\":{}".to_owned(), 422, "2003"),
        ("no object", "[1]".to_owned(), 400, "702"),
        ("nobody", "{}".to_owned(), 400, "2004"),
        ("unsigned", json!({"general": {"project_id": 9, "payment_id": "p"}}).to_string(), 400, "3262"),
        (
            "unknown project",
            json!({"general": {"project_id": 9, "payment_id": "p", "signature": "x"}}).to_string(),
            400,
            "2442",
        ),
        (
            "wrong signature",
            json!({"general": {"project_id": 101, "payment_id": "p", "signature": "x"}}).to_string(),
            400,
            "3261",
        ),
        (
            "members",
            shop.signed(&json!({"general": shop.general("p")})).to_string(),
            400,
            "2004",
        ),
        (
            "business",
            shop.signed(&{
                let mut body = shop.wallet_sale("p", 15_000);
                body["payment"]["currency"] = "USD".into();
                body
            })
            .to_string(),
            400,
            "3023",
        ),
    ];
    for (name, body, status, code) in table {
        let reply = shop.raw(SALE, body).await;
        assert_eq!(
            reply.told(),
            (status, code.to_owned()),
            "{name}: {}",
            reply.text
        );
    }
    assert_eq!(shop.status("p").await["payment"]["status"], "error");
}

#[tokio::test]
async fn row_45_only_the_right_signature_is_one() {
    let shop = Shop::open().await;
    let neighbour = shop.neighbour(202, &[]).await;
    let body = shop.wallet_sale("row-45", 15_000);
    let right = shop.signed(&body)["general"]["signature"].clone();
    let text = right.as_str().expect("a text").to_owned();
    let with = |signature: Value| {
        let mut body = body.clone();
        body["general"]["signature"] = signature;
        body.to_string()
    };
    let absent = [
        json!(null),
        json!(""),
        json!([]),
        json!({}),
        json!([text]),
        json!(1),
        json!(true),
    ];
    for signature in absent {
        let reply = shop.raw(SALE, with(signature.clone())).await;
        assert_eq!(reply.told(), (400, "3262".to_owned()), "{signature}");
    }
    assert_eq!(
        shop.raw(SALE, body.to_string()).await.told(),
        (400, "3262".to_owned())
    );
    let swapped: String = text.chars().rev().collect();
    let wrong = [
        "x".to_owned(),
        " ".to_owned(),
        "==".to_owned(),
        swapped,
        text.to_lowercase(),
        text.trim_end_matches('=').to_owned(),
        format!("{text} "),
        format!("{text}\n"),
        format!("A{text}"),
        text[4..].to_owned(),
        text.replace('+', "-").replace('/', "_") + "A",
        neighbour.signed(&body)["general"]["signature"]
            .as_str()
            .expect("a text")
            .to_owned(),
        shop.signed(&shop.wallet_sale("row-46", 15_000))["general"]["signature"]
            .as_str()
            .expect("a text")
            .to_owned(),
    ];
    for signature in wrong {
        let reply = shop.raw(SALE, with(json!(signature))).await;
        assert_eq!(reply.told(), (400, "3261".to_owned()), "{signature}");
    }
    // Every character counts.
    for at in 0..text.len() - 2 {
        let mut other = text.clone().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).expect("letters");
        let reply = shop.raw(SALE, with(json!(other))).await;
        // The last digit has bits that no byte needs: another one may be no base64 at all.
        assert_eq!(reply.told(), (400, "3261".to_owned()), "{at}");
    }
    assert_eq!(shop.status("row-45").await["payment"]["status"], "error");
    assert_eq!(
        shop.raw(SALE, with(right)).await.told(),
        (200, String::new())
    );
}

#[tokio::test]
async fn row_48_a_changed_body_is_refused() {
    let shop = Shop::open().await;
    let body = shop.signed(&shop.wallet_sale("row-48", 15_000)).to_string();
    for (from, to) in [
        ("15000", "15001"),
        ("INR", "EUR"),
        ("row-48", "row-49"),
        ("Mary", "mary"),
        ("http://example.com/success", "http://example.com/succesS"),
        ("\"amount\"", "\"Amount\""),
        ("{\"customer\"", "{\"unknown\":1,\"customer\""),
        ("Smith", "Smith "),
    ] {
        let changed = body.replacen(from, to, 1);
        assert_ne!(changed, body, "{from}");
        let reply = shop.raw(SALE, changed).await;
        assert_eq!(reply.told(), (400, "3261".to_owned()), "{from}");
    }
    // A project's number in a text is the same number.
    let same = body.replacen("\"project_id\":101", "\"project_id\":\"101\"", 1);
    assert_ne!(same, body);
    let reply = shop.raw(SALE, same).await;
    assert_eq!(reply.json()["project_id"], 101, "{}", reply.text);
}

#[tokio::test]
async fn row_46_there_is_one_reading_of_a_body() {
    let shop = Shop::open().await;
    let body = shop.signed(&shop.wallet_sale("row-46", 15_000)).to_string();
    let malformed = [
        body.replacen("\"amount\":15000", "\"amount\":15000,\"amount\":1", 1),
        body.replacen("\"amount\":15000", "\"amount\":1,\"\\u0061mount\":15000", 1),
        body.replacen("\"amount\":15000", "\"amount\":1e999", 1),
        body.replacen("{\"customer\"", "{\"general\":{},\"customer\"", 1),
        body.replacen(
            "\"INR\"",
            &format!("\"INR\",\"x\":{}{}", "[".repeat(40), "]".repeat(40)),
            1,
        ),
        body.replacen(
            "\"INR\"",
            &format!("\"INR\",\"x\":[{}1]", "1,".repeat(10_000)),
            1,
        ),
    ];
    for body in malformed {
        let reply = shop.raw(SALE, body.clone()).await;
        assert_eq!(reply.told(), (400, "702".to_owned()), "{body:.300}");
    }
    let no_json: [Vec<u8>; 7] = [
        format!("\u{feff}{body}").into_bytes(),
        body.replacen("Mary", "\u{0}", 1).into_bytes(),
        body.clone()
            .into_bytes()
            .iter()
            .map(|b| if *b == b'M' { 0xff } else { *b })
            .collect(),
        body.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        body.replacen("Mary", "\\ud800", 1).into_bytes(),
        format!("{body} {{}}").into_bytes(),
        Vec::new(),
    ];
    for body in no_json {
        let reply = shop.raw(SALE, body).await;
        assert_eq!(reply.told(), (422, "2003".to_owned()), "{}", reply.text);
    }
    // Names of another letter case are other names, and control characters are nobody's.
    let mut other = shop.wallet_sale("row-46", 15_000);
    let customer = other["customer"].take();
    other["Customer"] = customer;
    let reply = shop.post(SALE, &other).await;
    assert_eq!(reply.told(), (400, "2004".to_owned()), "{}", reply.text);
    for text in ["a\u{0}b", "a\u{1b}[31m", "\u{9f}"] {
        for path in ["first_name", "unknown"] {
            let mut body = shop.wallet_sale("row-46", 15_000);
            body["customer"][path] = text.into();
            assert_eq!(
                shop.post(SALE, &body).await.told(),
                (400, "702".to_owned()),
                "{text:?}"
            );
        }
        let mut body = shop.wallet_sale("row-46", 15_000);
        body["customer"][text] = "x".into();
        assert_eq!(
            shop.post(SALE, &body).await.told(),
            (400, "702".to_owned()),
            "{text:?}"
        );
    }
    assert_eq!(shop.status("row-46").await["payment"]["status"], "error");
}

#[tokio::test]
async fn who_sends_it_must_be_told_exactly() {
    let shop = Shop::open().await;
    let long = "я".repeat(256);
    #[rustfmt::skip]
    let table: [(Value, Value, &str, &str); 22] = [
        (json!(null), json!("p"), "2004", "general.project_id"),
        (json!(""), json!("p"), "2004", "general.project_id"),
        (json!(0), json!("p"), "702", "general.project_id"),
        (json!(-101), json!("p"), "702", "general.project_id"),
        (json!(101.5), json!("p"), "702", "general.project_id"),
        (json!(4_294_967_296_u64), json!("p"), "702", "general.project_id"),
        (json!(u64::MAX), json!("p"), "702", "general.project_id"),
        (json!("0101"), json!("p"), "702", "general.project_id"),
        (json!("+101"), json!("p"), "702", "general.project_id"),
        (json!(" 101"), json!("p"), "702", "general.project_id"),
        (json!("１０１"), json!("p"), "702", "general.project_id"),
        (json!(true), json!("p"), "702", "general.project_id"),
        (json!([101]), json!("p"), "702", "general.project_id"),
        (json!({"a": 1}), json!("p"), "702", "general.project_id"),
        (json!(101), json!(null), "2004", "general.payment_id"),
        (json!(101), json!(""), "2004", "general.payment_id"),
        (json!(101), json!(5), "3024", "general.payment_id"),
        (json!(101), json!(" p"), "3024", "general.payment_id"),
        (json!(101), json!("p\u{a0}"), "3024", "general.payment_id"),
        (json!(101), json!("p\n"), "3024", "general.payment_id"),
        (json!(101), json!(long), "3024", "general.payment_id"),
        (json!(101), json!(["p"]), "3024", "general.payment_id"),
    ];
    for (project, payment, code, field) in table {
        let body =
            json!({"general": {"project_id": project, "payment_id": payment, "signature": "x"}});
        let reply = shop.raw(SALE, body.to_string()).await;
        assert_eq!(reply.told(), (400, code.to_owned()), "{body}");
        assert_eq!(
            reply.fields(),
            [(code.to_owned(), field.to_owned())],
            "{body}"
        );
        // What nobody has signed is not said back.
        assert!(reply.json().get("payment_id").is_none());
    }
    for project in ["1e2", "101.0", "1010e-1", "99999999999999999999999"] {
        let body = format!(
            "{{\"general\":{{\"project_id\":{project},\"payment_id\":\"p\",\"signature\":\"x\"}}}}"
        );
        let reply = shop.raw(SALE, body).await;
        assert_eq!(reply.told(), (400, "702".to_owned()), "{project}");
    }
    let both = shop.raw(SALE, "{\"general\":[]}").await.fields();
    assert_eq!(both.len(), 2, "{both:?}");
    let longest = "я".repeat(255);
    for id in [longest.as_str(), "a b", "Заказ №7", "😀"] {
        let reply = shop.post(SALE, &shop.wallet_sale(id, 15_000)).await;
        assert_eq!(reply.json()["payment_id"], id, "{}", reply.text);
    }
}

#[tokio::test]
async fn addresses_count_after_the_signature() {
    let shop = Shop::open().await;
    let mut bound = shop.neighbour(303, &["10.0.0.0/8", "2001:db8::/32"]).await;
    let body = bound.wallet_sale("a-1", 15_000);
    assert_eq!(
        bound.post(SALE, &body).await.told(),
        (403, "303".to_owned())
    );
    bound.key.push('x');
    assert_eq!(
        bound.post(SALE, &body).await.told(),
        (400, "3261".to_owned())
    );
    bound.key.pop();
    for from in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7"] {
        bound.from = from.parse().expect("an address");
        let body = bound.wallet_sale(from, 15_000);
        assert_eq!(
            bound.post(SALE, &body).await.told(),
            (200, String::new()),
            "{from}"
        );
    }
    // What a proxy might say is not asked: nobody said that there is one.
    let request = Request::post(SALE)
        .header("x-forwarded-for", "10.1.2.3")
        .header("x-real-ip", "10.1.2.3")
        .header("forwarded", "for=10.1.2.3")
        .body(Body::from(bound.signed(&body).to_string()));
    let reply = bound.send(request.expect("a request")).await;
    assert_eq!(reply.told(), (403, "303".to_owned()));
}

#[tokio::test]
async fn a_revoked_key_signs_nothing_any_more() {
    let shop = Shop::open().await;
    let body = shop.wallet_sale("r-1", 15_000);
    assert_eq!(shop.post(SALE, &body).await.told(), (200, String::new()));
    let revoked = shop.engine.revoke_credential("ecommpay", "101").await;
    assert_eq!(revoked.expect("it is revoked"), 1);
    for path in [
        SALE,
        "/v2/payment/status",
        "/v2/payment/wallet-partner/refund",
    ] {
        assert_eq!(
            shop.post(path, &body).await.told(),
            (400, "2442".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn only_posts_to_known_addresses_are_read() {
    let shop = Shop::open().await;
    #[rustfmt::skip]
    let unknown = [
        "/v2/", "/v2/payment", "/v2/payment/", "/v2/payment/sale", "/v2/payment//sale",
        "/v2/payment/card/sale/", "/v2/payment/card/sell", "/v2/payment/card/sale/tokens",
        "/v2/payment/card%2fsale", "/v2/payment/ca rd/sale", "/v2/payment/../card/sale",
        "/v2/payment/status/requests", "/v2/customer", "/v2/customer/info/x", "/v2/info/banks/list",
        "/v2/recurring", "/v2/PAYMENT/card/sale", "/v1/payment/card/sale",
    ];
    for path in unknown {
        let Ok(request) = Request::post(path).body(Body::from("{}")) else {
            continue;
        };
        let reply = shop.send(request).await;
        assert_eq!(reply.status, 404, "{path}");
    }
    for method in ["GET", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH"] {
        let request = Request::builder()
            .method(method)
            .uri(SALE)
            .body(Body::empty());
        let reply = shop.send(request.expect("a request")).await;
        assert_eq!(reply.status, 405, "{method}");
        assert_eq!(reply.headers["allow"], "POST");
    }
}

#[tokio::test]
async fn what_this_gateway_lacks_is_refused_to_those_who_may_ask() {
    let shop = Shop::open().await;
    #[rustfmt::skip]
    let of_payment = [
        "/v2/payment/card/sale/token", "/v2/payment/card/sale/saved", "/v2/payment/card/auth/token",
        "/v2/payment/card/auth/saved", "/v2/payment/card/incremental", "/v2/payment/card/payout",
        "/v2/payment/card/payout/token", "/v2/payment/individual/payout",
        "/v2/payment/card/account_verification", "/v2/payment/card/account_verification/token",
        "/v2/payment/card/recurring", "/v2/payment/card/recurring/update",
        "/v2/payment/card/recurring/cancel", "/v2/payment/card/merchant_auth",
        "/v2/payment/clarification", "/v2/payment/invoice/create", "/v2/payment/invoice/cancel",
        "/v2/payment/invoice/card/token/create", "/v2/payment/wallet-partner/payout",
        // Of methods that are there, for kinds of methods that cannot.
        "/v2/payment/wallet-partner/auth", "/v2/payment/wallet-partner/capture",
        "/v2/payment/wallet-partner/cancel", "/v2/payment/wallet-partner/3ds_result",
        "/v2/payment/banks/india/3ds_check_iframe",
    ];
    let payment = shop.wallet_sale("lacking", 15_000);
    let general = json!({"general": {"project_id": 101}, "recurring": {"id": 1}});
    let customer = json!({"customer": {"project_id": 101, "id": "1"}, "token": "x"});
    let all = of_payment.map(|path| (path, &payment)).into_iter();
    let all = all.chain([
        ("/v2/payment/card/recurring/info", &general),
        ("/v2/recurring/retry_stop", &general),
        ("/v2/customer/card/tokenize", &customer),
        ("/v2/customer/card/bytoken", &customer),
        ("/v2/customer/card/token/revoke", &customer),
        ("/v2/customer/info", &customer),
        ("/v2/customer/saved_account/list", &customer),
        ("/v2/customer/saved_account/delete", &customer),
    ]);
    for (path, body) in all {
        let reply = shop.post(path, body).await;
        assert_eq!(reply.told(), (403, "310".to_owned()), "{path}");
        let unsigned = shop.raw(path, body.to_string()).await;
        assert_eq!(unsigned.told(), (400, "3262".to_owned()), "{path}");
        let mut wrong = shop.signed(body);
        wrong["more"] = 1.into();
        let wrong = shop.raw(path, wrong.to_string()).await;
        assert_eq!(wrong.told(), (400, "3261".to_owned()), "{path}");
    }
    for path in [
        "/v2/payment/applepay/sale",
        "/v2/payment/banks/france/sale",
        "/v2/payment/pix/refund",
    ] {
        assert_eq!(
            shop.post(path, &payment).await.told(),
            (400, "2541".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn no_money_is_taken_in_another_way_than_meant() {
    let shop = Shop::open().await;
    // A series would be begun, or nobody be there for 3-D Secure.
    for (path, value) in [
        ("/recurring", json!({"register": true})),
        ("/recurring_register", json!(true)),
        ("/payment/moto_type", json!(1)),
        ("/payment/moto_type", json!(2)),
    ] {
        let mut body = shop.card_sale("lacking", 1_000, GOOD);
        let (parent, name) = path.rsplit_once('/').expect("a path");
        body.pointer_mut(parent).expect("it is there")[name] = value;
        let reply = shop.post("/v2/payment/card/sale", &body).await;
        assert_eq!(reply.told(), (403, "310".to_owned()), "{path}");
    }
    let mut plain = shop.card_sale("plain", 1_000, GOOD);
    plain["recurring"] = json!({"register": false});
    plain["payment"]["moto_type"] = json!(0);
    assert_eq!(
        shop.post("/v2/payment/card/sale", &plain).await.told(),
        (200, String::new())
    );
}

#[tokio::test]
async fn row_61_a_payment_of_another_project_is_unknown() {
    let shop = Shop::open().await;
    let body = shop.card_sale("Mine", 1_000, GOOD);
    let paid = shop
        .paid("/v2/payment/card/auth", &body, "awaiting capture")
        .await;
    let other = shop.neighbour(202, &[]).await;
    for (path, payment) in [
        ("/v2/payment/card/capture", json!({})),
        ("/v2/payment/card/cancel", json!({})),
        ("/v2/payment/card/refund", json!({"description": "x"})),
        ("/v2/payment/refund", json!({"description": "x"})),
    ] {
        let reply = other.post(path, &other.about("Mine", payment)).await;
        assert_eq!(reply.told(), (400, "3061".to_owned()), "{path}");
    }
    for (path, name, value) in [
        ("/v2/payment/card/3ds_result", "cres", json!("x")),
        (
            "/v2/payment/card/3ds_check_iframe",
            "threeds_completion_indicator",
            json!(true),
        ),
    ] {
        let mut body = json!({"general": other.general("Mine")});
        body[name] = value;
        assert_eq!(
            other.post(path, &body).await.told(),
            (400, "3061".to_owned()),
            "{path}"
        );
    }
    assert_eq!(other.status("Mine").await["errors"][0]["code"], "3061");
    let request = paid["operations"][0]["request_id"].clone();
    let body = json!({"project_id": 202, "request_id": request});
    let reply = other.post("/v2/payment/status/request", &body).await;
    assert_eq!(reply.told(), (404, "3061".to_owned()));
    // One id, two projects, two payments.
    let reply = other
        .post("/v2/payment/card/sale", &other.card_sale("Mine", 500, POOR))
        .await;
    assert_eq!(reply.told(), (200, String::new()));
    other.until("Mine", "decline").await;
    assert_eq!(shop.status("Mine").await, paid);
}
