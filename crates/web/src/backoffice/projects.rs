//! Projects of merchants, and the keys with which their shops call us.

use altyn_domain::{CredentialId, MerchantId, Permission, ProjectId};
use altyn_engine::{
    CredentialKind, CredentialView, ProjectChange, ProjectFacts, ProjectView, credential_kinds,
};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::amounts::CurrencyCode;
use super::bearer::Acting;
use super::etag::{IfMatch, Tagged};
use super::extract::{Body, Id, Ids, Query, id_in, networks_in};
use super::instant::Instant;
use super::methods::Method;
use super::paging::{Page, PageQuery};
use super::problem::Problem;
use super::words::{LanguageWord, SurplusWord};
use super::{BackOffice, Routes, Rule};

const LIST: &str = "projects";
const CREDENTIALS: &str = "credentials";

/// This group's end points.
pub(super) fn routes() -> Routes {
    let manage = Rule::Needs(Permission::ProjectsManage);
    let keys = Rule::Needs(Permission::CredentialsManage);
    Routes::new()
        .add(Rule::Needs(Permission::TreeView), routes!(list))
        .add(manage, routes!(create))
        .add(Rule::Needs(Permission::TreeView), routes!(read))
        .add(manage, routes!(change))
        .add(Rule::Needs(Permission::MethodsView), routes!(offered))
        .add(keys, routes!(list_credentials))
        .add(keys, routes!(create_credential))
        .add(keys, routes!(limit_credential))
        .add(keys, routes!(revoke_credential))
}

/// A project: one shop, site or terminal of a merchant.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "prj_019f0e6b7c107a3f8b2c4d5e6f708192",
    "merchant_id": "mrc_019f0e6b7c107a3f8b2c4d5e6f708192",
    "name": "Tea shop",
    "slug": "tea-shop",
    "default_currency": "KZT",
    "currencies": ["KZT"],
    "language": "ru",
    "session_timeout_min": 20,
    "tries_max": 3,
    "surplus": "return",
    "balances": false,
    "endpoints": [{"id": "shop", "url": "https://shop.example/callback", "format": "rbs"}],
    "created_at": "2026-11-22T09:30:00Z"
}))]
struct Project {
    /// Its id.
    id: String,
    /// The merchant it belongs to; null if it was made by a command and given to nobody.
    merchant_id: Option<String>,
    /// The name payers read.
    name: String,
    /// Short latin name; unique.
    slug: String,
    /// The currency of a payment that names none.
    default_currency: CurrencyCode,
    /// The currencies a payment may be in.
    currencies: Vec<CurrencyCode>,
    /// Default language of pages and messages.
    language: LanguageWord,
    /// Whole minutes in which a payment can be paid, unless the shop says otherwise.
    session_timeout_min: u32,
    /// How many tries a payer has.
    tries_max: u32,
    /// What happens to money that a payment did not need.
    surplus: SurplusWord,
    /// Whether its customers have balances.
    balances: bool,
    /// Where callbacks go.
    endpoints: Vec<CallbackEndpoint>,
    /// When it was made.
    created_at: Instant,
}

/// Where callbacks go.
#[derive(Serialize, ToSchema)]
struct CallbackEndpoint {
    /// Its name within the project.
    id: String,
    /// The address.
    url: String,
    /// The format of the callbacks.
    format: String,
}

impl From<ProjectView> for Project {
    fn from(view: ProjectView) -> Self {
        let facts = view.facts;
        let endpoint = |(id, url, format)| CallbackEndpoint { id, url, format };
        Self {
            id: view.id.to_string(),
            merchant_id: view.merchant_id.map(|id| id.to_string()),
            name: facts.name,
            slug: facts.slug,
            default_currency: CurrencyCode(facts.default_currency),
            currencies: facts.currencies.into_iter().map(CurrencyCode).collect(),
            language: LanguageWord(facts.language),
            session_timeout_min: facts.session_timeout_min,
            tries_max: facts.tries_max,
            surplus: SurplusWord(facts.surplus),
            balances: facts.balances,
            endpoints: view.endpoints.into_iter().map(endpoint).collect(),
            created_at: Instant(view.created_at),
        }
    }
}

/// List projects
///
/// Those in reach, by name.
#[utoipa::path(
    get,
    path = "/projects",
    tag = "Projects",
    operation_id = "listProjects",
    params(PageQuery),
    responses((status = 200, description = "A page of projects.", body = Page<Project>))
)]
async fn list(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Project>>, Problem> {
    let found = office.engine().project_views(&caller)?;
    Page::part(LIST, &query, found, |one| (one.facts.name.clone(), one.id))
}

/// A project to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "merchant_id": "mrc_019f0e6b7c107a3f8b2c4d5e6f708192",
    "name": "Tea shop",
    "slug": "tea-shop",
    "currencies": ["KZT"]
}))]
struct ProjectRequest {
    /// The merchant it belongs to: one in reach.
    merchant_id: String,
    /// The name payers read: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Short latin name: small letters, digits and `-`; unique.
    #[schema(pattern = "^[a-z0-9][a-z0-9-]{0,63}$")]
    slug: String,
    /// The currencies a payment may be in.
    #[schema(min_items = 1)]
    currencies: Vec<CurrencyCode>,
    /// The currency of a payment that names none; the first one unless given.
    #[serde(default)]
    default_currency: Option<CurrencyCode>,
    /// Default language of pages and messages; Russian unless given.
    #[serde(default)]
    language: Option<LanguageWord>,
    /// Whole minutes in which a payment can be paid; 20 unless given.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 527040, default = 20)]
    session_timeout_min: Option<u32>,
    /// How many tries a payer has; 3 unless given.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100, default = 3)]
    tries_max: Option<u32>,
    /// What happens to money that a payment did not need; `balance` only with balances.
    #[serde(default)]
    surplus: Option<SurplusWord>,
    /// Whether its customers have balances.
    #[serde(default)]
    balances: bool,
}

/// Make a project
///
/// Of a merchant in reach.
#[utoipa::path(
    post,
    path = "/projects",
    tag = "Projects",
    operation_id = "createProject",
    request_body = ProjectRequest,
    responses((status = 201, description = "Made.", body = Project, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn create(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Body(request): Body<ProjectRequest>,
) -> Result<(StatusCode, Tagged<Project>), Problem> {
    let merchant: MerchantId = id_in("merchant_id", &request.merchant_id)?;
    let default = request
        .default_currency
        .or(request.currencies.first().copied());
    let Some(default) = default else {
        return Err(Problem::invalid_field("currencies", "must be one at least"));
    };
    let facts = ProjectFacts {
        name: request.name,
        slug: request.slug,
        default_currency: default.0,
        currencies: request.currencies.into_iter().map(|one| one.0).collect(),
        language: request.language.map(|one| one.0).unwrap_or_default(),
        session_timeout_min: request.session_timeout_min.unwrap_or(20),
        tries_max: request.tries_max.unwrap_or(3),
        surplus: request.surplus.map(|one| one.0).unwrap_or_default(),
        balances: request.balances,
    };
    let engine = office.engine();
    let made = engine
        .create_merchant_project(&caller, merchant, facts)
        .await?;
    Ok((StatusCode::CREATED, Tagged::of(made)))
}

/// Read a project
///
/// One in reach.
#[utoipa::path(
    get,
    path = "/projects/{id}",
    tag = "Projects",
    operation_id = "readProject",
    params(("id" = String, Path, description = "The project's id.")),
    responses((status = 200, description = "The project.", body = Project, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn read(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<ProjectId>,
) -> Result<Tagged<Project>, Problem> {
    Ok(Tagged::of(office.engine().project_view(&caller, id)?))
}

/// What is to be changed; what is left away stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"tries_max": 5}))]
struct ProjectPatch {
    /// The name payers read.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Short latin name.
    #[serde(default)]
    slug: Option<String>,
    /// The currencies a payment may be in.
    #[serde(default)]
    currencies: Option<Vec<CurrencyCode>>,
    /// The currency of a payment that names none.
    #[serde(default)]
    default_currency: Option<CurrencyCode>,
    /// Default language of pages and messages.
    #[serde(default)]
    language: Option<LanguageWord>,
    /// Whole minutes in which a payment can be paid.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 527040)]
    session_timeout_min: Option<u32>,
    /// How many tries a payer has.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    tries_max: Option<u32>,
    /// What happens to money that a payment did not need; `balance` only with balances.
    #[serde(default)]
    surplus: Option<SurplusWord>,
    /// Whether its customers have balances.
    #[serde(default)]
    balances: Option<bool>,
}

/// Change a project
///
/// One in reach. Its endpoints, keys and payment methods stay.
#[utoipa::path(
    patch,
    path = "/projects/{id}",
    tag = "Projects",
    operation_id = "changeProject",
    params(("id" = String, Path, description = "The project's id."), IfMatch),
    request_body = ProjectPatch,
    responses((status = 200, description = "The project as changed.", body = Project, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn change(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<ProjectId>,
    expected: IfMatch,
    Body(change): Body<ProjectPatch>,
) -> Result<Tagged<Project>, Problem> {
    let codes = |sent: Vec<CurrencyCode>| sent.into_iter().map(|one| one.0).collect();
    let wanted = ProjectChange {
        name: change.name,
        slug: change.slug,
        default_currency: change.default_currency.map(|one| one.0),
        currencies: change.currencies.map(codes),
        language: change.language.map(|one| one.0),
        session_timeout_min: change.session_timeout_min,
        tries_max: change.tries_max,
        surplus: change.surplus.map(|one| one.0),
        balances: change.balances,
    };
    let engine = office.engine();
    let changed = engine.change_project(&caller, id, wanted, expected.tag());
    Ok(Tagged::of(changed.await?))
}

/// List the payment methods that a project is offered
///
/// Those of the resellers above it, in order, all on one page.
#[utoipa::path(
    get,
    path = "/projects/{id}/methods",
    tag = "Projects",
    operation_id = "listProjectMethods",
    params(("id" = String, Path, description = "The project's id.")),
    responses((status = 200, description = "The payment methods.", body = Page<Method>))
)]
async fn offered(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<ProjectId>,
) -> Result<Json<Page<Method>>, Problem> {
    let found = office.engine().project_methods(&caller, id)?;
    Ok(Page::whole(found))
}

/// A key with which a project's shop calls us, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "crd_019f0e6b7c107a3f8b2c4d5e6f708192",
    "dialect": "rbs",
    "kind": "password",
    "login": "tea-shop-api",
    "allow_list": [],
    "created_at": "2026-11-22T09:30:00Z",
    "revoked_at": null
}))]
struct Credential {
    /// Its id.
    id: String,
    /// The API that it is for: `rbs` or `ecommpay`.
    dialect: String,
    /// `password`, `token` or `key`.
    kind: String,
    /// The login, the first characters of a token, or the project's number of a key.
    login: String,
    /// Networks it may be used from; empty for anywhere.
    allow_list: Vec<String>,
    /// When it was made.
    created_at: Instant,
    /// Since when it acts no more.
    revoked_at: Option<Instant>,
}

impl From<CredentialView> for Credential {
    fn from(view: CredentialView) -> Self {
        Self {
            id: view.id.to_string(),
            dialect: view.dialect,
            kind: view.kind,
            login: view.login,
            allow_list: view.allow_list.iter().map(ToString::to_string).collect(),
            created_at: Instant(view.created_at),
            revoked_at: view.revoked_at.map(Instant),
        }
    }
}

/// List a project's keys
///
/// The newest first, revoked ones too.
#[utoipa::path(
    get,
    path = "/projects/{id}/credentials",
    tag = "Projects",
    operation_id = "listCredentials",
    params(("id" = String, Path, description = "The project's id."), PageQuery),
    responses((status = 200, description = "A page of keys.", body = Page<Credential>))
)]
async fn list_credentials(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<ProjectId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Credential>>, Problem> {
    let found = office.engine().project_credentials(&caller, id)?;
    Page::part(CREDENTIALS, &query, found, |one| {
        std::cmp::Reverse((one.created_at, one.id))
    })
}

/// What kind of key.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CredentialKindWord {
    /// A login with a password (`rbs`).
    Password,
    /// A token (`rbs`).
    Token,
    /// A key that both sides sign with (`ecommpay`).
    Key,
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"dialect": "rbs", "kind": "password", "login": "tea-shop-api"}))]
struct CredentialRequest {
    /// The API that it is for: `rbs` or `ecommpay`.
    dialect: String,
    /// What kind.
    kind: CredentialKindWord,
    /// Of a password: the login, unique in the API.
    #[serde(default)]
    login: Option<String>,
    /// Of a key: the number by which the API knows the project, unique in the API.
    #[serde(default)]
    #[schema(minimum = 1)]
    number: Option<u32>,
    /// Networks or addresses it may be used from; anywhere unless given.
    #[serde(default)]
    allow_list: Vec<String>,
}

impl CredentialRequest {
    fn kind(&mut self) -> Result<CredentialKind, Problem> {
        let (login, number) = (self.login.take(), self.number.take());
        match (self.kind, login, number) {
            (CredentialKindWord::Password, Some(login), None) => {
                Ok(CredentialKind::Password { login })
            }
            (CredentialKindWord::Token, None, None) => Ok(CredentialKind::Token),
            (CredentialKindWord::Key, None, Some(number)) => Ok(CredentialKind::Key { number }),
            (CredentialKindWord::Password, None, _) => {
                Err(Problem::invalid_field("login", "required"))
            }
            (CredentialKindWord::Key, _, None) => Err(Problem::invalid_field("number", "required")),
            (CredentialKindWord::Token | CredentialKindWord::Key, Some(_), _) => {
                Err(Problem::invalid_field("login", "only of a password"))
            }
            (CredentialKindWord::Password | CredentialKindWord::Token, _, Some(_)) => {
                Err(Problem::invalid_field("number", "only of a key"))
            }
        }
    }
}

/// A key with its secret.
#[derive(Serialize, ToSchema)]
struct NewCredential {
    /// The password, the token or the key; shown here and never again.
    secret: String,
    /// The key without it.
    credential: Credential,
}

/// Make a key for a project's shop
///
/// Its secret is shown in the answer and never again.
#[utoipa::path(
    post,
    path = "/projects/{id}/credentials",
    tag = "Projects",
    operation_id = "createCredential",
    params(("id" = String, Path, description = "The project's id.")),
    request_body = CredentialRequest,
    responses((status = 201, description = "Made.", body = NewCredential))
)]
async fn create_credential(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<ProjectId>,
    Body(mut request): Body<CredentialRequest>,
) -> Result<(StatusCode, Json<NewCredential>), Problem> {
    if credential_kinds(&request.dialect).is_none() {
        let words = "no such dialect";
        return Err(Problem::invalid_field("dialect", words));
    }
    let kind = request.kind()?;
    let allowed = networks_in("allow_list", &request.allow_list)?;
    let engine = office.engine();
    let made = engine.create_project_credential(&caller, id, &request.dialect, kind, allowed);
    let (view, secret) = made.await?;
    let made = NewCredential {
        secret: secret.expose().to_owned(),
        credential: view.into(),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Where a key may be used from.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"allow_list": ["198.51.100.0/24"]}))]
struct CredentialLimit {
    /// Networks or addresses; empty for anywhere.
    allow_list: Vec<String>,
}

/// Limit where a key may be used from
///
/// From the next request on.
#[utoipa::path(
    patch,
    path = "/projects/{id}/credentials/{credential_id}",
    tag = "Projects",
    operation_id = "limitCredential",
    params(
        ("id" = String, Path, description = "The project's id."),
        ("credential_id" = String, Path, description = "The key's id.")
    ),
    request_body = CredentialLimit,
    responses((status = 204, description = "Limited."))
)]
async fn limit_credential(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Ids(project, id): Ids<ProjectId, CredentialId>,
    Body(limit): Body<CredentialLimit>,
) -> Result<StatusCode, Problem> {
    let allowed = networks_in("allow_list", &limit.allow_list)?;
    let engine = office.engine();
    engine
        .limit_project_credential(&caller, project, id, allowed)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revoke a key
///
/// It acts no more, from the next request on.
#[utoipa::path(
    delete,
    path = "/projects/{id}/credentials/{credential_id}",
    tag = "Projects",
    operation_id = "revokeCredential",
    params(
        ("id" = String, Path, description = "The project's id."),
        ("credential_id" = String, Path, description = "The key's id.")
    ),
    responses((status = 204, description = "Revoked."))
)]
async fn revoke_credential(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Ids(project, id): Ids<ProjectId, CredentialId>,
) -> Result<StatusCode, Problem> {
    let engine = office.engine();
    engine
        .revoke_project_credential(&caller, project, id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
