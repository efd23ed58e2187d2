//! The PostgreSQL cluster that everything runs on: databases made and dropped, and what is read of it.

use anyhow::{Context, Result};
use tokio_postgres::{Client, NoTls, Row};

use crate::process;

/// The cluster, through its superuser.
pub struct Postgres {
    url: String,
    client: Client,
    postmaster: u32,
}

/// Opens a connection; it ends with the client.
pub async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .with_context(|| format!("PostgreSQL at {url}"))?;
    tokio::spawn(connection);
    Ok(client)
}

impl Postgres {
    /// Connects to the cluster's first database.
    pub async fn open(url: &str) -> Result<Self> {
        let client = connect(url).await?;
        let row = client
            .query_one("SELECT pg_read_file('postmaster.pid')", &[])
            .await?;
        let text: String = row.get(0);
        let postmaster = text.lines().next().unwrap_or_default().trim().parse();
        let postmaster = postmaster.context("postmaster.pid does not begin with a number")?;
        Ok(Self {
            url: url.to_owned(),
            client,
            postmaster,
        })
    }

    /// The one row of a question.
    pub async fn ask(&self, question: &str) -> Result<Row> {
        self.client
            .query_one(question, &[])
            .await
            .with_context(|| question.to_owned())
    }

    /// All rows of a question.
    pub async fn ask_all(&self, question: &str) -> Result<Vec<Row>> {
        self.client
            .query(question, &[])
            .await
            .with_context(|| question.to_owned())
    }

    /// The server's version.
    pub async fn version(&self) -> Result<String> {
        let row = self.ask("SHOW server_version").await?;
        let text: String = row.get(0);
        Ok(text
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned())
    }

    /// Makes a database anew and returns its address.
    pub async fn create(&self, name: &str) -> Result<String> {
        self.drop(name).await?;
        self.client
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await?;
        let (server, _) = self
            .url
            .rsplit_once('/')
            .context("an address without a database")?;
        Ok(format!("{server}/{name}"))
    }

    /// Removes a database with all its connections.
    pub async fn drop(&self, name: &str) -> Result<()> {
        let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        self.client
            .batch_execute(&statement)
            .await
            .context(statement)
    }

    /// Runs statements that answer nothing.
    pub async fn execute(&self, statements: &str) -> Result<()> {
        self.client
            .batch_execute(statements)
            .await
            .with_context(|| statements.to_owned())
    }

    /// Writes everything out, so that each measurement begins in the same state.
    pub async fn checkpoint(&self) -> Result<()> {
        self.execute("CHECKPOINT").await
    }

    /// Bytes of write-ahead log written since the cluster was made.
    pub async fn wal_bytes(&self) -> Result<u64> {
        let row = self
            .ask("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
            .await?;
        u64::try_from(row.get::<_, i64>(0)).context("a negative place in the log")
    }

    /// Processor time of all processes of the cluster, in microseconds.
    pub fn cpu_us(&self) -> u64 {
        process::family_cpu_us(self.postmaster)
    }
}
