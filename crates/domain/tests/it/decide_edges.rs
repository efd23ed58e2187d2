//! Edges of single decisions: the last moment to pay, the last try, repeats, automatic steps, the
//! payer's steps, routes of callbacks.

use altyn_domain::{
    Command, DeclineCode, DeliveryState, EventKind, IncidentKind, OperationState, Outcome,
    PaymentStatus, Refusal, Report, TimerChange, TimerKind, Timestamp, Way,
};

use crate::desk::{Desk, Setup, approval_of, challenge, endpoint};

/// A hold of 100.00 with these automatic steps, in milliseconds after its registration.
fn automatic_hold(capture_ms: Option<i64>, void_ms: Option<i64>) -> Desk {
    let mut desk = Desk::open(&Setup {
        way: Way::Hold,
        auto_capture_ms: capture_ms,
        auto_void_ms: void_ms,
        ..Setup::default()
    });
    let first = desk.begin();
    desk.approve(first);
    desk
}

fn paid(way: Way) -> Desk {
    let mut desk = Desk::of(way);
    let first = desk.begin();
    desk.approve(first);
    desk
}

#[test]
fn a_try_may_begin_until_the_last_moment_and_not_in_it() {
    let mut desk = Desk::of(Way::Purchase);
    let expires_at = desk.payment.expires_at;
    desk.now = expires_at;
    let begin = desk.begin_command("card");
    assert_eq!(desk.refused(&begin), Refusal::Expired);
    desk.now = Timestamp::from_micros(expires_at.as_micros() - 1);
    desk.begin();
}

#[test]
fn a_payment_expires_in_its_moment_and_not_before() {
    let mut desk = Desk::of(Way::Purchase);
    let expires_at = desk.payment.expires_at;
    let expire = desk.fire_command(TimerKind::Expiry, 0);
    desk.now = Timestamp::from_micros(expires_at.as_micros() - 1);
    desk.run(&expire).expect("it fires too early");
    assert_eq!(desk.payment.status(), PaymentStatus::AwaitingPayment);
    assert_eq!(desk.timer(TimerKind::Expiry, 0), Some((expires_at, 0)));

    desk.fire(TimerKind::Expiry, 0);
    assert_eq!(desk.now, expires_at);
    assert_eq!(desk.payment.status(), PaymentStatus::Expired);
    let begin = desk.begin_command("card");
    let refusal = desk.refused(&begin);
    assert_eq!(refusal, Refusal::WrongStatus(PaymentStatus::Expired));
}

#[test]
fn a_failure_in_the_last_moment_expires_the_payment_rather_than_declines_it() {
    let mut desk = Desk::open(&Setup {
        tries_max: 1,
        ..Setup::default()
    });
    desk.wait(19 * 60_000);
    let only = desk.begin();
    desk.now = desk.payment.expires_at;
    desk.decline(only);
    assert_eq!(desk.payment.status(), PaymentStatus::Expired);
}

#[test]
fn after_the_last_try_the_payment_is_declined() {
    let mut desk = Desk::of(Way::Purchase);
    for left in [2, 1, 0] {
        let attempt = desk.begin();
        assert_eq!(desk.payment.tries_left(), left);
        desk.decline(attempt);
    }
    assert_eq!(desk.payment.status(), PaymentStatus::Declined);
    assert_eq!(desk.told(), [EventKind::TryDeclined; 3]);
    assert_eq!(desk.timer(TimerKind::Expiry, 0), None);
    let begin = desk.begin_command("card");
    let refusal = desk.refused(&begin);
    assert_eq!(refusal, Refusal::WrongStatus(PaymentStatus::Declined));
}

#[test]
fn late_tries_use_up_the_tries_too() {
    let mut desk = Desk::of(Way::Purchase);
    for _ in 0..3 {
        let attempt = desk.begin();
        desk.end_period(attempt);
    }
    assert_eq!(desk.payment.status(), PaymentStatus::AwaitingPayment);
    let begin = desk.begin_command("card");
    assert_eq!(desk.refused(&begin), Refusal::TriesExhausted);
    desk.approve(2);
    assert_eq!(desk.payment.completed_by, Some(2));
}

#[test]
fn one_try_at_a_time_and_by_a_method_of_the_project() {
    let mut desk = Desk::of(Way::Purchase);
    let unknown = desk.begin_command("cash");
    assert_eq!(desk.refused(&unknown), Refusal::MethodUnavailable);
    desk.begin();
    let begin = desk.begin_command("card");
    assert_eq!(desk.refused(&begin), Refusal::InProgress);
}

#[test]
fn a_try_that_never_left_us_ends_with_a_code_of_ours() {
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    desk.tell(first, Report::bare(Outcome::NotSent));
    let operation = desk.operation(first);
    assert_eq!(operation.state, OperationState::Declined);
    assert_eq!(operation.decline, Some(DeclineCode::Interrupted));
    assert_eq!(desk.payment.tries_left(), 2);
}

#[test]
fn a_payment_can_be_cancelled_only_while_it_waits() {
    let mut desk = Desk::of(Way::Purchase);
    let cancel = desk.cancel_command();
    let first = desk.begin();
    assert_eq!(desk.refused(&cancel), Refusal::InProgress);
    desk.tell(first, Report::bare(Outcome::Unknown));
    assert_eq!(desk.refused(&cancel), Refusal::InProgress);
    desk.decline(first);
    desk.run(&cancel).expect("it waits");
    assert_eq!(desk.payment.status(), PaymentStatus::Cancelled);
    let told = [EventKind::TryDeclined, EventKind::Cancelled];
    assert_eq!(desk.told(), told);
    let refusal = desk.refused(&cancel);
    assert_eq!(refusal, Refusal::WrongStatus(PaymentStatus::Cancelled));

    let mut desk = paid(Way::Hold);
    let refusal = desk.refused(&cancel);
    assert_eq!(refusal, Refusal::WrongStatus(PaymentStatus::Authorized));
}

#[test]
fn a_refund_with_a_known_reference_is_the_first_one() {
    let mut desk = paid(Way::Purchase);
    let first = desk.refund_command(Some(10_000), Some("r-1"), None);
    let number = desk.done(&first);
    for (amount, expected) in [(Some(10_000), None), (Some(1), None), (None, Some(77))] {
        let again = desk.refund_command(amount, Some("r-1"), expected);
        let decision = desk.run(&again).expect("it is answered");
        assert!(decision.repeated);
        assert_eq!(decision.operation, Some(number));
        assert_eq!(decision.effects, altyn_domain::Effects::default());
    }
    desk.approve(number);
    let again = desk.refund_command(None, Some("r-1"), None);
    let decision = desk.run(&again).expect("also when all is refunded");
    assert!(decision.repeated);
    assert_eq!(desk.payment.sums.refunded, 10_000);
}

#[test]
fn a_refund_with_another_reference_or_none_is_a_new_one() {
    let mut desk = paid(Way::Purchase);
    for reference in [Some("r-1"), Some("r-2"), None, None] {
        let command = desk.refund_command(Some(1_000), reference, None);
        let number = desk.done(&command);
        desk.approve(number);
    }
    assert_eq!(desk.payment.sums.refunded, 4_000);
    let refunds = desk.references.len() - 1;
    assert_eq!(refunds, 2, "each reference is taken once");
}

#[test]
fn a_refund_wants_the_captured_sum_it_expects() {
    let mut desk = paid(Way::Purchase);
    desk.refunded(Some(2_500));
    for expected in [10_000, 0, 7_499] {
        let command = desk.refund_command(Some(100), None, Some(expected));
        let actual = desk.payment.money(7_500);
        let refusal = desk.refused(&command);
        assert_eq!(refusal, Refusal::UnexpectedDeposited { actual });
    }
    let command = desk.refund_command(Some(100), None, Some(7_500));
    desk.done(&command);
    // A refund in flight has not left yet.
    let command = desk.refund_command(Some(100), None, Some(7_500));
    desk.done(&command);
}

#[test]
fn nothing_is_refunded_before_it_is_captured() {
    let mut desk = Desk::of(Way::Hold);
    let refund = desk.refund_command(Some(1), None, None);
    let refusal = desk.refused(&refund);
    assert_eq!(
        refusal,
        Refusal::WrongStatus(PaymentStatus::AwaitingPayment)
    );
    let first = desk.begin();
    desk.approve(first);
    let refusal = desk.refused(&refund);
    assert_eq!(refusal, Refusal::WrongStatus(PaymentStatus::Authorized));
}

#[test]
fn a_kept_rest_can_be_captured_or_voided_after_a_refund() {
    let mut desk = paid(Way::Hold);
    desk.captured(Some(4_000), false);
    desk.refunded(None);
    assert_eq!(desk.payment.status(), PaymentStatus::Refunded);
    desk.captured(Some(1_000), false);
    assert_eq!(desk.payment.status(), PaymentStatus::PartiallyRefunded);
    let void = desk.void_command(None);
    let number = desk.done(&void);
    desk.approve(number);
    assert_eq!(desk.payment.sums.voided, 5_000);
}

#[test]
fn an_automatic_capture_takes_what_is_held() {
    let mut desk = automatic_hold(Some(3_600_000), None);
    desk.captured(Some(1_000), false);
    desk.fire(TimerKind::AutoCapture, 0);
    let capture = desk.payment.operations[2].clone();
    assert_eq!((capture.amount, capture.release_rest), (9_000, true));
    assert_eq!(capture.state, OperationState::Created);
    let due_at = desk.timer(TimerKind::Exchange, capture.number);
    assert_eq!(due_at, Some((desk.now, 0)));
    let send = desk.send_command(capture.number, None);
    desk.done(&send);
    desk.approve(capture.number);
    assert_eq!(desk.payment.sums.captured, 10_000);
}

#[test]
fn an_automatic_void_gives_up_what_is_held() {
    let mut desk = automatic_hold(None, Some(3_600_000));
    desk.fire(TimerKind::AutoVoid, 0);
    let void = desk.payment.operations[1].number;
    let send = desk.send_command(void, None);
    desk.done(&send);
    desk.approve(void);
    assert_eq!(desk.payment.status(), PaymentStatus::Voided);
}

#[test]
fn automatic_steps_end_with_the_hold() {
    let mut desk = automatic_hold(Some(3_600_000), Some(7_200_000));
    desk.captured(Some(1_000), true);
    assert_eq!(desk.timer(TimerKind::AutoCapture, 0), None);
    assert_eq!(desk.timer(TimerKind::AutoVoid, 0), None);
    for kind in [TimerKind::AutoCapture, TimerKind::AutoVoid] {
        let stray = desk.fire_command(kind, 0);
        desk.run(&stray).expect("a stray timer does no harm");
    }
    assert_eq!(desk.payment.operations.len(), 2);
}

#[test]
fn an_automatic_step_waits_for_the_merchants_own() {
    let mut desk = automatic_hold(None, Some(3_600_000));
    let command = desk.capture_command(None, false);
    let capture = desk.done(&command);
    desk.fire(TimerKind::AutoVoid, 0);
    assert_eq!(desk.payment.operations.len(), 2, "one at a time");
    desk.decline(capture);
    desk.fire(TimerKind::AutoVoid, 0);
    assert_eq!(desk.payment.operations.len(), 3);
}

#[test]
fn a_refused_automatic_step_is_for_a_person() {
    let mut desk = automatic_hold(Some(3_600_000), None);
    desk.fire(TimerKind::AutoCapture, 0);
    let send = desk.send_command(2, None);
    desk.done(&send);
    desk.decline(2);
    assert_eq!(desk.incidents[0].kind, IncidentKind::AutomaticRefused);
    let told = [EventKind::Authorized, EventKind::CaptureDeclined];
    assert_eq!(desk.told(), told);
}

#[test]
fn an_unsent_capture_is_sent_again_once() {
    let mut desk = paid(Way::Hold);
    let command = desk.capture_command(None, false);
    let capture = desk.done(&command);
    desk.tell(capture, Report::bare(Outcome::NotSent));
    assert_eq!(desk.operation(capture).state, OperationState::Created);
    let due_at = desk.now.plus_millis(1_000);
    assert_eq!(desk.timer(TimerKind::Exchange, capture), Some((due_at, 1)));
    assert_eq!(desk.timer(TimerKind::Enquiry, capture), None);
    let void = desk.void_command(None);
    assert_eq!(desk.refused(&void), Refusal::InProgress);

    let send = desk.send_command(capture, None);
    desk.done(&send);
    assert_eq!(desk.refused(&send), Refusal::StepNotExpected);
    assert_eq!(desk.operation(capture).exchanges, 2);
}

#[test]
fn a_gateway_that_does_not_tell_is_asked_with_growing_pauses_until_a_person_looks() {
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    let mut pauses = Vec::new();
    for enquiries in 0..12 {
        let report = Report::bare(Outcome::Unknown);
        let command = desk.report_command(first, report, enquiries);
        desk.done(&command);
        let (due_at, attempt) = desk.timer(TimerKind::Enquiry, first).expect("asked again");
        assert_eq!(attempt, enquiries);
        pauses.push(due_at.millis_since(desk.now));
        desk.now = due_at;
    }
    assert!(pauses.is_sorted() && pauses[0] == 1_000);
    assert_eq!(pauses.last(), Some(&3_600_000));
    assert_eq!(desk.incidents.len(), 1, "one case, not one per question");
    assert_eq!(desk.incidents[0].kind, IncidentKind::Unresolved);
}

/// A purchase whose payer must take the 3-D Secure step `3ds-1`.
fn challenged() -> (Desk, u32) {
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    let mut report = Report::bare(Outcome::Pending);
    report.action = Some(challenge("3ds-1"));
    desk.tell(first, report);
    (desk, first)
}

#[test]
fn a_payers_step_is_taken_once_and_only_as_asked() {
    let (mut desk, first) = challenged();
    let foreign = desk.send_command(first, Some("3ds-2"));
    assert_eq!(desk.refused(&foreign), Refusal::StepNotExpected);
    let plain = desk.send_command(first, None);
    assert_eq!(desk.refused(&plain), Refusal::StepNotExpected);
    let step = desk.send_command(first, Some("3ds-1"));
    desk.done(&step);
    assert_eq!(desk.operation(first).action, None);
    assert_eq!(desk.refused(&step), Refusal::StepNotExpected);
    desk.approve(first);
    assert_eq!(desk.payment.status(), PaymentStatus::Captured);
}

#[test]
fn a_status_answer_keeps_the_payers_step() {
    for outcome in [Outcome::Pending, Outcome::Unknown] {
        let (mut desk, first) = challenged();
        let (due_at, _) = desk.timer(TimerKind::Enquiry, first).expect("it is asked");
        assert!(
            due_at.millis_since(desk.now) >= 60_000,
            "the payer needs time"
        );
        desk.now = due_at;
        let command = desk.report_command(first, Report::bare(outcome), 6);
        desk.done(&command);
        let step = desk.send_command(first, Some("3ds-1"));
        desk.done(&step);
    }
}

#[test]
fn a_finished_operation_asks_nothing_of_the_payer() {
    for outcome in [Outcome::Approved, Outcome::Voided, Outcome::NotFound] {
        let (mut desk, first) = challenged();
        desk.tell(first, Report::bare(outcome));
        assert_eq!(desk.operation(first).action, None);
        let step = desk.send_command(first, Some("3ds-1"));
        assert_eq!(desk.refused(&step), Refusal::StepNotExpected);
    }
}

#[test]
fn a_person_decides_what_a_gateway_cannot() {
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    desk.tell(first, approval_of(1, desk.payment.amount.currency()));
    let decided = Some((first, Report::bare(Outcome::Approved)));
    let unknown = desk.resolve_command(2, decided.clone());
    assert_eq!(desk.refused(&unknown), Refusal::SubjectNotFound);
    let resolve = desk.resolve_command(1, decided);
    desk.run(&resolve).expect("it is open");
    assert_eq!(desk.payment.status(), PaymentStatus::Captured);
    assert!(desk.resolved.contains(&1));
    assert_eq!(desk.refused(&resolve), Refusal::StepNotExpected);
}

#[test]
fn a_closed_incident_does_not_leave_its_operation_alone() {
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    desk.tell(first, approval_of(1, desk.payment.amount.currency()));
    assert_eq!(desk.timer(TimerKind::Enquiry, first), None);
    let resolve = desk.resolve_command(1, None);
    desk.run(&resolve).expect("a note is enough");
    let (due_at, _) = desk.timer(TimerKind::Enquiry, first).expect("asked again");
    let deadline = desk.now.plus_millis(30_000);
    assert!(due_at > deadline, "the exchange may still be under way");
}

#[test]
fn an_address_of_the_order_replaces_the_projects_own() {
    let own = Some("https://shop.example/order-1".to_owned());
    let ways = [
        (Some(endpoint("own", &[])), own.clone(), vec!["own"]),
        (Some(endpoint("own", &[])), None, vec!["a", "b"]),
        (None, own, vec!["a", "b"]),
        (None, None, vec!["a", "b"]),
    ];
    for (dynamic_endpoint, callback_url, expected) in ways {
        let mut desk = Desk::open(&Setup {
            endpoints: vec![endpoint("a", &[]), endpoint("b", &[])],
            dynamic_endpoint,
            callback_url,
            ..Setup::default()
        });
        let first = desk.begin();
        desk.approve(first);
        let deliveries: Vec<_> = desk.deliveries.values().collect();
        let receivers: Vec<_> = deliveries.iter().map(|d| d.endpoint.as_str()).collect();
        assert_eq!(receivers, expected);
        for delivery in deliveries {
            let path = if delivery.endpoint == "own" {
                "order-1"
            } else {
                &delivery.endpoint
            };
            assert_eq!(delivery.url, format!("https://shop.example/{path}"));
            assert_eq!(
                (delivery.state, delivery.attempts),
                (DeliveryState::Waiting, 0)
            );
            let timer = desk.timer(TimerKind::Callback, delivery.number);
            assert_eq!(timer, Some((desk.now, 0)));
        }
    }
}

#[test]
fn an_endpoint_hears_only_of_what_it_wants() {
    let mut desk = Desk::open(&Setup {
        endpoints: vec![
            endpoint("all", &[]),
            endpoint("captures", &[EventKind::Captured]),
            endpoint("ends", &[EventKind::Expired]),
        ],
        ..Setup::default()
    });
    let first = desk.begin();
    desk.decline(first);
    let second = desk.begin();
    desk.approve(second);
    let made: Vec<_> = desk
        .deliveries
        .values()
        .map(|d| (d.number, d.event, d.endpoint.as_str()))
        .collect();
    assert_eq!(made, [(1, 1, "all"), (2, 2, "all"), (3, 2, "captures")]);
}

#[test]
fn an_event_shows_the_payment_as_it_is_saved() {
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    desk.wait(1_000);
    desk.approve(first);
    assert_eq!(desk.events[0].payment, desk.payment);
    assert_eq!(desk.payment.updated_at, desk.now);
}

#[test]
fn an_attempt_to_deliver_changes_nothing_but_the_delivery() {
    let mut desk = paid(Way::Purchase);
    desk.wait(1_000);
    let (before, mut delivery) = (desk.payment.clone(), desk.deliveries[&1].clone());
    (delivery.state, delivery.attempts) = (DeliveryState::Delivered, 1);
    let command = Command::RecordDelivery {
        payment_id: before.id,
        delivery: Box::new(delivery.clone()),
        attempt: None,
        timer: TimerChange::Clear,
    };
    desk.run(&command).expect("it is recorded");
    assert_eq!(desk.payment, before);
    assert_eq!(desk.deliveries[&1], delivery);
    assert_eq!(desk.timer(TimerKind::Callback, 1), None);
}

#[test]
fn nobody_reaches_a_payment_of_another_project() {
    let mut desk = paid(Way::Hold);
    let commands = [
        desk.begin_command("card"),
        desk.send_command(1, None),
        desk.report_command(1, Report::bare(Outcome::Approved), 0),
        desk.capture_command(None, false),
        desk.void_command(None),
        desk.refund_command(None, None, None),
        desk.cancel_command(),
        desk.fire_command(TimerKind::Expiry, 0),
        desk.resolve_command(1, None),
    ];
    for command in commands {
        let refusal = desk.run_as_stranger(&command).err();
        assert_eq!(refusal, Some(Refusal::PaymentNotFound), "{command:?}");
        let refusal = desk.register(&command).err();
        assert_eq!(refusal, Some(Refusal::PaymentNotFound), "{command:?}");
    }
}

#[test]
fn what_does_not_exist_is_not_found() {
    let mut desk = Desk::of(Way::Purchase);
    let commands = [
        desk.send_command(1, None),
        desk.report_command(1, Report::bare(Outcome::Approved), 0),
        desk.fire_command(TimerKind::ProcessingPeriod, 1),
        desk.resolve_command(0, None),
        desk.resolve_command(1, None),
    ];
    for command in commands {
        assert_eq!(desk.refused(&command), Refusal::SubjectNotFound);
    }
}

#[test]
fn a_reference_names_one_payment() {
    let mut desk = Desk::of(Way::Purchase);
    let again = desk.registration(&Setup::default());
    let refusal = desk.register_again(&again).err();
    assert_eq!(refusal, Some(Refusal::ReferenceTaken(desk.payment.id)));
    assert_eq!(desk.references.len(), 1);
}

#[test]
fn a_checked_card_moves_no_money() {
    let desk = paid(Way::Verify);
    assert_eq!(desk.payment.status(), PaymentStatus::Verified);
    assert_eq!(desk.told(), [EventKind::Verified]);
    assert!(desk.postings.is_empty());
}

#[test]
fn keys_of_captures_voids_and_refunds_know_nothing_of_each_other() {
    let mut desk = paid(Way::Hold);
    let key = Some("k-1".to_owned());
    let Command::Capture(mut capture) = desk.capture_command(Some(4_000), false) else {
        panic!("it captures");
    };
    capture.reference.clone_from(&key);
    let capture = Command::Capture(capture);
    let number = desk.done(&capture);
    let again = desk.run(&capture).expect("it is answered");
    assert!(again.repeated && again.operation == Some(number));
    desk.approve(number);

    let refund = desk.refund_command(Some(1_000), key.as_deref(), None);
    let refund = desk.done(&refund);
    assert_eq!(desk.operation(refund).amount, 1_000);
    let Command::Void(mut void) = desk.void_command(None) else {
        panic!("it voids");
    };
    void.reference = key;
    let void = desk.done(&Command::Void(void));
    assert_eq!(desk.operation(void).amount, 6_000);
}
