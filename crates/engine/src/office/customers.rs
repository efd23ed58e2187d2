//! Customers with their balances and statements.

use altyn_domain::{
    AccountKind, Balance, BalanceKey, Currency, CustomerId, EntryKind, PaymentId, Permission,
    Posting, ProjectId, Timestamp,
};
use altyn_storage::{CustomerRecord, CustomerSearch, StatementLine};
use serde::{Deserialize, Serialize};

use super::{Narrowing, Page, page_limit};
use crate::{Caller, Engine, OfficeError, Reach};

/// The place of a customer in a list: the project, and what the merchant calls the customer.
pub type CustomerPlace = (ProjectId, String);

/// Which customers are wanted, by what the merchant calls them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerQuery {
    /// The part of the tree.
    pub narrowing: Narrowing,
    /// Only those whose reference begins so.
    pub prefix: String,
    /// Only behind this place.
    pub after: Option<CustomerPlace>,
    /// So many at most; 1 to [`PAGE_MAX`](super::PAGE_MAX).
    pub limit: u32,
}

/// A customer with the balances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerCard {
    /// The customer.
    pub customer: CustomerRecord,
    /// What stands on the balances, by currency, in minor units.
    pub balances: Vec<(Currency, Balance)>,
}

/// What a movement on a balance was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    /// Money that a payment did not need was credited.
    SurplusCredited,
    /// A payment was paid with it.
    PaidFromBalance,
    /// A refund of a payment that the balance had paid came back.
    RefundedToBalance,
    /// Money was given back through the gateway that it came from.
    ReturnedThroughGateway,
    /// Anything else that takes or gives.
    Other,
}

impl MovementKind {
    fn of(posting: &Posting) -> Self {
        let takes = takes(posting);
        match posting.entry {
            EntryKind::Surplus if !takes => Self::SurplusCredited,
            EntryKind::Sale if takes => Self::PaidFromBalance,
            EntryKind::Refund | EntryKind::Reversal if !takes => Self::RefundedToBalance,
            EntryKind::SurplusReturn if takes => Self::ReturnedThroughGateway,
            EntryKind::Surplus
            | EntryKind::Sale
            | EntryKind::Refund
            | EntryKind::Reversal
            | EntryKind::SurplusReturn
            | EntryKind::Hold
            | EntryKind::Capture
            | EntryKind::Void => Self::Other,
        }
    }
}

/// Whether a posting takes from the balance; else it gives to it.
fn takes(posting: &Posting) -> bool {
    posting.debit == AccountKind::CustomerBalance
}

/// What a posting changes on the balance.
fn change(posting: &Posting) -> i64 {
    if takes(posting) {
        -posting.amount
    } else {
        posting.amount
    }
}

/// The place behind a line of a statement, and the balance there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementPlace {
    /// When the line was posted.
    pub at: Timestamp,
    /// Its payment.
    pub payment_id: PaymentId,
    /// Its posting's number within the payment.
    pub number: u32,
    /// The balance before that line, in minor units.
    pub balance: i64,
}

/// A line of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementEntry {
    /// When.
    pub at: Timestamp,
    /// What it was.
    pub kind: MovementKind,
    /// What it changed, in minor units; below zero if it took.
    pub change: i64,
    /// The balance after it.
    pub balance: i64,
    /// The payment.
    pub payment_id: PaymentId,
    /// The operation of the payment.
    pub operation: u32,
    /// The posting's number within the payment.
    pub number: u32,
    /// The merchant's number of the order.
    pub order_reference: String,
}

impl Engine {
    /// A page of customers in reach. A customer finds only himself or herself.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_customers(
        &self,
        caller: &Caller,
        query: &CustomerQuery,
    ) -> Result<Page<CustomerRecord, CustomerPlace>, OfficeError> {
        caller.require(Permission::CustomersView)?;
        let reach = self.reach(caller);
        let projects = query.narrowing.projects(&reach)?;
        if let Some(own) = reach.customer() {
            let mut items = Vec::new();
            if let (Some((_, project)), None) = (projects.first(), &query.after) {
                items.extend(self.storage().customer(*project, own).await?);
            }
            items.retain(|one| one.reference.starts_with(&query.prefix));
            return Ok(Page { items, next: None });
        }
        let limit = page_limit(query.limit);
        let search = CustomerSearch {
            projects,
            reference_prefix: query.prefix.clone(),
            after: query.after.clone(),
            limit: limit + 1,
        };
        let found = if search.projects.is_empty() {
            Vec::new()
        } else {
            self.storage().customers(&search).await?
        };
        let place = |one: &CustomerRecord| (one.project_id, one.reference.clone());
        Ok(Page::cut(found, limit, place))
    }

    /// A customer with the balances.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_customer(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: CustomerId,
    ) -> Result<CustomerCard, OfficeError> {
        caller.require(Permission::CustomersView)?;
        let customer = self
            .customer_in_reach(&self.reach(caller), project, id)
            .await?;
        Ok(CustomerCard {
            balances: self.storage().balances(id).await?,
            customer,
        })
    }

    pub(super) async fn customer_in_reach(
        &self,
        reach: &Reach,
        project: ProjectId,
        id: CustomerId,
    ) -> Result<CustomerRecord, OfficeError> {
        if !reach.holds(project, Some(id)) {
            return Err(OfficeError::NotFound);
        }
        let found = self.storage().customer(project, id).await?;
        found.ok_or(OfficeError::NotFound)
    }

    /// Movements on a customer's balance, newest first, each with the balance after it.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_statement(
        &self,
        caller: &Caller,
        (project, customer_id): (ProjectId, CustomerId),
        currency: Currency,
        after: Option<StatementPlace>,
        limit: u32,
    ) -> Result<Page<StatementEntry, StatementPlace>, OfficeError> {
        caller.require(Permission::CustomersView)?;
        let reach = self.reach(caller);
        self.customer_in_reach(&reach, project, customer_id).await?;
        let key = BalanceKey {
            customer_id,
            currency,
        };
        let limit = page_limit(limit);
        let behind = after.map(|place| (place.at, place.payment_id, place.number));
        let page = self.storage().statement(key, behind, limit + 1).await?;
        let mut balance = after.map_or(page.balance.posted, |place| place.balance);
        let entry = |line: StatementLine| {
            let posting = line.posting;
            let entry = StatementEntry {
                at: posting.at,
                kind: MovementKind::of(&posting),
                change: change(&posting),
                balance,
                payment_id: line.payment_id,
                operation: posting.operation,
                number: posting.number,
                order_reference: line.order_reference,
            };
            balance -= entry.change;
            entry
        };
        let entries: Vec<_> = page.lines.into_iter().map(entry).collect();
        Ok(Page::cut(entries, limit, |last| StatementPlace {
            at: last.at,
            payment_id: last.payment_id,
            number: last.number,
            balance: last.balance - last.change,
        }))
    }
}
