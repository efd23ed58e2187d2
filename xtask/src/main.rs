//! The build helper of Altyn, run as `cargo xtask …`.
//!
//! Two commands are promised to everybody: `demo` starts a complete installation to click through,
//! and `test` runs every check there is. What they need beyond Rust and Node is installed or asked
//! for with the exact command. Nothing here is part of the gateway.

mod assets;
mod bench;
mod counts;
mod demo;
mod install;
mod node;
mod postgres;
mod postgres_command;
mod process;
mod report;
mod repository;
mod scripts;
mod secrecy;
mod stamp;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use report::Done;
use repository::Repository;

#[derive(Parser)]
#[command(name = "cargo xtask", about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything and start a demo installation to click through
    Demo(demo::Arguments),
    /// Run every check and test; the last line is `N passed, N failed`
    Test(test::Arguments),
    /// Measure the release build on both databases against a yardstick of the same run
    Bench(bench::Arguments),
    /// Check the rules of the house
    Tidy(tidy::Arguments),
    /// Build the browser programs of apps/
    Assets,
    /// Run a command with ALTYN_TEST_POSTGRES_URL leading to a private PostgreSQL cluster
    Postgres(postgres_command::Arguments),
    /// Keep a private PostgreSQL cluster for another call of this program
    #[command(hide = true)]
    PostgresGuard(postgres::GuardArguments),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Demo(arguments) => {
            demo::run(&Repository::load()?, &arguments)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Test(arguments) => test::run(&Repository::load()?, &arguments),
        Command::Bench(arguments) => bench::run(&Repository::load()?, &arguments),
        Command::Tidy(arguments) => tidy::run(&Repository::load()?, &arguments),
        Command::Assets => {
            if let Done::Skipped(reason) = assets::build(&Repository::load()?)? {
                println!("skipped: {reason}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Postgres(arguments) => postgres_command::run(&arguments),
        Command::PostgresGuard(arguments) => {
            postgres::guard(&arguments)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
