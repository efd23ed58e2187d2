//! Programs of the operating system: found, installed when that is possible, else asked for.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use anyhow::{Context, Result, bail};

use crate::process;

/// Finds a program with `find`; if it is absent, installs the Debian packages and looks again.
///
/// Only root on a Debian system installs. Everybody else is told the exact command.
pub fn find_or_install(
    what: &str,
    packages: &[&str],
    find: impl Fn() -> Option<PathBuf>,
) -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    if !is_debian() {
        bail!("{what} is not installed. Install it with this system's package manager");
    }
    if !is_root()? {
        bail!(
            "{what} is not installed. Run: sudo apt-get install -y {}",
            packages.join(" ")
        );
    }
    apt_get_install(packages)?;
    find().with_context(|| format!("{what} is still absent after installing {packages:?}"))
}

/// Are we the superuser?
pub fn is_root() -> Result<bool> {
    Ok(process::output(Command::new("id").arg("-u"))?.trim() == "0")
}

fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists() && process::find("apt-get").is_some()
}

fn apt_get_install(packages: &[&str]) -> Result<()> {
    static UPDATE: Once = Once::new();
    // Lists may be absent in a fresh container; a failing update shows itself in the install.
    UPDATE.call_once(|| {
        if let Err(error) = process::run(apt_get().args(["-q", "update"])) {
            println!("{error:#}");
        }
    });
    process::run(
        apt_get()
            .args(["-q", "install", "-y", "--no-install-recommends"])
            .args(packages),
    )
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}
