//! What people do in the back office with payments, customers' balances and incidents.
//!
//! Every function takes the [`Caller`], asks for a permission, and sees nothing beyond the caller's reach:
//! what is outside looks as if it were not there. What moves money is written to the audit trail before the
//! command is given, so that it is known what was asked for even if the program dies in between.

mod balance;
mod card;
mod customers;
mod details;
mod incidents;
mod looked;
mod paying;
mod payments;
mod undoing;

use std::collections::BTreeSet;

use altyn_domain::{
    MerchantId, Money, Payment, PaymentId, ProjectId, ResellerId, Role, Scope, Timestamp,
};
use altyn_storage::{ProjectKey, StorageError};
use serde_json::Value;

pub use altyn_storage::{CustomerRecord, IncidentRecord};
pub use balance::{BalanceReturn, SurplusPlace};
pub use card::{
    Abilities, MaskedCard, MethodName, OperationCard, OperationError, PaymentCard, VisibleError,
};
pub use customers::{
    CustomerCard, CustomerPlace, CustomerQuery, MovementKind, StatementEntry, StatementPlace,
};
pub use details::{DeliveryCard, EventLine};
pub use incidents::{IncidentPlace, IncidentQuery};
pub(crate) use looked::Looked;
pub use paying::{NewPayment, NextStep, TryBegun, TryWish};
pub use payments::{PaymentLine, PaymentPlace, PaymentQuery};
pub use undoing::{CaptureWish, Undone, Why};

use crate::trail::Act;
use crate::{Caller, Engine, EngineError, OfficeError, Reach};

/// The dialect of payments that are registered in the back office.
pub const BACKOFFICE: &str = "backoffice";

/// So many lines a page has at most.
pub const PAGE_MAX: u32 = 100;

/// How often an audit line is written again because another program was faster.
const NOTES_MAX: u32 = 4;

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, P> {
    /// The lines.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<P>,
}

impl<T, P> Page<T, P> {
    /// A page out of `limit` lines and one more, if there are more.
    fn cut(mut items: Vec<T>, limit: u32, place: impl Fn(&T) -> P) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(place);
        Self { items, next }
    }

    fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U, P> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            next: self.next,
        }
    }
}

/// The part of the tree that a list is narrowed to; empty for all that is in reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// Only this project.
    pub project: Option<ProjectId>,
    /// Only projects of this merchant.
    pub merchant: Option<MerchantId>,
    /// Only projects under this reseller.
    pub reseller: Option<ResellerId>,
}

impl Narrowing {
    /// The projects in reach that are left, in the order of their ids.
    ///
    /// # Errors
    /// [`OfficeError::NotFound`] if it names what is not in reach.
    fn projects(&self, reach: &Reach) -> Result<Vec<ProjectKey>, OfficeError> {
        if self.project.is_some_and(|id| reach.project(id).is_none())
            || self.merchant.is_some_and(|id| !reach.merchant(id))
            || self.reseller.is_some_and(|id| !reach.reseller(id))
        {
            return Err(OfficeError::NotFound);
        }
        let mut projects = reach.projects();
        if let Some(id) = self.project {
            projects.retain(|(_, project)| *project == id);
        }
        for scope in [
            self.merchant.map(Scope::Merchant),
            self.reseller.map(Scope::Reseller),
        ] {
            let Some(scope) = scope else { continue };
            let below: BTreeSet<ProjectId> = reach
                .below(scope)
                .into_iter()
                .map(|(_, project)| project)
                .collect();
            projects.retain(|(_, project)| below.contains(project));
        }
        Ok(projects)
    }
}

fn page_limit(limit: u32) -> u32 {
    limit.clamp(1, PAGE_MAX)
}

fn is_customer(caller: &Caller) -> bool {
    caller.role() == Role::Customer
}

/// Whose keys they are: the person's id, or what the command is called.
fn name_of(caller: &Caller) -> String {
    let person = caller.user_id().map(|id| id.to_string());
    person.unwrap_or_else(|| caller.name().to_owned())
}

/// A text that people write: not empty, without characters that control anything, not too long.
fn checked_text(field: &str, text: &str, most: usize) -> Result<(), OfficeError> {
    let flaw = if text.trim().is_empty() {
        "must not be empty".to_owned()
    } else if text.chars().any(char::is_control) {
        "must be one line".to_owned()
    } else if text.chars().count() > most {
        format!("must not be longer than {most} characters")
    } else {
        return Ok(());
    };
    Err(OfficeError::invalid(field, flaw))
}

/// An amount in the currency of what it belongs to, in minor units.
fn minor_of(amount: Option<Money>, of: &Payment) -> Result<Option<i64>, OfficeError> {
    match amount {
        Some(money) if money.currency() != of.amount.currency() => {
            let currency = of.amount.currency();
            let message = format!("the currency must be {currency}");
            Err(OfficeError::invalid("amount.currency", message))
        }
        Some(money) if money.is_zero() => {
            Err(OfficeError::invalid("amount.amount", "must be above zero"))
        }
        Some(money) => Ok(Some(money.minor())),
        None => Ok(None),
    }
}

impl Reach {
    /// The projects of an owner in the tree, whoever reaches them.
    fn below(&self, scope: Scope) -> Vec<ProjectKey> {
        let mut owner = Caller::command("");
        owner.scope = Some(scope);
        Self::new(self.directory.clone(), &owner).projects()
    }
}

impl Engine {
    /// A payment in reach.
    async fn payment_in_reach(&self, reach: &Reach, id: PaymentId) -> Result<Payment, OfficeError> {
        let found = self.storage().payment_by_capability(id).await?;
        found
            .filter(|payment| reach.holds(payment.project_id, payment.customer_id))
            .ok_or(OfficeError::NotFound)
    }

    /// The address where a payer pays this payment.
    fn checkout_url(&self, id: PaymentId) -> String {
        let base = self.config().public_url.trim_end_matches('/');
        format!("{base}/checkout/{}", id.uuid())
    }

    /// Writes one audit line; another program that writes at the same time is waited for.
    async fn note_one(&self, act: Act) -> Result<(), OfficeError> {
        for _ in 0..NOTES_MAX {
            match self.note(vec![act.clone()]).await {
                Err(StorageError::Conflict) => {}
                other => return Ok(other.map_err(EngineError::beside)?),
            }
        }
        Err(EngineError::Busy.into())
    }

    /// Writes down what a caller asks for, before it is done.
    async fn note_asked(
        &self,
        caller: &Caller,
        project: ProjectId,
        action: &'static str,
        subject: impl std::fmt::Display,
        detail: Value,
    ) -> Result<(), OfficeError> {
        let scope = Some(project.uuid());
        let act = Act::by(caller, scope, action, subject, detail);
        self.note_one(act).await
    }
}

/// Whether an instant lies within these bounds: at or after `from`, before `to`.
fn within(at: Timestamp, from: Option<Timestamp>, to: Option<Timestamp>) -> bool {
    from.is_none_or(|from| from <= at) && to.is_none_or(|to| at < to)
}
