//! Changing settings: decided on a snapshot, saved if nothing moved meanwhile, else decided again. With each
//! change its lines of the audit trail are saved. Not the writer's work.

use altyn_domain::{
    Bucket, CredentialId, EndpointSecret, MerchantId, ProjectId, ProjectSettings, SharedKey,
    SurplusPolicy,
};
use altyn_storage::{CredentialRecord, ProjectRecord, SettingsChange, SettingsEntry, StorageError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ipnet::IpNet;
use serde_json::json;

use crate::authenticate::TOKEN_LOGIN;
use crate::directory::Directory;
use crate::registry::offer::own;
use crate::registry::projects::{check_slug_is_free, check_surplus};
use crate::trail::Act;
use crate::tree::Sealer;
use crate::{Caller, Engine, EngineError, NewCredential, OfficeError, Secret};

/// How often a change is decided again because another one was faster.
const EDITS_MAX: u32 = 8;

/// A project to be made.
#[derive(Debug, Clone)]
pub struct NewProject {
    /// The name payers read.
    pub name: String,
    /// Short latin name; unique.
    pub slug: String,
    /// Settings.
    pub settings: ProjectSettings,
}

/// What a change of settings writes.
#[derive(Debug, Default)]
pub(crate) struct Edit {
    pub projects: Vec<ProjectRecord>,
    pub credentials: Vec<CredentialRecord>,
    pub entries: Vec<SettingsEntry>,
    pub acts: Vec<Act>,
}

impl Edit {
    /// Whether nothing changes: then nothing is saved either.
    fn is_empty(&self) -> bool {
        let lengths = [
            self.projects.len(),
            self.credentials.len(),
            self.entries.len(),
            self.acts.len(),
        ];
        lengths == [0; 4]
    }
}

impl Engine {
    /// Changes settings: `decide` says on the newest snapshot what is to be written, or why not. It is asked
    /// again if somebody else changed settings meanwhile. Afterwards this engine knows the new settings.
    pub(crate) async fn edit<T>(
        &self,
        decide: impl Fn(&Directory) -> Result<(Edit, T), OfficeError>,
    ) -> Result<T, OfficeError> {
        for _ in 0..EDITS_MAX {
            self.refresh_settings().await?;
            let directory = self.directory();
            let (edit, result) = decide(&directory)?;
            if edit.is_empty() {
                return Ok(result);
            }
            let saved = self
                .chained(edit.acts, async |audit| {
                    let change = SettingsChange {
                        expected_version: Some(directory.version),
                        projects: edit.projects,
                        credentials: edit.credentials,
                        entries: edit.entries,
                        audit,
                    };
                    self.storage().save_settings(&change).await
                })
                .await;
            match saved {
                Ok(()) => {
                    self.reload_settings().await.map_err(EngineError::late)?;
                    return Ok(result);
                }
                Err(StorageError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(EngineError::Busy.into())
    }

    /// As [`edit`](Self::edit), for callers who know no other errors than the engine's.
    async fn edit_plain<T>(
        &self,
        decide: impl Fn(&Directory) -> Result<(Edit, T), EngineError>,
    ) -> Result<T, EngineError> {
        let result = self.edit(|directory| Ok(decide(directory)?)).await;
        result.map_err(|error| match error {
            OfficeError::Engine(error) => error,
            other => EngineError::Fault(other.to_string()),
        })
    }

    pub(crate) fn sealer(&self) -> Sealer<'_> {
        Sealer {
            vault: self.vault(),
            entropy: self.entropy(),
        }
    }

    /// Makes a project that belongs to no merchant.
    ///
    /// # Errors
    /// If its short name is taken, if surpluses are to stand on balances that it does not have, or if the
    /// database refuses it.
    pub async fn create_project(&self, new: NewProject) -> Result<ProjectId, OfficeError> {
        let caller = Caller::command("altyn");
        self.edit(|directory| {
            let mut flaws = Vec::new();
            check_slug_is_free(directory, None, &new.slug, &mut flaws);
            check_surplus(new.settings.surplus, new.settings.balances, &mut flaws);
            if !flaws.is_empty() {
                return Err(OfficeError::Invalid(flaws));
            }
            let record = self.new_project_record(&new, None)?;
            let id = record.id;
            let detail = json!({"name": new.name, "slug": new.slug});
            let act = Act::by(&caller, Some(id.uuid()), "project.created", id, detail);
            let edit = Edit {
                projects: vec![record],
                acts: vec![act],
                ..Edit::default()
            };
            Ok((edit, id))
        })
        .await
    }

    /// The row of a project to be made, with a new id.
    pub(crate) fn new_project_record(
        &self,
        new: &NewProject,
        merchant_id: Option<MerchantId>,
    ) -> Result<ProjectRecord, EngineError> {
        let now = self.now();
        let number = u16::try_from(self.entropy().random() % u64::from(Bucket::COUNT)).unwrap_or(0);
        let bucket = Bucket::new(number);
        let id = ProjectId::new(now, bucket, self.entropy().random());
        Ok(ProjectRecord {
            id,
            bucket,
            merchant_id,
            name: new.name.clone(),
            slug: new.slug.clone(),
            settings: self.sealer().seal(id.uuid(), &own(&new.settings))?,
            created_at: now,
        })
    }

    /// Replaces the settings of a project, whatever they were. Methods that a reseller offers it are none of
    /// its own and left out.
    ///
    /// # Errors
    /// If there is no such project or the database refuses it.
    pub async fn update_project(
        &self,
        id: ProjectId,
        settings: &ProjectSettings,
    ) -> Result<(), EngineError> {
        let caller = Caller::command("altyn");
        self.edit_plain(|directory| {
            let mut record = record_of(directory, id)?;
            record.settings = self.sealer().seal(id.uuid(), &own(settings))?;
            let scope = Some(id.uuid());
            let act = Act::by(&caller, scope, "project.changed", id, json!({}));
            let edit = Edit {
                projects: vec![record],
                acts: vec![act],
                ..Edit::default()
            };
            Ok((edit, ()))
        })
        .await
    }

    /// Changes, where they are given, whether the customers of a project have balances, and what becomes of
    /// money that a payment did not need.
    ///
    /// # Errors
    /// If there is no such project, if surpluses were to stand on balances that it does not have, or if the
    /// database refuses it.
    pub async fn set_surplus(
        &self,
        id: ProjectId,
        balances: Option<bool>,
        surplus: Option<SurplusPolicy>,
    ) -> Result<(), OfficeError> {
        let caller = Caller::command("altyn");
        self.edit(|directory| {
            let mut record = record_of(directory, id)?;
            let settings = directory.own_settings(id);
            let mut settings = settings.ok_or_else(|| no_project(id))?;
            settings.balances = balances.unwrap_or(settings.balances);
            settings.surplus = surplus.unwrap_or(settings.surplus);
            let mut flaws = Vec::new();
            check_surplus(settings.surplus, settings.balances, &mut flaws);
            if !flaws.is_empty() {
                return Err(OfficeError::Invalid(flaws));
            }
            record.settings = self.sealer().seal(id.uuid(), &settings)?;
            let scope = Some(id.uuid());
            let act = Act::by(&caller, scope, "project.changed", id, json!({}));
            let edit = Edit {
                projects: vec![record],
                acts: vec![act],
                ..Edit::default()
            };
            Ok((edit, ()))
        })
        .await
    }

    /// Makes a credential with a generated secret of 192 random bits, shown here and never again.
    ///
    /// # Errors
    /// If the database refuses it.
    pub async fn create_credential(
        &self,
        project: ProjectId,
        new: NewCredential,
    ) -> Result<Secret, EngineError> {
        let caller = Caller::command("altyn");
        let (record, secret) = self.new_credential_record(project, &new);
        self.edit_plain(|directory| {
            record_of(directory, project)?;
            let edit = Edit {
                credentials: vec![record.clone()],
                acts: vec![credential_act(&caller, "credential.created", &record)],
                ..Edit::default()
            };
            Ok((edit, ()))
        })
        .await?;
        Ok(secret)
    }

    /// The row of a credential to be made, and its secret.
    pub(crate) fn new_credential_record(
        &self,
        project: ProjectId,
        new: &NewCredential,
    ) -> (CredentialRecord, Secret) {
        let now = self.now();
        let secret = Secret(self.random_text(24));
        let (kind, login) = match &new.login {
            Some(login) => ("password", login.clone()),
            None => ("token", secret.0[..TOKEN_LOGIN].to_owned()),
        };
        let record = CredentialRecord {
            id: CredentialId::new(now, project.bucket(), self.entropy().random()),
            project_id: project,
            dialect: new.dialect.clone(),
            kind: kind.to_owned(),
            login,
            secret_hash: self.vault().hash(&secret.0),
            allow_list: allow_list_text(&new.allow_list),
            created_at: now,
            revoked_at: None,
        };
        (record, secret)
    }

    /// Makes the key with which a project signs its requests in a dialect, under the name or number by which
    /// that dialect knows the project.
    ///
    /// # Errors
    /// If there is no such project or the database refuses it.
    pub async fn create_shared_key(
        &self,
        project: ProjectId,
        dialect: &str,
        login: &str,
        allow_list: &[IpNet],
    ) -> Result<Secret, EngineError> {
        let caller = Caller::command("altyn");
        let now = self.now();
        let secret = Secret(self.random_text(32));
        let credential = CredentialRecord {
            id: CredentialId::new(now, project.bucket(), self.entropy().random()),
            project_id: project,
            dialect: dialect.to_owned(),
            kind: "key".to_owned(),
            login: login.to_owned(),
            secret_hash: self.vault().hash(&secret.0),
            allow_list: allow_list_text(allow_list),
            created_at: now,
            revoked_at: None,
        };
        self.edit_plain(|directory| {
            let mut record = record_of(directory, project)?;
            let mut settings = directory
                .own_settings(project)
                .ok_or_else(|| no_project(project))?;
            settings.keys.push(SharedKey {
                dialect: dialect.to_owned(),
                login: login.to_owned(),
                secret: EndpointSecret::new(secret.expose()),
            });
            record.settings = self.sealer().seal(project.uuid(), &settings)?;
            let edit = Edit {
                projects: vec![record],
                credentials: vec![credential.clone()],
                acts: vec![credential_act(&caller, "credential.created", &credential)],
                ..Edit::default()
            };
            Ok((edit, ()))
        })
        .await?;
        Ok(secret)
    }

    /// Revokes every credential of a dialect with this login.
    ///
    /// # Errors
    /// If the database refuses it.
    pub async fn revoke_credential(
        &self,
        dialect: &str,
        login: &str,
    ) -> Result<usize, EngineError> {
        let caller = Caller::command("altyn");
        self.edit_plain(|directory| {
            let known = directory.credential_records.iter();
            let mut revoked: Vec<CredentialRecord> = known
                .filter(|c| c.dialect == dialect && c.login == login && c.revoked_at.is_none())
                .cloned()
                .collect();
            for credential in &mut revoked {
                credential.revoked_at = Some(self.now());
            }
            let acts = revoked.iter();
            let acts = acts.map(|one| credential_act(&caller, "credential.revoked", one));
            let count = revoked.len();
            let edit = Edit {
                acts: acts.collect(),
                credentials: revoked,
                ..Edit::default()
            };
            Ok((edit, count))
        })
        .await
    }

    /// A text of `bytes` random bytes, fit for passwords and shared keys.
    pub fn random_text(&self, bytes: usize) -> String {
        let mut random = vec![0; bytes];
        self.entropy().fill(&mut random);
        let text = URL_SAFE_NO_PAD.encode(random);
        // A program would read a leading hyphen as an option.
        match text.strip_prefix('-') {
            Some(rest) => format!("_{rest}"),
            None => text,
        }
    }
}

/// A line about a credential. Its login is no secret: it is shown in every request.
pub(crate) fn credential_act(
    caller: &Caller,
    action: &'static str,
    record: &CredentialRecord,
) -> Act {
    let detail = json!({"dialect": record.dialect, "kind": record.kind, "login": record.login});
    let scope = Some(record.project_id.uuid());
    Act::by(caller, scope, action, record.id, detail)
}

pub(crate) fn allow_list_text(networks: &[IpNet]) -> String {
    serde_json::to_string(networks).unwrap_or_else(|_| "[]".to_owned())
}

/// A project's row as it is known now.
fn record_of(directory: &Directory, id: ProjectId) -> Result<ProjectRecord, EngineError> {
    let record = directory.records.get(&id);
    record.cloned().ok_or_else(|| no_project(id))
}

fn no_project(id: ProjectId) -> EngineError {
    EngineError::Fault(format!("no project {id}"))
}
