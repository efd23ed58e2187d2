//! A person: what is stored, what is shown, and how others change it.

use altyn_domain::{Permission, Role, Scope, Timestamp, UserId};
use altyn_storage::{PeopleChange, UserRecord, UserSearch};
use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::change::{Decision, Ended, PersonChange};
use super::password::REMEMBERED;
use super::second_factor::SecondFactor;
use super::{PAGE_MAX, clean_name};
use crate::registry::check_tag;
use crate::trail::hex;
use crate::{Caller, Engine, EngineError, OfficeError, Vault};

/// What is sealed of a person.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct UserBody {
    pub name: String,
    /// The hash of the password.
    pub password: String,
    /// The hashes of those before it, the newest first.
    pub former: Vec<String>,
    /// Somebody else set the password: until when it lets in, and then only to change it.
    pub password_until: Option<Timestamp>,
    pub second_factor: Option<SecondFactor>,
    /// The secret of a second factor that is not confirmed yet, in base 32.
    pub pending_factor: Option<String>,
    /// Wrong passwords and codes since the last right ones.
    pub failures: u32,
    /// Until when nobody is let in.
    pub locked_until: Option<Timestamp>,
    pub signed_in_at: Option<Timestamp>,
}

impl UserBody {
    /// Replaces the password by one that the person chose.
    pub(super) fn set_password(&mut self, hash: String) {
        let old = std::mem::replace(&mut self.password, hash);
        self.former.insert(0, old);
        self.former.truncate(REMEMBERED - 1);
        self.password_until = None;
    }

    /// Takes the second factor away from somebody who lost it, and opens a lock.
    pub(super) fn lose_second_factor(&mut self) {
        self.second_factor = None;
        self.pending_factor = None;
        self.failures = 0;
        self.locked_until = None;
    }
}

/// A person, opened.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub record: UserRecord,
    pub body: UserBody,
}

impl User {
    pub(super) fn open(record: UserRecord, vault: &Vault) -> Result<Self, EngineError> {
        let fault = |why: &dyn std::fmt::Display| {
            EngineError::Fault(format!("{} cannot be read: {why}", record.id))
        };
        let text = vault.open(&record.body, record.id.uuid().as_bytes());
        let text = text.map_err(|error| fault(&error))?;
        let body = serde_json::from_str(&text).map_err(|error| fault(&error))?;
        Ok(Self { record, body })
    }

    /// The owner whom lines of the audit trail about this person concern.
    pub(super) fn owner(&self) -> Uuid {
        owner_of(&self.record.scope)
    }

    pub(super) fn view(&self) -> UserView {
        UserView {
            id: self.record.id,
            email: self.record.email.clone(),
            name: self.body.name.clone(),
            role: self.record.role,
            scope: self.record.scope,
            second_factor: self.body.second_factor.is_some(),
            recovery_codes: self
                .body
                .second_factor
                .as_ref()
                .map_or(0, |s| s.codes_left()),
            must_change_password: self.body.password_until.is_some(),
            locked_until: self.body.locked_until,
            signed_in_at: self.body.signed_in_at,
            created_at: self.record.created_at,
            disabled_at: self.record.disabled_at,
        }
    }
}

/// The reseller, merchant or project to which a place in the tree belongs.
pub(super) fn owner_of(scope: &Scope) -> Uuid {
    match scope {
        Scope::Reseller(id) => id.uuid(),
        Scope::Merchant(id) => id.uuid(),
        Scope::Customer { project_id, .. } => project_id.uuid(),
    }
}

/// A person as shown to those who may see people. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserView {
    /// The id.
    pub id: UserId,
    /// The e-mail address, in small letters.
    pub email: String,
    /// The name.
    pub name: String,
    /// What the person is there for.
    pub role: Role,
    /// Where in the tree of owners.
    pub scope: Scope,
    /// Whether a second factor is set up.
    pub second_factor: bool,
    /// How many recovery codes are left.
    pub recovery_codes: u32,
    /// Whether somebody else set the password.
    pub must_change_password: bool,
    /// Until when the person is not let in after too many wrong passwords or codes; may be over.
    pub locked_until: Option<Timestamp>,
    /// When the person signed in last.
    pub signed_in_at: Option<Timestamp>,
    /// When the person was made known.
    pub created_at: Timestamp,
    /// Since when the person is not let in.
    pub disabled_at: Option<Timestamp>,
}

impl UserView {
    /// A tag of this content, with quotation marks, as HTTP has it: another content has another one.
    pub fn etag(&self) -> String {
        content_tag(self)
    }
}

/// The quoted hash of what is shown.
pub(super) fn content_tag(shown: &impl Serialize) -> String {
    let text = serde_json::to_vec(shown).unwrap_or_default();
    let hash = digest::digest(&digest::SHA256, &text);
    format!("\"{}\"", hex(&hash.as_ref()[..16]))
}

/// What is to be changed of a person; `None` leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The name.
    pub name: Option<String>,
    /// What the person is there for.
    pub role: Option<Role>,
    /// Whether the person is kept out.
    pub disabled: Option<bool>,
}

/// What follows from a change of a person.
struct Decided {
    actions: Vec<&'static str>,
    /// The person was let in and is kept out now.
    kept_out: bool,
    /// Fewer root operators than before.
    fewer_roots: bool,
}

impl Engine {
    /// The people in reach, in the order of their ids; at most 200 a page.
    ///
    /// # Errors
    /// [`OfficeError::Forbidden`], or if the database cannot be read.
    pub async fn users(
        &self,
        caller: &Caller,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<UserView>, OfficeError> {
        caller.require(Permission::UsersView)?;
        let reach = self.reach(caller);
        let projects = reach.projects().into_iter().map(|(_, id)| id);
        let search = UserSearch {
            projects: if reach.is_whole() {
                Vec::new()
            } else {
                projects.collect()
            },
            scopes: reach.scope_ids(),
            after,
            limit: limit.min(PAGE_MAX),
        };
        let records = self.storage().users(&search).await?;
        let views = records.into_iter().map(|record| {
            let user = User::open(record, self.vault())?;
            Ok(user.view())
        });
        views.collect()
    }

    /// The caller's own view; an API token may see whose it is.
    ///
    /// # Errors
    /// [`OfficeError::NotFound`] for commands, or if the database cannot be read.
    pub async fn me(&self, caller: &Caller) -> Result<UserView, OfficeError> {
        let id = caller.user_id().ok_or(OfficeError::NotFound)?;
        let user = self.load_user(id).await?.ok_or(OfficeError::NotFound)?;
        Ok(user.view())
    }

    /// One person in reach, or the caller.
    ///
    /// # Errors
    /// [`OfficeError::NotFound`] beyond reach, [`OfficeError::Forbidden`].
    pub async fn user_view(&self, caller: &Caller, id: UserId) -> Result<UserView, OfficeError> {
        if caller.user_id() == Some(id) {
            return self.me(caller).await;
        }
        caller.require(Permission::UsersView)?;
        Ok(self.user_in_reach(caller, id).await?.view())
    }

    async fn user_in_reach(&self, caller: &Caller, id: UserId) -> Result<User, OfficeError> {
        let user = self.load_user(id).await?.ok_or(OfficeError::NotFound)?;
        if !self.reach(caller).scope(&user.record.scope) && caller.scope().is_some() {
            return Err(OfficeError::NotFound);
        }
        Ok(user)
    }

    /// Somebody else in reach whose role the caller may give.
    async fn user_to_change(&self, caller: &Caller, id: UserId) -> Result<User, OfficeError> {
        caller.require(Permission::UsersManage)?;
        let user = self.user_in_reach(caller, id).await?;
        if caller.user_id() == Some(id) {
            let words = "nobody changes himself here".to_owned();
            return Err(OfficeError::Conflict("self", words));
        }
        if !caller.role().may_give(user.record.role) {
            let words = "this person's role is none that yours may give or take";
            return Err(OfficeError::Rank(words));
        }
        Ok(user)
    }

    /// Whether a person with this role may stand there. The root operator stands at the root reseller.
    pub(super) fn check_place(&self, role: Role, scope: &Scope) -> Result<(), OfficeError> {
        let directory = self.directory();
        let root = directory.root().map(|root| Scope::Reseller(root.id));
        let fits =
            role.stands_at(scope) && (role != Role::RootOperator || root.as_ref() == Some(scope));
        if fits {
            Ok(())
        } else {
            Err(OfficeError::invalid("role", "does not go with the place"))
        }
    }

    /// Changes a person. With `expected_tag` only if the person is still as the caller saw. A person who is
    /// disabled loses all sessions and API tokens.
    ///
    /// # Errors
    /// [`OfficeError::Rank`] for a role that the caller may not give, `self` for the caller,
    /// `last_root_operator`, [`OfficeError::Stale`], [`OfficeError::NotFound`].
    pub async fn update_user(
        &self,
        caller: &Caller,
        id: UserId,
        wanted: UserChange,
        expected_tag: Option<&str>,
    ) -> Result<UserView, OfficeError> {
        self.change_people(|| async {
            let mut user = self.user_to_change(caller, id).await?;
            check_tag(expected_tag, &user.view().etag())?;
            let before = user.view();
            let decided = self.decide_change(caller, &mut user, &wanted)?;
            if decided.actions.is_empty() {
                return Ok(Decision::Nothing(before));
            }
            let mut change = PeopleChange::default();
            if decided.fewer_roots {
                self.keep_one_root(caller, id, &mut change).await?;
            }
            let ended = match decided.kept_out {
                true => Ended::SessionsAndTokens,
                false => Ended::Nothing,
            };
            self.end_with(&mut change, (&user, ended), None).await?;
            change.users.push(self.next_row(&user)?);
            let detail = json!({
                "email": user.record.email,
                "role": [before.role.word(), user.record.role.word()],
            });
            let actions = decided.actions.into_iter();
            let acts = actions.map(|action| user.act(caller, action, detail.clone()));
            Ok(Decision::Save(change, acts.collect(), user.view()))
        })
        .await
    }

    fn decide_change(
        &self,
        caller: &Caller,
        user: &mut User,
        wanted: &UserChange,
    ) -> Result<Decided, OfficeError> {
        let was_root = user.record.role == Role::RootOperator && user.record.disabled_at.is_none();
        let mut actions = Vec::new();
        if let Some(name) = &wanted.name {
            let name = clean_name(name)?;
            if name != user.body.name {
                user.body.name = name;
                actions.push("user.renamed");
            }
        }
        if let Some(role) = wanted.role
            && role != user.record.role
        {
            if !caller.role().may_give(role) {
                return Err(OfficeError::Rank("your role may not give this one"));
            }
            self.check_place(role, &user.record.scope)?;
            user.record.role = role;
            actions.push("user.role_changed");
        }
        let is_disabled = user.record.disabled_at.is_some();
        let disabled = wanted.disabled.unwrap_or(is_disabled);
        if disabled != is_disabled {
            user.record.disabled_at = disabled.then(|| self.now());
            actions.push(if disabled {
                "user.disabled"
            } else {
                "user.enabled"
            });
        }
        let is_root = user.record.role == Role::RootOperator && !disabled;
        Ok(Decided {
            actions,
            kept_out: disabled && !is_disabled,
            fewer_roots: was_root && !is_root,
        })
    }

    /// Refuses a change after which no root operator would be left. The caller's own row moves with the
    /// change, so that two root operators cannot put each other out at once.
    async fn keep_one_root(
        &self,
        caller: &Caller,
        leaving: UserId,
        change: &mut PeopleChange,
    ) -> Result<(), OfficeError> {
        let left = self.root_operators().await?;
        let mut left = left
            .into_iter()
            .filter(|user| user.record.id != leaving && user.record.disabled_at.is_none());
        let witness = match caller.user_id() {
            Some(id) => left.find(|user| user.record.id == id),
            None => left.next(),
        };
        let Some(witness) = witness else {
            let words = "the last root operator stays".to_owned();
            return Err(OfficeError::Conflict("last_root_operator", words));
        };
        change.users.push(self.next_row(&witness)?);
        Ok(())
    }

    /// All root operators, disabled ones too.
    pub(super) async fn root_operators(&self) -> Result<Vec<User>, OfficeError> {
        let Some(root) = self.directory().root().map(|root| root.id) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let search = UserSearch {
                scopes: Some(vec![root.uuid()]),
                projects: Vec::new(),
                after,
                limit: PAGE_MAX,
            };
            let page = self.storage().users(&search).await?;
            let Some(last) = page.last().map(|record| record.id) else {
                return Ok(found);
            };
            after = Some(last);
            for record in page {
                if record.role == Role::RootOperator {
                    found.push(User::open(record, self.vault())?);
                }
            }
        }
    }

    /// Takes the second factor from somebody who lost it, and opens a lock, if the person is still as the caller
    /// saw. All sessions of that person end.
    ///
    /// # Errors
    /// As [`update_user`](Self::update_user).
    pub async fn reset_second_factor(
        &self,
        caller: &Caller,
        id: UserId,
        expected_tag: Option<&str>,
    ) -> Result<UserView, OfficeError> {
        let load = || self.user_to_change(caller, id);
        self.change_person(caller, load, |user| {
            check_tag(expected_tag, &user.view().etag())?;
            user.body.lose_second_factor();
            let action = "user.second_factor_reset";
            Ok(PersonChange::new(action, Ended::Sessions, user.view()))
        })
        .await
    }
}
