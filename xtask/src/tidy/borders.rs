//! Who may name whom: the crates of the workspace and their edges.

use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Package};

use crate::repository::Repository;

/// A crate by the name of its folder, what it may use, and whether its tests may use more.
struct Rule {
    name: &'static str,
    uses: &'static [&'static str],
    tests: Tests,
}

/// What the dev-dependencies of a crate may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tests {
    /// The same as its other dependencies.
    Same,
    /// Any crate but the simulator: its tests run on a real database behind real wiring.
    Wide,
}

const EVERYTHING_BUT_SIMULATOR: &[&str] = &[
    "domain",
    "storage",
    "storage-sqlite",
    "storage-postgres",
    "engine",
    "connectors",
    "dialects",
    "web",
];

/// The table of the house. A crate that is not in it is refused: think about its place first.
const RULES: &[Rule] = &[
    Rule {
        name: "domain",
        uses: &[],
        tests: Tests::Same,
    },
    Rule {
        name: "storage",
        uses: &["domain"],
        tests: Tests::Same,
    },
    Rule {
        name: "storage-sqlite",
        uses: &["domain", "storage"],
        tests: Tests::Same,
    },
    Rule {
        name: "storage-postgres",
        uses: &["domain", "storage"],
        tests: Tests::Same,
    },
    Rule {
        name: "connectors",
        uses: &["domain"],
        tests: Tests::Same,
    },
    Rule {
        name: "engine",
        uses: &["domain", "storage"],
        tests: Tests::Wide,
    },
    Rule {
        name: "web",
        uses: &["domain", "engine"],
        tests: Tests::Wide,
    },
    Rule {
        name: "dialects",
        uses: &["domain", "engine", "web"],
        tests: Tests::Wide,
    },
    Rule {
        name: "server",
        uses: EVERYTHING_BUT_SIMULATOR,
        tests: Tests::Wide,
    },
    // The double of banks and shops shares no code with what it tests.
    Rule {
        name: "simulator",
        uses: &[],
        tests: Tests::Same,
    },
    // Measures the gateway from outside, as a shop sees it.
    Rule {
        name: "bench",
        uses: &[],
        tests: Tests::Same,
    },
    Rule {
        name: "xtask",
        uses: &[],
        tests: Tests::Same,
    },
];

/// One dependency between two crates of the workspace.
#[derive(Debug)]
struct Edge {
    from: String,
    to: String,
    kind: DependencyKind,
}

/// The edges and crates that the table does not allow.
pub fn check(repository: &Repository) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut edges = Vec::new();
    for package in &repository.metadata.packages {
        let from = name_of(package)?;
        for dependency in &package.dependencies {
            let Some(path) = &dependency.path else {
                continue;
            };
            let to = folder_name(path.as_std_path())?;
            edges.push(Edge {
                from: from.clone(),
                to,
                kind: dependency.kind,
            });
        }
        names.push(from);
    }
    let unknown = names.iter().filter_map(|name| unknown(name));
    Ok(unknown.chain(edges.iter().filter_map(offence)).collect())
}

fn name_of(package: &Package) -> Result<String> {
    let folder = package
        .manifest_path
        .parent()
        .context("a manifest without a folder")?;
    folder_name(folder.as_std_path())
}

fn folder_name(folder: &Path) -> Result<String> {
    let name = folder.file_name().and_then(|name| name.to_str());
    Ok(name
        .with_context(|| format!("{} has no name", folder.display()))?
        .to_owned())
}

fn unknown(name: &str) -> Option<String> {
    let known = RULES.iter().any(|rule| rule.name == name);
    (!known).then(|| format!("{name}: not in the table of xtask/src/tidy/borders.rs"))
}

fn offence(edge: &Edge) -> Option<String> {
    let Edge { from, to, kind } = edge;
    // An unknown crate was already refused by name.
    let rule = RULES.iter().find(|rule| rule.name == from)?;
    let is_used = rule.uses.contains(&to.as_str());
    let is_tested = *kind == DependencyKind::Development
        && rule.tests == Tests::Wide
        && EVERYTHING_BUT_SIMULATOR.contains(&to.as_str());
    let allowed = if rule.uses.is_empty() {
        "nothing of ours".to_owned()
    } else {
        rule.uses.join(", ")
    };
    let verb = match kind {
        DependencyKind::Development => "tests itself with",
        DependencyKind::Build => "builds itself with",
        _ => "names",
    };
    (!is_used && !is_tested).then(|| format!("{from} {verb} {to}; it may name {allowed}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(from: &str, to: &str, kind: DependencyKind) -> Option<String> {
        offence(&Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            kind,
        })
    }

    #[test]
    fn an_edge_against_the_table_is_found() {
        use DependencyKind::{Build, Normal};
        let expected = "domain names storage; it may name nothing of ours";
        assert_eq!(
            judge("domain", "storage", Normal).as_deref(),
            Some(expected)
        );
        for (from, to) in [
            ("engine", "connectors"),
            ("engine", "storage-sqlite"),
            ("web", "dialects"),
            ("connectors", "engine"),
            ("storage", "storage-sqlite"),
            ("server", "simulator"),
            ("simulator", "domain"),
            ("xtask", "domain"),
        ] {
            assert!(judge(from, to, Normal).is_some(), "{from} -> {to}");
            assert!(judge(from, to, Build).is_some(), "{from} -> {to}");
        }
    }

    #[test]
    fn an_edge_of_the_table_is_allowed() {
        for rule in RULES {
            for used in rule.uses {
                assert_eq!(judge(rule.name, used, DependencyKind::Normal), None);
            }
        }
    }

    #[test]
    fn tests_of_the_outer_crates_may_be_wider_but_never_with_the_simulator() {
        use DependencyKind::Development;
        assert_eq!(judge("dialects", "storage-sqlite", Development), None);
        assert_eq!(judge("engine", "connectors", Development), None);
        assert!(judge("domain", "storage", Development).is_some());
        for from in ["server", "engine", "web", "dialects", "domain"] {
            assert!(judge(from, "simulator", Development).is_some(), "{from}");
        }
        for to in EVERYTHING_BUT_SIMULATOR {
            assert!(judge("simulator", to, Development).is_some(), "{to}");
        }
    }

    #[test]
    fn a_crate_outside_the_table_is_found() {
        assert!(unknown("helpers").is_some());
        assert_eq!(unknown("domain"), None);
    }
}
