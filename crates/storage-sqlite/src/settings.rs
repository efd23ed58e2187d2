//! Settings.

use altyn_domain::{Bucket, CredentialId, MerchantId, Timestamp};
use altyn_storage::{
    CredentialRecord, ProjectRecord, SettingsChange, SettingsEntry, SettingsKind, SettingsRecords,
    StorageError,
};
use rusqlite::Connection;
use uuid::Uuid;

use crate::fault::Fault;
use crate::load::{roll_back, settings_version};
use crate::rows::{all, in_snapshot};
use crate::save::in_tx;
use crate::trail;

/// All settings, read in one snapshot.
pub(crate) fn read(db: &Connection) -> Result<SettingsRecords, Fault> {
    in_snapshot(db, read_in_tx)
}

fn read_in_tx(db: &Connection) -> Result<SettingsRecords, Fault> {
    let version = settings_version(db)?;
    let sql = "SELECT project_id, bucket, merchant_id, name, slug, settings, created_at \
               FROM projects ORDER BY project_id";
    let projects = all(db, sql, [], |cells| {
        let id = cells.project_id()?;
        let bucket: u16 = cells.take()?;
        Ok(ProjectRecord {
            id,
            bucket: Bucket::new(bucket),
            merchant_id: cells.take::<Option<Uuid>>()?.map(MerchantId::from_uuid),
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
            revoked_at: cells.maybe_instant()?,
        })
    })?;
    let sql = "SELECT entry_id, kind, parent_id, body, created_at, archived_at \
               FROM settings_entries ORDER BY entry_id";
    let entries = all(db, sql, [], |cells| {
        let id = cells.take()?;
        let kind: String = cells.take()?;
        let corrupt = || Fault::corrupt("settings_entries", id, "kind");
        Ok(SettingsEntry {
            kind: SettingsKind::parse(&kind).ok_or_else(corrupt)?,
            id,
            parent: cells.take()?,
            body: cells.take()?,
            created_at: cells.instant()?,
            archived_at: cells.maybe_instant()?,
        })
    })?;
    Ok(SettingsRecords {
        version,
        projects,
        credentials,
        entries,
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

/// Writes a change in a transaction of its own.
pub(crate) fn save(db: &mut Connection, change: &SettingsChange) -> Result<(), Fault> {
    in_tx(db, |db| save_in_tx(db, change))
}

fn save_in_tx(db: &Connection, change: &SettingsChange) -> Result<(), Fault> {
    if let Some(expected) = change.expected_version
        && settings_version(db)? != expected
    {
        return Err(StorageError::Conflict.into());
    }
    projects(db, &change.projects)?;
    credentials(db, &change.credentials)?;
    entries(db, &change.entries)?;
    trail::append_in_tx(db, &change.audit)?;
    let raise = "UPDATE installation SET settings_version = settings_version + 1";
    db.prepare_cached(raise)?.execute([])?;
    Ok(())
}

fn projects(db: &Connection, projects: &[ProjectRecord]) -> Result<(), Fault> {
    let sql = "INSERT INTO projects (project_id, bucket, name, slug, settings, created_at, \
               merchant_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
               ON CONFLICT (project_id) DO UPDATE SET bucket = excluded.bucket, \
               name = excluded.name, slug = excluded.slug, settings = excluded.settings, \
               created_at = excluded.created_at, merchant_id = excluded.merchant_id";
    for project in projects {
        db.prepare_cached(sql)?.execute((
            project.id.uuid(),
            project.bucket.number(),
            &project.name,
            &project.slug,
            &project.settings,
            project.created_at.as_micros(),
            project.merchant_id.map(MerchantId::uuid),
        ))?;
    }
    Ok(())
}

fn credentials(db: &Connection, credentials: &[CredentialRecord]) -> Result<(), Fault> {
    let sql = "INSERT INTO credentials (credential_id, project_id, dialect, kind, login, \
               secret_hash, allow_list, created_at, revoked_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
               ON CONFLICT (credential_id) DO UPDATE SET project_id = excluded.project_id, \
               dialect = excluded.dialect, kind = excluded.kind, login = excluded.login, \
               secret_hash = excluded.secret_hash, allow_list = excluded.allow_list, \
               created_at = excluded.created_at, revoked_at = excluded.revoked_at";
    for credential in credentials {
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
    Ok(())
}

fn entries(db: &Connection, entries: &[SettingsEntry]) -> Result<(), Fault> {
    let sql = "INSERT INTO settings_entries (entry_id, kind, parent_id, body, created_at, \
               archived_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
               ON CONFLICT (entry_id) DO UPDATE SET kind = excluded.kind, \
               parent_id = excluded.parent_id, body = excluded.body, \
               created_at = excluded.created_at, archived_at = excluded.archived_at";
    for entry in entries {
        db.prepare_cached(sql)?.execute((
            entry.id,
            entry.kind.word(),
            entry.parent,
            &entry.body,
            entry.created_at.as_micros(),
            entry.archived_at.map(Timestamp::as_micros),
        ))?;
    }
    Ok(())
}
