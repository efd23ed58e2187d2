//! A payment: our whole attempt to collect one order. Its status is computed, never assigned.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    CustomerId, DeclineCode, Money, Operation, OperationId, OperationKind, OperationState, Order,
    PaymentId, ProjectId, Timestamp,
};

/// How the money is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Authorize and capture at once.
    Purchase,
    /// Reserve first, capture later.
    Hold,
    /// Check the card only; no money.
    Verify,
}

impl Way {
    /// The kind of operation that a try of such a payment is.
    pub const fn try_kind(self) -> OperationKind {
        match self {
            Self::Purchase => OperationKind::Sale,
            Self::Hold => OperationKind::Auth,
            Self::Verify => OperationKind::Verify,
        }
    }

    /// The word stored in databases.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Hold => "hold",
            Self::Verify => "verify",
        }
    }

    /// Reads [`word`](Self::word).
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Purchase, Self::Hold, Self::Verify]
            .into_iter()
            .find(|way| way.word() == word)
    }
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Registered, or the last try failed and another is allowed.
    AwaitingPayment,
    /// A try is in flight.
    Processing,
    /// Money is reserved.
    Authorized,
    /// Money is taken.
    Captured,
    /// Part of the money went back.
    PartiallyRefunded,
    /// All money went back.
    Refunded,
    /// The reservation was given up, or the captured sum undone.
    Voided,
    /// The card was checked; no money.
    Verified,
    /// No tries are left.
    Declined,
    /// Withdrawn unpaid by the merchant.
    Cancelled,
    /// Its time ended unpaid.
    Expired,
}

impl PaymentStatus {
    /// All statuses.
    pub const ALL: [Self; 11] = [
        Self::AwaitingPayment,
        Self::Processing,
        Self::Authorized,
        Self::Captured,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::Voided,
        Self::Verified,
        Self::Declined,
        Self::Cancelled,
        Self::Expired,
    ];

    /// The word stored in databases.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AwaitingPayment => "awaiting_payment",
            Self::Processing => "processing",
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Voided => "voided",
            Self::Verified => "verified",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether the payer has paid (or the card is checked), whatever happened later.
    pub const fn is_completed(self) -> bool {
        matches!(
            self,
            Self::Authorized
                | Self::Captured
                | Self::PartiallyRefunded
                | Self::Refunded
                | Self::Voided
                | Self::Verified
        )
    }
}

/// What happened to the money, in minor units of the payment's currency. Only finished operations count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Reserved in all; a purchase counts as reserved and captured.
    pub held: i64,
    /// Taken.
    pub captured: i64,
    /// Reserved and given up.
    pub voided: i64,
    /// Given back.
    pub refunded: i64,
    /// Undone after capture.
    pub reversed: i64,
    /// Taken back by the issuer.
    pub charged_back: i64,
}

/// Why a payment ended unpaid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// No tries are left.
    Declined,
    /// The merchant withdrew it.
    Cancelled,
    /// Its time was over.
    Expired,
}

impl EndReason {
    /// The word stored in databases.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Reads [`word`](Self::word).
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Declined, Self::Cancelled, Self::Expired]
            .into_iter()
            .find(|end| end.word() == word)
    }
}

/// The unpaid end of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Why.
    pub reason: EndReason,
    /// When.
    pub at: Timestamp,
}

/// How many rows of each kind the payment has: their next number is one more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Postings in the ledger.
    pub postings: u32,
    /// Events.
    pub events: u32,
    /// Deliveries of callbacks.
    pub deliveries: u32,
    /// Incidents.
    pub incidents: u32,
}

/// One order to be paid, with all its operations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Its id; whoever knows it may open its payment page.
    pub id: PaymentId,
    /// The project it belongs to.
    pub project_id: ProjectId,
    /// The customer whose payment it is, if the project keeps balances and the merchant named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The dialect it was registered in.
    pub dialect: String,
    /// How the money is to be taken.
    pub way: Way,
    /// How much.
    pub amount: Money,
    /// What happened to the money so far.
    pub sums: Sums,
    /// The number of the try that completed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_by: Option<u32>,
    /// Its unpaid end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// How many tries are allowed.
    pub tries_max: u32,
    /// When it can no longer be paid.
    pub expires_at: Timestamp,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When to capture by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_capture_at: Option<Timestamp>,
    /// When to void by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_void_at: Option<Timestamp>,
    /// Row numbers used so far.
    pub counters: Counters,
    /// What the merchant registered. Not part of an event's stored copy: it never changes.
    #[serde(skip)]
    pub order: Arc<Order>,
    /// All operations by number.
    pub operations: Vec<Operation>,
}

impl Payment {
    /// Where the payment stands, from its operations and sums.
    pub fn status(&self) -> PaymentStatus {
        if self.completed_by.is_some() {
            return self.completed_status();
        }
        match self.end.map(|end| end.reason) {
            Some(EndReason::Declined) => PaymentStatus::Declined,
            Some(EndReason::Cancelled) => PaymentStatus::Cancelled,
            Some(EndReason::Expired) => PaymentStatus::Expired,
            None if self.try_in_flight().is_some() => PaymentStatus::Processing,
            None => PaymentStatus::AwaitingPayment,
        }
    }

    fn completed_status(&self) -> PaymentStatus {
        let sums = self.sums;
        let given_back = sums.refunded + sums.reversed;
        if self.way == Way::Verify {
            PaymentStatus::Verified
        } else if sums.captured == 0 {
            if sums.voided == sums.held {
                PaymentStatus::Voided
            } else {
                PaymentStatus::Authorized
            }
        } else if given_back == 0 {
            PaymentStatus::Captured
        } else if sums.reversed == sums.captured {
            PaymentStatus::Voided
        } else if given_back == sums.captured {
            PaymentStatus::Refunded
        } else {
            PaymentStatus::PartiallyRefunded
        }
    }

    /// Whether the issuer has taken money back.
    pub const fn is_charged_back(&self) -> bool {
        self.sums.charged_back > 0
    }

    /// Whether it can still become paid by a first success.
    pub const fn is_open(&self) -> bool {
        self.completed_by.is_none() && self.end.is_none()
    }

    /// The tries, by number.
    pub fn tries(&self) -> impl DoubleEndedIterator<Item = &Operation> {
        self.operations
            .iter()
            .filter(|operation| operation.kind.is_try())
    }

    /// The newest try.
    pub fn last_try(&self) -> Option<&Operation> {
        self.tries().next_back()
    }

    /// The try that the payment waits for: open, and within its processing period.
    pub fn try_in_flight(&self) -> Option<&Operation> {
        self.tries()
            .find(|attempt| attempt.state.is_open() && !attempt.period_over)
    }

    /// The try that completed the payment.
    pub fn winner(&self) -> Option<&Operation> {
        self.completed_by.and_then(|number| self.operation(number))
    }

    /// How many tries may still be begun.
    pub fn tries_left(&self) -> u32 {
        self.tries_max
            .saturating_sub(u32::try_from(self.tries().count()).unwrap_or(u32::MAX))
    }

    /// Why the newest finished try failed; shown only while the payment is not completed
    /// (life-cycle rows 7, 9 and 11) and not for a failure that came after its end (row 19).
    pub fn visible_decline(&self) -> Option<DeclineCode> {
        self.visible_failure().and_then(|attempt| attempt.decline)
    }

    /// The try whose failure [`visible_decline`](Self::visible_decline) shows, with the gateway's own words.
    pub fn visible_failure(&self) -> Option<&Operation> {
        if self.completed_by.is_some() || self.try_in_flight().is_some() {
            return None;
        }
        let in_its_life = |finished_at| self.end.is_none_or(|end| finished_at <= end.at);
        self.tries()
            .rev()
            .find(|attempt| attempt.finished_at.is_some_and(in_its_life))
            .filter(|last| last.decline.is_some())
    }

    /// The operation with this number.
    pub fn operation(&self, number: u32) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|operation| operation.number == number)
    }

    /// The operation with this id.
    pub fn operation_by_id(&self, id: OperationId) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.id == id)
    }

    /// The number that the next operation gets.
    pub fn next_number(&self) -> u32 {
        self.operations.last().map_or(1, |last| last.number + 1)
    }

    /// The sum of operations of these kinds that are still open and do not belong to a surplus.
    pub fn in_flight(&self, kinds: &[OperationKind]) -> i64 {
        self.operations
            .iter()
            .filter(|o| kinds.contains(&o.kind) && o.state.is_open() && !o.surplus)
            .map(|o| o.amount)
            .sum()
    }

    /// How much can still be captured or voided: the hold less what was and what is being taken.
    pub fn uncaptured(&self) -> i64 {
        let taken = self.sums.captured + self.sums.voided;
        self.sums.held - taken - self.in_flight(&[OperationKind::Capture, OperationKind::Void])
    }

    /// How much can still be refunded: captured less what went back and what is on its way back.
    pub fn refundable(&self) -> i64 {
        let sums = self.sums;
        let back = sums.refunded + sums.reversed + sums.charged_back;
        sums.captured - back - self.in_flight(&[OperationKind::Refund, OperationKind::Reversal])
    }

    /// How much of what the winner took at its gateway can still go back there. What the issuer took back
    /// came from there too.
    pub fn refundable_at_gateway(&self) -> i64 {
        let back = |o: &&Operation| {
            matches!(o.kind, OperationKind::Refund | OperationKind::Reversal)
                && !o.surplus
                && (o.state.is_open() || o.state == OperationState::Succeeded)
        };
        let gone: i64 = self
            .operations
            .iter()
            .filter(back)
            .map(Operation::at_gateway)
            .sum();
        let taken = self.sums.captured - self.winner().map_or(0, |winner| winner.on_balance);
        taken - self.sums.charged_back - gone
    }

    /// How much of a surplus try can still be given back.
    pub fn surplus_left(&self, surplus: &Operation) -> i64 {
        let back = |o: &&Operation| {
            o.surplus
                && o.parent == Some(surplus.number)
                && (o.state.is_open() || o.state == OperationState::Succeeded)
        };
        let gone: i64 = self.operations.iter().filter(back).map(|o| o.amount).sum();
        surplus.at_gateway() - gone
    }

    /// What must still be reserved in the ledger: the rest of a hold, what the balance is to pay of open tries,
    /// and what is on its way back through a gateway.
    pub fn reserved(&self) -> i64 {
        use OperationKind as K;
        let hold = self.winner().filter(|winner| winner.kind == K::Auth);
        let rest = hold.map_or(0, |_| {
            self.sums.held - self.sums.captured - self.sums.voided
        });
        let open = self.operations.iter().filter(|o| o.state.is_open());
        let under_way: i64 = open
            .map(|o| match o.kind {
                K::Sale => o.on_balance,
                K::Refund | K::Reversal => o.at_gateway(),
                K::Auth | K::Verify | K::Capture | K::Void | K::Chargeback | K::Payout => 0,
            })
            .sum();
        rest + under_way
    }

    /// How much is captured and still with the merchant: what the RBS family calls depositedAmount.
    pub const fn deposited(&self) -> i64 {
        self.sums.captured - self.sums.refunded - self.sums.reversed
    }

    /// A minor amount as money of this payment's currency; amounts of a payment are never negative.
    pub fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.amount.currency()).unwrap_or(Money::zero(self.amount.currency()))
    }

    /// Panics if a rule that must always hold does not. Called before every save and by the audit.
    ///
    /// # Panics
    /// If the sums break a ceiling or the operations contradict them.
    pub fn assert_invariants(&self) {
        let s = self.sums;
        let all = [
            s.held,
            s.captured,
            s.voided,
            s.refunded,
            s.reversed,
            s.charged_back,
        ];
        assert!(
            all.iter().all(|sum| *sum >= 0),
            "{}: a sum is negative: {s:?}",
            self.id
        );
        assert!(
            s.captured + s.voided <= s.held,
            "{}: captured + voided > held: {s:?}",
            self.id
        );
        let back = s.refunded + s.reversed + s.charged_back;
        assert!(
            back <= s.captured,
            "{}: more went back than was captured: {s:?}",
            self.id
        );
        assert!(
            self.uncaptured() >= 0 && self.refundable() >= 0,
            "{}: over-committed",
            self.id
        );
        let winners = self
            .tries()
            .filter(|o| o.state == OperationState::Succeeded && !o.surplus);
        assert!(
            winners.count() <= 1,
            "{}: two tries completed the payment",
            self.id
        );
        assert!(
            self.operations
                .windows(2)
                .all(|pair| pair[0].number < pair[1].number),
            "{}: operations out of order",
            self.id
        );
        assert_eq!(
            s,
            self.sums_of_operations(),
            "{}: sums differ from operations",
            self.id
        );
        self.assert_shares();
    }

    /// The same of what moves on the customer's balance, and of what goes back of a surplus.
    fn assert_shares(&self) {
        use OperationKind as K;
        let at_gateway = self.refundable_at_gateway();
        assert!(
            at_gateway >= 0 && at_gateway <= self.refundable(),
            "{}: more goes back to the gateway or to the balance than came from there",
            self.id
        );
        for o in &self.operations {
            assert!(
                o.on_balance >= 0 && o.on_balance <= o.amount,
                "{}: operation {} is on the balance with more than all",
                self.id,
                o.number
            );
            assert!(
                (o.on_balance == 0 && !o.credited) || self.customer_id.is_some(),
                "{}: operation {} moves on nobody's balance",
                self.id,
                o.number
            );
            assert!(
                !o.credited || (o.surplus && matches!(o.kind, K::Sale | K::Refund)),
                "{}: operation {} is credited and no surplus",
                self.id,
                o.number
            );
            assert!(
                !(o.surplus && o.kind.is_try()) || self.surplus_left(o) >= 0,
                "{}: more goes back of surplus {} than came",
                self.id,
                o.number
            );
        }
    }

    /// What the sums must be, counted from the operations that are done and not surplus.
    pub fn sums_of_operations(&self) -> Sums {
        let mut sums = Sums {
            charged_back: self.sums.charged_back,
            ..Sums::default()
        };
        let done = |o: &&Operation| o.state == OperationState::Succeeded && !o.surplus;
        for operation in self.operations.iter().filter(done) {
            match operation.kind {
                OperationKind::Sale => {
                    sums.held += operation.amount;
                    sums.captured += operation.amount;
                }
                OperationKind::Auth => sums.held += operation.amount,
                OperationKind::Capture => sums.captured += operation.amount,
                OperationKind::Void => sums.voided += operation.amount,
                OperationKind::Refund => sums.refunded += operation.amount,
                OperationKind::Reversal => sums.reversed += operation.amount,
                OperationKind::Verify | OperationKind::Chargeback | OperationKind::Payout => {}
            }
            if operation.kind == OperationKind::Capture && operation.release_rest {
                sums.voided += sums.held - sums.captured - sums.voided;
            }
        }
        sums
    }
}
