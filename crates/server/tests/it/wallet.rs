//! The wallet partner behind ECommPay's Gate: sale, decline, late success, refunds, notices that lie.

use serde_json::{Value, json};

use crate::gate::{BOTH, Database, Gate, Setup};
use crate::india::Shop;

fn is(status: &'static str) -> impl Fn(&Value) -> bool {
    move |callback| callback["payment"]["status"] == status
}

fn operation_is(kind: &'static str, status: &'static str) -> impl Fn(&Value) -> bool {
    move |callback| {
        let operation = &callback["operation"];
        operation["type"] == kind && operation["status"] == status
    }
}

/// Pays at the partner and waits until the shop has heard of it.
async fn paid(shop: &Shop<'_>, payment_id: &str, amount: i64) -> String {
    let request = shop.wallet_sale(payment_id, amount).await;
    shop.until_redirect(payment_id).await;
    shop.at_partner(&request, json!({ "result": "SUCCESS" }))
        .await;
    shop.until(payment_id, is("success")).await;
    request
}

#[tokio::test]
async fn a_sale_is_led_to_the_partner_and_told_when_it_is_paid() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let shop = Shop::open(&gate).await;
        let request = shop.wallet_sale("A-1", 50_100).await;
        let redirect = shop.until_redirect("A-1").await;
        assert_eq!(redirect["operation"]["code"], "9999");
        let data = &redirect["redirect_data"];
        assert_eq!(
            (&data["method"], &data["body"]),
            (&json!("POST"), &json!({}))
        );
        let url = data["url"].as_str().expect("a text");
        let page = format!("{}/billpay/order/", gate.bank.partner_url);
        assert!(url.starts_with(&page), "{url}");
        shop.at_partner(&request, json!({ "result": "SUCCESS" }))
            .await;
        let success = shop.until("A-1", is("success")).await;
        assert_eq!(success["operation"]["request_id"], json!(request));
        assert_eq!(success["operation"]["code"], "0");
        assert_eq!(
            success["payment"]["sum"],
            json!({ "amount": 50_100, "currency": "INR" })
        );
        assert_eq!(success["operation"]["provider"]["id"], 1731);
        let status = shop.status("a-1").await;
        assert_eq!(
            status["payment"]["status"], "success",
            "payment ids know no case"
        );
        let (code, repeated) = shop.send("wallet-partner/sale", "a-1", sale(50_100)).await;
        assert_eq!(
            (code, &repeated["code"]),
            (400, &json!("3041")),
            "{repeated}"
        );
        gate.audit().await;
    }
}

fn sale(amount: i64) -> Value {
    json!({
        "payment": { "amount": amount, "currency": "INR" },
        "customer": crate::india::customer(),
        "return_url": { "success": "http://127.0.0.1:9/success" },
    })
}

#[tokio::test]
async fn a_payer_who_declines_is_a_decline_with_the_wallet_s_code() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let shop = Shop::open(&gate).await;
    let request = shop.wallet_sale("D-1", 10_000).await;
    shop.until_redirect("D-1").await;
    shop.at_partner(&request, json!({ "result": "FAILED" }))
        .await;
    let decline = shop.until("D-1", is("decline")).await;
    assert_eq!(decline["operation"]["code"], "20000", "{decline}");
    assert_eq!(decline["operation"]["message"], "General decline");
    assert_eq!(decline["payment"]["sum"]["amount"], 10_000);
    let status = shop.status("D-1").await;
    assert_eq!(status["payment"]["status"], "decline");
    gate.audit().await;
}

#[tokio::test]
async fn what_the_method_does_not_take_is_accepted_and_declined() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let shop = Shop::open(&gate).await;
    for (payment_id, amount, code) in [("L-1", 40_000_001, "2642"), ("L-2", 99, "3358")] {
        shop.wallet_sale(payment_id, amount).await;
        let decline = shop.until(payment_id, is("decline")).await;
        assert_eq!(decline["operation"]["code"], code, "{decline}");
        assert!(
            decline["operation"].get("provider").is_none(),
            "it was never reached"
        );
    }
    assert!(shop.partner_log().await.is_empty());
}

#[tokio::test]
async fn lifecycle_rows_6_and_7_a_late_end_after_the_period() {
    for (database, result) in [
        (Database::Sqlite, "SUCCESS"),
        (Database::Postgres, "FAILED"),
    ] {
        let gate = Gate::start(Setup::on(database).manual_clock()).await;
        let shop = Shop::open(&gate).await;
        let request = shop.wallet_sale("T-1", 10_000).await;
        shop.until_redirect("T-1").await;
        // The method waits ten minutes; the payment itself can be paid longer.
        gate.advance(601).await;
        let over = shop.until("T-1", is("decline")).await;
        assert_eq!(over["operation"]["code"], "603", "{over}");
        shop.at_partner(&request, json!({ "result": result, "late": true }))
            .await;
        if result == "SUCCESS" {
            let late = shop.until("T-1", is("success")).await;
            assert_eq!(late["operation"]["code"], "0");
        } else {
            gate.advance(900).await;
            shop.until("T-1", operation_is("sale", "decline")).await;
        }
        gate.audit().await;
    }
}

#[tokio::test]
async fn a_full_refund_goes_back_once_and_too_much_is_declined() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let shop = Shop::open(&gate).await;
        paid(&shop, "R-1", 35_000).await;
        shop.refund("R-1", Some(35_001)).await;
        let decline = shop.until("R-1", operation_is("refund", "decline")).await;
        assert_eq!(decline["operation"]["code"], "3283");
        assert_eq!(decline["payment"]["status"], "success");
        assert_eq!(decline["payment"]["sum"]["amount"], 35_000);
        shop.refund("R-1", Some(100)).await;
        let part = |c: &Value| c["operation"]["code"] == "3609";
        shop.until("R-1", part).await;
        let request = shop.refund("R-1", None).await;
        let refunded = shop.until("R-1", is("refunded")).await;
        assert_eq!(refunded["operation"]["request_id"], json!(request));
        assert_eq!(refunded["payment"]["sum"]["amount"], 0);
        assert_eq!(refunded["operation"]["sum_initial"]["amount"], 35_000);
        assert_eq!(refunded["operation"]["provider"]["id"], 1751);
        shop.refund("R-1", None).await;
        let again = |c: &Value| {
            c["payment"]["status"] == "refunded" && c["operation"]["status"] == "decline"
        };
        let again = shop.until("R-1", again).await;
        assert_eq!(again["operation"]["code"], "3283");
        gate.audit().await;
    }
}

#[tokio::test]
async fn of_parallel_refunds_one_goes_back() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let shop = Shop::open(&gate).await;
        paid(&shop, "P-1", 35_000).await;
        shop.partner_fault(
            json!({ "call": "refund", "fault": "delay", "delay_ms": 1_000, "count": 1 }),
        )
        .await;
        let wanted = || json!({ "payment": { "description": "both" } });
        let both = futures::join!(
            shop.send("wallet-partner/refund", "P-1", wanted()),
            shop.send("wallet-partner/refund", "P-1", wanted()),
        );
        assert_eq!((both.0.0, both.1.0), (200, 200));
        shop.until("P-1", operation_is("refund", "success")).await;
        let other = shop.until("P-1", operation_is("refund", "decline")).await;
        assert_eq!(other["operation"]["code"], "3283");
        let refunds = |line: &&Value| line.to_string().contains("\"refund_id\"");
        let refunds = shop.partner_log().await.iter().filter(refunds).count();
        assert_eq!(refunds, 1);
        gate.audit().await;
    }
}

#[tokio::test]
async fn a_refund_that_the_partner_answers_too_late_is_asked_about() {
    let setup = Setup::on(Database::Sqlite).exchange_deadline_ms(700);
    let gate = Gate::start(setup).await;
    let shop = Shop::open(&gate).await;
    paid(&shop, "S-1", 35_000).await;
    shop.partner_fault(
        json!({ "call": "refund", "fault": "delay", "delay_ms": 2_000, "count": 1 }),
    )
    .await;
    shop.refund("S-1", None).await;
    shop.until("S-1", is("refunded")).await;
    let heard = shop.heard("S-1");
    let refunds = heard.iter().filter(|c| c["operation"]["type"] == "refund");
    assert_eq!(refunds.count(), 1);
    gate.audit().await;
}

#[tokio::test]
async fn an_end_that_took_longer_than_a_lease_to_learn_is_kept() {
    let gate = Gate::start(Setup::on(Database::Sqlite).manual_clock()).await;
    let shop = Shop::open(&gate).await;
    let request = shop.wallet_sale("E-1", 50_000).await;
    shop.until_redirect("E-1").await;
    let paid = json!({ "result": "SUCCESS", "notify": false });
    shop.at_partner(&request, paid).await;
    // The first question is answered late, all others never.
    for (delay_ms, count) in [(3_000, 1), (60_000, 100)] {
        let fault =
            json!({ "call": "payments", "fault": "delay", "delay_ms": delay_ms, "count": count });
        shop.partner_fault(fault).await;
    }
    let url = format!("{}/partner/control/faults", gate.bank.partner_url);
    let learn = async {
        let faults = async || {
            let answer = gate.http.get(&url).send().await.expect("it answers");
            answer.text().await.expect("all of it")
        };
        while !faults().await.contains("\"hits\":1") {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        // The lease is over, and the timer goes on without the one who asked.
        gate.advance(31).await;
    };
    tokio::join!(gate.advance(61), learn);
    shop.until("E-1", is("success")).await;
    gate.audit().await;
}

#[tokio::test]
async fn rows_45_to_51_a_notice_that_lies_changes_nothing_and_is_an_incident() {
    let cases = [
        (
            json!({ "result": "SUCCESS", "amount": "499.00" }),
            "amount_mismatch",
        ),
        (
            json!({ "result": "SUCCESS", "currency": "USD" }),
            "amount_mismatch",
        ),
        (
            json!({ "result": "SUCCESS", "bad_signature": true }),
            "notice_refused",
        ),
        (
            json!({ "result": "SUCCESS", "other_order": "WP-9999" }),
            "notice_refused",
        ),
    ];
    for (number, (wish, kind)) in cases.into_iter().enumerate() {
        let gate = Gate::start(Setup::on(BOTH[number % 2]).manual_clock()).await;
        let shop = Shop::open(&gate).await;
        let request = shop.wallet_sale("N-1", 50_000).await;
        shop.until_redirect("N-1").await;
        shop.at_partner(&request, wish.clone()).await;
        let incident = until_incident(&gate).await;
        assert_eq!(incident["kind"], kind, "{wish}: {incident}");
        let status = shop.status("N-1").await;
        assert_eq!(
            status["payment"]["status"], "awaiting redirect result",
            "{wish}"
        );
        assert_eq!(shop.heard("N-1").len(), 1, "{wish}");
        gate.audit().await;
    }
}

async fn until_incident(gate: &Gate) -> Value {
    until_incident_of(gate, "").await
}

/// Waits for an incident of the payment in this request's id.
pub async fn until_incident_of(gate: &Gate, request_id: &str) -> Value {
    let payment = request_id.get(..32).unwrap_or_default();
    let began = std::time::Instant::now();
    loop {
        let output = gate.altyn(&["incidents", "list", "--json"]).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = text.lines();
        if let Some(line) = lines.find(|line| line.replace('-', "").contains(payment)) {
            return serde_json::from_str(line).expect("an incident is JSON");
        }
        assert!(
            began.elapsed() < crate::gate::PATIENCE,
            "no incident: {text}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_same_notice_again_and_a_notice_before_the_answer_change_nothing() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let shop = Shop::open(&gate).await;
    let request = shop.wallet_sale("W-1", 50_000).await;
    shop.until_redirect("W-1").await;
    shop.at_partner(&request, json!({ "result": "SUCCESS", "duplicate": 3 }))
        .await;
    shop.until("W-1", is("success")).await;
    shop.refund("W-1", None).await;
    shop.until("W-1", is("refunded")).await;
    let successes = shop.heard("W-1").into_iter().filter(is("success")).count();
    assert_eq!(successes, 1);
    gate.audit().await;
}
