//! The Gate's signature, as a shop makes it: HMAC-SHA512, in base64, over the lines `path:value` of all
//! members of a message, sorted by their paths and joined with `;`.
//!
//! Only what the messages of this benchmark need: no `:` in a name, and no array of more than ten items.

use std::sync::Arc;

use anyhow::{Context, Result};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Left out wherever it stands.
const SIGNATURE: &str = "signature";
/// What stands in a template where the payment's id goes.
pub const ANY_ID: &str = "{id}";
/// What stands in a template where the signature goes.
pub const ANY_SIGNATURE: &str = "{signature}";

/// The key that a project shares with the gateway.
#[derive(Clone)]
pub struct Key(Arc<hmac::Key>);

impl Key {
    /// The key as the gateway wrote it.
    pub fn new(secret: &str) -> Self {
        Self(Arc::new(hmac::Key::new(
            hmac::HMAC_SHA512,
            secret.as_bytes(),
        )))
    }

    /// The signature of a text that is given in parts.
    pub fn sign(&self, parts: &[&str]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part.as_bytes());
        }
        STANDARD.encode(context.sign())
    }

    /// Whether a message of the gateway is signed with this key.
    pub fn has_signed(&self, message: &str) -> bool {
        let Ok(message) = serde_json::from_str::<Value>(message) else {
            return false;
        };
        let given = message.get(SIGNATURE).and_then(Value::as_str);
        given == Some(self.sign(&[&canonical(&message)]).as_str())
    }
}

/// The text that is signed.
pub fn canonical(message: &Value) -> String {
    let mut lines = Vec::new();
    collect("", message, &mut lines);
    lines.sort();
    let lines: Vec<String> = lines
        .into_iter()
        .map(|(path, value)| format!("{path}:{value}"))
        .collect();
    lines.join(";")
}

fn collect(path: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    let inner = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}:{name}"),
    };
    let text = match value {
        Value::Object(members) => {
            for (name, value) in members.iter().filter(|(name, _)| *name != SIGNATURE) {
                collect(&inner(name), value, lines);
            }
            return;
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(&inner(&index.to_string()), value, lines);
            }
            return;
        }
        Value::Null => String::new(),
        Value::Bool(truth) => u8::from(*truth).to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
    };
    lines.push((path.to_owned(), text));
}

/// A request whose calls differ in nothing but the id of the payment: what is signed and what is sent are
/// written once, and each call puts its id and its signature in.
pub struct Template {
    key: Key,
    signed: [String; 2],
    sent: [String; 3],
}

impl Template {
    /// A template of a message that has [`ANY_ID`], and behind it [`ANY_SIGNATURE`].
    pub fn new(message: &Value, key: &Key) -> Result<Self> {
        let split = |text: &str, at: &str| {
            let (before, after) = text
                .split_once(at)
                .context("a template without its places")?;
            anyhow::Ok((before.to_owned(), after.to_owned()))
        };
        let signed = split(&canonical(message), ANY_ID)?;
        let (first, rest) = split(&message.to_string(), ANY_ID)?;
        let (second, third) = split(&rest, ANY_SIGNATURE)?;
        Ok(Self {
            key: key.clone(),
            signed: signed.into(),
            sent: [first, second, third],
        })
    }

    /// The message about this payment, signed.
    pub fn about(&self, id: &str) -> String {
        let signature = self.key.sign(&[&self.signed[0], id, &self.signed[1]]);
        let [first, second, third] = &self.sent;
        [first, id, second, &signature, third].concat()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The vendor's published example.
    const PUBLISHED: &str = r#"{"general":{"project_id":3254,"payment_id":"id_38202316","signature":
        "lagSnuspAn+F6XkmQISqwtBg0PsiTy62fF9x33TM+278mnufIDZyi1yP0BQALuCxyikkIxIMbodBn2F8hMdRwA=="},
        "customer":{"id":"585741","email":"johndoe@example.com","first_name":"John","last_name":"Doe",
        "address":"Downing str., 23","identify":{"doc_number":"54122312544"},"ip_address":"198.51.100.47"},
        "payment":{"amount":10800,"currency":"USD","description":"Computer keyboards"},
        "receipt_data":{"positions":[{"quantity":"10","amount":"108","description":"Computer keyboard"}]},
        "return_url":{"success":"https://paymentpage.example.com/complete-redirect?id=success",
        "decline":"https://paymentpage.example.com/complete-redirect?id=decline"}}"#;

    #[test]
    fn the_published_example_comes_out() {
        let message: Value = serde_json::from_str(PUBLISHED).unwrap();
        let signature = Key::new("secret").sign(&[&canonical(&message)]);
        assert_eq!(message["general"]["signature"], json!(signature));
    }

    #[test]
    fn a_signature_at_the_root_is_compared() {
        let signature = "/3TrhHVz9BHaLfgLyhoxO7dsQNzbzZa/TdO3pxQocXWwgVM6tGlzMLVfpOxFNTnkR9iiFVK/77ZedMcbkCjmng==";
        let message = |status: &str| {
            json!({"payment": {"id": "000049", "status": status}, "signature": signature})
                .to_string()
        };
        let key = Key::new("secret");
        assert!(key.has_signed(&message("success")));
        assert!(!key.has_signed(&message("decline")));
        assert!(!key.has_signed("{}"));
    }

    #[test]
    fn odd_values_are_written_as_the_protocol_says() {
        let message =
            json!({"b": true, "a": {"c": null, "d": [false, {}]}, "a_": -1, "signature": "x"});
        assert_eq!(canonical(&message), "a:c:;a:d:0:0;a_:-1;b:1");
    }

    #[test]
    fn a_template_makes_what_signing_by_hand_makes() {
        let key = Key::new("secret");
        let message = |id: &str, signature: &str| {
            json!({
                "general": {"project_id": 7, "payment_id": id, "signature": signature},
                "payment": {"amount": 100, "currency": "INR"},
            })
        };
        let template = Template::new(&message(ANY_ID, ANY_SIGNATURE), &key).unwrap();
        let made: Value = serde_json::from_str(&template.about("A-1")).unwrap();
        let signature = key.sign(&[&canonical(&message("A-1", ""))]);
        assert_eq!(made, message("A-1", &signature));
        assert!(Template::new(&json!({}), &key).is_err());
    }
}
