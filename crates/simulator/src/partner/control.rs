//! What tests may do to the partner: decide payments and refunds, spoil notices, switch faults
//! on. Nobody shows a key here; the partner listens on this machine only, and a page of another
//! site is refused.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::book::{Book, Refusal};
use super::fault::Fault;
use super::order::{Outcome, Plan, RefundStatus};
use super::pay::Decision;
use super::reply::Reply;
use super::{Partner, amount};
use crate::web;

/// All calls of tests.
pub fn router() -> Router<Arc<Partner>> {
    Router::new()
        .route("/partner/control/orders/{order_id}", post(order))
        .route("/partner/control/refunds/{refund_id}", post(refund))
        .route(
            "/partner/control/faults",
            get(faults).post(add_fault).delete(clear_faults),
        )
}

/// What a test wants of an order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderWish {
    /// Decide a payment now. Absent: the plan waits for the payer's decision.
    #[serde(default)]
    result: Option<Wanted>,
    /// Which payment; absent: the one that is running, or a new one.
    #[serde(default)]
    payment: Option<String>,
    /// Why it fails.
    #[serde(default)]
    error_code: Option<String>,
    /// Move the limit of the order to now, before anything else.
    #[serde(default)]
    expire: bool,
    #[serde(default)]
    amount: Option<String>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default = "yes")]
    notify: bool,
    #[serde(default)]
    duplicate: u32,
    #[serde(default)]
    bad_signature: bool,
    #[serde(default)]
    other_order: Option<String>,
    #[serde(default)]
    late: bool,
    #[serde(default)]
    before_return: Option<bool>,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Wanted {
    Success,
    Failed,
    UserDropped,
    Pending,
    Flagged,
}

impl OrderWish {
    /// The plan in it; the amount and the currency must be possible.
    fn plan(&self) -> Result<Plan, &'static str> {
        let amount = self.amount.as_deref();
        if amount.is_some_and(|text| amount::parse(text).is_none()) {
            return Err("amount");
        }
        let currency = self.currency.as_deref();
        let is_code =
            |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        if currency.is_some_and(|text| !is_code(text)) {
            return Err("currency");
        }
        Ok(Plan {
            amount: self.amount.clone(),
            currency: self.currency.clone(),
            notify: self.notify,
            duplicate: self.duplicate,
            bad_signature: self.bad_signature,
            other_order: self.other_order.clone(),
            late: self.late,
            before_return: self.before_return,
        })
    }

    fn outcome(&self) -> Option<Outcome> {
        self.result.map(|wanted| match wanted {
            Wanted::Success => Outcome::Success,
            Wanted::Failed => Outcome::Failed,
            Wanted::UserDropped => Outcome::UserDropped,
            Wanted::Pending => Outcome::Pending,
            Wanted::Flagged => Outcome::Flagged,
        })
    }
}

/// How an order looks after a test has touched it.
#[derive(Serialize)]
struct Touched {
    order_id: String,
    order_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_id: Option<String>,
    /// Numbers of the notices, as in the log.
    notices: Vec<usize>,
}

/// `POST /partner/control/orders/{order_id}`.
async fn order(
    State(partner): State<Arc<Partner>>,
    Path(order_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !web::same_origin(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let wish: OrderWish = match serde_json::from_slice(&body) {
        Ok(wish) => wish,
        Err(error) => return malformed("body", &error.to_string()),
    };
    let plan = match wish.plan() {
        Ok(plan) => plan,
        Err(field) => return malformed(field, "has a wrong value"),
    };
    let waits = wish.result.is_some() && plan.before_return == Some(true);
    let changed = partner.change(|book, now_ms| touch(book, &order_id, (&wish, plan), now_ms));
    match changed {
        Ok((touched, notices)) => {
            if waits {
                partner.first_try(&notices).await;
            }
            Reply::ok(&touched).into_response()
        }
        Err(refusal) => refused(refusal),
    }
}

fn touch(
    book: &mut Book,
    order_id: &str,
    (wish, plan): (&OrderWish, Plan),
    now_ms: u64,
) -> Result<(Touched, Vec<usize>), Refusal> {
    let order = book.find_any_order(order_id)?;
    let named = wish.payment.as_deref();
    let named = named.map(|id| book.find_payment(id)).transpose()?;
    if named.is_some_and(|payment| book.payment(payment).order != order) {
        return Err(Refusal::PaymentNotFound);
    }
    if wish.expire {
        book.expire(order, now_ms);
    }
    let decided = match wish.outcome() {
        Some(outcome) => {
            let decision = Decision {
                outcome,
                error_code: wish.error_code.clone(),
                plan,
            };
            Some(book.force(order, named, &decision, now_ms))
        }
        None => {
            if plan != Plan::default() {
                book.plan(order, plan);
            }
            None
        }
    };
    let payment = decided
        .as_ref()
        .map(|decided| decided.payment)
        .or_else(|| book.leading(order))
        .map(|at| book.payment(at));
    let refund = decided.as_ref().and_then(|decided| decided.refund);
    let notices = decided.map(|decided| decided.notices).unwrap_or_default();
    let touched = Touched {
        order_id: book.order(order).wish.id.clone(),
        order_status: book.status(order, now_ms).word(),
        payment_id: payment.map(|payment| payment.id.to_string()),
        payment_status: payment.map(|payment| payment.status.first_word()),
        refund_id: refund.map(|at| book.refund(at).id.to_string()),
        notices: notices.clone(),
    };
    Ok((touched, notices))
}

/// What a test wants of a refund.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundDecision {
    status: RefundStatus,
}

/// `POST /partner/control/refunds/{refund_id}`, by the merchant's name or by the seven digits.
async fn refund(
    State(partner): State<Arc<Partner>>,
    Path(refund_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !web::same_origin(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let decision: RefundDecision = match serde_json::from_slice(&body) {
        Ok(decision) => decision,
        Err(error) => return malformed("body", &error.to_string()),
    };
    let decided = partner.change(|book, now_ms| {
        let index = book
            .find_merchant_refund(&refund_id)
            .or_else(|_| book.find_refund(&refund_id))?;
        let notices = book.decide_refund(index, decision.status, now_ms)?;
        Ok(json!({
            "refund_id": refund_id,
            "refund_status": book.refund(index).status.word(),
            "notices": notices,
        }))
    });
    match decided {
        Ok(answer) => Reply::ok(&answer).into_response(),
        Err(refusal) => refused(refusal),
    }
}

/// `GET /partner/control/faults`.
async fn faults(State(partner): State<Arc<Partner>>) -> Response {
    listed(&partner)
}

/// `POST /partner/control/faults`.
async fn add_fault(
    State(partner): State<Arc<Partner>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !web::same_origin(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let fault: Fault = match serde_json::from_slice(&body) {
        Ok(fault) => fault,
        Err(error) => return malformed("fault", &error.to_string()),
    };
    match partner.faults.add(fault) {
        Ok(()) => listed(&partner),
        Err(error) => malformed("fault", &error.to_string()),
    }
}

/// `DELETE /partner/control/faults`.
async fn clear_faults(State(partner): State<Arc<Partner>>, headers: HeaderMap) -> Response {
    if !web::same_origin(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    partner.faults.clear();
    listed(&partner)
}

fn listed(partner: &Partner) -> Response {
    Reply::ok(&json!({"faults": partner.faults.list()})).into_response()
}

fn malformed(field: &str, message: &str) -> Response {
    let body = json!({"error": "malformed", "field": field, "message": message});
    Reply::with(StatusCode::BAD_REQUEST, &body).into_response()
}

fn refused(refusal: Refusal) -> Response {
    let (status, word) = match refusal {
        Refusal::OrderNotFound | Refusal::PaymentNotFound | Refusal::RefundNotFound => {
            (StatusCode::NOT_FOUND, "not_found")
        }
        Refusal::OrderExists
        | Refusal::AlreadyPaid
        | Refusal::Expired
        | Refusal::Terminated
        | Refusal::TooManyPayments
        | Refusal::NotPaid
        | Refusal::RefundTooHigh
        | Refusal::RefundIdReused
        | Refusal::RefundFinal => (StatusCode::CONFLICT, "not_allowed"),
    };
    let body = json!({"error": word, "message": refusal.to_string()});
    Reply::with(status, &body).into_response()
}
