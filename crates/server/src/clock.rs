//! The real clock and the real randomness; and a clock that tests move by hand.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use altyn_domain::Timestamp;
use altyn_engine::{Clock, Entropy};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

fn system_now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        system_now()
    }
}

/// The system's clock plus what a test added. It runs on by itself, so that durations stay real.
#[derive(Debug, Default)]
pub struct ManualClock {
    ahead_ms: AtomicI64,
}

impl ManualClock {
    /// Moves the time forward for good.
    pub fn advance(&self, seconds: i64) {
        self.ahead_ms
            .fetch_add(seconds.saturating_mul(1_000), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        system_now().plus_millis(self.ahead_ms.load(Ordering::SeqCst))
    }
}

/// The system's randomness.
#[derive(Debug, Default)]
pub struct SystemEntropy {
    source: SystemRandom,
}

impl Entropy for SystemEntropy {
    fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness nothing this program does is safe.
        self.source
            .fill(bytes)
            .expect("the system's source of randomness answers");
    }
}
