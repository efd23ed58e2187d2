//! Generation 1 of the API: form-encoded posts with the credentials in the body, JSON answers of
//! status 200 that say `OK` or `ERROR`, amounts in decimal rupees as text.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use serde_json::{Value, json};

use super::book::Book;
use super::fault::{Call, Defect};
use super::notice::PAYMENT_MODE;
use super::order::{CURRENCY, Customer, Generation, OrderWish, Refund, RefundStatus, RefundWish};
use super::reply::{self, Reply};
use super::wish::{ADDRESS_CHARS_MAX, AMOUNT_MIN, is_listener, is_name, is_page};
use super::{Partner, amount, entity, time, token};
use crate::{secret, serve};

/// More fields than any call has.
const FIELDS_MAX: usize = 100;
/// Refunds of one page, and of one if the caller does not say.
const REFUNDS_MAX: usize = 100;
const REFUNDS_USUAL: usize = 20;

/// All calls of generation 1.
pub fn router() -> Router<Arc<Partner>> {
    Router::new()
        .route("/api/v1/credentials/verify", post(verify))
        .route("/api/v1/order/create", post(create))
        .route("/api/v1/order/info", post(info))
        .route("/api/v1/order/info/link", post(link))
        .route("/api/v1/order/info/status", post(status))
        .route("/api/v1/order/refund", post(refund))
        .route("/api/v1/refunds", post(refunds))
        .route("/api/v1/refundStatus", post(refund_status))
        .route("/api/v1/refundStatus/", post(refund_status))
}

/// A posted form.
pub struct Form(pub Vec<(String, String)>);

impl Form {
    /// Reads a body.
    pub fn of(body: &[u8]) -> Form {
        let fields = form_urlencoded::parse(body).take(FIELDS_MAX);
        Form(
            fields
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The first value of a field; nothing if it is absent or empty.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A field that must be there, of `most` characters at most.
    fn needed(&self, name: &str, most: usize) -> Result<&str, String> {
        let value = self.field(name).ok_or(format!("{name} is missing"))?;
        fits(name, value, most)
    }

    /// A field that may be absent.
    fn optional(&self, name: &str, most: usize) -> Result<Option<&str>, String> {
        self.field(name)
            .map(|value| fits(name, value, most))
            .transpose()
    }
}

fn fits<'form>(name: &str, value: &'form str, most: usize) -> Result<&'form str, String> {
    if value.chars().count() <= most {
        Ok(value)
    } else {
        Err(format!("{name} is longer than {most} characters"))
    }
}

/// What a call answers: a JSON object, or the reason of an `ERROR`.
type Answer = Result<Value, String>;

/// Performs a call. All work is done before the first pause.
async fn run(
    partner: &Partner,
    call: Call,
    body: &[u8],
    work: impl FnOnce(&mut Book, &Form, u64) -> Answer,
) -> Response {
    let fault = partner.faults.strike(call);
    let defect = fault.as_ref().map(|fault| fault.fault);
    match defect {
        Some(Defect::DropBefore) => return serve::hang_up(),
        Some(Defect::Error500Before) => return reply::broken_page(),
        Some(Defect::RateLimit) => {
            let body = error("Too many requests, try again later");
            return Reply::with(StatusCode::TOO_MANY_REQUESTS, &body).into_response();
        }
        Some(_) | None => {}
    }
    let form = Form::of(body);
    let answer = if is_known(partner, &form) {
        partner.change(|book, now_ms| work(book, &form, now_ms))
    } else {
        Err("Authentication failed: wrong appId or secretKey".to_owned())
    };
    if defect == Some(Defect::Error500) {
        return reply::broken_page();
    }
    let body = answer.unwrap_or_else(|reason| error(&reason));
    reply::send(Reply::ok(&body), fault).await
}

/// Clients read the text under either name.
fn error(reason: &str) -> Value {
    json!({"status": "ERROR", "reason": reason, "message": reason})
}

fn is_known(partner: &Partner, form: &Form) -> bool {
    let same = |name, expected: &str| {
        form.field(name)
            .is_some_and(|shown| secret::same(shown.as_bytes(), expected.as_bytes()))
    };
    same("appId", &partner.app_id) && same("secretKey", &partner.secret)
}

async fn verify(State(partner): State<Arc<Partner>>, body: Bytes) -> Response {
    run(&partner, Call::Verify, &body, |_, _, _| {
        Ok(json!({"status": "OK", "message": "Credentials verified"}))
    })
    .await
}

async fn create(State(partner): State<Arc<Partner>>, body: Bytes) -> Response {
    run(&partner, Call::CreateOrder, &body, |book, form, now_ms| {
        let wish = order_wish(form, now_ms.saturating_add(partner.order_ms))?;
        let link = partner.link(&wish.token);
        book.create_order(wish, now_ms)
            .map_err(|refusal| refusal.to_string())?;
        Ok(json!({"status": "OK", "paymentLink": link}))
    })
    .await
}

/// Reads an order of generation 1, of `order/create` or of the hosted form.
pub fn order_wish(form: &Form, expires_ms: u64) -> Result<OrderWish, String> {
    let id = form.needed("orderId", 50)?;
    if !is_name(id) {
        return Err("orderId may have letters, digits, _ and - only".to_owned());
    }
    let paise = amount::parse(form.needed("orderAmount", 20)?);
    let paise = paise
        .filter(|paise| *paise >= AMOUNT_MIN)
        .ok_or_else(|| "orderAmount must be at least 1.00, with two decimals at most".to_owned())?;
    if form.field("orderCurrency").unwrap_or(CURRENCY) != CURRENCY {
        return Err("orderCurrency must be INR".to_owned());
    }
    let phone = form.needed("customerPhone", 21)?;
    let digits = phone.strip_prefix('+').unwrap_or(phone);
    if digits.len() < 5 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("customerPhone must be 5 to 20 digits".to_owned());
    }
    let return_url = form.needed("returnUrl", ADDRESS_CHARS_MAX)?;
    if !is_page(return_url) {
        return Err("returnUrl must be a web address".to_owned());
    }
    let notify_url = form.optional("notifyUrl", ADDRESS_CHARS_MAX)?;
    if notify_url.is_some_and(|address| !is_listener(address)) {
        let text = "notifyUrl must be an https address, or an http address of this machine";
        return Err(text.to_owned());
    }
    Ok(OrderWish {
        id: id.to_owned(),
        generation: Generation::First,
        version: String::new(),
        amount: paise,
        note: form.optional("orderNote", 200)?.map(str::to_owned),
        tags: BTreeMap::new(),
        customer: Customer {
            id: String::new(),
            name: Some(form.needed("customerName", 100)?.to_owned()),
            email: Some(form.needed("customerEmail", 100)?.to_owned()),
            phone: phone.to_owned(),
        },
        return_url: Some(return_url.to_owned()),
        notify_url: notify_url.map(str::to_owned),
        payment_methods: None,
        expires_ms,
        token: token(),
    })
}

fn find(book: &Book, form: &Form) -> Result<usize, String> {
    let found = book.find_order(form.needed("orderId", 50)?, Generation::First);
    found.map_err(|_| "Order Id does not exist".to_owned())
}

/// The generations do not see each other's orders.
fn is_first(book: &Book, order: usize) -> bool {
    book.order(order).wish.generation == Generation::First
}

async fn info(State(partner): State<Arc<Partner>>, body: Bytes) -> Response {
    run(&partner, Call::OrderInfo, &body, |book, form, now_ms| {
        let index = find(book, form)?;
        let order = book.order(index);
        let wish = &order.wish;
        Ok(json!({
            "status": "OK",
            "details": {
                "orderId": wish.id,
                "orderAmount": amount::text(wish.amount),
                "orderCurrency": CURRENCY,
                "orderNote": wish.note,
                "orderStatus": book.status(index, now_ms).word(),
                "customerName": wish.customer.name,
                "customerEmail": wish.customer.email,
                "customerPhone": wish.customer.phone,
                "returnUrl": wish.return_url,
                "notifyUrl": wish.notify_url,
                "paymentLink": partner.link(&wish.token),
                "addedOn": time::plain(order.created_ms),
                "orderExpiryTime": time::plain(wish.expires_ms),
            },
        }))
    })
    .await
}

async fn link(State(partner): State<Arc<Partner>>, body: Bytes) -> Response {
    run(&partner, Call::OrderLink, &body, |book, form, _| {
        let index = find(book, form)?;
        let link = partner.link(&book.order(index).wish.token);
        Ok(json!({"status": "OK", "paymentLink": link}))
    })
    .await
}

async fn status(State(partner): State<Arc<Partner>>, body: Bytes) -> Response {
    run(&partner, Call::OrderStatus, &body, |book, form, now_ms| {
        let index = find(book, form)?;
        let order = book.order(index);
        let mut answer = json!({
            "status": "OK",
            "orderId": order.wish.id,
            "orderStatus": book.status(index, now_ms).word(),
            "orderAmount": amount::text(order.wish.amount),
            "orderCurrency": CURRENCY,
            "orderExpiryTime": time::plain(order.wish.expires_ms),
        });
        let Some(payment) = book.leading(index).map(|at| book.payment(at)) else {
            return Ok(answer);
        };
        // What was collected, should a test have made it differ from what was ordered.
        answer["orderAmount"] = amount::text(payment.amount).into();
        answer["orderCurrency"] = payment.currency.clone().into();
        answer["txStatus"] = payment.status.first_word().into();
        answer["txMsg"] = payment.status.message().into();
        let at_ms = payment.ended_ms.unwrap_or(payment.started_ms);
        answer["txTime"] = time::plain(at_ms).into();
        answer["referenceId"] = payment.id.to_string().into();
        answer["paymentMode"] = PAYMENT_MODE.into();
        Ok(answer)
    })
    .await
}

async fn refund(State(partner): State<Arc<Partner>>, body: Bytes) -> Response {
    run(&partner, Call::Refund, &body, |book, form, now_ms| {
        let payment = book.find_payment(form.needed("referenceId", 20)?);
        let payment = payment
            .ok()
            .filter(|at| is_first(book, book.payment(*at).order))
            .ok_or_else(|| "referenceId does not exist".to_owned())?;
        let paise = amount::parse(form.needed("refundAmount", 20)?).filter(|paise| *paise > 0);
        let paise = paise.ok_or_else(|| "refundAmount is not an amount".to_owned())?;
        let merchant_id = form.optional("merchantRefundId", 40)?;
        if merchant_id.is_some_and(|id| !is_name(id)) {
            return Err("merchantRefundId may have letters, digits, _ and - only".to_owned());
        }
        let wish = RefundWish {
            merchant_id: merchant_id.map(str::to_owned),
            amount: paise,
            note: form.optional("refundNote", 100)?.map(str::to_owned),
            speed: "STANDARD".to_owned(),
        };
        let index = book
            .create_refund(payment, wish, now_ms)
            .map_err(|refusal| refusal.to_string())?;
        Ok(json!({
            "status": "OK",
            "message": "Refund has been initiated",
            "refundId": book.refund(index).id.to_string(),
        }))
    })
    .await
}

async fn refund_status(State(partner): State<Arc<Partner>>, body: Bytes) -> Response {
    run(&partner, Call::RefundStatus, &body, |book, form, _| {
        let found = match (form.field("refundId"), form.field("merchantRefundId")) {
            (Some(id), _) => book.find_refund(id),
            (None, Some(id)) => book.find_merchant_refund(id),
            (None, None) => return Err("refundId or merchantRefundId is missing".to_owned()),
        };
        let index = found
            .ok()
            .filter(|at| is_first(book, book.refund(*at).order))
            .ok_or_else(|| "Refund does not exist".to_owned())?;
        Ok(json!({"status": "OK", "refund": refund_entry(book, book.refund(index))}))
    })
    .await
}

async fn refunds(State(partner): State<Arc<Partner>>, body: Bytes) -> Response {
    run(&partner, Call::Refunds, &body, |book, form, _| {
        let number = |name: &str| form.field(name).and_then(|text| text.parse::<u64>().ok());
        let after = number("lastId").unwrap_or(0);
        let count = number("count").map_or(REFUNDS_USUAL, |count| {
            usize::try_from(count).unwrap_or(REFUNDS_MAX)
        });
        let wanted = |refund: &&Refund| {
            let same = |name, value: &str| form.field(name).is_none_or(|wish| wish == value);
            refund.id > after
                && is_first(book, refund.order)
                && same("refundId", &refund.id.to_string())
                && same("merchantRefundId", &entity::refund_name(refund))
                && same("orderId", &book.order(refund.order).wish.id)
        };
        let page: Vec<&Refund> = book
            .refunds()
            .iter()
            .filter(wanted)
            .take(count.clamp(1, REFUNDS_MAX))
            .collect();
        let last = page.last().map(|refund| refund.id.to_string());
        let entries: Vec<Value> = page
            .iter()
            .map(|refund| refund_entry(book, refund))
            .collect();
        Ok(json!({"status": "OK", "refund": entries, "lastId": last}))
    })
    .await
}

/// Generation 1 knows of a refund only whether it was processed. The published table misspells
/// `referenceId`, so clients may read either.
fn refund_entry(book: &Book, refund: &Refund) -> Value {
    let payment = book.payment(refund.payment);
    let done = refund.status == RefundStatus::Success;
    let processed_on = refund.ended_ms.filter(|_| done).map(time::plain);
    json!({
        "refundId": refund.id.to_string(),
        "merchantRefundId": refund.wish.merchant_id,
        "orderId": book.order(refund.order).wish.id,
        "arn": refund.arn().unwrap_or_default(),
        "referenceId": payment.id.to_string(),
        "refernceId": payment.id.to_string(),
        "txAmount": amount::text(payment.amount),
        "refundAmount": amount::text(refund.wish.amount),
        "refundNote": refund.wish.note,
        "processed": if done { "YES" } else { "NO" },
        "refundType": refund.kind.word(),
        "initiatedOn": time::plain(refund.created_ms),
        "processedOn": processed_on.unwrap_or_default(),
    })
}
