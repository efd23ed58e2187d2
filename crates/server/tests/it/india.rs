//! A shop in India: it speaks ECommPay's Gate, hears callbacks, and its payers pay at the wallet partner.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use altyn_dialects::ecommpay::signature;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};

use crate::gate::{Gate, PATIENCE};

/// The shop, its number, its key and what it has heard.
pub struct Shop<'a> {
    pub gate: &'a Gate,
    pub callback_url: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl<'a> Shop<'a> {
    pub async fn open(gate: &'a Gate) -> Self {
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("it has one");
        let router = axum::Router::new()
            .route("/callback", post(hear))
            .with_state(heard.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            gate,
            callback_url: format!("http://{address}/callback"),
            heard,
        }
    }

    /// Sends a request: general and the signature are added.
    pub async fn send(&self, path: &str, payment_id: &str, body: Value) -> (u16, Value) {
        let answer = self.try_send(path, payment_id, body).await;
        answer.expect("the Gate answers")
    }

    /// Like [`send`](Self::send), but a broken connection is an error.
    pub async fn try_send(
        &self,
        path: &str,
        payment_id: &str,
        mut body: Value,
    ) -> Result<(u16, Value), reqwest::Error> {
        let (number, key) = &self.gate.india;
        body["general"]["project_id"] = json!(number);
        body["general"]["payment_id"] = json!(payment_id);
        body["general"]["signature"] = json!(signature::sign(&body, key));
        let url = format!("{}/v2/payment/{path}", self.gate.base_url);
        let request = self.gate.http.post(url).body(body.to_string());
        let request = request.header("content-type", "application/json");
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        let answer = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: {text}"));
        Ok((status, answer))
    }

    /// Waits until the payment is paid; false if the Gate is gone meanwhile.
    pub async fn is_paid_or_gone(&self, payment_id: &str) -> bool {
        let began = Instant::now();
        loop {
            let Ok((_, answer)) = self.try_send("status", payment_id, json!({})).await else {
                return false;
            };
            if answer["payment"]["status"] == "success" {
                return true;
            }
            assert!(began.elapsed() < PATIENCE, "{payment_id}: {answer}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A sale by wallet that is accepted; returns the answer's request id.
    pub async fn wallet_sale(&self, payment_id: &str, amount: i64) -> String {
        let body = json!({
            "general": { "merchant_callback_url": self.callback_url },
            "payment": { "amount": amount, "currency": "INR", "description": payment_id },
            "customer": customer(),
            "return_url": { "success": "http://127.0.0.1:9/success" },
        });
        self.accepted("wallet-partner/sale", payment_id, body).await
    }

    /// A refund that is accepted; without an amount of all.
    pub async fn refund(&self, payment_id: &str, amount: Option<i64>) -> String {
        let mut payment = json!({ "description": "test_refund" });
        if let Some(amount) = amount {
            payment["amount"] = json!(amount);
            payment["currency"] = json!("INR");
        }
        let body = json!({ "payment": payment });
        self.accepted("wallet-partner/refund", payment_id, body)
            .await
    }

    pub async fn accepted(&self, path: &str, payment_id: &str, body: Value) -> String {
        let (status, answer) = self.send(path, payment_id, body).await;
        assert_eq!(
            (status, &answer["status"]),
            (200, &json!("success")),
            "{answer}"
        );
        assert_eq!(answer["payment_id"], payment_id);
        assert_eq!(answer["project_id"], json!(self.gate.india.0));
        answer["request_id"].as_str().expect("a text").to_owned()
    }

    pub async fn status(&self, payment_id: &str) -> Value {
        let (status, answer) = self.send("status", payment_id, json!({})).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// What it has heard about a payment: each body must be signed with its key.
    pub fn heard(&self, payment_id: &str) -> Vec<Value> {
        let all = self.heard.lock().expect("whole").clone();
        let bodies = all.iter().map(|text| {
            let body: Value = serde_json::from_str(text).expect("a callback is JSON");
            let signed = signature::sign(&body, &self.gate.india.1);
            assert_eq!(body["signature"], json!(signed), "{text}");
            body
        });
        bodies
            .filter(|body| body["payment"]["id"] == payment_id)
            .collect()
    }

    /// Waits for a callback about this payment that fits, and returns the first.
    pub async fn until(&self, payment_id: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let heard = self.heard(payment_id);
            if let Some(callback) = heard.iter().find(|callback| fits(callback)) {
                return callback.clone();
            }
            assert!(began.elapsed() < PATIENCE, "{payment_id}: only {heard:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the partner has the order of this sale and the shop was told where to send the payer.
    pub async fn until_redirect(&self, payment_id: &str) -> Value {
        self.until(payment_id, |callback| {
            callback["payment"]["status"] == "awaiting redirect result"
        })
        .await
    }

    /// What somebody does at the partner about the order of this request.
    pub async fn at_partner(&self, request_id: &str, wish: Value) -> Value {
        let order = order_of(request_id);
        let url = format!(
            "{}/partner/control/orders/{order}",
            self.gate.bank.partner_url
        );
        self.post(&url, &wish).await
    }

    /// Switches a fault of the partner on.
    pub async fn partner_fault(&self, fault: Value) {
        let url = format!("{}/partner/control/faults", self.gate.bank.partner_url);
        self.post(&url, &fault).await;
    }

    pub async fn post(&self, url: &str, body: &Value) -> Value {
        let request = self.gate.http.post(url).body(body.to_string());
        let request = request.header("content-type", "application/json");
        let response = request.send().await.expect("it answers");
        let status = response.status();
        let text = response.text().await.expect("all of it");
        assert!(status.is_success(), "{url}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Everything that the partner did.
    pub async fn partner_log(&self) -> Vec<Value> {
        let url = format!("{}/partner/log", self.gate.bank.partner_url);
        let response = self.gate.http.get(url).send().await.expect("it answers");
        let text = response.text().await.expect("all of it");
        let log: Value = serde_json::from_str(&text).expect("JSON");
        log["lines"].as_array().expect("lines").clone()
    }
}

/// The payer of the seed's request, in India.
pub fn customer() -> Value {
    json!({
        "id": "customer123", "ip_address": "1.1.1.1", "first_name": "Mary", "last_name": "Smith",
        "phone": "76575657657676", "email": "smith@example.com",
    })
}

/// The partner's order of a request: the payment's id and the operation's number are in it.
pub fn order_of(request_id: &str) -> String {
    let number = u32::from_str_radix(&request_id[32..40], 16).expect("a number");
    format!("{}-{number}", &request_id[..32])
}

async fn hear(State(heard): State<Arc<Mutex<Vec<String>>>>, body: Bytes) -> StatusCode {
    let text = String::from_utf8(body.to_vec()).expect("a callback is UTF-8");
    heard.lock().expect("whole").push(text);
    StatusCode::OK
}
