//! The examples of the documentation: run against a real gateway, and compared with what the page shows.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::docs::{self, Block};
use crate::gate::{Database, Gate, PATIENCE, Setup};

/// What stands between the outputs of two blocks.
const MARK: &str = "------ end of a block ------";

/// The address of the demo on the pages.
const DEMO: &str = "http://127.0.0.1:8080";

/// Where a page's installation keeps its data.
const DATA: &str = "/var/lib/altyn";

/// A block that is run, and what the page says it prints.
struct Example {
    block: Block,
    answer: Option<Block>,
}

fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut answerable = false;
    for block in docs::blocks(page) {
        let is_answer = block.info.ends_with(",answer");
        if is_answer {
            assert!(answerable, "{}: an answer to nothing", block.place());
            let example = examples.last_mut().expect("one was run");
            example.answer = Some(block);
            answerable = false;
            continue;
        }
        answerable = block.info.ends_with(",run");
        if answerable || block.info == "toml,config" {
            examples.push(Example {
                block,
                answer: None,
            });
        }
    }
    examples
}

/// The script that runs the examples of a page one after the other in one shell.
fn script(examples: &[Example], place: &Path, base_url: &str) -> String {
    let mut script = "set -euo pipefail\n".to_owned();
    for (number, example) in examples.iter().enumerate() {
        let text = example.block.text.replace(DEMO, base_url);
        let line = match example.block.info.as_str() {
            "sh,run" => text,
            "python,run" => {
                let file = place.join(format!("{number}.py"));
                std::fs::write(&file, text).expect("it is written");
                format!("python3 {}\n", file.display())
            }
            "toml,config" => {
                let file = place.join(format!("{number}.toml"));
                let data = place.display().to_string();
                std::fs::write(&file, text.replace(DATA, &data)).expect("it is written");
                format!("cp {} altyn.toml\n", file.display())
            }
            other => panic!("{}: cannot run {other}", example.block.place()),
        };
        script.push_str(&line);
        script.push_str(&format!("printf '\\n%s\\n' '{MARK}'\n"));
    }
    script
}

/// Runs the examples of a page; the outputs in order.
async fn run(page: &str, examples: &[Example], gate: &Gate) -> Vec<String> {
    let place = tempfile::tempdir().expect("a place");
    std::os::unix::fs::symlink(&gate.data, place.path().join("altyn-demo")).expect("a link");
    let programs = Path::new(env!("CARGO_BIN_EXE_altyn"))
        .parent()
        .expect("it has one");
    let path = std::env::var("PATH").unwrap_or_default();
    let child = Command::new("bash")
        .arg("-c")
        .arg(script(examples, place.path(), &gate.base_url))
        .current_dir(place.path())
        .env("PATH", format!("{}:{path}", programs.display()))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, child).await;
    let output = output.expect("it ends in time").expect("bash runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    let parts: Vec<String> = said
        .split(MARK)
        .map(|part| part.trim().to_owned())
        .collect();
    let done = parts.len() - 1;
    assert!(
        output.status.success() && done == examples.len(),
        "{page}: {} failed:\n{}\n{errors}",
        examples[done.min(examples.len() - 1)].block.place(),
        parts[done],
    );
    parts
}

fn check(example: &Example, said: &str, base_url: &str) {
    let Some(answer) = &example.answer else {
        return;
    };
    let shown = answer.text.replace(DEMO, base_url);
    let place = answer.place();
    if answer.info == "text,answer" {
        let (shown, said): (Vec<_>, Vec<_>) = (shown.lines().collect(), said.lines().collect());
        assert_eq!(shown.len(), said.len(), "{place}: it says\n{said:#?}");
        for (shown, said) in shown.into_iter().zip(said) {
            assert!(text_fits(shown, said), "{place}: it says {said:?}");
        }
        return;
    }
    let values = |text: &str| -> Vec<Value> {
        let stream = serde_json::Deserializer::from_str(text).into_iter();
        let values: Result<_, _> = stream.collect();
        values.unwrap_or_else(|error| panic!("{place}: {error} in\n{text}"))
    };
    let (shown, said) = (values(&shown), values(said));
    assert_eq!(shown.len(), said.len(), "{place}: it says\n{said:#?}");
    for (shown, said) in shown.iter().zip(&said) {
        assert!(value_fits(shown, said), "{place}: it says\n{said:#}");
    }
}

/// Whether a text is as shown, where `…` stands for anything.
fn text_fits(shown: &str, said: &str) -> bool {
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = said.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Whether a value is as shown. An object that shows `"…": "…"` may have more fields than it shows.
fn value_fits(shown: &Value, said: &Value) -> bool {
    match (shown, said) {
        (Value::String(shown), _) if shown == "…" => true,
        (Value::String(shown), Value::String(said)) => text_fits(shown, said),
        (Value::Object(shown), Value::Object(said)) => {
            let more = shown.contains_key("…");
            let fits = |(key, value): (&String, &Value)| {
                key == "…" || said.get(key).is_some_and(|said| value_fits(value, said))
            };
            (more || shown.len() == said.len()) && shown.iter().all(fits)
        }
        (Value::Array(shown), Value::Array(said)) => {
            let mut pairs = shown.iter().zip(said);
            shown.len() == said.len() && pairs.all(|(shown, said)| value_fits(shown, said))
        }
        (shown, said) => shown == said,
    }
}

#[tokio::test]
async fn docs_examples_do_what_they_show() {
    let mut run_pages = BTreeSet::new();
    for page in docs::pages() {
        let examples = examples(&page);
        if examples.is_empty() {
            continue;
        }
        let gate = Gate::start(Setup::on(Database::Sqlite)).await;
        let outputs = run(&page, &examples, &gate).await;
        for (example, said) in examples.iter().zip(&outputs) {
            check(example, said, &gate.base_url);
        }
        run_pages.insert(page);
    }
    let wanted = ["README.md", "docs/configuration.md", "docs/guide-shop.md"];
    assert_eq!(run_pages, wanted.map(str::to_owned).into());
}

#[test]
fn docs_examples_comparison_sees_differences() {
    assert!(text_fits("a … b", "a 1 b") && text_fits("a", "a") && text_fits("…", ""));
    assert!(!text_fits("a … b", "a 1 c") && !text_fits("a", "ab") && !text_fits("a…a", "a"));
    let fits = |shown: &str, said: &str| {
        let value = |text| serde_json::from_str(text).expect("JSON");
        value_fits(&value(shown), &value(said))
    };
    assert!(fits(r#"{"a":1,"…":"…"}"#, r#"{"a":1,"b":2}"#));
    assert!(fits(r#"{"a":"x-…"}"#, r#"{"a":"x-7"}"#));
    assert!(!fits(r#"{"a":1}"#, r#"{"a":1,"b":2}"#));
    assert!(!fits(r#"{"a":1,"c":1,"…":"…"}"#, r#"{"a":1,"b":2}"#));
    assert!(!fits(r#"{"a":[1]}"#, r#"{"a":[2]}"#) && !fits(r#""0""#, "0"));
}

/// The kinds of blocks that a page may have; `docs/sandbox-bank.md` is a contract with samples in it.
#[test]
fn docs_blocks_are_all_of_a_kind_that_is_checked() {
    for page in docs::pages() {
        for block in docs::blocks(&page) {
            let kind = block.info.split_once('=').map_or(&*block.info, |(k, _)| k);
            let known = match kind {
                "sh,run" | "python,run" | "toml,config" | "sh,command" | "text" => true,
                "json,answer" | "text,answer" => true,
                "rust,file" | "toml,file" => page == "docs/ADDING.md",
                "json" => page == "docs/sandbox-bank.md",
                // Read as schemas and values by the tests of the registry.
                "json,schema" | "json,values" | "text,flaws" => {
                    page == "docs/connectors-registry.md"
                }
                // Run from an empty folder by `tests/clients/test_guide_operator.py`.
                "sh,step" | "json,shown" | "text,shown" => page == "docs/guide-operator.md",
                // Compared with the connector by the tests of its crate.
                "json,request" | "json,state" | "json,description" | "json,error"
                | "text,vector" => page == "docs/connector-protocol.md",
                _ => false,
            };
            assert!(known, "{}: nobody checks {:?}", block.place(), block.info);
        }
    }
}

/// The subcommands of `cargo xtask`, from its source.
fn xtask_commands() -> Vec<String> {
    let source = docs::read("xtask/src/main.rs");
    let (_, rest) = source
        .split_once("enum Command {")
        .expect("it has commands");
    let (body, _) = rest.split_once("\n}").expect("they end");
    let names = body.lines().map(str::trim);
    names
        .filter(|line| line.starts_with(char::is_uppercase))
        .map(|line| {
            let name = line.trim_end_matches(',');
            name.split('(').next().unwrap_or(name).to_lowercase()
        })
        .collect()
}

/// Commands that cannot be run here exist at least, with the options that the page gives them.
#[tokio::test]
async fn docs_commands_exist() {
    let xtask = xtask_commands();
    let mut lines = Vec::new();
    for page in docs::pages() {
        let blocks = docs::blocks(&page).into_iter();
        for block in blocks.filter(|block| block.info == "sh,command") {
            let place = block.place();
            lines.extend(block.text.lines().map(|l| (place.clone(), l.to_owned())));
        }
    }
    assert!(!lines.is_empty());
    for (place, line) in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["cargo", "xtask", name] => assert!(xtask.iter().any(|x| x == name), "{place}: {line}"),
            ["altyn", options @ ..] => {
                let is_command = |word: &&&str| word.bytes().all(|b| b.is_ascii_lowercase());
                let names = options.iter().take_while(is_command);
                let help = Command::new(env!("CARGO_BIN_EXE_altyn"))
                    .args(names)
                    .arg("--help")
                    .output()
                    .await
                    .expect("altyn runs");
                assert!(help.status.success(), "{place}: {line}");
                let help = String::from_utf8_lossy(&help.stdout).into_owned();
                for option in options.iter().filter(|word| word.starts_with("--")) {
                    assert!(help.contains(option), "{place}: {line}\n{help}");
                }
            }
            _ => panic!("{place}: nobody checks {line:?}"),
        }
    }
}
