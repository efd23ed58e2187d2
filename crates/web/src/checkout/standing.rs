//! What a payer is to see of a payment: one total reading of it, from which every page follows.
//! Double clicks, second tabs and the back button all come out at the same place because of it.

use altyn_domain::{DeclineCode, PayerAction, Payment, PaymentStatus, Timestamp};

/// Where a payer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The form can be filled in.
    Open {
        /// Why the newest finished try failed.
        declined: Option<DeclineCode>,
        /// An earlier try is still without an answer, and is no longer waited for.
        unanswered: bool,
    },
    /// The bank has not answered yet.
    Waiting,
    /// The payer has something to do for the try in flight.
    Asked(PayerAction),
    /// Money is taken.
    Paid,
    /// Money is reserved.
    Held,
    /// The card is checked.
    Verified,
    /// Paid once, and all of it went back or was given up.
    Returned,
    /// No tries are left.
    Declined(Option<DeclineCode>),
    /// No try may be begun, and one is still without an answer.
    TriesOver,
    /// Withdrawn by the shop.
    Cancelled,
    /// Its time ended unpaid.
    Expired {
        /// Why the newest try failed that finished before that or ended it.
        declined: Option<DeclineCode>,
        /// A try is still without an answer.
        unanswered: bool,
    },
}

impl Standing {
    /// The standing of `payment` at `now`.
    pub(crate) fn of(payment: &Payment, now: Timestamp) -> Self {
        match payment.status() {
            PaymentStatus::Captured | PaymentStatus::PartiallyRefunded => Self::Paid,
            PaymentStatus::Authorized => Self::Held,
            PaymentStatus::Verified => Self::Verified,
            PaymentStatus::Refunded | PaymentStatus::Voided => Self::Returned,
            PaymentStatus::Declined => Self::Declined(payment.visible_decline()),
            PaymentStatus::Cancelled => Self::Cancelled,
            PaymentStatus::Expired => Self::of_expired(payment),
            PaymentStatus::Processing => payment
                .try_in_flight()
                .and_then(|attempt| attempt.action.clone())
                .map_or(Self::Waiting, Self::Asked),
            PaymentStatus::AwaitingPayment => Self::of_unpaid(payment, now),
        }
    }

    fn of_unpaid(payment: &Payment, now: Timestamp) -> Self {
        let unanswered = has_open_try(payment);
        // The timer that writes these ends down may be a moment late; the payer need not wait for it.
        if now >= payment.expires_at {
            Self::of_expired(payment)
        } else if payment.tries_left() > 0 {
            Self::Open {
                declined: payment.visible_decline(),
                unanswered,
            }
        } else if unanswered {
            Self::TriesOver
        } else {
            Self::Declined(payment.visible_decline())
        }
    }

    fn of_expired(payment: &Payment) -> Self {
        Self::Expired {
            declined: payment.visible_decline(),
            unanswered: has_open_try(payment),
        }
    }

    /// The word that the page's script is told.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Waiting => "waiting",
            Self::Asked(_) => "asked",
            Self::Paid => "paid",
            Self::Held => "held",
            Self::Verified => "verified",
            Self::Returned => "returned",
            Self::Declined(_) => "declined",
            Self::TriesOver => "tries_over",
            Self::Cancelled => "cancelled",
            Self::Expired { .. } => "expired",
        }
    }
}

/// Whether some try has no end yet.
fn has_open_try(payment: &Payment) -> bool {
    payment.tries().any(|attempt| attempt.state.is_open())
}
