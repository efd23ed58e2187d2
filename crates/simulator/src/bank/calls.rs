//! The bank's calls over HTTP: read the wire, let the book decide, send the answer on its way.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::json;

use super::Bank;
use super::book::{Book, Moment, Performed, Refusal};
use super::card::Behaviour;
use super::fault::{Call, Defect, Fault};
use super::operation::Kind;
use super::wire::{self, Malformed};
use super::{card::Delivery, deliver};
use crate::{clock, secret, serve};

/// The longest body.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a body may take. This and the age limit keep the promise that work never begins on a
/// request that has been under way for half a minute.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Age at which a request that says when it was sent is refused.
const AGE_MS_MAX: u64 = 15_000;
/// Milliseconds since 1970 at which the caller sent the request; optional.
const SENT_AT: &str = "request-sent-at";

/// A call that showed the right key, with its whole body.
pub struct Terminal(pub Bytes);

impl FromRequest<Arc<Bank>> for Terminal {
    type Rejection = Response;

    async fn from_request(request: Request, bank: &Arc<Bank>) -> Result<Terminal, Response> {
        let shown = request.headers().get(AUTHORIZATION);
        let key = shown.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        if !key.is_some_and(|key| secret::same(key, bank.terminal_key.as_bytes())) {
            return Err(error(StatusCode::UNAUTHORIZED, "unauthorized"));
        }
        let sent_at = request
            .headers()
            .get(SENT_AT)
            .and_then(|value| value.to_str().ok());
        let sent_at_ms: Option<u64> = sent_at.and_then(|text| text.parse().ok());
        if sent_at_ms.is_some_and(|sent| clock::now_ms().saturating_sub(sent) > AGE_MS_MAX) {
            return Err(error(StatusCode::REQUEST_TIMEOUT, "too_old"));
        }
        let body = to_bytes(request.into_body(), BODY_BYTES_MAX);
        match tokio::time::timeout(BODY_TIMEOUT, body).await {
            Ok(Ok(body)) => Ok(Terminal(body)),
            Ok(Err(_)) => Err(error(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large")),
            Err(_) => Err(error(StatusCode::REQUEST_TIMEOUT, "body_too_slow")),
        }
    }
}

fn error(status: StatusCode, word: &str) -> Response {
    (status, Json(json!({"error": word}))).into_response()
}

impl IntoResponse for Malformed {
    fn into_response(self) -> Response {
        let body = json!({"error": "malformed", "field": self.0});
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::KeyReused => error(StatusCode::CONFLICT, "key_reused"),
            Refusal::NotFound => error(StatusCode::NOT_FOUND, "not_found"),
        }
    }
}

/// `POST /bank/v1/authorizations`.
pub async fn authorize(
    State(bank): State<Arc<Bank>>,
    Terminal(body): Terminal,
) -> Result<Response, Malformed> {
    let request = wire::authorization(&body, &bank.fingerprints)?;
    let work = |book: &mut Book, moment| book.authorize(&request, moment);
    Ok(run(&bank, Call::Authorization, &request.key, work).await)
}

/// `POST /bank/v1/operations/{key}/authentication`.
pub async fn method_completed(
    State(bank): State<Arc<Bank>>,
    Path(key): Path<String>,
    Terminal(body): Terminal,
) -> Result<Response, Malformed> {
    wire::method_completed(&body)?;
    let work = |book: &mut Book, moment| book.method_completed(&key, moment);
    Ok(run(&bank, Call::Authentication, &key, work).await)
}

/// `POST /bank/v1/operations/{key}/challenge`.
pub async fn challenge_completed(
    State(bank): State<Arc<Bank>>,
    Path(key): Path<String>,
    Terminal(body): Terminal,
) -> Result<Response, Malformed> {
    wire::challenge_result(&body)?;
    let work = |book: &mut Book, moment| book.challenge_completed(&key, moment);
    Ok(run(&bank, Call::Challenge, &key, work).await)
}

/// `POST /bank/v1/operations/{key}/captures`.
pub async fn capture(
    state: State<Arc<Bank>>,
    key: Path<String>,
    terminal: Terminal,
) -> Result<Response, Malformed> {
    follow_up(state, key, terminal, Kind::Capture, Call::Capture).await
}

/// `POST /bank/v1/operations/{key}/voids`.
pub async fn void(
    state: State<Arc<Bank>>,
    key: Path<String>,
    terminal: Terminal,
) -> Result<Response, Malformed> {
    follow_up(state, key, terminal, Kind::Void, Call::Void).await
}

/// `POST /bank/v1/operations/{key}/refunds`.
pub async fn refund(
    state: State<Arc<Bank>>,
    key: Path<String>,
    terminal: Terminal,
) -> Result<Response, Malformed> {
    follow_up(state, key, terminal, Kind::Refund, Call::Refund).await
}

async fn follow_up(
    State(bank): State<Arc<Bank>>,
    Path(parent_key): Path<String>,
    Terminal(body): Terminal,
    kind: Kind,
    call: Call,
) -> Result<Response, Malformed> {
    let request = wire::follow_up(&body)?;
    let amount = request.amount.to_le_bytes();
    let fingerprint =
        bank.fingerprints
            .of(&[kind.word().as_bytes(), parent_key.as_bytes(), &amount]);
    let work =
        |book: &mut Book, moment| book.follow_up(kind, &parent_key, &request, fingerprint, moment);
    Ok(run(&bank, call, &request.key, work).await)
}

/// `GET /bank/v1/operations/{key}`.
pub async fn status(
    State(bank): State<Arc<Bank>>,
    Path(key): Path<String>,
    _: Terminal,
) -> Response {
    let fault = bank.faults.strike(Call::Status, &key);
    if fault
        .as_ref()
        .is_some_and(|fault| fault.fault == Defect::DropBefore)
    {
        return serve::hang_up();
    }
    let lie = bank.faults.lie(&key);
    let found = bank.book().find(&key);
    let Some(index) = found.filter(|_| lie.is_none_or(|lie| lie.status().is_some())) else {
        return Refusal::NotFound.into_response();
    };
    let mut answer = bank.answer(index);
    if let Some(status) = lie.and_then(|lie| lie.status()) {
        answer.pretend(status);
    }
    deliver::send(answer, fault).await
}

/// `POST /bank/v1/enrollment`.
pub async fn enrollment(
    _: State<Arc<Bank>>,
    Terminal(body): Terminal,
) -> Result<Response, Malformed> {
    let pan = wire::enrollment(&body)?;
    let enrolled = Behaviour::of(&pan).enrolled();
    let answer = json!({"enrolled": enrolled, "issuer": "Altyn Sandbox Bank", "country": "KZ"});
    Ok(Json(answer).into_response())
}

/// `GET /bank/v1/faults`.
pub async fn faults(State(bank): State<Arc<Bank>>, _: Terminal) -> Response {
    Json(json!({"faults": bank.faults.list()})).into_response()
}

/// `POST /bank/v1/faults`.
pub async fn add_fault(State(bank): State<Arc<Bank>>, Terminal(body): Terminal) -> Response {
    let refused = |message: String| {
        let body = json!({"error": "malformed", "field": "fault", "message": message});
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    };
    let fault: Fault = match serde_json::from_slice(&body) {
        Ok(fault) => fault,
        Err(error) => return refused(error.to_string()),
    };
    match bank.faults.add(fault) {
        Ok(()) => Json(json!({"faults": bank.faults.list()})).into_response(),
        Err(error) => refused(error.to_string()),
    }
}

/// `DELETE /bank/v1/faults`.
pub async fn clear_faults(State(bank): State<Arc<Bank>>, _: Terminal) -> Response {
    bank.faults.clear();
    Json(json!({"faults": []})).into_response()
}

/// Performs a call, with whatever fault is switched on for it. All work is done before the first
/// pause, so a caller that gives up waiting changes nothing.
async fn run(
    bank: &Arc<Bank>,
    call: Call,
    key: &str,
    work: impl Fn(&mut Book, Moment) -> Result<Performed, Refusal>,
) -> Response {
    let fault = bank.faults.strike(call, key);
    let defect = fault.as_ref().map(|fault| fault.fault);
    if defect == Some(Defect::DropBefore) {
        return serve::hang_up();
    }
    let (performed, answer) = match bank.perform(&work) {
        Ok(done) => done,
        Err(refusal) => return refusal.into_response(),
    };
    if defect == Some(Defect::Duplicate)
        && let Err(refusal) = bank.perform(&work)
    {
        return refusal.into_response();
    }
    match performed.delivery {
        Delivery::AtOnce => deliver::send(answer, fault).await,
        Delivery::Late => {
            tokio::time::sleep(Duration::from_millis(bank.late_ms)).await;
            deliver::send(bank.answer(performed.index), fault).await
        }
        Delivery::Dropped => serve::hang_up(),
    }
}
