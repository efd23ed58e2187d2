//! The wallet partner: a company that lets Indian payers pay by wallet. Its contract is
//! `docs/wallet-partner.md`; the two change together.
//!
//! Both generations of its API ([`first`], [`second`]) and the payer's page ([`wallet`]) work on
//! one [`book::Book`] behind one mutex that is never held across an `await`. What must be told to
//! the merchant is queued in the book and delivered by [`courier`].

mod amount;
mod answers;
mod book;
mod control;
mod courier;
mod entity;
mod fault;
mod first;
mod notice;
mod order;
mod page;
mod pay;
mod problem;
mod record;
mod refund;
mod reply;
mod report;
mod second;
mod sign;
mod texts;
mod time;
mod wallet;
mod wish;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use tokio::sync::watch;

use crate::config::PartnerConfig;
use crate::journal::Journal;
use crate::{clock, random, web};
use book::{Book, FirstIds, Settings};
use courier::Courier;
use fault::Faults;
use order::Delivery;
use record::Record;

/// The longest body.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a page or a test waits for the first try of a notice.
const FIRST_TRY_MAX: Duration = Duration::from_secs(15);

/// The partner: its book, its faults, and what it was configured with.
pub struct Partner {
    app_id: String,
    secret: String,
    merchant: String,
    public_url: String,
    order_ms: u64,
    faults: Faults,
    journal: Option<Journal>,
    book: Mutex<Book>,
    /// Counts what may interest the courier: new notices, moved limits.
    news: watch::Sender<u64>,
    /// Counts tries of notices.
    tries: watch::Sender<u64>,
}

impl Partner {
    /// Opens the partner with what its journal remembers. `address` is where it listens.
    pub fn open(config: PartnerConfig, address: &str) -> anyhow::Result<Arc<Partner>> {
        let mut book = Book::new(Settings {
            pause_ms: config.notice_pause_ms,
            refund_ms: config.refund_ms,
            first: first_ids(),
        });
        let mut journal = None;
        if let Some(path) = &config.journal {
            let (opened, records) = Journal::open::<Record>(path)?;
            for record in records {
                book.restore(record).context("partner")?;
            }
            journal = Some(opened);
        }
        let public_url = config.public_url.as_deref().unwrap_or(address);
        Ok(Arc::new(Partner {
            app_id: config.app_id,
            secret: config.secret,
            merchant: config.merchant,
            public_url: public_url.trim_end_matches('/').to_owned(),
            order_ms: config.order_minutes * 60_000,
            faults: Faults::default(),
            journal,
            book: Mutex::new(book),
            news: watch::Sender::new(0),
            tries: watch::Sender::new(0),
        }))
    }

    /// Where the gateway and payers find the partner.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Delivers notices and lets limits pass, until the program ends.
    pub async fn work(self: Arc<Partner>) {
        Courier::new(self).run().await;
    }

    /// Writes what the journal has not written yet.
    pub fn close(&self) {
        if let Some(journal) = &self.journal {
            journal.close();
        }
    }

    /// The book as it stands now, to be read only and for as short as possible.
    fn read(&self) -> MutexGuard<'_, Book> {
        self.book
            .lock()
            .expect("nobody panics while holding the partner's book")
    }

    /// Does what is due, then `work`, and keeps whatever changed.
    fn change<Answer>(&self, work: impl FnOnce(&mut Book, u64) -> Answer) -> Answer {
        let mut book = self.read();
        let now_ms = clock::now_ms();
        book.tick(now_ms);
        let answer = work(&mut book, now_ms);
        let touched = book.take_touched();
        if touched.is_empty() {
            return answer;
        }
        if let Some(journal) = &self.journal {
            for item in &touched {
                journal.append(&Record::of(&book, *item));
            }
        }
        book.forget_bodies(&touched);
        drop(book);
        self.news
            .send_modify(|count| *count = count.wrapping_add(1));
        answer
    }

    /// Keeps something that is not an item of the log. Called with the book still locked.
    fn keep(&self, record: &Record) {
        if let Some(journal) = &self.journal {
            journal.append(record);
        }
    }

    /// Waits until each of the notices was tried once, or long enough.
    async fn first_try(&self, notices: &[usize]) {
        let mut tries = self.tries.subscribe();
        let waits = || {
            let book = self.read();
            notices.iter().any(|index| {
                let notice = book.notice(*index);
                notice.delivery == Delivery::Waiting && notice.attempts.is_empty()
            })
        };
        let all_tried = async {
            while waits() {
                if tries.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(FIRST_TRY_MAX, all_tried).await;
    }

    /// The address of a payer's page.
    fn link(&self, token: &str) -> String {
        format!("{}/billpay/order/{token}", self.public_url)
    }
}

/// Random beginnings, so that two runs without a journal do not give the same ids.
fn first_ids() -> FirstIds {
    let noise = u64::from(random::six_digits());
    FirstIds {
        order: 2_100_000_000 + noise * 100,
        payment: 200_000_000 + noise * 500,
        refund: 1_000_000 + noise * 5,
    }
}

/// A name that cannot be guessed: lower-case letters and digits.
fn token() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut noise = [0; 24];
    random::fill(&mut noise);
    noise
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect()
}

/// All addresses of the partner, for machines and for people.
pub fn router(partner: Arc<Partner>) -> Router {
    Router::new()
        .merge(first::router())
        .merge(second::router())
        .merge(wallet::router())
        .merge(control::router())
        .merge(report::router())
        .merge(page::router())
        .route("/favicon.ico", axum::routing::get(web::no_icon))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(partner)
}
