//! The first person of an installation, and the way back for one who is locked out: commands of the program.

use altyn_domain::{Bucket, ResellerId, Role, Scope};
use altyn_storage::PeopleChange;
use serde_json::json;

use super::change::{Decision, Ended, PersonChange};
use super::invitations::taken;
use super::user::{User, UserView};
use super::{clean_email, clean_name};
use crate::settings::Edit;
use crate::trail::Act;
use crate::tree::Reseller;
use crate::{Caller, Engine, OfficeError, Secret};

/// How long a password that we made lets in: seven days.
const ONE_TIME_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// A person whose password is known from the beginning.
#[derive(Clone)]
pub struct KnownPerson {
    /// The e-mail address.
    pub email: String,
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
    /// What the person is there for.
    pub role: Role,
    /// Where in the tree of owners; the root reseller if there is no other place.
    pub scope: Option<Scope>,
}

impl std::fmt::Debug for KnownPerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KnownPerson")
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Makes a person for a demo, where everybody may know the passwords.
    ///
    /// # Errors
    /// `email_taken`, [`OfficeError::Invalid`].
    pub async fn create_known_person(&self, new: KnownPerson) -> Result<UserView, OfficeError> {
        let (email, name) = (clean_email(&new.email)?, clean_name(&new.name)?);
        let scope = match new.scope {
            Some(scope) => scope,
            None => Scope::Reseller(self.root_reseller().await?),
        };
        self.check_place(new.role, &scope)?;
        let known = (email.as_str(), name.as_str());
        let hash = self
            .accept_password(&new.password, known, Vec::new())
            .await?;
        let user = self.new_user((email, new.role, scope), &name, &hash);
        let change = PeopleChange {
            new_users: vec![self.first_row(&user)?],
            ..PeopleChange::default()
        };
        let detail = json!({"email": user.record.email, "role": new.role.word()});
        let act = user.act(&Caller::command("altyn demo"), "user.created", detail);
        if self.save_change(change, vec![act]).await? {
            return Ok(user.view());
        }
        Err(taken())
    }

    /// Makes a root operator, and the root reseller if there is none. Returns a password that lets in for
    /// seven days, and only to change it.
    ///
    /// # Errors
    /// `root_operator_exists` unless `another` one is wanted, `email_taken`, [`OfficeError::Invalid`].
    pub async fn create_root(
        &self,
        email: &str,
        name: &str,
        another: bool,
    ) -> Result<(UserView, Secret), OfficeError> {
        let (email, name) = (clean_email(email)?, clean_name(name)?);
        let root = self.root_reseller().await?;
        let (secret, hash) = self.one_time_password().await?;
        let caller = Caller::command("altyn");
        let view = self.change_people(|| async {
            if !another && !self.root_operators().await?.is_empty() {
                let words = "there is a root operator already".to_owned();
                return Err(OfficeError::Conflict("root_operator_exists", words));
            }
            if self.storage().user_by_email(&email).await?.is_some() {
                return Err(taken());
            }
            let place = (email.clone(), Role::RootOperator, Scope::Reseller(root));
            let mut user = self.new_user(place, &name, &hash);
            user.body.password_until = Some(self.now().plus_millis(ONE_TIME_MS));
            let detail = json!({"email": email, "role": Role::RootOperator.word()});
            let change = PeopleChange {
                new_users: vec![self.first_row(&user)?],
                ..PeopleChange::default()
            };
            let act = user.act(&caller, "user.created", detail);
            Ok(Decision::Save(change, vec![act], user.view()))
        });
        Ok((view.await?, secret))
    }

    /// The root reseller, made if there is none.
    ///
    /// # Errors
    /// If the database refuses it.
    pub async fn root_reseller(&self) -> Result<ResellerId, OfficeError> {
        let caller = Caller::command("altyn");
        self.refresh_settings().await?;
        if let Some(root) = self.directory().root() {
            return Ok(root.id);
        }
        self.edit(|directory| {
            if let Some(root) = directory.root() {
                return Ok((Edit::default(), root.id));
            }
            let now = self.now();
            let root = Reseller {
                id: ResellerId::new(now, Bucket::new(0), self.entropy().random()),
                parent: None,
                name: "Root".to_owned(),
                created_at: now,
            };
            let scope = Some(root.id.uuid());
            let detail = json!({"name": root.name});
            let edit = Edit {
                entries: vec![root.entry(&self.sealer())?],
                acts: vec![Act::by(&caller, scope, "reseller.created", root.id, detail)],
                ..Edit::default()
            };
            Ok((edit, root.id))
        })
        .await
    }

    /// Gives a person who is locked out a password that lets in for seven days, and only to change it. The
    /// second factor is taken away, a lock is opened, and all sessions and API tokens end.
    ///
    /// # Errors
    /// [`OfficeError::NotFound`] if nobody has this address, `disabled`.
    pub async fn reset_user(&self, email: &str) -> Result<(UserView, Secret), OfficeError> {
        let email = clean_email(email)?;
        let (secret, hash) = self.one_time_password().await?;
        let caller = Caller::command("altyn");
        let load = || async {
            let found = self.storage().user_by_email(&email).await?;
            let found = found.ok_or(OfficeError::NotFound)?;
            Ok(User::open(found, self.vault())?)
        };
        let view = self.change_person(&caller, load, |user| {
            if user.record.disabled_at.is_some() {
                let words = "this person is disabled".to_owned();
                return Err(OfficeError::Conflict("disabled", words));
            }
            user.body.set_password(hash.clone());
            user.body.password_until = Some(self.now().plus_millis(ONE_TIME_MS));
            user.body.lose_second_factor();
            let change = PersonChange::new("user.reset", Ended::SessionsAndTokens, user.view());
            Ok(change.with_detail(json!({"email": email})))
        });
        Ok((view.await?, secret))
    }
}
