//! What must be true after every step: the invariants of the ledger, of the rows and of the timers,
//! and that the crate and the reference model agree.

use std::collections::BTreeMap;

use altyn_domain::{
    Account, AccountDelta, AccountKind, Balance, Currency, EntryKind, IncidentKind, Initiator,
    Operation, OperationKind, OperationState, Phase, Posting, TimerKind, Way, account_deltas,
    balance_deltas, replay_balances,
};

use crate::book::{Book, Kind, Line, State};
use crate::desk::Desk;

/// All of them.
pub fn check(desk: &Desk, book: &Book) {
    same_story(desk, book);
    ledger(desk, book);
    balance(desk, book);
    each_success_has_one_effect(desk);
    ceilings(desk);
    numbers(desk);
    callbacks(desk);
    liveness(desk);
    no_timer_outlives_its_use(desk);
}

/// The model and the payment tell the same story.
fn same_story(desk: &Desk, book: &Book) {
    let payment = &desk.payment;
    assert_eq!(payment.status(), book.status());
    assert_eq!(payment.completed_by, book.winner);
    let s = payment.sums;
    let sums = (s.held, s.captured, s.voided, s.refunded);
    let expected = (book.held, book.captured, book.voided, book.refunded);
    assert_eq!(sums, expected, "held, captured, voided, refunded");
    assert_eq!((s.reversed, s.charged_back), (0, 0));
    // Two nodes' clocks may date an end and a failure the wrong way round; then either text may be shown.
    let misdated = |(o, line): (&Operation, &Line)| match (payment.end, o.finished_at) {
        (Some(end), Some(finished_at)) => line.late != (finished_at > end.at),
        (None, _) | (_, None) => false,
    };
    if !payment.operations.iter().zip(&book.lines).any(misdated) {
        assert_eq!(
            payment.visible_decline().is_some(),
            book.shows_a_failure(),
            "the failure that the payer sees"
        );
    }
    assert_eq!(payment.operations.len(), book.lines.len(), "operations");
    for (operation, line) in payment.operations.iter().zip(&book.lines) {
        same_operation(operation, line, book.way);
    }
}

fn same_operation(operation: &Operation, line: &Line, way: Way) {
    let number = operation.number;
    let kind = match (line.kind, way) {
        (Kind::Try, Way::Purchase) => OperationKind::Sale,
        (Kind::Try, Way::Hold) => OperationKind::Auth,
        (Kind::Try, Way::Verify) => OperationKind::Verify,
        (Kind::Capture, _) => OperationKind::Capture,
        (Kind::Void, _) | (Kind::Return, Way::Hold) => OperationKind::Void,
        (Kind::Refund | Kind::GiveBack, _) => OperationKind::Refund,
        (Kind::Return, Way::Purchase | Way::Verify) => OperationKind::Reversal,
    };
    let state = match line.state {
        State::Created => OperationState::Created,
        State::Sent => OperationState::Sent,
        State::Pending => OperationState::Pending,
        State::Yes => OperationState::Succeeded,
        State::No => OperationState::Declined,
        State::Undone => OperationState::Voided,
    };
    assert_eq!(
        (operation.kind, operation.state),
        (kind, state),
        "operation {number}"
    );
    assert_eq!(operation.amount, line.amount, "amount of {number}");
    assert_eq!(operation.on_balance, line.share, "balance of {number}");
    assert_eq!(
        (operation.surplus, operation.credited),
        (line.surplus, line.credited),
        "surplus of {number}"
    );
    if line.returns() {
        assert_eq!(operation.parent, line.of, "what {number} gives back");
    }
    assert_eq!(operation.period_over, line.over, "period of {number}");
    assert_eq!(
        operation.action.is_some(),
        line.step.is_some(),
        "the payer's step of {number}"
    );
    assert_eq!(
        operation.finished_at.is_none(),
        line.open(),
        "end of {number}"
    );
}

/// Posted and pending sums of an account, counted from the postings by hand.
fn count(postings: &[Posting], kind: AccountKind) -> AccountDelta {
    let mut sum = AccountDelta::default();
    for posting in postings {
        let (posted, pending) = match posting.phase {
            Phase::Pending => (0, posting.amount),
            Phase::Posted if posting.settles.is_none() => (posting.amount, 0),
            Phase::Posted => (posting.amount, -posting.amount),
            Phase::Released => (0, -posting.amount),
        };
        if posting.debit == kind {
            sum.posted_debit += posted;
            sum.pending_debit += pending;
        }
        if posting.credit == kind {
            sum.posted_credit += posted;
            sum.pending_credit += pending;
        }
    }
    sum
}

/// I1 and I2: the journal is balanced, and every account stands where the model says.
fn ledger(desk: &Desk, book: &Book) {
    let open = replay_balances(&desk.postings).expect("the journal replays");
    let project_id = desk.project.id;
    let deltas = account_deltas(&desk.postings);
    let mut posted = 0;
    for kind in [
        AccountKind::ConnectorClearing,
        AccountKind::MerchantPayable,
        AccountKind::Suspense,
        AccountKind::CustomerBalance,
    ] {
        let currency = Currency::KZT;
        let account = Account {
            project_id,
            kind,
            currency,
        };
        let counted = count(&desk.postings, kind);
        assert_eq!(
            deltas.get(&account).copied().unwrap_or_default(),
            counted,
            "{kind:?}"
        );
        let balance = counted.posted_debit - counted.posted_credit;
        posted += balance;
        let expected = match kind {
            AccountKind::ConnectorClearing => book.at_gateway,
            AccountKind::MerchantPayable => book.refunded - book.captured,
            AccountKind::Suspense => -book.suspense,
            AccountKind::CustomerBalance => book.elsewhere - book.balance,
        };
        assert_eq!(balance, expected, "posted on {kind:?}");
    }
    assert_eq!(posted, 0, "the accounts of a project sum to zero");
    assert!(
        deltas.len() <= 4,
        "postings in a foreign currency or project"
    );
    pending(desk, book, &open);
    let came = book
        .lines
        .iter()
        .filter(|l| l.kind == Kind::Try && l.surplus && !l.credited);
    let left = book
        .lines
        .iter()
        .filter(|l| l.returns() && l.state == State::Yes && !l.credited);
    if book.way == Way::Purchase {
        let came: i64 = came.map(Line::at_gateway).sum();
        let left: i64 = left.map(|l| l.amount).sum();
        assert_eq!(book.suspense, came - left, "suspense");
    }
}

/// The customer's balance is what the model says, is a part of the project's account, and is never spent
/// twice; and what can still go back is known.
fn balance(desk: &Desk, book: &Book) {
    let Balance { posted, reserved } = desk.balance;
    assert_eq!((posted, reserved), (book.balance, book.reserved), "balance");
    assert!(0 <= reserved && reserved <= posted, "spent twice");
    let mut parts = balance_deltas(&desk.postings).into_values();
    let (_, part) = parts
        .next()
        .unwrap_or((desk.project.id, Balance::default()));
    assert_eq!(parts.next(), None, "one customer, one currency");
    let counted = count(&desk.postings, AccountKind::CustomerBalance);
    let of_account = (
        counted.posted_credit - counted.posted_debit,
        counted.pending_debit,
    );
    assert_eq!((part.posted, part.reserved), of_account, "its account");
    assert_eq!(
        counted.pending_credit, 0,
        "nothing is promised to a balance"
    );
    let payment = &desk.payment;
    let (_, at_gateway) = book.of_gateway();
    assert_eq!(
        payment.refundable_at_gateway(),
        at_gateway,
        "at the gateway"
    );
    for operation in payment.tries().filter(|o| o.surplus) {
        let number = operation.number;
        let left = payment.surplus_left(operation);
        if book.way == Way::Purchase {
            assert_eq!(left, book.left_of(number), "left of surplus {number}");
        }
    }
    for operation in payment.tries().filter(|o| o.on_balance > 0) {
        reservation_ends_once(desk, operation);
    }
}

/// What a try has reserved on the balance is reserved once, and posted or released once, wholly, when it ends.
fn reservation_ends_once(desk: &Desk, operation: &Operation) {
    let own =
        |p: &&Posting| p.operation == operation.number && p.debit == AccountKind::CustomerBalance;
    let own: Vec<_> = desk
        .postings
        .iter()
        .filter(own)
        .map(|p| (p.phase, p.settles, p.amount))
        .collect();
    let (share, reserve) = (operation.on_balance, operation.reserve);
    let end = match operation.state {
        _ if is_open(operation) => None,
        OperationState::Succeeded if !operation.surplus => Some(Phase::Posted),
        _ => Some(Phase::Released),
    };
    let mut expected = vec![(Phase::Pending, None, share)];
    expected.extend(end.map(|phase| (phase, reserve, share)));
    // What the balance pays wholly is never reserved.
    if share == operation.amount {
        expected = vec![(Phase::Posted, None, share)];
    }
    assert_eq!(own, expected, "reservation of {}", operation.number);
}

/// What is still reserved is exactly what is still expected.
fn pending(desk: &Desk, book: &Book, open: &BTreeMap<u32, i64>) {
    let left = |entry: EntryKind| -> i64 {
        desk.postings
            .iter()
            .filter(|p| p.entry == entry && p.phase == Phase::Pending)
            .map(|p| open[&p.number])
            .sum()
    };
    let on_hold = if book.way == Way::Hold {
        book.rest()
    } else {
        0
    };
    assert_eq!(left(EntryKind::Hold), on_hold, "pending on the hold");
    let reserved: i64 = open.values().sum();
    assert_eq!(desk.payment.reserved(), reserved, "reserved in all");
    let tries = book
        .lines
        .iter()
        .filter(|l| l.kind == Kind::Try && l.open());
    let promised: i64 = tries.map(|l| l.share).sum();
    assert_eq!(left(EntryKind::Sale), promised, "pending on the balance");
    let refunds = book.lines.iter().filter(|l| l.kind == Kind::Refund);
    let going_back: i64 = refunds.filter(|l| l.open()).map(Line::at_gateway).sum();
    assert_eq!(left(EntryKind::Refund), going_back, "pending refunds");
    let returning: i64 = book
        .lines
        .iter()
        .filter(|l| l.returns() && l.open() && book.way == Way::Purchase)
        .map(|l| l.amount)
        .sum();
    assert_eq!(
        left(EntryKind::SurplusReturn),
        returning,
        "pending surplus returns"
    );
}

/// I4: a success has its one effect in the ledger, anything else has none.
fn each_success_has_one_effect(desk: &Desk) {
    for operation in &desk.payment.operations {
        let own: Vec<_> = desk
            .postings
            .iter()
            .filter(|p| p.operation == operation.number)
            .collect();
        let posted: i64 = own
            .iter()
            .filter(|p| p.phase == Phase::Posted)
            .map(|p| p.amount)
            .sum();
        let moves = matches!(
            operation.kind,
            OperationKind::Sale
                | OperationKind::Capture
                | OperationKind::Refund
                | OperationKind::Reversal
        );
        let succeeded = operation.state == OperationState::Succeeded;
        // The part of a surplus try that the balance was to pay stays there.
        let share = if operation.kind == OperationKind::Sale && operation.surplus {
            0
        } else {
            operation.on_balance
        };
        let parts = [operation.amount - operation.on_balance, share];
        let parts = if moves && succeeded { parts } else { [0, 0] };
        let number = operation.number;
        assert_eq!(posted, parts[0] + parts[1], "posted by operation {number}");
        let count = own.iter().filter(|p| p.phase == Phase::Posted).count();
        let expected = parts.iter().filter(|part| **part > 0).count();
        assert_eq!(count, expected, "postings of {number}");
    }
}

/// I3, and that at most one try completes the payment.
fn ceilings(desk: &Desk) {
    let s = desk.payment.sums;
    assert!(s.captured + s.voided <= s.held && s.held <= desk.payment.amount.minor());
    assert!(s.refunded + s.reversed + s.charged_back <= s.captured);
    let winners = desk.payment.operations.iter().filter(|o| {
        let is_try = matches!(
            o.kind,
            OperationKind::Sale | OperationKind::Auth | OperationKind::Verify
        );
        is_try && o.state == OperationState::Succeeded && !o.surplus
    });
    assert!(winners.count() <= 1, "two tries completed the payment");
    desk.payment.assert_invariants();
}

/// Rows of each kind are numbered from 1 without gaps, and the counters know how many there are.
fn numbers(desk: &Desk) {
    fn gapless(what: &str, counter: u32, numbers: impl Iterator<Item = u32>) {
        let numbers: Vec<u32> = numbers.collect();
        assert_eq!(numbers, (1..=counter).collect::<Vec<_>>(), "{what}");
    }
    let counters = desk.payment.counters;
    gapless(
        "postings",
        counters.postings,
        desk.postings.iter().map(|p| p.number),
    );
    gapless(
        "events",
        counters.events,
        desk.events.iter().map(|e| e.number),
    );
    gapless(
        "deliveries",
        counters.deliveries,
        desk.deliveries.keys().copied(),
    );
    gapless(
        "incidents",
        counters.incidents,
        desk.incidents.iter().map(|i| i.number),
    );
}

/// I7: a callback for every event that an endpoint wants, and for nothing else.
fn callbacks(desk: &Desk) {
    let settings = &desk.project.settings;
    let own = desk.payment.order.callback_url.as_deref();
    let mut expected = Vec::new();
    for event in &desk.events {
        let mut receivers: Vec<_> = settings.endpoints.iter().map(|e| (e, &*e.url)).collect();
        if let (Some(template), Some(url)) = (&settings.dynamic_endpoint, own) {
            receivers = vec![(template, url)];
        }
        for (endpoint, url) in receivers {
            if endpoint.events.is_empty() || endpoint.events.contains(&event.kind) {
                expected.push((event.number, endpoint.id.as_str(), url));
            }
        }
    }
    let made: Vec<_> = desk
        .deliveries
        .values()
        .map(|d| (d.event, d.endpoint.as_str(), d.url.as_str()))
        .collect();
    assert_eq!(made, expected, "deliveries");
    for number in desk.deliveries.keys() {
        assert!(
            desk.timer(TimerKind::Callback, *number).is_some(),
            "delivery {number} has no timer"
        );
    }
}

/// Whatever is open is driven by a timer or lies before a person.
fn liveness(desk: &Desk) {
    for operation in desk.payment.operations.iter().filter(|o| is_open(o)) {
        let number = operation.number;
        let driver = if operation.state == OperationState::Created {
            TimerKind::Exchange
        } else {
            TimerKind::Enquiry
        };
        let with_a_person = desk
            .incidents
            .iter()
            .any(|i| i.operation == Some(number) && !desk.resolved.contains(&i.number));
        assert!(
            desk.timer(driver, number).is_some() || with_a_person,
            "nobody drives operation {number}"
        );
        let period_ms = desk.project.settings.methods[0].processing_period_ms;
        if is_try(operation) && !operation.period_over {
            let timer = desk.timer(TimerKind::ProcessingPeriod, number);
            assert_eq!(timer.is_some(), period_ms > 0, "the period of {number}");
        }
    }
    if desk.payment.completed_by.is_none() && desk.payment.end.is_none() {
        assert!(
            desk.timer(TimerKind::Expiry, 0).is_some(),
            "nothing ends the payment"
        );
    }
    automatic_steps_are_not_forgotten(desk);
}

/// A hold whose time to be captured or voided is set has its timer, or the step was begun.
fn automatic_steps_are_not_forgotten(desk: &Desk) {
    let payment = &desk.payment;
    let rest = payment.sums.held - payment.sums.captured - payment.sums.voided;
    if payment.way != Way::Hold || rest == 0 {
        return;
    }
    for (at, kind, timer) in [
        (
            payment.auto_capture_at,
            OperationKind::Capture,
            TimerKind::AutoCapture,
        ),
        (
            payment.auto_void_at,
            OperationKind::Void,
            TimerKind::AutoVoid,
        ),
    ] {
        let begun = payment
            .operations
            .iter()
            .any(|o| o.kind == kind && o.initiator == Initiator::Timer);
        let set = desk.timer(timer, 0).is_some();
        assert!(at.is_none() || set || begun, "{timer:?} is forgotten");
    }
    let refused = |o: &&Operation| {
        o.initiator == Initiator::Timer
            && matches!(o.state, OperationState::Declined | OperationState::Voided)
    };
    let incidents = desk
        .incidents
        .iter()
        .filter(|i| i.kind == IncidentKind::AutomaticRefused);
    assert_eq!(
        payment.operations.iter().filter(refused).count(),
        incidents.count()
    );
}

/// What has ended leaves no timer that would wake for nothing.
fn no_timer_outlives_its_use(desk: &Desk) {
    let payment = &desk.payment;
    for key in desk.timers.keys() {
        let useful = match key.kind {
            TimerKind::Exchange | TimerKind::Enquiry | TimerKind::ProcessingPeriod => {
                payment.operations.iter().any(|o| {
                    let created = o.state == OperationState::Created;
                    let fits = (key.kind == TimerKind::Exchange) == created
                        || key.kind == TimerKind::ProcessingPeriod;
                    o.number == key.subject && is_open(o) && fits
                })
            }
            TimerKind::Expiry => payment.completed_by.is_none() && payment.end.is_none(),
            TimerKind::AutoCapture | TimerKind::AutoVoid => {
                payment.sums.held > payment.sums.captured + payment.sums.voided
            }
            TimerKind::Callback => desk.deliveries.contains_key(&key.subject),
        };
        assert!(useful, "{:?} of {} is of no use", key.kind, key.subject);
    }
}

fn is_open(operation: &Operation) -> bool {
    matches!(
        operation.state,
        OperationState::Created | OperationState::Sent | OperationState::Pending
    )
}

fn is_try(operation: &Operation) -> bool {
    matches!(
        operation.kind,
        OperationKind::Sale | OperationKind::Auth | OperationKind::Verify
    )
}
