//! Messages of this dialect as shops get and check them: for tests of this dialect.

use altyn_domain::{
    CallbackFormat as _, Endpoint, EndpointSecret, Event, EventKind, HttpMethod, Payment,
    RenderError,
};
use serde_json::Value;

use super::callback::EcommpayCallbackFormat;
use super::samples::{KEY, project};
use super::signature::{Source, signature_of, verify};
use super::signed_json::SignedJson;

pub(super) const ALL: [EventKind; 14] = {
    use EventKind as E;
    [
        E::Authorized,
        E::Captured,
        E::Voided,
        E::Refunded,
        E::Reversed,
        E::Verified,
        E::TryDeclined,
        E::CaptureDeclined,
        E::VoidDeclined,
        E::RefundDeclined,
        E::Expired,
        E::Cancelled,
        E::ActionRequired,
        E::PeriodOver,
    ]
};

pub(super) fn endpoint() -> Endpoint {
    Endpoint {
        id: "shop".to_owned(),
        url: "https://shop.in/cb".to_owned(),
        format: "ecommpay".to_owned(),
        method: HttpMethod::Post,
        events: ALL.to_vec(),
        signature: String::new(),
        secret: EndpointSecret::new(KEY),
        parameters: vec!["public_url=https://pay.in/".to_owned()],
        attempts_max: 1,
        retry_pause_ms: 1,
    }
}

pub(super) fn event(kind: EventKind, operation: Option<u32>, payment: Payment) -> Event {
    Event {
        number: 1,
        kind,
        operation,
        at: payment.updated_at,
        payment,
    }
}

pub(super) fn try_render(
    event: &Event,
    endpoint: &Endpoint,
) -> Result<Option<String>, RenderError> {
    let url = "https://shop.in/cb?x=1";
    let message = EcommpayCallbackFormat.render(event, &project(), endpoint, url)?;
    Ok(message.map(|message| {
        assert_eq!(message.method, HttpMethod::Post);
        assert_eq!((message.url.as_str(), message.headers.len()), (url, 0));
        assert_eq!(message.content_type.as_deref(), Some("application/json"));
        message.body
    }))
}

/// The message as a value, its signature checked as shops check it.
pub(super) fn checked(text: &str) -> Value {
    let message = SignedJson::parse(text.as_bytes()).unwrap();
    let signature = signature_of(&message).unwrap();
    assert!(verify(&message, signature, KEY, Source::Gate), "{text}");
    serde_json::from_str(text).unwrap()
}

/// The names at the root of a JSON text, in the order in which they stand.
pub(super) fn names(text: &str) -> Vec<String> {
    let members: Members = serde_json::from_str(text).unwrap();
    members.0.into_iter().map(|(name, _)| name).collect()
}

/// An object whose members keep their order.
pub(super) struct Members(pub Vec<(String, Box<serde_json::value::RawValue>)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> serde::de::Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A>(self, mut map: A) -> Result<Members, A::Error>
            where
                A: serde::de::MapAccess<'de>,
            {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// Nothing is in it that known clients sign each in their own way.
pub(super) fn assert_signed_alike(value: &Value, name: &str) {
    match value {
        Value::Null | Value::Bool(_) => panic!("{name}: a null or a boolean"),
        Value::Number(number) => {
            let size = number.as_i64().map(i64::unsigned_abs);
            assert!(size.is_some_and(|size| size < 1 << 53), "{name}: {number}");
        }
        Value::String(_) => {}
        Value::Array(items) => {
            assert!(items.len() <= 10, "{name}: a long array");
            items
                .iter()
                .for_each(|item| assert_signed_alike(item, name));
        }
        Value::Object(members) => {
            for (member, value) in members {
                assert!(
                    !member.contains(':') && member != "frame_mode",
                    "{name}: {member}"
                );
                assert_signed_alike(value, name);
            }
        }
    }
}
