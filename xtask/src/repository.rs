//! Where the parts of this checkout are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};

use crate::process;

/// The checkout that `cargo xtask` was called in.
pub struct Repository {
    /// The folder of the root manifest.
    pub root: PathBuf,
    /// Cargo's build folder, wherever it was configured to be.
    pub target: PathBuf,
    /// The workspace's own packages as they declare themselves; nothing is resolved or downloaded.
    pub metadata: Metadata,
}

impl Repository {
    /// Asks cargo about the workspace that surrounds the working directory.
    pub fn load() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .no_deps()
            .exec()
            .context("cannot read the workspace: call cargo xtask inside the checkout")?;
        Ok(Self {
            root: metadata.workspace_root.clone().into_std_path_buf(),
            target: metadata.target_directory.clone().into_std_path_buf(),
            metadata,
        })
    }

    /// A path inside the checkout.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// A file of our own among what is built: locks, reports of test runners.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.target.join("xtask").join(name)
    }

    /// `cargo` in the root of the checkout, free of what `cargo run` told this program about itself.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = process::cargo();
        command.current_dir(&self.root).args(arguments);
        command
    }

    /// The built program of that name, whether it exists or not.
    pub fn program(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// Does any package of the workspace build a program of that name?
    pub fn builds_program(&self, name: &str) -> bool {
        let mut targets = self
            .metadata
            .packages
            .iter()
            .flat_map(|package| &package.targets);
        targets.any(|target| target.is_bin() && target.name == name)
    }

    /// Paths that git tracks or would track, relative to the root, in git's order.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        let mut command = Command::new("git");
        command.current_dir(&self.root);
        command.args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let listing = process::output(&mut command)?;
        let mut files: Vec<PathBuf> = listing
            .split('\0')
            .filter(|name| !name.is_empty())
            .map(PathBuf::from)
            .collect();
        files.retain(|file| self.root.join(file).is_file());
        files.dedup();
        Ok(files)
    }
}
