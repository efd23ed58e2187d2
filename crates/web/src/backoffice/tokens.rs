//! API tokens: what lets a person's programs in.

use altyn_domain::{Permission, TokenId};
use altyn_engine::{ApiTokenView, NewApiToken};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::bearer::Acting;
use super::extract::{Body, Id, networks_in};
use super::instant::Instant;
use super::paging::Page;
use super::problem::Problem;
use super::routes::in_order;
use super::words::PermissionWord;
use super::{BackOffice, Routes, Rule};

/// This group's end points.
pub(super) fn routes() -> Routes {
    let own = Rule::Needs(Permission::Own);
    Routes::new()
        .add(Rule::SignedIn, routes!(list))
        .add(own, routes!(create))
        .add(own, routes!(end))
}

/// An API token. Its text is shown once, when it is made.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "tok_019f0e6b7c107a3f8b2c4d5e6f708192",
    "name": "Nightly export",
    "permissions": ["payments_view"],
    "allow_list": ["198.51.100.0/24"],
    "created_at": "2026-11-22T09:30:00Z",
    "seen_at": "2026-11-22T09:30:00Z",
    "expires_at": "2027-05-22T00:00:00Z"
}))]
struct ApiToken {
    /// Its id, by which it is ended.
    id: String,
    /// What it is for, in words.
    name: String,
    /// What it may do, as long as its person may.
    permissions: Vec<PermissionWord>,
    /// Networks it may be used from; empty for anywhere.
    allow_list: Vec<String>,
    /// When it was made.
    created_at: Instant,
    /// When it was used last, to the minute.
    seen_at: Instant,
    /// When it ends.
    expires_at: Instant,
}

fn shown(view: ApiTokenView) -> ApiToken {
    ApiToken {
        id: view.id.to_string(),
        name: view.name,
        permissions: view.permissions.into_iter().map(PermissionWord).collect(),
        allow_list: view.allow_list.iter().map(ToString::to_string).collect(),
        created_at: Instant(view.created_at),
        seen_at: Instant(view.seen_at),
        expires_at: Instant(view.expires_at),
    }
}

/// List one's API tokens
///
/// The caller's living API tokens, the newest first, all on one page. A program sees only the one it shows.
#[utoipa::path(
    get,
    path = "/tokens",
    tag = "API tokens",
    operation_id = "listTokens",
    responses((status = 200, description = "The tokens.", body = Page<ApiToken>))
)]
async fn list(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
) -> Result<Json<Page<ApiToken>>, Problem> {
    let found = office.engine().api_tokens(&caller).await?;
    Ok(Page::whole(found.into_iter().map(shown)))
}

/// An API token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "password": "7 copper kettles on a stove",
    "name": "Nightly export",
    "permissions": ["payments_view"],
    "expires_at": "2027-05-22T00:00:00Z",
    "allow_list": ["198.51.100.0/24"]
}))]
struct ApiTokenRequest {
    /// The caller's password: a session alone makes no token that outlives it.
    #[schema(format = Password)]
    password: String,
    /// What it is for, in words: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it may do, at most: some that the caller has, and never `own`.
    #[schema(min_items = 1)]
    permissions: Vec<PermissionWord>,
    /// When it ends: at most a year from now.
    expires_at: Instant,
    /// Networks or addresses it may be used from; empty for anywhere.
    #[serde(default)]
    allow_list: Vec<String>,
}

/// An API token with its text.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "secret": "altt_GfN3…",
    "token": {
        "id": "tok_019f0e6b7c107a3f8b2c4d5e6f708192",
        "name": "Nightly export",
        "permissions": ["payments_view"],
        "allow_list": [],
        "created_at": "2026-11-22T09:30:00Z",
        "seen_at": "2026-11-22T09:30:00Z",
        "expires_at": "2027-05-22T00:00:00Z"
    }
}))]
struct ApiTokenMade {
    /// The text to be shown as `Authorization: Bearer …`; shown here and never again.
    secret: String,
    /// The token.
    token: ApiToken,
}

/// Make an API token
///
/// For a program that acts for the caller. It reaches what its person reaches, may do what it was given as long as
/// its person may, and never changes anything of the person. Wrong passwords count as they do at the door, and
/// `locked` follows after too many.
#[utoipa::path(
    post,
    path = "/tokens",
    tag = "API tokens",
    operation_id = "createToken",
    request_body = ApiTokenRequest,
    responses((status = 201, description = "Made.", body = ApiTokenMade))
)]
async fn create(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Body(request): Body<ApiTokenRequest>,
) -> Result<(StatusCode, Json<ApiTokenMade>), Problem> {
    // Nothing that a token could be given may be done before.
    in_order(&caller)?;
    let new = NewApiToken {
        name: request.name,
        permissions: request.permissions.into_iter().map(|one| one.0).collect(),
        expires_at: request.expires_at.0,
        allow_list: networks_in("allow_list", &request.allow_list)?,
    };
    let engine = office.engine();
    let made = engine.create_api_token(&caller, &request.password, new);
    let (view, secret) = made.await?;
    let made = ApiTokenMade {
        secret: secret.expose().to_owned(),
        token: shown(view),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// End an API token
///
/// It lets in no more, from the next request on.
#[utoipa::path(
    delete,
    path = "/tokens/{id}",
    tag = "API tokens",
    operation_id = "endToken",
    params(("id" = String, Path, description = "The token's id.")),
    responses((status = 204, description = "Ended."))
)]
async fn end(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<TokenId>,
) -> Result<StatusCode, Problem> {
    office.engine().end_api_token(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
