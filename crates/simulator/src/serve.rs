//! Serving HTTP/1.1 on a listener, with the one ability that ordinary servers lack: closing a
//! connection instead of answering, which is how a bank fails in the most expensive way.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

/// Pause after a failed `accept`, for instance when no file descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Who is at the other end of a request's connection.
#[derive(Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Marks a response that must not be sent: the connection is closed instead.
#[derive(Clone, Copy)]
struct HangUp;

#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
struct HungUp;

/// The response of a handler that wants its connection closed.
pub fn hang_up() -> Response {
    let mut response = ().into_response();
    response.extensions_mut().insert(HangUp);
    response
}

/// Accepts connections until the program ends.
pub async fn serve(listener: TcpListener, router: Router) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tokio::spawn(connection(stream, Peer(peer.ip()), router.clone()));
            }
            Err(error) => {
                eprintln!("altyn-simulator: accept: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: Peer, router: Router) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let router = router.clone();
        request.extensions_mut().insert(peer);
        async move {
            let answer: Result<Response, Infallible> = router.oneshot(request.map(Body::new)).await;
            let response = answer.unwrap_or_else(|never| match never {});
            match response.extensions().get::<HangUp>() {
                Some(HangUp) => Err(HungUp),
                None => Ok(response),
            }
        }
    });
    // A broken connection is the client's business or our own `hang_up`: nothing to report.
    let _ = http1::Builder::new()
        // The limit would also close idle connections under the feet of the client's pool.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
