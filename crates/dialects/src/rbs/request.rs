//! One reading of all the shapes in which shops send parameters: query and body merged, form or JSON,
//! whatever the content type says. Values may be card data: they are never printed and are wiped.

use std::collections::BTreeMap;
use std::fmt;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// More parameters than any call has.
const PARAMETERS_MAX: usize = 200;

/// The only parameter that may come several times.
const REPEATABLE: &str = "features";

/// A request that cannot be read; answered with status 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

#[derive(Zeroize, ZeroizeOnDrop, PartialEq, Eq, Clone)]
struct Text(String);

type Part = BTreeMap<String, Vec<Text>>;

/// The parameters of one call. Names are looked up without regard to case; an empty value and the
/// literal `null` count as absent.
#[derive(Default)]
pub(super) struct Params(Part);

impl Params {
    /// Merges query and body; where both name a parameter, the body wins.
    pub(super) fn read(query: &str, body: &[u8]) -> Result<Self, Malformed> {
        let mut merged = form(query)?;
        let body = str::from_utf8(body).map_err(|_| Malformed)?;
        let body = body.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{feff}');
        // A multipart body would otherwise be read as one odd parameter and be answered misleadingly.
        if body.starts_with("--") {
            return Err(Malformed);
        }
        let part = if body.starts_with(['{', '[']) {
            json(body)?
        } else {
            form(body)?
        };
        merged.extend(part);
        Ok(Self(merged))
    }

    /// The value of a parameter.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0
            .get(&name.to_ascii_lowercase())?
            .last()
            .map(|text| text.0.as_str())
    }

    /// The value of the first of these parameters that is there.
    pub(super) fn first_of(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.text(name))
    }

    /// All values of a parameter that may be repeated, joined by commas or written as a list in JSON.
    pub(super) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.0.get(&name.to_ascii_lowercase()).into_iter().flatten();
        values
            .flat_map(|text| {
                let items: serde_json::Result<Vec<&str>> = serde_json::from_str(&text.0);
                items.unwrap_or_else(|_| text.0.split(',').collect())
            })
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }

    /// All names with their values, for rules that hold for every parameter.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(name, values)| {
            values
                .iter()
                .map(move |value| (name.as_str(), value.0.as_str()))
        })
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// Adds one value; a second, different value of the same name is ambiguous and refused.
fn add(part: &mut Part, name: &str, value: String) -> Result<(), Malformed> {
    let value = Text(value);
    if value.0.is_empty() || value.0 == "null" {
        return Ok(());
    }
    // Neither database nor log should ever meet these.
    if value
        .0
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\t' | '\r' | '\n'))
    {
        return Err(Malformed);
    }
    let name = name.to_ascii_lowercase();
    if part.len() >= PARAMETERS_MAX {
        return Err(Malformed);
    }
    let known = part.entry(name).or_default();
    if known.contains(&value) {
        return Ok(());
    }
    if known.len() >= PARAMETERS_MAX {
        return Err(Malformed);
    }
    known.push(value);
    Ok(())
}

fn unambiguous(part: Part) -> Result<Part, Malformed> {
    let single = part
        .iter()
        .all(|(name, values)| name == REPEATABLE || values.len() == 1);
    if single { Ok(part) } else { Err(Malformed) }
}

fn form(text: &str) -> Result<Part, Malformed> {
    let mut part = Part::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        add(&mut part, &decode(name)?, decode(value)?)?;
    }
    unambiguous(part)
}

fn decode(raw: &str) -> Result<String, Malformed> {
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        let is_hex = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_hexdigit());
        if byte == b'%' && !(is_hex(bytes.next()) && is_hex(bytes.next())) {
            return Err(Malformed);
        }
    }
    let spaced = Zeroizing::new(raw.replace('+', " "));
    let decoded = percent_decode_str(&spaced)
        .decode_utf8()
        .map_err(|_| Malformed)?;
    Ok(decoded.into_owned())
}

/// The members of a JSON object in their order, repeated names included.
/// Values are kept as they were written: a number must not be read as a float. They are not copied:
/// they may be card data.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(All)
    }
}

fn json(text: &str) -> Result<Part, Malformed> {
    let Members(members) = serde_json::from_str(text).map_err(|_| Malformed)?;
    let mut part = Part::new();
    for (name, value) in members {
        let value = value.get();
        if value.starts_with('"') {
            add(
                &mut part,
                &name,
                serde_json::from_str(value).map_err(|_| Malformed)?,
            )?;
        } else if value.starts_with('[') && name.eq_ignore_ascii_case(REPEATABLE) {
            let items: Vec<String> = serde_json::from_str(value).map_err(|_| Malformed)?;
            for item in items {
                add(&mut part, &name, item)?;
            }
        } else {
            add(&mut part, &name, value.to_owned())?;
        }
    }
    unambiguous(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, body: &str) -> Params {
        Params::read(query, body.as_bytes()).unwrap()
    }

    #[test]
    fn every_shape_is_read_the_same() {
        let shapes = [
            ("", "orderNumber=7&amount=100&description=a+b"),
            ("orderNumber=7&amount=100&description=a%20b", ""),
            ("amount=100", "orderNumber=7&description=a%20b&"),
            (
                "",
                "{\"orderNumber\":\"7\",\"amount\":100,\"description\":\"a b\"}",
            ),
            (
                "",
                "\u{feff} {\"orderNumber\":7,\"amount\":\"100\",\"description\":\"a b\",\"x\":null}\r\n",
            ),
            ("amount=999&orderNumber=7", "amount=100&description=a%20b"),
        ];
        for (query, body) in shapes {
            let params = read(query, body);
            assert_eq!(params.text("orderNumber"), Some("7"), "{query} {body}");
            assert_eq!(params.text("amount"), Some("100"), "{query} {body}");
            assert_eq!(params.text("description"), Some("a b"), "{query} {body}");
        }
    }

    #[test]
    fn empty_and_null_are_absent() {
        let params = read(
            "failUrl=&bindingId=5",
            "bindingId=&jsonParams=null&clientId",
        );
        assert_eq!(params.text("failUrl"), None);
        assert_eq!(params.text("jsonParams"), None);
        assert_eq!(params.text("clientId"), None);
        assert_eq!(
            params.text("bindingId"),
            Some("5"),
            "an absent value does not win"
        );
    }

    #[test]
    fn names_are_read_in_either_case() {
        let params = read("MDORDER=1", "$pan=4");
        assert_eq!(params.first_of(&["orderId", "mdOrder"]), Some("1"));
        assert_eq!(params.text("$PAN"), Some("4"));
        assert_eq!(format!("{params:?}"), "[\"$pan\", \"mdorder\"]");
    }

    #[test]
    fn features_are_repeated_or_joined() {
        for body in [
            "features=A&features=B",
            "features=A,B",
            "features=%5B%22A%22%2C+%22B%22%5D",
            "{\"features\":[\"A\",\"B\"]}",
        ] {
            let params = read("", body);
            assert_eq!(
                params.list("features").collect::<Vec<_>>(),
                ["A", "B"],
                "{body}"
            );
        }
    }

    #[test]
    fn objects_of_json_bodies_become_their_text() {
        let params = read(
            "",
            "{\"jsonParams\":{\"a\":\"b\"},\"amount\":110.00000000000001}",
        );
        assert_eq!(params.text("jsonParams"), Some("{\"a\":\"b\"}"));
        assert_eq!(params.text("amount"), Some("110.00000000000001"));
    }

    #[test]
    fn row_46_what_can_be_read_in_two_ways_is_refused() {
        let broken = [
            "a=%",
            "a=%4",
            "a=%zz",
            "a=%ff",
            "%c3=1",
            "a=%00",
            "a=%1b",
            "amount=1&amount=2",
            "amount=1&Amount=2",
            "{\"amount\":1,\"amount\":2}",
            "{\"amount\":1",
            "[1]",
            "{\"features\":[1]}",
            "--boundary\r\nContent-Disposition: form-data; name=\"a\"",
        ];
        for body in broken {
            assert_eq!(
                Params::read("", body.as_bytes()).err(),
                Some(Malformed),
                "{body}"
            );
        }
        assert_eq!(Params::read("a=%zz", b"").err(), Some(Malformed));
        assert_eq!(Params::read("", b"a=\xff").err(), Some(Malformed));
        let many: String = (0..300).map(|n| format!("p{n}=1&")).collect();
        assert_eq!(Params::read(&many, b"").err(), Some(Malformed));
        assert_eq!(read("", "amount=1&amount=1").text("amount"), Some("1"));
    }
}
