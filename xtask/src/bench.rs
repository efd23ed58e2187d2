//! `cargo xtask bench`: release programs, a private PostgreSQL cluster, and `altyn-bench` on both.
//!
//! The measuring itself is a program of its own, so that this one stays quick to build.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::postgres::{self, Cluster, Settings};
use crate::repository::Repository;
use crate::{assets, process};

/// The programs that are measured, and the one that measures.
const PACKAGES: [&str; 3] = ["altyn-server", "altyn-simulator", "altyn-bench"];

/// Everything that makes an answered request durable is on; nothing is tuned beyond the sizes.
const PARAMETERS: [&str; 4] = [
    "shared_buffers=2GB",
    "max_wal_size=8GB",
    "synchronous_commit=on",
    "full_page_writes=on",
];

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Store {
    Postgres,
    Sqlite,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Rows {
    /// Only databases that are empty at first
    #[value(name = "0")]
    None,
    /// Databases with a million payments beside them
    #[value(name = "1m")]
    Million,
}

/// What `cargo xtask bench` is told.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only this database (the yardstick is PostgreSQL's in any case)
    #[arg(long, value_enum)]
    store: Option<Store>,
    /// Numbers of callers [default: 1,16,64,256]
    #[arg(long, value_delimiter = ',')]
    callers: Vec<u32>,
    /// Seconds that each load lasts [default: 5]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: Option<u32>,
    /// How often everything is measured; medians are shown [default: 3]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: Option<u32>,
    /// Payments that are there before
    #[arg(long, value_enum, default_value = "0")]
    rows: Rows,
    /// A first impression: 2 seconds, 1 run, 1 and 64 callers, unless these are given
    #[arg(long)]
    quick: bool,
    /// Write the figures as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Show where the time goes with 64 callers: `perf` and the database's own statistics
    #[arg(long)]
    profile: bool,
}

/// Builds, measures, prints one table; fails if a figure is below its floor.
pub fn run(repository: &Repository, arguments: &Arguments) -> Result<ExitCode> {
    assets::build(repository)?;
    let profile = if arguments.profile {
        "profiling"
    } else {
        "release"
    };
    process::run(&mut build(repository, profile))?;
    let cluster = Cluster::start(&Settings {
        parent: None,
        parameters: parameters(arguments.profile),
    })?;
    let programs = repository.target.join(profile);
    let mut command = Command::new(programs.join("altyn-bench"));
    command.arg("--programs").arg(&programs);
    command.args(["--postgres", cluster.url()]);
    let pgbench = postgres::find_binaries()?.join("pgbench");
    if pgbench.is_file() {
        command.arg("--pgbench").arg(pgbench);
    }
    command.args(words(arguments));
    if arguments.profile {
        command
            .arg("--profile")
            .arg(repository.scratch("bench-profile"));
    }
    println!("$ {}", process::line(&command));
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", process::line(&command)))?;
    cluster.stop()?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn build(repository: &Repository, profile: &str) -> Command {
    let mut command = repository.cargo(&["build", "--bins", "--profile", profile]);
    for package in PACKAGES {
        command.args(["--package", package]);
    }
    command
}

fn parameters(profile: bool) -> Vec<String> {
    let mut parameters: Vec<String> = PARAMETERS.map(str::to_owned).to_vec();
    if profile {
        parameters.push("shared_preload_libraries=pg_stat_statements".to_owned());
    }
    parameters
}

/// What was asked for, in the words of `altyn-bench`.
fn words(arguments: &Arguments) -> Vec<String> {
    let quick = |wanted: Option<u32>, normal: u32, quick: u32| {
        let usual = if arguments.quick { quick } else { normal };
        wanted.unwrap_or(usual).to_string()
    };
    let callers = match (arguments.callers.as_slice(), arguments.quick) {
        ([], true) => "1,64".to_owned(),
        ([], false) => "1,16,64,256".to_owned(),
        (callers, _) => {
            let callers: Vec<String> = callers.iter().map(u32::to_string).collect();
            callers.join(",")
        }
    };
    let mut words = vec!["--callers".to_owned(), callers];
    words.extend(["--seconds".to_owned(), quick(arguments.seconds, 5, 2)]);
    words.extend(["--runs".to_owned(), quick(arguments.runs, 3, 1)]);
    if let Some(store) = arguments.store {
        let store = match store {
            Store::Postgres => "postgres",
            Store::Sqlite => "sqlite",
        };
        words.extend(["--store".to_owned(), store.to_owned()]);
    }
    if arguments.rows == Rows::Million {
        words.push("--million".to_owned());
    }
    if let Some(file) = &arguments.json {
        words.extend(["--json".to_owned(), file.display().to_string()]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn spoken(line: &str) -> String {
        let line = Line::try_parse_from(line.split_whitespace()).unwrap();
        words(&line.arguments).join(" ")
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        assert_eq!(
            spoken("bench"),
            "--callers 1,16,64,256 --seconds 5 --runs 3"
        );
        assert_eq!(
            spoken("bench --quick"),
            "--callers 1,64 --seconds 2 --runs 1"
        );
    }

    #[test]
    fn what_is_said_holds_in_a_quick_run_too() {
        assert_eq!(
            spoken("bench --quick --callers 8,64 --runs 2 --store sqlite --rows 1m --json a.json"),
            "--callers 8,64 --seconds 2 --runs 2 --store sqlite --million --json a.json"
        );
        assert!(Line::try_parse_from(["bench", "--runs", "0"]).is_err());
    }

    #[test]
    fn a_profile_needs_the_statistics_of_statements() {
        assert_eq!(parameters(false).len() + 1, parameters(true).len());
    }
}
