//! What of an order only this dialect understands: kept with the order as JSON, never changed.

use altyn_domain::Payment;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::DIALECT;

/// Where a payment came in. What a refused try means depends on it: the Gate has one try, and a payer on
/// the Payment Page may try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Door {
    /// The shop's server asked for it and leads the payer.
    Gate,
    /// The payer opened the Payment Page; so do payments of other dialects.
    #[default]
    Page,
}

/// Where the payer goes back to the shop.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ReturnUrls {
    /// After a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<String>,
    /// After a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decline: Option<String>,
    /// In any other case.
    #[serde(rename = "return", skip_serializing_if = "Option::is_none")]
    pub return_: Option<String>,
}

/// Where the issuer's pages post their results, if the shop carries 3-D Secure out by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct AcsReturnUrl {
    /// The challenge.
    pub return_url: String,
    /// The hidden frame (`3ds_notification_url` on the wire).
    pub notification_url: String,
}

/// What of an order only this dialect understands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Extra {
    /// Where the payment came in.
    pub door: Door,
    /// What the shop told of the payer, as far as it is echoed: see [`echo`].
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub customer: Map<String, Value>,
    /// Where the payer goes back to the shop.
    pub return_urls: ReturnUrls,
    /// With the Gate: present if the shop carries 3-D Secure out by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acs_return_url: Option<AcsReturnUrl>,
    /// With the Payment Page: what the page alone needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<Value>,
}

impl Extra {
    /// What was kept with this payment's order; nothing for a payment of another dialect.
    pub(super) fn of(payment: &Payment) -> Self {
        if payment.dialect != DIALECT {
            return Self::default();
        }
        Self::deserialize(&payment.order.extra).unwrap_or_default()
    }

    /// The same as it is kept in [`altyn_domain::Order::extra`].
    pub(super) fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("all of its names are texts")
    }
}

/// The part of a `customer` object that may be kept and echoed: no signature, no account, and nothing
/// that clients are known to sign each in their own way: null, booleans, fractions, numbers from 2^53 on,
/// names with digits, colons or foreign letters.
pub(super) fn echo(customer: &Map<String, Value>) -> Map<String, Value> {
    // Clients put names in order each in their own way, except for such.
    let plain = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '-');
    let told = |name: &str| !matches!(name, "signature" | "account") && name.chars().all(plain);
    let members = customer.iter().filter(|(name, _)| told(name));
    let echoed = members.filter_map(|(name, value)| Some((name.clone(), same_for_all(value)?)));
    echoed.collect()
}

/// The value without what clients sign differently.
fn same_for_all(value: &Value) -> Option<Value> {
    const INTEGER_MAX: u64 = 1 << 53;
    match value {
        Value::Null | Value::Bool(_) => None,
        Value::Number(number) => {
            let size = number.as_i64().map(i64::unsigned_abs);
            (size? < INTEGER_MAX).then(|| value.clone())
        }
        Value::String(_) => Some(value.clone()),
        Value::Array(items) => Some(items.iter().filter_map(same_for_all).collect()),
        Value::Object(members) => Some(Value::Object(echo(members))),
    }
}

#[cfg(test)]
mod tests {
    use altyn_domain::Way;
    use serde_json::json;

    use super::super::samples::Sample;
    use super::*;

    #[test]
    fn it_is_kept_as_it_was() {
        let extra = Extra {
            door: Door::Gate,
            customer: echo(json!({"id": "1", "phone": "7"}).as_object().unwrap()),
            return_urls: ReturnUrls {
                success: Some("https://shop.in/ok".to_owned()),
                ..ReturnUrls::default()
            },
            acs_return_url: Some(AcsReturnUrl {
                return_url: "https://shop.in/acs".to_owned(),
                notification_url: "https://shop.in/frame".to_owned(),
            }),
            page: Some(json!({"mode": "purchase"})),
        };
        let payment = Sample::new(Way::Purchase).extra(&extra).payment();
        assert_eq!(Extra::of(&payment), extra);
        for least in [
            json!({}),
            json!({"door": "page"}),
            Extra::default().to_value(),
        ] {
            let read: Extra = serde_json::from_value(least).unwrap();
            assert_eq!(read, Extra::default());
        }
    }

    #[test]
    fn other_dialects_have_none() {
        let extra = Extra {
            door: Door::Gate,
            ..Extra::default()
        };
        let mut payment = Sample::new(Way::Purchase).extra(&extra).payment();
        payment.dialect = "rbs".to_owned();
        assert_eq!(Extra::of(&payment), Extra::default());
    }

    #[test]
    fn an_echo_has_nothing_that_clients_sign_differently() {
        let customer = json!({
            "id": "1", "signature": "x", "account": {"number": "4"}, "save": true, "zip": null,
            "ssn": 1234, "ratio": 1.5, "big": 9_007_199_254_740_992_u64, "low": -9_007_199_254_740_991_i64,
            "billing": {"country": "IN", "postal": null, "signature": "y"},
            "list": ["a", null, false, {"deep": true, "x": 2}],
        });
        let echoed = Value::Object(echo(customer.as_object().unwrap()));
        let expected = json!({
            "id": "1", "ssn": 1234, "low": -9_007_199_254_740_991_i64,
            "billing": {"country": "IN"}, "list": ["a", {"x": 2}],
        });
        assert_eq!(echoed, expected);
    }
}
