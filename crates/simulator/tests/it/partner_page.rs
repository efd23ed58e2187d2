//! The payer's page of the wallet partner, and the page for people.

use reqwest::StatusCode;
use reqwest::header::{ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY};
use serde_json::json;

use crate::partner::{PHONE, Wallets, hmac};
use crate::simulator::{attribute, encode, form};

async fn page(wallets: &Wallets, link: &str, language: &str) -> (StatusCode, String) {
    let request = wallets.simulator.client.get(link);
    let request = request.header(ACCEPT_LANGUAGE, language);
    let response = request.send().await.expect("answered");
    (response.status(), response.text().await.expect("a page"))
}

/// What the page shows: `open`, `paid`, …
async fn view(wallets: &Wallets, link: &str) -> String {
    let (_, page) = page(wallets, link, "en").await;
    attribute(&page, "data-wallet").expect("a view")
}

/// Presses a button; gives the status, where the browser is sent, and the page.
async fn press(wallets: &Wallets, link: &str, action: &str) -> (StatusCode, String, String) {
    let url = format!("{link}/answer");
    let request = wallets.simulator.client.post(url);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(encode(&[("action", action)]));
    let response = request.send().await.expect("answered");
    let location = response.headers().get("location");
    let location = location.map(|value| value.to_str().expect("text").to_owned());
    let status = response.status();
    (
        status,
        location.unwrap_or_default(),
        response.text().await.expect("a page"),
    )
}

#[tokio::test]
async fn page_shows_shop_order_and_amount_in_three_languages() {
    let wallets = Wallets::start().await;
    let link = wallets.first_order("WP-1001", PHONE).await;

    let (status, english) = page(&wallets, &link, "de").await;
    assert_eq!(status, StatusCode::OK);
    for text in [
        "₹150.00",
        "WP-1001",
        "Dombra &#38; Co",
        "Pay from your wallet",
        ">Pay<",
    ] {
        assert!(english.contains(text), "{text} in {english}");
    }
    let (_, russian) = page(&wallets, &link, "ru-RU,ru;q=0.9").await;
    assert!(
        russian.contains("150,00\u{a0}₹") && russian.contains("Оплатить"),
        "{russian}"
    );
    let (_, kazakh) = page(&wallets, &link, "kk").await;
    assert!(
        kazakh.contains("lang=\"kk\"") && kazakh.contains("Төлеу"),
        "{kazakh}"
    );

    // Gateways send browsers with an empty POST as well.
    let posted = wallets
        .simulator
        .client
        .post(&link)
        .send()
        .await
        .expect("answered");
    assert_eq!(posted.status(), StatusCode::OK);
    let policy = posted.headers()[CONTENT_SECURITY_POLICY]
        .to_str()
        .expect("text");
    assert!(
        !policy.contains("frame-ancestors"),
        "frames are allowed: {policy}"
    );
    assert!(posted.headers().get("x-frame-options").is_none());
    let (status, _) = page(&wallets, &wallets.url("/billpay/order/none"), "en").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn paying_generation_1_posts_the_signed_result_back() {
    let wallets = Wallets::start().await;
    let link = wallets.first_order("WP-1", PHONE).await;
    let (status, _, page) = press(&wallets, &link, "pay").await;

    assert_eq!(status, StatusCode::OK);
    let (action, fields) = form(&page);
    assert_eq!(action, "http://127.0.0.1:9/return");
    let names = "orderId orderAmount referenceId txStatus paymentMode txMsg txTime";
    let text: String = names.split(' ').map(|name| fields[name].clone()).collect();
    assert_eq!(fields["signature"], hmac(&text));
    assert_eq!(fields["txStatus"], "SUCCESS");
    let notice = &wallets.merchant.wait_for(1).await[0];
    assert_eq!(notice.form(), fields);
    assert_eq!(wallets.first_status("WP-1").await["orderStatus"], "PAID");

    assert_eq!(view(&wallets, &link).await, "paid");
    let (_, _, again) = press(&wallets, &link, "pay").await;
    assert!(again.contains("data-wallet=\"paid\""), "{again}");
    let (action, _) = form(&again);
    assert_eq!(action, "http://127.0.0.1:9/return", "with a way back");
    assert_eq!(wallets.log("payment").await.len(), 1);
}

#[tokio::test]
async fn declined_order_of_generation_1_may_be_tried_again() {
    let wallets = Wallets::start().await;
    let link = wallets.first_order("WP-1", PHONE).await;
    let (_, _, page) = press(&wallets, &link, "leave").await;
    let (_, fields) = form(&page);
    assert_eq!(fields["txStatus"], "INCOMPLETE");
    assert!(
        wallets.log("payment").await.is_empty(),
        "nothing is decided"
    );

    let (_, _, page) = press(&wallets, &link, "decline").await;
    assert_eq!(form(&page).1["txStatus"], "FAILED");
    let first = wallets.first_status("WP-1").await;
    assert_eq!(
        (&first["txStatus"], &first["orderStatus"]),
        (&json!("FAILED"), &json!("ACTIVE"))
    );
    assert_eq!(view(&wallets, &link).await, "open");
    press(&wallets, &link, "pay").await;
    let second = wallets.first_status("WP-1").await;
    assert_eq!(second["txStatus"], "SUCCESS");
    assert_ne!(second["referenceId"], first["referenceId"]);
}

#[tokio::test]
async fn generation_2_goes_back_to_the_return_address() {
    let wallets = Wallets::start().await;
    let order = wallets.second_order("WP-1", PHONE).await;
    let back = "http://127.0.0.1:9/return?order=WP-1";

    let (payment_id, link) = wallets.pay(&order).await;
    let (status, location, _) = press(&wallets, &link, "leave").await;
    assert_eq!((status, location.as_str()), (StatusCode::SEE_OTHER, back));
    let payment = wallets.payment("WP-1", &payment_id).await;
    assert_eq!(payment["payment_status"], "NOT_ATTEMPTED");

    let (_, location, _) = press(&wallets, &link, "decline").await;
    assert_eq!(location, back);
    assert_eq!(view(&wallets, &link).await, "failed");
    let (_, second) = wallets.pay(&order).await;
    assert_eq!(press(&wallets, &second, "pay").await.1, back);
    for link in [&second, &link] {
        let (_, page) = page(&wallets, link, "en").await;
        assert!(
            page.contains(&format!("href=\"{}\"", back.replace('=', "&#61;")))
                || page.contains(back),
            "{page}"
        );
    }
    assert_eq!(view(&wallets, &second).await, "paid");
    assert_eq!(wallets.order_status("WP-1").await, "PAID");
    let reload = wallets.simulator.client.get(format!("{second}/answer"));
    let reload = reload.send().await.expect("answered");
    assert_eq!(reload.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn order_that_is_over_says_so() {
    let wallets = Wallets::start().await;
    let first = wallets.first_order("old-1", PHONE).await;
    let order = wallets.second_order("old-2", PHONE).await;
    let (_, second) = wallets.pay(&order).await;
    for (order_id, link) in [("old-1", &first), ("old-2", &second)] {
        wallets.decide(order_id, json!({"expire": true})).await;
        assert_eq!(view(&wallets, link).await, "expired");
        let (_, _, page) = press(&wallets, link, "pay").await;
        assert!(page.contains("data-wallet=\"expired\""), "{page}");
    }
    wallets.decide("old-2", json!({"result": "SUCCESS"})).await;
    assert_eq!(view(&wallets, &second).await, "returned");

    let order = wallets.second_order("ended", PHONE).await;
    let (_, link) = wallets.pay(&order).await;
    let body = json!({"order_status": "TERMINATED"}).to_string();
    let request = wallets.second("PATCH", "/orders/ended").body(body);
    request.send().await.expect("answered");
    assert_eq!(
        view(&wallets, &link).await,
        "open",
        "it was running already"
    );
    wallets.decide("ended", json!({"result": "PENDING"})).await;
    assert_eq!(view(&wallets, &link).await, "waiting");
    wallets
        .decide("ended", json!({"result": "USER_DROPPED"}))
        .await;
    assert_eq!(view(&wallets, &link).await, "terminated");
}

#[tokio::test]
async fn plan_waits_for_the_payer() {
    let wallets = Wallets::start().await;
    let order = wallets.second_order("WP-1", PHONE).await;
    let (payment_id, link) = wallets.pay(&order).await;
    let plan = json!({"duplicate": 1, "amount": "149.00", "before_return": true});
    let told = wallets.decide("WP-1", plan).await;
    assert_eq!(told["payment_status"], "INCOMPLETE");

    press(&wallets, &link, "pay").await;
    assert_eq!(
        wallets.merchant.received().len(),
        2,
        "both came before the browser went back"
    );
    let payment = wallets.payment("WP-1", &payment_id).await;
    assert_eq!(payment["payment_amount"], 149.0);
}

#[tokio::test]
async fn people_see_what_happened() {
    let wallets = Wallets::start().await;
    wallets.paid("WP-1").await;
    let (status, page) = page(&wallets, &wallets.url("/partner"), "en").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains("data-order=\"WP-1\" data-status=\"PAID\""),
        "{page}"
    );
    assert!(page.contains("₹150.00"), "{page}");

    let fields = [
        ("fault", "delay"),
        ("call", "refund"),
        ("count", "2"),
        ("delay_ms", "70"),
    ];
    let url = wallets.url("/partner/faults");
    assert_eq!(
        wallets.simulator.submit(&url, &fields).await.0,
        StatusCode::SEE_OTHER
    );
    let (_, listed) = wallets.plain("/partner/control/faults").await;
    let fault = json!({"call": "refund", "fault": "delay", "count": 2, "delay_ms": 70, "hits": 0});
    assert_eq!(listed["faults"], json!([fault]));
    let (_, text) = self::page(&wallets, &wallets.url("/partner"), "en").await;
    assert!(text.contains("data-fault=\"delay\""), "{text}");
    wallets
        .simulator
        .submit(&wallets.url("/partner/faults/clear"), &[])
        .await;
    let (_, listed) = wallets.plain("/partner/control/faults").await;
    assert_eq!(listed, json!({"faults": []}));
    for path in [
        "/partner/style.css",
        "/billpay/style.css",
        "/billpay/onward.js",
    ] {
        assert_eq!(wallets.plain(path).await.0, StatusCode::OK);
    }
}
