//! Health, metrics, start-up, configuration.

use crate::gate::{Database, Gate, Setup};

#[tokio::test]
async fn health_and_metrics_answer() {
    let gate = Gate::start(Setup::on(Database::Sqlite)).await;
    gate.paid("M-1", 100).await;
    for path in ["live", "ready"] {
        let response = gate
            .http
            .get(format!("{}/health/{path}", gate.base_url))
            .send()
            .await;
        assert_eq!(response.expect("it answers").status(), 200, "{path}");
    }
    let metrics = gate
        .http
        .get(format!("{}/metrics", gate.base_url))
        .send()
        .await;
    let text = metrics.expect("it answers").text().await.expect("a body");
    assert!(
        text.contains("altyn_exchanges_total{outcome=\"approved\"} 1"),
        "{text}"
    );
}

#[tokio::test]
async fn an_unknown_key_of_the_configuration_is_refused() {
    let directory = tempfile::tempdir().expect("a place");
    let file = directory.path().join("altyn.toml");
    let text = "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1\"\nlisen = 1\n\
                [database]\nurl = \"sqlite:x.db\"\n[security]\nkey_file = \"k\"\n";
    std::fs::write(&file, text).expect("it is written");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_altyn"))
        .args(["serve", "--config"])
        .arg(&file)
        .output()
        .expect("altyn runs");
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("lisen"), "{message}");
}

#[tokio::test]
async fn a_lost_key_file_is_told_and_not_replaced() {
    let mut gate = Gate::start(Setup::on(Database::Sqlite)).await;
    gate.kill().await;
    std::fs::write(gate.data.join("altyn.key"), [7; 32]).expect("it is written");
    let output = gate.altyn(&["audit"]).await;
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("key"), "{message}");
}
