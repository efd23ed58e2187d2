//! Errors of a remote connector: an answer with another status than 200.

use altyn_domain::Facts;
use serde::Deserialize;

use super::state::CODE_MAX;

/// Nothing is known under this id. The only error that says something about an operation.
pub const NOT_FOUND: &str = "not_found";

#[derive(Deserialize)]
struct Wire {
    error: Inner,
}

#[derive(Deserialize)]
struct Inner {
    code: String,
    #[serde(default)]
    message: Option<String>,
}

/// The code of an error's body.
pub fn code(body: &[u8]) -> Option<String> {
    let wire: Wire = serde_json::from_slice(body).ok()?;
    Some(wire.error.code)
}

/// Code and message of an error's body for people: ` (malformed): amount is missing`; empty if there is none.
/// What breaks the limits of the protocol is left out, and `hide` takes from the message what nobody may read.
pub fn words(body: &[u8], hide: impl FnOnce(&str) -> String) -> String {
    let Ok(Wire { error }) = serde_json::from_slice(body) else {
        return String::new();
    };
    let safe = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let is_code = (1..=CODE_MAX).contains(&error.code.len()) && error.code.bytes().all(safe);
    let code = if is_code {
        error.code.as_str()
    } else {
        "no code"
    };
    let message = error.message.as_deref().map(hide);
    match message.as_deref().and_then(Facts::message_of) {
        Some(message) => format!(" ({code}): {message}"),
        None => format!(" ({code})"),
    }
}
