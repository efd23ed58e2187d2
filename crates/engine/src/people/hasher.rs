//! Argon2id, in memory that goes back to the system after each hash.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{self, Version as VersionNumber};
use argon2::{Algorithm, Argon2, Block, CustomizedPasswordHasher, Params, Version};

/// The usual allocator keeps pieces of up to 32 MiB once it has given one of that size back, in each of its
/// arenas: some hashes at a time on some threads, and hundreds of MiB stay for good. A larger piece is mapped and
/// unmapped by itself; what of it is not touched takes no memory.
const PIECE_BLOCKS: usize = 33 * 1_024;

/// Bytes of a hash.
const OUTPUT_BYTES: usize = 32;

/// The function that hashes passwords. What it makes tells its own parameters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hasher;

impl CustomizedPasswordHasher<PasswordHash> for Hasher {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<VersionNumber>,
        params: Params,
    ) -> password_hash::Result<PasswordHash> {
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?;
        let version = version.map(Version::try_from).transpose()?;
        let (algorithm, version) = (algorithm.unwrap_or_default(), version.unwrap_or_default());
        let mut memory = memory(params.block_count());
        let mut output = [0; OUTPUT_BYTES];
        let hasher = Argon2::new(algorithm, version, params.clone());
        hasher.hash_password_into_with_memory(password, salt, &mut output, &mut memory)?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(&output)?),
        })
    }
}

fn memory(blocks: usize) -> Vec<Block> {
    let mut memory = Vec::with_capacity(blocks.max(PIECE_BLOCKS));
    memory.resize(blocks, Block::new());
    memory
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher as _, PasswordVerifier as _};

    use super::*;

    fn params() -> Params {
        Params::new(19_456, 2, 1, None).unwrap()
    }

    #[test]
    fn it_is_argon2id_as_everybody_has_it() {
        let (password, salt) = (b"four horses 44", [7; 16]);
        let ours = Hasher
            .hash_password_with_params(password, &salt, params())
            .unwrap();
        let usual = Argon2::new(Algorithm::Argon2id, Version::V0x13, params());
        let theirs = usual.hash_password_with_salt(password, &salt).unwrap();
        assert_eq!(ours.to_string(), theirs.to_string());
        assert!(Hasher.verify_password(password, &ours).is_ok());
        assert!(Hasher.verify_password(b"four horses 45", &ours).is_err());
    }

    /// Memory of this process in use, in KiB.
    #[cfg(target_os = "linux")]
    fn resident_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.unwrap().trim().trim_end_matches(" kB");
        number.parse().unwrap()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_goes_back_to_the_system() {
        let before = resident_kib();
        for _ in 0..2 {
            let threads = (0..8).map(|number| {
                std::thread::spawn(move || {
                    let salt = [number; 16];
                    let made = Hasher.hash_password_with_params(b"x", &salt, params());
                    made.map(|hash| hash.to_string()).unwrap()
                })
            });
            let threads: Vec<_> = threads.collect();
            for thread in threads {
                thread.join().unwrap();
            }
        }
        let kept = resident_kib().saturating_sub(before);
        assert!(
            kept < 19_456,
            "{kept} KiB are kept after all hashes are done"
        );
    }
}
