//! `cargo xtask assets`: the browser programs of `apps/`, built.
//!
//! `apps/` is one npm workspace if it has a `package.json`; otherwise each folder in it that has
//! one stands alone. A part is built by its own `build` script into its `dist/`, and not again
//! until a file of `apps/` changes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::report::Done;
use crate::repository::Repository;
use crate::stamp::{self, Stamp};
use crate::{node, process};

/// Installs and builds what is there.
pub fn build(repository: &Repository) -> Result<Done> {
    let apps = repository.path("apps");
    let parts = parts(&apps)?;
    if parts.is_empty() {
        return Ok(Done::Skipped("there is nothing in apps/".to_owned()));
    }
    let mut sources = repository.files()?;
    sources.retain(|file| file.starts_with("apps"));
    let sources: Vec<PathBuf> = sources.iter().map(|file| repository.path(file)).collect();
    let digest = stamp::digest_of_files(&sources)?;
    let whole = is_package(&apps);
    if whole {
        node::install(repository, &apps)?;
    }
    for part in parts {
        if !whole {
            node::install(repository, &part)?;
        }
        if has_script(&part, "build")? {
            build_part(repository, &part, &digest)?;
        }
    }
    Ok(Done::Plain)
}

/// Runs each part's own checks and tests, after [`build`] has installed what they need.
pub fn check(repository: &Repository) -> Result<Done> {
    for part in parts(&repository.path("apps"))? {
        for script in ["check", "test"] {
            if has_script(&part, script)? {
                process::run(&mut node::npm(&part, &["run", script]))?;
            }
        }
    }
    Ok(Done::Plain)
}

fn build_part(repository: &Repository, part: &Path, digest: &str) -> Result<()> {
    let made = part.join("dist");
    let stamp = Stamp {
        file: part.join("node_modules").join(".altyn-build-stamp"),
        digest: digest.to_owned(),
        lock: repository.scratch("assets.lock"),
    };
    if !made.is_dir() {
        stamp.forget()?;
    }
    stamp.unless_done(|| {
        process::run(&mut node::npm(part, &["run", "build"]))?;
        if !made.is_dir() {
            bail!("the build of {} made no {}", part.display(), made.display());
        }
        Ok(())
    })
}

/// The folders of `apps/` that are npm packages, in the order of their names.
fn parts(apps: &Path) -> Result<Vec<PathBuf>> {
    if !apps.is_dir() {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    for entry in fs::read_dir(apps).context("cannot list apps/")? {
        let folder = entry?.path();
        if is_package(&folder) {
            parts.push(folder);
        }
    }
    parts.sort();
    Ok(parts)
}

fn is_package(folder: &Path) -> bool {
    folder.join("package.json").is_file()
}

fn has_script(folder: &Path, name: &str) -> Result<bool> {
    let file = folder.join("package.json");
    let text = fs::read_to_string(&file)?;
    let manifest: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?;
    Ok(manifest["scripts"].get(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_folders_with_a_manifest() {
        let folder = tempfile::tempdir().unwrap();
        for part in ["widget", "checkout", "notes"] {
            fs::create_dir(folder.path().join(part)).unwrap();
        }
        fs::write(folder.path().join("widget/package.json"), "{}").unwrap();
        let manifest = r#"{"scripts": {"build": "vite build"}}"#;
        fs::write(folder.path().join("checkout/package.json"), manifest).unwrap();

        let parts = parts(folder.path()).unwrap();

        assert_eq!(
            parts,
            [folder.path().join("checkout"), folder.path().join("widget")]
        );
        assert!(has_script(&parts[0], "build").unwrap());
        assert!(!has_script(&parts[1], "build").unwrap());
    }

    #[test]
    fn no_folder_has_no_parts() {
        let folder = tempfile::tempdir().unwrap();
        assert!(parts(&folder.path().join("apps")).unwrap().is_empty());
    }
}
