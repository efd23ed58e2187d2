//! What went wrong in SQLite, sorted by what the caller must do.

use altyn_storage::{CorruptRow, StorageError};
use rusqlite::ffi::{self, ErrorCode};

/// Why a piece of work ended early.
#[derive(Debug)]
pub(crate) enum Fault {
    /// SQLite's own error.
    Sql(rusqlite::Error),
    /// Already sorted.
    Sorted(StorageError),
    /// The disk failed under a commit: nobody knows whether it is written.
    CommitLost(rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<CorruptRow> for Fault {
    fn from(row: CorruptRow) -> Self {
        Self::Sorted(row.into())
    }
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        Self::Sorted(error)
    }
}

impl Fault {
    /// A stored value that this program never writes.
    pub fn corrupt(table: &'static str, key: impl std::fmt::Display, column: &str) -> Self {
        Self::from(CorruptRow {
            table,
            key: key.to_string(),
            column: column.to_owned(),
        })
    }

    /// Whether the connection must not be used again.
    pub fn breaks_connection(&self) -> bool {
        match self {
            Self::CommitLost(_) => true,
            Self::Sorted(_) => false,
            Self::Sql(error) => match error.sqlite_error_code() {
                Some(code) => matches!(
                    code,
                    ErrorCode::SystemIoFailure
                        | ErrorCode::DatabaseCorrupt
                        | ErrorCode::NotADatabase
                        | ErrorCode::CannotOpen
                        | ErrorCode::ApiMisuse
                        | ErrorCode::InternalMalfunction
                        | ErrorCode::OutOfMemory
                ),
                None => false,
            },
        }
    }

    /// The error that the caller of the contract gets.
    pub fn sorted(self) -> StorageError {
        match self {
            Self::Sorted(error) => error,
            Self::CommitLost(error) => StorageError::CommitUnknown(error.to_string()),
            Self::Sql(error) => sort(&error),
        }
    }
}

fn sort(error: &rusqlite::Error) -> StorageError {
    use rusqlite::Error as E;
    let text = error.to_string();
    match error {
        E::SqliteFailure(failure, _) => sort_code(*failure, text),
        E::FromSqlConversionFailure(..)
        | E::IntegralValueOutOfRange(..)
        | E::InvalidColumnType(..)
        | E::Utf8Error(..) => StorageError::Corrupt(CorruptRow {
            table: "unknown",
            key: "unknown".to_owned(),
            column: text,
        }),
        E::InvalidPath(_) | E::NulError(_) => StorageError::Unusable(text),
        // Wrong SQL or wrong parameters are bugs of this program.
        _ => StorageError::Refused(text),
    }
}

fn sort_code(failure: ffi::Error, text: String) -> StorageError {
    match failure.code {
        ErrorCode::DatabaseBusy if failure.extended_code == ffi::SQLITE_BUSY_SNAPSHOT => {
            StorageError::Conflict
        }
        ErrorCode::DatabaseLocked => StorageError::Conflict,
        // We have waited for the lock already: this is not a race that is won by trying again at once.
        ErrorCode::DatabaseBusy => {
            StorageError::Unavailable("another program holds the database file".to_owned())
        }
        ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig => {
            StorageError::Refused(text)
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StorageError::Unusable(text),
        ErrorCode::Unknown | ErrorCode::ApiMisuse | ErrorCode::ParameterOutOfRange => {
            StorageError::Refused(text)
        }
        // The disk, the file system, memory: it may pass.
        _ => StorageError::Unavailable(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: i32) -> Fault {
        Fault::Sql(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    }

    #[test]
    fn row_6_errors_are_sorted_by_what_the_caller_must_do() {
        use StorageError as S;
        type Is = fn(&S) -> bool;
        let unavailable: Is = |e| matches!(e, S::Unavailable(_));
        let refused: Is = |e| matches!(e, S::Refused(_));
        let unusable: Is = |e| matches!(e, S::Unusable(_));
        let conflict: Is = |e| matches!(e, S::Conflict);
        let table = [
            (ffi::SQLITE_IOERR_FSYNC, unavailable, true),
            (ffi::SQLITE_IOERR_WRITE, unavailable, true),
            (ffi::SQLITE_FULL, unavailable, false),
            (ffi::SQLITE_READONLY, unavailable, false),
            (ffi::SQLITE_CANTOPEN, unavailable, true),
            (ffi::SQLITE_NOMEM, unavailable, true),
            (ffi::SQLITE_BUSY, unavailable, false),
            (ffi::SQLITE_BUSY_SNAPSHOT, conflict, false),
            (ffi::SQLITE_CONSTRAINT_CHECK, refused, false),
            (ffi::SQLITE_CONSTRAINT_FOREIGNKEY, refused, false),
            (ffi::SQLITE_CONSTRAINT_TRIGGER, refused, false),
            (ffi::SQLITE_ERROR, refused, false),
            (ffi::SQLITE_CORRUPT, unusable, true),
            (ffi::SQLITE_NOTADB, unusable, true),
        ];
        for (code, is, breaks) in table {
            assert_eq!(fault(code).breaks_connection(), breaks, "{code}");
            let error = fault(code).sorted();
            assert!(is(&error), "{code}: {error:?}");
        }
    }

    #[test]
    fn row_6_a_commit_that_the_disk_failed_is_unknown() {
        let Fault::Sql(error) = fault(ffi::SQLITE_IOERR_FSYNC) else {
            panic!("it is SQLite's");
        };
        let lost = Fault::CommitLost(error);
        assert!(lost.breaks_connection());
        assert!(matches!(lost.sorted(), StorageError::CommitUnknown(_)));
    }
}
