//! Lists for people read ranges of the indexes that were made for them, whatever the planner believes about
//! the tables, and no further than a page: for one project and for many.

use std::collections::BTreeSet;

use altyn_storage_postgres::{session_settings, statements};
use serde_json::Value;
use tokio_postgres::Client;

use crate::database::Database;
use crate::plans::{executed, explain, word};

/// How many rows a page has, and two more: the one behind which it begins, and the one behind its last, to see
/// whether that is of the same instant.
const ROWS_MAX: f64 = 22.0;

/// A statement, its arguments on the filled tables with `{projects}` for an array of projects, and the
/// indexes that it is meant to read.
struct Meant {
    name: &'static str,
    arguments: &'static str,
    indexes: &'static [&'static str],
}

const fn meant(
    name: &'static str,
    arguments: &'static str,
    indexes: &'static [&'static str],
) -> Meant {
    Meant {
        name,
        arguments,
        indexes,
    }
}

const CREATED: &[&str] = &["payments_created", "payments_pkey", "operations_pkey"];
const STATUS: &[&str] = &["payments_status", "payments_pkey", "operations_pkey"];
const CUSTOMER: &[&str] = &["payments_customer", "payments_pkey", "operations_pkey"];

/// Instants run from 1 to 24000. `uid` makes the ids of the filled tables.
const LISTS: [Meant; 29] = [
    meant(
        "search newest",
        "0, 24001, uid('0'), 20, {projects}",
        CREATED,
    ),
    meant(
        "search oldest",
        "24001, 12000, uid('0'), 20, {projects}",
        CREATED,
    ),
    meant(
        "search by status, newest",
        "0, 12000, uid('0'), 20, {projects}, ARRAY['declined', 'expired']",
        STATUS,
    ),
    meant(
        "search by status, oldest",
        "24001, 0, uid('0'), 20, {projects}, ARRAY['declined', 'expired']",
        STATUS,
    ),
    meant(
        "search by customer, newest",
        "0, 24001, uid('0'), 20, {projects}, NULL, uid('customer1')",
        CUSTOMER,
    ),
    meant(
        "search by customer, oldest",
        "24001, 0, uid('0'), 20, {projects}, NULL, uid('customer1')",
        CUSTOMER,
    ),
    meant(
        "payments by order",
        "ARRAY[1, 2], ARRAY[uid('project1'), uid('project2')], ARRAY['rbs', 'ecommpay'], \
         ARRAY['order 1', 'order 2'], 20, 'order 1'",
        &[
            "payment_references_pkey",
            "payments_pkey",
            "operations_pkey",
        ],
    ),
    meant(
        "order of a payment",
        "1, uid('payment1')",
        &["payments_pkey"],
    ),
    meant("events", "1, uid('payment1')", &["events_pkey"]),
    meant(
        "search open incidents",
        "24001, uid('0'), 1, 20, {projects}",
        &["incidents_project_open"],
    ),
    meant(
        "search all incidents",
        "12000, uid('0'), 1, 20, {projects}",
        &["incidents_project"],
    ),
    meant(
        "incidents of a payment",
        "1, uid('payment1'), 2, {projects}, true, 20",
        &["incidents_pkey"],
    ),
    meant(
        "customer by id",
        "1, uid('customer1'), uid('project1')",
        &["customers_pkey"],
    ),
    meant(
        "customers",
        "{projects}, ARRAY['customer 3'], '', 20",
        &["customers_reference"],
    ),
    meant(
        "customers by prefix",
        "{projects}, NULL, 'customer 1', 20, 'customer 2'",
        &["customers_reference"],
    ),
    meant(
        "balances",
        "1, uid('customer1')",
        &["customer_balances_pkey"],
    ),
    meant(
        "balance of a statement",
        "1, uid('customer1'), 'KZT'",
        &["customer_balances_pkey"],
    ),
    meant(
        "statement",
        "uid('customer1'), 'KZT', 24001, uid('0'), 1, 20",
        &["postings_customer", "payments_pkey"],
    ),
    meant(
        "user by email",
        "'user1@altyn.example'",
        &["users_email_key"],
    ),
    meant("users", "uid('0'), 20", &["users_pkey"]),
    meant(
        "users by scope",
        "uid('0'), 20, {projects}, {projects}",
        &["users_scope", "users_project", "users_pkey"],
    ),
    meant("token by hash", "sha256('token 1')", &["tokens_hash_key"]),
    meant(
        "tokens by user",
        "'session', 0, uid('0'), 20, uid('user1'), NULL",
        &["tokens_user"],
    ),
    meant(
        "tokens by scope",
        "'invitation', 0, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 20, {projects}",
        &["tokens_scope"],
    ),
    meant(
        "tokens of a kind",
        "'session', 0, uid('0'), 20",
        &["tokens_kind"],
    ),
    meant(
        "trail by actor",
        "24001, uid('0'), 1, 20, uid('user1'), NULL, NULL",
        &["audit_entries_actor"],
    ),
    meant(
        "trail by scope",
        "24001, uid('0'), 1, 20, {projects}, NULL",
        &["audit_entries_scope"],
    ),
    meant(
        "trail by action",
        "24001, uid('0'), 1, 20, 'action 7'",
        &["audit_entries_action"],
    ),
    meant("trail", "24001, uid('0'), 1, 20", &["audit_entries_at"]),
];

/// What is no list, but must find its rows all the same.
const OTHERS: [(&str, &[&str]); 15] = [
    ("chain of the trail", &["audit_entries_pkey"]),
    ("heads of the trail", &["audit_entries_pkey"]),
    ("user by id", &["users_pkey"]),
    ("change user", &["users_pkey"]),
    ("end token", &["tokens_pkey"]),
    ("end all tokens", &["tokens_user"]),
    ("touch token", &["tokens_pkey"]),
    (
        "forget tokens",
        &["tokens_pkey", "tokens_expiring", "tokens_ended"],
    ),
    ("idempotency record", &["idempotency_records_pkey"]),
    ("finish request", &["idempotency_records_pkey"]),
    ("forget request", &["idempotency_records_pkey"]),
    ("forget requests", &["idempotency_records_at"]),
    ("load balances", &["customer_balances_pkey"]),
    (
        "page by registration",
        &["payments_created", "operations_pkey"],
    ),
    ("count by registration", &["payments_created"]),
];

/// 60 projects with 400 payments each, and in proportion what belongs to them.
const FILL: &str = "
CREATE FUNCTION uid(text) RETURNS uuid LANGUAGE sql IMMUTABLE AS 'SELECT md5($1)::uuid';
INSERT INTO payments (bucket, payment_id, project_id, dialect, way, currency, amount, held, captured, voided,
    refunded, reversed, charged_back, status, tries_max, expires_at, created_at, updated_at,
    posting_count, event_count, delivery_count, incident_count, order_reference, order_details, customer_id)
SELECT n % 60, uid('payment' || n), uid('project' || n % 60), 'rbs', 'purchase', 'KZT', 100, 0, 0, 0, 0, 0, 0,
    (ARRAY['awaiting_payment', 'declined', 'expired', 'cancelled'])[1 + n % 7 % 4], 5, n, n, n, 1, 1, 0, 1,
    'order ' || n, '{}', CASE WHEN n % 2 = 0 THEN uid('customer' || n % 600) END
FROM generate_series(1, 24000) n;
INSERT INTO operations (bucket, payment_id, number, project_id, operation_id, kind, state, amount, method,
    surplus, created_at, details)
SELECT bucket, payment_id, 1, project_id, payment_id, 'sale', 'declined', 100, 'card', false, created_at, '{}'
FROM payments;
INSERT INTO payment_references SELECT bucket, project_id, dialect, 1, order_reference, payment_id FROM payments;
INSERT INTO events SELECT bucket, payment_id, 1, project_id, 'payment.declined', 1, created_at, '{}'
FROM payments;
INSERT INTO incidents SELECT bucket, payment_id, 1, project_id, 'unknown_outcome', 1, '', created_at,
    CASE WHEN created_at % 9 > 0 THEN created_at END, CASE WHEN created_at % 9 > 0 THEN '' END FROM payments;
INSERT INTO accounts SELECT DISTINCT bucket, project_id, a.kind, 'KZT', 0, 0, 0, 0
FROM payments, (VALUES ('connector_clearing'), ('customer_balance')) AS a(kind);
INSERT INTO postings (bucket, payment_id, number, project_id, operation, entry, phase, debit, credit, currency,
    amount, at, customer_id)
SELECT bucket, payment_id, phase, project_id, 1, 'surplus', phase, 'connector_clearing', 'customer_balance',
    'KZT', 100, created_at, customer_id FROM payments, (VALUES (1), (2)) AS p(phase)
WHERE customer_id IS NOT NULL;
INSERT INTO customers SELECT n % 60, uid('customer' || n), uid('project' || n % 60), 'customer ' || n,
    NULL, NULL, NULL, NULL, n FROM generate_series(0, 5999) n;
INSERT INTO customer_balances SELECT bucket, customer_id, 'KZT', project_id, 100, 0 FROM customers;
INSERT INTO users SELECT uid('user' || n), 'user' || n || '@altyn.example', 'customer', 'customer',
    CASE WHEN n % 2 = 0 THEN uid('project' || n % 60) ELSE uid('customer' || n) END, uid('project' || n % 60),
    '', 1, n, NULL FROM generate_series(0, 5999) n;
INSERT INTO tokens SELECT uid('token' || n), sha256(('token ' || n)::bytea),
    (ARRAY['session', 'api', 'invitation'])[1 + n % 3], uid('user' || n % 6000), NULL,
    CASE WHEN n % 3 = 2 THEN uid('project' || n % 60) END, NULL, '', n, n + 1, n,
    CASE WHEN n % 40 = 0 THEN n END FROM generate_series(0, 17999) n;
INSERT INTO audit_entries SELECT uid('chain' || n % 9), 1 + n / 9, n, uid('user' || n % 600), '',
    uid('project' || n % 60), 'action ' || n % 20, '', '{}', '', '' FROM generate_series(0, 23999) n;
INSERT INTO idempotency_records SELECT uid('project' || n % 60), sha256(n::text::bytea),
    sha256(n::text::bytea), n, NULL FROM generate_series(0, 5999) n;
";

fn text(name: &str) -> String {
    let found = statements().into_iter().find(|(other, _)| *other == name);
    found.unwrap_or_else(|| panic!("no statement {name}")).1
}

/// The indexes that a plan reads.
fn indexes(node: &Value, found: &mut BTreeSet<String>) {
    let kind = word(node, "Node Type");
    assert!(kind != "Seq Scan", "{node:#}");
    let index = word(node, "Index Name");
    if !index.is_empty() {
        found.insert(index.to_owned());
    }
    for part in node
        .get("Plans")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        indexes(part, found);
    }
}

fn reads(plan: &Value, meant: &[&str], what: &str) {
    let mut found = BTreeSet::new();
    indexes(&plan[0]["Plan"], &mut found);
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    let meant: BTreeSet<&str> = meant.iter().copied().collect();
    assert_eq!(found, meant, "{what}\n{plan:#}");
}

/// No part of the plan that reads an index looks at more rows than a page has, each time it is run.
fn stops_early(node: &Value, what: &str) {
    let number = |name| node.get(name).and_then(Value::as_f64).unwrap_or(0.0);
    if !word(node, "Index Name").is_empty() {
        let rows = number("Actual Rows") + number("Rows Removed by Filter");
        assert!(rows <= ROWS_MAX, "{what}: {rows} rows\n{node:#}");
    }
    for part in node
        .get("Plans")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        stops_early(part, what);
    }
}

/// Tables of people are small while a plan can be of a time when they were empty: once they have grown, they
/// are analysed and the plan is thrown away. Until then an index that has a column of the key serves as well.
const HEALED: [&str; 6] = [
    "user by id",
    "change user",
    "users by scope",
    "end token",
    "touch token",
    "forget tokens",
];

async fn all_read_what_is_meant(client: &Client, when: &str) {
    let empty = when == "analysed while empty";
    let lists = LISTS.iter().map(|list| (list.name, list.indexes));
    for (name, indexes) in lists.chain(OTHERS) {
        if empty && HEALED.contains(&name) {
            continue;
        }
        let plan = explain(client, &text(name)).await;
        reads(&plan, indexes, &format!("{name}, {when}"));
    }
}

#[tokio::test]
async fn lists_read_their_indexes_and_no_further_than_a_page() {
    let database = Database::create().await;
    database.open().await;
    let client = database.client().await;
    let run = async |sql: &str| client.batch_execute(sql).await.expect("it runs");
    run(&session_settings()).await;
    all_read_what_is_meant(&client, "never analysed").await;
    run("ANALYZE").await;
    all_read_what_is_meant(&client, "analysed while empty").await;
    run(FILL).await;
    all_read_what_is_meant(&client, "filled and not analysed").await;
    run("VACUUM ANALYZE").await;
    all_read_what_is_meant(&client, "filled and analysed").await;
    for projects in [1, 50] {
        let ids: Vec<_> = (0..projects)
            .map(|n| format!("uid('project{n}')"))
            .collect();
        let ids = format!("ARRAY[{}]", ids.join(", "));
        for Meant {
            name,
            arguments,
            indexes,
        } in LISTS
        {
            let what = format!("{name}, {projects} projects");
            let arguments = arguments.replace("{projects}", &ids);
            run(&format!("PREPARE s AS {}", text(name))).await;
            let sql = format!("EXPLAIN (ANALYZE, TIMING off, FORMAT JSON) EXECUTE s({arguments})");
            let plan = executed(&client, &sql).await;
            reads(&plan, indexes, &what);
            stops_early(&plan[0]["Plan"], &what);
        }
    }
}
