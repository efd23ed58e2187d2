//! Ids and numbers that no two calls share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// The next number of this process.
pub fn next() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A number that looks random; different for different inputs (the mixing function of SplitMix64).
pub fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A merchant's order number: unique and in no order, the harder case for an index.
pub fn order_number() -> String {
    format!("{:016x}", scattered(next()))
}

/// An id whose order is that of its making, as UUIDv7 has it.
pub fn time_ordered() -> Uuid {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let number = next();
    let high = (now.as_millis() << 16) | 0x7000 | u128::from(number & 0xfff);
    let low = (scattered(number) >> 2) | (2 << 62);
    Uuid::from_u128((high << 64) | u128::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_numbers_differ() {
        let numbers: std::collections::HashSet<_> = (0..10_000).map(|_| order_number()).collect();
        assert_eq!(numbers.len(), 10_000);
        assert!(numbers.iter().all(|number| number.len() == 16));
    }

    #[test]
    fn ids_are_of_version_7() {
        let id = time_ordered();
        assert_eq!(
            (id.get_version_num(), id.get_variant()),
            (7, uuid::Variant::RFC4122)
        );
    }
}
