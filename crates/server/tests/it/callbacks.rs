//! Callbacks: what a shop receives, how often, and that a dead receiver is in nobody's way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;

use crate::gate::{APPROVED, BOTH, Database, Gate, NO_FUNDS, PATIENCE, Setup};

type Received = HashMap<String, String>;

#[derive(Clone, Default)]
struct Shared {
    received: Arc<Mutex<Vec<Received>>>,
    refuse: Arc<Mutex<u32>>,
}

/// A shop's receiver.
pub struct Receiver {
    pub url: String,
    shared: Shared,
}

impl Receiver {
    pub async fn start() -> Self {
        let shared = Shared::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!(
            "http://{}/callback?shop=1",
            listener.local_addr().expect("it has one")
        );
        let router = axum::Router::new()
            .route("/callback", get(receive))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// Answers the next `count` callbacks with 500.
    pub fn refuse(&self, count: u32) {
        *self.shared.refuse.lock().expect("whole") = count;
    }

    pub fn all(&self) -> Vec<Received> {
        self.shared.received.lock().expect("whole").clone()
    }

    /// Waits until `count` callbacks have come.
    pub async fn until(&self, count: usize) -> Vec<Received> {
        let began = Instant::now();
        loop {
            let all = self.all();
            if all.len() >= count {
                return all;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{} of {count} callbacks came",
                all.len()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn receive(State(shared): State<Shared>, Query(query): Query<Received>) -> StatusCode {
    shared.received.lock().expect("whole").push(query);
    let mut refuse = shared.refuse.lock().expect("whole");
    if *refuse > 0 {
        *refuse -= 1;
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    StatusCode::OK
}

/// The checksum of a callback, by the shell's own tools: nothing of ours takes part.
fn checksum(callback: &Received, secret: &str) -> String {
    let mut pairs: Vec<_> = callback
        .iter()
        .filter(|(name, _)| *name != "checksum" && *name != "sign_alias")
        .collect();
    pairs.sort();
    let text: String = pairs
        .iter()
        .map(|(name, value)| format!("{name};{value};"))
        .collect();
    let script = "import hmac,sys;print(hmac.new(sys.argv[1].encode(),sys.argv[2].encode(),'sha256').hexdigest().upper())";
    let output = std::process::Command::new("python3")
        .args(["-c", script, secret, &text])
        .output()
        .expect("python3 runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

async fn registered(gate: &Gate, number: &str, url: &str) -> String {
    let answer = gate
        .call(
            "register.do",
            &[
                ("orderNumber", number),
                ("amount", "5000"),
                ("returnUrl", "https://shop.example.kz/"),
                ("dynamicCallbackUrl", url),
            ],
        )
        .await;
    answer["orderId"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned()
}

#[tokio::test]
async fn each_change_is_told_once_and_signed() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let receiver = Receiver::start().await;
        let order = registered(&gate, "CB-1", &receiver.url).await;
        gate.pay(&order, NO_FUNDS).await;
        gate.pay(&order, APPROVED).await;
        gate.call("refund.do", &[("orderId", &order), ("amount", "2000")])
            .await;
        let all = receiver.until(3).await;
        for callback in &all {
            assert_eq!(callback["mdOrder"], order);
            assert_eq!(callback["orderNumber"], "CB-1");
            assert_eq!(callback["shop"], "1", "the address keeps its own query");
            let mut signed = callback.clone();
            signed.remove("shop");
            let right = [
                checksum(callback, &gate.callback_secret),
                checksum(&signed, &gate.callback_secret),
            ];
            assert!(right.contains(&callback["checksum"]), "{callback:?}");
        }
        let mut told: Vec<_> = all
            .iter()
            .map(|callback| (callback["operation"].as_str(), callback["status"].as_str()))
            .collect();
        told.sort_unstable();
        assert_eq!(
            told,
            [("deposited", "0"), ("deposited", "1"), ("refunded", "1")]
        );
    }
}

#[tokio::test]
async fn a_refused_callback_is_repeated_as_configured() {
    let gate = Gate::start(Setup::on(Database::Sqlite).manual_clock()).await;
    let receiver = Receiver::start().await;
    receiver.refuse(2);
    let order = registered(&gate, "CB-2", &receiver.url).await;
    gate.pay(&order, APPROVED).await;
    for attempt in 1..=3 {
        receiver.until(attempt).await;
        // Received is not yet recorded: the next attempt is counted from the record.
        gate.settle().await;
        gate.advance(31).await;
    }
    let all = receiver.all();
    assert!(
        all.windows(2).all(|pair| pair[0] == pair[1]),
        "byte for byte: {all:?}"
    );
    gate.advance(3_600).await;
    assert_eq!(receiver.all().len(), 3, "delivered: no more attempts");
}

#[tokio::test]
async fn a_callback_is_given_up_after_its_last_attempt() {
    let gate = Gate::start(Setup::on(Database::Sqlite).manual_clock()).await;
    let receiver = Receiver::start().await;
    receiver.refuse(100);
    let order = registered(&gate, "CB-3", &receiver.url).await;
    gate.pay(&order, APPROVED).await;
    gate.settle().await;
    for _ in 0..6 {
        gate.advance(31).await;
    }
    assert_eq!(receiver.all().len(), 3);
}

#[tokio::test]
async fn row_56_a_dead_receiver_delays_nobody() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    let receiver = Receiver::start().await;
    // A receiver that takes connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let dead = format!("http://{}/", silent.local_addr().expect("it has one"));
    let _held = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            held.push(stream);
        }
    });
    for n in 0..40 {
        let order = registered(&gate, &format!("DEAD-{n}"), &dead).await;
        gate.pay(&order, APPROVED).await;
    }
    for n in 0..5 {
        let order = registered(&gate, &format!("LIVE-{n}"), &receiver.url).await;
        gate.pay(&order, APPROVED).await;
    }
    // Paid; from here on only the telling counts, not how busy this machine is with paying.
    let began = Instant::now();
    receiver.until(5).await;
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}
