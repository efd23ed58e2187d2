//! Timers that are due: leased, and counted.

use altyn_domain::{PaymentId, ProjectId, TimerKey, TimerKind, Timestamp};
use altyn_storage::{CorruptRow, LeasedTimer, StorageError};
use tokio_postgres::Row;

use crate::failure::Failure;
use crate::pool::Readers;

/// Each kind gives its oldest timers, found by the index and locked on the way; timers that somebody else is
/// leasing or working on are passed over, so nobody waits. The oldest of them all are leased.
const LEASE: &str = "UPDATE timers SET lease_until = $3, fence = fence + 1 \
    WHERE ctid = ANY(ARRAY(SELECT t.place FROM unnest($1::smallint[]) AS k(kind) \
    CROSS JOIN LATERAL (SELECT t.ctid AS place, t.due_at FROM timers t \
    WHERE t.kind = k.kind AND t.due_at <= $2 AND (t.lease_until IS NULL OR t.lease_until <= $2) \
    ORDER BY t.due_at LIMIT $4 FOR UPDATE SKIP LOCKED) t ORDER BY t.due_at LIMIT $4)) \
    RETURNING payment_id, kind, subject, project_id, fence, attempt, due_at";

const DUE: &str = "SELECT t.number, t.oldest FROM unnest($1::smallint[]) AS k(kind) \
    CROSS JOIN LATERAL (SELECT count(*) AS number, min(t.due_at) AS oldest FROM timers t \
    WHERE t.kind = k.kind AND t.due_at <= $2) t";

/// The texts prepared here, by name.
pub(crate) fn statements() -> Vec<(&'static str, String)> {
    vec![
        ("lease timers", LEASE.to_owned()),
        ("due timers", DUE.to_owned()),
    ]
}

impl Readers {
    pub(crate) async fn lease_timers(
        &self,
        kinds: &[TimerKind],
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<LeasedTimer>, StorageError> {
        let (now, until) = (now.as_micros(), lease_until.as_micros());
        let (kinds, limit) = (numbers(kinds), i64::from(limit));
        let rows = self.rows(LEASE, &[&kinds, &now, &until, &limit]).await?;
        let leased: Result<Vec<_>, Failure> = rows.iter().map(leased).collect();
        let mut leased = leased?;
        leased.sort_by_key(|timer| (timer.due_at, timer.key));
        Ok(leased)
    }

    pub(crate) async fn due_timers(
        &self,
        now: Timestamp,
    ) -> Result<(u64, Option<Timestamp>), StorageError> {
        let rows = self
            .rows(DUE, &[&numbers(&TimerKind::ALL), &now.as_micros()])
            .await?;
        let (mut number, mut oldest) = (0, None);
        for row in &rows {
            let more: i64 = row.try_get(0).map_err(Failure::from)?;
            let due_at: Option<i64> = row.try_get(1).map_err(Failure::from)?;
            number += more.unsigned_abs();
            oldest = oldest.into_iter().chain(due_at).min();
        }
        Ok((number, oldest.map(Timestamp::from_micros)))
    }
}

fn numbers(kinds: &[TimerKind]) -> Vec<i16> {
    kinds.iter().map(|kind| kind.number()).collect()
}

fn leased(row: &Row) -> Result<LeasedTimer, Failure> {
    let payment_id = PaymentId::from_uuid(row.try_get(0)?);
    let corrupt = |column: &str| CorruptRow {
        table: "timers",
        key: payment_id.to_string(),
        column: column.to_owned(),
    };
    let count = |n: i32, column| u32::try_from(n).map_err(|_| corrupt(column));
    let kind = TimerKind::from_number(row.try_get(1)?).ok_or_else(|| corrupt("kind"))?;
    Ok(LeasedTimer {
        key: TimerKey {
            payment_id,
            kind,
            subject: count(row.try_get(2)?, "subject")?,
        },
        project_id: ProjectId::from_uuid(row.try_get(3)?),
        fence: row.try_get(4)?,
        attempt: count(row.try_get(5)?, "attempt")?,
        due_at: Timestamp::from_micros(row.try_get(6)?),
    })
}
