//! What every command opens first: the key and the database.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use altyn_engine::{Entropy, Vault};
use altyn_storage::Storage;
use altyn_storage_postgres::{PostgresOptions, PostgresStorage};
use altyn_storage_sqlite::SqliteStorage;
use anyhow::{Context as _, ensure};
use tracing::info;

/// What this program has opened, to be closed at its end, however its command ends.
static OPENED: Mutex<Vec<Arc<dyn Storage>>> = Mutex::new(Vec::new());

/// How long the end of the program waits for a database.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens the database at `url` and brings it to the form that this version needs.
pub async fn open_database(url: &str) -> anyhow::Result<Arc<dyn Storage>> {
    let storage = open_kind(url).await?;
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    opened.push(Arc::clone(&storage));
    Ok(storage)
}

/// Closes what was opened: the last thing that the program does. What stands in the way of that is only
/// told, for nothing is lost.
pub async fn close_databases() {
    let opened = std::mem::take(&mut *OPENED.lock().unwrap_or_else(PoisonError::into_inner));
    for storage in opened {
        match tokio::time::timeout(CLOSE_TIMEOUT, storage.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => info!(%error, "the database keeps its log"),
            Err(_) => info!("the database keeps its log: the disk is slow"),
        }
    }
}

async fn open_kind(url: &str) -> anyhow::Result<Arc<dyn Storage>> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        let storage =
            SqliteStorage::open(Path::new(path)).with_context(|| format!("database {path}"))?;
        return Ok(Arc::new(storage));
    }
    let storage = PostgresStorage::connect(url, PostgresOptions::default())
        .await
        .context("the PostgreSQL database")?;
    Ok(Arc::new(storage))
}

/// Reads the installation's key.
pub fn read_key(path: &Path) -> anyhow::Result<Vault> {
    let key = fs::read(path).with_context(|| format!("key file {}", path.display()))?;
    Vault::try_new(&key).with_context(|| format!("key file {}", path.display()))
}

/// Makes a key file that only its owner can read; an existing one is kept.
pub fn ensure_key(path: &Path, entropy: &dyn Entropy) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if path.exists() {
        return Ok(());
    }
    let mut key = [0; Vault::KEY_LENGTH];
    entropy.fill(&mut key);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("key file {}", path.display()))?;
    file.write_all(&key)?;
    file.sync_all()?;
    Ok(())
}

/// Makes the key file for a new installation: never beside a database that was sealed with another key.
pub async fn ensure_key_for(
    path: &Path,
    storage: &dyn Storage,
    entropy: &dyn Entropy,
) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let settings = storage.settings().await?;
    ensure!(
        settings.projects.is_empty(),
        "the key file {} is missing, and the database holds settings sealed with it",
        path.display()
    );
    ensure_key(path, entropy)
}
