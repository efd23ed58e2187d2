//! What each card does, and one effect per key.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::simulator::{LATE_MS, Simulator, authorization, browser};

#[tokio::test]
async fn cards_without_authentication_are_decided_at_once() {
    let simulator = Simulator::start();
    let cases = [
        ("4444555511113333", "approved", "000"),
        ("4242424242424242", "approved", "000"),
        ("4000000000001166", "declined", "116"),
        ("4000000000000101", "declined", "101"),
        ("4444555511113334", "declined", "111"),
        ("12", "declined", "111"),
    ];
    for (pan, status, code) in cases {
        let answer = simulator
            .authorize(&format!("key-{pan}"), pan, json!({}))
            .await;
        assert_eq!(answer["status"], status, "{answer}");
        assert_eq!(answer["code"], code, "{answer}");
        assert_eq!(
            answer["approval_code"].is_null(),
            status == "declined",
            "{answer}"
        );
        assert!(answer["authentication"].is_null(), "{answer}");
    }
}

#[tokio::test]
async fn answer_has_every_field_of_the_contract() {
    let simulator = Simulator::start();

    let answer = simulator
        .authorize("opr_1", "4111111111111111", json!({}))
        .await;

    let approval_code = answer["approval_code"].as_str().expect("a text");
    assert!(approval_code.len() == 6 && approval_code.bytes().all(|byte| byte.is_ascii_digit()));
    let expected = json!({
        "key": "opr_1", "bank_id": "bnk_000001", "kind": "authorization", "status": "approved",
        "code": "000", "amount": 50_000, "currency": "KZT", "approval_code": approval_code,
        "rrn": "000000000001", "terminal": "SANDBOX1", "eci": "05",
        "masked_pan": "411111**1111", "authentication": null,
    });
    assert_eq!(answer, expected);
    assert_eq!(simulator.operation("opr_1").await, expected);
}

#[tokio::test]
async fn late_cards_look_pending_and_are_decided_at_arrival() {
    let simulator = Simulator::start();
    for (pan, status, code) in [
        ("4000000000009995", "approved", "000"),
        ("4000000000009987", "declined", "116"),
    ] {
        let begun = Instant::now();
        let answer = simulator.authorize(pan, pan, json!({}));
        let during = async {
            let found = poll(&simulator, pan, |_| true).await;
            let line = simulator.log_line(pan).await;
            (found, line, begun.elapsed())
        };
        let (answer, (found, line, asked_after)) = tokio::join!(answer, during);

        assert_eq!(found["status"], "pending", "{found}");
        assert!(
            found["code"].is_null() && found["approval_code"].is_null(),
            "{found}"
        );
        assert_eq!(line["status"], status, "the log knows the decision: {line}");
        assert!(asked_after < Duration::from_millis(LATE_MS));
        assert!(begun.elapsed() >= Duration::from_millis(LATE_MS));
        assert_eq!(
            (&answer["status"], &answer["code"]),
            (&json!(status), &json!(code))
        );
        assert_eq!(simulator.operation(pan).await, answer);
    }
}

#[tokio::test]
async fn caller_that_gives_up_waiting_changes_nothing() {
    let simulator = Simulator::start();
    let body = authorization("k", "4000000000009995", json!({}));
    let request = simulator
        .call("POST", "authorizations")
        .body(body.to_string());

    let gone = request.timeout(Duration::from_millis(200)).send().await;

    assert!(gone.expect_err("no answer yet").is_timeout());
    let decided = poll(&simulator, "k", |answer| answer["status"] != "pending").await;
    assert_eq!(decided["status"], "approved");
}

#[tokio::test]
async fn dropped_connection_hides_an_approval() {
    let simulator = Simulator::start();
    let body = authorization("k", "4000000000009979", json!({}));

    let answer = simulator.try_post("authorizations", &body).await;

    assert!(answer.is_err(), "the connection is closed");
    assert_eq!(simulator.operation("k").await["status"], "approved");
    assert_eq!(
        simulator.post("authorizations", &body).await.1["status"],
        "approved"
    );
}

#[tokio::test]
async fn fifty_equal_requests_have_one_effect() {
    let simulator = Simulator::start();
    let body = authorization("k", "4444555511113333", json!({}));

    let answers = join_all((0..50).map(|_| simulator.post("authorizations", &body))).await;
    let captures = join_all((0..50).map(|_| simulator.follow("k", "captures", "c", 20_000))).await;

    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(captures.iter().all(|answer| *answer == captures[0]));
    assert_eq!(captures[0]["status"], "approved");
    let line = simulator.log_line("k").await;
    assert_eq!(line["received"], 50);
    assert_eq!(line["sums"]["captured"], 20_000);
    assert_eq!(line["sums"]["released"], 30_000);
    assert_eq!(simulator.log_line("c").await["received"], 50);
    let (_, log) = simulator.get("log").await;
    assert_eq!(log["operations"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn fifty_different_captures_take_the_money_once() {
    let simulator = Simulator::start();
    simulator
        .authorize("k", "4444555511113333", json!({}))
        .await;

    let keys: Vec<String> = (0..50).map(|number| format!("c{number}")).collect();
    let answers = join_all(
        keys.iter()
            .map(|key| simulator.follow("k", "captures", key, 50_000)),
    )
    .await;

    let approved = answers
        .iter()
        .filter(|answer| answer["status"] == "approved")
        .count();
    assert_eq!(approved, 1);
    assert_eq!(simulator.log_line("k").await["sums"]["captured"], 50_000);
}

#[tokio::test]
async fn key_belongs_to_its_first_body() {
    let simulator = Simulator::start();
    simulator
        .authorize("k", "4444555511113333", json!({}))
        .await;

    let other_amount = authorization("k", "4444555511113333", json!({"amount": 1}));
    let other_card = authorization("k", "4242424242424242", json!({}));
    for body in [other_amount, other_card] {
        let (status, answer) = simulator.post("authorizations", &body).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert_eq!(answer, json!({"error": "key_reused"}));
    }
    let path = "operations/k/voids";
    let (status, _) = simulator
        .post(path, &json!({"key": "k", "amount": 50_000}))
        .await;
    assert_eq!(
        status,
        StatusCode::CONFLICT,
        "an authorization's key for a void"
    );
}

#[tokio::test]
async fn wrong_key_and_malformed_bodies_are_refused() {
    let simulator = Simulator::start();
    let body = authorization("k", "4444555511113333", json!({}));
    for key in ["", "wrong", "test-terminal-kez"] {
        let url = format!("{}/bank/v1/authorizations", simulator.bank_url);
        let request = simulator
            .client
            .post(url)
            .bearer_auth(key)
            .body(body.to_string());
        let response = request.send().await.expect("answered");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    for (name, wrong) in [
        ("amount", json!("1")),
        ("currency", json!("TENGE")),
        ("key", json!(1)),
    ] {
        let body = authorization("k", "4444555511113333", json!({name: wrong}));
        let (status, answer) = simulator.post("authorizations", &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(answer, json!({"error": "malformed", "field": name}));
    }
    let (status, answer) = simulator.get("operations/k").await;
    assert_eq!(
        (status, answer),
        (StatusCode::NOT_FOUND, json!({"error": "not_found"}))
    );
}

#[tokio::test]
async fn request_that_was_under_way_too_long_is_not_begun() {
    let simulator = Simulator::start();
    let body = authorization("k", "4444555511113333", json!({})).to_string();
    let send = |sent_at: String| {
        let request = simulator.call("POST", "authorizations").body(body.clone());
        request.header("request-sent-at", sent_at).send()
    };

    let old = send("1000000000000".to_owned()).await.expect("answered");
    assert_eq!(old.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(simulator.get("operations/k").await.0, StatusCode::NOT_FOUND);
    let fresh = send("99000000000000".to_owned()).await.expect("answered");
    assert_eq!(fresh.status(), StatusCode::OK);
}

#[tokio::test]
async fn enrollment_follows_the_card() {
    let simulator = Simulator::start();
    let cases = [
        ("5555555555555599", "Y"),
        ("4444555511113333", "N"),
        ("4444555511113334", "U"),
    ];
    for (pan, enrolled) in cases {
        let (status, answer) = simulator.post("enrollment", &json!({"pan": pan})).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(answer["enrolled"], enrolled);
        assert_eq!(answer["country"], "KZ");
    }
}

#[tokio::test]
async fn expired_and_verified_cards() {
    let simulator = Simulator::start();
    let past = json!({"card": {"pan": "4444555511113333", "expiry": "202001", "cvc": "123"}});
    assert_eq!(simulator.authorize("a", "", past).await["code"], "101");

    let check = json!({"verify": true, "amount": 0});
    let verified = simulator.authorize("b", "4444555511113333", check).await;
    assert_eq!(
        (&verified["status"], &verified["amount"]),
        (&json!("approved"), &json!(0))
    );
    assert_eq!(
        simulator.follow("b", "captures", "c", 1).await["code"],
        "125"
    );

    let nothing = simulator
        .authorize("d", "4444555511113333", json!({"amount": 0}))
        .await;
    assert_eq!(nothing["code"], "110", "nothing to authorize");
}

#[tokio::test]
async fn wish_about_authentication_is_granted() {
    let simulator = Simulator::start();
    let forced = simulator
        .authorize("a", "4444555511113333", json!({"authentication": "force"}))
        .await;
    assert_eq!(forced["authentication"]["step"], "challenge");

    let skipped = simulator
        .authorize("b", "5555555555555599", json!({"authentication": "skip"}))
        .await;
    assert_eq!(
        (&skipped["status"], &skipped["eci"]),
        (&json!("approved"), &json!("07"))
    );

    let mut more = browser(true, "ru");
    more["authentication"] = json!("skip");
    let skipped = simulator.authorize("c", "4111111111111111", more).await;
    assert_eq!(
        (&skipped["status"], &skipped["eci"]),
        (&json!("approved"), &json!("07"))
    );
}

/// Asks for an operation until it is there and as wanted.
async fn poll(simulator: &Simulator, key: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let (status, answer) = simulator.get(&format!("operations/{key}")).await;
        if status == StatusCode::OK && wanted(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{answer}");
        tokio::task::yield_now().await;
    }
}
