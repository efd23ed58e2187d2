//! The ECommPay dialect: Payment Page, Gate, callbacks, Data API.
//!
//! The wire is a contract with clients that exist and cannot be changed: they come here after a change
//! of host, project id and key. Every message in and out is signed in the same way. What is signed is
//! what is read: one parse serves both, a name that comes twice in an object is refused, and numbers
//! keep the text in which they came.

mod answer;
mod callback;
mod codes;
mod dates;
#[cfg(test)]
mod delivered;
#[cfg(test)]
mod documented;
mod extra;
mod gate;
mod ids;
mod info;
mod lead;
mod lines;
mod members;
mod objects;
mod order;
mod page;
#[cfg(test)]
mod properties;
mod request;
mod sale;
#[cfg(test)]
mod samples;
mod schedule;
pub mod signature;
mod signed_json;
#[cfg(test)]
mod standings;
mod status;
mod threeds;
mod undo;
#[cfg(test)]
mod vectors;
mod view;

use std::sync::Arc;
use std::time::Duration;

use altyn_domain::{Language, Payment};
use altyn_engine::Engine;
use altyn_web::checkout::{self, Checkout, Manner};
use axum::Router;
use axum::routing::any;

use extra::Extra;

pub use callback::{EcommpayCallbackFormat, public_url_parameter};
pub use codes::{Code, ProviderKind, code_of};
pub use signed_json::{Json, SignedJson, Text, Unreadable};

/// The name of this dialect in keys, payments and references.
pub const DIALECT: &str = "ecommpay";

/// Limits of this dialect.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest body of a request, in bytes.
    pub body_max: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_max: 64 * 1024,
            body_timeout: Duration::from_secs(30),
        }
    }
}

struct Inner {
    engine: Engine,
    checkout: Checkout,
    limits: Limits,
}

/// The dialect of one installation. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Ecommpay(Arc<Inner>);

impl Ecommpay {
    /// The dialect, whose payers are led by `checkout`.
    pub fn new(engine: Engine, checkout: Checkout) -> Self {
        Self::with_limits(engine, checkout, Limits::default())
    }

    /// The same with other limits.
    pub fn with_limits(engine: Engine, checkout: Checkout, limits: Limits) -> Self {
        Self(Arc::new(Inner {
            engine,
            checkout,
            limits,
        }))
    }

    fn engine(&self) -> &Engine {
        &self.0.engine
    }

    fn checkout(&self) -> &Checkout {
        &self.0.checkout
    }

    fn limits(&self) -> Limits {
        self.0.limits
    }
}

impl checkout::Door for Ecommpay {
    fn dialect(&self) -> &'static str {
        DIALECT
    }

    fn return_url(&self, payment: &Payment, language: Language) -> Option<String> {
        match Extra::of(payment).door {
            extra::Door::Gate => sale::return_url(payment),
            extra::Door::Page => page::return_url(payment, language),
        }
    }

    fn manner(&self, payment: &Payment, language: Language) -> Manner {
        match Extra::of(payment).door {
            extra::Door::Gate => Manner::default(),
            extra::Door::Page => page::manner(self, payment, language),
        }
    }
}

/// The addresses of the dialect: the Payment Page at `/payment`, the Gate under `/v2/…`.
pub fn router(ecommpay: Ecommpay) -> Router {
    page::routes(ecommpay.limits().body_max)
        .route("/v2/{*path}", any(gate::entry))
        .with_state(ecommpay)
}
