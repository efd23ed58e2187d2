//! Requests of generation 2: JSON, with the credentials in headers.

use altyn_domain::{ConnectorError, HttpMethod, HttpRequest, Money};
use serde::Serialize;
use serde_json::value::RawValue;

use super::amount::RUPEE;
use super::deal::{Deal, Task};
use super::{payer, time, wire};

const NOTE_MAX: usize = 100;
const ORDER_NOTE_MAX: usize = 200;

#[derive(Serialize)]
struct NewOrder<'a> {
    order_id: &'a str,
    order_amount: Box<RawValue>,
    order_currency: &'static str,
    customer_details: Customer<'a>,
    order_meta: OrderMeta<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_expiry_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_note: Option<String>,
}

#[derive(Serialize)]
struct Customer<'a> {
    customer_id: String,
    customer_phone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_email: Option<&'a str>,
}

#[derive(Serialize)]
struct OrderMeta<'a> {
    return_url: &'a str,
    notify_url: &'a str,
}

#[derive(Serialize)]
struct NewSession<'a> {
    payment_session_id: &'a str,
    payment_method: Method<'a>,
}

#[derive(Serialize)]
struct Method<'a> {
    app: Wallet<'a>,
}

#[derive(Serialize)]
struct Wallet<'a> {
    channel: &'static str,
    provider: &'a str,
    phone: String,
}

#[derive(Serialize)]
struct NewRefund<'a> {
    refund_amount: Box<RawValue>,
    refund_id: &'a str,
    refund_note: String,
}

#[derive(Serialize)]
struct Termination {
    order_status: &'static str,
}

/// The first request of an exchange.
pub(super) fn request(deal: &Deal<'_>) -> Result<HttpRequest, ConnectorError> {
    match deal.task()? {
        Task::Order => new_order(deal),
        Task::OrderStatus => Ok(attempts(deal)),
        Task::Refund(refund_id) => new_refund(deal, refund_id),
        Task::RefundStatus(refund_id) => {
            let path = format!("orders/{}/refunds/{refund_id}", deal.order_id);
            Ok(call(deal, HttpMethod::Get, &path))
        }
    }
}

fn new_order(deal: &Deal<'_>) -> Result<HttpRequest, ConnectorError> {
    let payment = deal.exchange.payment;
    let customer = &payment.order.customer;
    let lifetime_ms = deal.settings.order_minutes.saturating_mul(60_000);
    let expires_at = deal.exchange.operation.created_at.plus_millis(lifetime_ms);
    let order = NewOrder {
        order_id: &deal.order_id,
        order_amount: decimal(deal.money())?,
        order_currency: RUPEE,
        customer_details: Customer {
            customer_id: payer::id(customer, payment.id),
            customer_phone: payer::phone(customer),
            customer_name: payer::name(customer),
            customer_email: payer::email(customer),
        },
        order_meta: OrderMeta {
            return_url: &deal.exchange.addresses.return_url,
            notify_url: &deal.exchange.addresses.notice_url,
        },
        order_expiry_time: time::write(expires_at),
        order_note: wire::note(payment.order.description.as_deref(), ORDER_NOTE_MAX),
    };
    keyed(deal, "orders", &deal.order_id, &order)
}

/// Leads the payer of an order to the wallet.
pub(super) fn new_session(deal: &Deal<'_>, session: &str) -> Result<HttpRequest, ConnectorError> {
    let session = NewSession {
        payment_session_id: session,
        payment_method: Method {
            app: Wallet {
                channel: "link",
                provider: deal.settings.wallet,
                phone: payer::phone(&deal.exchange.payment.order.customer),
            },
        },
    };
    let key = format!("{}-pay", deal.order_id);
    keyed(deal, "orders/sessions", &key, &session)
}

fn new_refund(deal: &Deal<'_>, refund_id: &str) -> Result<HttpRequest, ConnectorError> {
    let description = deal.exchange.operation.description.as_deref();
    let refund = NewRefund {
        refund_amount: decimal(deal.money())?,
        refund_id,
        refund_note: wire::note(description, NOTE_MAX).unwrap_or_else(|| "refund".to_owned()),
    };
    let path = format!("orders/{}/refunds", deal.order_id);
    // A key repeats its first answer, even a fault, for ever. The name of the refund already keeps
    // it one, so a refund that the partner does not know is asked for with a new key.
    let key = format!("{refund_id}-{}", deal.exchange.operation.exchanges);
    keyed(deal, &path, &key, &refund)
}

/// Asks for all attempts to pay the order.
pub(super) fn attempts(deal: &Deal<'_>) -> HttpRequest {
    call(
        deal,
        HttpMethod::Get,
        &format!("orders/{}/payments", deal.order_id),
    )
}

/// Asks for the order itself.
pub(super) fn order(deal: &Deal<'_>) -> HttpRequest {
    call(deal, HttpMethod::Get, &format!("orders/{}", deal.order_id))
}

/// Closes the order, so that it can no longer be paid.
pub(super) fn terminate(deal: &Deal<'_>) -> Result<HttpRequest, ConnectorError> {
    let path = format!("orders/{}", deal.order_id);
    let termination = Termination {
        order_status: "TERMINATED",
    };
    Ok(HttpRequest {
        body: json(&termination)?,
        ..call(deal, HttpMethod::Patch, &path)
    })
}

/// The amount as a JSON number with two decimals; it never is a float.
fn decimal(money: Money) -> Result<Box<RawValue>, ConnectorError> {
    RawValue::from_string(money.major()).map_err(|_| ConnectorError::Unsupported)
}

/// A request that makes something: sent twice with the same key it makes one.
fn keyed(
    deal: &Deal<'_>,
    path: &str,
    key: &str,
    body: &impl Serialize,
) -> Result<HttpRequest, ConnectorError> {
    let mut request = call(deal, HttpMethod::Post, path);
    request.headers.push(("x-idempotency-key", key.to_owned()));
    request.body = json(body)?;
    Ok(request)
}

fn json(body: &impl Serialize) -> Result<Vec<u8>, ConnectorError> {
    serde_json::to_vec(body).map_err(|_| ConnectorError::Unsupported)
}

fn call(deal: &Deal<'_>, method: HttpMethod, path: &str) -> HttpRequest {
    let settings = &deal.settings;
    let mut headers = vec![
        ("x-client-id", settings.app_id.to_owned()),
        ("x-client-secret", settings.secret.to_owned()),
        ("x-api-version", settings.api_version.to_owned()),
        ("accept", "application/json".to_owned()),
    ];
    if method != HttpMethod::Get {
        headers.push(("content-type", "application/json".to_owned()));
    }
    HttpRequest {
        method,
        url: format!("{}/pg/{path}", settings.base_url),
        headers,
        body: Vec::new(),
    }
}
