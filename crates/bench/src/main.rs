//! `altyn-bench`: the load generator and the yardsticks of `cargo xtask bench`.
//!
//! It measures the gateway from outside, as a shop would see it, on a machine that it shares with the
//! database and the simulated bank. Its figures are ratios first: all are taken in one run, in turns, and
//! compared with what the same PostgreSQL does for a payment written naively. It depends on none of the
//! gateway's own crates, starts the programs that it measures, uses only this machine, and leaves
//! nothing behind.

mod checks;
mod gate;
mod gateway;
mod goals;
mod http;
mod ids;
mod installation;
mod json;
mod load;
mod machine;
mod partner;
mod postgres;
mod prefill;
mod process;
mod profile;
mod receiver;
mod results;
mod rounds;
mod shop;
mod signature;
mod start;
mod table;
mod visitor;
mod yardstick;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;

use checks::Findings;
use gateway::Bank;
use goals::{Goal, Verdict};
use installation::Stage;
use machine::Machine;
use postgres::Postgres;
use profile::Profile;
use receiver::Receiver;
use results::{Results, Store};
use rounds::Plan;
use start::Start;

/// What is measured, with what, and where to.
#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// Folder with the programs altyn and altyn-simulator
    #[arg(long)]
    programs: PathBuf,
    /// Superuser's address of a PostgreSQL cluster of its own
    #[arg(long)]
    postgres: String,
    /// The program pgbench
    #[arg(long)]
    pgbench: Option<PathBuf>,
    /// Folder for data directories (default: the system's for temporary files)
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Only this database
    #[arg(long, value_enum)]
    store: Option<Store>,
    /// Numbers of callers
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256")]
    callers: Vec<usize>,
    /// Seconds that each load lasts
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often everything is measured; medians are shown
    #[arg(long, default_value_t = 3)]
    runs: u32,
    /// Measure databases with a million payments too
    #[arg(long)]
    million: bool,
    /// Write the figures as JSON to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write profiles of the loads with 64 callers into this folder
    #[arg(long)]
    profile: Option<PathBuf>,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and prints; false if a figure is below its floor or something was wrong.
async fn run(arguments: Arguments) -> Result<bool> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("altyn-bench-");
    let folder = match &arguments.folder {
        Some(folder) => builder.tempdir_in(folder)?,
        None => builder.tempdir()?,
    };
    let postgres = Postgres::open(&arguments.postgres).await?;
    let machine = Machine::look(folder.path(), postgres.version().await?)?;
    eprintln!("{}", machine.line());
    let start = Start::measure(&arguments.programs, folder.path(), arguments.runs).await?;
    eprintln!("{}", start.line());
    let bank = Bank::start(&arguments.programs).await?;
    let receiver = Receiver::start().await?;
    let profile = arguments.profile.clone().map(Profile::new).transpose()?;
    let length = Duration::from_secs(arguments.seconds);
    let stage = Stage {
        programs: &arguments.programs,
        folder: folder.path(),
        postgres: &postgres,
        bank: &bank,
        receiver: &receiver,
        length,
        profile: profile.as_ref(),
    };
    let plan = Plan {
        stores: arguments
            .store
            .map_or_else(|| vec![Store::Postgres, Store::Sqlite], |one| vec![one]),
        callers: arguments.callers.clone(),
        length,
        runs: arguments.runs,
        million: arguments.million,
        pgbench: arguments.pgbench.clone(),
    };
    let (results, findings) = rounds::run(&plan, &stage).await?;
    let goals = goals::all(&results, &start);
    println!(
        "{}",
        table::render(&machine, &start, &results, &goals, &findings)
    );
    if let Some(file) = &arguments.json {
        let json = json(&machine, &start, &results, &goals, &findings);
        std::fs::write(file, json?).with_context(|| file.display().to_string())?;
    }
    folder.close()?;
    let low = goals
        .iter()
        .any(|goal| goal.verdict() == Verdict::BelowFloor);
    Ok(findings.problems.is_empty() && !low)
}

fn json(
    machine: &Machine,
    start: &Start,
    results: &Results,
    goals: &[Goal],
    findings: &Findings,
) -> Result<String> {
    let yardstick = results.yardstick();
    let lines: Vec<_> = results
        .lines()
        .map(|(cell, median, runs)| {
            serde_json::json!({
                "name": cell.name(),
                "cell": cell,
                "median": median,
                "times_yardstick": yardstick.map(|yardstick| median.per_second / yardstick),
                "runs": runs,
            })
        })
        .collect();
    let whole = serde_json::json!({
        "machine": machine,
        "start": start,
        "yardstick_per_second": yardstick,
        "lines": lines,
        "goals": goals,
        "problems": findings.problems,
        "notes": findings.notes,
    });
    Ok(serde_json::to_string_pretty(&whole)?)
}
