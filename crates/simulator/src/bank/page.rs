//! The bank as a person sees it: what it did lately, and switches for its faults.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;

use super::Bank;
use super::book::Book;
use super::card::TEST_CARDS;
use super::fault::Fault;
use super::operation::{Kind, Operation, Status, Step};
use crate::{clock, web};

/// Operations on the page.
const SHOWN_MAX: usize = 200;
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "bank.html")]
struct BankPage {
    rows: Vec<Row>,
    total: usize,
    approved: usize,
    declined: usize,
    waiting: usize,
    faults: Vec<FaultRow>,
    calls: [&'static str; 8],
    defects: [(&'static str, &'static str); 10],
    cards: Vec<(String, &'static str)>,
}

struct Row {
    number: usize,
    at: String,
    kind: &'static str,
    key: String,
    parent: Option<String>,
    amount: String,
    pan: String,
    status: &'static str,
    word: &'static str,
    code: String,
    received: u32,
    sums: String,
}

struct FaultRow {
    operation: String,
    fault: String,
    detail: String,
    used_up: bool,
}

/// `GET /`.
pub async fn to_page() -> Redirect {
    Redirect::to("/bank")
}

/// `GET /bank/style.css`.
pub async fn style() -> Response {
    web::asset("text/css", include_str!("../../assets/bank.css"))
}

/// `GET /bank`.
pub async fn page(State(bank): State<Arc<Bank>>) -> Response {
    let now_ms = clock::now_ms();
    let faults = bank.faults.list().iter().map(fault_row).collect();
    let book = bank.book();
    let all = book.operations();
    let count = |status| {
        all.iter()
            .filter(|operation| operation.status == status)
            .count()
    };
    let first = all.len().saturating_sub(SHOWN_MAX);
    let page = BankPage {
        rows: (first..all.len())
            .rev()
            .map(|index| row(&book, index, now_ms))
            .collect(),
        total: all.len(),
        approved: count(Status::Approved),
        declined: count(Status::Declined),
        waiting: count(Status::AuthenticationRequired),
        faults,
        calls: CALLS,
        defects: DEFECTS,
        cards: TEST_CARDS
            .iter()
            .map(|card| (web::grouped_pan(card.pan), card.behaviour.summary()))
            .collect(),
    };
    drop(book);
    web::page(&page, POLICY)
}

/// `POST /bank/faults`.
pub async fn add_fault(State(bank): State<Arc<Bank>>, headers: HeaderMap, form: Bytes) -> Response {
    if !web::same_origin(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut wanted = serde_json::Map::new();
    for name in ["operation", "fault", "status_says"] {
        if let Some(value) = web::parameter(&form, name).filter(|value| !value.is_empty()) {
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
        Ok(fault) => bank.faults.add(fault).err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    match refused {
        None => Redirect::to("/bank").into_response(),
        Some(message) => (StatusCode::BAD_REQUEST, message).into_response(),
    }
}

/// `POST /bank/faults/clear`.
pub async fn clear_faults(State(bank): State<Arc<Bank>>, headers: HeaderMap) -> Response {
    if !web::same_origin(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    bank.faults.clear();
    Redirect::to("/bank").into_response()
}

const CALLS: [&str; 8] = [
    "any",
    "authorization",
    "authentication",
    "challenge",
    "capture",
    "void",
    "refund",
    "status",
];

const DEFECTS: [(&str, &str); 10] = [
    ("delay", "hold the answer back"),
    ("drop", "do the work, close the connection"),
    ("drop_before", "close the connection, do nothing"),
    ("duplicate", "receive the call twice"),
    ("error_500", "do the work, answer 500"),
    ("wrong_amount", "name another amount"),
    ("wrong_currency", "name another currency"),
    ("malformed", "cut the answer in half"),
    ("huge_body", "answer 64 MiB"),
    ("slow_body", "answer byte by byte"),
];

fn row(book: &Book, index: usize, now_ms: u64) -> Row {
    let operation = book.at(index);
    let status = operation.visible_status(now_ms);
    let decided = matches!(status, Status::Approved | Status::Declined);
    Row {
        number: index + 1,
        at: clock::readable(operation.at_ms),
        kind: operation.kind.word(),
        key: operation.key.as_ref().to_owned(),
        parent: operation
            .parent
            .map(|parent| book.at(parent as usize).key.as_ref().to_owned()),
        amount: web::money(operation.amount, operation.currency),
        pan: operation.masked_pan().unwrap_or("—").to_owned(),
        status: status.word(),
        word: status_in_words(operation, status),
        code: if decided {
            operation.code.text()
        } else {
            String::new()
        },
        received: operation.received,
        sums: sums(operation),
    }
}

fn status_in_words(operation: &Operation, status: Status) -> &'static str {
    match status {
        Status::Approved => "approved",
        Status::Declined => "declined",
        Status::Pending => "answer held back",
        Status::AuthenticationRequired => {
            match operation.authentication.as_deref().map(|it| it.step) {
                Some(Step::Method) => "hidden frame",
                Some(Step::Challenge | Step::Over) | None => "asks for the code",
            }
        }
    }
}

fn sums(operation: &Operation) -> String {
    if operation.kind != Kind::Authorization {
        return String::new();
    }
    let parts = [
        ("held", operation.open()),
        ("captured", operation.captured),
        ("voided", operation.voided + operation.released),
        ("refunded", operation.refunded),
    ];
    let shown: Vec<String> = parts
        .into_iter()
        .filter(|(_, sum)| *sum > 0)
        .map(|(word, sum)| format!("{word} {}", web::money(sum, operation.currency)))
        .collect();
    shown.join(", ")
}

fn fault_row(fault: &Fault) -> FaultRow {
    let word = |value: serde_json::Result<serde_json::Value>| {
        value
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    };
    let mut detail = match fault.count {
        0 => format!("until switched off, {} so far", fault.hits),
        count => format!("{} of {count}", fault.hits),
    };
    if matches!(
        fault.fault,
        super::fault::Defect::Delay | super::fault::Defect::SlowBody
    ) {
        detail.push_str(&format!(", {} ms", fault.delay_ms));
    }
    if let Some(says) = fault.status_says {
        detail.push_str(&format!(
            ", status says {}",
            word(serde_json::to_value(says))
        ));
    }
    FaultRow {
        operation: word(serde_json::to_value(fault.operation)),
        fault: word(serde_json::to_value(fault.fault)),
        detail,
        used_up: fault.count > 0 && fault.hits >= fault.count,
    }
}
