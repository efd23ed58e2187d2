//! A shop's receiver of callbacks: answers 200 to all and remembers which orders it heard of.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const HEADERS_MAX: usize = 32;
/// The largest request that is read, in bytes.
const REQUEST_MAX: usize = 64 * 1024;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// What was received.
#[derive(Default)]
struct Heard {
    orders: HashSet<u128>,
    calls: u64,
}

/// A running receiver.
#[derive(Clone)]
pub struct Receiver {
    url: String,
    heard: Arc<Mutex<Heard>>,
}

impl Receiver {
    /// Starts it on a free port of this machine.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/callback", listener.local_addr()?);
        let heard = Arc::new(Mutex::new(Heard::default()));
        let shared = heard.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                // A sender that goes away in the middle of a request has nothing to be told.
                tokio::spawn(async move { serve(stream, &shared).await.ok() });
            }
        });
        Ok(Self { url, heard })
    }

    /// Where callbacks go.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many different orders were told of, and how many calls that took.
    pub fn counts(&self) -> (usize, u64) {
        let heard = lock(&self.heard);
        (heard.orders.len(), heard.calls)
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *lock(&self.heard) = Heard::default();
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: TcpStream, heard: &Mutex<Heard>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = Vec::new();
    loop {
        let Some((length, order)) = request(&bytes)? else {
            if bytes.len() > REQUEST_MAX || stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
            continue;
        };
        bytes.drain(..length);
        {
            let mut heard = lock(heard);
            heard.calls += 1;
            heard.orders.extend(order);
        }
        stream.write_all(ANSWER).await?;
    }
}

/// The length of the first whole request and the order it is about; nothing if more is to come.
fn request(bytes: &[u8]) -> Result<Option<(usize, Option<u128>)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = request.parse(bytes)? else {
        return Ok(None);
    };
    let length = request
        .headers
        .iter()
        .find(|h| h.name.eq_ignore_ascii_case("content-length"));
    let body = match length {
        Some(header) => str::from_utf8(header.value)?.parse()?,
        None => 0_usize,
    };
    if bytes.len() < head + body {
        return Ok(None);
    }
    let query = request
        .path
        .and_then(|path| path.split_once('?'))
        .map_or("", |(_, query)| query);
    let order = of_query(query).or_else(|| {
        str::from_utf8(&bytes[head..head + body])
            .ok()
            .and_then(of_query)
    });
    Ok(Some((head + body, order)))
}

fn of_query(query: &str) -> Option<u128> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, order) = pairs.find(|(name, _)| name == "mdOrder")?;
    Some(uuid::Uuid::parse_str(&order).ok()?.as_u128())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = "0198c0de-0000-7abc-8000-000000000001";

    #[test]
    fn an_order_is_found_in_query_or_body() {
        let wanted = Some(uuid::Uuid::parse_str(ORDER).unwrap().as_u128());
        let get = format!("GET /callback?mdOrder={ORDER}&status=1 HTTP/1.1\r\nhost: a\r\n\r\nGET");
        let (length, order) = request(get.as_bytes()).unwrap().unwrap();
        assert_eq!((order, &get[length..]), (wanted, "GET"));
        let body = format!("mdOrder={ORDER}");
        let post = format!(
            "POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(
            request(post.as_bytes()).unwrap().unwrap(),
            (post.len(), wanted)
        );
        assert!(
            request(&post.as_bytes()[..post.len() - 1])
                .unwrap()
                .is_none()
        );
    }

    #[tokio::test]
    async fn repeats_count_as_calls_but_not_as_orders() {
        let receiver = Receiver::start().await.unwrap();
        let address = receiver.url().split('/').nth(2).unwrap().to_owned();
        let mut stream = TcpStream::connect(address).await.unwrap();
        for _ in 0..2 {
            let get = format!("GET /callback?mdOrder={ORDER} HTTP/1.1\r\nhost: a\r\n\r\n");
            stream.write_all(get.as_bytes()).await.unwrap();
            let mut answer = vec![0; ANSWER.len()];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, ANSWER);
        }
        assert_eq!(receiver.counts(), (1, 2));
        receiver.clear();
        assert_eq!(receiver.counts(), (0, 0));
    }
}
