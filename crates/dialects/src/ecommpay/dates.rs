//! How this dialect writes an instant.

use altyn_domain::Timestamp;

use crate::calendar::civil;

/// `2020-08-24T09:36:01+0000`: always UTC, the offset without a colon.
pub(super) fn wire(at: Timestamp) -> String {
    civil(at).strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_whole_seconds() {
        let at = Timestamp::from_millis(1_598_261_761_999);
        assert_eq!(wire(at), "2020-08-24T09:36:01+0000");
        assert_eq!(wire(Timestamp::from_millis(0)), "1970-01-01T00:00:00+0000");
    }
}
