//! The operator's registry: gateway connectors of the root reseller, payment methods of resellers made from
//! them or from built-in connectors, and the tree of owners to whom they are offered.
//!
//! What must hold: a connector's schema stays as it is while a payment method uses it, and so does the
//! connector; a secret that was stored is shown to nobody; a method that was archived or is no longer
//! offered still serves the tries that were begun by it.

mod connector;
mod credentials;
mod describe;
mod descriptor;
mod endpoints;
mod form;
mod json_schema;
mod method;
mod method_check;
mod method_view;
pub(crate) mod offer;
mod owners;
pub(crate) mod projects;
mod record;
#[cfg(test)]
mod tests;

pub use connector::{ConnectorChange, ConnectorView, KeyRotation, NewConnector};
pub use credentials::{CredentialKind, CredentialView, credential_kinds};
pub use endpoints::{EndpointChoice, EndpointView, NewEndpoint};
pub use form::{FieldKind, FieldOption, Form, FormField};
pub use method::{MethodChange, NewMethod};
pub use method_view::{ConnectorChoice, MethodView, OwnMethod};
pub use owners::{MerchantView, ResellerView};
pub use projects::{ProjectChange, ProjectFacts, ProjectView};
pub(crate) use record::{Method, Registered};
pub use record::{MethodAbilities, MethodConnector, MethodFacts, MethodName, Offer, OwnerRef};

use serde_json::{Map, Value};

use crate::Flaw;

/// The longest name of a connector or payment method, in characters.
const NAME_MAX: usize = 200;

/// A name for people: trimmed, of some characters, none of them a control character.
pub(crate) fn name(field: &str, text: &str, flaws: &mut Vec<Flaw>) -> String {
    let trimmed = text.trim();
    let fits =
        (1..=NAME_MAX).contains(&trimmed.chars().count()) && !trimmed.chars().any(char::is_control);
    if !fits {
        let message = format!("must be a text of 1 to {NAME_MAX} characters");
        flaws.push(Flaw::new(field, message));
    }
    trimmed.to_owned()
}

/// The tag that the caller saw, against the one that there is.
pub(crate) fn check_tag(expected: Option<&str>, tag: &str) -> Result<(), crate::OfficeError> {
    match expected {
        Some(expected) if expected != tag => Err(crate::OfficeError::Stale),
        Some(_) | None => Ok(()),
    }
}

/// A JSON object, or a flaw.
fn object(field: &str, value: &Value, flaws: &mut Vec<Flaw>) -> Map<String, Value> {
    match value {
        Value::Object(object) => object.clone(),
        Value::Null => Map::new(),
        _ => {
            flaws.push(Flaw::new(field, "must be a JSON object"));
            Map::new()
        }
    }
}
