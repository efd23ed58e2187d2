//! Coming and going: signing in and out.

use altyn_engine::{SignIn, SignInError, SignedIn};
use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::bearer::{self, Address, COOKIE};
use super::codes::Code;
use super::extract::Body;
use super::instant::Instant;
use super::problem::Problem;
use super::{BackOffice, Routes, Rule};

/// This group's end points.
pub(super) fn routes() -> Routes {
    Routes::new()
        .add(Rule::Open, routes!(sign_in))
        .add(Rule::Open, routes!(sign_out))
}

/// What a person shows to be let in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "email": "operator@altyn.example",
    "password": "7 copper kettles on a stove",
    "code": "492039",
    "cookie": true
}))]
struct SignInRequest {
    /// The e-mail address.
    email: String,
    /// The password.
    #[schema(format = Password)]
    password: String,
    /// The code of the authenticator app, or a recovery code; needed once a second factor is set up.
    #[serde(default)]
    code: Option<String>,
    /// Whether the session is kept in the browser's cookie. Then its token is not in the answer, so that no
    /// script can read it.
    #[serde(default)]
    cookie: bool,
}

/// A session that began.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "token": null,
    "expires_at": "2026-11-22T21:30:00Z",
    "must_change_password": false,
    "must_enrol": false
}))]
pub(super) struct SessionBegun {
    /// The session's token, shown here and never again; null if it is in the cookie.
    token: Option<String>,
    /// When the session ends at the latest; unused, it ends earlier.
    expires_at: Instant,
    /// Whether the password must be changed before anything else.
    must_change_password: bool,
    /// Whether a second factor must be set up before anything else.
    must_enrol: bool,
}

/// Sign in
///
/// Begins a session. With `cookie` the answer sets the cookie `altyn_session` (HttpOnly, SameSite=Strict);
/// without, it has the token, to be shown as `Authorization: Bearer …`. Wrong addresses, passwords and codes
/// all look alike. `code_needed` says that the password is right and a code is needed as well.
#[utoipa::path(
    post,
    path = "/sign-in",
    tag = "Signing in",
    operation_id = "signIn",
    request_body = SignInRequest,
    responses(
        (status = 200, description = "Let in.", body = SessionBegun),
        (status = 401, description = "`sign_in_denied` or `code_needed`.", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_attempts` from this address, or the account is `locked` for a while; `Retry-After` says how long.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn sign_in(
    State(office): State<BackOffice>,
    Address(address): Address,
    headers: HeaderMap,
    Body(request): Body<SignInRequest>,
) -> Result<Response, Problem> {
    let now = office.engine().now();
    count_attempt(&office, address)?;
    let asked = SignIn {
        email: request.email,
        password: request.password,
        code: request.code,
        address,
        agent: agent(&headers),
    };
    let let_in = office.engine().sign_in(asked).await;
    let let_in = let_in.map_err(|error| match error {
        SignInError::Denied => {
            let detail = "the e-mail address, the password or the code is wrong";
            Problem::new(Code::SignInDenied, detail)
        }
        SignInError::CodeNeeded => {
            let detail = "the code of the second factor is needed";
            Problem::new(Code::CodeNeeded, detail)
        }
        SignInError::Locked { until } => {
            let seconds = until.millis_since(now).max(0) / 1_000 + 1;
            let detail = "too many wrong passwords or codes: locked for a while";
            Problem::new(Code::Locked, detail).with(header::RETRY_AFTER, &seconds.to_string())
        }
        SignInError::Office(error) => error.into(),
    })?;
    Ok(begun(&office, StatusCode::OK, &let_in, request.cookie))
}

/// Counts an attempt to come in from this address.
pub(super) fn count_attempt(office: &BackOffice, address: std::net::IpAddr) -> Result<(), Problem> {
    let counted = office.attempts().count(address, office.engine().now());
    counted.map_err(|seconds| {
        let detail = "too many attempts from this address";
        Problem::new(Code::TooManyAttempts, detail).with(header::RETRY_AFTER, &seconds.to_string())
    })
}

/// What the browser says about itself.
pub(super) fn agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok());
    agent.unwrap_or_default().to_owned()
}

/// The answer to somebody who was let in.
pub(super) fn begun(
    office: &BackOffice,
    status: StatusCode,
    let_in: &SignedIn,
    by_cookie: bool,
) -> Response {
    let token = let_in.token.expose();
    let body = SessionBegun {
        token: (!by_cookie).then(|| token.to_owned()),
        expires_at: Instant(let_in.expires_at),
        must_change_password: let_in.caller.must_change_password(),
        must_enrol: let_in.caller.must_enrol(),
    };
    let mut response = (status, Json(body)).into_response();
    if by_cookie {
        let seconds = let_in.expires_at.millis_since(office.engine().now()) / 1_000;
        set_cookie(office, &mut response, token, seconds);
    }
    response
}

/// Sets the session's cookie, or with no seconds takes it away.
fn set_cookie(office: &BackOffice, response: &mut Response, token: &str, seconds: i64) {
    let mut cookie = Cookie::build((COOKIE, token))
        .path(format!("{}/backoffice", office.base()))
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(!office.is_cookie_in_clear())
        .to_string();
    cookie.push_str(&format!("; Max-Age={}", seconds.max(0)));
    if let Ok(value) = cookie.parse() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Sign out
///
/// Ends the session that is shown, and takes the cookie away, whatever it was. With a session that ended already,
/// or none, nothing else happens.
#[utoipa::path(
    post,
    path = "/sign-out",
    tag = "Signing in",
    operation_id = "signOut",
    responses(
        (status = 204, description = "The session is over."),
        (status = 403, description = "`csrf`: a living session was shown by cookie without `X-Altyn-Csrf`. `forbidden`: an API token is no session.", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn sign_out(State(office): State<BackOffice>, parts: Parts) -> Result<Response, Problem> {
    match bearer::caller(&office, &parts).await {
        Ok(caller) => office.engine().sign_out(&caller).await?,
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {}
        Err(problem) => return Err(problem),
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&office, &mut response, "", 0);
    Ok(response)
}
