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
    /// Whether this look is the first of its hour; it is remembered.
    pub(crate) fn is_first(&self, look: Look, now: Timestamp) -> bool {
        let number = now.as_millis().div_euclid(HOUR_MS);
        let mut hour = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hour.number != number || hour.looks.len() >= LOOKS_MAX {
            hour.number = number;
            hour.looks.clear();
        }
        hour.looks.insert(look)
    }

    /// Forgets a look that could not be written down.
    pub(crate) fn forget(&self, look: Look) {
        let mut hour = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hour.looks.remove(&look);
    }
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
        assert!(looked.is_first((None, payment(1)), start));
        assert!(!looked.is_first((None, payment(1)), start.plus_millis(HOUR_MS - 1)));
        assert!(looked.is_first((None, payment(2)), start));
        looked.forget((None, payment(2)));
        assert!(looked.is_first((None, payment(2)), start));
        assert!(looked.is_first((None, payment(1)), start.plus_millis(HOUR_MS)));
        for n in 0..200_000 {
            looked.is_first((None, payment(n)), start);
            let looks = looked.0.lock().unwrap().looks.len();
            assert!(looks <= LOOKS_MAX, "{looks}");
        }
    }
}
