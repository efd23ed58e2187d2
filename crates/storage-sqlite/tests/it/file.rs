//! What only a file can do: be of another program, be killed under, be full.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command as Process, Stdio};

use altyn_domain::{Command, PaymentId, Way};
use altyn_storage::conformance::Fixture as _;
use altyn_storage::conformance::fixture::Gate;
use altyn_storage::{Storage, StorageError};
use altyn_storage_sqlite::SqliteStorage;
use rusqlite::Connection;

use crate::File;

fn unusable(file: &File) -> String {
    match SqliteStorage::open(file.path()) {
        Err(StorageError::Unusable(text)) => text,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it opened"),
    }
}

#[tokio::test]
async fn a_newer_file_is_left_alone() {
    let file = File::new();
    drop(file.open());
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
                 VALUES (999, 'tomorrow', '2027-01-01T00:00:00Z', '1')";
    file.raw_sql(newer).await.expect("it is written");
    let text = unusable(&file);
    assert!(text.contains("newer version"), "{text}");
    assert!(text.contains("999"), "{text}");
}

#[test]
fn what_is_no_database_is_refused() {
    let file = File::new();
    std::fs::write(file.path(), "Dear diary, ".repeat(100)).expect("it is written");
    assert!(unusable(&file).contains("not a database"));
    let nowhere = file.path().join("no").join("such").join("directory");
    let opened = SqliteStorage::open(nowhere);
    assert!(matches!(opened, Err(StorageError::Unusable(_))));
}

#[cfg(unix)]
#[test]
fn the_file_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = File::new();
    drop(file.open());
    let data = std::fs::metadata(file.path()).expect("it is there");
    assert_eq!(data.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let file = File::new();
    let paid = Gate::open(file.open(), 1).await.paid().await;
    let gate = Gate::open(file.open(), 2).await;
    assert_eq!(gate.read(paid.id).await, paid);
}

/// How long the log beside the file is; 0 if there is none.
fn log_length(file: &File) -> u64 {
    let log = file.path().with_file_name("altyn.db-wal");
    std::fs::metadata(log).map_or(0, |data| data.len())
}

#[tokio::test]
async fn a_closed_file_is_whole_without_its_log() {
    let file = File::new();
    let storage = file.open();
    let mut gate = Gate::open(storage.clone(), 1).await;
    let mut paid = Vec::new();
    for _ in 0..5 {
        paid.push(gate.paid().await);
    }
    let at_work = storage.payment_by_capability(paid[0].id).await;
    assert!(at_work.expect("it reads").is_some());
    assert!(
        log_length(&file) > 0,
        "what was committed stands in the log"
    );
    storage.close().await.expect("nobody stands in the way");
    assert_eq!(log_length(&file), 0);

    let copy = File::new();
    std::fs::copy(file.path(), copy.path()).expect("it is copied");
    let gate = Gate::open(copy.open(), 2).await;
    for payment in &paid {
        assert_eq!(&gate.read(payment.id).await, payment);
    }
}

#[tokio::test]
async fn nothing_is_written_after_the_end() {
    let file = File::new();
    let storage = file.open();
    let mut gate = Gate::open(storage.clone(), 1).await;
    let paid = gate.paid().await;
    storage.close().await.expect("nobody stands in the way");
    let keys = altyn_storage::LoadKeys::default();
    let refused = gate.writer.load(&keys).await;
    assert!(matches!(refused, Err(StorageError::Unavailable(_))));
    let refused = storage.forget_batches(gate.now).await;
    assert!(matches!(refused, Err(StorageError::Unavailable(_))));
    let again = storage.close().await;
    assert!(matches!(again, Err(StorageError::Unavailable(_))));
    assert_eq!(log_length(&file), 0);
    // Reading goes on.
    assert_eq!(gate.read(paid.id).await, paid);
}

#[tokio::test]
async fn who_reads_or_writes_does_not_hold_up_the_end() {
    let file = File::new();
    let path = file.path();
    for (in_the_way, answer) in [
        ("BEGIN; SELECT * FROM payments", "read"),
        (
            "BEGIN IMMEDIATE; UPDATE installation SET settings_version = 5",
            "write",
        ),
    ] {
        let storage = file.open();
        let mut gate = Gate::open(storage.clone(), 1).await;
        let other = Connection::open(&path).expect("it opens");
        let paid = gate.paid().await;
        other.execute_batch(in_the_way).expect("the file is free");
        let began = std::time::Instant::now();
        let closed = storage.close().await;
        assert!(
            began.elapsed() < std::time::Duration::from_secs(4),
            "{answer}"
        );
        assert!(
            matches!(closed, Err(StorageError::Unavailable(_))),
            "{answer}: {closed:?}"
        );
        drop(other);
        drop((gate, storage));
        // Nothing is lost, and who comes later settles it.
        let storage = file.open();
        let found = storage.payment_by_capability(paid.id).await;
        assert_eq!(found.expect("it reads"), Some(paid), "{answer}");
        storage.close().await.expect("nobody stands in the way");
        assert_eq!(log_length(&file), 0, "{answer}");
        file.empty();
    }
}

#[tokio::test]
async fn nothing_is_leased_while_nobody_may_write() {
    let file = File::new();
    let storage = file.open();
    let mut gate = Gate::open(storage, 1).await;
    gate.registered(Way::Purchase).await;
    // With another program in the middle of a change, looking for timers that are not due waits for
    // nothing.
    let other = Connection::open(file.path()).expect("it opens");
    other
        .execute_batch("BEGIN IMMEDIATE; UPDATE installation SET settings_version = 5")
        .expect("the file is free");
    let leased = gate
        .storage
        .lease_timers(&altyn_domain::TimerKind::ALL, gate.now, gate.now, 10)
        .await;
    assert_eq!(leased.expect("it looks"), []);
    assert_eq!(gate.storage.settings_version().await.ok(), Some(0));
}

// A second process that writes payments and says which were answered.

const FILE_VARIABLE: &str = "ALTYN_TEST_FILE";
const ORDERS_MAX: u32 = 20_000;

/// What the writing process says of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// The commit was answered, or was found afterwards.
    Saved,
    /// Nothing was written.
    Failed,
    /// Nobody knows.
    Unknown,
}

impl Said {
    const ALL: [Self; 3] = [Self::Saved, Self::Failed, Self::Unknown];

    fn word(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// The writing process: registers payments until it is killed or fails for good.
#[tokio::test]
#[ignore = "it is the other process of the cases below"]
async fn writing_process() {
    let Some(path) = std::env::var_os(FILE_VARIABLE) else {
        return;
    };
    let storage = SqliteStorage::open(path).expect("the file opens");
    let mut gate = Gate::open(std::sync::Arc::new(storage), 7).await;
    let mut failures = 0;
    for _ in 0..ORDERS_MAX {
        let mut order = gate.register(Way::Purchase);
        order.order.description = Some("a long story ".repeat(50));
        let id = order.id;
        let request = gate.request(Command::Register(Box::new(order)));
        let said = match gate.load(std::slice::from_ref(&request)).await {
            Err(_) => Said::Failed,
            Ok(mut loaded) => {
                let answers = gate.decide(&mut loaded, std::slice::from_ref(&request));
                assert!(answers[0].is_ok());
                let batch = gate.batch();
                let changes = loaded.into_changes(batch, gate.now);
                match gate.writer.save(&changes).await {
                    Ok(()) => Said::Saved,
                    Err(StorageError::CommitUnknown(_)) => {
                        match gate.writer.is_committed(batch).await {
                            Ok(true) => Said::Saved,
                            Ok(false) => Said::Failed,
                            Err(_) => Said::Unknown,
                        }
                    }
                    Err(_) => Said::Failed,
                }
            }
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{} {}", said.word(), id.uuid()).expect("somebody listens");
        out.flush().expect("somebody listens");
        if said != Said::Saved {
            failures += 1;
            if failures > 20 {
                return;
            }
        }
    }
}

/// Starts the writing process; `limits` are words of a shell that hold for it.
fn start_writing(file: &File, limits: &str) -> Child {
    let this = std::env::current_exe().expect("the tests run from a file");
    let words = "exec \"$0\" --exact file::writing_process --ignored --nocapture";
    Process::new("sh")
        .arg("-c")
        .arg(format!("{limits} {words}"))
        .arg(this)
        .env(FILE_VARIABLE, file.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("a shell starts")
}

/// Reads what the process says, until it ends or `enough` of it was said.
fn listen(child: &mut Child, enough: usize) -> Vec<(Said, PaymentId)> {
    let out = child.stdout.take().expect("it is piped");
    let mut heard = Vec::new();
    for line in BufReader::new(out).lines() {
        let line = line.expect("it is text");
        let Some((word, id)) = line.split_once(' ') else {
            continue;
        };
        let said = Said::ALL.into_iter().find(|said| said.word() == word);
        if let (Some(said), Ok(id)) = (said, PaymentId::parse(id)) {
            heard.push((said, id));
            if heard.len() == enough {
                break;
            }
        }
    }
    heard
}

/// What was said is what is there.
async fn holds(file: &File, heard: &[(Said, PaymentId)]) {
    let storage = SqliteStorage::open(file.path()).expect("the file opens again");
    for (said, id) in heard {
        let found = storage.payment_by_capability(*id).await.expect("it reads");
        match said {
            Said::Saved => assert!(found.is_some(), "{id} was answered and is lost"),
            Said::Failed => assert!(found.is_none(), "{id} failed and is there"),
            Said::Unknown => {}
        }
    }
    let connection = Connection::open(file.path()).expect("it opens");
    let check: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("it is checked");
    assert_eq!(check, "ok");
}

#[tokio::test]
async fn row_2_what_was_answered_survives_a_kill() {
    let file = File::new();
    let mut all = Vec::new();
    for enough in [1, 40, 150] {
        let mut child = start_writing(&file, "");
        let heard = listen(&mut child, enough);
        child.kill().expect("it still writes");
        child.wait().expect("it has ended");
        assert_eq!(heard.len(), enough);
        assert!(heard.iter().all(|(said, _)| *said == Said::Saved));
        holds(&file, &heard).await;
        all.push(heard);
        // Another run takes the same ids: it needs an empty file.
        file.empty();
    }
    let answered: BTreeSet<_> = all[2].iter().map(|(_, id)| *id).collect();
    assert_eq!(answered.len(), 150);
}

#[tokio::test]
async fn row_6_a_disk_that_takes_no_more_is_never_a_success() {
    let file = File::new();
    // 4 MiB: the log reaches that before it is put into the main file. The signal must be ignored for
    // the write to fail instead of the process.
    let mut child = start_writing(&file, "trap '' XFSZ; ulimit -f 8192;");
    let heard = listen(&mut child, usize::MAX);
    assert!(child.wait().expect("it ends").success());
    let count = |wanted| heard.iter().filter(|(said, _)| *said == wanted).count();
    assert!(count(Said::Saved) > 100, "{} saved", count(Said::Saved));
    assert!(count(Said::Failed) + count(Said::Unknown) > 0);
    holds(&file, &heard).await;
    // With room again the file takes new payments.
    Gate::open(file.open(), 99).await.paid().await;
}
