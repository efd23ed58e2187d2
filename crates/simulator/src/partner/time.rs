//! Indian time, in which the partner writes every moment.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// India is five and a half hours ahead of UTC, all year.
const OFFSET_SECONDS: i32 = 5 * 3600 + 30 * 60;

/// `2020-08-24 15:03:56`, as generation 1 writes it.
pub fn plain(at_ms: u64) -> String {
    indian(at_ms).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `2020-08-24T15:03:56+05:30`, as generation 2 writes it.
pub fn with_offset(at_ms: u64) -> String {
    indian(at_ms)
        .strftime("%Y-%m-%dT%H:%M:%S+05:30")
        .to_string()
}

/// Reads a moment of ISO 8601 that names its offset.
pub fn parse(text: &str) -> Option<u64> {
    let timestamp: Timestamp = text.parse().ok()?;
    u64::try_from(timestamp.as_millisecond()).ok()
}

fn indian(at_ms: u64) -> DateTime {
    let millisecond = i64::try_from(at_ms).unwrap_or(i64::MAX);
    let timestamp = Timestamp::from_millisecond(millisecond).unwrap_or_default();
    let offset = Offset::from_seconds(OFFSET_SECONDS).unwrap_or(Offset::UTC);
    offset.to_datetime(timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_and_read_in_indian_time() {
        let at_ms = 1_598_261_636_000;
        assert_eq!(plain(at_ms), "2020-08-24 15:03:56");
        assert_eq!(with_offset(at_ms), "2020-08-24T15:03:56+05:30");
        assert_eq!(parse("2020-08-24T15:03:56+05:30"), Some(at_ms));
        assert_eq!(parse("2020-08-24T09:33:56Z"), Some(at_ms));
        assert_eq!(parse("2020-08-24 15:03:56"), None);
        assert_eq!(parse("tomorrow"), None);
    }
}
