//! Who is calling: a bearer token in `Authorization`, or the session's cookie of a browser.
//!
//! A browser sends its cookie with requests that other sites make it send. So a request that changes
//! something and shows the cookie must also carry `X-Altyn-Csrf: 1`: a page of another site can add no such
//! header without being asked for leave first, and we give none. A request with a bearer token needs no such
//! header, for no browser adds a token by itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use altyn_engine::Caller;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Method, header};
use axum_extra::extract::CookieJar;

use super::BackOffice;
use super::codes::Code;
use super::problem::Problem;

/// The session's cookie.
pub(super) const COOKIE: &str = "altyn_session";

/// The header without which a cookie changes nothing.
pub(super) const CSRF_HEADER: &str = "x-altyn-csrf";

/// Longest token, in bytes.
const TOKEN_MAX: usize = 512;

/// Who acts, as the guard of the route found out.
#[derive(Debug, Clone)]
pub struct Acting(pub Caller);

impl<S: Sync> FromRequestParts<S> for Acting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(Problem::unauthenticated)
    }
}

/// The address that the request came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(address(&parts.extensions)))
    }
}

/// Whether the method only reads.
pub(super) fn only_reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// What the caller shows, if anything.
struct Shown {
    token: String,
    by_cookie: bool,
}

fn shown(headers: &HeaderMap) -> Option<Shown> {
    let shown = if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| Shown {
            token: token.trim().to_owned(),
            by_cookie: false,
        })?
    } else {
        let jar = CookieJar::from_headers(headers);
        Shown {
            token: jar.get(COOKIE)?.value().to_owned(),
            by_cookie: true,
        }
    };
    (1..=TOKEN_MAX)
        .contains(&shown.token.len())
        .then_some(shown)
}

/// Finds out who is calling.
pub(super) async fn caller(office: &BackOffice, parts: &Parts) -> Result<Caller, Problem> {
    let shown = shown(&parts.headers).ok_or_else(Problem::unauthenticated)?;
    let address = address(&parts.extensions);
    let caller = office.engine().authenticate_bearer(&shown.token, address);
    let caller = caller.await?;
    // A session is a person's in a browser or in a program; an API token in a cookie is neither.
    if shown.by_cookie && caller.is_token() {
        return Err(Problem::unauthenticated());
    }
    let is_ours = parts.headers.get(CSRF_HEADER).is_some_and(|one| one == "1");
    if shown.by_cookie && !only_reads(&parts.method) && !is_ours {
        let detail = "a change by cookie needs the header X-Altyn-Csrf: 1";
        return Err(Problem::new(Code::Csrf, detail));
    }
    Ok(caller)
}

/// The caller's address as the server tells it; headers that claim another one are not heard here.
fn address(extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| {
        peer.ip()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_in_a_header_or_a_cookie() {
        for (name, value, token) in [
            ("authorization", "Bearer abc", Some(("abc", false))),
            ("authorization", "bearer  abc", Some(("abc", false))),
            ("authorization", "Basic abc", None),
            ("authorization", "Bearer", None),
            ("authorization", "Bearer ", None),
            ("cookie", "x=1; altyn_session=abc", Some(("abc", true))),
            ("cookie", "altyn_session=", None),
            ("cookie", "altyn=abc", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            let found = shown(&headers).map(|shown| (shown.token, shown.by_cookie));
            let wanted = token.map(|(text, by_cookie)| (text.to_owned(), by_cookie));
            assert_eq!(found, wanted, "{name}: {value}");
        }
        // A header that is there counts, even beside a cookie.
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Basic abc".parse().unwrap());
        headers.insert("cookie", "altyn_session=abc".parse().unwrap());
        assert!(shown(&headers).is_none());
    }
}
