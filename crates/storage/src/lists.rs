//! Lists for people: payments, incidents, customers and their statements, always within projects that the
//! caller names.

use altyn_domain::{
    Balance, BalanceKey, Bucket, Currency, CustomerId, CustomerKind, Event, Payment, PaymentId,
    PaymentStatus, Posting, ProjectId, Timestamp,
};
use async_trait::async_trait;

use crate::{IncidentRecord, StorageError};

/// A project with its shard key, as lists name it.
pub type ProjectKey = (Bucket, ProjectId);

/// Which payments are wanted, ordered by registration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PaymentSearch {
    /// Of these projects.
    pub projects: Vec<ProjectKey>,
    /// Any of these statuses; empty for all.
    pub statuses: Vec<PaymentStatus>,
    /// Only of this customer.
    pub customer_id: Option<CustomerId>,
    /// Registered at or after.
    pub from: Option<Timestamp>,
    /// Registered before.
    pub to: Option<Timestamp>,
    /// Oldest first; else newest first.
    pub ascending: bool,
    /// Only behind this place.
    pub after: Option<(Timestamp, PaymentId)>,
    /// At most that many.
    pub limit: u32,
}

/// Which incidents are wanted, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IncidentSearch {
    /// Of these projects.
    pub projects: Vec<ProjectKey>,
    /// Only of this payment, by number, the highest first; of a place only the number counts then.
    pub payment_id: Option<PaymentId>,
    /// Closed ones too.
    pub with_resolved: bool,
    /// Only older than this place: when, payment, number.
    pub after: Option<(Timestamp, PaymentId, u32)>,
    /// At most that many.
    pub limit: u32,
}

/// A customer of a project as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerRecord {
    /// The id; see [`CustomerId::of`].
    pub id: CustomerId,
    /// The project.
    pub project_id: ProjectId,
    /// What the merchant calls the customer.
    pub reference: String,
    /// What kind of customer it is.
    pub kind: Option<CustomerKind>,
    /// Whole name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// When the customer was met first.
    pub created_at: Timestamp,
}

/// Which customers are wanted, by the merchant's reference in byte order, project by project in the order
/// that is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerSearch {
    /// Of these projects.
    pub projects: Vec<ProjectKey>,
    /// Only those whose reference begins so.
    pub reference_prefix: String,
    /// Only behind this place: project and reference.
    pub after: Option<(ProjectId, String)>,
    /// At most that many.
    pub limit: u32,
}

/// One line of a customer's statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementLine {
    /// The payment that it belongs to.
    pub payment_id: PaymentId,
    /// The posting.
    pub posting: Posting,
    /// The merchant's number of the order; empty if the payment is not there.
    pub order_reference: String,
}

/// A page of a customer's statement, all of it as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statement {
    /// What stood on the balance: after the newest line of all, whichever page this is.
    pub balance: Balance,
    /// The lines, newest first.
    pub lines: Vec<StatementLine>,
}

/// Lists in a database.
#[async_trait]
pub trait Lists: Send + Sync {
    /// A page of payments with their operations.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn search_payments(&self, search: &PaymentSearch) -> Result<Vec<Payment>, StorageError>;

    /// The payments of these projects whose order has this number, in whatever dialect; at most `limit`.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn payments_by_order(
        &self,
        projects: &[ProjectKey],
        reference: &str,
        limit: u32,
    ) -> Result<Vec<Payment>, StorageError>;

    /// The events of a payment by number.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn events(&self, payment: PaymentId) -> Result<Vec<Event>, StorageError>;

    /// A page of incidents.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn search_incidents(
        &self,
        search: &IncidentSearch,
    ) -> Result<Vec<IncidentRecord>, StorageError>;

    /// A page of customers.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn customers(&self, search: &CustomerSearch)
    -> Result<Vec<CustomerRecord>, StorageError>;

    /// The customer with this id, if it is one of this project.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn customer(
        &self,
        project: ProjectId,
        id: CustomerId,
    ) -> Result<Option<CustomerRecord>, StorageError>;

    /// A customer's balances, by currency.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn balances(
        &self,
        customer: CustomerId,
    ) -> Result<Vec<(Currency, Balance)>, StorageError>;

    /// Posted movements on a customer's balance in one currency, newest first (by time, payment, number),
    /// only older than `after`, at most `limit`; with the numbers of their orders and the balance, read in
    /// one snapshot.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn statement(
        &self,
        key: BalanceKey,
        after: Option<(Timestamp, PaymentId, u32)>,
        limit: u32,
    ) -> Result<Statement, StorageError>;

    /// The balances as stored, and as counted from all postings, both in key order, read in one snapshot.
    ///
    /// # Errors
    /// See [`StorageError`].
    async fn audit_balances(
        &self,
    ) -> Result<(Vec<(BalanceKey, Balance)>, Vec<(BalanceKey, Balance)>), StorageError>;
}
