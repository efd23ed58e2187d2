//! Where the rows of the life-cycle table are played: a gateway with a manual clock, a method whose gateway
//! the test plays, a shop that speaks ECommPay's way, and payers at its Payment Page. What all of them know
//! is compared with what the table says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use altyn_dialects::ecommpay::signature;
use altyn_domain::PaymentId;
use altyn_storage::Storage;
use altyn_storage_postgres::{PostgresOptions, PostgresStorage};
use altyn_storage_sqlite::SqliteStorage;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};

use crate::connector::KEY;
use crate::gate::{Database, Gate, Setup};
use crate::lifecycle_far::{End, FarSide};

/// Every payment is over 150 rupees.
pub const AMOUNT: i64 = 15_000;
/// The processing period of the method, and a second.
pub const PERIOD_S: u32 = 601;
/// How long a payment can be paid unless a test says otherwise.
pub const DAY_S: u32 = 20 * 3_600;

/// Failures in the words of the far side.
pub const NO_MONEY: End = End::Failure("insufficient_funds", "The purse holds 12 rupees only");
pub const ASLEEP: End = End::Failure("issuer_unavailable", "The purse is asleep until noon");

/// The gateway and everybody around it.
pub struct Stage {
    pub gate: Gate,
    pub far: FarSide,
    pub storage: Arc<dyn Storage>,
    callback_url: String,
    pub heard: Arc<Mutex<Vec<Value>>>,
    ahead_s: u32,
    /// A program that died may have told something and not known it: then the same is told again.
    pub died: bool,
}

impl Stage {
    /// A project whose customers have balances, and whose wallets are at the far side.
    pub async fn open(database: Database) -> Self {
        let gate = Gate::start(Setup::on(database).manual_clock()).await;
        let far = FarSide::start().await;
        let storage = open_storage(&gate).await;
        let heard: Arc<Mutex<Vec<Value>>> = Arc::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("it has one");
        let router = axum::Router::new()
            .route("/callback", post(hear).get(hear_of_order))
            .with_state(heard.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut stage = Self {
            gate,
            far,
            storage,
            callback_url: format!("http://{address}/callback"),
            heard,
            ahead_s: 0,
            died: false,
        };
        stage.gate.kill().await;
        stage.sets(&["--balances", "true"]).await;
        stage.set_method(600_000).await;
        stage.gate.boot(None).await;
        stage
    }

    /// Changes the projects by a command of the program; the running gateway minds it in its next decision.
    pub async fn sets(&self, change: &[&str]) {
        for kind in ["india-", "demo-"] {
            let slug = self.slug(kind).await;
            let mut arguments = vec!["project", "set", "--project", &slug];
            arguments.extend(change);
            let output = self.gate.altyn(&arguments).await;
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{errors}");
        }
    }

    /// The wallet's method leads to the far side and has this processing period.
    pub async fn set_method(&self, processing_period_ms: u32) {
        for kind in ["india-", "demo-"] {
            let slug = self.slug(kind).await;
            let method = json!({
                "id": "wallet-partner",
                "connector": "remote",
                "kind": "wallet",
                "title": "Far purse",
                "processing_period_ms": processing_period_ms,
                "settings": { "base_url": self.far.url, "key": KEY },
            });
            let output = crate::methods::set(&self.gate, &slug, &method).await;
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{errors}");
        }
    }

    async fn slug(&self, kind: &str) -> String {
        let settings = self.storage.settings().await.expect("settings");
        let mut projects = settings.projects.iter();
        let project = projects.find(|project| project.slug.starts_with(kind));
        project.expect("the demo has it").slug.clone()
    }

    /// Moves the gateway's clock, and waits until no timer is due.
    pub async fn advance(&mut self, seconds: u32) {
        self.ahead_s += seconds;
        self.far.set_ahead(i64::from(self.ahead_s));
        self.gate.advance(seconds).await;
    }

    /// Everything that is due has happened.
    pub async fn settles(&self) {
        self.gate.advance(0).await;
    }

    /// The program is gone: its clock is the real one again after a start.
    pub async fn boot(&mut self, crash_point: Option<&str>) {
        self.died = true;
        self.ahead_s = 0;
        self.far.set_ahead(0);
        self.gate.boot(crash_point).await;
    }

    /// A payer with a link of the shop begins a first try.
    pub async fn begins(&self, payment_id: &str) -> Payer {
        self.begins_with(payment_id, DAY_S, &[]).await
    }

    /// The same with a payment that can be paid for so many seconds, and more parameters of the link.
    pub async fn begins_with(
        &self,
        payment_id: &str,
        payable_s: u32,
        more: &[(&str, &str)],
    ) -> Payer {
        let link = self.link(payment_id, payable_s, more);
        let form = [("request", link.as_str())];
        let location = self.post_form("/payment/confirm", &form).await;
        let place = location.split('/').nth(2).expect("an id").to_owned();
        assert!(leads_away(&location), "{location}");
        Payer {
            payment_id: payment_id.to_owned(),
            place,
            is_order: false,
        }
    }

    /// An order of the register.do family, registered by this method, of this customer.
    pub async fn registers(&self, method: &str, number: &str, customer: &str) -> Payer {
        let amount = AMOUNT.to_string();
        let parameters = [
            ("orderNumber", number),
            ("amount", amount.as_str()),
            ("returnUrl", "https://shop.example.kz/"),
            ("clientId", customer),
            ("sessionTimeoutSecs", "72000"),
            ("dynamicCallbackUrl", self.callback_url.as_str()),
        ];
        let answer = self.gate.call(method, &parameters).await;
        let place = answer["orderId"].as_str();
        Payer {
            payment_id: number.to_owned(),
            place: place.unwrap_or_else(|| panic!("{answer}")).to_owned(),
            is_order: true,
        }
    }

    /// A payer of such an order begins a first try.
    pub async fn begins_order(&self, method: &str, number: &str) -> Payer {
        let customer = customer_of(number);
        let payer = self.registers(method, number, &customer).await;
        self.tries_again(&payer).await;
        payer
    }

    /// Begins a try of an order, waits for it in vain, and begins another.
    pub async fn begins_order_twice(&mut self, method: &str, number: &str) -> Payer {
        let payer = self.begins_order(method, number).await;
        self.advance(PERIOD_S).await;
        self.tries_again(&payer).await;
        payer
    }

    /// The shop asks for something about an order, and it is done.
    pub async fn asks(&self, method: &str, payer: &Payer) {
        let order = [("orderId", payer.place.as_str())];
        let answer = self.gate.call(method, &order).await;
        assert_eq!(answer["errorCode"], "0", "{method}: {answer}");
    }

    /// Begins a try, waits for it in vain, and begins another.
    pub async fn begins_twice(&mut self, payment_id: &str) -> Payer {
        self.begins_twice_with(payment_id, &[]).await
    }

    pub async fn begins_twice_with(&mut self, payment_id: &str, more: &[(&str, &str)]) -> Payer {
        let payer = self.begins_with(payment_id, DAY_S, more).await;
        self.advance(PERIOD_S).await;
        self.tries_again(&payer).await;
        payer
    }

    fn link(&self, payment_id: &str, payable_s: u32, more: &[(&str, &str)]) -> String {
        let (number, key) = &self.gate.india;
        let best_before = crate::clock::in_seconds(u64::from(self.ahead_s + payable_s));
        let mut parameters = json!({
            "project_id": number.to_string(),
            "payment_id": payment_id,
            "payment_amount": AMOUNT.to_string(),
            "payment_currency": "INR",
            "customer_id": customer_of(payment_id),
            "customer_country": "IN",
            "language_code": "en",
            "best_before": format!("{best_before}Z"),
            "merchant_callback_url": self.callback_url,
        });
        for (name, value) in more {
            parameters[*name] = json!(value);
        }
        parameters["signature"] = json!(signature::sign(&parameters, key));
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in parameters.as_object().expect("an object") {
            query.append_pair(name, value.as_str().expect("a text"));
        }
        query.finish()
    }

    /// Begins another try.
    pub async fn tries_again(&self, payer: &Payer) {
        let path = format!("/checkout/{}/pay", payer.place);
        let location = self.post_form(&path, &[]).await;
        assert!(leads_away(&location), "{location}");
    }

    /// Posts a form that chooses the wallet, and returns where the browser is sent.
    pub async fn post_form(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([("method", "wallet-partner"), ("language", "en")]);
        form.extend_pairs(pairs);
        let url = format!("{}{path}", self.gate.base_url);
        let request = self.gate.http.post(url).body(form.finish());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.send().await.expect("it answers");
        let location = response.headers().get("location").cloned();
        let text = response.text().await.unwrap_or_default();
        let location = location.unwrap_or_else(|| panic!("{path} sends nobody on: {text}"));
        location.to_str().expect("plain").to_owned()
    }

    /// The far side ends a try and tells it.
    pub async fn ends(&self, payer: &Payer, number: usize, end: End) {
        let charge = self
            .far
            .operation("charge", &payer.payment_id, number)
            .await;
        self.far.ends(&charge, end);
        assert_eq!(self.far.tells(&charge).await, 200, "{}", payer.payment_id);
    }

    pub async fn succeeds(&self, payer: &Payer, number: usize) {
        self.ends(payer, number, End::Success).await;
    }

    /// The payer's browser comes back from the far side's page, and the gateway asks how things stand.
    pub async fn comes_back(&self, payer: &Payer) {
        let url = format!("{}/checkout/{}/back", self.gate.base_url, payer.place);
        let response = self.gate.http.get(url).send().await.expect("it answers");
        assert!(response.status().as_u16() < 400, "{}", response.status());
    }

    /// A request of the shop: general and the signature are added.
    pub async fn send(&self, path: &str, payment_id: &str, mut body: Value) -> (u16, Value) {
        let (number, key) = &self.gate.india;
        body["general"]["project_id"] = json!(number);
        body["general"]["payment_id"] = json!(payment_id);
        body["general"]["signature"] = json!(signature::sign(&body, key));
        let url = format!("{}/v2/payment/{path}", self.gate.base_url);
        let request = self.gate.http.post(url).body(body.to_string());
        let request = request.header("content-type", "application/json");
        let response = request.send().await.expect("it answers");
        let status = response.status().as_u16();
        let text = response.text().await.expect("all of it");
        let answer = serde_json::from_str(&text);
        (
            status,
            answer.unwrap_or_else(|_| panic!("{status}: {text}")),
        )
    }

    /// A sale by the Gate, not by a page.
    pub async fn sale(&self, payment_id: &str) -> Payer {
        let mut customer = crate::india::customer();
        customer["id"] = json!(customer_of(payment_id));
        let body = json!({
            "general": { "merchant_callback_url": self.callback_url },
            "payment": { "amount": AMOUNT, "currency": "INR" },
            "customer": customer,
            "return_url": { "success": "http://127.0.0.1:9/success" },
        });
        let (status, answer) = self.send("wallet-partner/sale", payment_id, body).await;
        assert_eq!(status, 200, "{answer}");
        let charge = self.far.operation("charge", payment_id, 1).await;
        let place = self.far.payment_of(&charge);
        Payer {
            payment_id: payment_id.to_owned(),
            place,
            is_order: false,
        }
    }
}

/// Whether a browser is sent on to the far side's page.
fn leads_away(location: &str) -> bool {
    location
        .split('?')
        .next()
        .is_some_and(|path| path.ends_with("/go"))
}

/// The merchant's name of the customer: one for each payment, so that a balance is of one payment.
pub fn customer_of(payment_id: &str) -> String {
    format!("customer-of-{payment_id}")
}

/// A payer with a payment.
pub struct Payer {
    pub payment_id: String,
    /// The payment's id in addresses.
    pub place: String,
    /// Whether it is an order of the register.do family.
    pub is_order: bool,
}

impl Payer {
    pub fn id(&self) -> PaymentId {
        PaymentId::parse(&self.place).expect("an id")
    }
}

async fn open_storage(gate: &Gate) -> Arc<dyn Storage> {
    let url = std::fs::read_to_string(gate.data.join("database-url")).expect("it is there");
    match url.trim().strip_prefix("sqlite:") {
        Some(path) => Arc::new(SqliteStorage::open(path).expect("it opens")),
        None => {
            let options = PostgresOptions::default();
            let storage = PostgresStorage::connect(url.trim(), options).await;
            Arc::new(storage.expect("it opens"))
        }
    }
}

async fn hear(State(heard): State<Arc<Mutex<Vec<Value>>>>, body: Bytes) -> StatusCode {
    let body = serde_json::from_slice(&body).expect("a callback is JSON");
    heard.lock().expect("whole").push(body);
    StatusCode::OK
}

/// Callbacks of the register.do family are questions with parameters.
async fn hear_of_order(
    State(heard): State<Arc<Mutex<Vec<Value>>>>,
    Query(told): Query<BTreeMap<String, String>>,
) -> StatusCode {
    let body = json!({
        "payment": { "id": told.get("orderNumber") },
        "operation": { "type": told.get("operation"), "status": told.get("status") },
    });
    heard.lock().expect("whole").push(body);
    StatusCode::OK
}
