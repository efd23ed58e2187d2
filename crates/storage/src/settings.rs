//! Settings as rows: projects and credentials. Secrets in them are sealed before they come here.

use altyn_domain::{Bucket, CredentialId, ProjectId, Timestamp};

/// A project as stored. `settings` is sealed by the engine and opaque here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRecord {
    /// Its id.
    pub id: ProjectId,
    /// Its shard key.
    pub bucket: Bucket,
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

/// All settings at one version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SettingsRecords {
    /// Grows by one with every change of any setting.
    pub version: i64,
    /// All projects.
    pub projects: Vec<ProjectRecord>,
    /// All credentials, revoked ones too.
    pub credentials: Vec<CredentialRecord>,
}
