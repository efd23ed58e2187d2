//! The rules of orders and payments.

use super::amount;
use super::book::{Book, Due, Item, Refusal};
use super::notice;
use super::order::{CURRENCY, Generation, Notice, Order, OrderStatus, OrderWish, Outcome};
use super::order::{Payment, PaymentStatus, Plan, Termination};

/// Payments of one order.
const PAYMENTS_MAX: usize = 100;
/// More copies of one notice than any test wants.
const COPIES_MAX: u32 = 20;
/// Why a payment fails if nobody says why.
const USUAL_ERROR: &str = "TRANSACTION_DECLINED";
/// Why a payment that the wallet never answered fails at the limit.
const TIMED_OUT: &str = "TRANSACTION_TIMED_OUT";
/// The wallet of payments whose payer did not choose one.
pub const USUAL_WALLET: &str = "paytm";

/// A decision about a payment.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What becomes of it.
    pub outcome: Outcome,
    /// Why it fails.
    pub error_code: Option<String>,
    /// What the notice is like.
    pub plan: Plan,
}

impl Decision {
    /// A decision that nothing is planned about.
    pub fn plain(outcome: Outcome) -> Decision {
        Decision {
            outcome,
            error_code: None,
            plan: Plan::default(),
        }
    }
}

/// What a decision did.
#[derive(Debug)]
pub struct Decided {
    /// The payment.
    pub payment: usize,
    /// The refund that went with it, if it came too late.
    pub refund: Option<usize>,
    /// The notices about it.
    pub notices: Vec<usize>,
}

/// Where a payment comes from.
#[derive(Clone, Debug)]
pub struct Wallet {
    /// Which wallet.
    pub provider: String,
    /// The phone it belongs to.
    pub phone: String,
    /// Name of the payment in its own link.
    pub token: Option<String>,
}

/// What the end of the payer's phone decides without anybody at the page.
fn unattended(phone: &str) -> Option<Outcome> {
    if phone.ends_with("0001") {
        Some(Outcome::Success)
    } else if phone.ends_with("0002") {
        Some(Outcome::Failed)
    } else if phone.ends_with("0003") {
        Some(Outcome::UserDropped)
    } else {
        None
    }
}

impl Book {
    /// Makes an order. One of generation 1 may be decided at once, by the payer's phone.
    pub fn create_order(&mut self, wish: OrderWish, now_ms: u64) -> Result<usize, Refusal> {
        if self.find_any_order(&wish.id).is_ok() {
            return Err(Refusal::OrderExists);
        }
        let index = self.orders.len();
        let first = wish.generation == Generation::First;
        let phone = wish.customer.phone.clone();
        self.add_order(Order {
            index,
            partner_id: self.next_order_id(),
            wish,
            created_ms: now_ms,
            termination: Termination::None,
            plan: None,
            payments: Vec::new(),
            refunds: Vec::new(),
        });
        if first && let Some(outcome) = unattended(&phone) {
            let payment = self.open_payment(index, self.usual_wallet(index), now_ms);
            self.decide(payment, &Decision::plain(outcome), now_ms);
        }
        Ok(index)
    }

    /// Begins a payment. One of generation 2 may be decided at once, by the payer's phone.
    pub fn start_payment(
        &mut self,
        order: usize,
        wallet: Wallet,
        now_ms: u64,
    ) -> Result<usize, Refusal> {
        match self.status(order, now_ms) {
            OrderStatus::Active => {}
            OrderStatus::Paid => return Err(Refusal::AlreadyPaid),
            OrderStatus::Expired => return Err(Refusal::Expired),
            OrderStatus::Terminated | OrderStatus::TerminationRequested => {
                return Err(Refusal::Terminated);
            }
        }
        if self.order(order).payments.len() >= PAYMENTS_MAX {
            return Err(Refusal::TooManyPayments);
        }
        let payment = self.open_payment(order, wallet, now_ms);
        let wish = &self.order(order).wish;
        let outcome = unattended(&wish.customer.phone);
        if wish.generation == Generation::Second
            && let Some(outcome) = outcome
        {
            self.decide(payment, &Decision::plain(outcome), now_ms);
        }
        Ok(payment)
    }

    /// The wallet of a payer who did not choose one.
    pub fn usual_wallet(&self, order: usize) -> Wallet {
        Wallet {
            provider: USUAL_WALLET.to_owned(),
            phone: self.order(order).wish.customer.phone.clone(),
            token: None,
        }
    }

    /// Puts a payment into the book, whatever the state of its order.
    fn open_payment(&mut self, order: usize, wallet: Wallet, now_ms: u64) -> usize {
        let index = self.payments.len();
        self.add_payment(Payment {
            index,
            id: self.next_payment_id(),
            order,
            token: wallet.token,
            provider: wallet.provider,
            phone: wallet.phone,
            status: PaymentStatus::NotAttempted,
            amount: self.order(order).wish.amount,
            currency: CURRENCY.to_owned(),
            started_ms: now_ms,
            ended_ms: None,
            error_code: None,
            stopped: false,
            refunded: 0,
        });
        index
    }

    /// Decides a payment and queues the notices about it. A success that comes too late, or as
    /// the second one of its order, goes back to the payer unless the plan lets it stand.
    pub fn decide(&mut self, index: usize, decision: &Decision, now_ms: u64) -> Decided {
        let plan = &decision.plan;
        let wanted = match decision.outcome {
            Outcome::Success if !plan.late && self.is_too_late(index, now_ms) => {
                PaymentStatus::Cancelled
            }
            Outcome::Success => PaymentStatus::Success,
            Outcome::Failed => PaymentStatus::Failed,
            Outcome::UserDropped => PaymentStatus::UserDropped,
            Outcome::Pending => PaymentStatus::Pending,
            Outcome::Flagged => PaymentStatus::Flagged,
        };
        let payment = &mut self.payments[index];
        let amount = plan.amount.as_deref().and_then(amount::parse);
        if let Some(paise) = amount.filter(|paise| *paise >= payment.refunded) {
            payment.amount = paise;
        }
        if let Some(currency) = &plan.currency {
            payment.currency.clone_from(currency);
        }
        payment.status = wanted;
        payment.ended_ms = (!wanted.is_running()).then_some(now_ms);
        payment.error_code = (wanted == PaymentStatus::Failed).then(|| {
            let code = decision.error_code.as_deref();
            code.unwrap_or(USUAL_ERROR).to_owned()
        });
        let order = payment.order;
        self.touch(Item::Payment(index));
        let refund = (wanted == PaymentStatus::Cancelled)
            .then(|| self.refund_by_itself(index, now_ms))
            .flatten();
        let notices = self.tell(
            notice::about_payment(self, index, refund, plan, now_ms),
            plan,
        );
        self.finish_termination(order);
        Decided {
            payment: index,
            refund,
            notices,
        }
    }

    /// Decides an order as a test wants it: the payment it names, else the one that is running,
    /// else the one that the limit ended, else a new one.
    pub fn force(
        &mut self,
        order: usize,
        named: Option<usize>,
        decision: &Decision,
        now_ms: u64,
    ) -> Decided {
        let stopped = || {
            let mut newest = self.order(order).payments.iter().rev().copied();
            newest.find(|at| self.payment(*at).stopped && self.payment(*at).refunded == 0)
        };
        let known = named.or_else(|| self.running(order)).or_else(stopped);
        let payment =
            known.unwrap_or_else(|| self.open_payment(order, self.usual_wallet(order), now_ms));
        self.decide(payment, decision, now_ms)
    }

    /// Keeps a plan for the next decision of the payer.
    pub fn plan(&mut self, order: usize, plan: Plan) {
        self.orders[order].plan = Some(plan);
        self.touch(Item::Order(order));
    }

    /// Takes the plan that was kept, or the usual one.
    pub fn take_plan(&mut self, order: usize) -> Plan {
        let Some(plan) = self.orders[order].plan.take() else {
            return Plan::default();
        };
        self.touch(Item::Order(order));
        plan
    }

    /// Moves the limit of an order to now.
    pub fn expire(&mut self, order: usize, now_ms: u64) {
        self.orders[order].wish.expires_ms = now_ms;
        self.due.insert((now_ms, Due::Order(order)));
        self.touch(Item::Order(order));
        self.tick(now_ms);
    }

    /// The merchant ends an order.
    pub fn terminate(&mut self, order: usize, now_ms: u64) -> Result<(), Refusal> {
        match self.status(order, now_ms) {
            OrderStatus::Paid => Err(Refusal::AlreadyPaid),
            OrderStatus::Active => {
                self.orders[order].termination = Termination::Requested;
                self.finish_termination(order);
                self.touch(Item::Order(order));
                Ok(())
            }
            // It is over already: asking again changes nothing.
            OrderStatus::Expired | OrderStatus::Terminated | OrderStatus::TerminationRequested => {
                Ok(())
            }
        }
    }

    /// Does what is due by itself: limits of orders, refunds that are ready.
    pub fn tick(&mut self, now_ms: u64) {
        while let Some((due_ms, due)) = self.due.first().copied() {
            if due_ms > now_ms {
                break;
            }
            self.due.remove(&(due_ms, due));
            match due {
                Due::Order(order) => self.stop_payments(order, now_ms),
                Due::Refund(refund) => self.finish_refund(refund, now_ms),
            }
        }
    }

    /// The limit of an order: whatever is running ends, except what risk control holds.
    fn stop_payments(&mut self, order: usize, now_ms: u64) {
        if self.order(order).wish.expires_ms > now_ms {
            // The limit was moved; there is another entry for it.
            return;
        }
        for index in self.order(order).payments.clone() {
            let payment = &mut self.payments[index];
            let (status, error_code) = match payment.status {
                PaymentStatus::NotAttempted => (PaymentStatus::UserDropped, None),
                PaymentStatus::Pending => (PaymentStatus::Failed, Some(TIMED_OUT.to_owned())),
                PaymentStatus::Flagged
                | PaymentStatus::Success
                | PaymentStatus::Failed
                | PaymentStatus::UserDropped
                | PaymentStatus::Cancelled => continue,
            };
            payment.status = status;
            payment.error_code = error_code;
            payment.ended_ms = Some(now_ms);
            payment.stopped = true;
            self.touch(Item::Payment(index));
            let plan = Plan::default();
            let about = notice::about_payment(self, index, None, &plan, now_ms);
            self.tell(about, &plan);
        }
        self.finish_termination(order);
    }

    fn is_too_late(&self, index: usize, now_ms: u64) -> bool {
        let payment = self.payment(index);
        let over = match self.status(payment.order, now_ms) {
            OrderStatus::Active | OrderStatus::TerminationRequested => {
                self.order(payment.order).wish.expires_ms <= now_ms
            }
            OrderStatus::Expired | OrderStatus::Terminated => true,
            OrderStatus::Paid => self.paid_by(payment.order) != Some(index),
        };
        over || payment.stopped
    }

    /// A termination that waited for payments is done once none is running.
    fn finish_termination(&mut self, order: usize) {
        let waits = self.order(order).termination == Termination::Requested;
        if waits && self.running(order).is_none() && self.paid_by(order).is_none() {
            self.orders[order].termination = Termination::Done;
            self.touch(Item::Order(order));
        }
    }

    /// Queues a notice as often as planned; gives the places of the copies.
    pub(super) fn tell(&mut self, about: Option<Notice>, plan: &Plan) -> Vec<usize> {
        let Some(mut notice) = about.filter(|_| plan.notify) else {
            return Vec::new();
        };
        notice.bad_signature = plan.bad_signature;
        if plan.before_return == Some(false) {
            let pause_ms = self.settings.pause_ms;
            notice.due_ms = notice.due_ms.map(|due_ms| due_ms.saturating_add(pause_ms));
        }
        let copies = plan.duplicate.min(COPIES_MAX) + 1;
        (0..copies)
            .map(|_| self.add_notice(notice.clone()))
            .collect()
    }
}
