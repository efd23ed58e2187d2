//! The texts that travel through the payer's browser: base64url JSON in the manner of EMV
//! 3-D Secure 2.2.

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::bank::operation::Authentication;

/// The version of the messages.
const VERSION: &str = "2.2.0";

/// `threeDSMethodData` that the terminal gives the hidden frame.
pub fn method_data(authentication: &Authentication) -> String {
    encode(&json!({
        "threeDSServerTransID": authentication.transaction_id,
        "threeDSMethodNotificationURL": authentication.method_notification_url,
    }))
}

/// `threeDSMethodData` that the hidden frame gives back.
pub fn method_result(authentication: &Authentication) -> String {
    encode(&json!({"threeDSServerTransID": authentication.transaction_id}))
}

/// `creq`.
pub fn challenge_request(authentication: &Authentication) -> String {
    encode(&json!({
        "threeDSServerTransID": authentication.transaction_id,
        "acsTransID": authentication.acs_transaction_id,
        "messageType": "CReq",
        "messageVersion": VERSION,
        "challengeWindowSize": "05",
    }))
}

/// `cres`.
pub fn challenge_result(authentication: &Authentication, passed: bool) -> String {
    encode(&json!({
        "threeDSServerTransID": authentication.transaction_id,
        "acsTransID": authentication.acs_transaction_id,
        "messageType": "CRes",
        "messageVersion": VERSION,
        "challengeCompletionInd": "Y",
        "transStatus": if passed { "Y" } else { "N" },
    }))
}

/// Reads `threeDSServerTransID` out of any of these texts, padded or not.
pub fn transaction_id(text: &str) -> Option<Uuid> {
    let text = text.trim();
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .ok()?;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    value["threeDSServerTransID"].as_str()?.parse().ok()
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transaction_is_read_from_padded_and_bare_text() {
        let id = Uuid::from_u128(7);
        let json = json!({"threeDSServerTransID": id}).to_string();

        assert_eq!(transaction_id(&URL_SAFE.encode(&json)), Some(id));
        assert_eq!(transaction_id(&URL_SAFE_NO_PAD.encode(&json)), Some(id));
        assert_eq!(transaction_id("????"), None);
        assert_eq!(transaction_id(&URL_SAFE.encode("{}")), None);
    }
}
