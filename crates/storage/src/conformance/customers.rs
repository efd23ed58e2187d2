//! Customers, and what stands on their balances.

use altyn_domain::{
    AccountKind, Balance, BalanceKey, BeginTry, Command, Currency, CustomerId, CustomerKind,
    EntryKind, Initiator, Money, Payment, PaymentId, Phase, Refusal, ReturnSurplus, Timestamp,
};
use tokio::task::JoinSet;

use super::Fixture;
use super::fixture::{
    Gate, START, all, approval, balances, neighbour, refused, rubles, shop, shop_with_balances,
};
use super::races::two_handles;
use crate::{CustomerRecord, CustomerSearch, Statement, Storage};

async fn open(fixture: &dyn Fixture) -> Gate {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    gate.shop = shop_with_balances(7);
    gate
}

fn key(gate: &Gate, customer: &str) -> BalanceKey {
    BalanceKey {
        customer_id: CustomerId::of(gate.shop.id, customer),
        currency: Currency::KZT,
    }
}

const fn sums(posted: i64, reserved: i64) -> Balance {
    Balance { posted, reserved }
}

/// The stored balance, which must be what the postings say, and so must all accounts.
async fn stands(storage: &dyn Storage, key: BalanceKey) -> Option<Balance> {
    let (stored, counted) = storage.audit_balances().await.expect("it reads");
    assert_eq!(stored, counted);
    assert!(stored.is_sorted_by_key(|(key, _)| *key));
    let (accounts, postings) = balances(storage).await;
    assert_eq!(accounts, postings);
    let read = storage.balances(key.customer_id).await.expect("it reads");
    let read = read.into_iter().find(|(c, _)| *c == key.currency);
    let found = stored.into_iter().find(|(found, _)| *found == key);
    assert_eq!(read.map(|(_, balance)| balance), found.map(|(_, b)| b));
    found.map(|(_, balance)| balance)
}

fn too_small(available: i64) -> Refusal {
    Refusal::BalanceTooSmall {
        available: Money::new(available, Currency::KZT).expect("not negative"),
    }
}

/// A batch sees what stands on the balance, spends no more, and adds what it changes to what is there.
pub async fn balances_are_loaded_and_kept(fixture: &dyn Fixture) {
    let mut gate = open(fixture).await;
    let key = key(&gate, "c-1");
    assert_eq!(stands(&*gate.storage, key).await, None);
    gate.credited("c-1").await;
    assert_eq!(stands(&*gate.storage, key).await, Some(sums(10_000, 0)));
    gate.credited("c-1").await;
    assert_eq!(stands(&*gate.storage, key).await, Some(sums(20_000, 0)));

    // A whole order at once, and no more than is left of another.
    let whole = gate.registered_for("c-1").await.id;
    let pay = gate.pay_from_balance(whole, 10_000);
    let paid = gate.done(pay).await.payment;
    assert_eq!(paid.sums.captured, 10_000);
    assert_eq!(stands(&*gate.storage, key).await, Some(sums(10_000, 0)));
    let part = gate.registered_for("c-1").await.id;
    let pay = gate.pay_from_balance(part, 7_000);
    gate.done(pay).await;
    assert_eq!(stands(&*gate.storage, key).await, Some(sums(10_000, 7_000)));
    let other = gate.registered_for("c-1").await.id;
    let pay = gate.pay_from_balance(other, 3_001);
    assert_eq!(gate.try_run(pay).await, Err(too_small(3_000)));

    // Two commands of one batch see each other.
    let third = gate.registered_for("c-1").await.id;
    let both = vec![
        gate.pay_from_balance(other, 2_000),
        gate.pay_from_balance(third, 1_001),
    ];
    let answers = gate.run(both).await;
    assert!(answers[0].is_ok());
    assert_eq!(answers[1], Err(too_small(1_000)));
    assert_eq!(stands(&*gate.storage, key).await, Some(sums(10_000, 9_000)));

    // One try fails and gives back, the other is paid and takes.
    gate.done(Gate::report(part, 1, refused())).await;
    assert_eq!(stands(&*gate.storage, key).await, Some(sums(10_000, 2_000)));
    gate.done(Gate::report(other, 1, approval())).await;
    assert_eq!(stands(&*gate.storage, key).await, Some(sums(8_000, 0)));
    // A refund that the balance takes back.
    let back = gate.refund(whole, 4_000, None);
    gate.done(back).await;
    assert_eq!(stands(&*gate.storage, key).await, Some(sums(12_000, 0)));
}

/// A balance belongs to one customer of one project in one currency.
pub async fn balances_are_apart(fixture: &dyn Fixture) {
    let mut gate = open(fixture).await;
    gate.credited("c-1").await;
    let (first, own) = (key(&gate, "c-1"), gate.shop.clone());
    // The same customer in the other currency.
    let mut order = gate.register_for("c-1");
    order.amount = Money::new(10_000, rubles()).expect("not negative");
    let id = order.id;
    gate.done(Command::Register(Box::new(order))).await;
    let pay = gate.pay_from_balance(id, 1);
    assert!(gate.try_run(pay).await.is_err());
    // Another customer, the customer of the same name of two other shops, and one without a name.
    let customer = gate.registered_for("c-2").await.id;
    let pay = gate.pay_from_balance(customer, 1);
    assert_eq!(gate.try_run(pay).await, Err(too_small(0)));
    for foreign in [shop_with_balances(8), neighbour(&own)] {
        gate.shop = foreign;
        let id = gate.registered_for("c-1").await.id;
        let pay = gate.pay_from_balance(id, 1);
        assert_eq!(gate.try_run(pay).await, Err(too_small(0)));
    }
    gate.shop = own;
    let nobody = gate.registered(altyn_domain::Way::Purchase).await.id;
    let pay = gate.pay_from_balance(nobody, 1);
    assert_eq!(gate.try_run(pay).await, Err(too_small(0)));
    assert_eq!(stands(&*gate.storage, first).await, Some(sums(10_000, 0)));
    let read = gate.storage.balances(first.customer_id).await;
    let expected = vec![(Currency::KZT, sums(10_000, 0))];
    assert_eq!(read.expect("it reads"), expected);
}

/// What four writers on two handles try to spend at once never takes a balance below zero.
pub async fn parallel_tries_never_overdraw_a_balance(fixture: &dyn Fixture) {
    const ORDERS: usize = 6;
    let handles = two_handles(fixture).await;
    let mut gate = Gate::open(handles[0].clone(), 1).await;
    gate.shop = shop_with_balances(7);
    let key = key(&gate, "c-1");
    for _ in 0..2 {
        gate.credited("c-1").await;
    }
    let now = gate.now;
    let mut tasks = JoinSet::new();
    for writer in 0..4_u64 {
        let handle = handles[usize::from(writer % 2 == 1)].clone();
        tasks.spawn(async move {
            let mut gate = Gate::open(handle, 10 + writer).await;
            gate.shop = shop_with_balances(7);
            gate.now = now;
            let mut begun = Vec::new();
            for _ in 0..ORDERS {
                let id = gate.registered_for("c-1").await.id;
                let pay = gate.pay_from_balance(id, 3_000);
                match gate.try_run(pay).await {
                    Ok(_) => begun.push(id),
                    Err(refusal) => assert_eq!(refusal, too_small(2_000)),
                }
            }
            begun
        });
    }
    let begun: Vec<PaymentId> = all(tasks).await.into_iter().flatten().collect();
    assert_eq!(begun.len(), 6);
    let storage = &*gate.storage.clone();
    assert_eq!(stands(storage, key).await, Some(sums(20_000, 18_000)));

    // All of them end at once, through two writers: half of them well.
    let mut tasks = JoinSet::new();
    for (place, id) in (0..).zip(begun) {
        let handle = handles[place % 2].clone();
        tasks.spawn(async move {
            let mut gate = Gate::open(handle, 20 + u64::try_from(place).unwrap_or(0)).await;
            gate.shop = shop_with_balances(7);
            gate.now = now;
            let report = if place < 3 { approval() } else { refused() };
            gate.done(Gate::report(id, 1, report)).await;
        });
    }
    all(tasks).await;
    assert_eq!(stands(storage, key).await, Some(sums(11_000, 0)));
}

/// Two writers that credit a customer who had no balance before both add to it.
pub async fn parallel_credits_add_up(fixture: &dyn Fixture) {
    const ROUNDS: usize = 5;
    let handles = two_handles(fixture).await;
    let mut tasks = JoinSet::new();
    for (seed, handle) in (1..).zip(handles.iter().cloned()) {
        tasks.spawn(async move {
            let mut gate = Gate::open(handle, seed).await;
            gate.shop = shop_with_balances(7);
            for round in 0..ROUNDS {
                gate.credited(&format!("c-{round}")).await;
            }
        });
    }
    all(tasks).await;
    let gate = Gate::open(handles[0].clone(), 9).await;
    for round in 0..ROUNDS {
        let key = key(&gate, &format!("c-{round}"));
        assert_eq!(stands(&*handles[1], key).await, Some(sums(20_000, 0)));
    }
}

/// The database keeps what the program must never do from happening, and the audit sees what it cannot.
pub async fn raw_sql_cannot_overdraw_a_balance(fixture: &dyn Fixture) {
    let mut gate = open(fixture).await;
    gate.credited("c-1").await;
    let id = gate.registered_for("c-1").await.id;
    let pay = gate.pay_from_balance(id, 4_000);
    gate.done(pay).await;
    let before = gate.storage.audit_balances().await.expect("it reads");
    for sql in [
        "UPDATE customer_balances SET posted = -1, reserved = -1",
        "UPDATE customer_balances SET posted = 3999",
        "UPDATE customer_balances SET reserved = posted + 1",
        "UPDATE customer_balances SET reserved = -1",
    ] {
        let answer = fixture.raw_sql(sql).await;
        assert!(answer.is_err(), "the database accepted {sql}");
    }
    let after = gate.storage.audit_balances().await.expect("it reads");
    assert_eq!(before, after);
    let sql = "UPDATE customer_balances SET posted = posted + 1";
    fixture
        .raw_sql(sql)
        .await
        .expect("it is a sum like another");
    let (stored, counted) = gate.storage.audit_balances().await.expect("it reads");
    assert_ne!(stored, counted, "the audit sees what the program did not");
    assert_eq!(counted, before.1);
}

fn give_back(gate: &mut Gate, payment: &Payment, amount: i64) -> Command {
    let Command::BeginTry(BeginTry { operation_id, .. }) = gate.begin_try(payment.id) else {
        unreachable!("it begins a try");
    };
    Command::ReturnSurplus(ReturnSurplus {
        payment_id: payment.id,
        surplus: 1,
        operation_id,
        amount: Some(amount),
        reference: None,
        reason: "the customer asked".to_owned(),
        initiator: Initiator::Merchant,
    })
}

/// Two payments that are paid from the balance, and then a part of what was credited that goes back.
async fn spent_and_given_back(gate: &mut Gate, credited: &Payment) -> Vec<PaymentId> {
    // Two at the same instant: the payment decides.
    let mut spent = Vec::new();
    gate.wait(1_000);
    for _ in 0..2 {
        spent.push(gate.registered_for("c-1").await.id);
    }
    let pay = vec![
        gate.pay_from_balance(spent[0], 1_000),
        gate.pay_from_balance(spent[1], 2_000),
    ];
    gate.run(pay)
        .await
        .into_iter()
        .for_each(|a| drop(a.expect("it begins")));
    let ends = spent.iter().map(|id| Gate::report(*id, 1, approval()));
    let ends = ends.collect();
    gate.run(ends)
        .await
        .into_iter()
        .for_each(|a| drop(a.expect("it ends")));
    gate.wait(1_000);
    for (amount, report) in [(500, refused()), (700, approval())] {
        let back = give_back(gate, credited, amount);
        let number = gate.done(back).await.operation.expect("it is new");
        gate.done(Gate::report(credited.id, number, report)).await;
    }
    spent
}

/// Only what moved money on the balance stands on the statement, newest first, page by page.
pub async fn statements_are_listed(fixture: &dyn Fixture) {
    let mut gate = open(fixture).await;
    let key = key(&gate, "c-1");
    let credited = gate.credited("c-1").await;
    gate.credited("c-2").await;
    let mut spent = spent_and_given_back(&mut gate, &credited).await;
    assert_eq!(stands(&*gate.storage, key).await, Some(sums(6_300, 0)));

    let reader = fixture.another().await;
    let whole = reader.statement(key, None, 100).await.expect("it reads");
    assert_eq!(whole.balance, sums(6_300, 0));
    let lines = whole.lines;
    let short: Vec<_> = lines
        .iter()
        .map(|line| (line.payment_id, line.posting.entry, line.posting.amount))
        .collect();
    spent.sort_unstable();
    let amounts = spent.iter().rev().map(|id| {
        let line = lines.iter().find(|line| line.payment_id == *id);
        (
            *id,
            EntryKind::Sale,
            line.map_or(0, |line| line.posting.amount),
        )
    });
    let mut expected = vec![(credited.id, EntryKind::SurplusReturn, 700)];
    expected.extend(amounts);
    expected.push((credited.id, EntryKind::Surplus, 10_000));
    assert_eq!(short, expected);
    for line in &lines {
        assert_eq!(line.posting.phase, Phase::Posted);
        assert_eq!(line.posting.customer_id, Some(key.customer_id));
        let of_payment = reader.postings(line.payment_id).await.expect("it reads");
        assert!(of_payment.contains(&line.posting));
        let payment = reader.payment_by_capability(line.payment_id).await;
        let payment = payment.expect("it reads").expect("it is there");
        assert_eq!(line.order_reference, payment.order.reference);
        assert!(!line.order_reference.is_empty());
        let sides = [line.posting.debit, line.posting.credit];
        assert!(sides.contains(&AccountKind::CustomerBalance));
    }
    let mut paged = Vec::new();
    let mut after: Option<(Timestamp, PaymentId, u32)> = None;
    loop {
        let page = reader.statement(key, after, 1).await.expect("it reads");
        // The balance is that of now, wherever the page begins.
        assert_eq!(page.balance, whole.balance);
        let Some(last) = page.lines.last() else { break };
        after = Some((last.posting.at, last.payment_id, last.posting.number));
        paged.extend(page.lines);
    }
    assert_eq!(paged, lines);
    let other = BalanceKey {
        currency: rubles(),
        ..key
    };
    assert_eq!(
        reader.statement(other, None, 9).await.expect("it reads"),
        Statement::default()
    );
}

/// While a balance moves, every page of its statement has the balance of the moment of its lines.
pub async fn a_statement_is_of_one_moment(fixture: &dyn Fixture) {
    const ROUNDS: usize = 12;
    let mut gate = open(fixture).await;
    let key = key(&gate, "c-1");
    let reader = fixture.another().await;
    let writing = tokio::spawn(async move {
        for _ in 0..ROUNDS {
            gate.credited("c-1").await;
            let id = gate.registered_for("c-1").await.id;
            let pay = gate.pay_from_balance(id, 10_000);
            gate.done(pay).await;
        }
    });
    let mut seen = 0;
    loop {
        let is_over = writing.is_finished();
        let page = reader.statement(key, None, 100).await.expect("it reads");
        let changes = page.lines.iter().map(|line| {
            let gives = line.posting.debit == AccountKind::CustomerBalance;
            if gives {
                -line.posting.amount
            } else {
                line.posting.amount
            }
        });
        assert_eq!(changes.sum::<i64>(), page.balance.posted);
        seen = page.lines.len().max(seen);
        if is_over {
            break;
        }
    }
    writing.await.expect("it writes");
    assert_eq!(seen, 2 * ROUNDS);
}

fn found(customers: &[CustomerRecord]) -> Vec<&str> {
    customers.iter().map(|c| c.reference.as_str()).collect()
}

/// A customer of whom all is known, registered with a payment.
async fn registered_with_facts(gate: &mut Gate) -> CustomerRecord {
    let mut order = gate.register_for("c-2");
    let customer = &mut order.order.customer;
    customer.kind = Some(CustomerKind::Company);
    customer.name = Some("ТОО «Тау»".to_owned());
    customer.email = Some("accounts@shop.example".to_owned());
    customer.phone = Some("+77010000000".to_owned());
    let first = CustomerRecord {
        id: CustomerId::of(gate.shop.id, "c-2"),
        project_id: gate.shop.id,
        reference: "c-2".to_owned(),
        kind: customer.kind,
        name: customer.name.clone(),
        email: customer.email.clone(),
        phone: customer.phone.clone(),
        created_at: START,
    };
    gate.done(Command::Register(Box::new(order))).await;
    first
}

/// One batch that names a new customer twice, and the known one; then customers of other shops.
async fn several_registered(gate: &mut Gate) {
    let mut batch = Vec::new();
    for name in [
        "c-10", "c-10", "c-2", "C-1", "д-1", "c-1", "d%", "d_1", "c\u{7f}",
    ] {
        batch.push(Command::Register(Box::new(gate.register_for(name))));
    }
    gate.run(batch)
        .await
        .into_iter()
        .for_each(|a| drop(a.expect("it is new")));
    let next = neighbour(&gate.shop);
    for (shop, name) in [
        (next.clone(), "c-2"),
        (next.clone(), "a-9"),
        (shop_with_balances(8), "c-3"),
        // This shop keeps no balances, so it has no customers.
        (shop(9), "c-4"),
    ] {
        gate.shop = shop;
        gate.registered_for(name).await;
    }
}

/// All customers that are asked for, page by page.
async fn paged(storage: &dyn Storage, mut page: CustomerSearch) -> Vec<CustomerRecord> {
    let mut paged = Vec::new();
    loop {
        let found = storage.customers(&page).await.expect("it reads");
        assert!(found.len() <= page.limit as usize);
        let Some(last) = found.last() else {
            return paged;
        };
        page.after = Some((last.project_id, last.reference.clone()));
        paged.extend(found);
    }
}

/// Customers are met with their first order and stay as they were then; they are listed project by
/// project in byte order, and never for a project that was not named.
pub async fn customers_are_listed(fixture: &dyn Fixture) {
    let mut gate = open(fixture).await;
    let own = gate.shop.clone();
    let first = registered_with_facts(&mut gate).await;
    gate.wait(1_000);
    several_registered(&mut gate).await;
    let next = neighbour(&own);
    let storage = fixture.another().await;
    let of = |shop: &altyn_domain::Project| (shop.bucket, shop.id);
    let search = |projects: Vec<_>, prefix: &str| CustomerSearch {
        projects,
        reference_prefix: prefix.to_owned(),
        after: None,
        limit: 100,
    };
    let list = |search: CustomerSearch| {
        let storage = storage.clone();
        async move { storage.customers(&search).await.expect("it reads") }
    };
    let ours = list(search(vec![of(&own)], "")).await;
    let in_order = ["C-1", "c-1", "c-10", "c-2", "c\u{7f}", "d%", "d_1", "д-1"];
    assert_eq!(found(&ours), in_order);
    assert_eq!(ours[3], first);
    assert_eq!(ours[2].created_at, START.plus_millis(1_000));
    for (prefix, wanted) in [
        ("c-", &in_order[1..4]),
        ("c-1", &in_order[1..3]),
        ("д", &in_order[7..]),
        ("d%", &in_order[5..6]),
        ("d_", &in_order[6..7]),
        ("z", &[]),
    ] {
        assert_eq!(found(&list(search(vec![of(&own)], prefix)).await), wanted);
    }
    assert_eq!(list(search(Vec::new(), "")).await, []);
    assert_eq!(list(search(vec![of(&shop(9))], "")).await, []);

    // Project by project in the order that is given, page by page.
    let everything = search(vec![of(&next), of(&own), of(&shop(8))], "");
    let whole = list(everything.clone()).await;
    let mut names = vec!["a-9", "c-2"];
    names.extend(in_order);
    names.push("c-3");
    assert_eq!(found(&whole), names);
    for limit in [1, 2, 3, 5] {
        let page = CustomerSearch {
            limit,
            ..everything.clone()
        };
        assert_eq!(paged(&*storage, page).await, whole);
    }
    let one = |project, id| {
        let storage = storage.clone();
        async move { storage.customer(project, id).await.expect("it reads") }
    };
    assert_eq!(one(own.id, first.id).await, Some(first.clone()));
    assert_eq!(one(next.id, first.id).await, None);
    assert_eq!(one(own.id, CustomerId::of(own.id, "nobody")).await, None);
    assert_eq!(one(own.id, CustomerId::of(next.id, "c-2")).await, None);
}
