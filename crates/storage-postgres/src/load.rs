//! The first half of a batch: begin, resolve references, lock and read.
//!
//! Locks are taken in the order of the keys, by every writer alike. A lateral subquery that locks, sorts or
//! has an OFFSET cannot be merged into a join, so each key is one descent in its index, in array order.
//!
//! Operations are read by a statement of their own, behind the one that locks their payments: only a
//! statement that begins after the locks are held sees what their last owner committed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use altyn_domain::{Balance, BalanceKey, Operation, Payment, PaymentId, TimerKey};
use altyn_storage::{LoadKeys, Loaded, ReferenceKey, balance_key};
use tokio_postgres::{Client, Error, Row, Statement};
use uuid::Uuid;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::flight::{Param, Step, column};
use crate::rows::{OPERATION_COLUMNS, PAYMENT_COLUMNS, operation_row, payment_row};
use crate::save::timer_key_params;

const SETTINGS_VERSION: &str = "SELECT settings_version FROM installation WHERE id = 1";

const REFERENCES: &str = "SELECT k.place, r.payment_id \
    FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::smallint[], $5::text[]) \
    WITH ORDINALITY AS k(bucket, project_id, dialect, kind, reference_key, place) \
    CROSS JOIN LATERAL (SELECT payment_id FROM payment_references r \
    WHERE r.bucket = k.bucket AND r.project_id = k.project_id AND r.dialect = k.dialect \
    AND r.kind = k.kind AND r.reference_key = k.reference_key OFFSET 0) r";

/// The kind is compared in a way that no index can use: the index of due timers begins with it.
const FENCES: &str = "SELECT k.place, t.fence \
    FROM unnest($1::smallint[], $2::uuid[], $3::smallint[], $4::integer[]) \
    WITH ORDINALITY AS k(bucket, payment_id, kind, subject, place) \
    CROSS JOIN LATERAL (SELECT fence FROM timers t \
    WHERE t.bucket = k.bucket AND t.payment_id = k.payment_id \
    AND t.subject = k.subject AND (t.kind = k.kind) IS TRUE FOR UPDATE) t";

const BALANCES: &str = "SELECT k.place, b.posted, b.reserved \
    FROM unnest($1::smallint[], $2::uuid[], $3::text[]) \
    WITH ORDINALITY AS k(bucket, customer_id, currency, place) \
    CROSS JOIN LATERAL (SELECT posted, reserved FROM customer_balances b \
    WHERE b.bucket = k.bucket AND b.customer_id = k.customer_id \
    AND b.currency = k.currency FOR UPDATE) b";

fn payments_sql() -> String {
    format!(
        "SELECT p.* FROM unnest($1::smallint[], $2::uuid[]) AS k(bucket, payment_id) \
         CROSS JOIN LATERAL (SELECT {PAYMENT_COLUMNS} FROM payments p \
         WHERE p.bucket = k.bucket AND p.payment_id = k.payment_id FOR NO KEY UPDATE) p"
    )
}

fn operations_sql() -> String {
    format!(
        "SELECT o.* FROM unnest($1::smallint[], $2::uuid[]) AS k(bucket, payment_id) \
         CROSS JOIN LATERAL (SELECT {OPERATION_COLUMNS} FROM operations o \
         WHERE o.bucket = k.bucket AND o.payment_id = k.payment_id ORDER BY o.number) o"
    )
}

/// The texts prepared here, by name.
pub(crate) fn statements() -> Vec<(&'static str, String)> {
    vec![
        ("load settings version", SETTINGS_VERSION.to_owned()),
        ("load references", REFERENCES.to_owned()),
        ("load payments", payments_sql()),
        ("load operations", operations_sql()),
        ("load fences", FENCES.to_owned()),
        ("load balances", BALANCES.to_owned()),
    ]
}

/// The prepared statements of this half.
pub(crate) struct LoadStatements {
    settings_version: Statement,
    references: Statement,
    payments: Statement,
    operations: Statement,
    fences: Statement,
    balances: Statement,
}

impl LoadStatements {
    pub(crate) async fn prepare(client: &Client) -> Result<Self, Error> {
        let (payments, operations) = (payments_sql(), operations_sql());
        let (settings_version, references, payments, operations, fences, balances) = futures::try_join!(
            client.prepare(SETTINGS_VERSION),
            client.prepare(REFERENCES),
            client.prepare(&payments),
            client.prepare(&operations),
            client.prepare(FENCES),
            client.prepare(BALANCES),
        )?;
        Ok(Self {
            settings_version,
            references,
            payments,
            operations,
            fences,
            balances,
        })
    }
}

/// What was read, and which payments are now locked.
pub(crate) struct Locked {
    pub loaded: Loaded,
    pub payments: BTreeSet<PaymentId>,
}

/// Begins a transaction and loads `keys`: in one round trip without references, else in two; in one more if
/// a payment has a customer.
pub(crate) async fn load(connection: &mut Connection, keys: &LoadKeys) -> Result<Locked, Failure> {
    let old = connection.are_plans_old();
    let connection = &*connection;
    let references: Vec<&ReferenceKey> = keys.references.iter().collect();
    if references.is_empty() {
        let (version, rows) = futures::try_join!(
            begin(connection, old),
            lock(connection, &keys.payments, &keys.timers)
        )?;
        return finish(connection, version, HashMap::new(), &rows, keys).await;
    }
    let (version, named) =
        futures::try_join!(begin(connection, old), resolve(connection, &references))?;
    let mut payments = keys.payments.clone();
    payments.extend(named.values());
    let rows = lock(connection, &payments, &keys.timers).await?;
    finish(connection, version, named, &rows, keys).await
}

/// Begins the transaction and reads the settings version.
async fn begin(connection: &Connection, forget_plans: bool) -> Result<i64, Failure> {
    let client = &connection.client;
    let forget = async {
        match forget_plans {
            true => client.batch_execute("DISCARD PLANS").await,
            false => Ok(()),
        }
    };
    let ((), (), row) = futures::try_join!(
        forget,
        client.batch_execute("BEGIN"),
        client.query_one(&connection.load.settings_version, &[])
    )?;
    Ok(row.try_get(0)?)
}

async fn resolve(
    connection: &Connection,
    keys: &[&ReferenceKey],
) -> Result<HashMap<ReferenceKey, PaymentId>, Failure> {
    let params = vec![
        column(keys, |key| key.bucket.number()),
        column(keys, |key| key.project_id.uuid()),
        column(keys, |key| key.dialect.as_str()),
        column(keys, |key| key.kind.number()),
        column(keys, |key| key.key.as_str()),
    ];
    let rows = query(connection, &connection.load.references, params).await?;
    let mut named = HashMap::with_capacity(rows.len());
    for row in rows {
        let id = PaymentId::from_uuid(row.try_get(1)?);
        if let Some(key) = at(keys, &row)? {
            named.insert((*key).clone(), id);
        }
    }
    Ok(named)
}

/// Rows read under locks.
#[derive(Default)]
struct Rows {
    payments: Vec<Row>,
    operations: Vec<Row>,
    fences: Vec<Row>,
}

async fn lock(
    connection: &Connection,
    payments: &BTreeSet<PaymentId>,
    timers: &BTreeSet<TimerKey>,
) -> Result<Rows, Failure> {
    let ids: Vec<PaymentId> = payments.iter().copied().collect();
    let keys: Vec<TimerKey> = timers.iter().copied().collect();
    let by_id = || {
        vec![
            column(&ids, |id| id.bucket().number()),
            column(&ids, |id| id.uuid()),
        ]
    };
    let by_timer = timer_key_params(&keys);
    let statements = &connection.load;
    let (payments, operations, fences) = futures::try_join!(
        query_if(!ids.is_empty(), connection, &statements.payments, by_id()),
        query_if(!ids.is_empty(), connection, &statements.operations, by_id()),
        query_if(!keys.is_empty(), connection, &statements.fences, by_timer),
    )?;
    Ok(Rows {
        payments,
        operations,
        fences,
    })
}

async fn finish(
    connection: &Connection,
    version: i64,
    references: HashMap<ReferenceKey, PaymentId>,
    rows: &Rows,
    keys: &LoadKeys,
) -> Result<Locked, Failure> {
    let payments = read_payments(rows)?;
    let timers: Vec<&TimerKey> = keys.timers.iter().collect();
    let mut fences = HashMap::with_capacity(rows.fences.len());
    for row in &rows.fences {
        let fence = row.try_get(1)?;
        fences.extend(at(&timers, row)?.map(|key| (**key, fence)));
    }
    let balances: BTreeSet<BalanceKey> = payments.iter().filter_map(balance_key).collect();
    let balances = lock_balances(connection, balances).await?;
    let locked = payments.iter().map(|payment| payment.id).collect();
    Ok(Locked {
        loaded: Loaded::new(version, payments, references, fences, balances),
        payments: locked,
    })
}

fn read_payments(rows: &Rows) -> Result<Vec<Payment>, Failure> {
    let mut operations: BTreeMap<Uuid, Vec<Operation>> = BTreeMap::new();
    for row in &rows.operations {
        let row = operation_row(row, 0)?;
        let id = row.payment_id;
        operations
            .entry(id)
            .or_default()
            .push(row.into_operation()?);
    }
    let mut payments = Vec::with_capacity(rows.payments.len());
    for row in &rows.payments {
        let row = payment_row(row)?;
        let operations = operations.remove(&row.payment_id).unwrap_or_default();
        payments.push(row.into_payment(operations)?);
    }
    Ok(payments)
}

/// Locks balances in key order. A balance that is not there yet cannot be locked, and nothing can be taken
/// from it.
async fn lock_balances(
    connection: &Connection,
    keys: BTreeSet<BalanceKey>,
) -> Result<HashMap<BalanceKey, Balance>, Failure> {
    let keys: Vec<BalanceKey> = keys.into_iter().collect();
    let params = vec![
        column(&keys, |key| key.customer_id.bucket().number()),
        column(&keys, |key| key.customer_id.uuid()),
        column(&keys, |key| key.currency.alpha()),
    ];
    let statement = &connection.load.balances;
    let rows = query_if(!keys.is_empty(), connection, statement, params).await?;
    let mut balances = HashMap::with_capacity(rows.len());
    for row in &rows {
        let balance = Balance {
            posted: row.try_get(1)?,
            reserved: row.try_get(2)?,
        };
        balances.extend(at(&keys, row)?.map(|key| (*key, balance)));
    }
    Ok(balances)
}

/// The key that a row of `WITH ORDINALITY` is about.
fn at<'a, T>(keys: &'a [T], row: &Row) -> Result<Option<&'a T>, Error> {
    let place: i64 = row.try_get(0)?;
    let index = usize::try_from(place - 1).unwrap_or(usize::MAX);
    Ok(keys.get(index))
}

async fn query(
    connection: &Connection,
    statement: &Statement,
    params: Vec<Param<'_>>,
) -> Result<Vec<Row>, Error> {
    Step { statement, params }.query(&connection.client).await
}

async fn query_if(
    wanted: bool,
    connection: &Connection,
    statement: &Statement,
    params: Vec<Param<'_>>,
) -> Result<Vec<Row>, Failure> {
    match wanted {
        true => Ok(query(connection, statement, params).await?),
        false => Ok(Vec::new()),
    }
}
