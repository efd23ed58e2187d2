//! The HTTP server: bounded heads, bounded connections, and an end that loses no answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tracing::{debug, info, warn};

use crate::client::TrustedProxies;

/// Limits of the HTTP server.
#[derive(Debug, Clone, Copy)]
pub struct HttpLimits {
    /// How long the head of a request may take.
    pub header_timeout: Duration,
    /// How long requests under way may take after a stop was asked for.
    pub stop_timeout: Duration,
    /// Connections served at once.
    pub connections_max: usize,
}

/// Bytes that the head of a request may have.
const HEAD_MAX: usize = 64 * 1024;

/// Serves until `stop` is cancelled and the requests under way are answered. Handlers hear the address of the
/// caller, which `proxies` may tell.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    proxies: TrustedProxies,
    limits: HttpLimits,
    stop: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    let proxies = Arc::new(proxies);
    let places = Arc::new(Semaphore::new(limits.connections_max));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            break;
        };
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: let some connections end first.
                    warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let _ = stream.set_nodelay(true);
        let (router, proxies) = (router.clone(), proxies.clone());
        let service = service_fn(move |request: Request<_>| {
            let client = proxies.client(peer.ip(), request.headers());
            answer(router.clone(), request, client)
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(HEAD_MAX)
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "a connection broke");
            }
            drop(place);
        });
    }
    drop(listener);
    info!("stopping: waiting for the requests under way");
    if tokio::time::timeout(limits.stop_timeout, graceful.shutdown())
        .await
        .is_err()
    {
        warn!("some requests were still under way at the end of the stop time-out");
    }
}

async fn answer(
    router: Router,
    request: Request<hyper::body::Incoming>,
    client: IpAddr,
) -> Result<axum::response::Response, std::convert::Infallible> {
    let mut request = request.map(axum::body::Body::new);
    // The port is the proxy's if there is one: nothing asks for it.
    let client = SocketAddr::new(client, 0);
    request.extensions_mut().insert(ConnectInfo(client));
    router.oneshot(request).await
}
