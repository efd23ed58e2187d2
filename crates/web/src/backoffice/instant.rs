//! Instants: RFC 3339, in UTC.

use std::borrow::Cow;

use altyn_domain::Timestamp;
use jiff::fmt::temporal::Pieces;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::problem::Problem;

/// An instant, written as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant(pub Timestamp);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let instant = jiff::Timestamp::from_microsecond(self.0.as_micros());
        serializer.collect_str(&instant.unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        let instant = parse(&text).map(Self);
        instant.ok_or_else(|| D::Error::custom("is not an instant of RFC 3339"))
    }
}

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("An instant: RFC 3339, in UTC."))
            .examples(["2026-11-22T09:30:00Z"])
            .into()
    }
}

impl ToSchema for Instant {
    fn name() -> Cow<'static, str> {
        "Instant".into()
    }
}

/// An instant that is too far off to be counted is the last or the first that is.
fn parse(text: &str) -> Option<Timestamp> {
    let counted = text.parse().ok().or_else(|| far_off(text));
    let instant: jiff::Timestamp = counted?;
    Some(Timestamp::from_micros(instant.as_microsecond()))
}

fn far_off(text: &str) -> Option<jiff::Timestamp> {
    let pieces = Pieces::parse(text).ok()?;
    let (date, _, _) = (pieces.date(), pieces.time()?, pieces.offset()?);
    Some(match date.year() {
        9999.. => jiff::Timestamp::MAX,
        ..=-9999 => jiff::Timestamp::MIN,
        _ => return None,
    })
}

/// Reads an instant of RFC 3339, with whatever offset.
///
/// # Errors
/// A problem that names the field.
pub fn instant_in(field: &str, text: &str) -> Result<Timestamp, Problem> {
    let words = "must be an instant of RFC 3339, such as 2026-11-22T09:30:00Z";
    parse(text).ok_or_else(|| Problem::invalid_field(field, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_they_are_read() {
        let at = Instant(Timestamp::from_micros(1_795_305_600_123_456));
        let text = serde_json::to_string(&at).unwrap();
        assert_eq!(text, "\"2026-11-22T00:00:00.123456Z\"");
        assert_eq!(serde_json::from_str::<Instant>(&text).unwrap(), at);
        let east: Instant = serde_json::from_str("\"2026-11-22T05:00:00.123456+05:00\"").unwrap();
        assert_eq!(east, at);
        for wrong in ["\"2026-11-22\"", "1795305600", "\"now\"", "null"] {
            assert!(serde_json::from_str::<Instant>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn instants_are_read_with_any_offset() {
        let there = instant_in("from", "2026-11-22T05:00:00+05:00").unwrap();
        let here = instant_in("from", "2026-11-22T00:00:00Z").unwrap();
        assert_eq!(there, here);
        assert!(instant_in("from", "2026-11-22").is_err());
        let last = instant_in("to", "9999-12-31T23:59:59Z").unwrap();
        assert!(last > there);
        assert!(instant_in("to", "9999-12-31").is_err());
        assert!(instant_in("to", "9999-12-32T23:59:59Z").is_err());
        assert!(instant_in("from", "0001-01-01T00:00:00Z").unwrap() < there);
    }
}
