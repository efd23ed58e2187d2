//! Migrations: both databases have the same files, and an applied one is never edited.
//!
//! `xtask/migrations.lock` keeps the digest of each file: a line `digest  path`, as `sha256sum -c`
//! reads it. `cargo xtask tidy --bless` adds new files; nothing changes a line. A migration that
//! no installation has applied yet may be edited after its line is taken out by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};

use crate::repository::Repository;
use crate::stamp;

const FOLDERS: [&str; 2] = [
    "crates/storage-sqlite/migrations",
    "crates/storage-postgres/migrations",
];
const LOCK: &str = "xtask/migrations.lock";

/// Digests by path.
type Digests = BTreeMap<String, String>;

/// Does any database have migrations yet?
pub fn exist(repository: &Repository) -> bool {
    FOLDERS
        .iter()
        .any(|folder| repository.path(folder).is_dir())
}

/// What is missing in one database, edited, removed or not written down.
pub fn check(repository: &Repository) -> Result<Vec<String>> {
    let present = present(repository)?;
    let mut offences = Vec::new();
    // Before both crates exist there is nothing to compare, only to keep.
    if FOLDERS
        .iter()
        .all(|folder| repository.path(folder).is_dir())
    {
        offences = unpaired(&present);
    }
    offences.extend(changed(&present, &locked(repository)?));
    Ok(offences)
}

/// Writes the digests of new files down and leaves every other line as it is.
pub fn bless(repository: &Repository) -> Result<()> {
    let mut all = present(repository)?;
    all.extend(locked(repository)?);
    if all.is_empty() {
        return Ok(());
    }
    let lines: String = all
        .iter()
        .map(|(path, digest)| format!("{digest}  {path}\n"))
        .collect();
    fs::write(repository.path(LOCK), lines).with_context(|| format!("cannot write {LOCK}"))
}

fn present(repository: &Repository) -> Result<Digests> {
    let mut digests = Digests::new();
    for folder in FOLDERS {
        let absolute = repository.path(folder);
        if !absolute.is_dir() {
            continue;
        }
        for entry in fs::read_dir(absolute)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name
                .to_str()
                .context("a migration whose name is no UTF-8")?;
            if entry.file_type()?.is_file() && !name.starts_with('.') {
                let digest = stamp::digest(fs::read(entry.path())?);
                digests.insert(format!("{folder}/{name}"), digest);
            }
        }
    }
    Ok(digests)
}

fn locked(repository: &Repository) -> Result<Digests> {
    let file = repository.path(LOCK);
    if !file.exists() {
        return Ok(Digests::new());
    }
    parse(&fs::read_to_string(file)?)
}

fn parse(text: &str) -> Result<Digests> {
    let entry = |line: &str| {
        let (digest, path) = line.split_once("  ")?;
        Some((path.to_owned(), digest.to_owned()))
    };
    let entries = text
        .lines()
        .map(|line| entry(line).with_context(|| format!("{LOCK}: no digest and path in {line:?}")));
    entries.collect()
}

fn unpaired(present: &Digests) -> Vec<String> {
    let names = |folder: &str| -> BTreeSet<&str> {
        present
            .keys()
            .filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/'))
            .collect()
    };
    let [one, other] = FOLDERS.map(names);
    let lacks = |folder: &str, name: &str| format!("{folder} lacks {name}, which the other has");
    let in_other = one.difference(&other).map(|name| lacks(FOLDERS[1], name));
    in_other
        .chain(other.difference(&one).map(|name| lacks(FOLDERS[0], name)))
        .collect()
}

fn changed(present: &Digests, locked: &Digests) -> Vec<String> {
    let mut offences = Vec::new();
    for (path, digest) in present {
        match locked.get(path) {
            None => offences.push(format!("{path}: new; run cargo xtask tidy --bless")),
            Some(known) if known != digest => {
                offences.push(format!("{path}: edited; add another migration instead"));
            }
            Some(_) => {}
        }
    }
    let removed = locked.keys().filter(|path| !present.contains_key(*path));
    offences.extend(removed.map(|path| format!("{path}: removed, but it may have been applied")));
    offences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(entries: &[(&str, &str)]) -> Digests {
        entries
            .iter()
            .map(|(path, digest)| ((*path).to_owned(), (*digest).to_owned()))
            .collect()
    }

    #[test]
    fn a_file_of_one_database_only_is_found() {
        let [sqlite, postgres] = FOLDERS;
        let both = [
            format!("{sqlite}/V1__start.sql"),
            format!("{postgres}/V1__start.sql"),
        ];
        let alone = format!("{sqlite}/V2__refunds.sql");
        let present = digests(&[(&both[0], "a"), (&both[1], "b"), (&alone, "c")]);
        let found = unpaired(&present);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with(postgres) && found[0].contains("V2__refunds"),
            "{found:?}"
        );
        assert!(unpaired(&digests(&[(&both[0], "a"), (&both[1], "b")])).is_empty());
    }

    #[test]
    fn edited_removed_and_new_files_are_found() {
        let locked = digests(&[("kept", "1"), ("edited", "1"), ("removed", "1")]);
        let present = digests(&[("kept", "1"), ("edited", "2"), ("new", "1")]);
        let found = changed(&present, &locked);
        assert_eq!(found.len(), 3);
        for word in ["edited: edited", "new: new", "removed: removed"] {
            assert!(
                found.iter().any(|offence| offence.starts_with(word)),
                "{word}: {found:?}"
            );
        }
    }

    #[test]
    fn a_broken_list_is_refused() {
        assert!(parse("just-a-digest\n").is_err());
        assert_eq!(
            parse("d1  some/path.sql\n").unwrap(),
            digests(&[("some/path.sql", "d1")])
        );
    }
}
