//! The partner's clock: Indian time, five and a half hours before UTC, without summer time.

use altyn_domain::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

const INDIA_SECONDS: i32 = 19_800;

/// Reads a date and time; Indian, unless it names its offset.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let instant = match text.parse::<jiff::Timestamp>() {
        Ok(instant) => instant,
        Err(_) => india()?.to_timestamp(text.parse::<DateTime>().ok()?).ok()?,
    };
    Some(Timestamp::from_micros(instant.as_microsecond()))
}

/// An instant as ISO 8601 in Indian time, to the second.
pub(super) fn write(instant: Timestamp) -> Option<String> {
    let instant = jiff::Timestamp::from_microsecond(instant.as_micros()).ok()?;
    let local = india()?.to_datetime(instant);
    Some(local.strftime("%Y-%m-%dT%H:%M:%S+05:30").to_string())
}

fn india() -> Option<Offset> {
    Offset::from_seconds(INDIA_SECONDS).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indian_time_becomes_utc() {
        // 2020-08-24T09:33:56Z.
        let expected = Some(Timestamp::from_millis(1_598_261_636_000));
        for text in [
            "2020-08-24 15:03:56",
            "2020-08-24T15:03:56",
            "2020-08-24T15:03:56+05:30",
            "2020-08-24T09:33:56Z",
            "2020-08-24T05:33:56-04:00",
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2020-13-01 00:00:00",
            "2020-08-24 25:00:00",
            "1598261636",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn an_instant_is_written_in_indian_time() {
        let instant = Timestamp::from_millis(1_598_261_636_789);
        assert_eq!(write(instant).as_deref(), Some("2020-08-24T15:03:56+05:30"));
        let evening = Timestamp::from_millis(1_577_817_000_000);
        assert_eq!(write(evening).as_deref(), Some("2020-01-01T00:00:00+05:30"));
        assert_eq!(write(Timestamp::from_micros(i64::MAX)), None);
    }
}
