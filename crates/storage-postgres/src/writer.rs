//! The write path: a connection, the transaction open on it, and what becomes of both when something fails.

use std::collections::BTreeSet;
use std::sync::Arc;

use altyn_domain::PaymentId;
use altyn_storage::{BatchId, BatchWriter, ChangeSet, LoadKeys, Loaded, StorageError};
use async_trait::async_trait;
use tokio::time::timeout;

use crate::PostgresOptions;
use crate::address::Address;
use crate::connection::Connection;
use crate::doubt::Doubts;
use crate::failure::{Failure, describe};
use crate::flight::{self, Landing};
use crate::load;
use crate::save;

/// What all writers of a storage have in common.
pub(crate) struct Shared {
    pub address: Address,
    pub options: PostgresOptions,
    pub doubts: Doubts,
}

/// A transaction between `load` and its end.
struct Open {
    connection: Connection,
    /// The payments that exist and are locked: others in a change are new.
    locked: BTreeSet<PaymentId>,
}

/// A connection is in one of the two places or, while a call is under way, in that call: a call that is
/// dropped half-way takes its connection with it, and the server rolls back.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    idle: Option<Connection>,
    open: Option<Open>,
}

impl Writer {
    pub(crate) async fn connect(shared: Arc<Shared>) -> Result<Self, StorageError> {
        let connection = Connection::open(&shared.address, &shared.options).await?;
        Ok(Self {
            shared,
            idle: Some(connection),
            open: None,
        })
    }

    /// The connection at hand, or a new one if there is none or it broke.
    async fn connection(&mut self) -> Result<Connection, StorageError> {
        match self.idle.take() {
            Some(connection) if !connection.client.is_closed() => Ok(connection),
            _ => Connection::open(&self.shared.address, &self.shared.options).await,
        }
    }

    /// Closes whatever transaction is open on the connection and keeps it if that worked.
    async fn roll_back(&mut self, connection: Connection) {
        let limit = self.shared.options.answer_timeout();
        let rolled_back = timeout(limit, connection.client.batch_execute("ROLLBACK")).await;
        if let Ok(Ok(())) = rolled_back {
            self.idle = Some(connection);
        }
    }

    /// Keeps the connection after a failure if it is still good.
    async fn recover(&mut self, connection: Connection, failure: &Failure) {
        if failure.keeps_connection() {
            self.roll_back(connection).await;
        }
    }
}

#[async_trait]
impl BatchWriter for Writer {
    async fn load(&mut self, keys: &LoadKeys) -> Result<Loaded, StorageError> {
        self.abandon().await;
        let mut connection = self.connection().await?;
        let limit = self.shared.options.answer_timeout();
        let failure = match timeout(limit, load::load(&mut connection, keys)).await {
            Ok(Ok(read)) => {
                let locked = read.payments;
                self.open = Some(Open { connection, locked });
                return Ok(read.loaded);
            }
            Ok(Err(failure)) => failure,
            Err(_) => Failure::Silent,
        };
        self.recover(connection, &failure).await;
        Err(failure.into())
    }

    async fn save(&mut self, changes: &ChangeSet) -> Result<(), StorageError> {
        let Some(Open { connection, locked }) = self.open.take() else {
            return Err(StorageError::Refused("nothing was loaded".to_owned()));
        };
        let client = &connection.client;
        if client.is_closed() {
            let text = "the connection broke before anything was written".to_owned();
            return Err(StorageError::Unavailable(text));
        }
        let rows = save::Rows::of(changes, &locked);
        let steps = connection.save.steps(changes, &rows);
        let shared = Arc::clone(&self.shared);
        shared
            .doubts
            .note(changes.batch, connection.backend.clone());
        let limit = shared.options.answer_timeout();
        match timeout(limit, flight::commit(client, &steps)).await {
            Ok(Landing::Committed) => {
                shared.doubts.settle(changes.batch);
                drop(steps);
                self.idle = Some(connection);
                Ok(())
            }
            Ok(Landing::Failed(error)) => {
                shared.doubts.settle(changes.batch);
                drop(steps);
                let failure = Failure::from(error);
                self.recover(connection, &failure).await;
                Err(failure.into())
            }
            Ok(Landing::Unknown(error)) => Err(StorageError::CommitUnknown(describe(&error))),
            Err(_) => {
                let text = "no answer within the time limit".to_owned();
                Err(StorageError::CommitUnknown(text))
            }
        }
    }

    async fn abandon(&mut self) {
        if let Some(open) = self.open.take() {
            self.roll_back(open.connection).await;
        }
    }

    async fn is_committed(&mut self, batch: BatchId) -> Result<bool, StorageError> {
        let connection = self.connection().await?;
        let limit = self.shared.options.answer_timeout();
        let look = self.shared.doubts.look(&connection.client, batch, limit);
        let answer = match timeout(limit * 2, look).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::Silent),
        };
        if answer.as_ref().is_ok() || answer.as_ref().is_err_and(Failure::keeps_connection) {
            self.idle = Some(connection);
        }
        answer.map_err(StorageError::from)
    }
}
