//! Settings in memory at one version: the tree of owners, projects, credentials, connectors and payment
//! methods. Read by every request, replaced whole.

use std::collections::HashMap;
use std::sync::Arc;

use altyn_domain::{MerchantId, Project, ProjectId, ResellerId};
use altyn_storage::{CredentialRecord, ProjectRecord, SettingsKind, SettingsRecords};
use ipnet::IpNet;

use crate::authenticate::{Credential, CredentialKey};
use crate::tree::{Merchant, Reseller};
use crate::{EngineError, Vault};

/// Settings at one version.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub version: i64,
    pub projects: HashMap<ProjectId, Arc<Project>>,
    /// The projects as they are stored, to be changed.
    pub records: HashMap<ProjectId, ProjectRecord>,
    /// The merchants of projects that have one.
    pub owners: HashMap<ProjectId, MerchantId>,
    /// Valid credentials.
    pub credentials: HashMap<CredentialKey, Credential>,
    /// All credentials as they are stored, revoked ones too.
    pub credential_records: Vec<CredentialRecord>,
    pub resellers: HashMap<ResellerId, Reseller>,
    pub merchants: HashMap<MerchantId, Merchant>,
}

impl Directory {
    /// Opens the sealed records.
    pub(crate) fn open(records: SettingsRecords, vault: &Vault) -> Result<Self, EngineError> {
        let mut directory = Self {
            version: records.version,
            ..Self::default()
        };
        for entry in &records.entries {
            match entry.kind {
                SettingsKind::Reseller => {
                    let reseller = Reseller::open(entry, vault)?;
                    directory.resellers.insert(reseller.id, reseller);
                }
                SettingsKind::Merchant => {
                    let merchant = Merchant::open(entry, vault)?;
                    directory.merchants.insert(merchant.id, merchant);
                }
                SettingsKind::Connector | SettingsKind::Method => {}
            }
        }
        for record in records.projects {
            let project = open_project(&record, vault)?;
            let owner = record.merchant_id.map(|merchant| (project.id, merchant));
            directory.owners.extend(owner);
            directory.records.insert(project.id, record);
            directory.projects.insert(project.id, Arc::new(project));
        }
        for record in &records.credentials {
            if record.revoked_at.is_none() {
                let (key, credential) = open_credential(record)?;
                directory.credentials.insert(key, credential);
            }
        }
        directory.credential_records = records.credentials;
        Ok(directory)
    }

    /// The root reseller, once there is one.
    pub(crate) fn root(&self) -> Option<&Reseller> {
        let mut resellers = self.resellers.values();
        resellers.find(|reseller| reseller.parent.is_none())
    }
}

fn open_credential(record: &CredentialRecord) -> Result<(CredentialKey, Credential), EngineError> {
    let fault = || EngineError::Fault(format!("{} has a broken allow list", record.id));
    let allow_list: Vec<IpNet> = serde_json::from_str(&record.allow_list).map_err(|_| fault())?;
    let key = CredentialKey {
        dialect: record.dialect.clone(),
        kind: match record.kind.as_str() {
            "token" => "token",
            "key" => "key",
            _ => "password",
        },
        login: record.login.clone(),
    };
    let credential = Credential {
        id: record.id,
        project_id: record.project_id,
        secret_hash: record.secret_hash.clone(),
        allow_list,
    };
    Ok((key, credential))
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
