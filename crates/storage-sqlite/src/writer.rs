//! The write path of one caller.

use std::sync::Arc;

use altyn_storage::{BatchId, BatchWriter, ChangeSet, LoadKeys, Loaded, StorageError};
use async_trait::async_trait;

use crate::fault::Fault;
use crate::storage::{Handles, Turn};
use crate::{load, rows, save};

/// A [`BatchWriter`] that holds the turn at the writing thread from `load` to `save`.
pub(crate) struct SqliteWriter {
    handles: Arc<Handles>,
    turn: Option<Turn>,
}

impl SqliteWriter {
    /// A writer without a batch.
    pub fn new(handles: Arc<Handles>) -> Self {
        let turn = None;
        Self { handles, turn }
    }
}

#[async_trait]
impl BatchWriter for SqliteWriter {
    async fn load(&mut self, keys: &LoadKeys) -> Result<Loaded, StorageError> {
        if self.turn.is_none() {
            self.turn = Some(self.handles.turn().await?);
        }
        let keys = keys.clone();
        let loaded = self
            .handles
            .writer
            .run(move |db| load::load(db, &keys))
            .await;
        if loaded.is_err() {
            self.turn = None;
        }
        loaded
    }

    async fn save(&mut self, changes: &ChangeSet) -> Result<(), StorageError> {
        if self.turn.is_none() {
            let text = "nothing was loaded for this batch".to_owned();
            return Err(StorageError::Refused(text));
        }
        let rows = save::Rows::of(changes);
        let saved = self
            .handles
            .writer
            .run(move |db| save::save(db, &rows))
            .await;
        self.turn = None;
        saved
    }

    async fn abandon(&mut self) {
        if self.turn.is_some() {
            // Whatever is left open is closed by the next load.
            let _ = self.handles.writer.run(|db| load::roll_back(db)).await;
            self.turn = None;
        }
    }

    async fn is_committed(&mut self, batch: BatchId) -> Result<bool, StorageError> {
        let look = move |db: &mut rusqlite::Connection| {
            let sql = "SELECT 1 FROM batches WHERE batch_id = ?1";
            let found = rows::first(db, sql, (batch.0,), |cells| Ok(cells.take::<i64>()?))?;
            Ok::<_, Fault>(found.is_some())
        };
        self.handles.writer.run(look).await
    }
}

impl Drop for SqliteWriter {
    fn drop(&mut self) {
        if self.turn.is_some() {
            // Queued before the turn is given back, so before anybody else's load.
            self.handles.writer.post(|db| load::roll_back(db));
        }
    }
}
