//! 3-D Secure 2 as a payer's browser goes through it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::simulator::{Simulator, attribute, browser, form};

fn decode(text: &str) -> Value {
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .expect("base64url without padding");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// Opens the challenge of an authorization; gives the page.
async fn open(simulator: &Simulator, authentication: &Value) -> String {
    let url = authentication["acs_url"].as_str().expect("a URL");
    let creq = authentication["creq"].as_str().expect("a text");
    let fields = [("creq", creq), ("threeDSSessionData", "session \"&\" data")];
    let (status, page) = simulator.submit(url, &fields).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page
}

/// Sends the page's form with a code, or cancels.
async fn reply(simulator: &Simulator, page: &str, code: &str, action: &str) -> String {
    let (target, fields) = form(page);
    let transaction = fields["transaction"].as_str();
    let session = fields["threeDSSessionData"].as_str();
    let sent = [
        ("transaction", transaction),
        ("threeDSSessionData", session),
        ("code", code),
        ("action", action),
    ];
    let (status, page) = simulator
        .submit(&format!("{}{target}", simulator.bank_url), &sent)
        .await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page
}

fn shown_code(page: &str) -> String {
    attribute(page, "data-code").expect("the page shows the code")
}

/// Reads the page that carries the result onwards.
fn result(page: &str) -> (Value, String) {
    let (action, fields) = form(page);
    assert_eq!(action, "http://127.0.0.1:9/challenge-done?p=1&q=2");
    assert_eq!(fields["threeDSSessionData"], "session \"&\" data");
    (decode(&fields["cres"]), fields["cres"].clone())
}

async fn finish(simulator: &Simulator, key: &str, cres: &str) -> Value {
    let (status, answer) = simulator
        .post(
            &format!("operations/{key}/challenge"),
            &json!({"cres": cres}),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

#[tokio::test]
async fn method_then_challenge_then_approved() {
    let simulator = Simulator::start();
    let mut more = browser(true, "kk-KZ");
    more["capture"] = json!(true);
    let answer = simulator.authorize("k", "5555555555555599", more).await;
    assert_eq!(answer["status"], "authentication_required");
    assert!(
        answer["code"].is_null() && answer["eci"].is_null(),
        "{answer}"
    );
    let method = &answer["authentication"];
    assert_eq!(method["step"], "method");

    let data = method["method_data"].as_str().expect("a text");
    assert_eq!(
        decode(data)["threeDSServerTransID"],
        method["transaction_id"]
    );
    let url = method["method_url"].as_str().expect("a URL");
    let (status, frame) = simulator.submit(url, &[("threeDSMethodData", data)]).await;
    assert_eq!(status, StatusCode::OK);
    let (action, fields) = form(&frame);
    assert_eq!(action, "http://127.0.0.1:9/method-done");
    let back = decode(&fields["threeDSMethodData"]);
    assert_eq!(back["threeDSServerTransID"], method["transaction_id"]);

    let path = "operations/k/authentication";
    let (_, answer) = simulator
        .post(path, &json!({"method_completed": "Y"}))
        .await;
    let challenge = answer["authentication"].clone();
    assert_eq!(challenge["step"], "challenge");
    assert_eq!(challenge["transaction_id"], method["transaction_id"]);
    let (_, again) = simulator
        .post(path, &json!({"method_completed": "Y"}))
        .await;
    assert_eq!(again, answer, "a repeat changes nothing");

    let page = open(&simulator, &challenge).await;
    assert!(
        page.contains("<html lang=\"kk\">") && page.contains("ORD-1"),
        "{page}"
    );
    assert!(
        page.contains("555555**5599") && page.contains("500\u{a0}₸"),
        "{page}"
    );
    assert!(!page.contains("<b>big"), "texts are escaped");
    let onward = reply(&simulator, &page, &shown_code(&page), "submit").await;
    let (message, cres) = result(&onward);
    assert_eq!(message["transStatus"], "Y");
    assert_eq!(message["messageType"], "CRes");
    assert_eq!(message["messageVersion"], "2.2.0");
    assert_eq!(message["threeDSServerTransID"], method["transaction_id"]);

    let answer = finish(&simulator, "k", &cres).await;
    assert_eq!(
        (&answer["status"], &answer["eci"]),
        (&json!("approved"), &json!("05"))
    );
    assert!(answer["authentication"].is_null());
    assert_eq!(finish(&simulator, "k", &cres).await, answer);
    assert_eq!(simulator.log_line("k").await["sums"]["captured"], 50_000);
}

#[tokio::test]
async fn right_code_does_not_help_a_card_without_money() {
    let simulator = Simulator::start();
    let answer = simulator
        .authorize("k", "5555555555554444", browser(true, "ru"))
        .await;
    assert_eq!(answer["authentication"]["step"], "challenge");

    let page = open(&simulator, &answer["authentication"]).await;
    let onward = reply(&simulator, &page, &shown_code(&page), "submit").await;
    let answer = finish(&simulator, "k", &result(&onward).1).await;

    assert_eq!(
        (&answer["status"], &answer["code"]),
        (&json!("declined"), &json!("116"))
    );
}

#[tokio::test]
async fn three_wrong_codes_fail_the_payer() {
    let simulator = Simulator::start();
    let answer = simulator
        .authorize("k", "5555555555555599", browser(false, "en"))
        .await;
    let mut page = open(&simulator, &answer["authentication"]).await;
    let code = shown_code(&page);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for left in ["2", "1"] {
        page = reply(&simulator, &page, wrong, "submit").await;
        assert!(page.contains(&format!("Tries left: {left}")), "{page}");
    }

    let onward = reply(&simulator, &page, wrong, "submit").await;

    let (message, cres) = result(&onward);
    assert_eq!(message["transStatus"], "N");
    let onward = reply(&simulator, &page, &code, "submit").await;
    assert_eq!(
        result(&onward).0["transStatus"],
        "N",
        "the right code comes too late"
    );
    let answer = finish(&simulator, "k", &cres).await;
    assert_eq!(
        (&answer["status"], &answer["code"]),
        (&json!("declined"), &json!("120"))
    );
}

#[tokio::test]
async fn cancelling_fails_the_payer() {
    let simulator = Simulator::start();
    let answer = simulator
        .authorize("k", "5555555555555599", browser(false, "ru"))
        .await;
    let page = open(&simulator, &answer["authentication"]).await;

    let onward = reply(&simulator, &page, "", "cancel").await;

    let (message, cres) = result(&onward);
    assert_eq!(message["transStatus"], "N");
    assert_eq!(finish(&simulator, "k", &cres).await["code"], "120");
}

#[tokio::test]
async fn forged_result_is_not_believed() {
    let simulator = Simulator::start();
    let answer = simulator
        .authorize("k", "5555555555555599", browser(false, "ru"))
        .await;
    let transaction = &answer["authentication"]["transaction_id"];
    let forged = json!({"threeDSServerTransID": transaction, "transStatus": "Y"});
    let forged = URL_SAFE_NO_PAD.encode(forged.to_string());

    let answer = finish(&simulator, "k", &forged).await;

    assert_eq!(answer["status"], "authentication_required");
    assert_eq!(simulator.log_line("k").await["sums"]["held"], 0);
}

#[tokio::test]
async fn frictionless_card_needs_only_the_frame() {
    let simulator = Simulator::start();
    for (key, completed) in [("a", "Y"), ("b", "N"), ("c", "U")] {
        let answer = simulator
            .authorize(key, "4111111111111111", browser(true, "ru"))
            .await;
        assert_eq!(answer["authentication"]["step"], "method");
        let path = format!("operations/{key}/authentication");
        let (_, answer) = simulator
            .post(&path, &json!({"method_completed": completed}))
            .await;
        assert_eq!(
            (&answer["status"], &answer["eci"]),
            (&json!("approved"), &json!("05"))
        );
    }
    let answer = simulator
        .authorize("d", "4111111111111111", browser(false, "ru"))
        .await;
    assert_eq!(
        (&answer["status"], &answer["eci"]),
        (&json!("approved"), &json!("05"))
    );
}

#[tokio::test]
async fn payment_without_a_browser_ends_on_a_page_of_the_acs() {
    let simulator = Simulator::start();
    let answer = simulator
        .authorize("k", "5555555555555599", json!({}))
        .await;
    let page = open(&simulator, &answer["authentication"]).await;

    let end = reply(&simulator, &page, &shown_code(&page), "submit").await;

    assert!(
        !end.contains("<form") && end.contains("data-result=\"Y\""),
        "{end}"
    );
    assert_eq!(finish(&simulator, "k", "any").await["status"], "approved");
}

#[tokio::test]
async fn unknown_requests_get_a_readable_page() {
    let simulator = Simulator::start();
    for path in ["acs/challenge", "acs/method", "acs/challenge/answer"] {
        let url = format!("{}/{path}", simulator.bank_url);
        let (status, page) = simulator.submit(&url, &[("creq", "e30")]).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(page.contains("data-acs=\"problem\""), "{page}");
    }
}
