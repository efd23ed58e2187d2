//! Settings: projects, credentials and entries, and the version that every change of them raises.

use altyn_domain::{Bucket, CredentialId, MerchantId, ProjectId, Timestamp};
use altyn_storage::{
    CorruptRow, CredentialRecord, ProjectRecord, SettingsChange, SettingsEntry, SettingsKind,
    SettingsRecords, StorageError,
};
use tokio_postgres::Row;

use crate::failure::Failure;
use crate::pool::{Readers, Write};
use crate::trail::appended;

const VERSION: &str = "SELECT settings_version FROM installation WHERE id = 1";

const PROJECTS: &str = "SELECT project_id, bucket, name, slug, settings, created_at, merchant_id \
    FROM projects ORDER BY project_id";

const CREDENTIALS: &str = "SELECT credential_id, project_id, dialect, kind, login, secret_hash, \
    allow_list, created_at, revoked_at FROM credentials ORDER BY credential_id";

const ENTRIES: &str = "SELECT entry_id, kind, parent_id, body, created_at, archived_at \
    FROM settings_entries ORDER BY entry_id";

/// Writes nothing if the version is not the one that was expected.
const RAISE_VERSION: &str = "UPDATE installation SET settings_version = settings_version + 1 \
    WHERE id = 1 AND settings_version = COALESCE($1, settings_version)";

const LEASE_SERIALS: &str = "UPDATE installation SET next_serial = next_serial + $1 \
    WHERE id = 1 RETURNING next_serial - $1";

const SAVE_PROJECT: &str = "INSERT INTO projects \
    (project_id, bucket, name, slug, settings, created_at, merchant_id) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) \
    ON CONFLICT (project_id) DO UPDATE SET bucket = EXCLUDED.bucket, name = EXCLUDED.name, \
    slug = EXCLUDED.slug, settings = EXCLUDED.settings, created_at = EXCLUDED.created_at, \
    merchant_id = EXCLUDED.merchant_id";

const SAVE_CREDENTIAL: &str = "INSERT INTO credentials \
    (credential_id, project_id, dialect, kind, login, secret_hash, allow_list, created_at, \
    revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
    ON CONFLICT (credential_id) DO UPDATE SET project_id = EXCLUDED.project_id, \
    dialect = EXCLUDED.dialect, kind = EXCLUDED.kind, login = EXCLUDED.login, \
    secret_hash = EXCLUDED.secret_hash, allow_list = EXCLUDED.allow_list, \
    created_at = EXCLUDED.created_at, revoked_at = EXCLUDED.revoked_at";

const SAVE_ENTRY: &str = "INSERT INTO settings_entries \
    (entry_id, kind, parent_id, body, created_at, archived_at) VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (entry_id) DO UPDATE SET kind = EXCLUDED.kind, parent_id = EXCLUDED.parent_id, \
    body = EXCLUDED.body, created_at = EXCLUDED.created_at, archived_at = EXCLUDED.archived_at";

/// The texts prepared here, by name.
pub(crate) fn statements() -> Vec<(&'static str, String)> {
    let all = [
        ("settings version", VERSION),
        ("projects", PROJECTS),
        ("credentials", CREDENTIALS),
        ("settings entries", ENTRIES),
        ("raise settings version", RAISE_VERSION),
        ("lease serials", LEASE_SERIALS),
        ("save project", SAVE_PROJECT),
        ("save credential", SAVE_CREDENTIAL),
        ("save settings entry", SAVE_ENTRY),
    ];
    all.map(|(name, sql)| (name, sql.to_owned())).into()
}

impl Readers {
    pub(crate) async fn settings_version(&self) -> Result<i64, StorageError> {
        let rows = self.rows(VERSION, &[]).await?;
        version(&rows).map_err(StorageError::from)
    }

    /// Takes numbers of operations. Should the answer be lost, they are lost too, and nobody minds.
    pub(crate) async fn lease_serials(&self, count: i64) -> Result<i64, StorageError> {
        let rows = self.rows(LEASE_SERIALS, &[&count]).await?;
        version(&rows).map_err(StorageError::from)
    }

    pub(crate) async fn settings(&self) -> Result<SettingsRecords, StorageError> {
        let none = &[][..];
        let statements = [
            (VERSION, none),
            (PROJECTS, none),
            (CREDENTIALS, none),
            (ENTRIES, none),
        ];
        let [versions, projects, credentials, entries] = self.snapshot(statements).await?;
        let read = || -> Result<SettingsRecords, Failure> {
            Ok(SettingsRecords {
                version: version(&versions)?,
                projects: projects.iter().map(project).collect::<Result<_, _>>()?,
                credentials: credentials
                    .iter()
                    .map(credential)
                    .collect::<Result<_, _>>()?,
                entries: entries.iter().map(entry).collect::<Result<_, _>>()?,
            })
        };
        read().map_err(StorageError::from)
    }

    /// Saves a change in one transaction. The version comes first: its row makes two changes wait for each
    /// other, and tells the second that the first was there.
    pub(crate) async fn save_settings(&self, change: &SettingsChange) -> Result<(), StorageError> {
        let mut writes = vec![Write {
            sql: RAISE_VERSION,
            params: vec![Box::new(change.expected_version)],
            rows: Some(1),
        }];
        writes.extend(change.entries.iter().map(saved_entry));
        writes.extend(change.projects.iter().map(saved_project));
        writes.extend(change.credentials.iter().map(saved_credential));
        writes.extend(change.audit.iter().map(appended));
        self.transact(&writes).await
    }
}

fn saved_project(project: &ProjectRecord) -> Write<'_> {
    Write {
        sql: SAVE_PROJECT,
        params: vec![
            Box::new(project.id.uuid()),
            Box::new(project.bucket.number()),
            Box::new(project.name.as_str()),
            Box::new(project.slug.as_str()),
            Box::new(project.settings.as_str()),
            Box::new(project.created_at.as_micros()),
            Box::new(project.merchant_id.map(MerchantId::uuid)),
        ],
        rows: None,
    }
}

fn saved_credential(credential: &CredentialRecord) -> Write<'_> {
    Write {
        sql: SAVE_CREDENTIAL,
        params: vec![
            Box::new(credential.id.uuid()),
            Box::new(credential.project_id.uuid()),
            Box::new(credential.dialect.as_str()),
            Box::new(credential.kind.as_str()),
            Box::new(credential.login.as_str()),
            Box::new(credential.secret_hash.as_slice()),
            Box::new(credential.allow_list.as_str()),
            Box::new(credential.created_at.as_micros()),
            Box::new(credential.revoked_at.map(Timestamp::as_micros)),
        ],
        rows: None,
    }
}

fn saved_entry(entry: &SettingsEntry) -> Write<'_> {
    Write {
        sql: SAVE_ENTRY,
        params: vec![
            Box::new(entry.id),
            Box::new(entry.kind.word()),
            Box::new(entry.parent),
            Box::new(entry.body.as_str()),
            Box::new(entry.created_at.as_micros()),
            Box::new(entry.archived_at.map(Timestamp::as_micros)),
        ],
        rows: None,
    }
}

fn version(rows: &[Row]) -> Result<i64, Failure> {
    let row = rows.first().ok_or_else(|| CorruptRow {
        table: "installation",
        key: "1".to_owned(),
        column: "id".to_owned(),
    })?;
    Ok(row.try_get(0)?)
}

fn project(row: &Row) -> Result<ProjectRecord, Failure> {
    let id = ProjectId::from_uuid(row.try_get(0)?);
    let bucket: i16 = row.try_get(1)?;
    let bucket = u16::try_from(bucket).map_err(|_| CorruptRow {
        table: "projects",
        key: id.to_string(),
        column: "bucket".to_owned(),
    })?;
    let merchant: Option<_> = row.try_get(6)?;
    Ok(ProjectRecord {
        id,
        bucket: Bucket::new(bucket),
        merchant_id: merchant.map(MerchantId::from_uuid),
        name: row.try_get(2)?,
        slug: row.try_get(3)?,
        settings: row.try_get(4)?,
        created_at: Timestamp::from_micros(row.try_get(5)?),
    })
}

fn credential(row: &Row) -> Result<CredentialRecord, Failure> {
    let revoked_at: Option<i64> = row.try_get(8)?;
    Ok(CredentialRecord {
        id: CredentialId::from_uuid(row.try_get(0)?),
        project_id: ProjectId::from_uuid(row.try_get(1)?),
        dialect: row.try_get(2)?,
        kind: row.try_get(3)?,
        login: row.try_get(4)?,
        secret_hash: row.try_get(5)?,
        allow_list: row.try_get(6)?,
        created_at: Timestamp::from_micros(row.try_get(7)?),
        revoked_at: revoked_at.map(Timestamp::from_micros),
    })
}

fn entry(row: &Row) -> Result<SettingsEntry, Failure> {
    let id: uuid::Uuid = row.try_get(0)?;
    let kind = SettingsKind::parse(row.try_get(1)?).ok_or_else(|| CorruptRow {
        table: "settings_entries",
        key: id.to_string(),
        column: "kind".to_owned(),
    })?;
    let archived_at: Option<i64> = row.try_get(5)?;
    Ok(SettingsEntry {
        kind,
        id,
        parent: row.try_get(2)?,
        body: row.try_get(3)?,
        created_at: Timestamp::from_micros(row.try_get(4)?),
        archived_at: archived_at.map(Timestamp::from_micros),
    })
}
