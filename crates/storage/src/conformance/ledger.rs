//! The ledger, and what the database refuses even if the program were wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use altyn_domain::{
    Command, Currency, Money, Outcome, Payment, PaymentId, Report, TimerKind, Way, replay_balances,
};

use super::Fixture;
use super::fixture::{Gate, approval, balances, refused, rubles, shop};
use crate::Request;

/// Payments of a random run, as they were answered last.
type Known = BTreeMap<PaymentId, Payment>;

fn random_request(gate: &mut Gate, known: &Known) -> Request {
    gate.shop = shop(if gate.ids.below(2) == 0 { 7 } else { 8 });
    let ours: Vec<_> = known
        .values()
        .filter(|payment| payment.project_id == gate.shop.id)
        .collect();
    let what = gate.ids.below(12);
    if ours.len() < 4 || what == 0 {
        let way = [Way::Purchase, Way::Hold, Way::Verify][gate.ids.below(3)];
        let mut order = gate.register(way);
        if gate.ids.below(3) == 0 {
            order.amount = Money::new(order.amount.minor(), rubles()).expect("not negative");
        }
        return gate.request(Command::Register(Box::new(order)));
    }
    let payment = ours[gate.ids.below(ours.len())];
    let id = payment.id;
    let newest = payment.next_number().saturating_sub(1);
    let part = i64::try_from(gate.ids.below(12)).unwrap_or(0) * 1_000;
    let command = match what {
        1 | 2 => gate.begin_try(id),
        3 => Gate::report(id, newest, refused()),
        4 => Gate::report(id, newest, Report::bare(Outcome::Unknown)),
        5 => gate.capture(id, (part < 6_000).then_some(part)),
        6 => gate.void(id, (part < 6_000).then_some(part)),
        7 => gate.refund(id, part, None),
        8 if part == 0 => Gate::cancel(id),
        8 => Gate::fire(id, TimerKind::ProcessingPeriod, newest),
        _ => Gate::report(id, newest, approval()),
    };
    gate.request(command)
}

/// After many random batches every account's sums are the sums of its postings, and no payment's
/// reservations are settled beyond what they reserve.
pub async fn accounts_equal_postings_after_random_batches(fixture: &dyn Fixture) {
    const BATCHES: usize = 60;
    let storage = fixture.fresh().await;
    let mut gate = Gate::open(Arc::clone(&storage), 1).await;
    let mut known = Known::new();
    let mut accepted = 0;
    for _ in 0..BATCHES {
        gate.wait(1_000);
        let size = 1 + gate.ids.below(12);
        let requests: Vec<_> = (0..size)
            .map(|_| random_request(&mut gate, &known))
            .collect();
        for answer in gate.run_requests(&requests).await.into_iter().flatten() {
            accepted += 1;
            known.insert(answer.payment.id, answer.payment);
        }
    }
    assert!(accepted > BATCHES, "only {accepted} commands were accepted");
    let (stored, counted) = balances(&*storage).await;
    assert_eq!(stored, counted);
    let used = |currency: Currency| stored.iter().any(|b| b.account.currency == currency);
    assert!(used(Currency::KZT) && used(rubles()));
    for payment in known.values() {
        let read = storage.payment(payment.project_id, payment.id).await;
        assert_eq!(read.expect("it reads").as_ref(), Some(payment));
        let postings = storage.postings(payment.id).await.expect("it reads");
        assert_eq!(postings.len(), payment.counters.postings as usize);
        replay_balances(&postings).expect("the postings make sense");
    }
}

/// Every statement is refused, and nothing of the payment changes.
async fn all_refused(fixture: &dyn Fixture, gate: &Gate, id: PaymentId, statements: &[&str]) {
    let storage = &gate.storage;
    let payment = gate.read(id).await;
    let postings = storage.postings(id).await.expect("it reads");
    let accounts = balances(&**storage).await;
    for sql in statements {
        let answer = fixture.raw_sql(sql).await;
        assert!(answer.is_err(), "the database accepted {sql}");
    }
    assert_eq!(gate.read(id).await, payment);
    assert_eq!(storage.postings(id).await.expect("it reads"), postings);
    let after = balances(&**storage).await;
    assert_eq!(after, accounts);
}

/// The statement is taken as it is: what is refused next to it is refused for its own reason.
async fn accepted(fixture: &dyn Fixture, sql: &str) {
    fixture
        .raw_sql(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

const OPERATION: &str = "INSERT INTO operations (bucket, payment_id, number, project_id, \
     operation_id, kind, state, amount, method, surplus, created_at, details) \
     SELECT bucket, payment_id, number + 50, project_id, operation_id, ";

/// Raw SQL cannot take more out of a payment than is in it.
pub async fn row_29_raw_sql_cannot_pass_a_ceiling(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let id = gate.paid().await.id;
    let refund = gate.refund(id, 6_000, None);
    gate.done(refund).await;
    let tail = "method, surplus, created_at, details FROM operations WHERE number = 2";
    let more = format!("{OPERATION} 'refund', 'sent', 4001, {tail}");
    let unknown = format!("{OPERATION} 'gift', 'sent', 1, {tail}");
    let adrift = format!("{OPERATION} 'refund', 'lost', 1, {tail}");
    let negative = format!("{OPERATION} 'refund', 'declined', -1, {tail}");
    let statements = [
        "UPDATE payments SET refunded = captured + 1",
        "UPDATE payments SET refunded = 5000, reversed = 3000, charged_back = 2001",
        "UPDATE payments SET captured = held + 1",
        "UPDATE payments SET voided = 1",
        "UPDATE payments SET held = amount + 1",
        "UPDATE payments SET refunded = -1",
        "UPDATE payments SET amount = amount + 1",
        "UPDATE payments SET currency = 'RUB'",
        "UPDATE payments SET status = 'rich'",
        "UPDATE operations SET amount = amount + 1 WHERE number = 2",
        "UPDATE operations SET kind = 'capture' WHERE number = 2",
        "UPDATE accounts SET pending_debit = -1",
        "UPDATE accounts SET posted_credit = -1",
        more.as_str(),
        unknown.as_str(),
        adrift.as_str(),
        negative.as_str(),
    ];
    all_refused(fixture, &gate, id, &statements).await;
    accepted(
        fixture,
        &format!("{OPERATION} 'refund', 'sent', 4000, {tail}"),
    )
    .await;
}

const POSTING: &str = "INSERT INTO postings (bucket, payment_id, number, project_id, operation, \
     entry, phase, settles, debit, credit, currency, amount, at) \
     SELECT bucket, payment_id, number + 50, project_id, operation, ";

/// A movement that is not one, or between two currencies, or that settles what is not reserved, cannot
/// be written.
pub async fn row_37_unbalanced_postings_are_refused(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let id = gate.paid().await.id;
    let from = "at FROM postings WHERE number = 1";
    let posting = |words: &str| format!("{POSTING} entry, {words}, {from}");
    let statements = [
        posting("2, NULL, debit, credit, currency, 0"),
        posting("2, NULL, debit, credit, currency, -100"),
        posting("2, NULL, debit, debit, currency, 100"),
        // There is no account in this currency, and no way to name two currencies.
        posting("2, NULL, debit, credit, 'RUB', 100"),
        posting("2, NULL, 'treasure', credit, currency, 100"),
        posting("2, NULL, debit, 'treasure', currency, 100"),
        posting("1, 1, debit, credit, currency, 100"),
        posting("3, NULL, debit, credit, currency, 100"),
        posting("2, 7, debit, credit, currency, 100"),
        posting("4, NULL, debit, credit, currency, 100"),
        format!("{POSTING} 'gift', 2, NULL, debit, credit, currency, 100, {from}"),
    ];
    let statements: Vec<_> = statements.iter().map(String::as_str).collect();
    all_refused(fixture, &gate, id, &statements).await;
    accepted(fixture, &posting("2, NULL, debit, credit, currency, 100")).await;
    let (stored, counted) = balances(&*gate.storage).await;
    assert_ne!(stored, counted, "the audit sees what the program did not");
}

/// Postings are append-only for everybody.
pub async fn row_38_postings_never_change(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let id = gate.held().await.id;
    let statements = [
        "UPDATE postings SET amount = amount + 1",
        "UPDATE postings SET at = at + 1",
        "DELETE FROM postings",
        "DELETE FROM postings WHERE number = 1",
        "DELETE FROM accounts",
    ];
    all_refused(fixture, &gate, id, &statements).await;
}
