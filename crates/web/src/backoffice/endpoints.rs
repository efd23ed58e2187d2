//! Where callbacks about a project's payments go.

use altyn_domain::{HttpMethod, Permission, ProjectId};
use altyn_engine::{EndpointChoice, EndpointView, NewEndpoint, Secret};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::bearer::Acting;
use super::etag::{IfMatch, Tagged};
use super::extract::{Body, Id, Ids};
use super::paging::Page;
use super::problem::Problem;
use super::words::{EventWord, HttpMethodWord};
use super::{BackOffice, Routes, Rule};

/// This group's end points.
pub(super) fn routes() -> Routes {
    let rule = Rule::Needs(Permission::CredentialsManage);
    Routes::new()
        .add(rule, routes!(list))
        .add(rule, routes!(create))
        .add(rule, routes!(read))
        .add(rule, routes!(change))
        .add(rule, routes!(delete))
        .add(rule, routes!(rotate))
}

/// Where callbacks go, without the secret that signs them.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "end_5f0c2b7d9e1a4c365f0c2b7d9e1a4c36",
    "format": "rbs",
    "url": "https://shop.example/callback",
    "method": "GET",
    "events": ["captured", "refunded", "try_declined"],
    "attempts_max": 3,
    "retry_pause_ms": 30000,
    "signed_by": "secret"
}))]
struct Endpoint {
    /// Its id within the project.
    id: String,
    /// The format of the callbacks: `rbs` or `ecommpay`.
    format: String,
    /// The address; null of the template for addresses that payments bring.
    url: Option<String>,
    /// How they are sent.
    method: HttpMethodWord,
    /// What is told.
    events: Vec<EventWord>,
    /// How often a callback is tried in all; null where that is the format's own.
    attempts_max: Option<u32>,
    /// Milliseconds between two attempts; null where that is the format's own.
    retry_pause_ms: Option<i64>,
    /// What signs.
    signed_by: SignedBy,
}

/// What signs callbacks: a secret of the endpoint's own, or the project's key of that API.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SignedBy {
    /// A secret of the endpoint's own.
    Secret,
    /// The project's key of that API.
    ProjectKey,
}

fn shown(view: EndpointView) -> Endpoint {
    Endpoint {
        id: view.id,
        format: view.format,
        url: view.url,
        method: HttpMethodWord(view.method),
        events: view.events.into_iter().map(EventWord).collect(),
        attempts_max: view.retries.map(|(attempts, _)| attempts),
        retry_pause_ms: view.retries.map(|(_, pause_ms)| pause_ms),
        signed_by: if view.by_project_key {
            SignedBy::ProjectKey
        } else {
            SignedBy::Secret
        },
    }
}

fn tagged(view: EndpointView) -> Tagged<Endpoint> {
    Tagged {
        tag: view.etag().to_owned(),
        body: shown(view),
    }
}

/// List where a project's callbacks go
///
/// All on one page, the template for addresses that payments bring last.
#[utoipa::path(
    get,
    path = "/projects/{id}/endpoints",
    tag = "Projects",
    operation_id = "listEndpoints",
    params(("id" = String, Path, description = "The project's id.")),
    responses((status = 200, description = "The endpoints.", body = Page<Endpoint>))
)]
async fn list(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<ProjectId>,
) -> Result<Json<Page<Endpoint>>, Problem> {
    let found = office.engine().project_endpoints(&caller, id)?;
    let data = found.into_iter().map(shown).collect();
    Ok(Json(Page { data, next: None }))
}

/// An endpoint to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"format": "rbs", "url": "https://shop.example/callback"}))]
struct EndpointRequest {
    /// The format of the callbacks: `rbs` or `ecommpay`.
    format: String,
    /// The address, http or https, in a public network. Without one it is the template for addresses that
    /// payments bring, of which a project has one at most.
    #[serde(default)]
    url: Option<String>,
    /// How they are sent: `GET` (unless given) or `POST` in `rbs`, always `POST` in `ecommpay`.
    #[serde(default)]
    method: Option<HttpMethodWord>,
    /// What is told; unless given, in `rbs` all that it has words for, in `ecommpay` all.
    #[serde(default)]
    #[schema(min_items = 1)]
    events: Option<Vec<EventWord>>,
    /// How often a callback is tried in all; 3 unless given. Only in `rbs`.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    attempts_max: Option<u32>,
    /// Milliseconds between two attempts; 30 seconds unless given. Only in `rbs`.
    #[serde(default)]
    #[schema(minimum = 1000, maximum = 86_400_000)]
    retry_pause_ms: Option<i64>,
    /// The secret that signs, if the shop has one already: 16 to 256 characters of ASCII without spaces.
    /// Generated unless given. Only in `rbs`: the project's key signs in `ecommpay`.
    #[serde(default)]
    #[schema(min_length = 16, max_length = 256)]
    secret: Option<String>,
}

/// An endpoint with its secret.
#[derive(Serialize, ToSchema)]
struct MadeEndpoint {
    /// The secret that was generated; shown here and never again. Null if it was sent, or if the project's key
    /// signs.
    secret: Option<String>,
    /// The endpoint without it.
    endpoint: Endpoint,
}

fn exposed(secret: Option<Secret>) -> Option<String> {
    secret.map(|secret| secret.expose().to_owned())
}

fn choice(
    (url, method): (Option<String>, Option<HttpMethodWord>),
    events: Option<Vec<EventWord>>,
    (attempts_max, retry_pause_ms): (Option<u32>, Option<i64>),
) -> EndpointChoice {
    let method: Option<HttpMethod> = method.map(|word| word.0);
    EndpointChoice {
        url,
        method,
        events: events.map(|all| all.into_iter().map(|word| word.0).collect()),
        attempts_max,
        retry_pause_ms,
    }
}

/// Say where a project's callbacks go
///
/// The secret that signs them is shown in the answer and never again. A project without a template for
/// addresses that payments bring gets one like this endpoint, with the same secret. `no_project_key`: `ecommpay`
/// needs a key of the project first.
#[utoipa::path(
    post,
    path = "/projects/{id}/endpoints",
    tag = "Projects",
    operation_id = "createEndpoint",
    params(("id" = String, Path, description = "The project's id.")),
    request_body = EndpointRequest,
    responses((status = 201, description = "Made.", body = MadeEndpoint, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn create(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<ProjectId>,
    Body(request): Body<EndpointRequest>,
) -> Result<(StatusCode, Tagged<MadeEndpoint>), Problem> {
    let new = NewEndpoint {
        format: request.format,
        choice: choice(
            (request.url, request.method),
            request.events,
            (request.attempts_max, request.retry_pause_ms),
        ),
        secret: request.secret.map(Secret::new),
    };
    let made = office.engine().create_endpoint(&caller, id, new).await;
    let (view, secret) = made?;
    let made = Tagged {
        tag: view.etag().to_owned(),
        body: MadeEndpoint {
            secret: exposed(secret),
            endpoint: shown(view),
        },
    };
    Ok((StatusCode::CREATED, made))
}

/// Read where callbacks go
///
/// One endpoint of a project in reach.
#[utoipa::path(
    get,
    path = "/projects/{id}/endpoints/{endpoint_id}",
    tag = "Projects",
    operation_id = "readEndpoint",
    params(
        ("id" = String, Path, description = "The project's id."),
        ("endpoint_id" = String, Path, description = "The endpoint's id.")
    ),
    responses((status = 200, description = "The endpoint.", body = Endpoint, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn read(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Ids(project, id): Ids<ProjectId, String>,
) -> Result<Tagged<Endpoint>, Problem> {
    let found = office.engine().project_endpoint(&caller, project, &id);
    Ok(tagged(found?))
}

/// What is to be changed; what is left away stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://shop.example/payments/callback"}))]
struct EndpointPatch {
    /// The address; not of the template.
    #[serde(default)]
    url: Option<String>,
    /// How callbacks are sent.
    #[serde(default)]
    method: Option<HttpMethodWord>,
    /// What is told.
    #[serde(default)]
    #[schema(min_items = 1)]
    events: Option<Vec<EventWord>>,
    /// How often a callback is tried in all.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 100)]
    attempts_max: Option<u32>,
    /// Milliseconds between two attempts.
    #[serde(default)]
    #[schema(minimum = 1000, maximum = 86_400_000)]
    retry_pause_ms: Option<i64>,
}

/// Change where callbacks go
///
/// Callbacks that wait already go to the address of their time.
#[utoipa::path(
    patch,
    path = "/projects/{id}/endpoints/{endpoint_id}",
    tag = "Projects",
    operation_id = "changeEndpoint",
    params(
        ("id" = String, Path, description = "The project's id."),
        ("endpoint_id" = String, Path, description = "The endpoint's id."),
        IfMatch
    ),
    request_body = EndpointPatch,
    responses((status = 200, description = "The endpoint as changed.", body = Endpoint, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn change(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Ids(project, id): Ids<ProjectId, String>,
    expected: IfMatch,
    Body(change): Body<EndpointPatch>,
) -> Result<Tagged<Endpoint>, Problem> {
    let wanted = choice(
        (change.url, change.method),
        change.events,
        (change.attempts_max, change.retry_pause_ms),
    );
    let engine = office.engine();
    let changed = engine.change_endpoint(&caller, project, &id, wanted, expected.tag());
    Ok(tagged(changed.await?))
}

/// Delete an endpoint
///
/// Callbacks that wait for it are given up.
#[utoipa::path(
    delete,
    path = "/projects/{id}/endpoints/{endpoint_id}",
    tag = "Projects",
    operation_id = "deleteEndpoint",
    params(
        ("id" = String, Path, description = "The project's id."),
        ("endpoint_id" = String, Path, description = "The endpoint's id."),
        IfMatch
    ),
    responses((status = 204, description = "Deleted."))
)]
async fn delete(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Ids(project, id): Ids<ProjectId, String>,
    expected: IfMatch,
) -> Result<StatusCode, Problem> {
    let engine = office.engine();
    let deleted = engine.delete_endpoint(&caller, project, &id, expected.tag());
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Another secret of an endpoint.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
struct SecretRotation {
    /// The new secret: 16 to 256 characters of ASCII without spaces; generated unless given.
    #[serde(default)]
    #[schema(min_length = 16, max_length = 256)]
    secret: Option<String>,
}

/// The new secret of an endpoint.
#[derive(Serialize, ToSchema)]
struct RotatedSecret {
    /// The secret that was generated; shown here and never again. Null if it was sent.
    secret: Option<String>,
}

/// Give an endpoint another secret
///
/// It signs from the next callback on; what was sent once is repeated as it was. Endpoints of the project that
/// share the old one, such as the template that was made along, share the new one. `signed_by_project_key`: make
/// another key of the project instead.
#[utoipa::path(
    post,
    path = "/projects/{id}/endpoints/{endpoint_id}/secret",
    tag = "Projects",
    operation_id = "rotateEndpointSecret",
    params(
        ("id" = String, Path, description = "The project's id."),
        ("endpoint_id" = String, Path, description = "The endpoint's id."),
        IfMatch
    ),
    request_body = SecretRotation,
    responses((status = 200, description = "The new secret.", body = RotatedSecret))
)]
async fn rotate(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Ids(project, id): Ids<ProjectId, String>,
    expected: IfMatch,
    Body(rotation): Body<SecretRotation>,
) -> Result<Json<RotatedSecret>, Problem> {
    let typed = rotation.secret.map(Secret::new);
    let engine = office.engine();
    let secret = engine.rotate_endpoint_secret(&caller, project, &id, typed, expected.tag());
    let secret = exposed(secret.await?);
    Ok(Json(RotatedSecret { secret }))
}
