//! One step of a payment that reserves or moves money, and its states.

use serde::{Deserialize, Serialize};

use crate::{
    CardSummary, DeclineCode, Facts, IncidentKind, Initiator, Money, OperationId, Outcome,
    PayerAction, Timestamp,
};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Authorize and capture at once. A try.
    Sale,
    /// Reserve only. A try.
    Auth,
    /// Check a card without money. A try.
    Verify,
    /// Take all or part of an authorization.
    Capture,
    /// Give up an uncaptured authorization.
    Void,
    /// Give captured money back.
    Refund,
    /// Undo a captured payment within the bank's day, or a surplus success.
    Reversal,
    /// The issuer takes money back.
    Chargeback,
    /// Send money to a recipient.
    Payout,
}

impl OperationKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Sale,
        Self::Auth,
        Self::Verify,
        Self::Capture,
        Self::Void,
        Self::Refund,
        Self::Reversal,
        Self::Chargeback,
        Self::Payout,
    ];

    /// Whether it is a try to pay.
    pub const fn is_try(self) -> bool {
        matches!(self, Self::Sale | Self::Auth | Self::Verify)
    }

    /// The word stored in databases and shown in our own texts.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Auth => "auth",
            Self::Verify => "verify",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
            Self::Reversal => "reversal",
            Self::Chargeback => "chargeback",
            Self::Payout => "payout",
        }
    }

    /// Reads [`word`](Self::word).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Decided here, not sent yet. A due timer drives it.
    Created,
    /// Intent recorded; the request may be on its way.
    Sent,
    /// It left us; the end is not known yet.
    Pending,
    /// Done.
    Succeeded,
    /// Refused, by the gateway or by our own rule.
    Declined,
    /// Undone by the gateway without effect.
    Voided,
}

/// What an outcome means for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// It moves to this state (which may be the one it is in, with new facts).
    To(OperationState),
    /// The same end was told again: nothing changes.
    Repeated,
    /// Old news about a finished operation: nothing changes.
    Stale,
    /// The news contradicts what we know: nothing changes, a person must look.
    Contradiction,
}

impl OperationState {
    /// All states.
    pub const ALL: [Self; 6] = [
        Self::Created,
        Self::Sent,
        Self::Pending,
        Self::Succeeded,
        Self::Declined,
        Self::Voided,
    ];

    /// Whether it may still reserve or move money; every ceiling counts it as taken.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Sent | Self::Pending)
    }

    /// The word stored in databases.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Sent => "sent",
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Declined => "declined",
            Self::Voided => "voided",
        }
    }

    /// Reads [`word`](Self::word).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// The one table of states and outcomes.
    pub fn after(self, outcome: &Outcome) -> Transition {
        use {OperationState as S, Outcome as O, Transition as T};
        match (self, outcome) {
            (S::Sent | S::Pending, O::Approved) => T::To(S::Succeeded),
            (S::Sent | S::Pending, O::Declined(_)) => T::To(S::Declined),
            (S::Sent | S::Pending, O::Voided) => T::To(S::Voided),
            // Silence is never a decline: stay open until a status request settles it.
            (S::Sent | S::Pending, O::Pending | O::Unknown) => T::To(S::Pending),
            (S::Sent, O::NotSent) => T::To(S::Created),
            // A later step that did not leave us says nothing about the first one, which did.
            (S::Pending, O::NotSent) => T::To(S::Pending),
            (S::Sent | S::Pending, O::NotFound) => T::To(S::Created),
            (S::Created, O::NotSent | O::NotFound) => T::Repeated,
            // Nothing can be known of what was never sent.
            (S::Created, O::Approved | O::Declined(_) | O::Pending | O::Unknown | O::Voided) => {
                T::Contradiction
            }
            (S::Succeeded, O::Approved)
            | (S::Declined, O::Declined(_) | O::Voided)
            | (S::Voided, O::Voided | O::Declined(_)) => T::Repeated,
            (S::Succeeded, O::Declined(_) | O::Voided | O::NotFound)
            | (S::Declined | S::Voided, O::Approved) => T::Contradiction,
            (S::Succeeded, O::Pending | O::Unknown | O::NotSent)
            | (S::Declined | S::Voided, O::Pending | O::Unknown | O::NotSent | O::NotFound) => {
                T::Stale
            }
        }
    }
}

/// One operation of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id, and the idempotency key that the gateway sees.
    pub id: OperationId,
    /// A number of its own, unique in the installation and below 2^53, for dialects that name operations by
    /// numbers; 0 until it is saved.
    #[serde(default)]
    pub serial: i64,
    /// Its place within the payment, from 1. Tries are ordered by it, never by clock or id.
    pub number: u32,
    /// What it does.
    pub kind: OperationKind,
    /// Where it stands.
    pub state: OperationState,
    /// How much, in minor units of the payment's currency.
    pub amount: i64,
    /// The part of `amount` that moves on the customer's balance and not at the gateway, in minor units.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub on_balance: i64,
    /// The try that it captures, voids or refunds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// The merchant's own key of it (externalRefundId).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What the merchant wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The kinds of incidents that doubtful news about it opened; one of each is enough until a person has
    /// looked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<IncidentKind>,
    /// The payment method that carries it out.
    pub method: String,
    /// Who asked for it.
    pub initiator: Initiator,
    /// With a capture: whether the rest of the hold goes back to the payer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub release_rest: bool,
    /// Whether it is a success that the payment did not need, or undoes one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub surplus: bool,
    /// With `surplus`: whether its money stands on the customer's balance, or leaves from there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub credited: bool,
    /// Whether its processing period is over: the payment no longer waits for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub period_over: bool,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline: Option<DeclineCode>,
    /// The card, as far as it may be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardSummary>,
    /// What the gateway told.
    pub facts: Facts,
    /// What the payer must do now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<PayerAction>,
    /// The pending posting that reserves its money in the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<u32>,
    /// How many exchanges with the gateway were begun.
    pub exchanges: u32,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When it was sent last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// When its end became known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

impl Operation {
    /// What the gateway moves, in minor units: all but the part on the customer's balance.
    pub const fn at_gateway(&self) -> i64 {
        self.amount - self.on_balance
    }

    /// What the gateway is asked for, as money of `payment`'s currency.
    pub fn money(&self, payment: &crate::Payment) -> Money {
        payment.money(self.at_gateway())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_what_the_document_says() {
        use {OperationState as S, Transition as T};
        let declined = Outcome::Declined(DeclineCode::General);
        let outcomes = [
            Outcome::Approved,
            declined,
            Outcome::Pending,
            Outcome::Unknown,
            Outcome::NotSent,
            Outcome::NotFound,
            Outcome::Voided,
        ];
        let to = T::To;
        let (same, stale, no) = (T::Repeated, T::Stale, T::Contradiction);
        #[rustfmt::skip]
        let table = [
            (S::Created,   [no, no, no, no, same, same, no]),
            (S::Sent,      [to(S::Succeeded), to(S::Declined), to(S::Pending), to(S::Pending), to(S::Created), to(S::Created), to(S::Voided)]),
            (S::Pending,   [to(S::Succeeded), to(S::Declined), to(S::Pending), to(S::Pending), to(S::Pending), to(S::Created), to(S::Voided)]),
            (S::Succeeded, [same, no, stale, stale, stale, no, no]),
            (S::Declined,  [no, same, stale, stale, stale, stale, same]),
            (S::Voided,    [no, same, stale, stale, stale, stale, same]),
        ];
        for (state, row) in table {
            for (outcome, expected) in outcomes.iter().zip(row) {
                assert_eq!(state.after(outcome), expected, "{state:?} {outcome:?}");
            }
        }
    }

    #[test]
    fn a_finished_operation_never_moves() {
        for state in [
            OperationState::Succeeded,
            OperationState::Declined,
            OperationState::Voided,
        ] {
            for outcome in [Outcome::Approved, Outcome::Unknown, Outcome::NotFound] {
                assert!(!matches!(state.after(&outcome), Transition::To(_)));
            }
        }
    }

    #[test]
    fn words_round_trip() {
        for kind in OperationKind::ALL {
            assert_eq!(OperationKind::parse(kind.word()), Some(kind));
        }
        for state in OperationState::ALL {
            assert_eq!(OperationState::parse(state.word()), Some(state));
        }
    }
}
