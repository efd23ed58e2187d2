//! Sums of money, and the currencies that they are in.

use std::borrow::Cow;

use altyn_domain::{AmountRange, Currency, Money};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

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

/// A currency by its three capital letters of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CurrencyCode(pub Currency);

impl From<Currency> for CurrencyCode {
    fn from(currency: Currency) -> Self {
        Self(currency)
    }
}

impl From<CurrencyCode> for Currency {
    fn from(code: CurrencyCode) -> Self {
        code.0
    }
}

impl PartialSchema for CurrencyCode {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A currency: three capital letters of ISO 4217."))
            .pattern(Some("^[A-Z]{3}$"))
            .examples(["KZT"])
            .into()
    }
}

impl ToSchema for CurrencyCode {
    fn name() -> Cow<'static, str> {
        "Currency".into()
    }
}

/// The amounts of one currency, in minor units, both ends included.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"currency": "KZT", "min": 10000, "max": 50000000}))]
pub struct Range {
    /// The currency.
    pub currency: CurrencyCode,
    /// At least.
    #[schema(minimum = 1)]
    pub min: i64,
    /// At most.
    pub max: i64,
}

mirror!(Range, AmountRange { currency, min, max });

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
}
