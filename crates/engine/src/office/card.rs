//! A payment as people see it: one card, and what can be done with it now.

use altyn_domain::{
    CardBrand, DeclineCode, End, Initiator, Operation, OperationId, OperationKind, OperationState,
    Order, Payment, PaymentId, PaymentStatus, Permission, Project, RefundAbility, Timestamp, Way,
};
use altyn_storage::IncidentRecord;
use serde_json::json;
use std::sync::Arc;

use super::is_customer;
use super::payments::PaymentLine;
use crate::{Caller, Engine, OfficeError, Reach};

/// A payment method as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodName {
    /// Its id within the project.
    pub id: String,
    /// Its name; `None` if it has only the usual name of its kind, or is gone.
    pub title: Option<String>,
}

impl MethodName {
    pub(super) fn of(id: &str, project: Option<&Project>) -> Self {
        let known = project.and_then(|project| project.method(id));
        let title = known.map(|method| method.title.clone());
        Self {
            id: id.to_owned(),
            title: title.filter(|title| !title.is_empty()),
        }
    }
}

/// Why a payment failed, as its payer may know: life-cycle rows 7, 9, 11 and 19 decide whether.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibleError {
    /// The reason.
    pub code: DeclineCode,
    /// The gateway's own words.
    pub message: Option<String>,
}

impl VisibleError {
    pub(super) fn of(payment: &Payment) -> Option<Self> {
        let failed = payment.visible_failure()?;
        Some(Self {
            code: failed.decline?,
            message: failed.facts.message.clone(),
        })
    }
}

/// Why an operation failed, for staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationError {
    /// The reason.
    pub code: DeclineCode,
    /// The gateway's own words.
    pub message: Option<String>,
    /// The gateway's own code.
    pub gateway_code: Option<String>,
}

/// A card as staff may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskedCard {
    /// `411111**1111`.
    pub masked: String,
    /// Payment system.
    pub brand: CardBrand,
}

/// An operation, for staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationCard {
    /// The id, which the gateway knows too.
    pub id: OperationId,
    /// Its place within the payment, from 1.
    pub number: u32,
    /// What it does.
    pub kind: OperationKind,
    /// Where it stands.
    pub state: OperationState,
    /// How much, in minor units of the payment's currency.
    pub amount: i64,
    /// The part of it that moves on the customer's balance.
    pub on_balance: i64,
    /// The operation that it follows.
    pub parent: Option<u32>,
    /// The caller's own key of it.
    pub reference: Option<String>,
    /// Why, in the words of whoever asked.
    pub description: Option<String>,
    /// The method that carries it out.
    pub method: MethodName,
    /// Who asked.
    pub initiator: Initiator,
    /// Whether it is a success that the payment did not need, or gives one back.
    pub surplus: bool,
    /// With `surplus`: whether its money stands on the customer's balance, or leaves from there.
    pub credited: bool,
    /// Of a surplus: how much of it can be given back, in minor units.
    pub surplus_left: Option<i64>,
    /// Whether the payment no longer waits for it.
    pub period_over: bool,
    /// Whether the payer must do something.
    pub waits_for_payer: bool,
    /// The card, masked.
    pub card: Option<MaskedCard>,
    /// Why it failed.
    pub error: Option<OperationError>,
    /// The gateway's own id of it.
    pub connector_reference: Option<String>,
    /// The issuer's authorization code.
    pub approval_code: Option<String>,
    /// Retrieval reference number.
    pub rrn: Option<String>,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When it was sent last.
    pub sent_at: Option<Timestamp>,
    /// When its end became known.
    pub finished_at: Option<Timestamp>,
}

impl OperationCard {
    pub(super) fn of(operation: &Operation, payment: &Payment, project: Option<&Project>) -> Self {
        let facts = &operation.facts;
        let is_surplus = operation.surplus && operation.kind == OperationKind::Sale;
        Self {
            id: operation.id,
            number: operation.number,
            kind: operation.kind,
            state: operation.state,
            amount: operation.amount,
            on_balance: operation.on_balance,
            parent: operation.parent,
            reference: operation.reference.clone(),
            description: operation.description.clone(),
            method: MethodName::of(&operation.method, project),
            initiator: operation.initiator,
            surplus: operation.surplus,
            credited: operation.credited,
            surplus_left: is_surplus.then(|| payment.surplus_left(operation)),
            period_over: operation.period_over,
            waits_for_payer: operation.action.is_some() && operation.state.is_open(),
            card: operation.card.as_ref().map(|card| MaskedCard {
                masked: card.masked.clone(),
                brand: card.brand,
            }),
            error: operation.decline.map(|code| OperationError {
                code,
                message: facts.message.clone(),
                gateway_code: facts.gateway_code.clone(),
            }),
            connector_reference: facts.connector_reference.clone(),
            approval_code: facts.approval_code.clone(),
            rrn: facts.rrn.clone(),
            created_at: operation.created_at,
            sent_at: operation.sent_at,
            finished_at: operation.finished_at,
        }
    }
}

/// What the caller can do with a payment now, as far as our own rules know; a command may still be refused.
/// Sums are minor units of the payment's currency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Abilities {
    /// How much can be refunded.
    pub refundable: i64,
    /// Whether only all of it at once can be.
    pub refund_whole_only: bool,
    /// How much can be captured.
    pub capturable: i64,
    /// How much of the hold can be given up.
    pub voidable: i64,
    /// Whether it can be withdrawn.
    pub cancellable: bool,
    /// Whether a try to pay can be begun.
    pub payable: bool,
    /// How much of it the customer's balance can pay.
    pub payable_from_balance: i64,
    /// The surpluses that can be given back: the operation's number, and how much is left.
    pub surplus_returns: Vec<(u32, i64)>,
}

impl Abilities {
    fn manage(&mut self, payment: &Payment, project: Option<&Project>) {
        let status = payment.status();
        if matches!(
            status,
            PaymentStatus::Captured | PaymentStatus::PartiallyRefunded
        ) {
            (self.refundable, self.refund_whole_only) = refundable(payment, project);
        }
        let takes = |o: &Operation| matches!(o.kind, OperationKind::Capture | OperationKind::Void);
        let mut operations = payment.operations.iter();
        let busy = operations.any(|o| takes(o) && o.state.is_open() && !o.surplus);
        if payment.completed_by.is_some() && !busy {
            self.capturable = payment.uncaptured();
            self.voidable = self.capturable;
        }
        self.cancellable = status == PaymentStatus::AwaitingPayment;
    }
}

/// How much of a captured payment its method can give back, and whether only at once.
fn refundable(payment: &Payment, project: Option<&Project>) -> (i64, bool) {
    let left = payment.refundable();
    let (winner, at_gateway) = (payment.winner(), payment.refundable_at_gateway());
    let on_balance = winner.map_or(0, |winner| winner.on_balance);
    let method = winner.and_then(|winner| project?.method(&winner.method));
    let ability = method.map(|method| method.refunds).unwrap_or_default();
    match ability {
        RefundAbility::Partial => (left, false),
        // What is left came from the balance, and goes there.
        RefundAbility::Full | RefundAbility::Never if at_gateway == 0 && on_balance > 0 => {
            (left, false)
        }
        RefundAbility::Full if at_gateway == payment.sums.captured - on_balance => (left, true),
        RefundAbility::Full | RefundAbility::Never => (0, false),
    }
}

/// One payment.
#[derive(Debug, Clone)]
pub struct PaymentCard {
    /// What lists show of it.
    pub line: PaymentLine,
    /// What the merchant registered; for a customer only what a payer sees anyway.
    pub order: Arc<Order>,
    /// Its unpaid end.
    pub end: Option<End>,
    /// The number of the try that paid.
    pub completed_by: Option<u32>,
    /// How many tries are allowed.
    pub tries_max: u32,
    /// How many tries are left.
    pub tries_left: u32,
    /// When to capture by itself.
    pub auto_capture_at: Option<Timestamp>,
    /// When to void by itself.
    pub auto_void_at: Option<Timestamp>,
    /// All operations; none for a customer.
    pub operations: Vec<OperationCard>,
    /// What the caller can do now.
    pub abilities: Abilities,
    /// Where the payer pays, as long as it is open.
    pub pay_url: Option<String>,
    /// Its incidents, if the caller may see such.
    pub incidents: Vec<IncidentRecord>,
    /// How many of them are open, if the caller may see such.
    pub incidents_open: Option<u32>,
}

impl Engine {
    /// One payment. If staff sees a masked card with it, the audit trail tells so, once an hour.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_payment(
        &self,
        caller: &Caller,
        id: PaymentId,
    ) -> Result<PaymentCard, OfficeError> {
        caller.require(Permission::PaymentsView)?;
        let reach = self.reach(caller);
        let payment = self.payment_in_reach(&reach, id).await?;
        self.card(caller, &reach, &payment).await
    }

    pub(super) async fn card(
        &self,
        caller: &Caller,
        reach: &Reach,
        payment: &Payment,
    ) -> Result<PaymentCard, OfficeError> {
        let project = reach.project(payment.project_id).map(|p| &**p);
        let staff = !is_customer(caller);
        if staff && payment.operations.iter().any(|o| o.card.is_some()) {
            self.note_card_read(caller, payment).await?;
        }
        let seen = caller.may(Permission::IncidentsView);
        let incidents = if seen && payment.counters.incidents > 0 {
            self.incidents_of(payment).await?
        } else {
            Vec::new()
        };
        let open = incidents.iter().filter(|one| one.resolved.is_none());
        let open = u32::try_from(open.count()).unwrap_or(u32::MAX);
        let operations = payment.operations.iter().filter(|_| staff);
        let order = if staff {
            payment.order.clone()
        } else {
            Arc::new(Order {
                reference: payment.order.reference.clone(),
                description: payment.order.description.clone(),
                language: payment.order.language,
                return_url: payment.order.return_url.clone(),
                customer: payment.order.customer.clone(),
                ..Order::default()
            })
        };
        Ok(PaymentCard {
            line: PaymentLine::of(payment, project),
            order,
            end: payment.end,
            completed_by: payment.completed_by.filter(|_| staff),
            tries_max: payment.tries_max,
            tries_left: payment.tries_left(),
            auto_capture_at: payment.auto_capture_at,
            auto_void_at: payment.auto_void_at,
            operations: operations
                .map(|o| OperationCard::of(o, payment, project))
                .collect(),
            abilities: self.abilities(caller, payment, project).await?,
            pay_url: (payment.is_open() && self.now() < payment.expires_at)
                .then(|| self.checkout_url(payment.id)),
            incidents,
            incidents_open: seen.then_some(open),
        })
    }

    async fn abilities(
        &self,
        caller: &Caller,
        payment: &Payment,
        project: Option<&Project>,
    ) -> Result<Abilities, OfficeError> {
        let mut able = Abilities::default();
        if caller.may(Permission::PaymentsManage) {
            able.manage(payment, project);
        }
        let surplus = |o: &&Operation| o.surplus && o.kind == OperationKind::Sale;
        for operation in payment.operations.iter().filter(surplus) {
            let needed = super::balance::permission_of(operation);
            let left = payment.surplus_left(operation);
            if left > 0 && caller.may(needed) {
                able.surplus_returns.push((operation.number, left));
            }
        }
        able.payable = caller.may(Permission::PaymentsCreate)
            && payment.is_open()
            && payment.try_in_flight().is_none()
            && payment.tries_left() > 0
            && self.now() < payment.expires_at;
        let customer = payment.customer_id.filter(|_| able.payable);
        if let Some(customer) = customer.filter(|_| payment.way == Way::Purchase) {
            let balances = self.storage().balances(customer).await?;
            let mut balances = balances.into_iter();
            let own = balances.find(|(currency, _)| *currency == payment.amount.currency());
            let available = own.map_or(0, |(_, balance)| balance.available());
            able.payable_from_balance = available.clamp(0, payment.amount.minor());
        }
        Ok(able)
    }

    /// Writes down that somebody looked at a masked card, at most once for each caller, payment and hour.
    async fn note_card_read(&self, caller: &Caller, payment: &Payment) -> Result<(), OfficeError> {
        let look = (caller.user_id(), payment.id);
        if self.looked().is_known(look, self.now()) {
            return Ok(());
        }
        let (project, action) = (payment.project_id, "payment.card_read");
        self.note_asked(caller, project, action, payment.id, json!({}))
            .await?;
        // Only what is written down counts: who hangs up before that is written down the next time.
        self.looked().remember(look, self.now());
        Ok(())
    }
}
