//! What buyer and shop staff can do: buy, capture, release, refund.

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use url::Url;

use super::cashier::Cashier;
use super::frame::{self, Visitor};
use super::http::GatewayError;
use super::order::{CURRENCY, Order, Source, State, typed_amount};
use super::pages::{self, QUANTITY_MAX};
use super::texts::Texts;
use super::{Shop, goods};
use crate::{clock, web};

/// `POST /buy`: registers the order at the gateway and sends the buyer there.
pub async fn buy(Shared(shop): Shared<Arc<Shop>>, headers: HeaderMap, form: Bytes) -> Response {
    if !web::same_origin(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let field = |name| web::parameter(&form, name).unwrap_or_default();
    let visitor = Visitor::of(&headers, None).speaking(&field("lang"));
    let language = visitor.language;
    let quantity = field("quantity")
        .parse::<u32>()
        .unwrap_or(1)
        .clamp(1, QUANTITY_MAX);
    let Some(good) = goods::find(&field("good")) else {
        return frame::missing(&shop, visitor);
    };
    let order = Order {
        number: super::new_number(),
        good: good.id.to_owned(),
        quantity,
        amount: good.price_of(quantity, Cashier::Tenge),
        hold: !field("hold").is_empty(),
        language,
        created_ms: clock::now_ms(),
        order_id: None,
        form_url: None,
        state: State::NotRegistered,
        source: Source::Registration,
        approved: 0,
        deposited: 0,
        refunded: 0,
        reason: String::new(),
        masked_pan: String::new(),
        callbacks: Vec::new(),
    };
    // Kept before the gateway is asked: whatever comes of it, the number is taken.
    shop.orders.keep(order.clone());
    match register(&shop, &order, good.name(language)).await {
        Ok(form_url) => to_payment(&shop, visitor, form_url),
        Err(error) => {
            eprintln!("altyn-simulator: shop: register {}: {error}", order.number);
            let message = Texts::of(language).gateway(&error);
            frame::problem(&shop, visitor, StatusCode::BAD_GATEWAY, message)
        }
    }
}

async fn register(shop: &Shop, order: &Order, name: &str) -> Result<String, GatewayError> {
    let amount = order.amount.to_string();
    let return_url = format!("{}/orders/{}", shop.public_url, order.number);
    let callback_url = format!("{}/callback", shop.public_url);
    let description = format!("{name} × {}", order.quantity);
    let registered = shop
        .gateway
        .register(
            order.hold,
            &[
                ("orderNumber", &order.number),
                ("amount", &amount),
                ("currency", CURRENCY),
                ("returnUrl", &return_url),
                ("dynamicCallbackUrl", &callback_url),
                ("description", &description),
                ("language", order.language.code()),
            ],
        )
        .await?;
    shop.orders.change(&order.number, |order| {
        order.order_id = Some(registered.order_id);
        order.form_url = Some(registered.form_url.clone());
        if order.state == State::NotRegistered {
            order.state = State::Registered;
        }
    });
    Ok(registered.form_url)
}

/// A redirect if the page's policy lets a form lead there, else a page with a link.
fn to_payment(shop: &Shop, visitor: Visitor, form_url: String) -> Response {
    match Url::parse(&form_url) {
        Ok(url) if url.origin().ascii_serialization() == shop.gateway_origin => {
            Redirect::to(&form_url).into_response()
        }
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            pages::going(shop, visitor, form_url)
        }
        Ok(_) | Err(_) => {
            let strange = GatewayError::Strange(StatusCode::OK);
            let message = Texts::of(visitor.language).gateway(&strange);
            frame::problem(shop, visitor, StatusCode::BAD_GATEWAY, message)
        }
    }
}

/// `POST /orders/{number}/capture`.
pub async fn capture(
    Shared(shop): Shared<Arc<Shop>>,
    headers: HeaderMap,
    Path(number): Path<String>,
    form: Bytes,
) -> Response {
    manage(&shop, &headers, &number, &form, Action::Capture).await
}

/// `POST /orders/{number}/release`.
pub async fn release(
    Shared(shop): Shared<Arc<Shop>>,
    headers: HeaderMap,
    Path(number): Path<String>,
    form: Bytes,
) -> Response {
    manage(&shop, &headers, &number, &form, Action::Release).await
}

/// `POST /orders/{number}/refund`.
pub async fn refund(
    Shared(shop): Shared<Arc<Shop>>,
    headers: HeaderMap,
    Path(number): Path<String>,
    form: Bytes,
) -> Response {
    manage(&shop, &headers, &number, &form, Action::Refund).await
}

#[derive(Clone, Copy)]
enum Action {
    Capture,
    Release,
    Refund,
}

async fn manage(
    shop: &Shop,
    headers: &HeaderMap,
    number: &str,
    form: &[u8],
    action: Action,
) -> Response {
    if !web::same_origin(headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let visitor = Visitor::of(headers, None);
    let language = visitor.language;
    let known = shop
        .orders
        .find(number)
        .and_then(|order| Some((order.order_id.clone()?, order)));
    let Some((order_id, order)) = known else {
        return frame::missing(shop, visitor);
    };
    let field = |name| web::parameter(form, name).unwrap_or_default();
    let all = match action {
        Action::Capture | Action::Release => order.capturable(),
        Action::Refund => order.refundable(),
    };
    let Some(amount) = typed_amount(&field("amount"), all).filter(|amount| *amount > 0) else {
        let message = Texts::of(language).wrong_amount.to_owned();
        let page = pages::show_order(shop, visitor, number, None, Some(message)).await;
        return (StatusCode::BAD_REQUEST, page).into_response();
    };
    let amount = amount.to_string();
    let token = field("token");
    let name = [
        ("orderId", order_id.as_str()),
        ("language", language.code()),
    ];
    let sum = ("amount", amount.as_str());
    let (done, result) = match action {
        Action::Capture => (
            "captured",
            shop.gateway
                .manage("deposit.do", &[name[0], name[1], sum])
                .await,
        ),
        Action::Release => ("released", shop.gateway.manage("reverse.do", &name).await),
        Action::Refund => {
            let mut parameters = vec![name[0], name[1], sum];
            if !token.is_empty() {
                parameters.push(("externalRefundId", &token));
            }
            (
                "refunded",
                shop.gateway.manage("refund.do", &parameters).await,
            )
        }
    };
    match result {
        Ok(()) => Redirect::to(&format!("/orders/{number}?done={done}")).into_response(),
        Err(error) => {
            eprintln!("altyn-simulator: shop: {done} {number}: {error}");
            let message = Texts::of(language).gateway(&error);
            let page = pages::show_order(shop, visitor, number, None, Some(message)).await;
            (StatusCode::BAD_GATEWAY, page).into_response()
        }
    }
}
