//! `cargo xtask tidy`: the rules of the house that a program can check.

mod borders;
mod lengths;
mod migrations;
mod paths;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::report::{Done, Steps};
use crate::repository::Repository;
use crate::{assets, process};

/// What `cargo xtask tidy` is told.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Write down what is new and allowed: new migrations, shorter functions and files
    #[arg(long)]
    bless: bool,
    /// With --bless: write down new long functions and files as well
    #[arg(long, requires = "bless")]
    force: bool,
}

/// Runs every check.
pub fn run(repository: &Repository, arguments: &Arguments) -> Result<ExitCode> {
    if arguments.bless {
        migrations::bless(repository)?;
        lengths::bless(repository, arguments.force)?;
    }
    let mut steps = Steps::new(false);
    add_steps(repository, &mut steps);
    println!("{}", steps.summary());
    Ok(if steps.failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The checks, quick ones first. All of them run: they find different things.
pub fn add_steps(repository: &Repository, steps: &mut Steps) {
    let keep_going = steps.keep_going(true);
    steps.run("borders", || verdict(borders::check(repository)?));
    steps.run("migrations", || migrations(repository));
    steps.run("lengths", || verdict(lengths::check(repository)?));
    steps.run("paths", || verdict(paths::check(repository)?));
    steps.run("format", || {
        process::run(&mut repository.cargo(&["fmt", "--all", "--check"])).map(|()| Done::Plain)
    });
    steps.run("licences", || licences(repository));
    // Clippy compiles, and what is compiled may take the built browser programs in.
    steps.run("assets", || assets::build(repository));
    steps.run("scripts", || assets::check(repository));
    steps.run("clippy", || {
        let arguments = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ];
        process::run(&mut repository.cargo(&arguments)).map(|()| Done::Plain)
    });
    steps.keep_going(keep_going);
}

fn migrations(repository: &Repository) -> Result<Done> {
    if !migrations::exist(repository) {
        return Ok(Done::Skipped("there are none".to_owned()));
    }
    verdict(migrations::check(repository)?)
}

fn verdict(offences: Vec<String>) -> Result<Done> {
    if offences.is_empty() {
        return Ok(Done::Plain);
    }
    for offence in &offences {
        println!("{offence}");
    }
    bail!("{} found", offences.len())
}

fn licences(repository: &Repository) -> Result<Done> {
    if process::find("cargo-deny").is_none() {
        let reason = "cargo-deny is not here (cargo install --locked cargo-deny)";
        return Ok(Done::Skipped(reason.to_owned()));
    }
    let arguments = ["deny", "check", "licenses", "bans", "sources"];
    process::run(&mut repository.cargo(&arguments)).map(|()| Done::Plain)
}
