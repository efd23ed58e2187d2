//! Rows of the database as the rows of the contract.

use std::collections::BTreeMap;

use altyn_domain::{
    CustomerId, CustomerKind, MerchantId, Operation, Payment, ProjectId, ResellerId, Scope,
};
use altyn_storage::{CorruptRow, OperationRow, PaymentRow};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::failure::Failure;

/// The columns of `payments`, in the order [`payment_row`] reads them.
pub(crate) const PAYMENT_COLUMNS: &str = "bucket, payment_id, project_id, dialect, way, currency, \
    amount, held, captured, voided, refunded, reversed, charged_back, status, completed_by, \
    completed_at, end_reason, end_at, tries_max, expires_at, created_at, updated_at, \
    auto_capture_at, auto_void_at, posting_count, event_count, delivery_count, incident_count, \
    order_reference, order_details, customer_id";

/// How many they are: where the columns of an operation begin in a joined row.
pub(crate) const PAYMENT_WIDTH: usize = 31;

/// The columns of `operations`, in the order [`operation_row`] reads them.
pub(crate) const OPERATION_COLUMNS: &str = "bucket, payment_id, number, project_id, operation_id, \
    kind, state, amount, parent, reference, method, surplus, created_at, sent_at, finished_at, \
    details";

/// Payments with their operations, from a table expression `payments` that has [`PAYMENT_COLUMNS`]: one
/// row for each operation, or one without an operation. One statement, so that both are of one snapshot.
pub(crate) fn with_operations(payments: &str) -> String {
    format!(
        "SELECT p.*, o.* FROM ({payments}) p \
         LEFT JOIN LATERAL (SELECT {OPERATION_COLUMNS} FROM operations o \
         WHERE o.bucket = p.bucket AND o.payment_id = p.payment_id ORDER BY o.number) o ON true"
    )
}

pub(crate) fn payment_row(row: &Row) -> Result<PaymentRow, tokio_postgres::Error> {
    Ok(PaymentRow {
        bucket: row.try_get(0)?,
        payment_id: row.try_get(1)?,
        project_id: row.try_get(2)?,
        dialect: row.try_get(3)?,
        way: row.try_get(4)?,
        currency: row.try_get(5)?,
        amount: row.try_get(6)?,
        held: row.try_get(7)?,
        captured: row.try_get(8)?,
        voided: row.try_get(9)?,
        refunded: row.try_get(10)?,
        reversed: row.try_get(11)?,
        charged_back: row.try_get(12)?,
        status: row.try_get(13)?,
        completed_by: row.try_get(14)?,
        completed_at: row.try_get(15)?,
        end_reason: row.try_get(16)?,
        end_at: row.try_get(17)?,
        tries_max: row.try_get(18)?,
        expires_at: row.try_get(19)?,
        created_at: row.try_get(20)?,
        updated_at: row.try_get(21)?,
        auto_capture_at: row.try_get(22)?,
        auto_void_at: row.try_get(23)?,
        posting_count: row.try_get(24)?,
        event_count: row.try_get(25)?,
        delivery_count: row.try_get(26)?,
        incident_count: row.try_get(27)?,
        order_reference: row.try_get(28)?,
        order_details: row.try_get(29)?,
        customer_id: row.try_get(30)?,
    })
}

pub(crate) fn operation_row(row: &Row, at: usize) -> Result<OperationRow, tokio_postgres::Error> {
    Ok(OperationRow {
        bucket: row.try_get(at)?,
        payment_id: row.try_get(at + 1)?,
        number: row.try_get(at + 2)?,
        project_id: row.try_get(at + 3)?,
        operation_id: row.try_get(at + 4)?,
        kind: row.try_get(at + 5)?,
        state: row.try_get(at + 6)?,
        amount: row.try_get(at + 7)?,
        parent: row.try_get(at + 8)?,
        reference: row.try_get(at + 9)?,
        method: row.try_get(at + 10)?,
        surplus: row.try_get(at + 11)?,
        created_at: row.try_get(at + 12)?,
        sent_at: row.try_get(at + 13)?,
        finished_at: row.try_get(at + 14)?,
        details: row.try_get(at + 15)?,
    })
}

/// A payment with the status that is stored for lists.
pub(crate) struct StoredPayment {
    pub payment: Payment,
    pub status: String,
}

/// The payments in rows of [`with_operations`], in the order of their first rows.
pub(crate) fn payments(rows: &[Row]) -> Result<Vec<StoredPayment>, Failure> {
    let mut order: Vec<Uuid> = Vec::new();
    let mut found: BTreeMap<Uuid, (PaymentRow, Vec<Operation>)> = BTreeMap::new();
    for row in rows {
        let id: Uuid = row.try_get(1)?;
        let (_, operations) = match found.entry(id) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                order.push(id);
                entry.insert((payment_row(row)?, Vec::new()))
            }
        };
        let number: Option<i32> = row.try_get(PAYMENT_WIDTH + 2)?;
        if number.is_some() {
            operations.push(operation_row(row, PAYMENT_WIDTH)?.into_operation()?);
        }
    }
    let mut stored = Vec::with_capacity(order.len());
    for (row, mut operations) in order.iter().filter_map(|id| found.remove(id)) {
        operations.sort_by_key(|operation| operation.number);
        let status = row.status.clone();
        let payment = row.into_payment(operations)?;
        stored.push(StoredPayment { payment, status });
    }
    Ok(stored)
}

/// The only payment in rows of [`with_operations`], if there is one.
pub(crate) fn one_payment(rows: &[Row]) -> Result<Option<Payment>, Failure> {
    Ok(payments(rows)?.pop().map(|stored| stored.payment))
}

/// A counted number as stored.
pub(crate) fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The word stored for a kind of customer.
pub(crate) const fn customer_kind_word(kind: CustomerKind) -> &'static str {
    match kind {
        CustomerKind::Individual => "individual",
        CustomerKind::Company => "company",
    }
}

/// Reads [`customer_kind_word`].
pub(crate) fn parse_customer_kind(word: &str) -> Option<CustomerKind> {
    [CustomerKind::Individual, CustomerKind::Company]
        .into_iter()
        .find(|kind| customer_kind_word(*kind) == word)
}

/// The columns of a place in the tree of owners: its kind, its id, and the project of a customer.
pub(crate) const fn scope_columns(scope: &Scope) -> (&'static str, Uuid, Option<Uuid>) {
    match scope {
        Scope::Reseller(id) => ("reseller", id.uuid(), None),
        Scope::Merchant(id) => ("merchant", id.uuid(), None),
        Scope::Customer {
            project_id,
            customer_id,
        } => ("customer", customer_id.uuid(), Some(project_id.uuid())),
    }
}

/// Reads [`scope_columns`]; `None` if no place has such columns.
pub(crate) fn parse_scope(kind: &str, id: Uuid, project: Option<Uuid>) -> Option<Scope> {
    match (kind, project) {
        ("reseller", None) => Some(Scope::Reseller(ResellerId::from_uuid(id))),
        ("merchant", None) => Some(Scope::Merchant(MerchantId::from_uuid(id))),
        ("customer", Some(project)) => Some(Scope::Customer {
            project_id: ProjectId::from_uuid(project),
            customer_id: CustomerId::from_uuid(id),
        }),
        _ => None,
    }
}

/// Names the columns of one row in errors.
pub(crate) struct Place {
    pub table: &'static str,
    pub key: String,
}

impl Place {
    pub(crate) fn corrupt(&self, column: &str) -> CorruptRow {
        CorruptRow {
            table: self.table,
            key: self.key.clone(),
            column: column.to_owned(),
        }
    }

    pub(crate) fn count(&self, number: i32, column: &str) -> Result<u32, CorruptRow> {
        u32::try_from(number).map_err(|_| self.corrupt(column))
    }
}
