//! `cargo xtask postgres -- COMMAND …`: any command beside a private PostgreSQL cluster.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::postgres::{Cluster, Settings};

/// The variable in which tests look for a PostgreSQL server that they may do anything with.
pub const URL_VARIABLE: &str = "ALTYN_TEST_POSTGRES_URL";

/// What `cargo xtask postgres` is told.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// The command and its own arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Starts a cluster, runs the command, ends the cluster, and ends as the command did.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let cluster = Cluster::start(&arguments.settings)?;
    let mut words = arguments.command.iter();
    let program = words.next().context("no command given")?;
    let mut command = Command::new(program);
    command.args(words).env(URL_VARIABLE, cluster.url());
    let status = command
        .status()
        .with_context(|| format!("cannot start {program:?}"))?;
    cluster.stop()?;
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Ok(ExitCode::from(code))
}
