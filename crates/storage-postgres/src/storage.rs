//! The database as the contract has it.

use std::sync::Arc;

use altyn_domain::{
    Bucket, DeliveryAttempt, Payment, PaymentId, Posting, ProjectId, TimerKind, Timestamp,
};
use altyn_storage::{
    AccountBalance, AuditPage, BatchWriter, DeliveryKey, IncidentRecord, LeasedTimer,
    PaymentFilter, PaymentPage, ReferenceKey, SettingsChange, SettingsRecords, Storage,
    StorageError, Telling,
};
use async_trait::async_trait;

use crate::PostgresOptions;
use crate::address::Address;
use crate::doubt::Doubts;
use crate::migrate::migrate;
use crate::pool::Readers;
use crate::writer::{Shared, Writer};

/// A PostgreSQL database that this program's migrations have been applied to.
pub struct PostgresStorage {
    shared: Arc<Shared>,
    pub(crate) readers: Readers,
}

impl PostgresStorage {
    /// Connects to the database behind `url` and brings its tables to this program's version.
    ///
    /// # Errors
    /// [`StorageError::Unusable`] if the URL is wrong, the database is of a newer version, or a migration
    /// fails; [`StorageError::Unavailable`] if the database cannot be reached.
    pub async fn connect(url: &str, options: PostgresOptions) -> Result<Self, StorageError> {
        let address = Address::parse(url, &options)?;
        migrate(&address, &options).await?;
        let readers = Readers::new(&address, &options)?;
        let shared = Arc::new(Shared {
            address,
            options,
            doubts: Doubts::default(),
        });
        Ok(Self { shared, readers })
    }
}

#[async_trait]
impl Storage for PostgresStorage {
    fn name(&self) -> &'static str {
        "postgres"
    }

    async fn writer(&self) -> Result<Box<dyn BatchWriter>, StorageError> {
        let writer = Writer::connect(Arc::clone(&self.shared)).await?;
        Ok(Box::new(writer))
    }

    async fn ping(&self) -> Result<(), StorageError> {
        self.readers.settings_version().await.map(drop)
    }

    async fn payment(
        &self,
        project: ProjectId,
        id: PaymentId,
    ) -> Result<Option<Payment>, StorageError> {
        self.readers.payment(Some(project), id).await
    }

    async fn payment_by_capability(&self, id: PaymentId) -> Result<Option<Payment>, StorageError> {
        self.readers.payment(None, id).await
    }

    async fn payment_by_reference(
        &self,
        key: &ReferenceKey,
    ) -> Result<Option<Payment>, StorageError> {
        self.readers.payment_by_reference(key).await
    }

    async fn payments(
        &self,
        project: ProjectId,
        _bucket: Bucket,
        filter: &PaymentFilter,
    ) -> Result<PaymentPage, StorageError> {
        self.readers.page(project, filter).await
    }

    async fn deliveries(&self, keys: &[DeliveryKey]) -> Result<Vec<Telling>, StorageError> {
        self.readers.deliveries(keys).await
    }

    async fn delivery_attempts(
        &self,
        payment: PaymentId,
    ) -> Result<Vec<DeliveryAttempt>, StorageError> {
        self.readers.delivery_attempts(payment).await
    }

    async fn postings(&self, payment: PaymentId) -> Result<Vec<Posting>, StorageError> {
        self.readers.postings(payment).await
    }

    async fn incidents(
        &self,
        with_resolved: bool,
        limit: u32,
    ) -> Result<Vec<IncidentRecord>, StorageError> {
        self.readers.incidents(with_resolved, limit).await
    }

    async fn lease_timers(
        &self,
        kinds: &[TimerKind],
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<LeasedTimer>, StorageError> {
        self.readers
            .lease_timers(kinds, now, lease_until, limit)
            .await
    }

    async fn due_timers(&self, now: Timestamp) -> Result<(u64, Option<Timestamp>), StorageError> {
        self.readers.due_timers(now).await
    }

    async fn lease_serials(&self, count: i64) -> Result<i64, StorageError> {
        self.readers.lease_serials(count).await
    }

    async fn settings_version(&self) -> Result<i64, StorageError> {
        self.readers.settings_version().await
    }

    async fn settings(&self) -> Result<SettingsRecords, StorageError> {
        self.readers.settings().await
    }

    async fn save_settings(&self, change: &SettingsChange) -> Result<(), StorageError> {
        self.readers.save_settings(change).await
    }

    async fn audit_page(
        &self,
        from: Option<PaymentId>,
        limit: u32,
    ) -> Result<AuditPage, StorageError> {
        self.readers.audit_page(from, limit).await
    }

    async fn audit_accounts(
        &self,
    ) -> Result<(Vec<AccountBalance>, Vec<AccountBalance>), StorageError> {
        self.readers.audit_accounts().await
    }

    async fn forget_batches(&self, before: Timestamp) -> Result<(), StorageError> {
        self.readers.forget_batches(before).await
    }
}
