//! Payments in every standing, for tests of this dialect.

use std::collections::BTreeMap;
use std::sync::Arc;

use altyn_domain::{
    Bucket, CardBrand, CardSummary, Counters, Currency, Customer, DeclineCode, End, EndReason,
    Expiry, Facts, Initiator, Language, Money, Operation, OperationId, OperationKind,
    OperationState, Order, PayerAction, Payment, PaymentId, Project, ProjectId, ProjectSettings,
    Sums, SurplusPolicy, Timestamp, Way,
};

/// 2026-11-22T00:00:00Z.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_305_600_000);

/// A payment of 10.00 KZT that is led from standing to standing.
pub(super) struct Sample(Payment);

impl Sample {
    pub(super) fn new(way: Way) -> Self {
        let amount = if way == Way::Verify { 0 } else { 1_000 };
        let bucket = Bucket::new(7);
        let order = Order {
            reference: "ORD-1001".to_owned(),
            description: Some("Чай".to_owned()),
            language: Language::Ru,
            return_url: Some("https://shop.kz/done?x=1".to_owned()),
            customer: Customer {
                id: Some("cust-7".to_owned()),
                ip: Some("203.0.113.7".to_owned()),
                ..Customer::default()
            },
            attributes: BTreeMap::from([("table".to_owned(), "5".to_owned())]),
            ..Order::default()
        };
        Self(Payment {
            id: PaymentId::new(NOW, bucket, 1),
            project_id: ProjectId::new(NOW, bucket, 2),
            customer_id: None,
            dialect: "rbs".to_owned(),
            way,
            amount: Money::new(amount, Currency::KZT).unwrap(),
            sums: Sums::default(),
            completed_by: None,
            end: None,
            tries_max: 3,
            expires_at: NOW.plus_millis(1_200_000),
            created_at: NOW,
            updated_at: NOW,
            auto_capture_at: None,
            auto_void_at: None,
            counters: Counters::default(),
            order: Arc::new(order),
            operations: Vec::new(),
        })
    }

    fn add(&mut self, kind: OperationKind, state: OperationState, amount: i64) -> &mut Operation {
        let number = self.0.next_number();
        let finished = (!state.is_open()).then(|| NOW.plus_millis(i64::from(number) * 1_000));
        let card = kind.is_try().then(|| CardSummary {
            masked: "411111**1111".to_owned(),
            brand: CardBrand::Visa,
            expiry: Expiry::try_new(2030, 12).unwrap(),
            holder: "TEST HOLDER".to_owned(),
        });
        self.0.operations.push(Operation {
            id: OperationId::new(NOW, self.0.id.bucket(), u64::from(number)),
            serial: 1_000_000_000 + i64::from(number),
            description: None,
            doubts: Vec::new(),
            on_balance: 0,
            credited: false,
            number,
            kind,
            state,
            amount,
            parent: self.0.completed_by,
            reference: None,
            method: "card".to_owned(),
            initiator: Initiator::Payer,
            release_rest: false,
            surplus: false,
            period_over: false,
            decline: None,
            card,
            facts: Facts::default(),
            action: None,
            reserve: None,
            exchanges: 1,
            created_at: NOW,
            sent_at: Some(NOW),
            finished_at: finished,
        });
        self.0.operations.last_mut().unwrap()
    }

    fn last(&mut self) -> &mut Operation {
        self.0.operations.last_mut().unwrap()
    }

    pub(super) fn tried(mut self, state: OperationState) -> Self {
        let amount = self.0.amount.minor();
        self.add(self.0.way.try_kind(), state, amount);
        self
    }

    pub(super) fn refused(mut self, code: DeclineCode) -> Self {
        self = self.tried(OperationState::Declined);
        self.last().decline = Some(code);
        self
    }

    pub(super) fn asked(mut self, action: PayerAction) -> Self {
        self.last().action = Some(action);
        self
    }

    pub(super) fn period_over(mut self) -> Self {
        self.last().period_over = true;
        self
    }

    pub(super) fn paid(mut self) -> Self {
        self = self.tried(OperationState::Succeeded);
        let facts = Facts {
            approval_code: Some("123456".to_owned()),
            rrn: Some("000000000001".to_owned()),
            terminal: Some("SANDBOX1".to_owned()),
            eci: Some("05".to_owned()),
            ..Facts::default()
        };
        self.last().facts = facts;
        self.0.completed_by = Some(self.last().number);
        self.count();
        self
    }

    pub(super) fn ended(mut self, reason: EndReason) -> Self {
        self.0.end = Some(End {
            reason,
            at: NOW.plus_millis(60_000),
        });
        self
    }

    pub(super) fn then(mut self, kind: OperationKind, state: OperationState, amount: i64) -> Self {
        self.add(kind, state, amount);
        self.count();
        self
    }

    pub(super) fn reference(mut self, reference: &str) -> Self {
        self.last().reference = Some(reference.to_owned());
        self
    }

    /// Captures a part and releases the rest.
    pub(super) fn release(mut self, amount: i64) -> Self {
        self.add(OperationKind::Capture, OperationState::Succeeded, amount)
            .release_rest = true;
        self.count();
        self
    }

    /// Counts the sums from the operations, as the domain does.
    fn count(&mut self) {
        self.0.sums = self.0.sums_of_operations();
    }

    /// The payment; it keeps the rules of every payment.
    pub(super) fn payment(self) -> Payment {
        self.0.assert_invariants();
        self.0
    }
}

/// The hidden frame of 3-D Secure is asked for.
pub(super) fn device_check() -> PayerAction {
    PayerAction::DeviceCheck {
        transaction_id: "t-1".to_owned(),
        url: "https://acs.kz/method".to_owned(),
        data: "eyJ9".to_owned(),
    }
}

/// The issuer's page is asked for.
pub(super) fn challenge() -> PayerAction {
    PayerAction::Challenge {
        transaction_id: "t-1".to_owned(),
        acs_url: "https://acs.kz/challenge".to_owned(),
        creq: "e30".to_owned(),
    }
}

/// A shop without methods or endpoints.
pub(super) fn shop() -> Project {
    let bucket = Bucket::new(7);
    Project {
        id: ProjectId::new(NOW, bucket, 1),
        bucket,
        name: "Shop".to_owned(),
        slug: "shop".to_owned(),
        settings: ProjectSettings {
            default_currency: Currency::KZT,
            currencies: vec![Currency::KZT],
            language: Language::Ru,
            session_timeout_ms: 1_200_000,
            tries_max: 3,
            surplus: SurplusPolicy::Return,
            balances: false,
            endpoints: Vec::new(),
            dynamic_endpoint: None,
            methods: Vec::new(),
            keys: Vec::new(),
        },
    }
}
