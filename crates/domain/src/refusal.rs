//! Why a command is not carried out. A refusal changes nothing. A gateway's refusal is not one of
//! these: it is an [`crate::Outcome`].

use std::fmt;

use serde::Serialize as _;

use crate::{DeclineCode, Money, PaymentId, PaymentStatus};

/// Why a command is not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such payment, or it belongs to somebody else.
    #[error("payment not found")]
    PaymentNotFound,
    /// No such operation or incident of the payment.
    #[error("no such operation or incident")]
    SubjectNotFound,
    /// The merchant's reference was used before, for this payment.
    #[error("the reference already names {0}")]
    ReferenceTaken(PaymentId),
    /// The currency is not one of the project's.
    #[error("the project does not accept {0}")]
    CurrencyNotAccepted(crate::Currency),
    /// The amount is zero where it may not be, or the other way round.
    #[error("the amount is not possible")]
    AmountInvalid,
    /// The payment is paid already.
    #[error("the payment is paid already")]
    AlreadyPaid,
    /// The payment has ended or cannot be in this state for what is asked.
    #[error("not possible while the payment is {}", .0.word())]
    WrongStatus(PaymentStatus),
    /// The payment's time to be paid is over.
    #[error("the time to pay is over")]
    Expired,
    /// No tries are left.
    #[error("no tries are left")]
    TriesExhausted,
    /// An operation that excludes this one is in flight.
    #[error("an operation is in progress")]
    InProgress,
    /// More than there is.
    #[error("{asked} exceeds the available {available}")]
    Exceeds {
        /// Asked for.
        asked: Money,
        /// Available.
        available: Money,
    },
    /// The customer's balance does not reach, or there is none.
    #[error("the balance is {available}")]
    BalanceTooSmall {
        /// What can be spent.
        available: Money,
    },
    /// The merchant expected another captured sum.
    #[error("the captured sum is {actual}")]
    UnexpectedDeposited {
        /// What is captured and not given back.
        actual: Money,
    },
    /// The payment method cannot do this, for this reason.
    #[error("the payment method cannot do this: {}", Word(.0))]
    MethodCannot(DeclineCode),
    /// The project has no such payment method.
    #[error("no such payment method")]
    MethodUnavailable,
    /// The payer's step does not belong to what was asked of the payer.
    #[error("the step was not asked for, or was taken before")]
    StepNotExpected,
    /// The timer's lease passed to somebody else.
    #[error("the lease is lost")]
    LeaseLost,
    /// The project's settings changed since the request was authenticated.
    #[error("settings changed meanwhile")]
    SettingsChanged,
}

/// The word that a reason has wherever it is told to programs.
struct Word<'a>(&'a DeclineCode);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.serialize(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_by_its_word() {
        let refusal = Refusal::MethodCannot(DeclineCode::AmountTooSmall);
        let words = "the payment method cannot do this: amount_too_small";
        assert_eq!(refusal.to_string(), words);
    }
}
