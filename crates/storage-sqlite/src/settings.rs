//! Settings.

use altyn_domain::{Bucket, CredentialId, Timestamp};
use altyn_storage::{CredentialRecord, ProjectRecord, SettingsRecords};
use rusqlite::Connection;

use crate::fault::Fault;
use crate::load::{roll_back, settings_version};
use crate::rows::{all, in_snapshot};
use crate::save::finish;

/// All settings, read in one snapshot.
pub(crate) fn read(db: &Connection) -> Result<SettingsRecords, Fault> {
    in_snapshot(db, read_in_tx)
}

fn read_in_tx(db: &Connection) -> Result<SettingsRecords, Fault> {
    let version = settings_version(db)?;
    let sql = "SELECT project_id, bucket, name, slug, settings, created_at FROM projects \
               ORDER BY project_id";
    let projects = all(db, sql, [], |cells| {
        let id = cells.project_id()?;
        let bucket: u16 = cells.take()?;
        Ok(ProjectRecord {
            id,
            bucket: Bucket::new(bucket),
            name: cells.take()?,
            slug: cells.take()?,
            settings: cells.take()?,
            created_at: cells.instant()?,
        })
    })?;
    let sql = "SELECT credential_id, project_id, dialect, kind, login, secret_hash, allow_list, \
               created_at, revoked_at FROM credentials ORDER BY credential_id";
    let credentials = all(db, sql, [], |cells| {
        Ok(CredentialRecord {
            id: CredentialId::from_uuid(cells.take()?),
            project_id: cells.project_id()?,
            dialect: cells.take()?,
            kind: cells.take()?,
            login: cells.take()?,
            secret_hash: cells.take()?,
            allow_list: cells.take()?,
            created_at: cells.instant()?,
            revoked_at: cells.take::<Option<i64>>()?.map(Timestamp::from_micros),
        })
    })?;
    Ok(SettingsRecords {
        version,
        projects,
        credentials,
    })
}

/// Takes numbers of operations in a transaction of its own.
pub(crate) fn lease_serials(db: &mut Connection, count: i64) -> Result<i64, Fault> {
    roll_back(db)?;
    let sql = "UPDATE installation SET next_serial = next_serial + ?1 WHERE id = 1 \
               RETURNING next_serial - ?1";
    Ok(db
        .prepare_cached(sql)?
        .query_row([count], |row| row.get(0))?)
}

/// A change of settings.
pub(crate) struct Change {
    pub projects: Vec<ProjectRecord>,
    pub credentials: Vec<CredentialRecord>,
    pub what: String,
    pub at: Timestamp,
}

/// Writes a change in a transaction of its own.
pub(crate) fn save(db: &mut Connection, change: &Change) -> Result<(), Fault> {
    roll_back(db)?;
    db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let saved = save_in_tx(db, change);
    finish(db, saved)
}

fn save_in_tx(db: &Connection, change: &Change) -> Result<(), Fault> {
    for project in &change.projects {
        let sql = "INSERT INTO projects (project_id, bucket, name, slug, settings, created_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (project_id) DO UPDATE SET \
                   bucket = excluded.bucket, name = excluded.name, slug = excluded.slug, \
                   settings = excluded.settings, created_at = excluded.created_at";
        db.prepare_cached(sql)?.execute((
            project.id.uuid(),
            project.bucket.number(),
            &project.name,
            &project.slug,
            &project.settings,
            project.created_at.as_micros(),
        ))?;
    }
    for credential in &change.credentials {
        let sql = "INSERT INTO credentials (credential_id, project_id, dialect, kind, login, \
                   secret_hash, allow_list, created_at, revoked_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
                   ON CONFLICT (credential_id) DO UPDATE SET project_id = excluded.project_id, \
                   dialect = excluded.dialect, kind = excluded.kind, login = excluded.login, \
                   secret_hash = excluded.secret_hash, allow_list = excluded.allow_list, \
                   created_at = excluded.created_at, revoked_at = excluded.revoked_at";
        db.prepare_cached(sql)?.execute((
            credential.id.uuid(),
            credential.project_id.uuid(),
            &credential.dialect,
            &credential.kind,
            &credential.login,
            &credential.secret_hash,
            &credential.allow_list,
            credential.created_at.as_micros(),
            credential.revoked_at.map(Timestamp::as_micros),
        ))?;
    }
    let raise = "UPDATE installation SET settings_version = settings_version + 1";
    db.prepare_cached(raise)?.execute([])?;
    let audit = "INSERT INTO settings_audit (version, at, what) \
                 SELECT settings_version, ?1, ?2 FROM installation";
    db.prepare_cached(audit)?
        .execute((change.at.as_micros(), &change.what))?;
    Ok(())
}
