//! Randomness from the system's generator.

use uuid::Uuid;

/// Fills `bytes` with random values.
///
/// # Panics
///
/// If the operating system has no randomness to give, which does not happen once it has started.
pub fn fill(bytes: &mut [u8]) {
    aws_lc_rs::rand::fill(bytes).expect("the system's random generator works");
}

/// A random UUID (version 4).
pub fn uuid() -> Uuid {
    let mut bytes = [0; 16];
    fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// A random number of six digits, as a person types it.
pub fn six_digits() -> u32 {
    let mut bytes = [0; 4];
    fill(&mut bytes);
    u32::from_le_bytes(bytes) % 1_000_000
}
