//! The one door to every change: a command and what was loaded go in, a whole decision or a refusal
//! comes out.

use std::sync::Arc;

use crate::{
    CancelPayment, Command, Context, Counters, Delivery, DeliveryState, Effects, End, EndReason,
    Event, EventKind, FireTimer, Money, Operation, Payment, PaymentId, PaymentStatus,
    ReferenceKind, Refusal, RegisterPayment, Sums, TimerKind, Way, report, tries, undo,
};

/// When a timer finds an operation in flight that must end first, it looks again after this pause.
pub(crate) const LOOK_AGAIN_MS: i64 = 60_000;

/// What the caller hears once the decision is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The payment after the decision.
    pub payment: Payment,
    /// The operation that was created or concerned.
    pub operation: Option<u32>,
    /// Whether the same request was carried out before and nothing changed now.
    pub repeated: bool,
}

impl Answer {
    /// The operation that was created or concerned.
    pub fn operation(&self) -> Option<&Operation> {
        self.operation
            .and_then(|number| self.payment.operation(number))
    }
}

/// A whole decision: saved in one commit or not at all.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The payment after it.
    pub payment: Payment,
    /// What is written beside it.
    pub effects: Effects,
    /// The operation that was created or concerned.
    pub operation: Option<u32>,
    /// Whether the same request was carried out before.
    pub repeated: bool,
}

/// Decides a command on what was loaded: the payment it targets, if it exists, and the payment that
/// already owns its reference.
///
/// # Errors
/// A [`Refusal`]; then nothing changes.
///
/// # Panics
/// If the decision would break an invariant: that is a bug, and nothing is saved.
pub fn decide(
    command: &Command,
    loaded: Option<&Payment>,
    reference_owner: Option<PaymentId>,
    ctx: &mut Context<'_>,
) -> Result<Decision, Refusal> {
    let mut effects = Effects::default();
    let (mut payment, step) = if let Command::Register(command) = command {
        let mut payment = register(command, reference_owner, ctx, &mut effects)?;
        let step = match &command.first_try {
            Some(first) => tries::begin(first, &mut payment, ctx, &mut effects)?,
            None => Step::Done(None),
        };
        (payment, step)
    } else {
        let mut payment = loaded.ok_or(Refusal::PaymentNotFound)?.clone();
        if payment.project_id != ctx.project.id {
            return Err(Refusal::PaymentNotFound);
        }
        let step = apply(command, &mut payment, ctx, &mut effects)?;
        (payment, step)
    };
    for operation in payment.operations.iter_mut().filter(|o| o.serial == 0) {
        operation.serial = ctx.ids.serial();
    }
    payment.assert_invariants();
    if loaded != Some(&payment) {
        payment.updated_at = payment.updated_at.max(ctx.now);
    }
    make_events(&mut payment, ctx, &mut effects);
    let (operation, repeated) = match step {
        Step::Done(operation) => (operation, false),
        Step::Repeated(operation) => (Some(operation), true),
    };
    Ok(Decision {
        payment,
        effects,
        operation,
        repeated,
    })
}

/// What applying a command came to.
pub(crate) enum Step {
    /// Done; the operation concerned.
    Done(Option<u32>),
    /// The same request was carried out before, as this operation.
    Repeated(u32),
}

fn apply(
    command: &Command,
    payment: &mut Payment,
    ctx: &mut Context<'_>,
    fx: &mut Effects,
) -> Result<Step, Refusal> {
    match command {
        Command::Register(_) => Err(Refusal::StepNotExpected),
        Command::BeginTry(begin) => tries::begin(begin, payment, ctx, fx),
        Command::Send(send) => report::send(send, payment, ctx, fx),
        Command::Report(news) => report::report(news, payment, ctx, fx),
        Command::Capture(capture) => undo::capture(capture, payment, ctx, fx),
        Command::Void(void) => undo::void(void, payment, ctx, fx),
        Command::Refund(refund) => undo::refund(refund, payment, ctx, fx),
        Command::ReturnSurplus(back) => undo::return_surplus(back, payment, ctx, fx),
        Command::Cancel(CancelPayment { .. }) => cancel(payment, ctx, fx),
        Command::Fire(fired) => fire(fired, payment, ctx, fx),
        Command::Doubt(doubt) => report::doubt(doubt, payment, fx),
        Command::Resolve(resolve) => report::resolve(resolve, payment, ctx, fx),
        Command::RecordDelivery {
            delivery,
            attempt,
            timer,
            ..
        } => {
            let key = crate::TimerKey {
                payment_id: payment.id,
                kind: TimerKind::Callback,
                subject: delivery.number,
            };
            fx.deliveries.push((**delivery).clone());
            fx.attempts.extend(attempt.as_deref().cloned());
            fx.timers.push((key, *timer));
            Ok(Step::Done(None))
        }
    }
}

fn register(
    command: &RegisterPayment,
    reference_owner: Option<PaymentId>,
    ctx: &Context<'_>,
    fx: &mut Effects,
) -> Result<Payment, Refusal> {
    if let Some(owner) = reference_owner {
        return Err(Refusal::ReferenceTaken(owner));
    }
    let currency = command.amount.currency();
    if !ctx.project.settings.currencies.contains(&currency) {
        return Err(Refusal::CurrencyNotAccepted(currency));
    }
    if command.amount.is_zero() != (command.way == Way::Verify) {
        return Err(Refusal::AmountInvalid);
    }
    let payment = Payment {
        id: command.id,
        project_id: ctx.project.id,
        customer_id: ctx.project.customer_of(&command.order),
        dialect: command.dialect.clone(),
        way: command.way,
        amount: command.amount,
        sums: Sums::default(),
        completed_by: None,
        end: None,
        tries_max: command.tries_max.unwrap_or(ctx.project.settings.tries_max),
        expires_at: command.expires_at,
        created_at: ctx.now,
        updated_at: ctx.now,
        auto_capture_at: command.auto_capture_at,
        auto_void_at: command.auto_void_at,
        counters: Counters::default(),
        order: Arc::new(command.order.clone()),
        operations: Vec::new(),
    };
    fx.references
        .push((ReferenceKind::Payment, command.reference_key.clone()));
    fx.set_timer(&payment, (TimerKind::Expiry, 0), command.expires_at, 0);
    Ok(payment)
}

fn cancel(payment: &mut Payment, ctx: &Context<'_>, fx: &mut Effects) -> Result<Step, Refusal> {
    match payment.status() {
        PaymentStatus::AwaitingPayment => {
            end(payment, EndReason::Cancelled, ctx, fx);
            Ok(Step::Done(None))
        }
        PaymentStatus::Processing => Err(Refusal::InProgress),
        other @ (PaymentStatus::Authorized
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

/// Ends an open payment unpaid and tells it.
pub(crate) fn end(payment: &mut Payment, reason: EndReason, ctx: &Context<'_>, fx: &mut Effects) {
    payment.end = Some(End {
        reason,
        at: ctx.now,
    });
    fx.clear_timer(payment, TimerKind::Expiry, 0);
    match reason {
        EndReason::Expired => fx.tell(EventKind::Expired, None),
        EndReason::Cancelled => fx.tell(EventKind::Cancelled, None),
        // The try that used up the last chance has been told already.
        EndReason::Declined => {}
    }
}

fn fire(
    fired: &FireTimer,
    payment: &mut Payment,
    ctx: &mut Context<'_>,
    fx: &mut Effects,
) -> Result<Step, Refusal> {
    // The timer has done its work whatever follows; a rule below may set it again.
    fx.clear_timer(payment, fired.kind, fired.subject);
    match fired.kind {
        TimerKind::Expiry => expire(payment, ctx, fx),
        TimerKind::ProcessingPeriod => tries::period_over(fired.subject, payment, ctx, fx)?,
        TimerKind::AutoCapture => undo::auto_capture(payment, ctx, fx),
        TimerKind::AutoVoid => undo::auto_void(payment, ctx, fx),
        TimerKind::Exchange | TimerKind::Enquiry | TimerKind::Callback => {
            return Err(Refusal::StepNotExpected);
        }
    }
    Ok(Step::Done(None))
}

/// Ends an open payment whose time is over, unless a try is in flight: then the end of that try, or of
/// its period, decides (row 17). The timer looks again all the same: a node with a slower clock may see
/// that end before the payment's time is over, and then nobody else would come back.
fn expire(payment: &mut Payment, ctx: &Context<'_>, fx: &mut Effects) {
    if !payment.is_open() {
        return;
    }
    if payment.expires_at > ctx.now {
        fx.set_timer(payment, (TimerKind::Expiry, 0), payment.expires_at, 0);
    } else if payment.try_in_flight().is_some() {
        let again_at = ctx.now.plus_millis(LOOK_AGAIN_MS);
        fx.set_timer(payment, (TimerKind::Expiry, 0), again_at, 0);
    } else {
        end(payment, EndReason::Expired, ctx, fx);
    }
}

/// Turns what is to be told into events and callbacks that show the payment as it is saved.
fn make_events(payment: &mut Payment, ctx: &Context<'_>, fx: &mut Effects) {
    let told = std::mem::take(&mut fx.told);
    let first = payment.counters.events + 1;
    for (number, (kind, _)) in (first..).zip(&told) {
        payment.counters.events = number;
        make_deliveries(number, *kind, payment, ctx, fx);
    }
    for (number, (kind, operation)) in (first..).zip(told) {
        let payment = payment.clone();
        fx.events.push(Event {
            number,
            kind,
            operation,
            payment,
            at: ctx.now,
        });
    }
}

fn make_deliveries(
    event: u32,
    kind: EventKind,
    payment: &mut Payment,
    ctx: &Context<'_>,
    fx: &mut Effects,
) {
    let settings = &ctx.project.settings;
    // What leads the payer is never held back.
    let leads = kind == EventKind::ActionRequired;
    if payment.order.callbacks_disabled && !leads {
        return;
    }
    let delay_ms = if leads {
        0
    } else {
        payment.order.callback_delay_ms
    };
    let due_at = ctx.now.plus_millis(delay_ms);
    let own = payment.order.callback_url.clone();
    let targets: Vec<_> = match (&settings.dynamic_endpoint, own) {
        // An address that the payment brings takes the place of the project's own ones.
        (Some(template), Some(url)) => vec![(template, url)],
        (None, _) | (_, None) => settings
            .endpoints
            .iter()
            .map(|e| (e, e.url.clone()))
            .collect(),
    };
    for (endpoint, url) in targets
        .into_iter()
        .filter(|(endpoint, _)| endpoint.wants(kind))
    {
        payment.counters.deliveries += 1;
        let number = payment.counters.deliveries;
        fx.deliveries.push(Delivery {
            number,
            event,
            endpoint: endpoint.id.clone(),
            url,
            state: DeliveryState::Waiting,
            attempts: 0,
            rendered: None,
        });
        fx.set_timer(payment, (TimerKind::Callback, number), due_at, 0);
    }
}

/// A minor amount of the payment's currency as asked by a merchant.
pub(crate) fn asked(payment: &Payment, amount: i64) -> Result<Money, Refusal> {
    match Money::new(amount, payment.amount.currency()) {
        Ok(money) if !money.is_zero() => Ok(money),
        Ok(_) | Err(_) => Err(Refusal::AmountInvalid),
    }
}
