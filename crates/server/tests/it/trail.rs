//! Row 103: an edited, deleted or cut audit trail is found.

use altyn_engine::TrailReport;
use rusqlite::Connection;
use tokio::process::Command;

use crate::gate::{BOTH, Database};
use crate::house::{House, ROOT};

/// Changes the trail behind the program's back.
fn tamper(house: &House, sql: &str) -> usize {
    let db = Connection::open(house.file()).expect("it opens");
    db.execute_batch(
        "DROP TRIGGER IF EXISTS audit_entries_never_change;
         DROP TRIGGER IF EXISTS audit_entries_never_vanish;",
    )
    .expect("the triggers fall");
    db.execute(sql, []).expect("it is done")
}

/// What is wrong, without the chain.
fn found(report: &TrailReport) -> Vec<(i64, &str)> {
    let findings = report.findings.iter();
    findings
        .map(|one| (one.number, one.what.as_str()))
        .collect()
}

async fn report(house: &House) -> TrailReport {
    house.engine.verify_trail().await.expect("it is read")
}

#[tokio::test]
async fn row_103_a_whole_trail_has_no_findings() {
    for database in BOTH {
        let house = House::build(database).await;
        house.root().await;
        let second = house.another_run().await;
        second.reset_user(ROOT).await.expect("reset");
        let report = report(&house).await;
        assert_eq!(found(&report), []);
        assert_eq!(report.chains, 2);
        assert!(report.entries >= 8, "{report:?}");
    }
}

#[tokio::test]
async fn row_103_every_column_of_every_line_is_guarded() {
    let house = House::build(Database::Sqlite).await;
    house.root().await;
    let whole = report(&house).await;
    for change in [
        "at = at + 1",
        "actor_id = randomblob(16)",
        "actor_name = actor_name || '.'",
        "scope_id = randomblob(16)",
        "action = 'user.renamed'",
        "subject = subject || '0'",
        "detail = '{\"x\":1}'",
        "previous_hash = randomblob(32)",
        "hash = randomblob(32)",
    ] {
        for number in [1, 3] {
            tamper(&house, "CREATE TABLE kept AS SELECT * FROM audit_entries");
            let sql = format!("UPDATE audit_entries SET {change} WHERE number = {number}");
            assert_eq!(tamper(&house, &sql), 1);
            let report = report(&house).await;
            assert!(!report.findings.is_empty(), "{change} of line {number}");
            tamper(&house, "DELETE FROM audit_entries");
            tamper(&house, "INSERT INTO audit_entries SELECT * FROM kept");
            tamper(&house, "DROP TABLE kept");
        }
    }
    assert_eq!(report(&house).await, whole);
}

#[tokio::test]
async fn row_103_missing_lines_are_found_wherever_they_were() {
    let house = House::build(Database::Sqlite).await;
    house.root().await;
    let last = i64::try_from(report(&house).await.entries).expect("few");
    for number in 1..=last {
        tamper(&house, "CREATE TABLE kept AS SELECT * FROM audit_entries");
        let sql = format!("DELETE FROM audit_entries WHERE number = {number}");
        assert_eq!(tamper(&house, &sql), 1);
        assert!(!report(&house).await.findings.is_empty(), "line {number}");
        tamper(
            &house,
            "INSERT OR IGNORE INTO audit_entries SELECT * FROM kept",
        );
        tamper(&house, "DROP TABLE kept");
    }
    // The next run names the end of the chain: a program that knows nothing of it sees the cut too.
    let second = house.another_run().await;
    second.reset_user(ROOT).await.expect("reset");
    let third = house.another_run().await;
    let first_chain = "chain = (SELECT chain FROM audit_entries WHERE action = 'reseller.created')";
    let sql = format!("DELETE FROM audit_entries WHERE {first_chain} AND number = {last}");
    assert_eq!(tamper(&house, &sql), 1);
    let seen = third.verify_trail().await.expect("it is read");
    assert_eq!(
        found(&seen),
        [(last, "an entry that is known elsewhere is missing")]
    );
    tamper(
        &house,
        &format!("DELETE FROM audit_entries WHERE {first_chain}"),
    );
    let seen = third.verify_trail().await.expect("it is read");
    assert_eq!(found(&seen), [(last, "the whole chain is missing")]);
}

#[tokio::test]
async fn row_103_the_command_tells_and_fails() {
    let place = tempfile::tempdir().expect("a place");
    let config = place.path().join("altyn.toml");
    let (data, key) = (
        place.path().join("altyn.db"),
        place.path().join("altyn.key"),
    );
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1\"\n\
         [database]\nurl = \"sqlite:{}\"\n[security]\nkey_file = \"{}\"\n",
        data.display(),
        key.display()
    );
    std::fs::write(&config, text).expect("it is written");
    let altyn = async |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_altyn"))
            .args(arguments)
            .arg("--config")
            .arg(&config)
            .output()
            .await
            .expect("altyn runs");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), told, wrong)
    };
    assert!(altyn(&["migrate"]).await.0);
    let (done, told, wrong) = altyn(&["user", "root", "--email", ROOT]).await;
    assert!(done, "{wrong}");
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["email"], ROOT);
    assert!(told["password"].as_str().expect("a password").len() >= 12);
    let (done, _, wrong) = altyn(&["user", "root", "--email", "b@altyn.example"]).await;
    assert!(
        !done && wrong.contains("there is a root operator already"),
        "{wrong}"
    );
    let (done, _, wrong) = altyn(&["user", "root", "--email", "b", "--another"]).await;
    assert!(
        !done && wrong.contains("email: is not an e-mail address"),
        "{wrong}"
    );
    let (done, told, _) = altyn(&["user", "reset", "--email", ROOT]).await;
    assert!(done && told.contains("password"), "{told}");

    let (done, told, _) = altyn(&["audit"]).await;
    assert!(
        done && told.contains("in 2 chains\n0 differences\n"),
        "{told}"
    );
    let db = Connection::open(&data).expect("it opens");
    db.execute_batch(
        "DROP TRIGGER audit_entries_never_change;
         UPDATE audit_entries SET actor_name = 'x' WHERE action = 'user.created';",
    )
    .expect("it is done");
    let (done, told, _) = altyn(&["audit"]).await;
    assert!(
        !done && told.contains(": was changed\n1 differences\n"),
        "{told}"
    );
    let (done, told, _) = altyn(&["audit", "--json"]).await;
    assert!(!done && told.contains("was changed"), "{told}");
}
