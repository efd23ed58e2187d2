//! A shop in India that sells by wallet through the Gate: it sends signed sales, waits for the callback that
//! tells of success, and asks for the status of what it sold.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use serde::Deserialize;
use serde_json::json;

use crate::http::Connection;
use crate::json::text_of;
use crate::load::{self, Caller};
use crate::receiver::Receiver;
use crate::signature::{ANY_ID, ANY_SIGNATURE, Key, Template};
use crate::{ids, partner};

/// What every sale is about, in paise.
pub const AMOUNT: i64 = 50_000;
/// The partner lets payers with this end of their number pay at once.
const PHONE: &str = "919876540001";
/// How long the callback of success may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// One of so many messages of the gateway has its signature checked.
pub const CHECKED_EACH: u64 = 16;

/// What the callers of one load do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// A sale, until its callback of success has come.
    Sale,
    /// A question about a sale.
    Status,
}

/// The shop's account at a gateway.
#[derive(Clone)]
pub struct Account {
    /// Where the gateway listens.
    pub address: SocketAddr,
    /// The project's number.
    pub project_id: u64,
    /// What signs both ways.
    pub key: Key,
}

/// A sale that the Gate has taken.
#[derive(Debug, Clone, Copy)]
pub struct Sale {
    /// The shop's id of it.
    pub number: u64,
    /// The gateway's id of the payment.
    pub payment: u128,
}

/// What callbacks and answers tell of a payment.
#[derive(Deserialize)]
pub struct News<'a> {
    #[serde(borrow)]
    payment: PaymentNews<'a>,
}

#[derive(Deserialize)]
struct PaymentNews<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
}

impl<'a> News<'a> {
    /// Reads a callback or an answer about a status.
    pub fn read(text: &'a str) -> Result<Self> {
        serde_json::from_str(text).with_context(|| text.to_owned())
    }

    /// The sale that has succeeded, if that is the news.
    pub fn success(&self) -> Option<u64> {
        let number = u64::from_str_radix(&self.payment.id, 16).ok()?;
        (self.payment.status == "success").then_some(number)
    }
}

/// One caller of a load.
pub struct GateShopper {
    connection: Connection,
    job: Job,
    key: Key,
    sale: Template,
    status: Template,
    receiver: Receiver,
    /// Sales of before, to ask for.
    known: Arc<Vec<Sale>>,
    calls: u64,
    /// What the Gate took from this caller.
    pub sales: Vec<Sale>,
    /// How long the Gate took to answer each sale, in microseconds.
    pub answers: Histogram<u64>,
}

impl GateShopper {
    /// Opens a connection for one caller.
    pub async fn new(
        job: Job,
        account: &Account,
        receiver: &Receiver,
        known: &Arc<Vec<Sale>>,
    ) -> Result<Self> {
        let general = json!({
            "project_id": account.project_id, "payment_id": ANY_ID, "signature": ANY_SIGNATURE,
        });
        let status = json!({ "general": general });
        let mut sale = json!({
            "general": general,
            "payment": {
                "amount": AMOUNT, "currency": "INR",
                "description": "An order of several things from a shop",
            },
            "customer": {
                "id": "customer123", "ip_address": "1.1.1.1", "first_name": "Mary",
                "last_name": "Smith", "phone": PHONE, "email": "payer@example.in",
            },
            "return_url": { "success": "https://shop.example.in/done" },
        });
        sale["general"]["merchant_callback_url"] = json!(receiver.gate_url());
        Ok(Self {
            connection: Connection::open(account.address).await?,
            job,
            key: account.key.clone(),
            sale: Template::new(&sale, &account.key)?,
            status: Template::new(&status, &account.key)?,
            receiver: receiver.clone(),
            known: known.clone(),
            calls: 0,
            sales: Vec::new(),
            answers: load::new_histogram()?,
        })
    }

    async fn sell(&mut self) -> Result<()> {
        let number = ids::scattered(ids::next());
        let success = self.receiver.expect(number);
        let request = self.sale.about(&format!("{number:016x}"));
        let before = Instant::now();
        let path = "/v2/payment/wallet-partner/sale";
        let answer = self.connection.post_json(path, &request).await?;
        let us = u64::try_from(before.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.answers.saturating_record(us);
        ensure!(
            text_of(answer, "status") == Some("success"),
            "not accepted: {answer}"
        );
        let payment = text_of(answer, "request_id").and_then(partner::payment_of);
        let payment = payment.with_context(|| format!("an odd request id: {answer}"))?;
        self.sales.push(Sale { number, payment });
        tokio::time::timeout(PATIENCE, success)
            .await
            .with_context(|| format!("no success of {number:016x} was told in time"))?
            .context("the receiver has forgotten everything")
    }

    async fn ask(&mut self) -> Result<()> {
        let known = u64::try_from(self.known.len())?;
        let index = usize::try_from(ids::scattered(ids::next()) % known.max(1))?;
        let number = self.known.get(index).context("no sale to ask for")?.number;
        let request = self.status.about(&format!("{number:016x}"));
        let answer = self
            .connection
            .post_json("/v2/payment/status", &request)
            .await?;
        ensure!(
            News::read(answer)?.success() == Some(number),
            "no success: {answer}"
        );
        if self.calls.is_multiple_of(CHECKED_EACH) {
            ensure!(self.key.has_signed(answer), "not signed rightly: {answer}");
        }
        self.calls += 1;
        Ok(())
    }
}

impl Caller for GateShopper {
    async fn once(&mut self) -> Result<()> {
        match self.job {
            Job::Sale => self.sell().await,
            Job::Status => self.ask().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_success_is_success() {
        let told = |status: &str| {
            let text = format!(
                r#"{{"project_id":7,"payment":{{"type":"purchase","id":"00ff","status":"{status}"}},
                "operation":{{"status":"success"}}}}"#
            );
            News::read(&text).unwrap().success()
        };
        assert_eq!(told("success"), Some(255));
        assert_eq!(told("awaiting redirect result"), None);
        assert!(News::read("{}").is_err());
    }
}
