//! Settings: projects and credentials, and the version that every change of them raises.

use altyn_domain::{Bucket, CredentialId, ProjectId, Timestamp};
use altyn_storage::{CorruptRow, CredentialRecord, ProjectRecord, SettingsRecords, StorageError};
use tokio_postgres::{Error, Row, Transaction};

use crate::failure::{Failure, describe, is_fatal};
use crate::pool::{Readers, settle};

const VERSION: &str = "SELECT settings_version FROM installation WHERE id = 1";

const PROJECTS: &str = "SELECT project_id, bucket, name, slug, settings, created_at \
    FROM projects ORDER BY project_id";

const CREDENTIALS: &str = "SELECT credential_id, project_id, dialect, kind, login, secret_hash, \
    allow_list, created_at, revoked_at FROM credentials ORDER BY credential_id";

const RAISE_VERSION: &str = "UPDATE installation SET settings_version = settings_version + 1 \
    WHERE id = 1 RETURNING settings_version";

const LEASE_SERIALS: &str = "UPDATE installation SET next_serial = next_serial + $1 \
    WHERE id = 1 RETURNING next_serial - $1";

const SAVE_PROJECT: &str = "INSERT INTO projects \
    (project_id, bucket, name, slug, settings, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (project_id) DO UPDATE SET bucket = EXCLUDED.bucket, name = EXCLUDED.name, \
    slug = EXCLUDED.slug, settings = EXCLUDED.settings, created_at = EXCLUDED.created_at";

const SAVE_CREDENTIAL: &str = "INSERT INTO credentials \
    (credential_id, project_id, dialect, kind, login, secret_hash, allow_list, created_at, \
    revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
    ON CONFLICT (credential_id) DO UPDATE SET project_id = EXCLUDED.project_id, \
    dialect = EXCLUDED.dialect, kind = EXCLUDED.kind, login = EXCLUDED.login, \
    secret_hash = EXCLUDED.secret_hash, allow_list = EXCLUDED.allow_list, \
    created_at = EXCLUDED.created_at, revoked_at = EXCLUDED.revoked_at";

const AUDIT: &str = "INSERT INTO settings_audit (version, at, what) VALUES ($1, $2, $3)";

/// One change of settings.
pub(crate) struct Change<'a> {
    pub projects: &'a [ProjectRecord],
    pub credentials: &'a [CredentialRecord],
    pub what: &'a str,
    pub at: Timestamp,
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
        let statements = [(VERSION, none), (PROJECTS, none), (CREDENTIALS, none)];
        let [versions, projects, credentials] = self.snapshot(statements).await?;
        let read = || -> Result<SettingsRecords, Failure> {
            Ok(SettingsRecords {
                version: version(&versions)?,
                projects: projects.iter().map(project).collect::<Result<_, _>>()?,
                credentials: credentials
                    .iter()
                    .map(credential)
                    .collect::<Result<_, _>>()?,
            })
        };
        read().map_err(StorageError::from)
    }

    /// Saves a change in one transaction, statement by statement: it is rare, and changes no money.
    pub(crate) async fn save_settings(&self, change: &Change<'_>) -> Result<(), StorageError> {
        let mut connection = self.connection().await?;
        let work = async {
            let tx = (*connection).transaction().await?;
            write(&tx, change).await?;
            Ok(tx.commit().await)
        };
        let done = tokio::time::timeout(self.limit(), work).await;
        match settle(connection, done)? {
            Err(error) if error.as_db_error().is_none_or(is_fatal) => {
                Err(StorageError::CommitUnknown(describe(&error)))
            }
            committed => Ok(committed.map_err(Failure::from)?),
        }
    }
}

async fn write(tx: &Transaction<'_>, change: &Change<'_>) -> Result<(), Error> {
    // The version first: its row makes two changes wait for each other.
    let version: i64 = tx.query_one(RAISE_VERSION, &[]).await?.try_get(0)?;
    for project in change.projects {
        tx.execute(
            SAVE_PROJECT,
            &[
                &project.id.uuid(),
                &project.bucket.number(),
                &project.name,
                &project.slug,
                &project.settings,
                &project.created_at.as_micros(),
            ],
        )
        .await?;
    }
    for credential in change.credentials {
        tx.execute(
            SAVE_CREDENTIAL,
            &[
                &credential.id.uuid(),
                &credential.project_id.uuid(),
                &credential.dialect,
                &credential.kind,
                &credential.login,
                &credential.secret_hash,
                &credential.allow_list,
                &credential.created_at.as_micros(),
                &credential.revoked_at.map(Timestamp::as_micros),
            ],
        )
        .await?;
    }
    let at = change.at.as_micros();
    tx.execute(AUDIT, &[&version, &at, &change.what]).await?;
    Ok(())
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
    Ok(ProjectRecord {
        id,
        bucket: Bucket::new(bucket),
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
