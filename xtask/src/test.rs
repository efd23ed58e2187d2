//! `cargo xtask test`: every check and test, in order.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::postgres::{Cluster, Settings};
use crate::postgres_command::URL_VARIABLE;
use crate::report::{Counts, Done, Steps};
use crate::repository::Repository;
use crate::scripts::{self, Scripts};
use crate::{assets, counts, demo, process, secrecy, tidy};

/// What `cargo xtask test` is told.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Also what takes long: sets ALTYN_TEST_FULL=1 for the tests
    #[arg(long)]
    full: bool,
    /// Only this part, and what it needs
    #[arg(long, value_name = "PART")]
    only: Option<Part>,
    /// Go on after a failed step
    #[arg(long)]
    keep_going: bool,
}

/// A part that can be run alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The rules of the house, clippy included
    Tidy,
    /// The tests of the crates, documentation's examples included
    Rust,
    /// Published clients in other languages against a demo installation
    Clients,
    /// The pages in a real browser
    Browser,
}

/// Variables for every test.
type Variables = Vec<(&'static str, String)>;

/// Runs the steps and prints the summary; the code is a failure if any step failed.
pub fn run(repository: &Repository, arguments: &Arguments) -> Result<ExitCode> {
    let mut steps = Steps::new(arguments.keep_going);
    let wanted = |part: Part| arguments.only.is_none_or(|only| only == part);
    if wanted(Part::Tidy) {
        tidy::add_steps(repository, &mut steps);
    } else {
        steps.run("assets", || assets::build(repository));
    }
    if arguments.only != Some(Part::Tidy) {
        let mut variables = variables(repository, arguments.full);
        let mut cluster = None;
        steps.run("postgres", || start(&mut cluster, &mut variables));
        let mut left = None;
        steps.run("artifacts", || {
            let folder = secrecy::folder(repository)?;
            variables.push((secrecy::VARIABLE, folder.display().to_string()));
            left = Some(folder);
            Ok(Done::Plain)
        });
        steps.run("build", || {
            process::run(&mut demo::build(repository)).map(|()| Done::Plain)
        });
        let scripts = Scripts::new(repository);
        if wanted(Part::Rust) {
            // Tests of the crates run the example connector.
            steps.run("python", || {
                let python = scripts.python()?.display().to_string();
                variables.push((scripts::PYTHON_VARIABLE, python));
                Ok(Done::Plain)
            });
            steps.run("rust", || rust(repository, &variables));
            steps.run("examples", || examples(repository, &variables));
        }
        if wanted(Part::Clients) {
            steps.run("clients", || scripts.run("clients", &variables));
        }
        if wanted(Part::Browser) {
            steps.run("browser", || scripts.run("browser", &variables));
        }
        steps.run("secrecy", || {
            let folder = left.as_ref().context("no folder of artifacts")?;
            secrecy::search(repository, folder)
        });
        // It would stop by itself later, but the summary shall be the last that is said.
        drop(cluster);
    }
    println!("{}", steps.summary());
    Ok(if steps.failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn variables(repository: &Repository, full: bool) -> Variables {
    let path = |path: &Path| path.display().to_string();
    let mut variables = vec![
        ("ALTYN_BIN", path(&repository.program("altyn"))),
        (
            "ALTYN_SIMULATOR_BIN",
            path(&repository.program("altyn-simulator")),
        ),
    ];
    if full {
        variables.push(("ALTYN_TEST_FULL", "1".to_owned()));
    }
    variables
}

fn start(cluster: &mut Option<Cluster>, variables: &mut Variables) -> Result<Done> {
    let started = Cluster::start(&Settings::default())?;
    println!("{}", started.url());
    variables.push((URL_VARIABLE, started.url().to_owned()));
    *cluster = Some(started);
    Ok(Done::Plain)
}

/// The tests of all crates, by nextest if it is there.
fn rust(repository: &Repository, variables: &Variables) -> Result<Done> {
    if process::find("cargo-nextest").is_some() {
        let config = repository.path("xtask/nextest.toml").display().to_string();
        let arguments = [
            "nextest",
            "run",
            "--workspace",
            "--no-fail-fast",
            "--config-file",
            &config,
        ];
        let mut command = repository.cargo(&arguments);
        return counted(command.envs(variables.clone()), counts::of_nextest_line);
    }
    let arguments = [
        "test",
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
        "--no-fail-fast",
    ];
    counted(
        repository.cargo(&arguments).envs(variables.clone()),
        counts::of_cargo_line,
    )
}

/// The examples in the documentation, which only cargo's own runner knows.
fn examples(repository: &Repository, variables: &Variables) -> Result<Done> {
    let mut command = repository.cargo(&["test", "--workspace", "--doc", "--no-fail-fast"]);
    counted(command.envs(variables.clone()), counts::of_cargo_line)
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
