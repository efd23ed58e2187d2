//! Who is calling: credentials out of the parameters, from wherever they came.

use std::net::IpAddr;

use altyn_engine::{Engine, Owner};

use super::DIALECT;
use super::error::Fault;
use super::messages::Message;
use super::request::Params;

/// Whether a call may be made with a token, which may be known to the public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Password,
    PasswordOrToken,
}

const USER_NAME_MAX: usize = 100;
const PASSWORD_MAX: usize = 200;
const TOKEN_MAX: usize = 256;

/// Lets the caller in; all reasons for not doing so look alike.
pub(super) fn authenticate(
    engine: &Engine,
    params: &Params,
    address: IpAddr,
    access: Access,
) -> Result<Owner, Fault> {
    let field = |name, max| params.text(name).filter(|text| text.chars().count() <= max);
    let by_password = field("userName", USER_NAME_MAX).zip(field("password", PASSWORD_MAX));
    let token = field("token", TOKEN_MAX).filter(|_| access == Access::PasswordOrToken);
    let owner = match (by_password, token) {
        (Some((login, password)), _) => engine
            .authenticate_password(DIALECT, login, password, address)
            .ok(),
        (None, Some(token)) => engine.authenticate_token(DIALECT, token, address).ok(),
        (None, None) => None,
    };
    owner.ok_or_else(|| Fault::new("5", Message::AccessDenied))
}

/// A merchant may act for itself only: its short name, with or without the ending of API logins.
pub(super) fn check_merchant_login(owner: &Owner, params: &Params) -> Result<(), Fault> {
    match params.text("merchantLogin") {
        Some(login) if !is_own(owner, params, login) => {
            Err(Fault::new("5", Message::MerchantLoginWrong))
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether a merchant's login names the caller itself.
pub(super) fn is_own(owner: &Owner, params: &Params, login: &str) -> bool {
    let slug = owner.project().slug.as_str();
    let bare = login.strip_suffix("-api").unwrap_or(login);
    bare == slug || params.text("userName") == Some(login)
}
