//! One reading of a signed message: the tree that is signed is the tree that the program works with.
//!
//! Numbers keep the text in which they came (`2.0` is not `2` to every client), a name that comes twice
//! in one object is refused, depth and number of values are limited. Texts borrow from the body where
//! they can and are wiped where they cannot, since they may be card data; nothing here prints them.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};
use zeroize::Zeroizing;

use super::order;

/// The deepest nesting that is read; the root is the first level.
const DEPTH_MAX: usize = 32;

/// The most values that are read, objects and arrays among them.
const VALUES_MAX: usize = 10_000;

/// Why a message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The text breaks off or is no JSON.
    #[error("it is not JSON: see line {line}, column {column}")]
    NotJson {
        /// The line, from 1 on.
        line: usize,
        /// The column, from 1 on; 0 if the fault is at the end of the line before.
        column: usize,
    },
    /// It is JSON, but no object.
    #[error("it is not a JSON object")]
    NotObject,
    /// The bytes are not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// A text has half a character in it.
    #[error("a text has half of a surrogate pair in it")]
    BrokenText,
    /// A number is larger than any number of ours.
    #[error("a number is out of range")]
    NumberRange,
    /// A name comes twice in an object.
    #[error("a name comes twice in an object")]
    NameTwice,
    /// It is nested more than 32 levels deep.
    #[error("it is nested more than {DEPTH_MAX} levels deep")]
    TooDeep,
    /// It has more than 10 000 values.
    #[error("it has more than {VALUES_MAX} values")]
    TooManyValues,
}

/// A text of the message: a piece of the body, or a copy that is wiped.
pub enum Text<'a> {
    /// As it stands in the body.
    Borrowed(&'a str),
    /// Decoded.
    Owned(Zeroizing<String>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Borrowed(text),
            Cow::Owned(text) => Self::Owned(Zeroizing::new(text)),
        }
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text::Owned(Zeroizing::new(text.to_owned())))
    }
}

/// A value of the message.
pub enum Json<'a> {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number, and the text in which it came.
    Number(Cow<'a, str>, Number),
    /// A text.
    Text(Text<'a>),
    /// Values in order.
    Array(Vec<Json<'a>>),
    /// Values by name, ascending by UTF-16 code units.
    Object(Vec<(Text<'a>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// The member of this name, if this is an object that has one.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let at = members.binary_search_by(|(key, _)| order::code_units(key, name));
        at.ok().map(|at| &members[at].1)
    }

    /// The text, if this is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(..) | Self::Array(_) | Self::Object(_) => {
                None
            }
        }
    }

    /// The same for the rest of the program.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Number(_, number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.to_string()),
            Self::Array(items) => items.iter().map(Self::to_value).collect(),
            Self::Object(members) => {
                let entry = |(key, value): &(Text<'_>, Self)| (key.to_string(), value.to_value());
                Value::Object(members.iter().map(entry).collect::<Map<_, _>>())
            }
        }
    }

    fn of_value(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Number(number) => Self::Number(Cow::Owned(number.to_string()), number.clone()),
            Value::String(text) => Self::Text(Text::Borrowed(text)),
            Value::Array(items) => Self::Array(items.iter().map(Self::of_value).collect()),
            Value::Object(members) => {
                let member = |(key, value): (&'a String, &'a Value)| {
                    (Text::Borrowed(key.as_str()), Self::of_value(value))
                };
                let mut members: Vec<_> = members.iter().map(member).collect();
                sort(&mut members);
                Self::Object(members)
            }
        }
    }
}

/// A message as it came, ready to be verified and read.
pub struct SignedJson<'a>(Json<'a>);

impl<'a> SignedJson<'a> {
    /// Reads a body, which is one JSON object.
    ///
    /// # Errors
    /// If it is none, if a name comes twice, or if it is too deep or too large.
    pub fn parse(body: &'a [u8]) -> Result<Self, Unreadable> {
        let body = str::from_utf8(body).map_err(|_| Unreadable::NotUtf8)?;
        let mut reading = Reading {
            values_left: VALUES_MAX - 1,
            has_too_many: false,
        };
        reading.object(body, 1).map(Self)
    }

    /// The parameters of a query or form, decoded. All of them are texts.
    ///
    /// # Errors
    /// If a name comes twice, or if there are too many.
    pub fn of_parameters(
        parameters: impl IntoIterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    ) -> Result<Self, Unreadable> {
        let mut members = Vec::new();
        for (name, value) in parameters {
            if members.len() == VALUES_MAX - 1 {
                return Err(Unreadable::TooManyValues);
            }
            members.push((Text::from(name), Json::Text(Text::from(value))));
        }
        sort(&mut members);
        refuse_twice(&members)?;
        Ok(Self(Json::Object(members)))
    }

    /// The whole.
    pub fn root(&self) -> &Json<'a> {
        &self.0
    }

    /// The value at the end of these names.
    pub fn get(&self, path: &[&str]) -> Option<&Json<'a>> {
        path.iter().try_fold(&self.0, |json, name| json.get(name))
    }

    /// The same for the rest of the program. Numbers become what they mean; the copies are not wiped.
    pub fn to_value(&self) -> Value {
        self.0.to_value()
    }
}

impl<'a> From<&'a Value> for SignedJson<'a> {
    fn from(value: &'a Value) -> Self {
        Self(Json::of_value(value))
    }
}

impl fmt::Debug for SignedJson<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SignedJson(…)")
    }
}

fn sort(members: &mut [(Text<'_>, Json<'_>)]) {
    members.sort_by(|(a, _), (b, _)| order::code_units(a, b));
}

/// Sorted members with equal names stand side by side.
fn refuse_twice(members: &[(Text<'_>, Json<'_>)]) -> Result<(), Unreadable> {
    let twice = members.windows(2).any(|pair| *pair[0].0 == *pair[1].0);
    if twice {
        return Err(Unreadable::NameTwice);
    }
    Ok(())
}

/// Reads level by level: the values of a level are cut out unread, so that a number's text is seen.
struct Reading {
    values_left: usize,
    has_too_many: bool,
}

impl Reading {
    fn object<'a>(&mut self, text: &'a str, depth: usize) -> Result<Json<'a>, Unreadable> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = deserializer.deserialize_map(Members(self));
        let read = read.and_then(|raw| deserializer.end().map(|()| raw));
        let raw = read.map_err(|error| self.fault(&error, depth))?;
        let mut members = Vec::with_capacity(raw.len());
        for (key, value) in raw {
            members.push((key, self.value(value.get(), depth)?));
        }
        sort(&mut members);
        refuse_twice(&members)?;
        Ok(Json::Object(members))
    }

    fn array<'a>(&mut self, text: &'a str, depth: usize) -> Result<Json<'a>, Unreadable> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = deserializer.deserialize_seq(Items(self));
        let raw = read.map_err(|error| self.fault(&error, depth))?;
        let items = raw.into_iter().map(|value| self.value(value.get(), depth));
        items.collect::<Result<_, _>>().map(Json::Array)
    }

    /// A value on a level of this depth, without blanks around it.
    fn value<'a>(&mut self, text: &'a str, depth: usize) -> Result<Json<'a>, Unreadable> {
        let first = text.as_bytes().first();
        if matches!(first, Some(b'{' | b'[')) && depth == DEPTH_MAX {
            return Err(Unreadable::TooDeep);
        }
        match first {
            Some(b'{') => self.object(text, depth + 1),
            Some(b'[') => self.array(text, depth + 1),
            Some(b'"') => {
                let read = serde_json::from_str::<Text<'a>>(text);
                read.map(Json::Text).map_err(|_| Unreadable::BrokenText)
            }
            Some(b't') => Ok(Json::Bool(true)),
            Some(b'f') => Ok(Json::Bool(false)),
            Some(b'n') => Ok(Json::Null),
            _ => {
                let number = text.parse().map_err(|_| Unreadable::NumberRange)?;
                Ok(Json::Number(Cow::Borrowed(text), number))
            }
        }
    }

    fn count<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.has_too_many = self.values_left == 0;
        self.values_left = self.values_left.saturating_sub(1);
        if self.has_too_many {
            return Err(E::custom(Unreadable::TooManyValues));
        }
        Ok(())
    }

    fn fault(&self, error: &serde_json::Error, depth: usize) -> Unreadable {
        if self.has_too_many {
            Unreadable::TooManyValues
        } else if depth > 1 {
            // The level above has checked all of its grammar: what is left are the texts.
            Unreadable::BrokenText
        } else if error.is_data() {
            Unreadable::NotObject
        } else {
            Unreadable::NotJson {
                line: error.line(),
                column: error.column(),
            }
        }
    }
}

/// The members of one object, their values unread.
struct Members<'r>(&'r mut Reading);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Vec<(Text<'de>, &'de RawValue)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            self.0.count()?;
            members.push(member);
        }
        Ok(members)
    }
}

/// The items of one array, unread.
struct Items<'r>(&'r mut Reading);

impl<'de> Visitor<'de> for Items<'_> {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element()? {
            self.0.count()?;
            values.push(value);
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(body: impl AsRef<[u8]>) -> Unreadable {
        SignedJson::parse(body.as_ref()).expect_err("it is refused")
    }

    #[test]
    fn a_message_is_read_as_any_reader_would() {
        let body =
            br#" {"b":{"z":[1,-2.50,{"t":"\u044f \"q\""}],"e":{}},"a":null,"t":true,"f":false,
            "l":[], "big":18446744073709551615, "":"", "exp":1e3} "#;
        let signed = SignedJson::parse(body).unwrap();
        let value: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(signed.to_value(), value);
        assert_eq!(SignedJson::from(&value).to_value(), value);
        let number = |path: &[&str]| match signed.get(path) {
            Some(Json::Number(text, _)) => text.clone(),
            _ => panic!("{path:?} is a number"),
        };
        assert_eq!(number(&["exp"]), "1e3");
        assert_eq!(number(&["big"]), "18446744073709551615");
        let Some(Json::Array(items)) = signed.get(&["b", "z"]) else {
            panic!("an array");
        };
        assert!(matches!(&items[1], Json::Number(text, _) if text == "-2.50"));
        assert_eq!(items[2].get("t").and_then(Json::text), Some("я \"q\""));
        assert!(signed.get(&["b", "missing"]).is_none());
        assert!(signed.get(&["t", "x"]).is_none());
        assert_eq!(format!("{signed:?}"), "SignedJson(…)");
    }

    #[test]
    fn a_name_that_comes_twice_is_refused() {
        for body in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"\u0061":3}"#,
            r#"{"x":{"a":1,"b":{},"a":2}}"#,
            r#"{"x":[{"a":1,"a":2}]}"#,
            r#"{"frame_mode":1,"frame_mode":2}"#,
        ] {
            assert_eq!(fault(body), Unreadable::NameTwice, "{body}");
        }
        // Other spellings are other names.
        assert!(SignedJson::parse(br#"{"a":1,"A":1,"a ":1}"#).is_ok());
        let pair = |name: &'static str| (Cow::Borrowed(name), Cow::Borrowed("x"));
        let twice = SignedJson::of_parameters([pair("b"), pair("a"), pair("b")]);
        assert_eq!(twice.map(drop), Err(Unreadable::NameTwice));
    }

    #[test]
    fn what_is_no_object_is_told() {
        for body in ["[]", "1", "null", "\"text\"", " true"] {
            assert_eq!(fault(body), Unreadable::NotObject, "{body}");
        }
        let place = |line, column| Unreadable::NotJson { line, column };
        assert_eq!(fault(""), place(1, 0));
        assert_eq!(fault("{"), place(1, 1));
        assert_eq!(fault("{\n \"a\": tru }"), place(2, 10));
        for body in [
            "{}x",
            "{} {}",
            r#"{"a":1,}"#,
            "{'a':1}",
            r#"{"a":01}"#,
            r#"{"a":{"b":[1,]}}"#,
            r#"{"a":NaN}"#,
            r#"{a:1}"#,
            "\u{feff}{}",
            r#"{"a":.5}"#,
            r#"{"a":"\x"}"#,
            "{\"a\":\"\n\"}",
        ] {
            assert!(matches!(fault(body), Unreadable::NotJson { .. }), "{body}");
        }
        assert_eq!(fault(b"{\"a\":\"\xff\"}"), Unreadable::NotUtf8);
        assert_eq!(fault(r#"{"a":"\ud800"}"#), Unreadable::BrokenText);
        assert_eq!(fault(r#"{"a":{"\ud800":1}}"#), Unreadable::BrokenText);
        assert_eq!(fault(r#"{"a":1e999}"#), Unreadable::NumberRange);
    }

    #[test]
    fn depth_and_number_of_values_are_limited() {
        let nested = |levels: usize| {
            let inner = levels - 1;
            format!("{{\"a\":{}{}}}", "[".repeat(inner), "]".repeat(inner))
        };
        assert!(SignedJson::parse(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(fault(nested(DEPTH_MAX + 1)), Unreadable::TooDeep);
        assert_eq!(fault(nested(30_000)), Unreadable::TooDeep);
        // The root and the array are values too.
        let wide = |items: usize| format!("{{\"a\":[{}]}}", vec!["1"; items].join(","));
        assert!(SignedJson::parse(wide(VALUES_MAX - 2).as_bytes()).is_ok());
        assert_eq!(fault(wide(VALUES_MAX - 1)), Unreadable::TooManyValues);
        let many = |count: usize| {
            let name = |i: usize| (Cow::Owned(i.to_string()), Cow::Borrowed(""));
            SignedJson::of_parameters((0..count).map(name)).map(drop)
        };
        assert_eq!(many(VALUES_MAX - 1), Ok(()));
        assert_eq!(many(VALUES_MAX), Err(Unreadable::TooManyValues));
    }

    #[test]
    fn members_are_found_among_many_in_any_script() {
        let names = ["b", "a", "ключ", "\u{10000}", "\u{e000}", "", "10", "9"];
        let value: Value = names
            .iter()
            .map(|name| (name.to_string(), json!(name)))
            .collect();
        let body = value.to_string();
        let signed = SignedJson::parse(body.as_bytes()).unwrap();
        for name in names {
            assert_eq!(signed.get(&[name]).and_then(Json::text), Some(name));
            let of_value = SignedJson::from(&value);
            assert_eq!(of_value.get(&[name]).and_then(Json::text), Some(name));
        }
    }
}
