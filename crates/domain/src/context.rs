//! What a decision is given beside the loaded rows, and what it collects.

use crate::{
    AccountKind, Balance, Delivery, DeliveryAttempt, Event, EventKind, Incident, IncidentKind,
    Operation, OperationId, Payment, Phase, Posting, Project, ReferenceKind, TimerChange, TimerKey,
    TimerKind, Timestamp,
};

/// Where random bits of new ids come from. Only the program owns entropy.
pub trait IdSource {
    /// 64 fresh random bits.
    fn random(&mut self) -> u64;

    /// A number that no operation of the installation has: positive and below 2^53.
    fn serial(&mut self) -> i64;
}

/// What a decision is given beside the loaded rows.
pub struct Context<'a> {
    /// The time of the decision.
    pub now: Timestamp,
    /// Source of ids for operations that a rule creates.
    pub ids: &'a mut dyn IdSource,
    /// The project with its settings.
    pub project: &'a Project,
    /// What stands on the balance of the payment's customer in its currency, reservations of open tries
    /// taken off.
    pub balance: Balance,
    /// How long one exchange with a gateway may take, in milliseconds.
    pub exchange_deadline_ms: i64,
}

impl Context<'_> {
    pub(crate) fn new_operation_id(&mut self) -> OperationId {
        OperationId::new(self.now, self.project.bucket, self.ids.random())
    }
}

/// Rows that a decision wants written in the same commit as the payment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// Postings of the ledger.
    pub postings: Vec<Posting>,
    /// Events.
    pub events: Vec<Event>,
    /// Callbacks to deliver, or deliveries that changed.
    pub deliveries: Vec<Delivery>,
    /// Attempts to deliver.
    pub attempts: Vec<DeliveryAttempt>,
    /// Timers set and cleared.
    pub timers: Vec<(TimerKey, TimerChange)>,
    /// Incidents opened.
    pub incidents: Vec<Incident>,
    /// Incidents closed: number and note.
    pub resolved: Vec<(u32, String)>,
    /// References taken: kind and key.
    pub references: Vec<(ReferenceKind, String)>,
    /// Events to be made when the decision is complete.
    pub(crate) told: Vec<(EventKind, Option<u32>)>,
}

/// Pauses between status requests, in milliseconds; the last one repeats.
const ENQUIRY_PAUSES_MS: [i64; 9] = [
    1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000,
];

/// After that many status requests without an end a person is asked to look.
pub(crate) const ENQUIRIES_BEFORE_INCIDENT: u32 = 9;

/// After that many times of sending in vain a person is asked to look; it is sent on all the same.
pub(crate) const EXCHANGES_BEFORE_INCIDENT: u32 = 9;

impl Effects {
    pub(crate) fn tell(&mut self, kind: EventKind, operation: Option<u32>) {
        self.told.push((kind, operation));
    }

    /// As [`tell`](Self::tell), but only if an endpoint asked to hear such things.
    pub(crate) fn tell_if_wanted(&mut self, kind: EventKind, operation: u32, ctx: &Context<'_>) {
        let settings = &ctx.project.settings;
        let mut endpoints = settings.endpoints.iter().chain(&settings.dynamic_endpoint);
        if endpoints.any(|endpoint| endpoint.wants(kind)) {
            self.tell(kind, Some(operation));
        }
    }

    pub(crate) fn set_timer(
        &mut self,
        payment: &Payment,
        (kind, subject): (TimerKind, u32),
        due_at: Timestamp,
        attempt: u32,
    ) {
        let key = TimerKey {
            payment_id: payment.id,
            kind,
            subject,
        };
        self.timers
            .push((key, TimerChange::Set { due_at, attempt }));
    }

    pub(crate) fn clear_timer(&mut self, payment: &Payment, kind: TimerKind, subject: u32) {
        let key = TimerKey {
            payment_id: payment.id,
            kind,
            subject,
        };
        self.timers.push((key, TimerChange::Clear));
    }

    /// Sets the next status request of an operation after `enquiries` of them.
    pub(crate) fn enquire_later(
        &mut self,
        payment: &Payment,
        operation: u32,
        enquiries: u32,
        now: Timestamp,
    ) {
        let index = usize::try_from(enquiries).unwrap_or(usize::MAX);
        let pause = ENQUIRY_PAUSES_MS[index.min(ENQUIRY_PAUSES_MS.len() - 1)];
        let due_at = now.plus_millis(pause);
        self.set_timer(payment, (TimerKind::Enquiry, operation), due_at, enquiries);
    }

    pub(crate) fn open_incident(
        &mut self,
        payment: &mut Payment,
        kind: IncidentKind,
        operation: Option<u32>,
        detail: String,
    ) {
        payment.counters.incidents += 1;
        let number = payment.counters.incidents;
        self.incidents.push(Incident {
            number,
            kind,
            operation,
            detail,
        });
    }

    /// Adds a posting of `operation` and returns its number; an amount of zero adds nothing.
    pub(crate) fn post(
        &mut self,
        payment: &mut Payment,
        operation: &Operation,
        movement: Movement,
        now: Timestamp,
    ) -> Option<u32> {
        if movement.amount == 0 {
            return None;
        }
        payment.counters.postings += 1;
        let number = payment.counters.postings;
        self.postings.push(Posting {
            number,
            operation: operation.number,
            entry: movement.entry,
            phase: movement.phase,
            settles: movement.settles,
            project_id: payment.project_id,
            debit: movement.debit,
            credit: movement.credit,
            currency: payment.amount.currency(),
            amount: movement.amount,
            customer_id: [movement.debit, movement.credit]
                .contains(&AccountKind::CustomerBalance)
                .then_some(payment.customer_id)
                .flatten(),
            at: now,
        });
        Some(number)
    }
}

/// One movement of money that a decision wants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Movement {
    pub entry: crate::EntryKind,
    pub debit: AccountKind,
    pub credit: AccountKind,
    pub amount: i64,
    pub phase: Phase,
    pub settles: Option<u32>,
}
