//! The partner's book: everything it knows, and the ways to find one thing. Pure: no clock, no
//! sockets. The rules of payments are in [`super::pay`], those of refunds in [`super::refund`].
//!
//! Invariants: an order has at most one successful payment, unless a test asks for a late one;
//! what goes back of a payment is never more than the payment; ids are never given twice.

use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::ensure;

use super::answers::Answers;
use super::order::{Body, Delivery, Generation, Notice, Order, OrderStatus, Payment};
use super::order::{PaymentStatus, Refund, Termination};
use super::record::Record;

/// Why the book did not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The merchant has used this name already.
    #[error("order with same id is already present")]
    OrderExists,
    /// No such order.
    #[error("order is not present")]
    OrderNotFound,
    /// No such payment.
    #[error("payment is not present")]
    PaymentNotFound,
    /// No such refund.
    #[error("refund is not present")]
    RefundNotFound,
    /// The order is paid.
    #[error("order is already paid")]
    AlreadyPaid,
    /// The limit of the order has passed.
    #[error("order has expired")]
    Expired,
    /// The merchant has ended the order.
    #[error("order is terminated")]
    Terminated,
    /// The order has more payments than anybody needs.
    #[error("too many payments of one order")]
    TooManyPayments,
    /// Nothing has been paid.
    #[error("transaction is not successful, nothing can be refunded")]
    NotPaid,
    /// More than is left of the payment.
    #[error("Total amount of refunds cannot be greater than the transaction amount")]
    RefundTooHigh,
    /// The name of the refund belongs to another one.
    #[error("Duplicate merchant refund id")]
    RefundIdReused,
    /// The refund is over.
    #[error("refund is final already")]
    RefundFinal,
}

/// How the book is set up.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The pause after the first failed try of a notice; the others grow with it.
    pub pause_ms: u64,
    /// How long an `ACTIVE` refund is in work.
    pub refund_ms: u64,
    /// The first ids of a book without a past.
    pub first: FirstIds,
}

/// Ids from which a new book counts.
#[derive(Clone, Copy, Debug)]
pub struct FirstIds {
    /// `cf_order_id`.
    pub order: u64,
    /// Nine digits.
    pub payment: u64,
    /// Seven digits.
    pub refund: u64,
}

/// Something in the book, by its place in the list of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    /// An order.
    Order(usize),
    /// A payment.
    Payment(usize),
    /// A refund.
    Refund(usize),
    /// A notice.
    Notice(usize),
}

/// What happens by itself at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// The limit of an order.
    Order(usize),
    /// The success of a refund.
    Refund(usize),
}

/// What a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// An order of generation 1: each visit may pay.
    Order(usize),
    /// One payment of generation 2.
    Payment(usize),
}

/// A forced result of generation 2.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Simulation {
    /// Its name.
    pub id: String,
    /// The payment.
    pub payment_id: u64,
    /// What it was made.
    pub payment_status: String,
    /// Why it failed.
    pub payment_error_code: Option<String>,
}

/// Everything the partner knows.
pub struct Book {
    pub(super) settings: Settings,
    pub(super) orders: Vec<Order>,
    pub(super) payments: Vec<Payment>,
    pub(super) refunds: Vec<Refund>,
    notices: Vec<Notice>,
    items: Vec<Item>,
    simulations: HashMap<String, Simulation>,
    /// Answers that are given again for the same idempotency key.
    pub answers: Answers,
    by_order_id: HashMap<String, usize>,
    by_session: HashMap<String, usize>,
    by_token: HashMap<String, Link>,
    by_payment_id: HashMap<u64, usize>,
    pub(super) by_merchant_refund: HashMap<String, usize>,
    by_refund_id: HashMap<u64, usize>,
    pub(super) due: BTreeSet<(u64, Due)>,
    notices_due: BTreeSet<(u64, usize)>,
    touched: Vec<Item>,
}

impl Book {
    /// An empty book.
    pub fn new(settings: Settings) -> Book {
        Book {
            settings,
            orders: Vec::new(),
            payments: Vec::new(),
            refunds: Vec::new(),
            notices: Vec::new(),
            items: Vec::new(),
            simulations: HashMap::new(),
            answers: Answers::default(),
            by_order_id: HashMap::new(),
            by_session: HashMap::new(),
            by_token: HashMap::new(),
            by_payment_id: HashMap::new(),
            by_merchant_refund: HashMap::new(),
            by_refund_id: HashMap::new(),
            due: BTreeSet::new(),
            notices_due: BTreeSet::new(),
            touched: Vec::new(),
        }
    }

    /// Everything in the order in which it came into being.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The order at a place that this book gave out.
    pub fn order(&self, index: usize) -> &Order {
        &self.orders[index]
    }

    /// The payment at a place that this book gave out.
    pub fn payment(&self, index: usize) -> &Payment {
        &self.payments[index]
    }

    /// The refund at a place that this book gave out.
    pub fn refund(&self, index: usize) -> &Refund {
        &self.refunds[index]
    }

    /// The notice at a place that this book gave out.
    pub fn notice(&self, index: usize) -> &Notice {
        &self.notices[index]
    }

    /// All refunds, oldest first.
    pub fn refunds(&self) -> &[Refund] {
        &self.refunds
    }

    /// Finds an order by the merchant's name for it. The generations do not see each other's.
    pub fn find_order(&self, id: &str, generation: Generation) -> Result<usize, Refusal> {
        let found = self.by_order_id.get(id).copied();
        found
            .filter(|index| self.orders[*index].wish.generation == generation)
            .ok_or(Refusal::OrderNotFound)
    }

    /// Finds an order of either generation.
    pub fn find_any_order(&self, id: &str) -> Result<usize, Refusal> {
        self.by_order_id
            .get(id)
            .copied()
            .ok_or(Refusal::OrderNotFound)
    }

    /// Finds an order of generation 2 by its session.
    pub fn find_session(&self, session: &str) -> Option<usize> {
        self.by_session.get(session).copied()
    }

    /// Finds what a link leads to.
    pub fn find_link(&self, token: &str) -> Option<Link> {
        self.by_token.get(token).copied()
    }

    /// Finds a payment by its nine digits.
    pub fn find_payment(&self, id: &str) -> Result<usize, Refusal> {
        let id: u64 = id.parse().map_err(|_| Refusal::PaymentNotFound)?;
        let found = self.by_payment_id.get(&id).copied();
        found.ok_or(Refusal::PaymentNotFound)
    }

    /// Finds a refund by the merchant's name for it.
    pub fn find_merchant_refund(&self, id: &str) -> Result<usize, Refusal> {
        let found = self.by_merchant_refund.get(id).copied();
        found.ok_or(Refusal::RefundNotFound)
    }

    /// Finds a refund by its seven digits.
    pub fn find_refund(&self, id: &str) -> Result<usize, Refusal> {
        let id: u64 = id.parse().map_err(|_| Refusal::RefundNotFound)?;
        let found = self.by_refund_id.get(&id).copied();
        found.ok_or(Refusal::RefundNotFound)
    }

    /// The successful payment of an order.
    pub fn paid_by(&self, order: usize) -> Option<usize> {
        let mut payments = self.orders[order].payments.iter().copied();
        payments.find(|at| self.payments[*at].status == PaymentStatus::Success)
    }

    /// The newest payment of an order that may still become something else.
    pub fn running(&self, order: usize) -> Option<usize> {
        let mut payments = self.orders[order].payments.iter().rev().copied();
        payments.find(|at| self.payments[*at].status.is_running())
    }

    /// The payment that speaks for an order: the successful one, else the newest.
    pub fn leading(&self, order: usize) -> Option<usize> {
        self.paid_by(order)
            .or_else(|| self.orders[order].payments.last().copied())
    }

    /// What an order is told to be at a moment.
    pub fn status(&self, order: usize, now_ms: u64) -> OrderStatus {
        let entry = &self.orders[order];
        if self.paid_by(order).is_some() {
            return OrderStatus::Paid;
        }
        match entry.termination {
            Termination::Done => OrderStatus::Terminated,
            Termination::Requested => OrderStatus::TerminationRequested,
            Termination::None if entry.wish.expires_ms <= now_ms => OrderStatus::Expired,
            Termination::None => OrderStatus::Active,
        }
    }

    /// The next free `cf_order_id`; ids grow.
    pub(super) fn next_order_id(&self) -> u64 {
        let last = self.orders.last().map(|order| order.partner_id + 1);
        last.unwrap_or(self.settings.first.order)
    }

    /// The next free id of a payment.
    pub(super) fn next_payment_id(&self) -> u64 {
        let last = self.payments.last().map(|payment| payment.id + 1);
        last.unwrap_or(self.settings.first.payment)
    }

    /// The next free id of a refund.
    pub(super) fn next_refund_id(&self) -> u64 {
        let last = self.refunds.last().map(|refund| refund.id + 1);
        last.unwrap_or(self.settings.first.refund)
    }

    /// Puts an order into the book.
    pub(super) fn add_order(&mut self, order: Order) {
        let (index, wish) = (order.index, &order.wish);
        self.by_order_id.insert(wish.id.clone(), index);
        match wish.generation {
            Generation::First => {
                self.by_token.insert(wish.token.clone(), Link::Order(index));
            }
            Generation::Second => {
                self.by_session.insert(wish.token.clone(), index);
            }
        }
        self.due.insert((wish.expires_ms, Due::Order(index)));
        self.orders.push(order);
        self.appeared(Item::Order(index));
    }

    /// Puts a payment into the book.
    pub(super) fn add_payment(&mut self, payment: Payment) {
        let index = payment.index;
        self.by_payment_id.insert(payment.id, index);
        if let Some(token) = &payment.token {
            self.by_token.insert(token.clone(), Link::Payment(index));
        }
        self.orders[payment.order].payments.push(index);
        self.payments.push(payment);
        self.appeared(Item::Payment(index));
    }

    /// Puts a refund into the book.
    pub(super) fn add_refund(&mut self, refund: Refund) {
        let index = refund.index;
        self.by_refund_id.insert(refund.id, index);
        if let Some(id) = &refund.wish.merchant_id {
            self.by_merchant_refund.insert(id.clone(), index);
        }
        self.orders[refund.order].refunds.push(index);
        self.watch_refund(&refund);
        self.refunds.push(refund);
        self.appeared(Item::Refund(index));
    }

    fn watch_refund(&mut self, refund: &Refund) {
        if let Some(due_ms) = refund.due_ms {
            self.due.insert((due_ms, Due::Refund(refund.index)));
        }
    }

    /// Puts a notice into the book; the place in it is set here.
    pub(super) fn add_notice(&mut self, mut notice: Notice) -> usize {
        let index = self.notices.len();
        notice.index = index;
        if let Some(due_ms) = notice.due_ms {
            self.notices_due.insert((due_ms, index));
        }
        self.notices.push(notice);
        self.appeared(Item::Notice(index));
        index
    }

    fn appeared(&mut self, item: Item) {
        self.items.push(item);
        self.touched.push(item);
    }

    /// Remembers that something changed.
    pub(super) fn touch(&mut self, item: Item) {
        self.touched.push(item);
    }

    /// Remembers a forced result.
    pub fn add_simulation(&mut self, simulation: Simulation) {
        self.simulations.insert(simulation.id.clone(), simulation);
    }

    /// A forced result by its name.
    pub fn simulation(&self, id: &str) -> Option<&Simulation> {
        self.simulations.get(id)
    }

    /// What changed since this was asked last, each thing once, in the order of the changes.
    pub fn take_touched(&mut self) -> Vec<Item> {
        let mut seen = HashSet::new();
        let mut touched = std::mem::take(&mut self.touched);
        touched.retain(|item| seen.insert(*item));
        touched
    }

    /// Takes notices whose time has come, `most` at most. They are under way until
    /// [`Book::attempted`] says how it went.
    pub fn take_due_notices(&mut self, now_ms: u64, most: usize) -> Vec<Notice> {
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some((due_ms, index)) = self.notices_due.first().copied() else {
                break;
            };
            if due_ms > now_ms {
                break;
            }
            self.notices_due.remove(&(due_ms, index));
            self.notices[index].due_ms = None;
            taken.push(self.notices[index].clone());
        }
        taken
    }

    /// When the next notice or the next thing that happens by itself is due.
    pub fn next_due_ms(&self) -> Option<u64> {
        let notice = self.notices_due.first().map(|(due_ms, _)| *due_ms);
        let other = self.due.first().map(|(due_ms, _)| *due_ms);
        notice.into_iter().chain(other).min()
    }

    /// Records how a try went, and when the next one is.
    pub fn attempted(&mut self, index: usize, attempt: super::order::Attempt) {
        let pauses = self.pauses();
        let notice = &mut self.notices[index];
        let delivered = attempt
            .status
            .is_some_and(|status| (200..300).contains(&status));
        let at_ms = attempt.at_ms;
        notice.attempts.push(attempt);
        let pause_ms = pauses.get(notice.attempts.len() - 1);
        match (delivered, pause_ms) {
            (true, _) => notice.delivery = Delivery::Delivered,
            (false, None) => notice.delivery = Delivery::GivenUp,
            (false, Some(pause_ms)) => {
                let due_ms = at_ms.saturating_add(*pause_ms);
                notice.due_ms = Some(due_ms);
                self.notices_due.insert((due_ms, index));
            }
        }
        self.touch(Item::Notice(index));
    }

    /// Lets go of the bodies of notices that are over; called once the journal has them.
    pub fn forget_bodies(&mut self, touched: &[Item]) {
        for item in touched {
            if let Item::Notice(index) = item
                && self.notices[*index].delivery != Delivery::Waiting
            {
                self.notices[*index].body = Body::Gone;
            }
        }
    }

    /// The pauses between the tries of a notice.
    fn pauses(&self) -> [u64; 3] {
        let first = self.settings.pause_ms;
        [first, first.saturating_mul(5), first.saturating_mul(15)]
    }

    /// Puts back what a line of the journal says.
    pub fn restore(&mut self, record: Record) -> anyhow::Result<()> {
        match record {
            Record::Order(order) => self.restore_order(*order)?,
            Record::Payment(payment) => self.restore_payment(*payment)?,
            Record::Refund(refund) => self.restore_refund(*refund)?,
            Record::Notice(notice) => self.restore_notice(*notice)?,
            Record::Simulation(simulation) => self.add_simulation(simulation),
            Record::Answer(answer) => self.answers.remember(answer),
        }
        self.touched.clear();
        Ok(())
    }

    fn restore_order(&mut self, mut order: Order) -> anyhow::Result<()> {
        if order.index < self.orders.len() {
            let known = &mut self.orders[order.index];
            order.payments = std::mem::take(&mut known.payments);
            order.refunds = std::mem::take(&mut known.refunds);
            self.due
                .insert((order.wish.expires_ms, Due::Order(order.index)));
            *known = order;
            return Ok(());
        }
        ensure!(
            order.index == self.orders.len(),
            "journal: an order is missing"
        );
        self.add_order(order);
        Ok(())
    }

    fn restore_payment(&mut self, payment: Payment) -> anyhow::Result<()> {
        if payment.index < self.payments.len() {
            let index = payment.index;
            self.payments[index] = payment;
            return Ok(());
        }
        let whole = payment.index == self.payments.len() && payment.order < self.orders.len();
        ensure!(whole, "journal: a payment is missing");
        self.add_payment(payment);
        Ok(())
    }

    fn restore_refund(&mut self, refund: Refund) -> anyhow::Result<()> {
        if refund.index < self.refunds.len() {
            self.watch_refund(&refund);
            let index = refund.index;
            self.refunds[index] = refund;
            return Ok(());
        }
        let whole = refund.index == self.refunds.len()
            && refund.order < self.orders.len()
            && refund.payment < self.payments.len();
        ensure!(whole, "journal: a refund is missing");
        self.add_refund(refund);
        Ok(())
    }

    fn restore_notice(&mut self, mut notice: Notice) -> anyhow::Result<()> {
        let index = notice.index;
        ensure!(index <= self.notices.len(), "journal: a notice is missing");
        if index == self.notices.len() {
            let due_ms = notice.due_ms.take();
            self.add_notice(notice);
            self.notices[index].due_ms = due_ms;
        } else {
            if let Some(due_ms) = self.notices[index].due_ms {
                self.notices_due.remove(&(due_ms, index));
            }
            self.notices[index] = notice;
        }
        let entry = &mut self.notices[index];
        if entry.delivery == Delivery::Waiting {
            // One that was under way when the program ended is tried again at once.
            let due_ms = entry.due_ms.unwrap_or(0);
            entry.due_ms = Some(due_ms);
            self.notices_due.insert((due_ms, index));
        } else {
            entry.body = Body::Gone;
        }
        Ok(())
    }
}
