//! A shop at the Gate: signs, posts, asks for the status until it is what it must be.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use altyn_dialects::ecommpay::{DIALECT, Ecommpay, EcommpayCallbackFormat, router, signature};
use altyn_domain::{
    AmountRange, BrowserFacts, Connector, ConnectorError, ConnectorSettings, Currency, DeclineCode,
    ExchangeKind, ExchangeRequest, Facts, HttpMethod, HttpRequest, HttpResponse, Language,
    MethodKind, NotFoundRule, OperationKind, Outcome, PayerAction, Payment, PaymentId,
    PaymentMethod, ProjectSettings, RefundAbility, Report, Step, SurplusPolicy, Timestamp,
};
use altyn_engine::{Clock, Engine, EngineConfig, EngineParts, Entropy, NewProject, Vault};
use altyn_storage_sqlite::SqliteStorage;
use altyn_web::checkout::{self, Checkout};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};
use axum::{Router, routing::post};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(30);

/// 2026-11-22.
pub const NOW_MS: i64 = 1_795_305_600_000;

/// Approved at once.
pub const GOOD: &str = "4444555511113333";
/// Declined: not enough money.
pub const POOR: &str = "4000000000001166";
/// A hidden frame, a challenge, then approved.
pub const SECURE: &str = "5555555555555599";
/// Never answered.
pub const SILENT: &str = "4000000000009979";
/// Captures, voids and refunds of this amount are never answered.
pub const SLOW: i64 = 777;

struct Hands {
    ahead_ms: AtomicI64,
    drawn: AtomicU64,
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(NOW_MS + self.ahead_ms.load(Ordering::SeqCst))
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

/// A connector whose messages are words.
struct Words;

impl Connector for Words {
    fn name(&self) -> &'static str {
        "words"
    }

    fn request(&self, exchange: &ExchangeRequest<'_>) -> Result<HttpRequest, ConnectorError> {
        let amount = exchange.operation.amount;
        let body = match exchange.kind {
            ExchangeKind::Begin { card, browser, .. } => match (exchange.operation.kind, card) {
                (OperationKind::Sale | OperationKind::Auth, Some(card)) => {
                    let frame = browser.as_ref().map(frame_of).unwrap_or_default();
                    format!("card {} {frame}", card.number.expose())
                }
                (OperationKind::Sale, None) => format!("wallet {amount}"),
                _ => format!("after {amount}"),
            },
            ExchangeKind::DeviceChecked { indicator } => format!("checked {indicator}"),
            ExchangeKind::Challenged { cres } => format!("challenged {cres}"),
            ExchangeKind::Enquire => "enquire".to_owned(),
        };
        Ok(HttpRequest {
            method: HttpMethod::Post,
            url: exchange.settings.require("url")?.to_owned(),
            headers: vec![("content-type", "text/plain".to_owned())],
            body: body.into_bytes(),
        })
    }

    fn step(&self, _: &ExchangeRequest<'_>, response: &HttpResponse) -> Step {
        let said = String::from_utf8_lossy(&response.body);
        let (outcome, action) = match said.as_ref() {
            "approved" => (Outcome::Approved, None),
            "declined" => (Outcome::Declined(DeclineCode::InsufficientFunds), None),
            other => (Outcome::Pending, asked(other)),
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

fn frame_of(browser: &BrowserFacts) -> &str {
    &browser.method_notification_url
}

fn asked(word: &str) -> Option<PayerAction> {
    let transaction_id = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e".to_owned();
    let (word, about) = word.split_once(' ').unwrap_or((word, ""));
    match word {
        "method" => Some(PayerAction::DeviceCheck {
            transaction_id,
            url: format!("https://acs.example/method?{about}"),
            data: "e30".to_owned(),
        }),
        "challenge" => Some(PayerAction::Challenge {
            transaction_id,
            acs_url: format!("https://acs.example/challenge?{about}"),
            creq: "e30".to_owned(),
        }),
        "redirect" => Some(PayerAction::Redirect {
            url: "https://partner.example/order".to_owned(),
            method: HttpMethod::Get,
            fields: std::collections::BTreeMap::new(),
        }),
        _ => None,
    }
}

/// What the gateway of these tests answers.
async fn gateway(said: String) -> String {
    let words: Vec<&str> = said.split_whitespace().collect();
    match words.as_slice() {
        ["card", GOOD, _] | ["challenged", "good"] => "approved".to_owned(),
        ["card", POOR, _] | ["challenged", _] => "declined".to_owned(),
        ["card", SECURE, frame] => format!("method {frame}"),
        ["checked", indicator] => format!("challenge {indicator}"),
        ["wallet", amount] if amount.ends_with("00") => "approved".to_owned(),
        ["wallet", _] => "redirect".to_owned(),
        ["after", amount] if *amount == SLOW.to_string() => std::future::pending().await,
        ["card", SILENT, _] => std::future::pending().await,
        ["after", _] => "approved".to_owned(),
        _ => "pending".to_owned(),
    }
}

/// An answer, read to its end.
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// Status of HTTP, and the code.
    pub fn told(&self) -> (u16, String) {
        let body = self.json();
        assert_eq!(self.headers["content-type"], "application/json");
        let code = body["code"].as_str().unwrap_or_default();
        if self.status == 200 {
            assert_eq!(body["status"], "success", "{body}");
        } else {
            assert_eq!(body["status"], "error", "{body}");
            assert!(!body["message"].as_str().expect("a message").is_empty());
        }
        (self.status, code.to_owned())
    }

    /// The codes and fields of `errors`.
    pub fn fields(&self) -> Vec<(String, String)> {
        let body = self.json();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let wrong = errors.iter().map(|error| {
            assert!(!text(&error["message"]).is_empty());
            (text(&error["code"]), text(&error["field"]))
        });
        wrong.collect()
    }
}

/// The gate, and the shop of one project at it.
#[derive(Clone)]
pub struct Shop {
    pub engine: Engine,
    pub router: Router,
    pub number: u32,
    pub key: String,
    pub from: IpAddr,
    _folder: Arc<TempDir>,
}

impl Shop {
    pub async fn open() -> Self {
        Self::open_with(EngineConfig::default()).await
    }

    pub async fn open_with(config: EngineConfig) -> Self {
        let folder = TempDir::new().expect("a folder");
        let storage = SqliteStorage::open(folder.path().join("altyn.db")).expect("a database");
        let hands = Arc::new(Hands {
            ahead_ms: AtomicI64::new(0),
            drawn: AtomicU64::new(0),
        });
        let engine = Engine::start(EngineParts {
            storage: Arc::new(storage),
            clock: hands.clone(),
            entropy: hands,
            vault: Vault::try_new(&[7; Vault::KEY_LENGTH]).expect("a key"),
            config,
            connectors: vec![Arc::new(Words)],
            formats: vec![Arc::new(EcommpayCallbackFormat)],
        })
        .await
        .expect("it starts");
        let public_url = "http://gate.test/base/".to_owned();
        let checkout = Checkout::new(engine.clone(), public_url, Vec::new());
        let ecommpay = Ecommpay::new(engine.clone(), checkout.clone());
        checkout.set_doors(vec![Arc::new(ecommpay.clone())]);
        let router = router(ecommpay).merge(checkout::router(checkout));
        let key = open_project(&engine, 101, &[]).await;
        Self {
            engine,
            router,
            number: 101,
            key,
            from: Ipv4Addr::LOCALHOST.into(),
            _folder: Arc::new(folder),
        }
    }

    /// Another project's shop at the same gate, which may come from these networks.
    pub async fn neighbour(&self, number: u32, networks: &[&str]) -> Self {
        let key = open_project(&self.engine, number, networks).await;
        Self {
            key,
            number,
            ..self.clone()
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).expect("a text"),
        }
    }

    /// Posts a body as it is.
    pub async fn raw(&self, path: &str, body: impl Into<Body>) -> Reply {
        let mut request = Request::post(path).body(body.into()).expect("a request");
        let peer = SocketAddr::new(self.from, 4_000);
        request.extensions_mut().insert(ConnectInfo(peer));
        self.send(request).await
    }

    /// Signs and posts.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.raw(path, self.signed(body).to_string()).await
    }

    /// The body with its signature: in `general`, or where else it names the project.
    pub fn signed(&self, body: &Value) -> Value {
        let mut body = body.clone();
        let signature = signature::sign(&body, &self.key).into();
        let place = ["general", "customer"]
            .into_iter()
            .find(|place| body[place].is_object());
        match place {
            Some(place) if body[place]["project_id"] != Value::Null => {
                body[place]["signature"] = signature;
            }
            _ => body["signature"] = signature,
        }
        body
    }

    pub fn general(&self, payment_id: &str) -> Value {
        json!({"project_id": self.number, "payment_id": payment_id})
    }

    /// The least body of a sale with a wallet.
    pub fn wallet_sale(&self, payment_id: &str, amount: i64) -> Value {
        json!({
            "general": self.general(payment_id),
            "payment": {"amount": amount, "currency": "INR"},
            "customer": {
                "id": "customer123", "ip_address": "1.1.1.1", "first_name": "Mary",
                "last_name": "Smith", "phone": "76575657657676", "email": "smith@example.com",
            },
            "return_url": {"success": "http://example.com/success"},
        })
    }

    /// The least body of a sale with a card.
    pub fn card_sale(&self, payment_id: &str, amount: i64, pan: &str) -> Value {
        json!({
            "general": self.general(payment_id),
            "payment": {"amount": amount, "currency": "INR"},
            "customer": {"id": "customer123", "ip_address": "2001:db8::1"},
            "card": {
                "pan": pan, "year": 2030, "month": 12, "card_holder": "MARY O'NEIL-SMITH", "cvv": "123",
            },
        })
    }

    pub async fn status(&self, payment_id: &str) -> Value {
        let body = json!({"general": self.general(payment_id)});
        let reply = self.post("/v2/payment/status", &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()
    }

    /// Waits until the payment has this status; the last answer is returned.
    pub async fn until(&self, payment_id: &str, status: &str) -> Value {
        let began = Instant::now();
        loop {
            let told = self.status(payment_id).await;
            let is_open = told["operations"]
                .as_array()
                .is_some_and(|operations| operations.iter().any(|o| o["status"] == "processing"));
            if told["payment"]["status"] == status && !is_open {
                return told;
            }
            assert!(began.elapsed() < PATIENCE, "not {status} in time: {told}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the payer is asked for something of this name.
    pub async fn until_asked(&self, payment_id: &str, about: &str) {
        let began = Instant::now();
        loop {
            let payment = self.payment(payment_id).await;
            let asked = payment
                .last_try()
                .and_then(|attempt| attempt.action.as_ref());
            if asked.is_some_and(|action| format!("{action:?}").contains(about)) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "not asked in time: {asked:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The payment as it is kept.
    pub async fn payment(&self, payment_id: &str) -> Payment {
        let request_id = self.status(payment_id).await["operations"][0]["request_id"].clone();
        let request_id = request_id.as_str().expect("an id");
        let id = PaymentId::parse(&request_id[..32]).expect("it begins with the payment's");
        let found = self.engine.open_payment(id).await.expect("it can be read");
        found.expect("it is there").1
    }

    /// A payment that must be accepted, led to this status.
    pub async fn paid(&self, path: &str, body: &Value, status: &str) -> Value {
        let reply = self.post(path, body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let payment_id = body["general"]["payment_id"].as_str().expect("an id");
        self.until(payment_id, status).await
    }

    /// A body about a payment, with this `payment` object.
    pub fn about(&self, payment_id: &str, payment: Value) -> Value {
        json!({"general": self.general(payment_id), "payment": payment})
    }
}

fn methods(url: &str) -> Vec<PaymentMethod> {
    let settings = || ConnectorSettings([("url".to_owned(), url.to_owned())].into());
    let wallet = |id: &str| PaymentMethod {
        kind: MethodKind::Wallet,
        holds: false,
        ..PaymentMethod::card(id, "words", settings())
    };
    let inr = Currency::from_alpha("INR").expect("it is one");
    let partner = PaymentMethod {
        title: "Wallets of India".to_owned(),
        ranges: vec![AmountRange {
            currency: inr,
            min: 100,
            max: 40_000_000,
        }],
        countries: vec!["IN".to_owned()],
        refunds: RefundAbility::Full,
        ..wallet("wallet-partner")
    };
    let card = PaymentMethod::card("bank-1", "words", settings());
    vec![partner, wallet("banks/india"), card]
}

async fn open_project(engine: &Engine, number: u32, networks: &[&str]) -> String {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
    let answers = Router::new().route("/", post(gateway));
    tokio::spawn(async move { axum::serve(listener, answers).await });
    let currencies =
        ["INR", "EUR", "JPY"].map(|code| Currency::from_alpha(code).expect("it is one"));
    let project = NewProject {
        name: "Tea".to_owned(),
        slug: format!("tea-{number}"),
        settings: ProjectSettings {
            default_currency: currencies[0],
            currencies: currencies.to_vec(),
            language: Language::Ru,
            session_timeout_ms: 1_200_000,
            tries_max: 3,
            surplus: SurplusPolicy::Return,
            balances: false,
            endpoints: Vec::new(),
            dynamic_endpoint: None,
            methods: methods(&url),
            keys: Vec::new(),
        },
    };
    let project = engine.create_project(project).await.expect("a project");
    let networks: Vec<_> = networks
        .iter()
        .map(|text| text.parse().expect("a network"))
        .collect();
    let key = engine
        .create_shared_key(project, DIALECT, &number.to_string(), &networks)
        .await
        .expect("a key");
    key.expose().to_owned()
}
