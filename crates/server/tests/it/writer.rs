//! The writer on a real database: one bad command harms no other (the third trap of batching).

use std::sync::Arc;

use altyn_domain::{
    Currency, Language, Money, Order, ProjectSettings, SurplusPolicy, Timestamp, Way,
};
use altyn_engine::{
    Clock, Engine, EngineConfig, EngineError, EngineParts, Entropy, NewCredential, NewProject,
    Owner, Registration, Vault,
};
use altyn_storage_postgres::{PostgresOptions, PostgresStorage};
use futures::future::join_all;

use crate::database::TestDatabase;
use crate::gate::Database;

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000)
    }
}

/// Different numbers in the same order in every run.
struct CountingEntropy(std::sync::atomic::AtomicU64);

impl Entropy for CountingEntropy {
    fn random(&self) -> u64 {
        let count = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        count.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.random().to_le_bytes()[..chunk.len()]);
        }
    }
}

async fn engine(url: &str) -> (Engine, Owner) {
    let options = PostgresOptions::default();
    let storage = PostgresStorage::connect(url, options)
        .await
        .expect("PostgreSQL");
    let engine = Engine::start(EngineParts {
        storage: Arc::new(storage),
        clock: Arc::new(FixedClock),
        entropy: Arc::new(CountingEntropy(1.into())),
        vault: Vault::try_new(&[7; Vault::KEY_LENGTH]).expect("a key"),
        config: EngineConfig::default(),
        connectors: Vec::new(),
        formats: Vec::new(),
    })
    .await
    .expect("the engine starts");
    let settings = ProjectSettings {
        default_currency: Currency::KZT,
        currencies: vec![Currency::KZT],
        language: Language::En,
        session_timeout_ms: 60_000,
        tries_max: 3,
        surplus: SurplusPolicy::Return,
        balances: false,
        endpoints: Vec::new(),
        dynamic_endpoint: None,
        methods: Vec::new(),
        keys: Vec::new(),
    };
    let new = NewProject {
        name: "Shop".to_owned(),
        slug: "shop".to_owned(),
        settings,
    };
    let project = engine.create_project(new).await.expect("a project");
    let login = Some("shop-api".to_owned());
    let credential = NewCredential {
        dialect: "rbs".to_owned(),
        login,
        allow_list: Vec::new(),
    };
    let secret = engine
        .create_credential(project, credential)
        .await
        .expect("a credential");
    let address = std::net::IpAddr::from([127, 0, 0, 1]);
    let owner = engine.authenticate_password("rbs", "shop-api", secret.expose(), address);
    (engine, owner.expect("let in"))
}

fn registration(number: usize) -> Registration {
    // PostgreSQL refuses a text with a zero byte, which no dialect would let through.
    let reference = if number == 17 {
        "bad\0row".to_owned()
    } else {
        format!("W-{number}")
    };
    Registration {
        dialect: "rbs",
        way: Way::Purchase,
        amount: Money::new(100, Currency::KZT).expect("an amount"),
        expires_at: None,
        auto_capture_at: None,
        auto_void_at: None,
        order: Order {
            reference,
            ..Order::default()
        },
        reference_key: None,
        tries_max: None,
    }
}

#[tokio::test]
async fn one_bad_row_fails_alone() {
    let database = TestDatabase::make(Database::Postgres).await;
    let (engine, owner) = engine(database.url.as_deref().expect("an address")).await;
    let answers = join_all((0..64).map(|n| engine.register(&owner, registration(n)))).await;
    for (number, answer) in answers.iter().enumerate() {
        match answer {
            Ok(answer) => assert_eq!(answer.payment.order.reference, format!("W-{number}")),
            Err(EngineError::Fault(_)) => assert_eq!(number, 17),
            Err(other) => panic!("{number}: {other}"),
        }
    }
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 1);
    let report = engine.audit().await.expect("the audit runs");
    assert_eq!((report.payments, report.findings.len()), (63, 0));
}
