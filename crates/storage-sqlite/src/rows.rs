//! Reading rows: columns in the order in which the statements name them.

use altyn_domain::{
    AccountKind, Currency, CustomerId, Delivery, DeliveryAttempt, DeliveryState, EntryKind,
    Incident, IncidentKind, Operation, Payment, PaymentId, Phase, Posting, ProjectId, TimerKind,
    Timestamp,
};
use altyn_storage::{IncidentRecord, OperationRow, PaymentRow};
use rusqlite::{Connection, Params, Row, types::FromSql};
use uuid::Uuid;

use crate::fault::Fault;
use crate::load::roll_back;

/// The columns of a row, one after the other.
pub(crate) struct Cells<'a> {
    row: &'a Row<'a>,
    next: usize,
}

impl<'a> Cells<'a> {
    /// From the first column on.
    pub fn of(row: &'a Row<'a>) -> Self {
        Self { row, next: 0 }
    }

    /// The next column.
    pub fn take<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let index = self.next;
        self.next += 1;
        self.row.get(index)
    }

    /// The next column as a number of rows.
    pub fn count(&mut self) -> rusqlite::Result<u64> {
        let count: i64 = self.take()?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The next column as an instant.
    pub fn instant(&mut self) -> rusqlite::Result<Timestamp> {
        self.take().map(Timestamp::from_micros)
    }

    /// The next column as an instant that may be missing.
    pub fn maybe_instant(&mut self) -> rusqlite::Result<Option<Timestamp>> {
        let micros: Option<i64> = self.take()?;
        Ok(micros.map(Timestamp::from_micros))
    }

    /// The next column as a payment's id.
    pub fn payment_id(&mut self) -> rusqlite::Result<PaymentId> {
        self.take().map(PaymentId::from_uuid)
    }

    /// The next column as a project's id.
    pub fn project_id(&mut self) -> rusqlite::Result<ProjectId> {
        self.take().map(ProjectId::from_uuid)
    }
}

/// Lets `read` see one state of the database, whatever is committed meanwhile.
pub(crate) fn in_snapshot<T>(
    db: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    roll_back(db)?;
    db.prepare_cached("BEGIN")?.execute([])?;
    let found = read(db);
    let closed = roll_back(db);
    let found = found?;
    closed.map(|()| found)
}

/// All rows of a cached statement.
pub(crate) fn all<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&mut Cells<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(&mut Cells::of(row))?);
    }
    Ok(found)
}

/// The first row of a cached statement, if there is one.
pub(crate) fn first<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&mut Cells<'_>) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    match rows.next()? {
        Some(row) => read(&mut Cells::of(row)).map(Some),
        None => Ok(None),
    }
}

macro_rules! payment_columns {
    () => {
        "bucket, payment_id, project_id, dialect, way, currency, amount, held, captured, voided, \
         refunded, reversed, charged_back, status, completed_by, completed_at, end_reason, end_at, \
         tries_max, expires_at, created_at, updated_at, auto_capture_at, auto_void_at, \
         posting_count, event_count, delivery_count, incident_count, order_reference, order_details, \
         customer_id"
    };
}
pub(crate) use payment_columns;

/// Reads the columns of `payment_columns!`.
pub(crate) fn payment_row(cells: &mut Cells<'_>) -> Result<PaymentRow, Fault> {
    Ok(PaymentRow {
        bucket: cells.take()?,
        payment_id: cells.take()?,
        project_id: cells.take()?,
        dialect: cells.take()?,
        way: cells.take()?,
        currency: cells.take()?,
        amount: cells.take()?,
        held: cells.take()?,
        captured: cells.take()?,
        voided: cells.take()?,
        refunded: cells.take()?,
        reversed: cells.take()?,
        charged_back: cells.take()?,
        status: cells.take()?,
        completed_by: cells.take()?,
        completed_at: cells.take()?,
        end_reason: cells.take()?,
        end_at: cells.take()?,
        tries_max: cells.take()?,
        expires_at: cells.take()?,
        created_at: cells.take()?,
        updated_at: cells.take()?,
        auto_capture_at: cells.take()?,
        auto_void_at: cells.take()?,
        posting_count: cells.take()?,
        event_count: cells.take()?,
        delivery_count: cells.take()?,
        incident_count: cells.take()?,
        order_reference: cells.take()?,
        order_details: cells.take()?,
        customer_id: cells.take()?,
    })
}

/// The operations of a payment by number.
pub(crate) fn operations(db: &Connection, id: PaymentId) -> Result<Vec<Operation>, Fault> {
    let sql = "SELECT bucket, payment_id, number, project_id, operation_id, kind, state, amount, \
               parent, reference, method, surplus, created_at, sent_at, finished_at, details \
               FROM operations WHERE bucket = ?1 AND payment_id = ?2 ORDER BY number";
    all(db, sql, (id.bucket().number(), id.uuid()), |cells| {
        let row = OperationRow {
            bucket: cells.take()?,
            payment_id: cells.take()?,
            number: cells.take()?,
            project_id: cells.take()?,
            operation_id: cells.take()?,
            kind: cells.take()?,
            state: cells.take()?,
            amount: cells.take()?,
            parent: cells.take()?,
            reference: cells.take()?,
            method: cells.take()?,
            surplus: cells.take()?,
            created_at: cells.take()?,
            sent_at: cells.take()?,
            finished_at: cells.take()?,
            details: cells.take()?,
        };
        Ok(row.into_operation()?)
    })
}

/// The payment of a row, with its operations.
pub(crate) fn payment_of(db: &Connection, row: PaymentRow) -> Result<Payment, Fault> {
    let operations = operations(db, PaymentId::from_uuid(row.payment_id))?;
    Ok(row.into_payment(operations)?)
}

/// The payment with this id.
pub(crate) fn payment(db: &Connection, id: PaymentId) -> Result<Option<Payment>, Fault> {
    let sql = concat!(
        "SELECT ",
        payment_columns!(),
        " FROM payments WHERE bucket = ?1 AND payment_id = ?2"
    );
    let row = first(db, sql, (id.bucket().number(), id.uuid()), payment_row)?;
    row.map(|row| payment_of(db, row)).transpose()
}

/// The payment that a reference names.
pub(crate) fn referenced(
    db: &Connection,
    key: &altyn_storage::ReferenceKey,
) -> Result<Option<PaymentId>, Fault> {
    let sql = "SELECT payment_id FROM payment_references WHERE bucket = ?1 AND project_id = ?2 \
               AND dialect = ?3 AND kind = ?4 AND reference_key = ?5";
    let params = (
        key.bucket.number(),
        key.project_id.uuid(),
        &key.dialect,
        key.kind.number(),
        &key.key,
    );
    first(db, sql, params, |cells| Ok(cells.payment_id()?))
}

macro_rules! posting_columns {
    () => {
        "number, operation, entry, phase, settles, project_id, debit, credit, currency, amount, \
         customer_id, at"
    };
}
pub(crate) use posting_columns;

/// The postings of a payment by number.
pub(crate) fn postings(db: &Connection, id: PaymentId) -> Result<Vec<Posting>, Fault> {
    let sql = concat!(
        "SELECT ",
        posting_columns!(),
        " FROM postings WHERE bucket = ?1 AND payment_id = ?2 ORDER BY number"
    );
    let key = (id.bucket().number(), id.uuid());
    all(db, sql, key, |cells| posting(cells, id))
}

/// Reads the columns of `posting_columns!` of a posting of this payment.
pub(crate) fn posting(cells: &mut Cells<'_>, id: PaymentId) -> Result<Posting, Fault> {
    let number = cells.take()?;
    let corrupt = |column| Fault::corrupt("postings", format!("{}/{number}", id.uuid()), column);
    let operation = cells.take()?;
    let entry: String = cells.take()?;
    let phase = cells.take()?;
    let settles = cells.take()?;
    let project_id = cells.project_id()?;
    let debit: String = cells.take()?;
    let credit: String = cells.take()?;
    let currency: String = cells.take()?;
    Ok(Posting {
        number,
        operation,
        entry: EntryKind::parse(&entry).ok_or_else(|| corrupt("entry"))?,
        phase: Phase::from_number(phase).ok_or_else(|| corrupt("phase"))?,
        settles,
        project_id,
        debit: AccountKind::parse(&debit).ok_or_else(|| corrupt("debit"))?,
        credit: AccountKind::parse(&credit).ok_or_else(|| corrupt("credit"))?,
        currency: Currency::from_alpha(&currency).map_err(|_| corrupt("currency"))?,
        amount: cells.take()?,
        customer_id: cells.take::<Option<Uuid>>()?.map(CustomerId::from_uuid),
        at: cells.instant()?,
    })
}

/// Reads `number, event, endpoint, url, state, attempts, rendered` of a delivery of this payment.
pub(crate) fn delivery(cells: &mut Cells<'_>, id: PaymentId) -> Result<Delivery, Fault> {
    let number: u32 = cells.take()?;
    let event = cells.take()?;
    let endpoint = cells.take()?;
    let url = cells.take()?;
    let corrupt = || Fault::corrupt("deliveries", format!("{}/{number}", id.uuid()), "state");
    Ok(Delivery {
        number,
        event,
        endpoint,
        url,
        state: DeliveryState::from_number(cells.take()?).ok_or_else(corrupt)?,
        attempts: cells.take()?,
        rendered: cells.take()?,
    })
}

/// Reads `delivery, attempt, at, duration_ms, status, error, answer`.
pub(crate) fn attempt(cells: &mut Cells<'_>) -> Result<DeliveryAttempt, Fault> {
    Ok(DeliveryAttempt {
        delivery: cells.take()?,
        attempt: cells.take()?,
        at: cells.instant()?,
        duration_ms: cells.take()?,
        status: cells.take()?,
        error: cells.take()?,
        answer: cells.take()?,
    })
}

/// Reads `payment_id, number, project_id, kind, operation, detail, opened_at, resolved_at, note`.
pub(crate) fn incident(cells: &mut Cells<'_>) -> Result<IncidentRecord, Fault> {
    let payment_id = cells.payment_id()?;
    let number: u32 = cells.take()?;
    let project_id = cells.project_id()?;
    let kind: String = cells.take()?;
    let corrupt = |column| {
        Fault::corrupt(
            "incidents",
            format!("{}/{number}", payment_id.uuid()),
            column,
        )
    };
    let incident = Incident {
        number,
        kind: IncidentKind::parse(&kind).ok_or_else(|| corrupt("kind"))?,
        operation: cells.take()?,
        detail: cells.take()?,
    };
    let opened_at = cells.instant()?;
    let resolved_at: Option<i64> = cells.take()?;
    let note: Option<String> = cells.take()?;
    let resolved = match (resolved_at, note) {
        (None, None) => None,
        (Some(at), Some(note)) => Some((Timestamp::from_micros(at), note)),
        _ => return Err(corrupt("note")),
    };
    Ok(IncidentRecord {
        payment_id,
        project_id,
        incident,
        opened_at,
        resolved,
    })
}

/// Reads the kind of a timer.
pub(crate) fn timer_kind(number: i16, payment: Uuid) -> Result<TimerKind, Fault> {
    TimerKind::from_number(number).ok_or_else(|| Fault::corrupt("timers", payment, "kind"))
}
