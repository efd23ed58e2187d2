//! What holds after every step, whichever rows fit it.

use altyn_domain::{
    EventKind, Operation, OperationKind, OperationState, PaymentStatus, TimerKind, Way,
};

use super::rules::Step;
use super::world::{Act, Said, World};

pub fn check(step: &Step<'_>) {
    the_one_rule_of_failures(step.after);
    one_effect_for_each_try(step.after);
    sums(step.after);
    timers(step.after);
    beside_the_table(step);
}

/// Only merchants and payers who ask for something that is not possible are refused.
pub fn may_be_refused(before: &World, after: &World, act: Act) {
    let status = before.payment.status();
    match act {
        Act::Begin => assert!(!may_begin(before, after), "a try is refused"),
        Act::Cancel => assert_ne!(status, PaymentStatus::AwaitingPayment, "refused"),
        Act::Capture | Act::Void | Act::Refund(_) => {}
        Act::Answer(..)
        | Act::PeriodFires(_)
        | Act::TimePasses
        | Act::ExpiryFires
        | Act::Send(_)
        | Act::Look => panic!("nobody may refuse this"),
    }
}

/// While a payment waits, has tries left and its time is not over, a try may begin, and never else.
fn may_begin(before: &World, after: &World) -> bool {
    before.payment.status() == PaymentStatus::AwaitingPayment
        && before.payment.tries_left() > 0
        && !after.is_late()
}

/// A failure is shown only while the payment is not completed, and only that of the newest finished try.
fn the_one_rule_of_failures(world: &World) {
    let status = world.payment.status();
    let hidden = status.is_completed() || status == PaymentStatus::Processing;
    let expected = if hidden { None } else { world.newest_reason() };
    assert_eq!(world.payment.visible_decline(), expected, "the one rule");
}

/// A try that succeeded is booked once, as the payment's own or as a surplus; any other is never booked.
/// What was not needed goes back at most once.
fn one_effect_for_each_try(world: &World) {
    let payment = &world.payment;
    for (operation, [pending, posted, released]) in payment.operations.iter().zip(&world.postings) {
        if !operation.kind.is_try() {
            continue;
        }
        let succeeded = operation.state == OperationState::Succeeded;
        let expected = match (operation.kind, succeeded) {
            (OperationKind::Sale, true) => (0, 1),
            (OperationKind::Auth, true) if !operation.surplus => (1, 0),
            _ => (0, 0),
        };
        let number = operation.number;
        assert_eq!((*pending, *posted), expected, "booked by try {number}");
        assert_eq!(*released, 0, "released by try {number}");
        let back = |o: &&Operation| o.surplus && o.parent == Some(number) && !o.kind.is_try();
        let back = payment.operations.iter().filter(back).count();
        assert!(back <= usize::from(operation.surplus), "{number} goes back");
        let completes = payment.completed_by == Some(number);
        assert_eq!(
            succeeded,
            completes != operation.surplus,
            "the end of {number}"
        );
        assert!(!(completes && operation.surplus));
    }
    let paid = u8::from(payment.completed_by.is_some());
    if payment.way == Way::Purchase || world.told_paid > 0 {
        assert_eq!(world.told_paid, paid, "told that it is paid");
    }
    let expired = u8::from(payment.status() == PaymentStatus::Expired);
    assert_eq!(world.told_expired, expired, "told that its time ended");
}

/// The ledger says what the payment says.
fn sums(world: &World) {
    let payment = &world.payment;
    let sums = payment.sums;
    assert_eq!(world.payable, sums.refunded - sums.captured, "payable");
    let of = |kinds: &[OperationKind]| -> i64 {
        let done = |o: &&Operation| {
            o.surplus && o.state == OperationState::Succeeded && kinds.contains(&o.kind)
        };
        payment
            .operations
            .iter()
            .filter(done)
            .map(|o| o.amount)
            .sum()
    };
    let unneeded = of(&[OperationKind::Sale]) - of(&[OperationKind::Reversal]);
    assert_eq!(world.suspense, -unneeded, "suspense");
    assert_eq!(world.clearing + world.payable + world.suspense, 0);
}

/// Whatever is open has a timer that drives it on.
fn timers(world: &World) {
    let set = |kind, subject| world.timers.contains(&(kind, subject));
    if world.payment.is_open() {
        assert!(set(TimerKind::Expiry, 0), "nothing ends the payment");
    }
    for operation in world
        .payment
        .operations
        .iter()
        .filter(|o| o.state.is_open())
    {
        let number = operation.number;
        let driver = if operation.state == OperationState::Created {
            TimerKind::Exchange
        } else {
            TimerKind::Enquiry
        };
        assert!(set(driver, number), "nothing drives operation {number}");
        if operation.kind.is_try() && !operation.period_over {
            assert!(set(TimerKind::ProcessingPeriod, number), "waits for ever");
        }
    }
}

/// Events of which the table does not speak.
fn beside_the_table(step: &Step<'_>) {
    let (before, after) = (&step.before.payment, &step.after.payment);
    let effects = &step.decision.effects;
    let nothing = effects.postings.is_empty() && effects.incidents.is_empty();
    let of_tries =
        |world: &World| -> Vec<OperationState> { world.payment.tries().map(|o| o.state).collect() };
    match step.act {
        Act::Begin => assert!(may_begin(step.before, step.after), "a try begins"),
        Act::Cancel => {
            assert_eq!(before.status(), PaymentStatus::AwaitingPayment);
            assert_eq!(after.status(), PaymentStatus::Cancelled);
            assert!(nothing);
        }
        Act::PeriodFires(_) | Act::ExpiryFires => {
            assert_eq!(
                of_tries(step.before),
                of_tries(step.after),
                "a timer never declines"
            );
            assert!(nothing);
            if step.ends_in_time() {
                assert_eq!(after.status(), PaymentStatus::Expired);
            } else if step.act == Act::ExpiryFires {
                assert_eq!(after.status(), before.status(), "its time is not over");
            }
        }
        Act::Answer(_, Said::Unknown) => {
            assert_eq!(after.status(), before.status(), "unknown is not declined");
            assert!(nothing && effects.events.is_empty());
        }
        Act::Answer(number, said) => {
            let operation = step.before.operation(number);
            let declined = |e: &&altyn_domain::Event| e.kind == EventKind::TryDeclined;
            let told = effects.events.iter().filter(declined).count();
            let fails = operation.kind.is_try() && operation.state.is_open() && said.is_failure();
            assert_eq!(told, usize::from(fails && before.is_open()), "told");
        }
        Act::TimePasses | Act::Capture | Act::Void | Act::Refund(_) | Act::Send(_) | Act::Look => {}
    }
}
