//! Lists of payments and incidents for people: pages of many projects at once.
//!
//! Each project gives one range of an index, no longer than the page, and the page is cut from all of them.
//! Only then are whole payments read. So a page costs the same at the beginning and at the end of a list.
//!
//! The indexes order rows by time only. Those of one instant are all taken (`WITH TIES`), and put in order when
//! the page is cut: so nothing has to be sorted to find the range.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use altyn_domain::{
    Balance, BalanceKey, Currency, CustomerId, Event, Order, Payment, PaymentId, PaymentStatus,
    ProjectId, Timestamp,
};
use altyn_storage::{
    CustomerRecord, CustomerSearch, IncidentRecord, IncidentSearch, Lists, PaymentSearch,
    ProjectKey, Statement, StorageError, StoredEvent,
};
use async_trait::async_trait;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::PostgresStorage;
use crate::failure::Failure;
use crate::reads::{INCIDENT_COLUMNS, incident};
use crate::rows::{PAYMENT_COLUMNS, Place, payments, small, with_operations};

/// The directions of a list: newest first, oldest first.
const DIRECTIONS: [&str; 2] = ["DESC", "ASC"];

/// A way to find payments: what is looked for, one by one, and the range of an index that it gives.
struct Way {
    keys: &'static str,
    /// The columns with which the index begins, before the instant.
    columns: &'static str,
    /// What they are to be.
    values: &'static str,
    /// What else is asked.
    others: &'static str,
}

/// Payments of a project; of a project in a status; of a customer, within projects.
const WAYS: [Way; 3] = [
    Way {
        keys: "unnest($5::uuid[]) AS k(project_id)",
        columns: "p.project_id",
        values: "k.project_id",
        others: "",
    },
    Way {
        keys: "unnest($5::uuid[]) AS k(project_id) CROSS JOIN unnest($6::text[]) AS s(status)",
        columns: "p.status, p.project_id",
        values: "s.status, k.project_id",
        others: "",
    },
    Way {
        keys: "(VALUES ($7::uuid)) AS k(customer_id)",
        columns: "p.customer_id",
        values: "k.customer_id",
        others: "AND p.customer_id IS NOT NULL AND (p.project_id = ANY($5::uuid[])) IS TRUE \
                 AND ($6::text[] IS NULL OR p.status = ANY($6))",
    },
];

/// A page of payments. The first parameter bounds it at the one end, the place in the next two at the other.
///
/// A range is written as such, with all columns of its index, and asked for in their order: no other index
/// can give it, whatever the planner believes about the table.
fn search_sql(way: &Way, direction: &str) -> String {
    let Way {
        keys,
        columns,
        values,
        others,
    } = way;
    let (end, behind) = match direction {
        "DESC" => (">=", "<"),
        _ => ("<", ">"),
    };
    let range = format!(
        "({columns}, p.created_at) {end} ({values}, $1::bigint) \
         AND ({columns}, p.created_at, p.payment_id) {behind} ({values}, $2::bigint, $3::uuid)"
    );
    let in_order: String = columns
        .split(", ")
        .map(|column| format!("{column} {direction}, "))
        .collect();
    let order = format!("created_at {direction}, payment_id {direction}");
    let found = format!(
        "SELECT p.* FROM (SELECT f.* FROM {keys} \
         CROSS JOIN LATERAL (SELECT p.bucket, p.payment_id, p.created_at FROM payments p \
         WHERE {range} {others} ORDER BY {in_order} p.created_at {direction} \
         FETCH FIRST ($4::bigint) ROWS WITH TIES) f ORDER BY {order} LIMIT $4) f \
         CROSS JOIN LATERAL (SELECT {PAYMENT_COLUMNS} FROM payments p \
         WHERE p.bucket = f.bucket AND p.payment_id = f.payment_id OFFSET 0) p"
    );
    format!(
        "{} ORDER BY p.created_at {direction}, p.payment_id {direction}, o.number",
        with_operations(&found)
    )
}

/// By way and direction.
static SEARCHES: LazyLock<[[String; 2]; 3]> =
    LazyLock::new(|| WAYS.map(|way| DIRECTIONS.map(|direction| search_sql(&way, direction))));

/// The dialects in which a merchant's number of an order can be looked for.
const EXACT: [&str; 2] = ["rbs", "backoffice"];
const FOLDED: &str = "ecommpay";

/// The kind of a reference is 1, payment. A dialect may key two numbers alike: the order has the wanted one.
static BY_ORDER: LazyLock<String> = LazyLock::new(|| {
    let found = format!(
        "SELECT p.* FROM (SELECT p.* FROM unnest($1::smallint[], $2::uuid[]) \
         AS k(bucket, project_id) CROSS JOIN unnest($3::text[], $4::text[]) \
         AS d(dialect, reference_key) \
         CROSS JOIN LATERAL (SELECT payment_id FROM payment_references r \
         WHERE r.bucket = k.bucket AND r.project_id = k.project_id AND r.dialect = d.dialect \
         AND r.kind = 1 AND r.reference_key = d.reference_key OFFSET 0) r \
         CROSS JOIN LATERAL (SELECT {PAYMENT_COLUMNS} FROM payments p \
         WHERE p.bucket = k.bucket AND p.payment_id = r.payment_id OFFSET 0) p \
         WHERE p.order_reference = $6 ORDER BY p.created_at DESC, p.payment_id DESC LIMIT $5) p"
    );
    format!(
        "{} ORDER BY p.created_at DESC, p.payment_id DESC, o.number",
        with_operations(&found)
    )
});

const ORDER: &str =
    "SELECT order_details FROM payments WHERE bucket = $1 AND payment_id = $2 OFFSET 0";

const EVENTS: &str = "SELECT number, kind, operation, at, payment FROM events \
    WHERE bucket = $1 AND payment_id = $2 ORDER BY number";

/// Open incidents, and all.
static INCIDENTS: LazyLock<[String; 2]> = LazyLock::new(|| {
    ["AND i.resolved_at IS NULL", ""].map(|open| {
        format!(
            "SELECT i.* FROM unnest($5::uuid[]) AS k(project_id) \
             CROSS JOIN LATERAL (SELECT {INCIDENT_COLUMNS} FROM incidents i \
             WHERE i.project_id >= k.project_id {open} \
             AND (i.project_id, i.opened_at, i.payment_id, i.number) \
             < (k.project_id, $1::bigint, $2::uuid, $3::integer) \
             ORDER BY i.project_id DESC, i.opened_at DESC FETCH FIRST ($4::bigint) ROWS WITH TIES) i \
             ORDER BY opened_at DESC, payment_id DESC, number DESC LIMIT $4"
        )
    })
});

/// Incidents of one payment, if it is of one of these projects.
static INCIDENTS_OF: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT i.* FROM (SELECT {INCIDENT_COLUMNS} FROM incidents \
         WHERE bucket = $1 AND payment_id = $2 AND number < $3 ORDER BY number DESC OFFSET 0) i \
         WHERE i.project_id = ANY($4) AND ($5 OR i.resolved_at IS NULL) \
         ORDER BY i.number DESC LIMIT $6"
    )
});

/// The texts prepared here, by name.
pub(crate) fn statements() -> Vec<(&'static str, String)> {
    let [created, status, customer] = &*SEARCHES;
    let [open, all] = &*INCIDENTS;
    vec![
        ("search newest", created[0].clone()),
        ("search oldest", created[1].clone()),
        ("search by status, newest", status[0].clone()),
        ("search by status, oldest", status[1].clone()),
        ("search by customer, newest", customer[0].clone()),
        ("search by customer, oldest", customer[1].clone()),
        ("payments by order", BY_ORDER.clone()),
        ("order of a payment", ORDER.to_owned()),
        ("events", EVENTS.to_owned()),
        ("search open incidents", open.clone()),
        ("search all incidents", all.clone()),
        ("incidents of a payment", INCIDENTS_OF.clone()),
    ]
}

/// Where a list begins and ends: `first` is compared with the instant alone, the place with both.
struct Bounds {
    instant: i64,
    place: (i64, Uuid),
}

impl Bounds {
    fn of(search: &PaymentSearch) -> Self {
        let after = search.after.map(|(at, id)| (at.as_micros(), id.uuid()));
        let from = search.from.map_or(i64::MIN, Timestamp::as_micros);
        let to = search.to.map_or(i64::MAX, Timestamp::as_micros);
        if search.ascending {
            // Behind the last place of the microsecond before.
            let start = (from.saturating_sub(1), Uuid::max());
            Self {
                instant: to,
                place: after.map_or(start, |after| after.max(start)),
            }
        } else {
            let start = (to, Uuid::nil());
            Self {
                instant: from,
                place: after.map_or(start, |after| after.min(start)),
            }
        }
    }
}

/// The ids of projects, each once.
fn projects(keys: &[ProjectKey]) -> Vec<Uuid> {
    let ids: BTreeSet<Uuid> = keys.iter().map(|(_, id)| id.uuid()).collect();
    ids.into_iter().collect()
}

/// The words of statuses, each once; `None` for all.
fn statuses(wanted: &[PaymentStatus]) -> Option<Vec<&'static str>> {
    let words: BTreeSet<_> = wanted.iter().map(|status| status.word()).collect();
    let all = words.is_empty() || words.len() == PaymentStatus::ALL.len();
    (!all).then(|| words.into_iter().collect())
}

/// A merchant's number as the dialect that does not tell letter case apart keys it: every character becomes
/// its own lower case, a sigma at the end of a word too.
fn folded(reference: &str) -> String {
    let lower = reference.chars().flat_map(char::to_lowercase);
    lower.map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

fn bare(rows: &[Row]) -> Result<Vec<Payment>, StorageError> {
    let stored = payments(rows)?.into_iter();
    Ok(stored.map(|stored| stored.payment).collect())
}

#[async_trait]
impl Lists for PostgresStorage {
    async fn search_payments(&self, search: &PaymentSearch) -> Result<Vec<Payment>, StorageError> {
        let projects = projects(&search.projects);
        if projects.is_empty() || search.limit == 0 {
            return Ok(Vec::new());
        }
        let Bounds { instant, place } = Bounds::of(search);
        let (statuses, limit) = (statuses(&search.statuses), i64::from(search.limit));
        let customer = search.customer_id.map(CustomerId::uuid);
        let mut params: Vec<&(dyn ToSql + Sync)> =
            vec![&instant, &place.0, &place.1, &limit, &projects];
        let [by_creation, by_status, by_customer] = &*SEARCHES;
        let way = match (&customer, &statuses) {
            (Some(customer), _) => {
                params.extend([&statuses as &(dyn ToSql + Sync), customer]);
                by_customer
            }
            (None, Some(statuses)) => {
                params.push(statuses);
                by_status
            }
            (None, None) => by_creation,
        };
        let sql = &way[usize::from(search.ascending)];
        bare(&self.readers.rows(sql, &params).await?)
    }

    async fn payments_by_order(
        &self,
        projects: &[ProjectKey],
        reference: &str,
        limit: u32,
    ) -> Result<Vec<Payment>, StorageError> {
        if reference.contains('\0') {
            return Ok(Vec::new());
        }
        let keys: BTreeSet<&ProjectKey> = projects.iter().collect();
        let buckets: Vec<i16> = keys.iter().map(|(bucket, _)| bucket.number()).collect();
        let projects: Vec<Uuid> = keys.iter().map(|(_, id)| id.uuid()).collect();
        let folded = folded(reference);
        let dialects = vec![EXACT[0], EXACT[1], FOLDED];
        let references = vec![reference, reference, &folded];
        let limit = i64::from(limit);
        let params: [&(dyn ToSql + Sync); 6] = [
            &buckets,
            &projects,
            &dialects,
            &references,
            &limit,
            &reference,
        ];
        bare(&self.readers.rows(&BY_ORDER, &params).await?)
    }

    async fn events(&self, payment: PaymentId) -> Result<Vec<Event>, StorageError> {
        let (bucket, id) = (payment.bucket().number(), payment.uuid());
        let key: [&(dyn ToSql + Sync); 2] = [&bucket, &id];
        let [order, events] = self
            .readers
            .snapshot([(ORDER, &key), (EVENTS, &key)])
            .await?;
        let Some(order) = order.first() else {
            return Ok(Vec::new());
        };
        Ok(with_order(payment, order, &events)?)
    }

    async fn search_incidents(
        &self,
        search: &IncidentSearch,
    ) -> Result<Vec<IncidentRecord>, StorageError> {
        let projects = projects(&search.projects);
        let (at, payment, number) = match search.after {
            Some((at, payment, number)) => (at.as_micros(), payment.uuid(), small(number)),
            None => (i64::MAX, Uuid::max(), i32::MAX),
        };
        let limit = i64::from(search.limit);
        let rows = if let Some(id) = search.payment_id {
            let (bucket, id) = (id.bucket().number(), id.uuid());
            let params: [&(dyn ToSql + Sync); 6] = [
                &bucket,
                &id,
                &number,
                &projects,
                &search.with_resolved,
                &limit,
            ];
            self.readers.rows(&INCIDENTS_OF, &params).await?
        } else {
            let sql = &INCIDENTS[usize::from(search.with_resolved)];
            let params: [&(dyn ToSql + Sync); 5] = [&at, &payment, &number, &limit, &projects];
            self.readers.rows(sql, &params).await?
        };
        let all: Result<_, Failure> = rows.iter().map(incident).collect();
        Ok(all?)
    }

    async fn customers(
        &self,
        search: &CustomerSearch,
    ) -> Result<Vec<CustomerRecord>, StorageError> {
        self.readers.customers(search).await
    }

    async fn customer(
        &self,
        project: ProjectId,
        id: CustomerId,
    ) -> Result<Option<CustomerRecord>, StorageError> {
        self.readers.customer(project, id).await
    }

    async fn balances(
        &self,
        customer: CustomerId,
    ) -> Result<Vec<(Currency, Balance)>, StorageError> {
        self.readers.balances(customer).await
    }

    async fn statement(
        &self,
        key: BalanceKey,
        after: Option<(Timestamp, PaymentId, u32)>,
        limit: u32,
    ) -> Result<Statement, StorageError> {
        self.readers.statement(key, after, limit).await
    }

    async fn audit_balances(
        &self,
    ) -> Result<(Vec<(BalanceKey, Balance)>, Vec<(BalanceKey, Balance)>), StorageError> {
        self.readers.audit_balances().await
    }
}

fn with_order(payment: PaymentId, order: &Row, events: &[Row]) -> Result<Vec<Event>, Failure> {
    let place = Place {
        table: "payments",
        key: payment.to_string(),
    };
    let order: Order =
        serde_json::from_str(order.try_get(0)?).map_err(|_| place.corrupt("order_details"))?;
    let order = std::sync::Arc::new(order);
    let mut all = Vec::with_capacity(events.len());
    for row in events {
        let event = StoredEvent {
            number: row.try_get(0)?,
            kind: row.try_get(1)?,
            operation: row.try_get(2)?,
            at: row.try_get(3)?,
            payment: row.try_get(4)?,
        };
        all.push(event.into_event(order.clone())?);
    }
    Ok(all)
}
