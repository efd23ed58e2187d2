//! The rules of the gateway, and nothing else: what a payment is, which operation may follow which,
//! where money stands in the ledger, what a merchant is told.
//!
//! This crate is pure. It has no async code, SQL, sockets, clock or randomness: time and new ids are
//! arguments. Everything that changes money goes through [`decide`], which takes what was loaded and a
//! [`Command`] and returns a [`Decision`] or a [`Refusal`]; whoever calls it saves the whole decision in
//! one database transaction or nothing of it.
#![warn(clippy::wildcard_enum_match_arm, clippy::float_arithmetic)]

mod access;
mod callback;
mod card;
mod command;
mod connector;
mod context;
mod decide;
mod event;
mod id;
mod incident;
mod language;
mod ledger;
mod money;
mod operation;
mod order;
mod outcome;
mod payment;
mod project;
mod refusal;
mod report;
mod time;
mod timer;
mod tries;
mod undo;

pub use access::{Permission, Role, Scope};
pub use callback::{
    CallbackFormat, CallbackMessage, Endpoint, EndpointChoices, EndpointSecret, RenderError,
};
pub use card::{CardBrand, CardDetails, CardError, CardNumber, CardSummary, Expiry, SecurityCode};
pub use command::{
    BeginTry, CancelPayment, Capture, Command, DoubtNotice, FireTimer, Initiator, OnRefusal,
    Refund, RegisterPayment, ReportOutcome, ResolveIncident, ReturnSurplus, SendOperation, Target,
    Void,
};
pub use connector::{
    Addresses, Authentication, BrowserFacts, Connector, ConnectorError, ConnectorSettings,
    Description, ExchangeKind, ExchangeRequest, HttpMethod, HttpRequest, HttpResponse,
    NotDescribed, NotFoundRule, Notice, NoticeReading, NoticeRefusal, ROUNDS_MAX, Step,
};
pub use context::{Context, Effects, IdSource};
pub use decide::{Answer, Decision, decide};
pub use event::{Delivery, DeliveryAttempt, DeliveryState, Event, EventKind};
pub use id::{
    Bucket, ConnectorId, CredentialId, CustomerId, IdError, MerchantId, MethodId, OperationId,
    PaymentId, ProjectId, ReferenceKind, ResellerId, TokenId, UserId, bucketed_uuid,
};
pub use incident::{Incident, IncidentKind};
pub use language::Language;
pub use ledger::{
    Account, AccountDelta, AccountKind, Balance, BalanceKey, EntryKind, Phase, Posting,
    account_deltas, balance_deltas, replay_balances,
};
pub use money::{Currency, CurrencyError, Money, MoneyError};
pub use operation::{Operation, OperationKind, OperationState, Transition};
pub use order::{Customer, CustomerKind, Features, Order};
pub use outcome::{DeclineCode, Facts, Outcome, PayerAction, Report};
pub use payment::{Counters, End, EndReason, Payment, PaymentStatus, Sums, Way};
pub use project::{
    AmountRange, MethodKind, PaymentMethod, Project, ProjectSettings, ProviderNumbers,
    RefundAbility, SharedKey, SurplusPolicy,
};
pub use refusal::Refusal;
pub use time::Timestamp;
pub use timer::{TimerChange, TimerKey, TimerKind};
pub use tries::BALANCE_METHOD;
