//! The caller's own things: who one is, sessions, password, second factor.

use altyn_domain::{Permission, Role, TokenId};
use altyn_engine::{Caller, PasswordChange, PendingFactorView, SessionView};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::bearer::Acting;
use super::extract::{Body, Id};
use super::instant::Instant;
use super::paging::Page;
use super::place::Place;
use super::problem::Problem;
use super::words::{PermissionWord, RoleWord};
use super::{BackOffice, Routes, Rule};

/// This group's end points.
pub(super) fn routes() -> Routes {
    let own = Rule::Needs(Permission::Own);
    Routes::new()
        .add(Rule::SignedIn, routes!(me))
        .add(own, routes!(sessions))
        .add(own, routes!(end_session))
        .add(own, routes!(change_password))
        .add(own, routes!(begin_second_factor))
        .add(own, routes!(confirm_second_factor))
        .add(own, routes!(remove_second_factor))
        .add(own, routes!(renew_recovery_codes))
}

/// A part of the back office that the caller may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Section {
    /// Payments.
    Payments,
    /// What a person must look at.
    Incidents,
    /// Customers and their balances.
    Customers,
    /// A customer's own balance.
    Balance,
    /// The registry of connectors.
    Connectors,
    /// Payment methods.
    Methods,
    /// Resellers and merchants.
    Owners,
    /// Projects.
    Projects,
    /// People and invitations.
    Users,
    /// The audit trail.
    Audit,
    /// One's own sessions, password, second factor and tokens.
    Account,
}

/// The sections of this caller, in the order of a menu.
fn menu(caller: &Caller) -> Vec<Section> {
    let is_customer = caller.role() == Role::Customer;
    let all = [
        (Section::Payments, Permission::PaymentsView, true),
        (Section::Incidents, Permission::IncidentsView, true),
        (Section::Customers, Permission::CustomersView, !is_customer),
        (Section::Balance, Permission::CustomersView, is_customer),
        (Section::Connectors, Permission::Connectors, true),
        (Section::Methods, Permission::MethodsView, true),
        (Section::Owners, Permission::TreeView, true),
        (Section::Projects, Permission::TreeView, true),
        (Section::Users, Permission::UsersView, true),
        (Section::Audit, Permission::AuditView, true),
        (Section::Account, Permission::Own, true),
    ];
    let seen = all.into_iter();
    let seen = seen.filter(|(_, permission, fits)| *fits && caller.may(*permission));
    seen.map(|(section, ..)| section).collect()
}

/// Who the caller is.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "usr_019f0e6b7c107a3f8b2c4d5e6f708192",
    "email": "operator@altyn.example",
    "name": "Operator",
    "role": "root_operator",
    "place": {"kind": "reseller", "id": "rsl_019f0e6b7c007a3f8b2c4d5e6f708192"},
    "is_token": false,
    "second_factor": true,
    "recovery_codes": 10,
    "must_change_password": false,
    "must_enrol": false,
    "permissions": ["own", "connectors"],
    "menu": ["connectors", "account"]
}))]
struct Me {
    /// The person's id.
    id: String,
    /// The e-mail address.
    email: String,
    /// The name.
    name: String,
    /// What the person is there for.
    role: RoleWord,
    /// Where in the tree of owners.
    place: Place,
    /// Whether a program shows an API token of the person.
    is_token: bool,
    /// Whether a second factor is set up.
    second_factor: bool,
    /// How many recovery codes are left.
    recovery_codes: u32,
    /// Whether the password must be changed before anything else.
    must_change_password: bool,
    /// Whether a second factor must be set up before anything else.
    must_enrol: bool,
    /// What the caller may do now, within reach.
    permissions: Vec<PermissionWord>,
    /// The sections that the caller may see, in the order of a menu.
    menu: Vec<Section>,
}

/// Who am I
///
/// The person behind the session or API token, with the permissions and sections that it opens now. Works with
/// every token.
#[utoipa::path(
    get,
    path = "/me",
    tag = "Own account",
    operation_id = "me",
    responses((status = 200, description = "The caller.", body = Me))
)]
async fn me(State(office): State<BackOffice>, Acting(caller): Acting) -> Result<Json<Me>, Problem> {
    let view = office.engine().me(&caller).await?;
    Ok(Json(Me {
        id: view.id.to_string(),
        email: view.email,
        name: view.name,
        role: RoleWord(view.role),
        place: view.scope.into(),
        is_token: caller.is_token(),
        second_factor: view.second_factor,
        recovery_codes: view.recovery_codes,
        must_change_password: caller.must_change_password(),
        must_enrol: caller.must_enrol(),
        permissions: caller.permissions().map(PermissionWord).collect(),
        menu: menu(&caller),
    }))
}

/// A session of the caller.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "tok_019f0e6b7c107a3f8b2c4d5e6f708192",
    "current": true,
    "address": "198.51.100.7",
    "agent": "Mozilla/5.0",
    "created_at": "2026-11-22T09:30:00Z",
    "seen_at": "2026-11-22T09:41:00Z",
    "expires_at": "2026-11-22T21:30:00Z"
}))]
struct Session {
    /// Its id, by which it is ended.
    id: String,
    /// Whether it is the one that asks.
    current: bool,
    /// Where the person signed in from.
    address: String,
    /// What the browser said about itself.
    agent: String,
    /// When the person signed in.
    created_at: Instant,
    /// When it was used last, to the minute.
    seen_at: Instant,
    /// When it ends at the latest.
    expires_at: Instant,
}

fn session(view: SessionView) -> Session {
    Session {
        id: view.id.to_string(),
        current: view.current,
        address: view.address.to_string(),
        agent: view.agent,
        created_at: Instant(view.created_at),
        seen_at: Instant(view.seen_at),
        expires_at: Instant(view.expires_at),
    }
}

/// List one's sessions
///
/// The caller's living sessions, the newest first, all on one page.
#[utoipa::path(
    get,
    path = "/me/sessions",
    tag = "Own account",
    operation_id = "listSessions",
    responses((status = 200, description = "The sessions.", body = Page<Session>))
)]
async fn sessions(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
) -> Result<Json<Page<Session>>, Problem> {
    let found = office.engine().sessions(&caller).await?;
    Ok(Page::whole(found.into_iter().map(session)))
}

/// End a session
///
/// The session lets in no more, from the next request on. One may end the session that asks, too.
#[utoipa::path(
    delete,
    path = "/me/sessions/{id}",
    tag = "Own account",
    operation_id = "endSession",
    params(("id" = String, Path, description = "The session's id.")),
    responses((status = 204, description = "Ended."))
)]
async fn end_session(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<TokenId>,
) -> Result<StatusCode, Problem> {
    office.engine().end_session(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "old_password": "7 copper kettles on a stove",
    "password": "a longer one than 7 kettles",
    "end_tokens": true
}))]
struct PasswordChangeRequest {
    /// The present password.
    #[schema(format = Password)]
    old_password: String,
    /// The new one: 12 to 128 characters with letters and digits, none of the last
    /// four, not one that is tried first.
    #[schema(format = Password, min_length = 12, max_length = 128)]
    password: String,
    /// Whether all of the caller's API tokens end too.
    #[serde(default)]
    end_tokens: bool,
}

/// Change one's password
///
/// All other sessions end, and with `end_tokens` all API tokens. Wrong passwords count as they do at the door, and
/// `locked` follows after too many.
#[utoipa::path(
    post,
    path = "/me/password",
    tag = "Own account",
    operation_id = "changePassword",
    request_body = PasswordChangeRequest,
    responses((status = 204, description = "Changed."))
)]
async fn change_password(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Body(request): Body<PasswordChangeRequest>,
) -> Result<StatusCode, Problem> {
    let change = PasswordChange {
        old: &request.old_password,
        new: &request.password,
        end_tokens: request.end_tokens,
    };
    office.engine().change_password(&caller, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What proves again who the caller is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"password": "7 copper kettles on a stove"}))]
struct FactorBegin {
    /// The password.
    #[schema(format = Password)]
    password: String,
    /// A code of the present second factor: needed to replace it.
    #[serde(default)]
    code: Option<String>,
}

/// What an authenticator app needs.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "otpauth_url": "otpauth://totp/Altyn:operator%40altyn.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Altyn"
}))]
struct PendingFactor {
    /// The secret in base 32, to be typed in. Shown here and never again.
    secret: String,
    /// The same as an address, to be shown as a QR code.
    otpauth_url: String,
}

/// Begin to set up the second factor
///
/// Gives the secret for an authenticator app. Nothing changes until a code of it is confirmed; beginning again
/// forgets what was begun. With `code` a present second factor is replaced, and holds until then; without it a
/// present one is a conflict, `second_factor_present`. Wrong passwords and codes count as they do at the door.
#[utoipa::path(
    post,
    path = "/me/second-factor",
    tag = "Own account",
    operation_id = "beginSecondFactor",
    request_body = FactorBegin,
    responses((status = 200, description = "Begun.", body = PendingFactor))
)]
async fn begin_second_factor(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Body(begin): Body<FactorBegin>,
) -> Result<Json<PendingFactor>, Problem> {
    let (engine, password) = (office.engine(), &begin.password);
    let view: PendingFactorView = match &begin.code {
        None => engine.begin_second_factor(&caller, password).await?,
        Some(code) => {
            engine
                .replace_second_factor(&caller, password, code)
                .await?
        }
    };
    Ok(Json(PendingFactor {
        secret: view.secret_base32,
        otpauth_url: view.otpauth_url,
    }))
}

/// A code of the second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "492039"}))]
struct FactorCode {
    /// The code that the authenticator app shows.
    code: String,
}

/// Recovery codes, each good for one time without the app.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"recovery_codes": ["ABCD-EFGH-JKLM-NPQR", "STUV-WXYZ-2345-6789"]}))]
struct RecoveryCodes {
    /// The codes, shown here and never again.
    recovery_codes: Vec<String>,
}

/// Confirm the second factor
///
/// A code of the app proves that it was set up. From now on signing in needs a code. All other sessions end.
#[utoipa::path(
    post,
    path = "/me/second-factor/confirm",
    tag = "Own account",
    operation_id = "confirmSecondFactor",
    request_body = FactorCode,
    responses((status = 200, description = "Set up.", body = RecoveryCodes))
)]
async fn confirm_second_factor(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Body(body): Body<FactorCode>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let codes = office.engine().confirm_second_factor(&caller, &body.code);
    Ok(Json(RecoveryCodes {
        recovery_codes: codes.await?,
    }))
}

/// What proves again who the caller is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"password": "7 copper kettles on a stove", "code": "492039"}))]
struct FactorProof {
    /// The password.
    #[schema(format = Password)]
    password: String,
    /// A code of the second factor, or a recovery code.
    code: String,
}

/// Remove the second factor
///
/// Where everybody needs one this is a conflict, `second_factor_required`: replace it instead. All other sessions
/// end.
#[utoipa::path(
    post,
    path = "/me/second-factor/remove",
    tag = "Own account",
    operation_id = "removeSecondFactor",
    request_body = FactorProof,
    responses((status = 204, description = "Removed."))
)]
async fn remove_second_factor(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Body(body): Body<FactorProof>,
) -> Result<StatusCode, Problem> {
    let (password, code) = (&body.password, &body.code);
    let engine = office.engine();
    engine.remove_second_factor(&caller, password, code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Renew one's recovery codes
///
/// The old ones hold no more. Wrong passwords and codes count as they do at the door.
#[utoipa::path(
    post,
    path = "/me/recovery-codes",
    tag = "Own account",
    operation_id = "renewRecoveryCodes",
    request_body = FactorProof,
    responses((status = 200, description = "The new codes.", body = RecoveryCodes))
)]
async fn renew_recovery_codes(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Body(body): Body<FactorProof>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let (password, code) = (&body.password, &body.code);
    let engine = office.engine();
    let codes = engine.renew_recovery_codes(&caller, password, code);
    Ok(Json(RecoveryCodes {
        recovery_codes: codes.await?,
    }))
}
