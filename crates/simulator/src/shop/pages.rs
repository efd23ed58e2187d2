//! The pages of the shop.

use std::borrow::Borrow;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use iso_currency::Currency;

use super::Shop;
use super::gateway::GatewayError;
use super::goods::{self, GOODS, Good};
use super::order::{Order, Source, State};
use super::texts::{self, Texts};
use crate::bank::card::TEST_CARDS;
use crate::web::{self, Language};
use crate::{clock, random};

/// Orders in the list.
const LISTED_MAX: usize = 100;
/// Most pieces of one order.
pub const QUANTITY_MAX: u32 = 9;
/// How often the page of an unpaid order looks again.
const REFRESH_S: u32 = 4;

/// What every page needs.
pub struct Frame {
    texts: &'static Texts,
    language: Language,
    languages: [Language; 3],
    bank_url: String,
    /// The page's own address, for the switch of languages.
    path: String,
    /// Seconds after which the page is loaded again; 0 for never.
    refresh_s: u32,
}

impl Frame {
    fn new(shop: &Shop, language: Language, path: impl Into<String>) -> Frame {
        Frame {
            texts: Texts::of(language),
            language,
            languages: Language::ALL,
            bank_url: shop.bank_url.clone(),
            path: path.into(),
            refresh_s: 0,
        }
    }
}

#[derive(Template)]
#[template(path = "shop_front.html")]
struct FrontPage {
    frame: Frame,
    goods: &'static [Good],
}

#[derive(Template)]
#[template(path = "shop_good.html")]
struct GoodPage {
    frame: Frame,
    good: &'static Good,
    quantity_max: u32,
    cards: Vec<(String, &'static str)>,
}

#[derive(Template)]
#[template(path = "shop_orders.html")]
struct OrdersPage {
    frame: Frame,
    orders: Vec<(Order, &'static str, String)>,
}

#[derive(Template)]
#[template(path = "shop_order.html")]
struct OrderPage {
    frame: Frame,
    order: Order,
    good: Option<&'static Good>,
    title: &'static str,
    hint: &'static str,
    created: String,
    callbacks: Vec<(String, bool, String)>,
    /// Whether the gateway answered the status request of this page.
    asked: bool,
    notice: Option<&'static str>,
    problem: Option<String>,
    /// A fresh name for the next refund, so that pressing twice refunds once.
    token: String,
}

#[derive(Template)]
#[template(path = "shop_problem.html")]
struct ProblemPage {
    frame: Frame,
    message: String,
}

#[derive(Template)]
#[template(path = "shop_going.html")]
struct GoingPage {
    frame: Frame,
    form_url: String,
}

/// A sum of tenge; templates give references and computed values.
fn price(minor: impl Borrow<i64>) -> String {
    web::money(*minor.borrow(), Currency::KZT)
}

/// The buyer's language: asked for in the address, remembered, or the browser's.
pub fn language(headers: &HeaderMap, query: Option<&str>) -> Language {
    let asked = query.and_then(|query| web::parameter(query.as_bytes(), "lang"));
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let cookie = header(COOKIE).and_then(|cookies| {
        let mut pairs = cookies
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='));
        pairs
            .find(|(name, _)| *name == "lang")
            .and_then(|(_, value)| Language::of_tag(value))
    });
    asked
        .and_then(|tag| Language::of_tag(&tag))
        .or(cookie)
        .or_else(|| header(ACCEPT_LANGUAGE).and_then(Language::of_header))
        .unwrap_or(Language::Ru)
}

fn show(shop: &Shop, language: Language, template: &impl Template) -> Response {
    let mut response = web::page(template, &shop.policy);
    let cookie = format!(
        "lang={}; Path=/; Max-Age=31536000; SameSite=Lax",
        language.code()
    );
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// `GET /`.
pub async fn front(
    Shared(shop): Shared<Arc<Shop>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let language = language(&headers, query.as_deref());
    let frame = Frame::new(&shop, language, "/");
    show(
        &shop,
        language,
        &FrontPage {
            frame,
            goods: &GOODS,
        },
    )
}

/// `GET /goods/{id}`.
pub async fn good(
    Shared(shop): Shared<Arc<Shop>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Path(id): Path<String>,
) -> Response {
    let language = language(&headers, query.as_deref());
    let Some(good) = goods::find(&id) else {
        return missing(&shop, language);
    };
    let cards = TEST_CARDS
        .iter()
        .map(|card| {
            (
                web::grouped_pan(card.pan),
                texts::card(card.behaviour, language),
            )
        })
        .collect();
    let frame = Frame::new(&shop, language, format!("/goods/{id}"));
    show(
        &shop,
        language,
        &GoodPage {
            frame,
            good,
            quantity_max: QUANTITY_MAX,
            cards,
        },
    )
}

/// `GET /orders`.
pub async fn orders(
    Shared(shop): Shared<Arc<Shop>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let language = language(&headers, query.as_deref());
    let mut orders: Vec<Order> = shop.orders().values().cloned().collect();
    orders.sort_by(|a, b| (b.created_ms, &b.number).cmp(&(a.created_ms, &a.number)));
    orders.truncate(LISTED_MAX);
    let orders = orders
        .into_iter()
        .map(|order| {
            let name = goods::find(&order.good).map_or("", |good| good.name(language));
            let title = texts::state(order.state, language).0;
            (order, title, name.to_owned())
        })
        .collect();
    let frame = Frame::new(&shop, language, "/orders");
    show(&shop, language, &OrdersPage { frame, orders })
}

/// `GET /orders/{number}`: where the payer comes back to, and where the shop looks later.
pub async fn order(
    Shared(shop): Shared<Arc<Shop>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Path(number): Path<String>,
) -> Response {
    let language = language(&headers, query.as_deref());
    let texts = Texts::of(language);
    let done = query.and_then(|query| web::parameter(query.as_bytes(), "done"));
    let notice = match done.as_deref() {
        Some("captured") => Some(texts.done_captured),
        Some("released") => Some(texts.done_released),
        Some("refunded") => Some(texts.done_refunded),
        Some(_) | None => None,
    };
    show_order(&shop, language, &number, notice, None).await
}

/// The page of an order as the gateway knows it now.
pub async fn show_order(
    shop: &Shop,
    language: Language,
    number: &str,
    notice: Option<&'static str>,
    problem: Option<String>,
) -> Response {
    let Some(known) = shop.order(number) else {
        return missing(shop, language);
    };
    let asked = ask(shop, language, &known).await;
    let problem = problem.or_else(|| {
        let error = asked
            .as_ref()
            .err()
            .filter(|_| known.state != State::NotRegistered)?;
        Some(Texts::of(language).gateway(error))
    });
    let Some(order) = shop.order(number) else {
        return missing(shop, language);
    };
    let (title, hint) = texts::state(order.state, language);
    let mut frame = Frame::new(shop, language, format!("/orders/{number}"));
    // Never while there is a form: loading again would wipe what is being typed.
    if order.state.is_open() {
        frame.refresh_s = REFRESH_S;
    }
    let callbacks = order.callbacks.iter().map(|callback| {
        (
            callback.operation.clone(),
            callback.succeeded,
            clock::readable(callback.at_ms),
        )
    });
    let page = OrderPage {
        frame,
        good: goods::find(&order.good),
        title,
        hint,
        created: clock::readable(order.created_ms),
        callbacks: callbacks.collect(),
        asked: asked.is_ok(),
        notice,
        problem,
        token: random::uuid().simple().to_string(),
        order,
    };
    show(shop, language, &page)
}

/// Asks the gateway about an order and remembers what it says.
async fn ask(shop: &Shop, language: Language, known: &Order) -> Result<(), GatewayError> {
    let name = match &known.order_id {
        Some(order_id) => ("orderId", order_id.as_str()),
        None => ("orderNumber", known.number.as_str()),
    };
    let report = shop
        .gateway
        .status(&[name, ("language", language.code())])
        .await?;
    shop.change_if_news(&known.number, |order| order.learn_from_report(&report));
    Ok(())
}

/// A page that says why something did not work.
pub fn problem(shop: &Shop, language: Language, status: StatusCode, message: String) -> Response {
    let page = ProblemPage {
        frame: Frame::new(shop, language, "/"),
        message,
    };
    (status, show(shop, language, &page)).into_response()
}

/// The page between the shop and a payment page to which a form may not lead directly.
pub fn going(shop: &Shop, language: Language, form_url: String) -> Response {
    let frame = Frame::new(shop, language, "/");
    show(shop, language, &GoingPage { frame, form_url })
}

/// The page for a wrong address.
pub fn missing(shop: &Shop, language: Language) -> Response {
    problem(
        shop,
        language,
        StatusCode::NOT_FOUND,
        Texts::of(language).not_found.to_owned(),
    )
}

/// Any other address.
pub async fn not_found(
    Shared(shop): Shared<Arc<Shop>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    missing(&shop, language(&headers, query.as_deref()))
}

/// `GET /shop.css`.
pub async fn style() -> Response {
    web::asset("text/css", include_str!("../../assets/shop.css"))
}

/// `GET /pictures/{id}.svg`.
pub async fn picture(Path(file): Path<String>) -> Response {
    let good = file.strip_suffix(".svg").and_then(goods::find);
    match good {
        Some(good) => web::asset("image/svg+xml", good.picture),
        None if file == "ornament.svg" => {
            web::asset("image/svg+xml", include_str!("../../assets/ornament.svg"))
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

impl OrderPage {
    fn newest_callback(&self) -> &str {
        self.callbacks
            .last()
            .map_or("none", |(operation, _, _)| operation)
    }

    fn newest_callback_status(&self) -> &str {
        self.callbacks
            .last()
            .map_or("", |(_, succeeded, _)| if *succeeded { "1" } else { "0" })
    }

    fn knows_by_status(&self) -> bool {
        self.asked && self.order.source == Source::Status
    }
}
