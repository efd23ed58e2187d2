//! Card data. The number and the security code live only in memory of one exchange: they cannot be
//! serialized, print as stars, and are wiped when dropped. What may be kept is a [`CardSummary`].

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Which part of the card data is wrong, and how. Shown next to the field it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// Not 12 to 19 digits.
    #[error("card number must have 12 to 19 digits")]
    NumberLength,
    /// The check digit does not fit: a digit was mistyped.
    #[error("card number has a wrong digit")]
    NumberCheck,
    /// Not a month and a year.
    #[error("expiry must be a month and a year")]
    ExpiryMalformed,
    /// The month is over.
    #[error("card has expired")]
    Expired,
    /// Not three digits (four for American Express).
    #[error("security code has a wrong length")]
    SecurityCode,
}

/// A card number (PAN) that passed the Luhn check.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct CardNumber(String);

impl CardNumber {
    /// Reads digits, ignoring spaces and hyphens.
    pub fn parse(text: &str) -> Result<Self, CardError> {
        let digits: String = text
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '\u{a0}'))
            .collect();
        if !(12..=19).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(CardError::NumberLength);
        }
        if !luhn_sum(&digits).is_multiple_of(10) {
            return Err(CardError::NumberCheck);
        }
        Ok(Self(digits))
    }

    /// All digits. Only a connector's request body may use this.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// First six, stars, last four: `411111**1111`, as both dialects print it.
    pub fn masked(&self) -> String {
        format!("{}**{}", &self.0[..6], &self.0[self.0.len() - 4..])
    }

    /// The payment system by the leading digits.
    pub fn brand(&self) -> CardBrand {
        CardBrand::of(&self.0)
    }
}

fn luhn_sum(digits: &str) -> u32 {
    digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match (place % 2, digit) {
                (0, _) => digit,
                (_, 0..=4) => digit * 2,
                _ => digit * 2 - 9,
            }
        })
        .sum()
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardNumber(***)")
    }
}

/// A card verification code (CVC, CVV). Never stored, not even encrypted.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecurityCode(String);

impl SecurityCode {
    /// Three digits, or four for American Express.
    pub fn parse(text: &str, brand: CardBrand) -> Result<Self, CardError> {
        let length = if brand == CardBrand::Amex { 4 } else { 3 };
        if text.len() != length || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(CardError::SecurityCode);
        }
        Ok(Self(text.to_owned()))
    }

    /// The digits. Only a connector's request body may use this.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecurityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecurityCode(***)")
    }
}

/// The last month in which a card is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Expiry {
    year: u16,
    month: u8,
}

impl Expiry {
    /// A month 1 to 12 of a year 2000 to 2099.
    pub fn try_new(year: u16, month: u8) -> Result<Self, CardError> {
        if (1..=12).contains(&month) && (2000..=2099).contains(&year) {
            Ok(Self { year, month })
        } else {
            Err(CardError::ExpiryMalformed)
        }
    }

    /// Reads `YYYYMM`.
    pub fn parse_compact(text: &str) -> Result<Self, CardError> {
        if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(CardError::ExpiryMalformed);
        }
        let year = text[..4].parse().map_err(|_| CardError::ExpiryMalformed)?;
        let month = text[4..].parse().map_err(|_| CardError::ExpiryMalformed)?;
        Self::try_new(year, month)
    }

    /// Reads what people type: `12/30`, `12 / 2030`, `1230`.
    pub fn parse_typed(text: &str) -> Result<Self, CardError> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if text
            .chars()
            .any(|c| !(c.is_ascii_digit() || matches!(c, ' ' | '/' | '-' | '.')))
        {
            return Err(CardError::ExpiryMalformed);
        }
        match digits.len() {
            4 => Self::parse_compact(&format!("20{}{}", &digits[2..], &digits[..2])),
            6 => Self::parse_compact(&format!("{}{}", &digits[2..], &digits[..2])),
            _ => Err(CardError::ExpiryMalformed),
        }
    }

    /// `YYYYMM`.
    pub fn compact(self) -> String {
        format!("{:04}{:02}", self.year, self.month)
    }

    /// Whether the month `(year, month)` is after this one.
    pub fn is_before(self, year: u16, month: u8) -> bool {
        (self.year, self.month) < (year, month)
    }
}

/// The payment system of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CardBrand {
    /// Visa.
    Visa,
    /// Mastercard and Maestro.
    Mastercard,
    /// American Express.
    Amex,
    /// JCB.
    Jcb,
    /// UnionPay.
    UnionPay,
    /// Mir.
    Mir,
    /// None of the ranges we know.
    Other,
}

impl CardBrand {
    fn of(digits: &str) -> Self {
        let lead = |count: usize| digits.get(..count).and_then(|d| d.parse::<u32>().ok());
        match (lead(2).unwrap_or(0), lead(4).unwrap_or(0)) {
            (40..=49, _) => Self::Visa,
            (_, 2200..=2204) => Self::Mir,
            (51..=55 | 50 | 56..=58 | 67, _) | (_, 2221..=2720) => Self::Mastercard,
            (34 | 37, _) => Self::Amex,
            (35, _) => Self::Jcb,
            (62 | 81, _) => Self::UnionPay,
            _ => Self::Other,
        }
    }

    /// The name people read.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visa => "Visa",
            Self::Mastercard => "Mastercard",
            Self::Amex => "American Express",
            Self::Jcb => "JCB",
            Self::UnionPay => "UnionPay",
            Self::Mir => "Мир",
            Self::Other => "",
        }
    }
}

/// Everything a payer types about a card. Lives only as long as one exchange.
#[derive(Debug, Clone)]
pub struct CardDetails {
    /// The number.
    pub number: CardNumber,
    /// The expiry.
    pub expiry: Expiry,
    /// The security code.
    pub security_code: SecurityCode,
    /// Name on the card; may be empty.
    pub holder: String,
}

impl CardDetails {
    /// What may be stored and shown of this card.
    pub fn summary(&self) -> CardSummary {
        CardSummary {
            masked: self.number.masked(),
            brand: self.number.brand(),
            expiry: self.expiry,
            holder: self.holder.clone(),
        }
    }
}

/// The part of a card that may be stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardSummary {
    /// `411111**1111`.
    pub masked: String,
    /// Payment system.
    pub brand: CardBrand,
    /// Expiry.
    pub expiry: Expiry,
    /// Name on the card; may be empty.
    pub holder: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_checked_and_masked() {
        let number = CardNumber::parse("4111 1111-1111 1111").unwrap();
        assert_eq!(number.masked(), "411111**1111");
        assert_eq!(number.brand(), CardBrand::Visa);
        assert_eq!(format!("{number:?}"), "CardNumber(***)");
        assert_eq!(
            CardNumber::parse("4111111111111112"),
            Err(CardError::NumberCheck)
        );
        assert_eq!(CardNumber::parse("41111"), Err(CardError::NumberLength));
        assert_eq!(
            CardNumber::parse("411111111111111a"),
            Err(CardError::NumberLength)
        );
        assert_eq!(
            CardNumber::parse("٤١١١١١١١١١١١١١١١"),
            Err(CardError::NumberLength)
        );
    }

    #[test]
    fn expiries_are_read_as_typed_and_compact() {
        let december = Expiry::try_new(2030, 12).unwrap();
        for text in ["12/30", "1230", "12 / 2030", "12-30"] {
            assert_eq!(Expiry::parse_typed(text), Ok(december), "{text}");
        }
        assert_eq!(Expiry::parse_compact("203012"), Ok(december));
        for text in ["", "13/30", "1/30", "12/3x", "00/30"] {
            assert!(Expiry::parse_typed(text).is_err(), "{text}");
        }
        assert!(december.is_before(2031, 1) && !december.is_before(2030, 12));
    }

    #[test]
    fn brands_follow_their_ranges() {
        let table = [
            ("5555555555554444", CardBrand::Mastercard),
            ("2200000000000038", CardBrand::Mir),
            ("378282246310005", CardBrand::Amex),
            ("3530111333300000", CardBrand::Jcb),
            ("6200000000000005", CardBrand::UnionPay),
        ];
        for (number, brand) in table {
            assert_eq!(
                CardNumber::parse(number).unwrap().brand(),
                brand,
                "{number}"
            );
        }
    }
}
