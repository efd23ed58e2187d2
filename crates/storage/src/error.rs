//! What can go wrong in a database, sorted by what the caller must do.

/// What went wrong, sorted by what the caller must do.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Another writer was faster or the database wants the transaction run again: nothing was written;
    /// load, decide and save again.
    #[error("the transaction must be run again")]
    Conflict,
    /// The database could not be reached or broke off before the commit was sent: nothing was written.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The connection broke while the commit was under way: look for the batch's id before doing
    /// anything else.
    #[error("the answer to a commit was lost: {0}")]
    CommitUnknown(String),
    /// The database refused a row by a constraint: a bug in this program; nothing was written.
    #[error("the database refused the change: {0}")]
    Refused(String),
    /// A stored row cannot be read.
    #[error(transparent)]
    Corrupt(#[from] crate::CorruptRow),
    /// The database is of a newer version, its migration failed, or it cannot be opened.
    #[error("the database cannot be used: {0}")]
    Unusable(String),
}
