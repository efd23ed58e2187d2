//! Why a use case did not come to its end. A gateway's refusal is not one of these.

use altyn_domain::Refusal;
use altyn_storage::StorageError;
use tracing::warn;

/// Why a use case did not come to its end.
///
/// [`Busy`](Self::Busy), [`Unavailable`](Self::Unavailable) and [`Refused`](Self::Refused) promise that nothing
/// of this request was written and nothing was sent that changes anything: whoever hears one of them may send
/// the request again. From the first write or message on, a failure is [`StateUnknown`](Self::StateUnknown),
/// whatever caused it: a use case marks those places with `late`.
///
/// What only accompanies a request does not count: the line of the audit trail that says what was asked for, the
/// count of wrong passwords, when a token was used, a question to a gateway.
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
    /// The answer of the database was lost, or something failed behind the first write: what was asked for
    /// may or may not be done, in part or as a whole. Whoever wants it must look before asking again.
    #[error("state unknown")]
    StateUnknown,
    /// A fault of this program. The log has the details; what was asked for may or may not be done.
    #[error("internal fault")]
    Fault(String),
}

impl From<StorageError> for EngineError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Corrupt(row) => Self::Fault(row.to_string()),
            StorageError::CommitUnknown(why) => {
                warn!(error = %why, "the answer to a commit was lost");
                Self::StateUnknown
            }
            StorageError::Conflict
            | StorageError::Unavailable(_)
            | StorageError::Refused(_)
            | StorageError::Unusable(_) => Self::Unavailable(Some(error)),
        }
    }
}

impl EngineError {
    /// What a failure means behind the first write of a use case or its first message to others: that nothing
    /// changed would be a lie.
    pub(crate) fn late(self) -> Self {
        match self {
            Self::StateUnknown | Self::Fault(_) => self,
            Self::Refused(_) | Self::Denied(_) | Self::Busy | Self::Unavailable(_) => {
                warn!(error = %self, "something failed after a change was written");
                Self::StateUnknown
            }
        }
    }

    /// The failure of a write that only accompanies a request: whether that is on disk or not, nothing that
    /// was asked for is.
    pub(crate) fn beside(error: StorageError) -> Self {
        match Self::from(error) {
            Self::StateUnknown => Self::Unavailable(None),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use altyn_domain::Refusal;

    use super::*;

    fn lost() -> StorageError {
        StorageError::CommitUnknown("on purpose".to_owned())
    }

    #[test]
    fn a_lost_commit_is_never_told_as_nothing_changed() {
        let told = EngineError::from(lost());
        assert!(matches!(told, EngineError::StateUnknown));
        for nothing in [
            StorageError::Conflict,
            StorageError::Unavailable(String::new()),
            StorageError::Refused(String::new()),
        ] {
            let told = EngineError::from(nothing);
            assert!(matches!(told, EngineError::Unavailable(_)), "{told:?}");
        }
        let told = EngineError::beside(lost());
        assert!(matches!(told, EngineError::Unavailable(_)), "{told:?}");
    }

    #[test]
    fn behind_the_first_write_no_failure_says_that_nothing_changed() {
        for early in [
            EngineError::Busy,
            EngineError::Unavailable(None),
            EngineError::Refused(Refusal::LeaseLost),
            EngineError::Refused(Refusal::SettingsChanged),
            EngineError::Refused(Refusal::PaymentNotFound),
            EngineError::Denied(crate::AuthenticationError::Denied),
            EngineError::StateUnknown,
        ] {
            let late = early.late();
            assert!(matches!(late, EngineError::StateUnknown), "{late:?}");
        }
        let fault = EngineError::Fault(String::new()).late();
        assert!(matches!(fault, EngineError::Fault(_)));
    }
}
