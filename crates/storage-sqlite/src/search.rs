//! Lists of payments and incidents over several projects: a range of an index for each, merged and cut.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use altyn_domain::{Event, Payment, PaymentId, Timestamp};
use altyn_storage::{
    IncidentRecord, IncidentSearch, PaymentSearch, ProjectKey, StoredEvent, order_keys,
};
use rusqlite::{Connection, named_params};
use uuid::Uuid;

use crate::fault::Fault;
use crate::lists::json_words;
use crate::read::order_of;
use crate::rows::{self, all, first, in_snapshot};

/// No more than `limit` of them.
pub(crate) fn cut<T>(mut found: Vec<T>, limit: u32) -> Vec<T> {
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    found
}

/// Ids as a JSON array of hexadecimal texts.
pub(crate) fn json_ids(ids: &[Uuid]) -> String {
    let ids: Vec<_> = ids
        .iter()
        .map(|id| format!("\"{}\"", id.simple()))
        .collect();
    format!("[{}]", ids.join(","))
}

/// Each project once.
fn distinct(projects: &[ProjectKey]) -> BTreeSet<ProjectKey> {
    projects.iter().copied().collect()
}

/// When a payment was registered, and which it is: its place in a list.
type Place = (Timestamp, PaymentId);

macro_rules! places {
    ($where:literal) => {
        (
            places!($where, "<", " ORDER BY created_at DESC, payment_id DESC"),
            places!($where, ">", " ORDER BY created_at, payment_id"),
        )
    };
    ($where:literal, $behind:literal, $order:literal) => {
        concat!(
            "SELECT created_at, payment_id FROM payments WHERE bucket = :bucket AND ",
            $where,
            " AND created_at BETWEEN :low AND :high AND (:id IS NULL OR created_at <> :at \
             OR payment_id ",
            $behind,
            " :id)",
            $order,
            " LIMIT :limit"
        )
    };
}

/// A page of payments with their operations, read in one snapshot.
pub(crate) fn payments(db: &Connection, search: &PaymentSearch) -> Result<Vec<Payment>, Fault> {
    in_snapshot(db, |db| {
        let mut found = Vec::new();
        for project in distinct(&search.projects) {
            found.extend(places(db, search, project)?);
        }
        if search.ascending {
            found.sort_unstable();
        } else {
            found.sort_unstable_by_key(|place| Reverse(*place));
        }
        let mut payments = Vec::new();
        for (_, id) in cut(found, search.limit) {
            payments.extend(rows::payment(db, id)?);
        }
        Ok(payments)
    })
}

/// The places of one project's payments: ranges of indexes, none of them longer than the page.
fn places(
    db: &Connection,
    search: &PaymentSearch,
    project: ProjectKey,
) -> Result<Vec<Place>, Fault> {
    if let Some(customer) = search.customer_id {
        let sql = places!(
            "customer_id = :key AND +project_id = :project \
             AND (:words IS NULL OR +status IN (SELECT value FROM json_each(:words)))"
        );
        let words = json_words(&search.statuses);
        return range(db, search, project, sql, Some(customer.uuid()), words);
    }
    if search.statuses.is_empty() {
        let sql = places!("project_id = :project AND :key IS NULL AND :words IS NULL");
        return range(db, search, project, sql, None, None);
    }
    let sql = places!("project_id = :project AND status = :words AND :key IS NULL");
    let words: BTreeSet<&str> = search.statuses.iter().map(|status| status.word()).collect();
    let mut found = Vec::new();
    for word in words {
        let word = Some(word.to_owned());
        found.extend(range(db, search, project, sql, None, word)?);
    }
    Ok(found)
}

fn range(
    db: &Connection,
    search: &PaymentSearch,
    (bucket, project): ProjectKey,
    (newest_first, oldest_first): (&str, &str),
    key: Option<Uuid>,
    words: Option<String>,
) -> Result<Vec<Place>, Fault> {
    let mut low = search.from.map_or(i64::MIN, Timestamp::as_micros);
    let mut high = match search.to.map(Timestamp::as_micros) {
        None => i64::MAX,
        Some(i64::MIN) => return Ok(Vec::new()),
        Some(to) => to - 1,
    };
    let at = search.after.map(|(at, _)| at.as_micros());
    let sql = if search.ascending {
        low = at.map_or(low, |at| low.max(at));
        oldest_first
    } else {
        high = at.map_or(high, |at| high.min(at));
        newest_first
    };
    let params = named_params! {
        ":bucket": bucket.number(), ":project": project.uuid(), ":key": key, ":words": words,
        ":low": low, ":high": high, ":at": at, ":id": search.after.map(|(_, id)| id.uuid()),
        ":limit": search.limit,
    };
    all(db, sql, params, |cells| {
        Ok((cells.instant()?, cells.payment_id()?))
    })
}

/// The payments of these projects whose order has this number, newest first.
pub(crate) fn payments_by_order(
    db: &Connection,
    projects: &[ProjectKey],
    reference: &str,
    limit: u32,
) -> Result<Vec<Payment>, Fault> {
    in_snapshot(db, |db| {
        let mut ids = BTreeSet::new();
        for project in distinct(projects) {
            for key in order_keys(project, reference) {
                ids.extend(rows::referenced(db, &key)?);
            }
        }
        let mut payments = Vec::new();
        for id in ids {
            payments.extend(rows::payment(db, id)?);
        }
        payments.retain(|payment| payment.order.reference == reference);
        payments.sort_by_key(|payment| Reverse((payment.created_at, payment.id)));
        Ok(cut(payments, limit))
    })
}

/// The events of a payment by number, its order put back into each.
pub(crate) fn events(db: &Connection, id: PaymentId) -> Result<Vec<Event>, Fault> {
    let key = (id.bucket().number(), id.uuid());
    in_snapshot(db, |db| {
        let order = "SELECT order_details FROM payments WHERE bucket = ?1 AND payment_id = ?2";
        let order: Option<String> = first(db, order, key, |cells| Ok(cells.take()?))?;
        let Some(order) = order else {
            return Ok(Vec::new());
        };
        let order = order_of(&order, id)?;
        let sql = "SELECT number, kind, operation, at, payment FROM events \
                   WHERE bucket = ?1 AND payment_id = ?2 ORDER BY number";
        all(db, sql, key, |cells| {
            let event = StoredEvent {
                number: cells.take()?,
                kind: cells.take()?,
                operation: cells.take()?,
                at: cells.take()?,
                payment: cells.take()?,
            };
            Ok(event.into_event(order.clone())?)
        })
    })
}

macro_rules! incidents {
    ($where:literal) => {
        concat!(
            "SELECT payment_id, number, project_id, kind, operation, detail, opened_at, \
             resolved_at, note FROM incidents WHERE bucket = :bucket AND project_id = :project \
             AND opened_at <= :at \
             AND (:id IS NULL OR opened_at < :at OR (payment_id, number) < (:id, :number))",
            $where,
            " ORDER BY opened_at DESC, payment_id DESC, number DESC LIMIT :limit"
        )
    };
}

/// Incidents of one payment, if it is of one of these projects: by number, the highest first.
fn incidents_of(
    db: &Connection,
    payment: PaymentId,
    search: &IncidentSearch,
) -> Result<Vec<IncidentRecord>, Fault> {
    let sql = "SELECT payment_id, number, project_id, kind, operation, detail, opened_at, resolved_at, \
               note FROM incidents WHERE bucket = :bucket AND payment_id = :payment \
               AND number < :number AND (:resolved OR resolved_at IS NULL) \
               AND +project_id IN (SELECT unhex(value) FROM json_each(:projects)) \
               ORDER BY number DESC LIMIT :limit";
    let projects: Vec<Uuid> = search.projects.iter().map(|(_, id)| id.uuid()).collect();
    let params = named_params! {
        ":bucket": payment.bucket().number(), ":payment": payment.uuid(),
        ":number": search.after.map_or(u32::MAX, |(_, _, number)| number),
        ":resolved": search.with_resolved, ":projects": json_ids(&projects),
        ":limit": search.limit,
    };
    all(db, sql, params, rows::incident)
}

/// A page of incidents, newest first.
pub(crate) fn incidents(
    db: &Connection,
    search: &IncidentSearch,
) -> Result<Vec<IncidentRecord>, Fault> {
    if let Some(payment) = search.payment_id {
        return incidents_of(db, payment, search);
    }
    let sql = if search.with_resolved {
        incidents!("")
    } else {
        incidents!(" AND resolved_at IS NULL")
    };
    let after = search.after;
    let mut found = in_snapshot(db, |db| {
        let mut found = Vec::new();
        for (bucket, project) in distinct(&search.projects) {
            let params = named_params! {
                ":bucket": bucket.number(), ":project": project.uuid(),
                ":at": after.map_or(i64::MAX, |(at, _, _)| at.as_micros()),
                ":id": after.map(|(_, id, _)| id.uuid()),
                ":number": after.map(|(_, _, number)| number),
                ":limit": search.limit,
            };
            found.extend(all(db, sql, params, rows::incident)?);
        }
        Ok(found)
    })?;
    found.sort_by_key(|record| {
        Reverse((record.opened_at, record.payment_id, record.incident.number))
    });
    Ok(cut(found, search.limit))
}
