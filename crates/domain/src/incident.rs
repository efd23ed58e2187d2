//! Incidents: what a person must look at.

use serde::{Deserialize, Serialize};

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// A gateway's answer contradicts an end that we know.
    Contradiction,
    /// A gateway speaks of another amount or currency than was asked.
    AmountMismatch,
    /// Money came that the payment did not need.
    Surplus,
    /// The return of surplus money failed.
    SurplusStuck,
    /// A gateway has not told the end of an operation for too long.
    Unresolved,
    /// A capture or void that was to happen by itself was refused.
    AutomaticRefused,
    /// Somebody sent a notice of a gateway that is not to be believed.
    NoticeRefused,
}

impl IncidentKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Contradiction,
        Self::AmountMismatch,
        Self::Surplus,
        Self::SurplusStuck,
        Self::Unresolved,
        Self::AutomaticRefused,
        Self::NoticeRefused,
    ];

    /// The word stored in databases.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Contradiction => "contradiction",
            Self::AmountMismatch => "amount_mismatch",
            Self::Surplus => "surplus",
            Self::SurplusStuck => "surplus_stuck",
            Self::Unresolved => "unresolved",
            Self::AutomaticRefused => "automatic_refused",
            Self::NoticeRefused => "notice_refused",
        }
    }

    /// Reads [`word`](Self::word).
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// One thing that a person must look at, opened by a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number within the payment, from 1.
    pub number: u32,
    /// What went wrong.
    pub kind: IncidentKind,
    /// The operation it is about.
    pub operation: Option<u32>,
    /// What was seen, for a person to read. Never card data.
    pub detail: String,
}
