//! The database as the back office sees it: lists, people, idempotency records, the audit trail.

use altyn_domain::{
    Balance, BalanceKey, Currency, CustomerId, Event, Payment, PaymentId, ProjectId, Timestamp,
    TokenId, UserId,
};
use altyn_storage::{
    AuditEntry, AuditSearch, CustomerRecord, CustomerSearch, Idempotency, IdempotencyRecord,
    IncidentRecord, IncidentSearch, Lists, PaymentSearch, People, PeopleChange, ProjectKey,
    Statement, StorageError, TokenRecord, TokenSearch, Trail, UserRecord, UserSearch,
};
use async_trait::async_trait;
use uuid::Uuid;

use crate::storage::SqliteStorage;
use crate::{customers, people, requests, search, trail};

#[async_trait]
impl Lists for SqliteStorage {
    async fn search_payments(&self, search: &PaymentSearch) -> Result<Vec<Payment>, StorageError> {
        let search = search.clone();
        self.read(move |db| search::payments(db, &search)).await
    }

    async fn payments_by_order(
        &self,
        projects: &[ProjectKey],
        reference: &str,
        limit: u32,
    ) -> Result<Vec<Payment>, StorageError> {
        let (projects, reference) = (projects.to_vec(), reference.to_owned());
        self.read(move |db| search::payments_by_order(db, &projects, &reference, limit))
            .await
    }

    async fn events(&self, payment: PaymentId) -> Result<Vec<Event>, StorageError> {
        self.read(move |db| search::events(db, payment)).await
    }

    async fn search_incidents(
        &self,
        search: &IncidentSearch,
    ) -> Result<Vec<IncidentRecord>, StorageError> {
        let search = search.clone();
        self.read(move |db| search::incidents(db, &search)).await
    }

    async fn customers(
        &self,
        search: &CustomerSearch,
    ) -> Result<Vec<CustomerRecord>, StorageError> {
        let search = search.clone();
        self.read(move |db| customers::list(db, &search)).await
    }

    async fn customer(
        &self,
        project: ProjectId,
        id: CustomerId,
    ) -> Result<Option<CustomerRecord>, StorageError> {
        self.read(move |db| customers::customer(db, project, id))
            .await
    }

    async fn balances(
        &self,
        customer: CustomerId,
    ) -> Result<Vec<(Currency, Balance)>, StorageError> {
        self.read(move |db| customers::balances(db, customer)).await
    }

    async fn statement(
        &self,
        key: BalanceKey,
        after: Option<(Timestamp, PaymentId, u32)>,
        limit: u32,
    ) -> Result<Statement, StorageError> {
        self.read(move |db| customers::statement(db, key, after, limit))
            .await
    }

    async fn audit_balances(
        &self,
    ) -> Result<(Vec<(BalanceKey, Balance)>, Vec<(BalanceKey, Balance)>), StorageError> {
        self.read(customers::audit).await
    }
}

#[async_trait]
impl People for SqliteStorage {
    async fn save_people(&self, change: &PeopleChange, at: Timestamp) -> Result<(), StorageError> {
        let change = change.clone();
        self.write(move |db| people::save(db, &change, at)).await
    }

    async fn user(&self, id: UserId) -> Result<Option<UserRecord>, StorageError> {
        self.read(move |db| people::user(db, id)).await
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<UserRecord>, StorageError> {
        let email = email.to_owned();
        self.read(move |db| people::user_by_email(db, &email)).await
    }

    async fn users(&self, search: &UserSearch) -> Result<Vec<UserRecord>, StorageError> {
        let search = search.clone();
        self.read(move |db| people::users(db, &search)).await
    }

    async fn token_by_hash(&self, hash: &[u8]) -> Result<Option<TokenRecord>, StorageError> {
        let hash = hash.to_vec();
        self.read(move |db| people::token_by_hash(db, &hash)).await
    }

    async fn tokens(&self, search: &TokenSearch) -> Result<Vec<TokenRecord>, StorageError> {
        let search = search.clone();
        self.read(move |db| people::tokens(db, &search)).await
    }

    async fn touch_token(&self, id: TokenId, at: Timestamp) -> Result<(), StorageError> {
        self.write(move |db| people::touch(db, id, at)).await
    }

    async fn forget_tokens(&self, before: Timestamp) -> Result<(), StorageError> {
        self.write(move |db| people::forget_tokens(db, before))
            .await
    }
}

#[async_trait]
impl Idempotency for SqliteStorage {
    async fn begin_request(
        &self,
        record: &IdempotencyRecord,
    ) -> Result<Option<IdempotencyRecord>, StorageError> {
        let record = record.clone();
        self.write(move |db| requests::begin(db, &record)).await
    }

    async fn finish_request(
        &self,
        owner: Uuid,
        key_hash: &[u8],
        answer: &str,
    ) -> Result<(), StorageError> {
        let (key_hash, answer) = (key_hash.to_vec(), answer.to_owned());
        self.write(move |db| requests::finish(db, owner, &key_hash, &answer))
            .await
    }

    async fn forget_request(&self, owner: Uuid, key_hash: &[u8]) -> Result<(), StorageError> {
        let key_hash = key_hash.to_vec();
        self.write(move |db| requests::forget(db, owner, &key_hash))
            .await
    }

    async fn forget_requests(&self, before: Timestamp) -> Result<(), StorageError> {
        self.write(move |db| requests::forget_before(db, before))
            .await
    }
}

#[async_trait]
impl Trail for SqliteStorage {
    async fn append_audit(&self, entries: &[AuditEntry]) -> Result<(), StorageError> {
        let entries = entries.to_vec();
        self.write(move |db| trail::append(db, &entries)).await
    }

    async fn audit_entries(&self, search: &AuditSearch) -> Result<Vec<AuditEntry>, StorageError> {
        let search = search.clone();
        self.read(move |db| trail::list(db, &search)).await
    }

    async fn audit_chain(
        &self,
        chain: Uuid,
        from: i64,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        self.read(move |db| trail::chain(db, chain, from, limit))
            .await
    }

    async fn audit_heads(&self) -> Result<Vec<AuditEntry>, StorageError> {
        self.read(trail::heads).await
    }
}
