//! The wallet partner: what both generations share, and the bench the tests of each stand on.

use std::sync::Arc;

use altyn_connectors::cashfree::Cashfree;
use altyn_domain::{
    Addresses, Authentication, Bucket, Connector as _, ConnectorError, ConnectorSettings, Counters,
    Currency, Customer, ExchangeKind, ExchangeRequest, Facts, HttpRequest, HttpResponse, Initiator,
    Money, NotFoundRule, Notice, NoticeReading, NoticeRefusal, Operation, OperationId,
    OperationKind, OperationState, Order, Outcome, Payment, PaymentId, ProjectId, Report, Step,
    Sums, Timestamp, Way,
};
use aws_lc_rs::hmac;
use base64::Engine as _;

/// 2026-11-18T11:06:40Z.
pub const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);
pub const SECRET: &str = "cf_demo_secret_0001";

/// A payment of 150.00 with a try (1), two refunds (2, 3) and a second try (4), at the partner.
pub struct Bench {
    pub payment: Payment,
    pub settings: ConnectorSettings,
    pub addresses: Addresses,
}

fn operation(number: u32, kind: OperationKind) -> Operation {
    let parent = (!kind.is_try()).then_some(1);
    Operation {
        id: OperationId::new(NOW, Bucket::new(7), u64::from(number)),
        serial: 1_000_000_001,
        number,
        kind,
        state: OperationState::Sent,
        amount: 15_000,
        parent,
        reference: None,
        description: None,
        doubts: Vec::new(),
        on_balance: 0,
        credited: false,
        method: "wallet".to_owned(),
        initiator: Initiator::Payer,
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
        finished_at: None,
    }
}

pub fn begin() -> ExchangeKind {
    ExchangeKind::Begin {
        card: None,
        browser: None,
        authentication: Authentication::Default,
    }
}

pub fn ask() -> ExchangeKind {
    ExchangeKind::Enquire
}

impl Bench {
    pub fn new(generation: &str) -> Self {
        let rupee = Currency::from_alpha("INR").expect("rupees exist");
        let kinds = [
            OperationKind::Sale,
            OperationKind::Refund,
            OperationKind::Reversal,
            OperationKind::Sale,
        ];
        let customer = Customer {
            id: Some("mary-17".to_owned()),
            name: Some("Mary Smith".to_owned()),
            email: Some("mary@shop.example".to_owned()),
            phone: Some("+91 98765-43210".to_owned()),
            ..Customer::default()
        };
        let payment = Payment {
            id: PaymentId::new(NOW, Bucket::new(7), 1),
            project_id: ProjectId::new(NOW, Bucket::new(7), 2),
            customer_id: None,
            dialect: "rbs".to_owned(),
            way: Way::Purchase,
            amount: Money::new(15_000, rupee).expect("a valid sample"),
            sums: Sums::default(),
            completed_by: None,
            end: None,
            tries_max: 3,
            expires_at: NOW,
            created_at: NOW,
            updated_at: NOW,
            auto_capture_at: None,
            auto_void_at: None,
            counters: Counters::default(),
            order: Arc::new(Order {
                reference: "A-1".to_owned(),
                description: Some("Tea & cups".to_owned()),
                customer,
                ..Order::default()
            }),
            operations: (1..)
                .zip(kinds)
                .map(|(number, kind)| operation(number, kind))
                .collect(),
        };
        let addresses = Addresses {
            notice_url: "https://gate.example/notices/p/1".to_owned(),
            return_url: "https://gate.example/checkout/p/back?a=b&c=d".to_owned(),
        };
        let mut bench = Self {
            payment,
            settings: ConnectorSettings::default(),
            addresses,
        };
        for (key, value) in [
            ("generation", generation),
            ("base_url", "https://test.partner.example/"),
            ("app_id", "demo-app-1"),
            ("secret", SECRET),
        ] {
            bench.set(key, value);
        }
        bench
    }

    pub fn set(&mut self, key: &str, value: &str) {
        self.settings.0.insert(key.to_owned(), value.to_owned());
    }

    /// The partner's name of an operation.
    pub fn id(&self, number: u32) -> String {
        format!("{}-{number}", self.payment.id.uuid().simple())
    }

    pub fn facts_of(&mut self, number: usize) -> &mut Facts {
        &mut self.payment.operations[number - 1].facts
    }

    fn exchange<'a>(
        &'a self,
        kind: &'a ExchangeKind,
        number: u32,
        round: u32,
    ) -> ExchangeRequest<'a> {
        ExchangeRequest {
            payment: &self.payment,
            operation: self.payment.operation(number).expect("the bench has it"),
            settings: &self.settings,
            kind,
            addresses: &self.addresses,
            round,
            at: NOW,
        }
    }

    pub fn request(&self, kind: &ExchangeKind, number: u32) -> Result<HttpRequest, ConnectorError> {
        Cashfree.request(&self.exchange(kind, number, 0))
    }

    /// What an answer means to the request of that round.
    pub fn step(&self, (kind, number, round): Asked<'_>, status: u16, body: &str) -> Step {
        let body = body.as_bytes().to_vec();
        let response = HttpResponse {
            status,
            headers: Vec::new(),
            body,
        };
        Cashfree.step(&self.exchange(kind, number, round), &response)
    }

    pub fn report(&self, asked: Asked<'_>, status: u16, body: &str) -> Report {
        report(self.step(asked, status, body))
    }

    pub fn outcome(&self, asked: Asked<'_>, status: u16, body: &str) -> Outcome {
        self.report(asked, status, body).outcome
    }

    /// The request that an answer leads to.
    pub fn next(&self, asked: Asked<'_>, status: u16, body: &str) -> HttpRequest {
        match self.step(asked, status, body) {
            Step::Next(request) => *request,
            other => panic!("{other:?}"),
        }
    }

    pub fn notice(&self, number: u32, notice: &Notice) -> Result<NoticeReading, NoticeRefusal> {
        Cashfree.read_notice(&self.exchange(&ExchangeKind::Enquire, number, 0), notice)
    }
}

/// The exchange, its operation, and the round that is answered.
pub type Asked<'a> = (&'a ExchangeKind, u32, u32);

pub fn report(step: Step) -> Report {
    match step {
        Step::Report(report) => *report,
        other => panic!("{other:?}"),
    }
}

/// HMAC-SHA-256 in base64.
pub fn sign(text: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(hmac::sign(&key, text))
}

pub fn rupees(minor: i64) -> Option<Money> {
    Money::new(minor, Currency::from_alpha("INR").expect("rupees exist")).ok()
}

#[test]
fn it_is_built_in() {
    assert!(
        altyn_connectors::all()
            .iter()
            .any(|connector| connector.name() == "cashfree")
    );
}

#[test]
fn rupees_only() {
    for generation in ["1", "2"] {
        let mut bench = Bench::new(generation);
        bench.payment.amount = Money::new(15_000, Currency::KZT).unwrap();
        for kind in [begin(), ask()] {
            assert_eq!(bench.request(&kind, 1), Err(ConnectorError::Unsupported));
            assert_eq!(bench.step((&kind, 1, 0), 200, "{}"), Step::unknown());
        }
        let notice = Notice {
            headers: Vec::new(),
            body: Vec::new(),
            at: NOW,
        };
        assert_eq!(bench.notice(1, &notice), Err(NoticeRefusal::Unsupported));
    }
}

#[test]
fn nothing_is_sent_without_settings() {
    for key in ["base_url", "app_id", "secret"] {
        for generation in ["1", "2"] {
            let mut bench = Bench::new(generation);
            bench.set(key, "");
            assert_eq!(
                bench.request(&ask(), 1),
                Err(ConnectorError::MissingSetting(key))
            );
            bench.settings.0.remove(key);
            assert_eq!(
                bench.request(&ask(), 1),
                Err(ConnectorError::MissingSetting(key))
            );
        }
    }
    let wrong = Bench::new("3").request(&ask(), 1);
    assert_eq!(wrong, Err(ConnectorError::MissingSetting("generation")));
    let mut bench = Bench::new("2");
    bench.settings.0.remove("generation");
    assert!(
        bench.request(&ask(), 1).unwrap().url.contains("/pg/"),
        "the second by default"
    );
}

#[test]
fn only_purchases_and_refunds_are_possible() {
    for kind in OperationKind::ALL {
        let mut bench = Bench::new("2");
        bench.payment.operations[1].kind = kind;
        let possible = matches!(
            kind,
            OperationKind::Sale | OperationKind::Refund | OperationKind::Reversal
        );
        assert_eq!(bench.request(&ask(), 2).is_ok(), possible, "{kind:?}");
        let device = ExchangeKind::DeviceChecked { indicator: 'Y' };
        assert_eq!(bench.request(&device, 2), Err(ConnectorError::Unsupported));
    }
    let mut orphan = Bench::new("2");
    orphan.payment.operations[1].parent = None;
    assert_eq!(
        orphan.request(&begin(), 2),
        Err(ConnectorError::Unsupported)
    );
}

#[test]
fn not_found_is_believed_late_or_never() {
    let rule = |generation: &str, after: Option<&str>| {
        let mut bench = Bench::new(generation);
        if let Some(after) = after {
            bench.set("not_found_final_after_ms", after);
        }
        Cashfree.not_found_rule(&bench.settings)
    };
    assert_eq!(rule("1", None), NotFoundRule::Never);
    assert_eq!(rule("2", None), NotFoundRule::FinalAfterMs(60_000));
    assert_eq!(rule("3", None), NotFoundRule::Never);
    assert_eq!(rule("1", Some("5000")), NotFoundRule::FinalAfterMs(5_000));
    assert_eq!(rule("2", Some("5000")), NotFoundRule::FinalAfterMs(5_000));
    assert_eq!(rule("2", Some("soon")), NotFoundRule::FinalAfterMs(60_000));
}

#[test]
fn secrets_are_never_printed() {
    for generation in ["1", "2"] {
        let bench = Bench::new(generation);
        let request = bench.request(&begin(), 1).unwrap();
        let printed = format!("{request:?} {:?}", bench.settings);
        assert!(
            !printed.contains(SECRET) && !printed.contains("9876543210"),
            "{printed}"
        );
        assert!(!request.url.contains(SECRET));
    }
}
