//! What answers of a remote connector mean: only what is signed, fresh and about our question is news.

use altyn_connectors::remote::signature::{self, Keys};
use altyn_connectors::remote::{Remote, decline};
use altyn_domain::{
    Connector as _, DeclineCode, End, EndReason, ExchangeKind, Facts, HttpMethod, Money, Outcome,
    PayerAction, Report, Step, Timestamp,
};
use serde_json::{Value, json};

use crate::remote::{
    ASK, AUTH, Bench, CAPTURE, NOW, OTHER_KEY, REFUND, REVERSAL, SALE, VOID, begin, body_of,
    header, response, rupee, signed_at,
};

/// The state of an operation of the bench, with these fields beside.
pub fn state(bench: &Bench, number: u32, more: Value) -> String {
    let mut state = json!({
        "operation": bench.id(number), "amount": 15_000, "currency": "INR", "reference": "ch_1",
    });
    for (key, value) in more.as_object().expect("an object") {
        state[key] = value.clone();
    }
    state.to_string()
}

fn report(step: Step) -> Report {
    match step {
        Step::Report(report) => *report,
        Step::Unusable(_) => Report::bare(Outcome::Unknown),
        Step::NotFound | Step::Next(_) => panic!("no report: {step:?}"),
    }
}

/// Whether an answer is none, and the reason is told.
pub fn says_nothing(step: &Step) -> bool {
    matches!(step, Step::Unusable(reason) if !reason.is_empty())
}

#[test]
fn each_status_has_its_outcome_for_every_operation() {
    let bench = Bench::new();
    for number in [SALE, AUTH, CAPTURE, VOID, REFUND, REVERSAL] {
        for kind in [begin(), ASK] {
            let told = |more| {
                let body = state(&bench, number, more);
                report(bench.answered(number, &kind, 200, &body))
            };
            let amount = Money::new(15_000, rupee()).ok();
            let success = told(json!({
                "status": "success", "approval_code": "A1", "rrn": "000000000001",
                "happened_at_ms": 1_795_000_000_000_i64, "message": "thank you", "new_field": [],
            }));
            assert_eq!(success.outcome, Outcome::Approved);
            let expected = Facts {
                connector_reference: Some("ch_1".to_owned()),
                one_reference: true,
                approval_code: Some("A1".to_owned()),
                rrn: Some("000000000001".to_owned()),
                happened_at: Some(Timestamp::from_millis(1_795_000_000_000)),
                amount,
                ..Facts::default()
            };
            assert_eq!(success.facts, expected);
            let processing = told(json!({ "status": "processing" }));
            assert_eq!(
                (processing.outcome, processing.action),
                (Outcome::Pending, None)
            );
            let failure = told(json!({
                "status": "failure", "code": "insufficient_funds", "message": "No\nmoney",
                "reference": null,
            }));
            assert_eq!(
                failure.outcome,
                Outcome::Declined(DeclineCode::InsufficientFunds)
            );
            assert_eq!(
                failure.facts.gateway_code.as_deref(),
                Some("insufficient_funds")
            );
            assert_eq!(failure.facts.message.as_deref(), Some("No money"));
            assert_eq!(failure.facts.amount, amount);
        }
    }
}

#[test]
fn a_payer_is_led_to_pay_and_nowhere_else() {
    let bench = Bench::new();
    let url = "https://pay.example/p/1?a=b";
    let redirect = |number, redirect: Value| {
        let more = json!({ "status": "redirect", "redirect": redirect });
        let body = state(&bench, number, more);
        report(bench.answered(number, &begin(), 200, &body))
    };
    let at_sign = json!({ "method": "GET", "url": "https://pay.example/@shop?a=b@c" });
    assert_eq!(redirect(SALE, at_sign).outcome, Outcome::Pending);
    let get = redirect(SALE, json!({ "method": "GET", "url": url }));
    let action = PayerAction::Redirect {
        url: url.to_owned(),
        method: HttpMethod::Get,
        fields: [].into(),
    };
    assert_eq!((get.outcome, get.action), (Outcome::Pending, Some(action)));
    let fields = json!({ "token": "t", "empty": "" });
    let post = redirect(
        AUTH,
        json!({ "method": "POST", "url": url, "fields": fields }),
    );
    let action = PayerAction::Redirect {
        url: url.to_owned(),
        method: HttpMethod::Post,
        fields: [("token", "t"), ("empty", "")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
    };
    assert_eq!(post.action, Some(action));

    let many: serde_json::Map<_, _> = (0..51).map(|n| (format!("f{n}"), json!(""))).collect();
    let long = "x".repeat(16 * 1024 + 1);
    for wrong in [
        json!(null),
        json!({}),
        json!({ "method": "get", "url": url }),
        json!({ "method": "PUT", "url": url }),
        json!({ "method": "GET", "url": "javascript:alert(1)" }),
        json!({ "method": "GET", "url": "http://user:pass@pay.example/" }),
        json!({ "method": "GET", "url": "https://bank.example@pay.example" }),
        json!({ "method": "GET", "url": "https://bank.example\\@pay.example/" }),
        json!({ "method": "GET", "url": "https://pay.example/\u{a0}" }),
        json!({ "method": "GET", "url": format!("https://pay.example/{}", "x".repeat(2_048)) }),
        json!({ "method": "GET", "url": url, "fields": { "token": "t" } }),
        json!({ "method": "POST", "url": url, "fields": { "token": 1 } }),
        json!({ "method": "POST", "url": url, "fields": { "": "t" } }),
        json!({ "method": "POST", "url": url, "fields": { "token": long } }),
        json!({ "method": "POST", "url": url, "fields": many }),
    ] {
        assert_eq!(
            redirect(SALE, wrong.clone()).outcome,
            Outcome::Unknown,
            "{wrong}"
        );
    }
    for number in [CAPTURE, VOID, REFUND, REVERSAL] {
        let told = redirect(number, json!({ "method": "GET", "url": url }));
        assert_eq!(told, Report::bare(Outcome::Unknown));
    }
}

#[test]
fn every_published_code_has_its_reason() {
    let bench = Bench::new();
    let told = |code: &str| {
        let body = state(&bench, SALE, json!({ "status": "failure", "code": code }));
        report(bench.answered(SALE, &ASK, 200, &body))
    };
    for (code, reason) in decline::CODES {
        let report = told(code);
        assert_eq!(report.outcome, Outcome::Declined(reason), "{code}");
        assert_eq!(report.facts.gateway_code.as_deref(), Some(code));
    }
    let unknown = told("bank_on_fire_7");
    assert_eq!(unknown.outcome, Outcome::Declined(DeclineCode::General));
    assert_eq!(
        unknown.facts.gateway_code.as_deref(),
        Some("bank_on_fire_7")
    );
    for code in ["", "No money", "UPPER", &"x".repeat(65)] {
        assert_eq!(told(code).outcome, Outcome::Unknown, "{code}");
    }
}

#[test]
fn row_17_what_breaks_the_contract_is_unknown_never_declined() {
    let bench = Bench::new();
    let unknown = |status: u16, body: &str| {
        let step = bench.answered(SALE, &begin(), status, body);
        assert!(says_nothing(&step), "{status} {body}");
    };
    for more in [
        json!({ "status": "declined" }),
        json!({ "status": "SUCCESS" }),
        json!({ "status": "" }),
        json!({ "status": null }),
        json!({ "status": "failure" }),
        json!({ "status": "success", "amount": -1 }),
        json!({ "status": "success", "amount": "15000" }),
        json!({ "status": "success", "amount": 150.00 }),
        json!({ "status": "success", "currency": "inr" }),
        json!({ "status": "success", "currency": "XYZ" }),
        json!({ "status": "success", "reference": null }),
        json!({ "status": "success", "reference": "" }),
        json!({ "status": "success", "reference": "a b" }),
        json!({ "status": "success", "reference": "x".repeat(129) }),
        json!({ "status": "success", "happened_at_ms": -1 }),
        json!({ "status": "success", "approval_code": "x".repeat(17) }),
        json!({ "status": "failure", "code": "general", "operation": "opr_other" }),
        json!({ "status": "failure", "code": "general", "operation": bench.id(AUTH) }),
    ] {
        unknown(200, &state(&bench, SALE, more));
    }
    for body in ["", "{}", "[]", "null", "<html>", "{\"status\":\"success\"}"] {
        unknown(200, body);
    }
    let success = state(&bench, SALE, json!({ "status": "success" }));
    unknown(200, &format!("{success}{success}"));
    unknown(200, &success.replacen('{', "{\"status\":\"failure\",", 1));
    unknown(200, &format!("{success}{}", " ".repeat(64 * 1024)));
    for status in [201, 204, 302, 400, 401, 404, 409, 422, 429, 500, 503] {
        unknown(status, &success);
        let error = json!({ "error": { "code": "internal", "message": "" } });
        unknown(status, &error.to_string());
    }
}

#[test]
fn another_amount_is_told_as_it_came() {
    let bench = Bench::new();
    let body = state(
        &bench,
        SALE,
        json!({ "status": "success", "amount": 14_900 }),
    );
    let told = report(bench.answered(SALE, &begin(), 200, &body));
    assert_eq!(told.facts.amount, Money::new(14_900, rupee()).ok());
    assert_eq!(told.outcome, Outcome::Approved);
}

#[test]
fn an_answer_is_believed_by_its_signature_its_age_and_its_question() {
    let bench = Bench::new();
    let request = bench.request(SALE, &begin()).expect("it can be made");
    let id = header(&request, signature::ID);
    let body = state(
        &bench,
        SALE,
        json!({ "status": "failure", "code": "general" }),
    );
    let means = |response| bench.step(SALE, (&begin(), 0), &response);
    assert!(!says_nothing(&means(response(200, &id, &body))));
    for late_ms in [-300_000, 300_000] {
        let at = NOW.plus_millis(late_ms);
        assert!(
            !says_nothing(&means(signed_at(at, 200, &id, &body))),
            "{late_ms}"
        );
        let at = NOW.plus_millis(late_ms + late_ms.signum() * 2_000);
        assert!(
            says_nothing(&means(signed_at(at, 200, &id, &body))),
            "{late_ms}"
        );
    }
    let question = bench.request(SALE, &ASK).expect("it can be made");
    let other = header(&question, signature::ID);
    assert!(
        says_nothing(&means(response(200, &other, &body))),
        "another question's"
    );
    for place in 0..3 {
        let mut without = response(200, &id, &body);
        without.headers.remove(place);
        assert!(says_nothing(&means(without)), "{place}");
    }
    let mut spoilt = response(200, &id, &body);
    spoilt.body.push(b' ');
    assert!(says_nothing(&means(spoilt)));
    let mut foreign = response(200, &id, &body);
    let keys = Keys::parse(OTHER_KEY).expect("a key");
    foreign.headers[2].1 = keys.sign(&id, signature::second_of(NOW), body.as_bytes());
    assert!(says_nothing(&means(foreign.clone())));
    let reflected = String::from_utf8(request.body.clone()).expect("text");
    assert!(says_nothing(&means(response(200, &id, &reflected))));

    let mut rotating = Bench::new();
    rotating.set("key", &format!("{} {OTHER_KEY}", crate::remote::KEY));
    let told = rotating.step(SALE, (&begin(), 0), &foreign);
    assert!(!says_nothing(&told), "the second key verifies too");
}

fn reason(step: Step) -> String {
    match step {
        Step::Unusable(reason) => reason,
        Step::Report(_) | Step::NotFound | Step::Next(_) => panic!("it says something: {step:?}"),
    }
}

/// Whoever writes a connector must learn what is wrong with its answers, but nobody what stands in them.
#[test]
fn a_state_that_breaks_the_contract_tells_what_is_wrong() {
    let bench = Bench::new();
    let told = |body: &str| reason(bench.answered(SALE, &begin(), 200, body));
    let unread = "the body cannot be read: ";
    for (body, words) in [
        ("<html>", "expected value at line 1 column 1"),
        ("{}", "missing field `operation` at line 1 column 2"),
        (
            r#"{"operation":4111111111111111}"#,
            "expected a string at line 1 column 29",
        ),
    ] {
        assert_eq!(told(body), format!("{unread}{words}"));
    }
    let other = json!({ "status": "success", "operation": bench.id(AUTH) });
    for (more, words) in [
        (
            json!({ "status": "approved" }),
            "unknown status \"approved\"",
        ),
        (
            json!({ "status": "4111 1111" }),
            "status is none of the four words",
        ),
        (
            json!({ "status": "success", "reference": "" }),
            "reference is missing or malformed",
        ),
        (
            other,
            "it is about another operation, or leads a payer who has nothing to pay",
        ),
    ] {
        assert_eq!(told(&state(&bench, SALE, more)), words);
    }
}

#[test]
fn an_error_tells_its_code_and_message_without_the_settings() {
    let mut bench = Bench::new();
    bench.set("settings", r#"{"password":"hunter-22","pin":271828}"#);
    let long = "x".repeat(1_000);
    let malformed = "the connector answers 400 (malformed): ";
    for (status, code, message, words) in [
        (
            500,
            "internal",
            "see the log",
            "the connector answers 500 (internal): see the log",
        ),
        (400, "No Code", "", "the connector answers 400 (no code)"),
        (
            404,
            "unknown_operation",
            "",
            "the connector answers 404 (unknown_operation)",
        ),
        (
            401,
            "unauthorized",
            "?",
            "the connector does not believe our signature (401)",
        ),
        (
            400,
            "malformed",
            "no\nfield hunter-22\u{202e} 271828",
            "the connector answers 400 (malformed): no field *** ***",
        ),
        (
            400,
            "malformed",
            &long,
            &format!("{malformed}{long}")[..255],
        ),
    ] {
        let body = json!({ "error": { "code": code, "message": message } }).to_string();
        assert_eq!(reason(bench.answered(SALE, &begin(), status, &body)), words);
    }
    let none = reason(bench.answered(SALE, &begin(), 502, "Bad gateway"));
    assert_eq!(none, "the connector answers 502");
}

#[test]
fn an_answer_that_is_not_believed_tells_why() {
    let bench = Bench::new();
    let request = bench.request(SALE, &begin()).expect("it can be made");
    let id = header(&request, signature::ID);
    let body = state(&bench, SALE, json!({ "status": "success" }));
    let why = |response| reason(bench.step(SALE, (&begin(), 0), &response));
    let mut unsigned = response(503, &id, "<html>");
    unsigned.headers.clear();
    let missing = "status 503: the header webhook-id is missing or repeated";
    assert_eq!(why(unsigned), missing);
    let mut foreign = response(200, &id, &body);
    let keys = Keys::parse(OTHER_KEY).expect("a key");
    foreign.headers[2].1 = keys.sign(&id, signature::second_of(NOW), body.as_bytes());
    assert_eq!(why(foreign), "status 200: webhook-signature is wrong");
    let old = signed_at(NOW.plus_millis(-400_000), 200, &id, &body);
    assert_eq!(why(old), "status 200: webhook-timestamp is 400 s old");
    let other = "status 200: webhook-id is not the one of the request";
    assert_eq!(why(response(200, "msg_other", &body)), other);
}

#[test]
fn a_description_that_is_refused_tells_the_connectors_own_words() {
    let mut bench = Bench::new();
    bench.set("static", r#"{"partner":"altyn-7"}"#);
    let told = |status: u16, body: &str| {
        let answer = response(status, "msg_1", body);
        let read = Remote.description(&bench.settings, "msg_1", NOW, &answer);
        read.expect_err("no description").to_string()
    };
    let error = json!({ "error": { "code": "malformed", "message": "no partner altyn-7\n" } });
    let words = "the connector answers 400 (malformed): no partner ***";
    assert_eq!(told(400, &error.to_string()), words);
    assert_eq!(told(502, "<html>"), "the connector answers 502");
    let name = told(200, r#"{"name":4111111111111111}"#);
    assert_eq!(
        name,
        "the body cannot be read: expected a string at line 1 column 24"
    );
}

#[test]
fn not_found_is_signed_or_it_is_nothing() {
    let bench = Bench::new();
    let error = |code: &str| json!({ "error": { "code": code, "message": "?" } }).to_string();
    let told = |body: &str| bench.answered(REFUND, &ASK, 404, body);
    assert_eq!(told(&error("not_found")), Step::NotFound);
    assert!(says_nothing(&told(&error("unknown_operation"))));
    assert!(says_nothing(&told("")));
    let mut unsigned = response(404, "m", &error("not_found"));
    unsigned.headers.clear();
    assert!(says_nothing(&bench.step(REFUND, (&ASK, 0), &unsigned)));
}

#[test]
fn a_try_that_nobody_needs_is_ended() {
    let mut bench = Bench::new();
    let processing =
        |bench: &Bench, number| state(bench, number, json!({ "status": "processing" }));
    let asked = |bench: &Bench, number, kind: &ExchangeKind| {
        bench.answered(number, kind, 200, &processing(bench, number))
    };
    assert_eq!(
        report(asked(&bench, SALE, &ASK)).outcome,
        Outcome::Pending,
        "it is needed"
    );

    bench.payment.end = Some(End {
        reason: EndReason::Expired,
        at: NOW,
    });
    let Step::Next(cancel) = asked(&bench, SALE, &ASK) else {
        panic!("it is not ended");
    };
    let body = body_of(&cancel);
    assert_eq!(
        (&body["type"], &body["operation"]),
        (&"cancel".into(), &bench.id(SALE).into())
    );
    let id = header(&cancel, signature::ID);
    let after = |body: &str| bench.step(SALE, (&ASK, 1), &response(200, &id, body));
    let ended = state(
        &bench,
        SALE,
        json!({ "status": "failure", "code": "cancelled" }),
    );
    assert_eq!(
        report(after(&ended)).outcome,
        Outcome::Declined(DeclineCode::General)
    );
    let too_late = state(&bench, SALE, json!({ "status": "success" }));
    assert_eq!(report(after(&too_late)).outcome, Outcome::Approved);
    assert_eq!(
        report(after(&processing(&bench, SALE))).outcome,
        Outcome::Pending
    );
    let not_found = json!({ "error": { "code": "not_found" } }).to_string();
    let step = bench.step(SALE, (&ASK, 1), &response(404, &id, &not_found));
    assert!(says_nothing(&step), "it was known a moment ago");

    for (number, kind) in [(SALE, begin()), (REFUND, ASK), (CAPTURE, ASK), (VOID, ASK)] {
        assert_eq!(
            report(asked(&bench, number, &kind)).outcome,
            Outcome::Pending
        );
    }
    let success = state(&bench, SALE, json!({ "status": "success" }));
    assert_eq!(
        report(bench.answered(SALE, &ASK, 200, &success)).outcome,
        Outcome::Approved
    );
}
