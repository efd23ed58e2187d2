//! What a payment method takes and refunds, refusals that are recorded, notices that are not believed.

use altyn_domain::{
    AmountRange, Command, Currency, Customer, CustomerKind, DeclineCode, DoubtNotice, EventKind,
    HttpMethod, IncidentKind, Initiator, OnRefusal, OperationState, Outcome, PayerAction,
    PaymentStatus, RefundAbility, Refusal, Report, TimerKind, Way,
};

use crate::desk::{Desk, Setup, challenge, endpoint};

/// A desk whose one method is changed.
fn desk_with(setup: &Setup, change: impl FnOnce(&mut altyn_domain::PaymentMethod)) -> Desk {
    let mut desk = Desk::open(setup);
    change(&mut desk.project.settings.methods[0]);
    desk
}

fn range(currency: Currency, min: i64, max: i64) -> AmountRange {
    AmountRange { currency, min, max }
}

fn recorded(command: Command) -> Command {
    match command {
        Command::BeginTry(mut begin) => {
            begin.on_refusal = OnRefusal::Record;
            Command::BeginTry(begin)
        }
        Command::Refund(mut refund) => {
            refund.on_refusal = OnRefusal::Record;
            Command::Refund(refund)
        }
        other => panic!("{other:?} records nothing"),
    }
}

#[test]
fn a_method_takes_its_amounts_its_currencies_its_countries() {
    let rupees = Currency::from_alpha("INR").expect("a currency");
    let cases = [
        (vec![range(Currency::KZT, 1, 10_000)], None),
        (vec![range(Currency::KZT, 10_000, 20_000)], None),
        (
            vec![range(Currency::KZT, 1, 9_999)],
            Some(DeclineCode::AmountTooLarge),
        ),
        (
            vec![range(Currency::KZT, 10_001, 20_000)],
            Some(DeclineCode::AmountTooSmall),
        ),
        (
            vec![range(rupees, 1, 20_000)],
            Some(DeclineCode::CurrencyNotPossible),
        ),
    ];
    for (ranges, refused) in cases {
        let mut desk = desk_with(&Setup::default(), |method| method.ranges = ranges.clone());
        let begin = desk.begin_command("card");
        match refused {
            None => drop(desk.done(&begin)),
            Some(code) => {
                assert_eq!(
                    desk.refused(&begin),
                    Refusal::MethodCannot(code),
                    "{ranges:?}"
                );
            }
        }
    }
    let method = &Desk::of(Way::Purchase).project.settings.methods[0].clone();
    let mut indian = method.clone();
    indian.countries = vec!["IN".to_owned()];
    indian.holds = false;
    let amount = Desk::of(Way::Purchase).payment.amount;
    let from = |country: &str| Customer {
        country: Some(country.to_owned()),
        ..Customer::default()
    };
    let not_allowed = Err(DeclineCode::OperationNotAllowed);
    assert_eq!(indian.check(amount, &Customer::default(), false), Ok(()));
    assert_eq!(indian.check(amount, &from("in"), false), Ok(()));
    let abroad = indian.check(amount, &from("KZ"), false);
    assert_eq!(abroad, Err(DeclineCode::CountryNotPossible));
    let hold = indian.check(amount, &Customer::default(), true);
    assert_eq!(hold, not_allowed);
    indian.customer_kinds = vec![CustomerKind::Company];
    for (kind, expected) in [
        (None, Ok(())),
        (Some(CustomerKind::Company), Ok(())),
        (Some(CustomerKind::Individual), not_allowed),
    ] {
        let payer = Customer {
            kind,
            ..Customer::default()
        };
        assert_eq!(indian.check(amount, &payer, false), expected, "{kind:?}");
    }
    indian.active = false;
    assert_eq!(
        indian.check(amount, &Customer::default(), false),
        not_allowed
    );
}

#[test]
fn no_try_begins_by_a_method_that_is_switched_off_and_an_old_one_goes_on() {
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    desk.end_period(first);
    desk.project.settings.methods[0].active = false;
    let begin = desk.begin_command("card");
    assert_eq!(desk.refused(&begin), Refusal::MethodUnavailable);
    desk.approve(first);
    assert_eq!(desk.payment.status(), PaymentStatus::Captured);
    desk.refunded(None);
}

#[test]
fn a_method_without_a_period_waits_for_its_try() {
    let mut desk = Desk::open(&Setup {
        period_ms: 0,
        ..Setup::default()
    });
    let first = desk.begin();
    assert_eq!(desk.timer(TimerKind::ProcessingPeriod, first), None);
    for _ in 0..3 {
        desk.fire(TimerKind::Expiry, 0);
        assert_eq!(desk.payment.status(), PaymentStatus::Processing);
    }
    desk.decline(first);
    assert_eq!(desk.payment.status(), PaymentStatus::Expired);
}

#[test]
fn a_try_that_the_method_does_not_take_can_be_recorded() {
    let setup = Setup {
        tries_max: 1,
        ..Setup::default()
    };
    let mut desk = desk_with(&setup, |method| {
        method.ranges = vec![range(Currency::KZT, 1, 9_999)];
    });
    let begin = recorded(desk.begin_command("card"));
    let number = desk.done(&begin);
    let operation = desk.operation(number).clone();
    assert_eq!(operation.state, OperationState::Declined);
    assert_eq!(operation.decline, Some(DeclineCode::AmountTooLarge));
    assert_eq!(operation.exchanges, 0, "nothing is sent");
    assert_eq!(desk.payment.status(), PaymentStatus::Declined);
    assert_eq!(desk.told(), [EventKind::TryDeclined]);
    assert_eq!(desk.timer(TimerKind::Enquiry, number), None);
    assert_eq!(desk.timer(TimerKind::ProcessingPeriod, number), None);
    assert!(desk.postings.is_empty());
}

#[test]
fn a_registration_can_begin_its_first_try() {
    let setup = Setup::default();
    let mut desk = Desk::open(&setup);
    let Command::Register(mut register) = desk.registration(&setup) else {
        panic!("it registers");
    };
    let Command::BeginTry(mut first) = desk.begin_command("card") else {
        panic!("it begins");
    };
    first.payment_id = register.id;
    register.first_try = Some(first);
    register.tries_max = Some(1);
    let command = Command::Register(register);
    let decision = desk.register(&command).expect("it is taken");
    assert_eq!(decision.operation, Some(1));
    assert_eq!(decision.payment.status(), PaymentStatus::Processing);
    assert_eq!(decision.payment.tries_left(), 0);
    assert!(decision.payment.operations[0].serial > 0);
    // A method that does not take it and no wish to record: nothing is registered at all.
    desk.project.settings.methods[0].ranges = vec![range(Currency::KZT, 1, 2)];
    let refusal = desk.register(&command).expect_err("it is refused");
    assert_eq!(refusal, Refusal::MethodCannot(DeclineCode::AmountTooLarge));
}

#[test]
fn a_refund_that_cannot_be_is_refused_or_recorded() {
    let cases = [
        (
            RefundAbility::Partial,
            Some(10_001),
            DeclineCode::RefundExceeds,
        ),
        (
            RefundAbility::Full,
            Some(10_001),
            DeclineCode::RefundExceeds,
        ),
        (
            RefundAbility::Full,
            Some(9_999),
            DeclineCode::PartialRefundImpossible,
        ),
        (RefundAbility::Never, None, DeclineCode::RefundImpossible),
    ];
    for (ability, amount, code) in cases {
        let mut desk = desk_with(&Setup::default(), |method| method.refunds = ability);
        let paid = desk.begin();
        desk.approve(paid);
        let plain = desk.refund_command(amount, None, None);
        match desk.refused(&plain) {
            Refusal::Exceeds { .. } => assert_eq!(code, DeclineCode::RefundExceeds),
            refusal => assert_eq!(refusal, Refusal::MethodCannot(code)),
        }
        let before = desk.postings.clone();
        let command = recorded(desk.refund_command(amount, Some("r-1"), None));
        let number = desk.done(&command);
        assert_eq!(desk.operation(number).state, OperationState::Declined);
        assert_eq!(desk.operation(number).decline, Some(code));
        assert_eq!(desk.payment.status(), PaymentStatus::Captured);
        assert_eq!(
            desk.told(),
            [EventKind::Captured, EventKind::RefundDeclined]
        );
        assert_eq!(desk.postings, before, "no money is reserved");
        assert_eq!(desk.payment.refundable(), 10_000);
        // The merchant's key is used up: a repeat is the same refund.
        assert!(desk.run(&command).expect("it is known").repeated);
    }
}

#[test]
fn of_two_full_refunds_at_once_the_second_is_declined_on_record() {
    let mut desk = Desk::of(Way::Purchase);
    let paid = desk.begin();
    desk.approve(paid);
    let (first, second) = (
        recorded(desk.refund_command(None, None, None)),
        recorded(desk.refund_command(None, None, None)),
    );
    let running = desk.done(&first);
    let late = desk.done(&second);
    assert_eq!(
        desk.operation(late).decline,
        Some(DeclineCode::RefundExceeds)
    );
    desk.approve(running);
    assert_eq!(desk.payment.status(), PaymentStatus::Refunded);
    let third = recorded(desk.refund_command(None, None, None));
    let number = desk.done(&third);
    assert_eq!(
        desk.operation(number).decline,
        Some(DeclineCode::RefundExceeds)
    );
    assert_eq!(desk.payment.sums.refunded, 10_000);
}

#[test]
fn refunds_that_cannot_be_do_not_make_a_payment_grow_without_end() {
    let mut desk = Desk::of(Way::Purchase);
    let paid = desk.begin();
    desk.approve(paid);
    let mut recorded_ones = 0;
    let refusal = loop {
        let command = recorded(desk.refund_command(Some(10_001), None, None));
        match desk.run(&command) {
            Ok(_) => recorded_ones += 1,
            Err(refusal) => break refusal,
        }
        assert!(recorded_ones < 1_000, "there is no end");
    };
    assert_eq!(refusal, Refusal::WrongStatus(PaymentStatus::Captured));
    assert_eq!(recorded_ones, 199);
}

fn wallet_page() -> PayerAction {
    PayerAction::Redirect {
        url: "https://wallet.example/pay".to_owned(),
        method: HttpMethod::Post,
        fields: [].into(),
    }
}

fn asking(action: PayerAction) -> Report {
    Report {
        action: Some(action),
        ..Report::bare(Outcome::Pending)
    }
}

/// A desk whose endpoint hears what leads the payer, and whose merchant pays for the payer.
fn led_by_merchant(desk: &mut Desk) -> u32 {
    let Command::BeginTry(mut begin) = desk.begin_command("card") else {
        panic!("it begins");
    };
    begin.initiator = Initiator::Merchant;
    desk.done(&Command::BeginTry(begin))
}

#[test]
fn only_who_asked_for_it_is_told_what_the_payer_must_do() {
    let names_it = endpoint("leads", &[EventKind::ActionRequired]);
    let cases = [
        (vec![endpoint("main", &[])], false),
        (vec![names_it.clone()], true),
    ];
    for (endpoints, told) in cases {
        let setup = Setup {
            endpoints,
            ..Setup::default()
        };
        let mut desk = Desk::open(&setup);
        let number = led_by_merchant(&mut desk);
        desk.tell(number, asking(wallet_page()));
        // The same page again is no news; another step is.
        desk.tell(number, asking(wallet_page()));
        assert_eq!(desk.told().len(), usize::from(told));
        desk.tell(number, asking(challenge("2")));
        assert_eq!(desk.told().len(), 2 * usize::from(told));
        assert_eq!(desk.deliveries.len(), 2 * usize::from(told));
    }
    let setup = Setup {
        endpoints: vec![names_it],
        ..Setup::default()
    };
    let mut own_page = Desk::open(&setup);
    let number = own_page.begin();
    own_page.tell(number, asking(wallet_page()));
    assert!(own_page.told().is_empty(), "our own page leads the payer");
}

#[test]
fn lifecycle_row_21_the_end_of_the_last_period_is_told_to_who_asked() {
    let setup = Setup {
        tries_max: 1,
        endpoints: vec![endpoint(
            "asks",
            &[EventKind::PeriodOver, EventKind::Captured],
        )],
        ..Setup::default()
    };
    let mut desk = Desk::open(&setup);
    let number = led_by_merchant(&mut desk);
    desk.tell(number, asking(wallet_page()));
    desk.end_period(number);
    assert_eq!(desk.told(), [EventKind::PeriodOver]);
    assert_eq!(desk.operation(number).state, OperationState::Pending);
    desk.approve(number);
    assert_eq!(desk.told(), [EventKind::PeriodOver, EventKind::Captured]);
    assert_eq!(desk.payment.status(), PaymentStatus::Captured);

    let mut more_tries = Desk::open(&Setup {
        tries_max: 2,
        ..setup
    });
    let number = led_by_merchant(&mut more_tries);
    more_tries.end_period(number);
    assert!(more_tries.told().is_empty(), "another try is allowed");
}

#[test]
fn a_doubted_notice_changes_nothing_and_opens_one_incident_of_a_kind() {
    let mut desk = Desk::of(Way::Purchase);
    let number = desk.begin();
    let before = desk.operation(number).state;
    let doubt = |kind| {
        Command::Doubt(DoubtNotice {
            payment_id: desk.payment.id,
            operation: number,
            kind,
            detail: "seen".to_owned(),
        })
    };
    let refused = doubt(IncidentKind::NoticeRefused);
    let other_amount = doubt(IncidentKind::AmountMismatch);
    for command in [&refused, &refused, &other_amount, &refused, &other_amount] {
        desk.done(command);
    }
    let kinds: Vec<_> = desk
        .incidents
        .iter()
        .map(|incident| incident.kind)
        .collect();
    let both = [IncidentKind::NoticeRefused, IncidentKind::AmountMismatch];
    assert_eq!(kinds, both);
    assert_eq!(desk.operation(number).state, before);
    assert!(desk.told().is_empty());
    desk.approve(number);
    assert_eq!(desk.payment.status(), PaymentStatus::Captured);
}

#[test]
fn callbacks_of_a_payment_can_be_held_back_or_unwanted() {
    let setup = Setup {
        endpoints: vec![endpoint(
            "main",
            &[EventKind::ActionRequired, EventKind::Captured],
        )],
        ..Setup::default()
    };
    let paid_with = |change: fn(&mut altyn_domain::Order)| {
        let mut desk = Desk::open(&setup);
        let mut order = (*desk.payment.order).clone();
        change(&mut order);
        desk.payment.order = order.into();
        let number = led_by_merchant(&mut desk);
        desk.tell(number, asking(wallet_page()));
        desk.approve(number);
        desk
    };
    let held_back = paid_with(|order| order.callback_delay_ms = 60_000);
    let due = |desk: &Desk, number| desk.timer(TimerKind::Callback, number).map(|due| due.0);
    assert_eq!(
        due(&held_back, 1),
        Some(held_back.now),
        "what leads is not held back"
    );
    assert_eq!(due(&held_back, 2), Some(held_back.now.plus_millis(60_000)));
    let unwanted = paid_with(|order| order.callbacks_disabled = true);
    assert_eq!(unwanted.told().len(), 2, "what happened is kept");
    assert_eq!(
        unwanted.deliveries.len(),
        1,
        "only what leads the payer is sent"
    );
}

#[test]
fn every_operation_has_a_number_of_its_own() {
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    desk.decline(first);
    let second = desk.begin();
    desk.approve(second);
    desk.refunded(Some(1_000));
    let mut serials: Vec<_> = desk.payment.operations.iter().map(|o| o.serial).collect();
    serials.sort_unstable();
    serials.dedup();
    assert_eq!(serials.len(), 3);
    assert!(serials.iter().all(|serial| (1..1 << 53).contains(serial)));
}
