//! Remote connectors: a gateway that somebody adds in any language, over signed HTTP. The contract is
//! `docs/connector-protocol.md`.
//!
//! Settings: `base_url` (the connector's address, as it is; `https`, or `http` on this machine), `key` (one
//! key `whsec_…`, or two separated by a space while it is being replaced: both sign and verify),
//! and optionally `old_key_until_ms` (when the second of two keys ends), `settings` and `static` (JSON objects as texts, passed on as they are),
//! `not_found_final_after_ms` (what the connector's `describe` says; without it "not found" is never
//! believed, and never before a signature is stale), `allow_http` (`yes`: plain HTTP to another machine too).
//!
//! What must hold: an answer or callback counts only if it is signed by our key, not older than five
//! minutes, and about this very operation; an answer also only to this very request. Everything else is
//! unknown, never declined. No card data is ever sent.

mod answer;
pub mod decline;
pub mod description;
pub mod fault;
mod message;
mod notice;
mod settings;
pub mod signature;
pub mod state;

use altyn_domain::{
    Connector, ConnectorError, ConnectorSettings, Description, ExchangeRequest, HttpRequest,
    HttpResponse, MethodKind, NotDescribed, NotFoundRule, Notice, NoticeReading, NoticeRefusal,
    Step, Timestamp,
};

use message::Kind;
use settings::Settings;

/// The header that tells the version of the protocol; in requests, answers and callbacks.
pub const VERSION_HEADER: &str = "connector-protocol";

/// The version that is spoken.
pub const VERSION: &str = "1";

/// The connector of all gateways that speak our own protocol.
#[derive(Debug, Clone, Copy)]
pub struct Remote;

impl Connector for Remote {
    fn name(&self) -> &'static str {
        "remote"
    }

    fn wanted_headers(&self) -> &'static [&'static str] {
        &signature::HEADERS
    }

    fn method_kind(&self) -> MethodKind {
        MethodKind::Wallet
    }

    fn check_settings(&self, settings: &ConnectorSettings) -> Result<(), ConnectorError> {
        Settings::read(settings, Timestamp::from_millis(0)).map(drop)
    }

    fn describe(
        &self,
        settings: &ConnectorSettings,
        id: &str,
        at: Timestamp,
    ) -> Result<HttpRequest, ConnectorError> {
        message::describe(&Settings::read(settings, at)?, id, at)
    }

    fn description(
        &self,
        settings: &ConnectorSettings,
        id: &str,
        at: Timestamp,
        response: &HttpResponse,
    ) -> Result<Description, NotDescribed> {
        let settings = Settings::read(settings, at).map_err(|why| NotDescribed(why.to_string()))?;
        answer::description(&settings, id, at, response).map_err(NotDescribed)
    }

    fn request(&self, exchange: &ExchangeRequest<'_>) -> Result<HttpRequest, ConnectorError> {
        let settings = Settings::read(exchange.settings, exchange.at)?;
        message::request(exchange, &settings, Kind::of(exchange)?)
    }

    fn step(&self, exchange: &ExchangeRequest<'_>, response: &HttpResponse) -> Step {
        answer::step(exchange, response)
    }

    fn not_found_rule(&self, settings: &ConnectorSettings) -> NotFoundRule {
        let configured = settings.0.get("not_found_final_after_ms");
        let after_ms: Option<i64> = configured.and_then(|text| text.parse().ok());
        match after_ms.filter(|after_ms| *after_ms >= 0) {
            // What was promised before there was a least promise is kept longer than it was made for.
            Some(after_ms) => {
                NotFoundRule::FinalAfterMs(after_ms.max(description::NOT_FOUND_MIN_MS))
            }
            None => NotFoundRule::Never,
        }
    }

    fn read_notice(
        &self,
        exchange: &ExchangeRequest<'_>,
        notice: &Notice,
    ) -> Result<NoticeReading, NoticeRefusal> {
        notice::read(exchange, notice)
    }
}
