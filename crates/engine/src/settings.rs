//! Making projects and credentials. Ordinary transactions with an audit row; not the writer's work.

use altyn_domain::{Bucket, CredentialId, EndpointSecret, ProjectId, ProjectSettings, SharedKey};
use altyn_storage::{CredentialRecord, ProjectRecord};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ipnet::IpNet;

use crate::authenticate::TOKEN_LOGIN;
use crate::{Engine, EngineError, NewCredential, Secret};

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

impl Engine {
    /// Makes a project.
    ///
    /// # Errors
    /// If the database refuses it.
    pub async fn create_project(&self, new: NewProject) -> Result<ProjectId, EngineError> {
        let now = self.now();
        let number = u16::try_from(self.entropy().random() % u64::from(Bucket::COUNT)).unwrap_or(0);
        let bucket = Bucket::new(number);
        let id = ProjectId::new(now, bucket, self.entropy().random());
        let record = ProjectRecord {
            id,
            bucket,
            name: new.name,
            slug: new.slug,
            settings: self.seal_settings(id, &new.settings)?,
            created_at: now,
        };
        let what = format!("project {} created", record.slug);
        self.storage()
            .save_settings(&[record], &[], &what, now)
            .await?;
        self.reload_settings().await?;
        Ok(id)
    }

    /// Replaces the settings of a project.
    ///
    /// # Errors
    /// If there is no such project or the database refuses it.
    pub async fn update_project(
        &self,
        id: ProjectId,
        settings: &ProjectSettings,
    ) -> Result<(), EngineError> {
        let mut record = self.project_record(id).await?;
        record.settings = self.seal_settings(id, settings)?;
        let what = format!("project {} changed", record.slug);
        self.storage()
            .save_settings(&[record], &[], &what, self.now())
            .await?;
        self.reload_settings().await
    }

    /// A project as the database has it now.
    async fn project_record(&self, id: ProjectId) -> Result<ProjectRecord, EngineError> {
        let records = self.storage().settings().await?;
        let mut projects = records.projects.into_iter();
        projects
            .find(|record| record.id == id)
            .ok_or_else(|| no_project(id))
    }

    fn seal_settings(
        &self,
        id: ProjectId,
        settings: &ProjectSettings,
    ) -> Result<String, EngineError> {
        let text = serde_json::to_string(settings)
            .map_err(|error| EngineError::Fault(format!("settings cannot be written: {error}")))?;
        self.vault()
            .seal(&text, id.uuid().as_bytes(), self.entropy())
            .map_err(|error| EngineError::Fault(error.to_string()))
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
        let now = self.now();
        let secret = Secret(self.random_text(24));
        let (kind, login) = match &new.login {
            Some(login) => ("password", login.clone()),
            None => ("token", secret.0[..TOKEN_LOGIN].to_owned()),
        };
        let record = CredentialRecord {
            id: CredentialId::new(now, project.bucket(), self.entropy().random()),
            project_id: project,
            dialect: new.dialect,
            kind: kind.to_owned(),
            login,
            secret_hash: self.vault().hash(&secret.0),
            allow_list: serde_json::to_string(&new.allow_list).unwrap_or_else(|_| "[]".to_owned()),
            created_at: now,
            revoked_at: None,
        };
        let what = format!("{kind} {} created", record.id);
        self.storage()
            .save_settings(&[], &[record], &what, now)
            .await?;
        self.reload_settings().await?;
        Ok(secret)
    }

    /// Makes the key with which a project signs its requests in a dialect, under the name or number by which
    /// that dialect knows the project.
    ///
    /// # Errors
    /// If there is no such project, the name is taken, or the database refuses it.
    pub async fn create_shared_key(
        &self,
        project: ProjectId,
        dialect: &str,
        login: &str,
        allow_list: &[IpNet],
    ) -> Result<Secret, EngineError> {
        let now = self.now();
        let secret = Secret(self.random_text(32));
        let mut record = self.project_record(project).await?;
        let known = self.project(project).ok_or_else(|| no_project(project))?;
        let mut settings = known.settings.clone();
        settings.keys.push(SharedKey {
            dialect: dialect.to_owned(),
            login: login.to_owned(),
            secret: EndpointSecret::new(secret.expose()),
        });
        record.settings = self.seal_settings(project, &settings)?;
        let credential = CredentialRecord {
            id: CredentialId::new(now, project.bucket(), self.entropy().random()),
            project_id: project,
            dialect: dialect.to_owned(),
            kind: "key".to_owned(),
            login: login.to_owned(),
            secret_hash: self.vault().hash(&secret.0),
            allow_list: serde_json::to_string(allow_list).unwrap_or_else(|_| "[]".to_owned()),
            created_at: now,
            revoked_at: None,
        };
        let what = format!("key {} created", credential.id);
        self.storage()
            .save_settings(&[record], &[credential], &what, now)
            .await?;
        self.reload_settings().await?;
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
        let now = self.now();
        let records = self.storage().settings().await?;
        let mut revoked: Vec<_> = records
            .credentials
            .into_iter()
            .filter(|c| c.dialect == dialect && c.login == login && c.revoked_at.is_none())
            .collect();
        for credential in &mut revoked {
            credential.revoked_at = Some(now);
        }
        let what = format!("credential {login} revoked");
        self.storage()
            .save_settings(&[], &revoked, &what, now)
            .await?;
        self.reload_settings().await?;
        Ok(revoked.len())
    }

    /// A text of `bytes` random bytes, fit for passwords and shared keys.
    pub fn random_text(&self, bytes: usize) -> String {
        let mut random = vec![0; bytes];
        self.entropy().fill(&mut random);
        URL_SAFE_NO_PAD.encode(random)
    }
}

fn no_project(id: ProjectId) -> EngineError {
    EngineError::Fault(format!("no project {id}"))
}
