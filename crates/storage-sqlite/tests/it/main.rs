//! The suite that both databases pass, on files; and what only a file can do.

use std::sync::Arc;

use altyn_storage::Storage;
use altyn_storage::conformance::Fixture;
use altyn_storage_sqlite::SqliteStorage;
use async_trait::async_trait;
use tempfile::TempDir;

mod file;

/// A database file in a directory of its own.
struct File {
    directory: TempDir,
}

impl File {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        Self { directory }
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("altyn.db")
    }

    fn empty(&self) {
        for ending in ["", "-wal", "-shm"] {
            let path = self.directory.path().join(format!("altyn.db{ending}"));
            // What is not there need not go.
            let _ = std::fs::remove_file(path);
        }
    }

    fn open(&self) -> Arc<dyn Storage> {
        Arc::new(SqliteStorage::open(self.path()).expect("the file opens"))
    }
}

#[async_trait]
impl Fixture for File {
    async fn fresh(&self) -> Arc<dyn Storage> {
        self.open()
    }

    async fn another(&self) -> Arc<dyn Storage> {
        self.open()
    }

    async fn raw_sql(&self, sql: &str) -> Result<(), String> {
        let run = || {
            let connection = rusqlite::Connection::open(self.path())?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.busy_timeout(std::time::Duration::from_secs(5))?;
            connection.execute_batch(sql)
        };
        run().map_err(|error: rusqlite::Error| error.to_string())
    }
}

altyn_storage::conformance_tests!(File::new());
