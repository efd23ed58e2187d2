//! Delivers notices in the background and lets limits pass. A notice that is not answered with
//! 2xx (a redirect is not) is tried again after each pause; every try is recorded.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use tokio::sync::Semaphore;
use tokio::sync::watch;

use super::Partner;
use super::order::{Attempt, Body, Notice};
use super::sign::{self, RESULT_FIELDS};
use crate::clock;

/// How long a try may take.
const TRY_MAX: Duration = Duration::from_secs(10);
/// Tries that may be under way at once.
const UNDER_WAY_MAX: usize = 64;
/// The longest sleep, should the clock be moved.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// The background task.
pub struct Courier {
    partner: Arc<Partner>,
    news: watch::Receiver<u64>,
    slots: Arc<Semaphore>,
    clients: Clients,
}

/// Without TLS no certificate store is needed, so the two kinds of clients are apart, and the one
/// for https is there only if the machine has a store.
#[derive(Clone)]
struct Clients {
    plain: Option<Client>,
    secure: Option<Client>,
}

impl Clients {
    fn new() -> Clients {
        let builder = || {
            Client::builder()
                .no_proxy()
                .redirect(Policy::none())
                .timeout(TRY_MAX)
        };
        Clients {
            plain: builder().tls_certs_only([]).build().ok(),
            secure: builder().build().ok(),
        }
    }

    fn of(&self, url: &str) -> Option<&Client> {
        if url.starts_with("https:") {
            self.secure.as_ref()
        } else {
            self.plain.as_ref()
        }
    }
}

impl Courier {
    /// A courier that has nothing under way.
    pub fn new(partner: Arc<Partner>) -> Courier {
        Courier {
            news: partner.news.subscribe(),
            partner,
            slots: Arc::new(Semaphore::new(UNDER_WAY_MAX)),
            clients: Clients::new(),
        }
    }

    /// Works until the program ends.
    pub async fn run(mut self) {
        loop {
            self.news.mark_unchanged();
            // Lets limits pass even if nobody calls.
            self.partner.change(|_, _| ());
            let free = self.slots.available_permits();
            let due = self.partner.read().take_due_notices(clock::now_ms(), free);
            let full = due.len() == free;
            for notice in due {
                let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else {
                    return;
                };
                let partner = Arc::clone(&self.partner);
                let clients = self.clients.clone();
                tokio::spawn(async move {
                    let attempt = attempt(&partner.secret, &clients, &notice).await;
                    partner.change(|book, _| book.attempted(notice.index, attempt));
                    partner
                        .tries
                        .send_modify(|count| *count = count.wrapping_add(1));
                    drop(slot);
                });
            }
            let pause = self.pause(full);
            tokio::select! {
                changed = self.news.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Until the next thing is due; a try that ends is news.
    fn pause(&self, full: bool) -> Duration {
        let next_ms = self.partner.read().next_due_ms();
        match next_ms {
            Some(next_ms) if !full => {
                Duration::from_millis(next_ms.saturating_sub(clock::now_ms())).min(SLEEP_MAX)
            }
            Some(_) | None => SLEEP_MAX,
        }
    }
}

/// One try.
async fn attempt(secret: &str, clients: &Clients, notice: &Notice) -> Attempt {
    let at_ms = clock::now_ms();
    let failed = |error: String| Attempt {
        at_ms,
        status: None,
        error: Some(error),
    };
    let Some(client) = clients.of(&notice.url) else {
        return failed("this machine has no certificates for https".to_owned());
    };
    let request = client.post(&notice.url);
    let request = match &notice.body {
        Body::Form(values) => request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(secret, values, notice.bad_signature)),
        Body::Json(text) => {
            let timestamp = at_ms.to_string();
            let mut signature = sign::notice(secret, &timestamp, text);
            if notice.bad_signature {
                signature = sign::spoiled(&signature);
            }
            let key = sign::tag(secret, &[notice.subject.as_bytes()]);
            request
                .header(CONTENT_TYPE, "application/json")
                .header("x-webhook-timestamp", timestamp)
                .header("x-webhook-signature", signature)
                .header("x-webhook-version", &notice.version)
                .header("x-webhook-attempt", notice.attempts.len() + 1)
                .header("x-idempotency-key", key)
                .body(text.clone())
        }
        Body::Gone => return failed("nothing to send".to_owned()),
    };
    match request.send().await {
        Ok(response) => Attempt {
            at_ms,
            status: Some(response.status().as_u16()),
            error: None,
        },
        Err(error) => failed(error.without_url().to_string()),
    }
}

/// The body of generation 1: the values under their names, and the signature over them.
fn form(secret: &str, values: &[String], bad_signature: bool) -> String {
    let mut signature = sign::result(secret, values);
    if bad_signature {
        signature = sign::spoiled(&signature);
    }
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(RESULT_FIELDS.into_iter().zip(values))
        .append_pair("signature", &signature)
        .finish()
}
