//! The settings of one payment method, read and checked.

use std::net::{Ipv4Addr, Ipv6Addr};

use altyn_domain::{ConnectorError, ConnectorSettings, Timestamp};
use serde_json::Value;
use serde_json::value::RawValue;

use super::signature::Keys;

/// The settings; holds the keys, so it has no `Debug`.
pub(super) struct Settings<'a> {
    pub(super) base_url: &'a str,
    pub(super) keys: Keys,
    /// The payment method's own values: a JSON object, as it was written.
    pub(super) own: &'a RawValue,
    /// The values common to all payment methods of the connector: the same.
    pub(super) common: &'a RawValue,
}

impl<'a> Settings<'a> {
    /// The settings as they hold at that time: a key that is being replaced ends.
    pub(super) fn read(
        settings: &'a ConnectorSettings,
        at: Timestamp,
    ) -> Result<Self, ConnectorError> {
        let base_url = settings.require("base_url")?;
        let plain_allowed = settings.0.get("allow_http").map(String::as_str) == Some("yes");
        if !may_be_called(base_url, plain_allowed) {
            return Err(ConnectorError::MissingSetting("base_url"));
        }
        let keys = Keys::parse(settings.require("key")?);
        let mut keys = keys.ok_or(ConnectorError::MissingSetting("key"))?;
        if let Some(until) = settings.0.get("old_key_until_ms") {
            let until_ms: i64 = until
                .parse()
                .map_err(|_| ConnectorError::MissingSetting("old_key_until_ms"))?;
            if at.as_millis() >= until_ms {
                keys = keys.newest();
            }
        }
        Ok(Self {
            base_url,
            keys,
            own: object(settings, "settings")?,
            common: object(settings, "static")?,
        })
    }
}

impl Settings<'_> {
    /// The text without the values of the settings: a connector may repeat them, and any may be a secret.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut values = Vec::new();
        for object in [self.own, self.common] {
            if let Ok(value) = serde_json::from_str(object.get()) {
                collect(&value, &mut values);
            }
        }
        // A value may hold a shorter one.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        let hidden = |text: String, value: &String| text.replace(value.as_str(), "***");
        values.iter().fold(text.to_owned(), hidden)
    }
}

/// The shortest value that is hidden: shorter ones are no secrets, and parts of many words.
const HIDDEN_MIN: usize = 4;

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() >= HIDDEN_MIN => found.push(text.clone()),
        Value::Number(number) => {
            let text = number.to_string();
            found.extend((text.len() >= HIDDEN_MIN).then_some(text));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// A setting that is a JSON object; empty if it is not there.
fn object<'a>(
    settings: &'a ConnectorSettings,
    key: &'static str,
) -> Result<&'a RawValue, ConnectorError> {
    let text = settings.0.get(key).map_or("", |text| text.trim());
    let text = if text.is_empty() { "{}" } else { text };
    let value: Result<&RawValue, _> = serde_json::from_str(text);
    match value {
        Ok(value) if value.get().starts_with('{') => Ok(value),
        Ok(_) | Err(_) => Err(ConnectorError::MissingSetting(key)),
    }
}

/// Settings travel in every message, so plain HTTP is for this machine alone unless the operator says that
/// the network between is his own.
pub(super) fn may_be_called(url: &str, plain_allowed: bool) -> bool {
    let is_visible = url
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let (rest, secure) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) => (rest, false),
        (None, None) => return false,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    if !is_visible || authority.is_empty() || authority.contains('@') || url.contains('#') {
        return false;
    }
    secure || plain_allowed || is_this_machine(authority)
}

fn is_this_machine(authority: &str) -> bool {
    if let Some(rest) = authority.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return false;
        };
        let is_port = port.is_empty() || port.starts_with(':');
        return is_port && address.parse().is_ok_and(|a: Ipv6Addr| a.is_loopback());
    }
    let host = authority.split(':').next().unwrap_or("");
    host == "localhost" || host.parse().is_ok_and(|a: Ipv4Addr| a.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_leave_this_machine_encrypted_only() {
        for url in [
            "https://gateway.example",
            "https://gateway.example:8443/altyn?x=1",
            "http://127.0.0.1:9000/x",
            "http://127.9.9.9",
            "http://[::1]:9000/",
            "http://localhost/",
        ] {
            assert!(may_be_called(url, false), "{url}");
        }
        for url in [
            "",
            "https://",
            "ftp://127.0.0.1/",
            "//127.0.0.1/",
            "http://127.0.0.1@gateway.example/",
            "https://u:p@gateway.example/",
            "https://gateway.example/ x",
            "https://gateway.example/#x",
            "http:\\\\127.0.0.1",
        ] {
            assert!(!may_be_called(url, true), "{url}");
        }
        for url in [
            "http://gateway.example/",
            "http://127.0.0.1.gateway.example/",
            "http://10.0.0.1/",
            "http://[::2]/",
            "http://localhost.gateway.example",
        ] {
            assert!(!may_be_called(url, false), "{url}");
            assert!(may_be_called(url, true), "{url}");
        }
    }

    #[test]
    fn values_are_json_objects() {
        let read = |text: &str| {
            let settings = ConnectorSettings([("static".to_owned(), text.to_owned())].into());
            object(&settings, "static").map(|value| value.get().to_owned())
        };
        assert_eq!(read("").as_deref(), Ok("{}"));
        assert_eq!(read(" {\"a\": 1.50} ").as_deref(), Ok("{\"a\": 1.50}"));
        for text in ["[]", "1", "\"{}\"", "{", "{} {}", "null", "{\"a\"}"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(object(&ConnectorSettings::default(), "static").is_ok());
    }
}
