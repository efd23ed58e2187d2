//! The texts of all statements that write a batch, and the same prepared.
//!
//! Inserts take one array for each column, so that there is nothing to plan but the rows of `unnest`.

use futures::future::try_join_all;
use tokio_postgres::{Client, Error, Statement};

/// An insert from arrays, one array for each column.
struct Insert {
    table: &'static str,
    /// Names and types.
    columns: &'static [(&'static str, &'static str)],
    /// What follows the rows: what to do with those that exist.
    then: &'static str,
}

impl Insert {
    fn sql(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        let arrays = self.columns.iter().enumerate();
        let arrays: Vec<_> = arrays
            .map(|(i, (_, kind))| format!("${}::{kind}[]", i + 1))
            .collect();
        let (names, arrays) = (names.join(", "), arrays.join(", "));
        let Self { table, then, .. } = self;
        format!("INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) {then}")
    }
}

const REFERENCES: Insert = Insert {
    table: "payment_references",
    columns: &[
        ("bucket", "smallint"),
        ("project_id", "uuid"),
        ("dialect", "text"),
        ("kind", "smallint"),
        ("reference_key", "text"),
        ("payment_id", "uuid"),
    ],
    then: "",
};

/// One row for each balance, in key order: the change is proposed as a new row, and an existing row absorbs
/// it.
const BALANCES: Insert = Insert {
    table: "customer_balances",
    columns: &[
        ("bucket", "smallint"),
        ("customer_id", "uuid"),
        ("currency", "text"),
        ("project_id", "uuid"),
        ("posted", "bigint"),
        ("reserved", "bigint"),
    ],
    then: "ON CONFLICT (bucket, customer_id, currency) DO UPDATE SET \
        posted = customer_balances.posted + EXCLUDED.posted, \
        reserved = customer_balances.reserved + EXCLUDED.reserved",
};

/// A customer is met once and stays as it was then.
const CUSTOMERS: Insert = Insert {
    table: "customers",
    columns: &[
        ("bucket", "smallint"),
        ("customer_id", "uuid"),
        ("project_id", "uuid"),
        ("reference", "text"),
        ("kind", "text"),
        ("name", "text"),
        ("email", "text"),
        ("phone", "text"),
        ("created_at", "bigint"),
    ],
    then: "ON CONFLICT DO NOTHING",
};

const PAYMENT: &[(&str, &str)] = &[
    ("bucket", "smallint"),
    ("payment_id", "uuid"),
    ("project_id", "uuid"),
    ("dialect", "text"),
    ("way", "text"),
    ("currency", "text"),
    ("amount", "bigint"),
    ("held", "bigint"),
    ("captured", "bigint"),
    ("voided", "bigint"),
    ("refunded", "bigint"),
    ("reversed", "bigint"),
    ("charged_back", "bigint"),
    ("status", "text"),
    ("completed_by", "integer"),
    ("completed_at", "bigint"),
    ("end_reason", "text"),
    ("end_at", "bigint"),
    ("tries_max", "integer"),
    ("expires_at", "bigint"),
    ("created_at", "bigint"),
    ("updated_at", "bigint"),
    ("auto_capture_at", "bigint"),
    ("auto_void_at", "bigint"),
    ("posting_count", "integer"),
    ("event_count", "integer"),
    ("delivery_count", "integer"),
    ("incident_count", "integer"),
    ("order_reference", "text"),
    ("order_details", "text"),
    ("customer_id", "uuid"),
];

const NEW_PAYMENTS: Insert = Insert {
    table: "payments",
    columns: PAYMENT,
    then: "",
};

/// What of a payment can change, behind its key.
const CHANGED: &[(&str, &str)] = &[
    ("held", "bigint"),
    ("captured", "bigint"),
    ("voided", "bigint"),
    ("refunded", "bigint"),
    ("reversed", "bigint"),
    ("charged_back", "bigint"),
    ("status", "text"),
    ("completed_by", "integer"),
    ("completed_at", "bigint"),
    ("end_reason", "text"),
    ("end_at", "bigint"),
    ("tries_max", "integer"),
    ("expires_at", "bigint"),
    ("updated_at", "bigint"),
    ("auto_capture_at", "bigint"),
    ("auto_void_at", "bigint"),
    ("posting_count", "integer"),
    ("event_count", "integer"),
    ("delivery_count", "integer"),
    ("incident_count", "integer"),
];

/// Payments are found by their keys and updated by their places. They are locked by this transaction, so
/// a place is good until its end.
fn changed_payments_sql() -> String {
    let all = [("bucket", "smallint"), ("payment_id", "uuid")];
    let all = all.iter().chain(CHANGED).enumerate();
    let arrays: Vec<_> = all
        .map(|(i, (_, kind))| format!("${}::{kind}[]", i + 1))
        .collect();
    let names: Vec<_> = CHANGED.iter().map(|(name, _)| *name).collect();
    let set: Vec<_> = names
        .iter()
        .map(|name| format!("{name} = k.{name}"))
        .collect();
    let (arrays, names, set) = (arrays.join(", "), names.join(", "), set.join(", "));
    format!(
        "UPDATE payments AS p SET {set} FROM (SELECT k.*, l.place \
         FROM unnest({arrays}) AS k(bucket, payment_id, {names}) \
         CROSS JOIN LATERAL (SELECT ctid AS place FROM payments l \
         WHERE l.bucket = k.bucket AND l.payment_id = k.payment_id OFFSET 0) l) k \
         WHERE p.ctid = k.place"
    )
}

const OPERATIONS: Insert = Insert {
    table: "operations",
    columns: &[
        ("bucket", "smallint"),
        ("payment_id", "uuid"),
        ("number", "integer"),
        ("project_id", "uuid"),
        ("operation_id", "uuid"),
        ("kind", "text"),
        ("state", "text"),
        ("amount", "bigint"),
        ("parent", "integer"),
        ("reference", "text"),
        ("method", "text"),
        ("surplus", "boolean"),
        ("created_at", "bigint"),
        ("sent_at", "bigint"),
        ("finished_at", "bigint"),
        ("details", "text"),
    ],
    then: "ON CONFLICT (bucket, payment_id, number) DO UPDATE SET state = EXCLUDED.state, \
        parent = EXCLUDED.parent, reference = EXCLUDED.reference, method = EXCLUDED.method, \
        surplus = EXCLUDED.surplus, sent_at = EXCLUDED.sent_at, \
        finished_at = EXCLUDED.finished_at, details = EXCLUDED.details",
};

const EVENTS: Insert = Insert {
    table: "events",
    columns: &[
        ("bucket", "smallint"),
        ("payment_id", "uuid"),
        ("number", "integer"),
        ("project_id", "uuid"),
        ("kind", "text"),
        ("operation", "integer"),
        ("at", "bigint"),
        ("payment", "text"),
    ],
    then: "",
};

const DELIVERIES: Insert = Insert {
    table: "deliveries",
    columns: &[
        ("bucket", "smallint"),
        ("payment_id", "uuid"),
        ("number", "integer"),
        ("project_id", "uuid"),
        ("event", "integer"),
        ("endpoint", "text"),
        ("url", "text"),
        ("state", "smallint"),
        ("attempts", "integer"),
        ("rendered", "text"),
    ],
    then: "ON CONFLICT (bucket, payment_id, number) DO UPDATE SET state = EXCLUDED.state, \
        attempts = EXCLUDED.attempts, rendered = EXCLUDED.rendered",
};

const ATTEMPTS: Insert = Insert {
    table: "delivery_attempts",
    columns: &[
        ("bucket", "smallint"),
        ("payment_id", "uuid"),
        ("delivery", "integer"),
        ("attempt", "integer"),
        ("project_id", "uuid"),
        ("at", "bigint"),
        ("duration_ms", "bigint"),
        ("status", "integer"),
        ("error", "text"),
        ("answer", "text"),
    ],
    then: "",
};

const INCIDENTS: Insert = Insert {
    table: "incidents",
    columns: &[
        ("bucket", "smallint"),
        ("payment_id", "uuid"),
        ("number", "integer"),
        ("project_id", "uuid"),
        ("kind", "text"),
        ("operation", "integer"),
        ("detail", "text"),
        ("opened_at", "bigint"),
    ],
    then: "",
};

/// One that was closed before keeps its first note.
const RESOLVED: &str = "UPDATE incidents SET resolved_at = COALESCE(resolved_at, $4), \
    note = COALESCE(note, $5) WHERE bucket = $1 AND payment_id = $2 AND number = $3";

const TIMERS_SET: Insert = Insert {
    table: "timers",
    columns: &[
        ("bucket", "smallint"),
        ("payment_id", "uuid"),
        ("kind", "smallint"),
        ("subject", "integer"),
        ("project_id", "uuid"),
        ("due_at", "bigint"),
        ("attempt", "integer"),
        ("lease_until", "bigint"),
        ("fence", "bigint"),
    ],
    then: "ON CONFLICT (bucket, payment_id, kind, subject) DO UPDATE SET due_at = EXCLUDED.due_at, \
        attempt = EXCLUDED.attempt, lease_until = EXCLUDED.lease_until, \
        fence = GREATEST(timers.fence + 1, EXCLUDED.fence)",
};

/// Rows are found by their keys and deleted by their places. A timer that is leased at this very moment
/// moves to another place, which this statement's snapshot does not show: then fewer are deleted than were
/// found, the division by zero ends the transaction, and the batch is run again. The kind is compared in a
/// way that no index can use, because the index of due timers begins with it.
const TIMERS_CLEARED: &str = "WITH found AS MATERIALIZED (SELECT t.place \
    FROM unnest($1::smallint[], $2::uuid[], $3::smallint[], $4::integer[]) \
    AS k(bucket, payment_id, kind, subject) \
    CROSS JOIN LATERAL (SELECT t.ctid AS place FROM timers t \
    WHERE t.bucket = k.bucket AND t.payment_id = k.payment_id \
    AND t.subject = k.subject AND (t.kind = k.kind) IS TRUE OFFSET 0) t), \
    gone AS (DELETE FROM timers WHERE ctid = ANY(ARRAY(SELECT place FROM found)) RETURNING 1) \
    SELECT 1 / CASE WHEN (SELECT count(*) FROM found) = (SELECT count(*) FROM gone) \
    THEN 1 ELSE 0 END";

/// One row for each account, in account order: the change is proposed as a new row, and an existing row
/// absorbs it.
const ACCOUNTS: Insert = Insert {
    table: "accounts",
    columns: &[
        ("bucket", "smallint"),
        ("project_id", "uuid"),
        ("kind", "text"),
        ("currency", "text"),
        ("posted_debit", "bigint"),
        ("posted_credit", "bigint"),
        ("pending_debit", "bigint"),
        ("pending_credit", "bigint"),
    ],
    then: "ON CONFLICT (bucket, project_id, kind, currency) DO UPDATE SET \
        posted_debit = accounts.posted_debit + EXCLUDED.posted_debit, \
        posted_credit = accounts.posted_credit + EXCLUDED.posted_credit, \
        pending_debit = accounts.pending_debit + EXCLUDED.pending_debit, \
        pending_credit = accounts.pending_credit + EXCLUDED.pending_credit",
};

const POSTINGS: Insert = Insert {
    table: "postings",
    columns: &[
        ("bucket", "smallint"),
        ("payment_id", "uuid"),
        ("number", "integer"),
        ("project_id", "uuid"),
        ("operation", "integer"),
        ("entry", "text"),
        ("phase", "smallint"),
        ("settles", "integer"),
        ("debit", "text"),
        ("credit", "text"),
        ("currency", "text"),
        ("amount", "bigint"),
        ("at", "bigint"),
        ("customer_id", "uuid"),
    ],
    then: "",
};

const BATCH: &str = "INSERT INTO batches (batch_id, at) VALUES ($1, $2)";

/// The texts prepared here, by name.
pub(crate) fn statements() -> Vec<(&'static str, String)> {
    Writes::ALL
        .iter()
        .map(|write| (write.name(), write.sql()))
        .collect()
}

/// The statements of this half, in the order they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    Balances,
    References,
    Customers,
    NewPayments,
    ChangedPayments,
    Operations,
    Events,
    Deliveries,
    Attempts,
    Incidents,
    Resolved,
    TimersSet,
    TimersCleared,
    Accounts,
    Postings,
    Batch,
}

impl Writes {
    const ALL: [Self; 16] = [
        Self::Balances,
        Self::References,
        Self::Customers,
        Self::NewPayments,
        Self::ChangedPayments,
        Self::Operations,
        Self::Events,
        Self::Deliveries,
        Self::Attempts,
        Self::Incidents,
        Self::Resolved,
        Self::TimersSet,
        Self::TimersCleared,
        Self::Accounts,
        Self::Postings,
        Self::Batch,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Balances => "save balances",
            Self::References => "save references",
            Self::Customers => "save customers",
            Self::NewPayments => "save new payments",
            Self::ChangedPayments => "save changed payments",
            Self::Operations => "save operations",
            Self::Events => "save events",
            Self::Deliveries => "save deliveries",
            Self::Attempts => "save delivery attempts",
            Self::Incidents => "save incidents",
            Self::Resolved => "save resolved incidents",
            Self::TimersSet => "save timers set",
            Self::TimersCleared => "save timers cleared",
            Self::Accounts => "save accounts",
            Self::Postings => "save postings",
            Self::Batch => "save batch",
        }
    }

    fn sql(self) -> String {
        match self {
            Self::Balances => BALANCES.sql(),
            Self::References => REFERENCES.sql(),
            Self::Customers => CUSTOMERS.sql(),
            Self::NewPayments => NEW_PAYMENTS.sql(),
            Self::ChangedPayments => changed_payments_sql(),
            Self::Operations => OPERATIONS.sql(),
            Self::Events => EVENTS.sql(),
            Self::Deliveries => DELIVERIES.sql(),
            Self::Attempts => ATTEMPTS.sql(),
            Self::Incidents => INCIDENTS.sql(),
            Self::Resolved => RESOLVED.to_owned(),
            Self::TimersSet => TIMERS_SET.sql(),
            Self::TimersCleared => TIMERS_CLEARED.to_owned(),
            Self::Accounts => ACCOUNTS.sql(),
            Self::Postings => POSTINGS.sql(),
            Self::Batch => BATCH.to_owned(),
        }
    }
}

/// The prepared statements of this half.
pub(crate) struct SaveStatements(Vec<Statement>);

impl SaveStatements {
    pub(crate) async fn prepare(client: &Client) -> Result<Self, Error> {
        let texts = Writes::ALL.map(Writes::sql);
        let all = try_join_all(texts.iter().map(|text| client.prepare(text))).await?;
        Ok(Self(all))
    }

    pub(crate) fn of(&self, write: Writes) -> &Statement {
        &self.0[write as usize]
    }
}
