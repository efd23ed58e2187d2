//! The pages of the cashier: basket, way to payment, order.

use std::borrow::Borrow;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Redirect as SeeOther, Response};
use serde_json::Value;
use url::Url;

use super::order::{Order, Payer, Way};
use super::texts::{self, IndiaTexts};
use super::told::{Redirect, Told};
use super::{Desk, description};
use crate::shop::Shop;
use crate::shop::cashier::Cashier;
use crate::shop::frame::{self, Frame, Visitor, show, show_under};
use crate::shop::goods::{self, Good};
use crate::shop::http::GatewayError;
use crate::shop::order::{Source, State};
use crate::shop::pages::{QUANTITY_MAX, REFRESH_S};
use crate::shop::texts::{self as shop_texts, Texts};
use crate::{clock, random};

/// How long the way to the wallet is waited for before the buyer is told to wait.
const REDIRECT_WAIT: Duration = Duration::from_secs(3);
/// How often the page that waits for it looks again.
const WAITING_REFRESH_S: u32 = 1;

/// Phones that decide a payment at the simulated partner by themselves, and what they do.
const TEST_PHONES: [(&str, Decision); 3] = [
    ("9999900001", Decision::Pays),
    ("9999900002", Decision::Declines),
    ("9999900003", Decision::Leaves),
];

/// What a payer does without a page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Pays at once.
    Pays,
    /// Declines at once.
    Declines,
    /// Goes away at once.
    Leaves,
}

#[derive(Template)]
#[template(path = "shop_india_basket.html")]
struct BasketPage {
    frame: Frame,
    india: &'static IndiaTexts,
    good: &'static Good,
    quantity_max: u32,
    ways: [(Way, &'static str, &'static str); 3],
    payer: Payer,
    phones: Vec<(&'static str, &'static str)>,
}

#[derive(Template)]
#[template(path = "shop_india_going.html")]
struct GoingPage {
    frame: Frame,
    india: &'static IndiaTexts,
    order: Order,
    redirect: Option<Redirect>,
}

#[derive(Template)]
#[template(path = "shop_india_window.html")]
struct WindowPage {
    frame: Frame,
    india: &'static IndiaTexts,
    order: Order,
    good: Option<&'static Good>,
    page_origin: String,
    /// The Payment Page's parameters as a JSON object.
    config: String,
    page_url: String,
}

#[derive(Template)]
#[template(path = "shop_india_order.html")]
struct OrderPage {
    frame: Frame,
    india: &'static IndiaTexts,
    order: Order,
    good: Option<&'static Good>,
    title: &'static str,
    hint: &'static str,
    way: &'static str,
    created: String,
    /// The gateway's own word for the status, if it answered.
    status: Option<String>,
    callbacks: Vec<Heard>,
    refund: Option<(&'static str, String)>,
    problem: Option<String>,
    /// The name of the next refund, so that pressing twice refunds once.
    token: String,
}

/// A callback as the page shows it.
struct Heard {
    operation: String,
    status: String,
    payment_status: String,
    reason: String,
    times: u32,
    at: String,
}

impl Heard {
    fn is_good(&self) -> bool {
        self.status == "success"
    }
}

/// A sum of rupees; templates give references and computed values.
fn price(minor: impl Borrow<i64>) -> String {
    Cashier::Rupees.price(*minor.borrow())
}

/// The page of a good, where its buyer says who pays and how.
pub fn basket(shop: &Shop, visitor: Visitor, frame: Frame, good: &'static Good) -> Response {
    let phones = TEST_PHONES.into_iter();
    let phones = phones.map(|(phone, what)| (phone, texts::phone(what, visitor.language)));
    let page = BasketPage {
        frame,
        india: IndiaTexts::of(visitor.language),
        good,
        quantity_max: QUANTITY_MAX,
        ways: Way::ALL.map(|way| {
            let (name, hint) = texts::way(way, visitor.language);
            (way, name, hint)
        }),
        payer: Payer {
            first_name: "Test".to_owned(),
            last_name: "Payer".to_owned(),
            phone: "9876543210".to_owned(),
            email: "payer@example.com".to_owned(),
            ip_address: String::new(),
        },
        phones: phones.collect(),
    };
    show(shop, visitor, &page)
}

/// `GET /india/orders/{number}/pay`: to payment, or further there, by the way that was chosen.
pub async fn pay(
    Shared(desk): Shared<Desk>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Path(number): Path<String>,
) -> Response {
    let visitor = Visitor::of(&headers, query.as_deref());
    let Some(order) = desk.india.orders.find(&number) else {
        return frame::missing(&desk.shop, visitor);
    };
    if !order.state.is_open() {
        return SeeOther::to(&order.path()).into_response();
    }
    match order.way {
        Way::Page => SeeOther::to(&page_of(&desk, &order).1).into_response(),
        Way::Widget => window(&desk, visitor, order),
        Way::Gate => to_wallet(&desk, visitor, &number).await,
    }
}

/// The Payment Page's parameters, and its address with them.
fn page_of(desk: &Desk, order: &Order) -> (Vec<(&'static str, String)>, String) {
    let addresses = desk.addresses(order);
    let gate = &desk.india.gate;
    let parameters = gate.page_parameters(order, &description(order), &addresses);
    let url = gate.page_url(&parameters);
    (parameters, url)
}

/// The page that opens the Payment Page in a window over itself.
fn window(desk: &Desk, visitor: Visitor, order: Order) -> Response {
    let (parameters, page_url) = page_of(desk, &order);
    let config: serde_json::Map<String, Value> = parameters
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .collect();
    let origin = desk.india.page_origin.clone();
    // The frame goes on to a bank or a wallet that the shop does not know.
    let policy = format!(
        "default-src 'none'; style-src 'self' {origin}; script-src 'self' {origin}; \
         img-src 'self' {origin}; frame-src http: https:; base-uri 'none'; frame-ancestors 'none'; \
         form-action 'self' {origin}"
    );
    let page = WindowPage {
        frame: Frame::new(&desk.shop, visitor, format!("{}/pay", order.path())),
        india: IndiaTexts::of(visitor.language),
        good: goods::find(&order.good),
        page_origin: origin,
        config: Value::Object(config).to_string(),
        page_url,
        order,
    };
    show_under(&desk.shop, visitor, &page, &policy)
}

/// The page that carries the buyer to the wallet, as soon as the gateway's callback has said where.
async fn to_wallet(desk: &Desk, visitor: Visitor, number: &str) -> Response {
    let ready = |order: &Order| order.redirect.is_some() || !order.state.is_open();
    let waited = desk.india.wait_for(number, REDIRECT_WAIT, ready).await;
    let Some(order) = waited else {
        return frame::missing(&desk.shop, visitor);
    };
    if !order.state.is_open() {
        return SeeOther::to(&order.path()).into_response();
    }
    let mut frame = Frame::new(&desk.shop, visitor, format!("{}/pay", order.path()));
    let redirect = order.redirect.clone();
    let mut forms_lead_to = String::new();
    match redirect.as_ref().map(|redirect| web_address(&redirect.url)) {
        None => frame.refresh_s = WAITING_REFRESH_S,
        Some(Some(url)) => forms_lead_to = url.origin().ascii_serialization(),
        Some(None) => {
            let strange = GatewayError::Strange(StatusCode::OK);
            let message = Texts::of(visitor.language).gateway(&strange);
            return frame::problem(&desk.shop, visitor, StatusCode::BAD_GATEWAY, message);
        }
    }
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
         base-uri 'none'; frame-ancestors 'none'; form-action 'self' {forms_lead_to}"
    );
    let page = GoingPage {
        frame,
        india: IndiaTexts::of(visitor.language),
        redirect,
        order,
    };
    show_under(&desk.shop, visitor, &page, &policy)
}

fn web_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// `GET /india/orders/{number}`: where the payer comes back to, and where the shop looks later.
pub async fn order(
    Shared(desk): Shared<Desk>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Path(number): Path<String>,
) -> Response {
    let visitor = Visitor::of(&headers, query.as_deref());
    show_order(&desk, visitor, &number, None).await
}

/// The page of an order as the gateway knows it now.
pub async fn show_order(
    desk: &Desk,
    visitor: Visitor,
    number: &str,
    problem: Option<String>,
) -> Response {
    let Some(known) = desk.india.orders.find(number) else {
        return frame::missing(&desk.shop, visitor);
    };
    let asked = desk.india.gate.status(number).await;
    if let Ok(told) = &asked {
        let news = |order: &Order| (order.state, order.source, order.refund.clone());
        desk.india.orders.change_if_news(number, news, |order| {
            order.learn_from_status(told);
        });
    }
    let problem = problem.or_else(|| {
        let error = asked.as_ref().err();
        let error = error.filter(|_| known.state != State::NotRegistered)?;
        Some(Texts::of(visitor.language).gateway(error))
    });
    let Some(order) = desk.india.orders.find(number) else {
        return frame::missing(&desk.shop, visitor);
    };
    let page = order_page(desk, visitor, order, asked.ok(), problem);
    show(&desk.shop, visitor, &page)
}

fn order_page(
    desk: &Desk,
    visitor: Visitor,
    order: Order,
    told: Option<Told>,
    problem: Option<String>,
) -> OrderPage {
    let mut frame = Frame::new(&desk.shop, visitor, order.path());
    // Never while there is a button: loading again would take it away under the finger.
    if order.is_open() && !order.is_refundable() {
        frame.refresh_s = REFRESH_S;
    }
    let callbacks = order.callbacks.iter().map(|callback| Heard {
        operation: callback.operation.clone(),
        status: callback.status.clone(),
        payment_status: callback.payment_status.clone(),
        reason: callback.reason.clone(),
        times: callback.times,
        at: clock::readable(callback.at_ms),
    });
    let language = visitor.language;
    let again = order.refund.as_ref().filter(|_| order.is_refundable());
    let again = again.filter(|refund| refund.is_open());
    OrderPage {
        frame,
        india: IndiaTexts::of(language),
        good: goods::find(&order.good),
        title: shop_texts::state(order.state, language).0,
        hint: texts::hint(order.state, language),
        way: texts::way(order.way, language).0,
        created: clock::readable(order.created_ms),
        status: told.map(|told| told.status),
        callbacks: callbacks.collect(),
        refund: order.refund.as_ref().map(|refund| {
            let what = texts::refund(refund.state, language);
            (what, refund.reason.clone())
        }),
        problem,
        token: match again {
            Some(refund) => refund.id.clone(),
            None => random::uuid().simple().to_string(),
        },
        order,
    }
}

impl OrderPage {
    fn newest_callback(&self) -> String {
        let newest = self.callbacks.last();
        newest.map_or_else(
            || "none".to_owned(),
            |newest| format!("{} {}", newest.operation, newest.status),
        )
    }

    fn knows_by_status(&self) -> bool {
        self.status.is_some() && self.order.source == Source::Status
    }
}
