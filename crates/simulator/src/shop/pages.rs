//! The pages of the shop.

use std::borrow::Borrow;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};

use super::cashier::Cashier;
use super::frame::{self, Frame, Visitor, show};
use super::goods::{self, GOODS, Good};
use super::http::GatewayError;
use super::order::{Order, Source, State};
use super::texts::{self, Texts};
use super::{Shop, india};
use crate::bank::card::TEST_CARDS;
use crate::web;
use crate::{clock, random};

/// Orders in the list.
const LISTED_MAX: usize = 100;
/// Most pieces of one order.
pub const QUANTITY_MAX: u32 = 9;
/// How often the page of an unpaid order looks again.
pub const REFRESH_S: u32 = 4;

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
    orders: Vec<Listed>,
}

/// An order as the list shows it.
pub struct Listed {
    /// The shop's number of it.
    pub number: String,
    /// The address of its page.
    pub path: String,
    /// When it was made, milliseconds since 1970.
    pub created_ms: u64,
    /// Which good.
    pub good: String,
    /// How many.
    pub quantity: u32,
    /// What they cost.
    pub price: String,
    /// Where its payment stands.
    pub state: State,
}

impl Listed {
    fn name(&self, frame: &Frame) -> &'static str {
        goods::find(&self.good).map_or("", |good| good.name(frame.language))
    }

    fn title(&self, frame: &Frame) -> &'static str {
        texts::state(self.state, frame.language).0
    }
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
#[template(path = "shop_going.html")]
struct GoingPage {
    frame: Frame,
    form_url: String,
}

/// A sum of tenge; templates give references and computed values.
fn price(minor: impl Borrow<i64>) -> String {
    Cashier::Tenge.price(*minor.borrow())
}

/// `GET /`.
pub async fn front(
    Shared(shop): Shared<Arc<Shop>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let visitor = Visitor::of(&headers, query.as_deref());
    let page = FrontPage {
        frame: Frame::new(&shop, visitor, "/").switching(),
        goods: &GOODS,
    };
    show(&shop, visitor, &page)
}

/// `GET /goods/{id}`.
pub async fn good(
    Shared(shop): Shared<Arc<Shop>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Path(id): Path<String>,
) -> Response {
    let visitor = Visitor::of(&headers, query.as_deref());
    let Some(good) = goods::find(&id) else {
        return frame::missing(&shop, visitor);
    };
    let frame = Frame::new(&shop, visitor, format!("/goods/{id}")).switching();
    if frame.cashier == Cashier::Rupees {
        return india::basket(&shop, visitor, frame, good);
    }
    let cards = TEST_CARDS.iter().map(|card| {
        let what = texts::card(card.behaviour, visitor.language);
        (web::grouped_pan(card.pan), what)
    });
    let page = GoodPage {
        frame,
        good,
        quantity_max: QUANTITY_MAX,
        cards: cards.collect(),
    };
    show(&shop, visitor, &page)
}

/// `GET /orders`.
pub async fn orders(
    Shared(shop): Shared<Arc<Shop>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let visitor = Visitor::of(&headers, query.as_deref());
    let tenge = shop.orders.all().into_iter().map(|order| Listed {
        path: format!("/orders/{}", order.number),
        number: order.number,
        created_ms: order.created_ms,
        good: order.good,
        quantity: order.quantity,
        price: price(order.amount),
        state: order.state,
    });
    let rupees = shop.india.iter().flat_map(|india| india.listed());
    let mut orders: Vec<Listed> = tenge.chain(rupees).collect();
    orders.sort_by(|a, b| (b.created_ms, &b.number).cmp(&(a.created_ms, &a.number)));
    orders.truncate(LISTED_MAX);
    let frame = Frame::new(&shop, visitor, "/orders");
    show(&shop, visitor, &OrdersPage { frame, orders })
}

/// `GET /orders/{number}`: where the payer comes back to, and where the shop looks later.
pub async fn order(
    Shared(shop): Shared<Arc<Shop>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Path(number): Path<String>,
) -> Response {
    let visitor = Visitor::of(&headers, query.as_deref());
    let texts = Texts::of(visitor.language);
    let done = query.and_then(|query| web::parameter(query.as_bytes(), "done"));
    let notice = match done.as_deref() {
        Some("captured") => Some(texts.done_captured),
        Some("released") => Some(texts.done_released),
        Some("refunded") => Some(texts.done_refunded),
        Some(_) | None => None,
    };
    show_order(&shop, visitor, &number, notice, None).await
}

/// The page of an order as the gateway knows it now.
pub async fn show_order(
    shop: &Shop,
    visitor: Visitor,
    number: &str,
    notice: Option<&'static str>,
    problem: Option<String>,
) -> Response {
    let Some(known) = shop.orders.find(number) else {
        return frame::missing(shop, visitor);
    };
    let asked = ask(shop, visitor, &known).await;
    let problem = problem.or_else(|| {
        let error = asked
            .as_ref()
            .err()
            .filter(|_| known.state != State::NotRegistered)?;
        Some(Texts::of(visitor.language).gateway(error))
    });
    let Some(order) = shop.orders.find(number) else {
        return frame::missing(shop, visitor);
    };
    let (title, hint) = texts::state(order.state, visitor.language);
    let mut frame = Frame::new(shop, visitor, format!("/orders/{number}"));
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
    show(shop, visitor, &page)
}

/// Asks the gateway about an order and remembers what it says.
async fn ask(shop: &Shop, visitor: Visitor, known: &Order) -> Result<(), GatewayError> {
    let name = match &known.order_id {
        Some(order_id) => ("orderId", order_id.as_str()),
        None => ("orderNumber", known.number.as_str()),
    };
    let report = shop
        .gateway
        .status(&[name, ("language", visitor.language.code())])
        .await?;
    let news = |order: &Order| {
        let sums = (order.approved, order.deposited, order.refunded);
        (order.state, order.source, sums)
    };
    shop.orders.change_if_news(&known.number, news, |order| {
        order.learn_from_report(&report);
    });
    Ok(())
}

/// The page between the shop and a payment page to which a form may not lead directly.
pub fn going(shop: &Shop, visitor: Visitor, form_url: String) -> Response {
    let frame = Frame::new(shop, visitor, "/");
    show(shop, visitor, &GoingPage { frame, form_url })
}

/// Any other address.
pub async fn not_found(
    Shared(shop): Shared<Arc<Shop>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    frame::missing(&shop, Visitor::of(&headers, query.as_deref()))
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
