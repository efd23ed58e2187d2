//! States of single things: an `ETag` in the answer, `If-Match` in a change.
//!
//! `If-Match` may be left away; then the last change wins. If it is sent it is honoured: a change of a thing
//! that moved meanwhile is refused with 412 and changes nothing.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::problem::Problem;

/// A thing with the revision it was read or written at.
#[derive(Debug)]
pub struct Tagged<T> {
    /// Its revision.
    pub revision: i64,
    /// The thing.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.body).into_response();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", self.revision)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// The revision that a change is meant for: the number in `If-Match`, if the caller sent one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub Option<i64>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Ok(Self(None));
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let number = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
        let number = number.and_then(|number| number.parse().ok());
        // A tag that we never gave names no state of ours.
        let stale = || {
            let detail = "If-Match must be the ETag of the thing as you read it";
            Problem::new(StatusCode::PRECONDITION_FAILED, "stale", detail)
        };
        number.map(|number| Self(Some(number))).ok_or_else(stale)
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        let words = "The `ETag` of the thing as you read it. If it was changed since, the answer is 412 \
                     and nothing changes. Without this header the last change wins.";
        vec![
            ParameterBuilder::new()
                .name("If-Match")
                .parameter_in(ParameterIn::Header)
                .required(Required::False)
                .description(Some(words))
                .example(Some("\"7\"".into()))
                .schema(Some(schema))
                .build(),
        ]
    }
}
