//! What a failed statement means for the caller.

use std::error::Error as _;

use altyn_storage::{CorruptRow, StorageError};
use tokio_postgres::error::{DbError, Severity, SqlState};

/// The whole chain of causes as one line.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// Why something did not work while nothing was committed yet.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database or the library said so.
    Database(tokio_postgres::Error),
    /// A row cannot be read.
    Corrupt(CorruptRow),
    /// No answer within the time limit.
    Silent,
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<CorruptRow> for Failure {
    fn from(row: CorruptRow) -> Self {
        Self::Corrupt(row)
    }
}

impl Failure {
    /// Whether the connection is good for further statements.
    pub(crate) fn keeps_connection(&self) -> bool {
        match self {
            Self::Database(error) => error.as_db_error().is_some_and(|e| !is_fatal(e)),
            Self::Corrupt(_) => true,
            Self::Silent => false,
        }
    }
}

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error) => not_committed(&error),
            Failure::Corrupt(row) => Self::Corrupt(row),
            Failure::Silent => Self::Unavailable("no answer within the time limit".to_owned()),
        }
    }
}

/// Whether the server closes the connection after this error.
pub(crate) fn is_fatal(error: &DbError) -> bool {
    matches!(
        error.parsed_severity(),
        Some(Severity::Fatal | Severity::Panic)
    )
}

/// The error of a transaction that certainly was not committed.
pub(crate) fn not_committed(error: &tokio_postgres::Error) -> StorageError {
    let Some(db) = error.as_db_error() else {
        // What the library refuses to send is our own mistake; the rest is the network.
        return match error.is_closed() || is_io(error) {
            true => StorageError::Unavailable(describe(error)),
            false => StorageError::Refused(describe(error)),
        };
    };
    let code = db.code();
    let text = format!("{} ({})", describe(error), code.code());
    if is_fatal(db) {
        return StorageError::Unavailable(text);
    }
    match code {
        &SqlState::T_R_SERIALIZATION_FAILURE
        | &SqlState::T_R_DEADLOCK_DETECTED
        // Only the statement that clears timers divides; see `save`.
        | &SqlState::DIVISION_BY_ZERO => StorageError::Conflict,
        &SqlState::UNIQUE_VIOLATION if another_writer_may_win(db) => StorageError::Conflict,
        &SqlState::LOCK_NOT_AVAILABLE | &SqlState::READ_ONLY_SQL_TRANSACTION => {
            StorageError::Unavailable(text)
        }
        other => match other.code().get(..2) {
            // Connection, resources, operator, system, internal: not the fault of what was written.
            Some("08" | "53" | "57" | "58" | "XX") => StorageError::Unavailable(text),
            _ => StorageError::Refused(text),
        },
    }
}

/// Keys that are not locked before they are written: nobody can lock what is not there.
fn another_writer_may_win(db: &DbError) -> bool {
    matches!(
        db.table(),
        Some("payments" | "payment_references" | "users" | "audit_entries")
    )
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    error
        .source()
        .is_some_and(|source| source.is::<std::io::Error>())
}
