//! Reads of payments and what belongs to them. Every one is a single statement, or several of one snapshot.

use std::sync::LazyLock;

use altyn_domain::{
    AccountKind, Currency, CustomerId, Delivery, DeliveryAttempt, DeliveryState, EntryKind,
    Incident, IncidentKind, Order, Payment, PaymentId, Phase, Posting, ProjectId, Timestamp,
};
use altyn_storage::{
    CorruptRow, DeliveryKey, IncidentRecord, PaymentFilter, PaymentPage, ReferenceKey,
    StorageError, StoredEvent, Telling,
};
use tokio_postgres::Row;

use crate::failure::Failure;
use crate::pool::Readers;
use crate::rows::{PAYMENT_COLUMNS, Place, one_payment, payments, small, with_operations};

static BY_ID: LazyLock<String> = LazyLock::new(|| {
    with_operations(&format!(
        "SELECT {PAYMENT_COLUMNS} FROM payments WHERE bucket = $1 AND payment_id = $2 \
         AND ($3::uuid IS NULL OR project_id = $3) OFFSET 0"
    ))
});

static BY_REFERENCE: LazyLock<String> = LazyLock::new(|| {
    with_operations(&format!(
        "SELECT p.* FROM (SELECT r.payment_id AS id FROM payment_references r \
         WHERE r.bucket = $1 AND r.project_id = $2 AND r.dialect = $3 AND r.kind = $4 \
         AND r.reference_key = $5 OFFSET 0) r \
         CROSS JOIN LATERAL (SELECT {PAYMENT_COLUMNS} FROM payments p \
         WHERE p.bucket = $1 AND p.payment_id = r.id OFFSET 0) p"
    ))
});

/// Which payments a list has; `instant` is the column that the interval is about. The bucket is left out:
/// the project implies it, and the plan must begin with the index of the project.
fn listed(instant: &str) -> String {
    format!(
        "FROM payments WHERE project_id = $1 AND {instant} >= $2 AND {instant} < $3 \
         AND (cardinality($4::text[]) = 0 OR status = ANY($4)) \
         AND ($5::text IS NULL OR dialect = $5)"
    )
}

fn page_sql(instant: &str) -> String {
    let listed = listed(instant);
    let page = format!(
        "SELECT {PAYMENT_COLUMNS} {listed} ORDER BY {instant} DESC, payment_id DESC \
         LIMIT $6 OFFSET $7"
    );
    format!(
        "{} ORDER BY p.{instant} DESC, p.payment_id DESC, o.number",
        with_operations(&page)
    )
}

/// A page and its count, by registration and by completion.
static PAGES: LazyLock<[(String, String); 2]> = LazyLock::new(|| {
    ["created_at", "completed_at"].map(|instant| {
        (
            page_sql(instant),
            format!("SELECT count(*) {}", listed(instant)),
        )
    })
});

const DELIVERIES: &str = "SELECT d.number, d.event, d.endpoint, d.url, d.state, d.attempts, \
    d.rendered, e.number, e.kind, e.operation, e.at, e.payment, p.order_details, k.payment_id \
    FROM unnest($1::smallint[], $2::uuid[], $3::integer[]) AS k(bucket, payment_id, number) \
    CROSS JOIN LATERAL (SELECT * FROM deliveries d WHERE d.bucket = k.bucket \
    AND d.payment_id = k.payment_id AND d.number = k.number OFFSET 0) d \
    CROSS JOIN LATERAL (SELECT * FROM events e WHERE e.bucket = k.bucket \
    AND e.payment_id = k.payment_id AND e.number = d.event OFFSET 0) e \
    CROSS JOIN LATERAL (SELECT order_details FROM payments p WHERE p.bucket = k.bucket \
    AND p.payment_id = k.payment_id OFFSET 0) p";

const ATTEMPTS: &str = "SELECT delivery, attempt, at, duration_ms, status, error, answer \
    FROM delivery_attempts WHERE bucket = $1 AND payment_id = $2 ORDER BY at, delivery, attempt";

/// The columns of `postings`, in the order [`posting`] reads them.
pub(crate) const POSTING_COLUMNS: &str = "payment_id, number, operation, entry, phase, settles, \
    project_id, debit, credit, currency, amount, at, customer_id";

static POSTINGS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {POSTING_COLUMNS} FROM postings WHERE bucket = $1 AND payment_id = $2 \
         ORDER BY number"
    )
});

/// The columns of `incidents`, in the order [`incident`] reads them.
pub(crate) const INCIDENT_COLUMNS: &str = "payment_id, project_id, number, kind, operation, detail, \
    opened_at, resolved_at, note";

static OPEN_INCIDENTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {INCIDENT_COLUMNS} FROM incidents WHERE resolved_at IS NULL \
         ORDER BY opened_at DESC, payment_id DESC, number DESC LIMIT $1"
    )
});

static ALL_INCIDENTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {INCIDENT_COLUMNS} FROM incidents \
         ORDER BY opened_at DESC, payment_id DESC, number DESC LIMIT $1"
    )
});

const FORGET_BATCHES: &str = "DELETE FROM batches WHERE at < $1";

/// The texts prepared here, by name.
pub(crate) fn statements() -> Vec<(&'static str, String)> {
    let [registered, completed] = &*PAGES;
    vec![
        ("payment by id", BY_ID.clone()),
        ("payment by reference", BY_REFERENCE.clone()),
        ("page by registration", registered.0.clone()),
        ("count by registration", registered.1.clone()),
        ("page by completion", completed.0.clone()),
        ("count by completion", completed.1.clone()),
        ("deliveries", DELIVERIES.to_owned()),
        ("delivery attempts", ATTEMPTS.to_owned()),
        ("postings", POSTINGS.clone()),
        ("open incidents", OPEN_INCIDENTS.clone()),
        ("all incidents", ALL_INCIDENTS.clone()),
        ("forget batches", FORGET_BATCHES.to_owned()),
    ]
}

impl Readers {
    /// The payment with this id; of this project, if one is given.
    pub(crate) async fn payment(
        &self,
        project: Option<ProjectId>,
        id: PaymentId,
    ) -> Result<Option<Payment>, StorageError> {
        let (bucket, id) = (id.bucket().number(), id.uuid());
        let project = project.map(ProjectId::uuid);
        let rows = self.rows(&BY_ID, &[&bucket, &id, &project]).await?;
        Ok(one_payment(&rows)?)
    }

    pub(crate) async fn payment_by_reference(
        &self,
        key: &ReferenceKey,
    ) -> Result<Option<Payment>, StorageError> {
        let (bucket, project) = (key.bucket.number(), key.project_id.uuid());
        let (dialect, kind) = (&key.dialect, key.kind.number());
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&bucket, &project, dialect, &kind, &key.key];
        let rows = self.rows(&BY_REFERENCE, &params).await?;
        Ok(one_payment(&rows)?)
    }

    pub(crate) async fn page(
        &self,
        project: ProjectId,
        filter: &PaymentFilter,
    ) -> Result<PaymentPage, StorageError> {
        let [registered, completed] = &*PAGES;
        let (page, count) = if filter.by_registration {
            registered
        } else {
            completed
        };
        let project = project.uuid();
        let (from, to) = (filter.from.as_micros(), filter.to.as_micros());
        let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.word()).collect();
        let (limit, offset) = (i64::from(filter.limit), i64::from(filter.offset));
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 7] = [
            &project,
            &from,
            &to,
            &statuses,
            &filter.dialect,
            &limit,
            &offset,
        ];
        let [page, count] = self
            .snapshot([(page, &params[..]), (count, &params[..5])])
            .await?;
        let total: i64 = match count.first() {
            Some(row) => row.try_get(0).map_err(Failure::from)?,
            None => 0,
        };
        let payments = payments(&page)?.into_iter().map(|stored| stored.payment);
        Ok(PaymentPage {
            payments: payments.collect(),
            total: total.unsigned_abs(),
        })
    }

    pub(crate) async fn deliveries(
        &self,
        keys: &[DeliveryKey],
    ) -> Result<Vec<Telling>, StorageError> {
        let ids = keys.iter().map(|key| key.payment_id);
        let buckets: Vec<i16> = ids.clone().map(|id| id.bucket().number()).collect();
        let ids: Vec<_> = ids.map(PaymentId::uuid).collect();
        let numbers: Vec<i32> = keys.iter().map(|key| small(key.number)).collect();
        let rows = self.rows(DELIVERIES, &[&buckets, &ids, &numbers]).await?;
        let all: Result<_, Failure> = rows.iter().map(telling).collect();
        Ok(all?)
    }

    pub(crate) async fn delivery_attempts(
        &self,
        payment: PaymentId,
    ) -> Result<Vec<DeliveryAttempt>, StorageError> {
        let (bucket, id) = (payment.bucket().number(), payment.uuid());
        let rows = self.rows(ATTEMPTS, &[&bucket, &id]).await?;
        let all: Result<_, Failure> = rows.iter().map(|row| attempt(payment, row)).collect();
        Ok(all?)
    }

    pub(crate) async fn postings(&self, payment: PaymentId) -> Result<Vec<Posting>, StorageError> {
        let (bucket, id) = (payment.bucket().number(), payment.uuid());
        let rows = self.rows(&POSTINGS, &[&bucket, &id]).await?;
        let all: Result<_, Failure> = rows.iter().map(posting).collect();
        Ok(all?)
    }

    pub(crate) async fn incidents(
        &self,
        with_resolved: bool,
        limit: u32,
    ) -> Result<Vec<IncidentRecord>, StorageError> {
        let sql = if with_resolved {
            &ALL_INCIDENTS
        } else {
            &OPEN_INCIDENTS
        };
        let rows = self.rows(sql, &[&i64::from(limit)]).await?;
        let all: Result<_, Failure> = rows.iter().map(incident).collect();
        Ok(all?)
    }

    pub(crate) async fn forget_batches(&self, before: Timestamp) -> Result<(), StorageError> {
        self.rows(FORGET_BATCHES, &[&before.as_micros()]).await?;
        Ok(())
    }
}

fn telling(row: &Row) -> Result<Telling, Failure> {
    let payment_id = PaymentId::from_uuid(row.try_get(13)?);
    let number: i32 = row.try_get(0)?;
    let place = Place {
        table: "deliveries",
        key: format!("{payment_id}/{number}"),
    };
    let state = DeliveryState::from_number(row.try_get(4)?);
    let delivery = Delivery {
        number: place.count(number, "number")?,
        event: place.count(row.try_get(1)?, "event")?,
        endpoint: row.try_get(2)?,
        url: row.try_get(3)?,
        state: state.ok_or_else(|| place.corrupt("state"))?,
        attempts: place.count(row.try_get(5)?, "attempts")?,
        rendered: row.try_get(6)?,
    };
    let event = StoredEvent {
        number: row.try_get(7)?,
        kind: row.try_get(8)?,
        operation: row.try_get(9)?,
        at: row.try_get(10)?,
        payment: row.try_get(11)?,
    };
    let order: Order = serde_json::from_str(row.try_get(12)?).map_err(|_| CorruptRow {
        table: "payments",
        key: payment_id.to_string(),
        column: "order_details".to_owned(),
    })?;
    Ok(Telling {
        payment_id,
        delivery,
        event: event.into_event(order.into())?,
    })
}

fn attempt(payment: PaymentId, row: &Row) -> Result<DeliveryAttempt, Failure> {
    let (delivery, attempt): (i32, i32) = (row.try_get(0)?, row.try_get(1)?);
    let place = Place {
        table: "delivery_attempts",
        key: format!("{payment}/{delivery}/{attempt}"),
    };
    let status: Option<i32> = row.try_get(4)?;
    let status = status.map(u16::try_from).transpose();
    Ok(DeliveryAttempt {
        delivery: place.count(delivery, "delivery")?,
        attempt: place.count(attempt, "attempt")?,
        at: Timestamp::from_micros(row.try_get(2)?),
        duration_ms: row.try_get(3)?,
        status: status.map_err(|_| place.corrupt("status"))?,
        error: row.try_get(5)?,
        answer: row.try_get(6)?,
    })
}

/// Reads a row of [`POSTING_COLUMNS`].
pub(crate) fn posting(row: &Row) -> Result<Posting, Failure> {
    let payment = PaymentId::from_uuid(row.try_get(0)?);
    let number: i32 = row.try_get(1)?;
    let place = Place {
        table: "postings",
        key: format!("{payment}/{number}"),
    };
    let settles: Option<i32> = row.try_get(5)?;
    let settles = settles.map(|n| place.count(n, "settles")).transpose()?;
    let account = |word: Option<AccountKind>, column| word.ok_or_else(|| place.corrupt(column));
    Ok(Posting {
        number: place.count(number, "number")?,
        operation: place.count(row.try_get(2)?, "operation")?,
        entry: EntryKind::parse(row.try_get(3)?).ok_or_else(|| place.corrupt("entry"))?,
        phase: Phase::from_number(row.try_get(4)?).ok_or_else(|| place.corrupt("phase"))?,
        settles,
        project_id: ProjectId::from_uuid(row.try_get(6)?),
        debit: account(AccountKind::parse(row.try_get(7)?), "debit")?,
        credit: account(AccountKind::parse(row.try_get(8)?), "credit")?,
        currency: Currency::from_alpha(row.try_get(9)?).map_err(|_| place.corrupt("currency"))?,
        amount: row.try_get(10)?,
        at: Timestamp::from_micros(row.try_get(11)?),
        customer_id: row.try_get::<_, Option<_>>(12)?.map(CustomerId::from_uuid),
    })
}

/// Reads a row of [`INCIDENT_COLUMNS`].
pub(crate) fn incident(row: &Row) -> Result<IncidentRecord, Failure> {
    let payment_id = PaymentId::from_uuid(row.try_get(0)?);
    let number: i32 = row.try_get(2)?;
    let place = Place {
        table: "incidents",
        key: format!("{payment_id}/{number}"),
    };
    let operation: Option<i32> = row.try_get(4)?;
    let operation = operation.map(|n| place.count(n, "operation")).transpose()?;
    let (resolved_at, note): (Option<i64>, Option<String>) = (row.try_get(7)?, row.try_get(8)?);
    Ok(IncidentRecord {
        payment_id,
        project_id: ProjectId::from_uuid(row.try_get(1)?),
        incident: Incident {
            number: place.count(number, "number")?,
            kind: IncidentKind::parse(row.try_get(3)?).ok_or_else(|| place.corrupt("kind"))?,
            operation,
            detail: row.try_get(5)?,
        },
        opened_at: Timestamp::from_micros(row.try_get(6)?),
        resolved: resolved_at.map(Timestamp::from_micros).zip(note),
    })
}
