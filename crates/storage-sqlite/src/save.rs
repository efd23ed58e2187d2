//! Saving a batch: one row after the other through prepared statements, then the commit.

use std::collections::BTreeMap;

use altyn_domain::{
    Account, AccountDelta, Balance, BalanceKey, Bucket, CustomerId, Delivery, DeliveryAttempt,
    Incident, PaymentId, Posting, ProjectId, TimerChange, TimerKey,
};
use altyn_storage::{
    ChangeSet, CustomerRecord, NewReference, OperationRow, Owned, PaymentRow, StorageError,
    StoredEvent,
};
use rusqlite::{CachedStatement, Connection, params};
use uuid::Uuid;

use crate::customers;
use crate::fault::Fault;
use crate::load::roll_back;
use crate::rows::payment_columns;

/// A [`ChangeSet`] as rows, made where the batch was decided and sent to the thread that writes.
pub(crate) struct Rows {
    batch: Uuid,
    at: i64,
    payments: Vec<PaymentRow>,
    operations: Vec<OperationRow>,
    references: Vec<NewReference>,
    accounts: Vec<(Bucket, Account, AccountDelta)>,
    postings: Vec<Owned<Posting>>,
    customers: Vec<CustomerRecord>,
    balances: BTreeMap<BalanceKey, (ProjectId, Balance)>,
    events: Vec<Owned<StoredEvent>>,
    deliveries: Vec<Owned<Delivery>>,
    attempts: Vec<Owned<DeliveryAttempt>>,
    timers: Vec<(TimerKey, ProjectId, TimerChange, Option<i64>)>,
    incidents: Vec<Owned<Incident>>,
    resolved: Vec<Owned<(u32, String)>>,
}

impl Rows {
    /// The rows of a change.
    pub fn of(changes: &ChangeSet) -> Self {
        // An account's bucket is that of its project, which its postings' payments carry.
        let buckets: BTreeMap<ProjectId, Bucket> = changes
            .postings
            .iter()
            .map(|posting| (posting.row.project_id, posting.payment_id.bucket()))
            .collect();
        let accounts = changes.accounts.iter().filter_map(|(account, delta)| {
            let bucket = buckets.get(&account.project_id)?;
            Some((*bucket, *account, *delta))
        });
        let operation = |o: &Owned<_>| OperationRow::of(o.payment_id, o.project_id, &o.row);
        let event = |event: &Owned<_>| Owned {
            payment_id: event.payment_id,
            project_id: event.project_id,
            row: StoredEvent::of(&event.row),
        };
        let timers = changes.timers.iter();
        Self {
            batch: changes.batch.0,
            at: changes.at.as_micros(),
            payments: changes.payments.iter().map(PaymentRow::of).collect(),
            operations: changes.operations.iter().map(operation).collect(),
            references: changes.references.clone(),
            accounts: accounts.collect(),
            postings: changes.postings.clone(),
            customers: changes.customers.clone(),
            balances: changes.balances.clone(),
            events: changes.events.iter().map(event).collect(),
            deliveries: changes.deliveries.clone(),
            attempts: changes.attempts.clone(),
            timers: timers
                .map(|(key, (project, change))| {
                    let lease = changes.leases.get(key).map(|until| until.as_micros());
                    (*key, *project, *change, lease)
                })
                .collect(),
            incidents: changes.incidents.clone(),
            resolved: changes.resolved.clone(),
        }
    }
}

/// Writes all rows and commits the transaction that `load` opened; on any error nothing is written.
pub(crate) fn save(db: &mut Connection, rows: &Rows) -> Result<(), Fault> {
    if db.is_autocommit() {
        // The connection was opened anew since: what was loaded is no longer locked.
        return Err(StorageError::Conflict.into());
    }
    let written = write(db, rows);
    finish(db, written)
}

/// Does work that is no batch in a transaction of its own.
pub(crate) fn in_tx<T>(
    db: &mut Connection,
    work: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    roll_back(db)?;
    db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let done = work(db);
    finish(db, done)
}

/// Commits if the work went well, else rolls back.
pub(crate) fn finish<T>(db: &Connection, done: Result<T, Fault>) -> Result<T, Fault> {
    match done {
        Ok(value) => commit(db).map(|()| value),
        Err(fault) => {
            // A broken connection is dropped anyway, and the transaction with it.
            let _ = roll_back(db);
            Err(fault)
        }
    }
}

fn commit(db: &Connection) -> Result<(), Fault> {
    use rusqlite::ErrorCode as Code;
    let Err(error) = db
        .prepare_cached("COMMIT")
        .and_then(|mut commit| commit.execute([]))
    else {
        return Ok(());
    };
    match error.sqlite_error_code() {
        // Refused before the end of the transaction was written: it never will be.
        Some(Code::DatabaseBusy | Code::DiskFull | Code::ConstraintViolation) => {
            roll_back(db)?;
            Err(error.into())
        }
        _ => Err(Fault::CommitLost(error)),
    }
}

fn write(db: &Connection, rows: &Rows) -> Result<(), Fault> {
    db.prepare_cached("INSERT INTO batches (batch_id, at) VALUES (?1, ?2)")?
        .execute((rows.batch, rows.at))?;
    payments(db, &rows.payments)?;
    operations(db, &rows.operations)?;
    references(db, &rows.references)?;
    accounts(db, &rows.accounts)?;
    postings(db, &rows.postings)?;
    customers::save(db, &rows.customers)?;
    customers::add(db, &rows.balances)?;
    events(db, &rows.events)?;
    deliveries(db, &rows.deliveries)?;
    attempts(db, &rows.attempts)?;
    timers(db, &rows.timers, rows.at)?;
    incidents(db, rows)
}

/// The statement, unless there is nothing to run it with.
fn prepared<'a, T>(
    db: &'a Connection,
    rows: &[T],
    sql: &str,
) -> Result<Option<CachedStatement<'a>>, Fault> {
    if rows.is_empty() {
        return Ok(None);
    }
    Ok(Some(db.prepare_cached(sql)?))
}

fn key(id: PaymentId) -> (i16, Uuid) {
    (id.bucket().number(), id.uuid())
}

fn payments(db: &Connection, rows: &[PaymentRow]) -> Result<(), Fault> {
    // What never changes is not written again; an id that names another payment changes nothing.
    let sql = concat!(
        "INSERT INTO payments (",
        payment_columns!(),
        ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, \
         ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31) \
         ON CONFLICT (bucket, payment_id) DO UPDATE SET held = excluded.held, \
         captured = excluded.captured, voided = excluded.voided, refunded = excluded.refunded, \
         reversed = excluded.reversed, charged_back = excluded.charged_back, \
         status = excluded.status, completed_by = excluded.completed_by, \
         completed_at = excluded.completed_at, end_reason = excluded.end_reason, \
         end_at = excluded.end_at, tries_max = excluded.tries_max, \
         expires_at = excluded.expires_at, updated_at = excluded.updated_at, \
         auto_capture_at = excluded.auto_capture_at, auto_void_at = excluded.auto_void_at, \
         posting_count = excluded.posting_count, event_count = excluded.event_count, \
         delivery_count = excluded.delivery_count, incident_count = excluded.incident_count \
         WHERE project_id = excluded.project_id AND created_at = excluded.created_at \
         AND order_reference = excluded.order_reference"
    );
    let Some(mut statement) = prepared(db, rows, sql)? else {
        return Ok(());
    };
    for r in rows {
        let written = statement.execute(params![
            r.bucket,
            r.payment_id,
            r.project_id,
            r.dialect,
            r.way,
            r.currency,
            r.amount,
            r.held,
            r.captured,
            r.voided,
            r.refunded,
            r.reversed,
            r.charged_back,
            r.status,
            r.completed_by,
            r.completed_at,
            r.end_reason,
            r.end_at,
            r.tries_max,
            r.expires_at,
            r.created_at,
            r.updated_at,
            r.auto_capture_at,
            r.auto_void_at,
            r.posting_count,
            r.event_count,
            r.delivery_count,
            r.incident_count,
            r.order_reference,
            r.order_details,
            r.customer_id,
        ])?;
        if written == 0 {
            return Err(StorageError::Conflict.into());
        }
    }
    Ok(())
}

fn operations(db: &Connection, rows: &[OperationRow]) -> Result<(), Fault> {
    let sql = "INSERT INTO operations (bucket, payment_id, number, project_id, operation_id, kind, \
               state, amount, parent, reference, method, surplus, created_at, sent_at, \
               finished_at, details) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) \
               ON CONFLICT (bucket, payment_id, number) DO UPDATE SET state = excluded.state, \
               parent = excluded.parent, reference = excluded.reference, \
               method = excluded.method, surplus = excluded.surplus, \
               sent_at = excluded.sent_at, finished_at = excluded.finished_at, \
               details = excluded.details WHERE operation_id = excluded.operation_id";
    let Some(mut statement) = prepared(db, rows, sql)? else {
        return Ok(());
    };
    for r in rows {
        let written = statement.execute(params![
            r.bucket,
            r.payment_id,
            r.number,
            r.project_id,
            r.operation_id,
            r.kind,
            r.state,
            r.amount,
            r.parent,
            r.reference,
            r.method,
            r.surplus,
            r.created_at,
            r.sent_at,
            r.finished_at,
            r.details,
        ])?;
        if written == 0 {
            return Err(StorageError::Conflict.into());
        }
    }
    Ok(())
}

fn references(db: &Connection, rows: &[NewReference]) -> Result<(), Fault> {
    let sql = "INSERT INTO payment_references (bucket, project_id, dialect, kind, reference_key, \
               payment_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
    let Some(mut statement) = prepared(db, rows, sql)? else {
        return Ok(());
    };
    for NewReference { key, payment_id } in rows {
        let written = statement.execute((
            key.bucket.number(),
            key.project_id.uuid(),
            &key.dialect,
            key.kind.number(),
            &key.key,
            payment_id.uuid(),
        ))?;
        if written == 0 {
            return Err(StorageError::Conflict.into());
        }
    }
    Ok(())
}

fn accounts(db: &Connection, rows: &[(Bucket, Account, AccountDelta)]) -> Result<(), Fault> {
    let update = "UPDATE accounts SET posted_debit = posted_debit + ?5, \
                  posted_credit = posted_credit + ?6, pending_debit = pending_debit + ?7, \
                  pending_credit = pending_credit + ?8 \
                  WHERE bucket = ?1 AND project_id = ?2 AND kind = ?3 AND currency = ?4";
    let insert = "INSERT INTO accounts (bucket, project_id, kind, currency, posted_debit, \
                  posted_credit, pending_debit, pending_credit) \
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let Some(mut statement) = prepared(db, rows, update)? else {
        return Ok(());
    };
    for (bucket, account, delta) in rows {
        let params = (
            bucket.number(),
            account.project_id.uuid(),
            account.kind.word(),
            account.currency.alpha(),
            delta.posted_debit,
            delta.posted_credit,
            delta.pending_debit,
            delta.pending_credit,
        );
        if statement.execute(params)? == 0 {
            db.prepare_cached(insert)?.execute(params)?;
        }
    }
    Ok(())
}

fn postings(db: &Connection, rows: &[Owned<Posting>]) -> Result<(), Fault> {
    let sql = "INSERT INTO postings (bucket, payment_id, number, project_id, operation, entry, \
               phase, settles, debit, credit, currency, amount, customer_id, at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    let Some(mut statement) = prepared(db, rows, sql)? else {
        return Ok(());
    };
    for owned in rows {
        let (bucket, id) = key(owned.payment_id);
        let posting = &owned.row;
        statement.execute((
            bucket,
            id,
            posting.number,
            posting.project_id.uuid(),
            posting.operation,
            posting.entry.word(),
            posting.phase.number(),
            posting.settles,
            posting.debit.word(),
            posting.credit.word(),
            posting.currency.alpha(),
            posting.amount,
            posting.customer_id.map(CustomerId::uuid),
            posting.at.as_micros(),
        ))?;
    }
    Ok(())
}

fn events(db: &Connection, rows: &[Owned<StoredEvent>]) -> Result<(), Fault> {
    let sql = "INSERT INTO events (bucket, payment_id, number, project_id, kind, operation, at, \
               payment) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let Some(mut statement) = prepared(db, rows, sql)? else {
        return Ok(());
    };
    for owned in rows {
        let (bucket, id) = key(owned.payment_id);
        let event = &owned.row;
        statement.execute((
            bucket,
            id,
            event.number,
            owned.project_id.uuid(),
            &event.kind,
            event.operation,
            event.at,
            &event.payment,
        ))?;
    }
    Ok(())
}

fn deliveries(db: &Connection, rows: &[Owned<Delivery>]) -> Result<(), Fault> {
    let sql = "INSERT INTO deliveries (bucket, payment_id, number, project_id, event, endpoint, \
               url, state, attempts, rendered) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
               ON CONFLICT (bucket, payment_id, number) DO UPDATE SET state = excluded.state, \
               attempts = excluded.attempts, rendered = excluded.rendered";
    let Some(mut statement) = prepared(db, rows, sql)? else {
        return Ok(());
    };
    for owned in rows {
        let (bucket, id) = key(owned.payment_id);
        let delivery = &owned.row;
        statement.execute((
            bucket,
            id,
            delivery.number,
            owned.project_id.uuid(),
            delivery.event,
            &delivery.endpoint,
            &delivery.url,
            delivery.state.number(),
            delivery.attempts,
            &delivery.rendered,
        ))?;
    }
    Ok(())
}

fn attempts(db: &Connection, rows: &[Owned<DeliveryAttempt>]) -> Result<(), Fault> {
    let sql = "INSERT INTO delivery_attempts (bucket, payment_id, delivery, attempt, project_id, \
               at, duration_ms, status, error, answer) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let Some(mut statement) = prepared(db, rows, sql)? else {
        return Ok(());
    };
    for owned in rows {
        let (bucket, id) = key(owned.payment_id);
        let attempt = &owned.row;
        statement.execute((
            bucket,
            id,
            attempt.delivery,
            attempt.attempt,
            owned.project_id.uuid(),
            attempt.at.as_micros(),
            attempt.duration_ms,
            attempt.status,
            &attempt.error,
            &attempt.answer,
        ))?;
    }
    Ok(())
}

fn timers(
    db: &Connection,
    rows: &[(TimerKey, ProjectId, TimerChange, Option<i64>)],
    at: i64,
) -> Result<(), Fault> {
    let set = "INSERT INTO timers (bucket, payment_id, kind, subject, project_id, due_at, attempt, \
               lease_until, fence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?9, ?8) \
               ON CONFLICT (bucket, payment_id, kind, subject) DO UPDATE SET \
               due_at = excluded.due_at, attempt = excluded.attempt, lease_until = excluded.lease_until, \
               fence = max(fence + 1, excluded.fence)";
    let clear = "DELETE FROM timers \
                 WHERE bucket = ?1 AND payment_id = ?2 AND kind = ?3 AND subject = ?4";
    if rows.is_empty() {
        return Ok(());
    }
    let mut set = db.prepare_cached(set)?;
    let mut clear = db.prepare_cached(clear)?;
    for (timer, project_id, change, lease_until) in rows {
        let (bucket, id) = key(timer.payment_id);
        let kind = timer.kind.number();
        match change {
            TimerChange::Set { due_at, attempt } => set.execute((
                bucket,
                id,
                kind,
                timer.subject,
                project_id.uuid(),
                due_at.as_micros(),
                attempt,
                at,
                lease_until,
            ))?,
            TimerChange::Clear => clear.execute((bucket, id, kind, timer.subject))?,
        };
    }
    Ok(())
}

fn incidents(db: &Connection, rows: &Rows) -> Result<(), Fault> {
    for owned in &rows.incidents {
        let sql = "INSERT INTO incidents (bucket, payment_id, number, project_id, kind, operation, \
                   detail, opened_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let (bucket, id) = key(owned.payment_id);
        let incident = &owned.row;
        db.prepare_cached(sql)?.execute((
            bucket,
            id,
            incident.number,
            owned.project_id.uuid(),
            incident.kind.word(),
            incident.operation,
            &incident.detail,
            rows.at,
        ))?;
    }
    for owned in &rows.resolved {
        let sql = "UPDATE incidents SET resolved_at = ?4, note = ?5 WHERE bucket = ?1 \
                   AND payment_id = ?2 AND number = ?3 AND resolved_at IS NULL";
        let (bucket, id) = key(owned.payment_id);
        let (number, note) = &owned.row;
        db.prepare_cached(sql)?
            .execute((bucket, id, number, rows.at, note))?;
    }
    Ok(())
}
