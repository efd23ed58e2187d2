//! Where time and randomness come from. Only the program has real ones.

use altyn_domain::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// Gives random bits.
pub trait Entropy: Send + Sync {
    /// 64 fresh random bits.
    fn random(&self) -> u64;

    /// Fills `bytes` with random bits fit for keys.
    fn fill(&self, bytes: &mut [u8]);
}
