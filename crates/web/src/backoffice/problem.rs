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
}

impl Problem {
    /// A problem with this code and these words for people.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self(Box::new(Told {
            kind: format!("/backoffice/reference#{code}"),
            title: in_words(code),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
        }))
    }

    /// What was sent is wrong in these places.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = "what was sent is not valid";
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail);
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
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing")
    }

    /// Nobody is signed in, or not any more.
    pub(super) fn unauthenticated() -> Self {
        let detail = "sign in, or show a valid token";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
            .with(header::WWW_AUTHENTICATE, "Bearer realm=\"altyn\"")
    }

    /// The answer is not known: it may or may not be done.
    pub(super) fn state_unknown() -> Self {
        let detail = "it is not known whether it was done: look before you ask again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "state_unknown", detail)
    }

    /// The program is busy, or its database not there.
    fn later(code: &str, detail: &str) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        problem.with(header::RETRY_AFTER, &RETRY_AFTER_S.to_string())
    }

    /// The same with a header in the answer.
    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers.push((name, value));
        }
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
        let mut response = (status, axum::Json(self)).into_response();
        let kind = HeaderValue::from_static(PROBLEM_JSON);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response.headers_mut().extend(headers);
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
                Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
            }
            OfficeError::Invalid(flaws) => {
                Self::invalid(flaws.into_iter().map(FieldError::from).collect())
            }
            OfficeError::Conflict(code, words) => Self::new(StatusCode::CONFLICT, code, words),
            OfficeError::Stale => {
                let detail = "it was changed since you saw it: read it again";
                Self::new(StatusCode::PRECONDITION_FAILED, "stale", detail)
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
            EngineError::Busy => Self::later("busy", "too much is going on: try again shortly"),
            EngineError::Unavailable(inner) => {
                warn!(error = ?inner, "the back office found the database unavailable");
                Self::later(
                    "unavailable",
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
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", detail)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let conflict = StatusCode::CONFLICT;
        let wrong = StatusCode::UNPROCESSABLE_ENTITY;
        let (status, code) = match &refusal {
            Refusal::PaymentNotFound | Refusal::SubjectNotFound => return Self::not_found(),
            Refusal::LeaseLost | Refusal::SettingsChanged => {
                return Self::later("busy", "settings changed meanwhile: try again shortly");
            }
            Refusal::ReferenceTaken(_) => (conflict, "reference_taken"),
            Refusal::AlreadyPaid => (conflict, "already_paid"),
            Refusal::WrongStatus(_) => (conflict, "wrong_status"),
            Refusal::Expired => (conflict, "payment_expired"),
            Refusal::TriesExhausted => (conflict, "tries_exhausted"),
            Refusal::InProgress => (conflict, "operation_in_progress"),
            Refusal::UnexpectedDeposited { .. } => (conflict, "captured_sum_differs"),
            Refusal::StepNotExpected => (conflict, "step_not_expected"),
            Refusal::CurrencyNotAccepted(_) => (wrong, "currency_not_accepted"),
            Refusal::AmountInvalid => (wrong, "amount_invalid"),
            Refusal::Exceeds { .. } => (wrong, "amount_exceeds"),
            Refusal::BalanceTooSmall { .. } => (wrong, "balance_too_small"),
            Refusal::MethodCannot(_) => (wrong, "method_cannot"),
            Refusal::MethodUnavailable => (wrong, "method_unavailable"),
        };
        Self::new(status, code, refusal.to_string())
    }
}

/// Codes that are explained in the reference. Conflicts of single end points are explained there.
pub(super) const CODES: &[(&str, u16, &str)] = &[
    (
        "malformed",
        400,
        "The body is not JSON, or the address or query cannot be read.",
    ),
    (
        "unauthenticated",
        401,
        "No token or session was shown, or it ended.",
    ),
    (
        "forbidden",
        403,
        "The role or the token lacks the permission that the end point needs.",
    ),
    (
        "sign_in_denied",
        401,
        "The e-mail address, the password or the code is wrong, or the person is disabled.",
    ),
    (
        "code_needed",
        401,
        "The password is right, and the code of the second factor is needed as well.",
    ),
    (
        "password_change_required",
        403,
        "Somebody else set the password: change it first, at `/me/password`.",
    ),
    (
        "second_factor_required",
        403,
        "Set up the second factor first, at `/me/second-factor`.",
    ),
    (
        "csrf",
        403,
        "A request by cookie that changes something needs the header `X-Altyn-Csrf: 1`.",
    ),
    (
        "not_found",
        404,
        "There is no such thing, or it is not in the caller's reach: both look alike.",
    ),
    (
        "method_not_allowed",
        405,
        "The address is right and the method is not; `Allow` lists those that are.",
    ),
    ("in_use", 409, "Something else still needs it."),
    (
        "request_in_progress",
        409,
        "A request with this `Idempotency-Key` is under way, or its end is not known.",
    ),
    (
        "reference_taken",
        409,
        "The merchant's reference names another payment already.",
    ),
    ("already_paid", 409, "The payment is paid."),
    (
        "wrong_status",
        409,
        "Not possible in the payment's present status.",
    ),
    ("payment_expired", 409, "The time to pay is over."),
    ("tries_exhausted", 409, "No tries are left."),
    (
        "operation_in_progress",
        409,
        "An operation that excludes this one is in flight.",
    ),
    (
        "captured_sum_differs",
        409,
        "Another sum is captured than was expected.",
    ),
    (
        "step_not_expected",
        409,
        "The payer's step was not asked for, or was taken before.",
    ),
    (
        "stale",
        412,
        "It was changed since the caller read it: `If-Match` names an older state.",
    ),
    ("body_too_large", 413, "The body is larger than 64 KiB."),
    (
        "unsupported_media_type",
        415,
        "A body must be `application/json`.",
    ),
    (
        "invalid",
        422,
        "What was sent is not valid; `errors` says where.",
    ),
    (
        "idempotency_key_reused",
        422,
        "The `Idempotency-Key` came with another request before.",
    ),
    (
        "currency_not_accepted",
        422,
        "The project does not take this currency.",
    ),
    ("amount_invalid", 422, "The amount is not possible here."),
    ("amount_exceeds", 422, "More is asked for than there is."),
    (
        "balance_too_small",
        422,
        "The customer's balance does not reach.",
    ),
    ("method_cannot", 422, "The payment method cannot do this."),
    (
        "method_unavailable",
        422,
        "The project has no such payment method.",
    ),
    (
        "too_many_attempts",
        429,
        "Too many attempts to sign in: wait as long as `Retry-After` says.",
    ),
    (
        "locked",
        429,
        "Too many wrong passwords or codes: locked for a while. 409 where one proves again who one is.",
    ),
    (
        "fault",
        500,
        "A fault of this program; its log has the details.",
    ),
    (
        "busy",
        503,
        "Too much is going on; `Retry-After` says when to try again.",
    ),
    (
        "unavailable",
        503,
        "The database is not available; `Retry-After` says when to try again.",
    ),
    (
        "state_unknown",
        503,
        "It is not known whether it was done: read the thing before asking again.",
    ),
];

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
    fn codes_are_unique_and_in_words() {
        let mut codes: Vec<&str> = CODES.iter().map(|(code, ..)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CODES.len());
        assert_eq!(in_words("in_use"), "In use");
        assert_eq!(in_words(""), "");
    }
}
