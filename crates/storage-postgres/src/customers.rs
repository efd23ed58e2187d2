//! Customers, their balances, and the statements of these.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use altyn_domain::{
    Balance, BalanceKey, Currency, CustomerId, PaymentId, Phase, ProjectId, Timestamp,
};
use altyn_storage::{CustomerRecord, CustomerSearch, Statement, StatementLine, StorageError};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::audit::{ACCOUNTS_BEGIN, ACCOUNTS_LIMIT};
use crate::failure::Failure;
use crate::pool::Readers;
use crate::reads::{POSTING_COLUMNS, posting};
use crate::rows::{Place, parse_customer_kind, small};

/// The columns of `customers`, in the order [`customer`] reads them.
const COLUMNS: &str = "customer_id, project_id, reference, kind, name, email, phone, created_at";

static BY_ID: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT c.* FROM (SELECT {COLUMNS} FROM customers \
         WHERE bucket = $1 AND customer_id = $2 OFFSET 0) c WHERE c.project_id = $3"
    )
});

/// So many of each project, and of those the first: references from `$3` on, each project behind its own
/// place; in the second text also references before `$5`.
static PAGES: LazyLock<[String; 2]> = LazyLock::new(|| {
    ["", "AND c.reference < $5"].map(|before| {
        format!(
            "SELECT c.* FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY \
             AS k(project_id, after, place) \
             CROSS JOIN LATERAL (SELECT {COLUMNS} FROM customers c \
             WHERE c.project_id = k.project_id AND c.reference >= $3 {before} \
             AND c.reference > COALESCE(k.after, '') \
             ORDER BY c.reference LIMIT $4) c ORDER BY k.place, c.reference LIMIT $4"
        )
    })
});

const BALANCES: &str = "SELECT currency, posted, reserved FROM customer_balances \
    WHERE bucket = $1 AND customer_id = $2 ORDER BY currency";

const BALANCE: &str = "SELECT posted, reserved FROM customer_balances \
    WHERE bucket = $1 AND customer_id = $2 AND currency = $3";

/// Phase 2: what is posted. The columns of a posting, then the number of its order.
static STATEMENT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT l.*, (SELECT p.order_reference FROM payments p WHERE p.bucket = l.bucket \
         AND p.payment_id = l.payment_id OFFSET 0) AS order_reference \
         FROM (SELECT {POSTING_COLUMNS}, bucket FROM postings \
         WHERE customer_id = $1 AND currency = $2 AND phase = 2 \
         AND (at, payment_id, number) < ($3::bigint, $4::uuid, $5::integer) \
         ORDER BY at DESC, payment_id DESC, number DESC LIMIT $6) l \
         ORDER BY at DESC, payment_id DESC, number DESC"
    )
});

const STORED: &str = "SELECT customer_id, currency, posted, reserved FROM customer_balances";

const COUNTED: &str = "SELECT customer_id, currency, phase, settles IS NOT NULL, \
    debit = 'customer_balance', sum(amount)::bigint FROM postings WHERE customer_id IS NOT NULL \
    GROUP BY 1, 2, 3, 4, 5";

/// The texts prepared here, by name.
pub(crate) fn statements() -> Vec<(&'static str, String)> {
    let [all, begun] = &*PAGES;
    vec![
        ("customer by id", BY_ID.clone()),
        ("customers", all.clone()),
        ("customers by prefix", begun.clone()),
        ("balances", BALANCES.to_owned()),
        ("balance of a statement", BALANCE.to_owned()),
        ("statement", STATEMENT.clone()),
    ]
}

impl Readers {
    pub(crate) async fn customers(
        &self,
        search: &CustomerSearch,
    ) -> Result<Vec<CustomerRecord>, StorageError> {
        let prefix = search.reference_prefix.as_str();
        let (projects, afters) = places(search);
        if prefix.contains('\0') || projects.is_empty() {
            return Ok(Vec::new());
        }
        let limit = i64::from(search.limit);
        let end = end_of_prefix(prefix);
        let [all, begun] = &*PAGES;
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&projects, &afters, &prefix, &limit];
        let sql = match &end {
            None => all,
            Some(end) => {
                params.push(end);
                begun
            }
        };
        let rows = self.rows(sql, &params).await?;
        let all: Result<_, Failure> = rows.iter().map(customer).collect();
        Ok(all?)
    }

    pub(crate) async fn customer(
        &self,
        project: ProjectId,
        id: CustomerId,
    ) -> Result<Option<CustomerRecord>, StorageError> {
        let (bucket, id) = (id.bucket().number(), id.uuid());
        let rows = self.rows(&BY_ID, &[&bucket, &id, &project.uuid()]).await?;
        Ok(rows.first().map(customer).transpose()?)
    }

    pub(crate) async fn balances(
        &self,
        id: CustomerId,
    ) -> Result<Vec<(Currency, Balance)>, StorageError> {
        let (bucket, id) = (id.bucket().number(), id.uuid());
        let rows = self.rows(BALANCES, &[&bucket, &id]).await?;
        let all: Result<_, Failure> = rows
            .iter()
            .map(|row| Ok((currency(row, 0, id)?, sums(row, 1)?)))
            .collect();
        Ok(all?)
    }

    pub(crate) async fn statement(
        &self,
        key: BalanceKey,
        after: Option<(Timestamp, PaymentId, u32)>,
        limit: u32,
    ) -> Result<Statement, StorageError> {
        let (bucket, customer) = (key.customer_id.bucket().number(), key.customer_id.uuid());
        let currency = key.currency.alpha();
        let (at, payment, number) = match after {
            Some((at, payment, number)) => (at.as_micros(), payment.uuid(), small(number)),
            None => (i64::MAX, Uuid::max(), i32::MAX),
        };
        let limit = i64::from(limit);
        let of_balance: [&(dyn ToSql + Sync); 3] = [&bucket, &customer, &currency];
        let of_lines: [&(dyn ToSql + Sync); 6] =
            [&customer, &currency, &at, &payment, &number, &limit];
        let [stands, lines] = self
            .snapshot([(BALANCE, &of_balance), (&STATEMENT, &of_lines)])
            .await?;
        let stands = stands.first().map(|row| sums(row, 0)).transpose()?;
        let lines: Result<_, Failure> = lines.iter().map(line).collect();
        Ok(Statement {
            balance: stands.unwrap_or_default(),
            lines: lines?,
        })
    }

    pub(crate) async fn audit_balances(
        &self,
    ) -> Result<(Vec<(BalanceKey, Balance)>, Vec<(BalanceKey, Balance)>), StorageError> {
        let statements = [(STORED, &[][..]), (COUNTED, &[][..])];
        let [stored, counted] = self
            .snapshot_within(ACCOUNTS_BEGIN, ACCOUNTS_LIMIT, statements)
            .await?;
        let stored: Result<BTreeMap<_, _>, Failure> = stored
            .iter()
            .map(|row| Ok((key(row)?, sums(row, 2)?)))
            .collect();
        let counted = count(&counted)?;
        Ok((stored?.into_iter().collect(), counted.into_iter().collect()))
    }
}

/// Reads a row of [`STATEMENT`].
fn line(row: &Row) -> Result<StatementLine, Failure> {
    let order: Option<String> = row.try_get("order_reference")?;
    Ok(StatementLine {
        payment_id: PaymentId::from_uuid(row.try_get(0)?),
        posting: posting(row)?,
        order_reference: order.unwrap_or_default(),
    })
}

/// Each project that can still have customers on this page, and the reference behind which they begin there.
fn places(search: &CustomerSearch) -> (Vec<Uuid>, Vec<Option<&str>>) {
    let mut projects: Vec<ProjectId> = Vec::with_capacity(search.projects.len());
    for (_, project) in &search.projects {
        if !projects.contains(project) {
            projects.push(*project);
        }
    }
    let mut begun = search.after.is_none();
    let mut afters = Vec::with_capacity(projects.len());
    projects.retain(|project| {
        let after = search.after.as_ref().filter(|(id, _)| id == project);
        begun |= after.is_some();
        if begun {
            afters.push(after.map(|(_, reference)| reference.as_str()));
        }
        begun
    });
    (projects.into_iter().map(ProjectId::uuid).collect(), afters)
}

/// The first text behind all that begin with `prefix`, in byte order; `None` if there is none.
fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut end: Vec<char> = prefix.chars().collect();
    while let Some(last) = end.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            end.push(next);
            return Some(end.into_iter().collect());
        }
    }
    None
}

/// What the postings, summed by customer, currency and phase, come to on each balance: the rule of
/// [`altyn_domain::balance_deltas`].
fn count(rows: &[Row]) -> Result<BTreeMap<BalanceKey, Balance>, Failure> {
    let mut balances: BTreeMap<BalanceKey, Balance> = BTreeMap::new();
    for row in rows {
        let key = key(row)?;
        let (settles, gives): (bool, bool) = (row.try_get(3)?, row.try_get(4)?);
        let amount: i64 = row.try_get(5)?;
        let phase = Phase::from_number(row.try_get(2)?).ok_or_else(|| {
            let table = "postings";
            let key = key.customer_id.to_string();
            Place { table, key }.corrupt("phase")
        })?;
        let (posted, reserved) = match (phase, gives) {
            (Phase::Pending, true) => (0, amount),
            (Phase::Posted, true) if settles => (-amount, -amount),
            (Phase::Posted, true) => (-amount, 0),
            (Phase::Posted, false) => (amount, 0),
            (Phase::Released, true) => (0, -amount),
            (Phase::Pending | Phase::Released, false) => (0, 0),
        };
        let balance = balances.entry(key).or_default();
        *balance = balance.plus(Balance { posted, reserved });
    }
    Ok(balances)
}

fn key(row: &Row) -> Result<BalanceKey, Failure> {
    let customer: Uuid = row.try_get(0)?;
    Ok(BalanceKey {
        customer_id: CustomerId::from_uuid(customer),
        currency: currency(row, 1, customer)?,
    })
}

fn currency(row: &Row, at: usize, customer: Uuid) -> Result<Currency, Failure> {
    let place = Place {
        table: "customer_balances",
        key: customer.to_string(),
    };
    let word: &str = row.try_get(at)?;
    Ok(Currency::from_alpha(word).map_err(|_| place.corrupt("currency"))?)
}

fn sums(row: &Row, at: usize) -> Result<Balance, Failure> {
    Ok(Balance {
        posted: row.try_get(at)?,
        reserved: row.try_get(at + 1)?,
    })
}

fn customer(row: &Row) -> Result<CustomerRecord, Failure> {
    let id = CustomerId::from_uuid(row.try_get(0)?);
    let place = Place {
        table: "customers",
        key: id.to_string(),
    };
    let kind: Option<&str> = row.try_get(3)?;
    let kind = kind.map(|word| parse_customer_kind(word).ok_or_else(|| place.corrupt("kind")));
    Ok(CustomerRecord {
        id,
        project_id: ProjectId::from_uuid(row.try_get(1)?),
        reference: row.try_get(2)?,
        kind: kind.transpose()?,
        name: row.try_get(4)?,
        email: row.try_get(5)?,
        phone: row.try_get(6)?,
        created_at: Timestamp::from_micros(row.try_get(7)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_where_nothing_more_begins_with_it() {
        assert_eq!(end_of_prefix(""), None);
        assert_eq!(end_of_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(end_of_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(end_of_prefix("\u{10ffff}"), None);
        assert_eq!(end_of_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
    }
}
