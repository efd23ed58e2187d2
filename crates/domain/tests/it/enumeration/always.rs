//! What holds after every step, whichever rows fit it.

use altyn_domain::{
    EntryKind, EventKind, IncidentKind, Initiator, Operation, OperationKind, OperationState,
    PaymentStatus, Phase, TimerKind, Way,
};

use super::rules::Step;
use super::world::{Act, Case, Said, World};

pub fn check(step: &Step<'_>) {
    the_one_rule_of_failures(step.after);
    one_effect_for_each_try(step.after);
    sums(step.after);
    balance(step.after);
    timers(step.after);
    beside_the_table(step);
}

/// Only merchants and payers who ask for something that is not possible are refused.
pub fn may_be_refused(case: &Case, before: &World, after: &World, act: Act) {
    let status = before.payment.status();
    match act {
        Act::Begin => assert!(!may_begin(case, before, after), "a try is refused"),
        Act::GiveBack(surplus, amount) => {
            assert!(!may_go_back(before, surplus, amount), "a return is refused");
        }
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

/// While a payment waits, has tries left, its time is not over and the balance reaches, a try may begin, and
/// never else.
fn may_begin(case: &Case, before: &World, after: &World) -> bool {
    before.payment.status() == PaymentStatus::AwaitingPayment
        && before.payment.tries_left() > 0
        && !after.is_late()
        && before.share(case) <= before.balance.posted - before.balance.reserved
}

/// What of a surplus has not gone back and is not on its way may go back, if it still stands where it stood.
fn may_go_back(before: &World, surplus: u32, amount: Option<i64>) -> bool {
    let surplus = before.operation(surplus);
    let gone = |o: &&Operation| {
        let returns = matches!(o.kind, OperationKind::Reversal | OperationKind::Refund);
        let counts = o.state.is_open() || o.state == OperationState::Succeeded;
        o.surplus && returns && o.parent == Some(surplus.number) && counts
    };
    let gone = before.payment.operations.iter().filter(gone);
    let left = surplus.amount - surplus.on_balance - gone.map(|o| o.amount).sum::<i64>();
    let asked = amount.unwrap_or(left);
    let free = before.balance.posted - before.balance.reserved;
    (1..=left).contains(&asked) && (!surplus.credited || asked <= free)
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
        // What the balance pays of it is reserved in the beginning, and posted or released in the end.
        let share = u8::from(operation.on_balance > 0);
        let expected = match (operation.kind, operation.surplus) {
            (OperationKind::Auth, false) if succeeded => [1, 0, 0],
            (OperationKind::Sale, false) if succeeded => [share, 1 + share, 0],
            (OperationKind::Sale, true) => [share, 1, share],
            _ if operation.state.is_open() => [share, 0, 0],
            _ => [share, 0, share],
        };
        let number = operation.number;
        let counted = [*pending, *posted, *released];
        assert_eq!(counted, expected, "reserved, booked, released by {number}");
        let back = |o: &&Operation| {
            let by_itself = o.initiator == Initiator::Rule;
            o.surplus && o.parent == Some(number) && by_itself
        };
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
    assert_eq!(world.suspense, -unneeded(world, false), "suspense");
    let all = world.clearing + world.payable + world.suspense + world.credited;
    assert_eq!(all, 0);
}

/// What came that nobody needed, less what went back of it: on the balance or in suspense.
fn unneeded(world: &World, credited: bool) -> i64 {
    let done = |o: &&Operation| {
        o.surplus && o.state == OperationState::Succeeded && o.credited == credited
    };
    let operations = world.payment.operations.iter().filter(done);
    operations
        .map(|o| match o.kind {
            OperationKind::Sale => o.amount - o.on_balance,
            OperationKind::Reversal | OperationKind::Refund => -o.amount,
            _ => 0,
        })
        .sum()
}

/// The balance is what came there less what was spent and given back; what is under way is reserved.
fn balance(world: &World) {
    let payment = &world.payment;
    let posted = world.balance.posted;
    assert_eq!(world.began_with - posted, world.credited, "its account");
    let own = |kind: OperationKind| -> i64 {
        let done =
            |o: &&Operation| o.kind == kind && !o.surplus && o.state == OperationState::Succeeded;
        let operations = payment.operations.iter().filter(done);
        operations.map(|o| o.on_balance).sum()
    };
    let paid = own(OperationKind::Sale) - own(OperationKind::Refund);
    let expected = world.began_with + unneeded(world, true) - paid;
    assert_eq!(posted, expected, "on the balance");
    let open = payment.operations.iter().filter(|o| o.state.is_open());
    let reserved: i64 = open
        .map(|o| match o.kind {
            OperationKind::Sale => o.on_balance,
            OperationKind::Refund if o.credited => o.amount,
            _ => 0,
        })
        .sum();
    assert_eq!(world.balance.reserved, reserved, "reserved");
    assert!(0 <= reserved && reserved <= posted, "spent twice");
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
        Act::Begin => {
            let may = may_begin(step.case, step.before, step.after);
            assert!(may, "a try begins");
        }
        Act::GiveBack(surplus, amount) => {
            let may = may_go_back(step.before, surplus, amount);
            assert!(may && effects.incidents.is_empty(), "a surplus goes back");
            assert_eq!(before.status(), after.status(), "whatever the payment is");
        }
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
            if operation.surplus && !operation.kind.is_try() && operation.state.is_open() {
                return_ends(operation, said, step);
            }
        }
        Act::TimePasses | Act::Capture | Act::Void | Act::Refund(_) | Act::Send(_) | Act::Look => {}
    }
}

/// The return of a surplus ends without a word to the merchant; a person hears that it was refused.
fn return_ends(operation: &Operation, said: Said, step: &Step<'_>) {
    let effects = &step.decision.effects;
    let phase = match said {
        Said::Yes => Phase::Posted,
        _ => Phase::Released,
    };
    let moved: Vec<_> = effects
        .postings
        .iter()
        .map(|p| (p.entry, p.phase))
        .collect();
    let is_money = operation.kind != OperationKind::Void;
    let expected = is_money.then_some((EntryKind::SurplusReturn, phase));
    assert_eq!(moved, Vec::from_iter(expected), "the end of a return");
    let incidents: Vec<_> = effects.incidents.iter().map(|i| i.kind).collect();
    let stuck = (said != Said::Yes).then_some(IncidentKind::SurplusStuck);
    assert_eq!(incidents, Vec::from_iter(stuck));
    assert!(effects.events.is_empty(), "merchants hear of one payment");
}
