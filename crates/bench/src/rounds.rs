//! The order of things: yardstick, register.do on each database, payments on each database, sales at the
//! Gate on each database, and again, so that whatever else the machine does hits all alike.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::checks::Findings;
use crate::gate;
use crate::goals::{self, MILLION};
use crate::installation::{Installation, Stage, Stopped};
use crate::results::{Cell, Results, Sample, Store, What};
use crate::shop::Job;
use crate::visitor::Task;
use crate::yardstick::{self, Yardstick};

/// What is measured, and how often.
pub struct Plan {
    /// The databases.
    pub stores: Vec<Store>,
    /// The numbers of callers.
    pub callers: Vec<usize>,
    /// How long each load lasts.
    pub length: Duration,
    /// How often everything is done.
    pub runs: u32,
    /// Whether databases with a million payments are measured beside the empty ones.
    pub million: bool,
    /// The program `pgbench`, if there is one.
    pub pgbench: Option<PathBuf>,
}

/// Loads on one installation, one after another.
type Loads = [(What, Task)];

const REGISTERING: &Loads = &[
    (What::Register, Task::Shop(Job::Register)),
    (What::Refused, Task::Shop(Job::Refused)),
];
const PAYING: &Loads = &[
    (What::Pay, Task::Shop(Job::Pay)),
    (What::Status, Task::Shop(Job::Status)),
];
const SELLING: &Loads = &[
    (What::Sale, Task::Gate(gate::Job::Sale)),
    (What::GateStatus, Task::Gate(gate::Job::Status)),
];

/// Does everything; what was wrong on the way comes back in words.
pub async fn run(plan: &Plan, stage: &Stage<'_>) -> Result<(Results, Findings)> {
    let mut rounds = Rounds {
        plan,
        stage,
        results: Results::default(),
        findings: Findings::default(),
    };
    let yardstick = Yardstick::new(stage.postgres.create("yardstick").await?);
    let mut grown = Vec::new();
    if plan.million {
        for &store in &plan.stores {
            eprintln!("filling {} with {MILLION} payments", store.name());
            let name = format!("million_{}", store.name().to_lowercase());
            grown.push(Some(
                Installation::prefilled(stage, store, &name, MILLION).await?,
            ));
        }
    }
    for run in 1..=plan.runs {
        eprintln!("run {run} of {}", plan.runs);
        rounds.yardstick(&yardstick).await?;
        for loads in [REGISTERING, PAYING, SELLING] {
            for (index, &store) in plan.stores.iter().enumerate() {
                rounds.empty(store, loads).await?;
                if let Some(place) = grown.get_mut(index)
                    && let Some(stopped) = place.take()
                {
                    let last = run == plan.runs && loads == SELLING;
                    *place = Some(rounds.grown(stopped, loads, last).await?);
                }
            }
        }
    }
    for stopped in grown.into_iter().flatten() {
        stopped.remove(stage).await?;
    }
    Ok((rounds.results, rounds.findings))
}

struct Rounds<'a> {
    plan: &'a Plan,
    stage: &'a Stage<'a>,
    results: Results,
    findings: Findings,
}

impl Rounds<'_> {
    async fn yardstick(&mut self, yardstick: &Yardstick) -> Result<()> {
        let mut best: Option<(usize, Sample)> = None;
        for connections in yardstick::CONNECTIONS {
            let sample = self.naive(yardstick, connections).await?;
            self.results
                .add(Cell::of_database(What::Naive, connections), sample);
            if best.is_none_or(|(_, known)| sample.per_second > known.per_second) {
                best = Some((connections, sample));
            }
        }
        // The number of connections differs from run to run; one line holds them all.
        let (_, best) = best.context("no yardstick")?;
        self.results
            .add(Cell::of_database(What::Yardstick, 0), best);
        if let Some(pgbench) = &self.plan.pgbench {
            let per_second = yardstick
                .measure_by_pgbench(pgbench, self.plan.length)
                .await?;
            let sample = Sample {
                per_second,
                ..Sample::default()
            };
            let callers = yardstick::PGBENCH_CONNECTIONS;
            self.results
                .add(Cell::of_database(What::Pgbench, callers), sample);
        }
        Ok(())
    }

    async fn naive(&self, yardstick: &Yardstick, connections: usize) -> Result<Sample> {
        let postgres = self.stage.postgres;
        let (cpu, wal) = (postgres.cpu_us(), postgres.wal_bytes().await?);
        let outcome = yardstick.measure(connections, self.plan.length).await?;
        let each = |amount: u64| {
            Some(crate::load::count(amount) / crate::load::count(outcome.done.max(1)))
        };
        Ok(Sample {
            per_second: outcome.per_second(),
            p50_ms: Some(outcome.quantile_ms(0.5)),
            p99_ms: Some(outcome.quantile_ms(0.99)),
            database_us: each(postgres.cpu_us().saturating_sub(cpu)),
            wal_bytes: each(postgres.wal_bytes().await?.saturating_sub(wal)),
            ..Sample::default()
        })
    }

    /// An installation with empty tables, made for these loads and removed after them.
    async fn empty(&mut self, store: Store, loads: &Loads) -> Result<()> {
        let name = format!("empty_{}", store.name().to_lowercase());
        let mut installation = Installation::fresh(self.stage, store, &name).await?;
        for &(what, task) in loads {
            // Reading and authenticating does not depend on the database.
            if what == What::Refused && store != self.plan.stores[0] {
                continue;
            }
            for callers in in_order(&self.plan.callers) {
                self.load(&mut installation, what, task, 0, callers).await?;
            }
        }
        self.findings.extend(installation.check(self.stage).await?);
        installation
            .stop(self.stage)
            .await?
            .remove(self.stage)
            .await
    }

    /// The installation with many payments, which stays for the next run.
    async fn grown(&mut self, stopped: Stopped, loads: &Loads, last: bool) -> Result<Stopped> {
        let mut installation = stopped.start(self.stage).await?;
        for &(what, task) in loads {
            if what != What::Refused {
                self.load(&mut installation, what, task, MILLION, goals::CALLERS)
                    .await?;
            }
        }
        // An audit of a million payments takes a while, and holds for all runs before it too.
        if last {
            self.findings.extend(installation.check(self.stage).await?);
        }
        installation.stop(self.stage).await
    }

    async fn load(
        &mut self,
        installation: &mut Installation,
        what: What,
        task: Task,
        rows: u32,
        callers: usize,
    ) -> Result<()> {
        let cell = Cell {
            what,
            store: Some(installation.store()),
            rows,
            callers,
        };
        let measured = installation.measure(self.stage, task, callers).await?;
        eprintln!(
            "  {:<43}{callers:>5} callers {:>10.0} per second",
            cell.name(),
            measured.sample.per_second
        );
        self.results.add(cell, measured.sample);
        if let Some(answer) = measured.answer {
            let what = What::SaleAnswer;
            self.results.add(Cell { what, ..cell }, answer);
        }
        self.findings.extend(measured.findings);
        Ok(())
    }
}

/// The number that the goals are about comes first: it is the one that begins with empty tables.
fn in_order(callers: &[usize]) -> Vec<usize> {
    let mut callers = callers.to_vec();
    callers.sort_by_key(|&callers| (callers != goals::CALLERS, callers));
    callers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_that_goals_are_about_comes_first() {
        assert_eq!(in_order(&[1, 16, 64, 256]), [64, 1, 16, 256]);
        assert_eq!(in_order(&[8, 1]), [1, 8]);
    }
}
