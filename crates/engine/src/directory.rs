//! Settings in memory at one version: the tree of owners, projects, credentials, connectors and payment
//! methods. Read by every request, replaced whole. The methods of resellers are in the projects already.

use std::collections::HashMap;
use std::sync::Arc;

use altyn_domain::{
    ConnectorId, MerchantId, MethodId, Project, ProjectId, ProjectSettings, ResellerId,
};
use altyn_storage::{
    CredentialRecord, ProjectRecord, SettingsEntry, SettingsKind, SettingsRecords,
};
use aws_lc_rs::digest;
use ipnet::IpNet;

use crate::authenticate::{Credential, CredentialKey};
use crate::registry::{Method, Registered, offer};
use crate::trail::hex;
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
    /// The registry, archived connectors too.
    pub connectors: HashMap<ConnectorId, Registered>,
    /// The payment methods of resellers, archived ones too.
    pub methods: HashMap<MethodId, Method>,
    /// The tags of resellers and merchants, by their ids.
    pub tags: HashMap<uuid::Uuid, String>,
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
                SettingsKind::Connector => {
                    let connector = Registered::open(entry, vault)?;
                    directory.connectors.insert(connector.id, connector);
                }
                SettingsKind::Method => {
                    let method = Method::open(entry, vault)?;
                    directory.methods.insert(method.id, method);
                }
            }
            directory.tags.insert(entry.id, tag_of(entry));
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
        offer::resolve(&mut directory);
        Ok(directory)
    }

    /// A project's settings as they are stored: without the methods that resellers offer it.
    pub(crate) fn own_settings(&self, id: ProjectId) -> Option<ProjectSettings> {
        let project = self.projects.get(&id)?;
        Some(offer::own(&project.settings))
    }

    /// The root reseller, once there is one.
    pub(crate) fn root(&self) -> Option<&Reseller> {
        let mut resellers = self.resellers.values();
        resellers.find(|reseller| reseller.parent.is_none())
    }
}

/// A tag, with quotation marks as HTTP has it, that is another one whenever the stored thing was written
/// again: each seal is another text.
pub(crate) fn tag_of(entry: &SettingsEntry) -> String {
    tag(&[&entry.body])
}

/// As [`tag_of`], for a project.
pub(crate) fn tag_of_project(record: &ProjectRecord) -> String {
    tag(&[&record.name, &record.slug, &record.settings])
}

fn tag(parts: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part.as_bytes());
        context.update(&[0]);
    }
    format!("\"{}\"", hex(&context.finish().as_ref()[..16]))
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
