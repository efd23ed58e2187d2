//! Rows: payments and operations as plain columns, the same in every database.

use std::sync::Arc;

use altyn_domain::{
    CardSummary, Counters, Currency, CustomerId, DeclineCode, End, EndReason, Event, EventKind,
    Facts, IncidentKind, Initiator, Money, Operation, OperationId, OperationKind, OperationState,
    Order, PayerAction, Payment, PaymentId, ProjectId, Sums, Timestamp, Way,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A stored row that cannot be read. It is never guessed at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row of {table} {key} cannot be read: {column}")]
pub struct CorruptRow {
    /// The table.
    pub table: &'static str,
    /// The row.
    pub key: String,
    /// What is wrong.
    pub column: String,
}

fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The columns of `payments`. Instants are microseconds; money is minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns are documented in the migrations")]
pub struct PaymentRow {
    pub bucket: i16,
    pub payment_id: Uuid,
    pub project_id: Uuid,
    pub customer_id: Option<Uuid>,
    pub dialect: String,
    pub way: String,
    pub currency: String,
    pub amount: i64,
    pub held: i64,
    pub captured: i64,
    pub voided: i64,
    pub refunded: i64,
    pub reversed: i64,
    pub charged_back: i64,
    pub status: String,
    pub completed_by: Option<i32>,
    pub completed_at: Option<i64>,
    pub end_reason: Option<String>,
    pub end_at: Option<i64>,
    pub tries_max: i32,
    pub expires_at: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub auto_capture_at: Option<i64>,
    pub auto_void_at: Option<i64>,
    pub posting_count: i32,
    pub event_count: i32,
    pub delivery_count: i32,
    pub incident_count: i32,
    pub order_reference: String,
    pub order_details: String,
}

impl PaymentRow {
    /// The columns of a payment.
    pub fn of(payment: &Payment) -> Self {
        let sums = payment.sums;
        let counters = payment.counters;
        let winner = payment.winner();
        Self {
            bucket: payment.id.bucket().number(),
            payment_id: payment.id.uuid(),
            project_id: payment.project_id.uuid(),
            customer_id: payment.customer_id.map(CustomerId::uuid),
            dialect: payment.dialect.clone(),
            way: payment.way.word().to_owned(),
            currency: payment.amount.currency().alpha().to_owned(),
            amount: payment.amount.minor(),
            held: sums.held,
            captured: sums.captured,
            voided: sums.voided,
            refunded: sums.refunded,
            reversed: sums.reversed,
            charged_back: sums.charged_back,
            status: payment.status().word().to_owned(),
            completed_by: payment.completed_by.map(small),
            completed_at: winner.and_then(|w| w.finished_at).map(Timestamp::as_micros),
            end_reason: payment.end.map(|end| end.reason.word().to_owned()),
            end_at: payment.end.map(|end| end.at.as_micros()),
            tries_max: small(payment.tries_max),
            expires_at: payment.expires_at.as_micros(),
            created_at: payment.created_at.as_micros(),
            updated_at: payment.updated_at.as_micros(),
            auto_capture_at: payment.auto_capture_at.map(Timestamp::as_micros),
            auto_void_at: payment.auto_void_at.map(Timestamp::as_micros),
            posting_count: small(counters.postings),
            event_count: small(counters.events),
            delivery_count: small(counters.deliveries),
            incident_count: small(counters.incidents),
            order_reference: payment.order.reference.clone(),
            order_details: serde_json::to_string(&*payment.order).unwrap_or_default(),
        }
    }

    /// The payment with its operations, which must be in order of their numbers.
    ///
    /// # Errors
    /// If a column holds what this program never writes.
    pub fn into_payment(self, operations: Vec<Operation>) -> Result<Payment, CorruptRow> {
        let key = self.payment_id.to_string();
        let corrupt = |column: &str| CorruptRow {
            table: "payments",
            key: key.clone(),
            column: column.to_owned(),
        };
        let count = |n: i32, column| u32::try_from(n).map_err(|_| corrupt(column));
        let currency = Currency::from_alpha(&self.currency).map_err(|_| corrupt("currency"))?;
        let end = match (self.end_reason.as_deref(), self.end_at) {
            (None, None) => None,
            (Some(word), Some(at)) => Some(End {
                reason: EndReason::parse(word).ok_or_else(|| corrupt("end_reason"))?,
                at: Timestamp::from_micros(at),
            }),
            _ => return Err(corrupt("end_at")),
        };
        let order: Order =
            serde_json::from_str(&self.order_details).map_err(|_| corrupt("order_details"))?;
        Ok(Payment {
            id: PaymentId::from_uuid(self.payment_id),
            project_id: ProjectId::from_uuid(self.project_id),
            customer_id: self.customer_id.map(CustomerId::from_uuid),
            way: Way::parse(&self.way).ok_or_else(|| corrupt("way"))?,
            amount: Money::new(self.amount, currency).map_err(|_| corrupt("amount"))?,
            sums: Sums {
                held: self.held,
                captured: self.captured,
                voided: self.voided,
                refunded: self.refunded,
                reversed: self.reversed,
                charged_back: self.charged_back,
            },
            completed_by: self
                .completed_by
                .map(|n| count(n, "completed_by"))
                .transpose()?,
            end,
            tries_max: count(self.tries_max, "tries_max")?,
            expires_at: Timestamp::from_micros(self.expires_at),
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
            auto_capture_at: self.auto_capture_at.map(Timestamp::from_micros),
            auto_void_at: self.auto_void_at.map(Timestamp::from_micros),
            counters: Counters {
                postings: count(self.posting_count, "posting_count")?,
                events: count(self.event_count, "event_count")?,
                deliveries: count(self.delivery_count, "delivery_count")?,
                incidents: count(self.incident_count, "incident_count")?,
            },
            order: Arc::new(order),
            operations,
            dialect: self.dialect,
        })
    }
}

/// The columns of `operations`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns are documented in the migrations")]
pub struct OperationRow {
    pub bucket: i16,
    pub payment_id: Uuid,
    pub number: i32,
    pub project_id: Uuid,
    pub operation_id: Uuid,
    pub kind: String,
    pub state: String,
    pub amount: i64,
    pub parent: Option<i32>,
    pub reference: Option<String>,
    pub method: String,
    pub surplus: bool,
    pub created_at: i64,
    pub sent_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub details: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[derive(Serialize, Deserialize)]
struct OperationDetails {
    #[serde(default)]
    serial: i64,
    initiator: Initiator,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    doubts: Vec<IncidentKind>,
    #[serde(default, skip_serializing_if = "is_zero")]
    on_balance: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    credited: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    release_rest: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    period_over: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decline: Option<DeclineCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    card: Option<CardSummary>,
    facts: Facts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<PayerAction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reserve: Option<u32>,
    exchanges: u32,
}

impl OperationRow {
    /// The columns of an operation of this payment.
    pub fn of(payment_id: PaymentId, project_id: ProjectId, operation: &Operation) -> Self {
        let details = OperationDetails {
            serial: operation.serial,
            initiator: operation.initiator,
            description: operation.description.clone(),
            doubts: operation.doubts.clone(),
            on_balance: operation.on_balance,
            credited: operation.credited,
            release_rest: operation.release_rest,
            period_over: operation.period_over,
            decline: operation.decline,
            card: operation.card.clone(),
            facts: operation.facts.clone(),
            action: operation.action.clone(),
            reserve: operation.reserve,
            exchanges: operation.exchanges,
        };
        Self {
            bucket: payment_id.bucket().number(),
            payment_id: payment_id.uuid(),
            number: small(operation.number),
            project_id: project_id.uuid(),
            operation_id: operation.id.uuid(),
            kind: operation.kind.word().to_owned(),
            state: operation.state.word().to_owned(),
            amount: operation.amount,
            parent: operation.parent.map(small),
            reference: operation.reference.clone(),
            method: operation.method.clone(),
            surplus: operation.surplus,
            created_at: operation.created_at.as_micros(),
            sent_at: operation.sent_at.map(Timestamp::as_micros),
            finished_at: operation.finished_at.map(Timestamp::as_micros),
            details: serde_json::to_string(&details).unwrap_or_default(),
        }
    }

    /// The operation.
    ///
    /// # Errors
    /// If a column holds what this program never writes.
    pub fn into_operation(self) -> Result<Operation, CorruptRow> {
        let key = format!("{}/{}", self.payment_id, self.number);
        let corrupt = |column: &str| CorruptRow {
            table: "operations",
            key: key.clone(),
            column: column.to_owned(),
        };
        let count = |n: i32, column| u32::try_from(n).map_err(|_| corrupt(column));
        let details: OperationDetails =
            serde_json::from_str(&self.details).map_err(|_| corrupt("details"))?;
        Ok(Operation {
            id: OperationId::from_uuid(self.operation_id),
            serial: details.serial,
            description: details.description,
            doubts: details.doubts,
            on_balance: details.on_balance,
            credited: details.credited,
            number: count(self.number, "number")?,
            kind: OperationKind::parse(&self.kind).ok_or_else(|| corrupt("kind"))?,
            state: OperationState::parse(&self.state).ok_or_else(|| corrupt("state"))?,
            amount: self.amount,
            parent: self.parent.map(|n| count(n, "parent")).transpose()?,
            method: self.method,
            initiator: details.initiator,
            release_rest: details.release_rest,
            surplus: self.surplus,
            period_over: details.period_over,
            decline: details.decline,
            card: details.card,
            facts: details.facts,
            action: details.action,
            reserve: details.reserve,
            exchanges: details.exchanges,
            created_at: Timestamp::from_micros(self.created_at),
            sent_at: self.sent_at.map(Timestamp::from_micros),
            finished_at: self.finished_at.map(Timestamp::from_micros),
            reference: self.reference,
        })
    }
}

/// The columns of `events`: the payment is stored as JSON without its order, which never changes and is
/// put back when the event is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Number within the payment.
    pub number: i32,
    /// [`EventKind::word`].
    pub kind: String,
    /// The operation it is about.
    pub operation: Option<i32>,
    /// When, in microseconds.
    pub at: i64,
    /// The payment as JSON, without its order.
    pub payment: String,
}

impl StoredEvent {
    /// The columns of an event.
    pub fn of(event: &Event) -> Self {
        Self {
            number: small(event.number),
            kind: event.kind.word().to_owned(),
            operation: event.operation.map(small),
            at: event.at.as_micros(),
            payment: serde_json::to_string(&event.payment).unwrap_or_default(),
        }
    }

    /// The event, with the payment's order put back.
    ///
    /// # Errors
    /// If a column holds what this program never writes.
    pub fn into_event(self, order: Arc<Order>) -> Result<Event, CorruptRow> {
        let corrupt = |column: &str| CorruptRow {
            table: "events",
            key: self.number.to_string(),
            column: column.to_owned(),
        };
        let mut payment: Payment =
            serde_json::from_str(&self.payment).map_err(|_| corrupt("payment"))?;
        payment.order = order;
        Ok(Event {
            number: u32::try_from(self.number).map_err(|_| corrupt("number"))?,
            kind: EventKind::parse(&self.kind).ok_or_else(|| corrupt("kind"))?,
            operation: self.operation.and_then(|n| u32::try_from(n).ok()),
            payment,
            at: Timestamp::from_micros(self.at),
        })
    }
}
