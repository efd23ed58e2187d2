//! A small HTTP/1.1 client for load: one kept connection, one request at a time, almost no work of its own.

use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// More headers than any answer has.
const HEADERS_MAX: usize = 32;
/// The largest answer that is read, in bytes.
const ANSWER_MAX: usize = 1 << 20;

/// A kept connection to one server.
pub struct Connection {
    address: SocketAddr,
    /// The address as every request names it.
    host: String,
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// Where an answer's parts are in the bytes that were read.
struct Head {
    status: u16,
    body_begins: usize,
    body_length: usize,
    closes: bool,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = connect(address).await?;
        Ok(Self {
            address,
            host: address.to_string(),
            stream,
            request: Vec::new(),
            answer: Vec::new(),
        })
    }

    /// Posts a form; the answer must have status 200. Returns its body.
    pub async fn post_form(&mut self, path: &str, form: &str) -> Result<&str> {
        let kind = "content-type: application/x-www-form-urlencoded\r\n";
        self.exchange(("POST", path), kind, form).await
    }

    /// Posts JSON; the answer must have status 200. Returns its body.
    pub async fn post_json(&mut self, path: &str, json: &str) -> Result<&str> {
        let kind = "content-type: application/json\r\n";
        self.exchange(("POST", path), kind, json).await
    }

    /// Gets; the answer must have status 200. Returns its body.
    pub async fn get(&mut self, path: &str) -> Result<&str> {
        self.exchange(("GET", path), "", "").await
    }

    async fn exchange(
        &mut self,
        (method, path): (&str, &str),
        kind: &str,
        body: &str,
    ) -> Result<&str> {
        self.request.clear();
        write!(
            self.request,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{kind}content-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        )?;
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        let head = loop {
            self.more().await?;
            if let Some(head) = parse(&self.answer)? {
                break head;
            }
        };
        let end = head.body_begins + head.body_length;
        ensure!(end <= ANSWER_MAX, "an answer of {} bytes", head.body_length);
        while self.answer.len() < end {
            self.more().await?;
        }
        if head.closes {
            self.stream = connect(self.address).await?;
        }
        let body = str::from_utf8(&self.answer[head.body_begins..end]).context("not UTF-8")?;
        ensure!(head.status == 200, "{path}: status {}: {body}", head.status);
        Ok(body)
    }

    async fn more(&mut self) -> Result<()> {
        ensure!(self.answer.len() < ANSWER_MAX, "an endless answer");
        let count = self.stream.read_buf(&mut self.answer).await?;
        ensure!(count > 0, "the server closed the connection");
        Ok(())
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| address.to_string())?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The head of an answer, or nothing if there is more of it to come.
fn parse(bytes: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body_begins) = response.parse(bytes)? else {
        return Ok(None);
    };
    let mut body_length = None;
    let mut closes = false;
    for header in response.headers.iter() {
        let value = str::from_utf8(header.value).unwrap_or_default();
        if header.name.eq_ignore_ascii_case("content-length") {
            body_length = Some(value.parse().context("content-length")?);
        } else if header.name.eq_ignore_ascii_case("connection") {
            closes = value.eq_ignore_ascii_case("close");
        }
    }
    let Some(body_length) = body_length else {
        bail!("an answer without content-length")
    };
    let status = response.code.context("an answer without status")?;
    Ok(Some(Head {
        status,
        body_begins,
        body_length,
        closes,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        assert!(parse(&whole[..20]).unwrap().is_none());
        let head = parse(whole).unwrap().unwrap();
        assert_eq!((head.status, head.body_length, head.closes), (200, 2, true));
        assert_eq!(&whole[head.body_begins..], b"{}");
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
