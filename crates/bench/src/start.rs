//! How fast the demo starts from nothing, and what it takes while nobody calls.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::gateway::{Gateway, Setup};
use crate::load::count;
use crate::results::median;
use crate::shop::{Job, Shopper};

/// How long nobody calls before memory is looked at.
const IDLE: Duration = Duration::from_secs(2);

/// What starting costs.
#[derive(Debug, Serialize)]
pub struct Start {
    /// From the start of `altyn demo` to its `demo.json`, in seconds.
    pub ready_s: f64,
    /// From the start to the answer that an order is paid, in seconds.
    pub first_payment_s: f64,
    /// Memory after a while in which nobody called, in MiB.
    pub idle_mib: f64,
    /// The size of the program's file, in MiB.
    pub program_mib: f64,
}

impl Start {
    /// Starts the demo a few times, each time in an empty directory.
    pub async fn measure(programs: &Path, folder: &Path, runs: u32) -> Result<Self> {
        let (mut ready, mut first, mut idle) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..runs {
            let data = tempfile::tempdir_in(folder)?;
            let setup = Setup {
                programs,
                data: data.path(),
                database_url: None,
                bank: None,
            };
            let began = std::time::Instant::now();
            let gateway = Gateway::start(&setup).await?;
            let mut shopper =
                Shopper::new(Job::Register, &gateway.shop, "", &Arc::default()).await?;
            let order = shopper.register().await?;
            shopper.pay(&order).await?;
            first.push(began.elapsed().as_secs_f64());
            ready.push(gateway.ready_after.as_secs_f64());
            tokio::time::sleep(IDLE).await;
            idle.push(count(gateway.memory_bytes()) / 1_048_576.0);
            gateway.stop().await?;
        }
        let program = std::fs::metadata(programs.join("altyn")).context("the program altyn")?;
        let middle = |numbers| median(numbers).context("no run");
        Ok(Self {
            ready_s: middle(ready)?,
            first_payment_s: middle(first)?,
            idle_mib: middle(idle)?,
            program_mib: count(program.len()) / 1_048_576.0,
        })
    }

    /// One line for people.
    pub fn line(&self) -> String {
        format!(
            "altyn demo: ready after {:.2} s, first paid order after {:.2} s, {:.0} MiB idle; program {:.1} MiB",
            self.ready_s, self.first_payment_s, self.idle_mib, self.program_mib
        )
    }
}
