//! The sandbox bank's connector against recorded answers: only what the contract lists is an answer.

mod cashfree;
mod cashfree_pg;
mod cashfree_pg_notice;
mod cashfree_pg_refund;
mod cashfree_v1;
mod remote;
mod remote_answers;
mod remote_docs;
mod remote_notices;

use std::collections::BTreeMap;
use std::sync::Arc;

use altyn_connectors::sandbox_bank::SandboxBank;
use altyn_domain::{
    Addresses, Authentication, Bucket, CardDetails, CardNumber, Connector as _, ConnectorError,
    ConnectorSettings, Counters, Currency, DeclineCode, ExchangeKind, ExchangeRequest, Expiry,
    Facts, HttpMethod, HttpResponse, Initiator, Money, Operation, OperationId, OperationKind,
    OperationState, Order, Outcome, PayerAction, Payment, PaymentId, ProjectId, SecurityCode, Step,
    Sums, Timestamp, Way,
};

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

fn operation(number: u32, kind: OperationKind, amount: i64) -> Operation {
    Operation {
        id: OperationId::new(NOW, Bucket::new(7), u64::from(number)),
        serial: 1_000_000_001,
        description: None,
        doubts: Vec::new(),
        on_balance: 0,
        credited: false,
        number,
        kind,
        state: OperationState::Sent,
        amount,
        parent: (number > 1).then_some(1),
        reference: None,
        method: "card".to_owned(),
        initiator: Initiator::Merchant,
        release_rest: false,
        surplus: false,
        period_over: false,
        decline: None,
        card: None,
        facts: Facts::default(),
        action: None,
        reserve: None,
        exchanges: 1,
        created_at: NOW,
        sent_at: Some(NOW),
        finished_at: None,
    }
}

fn payment(operations: Vec<Operation>) -> Payment {
    Payment {
        id: PaymentId::new(NOW, Bucket::new(7), 1),
        project_id: ProjectId::new(NOW, Bucket::new(7), 2),
        customer_id: None,
        dialect: "rbs".to_owned(),
        way: Way::Hold,
        amount: Money::new(50_000, Currency::KZT).expect("a valid sample"),
        sums: Sums::default(),
        completed_by: None,
        end: None,
        tries_max: 3,
        expires_at: NOW,
        created_at: NOW,
        updated_at: NOW,
        auto_capture_at: None,
        auto_void_at: None,
        counters: Counters::default(),
        order: Arc::new(Order {
            reference: "A-1".to_owned(),
            ..Order::default()
        }),
        operations,
    }
}

fn settings() -> ConnectorSettings {
    let pairs = [
        ("base_url", "http://bank.example/"),
        ("terminal_key", "key"),
    ];
    ConnectorSettings(BTreeMap::from(
        pairs.map(|(k, v)| (k.to_owned(), v.to_owned())),
    ))
}

fn card() -> CardDetails {
    let number = CardNumber::parse("4444555511113333").expect("a valid sample");
    let security_code = SecurityCode::parse("123", number.brand()).expect("a valid sample");
    let expiry = Expiry::parse_compact("203012").expect("a valid sample");
    CardDetails {
        number,
        expiry,
        security_code,
        holder: "TEST CARD".to_owned(),
    }
}

fn begin(card: Option<CardDetails>) -> ExchangeKind {
    ExchangeKind::Begin {
        card,
        browser: None,
        authentication: Authentication::Force,
    }
}

fn step_of(status: u16, body: &str) -> Step {
    let payment = payment(vec![operation(1, OperationKind::Auth, 50_000)]);
    let (settings, kind) = (settings(), ExchangeKind::Enquire);
    let exchange = ExchangeRequest {
        payment: &payment,
        operation: &payment.operations[0],
        settings: &settings,
        kind: &kind,
        addresses: &Addresses::default(),
        round: 0,
        at: NOW,
    };
    SandboxBank.step(
        &exchange,
        &HttpResponse {
            status,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        },
    )
}

fn answer(fields: &str) -> String {
    let key = operation(1, OperationKind::Auth, 0).id;
    format!("{{\"key\":\"{key}\",\"amount\":50000,\"currency\":\"KZT\",{fields}}}")
}

fn outcome_of(body: &str) -> Outcome {
    match step_of(200, body) {
        Step::Report(report) => report.outcome,
        Step::NotFound | Step::Unusable(_) | Step::Next(_) => panic!("not found"),
    }
}

#[test]
fn an_authorization_says_what_the_contract_wants() {
    let payment = payment(vec![operation(1, OperationKind::Auth, 50_000)]);
    let (settings, kind) = (settings(), begin(Some(card())));
    let exchange = ExchangeRequest {
        payment: &payment,
        operation: &payment.operations[0],
        settings: &settings,
        kind: &kind,
        addresses: &Addresses::default(),
        round: 0,
        at: NOW,
    };
    let request = SandboxBank.request(&exchange).unwrap();
    assert_eq!(
        (request.method, request.url.as_str()),
        (
            HttpMethod::Post,
            "http://bank.example/bank/v1/authorizations"
        )
    );
    assert!(
        request
            .headers
            .contains(&("authorization", "Bearer key".to_owned()))
    );
    assert!(
        request
            .headers
            .contains(&("request-sent-at", NOW.as_millis().to_string()))
    );
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["key"], payment.operations[0].id.to_string());
    assert_eq!(
        (&body["amount"], &body["currency"], &body["capture"]),
        (&50_000.into(), &"KZT".into(), &false.into())
    );
    assert_eq!(
        (&body["card"]["expiry"], &body["authentication"]),
        (&"203012".into(), &"force".into())
    );
    assert!(
        !format!("{request:?}").contains("4444"),
        "a request is never printed"
    );
}

#[test]
fn a_follow_up_names_its_authorization() {
    let operations = vec![
        operation(1, OperationKind::Auth, 50_000),
        operation(2, OperationKind::Refund, 700),
    ];
    let payment = payment(operations);
    let (settings, kind) = (settings(), begin(None));
    let exchange = ExchangeRequest {
        payment: &payment,
        operation: &payment.operations[1],
        settings: &settings,
        kind: &kind,
        addresses: &Addresses::default(),
        round: 0,
        at: NOW,
    };
    let request = SandboxBank.request(&exchange).unwrap();
    assert!(request.url.ends_with("/refunds"), "{}", request.url);
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        (&body["amount"], &body["key"]),
        (&700.into(), &payment.operations[1].id.to_string().into())
    );
}

#[test]
fn without_card_or_settings_nothing_is_sent() {
    let payment = payment(vec![operation(1, OperationKind::Sale, 50_000)]);
    let (none, kind) = (ConnectorSettings::default(), begin(Some(card())));
    let exchange = ExchangeRequest {
        payment: &payment,
        operation: &payment.operations[0],
        settings: &none,
        kind: &kind,
        addresses: &Addresses::default(),
        round: 0,
        at: NOW,
    };
    assert_eq!(
        SandboxBank.request(&exchange),
        Err(ConnectorError::MissingSetting("base_url"))
    );
    let (settings, kind) = (settings(), begin(None));
    let exchange = ExchangeRequest {
        settings: &settings,
        kind: &kind,
        ..exchange
    };
    assert_eq!(
        SandboxBank.request(&exchange),
        Err(ConnectorError::CardNeeded)
    );
}

#[test]
fn known_answers_are_read() {
    assert_eq!(
        outcome_of(&answer("\"status\":\"approved\",\"code\":\"000\"")),
        Outcome::Approved
    );
    assert_eq!(
        outcome_of(&answer("\"status\":\"pending\"")),
        Outcome::Pending
    );
    let codes = [
        ("116", DeclineCode::InsufficientFunds),
        ("101", DeclineCode::ExpiredCard),
        ("120", DeclineCode::AuthenticationFailed),
        ("100", DeclineCode::General),
        ("999", DeclineCode::General),
    ];
    for (code, expected) in codes {
        let body = answer(&format!("\"status\":\"declined\",\"code\":\"{code}\""));
        assert_eq!(outcome_of(&body), Outcome::Declined(expected), "{code}");
    }
    let body = answer(
        "\"status\":\"authentication_required\",\"authentication\":{\"step\":\"challenge\",\
         \"transaction_id\":\"t\",\"acs_url\":\"http://acs\",\"creq\":\"c\"}",
    );
    let Step::Report(report) = step_of(200, &body) else {
        panic!("not found")
    };
    assert!(matches!(report.action, Some(PayerAction::Challenge { .. })));
    assert_eq!(report.facts.amount, Money::new(50_000, Currency::KZT).ok());
}

#[test]
fn row_17_anything_else_is_unknown() {
    let other_key =
        "{\"key\":\"opr_x\",\"status\":\"approved\",\"amount\":50000,\"currency\":\"KZT\"}";
    let unknown_status = answer("\"status\":\"fine\"");
    let no_step = answer("\"status\":\"authentication_required\"");
    let bad_currency = answer("\"status\":\"approved\"").replace("KZT", "???");
    let negative = answer("\"status\":\"approved\"").replace("50000", "-1");
    let bodies = [
        "",
        "{}",
        "[]",
        "null",
        "<html>",
        other_key,
        &unknown_status,
        &no_step,
        &bad_currency,
        &negative,
    ];
    for body in bodies {
        assert_eq!(step_of(200, body), Step::unknown(), "{body}");
    }
    for status in [201, 302, 400, 401, 404, 409, 429, 500, 503] {
        assert_eq!(
            step_of(status, &answer("\"status\":\"approved\"")),
            Step::unknown(),
            "{status}"
        );
    }
    assert_eq!(step_of(404, "{\"error\":\"not_found\"}"), Step::NotFound);
}
