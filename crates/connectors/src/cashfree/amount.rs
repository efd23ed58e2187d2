//! Amounts: exact decimals of rupees on the wire, whole paise here. Nothing is ever rounded.

use altyn_domain::{Currency, Money};

/// The only currency of this partner.
pub(super) const RUPEE: &str = "INR";

/// More digits or a larger exponent than any amount has.
const LENGTH_MAX: usize = 40;
const EXPONENT_MAX: i32 = 20;

/// Reads a decimal number, also one with an exponent as JSON allows it. What is not a whole number
/// of minor units is no amount.
pub(super) fn read(text: &str, currency: Currency) -> Option<Money> {
    if text.len() > LENGTH_MAX {
        return None;
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (mantissa, ""),
    };
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if exponent.abs() > EXPONENT_MAX {
        return None;
    }
    let decimals = i32::try_from(fraction.len()).ok()? - exponent;
    let surplus = decimals - i32::try_from(currency.exponent()).ok()?;
    let minor = scaled(digits, surplus)?;
    Money::new(minor.parse().ok()?, currency).ok()
}

/// The digits without the last `surplus` ones, which must be zeros; with more zeros if it is
/// negative.
fn scaled(mut digits: String, surplus: i32) -> Option<String> {
    let count = usize::try_from(surplus.unsigned_abs()).ok()?;
    if surplus <= 0 {
        digits.extend(std::iter::repeat_n('0', count));
        return Some(digits);
    }
    let padded = format!("{digits:0>width$}", width = count + 1);
    let (kept, dropped) = padded.split_at(padded.len() - count);
    dropped
        .bytes()
        .all(|byte| byte == b'0')
        .then(|| kept.to_owned())
}

/// Reads an amount and the code of its currency.
pub(super) fn read_with(text: Option<&str>, currency: Option<&str>) -> Option<Money> {
    read(text?, Currency::from_alpha(currency?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rupees(text: &str) -> Option<i64> {
        read_with(Some(text), Some(RUPEE)).map(Money::minor)
    }

    #[test]
    fn row_41_amounts_are_read_exactly() {
        let table = [
            ("0", Some(0)),
            ("150", Some(15_000)),
            ("150.5", Some(15_050)),
            ("150.00", Some(15_000)),
            ("150.05", Some(15_005)),
            ("0.01", Some(1)),
            ("400000.00", Some(40_000_000)),
            // A float would make these 0.28999… and 4.35000…04.
            ("0.29", Some(29)),
            ("4.35", Some(435)),
            ("90071992547409.93", Some(9_007_199_254_740_993)),
            ("150.000", Some(15_000)),
            ("150.0010", None),
            ("150.001", None),
            ("0.001", None),
            ("1.0E7", Some(1_000_000_000)),
            ("1.5e2", Some(15_000)),
            ("15E+1", Some(15_000)),
            ("1500e-1", Some(15_000)),
            ("1e-2", Some(1)),
            ("1e-3", None),
            ("1e21", None),
            ("1e2147483648", None),
            ("1e", None),
            ("e2", None),
            ("92233720368547758.07", Some(i64::MAX)),
            ("92233720368547758.08", None),
            ("-1", None),
            ("-0", None),
            ("+1", None),
            ("1,50", None),
            ("1 500", None),
            (" 1", None),
            (".5", None),
            ("5.", None),
            ("1.2.3", None),
            ("0x10", None),
            ("NaN", None),
            ("", None),
            ("१५०", None),
            ("00000000000000000000000000000000000000001", None),
        ];
        for (text, minor) in table {
            assert_eq!(rupees(text), minor, "{text}");
        }
    }

    #[test]
    fn every_amount_round_trips() {
        let rupee = Currency::from_alpha(RUPEE).unwrap();
        for minor in [0, 1, 9, 10, 99, 100, 15_005, 40_000_000, i64::MAX] {
            let money = Money::new(minor, rupee).unwrap();
            assert_eq!(read(&money.major(), rupee), Some(money));
        }
    }

    #[test]
    fn another_currency_keeps_its_own_decimals() {
        let read = |text, code| read_with(Some(text), Some(code)).map(Money::minor);
        assert_eq!(read("150.00", "JPY"), Some(150));
        assert_eq!(read("150.50", "JPY"), None);
        assert_eq!(read("1.5", "KWD"), Some(1_500));
        assert_eq!(read("1.5", "???"), None);
        assert_eq!(read_with(None, Some(RUPEE)), None);
        assert_eq!(read_with(Some("1"), None), None);
    }
}
