//! Plans are made once, often on empty tables, and then used for years. Whatever the planner believes about
//! the tables, no statement may read one that grows with payments from end to end.

use altyn_storage_postgres::{session_settings, statements};
use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::database::Database;

/// Tables that do not grow with payments.
const SMALL: [&str; 4] = [
    "installation",
    "projects",
    "credentials",
    "settings_entries",
];

/// Columns of which one value, or the newest values, are few rows.
const NARROW: [&str; 19] = [
    "payment_id",
    "reference_key",
    "currency",
    "due_at",
    "created_at",
    "completed_at",
    "batch_id",
    "at",
    "opened_at",
    "customer_id",
    "reference",
    "user_id",
    "email",
    "token_id",
    "hash",
    "key_hash",
    "expires_at",
    "ended_at",
    "chain",
];

/// The names in a condition: a column's name may be a part of another's.
fn names(condition: &str) -> impl Iterator<Item = &str> {
    condition.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

pub async fn explain(client: &Client, sql: &str) -> Value {
    let parameters = (1..=40)
        .rev()
        .find(|n| sql.contains(&format!("${n}")))
        .unwrap_or(0);
    let prepare = format!("PREPARE s AS {sql}");
    client
        .batch_execute(&prepare)
        .await
        .expect("it is prepared");
    let arguments = match parameters {
        0 => String::new(),
        n => format!("({})", vec!["NULL"; n].join(", ")),
    };
    executed(
        client,
        &format!("EXPLAIN (FORMAT JSON) EXECUTE s{arguments}"),
    )
    .await
}

/// The plan that an EXPLAIN of the prepared statement `s` gives; `s` is then forgotten.
pub async fn executed(client: &Client, explain: &str) -> Value {
    let messages = client.simple_query(explain).await.expect("it is planned");
    client
        .batch_execute("DEALLOCATE s")
        .await
        .expect("it is forgotten");
    let text: String = messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .collect();
    serde_json::from_str(&text).expect("a plan is JSON")
}

pub fn word<'a>(node: &'a Value, name: &str) -> &'a str {
    node.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What is wrong with a part of a plan; `limited` if somebody above stops it after a few rows.
fn offences(node: &Value, limited: bool, found: &mut Vec<String>) {
    let kind = word(node, "Node Type");
    let table = word(node, "Relation Name");
    let condition = word(node, "Index Cond");
    let bad = match kind {
        "Seq Scan" => !SMALL.contains(&table),
        "Hash Join" | "Merge Join" => true,
        // Without a narrow condition an index is read from end to end, unless in order and with a limit.
        "Index Scan" | "Index Only Scan" | "Bitmap Index Scan" => {
            !limited
                && !SMALL.contains(&table)
                && !names(condition).any(|name| NARROW.contains(&name))
        }
        _ => false,
    };
    if bad {
        found.push(format!("{kind} on {table} ({condition})"));
    }
    let limited = kind == "Limit" || limited && kind != "Nested Loop";
    let parts = node.get("Plans").and_then(Value::as_array);
    for part in parts.into_iter().flatten() {
        offences(part, limited, found);
    }
}

async fn check(client: &Client, when: &str) {
    for (name, sql) in statements() {
        let plan = explain(client, &sql).await;
        let mut found = Vec::new();
        offences(&plan[0]["Plan"], false, &mut found);
        assert!(found.is_empty(), "{name}, {when}: {found:#?}\n{plan:#}");
    }
}

#[tokio::test]
async fn no_plan_of_an_empty_database_reads_a_whole_table() {
    let database = Database::create().await;
    database.open().await;
    let client = database.client().await;
    client
        .batch_execute(&session_settings())
        .await
        .expect("settings");
    check(&client, "never analysed").await;
    client.batch_execute("ANALYZE").await.expect("analysed");
    check(&client, "analysed while empty").await;
    client
        .batch_execute("VACUUM ANALYZE")
        .await
        .expect("vacuumed");
    check(&client, "vacuumed while empty").await;
}
