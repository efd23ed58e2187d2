//! Batches whose fate is not known yet.
//!
//! When the answer to a COMMIT is lost, the server process of that connection may still be about to commit,
//! so a look into `batches` alone could say "no" a moment too early, and the batch would be run twice. So a
//! writer notes which server process carries which batch, and whoever asks for the batch first makes sure
//! that this process has ended: then what the table says is final.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use altyn_storage::BatchId;
use tokio_postgres::Client;

use crate::failure::Failure;

/// How long to wait between two looks at a server process that is ending.
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// A process of the database server: its number, and when it began, because numbers come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backend {
    process: i32,
    began: String,
}

impl Backend {
    /// The process behind a connection.
    pub(crate) async fn of(client: &Client) -> Result<Self, tokio_postgres::Error> {
        let sql = "SELECT pid, extract(epoch FROM backend_start)::text FROM pg_stat_activity \
                   WHERE pid = pg_backend_pid()";
        let row = client.query_one(sql, &[]).await?;
        Ok(Self {
            process: row.try_get(0)?,
            began: row.try_get(1)?,
        })
    }

    /// Ends the process and waits until it is gone.
    async fn end(&self, client: &Client, limit: Duration) -> Result<(), Failure> {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE pid = $1 AND extract(epoch FROM backend_start)::text = $2";
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if client
                .query(sql, &[&self.process, &self.began])
                .await?
                .is_empty()
            {
                return Ok(());
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        Err(Failure::Silent)
    }
}

/// Which server process carries which unfinished batch, for all writers of one storage.
#[derive(Debug, Default)]
pub(crate) struct Doubts(Mutex<HashMap<BatchId, Backend>>);

impl Doubts {
    /// Notes a batch before its commit is sent.
    pub(crate) fn note(&self, batch: BatchId, backend: Backend) {
        self.map().insert(batch, backend);
    }

    /// Forgets a batch whose fate is known.
    pub(crate) fn settle(&self, batch: BatchId) {
        self.map().remove(&batch);
    }

    /// Whether the batch was committed, for good.
    pub(crate) async fn look(
        &self,
        client: &Client,
        batch: BatchId,
        limit: Duration,
    ) -> Result<bool, Failure> {
        let backend = self.map().get(&batch).cloned();
        if let Some(backend) = backend {
            backend.end(client, limit).await?;
        }
        let sql = "SELECT 1 FROM batches WHERE batch_id = $1";
        let found = client.query_opt(sql, &[&batch.0]).await?.is_some();
        self.settle(batch);
        Ok(found)
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<BatchId, Backend>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
