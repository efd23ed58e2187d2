//! The register.do dialect, spoken by the e-commerce gateways of Bereke, Sber, Alfa and many more banks.
//!
//! The wire is a contract with clients that exist and cannot be changed: spelling, letter case, JSON
//! types and codes are exact. Business errors have status 200 and a code; a success of registration has
//! no code at all. What of the family this gateway does not have is answered as such, in the
//! method's own shape, with code 7: saved cards, wallets, recurrent, instant and mail-order payments,
//! instalments, templates, fiscal receipts, QR. A call whose end is not known is told "in progress",
//! code 7: never success, never a refusal.
//!
//! Card data passes through here on its way to the engine and is wiped; it is never printed.

mod action_code;
mod answer;
mod auth;
mod bindings;
mod bundle;
mod callback;
mod card;
mod dates;
mod enrollment;
mod error;
mod fields;
mod list;
mod messages;
mod method;
mod order;
mod order_status;
mod page;
mod pay;
mod register;
mod request;
#[cfg(test)]
mod samples;
pub mod signature;
mod status;
mod undo;

use std::sync::Arc;
use std::time::Duration;

use altyn_domain::{Language, Payment};
use altyn_engine::{Engine, Owner};
use altyn_web::checkout::{self, Checkout, Door};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method as HttpVerb, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use zeroize::Zeroizing;

pub use callback::RbsCallbackFormat;

use crate::intake;

use error::Fault;
use messages::Message;
use method::Method;
use request::Params;

/// The name of this dialect in credentials, payments and references.
pub const DIALECT: &str = "rbs";

/// Limits and choices of this dialect.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest body of a request, and largest query, in bytes.
    pub body_max: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// Whether each order must come with the shop's own number; else one is made for it.
    pub order_number_required: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_max: 64 * 1024,
            body_timeout: Duration::from_secs(30),
            order_number_required: false,
        }
    }
}

struct Inner {
    engine: Engine,
    public_url: String,
    checkout: Checkout,
    limits: Limits,
}

/// The dialect of one installation. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Rbs(Arc<Inner>);

impl Rbs {
    /// The dialect at `public_url`, the address under which shops and payers reach the router.
    pub fn new(engine: Engine, public_url: String, checkout: Checkout) -> Self {
        Self::with_limits(engine, public_url, checkout, Limits::default())
    }

    /// The same with other limits.
    pub fn with_limits(
        engine: Engine,
        public_url: String,
        checkout: Checkout,
        limits: Limits,
    ) -> Self {
        let public_url = public_url.trim_end_matches('/').to_owned();
        Self(Arc::new(Inner {
            engine,
            public_url,
            checkout,
            limits,
        }))
    }

    fn engine(&self) -> &Engine {
        &self.0.engine
    }

    fn public_url(&self) -> &str {
        &self.0.public_url
    }

    fn checkout(&self) -> &Checkout {
        &self.0.checkout
    }

    fn limits(&self) -> Limits {
        self.0.limits
    }
}

impl Door for Rbs {
    fn dialect(&self) -> &'static str {
        DIALECT
    }

    fn return_url(&self, payment: &Payment, language: Language) -> Option<String> {
        page::return_url(payment, language)
    }
}

/// The addresses of the dialect, from `/payment/…` on.
pub fn router(rbs: Rbs) -> Router {
    let pages = get(page::open).layer(checkout::compression());
    Router::new()
        .route("/payment/merchants/{*path}", pages)
        .route("/payment/{*path}", any(entry))
        .with_state(rbs)
}

/// One call of a shop that has been let in.
struct Call {
    rbs: Rbs,
    owner: Owner,
    params: Params,
    language: Language,
}

/// Every method comes in here: read, let in, carried out, told.
async fn entry(State(rbs): State<Rbs>, request: Request) -> Response {
    let Some(method) = Method::of_path(request.uri().path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if !matches!(*request.method(), HttpVerb::GET | HttpVerb::POST) {
        return (
            StatusCode::METHOD_NOT_ALLOWED,
            [(header::ALLOW, "GET, POST")],
        )
            .into_response();
    }
    let address = intake::address_of(&request);
    let params = match read(request, rbs.limits()).await {
        Ok(params) => params,
        Err(status) => return status.into_response(),
    };
    let wanted = params.text("language").map(Language::parse);
    // Before anybody is known nobody's language is: then English.
    let stranger = wanted.flatten().unwrap_or(Language::En);
    let shape = method.shape();
    let Some(access) = method.access(&params) else {
        let fault = Fault::of("7", Message::Unsupported, method.name());
        return answer::fault(&fault, shape, stranger);
    };
    let owner = match auth::authenticate(rbs.engine(), &params, address, access) {
        Ok(owner) => owner,
        Err(fault) => return answer::fault(&fault, shape, stranger),
    };
    let default = owner.project().settings.language;
    let language = wanted.flatten().unwrap_or(default);
    if wanted == Some(None) {
        let fault = Fault::new("5", Message::LanguageInvalid);
        return answer::fault(&fault, shape, language);
    }
    let call = Call {
        rbs,
        owner,
        params,
        language,
    };
    match carry_out(method, &call).await {
        Ok(response) => response,
        Err(fault) => answer::fault(&fault, shape, language),
    }
}

async fn carry_out(method: Method, call: &Call) -> Result<Response, Fault> {
    auth::check_merchant_login(&call.owner, &call.params)?;
    fields::refuse_markup(&call.params)?;
    match method {
        Method::Register => register::register(call, false).await,
        Method::RegisterPreAuth => register::register(call, true).await,
        Method::StatusExtended => status::extended(call).await,
        Method::Status => status::legacy(call).await,
        Method::Deposit => undo::deposit(call).await,
        Method::Reverse => undo::reverse(call).await,
        Method::Refund => undo::refund(call).await,
        Method::Decline => undo::decline(call).await,
        Method::LastOrders => list::last_orders(call).await,
        Method::PaymentOrder => pay::payment_order(call).await,
        Method::VerifyEnrollment => enrollment::verify(call).await,
        Method::Bindings => bindings::list(call),
        Method::BindingsByCard => Ok(bindings::none(call)),
        Method::BindingChange => bindings::change(call),
        Method::Unsupported(name)
        | Method::UnsupportedWallet(name)
        | Method::UnsupportedPage(name) => Err(Fault::of("7", Message::Unsupported, name)),
    }
}

async fn read(request: Request, limits: Limits) -> Result<Params, StatusCode> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    if query.len() > limits.body_max {
        return Err(StatusCode::URI_TOO_LONG);
    }
    let reading = intake::collect(request.into_body(), limits.body_max);
    let body = tokio::time::timeout(limits.body_timeout, reading).await;
    let body = body.map_err(|_| StatusCode::REQUEST_TIMEOUT)??;
    let query = Zeroizing::new(query);
    Params::read(&query, &body).map_err(|_| StatusCode::BAD_REQUEST)
}
