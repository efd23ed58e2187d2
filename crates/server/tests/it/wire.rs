//! A wire between the program and PostgreSQL that counts the statements that go over it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// How a client asks for TLS, before it says who it is.
const TLS_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();

/// Messages that have a statement carried out: Execute and Query.
const CARRY_OUT: [u8; 2] = [b'E', b'Q'];

pub struct Wire {
    /// The database at this end.
    pub url: String,
    counted: Arc<AtomicU64>,
}

impl Wire {
    /// A wire to the database with this address.
    pub async fn lay(url: &str) -> Self {
        let (before, rest) = url.split_once('@').expect("somebody's address");
        let (server, after) = rest.split_once('/').expect("a database");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let counted = Arc::new(AtomicU64::new(0));
        let wire = Self {
            url: format!("{before}@127.0.0.1:{port}/{after}"),
            counted: Arc::clone(&counted),
        };
        let server = server.to_owned();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.expect("PostgreSQL");
                let (from_client, mut to_client) = client.into_split();
                let (mut from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_client, to_server, Arc::clone(&counted)));
                tokio::spawn(
                    async move { tokio::io::copy(&mut from_server, &mut to_client).await },
                );
            }
        });
        wire
    }

    /// How many statements were carried out until now.
    pub fn statements(&self) -> u64 {
        self.counted.load(Ordering::SeqCst)
    }
}

/// Passes what a client says, one message after the other.
async fn pass(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    counted: Arc<AtomicU64>,
) -> io::Result<()> {
    loop {
        let first = message(&mut client).await?;
        server.write_all(&first).await?;
        if first[4..] != TLS_REQUEST {
            break;
        }
    }
    loop {
        let kind = client.read_u8().await?;
        if CARRY_OUT.contains(&kind) {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        let rest = message(&mut client).await?;
        server.write_u8(kind).await?;
        server.write_all(&rest).await?;
    }
}

/// A message with its length, and without its kind.
async fn message(client: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
    let mut message = vec![0; 4];
    client.read_exact(&mut message).await?;
    let length = u32::from_be_bytes([message[0], message[1], message[2], message[3]]);
    message.resize(length.try_into().expect("it fits"), 0);
    client.read_exact(&mut message[4..]).await?;
    Ok(message)
}
