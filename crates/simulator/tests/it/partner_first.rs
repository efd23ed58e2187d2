//! Generation 1 of the wallet partner's API.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::partner::{APP_ID, PHONE, SECRET, Wallets, hmac, read};
use crate::simulator::encode;

#[tokio::test]
async fn credentials_travel_in_the_body() {
    let wallets = Wallets::start().await;
    assert_eq!(
        wallets.first("credentials/verify", &[]).await["status"],
        "OK"
    );

    let url = wallets.url("/api/v1/credentials/verify");
    for fields in [
        vec![("appId", APP_ID), ("secretKey", "wrong")],
        vec![("appId", "wrong"), ("secretKey", SECRET)],
        vec![],
    ] {
        let (status, page) = wallets.simulator.submit(&url, &fields).await;
        let answer: Value = serde_json::from_str(&page).expect("JSON");
        assert_eq!(status, StatusCode::OK);
        assert_eq!(answer["status"], "ERROR");
        assert_eq!(answer["reason"], answer["message"]);
    }
}

#[tokio::test]
async fn order_gets_a_link_and_is_told_in_three_ways() {
    let wallets = Wallets::start().await;
    let link = wallets.first_order("WP-1001", PHONE).await;

    let prefix = wallets.url("/billpay/order/");
    let token = link.strip_prefix(&prefix).expect("the partner's own link");
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    assert!(token.len() >= 20 && token.chars().all(plain), "{token}");

    let fields = [("orderId", "WP-1001")];
    assert_eq!(
        wallets.first("order/info/link", &fields).await["paymentLink"],
        link.as_str()
    );
    let info = wallets.first("order/info", &fields).await;
    let details = &info["details"];
    assert_eq!(details["orderAmount"], "150.00");
    assert_eq!(details["orderStatus"], "ACTIVE");
    assert_eq!(details["customerName"], "Mary Smith");
    let status = wallets.first_status("WP-1001").await;
    assert_eq!(status["orderStatus"], "ACTIVE");
    assert_eq!(status["orderAmount"], "150.00");
    assert!(status.get("txStatus").is_none(), "{status}");

    let unknown = wallets.first_status("WP-0").await;
    assert_eq!(unknown["status"], "ERROR");
    let again = wallets
        .first("order/create", &wallets.first_fields("WP-1001", PHONE))
        .await;
    assert_eq!(again["status"], "ERROR");
}

#[tokio::test]
async fn wrong_fields_are_named() {
    let wallets = Wallets::start().await;
    let cases = [
        ("orderId", ""),
        ("orderId", "a b"),
        ("orderAmount", "0.99"),
        ("orderAmount", "1.001"),
        ("orderCurrency", "USD"),
        ("customerPhone", "12ab567"),
        ("returnUrl", "shop"),
        ("notifyUrl", "http://shop.example/"),
        ("customerName", ""),
        ("customerEmail", ""),
    ];
    for (name, wrong) in cases {
        let mut fields = wallets.first_fields("WP-1", PHONE);
        for field in &mut fields {
            if field.0 == name {
                field.1 = wrong;
            }
        }
        let answer = wallets.first("order/create", &fields).await;
        assert_eq!(answer["status"], "ERROR", "{name}");
        let reason = answer["reason"].as_str().expect("a reason");
        assert!(reason.contains(name), "{name}: {reason}");
    }
    assert!(wallets.log("order").await.is_empty());
}

#[tokio::test]
async fn end_of_the_phone_decides_at_once() {
    let wallets = Wallets::start().await;
    let cases = [
        ("0000000000000001", "SUCCESS", "PAID"),
        ("9999990002", "FAILED", "ACTIVE"),
        ("9999990003", "USER_DROPPED", "ACTIVE"),
    ];
    for (phone, tx_status, order_status) in cases {
        wallets.first_order(phone, phone).await;
        let status = wallets.first_status(phone).await;
        assert_eq!(status["txStatus"], tx_status, "{status}");
        assert_eq!(status["orderStatus"], order_status);
        assert_eq!(status["paymentMode"], "Wallet");
        let reference = status["referenceId"].as_str().expect("text");
        assert!(
            reference.len() == 9 && reference.parse::<u64>().is_ok(),
            "{reference}"
        );
        let time = status["txTime"].as_str().expect("text");
        assert_eq!((time.len(), &time[10..11]), (19, " "), "{time}");
    }

    let mut told: Vec<String> = Vec::new();
    for notice in wallets.merchant.wait_for(3).await {
        assert!(notice.is_signed(), "{notice:?}");
        let form = notice.form();
        assert_eq!(form["orderAmount"], "150.00");
        let status = wallets.first_status(&form["orderId"]).await;
        assert_eq!(status["referenceId"], form["referenceId"].as_str());
        assert_eq!(status["txTime"], form["txTime"].as_str());
        told.push(form["txStatus"].clone());
    }
    told.sort();
    assert_eq!(told, ["FAILED", "SUCCESS", "USER_DROPPED"]);
}

#[tokio::test]
async fn a_refund_is_made_once() {
    let wallets = Wallets::start().await;
    let reference = paid_at_once(&wallets).await;
    let reference = reference.as_str();
    let refund = |id, amount, note| refund_fields(reference, id, amount, note);

    let first = wallets
        .first("order/refund", &refund("r1", "50.00", "half"))
        .await;
    let refund_id = first["refundId"].as_str().expect("an id").to_owned();
    assert_eq!(refund_id.len(), 7);
    let again = wallets
        .first("order/refund", &refund("r1", "50.00", "half"))
        .await;
    assert_eq!(again["refundId"], first["refundId"]);
    let other = wallets
        .first("order/refund", &refund("r1", "51.00", "half"))
        .await;
    assert_eq!(other["status"], "ERROR");

    let told = wallets
        .first("refundStatus", &[("refundId", &refund_id)])
        .await;
    let entry = &told["refund"];
    assert_eq!(
        (&entry["processed"], &entry["refundAmount"]),
        (&json!("YES"), &json!("50.00"))
    );
    assert_eq!(entry["referenceId"], reference);
    assert_eq!(entry["refernceId"], reference);
    assert_eq!(entry["txAmount"], "150.00");
    assert_ne!(entry["processedOn"], "");
}

/// Pays an order of 150.00 and says the partner's number of it.
async fn paid_at_once(wallets: &Wallets) -> String {
    wallets.first_order("WP-1", "9999990001").await;
    let status = wallets.first_status("WP-1").await;
    status["referenceId"].as_str().expect("text").to_owned()
}

fn refund_fields<'a>(
    reference: &'a str,
    id: &'a str,
    amount: &'a str,
    note: &'a str,
) -> Vec<(&'a str, &'a str)> {
    vec![
        ("referenceId", reference),
        ("refundAmount", amount),
        ("refundNote", note),
        ("merchantRefundId", id),
    ]
}

#[tokio::test]
async fn refunds_are_processed_or_not() {
    let wallets = Wallets::start().await;
    let reference = paid_at_once(&wallets).await;
    let refund = |id, amount, note| refund_fields(&reference, id, amount, note);
    wallets
        .first("order/refund", &refund("r1", "50.00", "half"))
        .await;
    wallets
        .first("order/refund", &refund("r2", "60.00", "FAILED"))
        .await;
    wallets
        .first("order/refund", &refund("r3", "100.00", "PENDING"))
        .await;
    for id in ["r2", "r3"] {
        let told = wallets
            .first("refundStatus", &[("merchantRefundId", id)])
            .await;
        assert_eq!(told["refund"]["processed"], "NO", "{told}");
        assert_eq!(told["refund"]["processedOn"], "");
    }
    let too_much = wallets
        .first("order/refund", &refund("r4", "0.01", "x"))
        .await;
    assert_eq!(too_much["status"], "ERROR", "{too_much}");
    let list = wallets.first("refunds", &[]).await;
    assert_eq!(list["refund"].as_array().map(Vec::len), Some(3));
    let one = wallets
        .first("refunds", &[("merchantRefundId", "r3")])
        .await;
    assert_eq!(one["refund"][0]["refundNote"], "PENDING");

    let (status, _) = wallets
        .control("refunds/r3", &json!({"status": "SUCCESS"}))
        .await;
    assert_eq!(status, StatusCode::OK);
    let told = wallets
        .first("refundStatus", &[("merchantRefundId", "r3")])
        .await;
    assert_eq!(told["refund"]["processed"], "YES");
    let unknown = wallets.first("refundStatus", &[("refundId", "1")]).await;
    assert_eq!(unknown["status"], "ERROR");
    assert_eq!(
        wallets.merchant.wait_for(1).await.len(),
        1,
        "no notice of refunds"
    );
}

/// Signs a hosted form as shops do, apart from the partner's own code.
fn signed<'a>(fields: &[(&'a str, &'a str)], signature: &'a mut String) -> Vec<(&'a str, &'a str)> {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    let text: String = sorted
        .iter()
        .map(|(name, value)| format!("{name}{value}"))
        .collect();
    *signature = hmac(&text);
    let mut all = fields.to_vec();
    all.push(("signature", signature));
    all
}

#[tokio::test]
async fn hosted_form_needs_its_signature() {
    let wallets = Wallets::start().await;
    let mut fields = wallets.first_fields("WP-1", PHONE);
    fields.push(("appId", APP_ID));
    let url = wallets.url("/billpay/checkout/post/submit");
    let (mut first, mut second) = (String::new(), String::new());
    let right = signed(&fields, &mut first);
    let send = async |fields: &[(&str, &str)]| {
        let request = wallets.simulator.client.post(&url).body(encode(fields));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.send().await.expect("answered");
        let location = response.headers().get("location").cloned();
        let location = location.map(|value| value.to_str().expect("text").to_owned());
        (response.status(), location)
    };

    let mut changed = right.clone();
    changed[1].1 = "1.00";
    assert_eq!(send(&changed).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(send(&fields).await.0, StatusCode::BAD_REQUEST);
    assert!(wallets.log("order").await.is_empty());

    let (status, location) = send(&right).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let page = location.clone().expect("a page");
    assert!(page.starts_with("/billpay/order/"), "{page}");
    assert_eq!(send(&right).await, (status, location));
    let mut cheaper = fields.clone();
    cheaper[1].1 = "1.00";
    assert_eq!(
        send(&signed(&cheaper, &mut second)).await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(wallets.first_status("WP-1").await["orderStatus"], "ACTIVE");
}

#[tokio::test]
async fn faults_strike_generation_1_too() {
    let wallets = Wallets::start().await;
    wallets
        .fault(json!({"call": "create_order", "fault": "drop", "count": 1}))
        .await;
    let fields = wallets.first_fields("WP-1", PHONE);
    assert!(wallets.try_first("order/create", &fields).await.is_err());
    assert_eq!(wallets.first_status("WP-1").await["orderStatus"], "ACTIVE");

    for (fault, status) in [
        ("rate_limit", 429),
        ("error_500_before", 500),
        ("error_500", 500),
    ] {
        wallets
            .fault(json!({"call": "order_status", "fault": fault, "count": 1}))
            .await;
        let answer = wallets
            .try_first("order/info/status", &[("orderId", "WP-1")])
            .await;
        let (told, _) = read(answer.expect("answered")).await;
        assert_eq!(told.as_u16(), status, "{fault}");
    }
}
