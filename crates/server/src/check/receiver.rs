//! Hears callbacks at an address of this machine, one per operation.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use altyn_connectors::remote::state::BODY_MAX;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use tokio::sync::Notify;

/// The most callbacks that are kept.
const HEARD_MAX: usize = 10_000;

/// One callback as it came.
#[derive(Clone)]
pub struct Heard {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub at: Instant,
}

#[derive(Default)]
struct Shared {
    heard: Mutex<HashMap<String, Vec<Heard>>>,
    /// Operations whose next callback is not taken.
    refuse: Mutex<HashSet<String>>,
    news: Notify,
}

/// A running receiver.
pub struct Receiver {
    base: String,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Listens on a free port of loopback for as long as the program runs.
    pub async fn open() -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}/callback", listener.local_addr()?);
        let shared = Arc::new(Shared::default());
        let router = Router::new()
            .route("/callback/{operation}", post(hear))
            .layer(DefaultBodyLimit::max(BODY_MAX + 1))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { base, shared })
    }

    /// The address for callbacks about an operation.
    pub fn url(&self, operation: &str) -> String {
        format!("{}/{operation}", self.base)
    }

    /// The next callback about this operation is answered with 503.
    pub fn refuse_once(&self, operation: &str) {
        locked(&self.shared.refuse).insert(operation.to_owned());
    }

    /// What has been heard about an operation, in order.
    pub fn heard(&self, operation: &str) -> Vec<Heard> {
        locked(&self.shared.heard)
            .get(operation)
            .cloned()
            .unwrap_or_default()
    }

    /// Waits until so many callbacks about the operation have come, and gives the last of them.
    pub async fn wait(&self, operation: &str, count: usize, patience: Duration) -> Option<Heard> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let news = self.shared.news.notified();
            if let Some(heard) = self.heard(operation).get(count - 1) {
                return Some(heard.clone());
            }
            if tokio::time::timeout_at(deadline, news).await.is_err() {
                return self.heard(operation).get(count - 1).cloned();
            }
        }
    }
}

async fn hear(
    State(shared): State<Arc<Shared>>,
    Path(operation): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let readable = headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    let heard = Heard {
        headers: readable.collect(),
        body: body.to_vec(),
        at: Instant::now(),
    };
    let mut all = locked(&shared.heard);
    if all.values().map(Vec::len).sum::<usize>() < HEARD_MAX {
        all.entry(operation.clone()).or_default().push(heard);
    }
    drop(all);
    let refused = locked(&shared.refuse).remove(&operation);
    shared.news.notify_waiters();
    if refused {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::NO_CONTENT
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
