//! Bodies of the bank's calls: JSON in, JSON out.

use iso_currency::Currency;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::operation::{Code, Operation, Status, Step};
use crate::secret::Fingerprints;

/// The largest amount, twelve digits of minor units.
const AMOUNT_MAX: i64 = 999_999_999_999;
/// The longest text other than a key.
const TEXT_CHARS_MAX: usize = 2048;
/// The longest key.
const KEY_CHARS_MAX: usize = 64;

/// A body that is not what the contract says, and the field that is wrong.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}")]
pub struct Malformed(pub &'static str);

/// Whether the terminal leaves authentication to the issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationWish {
    /// The card's behaviour decides.
    Default,
    /// Always a challenge.
    Force,
    /// Never.
    Skip,
}

/// What the terminal says about the payer's browser.
#[derive(Debug, Default)]
pub struct Browser {
    /// Where `cres` goes.
    pub notification_url: Option<Box<str>>,
    /// Where the hidden frame reports.
    pub method_notification_url: Option<Box<str>>,
    /// Whether the terminal can show a hidden frame.
    pub method_supported: bool,
    /// Such as `kk-KZ`.
    pub language: Option<Box<str>>,
}

/// `POST /bank/v1/authorizations`. It holds a card number and is never printed.
pub struct AuthorizationRequest {
    /// Name of the operation.
    pub key: Box<str>,
    /// Minor units.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// Take the money at once.
    pub capture: bool,
    /// Check the card only.
    pub verify: bool,
    /// Card number as given.
    pub pan: Box<str>,
    /// `YYYYMM`.
    pub expiry: u32,
    /// Whether the issuer may choose.
    pub authentication: AuthenticationWish,
    /// The payer's browser; empty for a server-to-server payment.
    pub browser: Browser,
    /// Number and description for the ACS page.
    pub order: Box<str>,
    /// Digest of everything above.
    pub fingerprint: [u8; 16],
}

/// A capture, void or refund.
pub struct FollowUpRequest {
    /// Name of the operation.
    pub key: Box<str>,
    /// Minor units.
    pub amount: i64,
}

/// Reads any JSON object.
pub fn object(body: &[u8]) -> Result<Value, Malformed> {
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) | Err(_) => Err(Malformed("body")),
    }
}

/// Reads an authorization.
pub fn authorization(
    body: &[u8],
    fingerprints: &Fingerprints,
) -> Result<AuthorizationRequest, Malformed> {
    let value = object(body)?;
    let card = &value["card"];
    if !card.is_object() {
        return Err(Malformed("card"));
    }
    let pan = text(card, "pan", "card.pan", 32)?.ok_or(Malformed("card.pan"))?;
    let expiry_text = text(card, "expiry", "card.expiry", 6)?.ok_or(Malformed("card.expiry"))?;
    let expiry = year_month(expiry_text).ok_or(Malformed("card.expiry"))?;
    let cvc = text(card, "cvc", "card.cvc", 4)?.unwrap_or_default();
    if !matches!(cvc.len(), 0 | 3 | 4) || !cvc.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed("card.cvc"));
    }
    let holder = text(card, "holder", "card.holder", TEXT_CHARS_MAX)?.unwrap_or_default();
    let key = key(&value)?;
    let amount = amount(&value)?;
    let code = text(&value, "currency", "currency", 3)?.ok_or(Malformed("currency"))?;
    let currency = Currency::from_code(code).ok_or(Malformed("currency"))?;
    let capture = flag(&value, "capture", "capture")?;
    let verify = flag(&value, "verify", "verify")?;
    let wish = text(&value, "authentication", "authentication", 16)?.unwrap_or("default");
    let authentication = match wish {
        "default" => AuthenticationWish::Default,
        "force" => AuthenticationWish::Force,
        "skip" => AuthenticationWish::Skip,
        _ => return Err(Malformed("authentication")),
    };
    let browser = browser(&value["browser"])?;
    let order = order(&value["order"])?;
    let fingerprint = fingerprints.of(&[
        b"authorization",
        &amount.to_le_bytes(),
        code.as_bytes(),
        &[u8::from(capture), u8::from(verify)],
        pan.as_bytes(),
        expiry_text.as_bytes(),
        cvc.as_bytes(),
        holder.as_bytes(),
        wish.as_bytes(),
        order.as_bytes(),
        browser
            .notification_url
            .as_deref()
            .unwrap_or_default()
            .as_bytes(),
        browser
            .method_notification_url
            .as_deref()
            .unwrap_or_default()
            .as_bytes(),
        &[u8::from(browser.method_supported)],
    ]);
    Ok(AuthorizationRequest {
        key: key.into(),
        amount,
        currency,
        capture,
        verify,
        pan: pan.into(),
        expiry,
        authentication,
        browser,
        order,
        fingerprint,
    })
}

/// Reads a capture, void or refund.
pub fn follow_up(body: &[u8]) -> Result<FollowUpRequest, Malformed> {
    let value = object(body)?;
    Ok(FollowUpRequest {
        key: key(&value)?.into(),
        amount: amount(&value)?,
    })
}

/// Reads `method_completed`; the three answers end the step alike.
pub fn method_completed(body: &[u8]) -> Result<(), Malformed> {
    let value = object(body)?;
    match value["method_completed"].as_str() {
        Some("Y" | "N" | "U") => Ok(()),
        Some(_) | None => Err(Malformed("method_completed")),
    }
}

/// Reads `cres`, which must be there; what it says does not matter.
pub fn challenge_result(body: &[u8]) -> Result<(), Malformed> {
    let value = object(body)?;
    let cres = text(&value, "cres", "cres", 16_384)?;
    cres.filter(|text| !text.is_empty())
        .map(|_| ())
        .ok_or(Malformed("cres"))
}

/// Reads the card number of an enrollment question.
pub fn enrollment(body: &[u8]) -> Result<Box<str>, Malformed> {
    let value = object(body)?;
    let pan = text(&value, "pan", "pan", 32)?.ok_or(Malformed("pan"))?;
    Ok(pan.into())
}

fn key(value: &Value) -> Result<&str, Malformed> {
    let key = text(value, "key", "key", KEY_CHARS_MAX)?;
    key.filter(|key| !key.is_empty()).ok_or(Malformed("key"))
}

fn amount(value: &Value) -> Result<i64, Malformed> {
    let amount = value["amount"].as_i64();
    amount
        .filter(|amount| (0..=AMOUNT_MAX).contains(amount))
        .ok_or(Malformed("amount"))
}

fn browser(value: &Value) -> Result<Browser, Malformed> {
    if value.is_null() {
        return Ok(Browser::default());
    }
    if !value.is_object() {
        return Err(Malformed("browser"));
    }
    let language = text(value, "language", "browser.language", 35)?;
    Ok(Browser {
        notification_url: address(value, "notification_url", "browser.notification_url")?,
        method_notification_url: address(
            value,
            "method_notification_url",
            "browser.method_notification_url",
        )?,
        method_supported: flag(value, "method_supported", "browser.method_supported")?,
        language: language.map(Into::into),
    })
}

fn order(value: &Value) -> Result<Box<str>, Malformed> {
    if value.is_null() {
        return Ok("".into());
    }
    if !value.is_object() {
        return Err(Malformed("order"));
    }
    let number = text(value, "number", "order.number", TEXT_CHARS_MAX)?.unwrap_or_default();
    let description = text(value, "description", "order.description", TEXT_CHARS_MAX)?;
    let description = description.filter(|text| !text.is_empty());
    Ok(match description {
        Some(description) => format!("{number} · {description}").into(),
        None => number.into(),
    })
}

fn text<'value>(
    value: &'value Value,
    name: &str,
    field: &'static str,
    chars_max: usize,
) -> Result<Option<&'value str>, Malformed> {
    match &value[name] {
        Value::Null => Ok(None),
        // Bytes bound the characters from above, so most texts are not counted.
        Value::String(text) if text.len() <= chars_max || text.chars().count() <= chars_max => {
            Ok(Some(text))
        }
        _ => Err(Malformed(field)),
    }
}

fn flag(value: &Value, name: &str, field: &'static str) -> Result<bool, Malformed> {
    match &value[name] {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(*flag),
        _ => Err(Malformed(field)),
    }
}

fn address(value: &Value, name: &str, field: &'static str) -> Result<Option<Box<str>>, Malformed> {
    let Some(text) = text(value, name, field, TEXT_CHARS_MAX)? else {
        return Ok(None);
    };
    let web = Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if web {
        Ok(Some(text.into()))
    } else {
        Err(Malformed(field))
    }
}

fn year_month(text: &str) -> Option<u32> {
    let digits = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u32 = digits.then(|| text.parse().ok())??;
    (1..=12).contains(&(number % 100)).then_some(number)
}

/// The answer to every call that names an operation.
#[derive(Clone, Serialize)]
pub struct Answer {
    key: String,
    bank_id: String,
    kind: &'static str,
    status: &'static str,
    code: Option<String>,
    /// Minor units; a fault may lie about it.
    pub amount: i64,
    /// ISO 4217; a fault may lie about it.
    pub currency: &'static str,
    approval_code: Option<String>,
    rrn: Option<String>,
    terminal: &'static str,
    eci: Option<String>,
    masked_pan: Option<String>,
    authentication: Option<AuthenticationAnswer>,
}

/// Where the payer's browser goes next.
#[derive(Clone, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
enum AuthenticationAnswer {
    Method {
        transaction_id: String,
        method_url: String,
        method_data: String,
    },
    Challenge {
        transaction_id: String,
        acs_url: String,
        creq: String,
    },
}

impl Answer {
    /// What the terminal is told about an operation at a moment. `number` is its place in the
    /// bank's book, `acs_base` the address of the ACS.
    pub fn of(operation: &Operation, number: usize, now_ms: u64, acs_base: &str) -> Answer {
        let status = operation.visible_status(now_ms);
        let decided = matches!(status, Status::Approved | Status::Declined);
        let approved = status == Status::Approved;
        let waits = status == Status::AuthenticationRequired;
        let eci = (approved && operation.eci > 0).then(|| format!("{:02}", operation.eci));
        Answer {
            key: operation.key.as_ref().to_owned(),
            bank_id: format!("bnk_{number:06}"),
            kind: operation.kind.word(),
            status: status.word(),
            code: decided.then(|| operation.code.text()),
            amount: operation.amount,
            currency: operation.currency.code(),
            approval_code: approved.then(|| format!("{:06}", approval_code(number))),
            rrn: decided.then(|| format!("{number:012}")),
            terminal: "SANDBOX1",
            eci,
            masked_pan: operation.masked_pan().map(str::to_owned),
            authentication: if waits {
                step(operation, acs_base)
            } else {
                None
            },
        }
    }

    /// Makes the answer lie about where the operation stands.
    pub fn pretend(&mut self, status: Status) {
        self.status = status.word();
        self.authentication = None;
        self.code = match status {
            Status::Approved => Some(Code::APPROVED.text()),
            Status::Declined => Some(Code::REFUSED.text()),
            Status::Pending | Status::AuthenticationRequired => None,
        };
        if status != Status::Approved {
            self.approval_code = None;
            self.eci = None;
        }
    }
}

/// Six digits that look drawn and are always the same for one operation.
fn approval_code(number: usize) -> u64 {
    (number as u64).wrapping_mul(611_953).wrapping_add(123_456) % 1_000_000
}

fn step(operation: &Operation, acs_base: &str) -> Option<AuthenticationAnswer> {
    let authentication = operation.authentication.as_deref()?;
    let transaction_id = authentication.transaction_id.to_string();
    match authentication.step {
        Step::Method => Some(AuthenticationAnswer::Method {
            method_url: format!("{acs_base}/acs/method"),
            method_data: crate::acs::message::method_data(authentication),
            transaction_id,
        }),
        Step::Challenge => Some(AuthenticationAnswer::Challenge {
            acs_url: format!("{acs_base}/acs/challenge"),
            creq: crate::acs::message::challenge_request(authentication),
            transaction_id,
        }),
        Step::Over => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request() -> Value {
        json!({"key": "k", "amount": 100, "currency": "KZT",
               "card": {"pan": "4111111111111111", "expiry": "203012", "cvc": "123"}})
    }

    fn read(value: &Value) -> Result<AuthorizationRequest, Malformed> {
        authorization(value.to_string().as_bytes(), &Fingerprints::new("k"))
    }

    #[test]
    fn each_wrong_field_is_named() {
        let cases = [
            ("/key", json!(""), "key"),
            ("/key", json!("k".repeat(65)), "key"),
            ("/amount", json!(-1), "amount"),
            ("/amount", json!(1.5), "amount"),
            ("/amount", json!("100"), "amount"),
            ("/amount", json!(1_000_000_000_000_u64), "amount"),
            ("/currency", json!("398"), "currency"),
            ("/card", json!("4111"), "card"),
            ("/card/pan", json!(4111), "card.pan"),
            ("/card/expiry", json!("203013"), "card.expiry"),
            ("/card/expiry", json!("1230"), "card.expiry"),
            ("/card/cvc", json!("12"), "card.cvc"),
        ];
        assert!(read(&request()).is_ok());
        for (place, wrong, field) in cases {
            let mut value = request();
            *value.pointer_mut(place).expect("there") = wrong.clone();
            let refused = read(&value).err();
            assert_eq!(refused, Some(Malformed(field)), "{place} = {wrong}");
        }
        assert_eq!(object(b"[1]"), Err(Malformed("body")));
        assert_eq!(object(b"{"), Err(Malformed("body")));
    }

    #[test]
    fn missing_fields_are_named_and_optional_ones_have_defaults() {
        for field in ["key", "amount", "currency", "card"] {
            let mut value = request();
            value.as_object_mut().expect("object").remove(field);
            assert_eq!(read(&value).err(), Some(Malformed(field)));
        }
        let plain = read(&request()).expect("valid");
        assert!(!plain.capture && !plain.verify && !plain.browser.method_supported);
        assert_eq!(plain.authentication, AuthenticationWish::Default);
    }

    #[test]
    fn fingerprint_sees_the_card() {
        let mut other = request();
        other["card"]["cvc"] = json!("124");
        let first = read(&request()).expect("valid").fingerprint;
        assert_ne!(first, read(&other).expect("valid").fingerprint);
        assert_eq!(first, read(&request()).expect("valid").fingerprint);
    }
}
