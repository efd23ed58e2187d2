//! A database with many payments in it: one real paid order, copied in all its rows.
//!
//! Each copy has ids, order number and times of its own and is otherwise what the gateway itself wrote,
//! so rows are as wide as in life and the audit holds for them too: the sums of the accounts are
//! multiplied, and every posting is there. Nothing is analysed by hand afterwards.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rusqlite::OpenFlags;

use crate::postgres;

/// Copies made in one database transaction.
const CHUNK: u32 = 50_000;
/// How far apart in time the copies are, in milliseconds.
const APART_MS: i64 = 20;
/// Tables with rows of payments that a finished payment has none in.
const SKIPPED: [&str; 2] = ["timers", "incidents"];

/// Where an installation's database is.
#[derive(Debug, Clone)]
pub enum Database {
    /// The address of a PostgreSQL database.
    Postgres(String),
    /// The file of an embedded one.
    Sqlite(PathBuf),
}

impl Database {
    /// Counts the rows of `table WHERE …`.
    pub async fn count(&self, rows: &str) -> Result<u64> {
        let question = format!("SELECT count(*) FROM {rows}");
        let count: i64 = match self {
            Self::Postgres(url) => postgres::connect(url)
                .await?
                .query_one(&question, &[])
                .await?
                .get(0),
            Self::Sqlite(file) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
                let file = file.clone();
                let counting = move || -> Result<i64> {
                    let connection = rusqlite::Connection::open_with_flags(file, flags)?;
                    Ok(connection.query_row(&question, [], |row| row.get(0))?)
                };
                tokio::task::spawn_blocking(counting).await??
            }
        };
        u64::try_from(count).context("a negative count")
    }
}

/// Copies a paid order `rows` times. The gateway must not run meanwhile.
pub async fn multiply(database: &Database, order: &str, rows: u32) -> Result<()> {
    let plan = Plan::of(order, rows)?;
    match database {
        Database::Postgres(url) => multiply_in_postgres(url, &plan).await,
        Database::Sqlite(file) => {
            let file = file.clone();
            tokio::task::spawn_blocking(move || multiply_in_sqlite(&file, &plan)).await?
        }
    }
}

/// What is copied, and how often.
struct Plan {
    /// The order's id, 32 hexadecimal digits.
    template: String,
    /// The moment that is written in the id.
    made_ms: i64,
    /// The digits of the id that hold its version and the project's shard.
    shard: String,
    rows: u32,
}

impl Plan {
    fn of(order: &str, rows: u32) -> Result<Self> {
        let template = order.replace('-', "");
        ensure!(template.len() == 32, "{order} is no id");
        let made_ms = i64::from_str_radix(&template[..12], 16)?;
        let shard = template[12..16].to_owned();
        Ok(Self {
            template,
            made_ms,
            shard,
            rows,
        })
    }

    /// How much older copy number `i` is than the order itself, in milliseconds, as SQL.
    fn age_ms(&self) -> String {
        format!("({} - i) * {APART_MS}", i64::from(self.rows) + 1)
    }

    fn chunks(&self) -> impl Iterator<Item = (u32, u32)> {
        let rows = self.rows;
        (0..rows)
            .step_by(usize::try_from(CHUNK).unwrap_or(1))
            .map(move |first| (first + 1, rows.min(first.saturating_add(CHUNK))))
    }

    /// The statement that copies one table's rows for a chunk of copies.
    fn copy(&self, table: &str, columns: &[String], template: &str) -> String {
        let values: Vec<String> = columns.iter().map(|column| value(column)).collect();
        format!(
            "INSERT INTO {table} ({}) SELECT {} FROM copies c, {table} t \
             WHERE t.payment_id = {template} ORDER BY c.i",
            columns.join(", "),
            values.join(", ")
        )
    }
}

/// What a copy has in a column.
fn value(column: &str) -> String {
    match column {
        "payment_id" | "operation_id" => format!("c.{column}"),
        "order_reference" | "reference_key" => "c.order_number".to_owned(),
        time if time == "at" || time.ends_with("_at") => format!("t.{time} - c.age_us"),
        other => format!("t.{other}"),
    }
}

/// Tables in the order in which they can be filled.
fn in_order(mut tables: Vec<String>) -> Vec<String> {
    tables.retain(|table| !SKIPPED.contains(&table.as_str()));
    tables.sort_by_key(|table| (table != "payments", table.clone()));
    tables
}

fn accounts(rows: u32) -> String {
    let times = i64::from(rows) + 1;
    let sums = [
        "posted_debit",
        "posted_credit",
        "pending_debit",
        "pending_credit",
    ];
    let changes = sums.map(|sum| format!("{sum} = {sum} * {times}"));
    format!("UPDATE accounts SET {}", changes.join(", "))
}

async fn multiply_in_postgres(url: &str, plan: &Plan) -> Result<()> {
    let client = postgres::connect(url).await?;
    let texts = async |question: &str| -> Result<Vec<String>> {
        let rows = client.query(question, &[]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    };
    let tables = texts(
        "SELECT c.relname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
         WHERE a.attname = 'payment_id' AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace",
    );
    let template = format!("'{}'::uuid", plan.template);
    let mut copies = Vec::new();
    for table in in_order(tables.await?) {
        let question = format!(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = '{table}'::regclass \
             AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        );
        copies.push(plan.copy(&table, &texts(&question).await?, &template));
    }
    client
        .batch_execute(
            "CREATE TEMPORARY TABLE copies (i bigint, payment_id uuid, operation_id uuid, \
             order_number text, age_us bigint)",
        )
        .await?;
    let id = |salt: &str| {
        format!(
            "(lpad(to_hex({} - {}), 12, '0') || '{}' || 'a' || substr(md5('{salt}' || i), 1, 15))::uuid",
            plan.made_ms,
            plan.age_ms(),
            plan.shard
        )
    };
    for (first, last) in plan.chunks() {
        let mut statements = format!(
            "BEGIN; TRUNCATE copies; INSERT INTO copies SELECT i, {}, {}, substr(md5('number' || i), 1, 16), \
             {} * 1000 FROM generate_series({first}::bigint, {last}) i; ",
            id("payment"),
            id("operation"),
            plan.age_ms()
        );
        statements.push_str(&copies.join("; "));
        statements.push_str("; COMMIT");
        client
            .batch_execute(&statements)
            .await
            .context("the tables cannot be filled")?;
    }
    client.batch_execute(&accounts(plan.rows)).await?;
    Ok(())
}

fn multiply_in_sqlite(file: &Path, plan: &Plan) -> Result<()> {
    let mut connection = rusqlite::Connection::open(file)?;
    // Only for filling: the file is thrown away if the machine fails meanwhile.
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144")?;
    let tables: Vec<String> = texts(
        &connection,
        "SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c \
         WHERE m.type = 'table' AND c.name = 'payment_id'",
    )?;
    let template = format!("X'{}'", plan.template);
    let mut copies = Vec::new();
    for table in in_order(tables) {
        let columns = texts(
            &connection,
            &format!("SELECT name FROM pragma_table_info('{table}')"),
        )?;
        copies.push(plan.copy(&table, &columns, &template));
    }
    connection.execute_batch(
        "CREATE TEMPORARY TABLE copies (i INTEGER, payment_id BLOB, operation_id BLOB, \
         order_number TEXT, age_us INTEGER)",
    )?;
    let id = format!(
        "unhex(printf('%012X', {} - {}) || '{}' || 'A' || substr(hex(randomblob(8)), 1, 15))",
        plan.made_ms,
        plan.age_ms(),
        plan.shard
    );
    for (first, last) in plan.chunks() {
        let chunk = connection.transaction()?;
        chunk.execute_batch(&format!(
            "DELETE FROM copies; \
             WITH RECURSIVE numbers(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM numbers WHERE i < {last}) \
             INSERT INTO copies SELECT i, {id}, {id}, lower(hex(randomblob(8))), {} * 1000 FROM numbers",
            plan.age_ms()
        ))?;
        for copy in &copies {
            chunk.execute_batch(copy)?;
        }
        chunk.commit()?;
    }
    connection.execute_batch(&accounts(plan.rows))?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

fn texts(connection: &rusqlite::Connection, question: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare(question)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = "0198c0de-0000-7abc-8000-000000000001";

    #[test]
    fn chunks_cover_every_copy_once() {
        let plan = Plan::of(ORDER, CHUNK + 1).unwrap();
        assert_eq!(
            plan.chunks().collect::<Vec<_>>(),
            [(1, CHUNK), (CHUNK + 1, CHUNK + 1)]
        );
        assert_eq!(plan.shard, "7abc");
    }

    #[test]
    fn payments_are_filled_before_what_belongs_to_them() {
        let tables = ["timers", "events", "payments", "deliveries"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(in_order(tables), ["payments", "deliveries", "events"]);
    }

    #[test]
    fn copies_in_the_embedded_database_have_ids_and_times_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let connection = rusqlite::Connection::open(&file).unwrap();
        let template = ORDER.replace('-', "");
        connection
            .execute_batch(&format!(
                "CREATE TABLE payments (payment_id BLOB PRIMARY KEY, created_at INTEGER, order_reference TEXT);
                 CREATE TABLE operations (payment_id BLOB, number INTEGER, operation_id BLOB UNIQUE);
                 CREATE TABLE accounts (posted_debit, posted_credit, pending_debit, pending_credit);
                 INSERT INTO payments VALUES (X'{template}', 1000000000, 'one');
                 INSERT INTO operations VALUES (X'{template}', 1, X'00');
                 INSERT INTO accounts VALUES (5, 7, 0, 0)"
            ))
            .unwrap();
        multiply_in_sqlite(&file, &Plan::of(ORDER, 3).unwrap()).unwrap();
        let number = |question: &str| -> i64 {
            connection
                .query_row(question, [], |row| row.get(0))
                .unwrap()
        };
        assert_eq!(
            number("SELECT count(*) FROM payments JOIN operations USING (payment_id)"),
            4
        );
        assert_eq!(
            number("SELECT min(created_at) FROM payments"),
            1_000_000_000 - 60_000
        );
        assert_eq!(
            number("SELECT count(DISTINCT order_reference) FROM payments"),
            4
        );
        assert_eq!(
            number("SELECT posted_debit + posted_credit FROM accounts"),
            48
        );
        assert_eq!(
            number("SELECT count(*) FROM payments WHERE hex(payment_id) LIKE '____________7ABC%'"),
            4
        );
    }
}
