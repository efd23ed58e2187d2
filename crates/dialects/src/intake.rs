//! What every dialect does with a request before it reads it: the whole body within limits, and the
//! address it came from.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::body::{Body, HttpBody as _};
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use http_body_util::BodyExt as _;
use zeroize::Zeroizing;

/// How much of a body that is too large is read and dropped, in bytes.
const DISCARDED_MAX: usize = 4 << 20;

/// The caller's address as the server tells it; without one, an address that no allow-list has.
pub(crate) fn address_of(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| {
        peer.ip()
    })
}

/// The whole body. What is too much is read a little further and dropped: a caller that is still writing
/// would otherwise hear a broken connection and not the answer.
pub(crate) async fn collect(
    mut body: Body,
    body_max: usize,
) -> Result<Zeroizing<Vec<u8>>, StatusCode> {
    // Room for all that is announced: growing would leave copies behind.
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut collected = Zeroizing::new(Vec::with_capacity(announced.min(body_max)));
    let mut seen = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        seen = seen.saturating_add(data.len());
        if seen > body_max.saturating_add(DISCARDED_MAX) {
            break;
        }
        if seen <= body_max {
            collected.extend_from_slice(&data);
        }
    }
    if seen <= body_max {
        Ok(collected)
    } else {
        Err(StatusCode::PAYLOAD_TOO_LARGE)
    }
}
