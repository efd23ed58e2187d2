//! A database of one's own for every test.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use altyn_storage::Storage;
use altyn_storage_postgres::{PostgresOptions, PostgresStorage};
use altyn_storage_sqlite::SqliteStorage;
use tempfile::TempDir;

const URL: &str = "ALTYN_TEST_POSTGRES_URL";

static CREATED: AtomicU32 = AtomicU32::new(0);

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

pub const BOTH: [Kind; 2] = [Kind::Sqlite, Kind::Postgres];

/// A database, gone with this value.
pub enum Database {
    Sqlite(TempDir),
    Postgres(String),
}

fn admin_url() -> String {
    std::env::var(URL).unwrap_or_else(|_| {
        panic!("{URL} is not set: run these tests with `cargo xtask test`, which starts PostgreSQL")
    })
}

fn url_of(name: &str) -> String {
    let admin = admin_url();
    let (base, query) = admin.split_once('?').unwrap_or((&admin, ""));
    let server = base.rfind('/').map_or(base, |slash| &base[..slash]);
    format!("{server}/{name}?{query}")
}

async fn run(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("PostgreSQL");
    let task = tokio::spawn(connection);
    client.batch_execute(sql).await.expect("the statement runs");
    drop(client);
    let _ = task.await;
}

impl Database {
    pub async fn create(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::Sqlite(TempDir::new().expect("a folder")),
            Kind::Postgres => {
                let number = CREATED.fetch_add(1, Ordering::Relaxed);
                let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
                let nanos = since.expect("after 1970").as_nanos();
                let name = format!("office_{}_{nanos}_{number}", std::process::id());
                run(&admin_url(), &format!("CREATE DATABASE {name}")).await;
                Self::Postgres(name)
            }
        }
    }

    pub async fn open(&self) -> Arc<dyn Storage> {
        match self {
            Self::Sqlite(folder) => {
                let opened = SqliteStorage::open(folder.path().join("altyn.db"));
                Arc::new(opened.expect("a database"))
            }
            Self::Postgres(name) => {
                let options = PostgresOptions::default();
                let opened = PostgresStorage::connect(&url_of(name), options).await;
                Arc::new(opened.expect("it connects"))
            }
        }
    }

    /// Changes rows past the program.
    pub async fn raw_sql(&self, sql: &str) {
        match self {
            Self::Sqlite(folder) => {
                let path = folder.path().join("altyn.db");
                let connection = rusqlite::Connection::open(path).expect("it opens");
                connection.execute_batch(sql).expect("the statement runs");
            }
            Self::Postgres(name) => run(&url_of(name), sql).await,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Self::Postgres(name) = self else { return };
        let sql = format!("DROP DATABASE {name} WITH (FORCE)");
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = runtime.expect("a runtime");
            runtime.block_on(run(&admin_url(), &sql));
        });
        let dropped = dropped.join();
        if !std::thread::panicking() {
            dropped.expect("it is dropped");
        }
    }
}
