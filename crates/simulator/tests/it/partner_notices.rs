//! Notices of the wallet partner: what they say, how they are signed, how often they come.

use std::time::Duration;

use serde_json::json;

use crate::partner::{PHONE, Wallets};

#[tokio::test]
async fn notice_of_generation_2_is_signed_over_its_raw_body() {
    let wallets = Wallets::start().await;
    let payment_id = wallets.paid("WP-1").await;

    let notice = &wallets.merchant.wait_for(1).await[0];
    assert!(notice.is_signed(), "{notice:?}");
    assert!(
        notice.body.contains(r#""order_amount":150.00"#),
        "{}",
        notice.body
    );
    assert!(
        notice.body.contains(r#""payment_amount":150.00"#),
        "{}",
        notice.body
    );
    assert_eq!(notice.header("content-type"), "application/json");
    assert_eq!(notice.header("x-webhook-version"), "2025-01-01");
    assert_eq!(notice.header("x-webhook-attempt"), "1");
    assert_eq!(notice.header("x-webhook-timestamp").len(), 13);
    assert!(!notice.header("x-idempotency-key").is_empty());

    let told = notice.json();
    assert_eq!(told["type"], "PAYMENT_SUCCESS_WEBHOOK");
    let data = &told["data"];
    assert_eq!(data["order"]["order_id"], "WP-1");
    assert_eq!(data["order"]["order_currency"], "INR");
    assert_eq!(data["payment"]["cf_payment_id"], payment_id.as_str());
    assert_eq!(data["payment"]["payment_status"], "SUCCESS");
    assert_eq!(data["payment"]["payment_group"], "wallet");
    assert_eq!(data["customer_details"]["customer_id"], "mary_1");
    assert!(data.get("error_details").is_none());
    let time = told["event_time"].as_str().expect("text");
    assert!(time.ends_with("+05:30"), "{time}");
}

#[tokio::test]
async fn notice_is_tried_again_until_it_is_accepted() {
    let wallets = Wallets::start().await;
    wallets.merchant.answers(&[500, 302, 200]);
    wallets.paid("WP-1").await;

    let over = wallets.wait_for_delivery().await;
    assert_eq!(over["status"], "delivered");
    let statuses: Vec<i64> = over["attempts"]
        .as_array()
        .expect("attempts")
        .iter()
        .map(|attempt| attempt["status"].as_i64().unwrap_or_default())
        .collect();
    assert_eq!(statuses, [500, 302, 200]);
    let notices = wallets.merchant.received();
    for (at, notice) in notices.iter().enumerate() {
        assert!(notice.is_signed());
        assert_eq!(notice.header("x-webhook-attempt"), (at + 1).to_string());
        assert_eq!(notice.body, notices[0].body);
        assert_eq!(
            notice.header("x-idempotency-key"),
            notices[0].header("x-idempotency-key")
        );
    }
    assert!(
        notices[2].at - notices[1].at >= Duration::from_millis(90),
        "pauses grow"
    );
}

#[tokio::test]
async fn notice_is_given_up_after_four_tries() {
    let wallets = Wallets::start().await;
    wallets.merchant.answers(&[500; 10]);
    wallets.first_order("WP-1", "9999990001").await;

    let over = wallets.wait_for_delivery().await;
    assert_eq!(over["status"], "given_up");
    assert_eq!(wallets.merchant.received().len(), 4);
    assert!(
        wallets
            .merchant
            .received()
            .iter()
            .all(crate::partner::Received::is_signed)
    );
}

#[tokio::test]
async fn notice_without_a_listener_is_recorded_too() {
    let wallets = Wallets::start().await;
    let meta = json!({"order_meta": {"notify_url": "http://127.0.0.1:9/none"}});
    let body = wallets.second_body("WP-1", "9999990001", meta);
    let (_, order) = wallets.post("/orders", &body).await;
    wallets.pay(&order).await;

    let over = wallets.wait_for_delivery().await;
    assert_eq!(over["status"], "given_up");
    assert!(over["attempts"][0]["error"].is_string(), "{over}");
}

#[tokio::test]
async fn order_without_an_address_has_no_notices() {
    let wallets = Wallets::start().await;
    let body = wallets.second_body("WP-1", "9999990001", json!({"order_meta": null}));
    let (_, order) = wallets.post("/orders", &body).await;
    wallets.pay(&order).await;

    assert_eq!(wallets.order_status("WP-1").await, "PAID");
    assert!(wallets.log("notice").await.is_empty());
}

#[tokio::test]
async fn payment_that_waits_is_no_event_of_generation_2() {
    let wallets = Wallets::start().await;
    wallets.second_order("WP-1", PHONE).await;
    wallets.first_order("WP-2", PHONE).await;
    for order_id in ["WP-1", "WP-2"] {
        wallets.decide(order_id, json!({"result": "PENDING"})).await;
        let told = wallets.decide(order_id, json!({"result": "FLAGGED"})).await;
        assert_eq!(told["payment_status"], "FLAGGED");
    }
    let notices = wallets.merchant.wait_for(2).await;
    let mut told: Vec<String> = notices
        .iter()
        .map(|it| it.form()["txStatus"].clone())
        .collect();
    told.sort();
    assert_eq!(told, ["FLAGGED", "PENDING"]);
    assert_eq!(wallets.first_status("WP-2").await["txStatus"], "FLAGGED");
    let (_, payments) = wallets.get("/orders/WP-1/payments").await;
    assert_eq!(payments[0]["payment_status"], "PENDING");
    assert_eq!(
        wallets.log("payment").await.len(),
        2,
        "one payment was decided twice"
    );
}
