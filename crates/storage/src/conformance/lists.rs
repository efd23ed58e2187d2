//! Lists of payments and incidents, and whose they are.

use altyn_domain::{
    Command, Money, Outcome, PaymentId, PaymentStatus, Refusal, Report, TimerKind, Timestamp, Way,
};

use super::Fixture;
use super::fixture::{DIALECT, Gate, START, refused, shop};
use crate::{PaymentFilter, ReferenceKey};

fn everything() -> PaymentFilter {
    PaymentFilter {
        from: Timestamp::from_micros(0),
        to: Timestamp::from_micros(i64::MAX),
        by_registration: true,
        statuses: Vec::new(),
        dialect: None,
        offset: 0,
        limit: 100,
    }
}

async fn page(gate: &Gate, filter: &PaymentFilter) -> (Vec<PaymentId>, u64) {
    let (project, bucket) = (gate.shop.id, gate.shop.bucket);
    let page = gate.storage.payments(project, bucket, filter).await;
    let page = page.expect("it reads");
    for payment in &page.payments {
        assert_eq!(payment, &gate.read(payment.id).await);
    }
    let ids = page.payments.iter().map(|payment| payment.id).collect();
    (ids, page.total)
}

/// Six payments of the gate's shop, about one each minute: cancelled, open, captured, open, held, and
/// open in another dialect. Two more are of other shops, one of them in the same bucket.
async fn six_payments(gate: &mut Gate) -> Vec<PaymentId> {
    let mut made = vec![gate.registered(Way::Purchase).await.id];
    for way in [Way::Purchase, Way::Hold] {
        gate.wait(60_000);
        made.push(gate.registered(Way::Purchase).await.id);
        gate.wait(60_000);
        let tried = gate.processing(way).await.id;
        gate.wait(1_000);
        gate.done(Gate::report(tried, 1, super::fixture::approval()))
            .await;
        made.push(tried);
    }
    gate.wait(60_000);
    let mut other = gate.register(Way::Purchase);
    other.dialect = "ecommpay".to_owned();
    made.push(other.id);
    gate.done(Command::Register(Box::new(other))).await;
    gate.done(Gate::cancel(made[0])).await;
    // Two of another shop, one of them in the same bucket.
    let own = std::sync::Arc::clone(&gate.shop);
    gate.shop = shop(8);
    gate.paid().await;
    let mut neighbour = (*shop(9)).clone();
    neighbour.bucket = own.bucket;
    gate.shop = std::sync::Arc::new(neighbour);
    gate.paid().await;
    gate.shop = own;
    made
}

/// Pages are newest first, filtered, counted, and of one project only.
pub async fn payments_are_listed(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let made = six_payments(&mut gate).await;
    let newest_first = |places: &[usize]| -> Vec<PaymentId> {
        places.iter().rev().map(|place| made[*place]).collect()
    };
    let all = everything();
    assert_eq!(
        page(&gate, &all).await,
        (newest_first(&[0, 1, 2, 3, 4, 5]), 6)
    );
    let second = PaymentFilter {
        offset: 2,
        limit: 2,
        ..all.clone()
    };
    assert_eq!(page(&gate, &second).await, (newest_first(&[2, 3]), 6));
    let beyond = PaymentFilter {
        offset: 6,
        ..all.clone()
    };
    assert_eq!(page(&gate, &beyond).await, (Vec::new(), 6));
    // From the first minute, and before the third.
    let minutes = PaymentFilter {
        from: START.plus_millis(60_000),
        to: gate.read(made[3]).await.created_at,
        ..all.clone()
    };
    assert_eq!(page(&gate, &minutes).await, (newest_first(&[1, 2]), 2));
    let statuses = PaymentFilter {
        statuses: vec![PaymentStatus::Captured, PaymentStatus::Cancelled],
        ..all.clone()
    };
    assert_eq!(page(&gate, &statuses).await, (newest_first(&[0, 2]), 2));
    let dialect = PaymentFilter {
        dialect: Some("ecommpay".to_owned()),
        ..all.clone()
    };
    assert_eq!(page(&gate, &dialect).await, (newest_first(&[5]), 1));
    let completed = PaymentFilter {
        by_registration: false,
        ..all.clone()
    };
    assert_eq!(page(&gate, &completed).await, (newest_first(&[2, 4]), 2));
    let finished_at = gate.read(made[4]).await.operations[0].finished_at;
    let both = PaymentFilter {
        from: finished_at.expect("it is finished"),
        statuses: vec![PaymentStatus::Authorized],
        dialect: Some(DIALECT.to_owned()),
        ..completed
    };
    assert_eq!(page(&gate, &both).await, (newest_first(&[4]), 1));
    let before = PaymentFilter {
        to: both.from,
        from: START,
        ..both
    };
    assert_eq!(page(&gate, &before).await, (Vec::new(), 0));
}

/// Incidents are listed newest first, closed once, and kept.
pub async fn incidents_are_opened_and_closed(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let mut payments = Vec::new();
    for _ in 0..3 {
        gate.wait(60_000);
        let paid = gate.paid().await.id;
        // The gateway takes back what it said: a contradiction.
        gate.done(Gate::report(paid, 1, refused())).await;
        payments.push(paid);
    }
    gate.wait(60_000);
    let mut wrong = Report::bare(Outcome::Approved);
    let tried = gate.processing(Way::Purchase).await;
    wrong.facts.amount = Money::new(1, tried.amount.currency()).ok();
    gate.done(Gate::report(tried.id, 1, wrong)).await;
    payments.push(tried.id);

    let ids = |records: &[crate::IncidentRecord]| -> Vec<PaymentId> {
        records.iter().map(|record| record.payment_id).collect()
    };
    let newest_first: Vec<_> = payments.iter().rev().copied().collect();
    let open = gate.storage.incidents(false, 10).await.expect("it reads");
    assert_eq!(ids(&open), newest_first);
    assert_eq!(open[0].opened_at, gate.now);
    assert_eq!(open[0].project_id, gate.shop.id);
    assert_eq!(
        (open[0].incident.number, open[0].incident.operation),
        (1, Some(1))
    );
    assert!(open.iter().all(|record| record.resolved.is_none()));
    let two = gate.storage.incidents(false, 2).await.expect("it reads");
    assert_eq!(two, open[..2]);

    gate.wait(60_000);
    let closed_at = gate.now;
    for note in ["looked at: «да»", "looked at again"] {
        let close = Command::Resolve(altyn_domain::ResolveIncident {
            payment_id: payments[1],
            incident: 1,
            report: None,
            note: note.to_owned(),
        });
        // The second one comes too late to change what the first one wrote, and may be refused.
        let _ = gate.try_run(close).await;
        gate.wait(1_000);
    }
    let open = gate.storage.incidents(false, 10).await.expect("it reads");
    assert_eq!(ids(&open), [payments[3], payments[2], payments[0]]);
    let all = gate.storage.incidents(true, 10).await.expect("it reads");
    assert_eq!(ids(&all), newest_first);
    let resolved = (closed_at, "looked at: «да»".to_owned());
    assert_eq!(all[2].resolved, Some(resolved));
}

/// Nothing of one project is reachable by another; an id alone reaches its payment and no more.
pub async fn a_foreign_project_never_sees_a_payment(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let paid = gate.paid().await;
    let mut stranger = (*shop(9)).clone();
    stranger.bucket = gate.shop.bucket;
    for foreign in [shop(8), std::sync::Arc::new(stranger)] {
        gate.shop = foreign;
        let read = gate.storage.payment(gate.shop.id, paid.id).await;
        assert_eq!(read.expect("it reads"), None);
        let key: ReferenceKey = gate.order_key(&paid.order.reference);
        let read = gate.storage.payment_by_reference(&key).await;
        assert_eq!(read.expect("it reads"), None);
        assert_eq!(page(&gate, &everything()).await, (Vec::new(), 0));
        let commands = vec![
            gate.refund(paid.id, 1, None),
            Gate::fire(paid.id, TimerKind::Expiry, 0),
            Gate::cancel(paid.id),
        ];
        for answer in gate.run(commands).await {
            assert_eq!(answer, Err(Refusal::PaymentNotFound));
        }
    }
    let read = gate.storage.payment_by_capability(paid.id).await;
    assert_eq!(read.expect("it reads"), Some(paid));
}
