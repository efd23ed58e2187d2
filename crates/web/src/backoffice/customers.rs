//! Customers, their balances and statements, and giving balance money back.

use altyn_domain::{CustomerId, PaymentId, Permission, ProjectId, Timestamp};
use altyn_engine::office::{
    BalanceReturn, CustomerCard, CustomerPlace, CustomerQuery, CustomerRecord, Narrowing,
    StatementEntry, StatementPlace, SurplusPlace, Why,
};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::amounts::{Amount, Sum, currency_in};
use super::extract::Key;
use super::instant::Instant;
use super::undoing::UndoneShown;
use super::words::{CustomerKindWord, MovementWord};
use super::{
    Acting, BackOffice, Body, Id, Ids, Page, PageQuery, Problem, Query, Routes, Rule, id_in,
};

/// This group's end points.
pub(super) fn routes() -> Routes {
    let view = Rule::Needs(Permission::CustomersView);
    Routes::new()
        .add(view, routes!(list))
        .add(view, routes!(read))
        .add(view, routes!(statement))
        .add(Rule::Needs(Permission::BalanceRefund), routes!(refund))
}

/// The lists' names in cursors.
const LIST: &str = "customers";
const STATEMENT: &str = "statement";

/// A customer of a project.
#[derive(Debug, Serialize, ToSchema)]
struct CustomerShown {
    /// The id.
    #[schema(example = "cus_01a2008d74178eb5b0f046239439ac78")]
    id: String,
    /// The project.
    #[schema(example = "prj_01a2008d74177eb5b0f046239439ac78")]
    project_id: String,
    /// What the merchant calls the customer.
    #[schema(example = "c-77")]
    reference: String,
    /// `individual` or `company`.
    kind: Option<CustomerKindWord>,
    /// Whole name.
    name: Option<String>,
    /// E-mail address.
    #[schema(example = "payer@altyn.example")]
    email: Option<String>,
    /// Phone number.
    phone: Option<String>,
    /// When the customer was met first.
    created_at: Instant,
}

impl From<CustomerRecord> for CustomerShown {
    fn from(customer: CustomerRecord) -> Self {
        Self {
            id: customer.id.to_string(),
            project_id: customer.project_id.to_string(),
            reference: customer.reference,
            kind: customer.kind.map(CustomerKindWord),
            name: customer.name,
            email: customer.email,
            phone: customer.phone,
            created_at: Instant(customer.created_at),
        }
    }
}

/// What stands on a balance.
#[derive(Debug, Serialize, ToSchema)]
struct BalanceShown {
    /// What the project owes the customer, what is reserved included.
    posted: Amount,
    /// The part that payments and returns under way have reserved.
    reserved: Amount,
    /// What can be spent.
    available: Amount,
}

/// A customer with the balances.
#[derive(Debug, Serialize, ToSchema)]
struct CustomerWithBalances {
    /// The customer.
    #[serde(flatten)]
    customer: CustomerShown,
    /// The balances, one a currency.
    balances: Vec<BalanceShown>,
}

impl From<CustomerCard> for CustomerWithBalances {
    fn from(card: CustomerCard) -> Self {
        let balances = card.balances.into_iter();
        Self {
            balances: balances
                .map(|(currency, balance)| BalanceShown {
                    posted: Amount::of(balance.posted, currency),
                    reserved: Amount::of(balance.reserved, currency),
                    available: Amount::of(balance.available(), currency),
                })
                .collect(),
            customer: card.customer.into(),
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// How many things at most: 1 to 100, 25 unless given.
    #[param(minimum = 1, maximum = 100, default = 25)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    after: Option<String>,
    /// Only those whose reference begins so.
    #[param(example = "c-")]
    prefix: Option<String>,
}

/// List a project's customers
///
/// By what the merchant calls them. A customer finds only himself or herself.
#[utoipa::path(
    get,
    path = "/projects/{id}/customers",
    tag = "Customers",
    operation_id = "listCustomers",
    params(("id" = String, Path, description = "The project."), ListQuery),
    responses((status = 200, description = "A page.", body = Page<CustomerShown>))
)]
async fn list(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(project): Id<ProjectId>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<CustomerShown>>, Problem> {
    let page = PageQuery::new(query.limit, query.after);
    let after: Option<CustomerPlace> = page.after(LIST)?;
    let query = CustomerQuery {
        narrowing: Narrowing {
            project: Some(project),
            ..Narrowing::default()
        },
        prefix: query.prefix.unwrap_or_default(),
        after,
        limit: page.limit()?,
    };
    let page = office.engine().office_customers(&caller, &query).await?;
    Ok(Page::new(LIST, page.items, page.next))
}

/// Read a customer
///
/// With what stands on the balances.
#[utoipa::path(
    get,
    path = "/customers/{project_id}/{id}",
    tag = "Customers",
    operation_id = "readCustomer",
    params(
        ("project_id" = String, Path, description = "The project."),
        ("id" = String, Path, description = "The customer."),
    ),
    responses((status = 200, description = "The customer.", body = CustomerWithBalances))
)]
async fn read(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Ids(project, id): Ids<ProjectId, CustomerId>,
) -> Result<Json<CustomerWithBalances>, Problem> {
    let engine = office.engine();
    let card = engine.office_customer(&caller, project, id).await?;
    Ok(Json(card.into()))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StatementQuery {
    /// How many lines at most: 1 to 100, 25 unless given.
    #[param(minimum = 1, maximum = 100, default = 25)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    after: Option<String>,
    /// The currency.
    #[param(example = "KZT")]
    currency: String,
}

/// A line of a statement.
#[derive(Debug, Serialize, ToSchema)]
struct LineShown {
    /// When.
    at: Instant,
    /// What it was.
    kind: MovementWord,
    /// What it changed; below zero if it took.
    change: Amount,
    /// The balance after it.
    balance: Amount,
    /// The payment.
    #[schema(example = "pay_01a2008d74177eb5b0f046239439ac78")]
    payment_id: String,
    /// The number of the operation.
    operation: u32,
    /// The merchant's number of the order.
    #[schema(example = "W-1001")]
    order_reference: String,
}

/// A statement's place in a cursor: when, payment, number, the balance there.
type PlaceInCursor = (Timestamp, PaymentId, u32, i64);

/// Read a statement
///
/// What moved on a customer's balance in one currency, newest first, each line with the balance after it.
#[utoipa::path(
    get,
    path = "/customers/{project_id}/{id}/statement",
    tag = "Customers",
    operation_id = "readStatement",
    params(
        ("project_id" = String, Path, description = "The project."),
        ("id" = String, Path, description = "The customer."),
        StatementQuery,
    ),
    responses((status = 200, description = "A page.", body = Page<LineShown>))
)]
async fn statement(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Ids(project, id): Ids<ProjectId, CustomerId>,
    Query(query): Query<StatementQuery>,
) -> Result<Json<Page<LineShown>>, Problem> {
    let page = PageQuery::new(query.limit, query.after);
    let currency = currency_in("currency", &query.currency)?;
    let after: Option<PlaceInCursor> = page.after(STATEMENT)?;
    let after = after.map(|(at, payment_id, number, balance)| StatementPlace {
        at,
        payment_id,
        number,
        balance,
    });
    let whose = (project, id);
    let found = office
        .engine()
        .office_statement(&caller, whose, currency, after, page.limit()?)
        .await?;
    let line = |entry: StatementEntry| LineShown {
        at: Instant(entry.at),
        kind: MovementWord(entry.kind),
        change: Amount::of(entry.change, currency),
        balance: Amount::of(entry.balance, currency),
        payment_id: entry.payment_id.to_string(),
        operation: entry.operation,
        order_reference: entry.order_reference,
    };
    let place = |place: StatementPlace| -> PlaceInCursor {
        (place.at, place.payment_id, place.number, place.balance)
    };
    let lines: Vec<_> = found.items.into_iter().map(line).collect();
    Ok(Page::new(STATEMENT, lines, found.next.map(place)))
}

/// A surplus that money is to be taken from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SurplusNamed {
    /// The payment.
    #[schema(example = "pay_01a2008d74177eb5b0f046239439ac78")]
    payment_id: String,
    /// The number of its surplus try.
    #[schema(example = 2)]
    operation: u32,
}

/// Balance money to be given back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BalanceRefundSent {
    /// How much.
    amount: Sum,
    /// From which surplus; the newest that is enough if it is left away.
    surplus: Option<SurplusNamed>,
    /// Why, for people.
    #[schema(
        example = "the customer asked for it",
        min_length = 1,
        max_length = 500
    )]
    reason: String,
}

/// Give balance money back
///
/// All money on a balance came in as a surplus of some payment; it goes back through the gateway that it came
/// by. Conflicts: `several_needed` if no single surplus is enough, with what each can give; `surplus_needed` if
/// there are too many to choose from; `key_used`.
#[utoipa::path(
    post,
    path = "/customers/{project_id}/{id}/balance-refunds",
    tag = "Customers",
    operation_id = "refundBalance",
    params(
        ("project_id" = String, Path, description = "The project."),
        ("id" = String, Path, description = "The customer."),
    ),
    request_body = BalanceRefundSent,
    responses((status = 200, description = "The return.", body = UndoneShown))
)]
async fn refund(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Ids(project, id): Ids<ProjectId, CustomerId>,
    Key(key): Key,
    Body(sent): Body<BalanceRefundSent>,
) -> Result<Json<UndoneShown>, Problem> {
    let surplus = match &sent.surplus {
        Some(named) => Some(SurplusPlace {
            payment_id: id_in("surplus.payment_id", &named.payment_id)?,
            operation: named.operation,
        }),
        None => None,
    };
    let wanted = BalanceReturn {
        amount: sent.amount.money("amount")?,
        surplus,
    };
    let why = Why {
        reason: sent.reason,
        key,
    };
    let engine = office.engine();
    let done = engine
        .office_refund_balance(&caller, (project, id), &wanted, &why)
        .await?;
    Ok(Json(done.into()))
}
