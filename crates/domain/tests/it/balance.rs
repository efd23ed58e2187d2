//! Surplus on a customer's balance, paying from the balance, and giving a surplus back.

use altyn_domain::{
    Account, AccountKind, Balance, Command, Currency, DeclineCode, EntryKind, EventKind,
    IncidentKind, Money, OnRefusal, OperationKind, OperationState, Outcome, PaymentStatus, Phase,
    RefundAbility, Refusal, Report, SurplusPolicy, TimerKind, Way, account_deltas, balance_deltas,
    replay_balances,
};

use crate::desk::{Desk, Setup, approval_of};

fn kzt(minor: i64) -> Money {
    Money::new(minor, Currency::KZT).expect("not negative")
}

fn stands(posted: i64, reserved: i64) -> Balance {
    Balance { posted, reserved }
}

/// What all accounts of one kind hold by their posted sums; credits count up.
fn owed(desk: &Desk, kind: AccountKind) -> i64 {
    let account = Account {
        project_id: desk.project.id,
        kind,
        currency: Currency::KZT,
    };
    let sums = account_deltas(&desk.postings);
    let sums = sums.get(&account).copied().unwrap_or_default();
    sums.posted_credit - sums.posted_debit
}

/// A purchase whose first try is late and paid to `share` from a balance of 60.00.
fn late_and_partly(share: i64) -> (Desk, u32) {
    let mut desk = Desk::open(&Setup::with_balance(6_000));
    let first = desk.begin_partly(share);
    desk.end_period(first);
    (desk, first)
}

/// A purchase of 100.00 whose second success stands on the customer's balance; its number.
fn credited() -> (Desk, u32) {
    let (mut desk, first) = late_and_partly(0);
    let second = desk.begin();
    desk.approve(first);
    desk.approve(second);
    (desk, second)
}

/// A purchase of 100.00 of which 40.00 were paid from a balance of 60.00.
fn paid_partly(refunds: RefundAbility) -> Desk {
    let mut desk = Desk::open(&Setup {
        refunds,
        ..Setup::with_balance(6_000)
    });
    let first = desk.begin_partly(4_000);
    desk.approve(first);
    desk
}

#[test]
fn a_surplus_stands_on_the_balance_once() {
    let (mut desk, second) = credited();
    assert!(desk.operation(second).credited);
    assert_eq!(desk.balance, stands(16_000, 0));
    assert_eq!(owed(&desk, AccountKind::CustomerBalance), 10_000);
    assert_eq!(owed(&desk, AccountKind::Suspense), 0);
    assert_eq!(desk.payment.operations.len(), 2, "nothing goes back");
    assert!(desk.incidents.is_empty());
    desk.approve(second);
    assert_eq!(desk.balance, stands(16_000, 0));
    assert_eq!(desk.told(), [EventKind::Captured]);
}

#[test]
fn a_surplus_of_a_payment_that_is_over_is_credited_with_an_incident() {
    let (mut desk, first) = late_and_partly(0);
    desk.fire(TimerKind::Expiry, 0);
    desk.approve(first);
    assert_eq!(desk.payment.status(), PaymentStatus::Expired);
    assert_eq!(desk.balance, stands(16_000, 0));
    assert_eq!(desk.incidents.len(), 1);
    assert_eq!(desk.incidents[0].kind, IncidentKind::Surplus);
}

#[test]
fn without_a_customer_or_balances_a_surplus_goes_back() {
    let nobody = Setup {
        customer: false,
        ..Setup::with_balance(0)
    };
    let keeps_none = Setup {
        balances: false,
        ..Setup::with_balance(0)
    };
    for (setup, stops) in [
        (nobody, false),
        (keeps_none, false),
        (Setup::with_balance(0), true),
    ] {
        let mut desk = Desk::open(&setup);
        let first = desk.begin();
        desk.end_period(first);
        let second = desk.begin();
        desk.approve(first);
        if stops {
            desk.project.settings.balances = false;
        }
        desk.approve(second);
        assert!(!desk.operation(second).credited);
        assert_eq!(desk.balance, stands(0, 0));
        assert_eq!(owed(&desk, AccountKind::Suspense), 10_000);
        assert_eq!(desk.operation(3).kind, OperationKind::Reversal);
    }
}

#[test]
fn a_surplus_hold_is_never_credited() {
    let mut desk = Desk::open(&Setup {
        way: Way::Hold,
        ..Setup::with_balance(0)
    });
    let first = desk.begin();
    desk.end_period(first);
    let second = desk.begin();
    desk.approve(first);
    desk.approve(second);
    assert!(!desk.operation(second).credited);
    assert_eq!(desk.operation(3).kind, OperationKind::Void);
    assert_eq!(desk.balance, stands(0, 0));
    let command = desk.return_command(second, None, None);
    assert_eq!(desk.refused(&command), Refusal::SubjectNotFound);
}

#[test]
fn a_part_is_reserved_with_the_try_and_paid_with_its_success() {
    let mut desk = Desk::open(&Setup::with_balance(6_000));
    let first = desk.begin_partly(4_000);
    assert_eq!(desk.balance, stands(6_000, 4_000));
    let operation = desk.operation(first);
    assert_eq!(operation.money(&desk.payment), kzt(6_000), "the gateway");
    desk.tell(first, approval_of(10_000, Currency::KZT));
    assert_eq!(desk.incidents[0].kind, IncidentKind::AmountMismatch);
    assert_eq!(desk.balance, stands(6_000, 4_000));
    desk.tell(first, approval_of(6_000, Currency::KZT));
    assert_eq!(desk.balance, stands(2_000, 0));
    assert_eq!(desk.payment.sums.captured, 10_000);
    assert_eq!(owed(&desk, AccountKind::MerchantPayable), 10_000);
    assert_eq!(owed(&desk, AccountKind::ConnectorClearing), -6_000);
    assert_eq!(desk.told(), [EventKind::Captured]);
}

#[test]
fn a_try_that_ends_otherwise_gives_its_part_up_once() {
    let ends = [
        Outcome::Declined(DeclineCode::General),
        Outcome::Voided,
        Outcome::NotFound,
        Outcome::NotSent,
    ];
    for end in ends {
        let mut desk = Desk::open(&Setup::with_balance(6_000));
        let first = desk.begin_partly(4_000);
        desk.tell(first, Report::bare(end.clone()));
        assert_eq!(desk.balance, stands(6_000, 0), "{end:?}");
        let postings = desk.postings.len();
        desk.tell(first, Report::bare(end.clone()));
        desk.approve(first);
        assert_eq!(desk.postings.len(), postings, "{end:?}");
        let second = desk.begin_partly(6_000);
        desk.approve(second);
        assert_eq!(desk.balance, stands(0, 0), "{end:?}");
    }
}

#[test]
fn a_try_refused_on_record_reserves_nothing() {
    let mut desk = Desk::open(&Setup::with_balance(6_000));
    desk.project.settings.methods[0].countries = vec!["IN".to_owned()];
    desk.project.settings.methods[0].holds = false;
    desk.project.settings.methods[0].ranges = vec![altyn_domain::AmountRange {
        currency: Currency::KZT,
        min: 7_000,
        max: 10_000,
    }];
    let Command::BeginTry(mut begin) = desk.begin_partly_command("card", 4_000) else {
        panic!("it begins");
    };
    begin.on_refusal = OnRefusal::Record;
    let number = desk.done(&Command::BeginTry(begin));
    // The range is about what the gateway is asked for.
    let code = desk.operation(number).decline;
    assert_eq!(code, Some(DeclineCode::AmountTooSmall));
    assert_eq!(desk.balance, stands(6_000, 0));
    assert!(desk.postings.is_empty());
}

#[test]
fn a_balance_is_not_promised_twice() {
    let (mut desk, first) = late_and_partly(4_000);
    let available = kzt(2_000);
    let above = desk.begin_partly_command("card", 2_001);
    assert_eq!(desk.refused(&above), Refusal::BalanceTooSmall { available });
    let second = desk.begin_partly(2_000);
    assert_eq!(desk.balance, stands(6_000, 6_000));
    desk.approve(second);
    assert_eq!(desk.balance, stands(4_000, 4_000));
    // The first was not needed: its part is given up, and what the gateway took is added.
    desk.approve(first);
    assert_eq!(desk.balance, stands(10_000, 0));
    assert_eq!(desk.payment.surplus_left(desk.operation(first)), 6_000);
}

#[test]
fn a_balance_pays_wholly_without_a_gateway() {
    let mut desk = Desk::open(&Setup::with_balance(10_000));
    desk.project.settings.methods.clear();
    let only = desk.begin_partly(10_000);
    let operation = desk.operation(only);
    assert_eq!(operation.state, OperationState::Succeeded);
    assert_eq!((operation.exchanges, operation.on_balance), (0, 10_000));
    assert_eq!(desk.payment.status(), PaymentStatus::Captured);
    assert_eq!(desk.told(), [EventKind::Captured]);
    assert_eq!(desk.events[0].payment, desk.payment);
    assert_eq!(desk.balance, stands(0, 0));
    assert_eq!(desk.timer(TimerKind::Expiry, 0), None);
    let again = desk.begin_partly_command("card", 10_000);
    assert_eq!(desk.refused(&again), Refusal::AlreadyPaid);

    desk.refunded_at_once(Some(3_000));
    desk.refunded_at_once(None);
    assert_eq!(desk.balance, stands(10_000, 0));
    assert_eq!(desk.payment.status(), PaymentStatus::Refunded);
    assert_eq!(owed(&desk, AccountKind::ConnectorClearing), 0);
}

#[test]
fn what_cannot_be_paid_from_a_balance() {
    let mut desk = Desk::open(&Setup::with_balance(20_000));
    for impossible in [-1, 10_001, i64::MAX, i64::MIN] {
        let begin = desk.begin_partly_command("card", impossible);
        assert_eq!(desk.refused(&begin), Refusal::AmountInvalid);
    }
    let available = kzt(0);
    desk.project.settings.balances = false;
    let begin = desk.begin_partly_command("card", 1);
    assert_eq!(desk.refused(&begin), Refusal::BalanceTooSmall { available });
    for (way, refusal) in [
        (
            Way::Hold,
            Refusal::MethodCannot(DeclineCode::OperationNotAllowed),
        ),
        (Way::Verify, Refusal::AmountInvalid),
    ] {
        let mut desk = Desk::open(&Setup {
            way,
            ..Setup::with_balance(20_000)
        });
        let begin = desk.begin_partly_command("card", 10_000);
        assert_eq!(desk.refused(&begin), refusal);
    }
    let mut nobody = Desk::open(&Setup {
        customer: false,
        ..Setup::with_balance(20_000)
    });
    let begin = nobody.begin_partly_command("card", 1);
    assert_eq!(
        nobody.refused(&begin),
        Refusal::BalanceTooSmall { available }
    );
}

#[test]
fn a_refund_goes_to_the_gateway_first_and_the_rest_to_the_balance() {
    let mut desk = paid_partly(RefundAbility::Partial);
    desk.refunded(Some(5_000));
    assert_eq!(desk.balance, stands(2_000, 0));
    let command = desk.refund_command(Some(3_000), None, None);
    let split = desk.done(&command);
    assert_eq!(desk.operation(split).on_balance, 2_000);
    assert_eq!(
        desk.operation(split).money(&desk.payment),
        kzt(1_000),
        "the gateway"
    );
    // While it is in flight nothing is left at the gateway.
    desk.refunded_at_once(Some(500));
    assert_eq!(desk.balance, stands(2_500, 0));
    desk.decline(split);
    assert_eq!(desk.balance, stands(2_500, 0), "a refused refund is none");
    assert_eq!(desk.payment.refundable_at_gateway(), 1_000);
    desk.refunded(None);
    assert_eq!(desk.balance, stands(6_000, 0));
    assert_eq!(desk.payment.status(), PaymentStatus::Refunded);
    assert_eq!(owed(&desk, AccountKind::MerchantPayable), 0);
    assert_eq!(owed(&desk, AccountKind::ConnectorClearing), 0);
    let open = replay_balances(&desk.postings).expect("it replays");
    assert!(open.values().all(|rest| *rest == 0));
}

#[test]
fn a_method_that_refunds_all_or_nothing_speaks_of_its_own_part() {
    let mut full = paid_partly(RefundAbility::Full);
    for part in [1, 5_999] {
        let command = full.refund_command(Some(part), None, None);
        let code = DeclineCode::PartialRefundImpossible;
        assert_eq!(full.refused(&command), Refusal::MethodCannot(code));
    }
    let command = full.refund_command(Some(7_000), None, None);
    let refund = full.done(&command);
    full.refunded_at_once(Some(1_000));
    full.decline(refund);
    full.refunded(Some(6_000));
    full.refunded_at_once(Some(2_000));
    full.refunded_at_once(None);
    assert_eq!(full.balance, stands(6_000, 0));

    let mut never = paid_partly(RefundAbility::Never);
    for part in [Some(1), Some(4_000), None] {
        let command = never.refund_command(part, None, None);
        let code = DeclineCode::RefundImpossible;
        assert_eq!(never.refused(&command), Refusal::MethodCannot(code));
    }
}

#[test]
fn a_refund_refused_on_record_moves_nothing_on_the_balance() {
    let mut desk = paid_partly(RefundAbility::Partial);
    let Command::Refund(mut refund) = desk.refund_command(Some(50_000), None, None) else {
        panic!("it refunds");
    };
    refund.on_refusal = OnRefusal::Record;
    let number = desk.done(&Command::Refund(refund));
    let operation = desk.operation(number);
    assert_eq!(operation.decline, Some(DeclineCode::RefundExceeds));
    assert_eq!(operation.on_balance, 0);
    assert_eq!(desk.balance, stands(2_000, 0));
}

/// No command makes a chargeback yet; its sum counts all the same.
#[test]
fn what_the_issuer_took_back_cannot_go_to_the_gateway_again() {
    let mut desk = paid_partly(RefundAbility::Partial);
    desk.payment.sums.charged_back = 5_000;
    assert_eq!(desk.payment.refundable_at_gateway(), 1_000);
    let command = desk.refund_command(None, None, None);
    let refund = desk.done(&command);
    assert_eq!(desk.operation(refund).amount, 5_000);
    assert_eq!(desk.operation(refund).on_balance, 4_000);
}

#[test]
fn a_method_without_refunds_does_not_keep_the_balances_part() {
    for refunds in [RefundAbility::Full, RefundAbility::Never] {
        let mut desk = paid_partly(refunds);
        desk.payment.sums.charged_back = 6_000;
        desk.refunded_at_once(Some(1_000));
        desk.refunded_at_once(None);
        assert_eq!(desk.balance, stands(6_000, 0), "{refunds:?}");
    }
}

#[test]
fn what_is_only_promised_to_a_balance_is_not_there() {
    let (desk, _) = credited();
    let credit = desk.postings.iter().find(|p| p.customer_id.is_some());
    let mut promise = credit.expect("the credit").clone();
    promise.phase = Phase::Pending;
    let (_, change) = balance_deltas([&promise])
        .pop_first()
        .map(|(_, change)| change)
        .expect("one customer");
    assert_eq!(change, stands(0, 0));
    let mut kept = promise.clone();
    (kept.phase, kept.settles) = (Phase::Posted, Some(promise.number));
    let changes = balance_deltas([&promise, &kept]);
    let (_, change) = changes.into_values().next().expect("one customer");
    assert_eq!(change, stands(10_000, 0));
}

#[test]
fn a_surplus_goes_back_from_the_balance_part_by_part_and_no_further() {
    let (mut desk, surplus) = credited();
    let command = desk.return_command(surplus, Some(4_000), None);
    let first = desk.done(&command);
    assert_eq!(desk.operation(first).kind, OperationKind::Refund);
    assert_eq!(desk.operation(first).parent, Some(surplus));
    assert_eq!(desk.balance, stands(16_000, 4_000));
    let above = desk.return_command(surplus, Some(6_001), None);
    let (asked, available) = (kzt(6_001), kzt(6_000));
    assert_eq!(desk.refused(&above), Refusal::Exceeds { asked, available });
    desk.approve(first);
    desk.approve(first);
    assert_eq!(desk.balance, stands(12_000, 0));
    let command = desk.return_command(surplus, None, None);
    let second = desk.done(&command);
    let (asked, available) = (kzt(10_000), kzt(0));
    for amount in [None, Some(10_000)] {
        let again = desk.return_command(surplus, amount, None);
        assert_eq!(desk.refused(&again), Refusal::Exceeds { asked, available });
    }
    desk.approve(second);
    assert_eq!(desk.balance, stands(6_000, 0));
    assert_eq!(owed(&desk, AccountKind::ConnectorClearing), -10_000);
    assert_eq!(desk.payment.sums.refunded, 0);
    assert_eq!(desk.payment.status(), PaymentStatus::Captured);
    assert_eq!(desk.told(), [EventKind::Captured], "one payment");
    for zero in [0, -1] {
        let command = desk.return_command(surplus, Some(zero), None);
        assert_eq!(desk.refused(&command), Refusal::AmountInvalid);
    }
}

#[test]
fn a_refused_return_is_on_the_balance_again_and_a_person_looks() {
    let (mut desk, surplus) = credited();
    let command = desk.return_command(surplus, None, None);
    let back = desk.done(&command);
    desk.decline(back);
    assert_eq!(desk.balance, stands(16_000, 0));
    assert_eq!(desk.incidents[0].kind, IncidentKind::SurplusStuck);
    assert_eq!(
        desk.payment.surplus_left(desk.operation(surplus)),
        10_000,
        "all of it again"
    );
    let command = desk.return_command(surplus, None, None);
    let back = desk.done(&command);
    desk.approve(back);
    assert_eq!(desk.balance, stands(6_000, 0));
}

#[test]
fn what_was_spent_cannot_go_back() {
    let (mut desk, surplus) = credited();
    desk.balance.posted = 3_000;
    let available = kzt(3_000);
    let command = desk.return_command(surplus, Some(3_001), None);
    let refusal = desk.refused(&command);
    assert_eq!(refusal, Refusal::BalanceTooSmall { available });
    let command = desk.return_command(surplus, Some(3_000), None);
    desk.done(&command);
    assert_eq!(desk.balance, stands(3_000, 3_000));
}

#[test]
fn where_a_surplus_stands_is_remembered_when_settings_change() {
    let (mut desk, surplus) = credited();
    desk.project.settings.surplus = SurplusPolicy::Return;
    desk.project.settings.balances = false;
    let command = desk.return_command(surplus, None, None);
    let back = desk.done(&command);
    desk.approve(back);
    assert_eq!(desk.balance, stands(6_000, 0));

    let mut desk = Desk::open(&Setup {
        surplus: SurplusPolicy::Manual,
        ..Setup::with_balance(6_000)
    });
    let first = desk.begin();
    desk.end_period(first);
    let second = desk.begin();
    desk.approve(first);
    desk.approve(second);
    desk.project.settings.surplus = SurplusPolicy::Balance;
    let command = desk.return_command(second, None, None);
    let back = desk.done(&command);
    assert_eq!(owed(&desk, AccountKind::Suspense), 10_000);
    desk.approve(back);
    assert_eq!(owed(&desk, AccountKind::Suspense), 0);
    assert_eq!(desk.balance, stands(6_000, 0));
}

#[test]
fn a_stuck_return_by_rule_can_be_made_by_a_person() {
    let mut desk = Desk::of(Way::Purchase);
    let first = desk.begin();
    desk.end_period(first);
    let second = desk.begin();
    desk.approve(first);
    desk.approve(second);
    let early = desk.return_command(second, None, None);
    assert!(matches!(desk.refused(&early), Refusal::Exceeds { .. }));
    let send = desk.send_command(3, None);
    desk.done(&send);
    desk.decline(3);
    let command = desk.return_command(second, None, None);
    let back = desk.done(&command);
    desk.approve(back);
    assert_eq!(owed(&desk, AccountKind::Suspense), 0);
    assert_eq!(owed(&desk, AccountKind::ConnectorClearing), -10_000);
}

#[test]
fn a_return_is_named_by_its_own_key() {
    let (mut desk, surplus) = credited();
    let command = desk.return_command(surplus, Some(1_000), Some("r-1"));
    let back = desk.done(&command);
    for amount in [Some(1_000), None, Some(9_999)] {
        let again = desk.return_command(surplus, amount, Some("r-1"));
        let decision = desk.run(&again).expect("it is answered");
        assert!(decision.repeated && decision.operation == Some(back));
        assert_eq!(decision.effects, altyn_domain::Effects::default());
    }
    // The merchant's refund of the same number is another thing.
    let refund = desk.refund_command(Some(2_000), Some("r-1"), None);
    let refund = desk.done(&refund);
    assert_ne!(refund, back);
    assert!(!desk.operation(refund).surplus);
}

#[test]
fn a_method_that_makes_no_such_refund_returns_no_surplus() {
    for (refunds, amount, code) in [
        (
            RefundAbility::Full,
            Some(1),
            DeclineCode::PartialRefundImpossible,
        ),
        (RefundAbility::Never, Some(1), DeclineCode::RefundImpossible),
        (RefundAbility::Never, None, DeclineCode::RefundImpossible),
    ] {
        let (mut desk, surplus) = credited();
        desk.project.settings.methods[0].refunds = refunds;
        let command = desk.return_command(surplus, amount, None);
        assert_eq!(desk.refused(&command), Refusal::MethodCannot(code));
    }
    let (mut desk, surplus) = credited();
    desk.project.settings.methods[0].refunds = RefundAbility::Full;
    let command = desk.return_command(surplus, None, None);
    desk.done(&command);
}

#[test]
fn only_a_surplus_can_be_returned_and_only_by_its_own_project() {
    let (mut desk, surplus) = credited();
    let winner = desk.payment.completed_by.expect("it is paid");
    for number in [0, winner, 77] {
        let command = desk.return_command(number, None, None);
        assert_eq!(desk.refused(&command), Refusal::SubjectNotFound);
    }
    let command = desk.return_command(surplus, None, None);
    let refusal = desk.run_as_stranger(&command).err();
    assert_eq!(refusal, Some(Refusal::PaymentNotFound));
}

#[test]
fn a_movement_of_a_balance_names_its_customer_and_nothing_else_does() {
    let (desk, _) = credited();
    let mut journal = desk.postings.clone();
    assert!(replay_balances(&journal).is_ok());
    let credit = journal
        .iter()
        .position(|p| p.entry == EntryKind::Surplus && p.phase == Phase::Posted)
        .expect("it was credited");
    let whose = journal[credit].customer_id.take();
    assert!(replay_balances(&journal).is_err());
    journal[credit].customer_id = whose;
    let other = journal.iter().position(|p| p.customer_id.is_none());
    journal[other.expect("the sale")].customer_id = whose;
    assert!(replay_balances(&journal).is_err());
}
