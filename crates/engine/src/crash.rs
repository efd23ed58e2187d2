//! Named points at which a test may kill the program. Without a plan a point costs one atomic load.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// All points, in the order in which a payment meets them.
pub const POINTS: [&str; 14] = [
    "writer.loaded",
    "writer.saved",
    "register.committed",
    "pay.intent_committed",
    "pay.answered",
    "pay.outcome_committed",
    "capture.intent_committed",
    "capture.answered",
    "capture.outcome_committed",
    "refund.intent_committed",
    "refund.answered",
    "refund.outcome_committed",
    "callback.answered",
    "callback.recorded",
];

struct Plan {
    point: String,
    passes: AtomicU32,
}

static PLAN: OnceLock<Plan> = OnceLock::new();

/// Plans to die at `point` when it is reached for the `(passes + 1)`th time. Only the first plan counts.
///
/// # Errors
/// If there is no such point.
pub fn plan(point: &str, passes: u32) -> Result<(), String> {
    if !POINTS.contains(&point) {
        return Err(format!(
            "no crash point {point}; there are: {}",
            POINTS.join(", ")
        ));
    }
    let _ = PLAN.set(Plan {
        point: point.to_owned(),
        passes: AtomicU32::new(passes),
    });
    Ok(())
}

/// Dies here if that is planned: at once, without any clean-up, as by `kill -9`.
pub(crate) fn point(name: &'static str) {
    debug_assert!(POINTS.contains(&name), "{name} is not listed");
    let Some(plan) = PLAN.get() else { return };
    if plan.point != name {
        return;
    }
    let left = plan
        .passes
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
    if left.is_err() {
        std::process::abort();
    }
}
