//! What the audit reads.

use std::collections::BTreeMap;

use altyn_domain::{Payment, PaymentId, Way};

use super::Fixture;
use super::fixture::{Gate, approval, shop};

/// The pages of the audit together hold every payment once, in key order, with all its numbers.
pub async fn pages_cover_every_payment_once(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let storage = fixture.another().await;
    let empty = storage.audit_page(None, 3).await.expect("it reads");
    assert_eq!((empty.payments, empty.next), (Vec::new(), None));

    let mut known: BTreeMap<PaymentId, Payment> = BTreeMap::new();
    for number in [300, 7, 4095] {
        gate.shop = shop(number);
        for way in [Way::Purchase, Way::Hold, Way::Verify] {
            gate.wait(1);
            let payment = gate.completed(way).await;
            known.insert(payment.id, payment);
        }
        let refund = *known.keys().next().expect("there is one");
        if known[&refund].project_id == gate.shop.id {
            let back = gate.refund(refund, 100, None);
            gate.done(back).await;
            let report = Gate::report(refund, 2, approval());
            known.insert(refund, gate.done(report).await.payment);
        }
        let open = gate.registered(Way::Purchase).await;
        known.insert(open.id, open);
    }
    for limit in [1, 5, 12, 100] {
        let mut seen = Vec::new();
        let mut from = None;
        for _ in 0..known.len() + 1 {
            let page = storage.audit_page(from, limit).await.expect("it reads");
            assert!(page.payments.len() <= limit as usize);
            seen.extend(page.payments);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(from, None);
        assert_eq!(seen.len(), known.len());
        let key = |id: PaymentId| (id.bucket(), id);
        assert!(seen.is_sorted_by_key(|audited| key(audited.payment.id)));
        for audited in seen {
            let payment = &known[&audited.payment.id];
            assert_eq!(&audited.payment, payment);
            assert_eq!(audited.stored_status, payment.status().word());
            let counters = payment.counters;
            let up_to = |count: u32| (1..=count).collect::<Vec<_>>();
            assert_eq!(audited.events, up_to(counters.events));
            assert_eq!(audited.deliveries, up_to(counters.deliveries));
            let numbers: Vec<_> = audited.postings.iter().map(|p| p.number).collect();
            assert_eq!(numbers, up_to(counters.postings));
            let stored = storage.postings(payment.id).await.expect("it reads");
            assert_eq!(audited.postings, stored);
        }
    }
}

/// Every handle answers and knows its name, and sees at once what another one committed.
pub async fn a_database_answers(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let other = fixture.another().await;
    for storage in [&gate.storage, &other] {
        storage.ping().await.expect("it answers");
        assert!(["sqlite", "postgres"].contains(&storage.name()));
    }
    for _ in 0..20 {
        let payment = gate.registered(Way::Purchase).await;
        let seen = other.payment(gate.shop.id, payment.id).await;
        assert_eq!(seen.expect("it reads"), Some(payment));
    }
}
