//! The family's ways to write an instant. Without a zone it means UTC.

use altyn_domain::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::calendar;

fn parse(format: &str, length: usize, text: &str) -> Option<Timestamp> {
    if text.len() != length || !text.is_ascii() {
        return None;
    }
    let date = DateTime::strptime(format, text).ok()?;
    let instant = Offset::UTC.to_timestamp(date).ok()?;
    Some(Timestamp::from_micros(instant.as_microsecond()))
}

/// `yyyy-MM-ddTHH:mm:ss`, as dates are written in requests.
pub(super) fn parse_dashed(text: &str) -> Option<Timestamp> {
    parse("%Y-%m-%dT%H:%M:%S", 19, text)
}

/// `YYYYMMDDHHmmss`, as dates are written in questions for lists.
pub(super) fn parse_compact(text: &str) -> Option<Timestamp> {
    parse("%Y%m%d%H%M%S", 14, text)
}

/// `Mon Jan 31 21:46:52 UTC 2022`, as dates are written in callbacks.
pub(super) fn java(at: Timestamp) -> String {
    calendar::civil(at)
        .strftime("%a %b %d %H:%M:%S UTC %Y")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_read_and_written() {
        let at = Timestamp::from_millis(1_643_665_612_000);
        assert_eq!(parse_dashed("2022-01-31T21:46:52"), Some(at));
        assert_eq!(parse_compact("20220131214652"), Some(at));
        assert_eq!(java(at), "Mon Jan 31 21:46:52 UTC 2022");
        assert_eq!(calendar::month(at), (2022, 1));
        assert_eq!(
            java(Timestamp::from_millis(0)),
            "Thu Jan 01 00:00:00 UTC 1970"
        );
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2022-01-31",
            "2022-02-30T00:00:00",
            "2022-01-31T24:00:00",
            "2022-01-31 21:46:52",
            "2022-01-31T21:46:52Z",
            "２022-01-31T21:46",
        ] {
            assert_eq!(parse_dashed(text), None, "{text}");
        }
        for text in ["2022013121465", "20221331214652", "2022-01-31T21:46:52"] {
            assert_eq!(parse_compact(text), None, "{text}");
        }
    }
}
