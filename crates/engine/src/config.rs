//! Limits of the engine. Every loop, queue and wait has its number here.

use ipnet::IpNet;

/// Limits of callback delivery.
#[derive(Debug, Clone)]
pub struct CallbackLimits {
    /// Milliseconds one attempt may take in all.
    pub timeout_ms: u64,
    /// Attempts under way at once to one host, so that a dead receiver holds no others up.
    pub per_host_max: usize,
    /// Attempts under way at once in all.
    pub in_all_max: usize,
    /// Networks that callbacks may go to although they are not public (loopback in a demo).
    pub allowed_networks: Vec<IpNet>,
}

/// Limits of the engine.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Commands that may wait for the writer; more are answered "busy" at once.
    pub queue_max: usize,
    /// Commands in one database transaction.
    pub batch_max: usize,
    /// Milliseconds one exchange with a gateway may take.
    pub exchange_deadline_ms: i64,
    /// Milliseconds a lease on a timer lasts. Longer than any work done under it.
    pub lease_ms: i64,
    /// Milliseconds between two looks for due timers.
    pub timer_poll_ms: u64,
    /// Timers worked on at once.
    pub timers_max: usize,
    /// Largest answer of a gateway, in bytes.
    pub response_max: usize,
    /// Exchanges under way at once that nobody waits for; more are answered "busy".
    pub background_max: usize,
    /// The address under which gateways and payers reach this installation.
    pub public_url: String,
    /// Whether everybody who signs in needs a second factor: without one nothing else can be done.
    pub second_factor_required: bool,
    /// Milliseconds after which a session that is not used ends.
    pub session_idle_ms: i64,
    /// Milliseconds after which a session ends at the latest.
    pub session_max_ms: i64,
    /// Callback delivery.
    pub callbacks: CallbackLimits,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            queue_max: 4_096,
            batch_max: 256,
            exchange_deadline_ms: 15_000,
            lease_ms: 30_000,
            timer_poll_ms: 200,
            timers_max: 64,
            response_max: 1 << 20,
            background_max: 1_024,
            public_url: String::new(),
            second_factor_required: true,
            session_idle_ms: 15 * 60 * 1_000,
            session_max_ms: 12 * 60 * 60 * 1_000,
            callbacks: CallbackLimits {
                timeout_ms: 10_000,
                per_host_max: 8,
                in_all_max: 64,
                allowed_networks: Vec::new(),
            },
        }
    }
}
