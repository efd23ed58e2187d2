//! Requests with a key that meet a database in trouble: what was not begun is carried out by the repeat, what
//! may be done is never done twice.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use altyn_domain::{
    Connector, ConnectorError, ConnectorSettings, Currency, DeclineCode, ExchangeRequest, Facts,
    HttpMethod, HttpRequest, HttpResponse, Language, MethodKind, NotFoundRule, Outcome,
    PaymentMethod, ProjectSettings, Report, Step, SurplusPolicy,
};
use altyn_engine::{EngineConfig, NewProject};
use serde_json::{Value, json};

use super::backoffice_office::{Answer, Office, PASSWORD};
use super::faulty::Fault::{Away, Lost, Raced};
use super::faulty::{Faults, Faulty};

/// A gateway that declines whatever it is sent.
struct Declining(String);

impl Connector for Declining {
    fn name(&self) -> &'static str {
        "declining"
    }

    fn request(&self, _: &ExchangeRequest<'_>) -> Result<HttpRequest, ConnectorError> {
        Ok(HttpRequest {
            method: HttpMethod::Post,
            url: self.0.clone(),
            headers: Vec::new(),
            body: Vec::new(),
        })
    }

    fn step(&self, _: &ExchangeRequest<'_>, _: &HttpResponse) -> Step {
        Step::Report(Box::new(Report {
            outcome: Outcome::Declined(DeclineCode::InsufficientFunds),
            facts: Facts::default(),
            action: None,
        }))
    }

    fn not_found_rule(&self, _: &ConnectorSettings) -> NotFoundRule {
        NotFoundRule::Never
    }
}

/// An office over a database that fails as it is told, with a shop whose wallet declines.
struct Troubled {
    office: Office,
    faults: Faults,
    token: String,
    /// The root reseller.
    root: String,
    project: String,
    /// How often the gateway was asked to pay.
    charges: Arc<AtomicUsize>,
}

impl Troubled {
    async fn open() -> Self {
        let charges = Arc::new(AtomicUsize::new(0));
        let counted = charges.clone();
        let router = axum::Router::new().fallback(async move || {
            counted.fetch_add(1, Ordering::SeqCst);
            ""
        });
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("it has one"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let faults = Faults::default();
        let config = EngineConfig {
            second_factor_required: false,
            ..EngineConfig::default()
        };
        let connectors: Vec<Arc<dyn Connector>> = vec![Arc::new(Declining(url))];
        let through = |storage| Faulty::over(storage, &faults);
        let office = Office::open_over(through, config, connectors).await;
        let token = office.root().await;
        let wallet = PaymentMethod {
            kind: MethodKind::Wallet,
            ..PaymentMethod::card("wallet", "declining", ConnectorSettings::default())
        };
        let new = NewProject {
            name: "Tea shop".to_owned(),
            slug: "tea".to_owned(),
            settings: ProjectSettings {
                default_currency: Currency::KZT,
                currencies: vec![Currency::KZT],
                language: Language::En,
                session_timeout_ms: 3_600_000,
                tries_max: 3,
                surplus: SurplusPolicy::Balance,
                balances: true,
                endpoints: Vec::new(),
                dynamic_endpoint: None,
                methods: vec![wallet],
                keys: Vec::new(),
            },
        };
        let project = office.engine.create_project(new).await.expect("a project");
        let root = office.engine.root_reseller().await.expect("it is there");
        Self {
            office,
            faults,
            token,
            root: root.to_string(),
            project: project.to_string(),
            charges,
        }
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        let asked = self.office.ask(&format!("POST {path}")).token(&self.token);
        asked.json(body).header("idempotency-key", key).send().await
    }

    /// How many things a list has.
    async fn count(&self, path: &str) -> usize {
        let asked = self.office.ask(&format!("GET {path}")).token(&self.token);
        let list = asked.send().await.expect(200);
        list.body["data"].as_array().expect("a list").len()
    }

    fn order(&self) -> Value {
        json!({
            "project_id": self.project,
            "amount": {"amount": 1_000, "currency": "KZT"},
            "payer": {"id": "c-1", "kind": "individual"},
        })
    }

    fn reseller(&self) -> Value {
        json!({"name": "North", "parent_id": self.root})
    }

    /// A registered payment's id.
    async fn registered(&self) -> String {
        let made = self.post("/payments", "first", &self.order()).await;
        made.expect(201).text("/id")
    }

    /// The first answer has this status and code and frees the key: the repeat is carried out, and once.
    async fn frees(&self, path: &str, body: &Value, code: &str) {
        let first = self.post(path, "k", body).await.expect_problem(503, code);
        assert!(first.headers.contains_key("retry-after"), "{path}");
        self.faults.expect_done();
        let second = self.post(path, "k", body).await.expect(201);
        assert!(!second.headers.contains_key("idempotency-replayed"));
        let third = self.post(path, "k", body).await.expect(201);
        assert_eq!(third.headers["idempotency-replayed"], "true");
        assert_eq!(third.body, second.body);
    }

    /// Nobody knows whether it was done, and the repeat is not carried out.
    async fn keeps(&self, path: &str, body: &Value) {
        let first = self.post(path, "k", body).await;
        let first = first.expect_problem(503, "state_unknown");
        assert!(!first.headers.contains_key("retry-after"), "{path}");
        self.faults.expect_done();
        let second = self.post(path, "k", body).await;
        second.expect_problem(409, "request_in_progress");
    }
}

fn token() -> Value {
    json!({
        "password": PASSWORD,
        "name": "Export",
        "permissions": ["users_view"],
        "expires_at": "2027-05-22T00:00:00Z",
    })
}

#[tokio::test]
async fn what_found_us_without_a_database_is_carried_out_by_its_repeat() {
    let it = Troubled::open().await;
    it.faults.plan("save", Away, 0, 1);
    it.frees("/payments", &it.order(), "unavailable").await;
    assert_eq!(it.count("/payments").await, 1);

    // The line that says what was asked for is no part of it, whatever becomes of it.
    for fault in [Away, Lost] {
        let it = Troubled::open().await;
        it.faults.plan("append_audit", fault, 0, 1);
        it.frees("/payments", &it.order(), "unavailable").await;
        assert_eq!(it.count("/payments").await, 1);
    }
}

#[tokio::test]
async fn changes_of_settings_and_people_that_were_not_written_are_repeated() {
    for (fault, times, code) in [(Away, 1, "unavailable"), (Raced, 8, "busy")] {
        let it = Troubled::open().await;
        it.faults.plan("save_settings", fault, 0, times);
        it.frees("/resellers", &it.reseller(), code).await;
        assert_eq!(it.count("/resellers").await, 2);
    }
    for (fault, times, code) in [(Away, 1, "unavailable"), (Raced, 16, "busy")] {
        let it = Troubled::open().await;
        // The first save notes that the password was right.
        it.faults.plan("save_people", fault, 1, times);
        it.frees("/tokens", &token(), code).await;
        assert_eq!(it.count("/tokens").await, 1);
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_commit_keeps_the_key() {
    let it = Troubled::open().await;
    it.faults.plan("save_settings", Lost, 0, 1);
    it.keeps("/resellers", &it.reseller()).await;
    // Only its answer was lost.
    it.office.engine.reload_settings().await.expect("it reads");
    assert_eq!(it.count("/resellers").await, 2);

    let it = Troubled::open().await;
    it.faults.plan("save_people", Lost, 1, 1);
    it.keeps("/tokens", &token()).await;
    assert_eq!(it.count("/tokens").await, 1);

    let it = Troubled::open().await;
    it.faults.plan("begin_request", Lost, 0, 1);
    it.keeps("/tokens", &token()).await;
    assert_eq!(it.count("/tokens").await, 0);
}

#[tokio::test]
async fn what_fails_behind_a_commit_keeps_the_key() {
    // The settings are on disk and cannot be read again.
    let it = Troubled::open().await;
    it.faults.plan("settings", Away, 0, 1);
    it.keeps("/resellers", &it.reseller()).await;
    it.office.engine.reload_settings().await.expect("it reads");
    assert_eq!(it.count("/resellers").await, 2);

    // The payment is registered and cannot be shown.
    let it = Troubled::open().await;
    it.faults.plan("balances", Away, 0, 1);
    it.keeps("/payments", &it.order()).await;
    assert_eq!(it.count("/payments").await, 1);
}

#[tokio::test]
async fn what_fails_behind_an_exchange_keeps_the_key() {
    let it = Troubled::open().await;
    let id = it.registered().await;
    let (tries, wallet) = (format!("/payments/{id}/tries"), json!({"method": "wallet"}));
    it.faults.plan("balances", Away, 0, 1);
    it.keeps(&tries, &wallet).await;
    assert_eq!(it.charges.load(Ordering::SeqCst), 1);
    let shown = it.office.ask(&format!("GET /payments/{id}"));
    let shown = shown.token(&it.token).send().await.expect(200);
    assert_eq!(shown.body["operations"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_outcome_that_cannot_be_written_leaves_the_try_open_and_its_answer_is_kept() {
    let it = Troubled::open().await;
    let id = it.registered().await;
    let (tries, wallet) = (format!("/payments/{id}/tries"), json!({"method": "wallet"}));
    // The intent is written, and nothing that follows.
    it.faults.plan("save", Away, 1, 10);
    let first = it.post(&tries, "k", &wallet).await.expect(200);
    it.faults.expect_done();
    assert_eq!(first.text("/payment/status"), "processing");
    let again = it.post(&tries, "k", &wallet).await.expect(200);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.body, first.body);
    assert_eq!(it.charges.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_try_whose_intent_was_not_written_is_begun_by_the_repeat() {
    let it = Troubled::open().await;
    let id = it.registered().await;
    let (tries, wallet) = (format!("/payments/{id}/tries"), json!({"method": "wallet"}));
    it.faults.plan("save", Away, 0, 1);
    let first = it.post(&tries, "k", &wallet).await;
    first.expect_problem(503, "unavailable");
    assert_eq!(it.charges.load(Ordering::SeqCst), 0);
    it.post(&tries, "k", &wallet).await.expect(200);
    let third = it.post(&tries, "k", &wallet).await.expect(200);
    assert_eq!(third.headers["idempotency-replayed"], "true");
    assert_eq!(it.charges.load(Ordering::SeqCst), 1);
}
