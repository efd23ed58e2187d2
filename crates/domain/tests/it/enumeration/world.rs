//! A payment as the enumeration keeps it: the rows that `decide` saw and wrote, as far as the rules ask for
//! them, and beside them what the test itself remembers of each try.

use std::collections::BTreeSet;

use altyn_domain::{
    AccountKind, Balance, BeginTry, CancelPayment, Capture, Command, Context, Decision,
    DeclineCode, EventKind, FireTimer, IdSource, Initiator, OnRefusal, Operation, OperationId,
    OperationKind, OperationState, Outcome, Payment, PaymentStatus, Phase, Project, Refund,
    Refusal, Report, ReportOutcome, ResolveIncident, ReturnSurplus, SendOperation, SurplusPolicy,
    Target, TimerChange, TimerKind, Timestamp, Void, Way, balance_deltas, decide,
};

use super::table::{Follows, Stands, of_surplus};
use crate::desk::{Desk, Setup, endpoint};

/// How many tries a world has room for.
const TRIES: usize = 3;
/// How many captures, voids, refunds and returns of a surplus are asked for at most.
const FOLLOWING: usize = 2;
/// What stands on the customer's balance in the beginning: more than a try takes of it, less than two.
const BALANCE: i64 = 6_000;

/// What the project and the merchant chose.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    pub way: Way,
    pub policy: SurplusPolicy,
    /// Whether the merchant names the customer, in a project that keeps balances.
    pub customer: bool,
    /// Whether half of every try but the first is paid from the balance.
    pub partly: bool,
    pub tries_max: u32,
}

/// A choice, and the project that made it.
pub struct Case {
    pub choice: Choice,
    /// What the page says of a surplus sale.
    pub surplus: (Stands, Follows),
    pub project: Project,
    /// How many tries are begun at most.
    tries: usize,
}

/// What the gateway says about an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    Yes,
    No,
    Unknown,
    /// It undid the operation without effect.
    Undone,
    /// It knows no such operation.
    Lost,
}

/// Something that happens to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Begin,
    Answer(u32, Said),
    PeriodFires(u32),
    /// The payment's own time passes; no timer has noticed yet.
    TimePasses,
    ExpiryFires,
    Cancel,
    Capture,
    Void,
    Refund(Option<i64>),
    /// Somebody wants the money of this surplus try back.
    GiveBack(u32, Option<i64>),
    /// A created operation is sent.
    Send(u32),
    /// A person has looked at the newest incident. Tried out by rows that open one.
    Look,
}

/// How a try ended, as the test saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ended {
    pub reason: Option<DeclineCode>,
    /// Whether the payment was not over unpaid when that became known.
    pub in_life: bool,
}

/// One payment and what was written for it.
#[derive(Debug, Clone)]
pub struct World {
    pub payment: Payment,
    pub now: Timestamp,
    pub timers: BTreeSet<(TimerKind, u32)>,
    /// How each try ended, by its order.
    pub ended: [Option<Ended>; TRIES],
    /// Posted sums: what the gateways owe us, what we owe the merchant, what nobody needs.
    pub clearing: i64,
    pub payable: i64,
    pub suspense: i64,
    /// What stands on the customer's balance, what stood there first, and the posted sum of its account.
    pub balance: Balance,
    pub began_with: i64,
    pub credited: i64,
    /// How often each operation posted, reserved or released, by its number.
    pub postings: Vec<[u8; 3]>,
    /// How often it was told that the payment is paid, and that its time ended.
    pub told_paid: u8,
    pub told_expired: u8,
    made: u64,
}

/// All that later decisions depend on: two worlds with the same key go on alike. Only the doubts about an
/// operation are not part of it: no world with doubts is played on, and rows with an incident try them out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    operations: Vec<Part>,
    balance: (i64, i64),
    ended: [Option<Ended>; TRIES],
    completed_by: Option<u32>,
    status: PaymentStatus,
    late: bool,
    timers: Vec<(TimerKind, u32)>,
}

/// What of an operation is part of the key: kind, number, state, surplus, credited, period over, amount, on the
/// balance.
type Part = (OperationKind, u32, OperationState, [bool; 3], i64, i64);

struct Ids<'a>(&'a mut u64);

impl IdSource for Ids<'_> {
    fn random(&mut self) -> u64 {
        *self.0 += 1;
        *self.0
    }

    fn serial(&mut self) -> i64 {
        *self.0 += 1;
        i64::try_from(*self.0).expect("few are made")
    }
}

impl Case {
    /// A case and the payment that is registered in it. Its endpoints hear everything, "the period is over" too.
    pub fn open(choice: Choice, tries: usize) -> (Self, World) {
        let desk = Desk::open(&Setup {
            way: choice.way,
            surplus: choice.policy,
            tries_max: choice.tries_max,
            customer: choice.customer,
            balances: choice.customer,
            balance: if choice.customer { BALANCE } else { 0 },
            endpoints: vec![endpoint("api", &[EventKind::PeriodOver])],
            ..Setup::default()
        });
        let world = World {
            timers: desk
                .timers
                .keys()
                .map(|key| (key.kind, key.subject))
                .collect(),
            payment: desk.payment,
            now: desk.now,
            ended: [None; TRIES],
            clearing: 0,
            payable: 0,
            suspense: 0,
            balance: desk.balance,
            began_with: desk.balance.posted,
            credited: 0,
            postings: Vec::new(),
            told_paid: 0,
            told_expired: 0,
            made: 0,
        };
        let case = Self {
            choice,
            surplus: of_surplus(choice.policy, choice.customer),
            project: desk.project,
            tries,
        };
        (case, world)
    }
}

impl Said {
    pub const ALL: [Self; 5] = [Self::Yes, Self::No, Self::Unknown, Self::Undone, Self::Lost];

    pub const fn is_failure(self) -> bool {
        matches!(self, Self::No | Self::Undone | Self::Lost)
    }

    /// A refusal's reason is of its try, and another one when it is told again.
    fn outcome(self, operation: &Operation) -> Outcome {
        match self {
            Self::Yes => Outcome::Approved,
            Self::No => Outcome::Declined(if operation.state.is_open() {
                reason(operation.number)
            } else {
                DeclineCode::Technical
            }),
            Self::Unknown => Outcome::Unknown,
            Self::Undone => Outcome::Voided,
            Self::Lost => Outcome::NotFound,
        }
    }
}

/// Why the operation with this number is refused, if it is.
fn reason(number: u32) -> DeclineCode {
    let reasons = [
        DeclineCode::InsufficientFunds,
        DeclineCode::ExpiredCard,
        DeclineCode::LimitExceeded,
    ];
    let index = usize::try_from(number - 1).expect("small");
    reasons[index % reasons.len()]
}

impl World {
    /// Everything that can happen now, what must be refused and what comes too late included.
    pub fn acts(&self, case: &Case) -> Vec<Act> {
        let mut acts = vec![Act::ExpiryFires, Act::Cancel];
        let tries = self.payment.tries().count();
        if tries < case.tries || self.payment.tries_left() == 0 {
            acts.push(Act::Begin);
        }
        if !self.is_late() {
            acts.push(Act::TimePasses);
        }
        for operation in &self.payment.operations {
            let number = operation.number;
            if operation.state == OperationState::Created {
                acts.push(Act::Send(number));
                continue;
            }
            if operation.kind.is_try() {
                acts.push(Act::PeriodFires(number));
                acts.extend(Said::ALL.map(|said| Act::Answer(number, said)));
            } else {
                // What the gateway may say else about these is not what this table is about.
                acts.extend([Said::Yes, Said::No].map(|said| Act::Answer(number, said)));
            }
        }
        let asked = |o: &&Operation| !o.kind.is_try() && o.initiator != Initiator::Rule;
        let following = self.payment.operations.iter().filter(asked).count();
        let half = self.payment.amount.minor() / 2;
        if following < FOLLOWING && case.tries <= 2 {
            let surplus = |o: &&Operation| o.kind == OperationKind::Sale && o.surplus;
            for surplus in self.payment.operations.iter().filter(surplus) {
                let number = surplus.number;
                acts.extend([None, Some(half / 2)].map(|amount| Act::GiveBack(number, amount)));
            }
        }
        if self.payment.completed_by.is_some() && following < FOLLOWING {
            acts.extend([Act::Refund(None), Act::Refund(Some(half))]);
            if self.payment.way == Way::Hold {
                acts.extend([Act::Capture, Act::Void]);
            }
        }
        acts
    }

    /// Lets something happen. The clock goes on a second.
    pub fn play(&mut self, case: &Case, act: Act) -> Result<Option<Decision>, Refusal> {
        self.now = self.now.plus_millis(1_000);
        if act == Act::TimePasses {
            self.now = self.payment.expires_at.plus_millis(1_000);
            return Ok(None);
        }
        let command = self.command(case, act);
        let mut ctx = Context {
            now: self.now,
            ids: &mut Ids(&mut self.made),
            project: &case.project,
            balance: self.balance,
            exchange_deadline_ms: 30_000,
        };
        let decision = decide(&command, Some(&self.payment), None, &mut ctx)?;
        self.remember(act, &decision);
        self.payment = decision.payment.clone();
        Ok(Some(decision))
    }

    /// What the customer's balance is to pay of the next try.
    pub fn share(&self, case: &Case) -> i64 {
        if case.choice.partly && self.payment.tries().count() > 0 {
            self.payment.amount.minor() / 2
        } else {
            0
        }
    }

    fn command(&mut self, case: &Case, act: Act) -> Command {
        let payment_id = self.payment.id;
        let target = Target::Payment(payment_id);
        self.made += 1;
        let operation_id = OperationId::new(self.now, payment_id.bucket(), self.made);
        let fire = |kind, subject| {
            Command::Fire(FireTimer {
                payment_id,
                kind,
                subject,
            })
        };
        match act {
            Act::Begin => Command::BeginTry(BeginTry {
                payment_id,
                operation_id,
                method: "card".to_owned(),
                card: None,
                initiator: Initiator::Payer,
                on_refusal: OnRefusal::Answer,
                from_balance: self.share(case),
            }),
            Act::Answer(operation, said) => Command::Report(ReportOutcome {
                payment_id,
                operation,
                report: Report::bare(said.outcome(self.operation(operation))),
                enquiries: 0,
            }),
            Act::PeriodFires(subject) => fire(TimerKind::ProcessingPeriod, subject),
            Act::ExpiryFires | Act::TimePasses => fire(TimerKind::Expiry, 0),
            Act::Cancel => Command::Cancel(CancelPayment { target }),
            Act::Capture => capture(target, operation_id),
            Act::Void => void(target, operation_id),
            Act::Refund(amount) => refund(target, operation_id, amount),
            Act::GiveBack(surplus, amount) => Command::ReturnSurplus(ReturnSurplus {
                payment_id,
                surplus,
                operation_id,
                amount,
                reference: None,
                reason: "asked for".to_owned(),
                initiator: Initiator::Operator,
            }),
            Act::Send(operation) => Command::Send(SendOperation {
                payment_id,
                operation,
                after_action: None,
            }),
            Act::Look => Command::Resolve(ResolveIncident {
                payment_id,
                incident: self.payment.counters.incidents,
                report: None,
                note: "looked at".to_owned(),
            }),
        }
    }

    fn remember(&mut self, act: Act, decision: &Decision) {
        for (key, change) in &decision.effects.timers {
            match change {
                TimerChange::Set { .. } => self.timers.insert((key.kind, key.subject)),
                TimerChange::Clear => self.timers.remove(&(key.kind, key.subject)),
            };
        }
        for event in &decision.effects.events {
            match event.kind {
                EventKind::Authorized => self.told_paid += 1,
                EventKind::Captured if self.payment.way == Way::Purchase => self.told_paid += 1,
                EventKind::Expired => self.told_expired += 1,
                _ => {}
            }
        }
        self.postings
            .resize(decision.payment.operations.len(), [0; 3]);
        for posting in &decision.effects.postings {
            let place = usize::try_from(posting.operation - 1).expect("small");
            let phase = match posting.phase {
                Phase::Pending => 0,
                Phase::Posted => 1,
                Phase::Released => 2,
            };
            self.postings[place][phase] += 1;
            if posting.phase == Phase::Posted {
                *self.account(posting.debit) += posting.amount;
                *self.account(posting.credit) -= posting.amount;
            }
        }
        for (_, change) in balance_deltas(&decision.effects.postings).into_values() {
            self.balance = self.balance.plus(change);
        }
        if let Act::Answer(number, said) = act {
            self.remember_end(number, said);
        }
    }

    fn account(&mut self, kind: AccountKind) -> &mut i64 {
        match kind {
            AccountKind::ConnectorClearing => &mut self.clearing,
            AccountKind::MerchantPayable => &mut self.payable,
            AccountKind::Suspense => &mut self.suspense,
            AccountKind::CustomerBalance => &mut self.credited,
        }
    }

    /// The first end of a try that is told is its end.
    fn remember_end(&mut self, number: u32, said: Said) {
        let in_life = self.payment.end.is_none();
        let Some(index) = self.payment.tries().position(|o| o.number == number) else {
            return;
        };
        let reason = match said {
            Said::Yes => None,
            Said::No => Some(reason(number)),
            Said::Undone => Some(DeclineCode::General),
            Said::Lost => Some(DeclineCode::Interrupted),
            Said::Unknown => return,
        };
        if self.ended[index].is_none() {
            self.ended[index] = Some(Ended { reason, in_life });
        }
    }

    /// Whether the gateway says another end of an operation than the one that is known.
    pub fn contradicts(&self, number: u32, said: Said) -> bool {
        match self.operation(number).state {
            OperationState::Succeeded => said.is_failure(),
            OperationState::Declined | OperationState::Voided => said == Said::Yes,
            OperationState::Created | OperationState::Sent | OperationState::Pending => false,
        }
    }

    pub fn operation(&self, number: u32) -> &Operation {
        self.payment.operation(number).expect("such an operation")
    }

    /// Whether some doubt waits for a person.
    pub fn has_doubts(&self) -> bool {
        let mut operations = self.payment.operations.iter();
        operations.any(|operation| !operation.doubts.is_empty())
    }

    /// Whether the payment's own time is over.
    pub fn is_late(&self) -> bool {
        self.now >= self.payment.expires_at
    }

    /// What the newest finished try failed of, among those that ended while the payment could still be paid.
    pub fn newest_reason(&self) -> Option<DeclineCode> {
        let mut in_life = self.ended.iter().flatten().filter(|ended| ended.in_life);
        in_life.next_back().and_then(|ended| ended.reason)
    }

    /// See [`Key`]. Numbers of operations after the tries only name them: the order in which they came does not
    /// matter, so equal sets of them are equal.
    pub fn key(&self) -> Key {
        let mut operations: Vec<_> = self
            .payment
            .operations
            .iter()
            .map(|o| {
                let number = if o.kind.is_try() {
                    o.number
                } else {
                    1_000 + o.parent.unwrap_or(0)
                };
                let marks = [o.surplus, o.credited, o.period_over];
                (o.kind, number, o.state, marks, o.amount, o.on_balance)
            })
            .collect();
        operations.sort_by_key(|o| (o.1, o.0.word(), o.2.word(), o.4, o.5));
        let own = |timer: &&(TimerKind, u32)| {
            matches!(timer.0, TimerKind::Expiry | TimerKind::ProcessingPeriod)
        };
        Key {
            operations,
            balance: (self.balance.posted, self.balance.reserved),
            ended: self.ended,
            completed_by: self.payment.completed_by,
            status: self.payment.status(),
            late: self.is_late(),
            timers: self.timers.iter().filter(own).copied().collect(),
        }
    }
}

/// The merchant captures the whole hold.
fn capture(target: Target, operation_id: OperationId) -> Command {
    Command::Capture(Capture {
        target,
        operation_id,
        amount: None,
        release_rest: false,
        reference: None,
        description: None,
        initiator: Initiator::Merchant,
    })
}

/// The merchant gives the whole hold up.
fn void(target: Target, operation_id: OperationId) -> Command {
    Command::Void(Void {
        target,
        operation_id,
        amount: None,
        reference: None,
        description: None,
        initiator: Initiator::Merchant,
    })
}

/// The merchant gives the payer money back.
fn refund(target: Target, operation_id: OperationId, amount: Option<i64>) -> Command {
    Command::Refund(Refund {
        target,
        operation_id,
        amount,
        reference: None,
        expected_deposited: None,
        description: None,
        initiator: Initiator::Merchant,
        on_refusal: OnRefusal::Answer,
    })
}
