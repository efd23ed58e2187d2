//! The demo shop: a merchant like any other. It knows the gateway only by its register.do API and
//! its callbacks, and shares nothing with the bank but the list of test cards it shows.
//!
//! An order is paid only if a callback with a right checksum or the status request says so; the
//! payer's return proves nothing.

mod actions;
mod callback;
mod gateway;
mod goods;
mod order;
mod pages;
mod texts;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Context;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use url::Url;

use crate::config::ShopConfig;
use crate::journal::Journal;
use crate::{clock, random, web};
use gateway::Gateway;
use order::Order;

/// The longest body, callbacks included.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The shop: its orders and its account at the gateway.
pub struct Shop {
    gateway: Gateway,
    gateway_origin: String,
    callback_secret: String,
    public_url: String,
    bank_url: String,
    policy: String,
    orders: Mutex<HashMap<String, Order>>,
    journal: Option<Journal>,
}

impl Shop {
    /// Opens the shop with what its journal remembers. `address` is where it listens.
    pub fn open(
        config: ShopConfig,
        address: &str,
        bank_url: &str,
        journal: Option<PathBuf>,
    ) -> anyhow::Result<Shop> {
        let mut orders = HashMap::new();
        let mut kept = None;
        if let Some(bank_journal) = journal {
            let mut path = bank_journal.into_os_string();
            path.push(".shop");
            let (opened, lines) = Journal::open::<Order>(&PathBuf::from(path))?;
            for order in lines {
                orders.insert(order.number.clone(), order);
            }
            kept = Some(opened);
        }
        let gateway_url = Url::parse(&config.gateway_base_url).context("gateway_base_url")?;
        let gateway_origin = gateway_url.origin().ascii_serialization();
        let public_url = config.public_url.as_deref().unwrap_or(address);
        Ok(Shop {
            policy: format!(
                "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                 frame-ancestors 'none'; form-action 'self' {gateway_origin}"
            ),
            gateway: Gateway::open(config.gateway_base_url, config.user_name, config.password)?,
            gateway_origin,
            callback_secret: config.callback_secret,
            public_url: public_url.trim_end_matches('/').to_owned(),
            bank_url: bank_url.to_owned(),
            orders: Mutex::new(orders),
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

    /// A number that no order of this or an earlier run has: the time and some randomness.
    fn new_number(&self) -> String {
        let mut noise = [0; 2];
        random::fill(&mut noise);
        format!("DALA-{}-{:02x}{:02x}", clock::now_ms(), noise[0], noise[1])
    }

    /// Adds or replaces an order.
    fn keep(&self, order: Order) {
        let mut orders = self.orders();
        if let Some(journal) = &self.journal {
            journal.append(&order);
        }
        orders.insert(order.number.clone(), order);
    }

    /// A copy of an order.
    fn order(&self, number: &str) -> Option<Order> {
        self.orders().get(number).cloned()
    }

    /// Changes an order in place; nothing if there is none.
    fn change(&self, number: &str, change: impl FnOnce(&mut Order)) -> Option<Order> {
        let mut orders = self.orders();
        let order = orders.get_mut(number)?;
        change(order);
        if let Some(journal) = &self.journal {
            journal.append(order);
        }
        Some(order.clone())
    }

    /// As [`Shop::change`], but the journal gets a line only if the state or a sum is new: pages
    /// ask the gateway far more often than anything happens.
    fn change_if_news(&self, number: &str, change: impl FnOnce(&mut Order)) {
        let mut orders = self.orders();
        let Some(order) = orders.get_mut(number) else {
            return;
        };
        let known = |order: &Order| {
            (
                order.state,
                order.source,
                order.approved,
                order.deposited,
                order.refunded,
            )
        };
        let before = known(order);
        change(order);
        if let Some(journal) = self.journal.as_ref().filter(|_| known(order) != before) {
            journal.append(order);
        }
    }

    fn orders(&self) -> MutexGuard<'_, HashMap<String, Order>> {
        self.orders
            .lock()
            .expect("nobody panics while holding the orders")
    }
}

/// All addresses of the shop.
pub fn router(shop: Arc<Shop>) -> Router {
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
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(shop)
}
