//! A connection to PostgreSQL that can be cut in either direction.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// What the proxy does with what passes through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Passes on.
    Whole,
    /// Swallows what the gateway sends.
    Deaf,
    /// Swallows what the database answers.
    Mute,
    /// Closes both ends.
    Cut,
}

/// A proxy on this machine, for as long as this value lives.
pub struct Proxy {
    line: Arc<watch::Sender<Line>>,
    address: SocketAddr,
    url: String,
}

impl Proxy {
    /// Listens in front of the server that `url` names.
    pub async fn start(url: &str) -> Self {
        let config: Config = url.parse().expect("a good URL");
        let Some(Host::Tcp(host)) = config.get_hosts().first() else {
            panic!("the server is not behind TCP");
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let server = (host.clone(), port);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let line = Arc::new(watch::Sender::new(Line::Whole));
        tokio::spawn(accept(listener, server, Arc::clone(&line)));
        let (scheme, rest) = url.split_once("://").expect("a scheme");
        let (place, database) = rest.split_once('/').expect("a database");
        let user = place.rsplit_once('@').map_or("", |(user, _)| user);
        let url = format!("{scheme}://{user}@{address}/{database}");
        Self { line, address, url }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Changes what happens to all connections, new ones too.
    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "proxy at {}", self.address)
    }
}

async fn accept(listener: TcpListener, server: (String, u16), line: Arc<watch::Sender<Line>>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(&server)
            .await
            .expect("the server listens");
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::spawn(pass(from_client, to_server, line.subscribe(), Line::Deaf));
        tokio::spawn(pass(from_server, to_client, line.subscribe(), Line::Mute));
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut line: watch::Receiver<Line>,
    swallowed_when: Line,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            _ = line.wait_for(|line| *line == Line::Cut) => return,
            read = from.read(&mut buffer) => read,
        };
        let Ok(length @ 1..) = read else { return };
        let swallowed = *line.borrow() == swallowed_when;
        if !swallowed && to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
