//! An engine on a real database, with a clock that the test moves: for what people do in the back office.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use altyn_domain::{Bucket, MerchantId, ResellerId, Role, Scope, Timestamp};
use altyn_engine::{
    AcceptInvitation, Caller, Clock, Engine, EngineConfig, EngineParts, Entropy, NewInvitation,
    OfficeError, PasswordChange, SignIn, SignInError, SignedIn, Vault,
};
use altyn_storage::{SettingsChange, SettingsEntry, SettingsKind, Storage};
use altyn_storage_postgres::{PostgresOptions, PostgresStorage};
use altyn_storage_sqlite::SqliteStorage;
use tempfile::TempDir;
use totp_rs::{Builder, Totp};

use crate::database::TestDatabase;
use crate::gate::Database;
use crate::wire::Wire;

pub const ROOT: &str = "operator@altyn.example";
pub const PASSWORD: &str = "seven horses 1";
pub const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// A clock that stands until it is moved.
pub struct MovedClock(AtomicI64);

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Different numbers in the same order in every run.
struct CountingEntropy(AtomicU64);

impl Entropy for CountingEntropy {
    fn random(&self) -> u64 {
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        // Near numbers give far ones (splitmix64).
        let mut mixed = count.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.random().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// The engine and what it stands on.
pub struct House {
    pub engine: Engine,
    pub storage: Arc<dyn Storage>,
    pub directory: TempDir,
    clock: Arc<MovedClock>,
    entropy: Arc<CountingEntropy>,
    database: TestDatabase,
}

/// A person who is let in, with everything that proves it.
pub struct Person {
    pub email: String,
    pub password: String,
    pub token: String,
    pub secret: String,
    pub recovery: Vec<String>,
}

fn vault() -> Vault {
    Vault::try_new(&[7; Vault::KEY_LENGTH]).expect("a key")
}

impl House {
    pub async fn build(kind: Database) -> Self {
        Self::build_with(kind, EngineConfig::default()).await
    }

    pub async fn build_with(kind: Database, config: EngineConfig) -> Self {
        let database = TestDatabase::make(kind).await;
        let url = database.url.clone();
        Self::build_on(database, url, config).await
    }

    /// On PostgreSQL, by a wire that counts the statements.
    pub async fn build_counted() -> (Self, Wire) {
        let database = TestDatabase::make(Database::Postgres).await;
        let wire = Wire::lay(database.url.as_deref().expect("an address")).await;
        let url = Some(wire.url.clone());
        let house = Self::build_on(database, url, EngineConfig::default()).await;
        (house, wire)
    }

    async fn build_on(database: TestDatabase, url: Option<String>, config: EngineConfig) -> Self {
        let directory = tempfile::tempdir().expect("a place");
        let storage: Arc<dyn Storage> = match &url {
            Some(url) => {
                let options = PostgresOptions::default();
                Arc::new(
                    PostgresStorage::connect(url, options)
                        .await
                        .expect("it opens"),
                )
            }
            None => Arc::new(SqliteStorage::open(file_of(&directory)).expect("it opens")),
        };
        let clock = Arc::new(MovedClock(1_795_000_000_000.into()));
        let entropy = Arc::new(CountingEntropy(1.into()));
        let engine = start(&storage, &clock, &entropy, config).await;
        Self {
            engine,
            storage,
            directory,
            clock,
            entropy,
            database,
        }
    }

    /// Another run of the program on the same database.
    pub async fn another_run(&self) -> Engine {
        let config = EngineConfig::default();
        start(&self.storage, &self.clock, &self.entropy, config).await
    }

    /// The SQLite file.
    pub fn file(&self) -> std::path::PathBuf {
        file_of(&self.directory)
    }

    pub fn advance(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How many random numbers were drawn; what is sealed draws some.
    pub fn draws(&self) -> u64 {
        self.entropy.0.load(Ordering::SeqCst)
    }

    /// Changes the own password to one that is chosen here.
    pub async fn change_password(
        &self,
        caller: &Caller,
        old: &str,
        new: &str,
    ) -> Result<(), OfficeError> {
        let end_tokens = false;
        let change = PasswordChange {
            old,
            new,
            end_tokens,
        };
        self.engine.change_password(caller, change).await
    }

    /// The code that an authenticator app shows now.
    pub fn code(&self, secret: &str) -> String {
        let seconds = u64::try_from(self.now().as_millis() / 1_000).expect("after 1970");
        totp(secret).generate(seconds).to_string()
    }

    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<SignedIn, SignInError> {
        let request = SignIn {
            email: email.to_owned(),
            password: password.to_owned(),
            code: code.map(str::to_owned),
            address: HOME,
            agent: "test".to_owned(),
        };
        self.engine.sign_in(request).await
    }

    /// A second session of this person; time moves to the next code.
    pub async fn again(&self, person: &Person) -> String {
        self.advance(30);
        let code = self.code(&person.secret);
        let signed_in = self.sign_in(&person.email, &person.password, Some(&code));
        signed_in.await.expect("let in").token.expose().to_owned()
    }

    pub async fn caller(&self, person: &Person) -> Caller {
        self.caller_by(&person.token).await.expect("let in")
    }

    pub async fn caller_by(&self, token: &str) -> Option<Caller> {
        self.engine.authenticate_bearer(token, HOME).await.ok()
    }

    /// The first root operator, with a second factor.
    pub async fn root(&self) -> Person {
        self.root_named(ROOT, false).await
    }

    pub async fn root_named(&self, email: &str, another: bool) -> Person {
        let made = self.engine.create_root(email, "Chief", another).await;
        let (_, first) = made.expect("a root operator");
        let signed_in = self.sign_in(email, first.expose(), None).await;
        let token = signed_in.expect("let in").token.expose().to_owned();
        let caller = self.caller_by(&token).await.expect("let in");
        let changed = self.change_password(&caller, first.expose(), PASSWORD);
        changed.await.expect("a password");
        self.enrolled(email, token).await
    }

    /// Sets up the second factor of a person who is let in.
    pub async fn enrolled(&self, email: &str, token: String) -> Person {
        let caller = self.caller_by(&token).await.expect("let in");
        let begun = self.engine.begin_second_factor(&caller, PASSWORD).await;
        let secret = begun.expect("begun").secret_base32;
        let code = self.code(&secret);
        let confirmed = self.engine.confirm_second_factor(&caller, &code);
        Person {
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
            token,
            recovery: confirmed.await.expect("confirmed"),
            secret,
        }
    }

    /// A person whom `inviter` invited, with a second factor.
    pub async fn invited(&self, inviter: &Person, email: &str, role: Role, scope: Scope) -> Person {
        let caller = self.caller(inviter).await;
        let new = NewInvitation {
            email: email.to_owned(),
            role,
            scope,
        };
        let (_, text) = self.engine.invite(&caller, new).await.expect("invited");
        let accepted = self
            .engine
            .accept_invitation(acceptance(text.expose()))
            .await;
        let token = accepted.expect("accepted").token.expose().to_owned();
        self.enrolled(email, token).await
    }

    /// Where the caller of this person stands.
    pub async fn scope(&self, person: &Person) -> Scope {
        self.caller(person).await.scope().expect("a place")
    }

    /// A merchant of a new reseller below the root.
    pub async fn branch(&self, root: &Person, number: u64) -> (ResellerId, MerchantId) {
        let Scope::Reseller(top) = self.scope(root).await else {
            panic!("the root stands at a reseller");
        };
        let bucket = Bucket::new(0);
        let reseller = ResellerId::new(self.now(), bucket, number * 2);
        let merchant = MerchantId::new(self.now(), bucket, number * 2 + 1);
        let entry = |kind, id: uuid::Uuid, parent| SettingsEntry {
            kind,
            id,
            parent: Some(parent),
            body: vault()
                .seal(r#"{"name":"Branch"}"#, id.as_bytes(), self.entropy.as_ref())
                .expect("sealed"),
            created_at: self.now(),
            archived_at: None,
        };
        let change = SettingsChange {
            entries: vec![
                entry(SettingsKind::Reseller, reseller.uuid(), top.uuid()),
                entry(SettingsKind::Merchant, merchant.uuid(), reseller.uuid()),
            ],
            ..SettingsChange::default()
        };
        let saved = self.storage.save_settings(&change).await;
        saved.expect("a branch");
        self.engine.refresh_settings().await.expect("settings");
        (reseller, merchant)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.database.drop_it();
    }
}

fn file_of(directory: &TempDir) -> std::path::PathBuf {
    directory.path().join("altyn.db")
}

async fn start(
    storage: &Arc<dyn Storage>,
    clock: &Arc<MovedClock>,
    entropy: &Arc<CountingEntropy>,
    config: EngineConfig,
) -> Engine {
    let parts = EngineParts {
        storage: storage.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        vault: vault(),
        config,
        connectors: Vec::new(),
        formats: Vec::new(),
    };
    Engine::start(parts).await.expect("the engine starts")
}

pub fn acceptance(text: &str) -> AcceptInvitation {
    AcceptInvitation {
        token: text.to_owned(),
        name: "Colleague".to_owned(),
        password: PASSWORD.to_owned(),
        address: HOME,
        agent: "test".to_owned(),
    }
}

fn totp(secret: &str) -> Totp {
    let secret = totp_rs::Secret::try_from_base32(secret).expect("base 32");
    let built = Builder::new().with_secret(secret).build();
    built.expect("a second factor")
}
