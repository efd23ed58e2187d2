//! Events: what merchants are told. An event is a row of the commit of its change; a [`Delivery`] is
//! one callback of it to one endpoint.

use serde::{Deserialize, Serialize};

use crate::{Payment, Timestamp};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Money was reserved.
    Authorized,
    /// Money was taken.
    Captured,
    /// A reservation was given up.
    Voided,
    /// Money went back.
    Refunded,
    /// A captured payment was undone.
    Reversed,
    /// A card was checked.
    Verified,
    /// A try was refused.
    TryDeclined,
    /// A capture was refused.
    CaptureDeclined,
    /// A void was refused.
    VoidDeclined,
    /// A refund was refused.
    RefundDeclined,
    /// The payment's time ended unpaid.
    Expired,
    /// The merchant withdrew the payment.
    Cancelled,
    /// The payer must do something, and the merchant must lead the payer there.
    ActionRequired,
    /// The payment stopped waiting for its last try, whose end is not known.
    PeriodOver,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::Authorized,
        Self::Captured,
        Self::Voided,
        Self::Refunded,
        Self::Reversed,
        Self::Verified,
        Self::TryDeclined,
        Self::CaptureDeclined,
        Self::VoidDeclined,
        Self::RefundDeclined,
        Self::Expired,
        Self::Cancelled,
        Self::ActionRequired,
        Self::PeriodOver,
    ];

    /// The word stored in databases.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::Voided => "voided",
            Self::Refunded => "refunded",
            Self::Reversed => "reversed",
            Self::Verified => "verified",
            Self::TryDeclined => "try_declined",
            Self::CaptureDeclined => "capture_declined",
            Self::VoidDeclined => "void_declined",
            Self::RefundDeclined => "refund_declined",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::ActionRequired => "action_required",
            Self::PeriodOver => "period_over",
        }
    }

    /// Whether it tells of a change that stays. The others lead the payer or say "not yet": an endpoint
    /// hears them only if it names them.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::ActionRequired | Self::PeriodOver)
    }

    /// Reads [`word`](Self::word).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Something that happened to a payment and that merchants are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number within the payment, from 1.
    pub number: u32,
    /// What happened.
    pub kind: EventKind,
    /// The operation it is about.
    pub operation: Option<u32>,
    /// The payment as it was in the commit of the event.
    pub payment: Payment,
    /// When.
    pub at: Timestamp,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not delivered yet; a timer drives it.
    Waiting,
    /// The receiver took it.
    Delivered,
    /// Given up after the last attempt.
    Failed,
}

impl DeliveryState {
    /// The number stored in both databases.
    pub const fn number(self) -> i16 {
        match self {
            Self::Waiting => 1,
            Self::Delivered => 2,
            Self::Failed => 3,
        }
    }

    /// Reads [`number`](Self::number).
    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Waiting, Self::Delivered, Self::Failed]
            .into_iter()
            .find(|s| s.number() == number)
    }
}

/// One callback of an event to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its number within the payment, from 1.
    pub number: u32,
    /// The event.
    pub event: u32,
    /// The endpoint's name within the project.
    pub endpoint: String,
    /// Where it goes.
    pub url: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// The rendered message, made at the first attempt and repeated byte for byte (JSON of the format).
    pub rendered: Option<String>,
}

/// One attempt to deliver a callback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    /// The delivery.
    pub delivery: u32,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// The first kilobyte of the answer.
    pub answer: String,
}
