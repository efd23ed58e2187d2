//! Callbacks of a remote connector.

use altyn_connectors::remote::signature::{self, Keys};
use altyn_domain::{
    DeclineCode, Money, Notice, NoticeReading, NoticeRefusal, Outcome, Report, Timestamp,
};
use serde_json::json;

use crate::remote::{AUTH, Bench, KEY, NOW, OTHER_KEY, REFUND, SALE, rupee};
use crate::remote_answers::state;

fn signed(key: &str, sent_at: Timestamp, body: &str) -> Notice {
    let second = signature::second_of(sent_at);
    let signature = Keys::parse(key)
        .expect("a key")
        .sign("evt_1", second, body.as_bytes());
    let headers = [
        ("content-type", "application/json".to_owned()),
        (signature::ID, "evt_1".to_owned()),
        (signature::TIMESTAMP, second.to_string()),
        (signature::SIGNATURE, signature),
    ];
    Notice {
        headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
        body: body.as_bytes().to_vec(),
        at: NOW,
    }
}

fn news(reading: Result<NoticeReading, NoticeRefusal>) -> (u32, Report) {
    match reading {
        Ok(NoticeReading::Report(number, report)) => (number, *report),
        other => panic!("no news: {other:?}"),
    }
}

#[test]
fn a_callback_is_news_like_an_answer() {
    let bench = Bench::new();
    let body = state(&bench, REFUND, json!({ "status": "success" }));
    let (number, report) = news(bench.notice(REFUND, &signed(KEY, NOW, &body)));
    assert_eq!((number, report.outcome), (REFUND, Outcome::Approved));
    assert_eq!(report.facts.amount, Money::new(15_000, rupee()).ok());
    let body = state(
        &bench,
        SALE,
        json!({ "status": "failure", "code": "time_over", "message": "Too late" }),
    );
    let (number, report) = news(bench.notice(SALE, &signed(KEY, NOW, &body)));
    assert_eq!(
        (number, report.outcome),
        (SALE, Outcome::Declined(DeclineCode::TimeOver))
    );
    assert_eq!(report.facts.message.as_deref(), Some("Too late"));
}

#[test]
fn a_callback_about_another_operation_is_refused() {
    let bench = Bench::new();
    let body = state(&bench, AUTH, json!({ "status": "success" }));
    let refused = bench.notice(SALE, &signed(KEY, NOW, &body));
    assert_eq!(refused, Err(NoticeRefusal::OtherOrder));
}

#[test]
fn a_callback_is_believed_by_its_signature() {
    let bench = Bench::new();
    let body = state(&bench, SALE, json!({ "status": "success" }));
    let refused = |notice: &Notice| bench.notice(SALE, notice).expect_err("not believed");
    let right = signed(KEY, NOW, &body);
    assert!(bench.notice(SALE, &right).is_ok());
    let foreign = signed(OTHER_KEY, NOW, &body);
    assert_eq!(refused(&foreign), NoticeRefusal::Signature);
    for (sent_after_s, words) in [
        (-302, "the notice is 302 s old: see the clocks"),
        (302, "the notice is 302 s ahead: see the clocks"),
    ] {
        let at = NOW.plus_millis(sent_after_s * 1_000);
        let stale = refused(&signed(KEY, at, &body));
        assert_eq!(stale, NoticeRefusal::Stale(-sent_after_s));
        assert_eq!(stale.to_string(), words);
        // Only who signs rightly learns what our clock says.
        let foreign = signed(OTHER_KEY, at, &body);
        assert_eq!(refused(&foreign), NoticeRefusal::Signature);
    }
    for name in signature::HEADERS {
        let mut without = right.clone();
        without.headers.retain(|(known, _)| known != name);
        assert_eq!(refused(&without), NoticeRefusal::Signature, "{name}");
        let mut twice = right.clone();
        twice.headers.push((name.to_owned(), "x".to_owned()));
        assert_eq!(refused(&twice), NoticeRefusal::Signature, "{name}");
    }
    for place in 0..body.len() {
        let mut spoilt = right.clone();
        spoilt.body[place] ^= 1;
        assert_eq!(refused(&spoilt), NoticeRefusal::Signature, "{place}");
    }
    let mut rotating = Bench::new();
    rotating.set("key", &format!("{KEY} {OTHER_KEY}"));
    assert!(rotating.notice(SALE, &foreign).is_ok());
}

#[test]
fn a_callback_that_says_nothing_known_changes_nothing() {
    let bench = Bench::new();
    let refused = |number, body: &str| {
        let reading = bench.notice(number, &signed(KEY, NOW, body));
        assert_eq!(reading, Err(NoticeRefusal::Unreadable), "{body}");
    };
    for body in ["", "{}", "null", "{\"error\":{\"code\":\"not_found\"}}"] {
        refused(SALE, body);
    }
    refused(SALE, &state(&bench, SALE, json!({ "status": "declined" })));
    refused(SALE, &state(&bench, SALE, json!({ "status": "failure" })));
    let away = json!({ "method": "GET", "url": "https://pay.example/" });
    let redirect = json!({ "status": "redirect", "redirect": away });
    refused(REFUND, &state(&bench, REFUND, redirect));
}
