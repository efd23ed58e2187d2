//! The example connector in Python, whole or broken on purpose, as a process of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::docs;
use crate::gate::PATIENCE;

pub const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A running connector.
pub struct Connector {
    pub url: String,
    _process: Child,
}

impl Connector {
    /// The example as it is.
    pub async fn start() -> Self {
        let file = docs::root().join("examples/connector-python/connector.py");
        Self::run(&file, &[]).await
    }

    /// The example with this broken.
    pub async fn broken(how: &str) -> Self {
        let file = docs::root().join("tests/support/broken_connector.py");
        Self::run(&file, &[how]).await
    }

    async fn run(file: &Path, arguments: &[&str]) -> Self {
        let mut process = Command::new(python())
            .arg("-B")
            .arg(file)
            .args(arguments)
            .args(["--port", "0", "--key", KEY])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("Python runs");
        let stdout = process.stdout.take().expect("it has an output");
        let mut line = String::new();
        let mut reader = BufReader::new(stdout);
        let read = tokio::time::timeout(PATIENCE, reader.read_line(&mut line)).await;
        read.expect("it starts in time")
            .expect("it says where it listens");
        let url = line.trim().strip_prefix("listening on ");
        let url = url.unwrap_or_else(|| panic!("{} did not start: {line:?}", file.display()));
        Self {
            url: url.to_owned(),
            _process: process,
        }
    }
}

/// The interpreter of the test environment, which has the example's library.
fn python() -> PathBuf {
    if let Some(named) = std::env::var_os("ALTYN_TEST_PYTHON") {
        return named.into();
    }
    let altyn = Path::new(env!("CARGO_BIN_EXE_altyn"));
    let target = altyn.ancestors().nth(2).expect("target/debug/altyn");
    let python = target.join("test-venv/bin/python");
    assert!(
        python.exists(),
        "the test environment is made by `cargo xtask test`"
    );
    python
}

/// What `altyn connector check` says: its exit code and its JSON.
pub async fn check(url: &str, options: &[&str]) -> (Option<i32>, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_altyn"))
        .args(["connector", "check", url, "--json"])
        .args(options)
        .env("ALTYN_CONNECTOR_KEY", KEY)
        .output()
        .await
        .expect("altyn runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = serde_json::from_str(&text);
    let errors = String::from_utf8_lossy(&output.stderr);
    (
        output.status.code(),
        told.unwrap_or_else(|_| panic!("{text}\n{errors}")),
    )
}

/// Result and words of a case.
pub fn line<'a>(told: &'a Value, case: &str) -> (&'a str, &'a str) {
    let cases = told["cases"].as_array().expect("a list");
    let found = cases.iter().find(|line| line["case"] == case);
    let found = found.unwrap_or_else(|| panic!("no {case} in {told}"));
    let text = |key: &str| found[key].as_str().expect("a text");
    (text("result"), text("seen"))
}
