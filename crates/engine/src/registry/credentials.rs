//! The keys with which a project's shop calls us: listed without their secrets, made, revoked.

use altyn_domain::{CredentialId, EndpointSecret, Permission, ProjectId, SharedKey, Timestamp};
use altyn_storage::CredentialRecord;
use ipnet::IpNet;

use crate::directory::Directory;
use crate::settings::{Edit, allow_list_text, credential_act};
use crate::{Caller, Engine, Flaw, NewCredential, OfficeError, Secret};

/// The longest login.
const LOGIN_MAX: usize = 64;
/// The most networks of an allow list.
const NETWORKS_MAX: usize = 100;
/// Random bytes of a shared key.
const SHARED_KEY_BYTES: usize = 32;

/// What kinds of credentials a dialect knows.
const DIALECTS: [(&str, &[&str]); 2] = [("rbs", &["password", "token"]), ("ecommpay", &["key"])];

/// What is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialKind {
    /// A login with a password.
    Password {
        /// The login; unique in the dialect.
        login: String,
    },
    /// A token, whose whole text is the secret.
    Token,
    /// A key that both sides sign with.
    Key {
        /// The number by which the dialect knows the project, 1 to 4294967295.
        number: u32,
    },
}

impl CredentialKind {
    /// Its word in the API and the database.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Password { .. } => "password",
            Self::Token => "token",
            Self::Key { .. } => "key",
        }
    }
}

/// A credential without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialView {
    /// Its id.
    pub id: CredentialId,
    /// The project it opens.
    pub project_id: ProjectId,
    /// The dialect it is for.
    pub dialect: String,
    /// `password`, `token` or `key`.
    pub kind: String,
    /// The login, the first characters of a token, or the number of a key.
    pub login: String,
    /// Networks it may be used from; empty for anywhere.
    pub allow_list: Vec<IpNet>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// The kinds of credentials that a dialect knows; `None` if there is no such dialect.
pub fn credential_kinds(dialect: &str) -> Option<&'static [&'static str]> {
    let found = DIALECTS.iter().find(|(known, _)| *known == dialect);
    found.map(|(_, kinds)| *kinds)
}

impl Engine {
    /// The credentials of a project in reach, the newest first, revoked ones too.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub fn project_credentials(
        &self,
        caller: &Caller,
        project: ProjectId,
    ) -> Result<Vec<CredentialView>, OfficeError> {
        caller.require(Permission::CredentialsManage)?;
        let reach = self.reach(caller);
        reach.project(project).ok_or(OfficeError::NotFound)?;
        let records = reach.directory.credential_records.iter();
        let own = records.filter(|record| record.project_id == project);
        let mut views: Vec<CredentialView> = own.map(view).collect();
        views.sort_by_key(|view| std::cmp::Reverse((view.created_at, view.id)));
        Ok(views)
    }

    /// Makes a credential of a project in reach; its secret is shown here and never again.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn create_project_credential(
        &self,
        caller: &Caller,
        project: ProjectId,
        dialect: &str,
        kind: CredentialKind,
        allow_list: Vec<IpNet>,
    ) -> Result<(CredentialView, Secret), OfficeError> {
        caller.require(Permission::CredentialsManage)?;
        self.edit(|directory| {
            let reach = self.reach(caller);
            reach.project(project).ok_or(OfficeError::NotFound)?;
            check_new(directory, dialect, &kind, &allow_list)?;
            let new = NewCredential {
                dialect: dialect.to_owned(),
                login: match &kind {
                    CredentialKind::Password { login } => Some(login.clone()),
                    CredentialKind::Token | CredentialKind::Key { .. } => None,
                },
                allow_list: allow_list.clone(),
            };
            let (mut record, mut secret) = self.new_credential_record(project, &new);
            let mut edit = Edit::default();
            if let CredentialKind::Key { number } = &kind {
                secret = Secret::new(self.random_text(SHARED_KEY_BYTES));
                kind.word().clone_into(&mut record.kind);
                record.login = number.to_string();
                record.secret_hash = self.vault().hash(secret.expose());
                let project = self.with_shared_key(directory, project, &record, &secret)?;
                edit.projects.push(project);
            }
            edit.acts
                .push(credential_act(caller, "credential.created", &record));
            let shown = view(&record);
            edit.credentials.push(record);
            Ok((edit, (shown, secret)))
        })
        .await
    }

    /// Revokes a credential: it acts no more from now on.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn revoke_project_credential(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: CredentialId,
    ) -> Result<(), OfficeError> {
        self.change_credential(caller, project, id, "credential.revoked", |record| {
            record.revoked_at = Some(self.now());
        })
        .await
    }

    /// Changes the networks that a credential may be used from.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn limit_project_credential(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: CredentialId,
        allow_list: Vec<IpNet>,
    ) -> Result<(), OfficeError> {
        check_networks(&allow_list).map_err(|flaw| OfficeError::Invalid(vec![flaw]))?;
        self.change_credential(caller, project, id, "credential.limited", |record| {
            record.allow_list = allow_list_text(&allow_list);
        })
        .await
    }

    async fn change_credential(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: CredentialId,
        action: &'static str,
        change: impl Fn(&mut CredentialRecord),
    ) -> Result<(), OfficeError> {
        caller.require(Permission::CredentialsManage)?;
        self.edit(|directory| {
            let reach = self.reach(caller);
            reach.project(project).ok_or(OfficeError::NotFound)?;
            let mut records = directory.credential_records.iter();
            let found = records.find(|one| one.id == id && one.project_id == project);
            let mut record = found.ok_or(OfficeError::NotFound)?.clone();
            if record.revoked_at.is_some() {
                let message = "the credential is revoked already".to_owned();
                return Err(OfficeError::Conflict("revoked", message));
            }
            let known = record.clone();
            change(&mut record);
            if record == known {
                return Ok((Edit::default(), ()));
            }
            let edit = Edit {
                acts: vec![credential_act(caller, action, &record)],
                credentials: vec![record],
                ..Edit::default()
            };
            Ok((edit, ()))
        })
        .await
    }

    /// The project's row with one more shared key. Keys of the dialect that were revoked go: the project is
    /// known by the first that is there.
    fn with_shared_key(
        &self,
        directory: &Directory,
        id: ProjectId,
        credential: &CredentialRecord,
        secret: &Secret,
    ) -> Result<altyn_storage::ProjectRecord, OfficeError> {
        let mut record = directory
            .records
            .get(&id)
            .cloned()
            .ok_or(OfficeError::NotFound)?;
        let mut settings = directory.own_settings(id).ok_or(OfficeError::NotFound)?;
        let is_revoked = |key: &SharedKey| {
            let mut records = directory.credential_records.iter();
            records.any(|one| {
                one.dialect == key.dialect
                    && one.kind == "key"
                    && one.login == key.login
                    && one.revoked_at.is_some()
            })
        };
        let dialect = &credential.dialect;
        settings
            .keys
            .retain(|key| key.dialect != *dialect || !is_revoked(key));
        settings.keys.push(SharedKey {
            dialect: dialect.clone(),
            login: credential.login.clone(),
            secret: EndpointSecret::new(secret.expose()),
        });
        self.follow_project_key(&mut settings, dialect);
        record.settings = self.sealer().seal(id.uuid(), &settings)?;
        Ok(record)
    }
}

fn check_new(
    directory: &Directory,
    dialect: &str,
    kind: &CredentialKind,
    allow_list: &[IpNet],
) -> Result<(), OfficeError> {
    let mut flaws = Vec::new();
    match credential_kinds(dialect) {
        None => flaws.push(Flaw::new("dialect", "no such dialect")),
        Some(kinds) if !kinds.contains(&kind.word()) => {
            let message = format!("this dialect has {}", kinds.join(" and "));
            flaws.push(Flaw::new("kind", message));
        }
        Some(_) => {}
    }
    let login = match kind {
        CredentialKind::Password { login } => {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
            if !(1..=LOGIN_MAX).contains(&login.len()) || !login.bytes().all(is_plain) {
                let message = format!("must be 1 to {LOGIN_MAX} letters, digits, - _ . @");
                flaws.push(Flaw::new("login", message));
            }
            Some(("login", login.clone()))
        }
        CredentialKind::Key { number: 0 } => {
            flaws.push(Flaw::new("number", "must be 1 at least"));
            None
        }
        CredentialKind::Key { number } => Some(("number", number.to_string())),
        CredentialKind::Token => None,
    };
    let is_taken = |login: &str| {
        let mut records = directory.credential_records.iter();
        records.any(|one| one.dialect == dialect && one.kind == kind.word() && one.login == login)
    };
    if let Some((field, login)) = login
        && is_taken(&login)
    {
        flaws.push(Flaw::new(field, "is taken, or was"));
    }
    flaws.extend(check_networks(allow_list).err());
    if flaws.is_empty() {
        Ok(())
    } else {
        Err(OfficeError::Invalid(flaws))
    }
}

fn check_networks(allow_list: &[IpNet]) -> Result<(), Flaw> {
    if allow_list.len() > NETWORKS_MAX {
        return Err(Flaw::new("allow_list", format!("at most {NETWORKS_MAX}")));
    }
    Ok(())
}

fn view(record: &CredentialRecord) -> CredentialView {
    CredentialView {
        id: record.id,
        project_id: record.project_id,
        dialect: record.dialect.clone(),
        kind: record.kind.clone(),
        login: record.login.clone(),
        allow_list: serde_json::from_str(&record.allow_list).unwrap_or_default(),
        created_at: record.created_at,
        revoked_at: record.revoked_at,
    }
}
