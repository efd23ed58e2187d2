//! Tries to pay: beginning one, and what its end means for the payment (life-cycle rows 1 to 22).

use crate::context::Movement;
use crate::decide::{Step, end};
use crate::{
    AccountKind, BeginTry, Context, DeclineCode, Effects, EndReason, EntryKind, EventKind, Facts,
    IncidentKind, Initiator, OnRefusal, Operation, OperationKind, OperationState, Payment,
    PaymentStatus, Phase, Refusal, SurplusPolicy, TimerKind, Timestamp, Way, report,
};

pub(crate) fn begin(
    command: &BeginTry,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) -> Result<Step, Refusal> {
    if payment.completed_by.is_some() {
        return Err(Refusal::AlreadyPaid);
    }
    if payment.end.is_some() {
        return Err(Refusal::WrongStatus(payment.status()));
    }
    if payment.try_in_flight().is_some() {
        return Err(Refusal::InProgress);
    }
    if ctx.now >= payment.expires_at {
        return Err(Refusal::Expired);
    }
    if payment.tries_left() == 0 {
        return Err(Refusal::TriesExhausted);
    }
    let on_balance = from_balance(command, payment, ctx)?;
    if on_balance > 0 && on_balance == payment.amount.minor() {
        return Ok(Step::Done(Some(pay_from_balance(
            command, payment, ctx, fx,
        ))));
    }
    let method = ctx
        .project
        .method(&command.method)
        .filter(|method| method.active)
        .ok_or(Refusal::MethodUnavailable)?;
    let (customer, hold) = (&payment.order.customer, payment.way == Way::Hold);
    let asked = payment.money(payment.amount.minor() - on_balance);
    let refused = method.check(asked, customer, hold);
    if let (Err(code), OnRefusal::Answer) = (refused, command.on_refusal) {
        return Err(Refusal::MethodCannot(code));
    }
    let mut operation = new_operation(
        payment,
        payment.way.try_kind(),
        payment.amount.minor(),
        ctx.now,
    );
    operation.id = command.operation_id;
    operation.method.clone_from(&command.method);
    operation.card.clone_from(&command.card);
    operation.initiator = command.initiator;
    operation.on_balance = on_balance;
    let number = operation.number;
    if let Err(code) = refused {
        operation.state = OperationState::Declined;
        operation.finished_at = Some(ctx.now);
        payment.operations.push(operation.clone());
        failed(&mut operation, code, payment, ctx, fx);
        report::put(payment, operation);
        return Ok(Step::Done(Some(number)));
    }
    if method.processing_period_ms > 0 {
        let period_end = ctx.now.plus_millis(method.processing_period_ms);
        let timer = (TimerKind::ProcessingPeriod, number);
        fx.set_timer(payment, timer, period_end, 0);
    }
    let reserve = of_balance(&operation, Phase::Pending);
    operation.reserve = fx.post(payment, &operation, reserve, ctx.now);
    mark_sent(&mut operation, payment, ctx, fx);
    payment.operations.push(operation);
    Ok(Step::Done(Some(number)))
}

/// The part of a try that the customer's balance is to pay, if it can.
fn from_balance(command: &BeginTry, payment: &Payment, ctx: &Context<'_>) -> Result<i64, Refusal> {
    let wanted = command.from_balance;
    if wanted == 0 {
        return Ok(0);
    }
    if wanted < 0 || wanted > payment.amount.minor() {
        return Err(Refusal::AmountInvalid);
    }
    // A balance is paid with at once; there is nobody to hold it for.
    if payment.way != Way::Purchase {
        return Err(Refusal::MethodCannot(DeclineCode::OperationNotAllowed));
    }
    let available = if ctx.project.keeps_balance_of(payment) {
        ctx.balance.available()
    } else {
        0
    };
    if wanted > available {
        let available = payment.money(available);
        return Err(Refusal::BalanceTooSmall { available });
    }
    Ok(wanted)
}

/// The method of a try that needs no gateway.
pub const BALANCE_METHOD: &str = "balance";

/// A try that the balance pays wholly succeeds in the commit in which it begins.
fn pay_from_balance(
    command: &BeginTry,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) -> u32 {
    let mut operation = new_operation(
        payment,
        payment.way.try_kind(),
        payment.amount.minor(),
        ctx.now,
    );
    operation.id = command.operation_id;
    BALANCE_METHOD.clone_into(&mut operation.method);
    operation.initiator = command.initiator;
    operation.on_balance = operation.amount;
    operation.state = OperationState::Succeeded;
    operation.finished_at = Some(ctx.now);
    let number = operation.number;
    payment.operations.push(operation.clone());
    complete(&mut operation, payment, ctx, fx);
    report::put(payment, operation);
    number
}

/// The part of a try that the customer's balance pays.
fn of_balance(operation: &Operation, phase: Phase) -> Movement {
    Movement {
        entry: EntryKind::Sale,
        debit: AccountKind::CustomerBalance,
        credit: AccountKind::MerchantPayable,
        amount: operation.on_balance,
        phase,
        settles: operation.reserve,
    }
}

/// Gives up what a try has reserved on the customer's balance.
fn release_balance(
    operation: &Operation,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) {
    if operation.kind == OperationKind::Sale && operation.reserve.is_some() {
        let released = of_balance(operation, Phase::Released);
        fx.post(payment, operation, released, ctx.now);
    }
}

/// An operation with the next number and nothing decided yet. Its id is to be filled in.
pub(crate) fn new_operation(
    payment: &Payment,
    kind: OperationKind,
    amount: i64,
    now: Timestamp,
) -> Operation {
    Operation {
        id: crate::OperationId::new(now, payment.id.bucket(), 0),
        serial: 0,
        number: payment.next_number(),
        kind,
        state: OperationState::Created,
        amount,
        parent: payment.completed_by,
        reference: None,
        description: None,
        on_balance: 0,
        credited: false,
        doubts: Vec::new(),
        method: payment
            .winner()
            .map(|winner| winner.method.clone())
            .unwrap_or_default(),
        initiator: Initiator::Merchant,
        release_rest: false,
        surplus: false,
        period_over: false,
        decline: None,
        card: None,
        facts: Facts::default(),
        action: None,
        reserve: None,
        exchanges: 0,
        created_at: now,
        sent_at: None,
        finished_at: None,
    }
}

/// Records the intent to send: from now on the operation may be at the gateway, and if we fall silent
/// its timer asks what became of it.
pub(crate) fn mark_sent(
    operation: &mut Operation,
    payment: &Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) {
    operation.state = OperationState::Sent;
    operation.exchanges += 1;
    operation.sent_at = Some(ctx.now);
    let due_at = ctx.now.plus_millis(ctx.exchange_deadline_ms + 1_000);
    fx.set_timer(payment, (TimerKind::Enquiry, operation.number), due_at, 0);
}

/// A try succeeded: the first one completes the payment, any other is a surplus.
pub(crate) fn succeeded(
    operation: &mut Operation,
    payment: &mut Payment,
    ctx: &mut Context<'_>,
    fx: &mut Effects,
) {
    if payment.is_open() {
        complete(operation, payment, ctx, fx);
    } else {
        surplus(operation, payment, ctx, fx);
    }
}

fn complete(operation: &mut Operation, payment: &mut Payment, ctx: &Context<'_>, fx: &mut Effects) {
    payment.completed_by = Some(operation.number);
    fx.clear_timer(payment, TimerKind::Expiry, 0);
    let base = Movement {
        entry: EntryKind::Sale,
        debit: AccountKind::ConnectorClearing,
        credit: AccountKind::MerchantPayable,
        amount: operation.at_gateway(),
        phase: Phase::Posted,
        settles: None,
    };
    match operation.kind {
        OperationKind::Sale => {
            let balance = of_balance(operation, Phase::Posted);
            fx.post(payment, operation, balance, ctx.now);
            payment.sums.held += operation.amount;
            payment.sums.captured += operation.amount;
            fx.post(payment, operation, base, ctx.now);
            fx.tell(EventKind::Captured, Some(operation.number));
        }
        OperationKind::Auth => {
            payment.sums.held += operation.amount;
            let hold = Movement {
                entry: EntryKind::Hold,
                phase: Phase::Pending,
                ..base
            };
            operation.reserve = fx.post(payment, operation, hold, ctx.now);
            if let Some(at) = payment.auto_capture_at {
                fx.set_timer(payment, (TimerKind::AutoCapture, 0), at, 0);
            }
            if let Some(at) = payment.auto_void_at {
                fx.set_timer(payment, (TimerKind::AutoVoid, 0), at, 0);
            }
            fx.tell(EventKind::Authorized, Some(operation.number));
        }
        OperationKind::Verify => fx.tell(EventKind::Verified, Some(operation.number)),
        OperationKind::Capture
        | OperationKind::Void
        | OperationKind::Refund
        | OperationKind::Reversal
        | OperationKind::Chargeback
        | OperationKind::Payout => unreachable!("only tries complete a payment"),
    }
}

/// Money nobody needs: it stands in suspense and leaves again by the project's policy.
fn surplus(
    operation: &mut Operation,
    payment: &mut Payment,
    ctx: &mut Context<'_>,
    fx: &mut Effects,
) {
    operation.surplus = true;
    let number = operation.number;
    release_balance(operation, payment, ctx, fx);
    let policy = ctx.project.settings.surplus;
    operation.credited = operation.kind == OperationKind::Sale
        && policy == SurplusPolicy::Balance
        && ctx.project.keeps_balance_of(payment);
    if operation.kind == OperationKind::Sale {
        let movement = Movement {
            entry: EntryKind::Surplus,
            debit: AccountKind::ConnectorClearing,
            credit: if operation.credited {
                AccountKind::CustomerBalance
            } else {
                AccountKind::Suspense
            },
            amount: operation.at_gateway(),
            phase: Phase::Posted,
            settles: None,
        };
        fx.post(payment, operation, movement, ctx.now);
    }
    let manual = policy == SurplusPolicy::Manual;
    // Nobody expected a success of a payment that is over (row 18).
    let over = payment.end.is_some()
        || matches!(
            payment.status(),
            PaymentStatus::Voided | PaymentStatus::Refunded
        );
    if over || (manual && operation.kind == OperationKind::Sale) {
        let detail = format!("operation {number} succeeded, and the payment did not need it");
        fx.open_incident(payment, IncidentKind::Surplus, Some(number), detail);
    }
    if let Some(undo) = undo_of_surplus(operation, manual) {
        give_back(operation, undo, payment, ctx, fx);
    }
}

/// What undoes a surplus by itself, if anything does.
fn undo_of_surplus(operation: &Operation, manual: bool) -> Option<OperationKind> {
    match operation.kind {
        OperationKind::Sale if !manual && !operation.credited => Some(OperationKind::Reversal),
        // A surplus hold is always given up, never kept (row 20).
        OperationKind::Auth => Some(OperationKind::Void),
        OperationKind::Sale
        | OperationKind::Verify
        | OperationKind::Capture
        | OperationKind::Void
        | OperationKind::Refund
        | OperationKind::Reversal
        | OperationKind::Chargeback
        | OperationKind::Payout => None,
    }
}

/// Sends a surplus back; the exchange timer does it.
fn give_back(
    operation: &Operation,
    undo: OperationKind,
    payment: &mut Payment,
    ctx: &mut Context<'_>,
    fx: &mut Effects,
) {
    let mut back = new_operation(payment, undo, operation.at_gateway(), ctx.now);
    back.id = ctx.new_operation_id();
    back.parent = Some(operation.number);
    back.method.clone_from(&operation.method);
    back.initiator = Initiator::Rule;
    back.surplus = true;
    if undo == OperationKind::Reversal {
        let movement = Movement {
            entry: EntryKind::SurplusReturn,
            debit: AccountKind::Suspense,
            credit: AccountKind::ConnectorClearing,
            amount: back.amount,
            phase: Phase::Pending,
            settles: None,
        };
        back.reserve = fx.post(payment, &back, movement, ctx.now);
    }
    fx.set_timer(payment, (TimerKind::Exchange, back.number), ctx.now, 0);
    payment.operations.push(back);
}

/// A try failed: while the payment is open this is told, and may be its end.
pub(crate) fn failed(
    operation: &mut Operation,
    code: DeclineCode,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) {
    operation.decline = Some(code);
    release_balance(operation, payment, ctx, fx);
    if !payment.is_open() {
        return;
    }
    fx.tell(EventKind::TryDeclined, Some(operation.number));
    let other = |o: &&Operation| o.number != operation.number;
    let waits = payment
        .tries()
        .filter(other)
        .any(|o| o.state.is_open() && !o.period_over);
    if waits {
        return;
    }
    if ctx.now >= payment.expires_at {
        end(payment, EndReason::Expired, ctx, fx);
    } else if payment.tries_left() == 0 {
        end(payment, EndReason::Declined, ctx, fx);
    }
}

/// The payment no longer waits for a try. The try itself stays open: a timer never declines.
pub(crate) fn period_over(
    number: u32,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) -> Result<(), Refusal> {
    let operation = payment
        .operations
        .iter_mut()
        .find(|operation| operation.number == number)
        .ok_or(Refusal::SubjectNotFound)?;
    if !operation.state.is_open() {
        return Ok(());
    }
    operation.period_over = true;
    let waits = payment.is_open() && payment.try_in_flight().is_none();
    if waits && payment.tries_left() == 0 {
        fx.tell_if_wanted(EventKind::PeriodOver, number, ctx);
    }
    if waits && ctx.now >= payment.expires_at {
        end(payment, EndReason::Expired, ctx, fx);
    }
    Ok(())
}
