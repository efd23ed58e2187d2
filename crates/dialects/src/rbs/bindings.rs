//! Saved cards: there are none yet, and the family has words for that.

use axum::response::Response;
use serde_json::json;

use super::error::Fault;
use super::messages::Message;
use super::{Call, answer};

/// getBindings.do
pub(super) fn list(call: &Call) -> Result<Response, Fault> {
    if call.params.first_of(&["clientId", "bindingId"]).is_none() {
        return Err(Fault::of("1", Message::ParameterEmpty, "clientId"));
    }
    Ok(none(call))
}

/// No saved card was found: code 2 and an empty list.
pub(super) fn none(call: &Call) -> Response {
    answer::ok(&json!({
        "errorCode": "2",
        "errorMessage": Message::NothingFound.text(call.language, ""),
        "bindings": [],
    }))
}

/// bindCard.do, unBindCard.do, extendBinding.do: whichever card is named, it is not there.
pub(super) fn change(call: &Call) -> Result<Response, Fault> {
    if call.params.text("bindingId").is_none() {
        return Err(Fault::of("1", Message::ParameterEmpty, "bindingId"));
    }
    Err(Fault::new("2", Message::NoBinding))
}
