//! Lists of payments.

use altyn_domain::{
    CustomerId, Money, Operation, Payment, PaymentId, PaymentStatus, Permission, Project,
    ProjectId, Sums, Timestamp, Way,
};
use altyn_storage::PaymentSearch;

use super::card::{MethodName, VisibleError};
use super::{Narrowing, Page, page_limit, within};
use crate::{Caller, Engine, OfficeError, Reach};

/// The place of a payment in a list: when it was registered, and its id.
pub type PaymentPlace = (Timestamp, PaymentId);

/// So many payments of one order number are found at most.
const BY_ORDER_MAX: u32 = 50;

/// Which payments are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaymentQuery {
    /// The part of the tree.
    pub narrowing: Narrowing,
    /// Any of these statuses; empty for all.
    pub statuses: Vec<PaymentStatus>,
    /// Only of this customer.
    pub customer_id: Option<CustomerId>,
    /// Registered at or after.
    pub from: Option<Timestamp>,
    /// Registered before.
    pub to: Option<Timestamp>,
    /// Oldest first; else newest first.
    pub ascending: bool,
    /// Only behind this place.
    pub after: Option<PaymentPlace>,
    /// So many at most; 1 to [`PAGE_MAX`](super::PAGE_MAX).
    pub limit: u32,
    /// A payment's id or the number of an order, exact. All that is found is one page.
    pub search: Option<String>,
}

/// A payment in a list. No card data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentLine {
    /// The id.
    pub id: PaymentId,
    /// The project.
    pub project_id: ProjectId,
    /// The project's name.
    pub project_name: String,
    /// The merchant's number of the order.
    pub reference: String,
    /// What is paid for.
    pub description: Option<String>,
    /// The customer, if the project keeps balances and the merchant named one.
    pub customer_id: Option<CustomerId>,
    /// What the merchant calls the customer.
    pub customer_reference: Option<String>,
    /// The dialect it was registered in.
    pub dialect: String,
    /// How the money is to be taken.
    pub way: Way,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub status: PaymentStatus,
    /// What happened to the money.
    pub sums: Sums,
    /// Whether the issuer has taken money back.
    pub charged_back: bool,
    /// The method of the try that paid, else of the newest.
    pub method: Option<MethodName>,
    /// Why it failed, as the payer may know.
    pub error: Option<VisibleError>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When it can no longer be paid.
    pub expires_at: Timestamp,
}

impl PaymentLine {
    pub(super) fn of(payment: &Payment, project: Option<&Project>) -> Self {
        let shown = payment.winner().or_else(|| payment.last_try());
        let method = |attempt: &Operation| MethodName::of(&attempt.method, project);
        Self {
            id: payment.id,
            project_id: payment.project_id,
            project_name: project
                .map(|project| project.name.clone())
                .unwrap_or_default(),
            reference: payment.order.reference.clone(),
            description: payment.order.description.clone(),
            customer_id: payment.customer_id,
            customer_reference: payment.order.customer.id.clone(),
            dialect: payment.dialect.clone(),
            way: payment.way,
            amount: payment.amount,
            status: payment.status(),
            sums: payment.sums,
            charged_back: payment.is_charged_back(),
            method: shown.map(method),
            error: VisibleError::of(payment),
            created_at: payment.created_at,
            updated_at: payment.updated_at,
            expires_at: payment.expires_at,
        }
    }

    pub(super) fn in_reach(payment: &Payment, reach: &Reach) -> Self {
        Self::of(payment, reach.project(payment.project_id).map(|p| &**p))
    }
}

impl Engine {
    /// A page of payments in reach. A customer sees own ones only.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn office_payments(
        &self,
        caller: &Caller,
        query: &PaymentQuery,
    ) -> Result<Page<PaymentLine, PaymentPlace>, OfficeError> {
        caller.require(Permission::PaymentsView)?;
        let reach = self.reach(caller);
        let projects = query.narrowing.projects(&reach)?;
        let customer_id = reach.customer().or(query.customer_id);
        // A customer who asks for somebody else's payments finds none.
        let nobody = query.customer_id.is_some() && query.customer_id != customer_id;
        if projects.is_empty() || nobody {
            return Ok(Page {
                items: Vec::new(),
                next: None,
            });
        }
        let limit = page_limit(query.limit);
        let search = PaymentSearch {
            projects,
            statuses: query.statuses.clone(),
            customer_id,
            from: query.from,
            to: query.to,
            ascending: query.ascending,
            after: query.after,
            limit: limit + 1,
        };
        let page = match query.search.as_deref().map(str::trim) {
            Some(text) if !text.is_empty() => Page {
                items: self.found_payments(&search, text).await?,
                next: None,
            },
            Some(_) | None => {
                let found = self.storage().search_payments(&search).await?;
                Page::cut(found, limit, |payment| (payment.created_at, payment.id))
            }
        };
        Ok(page.map(|payment| PaymentLine::in_reach(&payment, &reach)))
    }

    /// The payments that a text names: by id or by the number of the order.
    async fn found_payments(
        &self,
        search: &PaymentSearch,
        text: &str,
    ) -> Result<Vec<Payment>, OfficeError> {
        let mut found = self
            .storage()
            .payments_by_order(&search.projects, text, BY_ORDER_MAX)
            .await?;
        if let Ok(id) = PaymentId::parse(text)
            && !found.iter().any(|payment| payment.id == id)
        {
            found.extend(self.storage().payment_by_capability(id).await?);
        }
        found.retain(|payment| {
            let mut projects = search.projects.iter();
            projects.any(|(_, project)| *project == payment.project_id)
                && (search.customer_id.is_none() || search.customer_id == payment.customer_id)
                && (search.statuses.is_empty() || search.statuses.contains(&payment.status()))
                && within(payment.created_at, search.from, search.to)
        });
        found.sort_by_key(|payment| (payment.created_at, payment.id));
        if !search.ascending {
            found.reverse();
        }
        Ok(found)
    }
}
