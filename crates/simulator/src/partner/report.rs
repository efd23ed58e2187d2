//! What the partner did, for reconciliation: every order, payment, refund and notice, and sums.
//! Reports show the truth; no fault changes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};

use super::Partner;
use super::book::{Book, Item};
use super::entity;
use super::order::{Attempt, CURRENCY, Generation, PaymentStatus, RefundKind, RefundStatus};
use super::reply::Reply;
use crate::clock;

/// Most lines of one page of the log.
const PAGE_MAX: usize = 10_000;

/// The log and its sums.
pub fn router() -> Router<Arc<Partner>> {
    Router::new()
        .route("/partner/log", get(log))
        .route("/partner/log/summary", get(summary))
}

/// Which part of the log is asked for.
#[derive(Deserialize)]
struct LogQuery {
    /// Lines with a higher number only.
    #[serde(default)]
    after: usize,
    /// How many at most.
    #[serde(default = "page_max")]
    limit: usize,
}

fn page_max() -> usize {
    PAGE_MAX
}

#[derive(Serialize)]
struct Log<'book> {
    lines: Vec<Line<'book>>,
    /// What to give as `after` for the next page.
    next: usize,
    /// Whether there is a next page already.
    more: bool,
}

#[derive(Serialize)]
struct Line<'book> {
    number: usize,
    #[serde(flatten)]
    what: What<'book>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum What<'book> {
    Order {
        order_id: &'book str,
        generation: Generation,
        status: &'static str,
        amount: i64,
        currency: &'static str,
        at_ms: u64,
        expires_ms: u64,
    },
    Payment {
        order_id: &'book str,
        payment_id: String,
        status: &'static str,
        amount: i64,
        currency: &'book str,
        refunded: i64,
        at_ms: u64,
        ended_ms: Option<u64>,
    },
    Refund {
        order_id: &'book str,
        payment_id: String,
        refund_id: String,
        merchant_refund_id: String,
        refund_type: &'static str,
        status: &'static str,
        amount: i64,
        currency: &'book str,
        at_ms: u64,
        ended_ms: Option<u64>,
    },
    Notice {
        order_id: &'book str,
        notice: usize,
        event: &'book str,
        url: &'book str,
        status: &'static str,
        bad_signature: bool,
        attempts: &'book [Attempt],
    },
}

/// The money of one currency, in minor units.
#[derive(Clone, Copy, Default, Serialize)]
struct Sums {
    /// Successful payments.
    paid: i64,
    /// Payments that came too late and went back.
    returned: i64,
    /// Refunds of successful payments that are done.
    refunded: i64,
    /// Refunds that are in work.
    refunding: i64,
}

#[derive(Serialize)]
struct Summary {
    counts: Vec<Count>,
    money: BTreeMap<String, Sums>,
}

#[derive(Serialize)]
struct Count {
    kind: &'static str,
    status: &'static str,
    currency: String,
    count: u64,
    amount: i64,
}

/// `GET /partner/log`.
async fn log(State(partner): State<Arc<Partner>>, Query(query): Query<LogQuery>) -> Response {
    let limit = query.limit.clamp(1, PAGE_MAX);
    let now_ms = clock::now_ms();
    let book = partner.read();
    let total = book.items().len();
    let first = query.after.min(total);
    let end = first.saturating_add(limit).min(total);
    let lines = (first..end)
        .map(|at| Line {
            number: at + 1,
            what: what(&book, book.items()[at], now_ms),
        })
        .collect();
    Reply::ok(&Log {
        lines,
        next: end,
        more: end < total,
    })
    .into_response()
}

fn what(book: &Book, item: Item, now_ms: u64) -> What<'_> {
    match item {
        Item::Order(index) => {
            let order = book.order(index);
            What::Order {
                order_id: &order.wish.id,
                generation: order.wish.generation,
                status: book.status(index, now_ms).word(),
                amount: order.wish.amount,
                currency: CURRENCY,
                at_ms: order.created_ms,
                expires_ms: order.wish.expires_ms,
            }
        }
        Item::Payment(index) => {
            let payment = book.payment(index);
            What::Payment {
                order_id: &book.order(payment.order).wish.id,
                payment_id: payment.id.to_string(),
                status: payment.status.first_word(),
                amount: payment.amount,
                currency: &payment.currency,
                refunded: payment.refunded,
                at_ms: payment.started_ms,
                ended_ms: payment.ended_ms,
            }
        }
        Item::Refund(index) => {
            let refund = book.refund(index);
            let payment = book.payment(refund.payment);
            What::Refund {
                order_id: &book.order(refund.order).wish.id,
                payment_id: payment.id.to_string(),
                refund_id: refund.id.to_string(),
                merchant_refund_id: entity::refund_name(refund),
                refund_type: refund.kind.word(),
                status: refund.status.word(),
                amount: refund.wish.amount,
                currency: &payment.currency,
                at_ms: refund.created_ms,
                ended_ms: refund.ended_ms,
            }
        }
        Item::Notice(index) => {
            let notice = book.notice(index);
            What::Notice {
                order_id: &book.order(notice.order).wish.id,
                notice: notice.index,
                event: &notice.event,
                url: &notice.url,
                status: notice.delivery.word(),
                bad_signature: notice.bad_signature,
                attempts: &notice.attempts,
            }
        }
    }
}

/// `GET /partner/log/summary`.
async fn summary(State(partner): State<Arc<Partner>>) -> Response {
    let now_ms = clock::now_ms();
    let mut counted: BTreeMap<(&str, &str, String), (u64, i64)> = BTreeMap::new();
    let mut money: BTreeMap<String, Sums> = BTreeMap::new();
    let book = partner.read();
    for item in book.items() {
        let (key, amount) = match what(&book, *item, now_ms) {
            What::Order { status, amount, .. } => (("order", status, CURRENCY.to_owned()), amount),
            What::Payment {
                status,
                amount,
                currency,
                ..
            } => (("payment", status, currency.to_owned()), amount),
            What::Refund {
                status,
                amount,
                currency,
                ..
            } => (("refund", status, currency.to_owned()), amount),
            What::Notice { status, .. } => (("notice", status, String::new()), 0),
        };
        let slot = counted.entry(key).or_default();
        slot.0 += 1;
        slot.1 += amount;
        add_money(&book, *item, &mut money);
    }
    drop(book);
    let counts = counted
        .into_iter()
        .map(|((kind, status, currency), (count, amount))| Count {
            kind,
            status,
            currency,
            count,
            amount,
        })
        .collect();
    Reply::ok(&Summary { counts, money }).into_response()
}

fn add_money(book: &Book, item: Item, money: &mut BTreeMap<String, Sums>) {
    match item {
        Item::Payment(index) => {
            let payment = book.payment(index);
            let sums = money.entry(payment.currency.clone()).or_default();
            match payment.status {
                PaymentStatus::Success => sums.paid += payment.amount,
                PaymentStatus::Cancelled => sums.returned += payment.amount,
                PaymentStatus::NotAttempted
                | PaymentStatus::Pending
                | PaymentStatus::Flagged
                | PaymentStatus::Failed
                | PaymentStatus::UserDropped => {}
            }
        }
        Item::Refund(index) => {
            let refund = book.refund(index);
            let currency = book.payment(refund.payment).currency.clone();
            let sums = money.entry(currency).or_default();
            match (refund.kind, refund.status) {
                (RefundKind::MerchantInitiated, RefundStatus::Success) => {
                    sums.refunded += refund.wish.amount;
                }
                (RefundKind::MerchantInitiated, RefundStatus::Pending | RefundStatus::OnHold) => {
                    sums.refunding += refund.wish.amount;
                }
                (RefundKind::MerchantInitiated, RefundStatus::Cancelled | RefundStatus::Failed)
                | (RefundKind::PaymentAutoRefund, _) => {}
            }
        }
        Item::Order(_) | Item::Notice(_) => {}
    }
}
