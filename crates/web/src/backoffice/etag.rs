//! States of single things: an `ETag` in the answer, `If-Match` in a change.
//!
//! `If-Match` may be left away; then the last change wins. If it is sent it is honoured: a change of a thing
//! that moved meanwhile is refused with 412 and changes nothing.

use altyn_engine::{ConnectorView, MerchantView, MethodView, ProjectView, ResellerView, UserView};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::codes::Code;
use super::problem::Problem;

/// A thing with the tag of its state, as the engine gives it: with quotation marks.
#[derive(Debug)]
pub struct Tagged<T> {
    /// The tag.
    pub tag: String,
    /// The thing.
    pub body: T,
}

/// What the engine shows together with the tag of its state.
pub(super) trait Stateful {
    fn tag(&self) -> String;
}

macro_rules! stateful {
    ($($view:ty),+) => {$(
        impl Stateful for $view {
            fn tag(&self) -> String {
                self.etag().into()
            }
        }
    )+};
}

stateful!(
    ConnectorView,
    MerchantView,
    MethodView,
    ProjectView,
    ResellerView,
    UserView
);

impl<T> Tagged<T> {
    /// The thing as the engine shows it.
    pub(super) fn of<V: Stateful + Into<T>>(view: V) -> Self {
        Self {
            tag: view.tag(),
            body: view.into(),
        }
    }
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.body).into_response();
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// The tag of the state that a change is meant for, with quotation marks, if the caller sent one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(pub Option<String>);

impl IfMatch {
    /// The tag, as the engine compares it.
    pub fn tag(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(parts)
    }
}

/// Refuses a tag where nothing has one: it names no state that there is.
pub(super) fn require_none(parts: &Parts) -> Result<(), Problem> {
    match IfMatch::read(parts)? {
        IfMatch(None) => Ok(()),
        IfMatch(Some(_)) => {
            let detail = "what is changed here has no ETag, so If-Match can name none of it";
            Err(Problem::new(Code::Stale, detail))
        }
    }
}

impl IfMatch {
    fn read(parts: &Parts) -> Result<Self, Problem> {
        let mut sent = parts.headers.get_all(header::IF_MATCH).iter();
        let Some(value) = sent.next() else {
            return Ok(Self(None));
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" && sent.next().is_none() {
            return Ok(Self(None));
        }
        let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
        let is_one = inner.is_some_and(|inner| !inner.contains('"')) && sent.next().is_none();
        // Anything else names no state that we ever told of.
        if !is_one {
            let detail = "If-Match must be the one ETag of the thing as you read it";
            return Err(Problem::new(Code::Stale, detail));
        }
        Ok(Self(Some(text.to_owned())))
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
                .example(Some("\"5f0c2b7d9e1a4c36\"".into()))
                .schema(Some(schema))
                .build(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn read(sent: &[&str]) -> Result<Option<String>, u16> {
        let mut request = Request::new(());
        for text in sent {
            let value = text.parse().unwrap();
            request.headers_mut().append(header::IF_MATCH, value);
        }
        let (mut parts, ()) = request.into_parts();
        let read = IfMatch::from_request_parts(&mut parts, &()).await;
        read.map(|tag| tag.0).map_err(|p| p.status().as_u16())
    }

    #[tokio::test]
    async fn a_tag_is_one_quoted_text_or_none() {
        assert_eq!(read(&[]).await, Ok(None));
        assert_eq!(read(&["*"]).await, Ok(None));
        assert_eq!(read(&[" \"abc\" "]).await, Ok(Some("\"abc\"".to_owned())));
        for wrong in [
            &["abc"][..],
            &["W/\"abc\""],
            &["\"a\", \"b\""],
            &["\"a\"", "\"b\""],
            &["*", "\"b\""],
            &[""],
            &["\""],
        ] {
            assert_eq!(read(wrong).await, Err(412), "{wrong:?}");
        }
    }
}
