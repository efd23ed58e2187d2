//! What pages say of the code, compared with the code: tables, names of files and tests, links.

use std::path::{Path, PathBuf};

use altyn_domain::{
    DeclineCode, EventKind, IncidentKind, OperationKind, OperationState, Outcome, PaymentStatus,
    Transition,
};

use crate::docs;

const LIFE: &str = "docs/life-of-a-payment.md";

/// The first cells of the table whose head begins with this word.
fn first_cells(page: &str, head: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let mut inside = false;
    for row in docs::rows(page) {
        let first = docs::plain(&row[0]);
        if row.get(1).is_some_and(|cell| cell.starts_with("---")) {
            continue;
        }
        let is_head = !row[0].starts_with('`');
        inside = if is_head { first == head } else { inside };
        if inside && !is_head {
            cells.push(first.to_owned());
        }
    }
    cells
}

#[test]
fn docs_life_has_the_words_of_the_code() {
    let statuses = PaymentStatus::ALL.map(PaymentStatus::word);
    assert_eq!(first_cells(LIFE, "status"), statuses);
    let states = OperationState::ALL.map(OperationState::word);
    let table = first_cells(LIFE, "state");
    assert_eq!(table, [states, states].concat(), "two tables of states");
    let kinds = first_cells(LIFE, "kind");
    let ruled = |kind: &&OperationKind| !matches!(kind.word(), "chargeback" | "payout");
    let mut known: Vec<_> = OperationKind::ALL
        .iter()
        .filter(ruled)
        .map(|k| k.word())
        .collect();
    let mut kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    known.sort_unstable();
    kinds.sort_unstable();
    assert_eq!(kinds, known);
    let sorted = |mut words: Vec<String>| {
        words.sort();
        words
    };
    let events = EventKind::ALL.map(|kind| kind.word().to_owned()).to_vec();
    assert_eq!(sorted(first_cells(LIFE, "event")), sorted(events));
    let incidents = IncidentKind::ALL
        .map(|kind| kind.word().to_owned())
        .to_vec();
    assert_eq!(sorted(first_cells(LIFE, "incident")), sorted(incidents));
}

#[test]
fn docs_life_has_the_table_of_transitions() {
    let outcomes = [
        Outcome::Approved,
        Outcome::Declined(DeclineCode::General),
        Outcome::Pending,
        Outcome::Unknown,
        Outcome::NotSent,
        Outcome::NotFound,
        Outcome::Voided,
    ];
    let mut compared = 0;
    for row in docs::rows(LIFE).iter().filter(|row| row.len() == 8) {
        let Some(state) = OperationState::parse(docs::plain(&row[0])) else {
            continue;
        };
        for (outcome, told) in outcomes.iter().zip(&row[1..]) {
            let word = match state.after(outcome) {
                Transition::To(state) => state.word(),
                Transition::Repeated => "repeated",
                Transition::Stale => "stale",
                Transition::Contradiction => "contradiction",
            };
            assert_eq!(told, word, "{state:?} {outcome:?}");
            compared += 1;
        }
    }
    assert_eq!(compared, 42);
}

#[test]
fn docs_life_has_a_test_for_every_row() {
    let tests = docs::read("crates/domain/tests/it/lifecycle.rs");
    let rows = docs::rows(LIFE);
    let numbers: Vec<u32> = rows.iter().filter_map(|row| row[0].parse().ok()).collect();
    assert_eq!(numbers, (1..=22).collect::<Vec<_>>());
    for number in numbers {
        assert!(
            tests.contains(&format!("fn lifecycle_row_{number:02}_")),
            "{number}"
        );
    }
}

#[test]
fn docs_architecture_has_every_crash_point() {
    let points = first_cells("docs/ARCHITECTURE.md", "crash at");
    assert_eq!(points, altyn_engine::crash::POINTS);
}

#[test]
fn docs_configuration_has_every_metric() {
    let mut used = Vec::new();
    for file in rust_files() {
        let text = std::fs::read_to_string(&file).expect("it can be read");
        for kind in ["counter!(\"", "gauge!(\"", "histogram!(\""] {
            let names = text
                .split(kind)
                .skip(1)
                .filter_map(|rest| rest.split('"').next());
            used.extend(names.filter(|n| n.starts_with("altyn_")).map(str::to_owned));
        }
    }
    used.sort();
    used.dedup();
    let mut told = first_cells("docs/configuration.md", "metric");
    told.sort();
    assert_eq!(told, used);
}

/// Every source file of the crates, tests included, but these tests of the documentation.
fn rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![docs::root().join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("it can be listed") {
            let path = entry.expect("it can be read").path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or("");
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && name != "docs_tables.rs" {
                files.push(path);
            }
        }
    }
    files
}

/// The texts between single backquotes outside of code blocks.
fn quoted(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in docs::read(page).lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

#[test]
fn docs_name_files_that_are_there() {
    const FOLDERS: [&str; 6] = ["crates/", "docs/", "xtask/", "apps/", "tests/", ".ci/"];
    for page in docs::pages() {
        for name in quoted(&page) {
            let is_path = FOLDERS.iter().any(|folder| name.starts_with(folder));
            if is_path && !name.contains(['<', '*', ' ']) {
                assert!(docs::root().join(&name).exists(), "{page} names {name}");
            }
        }
    }
}

#[test]
fn docs_name_tests_that_are_there() {
    let sources: Vec<String> = rust_files()
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("it can be read"))
        .collect();
    let mut names = 0;
    for row in docs::rows("README.md").iter().filter(|row| row.len() == 3) {
        for name in row[2].split(", ").filter(|name| name.starts_with('`')) {
            let name = docs::plain(name);
            if name.contains('/') {
                continue;
            }
            let function = format!("fn {name}(");
            assert!(
                sources.iter().any(|text| text.contains(&function)),
                "no test {name}"
            );
            names += 1;
        }
    }
    assert!(names >= 20, "{names}");
}

/// The headings of a page as the addresses that links use.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    headings
        .map(|heading| {
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
            heading
                .chars()
                .filter(kept)
                .collect::<String>()
                .replace(' ', "-")
        })
        .collect()
}

#[test]
fn docs_links_lead_somewhere() {
    for page in docs::pages() {
        let text = docs::read(&page);
        let root = docs::root();
        let folder = root.join(Path::new(&page).parent().expect("it has one"));
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                root.join(&page)
            } else {
                folder.join(file)
            };
            assert!(target.exists(), "{page} links to {link}");
            if !anchor.is_empty() {
                let there = std::fs::read_to_string(&target).expect("it can be read");
                assert!(
                    anchors(&there).iter().any(|a| a == anchor),
                    "{page} links to {link}"
                );
            }
        }
    }
}
