//! The far side of a remote connector, played by a test: it says what the test wants, when the test wants.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use altyn_connectors::remote::signature::{ID, Keys, SIGNATURE, TIMESTAMP};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use serde_json::{Value, json};

use crate::connector::KEY;
use crate::gate::PATIENCE;

/// How an operation ends at the far side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Success,
    /// With this code and these words.
    Failure(&'static str, &'static str),
}

/// An operation that came.
#[derive(Debug, Clone)]
struct Known {
    id: String,
    /// charge, refund, capture or void.
    kind: String,
    /// The request that made it.
    asked: Value,
    /// What is said about it now.
    state: Value,
}

struct Inner {
    operations: Mutex<Vec<Known>>,
    /// By how much the gateway's clock is ahead, in seconds.
    ahead_s: AtomicI64,
    messages: AtomicU32,
    /// Whether charges are lost: each is answered with a 500, and never came.
    loses: AtomicBool,
    /// How many questions were answered with "not found".
    not_found: AtomicU32,
    keys: Keys,
    http: reqwest::Client,
}

/// The far side.
#[derive(Clone)]
pub struct FarSide {
    pub url: String,
    inner: Arc<Inner>,
}

impl FarSide {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("it has one");
        let inner = Arc::new(Inner {
            operations: Mutex::default(),
            ahead_s: AtomicI64::new(0),
            messages: AtomicU32::new(0),
            loses: AtomicBool::new(false),
            not_found: AtomicU32::new(0),
            keys: Keys::parse(KEY).expect("a key"),
            http: reqwest::Client::new(),
        });
        let router = axum::Router::new()
            .route("/", post(answer))
            .with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let url = format!("http://{address}/");
        Self { url, inner }
    }

    /// The gateway's clock goes that many seconds ahead of the far side's own.
    pub fn set_ahead(&self, seconds: i64) {
        self.inner.ahead_s.store(seconds, Ordering::SeqCst);
    }

    /// From now on each charge is answered with a 500, and never came.
    pub fn loses_charges(&self) {
        self.inner.loses.store(true, Ordering::SeqCst);
    }

    /// Waits until so many questions were answered with "not found".
    pub async fn until_not_found(&self, times: u32) {
        let began = Instant::now();
        while self.inner.not_found.load(Ordering::SeqCst) < times {
            assert!(began.elapsed() < PATIENCE, "it is not asked so often");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The id of the `number`-th operation of this kind that came for an order; waits until it is there.
    pub async fn operation(&self, kind: &str, reference: &str, number: usize) -> String {
        let began = Instant::now();
        loop {
            let all = self.of(kind, reference);
            if let Some(known) = all.get(number - 1) {
                return known.id.clone();
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{kind} {number} of {reference} did not come"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn of(&self, kind: &str, reference: &str) -> Vec<Known> {
        let all = self.inner.operations.lock().expect("whole").clone();
        let charges = |known: &&Known| {
            known.kind == "charge" && known.asked["payment"]["reference"] == reference
        };
        let charge_ids: Vec<String> = all.iter().filter(charges).map(|k| k.id.clone()).collect();
        let belongs = |known: &Known| {
            let charge = known.asked["charge"].as_str().unwrap_or(&known.id);
            known.kind == kind && charge_ids.iter().any(|id| id == charge)
        };
        all.into_iter().filter(belongs).collect()
    }

    /// From now on this is what is said about an operation.
    pub fn ends(&self, operation: &str, end: End) {
        let mut all = self.inner.operations.lock().expect("whole");
        let known = all.iter_mut().find(|known| known.id == operation);
        let known = known.expect("it came");
        known.state = ended(&known.state, end);
    }

    /// Tells the gateway how an operation stands, and returns its answer's status; 0 for none.
    pub async fn tells(&self, operation: &str) -> u16 {
        self.tells_and_hears(operation).await.0
    }

    /// The same, with the text of the answer.
    pub async fn tells_and_hears(&self, operation: &str) -> (u16, String) {
        let known = self.known(operation);
        self.callback(&known, &known.state).await
    }

    /// Tells the gateway an end of an operation that the far side itself will not remember.
    pub async fn says(&self, operation: &str, end: End) -> u16 {
        let known = self.known(operation);
        self.callback(&known, &ended(&known.state, end)).await.0
    }

    /// The payment of a charge, as the gateway names it.
    pub fn payment_of(&self, charge: &str) -> String {
        let known = self.known(charge);
        let id = known.asked["payment"]["id"].as_str().expect("a text");
        let uuid = id.trim_start_matches("pay_");
        let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
        parts.map(|(from, to)| &uuid[from..to]).join("-")
    }

    fn known(&self, operation: &str) -> Known {
        let all = self.inner.operations.lock().expect("whole");
        let known = all.iter().find(|known| known.id == operation);
        known.expect("it came").clone()
    }

    async fn callback(&self, known: &Known, state: &Value) -> (u16, String) {
        let number = self.inner.messages.fetch_add(1, Ordering::SeqCst);
        let id = format!("msg_{number}");
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.expect("after 1970").as_secs();
        let ahead = self.inner.ahead_s.load(Ordering::SeqCst);
        let second = i64::try_from(since).expect("in this age") + ahead;
        let body = state.to_string();
        let url = known.asked["callback_url"].as_str().expect("a text");
        let request = self.inner.http.post(url);
        let request = request
            .header("content-type", "application/json")
            .header("connector-protocol", "1")
            .header(ID, &id)
            .header(TIMESTAMP, second.to_string())
            .header(
                SIGNATURE,
                self.inner.keys.sign(&id, second, body.as_bytes()),
            );
        let Ok(response) = request.body(body).send().await else {
            return (0, String::new());
        };
        let status = response.status().as_u16();
        (status, response.text().await.unwrap_or_default())
    }

    /// What came in by each try of an order and what went back of it.
    pub fn money(&self, reference: &str) -> Vec<(i64, i64)> {
        let done = |known: &Known| {
            let amount = known.asked["amount"].as_i64().expect("a number");
            if known.state["status"] == "success" {
                amount
            } else {
                0
            }
        };
        let mut back = self.of("refund", reference);
        back.extend(self.of("void", reference));
        let charges = self.of("charge", reference).into_iter();
        let sums = charges.map(|charge| {
            let of_charge = back.iter().filter(|b| b.asked["charge"] == charge.id);
            (done(&charge), of_charge.map(done).sum())
        });
        sums.collect()
    }
}

fn ended(state: &Value, end: End) -> Value {
    let mut state = state.clone();
    let object = state.as_object_mut().expect("an object");
    for member in ["redirect", "code", "message"] {
        object.remove(member);
    }
    match end {
        End::Success => state["status"] = json!("success"),
        End::Failure(code, message) => {
            state["status"] = json!("failure");
            state["code"] = json!(code);
            state["message"] = json!(message);
        }
    }
    state
}

/// A first charge leads the payer to a page; what follows a charge is done at once. `cancel` finds that
/// nothing can be ended any more.
async fn answer(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).expect("JSON");
    let id = asked["operation"].as_str().expect("a text").to_owned();
    let kind = asked["type"].as_str().expect("a text").to_owned();
    let (status, said) = {
        let mut all = inner.operations.lock().expect("whole");
        let known = all.iter().find(|known| known.id == id);
        match (known, kind.as_str()) {
            (Some(known), _) => (200, known.state.clone()),
            (None, "charge") if inner.loses.load(Ordering::SeqCst) => (
                500,
                json!({ "error": { "code": "internal", "message": "lost" } }),
            ),
            (None, "charge" | "refund" | "capture" | "void") => {
                let state = begun(&id, &kind, &asked);
                all.push(Known {
                    id,
                    kind,
                    asked,
                    state: state.clone(),
                });
                (200, state)
            }
            (None, _) => {
                inner.not_found.fetch_add(1, Ordering::SeqCst);
                let error = json!({ "code": "not_found", "message": "no such operation" });
                (404, json!({ "error": error }))
            }
        }
    };
    let text = said.to_string();
    let header = |name| headers[name].to_str().expect("plain");
    let second: i64 = header(TIMESTAMP).parse().expect("a number");
    let signature = inner.keys.sign(header(ID), second, text.as_bytes());
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("connector-protocol", "1")
        .header(ID, header(ID))
        .header(TIMESTAMP, second.to_string())
        .header(SIGNATURE, signature)
        .body(Body::from(text))
        .expect("an answer")
}

fn begun(id: &str, kind: &str, asked: &Value) -> Value {
    let mut state = json!({
        "operation": id,
        "status": "success",
        "amount": asked["amount"],
        "currency": asked["currency"],
        "reference": format!("gw_{}", id.trim_start_matches("opr_")),
    });
    if kind == "charge" {
        state["status"] = json!("redirect");
        state["redirect"] = json!({ "method": "GET", "url": "http://127.0.0.1:9/pay" });
    }
    state
}
