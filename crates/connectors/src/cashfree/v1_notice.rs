//! Notices of generation 1: a form with seven fields, signed over their values. It has no time, so
//! an old one may be sent again: only a success is believed as it is, for it never becomes untrue.
//!
//! The values are joined without a separator, and the payer sees the same signed form on the way
//! back. So the borders between them could be moved: `FAILED` with the message `UNSUCCESSFUL` has a
//! `SUCCESS` in it. A success is believed only in the one spelling that leaves the borders no other
//! place.

use altyn_domain::{Facts, Notice, NoticeReading, NoticeRefusal, OperationKind, Outcome, Report};

use super::amount::RUPEE;
use super::deal::Deal;
use super::v1_answer::outcome;
use super::{amount, signature, time};

/// The signed fields, in the order in which their values are joined.
const FIELDS: [&str; 7] = [
    "orderId",
    "orderAmount",
    "referenceId",
    "txStatus",
    "paymentMode",
    "txMsg",
    "txTime",
];

pub(super) fn read(deal: &Deal<'_>, notice: &Notice) -> Result<NoticeReading, NoticeRefusal> {
    let signature = match field(&notice.body, "signature") {
        Ok(signature) => signature,
        Err(NoticeRefusal::Unreadable) => return Err(NoticeRefusal::Signature),
        Err(other) => return Err(other),
    };
    let mut values: [String; 7] = Default::default();
    for (value, name) in values.iter_mut().zip(FIELDS) {
        *value = field(&notice.body, name)?;
    }
    let parts = values.each_ref().map(|value| value.as_bytes());
    if !signature::is_right(deal.settings.secret, &parts, &signature) {
        return Err(NoticeRefusal::Signature);
    }
    let [order_id, order_amount, reference, tx_status, _, _, tx_time] = values;
    // The partner tells of payments only, at the address of the try.
    if order_id != deal.order_id || deal.exchange.operation.kind != OperationKind::Sale {
        return Err(NoticeRefusal::OtherOrder);
    }
    let number = deal.order.number;
    let borders_hold = has_two_decimals(&order_amount) && is_number(&reference);
    let amount = amount::read_with(Some(&order_amount), Some(RUPEE)).filter(|_| borders_hold);
    let asked = deal.exchange.money();
    match (outcome(&tx_status), amount) {
        // Another amount is told as it came, for a person to look at. The asked one is not enough: the text
        // that is signed names no currency, so the partner is asked, as for everything else.
        (Some(Outcome::Approved), Some(amount)) if amount != asked => {
            let facts = Facts {
                connector_reference: Some(reference),
                gateway_code: Some(tx_status),
                happened_at: time::read(&tx_time),
                amount: Some(amount),
                ..Facts::default()
            };
            let report = Report {
                facts,
                ..Report::bare(Outcome::Approved)
            };
            Ok(NoticeReading::Report(number, Box::new(report)))
        }
        // The payer may have paid after a failure; the partner knows the newest state.
        _ => Ok(NoticeReading::Enquire(number)),
    }
}

/// The amount ends after its second decimal, wherever digits follow.
fn has_two_decimals(amount: &str) -> bool {
    amount
        .split_once('.')
        .is_some_and(|(_, fraction)| fraction.len() == 2)
}

/// The partner's number of a payment: it ends where the word of the status begins.
fn is_number(reference: &str) -> bool {
    !reference.is_empty() && reference.bytes().all(|byte| byte.is_ascii_digit())
}

/// The value of a field that is there exactly once.
fn field(body: &[u8], name: &str) -> Result<String, NoticeRefusal> {
    let mut found = form_urlencoded::parse(body).filter(|(known, _)| known == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Ok(value.into_owned()),
        _ => Err(NoticeRefusal::Unreadable),
    }
}
