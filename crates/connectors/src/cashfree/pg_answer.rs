//! What answers of generation 2 mean.
//!
//! An order takes many attempts, so a failed one ends nothing: an enquiry that finds only ended
//! attempts closes the order first, and tells the decline from the attempts as they stand after
//! that. Its requests:
//!
//! - round 0, attempts: one is paid, approved; one is at the bank, pending; all have ended, close
//!   the order; else ask for the order;
//! - round 1, the order or its closing: it is closed, ask for the attempts again; it cannot be
//!   closed, ask for the order; it is open, pending;
//! - rounds 2 and 3, what was asked last: attempts of a closed order tell the end; an order that is
//!   closed leads to its attempts.

use std::collections::BTreeMap;

use altyn_domain::{
    ConnectorError, DeclineCode, Facts, HttpMethod, HttpRequest, HttpResponse, Outcome,
    PayerAction, Report, Step,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::deal::{Deal, Task};
use super::pg_attempt::{Attempt, Refund, Standing};
use super::wire::{Text, is_web_address, report, said, speaks_of_a_duplicate};
use super::{amount, pg_request};

#[derive(Deserialize)]
struct Order {
    order_id: Text,
    order_status: Text,
    order_amount: Option<Text>,
    order_currency: Option<Text>,
    payment_session_id: Option<Text>,
}

#[derive(Deserialize)]
struct Session {
    cf_payment_id: Option<Text>,
    action: Text,
    data: SessionTarget,
}

#[derive(Deserialize)]
struct SessionTarget {
    url: Text,
    payload: Option<Box<RawValue>>,
}

/// The partner's error.
#[derive(Deserialize)]
struct Problem {
    #[serde(rename = "message")]
    _message: Text,
    code: Text,
    #[serde(rename = "type")]
    kind: Text,
}

/// Whether an order can still be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OrderStanding {
    Open,
    /// It is being closed.
    Closing,
    Closed,
    /// Paid, or a word that the contract does not know.
    Unclear,
}

pub(super) fn step(deal: &Deal<'_>, response: &HttpResponse) -> Step {
    match (deal.task(), deal.exchange.round) {
        (Ok(Task::Order), 0) => new_order(deal, response),
        (Ok(Task::Order), 1) => new_session(deal, response),
        (Ok(Task::Order), _) => order_given_up(deal, response),
        (Ok(Task::OrderStatus), 0) => attempts(deal, response),
        (Ok(Task::OrderStatus), 1) => order_or_closing(deal, response),
        (Ok(Task::OrderStatus), _) => closed_attempts_or_order(deal, response),
        (Ok(Task::Refund(refund_id)), _) => new_refund(deal, refund_id, response),
        (Ok(Task::RefundStatus(refund_id)), _) => refund_status(deal, refund_id, response),
        (Err(_), _) => Step::unknown(),
    }
}

fn next(request: Result<HttpRequest, ConnectorError>) -> Step {
    request.map_or_else(|_| Step::unknown(), |request| Step::Next(Box::new(request)))
}

fn said_report(news: Option<Report>) -> Step {
    news.map_or_else(Step::unknown, |report| Step::Report(Box::new(report)))
}

/// The error of an answer with one of these statuses, if it is the partner's own and not a proxy's.
fn problem(response: &HttpResponse, statuses: &[u16]) -> Option<Problem> {
    const KINDS: [&str; 7] = [
        "invalid_request_error",
        "authentication_error",
        "validation_error",
        "idempotency_error",
        "rate_limit_error",
        "feature_not_enabled",
        "api_error",
    ];
    if !statuses.contains(&response.status) {
        return None;
    }
    let problem: Problem = serde_json::from_slice(&response.body).ok()?;
    KINDS.contains(&problem.kind.as_str()).then_some(problem)
}

/// The partner knows no such thing. A wrong address is answered with 404 too, but with another
/// code.
fn is_not_found(response: &HttpResponse) -> bool {
    problem(response, &[404]).is_some_and(|problem| problem.code.as_str().ends_with("not_found"))
}

/// The order of an answer, if it is ours.
fn read_order(deal: &Deal<'_>, response: &HttpResponse) -> Option<(Order, OrderStanding)> {
    if response.status != 200 {
        return None;
    }
    let order: Order = serde_json::from_slice(&response.body).ok()?;
    let standing = match order.order_status.as_str() {
        "ACTIVE" => OrderStanding::Open,
        "TERMINATION_REQUESTED" => OrderStanding::Closing,
        "EXPIRED" | "TERMINATED" => OrderStanding::Closed,
        _ => OrderStanding::Unclear,
    };
    (order.order_id.as_str() == deal.order_id).then_some((order, standing))
}

fn new_order(deal: &Deal<'_>, response: &HttpResponse) -> Step {
    if let Some(problem) = problem(response, &[400, 401, 422]) {
        return refused(&problem, DeclineCode::Technical);
    }
    let Some((order, OrderStanding::Open)) = read_order(deal, response) else {
        return Step::unknown();
    };
    let currency = said(order.order_currency.as_ref());
    let amount = amount::read_with(said(order.order_amount.as_ref()), currency);
    let session = said(order.payment_session_id.as_ref());
    match session.filter(|_| amount == Some(deal.money())) {
        Some(session) => next(pg_request::new_session(deal, session)),
        None => Step::unknown(),
    }
}

/// A request that made nothing, unless an earlier one did.
fn refused(problem: &Problem, code: DeclineCode) -> Step {
    if speaks_of_a_duplicate(problem.code.as_str()) {
        return Step::unknown();
    }
    let facts = Facts {
        gateway_code: Some(problem.code.as_str().to_owned()),
        ..Facts::default()
    };
    report(Outcome::Declined(code), facts)
}

fn new_session(deal: &Deal<'_>, response: &HttpResponse) -> Step {
    if problem(response, &[400, 422]).is_some() {
        // Nobody has been led to the order: it is closed, and only then the try is over.
        return next(pg_request::terminate(deal));
    }
    let session = match response.status {
        200 => serde_json::from_slice::<Session>(&response.body).ok(),
        _ => None,
    };
    let Some(session) = session else {
        return Step::unknown();
    };
    let Some(action) = payer_action(deal, &session) else {
        return Step::unknown();
    };
    let facts = Facts {
        connector_reference: said(session.cf_payment_id.as_ref()).map(str::to_owned),
        ..Facts::default()
    };
    Step::Report(Box::new(Report {
        outcome: Outcome::Pending,
        facts,
        action: Some(action),
    }))
}

fn payer_action(deal: &Deal<'_>, session: &Session) -> Option<PayerAction> {
    let url = session.data.url.as_str();
    let (method, fields) = match session.action.as_str() {
        "link" => (deal.settings.link_method, BTreeMap::new()),
        "form" => (
            HttpMethod::Post,
            form_fields(session.data.payload.as_deref()?)?,
        ),
        // The other actions need a page of ours that talks to the wallet.
        _ => return None,
    };
    is_web_address(url).then(|| PayerAction::Redirect {
        url: url.to_owned(),
        method,
        fields,
    })
}

/// The fields of the form; none if one of them is no text and no number.
fn form_fields(payload: &RawValue) -> Option<BTreeMap<String, String>> {
    let fields: BTreeMap<String, Option<Text>> = serde_json::from_str(payload.get()).ok()?;
    let text =
        |value: Option<Text>| value.map_or_else(String::new, |text| text.as_str().to_owned());
    Some(
        fields
            .into_iter()
            .map(|(name, value)| (name, text(value)))
            .collect(),
    )
}

fn order_given_up(deal: &Deal<'_>, response: &HttpResponse) -> Step {
    match read_order(deal, response) {
        Some((_, OrderStanding::Closed)) => {
            report(Outcome::Declined(DeclineCode::Technical), Facts::default())
        }
        Some((_, OrderStanding::Open | OrderStanding::Closing)) => {
            report(Outcome::Pending, Facts::default())
        }
        Some((_, OrderStanding::Unclear)) | None => Step::unknown(),
    }
}

/// All attempts of our order; none if the answer is anything else.
fn read_attempts(deal: &Deal<'_>, response: &HttpResponse) -> Option<Vec<Attempt>> {
    if response.status != 200 {
        return None;
    }
    let attempts: Vec<Attempt> = serde_json::from_slice(&response.body).ok()?;
    let ours = |attempt: &Attempt| attempt.order_id() == Some(deal.order_id.as_str());
    attempts.iter().all(ours).then_some(attempts)
}

/// The news of attempts that are not all over, whatever stands with the order.
fn news_of(attempts: &[Attempt]) -> Option<Step> {
    let one = |wanted| attempts.iter().find(|attempt| attempt.standing() == wanted);
    if let Some(paid) = one(Standing::Paid) {
        return Some(said_report(paid.approval()));
    }
    if one(Standing::Unclear).is_some() {
        return Some(Step::unknown());
    }
    one(Standing::AtBank).map(|attempt| said_report(Some(attempt.at_bank())))
}

fn attempts(deal: &Deal<'_>, response: &HttpResponse) -> Step {
    if is_not_found(response) {
        return Step::NotFound;
    }
    let Some(attempts) = read_attempts(deal, response) else {
        return Step::unknown();
    };
    if let Some(news) = news_of(&attempts) {
        return news;
    }
    let over = |attempt: &Attempt| matches!(attempt.standing(), Standing::Over(_));
    if !attempts.is_empty() && attempts.iter().all(over) {
        next(pg_request::terminate(deal))
    } else {
        next(Ok(pg_request::order(deal)))
    }
}

fn order_or_closing(deal: &Deal<'_>, response: &HttpResponse) -> Step {
    // An order that is over cannot be closed; what it is now is asked.
    if problem(response, &[400, 404, 409, 422]).is_some() {
        return next(Ok(pg_request::order(deal)));
    }
    order(deal, response)
}

fn order(deal: &Deal<'_>, response: &HttpResponse) -> Step {
    match read_order(deal, response) {
        Some((_, OrderStanding::Closed)) => next(Ok(pg_request::attempts(deal))),
        Some((_, OrderStanding::Open | OrderStanding::Closing)) => {
            report(Outcome::Pending, Facts::default())
        }
        Some((_, OrderStanding::Unclear)) | None => Step::unknown(),
    }
}

/// Attempts are asked for again only once the order is closed, so they are final.
fn closed_attempts_or_order(deal: &Deal<'_>, response: &HttpResponse) -> Step {
    if is_not_found(response) {
        return Step::NotFound;
    }
    let Some(attempts) = read_attempts(deal, response) else {
        return order(deal, response);
    };
    if let Some(news) = news_of(&attempts) {
        return news;
    }
    let endings = attempts.iter().enumerate().filter_map(|(place, attempt)| {
        let Standing::Over(ending) = attempt.standing() else {
            return None;
        };
        Some((attempt.began_at(), place, attempt, ending))
    });
    let last = endings.max_by_key(|(began_at, place, ..)| (*began_at, *place));
    match last {
        Some((_, _, attempt, ending)) => said_report(Some(attempt.ended(ending))),
        None => report(Outcome::Declined(DeclineCode::TimeOver), Facts::default()),
    }
}

fn read_refund(deal: &Deal<'_>, refund_id: &str, response: &HttpResponse) -> Step {
    let refund = match response.status {
        200 => serde_json::from_slice::<Refund>(&response.body).ok(),
        _ => None,
    };
    let ours = |refund: &Refund| {
        refund.refund_id() == Some(refund_id) && refund.order_id() == Some(deal.order_id.as_str())
    };
    said_report(refund.filter(ours).and_then(|refund| refund.report()))
}

fn new_refund(deal: &Deal<'_>, refund_id: &str, response: &HttpResponse) -> Step {
    match problem(response, &[400]) {
        Some(problem) => refused(&problem, DeclineCode::General),
        None => read_refund(deal, refund_id, response),
    }
}

fn refund_status(deal: &Deal<'_>, refund_id: &str, response: &HttpResponse) -> Step {
    if is_not_found(response) {
        return Step::NotFound;
    }
    read_refund(deal, refund_id, response)
}
