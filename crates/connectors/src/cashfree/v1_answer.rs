//! What answers of generation 1 mean. Every answer says `OK` or `ERROR`; of an error only its words
//! are known, so only words about a wrong field or key are taken for "nothing was made".

use std::collections::BTreeMap;

use altyn_domain::{
    DeclineCode, Facts, HttpMethod, HttpResponse, Outcome, PayerAction, Report, Step,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::amount::RUPEE;
use super::deal::{Deal, Task};
use super::wire::{Text, is_web_address, report, said, speaks_of_a_duplicate};
use super::{amount, time};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    payment_link: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    order_id: Option<Text>,
    order_status: Option<Text>,
    order_amount: Option<Text>,
    order_currency: Option<Text>,
    tx_status: Option<Text>,
    tx_time: Option<Text>,
    reference_id: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefundTaken {
    refund_id: Option<Text>,
}

#[derive(Deserialize)]
struct RefundStatus {
    /// One refund, or a list of them.
    refund: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refund {
    refund_id: Option<Text>,
    merchant_refund_id: Option<Text>,
    order_id: Option<Text>,
    arn: Option<Text>,
    refund_amount: Option<Text>,
    processed: Option<Text>,
    processed_on: Option<Text>,
}

#[derive(Deserialize)]
struct Verdict {
    status: Text,
    reason: Option<Text>,
    message: Option<Text>,
}

/// What every answer says first.
enum Answer<T> {
    Ok(T),
    Error(String),
    /// It is not in the contract.
    Garbled,
}

fn read<T: DeserializeOwned>(response: &HttpResponse) -> Answer<T> {
    if response.status != 200 {
        return Answer::Garbled;
    }
    let Ok(verdict) = serde_json::from_slice::<Verdict>(&response.body) else {
        return Answer::Garbled;
    };
    match verdict.status.as_str() {
        "OK" => serde_json::from_slice(&response.body).map_or(Answer::Garbled, Answer::Ok),
        "ERROR" => {
            let words = [
                said(verdict.reason.as_ref()),
                said(verdict.message.as_ref()),
            ];
            Answer::Error(words.map(Option::unwrap_or_default).join(" "))
        }
        _ => Answer::Garbled,
    }
}

pub(super) fn step(deal: &Deal<'_>, response: &HttpResponse) -> Step {
    match deal.task() {
        Ok(Task::Order) => order(response),
        Ok(Task::OrderStatus) => order_status(deal, response),
        Ok(Task::Refund(_)) => refund(response),
        Ok(Task::RefundStatus(refund_id)) => refund_status(deal, refund_id, response),
        Err(_) => Step::unknown(),
    }
}

fn order(response: &HttpResponse) -> Step {
    match read::<Created>(response) {
        Answer::Ok(created) => {
            let link = said(created.payment_link.as_ref()).filter(|url| is_web_address(url));
            let Some(url) = link else {
                return Step::unknown();
            };
            Step::Report(Box::new(Report {
                action: Some(PayerAction::Redirect {
                    url: url.to_owned(),
                    method: HttpMethod::Post,
                    fields: BTreeMap::new(),
                }),
                ..Report::bare(Outcome::Pending)
            }))
        }
        Answer::Error(words) => refused(&words, DeclineCode::Technical),
        Answer::Garbled => Step::unknown(),
    }
}

fn refund(response: &HttpResponse) -> Step {
    match read::<RefundTaken>(response) {
        Answer::Ok(taken) => {
            let facts = Facts {
                connector_reference: said(taken.refund_id.as_ref()).map(str::to_owned),
                ..Facts::default()
            };
            report(Outcome::Pending, facts)
        }
        Answer::Error(words) => refused(&words, DeclineCode::General),
        Answer::Garbled => Step::unknown(),
    }
}

/// An error where something was to be made: a decline if it is about the request itself.
fn refused(words: &str, code: DeclineCode) -> Step {
    if speaks_of_a_duplicate(words) || !speaks_of_the_request(words) {
        return Step::unknown();
    }
    report(Outcome::Declined(code), Facts::default())
}

fn speaks_of_the_request(words: &str) -> bool {
    const PARTS: [&str; 12] = [
        "validation",
        "invalid",
        "not valid",
        "missing",
        "mandatory",
        "required",
        "must ",
        "should ",
        "cannot be",
        "longer than",
        "credential",
        "authenticat",
    ];
    let words = words.to_ascii_lowercase();
    PARTS.iter().any(|part| words.contains(part))
}

/// Whether an error says that the partner knows no such order or refund.
fn speaks_of_nothing_there(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    ["not exist", "n't exist", "not found"]
        .iter()
        .any(|part| words.contains(part))
}

fn nothing_there(words: &str) -> Step {
    if speaks_of_nothing_there(words) {
        Step::NotFound
    } else {
        Step::unknown()
    }
}

/// What a status of the partner means; none if its contract does not know it.
pub(super) fn outcome(tx_status: &str) -> Option<Outcome> {
    match tx_status {
        "SUCCESS" => Some(Outcome::Approved),
        "FAILED" => Some(Outcome::Declined(DeclineCode::General)),
        "CANCELLED" | "USER_DROPPED" => Some(Outcome::Declined(DeclineCode::CancelledByPayer)),
        "PENDING" | "FLAGGED" | "INCOMPLETE" | "NOT_ATTEMPTED" => Some(Outcome::Pending),
        "VOID" => Some(Outcome::Voided),
        _ => None,
    }
}

fn order_status(deal: &Deal<'_>, response: &HttpResponse) -> Step {
    let status = match read::<Status>(response) {
        Answer::Ok(status) => status,
        Answer::Error(words) => return nothing_there(&words),
        Answer::Garbled => return Step::unknown(),
    };
    // An answer about another order says nothing about ours.
    if said(status.order_id.as_ref()).is_some_and(|id| id != deal.order_id) {
        return Step::unknown();
    }
    let order_status = said(status.order_status.as_ref());
    let Some(tx_status) = said(status.tx_status.as_ref()) else {
        return match order_status {
            Some("ACTIVE") => report(Outcome::Pending, Facts::default()),
            Some("EXPIRED" | "TERMINATED") => {
                report(Outcome::Declined(DeclineCode::TimeOver), Facts::default())
            }
            // Paid, and how is not told: it is asked again.
            _ => Step::unknown(),
        };
    };
    let Some(outcome) = outcome(tx_status) else {
        return Step::unknown();
    };
    let failed = matches!(outcome, Outcome::Declined(_) | Outcome::Voided);
    if failed && order_status == Some("PAID") {
        return Step::unknown();
    }
    let currency = said(status.order_currency.as_ref()).unwrap_or(RUPEE);
    let amount = amount::read_with(said(status.order_amount.as_ref()), Some(currency));
    if outcome == Outcome::Approved && amount.is_none() {
        return Step::unknown();
    }
    let facts = Facts {
        connector_reference: said(status.reference_id.as_ref()).map(str::to_owned),
        gateway_code: Some(tx_status.to_owned()),
        happened_at: said(status.tx_time.as_ref()).and_then(time::read),
        amount,
        ..Facts::default()
    };
    report(outcome, facts)
}

fn refund_status(deal: &Deal<'_>, refund_id: &str, response: &HttpResponse) -> Step {
    let status = match read::<RefundStatus>(response) {
        Answer::Ok(status) => status,
        Answer::Error(words) => return nothing_there(&words),
        Answer::Garbled => return Step::unknown(),
    };
    let Some(refund) = the_refund(deal, refund_id, &status.refund) else {
        return Step::unknown();
    };
    let amount = amount::read_with(said(refund.refund_amount.as_ref()), Some(RUPEE));
    let outcome = match (said(refund.processed.as_ref()), amount) {
        (Some("YES"), Some(_)) => Outcome::Approved,
        (Some("NO"), _) => Outcome::Pending,
        _ => return Step::unknown(),
    };
    let facts = Facts {
        connector_reference: said(refund.refund_id.as_ref()).map(str::to_owned),
        rrn: said(refund.arn.as_ref()).map(str::to_owned),
        happened_at: said(refund.processed_on.as_ref()).and_then(time::read),
        amount,
        ..Facts::default()
    };
    report(outcome, facts)
}

/// The one refund of the answer that is ours. The partner need not repeat our name of it, so what
/// it does repeat must agree and one must remain.
fn the_refund(deal: &Deal<'_>, refund_id: &str, raw: &RawValue) -> Option<Refund> {
    let list = if raw.get().starts_with('[') {
        serde_json::from_str::<Vec<Refund>>(raw.get()).ok()?
    } else {
        vec![serde_json::from_str::<Refund>(raw.get()).ok()?]
    };
    let known = deal.exchange.operation.facts.connector_reference.as_deref();
    let agrees = |told: Option<&Text>, ours: Option<&str>| match (said(told), ours) {
        (Some(told), Some(ours)) => told == ours,
        _ => true,
    };
    let mut ours = list.into_iter().filter(|refund| {
        agrees(refund.merchant_refund_id.as_ref(), Some(refund_id))
            && agrees(refund.order_id.as_ref(), Some(&deal.order_id))
            && agrees(refund.refund_id.as_ref(), known)
    });
    ours.next().filter(|_| ours.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_about_the_request_decline() {
        let declined = [
            "VALIDATION_ERROR",
            "orderAmount : Invalid amount value passed",
            "customerPhone is mandatory",
            "Authentication failed",
            "Refund amount should be less than transaction amount",
        ];
        for words in declined {
            let step = refused(words, DeclineCode::Technical);
            assert_eq!(
                step,
                report(Outcome::Declined(DeclineCode::Technical), Facts::default())
            );
        }
        let unknown = [
            "",
            "Something went wrong",
            "Order with orderId already exists",
            "Invalid request: duplicate orderId",
            "try again later",
        ];
        for words in unknown {
            assert_eq!(
                refused(words, DeclineCode::Technical),
                Step::unknown(),
                "{words}"
            );
        }
    }
}
