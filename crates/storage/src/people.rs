//! People who sign in, and what lets them in: sessions, API tokens, invitations.

use altyn_domain::{Role, Scope, Timestamp, TokenId, UserId};
use async_trait::async_trait;
use uuid::Uuid;

use crate::{AuditEntry, StorageError};

/// A person as stored. `body` is sealed by the engine and opaque here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// The id.
    pub id: UserId,
    /// The e-mail address in small letters; unique in the installation.
    pub email: String,
    /// What the person is there for.
    pub role: Role,
    /// Where in the tree of owners.
    pub scope: Scope,
    /// The sealed rest: name, password hash, second factor.
    pub body: String,
    /// Grows by one with every change; from 1.
    pub revision: i64,
    /// When the person was made known.
    pub created_at: Timestamp,
    /// Since when the person is not let in.
    pub disabled_at: Option<Timestamp>,
}

/// What a bearer token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A person signed in.
    Session,
    /// A program acts for a person.
    Api,
    /// A person may become a user.
    Invitation,
}

impl TokenKind {
    /// The word stored in databases.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Api => "api",
            Self::Invitation => "invitation",
        }
    }

    /// Reads [`word`](Self::word).
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Session, Self::Api, Self::Invitation]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// A bearer token as stored: only the keyed hash of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its id, by which it is listed and ended.
    pub id: TokenId,
    /// Keyed hash of its text, 32 bytes; unique.
    pub hash: Vec<u8>,
    /// What it is for.
    pub kind: TokenKind,
    /// Whose it is; with an invitation who invited.
    pub user_id: UserId,
    /// With an invitation: where in the tree the person is to stand.
    pub scope: Option<Scope>,
    /// The sealed rest: name, scopes, address, what an invitation offers.
    pub body: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was used last.
    pub seen_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

/// Changes of people and tokens that take place together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeopleChange {
    /// People to be made known. A taken address is a conflict.
    pub new_users: Vec<UserRecord>,
    /// People as they are to be: each with a revision one higher than the stored one, else a conflict.
    pub users: Vec<UserRecord>,
    /// Tokens to be made.
    pub new_tokens: Vec<TokenRecord>,
    /// Tokens to be ended. One that is ended already is a conflict.
    pub ended_tokens: Vec<TokenId>,
    /// All tokens of this kind of this person are to be ended, but the one that is excepted and those in
    /// `new_tokens`.
    pub ended_of: Option<(UserId, TokenKind, Option<TokenId>)>,
    /// Lines of the audit trail about it. A taken place is a conflict.
    pub audit: Vec<AuditEntry>,
}

/// Which tokens are wanted, newest first. Ended ones are left out, and those whose end has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSearch {
    /// What they are for.
    pub kind: TokenKind,
    /// Only of this person.
    pub user_id: Option<UserId>,
    /// Only those that expire after this.
    pub alive_at: Timestamp,
    /// Only those that offer one of these scopes (reseller, merchant or customer id).
    pub scopes: Option<Vec<Uuid>>,
    /// Only older ones than this.
    pub after: Option<TokenId>,
    /// At most that many.
    pub limit: u32,
}

/// Which people are wanted, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserSearch {
    /// Only those who stand at one of these (reseller, merchant or customer id); `None` for all.
    pub scopes: Option<Vec<Uuid>>,
    /// Also customers of these projects.
    pub projects: Vec<altyn_domain::ProjectId>,
    /// Only behind this one.
    pub after: Option<UserId>,
    /// At most that many.
    pub limit: u32,
}

/// People and tokens in a database.
#[async_trait]
pub trait People: Send + Sync {
    /// Carries out a change at `at`, wholly or not at all.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if something moved meanwhile, or see [`StorageError`].
    async fn save_people(&self, change: &PeopleChange, at: Timestamp) -> Result<(), StorageError>;

    /// The person with this id.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn user(&self, id: UserId) -> Result<Option<UserRecord>, StorageError>;

    /// The person with this address, in small letters.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn user_by_email(&self, email: &str) -> Result<Option<UserRecord>, StorageError>;

    /// A page of people.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn users(&self, search: &UserSearch) -> Result<Vec<UserRecord>, StorageError>;

    /// The token with this hash, ended or not.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn token_by_hash(&self, hash: &[u8]) -> Result<Option<TokenRecord>, StorageError>;

    /// A page of tokens.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn tokens(&self, search: &TokenSearch) -> Result<Vec<TokenRecord>, StorageError>;

    /// Notes that a token was used at `at`; an earlier time changes nothing.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn touch_token(&self, id: TokenId, at: Timestamp) -> Result<(), StorageError>;

    /// Forgets tokens that ended or expired before `before`.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn forget_tokens(&self, before: Timestamp) -> Result<(), StorageError>;
}

/// A request with an idempotency key, and its answer once there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// Who asked.
    pub owner: Uuid,
    /// Hash of the key, 32 bytes; with `owner` unique.
    pub key_hash: Vec<u8>,
    /// Digest of the request, 32 bytes.
    pub digest: Vec<u8>,
    /// When it came first.
    pub at: Timestamp,
    /// The sealed answer; `None` while it is not known.
    pub answer: Option<String>,
}

/// Idempotency records in a database.
#[async_trait]
pub trait Idempotency: Send + Sync {
    /// Writes a record unless there is one with its owner and key: then that one is returned, and nothing
    /// written.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn begin_request(
        &self,
        record: &IdempotencyRecord,
    ) -> Result<Option<IdempotencyRecord>, StorageError>;

    /// Keeps the answer, if there is none yet.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn finish_request(
        &self,
        owner: Uuid,
        key_hash: &[u8],
        answer: &str,
    ) -> Result<(), StorageError>;

    /// Forgets a record without an answer: its request changed nothing.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn forget_request(&self, owner: Uuid, key_hash: &[u8]) -> Result<(), StorageError>;

    /// Forgets all records older than `before`.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn forget_requests(&self, before: Timestamp) -> Result<(), StorageError>;
}
