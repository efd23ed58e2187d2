//! Remote connectors: the bench that the tests stand on, and what requests say.

use std::sync::Arc;

use altyn_connectors::remote::signature::{self, Keys, Stamp};
use altyn_connectors::remote::{Remote, VERSION, VERSION_HEADER};
use altyn_domain::{
    Addresses, Authentication, Bucket, Connector as _, ConnectorError, ConnectorSettings, Counters,
    Currency, Customer, ExchangeKind, ExchangeRequest, Facts, HttpMethod, HttpRequest,
    HttpResponse, Initiator, Language, Money, NotFoundRule, Notice, NoticeReading, NoticeRefusal,
    Operation, OperationId, OperationKind, OperationState, Order, Payment, PaymentId, ProjectId,
    Step, Sums, Timestamp, Way,
};
use serde_json::Value;

/// 2026-11-18T11:06:40.250Z.
pub const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_250);
pub const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const OTHER_KEY: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Numbers of the bench's operations.
pub const SALE: u32 = 1;
pub const AUTH: u32 = 2;
pub const CAPTURE: u32 = 3;
pub const VOID: u32 = 4;
pub const REFUND: u32 = 5;
pub const REVERSAL: u32 = 6;

/// A payment of 150.00 rupees with an operation of each kind, at a remote connector.
pub struct Bench {
    pub payment: Payment,
    pub settings: ConnectorSettings,
}

fn operation(number: u32, kind: OperationKind) -> Operation {
    let parent = match kind {
        OperationKind::Capture | OperationKind::Void => Some(AUTH),
        OperationKind::Refund | OperationKind::Reversal => Some(SALE),
        _ => None,
    };
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
        method: "remote".to_owned(),
        initiator: Initiator::Payer,
        release_rest: kind == OperationKind::Capture,
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

pub const ASK: ExchangeKind = ExchangeKind::Enquire;

impl Bench {
    pub fn new() -> Self {
        let kinds = [
            OperationKind::Sale,
            OperationKind::Auth,
            OperationKind::Capture,
            OperationKind::Void,
            OperationKind::Refund,
            OperationKind::Reversal,
            OperationKind::Verify,
            OperationKind::Payout,
        ];
        let order = Order {
            reference: "A-1".to_owned(),
            description: Some("Tea & cups".to_owned()),
            language: Language::En,
            customer: Customer {
                id: Some("mary-17".to_owned()),
                name: Some("Mary Smith".to_owned()),
                email: Some("mary@shop.example".to_owned()),
                phone: Some("+919876543210".to_owned()),
                country: Some("IN".to_owned()),
                ip: Some("203.0.113.7".to_owned()),
                ..Customer::default()
            },
            ..Order::default()
        };
        let payment = Payment {
            id: PaymentId::new(NOW, Bucket::new(7), 1),
            project_id: ProjectId::new(NOW, Bucket::new(7), 2),
            customer_id: None,
            dialect: "ecommpay".to_owned(),
            way: Way::Purchase,
            amount: Money::new(15_000, rupee()).expect("a valid sample"),
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
            operations: (1..)
                .zip(kinds)
                .map(|(number, kind)| operation(number, kind))
                .collect(),
        };
        let mut bench = Self {
            payment,
            settings: ConnectorSettings::default(),
        };
        bench.set("base_url", "https://connector.example/altyn");
        bench.set("key", KEY);
        bench.set("settings", r#"{"account":"shop-7"}"#);
        bench.set("static", r#"{"partner":"altyn"}"#);
        bench
    }

    pub fn set(&mut self, key: &str, value: &str) {
        self.settings.0.insert(key.to_owned(), value.to_owned());
    }

    pub fn operation(&mut self, number: u32) -> &mut Operation {
        let mut operations = self.payment.operations.iter_mut();
        operations.find(|o| o.number == number).expect("it exists")
    }

    pub fn id(&self, number: u32) -> String {
        self.payment
            .operation(number)
            .expect("it exists")
            .id
            .to_string()
    }

    pub fn addresses(&self, number: u32) -> Addresses {
        let (base, id) = ("https://pay.example", self.payment.id.uuid());
        Addresses {
            notice_url: format!("{base}/notices/{id}/{number}"),
            return_url: format!("{base}/checkout/{id}/back"),
        }
    }

    fn exchange<T>(
        &self,
        number: u32,
        (kind, round): (&ExchangeKind, u32),
        work: impl FnOnce(&ExchangeRequest<'_>) -> T,
    ) -> T {
        work(&ExchangeRequest {
            payment: &self.payment,
            operation: self.payment.operation(number).expect("it exists"),
            settings: &self.settings,
            kind,
            addresses: &self.addresses(number),
            round,
            at: NOW,
        })
    }

    pub fn request(&self, number: u32, kind: &ExchangeKind) -> Result<HttpRequest, ConnectorError> {
        self.exchange(number, (kind, 0), |exchange| Remote.request(exchange))
    }

    /// The body of a request, whose signature is checked.
    pub fn body(&self, number: u32, kind: &ExchangeKind) -> Value {
        body_of(&self.request(number, kind).expect("it can be made"))
    }

    pub fn step(
        &self,
        number: u32,
        (kind, round): (&ExchangeKind, u32),
        response: &HttpResponse,
    ) -> Step {
        self.exchange(number, (kind, round), |exchange| {
            Remote.step(exchange, response)
        })
    }

    /// What a rightly signed answer means.
    pub fn answered(&self, number: u32, kind: &ExchangeKind, status: u16, body: &str) -> Step {
        let request = self.request(number, kind).expect("it can be made");
        let id = header(&request, signature::ID);
        self.step(number, (kind, 0), &response(status, &id, body))
    }

    pub fn notice(&self, number: u32, notice: &Notice) -> Result<NoticeReading, NoticeRefusal> {
        self.exchange(number, (&ASK, 0), |exchange| {
            Remote.read_notice(exchange, notice)
        })
    }
}

pub fn rupee() -> Currency {
    Currency::from_alpha("INR").expect("rupees exist")
}

pub fn header(request: &HttpRequest, name: &str) -> String {
    let mut headers = request.headers.iter();
    let found = headers.find(|(known, _)| *known == name);
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

pub fn body_of(request: &HttpRequest) -> Value {
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    let stamp = Stamp::read(headers).expect("it has all headers");
    let keys = Keys::parse(KEY).expect("a key");
    assert_eq!(keys.verify(&stamp, &request.body, NOW), Ok(()));
    serde_json::from_slice(&request.body).expect("JSON")
}

/// A signed answer.
pub fn response(status: u16, id: &str, body: &str) -> HttpResponse {
    signed_at(NOW, status, id, body)
}

pub fn signed_at(at: Timestamp, status: u16, id: &str, body: &str) -> HttpResponse {
    let second = signature::second_of(at);
    let keys = Keys::parse(KEY).expect("a key");
    HttpResponse {
        status,
        headers: vec![
            (signature::ID, id.to_owned()),
            (signature::TIMESTAMP, second.to_string()),
            (signature::SIGNATURE, keys.sign(id, second, body.as_bytes())),
        ],
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn every_operation_has_its_request() {
    let bench = Bench::new();
    let table = [
        (SALE, begin(), "charge"),
        (SALE, ASK, "status"),
        (AUTH, begin(), "charge"),
        (AUTH, ASK, "status"),
        (CAPTURE, begin(), "capture"),
        (CAPTURE, ASK, "status"),
        (VOID, begin(), "void"),
        (VOID, ASK, "status"),
        (REFUND, begin(), "refund"),
        (REFUND, ASK, "refund_status"),
        (REVERSAL, begin(), "refund"),
        (REVERSAL, ASK, "refund_status"),
    ];
    for (number, kind, word) in table {
        let request = bench.request(number, &kind).expect("it can be made");
        assert_eq!(request.method, HttpMethod::Post);
        assert_eq!(request.url, "https://connector.example/altyn");
        assert_eq!(header(&request, VERSION_HEADER), VERSION);
        assert_eq!(header(&request, "content-type"), "application/json");
        let body = body_of(&request);
        assert_eq!(
            (&body["type"], &body["operation"]),
            (&word.into(), &bench.id(number).into())
        );
        assert_eq!(body["settings"]["account"], "shop-7");
        assert_eq!(body["static"]["partner"], "altyn");
    }
}

#[test]
fn a_charge_says_whether_money_is_taken_at_once() {
    let bench = Bench::new();
    assert_eq!(bench.body(SALE, &begin())["capture"], true);
    assert_eq!(bench.body(AUTH, &begin())["capture"], false);
}

#[test]
fn what_the_shop_did_not_say_is_left_out() {
    let mut bench = Bench::new();
    let order = Order {
        reference: "A-1".to_owned(),
        ..Order::default()
    };
    bench.payment.order = Arc::new(order);
    bench.settings.0.remove("settings");
    bench.set("static", " ");
    let body = bench.body(SALE, &begin());
    assert_eq!(body["customer"], serde_json::json!({}));
    assert_eq!(body["payment"]["reference"], "A-1");
    assert!(body["payment"].get("description").is_none());
    assert_eq!(
        (&body["settings"], &body["static"]),
        (&serde_json::json!({}), &serde_json::json!({}))
    );
}

#[test]
fn a_resend_is_the_same_message_and_a_question_is_a_new_one() {
    let mut bench = Bench::new();
    let later = |bench: &Bench, number, kind: &ExchangeKind| {
        let exchange = ExchangeRequest {
            payment: &bench.payment,
            operation: bench.payment.operation(number).expect("it exists"),
            settings: &bench.settings,
            kind,
            addresses: &bench.addresses(number),
            round: 0,
            at: NOW.plus_millis(2_000),
        };
        Remote.request(&exchange).expect("it can be made")
    };
    for (number, kind) in [
        (SALE, begin()),
        (REFUND, begin()),
        (CAPTURE, begin()),
        (VOID, begin()),
    ] {
        let first = bench.request(number, &kind).expect("it can be made");
        bench.operation(number).exchanges += 1;
        bench.operation(number).sent_at = Some(NOW.plus_millis(2_000));
        let again = later(&bench, number, &kind);
        assert_eq!(first.body, again.body);
        assert_eq!(header(&first, signature::ID), header(&again, signature::ID));
        assert_ne!(
            header(&first, signature::TIMESTAMP),
            header(&again, signature::TIMESTAMP)
        );
    }
    let first = bench.request(SALE, &ASK).expect("it can be made");
    let again = later(&bench, SALE, &ASK);
    assert_eq!(first.body, again.body);
    assert_ne!(header(&first, signature::ID), header(&again, signature::ID));
}

#[test]
fn what_the_gateway_called_it_comes_along() {
    let mut bench = Bench::new();
    assert!(bench.body(SALE, &ASK).get("reference").is_none());
    bench.operation(SALE).facts.connector_reference = Some("ch_1".to_owned());
    assert_eq!(bench.body(SALE, &ASK)["reference"], "ch_1");
    let refund = bench.body(REFUND, &begin());
    assert_eq!(
        (&refund["charge"], &refund["charge_reference"]),
        (&bench.id(SALE).into(), &"ch_1".into())
    );
}

#[test]
fn neither_card_data_nor_what_the_protocol_has_not_leaves_us() {
    let bench = Bench::new();
    let with_card = ExchangeKind::Begin {
        card: Some(crate::card()),
        browser: None,
        authentication: Authentication::Default,
    };
    assert_eq!(
        bench.request(SALE, &with_card),
        Err(ConnectorError::Unsupported)
    );
    let cres = ExchangeKind::Challenged {
        cres: String::new(),
    };
    assert_eq!(bench.request(SALE, &cres), Err(ConnectorError::Unsupported));
    for number in [7, 8] {
        assert_eq!(
            bench.request(number, &begin()),
            Err(ConnectorError::Unsupported)
        );
        assert_eq!(
            bench.request(number, &ASK),
            Err(ConnectorError::Unsupported)
        );
    }
}

#[test]
fn broken_settings_send_nothing() {
    for (key, value) in [
        ("base_url", "http://connector.example/"),
        ("base_url", ""),
        ("key", ""),
        ("key", "whsec_c2hvcnQ="),
        ("settings", "[]"),
        ("static", "{"),
    ] {
        let mut bench = Bench::new();
        bench.set(key, value);
        let refused = bench.request(SALE, &begin()).expect_err("it is broken");
        assert_eq!(refused, ConnectorError::MissingSetting(key), "{value}");
        let body = r#"{"operation":"x"}"#;
        assert_eq!(
            bench.step(SALE, (&ASK, 0), &response(200, "m", body)),
            Step::unknown()
        );
    }
}

#[test]
fn not_found_is_believed_as_the_operator_says() {
    let mut bench = Bench::new();
    let rule = |bench: &Bench| Remote.not_found_rule(&bench.settings);
    assert_eq!(rule(&bench), NotFoundRule::Never);
    bench.set("not_found_final_after_ms", "330000");
    assert_eq!(rule(&bench), NotFoundRule::FinalAfterMs(330_000));
    for text in ["0", "1500", "299999", "300000"] {
        bench.set("not_found_final_after_ms", text);
        let floor = NotFoundRule::FinalAfterMs(300_000);
        assert_eq!(rule(&bench), floor, "{text}: a signature is fresh so long");
    }
    for text in ["", "-1", "soon"] {
        bench.set("not_found_final_after_ms", text);
        assert_eq!(rule(&bench), NotFoundRule::Never, "{text}");
    }
}
