//! What gateways send by themselves: one address per operation, unguessable because of the payment's id.
//!
//! A notice is believed by its signature and by nothing in its address. One that is not believed changes
//! nothing but the list of incidents.

use altyn_domain::{Notice, NoticeRefusal, PaymentId};
use altyn_engine::{Engine, EngineError, NoticeTaken};
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use tracing::error;

/// Largest notice, in bytes.
const NOTICE_MAX: usize = 64 * 1024;

/// What a gateway hears that should send its notice again.
const RETRY_AFTER_S: &str = "5";

/// The addresses of notices, from `/notices/…` on.
pub fn router(engine: Engine) -> Router {
    Router::new()
        .route("/notices/{payment}/{operation}", post(take))
        .layer(DefaultBodyLimit::max(NOTICE_MAX))
        .with_state(engine)
}

async fn take(
    State(engine): State<Engine>,
    Path((payment, operation)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(fault) => return unread(fault.status()),
    };
    let (Ok(payment), Ok(operation)) = (PaymentId::parse(&payment), operation.parse()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let readable = headers.iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let notice = Notice {
        headers: readable.collect(),
        body: body.to_vec(),
        at: engine.now(),
    };
    match engine.take_notice(payment, operation, notice).await {
        Ok(NoticeTaken::Taken) => (StatusCode::OK, "OK").into_response(),
        Ok(NoticeTaken::Unknown | NoticeTaken::Refused(NoticeRefusal::Unsupported)) => {
            StatusCode::NOT_FOUND.into_response()
        }
        Ok(NoticeTaken::Refused(
            refusal @ (NoticeRefusal::Signature | NoticeRefusal::Stale(_)),
        )) => (StatusCode::UNAUTHORIZED, refusal.to_string()).into_response(),
        Ok(
            NoticeTaken::OtherAmount
            | NoticeTaken::Refused(NoticeRefusal::Unreadable | NoticeRefusal::OtherOrder),
        ) => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
        Err(failure) => not_now(&failure),
    }
}

/// A body that did not come as a whole.
fn unread(status: StatusCode) -> Response {
    let words = if status == StatusCode::PAYLOAD_TOO_LARGE {
        format!("the body is larger than {NOTICE_MAX} bytes")
    } else {
        "the body did not come as a whole".to_owned()
    };
    (status, words).into_response()
}

fn not_now(failure: &EngineError) -> Response {
    error!(error = %failure, "a notice could not be taken");
    let again = [(header::RETRY_AFTER, RETRY_AFTER_S)];
    (StatusCode::SERVICE_UNAVAILABLE, again).into_response()
}
