//! Timers: leases, and the fencing numbers that end them.

use std::collections::BTreeSet;
use std::sync::Arc;

use altyn_domain::{
    Command, DeliveryState, Outcome, Payment, PaymentId, PaymentStatus, Refusal, Report,
    TimerChange, TimerKey, TimerKind, Timestamp, Way,
};
use tokio::task::JoinSet;

use super::Fixture;
use super::fixture::{Gate, SESSION_MS, START};
use crate::{Lease, LeasedTimer, Storage, StorageError};

/// How long every lease here lasts.
const LEASE_MS: i64 = 10_000;

/// Leases timers at `now`, again after a conflict.
async fn lease(
    storage: &dyn Storage,
    kinds: &[TimerKind],
    now: Timestamp,
    limit: u32,
) -> Vec<LeasedTimer> {
    loop {
        let until = now.plus_millis(LEASE_MS);
        match storage.lease_timers(kinds, now, until, limit).await {
            Ok(leased) => return leased,
            Err(StorageError::Conflict) => {}
            Err(error) => panic!("no lease: {error}"),
        }
    }
}

/// Leases the one timer of this kind that is due.
async fn lease_one(storage: &dyn Storage, kind: TimerKind, now: Timestamp) -> LeasedTimer {
    let leased = lease(storage, &[kind], now, 10).await;
    assert_eq!(leased.len(), 1, "{leased:?}");
    assert_eq!(leased[0].key.kind, kind);
    leased[0]
}

fn right(timer: LeasedTimer) -> Lease {
    Lease {
        key: timer.key,
        fence: timer.fence,
    }
}

fn expiry(id: PaymentId) -> Command {
    Gate::fire(id, TimerKind::Expiry, 0)
}

/// What the worker of callbacks does with the first delivery's timer.
async fn record_delivery(gate: &Gate, payment: &Payment, timer: TimerChange) -> Command {
    let delivery = gate.storage.delivery(payment.id, 1).await;
    let (mut delivery, _) = delivery.expect("it reads").expect("it is there");
    delivery.attempts += 1;
    if timer == TimerChange::Clear {
        delivery.state = DeliveryState::Failed;
    }
    Command::RecordDelivery {
        payment_id: payment.id,
        delivery: Box::new(delivery),
        attempt: None,
        timer,
    }
}

/// Nothing can be done under any of these leases any more.
async fn lost(gate: &mut Gate, payment: &Payment, leases: &[LeasedTimer]) {
    for stale in leases {
        let clear = record_delivery(gate, payment, TimerChange::Clear).await;
        let answer = gate.run_leased(clear, right(*stale)).await;
        assert_eq!(answer, Err(Refusal::LeaseLost));
    }
}

/// Four workers on two handles lease everything that is due: each timer once, oldest first.
pub async fn row_11_each_due_timer_is_leased_once(fixture: &dyn Fixture) {
    const TIMERS: usize = 60;
    let handles = [fixture.fresh().await, fixture.another().await];
    let mut gate = Gate::open(Arc::clone(&handles[0]), 1).await;
    let mut expected = BTreeSet::new();
    for _ in 0..TIMERS {
        gate.wait(10);
        expected.insert(gate.registered(Way::Purchase).await.id);
    }
    let now = gate.now.plus_millis(SESSION_MS);
    let mut tasks = JoinSet::new();
    for worker in 0..4 {
        let handle = Arc::clone(&handles[worker % 2]);
        tasks.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let leased = lease(&*handle, &[TimerKind::Expiry], now, 7).await;
                assert!(leased.len() <= 7);
                assert!(leased.is_sorted_by_key(|timer| timer.due_at));
                if leased.is_empty() {
                    break mine;
                }
                mine.extend(leased);
            }
        });
    }
    let leased: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(leased.len(), TIMERS);
    let found: BTreeSet<_> = leased.iter().map(|timer| timer.key.payment_id).collect();
    assert_eq!(found, expected);
    for timer in leased {
        assert_eq!(timer.project_id, gate.shop.id);
        let made_at = timer.key.payment_id.made_at();
        assert_eq!(timer.due_at, made_at.plus_millis(SESSION_MS));
    }
}

/// A worker that wakes after its lease passed to another can do nothing with it.
pub async fn row_12_a_lost_lease_is_refused(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let other = fixture.another().await;
    let payment = gate.registered(Way::Purchase).await;
    gate.wait(SESSION_MS);
    let late = lease_one(&*gate.storage, TimerKind::Expiry, gate.now).await;
    gate.wait(LEASE_MS);
    let owner = lease_one(&*other, TimerKind::Expiry, gate.now).await;
    assert_eq!(late.key, owner.key);
    assert!(late.fence < owner.fence);

    let answer = gate.run_leased(expiry(payment.id), right(late)).await;
    assert_eq!(answer, Err(Refusal::LeaseLost));
    assert_eq!(gate.read(payment.id).await, payment);
    let answer = gate.run_leased(expiry(payment.id), right(owner)).await;
    let expired = answer.expect("the owner may").payment;
    assert_eq!(expired.status(), PaymentStatus::Expired);
    // The timer is gone with its work.
    let answer = gate.run_leased(expiry(payment.id), right(owner)).await;
    assert_eq!(answer, Err(Refusal::LeaseLost));
    gate.wait(LEASE_MS);
    let gone = lease(&*other, &[TimerKind::Expiry], gate.now, 10).await;
    assert!(gone.is_empty(), "{gone:?}");
}

/// One lease is one effect, in one batch too; and while its commit is under way nobody takes it over.
pub async fn a_lease_has_one_effect(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let other = fixture.another().await;
    let payment = gate.registered(Way::Purchase).await;
    gate.wait(SESSION_MS);
    let timer = lease_one(&*gate.storage, TimerKind::Expiry, gate.now).await;
    // The lease has ended, but nobody has taken it over yet: the work still counts.
    gate.wait(LEASE_MS);
    let mut request = gate.request(expiry(payment.id));
    request.lease = Some(right(timer));
    let (answers, changes) = gate.begin(&[request.clone(), request]).await;
    assert!(answers[0].is_ok());
    assert_eq!(answers[1], Err(Refusal::LeaseLost));
    let now = gate.now;
    let thief = tokio::spawn(async move { lease(&*other, &[TimerKind::Expiry], now, 10).await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    gate.writer.save(&changes).await.expect("it saves");
    assert_eq!(thief.await.expect("it ends"), []);
}

/// Set again, or cleared and set again, a timer gets a fencing number that no lease ever had.
pub async fn a_fence_is_never_repeated(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let payment = gate.paid().await;
    let kind = TimerKind::Callback;
    let first = lease_one(&*gate.storage, kind, gate.now).await;
    assert_eq!((first.attempt, first.due_at), (0, START));

    gate.wait(5);
    let due_at = gate.now.plus_millis(1_000);
    let set = TimerChange::Set { due_at, attempt: 1 };
    let again = record_delivery(&gate, &payment, set).await;
    let done = gate.run_leased(again, right(first)).await;
    assert!(done.is_ok(), "{done:?}");
    let early = lease(&*gate.storage, &[kind], gate.now, 10).await;
    assert!(early.is_empty(), "it is not due yet");
    gate.now = due_at;
    let second = lease_one(&*gate.storage, kind, gate.now).await;
    assert_eq!((second.attempt, second.due_at), (1, due_at));
    assert!(second.fence > first.fence);

    // Set while it is leased: the lease ends.
    gate.wait(5);
    let now = gate.now;
    let set = |attempt| TimerChange::Set {
        due_at: now,
        attempt,
    };
    let again = record_delivery(&gate, &payment, set(2)).await;
    gate.done(again).await;
    lost(&mut gate, &payment, &[first, second]).await;
    let third = lease_one(&*gate.storage, kind, gate.now).await;
    assert!(third.fence > second.fence);
    lost(&mut gate, &payment, &[first, second]).await;

    // Set by a node whose clock is behind.
    gate.wait(-30_000);
    let again = record_delivery(&gate, &payment, set(2)).await;
    gate.done(again).await;
    lost(&mut gate, &payment, &[first, second, third]).await;
    gate.now = now;
    let behind = third.fence;
    let third = lease_one(&*gate.storage, kind, gate.now).await;
    assert!(third.fence > behind);

    let clear = record_delivery(&gate, &payment, TimerChange::Clear).await;
    let done = gate.run_leased(clear, right(third)).await;
    assert!(done.is_ok(), "{done:?}");
    let gone = lease(&*gate.storage, &[kind], gate.now, 10).await;
    assert!(gone.is_empty());
    gate.wait(1);
    let again = record_delivery(&gate, &payment, set(3)).await;
    gate.done(again).await;
    let fourth = lease_one(&*gate.storage, kind, gate.now).await;
    assert!(fourth.fence > third.fence);
    assert_eq!(fourth.attempt, 3);
}

/// A lease lasts until its end and no longer.
pub async fn an_ended_lease_gives_the_timer_back(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    gate.registered(Way::Purchase).await;
    let kinds = [TimerKind::Expiry];
    let due = START.plus_millis(SESSION_MS);
    let instant = |micros: i64| Timestamp::from_micros(due.as_micros() + micros);
    assert!(
        lease(&*gate.storage, &kinds, instant(-1), 10)
            .await
            .is_empty()
    );
    let first = lease_one(&*gate.storage, TimerKind::Expiry, due).await;
    let last_micro = instant(LEASE_MS * 1_000 - 1);
    for now in [due, last_micro] {
        assert!(lease(&*gate.storage, &kinds, now, 10).await.is_empty());
    }
    let end = instant(LEASE_MS * 1_000);
    let second = lease_one(&*gate.storage, TimerKind::Expiry, end).await;
    assert!(second.fence > first.fence);
    assert_eq!(
        (second.key, second.due_at),
        (first.key, due),
        "a lease changes nothing of the timer"
    );
}

/// A timer that is leased in the commit that sets it belongs to who set it: nobody else gets it before the
/// lease ends, and the fencing number is the instant of the commit.
pub async fn a_timer_can_be_set_and_leased_at_once(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let payment = gate.processing(Way::Purchase).await;
    let report = Gate::report(payment.id, 1, Report::bare(Outcome::Approved));
    let requests = [gate.request(report)];
    let (answers, mut changes) = gate.begin(&requests).await;
    assert!(answers[0].is_ok());
    let key = TimerKey {
        payment_id: payment.id,
        kind: TimerKind::Callback,
        subject: 1,
    };
    let until = gate.now.plus_millis(LEASE_MS);
    changes.leases.insert(key, until);
    gate.writer.save(&changes).await.expect("it saves");
    let kinds = [TimerKind::Callback];
    assert!(lease(&*gate.storage, &kinds, gate.now, 10).await.is_empty());
    let mine = Lease {
        key,
        fence: gate.now.as_micros(),
    };
    let again = TimerChange::Set {
        due_at: gate.now,
        attempt: 1,
    };
    let record = record_delivery(&gate, &payment, again).await;
    let recorded = gate.run_leased(record, mine).await;
    assert!(recorded.is_ok(), "{recorded:?}");
    // Set anew without a lease: everybody's.
    let next = lease_one(&*gate.storage, TimerKind::Callback, gate.now).await;
    assert!(next.fence > mine.fence && next.attempt == 1);
}

/// Only the kinds that are asked for are leased, and all that is due is counted.
pub async fn timers_are_leased_by_kind(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let paid = gate.paid().await;
    gate.wait(1_000);
    let open = gate.registered(Way::Purchase).await;
    let tried = gate.processing(Way::Hold).await;
    let storage = Arc::clone(&gate.storage);
    let due = storage.due_timers(gate.now).await.expect("it counts");
    assert_eq!(due, (1, Some(START)));
    let before = storage.due_timers(Timestamp::from_micros(START.as_micros() - 1));
    assert_eq!(before.await.expect("it counts"), (0, None));
    // Callback, two expiries, one processing period, one enquiry.
    let now = gate.now.plus_millis(SESSION_MS);
    let due = storage.due_timers(now).await.expect("it counts");
    assert_eq!(due, (5, Some(START)));

    let mut keys = Vec::new();
    let wanted = [TimerKind::Expiry, TimerKind::ProcessingPeriod];
    for limit in [2, 10] {
        let leased = lease(&*storage, &wanted, now, limit).await;
        keys.extend(leased.into_iter().map(|timer| timer.key));
    }
    let key = |payment: &Payment, kind, subject| TimerKey {
        payment_id: payment.id,
        kind,
        subject,
    };
    // The processing period was due long before the expiries.
    assert_eq!(keys[0], key(&tried, TimerKind::ProcessingPeriod, 1));
    let keys: BTreeSet<_> = keys.into_iter().collect();
    let expected = [
        key(&tried, TimerKind::ProcessingPeriod, 1),
        key(&tried, TimerKind::Expiry, 0),
        key(&open, TimerKind::Expiry, 0),
    ];
    assert_eq!(keys, expected.into());
    assert!(lease(&*storage, &[], now, 10).await.is_empty());
    let callback = lease_one(&*storage, TimerKind::Callback, now).await;
    assert_eq!(callback.key, key(&paid, TimerKind::Callback, 1));
    let enquiry = lease_one(&*storage, TimerKind::Enquiry, now).await;
    assert_eq!(enquiry.key, key(&tried, TimerKind::Enquiry, 1));
    // A leased timer is still due until its work is done.
    let due = storage.due_timers(now).await.expect("it counts");
    assert_eq!(due, (5, Some(START)));
}
