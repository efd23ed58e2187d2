//! An installation with two resellers, three shops, and a gateway that does as it is told.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use altyn_domain::{
    Connector, ConnectorError, ConnectorSettings, Currency, Customer, CustomerId, DeclineCode,
    ExchangeKind, ExchangeRequest, Facts, HttpMethod, HttpRequest, HttpResponse, Language,
    MerchantId, MethodKind, Money, NotFoundRule, Notice, NoticeReading, NoticeRefusal,
    OperationKind, Outcome, PayerAction, PaymentId, PaymentMethod, ProjectId, ProjectSettings,
    Report, ResellerId, Role, Scope, Step, SurplusPolicy, Timestamp, UserId, Way,
};
use altyn_storage::AuditSearch;

use super::database::{Database, Kind};
use crate::office::{NewPayment, NextStep, PaymentCard, TryWish, Why};
use crate::settings::Edit;
use crate::{
    Caller, Clock, Engine, EngineConfig, EngineParts, Entropy, Merchant, NewProject, NoticeTaken,
    Reseller, Vault,
};

pub const PERIOD_MS: i64 = 600_000;

struct Hands {
    now_ms: AtomicI64,
    drawn: AtomicU64,
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        // No two instants are the same, as in life.
        let drawn = self.drawn.fetch_add(1, Ordering::SeqCst).cast_signed() % 900;
        let at = Timestamp::from_millis(self.now_ms.fetch_add(1, Ordering::SeqCst));
        Timestamp::from_micros(at.as_micros() + drawn)
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

/// What the gateway answers to what follows a payment.
#[derive(Debug, Default)]
pub struct Gateway(Mutex<Option<Outcome>>, AtomicBool);

impl Gateway {
    /// From now on refunds, captures and voids end so.
    pub fn answers(&self, outcome: Outcome) {
        *self.0.lock().unwrap() = Some(outcome);
    }

    /// From now on a capture releases what it leaves.
    pub fn gives_rest_back(&self) {
        self.1.store(true, Ordering::SeqCst);
    }
}

/// Its connector: sales wait for the payer, holds are made at once.
struct Obedient {
    gateway: Arc<Gateway>,
    url: String,
}

impl Connector for Obedient {
    fn name(&self) -> &'static str {
        "obedient"
    }

    fn keeps_rest(&self) -> bool {
        !self.gateway.1.load(Ordering::SeqCst)
    }

    fn request(&self, _: &ExchangeRequest<'_>) -> Result<HttpRequest, ConnectorError> {
        Ok(HttpRequest {
            method: HttpMethod::Post,
            url: self.url.clone(),
            headers: Vec::new(),
            body: Vec::new(),
        })
    }

    fn step(&self, exchange: &ExchangeRequest<'_>, _: &HttpResponse) -> Step {
        let told = self.gateway.0.lock().unwrap().clone();
        let outcome = match (exchange.operation.kind, exchange.kind) {
            (OperationKind::Sale, ExchangeKind::Begin { card: None, .. }) => {
                return Step::Report(Box::new(Report {
                    outcome: Outcome::Pending,
                    facts: Facts::default(),
                    action: Some(PayerAction::Redirect {
                        url: "https://wallet.example/pay".to_owned(),
                        method: HttpMethod::Get,
                        fields: BTreeMap::new(),
                    }),
                }));
            }
            (_, ExchangeKind::Enquire) => Outcome::Unknown,
            (OperationKind::Sale | OperationKind::Auth, _) => Outcome::Approved,
            _ => told.unwrap_or(Outcome::Approved),
        };
        Step::Report(Box::new(Report::bare(outcome)))
    }

    fn not_found_rule(&self, _: &ConnectorSettings) -> NotFoundRule {
        NotFoundRule::Never
    }

    fn read_notice(
        &self,
        exchange: &ExchangeRequest<'_>,
        notice: &Notice,
    ) -> Result<NoticeReading, NoticeRefusal> {
        let words = String::from_utf8_lossy(&notice.body).into_owned();
        let report = match words.split_once(' ') {
            Some(("declined", message)) => Report {
                outcome: Outcome::Declined(DeclineCode::InsufficientFunds),
                facts: Facts {
                    message: Some(message.to_owned()),
                    gateway_code: Some("51".to_owned()),
                    ..Facts::default()
                },
                action: None,
            },
            _ => Report::bare(Outcome::Approved),
        };
        let number = exchange.operation.number;
        Ok(NoticeReading::Report(number, Box::new(report)))
    }
}

async fn listening() -> String {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("it has one");
    let router = axum::Router::new().fallback(async || "");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/")
}

fn method(id: &str, kind: MethodKind) -> PaymentMethod {
    PaymentMethod {
        kind,
        title: if id == "wallet" { "Wallet" } else { "" }.to_owned(),
        processing_period_ms: PERIOD_MS,
        ..PaymentMethod::card(id, "obedient", ConnectorSettings::default())
    }
}

fn shop(slug: &str, surplus: SurplusPolicy) -> NewProject {
    NewProject {
        name: format!("Shop {slug}"),
        slug: slug.to_owned(),
        settings: ProjectSettings {
            default_currency: Currency::KZT,
            currencies: vec![Currency::KZT],
            language: Language::En,
            session_timeout_ms: 24 * 3_600_000,
            tries_max: 5,
            surplus,
            balances: true,
            endpoints: Vec::new(),
            dynamic_endpoint: None,
            methods: vec![
                method("card", MethodKind::Card),
                method("wallet", MethodKind::Wallet),
            ],
            keys: Vec::new(),
        },
    }
}

/// The installation.
pub struct Gate {
    pub engine: Engine,
    pub database: Database,
    pub gateway: Arc<Gateway>,
    hands: Arc<Hands>,
    /// The root reseller, one under it, and one beside that.
    pub root: ResellerId,
    pub east: ResellerId,
    pub west: ResellerId,
    pub merchant: MerchantId,
    /// In the east; a surplus is credited.
    pub shop: ProjectId,
    /// In the east, of the same merchant; a surplus waits for a person.
    pub manual: ProjectId,
    /// In the west.
    pub other: ProjectId,
}

impl Gate {
    pub async fn open(kind: Kind) -> Self {
        let database = Database::create(kind).await;
        let hands = Arc::new(Hands {
            now_ms: AtomicI64::new(1_795_305_600_000),
            drawn: AtomicU64::new(0),
        });
        let gateway = Arc::new(Gateway::default());
        let connector = Obedient {
            gateway: gateway.clone(),
            url: listening().await,
        };
        let engine = Engine::start(EngineParts {
            storage: database.open().await,
            clock: hands.clone(),
            entropy: hands.clone(),
            vault: Vault::try_new(&[7; Vault::KEY_LENGTH]).expect("a key"),
            config: EngineConfig {
                public_url: "https://gate.example/".to_owned(),
                ..EngineConfig::default()
            },
            connectors: vec![Arc::new(connector)],
            formats: Vec::new(),
        })
        .await
        .expect("it starts");
        Self::with_tree(engine, database, gateway, hands).await
    }

    async fn with_tree(
        engine: Engine,
        database: Database,
        gateway: Arc<Gateway>,
        hands: Arc<Hands>,
    ) -> Self {
        let now = engine.now();
        let reseller = |number: u64, parent| Reseller {
            id: ResellerId::new(now, altyn_domain::Bucket::new(0), number),
            parent,
            name: format!("Reseller {number}"),
            created_at: now,
        };
        let root = reseller(1, None);
        let (east, west) = (reseller(2, Some(root.id)), reseller(3, Some(root.id)));
        let merchant = |number: u64, reseller_id| Merchant {
            id: MerchantId::new(now, altyn_domain::Bucket::new(0), number),
            reseller_id,
            name: format!("Merchant {number}"),
            created_at: now,
        };
        let (here, there) = (merchant(4, east.id), merchant(5, west.id));
        let project = |new: NewProject, owner: MerchantId| {
            let made = engine.new_project_record(&new, Some(owner));
            made.expect("a project")
        };
        let credited = project(shop("east", SurplusPolicy::Balance), here.id);
        let manual = project(shop("manual", SurplusPolicy::Manual), here.id);
        let other = project(shop("west", SurplusPolicy::Balance), there.id);
        let sealer = engine.sealer();
        let mut entries = Vec::new();
        for one in [&root, &east, &west] {
            entries.push(one.entry(&sealer).expect("a row"));
        }
        for one in [&here, &there] {
            entries.push(one.entry(&sealer).expect("a row"));
        }
        let ids = (credited.id, manual.id, other.id);
        let projects = vec![credited, manual, other];
        let edited = engine
            .edit(|_| {
                let edit = Edit {
                    projects: projects.clone(),
                    entries: entries.clone(),
                    ..Edit::default()
                };
                Ok((edit, ()))
            })
            .await;
        edited.expect("it is saved");
        Self {
            database,
            gateway,
            hands,
            root: root.id,
            east: east.id,
            west: west.id,
            merchant: here.id,
            shop: ids.0,
            manual: ids.1,
            other: ids.2,
            engine,
        }
    }

    pub fn caller(&self, role: Role, scope: Scope) -> Caller {
        let number = self.hands.random();
        Caller {
            user_id: Some(UserId::new(
                self.engine.now(),
                altyn_domain::Bucket::new(0),
                number,
            )),
            name: format!("{}@altyn.example", role.word()),
            role,
            scope: Some(scope),
            ..Caller::command("")
        }
    }

    pub fn root_operator(&self) -> Caller {
        self.caller(Role::RootOperator, Scope::Reseller(self.root))
    }

    pub fn finance(&self) -> Caller {
        self.caller(Role::Finance, Scope::Merchant(self.merchant))
    }

    /// The customer that the shop calls so.
    pub fn customer(&self, reference: &str) -> Caller {
        let scope = Scope::Customer {
            project_id: self.shop,
            customer_id: CustomerId::of(self.shop, reference),
        };
        self.caller(Role::Customer, scope)
    }

    pub fn advance_ms(&self, millis: i64) {
        self.hands.now_ms.fetch_add(millis, Ordering::SeqCst);
    }

    /// Registers a payment of a customer, as the root operator.
    pub async fn registered(&self, project: ProjectId, reference: &str, minor: i64) -> PaymentCard {
        let caller = self.root_operator();
        let made = self
            .engine
            .office_register_payment(&caller, new_payment(project, reference, minor))
            .await;
        made.expect("it is registered")
    }

    /// Begins a try at the wallet, and returns its number.
    pub async fn begin(&self, caller: &Caller, id: PaymentId) -> u32 {
        let wish = TryWish {
            method: Some("wallet".to_owned()),
            from_balance: None,
        };
        let begun = self.engine.office_begin_try(caller, id, &wish).await;
        let begun = begun.expect("it begins");
        assert!(
            matches!(&begun.next, NextStep::Open { url, .. } if url == "https://wallet.example/pay"),
            "{:?}",
            begun.next
        );
        begun.operation.expect("it has a number")
    }

    /// The gateway tells the end of a try: `approved`, or `declined` and words.
    pub async fn told(&self, id: PaymentId, operation: u32, words: &str) {
        let notice = Notice {
            headers: Vec::new(),
            body: words.as_bytes().to_vec(),
            at: self.engine.now(),
        };
        let taken = self.engine.take_notice(id, operation, notice).await;
        assert_eq!(taken.expect("it is taken"), NoticeTaken::Taken, "{words}");
    }

    /// The processing period of a try is over.
    pub async fn period_over(&self, id: PaymentId, operation: u32) {
        self.advance_ms(PERIOD_MS + 1_000);
        let command = altyn_domain::Command::Fire(altyn_domain::FireTimer {
            payment_id: id,
            kind: altyn_domain::TimerKind::ProcessingPeriod,
            subject: operation,
        });
        let payment = self.engine.storage().payment_by_capability(id).await;
        let payment = payment.expect("it reads").expect("it is there");
        let owner = self
            .engine
            .owner_of(payment.project_id)
            .expect("it is there");
        let fired = self.engine.execute(&owner, command, None).await;
        fired.expect("it fires");
    }

    /// A payment that is paid twice: the second sum is a surplus. Returns the surplus try.
    pub async fn paid_twice(
        &self,
        project: ProjectId,
        reference: &str,
        minor: i64,
    ) -> (PaymentId, u32) {
        let caller = self.root_operator();
        let id = self.registered(project, reference, minor).await.line.id;
        let first = self.begin(&caller, id).await;
        self.period_over(id, first).await;
        let second = self.begin(&caller, id).await;
        self.told(id, first, "approved").await;
        self.told(id, second, "approved").await;
        (id, second)
    }

    /// The actions in the audit trail about this, oldest first.
    pub async fn trail(&self, subject: impl std::fmt::Display) -> Vec<String> {
        let search = AuditSearch {
            scopes: None,
            actor: None,
            action: None,
            after: None,
            limit: 500,
        };
        let found = self.engine.storage().audit_entries(&search).await;
        let subject = subject.to_string();
        let mut found = found.expect("it reads");
        found.retain(|entry| entry.subject == subject);
        found.into_iter().rev().map(|entry| entry.action).collect()
    }

    /// The books are right.
    pub async fn audit(&self) {
        let report = self.engine.audit().await.expect("the audit runs");
        assert_eq!(report.findings, [], "{}", self.engine.storage().name());
    }
}

pub fn new_payment(project: ProjectId, reference: &str, minor: i64) -> NewPayment {
    NewPayment {
        project_id: project,
        amount: kzt(minor),
        reference: Some(reference.to_owned()),
        description: Some("Tea".to_owned()),
        customer: Customer {
            id: Some("c-1".to_owned()),
            email: Some("payer@altyn.example".to_owned()),
            ..Customer::default()
        },
        way: Way::Purchase,
        language: None,
        return_url: Some("https://shop.example/done".to_owned()),
        expires_at: None,
        key: None,
    }
}

pub fn kzt(minor: i64) -> Money {
    Money::new(minor, Currency::KZT).expect("an amount")
}

pub fn why(key: Option<&str>) -> Why {
    Why {
        reason: "the payer asked for it".to_owned(),
        key: key.map(str::to_owned),
    }
}
