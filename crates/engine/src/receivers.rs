//! Places at receivers of callbacks: a fast one is kept busy, a slow one holds no other up.
//!
//! A receiver has a few places. Whoever finds them taken waits if the receiver's pace promises a place
//! soon; otherwise the delivery goes back into the queue with a time of its own, as far apart from the
//! one before as the receiver needs. So a backlog of a dead receiver costs the database no more writes
//! than the receiver would take callbacks, and never fills the places of all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use altyn_domain::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What an attempt is believed to last before one was seen, in milliseconds.
const FIRST_GUESS_MS: i64 = 200;
/// A longer wait than this is not begun, in milliseconds.
const WAIT_EXPECTED_MAX_MS: i64 = 1_000;
/// A wait that was begun ends after this at the latest.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// The nearest and the farthest time at which a delivery that found no place comes again, in milliseconds.
const LATER_MIN_MS: i64 = 2_000;
const LATER_MAX_MS: i64 = 60_000;
/// Receivers that are remembered while nothing is under way to them.
const REMEMBERED_MAX: usize = 10_000;

/// All receivers by host and port.
pub(crate) struct Receivers {
    per_host: usize,
    hosts: Mutex<HashMap<String, Arc<Receiver>>>,
}

impl Receivers {
    /// Receivers with so many places each.
    pub(crate) fn new(per_host: usize) -> Self {
        Self {
            per_host,
            hosts: Mutex::default(),
        }
    }

    /// The receiver at a host.
    pub(crate) fn at(&self, host: &str) -> Arc<Receiver> {
        let mut hosts = lock(&self.hosts);
        // Receivers that nothing is under way to are forgotten, so that the table stays small.
        if hosts.len() > REMEMBERED_MAX {
            hosts.retain(|_, receiver| Arc::strong_count(receiver) > 1);
        }
        if let Some(receiver) = hosts.get(host) {
            return receiver.clone();
        }
        let receiver = Arc::new(Receiver::new(self.per_host));
        hosts.insert(host.to_owned(), receiver.clone());
        receiver
    }
}

/// What a delivery gets.
pub(crate) enum Entry {
    /// A place, until it is dropped.
    Place(OwnedSemaphorePermit),
    /// None now; the time at which to come again.
    Later(Timestamp),
}

/// One receiver.
pub(crate) struct Receiver {
    places: Arc<Semaphore>,
    count: i64,
    pace: Mutex<Pace>,
}

struct Pace {
    /// What an attempt lasts, the newest counting most, in milliseconds.
    attempt_ms: i64,
    waiting: i64,
    /// The last time that was given to a delivery that found no place.
    booked: Timestamp,
}

impl Receiver {
    fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            count: i64::try_from(places).unwrap_or(i64::MAX).max(1),
            pace: Mutex::new(Pace {
                attempt_ms: FIRST_GUESS_MS,
                waiting: 0,
                booked: Timestamp::from_micros(0),
            }),
        }
    }

    /// A place at once or soon, or the time at which to come again.
    pub(crate) async fn enter(&self, now: Timestamp) -> Entry {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Entry::Place(place);
        }
        let Some(_waiting) = self.wait() else {
            return self.later(now);
        };
        match tokio::time::timeout(WAIT_MAX, self.places.clone().acquire_owned()).await {
            Ok(Ok(place)) => Entry::Place(place),
            // Slower than it was believed to be.
            Ok(Err(_)) | Err(_) => {
                let waited_ms = i64::try_from(WAIT_MAX.as_millis()).unwrap_or(i64::MAX);
                let mut pace = lock(&self.pace);
                pace.attempt_ms = pace.attempt_ms.max(waited_ms);
                drop(pace);
                self.later(now)
            }
        }
    }

    /// Learns what an attempt lasted.
    pub(crate) fn lasted(&self, ms: i64) {
        let mut pace = lock(&self.pace);
        pace.attempt_ms = (pace.attempt_ms.saturating_mul(3).saturating_add(ms.max(0))) / 4;
    }

    fn wait(&self) -> Option<Waiting<'_>> {
        let mut pace = lock(&self.pace);
        let expected_ms = (pace.waiting + 1).saturating_mul(pace.attempt_ms) / self.count;
        if expected_ms > WAIT_EXPECTED_MAX_MS {
            return None;
        }
        pace.waiting += 1;
        Some(Waiting(&self.pace))
    }

    fn later(&self, now: Timestamp) -> Entry {
        let mut pace = lock(&self.pace);
        let apart_ms = pace.attempt_ms / self.count;
        let next = pace.booked.plus_millis(apart_ms);
        let (first, last) = (now.plus_millis(LATER_MIN_MS), now.plus_millis(LATER_MAX_MS));
        pace.booked = next.max(first).min(last);
        Entry::Later(pace.booked)
    }
}

/// Counts as waiting until it is dropped.
struct Waiting<'a>(&'a Mutex<Pace>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(self.0).waiting -= 1;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

    async fn place(receiver: &Receiver) -> OwnedSemaphorePermit {
        match receiver.enter(NOW).await {
            Entry::Place(place) => place,
            Entry::Later(at) => panic!("no place until {at:?}"),
        }
    }

    #[tokio::test]
    async fn whoever_finds_a_fast_receiver_busy_waits_for_a_place() {
        let receiver = Arc::new(Receiver::new(1));
        let first = place(&receiver).await;
        let waiter = receiver.clone();
        let second = tokio::spawn(async move { place(&waiter).await });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        drop(second.await.unwrap());
    }

    #[tokio::test]
    async fn those_who_would_wait_long_get_times_of_their_own() {
        let receiver = Receiver::new(2);
        for _ in 0..50 {
            receiver.lasted(10_000);
        }
        let _held = (place(&receiver).await, place(&receiver).await);
        let mut times = Vec::new();
        for _ in 0..40 {
            match receiver.enter(NOW).await {
                Entry::Later(at) => times.push(at.millis_since(NOW)),
                Entry::Place(_) => panic!("there were two places"),
            }
        }
        assert_eq!(times[0], LATER_MIN_MS);
        let apart = times[1] - times[0];
        assert!((4_900..=5_000).contains(&apart), "{apart}");
        assert_eq!(times.last(), Some(&LATER_MAX_MS), "never farther away");
    }

    #[tokio::test(start_paused = true)]
    async fn a_receiver_that_turns_out_slow_is_not_waited_for_again() {
        let receiver = Receiver::new(1);
        let _held = place(&receiver).await;
        for waits in [WAIT_MAX, Duration::ZERO] {
            let began = tokio::time::Instant::now();
            assert!(matches!(receiver.enter(NOW).await, Entry::Later(_)));
            assert_eq!(began.elapsed().as_secs(), waits.as_secs());
        }
    }

    #[tokio::test]
    async fn receivers_do_not_share_places() {
        let receivers = Receivers::new(1);
        let _held = place(&receivers.at("a.kz")).await;
        assert_eq!(receivers.at("a.kz").places.available_permits(), 0);
        drop(place(&receivers.at("b.kz")).await);
    }
}
