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

/// The dialects that keep an order's number as it is written.
const EXACT_DIALECTS: [&str; 2] = ["rbs", "backoffice"];
/// The dialect in which letter case does not count.
const FOLDING_DIALECT: &str = "ecommpay";

/// The references under which the payments of an order with this number may stand: one for each dialect.
/// One that folds letter case may name an order whose number is written otherwise.
pub fn order_keys((bucket, project_id): crate::ProjectKey, number: &str) -> Vec<ReferenceKey> {
    let key = |dialect: &str, key: String| ReferenceKey {
        bucket,
        project_id,
        dialect: dialect.to_owned(),
        kind: ReferenceKind::Payment,
        key,
    };
    let folded: String = number
        .chars()
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'ς' { 'σ' } else { c })
        .collect();
    let mut keys = Vec::from(EXACT_DIALECTS.map(|dialect| key(dialect, number.to_owned())));
    // Exact too: a number that stands there unfolded is found all the same.
    keys.push(key(FOLDING_DIALECT, number.to_owned()));
    if folded != number {
        keys.push(key(FOLDING_DIALECT, folded));
    }
    keys
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
