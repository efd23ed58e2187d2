//! An engine on a real database with people in its tree of owners, for tests of the back office's use cases.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use altyn_domain::{ResellerId, Role, Scope, Timestamp};
use altyn_engine::{
    AcceptInvitation, Caller, Clock, Engine, EngineConfig, EngineParts, Entropy, NewInvitation,
    PasswordChange, SignIn, Vault,
};
use altyn_storage::Storage;
use altyn_storage_postgres::{PostgresOptions, PostgresStorage};
use altyn_storage_sqlite::SqliteStorage;
use tempfile::TempDir;

use crate::database::TestDatabase;
use crate::gate::Database;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = since.expect("after 1970").as_micros();
        Timestamp::from_micros(i64::try_from(micros).expect("it fits"))
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

/// The engine, and its root operator.
pub struct Office {
    pub engine: Engine,
    pub root: Caller,
    pub root_reseller: ResellerId,
    _database: TestDatabase,
    _place: TempDir,
}

impl Office {
    pub async fn open(kind: Database) -> Self {
        let (database, place) = (
            TestDatabase::make(kind).await,
            tempfile::tempdir().expect("a place"),
        );
        let storage = storage(database.url.as_deref(), place.path()).await;
        let config = EngineConfig {
            second_factor_required: false,
            ..EngineConfig::default()
        };
        let engine = Engine::start(EngineParts {
            storage,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(CountingEntropy(1.into())),
            vault: Vault::try_new(&[7; Vault::KEY_LENGTH]).expect("a key"),
            config,
            connectors: altyn_connectors::all(),
            formats: Vec::new(),
        })
        .await
        .expect("the engine starts");
        let root = root_operator(&engine).await;
        let Some(Scope::Reseller(root_reseller)) = root.scope() else {
            panic!("the root operator stands at the root reseller");
        };
        Self {
            engine,
            root,
            root_reseller,
            _database: database,
            _place: place,
        }
    }

    /// A person with this role at this place.
    pub async fn person(&self, role: Role, scope: Scope) -> Caller {
        let email = format!(
            "{}-{}@altyn.example",
            role.word(),
            self.engine.now().as_micros()
        );
        let new = NewInvitation { email, role, scope };
        let (_, token) = self.engine.invite(&self.root, new).await.expect("invited");
        let accept = AcceptInvitation {
            token: token.expose().to_owned(),
            name: "Person".to_owned(),
            password: "eight tin kettles 7".to_owned(),
            address: HERE,
            agent: "test".to_owned(),
        };
        let accepted = self.engine.accept_invitation(accept).await;
        accepted.expect("let in").caller
    }
}

async fn storage(url: Option<&str>, place: &Path) -> Arc<dyn Storage> {
    match url {
        None => {
            let file = place.join("altyn.db");
            Arc::new(SqliteStorage::open(&file).expect("SQLite"))
        }
        Some(url) => {
            let storage = PostgresStorage::connect(url, PostgresOptions::default()).await;
            Arc::new(storage.expect("PostgreSQL"))
        }
    }
}

async fn root_operator(engine: &Engine) -> Caller {
    let email = "operator@altyn.example";
    let made = engine.create_root(email, "Operator", false).await;
    let (_, first) = made.expect("a root operator");
    let sign_in = SignIn {
        email: email.to_owned(),
        password: first.expose().to_owned(),
        code: None,
        address: HERE,
        agent: "test".to_owned(),
    };
    let signed_in = engine.sign_in(sign_in).await.expect("let in");
    let chosen = "seven copper kettles 9";
    let change = PasswordChange {
        old: first.expose(),
        new: chosen,
        end_tokens: false,
    };
    let changed = engine.change_password(&signed_in.caller, change);
    changed.await.expect("changed");
    let token = signed_in.token.expose().to_owned();
    let caller = engine.authenticate_bearer(&token, HERE).await;
    caller.expect("known")
}
