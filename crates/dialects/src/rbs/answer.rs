//! Answers: JSON with the family's content type.

use altyn_domain::Language;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::json;

use super::error::Fault;
use super::messages::Message;

/// How a method tells that it did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `errorCode` and `errorMessage`.
    Plain,
    /// `ErrorCode` and `ErrorMessage`, as the oldest method does.
    MixedCase,
    /// `success` and an object `error`, as wallets do.
    Wallet,
    /// The plain fields and those of a payment by card.
    CardPayment,
}

/// The answer that most methods begin with, or consist of.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Done {
    error_code: &'static str,
    error_message: String,
}

impl Done {
    pub(super) fn new(language: Language) -> Self {
        Self {
            error_code: "0",
            error_message: Message::Success.text(language, ""),
        }
    }
}

/// A JSON answer with status 200.
pub(super) fn ok(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body)
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Nothing of ours fails to become JSON; if it did, an empty body says so without inner text.
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/json;charset=UTF-8");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Tells a fault in a method's shape.
pub(super) fn fault(fault: &Fault, shape: Shape, language: Language) -> Response {
    let code = fault.code;
    let message = fault.text(language);
    let body = match shape {
        Shape::Plain => json!({ "errorCode": code, "errorMessage": message }),
        Shape::MixedCase => json!({ "ErrorCode": code, "ErrorMessage": message }),
        Shape::Wallet => json!({
            "success": false,
            "error": { "code": code, "description": message, "message": message },
        }),
        Shape::CardPayment => {
            let mut body = json!({
                "error": message,
                "errorCode": code,
                "errorMessage": message,
                "is3DSVer2": false,
                "errorTypeName": fault.kind(),
                "processingErrorType": fault.kind(),
            });
            if let Some(action) = fault.action {
                body["actionCode"] = action.number().into();
                body["actionCodeDescription"] = action.description(language).into();
            }
            body
        }
    };
    let mut response = json(fault.status, &body);
    if fault.status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_json_with_text_codes() {
        let unknown = Fault::new("6", Message::OrderUnknown);
        let response = fault(&unknown, Shape::Plain, Language::En);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/json;charset=UTF-8"
        );
    }

    #[test]
    fn a_busy_gateway_says_when_to_come_back() {
        let response = fault(&Fault::busy(), Shape::MixedCase, Language::Kk);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }

    #[test]
    fn success_is_the_text_zero() {
        let body = serde_json::to_value(Done::new(Language::En)).unwrap();
        assert_eq!(body, json!({ "errorCode": "0", "errorMessage": "Success" }));
    }
}
