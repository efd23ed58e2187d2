//! What a batch loaded, what it decides, and what it therefore writes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use altyn_domain::{
    Account, AccountDelta, Answer, Balance, BalanceKey, Command, Context, CustomerId, Delivery,
    DeliveryAttempt, Event, IdSource, Incident, Operation, Payment, PaymentId, Posting, Project,
    ProjectId, Refusal, Target, TimerChange, TimerKey, Timestamp, account_deltas, balance_deltas,
    decide,
};
use uuid::Uuid;

use crate::{CustomerRecord, Lease, LoadKeys, ReferenceKey};

/// The id of a batch, written with it: it tells afterwards whether the batch was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BatchId(pub Uuid);

/// A command with what it is to be decided under.
#[derive(Debug, Clone)]
pub struct Request {
    /// The project with the settings it was authenticated under.
    pub project: Arc<Project>,
    /// The version of those settings; an older one than the database's is refused.
    pub settings_version: i64,
    /// The right to carry out a timer, if this is a timer's work.
    pub lease: Option<Lease>,
    /// What is to be done.
    pub command: Command,
}

impl Request {
    fn reference_key(&self, target: &Target) -> Option<ReferenceKey> {
        let Target::Reference {
            project_id,
            dialect,
            kind,
            key,
        } = target
        else {
            return None;
        };
        Some(ReferenceKey {
            bucket: self.project.bucket,
            project_id: *project_id,
            dialect: dialect.clone(),
            kind: *kind,
            key: key.clone(),
        })
    }

    /// Adds what this request needs to `keys`.
    pub fn collect_keys(&self, keys: &mut LoadKeys) {
        let target = self.command.target();
        if let Target::Payment(id) = &target {
            // A payment to be registered does not exist yet: its reference says so.
            if !matches!(self.command, Command::Register(_)) {
                keys.payments.insert(*id);
            }
        }
        keys.references.extend(self.reference_key(&target));
        let reference = self.command.reference(self.project.id);
        keys.references
            .extend(reference.and_then(|r| self.reference_key(&r)));
        keys.timers.extend(self.lease.map(|lease| lease.key));
    }
}

/// A row together with the payment and project it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned<T> {
    /// The payment; its id carries the bucket.
    pub payment_id: PaymentId,
    /// The project.
    pub project_id: ProjectId,
    /// The row.
    pub row: T,
}

/// A reference that is taken by a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReference {
    /// The reference.
    pub key: ReferenceKey,
    /// The payment it names from now on.
    pub payment_id: PaymentId,
}

/// Everything that one batch writes. Only [`Loaded::into_changes`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangeSet {
    /// The batch.
    pub batch: BatchId,
    /// When it was decided.
    pub at: Timestamp,
    /// Payments as they are now, in key order: new ones and changed ones.
    pub payments: Vec<Payment>,
    /// New and changed operations.
    pub operations: Vec<Owned<Operation>>,
    /// References taken, in key order.
    pub references: Vec<NewReference>,
    /// New postings.
    pub postings: Vec<Owned<Posting>>,
    /// What the postings change on each account, in account order.
    pub accounts: BTreeMap<Account, AccountDelta>,
    /// Customers that registrations of this batch name, in key order: inserted unless they are there.
    pub customers: Vec<CustomerRecord>,
    /// What the postings change on each customer's balance, in key order. Never below zero: the batch that
    /// takes from a balance has locked it.
    pub balances: BTreeMap<BalanceKey, (ProjectId, Balance)>,
    /// New events.
    pub events: Vec<Owned<Event>>,
    /// New and changed deliveries.
    pub deliveries: Vec<Owned<Delivery>>,
    /// New attempts to deliver.
    pub attempts: Vec<Owned<DeliveryAttempt>>,
    /// Timers set and cleared, in key order.
    pub timers: BTreeMap<TimerKey, (ProjectId, TimerChange)>,
    /// Timers set here that the caller keeps for itself, until then. The fencing number of such a lease is
    /// `at` in microseconds, provided that the timer was not there before.
    pub leases: BTreeMap<TimerKey, Timestamp>,
    /// Incidents opened.
    pub incidents: Vec<Owned<Incident>>,
    /// Incidents closed: number and note.
    pub resolved: Vec<Owned<(u32, String)>>,
}

impl ChangeSet {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.payments.is_empty()
            && self.timers.is_empty()
            && self.deliveries.is_empty()
            && self.attempts.is_empty()
            && self.resolved.is_empty()
    }
}

/// The balance that a payment's customer has in the payment's currency.
pub fn balance_key(payment: &Payment) -> Option<BalanceKey> {
    payment.customer_id.map(|customer_id| BalanceKey {
        customer_id,
        currency: payment.amount.currency(),
    })
}

fn customer_of(payment: &Payment) -> Option<CustomerRecord> {
    let known = &payment.order.customer;
    Some(CustomerRecord {
        id: payment.customer_id?,
        project_id: payment.project_id,
        reference: known.id.clone()?,
        kind: known.kind,
        name: known.name.clone(),
        email: known.email.clone(),
        phone: known.phone.clone(),
        created_at: payment.created_at,
    })
}

/// What a batch loaded and locked.
#[derive(Debug, Default)]
pub struct Loaded {
    settings_version: i64,
    payments: HashMap<PaymentId, Payment>,
    references: HashMap<ReferenceKey, PaymentId>,
    fences: HashMap<TimerKey, i64>,
    balances: HashMap<BalanceKey, Balance>,
    originals: HashMap<PaymentId, Payment>,
    changes: Collected,
}

#[derive(Debug, Default)]
struct Collected {
    references: BTreeMap<ReferenceKey, PaymentId>,
    postings: Vec<Owned<Posting>>,
    events: Vec<Owned<Event>>,
    deliveries: Vec<Owned<Delivery>>,
    attempts: Vec<Owned<DeliveryAttempt>>,
    timers: BTreeMap<TimerKey, (ProjectId, TimerChange)>,
    incidents: Vec<Owned<Incident>>,
    resolved: Vec<Owned<(u32, String)>>,
    customers: BTreeMap<CustomerId, CustomerRecord>,
    changed: HashMap<PaymentId, ()>,
}

impl Loaded {
    /// Wraps what an implementation of [`crate::BatchWriter::load`] read and locked.
    pub fn new(
        settings_version: i64,
        payments: Vec<Payment>,
        references: HashMap<ReferenceKey, PaymentId>,
        fences: HashMap<TimerKey, i64>,
        balances: HashMap<BalanceKey, Balance>,
    ) -> Self {
        let payments: HashMap<_, _> = payments.into_iter().map(|p| (p.id, p)).collect();
        let changes = Collected::default();
        Self {
            settings_version,
            payments,
            references,
            fences,
            balances,
            originals: HashMap::new(),
            changes,
        }
    }

    /// A loaded payment as earlier commands of the batch left it.
    pub fn payment(&self, id: PaymentId) -> Option<&Payment> {
        self.payments.get(&id)
    }

    /// The version of all settings in the database.
    pub fn settings_version(&self) -> i64 {
        self.settings_version
    }

    /// Decides one command, all or nothing, on the rows as earlier commands of the batch left them.
    ///
    /// # Errors
    /// A [`Refusal`]; then it changed nothing.
    pub fn decide(
        &mut self,
        request: &Request,
        now: Timestamp,
        ids: &mut dyn IdSource,
        exchange_deadline_ms: i64,
    ) -> Result<Answer, Refusal> {
        if request.settings_version != self.settings_version {
            return Err(Refusal::SettingsChanged);
        }
        if let Some(lease) = request.lease
            && self.fences.get(&lease.key) != Some(&lease.fence)
        {
            return Err(Refusal::LeaseLost);
        }
        let target = self.resolve(request, &request.command.target());
        let owner = request
            .command
            .reference(request.project.id)
            .and_then(|reference| self.resolve(request, &reference));
        let payment = target.and_then(|id| self.payments.get(&id));
        let project = &request.project;
        let key = payment.and_then(balance_key);
        let balance = key.and_then(|key| self.balances.get(&key)).copied();
        let mut ctx = Context {
            now,
            ids,
            project,
            balance: balance.unwrap_or_default(),
            exchange_deadline_ms,
        };
        let decision = decide(&request.command, payment, owner, &mut ctx)?;
        if let Some(lease) = request.lease {
            // One lease, one effect: a second command under it finds it spent.
            self.fences.remove(&lease.key);
        }
        let payment = decision.payment.clone();
        let (operation, repeated) = (decision.operation, decision.repeated);
        self.collect(request, decision);
        Ok(Answer {
            payment,
            operation,
            repeated,
        })
    }

    fn resolve(&self, request: &Request, target: &Target) -> Option<PaymentId> {
        match target {
            Target::Payment(id) => Some(*id),
            Target::Reference { .. } => {
                let key = request.reference_key(target)?;
                self.references.get(&key).copied()
            }
        }
    }

    fn collect(&mut self, request: &Request, decision: altyn_domain::Decision) {
        let altyn_domain::Decision {
            payment, effects, ..
        } = decision;
        let id = payment.id;
        let project_id = payment.project_id;
        fn own<T>(
            payment_id: PaymentId,
            project_id: ProjectId,
            rows: Vec<T>,
        ) -> impl Iterator<Item = Owned<T>> {
            rows.into_iter().map(move |row| Owned {
                payment_id,
                project_id,
                row,
            })
        }
        for (key, (_, change)) in balance_deltas(&effects.postings) {
            let balance = self.balances.entry(key).or_default();
            *balance = balance.plus(change);
        }
        let all = &mut self.changes;
        let registered = matches!(request.command, Command::Register(_));
        if let Some(customer) = customer_of(&payment).filter(|_| registered) {
            all.customers.entry(customer.id).or_insert(customer);
        }
        for (kind, key) in effects.references {
            let dialect = payment.dialect.clone();
            let bucket = request.project.bucket;
            let key = ReferenceKey {
                bucket,
                project_id,
                dialect,
                kind,
                key,
            };
            self.references.insert(key.clone(), id);
            all.references.insert(key, id);
        }
        all.postings.extend(own(id, project_id, effects.postings));
        all.events.extend(own(id, project_id, effects.events));
        all.attempts.extend(own(id, project_id, effects.attempts));
        all.incidents.extend(own(id, project_id, effects.incidents));
        all.resolved.extend(own(id, project_id, effects.resolved));
        for delivery in own(id, project_id, effects.deliveries) {
            let same = |d: &&mut Owned<Delivery>| {
                d.payment_id == id && d.row.number == delivery.row.number
            };
            match all.deliveries.iter_mut().find(same) {
                Some(earlier) => *earlier = delivery,
                None => all.deliveries.push(delivery),
            }
        }
        for (key, change) in effects.timers {
            all.timers.insert(key, (project_id, change));
        }
        let before = self.payments.insert(id, payment);
        if self.payments.get(&id) != before.as_ref() {
            all.changed.insert(id, ());
        }
        if let (Some(before), false) = (before, self.originals.contains_key(&id)) {
            self.originals.insert(id, before);
        }
    }

    /// Everything that the decisions of this batch write.
    pub fn into_changes(self, batch: BatchId, at: Timestamp) -> ChangeSet {
        let Self {
            mut payments,
            originals,
            changes,
            ..
        } = self;
        let mut changed: Vec<Payment> = changes
            .changed
            .keys()
            .filter_map(|id| payments.remove(id))
            .collect();
        changed.sort_by_key(|payment| (payment.id.bucket(), payment.id));
        let operations = changed
            .iter()
            .flat_map(|payment| {
                let before = originals.get(&payment.id);
                payment
                    .operations
                    .iter()
                    .filter(move |o| before.and_then(|b| b.operation(o.number)) != Some(*o))
                    .map(|operation| Owned {
                        payment_id: payment.id,
                        project_id: payment.project_id,
                        row: operation.clone(),
                    })
            })
            .collect();
        let accounts = account_deltas(changes.postings.iter().map(|posting| &posting.row));
        let balances = balance_deltas(changes.postings.iter().map(|posting| &posting.row));
        ChangeSet {
            batch,
            at,
            payments: changed,
            operations,
            references: changes
                .references
                .into_iter()
                .map(|(key, payment_id)| NewReference { key, payment_id })
                .collect(),
            postings: changes.postings,
            accounts,
            customers: changes.customers.into_values().collect(),
            balances,
            events: changes.events,
            deliveries: changes.deliveries,
            attempts: changes.attempts,
            timers: changes.timers,
            leases: BTreeMap::new(),
            incidents: changes.incidents,
            resolved: changes.resolved,
        }
    }
}
