//! The contract between the program and the process that starts it.

use std::io::Read;
use std::process::Command;

use serde_json::json;

use crate::simulator::{Simulator, spawn};

#[tokio::test]
async fn program_ends_with_its_standard_input() {
    let simulator = Simulator::start();
    simulator
        .authorize("k", "4444555511113333", json!({}))
        .await;

    assert_eq!(simulator.stop(), 0);
}

#[tokio::test]
async fn program_ends_on_sigterm() {
    let simulator = Simulator::start();

    let killed = Command::new("kill")
        .arg(simulator.pid().to_string())
        .status()
        .expect("kill runs");

    assert!(killed.success());
    assert_eq!(simulator.wait(), 0);
}

#[test]
fn wrong_configuration_is_explained() {
    let cases = [
        (r#"{"terminal_key":"k","colour":"red"}"#, "colour"),
        (
            r#"{"terminal_key":"k","bank_listen":"0.0.0.0:0"}"#,
            "loopback",
        ),
        (r#"{"bank_listen":"127.0.0.1:0"}"#, "terminal_key"),
        ("hello", "configuration"),
    ];
    for (line, word) in cases {
        let mut child = spawn(line);
        let status = child.wait().expect("waited");
        let mut message = String::new();
        let mut errors = child.stderr.take().expect("piped");
        errors.read_to_string(&mut message).expect("readable");
        assert!(!status.success(), "{line}");
        assert!(message.contains(word), "{line}: {message}");
    }
}
