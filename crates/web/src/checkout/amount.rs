//! Amounts as people of a language write them.

use altyn_domain::{Currency, Language, Money};

/// A space at which no line breaks.
const SPACE: char = '\u{a0}';

/// `12 500,00 ₸` in Russian and Kazakh, `₸12,500.00` in English.
pub(crate) fn shown(money: Money, language: Language) -> String {
    let (group, point) = match language {
        Language::Ru | Language::Kk => (SPACE, ','),
        Language::En => (',', '.'),
    };
    let major = money.major();
    let (whole, fraction) = major.split_once('.').unwrap_or((&major, ""));
    let mut number = String::with_capacity(major.len() + 8);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            number.push(group);
        }
        number.push(digit);
    }
    if !fraction.is_empty() {
        number.push(point);
        number.push_str(fraction);
    }
    let sign = sign(money.currency());
    match language {
        Language::Ru | Language::Kk => format!("{number}{SPACE}{sign}"),
        Language::En if sign.ends_with(char::is_alphabetic) => format!("{sign}{SPACE}{number}"),
        Language::En => format!("{sign}{number}"),
    }
}

/// The sign people know the currency by; the code where that is written in letters that a page in our
/// languages cannot mix in.
fn sign(currency: Currency) -> String {
    let sign = currency.sign();
    let is_foreign = |c: char| c.is_alphabetic() && c > '\u{52f}';
    if sign.chars().any(is_foreign) {
        currency.alpha().to_owned()
    } else {
        sign
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_by_language() {
        let table = [
            (1_250_000, "KZT", "12 500,00 ₸", "₸12,500.00"),
            (99, "KZT", "0,99 ₸", "₸0.99"),
            (100_000, "KZT", "1 000,00 ₸", "₸1,000.00"),
            (1_234_567, "JPY", "1 234 567 ¥", "¥1,234,567"),
            (1_234_567, "KWD", "1 234,567 KWD", "KWD 1,234.567"),
        ];
        for (minor, currency, russian, english) in table {
            let money = Money::new(minor, Currency::from_alpha(currency).unwrap()).unwrap();
            let russian = russian.replace(' ', "\u{a0}");
            assert_eq!(shown(money, Language::Ru), russian);
            assert_eq!(shown(money, Language::Kk), russian);
            assert_eq!(shown(money, Language::En), english.replace(' ', "\u{a0}"));
        }
    }
}
