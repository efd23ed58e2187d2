//! Several writers on one database.

use std::sync::Arc;

use altyn_domain::{Command, PaymentId, Refusal, Way};
use tokio::task::JoinSet;

use super::Fixture;
use super::fixture::{Gate, HANGS_AFTER, all, approval, balances, shop};
use crate::Storage;

pub(super) async fn two_handles(fixture: &dyn Fixture) -> [Arc<dyn Storage>; 2] {
    [fixture.fresh().await, fixture.another().await]
}

/// 64 refunds of 60 of 100 at once through four writers on two handles: exactly one is accepted.
pub async fn row_29_parallel_refunds(fixture: &dyn Fixture) {
    let handles = two_handles(fixture).await;
    let mut gate = Gate::open(Arc::clone(&handles[0]), 1).await;
    let id = gate.paid().await.id;
    let mut tasks = JoinSet::new();
    for writer in 0..4_u64 {
        let handle = Arc::clone(&handles[usize::from(writer % 2 == 1)]);
        tasks.spawn(async move {
            let mut gate = Gate::open(handle, 10 + writer).await;
            let mut answers = Vec::new();
            for _ in 0..16 {
                let refund = gate.refund(id, 6_000, None);
                answers.push(gate.try_run(refund).await);
            }
            answers
        });
    }
    let answers: Vec<_> = all(tasks).await.into_iter().flatten().collect();
    assert_eq!(answers.len(), 64);
    let (accepted, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(accepted.len(), 1);
    let exceeds = |answer: &Result<_, _>| matches!(answer, Err(Refusal::Exceeds { .. }));
    assert!(refused.iter().all(exceeds), "{refused:?}");
    assert_eq!(gate.read(id).await.refundable(), 4_000);

    // The exact remainder can still be refunded, and not a unit more.
    let (more, rest) = (gate.refund(id, 4_001, None), gate.refund(id, 4_000, None));
    assert!(gate.try_run(more).await.is_err());
    gate.done(rest).await;
    for operation in [2, 3] {
        gate.done(Gate::report(id, operation, approval())).await;
    }
    assert_eq!(gate.read(id).await.sums.refunded, 10_000);
}

/// Two writers whose batches touch the same accounts in opposite orders both come to an end, and the
/// accounts equal the postings.
pub async fn row_10_overlapping_accounts_never_deadlock_for_good(fixture: &dyn Fixture) {
    const BATCHES: usize = 12;
    const PAIRS: usize = 4;
    let handles = two_handles(fixture).await;
    let mut tasks = JoinSet::new();
    for (seed, handle) in (1..).zip(handles.iter().cloned()) {
        tasks.spawn(async move {
            let mut gate = Gate::open(handle, seed).await;
            let mut order = vec![shop(7), shop(8)];
            if seed == 2 {
                order.reverse();
            }
            for _ in 0..BATCHES {
                let mut requests = Vec::new();
                for _ in 0..PAIRS {
                    for project in &order {
                        gate.shop = Arc::clone(project);
                        let order = gate.register(Way::Purchase);
                        let id = order.id;
                        let register = Command::Register(Box::new(order));
                        requests.push(gate.request(register));
                        let begin = gate.begin_try(id);
                        requests.push(gate.request(begin));
                        requests.push(gate.request(Gate::report(id, 1, approval())));
                    }
                }
                let answers = gate.run_requests(&requests).await;
                assert!(answers.iter().all(Result::is_ok));
            }
        });
    }
    all(tasks).await;
    let (stored, counted) = balances(&*handles[0]).await;
    assert_eq!(stored, counted);
    let each = i64::try_from(2 * BATCHES * PAIRS).expect("a small number") * 10_000;
    assert_eq!(stored.len(), 4);
    for balance in stored {
        let sums = balance.sums;
        assert_eq!(sums.posted_debit + sums.posted_credit, each, "{balance:?}");
    }
}

/// A writer that loaded "absent" and then meets another writer's insert runs again and sees the winner.
/// (A database that lets the second one load only after the first has ended gets there without a
/// conflict.)
pub async fn another_writers_insert_wins(fixture: &dyn Fixture) {
    let [first, second] = two_handles(fixture).await;
    let mut gate = Gate::open(first, 1).await;
    let order = gate.register(Way::Purchase);
    let winner = order.id;
    let reference = order.order.reference.clone();
    let request = gate.request(Command::Register(Box::new(order)));
    let (answers, changes) = gate.begin(&[request]).await;
    assert!(answers[0].is_ok());

    let loser = tokio::spawn(async move {
        let mut gate = Gate::open(second, 2).await;
        let mut order = gate.register(Way::Purchase);
        order.reference_key = reference;
        order.order.reference = order.reference_key.clone();
        gate.try_run(Command::Register(Box::new(order))).await
    });
    // Give the second one time to reach its load; whether it does changes nothing of the end.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    gate.writer.save(&changes).await.expect("it saves");
    let answer = tokio::time::timeout(HANGS_AFTER, loser).await;
    let answer = answer.expect("it does not hang").expect("it ends");
    assert_eq!(answer, Err(Refusal::ReferenceTaken(winner)));
}

/// Of many registrations of one order number at once exactly one makes a payment; all others are told
/// which.
pub async fn a_race_for_a_reference_has_one_winner(fixture: &dyn Fixture) {
    const ORDERS: usize = 10;
    let handles = two_handles(fixture).await;
    let mut tasks = JoinSet::new();
    for writer in 0..4_u64 {
        let handle = Arc::clone(&handles[usize::from(writer % 2 == 1)]);
        tasks.spawn(async move {
            let mut gate = Gate::open(handle, 1 + writer).await;
            let mut answers: Vec<Result<PaymentId, PaymentId>> = Vec::new();
            for number in 0..ORDERS {
                let mut order = gate.register(Way::Hold);
                order.reference_key = format!("contested-{number}");
                order.order.reference = order.reference_key.clone();
                answers.push(
                    match gate.try_run(Command::Register(Box::new(order))).await {
                        Ok(answer) => Ok(answer.payment.id),
                        Err(Refusal::ReferenceTaken(owner)) => Err(owner),
                        Err(other) => panic!("{other}"),
                    },
                );
            }
            answers
        });
    }
    let answers = all(tasks).await;
    for number in 0..ORDERS {
        let of_order = answers.iter().map(|answers| answers[number]);
        let winners: Vec<_> = of_order.clone().filter_map(Result::ok).collect();
        assert_eq!(winners.len(), 1, "order {number}");
        assert!(of_order.filter_map(Result::err).all(|id| id == winners[0]));
    }
}

/// A writer that is dropped in the middle of a batch leaves nothing and holds nothing.
pub async fn a_dropped_writer_lets_go(fixture: &dyn Fixture) {
    let [first, second] = two_handles(fixture).await;
    let mut gate = Gate::open(Arc::clone(&first), 1).await;
    let paid = gate.paid().await;
    let refund = gate.refund(paid.id, 6_000, None);
    let request = gate.request(refund);
    let (answers, changes) = gate.begin(&[request]).await;
    assert!(answers[0].is_ok());
    drop(gate);

    for (seed, handle) in [(2, second), (3, first)] {
        let mut gate = Gate::open(handle, seed).await;
        let refund = gate.refund(paid.id, 5_000, None);
        let answer = tokio::time::timeout(HANGS_AFTER, gate.done(refund)).await;
        answer.expect("nothing is held any more");
        let committed = gate.writer.is_committed(changes.batch).await;
        assert!(!committed.expect("it looks"));
    }
}
