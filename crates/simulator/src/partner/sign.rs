//! The partner's signatures: HMAC-SHA-256 with the secret, in Base64. What is signed differs.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::secret;

/// The fields of a result of generation 1, in the order in which their values are signed.
pub const RESULT_FIELDS: [&str; 7] = [
    "orderId",
    "orderAmount",
    "referenceId",
    "txStatus",
    "paymentMode",
    "txMsg",
    "txTime",
];

/// Signs the hosted form of generation 1: all fields but the signature, sorted by name, each name
/// directly followed by its value. Nothing if a name comes twice.
pub fn form(secret: &str, fields: &[(String, String)]) -> Option<String> {
    let mut signed: Vec<&(String, String)> = fields
        .iter()
        .filter(|(name, _)| name != "signature")
        .collect();
    signed.sort();
    if signed.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return None;
    }
    let text = signed
        .iter()
        .fold(String::new(), |text, (name, value)| text + name + value);
    Some(tag(secret, &[text.as_bytes()]))
}

/// Signs a result of generation 1: the values alone, in the order of [`RESULT_FIELDS`].
pub fn result(secret: &str, values: &[String]) -> String {
    tag(secret, &[values.concat().as_bytes()])
}

/// Signs a notice of generation 2: the timestamp directly followed by the raw body.
pub fn notice(secret: &str, timestamp: &str, body: &str) -> String {
    tag(secret, &[timestamp.as_bytes(), body.as_bytes()])
}

/// Whether a presented signature is the expected one.
pub fn same(presented: &str, expected: &str) -> bool {
    secret::same(presented.as_bytes(), expected.as_bytes())
}

/// The signature of `parts`, one directly after the other.
pub fn tag(secret: &str, parts: &[&[u8]]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    for part in parts {
        context.update(part);
    }
    STANDARD.encode(context.sign())
}

/// A signature that looks like one and is wrong.
pub fn spoiled(signature: &str) -> String {
    let first = if signature.starts_with('A') { "B" } else { "A" };
    first.to_owned() + signature.get(1..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "cf_demo_secret_0001";

    #[test]
    fn form_signature_is_over_sorted_names_and_values() {
        let fields = [
            ("appId", "demo-app-1"),
            ("orderId", "WP-1001"),
            ("orderAmount", "150.00"),
            ("orderCurrency", "INR"),
            ("orderNote", "TEST"),
            ("customerName", "Mary Smith"),
            ("customerPhone", "9999999999"),
            ("customerEmail", "mary@shop.example"),
            ("returnUrl", "https://gate.example/cf/return"),
            ("notifyUrl", "https://gate.example/cf/notify"),
            ("signature", "whatever"),
        ];
        let mut fields: Vec<(String, String)> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(
            form(SECRET, &fields).as_deref(),
            Some("i6pPNegfOsIZUIiK/zAGhSMwG1LYdjjtiI9ns8ZiMCw=")
        );
        fields.push(("orderId".to_owned(), "WP-1002".to_owned()));
        assert_eq!(form(SECRET, &fields), None);
    }

    #[test]
    fn result_signature_is_over_values_in_their_order() {
        let values = [
            "WP-1001",
            "150.00",
            "201738090",
            "SUCCESS",
            "Wallet",
            "Transaction Successful",
            "2020-08-24 15:03:56",
        ]
        .map(str::to_owned);
        assert_eq!(
            result(SECRET, &values),
            "zDdm96wXRSC+Fovq+aAbFkORfur+PS72etcgoM/kLpU="
        );
    }

    #[test]
    fn notice_signature_is_over_timestamp_and_raw_body() {
        let body = concat!(
            r#"{"data":{"order":{"order_id":"WP-1001","order_amount":150.00,"#,
            r#""order_currency":"INR"},"payment":{"cf_payment_id":"201738090","#,
            r#""payment_status":"SUCCESS","payment_amount":150.00,"payment_currency":"INR"}},"#,
            r#""event_time":"2020-08-24T15:03:57+05:30","type":"PAYMENT_SUCCESS_WEBHOOK"}"#,
        );
        assert_eq!(body.len(), 276);
        let right = "knJKhOpm5oJeXMaRcEklWf7iqjH/IfDy9FFlxU7TCdg=";
        assert_eq!(notice(SECRET, "1617695238078", body), right);
        assert!(!same(&spoiled(right), right) && same(right, right));
        let rewritten = body.replace("150.00", "150");
        assert_ne!(notice(SECRET, "1617695238078", &rewritten), right);
    }
}
