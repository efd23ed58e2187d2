//! The gateway's callbacks: believed only if their checksum is right.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use bytes::Bytes;

use super::Shop;
use super::order::Callback;
use crate::{clock, secret};

/// More parameters than any callback has.
const PARAMETERS_MAX: usize = 100;

/// `GET /callback`.
pub async fn by_query(
    State(shop): State<Arc<Shop>>,
    RawQuery(query): RawQuery,
) -> (StatusCode, &'static str) {
    receive(&shop, query.unwrap_or_default().as_bytes())
}

/// `POST /callback`.
pub async fn by_body(State(shop): State<Arc<Shop>>, body: Bytes) -> (StatusCode, &'static str) {
    receive(&shop, &body)
}

fn receive(shop: &Shop, form: &[u8]) -> (StatusCode, &'static str) {
    let parameters: Vec<(String, String)> = form_urlencoded::parse(form)
        .take(PARAMETERS_MAX)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let value = |name: &str| {
        parameters
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    };
    let right = canonical(&parameters).is_some_and(|text| {
        secret::verify_upper_hex(&shop.callback_secret, &text, value("checksum"))
    });
    if !right {
        return (StatusCode::BAD_REQUEST, "wrong checksum\n");
    }
    let callback = Callback {
        operation: value("operation").to_owned(),
        succeeded: value("status") == "1",
        at_ms: clock::now_ms(),
    };
    let gateway_order = value("mdOrder").to_owned();
    shop.orders.change(value("orderNumber"), |order| {
        if order
            .order_id
            .as_ref()
            .is_none_or(|known| *known == gateway_order)
        {
            order.learn_from_callback(callback);
        }
    });
    // An order that is not ours is no reason to make the gateway repeat itself.
    (StatusCode::OK, "OK\n")
}

/// The text that the checksum is made of: all parameters but the checksum itself, by name, each
/// followed by a semicolon. Nothing if a name comes twice, for then the text could mean two things.
fn canonical(parameters: &[(String, String)]) -> Option<String> {
    let mut signed: Vec<&(String, String)> = parameters
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "checksum" | "sign_alias"))
        .collect();
    signed.sort();
    if signed.is_empty() || signed.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return None;
    }
    Some(signed.iter().fold(String::new(), |text, (name, value)| {
        text + name + ";" + value + ";"
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn text_is_sorted_and_ends_with_a_semicolon() {
        let parameters = pairs(&[("status", "1"), ("checksum", "X"), ("mdOrder", "a b")]);
        assert_eq!(
            canonical(&parameters).as_deref(),
            Some("mdOrder;a b;status;1;")
        );
    }

    #[test]
    fn repeated_and_missing_parameters_have_no_text() {
        assert_eq!(canonical(&pairs(&[("status", "1"), ("status", "0")])), None);
        assert_eq!(canonical(&pairs(&[("checksum", "X")])), None);
    }
}
