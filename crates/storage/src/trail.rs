//! The audit trail: who did what, chained so that a gap or an edit is seen.

use altyn_domain::{Timestamp, UserId};
use async_trait::async_trait;
use uuid::Uuid;

use crate::StorageError;

/// One line of the audit trail. Never changed, never deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The chain: one per writer.
    pub chain: Uuid,
    /// The place in the chain, from 1 without gaps.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// The person who acted; `None` for the program and its commands.
    pub actor: Option<UserId>,
    /// Who acted, for people.
    pub actor_name: String,
    /// The reseller, merchant or project that it concerns; `None` for the whole installation.
    pub scope: Option<Uuid>,
    /// What was done, a word such as `connector.created`.
    pub action: String,
    /// What it was done to: an id, or empty.
    pub subject: String,
    /// What else is to be known, a JSON object. Never a secret, never card data.
    pub detail: String,
    /// The hash of the entry before it in the chain, 32 bytes; zeros for the first.
    pub previous_hash: Vec<u8>,
    /// The hash of all of the above, 32 bytes.
    pub hash: Vec<u8>,
}

/// The place of an entry in the order in which entries are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditPlace {
    /// When.
    pub at: Timestamp,
    /// The chain.
    pub chain: Uuid,
    /// The place in the chain.
    pub number: i64,
}

/// Which entries are wanted, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditSearch {
    /// Only those that concern one of these; `None` for all, those of the whole installation too.
    pub scopes: Option<Vec<Uuid>>,
    /// Only by this person.
    pub actor: Option<UserId>,
    /// Only this action.
    pub action: Option<String>,
    /// Only older than this place.
    pub after: Option<AuditPlace>,
    /// At most that many.
    pub limit: u32,
}

/// The audit trail of a database. Entries of changes are written with the change; see
/// [`SettingsChange`](crate::SettingsChange) and [`PeopleChange`](crate::PeopleChange).
#[async_trait]
pub trait Trail: Send + Sync {
    /// Writes entries that belong to no change of their own. An entry whose place is taken is a
    /// [`StorageError::Conflict`], and nothing is written.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn append_audit(&self, entries: &[AuditEntry]) -> Result<(), StorageError>;

    /// A page of entries.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn audit_entries(&self, search: &AuditSearch) -> Result<Vec<AuditEntry>, StorageError>;

    /// Entries of one chain from `from` on, ascending, at most `limit`.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn audit_chain(
        &self,
        chain: Uuid,
        from: i64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StorageError>;

    /// The last entry of every chain, in the order of the chains' ids.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn audit_heads(&self) -> Result<Vec<AuditEntry>, StorageError>;
}
