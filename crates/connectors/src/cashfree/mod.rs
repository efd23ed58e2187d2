//! Cashfree, the wallet partner for India: payments at the wallet's own page, and refunds. Rupees
//! only.
//!
//! Two generations of its interface are spoken: the first (`v1_*`: forms, credentials in the body,
//! one call makes a payment link) and the second (`pg_*`: JSON, an order with attempts). An
//! operation's name there is made by `id`; amounts go over the wire as exact decimals and never
//! through a float.
//!
//! Settings: `base_url` (the host, without a path), `app_id`, `secret`, and optionally `generation`
//! (`1` or `2`, which is the default), `api_version` (2026-01-01), `wallet` (paytm; generation 2
//! asks for one wallet by name), `order_minutes` (15; how long an order of generation 2 can be
//! paid), `link_method` (GET or POST: how payers are sent to a link of generation 2; shops that were
//! built for the first generation expect POST), and `not_found_final_after_ms` (60000 in generation 2;
//! in generation 1 such an answer is never believed unless this is set).
//!
//! The partner takes no order without a phone of ten digits (generation 1: a name and an e-mail
//! address too); for a payer whom the shop does not describe it is told 9999999999, `Customer` and
//! `no-reply@example.com`.
//!
//! What must hold: an approval only with an amount that could be read exactly; nothing is declined
//! for an answer that the contract does not know. Generation 2 closes an order before it tells of a
//! failed attempt, so a decline is told only when the order can no longer be paid. Generation 1
//! cannot close an order: there a failed transaction declines, and a success that comes after it is
//! a contradiction for a person.

mod amount;
mod deal;
mod id;
mod payer;
mod pg_answer;
mod pg_attempt;
mod pg_notice;
mod pg_request;
mod settings;
mod signature;
mod time;
mod v1_answer;
mod v1_notice;
mod v1_request;
mod wire;

use altyn_domain::{
    Connector, ConnectorError, ConnectorSettings, ExchangeRequest, HttpRequest, HttpResponse,
    MethodKind, NotFoundRule, Notice, NoticeReading, NoticeRefusal, Step,
};

use deal::Deal;
use settings::Generation;

/// After so long no request of generation 2 can still be under way.
const NOT_FOUND_FINAL_AFTER_MS: i64 = 60_000;

/// What a payment method gives.
const SETTINGS: &str = r#"[
  {"type": "string", "key": "base_url", "label": "Host of the partner", "required": true,
   "pattern": "^https?://[^\\s]+$", "max_length": 500,
   "help": "Without a path, such as https://api.cashfree.com"},
  {"type": "string", "key": "app_id", "label": "App id", "required": true, "max_length": 200},
  {"type": "password", "key": "secret", "label": "Secret key", "required": true, "max_length": 500},
  {"type": "select", "key": "generation", "label": "Interface", "default": "2", "options": [
    {"value": "1", "label": "First generation (forms)"},
    {"value": "2", "label": "Second generation (JSON)"}]},
  {"type": "string", "key": "api_version", "label": "Version of the interface", "max_length": 10,
   "pattern": "^\\d{4}-\\d{2}-\\d{2}$", "help": "Second generation only; 2026-01-01 unless given"},
  {"type": "string", "key": "wallet", "label": "Wallet", "max_length": 50, "pattern": "^[a-z0-9]+$",
   "help": "Second generation only; paytm unless given"},
  {"type": "string", "key": "order_minutes", "label": "Minutes in which an order can be paid",
   "pattern": "^[1-9]\\d{0,4}$", "help": "Second generation only; 15 unless given"},
  {"type": "radio", "key": "link_method", "label": "How payers are sent to a link", "default": "GET",
   "options": [{"value": "GET", "label": "GET"}, {"value": "POST", "label": "POST"}]}
]"#;

/// The connector of Cashfree.
#[derive(Debug, Clone, Copy)]
pub struct Cashfree;

impl Connector for Cashfree {
    fn name(&self) -> &'static str {
        "cashfree"
    }

    fn settings_schema(&self) -> Option<&'static str> {
        Some(SETTINGS)
    }

    fn method_kind(&self) -> MethodKind {
        MethodKind::Wallet
    }

    fn check_settings(&self, settings: &ConnectorSettings) -> Result<(), ConnectorError> {
        settings::Settings::read(settings).map(drop)
    }

    fn request(&self, exchange: &ExchangeRequest<'_>) -> Result<HttpRequest, ConnectorError> {
        let deal = Deal::read(exchange)?;
        match deal.settings.generation {
            Generation::First => v1_request::request(&deal),
            Generation::Second => pg_request::request(&deal),
        }
    }

    fn step(&self, exchange: &ExchangeRequest<'_>, response: &HttpResponse) -> Step {
        let Ok(deal) = Deal::read(exchange) else {
            return Step::unknown();
        };
        match deal.settings.generation {
            Generation::First => v1_answer::step(&deal, response),
            Generation::Second => pg_answer::step(&deal, response),
        }
    }

    fn not_found_rule(&self, settings: &ConnectorSettings) -> NotFoundRule {
        let configured = settings.0.get("not_found_final_after_ms");
        let after_ms = configured.and_then(|text| text.parse().ok());
        match (after_ms, Generation::read(settings)) {
            (Some(after_ms), _) => NotFoundRule::FinalAfterMs(after_ms),
            (None, Ok(Generation::Second)) => NotFoundRule::FinalAfterMs(NOT_FOUND_FINAL_AFTER_MS),
            (None, Ok(Generation::First) | Err(_)) => NotFoundRule::Never,
        }
    }

    fn read_notice(
        &self,
        exchange: &ExchangeRequest<'_>,
        notice: &Notice,
    ) -> Result<NoticeReading, NoticeRefusal> {
        let deal = Deal::read(exchange).map_err(|_| NoticeRefusal::Unsupported)?;
        match deal.settings.generation {
            Generation::First => v1_notice::read(&deal, notice),
            Generation::Second => pg_notice::read(&deal, notice),
        }
    }
}
