//! Migrations: the tables are brought to this program's version before anything else happens.

use std::time::Duration;

use altyn_storage::StorageError;
use tokio::time::Instant;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::PostgresOptions;
use crate::address::Address;
use crate::connection::unavailable;
use crate::failure::describe;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Only one node at a time migrates: whoever holds this table's lock. It stays empty for good.
const LOCK_TABLE: &str = "CREATE TABLE IF NOT EXISTS migration_lock (id smallint PRIMARY KEY)";

/// Two nodes that create the same table at once: one of them gets an error, and finds the table next time.
const CREATE_TRIES_MAX: u32 = 10;

/// Brings the database to this program's version.
pub(crate) async fn migrate(
    address: &Address,
    options: &PostgresOptions,
) -> Result<(), StorageError> {
    let deadline = Instant::now() + options.migration_timeout;
    tokio::time::timeout_at(deadline, migrate_locked(address, options.migration_timeout))
        .await
        .map_err(|_| StorageError::Unusable("the migrations took too long".to_owned()))?
}

/// The lock is held by a transaction on one connection while another connection migrates. Should the
/// first break meanwhile, the second node's own migration fails at the key of the table of versions.
async fn migrate_locked(address: &Address, limit: Duration) -> Result<(), StorageError> {
    let unusable = |e: tokio_postgres::Error| StorageError::Unusable(describe(&e));
    let (lock, _driver) = address.open().await.map_err(|e| unavailable(&e))?;
    create_lock_table(&lock).await?;
    let begin = format!(
        "BEGIN; SET LOCAL lock_timeout = {}; LOCK TABLE migration_lock IN ACCESS EXCLUSIVE MODE",
        limit.as_millis()
    );
    lock.batch_execute(&begin).await.map_err(unusable)?;
    let (mut client, _driver) = address.open().await.map_err(|e| unavailable(&e))?;
    embedded::migrations::runner()
        .set_abort_divergent(true)
        .set_abort_missing(true)
        .run_async(&mut client)
        .await
        .map_err(|error| StorageError::Unusable(chain(&error)))?;
    lock.batch_execute("COMMIT").await.map_err(unusable)
}

async fn create_lock_table(client: &Client) -> Result<(), StorageError> {
    for _ in 1..CREATE_TRIES_MAX {
        match client.batch_execute(LOCK_TABLE).await {
            Err(error) if lost_race(&error) => {}
            other => return other.map_err(|e| StorageError::Unusable(describe(&e))),
        }
    }
    let made = client.batch_execute(LOCK_TABLE).await;
    made.map_err(|e| StorageError::Unusable(describe(&e)))
}

fn lost_race(error: &tokio_postgres::Error) -> bool {
    let codes = [
        SqlState::UNIQUE_VIOLATION,
        SqlState::DUPLICATE_TABLE,
        SqlState::DUPLICATE_OBJECT,
    ];
    error.code().is_some_and(|code| codes.contains(code))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
