//! Values in the partner's JSON: it writes ids and amounts now as texts, now as numbers.

use altyn_domain::{Facts, Outcome, Report, Step};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A text, or a number exactly as it was written.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Text(String);

impl Text {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match raw.get().as_bytes().first() {
            Some(b'"') => serde_json::from_str(raw.get())
                .map(Self)
                .map_err(serde::de::Error::custom),
            Some(b'-' | b'0'..=b'9') => Ok(Self(raw.get().to_owned())),
            _ => Err(serde::de::Error::custom("neither a text nor a number")),
        }
    }
}

/// The text of a field that is there and not empty.
pub(super) fn said(field: Option<&Text>) -> Option<&str> {
    field.map(Text::as_str).filter(|text| !text.is_empty())
}

/// News with facts.
pub(super) fn report(outcome: Outcome, facts: Facts) -> Step {
    Step::Report(Box::new(Report {
        outcome,
        facts,
        action: None,
    }))
}

/// Whether a payer may be sent there: an address of the web and nothing else.
pub(super) fn is_web_address(url: &str) -> bool {
    let web = ["https://", "http://"].iter().any(|scheme| {
        url.strip_prefix(scheme).is_some_and(|rest| {
            rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
        })
    });
    web && url.len() <= 4_096 && url.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The merchant's words for the partner: 3 to `max` characters, cut if longer, left out if shorter.
pub(super) fn note(text: Option<&str>, max: usize) -> Option<String> {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let clean: String = text?.chars().map(plain).collect();
    let note: String = clean.trim().chars().take(max).collect();
    (note.chars().count() >= 3).then_some(note)
}

/// Whether an error's words say that the thing was there before: then an earlier request has made
/// it.
pub(super) fn speaks_of_a_duplicate(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    let missing = ["not exist", "not_exist", "n't exist"];
    let duplicate = ["exist", "duplicate", "already"];
    !missing.iter().any(|part| words.contains(part))
        && duplicate.iter().any(|part| words.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_spelling() {
        let table = [
            ("\"150.00\"", Some("150.00")),
            ("150.00", Some("150.00")),
            ("1.50E2", Some("1.50E2")),
            ("201738090", Some("201738090")),
            (
                "98765432109876543210987654321",
                Some("98765432109876543210987654321"),
            ),
            ("\"\\u0031\"", Some("1")),
            ("null", None),
            ("true", None),
            ("[1]", None),
            ("{}", None),
        ];
        for (json, expected) in table {
            let read = serde_json::from_str::<Text>(json).ok();
            assert_eq!(read.as_ref().map(Text::as_str), expected, "{json}");
        }
    }

    #[test]
    fn a_payer_is_sent_to_the_web_only() {
        for url in [
            "https://pay.example/a?b=c&d=%20",
            "http://127.0.0.1:9/x",
            "http://[::1]/",
        ] {
            assert!(is_web_address(url), "{url}");
        }
        for url in [
            "",
            "https://",
            "https:///x",
            "javascript:alert(1)",
            "data:text/html,x",
            "//pay.example",
            "https://pay.example/\u{a}x",
            "https://pay.example/ x",
        ] {
            assert!(!is_web_address(url), "{url}");
        }
    }

    #[test]
    fn notes_are_cut_or_left_out() {
        assert_eq!(
            note(Some(" two\nlines "), 100).as_deref(),
            Some("two lines")
        );
        assert_eq!(
            note(Some(&"क".repeat(300)), 200).map(|n| n.chars().count()),
            Some(200)
        );
        assert_eq!(note(Some(" a "), 100), None);
        assert_eq!(note(None, 100), None);
    }

    #[test]
    fn duplicates_are_told_from_missing_things() {
        for words in [
            "order_already_exists",
            "orderId already present",
            "Duplicate refund",
        ] {
            assert!(speaks_of_a_duplicate(words), "{words}");
        }
        for words in ["Order Id does not exist", "order_amount_invalid", ""] {
            assert!(!speaks_of_a_duplicate(words), "{words}");
        }
    }
}
