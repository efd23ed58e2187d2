//! Objects are objects: a struct is read from a JSON object alone, however deep it lies.
//!
//! Serde takes a list for a struct too, its fields by their places. A caller who sends one has made a slip, and
//! the next version of a body may have its fields in another order.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Error as _, IntoDeserializer, Unexpected, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};
use serde_json::{Error, Value};

/// A value to be read with objects as objects.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape<'a>(pub &'a Value);

impl<'de> IntoDeserializer<'de, Error> for Shape<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Shape<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.iter().map(Shape));
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Value::Object(fields) => {
                let fields = fields.iter();
                let fields = fields.map(|(name, value)| (name.as_str(), Shape(value)));
                let mut fields = MapDeserializer::new(fields);
                let value = visitor.visit_map(&mut fields)?;
                fields.end()?;
                Ok(value)
            }
            plain => plain.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(_) => Err(Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// A reader's words as a caller reads them: without the names of Rust's types, and what was sent is not repeated.
pub(super) fn plain(words: &str) -> String {
    let unknown = words.strip_prefix("unknown variant `");
    let unknown = unknown.and_then(|rest| rest.rsplit_once("`, expected "));
    if let Some((_, wanted)) = unknown {
        return format!("must be {wanted}");
    }
    let is_wrong = ["invalid type: ", "invalid value: ", "invalid length "];
    let wanted = words.rsplit_once(", expected ");
    match wanted.filter(|_| is_wrong.iter().any(|start| words.starts_with(start))) {
        Some((_, wanted)) => format!("must be {}", named(wanted)),
        None => words.to_owned(),
    }
}

fn named(wanted: &str) -> &str {
    match wanted {
        "a string" | "a borrowed string" | "str" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, not below zero",
        "i32" => "a whole number from -2147483648 to 2147483647",
        "i64" => "a whole number",
        "f64" => "a number",
        other if other.starts_with("struct ") => "an object",
        other if other.contains("enum ") => "one of the words that are known here",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn words_of_the_parser_become_plain() {
        for (words, said) in [
            (
                "invalid type: sequence, expected struct MerchantRequest with 2 elements",
                "must be an object",
            ),
            (
                "invalid value: integer `-1`, expected u32",
                "must be a whole number from 0 to 4294967295",
            ),
            (
                "invalid type: string \"a, expected b\", expected a boolean",
                "must be true or false",
            ),
            (
                "unknown variant `x`, expected `GET` or `POST`",
                "must be `GET` or `POST`",
            ),
            (
                "unknown field `x`, expected `name`",
                "unknown field `x`, expected `name`",
            ),
            (
                "is not an instant of RFC 3339",
                "is not an instant of RFC 3339",
            ),
        ] {
            assert_eq!(plain(words), said);
        }
    }
}
