//! Signatures by the Standard Webhooks specification: HMAC-SHA-256 over `id.timestamp.body`, the same for
//! requests, answers and callbacks.

use std::fmt;

use altyn_domain::Timestamp;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Name of a message; the same at every resend of it.
pub const ID: &str = "webhook-id";
/// When the message was sent, in whole seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// Its signatures, separated by spaces.
pub const SIGNATURE: &str = "webhook-signature";
/// The headers that every message has.
pub const HEADERS: [&str; 3] = [ID, TIMESTAMP, SIGNATURE];

/// A message whose time is further away than that is refused.
pub const SKEW_MAX_S: i64 = 300;

/// The longest id of a message.
pub const ID_MAX: usize = 128;

/// The most signatures that are looked at: more than two keys are never in use.
const SIGNATURES_MAX: usize = 8;

const PREFIX: &str = "whsec_";

/// One key, or two while a key is being replaced: each signs, each verifies.
pub struct Keys {
    first: hmac::Key,
    second: Option<hmac::Key>,
}

/// Why a message is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// A header is missing, or there more than once.
    Header(&'static str),
    /// The id is empty, too long, or has other characters than letters, digits, `_` and `-`.
    Id,
    /// The time is no number of seconds.
    Time,
    /// The message is that many seconds older than now, or newer if negative.
    Stale(i64),
    /// No signature fits.
    Signature,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "the header {name} is missing or repeated"),
            Self::Id => write!(f, "{ID} is malformed"),
            Self::Time => write!(f, "{TIMESTAMP} is malformed"),
            Self::Stale(age) if *age < 0 => write!(f, "{TIMESTAMP} is {} s ahead", -age),
            Self::Stale(age) => write!(f, "{TIMESTAMP} is {age} s old"),
            Self::Signature => write!(f, "{SIGNATURE} is wrong"),
        }
    }
}

/// The three headers of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// Name of the message.
    pub id: &'a str,
    /// When it was sent.
    pub timestamp: &'a str,
    /// Its signatures.
    pub signature: &'a str,
}

impl<'a> Stamp<'a> {
    /// Takes the headers of a message; names in lower case.
    ///
    /// # Errors
    /// If one of the three is not there exactly once.
    pub fn read(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, Doubt> {
        let mut found: [Option<&str>; 3] = [None; 3];
        for (name, value) in headers {
            let Some(place) = HEADERS.iter().position(|known| *known == name) else {
                continue;
            };
            if found[place].replace(value).is_some() {
                return Err(Doubt::Header(HEADERS[place]));
            }
        }
        let one = |place: usize| found[place].ok_or(Doubt::Header(HEADERS[place]));
        Ok(Self {
            id: one(0)?,
            timestamp: one(1)?,
            signature: one(2)?,
        })
    }
}

impl Keys {
    /// Reads one key, or two separated by a space: `whsec_` and 24 to 64 bytes in Base64 each.
    pub fn parse(text: &str) -> Option<Self> {
        let mut keys = text.split(' ').map(key);
        let first = keys.next()??;
        let second = match keys.next() {
            Some(second) => Some(second?),
            None => None,
        };
        keys.next().is_none().then_some(Self { first, second })
    }

    /// The value of the signature's header for a message sent at that second: one signature for each key, so
    /// that a peer that knows only one of them believes it.
    pub fn sign(&self, id: &str, second: i64, body: &[u8]) -> String {
        let text = signed_text(id, &second.to_string(), body);
        let tags = self.all().map(|key| hmac::sign(key, &text));
        let signatures = tags.map(|tag| format!("v1,{}", STANDARD.encode(tag)));
        signatures.collect::<Vec<_>>().join(" ")
    }

    /// The first key alone.
    pub(super) fn newest(self) -> Self {
        Self {
            first: self.first,
            second: None,
        }
    }

    fn all(&self) -> impl Iterator<Item = &hmac::Key> {
        [Some(&self.first), self.second.as_ref()]
            .into_iter()
            .flatten()
    }

    /// Whether a message that came at this time is to be believed.
    ///
    /// # Errors
    /// Why not.
    pub fn verify(&self, stamp: &Stamp<'_>, body: &[u8], at: Timestamp) -> Result<(), Doubt> {
        if !is_id(stamp.id) {
            return Err(Doubt::Id);
        }
        let is_number = !stamp.timestamp.is_empty()
            && stamp.timestamp.len() <= 12
            && stamp.timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let sent_s: i64 = match stamp.timestamp.parse() {
            Ok(second) if is_number => second,
            _ => return Err(Doubt::Time),
        };
        let text = signed_text(stamp.id, stamp.timestamp, body);
        let is_right = stamp
            .signature
            .split(' ')
            .take(SIGNATURES_MAX)
            .filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok())
            .any(|tag| self.all().any(|key| hmac::verify(key, &text, &tag).is_ok()));
        if !is_right {
            return Err(Doubt::Signature);
        }
        let age_s = second_of(at) - sent_s;
        if age_s.abs() > SKEW_MAX_S {
            return Err(Doubt::Stale(age_s));
        }
        Ok(())
    }
}

/// The whole second of an instant, as a message tells it.
pub fn second_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1_000)
}

/// A dot would let the borders of the signed text move.
fn is_id(id: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=ID_MAX).contains(&id.len()) && id.bytes().all(safe)
}

fn signed_text(id: &str, second: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", second.as_bytes(), b".", body].concat()
}

fn key(text: &str) -> Option<hmac::Key> {
    let bytes = Zeroizing::new(STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?);
    (24..=64)
        .contains(&bytes.len())
        .then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the libraries of the specification share.
    const KEY: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const MESSAGE: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    const SECOND: i64 = 1_649_367_553;
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const TAG: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
    const OTHER: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    fn check(
        keys: &str,
        id: &str,
        timestamp: &str,
        signature: &str,
        now_s: i64,
    ) -> Result<(), Doubt> {
        let stamp = Stamp {
            id,
            timestamp,
            signature,
        };
        let at = Timestamp::from_millis(now_s * 1_000 + 999);
        Keys::parse(keys).unwrap().verify(&stamp, BODY, at)
    }

    fn check_tag(keys: &str, signature: &str) -> Result<(), Doubt> {
        check(keys, MESSAGE, "1649367553", signature, SECOND)
    }

    #[test]
    fn the_specification_s_vector() {
        assert_eq!(Keys::parse(KEY).unwrap().sign(MESSAGE, SECOND, BODY), TAG);
        assert_eq!(check_tag(KEY, TAG), Ok(()));
    }

    #[test]
    fn every_spoilt_place_is_seen() {
        for place in 0..TAG.len() {
            let mut spoilt = TAG.as_bytes().to_vec();
            spoilt[place] ^= 1;
            let spoilt = String::from_utf8(spoilt).unwrap();
            assert_eq!(check_tag(KEY, &spoilt), Err(Doubt::Signature), "{spoilt}");
        }
        for other in [
            "",
            "v1,",
            "v1",
            &TAG[..20],
            &TAG.replace("v1", "v1a"),
            &TAG[3..],
        ] {
            assert_eq!(check_tag(KEY, other), Err(Doubt::Signature), "{other}");
        }
        let keys = Keys::parse(KEY).unwrap();
        let stamp = Stamp {
            id: MESSAGE,
            timestamp: "1649367553",
            signature: TAG,
        };
        let at = Timestamp::from_millis(SECOND * 1_000);
        for place in 0..BODY.len() {
            let mut spoilt = BODY.to_vec();
            spoilt[place] ^= 1;
            assert_eq!(keys.verify(&stamp, &spoilt, at), Err(Doubt::Signature));
        }
        let id = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpK";
        assert_eq!(
            check(KEY, id, "1649367553", TAG, SECOND),
            Err(Doubt::Signature)
        );
        assert_eq!(
            check(KEY, MESSAGE, "1649367554", TAG, SECOND),
            Err(Doubt::Signature)
        );
    }

    #[test]
    fn a_key_is_replaced_without_a_pause() {
        let both = format!("{OTHER} {KEY}");
        assert_eq!(check_tag(&both, TAG), Ok(()), "the old one still verifies");
        assert_eq!(check_tag(OTHER, TAG), Err(Doubt::Signature));
        let signed = Keys::parse(&both).unwrap().sign(MESSAGE, SECOND, BODY);
        assert_eq!(check_tag(OTHER, &signed), Ok(()), "the new one signs");
        assert_eq!(check_tag(KEY, &signed), Ok(()), "so does the old one");
        let two = format!("v1a,xyz v1,AAAA {signed} {TAG}");
        assert_eq!(check_tag(KEY, &two), Ok(()));
        let many = format!("{}{TAG}", "v1,AAAA ".repeat(8));
        assert_eq!(check_tag(KEY, &many), Err(Doubt::Signature));
    }

    #[test]
    fn a_message_is_believed_for_five_minutes() {
        let at = |now_s: i64| check(KEY, MESSAGE, "1649367553", TAG, now_s);
        assert_eq!(at(SECOND + 300), Ok(()));
        assert_eq!(at(SECOND + 301), Err(Doubt::Stale(301)));
        assert_eq!(at(SECOND - 300), Ok(()));
        assert_eq!(at(SECOND - 301), Err(Doubt::Stale(-301)));
        for time in [
            "",
            "-1",
            "+1649367553",
            "1649367553.0",
            " 1649367553",
            "9999999999999",
        ] {
            assert_eq!(
                check(KEY, MESSAGE, time, TAG, SECOND),
                Err(Doubt::Time),
                "{time}"
            );
        }
        for id in ["", "a.b", "a b", "é", &"x".repeat(129)] {
            assert_eq!(
                check(KEY, id, "1649367553", TAG, SECOND),
                Err(Doubt::Id),
                "{id}"
            );
        }
    }

    #[test]
    fn headers_come_once() {
        let all = [(ID, "i"), ("host", "h"), (TIMESTAMP, "1"), (SIGNATURE, "s")];
        let read = |headers: &[(&'static str, &'static str)]| {
            Stamp::read(headers.iter().copied()).map(|stamp| stamp.id)
        };
        assert_eq!(read(&all), Ok("i"));
        for name in HEADERS {
            let without: Vec<_> = all
                .into_iter()
                .filter(|(known, _)| *known != name)
                .collect();
            assert_eq!(read(&without), Err(Doubt::Header(name)));
            let twice = [&all[..], &[(name, "x")]].concat();
            assert_eq!(read(&twice), Err(Doubt::Header(name)));
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        let three = [KEY; 3].join(" ");
        let wrong = ["", "whsec_", "secret", &KEY[6..], &short, &long, &three];
        for text in wrong.into_iter().chain([" ", "whsec_???"]) {
            assert!(Keys::parse(text).is_none(), "{text}");
        }
        assert!(Keys::parse(&format!("{KEY} ")).is_none());
    }
}
