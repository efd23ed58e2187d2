//! The ECommPay dialect: Payment Page, Gate, callbacks, Data API.
//!
//! The wire is a contract with clients that exist and cannot be changed: they come here after a change
//! of host, project id and key. Every message in and out is signed in the same way. What is signed is
//! what is read: one parse serves both, a name that comes twice in an object is refused, and numbers
//! keep the text in which they came.

mod codes;
mod extra;
mod lines;
mod order;
#[cfg(test)]
mod properties;
pub mod signature;
mod signed_json;
#[cfg(test)]
mod vectors;

pub use codes::{Code, ProviderKind, code_of};
pub use signed_json::{Json, SignedJson, Text, Unreadable};

/// The name of this dialect in keys, payments and references.
pub const DIALECT: &str = "ecommpay";
