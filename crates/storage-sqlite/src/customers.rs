//! Customers of projects, and what stands on their balances.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use altyn_domain::{
    Balance, BalanceKey, Currency, CustomerId, CustomerKind, Payment, PaymentId, ProjectId,
    Timestamp,
};
use altyn_storage::{CustomerRecord, CustomerSearch, Statement, StatementLine, balance_key};
use rusqlite::Connection;

use crate::fault::Fault;
use crate::rows::{Cells, all, first, in_snapshot, posting, posting_columns};

/// Balances by their keys.
type Balances = Vec<(BalanceKey, Balance)>;

/// The balances of these payments' customers; what is absent is left out.
pub(crate) fn of_payments(
    db: &Connection,
    payments: &[Payment],
) -> Result<HashMap<BalanceKey, Balance>, Fault> {
    let sql = "SELECT posted, reserved FROM customer_balances \
               WHERE bucket = ?1 AND customer_id = ?2 AND currency = ?3";
    let keys: BTreeSet<BalanceKey> = payments.iter().filter_map(balance_key).collect();
    let mut found = HashMap::with_capacity(keys.len());
    for key in keys {
        let (bucket, id) = (key.customer_id.bucket(), key.customer_id.uuid());
        let params = (bucket.number(), id, key.currency.alpha());
        if let Some(balance) = first(db, sql, params, balance)? {
            found.insert(key, balance);
        }
    }
    Ok(found)
}

/// Makes customers known that are not known yet.
pub(crate) fn save(db: &Connection, rows: &[CustomerRecord]) -> Result<(), Fault> {
    let sql = "INSERT INTO customers (bucket, customer_id, project_id, reference, kind, name, email, \
               phone, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
               ON CONFLICT DO NOTHING";
    for customer in rows {
        db.prepare_cached(sql)?.execute((
            customer.id.bucket().number(),
            customer.id.uuid(),
            customer.project_id.uuid(),
            &customer.reference,
            customer.kind.map(kind_word),
            &customer.name,
            &customer.email,
            &customer.phone,
            customer.created_at.as_micros(),
        ))?;
    }
    Ok(())
}

/// Adds to balances. The database refuses one that would fall below zero.
pub(crate) fn add(
    db: &Connection,
    rows: &BTreeMap<BalanceKey, (ProjectId, Balance)>,
) -> Result<(), Fault> {
    // First as a change: a row to be inserted must stand on its own, and what is taken off does not.
    let update = "UPDATE customer_balances SET posted = posted + ?5, reserved = reserved + ?6 \
                  WHERE bucket = ?1 AND customer_id = ?2 AND currency = ?3 AND project_id = ?4";
    let insert = "INSERT INTO customer_balances (bucket, customer_id, currency, project_id, posted, \
                  reserved) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    for (key, (project_id, change)) in rows {
        let params = (
            key.customer_id.bucket().number(),
            key.customer_id.uuid(),
            key.currency.alpha(),
            project_id.uuid(),
            change.posted,
            change.reserved,
        );
        if db.prepare_cached(update)?.execute(params)? == 0 {
            db.prepare_cached(insert)?.execute(params)?;
        }
    }
    Ok(())
}

const fn kind_word(kind: CustomerKind) -> &'static str {
    match kind {
        CustomerKind::Individual => "individual",
        CustomerKind::Company => "company",
    }
}

macro_rules! customers {
    ($where:literal) => {
        concat!(
            "SELECT customer_id, project_id, reference, kind, name, email, phone, created_at \
             FROM customers WHERE bucket = ?1 AND ",
            $where
        )
    };
}

fn customer_row(cells: &mut Cells<'_>) -> Result<CustomerRecord, Fault> {
    let id = CustomerId::from_uuid(cells.take()?);
    let project_id = cells.project_id()?;
    let reference = cells.take()?;
    let word: Option<String> = cells.take()?;
    let kinds = [CustomerKind::Individual, CustomerKind::Company];
    let kind = kinds
        .into_iter()
        .find(|kind| word.as_deref() == Some(kind_word(*kind)));
    if kind.is_none() && word.is_some() {
        return Err(Fault::corrupt("customers", id.uuid(), "kind"));
    }
    Ok(CustomerRecord {
        id,
        project_id,
        reference,
        kind,
        name: cells.take()?,
        email: cells.take()?,
        phone: cells.take()?,
        created_at: cells.instant()?,
    })
}

/// The customer with this id, if it is one of this project.
pub(crate) fn customer(
    db: &Connection,
    project: ProjectId,
    id: CustomerId,
) -> Result<Option<CustomerRecord>, Fault> {
    let sql = customers!("customer_id = ?2 AND project_id = ?3");
    let params = (id.bucket().number(), id.uuid(), project.uuid());
    first(db, sql, params, customer_row)
}

/// A page of customers, project by project.
pub(crate) fn list(db: &Connection, search: &CustomerSearch) -> Result<Vec<CustomerRecord>, Fault> {
    in_snapshot(db, |db| list_in_tx(db, search))
}

fn list_in_tx(db: &Connection, search: &CustomerSearch) -> Result<Vec<CustomerRecord>, Fault> {
    let mut projects = &search.projects[..];
    let mut behind = None;
    if let Some((project, reference)) = &search.after {
        let place = projects.iter().position(|(_, id)| id == project);
        projects = &projects[place.unwrap_or(projects.len())..];
        behind = Some(reference);
    }
    let behind_it = customers!("project_id = ?2 AND reference > ?3 ORDER BY reference LIMIT ?4");
    let from_it = customers!("project_id = ?2 AND reference >= ?3 ORDER BY reference LIMIT ?4");
    let limit = usize::try_from(search.limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (_, project) in projects.iter().filter(|(_, project)| seen.insert(*project)) {
        let left = i64::try_from(limit - found.len()).unwrap_or(i64::MAX);
        if left == 0 {
            break;
        }
        let bucket = project.bucket().number();
        let prefix = &search.reference_prefix;
        let (sql, low) = match behind.take() {
            Some(place) if place >= prefix => (behind_it, place),
            _ => (from_it, prefix),
        };
        let params = (bucket, project.uuid(), low, left);
        let rows = all(db, sql, params, customer_row)?.into_iter();
        // In byte order all that begin so stand together.
        found.extend(rows.take_while(|row| row.reference.starts_with(prefix)));
    }
    Ok(found)
}

/// A customer's balances, by currency.
pub(crate) fn balances(db: &Connection, id: CustomerId) -> Result<Vec<(Currency, Balance)>, Fault> {
    let sql = "SELECT currency, posted, reserved FROM customer_balances \
               WHERE bucket = ?1 AND customer_id = ?2 ORDER BY currency";
    let key = (id.bucket().number(), id.uuid());
    all(db, sql, key, |cells| {
        Ok((currency(cells, id)?, balance(cells)?))
    })
}

fn currency(cells: &mut Cells<'_>, of: CustomerId) -> Result<Currency, Fault> {
    let code: String = cells.take()?;
    let corrupt = |_| Fault::corrupt("customer_balances", of.uuid(), "currency");
    Currency::from_alpha(&code).map_err(corrupt)
}

fn balance(cells: &mut Cells<'_>) -> Result<Balance, Fault> {
    Ok(Balance {
        posted: cells.take()?,
        reserved: cells.take()?,
    })
}

/// Posted movements on a balance, newest first, with their orders' numbers and what stands on the balance.
pub(crate) fn statement(
    db: &Connection,
    key: BalanceKey,
    after: Option<(Timestamp, PaymentId, u32)>,
    limit: u32,
) -> Result<Statement, Fault> {
    let stands = "SELECT posted, reserved FROM customer_balances \
                  WHERE bucket = ?1 AND customer_id = ?2 AND currency = ?3";
    let lines = concat!(
        "SELECT payment_id, ",
        posting_columns!(),
        ", (SELECT order_reference FROM payments p \
         WHERE p.bucket = postings.bucket AND p.payment_id = postings.payment_id) \
         FROM postings WHERE bucket = ?1 AND customer_id = ?2 AND currency = ?3 AND phase = 2 \
         AND at <= ?4 AND (at < ?4 OR (payment_id, number) < (?5, ?6)) \
         ORDER BY at DESC, payment_id DESC, number DESC LIMIT ?7"
    );
    let (at, payment, number) = after.map_or((i64::MAX, None, 0), |(at, payment, number)| {
        (at.as_micros(), Some(payment.uuid()), number)
    });
    let (bucket, id) = (key.customer_id.bucket().number(), key.customer_id.uuid());
    let currency = key.currency.alpha();
    let params = (bucket, id, currency, at, payment, number, limit);
    in_snapshot(db, |db| {
        let stands = first(db, stands, (bucket, id, currency), balance)?;
        let lines = all(db, lines, params, |cells| {
            let payment_id = cells.payment_id()?;
            let posting = posting(cells, payment_id)?;
            let order: Option<String> = cells.take()?;
            Ok(StatementLine {
                payment_id,
                posting,
                order_reference: order.unwrap_or_default(),
            })
        })?;
        Ok(Statement {
            balance: stands.unwrap_or_default(),
            lines,
        })
    })
}

/// The stored balances, and those counted from all postings, read in one snapshot.
pub(crate) fn audit(db: &Connection) -> Result<(Balances, Balances), Fault> {
    let stored = "SELECT customer_id, currency, posted, reserved FROM customer_balances";
    // What a balance gives is reserved first; what it gets counts when it is posted.
    let counted = "SELECT customer_id, currency, \
                       sum(CASE WHEN phase <> 2 THEN 0 WHEN debit = 'customer_balance' THEN -amount \
                           ELSE amount END), \
                       sum(CASE WHEN debit <> 'customer_balance' THEN 0 WHEN phase = 1 THEN amount \
                           WHEN settles IS NULL THEN 0 ELSE -amount END) \
                   FROM postings WHERE customer_id IS NOT NULL GROUP BY customer_id, currency";
    let (mut stored, mut counted) = in_snapshot(db, |db| {
        Ok((
            all(db, stored, [], keyed_balance)?,
            all(db, counted, [], keyed_balance)?,
        ))
    })?;
    stored.sort_by_key(|(key, _)| *key);
    counted.sort_by_key(|(key, _)| *key);
    Ok((stored, counted))
}

fn keyed_balance(cells: &mut Cells<'_>) -> Result<(BalanceKey, Balance), Fault> {
    let customer_id = CustomerId::from_uuid(cells.take()?);
    let key = BalanceKey {
        customer_id,
        currency: currency(cells, customer_id)?,
    };
    Ok((key, balance(cells)?))
}
