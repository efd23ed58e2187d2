//! What tests may do to the wallet partner: decide, spoil notices, let limits pass.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::partner::{PHONE, Wallets};

#[tokio::test]
async fn success_may_lie_about_money() {
    let wallets = Wallets::start().await;
    let order = wallets.second_order("WP-1", PHONE).await;
    let (payment_id, _) = wallets.pay(&order).await;
    let wish = json!({"result": "SUCCESS", "amount": "149.00", "currency": "USD"});
    let told = wallets.decide("WP-1", wish).await;
    assert_eq!(told["payment_id"], payment_id.as_str());
    assert_eq!(told["order_status"], "PAID");

    let payment = wallets.payment("WP-1", &payment_id).await;
    assert_eq!(
        (&payment["payment_amount"], &payment["payment_currency"]),
        (&json!(149.0), &json!("USD"))
    );
    assert_eq!(payment["order_amount"], 150.0);
    let notice = &wallets.merchant.wait_for(1).await[0];
    assert!(notice.is_signed() && notice.body.contains(r#""payment_amount":149.00"#));

    wallets.first_order("WP-2", PHONE).await;
    wallets
        .decide("WP-2", json!({"result": "SUCCESS", "amount": "1.5"}))
        .await;
    assert_eq!(wallets.first_status("WP-2").await["orderAmount"], "1.50");
    assert_eq!(
        wallets.merchant.wait_for(2).await[1].form()["orderAmount"],
        "1.50"
    );
    for wrong in [
        json!({"amount": "1e2"}),
        json!({"currency": "usd"}),
        json!({"colour": 1}),
    ] {
        let (status, _) = wallets.control("orders/WP-1", &wrong).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let (status, _) = wallets.control("orders/none", &json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn notices_are_left_out_repeated_and_spoiled() {
    let wallets = Wallets::start().await;
    wallets.second_order("silent", PHONE).await;
    wallets
        .decide("silent", json!({"result": "SUCCESS", "notify": false}))
        .await;
    assert_eq!(wallets.order_status("silent").await, "PAID");
    assert!(wallets.log("notice").await.is_empty());

    wallets.second_order("loud", PHONE).await;
    let told = wallets
        .decide("loud", json!({"result": "SUCCESS", "duplicate": 2}))
        .await;
    assert_eq!(told["notices"].as_array().map(Vec::len), Some(3));
    let notices = wallets.merchant.wait_for(3).await;
    for notice in &notices {
        assert_eq!(notice.body, notices[0].body);
        assert_eq!(
            notice.header("x-idempotency-key"),
            notices[0].header("x-idempotency-key")
        );
        assert_eq!(notice.header("x-webhook-attempt"), "1");
    }

    wallets.second_order("forged", PHONE).await;
    wallets
        .decide(
            "forged",
            json!({"result": "SUCCESS", "bad_signature": true}),
        )
        .await;
    wallets.first_order("forged-1", PHONE).await;
    wallets
        .decide(
            "forged-1",
            json!({"result": "SUCCESS", "bad_signature": true}),
        )
        .await;
    let notices = wallets.merchant.wait_for(5).await;
    assert!(!notices[3].is_signed() && !notices[4].is_signed());

    wallets.second_order("named", PHONE).await;
    let wish = json!({"result": "SUCCESS", "other_order": "silent"});
    wallets.decide("named", wish).await;
    let notice = &wallets.merchant.wait_for(6).await[5];
    assert!(notice.is_signed());
    assert_eq!(notice.json()["data"]["order"]["order_id"], "silent");
}

#[tokio::test]
async fn success_after_the_limit_goes_back_by_itself() {
    let wallets = Wallets::start().await;
    let order = wallets.second_order("WP-1", PHONE).await;
    let (payment_id, _) = wallets.pay(&order).await;
    wallets.decide("WP-1", json!({"expire": true})).await;
    assert_eq!(wallets.order_status("WP-1").await, "EXPIRED");
    let payment = wallets.payment("WP-1", &payment_id).await;
    assert_eq!(payment["payment_status"], "USER_DROPPED");
    let notices = wallets.merchant.wait_for(1).await;
    assert_eq!(notices[0].json()["type"], "PAYMENT_USER_DROPPED_WEBHOOK");
    let (status, refused) = wallets.try_pay(&order).await;
    assert_eq!(
        (status.as_u16(), &refused["code"]),
        (400, &json!("order_expired"))
    );

    let told = wallets.decide("WP-1", json!({"result": "SUCCESS"})).await;
    assert_eq!(told["payment_id"], payment_id.as_str());
    assert_eq!(told["payment_status"], "CANCELLED");
    assert_eq!(wallets.order_status("WP-1").await, "EXPIRED");
    let notice = wallets.merchant.wait_for(2).await[1].json();
    assert_eq!(notice["type"], "AUTO_REFUND_STATUS_WEBHOOK");
    let refund = &notice["data"]["auto_refund"];
    assert_eq!(refund["refund_type"], "PAYMENT_AUTO_REFUND");
    assert_eq!(refund["refund_amount"], 150.0);
    assert_eq!(refund["cf_payment_id"].to_string(), payment_id);
    assert!(notice["data"].get("order").is_none() && refund.get("order_id").is_none());
    let (_, refunds) = wallets.get("/orders/WP-1/refunds").await;
    assert_eq!(refunds[0]["refund_type"], "PAYMENT_AUTO_REFUND");
    assert_eq!(refunds[0]["refund_status"], "SUCCESS");
    let (_, summary) = wallets.plain("/partner/log/summary").await;
    let money = json!({"paid": 0, "returned": 15_000, "refunded": 0, "refunding": 0});
    assert_eq!(summary["money"]["INR"], money);
}

#[tokio::test]
async fn plain_late_success_stands() {
    let wallets = Wallets::start().await;
    wallets.second_order("WP-1", PHONE).await;
    wallets.first_order("WP-2", PHONE).await;
    for order_id in ["WP-1", "WP-2"] {
        wallets.decide(order_id, json!({"expire": true})).await;
        let told = wallets
            .decide(order_id, json!({"result": "SUCCESS", "late": true}))
            .await;
        assert_eq!(told["payment_status"], "SUCCESS");
        assert_eq!(told["order_status"], "PAID");
    }
    wallets.first_order("WP-3", PHONE).await;
    let told = wallets
        .decide("WP-3", json!({"expire": true, "result": "SUCCESS"}))
        .await;
    assert_eq!(told["payment_status"], "CANCELLED");
    assert_eq!(wallets.first_status("WP-3").await["txStatus"], "CANCELLED");
    let notices = wallets.merchant.wait_for(3).await;
    let returned = notices
        .iter()
        .filter(|notice| notice.body.contains("txStatus=CANCELLED"));
    assert_eq!(returned.count(), 1);
}

#[tokio::test]
async fn limit_passes_by_itself() {
    let wallets = Wallets::start().await;
    // Whole seconds are written, so the limit is between one and two seconds away.
    let at = jiff::Timestamp::now() + Duration::from_secs(2);
    let at = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let body = wallets.second_body("WP-1", PHONE, json!({"order_expiry_time": at}));
    let (status, order) = wallets.post("/orders", &body).await;
    assert_eq!(status, StatusCode::OK, "{order}");
    wallets.pay(&order).await;
    wallets.decide("WP-1", json!({"result": "PENDING"})).await;

    // Nobody asks, and still the merchant hears of it.
    let notice = &wallets.merchant.wait_for(1).await[0].json();
    assert_eq!(notice["type"], "PAYMENT_FAILED_WEBHOOK");
    let details = &notice["data"]["error_details"];
    assert_eq!(details["error_code"], "TRANSACTION_TIMED_OUT");
    assert_eq!(wallets.order_status("WP-1").await, "EXPIRED");
}

#[tokio::test]
async fn second_success_of_an_order_goes_back_unless_it_is_wanted() {
    let wallets = Wallets::start().await;
    let order = wallets.second_order("WP-1", PHONE).await;
    let (first, _) = wallets.pay(&order).await;
    let (second, _) = wallets.pay(&order).await;
    let (third, _) = wallets.pay(&order).await;
    let wish =
        |payment: &str, late: bool| json!({"result": "SUCCESS", "payment": payment, "late": late});

    assert_eq!(
        wallets.decide("WP-1", wish(&first, false)).await["payment_status"],
        "SUCCESS"
    );
    assert_eq!(
        wallets.decide("WP-1", wish(&second, false)).await["payment_status"],
        "CANCELLED"
    );
    assert_eq!(
        wallets.decide("WP-1", wish(&third, true)).await["payment_status"],
        "SUCCESS"
    );
    // A wallet that changes its mind about the same payment.
    let wish = json!({"result": "FAILED", "payment": third, "error_code": "ODD"});
    assert_eq!(
        wallets.decide("WP-1", wish).await["payment_status"],
        "FAILED"
    );
    assert_eq!(wallets.order_status("WP-1").await, "PAID");
    let notices = wallets.merchant.wait_for(4).await;
    let mut events: Vec<String> = notices
        .iter()
        .map(|it| it.json()["type"].to_string())
        .collect();
    events.sort();
    assert_eq!(
        events,
        [
            r#""AUTO_REFUND_STATUS_WEBHOOK""#,
            r#""PAYMENT_FAILED_WEBHOOK""#,
            r#""PAYMENT_SUCCESS_WEBHOOK""#,
            r#""PAYMENT_SUCCESS_WEBHOOK""#
        ]
    );
    // A payment after a failed one has an id of its own.
    let order = wallets.second_order("WP-2", PHONE).await;
    let (failed, _) = wallets.pay(&order).await;
    wallets.decide("WP-2", json!({"result": "FAILED"})).await;
    let told = wallets.decide("WP-2", json!({"result": "SUCCESS"})).await;
    assert_ne!(told["payment_id"], failed.as_str());
    let other = json!({"result": "SUCCESS", "payment": first});
    let (status, _) = wallets.control("orders/WP-2", &other).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn control_can_wait_for_the_notice_or_hold_it_back() {
    let wallets = Wallets::start_with(json!({"notice_pause_ms": 300})).await;
    wallets.second_order("WP-1", PHONE).await;
    wallets
        .decide("WP-1", json!({"result": "SUCCESS", "before_return": true}))
        .await;
    assert_eq!(
        wallets.merchant.received().len(),
        1,
        "it came before the answer"
    );

    wallets.second_order("WP-2", PHONE).await;
    let begun = Instant::now();
    wallets
        .decide("WP-2", json!({"result": "SUCCESS", "before_return": false}))
        .await;
    wallets.merchant.wait_for(2).await;
    assert!(
        begun.elapsed() >= Duration::from_millis(290),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn log_tells_everything_with_sums() {
    let wallets = Wallets::start().await;
    let payment_id = wallets.paid("WP-1").await;
    let refund = json!({"refund_amount": 40.5, "refund_id": "ref-1", "refund_note": "PENDING"});
    wallets.post("/orders/WP-1/refunds", &refund).await;
    let refund = json!({"refund_amount": 10, "refund_id": "ref-2"});
    wallets.post("/orders/WP-1/refunds", &refund).await;
    wallets.merchant.wait_for(2).await;
    wallets.wait_for_delivery().await;

    let payment = &wallets.log("payment").await[0];
    assert_eq!(payment["payment_id"], payment_id.as_str());
    assert_eq!(
        (&payment["amount"], &payment["refunded"]),
        (&json!(15_000), &json!(5_050))
    );
    let refunds = wallets.log("refund").await;
    assert_eq!(refunds[0]["merchant_refund_id"], "ref-1");
    assert_eq!(refunds[1]["payment_id"], payment_id.as_str());
    let order = &wallets.log("order").await[0];
    assert_eq!(
        (&order["generation"], &order["status"]),
        (&json!("second"), &json!("PAID"))
    );

    let (_, page) = wallets.plain("/partner/log?after=1&limit=2").await;
    assert_eq!((&page["next"], &page["more"]), (&json!(3), &json!(true)));
    assert_eq!(page["lines"][0]["number"], 2);
    let (_, summary) = wallets.plain("/partner/log/summary").await;
    let money = json!({"paid": 15_000, "returned": 0, "refunded": 1_000, "refunding": 4_050});
    assert_eq!(summary["money"]["INR"], money);
    let counts = summary["counts"].as_array().expect("counts");
    let count = |kind: &str, status: &str| {
        let found = counts
            .iter()
            .find(|it| it["kind"] == kind && it["status"] == status);
        found.cloned().unwrap_or(Value::Null)
    };
    assert_eq!(count("order", "PAID")["amount"], 15_000);
    assert_eq!(count("refund", "PENDING")["amount"], 4_050);
    assert_eq!(count("notice", "delivered")["count"], 2);
}

#[tokio::test]
async fn faults_are_listed_and_cleared_and_other_sites_are_refused() {
    let wallets = Wallets::start().await;
    wallets
        .fault(json!({"call": "any", "fault": "rate_limit"}))
        .await;
    wallets
        .second("GET", "/orders/none")
        .send()
        .await
        .expect("answered");
    let (_, listed) = wallets.plain("/partner/control/faults").await;
    assert_eq!(listed["faults"][0]["hits"], 1);
    let (status, _) = wallets
        .control("faults", &json!({"call": "any", "fault": "gold"}))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);

    let url = wallets.url("/partner/control/faults");
    let client = &wallets.simulator.client;
    let foreign = client.delete(&url).header("sec-fetch-site", "cross-site");
    assert_eq!(
        foreign.send().await.expect("answered").status(),
        StatusCode::FORBIDDEN
    );
    client.delete(&url).send().await.expect("answered");
    let (_, listed) = wallets.plain("/partner/control/faults").await;
    assert_eq!(listed, json!({"faults": []}));
}
