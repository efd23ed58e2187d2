//! Sends messages as Altyn does, or spoilt on purpose, and reads answers within their limits.

use std::time::{Duration, Instant};

use altyn_connectors::remote::signature::{self, Keys, Stamp};
use altyn_connectors::remote::state::BODY_MAX;
use altyn_connectors::remote::{VERSION, VERSION_HEADER, fault};
use altyn_engine::Clock as _;
use altyn_engine::Entropy as _;
use url::Url;

use super::{Stop, fail, hold};
use crate::clock::{SystemClock, SystemEntropy};

/// A message as it is sent; to be spoilt before.
#[derive(Clone)]
pub struct Message {
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Message {
    /// Replaces a header.
    pub fn set(&mut self, name: &'static str, value: String) {
        self.remove(name);
        self.headers.push((name, value));
    }

    /// Takes a header away.
    pub fn remove(&mut self, name: &str) {
        self.headers.retain(|(known, _)| *known != name);
    }

    fn id(&self) -> &str {
        let mut headers = self.headers.iter();
        headers
            .find(|(name, _)| *name == signature::ID)
            .map_or("", |(_, value)| value.as_str())
    }
}

/// What came back.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub at: Instant,
}

impl Reply {
    /// The code of an error, for people.
    pub fn code(&self) -> String {
        fault::code(&self.body).unwrap_or_else(|| "no code".to_owned())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The connector, seen from here.
pub struct Client {
    http: reqwest::Client,
    url: Url,
    keys: Keys,
    timeout: Duration,
    entropy: SystemEntropy,
}

impl Client {
    pub fn new(url: Url, keys: Keys, timeout: Duration) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(timeout)
            .user_agent(concat!("Altyn-check/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            http,
            url,
            keys,
            timeout,
            entropy: SystemEntropy::default(),
        })
    }

    /// An id that nobody has used.
    pub fn fresh(&self, prefix: &str) -> String {
        format!(
            "{prefix}_{:016x}{:016x}",
            self.entropy.random(),
            self.entropy.random()
        )
    }

    /// A rightly signed message of now.
    pub fn message(&self, body: Vec<u8>) -> Message {
        let id = self.fresh("msg");
        self.message_of(&id, 0, body)
    }

    /// A rightly signed message of so many seconds ago.
    pub fn message_of(&self, id: &str, age_s: i64, body: Vec<u8>) -> Message {
        let second = signature::second_of(SystemClock.now()) - age_s;
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            (VERSION_HEADER, VERSION.to_owned()),
            (signature::ID, id.to_owned()),
            (signature::TIMESTAMP, second.to_string()),
            (signature::SIGNATURE, self.keys.sign(id, second, &body)),
        ];
        Message { headers, body }
    }

    /// Whether something signed that comes now is to be believed.
    pub fn believe(&self, headers: &[(String, String)], body: &[u8]) -> Result<String, Stop> {
        let named = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let stamp = Stamp::read(named);
        let stamp = stamp.map_err(|doubt| Stop::Fail(doubt.to_string()))?;
        let right = self.keys.verify(&stamp, body, SystemClock.now());
        right.map_err(|doubt| Stop::Fail(doubt.to_string()))?;
        let version = headers.iter().find(|(name, _)| name == VERSION_HEADER);
        hold(version.is_some_and(|(_, value)| value == VERSION), || {
            format!("{VERSION_HEADER} is not {VERSION}")
        })?;
        Ok(stamp.id.to_owned())
    }

    /// The answer, if it is signed and belongs to its request.
    pub fn own(&self, message: &Message, reply: Reply) -> Result<Reply, Stop> {
        let answers = self
            .believe(&reply.headers, &reply.body)
            .map_err(|stop| match stop {
                Stop::Fail(doubt) => Stop::Fail(format!("the answer: {doubt}")),
                Stop::Skip(why) => Stop::Skip(why),
            })?;
        hold(answers == message.id(), || {
            format!("the answer: {} is not that of its request", signature::ID)
        })?;
        Ok(reply)
    }

    /// Sends a message; the answer may be anything within the limits of time and size.
    pub async fn send(&self, message: &Message) -> Result<Reply, Stop> {
        let mut request = self.http.post(self.url.clone());
        for (name, value) in &message.headers {
            request = request.header(*name, value);
        }
        self.read(request.body(message.body.clone())).await
    }

    /// What a browser gets.
    pub async fn browse(&self, url: &str, form: Option<String>) -> Result<Reply, Stop> {
        let request = match form {
            Some(form) => self
                .http
                .post(url)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form),
            None => self.http.get(url),
        };
        self.read(request).await
    }

    async fn read(&self, request: reqwest::RequestBuilder) -> Result<Reply, Stop> {
        let mut response = request.send().await.map_err(|error| self.lost(&error))?;
        let headers = response.headers().iter();
        let headers = headers.filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        });
        let headers = headers.collect();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.lost(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > BODY_MAX {
                return fail(format!("the answer is larger than {BODY_MAX} bytes"));
            }
        }
        Ok(Reply {
            status: response.status().as_u16(),
            headers,
            body,
            at: Instant::now(),
        })
    }

    fn lost(&self, error: &reqwest::Error) -> Stop {
        if error.is_timeout() {
            return Stop::Fail(format!("no answer within {} ms", self.timeout.as_millis()));
        }
        let mut reason: &dyn std::error::Error = error;
        for _ in 0..8 {
            let Some(inner) = reason.source() else { break };
            reason = inner;
        }
        Stop::Fail(format!("no answer: {reason}"))
    }
}
