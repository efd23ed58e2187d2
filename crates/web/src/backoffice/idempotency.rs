//! `Idempotency-Key` on requests that make something: a repeat is not carried out, it gets the first answer.
//!
//! An answer of success is kept for 30 days and given again, marked by `Idempotency-Replayed: true`. A refusal
//! changed nothing and is forgotten, so the caller may mend the request and use the key again; so is a request
//! that found us busy or without a database, of which nothing was done. After a fault, or if the end is not
//! known, the key stays taken: the request is never carried out a second time.

use altyn_engine::{Caller, Engine, Repeat, Repeatable};
use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tracing::error;

use super::codes::Code;
use super::problem::{NothingDone, Problem};

/// The request's header.
pub(super) const KEY_HEADER: &str = "idempotency-key";

/// The header of an answer that was given before.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Longest key, in characters.
const KEY_MAX: usize = 255;

/// Largest answer that is kept, in bytes.
const ANSWER_MAX: usize = 1024 * 1024;

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    /// Base64.
    body: String,
}

/// Headers of an answer that are kept with it.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];

/// Carries a request out that changes something: once, if it has a key.
pub(super) async fn carry_out(
    engine: &Engine,
    caller: Option<&Caller>,
    parts: Parts,
    body: Bytes,
    next: Next,
) -> Result<Response, Problem> {
    let place = begin(engine, caller, &parts, &body).await?;
    let request = axum::extract::Request::from_parts(parts, Body::from(body));
    let place = match place {
        Begun::Plain => return Ok(next.run(request).await),
        Begun::Answered(response) => return Ok(response),
        Begun::First(place) => place,
    };
    let response = next.run(request).await;
    let status = response.status();
    if status.is_success() {
        return keep(engine, &place, response).await;
    }
    let nothing_done = response.extensions().get::<NothingDone>().is_some();
    if (!status.is_server_error() || nothing_done)
        && let Err(error) = engine.forget_repeatable(&place).await
    {
        error!(%error, "a request with a key that was not carried out could not be forgotten");
    }
    Ok(response)
}

enum Begun {
    /// Without a key.
    Plain,
    First(Repeatable),
    Answered(Response),
}

async fn begin(
    engine: &Engine,
    caller: Option<&Caller>,
    parts: &Parts,
    body: &Bytes,
) -> Result<Begun, Problem> {
    let Some(key) = parts.headers.get(KEY_HEADER) else {
        return Ok(Begun::Plain);
    };
    // Only what makes something can be made twice; and nobody's requests are nobody's repeats.
    let owner = caller.and_then(Caller::user_id);
    let Some(owner) = owner.filter(|_| parts.method == Method::POST) else {
        return Ok(Begun::Plain);
    };
    let key = key.to_str().unwrap_or_default();
    if !(1..=KEY_MAX).contains(&key.len()) {
        let detail = "Idempotency-Key must have 1 to 255 characters of ASCII";
        return Err(Problem::new(Code::Malformed, detail));
    }
    let target = parts
        .uri
        .path_and_query()
        .map_or("", |target| target.as_str());
    let request = [parts.method.as_str().as_bytes(), target.as_bytes(), body];
    match engine.begin_repeatable(owner, key, &request).await? {
        Repeat::First(place) => Ok(Begun::First(place)),
        Repeat::Running => {
            let detail = "a request with this key is under way, or its end is not known: look before \
                          you ask again with another key";
            Err(Problem::new(Code::RequestInProgress, detail))
        }
        Repeat::OtherRequest => {
            let detail = "this key came with another request before";
            Err(Problem::new(Code::IdempotencyKeyReused, detail))
        }
        Repeat::Answered(text) => replay(&text).map(Begun::Answered),
    }
}

async fn keep(
    engine: &Engine,
    place: &Repeatable,
    response: Response,
) -> Result<Response, Problem> {
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, ANSWER_MAX)
        .await
        .map_err(|error| {
            error!(%error, "an answer could not be kept: it is too large");
            Problem::state_unknown()
        })?;
    let headers = KEPT_HEADERS.into_iter().filter_map(|name| {
        let value = parts.headers.get(&name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let kept = Kept {
        status: parts.status.as_u16(),
        headers: headers.collect(),
        body: STANDARD.encode(&body),
    };
    // What was done is done: the caller hears of it even if a repeat will not.
    match serde_json::to_string(&kept) {
        Ok(text) => {
            if let Err(error) = engine.keep_answer(place, &text).await {
                error!(%error, "an answer could not be kept for repeats");
            }
        }
        Err(error) => error!(%error, "an answer could not be kept for repeats"),
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replay(text: &str) -> Result<Response, Problem> {
    let damaged = || {
        error!("an answer kept for a repeat cannot be read");
        Problem::fault()
    };
    let kept: Kept = serde_json::from_str(text).map_err(|_| damaged())?;
    let status = StatusCode::from_u16(kept.status).map_err(|_| damaged())?;
    let body = STANDARD.decode(&kept.body).map_err(|_| damaged())?;
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in kept.headers {
        let name = HeaderName::try_from(name).map_err(|_| damaged())?;
        let value = HeaderValue::try_from(value).map_err(|_| damaged())?;
        headers.insert(name, value);
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
