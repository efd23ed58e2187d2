//! The checksum of callbacks: the canonical text, and the two ways to sign it.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::{hmac, rsa, signature};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What `sign_alias` says of an asymmetric signature.
pub const RSA_ALIAS: &str = "SHA-512 with RSA";

/// Why a private key cannot sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnusableKey;

/// The text that is signed: all parameters but `checksum` and `sign_alias`, by name, each as name,
/// semicolon, value, semicolon.
pub fn canonical(parameters: &[(String, String)]) -> String {
    let mut signed: Vec<_> = parameters
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "checksum" | "sign_alias"))
        .collect();
    signed.sort();
    let mut text = String::new();
    for (name, value) in signed {
        text.extend([name.as_str(), ";", value.as_str(), ";"]);
    }
    text
}

/// HMAC-SHA256 of `text` under a shared key, in upper-case hexadecimal.
pub fn hmac_sha256_hex(key: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    upper_hex(hmac::sign(&key, text.as_bytes()).as_ref())
}

/// RSA signature (PKCS #1 v1.5 with SHA-512) of `text` by a private key in PEM (PKCS #8), in upper-case
/// hexadecimal.
///
/// # Errors
/// If the key is not one.
pub fn rsa_sha512_hex(pem: &str, text: &str) -> Result<String, UnusableKey> {
    let der = pkcs8_of(pem).ok_or(UnusableKey)?;
    let key = rsa::KeyPair::from_pkcs8(&der).map_err(|_| UnusableKey)?;
    let mut signed = vec![0; key.public_modulus_len()];
    key.sign(
        &signature::RSA_PKCS1_SHA512,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signed,
    )
    .map_err(|_| UnusableKey)?;
    Ok(upper_hex(&signed))
}

fn pkcs8_of(pem: &str) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (inside, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let text: zeroize::Zeroizing<String> =
        zeroize::Zeroizing::new(inside.split_ascii_whitespace().collect());
    STANDARD
        .decode(text.as_bytes())
        .ok()
        .map(zeroize::Zeroizing::new)
}

fn upper_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0x0f])
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::signature::KeyPair as _;

    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let parts: Vec<&str> = text.split_terminator(';').collect();
        parts
            .chunks(2)
            .map(|pair| (pair[0].to_owned(), pair[1].to_owned()))
            .collect()
    }

    #[test]
    fn the_vectors_of_the_family() {
        const ORDER: &str = "mdOrder;01491d0b-c848-7dd6-a20d-e96900a7d8c0;";
        let key = "bereke-test-key-01";
        #[rustfmt::skip]
        let vectors = [
            ("ooc7slpvc61k7sf7ma7p4hrefr",
             "mdOrder;06cf5599-3f17-7c86-bdbc-bd7d00a8b38b;operation;approved;orderNumber;2003;status;1;".to_owned(),
             "EAF2FB72CAB99FD5067F4BA493DD84F4D79C1589FDE8ED29622F0F07215AA972"),
            (key, format!("{ORDER}operation;deposited;orderNumber;ORD-1001;status;1;"),
             "3DD5DA49325BAD2666FC118F0C83DB4DBFB64BB1F08F33A76739225F4BA7CCBA"),
            (key, format!("amount;200000;callbackCreationDate;Mon Jan 31 21:46:52 UTC 2022;{ORDER}operation;refunded;operationRefundedAmount;50000;orderNumber;ORD-1001;status;1;"),
             "83C9910E8A836EB27981ED980E8F308535E356E198C54CA347E278875E178321"),
            ("ключ", format!("{ORDER}operation;approved;orderNumber;Заказ 7;status;0;"),
             "42CF2F028B70D823DAC09B14119F2E9F2D2A03C9C89DBACFF39F637D971DD481"),
            (key, format!("{ORDER}operation;declinedByTimeout;orderNumber;ORD-1001;status;1;"),
             "96C3E1365C47079F4ED7592FBA369751792EF77A17B39A94D78822F7442ADC9E"),
            (key, format!("bindingId;44779116-41a5-7798-b072-c0a30760e2b0;clientId;cust-7;{ORDER}operation;bindingCreated;orderNumber;ORD-1001;status;1;"),
             "4461D213EA47D4A43D18C8127366F547ADF3C4568EF4179DFA7E6BEB08601946"),
        ];
        for (key, text, checksum) in vectors {
            let mut shuffled = pairs(&text);
            shuffled.reverse();
            shuffled.push(("checksum".to_owned(), checksum.to_owned()));
            shuffled.push(("sign_alias".to_owned(), "any".to_owned()));
            assert_eq!(canonical(&shuffled), text);
            assert_eq!(hmac_sha256_hex(key, &text), checksum, "{text}");
        }
    }

    #[test]
    fn an_asymmetric_signature_is_verified_with_the_public_key() {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        let body = STANDARD.encode(der.as_ref());
        let lines: Vec<&str> = body
            .as_bytes()
            .chunks(64)
            .map(|l| str::from_utf8(l).unwrap())
            .collect();
        let inside = lines.join("\n");
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{inside}\n-----END PRIVATE KEY-----\n");
        let text = "mdOrder;1;operation;approved;";
        let hex = rsa_sha512_hex(&pem, text).unwrap();
        assert!(hex.len() == 512 && !hex.bytes().any(|b| b.is_ascii_lowercase()));
        let signed: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        let public = pair.public_key().as_ref();
        let verify = |algorithm, text: &str| {
            signature::UnparsedPublicKey::new(algorithm, public).verify(text.as_bytes(), &signed)
        };
        assert!(verify(&signature::RSA_PKCS1_2048_8192_SHA512, text).is_ok());
        assert!(verify(&signature::RSA_PKCS1_2048_8192_SHA256, text).is_err());
        assert!(verify(&signature::RSA_PKCS1_2048_8192_SHA512, "mdOrder;2;").is_err());
    }

    #[test]
    fn what_is_no_key_cannot_sign() {
        let begin = "-----BEGIN PRIVATE KEY-----";
        for pem in [
            "",
            "secret",
            begin,
            &format!("{begin}\nAAAA\n-----END PRIVATE KEY-----"),
        ] {
            assert_eq!(rsa_sha512_hex(pem, "text"), Err(UnusableKey));
        }
    }
}
