//! Callbacks that begin right after the commit that made them: the writer leases their timers in that very
//! commit, as far as there are places free, and hands them over with all that is needed to deliver them.
//! What finds no place is taken by the timers like any other, and what a crash loses comes back when its
//! lease ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use altyn_domain::{TimerChange, TimerKind};
use altyn_storage::{ChangeSet, LeasedTimer, Telling};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// A callback to be delivered now, with its place among those under way.
pub(crate) struct Handed {
    pub timer: LeasedTimer,
    pub telling: Telling,
    pub place: OwnedSemaphorePermit,
}

/// The way from the writer to those who deliver.
#[derive(Clone)]
pub(crate) struct Handover {
    places: Arc<Semaphore>,
    open: Arc<AtomicBool>,
    queue: mpsc::UnboundedSender<Handed>,
    lease_ms: i64,
}

impl Handover {
    /// A closed way for at most `in_all_max` callbacks at once, and its end.
    pub(crate) fn new(in_all_max: usize, lease_ms: i64) -> (Self, mpsc::UnboundedReceiver<Handed>) {
        let (queue, end) = mpsc::unbounded_channel();
        let handover = Self {
            places: Arc::new(Semaphore::new(in_all_max)),
            open: Arc::default(),
            queue,
            lease_ms,
        };
        (handover, end)
    }

    /// The places of all callbacks under way, those of timers too.
    pub(crate) fn places(&self) -> &Arc<Semaphore> {
        &self.places
    }

    /// Opens the way: from now on somebody stands at its end. Or closes it.
    pub(crate) fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::Relaxed);
    }

    /// Leases what this change makes due at once, while there are places.
    pub(crate) fn take(&self, changes: &mut ChangeSet) -> Vec<Handed> {
        if changes.events.is_empty() || !self.open.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let events: HashMap<_, _> = changes
            .events
            .iter()
            .map(|event| ((event.payment_id, event.row.number), &event.row))
            .collect();
        let mut handed = Vec::new();
        for delivery in &changes.deliveries {
            let (payment_id, delivery) = (delivery.payment_id, &delivery.row);
            let key = altyn_domain::TimerKey {
                payment_id,
                kind: TimerKind::Callback,
                subject: delivery.number,
            };
            // Only the first attempt of a delivery that is made here: its timer has no row yet.
            let Some(event) = events.get(&(payment_id, delivery.event)) else {
                continue;
            };
            let Some((project_id, TimerChange::Set { due_at, attempt: 0 })) =
                changes.timers.get(&key)
            else {
                continue;
            };
            if *due_at > changes.at {
                continue;
            }
            let Ok(place) = self.places.clone().try_acquire_owned() else {
                break;
            };
            let timer = LeasedTimer {
                key,
                project_id: *project_id,
                fence: changes.at.as_micros(),
                attempt: 0,
                due_at: *due_at,
            };
            let telling = Telling {
                payment_id,
                delivery: delivery.clone(),
                event: (*event).clone(),
            };
            changes
                .leases
                .insert(key, changes.at.plus_millis(self.lease_ms));
            handed.push(Handed {
                timer,
                telling,
                place,
            });
        }
        handed
    }

    /// Hands over what is on disk now.
    pub(crate) fn give(&self, handed: Vec<Handed>) {
        for callback in handed {
            // Nobody at the end: the lease ends by itself.
            let _ = self.queue.send(callback);
        }
    }
}
