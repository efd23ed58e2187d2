//! Invitations: how people become known.

use altyn_domain::{Permission, TokenId};
use altyn_engine::{AcceptInvitation, InvitationView, NewInvitation};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::bearer::{Acting, Address};
use super::extract::{Body, Id, Query};
use super::instant::Instant;
use super::paging::{Page, PageQuery};
use super::people::{SessionBegun, agent, begun, count_attempt};
use super::place::Place;
use super::problem::Problem;
use super::words::RoleWord;
use super::{BackOffice, Routes, Rule};

const LIST: &str = "invitations";

/// This group's end points.
pub(super) fn routes() -> Routes {
    let manage = Rule::Needs(Permission::UsersManage);
    Routes::new()
        .add(Rule::Needs(Permission::UsersView), routes!(list))
        .add(manage, routes!(invite))
        .add(manage, routes!(withdraw))
        .add(Rule::Open, routes!(accept))
}

/// An open invitation. Its text is shown once, when it is made.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "tok_019f0e6b7c107a3f8b2c4d5e6f708192",
    "email": "support@shop.example",
    "role": "support",
    "place": {"kind": "merchant", "id": "mrc_019f0e6b7c107a3f8b2c4d5e6f708192"},
    "invited_by": "usr_019f0e6b7c107a3f8b2c4d5e6f708192",
    "created_at": "2026-11-22T09:30:00Z",
    "expires_at": "2026-11-29T09:30:00Z"
}))]
struct Invitation {
    /// Its id, by which it is withdrawn.
    id: String,
    /// The invited person's e-mail address.
    email: String,
    /// What the person is to be there for.
    role: RoleWord,
    /// Where in the tree of owners.
    place: Place,
    /// Who invited.
    invited_by: String,
    /// When.
    created_at: Instant,
    /// When it ends.
    expires_at: Instant,
}

impl From<InvitationView> for Invitation {
    fn from(view: InvitationView) -> Self {
        Self {
            id: view.id.to_string(),
            email: view.email,
            role: RoleWord(view.role),
            place: view.scope.into(),
            invited_by: view.invited_by.to_string(),
            created_at: Instant(view.created_at),
            expires_at: Instant(view.expires_at),
        }
    }
}

/// List open invitations
///
/// Those in reach, the newest first.
#[utoipa::path(
    get,
    path = "/invitations",
    tag = "People",
    operation_id = "listInvitations",
    params(PageQuery),
    responses((status = 200, description = "A page of invitations.", body = Page<Invitation>))
)]
async fn list(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Invitation>>, Problem> {
    let limit = page.limit()?;
    let found = office
        .engine()
        .invitations(&caller, page.after(LIST)?, limit + 1);
    Ok(Page::of(LIST, found.await?, limit, |one| one.id))
}

/// Whom to invite, and to what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "email": "support@shop.example",
    "role": "support",
    "place": {"kind": "merchant", "id": "mrc_019f0e6b7c107a3f8b2c4d5e6f708192"}
}))]
struct InvitationRequest {
    /// The person's e-mail address.
    email: String,
    /// What the person is to be there for. Nobody gives more than he has.
    role: RoleWord,
    /// Where in the tree of owners, in the caller's reach.
    place: Place,
}

/// An invitation with its text.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "secret": "alti_Qm8x…",
    "invitation": {
        "id": "tok_019f0e6b7c107a3f8b2c4d5e6f708192",
        "email": "support@shop.example",
        "role": "support",
        "place": {"kind": "merchant", "id": "mrc_019f0e6b7c107a3f8b2c4d5e6f708192"},
        "invited_by": "usr_019f0e6b7c107a3f8b2c4d5e6f708192",
        "created_at": "2026-11-22T09:30:00Z",
        "expires_at": "2026-11-29T09:30:00Z"
    }
}))]
struct InvitationMade {
    /// The text to be passed to the person; shown here and never again.
    secret: String,
    /// The invitation.
    invitation: Invitation,
}

/// Invite a person
///
/// The text of the invitation goes to the person by a way of yours; it holds for seven days, and only as long as
/// who made it may still make it.
#[utoipa::path(
    post,
    path = "/invitations",
    tag = "People",
    operation_id = "invite",
    request_body = InvitationRequest,
    responses((status = 201, description = "Invited.", body = InvitationMade))
)]
async fn invite(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Body(request): Body<InvitationRequest>,
) -> Result<(StatusCode, Json<InvitationMade>), Problem> {
    let new = NewInvitation {
        scope: request.place.read("place")?,
        email: request.email,
        role: request.role.0,
    };
    let (view, secret) = office.engine().invite(&caller, new).await?;
    let made = InvitationMade {
        secret: secret.expose().to_owned(),
        invitation: view.into(),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Withdraw an invitation
///
/// Its text lets nobody in any more.
#[utoipa::path(
    delete,
    path = "/invitations/{id}",
    tag = "People",
    operation_id = "withdrawInvitation",
    params(("id" = String, Path, description = "The invitation's id.")),
    responses((status = 204, description = "Withdrawn."))
)]
async fn withdraw(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<TokenId>,
) -> Result<StatusCode, Problem> {
    office.engine().withdraw_invitation(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a person follows an invitation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "token": "alti_Qm8x…",
    "name": "Support",
    "password": "7 copper kettles on a stove",
    "cookie": true
}))]
struct InvitationAcceptance {
    /// The text of the invitation.
    token: String,
    /// The person's name: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The password that the person chose: 12 to 128 characters with letters and digits, not
    /// one that is tried first.
    #[schema(format = Password, min_length = 12, max_length = 128)]
    password: String,
    /// Whether the session is kept in the browser's cookie, as in signing in.
    #[serde(default)]
    cookie: bool,
}

/// Follow an invitation
///
/// The person is made known and let in, and the invitation ends. An unknown, used, withdrawn or expired one is
/// `not_found`.
#[utoipa::path(
    post,
    path = "/invitations/accept",
    tag = "Signing in",
    operation_id = "acceptInvitation",
    request_body = InvitationAcceptance,
    responses(
        (status = 201, description = "Known, and let in.", body = SessionBegun),
        (status = 404, description = "No such open invitation.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`email_taken`: somebody with this e-mail address is known already.", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts` from this address; `Retry-After` says how long.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn accept(
    State(office): State<BackOffice>,
    Address(address): Address,
    headers: HeaderMap,
    Body(request): Body<InvitationAcceptance>,
) -> Result<Response, Problem> {
    count_attempt(&office, address)?;
    let acceptance = AcceptInvitation {
        token: request.token,
        name: request.name,
        password: request.password,
        address,
        agent: agent(&headers),
    };
    let let_in = office.engine().accept_invitation(acceptance).await?;
    Ok(begun(&office, StatusCode::CREATED, &let_in, request.cookie))
}
