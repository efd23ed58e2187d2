//! Checkout over a real engine and database, with a bank that answers by card number.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use altyn_domain::{
    CardNumber, Connector, ConnectorError, ConnectorSettings, Currency, DeclineCode, ExchangeKind,
    ExchangeRequest, Facts, HttpMethod, HttpRequest, HttpResponse, Language, MethodKind, Money,
    NotFoundRule, Order, Outcome, PayerAction, Payment, PaymentId, PaymentMethod, ProjectSettings,
    Report, Step, SurplusPolicy, Timestamp, Way,
};
use altyn_engine::{
    Clock, Engine, EngineConfig, EngineParts, Entropy, NewCredential, NewProject, Owner,
    Registration, Vault,
};
use altyn_storage_sqlite::SqliteStorage;
use altyn_web::checkout::{Checkout, Door, router};
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode, header};
use axum::{Router, routing::post};
use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tower::ServiceExt as _;

/// Approved at once.
pub const GOOD: &str = "4444 5555 1111 3333";
/// Declined: not enough money.
pub const POOR: &str = "4000000000001166";
/// Device check if there is script, then a challenge, then approved.
pub const SECURE: &str = "5555555555555599";
/// Accepted, the end comes later.
pub const SLOW: &str = "4000000000009995";

/// The only place the shop named.
pub const SHOP: &str = "https://shop.example/done?order=1";
/// The 3-D Secure transaction of every challenge.
pub const TRANSACTION: &str = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e";

struct Hands {
    ahead_ms: AtomicI64,
    drawn: AtomicU64,
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        // 2026-11-22.
        Timestamp::from_millis(1_795_305_600_000 + self.ahead_ms.load(Ordering::SeqCst))
    }
}

impl Entropy for Hands {
    fn random(&self) -> u64 {
        let drawn = self.drawn.fetch_add(1, Ordering::SeqCst) + 1;
        drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.random().to_le_bytes()[3];
        }
    }
}

/// What reached the bank.
#[derive(Default)]
pub struct Bank {
    pub began: AtomicUsize,
    /// Whether the payer has paid on the wallet's page.
    pub wallet_paid: AtomicBool,
    pub last: Mutex<String>,
}

async fn bank_answers(State(bank): State<Arc<Bank>>, said: String) -> String {
    if said.starts_with("begin") {
        bank.began.fetch_add(1, Ordering::SeqCst);
    }
    said.clone_into(&mut bank.last.lock().expect("no test panics with it"));
    let number = CardNumber::parse(GOOD).expect("it is one");
    let words: Vec<&str> = said.split_whitespace().collect();
    let answer = match words.as_slice() {
        ["enquire"] if bank.wallet_paid.load(Ordering::SeqCst) => "approved",
        ["begin", "wallet", _] => "redirect",
        ["begin", card, _] if *card == number.expose() => "approved",
        ["begin", POOR, _] => "declined",
        ["begin", SECURE, "true"] => "method",
        ["begin", SECURE, _] | ["checked", _] => "challenge",
        ["challenged", ..] => "approved",
        _ => "pending",
    };
    answer.to_owned()
}

/// A connector whose messages are words.
struct Words;

impl Connector for Words {
    fn name(&self) -> &'static str {
        "words"
    }

    fn request(&self, exchange: &ExchangeRequest<'_>) -> Result<HttpRequest, ConnectorError> {
        let body = match exchange.kind {
            ExchangeKind::Begin { card, browser, .. } => {
                let Some(card) = card else {
                    return request(exchange, "begin wallet -".to_owned());
                };
                let with_frame = browser.as_ref().is_some_and(|browser| {
                    assert!(
                        browser
                            .notification_url
                            .starts_with("http://gate.test/base/checkout/")
                    );
                    browser.method_supported
                });
                format!("begin {} {with_frame}", card.number.expose())
            }
            ExchangeKind::DeviceChecked { indicator } => format!("checked {indicator}"),
            ExchangeKind::Challenged { cres } => format!("challenged {cres}"),
            ExchangeKind::Enquire => "enquire".to_owned(),
        };
        request(exchange, body)
    }

    fn step(&self, _: &ExchangeRequest<'_>, response: &HttpResponse) -> Step {
        let transaction_id = TRANSACTION.to_owned();
        let (outcome, action) = match response.body.as_slice() {
            b"approved" => (Outcome::Approved, None),
            b"declined" => (Outcome::Declined(DeclineCode::InsufficientFunds), None),
            b"method" => {
                let action = PayerAction::DeviceCheck {
                    transaction_id,
                    url: "https://acs.example/method".to_owned(),
                    data: "e30".to_owned(),
                };
                (Outcome::Pending, Some(action))
            }
            b"challenge" => {
                let action = PayerAction::Challenge {
                    transaction_id,
                    acs_url: "https://acs.example/challenge".to_owned(),
                    creq: "e30".to_owned(),
                };
                (Outcome::Pending, Some(action))
            }
            b"redirect" => {
                let action = PayerAction::Redirect {
                    url: "https://wallet.example/pay?a=1&b=2".to_owned(),
                    method: HttpMethod::Get,
                    fields: std::collections::BTreeMap::new(),
                };
                (Outcome::Pending, Some(action))
            }
            _ => (Outcome::Pending, None),
        };
        Step::Report(Box::new(Report {
            outcome,
            facts: Facts::default(),
            action,
        }))
    }

    fn not_found_rule(&self, _: &ConnectorSettings) -> NotFoundRule {
        NotFoundRule::Never
    }
}

fn request(exchange: &ExchangeRequest<'_>, body: String) -> Result<HttpRequest, ConnectorError> {
    Ok(HttpRequest {
        method: HttpMethod::Post,
        url: exchange.settings.require("url")?.to_owned(),
        headers: vec![("content-type", "text/plain".to_owned())],
        body: body.into_bytes(),
    })
}

/// The door of the dialect of these tests.
struct Shop;

impl Door for Shop {
    fn dialect(&self) -> &'static str {
        "test"
    }

    fn return_url(&self, payment: &Payment, _: Language) -> Option<String> {
        payment.order.return_url.clone()
    }
}

pub struct Gate {
    pub engine: Engine,
    pub checkout: Checkout,
    pub bank: Arc<Bank>,
    pub router: Router,
    owner: Owner,
    hands: Arc<Hands>,
    _folder: TempDir,
}

/// An answer, read to its end.
pub struct Page {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub text: String,
}

impl Page {
    pub fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.headers[header::LOCATION]
            .to_str()
            .expect("it is plain")
    }
}

impl Gate {
    pub async fn open() -> Self {
        Self::open_with(false).await
    }

    /// A shop that takes a wallet beside cards.
    pub async fn with_wallet() -> Self {
        Self::open_with(true).await
    }

    async fn open_with(has_wallet: bool) -> Self {
        let folder = TempDir::new().expect("a folder");
        let storage = SqliteStorage::open(folder.path().join("altyn.db")).expect("a database");
        let hands = Arc::new(Hands {
            ahead_ms: AtomicI64::new(0),
            drawn: AtomicU64::new(0),
        });
        let engine = Engine::start(EngineParts {
            storage: Arc::new(storage),
            clock: hands.clone(),
            entropy: hands.clone(),
            vault: Vault::try_new(&[7; Vault::KEY_LENGTH]).expect("a key"),
            config: EngineConfig::default(),
            connectors: vec![Arc::new(Words)],
            formats: Vec::new(),
        })
        .await
        .expect("it starts");
        let bank = Arc::new(Bank::default());
        let url = serve(bank.clone()).await;
        let owner = shop(&engine, url, has_wallet).await;
        let public_url = "http://gate.test/base/".to_owned();
        let checkout = Checkout::new(engine.clone(), public_url, vec![Arc::new(Shop)]);
        Self {
            router: router(checkout.clone()),
            engine,
            checkout,
            bank,
            owner,
            hands,
            _folder: folder,
        }
    }

    pub async fn order(&self) -> PaymentId {
        self.order_to(Some(SHOP)).await
    }

    pub async fn order_to(&self, return_url: Option<&str>) -> PaymentId {
        let registration = Registration {
            dialect: "test",
            way: Way::Purchase,
            amount: Money::new(1_250_000, Currency::KZT).expect("an amount"),
            expires_at: None,
            auto_capture_at: None,
            auto_void_at: None,
            order: Order {
                description: Some("Tea".to_owned()),
                return_url: return_url.map(str::to_owned),
                ..Order::default()
            },
            reference_key: None,
            tries_max: None,
        };
        let answer = self.engine.register(&self.owner, registration).await;
        answer.expect("it is registered").payment.id
    }

    pub fn advance_s(&self, seconds: i64) {
        self.hands
            .ahead_ms
            .fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    pub fn charges(&self) -> usize {
        self.bank.began.load(Ordering::SeqCst)
    }

    pub async fn payment(&self, id: PaymentId) -> Payment {
        let found = self.engine.payment(&self.owner, id).await;
        found.expect("it can be read").expect("it is there")
    }

    pub async fn get(&self, path: &str) -> Page {
        self.ask(Request::get(path).body(Body::empty()).expect("a request"))
            .await
    }

    pub async fn post(&self, path: &str, form: &str) -> Page {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()));
        self.ask(request.expect("a request")).await
    }

    pub async fn ask(&self, request: Request<Body>) -> Page {
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Page {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// Posts the card form, as a browser with or without script does.
    pub async fn pay(&self, id: PaymentId, number: &str, script: bool) -> Page {
        self.post(&path(id, "/pay"), &card(number, script)).await
    }
}

/// A filled card form.
pub fn card(number: &str, script: bool) -> String {
    let number = number.replace(' ', "+");
    let flag = if script { "1" } else { "" };
    format!("language=ru&script={flag}&cc-number={number}&cc-exp=12+%2F+30&cc-csc=123&cc-name=A+B")
}

pub fn path(id: PaymentId, rest: &str) -> String {
    format!("/checkout/{}{rest}", id.uuid())
}

async fn serve(bank: Arc<Bank>) -> String {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let router = Router::new()
        .route("/", post(bank_answers))
        .with_state(bank);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/")
}

async fn shop(engine: &Engine, bank_url: String, has_wallet: bool) -> Owner {
    let url = ConnectorSettings([("url".to_owned(), bank_url)].into());
    let card = PaymentMethod::card("card", "words", url.clone());
    let wallet = has_wallet.then(|| PaymentMethod {
        kind: MethodKind::Wallet,
        title: "Dala Wallet".to_owned(),
        ..PaymentMethod::card("wallet", "words", url)
    });
    let settings = ProjectSettings {
        default_currency: Currency::KZT,
        currencies: vec![Currency::KZT],
        language: Language::Ru,
        session_timeout_ms: 1_200_000,
        tries_max: 3,
        surplus: SurplusPolicy::Return,
        balances: false,
        endpoints: Vec::new(),
        dynamic_endpoint: None,
        methods: [Some(card), wallet].into_iter().flatten().collect(),
        keys: Vec::new(),
    };
    let project = NewProject {
        name: "Tea & <b>Co</b>".to_owned(),
        slug: "tea".to_owned(),
        settings,
    };
    let project = engine.create_project(project).await.expect("a project");
    let credential = NewCredential {
        dialect: "test".to_owned(),
        login: None,
        allow_list: Vec::new(),
    };
    let secret = engine
        .create_credential(project, credential)
        .await
        .expect("a token");
    let local = Ipv4Addr::LOCALHOST.into();
    let owner = engine.authenticate_token("test", secret.expose(), local);
    owner.expect("it is let in")
}
