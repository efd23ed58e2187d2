//! Changing people: rows are read, a use case decides, and what it decided is saved with its lines of the audit
//! trail. The rows carry the revision that was read, so if somebody else was faster all of it begins again.

use altyn_domain::TokenId;
use altyn_storage::{PeopleChange, StorageError, TokenKind, TokenSearch, UserRecord};
use serde_json::{Value, json};

use super::PAGE_MAX;
use super::user::User;
use crate::trail::Act;
use crate::{Caller, Engine, EngineError, OfficeError};

/// How often a change is decided again because another one was faster.
const TRIES_MAX: u32 = 16;

/// What a use case decided on the rows that it read.
pub(super) enum Decision<T> {
    /// It is saved with these lines of the audit trail, and then this is the answer.
    Save(PeopleChange, Vec<Act>, T),
    /// Nothing changes.
    Nothing(T),
}

/// What ends with the change of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Nothing,
    Sessions,
    /// All sessions but the one that acts.
    OtherSessions,
    /// All sessions but the one that acts, and all API tokens.
    OtherSessionsAndTokens,
    SessionsAndTokens,
}

/// What was decided about one person.
pub(super) struct PersonChange<T> {
    /// What was done, for the audit trail.
    action: &'static str,
    /// What else is to be known of it.
    detail: Value,
    ended: Ended,
    answer: T,
}

impl<T> PersonChange<T> {
    pub(super) fn new(action: &'static str, ended: Ended, answer: T) -> Self {
        Self {
            action,
            detail: json!({}),
            ended,
            answer,
        }
    }

    pub(super) fn with_detail(self, detail: Value) -> Self {
        Self { detail, ..self }
    }
}

impl Engine {
    /// Saves what `decide` decides on the rows that it reads, and lets it decide again while others are faster.
    ///
    /// # Errors
    /// Those of `decide`, [`EngineError::Busy`] after too many tries, or if the database refuses the change.
    pub(super) async fn change_people<T, F>(&self, decide: impl Fn() -> F) -> Result<T, OfficeError>
    where
        F: Future<Output = Result<Decision<T>, OfficeError>>,
    {
        for _ in 0..TRIES_MAX {
            match decide().await? {
                Decision::Nothing(answer) => return Ok(answer),
                Decision::Save(change, acts, answer) => {
                    if self.save_change(change, acts).await? {
                        return Ok(answer);
                    }
                }
            }
        }
        Err(EngineError::Busy.into())
    }

    /// Changes the person whom `load` reads as `decide` says, and ends what is to end with it.
    ///
    /// # Errors
    /// As [`change_people`](Self::change_people).
    pub(super) async fn change_person<T, F>(
        &self,
        caller: &Caller,
        load: impl Fn() -> F,
        decide: impl Fn(&mut User) -> Result<PersonChange<T>, OfficeError>,
    ) -> Result<T, OfficeError>
    where
        F: Future<Output = Result<User, OfficeError>>,
    {
        self.change_people(|| async {
            let mut user = load().await?;
            let decided = decide(&mut user)?;
            let mut change = PeopleChange {
                users: vec![self.next_row(&user)?],
                ..PeopleChange::default()
            };
            self.end_with(&mut change, (&user, decided.ended), caller.token_id())
                .await?;
            let act = user.act(caller, decided.action, decided.detail);
            Ok(Decision::Save(change, vec![act], decided.answer))
        })
        .await
    }

    /// Changes the caller as `decide` says.
    ///
    /// # Errors
    /// As [`change_people`](Self::change_people).
    pub(super) async fn change_self<T>(
        &self,
        caller: &Caller,
        decide: impl Fn(&mut User) -> Result<PersonChange<T>, OfficeError>,
    ) -> Result<T, OfficeError> {
        self.change_person(caller, || self.person(caller), decide)
            .await
    }

    /// Lets the person's sessions and API tokens end with the change. The person's row moves with it, and
    /// whoever makes a token moves the row as well: none slips through.
    pub(super) async fn end_with(
        &self,
        change: &mut PeopleChange,
        (user, ended): (&User, Ended),
        acting: Option<TokenId>,
    ) -> Result<(), OfficeError> {
        let excepted = match ended {
            Ended::Nothing => return Ok(()),
            Ended::Sessions | Ended::SessionsAndTokens => None,
            Ended::OtherSessions | Ended::OtherSessionsAndTokens => acting,
        };
        change.ended_of = Some((user.record.id, TokenKind::Session, excepted));
        if matches!(
            ended,
            Ended::SessionsAndTokens | Ended::OtherSessionsAndTokens
        ) {
            change.ended_tokens = self.all_api_tokens(user).await?;
        }
        Ok(())
    }

    async fn all_api_tokens(&self, user: &User) -> Result<Vec<TokenId>, OfficeError> {
        let mut found: Vec<TokenId> = Vec::new();
        loop {
            let search = TokenSearch {
                kind: TokenKind::Api,
                user_id: Some(user.record.id),
                alive_at: self.now(),
                scopes: None,
                after: found.last().copied(),
                limit: PAGE_MAX,
            };
            let page = self.storage().tokens(&search).await?;
            if page.is_empty() {
                return Ok(found);
            }
            found.extend(page.iter().map(|token| token.id));
        }
    }

    /// Saves a change with its lines of the audit trail; `false` if something moved meanwhile.
    pub(super) async fn save_change(
        &self,
        change: PeopleChange,
        acts: Vec<Act>,
    ) -> Result<bool, OfficeError> {
        let now = self.now();
        let saved = self
            .chained(acts, async |audit| {
                let change = PeopleChange { audit, ..change };
                self.storage().save_people(&change, now).await
            })
            .await;
        match saved {
            Ok(()) => Ok(true),
            Err(StorageError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The row of a person with the changes of `user`, one revision on.
    pub(super) fn next_row(&self, user: &User) -> Result<UserRecord, EngineError> {
        Ok(UserRecord {
            body: self.sealer().seal(user.record.id.uuid(), &user.body)?,
            revision: user.record.revision + 1,
            ..user.record.clone()
        })
    }
}
