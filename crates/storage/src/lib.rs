//! The contract of a database.
//!
//! All changes of money go one way: [`BatchWriter::load`] opens a database transaction, resolves the
//! natural keys and locks what the batch needs; [`Loaded::decide`] lets the domain decide each command
//! in order on those rows; [`BatchWriter::save`] writes one [`ChangeSet`] and commits. A `ChangeSet` can
//! only be made from a `Loaded`, so nothing is ever written that was not locked in the same transaction.
//!
//! Reads ([`Storage`]) go straight to the database. Every read of a project's rows names the project;
//! the one look-up without an owner is by the unguessable id of a payment, and gives that payment only.
//!
//! Invariants of every implementation: an answered `save` is on disk; a failed one left nothing; instants
//! are microseconds UTC and money is minor units in 64-bit integers; no SQL reads a clock or draws
//! random numbers; keys of tables that grow with payments begin with the bucket of the project.

#[cfg(feature = "conformance")]
pub mod conformance;
mod contract;
mod error;
mod keys;
mod lists;
mod loaded;
mod people;
mod rows;
mod settings;
mod trail;

pub use contract::{
    AccountBalance, AuditPage, AuditedPayment, BatchWriter, DeliveryKey, IncidentRecord,
    LeasedTimer, PaymentFilter, PaymentPage, Storage, Telling,
};
pub use error::StorageError;
pub use keys::{Lease, LoadKeys, ReferenceKey, order_keys};
pub use lists::{
    CustomerRecord, CustomerSearch, IncidentSearch, Lists, PaymentSearch, ProjectKey, Statement,
    StatementLine,
};
pub use loaded::{BatchId, ChangeSet, Loaded, NewReference, Owned, Request, balance_key};
pub use people::{
    Idempotency, IdempotencyRecord, People, PeopleChange, TokenKind, TokenRecord, TokenSearch,
    UserRecord, UserSearch,
};
pub use rows::{CorruptRow, OperationRow, PaymentRow, StoredEvent};
pub use settings::{
    CredentialRecord, ProjectRecord, SettingsChange, SettingsEntry, SettingsKind, SettingsRecords,
};
pub use trail::{AuditEntry, AuditPlace, AuditSearch, Trail};
