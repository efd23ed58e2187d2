//! Rupees as the partner writes them, paise as it counts: exact, never a float.

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::web::Language;

/// Digits before the point that are read.
const WHOLE_DIGITS_MAX: usize = 9;

/// Reads `150`, `150.5` or `150.50` as paise. A sign, an exponent or a third decimal is no amount.
pub fn parse(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let short = whole.len() <= WHOLE_DIGITS_MAX && part.len() <= 2;
    if !digits(whole) || !digits(part) || !short {
        return None;
    }
    let rupees: i64 = whole.parse().ok()?;
    let decimals: i64 = part.parse().ok()?;
    let paise = if part.len() == 1 {
        decimals * 10
    } else {
        decimals
    };
    Some(rupees * 100 + paise)
}

/// Writes paise with two decimals: `150.00`.
pub fn text(paise: i64) -> String {
    format!("{}.{:02}", paise / 100, paise % 100)
}

/// An amount that JSON shows as a number with two decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rupees(pub i64);

impl Serialize for Rupees {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = RawValue::from_string(text(self.0)).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// An amount as payers read it: `₹4,00,000.00` in English, `400 000,00 ₹` elsewhere.
pub fn for_people(paise: i64, language: Language) -> String {
    let whole = (paise / 100).to_string();
    let part = paise % 100;
    match language {
        Language::En => format!("₹{}.{part:02}", grouped(&whole, ',', 2)),
        Language::Ru | Language::Kk => {
            format!("{},{part:02}\u{a0}₹", grouped(&whole, '\u{a0}', 3))
        }
    }
}

/// The last three digits stand together, those before them in groups of `size`.
fn grouped(digits: &str, separator: char, size: usize) -> String {
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        let left = digits.len() - position;
        if position > 0 && left >= 3 && (left - 3).is_multiple_of(size) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        let good = [
            ("1", 100),
            ("150.00", 15_000),
            ("150.5", 15_050),
            ("0.07", 7),
            ("400000", 40_000_000),
            ("999999999.99", 99_999_999_999),
        ];
        for (written, paise) in good {
            assert_eq!(parse(written), Some(paise), "{written}");
        }
        let bad = [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e2",
            "1.234",
            "1,5",
            " 1",
            "1.0.0",
            "٣",
            "1000000000",
        ];
        for written in bad {
            assert_eq!(parse(written), None, "{written}");
        }
    }

    #[test]
    fn json_keeps_two_decimals() {
        let text = serde_json::to_string(&(Rupees(15_000), Rupees(7))).expect("written");
        assert_eq!(text, "[150.00,0.07]");
    }

    #[test]
    fn people_read_lakhs_in_english_and_thousands_elsewhere() {
        assert_eq!(for_people(40_000_000, Language::En), "₹4,00,000.00");
        assert_eq!(for_people(1_234_567_890, Language::En), "₹1,23,45,678.90");
        assert_eq!(for_people(15_000, Language::En), "₹150.00");
        let russian = for_people(40_000_050, Language::Ru);
        assert_eq!(russian.replace('\u{a0}', " "), "400 000,50 ₹");
    }
}
