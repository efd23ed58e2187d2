//! Answers of both generations, and how they travel: whole and at once, or in one of the ways
//! that faults ask for.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use super::fault::{Defect, Fault};
use crate::bank::deliver::{huge, trickle};
use crate::serve;

/// An answer that is ready to be sent, always JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its text.
    pub body: String,
}

impl Reply {
    /// An answer of status 200.
    pub fn ok(body: &impl Serialize) -> Reply {
        Reply::with(StatusCode::OK, body)
    }

    /// An answer of any status.
    pub fn with(status: StatusCode, body: &impl Serialize) -> Reply {
        match serde_json::to_string(body) {
            Ok(body) => Reply { status, body },
            Err(error) => {
                eprintln!("altyn-simulator: partner: answer: {error}");
                Reply {
                    status: StatusCode::INTERNAL_SERVER_ERROR,
                    body: "{}".to_owned(),
                }
            }
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        (self.status, json(self.body.into())).into_response()
    }
}

/// The 500 of a server that broke before it could write JSON.
pub fn broken_page() -> Response {
    let page = Html("<html><body><h1>Internal error</h1></body></html>");
    (StatusCode::INTERNAL_SERVER_ERROR, page).into_response()
}

/// Sends an answer, spoiled by the fault if there is one.
pub async fn send(reply: Reply, fault: Option<Fault>) -> Response {
    let Some(fault) = fault else {
        return reply.into_response();
    };
    match fault.fault {
        Defect::Drop | Defect::DropBefore => serve::hang_up(),
        Defect::Delay => {
            tokio::time::sleep(fault.delay()).await;
            reply.into_response()
        }
        // Their answers were made already.
        Defect::Error500 | Defect::Error500Before | Defect::RateLimit => reply.into_response(),
        Defect::Malformed => {
            let half = reply.body.as_bytes()[..reply.body.len() / 2].to_vec();
            (reply.status, json(half.into())).into_response()
        }
        Defect::HugeBody => json(huge()),
        Defect::SlowBody => json(trickle(reply.body.into_bytes(), fault.delay())),
    }
}

fn json(body: Body) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
