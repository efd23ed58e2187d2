//! The card form: what the browser posts, and which field is wrong and why.

use altyn_domain::{
    CardBrand, CardDetails, CardError, CardNumber, Expiry, Language, SecurityCode, Timestamp,
};
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Longest name on a card that is passed on, in characters.
const HOLDER_MAX: usize = 64;

/// What the browser posts. Cannot be printed; wiped when dropped.
#[derive(Default, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct CardForm {
    #[serde(default)]
    cc_number: String,
    #[serde(default)]
    cc_exp: String,
    #[serde(default)]
    cc_csc: String,
    #[serde(default)]
    cc_name: String,
    /// Filled in by our script, so that its absence is known.
    #[serde(default)]
    script: String,
    #[serde(default)]
    language: String,
    /// The way of paying; empty for a card.
    #[serde(default)]
    method: String,
    /// The signed request of an order that is not registered yet.
    #[serde(default)]
    request: String,
}

/// Which fields are wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldErrors {
    pub number: Option<CardError>,
    pub expiry: Option<CardError>,
    pub security_code: Option<CardError>,
    /// The number is absent altogether.
    pub number_missing: bool,
    /// Whose card it is, as far as the number tells.
    pub brand: CardBrand,
}

impl Default for FieldErrors {
    fn default() -> Self {
        Self {
            number: None,
            expiry: None,
            security_code: None,
            number_missing: false,
            brand: CardBrand::Other,
        }
    }
}

/// What may be put back into the form: never the number, never the security code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub expiry: String,
    pub holder: String,
}

impl CardForm {
    pub(crate) fn language(&self) -> Option<Language> {
        Language::parse(&self.language)
    }

    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    pub(crate) fn request(&self) -> &str {
        &self.request
    }

    pub(crate) fn has_script(&self) -> bool {
        self.script == "1"
    }

    /// The name as it is passed on: one line, no control characters, not endless.
    fn holder(&self) -> String {
        let printable = self.cc_name.chars().filter(|c| !c.is_control());
        printable
            .take(HOLDER_MAX)
            .collect::<String>()
            .trim()
            .to_owned()
    }

    /// What may be put back into the form. An expiry that is none may be a number in the wrong field,
    /// and digits in the name may be one too.
    pub(crate) fn kept(&self) -> Kept {
        let expiry = Expiry::parse_typed(self.cc_exp.trim())
            .map(|_| self.cc_exp.trim().to_owned())
            .unwrap_or_default();
        let holder = self.holder();
        let has_digits = holder.chars().any(char::is_numeric);
        Kept {
            expiry,
            holder: if has_digits { String::new() } else { holder },
        }
    }

    /// The card, or every field that is wrong.
    pub(crate) fn read(&self, now: Timestamp) -> Result<CardDetails, FieldErrors> {
        let number = CardNumber::parse(self.cc_number.trim());
        let brand = number.as_ref().map_or(CardBrand::Other, CardNumber::brand);
        let expiry = Expiry::parse_typed(self.cc_exp.trim()).and_then(|expiry| {
            let (year, month) = month_of(now);
            if expiry.is_before(year, month) {
                Err(CardError::Expired)
            } else {
                Ok(expiry)
            }
        });
        let code = self.cc_csc.trim();
        // Four digits are right for some cards, and without a number nobody knows which this is.
        let brand_unknown = number.is_err();
        let security_code = SecurityCode::parse(code, brand).or_else(|error| {
            if brand_unknown {
                SecurityCode::parse(code, CardBrand::Amex)
            } else {
                Err(error)
            }
        });
        match (number, expiry, security_code) {
            (Ok(number), Ok(expiry), Ok(security_code)) => Ok(CardDetails {
                number,
                expiry,
                security_code,
                holder: self.holder(),
            }),
            (number, expiry, security_code) => Err(FieldErrors {
                number_missing: self.cc_number.trim().is_empty(),
                brand,
                number: number.err(),
                expiry: expiry.err(),
                security_code: security_code.err(),
            }),
        }
    }
}

/// The month of an instant as the script compares it: `YYYYMM`.
pub(crate) fn compact_month(now: Timestamp) -> String {
    let (year, month) = month_of(now);
    format!("{year:04}{month:02}")
}

/// Year and month of an instant, in UTC.
fn month_of(now: Timestamp) -> (u16, u8) {
    let instant = jiff::Timestamp::from_millisecond(now.as_millis()).unwrap_or_default();
    let date = jiff::tz::Offset::UTC.to_datetime(instant);
    (
        u16::try_from(date.year()).unwrap_or(0),
        u8::try_from(date.month()).unwrap_or(1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22.
    const NOW: Timestamp = Timestamp::from_millis(1_795_305_600_000);

    fn form(number: &str, expiry: &str, code: &str, name: &str) -> CardForm {
        CardForm {
            cc_number: number.to_owned(),
            cc_exp: expiry.to_owned(),
            cc_csc: code.to_owned(),
            cc_name: name.to_owned(),
            script: String::new(),
            language: String::new(),
            method: String::new(),
            request: String::new(),
        }
    }

    #[test]
    fn a_good_card_is_read() {
        let card = form(" 4111 1111 1111 1111 ", "11 / 26", "123", " TEST HOLDER. ").read(NOW);
        let card = card.unwrap();
        assert_eq!(card.number.masked(), "411111**1111");
        assert_eq!(card.holder, "TEST HOLDER.");
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let errors = form("4111 1111 1111 1112", "10/26", "12", "")
            .read(NOW)
            .unwrap_err();
        assert_eq!(errors.number, Some(CardError::NumberCheck));
        assert_eq!(errors.expiry, Some(CardError::Expired));
        assert_eq!(errors.security_code, Some(CardError::SecurityCode));
        assert!(form("", "", "", "").read(NOW).unwrap_err().number_missing);
    }

    #[test]
    fn four_digits_of_code_are_for_american_express() {
        assert!(
            form("378282246310005", "12/30", "1234", "")
                .read(NOW)
                .is_ok()
        );
        assert!(
            form("378282246310005", "12/30", "123", "")
                .read(NOW)
                .is_err()
        );
        assert!(
            form("4111111111111111", "12/30", "1234", "")
                .read(NOW)
                .is_err()
        );
    }

    #[test]
    fn no_digit_of_a_card_comes_back() {
        let mixed_up = form("123", "4111111111111111", "4111", "4111 1111 1111 1111");
        assert_eq!(mixed_up.kept(), Kept::default());
        let kept = form("4111", "12/30", "123", "A B").kept();
        assert_eq!(
            (kept.expiry.as_str(), kept.holder.as_str()),
            ("12/30", "A B")
        );
    }
}
