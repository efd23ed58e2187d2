//! Lists: pages of payments, incidents, and what the audit reads.

use std::fmt::Write as _;

use altyn_domain::{
    Account, AccountDelta, AccountKind, Bucket, Currency, PaymentId, PaymentStatus, ProjectId,
    Timestamp,
};
use altyn_storage::{
    AccountBalance, AuditPage, AuditedPayment, IncidentRecord, PaymentFilter, PaymentPage,
    PaymentRow,
};
use rusqlite::{Connection, named_params};

use crate::fault::Fault;
use crate::rows::{self, Cells, all, first, in_snapshot, payment_columns, payment_row};

macro_rules! page {
    ($instant:literal) => {
        (
            concat!("SELECT count(*) FROM payments", page!(@where $instant)),
            concat!(
                "SELECT ", payment_columns!(), " FROM payments", page!(@where $instant),
                " ORDER BY ", $instant, " DESC, payment_id DESC LIMIT :limit OFFSET :offset"
            ),
        )
    };
    (@where $instant:literal) => {
        concat!(
            " WHERE bucket = :bucket AND project_id = :project AND ", $instant, " >= :from AND ",
            $instant, " < :to AND (:dialect IS NULL OR dialect = :dialect) \
             AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))"
        )
    };
}

/// A page of a project's payments with the number of all, read in one snapshot.
pub(crate) fn payments(
    db: &Connection,
    project: ProjectId,
    bucket: Bucket,
    filter: &PaymentFilter,
) -> Result<PaymentPage, Fault> {
    let (count, select) = if filter.by_registration {
        page!("created_at")
    } else {
        page!("completed_at")
    };
    let statuses = json_words(&filter.statuses);
    let (bucket, project) = (bucket.number(), project.uuid());
    let (from, to) = (filter.from.as_micros(), filter.to.as_micros());
    let params = named_params! {
        ":bucket": bucket, ":project": project, ":from": from, ":to": to,
        ":dialect": filter.dialect, ":statuses": statuses,
    };
    let window = named_params! {
        ":bucket": bucket, ":project": project, ":from": from, ":to": to,
        ":dialect": filter.dialect, ":statuses": statuses,
        ":limit": filter.limit, ":offset": filter.offset,
    };
    in_snapshot(db, |db| {
        let total = first(db, count, params, |cells| Ok(cells.count()?))?;
        let page = all(db, select, window, payment_row)?;
        let payments = page.into_iter().map(|row| rows::payment_of(db, row));
        Ok(PaymentPage {
            payments: payments.collect::<Result<_, _>>()?,
            total: total.unwrap_or(0),
        })
    })
}

/// The wanted statuses as a JSON array; `None` for all. Their words need no escapes.
pub(crate) fn json_words(statuses: &[PaymentStatus]) -> Option<String> {
    if statuses.is_empty() {
        return None;
    }
    let mut json = String::from("[");
    for (place, status) in statuses.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        // Writing to a text cannot fail.
        let _ = write!(json, "{comma}\"{}\"", status.word());
    }
    json.push(']');
    Some(json)
}

macro_rules! incidents {
    ($where:literal) => {
        concat!(
            "SELECT payment_id, number, project_id, kind, operation, detail, opened_at, \
             resolved_at, note FROM incidents",
            $where,
            " ORDER BY opened_at DESC, bucket DESC, payment_id DESC, number DESC LIMIT ?1"
        )
    };
}

/// The newest incidents first.
pub(crate) fn incidents(
    db: &Connection,
    with_resolved: bool,
    limit: u32,
) -> Result<Vec<IncidentRecord>, Fault> {
    let sql = if with_resolved {
        incidents!("")
    } else {
        incidents!(" WHERE resolved_at IS NULL")
    };
    all(db, sql, [limit], rows::incident)
}

/// Payments from `from` on in key order with what must agree with them, read in one snapshot.
pub(crate) fn audit_page(
    db: &Connection,
    from: Option<PaymentId>,
    limit: u32,
) -> Result<AuditPage, Fault> {
    let sql = concat!(
        "SELECT ",
        payment_columns!(),
        " FROM payments WHERE (bucket, payment_id) >= (?1, ?2) \
         ORDER BY bucket, payment_id LIMIT ?3"
    );
    let from = from.unwrap_or(PaymentId::from_uuid(uuid::Uuid::nil()));
    // One more than wanted: where the next page begins.
    let params = (from.bucket().number(), from.uuid(), i64::from(limit) + 1);
    in_snapshot(db, |db| {
        let mut page = all(db, sql, params, payment_row)?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let next = page
            .get(wanted)
            .map(|row| PaymentId::from_uuid(row.payment_id));
        page.truncate(wanted);
        let payments = page.into_iter().map(|row| audited(db, row));
        Ok(AuditPage {
            payments: payments.collect::<Result<_, _>>()?,
            next,
        })
    })
}

fn audited(db: &Connection, row: PaymentRow) -> Result<AuditedPayment, Fault> {
    let id = PaymentId::from_uuid(row.payment_id);
    let stored_status = row.status.clone();
    Ok(AuditedPayment {
        payment: rows::payment_of(db, row)?,
        stored_status,
        postings: rows::postings(db, id)?,
        events: numbers(db, Numbered::Events, id)?,
        deliveries: numbers(db, Numbered::Deliveries, id)?,
    })
}

#[derive(Clone, Copy)]
enum Numbered {
    Events,
    Deliveries,
}

fn numbers(db: &Connection, table: Numbered, id: PaymentId) -> Result<Vec<u32>, Fault> {
    let sql = match table {
        Numbered::Events => {
            "SELECT number FROM events WHERE bucket = ?1 AND payment_id = ?2 ORDER BY number"
        }
        Numbered::Deliveries => {
            "SELECT number FROM deliveries WHERE bucket = ?1 AND payment_id = ?2 ORDER BY number"
        }
    };
    let key = (id.bucket().number(), id.uuid());
    all(db, sql, key, |cells| Ok(cells.take()?))
}

/// The sums stored on all accounts, and those counted from all postings, read in one snapshot.
pub(crate) fn accounts(
    db: &Connection,
) -> Result<(Vec<AccountBalance>, Vec<AccountBalance>), Fault> {
    let stored = "SELECT project_id, kind, currency, posted_debit, posted_credit, pending_debit, \
                  pending_credit FROM accounts";
    // A reservation counts until it is posted or released.
    let counted = "WITH movements AS ( \
                       SELECT project_id, debit, credit, currency, \
                           iif(phase = 2, amount, 0) AS posted, \
                           CASE WHEN phase = 1 THEN amount WHEN settles IS NULL THEN 0 \
                               ELSE -amount END AS pending \
                       FROM postings), \
                   sides AS ( \
                       SELECT project_id, debit AS kind, currency, posted AS posted_debit, \
                           0 AS posted_credit, pending AS pending_debit, 0 AS pending_credit \
                       FROM movements \
                       UNION ALL \
                       SELECT project_id, credit, currency, 0, posted, 0, pending FROM movements) \
                   SELECT project_id, kind, currency, sum(posted_debit), sum(posted_credit), \
                       sum(pending_debit), sum(pending_credit) \
                   FROM sides GROUP BY project_id, kind, currency";
    let (mut stored, mut counted) = in_snapshot(db, |db| {
        Ok((
            all(db, stored, [], balance)?,
            all(db, counted, [], balance)?,
        ))
    })?;
    stored.sort_by_key(|balance| balance.account);
    counted.sort_by_key(|balance| balance.account);
    Ok((stored, counted))
}

fn balance(cells: &mut Cells<'_>) -> Result<AccountBalance, Fault> {
    let project_id = cells.project_id()?;
    let kind: String = cells.take()?;
    let currency: String = cells.take()?;
    let corrupt = |column| Fault::corrupt("accounts", project_id.uuid(), column);
    let account = Account {
        project_id,
        kind: AccountKind::parse(&kind).ok_or_else(|| corrupt("kind"))?,
        currency: Currency::from_alpha(&currency).map_err(|_| corrupt("currency"))?,
    };
    let sums = AccountDelta {
        posted_debit: cells.take()?,
        posted_credit: cells.take()?,
        pending_debit: cells.take()?,
        pending_credit: cells.take()?,
    };
    Ok(AccountBalance { account, sums })
}

/// Forgets batch ids older than `before`.
pub(crate) fn forget_batches(db: &Connection, before: Timestamp) -> Result<(), Fault> {
    db.prepare_cached("DELETE FROM batches WHERE at < ?1")?
        .execute([before.as_micros()])?;
    Ok(())
}
