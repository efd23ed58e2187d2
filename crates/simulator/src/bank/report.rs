//! What the bank did, for reconciliation: every operation, and sums.
//!
//! Reports show the truth: an operation whose answer is held back appears as it was decided, and
//! no fault changes a report.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::Bank;
use super::book::Book;
use super::calls::Terminal;
use super::operation::{Kind, Status};

/// Most operations of one page of the log.
const PAGE_MAX: usize = 10_000;

/// Which part of the log is asked for.
#[derive(Deserialize)]
pub struct LogQuery {
    /// Operations with a higher number only.
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
struct Log {
    operations: Vec<LogLine>,
    /// What to give as `after` for the next page.
    next: usize,
    /// Whether there is a next page already.
    more: bool,
}

#[derive(Serialize)]
struct LogLine {
    number: usize,
    key: String,
    kind: &'static str,
    parent: Option<String>,
    status: &'static str,
    code: Option<String>,
    amount: i64,
    currency: &'static str,
    masked_pan: Option<String>,
    received: u32,
    at_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sums: Option<Sums>,
}

/// The money of one authorization, or of all of a currency.
#[derive(Clone, Copy, Default, Serialize)]
struct Sums {
    held: i64,
    captured: i64,
    voided: i64,
    released: i64,
    refunded: i64,
}

#[derive(Serialize)]
struct Summary {
    operations: Vec<SummaryLine>,
    money: BTreeMap<&'static str, Sums>,
}

#[derive(Serialize)]
struct SummaryLine {
    kind: &'static str,
    status: &'static str,
    currency: &'static str,
    count: u64,
    amount: i64,
}

/// `GET /bank/v1/log`.
pub async fn log(
    State(bank): State<Arc<Bank>>,
    Query(query): Query<LogQuery>,
    _: Terminal,
) -> Response {
    let limit = query.limit.clamp(1, PAGE_MAX);
    let book = bank.book();
    let total = book.operations().len();
    let first = query.after.min(total);
    let end = first.saturating_add(limit).min(total);
    let operations = (first..end).map(|index| line(&book, index)).collect();
    drop(book);
    Json(Log {
        operations,
        next: end,
        more: end < total,
    })
    .into_response()
}

/// `GET /bank/v1/log/summary`.
pub async fn summary(State(bank): State<Arc<Bank>>, _: Terminal) -> Response {
    let mut counted: BTreeMap<(Kind, Status, &'static str), (u64, i64)> = BTreeMap::new();
    let mut money: BTreeMap<&'static str, Sums> = BTreeMap::new();
    let book = bank.book();
    for operation in book.operations() {
        let currency = operation.currency.code();
        let slot = counted
            .entry((operation.kind, operation.status, currency))
            .or_default();
        slot.0 += 1;
        slot.1 += operation.amount;
        if operation.kind == Kind::Authorization {
            let sums = money.entry(currency).or_default();
            sums.held += operation.held;
            sums.captured += operation.captured;
            sums.voided += operation.voided;
            sums.released += operation.released;
            sums.refunded += operation.refunded;
        }
    }
    drop(book);
    let operations = counted
        .into_iter()
        .map(|((kind, status, currency), (count, amount))| SummaryLine {
            kind: kind.word(),
            status: status.word(),
            currency,
            count,
            amount,
        })
        .collect();
    Json(Summary { operations, money }).into_response()
}

fn line(book: &Book, index: usize) -> LogLine {
    let operation = book.at(index);
    let decided = operation.status != Status::AuthenticationRequired;
    let sums = (operation.kind == Kind::Authorization).then_some(Sums {
        held: operation.held,
        captured: operation.captured,
        voided: operation.voided,
        released: operation.released,
        refunded: operation.refunded,
    });
    LogLine {
        number: index + 1,
        key: operation.key.as_ref().to_owned(),
        kind: operation.kind.word(),
        parent: operation
            .parent
            .map(|at| book.at(at as usize).key.as_ref().to_owned()),
        status: operation.status.word(),
        code: decided.then(|| operation.code.text()),
        amount: operation.amount,
        currency: operation.currency.code(),
        masked_pan: operation.masked_pan().map(str::to_owned),
        received: operation.received,
        at_ms: operation.at_ms,
        sums,
    }
}
