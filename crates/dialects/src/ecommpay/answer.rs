//! Answers of the Gate: taken, or not taken and why; and the one place where refusals and faults of the
//! engine get the family's codes and statuses.
//!
//! An answer says only whether a request was taken. What becomes of the operation is told by callback,
//! so nothing here waits for a gateway.
//!
//! The protocol is sure of a rejection's `status` only. Where it leaves a choice, ours is:
//! - Refused at once, with status 400: members (2004, 702 or a code of their own), 3041 for an id that was
//!   used, 3023 for a currency that the project does not take, 2541 for a method that it does not have,
//!   3061 for a payment that is not there or was paid by another method, 3060 for one in another state or
//!   with a capture or void in flight, 2642 for more than is held, 3230, 3284 and 3287 for refunds.
//! - Accepted and declined by callback: limits, currencies and countries of the method, refunds that are
//!   too large or that it cannot make.
//! - 403 with 310: requests that the family has and this gateway has not, or this method cannot; a sale
//!   that begins a series, or an order by mail or telephone. 403 with 303: another address than agreed.
//! - A card: 3101 for a mistyped digit, 3021 if it has expired, 3141 without its code, 3161 for the name.
//! - 503 with 601 if nothing was done for lack of room, 500 with 501 for a fault of ours.

use altyn_domain::{Answer, Refusal};
use altyn_engine::{AuthenticationError, EngineError};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use tracing::{error, warn};

use super::codes::{Code, ProviderKind, code_of};
use super::ids;

/// Why a request is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejection {
    pub status: StatusCode,
    pub code: Code,
    /// What is wrong with which member, if that is the reason.
    pub faults: Vec<Fault>,
}

/// One member that is missing or has an impossible value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub code: Code,
    /// The member's path, with dots.
    pub field: String,
}

impl Rejection {
    pub(super) const fn new(status: StatusCode, code: Code) -> Self {
        Self {
            status,
            code,
            faults: Vec::new(),
        }
    }

    /// The request cannot be carried out as it is.
    pub(super) const fn bad(code: Code) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code)
    }

    /// The caller may not do this.
    pub(super) const fn forbidden(code: Code) -> Self {
        Self::new(StatusCode::FORBIDDEN, code)
    }

    /// One member is wrong.
    pub(super) fn of(code: Code, field: impl Into<String>) -> Self {
        let field = field.into();
        Self {
            faults: vec![Fault { code, field }],
            ..Self::bad(code)
        }
    }

    /// Members are wrong; the first of them names the reason.
    pub(super) fn of_all(faults: Vec<Fault>) -> Result<(), Self> {
        match faults.first() {
            Some(first) => Err(Self {
                code: first.code,
                status: StatusCode::BAD_REQUEST,
                faults,
            }),
            None => Ok(()),
        }
    }

    /// Nothing was done; the same request may come again soon.
    const fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::TRY_AGAIN)
    }

    const fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Code::INTERNAL_ERROR)
    }
}

/// What was asked for: the same refusal has other codes in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// sale, auth
    Pay,
    /// capture, cancel
    Take,
    Refund,
    /// A step of 3-D Secure.
    Step,
    /// Something that changes nothing.
    Read,
}

/// Whose request is answered, as far as the request proved it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct About<'a> {
    pub project_id: Option<u32>,
    pub payment_id: Option<&'a str>,
}

/// Exactly these members, in this order: clients compare and store them.
#[derive(Serialize)]
struct Accepted<'a> {
    status: &'static str,
    request_id: String,
    project_id: u32,
    payment_id: &'a str,
}

#[derive(Serialize)]
struct Rejected<'a> {
    status: &'static str,
    code: String,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    project_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<WrongMember<'a>>,
}

#[derive(Serialize)]
struct WrongMember<'a> {
    code: String,
    message: &'static str,
    field: &'a str,
}

/// The request is taken: its operation has an id by which callbacks name it.
pub(super) fn accepted(
    answer: &Answer,
    project_id: u32,
    payment_id: &str,
) -> Result<Response, Rejection> {
    let Some(operation) = answer.operation() else {
        error!(payment.id = %answer.payment.id, "a request was carried out without an operation");
        return Err(Rejection::internal());
    };
    Ok(json(
        StatusCode::OK,
        &Accepted {
            status: "success",
            request_id: ids::request_id(&answer.payment, operation),
            project_id,
            payment_id,
        },
    ))
}

/// The request is not taken.
pub(super) fn rejected(rejection: &Rejection, about: About<'_>) -> Response {
    let errors = rejection.faults.iter().map(|fault| WrongMember {
        code: fault.code.text(),
        message: fault.code.message(),
        field: &fault.field,
    });
    let body = Rejected {
        status: "error",
        code: rejection.code.text(),
        message: rejection.code.message(),
        project_id: about.project_id,
        payment_id: about.payment_id,
        errors: errors.collect(),
    };
    let mut response = json(rejection.status, &body);
    if rejection.status == StatusCode::SERVICE_UNAVAILABLE {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Nothing of ours fails to become JSON; if it did, an empty body says so without inner text.
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The error of a use case in the family's words. Inner text goes to the log only.
pub(super) fn of_engine(failure: EngineError, verb: Verb) -> Rejection {
    match failure {
        EngineError::Refused(refusal) => of_refusal(&refusal, verb),
        EngineError::Denied(denied) => of_authentication(denied),
        EngineError::Busy => Rejection::busy(),
        EngineError::Unavailable(source) => {
            let reason = source.map(|inner| inner.to_string());
            warn!(reason, ?verb, "the database is not available");
            Rejection::busy()
        }
        EngineError::StateUnknown => {
            error!(?verb, "it is not known whether a change is on disk");
            Rejection::internal()
        }
        EngineError::Fault(inner) => {
            error!(error = inner, ?verb, "a call failed");
            Rejection::internal()
        }
    }
}

/// Why a caller is not let in.
pub(super) const fn of_authentication(denied: AuthenticationError) -> Rejection {
    match denied {
        AuthenticationError::Denied => Rejection::bad(Code::PROJECT_NOT_FOUND),
        AuthenticationError::SignatureWrong => Rejection::bad(Code::INVALID_SIGNATURE),
        AuthenticationError::AddressNotAllowed => Rejection::forbidden(Code::ACCESS_DENIED),
    }
}

fn of_refusal(refusal: &Refusal, verb: Verb) -> Rejection {
    match refusal {
        Refusal::PaymentNotFound => Rejection::bad(Code::TRANSACTION_NOT_FOUND),
        Refusal::ReferenceTaken(_) => Rejection::bad(Code::PAYMENT_ID_EXISTS),
        Refusal::CurrencyNotAccepted(_) => Rejection::bad(Code::CURRENCY_DISABLED),
        Refusal::AmountInvalid => Rejection::of(Code::MALFORMED_REQUEST, "payment.amount"),
        Refusal::AlreadyPaid
        | Refusal::WrongStatus(_)
        | Refusal::Expired
        | Refusal::TriesExhausted
        | Refusal::InProgress
        | Refusal::StepNotExpected => Rejection::bad(Code::STATUS_NOT_ALLOWED),
        Refusal::Exceeds { .. } => match verb {
            Verb::Refund => Rejection::bad(Code::REFUND_EXCEEDS),
            Verb::Pay | Verb::Take | Verb::Step | Verb::Read => {
                Rejection::of(Code::AMOUNT_TOO_LARGE, "payment.amount")
            }
        },
        Refusal::MethodUnavailable => Rejection::bad(Code::UNKNOWN_METHOD),
        Refusal::MethodCannot(reason) => Rejection::bad(code_of(*reason, ProviderKind::Wallet)),
        // The settings changed twice while the request was under way: a repeat will be decided anew.
        Refusal::SettingsChanged => Rejection::busy(),
        Refusal::SubjectNotFound
        | Refusal::BalanceTooSmall { .. }
        | Refusal::UnexpectedDeposited { .. }
        | Refusal::LeaseLost => {
            error!(%refusal, ?verb, "a refusal that no request of a shop can meet");
            Rejection::internal()
        }
    }
}

#[cfg(test)]
mod tests {
    use altyn_domain::{Currency, DeclineCode, Money, PaymentId, PaymentStatus};

    use super::*;

    fn told(failure: impl Into<EngineError>, verb: Verb) -> (u16, u32) {
        let rejection = of_engine(failure.into(), verb);
        (rejection.status.as_u16(), rejection.code.number())
    }

    #[test]
    fn refusals_have_the_codes_of_the_registry() {
        let money = Money::zero(Currency::KZT);
        let taken = PaymentId::parse("01491d0b-c848-7dd6-a20d-e96900a7d8c0").unwrap();
        let exceeds = || Refusal::Exceeds {
            asked: money,
            available: money,
        };
        let table = [
            (Refusal::PaymentNotFound, Verb::Refund, (400, 3061)),
            (Refusal::ReferenceTaken(taken), Verb::Pay, (400, 3041)),
            (
                Refusal::CurrencyNotAccepted(Currency::KZT),
                Verb::Pay,
                (400, 3023),
            ),
            (Refusal::AmountInvalid, Verb::Take, (400, 702)),
            (Refusal::AlreadyPaid, Verb::Step, (400, 3060)),
            (
                Refusal::WrongStatus(PaymentStatus::Captured),
                Verb::Take,
                (400, 3060),
            ),
            (Refusal::Expired, Verb::Pay, (400, 3060)),
            (Refusal::TriesExhausted, Verb::Pay, (400, 3060)),
            (Refusal::InProgress, Verb::Take, (400, 3060)),
            (Refusal::StepNotExpected, Verb::Step, (400, 3060)),
            (exceeds(), Verb::Take, (400, 2642)),
            (exceeds(), Verb::Refund, (400, 3283)),
            (Refusal::MethodUnavailable, Verb::Pay, (400, 2541)),
            (
                Refusal::MethodCannot(DeclineCode::RefundImpossible),
                Verb::Refund,
                (400, 3610),
            ),
            (Refusal::SettingsChanged, Verb::Pay, (503, 601)),
            (Refusal::SubjectNotFound, Verb::Step, (500, 501)),
            (
                Refusal::UnexpectedDeposited { actual: money },
                Verb::Refund,
                (500, 501),
            ),
            (Refusal::LeaseLost, Verb::Pay, (500, 501)),
        ];
        for (refusal, verb, expected) in table {
            assert_eq!(
                told(refusal.clone(), verb),
                expected,
                "{refusal:?} {verb:?}"
            );
        }
    }

    #[test]
    fn faults_are_ours_and_trouble_passes() {
        use AuthenticationError as Denied;
        let table = [
            (EngineError::Busy, (503, 601)),
            (EngineError::Unavailable(None), (503, 601)),
            (EngineError::StateUnknown, (500, 501)),
            (
                EngineError::Fault("secret inner text".to_owned()),
                (500, 501),
            ),
            (Denied::Denied.into(), (400, 2442)),
            (Denied::SignatureWrong.into(), (400, 3261)),
            (Denied::AddressNotAllowed.into(), (403, 303)),
        ];
        for (failure, expected) in table {
            assert_eq!(told(failure, Verb::Read), expected);
        }
    }

    #[test]
    fn who_is_unknown_hears_nothing_of_its_own() {
        let response = rejected(&Rejection::bad(Code::EMPTY_SIGNATURE), About::default());
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(response.headers().get(header::RETRY_AFTER).is_none());
        let response = rejected(&Rejection::busy(), About::default());
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }
}
