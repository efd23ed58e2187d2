//! People in reach, and how others change them.

use altyn_domain::{Permission, UserId};
use altyn_engine::{UserChange, UserView};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::bearer::Acting;
use super::etag::{IfMatch, Tagged};
use super::extract::{Body, Id, Query};
use super::instant::Instant;
use super::paging::{Page, PageQuery};
use super::place::Place;
use super::problem::Problem;
use super::words::RoleWord;
use super::{BackOffice, Routes, Rule};

const LIST: &str = "users";

/// This group's end points.
pub(super) fn routes() -> Routes {
    let view = Rule::Needs(Permission::UsersView);
    let manage = Rule::Needs(Permission::UsersManage);
    Routes::new()
        .add(view, routes!(list))
        .add(view, routes!(read))
        .add(manage, routes!(change))
        .add(manage, routes!(reset_second_factor))
}

/// A person.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "usr_019f0e6b7c107a3f8b2c4d5e6f708192",
    "email": "support@shop.example",
    "name": "Support",
    "role": "support",
    "place": {"kind": "merchant", "id": "mrc_019f0e6b7c107a3f8b2c4d5e6f708192"},
    "second_factor": true,
    "must_change_password": false,
    "locked_until": null,
    "signed_in_at": "2026-11-22T09:30:00Z",
    "created_at": "2026-11-01T08:00:00Z",
    "disabled_at": null
}))]
struct User {
    /// The id.
    id: String,
    /// The e-mail address, in small letters.
    email: String,
    /// The name.
    name: String,
    /// What the person is there for.
    role: RoleWord,
    /// Where in the tree of owners.
    place: Place,
    /// Whether a second factor is set up.
    second_factor: bool,
    /// Whether somebody else set the password.
    must_change_password: bool,
    /// Until when the person is not let in after too many wrong passwords or codes; may be over.
    locked_until: Option<Instant>,
    /// When the person signed in last.
    signed_in_at: Option<Instant>,
    /// When the person was made known.
    created_at: Instant,
    /// Since when the person is not let in.
    disabled_at: Option<Instant>,
}

impl From<UserView> for User {
    fn from(view: UserView) -> Self {
        Self {
            id: view.id.to_string(),
            email: view.email,
            name: view.name,
            role: RoleWord(view.role),
            place: view.scope.into(),
            second_factor: view.second_factor,
            must_change_password: view.must_change_password,
            locked_until: view.locked_until.map(Instant),
            signed_in_at: view.signed_in_at.map(Instant),
            created_at: Instant(view.created_at),
            disabled_at: view.disabled_at.map(Instant),
        }
    }
}

/// List people
///
/// Those in reach, in the order in which they were made known.
#[utoipa::path(
    get,
    path = "/users",
    tag = "People",
    operation_id = "listUsers",
    params(PageQuery),
    responses((status = 200, description = "A page of people.", body = Page<User>))
)]
async fn list(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<User>>, Problem> {
    let limit = page.limit()?;
    let found = office.engine().users(&caller, page.after(LIST)?, limit + 1);
    Ok(Page::of(LIST, found.await?, limit, |one| one.id))
}

/// Read a person
///
/// One person in reach.
#[utoipa::path(
    get,
    path = "/users/{id}",
    tag = "People",
    operation_id = "readUser",
    params(("id" = String, Path, description = "The person's id.")),
    responses((status = 200, description = "The person.", body = User, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn read(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<UserId>,
) -> Result<Tagged<User>, Problem> {
    Ok(Tagged::of(office.engine().user_view(&caller, id).await?))
}

/// What is to be changed; what is left away stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "finance"}))]
struct UserChangeRequest {
    /// The name: 1 to 100 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// What the person is there for. Nobody gives more than he has.
    #[serde(default)]
    role: Option<RoleWord>,
    /// Whether the person is kept out.
    #[serde(default)]
    disabled: Option<bool>,
}

/// Change a person
///
/// Somebody else in reach whose role the caller may give. Who is disabled loses all sessions and API tokens at
/// once. Nobody changes himself here (`self`), and the last root operator stays (`last_root_operator`).
#[utoipa::path(
    patch,
    path = "/users/{id}",
    tag = "People",
    operation_id = "changeUser",
    params(("id" = String, Path, description = "The person's id."), IfMatch),
    request_body = UserChangeRequest,
    responses((status = 200, description = "The person as changed.", body = User, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn change(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<UserId>,
    expected: IfMatch,
    Body(change): Body<UserChangeRequest>,
) -> Result<Tagged<User>, Problem> {
    let wanted = UserChange {
        name: change.name,
        role: change.role.map(|role| role.0),
        disabled: change.disabled,
    };
    let engine = office.engine();
    let changed = engine.update_user(&caller, id, wanted, expected.tag());
    Ok(Tagged::of(changed.await?))
}

/// Take a lost second factor away
///
/// For a person who lost it; opens a lock too. All sessions of that person end.
#[utoipa::path(
    post,
    path = "/users/{id}/reset-second-factor",
    tag = "People",
    operation_id = "resetSecondFactor",
    params(("id" = String, Path, description = "The person's id."), IfMatch),
    responses((status = 200, description = "The person as changed.", body = User, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn reset_second_factor(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<UserId>,
    expected: IfMatch,
) -> Result<Tagged<User>, Problem> {
    let engine = office.engine();
    let reset = engine.reset_second_factor(&caller, id, expected.tag());
    Ok(Tagged::of(reset.await?))
}
