//! The sandbox bank. Its contract is `docs/sandbox-bank.md`; the two change together.
//!
//! All money is in one [`book::Book`] behind one mutex that is never held across an `await`:
//! a call is decided completely when it arrives, and what follows is only the way its answer
//! travels. Card numbers live as long as the request that brought them.

pub mod book;
mod calls;
pub mod card;
pub mod deliver;
mod fault;
pub mod operation;
mod page;
mod record;
mod report;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::routing::{get, post};

use crate::clock;
use crate::config::Config;
use crate::journal::Journal;
use crate::random;
use crate::secret::Fingerprints;
use crate::web;
use book::{Book, Entropy, Moment, Performed, Refusal};
use fault::Faults;
use record::Record;
use wire::Answer;

/// The bank: its book, its faults, and what it was configured with.
pub struct Bank {
    terminal_key: String,
    late_ms: u64,
    base_url: String,
    fingerprints: Fingerprints,
    faults: Faults,
    journal: Option<Journal>,
    book: Mutex<Book>,
}

impl Bank {
    /// Opens the bank with what its journal remembers.
    pub fn open(config: &Config, base_url: &str) -> anyhow::Result<Arc<Bank>> {
        let mut book = Book::default();
        let mut journal = None;
        if let Some(path) = &config.journal {
            let (opened, records) = Journal::open::<Record>(path)?;
            for record in records {
                record.restore(&mut book)?;
            }
            journal = Some(opened);
        }
        Ok(Arc::new(Bank {
            terminal_key: config.terminal_key.clone(),
            late_ms: config.late_ms,
            base_url: base_url.to_owned(),
            fingerprints: Fingerprints::new(&config.terminal_key),
            faults: Faults::default(),
            journal,
            book: Mutex::new(book),
        }))
    }

    /// Writes what the journal has not written yet.
    pub fn close(&self) {
        if let Some(journal) = &self.journal {
            journal.close();
        }
    }

    /// The book, for as short as possible.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book
            .lock()
            .expect("nobody panics while holding the book")
    }

    /// Keeps the present state of an operation. Called with the book still locked, so that lines
    /// have the order of the changes.
    pub fn keep(&self, book: &Book, index: usize) {
        let Some(journal) = &self.journal else { return };
        if let Some(parent) = book.at(index).parent {
            journal.append(&Record::of(book, parent as usize));
        }
        journal.append(&Record::of(book, index));
    }

    /// Performs a call and says what it did and how the operation looks now.
    fn perform(
        &self,
        work: &impl Fn(&mut Book, Moment) -> Result<Performed, Refusal>,
    ) -> Result<(Performed, Answer), Refusal> {
        let now_ms = clock::now_ms();
        let moment = Moment {
            now_ms,
            late_ms: self.late_ms,
            entropy,
        };
        let mut book = self.book();
        let performed = work(&mut book, moment)?;
        if performed.changed {
            self.keep(&book, performed.index);
        }
        let answer = Answer::of(
            book.at(performed.index),
            performed.index + 1,
            now_ms,
            &self.base_url,
        );
        Ok((performed, answer))
    }

    /// How an operation looks now.
    fn answer(&self, index: usize) -> Answer {
        Answer::of(
            self.book().at(index),
            index + 1,
            clock::now_ms(),
            &self.base_url,
        )
    }
}

fn entropy() -> Entropy {
    Entropy {
        transaction_id: random::uuid(),
        acs_transaction_id: random::uuid(),
        code: random::six_digits(),
    }
}

/// All addresses of the bank, for machines and for people.
pub fn router(bank: Arc<Bank>) -> Router {
    Router::new()
        .route("/bank/v1/authorizations", post(calls::authorize))
        .route("/bank/v1/operations/{key}", get(calls::status))
        .route(
            "/bank/v1/operations/{key}/authentication",
            post(calls::method_completed),
        )
        .route(
            "/bank/v1/operations/{key}/challenge",
            post(calls::challenge_completed),
        )
        .route("/bank/v1/operations/{key}/captures", post(calls::capture))
        .route("/bank/v1/operations/{key}/voids", post(calls::void))
        .route("/bank/v1/operations/{key}/refunds", post(calls::refund))
        .route("/bank/v1/enrollment", post(calls::enrollment))
        .route(
            "/bank/v1/faults",
            get(calls::faults)
                .post(calls::add_fault)
                .delete(calls::clear_faults),
        )
        .route("/bank/v1/log", get(report::log))
        .route("/bank/v1/log/summary", get(report::summary))
        .route("/", get(page::to_page))
        .route("/bank", get(page::page))
        .route("/bank/faults", post(page::add_fault))
        .route("/bank/faults/clear", post(page::clear_faults))
        .route("/bank/style.css", get(page::style))
        .route("/favicon.ico", get(web::no_icon))
        .with_state(bank)
}
