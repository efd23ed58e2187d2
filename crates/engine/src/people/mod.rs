//! People of the back office: who may sign in, how they prove it, and what lets their programs in.
//!
//! A person's row is read by every request, so whatever changes in it holds from the next one on. Every change
//! is saved with its lines of the audit trail, and only if the row is as it was when the change was decided.
//! No text of a password, token, recovery code or secret of a second factor is ever stored in clear, logged,
//! or written into the audit trail.

mod change;
mod hasher;
mod invitations;
mod password;
mod root;
mod second_factor;
mod sign_in;
mod tokens;
mod user;

use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use altyn_domain::{Bucket, TokenId, UserId};
use altyn_storage::{TokenKind, TokenRecord, TokenSearch, UserRecord};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

pub use invitations::{AcceptInvitation, InvitationView, NewInvitation};
pub use password::PasswordChange;
pub use root::KnownPerson;
pub use second_factor::PendingFactorView;
pub use sign_in::{SignIn, SignInError, SignedIn};
pub use tokens::{ApiTokenView, NewApiToken, SessionView};
pub use user::{UserChange, UserView};

use crate::{Caller, Engine, EngineError, OfficeError};
use user::User;

/// Passwords checked at once: each takes 19 MiB of memory and a processor.
const HASHING_MAX: usize = 3;

/// Who may wait for a password to be checked; more are told that we are busy.
const WAITING_MAX: usize = 64;

/// Most lines on one page of a list.
const PAGE_MAX: u32 = 200;

/// Longest name of a person or token, in characters.
const NAME_MAX: usize = 100;

/// The place in which passwords are checked, a few at a time.
#[derive(Debug)]
pub(crate) struct PasswordDesk {
    places: Semaphore,
    waiting: AtomicUsize,
    /// Whose guess is being counted.
    counting: Mutex<()>,
    /// The row of a person who does not exist.
    stand_in: OnceLock<UserRecord>,
}

impl Default for PasswordDesk {
    fn default() -> Self {
        Self {
            places: Semaphore::new(HASHING_MAX),
            waiting: AtomicUsize::new(0),
            counting: Mutex::new(()),
            stand_in: OnceLock::new(),
        }
    }
}

/// One who waits, counted until dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl PasswordDesk {
    async fn place(&self) -> Result<SemaphorePermit<'_>, EngineError> {
        let before = self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.waiting);
        if before >= WAITING_MAX {
            return Err(EngineError::Busy);
        }
        let place = self.places.acquire().await;
        place.map_err(|_| EngineError::Busy)
    }

    /// Waits until no other guess is being counted. Guesses at one person would make each other begin again,
    /// and so take longer than guesses at nobody.
    async fn turn(&self) -> MutexGuard<'_, ()> {
        self.counting.lock().await
    }
}

/// What is sealed of a session.
#[derive(Debug, Serialize, Deserialize)]
struct SessionBody {
    address: IpAddr,
    agent: String,
}

/// Reads of people and tokens.
impl Engine {
    /// The person with this id as stored now.
    async fn load_user(&self, id: UserId) -> Result<Option<User>, OfficeError> {
        let record = self.storage().user(id).await?;
        Ok(record
            .map(|one| User::open(one, self.vault()))
            .transpose()?)
    }

    /// The person who acts by a session; programs with an API token and commands are refused.
    async fn person(&self, caller: &Caller) -> Result<User, OfficeError> {
        let own = altyn_domain::Permission::Own;
        if caller.is_token() {
            return Err(OfficeError::Forbidden(own));
        }
        let id = caller.user_id().ok_or(OfficeError::Forbidden(own))?;
        let user = self.load_user(id).await?;
        user.filter(|one| one.record.disabled_at.is_none())
            .ok_or(OfficeError::NotFound)
    }

    fn new_token_id(&self) -> TokenId {
        TokenId::new(self.now(), Bucket::new(0), self.entropy().random())
    }

    fn open_token<T: serde::de::DeserializeOwned>(
        &self,
        token: &TokenRecord,
    ) -> Result<T, EngineError> {
        let fault = |why: &dyn std::fmt::Display| {
            EngineError::Fault(format!("{} cannot be read: {why}", token.id))
        };
        let text = self.vault().open(&token.body, token.id.uuid().as_bytes());
        let text = text.map_err(|error| fault(&error))?;
        serde_json::from_str(&text).map_err(|error| fault(&error))
    }

    /// The living token with this id, of this person if one is named.
    async fn token(
        &self,
        kind: TokenKind,
        user_id: Option<UserId>,
        id: TokenId,
    ) -> Result<TokenRecord, OfficeError> {
        // Lists are in the order of the ids, so the first one before the next id is this one.
        let next = uuid::Uuid::from_u128(id.uuid().as_u128().saturating_add(1));
        let search = TokenSearch {
            kind,
            user_id,
            alive_at: self.now(),
            scopes: None,
            after: Some(TokenId::from_uuid(next)),
            limit: 1,
        };
        let found = self.storage().tokens(&search).await?;
        let found = found.into_iter().find(|token| token.id == id);
        found.ok_or(OfficeError::NotFound)
    }
}

/// An e-mail address in small letters.
fn clean_email(text: &str) -> Result<String, OfficeError> {
    let email = text.trim().to_lowercase();
    let wrong = || OfficeError::invalid("email", "is not an e-mail address");
    let (local, domain) = email.rsplit_once('@').ok_or_else(wrong)?;
    let bad = |c: char| c.is_whitespace() || c.is_control() || "<>,;:\"\\()[]".contains(c);
    let fits = !local.is_empty()
        && !local.contains('@')
        && !domain.is_empty()
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && email.len() <= 254;
    if fits && !email.contains(bad) {
        Ok(email)
    } else {
        Err(wrong())
    }
}

/// A name of a person or token, without spaces around it.
fn clean_name(text: &str) -> Result<String, OfficeError> {
    let name = text.trim();
    let length = name.chars().count();
    if length == 0 || length > NAME_MAX || name.chars().any(char::is_control) {
        let message = format!("must have 1 to {NAME_MAX} characters");
        return Err(OfficeError::invalid("name", message));
    }
    Ok(name.to_owned())
}

/// The first characters of what a browser says about itself.
fn clean_agent(text: &str) -> String {
    let kept = text.chars().filter(|c| !c.is_control());
    kept.take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_small_letters() {
        let clean = clean_email(" Operator@Altyn.Example ").unwrap();
        assert_eq!(clean, "operator@altyn.example");
        for wrong in [
            "", "a", "@b", "a@", "a b@c", "a@b@c", "a@.b", "a\n@b", "a:b@c",
        ] {
            assert!(clean_email(wrong).is_err(), "{wrong}");
        }
    }

    /// Servers run requests on any thread.
    #[test]
    fn what_people_ask_for_may_run_on_any_thread() {
        fn sent(_: impl Send) {}
        fn all(engine: &Engine, caller: &Caller, id: UserId, token: TokenId) {
            let change = UserChange::default();
            sent(engine.authenticate_bearer("", IpAddr::from([127, 0, 0, 1])));
            let password = PasswordChange {
                old: "",
                new: "",
                end_tokens: true,
            };
            sent(engine.change_password(caller, password));
            sent(engine.confirm_second_factor(caller, ""));
            sent(engine.update_user(caller, id, change, None));
            sent(engine.end_api_token(caller, token));
            sent(engine.create_root("", "", false));
        }
        let _ = all;
    }

    #[test]
    fn names_have_a_length() {
        assert_eq!(clean_name(" Operator ").unwrap(), "Operator");
        assert!(clean_name("  ").is_err());
        assert!(clean_name(&"x".repeat(101)).is_err());
    }
}
