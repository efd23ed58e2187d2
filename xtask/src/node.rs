//! Node and npm: the one thing besides Rust that has to be on the machine.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::repository::Repository;
use crate::stamp::{self, Stamp};

/// The oldest Node that has everything we use (`--test-timeout` is the youngest of it).
const OLDEST: (u32, u32) = (20, 11);

/// Says what is missing if Node is not there or too old.
pub fn require() -> Result<()> {
    let (major, minor) = OLDEST;
    let answer = process::output(Command::new("node").arg("--version"));
    let answer = answer.with_context(|| format!("install Node {major}.{minor} or newer"))?;
    let Some(version) = parse(&answer) else {
        bail!("node --version says {answer:?}")
    };
    if version < OLDEST {
        bail!(
            "Node {major}.{minor} or newer is needed, this is {}",
            answer.trim()
        );
    }
    Ok(())
}

fn parse(answer: &str) -> Option<(u32, u32)> {
    let mut numbers = answer
        .trim()
        .strip_prefix('v')?
        .split('.')
        .map(str::parse::<u32>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// `npm` in a folder, without the questions and adverts.
pub fn npm(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(folder).args(arguments);
    command
        .env("NPM_CONFIG_AUDIT", "false")
        .env("NPM_CONFIG_FUND", "false");
    command.env("NPM_CONFIG_UPDATE_NOTIFIER", "false");
    command
}

/// Installs exactly what the folder's lock file names, unless that is installed already.
pub fn install(repository: &Repository, folder: &Path) -> Result<()> {
    require()?;
    let lock = folder.join("package-lock.json");
    if !lock.is_file() {
        bail!(
            "{} is absent: run npm install there once and commit it",
            lock.display()
        );
    }
    let manifest = folder.join("package.json");
    let stamp = Stamp {
        file: folder.join("node_modules").join(".altyn-stamp"),
        digest: stamp::digest_of_files([&manifest, &lock])?,
        lock: repository.scratch("npm.lock"),
    };
    stamp.unless_done(|| process::run(&mut npm(folder, &["ci"])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(parse("v20.20.2\n"), Some((20, 20)));
        assert_eq!(parse("v22.1.0-nightly"), Some((22, 1)));
        assert_eq!(parse("node 20"), None);
        assert!(parse("v18.19.0").is_some_and(|version| version < OLDEST));
    }
}
