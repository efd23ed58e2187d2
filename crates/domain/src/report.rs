//! News about operations: sending them, and recording what a gateway said.

use crate::context::{ENQUIRIES_BEFORE_INCIDENT, EXCHANGES_BEFORE_INCIDENT, Movement};
use crate::decide::Step;
use crate::{
    AccountKind, Context, DeclineCode, DoubtNotice, Effects, EntryKind, EventKind, Facts,
    IncidentKind, Initiator, Operation, OperationKind, OperationState, Outcome, PayerAction,
    Payment, Phase, Refusal, Report, ReportOutcome, ResolveIncident, SendOperation, TimerKind,
    Transition, tries,
};

/// Records that an operation is about to be sent, or goes on after the payer's step.
pub(crate) fn send(
    command: &SendOperation,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) -> Result<Step, Refusal> {
    let mut operation = payment
        .operation(command.operation)
        .ok_or(Refusal::SubjectNotFound)?
        .clone();
    fx.clear_timer(payment, TimerKind::Exchange, operation.number);
    match (&command.after_action, operation.state) {
        (None, OperationState::Created) => {
            tries::mark_sent(&mut operation, payment, ctx, fx);
        }
        (Some(transaction), OperationState::Pending) => {
            // A payment that is paid or over needs no more money: the step would only make a surplus.
            if !payment.is_open() {
                return Err(Refusal::StepNotExpected);
            }
            // The step is taken once: a second tab or a repeated post finds nothing to do.
            if operation.action.as_ref().and_then(transaction_of) != Some(transaction.as_str()) {
                return Err(Refusal::StepNotExpected);
            }
            operation.action = None;
            operation.exchanges += 1;
            operation.sent_at = Some(ctx.now);
            let due_at = ctx.now.plus_millis(ctx.exchange_deadline_ms + 1_000);
            fx.set_timer(payment, (TimerKind::Enquiry, operation.number), due_at, 0);
        }
        _ => return Err(Refusal::StepNotExpected),
    }
    put(payment, operation);
    Ok(Step::Done(Some(command.operation)))
}

fn transaction_of(action: &PayerAction) -> Option<&str> {
    match action {
        PayerAction::DeviceCheck { transaction_id, .. }
        | PayerAction::Challenge { transaction_id, .. } => Some(transaction_id),
        PayerAction::Redirect { .. } => None,
    }
}

pub(crate) fn put(payment: &mut Payment, operation: Operation) {
    if let Some(place) = payment
        .operations
        .iter_mut()
        .find(|o| o.number == operation.number)
    {
        *place = operation;
    }
}

/// Records what a gateway said about an operation.
pub(crate) fn report(
    command: &ReportOutcome,
    payment: &mut Payment,
    ctx: &mut Context<'_>,
    fx: &mut Effects,
) -> Result<Step, Refusal> {
    let mut operation = payment
        .operation(command.operation)
        .ok_or(Refusal::SubjectNotFound)?
        .clone();
    let number = operation.number;
    let doubted = doubted(&operation, &command.report);
    if let Some((detail, _)) = &doubted {
        let doubt = (IncidentKind::Contradiction, detail.clone());
        open_once(&mut operation, doubt, payment, fx);
        put(payment, operation.clone());
    }
    let report = doubted
        .as_ref()
        .map_or(&command.report, |(_, nothing)| nothing);
    match operation.state.after(&report.outcome) {
        Transition::To(state) => {
            let news = News {
                state,
                report,
                enquiries: command.enquiries,
            };
            settle(operation, news, payment, ctx, fx);
        }
        Transition::Repeated | Transition::Stale => {
            if !operation.state.is_open() {
                fx.clear_timer(payment, TimerKind::Enquiry, number);
            }
            if let Some(detail) = other_amount(&operation, report, payment) {
                let doubt = (IncidentKind::AmountMismatch, detail);
                open_once(&mut operation, doubt, payment, fx);
                put(payment, operation);
            }
        }
        Transition::Contradiction => {
            let detail = format!(
                "operation {number} is {} and the gateway says {:?}",
                operation.state.word(),
                report.outcome
            );
            fx.clear_timer(payment, TimerKind::Enquiry, number);
            let doubt = (IncidentKind::Contradiction, detail);
            open_once(&mut operation, doubt, payment, fx);
            put(payment, operation);
        }
    }
    Ok(Step::Done(Some(number)))
}

/// News that contradict what the gateway said of the operation before, in words; and what is known then:
/// nothing. The operation stays open and is asked about again: a gateway that lost its books may have them
/// back, and what it did under another reference is perhaps done twice.
fn doubted(operation: &Operation, report: &Report) -> Option<(String, Report)> {
    let number = operation.number;
    let known = operation.facts.connector_reference.as_deref()?;
    let at_gateway = matches!(
        operation.state,
        OperationState::Sent | OperationState::Pending
    );
    let told = report.facts.connector_reference.as_deref();
    let other = told.filter(|told| report.facts.one_reference && *told != known);
    let detail = match other {
        Some(other) => format!("operation {number} was {known}, and the gateway now says {other}"),
        None if report.outcome == Outcome::NotFound && at_gateway => {
            format!("the gateway took operation {number} as {known}, and now knows no such one")
        }
        None => return None,
    };
    Some((detail, Report::bare(Outcome::Unknown)))
}

/// Opens an incident about an operation: one of a kind is enough until a person has looked, for the same
/// news may be told and asked for again and again, also by payers.
fn open_once(
    operation: &mut Operation,
    (kind, detail): (IncidentKind, String),
    payment: &mut Payment,
    fx: &mut Effects,
) {
    if !operation.doubts.contains(&kind) {
        operation.doubts.push(kind);
        fx.open_incident(payment, kind, Some(operation.number), detail);
    }
}

/// Keeps that a notice was not believed. Anybody who knows the address may send more of them.
pub(crate) fn doubt(
    command: &DoubtNotice,
    payment: &mut Payment,
    fx: &mut Effects,
) -> Result<Step, Refusal> {
    let number = command.operation;
    let mut operation = payment
        .operation(number)
        .ok_or(Refusal::SubjectNotFound)?
        .clone();
    let doubt = (command.kind, command.detail.clone());
    open_once(&mut operation, doubt, payment, fx);
    put(payment, operation);
    Ok(Step::Done(Some(number)))
}

/// A person decided about an incident, and perhaps about its operation.
pub(crate) fn resolve(
    command: &ResolveIncident,
    payment: &mut Payment,
    ctx: &mut Context<'_>,
    fx: &mut Effects,
) -> Result<Step, Refusal> {
    if command.incident == 0 || command.incident > payment.counters.incidents {
        return Err(Refusal::SubjectNotFound);
    }
    // A person has looked: what is told from now on is news again.
    for operation in &mut payment.operations {
        operation.doubts.clear();
    }
    if let Some((operation, decided)) = &command.report {
        let (operation, report) = (*operation, decided.clone());
        let known = payment
            .operation(operation)
            .ok_or(Refusal::SubjectNotFound)?;
        if !known.state.is_open() {
            return Err(Refusal::StepNotExpected);
        }
        let news = ReportOutcome {
            payment_id: payment.id,
            operation,
            report,
            enquiries: 0,
        };
        self::report(&news, payment, ctx, fx)?;
    }
    let decided = command.report.as_ref().map(|(operation, _)| *operation);
    ask_again(decided, payment, ctx, fx);
    fx.resolved.push((command.incident, command.note.clone()));
    Ok(Step::Done(None))
}

/// A closed incident drives no operation any more, so the gateway is asked about all that are still open
/// and were not decided about just now; never while an exchange may still be under way.
fn ask_again(decided: Option<u32>, payment: &Payment, ctx: &Context<'_>, fx: &mut Effects) {
    let at_gateway =
        |o: &&Operation| matches!(o.state, OperationState::Sent | OperationState::Pending);
    for operation in payment.operations.iter().filter(at_gateway) {
        if Some(operation.number) != decided {
            let sent_at = operation.sent_at.unwrap_or(operation.created_at);
            let over_at = sent_at.plus_millis(ctx.exchange_deadline_ms + 1_000);
            let due_at = over_at.max(ctx.now.plus_millis(1_000));
            fx.set_timer(payment, (TimerKind::Enquiry, operation.number), due_at, 0);
        }
    }
}

struct News<'a> {
    state: OperationState,
    report: &'a Report,
    enquiries: u32,
}

fn settle(
    mut operation: Operation,
    news: News<'_>,
    payment: &mut Payment,
    ctx: &mut Context<'_>,
    fx: &mut Effects,
) {
    merge_facts(&mut operation.facts, &news.report.facts);
    if let Some(detail) = other_amount(&operation, news.report, payment) {
        // It stays open for a person (row 16).
        operation.state = OperationState::Pending;
        fx.clear_timer(payment, TimerKind::Enquiry, operation.number);
        let doubt = (IncidentKind::AmountMismatch, detail);
        open_once(&mut operation, doubt, payment, fx);
        put(payment, operation);
        return;
    }
    operation.state = news.state;
    match news.state {
        OperationState::Pending => stay_open(&mut operation, &news, payment, ctx, fx),
        OperationState::Created => not_sent(&mut operation, &news, payment, ctx, fx),
        OperationState::Succeeded => {
            finish(&mut operation, payment, ctx, fx);
            // The rules below see the operation as finished.
            put(payment, operation.clone());
            succeeded(&mut operation, payment, ctx, fx);
        }
        OperationState::Declined | OperationState::Voided => {
            finish(&mut operation, payment, ctx, fx);
            put(payment, operation.clone());
            let code = match &news.report.outcome {
                Outcome::Declined(code) => *code,
                Outcome::Approved
                | Outcome::Pending
                | Outcome::Unknown
                | Outcome::NotSent
                | Outcome::NotFound
                | Outcome::Voided => DeclineCode::General,
            };
            declined(&mut operation, code, payment, ctx, fx);
        }
        OperationState::Sent => unreachable!("no outcome leads back to sent"),
    }
    put(payment, operation);
}

/// What is wrong if the gateway approves another amount or currency than was asked: that is never booked.
fn other_amount(operation: &Operation, report: &Report, payment: &Payment) -> Option<String> {
    let asked = operation.money(payment);
    let told = report.facts.amount.filter(|told| *told != asked)?;
    let number = operation.number;
    (report.outcome == Outcome::Approved)
        .then(|| format!("operation {number} is for {asked}, the gateway says {told}"))
}

fn stay_open(
    operation: &mut Operation,
    news: &News<'_>,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) {
    // A status answer or silence names no step; the one that the payer was asked for is still to be taken.
    if news.report.action.is_some() {
        let asked_before = operation.action == news.report.action;
        operation.action.clone_from(&news.report.action);
        // A payer on our own page is led by that page.
        let led_by_merchant = operation.initiator == Initiator::Merchant;
        if led_by_merchant && !asked_before && payment.is_open() {
            fx.tell_if_wanted(EventKind::ActionRequired, operation.number, ctx);
        }
    }
    if news.enquiries == ENQUIRIES_BEFORE_INCIDENT {
        let detail = format!(
            "the gateway does not tell the end of operation {}",
            operation.number
        );
        fx.open_incident(
            payment,
            IncidentKind::Unresolved,
            Some(operation.number),
            detail,
        );
    }
    // While the payer is busy at the issuer's page there is nothing to ask the gateway soon.
    let pause = if operation.action.is_some() {
        news.enquiries.max(5)
    } else {
        news.enquiries
    };
    fx.enquire_later(payment, operation.number, pause, ctx.now);
}

/// It never reached the gateway. A card is gone with the exchange, so its try ends; all else is sent again.
fn not_sent(
    operation: &mut Operation,
    news: &News<'_>,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) {
    fx.clear_timer(payment, TimerKind::Enquiry, operation.number);
    operation.action = None;
    if operation.kind.is_try() {
        operation.state = OperationState::Declined;
        finish(operation, payment, ctx, fx);
        put(payment, operation.clone());
        tries::failed(operation, DeclineCode::Interrupted, payment, ctx, fx);
    } else {
        let attempt = operation.exchanges.max(news.enquiries);
        let pause = 1_000_i64.saturating_mul(i64::from(attempt.min(60)));
        let due_at = ctx.now.plus_millis(pause);
        fx.set_timer(
            payment,
            (TimerKind::Exchange, operation.number),
            due_at,
            attempt,
        );
        if operation.exchanges == EXCHANGES_BEFORE_INCIDENT {
            let detail = format!(
                "operation {} cannot be sent to the gateway",
                operation.number
            );
            fx.open_incident(
                payment,
                IncidentKind::Unresolved,
                Some(operation.number),
                detail,
            );
        }
    }
}

fn finish(operation: &mut Operation, payment: &Payment, ctx: &Context<'_>, fx: &mut Effects) {
    operation.finished_at = Some(ctx.now);
    operation.action = None;
    fx.clear_timer(payment, TimerKind::Enquiry, operation.number);
    if operation.kind.is_try() {
        fx.clear_timer(payment, TimerKind::ProcessingPeriod, operation.number);
    }
}

fn merge_facts(known: &mut Facts, told: &Facts) {
    let take = |known: &mut Option<String>, told: &Option<String>| {
        if told.is_some() {
            known.clone_from(told);
        }
    };
    take(&mut known.connector_reference, &told.connector_reference);
    take(&mut known.approval_code, &told.approval_code);
    take(&mut known.rrn, &told.rrn);
    take(&mut known.terminal, &told.terminal);
    take(&mut known.eci, &told.eci);
    take(&mut known.gateway_code, &told.gateway_code);
    take(&mut known.message, &told.message);
    known.happened_at = told.happened_at.or(known.happened_at);
}

fn succeeded(
    operation: &mut Operation,
    payment: &mut Payment,
    ctx: &mut Context<'_>,
    fx: &mut Effects,
) {
    match operation.kind {
        OperationKind::Sale | OperationKind::Auth | OperationKind::Verify => {
            tries::succeeded(operation, payment, ctx, fx);
        }
        OperationKind::Capture => captured(operation, payment, ctx, fx),
        OperationKind::Void => voided(operation, payment, ctx, fx),
        OperationKind::Refund | OperationKind::Reversal => returned(operation, payment, ctx, fx),
        // Nothing creates these yet; a dialect that does brings its rules along.
        OperationKind::Chargeback | OperationKind::Payout => {}
    }
}

/// The hold's movement, to be posted or released in part.
fn of_hold(payment: &Payment, entry: EntryKind, phase: Phase, amount: i64) -> Movement {
    Movement {
        entry,
        debit: AccountKind::ConnectorClearing,
        credit: AccountKind::MerchantPayable,
        amount,
        phase,
        settles: payment.winner().and_then(|winner| winner.reserve),
    }
}

fn captured(operation: &Operation, payment: &mut Payment, ctx: &Context<'_>, fx: &mut Effects) {
    payment.sums.captured += operation.amount;
    let taken = of_hold(payment, EntryKind::Capture, Phase::Posted, operation.amount);
    fx.post(payment, operation, taken, ctx.now);
    if operation.release_rest {
        let rest = payment.sums.held - payment.sums.captured - payment.sums.voided;
        payment.sums.voided += rest;
        let released = of_hold(payment, EntryKind::Void, Phase::Released, rest);
        fx.post(payment, operation, released, ctx.now);
    }
    clear_auto_timers(payment, fx);
    fx.tell(EventKind::Captured, Some(operation.number));
}

fn voided(operation: &Operation, payment: &mut Payment, ctx: &Context<'_>, fx: &mut Effects) {
    if operation.surplus {
        return;
    }
    payment.sums.voided += operation.amount;
    let released = of_hold(payment, EntryKind::Void, Phase::Released, operation.amount);
    fx.post(payment, operation, released, ctx.now);
    clear_auto_timers(payment, fx);
    fx.tell(EventKind::Voided, Some(operation.number));
}

fn clear_auto_timers(payment: &Payment, fx: &mut Effects) {
    if payment.uncaptured() == 0 {
        fx.clear_timer(payment, TimerKind::AutoCapture, 0);
        fx.clear_timer(payment, TimerKind::AutoVoid, 0);
    }
}

/// What a refund or reversal reserved, to be posted or released.
pub(crate) fn of_reserve(operation: &Operation, phase: Phase) -> Movement {
    let (entry, debit) = match (operation.surplus, operation.kind) {
        (true, _) if operation.credited => (EntryKind::SurplusReturn, AccountKind::CustomerBalance),
        (true, _) => (EntryKind::SurplusReturn, AccountKind::Suspense),
        (false, OperationKind::Reversal) => (EntryKind::Reversal, AccountKind::MerchantPayable),
        (false, _) => (EntryKind::Refund, AccountKind::MerchantPayable),
    };
    Movement {
        entry,
        debit,
        credit: AccountKind::ConnectorClearing,
        amount: operation.at_gateway(),
        phase,
        settles: operation.reserve,
    }
}

pub(crate) fn returned(
    operation: &Operation,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) {
    fx.post(
        payment,
        operation,
        of_reserve(operation, Phase::Posted),
        ctx.now,
    );
    if operation.surplus {
        return;
    }
    let to_balance = Movement {
        entry: EntryKind::Refund,
        debit: AccountKind::MerchantPayable,
        credit: AccountKind::CustomerBalance,
        amount: operation.on_balance,
        phase: Phase::Posted,
        settles: None,
    };
    fx.post(payment, operation, to_balance, ctx.now);
    if operation.kind == OperationKind::Reversal {
        payment.sums.reversed += operation.amount;
        fx.tell(EventKind::Reversed, Some(operation.number));
    } else {
        payment.sums.refunded += operation.amount;
        fx.tell(EventKind::Refunded, Some(operation.number));
    }
}

fn declined(
    operation: &mut Operation,
    code: DeclineCode,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) {
    operation.decline = Some(code);
    if operation.kind.is_try() {
        return tries::failed(operation, code, payment, ctx, fx);
    }
    let number = Some(operation.number);
    if operation.reserve.is_some() {
        fx.post(
            payment,
            operation,
            of_reserve(operation, Phase::Released),
            ctx.now,
        );
    }
    if operation.surplus {
        let detail = format!("the return of surplus money was refused: {code:?}");
        return fx.open_incident(payment, IncidentKind::SurplusStuck, number, detail);
    }
    if operation.initiator == Initiator::Timer {
        let detail = format!(
            "the automatic {} was refused: {code:?}",
            operation.kind.word()
        );
        fx.open_incident(payment, IncidentKind::AutomaticRefused, number, detail);
    }
    match operation.kind {
        OperationKind::Capture => fx.tell(EventKind::CaptureDeclined, number),
        OperationKind::Void => fx.tell(EventKind::VoidDeclined, number),
        OperationKind::Refund | OperationKind::Reversal => {
            fx.tell(EventKind::RefundDeclined, number)
        }
        OperationKind::Sale
        | OperationKind::Auth
        | OperationKind::Verify
        | OperationKind::Chargeback
        | OperationKind::Payout => {}
    }
}
