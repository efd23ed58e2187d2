//! Keys: what a batch needs loaded.

use std::collections::BTreeSet;

use altyn_domain::{Bucket, PaymentId, ProjectId, ReferenceKind, TimerKey};

/// A merchant's own number of something. Unique for good per project, dialect and kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReferenceKey {
    /// Shard key of the project.
    pub bucket: Bucket,
    /// The project.
    pub project_id: ProjectId,
    /// The dialect.
    pub dialect: String,
    /// What it names.
    pub kind: ReferenceKind,
    /// The number as the dialect writes it.
    pub key: String,
}

/// The right to carry out a timer: only while the timer still has this fencing number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The timer.
    pub key: TimerKey,
    /// The fencing number that the lease was given.
    pub fence: i64,
}

/// What a batch needs loaded and locked. The sets are in key order, and so are the locks taken.
#[derive(Debug, Clone, Default)]
pub struct LoadKeys {
    /// Payments by id, locked with all their operations.
    pub payments: BTreeSet<PaymentId>,
    /// References; the payments they name are locked too.
    pub references: BTreeSet<ReferenceKey>,
    /// Timers whose fencing number is needed.
    pub timers: BTreeSet<TimerKey>,
}
