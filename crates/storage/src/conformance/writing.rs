//! What is saved comes back as it was; what is not saved left nothing.

use altyn_domain::{
    Command, Customer, CustomerId, CustomerKind, Features, Language, Outcome, PayerAction, Payment,
    PaymentStatus, Refusal, Report, SendOperation, TimerKind, Timestamp, Way,
};
use uuid::Uuid;

use super::Fixture;
use super::fixture::{Gate, START, approval, balances, refused, shop, shop_with_balances};
use crate::{BatchId, LoadKeys, ReferenceKey, StorageError};

/// The payment that was answered is what every reader and the next batch see.
async fn comes_back(gate: &mut Gate, answered: &Payment) {
    let id = answered.id;
    assert_eq!(&gate.read(id).await, answered);
    let by_capability = gate.storage.payment_by_capability(id).await.expect("reads");
    assert_eq!(by_capability.as_ref(), Some(answered));
    let keys = LoadKeys {
        payments: [id].into(),
        ..LoadKeys::default()
    };
    let loaded = gate.writer.load(&keys).await.expect("it loads");
    assert_eq!(loaded.payment(id), Some(answered));
    gate.writer.abandon().await;
}

/// Every column of payments and operations comes back after every step.
pub async fn payments_come_back_with_every_field(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    gate.shop = shop_with_balances(7);
    let mut order = gate.register(Way::Hold);
    order.auto_capture_at = Some(START.plus_millis(86_400_000));
    order.auto_void_at = Some(Timestamp::from_micros(1_795_000_900_000_001));
    order.order.description = Some("Чай «Тау», 2 шт. — \"o'clock\" \u{1f375}".to_owned());
    order.order.language = Language::Kk;
    order.order.return_url = Some("https://shop.example/ok?a=1&b=%20".to_owned());
    order.order.fail_url = Some("https://shop.example/fail".to_owned());
    order.order.callback_url = Some("https://shop.example/own".to_owned());
    order.order.customer = Customer {
        id: Some("c-1".to_owned()),
        kind: Some(CustomerKind::Company),
        email: Some("a@shop.example".to_owned()),
        phone: Some("+77010000000".to_owned()),
        ip: Some("192.0.2.7".to_owned()),
        post_address: Some("Алматы".to_owned()),
        name: Some("Test Payer".to_owned()),
        country: Some("KZ".to_owned()),
    };
    order.order.features = Features {
        force_authentication: true,
        skip_authentication: false,
    };
    order.order.attributes = [("key".to_owned(), "value".to_owned())].into();
    order.order.extra = serde_json::json!({"page": 3, "list": [1, null, "x"]});
    let expected = order.order.clone();
    let id = order.id;
    let mut steps = vec![Command::Register(Box::new(order)), gate.begin_try(id)];
    let challenge = Report {
        action: Some(PayerAction::Challenge {
            transaction_id: "tds-1".to_owned(),
            acs_url: "https://issuer.example/acs".to_owned(),
            creq: "e30".to_owned(),
        }),
        ..Report::bare(Outcome::Pending)
    };
    steps.push(Gate::report(id, 1, challenge));
    steps.push(Command::Send(SendOperation {
        payment_id: id,
        operation: 1,
        after_action: Some("tds-1".to_owned()),
    }));
    steps.push(Gate::report(id, 1, approval()));
    steps.push(gate.capture(id, Some(6_000)));
    steps.push(Gate::report(id, 2, approval()));
    steps.push(gate.refund(id, 1_500, Some("back-1")));
    steps.push(Gate::report(id, 3, refused()));
    steps.push(gate.refund(id, 6_000, Some("back-2")));
    steps.push(Gate::report(id, 4, approval()));
    for step in steps {
        gate.wait(1_234);
        let answer = gate.done(step).await;
        comes_back(&mut gate, &answer.payment).await;
        assert_eq!(*answer.payment.order, expected);
    }
    let end = gate.read(id).await;
    assert_eq!(end.status(), PaymentStatus::Refunded);
    assert_eq!((end.sums.held, end.sums.captured), (10_000, 6_000));
    assert_eq!(end.operations.len(), 4);
    assert_eq!(end.customer_id, Some(CustomerId::of(gate.shop.id, "c-1")));
}

/// Cancelled, expired, declined and verified payments come back as such.
pub async fn every_end_of_a_payment_comes_back(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let cancelled = gate.registered(Way::Purchase).await;
    let cancelled = gate.done(Gate::cancel(cancelled.id)).await.payment;
    let verified = gate.completed(Way::Verify).await;
    let mut declined = gate.registered(Way::Hold).await;
    for number in 1..=declined.tries_max {
        let begin = gate.begin_try(declined.id);
        gate.done(begin).await;
        let report = Gate::report(declined.id, number, refused());
        declined = gate.done(report).await.payment;
    }
    let expired = gate.registered(Way::Purchase).await;
    gate.now = expired.expires_at;
    let expired = gate
        .done(Gate::fire(expired.id, TimerKind::Expiry, 0))
        .await;
    let ends = [
        (cancelled, PaymentStatus::Cancelled),
        (verified, PaymentStatus::Verified),
        (declined, PaymentStatus::Declined),
        (expired.payment, PaymentStatus::Expired),
    ];
    for (payment, status) in ends {
        assert_eq!(payment.status(), status);
        comes_back(&mut gate, &payment).await;
    }
}

/// A reference names its payment for good, in its dialect and of its kind only.
pub async fn references_are_unique_for_good(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let first = gate.register(Way::Purchase);
    let key = gate.order_key(&first.order.reference);
    let absent = gate.storage.payment_by_reference(&key).await;
    assert!(absent.expect("it reads").is_none());
    let answer = gate.done(Command::Register(Box::new(first.clone()))).await;
    let present = gate.storage.payment_by_reference(&key).await;
    assert_eq!(present.expect("it reads"), Some(answer.payment));

    let mut second = gate.register(Way::Hold);
    second.reference_key.clone_from(&first.reference_key);
    let repeated = gate
        .try_run(Command::Register(Box::new(second.clone())))
        .await;
    assert_eq!(repeated, Err(Refusal::ReferenceTaken(first.id)));
    gate.done(Gate::cancel(first.id)).await;
    let repeated = gate
        .try_run(Command::Register(Box::new(second.clone())))
        .await;
    assert_eq!(repeated, Err(Refusal::ReferenceTaken(first.id)));

    second.dialect = "ecommpay".to_owned();
    gate.done(Command::Register(Box::new(second.clone()))).await;
    let other = ReferenceKey {
        dialect: second.dialect.clone(),
        ..key.clone()
    };
    let found = gate.storage.payment_by_reference(&other).await;
    assert_eq!(found.expect("it reads").map(|p| p.id), Some(second.id));
    // Case and trailing blanks are part of a reference.
    for near in [key.key.to_uppercase(), format!("{} ", key.key)] {
        let near = gate.order_key(&near);
        let found = gate.storage.payment_by_reference(&near).await;
        assert!(found.expect("it reads").is_none(), "{near:?}");
    }
}

/// One order number of two shops is two payments.
pub async fn references_of_two_projects_are_independent(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let mut ids = Vec::new();
    for number in [7, 8] {
        gate.shop = shop(number);
        let mut order = gate.register(Way::Purchase);
        order.reference_key = "1".to_owned();
        order.order.reference = order.reference_key.clone();
        ids.push(order.id);
        gate.done(Command::Register(Box::new(order))).await;
        let key = gate.order_key("1");
        let found = gate.storage.payment_by_reference(&key).await;
        let found = found.expect("it reads").map(|payment| payment.id);
        assert_eq!(found, ids.last().copied());
    }
    assert_ne!(ids[0], ids[1]);
}

/// A payment can be registered, paid and refunded in one batch; later commands see the earlier ones.
pub async fn commands_of_a_batch_see_each_other(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let order = gate.register(Way::Purchase);
    let mut again = gate.register(Way::Purchase);
    again.reference_key.clone_from(&order.reference_key);
    let id = order.id;
    let batch = vec![
        Command::Register(Box::new(order)),
        Command::Register(Box::new(again)),
        gate.begin_try(id),
        Gate::report(id, 1, approval()),
        gate.refund(id, 6_000, None),
        gate.refund(id, 6_000, None),
        gate.refund(id, 4_000, None),
        Gate::report(id, 2, approval()),
        Gate::report(id, 3, refused()),
    ];
    // A registration's payment is not loaded: the batch itself made it.
    let answers = gate.run(batch).await;
    assert_eq!(answers[1], Err(Refusal::ReferenceTaken(id)));
    assert!(matches!(answers[5], Err(Refusal::Exceeds { .. })));
    let last = answers[8].as_ref().expect("the last report is taken");
    assert_eq!(last.payment.sums.refunded, 6_000);
    let payment = last.payment.clone();
    comes_back(&mut gate, &payment).await;
    let postings = gate.storage.postings(id).await.expect("it reads");
    let numbers: Vec<_> = postings.iter().map(|posting| posting.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

/// A refusal concerns one command; the rest of its batch is saved.
pub async fn a_refused_command_leaves_its_batch_alone(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let paid = gate.paid().await;
    let held = gate.held().await;
    let batch = vec![
        gate.refund(paid.id, 10_001, None),
        gate.void(held.id, None),
        gate.capture(held.id, None),
    ];
    let answers = gate.run(batch).await;
    assert!(matches!(answers[0], Err(Refusal::Exceeds { .. })));
    assert!(answers[1].is_ok());
    assert_eq!(answers[2], Err(Refusal::InProgress));
    assert_eq!(gate.read(paid.id).await, paid);
    assert_eq!(gate.read(held.id).await.operations.len(), 2);
}

/// If the database refuses one row, no row of the batch is there.
pub async fn a_failing_batch_leaves_nothing(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let paid = gate.paid().await;
    let accounts = balances(&*gate.storage).await;
    let order = gate.register(Way::Purchase);
    let (fresh, reference) = (order.id, order.order.reference.clone());
    let commands = [
        Command::Register(Box::new(order)),
        gate.begin_try(fresh),
        Gate::report(fresh, 1, approval()),
        gate.refund(paid.id, 10_000, Some("back")),
    ];
    let requests = commands.map(|command| gate.request(command));
    let (answers, mut changes) = gate.begin(&requests).await;
    assert!(answers.iter().all(Result::is_ok));
    // What a bug would do: a posting that takes more than nothing from nowhere.
    changes
        .postings
        .last_mut()
        .expect("there is one")
        .row
        .amount = -1;
    let error = gate.writer.save(&changes).await;
    assert!(matches!(error, Err(StorageError::Refused(_))), "{error:?}");

    assert_eq!(gate.read(paid.id).await, paid);
    let gone = gate.storage.payment_by_capability(fresh).await;
    assert!(gone.expect("it reads").is_none());
    let key = gate.order_key(&reference);
    let gone = gate.storage.payment_by_reference(&key).await;
    assert!(gone.expect("it reads").is_none());
    assert!(
        gate.storage
            .postings(fresh)
            .await
            .expect("reads")
            .is_empty()
    );
    let committed = gate.writer.is_committed(changes.batch).await;
    assert!(!committed.expect("it looks"));
    assert_eq!(balances(&*gate.storage).await, accounts);
    // The writer goes on.
    let refund = gate.refund(paid.id, 10_000, Some("back"));
    gate.done(refund).await;
}

/// Abandoned work is not there, and others need not wait for it.
pub async fn an_abandoned_batch_leaves_nothing(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let mut other = Gate::open(fixture.another().await, 2).await;
    let paid = gate.paid().await;
    let request = gate.refund(paid.id, 6_000, None);
    let request = gate.request(request);
    let (answers, changes) = gate.begin(&[request]).await;
    assert!(answers[0].is_ok());
    gate.writer.abandon().await;
    assert_eq!(gate.read(paid.id).await, paid);
    let committed = gate.writer.is_committed(changes.batch).await;
    assert!(!committed.expect("it looks"));
    let refund = other.refund(paid.id, 10_000, None);
    other.done(refund).await;
    // Abandoning twice, or nothing, is nothing.
    gate.writer.abandon().await;
    gate.writer.abandon().await;
}

/// Whoever lost the answer to a commit finds the batch by its id, on any handle.
pub async fn batches_are_known_by_their_id(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let other = fixture.another().await;
    gate.paid().await;
    let mut writer = other.writer().await.expect("a writer opens");
    for (batch, known) in [(gate.last_batch, true), (BatchId(Uuid::max()), false)] {
        assert_eq!(gate.writer.is_committed(batch).await.ok(), Some(known));
        assert_eq!(writer.is_committed(batch).await.ok(), Some(known));
    }
}

/// Batch ids are forgotten when they are old, and not before.
pub async fn old_batches_are_forgotten(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    gate.registered(Way::Purchase).await;
    let old = gate.last_batch;
    gate.wait(60_000);
    gate.registered(Way::Purchase).await;
    let young = gate.last_batch;
    gate.storage
        .forget_batches(gate.now)
        .await
        .expect("it forgets");
    assert_eq!(gate.writer.is_committed(old).await.ok(), Some(false));
    assert_eq!(gate.writer.is_committed(young).await.ok(), Some(true));
}

/// A row that this program never wrote is an error with its table and column, never a guess.
pub async fn a_corrupt_row_is_reported(fixture: &dyn Fixture) {
    let mut gate = Gate::open(fixture.fresh().await, 1).await;
    let paid = gate.paid().await;
    let damage = [
        (
            "UPDATE payments SET order_details = 'not an order'",
            ("payments", "order_details"),
        ),
        // Operations are read before their payment is put together.
        (
            "UPDATE operations SET details = '{}'",
            ("operations", "details"),
        ),
    ];
    for (sql, place) in damage {
        fixture.raw_sql(sql).await.expect("it is damaged");
        let read = gate.storage.payment(gate.shop.id, paid.id).await;
        let Err(StorageError::Corrupt(row)) = read else {
            panic!("{read:?}");
        };
        assert_eq!((row.table, row.column.as_str()), place);
        let keys = LoadKeys {
            payments: [paid.id].into(),
            ..LoadKeys::default()
        };
        let loaded = gate.writer.load(&keys).await;
        assert!(matches!(loaded, Err(StorageError::Corrupt(_))));
    }
    // The writer goes on with what is whole.
    gate.paid().await;
}
