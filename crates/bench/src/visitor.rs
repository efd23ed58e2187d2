//! Whoever calls the gateway in a load: a shop of one of its two APIs.

use anyhow::Result;

use crate::gate::GateShopper;
use crate::load::Caller;
use crate::shop::Shopper;
use crate::{gate, shop};

/// What the callers of one load do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// In the API of register.do.
    Shop(shop::Job),
    /// In the Gate.
    Gate(gate::Job),
}

impl Task {
    /// A short name.
    pub fn name(self) -> String {
        match self {
            Self::Shop(job) => format!("{job:?}").to_lowercase(),
            Self::Gate(job) => format!("gate-{job:?}").to_lowercase(),
        }
    }

    /// Whether callbacks are on their way when it ends.
    pub fn has_callbacks(self) -> bool {
        matches!(
            self,
            Self::Shop(shop::Job::Pay) | Self::Gate(gate::Job::Sale)
        )
    }
}

/// One caller of a load.
pub enum Visitor {
    /// In the API of register.do.
    Shop(Box<Shopper>),
    /// In the Gate.
    Gate(Box<GateShopper>),
}

impl Caller for Visitor {
    async fn once(&mut self) -> Result<()> {
        match self {
            Self::Shop(shopper) => shopper.once().await,
            Self::Gate(shopper) => shopper.once().await,
        }
    }
}
