//! A shop that calls register.do, pays by card server to server, and asks for the status of orders.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use crate::http::Connection;
use crate::ids;
use crate::json::{number_of, text_of};
use crate::load::Caller;

/// The card that the sandbox bank approves.
const CARD: &str = "%24PAN=4444555511113333&%24CVC=123&%24EXPIRY=203012&TEXT=TEST+CARD";
/// What an order is like, apart from its number.
const ORDER: &str = "amount=50000&returnUrl=https%3A%2F%2Fshop.example.kz%2Fdone%3Forder%3D1&\
                     description=An+order+of+several+things+from+a+shop&email=payer%40example.kz";
/// A currency that no demo project takes.
const UNKNOWN_CURRENCY: &str = "currency=999";

/// What the callers of one load do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Job {
    /// A register.do that is refused after it was read and authenticated, before the database.
    Refused,
    /// register.do.
    Register,
    /// register.do, then paymentorder.do, with a callback.
    Pay,
    /// getOrderStatusExtended.do of a paid order.
    Status,
}

/// The shop's account at a gateway.
#[derive(Debug, Clone)]
pub struct Account {
    /// Where the gateway listens.
    pub address: SocketAddr,
    /// Login and password as the beginning of a form.
    credentials: String,
}

impl Account {
    /// An account with this login.
    pub fn new(address: SocketAddr, user_name: &str, password: &str) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("userName", user_name)
            .append_pair("password", password);
        Self {
            address,
            credentials: form.finish(),
        }
    }
}

/// One caller of a load.
pub struct Shopper {
    connection: Connection,
    job: Job,
    account: Account,
    /// The address for callbacks as a part of a form; empty for none.
    callback: String,
    /// Orders that were paid before, to ask for.
    known: Arc<Vec<String>>,
    /// Orders that this caller registered or paid.
    pub orders: Vec<String>,
}

impl Shopper {
    /// Opens a connection for one caller.
    pub async fn new(
        job: Job,
        account: &Account,
        callback_url: &str,
        known: &Arc<Vec<String>>,
    ) -> Result<Self> {
        let callback = match job {
            Job::Pay => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                form.append_pair("dynamicCallbackUrl", callback_url);
                format!("&{}", form.finish())
            }
            Job::Refused | Job::Register | Job::Status => String::new(),
        };
        Ok(Self {
            connection: Connection::open(account.address).await?,
            job,
            account: account.clone(),
            callback,
            known: known.clone(),
            orders: Vec::new(),
        })
    }

    /// Registers an order and returns its id.
    pub async fn register(&mut self) -> Result<String> {
        let form = format!(
            "{}&orderNumber={}&{ORDER}{}",
            self.account.credentials,
            ids::order_number(),
            self.callback
        );
        let answer = self
            .connection
            .post_form("/payment/rest/register.do", &form)
            .await?;
        let id = text_of(answer, "orderId").with_context(|| answer.to_owned())?;
        ensure!(id.len() == 36, "an odd order id: {answer}");
        Ok(id.to_owned())
    }

    /// Pays an order by card.
    pub async fn pay(&mut self, order: &str) -> Result<()> {
        let form = format!("{}&MDORDER={order}&{CARD}", self.account.credentials);
        let answer = self
            .connection
            .post_form("/payment/rest/paymentorder.do", &form)
            .await?;
        ensure!(
            number_of(answer, "errorCode") == Some(0),
            "not paid: {answer}"
        );
        Ok(())
    }

    async fn refused(&mut self) -> Result<()> {
        let form = format!(
            "{}&orderNumber={}&{ORDER}&{UNKNOWN_CURRENCY}",
            self.account.credentials,
            ids::order_number()
        );
        let answer = self
            .connection
            .post_form("/payment/rest/register.do", &form)
            .await?;
        ensure!(
            number_of(answer, "errorCode") == Some(3),
            "not refused: {answer}"
        );
        Ok(())
    }

    async fn status(&mut self) -> Result<()> {
        let known = u64::try_from(self.known.len())?;
        let index = usize::try_from(ids::scattered(ids::next()) % known.max(1))?;
        let order = self.known.get(index).context("no order to ask for")?;
        let form = format!("{}&orderId={order}", self.account.credentials);
        let path = "/payment/rest/getOrderStatusExtended.do";
        let answer = self.connection.post_form(path, &form).await?;
        ensure!(
            number_of(answer, "orderStatus") == Some(2),
            "not paid: {answer}"
        );
        Ok(())
    }
}

impl Caller for Shopper {
    async fn once(&mut self) -> Result<()> {
        match self.job {
            Job::Refused => self.refused().await,
            Job::Status => self.status().await,
            Job::Register => {
                let order = self.register().await?;
                self.orders.push(order);
                Ok(())
            }
            Job::Pay => {
                let order = self.register().await?;
                self.pay(&order).await?;
                self.orders.push(order);
                Ok(())
            }
        }
    }
}
