//! Requests of generation 1: forms, with the credentials among the fields.

use altyn_domain::{ConnectorError, HttpMethod, HttpRequest};

use super::amount::RUPEE;
use super::deal::{Deal, Task};
use super::{payer, wire};

/// The partner takes no longer note of a refund.
const REFUND_NOTE_MAX: usize = 90;
const ORDER_NOTE_MAX: usize = 200;

pub(super) fn request(deal: &Deal<'_>) -> Result<HttpRequest, ConnectorError> {
    match deal.task()? {
        Task::Order => Ok(order(deal)),
        Task::OrderStatus => {
            let fields = [("orderId", deal.order_id.as_str())];
            Ok(form(deal, "order/info/status", &fields))
        }
        Task::Refund(refund_id) => refund(deal, refund_id),
        Task::RefundStatus(refund_id) => {
            let fields = [("merchantRefundId", refund_id)];
            Ok(form(deal, "refundStatus", &fields))
        }
    }
}

fn order(deal: &Deal<'_>) -> HttpRequest {
    let order = &deal.exchange.payment.order;
    let customer = &order.customer;
    let amount = deal.money().major();
    let note = wire::note(order.description.as_deref(), ORDER_NOTE_MAX);
    let (name, phone) = (payer::name(customer), payer::phone(customer));
    let fields = [
        ("orderId", deal.order_id.as_str()),
        ("orderAmount", &amount),
        ("orderCurrency", RUPEE),
        ("orderNote", note.as_deref().unwrap_or("")),
        (
            "customerName",
            name.as_deref().unwrap_or(payer::NAME_UNKNOWN),
        ),
        (
            "customerEmail",
            payer::email(customer).unwrap_or(payer::EMAIL_UNKNOWN),
        ),
        ("customerPhone", &phone),
        ("returnUrl", &deal.exchange.addresses.return_url),
        ("notifyUrl", &deal.exchange.addresses.notice_url),
    ];
    form(deal, "order/create", &fields)
}

/// A refund names the partner's own number of the payment, which came with its success.
fn refund(deal: &Deal<'_>, refund_id: &str) -> Result<HttpRequest, ConnectorError> {
    let reference = deal.order.facts.connector_reference.as_deref();
    let reference = reference.ok_or(ConnectorError::Unsupported)?;
    let amount = deal.money().major();
    let description = deal.exchange.operation.description.as_deref();
    let note = wire::note(description, REFUND_NOTE_MAX);
    let fields = [
        ("referenceId", reference),
        ("refundAmount", &amount),
        ("refundNote", note.as_deref().unwrap_or("refund")),
        ("merchantRefundId", refund_id),
    ];
    Ok(form(deal, "order/refund", &fields))
}

fn form(deal: &Deal<'_>, path: &str, fields: &[(&str, &str)]) -> HttpRequest {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("appId", deal.settings.app_id);
    body.append_pair("secretKey", deal.settings.secret);
    body.extend_pairs(fields);
    let content_type = "application/x-www-form-urlencoded".to_owned();
    HttpRequest {
        method: HttpMethod::Post,
        url: format!("{}/api/v1/{path}", deal.settings.base_url),
        headers: vec![("content-type", content_type)],
        body: body.finish().into_bytes(),
    }
}
