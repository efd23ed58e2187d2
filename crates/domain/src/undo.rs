//! What follows a completed payment: capture, void, refund.

use crate::context::Movement;
use crate::decide::{LOOK_AGAIN_MS, Step, asked};
use crate::report;
use crate::tries::{mark_sent, new_operation};
use crate::{
    AccountKind, Capture, Context, DeclineCode, Effects, EntryKind, EventKind, Initiator,
    OnRefusal, Operation, OperationId, OperationKind, OperationState, Payment, PaymentStatus,
    Phase, Project, ReferenceKind, Refund, RefundAbility, Refusal, ReturnSurplus, TimerKind, Void,
};

/// One capture or void at a time per hold.
fn hold_is_free(payment: &Payment) -> Result<(), Refusal> {
    let busy = |kind| matches!(kind, OperationKind::Capture | OperationKind::Void);
    if payment
        .operations
        .iter()
        .any(|o| busy(o.kind) && o.state.is_open() && !o.surplus)
    {
        return Err(Refusal::InProgress);
    }
    match payment.status() {
        PaymentStatus::Authorized => Ok(()),
        // Captured in part with the rest kept, whatever went back of the part.
        PaymentStatus::Captured | PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded
            if payment.uncaptured() > 0 =>
        {
            Ok(())
        }
        PaymentStatus::Processing => Err(Refusal::InProgress),
        other @ (PaymentStatus::AwaitingPayment
        | PaymentStatus::Captured
        | PaymentStatus::PartiallyRefunded
        | PaymentStatus::Refunded
        | PaymentStatus::Voided
        | PaymentStatus::Verified
        | PaymentStatus::Declined
        | PaymentStatus::Cancelled
        | PaymentStatus::Expired) => Err(Refusal::WrongStatus(other)),
    }
}

fn within(payment: &Payment, amount: Option<i64>, available: i64) -> Result<i64, Refusal> {
    let asked = asked(payment, amount.unwrap_or(available))?;
    if asked.minor() > available {
        return Err(Refusal::Exceeds {
            asked,
            available: payment.money(available),
        });
    }
    Ok(asked.minor())
}

pub(crate) fn capture(
    command: &Capture,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) -> Result<Step, Refusal> {
    let taking = Taking {
        kind: OperationKind::Capture,
        id: command.operation_id,
        amount: command.amount,
        release_rest: command.release_rest,
        reference: command.reference.as_ref(),
        description: command.description.as_ref(),
        initiator: command.initiator,
    };
    take_from_hold(&taking, payment, ctx, fx)
}

pub(crate) fn void(
    command: &Void,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) -> Result<Step, Refusal> {
    let taking = Taking {
        kind: OperationKind::Void,
        id: command.operation_id,
        amount: command.amount,
        release_rest: false,
        reference: command.reference.as_ref(),
        description: command.description.as_ref(),
        initiator: command.initiator,
    };
    take_from_hold(&taking, payment, ctx, fx)
}

/// A capture or void that somebody asked for.
struct Taking<'a> {
    kind: OperationKind,
    id: OperationId,
    amount: Option<i64>,
    release_rest: bool,
    reference: Option<&'a String>,
    description: Option<&'a String>,
    initiator: Initiator,
}

/// The operation of this kind, with or without a surplus, that was made before under this key of the caller's.
/// Keys of captures, voids, refunds and returned surpluses know nothing of each other.
fn made_before(
    payment: &Payment,
    reference: Option<&String>,
    (kind, surplus): (OperationKind, bool),
) -> Option<Step> {
    let same = |o: &&Operation| {
        let alike = o.kind == kind && o.surplus == surplus;
        alike && reference.is_some() && o.reference.as_ref() == reference
    };
    let first = payment.operations.iter().find(same)?;
    Some(Step::Repeated(first.number))
}

fn take_from_hold(
    taking: &Taking<'_>,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) -> Result<Step, Refusal> {
    if let Some(repeated) = made_before(payment, taking.reference, (taking.kind, false)) {
        return Ok(repeated);
    }
    hold_is_free(payment)?;
    let amount = within(payment, taking.amount, payment.uncaptured())?;
    let mut operation = new_operation(payment, taking.kind, amount, ctx.now);
    operation.id = taking.id;
    operation.release_rest = taking.release_rest;
    operation.reference = taking.reference.cloned();
    operation.description = taking.description.cloned();
    operation.initiator = taking.initiator;
    mark_sent(&mut operation, payment, ctx, fx);
    let number = operation.number;
    payment.operations.push(operation);
    Ok(Step::Done(Some(number)))
}

pub(crate) fn refund(
    command: &Refund,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) -> Result<Step, Refusal> {
    let made = (OperationKind::Refund, false);
    if let Some(repeated) = made_before(payment, command.reference.as_ref(), made) {
        return Ok(repeated);
    }
    may_refund(command, payment)?;
    let left = payment.refundable();
    let all = if left > 0 {
        left
    } else {
        payment.sums.captured
    };
    let wanted = asked(payment, command.amount.unwrap_or(all))?;
    let refused = refund_refused(payment, wanted.minor(), ctx.project);
    if let (Some(code), OnRefusal::Answer) = (refused, command.on_refusal) {
        within(payment, command.amount, left)?;
        return Err(Refusal::MethodCannot(code));
    }
    let amount = wanted.minor();
    let mut operation = new_operation(payment, OperationKind::Refund, amount, ctx.now);
    operation.id = command.operation_id;
    operation.initiator = command.initiator;
    operation.reference.clone_from(&command.reference);
    operation.description.clone_from(&command.description);
    if let Some(reference) = &command.reference {
        let key = format!("{}/{reference}", payment.id.uuid());
        fx.references.push((ReferenceKind::Refund, key));
    }
    if refused.is_none() {
        operation.on_balance = amount - gateway_part(payment, amount);
    }
    let number = operation.number;
    match refused {
        None if operation.at_gateway() == 0 => {
            // It all goes to the balance: nobody has to be asked.
            operation.state = OperationState::Succeeded;
            operation.finished_at = Some(ctx.now);
            payment.operations.push(operation.clone());
            report::returned(&operation, payment, ctx, fx);
            return Ok(Step::Done(Some(number)));
        }
        Some(code) => {
            operation.state = OperationState::Declined;
            operation.decline = Some(code);
            operation.finished_at = Some(ctx.now);
            fx.tell(EventKind::RefundDeclined, Some(number));
        }
        None => reserve_refund(&mut operation, payment, ctx, fx),
    }
    payment.operations.push(operation);
    Ok(Step::Done(Some(number)))
}

/// So many operations a payment may have when a refund is to be declined on record: a shop that asks in vain
/// again and again does not make its payment grow without end.
const OPERATIONS_MAX: usize = 200;

/// Whether the payment stands where money can be given back, as the command believes it does.
fn may_refund(command: &Refund, payment: &Payment) -> Result<(), Refusal> {
    let records = command.on_refusal == OnRefusal::Record;
    match payment.status() {
        PaymentStatus::Captured | PaymentStatus::PartiallyRefunded => {}
        // Nothing is left: that is a refund that is too large.
        PaymentStatus::Refunded if records => {}
        other @ (PaymentStatus::AwaitingPayment
        | PaymentStatus::Processing
        | PaymentStatus::Authorized
        | PaymentStatus::Refunded
        | PaymentStatus::Voided
        | PaymentStatus::Verified
        | PaymentStatus::Declined
        | PaymentStatus::Cancelled
        | PaymentStatus::Expired) => return Err(Refusal::WrongStatus(other)),
    }
    if records && payment.operations.len() >= OPERATIONS_MAX {
        return Err(Refusal::WrongStatus(payment.status()));
    }
    if command
        .expected_deposited
        .is_some_and(|expected| expected != payment.deposited())
    {
        return Err(Refusal::UnexpectedDeposited {
            actual: payment.money(payment.deposited()),
        });
    }
    if payment.refundable() == 0 && command.amount.is_none() && !records {
        return Err(Refusal::InProgress);
    }
    Ok(())
}

/// What of a refund goes back through the gateway: all that can, and only the rest to the balance.
fn gateway_part(payment: &Payment, amount: i64) -> i64 {
    amount.min(payment.refundable_at_gateway().max(0))
}

/// Gives a surplus back, or a part of it, because somebody asked.
pub(crate) fn return_surplus(
    command: &ReturnSurplus,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) -> Result<Step, Refusal> {
    let made = (OperationKind::Refund, true);
    if let Some(repeated) = made_before(payment, command.reference.as_ref(), made) {
        return Ok(repeated);
    }
    let surplus = payment
        .operation(command.surplus)
        .filter(|o| o.kind == OperationKind::Sale && o.surplus)
        .ok_or(Refusal::SubjectNotFound)?
        .clone();
    let left = payment.surplus_left(&surplus);
    let all = if left > 0 { left } else { surplus.at_gateway() };
    let amount = within(payment, Some(command.amount.unwrap_or(all)), left)?;
    if surplus.credited && amount > ctx.balance.available() {
        let available = payment.money(ctx.balance.available());
        return Err(Refusal::BalanceTooSmall { available });
    }
    let method = ctx.project.method(&surplus.method);
    match method.map(|method| method.refunds).unwrap_or_default() {
        RefundAbility::Full if amount < surplus.at_gateway() => {
            let code = DeclineCode::PartialRefundImpossible;
            return Err(Refusal::MethodCannot(code));
        }
        RefundAbility::Never => {
            return Err(Refusal::MethodCannot(DeclineCode::RefundImpossible));
        }
        RefundAbility::Full | RefundAbility::Partial => {}
    }
    let mut operation = new_operation(payment, OperationKind::Refund, amount, ctx.now);
    operation.id = command.operation_id;
    operation.parent = Some(surplus.number);
    operation.method.clone_from(&surplus.method);
    operation.initiator = command.initiator;
    operation.reference.clone_from(&command.reference);
    operation.description = Some(command.reason.clone());
    operation.surplus = true;
    operation.credited = surplus.credited;
    let reserve = report::of_reserve(&operation, Phase::Pending);
    operation.reserve = fx.post(payment, &operation, reserve, ctx.now);
    mark_sent(&mut operation, payment, ctx, fx);
    let number = operation.number;
    payment.operations.push(operation);
    Ok(Step::Done(Some(number)))
}

/// Reserves the money of a refund and records that it is about to be sent.
fn reserve_refund(
    operation: &mut Operation,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) {
    let reserve = Movement {
        entry: EntryKind::Refund,
        debit: AccountKind::MerchantPayable,
        credit: AccountKind::ConnectorClearing,
        amount: operation.at_gateway(),
        phase: Phase::Pending,
        settles: None,
    };
    operation.reserve = fx.post(payment, operation, reserve, ctx.now);
    mark_sent(operation, payment, ctx, fx);
}

/// Why a refund cannot be made by our own rules.
fn refund_refused(payment: &Payment, amount: i64, project: &Project) -> Option<DeclineCode> {
    if amount > payment.refundable() {
        return Some(DeclineCode::RefundExceeds);
    }
    let method = payment
        .winner()
        .and_then(|winner| project.method(&winner.method));
    // What goes to the balance needs no gateway.
    let part = gateway_part(payment, amount);
    let on_balance = payment.winner().map_or(0, |winner| winner.on_balance);
    match method.map(|method| method.refunds).unwrap_or_default() {
        RefundAbility::Partial => None,
        RefundAbility::Full | RefundAbility::Never if part == 0 && on_balance > 0 => None,
        RefundAbility::Full => (part < payment.sums.captured - on_balance)
            .then_some(DeclineCode::PartialRefundImpossible),
        RefundAbility::Never => Some(DeclineCode::RefundImpossible),
    }
}

/// Captures what is held because its time has come; the exchange timer sends it.
pub(crate) fn auto_capture(payment: &mut Payment, ctx: &mut Context<'_>, fx: &mut Effects) {
    let kinds = (TimerKind::AutoCapture, OperationKind::Capture);
    automatic(kinds, payment, ctx, fx);
}

/// Gives the hold up because its time has come; the exchange timer sends it.
pub(crate) fn auto_void(payment: &mut Payment, ctx: &mut Context<'_>, fx: &mut Effects) {
    let kinds = (TimerKind::AutoVoid, OperationKind::Void);
    automatic(kinds, payment, ctx, fx);
}

fn automatic(
    (timer, kind): (TimerKind, OperationKind),
    payment: &mut Payment,
    ctx: &mut Context<'_>,
    fx: &mut Effects,
) {
    let sums = payment.sums;
    if sums.held == sums.captured + sums.voided {
        return;
    }
    if hold_is_free(payment).is_err() {
        // The merchant was faster, but may fail: what is held then must not be forgotten.
        let again_at = ctx.now.plus_millis(LOOK_AGAIN_MS);
        return fx.set_timer(payment, (timer, 0), again_at, 0);
    }
    let mut operation = new_operation(payment, kind, payment.uncaptured(), ctx.now);
    operation.id = ctx.new_operation_id();
    operation.release_rest = kind == OperationKind::Capture;
    operation.initiator = Initiator::Timer;
    fx.set_timer(payment, (TimerKind::Exchange, operation.number), ctx.now, 0);
    payment.operations.push(operation);
}
