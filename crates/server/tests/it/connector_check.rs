//! `altyn connector check`: the example passes, and each thing that is broken is found by its line.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::connector::{Connector, KEY, check, line};
use crate::docs;

/// The cases that the page tells.
fn documented() -> Vec<String> {
    let page = docs::read("docs/connector-protocol.md");
    let (_, table) = page
        .split_once("| case | what it wants |\n")
        .expect("a table");
    let rows = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    let names = rows.filter_map(|row| row.split('`').nth(1).map(str::to_owned));
    names.collect()
}

#[tokio::test]
async fn the_example_passes_every_case_that_is_documented() {
    let connector = Connector::start().await;
    let output = Command::new(env!("CARGO_BIN_EXE_altyn"))
        .args(["connector", "check", &connector.url, "--key", KEY])
        .stdin(Stdio::null())
        .output()
        .await
        .expect("altyn runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    let mut lines: Vec<&str> = text.lines().collect();
    let last = lines.pop().expect("a summary");
    let cases = documented();
    assert_eq!(
        last,
        format!("{} ok, 0 warnings, 0 failed, 0 skipped", cases.len())
    );
    let told = lines
        .iter()
        .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>());
    let told: Vec<_> = told.collect();
    let expected: Vec<_> = cases.iter().map(|name| vec![name.as_str(), "ok"]).collect();
    assert_eq!(told, expected);
}

/// What is broken; the case that finds it, its result, and words of its line.
const BROKEN: [(&str, &str, &str, &str); 27] = [
    // The eight of the protocol.
    (
        "wrong_signature",
        "describe",
        "fail",
        "webhook-signature is wrong",
    ),
    ("charged_twice", "duplicate", "fail", "it was made twice"),
    (
        "unknown_status",
        "success",
        "fail",
        "unknown status \"approved\"",
    ),
    ("slow", "success", "fail", "no answer within 400 ms"),
    ("huge", "success", "fail", "larger than 65536 bytes"),
    (
        "error_500",
        "success",
        "fail",
        "status 500 (internal) instead of 200",
    ),
    (
        "other_amount",
        "success",
        "fail",
        "it is over 1051 INR, asked was 1050 INR",
    ),
    (
        "early_callback",
        "late_success",
        "warn",
        "a callback came before the answer",
    ),
    // And more that hurts.
    ("old_answers", "describe", "fail", "s old"),
    (
        "other_id",
        "describe",
        "fail",
        "webhook-id is not that of its request",
    ),
    (
        "trusts_everybody",
        "wrong_signature",
        "fail",
        "status 200 (no code) instead of 401",
    ),
    (
        "trusts_everybody",
        "old_message",
        "fail",
        "status 200 (no code) instead of 401",
    ),
    (
        "error_500_before",
        "redirect",
        "fail",
        "status 500 (internal)",
    ),
    (
        "never_again",
        "callback_again",
        "fail",
        "no callback again within",
    ),
    ("no_callbacks", "late_failure", "fail", "no callback within"),
    (
        "takes_other_bodies",
        "id_reused",
        "fail",
        "status 200 (no code) instead of 409",
    ),
    (
        "without_messages",
        "failure",
        "warn",
        "a failure without a message",
    ),
    ("live", "describe", "fail", "not in test mode"),
    (
        "promises_too_much",
        "promise",
        "fail",
        "not_found_final_after_ms is 1, and must be at least 300000",
    ),
    (
        "takes_other_types",
        "id_reused",
        "fail",
        "a refund under the id of a charge: status 200 (no code) instead of 409",
    ),
    (
        "keeps_rest",
        "capture",
        "fail",
        "a capture: status success instead of failure: the rest was to be released",
    ),
    (
        "releases_rest",
        "capture_rest",
        "fail",
        "the rest, that was to stay reserved: failure (invalid_amount)",
    ),
    (
        "refunds_each",
        "refund_partial",
        "fail",
        "status success instead of failure",
    ),
    (
        "refunds_anything",
        "refund_too_much",
        "fail",
        "status success instead of failure",
    ),
    (
        "refunds_holds",
        "refund_captured",
        "fail",
        "a refund: status success instead of failure: nothing was captured",
    ),
    (
        "refunds_rest",
        "refund_captured",
        "fail",
        "a refund: status success instead of failure: less was captured",
    ),
    (
        "takes_parts",
        "refund_partial",
        "fail",
        "a part: status success instead of failure: only the whole sum is promised",
    ),
];

async fn found(how: &str, case: &str, result: &str, words: &str) {
    let connector = Connector::broken(how).await;
    let options = match how {
        "slow" => ["--timeout-ms", "400", "--wait-ms", "3000"],
        _ => ["--timeout-ms", "10000", "--wait-ms", "3000"],
    };
    let (code, told) = check(&connector.url, &options).await;
    let (verdict, seen) = line(&told, case);
    assert!(
        verdict == result && seen.contains(words),
        "{how}: {case} {verdict} {seen}"
    );
    let warned_only = result == "warn";
    assert_eq!(code, Some(i32::from(!warned_only)), "{how}: {told}");
    assert_eq!(told["failed"] == 0, warned_only, "{how}: {told}");
}

#[tokio::test]
async fn each_broken_behaviour_is_found() {
    let all = BROKEN.map(|(how, case, result, words)| found(how, case, result, words));
    futures::future::join_all(all).await;
}

#[tokio::test]
async fn what_a_connector_cannot_do_is_skipped() {
    let connector = Connector::broken("plain").await;
    let (code, told) = check(&connector.url, &[]).await;
    assert_eq!(
        (code, &told["failed"]),
        (Some(0), &Value::from(0)),
        "{told}"
    );
    for case in ["refund", "refund_partial", "refund_late", "capture", "void"] {
        assert_eq!(line(&told, case).0, "skip", "{case}");
    }
    let connector = Connector::broken("full_only").await;
    let (code, told) = check(&connector.url, &["--currency", "KZT"]).await;
    assert_eq!(
        (code, &told["failed"]),
        (Some(0), &Value::from(0)),
        "{told}"
    );
    assert_eq!(line(&told, "refund").0, "ok");
    let (verdict, seen) = line(&told, "refund_partial");
    assert!(
        verdict == "ok" && seen.starts_with("a part is refused"),
        "{seen}"
    );
    let (code, told) = check(&connector.url, &["--currency", "JPY"]).await;
    assert_eq!(code, Some(1));
    let asked = "it does not take the currency that was asked for";
    assert_eq!(line(&told, "describe"), ("fail", asked));
}

#[tokio::test]
async fn without_a_connector_or_its_key_nothing_else_is_played() {
    let connector = Connector::start().await;
    let other = [
        "--key",
        "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    ];
    let (code, told) = check(&connector.url, &other).await;
    assert_eq!((code, &told["failed"]), (Some(1), &Value::from(1)));
    let refused = "status 401 (unauthorized) instead of 200";
    assert_eq!(line(&told, "describe"), ("fail", refused));
    assert_eq!(line(&told, "success"), ("skip", "describe failed"));
    drop(connector);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/", nobody.local_addr().expect("it has one"));
    drop(nobody);
    let (code, told) = check(&address, &[]).await;
    assert_eq!(code, Some(1));
    let (result, seen) = line(&told, "describe");
    assert!(
        result == "fail" && seen.starts_with("no answer: "),
        "{seen}"
    );
}

#[test]
fn what_cannot_be_checked_is_told() {
    let said = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_altyn"))
            .args(["connector", "check"])
            .args(arguments)
            .output()
            .expect("altyn runs");
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let url = "http://127.0.0.1:9/";
    assert!(said(&[url, "--key", "secret"]).contains("whsec_"));
    assert!(said(&["ftp://127.0.0.1/", "--key", KEY]).contains("https://"));
    assert!(said(&[url, "--key", KEY, "--settings", "[]"]).contains("JSON object"));
    assert!(said(&[url, "--key", KEY, "--currency", "QQQ"]).contains("currency"));
    assert!(!said(&[url, "--key", KEY, "--timeout-ms", "0"]).contains(KEY));
}
