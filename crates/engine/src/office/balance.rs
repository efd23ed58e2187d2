//! Giving back what nobody needed: the money of a customer's balance, and what waits in suspense.
//!
//! All money on a balance came in with surplus tries, so it goes back the way it came: through the gateway of
//! one such try. Which one is found here, or the caller names it.

use std::collections::HashSet;

use altyn_domain::{
    BalanceKey, CustomerId, EntryKind, Money, Operation, OperationKind, OperationState, Payment,
    PaymentId, Permission, Project, ProjectId, RefundAbility, Refusal,
};
use serde_json::json;

use super::undoing::{Undone, Why};
use super::{is_customer, minor_of};
use crate::{Caller, Engine, OfficeError, Owner, Reach, SurplusReturn, Wait};

/// A statement is looked through so far for surpluses: pages of so many lines. Who has more movements must
/// be told which surplus is meant.
const PAGES_MAX: u32 = 40;
const LOOK_PAGE: u32 = 250;

/// So many surpluses are named when none is enough.
const NAMED_MAX: usize = 10;

/// A surplus try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SurplusPlace {
    /// The payment.
    pub payment_id: PaymentId,
    /// The number of the try.
    pub operation: u32,
}

/// Balance money to be given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceReturn {
    /// How much.
    pub amount: Money,
    /// From which surplus; by default the newest that is enough.
    pub surplus: Option<SurplusPlace>,
}

/// What is needed to give this surplus back: it matters whose money it is.
pub(super) fn permission_of(surplus: &Operation) -> Permission {
    if surplus.credited {
        Permission::BalanceRefund
    } else {
        Permission::PaymentsManage
    }
}

/// A surplus that was credited to a balance, and what it can give.
#[derive(Debug)]
struct Source {
    place: SurplusPlace,
    left: i64,
    /// Whether only all of it at once.
    whole_only: bool,
}

impl Source {
    fn gives(&self, amount: i64) -> bool {
        amount == self.left || (amount < self.left && !self.whole_only)
    }
}

fn is_surplus(operation: &Operation) -> bool {
    operation.surplus
        && operation.kind == OperationKind::Sale
        && operation.state == OperationState::Succeeded
}

/// The credited surpluses of a payment that have something left.
fn sources_of(payment: &Payment, project: &Project) -> Vec<Source> {
    let credited = payment.operations.iter();
    let credited = credited.filter(|o| is_surplus(o) && o.credited);
    let mut sources: Vec<Source> = credited
        .map(|surplus| {
            let left = payment.surplus_left(surplus);
            let method = project.method(&surplus.method);
            let partial = method.is_none_or(|m| m.refunds == RefundAbility::Partial);
            // A method that gives back only the whole gives nothing once a part is gone.
            let broken = !partial && left < surplus.at_gateway();
            Source {
                place: SurplusPlace {
                    payment_id: payment.id,
                    operation: surplus.number,
                },
                left: if broken { 0 } else { left },
                whole_only: !partial,
            }
        })
        .filter(|source| source.left > 0)
        .collect();
    sources.reverse();
    sources
}

/// Where a return of balance money comes from.
enum Chosen {
    /// From this surplus.
    From(SurplusPlace),
    /// It was made before, in this payment.
    Before(SurplusPlace),
}

impl Engine {
    /// Gives the money of a surplus try back through its gateway, from suspense or from the customer's
    /// balance, wherever it stands; `None` for all that is left.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_return_surplus(
        &self,
        caller: &Caller,
        place: SurplusPlace,
        amount: Option<Money>,
        why: &Why,
    ) -> Result<Undone, OfficeError> {
        if is_customer(caller) {
            return Err(OfficeError::Forbidden(Permission::PaymentsManage));
        }
        caller.require(Permission::PaymentsView)?;
        why.check()?;
        let reach = self.reach(caller);
        let payment = self.payment_in_reach(&reach, place.payment_id).await?;
        let surplus = payment.operation(place.operation).filter(|o| is_surplus(o));
        let surplus = surplus.ok_or(OfficeError::NotFound)?;
        caller.require(permission_of(surplus))?;
        let amount = minor_of(amount, &payment)?;
        let owner = reach.owner(payment.project_id)?;
        let mut detail = why.detail(amount, &payment);
        detail["operation"] = json!(place.operation);
        let (project, action) = (payment.project_id, "payment.surplus_return_asked");
        self.note_asked(caller, project, action, payment.id, detail)
            .await?;
        self.give_back((&reach, &owner), place, amount, why.reference(caller), why)
            .await
    }

    /// Gives money of a customer's balance back through the gateway that it came from.
    ///
    /// # Errors
    /// [`OfficeError::Conflict`] `several_needed` if no single surplus gives that much, with what each gives;
    /// see [`OfficeError`].
    pub async fn office_refund_balance(
        &self,
        caller: &Caller,
        (project_id, customer_id): (ProjectId, CustomerId),
        wanted: &BalanceReturn,
        why: &Why,
    ) -> Result<Undone, OfficeError> {
        caller.require(Permission::BalanceRefund)?;
        why.check()?;
        if wanted.amount.is_zero() {
            return Err(OfficeError::invalid("amount.amount", "must be above zero"));
        }
        let reach = self.reach(caller);
        self.customer_in_reach(&reach, project_id, customer_id)
            .await?;
        let owner = reach.owner(project_id)?;
        let reference = why.reference(caller);
        let chosen = match wanted.surplus {
            Some(place) => {
                let known = self.storage().payment(project_id, place.payment_id).await?;
                let own = known.filter(|payment| payment.customer_id == Some(customer_id));
                let currency = wanted.amount.currency();
                let own = own.filter(|payment| payment.amount.currency() == currency);
                let own = own.ok_or(OfficeError::NotFound)?;
                let surplus = own.operation(place.operation);
                let surplus = surplus.filter(|o| is_surplus(o) && o.credited);
                surplus.ok_or(OfficeError::NotFound)?;
                Chosen::From(place)
            }
            None => {
                self.choose_source(&owner, customer_id, wanted.amount, reference.as_ref())
                    .await?
            }
        };
        let (Chosen::From(place) | Chosen::Before(place)) = chosen;
        let detail = json!({
            "amount": wanted.amount.minor(),
            "currency": wanted.amount.currency().alpha(),
            "payment": place.payment_id.to_string(),
            "operation": place.operation,
            "reason": why.reason,
            "key": why.key,
        });
        let action = "balance.refund_asked";
        self.note_asked(caller, project_id, action, customer_id, detail)
            .await?;
        let amount = Some(wanted.amount.minor());
        self.give_back((&reach, &owner), place, amount, why.reference(caller), why)
            .await
    }

    async fn give_back(
        &self,
        (reach, owner): (&Reach, &Owner),
        place: SurplusPlace,
        amount: Option<i64>,
        reference: Option<String>,
        why: &Why,
    ) -> Result<Undone, OfficeError> {
        let wanted = SurplusReturn {
            surplus: place.operation,
            amount,
            reference,
            reason: why.reason.clone(),
        };
        let answer = self
            .return_surplus(owner, place.payment_id, wanted, Wait::ForOutcome)
            .await?;
        let undone = Undone::of(&answer, reach, OperationKind::Refund, amount)?;
        if undone.operation.parent != Some(place.operation) {
            let words = "the key was used before, for another surplus of this payment";
            return Err(OfficeError::Conflict("key_used", words.to_owned()));
        }
        Ok(undone)
    }

    /// The newest credited surplus that is enough. All of them are looked at before one is chosen: a return
    /// that was made before under the same key is found wherever it was made, so a repeat makes no second
    /// one.
    async fn choose_source(
        &self,
        owner: &Owner,
        customer_id: CustomerId,
        amount: Money,
        reference: Option<&String>,
    ) -> Result<Chosen, OfficeError> {
        let key = BalanceKey {
            customer_id,
            currency: amount.currency(),
        };
        let mut sources = Vec::new();
        for payment in self.credited_payments(owner, key).await? {
            let made = payment.operations.iter().find(|o| {
                reference.is_some()
                    && o.reference.as_ref() == reference
                    && o.credited
                    && o.parent.is_some()
            });
            if let Some(made) = made {
                return Ok(Chosen::Before(SurplusPlace {
                    payment_id: payment.id,
                    operation: made.parent.unwrap_or_default(),
                }));
            }
            sources.extend(sources_of(&payment, owner.project()));
        }
        let balances = self.storage().balances(customer_id).await?;
        let currency = amount.currency();
        let balance = balances.iter().find(|(one, _)| *one == currency);
        let available = balance.map_or(0, |(_, balance)| balance.available());
        if amount.minor() > available {
            let available = Money::new(available, currency).unwrap_or(Money::zero(currency));
            return Err(Refusal::BalanceTooSmall { available }.into());
        }
        let enough = sources.iter().find(|source| source.gives(amount.minor()));
        enough
            .map(|source| Chosen::From(source.place))
            .ok_or_else(|| several_needed(&sources, amount))
    }

    /// The payments whose surplus was credited to a balance, the newest credit first.
    async fn credited_payments(
        &self,
        owner: &Owner,
        key: BalanceKey,
    ) -> Result<Vec<Payment>, OfficeError> {
        let (mut seen, mut payments) = (HashSet::new(), Vec::new());
        let mut after = None;
        for _ in 0..PAGES_MAX {
            let page = self.storage().statement(key, after, LOOK_PAGE).await?;
            let lines = page.lines;
            after = lines
                .last()
                .map(|line| (line.posting.at, line.payment_id, line.posting.number));
            let credits = lines
                .iter()
                .filter(|line| line.posting.entry == EntryKind::Surplus);
            for line in credits {
                if seen.insert(line.payment_id) {
                    let id = line.payment_id;
                    payments.extend(self.storage().payment(owner.project_id(), id).await?);
                }
            }
            if lines.len() < usize::try_from(LOOK_PAGE).unwrap_or(usize::MAX) {
                return Ok(payments);
            }
        }
        let words = "the customer has too many movements: name the surplus to be given back";
        Err(OfficeError::Conflict("surplus_needed", words.to_owned()))
    }
}

fn several_needed(sources: &[Source], amount: Money) -> OfficeError {
    let named: Vec<String> = sources
        .iter()
        .take(NAMED_MAX)
        .map(|source| {
            let left = Money::new(source.left, amount.currency());
            let left = left.map(|money| money.to_string()).unwrap_or_default();
            let whole = if source.whole_only {
                " (only at once)"
            } else {
                ""
            };
            let place = source.place;
            format!(
                "{} operation {} gives {left}{whole}",
                place.payment_id, place.operation
            )
        })
        .collect();
    let mut words = format!("no single surplus gives {amount} back");
    if !named.is_empty() {
        words.push_str(": ");
        words.push_str(&named.join(", "));
    }
    OfficeError::Conflict("several_needed", words)
}
