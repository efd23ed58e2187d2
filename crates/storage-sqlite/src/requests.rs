//! Idempotency records.

use altyn_domain::Timestamp;
use altyn_storage::IdempotencyRecord;
use rusqlite::Connection;
use uuid::Uuid;

use crate::fault::Fault;
use crate::rows::first;
use crate::save::in_tx;

/// Writes a record, or returns the one that is there.
pub(crate) fn begin(
    db: &mut Connection,
    record: &IdempotencyRecord,
) -> Result<Option<IdempotencyRecord>, Fault> {
    let insert = "INSERT INTO idempotency_records (owner, key_hash, digest, at, answer) \
                  VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (owner, key_hash) DO NOTHING";
    let select = "SELECT owner, key_hash, digest, at, answer FROM idempotency_records \
                  WHERE owner = ?1 AND key_hash = ?2";
    in_tx(db, |db| {
        let written = db.prepare_cached(insert)?.execute((
            record.owner,
            &record.key_hash,
            &record.digest,
            record.at.as_micros(),
            &record.answer,
        ))?;
        if written > 0 {
            return Ok(None);
        }
        first(db, select, (record.owner, &record.key_hash), |cells| {
            Ok(IdempotencyRecord {
                owner: cells.take()?,
                key_hash: cells.take()?,
                digest: cells.take()?,
                at: cells.instant()?,
                answer: cells.take()?,
            })
        })
    })
}

/// Keeps the answer, if there is none yet.
pub(crate) fn finish(
    db: &mut Connection,
    owner: Uuid,
    key_hash: &[u8],
    answer: &str,
) -> Result<(), Fault> {
    let sql = "UPDATE idempotency_records SET answer = ?3 \
               WHERE owner = ?1 AND key_hash = ?2 AND answer IS NULL";
    in_tx(db, |db| {
        db.prepare_cached(sql)?.execute((owner, key_hash, answer))?;
        Ok(())
    })
}

/// Forgets a record without an answer.
pub(crate) fn forget(db: &mut Connection, owner: Uuid, key_hash: &[u8]) -> Result<(), Fault> {
    let sql = "DELETE FROM idempotency_records \
               WHERE owner = ?1 AND key_hash = ?2 AND answer IS NULL";
    in_tx(db, |db| {
        db.prepare_cached(sql)?.execute((owner, key_hash))?;
        Ok(())
    })
}

/// Forgets all records older than `before`.
pub(crate) fn forget_before(db: &mut Connection, before: Timestamp) -> Result<(), Fault> {
    let sql = "DELETE FROM idempotency_records WHERE at < ?1";
    in_tx(db, |db| {
        db.prepare_cached(sql)?.execute([before.as_micros()])?;
        Ok(())
    })
}
