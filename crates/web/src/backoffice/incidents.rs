//! Incidents: what a person must look at.

use altyn_domain::{PaymentId, Permission};
use altyn_engine::office::{IncidentQuery, IncidentRecord};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::extract::id_in;
use super::extract::maybe;
use super::instant::Instant;
use super::payment_shown::PaymentInList;
use super::payments::narrowing;
use super::words::{IncidentWord, VerdictWord, word_in};
use super::{Acting, BackOffice, Body, Ids, Page, PageQuery, Problem, Query, Routes, Rule};

/// This group's end points.
pub(super) fn routes() -> Routes {
    Routes::new()
        .add(Rule::Needs(Permission::IncidentsView), routes!(list))
        .add(Rule::Needs(Permission::IncidentsResolve), routes!(resolve))
}

/// The list's name in cursors.
const LIST: &str = "incidents";

/// Something that a person must look at.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IncidentShown {
    /// The payment.
    #[schema(example = "pay_01a2008d74177eb5b0f046239439ac78")]
    pub payment_id: String,
    /// The project.
    #[schema(example = "prj_01a2008d74177eb5b0f046239439ac78")]
    pub project_id: String,
    /// Its number within the payment, from 1.
    pub number: u32,
    /// What went wrong.
    pub kind: IncidentWord,
    /// The number of the operation it is about.
    pub operation: Option<u32>,
    /// What was seen.
    pub detail: String,
    /// When it was opened.
    pub opened_at: Instant,
    /// When it was closed; null while it is open.
    pub resolved_at: Option<Instant>,
    /// What was written about it.
    pub note: Option<String>,
}

impl From<IncidentRecord> for IncidentShown {
    fn from(record: IncidentRecord) -> Self {
        let (resolved_at, note) = record.resolved.unzip();
        Self {
            payment_id: record.payment_id.to_string(),
            project_id: record.project_id.to_string(),
            number: record.incident.number,
            kind: IncidentWord(record.incident.kind),
            operation: record.incident.operation,
            detail: record.incident.detail,
            opened_at: Instant(record.opened_at),
            resolved_at: resolved_at.map(Instant),
            note,
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
    /// Only of this project.
    project_id: Option<String>,
    /// Only of this merchant's projects.
    merchant_id: Option<String>,
    /// Only of projects under this reseller.
    reseller_id: Option<String>,
    /// Only of this payment.
    payment_id: Option<String>,
    /// Closed ones too.
    #[param(default = false)]
    with_resolved: Option<bool>,
}

/// List incidents
///
/// Those in reach, newest first; only open ones unless `with_resolved`. Of a payment out of reach there are none.
#[utoipa::path(
    get,
    path = "/incidents",
    tag = "Incidents",
    operation_id = "listIncidents",
    params(ListQuery),
    responses((status = 200, description = "A page.", body = Page<IncidentShown>))
)]
async fn list(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<IncidentShown>>, Problem> {
    let page = PageQuery::new(query.limit, query.after);
    let query = IncidentQuery {
        payment_id: maybe("payment_id", query.payment_id.as_deref(), id_in)?,
        narrowing: narrowing(
            query.project_id.as_deref(),
            query.merchant_id.as_deref(),
            query.reseller_id.as_deref(),
        )?,
        with_resolved: query.with_resolved.unwrap_or(false),
        after: page.after(LIST)?,
        limit: page.limit()?,
    };
    let page = office.engine().office_incidents(&caller, &query).await?;
    Ok(Page::new(LIST, page.items, page.next))
}

/// A decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VerdictSent {
    /// `approved` or `declined`: what the gateway confirms of the operation, which must still be open; `noted`:
    /// nothing about it, the incident is only closed.
    #[schema(value_type = VerdictWord)]
    verdict: String,
    /// What was found out.
    #[schema(
        example = "the bank's report has it",
        min_length = 1,
        max_length = 1000
    )]
    note: String,
}

/// Close an incident
///
/// With what a person found out. Conflicts: `incident_closed`, `nothing_to_decide`.
#[utoipa::path(
    post,
    path = "/incidents/{payment_id}/{number}/resolve",
    tag = "Incidents",
    operation_id = "resolveIncident",
    params(
        ("payment_id" = String, Path, description = "The payment."),
        ("number" = u32, Path, description = "The incident's number within the payment."),
    ),
    request_body = VerdictSent,
    responses((status = 200, description = "The payment after it.", body = PaymentInList))
)]
async fn resolve(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Ids(payment_id, number): Ids<PaymentId, u32>,
    Body(sent): Body<VerdictSent>,
) -> Result<Json<PaymentInList>, Problem> {
    let verdict = word_in("verdict", &sent.verdict)?;
    let engine = office.engine();
    let line = engine
        .office_resolve_incident(&caller, payment_id, number, verdict, sent.note)
        .await?;
    Ok(Json(line.into()))
}
