//! Keyed digests: comparison of secrets in constant time, fingerprints, callback checksums.

use aws_lc_rs::constant_time;
use aws_lc_rs::hmac;

/// Whether a presented secret is the expected one; the time taken does not say where they differ.
pub fn same(presented: &[u8], expected: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(presented, expected).is_ok()
}

/// Makes short fingerprints of request bodies. They contain card numbers, so the digest is keyed:
/// a fingerprint in the journal says nothing to a reader who lacks the key.
pub struct Fingerprints {
    key: hmac::Key,
}

impl Fingerprints {
    /// Fingerprints that stay the same across restarts as long as `secret` does.
    pub fn new(secret: &str) -> Fingerprints {
        Fingerprints {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
        }
    }

    /// The fingerprint of an ordered list of parts.
    pub fn of(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let mut short = [0; 16];
        short.copy_from_slice(&context.sign().as_ref()[..16]);
        short
    }
}

/// Verifies an HMAC-SHA256 given as upper-case hexadecimal text.
pub fn verify_upper_hex(secret: &str, text: &str, presented: &str) -> bool {
    let Some(tag) = upper_hex(presented) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&key, text.as_bytes(), &tag).is_ok()
}

fn upper_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    if text.len() != 64 {
        return None;
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_must_be_upper_case_and_whole() {
        let text = "mdOrder;06cf5599-3f17-7c86-bdbc-bd7d00a8b38b;operation;approved;\
                    orderNumber;2003;status;1;";
        let checksum = "EAF2FB72CAB99FD5067F4BA493DD84F4D79C1589FDE8ED29622F0F07215AA972";
        let secret = "ooc7slpvc61k7sf7ma7p4hrefr";

        assert!(verify_upper_hex(secret, text, checksum));
        assert!(!verify_upper_hex(secret, text, &checksum.to_lowercase()));
        assert!(!verify_upper_hex(secret, text, &checksum[..62]));
        assert!(!verify_upper_hex("other", text, checksum));
    }

    #[test]
    fn fingerprint_depends_on_the_borders_of_its_parts() {
        let fingerprints = Fingerprints::new("k");

        assert_eq!(
            fingerprints.of(&[b"ab", b"c"]),
            fingerprints.of(&[b"ab", b"c"])
        );
        assert_ne!(
            fingerprints.of(&[b"ab", b"c"]),
            fingerprints.of(&[b"a", b"bc"])
        );
    }
}
