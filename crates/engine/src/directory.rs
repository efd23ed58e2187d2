//! Settings in memory: projects and credentials at one version. Read by every request, replaced whole.

use std::collections::HashMap;
use std::sync::Arc;

use altyn_domain::{Project, ProjectId};
use altyn_storage::{ProjectRecord, SettingsRecords};
use ipnet::IpNet;

use crate::authenticate::{Credential, CredentialKey};
use crate::{EngineError, Vault};

/// Settings at one version.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub version: i64,
    pub projects: HashMap<ProjectId, Arc<Project>>,
    pub credentials: HashMap<CredentialKey, Credential>,
}

impl Directory {
    /// Opens the sealed records.
    pub(crate) fn open(records: SettingsRecords, vault: &Vault) -> Result<Self, EngineError> {
        let mut projects = HashMap::new();
        for record in records.projects {
            let project = open_project(&record, vault)?;
            projects.insert(project.id, Arc::new(project));
        }
        let mut credentials = HashMap::new();
        for record in records
            .credentials
            .into_iter()
            .filter(|c| c.revoked_at.is_none())
        {
            let fault = || EngineError::Fault(format!("{} has a broken allow list", record.id));
            let allow_list: Vec<IpNet> =
                serde_json::from_str(&record.allow_list).map_err(|_| fault())?;
            let key = CredentialKey {
                dialect: record.dialect,
                kind: match record.kind.as_str() {
                    "token" => "token",
                    "key" => "key",
                    _ => "password",
                },
                login: record.login,
            };
            let credential = Credential {
                id: record.id,
                project_id: record.project_id,
                secret_hash: record.secret_hash,
                allow_list,
            };
            credentials.insert(key, credential);
        }
        Ok(Self {
            version: records.version,
            projects,
            credentials,
        })
    }
}

fn open_project(record: &ProjectRecord, vault: &Vault) -> Result<Project, EngineError> {
    let fault = |why: &dyn std::fmt::Display| {
        EngineError::Fault(format!("settings of {} cannot be read: {why}", record.id))
    };
    let text = vault
        .open(&record.settings, record.id.uuid().as_bytes())
        .map_err(|error| fault(&error))?;
    let settings = serde_json::from_str(&text).map_err(|error| fault(&error))?;
    Ok(Project {
        id: record.id,
        bucket: record.bucket,
        name: record.name.clone(),
        slug: record.slug.clone(),
        settings,
    })
}
