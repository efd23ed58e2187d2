//! A database of one's own for every test.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use altyn_storage::Storage;
use altyn_storage::conformance::Fixture;
use altyn_storage_postgres::{PostgresOptions, PostgresStorage};
use async_trait::async_trait;
use tokio_postgres::{Client, Config, NoTls};

const URL: &str = "ALTYN_TEST_POSTGRES_URL";

static CREATED: AtomicU32 = AtomicU32::new(0);

fn admin_url() -> String {
    std::env::var(URL).unwrap_or_else(|_| {
        panic!("{URL} is not set: run these tests with `cargo xtask test`, which starts PostgreSQL")
    })
}

/// A database, dropped with this value.
pub struct Database {
    name: String,
    url: String,
}

impl Database {
    /// Makes an empty database.
    pub async fn create() -> Self {
        let number = CREATED.fetch_add(1, Ordering::Relaxed);
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = since.expect("the clock is right").subsec_nanos();
        let name = format!("altyn_test_{}_{nanos}_{number}", std::process::id());
        let admin = admin_url();
        let client = connect(&admin).await;
        let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
        client.batch_execute(&create).await.expect("it is created");
        let (base, query) = admin.split_once('?').unwrap_or((&admin, ""));
        let server = base.rfind('/').map_or(base, |slash| &base[..slash]);
        let url = format!("{server}/{name}?{query}");
        Self { name, url }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// A handle of its own, as another process would have it.
    pub async fn open(&self) -> Arc<PostgresStorage> {
        let options = PostgresOptions {
            read_connections_max: 3,
            statement_timeout: Duration::from_secs(20),
            lock_timeout: Duration::from_secs(20),
            ..PostgresOptions::default()
        };
        let storage = PostgresStorage::connect(&self.url, options).await;
        Arc::new(storage.expect("it connects"))
    }

    /// A plain connection past the program.
    pub async fn client(&self) -> Client {
        connect(&self.url).await
    }
}

async fn connect(url: &str) -> Client {
    let config: Config = url.parse().expect("a good URL");
    let (client, connection) = config.connect(NoTls).await.expect("the server answers");
    tokio::spawn(connection);
    client
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = runtime.expect("a runtime");
            runtime.block_on(async { connect(&admin_url()).await.batch_execute(&sql).await })
        });
        let dropped = dropped.join();
        if !std::thread::panicking() {
            dropped.expect("no panic").expect("it is dropped");
        }
    }
}

#[async_trait]
impl Fixture for Database {
    async fn fresh(&self) -> Arc<dyn Storage> {
        self.open().await
    }

    async fn another(&self) -> Arc<dyn Storage> {
        self.open().await
    }

    async fn raw_sql(&self, sql: &str) -> Result<(), String> {
        let done = self.client().await.batch_execute(sql).await;
        done.map_err(|error| format!("{:?}", error.as_db_error()))
    }
}
