//! The tree of owners: reseller → reseller → … → merchant → project.

use altyn_domain::{MerchantId, ResellerId, Timestamp};
use altyn_storage::{SettingsEntry, SettingsKind};
use serde::{Deserialize, Serialize};

use crate::{EngineError, Vault};

/// A reseller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reseller {
    /// Its id.
    pub id: ResellerId,
    /// The reseller above it; `None` for the root, of which there is one.
    pub parent: Option<ResellerId>,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// Its id.
    pub id: MerchantId,
    /// The reseller above it.
    pub reseller_id: ResellerId,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What is sealed of a reseller or merchant.
#[derive(Debug, Serialize, Deserialize)]
struct OwnerBody {
    name: String,
}

impl Reseller {
    /// Opens a stored one.
    pub(crate) fn open(entry: &SettingsEntry, vault: &Vault) -> Result<Self, EngineError> {
        let body: OwnerBody = open_body(entry, vault)?;
        Ok(Self {
            id: ResellerId::from_uuid(entry.id),
            parent: entry.parent.map(ResellerId::from_uuid),
            name: body.name,
            created_at: entry.created_at,
        })
    }

    /// The row of it.
    pub(crate) fn entry(&self, sealer: &Sealer<'_>) -> Result<SettingsEntry, EngineError> {
        let body = OwnerBody {
            name: self.name.clone(),
        };
        Ok(SettingsEntry {
            kind: SettingsKind::Reseller,
            id: self.id.uuid(),
            parent: self.parent.map(ResellerId::uuid),
            body: sealer.seal(self.id.uuid(), &body)?,
            created_at: self.created_at,
            archived_at: None,
        })
    }
}

impl Merchant {
    /// Opens a stored one.
    pub(crate) fn open(entry: &SettingsEntry, vault: &Vault) -> Result<Self, EngineError> {
        let body: OwnerBody = open_body(entry, vault)?;
        let parent = entry.parent.ok_or_else(|| broken(entry, &"no reseller"))?;
        Ok(Self {
            id: MerchantId::from_uuid(entry.id),
            reseller_id: ResellerId::from_uuid(parent),
            name: body.name,
            created_at: entry.created_at,
        })
    }

    /// The row of it.
    pub(crate) fn entry(&self, sealer: &Sealer<'_>) -> Result<SettingsEntry, EngineError> {
        let body = OwnerBody {
            name: self.name.clone(),
        };
        Ok(SettingsEntry {
            kind: SettingsKind::Merchant,
            id: self.id.uuid(),
            parent: Some(self.reseller_id.uuid()),
            body: sealer.seal(self.id.uuid(), &body)?,
            created_at: self.created_at,
            archived_at: None,
        })
    }
}

/// Seals the bodies of settings entries, each for its own id.
pub(crate) struct Sealer<'a> {
    pub vault: &'a Vault,
    pub entropy: &'a dyn crate::Entropy,
}

impl Sealer<'_> {
    /// Seals `body` for the record with this id.
    pub(crate) fn seal(
        &self,
        id: uuid::Uuid,
        body: &impl Serialize,
    ) -> Result<String, EngineError> {
        let text = serde_json::to_string(body)
            .map_err(|error| EngineError::Fault(format!("{id} cannot be written: {error}")))?;
        self.vault
            .seal(&text, id.as_bytes(), self.entropy)
            .map_err(|error| EngineError::Fault(error.to_string()))
    }
}

/// Opens the body of a settings entry.
pub(crate) fn open_body<T: serde::de::DeserializeOwned>(
    entry: &SettingsEntry,
    vault: &Vault,
) -> Result<T, EngineError> {
    let text = vault
        .open(&entry.body, entry.id.as_bytes())
        .map_err(|error| broken(entry, &error))?;
    serde_json::from_str(&text).map_err(|error| broken(entry, &error))
}

pub(crate) fn broken(entry: &SettingsEntry, why: &dyn std::fmt::Display) -> EngineError {
    let (kind, id) = (entry.kind.word(), entry.id);
    EngineError::Fault(format!("{kind} {id} cannot be read: {why}"))
}
