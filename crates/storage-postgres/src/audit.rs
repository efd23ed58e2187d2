//! What the audit reads: pages of payments with everything that must agree with them, and all accounts.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;
use std::time::Duration;

use altyn_domain::{Account, AccountDelta, AccountKind, Currency, PaymentId, Phase, ProjectId};
use altyn_storage::{AccountBalance, AuditPage, AuditedPayment, CorruptRow, StorageError};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::failure::Failure;
use crate::pool::Readers;
use crate::reads::{POSTING_COLUMNS, posting};
use crate::rows::{PAYMENT_COLUMNS, payments, with_operations};

/// How long the sums of all postings may take: they are read from end to end.
pub(crate) const ACCOUNTS_LIMIT: Duration = Duration::from_secs(3_600);

/// All postings are read in the order they lie, whatever the other statements of the connection prefer.
pub(crate) const ACCOUNTS_BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
    SET LOCAL statement_timeout = 0; SET LOCAL enable_seqscan = on";

const PAGE: &str = "FROM payments WHERE (bucket, payment_id) >= ($1::smallint, $2::uuid) \
    ORDER BY bucket, payment_id LIMIT $3";

static PAYMENTS: LazyLock<String> = LazyLock::new(|| {
    let page = with_operations(&format!("SELECT {PAYMENT_COLUMNS} {PAGE}"));
    format!("{page} ORDER BY p.bucket, p.payment_id, o.number")
});

/// Rows of `table` that belong to the payments of a page.
fn belonging(columns: &str, table: &str) -> String {
    format!(
        "WITH page AS MATERIALIZED (SELECT bucket, payment_id {PAGE}) \
         SELECT t.* FROM page CROSS JOIN LATERAL (SELECT {columns} FROM {table} t \
         WHERE t.bucket = page.bucket AND t.payment_id = page.payment_id ORDER BY t.number) t"
    )
}

static POSTINGS: LazyLock<String> = LazyLock::new(|| belonging(POSTING_COLUMNS, "postings"));
static EVENTS: LazyLock<String> = LazyLock::new(|| belonging("payment_id, number", "events"));
static DELIVERIES: LazyLock<String> =
    LazyLock::new(|| belonging("payment_id, number", "deliveries"));

const STORED: &str = "SELECT project_id, kind, currency, posted_debit, posted_credit, \
    pending_debit, pending_credit FROM accounts";

const COUNTED: &str = "SELECT project_id, debit, credit, currency, phase, settles IS NOT NULL, \
    sum(amount)::bigint FROM postings GROUP BY 1, 2, 3, 4, 5, 6";

/// The texts prepared here that read a page, by name.
pub(crate) fn statements() -> Vec<(&'static str, String)> {
    vec![
        ("audit payments", PAYMENTS.clone()),
        ("audit postings", POSTINGS.clone()),
        ("audit events", EVENTS.clone()),
        ("audit deliveries", DELIVERIES.clone()),
    ]
}

impl Readers {
    pub(crate) async fn audit_page(
        &self,
        from: Option<PaymentId>,
        limit: u32,
    ) -> Result<AuditPage, StorageError> {
        let from = from.unwrap_or(PaymentId::from_uuid(Uuid::nil()));
        let (bucket, id) = (from.bucket().number(), from.uuid());
        let (limit, one_more) = (i64::from(limit), i64::from(limit) + 1);
        let page: [&(dyn ToSql + Sync); 3] = [&bucket, &id, &limit];
        let [rows, postings, events, deliveries] = self
            .snapshot([
                (&PAYMENTS, &[&bucket, &id, &one_more]),
                (&POSTINGS, &page),
                (&EVENTS, &page),
                (&DELIVERIES, &page),
            ])
            .await?;
        let mut payments = payments(&rows)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let rest = payments.split_off(limit.min(payments.len()));
        let mut postings = grouped(&postings, posting)?;
        let mut events = grouped(&events, |row| number(row, "events"))?;
        let mut deliveries = grouped(&deliveries, |row| number(row, "deliveries"))?;
        let audited = payments.into_iter().map(|stored| {
            let id = stored.payment.id.uuid();
            AuditedPayment {
                payment: stored.payment,
                stored_status: stored.status,
                postings: postings.remove(&id).unwrap_or_default(),
                events: events.remove(&id).unwrap_or_default(),
                deliveries: deliveries.remove(&id).unwrap_or_default(),
            }
        });
        Ok(AuditPage {
            payments: audited.collect(),
            next: rest.first().map(|stored| stored.payment.id),
        })
    }

    pub(crate) async fn audit_accounts(
        &self,
    ) -> Result<(Vec<AccountBalance>, Vec<AccountBalance>), StorageError> {
        let statements = [(STORED, &[][..]), (COUNTED, &[][..])];
        let [stored, counted] = self
            .snapshot_within(ACCOUNTS_BEGIN, ACCOUNTS_LIMIT, statements)
            .await?;
        let stored: Result<BTreeMap<_, _>, Failure> = stored.iter().map(balance).collect();
        Ok((balances(stored?), balances(sums(&counted)?)))
    }
}

/// Rows by the payment in their first column, in their order.
fn grouped<T>(
    rows: &[Row],
    read: impl Fn(&Row) -> Result<T, Failure>,
) -> Result<HashMap<Uuid, Vec<T>>, Failure> {
    let mut groups: HashMap<Uuid, Vec<T>> = HashMap::new();
    for row in rows {
        groups.entry(row.try_get(0)?).or_default().push(read(row)?);
    }
    Ok(groups)
}

fn number(row: &Row, table: &'static str) -> Result<u32, Failure> {
    let number: i32 = row.try_get(1)?;
    let payment: Uuid = row.try_get(0)?;
    let number = u32::try_from(number).map_err(|_| CorruptRow {
        table,
        key: format!("{payment}/{number}"),
        column: "number".to_owned(),
    })?;
    Ok(number)
}

type Sums = BTreeMap<Account, AccountDelta>;

fn balances(sums: Sums) -> Vec<AccountBalance> {
    let sums = sums.into_iter();
    sums.map(|(account, sums)| AccountBalance { account, sums })
        .collect()
}

fn balance(row: &Row) -> Result<(Account, AccountDelta), Failure> {
    let account = account(
        "accounts",
        row.try_get(0)?,
        row.try_get(1)?,
        row.try_get(2)?,
    )?;
    let sums = AccountDelta {
        posted_debit: row.try_get(3)?,
        posted_credit: row.try_get(4)?,
        pending_debit: row.try_get(5)?,
        pending_credit: row.try_get(6)?,
    };
    Ok((account, sums))
}

/// What the postings, summed by accounts and phase, come to on each account: the rule of
/// [`altyn_domain::account_deltas`].
fn sums(rows: &[Row]) -> Result<Sums, Failure> {
    let mut sums = Sums::new();
    for row in rows {
        let (project, currency) = (row.try_get(0)?, row.try_get(3)?);
        let debit = account("postings", project, row.try_get(1)?, currency)?;
        let credit = account("postings", project, row.try_get(2)?, currency)?;
        let settles: bool = row.try_get(5)?;
        let amount: i64 = row.try_get(6)?;
        let (posted, pending) = match Phase::from_number(row.try_get(4)?) {
            Some(Phase::Pending) => (0, amount),
            Some(Phase::Posted) if settles => (amount, -amount),
            Some(Phase::Posted) => (amount, 0),
            Some(Phase::Released) => (0, -amount),
            None => return Err(corrupt("postings", project, "phase").into()),
        };
        let debit = sums.entry(debit).or_default();
        debit.posted_debit += posted;
        debit.pending_debit += pending;
        let credit = sums.entry(credit).or_default();
        credit.posted_credit += posted;
        credit.pending_credit += pending;
    }
    Ok(sums)
}

fn account(
    table: &'static str,
    project: Uuid,
    kind: &str,
    currency: &str,
) -> Result<Account, CorruptRow> {
    Ok(Account {
        project_id: ProjectId::from_uuid(project),
        kind: AccountKind::parse(kind).ok_or_else(|| corrupt(table, project, "kind"))?,
        currency: Currency::from_alpha(currency)
            .map_err(|_| corrupt(table, project, "currency"))?,
    })
}

fn corrupt(table: &'static str, project: Uuid, column: &str) -> CorruptRow {
    CorruptRow {
        table,
        key: ProjectId::from_uuid(project).to_string(),
        column: column.to_owned(),
    }
}
