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

async fn altyn(arguments: &[&str], config: &std::path::Path) -> serde_json::Value {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_altyn"))
        .args(arguments)
        .arg("--config")
        .arg(config)
        .output()
        .await
        .expect("altyn runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

#[tokio::test]
async fn a_credential_acts_only_from_its_networks_and_until_it_is_revoked() {
    for database in crate::gate::BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let config = gate.configuration("127.0.0.1:1");
        let bank = [
            "--bank-url",
            gate.bank.url.as_str(),
            "--bank-key",
            gate.bank.key.as_str(),
        ];
        let create = |slug: &'static str, from: &'static str| {
            let name = [
                "project",
                "create",
                "--name",
                "Second",
                "--slug",
                slug,
                "--allow-from",
                from,
            ];
            [&name[..], &bank[..]].concat()
        };
        let near = altyn(&create("near", "127.0.0.0/8"), &config).await;
        let far = altyn(&create("far", "10.0.0.0/8"), &config).await;
        let register = async |who: &serde_json::Value, number: &str| {
            let text = |key: &str| who[key].as_str().expect("a text").to_owned();
            let body = format!(
                "userName={}&password={}&orderNumber={number}&amount=100&returnUrl=http://s.kz/",
                text("user_name"),
                text("password"),
            );
            let request = gate
                .http
                .post(format!("{}register.do", gate.rest))
                .body(body);
            let response = request.header("content-type", "application/x-www-form-urlencoded");
            let answer = response
                .send()
                .await
                .expect("it answers")
                .text()
                .await
                .expect("a body");
            serde_json::from_str::<serde_json::Value>(&answer).expect("JSON")
        };
        // The running server learns of new logins within its refresh of a second.
        let began = std::time::Instant::now();
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = register(&near, &format!("N-{tries}")).await;
            if answer.get("orderId").is_some() {
                break;
            }
            assert!(began.elapsed() < crate::gate::PATIENCE, "{answer}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(register(&far, "F-1").await["errorCode"], "5");
        altyn(&["project", "revoke", "near-api"], &config).await;
        // No later command: not even one that was let in under the old settings.
        assert_eq!(register(&near, "N-LAST").await["errorCode"], "5");
    }
}

#[test]
fn the_signature_command_prints_the_published_vector() {
    let parameters =
        "mdOrder=06cf5599-3f17-7c86-bdbc-bd7d00a8b38b&operation=approved&orderNumber=2003&status=1";
    let run = |parameters: &str, verify: bool| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_altyn"));
        command.args([
            "signature",
            "rbs",
            "--key",
            "ooc7slpvc61k7sf7ma7p4hrefr",
            parameters,
        ]);
        if verify {
            command.arg("--verify");
        }
        command.output().expect("altyn runs")
    };
    let checksum = "EAF2FB72CAB99FD5067F4BA493DD84F4D79C1589FDE8ED29622F0F07215AA972";
    let text = String::from_utf8_lossy(&run(parameters, false).stdout).into_owned();
    assert_eq!(text.lines().nth(1), Some(checksum));
    assert!(
        run(&format!("{parameters}&checksum={checksum}"), true)
            .status
            .success()
    );
    let forged = format!("{parameters}&checksum={}", checksum.replace('E', "F"));
    assert!(!run(&forged, true).status.success());
}
