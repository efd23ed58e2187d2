//! Payments: found, looked at, registered, tried.

use altyn_domain::{Customer, PaymentId, Permission};
use altyn_engine::office::{Narrowing, NewPayment, NextStep, PaymentQuery, TryBegun, TryWish};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::amounts::{Sum, money_in};
use super::extract::{Key, maybe};
use super::instant::instant_in;
use super::payment_shown::{
    DeliveryShown, ErrorShown, EventShown, PaymentInList, PaymentShown, PostingShown,
};
use super::words::{CustomerKindWord, HttpMethodWord, WayWord, language_in, word_in};
use super::{Acting, BackOffice, Body, Id, Page, PageQuery, Problem, Query, Routes, Rule, id_in};

/// This group's end points.
pub(super) fn routes() -> Routes {
    let view = Rule::Needs(Permission::PaymentsView);
    let create = Rule::Needs(Permission::PaymentsCreate);
    Routes::new()
        .add(view, routes!(list))
        .add(create, routes!(register))
        .add(view, routes!(read))
        .add(create, routes!(begin_try))
        .add(view, routes!(events))
        .add(view, routes!(deliveries))
        .add(view, routes!(postings))
}

/// The list's name in cursors.
const LIST: &str = "payments";

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// How many things at most: 1 to 100, 25 unless given.
    #[param(minimum = 1, maximum = 100, default = 25)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    after: Option<String>,
    /// Only of this project.
    project_id: Option<String>,
    /// Only of this merchant's projects.
    merchant_id: Option<String>,
    /// Only of projects under this reseller.
    reseller_id: Option<String>,
    /// Any of these statuses, with commas between them.
    #[param(example = "captured,partially_refunded")]
    status: Option<String>,
    /// Only of this customer.
    customer_id: Option<String>,
    /// Registered at or after this instant.
    #[param(example = "2026-11-01T00:00:00Z")]
    from: Option<String>,
    /// Registered before this instant.
    #[param(example = "2026-12-01T00:00:00Z")]
    to: Option<String>,
    /// `desc`, newest first, unless `asc` is given.
    #[param(example = "desc")]
    order: Option<String>,
    /// A payment's id or the number of an order, exact. All that is found is one page.
    #[param(example = "W-1001")]
    search: Option<String>,
}

impl ListQuery {
    fn into_query(self) -> Result<PaymentQuery, Problem> {
        let page = PageQuery::new(self.limit, self.after);
        let statuses = self.status.as_deref().unwrap_or_default();
        let statuses = statuses.split(',').map(str::trim).filter(|s| !s.is_empty());
        Ok(PaymentQuery {
            narrowing: narrowing(
                self.project_id.as_deref(),
                self.merchant_id.as_deref(),
                self.reseller_id.as_deref(),
            )?,
            statuses: statuses
                .map(|word| word_in("status", word))
                .collect::<Result<_, _>>()?,
            customer_id: maybe("customer_id", self.customer_id.as_deref(), id_in)?,
            from: maybe("from", self.from.as_deref(), instant_in)?,
            to: maybe("to", self.to.as_deref(), instant_in)?,
            ascending: match self.order.as_deref() {
                None | Some("desc") => false,
                Some("asc") => true,
                Some(_) => return Err(Problem::invalid_field("order", "must be asc or desc")),
            },
            after: page.after(LIST)?,
            limit: page.limit()?,
            search: self.search,
        })
    }
}

/// The part of the tree that a query names.
pub(super) fn narrowing(
    project: Option<&str>,
    merchant: Option<&str>,
    reseller: Option<&str>,
) -> Result<Narrowing, Problem> {
    Ok(Narrowing {
        project: maybe("project_id", project, id_in)?,
        merchant: maybe("merchant_id", merchant, id_in)?,
        reseller: maybe("reseller_id", reseller, id_in)?,
    })
}

/// List payments
///
/// Payments in reach by registration, newest first. A customer sees own ones only.
#[utoipa::path(
    get,
    path = "/payments",
    tag = "Payments",
    operation_id = "listPayments",
    params(ListQuery),
    responses((status = 200, description = "A page.", body = Page<PaymentInList>))
)]
async fn list(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<PaymentInList>>, Problem> {
    let query = query.into_query()?;
    let page = office.engine().office_payments(&caller, &query).await?;
    Ok(Page::new(LIST, page.items, page.next))
}

/// A payer, as the merchant knows it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct PayerSent {
    /// What the merchant calls the payer. If the project keeps balances, the payer is its customer then.
    #[schema(example = "c-77")]
    id: Option<String>,
    /// `individual` or `company`.
    #[schema(value_type = Option<CustomerKindWord>)]
    kind: Option<String>,
    /// E-mail address.
    #[schema(example = "payer@altyn.example")]
    email: Option<String>,
    /// Phone number.
    phone: Option<String>,
    /// Whole name.
    name: Option<String>,
    /// Country, two capital letters.
    #[schema(example = "KZ")]
    country: Option<String>,
    /// Postal address.
    post_address: Option<String>,
}

/// A payment to be registered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PaymentSent {
    /// The project.
    #[schema(example = "prj_01a2008d74177eb5b0f046239439ac78")]
    project_id: String,
    /// How much; zero only to verify a card.
    amount: Sum,
    /// The merchant's number of the order, used once among the payments of the back office; the payment's
    /// id if it is left away.
    #[schema(example = "W-1001")]
    reference: Option<String>,
    /// What is paid for, for the payer to read.
    #[schema(example = "Two boxes of tea")]
    description: Option<String>,
    /// The payer. A customer who registers a payment is the payer, whatever stands here.
    #[serde(default)]
    payer: PayerSent,
    /// How the money is to be taken; `purchase` if it is left away.
    #[schema(value_type = Option<WayWord>)]
    way: Option<String>,
    /// The language of the payer's page: `ru`, `kk` or `en`; by default the project's.
    #[schema(example = "ru")]
    language: Option<String>,
    /// Where the payer goes afterwards.
    #[schema(example = "https://shop.example/done")]
    return_url: Option<String>,
    /// When it can no longer be paid; by default as the project says.
    #[schema(example = "2026-11-23T09:30:00Z")]
    expires_at: Option<String>,
}

impl PaymentSent {
    fn into_new(self, key: Option<String>) -> Result<NewPayment, Problem> {
        let kind = maybe("payer.kind", self.payer.kind.as_deref(), word_in)?;
        let way = self.way.as_deref().unwrap_or("purchase");
        Ok(NewPayment {
            project_id: id_in("project_id", &self.project_id)?,
            amount: self.amount.money("amount")?,
            reference: self.reference,
            description: self.description,
            customer: Customer {
                id: self.payer.id,
                kind,
                email: self.payer.email,
                phone: self.payer.phone,
                name: self.payer.name,
                country: self.payer.country,
                post_address: self.payer.post_address,
                ..Customer::default()
            },
            way: word_in("way", way)?,
            language: maybe("language", self.language.as_deref(), language_in)?,
            return_url: self.return_url,
            expires_at: maybe("expires_at", self.expires_at.as_deref(), instant_in)?,
            key,
        })
    }
}

/// Register a payment
///
/// An order to be paid. `pay_url` in the answer is where the payer pays. A customer registers own payments,
/// without `reference`, `expires_at` and `return_url`: those are the merchant's. Conflicts: `reference_taken`,
/// `key_used`.
#[utoipa::path(
    post,
    path = "/payments",
    tag = "Payments",
    operation_id = "registerPayment",
    request_body = PaymentSent,
    responses((status = 201, description = "It is registered.", body = PaymentShown))
)]
async fn register(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Key(key): Key,
    Body(sent): Body<PaymentSent>,
) -> Result<(StatusCode, Json<PaymentShown>), Problem> {
    let new = sent.into_new(key)?;
    let made = office
        .engine()
        .office_register_payment(&caller, new)
        .await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Read a payment
///
/// With all its operations, for staff; a customer reads what a payer may know. That staff has seen a masked
/// card number is written to the audit trail.
#[utoipa::path(
    get,
    path = "/payments/{id}",
    tag = "Payments",
    operation_id = "readPayment",
    params(("id" = String, Path, description = "The payment.", example = "pay_01a2008d74177eb5b0f046239439ac78")),
    responses((status = 200, description = "The payment.", body = PaymentShown))
)]
async fn read(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<PaymentId>,
) -> Result<Json<PaymentShown>, Problem> {
    Ok(Json(
        office.engine().office_payment(&caller, id).await?.into(),
    ))
}

/// A try to pay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TrySent {
    /// The id of the method; without one, and for cards, the payer goes to Checkout.
    #[schema(example = "wallet")]
    method: Option<String>,
    /// What the customer's balance pays: all of it needs no method.
    from_balance: Option<Sum>,
}

/// What the payer does next.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
enum NextShown {
    /// Open this address in a browser: Checkout, or the gateway's own page.
    Open {
        /// The address.
        url: String,
        /// `GET` or `POST`.
        method: HttpMethodWord,
        /// The fields of the form, if it is a POST.
        fields: std::collections::BTreeMap<String, String>,
    },
    /// Wait: the gateway has not told the end.
    Wait,
    /// Nothing: it is paid.
    Paid,
    /// Try again, if a try is left.
    Failed {
        /// Why.
        error: ErrorShown,
    },
}

impl From<NextStep> for NextShown {
    fn from(next: NextStep) -> Self {
        match next {
            NextStep::Open {
                url,
                method,
                fields,
            } => Self::Open {
                url,
                method: HttpMethodWord(method),
                fields,
            },
            NextStep::Wait => Self::Wait,
            NextStep::Paid => Self::Paid,
            NextStep::Failed(error) => Self::Failed {
                error: error.into(),
            },
        }
    }
}

/// A try that was begun, or the place where it can be.
#[derive(Debug, Serialize, ToSchema)]
struct TryShown {
    /// The number of the try; null if it begins at Checkout.
    operation: Option<u32>,
    /// What the payer does next.
    next: NextShown,
    /// The payment after it.
    payment: PaymentShown,
}

impl From<TryBegun> for TryShown {
    fn from(begun: TryBegun) -> Self {
        Self {
            operation: begun.operation,
            next: begun.next.into(),
            payment: begun.payment.into(),
        }
    }
}

/// Begin a try to pay
///
/// By a wallet, from the customer's balance, or in part by each. Staff who spend a balance need
/// `balance_refund` as well. Cards are typed in at Checkout alone: the answer then leads there, and nothing
/// has begun.
#[utoipa::path(
    post,
    path = "/payments/{id}/tries",
    tag = "Payments",
    operation_id = "beginTry",
    params(("id" = String, Path, description = "The payment.")),
    request_body = TrySent,
    responses((status = 200, description = "What the payer does next.", body = TryShown))
)]
async fn begin_try(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<PaymentId>,
    Body(sent): Body<TrySent>,
) -> Result<Json<TryShown>, Problem> {
    let wish = TryWish {
        from_balance: money_in("from_balance", sent.from_balance.as_ref())?,
        method: sent.method,
    };
    let begun = office.engine().office_begin_try(&caller, id, &wish).await?;
    Ok(Json(begun.into()))
}

/// List what happened to a payment
///
/// Everything the merchant is told of, oldest first. Not for customers.
#[utoipa::path(
    get,
    path = "/payments/{id}/events",
    tag = "Payments",
    operation_id = "listPaymentEvents",
    params(("id" = String, Path, description = "The payment.")),
    responses((status = 200, description = "All of it.", body = Page<EventShown>))
)]
async fn events(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<PaymentId>,
) -> Result<Json<Page<EventShown>>, Problem> {
    let found = office.engine().office_events(&caller, id).await?;
    Ok(Page::whole(found))
}

/// List the callbacks of a payment
///
/// Each with its attempts, oldest first, without its text. Not for customers.
#[utoipa::path(
    get,
    path = "/payments/{id}/deliveries",
    tag = "Payments",
    operation_id = "listPaymentDeliveries",
    params(("id" = String, Path, description = "The payment.")),
    responses((status = 200, description = "All of them.", body = Page<DeliveryShown>))
)]
async fn deliveries(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<PaymentId>,
) -> Result<Json<Page<DeliveryShown>>, Problem> {
    let found = office.engine().office_deliveries(&caller, id).await?;
    Ok(Page::whole(found))
}

/// List the postings of a payment
///
/// Its movements in the ledger, oldest first. Not for customers.
#[utoipa::path(
    get,
    path = "/payments/{id}/postings",
    tag = "Payments",
    operation_id = "listPaymentPostings",
    params(("id" = String, Path, description = "The payment.")),
    responses((status = 200, description = "All of them.", body = Page<PostingShown>))
)]
async fn postings(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<PaymentId>,
) -> Result<Json<Page<PostingShown>>, Problem> {
    let found = office.engine().office_postings(&caller, id).await?;
    Ok(Page::whole(found))
}
