//! Every fault, switched on the way tests of the gateway do it.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::simulator::{Simulator, authorization};

const CARD: &str = "4444555511113333";

fn once(fault: &str) -> Value {
    json!({"operation": "authorization", "fault": fault, "count": 1, "delay_ms": 300})
}

#[tokio::test]
async fn drop_does_the_work_and_drop_before_does_not() {
    let simulator = Simulator::start();
    simulator.fault(once("drop")).await;
    simulator.fault(once("drop_before")).await;

    let done = simulator
        .try_post("authorizations", &authorization("a", CARD, json!({})))
        .await;
    let undone = simulator
        .try_post("authorizations", &authorization("b", CARD, json!({})))
        .await;

    assert!(done.is_err() && undone.is_err());
    assert_eq!(simulator.operation("a").await["status"], "approved");
    assert_eq!(simulator.get("operations/b").await.0, StatusCode::NOT_FOUND);
    simulator.authorize("b", CARD, json!({})).await;
}

#[tokio::test]
async fn duplicate_is_harmless() {
    let simulator = Simulator::start();
    simulator
        .fault(json!({"operation": "any", "fault": "duplicate"}))
        .await;

    simulator.authorize("a", CARD, json!({})).await;
    let captured = simulator.follow("a", "captures", "c", 30_000).await;
    let refunded = simulator.follow("a", "refunds", "r", 20_000).await;

    assert_eq!(
        (&captured["code"], &refunded["code"]),
        (&json!("000"), &json!("000"))
    );
    let line = simulator.log_line("a").await;
    assert_eq!(line["received"], 2);
    assert_eq!(line["sums"]["captured"], 30_000);
    assert_eq!(line["sums"]["refunded"], 20_000);
}

#[tokio::test]
async fn delay_holds_the_answer_of_finished_work() {
    let simulator = Simulator::start();
    simulator.fault(once("delay")).await;
    let begun = Instant::now();

    let answer = simulator.authorize("a", CARD, json!({})).await;

    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(answer["status"], "approved");
}

#[tokio::test]
async fn answers_that_lie_about_money() {
    let simulator = Simulator::start();
    simulator.fault(once("wrong_amount")).await;
    simulator.fault(once("wrong_currency")).await;

    assert_eq!(
        simulator.authorize("a", CARD, json!({})).await["amount"],
        50_001
    );
    assert_eq!(
        simulator.authorize("b", CARD, json!({})).await["currency"],
        "USD"
    );

    assert_eq!(simulator.operation("a").await["amount"], 50_000);
    assert_eq!(simulator.operation("b").await["currency"], "KZT");
}

#[tokio::test]
async fn answers_that_cannot_be_read() {
    let simulator = Simulator::start();
    simulator.fault(once("error_500")).await;
    simulator.fault(once("malformed")).await;

    let (status, body) = simulator
        .post("authorizations", &authorization("a", CARD, json!({})))
        .await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        body.as_str().is_some_and(|text| text.contains("<html>")),
        "{body}"
    );
    let (status, body) = simulator
        .post("authorizations", &authorization("b", CARD, json!({})))
        .await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        body.as_str()
            .is_some_and(|text| text.starts_with("{\"key\"")),
        "{body}"
    );

    for key in ["a", "b"] {
        assert_eq!(simulator.operation(key).await["status"], "approved");
    }
}

#[tokio::test]
async fn bodies_that_are_too_long_or_too_slow() {
    let simulator = Simulator::start();
    simulator.fault(once("huge_body")).await;
    simulator.fault(once("slow_body")).await;

    let mut huge = simulator
        .try_post("authorizations", &authorization("a", CARD, json!({})))
        .await
        .expect("a head");
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

    let begun = Instant::now();
    let mut slow = simulator
        .try_post("authorizations", &authorization("b", CARD, json!({})))
        .await
        .expect("a head");
    let head_after = begun.elapsed();
    let mut text = Vec::new();
    while let Some(chunk) = slow.chunk().await.expect("more") {
        text.extend_from_slice(&chunk);
    }
    assert!(head_after < begun.elapsed() && begun.elapsed() >= Duration::from_millis(250));
    let answer: Value = serde_json::from_slice(&text).expect("whole in the end");
    assert_eq!(answer["status"], "approved");
}

#[tokio::test]
async fn faults_are_for_one_call_and_count_down() {
    let simulator = Simulator::start();
    simulator
        .fault(json!({"operation": "capture", "fault": "error_500", "count": 1}))
        .await;

    simulator.authorize("a", CARD, json!({})).await;
    let path = "operations/a/captures";
    let body = json!({"key": "c", "amount": 10});
    assert_eq!(
        simulator.post(path, &body).await.0,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert_eq!(simulator.post(path, &body).await.0, StatusCode::OK);

    let (_, listed) = simulator.get("faults").await;
    assert_eq!(listed["faults"][0]["hits"], 1);
    let cleared = simulator
        .call("DELETE", "faults")
        .send()
        .await
        .expect("answered");
    assert_eq!(cleared.status(), StatusCode::OK);
    assert_eq!(simulator.get("faults").await.1, json!({"faults": []}));
}

#[tokio::test]
async fn status_may_lie_until_faults_are_cleared() {
    let simulator = Simulator::start();
    for (key, says) in [("a", "pending"), ("b", "declined"), ("d", "approved")] {
        let fault = json!({"operation": "authorization", "fault": "drop", "count": 1,
                           "status_says": says});
        simulator.fault(fault).await;
        let body = authorization(key, CARD, json!({}));
        assert!(simulator.try_post("authorizations", &body).await.is_err());
        assert_eq!(simulator.operation(key).await["status"], says);
    }
    let denied = json!({"operation": "authorization", "fault": "drop", "count": 1,
                        "status_says": "not_found"});
    simulator.fault(denied).await;
    let body = authorization("e", CARD, json!({}));
    assert!(simulator.try_post("authorizations", &body).await.is_err());
    assert_eq!(simulator.get("operations/e").await.0, StatusCode::NOT_FOUND);

    assert_eq!(
        simulator.log_line("e").await["status"],
        "approved",
        "the log tells the truth"
    );
    simulator
        .call("DELETE", "faults")
        .send()
        .await
        .expect("answered");
    for key in ["a", "b", "d", "e"] {
        assert_eq!(simulator.operation(key).await["status"], "approved");
    }
}

#[tokio::test]
async fn status_request_can_fail_too() {
    let simulator = Simulator::start();
    simulator.authorize("a", CARD, json!({})).await;
    simulator
        .fault(json!({"operation": "status", "fault": "drop_before", "count": 1}))
        .await;

    assert!(simulator.call("GET", "operations/a").send().await.is_err());
    assert_eq!(simulator.operation("a").await["status"], "approved");
}

#[tokio::test]
async fn faults_that_make_no_sense_are_refused() {
    let simulator = Simulator::start();
    let wrong = [
        json!({"operation": "capture", "fault": "explode"}),
        json!({"operation": "lunch", "fault": "drop"}),
        json!({"operation": "any", "fault": "delay", "delay_ms": 10_000_000}),
        json!({"operation": "any", "fault": "drop", "colour": "red"}),
    ];
    for fault in wrong {
        let (status, answer) = simulator.post("faults", &fault).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    }
}
