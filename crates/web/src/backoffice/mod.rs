//! The back-office API, `/backoffice/v1/…`: what operators, merchants and customers do, and what their programs
//! do in their stead.
//!
//! Each end point is added together with the [`Rule`] of who may reach it, so none can be open by oversight;
//! the caller is known and allowed before a handler runs. What is in the caller's reach is the engine's
//! matter. Every answer is JSON, refusals are [`Problem`]s, nothing is cached by anybody.

/// Makes each of two structs out of the other, field by field: one of the API, one of the domain or the engine.
macro_rules! mirror {
    ($shape:ident, $inner:ident { $($field:ident),+ }) => {
        impl From<$inner> for $shape {
            fn from(inner: $inner) -> Self {
                Self { $($field: inner.$field.into()),+ }
            }
        }

        impl From<$shape> for $inner {
            fn from(shape: $shape) -> Self {
                Self { $($field: shape.$field.into()),+ }
            }
        }
    };
}

mod amounts;
mod attempts;
mod audit;
mod bearer;
mod codes;
mod connectors;
mod customers;
mod door;
mod endpoints;
mod etag;
mod extract;
mod form;
mod idempotency;
mod incidents;
mod instant;
mod invitations;
mod me;
mod methods;
mod openapi;
mod paging;
mod payment_shown;
mod payments;
mod people;
mod place;
mod problem;
mod projects;
mod reference;
mod reference_schemas;
mod routes;
mod shape;
mod tokens;
mod tree;
mod undoing;
mod users;
mod words;

use std::sync::{Arc, OnceLock};

use altyn_engine::Engine;
use axum::Router;
use axum::http::Method;

pub use bearer::Acting;
pub use codes::Code;
pub use door::OfficeDoor;
pub use etag::{IfMatch, Tagged};
pub use extract::{Body, Id, Ids, Query, id_in};
pub use instant::Instant;
pub use paging::{Page, PageQuery};
pub use place::{Place, PlaceKind};
pub use problem::{FieldError, Problem};
pub use routes::{Routes, Rule};
pub use words::{PermissionWord, RoleWord};

use attempts::Attempts;

/// Where all addresses of the API begin.
pub const PREFIX: &str = "/backoffice/v1";

/// Largest body, in bytes.
const BODY_MAX: usize = 64 * 1024;

struct Inner {
    engine: Engine,
    public_url: url::Url,
    is_demo: bool,
    /// Attempts to sign in, by address.
    attempts: Attempts,
    document: OnceLock<serde_json::Value>,
}

/// The back office of one installation. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct BackOffice(Arc<Inner>);

impl BackOffice {
    /// The back office under `public_url`, the address by which browsers reach the router.
    ///
    /// # Errors
    /// If that is not an address of the web.
    pub fn try_new(
        engine: Engine,
        public_url: &str,
        is_demo: bool,
    ) -> Result<Self, url::ParseError> {
        Ok(Self(Arc::new(Inner {
            engine,
            public_url: url::Url::parse(public_url)?,
            is_demo,
            attempts: Attempts::default(),
            document: OnceLock::new(),
        })))
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Whether this is a demo, with credentials that everybody may know.
    pub fn is_demo(&self) -> bool {
        self.0.is_demo
    }

    /// The address by which others reach us, without a slash at its end.
    pub fn public_url(&self) -> &str {
        self.0.public_url.as_str().trim_end_matches('/')
    }

    /// The path of [`public_url`](Self::public_url), before every address of our own.
    fn base(&self) -> &str {
        self.0.public_url.path().trim_end_matches('/')
    }

    /// Whether the session's cookie may travel in clear: only on one machine, or in a demo.
    fn is_cookie_in_clear(&self) -> bool {
        let is_loopback = match self.0.public_url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        self.0.public_url.scheme() == "http" && (is_loopback || self.0.is_demo)
    }

    fn attempts(&self) -> &Attempts {
        &self.0.attempts
    }

    /// The OpenAPI document.
    fn document(&self) -> &serde_json::Value {
        let made = || openapi::document(&all(), self.base());
        self.0.document.get_or_init(made)
    }
}

/// All end points. Each group of them is one file beside this one and adds itself here.
fn all() -> Routes {
    Routes::new()
        .merge(people::routes())
        .merge(me::routes())
        .merge(tokens::routes())
        .merge(users::routes())
        .merge(invitations::routes())
        .merge(audit::routes())
        .merge(payments::routes())
        .merge(undoing::routes())
        .merge(incidents::routes())
        .merge(customers::routes())
        .merge(tree::routes())
        .merge(projects::routes())
        .merge(endpoints::routes())
        .merge(connectors::routes())
        .merge(methods::routes())
        .merge(openapi::routes())
}

/// The API and its reference for people as a router.
pub fn router(office: BackOffice) -> Router {
    Router::new()
        .route(&format!("{PREFIX}/"), routes::nothing(office.clone()))
        .nest(PREFIX, all().into_router(office.clone()))
        .merge(reference::router(office))
}

/// All end points with who may reach them.
pub fn rules() -> Vec<(Method, String, Rule)> {
    all().rules()
}

/// The OpenAPI document of the API, as it is served at the root of an address.
pub fn openapi_document() -> serde_json::Value {
    openapi::document(&all(), "")
}
