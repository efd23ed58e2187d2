//! What the sandbox bank's answers mean. Only what its contract lists counts as an answer.

use altyn_domain::{
    Currency, DeclineCode, ExchangeRequest, Facts, HttpResponse, Money, Outcome, PayerAction,
    Report, Step,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Answer {
    key: String,
    #[serde(default)]
    bank_id: Option<String>,
    status: String,
    #[serde(default)]
    code: Option<String>,
    amount: i64,
    currency: String,
    #[serde(default)]
    approval_code: Option<String>,
    #[serde(default)]
    rrn: Option<String>,
    #[serde(default)]
    terminal: Option<String>,
    #[serde(default)]
    eci: Option<String>,
    #[serde(default)]
    authentication: Option<AuthenticationStep>,
}

#[derive(Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
enum AuthenticationStep {
    Method {
        transaction_id: String,
        method_url: String,
        method_data: String,
    },
    Challenge {
        transaction_id: String,
        acs_url: String,
        creq: String,
    },
}

#[derive(Deserialize)]
struct Fault {
    error: String,
}

#[derive(Deserialize)]
struct Enrolled {
    enrolled: String,
    #[serde(default)]
    issuer: String,
    #[serde(default)]
    country: String,
}

pub(super) fn step(exchange: &ExchangeRequest<'_>, response: &HttpResponse) -> Step {
    match response.status {
        200 => answer(exchange, &response.body),
        404 => match serde_json::from_slice::<Fault>(&response.body) {
            Ok(fault) if fault.error == "not_found" => Step::NotFound,
            Ok(_) | Err(_) => Step::unknown(),
        },
        _ => Step::unknown(),
    }
}

fn answer(exchange: &ExchangeRequest<'_>, body: &[u8]) -> Step {
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        return Step::unknown();
    };
    // An answer about another operation says nothing about ours.
    if answer.key != exchange.operation.id.to_string() {
        return Step::unknown();
    }
    let Some(amount) = Currency::from_alpha(&answer.currency)
        .ok()
        .and_then(|currency| Money::new(answer.amount, currency).ok())
    else {
        return Step::unknown();
    };
    let (outcome, action) = match (answer.status.as_str(), answer.authentication) {
        ("approved", _) => (Outcome::Approved, None),
        ("declined", _) => (
            Outcome::Declined(decline_code(answer.code.as_deref().unwrap_or(""))),
            None,
        ),
        ("pending", _) => (Outcome::Pending, None),
        ("authentication_required", Some(step)) => (Outcome::Pending, Some(payer_action(step))),
        _ => return Step::unknown(),
    };
    let facts = Facts {
        happened_at: None,
        connector_reference: answer.bank_id,
        one_reference: true,
        approval_code: answer.approval_code,
        rrn: answer.rrn,
        terminal: answer.terminal,
        eci: answer.eci,
        gateway_code: answer.code,
        message: None,
        amount: Some(amount),
    };
    Step::Report(Box::new(Report {
        outcome,
        facts,
        action,
    }))
}

fn payer_action(step: AuthenticationStep) -> PayerAction {
    match step {
        AuthenticationStep::Method {
            transaction_id,
            method_url,
            method_data,
        } => PayerAction::DeviceCheck {
            transaction_id,
            url: method_url,
            data: method_data,
        },
        AuthenticationStep::Challenge {
            transaction_id,
            acs_url,
            creq,
        } => PayerAction::Challenge {
            transaction_id,
            acs_url,
            creq,
        },
    }
}

fn decline_code(code: &str) -> DeclineCode {
    match code {
        "116" => DeclineCode::InsufficientFunds,
        "101" => DeclineCode::ExpiredCard,
        "111" => DeclineCode::InvalidCard,
        "110" => DeclineCode::InvalidAmount,
        "120" => DeclineCode::AuthenticationFailed,
        "125" => DeclineCode::NotAllowed,
        "914" => DeclineCode::OriginalNotFound,
        _ => DeclineCode::General,
    }
}

pub(super) fn enrollment(response: &HttpResponse) -> Option<(char, String, String)> {
    if response.status != 200 {
        return None;
    }
    let answer: Enrolled = serde_json::from_slice(&response.body).ok()?;
    let enrolled = match answer.enrolled.as_str() {
        "Y" => 'Y',
        "N" => 'N',
        _ => 'U',
    };
    Some((enrolled, answer.issuer, answer.country))
}
