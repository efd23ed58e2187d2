//! Several writers at once: who waits, who wins, and that nobody waits crosswise.

use std::sync::Arc;

use altyn_domain::{Command, Refusal, TimerChange, TimerKind, Way};
use altyn_storage::conformance::fixture::{Gate, approval, balances, shop};
use altyn_storage::{Request, StorageError};
use tokio::task::JoinSet;

use crate::database::Database;

/// Whole payments of several shops in one batch, in an order of the gate's own.
fn payments(gate: &mut Gate, number: usize) -> Vec<Request> {
    let mut requests = Vec::new();
    for _ in 0..number {
        let chosen = gate.ids.below(6);
        gate.shop = shop(u16::try_from(chosen).unwrap_or(0) + 1);
        let way = [Way::Purchase, Way::Hold][gate.ids.below(2)];
        let order = gate.register(way);
        let id = order.id;
        requests.push(gate.request(Command::Register(Box::new(order))));
        let begin = gate.begin_try(id);
        requests.push(gate.request(begin));
        requests.push(gate.request(Gate::report(id, 1, approval())));
        if way == Way::Hold {
            let capture = gate.capture(id, Some(4_000));
            requests.push(gate.request(capture));
            requests.push(gate.request(Gate::report(id, 2, approval())));
        }
    }
    requests
}

/// Trap: balances that two writers update in different orders. Ours are updated in account order, so the
/// server never has to break a deadlock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_accounts_never_deadlock() {
    let database = Database::create().await;
    let storage = database.open().await;
    let mut tasks = JoinSet::new();
    for seed in 1..=3 {
        let storage = Arc::clone(&storage);
        tasks.spawn(async move {
            let mut gate = Gate::open(storage, seed).await;
            for _ in 0..20 {
                let requests = payments(&mut gate, 12);
                let answers = gate.run_requests(&requests).await;
                assert!(answers.iter().all(Result::is_ok), "{answers:?}");
            }
        });
    }
    tasks.join_all().await;
    let (stored, counted) = balances(&*storage).await;
    assert_eq!(stored, counted);
    let client = database.client().await;
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let row = client.query_one(sql, &[]).await.expect("it counts");
    assert_eq!(row.get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_writers_with_one_reference_one_has_a_conflict_and_then_sees_the_winner() {
    let database = Database::create().await;
    let storage = database.open().await;
    let mut first = Gate::open(storage.clone(), 1).await;
    let mut second = Gate::open(storage.clone(), 2).await;
    let order = first.register(Way::Purchase);
    let mut rival = second.register(Way::Purchase);
    rival.reference_key.clone_from(&order.reference_key);
    let winner = order.id;
    let request = first.request(Command::Register(Box::new(order)));
    let again = second.request(Command::Register(Box::new(rival)));

    // Both find the reference free.
    let (answers, changes) = first.begin(&[request]).await;
    assert!(answers[0].is_ok());
    let (answers, rival_changes) = second.begin(std::slice::from_ref(&again)).await;
    assert!(answers[0].is_ok());
    first.writer.save(&changes).await.expect("the first wins");
    let lost = second.writer.save(&rival_changes).await;
    assert!(matches!(lost, Err(StorageError::Conflict)), "{lost:?}");
    let known = second.writer.is_committed(rival_changes.batch).await;
    assert_eq!(known.ok(), Some(false));

    let (answers, _) = second.begin(&[again]).await;
    assert_eq!(answers[0], Err(Refusal::ReferenceTaken(winner)));
    second.writer.abandon().await;
}

/// An id that exists already is never written over, even if it was not loaded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_is_never_registered_over_another() {
    let database = Database::create().await;
    let mut gate = Gate::open(database.open().await, 1).await;
    let paid = gate.paid().await;
    let mut order = gate.register(Way::Hold);
    order.id = paid.id;
    let request = gate.request(Command::Register(Box::new(order)));
    let (answers, changes) = gate.begin(&[request]).await;
    assert!(answers[0].is_ok());
    let saved = gate.writer.save(&changes).await;
    assert!(matches!(saved, Err(StorageError::Conflict)), "{saved:?}");
    assert_eq!(gate.read(paid.id).await, paid);
}

/// A timer that is leased at the very moment in which another batch clears it is either cleared or the
/// batch runs again; it never stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cleared_timer_is_gone_even_if_it_is_leased_meanwhile() {
    let database = Database::create().await;
    let storage = database.open().await;
    let mut gate = Gate::open(storage.clone(), 1).await;
    let kinds = [TimerKind::Expiry, TimerKind::Callback];
    for round in 0..60 {
        gate.wait(1_000);
        let payment = gate.registered(Way::Purchase).await;
        let due = payment.expires_at;
        let thief = {
            let storage = storage.clone();
            tokio::spawn(async move {
                for pause in 0..20 {
                    // Each lease has ended when the next one is taken.
                    let now = due.plus_millis(pause);
                    altyn_storage::Storage::lease_timers(&*storage, &kinds, now, now, 10)
                        .await
                        .expect("it leases");
                }
            })
        };
        gate.done(Gate::cancel(payment.id)).await;
        thief.await.expect("it ends");
        let client = database.client().await;
        let sql = "SELECT count(*) FROM timers WHERE kind = 1";
        let left: i64 = client.query_one(sql, &[]).await.expect("it counts").get(0);
        assert_eq!(left, 0, "round {round}");
    }
}

/// A batch waits for the work of a timer whose row it holds, and a lease passes it over without waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_never_waits() {
    let database = Database::create().await;
    let storage = database.open().await;
    let mut gate = Gate::open(storage.clone(), 1).await;
    let payment = gate.registered(Way::Purchase).await;
    let due = payment.expires_at;
    let kinds = [TimerKind::Expiry];
    let until = due.plus_millis(1_000);
    let lease = || altyn_storage::Storage::lease_timers(&*storage, &kinds, due, until, 10);
    let leased = lease().await.expect("it leases");
    gate.now = due;
    let mut request = gate.request(Gate::fire(payment.id, TimerKind::Expiry, 0));
    request.lease = Some(altyn_storage::Lease {
        key: leased[0].key,
        fence: leased[0].fence,
    });
    let (answers, changes) = gate.begin(&[request]).await;
    assert!(answers[0].is_ok());
    assert_eq!(
        changes
            .timers
            .get(&leased[0].key)
            .map(|(_, change)| *change),
        Some(TimerChange::Clear)
    );
    // Even an hour later, long after the lease has ended.
    let later = due.plus_millis(3_600_000);
    let stolen = altyn_storage::Storage::lease_timers(&*storage, &kinds, later, later, 10).await;
    assert_eq!(stolen.expect("it does not wait"), []);
    gate.writer.save(&changes).await.expect("it saves");
}
