//! The installation's key: seals secrets at rest and hashes passwords.
//!
//! Three keys are derived from the key file by HKDF-SHA256: one for AES-256-GCM, two for HMAC-SHA256 (secrets,
//! and the chains of the audit trail).
//! Generated passwords have at least 128 random bits, so a keyed hash is enough and costs microseconds.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::Entropy;

/// Why something could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The key file must hold 32 bytes.
    #[error("the key must have 32 bytes")]
    KeyLength,
    /// Sealed with another key, for another record, or damaged.
    #[error("a sealed text cannot be opened: wrong key file, other record or damage")]
    Unopenable,
}

/// Seals secrets at rest and hashes passwords.
pub struct Vault {
    seal: LessSafeKey,
    hash: hmac::Key,
    chain: hmac::Key,
}

struct Length;

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

const VERSION: &str = "v1.";
const NONCE: usize = 12;

impl Vault {
    /// Length of the key file in bytes.
    pub const KEY_LENGTH: usize = 32;

    /// A vault under this key.
    ///
    /// # Errors
    /// If the key has another length.
    pub fn try_new(key: &[u8]) -> Result<Self, VaultError> {
        if key.len() != Self::KEY_LENGTH {
            return Err(VaultError::KeyLength);
        }
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"altyn/vault/1").extract(key);
        let derive = |purpose: &[u8]| -> Result<[u8; 32], VaultError> {
            let mut out = [0; 32];
            let info = [purpose];
            let okm = root
                .expand(&info, Length)
                .map_err(|_| VaultError::KeyLength)?;
            okm.fill(&mut out).map_err(|_| VaultError::KeyLength)?;
            Ok(out)
        };
        let seal =
            UnboundKey::new(&AES_256_GCM, &derive(b"seal")?).map_err(|_| VaultError::KeyLength)?;
        let hash = hmac::Key::new(hmac::HMAC_SHA256, &derive(b"hash")?);
        let chain = hmac::Key::new(hmac::HMAC_SHA256, &derive(b"chain")?);
        Ok(Self {
            seal: LessSafeKey::new(seal),
            hash,
            chain,
        })
    }

    /// Seals `text` for the record named by `record`; opened only for the same record.
    ///
    /// # Errors
    /// Never with a text that fits in memory.
    pub fn seal(
        &self,
        text: &str,
        record: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<String, VaultError> {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce);
        let mut bytes = text.as_bytes().to_vec();
        let aad = Aad::from(record);
        self.seal
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut bytes)
            .map_err(|_| VaultError::Unopenable)?;
        let mut out = nonce.to_vec();
        out.append(&mut bytes);
        Ok(format!("{VERSION}{}", STANDARD_NO_PAD.encode(out)))
    }

    /// Opens what [`seal`](Self::seal) made for the same record.
    ///
    /// # Errors
    /// If it was sealed with another key or for another record, or is damaged.
    pub fn open(&self, sealed: &str, record: &[u8]) -> Result<String, VaultError> {
        let coded = sealed.strip_prefix(VERSION).ok_or(VaultError::Unopenable)?;
        let bytes = STANDARD_NO_PAD
            .decode(coded)
            .map_err(|_| VaultError::Unopenable)?;
        let (nonce, body) = bytes
            .split_at_checked(NONCE)
            .ok_or(VaultError::Unopenable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Unopenable)?;
        let mut body = body.to_vec();
        let plain = self
            .seal
            .open_in_place(nonce, Aad::from(record), &mut body)
            .map_err(|_| VaultError::Unopenable)?;
        String::from_utf8(plain.to_vec()).map_err(|_| VaultError::Unopenable)
    }

    /// The keyed hash of a generated secret.
    pub fn hash(&self, secret: &str) -> Vec<u8> {
        hmac::sign(&self.hash, secret.as_bytes()).as_ref().to_vec()
    }

    /// The keyed hash of an entry of the audit trail: nobody without the key file makes one that fits.
    pub(crate) fn chain(&self, content: &[u8]) -> Vec<u8> {
        hmac::sign(&self.chain, content).as_ref().to_vec()
    }

    /// Whether `secret` has this keyed hash; takes the same time whatever differs.
    pub fn verify(&self, secret: &str, hash: &[u8]) -> bool {
        hmac::verify(&self.hash, secret.as_bytes(), hash).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counter(std::sync::atomic::AtomicU64);

    impl Entropy for Counter {
        fn random(&self) -> u64 {
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst)
        }

        fn fill(&self, bytes: &mut [u8]) {
            for chunk in bytes.chunks_mut(8) {
                let random = self.random().to_le_bytes();
                chunk.copy_from_slice(&random[..chunk.len()]);
            }
        }
    }

    #[test]
    fn row_74_a_sealed_text_opens_only_for_its_record_and_key() {
        let entropy = Counter(7.into());
        let vault = Vault::try_new(&[1; 32]).unwrap();
        let sealed = vault.seal("сыр", b"prj_1", &entropy).unwrap();
        assert!(!sealed.contains("сыр"));
        assert_eq!(vault.open(&sealed, b"prj_1").unwrap(), "сыр");
        assert_eq!(vault.open(&sealed, b"prj_2"), Err(VaultError::Unopenable));
        let other = Vault::try_new(&[2; 32]).unwrap();
        assert_eq!(other.open(&sealed, b"prj_1"), Err(VaultError::Unopenable));
        assert_ne!(sealed, vault.seal("сыр", b"prj_1", &entropy).unwrap());
    }

    #[test]
    fn secrets_verify_against_their_hash_only() {
        let vault = Vault::try_new(&[1; 32]).unwrap();
        let hash = vault.hash("password");
        assert!(vault.verify("password", &hash));
        assert!(!vault.verify("Password", &hash));
        assert!(!vault.verify("password", &hash[1..]));
    }
}
