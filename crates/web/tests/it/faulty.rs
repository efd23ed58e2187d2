//! A database that fails as a test tells it to: instead of a call, or behind it with the answer lost.

use std::sync::{Arc, Mutex};

use altyn_domain::*;
use altyn_storage::*;
use async_trait::async_trait;
use uuid::Uuid;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The database cannot be reached; nothing is done.
    Away,
    /// Somebody else was faster; nothing is done.
    Raced,
    /// It is done, and the answer is lost.
    Lost,
}

#[derive(Debug)]
struct Plan {
    call: &'static str,
    fault: Fault,
    passes: u32,
    times: u32,
}

/// What is to fail. A plan is for calls of one name: some pass, then some fail.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Plan>>>);

impl Faults {
    pub fn plan(&self, call: &'static str, fault: Fault, passes: u32, times: u32) {
        let plan = Plan {
            call,
            fault,
            passes,
            times,
        };
        self.0.lock().expect("no test panics with it").push(plan);
    }

    /// Every planned failure has happened.
    #[track_caller]
    pub fn expect_done(&self) {
        let plans = self.0.lock().expect("no test panics with it");
        assert!(plans.iter().all(|plan| plan.times == 0), "{plans:?}");
    }

    fn next(&self, call: &str) -> Option<Fault> {
        let mut plans = self.0.lock().expect("no test panics with it");
        let plan = plans
            .iter_mut()
            .find(|plan| plan.call == call && plan.times > 0)?;
        if plan.passes > 0 {
            plan.passes -= 1;
            return None;
        }
        plan.times -= 1;
        Some(plan.fault)
    }

    async fn around<T>(
        &self,
        call: &str,
        work: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        let words = || format!("{call}, on purpose");
        match self.next(call) {
            None => work.await,
            Some(Fault::Away) => Err(StorageError::Unavailable(words())),
            Some(Fault::Raced) => Err(StorageError::Conflict),
            Some(Fault::Lost) => {
                work.await?;
                Err(StorageError::CommitUnknown(words()))
            }
        }
    }
}

pub struct Faulty {
    inner: Arc<dyn Storage>,
    faults: Faults,
}

impl Faulty {
    pub fn over(inner: Arc<dyn Storage>, faults: &Faults) -> Arc<dyn Storage> {
        let faults = faults.clone();
        Arc::new(Self { inner, faults })
    }
}

macro_rules! through {
    ($of:ident, $($name:ident($($arg:ident: $kind:ty),*) -> $out:ty;)* { $($more:tt)* }) => {
        #[async_trait]
        impl $of for Faulty {
            $($more)*
            $(async fn $name(&self, $($arg: $kind),*) -> Result<$out, StorageError> {
                self.faults.around(stringify!($name), self.inner.$name($($arg),*)).await
            })*
        }
    };
}

through! {
    People,
    save_people(change: &PeopleChange, at: Timestamp) -> ();
    user(id: UserId) -> Option<UserRecord>;
    user_by_email(email: &str) -> Option<UserRecord>;
    users(search: &UserSearch) -> Vec<UserRecord>;
    token_by_hash(hash: &[u8]) -> Option<TokenRecord>;
    tokens(search: &TokenSearch) -> Vec<TokenRecord>;
    touch_token(id: TokenId, at: Timestamp) -> ();
    forget_tokens(before: Timestamp) -> ();
    {}
}

through! {
    Idempotency,
    begin_request(record: &IdempotencyRecord) -> Option<IdempotencyRecord>;
    finish_request(owner: Uuid, key_hash: &[u8], answer: &str) -> ();
    forget_request(owner: Uuid, key_hash: &[u8]) -> ();
    forget_requests(before: Timestamp) -> ();
    {}
}

through! {
    Trail,
    append_audit(entries: &[AuditEntry]) -> ();
    audit_entries(search: &AuditSearch) -> Vec<AuditEntry>;
    audit_chain(chain: Uuid, from: i64, limit: u32) -> Vec<AuditEntry>;
    audit_heads() -> Vec<AuditEntry>;
    {}
}

through! {
    Lists,
    search_payments(search: &PaymentSearch) -> Vec<Payment>;
    payments_by_order(projects: &[ProjectKey], reference: &str, limit: u32) -> Vec<Payment>;
    events(payment: PaymentId) -> Vec<Event>;
    search_incidents(search: &IncidentSearch) -> Vec<IncidentRecord>;
    customers(search: &CustomerSearch) -> Vec<CustomerRecord>;
    customer(project: ProjectId, id: CustomerId) -> Option<CustomerRecord>;
    balances(customer: CustomerId) -> Vec<(Currency, Balance)>;
    statement(key: BalanceKey, after: Option<(Timestamp, PaymentId, u32)>, limit: u32) -> Statement;
    audit_balances() -> (Vec<(BalanceKey, Balance)>, Vec<(BalanceKey, Balance)>);
    {}
}

through! {
    Storage,
    ping() -> ();
    payment(project: ProjectId, id: PaymentId) -> Option<Payment>;
    payment_by_capability(id: PaymentId) -> Option<Payment>;
    payment_by_reference(key: &ReferenceKey) -> Option<Payment>;
    payments(project: ProjectId, bucket: Bucket, filter: &PaymentFilter) -> PaymentPage;
    deliveries(keys: &[DeliveryKey]) -> Vec<Telling>;
    delivery_attempts(payment: PaymentId) -> Vec<DeliveryAttempt>;
    postings(payment: PaymentId) -> Vec<Posting>;
    incidents(with_resolved: bool, limit: u32) -> Vec<IncidentRecord>;
    lease_timers(kinds: &[TimerKind], now: Timestamp, until: Timestamp, limit: u32) -> Vec<LeasedTimer>;
    due_timers(now: Timestamp) -> (u64, Option<Timestamp>);
    lease_serials(count: i64) -> i64;
    settings_version() -> i64;
    settings() -> SettingsRecords;
    save_settings(change: &SettingsChange) -> ();
    audit_page(from: Option<PaymentId>, limit: u32) -> AuditPage;
    audit_accounts() -> (Vec<AccountBalance>, Vec<AccountBalance>);
    forget_batches(before: Timestamp) -> ();
    {
        fn name(&self) -> &'static str {
            self.inner.name()
        }

        async fn writer(&self) -> Result<Box<dyn BatchWriter>, StorageError> {
            let (inner, faults) = (self.inner.writer().await?, self.faults.clone());
            Ok(Box::new(FaultyWriter { inner, faults }))
        }
    }
}

/// Fails at `load`, `save` and `is_committed`.
struct FaultyWriter {
    inner: Box<dyn BatchWriter>,
    faults: Faults,
}

#[async_trait]
impl BatchWriter for FaultyWriter {
    async fn load(&mut self, keys: &LoadKeys) -> Result<Loaded, StorageError> {
        self.faults.around("load", self.inner.load(keys)).await
    }

    /// One that is not carried out closes its transaction, as a broken connection does.
    async fn save(&mut self, changes: &ChangeSet) -> Result<(), StorageError> {
        let saved = self.faults.around("save", self.inner.save(changes)).await;
        if saved.is_err() {
            self.inner.abandon().await;
        }
        saved
    }

    async fn abandon(&mut self) {
        self.inner.abandon().await;
    }

    async fn is_committed(&mut self, batch: BatchId) -> Result<bool, StorageError> {
        let looked = self.inner.is_committed(batch);
        self.faults.around("is_committed", looked).await
    }
}
