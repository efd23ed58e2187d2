//! What a caller hears when something was not done: a problem as RFC 9457 describes it, always JSON.
//!
//! Programs read `code`, people `detail`. Inner text of faults goes to the log and never outside.

use std::borrow::Cow;

use altyn_domain::Refusal;
use altyn_engine::{EngineError, Flaw, OfficeError};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::{error, warn};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::codes::Code;

/// The content type of a problem.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// What a caller hears who should try again later, in seconds.
const RETRY_AFTER_S: u32 = 5;

/// One thing that is wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where: a path such as `schema[2].options`; empty for the whole.
    pub field: String,
    /// What is wrong, for people.
    pub message: String,
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Told>);

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        Told::schema()
    }
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        "Problem".into()
    }
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "/backoffice/reference#in_use",
    "title": "In use",
    "status": 409,
    "code": "in_use",
    "detail": "the connector is used by 2 payment methods",
    "errors": []
}))]
struct Told {
    /// Where the code is explained: an address relative to this one.
    #[serde(rename = "type")]
    kind: String,
    /// The code in words.
    title: String,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What a program can act upon. New codes may be added.
    code: String,
    /// What happened this time, for people.
    detail: String,
    /// What is wrong with what was sent, place by place.
    errors: Vec<FieldError>,
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether the caller may send the same again.
    #[serde(skip)]
    nothing_done: bool,
}

/// Marks an answer with status 5xx to a request of which nothing was carried out.
#[derive(Debug, Clone, Copy)]
pub(super) struct NothingDone;

impl Problem {
    /// A problem with this code and these words for people.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self::told(code.status(), code.word(), detail.into())
    }

    pub(super) fn told(status: StatusCode, code: &str, detail: String) -> Self {
        Self(Box::new(Told {
            kind: format!("/backoffice/reference#{code}"),
            title: in_words(code),
            status: status.as_u16(),
            code: code.to_owned(),
            detail,
            errors: Vec::new(),
            headers: Vec::new(),
            nothing_done: false,
        }))
    }

    /// What was sent is wrong in these places.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = "what was sent is not valid";
        let mut problem = Self::new(Code::Invalid, detail);
        problem.0.errors = errors;
        problem
    }

    /// What was sent is wrong in one place.
    pub fn invalid_field(field: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError {
            field: field.to_owned(),
            message: message.into(),
        }])
    }

    /// There is no such thing, or it is not in reach: both look alike.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "there is no such thing")
    }

    /// Nobody is signed in, or not any more.
    pub(super) fn unauthenticated() -> Self {
        let detail = "sign in, or show a valid token";
        Self::new(Code::Unauthenticated, detail)
            .with(header::WWW_AUTHENTICATE, "Bearer realm=\"altyn\"")
    }

    /// The answer is not known: it may or may not be done.
    pub(super) fn state_unknown() -> Self {
        let detail = "it is not known whether it was done: look before you ask again";
        Self::new(Code::StateUnknown, detail)
    }

    /// The program is busy, or its database not there. Nothing was done.
    fn later(code: Code, detail: &str) -> Self {
        let mut problem = Self::new(code, detail);
        problem.0.nothing_done = true;
        problem.with(header::RETRY_AFTER, &RETRY_AFTER_S.to_string())
    }

    /// The same with a header in the answer.
    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers.push((name, value));
        }
        self
    }

    /// The same, explained behind this path.
    pub(super) fn under(mut self, base: &str) -> Self {
        self.0.kind.insert_str(0, base);
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What a program can act upon.
    pub fn code(&self) -> &str {
        &self.0.code
    }
}

/// `in_use` as `In use`.
pub(super) fn in_words(code: &str) -> String {
    let mut words = code.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let status = self.status();
        let headers = std::mem::take(&mut self.0.headers);
        let nothing_done = self.0.nothing_done;
        let mut response = (status, axum::Json(&self)).into_response();
        // The frame knows where the reference is, and writes the body again.
        response.extensions_mut().insert(self);
        let kind = HeaderValue::from_static(PROBLEM_JSON);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response.headers_mut().extend(headers);
        if nothing_done {
            response.extensions_mut().insert(NothingDone);
        }
        response
    }
}

impl From<Flaw> for FieldError {
    fn from(flaw: Flaw) -> Self {
        Self {
            field: flaw.field,
            message: flaw.message,
        }
    }
}

impl From<OfficeError> for Problem {
    fn from(error: OfficeError) -> Self {
        match error {
            OfficeError::NotFound => Self::not_found(),
            OfficeError::Forbidden(permission) => {
                let detail = format!("the permission {} is needed", permission.word());
                Self::new(Code::Forbidden, detail)
            }
            OfficeError::Rank(words) => Self::new(Code::Forbidden, words),
            OfficeError::Invalid(flaws) => {
                Self::invalid(flaws.into_iter().map(FieldError::from).collect())
            }
            OfficeError::Conflict(code, words) => Self::told(StatusCode::CONFLICT, code, words),
            OfficeError::Stale => {
                let detail = "it was changed since you saw it: read it again";
                Self::new(Code::Stale, detail)
            }
            OfficeError::Engine(error) => error.into(),
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refusal) => refusal.into(),
            EngineError::Denied(_) => Self::unauthenticated(),
            EngineError::Busy => Self::later(Code::Busy, "too much is going on: try again shortly"),
            EngineError::Unavailable(inner) => {
                warn!(error = ?inner, "the back office found the database unavailable");
                Self::later(
                    Code::Unavailable,
                    "the database is not available: try again shortly",
                )
            }
            EngineError::StateUnknown => Self::state_unknown(),
            EngineError::Fault(what) => {
                error!(error = %what, "a fault in the back office");
                Self::fault()
            }
        }
    }
}

impl Problem {
    /// A fault of this program, already in the log.
    pub(super) fn fault() -> Self {
        let detail = "a fault of this program: its log has the details";
        Self::new(Code::Fault, detail)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::PaymentNotFound | Refusal::SubjectNotFound => return Self::not_found(),
            Refusal::LeaseLost | Refusal::SettingsChanged => {
                return Self::later(Code::Busy, "settings changed meanwhile: try again shortly");
            }
            Refusal::ReferenceTaken(_) => Code::ReferenceTaken,
            Refusal::AlreadyPaid => Code::AlreadyPaid,
            Refusal::WrongStatus(_) => Code::WrongStatus,
            Refusal::Expired => Code::PaymentExpired,
            Refusal::TriesExhausted => Code::TriesExhausted,
            Refusal::InProgress => Code::OperationInProgress,
            Refusal::UnexpectedDeposited { .. } => Code::CapturedSumDiffers,
            Refusal::StepNotExpected => Code::StepNotExpected,
            Refusal::CurrencyNotAccepted(_) => Code::CurrencyNotAccepted,
            Refusal::AmountInvalid => Code::AmountInvalid,
            Refusal::Exceeds { .. } => Code::AmountExceeds,
            Refusal::BalanceTooSmall { .. } => Code::BalanceTooSmall,
            Refusal::MethodCannot(_) => Code::MethodCannot,
            Refusal::MethodUnavailable => Code::MethodUnavailable,
        };
        Self::new(code, refusal.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_keeps_its_inner_text_to_itself() {
        let problem = Problem::from(EngineError::Fault("row 7 of users".to_owned()));
        let text = serde_json::to_string(&problem).unwrap();
        assert!(!text.contains("row 7"), "{text}");
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn titles_are_codes_in_words() {
        assert_eq!(in_words("in_use"), "In use");
        assert_eq!(in_words(""), "");
    }
}
