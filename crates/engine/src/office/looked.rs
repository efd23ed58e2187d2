//! Who has looked at which payment's card this hour, so that the audit trail gets one line of it and not one
//! a second.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use altyn_domain::{PaymentId, Timestamp, UserId};

/// So many looks are remembered; then all are forgotten, and the next ones are written down again.
const LOOKS_MAX: usize = 50_000;

const HOUR_MS: i64 = 3_600_000;

/// Who, and at what.
pub(crate) type Look = (Option<UserId>, PaymentId);

#[derive(Debug, Default)]
struct Hour {
    number: i64,
    looks: HashSet<Look>,
}

/// The looks of the present hour.
#[derive(Debug, Default)]
pub(crate) struct Looked(Mutex<Hour>);

impl Looked {
    /// Whether this look was written down in this hour.
    pub(crate) fn is_known(&self, look: Look, now: Timestamp) -> bool {
        let hour = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hour.number == number_of(now) && hour.looks.contains(&look)
    }

    /// Remembers a look that is written down.
    pub(crate) fn remember(&self, look: Look, now: Timestamp) {
        let number = number_of(now);
        let mut hour = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hour.number != number || hour.looks.len() >= LOOKS_MAX {
            hour.number = number;
            hour.looks.clear();
        }
        hour.looks.insert(look);
    }
}

fn number_of(now: Timestamp) -> i64 {
    now.as_millis().div_euclid(HOUR_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use altyn_domain::Bucket;

    #[test]
    fn a_look_counts_once_an_hour_and_memory_is_bounded() {
        let looked = Looked::default();
        let start = Timestamp::from_millis(HOUR_MS * 10);
        let payment = |n| PaymentId::new(start, Bucket::new(1), n);
        assert!(!looked.is_known((None, payment(1)), start));
        looked.remember((None, payment(1)), start);
        assert!(looked.is_known((None, payment(1)), start.plus_millis(HOUR_MS - 1)));
        assert!(!looked.is_known((None, payment(1)), start.plus_millis(HOUR_MS)));
        assert!(!looked.is_known((None, payment(2)), start));
        for n in 0..200_000 {
            looked.remember((None, payment(n)), start);
            let looks = looked.0.lock().unwrap().looks.len();
            assert!(looks <= LOOKS_MAX, "{looks}");
        }
    }
}
