//! A shop's receiver of callbacks: answers 200 to all, remembers what it heard of, and tells those who wait
//! for the success of a sale.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::gate::{CHECKED_EACH, News};
use crate::signature::Key;

const HEADERS_MAX: usize = 32;
/// The largest request that is read, in bytes.
const REQUEST_MAX: usize = 64 * 1024;
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
/// Where callbacks of the Gate go; those of register.do go anywhere else.
const GATE_PATH: &str = "/gate";

/// What was received.
#[derive(Default)]
struct Heard {
    orders: HashSet<u128>,
    sales: HashMap<u64, Success>,
    counts: Counts,
    key: Option<Key>,
}

/// What was heard of the success of a sale.
#[derive(Default)]
struct Success {
    times: u32,
    waits: Option<oneshot::Sender<()>>,
}

/// How much was received.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Different orders of register.do that were told of.
    pub orders: u64,
    /// Different sales at the Gate whose success was told.
    pub sales: u64,
    /// All calls.
    pub calls: u64,
    /// Callbacks of the Gate whose signature was checked and wrong, or that could not be read.
    pub doubtful: u64,
}

/// A running receiver.
#[derive(Clone)]
pub struct Receiver {
    address: String,
    heard: Arc<Mutex<Heard>>,
}

impl Receiver {
    /// Starts it on a free port of this machine.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let heard = Arc::new(Mutex::new(Heard::default()));
        let shared = heard.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                // A sender that goes away in the middle of a request has nothing to be told.
                tokio::spawn(async move { serve(stream, &shared).await.ok() });
            }
        });
        Ok(Self { address, heard })
    }

    /// Where callbacks about orders of register.do go.
    pub fn url(&self) -> String {
        format!("{}/callback", self.address)
    }

    /// Where callbacks about sales at the Gate go.
    pub fn gate_url(&self) -> String {
        format!("{}{GATE_PATH}", self.address)
    }

    /// Forgets everything; from now on the Gate signs with this key.
    pub fn begin(&self, key: Key) {
        *lock(&self.heard) = Heard {
            key: Some(key),
            ..Heard::default()
        };
    }

    /// Resolves when the success of this sale is told.
    pub fn expect(&self, sale: u64) -> oneshot::Receiver<()> {
        let (waits, told) = oneshot::channel();
        lock(&self.heard).sales.entry(sale).or_default().waits = Some(waits);
        told
    }

    /// How much was received so far.
    pub fn counts(&self) -> Counts {
        lock(&self.heard).counts
    }

    /// How often the success of each sale was told.
    pub fn successes(&self) -> HashMap<u64, u32> {
        let heard = lock(&self.heard);
        let times = heard.sales.iter().map(|(sale, told)| (*sale, told.times));
        times.filter(|(_, times)| *times > 0).collect()
    }
}

impl Heard {
    fn take(&mut self, told: Told) {
        self.counts.calls += 1;
        match told {
            Told::Order(order) => self.counts.orders += u64::from(self.orders.insert(order)),
            Told::Success(sale) => {
                let success = self.sales.entry(sale).or_default();
                self.counts.sales += u64::from(success.times == 0);
                success.times += 1;
                if let Some(waits) = success.waits.take() {
                    // Whoever waited may have lost patience.
                    let _ = waits.send(());
                }
            }
            Told::Nothing => {}
            Told::Doubtful => self.counts.doubtful += 1,
        }
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a callback tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Something of an order of register.do.
    Order(u128),
    /// The success of a sale at the Gate.
    Success(u64),
    /// Something that nobody waits for.
    Nothing,
    /// It cannot be read or believed.
    Doubtful,
}

async fn serve(mut stream: TcpStream, heard: &Mutex<Heard>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = Vec::new();
    let mut calls: u64 = 0;
    loop {
        let Some(request) = Request::read(&bytes)? else {
            if bytes.len() > REQUEST_MAX || stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let key = calls
            .is_multiple_of(CHECKED_EACH)
            .then(|| lock(heard).key.clone());
        calls += 1;
        let told = request.told(key.flatten().as_ref());
        let length = request.length;
        lock(heard).take(told);
        bytes.drain(..length);
        stream.write_all(ANSWER).await?;
    }
}

/// The first whole request of some bytes.
struct Request<'a> {
    path: &'a str,
    body: &'a [u8],
    /// Of all of it.
    length: usize,
}

impl<'a> Request<'a> {
    /// Nothing if more is to come.
    fn read(bytes: &'a [u8]) -> Result<Option<Self>> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(head) = request.parse(bytes)? else {
            return Ok(None);
        };
        let length = request
            .headers
            .iter()
            .find(|h| h.name.eq_ignore_ascii_case("content-length"));
        let body: usize = match length {
            Some(header) => str::from_utf8(header.value)?.parse()?,
            None => 0,
        };
        let length = head.saturating_add(body);
        Ok(bytes.get(head..length).map(|body| Self {
            path: request.path.unwrap_or_default(),
            body,
            length,
        }))
    }

    /// What it tells. With a key, a callback of the Gate must be signed with it.
    fn told(&self, key: Option<&Key>) -> Told {
        let body = str::from_utf8(self.body).unwrap_or_default();
        if self.path.starts_with(GATE_PATH) {
            return match News::read(body) {
                Ok(news) if key.is_none_or(|key| key.has_signed(body)) => {
                    news.success().map_or(Told::Nothing, Told::Success)
                }
                Ok(_) | Err(_) => Told::Doubtful,
            };
        }
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        order_of(query)
            .or_else(|| order_of(body))
            .map_or(Told::Nothing, Told::Order)
    }
}

/// Ids are written without anything that would have to be decoded.
fn order_of(query: &str) -> Option<u128> {
    let mut pairs = query.split('&');
    let order = pairs.find_map(|pair| pair.strip_prefix("mdOrder="))?;
    Some(uuid::Uuid::parse_str(order).ok()?.as_u128())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = "0198c0de-0000-7abc-8000-000000000001";

    #[test]
    fn an_order_is_found_in_query_or_body() {
        let wanted = Told::Order(uuid::Uuid::parse_str(ORDER).unwrap().as_u128());
        let get = format!("GET /callback?status=1&mdOrder={ORDER} HTTP/1.1\r\nhost: a\r\n\r\nGET");
        let request = Request::read(get.as_bytes()).unwrap().unwrap();
        assert_eq!(
            (request.told(None), &get[request.length..]),
            (wanted, "GET")
        );
        let body = format!("mdOrder={ORDER}");
        let post = format!(
            "POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let request = Request::read(post.as_bytes()).unwrap().unwrap();
        assert_eq!((request.told(None), request.length), (wanted, post.len()));
        assert!(
            Request::read(&post.as_bytes()[..post.len() - 1])
                .unwrap()
                .is_none()
        );
        assert!(Request::read(b"").unwrap().is_none());
    }

    #[test]
    fn a_sale_is_believed_if_it_is_signed() {
        let key = Key::new("secret");
        let text = r#"payment:id:000049;payment:status:success"#;
        let body = format!(
            r#"{{"payment":{{"id":"000049","status":"success"}},"signature":"{}"}}"#,
            key.sign(&[text])
        );
        let told = |path, body: &str, key| {
            let body = body.as_bytes();
            Request {
                path,
                body,
                length: 0,
            }
            .told(key)
        };
        assert_eq!(told("/gate", &body, Some(&key)), Told::Success(0x49));
        let other = Key::new("other");
        assert_eq!(told("/gate", &body, Some(&other)), Told::Doubtful);
        assert_eq!(told("/gate", &body, None), Told::Success(0x49));
        assert_eq!(told("/gate", "{", None), Told::Doubtful);
        assert_eq!(told("/callback", &body, None), Told::Nothing);
    }

    #[tokio::test]
    async fn repeats_count_as_calls_but_not_as_orders() {
        let receiver = Receiver::start().await.unwrap();
        receiver.begin(Key::new("secret"));
        let address = receiver.url().split('/').nth(2).unwrap().to_owned();
        let mut stream = TcpStream::connect(address).await.unwrap();
        for _ in 0..2 {
            let get = format!("GET /callback?mdOrder={ORDER} HTTP/1.1\r\nhost: a\r\n\r\n");
            stream.write_all(get.as_bytes()).await.unwrap();
            let mut answer = vec![0; ANSWER.len()];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, ANSWER);
        }
        let counts = receiver.counts();
        assert_eq!((counts.orders, counts.calls), (1, 2));
        receiver.begin(Key::new("secret"));
        assert_eq!(receiver.counts(), Counts::default());
    }

    #[tokio::test]
    async fn whoever_waits_for_a_success_is_told_once() {
        let receiver = Receiver::start().await.unwrap();
        let told = receiver.expect(7);
        for _ in 0..2 {
            lock(&receiver.heard).take(Told::Success(7));
        }
        told.await.unwrap();
        let counts = receiver.counts();
        assert_eq!((counts.sales, counts.calls), (1, 2));
        let mut waits = receiver.expect(8);
        assert!(waits.try_recv().is_err());
        assert_eq!(receiver.successes(), HashMap::from([(7, 2)]));
    }
}
