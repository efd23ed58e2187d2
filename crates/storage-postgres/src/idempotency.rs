//! Idempotency records: requests with a key, and their answers.

use altyn_domain::Timestamp;
use altyn_storage::{Idempotency, IdempotencyRecord, StorageError};
use async_trait::async_trait;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::PostgresStorage;
use crate::failure::Failure;
use crate::pool::Params;

/// How often a record may be there when it is to be written and gone when it is read.
const TRIES_MAX: u32 = 5;

const BEGIN: &str = "INSERT INTO idempotency_records (owner, key_hash, digest, at, answer) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (owner, key_hash) DO NOTHING";

const RECORD: &str = "SELECT owner, key_hash, digest, at, answer FROM idempotency_records \
    WHERE owner = $1 AND key_hash = $2";

const FINISH: &str = "UPDATE idempotency_records SET answer = $3 \
    WHERE owner = $1 AND key_hash = $2 AND answer IS NULL";

const FORGET: &str =
    "DELETE FROM idempotency_records WHERE owner = $1 AND key_hash = $2 AND answer IS NULL";

const FORGET_OLD: &str = "DELETE FROM idempotency_records WHERE at < $1";

/// The texts prepared here, by name.
pub(crate) fn statements() -> Vec<(&'static str, String)> {
    let all = [
        ("begin request", BEGIN),
        ("idempotency record", RECORD),
        ("finish request", FINISH),
        ("forget request", FORGET),
        ("forget requests", FORGET_OLD),
    ];
    all.map(|(name, sql)| (name, sql.to_owned())).into()
}

#[async_trait]
impl Idempotency for PostgresStorage {
    /// A record that another node is just writing is waited for by the insert and seen by the read behind
    /// it. One that is forgotten between the two is written after all.
    async fn begin_request(
        &self,
        record: &IdempotencyRecord,
    ) -> Result<Option<IdempotencyRecord>, StorageError> {
        let IdempotencyRecord {
            owner,
            key_hash,
            digest,
            at,
            answer,
        } = record;
        let at = at.as_micros();
        for _ in 0..TRIES_MAX {
            let params: Params<'_> = &[owner, key_hash, digest, &at, answer];
            if self.readers.change(BEGIN, params).await? == 1 {
                return Ok(None);
            }
            let rows = self.readers.rows(RECORD, &[owner, key_hash]).await?;
            if let Some(row) = rows.first() {
                return Ok(Some(found(row)?));
            }
        }
        Err(StorageError::Conflict)
    }

    async fn finish_request(
        &self,
        owner: Uuid,
        key_hash: &[u8],
        answer: &str,
    ) -> Result<(), StorageError> {
        let params: Params<'_> = &[&owner, &key_hash, &answer];
        self.readers.change(FINISH, params).await.map(drop)
    }

    async fn forget_request(&self, owner: Uuid, key_hash: &[u8]) -> Result<(), StorageError> {
        let params: Params<'_> = &[&owner, &key_hash];
        self.readers.change(FORGET, params).await.map(drop)
    }

    async fn forget_requests(&self, before: Timestamp) -> Result<(), StorageError> {
        let before = before.as_micros();
        self.readers.change(FORGET_OLD, &[&before]).await.map(drop)
    }
}

fn found(row: &Row) -> Result<IdempotencyRecord, Failure> {
    Ok(IdempotencyRecord {
        owner: row.try_get(0)?,
        key_hash: row.try_get(1)?,
        digest: row.try_get(2)?,
        at: Timestamp::from_micros(row.try_get(3)?),
        answer: row.try_get(4)?,
    })
}
