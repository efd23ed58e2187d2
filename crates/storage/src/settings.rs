//! Settings as rows: projects and credentials. Secrets in them are sealed before they come here.

use altyn_domain::{Bucket, CredentialId, MerchantId, ProjectId, Timestamp};
use uuid::Uuid;

use crate::AuditEntry;

/// A project as stored. `settings` is sealed by the engine and opaque here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRecord {
    /// Its id.
    pub id: ProjectId,
    /// Its shard key.
    pub bucket: Bucket,
    /// The merchant it belongs to; `None` if it was made by a command and given to nobody.
    pub merchant_id: Option<MerchantId>,
    /// The name payers read.
    pub name: String,
    /// Short latin name; unique.
    pub slug: String,
    /// The sealed settings.
    pub settings: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A credential as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRecord {
    /// Its id.
    pub id: CredentialId,
    /// The project it opens.
    pub project_id: ProjectId,
    /// The dialect it is for.
    pub dialect: String,
    /// `password` or `token`.
    pub kind: String,
    /// The login, or a public part of a token; unique per dialect and kind.
    pub login: String,
    /// Keyed hash of the secret part, 32 bytes.
    pub secret_hash: Vec<u8>,
    /// Networks it may be used from, as JSON; an empty array means from anywhere.
    pub allow_list: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// What a settings entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SettingsKind {
    /// A reseller; its parent is a reseller, or none for the root.
    Reseller,
    /// A merchant; its parent is a reseller.
    Merchant,
    /// A gateway connector of the registry; no parent.
    Connector,
    /// A payment method; its parent is a reseller.
    Method,
}

impl SettingsKind {
    /// The word stored in databases.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reseller => "reseller",
            Self::Merchant => "merchant",
            Self::Connector => "connector",
            Self::Method => "method",
        }
    }

    /// Reads [`word`](Self::word).
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Reseller,
            Self::Merchant,
            Self::Connector,
            Self::Method,
        ]
        .into_iter()
        .find(|kind| kind.word() == word)
    }
}

/// A reseller, merchant, connector or payment method as stored. `body` is sealed by the engine and opaque
/// here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsEntry {
    /// What it is.
    pub kind: SettingsKind,
    /// Its id.
    pub id: Uuid,
    /// The reseller above it.
    pub parent: Option<Uuid>,
    /// The sealed rest.
    pub body: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was deleted: it is kept for what was begun with it, and shown to nobody.
    pub archived_at: Option<Timestamp>,
}

/// Changes of settings that take place together or not at all, and raise the settings version by one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// The version on which the change was decided; another one in the database is a conflict. `None` if it
    /// does not matter.
    pub expected_version: Option<i64>,
    /// Projects inserted, or replaced by id.
    pub projects: Vec<ProjectRecord>,
    /// Credentials inserted, or replaced by id.
    pub credentials: Vec<CredentialRecord>,
    /// Entries inserted, or replaced by id; parents before children.
    pub entries: Vec<SettingsEntry>,
    /// Lines of the audit trail about it. A taken place is a conflict.
    pub audit: Vec<AuditEntry>,
}

/// All settings at one version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SettingsRecords {
    /// Grows by one with every change of any setting.
    pub version: i64,
    /// All projects.
    pub projects: Vec<ProjectRecord>,
    /// All credentials, revoked ones too.
    pub credentials: Vec<CredentialRecord>,
    /// All entries, archived ones too, in the order of their ids.
    pub entries: Vec<SettingsEntry>,
}
