//! Wall-clock time. The bank's rules take it as an argument; only handlers read it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 in UTC.
pub fn now_ms() -> u64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// `YYYYMM` of a moment, the form in which cards carry their expiry.
pub fn year_month(at_ms: u64) -> u32 {
    let date = civil(at_ms);
    let year = u32::try_from(date.year()).unwrap_or(0);
    year * 100 + u32::from(date.month().unsigned_abs())
}

/// A moment as people read it: `2026-02-03 04:05:06` in UTC.
pub fn readable(at_ms: u64) -> String {
    civil(at_ms).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn civil(at_ms: u64) -> jiff::civil::DateTime {
    let millisecond = i64::try_from(at_ms).unwrap_or(i64::MAX);
    let timestamp = jiff::Timestamp::from_millisecond(millisecond).unwrap_or_default();
    timestamp.to_zoned(jiff::tz::TimeZone::UTC).datetime()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_utc() {
        assert_eq!(year_month(0), 197_001);
        assert_eq!(year_month(1_770_091_506_000), 202_602);
        assert_eq!(readable(1_770_091_506_000), "2026-02-03 04:05:06");
    }
}
