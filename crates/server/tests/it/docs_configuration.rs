//! `docs/configuration.md` against the configuration itself, read by the program's own parser.

use std::collections::BTreeMap;
use std::path::Path;

use crate::docs;

#[path = "../../src/configuration.rs"]
#[expect(dead_code, reason = "the tests only load and compare it")]
mod configuration;

use configuration::Configuration;

const PAGE: &str = "docs/configuration.md";
const SOURCE: &str = "crates/server/src/configuration.rs";

/// The examples of the page: the least that is needed, and every key.
fn examples() -> [String; 2] {
    let blocks = docs::blocks(PAGE).into_iter();
    let texts: Vec<String> = blocks
        .filter(|block| block.info == "toml,config")
        .map(|block| block.text)
        .collect();
    texts.try_into().expect("the page has two examples")
}

/// The keys of a file with their values, as they are written.
fn keys(text: &str) -> BTreeMap<String, String> {
    let mut section = String::new();
    let mut keys = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else {
            let (key, value) = line.split_once(" = ").expect("a key and a value");
            keys.insert(format!("{section}.{key}"), value.to_owned());
        }
    }
    keys
}

/// The keys that the structs have: a section's struct is introduced by its name in brackets.
fn keys_of_source() -> Vec<String> {
    let mut section = None;
    let mut keys = Vec::new();
    for line in docs::read(SOURCE).lines() {
        if let Some(rest) = line.strip_prefix("/// `[") {
            section = rest.split_once(']').map(|(name, _)| name.to_owned());
        } else if line.starts_with("impl ") {
            section = None;
        } else if let (Some(section), Some(field)) = (&section, line.strip_prefix("    pub ")) {
            let (name, _) = field.split_once(':').expect("a field has a type");
            keys.push(format!("{section}.{name}"));
        }
    }
    keys.sort();
    assert!(keys.len() >= 20, "{keys:?}");
    keys
}

fn load(text: &str, place: &Path) -> Configuration {
    let file = place.join("altyn.toml");
    std::fs::write(&file, text).expect("it is written");
    Configuration::load(&file).unwrap_or_else(|error| panic!("{error:#}"))
}

#[test]
fn docs_configuration_defaults_are_those_of_the_program() {
    let place = tempfile::tempdir().expect("a place");
    let [least, every] = examples();
    let least = load(&least, place.path());
    let every = load(&every, place.path());
    assert_eq!(format!("{least:#?}"), format!("{every:#?}"));
}

#[test]
fn docs_configuration_names_every_key_once() {
    let [least, every] = examples();
    let (least, every) = (keys(&least), keys(&every));
    let source = keys_of_source();
    assert_eq!(
        every.keys().cloned().collect::<Vec<_>>(),
        source,
        "the whole file"
    );

    let is_key = |cell: &str| cell.contains('.') && source.iter().any(|key| key == cell);
    let rows: Vec<Vec<String>> = docs::rows(PAGE)
        .into_iter()
        .filter(|row| is_key(docs::plain(&row[0])))
        .collect();
    let mut named: Vec<&str> = rows.iter().map(|row| docs::plain(&row[0])).collect();
    named.sort_unstable();
    assert_eq!(named, source, "the table");
    for row in &rows {
        let (key, unit, default) = (docs::plain(&row[0]), &row[1], docs::plain(&row[2]));
        assert!(!unit.is_empty() && !row[3].is_empty(), "{key}");
        if least.contains_key(key) {
            assert_eq!(default, "needed", "{key}");
        } else {
            assert_eq!(default, every[key].trim_matches('"'), "{key}");
        }
        assert_eq!(key.ends_with("_ms"), unit == "ms", "{key}");
    }
}

#[test]
fn docs_configuration_an_unknown_key_is_refused() {
    let place = tempfile::tempdir().expect("a place");
    let [_, every] = examples();
    let file = place.path().join("altyn.toml");
    std::fs::write(&file, format!("{every}speed = 11\n")).expect("it is written");
    let error = Configuration::load(&file).expect_err("an unknown key");
    assert!(format!("{error:#}").contains("speed"), "{error:#}");
}

#[test]
fn docs_configuration_not_everybody_is_a_proxy() {
    let place = tempfile::tempdir().expect("a place");
    let file = place.path().join("altyn.toml");
    let [_, every] = examples();
    let read = |networks: &str| {
        let text = every.replace(
            "trusted_proxies = []",
            &format!("trusted_proxies = [{networks}]"),
        );
        std::fs::write(&file, text).expect("it is written");
        Configuration::load(&file).map_err(|error| format!("{error:#}"))
    };
    let read_well = read(r#""10.0.0.0/8", "::1/128""#).expect("networks");
    assert_eq!(read_well.server.trusted_proxies.len(), 2);
    for networks in [r#""0.0.0.0/0""#, r#""10.0.0.0/8", "::/0""#, r#""proxy""#] {
        let error = read(networks).expect_err(networks);
        assert!(error.contains("server.trusted_proxies"), "{error}");
    }
}
