//! `cargo xtask demo`: everything built, then `altyn demo` in our place.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::repository::Repository;
use crate::{assets, process};

/// What `cargo xtask demo` is told.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Arguments of `altyn demo`; see `cargo xtask demo -- --help`
    /// [default: --listen 127.0.0.1:8080 --data ./altyn-demo]
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    demo: Vec<OsString>,
}

/// Builds, then becomes `altyn demo`, which so gets Ctrl-C and ends as if called by hand.
///
/// The dev profile: a first release build would take several times as long, and `cargo xtask test`
/// uses the same files.
pub fn run(repository: &Repository, arguments: &Arguments) -> Result<()> {
    for program in PROGRAMS {
        if !repository.builds_program(program) {
            bail!("no package of the workspace builds the program {program}");
        }
    }
    assets::build(repository)?;
    println!("building altyn and altyn-simulator (dev profile)");
    process::run(&mut build(repository))?;
    let mut command = Command::new(repository.program("altyn"));
    command.arg("demo").args(with_defaults(&arguments.demo));
    command.env("ALTYN_SIMULATOR_BIN", repository.program("altyn-simulator"));
    println!("$ {}", process::line(&command));
    Err(command.exec()).with_context(|| format!("cannot start {}", process::line(&command)))
}

/// The programs of an installation to try out.
pub const PROGRAMS: [&str; 2] = ["altyn", "altyn-simulator"];

/// The command that builds all of [`PROGRAMS`] that exist, as tests and the demo need them.
pub fn build(repository: &Repository) -> Command {
    repository.cargo(&["build", "--workspace", "--bins"])
}

fn with_defaults(given: &[OsString]) -> Vec<OsString> {
    let mut all = given.to_vec();
    for (name, value) in [("--listen", "127.0.0.1:8080"), ("--data", "./altyn-demo")] {
        let assigned = format!("{name}=");
        let is_it = |word: &OsString| {
            word == name
                || word
                    .to_str()
                    .is_some_and(|text| text.starts_with(&assigned))
        };
        if !given.iter().any(is_it) {
            all.extend([name.into(), value.into()]);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(given: &[&str]) -> Vec<OsString> {
        given.iter().map(Into::into).collect()
    }

    #[test]
    fn defaults_stand_where_nothing_was_said() {
        let all = with_defaults(&[]);
        assert_eq!(
            all,
            words(&["--listen", "127.0.0.1:8080", "--data", "./altyn-demo"])
        );
        let all = with_defaults(&words(&["--data=/tmp/x", "--manual-clock"]));
        let expected = [
            "--data=/tmp/x",
            "--manual-clock",
            "--listen",
            "127.0.0.1:8080",
        ];
        assert_eq!(all, words(&expected));
        let all = with_defaults(&words(&["--listen", "[::1]:9", "--data", "y"]));
        assert_eq!(all, words(&["--listen", "[::1]:9", "--data", "y"]));
    }
}
