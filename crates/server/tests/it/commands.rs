//! What commands refuse, and that they find an installation from every directory.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::bank::Bank;
use crate::gate::{BOTH, Gate, PATIENCE, Setup};

/// Runs the program; whether it did it, and what it told.
async fn altyn(command: &mut Command) -> (bool, String) {
    let output = command.output().await.expect("altyn runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (output.status.success(), said)
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_altyn"))
}

#[tokio::test]
async fn a_short_name_is_taken_once_and_surpluses_stand_on_balances_that_there_are() {
    for database in BOTH {
        let gate = Gate::start(Setup::on(database)).await;
        let config = gate.configuration("127.0.0.1:1");
        let create = async |slug: &str, more: &[&str]| {
            let mut command = program();
            command.args(["project", "create", "--name", "Dala", "--slug", slug]);
            command.args(["--bank-url", &gate.bank.url, "--bank-key", &gate.bank.key]);
            altyn(command.args(more).arg("--config").arg(&config)).await
        };
        let set = async |change: &[&str]| {
            let mut command = program();
            command.args(["project", "set", "--project", "dala"]);
            altyn(command.args(change).arg("--config").arg(&config)).await
        };
        let (done, told) = create("dala", &[]).await;
        assert!(done && told.contains("callback_secret"), "{told}");
        let (done, told) = create("dala", &[]).await;
        assert!(
            !done && told.contains("slug: another project has this short name"),
            "{told}"
        );
        assert!(
            !told.contains("database") && !told.contains("UNIQUE"),
            "{told}"
        );

        let rule = "surplus: balance is only for a project with balances";
        let (done, told) = create("step", &["--surplus", "balance"]).await;
        assert!(!done && told.contains(rule), "{told}");
        for (change, fits) in [
            (&["--surplus", "balance"] as &[&str], false),
            (&["--balances", "false", "--surplus", "balance"], false),
            (&["--balances", "true", "--surplus", "balance"], true),
            (&["--balances", "false"], false),
            (&["--surplus", "manual"], true),
            (&["--balances", "false"], true),
            (&["--surplus", "balance"], false),
            (&["--balances", "true"], true),
            (&["--surplus", "balance"], true),
            (&["--balances", "false", "--surplus", "return"], true),
        ] {
            let (done, told) = set(change).await;
            let wanted = if fits { "dala is set" } else { rule };
            assert!(done == fits && told.contains(wanted), "{change:?}: {told}");
        }
        let (done, told) = create("step", &["--surplus", "balance", "--balances"]).await;
        assert!(done, "{told}");
    }
}

#[tokio::test]
async fn a_demo_in_a_relative_directory_is_found_from_another_one() {
    let bank = Bank::start(1_000).await;
    let place = tempfile::tempdir().expect("a place");
    let mut demo = program()
        .current_dir(place.path())
        .args(["demo", "--stop-with-stdin", "--listen", "127.0.0.1:0"])
        .args(["--data", "./demo", "--log", "warn"])
        .args(["--bank-url", &bank.url, "--bank-key", &bank.key])
        .args(["--partner-url", &bank.partner_url])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("altyn starts");
    let data = place.path().join("demo");
    let began = Instant::now();
    while !data.join("demo.json").exists() {
        let ended = demo.try_wait().expect("its state is known");
        assert!(ended.is_none(), "it ended");
        assert!(began.elapsed() < PATIENCE, "it did not become ready");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let elsewhere = tempfile::tempdir().expect("a place");
    for (from, data) in [
        (elsewhere.path(), data.as_path()),
        (place.path(), "demo".as_ref()),
        (&data, ".".as_ref()),
    ] {
        let mut command = program();
        command.current_dir(from).args(["project", "set"]);
        command.args(["--project", "nobody", "--surplus", "return", "--data"]);
        let (_, told) = altyn(command.arg(data)).await;
        assert!(told.contains("there is no project nobody"), "{told}");
        let mut command = program();
        command
            .current_dir(from)
            .args(["audit", "--json", "--data"]);
        let (done, told) = altyn(command.arg(data)).await;
        assert!(done, "{told}");
    }
    let made = std::fs::read_dir(elsewhere.path()).expect("it can be listed");
    assert_eq!(made.count(), 0, "nothing is made elsewhere");
    drop(demo.stdin.take());
    let ended = tokio::time::timeout(PATIENCE, demo.wait()).await;
    assert!(ended.is_ok_and(|ended| ended.is_ok_and(|status| status.success())));
}
