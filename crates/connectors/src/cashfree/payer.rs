//! The payer, in the form the partner accepts.

use altyn_domain::{Customer, PaymentId};
use aws_lc_rs::digest;

/// Sent when the shop gave no phone number that could be one: the partner takes no order without.
const PHONE_UNKNOWN: &str = "9999999999";
/// Sent in generation 1, which takes no order without, when the shop gave none. Nobody reads mail
/// there.
pub(super) const EMAIL_UNKNOWN: &str = "no-reply@example.com";
/// The same for the name.
pub(super) const NAME_UNKNOWN: &str = "Customer";

/// Exactly ten digits: the last ten of what the shop wrote, so that `+91 98765-43210` and `098765
/// 43210` are the same subscriber. A shorter number is none and is not filled up.
pub(super) fn phone(customer: &Customer) -> String {
    let written = customer.phone.as_deref().unwrap_or("");
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    match digits.len().checked_sub(10) {
        Some(surplus) => digits[surplus..].to_owned(),
        None => PHONE_UNKNOWN.to_owned(),
    }
}

/// 3 to 50 letters, digits, hyphens and underscores. Another id is replaced by its digest, so that
/// two payers never become one at the partner; a payer without id is known by the payment alone.
pub(super) fn id(customer: &Customer, payment: PaymentId) -> String {
    let written = customer.id.as_deref().unwrap_or("");
    let safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if written.is_empty() {
        format!("guest-{}", payment.uuid().simple())
    } else if (3..=50).contains(&written.len()) && written.chars().all(safe) {
        written.to_owned()
    } else {
        let digest = digest::digest(&digest::SHA256, written.as_bytes());
        let hex = digest
            .as_ref()
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"));
        format!("payer-{}", hex.collect::<String>())
    }
}

/// 3 to 100 characters; a longer name is cut, a shorter one left out.
pub(super) fn name(customer: &Customer) -> Option<String> {
    let written = customer.name.as_deref().unwrap_or("");
    let words: Vec<&str> = written
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let name: String = words.join(" ").chars().take(100).collect();
    (name.chars().count() >= 3).then(|| name.trim_end().to_owned())
}

/// An address that looks like one, 3 to 100 characters; others are left out.
pub(super) fn email(customer: &Customer) -> Option<&str> {
    let written = customer.email.as_deref()?.trim();
    let (local, host) = written.rsplit_once('@')?;
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'@')
    };
    let dotted = host.contains('.') && !host.starts_with('.') && !host.ends_with('.');
    (written.len() <= 100 && plain(local) && plain(host) && dotted).then_some(written)
}

#[cfg(test)]
mod tests {
    use altyn_domain::{Bucket, Timestamp};

    use super::*;

    fn payment() -> PaymentId {
        PaymentId::new(Timestamp::from_millis(1_795_000_000_000), Bucket::new(7), 9)
    }

    #[test]
    fn phones_are_ten_digits() {
        let table = [
            (Some("9876543210"), "9876543210"),
            (Some("+91 98765-43210"), "9876543210"),
            (Some("(0) 98765 43210"), "9876543210"),
            (Some("00919876543210"), "9876543210"),
            (Some("987654321"), PHONE_UNKNOWN),
            (Some("call me"), PHONE_UNKNOWN),
            (Some("९८७६५४३२१०"), PHONE_UNKNOWN),
            (Some(""), PHONE_UNKNOWN),
            (None, PHONE_UNKNOWN),
        ];
        for (written, expected) in table {
            let customer = Customer {
                phone: written.map(str::to_owned),
                ..Customer::default()
            };
            assert_eq!(phone(&customer), expected, "{written:?}");
        }
    }

    #[test]
    fn ids_are_safe_and_stay_apart() {
        let of = |written: Option<&str>| {
            let customer = Customer {
                id: written.map(str::to_owned),
                ..Customer::default()
            };
            id(&customer, payment())
        };
        assert_eq!(of(Some("payer_17-A")), "payer_17-A");
        assert_eq!(of(None), of(Some("")));
        assert!(of(None).starts_with("guest-"));
        let long = "x".repeat(51);
        let odd = [
            "7",
            "ab",
            "a b",
            "a_b c",
            "mary@shop.example",
            "राम",
            "a/../b",
            &long,
        ];
        let mut seen = std::collections::BTreeSet::new();
        for written in odd {
            let made = of(Some(written));
            assert!((3..=50).contains(&made.len()), "{made}");
            assert!(
                made.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
                "{made}"
            );
            assert!(seen.insert(made), "{written}");
        }
    }

    #[test]
    fn names_and_addresses_that_cannot_be_are_left_out() {
        let with = |text: &str| Customer {
            name: Some(text.to_owned()),
            email: Some(text.to_owned()),
            ..Customer::default()
        };
        assert_eq!(
            name(&with(" Mary \t Smith\n")).as_deref(),
            Some("Mary Smith")
        );
        assert_eq!(name(&with("Jo")), None);
        assert_eq!(
            name(&with(&"я".repeat(200))).map(|n| n.chars().count()),
            Some(100)
        );
        assert_eq!(email(&with("mary@shop.example")), Some("mary@shop.example"));
        for text in [
            "",
            "mary",
            "@shop.example",
            "mary@shop",
            "ma ry@shop.example",
            "a@b@c.example",
        ] {
            assert_eq!(email(&with(text)), None, "{text}");
        }
        assert_eq!(name(&Customer::default()), None);
        assert_eq!(email(&Customer::default()), None);
    }
}
