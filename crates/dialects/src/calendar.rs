//! Instants as dates of the calendar, in UTC.

use altyn_domain::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Date and time of an instant, in whole milliseconds.
pub(crate) fn civil(at: Timestamp) -> DateTime {
    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    Offset::UTC.to_datetime(instant)
}

/// Year and month of an instant.
pub(crate) fn month(at: Timestamp) -> (u16, u8) {
    let date = civil(at);
    (
        u16::try_from(date.year()).unwrap_or(0),
        u8::try_from(date.month()).unwrap_or(1),
    )
}
