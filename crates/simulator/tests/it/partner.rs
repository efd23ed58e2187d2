//! A simulator with a wallet partner, a merchant that listens for its notices, and the ways in
//! which tests talk to both.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::simulator::{Simulator, encode, spawn};

pub const APP_ID: &str = "demo-app-1";
pub const SECRET: &str = "cf_demo_secret_0001";
/// A payer who is awaited on the page.
pub const PHONE: &str = "9999999999";

/// Seconds after which something that should have happened has not.
const PATIENCE: Duration = Duration::from_secs(20);

/// One notice as the merchant received it.
#[derive(Clone, Debug)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: String,
    pub at: Instant,
}

impl Received {
    /// The JSON of generation 2.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The fields of generation 1.
    pub fn form(&self) -> HashMap<String, String> {
        form_urlencoded::parse(self.body.as_bytes())
            .into_owned()
            .collect()
    }

    pub fn header(&self, name: &str) -> String {
        let value = self.headers.get(name);
        let value = value.unwrap_or_else(|| panic!("no {name}"));
        value.to_str().expect("text").to_owned()
    }

    /// Whether the signature is right, computed here apart from the partner's own code.
    pub fn is_signed(&self) -> bool {
        if self.headers.contains_key("x-webhook-signature") {
            let text = self.header("x-webhook-timestamp") + &self.body;
            return self.header("x-webhook-signature") == hmac(&text);
        }
        let form = self.form();
        let names = "orderId orderAmount referenceId txStatus paymentMode txMsg txTime";
        let text: String = names.split(' ').map(|name| form[name].clone()).collect();
        form["signature"] == hmac(&text)
    }
}

/// Base64 of the HMAC-SHA-256 with the merchant's secret.
pub fn hmac(text: &str) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    STANDARD.encode(aws_lc_rs::hmac::sign(&key, text.as_bytes()))
}

#[derive(Default)]
struct Inbox {
    received: Vec<Received>,
    /// Answers for the next notices; then all are accepted.
    answers: Vec<StatusCode>,
}

/// The merchant's listener.
#[derive(Clone)]
pub struct Merchant {
    inbox: Arc<Mutex<Inbox>>,
    pub url: String,
}

impl Merchant {
    pub async fn start() -> Merchant {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let merchant = Merchant {
            inbox: Arc::default(),
            url: format!("http://{address}/notify"),
        };
        let routes = Router::new()
            .route("/notify", post(receive))
            .with_state(merchant.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        merchant
    }

    /// How the next notices are answered.
    pub fn answers(&self, statuses: &[u16]) {
        let statuses = statuses.iter().rev();
        let statuses = statuses.map(|status| StatusCode::from_u16(*status).expect("a status"));
        self.inbox.lock().expect("lock").answers = statuses.collect();
    }

    pub fn received(&self) -> Vec<Received> {
        self.inbox.lock().expect("lock").received.clone()
    }

    /// Waits until this many notices have come; gives all there are.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let received = self.received();
            if received.len() >= count {
                return received;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!(
            "{} of {count} notices: {:?}",
            self.received().len(),
            self.received()
        );
    }
}

async fn receive(State(merchant): State<Merchant>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut inbox = merchant.inbox.lock().expect("lock");
    inbox.received.push(Received {
        headers,
        body: String::from_utf8(body.to_vec()).expect("text"),
        at: Instant::now(),
    });
    inbox.answers.pop().unwrap_or(StatusCode::OK)
}

/// A simulator with a partner, and its merchant.
pub struct Wallets {
    pub simulator: Simulator,
    pub merchant: Merchant,
}

impl Wallets {
    pub async fn start() -> Wallets {
        Wallets::start_with(json!({})).await
    }

    /// With more configuration of the partner.
    pub async fn start_with(more: Value) -> Wallets {
        let merchant = Merchant::start().await;
        Wallets {
            simulator: Simulator::start_with(json!({"partner": config(more)})),
            merchant,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.simulator.partner_url)
    }

    /// A call of generation 1: its answer's JSON.
    pub async fn first(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let (status, answer) = read(self.try_first(path, fields).await.expect("answered")).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    /// A call of generation 1 that may be left without an answer.
    pub async fn try_first(
        &self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Response, reqwest::Error> {
        let mut all = vec![("appId", APP_ID), ("secretKey", SECRET)];
        all.extend_from_slice(fields);
        let request = self
            .simulator
            .client
            .post(self.url(&format!("/api/v1/{path}")));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(encode(&all)).send().await
    }

    /// Makes an order of generation 1; gives its link.
    pub async fn first_order(&self, order_id: &str, phone: &str) -> String {
        let answer = self
            .first("order/create", &self.first_fields(order_id, phone))
            .await;
        assert_eq!(answer["status"], "OK", "{answer}");
        answer["paymentLink"].as_str().expect("a link").to_owned()
    }

    /// The fields of an order of generation 1 of ₹150.
    pub fn first_fields<'a>(
        &'a self,
        order_id: &'a str,
        phone: &'a str,
    ) -> Vec<(&'a str, &'a str)> {
        vec![
            ("orderId", order_id),
            ("orderAmount", "150.00"),
            ("orderCurrency", "INR"),
            ("orderNote", "TEST"),
            ("customerName", "Mary Smith"),
            ("customerEmail", "mary@shop.example"),
            ("customerPhone", phone),
            ("returnUrl", "http://127.0.0.1:9/return"),
            ("notifyUrl", &self.merchant.url),
        ]
    }

    pub async fn first_status(&self, order_id: &str) -> Value {
        self.first("order/info/status", &[("orderId", order_id)])
            .await
    }

    /// A call of generation 2, ready to be sent.
    pub fn second(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        self.simulator
            .client
            .request(method, self.url(&format!("/pg{path}")))
            .header("x-client-id", APP_ID)
            .header("x-client-secret", SECRET)
            .header("x-api-version", "2025-01-01")
            .header("content-type", "application/json")
    }

    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.second("POST", path).body(body.to_string());
        read(request.send().await.expect("answered")).await
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.second("GET", path).send().await.expect("answered")).await
    }

    /// The body of an order of generation 2 of ₹150.
    pub fn second_body(&self, order_id: &str, phone: &str, more: Value) -> Value {
        let mut body = json!({
            "order_id": order_id, "order_amount": 150, "order_currency": "INR",
            "customer_details": {"customer_id": "mary_1", "customer_phone": phone},
            "order_meta": {"return_url": "http://127.0.0.1:9/return?order={order_id}",
                           "notify_url": self.merchant.url},
        });
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    }

    /// Makes an order of generation 2.
    pub async fn second_order(&self, order_id: &str, phone: &str) -> Value {
        let body = self.second_body(order_id, phone, json!({}));
        let (status, order) = self.post("/orders", &body).await;
        assert_eq!(status, StatusCode::OK, "{order}");
        order
    }

    /// Begins a payment; gives its id and the address of its page.
    pub async fn pay(&self, order: &Value) -> (String, String) {
        let (status, answer) = self.try_pay(order).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        (text(&answer["cf_payment_id"]), text(&answer["data"]["url"]))
    }

    pub async fn try_pay(&self, order: &Value) -> (StatusCode, Value) {
        let body = json!({
            "payment_session_id": order["payment_session_id"],
            "payment_method": {"app": {"channel": "link", "provider": "paytm", "phone": PHONE}},
        });
        self.post("/orders/sessions", &body).await
    }

    /// An order of generation 2 that is paid, with the id of its payment.
    pub async fn paid(&self, order_id: &str) -> String {
        let order = self.second_order(order_id, "9999990001").await;
        self.pay(&order).await.0
    }

    pub async fn order_status(&self, order_id: &str) -> String {
        let (_, order) = self.get(&format!("/orders/{order_id}")).await;
        order["order_status"].as_str().expect("a status").to_owned()
    }

    pub async fn payment(&self, order_id: &str, payment_id: &str) -> Value {
        let path = format!("/orders/{order_id}/payments/{payment_id}");
        let (status, payment) = self.get(&path).await;
        assert_eq!(status, StatusCode::OK, "{payment}");
        payment
    }

    /// A call of tests.
    pub async fn control(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let url = self.url(&format!("/partner/control/{path}"));
        let request = self.simulator.client.post(url).body(body.to_string());
        read(request.send().await.expect("answered")).await
    }

    /// Decides an order.
    pub async fn decide(&self, order_id: &str, wish: Value) -> Value {
        let (status, answer) = self.control(&format!("orders/{order_id}"), &wish).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    pub async fn fault(&self, fault: Value) {
        let (status, answer) = self.control("faults", &fault).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    /// Lines of the log of one kind.
    pub async fn log(&self, kind: &str) -> Vec<Value> {
        let (_, log) = self.plain("/partner/log").await;
        let lines = log["lines"].as_array().expect("lines").clone();
        lines
            .into_iter()
            .filter(|line| line["kind"] == kind)
            .collect()
    }

    /// A page or a report.
    pub async fn plain(&self, path: &str) -> (StatusCode, Value) {
        let request = self.simulator.client.get(self.url(path));
        read(request.send().await.expect("answered")).await
    }

    /// Waits until the newest notice of the log is over.
    pub async fn wait_for_delivery(&self) -> Value {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let newest = self.log("notice").await.pop().expect("a notice");
            if newest["status"] != "waiting" {
                return newest;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the notice is not over");
    }
}

/// The partner's configuration in tests: short pauses.
pub fn config(more: Value) -> Value {
    let mut config = json!({
        "app_id": APP_ID, "secret": SECRET, "notice_pause_ms": 20, "refund_ms": 50,
        "merchant": "Dombra & Co",
    });
    for (name, value) in more.as_object().expect("an object") {
        config[name] = value.clone();
    }
    config
}

/// Status and JSON of an answer, or its text.
pub async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.expect("a body");
    let value = serde_json::from_str(&text);
    (status, value.unwrap_or(Value::String(text)))
}

#[tokio::test]
async fn without_configuration_there_is_no_partner() {
    let simulator = Simulator::start();
    assert_eq!(simulator.partner_url, "");
}

#[test]
fn wrong_configuration_is_explained() {
    let cases = [
        (r#""app_id":"a""#, "secret"),
        (
            r#""app_id":"a","secret":"s","listen":"0.0.0.0:0""#,
            "loopback",
        ),
        (r#""app_id":"a","secret":"s","colour":1"#, "colour"),
    ];
    for (part, word) in cases {
        let line = format!(r#"{{"terminal_key":"k","partner":{{{part}}}}}"#);
        let child = spawn(&line);
        let output = child.wait_with_output().expect("waited");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{line}");
        assert!(message.contains(word), "{line}: {message}");
    }
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("partner.journal");
    let more = json!({"journal": path, "notice_pause_ms": 60_000, "order_minutes": 20});
    let first = Wallets::start_with(more.clone()).await;
    let merchant = first.merchant.clone();

    let payment_id = first.paid("WP-1").await;
    merchant.wait_for(1).await;
    let refund = json!({"refund_amount": 50, "refund_id": "ref-1", "refund_note": "PENDING"});
    first.post("/orders/WP-1/refunds", &refund).await;
    let link = first.first_order("WP-2", PHONE).await;
    let keyed = first.second_body("WP-3", PHONE, json!({}));
    let created = send_keyed(&first, &keyed).await;
    merchant.answers(&[500]);
    first.decide("WP-3", json!({"result": "FAILED"})).await;
    merchant.wait_for(2).await;
    let before = first.plain("/partner/log").await.1;
    assert_eq!(first.simulator.stop(), 0);

    let second = Wallets {
        simulator: Simulator::start_with(json!({"partner": config(more)})),
        merchant: merchant.clone(),
    };
    let mut after = second.plain("/partner/log").await.1;
    let strip = |log: &mut Value| {
        // How far the delivery of the failed notice got by the end is a matter of moments.
        let lines = log["lines"].as_array_mut().expect("lines");
        lines.retain(|line| line["event"] != "PAYMENT_FAILED_WEBHOOK");
    };
    let mut before = before;
    strip(&mut before);
    strip(&mut after);
    assert_eq!(after, before);
    assert_eq!(second.order_status("WP-1").await, "PAID");
    assert_eq!(
        second.payment("WP-1", &payment_id).await["payment_status"],
        "SUCCESS"
    );
    assert_eq!(send_keyed(&second, &keyed).await, created);
    let (path, _) = link
        .rsplit_once('/')
        .map(|(_, token)| (token.to_owned(), ()))
        .expect("a token");
    let (status, _) = second.plain(&format!("/billpay/order/{path}")).await;
    assert_eq!(status, StatusCode::OK);
    let too_much = json!({"refund_amount": 100.01, "refund_id": "ref-2"});
    let (status, _) = second.post("/orders/WP-1/refunds", &too_much).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let next = second.paid("WP-4").await;
    assert!(next > payment_id, "{next} after {payment_id}");
}

/// Makes an order with an idempotency key.
async fn send_keyed(wallets: &Wallets, body: &Value) -> (StatusCode, Value) {
    let request = wallets.second("POST", "/orders");
    let request = request.header("x-idempotency-key", "key-1");
    read(
        request
            .body(body.to_string())
            .send()
            .await
            .expect("answered"),
    )
    .await
}
