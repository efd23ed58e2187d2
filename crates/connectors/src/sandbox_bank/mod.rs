//! The sandbox bank: cards, 3-D Secure 2, holds, refunds. Its contract is `docs/sandbox-bank.md`.
//!
//! Settings: `base_url` (without a trailing slash), `terminal_key`, and optionally
//! `not_found_final_after_ms` (30000 by the contract).

mod answer;
mod request;

use altyn_domain::{
    CardNumber, Connector, ConnectorError, ConnectorSettings, ExchangeRequest, HttpRequest,
    HttpResponse, NotFoundRule, Step,
};

/// By the contract the bank never starts work on a request that has been under way for longer.
const NOT_FOUND_FINAL_AFTER_MS: i64 = 30_000;

/// What a payment method gives.
const SETTINGS: &str = r#"[
  {"type": "string", "key": "base_url", "label": "Address of the bank", "required": true,
   "pattern": "^https?://[^\\s]+$", "max_length": 500},
  {"type": "password", "key": "terminal_key", "label": "Key of the terminal", "required": true,
   "max_length": 500}
]"#;

/// The connector of the sandbox bank.
#[derive(Debug, Clone, Copy)]
pub struct SandboxBank;

impl Connector for SandboxBank {
    fn name(&self) -> &'static str {
        "sandbox-bank"
    }

    fn settings_schema(&self) -> Option<&'static str> {
        Some(SETTINGS)
    }

    /// It takes one capture and releases the rest.
    fn keeps_rest(&self) -> bool {
        false
    }

    fn request(&self, exchange: &ExchangeRequest<'_>) -> Result<HttpRequest, ConnectorError> {
        request::request(exchange)
    }

    fn step(&self, exchange: &ExchangeRequest<'_>, response: &HttpResponse) -> Step {
        answer::step(exchange, response)
    }

    fn not_found_rule(&self, settings: &ConnectorSettings) -> NotFoundRule {
        let configured = settings.0.get("not_found_final_after_ms");
        let after_ms = configured.and_then(|text| text.parse().ok());
        NotFoundRule::FinalAfterMs(after_ms.unwrap_or(NOT_FOUND_FINAL_AFTER_MS))
    }

    fn enrollment_request(
        &self,
        settings: &ConnectorSettings,
        card: &CardNumber,
    ) -> Result<HttpRequest, ConnectorError> {
        request::enrollment(settings, card)
    }

    fn enrollment(&self, response: &HttpResponse) -> Option<(char, String, String)> {
        answer::enrollment(response)
    }
}
