//! The audit trail, read.

use altyn_domain::{Permission, Timestamp};
use altyn_engine::{AuditEntry, AuditPlace, AuditQuery};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::bearer::Acting;
use super::extract::{Query, id_in, maybe};
use super::instant::Instant;
use super::paging::{Page, PageQuery};
use super::problem::Problem;
use super::{BackOffice, Routes, Rule};

const LIST: &str = "audit";

/// Longest action, in characters.
const ACTION_MAX: usize = 100;

/// This group's end points.
pub(super) fn routes() -> Routes {
    Routes::new().add(Rule::Needs(Permission::AuditView), routes!(list))
}

/// Which entries are wanted.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only by this person.
    #[param(example = "usr_019f0e6b7c107a3f8b2c4d5e6f708192")]
    actor: Option<String>,
    /// Only this action.
    #[param(example = "user.signed_in", max_length = 100)]
    action: Option<String>,
    /// How many things at most: 1 to 100, 25 unless given.
    #[param(minimum = 1, maximum = 100, default = 25)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    after: Option<String>,
}

/// Something that somebody did.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "chain": "5b7f8a52-6a0c-4d5e-9f1b-2c3d4e5f6071",
    "number": 7,
    "at": "2026-11-22T09:30:00Z",
    "actor": "usr_019f0e6b7c107a3f8b2c4d5e6f708192",
    "actor_name": "Operator",
    "owner": "019f0e6b-7c10-7a3f-8b2c-4d5e6f708192",
    "action": "user.signed_in",
    "subject": "usr_019f0e6b7c107a3f8b2c4d5e6f708192",
    "detail": {"address": "198.51.100.7"},
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
}))]
struct AuditLine {
    /// The chain that it is a link of: one for each run of the program.
    chain: String,
    /// Its place in the chain, from 1 without gaps.
    number: i64,
    /// When.
    at: Instant,
    /// The person who acted; null for the program and its commands.
    actor: Option<String>,
    /// Who acted, for people.
    actor_name: String,
    /// The reseller, merchant or project that it concerns; null for the whole installation.
    owner: Option<String>,
    /// What was done.
    action: String,
    /// To what: an id, or empty.
    subject: String,
    /// What else is to be known.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
    /// The hash of all of the above and of the entry before it, in hexadecimal digits.
    hash: String,
}

impl From<AuditEntry> for AuditLine {
    fn from(entry: AuditEntry) -> Self {
        Self {
            chain: entry.chain.to_string(),
            number: entry.number,
            at: Instant(entry.at),
            actor: entry.actor.map(|id| id.to_string()),
            actor_name: entry.actor_name,
            owner: entry.scope.map(|id| id.to_string()),
            action: entry.action,
            subject: entry.subject,
            detail: serde_json::from_str(&entry.detail).unwrap_or_default(),
            hash: entry
                .hash
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        }
    }
}

/// A place in the list: microseconds, chain, number.
type Place = (i64, Uuid, i64);

fn place(entry: &AuditEntry) -> Place {
    (entry.at.as_micros(), entry.chain, entry.number)
}

/// Read the audit trail
///
/// What was done in reach, the newest first. Entries are linked by hashes in chains, one for each run of the
/// program, so that an edit or a gap is seen by `altyn audit`.
#[utoipa::path(
    get,
    path = "/audit",
    tag = "Audit trail",
    operation_id = "listAudit",
    params(Filter),
    responses((status = 200, description = "A page of entries.", body = Page<AuditLine>))
)]
async fn list(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<AuditLine>>, Problem> {
    let page = PageQuery::new(filter.limit, filter.after);
    let limit = page.limit()?;
    let after = page.after::<Place>(LIST)?;
    let after = after.map(|(at, chain, number)| AuditPlace {
        at: Timestamp::from_micros(at),
        chain,
        number,
    });
    let actor = maybe("actor", filter.actor.as_deref(), id_in)?;
    if filter
        .action
        .as_ref()
        .is_some_and(|word| word.len() > ACTION_MAX)
    {
        return Err(Problem::invalid_field("action", "is too long"));
    }
    let query = AuditQuery {
        actor,
        action: filter.action,
    };
    let found = office
        .engine()
        .audit_trail(&caller, query, after, limit + 1);
    Ok(Page::of(LIST, found.await?, limit, place))
}
