//! Connections that break: what was answered is true, and what was not can be found out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use altyn_domain::{Command, PaymentId, Way};
use altyn_storage::conformance::fixture::{Gate, START};
use altyn_storage::conformance::trail::entry;
use altyn_storage::{
    BatchId, ChangeSet, Idempotency as _, IdempotencyRecord, SettingsChange, Storage, StorageError,
    Trail as _,
};
use altyn_storage_postgres::{PostgresOptions, PostgresStorage};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::database::Database;
use crate::proxy::{Line, Proxy};

/// A case that hangs fails after this long.
const DEADLINE: Duration = Duration::from_secs(60);

/// Ends every session of the program on this database.
const KILL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
    WHERE datname = current_database() AND application_name = 'altyn'";

async fn registration(gate: &mut Gate) -> (PaymentId, ChangeSet) {
    let order = gate.register(Way::Purchase);
    let id = order.id;
    let request = gate.request(Command::Register(Box::new(order)));
    let (answers, changes) = gate.begin(&[request]).await;
    assert!(answers[0].is_ok());
    (id, changes)
}

async fn is_there(client: &Client, batch: BatchId) -> bool {
    let sql = "SELECT 1 FROM batches WHERE batch_id = $1";
    let row = client.query_opt(sql, &[&batch.0]).await;
    row.expect("it looks").is_some()
}

/// Asks until the database answers.
async fn fate(gate: &mut Gate, batch: BatchId) -> bool {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match gate.writer.is_committed(batch).await {
            Ok(committed) => return committed,
            Err(StorageError::Unavailable(_)) if Instant::now() < deadline => {}
            Err(error) => panic!("no answer: {error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_killed_before_the_commit_left_nothing() {
    let database = Database::create().await;
    let mut gate = Gate::open(database.open().await, 1).await;
    let client = database.client().await;
    let (id, changes) = registration(&mut gate).await;
    client.query(KILL, &[]).await.expect("killed");
    let error = gate.writer.save(&changes).await.expect_err("it is killed");
    // Whether the end of the connection was seen before the commit was sent is a matter of microseconds.
    assert!(
        matches!(
            error,
            StorageError::Unavailable(_) | StorageError::CommitUnknown(_)
        ),
        "{error:?}"
    );
    assert!(!fate(&mut gate, changes.batch).await);
    let read = loop {
        match gate.storage.payment_by_capability(id).await {
            Ok(read) => break read,
            Err(StorageError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(read, None);
    gate.registered(Way::Purchase).await;
}

/// Row 8 of the list of faults in miniature: sessions are killed at any moment, and every batch is exactly
/// what its caller was told or found out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_08_whatever_is_killed_each_batch_has_one_known_fate() {
    const BATCHES: u32 = 120;
    let database = Database::create().await;
    let mut gate = Gate::open(database.open().await, 1).await;
    let rounds = Arc::new(AtomicU32::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let killer = {
        let (client, rounds, done) = (database.client().await, rounds.clone(), done.clone());
        tokio::spawn(async move {
            let (mut seen, mut kills) = (0, 0_u32);
            while !done.load(Ordering::Relaxed) {
                let now = rounds.load(Ordering::Relaxed);
                // At most one kill for each batch, a little later each time.
                if now == seen {
                    tokio::task::yield_now().await;
                    continue;
                }
                seen = now;
                let pause = Duration::from_micros(u64::from(kills % 40) * 100);
                tokio::time::sleep(pause).await;
                client.query(KILL, &[]).await.expect("killed");
                kills += 1;
            }
        })
    };
    let (mut told, mut asked) = ([0, 0], [0, 0]);
    for _ in 0..BATCHES {
        let order = gate.register(Way::Purchase);
        let id = order.id;
        let request = gate.request(Command::Register(Box::new(order)));
        rounds.fetch_add(1, Ordering::Relaxed);
        let Ok(mut loaded) = gate.load(std::slice::from_ref(&request)).await else {
            continue;
        };
        assert!(gate.decide(&mut loaded, &[request])[0].is_ok());
        let batch = gate.batch();
        let changes = loaded.into_changes(batch, gate.now);
        let committed = match gate.writer.save(&changes).await {
            Ok(()) => true,
            Err(StorageError::Unavailable(_)) => false,
            Err(StorageError::CommitUnknown(_)) => {
                let committed = fate(&mut gate, batch).await;
                asked[usize::from(committed)] += 1;
                committed
            }
            Err(error) => panic!("{error:?}"),
        };
        told[usize::from(committed)] += 1;
        let client = database.client().await;
        assert_eq!(is_there(&client, batch).await, committed);
        let sql = "SELECT 1 FROM payments WHERE payment_id = $1";
        let row = client
            .query_opt(sql, &[&id.uuid()])
            .await
            .expect("it looks");
        assert_eq!(row.is_some(), committed);
    }
    done.store(true, Ordering::Relaxed);
    killer.await.expect("the killer ends");
    println!("lost and kept: {told:?}, of these found out: {asked:?}");
    assert!(told[1] > 0, "every batch was killed");
}

async fn open_through(proxy: &Proxy) -> Gate {
    let storage = PostgresStorage::connect(proxy.url(), PostgresOptions::default()).await;
    Gate::open(Arc::new(storage.expect("it connects")), 1).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_found() {
    let database = Database::create().await;
    let proxy = Proxy::start(database.url()).await;
    let mut gate = open_through(&proxy).await;
    let client = database.client().await;
    let (id, changes) = registration(&mut gate).await;
    proxy.set(Line::Mute);
    let batch = changes.batch;
    let saving = tokio::spawn(async move {
        let saved = gate.writer.save(&changes).await;
        (gate, saved)
    });
    let deadline = Instant::now() + DEADLINE;
    while !is_there(&client, batch).await {
        assert!(Instant::now() < deadline, "it was never committed");
    }
    proxy.set(Line::Cut);
    let (mut gate, saved) = saving.await.expect("it ends");
    assert!(
        matches!(saved, Err(StorageError::CommitUnknown(_))),
        "{saved:?}"
    );
    proxy.set(Line::Whole);
    assert!(fate(&mut gate, batch).await);
    assert_eq!(gate.read(id).await.id, id);
    gate.registered(Way::Purchase).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_never_arrived_is_known_to_be_lost() {
    let database = Database::create().await;
    let proxy = Proxy::start(database.url()).await;
    let mut gate = open_through(&proxy).await;
    let (_, changes) = registration(&mut gate).await;
    proxy.set(Line::Deaf);
    let batch = changes.batch;
    let saving = async {
        let saved = gate.writer.save(&changes).await;
        (gate, saved)
    };
    let cutting = async {
        tokio::task::yield_now().await;
        proxy.set(Line::Cut);
    };
    let ((mut gate, saved), ()) = tokio::join!(biased; saving, cutting);
    assert!(
        matches!(saved, Err(StorageError::CommitUnknown(_))),
        "{saved:?}"
    );
    proxy.set(Line::Whole);
    assert!(!fate(&mut gate, batch).await);
    gate.registered(Way::Purchase).await;
}

/// The server process that carries a doubtful batch may be alive and about to commit. Whoever asks for the
/// batch ends it first, so the answer stays true.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_was_found_absent_cannot_appear_later() {
    let database = Database::create().await;
    let storage = database.open().await;
    let mut gate = Gate::open(storage.clone(), 1).await;
    let (_, changes) = registration(&mut gate).await;
    let batch = changes.batch;
    // Somebody is in the way of the commit …
    let mut client = database.client().await;
    let blocker = client.transaction().await.expect("it begins");
    blocker
        .execute(
            "INSERT INTO batches (batch_id, at) VALUES ($1, 0)",
            &[&batch.0],
        )
        .await
        .expect("it is in the way");
    let impatient = tokio::time::timeout(Duration::from_millis(300), gate.writer.save(&changes));
    impatient.await.expect_err("it waits for the row");
    // … and we do not wait for the answer. Reading the table is possible, and shows no batch.
    let mut other = storage.writer().await.expect("a writer opens");
    assert_eq!(other.is_committed(batch).await.ok(), Some(false));
    blocker.rollback().await.expect("it lets go");
    assert!(!is_there(&client, batch).await);
    gate.registered(Way::Purchase).await;
    assert!(!is_there(&client, batch).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_unavailable_within_the_limits() {
    let database = Database::create().await;
    let proxy = Proxy::start(database.url()).await;
    let options = PostgresOptions {
        read_connections_max: 1,
        read_wait: Duration::from_millis(200),
        connect_timeout: Duration::from_millis(500),
        statement_timeout: Duration::from_millis(200),
        lock_timeout: Duration::from_millis(200),
        ..PostgresOptions::default()
    };
    let storage = PostgresStorage::connect(proxy.url(), options).await;
    let storage = Arc::new(storage.expect("it connects"));
    let mut gate = Gate::open(storage.clone(), 1).await;
    let paid = gate.paid().await;
    for line in [Line::Deaf, Line::Mute, Line::Cut] {
        proxy.set(line);
        let before = Instant::now();
        let read = storage.payment_by_capability(paid.id).await;
        assert!(
            matches!(read, Err(StorageError::Unavailable(_))),
            "{read:?}"
        );
        let request = gate.request(Gate::cancel(paid.id));
        let loaded = gate.load(&[request]).await;
        assert!(
            matches!(loaded, Err(StorageError::Unavailable(_))),
            "{loaded:?}"
        );
        assert!(before.elapsed() < Duration::from_secs(10), "{line:?}");
        proxy.set(Line::Whole);
        assert_eq!(gate.read(paid.id).await, paid);
        gate.registered(Way::Purchase).await;
    }
}

/// A request that was recorded while the answer was lost is not told as one that was not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_whose_answer_is_lost_is_in_doubt() {
    let database = Database::create().await;
    let proxy = Proxy::start(database.url()).await;
    let storage = PostgresStorage::connect(proxy.url(), PostgresOptions::default()).await;
    let storage = Arc::new(storage.expect("it connects"));
    let record = |number: u8| IdempotencyRecord {
        owner: Uuid::nil(),
        key_hash: vec![number; 32],
        digest: vec![number; 32],
        at: START,
        answer: None,
    };
    let begun = storage.begin_request(&record(1)).await;
    assert_eq!(begun.expect("it is written"), None);
    proxy.set(Line::Mute);
    let beginning = {
        let storage = Arc::clone(&storage);
        let second = record(2);
        tokio::spawn(async move { storage.begin_request(&second).await })
    };
    let client = database.client().await;
    let deadline = Instant::now() + DEADLINE;
    let sql = "SELECT count(*) FROM idempotency_records";
    while client
        .query_one(sql, &[])
        .await
        .expect("it counts")
        .get::<_, i64>(0)
        < 2
    {
        assert!(Instant::now() < deadline, "it was never written");
    }
    proxy.set(Line::Cut);
    let begun = beginning.await.expect("it ends");
    assert!(
        matches!(begun, Err(StorageError::CommitUnknown(_))),
        "{begun:?}"
    );
    proxy.set(Line::Whole);
    let again = storage.begin_request(&record(2)).await;
    assert_eq!(again.expect("it reads"), Some(record(2)));
}

/// A change that is given up half-way leaves nothing, and its connection goes on without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_change_of_settings_leaves_nothing() {
    let database = Database::create().await;
    let options = PostgresOptions {
        read_connections_max: 1,
        ..PostgresOptions::default()
    };
    let storage = PostgresStorage::connect(database.url(), options).await;
    let storage = storage.expect("it connects");
    let change = SettingsChange {
        audit: vec![entry(1, 1)],
        ..SettingsChange::default()
    };
    let mut client = database.client().await;
    let blocker = client.transaction().await.expect("it begins");
    let lock = "SELECT 1 FROM installation FOR UPDATE";
    blocker.execute(lock, &[]).await.expect("it is in the way");
    let impatient =
        tokio::time::timeout(Duration::from_millis(300), storage.save_settings(&change));
    impatient.await.expect_err("it waits for the row");
    blocker.rollback().await.expect("it lets go");
    assert_eq!(storage.settings_version().await.ok(), Some(0));
    assert_eq!(storage.audit_heads().await.ok(), Some(Vec::new()));
    storage.save_settings(&change).await.expect("it saves");
    assert_eq!(storage.settings_version().await.ok(), Some(1));
    assert_eq!(storage.audit_heads().await.ok(), Some(change.audit));
}
