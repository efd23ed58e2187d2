//! `cargo xtask test`: every check and test, in order.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::counts;
use crate::postgres::{Cluster, Settings};
use crate::postgres_command::URL_VARIABLE;
use crate::process;
use crate::report::{Counts, Done, Steps};
use crate::repository::Repository;

/// What `cargo xtask test` is told.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Also what takes long: sets ALTYN_TEST_FULL=1 for the tests
    #[arg(long)]
    full: bool,
    /// Go on after a failed step
    #[arg(long)]
    keep_going: bool,
}

/// Runs the steps and prints the summary; the code is a failure if any step failed.
pub fn run(repository: &Repository, arguments: &Arguments) -> Result<ExitCode> {
    let mut steps = Steps::new(arguments.keep_going);
    let mut cluster = None;
    let mut variables: Vec<(&'static str, String)> = Vec::new();
    if arguments.full {
        variables.push(("ALTYN_TEST_FULL", "1".to_owned()));
    }
    steps.run("postgres", || {
        let started = Cluster::start(&Settings::default())?;
        println!("{}", started.url());
        variables.push((URL_VARIABLE, started.url().to_owned()));
        cluster = Some(started);
        Ok(Done::Plain)
    });
    steps.run("rust", || rust_tests(repository, &variables));
    drop(cluster);
    println!("{}", steps.summary());
    Ok(if steps.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn rust_tests(repository: &Repository, variables: &[(&'static str, String)]) -> Result<Done> {
    process::run(&mut repository.cargo(&["build", "--workspace", "--bins"]))?;
    let mut command = repository.cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]);
    counted(command.envs(variables.iter().cloned()), counts::of_nextest_line)
}

fn counted(command: &mut Command, read: impl Fn(&str) -> Option<Counts>) -> Result<Done> {
    let mut all: Option<Counts> = None;
    let status = process::watch(command, &mut |line| {
        if let Some(counts) = read(line) {
            *all.get_or_insert_default() += counts;
        }
    })?;
    let counts = all.with_context(|| format!("{} ran no tests", process::line(command)))?;
    if counts.failed == 0 {
        process::require(command, status)?;
    }
    Ok(Done::Counted(counts))
}
