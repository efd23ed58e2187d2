//! The demo shop: a merchant like any other. It knows the gateway only by its merchants' APIs and
//! its callbacks, and shares nothing with the bank but the list of test cards it shows.
//!
//! It has two cashiers. One sells for tenge by register.do; the other, [`india`], sells for rupees
//! by ECommPay's Payment Page and Gate, and is there only if it is configured.
//!
//! An order is paid only if a callback with a right checksum or the status request says so; the
//! payer's return proves nothing.

mod actions;
mod callback;
mod cashier;
mod frame;
mod gateway;
mod goods;
mod http;
mod india;
mod order;
mod orders;
mod pages;
mod texts;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use serde::Deserialize;
use url::Url;

use crate::config::ShopConfig;
use crate::journal::Journal;
use crate::{clock, random, web};
use cashier::Cashier;
use frame::Visitor;
use gateway::Gateway;
use india::India;
use order::Order;
use orders::Orders;

/// The longest body, callbacks included.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// A line of the journal: an order of one of the cashiers.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Rupees(Box<india::Order>),
    Tenge(Box<Order>),
}

/// The shop: its orders and its account at the gateway.
pub struct Shop {
    gateway: Gateway,
    gateway_origin: String,
    callback_secret: String,
    public_url: String,
    bank_url: String,
    partner_url: Option<String>,
    policy: String,
    orders: Orders<Order>,
    india: Option<Arc<India>>,
    journal: Option<Arc<Journal>>,
}

impl Shop {
    /// Opens the shop with what its journal remembers. `address` is where it listens.
    pub fn open(
        config: ShopConfig,
        address: &str,
        bank_url: &str,
        partner_url: Option<&str>,
        journal: Option<PathBuf>,
    ) -> anyhow::Result<Shop> {
        let (mut tenge, mut rupees) = (Vec::new(), Vec::new());
        let mut kept = None;
        if let Some(bank_journal) = journal {
            let mut path = bank_journal.into_os_string();
            path.push(".shop");
            let (opened, lines) = Journal::open::<Line>(&PathBuf::from(path))?;
            for line in lines {
                match line {
                    Line::Rupees(order) => rupees.push(*order),
                    Line::Tenge(order) => tenge.push(*order),
                }
            }
            kept = Some(Arc::new(opened));
        }
        let gateway_url = Url::parse(&config.gateway_base_url).context("gateway_base_url")?;
        let gateway_origin = gateway_url.origin().ascii_serialization();
        let mut forms_lead_to = gateway_origin.clone();
        let mut india = None;
        if let Some(account) = config.ecommpay {
            let opened = India::open(account, Orders::open(rupees, kept.clone()))?;
            if opened.page_origin() != gateway_origin {
                forms_lead_to = format!("{gateway_origin} {}", opened.page_origin());
            }
            india = Some(Arc::new(opened));
        }
        let public_url = config.public_url.as_deref().unwrap_or(address);
        Ok(Shop {
            policy: format!(
                "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                 frame-ancestors 'none'; form-action 'self' {forms_lead_to}"
            ),
            gateway: Gateway::open(config.gateway_base_url, config.user_name, config.password)?,
            gateway_origin,
            callback_secret: config.callback_secret,
            public_url: public_url.trim_end_matches('/').to_owned(),
            bank_url: bank_url.to_owned(),
            partner_url: partner_url.map(str::to_owned),
            orders: Orders::open(tenge, kept.clone()),
            india,
            journal: kept,
        })
    }

    /// Where payers find the shop.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Writes what the journal has not written yet.
    pub fn close(&self) {
        if let Some(journal) = &self.journal {
            journal.close();
        }
    }

    /// The cashier that serves a visitor.
    fn cashier(&self, visitor: Visitor) -> Cashier {
        match &self.india {
            Some(_) => visitor.cashier,
            None => Cashier::Tenge,
        }
    }
}

/// A number that no order of this or an earlier run has: the time and some randomness.
fn new_number() -> String {
    let mut noise = [0; 2];
    random::fill(&mut noise);
    format!("DALA-{}-{:02x}{:02x}", clock::now_ms(), noise[0], noise[1])
}

/// All addresses of the shop.
pub fn router(shop: Arc<Shop>) -> Router {
    let india = shop.india.clone();
    let india = india.map(|india| india::router(Arc::clone(&shop), india));
    Router::new()
        .route("/", get(pages::front))
        .route("/goods/{id}", get(pages::good))
        .route("/buy", post(actions::buy))
        .route("/orders", get(pages::orders))
        .route("/orders/{number}", get(pages::order))
        .route("/orders/{number}/capture", post(actions::capture))
        .route("/orders/{number}/release", post(actions::release))
        .route("/orders/{number}/refund", post(actions::refund))
        .route("/callback", get(callback::by_query).post(callback::by_body))
        .route("/shop.css", get(pages::style))
        .route("/favicon.ico", get(web::no_icon))
        .route("/pictures/{file}", get(pages::picture))
        .fallback(pages::not_found)
        .with_state(shop)
        .merge(india.unwrap_or_default())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}
