//! Refusals of generation 2: `{message, code, type}` with the status that goes with them.

use axum::http::StatusCode;
use serde::Serialize;

use super::book::Refusal;
use super::reply::Reply;

/// Why a call of generation 2 was not performed.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    /// Such as `order_amount_invalid`.
    pub code: String,
    message: String,
}

#[derive(Serialize)]
struct Wire<'problem> {
    message: &'problem str,
    code: &'problem str,
    #[serde(rename = "type")]
    kind: &'static str,
}

const INVALID_REQUEST: &str = "invalid_request_error";

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Problem {
        Problem {
            status,
            kind,
            code: code.into(),
            message: message.into(),
        }
    }

    /// 400: the request is not what the contract says.
    pub fn bad(code: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, INVALID_REQUEST, code, message)
    }

    /// 400: a field has a value that it may not have.
    pub fn invalid(field: &str, rule: &str) -> Problem {
        Problem::bad(format!("{field}_invalid"), format!("{field} : {rule}"))
    }

    /// 400: a field is not there.
    pub fn missing(field: &str) -> Problem {
        let message = format!("{field} : is missing in the request");
        Problem::bad(format!("{field}_missing"), message)
    }

    /// 401: wrong keys.
    pub fn unauthenticated() -> Problem {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "authentication_error",
            "request_failed",
            "authentication Failed",
        )
    }

    /// 404.
    pub fn not_found(code: &str, message: &str) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, INVALID_REQUEST, code, message)
    }

    /// 422: the idempotency key belongs to another request.
    pub fn key_reused() -> Problem {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_error",
            "request_invalid",
            "x-idempotency-key was used with another request before",
        )
    }

    /// 429.
    pub fn too_many_requests() -> Problem {
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit_error",
            "rate_limit_exceeded",
            "Too many requests, try again later",
        )
    }

    /// 500.
    pub fn broken() -> Problem {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "api_error",
            "internal_error",
            "internal server error",
        )
    }

    /// The answer that says so.
    pub fn reply(&self) -> Reply {
        let wire = Wire {
            message: &self.message,
            code: &self.code,
            kind: self.kind,
        };
        Reply::with(self.status, &wire)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let message = refusal.to_string();
        let conflict =
            |code| Problem::new(StatusCode::CONFLICT, INVALID_REQUEST, code, message.clone());
        match refusal {
            Refusal::OrderExists => conflict("order_already_exists"),
            Refusal::RefundIdReused => conflict("refund_id_invalid"),
            Refusal::OrderNotFound => Problem::not_found("order_not_found", &message),
            Refusal::PaymentNotFound => Problem::not_found("payment_not_found", &message),
            Refusal::RefundNotFound => Problem::not_found("refund_not_found", &message),
            Refusal::AlreadyPaid => Problem::bad("order_already_paid", message),
            Refusal::Expired => Problem::bad("order_expired", message),
            Refusal::Terminated => Problem::bad("order_terminated", message),
            Refusal::TooManyPayments => Problem::bad("payment_attempts_exceeded", message),
            Refusal::NotPaid => Problem::bad("order_id_not_paid", message),
            Refusal::RefundTooHigh => Problem::bad("refund_post_failed", message),
            Refusal::RefundFinal => Problem::bad("refund_final", message),
        }
    }
}
