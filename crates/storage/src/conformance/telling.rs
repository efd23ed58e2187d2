//! Events, deliveries and attempts.

use std::collections::BTreeSet;

use altyn_domain::{
    Command, Delivery, DeliveryAttempt, DeliveryState, EventKind, Payment, TimerChange,
};

use super::Fixture;
use super::fixture::{Gate, approval};
use crate::DeliveryKey;

/// Records an attempt of a delivery that leaves it in this state.
fn record(
    gate: &Gate,
    payment: &Payment,
    delivery: &Delivery,
    attempt: DeliveryAttempt,
) -> Command {
    let timer = if delivery.state == DeliveryState::Waiting {
        let due_at = gate.now.plus_millis(1_000);
        let attempt = attempt.attempt;
        TimerChange::Set { due_at, attempt }
    } else {
        TimerChange::Clear
    };
    Command::RecordDelivery {
        payment_id: payment.id,
        delivery: Box::new(delivery.clone()),
        attempt: Some(Box::new(attempt)),
        timer,
    }
}

fn attempt(gate: &Gate, delivery: u32, number: u32, status: Option<u16>) -> DeliveryAttempt {
    DeliveryAttempt {
        delivery,
        attempt: number,
        at: gate.now,
        duration_ms: 37,
        status,
        error: status.is_none().then(|| "connection refused".to_owned()),
        answer: "«OK»\n\t".to_owned(),
    }
}

/// An event shows the payment of its commit, with the order put back; its delivery comes with it.
pub async fn events_and_deliveries_come_back(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let paid = gate.paid().await;
    gate.wait(1_000);
    let refund = gate.refund(paid.id, 2_500, Some("back"));
    let refund = gate.request(refund);
    let report = gate.request(Gate::report(paid.id, 2, approval()));
    let (answers, changes) = gate.begin(&[refund, report]).await;
    assert!(answers.iter().all(Result::is_ok));
    gate.writer.save(&changes).await.expect("it saves");

    let stored = gate.storage.delivery(paid.id, 2).await;
    let (delivery, event) = stored.expect("it reads").expect("it is there");
    assert_eq!(delivery, changes.deliveries[0].row);
    assert_eq!(event, changes.events[0].row);
    assert_eq!(event.kind, EventKind::Refunded);
    assert_eq!(event.operation, Some(2));
    assert_eq!(event.payment.sums.refunded, 2_500);
    assert_eq!(event.payment.order, paid.order);
    assert!(!event.payment.order.reference.is_empty());

    // The first event still shows the payment as it was then.
    let first = gate.storage.delivery(paid.id, 1).await;
    let (first, event) = first.expect("it reads").expect("it is there");
    assert_eq!((first.event, event.kind), (1, EventKind::Captured));
    assert_eq!(event.payment.sums.refunded, 0);
    assert_eq!(event.payment.operations.len(), 1);
    let absent = gate.storage.delivery(paid.id, 3).await;
    assert_eq!(absent.expect("it reads"), None);

    // Several are read at once, and those that do not exist are left out.
    let other = gate.paid().await;
    let wanted = [(paid.id, 2), (other.id, 1), (paid.id, 3), (paid.id, 1)];
    let keys = wanted.map(|(payment_id, number)| DeliveryKey { payment_id, number });
    let found = gate.storage.deliveries(&keys).await.expect("it reads");
    let found: BTreeSet<_> = found
        .iter()
        .map(|telling| {
            (
                telling.payment_id,
                telling.delivery.number,
                telling.event.number,
            )
        })
        .collect();
    let expected = [(paid.id, 1, 1), (paid.id, 2, 2), (other.id, 1, 1)];
    assert_eq!(found, expected.into());
    let none = gate.storage.deliveries(&[]).await;
    assert_eq!(none.expect("it reads"), []);
}

/// Attempts come back with every field in the order in which they were made, whatever the delivery.
pub async fn attempts_come_back_oldest_first(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let paid = gate.paid().await;
    let refund = gate.refund(paid.id, 2_500, None);
    gate.done(refund).await;
    gate.done(Gate::report(paid.id, 2, approval())).await;
    let none = gate.storage.delivery_attempts(paid.id).await;
    assert_eq!(none.expect("it reads"), []);

    let rendered = r#"{"body":"a=1&b=%D0%A2"}"#;
    let mut expected = Vec::new();
    for (number, of, status) in [(2, 1, None), (1, 1, Some(500)), (2, 2, Some(200))] {
        gate.wait(1_000);
        let stored = gate.storage.delivery(paid.id, number).await;
        let (mut delivery, _) = stored.expect("it reads").expect("it is there");
        delivery.attempts = of;
        delivery.rendered = Some(rendered.to_owned());
        if status == Some(200) {
            delivery.state = DeliveryState::Delivered;
        }
        let attempt = attempt(&gate, number, of, status);
        let command = record(&gate, &paid, &delivery, attempt.clone());
        gate.done(command).await;
        expected.push(attempt);
        let stored = gate.storage.delivery(paid.id, number).await;
        let (stored, event) = stored.expect("it reads").expect("it is there");
        assert_eq!(stored, delivery);
        assert_eq!(event.number, number);
    }
    let attempts = gate.storage.delivery_attempts(paid.id).await;
    assert_eq!(attempts.expect("it reads"), expected);
}
