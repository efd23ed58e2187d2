//! The two cashiers: one sells for tenge by register.do, the other for rupees by ECommPay's API.

use axum::http::header::{COOKIE, HeaderMap};
use iso_currency::Currency;

use crate::web;

/// In whose money the visitor is told prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cashier {
    /// Tenge, by register.do.
    Tenge,
    /// Rupees, by ECommPay's Payment Page and Gate.
    Rupees,
}

impl Cashier {
    /// Both, in the order of the switch.
    pub const ALL: [Cashier; 2] = [Cashier::Tenge, Cashier::Rupees];

    /// The value of `currency` in addresses and in the cookie.
    pub fn code(self) -> &'static str {
        match self {
            Self::Tenge => "KZT",
            Self::Rupees => "INR",
        }
    }

    /// What the switch shows.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Tenge => "₸",
            Self::Rupees => "₹",
        }
    }

    /// A sum as people write it.
    pub fn price(self, minor: i64) -> String {
        match self {
            Self::Tenge => web::money(minor, Currency::KZT),
            Self::Rupees => rupees(minor),
        }
    }

    /// The one that is asked for in the address, or remembered.
    pub fn chosen(headers: &HeaderMap, query: Option<&str>) -> Cashier {
        let asked = query.and_then(|query| web::parameter(query.as_bytes(), "currency"));
        let cookies = headers.get(COOKIE).and_then(|value| value.to_str().ok());
        let remembered = || {
            let mut pairs = cookies?
                .split(';')
                .filter_map(|pair| pair.trim().split_once('='));
            pairs
                .find(|(name, _)| *name == "currency")
                .map(|(_, value)| value.to_owned())
        };
        let code = asked.or_else(remembered).unwrap_or_default();
        let found = Self::ALL.into_iter().find(|each| each.code() == code);
        found.unwrap_or(Self::Tenge)
    }
}

/// Rupees in Indian groups: `₹1,24,050`, `₹1,240.50`.
fn rupees(minor: i64) -> String {
    let (whole, part) = (minor.unsigned_abs() / 100, minor.unsigned_abs() % 100);
    let digits = whole.to_string();
    let mut text = String::from(if minor < 0 { "−₹" } else { "₹" });
    for (position, digit) in digits.chars().enumerate() {
        let left = digits.len() - position;
        // The last group has three digits, the others two.
        if position > 0 && left >= 3 && left % 2 == 1 {
            text.push(',');
        }
        text.push(digit);
    }
    if part > 0 {
        text.push_str(&format!(".{part:02}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rupees_have_indian_groups() {
        let cases = [
            (0, "₹0"),
            (50, "₹0.50"),
            (99_900, "₹999"),
            (124_050, "₹1,240.50"),
            (12_345_600, "₹1,23,456"),
            (1_234_567_800, "₹1,23,45,678"),
            (-100, "−₹1"),
        ];
        for (minor, text) in cases {
            assert_eq!(rupees(minor), text);
        }
    }

    #[test]
    fn address_wins_over_cookie() {
        let mut headers = HeaderMap::new();
        assert_eq!(Cashier::chosen(&headers, None), Cashier::Tenge);
        headers.insert(COOKIE, "lang=en; currency=INR".parse().expect("a value"));
        assert_eq!(Cashier::chosen(&headers, None), Cashier::Rupees);
        let tenge = Cashier::chosen(&headers, Some("lang=kk&currency=KZT"));
        assert_eq!(tenge, Cashier::Tenge);
        assert_eq!(
            Cashier::chosen(&headers, Some("currency=X")),
            Cashier::Tenge
        );
    }
}
