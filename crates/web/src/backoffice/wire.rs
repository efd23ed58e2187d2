//! Values as the API writes them: sums, instants, words of the domain.

use altyn_domain::{Currency, Language, Money, Timestamp};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use super::idempotency::KEY_HEADER;
use super::problem::Problem;

/// A sum that is asked for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// Minor units of the currency, such as tiyn or cents.
    #[schema(example = 1_250_000, minimum = 0)]
    pub amount: i64,
    /// The currency: three letters of ISO 4217.
    #[schema(example = "KZT")]
    pub currency: String,
}

impl Sum {
    /// The sum as the domain holds it.
    ///
    /// # Errors
    /// A problem that names the place under `field`.
    pub fn money(&self, field: &str) -> Result<Money, Problem> {
        let currency = currency_in(&format!("{field}.currency"), &self.currency)?;
        Money::new(self.amount, currency).map_err(|_| {
            Problem::invalid_field(&format!("{field}.amount"), "must not be below zero")
        })
    }
}

/// The same of a sum that may be left away.
///
/// # Errors
/// See [`Sum::money`].
pub fn money_in(field: &str, sum: Option<&Sum>) -> Result<Option<Money>, Problem> {
    sum.map(|sum| sum.money(field)).transpose()
}

/// Reads a currency.
///
/// # Errors
/// A problem that names the field.
pub fn currency_in(field: &str, code: &str) -> Result<Currency, Problem> {
    let words = "must be a currency of ISO 4217, three capital letters";
    Currency::from_alpha(code).map_err(|_| Problem::invalid_field(field, words))
}

/// A sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Amount {
    /// Minor units of the currency; below zero only where a change is told.
    #[schema(example = 1_250_000)]
    pub amount: i64,
    /// The currency: three letters of ISO 4217.
    #[schema(example = "KZT")]
    pub currency: String,
    /// The same for people, with as many decimals as the currency has.
    #[schema(example = "12500.00")]
    pub decimal: String,
}

impl Amount {
    /// That many minor units of a currency.
    pub fn of(minor: i64, currency: Currency) -> Self {
        let digits = usize::try_from(currency.exponent()).unwrap_or(0);
        let mut decimal = format!("{:0width$}", minor.unsigned_abs(), width = digits + 1);
        if digits > 0 {
            decimal.insert(decimal.len() - digits, '.');
        }
        if minor < 0 {
            decimal.insert(0, '-');
        }
        Self {
            amount: minor,
            currency: currency.alpha().to_owned(),
            decimal,
        }
    }
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self::of(money.minor(), money.currency())
    }
}

/// Reads an instant of RFC 3339, with whatever offset.
///
/// # Errors
/// A problem that names the field.
pub fn instant_in(field: &str, text: &str) -> Result<Timestamp, Problem> {
    let words = "must be an instant of RFC 3339, such as 2026-11-22T09:30:00Z";
    let read: Result<jiff::Timestamp, _> = text.parse();
    read.map(|at| Timestamp::from_micros(at.as_microsecond()))
        .map_err(|_| Problem::invalid_field(field, words))
}

/// The same of an instant that may be left away.
///
/// # Errors
/// See [`instant_in`].
pub fn instant_maybe(field: &str, text: Option<&String>) -> Result<Option<Timestamp>, Problem> {
    text.map(|text| instant_in(field, text)).transpose()
}

/// Reads one of the domain's words.
///
/// # Errors
/// A problem that names the field.
pub fn word_in<T>(field: &str, word: &str, parsed: Option<T>) -> Result<T, Problem> {
    parsed.ok_or_else(|| Problem::invalid_field(field, format!("{word:?} is not known here")))
}

/// Reads a language.
///
/// # Errors
/// A problem that names the field.
pub fn language_in(field: &str, code: &str) -> Result<Language, Problem> {
    let language = Language::parse(code);
    word_in(field, code, language)
}

/// The word by which a value of the domain is stored.
pub fn word_of(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// The schema of a text that is one of these words.
pub fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> Object {
    let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    let first = words.first().cloned().unwrap_or_default();
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .examples([serde_json::Value::String(first)])
        .enum_values(Some(words))
        .build()
}

/// The request's `Idempotency-Key`. The frame keeps the first answer under it; operations keep the key too, so
/// that even a request that was cut short in the middle is not carried out twice.
#[derive(Debug, Clone)]
pub struct Key(pub Option<String>);

impl<S: Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let value = parts.headers.get(KEY_HEADER);
        let text = value.and_then(|value| value.to_str().ok());
        Ok(Self(text.map(str::to_owned)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_told_with_the_decimals_of_their_currency() {
        let currency = |code| Currency::from_alpha(code).unwrap();
        for (minor, code, decimal) in [
            (1_250_000, "KZT", "12500.00"),
            (5, "KZT", "0.05"),
            (0, "KZT", "0.00"),
            (-1_234, "KZT", "-12.34"),
            (700, "JPY", "700"),
            (1_234, "KWD", "1.234"),
        ] {
            assert_eq!(Amount::of(minor, currency(code)).decimal, decimal, "{code}");
        }
        let sum = |amount, currency: &str| Sum {
            amount,
            currency: currency.to_owned(),
        };
        assert!(sum(1, "KZT").money("amount").is_ok());
        assert!(sum(-1, "KZT").money("amount").is_err());
        assert!(sum(1, "XXX").money("amount").is_err());
    }

    #[test]
    fn instants_are_read_with_any_offset() {
        let there = instant_in("from", "2026-11-22T05:00:00+05:00").unwrap();
        let here = instant_in("from", "2026-11-22T00:00:00Z").unwrap();
        assert_eq!(there, here);
        assert!(instant_in("from", "2026-11-22").is_err());
    }
}
