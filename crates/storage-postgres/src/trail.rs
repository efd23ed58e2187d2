//! The audit trail: appended to, and read page by page.

use std::sync::LazyLock;

use altyn_domain::{Timestamp, UserId};
use altyn_storage::{AuditEntry, AuditSearch, StorageError, Trail};
use async_trait::async_trait;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::PostgresStorage;
use crate::failure::Failure;
use crate::pool::Write;

const APPEND: &str = "INSERT INTO audit_entries (chain, number, at, actor_id, actor_name, scope_id, \
    action, subject, detail, previous_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// The columns of `audit_entries`, in the order [`entry`] reads them.
const COLUMNS: &str = "chain, number, at, actor_id, actor_name, scope_id, action, subject, detail, \
    previous_hash, hash";

/// Behind the place in the first three parameters, newest first, as many as the fourth says.
const OLDER: &str = "(at, chain, number) < ($1::bigint, $2::uuid, $3::bigint)";
const NEWEST: &str = "ORDER BY at DESC, chain DESC, number DESC LIMIT $4";

/// One person's entries.
static BY_ACTOR: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {COLUMNS} FROM audit_entries WHERE actor_id = $5 AND {OLDER} \
         AND ($6::text IS NULL OR action = $6) \
         AND ($7::uuid[] IS NULL OR scope_id = ANY($7)) {NEWEST}"
    )
});

/// Entries about some owners: so many of each, and of those the newest.
static BY_SCOPE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT e.* FROM unnest($5::uuid[]) AS k(scope_id) \
         CROSS JOIN LATERAL (SELECT {COLUMNS} FROM audit_entries e \
         WHERE e.scope_id = k.scope_id AND {OLDER} AND ($6::text IS NULL OR action = $6) \
         {NEWEST}) e {NEWEST}"
    )
});

/// Written as a range of the index that begins with the action: no other one has this order, however common
/// the planner believes an action to be.
static BY_ACTION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {COLUMNS} FROM audit_entries WHERE action >= $5 \
         AND (action, at, chain, number) < ($5, $1::bigint, $2::uuid, $3::bigint) \
         ORDER BY action DESC, at DESC, chain DESC, number DESC LIMIT $4"
    )
});

static ALL: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {COLUMNS} FROM audit_entries WHERE {OLDER} {NEWEST}"));

static CHAIN: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {COLUMNS} FROM audit_entries WHERE chain = $1 AND number >= $2 \
         ORDER BY number LIMIT $3"
    )
});

/// From the last chain to the first, a look for each: there are few chains and many entries.
static HEADS: LazyLock<String> = LazyLock::new(|| {
    let last = "ORDER BY chain DESC, number DESC LIMIT 1";
    format!(
        "WITH RECURSIVE heads AS ((SELECT {COLUMNS} FROM audit_entries {last}) \
         UNION ALL SELECT e.* FROM heads h CROSS JOIN LATERAL (SELECT {COLUMNS} \
         FROM audit_entries e WHERE e.chain < h.chain {last}) e) \
         SELECT {COLUMNS} FROM heads ORDER BY chain"
    )
});

/// The texts prepared here, by name.
pub(crate) fn statements() -> Vec<(&'static str, String)> {
    vec![
        ("append to the trail", APPEND.to_owned()),
        ("trail by actor", BY_ACTOR.clone()),
        ("trail by scope", BY_SCOPE.clone()),
        ("trail by action", BY_ACTION.clone()),
        ("trail", ALL.clone()),
        ("chain of the trail", CHAIN.clone()),
        ("heads of the trail", HEADS.clone()),
    ]
}

/// Writes one entry. A place that is taken is a conflict.
pub(crate) fn appended(entry: &AuditEntry) -> Write<'_> {
    Write {
        sql: APPEND,
        params: vec![
            Box::new(entry.chain),
            Box::new(entry.number),
            Box::new(entry.at.as_micros()),
            Box::new(entry.actor.map(UserId::uuid)),
            Box::new(entry.actor_name.as_str()),
            Box::new(entry.scope),
            Box::new(entry.action.as_str()),
            Box::new(entry.subject.as_str()),
            Box::new(entry.detail.as_str()),
            Box::new(entry.previous_hash.as_slice()),
            Box::new(entry.hash.as_slice()),
        ],
        rows: None,
    }
}

#[async_trait]
impl Trail for PostgresStorage {
    async fn append_audit(&self, entries: &[AuditEntry]) -> Result<(), StorageError> {
        if entries.is_empty() {
            return Ok(());
        }
        let writes: Vec<_> = entries.iter().map(appended).collect();
        self.readers.transact(&writes).await
    }

    async fn audit_entries(&self, search: &AuditSearch) -> Result<Vec<AuditEntry>, StorageError> {
        let (at, chain, number) = match search.after {
            Some(place) => (place.at.as_micros(), place.chain, place.number),
            None => (i64::MAX, Uuid::max(), i64::MAX),
        };
        let limit = i64::from(search.limit);
        let actor = search.actor.map(UserId::uuid);
        let scopes = search.scopes.as_ref().map(|scopes| {
            let mut scopes = scopes.clone();
            scopes.sort_unstable();
            scopes.dedup();
            scopes
        });
        let (action, by_action) = (&search.action, search.action.as_ref());
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&at, &chain, &number, &limit];
        let sql = match (&actor, &scopes, &by_action) {
            (Some(actor), ..) => {
                params.extend([actor as &(dyn ToSql + Sync), action, &scopes]);
                &BY_ACTOR
            }
            (None, Some(scopes), _) => {
                params.extend([scopes as &(dyn ToSql + Sync), action]);
                &BY_SCOPE
            }
            (None, None, Some(action)) => {
                params.push(action);
                &BY_ACTION
            }
            (None, None, None) => &ALL,
        };
        entries(&self.readers.rows(sql, &params).await?)
    }

    async fn audit_chain(
        &self,
        chain: Uuid,
        from: i64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let limit = i64::from(limit);
        let rows = self.readers.rows(&CHAIN, &[&chain, &from, &limit]).await?;
        entries(&rows)
    }

    async fn audit_heads(&self) -> Result<Vec<AuditEntry>, StorageError> {
        entries(&self.readers.rows(&HEADS, &[]).await?)
    }
}

fn entries(rows: &[Row]) -> Result<Vec<AuditEntry>, StorageError> {
    let all: Result<_, Failure> = rows.iter().map(entry).collect();
    Ok(all?)
}

fn entry(row: &Row) -> Result<AuditEntry, Failure> {
    let actor: Option<Uuid> = row.try_get(3)?;
    Ok(AuditEntry {
        chain: row.try_get(0)?,
        number: row.try_get(1)?,
        at: Timestamp::from_micros(row.try_get(2)?),
        actor: actor.map(UserId::from_uuid),
        actor_name: row.try_get(4)?,
        scope: row.try_get(5)?,
        action: row.try_get(6)?,
        subject: row.try_get(7)?,
        detail: row.try_get(8)?,
        previous_hash: row.try_get(9)?,
        hash: row.try_get(10)?,
    })
}
