//! Reading a request of the Gate: its body, who says to have sent it, and single values.
//!
//! A member that is null, an empty text or an empty array counts as absent: shops send these for what
//! they do not know, and some languages write an empty object as `[]`.

use std::net::IpAddr;

use altyn_domain::Timestamp;
use altyn_engine::{Engine, Owner};
use axum::extract::Request;
use axum::http::StatusCode;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{intake, web_address};

use super::answer::{Fault, Rejection, of_authentication};
use super::codes::Code;
use super::ids;
use super::signature::{self, Source};
use super::signed_json::{Json, SignedJson, Unreadable};
use super::{DIALECT, Limits};

/// The longest address of the web.
const URL_MAX: usize = 255;

/// Where a request tells which project sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In `general`, together with the id of a payment.
    Payment,
    /// In `general`.
    General,
    /// In `customer`.
    Customer,
    /// At the root.
    Root,
    /// In `general` if the project is told there, else at the root.
    Anywhere,
}

/// Who says to have sent a request. Nothing of it is proved yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// The number by which this dialect knows the project.
    pub project_id: u32,
    /// The shop's id of the payment, as it is written; empty if the place has none.
    pub payment_id: String,
}

/// The whole body, within the limits.
pub(super) async fn body(
    request: Request,
    limits: Limits,
) -> Result<Zeroizing<Vec<u8>>, Rejection> {
    let reading = intake::collect(request.into_body(), limits.body_max);
    let body = tokio::time::timeout(limits.body_timeout, reading).await;
    let body = body.unwrap_or(Err(StatusCode::REQUEST_TIMEOUT));
    body.map_err(|status| Rejection::new(status, Code::MALFORMED_REQUEST))
}

/// Why a body is not taken: what is no JSON has a status of its own.
pub(super) const fn unreadable(why: Unreadable) -> Rejection {
    match why {
        Unreadable::NotJson { .. } | Unreadable::NotUtf8 | Unreadable::BrokenText => {
            Rejection::new(StatusCode::UNPROCESSABLE_ENTITY, Code::INVALID_JSON)
        }
        Unreadable::NotObject
        | Unreadable::NumberRange
        | Unreadable::NameTwice
        | Unreadable::TooDeep
        | Unreadable::TooManyValues => Rejection::bad(Code::MALFORMED_REQUEST),
    }
}

/// Who says to have sent the request, and that it is signed at all.
pub(super) fn identity(message: &SignedJson<'_>, place: Place) -> Result<Identity, Rejection> {
    let object: &[&str] = match place {
        Place::Payment | Place::General => &["general"],
        Place::Anywhere if message.get(&["general"]).is_some() => &["general"],
        Place::Customer => &["customer"],
        Place::Root | Place::Anywhere => &[],
    };
    let object_of = |name: &'static str| [object, &[name]].concat();
    let mut faults = Vec::new();
    let project = message.get(&object_of("project_id"));
    let project_id = wanted(project, project_number).unwrap_or_else(|malformed| {
        faults.push(fault(
            malformed,
            Code::MALFORMED_REQUEST,
            &object_of("project_id"),
        ));
        0
    });
    let mut payment_id = String::new();
    if place == Place::Payment {
        let read = |json: &Json<'_>| {
            json.text()
                .filter(|text| ids::is_payment_id(text))
                .map(str::to_owned)
        };
        payment_id =
            wanted(message.get(&object_of("payment_id")), read).unwrap_or_else(|malformed| {
                faults.push(fault(
                    malformed,
                    Code::INVALID_PAYMENT_ID,
                    &object_of("payment_id"),
                ));
                String::new()
            });
    }
    Rejection::of_all(faults)?;
    signature::signature_of(message).map_err(|_| Rejection::bad(Code::EMPTY_SIGNATURE))?;
    Ok(Identity {
        project_id,
        payment_id,
    })
}

/// What is there must be readable; the error tells whether it was there.
fn wanted<T>(
    value: Option<&Json<'_>>,
    read: impl FnOnce(&Json<'_>) -> Option<T>,
) -> Result<T, Malformed> {
    match value.filter(|value| is_present(value)) {
        None => Err(Malformed(false)),
        Some(value) => read(value).ok_or(Malformed(true)),
    }
}

/// Not readable: there (`true`) or not.
struct Malformed(bool);

fn fault(malformed: Malformed, code: Code, path: &[&str]) -> Fault {
    Fault {
        code: if malformed.0 {
            code
        } else {
            Code::REQUIRED_FIELD_MISSING
        },
        field: path.join("."),
    }
}

/// 1 to 4294967295, as a number or as a text of its digits.
fn project_number(value: &Json<'_>) -> Option<u32> {
    let text: &str = match value {
        Json::Number(text, _) => text,
        Json::Text(text) => text,
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => return None,
    };
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

/// Lets the sender in by its signature.
pub(super) fn authenticate(
    engine: &Engine,
    message: &SignedJson<'_>,
    identity: &Identity,
    address: IpAddr,
) -> Result<Owner, Rejection> {
    let given = signature::signature_of(message);
    let given = given.map_err(|_| Rejection::bad(Code::EMPTY_SIGNATURE))?;
    let login = identity.project_id.to_string();
    let verify = |key: &str| signature::verify(message, given, key, Source::Gate);
    let owner = engine.authenticate_signed(DIALECT, &login, address, verify);
    owner.map_err(of_authentication)
}

/// Refuses texts that no database, log or page should ever meet: control characters other than tabs and
/// line ends, in names and in values.
pub(super) fn refuse_control_characters(message: &SignedJson<'_>) -> Result<(), Rejection> {
    if has_control_characters(message.root()) {
        return Err(Rejection::bad(Code::MALFORMED_REQUEST));
    }
    Ok(())
}

fn has_control_characters(value: &Json<'_>) -> bool {
    let odd = |text: &str| {
        text.chars()
            .any(|c| c.is_control() && !matches!(c, '\t' | '\r' | '\n'))
    };
    match value {
        Json::Null | Json::Bool(_) | Json::Number(..) => false,
        Json::Text(text) => odd(text),
        Json::Array(items) => items.iter().any(has_control_characters),
        Json::Object(members) => members
            .iter()
            .any(|(name, value)| odd(name) || has_control_characters(value)),
    }
}

/// Whether a value tells anything.
pub(super) fn is_present(value: &Json<'_>) -> bool {
    match value {
        Json::Null => false,
        Json::Text(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Bool(_) | Json::Number(..) | Json::Object(_) => true,
    }
}

/// A whole number, written as one: `10.0`, `1e3` and `"10"` are none.
pub(super) fn whole_of(value: &Json<'_>) -> Option<i64> {
    let Json::Number(text, number) = value else {
        return None;
    };
    let digits = text.strip_prefix('-').unwrap_or(text);
    number
        .as_i64()
        .filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a text is an address of the web and not too long for one of the Gate.
pub(super) fn is_web_address(text: &str) -> bool {
    text.chars().count() <= URL_MAX && web_address::is_web_address(text)
}

/// A date and time with an offset, which may have a colon or no minutes.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let plain = |c: char| c.is_ascii_digit() || matches!(c, 'T' | 'Z' | ':' | '-' | '+' | '.');
    if text.len() > 35 || !text.chars().all(plain) {
        return None;
    }
    let instant: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_micros(instant.as_microsecond()))
}

/// Values of a message whose members were found to be what they must be.
#[derive(Clone, Copy)]
pub(super) struct Values<'m>(pub &'m SignedJson<'m>);

impl<'m> Values<'m> {
    fn value(self, path: &[&str]) -> Option<&'m Json<'m>> {
        self.0.get(path).filter(|value| is_present(value))
    }

    pub(super) fn text(self, path: &[&str]) -> Option<&'m str> {
        self.value(path)?.text()
    }

    pub(super) fn owned(self, path: &[&str]) -> Option<String> {
        self.text(path).map(str::to_owned)
    }

    pub(super) fn whole(self, path: &[&str]) -> Option<i64> {
        whole_of(self.value(path)?)
    }

    pub(super) fn truth(self, path: &[&str]) -> Option<bool> {
        match self.value(path)? {
            Json::Bool(truth) => Some(*truth),
            Json::Null | Json::Number(..) | Json::Text(_) | Json::Array(_) | Json::Object(_) => {
                None
            }
        }
    }

    /// A member without card data, as the rest of the program has it.
    pub(super) fn tree(self, path: &[&str]) -> Option<Value> {
        self.value(path).map(Json::to_value)
    }
}
