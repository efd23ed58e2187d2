//! Generation 2 of the wallet partner's API.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::partner::{PHONE, Wallets, read};

fn code(answer: &(StatusCode, Value)) -> (u16, &str) {
    (
        answer.0.as_u16(),
        answer.1["code"].as_str().unwrap_or_default(),
    )
}

#[tokio::test]
async fn keys_and_version_are_checked() {
    let wallets = Wallets::start().await;
    let client = &wallets.simulator.client;
    let url = wallets.url("/pg/orders/WP-1");
    let get = |id: &str, secret: &str, version: &str| {
        let request = client.get(&url).header("x-client-id", id);
        let request = request.header("x-client-secret", secret);
        request.header("x-api-version", version).send()
    };
    let right = ("demo-app-1", "cf_demo_secret_0001");

    for (id, secret) in [("demo-app-1", "wrong"), ("wrong", right.1), ("", "")] {
        let answer = read(get(id, secret, "2025-01-01").await.expect("answered")).await;
        assert_eq!(answer.0, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.1["type"], "authentication_error");
    }
    for version in ["", "v2", "2022-13-01", "2021-01-01", "2025-1-1"] {
        let answer = read(get(right.0, right.1, version).await.expect("answered")).await;
        assert_eq!(code(&answer), (400, "x-api-version_invalid"), "{version}");
    }
    let answer = read(get(right.0, right.1, "2022-09-01").await.expect("answered")).await;
    assert_eq!(code(&answer), (404, "order_not_found"));
    assert_eq!(answer.1["type"], "invalid_request_error");
}

#[tokio::test]
async fn order_is_made_read_and_refused_twice() {
    let wallets = Wallets::start().await;
    let more = json!({"order_note": "two dombras", "order_tags": {"shop": "dala"},
                      "order_amount": 150.5});
    let body = wallets.second_body("WP-1001", PHONE, more);
    let request = wallets.second("POST", "/orders").body(body.to_string());
    let text = request
        .send()
        .await
        .expect("answered")
        .text()
        .await
        .expect("text");
    assert!(text.contains(r#""order_amount":150.50"#), "{text}");

    let order: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(order["entity"], "order");
    assert_eq!(order["order_status"], "ACTIVE");
    assert_eq!(order["order_tags"]["shop"], "dala");
    let session = order["payment_session_id"].as_str().expect("text");
    assert!(session.starts_with("session_"), "{session}");
    assert!(order["cf_order_id"].is_string());
    for name in ["created_at", "order_expiry_time"] {
        let time = order[name].as_str().expect("text");
        assert!(time.ends_with("+05:30"), "{name} {time}");
    }
    assert_eq!(
        wallets.get("/orders/WP-1001").await,
        (StatusCode::OK, order)
    );
    assert_eq!(
        code(&wallets.post("/orders", &body).await),
        (409, "order_already_exists")
    );
    let broken = wallets.second("POST", "/orders").body("[1]").send().await;
    assert_eq!(
        read(broken.expect("answered")).await.0,
        StatusCode::BAD_REQUEST
    );
    let mut usd = body.clone();
    usd["order_currency"] = json!("USD");
    assert_eq!(
        code(&wallets.post("/orders", &usd).await),
        (400, "order_currency_invalid")
    );
}

#[tokio::test]
async fn session_begins_a_payment_with_a_page() {
    let wallets = Wallets::start().await;
    let order = wallets.second_order("WP-1", PHONE).await;
    let (status, answer) = wallets.try_pay(&order).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&answer["channel"], &answer["action"]),
        (&json!("link"), &json!("link"))
    );
    assert_eq!(answer["payment_method"], "app");
    let url = answer["data"]["url"].as_str().expect("text");
    assert!(url.starts_with(&wallets.url("/billpay/order/")), "{url}");
    let id = answer["cf_payment_id"].as_str().expect("text");
    assert_eq!(id.len(), 9);

    let payment = wallets.payment("WP-1", id).await;
    assert_eq!(payment["payment_status"], "NOT_ATTEMPTED");
    assert_eq!(payment["payment_group"], "wallet");
    assert_eq!(payment["payment_method"]["app"]["provider"], "paytm");
    assert_eq!(payment["is_captured"], false);
    let (_, all) = wallets.get("/orders/WP-1/payments").await;
    assert_eq!(all, json!([payment]));
    let missing = wallets.get("/orders/WP-1/payments/100000000").await;
    assert_eq!(code(&missing), (404, "payment_not_found"));
}

#[tokio::test]
async fn wrong_sessions_and_methods_are_refused() {
    let wallets = Wallets::start().await;
    let order = wallets.second_order("WP-1", PHONE).await;
    let app = json!({"channel": "link", "provider": "paytm", "phone": PHONE});
    let session = &order["payment_session_id"];
    let cases = [
        (
            json!("session_x"),
            json!({"app": app}),
            "payment_session_id_invalid",
        ),
        (
            json!(null),
            json!({"app": app}),
            "payment_session_id_missing",
        ),
        (session.clone(), json!(null), "payment_method_missing"),
        (
            session.clone(),
            json!({"upi": {}}),
            "payment_method_unsupported",
        ),
        (
            session.clone(),
            json!({"app": {"channel": "qrcode", "provider": "paytm", "phone": PHONE}}),
            "payment_method.app.channel_invalid",
        ),
        (
            session.clone(),
            json!({"app": {"channel": "link", "provider": "gold", "phone": PHONE}}),
            "payment_method.app.provider_invalid",
        ),
        (
            session.clone(),
            json!({"app": {"channel": "link", "provider": "paytm"}}),
            "payment_method.app.phone_missing",
        ),
    ];
    for (session, method, expected) in cases {
        let body = json!({"payment_session_id": session, "payment_method": method});
        let answer = wallets.post("/orders/sessions", &body).await;
        assert_eq!(code(&answer), (400, expected), "{body}");
    }
    let meta = json!({"order_meta": {"payment_methods": "upi,cc"}});
    let body = wallets.second_body("WP-2", PHONE, meta);
    let (_, order) = wallets.post("/orders", &body).await;
    let answer = wallets.try_pay(&order).await;
    assert_eq!(code(&answer), (400, "payment_method_unsupported"));
}

#[tokio::test]
async fn end_of_the_phone_decides_at_once() {
    let wallets = Wallets::start().await;
    let cases = [
        ("9999990001", "SUCCESS", "PAID", "PAYMENT_SUCCESS_WEBHOOK"),
        ("9999990002", "FAILED", "ACTIVE", "PAYMENT_FAILED_WEBHOOK"),
        (
            "9999990003",
            "USER_DROPPED",
            "ACTIVE",
            "PAYMENT_USER_DROPPED_WEBHOOK",
        ),
    ];
    for (at, (phone, payment_status, order_status, event)) in cases.into_iter().enumerate() {
        let order = wallets.second_order(phone, phone).await;
        let (id, _) = wallets.pay(&order).await;
        let payment = wallets.payment(phone, &id).await;
        assert_eq!(payment["payment_status"], payment_status);
        assert_eq!(wallets.order_status(phone).await, order_status);
        let failed = payment_status == "FAILED";
        assert_eq!(payment["error_details"].is_object(), failed, "{payment}");
        assert_eq!(payment["is_captured"], payment_status == "SUCCESS");
        let notices = wallets.merchant.wait_for(at + 1).await;
        assert_eq!(notices[at].json()["type"], event);
    }
    let order = wallets.get("/orders/9999990001").await.1;
    assert_eq!(
        code(&wallets.try_pay(&order).await),
        (400, "order_already_paid")
    );
    let order = wallets.get("/orders/9999990002").await.1;
    assert_eq!(
        wallets.try_pay(&order).await.0,
        StatusCode::OK,
        "another try is allowed"
    );
}

#[tokio::test]
async fn order_is_terminated_at_once_or_when_its_payment_ends() {
    let wallets = Wallets::start().await;
    let end = async |order_id: &str| {
        let path = format!("/orders/{order_id}");
        let body = json!({"order_status": "TERMINATED"}).to_string();
        let request = wallets.second("PATCH", &path).body(body);
        read(request.send().await.expect("answered")).await
    };

    let idle = wallets.second_order("idle", PHONE).await;
    assert_eq!(end("idle").await.1["order_status"], "TERMINATED");
    assert_eq!(end("idle").await.1["order_status"], "TERMINATED");
    assert_eq!(
        code(&wallets.try_pay(&idle).await),
        (400, "order_terminated")
    );

    let busy = wallets.second_order("busy", PHONE).await;
    wallets.pay(&busy).await;
    assert_eq!(end("busy").await.1["order_status"], "TERMINATION_REQUESTED");
    wallets.decide("busy", json!({"result": "PENDING"})).await;
    assert_eq!(wallets.order_status("busy").await, "TERMINATION_REQUESTED");
    assert_eq!(
        code(&wallets.try_pay(&busy).await),
        (400, "order_terminated")
    );
    wallets.decide("busy", json!({"result": "FAILED"})).await;
    assert_eq!(wallets.order_status("busy").await, "TERMINATED");

    let lucky = wallets.second_order("lucky", PHONE).await;
    wallets.pay(&lucky).await;
    end("lucky").await;
    wallets.decide("lucky", json!({"result": "SUCCESS"})).await;
    assert_eq!(wallets.order_status("lucky").await, "PAID");

    assert_eq!(code(&end("lucky").await), (400, "order_already_paid"));
    assert_eq!(code(&end("none").await), (404, "order_not_found"));
    let wrong = wallets
        .second("PATCH", "/orders/idle")
        .body(r#"{"order_status":"PAID"}"#);
    let wrong = read(wrong.send().await.expect("answered")).await;
    assert_eq!(code(&wrong), (400, "order_status_invalid"));
}

#[tokio::test]
async fn idempotency_key_replays_the_first_answer_even_a_500() {
    let wallets = Wallets::start().await;
    let send = async |key: &str, body: &Value| {
        let request = wallets
            .second("POST", "/orders")
            .header("x-idempotency-key", key);
        read(
            request
                .body(body.to_string())
                .send()
                .await
                .expect("answered"),
        )
        .await
    };
    let body = wallets.second_body("WP-1", PHONE, json!({}));
    let first = send("k1", &body).await;
    assert_eq!(first.0, StatusCode::OK);
    assert_eq!(send("k1", &body).await, first);
    let other = wallets.second_body("WP-2", PHONE, json!({}));
    let reused = send("k1", &other).await;
    assert_eq!(
        (reused.0.as_u16(), &reused.1["type"]),
        (422, &json!("idempotency_error"))
    );
    assert_eq!(wallets.log("order").await.len(), 1);

    wallets
        .fault(json!({"call": "create_order", "fault": "error_500", "count": 1}))
        .await;
    let broken = send("k2", &other).await;
    assert_eq!(
        (broken.0.as_u16(), &broken.1["type"]),
        (500, &json!("api_error"))
    );
    assert_eq!(send("k2", &other).await, broken, "the 500 is replayed");
    assert_eq!(
        wallets.order_status("WP-2").await,
        "ACTIVE",
        "and yet it was made"
    );

    let third = wallets.second_body("WP-3", PHONE, json!({}));
    wallets
        .fault(json!({"call": "create_order", "fault": "error_500_before", "count": 1}))
        .await;
    assert_eq!(send("k3", &third).await.0.as_u16(), 500);
    assert_eq!(send("k3", &third).await.0.as_u16(), 500);
    assert_eq!(wallets.get("/orders/WP-3").await.0, StatusCode::NOT_FOUND);

    wallets
        .fault(json!({"call": "create_order", "fault": "rate_limit", "count": 1}))
        .await;
    let limited = send("k4", &third).await;
    assert_eq!(
        (limited.0.as_u16(), &limited.1["type"]),
        (429, &json!("rate_limit_error"))
    );
    assert_eq!(
        send("k4", &third).await.0,
        StatusCode::OK,
        "a 429 is not an answer"
    );
    let refused = json!({"order_id": "x"});
    assert_eq!(send("k5", &refused).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(send("k5", &refused).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn refund_note_decides_the_outcome() {
    let wallets = Wallets::start().await;
    let payment_id = wallets.paid("WP-1").await;
    let refund = async |id: &str, amount: f64, note: &str| {
        let body = json!({"refund_amount": amount, "refund_id": id, "refund_note": note});
        wallets.post("/orders/WP-1/refunds", &body).await
    };

    for (note, expected) in [
        ("SUCCESS", "SUCCESS"),
        ("FAILED", "FAILED"),
        ("PENDING", "PENDING"),
        ("ACTIVE", "PENDING"),
        ("success", "SUCCESS"),
    ] {
        let (status, told) = refund(&format!("r-{note}"), 10.0, note).await;
        assert_eq!(
            (status, &told["refund_status"]),
            (StatusCode::OK, &json!(expected))
        );
        assert_eq!(told["entity"], "refund");
        assert_eq!(told["cf_payment_id"], payment_id.as_str());
        assert_eq!(told["cf_refund_id"].as_str().map(str::len), Some(7));
        assert_eq!(told["refund_type"], "MERCHANT_INITIATED");
        assert_eq!(
            told["refund_arn"].is_string(),
            expected == "SUCCESS",
            "{told}"
        );
        assert_eq!(
            told["processed_at"].is_null(),
            expected == "PENDING",
            "{told}"
        );
        let path = format!("/orders/WP-1/refunds/r-{note}");
        assert_eq!(wallets.get(&path).await.1["refund_id"], format!("r-{note}"));
    }
    let (_, all) = wallets.get("/orders/WP-1/refunds").await;
    assert_eq!(all.as_array().map(Vec::len), Some(5));
    assert_eq!(
        code(&wallets.get("/orders/WP-1/refunds/none").await),
        (404, "refund_not_found")
    );

    // What failed is free again: 150 - 10 - 10 - 10 - 10 are left.
    refunds_are_limited(&wallets).await;
}

/// 110.00 are left of WP-1.
async fn refunds_are_limited(wallets: &Wallets) {
    let refund = async |id: &str, amount: f64, note: &str| {
        let body = json!({"refund_amount": amount, "refund_id": id, "refund_note": note});
        wallets.post("/orders/WP-1/refunds", &body).await
    };
    assert_eq!(
        code(&refund("too-much", 110.01, "x y z").await),
        (400, "refund_post_failed")
    );
    assert_eq!(refund("rest", 110.0, "x y z").await.0, StatusCode::OK);
    assert_eq!(
        code(&refund("more", 0.01, "x y z").await),
        (400, "refund_post_failed")
    );

    assert_eq!(
        refund("rest", 110.0, "x y z").await.1["refund_status"],
        "SUCCESS"
    );
    assert_eq!(
        code(&refund("rest", 109.0, "x y z").await),
        (409, "refund_id_invalid")
    );
    assert_eq!(
        code(&refund("ab", 1.0, "x y z").await),
        (400, "refund_id_invalid")
    );
    assert_eq!(
        code(&refund("abc", 1.0, "xy").await),
        (400, "refund_note_invalid")
    );
    assert_eq!(
        code(&refund("abc", 1.234, "x y z").await),
        (400, "refund_amount_invalid")
    );
    wallets.second_order("WP-2", PHONE).await;
    let body = json!({"refund_amount": 1, "refund_id": "unpaid"});
    let unpaid = wallets.post("/orders/WP-2/refunds", &body).await;
    assert_eq!(code(&unpaid), (400, "order_id_not_paid"));
}

#[tokio::test]
async fn pending_refund_waits_for_control_and_active_one_does_not() {
    let wallets = Wallets::start().await;
    wallets.paid("WP-1").await;
    wallets.merchant.wait_for(1).await;
    for (id, note, amount) in [
        ("r-1", "PENDING", 100),
        ("r-2", "PENDING", 30),
        ("r-3", "ACTIVE", 20),
    ] {
        let body = json!({"refund_amount": amount, "refund_id": id, "refund_note": note});
        wallets.post("/orders/WP-1/refunds", &body).await;
    }
    // The one in work succeeds by itself.
    let notices = wallets.merchant.wait_for(2).await;
    let told = notices[1].json();
    assert_eq!(told["type"], "REFUND_STATUS_WEBHOOK");
    assert_eq!(told["data"]["refund"]["refund_id"], "r-3");
    assert_eq!(told["data"]["refund"]["refund_status"], "SUCCESS");
    assert!(told["data"]["refund"]["cf_refund_id"].is_u64(), "{told}");
    assert!(
        notices[1].body.contains(r#""refund_amount":20.00"#),
        "{}",
        notices[1].body
    );

    let (status, answer) = wallets
        .control("refunds/r-1", &json!({"status": "SUCCESS"}))
        .await;
    assert_eq!(
        (status, &answer["refund_status"]),
        (StatusCode::OK, &json!("SUCCESS"))
    );
    wallets
        .control("refunds/r-2", &json!({"status": "CANCELLED"}))
        .await;
    let notices = wallets.merchant.wait_for(4).await;
    let mut told: Vec<(String, String)> = notices[2..]
        .iter()
        .map(|notice| {
            assert!(notice.is_signed());
            let refund = &notice.json()["data"]["refund"];
            (
                refund["refund_id"].to_string(),
                refund["refund_status"].to_string(),
            )
        })
        .collect();
    told.sort();
    assert_eq!(told[0].1, r#""SUCCESS""#);
    assert_eq!(told[1].1, r#""CANCELLED""#);

    let again = wallets
        .control("refunds/r-1", &json!({"status": "CANCELLED"}))
        .await;
    assert_eq!(again.0, StatusCode::CONFLICT);
    let unknown = wallets
        .control("refunds/none", &json!({"status": "SUCCESS"}))
        .await;
    assert_eq!(unknown.0, StatusCode::NOT_FOUND);
    // The cancelled 30 can be given back again.
    let body = json!({"refund_amount": 30, "refund_id": "r-4"});
    assert_eq!(
        wallets.post("/orders/WP-1/refunds", &body).await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn simulated_result_decides_a_payment() {
    let wallets = Wallets::start().await;
    let order = wallets.second_order("WP-1", PHONE).await;
    let (payment_id, _) = wallets.pay(&order).await;
    let simulate = async |id: &str, wish: Value| {
        let body = json!({"entity": "PAYMENTS", "entity_id": id, "entity_simulation": wish});
        wallets.post("/simulate", &body).await
    };

    let wish = json!({"payment_status": "FAILED", "payment_error_code": "ISSUER_NOT_AVAILABLE"});
    let (status, answer) = simulate(&payment_id, wish.clone()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["entity_simulation"], wish);
    let path = format!(
        "/simulate/{}",
        answer["simulation_id"].as_str().expect("an id")
    );
    assert_eq!(wallets.get(&path).await, (StatusCode::OK, answer));
    let payment = wallets.payment("WP-1", &payment_id).await;
    assert_eq!(payment["payment_status"], "FAILED");
    assert_eq!(
        payment["error_details"]["error_code"],
        "ISSUER_NOT_AVAILABLE"
    );

    let success = json!({"payment_status": "SUCCESS"});
    assert_eq!(
        code(&simulate(&payment_id, success.clone()).await),
        (400, "entity_id_invalid")
    );
    assert_eq!(
        code(&simulate("1", success.clone()).await),
        (404, "payment_not_found")
    );
    let wrong = json!({"payment_status": "GOLD"});
    assert_eq!(
        simulate(&payment_id, wrong).await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        code(&wallets.get("/simulate/none").await),
        (404, "simulation_not_found")
    );

    let (payment_id, _) = wallets.pay(&order).await;
    assert_eq!(simulate(&payment_id, success).await.0, StatusCode::OK);
    assert_eq!(wallets.order_status("WP-1").await, "PAID");
}

#[tokio::test]
async fn answers_are_spoiled_on_the_way() {
    let wallets = Wallets::start().await;
    wallets.second_order("WP-1", PHONE).await;
    let spoil = async |fault: &str| {
        let fault = json!({"call": "order_status", "fault": fault, "count": 1, "delay_ms": 200});
        wallets.fault(fault).await;
        wallets.second("GET", "/orders/WP-1").send().await
    };
    assert!(spoil("drop").await.is_err());
    assert!(spoil("drop_before").await.is_err());
    let half = spoil("malformed")
        .await
        .expect("answered")
        .text()
        .await
        .expect("text");
    assert!(serde_json::from_str::<Value>(&half).is_err() && half.starts_with('{'));
    let begun = std::time::Instant::now();
    assert_eq!(
        spoil("delay").await.expect("answered").status(),
        StatusCode::OK
    );
    assert!(begun.elapsed().as_millis() >= 200);
    let slow = spoil("slow_body")
        .await
        .expect("a head")
        .text()
        .await
        .expect("text");
    assert!(serde_json::from_str::<Value>(&slow).is_ok());
    let mut huge = spoil("huge_body").await.expect("a head");
    let mut length = 0;
    while length < 8 << 20 {
        length += huge
            .chunk()
            .await
            .expect("more")
            .expect("not the end yet")
            .len();
    }
    drop(huge);
    assert_eq!(wallets.order_status("WP-1").await, "ACTIVE");
}
