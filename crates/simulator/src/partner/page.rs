//! The partner as a person sees it: what it did lately, and switches for its faults.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use serde::Serialize;

use super::book::{Book, Item};
use super::fault::{Call, Defect, Fault};
use super::order::{Delivery, OrderStatus, PaymentStatus, RefundStatus};
use super::{Partner, amount, entity};
use crate::web::Language;
use crate::{clock, web};

/// Lines on the page.
const SHOWN_MAX: usize = 200;
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// The addresses of people.
pub fn router() -> Router<Arc<Partner>> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/partner") }))
        .route("/partner", get(page))
        .route("/partner/faults", post(add_fault))
        .route("/partner/faults/clear", post(clear_faults))
        .route(
            "/partner/style.css",
            get(|| async { web::asset("text/css", include_str!("../../assets/bank.css")) }),
        )
}

#[derive(Template)]
#[template(path = "partner.html")]
struct PartnerPage {
    rows: Vec<Row>,
    orders: usize,
    paid: usize,
    failed: usize,
    waiting: usize,
    faults: Vec<FaultRow>,
    calls: Vec<String>,
    defects: Vec<(String, &'static str)>,
}

struct Row {
    number: usize,
    at: String,
    kind: &'static str,
    order_id: String,
    name: String,
    amount: String,
    status: &'static str,
    /// Colour of the status, as in the bank's style sheet.
    colour: &'static str,
    detail: String,
}

struct FaultRow {
    call: String,
    fault: String,
    detail: String,
    used_up: bool,
}

async fn page(State(partner): State<Arc<Partner>>) -> Response {
    let now_ms = clock::now_ms();
    let faults = partner.faults.list().iter().map(fault_row).collect();
    let book = partner.read();
    let items = book.items();
    let count = |wanted: &[&str]| {
        let payments = items.iter().filter_map(|item| match item {
            Item::Payment(index) => Some(book.payment(*index).status.first_word()),
            Item::Order(_) | Item::Refund(_) | Item::Notice(_) => None,
        });
        payments.filter(|word| wanted.contains(word)).count()
    };
    let orders = items.iter().filter(|item| matches!(item, Item::Order(_)));
    let first = items.len().saturating_sub(SHOWN_MAX);
    let page = PartnerPage {
        rows: (first..items.len())
            .rev()
            .map(|at| row(&book, at, now_ms))
            .collect(),
        orders: orders.count(),
        paid: count(&["SUCCESS"]),
        failed: count(&["FAILED", "USER_DROPPED", "CANCELLED"]),
        waiting: count(&["INCOMPLETE", "PENDING", "FLAGGED"]),
        faults,
        calls: Call::ALL.iter().map(word).collect(),
        defects: Defect::ALL
            .iter()
            .map(|(defect, what)| (word(defect), *what))
            .collect(),
    };
    drop(book);
    web::page(&page, POLICY)
}

async fn add_fault(
    State(partner): State<Arc<Partner>>,
    headers: HeaderMap,
    form: Bytes,
) -> Response {
    if !web::same_origin(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut wanted = serde_json::Map::new();
    for name in ["call", "fault"] {
        if let Some(value) = web::parameter(&form, name) {
            wanted.insert(name.to_owned(), value.into());
        }
    }
    for name in ["delay_ms", "count"] {
        let value = web::parameter(&form, name).and_then(|text| text.trim().parse::<u32>().ok());
        if let Some(value) = value {
            wanted.insert(name.to_owned(), value.into());
        }
    }
    let fault: Result<Fault, _> = serde_json::from_value(wanted.into());
    let refused = match fault {
        Ok(fault) => partner
            .faults
            .add(fault)
            .err()
            .map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    match refused {
        None => Redirect::to("/partner").into_response(),
        Some(message) => (StatusCode::BAD_REQUEST, message).into_response(),
    }
}

async fn clear_faults(State(partner): State<Arc<Partner>>, headers: HeaderMap) -> Response {
    if !web::same_origin(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    partner.faults.clear();
    Redirect::to("/partner").into_response()
}

fn row(book: &Book, at: usize, now_ms: u64) -> Row {
    let number = at + 1;
    match book.items()[at] {
        Item::Order(index) => {
            let order = book.order(index);
            let status = book.status(index, now_ms);
            Row {
                number,
                at: clock::readable(order.created_ms),
                kind: "order",
                order_id: order.wish.id.clone(),
                name: order.partner_id.to_string(),
                amount: money(order.wish.amount, "INR"),
                status: status.word(),
                colour: order_colour(status),
                detail: order.wish.note.clone().unwrap_or_default(),
            }
        }
        Item::Payment(index) => {
            let payment = book.payment(index);
            let back = (payment.refunded > 0)
                .then(|| format!("back {}", money(payment.refunded, &payment.currency)));
            Row {
                number,
                at: clock::readable(payment.started_ms),
                kind: "payment",
                order_id: book.order(payment.order).wish.id.clone(),
                name: payment.id.to_string(),
                amount: money(payment.amount, &payment.currency),
                status: payment.status.first_word(),
                colour: payment_colour(payment.status),
                detail: back.or(payment.error_code.clone()).unwrap_or_default(),
            }
        }
        Item::Refund(index) => {
            let refund = book.refund(index);
            let currency = &book.payment(refund.payment).currency;
            Row {
                number,
                at: clock::readable(refund.created_ms),
                kind: "refund",
                order_id: book.order(refund.order).wish.id.clone(),
                name: entity::refund_name(refund),
                amount: money(refund.wish.amount, currency),
                status: refund.status.word(),
                colour: refund_colour(refund.status),
                detail: refund.kind.word().to_lowercase().replace('_', " "),
            }
        }
        Item::Notice(index) => notice_row(book, index, number),
    }
}

fn notice_row(book: &Book, index: usize, number: usize) -> Row {
    let notice = book.notice(index);
    let tries: Vec<String> = notice
        .attempts
        .iter()
        .map(|attempt| {
            let status = attempt.status.map(|status| status.to_string());
            status.unwrap_or_else(|| "no answer".to_owned())
        })
        .collect();
    let first = notice.attempts.first().map(|attempt| attempt.at_ms);
    Row {
        number,
        at: first.map(clock::readable).unwrap_or_default(),
        kind: "notice",
        order_id: book.order(notice.order).wish.id.clone(),
        name: notice.event.clone(),
        amount: String::new(),
        status: notice.delivery.word(),
        colour: match notice.delivery {
            Delivery::Delivered => "approved",
            Delivery::GivenUp => "declined",
            Delivery::Waiting => "pending",
        },
        detail: tries.join(", "),
    }
}

fn money(paise: i64, currency: &str) -> String {
    if currency == "INR" {
        amount::for_people(paise, Language::En)
    } else {
        format!("{} {currency}", amount::text(paise))
    }
}

fn order_colour(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Paid => "approved",
        OrderStatus::Active | OrderStatus::TerminationRequested => "pending",
        OrderStatus::Expired | OrderStatus::Terminated => "declined",
    }
}

fn payment_colour(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Success => "approved",
        PaymentStatus::NotAttempted | PaymentStatus::Pending | PaymentStatus::Flagged => "pending",
        PaymentStatus::Failed | PaymentStatus::UserDropped | PaymentStatus::Cancelled => "declined",
    }
}

fn refund_colour(status: RefundStatus) -> &'static str {
    match status {
        RefundStatus::Success => "approved",
        RefundStatus::Pending | RefundStatus::OnHold => "pending",
        RefundStatus::Cancelled | RefundStatus::Failed => "declined",
    }
}

/// The word that an enumeration has on the wire.
fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    let word = value.as_ref().and_then(serde_json::Value::as_str);
    word.unwrap_or_default().to_owned()
}

fn fault_row(fault: &Fault) -> FaultRow {
    let mut detail = match fault.count {
        0 => format!("until switched off, {} so far", fault.hits),
        count => format!("{} of {count}", fault.hits),
    };
    if matches!(fault.fault, Defect::Delay | Defect::SlowBody) {
        detail.push_str(&format!(", {} ms", fault.delay_ms));
    }
    FaultRow {
        call: word(&fault.call),
        fault: word(&fault.fault),
        detail,
        used_up: fault.is_used_up(),
    }
}
