//! Databases of tests, and what is kept of them for the search for card data.

use std::path::{Path, PathBuf};

use crate::gate::Database;

/// A database of one test; a PostgreSQL one is dropped with it.
pub struct TestDatabase {
    pub url: Option<String>,
    pub name: Option<String>,
}

pub fn postgres_url() -> String {
    std::env::var("ALTYN_TEST_POSTGRES_URL")
        .expect("ALTYN_TEST_POSTGRES_URL is set: run through `cargo xtask test`")
}

pub async fn postgres_admin(statement: &str) {
    let (client, connection) = tokio_postgres::connect(&postgres_url(), tokio_postgres::NoTls)
        .await
        .expect("PostgreSQL");
    let task = tokio::spawn(connection);
    client
        .batch_execute(statement)
        .await
        .expect("the statement runs");
    drop(client);
    let _ = task.await;
}

impl TestDatabase {
    pub async fn make(kind: Database) -> Self {
        if kind == Database::Sqlite {
            return Self {
                url: None,
                name: None,
            };
        }
        let stamp = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970")
            .as_nanos();
        let name = format!("gate_{}_{stamp}", std::process::id());
        postgres_admin(&format!("CREATE DATABASE {name}")).await;
        let mut url = postgres_url().parse::<PostgresUrl>().expect("an address");
        url.database.clone_from(&name);
        Self {
            url: Some(url.to_string()),
            name: Some(name),
        }
    }
}

impl TestDatabase {
    /// Keeps what the search for card data wants, and drops the database.
    pub fn drop_it(&mut self) {
        let Some(name) = self.name.take() else {
            return;
        };
        // Blocking on purpose: the test's own runtime is about to end.
        let _ = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                dump_database(&name);
                runtime.block_on(postgres_admin(&format!(
                    "DROP DATABASE IF EXISTS {name} WITH (FORCE)"
                )));
            }
        })
        .join();
    }
}

/// The part of a PostgreSQL address that names the database.
struct PostgresUrl {
    before: String,
    database: String,
    after: String,
}

impl std::str::FromStr for PostgresUrl {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, query) = text.split_once('?').unwrap_or((text, ""));
        let (scheme, rest) = address.split_once("://").ok_or(())?;
        let host = rest.split_once('/').map_or(rest, |(host, _)| host);
        let after = if query.is_empty() {
            String::new()
        } else {
            format!("?{query}")
        };
        Ok(Self {
            before: format!("{scheme}://{host}/"),
            database: String::new(),
            after,
        })
    }
}

impl std::fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}{}", self.before, self.database, self.after)
    }
}

/// Where the search for card data looks after the whole suite, if it wants to.
fn artifacts() -> Option<PathBuf> {
    let place = PathBuf::from(std::env::var_os("ALTYN_TEST_ARTIFACTS")?);
    std::fs::create_dir_all(&place).ok()?;
    Some(place)
}

pub fn keep_artifacts(directory: &Path) {
    let Some(place) = artifacts() else { return };
    let name = directory.file_name().expect("it has a name");
    let _ = std::process::Command::new("cp")
        .arg("-r")
        .arg(directory)
        .arg(place.join(name))
        .status();
}

fn dump_database(name: &str) {
    let Some(place) = artifacts() else { return };
    let mut url: PostgresUrl = postgres_url().parse().expect("an address");
    name.clone_into(&mut url.database);
    let file = place.join(format!("{name}.sql"));
    let _ = std::process::Command::new("pg_dump")
        .args(["--inserts", "--file"])
        .arg(file)
        .arg(url.to_string())
        .status();
}
