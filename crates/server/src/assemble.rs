//! Wiring: one engine, its dialects, pages and operations' end points as one router.

use std::sync::Arc;

use altyn_dialects::ecommpay::{Ecommpay, EcommpayCallbackFormat};
use altyn_dialects::rbs::{Rbs, RbsCallbackFormat};
use altyn_engine::{Clock, Engine, EngineConfig, EngineError, EngineParts, Entropy, Vault};
use altyn_storage::Storage;
use altyn_web::backoffice::{BackOffice, OfficeDoor};
use altyn_web::checkout::{Checkout, Door};
use axum::Router;

use crate::operations::{self, Operations};

/// What the program is made of.
pub struct Parts {
    /// The database.
    pub storage: Arc<dyn Storage>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The installation's key.
    pub vault: Vault,
    /// Limits.
    pub config: EngineConfig,
}

/// Starts the engine with all connectors and callback formats.
pub async fn engine(parts: Parts) -> anyhow::Result<Engine> {
    let engine = Engine::start(EngineParts {
        storage: parts.storage,
        clock: parts.clock,
        entropy: parts.entropy,
        vault: parts.vault,
        config: parts.config,
        connectors: altyn_connectors::all(),
        formats: vec![
            Arc::new(RbsCallbackFormat),
            Arc::new(EcommpayCallbackFormat),
        ],
    })
    .await;
    // Whoever starts the program may read what is hidden from callers.
    engine.map_err(|error| match error {
        EngineError::Fault(what) => anyhow::anyhow!(what),
        other => other.into(),
    })
}

/// Everything that is served, as one router.
pub fn router(
    engine: &Engine,
    public_url: &str,
    office: BackOffice,
    operations: Operations,
) -> Router {
    let checkout = Checkout::new(engine.clone(), public_url.to_owned(), Vec::new());
    let rbs = Rbs::new(engine.clone(), public_url.to_owned(), checkout.clone());
    let ecommpay = Ecommpay::new(engine.clone(), checkout.clone());
    let doors: Vec<Arc<dyn Door>> = vec![
        Arc::new(rbs.clone()),
        Arc::new(ecommpay.clone()),
        Arc::new(OfficeDoor),
    ];
    checkout.set_doors(doors);
    Router::new()
        .merge(altyn_dialects::rbs::router(rbs))
        .merge(altyn_dialects::ecommpay::router(ecommpay))
        .merge(altyn_web::checkout::router(checkout))
        .merge(altyn_web::notices::router(engine.clone()))
        .merge(altyn_web::backoffice::router(office))
        .merge(operations::router(operations))
}
