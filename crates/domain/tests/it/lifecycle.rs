//! The life-cycle table of a payment, one test per row: tries, processing periods, late and
//! contradicting results.

use altyn_domain::{
    AccountKind, Command, Currency, DeclineCode, EventKind, Facts, IncidentKind, Money,
    OperationKind, OperationState, Outcome, Payment, PaymentStatus, Phase, Refusal, Report,
    ResolveIncident, SurplusPolicy, TimerKind, Way,
};

use crate::desk::{Desk, Setup};

fn manual(way: Way) -> Desk {
    Desk::open(&Setup {
        way,
        surplus: SurplusPolicy::Manual,
        ..Setup::default()
    })
}

/// A purchase whose first try is late: the payment waits again, the try is still open.
fn with_a_late_try(setup: &Setup) -> (Desk, u32) {
    let mut desk = Desk::open(setup);
    let first = desk.begin();
    desk.end_period(first);
    (desk, first)
}

/// Two tries in flight at the gateway; only the second is waited for.
fn with_two_tries() -> (Desk, u32, u32) {
    let (mut desk, first) = with_a_late_try(&Setup::default());
    let second = desk.begin();
    (desk, first, second)
}

/// What all accounts of one kind hold by their posted sums; debits count up.
fn posted(desk: &Desk, kind: AccountKind) -> i64 {
    let posted = desk.postings.iter().filter(|p| p.phase == Phase::Posted);
    posted
        .map(|p| {
            let debit = if p.debit == kind { p.amount } else { 0 };
            let credit = if p.credit == kind { p.amount } else { 0 };
            debit - credit
        })
        .sum()
}

/// The newest operation gives `surplus` back, decided together with it.
fn assert_returned(desk: &Desk, surplus: u32, kind: OperationKind) -> u32 {
    assert!(desk.operation(surplus).surplus);
    let back = desk.payment.operations.last().expect("there is one");
    assert_eq!((back.kind, back.parent), (kind, Some(surplus)));
    assert_eq!(back.amount, desk.operation(surplus).amount);
    assert_eq!(back.state, OperationState::Created);
    let due_at = desk.timer(TimerKind::Exchange, back.number);
    assert_eq!(due_at, Some((desk.now, 0)));
    back.number
}

fn assert_sums_of_one_purchase(payment: &Payment) {
    assert_eq!(payment.sums.captured, 10_000);
    assert_eq!(payment.status(), PaymentStatus::Captured);
}

#[test]
fn lifecycle_row_01_a_try_makes_the_payment_process_and_hides_the_last_failure() {
    let mut desk = Desk::of(Way::Purchase);
    assert_eq!(desk.payment.status(), PaymentStatus::AwaitingPayment);
    let first = desk.begin();
    desk.decline(first);
    let second = desk.begin();

    assert_eq!(desk.payment.status(), PaymentStatus::Processing);
    assert_eq!(desk.payment.visible_decline(), None);
    assert_eq!(desk.operation(second).state, OperationState::Sent);
    let period_end = desk.now.plus_millis(5 * 60_000);
    let timer = desk.timer(TimerKind::ProcessingPeriod, second);
    assert_eq!(timer, Some((period_end, 0)));
}

#[test]
fn lifecycle_row_02_success_in_time_settles_the_payment() {
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    desk.approve(first);

    assert_sums_of_one_purchase(&desk.payment);
    assert_eq!(desk.payment.completed_by, Some(first));
    assert_eq!(posted(&desk, AccountKind::MerchantPayable), -10_000);
    assert_eq!(desk.timer(TimerKind::ProcessingPeriod, first), None);
    assert_eq!(desk.timer(TimerKind::Expiry, 0), None);
    assert_eq!(desk.told(), [EventKind::Captured]);
}

#[test]
fn lifecycle_row_03_failure_in_time_is_shown_and_another_try_allowed() {
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    desk.decline(first);

    assert_eq!(desk.payment.status(), PaymentStatus::AwaitingPayment);
    let shown = desk.payment.visible_decline();
    assert_eq!(shown, Some(DeclineCode::InsufficientFunds));
    assert_eq!(desk.told(), [EventKind::TryDeclined]);
    assert!(desk.postings.is_empty());
    desk.begin();
}

#[test]
fn lifecycle_row_04_end_of_the_period_frees_the_payment_without_a_word() {
    let (mut desk, first) = with_a_late_try(&Setup::default());

    assert_eq!(desk.payment.status(), PaymentStatus::AwaitingPayment);
    assert_eq!(desk.payment.visible_decline(), None);
    assert!(desk.operation(first).state.is_open());
    assert!(desk.timer(TimerKind::Enquiry, first).is_some());
    assert!(desk.told().is_empty());
    desk.begin();
}

#[test]
fn lifecycle_row_05_end_of_the_period_of_a_finished_try_changes_nothing() {
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    desk.approve(first);
    let before = desk.payment.clone();
    let command = desk.fire_command(TimerKind::ProcessingPeriod, first);
    desk.wait(6 * 60_000);
    let decision = desk.run(&command).expect("a stray timer does no harm");

    assert_eq!(desk.payment, before);
    assert!(decision.effects.events.is_empty());
}

#[test]
fn lifecycle_row_06_late_success_settles_the_waiting_payment() {
    let (mut desk, first) = with_a_late_try(&Setup::default());
    desk.approve(first);

    assert_eq!(desk.payment.completed_by, Some(first));
    assert_sums_of_one_purchase(&desk.payment);
    assert!(desk.incidents.is_empty());
}

#[test]
fn lifecycle_row_07_late_failure_is_shown_while_the_payment_waits() {
    let (mut desk, first) = with_a_late_try(&Setup::default());
    desk.decline(first);

    assert_eq!(desk.payment.status(), PaymentStatus::AwaitingPayment);
    let shown = desk.payment.visible_decline();
    assert_eq!(shown, Some(DeclineCode::InsufficientFunds));
}

#[test]
fn lifecycle_row_08_second_success_is_a_surplus() {
    let (mut desk, first, second) = with_two_tries();
    desk.approve(first);
    let told = desk.told();
    desk.approve(second);

    assert_sums_of_one_purchase(&desk.payment);
    assert_eq!(desk.payment.completed_by, Some(first));
    assert_eq!(posted(&desk, AccountKind::Suspense), -10_000);
    let back = assert_returned(&desk, second, OperationKind::Reversal);
    let send = desk.send_command(back, None);
    desk.done(&send);
    desk.approve(back);

    assert_eq!(posted(&desk, AccountKind::Suspense), 0);
    assert_eq!(posted(&desk, AccountKind::ConnectorClearing), 10_000);
    assert_sums_of_one_purchase(&desk.payment);
    assert_eq!(desk.told(), told, "the merchant hears of one payment");
    assert!(desk.incidents.is_empty());
}

#[test]
fn lifecycle_row_08_second_success_waits_for_a_person_if_the_project_wants_it() {
    let mut desk = manual(Way::Purchase);
    let first = desk.begin();
    desk.end_period(first);
    let second = desk.begin();
    desk.approve(first);
    desk.approve(second);

    assert_sums_of_one_purchase(&desk.payment);
    assert_eq!(posted(&desk, AccountKind::Suspense), -10_000);
    assert_eq!(
        desk.payment.operations.len(),
        2,
        "nothing goes back by itself"
    );
    let [incident] = &desk.incidents[..] else {
        panic!("one incident: {:?}", desk.incidents);
    };
    assert_eq!(incident.kind, IncidentKind::Surplus);
    assert_eq!(incident.operation, Some(second));
}

#[test]
fn lifecycle_row_08_refused_return_leaves_the_surplus_to_a_person() {
    let (mut desk, first, second) = with_two_tries();
    desk.approve(first);
    desk.approve(second);
    let back = assert_returned(&desk, second, OperationKind::Reversal);
    let send = desk.send_command(back, None);
    desk.done(&send);
    desk.decline(back);

    assert_eq!(posted(&desk, AccountKind::Suspense), -10_000);
    assert_eq!(desk.incidents[0].kind, IncidentKind::SurplusStuck);
}

#[test]
fn lifecycle_row_09_second_failure_is_not_shown_once_paid() {
    let (mut desk, first, second) = with_two_tries();
    desk.approve(first);
    let told = desk.told();
    desk.decline(second);

    assert_sums_of_one_purchase(&desk.payment);
    assert_eq!(desk.payment.visible_decline(), None);
    assert_eq!(desk.told(), told);
    assert!(desk.operation(second).decline.is_some());
}

#[test]
fn lifecycle_row_10_late_success_wins_over_the_try_in_flight() {
    let (mut desk, first, second) = with_two_tries();
    desk.approve(first);

    assert_eq!(desk.payment.completed_by, Some(first));
    assert_sums_of_one_purchase(&desk.payment);
    assert!(desk.operation(second).state.is_open());
    assert!(desk.timer(TimerKind::Enquiry, second).is_some());
    let begin = desk.begin_command("card");
    assert_eq!(desk.refused(&begin), Refusal::AlreadyPaid);
}

#[test]
fn lifecycle_row_11_late_failure_stays_on_its_try_while_another_is_in_flight() {
    let (mut desk, first, second) = with_two_tries();
    desk.decline(first);

    assert_eq!(desk.payment.status(), PaymentStatus::Processing);
    assert_eq!(desk.payment.visible_decline(), None);
    assert!(desk.operation(first).decline.is_some());
    desk.tell(
        second,
        Report::bare(Outcome::Declined(DeclineCode::ExpiredCard)),
    );
    let shown = desk.payment.visible_decline();
    assert_eq!(shown, Some(DeclineCode::ExpiredCard), "the newest try's");
}

#[test]
fn lifecycle_row_11_an_older_failure_does_not_replace_a_newer_one() {
    let (mut desk, first, second) = with_two_tries();
    desk.decline(second);
    desk.tell(
        first,
        Report::bare(Outcome::Declined(DeclineCode::ExpiredCard)),
    );

    let shown = desk.payment.visible_decline();
    assert_eq!(shown, Some(DeclineCode::InsufficientFunds));
}

#[test]
fn lifecycle_row_12_late_success_after_the_second_won_is_a_surplus() {
    let (mut desk, first, second) = with_two_tries();
    desk.approve(second);
    desk.approve(first);

    assert_eq!(desk.payment.completed_by, Some(second));
    assert_sums_of_one_purchase(&desk.payment);
    assert_returned(&desk, first, OperationKind::Reversal);
}

#[test]
fn lifecycle_row_13_every_further_success_is_a_surplus_once() {
    let (mut desk, first, second) = with_two_tries();
    desk.end_period(second);
    let third = desk.begin();
    desk.approve(second);
    for late in [first, third] {
        desk.approve(late);
        assert_returned(&desk, late, OperationKind::Reversal);
        desk.approve(late);
    }

    assert_eq!(desk.payment.operations.len(), 5);
    assert_eq!(posted(&desk, AccountKind::Suspense), -20_000);
    assert_sums_of_one_purchase(&desk.payment);
}

#[test]
fn lifecycle_row_14_no_further_failure_is_shown() {
    let (mut desk, first, second) = with_two_tries();
    desk.end_period(second);
    let third = desk.begin();
    desk.approve(third);
    desk.decline(first);
    desk.decline(second);

    assert_eq!(desk.payment.visible_decline(), None);
    assert_sums_of_one_purchase(&desk.payment);
    assert_eq!(desk.told(), [EventKind::Captured]);
}

#[test]
fn lifecycle_row_15_the_same_result_twice_changes_nothing() {
    let approved = Report::bare(Outcome::Approved);
    let declined = Report::bare(Outcome::Declined(DeclineCode::General));
    for report in [approved, declined, Report::bare(Outcome::Voided)] {
        let mut desk = Desk::of(Way::Purchase);
        let first = desk.begin();
        desk.tell(first, report.clone());
        let before = desk.payment.clone();
        desk.wait(1_000);
        let decision = desk.tell(first, report);
        assert_eq!(desk.payment, before);
        assert!(decision.effects.postings.is_empty() && decision.effects.events.is_empty());
        assert!(decision.effects.incidents.is_empty());
    }
}

#[test]
fn lifecycle_row_16_a_contradicting_result_is_a_case_and_changes_nothing() {
    let declined = Outcome::Declined(DeclineCode::General);
    for said in [declined, Outcome::Voided, Outcome::NotFound] {
        let mut desk = Desk::of(Way::Purchase);
        let first = desk.begin();
        desk.approve(first);
        desk.tell(first, Report::bare(said));

        assert_sums_of_one_purchase(&desk.payment);
        assert_eq!(desk.operation(first).state, OperationState::Succeeded);
        assert_eq!(desk.incidents.len(), 1);
        assert_eq!(desk.incidents[0].kind, IncidentKind::Contradiction);
        assert_eq!(desk.told(), [EventKind::Captured]);
    }
}

#[test]
fn lifecycle_row_22_the_same_news_is_one_incident_until_a_person_has_looked() {
    let paid_less = Report {
        facts: Facts {
            amount: Some(Money::new(1, Currency::KZT).expect("positive")),
            ..Facts::default()
        },
        ..Report::bare(Outcome::Approved)
    };
    let declined = Report::bare(Outcome::Declined(DeclineCode::General));
    // A success after a decline, and another amount while the try is open: whoever comes back from the
    // gateway's page has it asked for again.
    for (first, then) in [
        (declined, Report::bare(Outcome::Approved)),
        (paid_less.clone(), paid_less),
    ] {
        let mut desk = Desk::of(Way::Purchase);
        let number = desk.begin();
        desk.tell(number, first);
        for _ in 0..3 {
            desk.tell(number, then.clone());
        }
        assert_eq!(desk.incidents.len(), 1, "{then:?}");
        let seen = desk.run(&Command::Resolve(ResolveIncident {
            payment_id: desk.payment.id,
            incident: 1,
            note: "seen".to_owned(),
            report: None,
        }));
        assert!(seen.is_ok());
        desk.tell(number, then.clone());
        desk.tell(number, then.clone());
        assert_eq!(desk.incidents.len(), 2, "{then:?}");
        assert!(desk.postings.is_empty());
    }
}

/// A purchase whose time ends while its try is in flight.
fn past_its_deadline() -> (Desk, u32) {
    let mut desk = Desk::of(Way::Purchase);
    desk.wait(19 * 60_000);
    let first = desk.begin();
    desk.fire(TimerKind::Expiry, 0);
    assert_eq!(desk.payment.status(), PaymentStatus::Processing);
    let begin = desk.begin_command("card");
    assert_eq!(desk.refused(&begin), Refusal::InProgress);
    (desk, first)
}

#[test]
fn lifecycle_row_17_a_try_in_flight_outlives_the_deadline_and_may_succeed() {
    let (mut desk, first) = past_its_deadline();
    desk.approve(first);
    assert_sums_of_one_purchase(&desk.payment);
    assert_eq!(desk.timer(TimerKind::Expiry, 0), None);
}

#[test]
fn lifecycle_row_17_its_failure_after_the_deadline_expires_the_payment() {
    let (mut desk, first) = past_its_deadline();
    desk.decline(first);
    assert_eq!(desk.payment.status(), PaymentStatus::Expired);
    let told = [EventKind::TryDeclined, EventKind::Expired];
    assert_eq!(desk.told(), told);
}

#[test]
fn lifecycle_row_17_the_end_of_its_period_after_the_deadline_expires_the_payment() {
    let (mut desk, first) = past_its_deadline();
    desk.end_period(first);
    assert_eq!(desk.payment.status(), PaymentStatus::Expired);
    assert!(desk.operation(first).state.is_open());
    assert_eq!(desk.told(), [EventKind::Expired]);
}

#[test]
fn lifecycle_row_17_a_slower_clock_cannot_keep_the_payment_from_expiring() {
    let (mut desk, first) = past_its_deadline();
    desk.wait(-30_000);
    desk.decline(first);
    assert_eq!(desk.payment.status(), PaymentStatus::AwaitingPayment);
    desk.fire(TimerKind::Expiry, 0);
    assert_eq!(desk.payment.status(), PaymentStatus::Expired);
}

/// Payments that are over, each in its own way, with a late try still open.
fn over(way: Way) -> Vec<(PaymentStatus, Desk, u32)> {
    let setup = Setup {
        way,
        tries_max: 2,
        ..Setup::default()
    };
    let mut over = Vec::new();
    let (mut desk, late) = with_a_late_try(&setup);
    desk.fire(TimerKind::Expiry, 0);
    over.push((PaymentStatus::Expired, desk, late));

    let (mut desk, late) = with_a_late_try(&setup);
    let cancel = desk.cancel_command();
    desk.run(&cancel).expect("it waits unpaid");
    over.push((PaymentStatus::Cancelled, desk, late));

    let (mut desk, late) = with_a_late_try(&setup);
    let second = desk.begin();
    desk.decline(second);
    over.push((PaymentStatus::Declined, desk, late));

    let (mut desk, late) = with_a_late_try(&setup);
    let second = desk.begin();
    desk.approve(second);
    match way {
        Way::Purchase => {
            desk.refunded(None);
            over.push((PaymentStatus::Refunded, desk, late));
        }
        Way::Hold => {
            let void = desk.void_command(None);
            let number = desk.done(&void);
            desk.approve(number);
            over.push((PaymentStatus::Voided, desk, late));
        }
        Way::Verify => {}
    }
    for (status, desk, _) in &mut over {
        assert_eq!(desk.payment.status(), *status);
        desk.wait(1_000);
    }
    over
}

#[test]
fn lifecycle_row_18_late_success_of_a_payment_that_is_over_goes_back_with_an_incident() {
    for (status, mut desk, late) in over(Way::Purchase) {
        let (sums, told) = (desk.payment.sums, desk.told());
        desk.approve(late);

        assert_eq!(desk.payment.status(), status);
        assert_eq!(desk.payment.sums, sums, "{status:?}");
        assert_eq!(desk.told(), told, "{status:?}");
        assert_returned(&desk, late, OperationKind::Reversal);
        assert_eq!(posted(&desk, AccountKind::Suspense), -10_000);
        assert_eq!(desk.incidents.len(), 1, "{status:?}");
        assert_eq!(desk.incidents[0].kind, IncidentKind::Surplus);
    }
}

#[test]
fn lifecycle_row_19_late_failure_of_a_payment_that_is_over_is_recorded_and_not_shown() {
    for way in [Way::Purchase, Way::Hold] {
        for (status, mut desk, late) in over(way) {
            let (told, shown) = (desk.told(), desk.payment.visible_decline());
            desk.decline(late);

            assert_eq!(desk.payment.status(), status);
            assert_eq!(desk.told(), told, "{status:?}");
            assert_eq!(desk.payment.visible_decline(), shown, "{status:?}");
            assert!(desk.operation(late).decline.is_some());
            assert!(desk.incidents.is_empty());
        }
    }
}

#[test]
fn lifecycle_row_20_a_surplus_hold_is_voided_whatever_the_policy() {
    for (status, mut desk, late) in over(Way::Hold) {
        let postings = desk.postings.len();
        desk.approve(late);

        assert_eq!(desk.payment.status(), status);
        assert_returned(&desk, late, OperationKind::Void);
        assert_eq!(desk.postings.len(), postings, "a hold moves no money");
        assert_eq!(desk.incidents.len(), 1, "{status:?}");
    }
    let mut desk = manual(Way::Hold);
    let first = desk.begin();
    desk.end_period(first);
    let second = desk.begin();
    desk.approve(first);
    desk.approve(second);
    let back = assert_returned(&desk, second, OperationKind::Void);
    assert_eq!(desk.payment.status(), PaymentStatus::Authorized);
    let send = desk.send_command(back, None);
    desk.done(&send);
    desk.approve(back);
    assert_eq!(desk.payment.sums.voided, 0, "the payment's own hold stands");
    assert_eq!(desk.payment.status(), PaymentStatus::Authorized);
}

#[test]
fn lifecycle_row_21_a_timer_never_declines_an_operation() {
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    desk.tell(first, Report::bare(Outcome::Pending));
    desk.end_period(first);
    desk.fire(TimerKind::Expiry, 0);

    assert_eq!(desk.payment.status(), PaymentStatus::Expired);
    let operation = desk.operation(first);
    assert_eq!(operation.state, OperationState::Pending);
    assert_eq!((operation.decline, operation.finished_at), (None, None));
    assert!(desk.timer(TimerKind::Enquiry, first).is_some());
}

#[test]
fn lifecycle_row_22_success_after_the_gateway_declined_is_for_a_person() {
    for end in [
        Outcome::Declined(DeclineCode::General),
        Outcome::Voided,
        Outcome::NotSent,
    ] {
        let mut desk = Desk::of(Way::Purchase);
        let first = desk.begin();
        desk.tell(first, Report::bare(end));
        let before = desk.payment.status();
        desk.approve(first);

        assert_eq!(desk.payment.status(), before);
        assert!(desk.postings.is_empty(), "nothing is booked by itself");
        assert_eq!(desk.incidents.len(), 1);
        assert_eq!(desk.incidents[0].kind, IncidentKind::Contradiction);
    }
}
