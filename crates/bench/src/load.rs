//! Closed-loop load: each caller sends, waits for the answer, and sends again until the time is over.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

/// The longest latency that is told apart, in microseconds.
const LATENCY_MAX_US: u64 = 120_000_000;

/// Somebody who does one thing again and again.
pub trait Caller: Send + 'static {
    /// Does it once; an error ends this caller.
    fn once(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// What came of a load.
pub struct Outcome<C> {
    /// Calls that were answered as they should be.
    pub done: u64,
    /// What went wrong, in the words of each caller that stopped early.
    pub failures: Vec<String>,
    /// From the start to the last answer.
    pub elapsed: Duration,
    /// Latencies in microseconds.
    pub latencies: Histogram<u64>,
    /// The callers as they ended.
    pub callers: Vec<C>,
}

impl<C> Outcome<C> {
    /// Calls per second.
    pub fn per_second(&self) -> f64 {
        count(self.done) / self.elapsed.as_secs_f64()
    }

    /// The latency in milliseconds that this share of the calls stayed under.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        quantile_ms(&self.latencies, share)
    }
}

/// The latency in milliseconds that this share stayed under.
pub fn quantile_ms(latencies: &Histogram<u64>, share: f64) -> f64 {
    count(latencies.value_at_quantile(share)) / 1_000.0
}

/// A count as a number to calculate with; none here comes near 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a benchmark are far below 2^53"
)]
pub fn count(number: u64) -> f64 {
    number as f64
}

/// Lets all callers loose for `length`; what is under way then is waited for and counted.
pub async fn run<C: Caller>(callers: Vec<C>, length: Duration) -> Result<Outcome<C>> {
    let mut outcome = Outcome {
        done: 0,
        failures: Vec::new(),
        elapsed: Duration::ZERO,
        latencies: new_histogram()?,
        callers: Vec::with_capacity(callers.len()),
    };
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in callers {
        tasks.spawn(drive(caller, start + length));
    }
    while let Some(driven) = tasks.join_next().await {
        let driven = driven.context("a caller broke")??;
        outcome.done += driven.latencies.len();
        outcome.latencies.add(&driven.latencies)?;
        outcome.failures.extend(driven.failure);
        outcome.callers.push(driven.caller);
    }
    outcome.elapsed = start.elapsed();
    Ok(outcome)
}

struct Driven<C> {
    caller: C,
    latencies: Histogram<u64>,
    failure: Option<String>,
}

async fn drive<C: Caller>(mut caller: C, end: Instant) -> Result<Driven<C>> {
    let mut latencies = new_histogram()?;
    let mut failure = None;
    let mut before = Instant::now();
    while before < end {
        if let Err(error) = caller.once().await {
            failure = Some(format!("{error:#}"));
            break;
        }
        let after = Instant::now();
        let us = u64::try_from((after - before).as_micros()).unwrap_or(u64::MAX);
        latencies.saturating_record(us);
        before = after;
    }
    Ok(Driven {
        caller,
        latencies,
        failure,
    })
}

/// An empty histogram of latencies in microseconds.
pub fn new_histogram() -> Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, LATENCY_MAX_US, 3).context("a histogram cannot be made")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counter {
        left: u32,
    }

    impl Caller for Counter {
        async fn once(&mut self) -> Result<()> {
            self.left = self.left.checked_sub(1).context("none left")?;
            tokio::task::yield_now().await;
            Ok(())
        }
    }

    #[tokio::test]
    async fn every_call_is_counted_and_failures_are_told() {
        let callers = vec![Counter { left: 10 }, Counter { left: 5 }];
        let outcome = run(callers, Duration::from_secs(60)).await.unwrap();
        assert_eq!(outcome.done, 15);
        assert_eq!(outcome.failures, ["none left", "none left"]);
        assert_eq!(outcome.callers.len(), 2);
        assert!(outcome.per_second() > 0.0);
    }

    #[tokio::test]
    async fn the_load_ends_when_its_time_is_over() {
        let outcome = run(vec![Counter { left: u32::MAX }], Duration::from_millis(20))
            .await
            .unwrap();
        assert!(outcome.failures.is_empty());
        assert!(outcome.elapsed >= Duration::from_millis(20));
        assert!(outcome.quantile_ms(0.5) <= outcome.quantile_ms(0.99));
    }
}
