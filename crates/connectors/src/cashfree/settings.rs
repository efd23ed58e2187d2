//! The settings of one payment method, read and checked.

use altyn_domain::{ConnectorError, ConnectorSettings, HttpMethod};

const API_VERSION: &str = "2026-01-01";
const WALLET: &str = "paytm";
const ORDER_MINUTES: i64 = 15;

/// Which interface of the partner is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    /// Forms.
    First,
    /// JSON.
    Second,
}

impl Generation {
    pub(super) fn read(settings: &ConnectorSettings) -> Result<Self, ConnectorError> {
        match settings.0.get("generation").map_or("2", String::as_str) {
            "1" => Ok(Self::First),
            "2" => Ok(Self::Second),
            _ => Err(ConnectorError::MissingSetting("generation")),
        }
    }
}

/// The settings; holds the secret, so it has no `Debug`.
pub(super) struct Settings<'a> {
    pub(super) generation: Generation,
    /// Without a trailing slash.
    pub(super) base_url: &'a str,
    pub(super) app_id: &'a str,
    pub(super) secret: &'a str,
    pub(super) api_version: &'a str,
    pub(super) wallet: &'a str,
    pub(super) order_minutes: i64,
    /// How payers are sent to a link.
    pub(super) link_method: HttpMethod,
}

impl<'a> Settings<'a> {
    pub(super) fn read(settings: &'a ConnectorSettings) -> Result<Self, ConnectorError> {
        let optional = |key: &str, default| {
            let value = settings.0.get(key).map(String::as_str);
            value.filter(|text| !text.is_empty()).unwrap_or(default)
        };
        let minutes = settings
            .0
            .get("order_minutes")
            .and_then(|text| text.parse().ok());
        Ok(Self {
            generation: Generation::read(settings)?,
            base_url: filled(settings, "base_url")?.trim_end_matches('/'),
            app_id: filled(settings, "app_id")?,
            secret: filled(settings, "secret")?,
            api_version: optional("api_version", API_VERSION),
            wallet: optional("wallet", WALLET),
            link_method: match optional("link_method", "GET") {
                "POST" => HttpMethod::Post,
                _ => HttpMethod::Get,
            },
            order_minutes: minutes
                .filter(|minutes| *minutes > 0)
                .unwrap_or(ORDER_MINUTES),
        })
    }
}

/// An empty key would make signatures that anybody can make, so empty is missing.
fn filled<'a>(
    settings: &'a ConnectorSettings,
    key: &'static str,
) -> Result<&'a str, ConnectorError> {
    match settings.require(key)? {
        "" => Err(ConnectorError::MissingSetting(key)),
        value => Ok(value),
    }
}
