//! Lists over several projects.

use std::cmp::Reverse;
use std::sync::Arc;

use altyn_domain::{
    Command, CustomerId, EventKind, Payment, PaymentId, PaymentStatus, Project, Timestamp, Way,
};

use super::Fixture;
use super::fixture::{Gate, START, approval, neighbour, refused, shop_with_balances};
use crate::{IncidentRecord, IncidentSearch, PaymentSearch, ProjectKey, Storage};

fn key(shop: &Project) -> ProjectKey {
    (shop.bucket, shop.id)
}

/// Two shops of one bucket, and two of others.
fn shops() -> [Arc<Project>; 4] {
    let first = shop_with_balances(7);
    let next = neighbour(&first);
    [first, next, shop_with_balances(8), shop_with_balances(300)]
}

/// Payments of these shops, four of each status and shop, many at the same instant.
async fn many_payments(gate: &mut Gate, shops: &[Arc<Project>]) -> Vec<Payment> {
    let mut ids = Vec::new();
    for round in 0..4 {
        for shop in shops {
            gate.shop = Arc::clone(shop);
            let customer = if round % 2 == 0 { "c-1" } else { "c-2" };
            let open = gate.registered_for(customer).await.id;
            let paid = gate.registered_for(customer).await.id;
            let begin = gate.begin_try(paid);
            gate.done(begin).await;
            gate.done(Gate::report(paid, 1, approval())).await;
            let ended = gate.registered(Way::Hold).await.id;
            gate.done(Gate::cancel(ended)).await;
            let held = gate.held().await.id;
            ids.extend([open, paid, ended, held]);
        }
        // Two rounds at each instant.
        gate.wait(if round % 2 == 0 { 0 } else { 1_000 });
    }
    let mut all = Vec::new();
    for id in ids {
        let read = gate.storage.payment_by_capability(id).await;
        all.extend(read.expect("it reads"));
    }
    all
}

fn place(payment: &Payment) -> (Timestamp, PaymentId) {
    (payment.created_at, payment.id)
}

async fn pages(storage: &dyn Storage, mut search: PaymentSearch) -> Vec<Payment> {
    let mut paged = Vec::new();
    loop {
        let page = storage.search_payments(&search).await.expect("it reads");
        assert!(page.len() <= search.limit as usize);
        let Some(last) = page.last() else {
            return paged;
        };
        search.after = Some(place(last));
        paged.extend(page);
    }
}

/// The pages of every search hold what it asks for, all of it, once, in order, and nothing of a project
/// that was not named.
pub async fn payments_are_searched(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let shops = shops();
    let all = many_payments(&mut gate, &shops).await;
    let storage = fixture.another().await;
    let keys = |places: &[usize]| places.iter().map(|n| key(&shops[*n])).collect::<Vec<_>>();
    let projects = [
        keys(&[]),
        keys(&[0]),
        keys(&[2, 0]),
        keys(&[1, 3, 1, 2]),
        keys(&[0, 1, 2, 3]),
    ];
    let statuses = [
        vec![],
        vec![PaymentStatus::Captured],
        vec![
            PaymentStatus::Cancelled,
            PaymentStatus::AwaitingPayment,
            PaymentStatus::Cancelled,
        ],
        vec![PaymentStatus::Refunded],
    ];
    let customers = [None, Some(CustomerId::of(shops[0].id, "c-2"))];
    let after_a_second = START.plus_millis(1_000);
    let times = [
        (None, None),
        (Some(after_a_second), None),
        (None, Some(after_a_second)),
        (Some(START), Some(START)),
    ];
    for projects in &projects {
        for statuses in &statuses {
            for customer_id in customers {
                for (from, to) in times {
                    let is_wanted = |p: &&Payment| {
                        projects.iter().any(|(_, id)| *id == p.project_id)
                            && (statuses.is_empty() || statuses.contains(&p.status()))
                            && customer_id.is_none_or(|id| p.customer_id == Some(id))
                            && from.is_none_or(|from| p.created_at >= from)
                            && to.is_none_or(|to| p.created_at < to)
                    };
                    let mut wanted: Vec<_> = all.iter().filter(is_wanted).cloned().collect();
                    wanted.sort_by_key(place);
                    for (ascending, limit) in [(true, 100), (false, 100), (true, 7), (false, 3)] {
                        let search = PaymentSearch {
                            projects: projects.clone(),
                            statuses: statuses.clone(),
                            customer_id,
                            from,
                            to,
                            ascending,
                            after: None,
                            limit,
                        };
                        let words = format!("{search:?}");
                        let mut found = pages(&*storage, search).await;
                        if !ascending {
                            found.reverse();
                        }
                        assert!(found == wanted, "{words}");
                    }
                }
            }
        }
    }
}

/// A project is its id and its shard key; with another's it is nobody.
pub async fn nothing_is_found_for_a_stranger(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let [own, next, other, _] = shops();
    gate.shop = Arc::clone(&own);
    let paid = gate.credited("c-1").await;
    gate.done(Gate::report(paid.id, 2, refused())).await;
    let storage = fixture.another().await;
    let customer_id = paid.customer_id;
    for stranger in [key(&next), key(&other), (own.bucket, other.id)] {
        let projects = vec![stranger];
        for customer_id in [None, customer_id] {
            let search = PaymentSearch {
                projects: projects.clone(),
                customer_id,
                limit: 10,
                ..PaymentSearch::default()
            };
            let found = storage.search_payments(&search).await;
            assert_eq!(found.expect("it reads"), []);
        }
        let reference = &paid.order.reference;
        let found = storage.payments_by_order(&projects, reference, 10).await;
        assert_eq!(found.expect("it reads"), []);
        let search = IncidentSearch {
            projects,
            payment_id: None,
            with_resolved: true,
            after: None,
            limit: 10,
        };
        let found = storage.search_incidents(&search).await;
        assert_eq!(found.expect("it reads"), []);
    }
}

/// A payment is found by its order's number in every dialect, as the merchant wrote it.
pub async fn payments_are_found_by_order(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let shops = shops();
    let mut made = Vec::new();
    for (shop, dialect, number, reference) in [
        (0, "rbs", "Order-1", "Order-1"),
        (0, "ecommpay", "Order-1", "order-1"),
        (0, "backoffice", "Order-1", "Order-1"),
        (1, "ecommpay", "Order-1", "order-1"),
        (2, "rbs", "Order-1", "Order-1"),
        (0, "rbs", "order-1", "order-1"),
        (0, "ecommpay", "ΟΔΟΣ", "οδοσ"),
        // Another order whose reference is written as the wanted one.
        (3, "rbs", "Order-7", "Order-1"),
    ] {
        gate.wait(10);
        gate.shop = Arc::clone(&shops[shop]);
        let mut order = gate.register(Way::Purchase);
        order.dialect = dialect.to_owned();
        order.order.reference = number.to_owned();
        order.reference_key = reference.to_owned();
        let command = Command::Register(Box::new(order));
        made.push(gate.done(command).await.payment);
    }
    let storage = fixture.another().await;
    let keys = |places: &[usize]| places.iter().map(|n| key(&shops[*n])).collect::<Vec<_>>();
    let cases: [(&[usize], &str, u32, &[usize]); 9] = [
        (&[0], "Order-1", 10, &[2, 1, 0]),
        (&[0], "Order-1", 2, &[2, 1]),
        (&[0], "order-1", 10, &[5]),
        (&[1], "Order-1", 10, &[3]),
        (&[2, 1, 0, 2], "Order-1", 10, &[4, 3, 2, 1, 0]),
        (&[3], "Order-1", 10, &[]),
        (&[0], "ΟΔΟΣ", 10, &[6]),
        (&[0], "Order", 10, &[]),
        (&[], "Order-1", 10, &[]),
    ];
    for (projects, number, limit, wanted) in cases {
        let named = keys(projects);
        let found = storage.payments_by_order(&named, number, limit);
        let found = found.await.expect("it reads");
        let wanted: Vec<_> = wanted.iter().map(|place| made[*place].clone()).collect();
        assert_eq!(found, wanted, "{projects:?} {number}");
    }
}

/// The events of a payment come back by number, each with the payment as it was then.
pub async fn events_come_back(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    gate.shop = shop_with_balances(7);
    let id = gate.registered_for("c-1").await.id;
    let begin = gate.begin_try(id);
    gate.done(begin).await;
    gate.wait(1_000);
    let paid = gate.done(Gate::report(id, 1, approval())).await.payment;
    gate.wait(1_000);
    let back = gate.refund(id, 4_000, None);
    gate.done(back).await;
    let back = gate.done(Gate::report(id, 2, approval())).await.payment;
    let events = gate.storage.events(id).await.expect("it reads");
    let numbers: Vec<_> = events.iter().map(|event| event.number).collect();
    let count = back.counters.events;
    assert_eq!(numbers, Vec::from_iter(1..=count));
    for (kind, payment, operation) in [
        (EventKind::Captured, &paid, 1),
        (EventKind::Refunded, &back, 2),
    ] {
        let event = events.iter().find(|event| event.kind == kind);
        let event = event.unwrap_or_else(|| panic!("{kind:?} was not told"));
        assert_eq!(event.operation, Some(operation));
        assert_eq!(event.at, payment.updated_at);
        assert_eq!(event.payment.order, payment.order);
        assert_eq!(event.payment.sums, payment.sums);
    }
    let unknown = PaymentId::new(START, gate.shop.bucket, 1);
    assert_eq!(gate.storage.events(unknown).await.expect("it reads"), []);
}

fn close(payment_id: PaymentId, incident: u32) -> Command {
    Command::Resolve(altyn_domain::ResolveIncident {
        payment_id,
        incident,
        report: None,
        note: "looked at".to_owned(),
    })
}

/// Incidents of the named projects are listed newest first, page by page, open ones or all.
pub async fn incidents_are_searched(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let shops = shops();
    for round in 0..6 {
        for shop in &shops {
            gate.shop = Arc::clone(shop);
            let id = gate.paid().await.id;
            // The gateway takes back what it said: a contradiction.
            gate.done(Gate::report(id, 1, refused())).await;
            if round % 3 == 0 {
                gate.done(close(id, 1)).await;
            }
        }
        gate.wait(if round % 2 == 0 { 0 } else { 1_000 });
    }
    let storage = fixture.another().await;
    let place = |r: &IncidentRecord| (r.opened_at, r.payment_id, r.incident.number);
    let mut all = storage.incidents(true, 100).await.expect("it reads");
    assert_eq!(all.len(), 24);
    all.sort_by_key(|record| Reverse(place(record)));
    for wanted in [&[][..], &[0], &[1, 0], &[3, 2, 1, 3], &[0, 1, 2, 3]] {
        for (with_resolved, limit) in [(true, 100), (false, 100), (true, 5), (false, 1)] {
            let mut search = IncidentSearch {
                projects: wanted.iter().map(|n| key(&shops[*n])).collect(),
                payment_id: None,
                with_resolved,
                after: None,
                limit,
            };
            let of = |record: &&IncidentRecord| {
                wanted.iter().any(|n| shops[*n].id == record.project_id)
                    && (with_resolved || record.resolved.is_none())
            };
            let expected: Vec<_> = all.iter().filter(of).cloned().collect();
            let mut paged = Vec::new();
            loop {
                let page = storage.search_incidents(&search).await.expect("it reads");
                assert!(page.len() <= limit as usize);
                let Some(last) = page.last() else { break };
                search.after = Some(place(last));
                paged.extend(page);
            }
            assert_eq!(paged, expected, "{search:?}");
        }
    }
}

/// Incidents of one payment are listed by number, and only to those who name its project.
pub async fn incidents_of_a_payment_are_searched(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let shops = shops();
    let mut ids = Vec::new();
    for shop in &shops {
        gate.shop = Arc::clone(shop);
        ids.push(gate.paid().await.id);
    }
    // The gateway takes back what it said, again and again; somebody looks at each but the last.
    for round in 1..=4 {
        for (shop, id) in shops.iter().zip(&ids) {
            gate.shop = Arc::clone(shop);
            gate.done(Gate::report(*id, 1, refused())).await;
            if round < 4 {
                gate.done(close(*id, round)).await;
            }
        }
        gate.wait(if round % 2 == 0 { 0 } else { 1_000 });
    }
    let storage = fixture.another().await;
    let all = storage.incidents(true, 100).await.expect("it reads");
    assert_eq!(all.len(), 4 * shops.len());
    let list = async |search: &IncidentSearch| {
        let found = storage.search_incidents(search).await;
        found.expect("it reads")
    };
    for (own, id) in ids.iter().enumerate() {
        let of = all.iter().filter(|record| record.payment_id == *id);
        let mut whole: Vec<_> = of.cloned().collect();
        whole.sort_by_key(|record| Reverse(record.incident.number));
        assert_eq!(whole.len(), 4);
        let mut search = IncidentSearch {
            projects: shops.iter().map(|shop| key(shop)).collect(),
            payment_id: Some(*id),
            with_resolved: true,
            after: None,
            limit: 100,
        };
        assert_eq!(list(&search).await, whole);
        search.projects = vec![key(&shops[own])];
        assert_eq!(list(&search).await, whole);
        search.with_resolved = false;
        assert_eq!(list(&search).await, whole[..1]);
        search.with_resolved = true;
        search.limit = 3;
        let page = list(&search).await;
        assert_eq!(page, whole[..3]);
        let last = &page[2];
        search.after = Some((last.opened_at, last.payment_id, last.incident.number));
        assert_eq!(list(&search).await, whole[3..]);
        search.after = None;
        // Not to others, nor to nobody.
        search.projects = others(&shops, own);
        assert_eq!(list(&search).await, []);
        search.projects = Vec::new();
        assert_eq!(list(&search).await, []);
    }
    let search = IncidentSearch {
        projects: shops.iter().map(|shop| key(shop)).collect(),
        payment_id: Some(PaymentId::new(START, shops[0].bucket, 999_999)),
        with_resolved: true,
        after: None,
        limit: 100,
    };
    assert_eq!(list(&search).await, []);
}

/// All shops but one.
fn others(shops: &[Arc<Project>], but: usize) -> Vec<ProjectKey> {
    let others = shops.iter().enumerate().filter(|(place, _)| *place != but);
    others.map(|(_, shop)| key(shop)).collect()
}
