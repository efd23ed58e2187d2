//! What buyer and shop staff can do: buy, give back.

use axum::Extension;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;

use super::order::{Order, Payer, Refund, RefundState, Way};
use super::texts::IndiaTexts;
use super::{Desk, description, pages};
use crate::serve::Peer;
use crate::shop::cashier::Cashier;
use crate::shop::frame::{self, Visitor};
use crate::shop::http::GatewayError;
use crate::shop::order::{Source, State};
use crate::shop::pages::QUANTITY_MAX;
use crate::shop::texts::Texts;
use crate::shop::{goods, new_number};
use crate::{clock, web};

/// The longest name or address of a payer, in characters.
const TEXT_MAX: usize = 200;
/// Digits of a phone number.
const PHONE_MIN: usize = 5;
const PHONE_MAX: usize = 15;
/// What a refund is for, in the gateway's records.
const DESCRIPTION: &str = "given back by the shop";

/// `POST /india/buy`: makes the order, tells the Gate of it if it is paid that way, and sends the
/// buyer to payment.
pub async fn buy(
    Shared(desk): Shared<Desk>,
    Extension(Peer(address)): Extension<Peer>,
    headers: HeaderMap,
    form: Bytes,
) -> Response {
    if !web::same_origin(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let field = |name| web::parameter(&form, name).unwrap_or_default();
    let visitor = Visitor::of(&headers, None).speaking(&field("lang"));
    let good = goods::find(&field("good"));
    let (Some(good), Some(way)) = (good, Way::of_word(&field("way"))) else {
        return frame::missing(&desk.shop, visitor);
    };
    let Some(payer) = payer(&form, address.to_string()) else {
        let message = IndiaTexts::of(visitor.language).wrong_payer.to_owned();
        return frame::problem(&desk.shop, visitor, StatusCode::BAD_REQUEST, message);
    };
    let quantity = field("quantity").parse::<u32>().unwrap_or(1);
    let quantity = quantity.clamp(1, QUANTITY_MAX);
    let order = Order {
        number: new_number(),
        way,
        good: good.id.to_owned(),
        quantity,
        amount: good.price_of(quantity, Cashier::Rupees),
        language: visitor.language,
        payer,
        created_ms: clock::now_ms(),
        state: match way {
            Way::Page | Way::Widget => State::Registered,
            Way::Gate => State::NotRegistered,
        },
        source: Source::Registration,
        date_s: 0,
        method: String::new(),
        reason: String::new(),
        redirect: None,
        refund: None,
        callbacks: Vec::new(),
    };
    // Kept before the gateway is asked: whatever comes of it, the number is taken.
    desk.india.orders.keep(order.clone());
    if way == Way::Gate
        && let Err(error) = sell(&desk, &order).await
    {
        eprintln!("altyn-simulator: shop: sale {}: {error}", order.number);
        let message = Texts::of(visitor.language).gateway(&error);
        return frame::problem(&desk.shop, visitor, StatusCode::BAD_GATEWAY, message);
    }
    Redirect::to(&format!("{}/pay", order.path())).into_response()
}

async fn sell(desk: &Desk, order: &Order) -> Result<(), GatewayError> {
    let addresses = desk.addresses(order);
    let description = description(order);
    let gate = &desk.india.gate;
    gate.sale(order, &description, &addresses).await?;
    desk.india.orders.change(&order.number, |order| {
        // A callback may have been faster than the answer.
        if order.state == State::NotRegistered {
            order.state = State::Registered;
        }
    });
    Ok(())
}

/// Who pays, if the form says it in a usable way.
fn payer(form: &[u8], ip_address: String) -> Option<Payer> {
    let text = |name| {
        let typed = web::parameter(form, name).unwrap_or_default();
        let typed = typed.trim().to_owned();
        // Parameters of the Payment Page may not hold a semicolon.
        let usable = !typed.is_empty()
            && typed.chars().count() <= TEXT_MAX
            && !typed.contains(|char: char| char == ';' || char.is_control());
        usable.then_some(typed)
    };
    let phone: String = text("phone")?
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let email = text("email")?;
    let (name, host) = email.split_once('@')?;
    let right =
        (PHONE_MIN..=PHONE_MAX).contains(&phone.len()) && !name.is_empty() && host.contains('.');
    right.then_some(Payer {
        first_name: text("first_name")?,
        last_name: text("last_name")?,
        phone,
        email,
        ip_address,
    })
}

/// `POST /india/orders/{number}/refund`: everything; what became of it comes by callback.
pub async fn refund(
    Shared(desk): Shared<Desk>,
    headers: HeaderMap,
    Path(number): Path<String>,
    form: Bytes,
) -> Response {
    if !web::same_origin(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let visitor = Visitor::of(&headers, None);
    let token = web::parameter(&form, "token").unwrap_or_default();
    let Some(order) = desk.india.orders.find(&number) else {
        return frame::missing(&desk.shop, visitor);
    };
    let pressed_before = order
        .refund
        .as_ref()
        .is_some_and(|refund| refund.id == token && refund.state != RefundState::Sent);
    if pressed_before {
        return to_order(&order);
    }
    if !order.is_refundable() || token.is_empty() {
        let message = IndiaTexts::of(visitor.language).not_refundable.to_owned();
        let page = pages::show_order(&desk, visitor, &number, Some(message)).await;
        return (StatusCode::BAD_REQUEST, page).into_response();
    }
    let refund = Refund {
        id: token,
        request_id: String::new(),
        state: RefundState::Sent,
        reason: String::new(),
    };
    match give_back(&desk, &order, refund).await {
        Ok(()) => to_order(&order),
        Err(error) => {
            eprintln!("altyn-simulator: shop: refund {number}: {error}");
            let message = Texts::of(visitor.language).gateway(&error);
            let page = pages::show_order(&desk, visitor, &number, Some(message)).await;
            (StatusCode::BAD_GATEWAY, page).into_response()
        }
    }
}

async fn give_back(desk: &Desk, order: &Order, refund: Refund) -> Result<(), GatewayError> {
    // Kept before the gateway is asked: if its answer is lost, the same name is sent again.
    desk.india.orders.change(&order.number, |order| {
        order.refund = Some(refund.clone());
    });
    let sent = desk.india.gate.refund(order, &refund, DESCRIPTION);
    let answer = sent.await;
    desk.india.orders.change(&order.number, |order| {
        let newest = order.refund.as_mut();
        let Some(newest) = newest.filter(|newest| newest.id == refund.id) else {
            return;
        };
        // A callback may have been faster than the answer, and it knows more.
        let sent = newest.state == RefundState::Sent;
        match &answer {
            Ok(request_id) => {
                newest.request_id.clone_from(request_id);
                if sent {
                    newest.state = RefundState::Accepted;
                }
            }
            Err(GatewayError::Refused { code, message }) if sent => {
                newest.state = RefundState::Declined;
                newest.reason = format!("{code} {message}");
            }
            Err(_) => {}
        }
    });
    answer.map(|_| ())
}

fn to_order(order: &Order) -> Response {
    Redirect::to(&order.path()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web;

    fn read(changes: &[(&str, &str)]) -> Option<Payer> {
        let mut fields = vec![
            ("first_name", "Test"),
            ("last_name", "Payer"),
            ("phone", "+91 98765-43210"),
            ("email", "payer@example.com"),
        ];
        for change in changes {
            fields.retain(|(name, _)| name != &change.0);
            fields.push(*change);
        }
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        assert!(web::parameter(form.as_bytes(), "phone").is_some());
        payer(form.as_bytes(), "127.0.0.1".to_owned())
    }

    #[test]
    fn payers_are_read_or_refused() {
        let payer = read(&[]).expect("a payer");
        assert_eq!(payer.phone, "919876543210");
        assert_eq!(payer.id(), "buyer-919876543210");
        for wrong in [
            ("first_name", " "),
            ("last_name", "Payer;"),
            ("last_name", "R\u{7}ao"),
            ("phone", "none"),
            ("phone", "1234567890123456"),
            ("email", "payer"),
            ("email", "@example.com"),
        ] {
            assert_eq!(read(&[wrong]), None, "{wrong:?}");
        }
    }
}
