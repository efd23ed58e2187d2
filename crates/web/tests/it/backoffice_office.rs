//! A back office over a real engine and database, and people who call it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use altyn_domain::{Connector, Timestamp};
use altyn_engine::{Clock, Engine, EngineConfig, EngineParts, Entropy, Vault};
use altyn_storage::Storage;
use altyn_storage_sqlite::SqliteStorage;
use altyn_web::backoffice::{self, BackOffice};
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// A password that is good enough.
pub const PASSWORD: &str = "7 copper kettles on a slow stove";

/// The first person's address.
pub const ROOT: &str = "operator@altyn.example";

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

pub struct Office {
    pub engine: Engine,
    router: axum::Router,
    hands: Arc<Hands>,
    _folder: TempDir,
}

/// An answer, read to its end; a body that is no JSON is null.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The answer, which must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// A text of the body.
    #[track_caller]
    pub fn text(&self, pointer: &str) -> String {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found
            .unwrap_or_else(|| panic!("{pointer} in {}", self.body))
            .to_owned()
    }

    /// The answer must be a problem.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(
            self.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert_eq!(self.body["code"], code, "{}", self.body);
        assert_eq!(self.body["status"], status);
        assert_eq!(self.headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(self.headers["x-content-type-options"], "nosniff");
        self
    }
}

/// A request in the making, behind the prefix of the API.
pub struct Asking<'a> {
    office: &'a Office,
    request: axum::http::request::Builder,
    body: Body,
}

impl Asking<'_> {
    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.body = Body::from(body.to_string());
        self.header("content-type", "application/json")
    }

    pub fn raw(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub async fn send(self) -> Answer {
        let mut request = self.request.body(self.body).expect("a request");
        let peer: SocketAddr = "192.0.2.7:4000".parse().expect("an address");
        request.extensions_mut().insert(ConnectInfo(peer));
        let Ok(response) = self.office.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }
}

impl Office {
    /// One in which people need no second factor.
    pub async fn open() -> Self {
        let config = EngineConfig {
            second_factor_required: false,
            ..EngineConfig::default()
        };
        Self::open_with(config, Vec::new()).await
    }

    pub async fn open_with(config: EngineConfig, connectors: Vec<Arc<dyn Connector>>) -> Self {
        Self::open_over(|storage| storage, config, connectors).await
    }

    /// One whose database is reached through something else.
    pub async fn open_over(
        through: impl FnOnce(Arc<dyn Storage>) -> Arc<dyn Storage>,
        config: EngineConfig,
        connectors: Vec<Arc<dyn Connector>>,
    ) -> Self {
        let folder = TempDir::new().expect("a folder");
        let storage = SqliteStorage::open(folder.path().join("altyn.db")).expect("a database");
        let hands = Arc::new(Hands {
            ahead_ms: AtomicI64::new(0),
            drawn: AtomicU64::new(0),
        });
        let engine = Engine::start(EngineParts {
            storage: through(Arc::new(storage)),
            clock: hands.clone(),
            entropy: hands.clone(),
            vault: Vault::try_new(&[7; Vault::KEY_LENGTH]).expect("a key"),
            config,
            connectors,
            formats: Vec::new(),
        })
        .await
        .expect("it starts");
        let office = BackOffice::try_new(engine.clone(), "https://gate.test/base/", false);
        Self {
            router: backoffice::router(office.expect("an address")),
            engine,
            hands,
            _folder: folder,
        }
    }

    /// Moves the clock.
    pub fn advance_s(&self, seconds: i64) {
        self.hands
            .ahead_ms
            .fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    /// The present instant, in seconds.
    pub fn now_s(&self) -> i64 {
        self.hands.now().as_millis() / 1_000
    }

    /// A request such as `POST /sign-in`.
    pub fn ask(&self, line: &str) -> Asking<'_> {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", backoffice::PREFIX));
        Asking {
            office: self,
            request,
            body: Body::empty(),
        }
    }

    /// Signs somebody in who needs no code, and says the session's token.
    pub async fn sign_in(&self, email: &str, password: &str) -> String {
        let body = json!({"email": email, "password": password});
        let answer = self.ask("POST /sign-in").json(&body).send().await;
        answer.expect(200).text("/token")
    }

    /// The token of a session of the root operator, who is made known first.
    pub async fn root(&self) -> String {
        let made = self.engine.create_root(ROOT, "Operator", false).await;
        let (_, password) = made.expect("the first person");
        let token = self.sign_in(ROOT, password.expose()).await;
        let change = json!({"old_password": password.expose(), "password": PASSWORD});
        let changed = self.ask("POST /me/password").token(&token).json(&change);
        changed.send().await.expect(204);
        token
    }

    /// Invites somebody as the holder of `token`, who follows; says the token of the new person's session.
    pub async fn invited(&self, token: &str, email: &str, role: &str, place: &Value) -> String {
        let body = json!({"email": email, "role": role, "place": place});
        let invited = self.ask("POST /invitations").token(token).json(&body);
        let secret = invited.send().await.expect(201).text("/secret");
        let body = json!({"token": secret, "name": role, "password": PASSWORD});
        let accepted = self.ask("POST /invitations/accept").json(&body);
        accepted.send().await.expect(201).text("/token")
    }
}
