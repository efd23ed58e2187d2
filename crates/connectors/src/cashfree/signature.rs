//! Signatures: HMAC-SHA-256 with the secret, in standard base64. Compared in constant time.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Whether the text, given in parts, has this signature.
pub(super) fn is_right(secret: &str, parts: &[&[u8]], signature: &str) -> bool {
    let Ok(tag) = STANDARD.decode(signature) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&key, &parts.concat(), &tag).is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const SECRET: &str = "cf_demo_secret_0001";

    #[test]
    fn the_partner_s_request_vector() {
        let fields = BTreeMap::from([
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
        ]);
        let text: String = fields
            .into_iter()
            .flat_map(|(name, value)| [name, value])
            .collect();
        let signature = "i6pPNegfOsIZUIiK/zAGhSMwG1LYdjjtiI9ns8ZiMCw=";
        assert!(is_right(SECRET, &[text.as_bytes()], signature));
    }

    #[test]
    fn the_partner_s_result_vector_and_every_way_to_spoil_it() {
        let values =
            b"WP-1001150.00201738090SUCCESSWalletTransaction Successful2020-08-24 15:03:56";
        let signature = "zDdm96wXRSC+Fovq+aAbFkORfur+PS72etcgoM/kLpU=";
        assert!(is_right(SECRET, &[values], signature));
        assert!(!is_right("cf_demo_secret_0002", &[values], signature));
        for place in 0..values.len() {
            let mut spoilt = values.to_vec();
            spoilt[place] ^= 1;
            assert!(!is_right(SECRET, &[&spoilt], signature), "{place}");
        }
        for place in 0..signature.len() {
            let mut spoilt = signature.as_bytes().to_vec();
            spoilt[place] ^= 1;
            let spoilt = String::from_utf8(spoilt).unwrap();
            assert!(!is_right(SECRET, &[values], &spoilt), "{place}");
        }
        for other in [
            "",
            "=",
            &signature[..43],
            &signature.replace('+', "-"),
            &signature[4..],
        ] {
            assert!(!is_right(SECRET, &[values], other), "{other}");
        }
    }
}
