//! How an answer travels: whole and at once, or in one of the ways that faults ask for.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use futures::stream;

use super::fault::{Defect, Fault};
use super::wire::Answer;
use crate::serve;

/// Chunks of `huge_body`, and the size of each.
const HUGE_CHUNKS: u32 = 1024;
const HUGE_CHUNK_BYTES: usize = 64 * 1024;

/// Sends an answer, spoiled by the fault if there is one.
pub async fn send(mut answer: Answer, fault: Option<Fault>) -> Response {
    let Some(fault) = fault else {
        return Json(answer).into_response();
    };
    match fault.fault {
        Defect::Drop | Defect::DropBefore => return serve::hang_up(),
        Defect::Delay => tokio::time::sleep(fault.delay()).await,
        Defect::Duplicate => {}
        Defect::Error500 => {
            let page = Html("<html><body><h1>Internal error</h1></body></html>");
            return (StatusCode::INTERNAL_SERVER_ERROR, page).into_response();
        }
        Defect::WrongAmount => answer.amount += 1,
        Defect::WrongCurrency => {
            answer.currency = if answer.currency == "USD" {
                "EUR"
            } else {
                "USD"
            };
        }
        Defect::Malformed => {
            let text = serde_json::to_vec(&answer).unwrap_or_default();
            return json_body(Body::from(text[..text.len() / 2].to_vec()));
        }
        Defect::HugeBody => return json_body(huge()),
        Defect::SlowBody => {
            let text = serde_json::to_vec(&answer).unwrap_or_default();
            return json_body(trickle(text, fault.delay()));
        }
    }
    Json(answer).into_response()
}

fn json_body(body: Body) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

/// An endless-looking JSON text, made as it is read: the bank itself needs one chunk of memory.
pub fn huge() -> Body {
    let chunk = Bytes::from(vec![b' '; HUGE_CHUNK_BYTES]);
    Body::from_stream(stream::unfold((0, chunk), |(sent, chunk)| async move {
        match sent {
            0 => Some((
                Ok::<_, Infallible>(Bytes::from_static(b"{\"key\":")),
                (1, chunk),
            )),
            HUGE_CHUNKS => None,
            _ => Some((Ok(chunk.clone()), (sent + 1, chunk))),
        }
    }))
}

/// The whole text, one byte after the other, over `duration`.
pub fn trickle(text: Vec<u8>, duration: Duration) -> Body {
    let pause = duration / u32::try_from(text.len().max(1)).unwrap_or(1);
    let bytes = text.into_iter();
    Body::from_stream(stream::unfold(bytes, move |mut bytes| async move {
        let byte = bytes.next()?;
        tokio::time::sleep(pause).await;
        Some((Ok::<_, Infallible>(Bytes::copy_from_slice(&[byte])), bytes))
    }))
}
