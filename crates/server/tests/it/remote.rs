//! Payments through a connector in another language: from ECommPay's Gate to the example in Python and back.

use serde_json::{Value, json};

use crate::connector::{Connector, KEY};
use crate::docs;
use crate::gate::{Database, Gate, Setup};
use crate::india::Shop;
use crate::lifecycle_far::FarSide;
use crate::methods;

fn is(status: &'static str) -> impl Fn(&Value) -> bool {
    move |callback| callback["payment"]["status"] == status
}

fn operation_is(kind: &'static str, status: &'static str) -> impl Fn(&Value) -> bool {
    move |callback| {
        let operation = &callback["operation"];
        operation["type"] == kind && operation["status"] == status
    }
}

/// The method that the example's own page shows.
fn example() -> Value {
    let page = docs::read("examples/connector-python/README.md");
    let (_, rest) = page.split_once("```json\n").expect("it shows one");
    let (text, _) = rest.split_once("```").expect("it ends");
    let method: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(method["settings"]["key"], KEY);
    method
}

/// The shop's wallet method leads to this connector from now on.
async fn led_to(gate: &Gate, shop: &Shop<'_>, url: &str) {
    let slug = methods::slug(gate).await;
    let mut method = example();
    method["id"] = json!("wallet-partner");
    method["ranges"][0]["max"] = json!(50_000);
    method["settings"]["base_url"] = json!(url);
    method["settings"]["settings"] = json!("{\"account\": \"shop-7\"}");
    let output = methods::set(gate, &slug, &method).await;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    methods::in_force(shop).await;
}

/// What a payer does at the wallet's page.
async fn decide(shop: &Shop<'_>, redirect: &Value, result: &str) {
    let url = redirect["redirect_data"]["url"].as_str().expect("a text");
    let request = shop
        .gate
        .http
        .post(url)
        .body(format!("test_result={result}"));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let response = request.send().await.expect("the page answers");
    assert_eq!(response.status(), 303);
    let back = response.headers()["location"]
        .to_str()
        .expect("a text")
        .to_owned();
    assert!(back.starts_with(&shop.gate.base_url), "{back}");
    let response = shop.gate.http.get(&back).send().await.expect("it answers");
    assert!(
        response.status().as_u16() < 400,
        "{back}: {}",
        response.status()
    );
}

#[tokio::test]
async fn a_payment_is_led_to_the_page_of_a_connector_and_refunded_through_it() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let (shop, connector) = (Shop::open(&gate).await, Connector::start().await);
    led_to(&gate, &shop, &connector.url).await;
    shop.wallet_sale("A-1", 35_001).await;
    let redirect = shop.until_redirect("A-1").await;
    assert_eq!(redirect["redirect_data"]["method"], "GET", "{redirect}");
    decide(&shop, &redirect, "success").await;
    let success = shop.until("A-1", is("success")).await;
    assert_eq!(success["payment"]["sum"]["amount"], 35_001);
    assert_eq!(success["operation"]["code"], "0");
    shop.refund("A-1", Some(10_000)).await;
    shop.until("A-1", operation_is("refund", "success")).await;
    shop.refund("A-1", None).await;
    let refunded = shop.until("A-1", is("refunded")).await;
    assert_eq!(refunded["payment"]["sum"]["amount"], 0);
    gate.audit().await;
}

#[tokio::test]
async fn every_end_of_a_charge_reaches_the_shop() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let (shop, connector) = (Shop::open(&gate).await, Connector::start().await);
    led_to(&gate, &shop, &connector.url).await;
    shop.wallet_sale("E-1", 10_000).await;
    shop.wallet_sale("E-2", 10_002).await;
    shop.wallet_sale("E-3", 10_003).await;
    shop.wallet_sale("E-4", 10_004).await;
    shop.wallet_sale("E-5", 10_001).await;
    decide(&shop, &shop.until_redirect("E-5").await, "failure").await;
    shop.until("E-1", is("success")).await;
    shop.until("E-3", is("success")).await;
    for payment_id in ["E-2", "E-4", "E-5"] {
        let decline = shop.until(payment_id, is("decline")).await;
        assert_eq!(
            decline["payment"]["sum"]["amount"]
                .as_i64()
                .map(|sum| sum / 10),
            Some(1_000)
        );
    }
    let late = shop.until("E-3", is("success")).await;
    assert_eq!(late["payment"]["sum"]["amount"], 10_003);
    gate.audit().await;
}

#[tokio::test]
async fn every_end_of_a_refund_reaches_the_shop() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let (shop, connector) = (Shop::open(&gate).await, Connector::start().await);
    led_to(&gate, &shop, &connector.url).await;
    for (payment_id, amount, end) in [
        ("R-1", 10_012, "decline"),
        ("R-2", 10_013, "success"),
        ("R-3", 10_014, "decline"),
    ] {
        shop.wallet_sale(payment_id, amount).await;
        shop.until(payment_id, is("success")).await;
        shop.refund(payment_id, None).await;
        let told = shop.until(payment_id, operation_is("refund", end)).await;
        let status = if end == "success" {
            "refunded"
        } else {
            "success"
        };
        assert_eq!(told["payment"]["status"], status, "{told}");
    }
    gate.audit().await;
}

/// The charge is made and its answer is lost, late, or not to be believed: the gateway asks until it knows.
#[tokio::test]
async fn an_answer_that_says_nothing_is_asked_for_and_never_a_decline() {
    for (how, reason) in [
        ("error_500", "the connector answers 500 (internal)"),
        ("slow", "did not answer"),
        ("huge", "did not answer"),
        ("unknown_status", "unknown status"),
    ] {
        let setup = Setup::on(Database::Sqlite).exchange_deadline_ms(1_000);
        let gate = Gate::start(setup).await;
        let (shop, connector) = (Shop::open(&gate).await, Connector::broken(how).await);
        led_to(&gate, &shop, &connector.url).await;
        shop.wallet_sale("S-1", 10_000).await;
        shop.until("S-1", is("success")).await;
        shop.refund("S-1", None).await;
        shop.until("S-1", is("refunded")).await;
        gate.audit().await;
        let log = std::fs::read_to_string(gate.data.with_file_name("altyn.log"));
        let log = log.expect("a log");
        assert!(log.contains(reason), "{how}: {log}");
    }
}

/// The charge never came, and the gateway cannot know it: as long as a signature is fresh, it may still come.
#[tokio::test]
async fn a_charge_that_never_began_is_a_decline_when_it_can_no_longer_come() {
    let gate = Gate::start(Setup::on(Database::Sqlite).manual_clock()).await;
    let (shop, far) = (Shop::open(&gate).await, FarSide::start().await);
    far.loses_charges();
    led_to(&gate, &shop, &far.url).await;
    shop.wallet_sale("N-1", 10_000).await;
    for (seconds, questions) in [(5, 1), (120, 2), (120, 3)] {
        gate.advance(seconds).await;
        far.until_not_found(questions).await;
        let status = shop.status("N-1").await;
        assert_eq!(status["payment"]["status"], "processing", "{status}");
    }
    gate.advance(340).await;
    shop.until("N-1", is("decline")).await;
    gate.audit().await;
}

#[tokio::test]
async fn a_callback_before_the_answer_counts_once() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let (shop, connector) = (
        Shop::open(&gate).await,
        Connector::broken("early_callback").await,
    );
    led_to(&gate, &shop, &connector.url).await;
    shop.wallet_sale("C-1", 10_003).await;
    let success = shop.until("C-1", is("success")).await;
    assert_eq!(success["payment"]["sum"]["amount"], 10_003);
    let wins = shop.heard("C-1").into_iter().filter(is("success")).count();
    assert_eq!(wins, 1);
    gate.audit().await;
}

#[tokio::test]
async fn another_amount_is_booked_by_nobody() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let (shop, connector) = (
        Shop::open(&gate).await,
        Connector::broken("other_amount").await,
    );
    led_to(&gate, &shop, &connector.url).await;
    let request = shop.wallet_sale("M-1", 10_050).await;
    let incident = crate::wallet::until_incident_of(&gate, &request).await;
    assert_eq!(incident["kind"], "amount_mismatch", "{incident}");
    let status = shop.status("M-1").await;
    assert_ne!(status["payment"]["status"], "success", "{status}");
    gate.audit().await;
}

#[tokio::test]
async fn what_is_signed_by_somebody_else_changes_nothing() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let (shop, connector) = (
        Shop::open(&gate).await,
        Connector::broken("wrong_signature").await,
    );
    led_to(&gate, &shop, &connector.url).await;
    let request = shop.wallet_sale("W-1", 10_003).await;
    let incident = crate::wallet::until_incident_of(&gate, &request).await;
    assert_eq!(incident["kind"], "notice_refused", "{incident}");
    let status = shop.status("W-1").await;
    assert_eq!(status["payment"]["status"], "processing", "{status}");
    gate.audit().await;
}

/// Whoever sends callbacks learns why one is not taken, and so does the operator.
#[tokio::test]
async fn a_callback_that_is_not_taken_is_answered_with_the_reason() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let (shop, far) = (Shop::open(&gate).await, FarSide::start().await);
    led_to(&gate, &shop, &far.url).await;
    let request = shop.wallet_sale("T-1", 10_000).await;
    let charge = far.operation("charge", "T-1", 1).await;
    far.set_ahead(-400);
    let (status, words) = far.tells_and_hears(&charge).await;
    let tail = " s old: see the clocks";
    assert!(
        status == 401 && words.starts_with("the notice is 40") && words.ends_with(tail),
        "{status} {words}"
    );
    let incident = crate::wallet::until_incident_of(&gate, &request).await;
    assert_eq!(incident["kind"], "notice_refused", "{incident}");
    let detail = incident["detail"].as_str().expect("a text");
    assert!(detail.ends_with(tail), "{incident}");

    let url = format!("{}/notices/{}/1", gate.base_url, far.payment_of(&charge));
    let response = gate.http.post(url).body(vec![b' '; 65_537]).send().await;
    let response = response.expect("it answers");
    assert_eq!(response.status(), 413);
    let words = response.text().await.expect("a text");
    assert_eq!(words, "the body is larger than 65536 bytes");
    gate.audit().await;
}
