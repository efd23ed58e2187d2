//! The yardstick P: a payment as it is written without any thought of speed.
//!
//! One transaction per payment, seven round trips: begin, payment, operation, two ledger entries, the
//! merchant's balance, a row for the callback, commit. Each statement is prepared once per connection
//! and sent when the one before was answered. The best of 8, 32 and 64 connections is P, in payments
//! per second. The same statements are run by `pgbench` to show that our own loop is no straw man.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use crate::load::{self, Caller, Outcome};
use crate::{ids, postgres};

/// Numbers of connections that P is the best of.
pub const CONNECTIONS: [usize; 3] = [8, 32, 64];
/// Connections of `pgbench`.
pub const PGBENCH_CONNECTIONS: usize = 32;
/// Merchants that payments are spread over.
const MERCHANTS: u64 = 1_000;

const TABLES: &str = "
DROP TABLE IF EXISTS outbox, balances, entries, operations, payments;
CREATE TABLE payments (
    payment_id      uuid PRIMARY KEY,
    merchant_id     bigint NOT NULL,
    idempotency_key text NOT NULL,
    amount          bigint NOT NULL,
    currency        text NOT NULL,
    status          text NOT NULL,
    description     text NOT NULL,
    created_at      bigint NOT NULL,
    UNIQUE (merchant_id, idempotency_key)
);
CREATE INDEX ON payments (merchant_id, created_at);
CREATE TABLE operations (
    operation_id uuid PRIMARY KEY,
    payment_id   uuid NOT NULL,
    kind         text NOT NULL,
    state        text NOT NULL,
    amount       bigint NOT NULL,
    created_at   bigint NOT NULL
);
CREATE INDEX ON operations (payment_id);
CREATE TABLE entries (
    entry_id   uuid PRIMARY KEY,
    payment_id uuid NOT NULL,
    account    text NOT NULL,
    amount     bigint NOT NULL,
    created_at bigint NOT NULL
);
CREATE INDEX ON entries (payment_id);
CREATE TABLE balances (merchant_id bigint PRIMARY KEY, amount bigint NOT NULL);
INSERT INTO balances SELECT m, 0 FROM generate_series(0, 999) m;
CREATE TABLE outbox (outbox_id uuid PRIMARY KEY, payment_id uuid NOT NULL, body text NOT NULL);
";

/// The statements between begin and commit. `{payment}`, `{operation}`, … stand for values.
const STATEMENTS: [&str; 5] = [
    "INSERT INTO payments VALUES ({payment}, {merchant}, {key}, {amount}, 'KZT', 'captured', \
     'An order of several things from a shop', {now})",
    "INSERT INTO operations VALUES ({operation}, {payment}, 'sale', 'succeeded', {amount}, {now})",
    "INSERT INTO entries VALUES ({debit}, {payment}, 'connector_clearing', {amount}, {now}), \
     ({credit}, {payment}, 'merchant_payable', - {amount}::bigint, {now})",
    "UPDATE balances SET amount = amount + {amount} WHERE merchant_id = {merchant}",
    "INSERT INTO outbox VALUES ({outbox}, {payment}, '{\"kind\":\"payment.captured\",\"amount\":50000,\
     \"currency\":\"KZT\",\"order\":{\"number\":\"0123456789abcdef\",\"description\":\"An order of \
     several things from a shop\"},\"customer\":{\"email\":\"payer@example.kz\"}}')",
];

/// The yardstick's own database.
pub struct Yardstick {
    url: String,
}

impl Yardstick {
    /// Works in the database at this address.
    pub fn new(url: String) -> Self {
        Self { url }
    }

    /// Measures P with so many connections, from empty tables.
    pub async fn measure(&self, connections: usize, length: Duration) -> Result<Outcome<Payer>> {
        self.empty().await?;
        let mut payers = Vec::with_capacity(connections);
        for _ in 0..connections {
            payers.push(Payer::new(postgres::connect(&self.url).await?).await?);
        }
        let outcome = load::run(payers, length).await?;
        if let Some(failure) = outcome.failures.first() {
            bail!("the yardstick: {failure}");
        }
        Ok(outcome)
    }

    /// The same by `pgbench`: payments per second.
    pub async fn measure_by_pgbench(&self, pgbench: &Path, length: Duration) -> Result<f64> {
        self.empty().await?;
        let folder = tempfile::tempdir()?;
        let script = folder.path().join("payment.sql");
        std::fs::write(&script, pgbench_script())?;
        let mut command = tokio::process::Command::new(pgbench);
        command.args([
            "--protocol=prepared",
            "--no-vacuum",
            "--jobs=2",
            "--define=n=0",
        ]);
        command.arg(format!("--client={PGBENCH_CONNECTIONS}"));
        command.arg(format!("--time={}", length.as_secs().max(1)));
        command.arg("--file").arg(&script).arg(&self.url);
        let output = command
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await;
        let output = output.with_context(|| pgbench.display().to_string())?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!(
                "pgbench: {}{}",
                said,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        rate(&said).with_context(|| format!("pgbench tells no rate: {said}"))
    }

    async fn empty(&self) -> Result<()> {
        let client = postgres::connect(&self.url).await?;
        client.batch_execute(TABLES).await?;
        client.batch_execute("CHECKPOINT").await?;
        Ok(())
    }
}

/// The rate out of what `pgbench` prints.
fn rate(said: &str) -> Option<f64> {
    let line = said.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Statement by statement with ids in the order of their making: a counter of the client, its number,
/// and what the id is of.
fn pgbench_script() -> String {
    let id = |of: u32| {
        format!(
            "(lpad(to_hex(:n::bigint), 12, '0') || '7000800{of}' || lpad(to_hex(:client_id::bigint), 12, '0'))::uuid"
        )
    };
    let mut script = String::from(
        "\\set n :n + 1\n\\set merchant random(0, 999)\n\\set key random(1, 1000000000000000)\n\
         \\set amount random(100, 100000)\nBEGIN;\n",
    );
    for statement in STATEMENTS {
        let statement = statement
            .replace("{payment}", &id(0))
            .replace("{operation}", &id(1))
            .replace("{debit}", &id(2))
            .replace("{credit}", &id(3))
            .replace("{outbox}", &id(4))
            .replace("{merchant}", ":merchant")
            .replace("{key}", "lpad(to_hex(:key::bigint), 16, '0')")
            .replace("{amount}", ":amount")
            .replace("{now}", ":n");
        script.push_str(&statement);
        script.push_str(";\n");
    }
    script.push_str("COMMIT;\n");
    script
}

/// One connection that writes payments.
pub struct Payer {
    client: Client,
    begin: Statement,
    payment: Statement,
    operation: Statement,
    entries: Statement,
    balance: Statement,
    outbox: Statement,
    commit: Statement,
}

impl Payer {
    async fn new(client: Client) -> Result<Self> {
        let [payment, operation, entries, balance, outbox] = STATEMENTS;
        let prepare = async |statement: &str, names: &[&str]| {
            let mut text = statement.to_owned();
            for (index, name) in names.iter().enumerate() {
                text = text.replace(name, &format!("${}", index + 1));
            }
            client.prepare(&text).await
        };
        Ok(Self {
            begin: prepare("BEGIN", &[]).await?,
            payment: prepare(
                payment,
                &["{payment}", "{merchant}", "{key}", "{amount}", "{now}"],
            )
            .await?,
            operation: prepare(
                operation,
                &["{operation}", "{payment}", "{amount}", "{now}"],
            )
            .await?,
            entries: prepare(
                entries,
                &["{debit}", "{credit}", "{payment}", "{amount}", "{now}"],
            )
            .await?,
            balance: prepare(balance, &["{amount}", "{merchant}"]).await?,
            outbox: prepare(outbox, &["{outbox}", "{payment}"]).await?,
            commit: prepare("COMMIT", &[]).await?,
            client,
        })
    }

    async fn send(&self, statement: &Statement, values: &[&(dyn ToSql + Sync)]) -> Result<()> {
        self.client.execute(statement, values).await?;
        Ok(())
    }
}

impl Caller for Payer {
    async fn once(&mut self) -> Result<()> {
        let number = ids::next();
        let payment = ids::time_ordered();
        let random = ids::scattered(number);
        let merchant = i64::try_from(random % MERCHANTS)?;
        let amount = i64::try_from(random % 100_000)? + 100;
        let now = i64::try_from(number)?;
        let key = format!("{random:016x}");
        self.send(&self.begin, &[]).await?;
        self.send(&self.payment, &[&payment, &merchant, &key, &amount, &now])
            .await?;
        let operation = ids::time_ordered();
        self.send(&self.operation, &[&operation, &payment, &amount, &now])
            .await?;
        let (debit, credit) = (ids::time_ordered(), ids::time_ordered());
        self.send(&self.entries, &[&debit, &credit, &payment, &amount, &now])
            .await?;
        self.send(&self.balance, &[&amount, &merchant]).await?;
        self.send(&self.outbox, &[&ids::time_ordered(), &payment])
            .await?;
        self.send(&self.commit, &[]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_what_pgbench_prints() {
        let said =
            "latency average = 12.5 ms\ntps = 2548.123456 (without initial connection time)\n";
        assert_eq!(rate(said), Some(2_548.123_456));
        assert_eq!(rate("nothing"), None);
    }

    #[test]
    fn the_script_has_seven_statements_and_no_gap() {
        let script = pgbench_script();
        let statements = script.lines().filter(|line| line.ends_with(';')).count();
        assert_eq!(statements, 7);
        for gap in [
            "{payment}",
            "{operation}",
            "{merchant}",
            "{key}",
            "{amount}",
            "{now}",
        ] {
            assert!(!script.contains(gap), "{gap}");
        }
    }

    /// An empty database of the test's own in the cluster that tests are given.
    async fn database(name: &str) -> (postgres::Postgres, String) {
        let url = std::env::var("ALTYN_TEST_POSTGRES_URL")
            .expect("ALTYN_TEST_POSTGRES_URL is set: run through `cargo xtask test`");
        let postgres = postgres::Postgres::open(&url).await.unwrap();
        let name = format!("{name}_{}", std::process::id());
        let url = postgres.create(&name).await.unwrap();
        (postgres, url)
    }

    #[tokio::test]
    async fn each_payment_of_the_yardstick_is_six_rows() {
        let (postgres, url) = database("yardstick_rows").await;
        let yardstick = Yardstick::new(url.clone());
        let before = (postgres.cpu_us(), postgres.wal_bytes().await.unwrap());
        let outcome = yardstick
            .measure(2, Duration::from_millis(200))
            .await
            .unwrap();
        let client = postgres::connect(&url).await.unwrap();
        for (table, rows) in [
            ("payments", 1),
            ("operations", 1),
            ("entries", 2),
            ("outbox", 1),
        ] {
            let question = format!("SELECT count(*) FROM {table}");
            let found: i64 = client.query_one(&question, &[]).await.unwrap().get(0);
            assert_eq!(
                u64::try_from(found).unwrap(),
                outcome.done * rows,
                "{table}"
            );
        }
        assert!(postgres.cpu_us() >= before.0 && postgres.wal_bytes().await.unwrap() > before.1);
        drop(client);
        postgres
            .drop(url.rsplit_once('/').unwrap().1)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn pgbench_runs_the_same_statements() {
        let programs = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|folder| folder.join("pgbench"))
            .find(|file| file.is_file());
        // Not every installation of PostgreSQL has it.
        let Some(pgbench) = programs else { return };
        let (postgres, url) = database("yardstick_pgbench").await;
        let yardstick = Yardstick::new(url.clone());
        let rate = yardstick
            .measure_by_pgbench(&pgbench, Duration::from_secs(1))
            .await
            .unwrap();
        assert!(rate > 0.0);
        postgres
            .drop(url.rsplit_once('/').unwrap().1)
            .await
            .unwrap();
    }
}
