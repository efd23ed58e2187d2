//! The audit trail.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use altyn_domain::UserId;
use altyn_storage::{AuditEntry, AuditSearch, StorageError};
use rusqlite::types::Value;
use rusqlite::{Connection, named_params};
use uuid::Uuid;

use crate::fault::Fault;
use crate::rows::{Cells, all, first, in_snapshot};
use crate::save::in_tx;
use crate::search::{cut, json_ids};

/// Writes entries that belong to no other change.
pub(crate) fn append(db: &mut Connection, entries: &[AuditEntry]) -> Result<(), Fault> {
    in_tx(db, |db| append_in_tx(db, entries))
}

/// Writes entries; a taken place is a conflict.
pub(crate) fn append_in_tx(db: &Connection, entries: &[AuditEntry]) -> Result<(), Fault> {
    let sql = "INSERT INTO audit_entries (chain, number, at, actor_id, actor_name, scope_id, action, \
               subject, detail, previous_hash, hash) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
               ON CONFLICT (chain, number) DO NOTHING";
    for entry in entries {
        let written = db.prepare_cached(sql)?.execute((
            entry.chain,
            entry.number,
            entry.at.as_micros(),
            entry.actor.map(UserId::uuid),
            &entry.actor_name,
            entry.scope,
            &entry.action,
            &entry.subject,
            &entry.detail,
            &entry.previous_hash,
            &entry.hash,
        ))?;
        if written == 0 {
            return Err(StorageError::Conflict.into());
        }
    }
    Ok(())
}

macro_rules! entries {
    ($rest:literal) => {
        concat!(
            "SELECT chain, number, at, actor_id, actor_name, scope_id, action, subject, detail, \
             previous_hash, hash FROM audit_entries WHERE ",
            $rest
        )
    };
    (newest: $where:literal) => {
        concat!(
            "SELECT chain, number, at, actor_id, actor_name, scope_id, action, subject, detail, \
             previous_hash, hash FROM audit_entries WHERE at <= :at \
             AND (at < :at OR (chain, number) < (:chain, :number)) AND ",
            $where,
            " ORDER BY at DESC, chain DESC, number DESC LIMIT :limit"
        )
    };
}

fn entry(cells: &mut Cells<'_>) -> Result<AuditEntry, Fault> {
    Ok(AuditEntry {
        chain: cells.take()?,
        number: cells.take()?,
        at: cells.instant()?,
        actor: cells.take::<Option<Uuid>>()?.map(UserId::from_uuid),
        actor_name: cells.take()?,
        scope: cells.take()?,
        action: cells.take()?,
        subject: cells.take()?,
        detail: cells.take()?,
        previous_hash: cells.take()?,
        hash: cells.take()?,
    })
}

/// A page of entries, newest first. Every range is read from an index and no longer than the page.
pub(crate) fn list(db: &Connection, search: &AuditSearch) -> Result<Vec<AuditEntry>, Fault> {
    let sql = match (&search.scopes, search.actor, &search.action) {
        (_, Some(_), _) => entries!(newest: "actor_id = :actor \
             AND (:action IS NULL OR action = :action) AND (:scope IS NULL \
             OR scope_id IN (SELECT unhex(value) FROM json_each(:scope)))"),
        (Some(_), None, _) => entries!(newest: "scope_id = :scope AND :actor IS NULL \
             AND (:action IS NULL OR action = :action)"),
        (None, None, Some(_)) => {
            entries!(newest: "action = :action AND :actor IS NULL AND :scope IS NULL")
        }
        (None, None, None) => {
            entries!(newest: ":action IS NULL AND :actor IS NULL AND :scope IS NULL")
        }
    };
    let scopes = match &search.scopes {
        Some(scopes) if search.actor.is_none() => scopes,
        other => {
            let scopes = other.as_deref().map(json_ids).map(Value::from);
            return range(db, search, sql, scopes);
        }
    };
    let scopes: BTreeSet<Uuid> = scopes.iter().copied().collect();
    in_snapshot(db, |db| {
        let mut found = Vec::new();
        for scope in scopes {
            let scope = Value::from(scope.as_bytes().to_vec());
            found.extend(range(db, search, sql, Some(scope))?);
        }
        found.sort_by_key(|entry| Reverse((entry.at, entry.chain, entry.number)));
        Ok(cut(found, search.limit))
    })
}

fn range(
    db: &Connection,
    search: &AuditSearch,
    sql: &str,
    scope: Option<Value>,
) -> Result<Vec<AuditEntry>, Fault> {
    let after = search.after;
    let params = named_params! {
        ":at": after.map_or(i64::MAX, |place| place.at.as_micros()),
        ":chain": after.map(|place| place.chain),
        ":number": after.map(|place| place.number),
        ":action": search.action,
        ":actor": search.actor.map(UserId::uuid),
        ":scope": scope,
        ":limit": search.limit,
    };
    all(db, sql, params, entry)
}

/// Entries of one chain from `from` on.
pub(crate) fn chain(
    db: &Connection,
    chain: Uuid,
    from: i64,
    limit: u32,
) -> Result<Vec<AuditEntry>, Fault> {
    let sql = entries!("chain = ?1 AND number >= ?2 ORDER BY number LIMIT ?3");
    all(db, sql, (chain, from, limit), entry)
}

/// The last entry of every chain. Goes from chain to chain, not from entry to entry.
pub(crate) fn heads(db: &Connection) -> Result<Vec<AuditEntry>, Fault> {
    let next = entries!("chain > ?1 ORDER BY chain LIMIT 1");
    let last = entries!("chain = ?1 ORDER BY number DESC LIMIT 1");
    in_snapshot(db, |db| {
        let mut heads = Vec::new();
        let mut head = first(db, last, [Uuid::nil()], entry)?;
        let mut chain = Uuid::nil();
        loop {
            heads.extend(head.take());
            let Some(found) = first(db, next, [chain], |cells| Ok(cells.take::<Uuid>()?))? else {
                return Ok(heads);
            };
            chain = found;
            head = first(db, last, [chain], entry)?;
        }
    })
}
