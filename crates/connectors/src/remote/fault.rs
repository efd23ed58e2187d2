//! Errors of a remote connector: an answer with another status than 200.

use serde::Deserialize;

/// Nothing is known under this id. The only error that says something about an operation.
pub const NOT_FOUND: &str = "not_found";

#[derive(Deserialize)]
struct Wire {
    error: Inner,
}

#[derive(Deserialize)]
struct Inner {
    code: String,
}

/// The code of an error's body.
pub fn code(body: &[u8]) -> Option<String> {
    let wire: Wire = serde_json::from_slice(body).ok()?;
    Some(wire.error.code)
}
