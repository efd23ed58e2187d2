//! Reading single parameters: what each may hold, and the error it earns otherwise.

use std::collections::BTreeMap;
use std::net::IpAddr;

use altyn_domain::{Currency, Timestamp};
use serde_json::Value;

use crate::web_address;

use super::dates;
use super::error::Fault;
use super::messages::Message;
use super::request::Params;

const ORDER_NUMBER_MAX: usize = 36;
const AMOUNT_DIGITS_MAX: usize = 12;
const SECONDS_DIGITS_MAX: usize = 9;
const URL_MAX: usize = 512;

/// Whole minor units of at most twelve digits.
pub(super) fn amount(text: &str) -> Option<i64> {
    digits(text, AMOUNT_DIGITS_MAX)
}

fn digits(text: &str, length_max: usize) -> Option<i64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if plain && text.len() <= length_max {
        text.parse().ok()
    } else {
        None
    }
}

/// A currency by its ISO number; 810 is what the rouble was before 1998 and some shops still say.
pub(super) fn currency(text: &str) -> Option<Currency> {
    let number = digits(text, 3).and_then(|number| u16::try_from(number).ok())?;
    let number = if number == 810 { 643 } else { number };
    Currency::from_numeric(number).ok()
}

/// The merchant's number of an order. Characters that would blur the text of a checksum, or a page, are
/// not taken.
pub(super) fn order_number(text: &str) -> Result<String, Fault> {
    let sane = |c: char| !c.is_control() && !matches!(c, ';' | '<' | '>' | '"' | '\'' | '`' | '\\');
    let fits = text.chars().count() <= ORDER_NUMBER_MAX && text.trim() == text;
    if fits && text.chars().all(sane) {
        Ok(text.to_owned())
    } else {
        Err(Fault::new("1", Message::OrderNumberInvalid))
    }
}

/// Whether a text is an address of the web and not too long for one of this dialect.
pub(super) fn is_web_address(text: &str) -> bool {
    text.chars().count() <= URL_MAX && web_address::is_web_address(text)
}

/// A text of at most `length_max` characters.
pub(super) fn limited(
    params: &Params,
    name: &'static str,
    length_max: usize,
) -> Result<Option<String>, Fault> {
    match params.text(name) {
        Some(text) if text.chars().count() > length_max => Err(Fault::invalid(name)),
        text => Ok(text.map(str::to_owned)),
    }
}

/// An instant `yyyy-MM-ddTHH:mm:ss` that is still to come.
pub(super) fn future(
    params: &Params,
    name: &'static str,
    now: Timestamp,
) -> Result<Option<Timestamp>, Fault> {
    let Some(text) = params.text(name) else {
        return Ok(None);
    };
    match dates::parse_dashed(text) {
        Some(at) if at > now => Ok(Some(at)),
        Some(_) | None => Err(Fault::invalid(name)),
    }
}

/// When an order can no longer be paid, if the shop says so: a date, or else seconds from now.
pub(super) fn end_of_life(params: &Params, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
    if let Some(at) = future(params, "expirationDate", now)? {
        return Ok(Some(at));
    }
    let Some(text) = params.text("sessionTimeoutSecs") else {
        return Ok(None);
    };
    let seconds =
        digits(text, SECONDS_DIGITS_MAX).ok_or_else(|| Fault::invalid("sessionTimeoutSecs"))?;
    Ok((seconds > 0).then(|| now.plus_millis(seconds.saturating_mul(1_000))))
}

/// The address of a payer's machine.
pub(super) fn ip(params: &Params) -> Result<Option<String>, Fault> {
    let Some(text) = params.text("ip") else {
        return Ok(None);
    };
    let address: IpAddr = text.parse().map_err(|_| Fault::invalid("ip"))?;
    Ok(Some(address.to_string()))
}

/// An e-mail address, as far as one can tell.
pub(super) fn email(params: &Params) -> Result<Option<String>, Fault> {
    let email = limited(params, "email", 40)?;
    match &email {
        Some(text) if !looks_like_email(text) => Err(Fault::invalid("email")),
        Some(_) | None => Ok(email),
    }
}

fn looks_like_email(text: &str) -> bool {
    let bare = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let parts = text.split_once('@');
    bare && parts
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
}

/// A phone number: digits, perhaps with a plus and the usual separators.
pub(super) fn phone(params: &Params) -> Result<Option<String>, Fault> {
    let phone = limited(params, "phone", 20)?;
    let separator = |c: char| matches!(c, ' ' | '(' | ')' | '-');
    match &phone {
        Some(text) => {
            let rest = text.strip_prefix('+').unwrap_or(text);
            let plain = rest.chars().all(|c| c.is_ascii_digit() || separator(c));
            let has_digits = rest.chars().any(|c| c.is_ascii_digit());
            if plain && has_digits {
                Ok(phone)
            } else {
                Err(Fault::invalid("phone"))
            }
        }
        None => Ok(None),
    }
}

/// The merchant's own attributes: a JSON object of texts; numbers and truth values are taken as texts.
pub(super) fn attributes(params: &Params) -> Result<BTreeMap<String, String>, Fault> {
    let Some(text) = params.text("jsonParams") else {
        return Ok(BTreeMap::new());
    };
    let broken = || Fault::invalid("jsonParams");
    let members: BTreeMap<String, Value> = serde_json::from_str(text).map_err(|_| broken())?;
    let mut attributes = BTreeMap::new();
    for (name, value) in members {
        if has_markup(&name) {
            return Err(Fault::of("5", Message::MarkupForbidden, "jsonParams"));
        }
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => return Err(broken()),
        };
        if has_markup(&text) {
            return Err(Fault::of("5", Message::MarkupForbidden, "jsonParams"));
        }
        attributes.insert(name, text);
    }
    Ok(attributes)
}

/// Whether a text has what a browser would take for the beginning of a tag.
pub(super) fn has_markup(text: &str) -> bool {
    let opens = |c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?');
    text.match_indices('<')
        .any(|(at, _)| text[at + 1..].starts_with(opens))
}

/// Whether any text inside has markup.
pub(super) fn value_has_markup(value: &Value) -> bool {
    match value {
        Value::String(text) => has_markup(text),
        Value::Array(items) => items.iter().any(value_has_markup),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| has_markup(name) || value_has_markup(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Refuses a call any of whose texts has markup. Secrets are nobody's text to show.
pub(super) fn refuse_markup(params: &Params) -> Result<(), Fault> {
    let secret = |name: &str| matches!(name, "username" | "password" | "token");
    match params
        .iter()
        .find(|(name, value)| !secret(name) && has_markup(value))
    {
        // An odd name is not repeated to anybody.
        Some((name, _)) => {
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            let name = if plain && name.len() <= 40 { name } else { "?" };
            Err(Fault::of("5", Message::MarkupForbidden, name))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(body: &str) -> Params {
        Params::read("", body.as_bytes()).unwrap()
    }

    #[test]
    fn row_33_amounts_are_whole_and_small_enough() {
        assert_eq!(amount("0"), Some(0));
        assert_eq!(amount("999999999999"), Some(999_999_999_999));
        let wrong = [
            "",
            "-1",
            "+1",
            "1.0",
            "110.00000000000001",
            "1e3",
            "1000000000000",
            "1 0",
            "١",
            "9223372036854775808",
            "0x10",
            "NaN",
        ];
        for text in wrong {
            assert_eq!(amount(text), None, "{text}");
        }
    }

    #[test]
    fn currencies_are_iso_numbers() {
        let alpha = |text| currency(text).map(Currency::alpha);
        assert_eq!(alpha("398"), Some("KZT"));
        assert_eq!(alpha("643"), Some("RUB"));
        assert_eq!(alpha("810"), Some("RUB"));
        assert_eq!(alpha("036"), Some("AUD"));
        for text in ["999", "000", "KZT", "3980", "-398", ""] {
            assert_eq!(alpha(text), None, "{text}");
        }
    }

    #[test]
    fn order_numbers_are_short_and_printable() {
        for text in ["1", "ORD-1001", "Заказ 7", "a/b#c_d.e:f", &"x".repeat(36)] {
            assert!(order_number(text).is_ok(), "{text}");
        }
        for text in [" 1", "1 ", "a;b", "a\nb", "<b>", &"x".repeat(37)] {
            assert_eq!(
                order_number(text).err().map(|f| f.code),
                Some("1"),
                "{text}"
            );
        }
    }

    #[test]
    fn row_66_only_plain_addresses_of_the_web_are_returned_to() {
        for text in [
            "https://mybestmerchantreturnurl.com",
            "HTTP://shop.kz:81/a?b=c#d",
            "https://дүкен.қаз/төлем",
            "http://127.0.0.1:9000/done",
        ] {
            assert!(is_web_address(text), "{text}");
        }
        let long = format!("https://shop.kz/{}", "a".repeat(500));
        for text in [
            "/done",
            ".",
            "./done",
            "//shop.kz",
            "shop.kz",
            "javascript:alert(1)",
            "ftp://shop.kz",
            "https://",
            "https://user@shop.kz/",
            "https://a:b@shop.kz",
            "https:\\\\shop.kz",
            "https://shop.kz/a b",
            "http:/shop.kz",
            "https:shop.kz",
            &long,
        ] {
            assert!(!is_web_address(text), "{text}");
        }
    }

    #[test]
    fn the_end_of_life_is_a_date_or_seconds() {
        let now = dates::parse_dashed("2026-11-22T00:00:00").unwrap();
        let end = |body: &str| end_of_life(&params(body), now).map_err(|fault| fault.code);
        let at = dates::parse_dashed;
        assert_eq!(end("sessionTimeoutSecs=60"), Ok(at("2026-11-22T00:01:00")));
        assert_eq!(end("sessionTimeoutSecs=0"), Ok(None));
        assert_eq!(end(""), Ok(None));
        let both = "sessionTimeoutSecs=60&expirationDate=2026-12-01T10:00:00";
        assert_eq!(end(both), Ok(at("2026-12-01T10:00:00")));
        for body in [
            "sessionTimeoutSecs=-1",
            "sessionTimeoutSecs=1000000000",
            "sessionTimeoutSecs=1.5",
            "expirationDate=2026-11-21T00:00:00",
            "expirationDate=tomorrow",
        ] {
            assert_eq!(end(body), Err("5"), "{body}");
        }
    }

    #[test]
    fn attributes_are_an_object_of_texts() {
        let told = attributes(&params(
            "jsonParams={\"a\":\"b\",\"n\":5,\"t\":true,\"z\":null}",
        ))
        .unwrap();
        let pairs: Vec<_> = told.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("a", "b"), ("n", "5"), ("t", "true")]);
        for broken in [
            "{",
            "[]",
            "\"a\"",
            "5",
            "{\"a\":{}}",
            "{\"a\":[1]}",
            "{\"a\":\"\\u003cscript>\"}",
        ] {
            let fault = attributes(&params(&format!("jsonParams={broken}"))).unwrap_err();
            assert_eq!(fault.code, "5", "{broken}");
        }
    }

    #[test]
    fn row_67_markup_is_refused_and_arithmetic_is_not() {
        for text in [
            "<script>alert(1)</script>",
            "a<b>c",
            "<img src=x onerror=alert(1)>",
            "</p>",
            "<!--",
            "x<svg",
        ] {
            assert!(has_markup(text), "{text}");
            let fault = refuse_markup(&params(&format!("description={text}"))).unwrap_err();
            assert_eq!(fault.code, "5");
        }
        for text in ["1 < 2", "a > b", "<3", "чай < кофе", ""] {
            assert!(!has_markup(text), "{text}");
        }
        assert!(refuse_markup(&params("password=<b>")).is_ok());
    }

    #[test]
    fn contact_details_are_checked() {
        assert!(email(&params("email=a@b.kz")).is_ok());
        for wrong in ["a", "a@", "@b", "a b@c", "a@b@c"] {
            assert!(
                email(&params(&format!("email={wrong}"))).is_err(),
                "{wrong}"
            );
        }
        assert!(phone(&params("phone=%2B7 (701) 123-45-67")).is_ok());
        for wrong in ["abc", "%2B", "7701x"] {
            assert!(
                phone(&params(&format!("phone={wrong}"))).is_err(),
                "{wrong}"
            );
        }
        assert_eq!(
            ip(&params("ip=2001:db8::1")).unwrap().as_deref(),
            Some("2001:db8::1")
        );
        assert!(ip(&params("ip=1.2.3")).is_err());
    }
}
