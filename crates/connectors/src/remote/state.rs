//! What a remote connector says about one operation: in its answers, and in its callbacks.
//!
//! Whatever breaks a limit of the protocol is no news at all: an answer is either understood as a whole or
//! unknown.

use std::collections::BTreeMap;
use std::fmt;

use altyn_domain::{Currency, Facts, HttpMethod, Money, Outcome, PayerAction, Report, Timestamp};
use serde::Deserialize;
use serde_json::error::Category;

use super::decline;
use super::description::NOT_FOUND_MIN_MS;

/// The largest body of a request, an answer or a callback, in bytes.
pub const BODY_MAX: usize = 64 * 1024;

const ID_MAX: usize = 64;
/// The longest code of a failure or an error.
pub(super) const CODE_MAX: usize = 64;
const REFERENCE_MAX: usize = 128;
const URL_MAX: usize = 2_048;
const FIELDS_MAX: usize = 50;
const FIELD_NAME_MAX: usize = 64;
const FIELD_VALUE_MAX: usize = 16 * 1024;
/// The last millisecond of the year 9999.
const TIME_MAX_MS: i64 = 253_402_300_799_999;

/// What is known of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The operation's id, as it was asked for.
    pub operation: String,
    /// How it stands.
    pub standing: Standing,
    /// What was worked with.
    pub amount: Money,
    /// The gateway's own id of it.
    pub reference: Option<String>,
    /// What came with it.
    pub facts: Facts,
}

/// How an operation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The end is not known yet.
    Processing,
    /// The payer must go to a page first.
    Redirect(PayerAction),
    /// Done.
    Success,
    /// Refused with this code; no money moved.
    Failure(String),
}

impl Standing {
    /// Its word in the protocol.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Redirect(_) => "redirect",
            Self::Success => "success",
            Self::Failure(_) => "failure",
        }
    }
}

/// Why a body says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// It is larger than [`BODY_MAX`].
    TooLarge,
    /// It is not the JSON that the protocol describes.
    Json(String),
    /// Its status is none of the four.
    Status(String),
    /// This field is missing or breaks its limits.
    Field(&'static str),
    /// "Not found" is promised to be final after so many milliseconds, while a request may still be under way.
    Promise(i64),
}

impl Unusable {
    /// Where JSON is wrong and what was expected there, but nothing of what was there: that may be a secret.
    pub(super) fn json(error: &serde_json::Error) -> Self {
        let words = error.to_string();
        let (is_about_a_value, expected) = match words.rsplit_once(", expected ") {
            Some((_, expected)) => (true, expected),
            None => (false, ""),
        };
        let is_named = ["missing field ", "duplicate field "]
            .iter()
            .any(|start| words.starts_with(start));
        Self::Json(match error.classify() {
            Category::Data if is_about_a_value => format!("expected {expected}"),
            Category::Data if !is_named => "its fields do not fit".to_owned(),
            Category::Data | Category::Syntax | Category::Eof | Category::Io => words,
        })
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the body is larger than {BODY_MAX} bytes"),
            Self::Json(reason) => write!(f, "the body cannot be read: {reason}"),
            Self::Status(word) if is_word(word) => write!(f, "unknown status {word:?}"),
            Self::Status(_) => write!(f, "status is none of the four words"),
            Self::Field(name) => write!(f, "{name} is missing or malformed"),
            Self::Promise(ms) => write!(
                f,
                "not_found_final_after_ms is {ms}, and must be at least {NOT_FOUND_MIN_MS}: so long a \
                 signature is fresh and the request can still come"
            ),
        }
    }
}

#[derive(Deserialize)]
struct Wire {
    operation: String,
    status: String,
    amount: i64,
    currency: String,
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    redirect: Option<WireRedirect>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    approval_code: Option<String>,
    #[serde(default)]
    rrn: Option<String>,
    #[serde(default)]
    happened_at_ms: Option<i64>,
}

#[derive(Deserialize)]
struct WireRedirect {
    method: String,
    url: String,
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

impl State {
    /// Reads the body of an answer with status 200, or of a callback.
    ///
    /// # Errors
    /// Why it says nothing.
    pub fn read(body: &[u8]) -> Result<Self, Unusable> {
        if body.len() > BODY_MAX {
            return Err(Unusable::TooLarge);
        }
        let wire: Wire = serde_json::from_slice(body).map_err(|error| Unusable::json(&error))?;
        let standing = standing(&wire)?;
        let currency =
            Currency::from_alpha(&wire.currency).map_err(|_| Unusable::Field("currency"))?;
        let amount = Money::new(wire.amount, currency).map_err(|_| Unusable::Field("amount"))?;
        let happened_at = match wire.happened_at_ms {
            Some(ms) if !(0..=TIME_MAX_MS).contains(&ms) => {
                return Err(Unusable::Field("happened_at_ms"));
            }
            time => time.map(Timestamp::from_millis),
        };
        let reference = limited(wire.reference, REFERENCE_MAX, "reference")?;
        if reference.is_none() && !matches!(standing, Standing::Failure(_)) {
            return Err(Unusable::Field("reference"));
        }
        let facts = Facts {
            connector_reference: reference.clone(),
            one_reference: true,
            approval_code: limited(wire.approval_code, 16, "approval_code")?,
            rrn: limited(wire.rrn, 32, "rrn")?,
            gateway_code: match &standing {
                Standing::Failure(code) => Some(code.clone()),
                Standing::Processing | Standing::Redirect(_) | Standing::Success => None,
            },
            message: match &standing {
                Standing::Failure(_) => wire.message.as_deref().and_then(Facts::message_of),
                Standing::Processing | Standing::Redirect(_) | Standing::Success => None,
            },
            happened_at,
            amount: Some(amount),
            ..Facts::default()
        };
        let operation = limited(Some(wire.operation), ID_MAX, "operation")?;
        Ok(Self {
            operation: operation.ok_or(Unusable::Field("operation"))?,
            standing,
            amount,
            reference,
            facts,
        })
    }

    /// The news in the engine's words.
    pub(super) fn into_report(self) -> Report {
        let (outcome, action) = match self.standing {
            Standing::Processing => (Outcome::Pending, None),
            Standing::Redirect(action) => (Outcome::Pending, Some(action)),
            Standing::Success => (Outcome::Approved, None),
            Standing::Failure(code) => (Outcome::Declined(decline::reason(&code)), None),
        };
        Report {
            outcome,
            facts: self.facts,
            action,
        }
    }
}

fn standing(wire: &Wire) -> Result<Standing, Unusable> {
    match wire.status.as_str() {
        "processing" => Ok(Standing::Processing),
        "redirect" => {
            let redirect = wire.redirect.as_ref();
            let redirect = redirect.ok_or(Unusable::Field("redirect"))?;
            Ok(Standing::Redirect(action(redirect)?))
        }
        "success" => Ok(Standing::Success),
        "failure" => {
            let code = wire.code.as_deref().unwrap_or("");
            let safe =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            if !(1..=CODE_MAX).contains(&code.len()) || !code.bytes().all(safe) {
                return Err(Unusable::Field("code"));
            }
            Ok(Standing::Failure(code.to_owned()))
        }
        other => Err(Unusable::Status(other.chars().take(CODE_MAX).collect())),
    }
}

fn action(redirect: &WireRedirect) -> Result<PayerAction, Unusable> {
    let method = match redirect.method.as_str() {
        "GET" => HttpMethod::Get,
        "POST" => HttpMethod::Post,
        _ => return Err(Unusable::Field("redirect.method")),
    };
    if !is_web_address(&redirect.url) {
        return Err(Unusable::Field("redirect.url"));
    }
    let fields = &redirect.fields;
    let fits = |(name, value): (&String, &String)| {
        (1..=FIELD_NAME_MAX).contains(&name.len()) && value.len() <= FIELD_VALUE_MAX
    };
    let only_with_post = method == HttpMethod::Post || fields.is_empty();
    if !only_with_post || fields.len() > FIELDS_MAX || !fields.iter().all(fits) {
        return Err(Unusable::Field("redirect.fields"));
    }
    Ok(PayerAction::Redirect {
        url: redirect.url.clone(),
        method,
        fields: fields.clone(),
    })
}

/// Whether a payer may be sent there: an address of the web and nothing else. A name or a password in it is
/// shown by browsers as if it were the host.
fn is_web_address(url: &str) -> bool {
    let web = ["https://", "http://"].iter().any(|scheme| {
        url.strip_prefix(scheme).is_some_and(|rest| {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
            !authority.contains('@')
                && rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
        })
    });
    web && url.len() <= URL_MAX && url.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether it looks like a status at all. Other texts may be anything, and are shown to nobody.
fn is_word(text: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(safe)
}

/// A name that may be stored and shown: visible ASCII, within its length.
fn limited(
    text: Option<String>,
    max: usize,
    name: &'static str,
) -> Result<Option<String>, Unusable> {
    let fits = |text: &String| {
        (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match text {
        Some(text) if !fits(&text) => Err(Unusable::Field(name)),
        text => Ok(text),
    }
}
