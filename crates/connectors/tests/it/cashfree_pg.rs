//! Generation 2 of the wallet partner: orders, attempts, and answers that say nothing usable.

use std::collections::BTreeMap;

use altyn_domain::{
    DeclineCode, HttpMethod, HttpRequest, Outcome, PayerAction, ROUNDS_MAX, Step, Timestamp,
};
use serde_json::{Value, json};

use crate::cashfree::{Bench, SECRET, ask, begin, rupees};

pub fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let mut headers = request.headers.iter();
    headers
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.as_str())
}

pub fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(&request.body).expect("JSON")
}

fn order(bench: &Bench, status: &str) -> String {
    format!(
        "{{\"cf_order_id\":\"2149460581\",\"order_id\":\"{}\",\"entity\":\"order\",\
         \"order_amount\":150.00,\"order_currency\":\"INR\",\"order_status\":\"{status}\",\
         \"payment_session_id\":\"session_7NvteR73Fh11P3f3bYnYDf\"}}",
        bench.id(1)
    )
}

/// One attempt: its number, status, minute, and what else it says.
fn attempt(bench: &Bench, (number, status, minute): (u32, &str, u32), more: &str) -> String {
    format!(
        "{{\"cf_payment_id\":{number},\"order_id\":\"{}\",\"entity\":\"payment\",\
         \"order_amount\":150.00,\"payment_amount\":150.00,\"payment_currency\":\"INR\",\
         \"payment_group\":\"wallet\",\"payment_status\":\"{status}\",\
         \"payment_time\":\"2020-08-24T15:{minute:02}:56+05:30\"{more}}}",
        bench.id(1)
    )
}

pub fn problem(code: &str, kind: &str) -> String {
    json!({ "message": "no", "code": code, "type": kind }).to_string()
}

#[test]
fn an_order_says_what_the_contract_wants() {
    let bench = Bench::new("2");
    let request = bench.request(&begin(), 1).unwrap();
    assert_eq!(request.method, HttpMethod::Post);
    assert_eq!(request.url, "https://test.partner.example/pg/orders");
    for (name, value) in [
        ("x-client-id", "demo-app-1"),
        ("x-client-secret", SECRET),
        ("x-api-version", "2026-01-01"),
        ("x-idempotency-key", &bench.id(1)),
        ("content-type", "application/json"),
    ] {
        assert_eq!(header(&request, name), Some(value), "{name}");
    }
    let expected = json!({
        "order_id": bench.id(1),
        "order_amount": 150.0,
        "order_currency": "INR",
        "customer_details": {
            "customer_id": "mary-17",
            "customer_phone": "9876543210",
            "customer_name": "Mary Smith",
            "customer_email": "mary@shop.example",
        },
        "order_meta": {
            "return_url": "https://gate.example/checkout/p/back?a=b&c=d",
            "notify_url": "https://gate.example/notices/p/1",
        },
        // A quarter of an hour after 2026-11-18T16:36:40 in India.
        "order_expiry_time": "2026-11-18T16:51:40+05:30",
        "order_note": "Tea & cups",
    });
    assert_eq!(body(&request), expected);
    let text = String::from_utf8(request.body.clone()).unwrap();
    assert!(
        text.contains("\"order_amount\":150.00,"),
        "exactly as rupees are written"
    );
    assert_eq!(
        bench.request(&begin(), 1).unwrap(),
        request,
        "the same key, the same body"
    );
}

#[test]
fn settings_change_version_wallet_and_lifetime() {
    let mut bench = Bench::new("2");
    bench.set("api_version", "2023-08-01");
    bench.set("wallet", "phonepe");
    bench.set("order_minutes", "30");
    let request = bench.request(&begin(), 1).unwrap();
    assert_eq!(header(&request, "x-api-version"), Some("2023-08-01"));
    assert_eq!(
        body(&request)["order_expiry_time"],
        "2026-11-18T17:06:40+05:30"
    );
    let session = bench.next((&begin(), 1, 0), 200, &order(&bench, "ACTIVE"));
    assert_eq!(
        body(&session)["payment_method"]["app"]["provider"],
        "phonepe"
    );
    for nonsense in ["0", "-5", "soon", ""] {
        bench.set("order_minutes", nonsense);
        let request = bench.request(&begin(), 1).unwrap();
        assert_eq!(
            body(&request)["order_expiry_time"],
            "2026-11-18T16:51:40+05:30"
        );
    }
}

#[test]
fn an_order_leads_to_its_session() {
    let bench = Bench::new("2");
    let session = bench.next((&begin(), 1, 0), 200, &order(&bench, "ACTIVE"));
    assert_eq!(session.method, HttpMethod::Post);
    assert_eq!(
        session.url,
        "https://test.partner.example/pg/orders/sessions"
    );
    let wallet = json!({ "channel": "link", "provider": "paytm", "phone": "9876543210" });
    let expected = json!({
        "payment_session_id": "session_7NvteR73Fh11P3f3bYnYDf",
        "payment_method": { "app": wallet },
    });
    assert_eq!(body(&session), expected);
    let key = header(&session, "x-idempotency-key");
    assert!(
        key.is_some() && key != Some(bench.id(1).as_str()),
        "a key of its own"
    );
}

#[test]
fn a_session_leads_the_payer_to_the_wallet() {
    let bench = Bench::new("2");
    let answer = |action: &str, data: Value| {
        let answer = json!({
            "cf_payment_id": "201738090", "payment_amount": 150.0, "payment_method": "app",
            "channel": "link", "action": action, "data": data,
        });
        bench.report((&begin(), 1, 1), 200, &answer.to_string())
    };
    let url = "https://wallet.example/pay?t=1";
    let link = answer(
        "link",
        json!({ "url": url, "payload": null, "method": "get" }),
    );
    assert_eq!(link.outcome, Outcome::Pending);
    assert_eq!(link.facts.connector_reference.as_deref(), Some("201738090"));
    let redirect = |method, fields| PayerAction::Redirect {
        url: url.to_owned(),
        method,
        fields,
    };
    assert_eq!(
        link.action,
        Some(redirect(HttpMethod::Get, BTreeMap::new()))
    );
    let form = answer(
        "form",
        json!({ "url": url, "payload": { "a": "1", "b": 2, "c": null } }),
    );
    let fields = [("a", "1"), ("b", "2"), ("c", "")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(
        form.action,
        Some(redirect(HttpMethod::Post, BTreeMap::from(fields)))
    );
    for (action, data) in [
        ("post", json!({ "url": url })),
        ("custom", json!({ "url": url })),
        ("form", json!({ "url": url })),
        (
            "form",
            json!({ "url": url, "payload": { "a": { "b": 1 } } }),
        ),
        ("link", json!({ "url": "javascript:alert(1)" })),
        ("link", json!({ "url": null })),
        ("link", json!({})),
    ] {
        let report = answer(action, data.clone());
        assert_eq!(
            (report.outcome, report.action),
            (Outcome::Unknown, None),
            "{action} {data}"
        );
    }
}

#[test]
fn a_refused_order_declines_only_if_nothing_was_made() {
    let bench = Bench::new("2");
    let technical = Outcome::Declined(DeclineCode::Technical);
    let table = [
        (
            400,
            "order_amount_invalid",
            "invalid_request_error",
            technical.clone(),
        ),
        (
            401,
            "request_failed",
            "authentication_error",
            technical.clone(),
        ),
        (422, "request_invalid", "idempotency_error", technical),
        (
            400,
            "order_already_exists",
            "invalid_request_error",
            Outcome::Unknown,
        ),
        (
            409,
            "order_already_exists",
            "invalid_request_error",
            Outcome::Unknown,
        ),
        (400, "order_amount_invalid", "some_error", Outcome::Unknown),
        (
            404,
            "request_failed",
            "invalid_request_error",
            Outcome::Unknown,
        ),
        (
            429,
            "too_many_requests",
            "rate_limit_error",
            Outcome::Unknown,
        ),
        (500, "internal_error", "api_error", Outcome::Unknown),
        (502, "bank_down", "api_error", Outcome::Unknown),
    ];
    for (status, code, kind, expected) in table {
        let report = bench.report((&begin(), 1, 0), status, &problem(code, kind));
        assert_eq!(report.outcome, expected, "{status} {code}");
        let told = matches!(expected, Outcome::Declined(_)).then_some(code);
        assert_eq!(report.facts.gateway_code.as_deref(), told);
    }
    for answer in ["", "{}", "<html>", "[]", "null", "{\"message\":\"no\"}"] {
        for status in [400, 401, 422] {
            assert_eq!(
                bench.step((&begin(), 1, 0), status, answer),
                Step::unknown(),
                "{answer}"
            );
        }
    }
}

#[test]
fn another_order_than_asked_for_leads_nobody_anywhere() {
    let bench = Bench::new("2");
    let good = order(&bench, "ACTIVE");
    for answer in [
        good.replace(&bench.id(1), "WP-1001"),
        good.replace("150.00", "150.01"),
        good.replace("150.00", "150.001"),
        good.replace("INR", "KZT"),
        good.replace("session_7NvteR73Fh11P3f3bYnYDf", ""),
        good.replace("ACTIVE", "PAID"),
        good.replace("ACTIVE", "EXPIRED"),
        good[..good.len() - 1].to_owned(),
        "x".repeat(1_000_000),
    ] {
        assert_eq!(bench.step((&begin(), 1, 0), 200, &answer), Step::unknown());
    }
    assert_eq!(bench.step((&begin(), 1, 0), 500, &good), Step::unknown());
    for same in ["150", "150.0", "150.000", "1.5e2", "\"150.00\""] {
        let answer = good.replace("150.00", same);
        assert!(
            matches!(bench.step((&begin(), 1, 0), 200, &answer), Step::Next(_)),
            "{same}"
        );
    }
}

#[test]
fn an_order_without_session_is_closed_before_the_decline() {
    let bench = Bench::new("2");
    let refused = problem("payment_method_unsupported", "invalid_request_error");
    let closing = bench.next((&begin(), 1, 1), 400, &refused);
    assert_eq!(closing.method, HttpMethod::Patch);
    assert_eq!(
        closing.url,
        format!("https://test.partner.example/pg/orders/{}", bench.id(1))
    );
    assert_eq!(body(&closing), json!({ "order_status": "TERMINATED" }));
    let table = [
        ("TERMINATED", Outcome::Declined(DeclineCode::Technical)),
        ("EXPIRED", Outcome::Declined(DeclineCode::Technical)),
        ("TERMINATION_REQUESTED", Outcome::Pending),
        ("ACTIVE", Outcome::Pending),
        ("PAID", Outcome::Unknown),
    ];
    for (status, expected) in table {
        let outcome = bench.outcome((&begin(), 1, 2), 200, &order(&bench, status));
        assert_eq!(outcome, expected, "{status}");
    }
    for (status, kind) in [
        (401, "authentication_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
    ] {
        let answer = problem("request_failed", kind);
        assert_eq!(
            bench.step((&begin(), 1, 1), status, &answer),
            Step::unknown(),
            "{status}"
        );
        assert_eq!(
            bench.step((&begin(), 1, 2), status, &answer),
            Step::unknown(),
            "{status}"
        );
    }
}

#[test]
fn an_enquiry_reads_attempts_first() {
    let bench = Bench::new("2");
    let request = bench.request(&ask(), 1).unwrap();
    let url = format!(
        "https://test.partner.example/pg/orders/{}/payments",
        bench.id(1)
    );
    assert_eq!((request.method, request.url), (HttpMethod::Get, url));
    let paid = attempt(
        &bench,
        (201_738_090, "SUCCESS", 3),
        ",\"payment_completion_time\":\"2020-08-24T15:03:56+05:30\",\"bank_reference\":\"rrn-1\",\
         \"auth_id\":null,\"is_captured\":true,\"error_details\":null",
    );
    let failed = attempt(&bench, (1, "FAILED", 9), "");
    for list in [
        format!("[{paid}]"),
        format!("[{paid},{failed}]"),
        format!("[{failed},{paid}]"),
    ] {
        let report = bench.report((&ask(), 1, 0), 200, &list);
        assert_eq!(report.outcome, Outcome::Approved);
        assert_eq!(
            report.facts.connector_reference.as_deref(),
            Some("201738090")
        );
        assert_eq!(report.facts.rrn.as_deref(), Some("rrn-1"));
        assert_eq!(report.facts.gateway_code.as_deref(), Some("SUCCESS"));
        assert_eq!(
            report.facts.happened_at,
            Some(Timestamp::from_millis(1_598_261_636_000))
        );
        assert_eq!(report.facts.amount, rupees(15_000));
    }
    let text_id = paid.replace("201738090", "\"201738090\"");
    let facts = bench
        .report((&ask(), 1, 0), 200, &format!("[{text_id}]"))
        .facts;
    assert_eq!(facts.connector_reference.as_deref(), Some("201738090"));
    for status in ["PENDING", "FLAGGED", "INCOMPLETE"] {
        let list = format!("[{failed},{}]", attempt(&bench, (2, status, 1), ""));
        assert_eq!(
            bench.outcome((&ask(), 1, 0), 200, &list),
            Outcome::Pending,
            "{status}"
        );
    }
    let unclear = format!("[{failed},{}]", attempt(&bench, (2, "WHAT", 1), ""));
    assert_eq!(bench.step((&ask(), 1, 0), 200, &unclear), Step::unknown());
}

#[test]
fn a_success_whose_amount_is_unclear_is_not_believed() {
    let bench = Bench::new("2");
    let paid = attempt(&bench, (1, "SUCCESS", 3), "");
    for spoilt in [
        paid.replace("\"payment_amount\":150.00", "\"payment_amount\":150.001"),
        paid.replace("\"payment_amount\":150.00", "\"payment_amount\":null"),
        paid.replace("\"payment_amount\":150.00,", ""),
        paid.replace("\"payment_currency\":\"INR\",", ""),
        paid.replace("INR", "XXX"),
        paid.replace(&bench.id(1), &bench.id(4)),
    ] {
        assert_eq!(
            bench.step((&ask(), 1, 0), 200, &format!("[{spoilt}]")),
            Step::unknown()
        );
    }
    for (amount, minor) in [
        ("150", 15_000),
        ("150.5", 15_050),
        ("150.000", 15_000),
        ("15E1", 15_000),
    ] {
        let list = paid.replace(
            "\"payment_amount\":150.00",
            &format!("\"payment_amount\":{amount}"),
        );
        let report = bench.report((&ask(), 1, 0), 200, &format!("[{list}]"));
        assert_eq!(
            (report.outcome, report.facts.amount),
            (Outcome::Approved, rupees(minor))
        );
    }
    let tenge = bench.report(
        (&ask(), 1, 0),
        200,
        &format!("[{}]", paid.replace("INR", "KZT")),
    );
    assert_eq!(
        tenge.facts.amount.map(|money| money.currency().alpha()),
        Some("KZT")
    );
}

#[test]
fn a_failed_attempt_declines_only_after_the_order_was_closed() {
    let bench = Bench::new("2");
    let details =
        ",\"error_details\":{\"error_code\":\"ISSUER_NOT_AVAILABLE\",\"error_reason\":null}";
    let first = attempt(&bench, (1, "USER_DROPPED", 3), "");
    let last = attempt(&bench, (2, "FAILED", 9), details);
    let list = format!("[{last},{first}]");
    let closing = bench.next((&ask(), 1, 0), 200, &list);
    assert_eq!(closing.method, HttpMethod::Patch);
    assert_eq!(body(&closing), json!({ "order_status": "TERMINATED" }));

    let again = bench.next((&ask(), 1, 1), 200, &order(&bench, "TERMINATED"));
    assert!(again.url.ends_with("/payments"), "{}", again.url);
    let report = bench.report((&ask(), 1, 2), 200, &list);
    assert_eq!(
        report.outcome,
        Outcome::Declined(DeclineCode::IssuerUnavailable)
    );
    assert_eq!(
        report.facts.gateway_code.as_deref(),
        Some("ISSUER_NOT_AVAILABLE")
    );
    assert_eq!(report.facts.connector_reference.as_deref(), Some("2"));
    assert_eq!(report.facts.amount, None);

    // Paid between the first question and the closing.
    let paid = format!("[{last},{}]", attempt(&bench, (3, "SUCCESS", 10), ""));
    assert_eq!(bench.outcome((&ask(), 1, 2), 200, &paid), Outcome::Approved);
    let at_bank = format!("[{last},{}]", attempt(&bench, (3, "PENDING", 10), ""));
    assert_eq!(
        bench.outcome((&ask(), 1, 2), 200, &at_bank),
        Outcome::Pending
    );
    for status in ["TERMINATION_REQUESTED", "ACTIVE"] {
        let outcome = bench.outcome((&ask(), 1, 1), 200, &order(&bench, status));
        assert_eq!(outcome, Outcome::Pending, "{status}");
    }
    assert_eq!(
        bench.step((&ask(), 1, 1), 200, &order(&bench, "PAID")),
        Step::unknown()
    );
}

#[test]
fn every_end_of_an_attempt_has_its_reason() {
    let bench = Bench::new("2");
    let code = |code: &str| format!(",\"error_details\":{{\"error_code\":\"{code}\"}}");
    let cancelled = Outcome::Declined(DeclineCode::CancelledByPayer);
    let general = Outcome::Declined(DeclineCode::General);
    let table = [
        ("FAILED", String::new(), general.clone(), "FAILED"),
        (
            "FAILED",
            code("TRANSACTION_DECLINED"),
            general,
            "TRANSACTION_DECLINED",
        ),
        ("CANCELLED", String::new(), cancelled.clone(), "CANCELLED"),
        ("USER_DROPPED", code(""), cancelled, "USER_DROPPED"),
        ("VOID", String::new(), Outcome::Voided, "VOID"),
    ];
    for (status, more, expected, told) in table {
        let list = format!("[{}]", attempt(&bench, (1, status, 3), &more));
        let report = bench.report((&ask(), 1, 2), 200, &list);
        assert_eq!(report.outcome, expected, "{status}");
        assert_eq!(report.facts.gateway_code.as_deref(), Some(told));
    }
}

#[test]
fn an_order_that_nobody_paid_declines_when_it_is_over() {
    let bench = Bench::new("2");
    let untouched = format!("[{}]", attempt(&bench, (1, "NOT_ATTEMPTED", 3), ""));
    let retried = format!(
        "[{},{}]",
        attempt(&bench, (1, "FAILED", 3), ""),
        attempt(&bench, (2, "NOT_ATTEMPTED", 4), "")
    );
    for list in ["[]", &untouched, &retried] {
        let asked = bench.next((&ask(), 1, 0), 200, list);
        let url = format!("https://test.partner.example/pg/orders/{}", bench.id(1));
        assert_eq!((asked.method, asked.url), (HttpMethod::Get, url));
    }
    assert_eq!(
        bench.outcome((&ask(), 1, 1), 200, &order(&bench, "ACTIVE")),
        Outcome::Pending
    );
    for status in ["EXPIRED", "TERMINATED"] {
        let again = bench.next((&ask(), 1, 1), 200, &order(&bench, status));
        assert!(again.url.ends_with("/payments"), "{}", again.url);
    }
    let over = Outcome::Declined(DeclineCode::TimeOver);
    for list in ["[]", &untouched] {
        assert_eq!(bench.outcome((&ask(), 1, 2), 200, list), over);
    }
    let general = Outcome::Declined(DeclineCode::General);
    assert_eq!(bench.outcome((&ask(), 1, 2), 200, &retried), general);
}

#[test]
fn an_order_that_cannot_be_closed_is_asked_for() {
    let bench = Bench::new("2");
    for status in [400, 404, 409, 422] {
        let refused = problem("order_inactive", "invalid_request_error");
        let asked = bench.next((&ask(), 1, 1), status, &refused);
        assert!(asked.url.ends_with(&bench.id(1)), "{}", asked.url);
        assert_eq!(asked.method, HttpMethod::Get);
    }
    let again = bench.next((&ask(), 1, 2), 200, &order(&bench, "EXPIRED"));
    assert!(again.url.ends_with("/payments"), "{}", again.url);
    let list = format!("[{}]", attempt(&bench, (1, "FAILED", 3), ""));
    let general = Outcome::Declined(DeclineCode::General);
    assert_eq!(bench.outcome((&ask(), 1, 3), 200, &list), general);
    assert_eq!(
        bench.outcome((&ask(), 1, 2), 200, &order(&bench, "ACTIVE")),
        Outcome::Pending
    );
    assert_eq!(
        bench.step((&ask(), 1, 2), 200, &order(&bench, "PAID")),
        Step::unknown()
    );
}

#[test]
fn an_order_that_is_not_there() {
    let bench = Bench::new("2");
    let gone = problem("order_not_found", "invalid_request_error");
    assert_eq!(bench.step((&ask(), 1, 0), 404, &gone), Step::NotFound);
    // An empty list for an order that was never made.
    assert!(matches!(
        bench.step((&ask(), 1, 0), 200, "[]"),
        Step::Next(_)
    ));
    assert!(matches!(
        bench.step((&ask(), 1, 1), 404, &gone),
        Step::Next(_)
    ));
    assert_eq!(bench.step((&ask(), 1, 2), 404, &gone), Step::NotFound);
    let refund = problem("refund_not_found", "invalid_request_error");
    assert_eq!(bench.step((&ask(), 2, 0), 404, &refund), Step::NotFound);
    for answer in [
        problem("request_failed", "invalid_request_error"),
        problem("order_not_found", "some_error"),
        "not found".to_owned(),
        String::new(),
    ] {
        assert_eq!(
            bench.step((&ask(), 1, 0), 404, &answer),
            Step::unknown(),
            "{answer}"
        );
        assert_eq!(
            bench.step((&ask(), 2, 0), 404, &answer),
            Step::unknown(),
            "{answer}"
        );
    }
}

#[test]
fn row_17_anything_else_is_unknown() {
    let bench = Bench::new("2");
    let huge = format!("[{}", "[".repeat(100_000));
    let answers = [
        "",
        "{}",
        "null",
        "<html>",
        "[1]",
        "[null]",
        "[{}]",
        "\"SUCCESS\"",
        &huge,
    ];
    for answer in answers {
        for round in 0..ROUNDS_MAX {
            for (kind, number) in [(ask(), 1), (begin(), 1), (ask(), 2), (begin(), 2)] {
                let step = bench.step((&kind, number, round), 200, answer);
                assert_eq!(step, Step::unknown(), "{kind:?} {number} {round}");
            }
        }
    }
    let paid = format!("[{}]", attempt(&bench, (1, "SUCCESS", 3), ""));
    for status in [201, 204, 302, 401, 403, 429, 500, 502, 503] {
        for round in [0, 1, 2, 3] {
            assert_eq!(
                bench.step((&ask(), 1, round), status, &paid),
                Step::unknown(),
                "{status}"
            );
        }
    }
    assert_eq!(
        bench.step((&ask(), 1, 1), 200, &paid),
        Step::unknown(),
        "an order was asked for"
    );
}
