//! Connectors: a folder per gateway, each a pure translation to and from its messages. No sockets, clock,
//! randomness or state; the engine sends what they make.

pub mod cashfree;
pub mod remote;
pub mod sandbox_bank;

use std::sync::Arc;

use altyn_domain::Connector;

/// All built-in connectors. A new one is added here and nowhere else.
pub fn all() -> Vec<Arc<dyn Connector>> {
    vec![
        Arc::new(sandbox_bank::SandboxBank),
        Arc::new(cashfree::Cashfree),
        Arc::new(remote::Remote),
    ]
}
