//! Why a use case did not come to its end. A gateway's refusal is not one of these.

use altyn_domain::Refusal;
use altyn_storage::StorageError;

/// Why a use case did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A rule forbids it; nothing changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The credential was revoked since the caller was let in; nothing changed.
    #[error(transparent)]
    Denied(#[from] crate::AuthenticationError),
    /// Too many commands wait; nothing changed. Try again later.
    #[error("busy")]
    Busy,
    /// The database is not available; nothing changed. Try again later.
    #[error("the database is not available")]
    Unavailable(#[source] Option<StorageError>),
    /// The answer of the database was lost: the change may or may not be on disk.
    #[error("state unknown")]
    StateUnknown,
    /// A fault of this program; nothing changed. The log has the details.
    #[error("internal fault")]
    Fault(String),
}

impl From<StorageError> for EngineError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Corrupt(row) => Self::Fault(row.to_string()),
            other => Self::Unavailable(Some(other)),
        }
    }
}
