//! Why something that a person asked for in the back office was not done. Nothing changed then, unless the
//! engine says that the end is not known.

use altyn_domain::{Permission, Refusal};
use altyn_storage::StorageError;
use tracing::warn;

use crate::EngineError;

/// One thing that is wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Where: a path such as `schema[2].options`; empty for the whole.
    pub field: String,
    /// What is wrong, for people, without a full stop.
    pub message: String,
}

impl Flaw {
    /// A flaw of this field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// There is no such thing, or it is not in the caller's reach: both look alike.
    #[error("not found")]
    NotFound,
    /// The caller's role or token lacks this permission.
    #[error("the permission {} is needed", .0.word())]
    Forbidden(Permission),
    /// The caller has the permission, and stands too low for this: what is missing, for people.
    #[error("{0}")]
    Rank(&'static str),
    /// What was sent is wrong.
    #[error("invalid")]
    Invalid(Vec<Flaw>),
    /// It does not go with what is there: a code for programs, and words for people.
    #[error("{1}")]
    Conflict(&'static str, String),
    /// It was changed since the caller saw it.
    #[error("it was changed meanwhile")]
    Stale,
    /// The engine says why.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl OfficeError {
    /// What was sent is wrong in one place.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Flaw::new(field, message)])
    }

    /// What a failure means behind the first write; see [`EngineError`].
    pub(crate) fn late(self) -> Self {
        Self::Engine(match self {
            Self::Engine(error) => error.late(),
            other => {
                warn!(error = %other, "something failed after a change was written");
                EngineError::StateUnknown
            }
        })
    }
}

impl From<Refusal> for OfficeError {
    fn from(refusal: Refusal) -> Self {
        Self::Engine(refusal.into())
    }
}

impl From<StorageError> for OfficeError {
    fn from(error: StorageError) -> Self {
        Self::Engine(error.into())
    }
}
