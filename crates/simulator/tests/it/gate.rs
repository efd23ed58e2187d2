//! A small gateway that speaks ECommPay's Gate: it checks and remembers what the shop sends, and
//! answers what the test wants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The project that the shop has there.
pub const PROJECT: u32 = 101;
/// The key of its signatures.
pub const KEY: &str = "top-secret/101";

/// The gateway.
#[derive(Clone)]
pub struct StubGate {
    inner: Arc<Mutex<Inner>>,
    pub url: String,
}

#[derive(Default)]
struct Inner {
    /// Path and body of every request, oldest first; status requests are not kept.
    requests: Vec<(String, Value)>,
    /// What the status request tells: `payment` and `operations`.
    known: Option<(Value, Value)>,
    /// Answers everything with this.
    broken: Option<(StatusCode, String)>,
}

impl StubGate {
    /// Starts serving.
    pub async fn start() -> StubGate {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let gate = StubGate {
            inner: Arc::default(),
            url: format!("http://{address}"),
        };
        let routes = Router::new()
            .route("/v2/payment/{*path}", post(answer))
            .with_state(gate.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        gate
    }

    /// Everything that was asked for, but for the status.
    pub fn requests(&self) -> Vec<(String, Value)> {
        self.inner.lock().expect("lock").requests.clone()
    }

    /// What the status request tells from now on.
    pub fn knows(&self, payment: Value, operations: Value) {
        self.inner.lock().expect("lock").known = Some((payment, operations));
    }

    /// Answers everything with this from now on.
    pub fn broken(&self, status: StatusCode, body: &str) {
        self.inner.lock().expect("lock").broken = Some((status, body.to_owned()));
    }

    /// Answers again.
    pub fn mended(&self) {
        self.inner.lock().expect("lock").broken = None;
    }
}

async fn answer(State(gate): State<StubGate>, Path(path): Path<String>, body: String) -> Response {
    let message: Value = serde_json::from_str(&body).expect("JSON");
    let general = &message["general"];
    assert_eq!(general["project_id"], json!(PROJECT), "{message}");
    assert_eq!(general["signature"], json!(sign(&message)), "{message}");
    let mut inner = gate.inner.lock().expect("lock");
    if path != "status" {
        inner.requests.push((path.clone(), message.clone()));
    }
    if let Some((status, body)) = &inner.broken {
        return (*status, body.clone()).into_response();
    }
    let answer = match (path.as_str(), &inner.known) {
        ("status", Some((payment, operations))) => signed(json!({
            "project_id": PROJECT, "payment": payment, "operations": operations,
        })),
        ("status", None) => signed(json!({
            "project_id": PROJECT,
            "payment": {"id": general["payment_id"], "status": "error"},
            "errors": [{"code": "3061", "message": "Transaction not found"}],
        })),
        _ => json!({
            "status": "success", "request_id": format!("request-{}", inner.requests.len()),
            "project_id": PROJECT, "payment_id": general["payment_id"],
        }),
    };
    answer.to_string().into_response()
}

/// A message with its signature at the root.
pub fn signed(mut message: Value) -> Value {
    message["signature"] = json!(sign(&message));
    message
}

/// The signature, written apart from the shop's own code. Paths of these tests hold no numbers of
/// two digits, so they may be sorted letter by letter.
pub fn sign(message: &Value) -> String {
    let mut lines = BTreeMap::new();
    collect(message, String::new(), &mut lines);
    let text: Vec<String> = lines
        .iter()
        .map(|(path, value)| format!("{path}:{value}"))
        .collect();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA512, KEY.as_bytes());
    STANDARD.encode(aws_lc_rs::hmac::sign(&key, text.join(";").as_bytes()))
}

fn collect(value: &Value, path: String, lines: &mut BTreeMap<String, String>) {
    let mut below = |name: &str, value: &Value| {
        let path = format!("{path}:{name}");
        collect(value, path.trim_start_matches(':').to_owned(), lines);
    };
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| *name != "signature")
            .for_each(|(name, value)| below(name, value)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, value)| below(&index.to_string(), value)),
        Value::String(text) => {
            lines.insert(path, text.clone());
        }
        other => {
            lines.insert(path, other.to_string());
        }
    }
}
