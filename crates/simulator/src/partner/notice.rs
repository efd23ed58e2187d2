//! What notices say. Generation 1 sends the values of a result as a form, generation 2 an event
//! as JSON; both are signed when they are sent.

use std::collections::BTreeMap;

use serde::Serialize;

use super::amount::{self, Rupees};
use super::book::Book;
use super::entity::{self, CustomerEntity, ErrorDetails, Method, RefundFacts};
use super::order::Plan;
use super::order::{Body, CURRENCY, Delivery, Generation, Notice, Order, Payment, PaymentStatus};
use super::time;

/// How generation 1 names the way of paying.
pub const PAYMENT_MODE: &str = "Wallet";

#[derive(Serialize)]
struct Envelope<Data> {
    data: Data,
    event_time: String,
    #[serde(rename = "type")]
    event: &'static str,
}

#[derive(Serialize)]
struct PaymentData<'book> {
    order: OrderPart<'book>,
    payment: PaymentPart<'book>,
    customer_details: CustomerEntity<'book>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_details: Option<ErrorDetails>,
    payment_gateway_details: GatewayPart,
    payment_offers: Option<()>,
}

#[derive(Serialize)]
struct OrderPart<'book> {
    order_id: &'book str,
    order_amount: Rupees,
    order_currency: &'static str,
    order_tags: Option<&'book BTreeMap<String, String>>,
}

#[derive(Serialize)]
struct PaymentPart<'book> {
    cf_payment_id: String,
    payment_status: &'static str,
    payment_amount: Rupees,
    payment_currency: &'book str,
    payment_message: &'static str,
    payment_time: String,
    bank_reference: Option<String>,
    auth_id: Option<()>,
    payment_method: Method<'book>,
    payment_group: &'static str,
}

#[derive(Serialize)]
struct GatewayPart {
    gateway_name: &'static str,
    gateway_order_id: String,
    gateway_payment_id: String,
    gateway_order_reference_id: Option<()>,
    gateway_settlement: &'static str,
    gateway_status_code: Option<()>,
}

#[derive(Serialize)]
struct RefundData<'book> {
    refund: RefundPart<'book>,
}

#[derive(Serialize)]
struct RefundPart<'book> {
    cf_refund_id: u64,
    cf_payment_id: u64,
    refund_id: String,
    order_id: &'book str,
    entity: &'static str,
    #[serde(flatten)]
    facts: RefundFacts<'book>,
    refund_splits: [(); 0],
    metadata: Option<()>,
}

/// A refund that nobody asked for names neither an order nor a refund of the merchant.
#[derive(Serialize)]
struct AutoRefundData<'book> {
    auto_refund: AutoRefundPart<'book>,
}

#[derive(Serialize)]
struct AutoRefundPart<'book> {
    cf_refund_id: u64,
    cf_payment_id: u64,
    entity: &'static str,
    #[serde(flatten)]
    facts: RefundFacts<'book>,
    refund_reason: &'static str,
}

/// The notice about a payment as it stands; nothing if nobody wants it or none exists for that.
pub fn about_payment(
    book: &Book,
    index: usize,
    refund: Option<usize>,
    plan: &Plan,
    now_ms: u64,
) -> Option<Notice> {
    let payment = book.payment(index);
    let order = book.order(payment.order);
    let named = plan.other_order.as_deref().unwrap_or(&order.wish.id);
    let (event, body) = match order.wish.generation {
        Generation::First => {
            let values = result_values(named, order, Some(payment), now_ms);
            (payment.status.first_word(), Body::Form(values))
        }
        Generation::Second => {
            let event = event_of(payment.status)?;
            let text = match refund {
                Some(refund) => auto_refund_text(book, refund, event, now_ms),
                None if payment.status == PaymentStatus::Cancelled => return None,
                None => payment_text(order, payment, named, event, now_ms),
            };
            (event, Body::Json(text?))
        }
    };
    waiting(order, event, body, payment.id, now_ms)
}

/// The notice about a refund that has become final; generation 1 has none.
pub fn about_refund(book: &Book, index: usize, now_ms: u64) -> Option<Notice> {
    const EVENT: &str = "REFUND_STATUS_WEBHOOK";
    let refund = book.refund(index);
    let order = book.order(refund.order);
    if order.wish.generation == Generation::First || !refund.status.is_final() {
        return None;
    }
    let data = RefundData {
        refund: RefundPart {
            cf_refund_id: refund.id,
            cf_payment_id: book.payment(refund.payment).id,
            refund_id: entity::refund_name(refund),
            order_id: &order.wish.id,
            entity: "Refund",
            facts: entity::refund_facts(book, refund),
            refund_splits: [],
            metadata: None,
        },
    };
    let body = Body::Json(text(data, EVENT, now_ms)?);
    waiting(order, EVENT, body, refund.id, now_ms)
}

/// The values of a result of generation 1, in the order in which they are signed. Without a
/// payment they say that nothing was decided.
pub fn result_values(
    named: &str,
    order: &Order,
    payment: Option<&Payment>,
    now_ms: u64,
) -> Vec<String> {
    let status = payment.map_or(PaymentStatus::NotAttempted, |payment| payment.status);
    let paise = payment.map_or(order.wish.amount, |payment| payment.amount);
    let at_ms = payment
        .and_then(|payment| payment.ended_ms)
        .unwrap_or(now_ms);
    vec![
        named.to_owned(),
        amount::text(paise),
        payment.map_or_else(String::new, |payment| payment.id.to_string()),
        status.first_word().to_owned(),
        payment.map_or_else(String::new, |_| PAYMENT_MODE.to_owned()),
        status.message().to_owned(),
        time::plain(at_ms),
    ]
}

fn event_of(status: PaymentStatus) -> Option<&'static str> {
    match status {
        PaymentStatus::Success => Some("PAYMENT_SUCCESS_WEBHOOK"),
        PaymentStatus::Failed => Some("PAYMENT_FAILED_WEBHOOK"),
        PaymentStatus::UserDropped => Some("PAYMENT_USER_DROPPED_WEBHOOK"),
        PaymentStatus::Cancelled => Some("AUTO_REFUND_STATUS_WEBHOOK"),
        PaymentStatus::NotAttempted | PaymentStatus::Pending | PaymentStatus::Flagged => None,
    }
}

fn payment_text(
    order: &Order,
    payment: &Payment,
    named: &str,
    event: &'static str,
    now_ms: u64,
) -> Option<String> {
    let wish = &order.wish;
    let data = PaymentData {
        order: OrderPart {
            order_id: named,
            order_amount: Rupees(wish.amount),
            order_currency: CURRENCY,
            order_tags: (!wish.tags.is_empty()).then_some(&wish.tags),
        },
        payment: PaymentPart {
            cf_payment_id: payment.id.to_string(),
            payment_status: payment.status.second_word(),
            payment_amount: Rupees(payment.amount),
            payment_currency: &payment.currency,
            payment_message: payment.status.message(),
            payment_time: time::with_offset(payment.ended_ms.unwrap_or(now_ms)),
            bank_reference: payment.bank_reference(),
            auth_id: None,
            payment_method: Method::of(payment),
            payment_group: "wallet",
        },
        customer_details: CustomerEntity::of(&wish.customer),
        error_details: ErrorDetails::of(payment),
        payment_gateway_details: GatewayPart {
            gateway_name: "CASHFREE",
            gateway_order_id: order.partner_id.to_string(),
            gateway_payment_id: payment.id.to_string(),
            gateway_order_reference_id: None,
            gateway_settlement: "CASHFREE",
            gateway_status_code: None,
        },
        payment_offers: None,
    };
    text(data, event, now_ms)
}

fn auto_refund_text(
    book: &Book,
    refund: usize,
    event: &'static str,
    now_ms: u64,
) -> Option<String> {
    let refund = book.refund(refund);
    let data = AutoRefundData {
        auto_refund: AutoRefundPart {
            cf_refund_id: refund.id,
            cf_payment_id: book.payment(refund.payment).id,
            entity: "auto_refund",
            facts: entity::refund_facts(book, refund),
            refund_reason: "Payment was successful after the time limit of the order",
        },
    };
    text(data, event, now_ms)
}

fn text(data: impl Serialize, event: &'static str, now_ms: u64) -> Option<String> {
    let envelope = Envelope {
        data,
        event_time: time::with_offset(now_ms),
        event,
    };
    serde_json::to_string(&envelope).ok()
}

/// A notice that waits for its first try; nothing if the order has no address for it.
fn waiting(order: &Order, event: &str, body: Body, about: u64, now_ms: u64) -> Option<Notice> {
    let url = order.wish.notify_url.clone()?;
    Some(Notice {
        index: 0,
        order: order.index,
        event: event.to_owned(),
        url,
        body,
        version: order.wish.version.clone(),
        subject: format!("{}:{event}:{about}:{now_ms}", order.wish.id),
        bad_signature: false,
        delivery: Delivery::Waiting,
        due_ms: Some(now_ms),
        attempts: Vec::new(),
    })
}
