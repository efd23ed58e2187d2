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

/// Runs `altyn signature ecommpay` with this on its standard input; its exit code and what it printed.
fn signature_ecommpay(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    use std::io::Write as _;
    let mut altyn = std::process::Command::new(env!("CARGO_BIN_EXE_altyn"))
        .args(["signature", "ecommpay", "--key", "secret"])
        .args(arguments)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("altyn runs");
    let mut stdin = altyn.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("it is read");
    drop(stdin);
    let output = altyn.wait_with_output().expect("altyn ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn the_ecommpay_signature_command_prints_and_verifies() {
    let body =
        r#"{"payment": {"id": "000049", "status": "success"}, "general": {"signature": "…"}}"#;
    let signature =
        "/3TrhHVz9BHaLfgLyhoxO7dsQNzbzZa/TdO3pxQocXWwgVM6tGlzMLVfpOxFNTnkR9iiFVK/77ZedMcbkCjmng==";
    let (code, printed, told) = signature_ecommpay(&[], body);
    assert_eq!((code, told.as_str()), (Some(0), ""));
    let expected = format!("payment:id:000049;payment:status:success\n{signature}\n");
    assert_eq!(printed, expected);
    let verify = |body: &str| signature_ecommpay(&["--verify"], body);
    let signed = body.replace('…', signature);
    assert_eq!(verify(&signed), (Some(0), String::new(), String::new()));
    for forged in [
        &signed.replace("000049", "000048"),
        body,
        r#"{"payment":{}}"#,
    ] {
        let (code, printed, told) = verify(forged);
        assert_eq!((code, printed.as_str()), (Some(1), ""), "{forged}");
        assert!(told.contains("signature"), "{told}");
    }
}

#[test]
fn the_ecommpay_signature_command_reads_a_payment_page() {
    let url = "https://pay.example/payment?project_id=402&interface_type=%7B%22id%22%3A+24%7D\
        &payment_id=pid-1&payment_amount=1001&payment_currency=USD&customer_id=c1\
        &payment_description=%D0%A7%D0%B0%D0%B9+%2B+2&_plugin_version=1\
        &signature=DdRajBNTqPW9deQ6QB2sezAkSh%2FDJFzgCtHG9cKAExGRT4hqyn2pwfJqLrPzBDCYjWrCWhymhlOb\
        ahZUY%2BQBEQ%3D%3D";
    let text = "customer_id:c1;interface_type:{\"id\": 24};payment_amount:1001;payment_currency:USD;\
        payment_description:Чай + 2;payment_id:pid-1;project_id:402";
    let (code, printed, _) = signature_ecommpay(&["--page"], url);
    assert_eq!((code, printed.lines().next()), (Some(0), Some(text)));
    let verify = |input: &str| signature_ecommpay(&["--page", "--verify"], input).0;
    assert_eq!(verify(url), Some(0));
    assert_eq!(verify(&url.replace("1001", "1002")), Some(1));
    assert_eq!(verify(&url.replace("pid-1", "pid-1%3Ba%3A1")), Some(1));
    let flag = r#"{"a": "true", "signature": "…"}"#;
    let (_, printed, _) = signature_ecommpay(&[], r#"{"a": true}"#);
    let signature = printed.lines().nth(1).expect("a second line");
    assert_eq!(verify(&flag.replace('…', signature)), Some(0));
    let elsewhere = signature_ecommpay(&["--verify"], &flag.replace('…', signature));
    assert_eq!(elsewhere.0, Some(1));
}

#[test]
fn the_ecommpay_signature_command_tells_what_it_cannot_read() {
    for (input, reason) in [
        ("", "not JSON: see line 1"),
        ("{\"a\": 1,\n }", "not JSON: see line 2"),
        ("[1]", "not a JSON object"),
        (r#"{"a": 1, "a": 2}"#, "a name comes twice"),
    ] {
        for arguments in [&[][..], &["--verify"]] {
            let (code, printed, told) = signature_ecommpay(arguments, input);
            assert_eq!((code, printed.as_str()), (Some(2), ""), "{input}");
            assert!(told.contains(reason), "{told}");
        }
    }
    let (code, _, told) = signature_ecommpay(&["--page"], "a=1&a=2");
    assert!(code == Some(2) && told.contains("comes twice"), "{told}");
}
