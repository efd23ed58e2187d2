//! How often one address may try to sign in. Memory is bounded: so many addresses are known, not more.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use altyn_domain::Timestamp;

/// So many attempts within so many milliseconds.
const ATTEMPTS_MAX: u32 = 20;
const WITHIN_MS: i64 = 60_000;

/// So many addresses are known at once.
const ADDRESSES_MAX: usize = 4_096;

/// Since when, and how often, addresses tried.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<HashMap<IpAddr, (Timestamp, u32)>>);

impl Attempts {
    /// Counts an attempt. If it is one too many: after how many seconds the address may try again.
    pub(super) fn count(&self, address: IpAddr, now: Timestamp) -> Result<(), i64> {
        let address = network(address);
        let age = |since: Timestamp| now.millis_since(since);
        let is_new = |since: Timestamp| (0..WITHIN_MS).contains(&age(since));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, count)) = known.get_mut(&address).filter(|(since, _)| is_new(*since)) {
            *count = count.saturating_add(1);
            if *count <= ATTEMPTS_MAX {
                return Ok(());
            }
            return Err((WITHIN_MS - age(*since)).div_euclid(1_000) + 1);
        }
        if known.len() >= ADDRESSES_MAX {
            known.retain(|_, (since, _)| is_new(*since));
        }
        if known.len() >= ADDRESSES_MAX {
            // Somebody has very many addresses. Those that tried least are forgotten; who tries on and on
            // from one address stays known.
            let mut counts: Vec<u32> = known.values().map(|(_, count)| *count).collect();
            let (_, middle, _) = counts.select_nth_unstable(ADDRESSES_MAX / 2);
            let middle = *middle;
            let mut to_drop = ADDRESSES_MAX / 2;
            known.retain(|_, (_, count)| {
                let is_dropped = *count <= middle && to_drop > 0;
                to_drop -= usize::from(is_dropped);
                !is_dropped
            });
        }
        known.insert(address, (now, 1));
        Ok(())
    }
}

/// What one person has: an address, with IPv6 a network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let bits = u128::from(address) >> 64 << 64;
            Ipv6Addr::from(bits).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    #[test]
    fn an_address_tries_so_often_and_then_waits() {
        let attempts = Attempts::default();
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..ATTEMPTS_MAX {
            assert_eq!(attempts.count(one, at(0)), Ok(()));
        }
        assert_eq!(attempts.count(one, at(0)), Err(61));
        assert_eq!(attempts.count(one, at(59_500)), Err(1));
        assert_eq!(attempts.count("192.0.2.2".parse().unwrap(), at(0)), Ok(()));
        assert_eq!(attempts.count(one, at(60_000)), Ok(()));
        let v6 = |text: &str| network(text.parse().unwrap());
        assert_eq!(v6("2001:db8::1"), v6("2001:db8::ffff"));
        assert_ne!(v6("2001:db8::1"), v6("2001:db8:0:1::1"));
        assert_eq!(v6("::ffff:192.0.2.1"), one);
    }

    #[test]
    fn very_many_addresses_take_no_more_memory_and_free_nobody() {
        let attempts = Attempts::default();
        let stubborn: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..=ATTEMPTS_MAX {
            let _ = attempts.count(stubborn, at(0));
        }
        for n in 0..20_000_u32 {
            let _ = attempts.count(IpAddr::V4((0x0a00_0000 + n).into()), at(1));
        }
        assert!(attempts.0.lock().unwrap().len() <= ADDRESSES_MAX);
        assert!(attempts.count(stubborn, at(2)).is_err());
    }
}
