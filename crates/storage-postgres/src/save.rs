//! The second half of a batch: every change as one statement for each table.
//!
//! Classes of rows come in one fixed order, and rows of a class in key order, so that two writers never
//! wait for each other crosswise: balances, most of which `load` locked already, references, customers,
//! payments, operations, events, timers, then accounts, which many payments share and which are therefore
//! held for the shortest time, and postings, whose keys point to accounts.

use std::collections::{BTreeMap, BTreeSet};

use altyn_domain::{
    Account, AccountDelta, Balance, BalanceKey, Bucket, CustomerId, Delivery, DeliveryAttempt,
    Incident, PaymentId, Posting, ProjectId, TimerChange, TimerKey, Timestamp,
};
use altyn_storage::{
    ChangeSet, CustomerRecord, NewReference, OperationRow, Owned, PaymentRow, StoredEvent,
};
use uuid::Uuid;

use crate::flight::{Param, Step, column};
use crate::inserts::{SaveStatements, Writes};
use crate::rows::{customer_kind_word, small};

/// A timer to be set: key, project, due time, attempt, end of its lease.
type Set = (TimerKey, ProjectId, Timestamp, u32, Option<Timestamp>);

/// What changes on an account, with the bucket of its project.
type AccountChange = (Bucket, Account, AccountDelta);

/// What changes on a customer's balance, with the project whose customer it is.
type BalanceChange = (BalanceKey, ProjectId, Balance);

/// A change in the columns of the tables, as far as the domain's own types are not those already.
pub(crate) struct Rows {
    new_payments: Vec<PaymentRow>,
    changed_payments: Vec<PaymentRow>,
    operations: Vec<OperationRow>,
    events: Vec<Owned<StoredEvent>>,
    timers_set: Vec<Set>,
    timers_cleared: Vec<TimerKey>,
    accounts: Vec<AccountChange>,
    balances: Vec<BalanceChange>,
}

impl Rows {
    /// The rows of a change; payments that are not among the `locked` ones are new.
    pub(crate) fn of(changes: &ChangeSet, locked: &BTreeSet<PaymentId>) -> Self {
        let (changed, new): (Vec<_>, Vec<_>) = changes
            .payments
            .iter()
            .partition(|payment| locked.contains(&payment.id));
        let mut timers_set = Vec::new();
        let mut timers_cleared = Vec::new();
        for (key, (project, change)) in &changes.timers {
            match *change {
                TimerChange::Set { due_at, attempt } => {
                    let lease = changes.leases.get(key).copied();
                    timers_set.push((*key, *project, due_at, attempt, lease));
                }
                TimerChange::Clear => timers_cleared.push(*key),
            }
        }
        let operation = |o: &Owned<_>| OperationRow::of(o.payment_id, o.project_id, &o.row);
        Self {
            new_payments: new.into_iter().map(PaymentRow::of).collect(),
            changed_payments: changed.into_iter().map(PaymentRow::of).collect(),
            operations: changes.operations.iter().map(operation).collect(),
            events: changes.events.iter().map(stored_event).collect(),
            timers_set,
            timers_cleared,
            accounts: accounts(changes),
            balances: changes
                .balances
                .iter()
                .map(|(key, (project, change))| (*key, *project, *change))
                .collect(),
        }
    }
}

fn stored_event(event: &Owned<altyn_domain::Event>) -> Owned<StoredEvent> {
    Owned {
        payment_id: event.payment_id,
        project_id: event.project_id,
        row: StoredEvent::of(&event.row),
    }
}

/// The accounts in their order, with the bucket of their project, which its payments carry.
fn accounts(changes: &ChangeSet) -> Vec<AccountChange> {
    let buckets: BTreeMap<ProjectId, Bucket> = changes
        .postings
        .iter()
        .map(|posting| (posting.row.project_id, posting.payment_id.bucket()))
        .collect();
    let accounts = changes.accounts.iter();
    accounts
        .filter_map(|(account, delta)| {
            let bucket = buckets.get(&account.project_id)?;
            Some((*bucket, *account, *delta))
        })
        .collect()
}

impl SaveStatements {
    /// The statements that write `changes`, in the order they must be sent; what is empty is left out.
    pub(crate) fn steps<'a>(&'a self, changes: &'a ChangeSet, rows: &'a Rows) -> Vec<Step<'a>> {
        let at = changes.at;
        let mut steps = Vec::with_capacity(16);
        let mut add = |write, empty: bool, params: &dyn Fn() -> Vec<Param<'a>>| {
            if !empty {
                let (statement, params) = (self.of(write), params());
                steps.push(Step { statement, params });
            }
        };
        let ChangeSet {
            references,
            deliveries,
            attempts,
            incidents,
            postings,
            customers,
            ..
        } = changes;
        let (new, changed) = (&rows.new_payments, &rows.changed_payments);
        let (set, cleared) = (&rows.timers_set, &rows.timers_cleared);
        add(Writes::Balances, rows.balances.is_empty(), &|| {
            balance_params(&rows.balances)
        });
        add(Writes::References, references.is_empty(), &|| {
            reference_params(references)
        });
        add(Writes::Customers, customers.is_empty(), &|| {
            customer_params(customers)
        });
        add(Writes::NewPayments, new.is_empty(), &|| payment_params(new));
        add(Writes::ChangedPayments, changed.is_empty(), &|| {
            changed_payment_params(changed)
        });
        add(Writes::Operations, rows.operations.is_empty(), &|| {
            operation_params(&rows.operations)
        });
        add(Writes::Events, rows.events.is_empty(), &|| {
            event_params(&rows.events)
        });
        add(Writes::Deliveries, deliveries.is_empty(), &|| {
            delivery_params(deliveries)
        });
        add(Writes::Attempts, attempts.is_empty(), &|| {
            attempt_params(attempts)
        });
        add(Writes::Incidents, incidents.is_empty(), &|| {
            incident_params(incidents, at)
        });
        for resolved in &changes.resolved {
            add(Writes::Resolved, false, &|| resolved_params(resolved, at));
        }
        add(Writes::TimersSet, set.is_empty(), &|| timer_params(set, at));
        add(Writes::TimersCleared, cleared.is_empty(), &|| {
            timer_key_params(cleared)
        });
        add(Writes::Accounts, rows.accounts.is_empty(), &|| {
            account_params(&rows.accounts)
        });
        add(Writes::Postings, postings.is_empty(), &|| {
            posting_params(postings)
        });
        let batch = changes.batch.0;
        add(Writes::Batch, false, &|| {
            vec![Box::new(batch), Box::new(at.as_micros())]
        });
        steps
    }
}

fn reference_params(rows: &[NewReference]) -> Vec<Param<'_>> {
    vec![
        column(rows, |r| r.key.bucket.number()),
        column(rows, |r| r.key.project_id.uuid()),
        column(rows, |r| r.key.dialect.as_str()),
        column(rows, |r| r.key.kind.number()),
        column(rows, |r| r.key.key.as_str()),
        column(rows, |r| r.payment_id.uuid()),
    ]
}

fn balance_params(rows: &[BalanceChange]) -> Vec<Param<'_>> {
    vec![
        column(rows, |(key, ..)| key.customer_id.bucket().number()),
        column(rows, |(key, ..)| key.customer_id.uuid()),
        column(rows, |(key, ..)| key.currency.alpha()),
        column(rows, |(_, project, _)| project.uuid()),
        column(rows, |(.., change)| change.posted),
        column(rows, |(.., change)| change.reserved),
    ]
}

fn customer_params(rows: &[CustomerRecord]) -> Vec<Param<'_>> {
    vec![
        column(rows, |c| c.id.bucket().number()),
        column(rows, |c| c.id.uuid()),
        column(rows, |c| c.project_id.uuid()),
        column(rows, |c| c.reference.as_str()),
        column(rows, |c| c.kind.map(customer_kind_word)),
        column(rows, |c| c.name.as_deref()),
        column(rows, |c| c.email.as_deref()),
        column(rows, |c| c.phone.as_deref()),
        column(rows, |c| c.created_at.as_micros()),
    ]
}

fn payment_params(rows: &[PaymentRow]) -> Vec<Param<'_>> {
    vec![
        column(rows, |p| p.bucket),
        column(rows, |p| p.payment_id),
        column(rows, |p| p.project_id),
        column(rows, |p| p.dialect.as_str()),
        column(rows, |p| p.way.as_str()),
        column(rows, |p| p.currency.as_str()),
        column(rows, |p| p.amount),
        column(rows, |p| p.held),
        column(rows, |p| p.captured),
        column(rows, |p| p.voided),
        column(rows, |p| p.refunded),
        column(rows, |p| p.reversed),
        column(rows, |p| p.charged_back),
        column(rows, |p| p.status.as_str()),
        column(rows, |p| p.completed_by),
        column(rows, |p| p.completed_at),
        column(rows, |p| p.end_reason.as_deref()),
        column(rows, |p| p.end_at),
        column(rows, |p| p.tries_max),
        column(rows, |p| p.expires_at),
        column(rows, |p| p.created_at),
        column(rows, |p| p.updated_at),
        column(rows, |p| p.auto_capture_at),
        column(rows, |p| p.auto_void_at),
        column(rows, |p| p.posting_count),
        column(rows, |p| p.event_count),
        column(rows, |p| p.delivery_count),
        column(rows, |p| p.incident_count),
        column(rows, |p| p.order_reference.as_str()),
        column(rows, |p| p.order_details.as_str()),
        column(rows, |p| p.customer_id),
    ]
}

fn changed_payment_params(rows: &[PaymentRow]) -> Vec<Param<'_>> {
    vec![
        column(rows, |p| p.bucket),
        column(rows, |p| p.payment_id),
        column(rows, |p| p.held),
        column(rows, |p| p.captured),
        column(rows, |p| p.voided),
        column(rows, |p| p.refunded),
        column(rows, |p| p.reversed),
        column(rows, |p| p.charged_back),
        column(rows, |p| p.status.as_str()),
        column(rows, |p| p.completed_by),
        column(rows, |p| p.completed_at),
        column(rows, |p| p.end_reason.as_deref()),
        column(rows, |p| p.end_at),
        column(rows, |p| p.tries_max),
        column(rows, |p| p.expires_at),
        column(rows, |p| p.updated_at),
        column(rows, |p| p.auto_capture_at),
        column(rows, |p| p.auto_void_at),
        column(rows, |p| p.posting_count),
        column(rows, |p| p.event_count),
        column(rows, |p| p.delivery_count),
        column(rows, |p| p.incident_count),
    ]
}

fn operation_params(rows: &[OperationRow]) -> Vec<Param<'_>> {
    vec![
        column(rows, |o| o.bucket),
        column(rows, |o| o.payment_id),
        column(rows, |o| o.number),
        column(rows, |o| o.project_id),
        column(rows, |o| o.operation_id),
        column(rows, |o| o.kind.as_str()),
        column(rows, |o| o.state.as_str()),
        column(rows, |o| o.amount),
        column(rows, |o| o.parent),
        column(rows, |o| o.reference.as_deref()),
        column(rows, |o| o.method.as_str()),
        column(rows, |o| o.surplus),
        column(rows, |o| o.created_at),
        column(rows, |o| o.sent_at),
        column(rows, |o| o.finished_at),
        column(rows, |o| o.details.as_str()),
    ]
}

fn event_params(rows: &[Owned<StoredEvent>]) -> Vec<Param<'_>> {
    vec![
        column(rows, bucket),
        column(rows, payment),
        column(rows, |e| e.row.number),
        column(rows, project),
        column(rows, |e| e.row.kind.as_str()),
        column(rows, |e| e.row.operation),
        column(rows, |e| e.row.at),
        column(rows, |e| e.row.payment.as_str()),
    ]
}

fn delivery_params(rows: &[Owned<Delivery>]) -> Vec<Param<'_>> {
    vec![
        column(rows, bucket),
        column(rows, payment),
        column(rows, |d| small(d.row.number)),
        column(rows, project),
        column(rows, |d| small(d.row.event)),
        column(rows, |d| d.row.endpoint.as_str()),
        column(rows, |d| d.row.url.as_str()),
        column(rows, |d| d.row.state.number()),
        column(rows, |d| small(d.row.attempts)),
        column(rows, |d| d.row.rendered.as_deref()),
    ]
}

fn attempt_params(rows: &[Owned<DeliveryAttempt>]) -> Vec<Param<'_>> {
    vec![
        column(rows, bucket),
        column(rows, payment),
        column(rows, |a| small(a.row.delivery)),
        column(rows, |a| small(a.row.attempt)),
        column(rows, project),
        column(rows, |a| a.row.at.as_micros()),
        column(rows, |a| a.row.duration_ms),
        column(rows, |a| a.row.status.map(i32::from)),
        column(rows, |a| a.row.error.as_deref()),
        column(rows, |a| a.row.answer.as_str()),
    ]
}

fn incident_params(rows: &[Owned<Incident>], at: Timestamp) -> Vec<Param<'_>> {
    vec![
        column(rows, bucket),
        column(rows, payment),
        column(rows, |i| small(i.row.number)),
        column(rows, project),
        column(rows, |i| i.row.kind.word()),
        column(rows, |i| i.row.operation.map(small)),
        column(rows, |i| i.row.detail.as_str()),
        column(rows, move |_| at.as_micros()),
    ]
}

fn resolved_params(resolved: &Owned<(u32, String)>, at: Timestamp) -> Vec<Param<'_>> {
    let (number, note) = &resolved.row;
    vec![
        Box::new(bucket(resolved)),
        Box::new(payment(resolved)),
        Box::new(small(*number)),
        Box::new(at.as_micros()),
        Box::new(note.as_str()),
    ]
}

fn timer_params(rows: &[Set], at: Timestamp) -> Vec<Param<'_>> {
    vec![
        column(rows, |(key, ..)| key.payment_id.bucket().number()),
        column(rows, |(key, ..)| key.payment_id.uuid()),
        column(rows, |(key, ..)| key.kind.number()),
        column(rows, |(key, ..)| small(key.subject)),
        column(rows, |(_, project, ..)| project.uuid()),
        column(rows, |(_, _, due_at, ..)| due_at.as_micros()),
        column(rows, |(.., attempt, _)| small(*attempt)),
        column(rows, |(.., lease)| lease.map(Timestamp::as_micros)),
        column(rows, move |_| at.as_micros()),
    ]
}

/// The four columns that name a timer.
pub(crate) fn timer_key_params(rows: &[TimerKey]) -> Vec<Param<'_>> {
    vec![
        column(rows, |key| key.payment_id.bucket().number()),
        column(rows, |key| key.payment_id.uuid()),
        column(rows, |key| key.kind.number()),
        column(rows, |key| small(key.subject)),
    ]
}

fn account_params(rows: &[AccountChange]) -> Vec<Param<'_>> {
    vec![
        column(rows, |(bucket, ..)| bucket.number()),
        column(rows, |(_, account, _)| account.project_id.uuid()),
        column(rows, |(_, account, _)| account.kind.word()),
        column(rows, |(_, account, _)| account.currency.alpha()),
        column(rows, |(.., delta)| delta.posted_debit),
        column(rows, |(.., delta)| delta.posted_credit),
        column(rows, |(.., delta)| delta.pending_debit),
        column(rows, |(.., delta)| delta.pending_credit),
    ]
}

fn posting_params(rows: &[Owned<Posting>]) -> Vec<Param<'_>> {
    vec![
        column(rows, bucket),
        column(rows, payment),
        column(rows, |p| small(p.row.number)),
        column(rows, |p| p.row.project_id.uuid()),
        column(rows, |p| small(p.row.operation)),
        column(rows, |p| p.row.entry.word()),
        column(rows, |p| p.row.phase.number()),
        column(rows, |p| p.row.settles.map(small)),
        column(rows, |p| p.row.debit.word()),
        column(rows, |p| p.row.credit.word()),
        column(rows, |p| p.row.currency.alpha()),
        column(rows, |p| p.row.amount),
        column(rows, |p| p.row.at.as_micros()),
        column(rows, |p| p.row.customer_id.map(CustomerId::uuid)),
    ]
}

fn bucket<T>(row: &Owned<T>) -> i16 {
    row.payment_id.bucket().number()
}

fn payment<T>(row: &Owned<T>) -> Uuid {
    row.payment_id.uuid()
}

fn project<T>(row: &Owned<T>) -> Uuid {
    row.project_id.uuid()
}
