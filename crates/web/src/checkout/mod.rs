//! Hosted Checkout: the page where a payer pays one order, by card or at a wallet's own page.
//!
//! The id in the address is the capability; there are no cookies and no sessions, so nothing is lost
//! when the issuer's page comes back by a cross-site POST. A payer always sees the present
//! standing of the payment, whatever was clicked: each POST ends in a redirect to it, each GET renders
//! it. Where a payer goes back to is known by the [`Door`] of the dialect that registered the payment
//! and by nothing in the request.

mod amount;
mod assets;
mod bill;
mod card_form;
mod draft;
#[cfg(test)]
mod gallery;
mod handlers;
mod headers;
mod manner;
mod pages;
mod paying;
mod standing;
mod steps;
mod visit;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use altyn_domain::{BrowserFacts, Language, Payment, PaymentId};
use altyn_engine::Engine;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::Response;
use axum::routing::{get, post};
use tower_http::compression::CompressionLayer;

pub use draft::{
    Asking, Draft, PaymentForm, Refused, draft, pay_draft, refused, registered, trouble,
};
pub use manner::{FrameMode, InFrame, Leave, LeaveTo, Manner};

/// Largest body a payer's browser or an issuer's page may post, in bytes.
const BODY_MAX: usize = 64 * 1024;

/// What Checkout must know of a dialect.
pub trait Door: Send + Sync {
    /// The dialect, as [`Payment::dialect`] names it.
    fn dialect(&self) -> &'static str;

    /// Where the payer goes back to the shop; `None` if the shop named no place.
    fn return_url(&self, payment: &Payment, language: Language) -> Option<String>;

    /// What the dialect wishes of the payment's page.
    fn manner(&self, _payment: &Payment, _language: Language) -> Manner {
        Manner::default()
    }
}

struct Inner {
    engine: Engine,
    public_url: String,
    /// The path of `public_url`, before every address of our own.
    base: String,
    doors: RwLock<HashMap<&'static str, Arc<dyn Door>>>,
}

/// The Checkout page of one installation. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Checkout(Arc<Inner>);

impl Checkout {
    /// Checkout at `public_url`, the address under which payers and issuers' pages reach the router.
    pub fn new(engine: Engine, public_url: String, doors: Vec<Arc<dyn Door>>) -> Self {
        let public_url = public_url.trim_end_matches('/').to_owned();
        let base = url::Url::parse(&public_url)
            .map(|url| url.path().trim_end_matches('/').to_owned())
            .unwrap_or_default();
        let checkout = Self(Arc::new(Inner {
            engine,
            public_url,
            base,
            doors: RwLock::default(),
        }));
        checkout.set_doors(doors);
        checkout
    }

    /// Adds doors later: a dialect is made with a `Checkout` in hand. One of the same dialect is replaced.
    pub fn set_doors(&self, doors: Vec<Arc<dyn Door>>) {
        let mut known = self.0.doors.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(doors.into_iter().map(|door| (door.dialect(), door)));
    }

    /// The address of the payment's page at this installation.
    pub fn url(&self, payment: PaymentId) -> String {
        format!("{}/checkout/{}", self.0.public_url, payment.uuid())
    }

    /// The browser of a payer whose card came in through a dialect: for 3-D Secure it comes here.
    pub fn browser(&self, payment: PaymentId, language: Language) -> BrowserFacts {
        let page = self.url(payment);
        BrowserFacts {
            notification_url: format!("{page}/3ds/return"),
            method_notification_url: format!("{page}/3ds/method"),
            method_supported: true,
            language: language.code(),
        }
    }

    fn engine(&self) -> &Engine {
        &self.0.engine
    }

    fn base(&self) -> &str {
        &self.0.base
    }

    fn public_url(&self) -> &str {
        &self.0.public_url
    }

    fn door(&self, payment: &Payment) -> Option<Arc<dyn Door>> {
        let doors = self.0.doors.read().unwrap_or_else(PoisonError::into_inner);
        doors.get(payment.dialect.as_str()).cloned()
    }

    /// Where the payer goes back to the shop: an address of the web, or nothing.
    fn return_url(&self, payment: &Payment, language: Language) -> Option<url::Url> {
        let url = self.door(payment)?.return_url(payment, language)?;
        let url = url::Url::parse(&url).ok()?;
        matches!(url.scheme(), "http" | "https").then_some(url)
    }

    /// The host of [`return_url`](Self::return_url), as an address writes it.
    fn host_of_return(&self, payment: &Payment, language: Language) -> Option<String> {
        let url = self.return_url(payment, language)?;
        url.host_str().map(str::to_owned)
    }

    fn manner(&self, payment: &Payment, language: Language) -> Manner {
        let door = self.door(payment);
        door.map(|door| door.manner(payment, language))
            .unwrap_or_default()
    }
}

/// How a dialect's own payment page is asked for.
#[derive(Debug, Clone, Default)]
pub struct OpenRequest {
    /// The payment, as far as the address names one.
    pub payment_id: Option<PaymentId>,
    /// The language that the address names.
    pub language: Option<Language>,
    /// The browser's `Accept-Language`.
    pub accept_language: Option<String>,
}

/// Renders the payment's page at a dialect's own address. An unknown payment gets the same page as a
/// malformed id.
pub async fn open(checkout: &Checkout, request: OpenRequest) -> Response {
    handlers::front(checkout, request).await
}

/// Compresses pages for browsers that take gzip. [`router`] has it inside; put it over a dialect's
/// payment-page route too.
pub fn compression() -> CompressionLayer {
    CompressionLayer::new().gzip(true)
}

/// The addresses of Checkout, from `/checkout/…` on, and of the widget under `/shared/…`.
pub fn router(checkout: Checkout) -> Router {
    Router::new()
        .route("/checkout/assets/{name}", get(assets::serve))
        .route("/shared/{name}", get(assets::shared))
        .route("/checkout/{id}", get(handlers::page))
        .route("/checkout/{id}/pay", post(paying::pay).get(handlers::page))
        .route("/checkout/{id}/state", get(handlers::state))
        .route("/checkout/{id}/result", get(handlers::result))
        .route("/checkout/{id}/return", get(handlers::back_to_shop))
        .route(
            "/checkout/{id}/back",
            get(handlers::back_from_gateway).post(handlers::back_from_gateway),
        )
        .route("/checkout/{id}/go", get(handlers::away))
        .route("/checkout/{id}/3ds", get(steps::page))
        .route("/checkout/{id}/3ds/method", post(steps::method_frame))
        .route("/checkout/{id}/3ds/method-done", post(steps::method_done))
        .route(
            "/checkout/{id}/3ds/return",
            post(steps::challenge_return).get(steps::page),
        )
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(compression())
        .with_state(checkout)
}
