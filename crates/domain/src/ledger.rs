//! The ledger: double entry, append-only.
//!
//! A [`Posting`] moves a positive amount from one account (credit) to another (debit) of one project
//! and one currency, so an entry is balanced by construction. *Pending* postings reserve; a later
//! posting that names one in `settles` posts or releases part of it. Postings are never edited.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Currency, CustomerId, ProjectId, Timestamp};

/// The accounts of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// What the gateways owe us.
    ConnectorClearing,
    /// What we owe the merchant.
    MerchantPayable,
    /// Money that nobody needed and that must leave again.
    Suspense,
    /// What we owe the project's customers; whose it is says the posting's `customer_id`.
    CustomerBalance,
}

impl AccountKind {
    /// The word stored in databases.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ConnectorClearing => "connector_clearing",
            Self::MerchantPayable => "merchant_payable",
            Self::Suspense => "suspense",
            Self::CustomerBalance => "customer_balance",
        }
    }

    /// Reads [`word`](Self::word).
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::ConnectorClearing,
            Self::MerchantPayable,
            Self::Suspense,
            Self::CustomerBalance,
        ]
        .into_iter()
        .find(|kind| kind.word() == word)
    }
}

/// One account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Account {
    /// Whose.
    pub project_id: ProjectId,
    /// Which.
    pub kind: AccountKind,
    /// In which currency.
    pub currency: Currency,
}

/// Why a posting was made. The postings of one event form an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Money was reserved.
    Hold,
    /// A reservation was captured.
    Capture,
    /// Money was taken at once.
    Sale,
    /// A reservation or its rest was given up.
    Void,
    /// Money goes or went back to the payer.
    Refund,
    /// A capture was undone.
    Reversal,
    /// Money came that the payment did not need.
    Surplus,
    /// Surplus money goes or went back.
    SurplusReturn,
}

impl EntryKind {
    /// The word stored in databases.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Sale => "sale",
            Self::Void => "void",
            Self::Refund => "refund",
            Self::Reversal => "reversal",
            Self::Surplus => "surplus",
            Self::SurplusReturn => "surplus_return",
        }
    }

    /// Reads [`word`](Self::word).
    pub fn parse(word: &str) -> Option<Self> {
        use EntryKind::{Capture, Hold, Refund, Reversal, Sale, Surplus, SurplusReturn, Void};
        [
            Hold,
            Capture,
            Sale,
            Void,
            Refund,
            Reversal,
            Surplus,
            SurplusReturn,
        ]
        .into_iter()
        .find(|kind| kind.word() == word)
    }
}

/// Whether a posting reserves, posts or releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reserves; counts in pending sums until it is settled.
    Pending,
    /// Moves money. With `settles` it takes its amount out of that reservation.
    Posted,
    /// Gives up its amount of the reservation in `settles`.
    Released,
}

impl Phase {
    /// The number stored in both databases.
    pub const fn number(self) -> i16 {
        match self {
            Self::Pending => 1,
            Self::Posted => 2,
            Self::Released => 3,
        }
    }

    /// Reads [`number`](Self::number).
    pub fn from_number(number: i16) -> Option<Self> {
        [Self::Pending, Self::Posted, Self::Released]
            .into_iter()
            .find(|p| p.number() == number)
    }
}

/// One movement between two accounts of one project and one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// Its number within the payment, from 1.
    pub number: u32,
    /// The operation that caused it.
    pub operation: u32,
    /// Why.
    pub entry: EntryKind,
    /// Reserves, posts or releases.
    pub phase: Phase,
    /// The pending posting that it settles in part or in full.
    pub settles: Option<u32>,
    /// Whose accounts.
    pub project_id: ProjectId,
    /// Receives.
    pub debit: AccountKind,
    /// Gives.
    pub credit: AccountKind,
    /// In which currency.
    pub currency: Currency,
    /// How much, in minor units; always positive.
    pub amount: i64,
    /// Whose balance, if one of the accounts is [`AccountKind::CustomerBalance`].
    pub customer_id: Option<CustomerId>,
    /// When.
    pub at: Timestamp,
}

/// What a set of postings changes on one account, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDelta {
    /// Change of the posted debit sum.
    pub posted_debit: i64,
    /// Change of the posted credit sum.
    pub posted_credit: i64,
    /// Change of the pending debit sum; negative when reservations are settled.
    pub pending_debit: i64,
    /// Change of the pending credit sum; negative when reservations are settled.
    pub pending_credit: i64,
}

/// What `postings` change, summed per account in account order, so that a hot account costs one row
/// per commit and two writers lock accounts in the same order.
pub fn account_deltas<'a>(
    postings: impl IntoIterator<Item = &'a Posting>,
) -> BTreeMap<Account, AccountDelta> {
    let mut deltas: BTreeMap<Account, AccountDelta> = BTreeMap::new();
    for posting in postings {
        let (posted, pending) = match (posting.phase, posting.settles) {
            (Phase::Pending, _) => (0, posting.amount),
            (Phase::Posted, None) => (posting.amount, 0),
            (Phase::Posted, Some(_)) => (posting.amount, -posting.amount),
            (Phase::Released, _) => (0, -posting.amount),
        };
        let account = |kind| Account {
            project_id: posting.project_id,
            kind,
            currency: posting.currency,
        };
        let debit = deltas.entry(account(posting.debit)).or_default();
        debit.posted_debit += posted;
        debit.pending_debit += pending;
        let credit = deltas.entry(account(posting.credit)).or_default();
        credit.posted_credit += posted;
        credit.pending_credit += pending;
    }
    deltas
}

/// One customer's balance in one currency: a part of the project's account `customer_balance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BalanceKey {
    /// Whose.
    pub customer_id: CustomerId,
    /// In which currency.
    pub currency: Currency,
}

/// What stands on a customer's balance, or what changes there, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// What we owe the customer, what is reserved included.
    pub posted: i64,
    /// The part of it that tries and returns under way have reserved.
    pub reserved: i64,
}

impl Balance {
    /// What can be spent.
    pub const fn available(self) -> i64 {
        self.posted - self.reserved
    }

    /// Both sums changed by `change`.
    #[must_use]
    pub const fn plus(self, change: Self) -> Self {
        Self {
            posted: self.posted + change.posted,
            reserved: self.reserved + change.reserved,
        }
    }
}

/// What `postings` change on customers' balances, in key order.
pub fn balance_deltas<'a>(
    postings: impl IntoIterator<Item = &'a Posting>,
) -> BTreeMap<BalanceKey, (ProjectId, Balance)> {
    let mut deltas: BTreeMap<BalanceKey, (ProjectId, Balance)> = BTreeMap::new();
    for posting in postings {
        let Some(customer_id) = posting.customer_id else {
            continue;
        };
        let gives = posting.debit == AccountKind::CustomerBalance;
        let change = match (posting.phase, posting.settles) {
            (Phase::Pending, _) if gives => (0, posting.amount),
            // What is promised to a balance is not there before it is posted.
            (Phase::Pending, _) => (0, 0),
            (Phase::Posted, None) if gives => (-posting.amount, 0),
            (Phase::Posted, Some(_)) if gives => (-posting.amount, -posting.amount),
            (Phase::Posted, _) => (posting.amount, 0),
            (Phase::Released, _) if gives => (0, -posting.amount),
            (Phase::Released, _) => (0, 0),
        };
        let key = BalanceKey {
            customer_id,
            currency: posting.currency,
        };
        let (_, delta) = deltas
            .entry(key)
            .or_insert((posting.project_id, Balance::default()));
        *delta = delta.plus(Balance {
            posted: change.0,
            reserved: change.1,
        });
    }
    deltas
}

/// Replays one payment's postings in order and returns what is still reserved under each pending
/// posting. Used by the audit and by tests.
///
/// # Errors
/// A text for a person if a posting is not positive, joins an account to itself, is of a customer's balance
/// without the customer or the other way round, or settles what does not exist or more than is left.
pub fn replay_balances(postings: &[Posting]) -> Result<BTreeMap<u32, i64>, String> {
    let mut open: BTreeMap<u32, i64> = BTreeMap::new();
    for posting in postings {
        if posting.amount <= 0 || posting.debit == posting.credit {
            return Err(format!("posting {} is not a movement", posting.number));
        }
        let of_customer = [posting.debit, posting.credit].contains(&AccountKind::CustomerBalance);
        if of_customer != posting.customer_id.is_some() {
            return Err(format!("posting {} moves nobody's balance", posting.number));
        }
        match (posting.phase, posting.settles) {
            (Phase::Pending, None) => {
                open.insert(posting.number, posting.amount);
            }
            (Phase::Posted, None) => {}
            (Phase::Posted | Phase::Released, Some(settled)) => {
                let rest = open
                    .get_mut(&settled)
                    .ok_or(format!("posting {} settles nothing", posting.number))?;
                *rest -= posting.amount;
                if *rest < 0 {
                    return Err(format!("posting {} settles too much", posting.number));
                }
            }
            (Phase::Pending, Some(_)) | (Phase::Released, None) => {
                return Err(format!("posting {} has a wrong phase", posting.number));
            }
        }
    }
    Ok(open)
}
