//! The reference model: the life of a payment told a second time in plain integers, from the documented
//! rules and not from the crate's code. It says of each step whether it is carried out, what merchants
//! and people are told, and where the money stands afterwards.

use altyn_domain::{
    EventKind as E, IncidentKind as I, Outcome, PaymentStatus, RefundAbility, SurplusPolicy, Way,
};

use crate::desk::Setup;

/// What an operation does, as far as the model cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Try,
    Capture,
    Void,
    Refund,
    /// Money or a hold that nobody needed goes back by itself.
    Return,
    /// Money that nobody needed goes back because somebody asked.
    GiveBack,
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Created,
    Sent,
    Pending,
    Yes,
    No,
    Undone,
}

/// One operation; its number is its place in the book, from 1.
#[derive(Debug, Clone)]
pub struct Line {
    pub kind: Kind,
    pub state: State,
    pub amount: i64,
    /// What of it moves on the customer's balance.
    pub share: i64,
    pub surplus: bool,
    /// It stands on the customer's balance, or leaves from there.
    pub credited: bool,
    /// The surplus try that goes back.
    pub of: Option<u32>,
    pub over: bool,
    /// The 3-D Secure transaction that the payer is in; `None` inside for a step without one.
    pub step: Option<Option<String>>,
    release_rest: bool,
    automatic: bool,
    /// It is a try that ended when the payment had ended unpaid already.
    pub late: bool,
    reference: Option<String>,
    /// How often it was sent.
    sent: u32,
    /// What people were told of it since a person looked last.
    doubts: Vec<I>,
}

impl Line {
    fn new(kind: Kind, state: State, amount: i64) -> Self {
        Self {
            kind,
            state,
            amount,
            share: 0,
            surplus: false,
            credited: false,
            of: None,
            over: false,
            step: None,
            release_rest: false,
            automatic: false,
            late: false,
            reference: None,
            sent: u32::from(state == State::Sent),
            doubts: Vec::new(),
        }
    }

    /// Doubtful news of one kind is told to people once.
    fn doubt(&mut self, kind: I) -> Vec<I> {
        if self.doubts.contains(&kind) {
            return vec![];
        }
        self.doubts.push(kind);
        vec![kind]
    }

    /// What the gateway is asked for.
    pub fn at_gateway(&self) -> i64 {
        self.amount - self.share
    }

    /// Whether it gives surplus money back.
    pub fn returns(&self) -> bool {
        matches!(self.kind, Kind::Return | Kind::GiveBack)
    }

    pub fn open(&self) -> bool {
        matches!(self.state, State::Created | State::Sent | State::Pending)
    }
}

/// The place of the operation with this number among the lines.
fn place(number: u32) -> usize {
    usize::try_from(number).expect("small") - 1
}

/// What one step must come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    Refused,
    /// The same request was carried out before, as this operation.
    Repeated(u32),
    /// Carried out; what merchants and what people are told.
    Done(Vec<E>, Vec<I>),
}

/// News about one operation.
#[derive(Debug, Clone)]
pub struct News {
    pub outcome: Outcome,
    /// The gateway names another amount or currency than was asked.
    pub other_amount: bool,
    pub enquiries: u32,
    pub step: Option<Option<String>>,
}

/// The whole model of one payment.
#[derive(Debug, Clone)]
pub struct Book {
    pub way: Way,
    pub amount: i64,
    pub lines: Vec<Line>,
    pub held: i64,
    pub captured: i64,
    pub voided: i64,
    pub refunded: i64,
    /// Money that nobody needed and that has not left yet.
    pub suspense: i64,
    /// What stands on the customer's balance, and what of it is promised to tries and returns under way.
    pub balance: i64,
    pub reserved: i64,
    /// What other payments brought to the balance, less what they took from it.
    pub elsewhere: i64,
    /// What the gateway has, by its own log of what it carried out.
    pub at_gateway: i64,
    pub winner: Option<u32>,
    pub ended: Option<PaymentStatus>,
    pub incidents: u32,
    tries_max: usize,
    pub policy: SurplusPolicy,
    pub keeps_balances: bool,
    customer: bool,
    refunds: RefundAbility,
}

impl Book {
    pub fn new(setup: &Setup) -> Self {
        let (way, amount) = (setup.way, setup.amount);
        Self {
            way,
            amount: if way == Way::Verify { 0 } else { amount },
            lines: Vec::new(),
            held: 0,
            captured: 0,
            voided: 0,
            refunded: 0,
            suspense: 0,
            balance: setup.balance,
            reserved: 0,
            elsewhere: setup.balance,
            at_gateway: 0,
            winner: None,
            ended: None,
            incidents: 0,
            tries_max: usize::try_from(setup.tries_max).expect("small"),
            policy: setup.surplus,
            keeps_balances: setup.balances,
            customer: setup.customer && setup.balances,
            refunds: setup.refunds,
        }
    }

    pub fn unpaid_and_open(&self) -> bool {
        self.winner.is_none() && self.ended.is_none()
    }

    /// Whether the payment waits for a try now.
    pub fn waits(&self) -> bool {
        self.lines
            .iter()
            .any(|line| line.kind == Kind::Try && line.open() && !line.over)
    }

    /// What is reserved at the gateway and neither taken nor given up.
    pub fn rest(&self) -> i64 {
        self.held - self.captured - self.voided
    }

    /// The sum of refunds that are on their way.
    pub fn going_back(&self) -> i64 {
        let refunds = self.lines.iter().filter(|l| l.kind == Kind::Refund);
        refunds.filter(|l| l.open()).map(|l| l.amount).sum()
    }

    /// What the customer may spend of the balance on this payment.
    pub fn spendable(&self) -> i64 {
        if self.customer && self.keeps_balances {
            self.balance - self.reserved
        } else {
            0
        }
    }

    /// What the winner took at its gateway, and what of it can still go back there.
    pub fn of_gateway(&self) -> (i64, i64) {
        let paid = self.winner.map_or(0, |n| self.lines[place(n)].share);
        let taken = self.captured - paid;
        let back = |l: &&Line| l.kind == Kind::Refund && (l.open() || l.state == State::Yes);
        let gone: i64 = self.lines.iter().filter(back).map(|l| l.at_gateway()).sum();
        (taken, taken - gone)
    }

    /// What of a surplus has not gone back and is not on its way.
    pub fn left_of(&self, surplus: u32) -> i64 {
        let back = |l: &&Line| l.of == Some(surplus) && (l.open() || l.state == State::Yes);
        let gone: i64 = self.lines.iter().filter(back).map(|l| l.amount).sum();
        self.lines[place(surplus)].at_gateway() - gone
    }

    pub fn hold_busy(&self) -> bool {
        let busy = |l: &Line| matches!(l.kind, Kind::Capture | Kind::Void) && l.open();
        self.lines.iter().any(busy)
    }

    pub fn status(&self) -> PaymentStatus {
        if let Some(ended) = self.ended {
            return ended;
        }
        match (self.winner, self.way) {
            (None, _) if self.waits() => PaymentStatus::Processing,
            (None, _) => PaymentStatus::AwaitingPayment,
            (Some(_), Way::Verify) => PaymentStatus::Verified,
            (Some(_), _) if self.captured == 0 && self.voided == self.held => PaymentStatus::Voided,
            (Some(_), _) if self.captured == 0 => PaymentStatus::Authorized,
            (Some(_), _) if self.refunded == 0 => PaymentStatus::Captured,
            (Some(_), _) if self.refunded == self.captured => PaymentStatus::Refunded,
            (Some(_), _) => PaymentStatus::PartiallyRefunded,
        }
    }

    /// Whether the payer is shown why paying failed: only while unpaid and not waiting, and only the
    /// failure of the newest finished try that did not come too late.
    pub fn shows_a_failure(&self) -> bool {
        let failed =
            |l: &Line| l.kind == Kind::Try && !l.open() && l.state != State::Yes && !l.late;
        self.winner.is_none() && !self.waits() && self.lines.iter().any(failed)
    }

    /// How many operations there are: the number of the newest.
    pub fn newest(&self) -> u32 {
        u32::try_from(self.lines.len()).expect("few operations")
    }

    fn line(&mut self, number: u32) -> Option<&mut Line> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.lines.get_mut(index)
    }

    fn done(&mut self, events: Vec<E>, incidents: Vec<I>) -> Expected {
        self.incidents += u32::try_from(incidents.len()).expect("few incidents");
        Expected::Done(events, incidents)
    }

    pub fn begin(&mut self, method_known: bool, in_time: bool, from_balance: i64) -> Expected {
        let tries = self.lines.iter().filter(|l| l.kind == Kind::Try).count();
        let possible = self.unpaid_and_open() && !self.waits() && tries < self.tries_max;
        let payable = from_balance == 0
            || ((1..=self.amount.min(self.spendable())).contains(&from_balance)
                && self.way == Way::Purchase);
        let whole = from_balance > 0 && from_balance == self.amount;
        if !(possible && in_time && payable && (whole || method_known)) {
            return Expected::Refused;
        }
        let mut line = Line::new(Kind::Try, State::Sent, self.amount);
        line.share = from_balance;
        self.reserved += from_balance;
        self.lines.push(line);
        if whole {
            let number = self.newest();
            return self.success(number);
        }
        self.done(vec![], vec![])
    }

    pub fn send(&mut self, number: u32, after: Option<&str>) -> Expected {
        let needed = self.unpaid_and_open();
        let Some(line) = self.line(number) else {
            return Expected::Refused;
        };
        match (after, line.state, &line.step) {
            (None, State::Created, _) => {
                line.state = State::Sent;
                line.sent += 1;
            }
            (Some(told), State::Pending, Some(Some(asked))) if told == asked && needed => {
                line.step = None;
            }
            _ => return Expected::Refused,
        }
        self.done(vec![], vec![])
    }

    pub fn cancel(&mut self) -> Expected {
        if !self.unpaid_and_open() || self.waits() {
            return Expected::Refused;
        }
        self.ended = Some(PaymentStatus::Cancelled);
        self.done(vec![E::Cancelled], vec![])
    }

    pub fn capture(&mut self, amount: Option<i64>, release_rest: bool) -> Expected {
        self.on_hold(Kind::Capture, amount, release_rest)
    }

    pub fn void(&mut self, amount: Option<i64>) -> Expected {
        self.on_hold(Kind::Void, amount, false)
    }

    fn on_hold(&mut self, kind: Kind, amount: Option<i64>, release_rest: bool) -> Expected {
        let amount = amount.unwrap_or(self.rest());
        if self.hold_busy() || amount < 1 || amount > self.rest() {
            return Expected::Refused;
        }
        let mut line = Line::new(kind, State::Sent, amount);
        line.release_rest = release_rest;
        self.lines.push(line);
        self.done(vec![], vec![])
    }

    pub fn refund(
        &mut self,
        amount: Option<i64>,
        reference: Option<&str>,
        expected: Option<i64>,
    ) -> Expected {
        let same = |l: &Line| {
            l.kind == Kind::Refund && reference.is_some() && l.reference.as_deref() == reference
        };
        if let Some(index) = self.lines.iter().position(same) {
            return Expected::Repeated(u32::try_from(index + 1).expect("small"));
        }
        let deposited = self.captured - self.refunded;
        let left = deposited - self.going_back();
        let amount = amount.unwrap_or(left);
        if expected.is_some_and(|e| e != deposited) || amount < 1 || amount > left {
            return Expected::Refused;
        }
        let (taken, at_gateway) = self.of_gateway();
        let asked = amount.min(at_gateway);
        let possible = match self.refunds {
            RefundAbility::Partial => true,
            RefundAbility::Full => asked == 0 || asked == taken,
            RefundAbility::Never => asked == 0,
        };
        if !possible {
            return Expected::Refused;
        }
        let mut line = Line::new(Kind::Refund, State::Sent, amount);
        line.reference = reference.map(str::to_owned);
        line.share = amount - asked;
        self.lines.push(line);
        if asked == 0 {
            let number = self.newest();
            return self.success(number);
        }
        self.done(vec![], vec![])
    }

    pub fn give_back(
        &mut self,
        surplus: u32,
        amount: Option<i64>,
        reference: Option<&str>,
    ) -> Expected {
        let same = |l: &Line| {
            l.kind == Kind::GiveBack && reference.is_some() && l.reference.as_deref() == reference
        };
        if let Some(index) = self.lines.iter().position(same) {
            return Expected::Repeated(u32::try_from(index + 1).expect("small"));
        }
        let is_surplus = |l: &&mut Line| l.kind == Kind::Try && l.surplus;
        let Some(line) = self.line(surplus).filter(is_surplus) else {
            return Expected::Refused;
        };
        let (whole, credited) = (line.at_gateway(), line.credited);
        let left = self.left_of(surplus);
        let amount = amount.unwrap_or(left);
        let able = match self.refunds {
            RefundAbility::Partial => true,
            RefundAbility::Full => amount == whole,
            RefundAbility::Never => false,
        };
        let there = !credited || amount <= self.balance - self.reserved;
        if self.way != Way::Purchase || amount < 1 || amount > left || !able || !there {
            return Expected::Refused;
        }
        let mut line = Line::new(Kind::GiveBack, State::Sent, amount);
        line.reference = reference.map(str::to_owned);
        (line.surplus, line.credited, line.of) = (true, credited, Some(surplus));
        if credited {
            self.reserved += amount;
        }
        self.lines.push(line);
        self.done(vec![], vec![])
    }

    pub fn expiry_fires(&mut self, in_time: bool) -> Expected {
        if !self.unpaid_and_open() || in_time || self.waits() {
            return self.done(vec![], vec![]);
        }
        self.ended = Some(PaymentStatus::Expired);
        self.done(vec![E::Expired], vec![])
    }

    pub fn period_fires(&mut self, number: u32, in_time: bool) -> Expected {
        let Some(line) = self.line(number) else {
            return Expected::Refused;
        };
        if !line.open() {
            return self.done(vec![], vec![]);
        }
        line.over = true;
        self.expiry_fires(in_time)
    }

    pub fn automatic_fires(&mut self, kind: Kind) -> Expected {
        if self.rest() > 0 && !self.hold_busy() {
            let mut line = Line::new(kind, State::Created, self.rest());
            line.automatic = true;
            line.release_rest = kind == Kind::Capture;
            self.lines.push(line);
        }
        self.done(vec![], vec![])
    }

    pub fn resolve(&mut self, incident: u32, news: Option<(u32, News)>, in_time: bool) -> Expected {
        if incident == 0 || incident > self.incidents {
            return Expected::Refused;
        }
        if let Some((number, _)) = &news
            && !self.line(*number).is_some_and(|line| line.open())
        {
            return Expected::Refused;
        }
        for line in &mut self.lines {
            line.doubts.clear();
        }
        match news {
            None => self.done(vec![], vec![]),
            Some((number, news)) => self.report(number, &news, in_time),
        }
    }

    pub fn report(&mut self, number: u32, news: &News, in_time: bool) -> Expected {
        use {Outcome as O, State as S};
        let Some(line) = self.line(number) else {
            return Expected::Refused;
        };
        let other_amount = news.other_amount && news.outcome == O::Approved;
        match (line.state, &news.outcome) {
            (S::Created, O::NotSent | O::NotFound) => self.done(vec![], vec![]),
            (S::Created, _)
            | (S::Yes, O::Declined(_) | O::Voided | O::NotFound)
            | (S::No | S::Undone, O::Approved) => {
                let told = line.doubt(I::Contradiction);
                self.done(vec![], told)
            }
            (S::Yes, O::Approved) if other_amount => {
                let told = line.doubt(I::AmountMismatch);
                self.done(vec![], told)
            }
            (S::Yes | S::No | S::Undone, _) => self.done(vec![], vec![]),
            (S::Sent | S::Pending, O::Approved) if other_amount => {
                line.state = S::Pending;
                let told = line.doubt(I::AmountMismatch);
                self.done(vec![], told)
            }
            (S::Sent | S::Pending, O::Approved) => self.success(number),
            (S::Sent | S::Pending, O::Declined(_)) => self.failure(number, S::No, in_time),
            (S::Sent | S::Pending, O::Voided) => self.failure(number, S::Undone, in_time),
            (S::Sent, O::NotSent) | (S::Sent | S::Pending, O::NotFound) => {
                line.step = None;
                if line.kind == Kind::Try {
                    return self.failure(number, S::No, in_time);
                }
                line.state = S::Created;
                let stuck = line.sent == 9;
                self.done(vec![], Vec::from_iter(stuck.then_some(I::Unresolved)))
            }
            (S::Sent | S::Pending, O::Pending | O::Unknown) | (S::Pending, O::NotSent) => {
                line.state = S::Pending;
                line.step = news.step.clone().or(line.step.take());
                let stuck = news.enquiries == 9;
                self.done(vec![], Vec::from_iter(stuck.then_some(I::Unresolved)))
            }
        }
    }

    fn success(&mut self, number: u32) -> Expected {
        let line = self.line(number).expect("it was found before");
        (line.state, line.step) = (State::Yes, None);
        let line = line.clone();
        let events = match line.kind {
            Kind::Try => return self.paid(number),
            Kind::Capture => {
                self.at_gateway += line.amount;
                self.captured += line.amount;
                if line.release_rest {
                    self.voided = self.held - self.captured;
                }
                vec![E::Captured]
            }
            Kind::Void => {
                self.voided += line.amount;
                vec![E::Voided]
            }
            Kind::Refund => {
                self.at_gateway -= line.at_gateway();
                self.balance += line.share;
                self.refunded += line.amount;
                vec![E::Refunded]
            }
            Kind::Return | Kind::GiveBack => {
                if self.way == Way::Purchase {
                    self.at_gateway -= line.amount;
                }
                if line.credited {
                    self.balance -= line.amount;
                    self.reserved -= line.amount;
                } else if self.way == Way::Purchase {
                    self.suspense -= line.amount;
                }
                vec![]
            }
        };
        self.done(events, vec![])
    }

    /// A try succeeded: the first completes the payment, all others are a surplus.
    fn paid(&mut self, number: u32) -> Expected {
        let line = self.line(number).expect("it was found before");
        let (money, share) = (line.at_gateway(), line.share);
        self.reserved -= share;
        if self.way == Way::Purchase {
            self.at_gateway += money;
        }
        if self.unpaid_and_open() {
            self.balance -= share;
            self.winner = Some(number);
            self.held = self.amount;
            self.captured = if self.way == Way::Purchase {
                self.amount
            } else {
                0
            };
            let event = match self.way {
                Way::Purchase => E::Captured,
                Way::Hold => E::Authorized,
                Way::Verify => E::Verified,
            };
            return self.done(vec![event], vec![]);
        }
        use PaymentStatus as P;
        let over = matches!(
            self.status(),
            P::Expired | P::Cancelled | P::Declined | P::Voided | P::Refunded
        );
        let kept = self.way == Way::Purchase && self.policy == SurplusPolicy::Manual;
        let credited = self.way == Way::Purchase
            && self.policy == SurplusPolicy::Balance
            && self.customer
            && self.keeps_balances;
        let late = self.ended.is_some();
        let line = self.line(number).expect("it was found before");
        (line.surplus, line.late, line.credited) = (true, late, credited);
        if credited {
            self.balance += money;
        } else if self.way == Way::Purchase {
            self.suspense += money;
        }
        if self.way != Way::Verify && !kept && !credited {
            let mut back = Line::new(Kind::Return, State::Created, money);
            (back.surplus, back.of) = (true, Some(number));
            self.lines.push(back);
        }
        self.done(vec![], Vec::from_iter((over || kept).then_some(I::Surplus)))
    }

    fn failure(&mut self, number: u32, end: State, in_time: bool) -> Expected {
        let line = self.line(number).expect("it was found before");
        (line.state, line.step) = (end, None);
        let automatic = line.automatic;
        let promised = match line.kind {
            Kind::Try => line.share,
            Kind::GiveBack if line.credited => line.amount,
            _ => 0,
        };
        let kind = line.kind;
        self.reserved -= promised;
        let event = match kind {
            Kind::Return | Kind::GiveBack => return self.done(vec![], vec![I::SurplusStuck]),
            Kind::Try => return self.try_failed(number, in_time),
            Kind::Capture => E::CaptureDeclined,
            Kind::Void => E::VoidDeclined,
            Kind::Refund => E::RefundDeclined,
        };
        let incident = automatic.then_some(I::AutomaticRefused);
        self.done(vec![event], Vec::from_iter(incident))
    }

    fn try_failed(&mut self, number: u32, in_time: bool) -> Expected {
        if !self.unpaid_and_open() {
            self.line(number).expect("it was found before").late = self.ended.is_some();
            return self.done(vec![], vec![]);
        }
        let mut events = vec![E::TryDeclined];
        let tries = self.lines.iter().filter(|l| l.kind == Kind::Try).count();
        if !self.waits() && !in_time {
            self.ended = Some(PaymentStatus::Expired);
            events.push(E::Expired);
        } else if !self.waits() && tries >= self.tries_max {
            self.ended = Some(PaymentStatus::Declined);
        }
        self.done(events, vec![])
    }
}
