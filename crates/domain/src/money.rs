//! Money: whole minor units of one currency. No floats anywhere; arithmetic is checked.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text or number is not a currency we can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown currency")]
pub struct CurrencyError;

/// Why an amount is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Below zero.
    #[error("amount is negative")]
    Negative,
    /// Beyond what 64 bits hold.
    #[error("amount is too large")]
    Overflow,
    /// Two currencies in one sum.
    #[error("amounts are in different currencies")]
    CurrencyMismatch,
    /// Not a number, or more decimals than the currency has.
    #[error("amount is malformed")]
    Malformed,
}

/// An ISO 4217 currency that has minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// Kazakhstani tenge, the currency of our examples.
    pub const KZT: Self = Self(iso_currency::Currency::KZT);

    /// The currency with this three-letter code.
    pub fn from_alpha(code: &str) -> Result<Self, CurrencyError> {
        iso_currency::Currency::from_code(code)
            .map(Self)
            .ok_or(CurrencyError)?
            .checked()
    }

    /// The currency with this ISO number (398 is KZT).
    pub fn from_numeric(number: u16) -> Result<Self, CurrencyError> {
        iso_currency::Currency::from_numeric(number)
            .map(Self)
            .ok_or(CurrencyError)?
            .checked()
    }

    fn checked(self) -> Result<Self, CurrencyError> {
        self.0.exponent().map(|_| self).ok_or(CurrencyError)
    }

    /// The three-letter code.
    pub fn alpha(self) -> &'static str {
        self.0.code()
    }

    /// The ISO number.
    pub fn numeric(self) -> u16 {
        self.0.numeric()
    }

    /// How many decimals the minor unit has: 2 for KZT, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }

    /// The sign people know it by (₸, ₽, $), or the code where there is none.
    pub fn sign(self) -> String {
        let symbol = self.0.symbol().to_string();
        if symbol == "¤" {
            self.alpha().to_owned()
        } else {
            symbol
        }
    }

    /// Every currency that can be held.
    pub fn all() -> impl Iterator<Item = Self> {
        use iso_currency::IntoEnumIterator as _;
        iso_currency::Currency::iter()
            .map(Self)
            .filter(|c| c.0.exponent().is_some())
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.alpha().cmp(other.alpha())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.alpha())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.alpha())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_alpha(&code).map_err(serde::de::Error::custom)
    }
}

/// An amount of one currency in minor units; never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// That many minor units (tiyn, kopeck, cent).
    pub fn new(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        if minor < 0 {
            Err(MoneyError::Negative)
        } else {
            Ok(Self { minor, currency })
        }
    }

    /// Nothing, in this currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether there is nothing.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The sum of two amounts of one currency.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self
            .minor
            .checked_add(other.minor)
            .ok_or(MoneyError::Overflow)?;
        Self::new(minor, self.currency)
    }

    /// What is left after taking `other`; an error if `other` is more.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let minor = self
            .minor
            .checked_sub(other.minor)
            .ok_or(MoneyError::Overflow)?;
        Self::new(minor, self.currency)
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch)
        }
    }

    /// Reads a decimal text of major units (`12.50`) without loss; more decimals than the currency has
    /// are an error, never rounded.
    pub fn parse_major(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let exponent = usize::try_from(currency.exponent()).unwrap_or(0);
        let digits_only = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || fraction.len() > exponent || text.ends_with('.') {
            return Err(MoneyError::Malformed);
        }
        if !digits_only(whole) || !digits_only(fraction) {
            return Err(MoneyError::Malformed);
        }
        let minor = format!("{whole}{fraction:0<exponent$}");
        Self::new(minor.parse().map_err(|_| MoneyError::Overflow)?, currency)
    }

    /// The amount in major units with the currency's own number of decimals: `12.50`, `500`.
    pub fn major(self) -> String {
        let exponent = self.currency.exponent();
        if exponent == 0 {
            return self.minor.to_string();
        }
        let scale = 10_i64.pow(exponent);
        let width = usize::try_from(exponent).unwrap_or(0);
        format!("{}.{:0width$}", self.minor / scale, self.minor % scale)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.major(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_41_every_currency_round_trips_exactly() {
        let mut seen = 0;
        for currency in Currency::all() {
            seen += 1;
            assert_eq!(Currency::from_alpha(currency.alpha()), Ok(currency));
            assert_eq!(Currency::from_numeric(currency.numeric()), Ok(currency));
            for minor in [0, 1, 9, 10, 99, 100, 12_345, i64::MAX] {
                let money = Money::new(minor, currency).unwrap();
                assert_eq!(Money::parse_major(&money.major(), currency), Ok(money));
            }
        }
        assert!(seen > 150, "{seen} currencies");
    }

    #[test]
    fn row_41_exponents_are_the_standard_ones() {
        let table = [
            ("KZT", 2),
            ("RUB", 2),
            ("JPY", 0),
            ("KWD", 3),
            ("ISK", 0),
            ("UGX", 0),
        ];
        for (code, exponent) in table {
            assert_eq!(
                Currency::from_alpha(code).unwrap().exponent(),
                exponent,
                "{code}"
            );
        }
        for code in ["XXX", "XAU", "kzt", "", "KZ"] {
            assert!(Currency::from_alpha(code).is_err(), "{code}");
        }
    }

    #[test]
    fn row_33_impossible_amounts_are_refused() {
        let kzt = Currency::KZT;
        assert_eq!(Money::new(-1, kzt), Err(MoneyError::Negative));
        let most = Money::new(i64::MAX, kzt).unwrap();
        assert_eq!(most.checked_add(most), Err(MoneyError::Overflow));
        let rub = Money::zero(Currency::from_alpha("RUB").unwrap());
        assert_eq!(most.checked_add(rub), Err(MoneyError::CurrencyMismatch));
        assert_eq!(
            Money::zero(kzt).checked_sub(most),
            Err(MoneyError::Negative)
        );
        for text in ["", ".", "1.", ".5", "1.001", "-1", "+1", "1e3", "1,5", " 1"] {
            assert!(Money::parse_major(text, kzt).is_err(), "{text}");
        }
    }
}
