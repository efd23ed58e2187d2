//! What generation 2 shows of the things in the book. Amounts are numbers with two decimals, so
//! these are written straight to text and never pass through a JSON value.

use std::collections::BTreeMap;

use serde::Serialize;

use super::amount::Rupees;
use super::book::{Book, Simulation};
use super::order::{CURRENCY, Customer, Payment, PaymentStatus, Refund};
use super::time;

/// `OrderEntity`.
#[derive(Serialize)]
pub struct OrderEntity<'book> {
    cf_order_id: String,
    order_id: &'book str,
    entity: &'static str,
    order_currency: &'static str,
    order_amount: Rupees,
    order_status: &'static str,
    payment_session_id: String,
    order_expiry_time: String,
    order_note: Option<&'book str>,
    created_at: String,
    customer_details: CustomerEntity<'book>,
    order_meta: OrderMeta<'book>,
    order_tags: Option<&'book BTreeMap<String, String>>,
}

#[derive(Serialize)]
struct OrderMeta<'book> {
    return_url: Option<&'book str>,
    notify_url: Option<&'book str>,
    payment_methods: Option<&'book str>,
}

/// The payer, as answers and notices show them.
#[derive(Serialize)]
pub struct CustomerEntity<'book> {
    customer_id: &'book str,
    customer_name: Option<&'book str>,
    customer_email: Option<&'book str>,
    customer_phone: &'book str,
}

impl<'book> CustomerEntity<'book> {
    /// What is shown of a payer.
    pub fn of(customer: &'book Customer) -> CustomerEntity<'book> {
        CustomerEntity {
            customer_id: &customer.id,
            customer_name: customer.name.as_deref(),
            customer_email: customer.email.as_deref(),
            customer_phone: &customer.phone,
        }
    }
}

/// An order at a moment.
pub fn order(book: &Book, index: usize, now_ms: u64) -> OrderEntity<'_> {
    let order = book.order(index);
    let wish = &order.wish;
    OrderEntity {
        cf_order_id: order.partner_id.to_string(),
        order_id: &wish.id,
        entity: "order",
        order_currency: CURRENCY,
        order_amount: Rupees(wish.amount),
        order_status: book.status(index, now_ms).word(),
        payment_session_id: session(&wish.token),
        order_expiry_time: time::with_offset(wish.expires_ms),
        order_note: wish.note.as_deref(),
        created_at: time::with_offset(order.created_ms),
        customer_details: CustomerEntity::of(&wish.customer),
        order_meta: OrderMeta {
            return_url: wish.return_url.as_deref(),
            notify_url: wish.notify_url.as_deref(),
            payment_methods: wish.payment_methods.as_deref(),
        },
        order_tags: (!wish.tags.is_empty()).then_some(&wish.tags),
    }
}

/// `payment_session_id` of an order with that token.
pub fn session(token: &str) -> String {
    format!("session_{token}")
}

/// `PayOrderEntity`: what a new payment answers.
#[derive(Serialize)]
pub struct PayEntity {
    cf_payment_id: String,
    payment_amount: Rupees,
    payment_method: &'static str,
    channel: &'static str,
    action: &'static str,
    data: PayData,
}

#[derive(Serialize)]
struct PayData {
    url: String,
    payload: Option<()>,
    content_type: Option<()>,
    method: Option<()>,
}

/// A payment that has just begun, with the link to its page.
pub fn pay(payment: &Payment, link: String) -> PayEntity {
    PayEntity {
        cf_payment_id: payment.id.to_string(),
        payment_amount: Rupees(payment.amount),
        payment_method: "app",
        channel: "link",
        action: "link",
        data: PayData {
            url: link,
            payload: None,
            content_type: None,
            method: None,
        },
    }
}

/// `PaymentEntity`.
#[derive(Serialize)]
pub struct PaymentEntity<'book> {
    cf_payment_id: String,
    order_id: &'book str,
    entity: &'static str,
    is_captured: bool,
    order_amount: Rupees,
    order_currency: &'static str,
    payment_amount: Rupees,
    payment_currency: &'book str,
    payment_status: &'static str,
    payment_message: &'static str,
    payment_time: String,
    payment_completion_time: Option<String>,
    payment_group: &'static str,
    payment_method: Method<'book>,
    bank_reference: Option<String>,
    auth_id: Option<()>,
    error_details: Option<ErrorDetails>,
}

/// The wallet of a payment.
#[derive(Serialize)]
pub struct Method<'book> {
    app: App<'book>,
}

#[derive(Serialize)]
struct App<'book> {
    channel: &'static str,
    provider: &'book str,
    phone: &'book str,
}

impl<'book> Method<'book> {
    /// The wallet of this payment.
    pub fn of(payment: &'book Payment) -> Method<'book> {
        Method {
            app: App {
                channel: "link",
                provider: &payment.provider,
                phone: &payment.phone,
            },
        }
    }
}

/// Why a payment failed.
#[derive(Serialize)]
pub struct ErrorDetails {
    error_code: String,
    error_description: String,
    error_reason: String,
    error_source: &'static str,
    error_code_raw: Option<()>,
    error_description_raw: Option<()>,
    error_subcode_raw: Option<()>,
}

impl ErrorDetails {
    /// Why this payment failed, if it did.
    pub fn of(payment: &Payment) -> Option<ErrorDetails> {
        let code = payment.error_code.as_deref()?;
        let reason = code.to_ascii_lowercase();
        Some(ErrorDetails {
            error_code: code.to_owned(),
            error_description: reason.replace('_', " "),
            error_reason: reason,
            error_source: "customer",
            error_code_raw: None,
            error_description_raw: None,
            error_subcode_raw: None,
        })
    }
}

/// A payment.
pub fn payment(book: &Book, index: usize) -> PaymentEntity<'_> {
    let payment = book.payment(index);
    let wish = &book.order(payment.order).wish;
    PaymentEntity {
        cf_payment_id: payment.id.to_string(),
        order_id: &wish.id,
        entity: "payment",
        is_captured: payment.status == PaymentStatus::Success,
        order_amount: Rupees(wish.amount),
        order_currency: CURRENCY,
        payment_amount: Rupees(payment.amount),
        payment_currency: &payment.currency,
        payment_status: payment.status.second_word(),
        payment_message: payment.status.message(),
        payment_time: time::with_offset(payment.started_ms),
        payment_completion_time: payment.ended_ms.map(time::with_offset),
        payment_group: "wallet",
        payment_method: Method::of(payment),
        bank_reference: payment.bank_reference(),
        auth_id: None,
        error_details: ErrorDetails::of(payment),
    }
}

/// `RefundEntity`. In answers ids are text; notices write them as numbers.
#[derive(Serialize)]
pub struct RefundEntity<'book> {
    cf_refund_id: String,
    cf_payment_id: String,
    order_id: &'book str,
    refund_id: String,
    entity: &'static str,
    #[serde(flatten)]
    facts: RefundFacts<'book>,
    refund_splits: [(); 0],
    metadata: Option<()>,
    refund_speed: Speed<'book>,
}

#[derive(Serialize)]
struct Speed<'book> {
    requested: &'book str,
    accepted: &'book str,
    processed: Option<&'book str>,
    message: Option<()>,
}

/// What answers and notices say alike about a refund.
#[derive(Serialize)]
pub struct RefundFacts<'book> {
    refund_amount: Rupees,
    refund_currency: &'book str,
    refund_note: Option<&'book str>,
    refund_status: &'static str,
    status_description: &'static str,
    refund_arn: Option<String>,
    refund_charge: Rupees,
    refund_type: &'static str,
    refund_mode: &'book str,
    created_at: String,
    processed_at: Option<String>,
}

/// The facts of a refund.
pub fn refund_facts<'book>(book: &'book Book, refund: &'book Refund) -> RefundFacts<'book> {
    RefundFacts {
        refund_amount: Rupees(refund.wish.amount),
        refund_currency: &book.payment(refund.payment).currency,
        refund_note: refund.wish.note.as_deref(),
        refund_status: refund.status.word(),
        status_description: refund.status.message(),
        refund_arn: refund.arn(),
        refund_charge: Rupees(0),
        refund_type: refund.kind.word(),
        refund_mode: &refund.wish.speed,
        created_at: time::with_offset(refund.created_ms),
        processed_at: refund.ended_ms.map(time::with_offset),
    }
}

/// The merchant's name of a refund, or the one that the partner gave it.
pub fn refund_name(refund: &Refund) -> String {
    refund
        .wish
        .merchant_id
        .clone()
        .unwrap_or_else(|| format!("auto_{}", refund.id))
}

/// A refund.
pub fn refund(book: &Book, index: usize) -> RefundEntity<'_> {
    let refund = book.refund(index);
    let done = refund.ended_ms.is_some();
    RefundEntity {
        cf_refund_id: refund.id.to_string(),
        cf_payment_id: book.payment(refund.payment).id.to_string(),
        order_id: &book.order(refund.order).wish.id,
        refund_id: refund_name(refund),
        entity: "refund",
        facts: refund_facts(book, refund),
        refund_splits: [],
        metadata: None,
        refund_speed: Speed {
            requested: &refund.wish.speed,
            accepted: &refund.wish.speed,
            processed: done.then_some(refund.wish.speed.as_str()),
            message: None,
        },
    }
}

/// A forced result, as its call answers.
#[derive(Serialize)]
pub struct SimulationEntity<'book> {
    simulation_id: &'book str,
    entity: &'static str,
    entity_id: String,
    entity_simulation: Simulated<'book>,
}

#[derive(Serialize)]
struct Simulated<'book> {
    payment_status: &'book str,
    payment_error_code: Option<&'book str>,
}

/// A forced result.
pub fn simulation(simulation: &Simulation) -> SimulationEntity<'_> {
    SimulationEntity {
        simulation_id: &simulation.id,
        entity: "PAYMENTS",
        entity_id: simulation.payment_id.to_string(),
        entity_simulation: Simulated {
            payment_status: &simulation.payment_status,
            payment_error_code: simulation.payment_error_code.as_deref(),
        },
    }
}
