//! Timers: things that must happen later, as rows with a due time.

use serde::{Deserialize, Serialize};

use crate::{PaymentId, Timestamp};

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerKind {
    /// The payment's time to be paid ends.
    Expiry,
    /// The merchant wanted the hold captured now.
    AutoCapture,
    /// The merchant wanted the hold released now.
    AutoVoid,
    /// The payment stops waiting for a try.
    ProcessingPeriod,
    /// A created operation must be sent.
    Exchange,
    /// The gateway must be asked what became of an operation.
    Enquiry,
    /// A callback must be delivered.
    Callback,
}

impl TimerKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Expiry,
        Self::AutoCapture,
        Self::AutoVoid,
        Self::ProcessingPeriod,
        Self::Exchange,
        Self::Enquiry,
        Self::Callback,
    ];

    /// The number stored in both databases.
    pub const fn number(self) -> i16 {
        match self {
            Self::Expiry => 1,
            Self::AutoCapture => 2,
            Self::AutoVoid => 3,
            Self::ProcessingPeriod => 4,
            Self::Exchange => 5,
            Self::Enquiry => 6,
            Self::Callback => 7,
        }
    }

    /// Reads [`number`](Self::number).
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// Which timer: its payment, its kind and the number of the operation or delivery (0 for the payment).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TimerKey {
    /// The payment.
    pub payment_id: PaymentId,
    /// What is to happen.
    pub kind: TimerKind,
    /// Number of the operation or of the delivery; 0 if it concerns the payment.
    pub subject: u32,
}

/// What a decision does with a timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimerChange {
    /// It is due then; `attempt` counts how often it was set before, for growing pauses.
    Set {
        /// When.
        due_at: Timestamp,
        /// How often it was tried before.
        attempt: u32,
    },
    /// It is no longer needed.
    Clear,
}
