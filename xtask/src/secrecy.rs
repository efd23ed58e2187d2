//! The search for card data in everything that the tests left behind: databases, logs, dumps.
//!
//! Every gateway of a test leaves a copy of its files in one folder (`ALTYN_TEST_ARTIFACTS`). First numbers
//! are planted there and must be found, which proves the search; then nothing may be found. Left out are
//! the list of test cards that a demo gives to people, and the simulator's own store.

use std::fs;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use anyhow::{Context, Result, ensure};

use crate::report::Done;
use crate::repository::Repository;

/// Where the gateways of the tests leave copies of their files.
pub const VARIABLE: &str = "ALTYN_TEST_ARTIFACTS";

/// Files that hold card numbers on purpose.
const LEFT_OUT: [&str; 2] = ["demo.json", "bank.journal"];

/// Spellings of a security code beside its name; three digits alone say nothing.
const CODES: [&str; 5] = [
    "\"cvc\":\"123\"",
    "\"cvc\": \"123\"",
    "CVC=123",
    "cc-csc=123",
    "SecurityCode(\"123",
];

/// An empty folder for the copies.
pub fn folder(repository: &Repository) -> Result<PathBuf> {
    let folder = repository.path("target/test-artifacts");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Proves the search, then searches.
pub fn search(repository: &Repository, folder: &Path) -> Result<Done> {
    let cards = test_cards(repository)?;
    let search = Search::new(&cards)?;
    let canary = folder.join("canary.log");
    for form in cards
        .iter()
        .flat_map(|card| forms(card))
        .chain(CODES.map(|c| c.as_bytes().to_vec()))
    {
        fs::write(
            &canary,
            [b"a line with ".as_slice(), &form, b" in it"].concat(),
        )?;
        let found = search.file(&canary)?;
        ensure!(
            found.is_some(),
            "the search does not find {}",
            String::from_utf8_lossy(&form)
        );
    }
    fs::remove_file(&canary)?;
    let files = files(folder)?;
    ensure!(!files.is_empty(), "no test left any file to search");
    let mut leaks = Vec::new();
    for file in &files {
        if let Some(what) = search.file(file)? {
            leaks.push(format!("{what} stands in {}", file.display()));
        }
    }
    ensure!(
        leaks.is_empty(),
        "card data was kept:\n{}",
        leaks.join("\n")
    );
    println!(
        "{} files searched for {} cards: nothing found",
        files.len(),
        cards.len()
    );
    Ok(Done::Plain)
}

struct Search {
    automaton: AhoCorasick,
    names: Vec<String>,
}

impl Search {
    fn new(cards: &[String]) -> Result<Self> {
        let mut patterns = Vec::new();
        let mut names = Vec::new();
        for card in cards {
            for form in forms(card) {
                patterns.push(form);
                names.push(format!("the card …{}", &card[card.len() - 4..]));
            }
        }
        for code in CODES {
            patterns.push(code.as_bytes().to_vec());
            names.push("a security code".to_owned());
        }
        Ok(Self {
            automaton: AhoCorasick::new(&patterns)?,
            names,
        })
    }

    fn file(&self, file: &Path) -> Result<Option<&str>> {
        let bytes = fs::read(file).with_context(|| file.display().to_string())?;
        let found = self.automaton.find(&bytes);
        Ok(found.map(|found| self.names[found.pattern().as_usize()].as_str()))
    }
}

/// The test cards, from the bank's contract.
fn test_cards(repository: &Repository) -> Result<Vec<String>> {
    let contract = fs::read_to_string(repository.path("docs/sandbox-bank.md"))?;
    let cards: Vec<String> = contract
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next())
        .filter(|word| word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::to_owned)
        .collect();
    ensure!(
        cards.len() >= 9,
        "docs/sandbox-bank.md lists {} cards",
        cards.len()
    );
    Ok(cards)
}

/// Every form in which a number could hide: plain, grouped, hexadecimal, and Base64 at each alignment.
fn forms(number: &str) -> Vec<Vec<u8>> {
    let groups: Vec<&str> = [0..4, 4..8, 8..12, 12..16]
        .into_iter()
        .map(|r| &number[r])
        .collect();
    let hex: String = number.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        number.to_owned(),
        groups.join(" "),
        groups.join("-"),
        groups.join("+"),
        groups.join("%20"),
        hex.to_uppercase(),
        hex,
    ];
    forms.extend((0..3).map(|shift| base64_middle(number, shift)));
    forms.into_iter().map(String::into_bytes).collect()
}

/// The part of the Base64 of a longer text that depends on `number` alone, if the number begins `shift` bytes
/// after a multiple of three.
fn base64_middle(number: &str, shift: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let whole = &number.as_bytes()[(3 - shift) % 3..];
    whole
        .chunks_exact(3)
        .flat_map(|three| {
            let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
            [18, 12, 6, 0].map(|place| char::from(DIGITS[(bits >> place & 63) as usize]))
        })
        .collect()
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() && !LEFT_OUT.iter().any(|name| path.ends_with(name)) {
                found.push(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_72_a_number_is_found_in_every_form() {
        let card = "4111111111111111".to_owned();
        let search = Search::new(std::slice::from_ref(&card)).expect("patterns");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("log");
        for prefix in ["", "x", "xx", "xxx"] {
            // By the shell's own tool, not by ours.
            let text = format!(
                "printf '%s' '{prefix}{card}tail' | base64 -w0 > '{}'",
                file.display()
            );
            let made = std::process::Command::new("sh")
                .args(["-c", &text])
                .status();
            assert!(made.expect("sh runs").success());
            assert!(
                search.file(&file).expect("it is read").is_some(),
                "Base64 after {prefix:?}"
            );
        }
        fs::write(&file, "4111111111111112").expect("it is written");
        assert_eq!(search.file(&file).expect("it is read"), None);
    }
}
