//! Leasing timers.

use altyn_domain::{TimerKey, TimerKind, Timestamp};
use altyn_storage::LeasedTimer;
use rusqlite::Connection;
use uuid::Uuid;

use crate::fault::Fault;
use crate::load::roll_back;
use crate::rows::{all, first, timer_kind};
use crate::save::finish;

/// Whether there is anything to lease, for a connection that reads.
pub(crate) fn any_due(db: &Connection, kinds: &[TimerKind], now: Timestamp) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM timers WHERE kind = ?1 AND due_at <= ?2 \
               AND (lease_until IS NULL OR lease_until <= ?2) LIMIT 1";
    for kind in kinds {
        let params = (kind.number(), now.as_micros());
        if first(db, sql, params, |cells| Ok(cells.take::<i64>()?))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Leases in a short transaction of its own.
pub(crate) fn lease(
    db: &mut Connection,
    kinds: &[TimerKind],
    (now, lease_until): (Timestamp, Timestamp),
    limit: u32,
) -> Result<Vec<LeasedTimer>, Fault> {
    roll_back(db)?;
    db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let leased = lease_in_tx(db, kinds, (now, lease_until), limit);
    finish(db, leased)
}

fn lease_in_tx(
    db: &Connection,
    kinds: &[TimerKind],
    (now, lease_until): (Timestamp, Timestamp),
    limit: u32,
) -> Result<Vec<LeasedTimer>, Fault> {
    let select = "SELECT payment_id, kind, subject, project_id, fence, attempt, due_at FROM timers \
                  WHERE kind = ?1 AND due_at <= ?2 \
                  AND (lease_until IS NULL OR lease_until <= ?2) ORDER BY due_at LIMIT ?3";
    let mut due = Vec::new();
    for kind in kinds {
        let params = (kind.number(), now.as_micros(), limit);
        due.extend(all(db, select, params, |cells| {
            let payment_id = cells.payment_id()?;
            let key = TimerKey {
                payment_id,
                kind: timer_kind(cells.take()?, payment_id.uuid())?,
                subject: cells.take()?,
            };
            Ok(LeasedTimer {
                key,
                project_id: cells.project_id()?,
                fence: cells.take::<i64>()? + 1,
                attempt: cells.take()?,
                due_at: cells.instant()?,
            })
        })?);
    }
    due.sort_by_key(|timer| timer.due_at);
    due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let update = "UPDATE timers SET lease_until = ?5, fence = ?6 \
                  WHERE bucket = ?1 AND payment_id = ?2 AND kind = ?3 AND subject = ?4";
    let mut update = db.prepare_cached(update)?;
    for timer in &due {
        let id = timer.key.payment_id;
        let id: (i16, Uuid) = (id.bucket().number(), id.uuid());
        let (kind, subject) = (timer.key.kind.number(), timer.key.subject);
        let until = lease_until.as_micros();
        update.execute((id.0, id.1, kind, subject, until, timer.fence))?;
    }
    Ok(due)
}

/// How many timers are due, and since when the oldest of them is.
pub(crate) fn due(db: &Connection, now: Timestamp) -> Result<(u64, Option<Timestamp>), Fault> {
    let sql = "SELECT count(*), min(due_at) FROM timers WHERE kind = ?1 AND due_at <= ?2";
    let mut total = 0;
    let mut oldest: Option<i64> = None;
    for kind in TimerKind::ALL {
        let params = (kind.number(), now.as_micros());
        let found = first(db, sql, params, |cells| {
            Ok((cells.count()?, cells.take::<Option<i64>>()?))
        })?;
        if let Some((count, since)) = found {
            total += count;
            oldest = oldest.into_iter().chain(since).min();
        }
    }
    Ok((total, oldest.map(Timestamp::from_micros)))
}
