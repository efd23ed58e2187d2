//! The cashier for India: rupees, by ECommPay's Payment Page and Gate.
//!
//! It believes a message only if it is signed with the shop's key, whatever way it came; the
//! payer's return proves nothing. A repeat is answered like the first and changes nothing.

mod actions;
mod callback;
mod gate;
mod order;
mod pages;
mod sign;
mod texts;
mod told;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::routing::{get, post};
use tokio::sync::watch;
use url::Url;

use super::Shop;
use super::cashier::Cashier;
use super::goods;
use super::orders::Orders;
use super::pages::Listed;
use crate::config::EcommpayConfig;
use crate::web;
use gate::{Addresses, Gate};
pub use order::Order;
pub use pages::basket;

/// The cashier: its orders and its account at the gateway.
pub struct India {
    gate: Gate,
    page_origin: String,
    orders: Orders<Order>,
    /// Counts callbacks, to wake who waits for one.
    news: watch::Sender<u64>,
}

impl India {
    /// Opens the cashier with the orders that are remembered.
    pub fn open(config: EcommpayConfig, orders: Orders<Order>) -> anyhow::Result<India> {
        let page = Url::parse(&config.payment_page_url).context("payment_page_url")?;
        let gate = Gate::open(
            &config.gate_url,
            &config.payment_page_url,
            config.project_id,
            config.secret,
        )?;
        Ok(India {
            gate,
            page_origin: page.origin().ascii_serialization(),
            orders,
            news: watch::Sender::new(0),
        })
    }

    /// Where the Payment Page and the widget come from.
    pub fn page_origin(&self) -> &str {
        &self.page_origin
    }

    /// All orders as the shop's list shows them.
    pub fn listed(&self) -> Vec<Listed> {
        let orders = self.orders.all().into_iter();
        let listed = orders.map(|order| Listed {
            path: order.path(),
            price: Cashier::Rupees.price(order.amount),
            number: order.number,
            created_ms: order.created_ms,
            good: order.good,
            quantity: order.quantity,
            state: order.state,
        });
        listed.collect()
    }

    /// Waits until an order is as wanted, but not longer than this. Gives the order as it is then.
    async fn wait_for(
        &self,
        number: &str,
        longest: Duration,
        wanted: impl Fn(&Order) -> bool,
    ) -> Option<Order> {
        let mut news = self.news.subscribe();
        let waiting = async {
            // Ends with the timeout at the latest; each round follows a callback.
            loop {
                let order = self.orders.find(number)?;
                if wanted(&order) || news.changed().await.is_err() {
                    return Some(order);
                }
            }
        };
        match tokio::time::timeout(longest, waiting).await {
            Ok(order) => order,
            Err(_) => self.orders.find(number),
        }
    }
}

/// The shop and its cashier for India: what every request needs.
#[derive(Clone)]
struct Desk {
    shop: Arc<Shop>,
    india: Arc<India>,
}

impl Desk {
    fn addresses(&self, order: &Order) -> Addresses {
        Addresses {
            callback: format!("{}/india/callback", self.shop.public_url),
            order: format!("{}{}", self.shop.public_url, order.path()),
        }
    }
}

/// What an order is for, in the gateway's records and on its page.
fn description(order: &Order) -> String {
    let name = goods::find(&order.good).map_or("", |good| good.name(order.language));
    format!("{name} × {}", order.quantity)
}

/// All addresses of the cashier.
pub fn router(shop: Arc<Shop>, india: Arc<India>) -> Router {
    Router::new()
        .route("/india/buy", post(actions::buy))
        .route("/india/callback", post(callback::receive))
        .route("/india/orders/{number}", get(pages::order))
        .route("/india/orders/{number}/pay", get(pages::pay))
        .route("/india/orders/{number}/refund", post(actions::refund))
        .route("/india/window.js", get(window_script))
        .route("/india/onward.js", get(onward_script))
        .with_state(Desk { shop, india })
}

async fn window_script() -> axum::response::Response {
    let text = include_str!("../../../assets/shop_window.js");
    web::asset("text/javascript", text)
}

async fn onward_script() -> axum::response::Response {
    web::asset("text/javascript", include_str!("../../../assets/onward.js"))
}
