//! The database as the rest of the program sees it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use altyn_domain::{
    Bucket, DeliveryAttempt, Payment, PaymentId, Posting, ProjectId, TimerKind, Timestamp,
};
use altyn_storage::{
    AccountBalance, AuditPage, BatchWriter, DeliveryKey, IncidentRecord, LeasedTimer,
    PaymentFilter, PaymentPage, ReferenceKey, SettingsChange, SettingsRecords, Storage,
    StorageError, Telling,
};
use async_trait::async_trait;
use rusqlite::Connection;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::fault::Fault;
use crate::worker::{Role, Workers};
use crate::writer::SqliteWriter;
use crate::{connection, lists, load, read, rows, settings, timers};

/// At least and at most that many threads read.
const READERS: std::ops::RangeInclusive<usize> = 2..=4;

/// How long the last act of a program waits for the change that is under way.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// The threads of one open file.
pub(crate) struct Handles {
    /// The thread that writes.
    pub writer: Workers,
    readers: Workers,
    /// Whose transaction the writing connection is in.
    turn: Arc<Mutex<Open>>,
}

/// Whether the file may still be written through these threads.
pub(crate) struct Open(bool);

/// The turn at the writing connection.
pub(crate) type Turn = OwnedMutexGuard<Open>;

impl Handles {
    /// Waits for the turn at the writing connection; there is none after the end.
    pub async fn turn(&self) -> Result<Turn, StorageError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        if turn.0 {
            Ok(turn)
        } else {
            let text = "the database was closed".to_owned();
            Err(StorageError::Unavailable(text))
        }
    }
}

/// One SQLite file.
pub struct SqliteStorage {
    handles: Arc<Handles>,
}

impl SqliteStorage {
    /// Opens the file, makes it if it is not there, and brings it to the newest tables. Blocks on the
    /// disk: meant for the start of the program.
    ///
    /// # Errors
    /// [`StorageError::Unusable`] if the file is no database, is of a newer version, or cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        let path = path.as_ref();
        connection::prepare(path)?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let readers = cores.clamp(*READERS.start(), *READERS.end());
        let handles = Handles {
            writer: Workers::start(Role::Writer, 1, path)?,
            readers: Workers::start(Role::Reader, readers, path)?,
            turn: Arc::new(Mutex::new(Open(true))),
        };
        let handles = Arc::new(handles);
        Ok(Self { handles })
    }

    /// Has `job` done on a connection that reads.
    pub(crate) async fn read<T, F>(&self, job: F) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        self.handles.readers.run(|db| job(db)).await
    }

    /// Has `job` done on the connection that writes, when its turn comes.
    pub(crate) async fn write<T, F>(&self, job: F) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    {
        let _turn = self.handles.turn().await?;
        self.handles.writer.run(job).await
    }
}

#[async_trait]
impl Storage for SqliteStorage {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    async fn writer(&self) -> Result<Box<dyn BatchWriter>, StorageError> {
        Ok(Box::new(SqliteWriter::new(Arc::clone(&self.handles))))
    }

    async fn ping(&self) -> Result<(), StorageError> {
        let read = self.handles.readers.run(|db| load::settings_version(db));
        read.await.map(drop)
    }

    async fn payment(
        &self,
        project: ProjectId,
        id: PaymentId,
    ) -> Result<Option<Payment>, StorageError> {
        let readers = &self.handles.readers;
        readers
            .run(move |db| read::payment(db, Some(project), id))
            .await
    }

    async fn payment_by_capability(&self, id: PaymentId) -> Result<Option<Payment>, StorageError> {
        let readers = &self.handles.readers;
        readers.run(move |db| read::payment(db, None, id)).await
    }

    async fn payment_by_reference(
        &self,
        key: &ReferenceKey,
    ) -> Result<Option<Payment>, StorageError> {
        let key = key.clone();
        let readers = &self.handles.readers;
        readers
            .run(move |db| read::payment_by_reference(db, &key))
            .await
    }

    async fn payments(
        &self,
        project: ProjectId,
        bucket: Bucket,
        filter: &PaymentFilter,
    ) -> Result<PaymentPage, StorageError> {
        let filter = filter.clone();
        let readers = &self.handles.readers;
        readers
            .run(move |db| lists::payments(db, project, bucket, &filter))
            .await
    }

    async fn deliveries(&self, keys: &[DeliveryKey]) -> Result<Vec<Telling>, StorageError> {
        let keys = keys.to_vec();
        let readers = &self.handles.readers;
        readers.run(move |db| read::deliveries(db, &keys)).await
    }

    async fn delivery_attempts(
        &self,
        payment: PaymentId,
    ) -> Result<Vec<DeliveryAttempt>, StorageError> {
        let readers = &self.handles.readers;
        readers.run(move |db| read::attempts(db, payment)).await
    }

    async fn postings(&self, payment: PaymentId) -> Result<Vec<Posting>, StorageError> {
        let readers = &self.handles.readers;
        readers.run(move |db| rows::postings(db, payment)).await
    }

    async fn incidents(
        &self,
        with_resolved: bool,
        limit: u32,
    ) -> Result<Vec<IncidentRecord>, StorageError> {
        let readers = &self.handles.readers;
        readers
            .run(move |db| lists::incidents(db, with_resolved, limit))
            .await
    }

    async fn lease_timers(
        &self,
        kinds: &[TimerKind],
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<LeasedTimer>, StorageError> {
        let kinds: Arc<[TimerKind]> = kinds.into();
        let wanted = Arc::clone(&kinds);
        let look = move |db: &mut _| timers::any_due(db, &wanted, now);
        // The writer is not troubled while nothing is due.
        if !self.handles.readers.run(look).await? {
            return Ok(Vec::new());
        }
        let _turn = self.handles.turn().await?;
        let lease = move |db: &mut _| timers::lease(db, &kinds, (now, lease_until), limit);
        self.handles.writer.run(lease).await
    }

    async fn due_timers(&self, now: Timestamp) -> Result<(u64, Option<Timestamp>), StorageError> {
        let readers = &self.handles.readers;
        readers.run(move |db| timers::due(db, now)).await
    }

    async fn lease_serials(&self, count: i64) -> Result<i64, StorageError> {
        let _turn = self.handles.turn().await?;
        let writer = &self.handles.writer;
        writer
            .run(move |db| settings::lease_serials(db, count))
            .await
    }

    async fn settings_version(&self) -> Result<i64, StorageError> {
        let readers = &self.handles.readers;
        readers.run(|db| load::settings_version(db)).await
    }

    async fn settings(&self) -> Result<SettingsRecords, StorageError> {
        self.handles.readers.run(|db| settings::read(db)).await
    }

    async fn save_settings(&self, change: &SettingsChange) -> Result<(), StorageError> {
        let change = change.clone();
        self.write(move |db| settings::save(db, &change)).await
    }

    async fn audit_page(
        &self,
        from: Option<PaymentId>,
        limit: u32,
    ) -> Result<AuditPage, StorageError> {
        let readers = &self.handles.readers;
        readers
            .run(move |db| lists::audit_page(db, from, limit))
            .await
    }

    async fn audit_accounts(
        &self,
    ) -> Result<(Vec<AccountBalance>, Vec<AccountBalance>), StorageError> {
        self.handles.readers.run(|db| lists::accounts(db)).await
    }

    async fn forget_batches(&self, before: Timestamp) -> Result<(), StorageError> {
        let _turn = self.handles.turn().await?;
        let writer = &self.handles.writer;
        writer
            .run(move |db| lists::forget_batches(db, before))
            .await
    }

    async fn close(&self) -> Result<(), StorageError> {
        let mut turn = match tokio::time::timeout(CLOSE_WAIT, self.handles.turn()).await {
            Ok(turn) => turn?,
            Err(_) => {
                let text = "a change of the database is still under way".to_owned();
                return Err(StorageError::Unavailable(text));
            }
        };
        turn.0 = false;
        let writer = &self.handles.writer;
        let finished = writer.run(|db| {
            load::roll_back(db)?;
            connection::finish(db)
        });
        finished.await
    }
}
