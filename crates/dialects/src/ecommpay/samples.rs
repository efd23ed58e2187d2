//! Payments in every standing, for tests of this dialect.

use std::collections::BTreeMap;
use std::sync::Arc;

use altyn_domain::{
    Bucket, CardBrand, CardSummary, ConnectorSettings, Counters, Currency, Customer, DeclineCode,
    End, EndReason, Expiry, Facts, HttpMethod, Initiator, Language, MethodKind, Money, Operation,
    OperationId, OperationKind, OperationState, Order, PayerAction, Payment, PaymentId,
    PaymentMethod, Project, ProjectId, ProjectSettings, ProviderNumbers, RefundAbility, SharedKey,
    Sums, SurplusPolicy, Timestamp, Way,
};

use super::DIALECT;
use super::extra::{AcsReturnUrl, Door, Extra};

/// 2020-08-24T09:23:21Z.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_598_261_001_000);

/// The key that the shop and we share.
pub(super) const KEY: &str = "top-secret/101";

/// A project that is number 197 here, with a wallet and cards.
pub(super) fn project() -> Project {
    let bucket = Bucket::new(7);
    let wallet = PaymentMethod {
        kind: MethodKind::Wallet,
        refunds: RefundAbility::Full,
        holds: false,
        provider: ProviderNumbers {
            purchase: 1731,
            refund: 1751,
        },
        ..PaymentMethod::card("wallet-partner", "partner", ConnectorSettings::default())
    };
    let card = PaymentMethod::card("bank-1", "bank", ConnectorSettings::default());
    Project {
        id: ProjectId::new(NOW, bucket, 2),
        bucket,
        name: "Shop".to_owned(),
        slug: "shop".to_owned(),
        settings: ProjectSettings {
            default_currency: inr(),
            currencies: vec![inr()],
            language: Language::En,
            session_timeout_ms: 1_200_000,
            tries_max: 5,
            surplus: SurplusPolicy::Return,
            balances: false,
            endpoints: Vec::new(),
            dynamic_endpoint: None,
            methods: vec![wallet, card],
            keys: vec![SharedKey {
                dialect: DIALECT.to_owned(),
                login: "197".to_owned(),
                secret: altyn_domain::EndpointSecret::new(KEY),
            }],
        },
    }
}

fn inr() -> Currency {
    Currency::from_alpha("INR").unwrap()
}

/// A payment of 10.00 INR at the Gate, by wallet, that is led from standing to standing.
#[derive(Clone)]
pub(super) struct Sample(Payment);

impl Sample {
    pub(super) fn new(way: Way) -> Self {
        let amount = if way == Way::Verify { 0 } else { 1_000 };
        let project = project();
        let order = Order {
            reference: "Order-7".to_owned(),
            description: Some("Чай".to_owned()),
            customer: Customer {
                id: Some("cust-7".to_owned()),
                phone: Some("123456789".to_owned()),
                ..Customer::default()
            },
            ..Order::default()
        };
        let sample = Self(Payment {
            id: PaymentId::new(NOW, project.bucket, 1),
            project_id: project.id,
            customer_id: None,
            dialect: DIALECT.to_owned(),
            way,
            amount: Money::new(amount, inr()).unwrap(),
            sums: Sums::default(),
            completed_by: None,
            end: None,
            tries_max: 1,
            expires_at: NOW.plus_millis(1_200_000),
            created_at: NOW,
            updated_at: NOW,
            auto_capture_at: None,
            auto_void_at: None,
            counters: Counters::default(),
            order: Arc::new(order),
            operations: Vec::new(),
        });
        sample.extra(&Extra {
            door: Door::Gate,
            ..Extra::default()
        })
    }

    /// The same on the Payment Page, with five tries, which the payer begins.
    pub(super) fn page(way: Way) -> Self {
        let mut sample = Self::new(way).extra(&Extra::default());
        sample.0.tries_max = 5;
        sample
    }

    pub(super) fn extra(mut self, extra: &Extra) -> Self {
        self.order(|order| order.extra = extra.to_value());
        self
    }

    /// The shop carries 3-D Secure out by itself.
    pub(super) fn own_authentication(self) -> Self {
        self.extra(&Extra {
            door: Door::Gate,
            acs_return_url: Some(AcsReturnUrl {
                return_url: "https://shop.in/acs".to_owned(),
                notification_url: "https://shop.in/frame".to_owned(),
            }),
            ..Extra::default()
        })
    }

    pub(super) fn order(&mut self, change: impl FnOnce(&mut Order)) {
        change(Arc::make_mut(&mut self.0.order));
    }

    pub(super) fn amount(mut self, minor: i64) -> Self {
        self.0.amount = Money::new(minor, inr()).unwrap();
        self
    }

    fn add(&mut self, kind: OperationKind, state: OperationState, amount: i64) -> &mut Operation {
        let number = self.0.next_number();
        let finished = (!state.is_open()).then(|| NOW.plus_millis(i64::from(number) * 1_000));
        let on_page = Extra::of(&self.0).door == Door::Page;
        self.0.updated_at = finished.unwrap_or(self.0.updated_at);
        self.0.operations.push(Operation {
            id: OperationId::new(NOW, self.0.id.bucket(), u64::from(number)),
            serial: 5_048_925_000_000_000 + i64::from(number),
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
            method: "wallet-partner".to_owned(),
            initiator: if on_page && kind.is_try() {
                Initiator::Payer
            } else {
                Initiator::Merchant
            },
            release_rest: false,
            surplus: false,
            period_over: false,
            decline: None,
            card: None,
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

    /// Changes the newest operation.
    pub(super) fn last(mut self, change: impl FnOnce(&mut Operation)) -> Self {
        change(self.0.operations.last_mut().unwrap());
        self
    }

    pub(super) fn tried(mut self, state: OperationState) -> Self {
        let amount = self.0.amount.minor();
        self.add(self.0.way.try_kind(), state, amount);
        self
    }

    /// The newest operation is one by card.
    pub(super) fn by_card(self) -> Self {
        self.last(|operation| {
            operation.method = "bank-1".to_owned();
            operation.facts.eci = Some("05".to_owned());
            operation.card = Some(CardSummary {
                masked: "411111**1111".to_owned(),
                brand: CardBrand::Visa,
                expiry: Expiry::try_new(2030, 12).unwrap(),
                holder: "MARY SMITH".to_owned(),
            });
        })
    }

    pub(super) fn refused(self, code: DeclineCode) -> Self {
        let tried = self.tried(OperationState::Declined);
        tried.last(|operation| operation.decline = Some(code))
    }

    pub(super) fn asked(self, action: PayerAction) -> Self {
        self.last(|operation| operation.action = Some(action))
    }

    pub(super) fn period_over(self) -> Self {
        self.last(|operation| operation.period_over = true)
    }

    /// The provider was reached, and this is its own number.
    pub(super) fn reached(self, reference: &str) -> Self {
        self.last(|operation| operation.facts.connector_reference = Some(reference.to_owned()))
    }

    pub(super) fn paid(mut self) -> Self {
        self = self.tried(OperationState::Succeeded).reached("201738090");
        self.0.completed_by = self.0.last_try().map(|paid| paid.number);
        self.count();
        self
    }

    pub(super) fn ended(mut self, reason: EndReason) -> Self {
        let at = NOW.plus_millis(60_000);
        self.0.end = Some(End { reason, at });
        self.0.updated_at = at;
        self
    }

    /// The newest operation came to its end after the payment had come to its own.
    pub(super) fn late(self) -> Self {
        self.last(|operation| operation.finished_at = Some(NOW.plus_millis(90_000)))
    }

    /// The newest operation is, or undoes, a success that the payment did not need.
    pub(super) fn surplus(mut self) -> Self {
        self = self.last(|operation| operation.surplus = true);
        self.count();
        self
    }

    pub(super) fn then(mut self, kind: OperationKind, state: OperationState, amount: i64) -> Self {
        self.add(kind, state, amount);
        self.count();
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

/// The partner's own page is asked for.
pub(super) fn redirect() -> PayerAction {
    PayerAction::Redirect {
        url: "https://test.cashfree.com/billpay/order/example123".to_owned(),
        method: HttpMethod::Post,
        fields: BTreeMap::new(),
    }
}

/// The hidden frame of 3-D Secure is asked for.
pub(super) fn device_check() -> PayerAction {
    PayerAction::DeviceCheck {
        transaction_id: "t-1".to_owned(),
        url: "https://acs.in/method".to_owned(),
        data: "eyJ9".to_owned(),
    }
}

/// The issuer's page is asked for.
pub(super) fn challenge() -> PayerAction {
    PayerAction::Challenge {
        transaction_id: "t-1".to_owned(),
        acs_url: "https://acs.in/challenge".to_owned(),
        creq: "e30".to_owned(),
    }
}
