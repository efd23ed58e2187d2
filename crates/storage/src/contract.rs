//! The traits that a database implements.

use altyn_domain::{
    Account, Delivery, DeliveryAttempt, Event, Incident, Payment, PaymentId, PaymentStatus,
    Posting, ProjectId, TimerKey, TimerKind, Timestamp,
};
use async_trait::async_trait;

use crate::{
    BatchId, ChangeSet, Idempotency, Lists, LoadKeys, Loaded, People, ReferenceKey, SettingsChange,
    SettingsRecords, StorageError, Trail,
};

/// One connection's write path. One batch at a time: `load`, then `save` or `abandon`.
#[async_trait]
pub trait BatchWriter: Send {
    /// Opens a database transaction, reads the settings version, resolves references, locks the
    /// payments in key order and reads their operations, then locks the balances of those payments'
    /// customers in the payments' currencies, in key order. What is absent is absent in the result.
    ///
    /// # Errors
    /// See [`StorageError`]; the transaction is then closed.
    async fn load(&mut self, keys: &LoadKeys) -> Result<Loaded, StorageError>;

    /// Writes the whole change with its batch id and commits. When it returns `Ok`, it is on disk.
    /// An insert that another writer won is a [`StorageError::Conflict`]. An incident that was closed
    /// before keeps its first note.
    ///
    /// Setting a timer ends its lease and gives it a fencing number that no lease ever had: the greater of
    /// the old number plus one and the microseconds of `changes.at`, so that a timer that was cleared and
    /// set again does not repeat one.
    ///
    /// # Errors
    /// See [`StorageError`]; except for `CommitUnknown` nothing was written.
    async fn save(&mut self, changes: &ChangeSet) -> Result<(), StorageError>;

    /// Closes the transaction without writing. Never fails: a broken connection is opened anew by the
    /// next `load`.
    async fn abandon(&mut self);

    /// Whether a batch with this id was committed. Asked after [`StorageError::CommitUnknown`], on a
    /// new connection.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn is_committed(&mut self, batch: BatchId) -> Result<bool, StorageError>;
}

/// A timer that is due and now belongs to the caller until its lease ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeasedTimer {
    /// Which timer.
    pub key: TimerKey,
    /// Whose payment.
    pub project_id: ProjectId,
    /// Fencing number: greater than at every earlier lease.
    pub fence: i64,
    /// How often it was set before, for growing pauses.
    pub attempt: u32,
    /// When it was due.
    pub due_at: Timestamp,
}

/// Which delivery of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeliveryKey {
    /// The payment.
    pub payment_id: PaymentId,
    /// Its place within the payment.
    pub number: u32,
}

/// A delivery with the event that it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// The payment.
    pub payment_id: PaymentId,
    /// Who is told, and how far that is.
    pub delivery: Delivery,
    /// What happened.
    pub event: Event,
}

/// Which payments of a project are wanted, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentFilter {
    /// Not before.
    pub from: Timestamp,
    /// Before.
    pub to: Timestamp,
    /// Compare `from` and `to` with the registration; else with the payment's completion.
    pub by_registration: bool,
    /// Any of these; empty for all.
    pub statuses: Vec<PaymentStatus>,
    /// Registered in this dialect.
    pub dialect: Option<String>,
    /// How many to pass over.
    pub offset: u32,
    /// At most that many.
    pub limit: u32,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PaymentPage {
    /// The payments of this page.
    pub payments: Vec<Payment>,
    /// How many there are in all.
    pub total: u64,
}

/// An incident as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentRecord {
    /// The payment.
    pub payment_id: PaymentId,
    /// Whose payment.
    pub project_id: ProjectId,
    /// What was opened.
    pub incident: Incident,
    /// When.
    pub opened_at: Timestamp,
    /// When it was closed, and what the person wrote.
    pub resolved: Option<(Timestamp, String)>,
}

/// The sums of an account, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountBalance {
    /// Which account.
    pub account: Account,
    /// Its sums.
    pub sums: altyn_domain::AccountDelta,
}

/// A payment with everything that must agree with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedPayment {
    /// The payment.
    pub payment: Payment,
    /// The status stored for lists.
    pub stored_status: String,
    /// Its postings by number.
    pub postings: Vec<Posting>,
    /// The numbers of its events, ascending.
    pub events: Vec<u32>,
    /// The numbers of its deliveries, ascending.
    pub deliveries: Vec<u32>,
}

/// Some payments in key order, for the audit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditPage {
    /// The payments.
    pub payments: Vec<AuditedPayment>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<PaymentId>,
}

/// A database.
#[async_trait]
pub trait Storage: Lists + People + Idempotency + Trail + Send + Sync {
    /// `sqlite` or `postgres`.
    fn name(&self) -> &'static str;

    /// Opens a write path.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn writer(&self) -> Result<Box<dyn BatchWriter>, StorageError>;

    /// Whether the database answers.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn ping(&self) -> Result<(), StorageError>;

    /// A payment of this project.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn payment(
        &self,
        project: ProjectId,
        id: PaymentId,
    ) -> Result<Option<Payment>, StorageError>;

    /// The payment with this id, whoever owns it: the id is the capability.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn payment_by_capability(&self, id: PaymentId) -> Result<Option<Payment>, StorageError>;

    /// The payment that a reference names.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn payment_by_reference(
        &self,
        key: &ReferenceKey,
    ) -> Result<Option<Payment>, StorageError>;

    /// A page of a project's payments.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn payments(
        &self,
        project: ProjectId,
        bucket: altyn_domain::Bucket,
        filter: &PaymentFilter,
    ) -> Result<PaymentPage, StorageError>;

    /// Deliveries with their events, for sending. Those that do not exist are left out.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn deliveries(&self, keys: &[DeliveryKey]) -> Result<Vec<Telling>, StorageError>;

    /// One delivery with its event.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn delivery(
        &self,
        payment_id: PaymentId,
        number: u32,
    ) -> Result<Option<(Delivery, Event)>, StorageError> {
        let key = DeliveryKey { payment_id, number };
        let found = self.deliveries(&[key]).await?.pop();
        Ok(found.map(|telling| (telling.delivery, telling.event)))
    }

    /// All attempts to deliver callbacks of a payment, oldest first.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn delivery_attempts(
        &self,
        payment: PaymentId,
    ) -> Result<Vec<DeliveryAttempt>, StorageError>;

    /// The postings of a payment by number.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn postings(&self, payment: PaymentId) -> Result<Vec<Posting>, StorageError>;

    /// The newest incidents first; only open ones unless `with_resolved`.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn incidents(
        &self,
        with_resolved: bool,
        limit: u32,
    ) -> Result<Vec<IncidentRecord>, StorageError>;

    /// Takes up to `limit` timers of these kinds that are due at `now` and not leased, oldest due first,
    /// until `lease_until`, each with a new fencing number. Two callers never get the same one. The kinds
    /// keep a backlog of callbacks from delaying timers that move money: it must not be scanned to find them.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn lease_timers(
        &self,
        kinds: &[TimerKind],
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<LeasedTimer>, StorageError>;

    /// How many timers are due at `now`, leased ones too, and when the oldest of them was due.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn due_timers(&self, now: Timestamp) -> Result<(u64, Option<Timestamp>), StorageError>;

    /// Takes `count` numbers of operations that nobody else gets, and says the first of them. Never called
    /// between the `load` and the `save` of a batch of the same process.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn lease_serials(&self, count: i64) -> Result<i64, StorageError>;

    /// The version of all settings.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn settings_version(&self) -> Result<i64, StorageError>;

    /// All settings at one version.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn settings(&self) -> Result<SettingsRecords, StorageError>;

    /// Carries out a change of settings in one transaction, and raises the settings version. The row that
    /// holds the version is locked first, so changes take place one after the other.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if the version or the audit trail moved meanwhile, or see
    /// [`StorageError`].
    async fn save_settings(&self, change: &SettingsChange) -> Result<(), StorageError>;

    /// Payments with everything that must agree with them, from `from` on in key order. All of one page
    /// is read in one snapshot.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn audit_page(
        &self,
        from: Option<PaymentId>,
        limit: u32,
    ) -> Result<AuditPage, StorageError>;

    /// The sums stored on every account, and the sums of all postings, account by account, read in one
    /// snapshot.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn audit_accounts(
        &self,
    ) -> Result<(Vec<AccountBalance>, Vec<AccountBalance>), StorageError>;

    /// Forgets batch ids older than `before`.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn forget_batches(&self, before: Timestamp) -> Result<(), StorageError>;

    /// The last call on a handle, at the end of a program: leaves what lies in files in one piece, if nobody
    /// stands in the way, and waits only shortly. Whatever is written through this handle afterwards may be
    /// refused. Without it nothing is lost.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if somebody stood in the way, or see [`StorageError`].
    async fn close(&self) -> Result<(), StorageError> {
        Ok(())
    }
}
