//! Rows of the list of what must never happen, as far as the rules alone can show them: silence and
//! confusion of a gateway, ceilings, races, impossible amounts, an unbalanced journal.

use altyn_domain::{
    AccountKind, Command, Currency, DeclineCode, EntryKind, EventKind, Facts, IncidentKind, Money,
    OperationKind, OperationState, Outcome, PaymentStatus, Phase, Posting, Refusal, Report,
    TimerKind, Way, account_deltas, replay_balances,
};

use crate::desk::{Desk, Setup, approval_of};

fn kzt(minor: i64) -> Money {
    Money::new(minor, Currency::KZT).expect("not negative")
}

fn rubles() -> Currency {
    Currency::from_alpha("RUB").expect("it exists")
}

/// A payment of 100.00 that the gateway has approved.
fn paid(way: Way) -> Desk {
    let mut desk = Desk::of(way);
    let first = desk.begin();
    desk.approve(first);
    desk
}

/// A payment of `amount` minor units whose first try the gateway has approved.
fn paid_amount(way: Way, amount: i64) -> Desk {
    let mut desk = Desk::open(&Setup {
        way,
        amount,
        ..Setup::default()
    });
    let first = desk.begin();
    desk.approve(first);
    desk
}

fn count_of(desk: &Desk, entry: EntryKind) -> usize {
    desk.postings.iter().filter(|p| p.entry == entry).count()
}

/// What is reserved in the journal and neither posted nor released.
fn pending(desk: &Desk) -> i64 {
    let open = replay_balances(&desk.postings).expect("the journal replays");
    open.values().sum()
}

#[test]
fn row_13_silence_and_then_success_is_one_success() {
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    desk.tell(first, Report::bare(Outcome::Unknown));
    assert_eq!(desk.operation(first).state, OperationState::Pending);
    assert!(desk.postings.is_empty() && desk.told().is_empty());
    let due_at = desk.now.plus_millis(1_000);
    assert_eq!(desk.timer(TimerKind::Enquiry, first), Some((due_at, 0)));

    desk.approve(first);
    desk.approve(first);
    assert_eq!(count_of(&desk, EntryKind::Sale), 1);
    assert_eq!(desk.told(), [EventKind::Captured]);
    assert_eq!(desk.timer(TimerKind::Enquiry, first), None);
}

#[test]
fn row_13_a_silent_capture_leaves_the_hold_as_it_is() {
    let mut desk = paid(Way::Hold);
    let command = desk.capture_command(None, false);
    let capture = desk.done(&command);
    desk.tell(capture, Report::bare(Outcome::Unknown));
    assert_eq!(desk.payment.status(), PaymentStatus::Authorized);
    assert_eq!(pending(&desk), 10_000);
    desk.approve(capture);
    assert_eq!(desk.payment.status(), PaymentStatus::Captured);
    assert_eq!(
        (pending(&desk), count_of(&desk, EntryKind::Capture)),
        (0, 1)
    );
}

#[test]
fn row_14_silence_and_then_failure_releases_what_was_reserved() {
    let mut desk = paid(Way::Purchase);
    let command = desk.refund_command(Some(4_000), None, None);
    let refund = desk.done(&command);
    assert_eq!(pending(&desk), 4_000);
    desk.tell(refund, Report::bare(Outcome::Unknown));
    assert_eq!(pending(&desk), 4_000);
    desk.decline(refund);
    desk.decline(refund);

    assert_eq!(pending(&desk), 0);
    assert_eq!(desk.payment.refundable(), 10_000);
    let told = [EventKind::Captured, EventKind::RefundDeclined];
    assert_eq!(desk.told(), told);
}

#[test]
fn row_14_silence_and_then_failure_of_a_hold_reserves_nothing() {
    let mut desk = Desk::of(Way::Hold);
    let first = desk.begin();
    desk.tell(first, Report::bare(Outcome::Unknown));
    desk.decline(first);
    assert!(desk.postings.is_empty());
    assert_eq!(desk.payment.status(), PaymentStatus::AwaitingPayment);
}

#[test]
fn row_15_old_news_about_a_finished_operation_changes_nothing() {
    for stale in [Outcome::Pending, Outcome::Unknown, Outcome::NotSent] {
        let mut desk = paid(Way::Purchase);
        let before = desk.payment.clone();
        let decision = desk.tell(1, Report::bare(stale));
        assert_eq!(desk.payment, before);
        assert!(decision.effects.events.is_empty() && decision.effects.incidents.is_empty());
    }
}

#[test]
fn row_16_another_amount_or_currency_is_never_booked() {
    let others = [
        approval_of(9_999, Currency::KZT),
        approval_of(0, Currency::KZT),
        approval_of(10_000, rubles()),
    ];
    for report in others {
        let mut desk = Desk::of(Way::Purchase);
        let first = desk.begin();
        desk.tell(first, report);

        assert!(desk.postings.is_empty() && desk.told().is_empty());
        assert_eq!(desk.operation(first).state, OperationState::Pending);
        assert_eq!(desk.payment.status(), PaymentStatus::Processing);
        assert_eq!(desk.incidents.len(), 1);
        assert_eq!(desk.incidents[0].kind, IncidentKind::AmountMismatch);
    }
}

#[test]
fn row_16_the_asked_amount_is_booked_and_a_declined_amount_does_not_matter() {
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    let mut report = approval_of(1, Currency::KZT);
    report.outcome = Outcome::Declined(DeclineCode::General);
    desk.tell(first, report);
    assert!(desk.incidents.is_empty());
    let second = desk.begin();
    desk.tell(second, approval_of(10_000, Currency::KZT));
    assert_eq!(desk.payment.status(), PaymentStatus::Captured);
}

#[test]
fn row_16_another_amount_told_later_is_a_case_too() {
    let mut desk = paid(Way::Purchase);
    desk.tell(1, approval_of(10_000, Currency::KZT));
    assert!(desk.incidents.is_empty());
    desk.tell(1, approval_of(5_000, Currency::KZT));
    assert_eq!(desk.incidents[0].kind, IncidentKind::AmountMismatch);
    assert_eq!(desk.payment.sums.captured, 10_000);
}

/// News of a gateway that gives an operation one id for ever.
fn named(outcome: Outcome, reference: &str) -> Report {
    Report {
        facts: Facts {
            connector_reference: Some(reference.to_owned()),
            one_reference: true,
            ..Facts::default()
        },
        ..Report::bare(outcome)
    }
}

#[test]
fn row_14_what_a_gateway_has_taken_is_not_gone_because_it_says_so() {
    // A try, and a refund, which would be sent again.
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    desk.tell(first, named(Outcome::Pending, "gw-1"));
    for _ in 0..3 {
        desk.tell(first, Report::bare(Outcome::NotFound));
    }
    assert_eq!(desk.operation(first).state, OperationState::Pending);
    assert_eq!(desk.payment.status(), PaymentStatus::Processing);
    assert!(
        desk.timer(TimerKind::Enquiry, first).is_some(),
        "it is asked on"
    );
    assert_eq!(desk.incidents.len(), 1);
    assert_eq!(desk.incidents[0].kind, IncidentKind::Contradiction);
    desk.tell(first, named(Outcome::Approved, "gw-1"));
    assert_eq!(desk.payment.status(), PaymentStatus::Captured);

    let command = desk.refund_command(Some(1_000), None, None);
    let refund = desk.done(&command);
    desk.tell(refund, named(Outcome::Pending, "gw-2"));
    desk.tell(refund, Report::bare(Outcome::NotFound));
    assert_eq!(desk.operation(refund).state, OperationState::Pending);
    assert_eq!(desk.timer(TimerKind::Exchange, refund), None, "not again");
    assert_eq!(desk.incidents.len(), 2);
}

#[test]
fn row_16_a_second_reference_is_a_case_and_ends_nothing() {
    for outcome in [
        Outcome::Approved,
        Outcome::Declined(DeclineCode::General),
        Outcome::Pending,
    ] {
        let mut desk = Desk::of(Way::Purchase);
        let first = desk.begin();
        desk.tell(first, named(Outcome::Pending, "gw-1"));
        desk.tell(first, named(outcome, "gw-2"));
        let operation = desk.operation(first);
        assert_eq!(operation.state, OperationState::Pending);
        let known = operation.facts.connector_reference.as_deref();
        assert_eq!(known, Some("gw-1"));
        assert!(desk.postings.is_empty());
        assert_eq!(desk.incidents.len(), 1);
        assert_eq!(desk.incidents[0].kind, IncidentKind::Contradiction);
        // The right one still ends it.
        desk.tell(first, named(Outcome::Approved, "gw-1"));
        assert_eq!(desk.payment.status(), PaymentStatus::Captured);
        // And then a second one is a case again, once a person has looked.
        let seen = desk.resolve_command(1, None);
        desk.run(&seen).expect("it is open");
        desk.tell(first, named(Outcome::Approved, "gw-3"));
        assert_eq!(desk.incidents.len(), 2);
        assert_eq!(desk.payment.sums.captured, 10_000);
    }
    // Gateways that give each attempt of a payer an id of its own are believed.
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    let mut report = named(Outcome::Pending, "attempt-1");
    report.facts.one_reference = false;
    desk.tell(first, report);
    let mut report = named(Outcome::Approved, "attempt-2");
    report.facts.one_reference = false;
    desk.tell(first, report);
    assert_eq!(desk.payment.status(), PaymentStatus::Captured);
    assert!(desk.incidents.is_empty());
}

#[test]
fn row_29_refunds_in_flight_count_against_the_captured_sum() {
    let mut desk = paid_amount(Way::Purchase, 100);
    let mut accepted = Vec::new();
    for _ in 0..64 {
        let command = desk.refund_command(Some(60), None, None);
        match desk.run(&command) {
            Ok(decision) => accepted.push(decision.operation.expect("a refund")),
            Err(refusal) => {
                let (asked, available) = (kzt(60), kzt(40));
                assert_eq!(refusal, Refusal::Exceeds { asked, available });
            }
        }
    }
    let [first] = accepted[..] else {
        panic!("one of them fits: {accepted:?}");
    };
    assert_eq!(desk.payment.refundable(), 40);

    desk.tell(first, Report::bare(Outcome::Unknown));
    let command = desk.refund_command(Some(60), None, None);
    desk.refused(&command);
    desk.approve(first);
    desk.refused(&command);
    desk.refunded(Some(40));
    assert_eq!(desk.payment.status(), PaymentStatus::Refunded);
    let command = desk.refund_command(Some(1), None, None);
    let refusal = desk.refused(&command);
    assert_eq!(refusal, Refusal::WrongStatus(PaymentStatus::Refunded));
}

#[test]
fn row_29_a_refused_refund_frees_its_share() {
    let mut desk = paid_amount(Way::Purchase, 100);
    let command = desk.refund_command(Some(60), None, None);
    let first = desk.done(&command);
    desk.decline(first);
    desk.refunded(Some(60));
    assert_eq!(desk.payment.sums.refunded, 60);
    assert_eq!(desk.payment.status(), PaymentStatus::PartiallyRefunded);
}

#[test]
fn row_29_a_hundred_small_refunds_give_back_exactly_all() {
    let mut desk = paid_amount(Way::Purchase, 100);
    let commands: Vec<_> = (0..100)
        .map(|_| {
            let command = desk.refund_command(Some(1), None, None);
            desk.done(&command)
        })
        .collect();
    let command = desk.refund_command(None, None, None);
    assert_eq!(desk.refused(&command), Refusal::InProgress);
    for refund in commands {
        desk.approve(refund);
    }
    assert_eq!(desk.payment.sums.refunded, 100);
    assert_eq!(desk.payment.status(), PaymentStatus::Refunded);
    let deltas = account_deltas(&desk.postings);
    assert!(deltas.values().all(|d| d.posted_debit == d.posted_credit));
}

/// No command makes a chargeback yet; its sum counts in the ceiling all the same.
#[test]
fn row_30_what_the_issuer_took_back_cannot_be_refunded_again() {
    let mut desk = paid(Way::Purchase);
    desk.payment.sums.charged_back = 4_000;
    let command = desk.refund_command(Some(6_001), None, None);
    let (asked, available) = (kzt(6_001), kzt(6_000));
    assert_eq!(
        desk.refused(&command),
        Refusal::Exceeds { asked, available }
    );
    desk.refunded(Some(6_000));
    assert!(desk.payment.is_charged_back());
}

#[test]
fn row_31_no_capture_above_the_hold_after_a_void_or_twice() {
    let mut desk = paid(Way::Hold);
    let above = desk.capture_command(Some(10_001), false);
    let (asked, available) = (kzt(10_001), kzt(10_000));
    assert_eq!(desk.refused(&above), Refusal::Exceeds { asked, available });
    desk.captured(None, false);
    let twice = desk.capture_command(None, false);
    let refusal = desk.refused(&twice);
    assert_eq!(refusal, Refusal::WrongStatus(PaymentStatus::Captured));

    let mut desk = paid(Way::Hold);
    let void = desk.void_command(None);
    let void = desk.done(&void);
    desk.approve(void);
    assert_eq!(pending(&desk), 0);
    let capture = desk.capture_command(None, false);
    let refusal = desk.refused(&capture);
    assert_eq!(refusal, Refusal::WrongStatus(PaymentStatus::Voided));
}

#[test]
fn row_31_part_by_part_the_hold_is_never_exceeded() {
    let mut desk = paid(Way::Hold);
    desk.captured(Some(3_000), false);
    desk.captured(Some(3_000), false);
    let above = desk.capture_command(Some(4_001), false);
    let (asked, available) = (kzt(4_001), kzt(4_000));
    assert_eq!(desk.refused(&above), Refusal::Exceeds { asked, available });
    assert_eq!(pending(&desk), 4_000);
    desk.captured(Some(1_000), true);
    assert_eq!((pending(&desk), desk.payment.sums.voided), (0, 3_000));
    assert_eq!(desk.payment.sums.captured, 7_000);
}

#[test]
fn row_31_a_purchase_has_nothing_to_capture_or_void() {
    let mut desk = paid(Way::Purchase);
    for command in [desk.capture_command(None, false), desk.void_command(None)] {
        let refusal = desk.refused(&command);
        assert_eq!(refusal, Refusal::WrongStatus(PaymentStatus::Captured));
    }
}

#[test]
fn row_32_of_a_void_and_a_capture_exactly_one_wins() {
    for void_first in [true, false] {
        let mut desk = paid(Way::Hold);
        let (void, capture) = (desk.void_command(None), desk.capture_command(None, false));
        let (first, second) = if void_first {
            (void, capture)
        } else {
            (capture, void)
        };
        let number = desk.done(&first);
        assert_eq!(desk.refused(&second), Refusal::InProgress);
        desk.tell(number, Report::bare(Outcome::Unknown));
        assert_eq!(desk.refused(&second), Refusal::InProgress);
        desk.approve(number);
        assert!(matches!(desk.refused(&second), Refusal::WrongStatus(_)));
        let sums = desk.payment.sums;
        let expected = if void_first { (0, 10_000) } else { (10_000, 0) };
        assert_eq!((sums.captured, sums.voided), expected);
        assert_eq!(pending(&desk), 0);
    }
}

#[test]
fn row_32_a_refused_capture_leaves_the_hold_to_a_void() {
    let mut desk = paid(Way::Hold);
    let command = desk.capture_command(Some(500), true);
    let capture = desk.done(&command);
    desk.decline(capture);
    assert_eq!(pending(&desk), 10_000, "a refused capture releases nothing");
    let void = desk.void_command(None);
    let number = desk.done(&void);
    desk.approve(number);
    assert_eq!(desk.payment.status(), PaymentStatus::Voided);
}

#[test]
fn row_33_impossible_amounts_are_refused() {
    let mut hold = paid(Way::Hold);
    let mut purchase = paid(Way::Purchase);
    for amount in [0, -1, i64::MIN] {
        let commands = [
            hold.capture_command(Some(amount), false),
            hold.void_command(Some(amount)),
        ];
        for command in commands {
            assert_eq!(hold.refused(&command), Refusal::AmountInvalid);
        }
        let refund = purchase.refund_command(Some(amount), None, None);
        assert_eq!(purchase.refused(&refund), Refusal::AmountInvalid);
    }
    let refund = purchase.refund_command(Some(i64::MAX), None, None);
    let refusal = purchase.refused(&refund);
    assert!(matches!(refusal, Refusal::Exceeds { .. }));
}

#[test]
fn row_33_the_largest_amount_goes_all_the_way() {
    let mut desk = paid_amount(Way::Hold, i64::MAX);
    desk.captured(Some(1), false);
    desk.captured(None, true);
    desk.refunded(Some(i64::MAX - 1));
    let above = desk.refund_command(Some(2), None, None);
    desk.refused(&above);
    desk.refunded(None);
    assert_eq!(desk.payment.status(), PaymentStatus::Refunded);
}

#[test]
fn row_33_an_order_is_in_a_currency_of_the_project_and_not_for_nothing() {
    let mut desk = Desk::of(Way::Purchase);
    let amounts = [
        (
            Way::Purchase,
            Money::zero(Currency::KZT),
            Refusal::AmountInvalid,
        ),
        (
            Way::Hold,
            Money::zero(Currency::KZT),
            Refusal::AmountInvalid,
        ),
        (Way::Verify, kzt(1), Refusal::AmountInvalid),
        (
            Way::Purchase,
            Money::new(100, rubles()).expect("not negative"),
            Refusal::CurrencyNotAccepted(rubles()),
        ),
    ];
    for (way, amount, expected) in amounts {
        let Command::Register(mut register) = desk.registration(&Setup::default()) else {
            panic!("a registration registers");
        };
        (register.way, register.amount) = (way, amount);
        let refusal = desk.register(&Command::Register(register)).err();
        assert_eq!(refusal, Some(expected), "{way:?} {amount}");
    }
}

fn posting(number: u32, phase: Phase, settles: Option<u32>, amount: i64) -> Posting {
    let desk = Desk::of(Way::Hold);
    Posting {
        number,
        operation: 1,
        entry: EntryKind::Hold,
        phase,
        settles,
        project_id: desk.project.id,
        debit: AccountKind::ConnectorClearing,
        credit: AccountKind::MerchantPayable,
        currency: Currency::KZT,
        amount,
        customer_id: None,
        at: desk.now,
    }
}

#[test]
fn row_37_a_journal_that_does_not_balance_is_found() {
    let hold = posting(1, Phase::Pending, None, 100);
    let mut to_itself = hold.clone();
    to_itself.credit = to_itself.debit;
    let take = |number, amount| posting(number, Phase::Posted, Some(1), amount);
    let broken = [
        vec![posting(1, Phase::Pending, None, 0)],
        vec![posting(1, Phase::Posted, None, -5)],
        vec![to_itself],
        vec![take(1, 100)],
        vec![take(1, 100), hold.clone()],
        vec![hold.clone(), take(2, 101)],
        vec![hold.clone(), take(2, 60), take(3, 41)],
        vec![
            hold.clone(),
            take(2, 60),
            posting(3, Phase::Released, Some(1), 41),
        ],
        vec![hold.clone(), posting(2, Phase::Pending, Some(1), 1)],
        vec![hold.clone(), posting(2, Phase::Released, None, 1)],
        vec![hold.clone(), posting(2, Phase::Released, Some(3), 1)],
    ];
    for journal in broken {
        assert!(replay_balances(&journal).is_err(), "{journal:#?}");
    }
    let sound = [hold, take(2, 60), posting(3, Phase::Released, Some(1), 30)];
    assert_eq!(replay_balances(&sound), Ok([(1, 10)].into()));
}

#[test]
fn row_37_every_posting_changes_two_accounts_alike() {
    let mut desk = paid(Way::Hold);
    desk.captured(Some(6_000), true);
    desk.refunded(Some(1_000));
    let deltas: Vec<_> = account_deltas(&desk.postings).into_values().collect();
    let sum = |of: fn(&altyn_domain::AccountDelta) -> i64| deltas.iter().map(of).sum::<i64>();
    assert_eq!(sum(|d| d.posted_debit), sum(|d| d.posted_credit));
    assert_eq!(sum(|d| d.pending_debit), 0);
    assert_eq!(sum(|d| d.pending_credit), 0);
    let kinds = desk.payment.operations.iter().map(|o| o.kind);
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [
            OperationKind::Auth,
            OperationKind::Capture,
            OperationKind::Refund
        ]
    );
}
