//! getOrderStatusExtended.do and getOrderStatus.do: a payment in the family's words.

use altyn_domain::{
    CardBrand, Language, Operation, OperationKind, OperationState, Payment, PaymentStatus,
    Timestamp, Way,
};
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

use super::answer::Done;
use super::error::Fault;
use super::messages::Message;
use super::order_status::{amounts, order_status};
use super::register::Extra;
use super::{Call, answer, order};

/// getOrderStatusExtended.do
pub(super) async fn extended(call: &Call) -> Result<Response, Fault> {
    let payment = order::find(call).await?;
    Ok(answer::ok(&Extended::of(&payment, call.language)))
}

/// getOrderStatus.do
pub(super) async fn legacy(call: &Call) -> Result<Response, Fault> {
    if call.params.first_of(&["orderId", "mdOrder"]).is_none() {
        return Err(Fault::of("5", Message::ParameterEmpty, "orderId"));
    }
    let payment = order::find(call).await?;
    Ok(answer::ok(&Legacy::of(&payment, call.language)))
}

#[derive(Debug, Serialize)]
pub(super) struct Pair {
    name: String,
    value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CardInfo {
    masked_pan: String,
    /// The same masked text; a client reads it under this name.
    pan: String,
    expiration: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cardholder_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_system: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secure_auth_info: Option<SecureAuth>,
}

#[derive(Debug, Serialize)]
struct SecureAuth {
    eci: i32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AmountInfo {
    payment_state: &'static str,
    approved_amount: i64,
    deposited_amount: i64,
    refunded_amount: i64,
    total_amount: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Payer {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_address: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RefundInfo {
    date: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_refund_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_code: Option<String>,
    /// Three digits, in refunds only.
    action_code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_number: Option<String>,
    amount: i64,
}

/// Everything that the family tells of an order and that we know.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Extended {
    #[serde(flatten)]
    done: Done,
    order_number: String,
    order_status: u8,
    action_code: i32,
    action_code_description: &'static str,
    amount: i64,
    currency: String,
    date: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposited_date: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<String>,
    merchant_order_params: Vec<Pair>,
    transaction_attributes: Vec<Pair>,
    attributes: Vec<Pair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_auth_info: Option<CardInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_date_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terminal_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_ref_num: Option<String>,
    payment_amount_info: AmountInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer_data: Option<Payer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refunds: Vec<RefundInfo>,
    chargeback: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_way: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refunded_date: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reversed_date: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_bundle: Option<Value>,
}

impl Extended {
    pub(super) fn of(payment: &Payment, language: Language) -> Self {
        let order = &payment.order;
        let told = order_status(payment);
        let sums = amounts(payment);
        let shown = shown_try(payment);
        let winner = payment.winner();
        let attributes = &order.attributes;
        Self {
            done: Done::new(language),
            order_number: order.reference.clone(),
            order_status: told.number,
            action_code: told.action.number(),
            action_code_description: told.action.description(language),
            amount: payment.amount.minor(),
            currency: currency(payment),
            date: payment.created_at.as_millis(),
            deposited_date: deposited_at(payment).map(Timestamp::as_millis),
            order_description: order.description.clone(),
            ip: order.customer.ip.clone(),
            merchant_order_params: attributes.iter().map(|(n, v)| pair(n, v)).collect(),
            transaction_attributes: Vec::new(),
            attributes: vec![pair("mdOrder", &payment.id.uuid().to_string())],
            card_auth_info: shown.and_then(card_info),
            auth_date_time: winner.and_then(|w| w.finished_at).map(Timestamp::as_millis),
            terminal_id: winner.and_then(|w| w.facts.terminal.clone()),
            auth_ref_num: winner.and_then(|w| w.facts.rrn.clone()),
            payment_amount_info: AmountInfo {
                payment_state: told.state.word(),
                approved_amount: sums.approved,
                deposited_amount: sums.deposited,
                refunded_amount: sums.refunded,
                total_amount: payment.amount.minor(),
            },
            payer_data: payer(payment),
            refunds: refunds(payment),
            chargeback: payment.is_charged_back(),
            payment_way: shown.and_then(|o| o.card.as_ref()).map(|_| "CARD"),
            refunded_date: refunded_at(payment).map(Timestamp::as_millis),
            reversed_date: reversed_at(payment).map(Timestamp::as_millis),
            order_bundle: Extra::of(order).order_bundle,
        }
    }
}

/// The oldest answer: its letter case is mixed, and clients rely on it.
#[derive(Debug, Serialize)]
struct Legacy {
    #[serde(rename = "ErrorCode")]
    error_code: &'static str,
    #[serde(rename = "ErrorMessage")]
    error_message: String,
    #[serde(rename = "OrderStatus")]
    order_status: u8,
    #[serde(rename = "OrderNumber")]
    order_number: String,
    #[serde(rename = "Pan", skip_serializing_if = "Option::is_none")]
    pan: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
    #[serde(rename = "cardholderName", skip_serializing_if = "Option::is_none")]
    cardholder_name: Option<String>,
    #[serde(rename = "depositAmount")]
    deposit_amount: i64,
    #[serde(rename = "approvedAmount")]
    approved_amount: i64,
    #[serde(rename = "Amount")]
    amount: i64,
    currency: String,
    #[serde(rename = "approvalCode", skip_serializing_if = "Option::is_none")]
    approval_code: Option<String>,
    /// Without meaning; always 2.
    #[serde(rename = "authCode")]
    auth_code: u8,
    #[serde(rename = "Ip", skip_serializing_if = "Option::is_none")]
    ip: Option<String>,
    #[serde(rename = "clientId", skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
}

impl Legacy {
    /// The error code here tells of the order too: an order that the bank refused for good is error 2,
    /// although the question was answered.
    fn of(payment: &Payment, language: Language) -> Self {
        let sums = amounts(payment);
        let card = shown_try(payment).and_then(card_info);
        let (error_code, message) = match payment.status() {
            PaymentStatus::Declined => ("2", Message::OrderDeclined),
            PaymentStatus::AwaitingPayment
            | PaymentStatus::Processing
            | PaymentStatus::Authorized
            | PaymentStatus::Captured
            | PaymentStatus::PartiallyRefunded
            | PaymentStatus::Refunded
            | PaymentStatus::Voided
            | PaymentStatus::Verified
            | PaymentStatus::Cancelled
            | PaymentStatus::Expired => ("0", Message::Success),
        };
        Self {
            error_code,
            error_message: message.text(language, ""),
            order_status: order_status(payment).number,
            order_number: payment.order.reference.clone(),
            pan: card.as_ref().map(|card| card.masked_pan.clone()),
            expiration: card.as_ref().map(|card| card.expiration.clone()),
            cardholder_name: card.as_ref().and_then(|card| card.cardholder_name.clone()),
            deposit_amount: sums.deposited,
            approved_amount: sums.approved,
            amount: payment.amount.minor(),
            currency: currency(payment),
            approval_code: card.and_then(|card| card.approval_code),
            auth_code: 2,
            ip: payment.order.customer.ip.clone(),
            client_id: payment.order.customer.id.clone(),
        }
    }
}

fn pair(name: &str, value: &str) -> Pair {
    Pair {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// The ISO number of the payment's currency, three digits.
pub(super) fn currency(payment: &Payment) -> String {
    format!("{:03}", payment.amount.currency().numeric())
}

/// The try whose card is shown: the one that paid, or else the newest.
pub(super) fn shown_try(payment: &Payment) -> Option<&Operation> {
    payment.winner().or_else(|| payment.last_try())
}

fn card_info(attempt: &Operation) -> Option<CardInfo> {
    let card = attempt.card.as_ref()?;
    let facts = &attempt.facts;
    let eci = facts.eci.as_deref().and_then(|eci| eci.parse().ok());
    Some(CardInfo {
        masked_pan: card.masked.clone(),
        pan: card.masked.clone(),
        expiration: card.expiry.compact(),
        cardholder_name: Some(card.holder.clone()).filter(|holder| !holder.is_empty()),
        approval_code: facts.approval_code.clone(),
        payment_system: payment_system(card.brand),
        secure_auth_info: eci.map(|eci| SecureAuth { eci }),
    })
}

const fn payment_system(brand: CardBrand) -> Option<&'static str> {
    match brand {
        CardBrand::Visa => Some("VISA"),
        CardBrand::Mastercard => Some("MASTERCARD"),
        CardBrand::Amex => Some("AMEX"),
        CardBrand::Jcb => Some("JCB"),
        CardBrand::UnionPay => Some("CUP"),
        CardBrand::Mir => Some("MIR"),
        CardBrand::Other => None,
    }
}

fn payer(payment: &Payment) -> Option<Payer> {
    let customer = &payment.order.customer;
    let known = customer
        .email
        .as_ref()
        .or(customer.phone.as_ref())
        .or(customer.post_address.as_ref());
    known.map(|_| Payer {
        email: customer.email.clone(),
        phone: customer.phone.clone(),
        post_address: customer.post_address.clone(),
    })
}

/// Finished operations of some kinds that moved money of the payment itself.
fn succeeded<'a>(
    payment: &'a Payment,
    kinds: &'a [OperationKind],
) -> impl DoubleEndedIterator<Item = &'a Operation> {
    payment
        .operations
        .iter()
        .filter(|o| kinds.contains(&o.kind) && o.state == OperationState::Succeeded && !o.surplus)
}

fn newest(payment: &Payment, kinds: &[OperationKind]) -> Option<Timestamp> {
    succeeded(payment, kinds)
        .next_back()
        .and_then(|operation| operation.finished_at)
}

/// When money was taken.
pub(super) fn deposited_at(payment: &Payment) -> Option<Timestamp> {
    newest(payment, &[OperationKind::Sale, OperationKind::Capture])
}

/// When money went back last.
pub(super) fn refunded_at(payment: &Payment) -> Option<Timestamp> {
    newest(payment, &[OperationKind::Refund])
}

/// When a hold or the whole payment was undone; the check of a card is undone as it ends.
pub(super) fn reversed_at(payment: &Payment) -> Option<Timestamp> {
    match payment.way {
        Way::Verify => payment.winner().and_then(|winner| winner.finished_at),
        Way::Purchase | Way::Hold => {
            newest(payment, &[OperationKind::Void, OperationKind::Reversal])
        }
    }
}

fn refunds(payment: &Payment) -> Vec<RefundInfo> {
    succeeded(payment, &[OperationKind::Refund])
        .map(|refund| RefundInfo {
            date: refund.finished_at.unwrap_or(refund.created_at).as_millis(),
            external_refund_id: refund.reference.clone(),
            approval_code: refund.facts.approval_code.clone(),
            action_code: "000",
            reference_number: refund.facts.rrn.clone(),
            amount: refund.amount,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use altyn_domain::{DeclineCode, EndReason};
    use serde_json::json;

    use super::super::samples::{NOW, Sample};
    use super::*;

    fn extended(sample: Sample) -> Value {
        serde_json::to_value(Extended::of(&sample.payment(), Language::En)).unwrap()
    }

    fn legacy(sample: Sample) -> Value {
        serde_json::to_value(Legacy::of(&sample.payment(), Language::En)).unwrap()
    }

    #[test]
    fn a_fresh_order() {
        let payment = Sample::new(Way::Purchase).payment();
        let id = payment.id.uuid().to_string();
        let told = serde_json::to_value(Extended::of(&payment, Language::En)).unwrap();
        let expected = json!({
            "errorCode": "0", "errorMessage": "Success",
            "orderNumber": "ORD-1001", "orderStatus": 0, "actionCode": -100,
            "actionCodeDescription": "No payment attempts yet",
            "amount": 1000, "currency": "398", "date": NOW.as_millis(),
            "orderDescription": "Чай", "ip": "203.0.113.7",
            "merchantOrderParams": [{ "name": "table", "value": "5" }],
            "transactionAttributes": [],
            "attributes": [{ "name": "mdOrder", "value": id }],
            "paymentAmountInfo": { "paymentState": "CREATED", "approvedAmount": 0, "depositedAmount": 0,
                "refundedAmount": 0, "totalAmount": 1000 },
            "chargeback": false,
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn a_paid_and_refunded_order_has_the_json_types_of_the_family() {
        let sample = Sample::new(Way::Purchase)
            .paid()
            .then(OperationKind::Refund, OperationState::Succeeded, 300)
            .reference("ref-1");
        let told = extended(sample);
        let texts = [
            "/errorCode",
            "/errorMessage",
            "/currency",
            "/orderNumber",
            "/ip",
            "/terminalId",
            "/authRefNum",
            "/cardAuthInfo/expiration",
            "/cardAuthInfo/approvalCode",
            "/cardAuthInfo/maskedPan",
            "/cardAuthInfo/pan",
            "/cardAuthInfo/paymentSystem",
            "/cardAuthInfo/cardholderName",
            "/paymentAmountInfo/paymentState",
            "/refunds/0/actionCode",
            "/refunds/0/externalRefundId",
            "/paymentWay",
            "/actionCodeDescription",
        ];
        for path in texts {
            assert!(told.pointer(path).is_some_and(Value::is_string), "{path}");
        }
        let numbers = [
            "/orderStatus",
            "/actionCode",
            "/amount",
            "/date",
            "/authDateTime",
            "/depositedDate",
            "/refundedDate",
            "/paymentAmountInfo/approvedAmount",
            "/paymentAmountInfo/depositedAmount",
            "/paymentAmountInfo/refundedAmount",
            "/refunds/0/amount",
            "/refunds/0/date",
            "/cardAuthInfo/secureAuthInfo/eci",
        ];
        for path in numbers {
            assert!(told.pointer(path).is_some_and(Value::is_i64), "{path}");
        }
        assert_eq!(told["chargeback"], json!(false));
        assert_eq!(told["cardAuthInfo"]["pan"], json!("411111**1111"));
        assert_eq!(told["cardAuthInfo"]["expiration"], json!("203012"));
        assert_eq!(told["authDateTime"], json!(NOW.as_millis() + 1_000));
        assert_eq!(told["refundedDate"], json!(NOW.as_millis() + 2_000));
        assert_eq!(told["orderStatus"], json!(4));
    }

    #[test]
    fn a_checked_card_ends_reversed() {
        let told = extended(Sample::new(Way::Verify).paid());
        assert_eq!(
            (&told["orderStatus"], &told["amount"]),
            (&json!(3), &json!(0))
        );
        assert!(told["reversedDate"].is_i64());
    }

    #[test]
    fn the_oldest_answer_keeps_its_letter_case() {
        let told = legacy(Sample::new(Way::Purchase).paid());
        let expected = json!({
            "ErrorCode": "0", "ErrorMessage": "Success", "OrderStatus": 2, "OrderNumber": "ORD-1001",
            "Pan": "411111**1111", "expiration": "203012", "cardholderName": "TEST HOLDER",
            "depositAmount": 1000, "approvedAmount": 1000, "Amount": 1000, "currency": "398",
            "approvalCode": "123456", "authCode": 2, "Ip": "203.0.113.7", "clientId": "cust-7",
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn the_oldest_answer_calls_a_refused_order_an_error() {
        let refused = Sample::new(Way::Hold).refused(DeclineCode::General);
        let told = legacy(refused.ended(EndReason::Declined));
        assert_eq!(
            (&told["ErrorCode"], &told["OrderStatus"]),
            (&json!("2"), &json!(6))
        );
        let expired = legacy(Sample::new(Way::Hold).ended(EndReason::Expired));
        assert_eq!(
            (&expired["ErrorCode"], &expired["OrderStatus"]),
            (&json!("0"), &json!(6))
        );
    }
}
