//! Notices of generation 2: JSON, signed over the time and the raw body.
//!
//! A genuine notice that is older or newer than five minutes may be a recorded one, or a late
//! resend: it is taken for a hint to ask, never for news.

use altyn_domain::{Notice, NoticeReading, NoticeRefusal, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::deal::Deal;
use super::pg_attempt::{Attempt, Refund, Standing};
use super::wire::Text;
use super::{id, signature};

const SKEW_MAX_MS: u64 = 5 * 60 * 1_000;

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: Text,
    data: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct PaymentNews {
    order: OrderPart,
    payment: Attempt,
}

#[derive(Deserialize)]
struct OrderPart {
    order_id: Text,
}

#[derive(Deserialize)]
struct RefundNews {
    refund: Refund,
}

pub(super) fn read(deal: &Deal<'_>, notice: &Notice) -> Result<NoticeReading, NoticeRefusal> {
    let time = one_header(notice, "x-webhook-timestamp")?;
    let signature = one_header(notice, "x-webhook-signature")?;
    let parts = [time.as_bytes(), notice.body.as_slice()];
    if !signature::is_right(deal.settings.secret, &parts, signature) {
        return Err(NoticeRefusal::Signature);
    }
    let sent_at = time.parse().ok().filter(|millis: &i64| *millis >= 0);
    let sent_at = Timestamp::from_millis(sent_at.ok_or(NoticeRefusal::Unreadable)?);
    let age_ms = notice.at.millis_since(sent_at);
    let fresh = age_ms.unsigned_abs() <= SKEW_MAX_MS;
    let envelope: Envelope =
        serde_json::from_slice(&notice.body).map_err(|_| NoticeRefusal::Unreadable)?;
    match envelope.kind.as_str() {
        "PAYMENT_SUCCESS_WEBHOOK" | "PAYMENT_FAILED_WEBHOOK" | "PAYMENT_USER_DROPPED_WEBHOOK" => {
            payment(deal, &inner(&envelope)?, fresh)
        }
        "REFUND_STATUS_WEBHOOK" => refund(deal, &inner(&envelope)?, fresh),
        // Charges, automatic refunds, and whatever is new there: nothing that an operation of ours
        // waits for.
        _ => Ok(NoticeReading::Nothing),
    }
}

/// The value of a header that is there exactly once.
fn one_header<'a>(notice: &'a Notice, name: &str) -> Result<&'a str, NoticeRefusal> {
    let mut found = notice.headers.iter().filter(|(known, _)| known == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) if !value.is_empty() => Ok(value),
        _ => Err(NoticeRefusal::Signature),
    }
}

fn inner<T: DeserializeOwned>(envelope: &Envelope) -> Result<T, NoticeRefusal> {
    let data = envelope.data.as_ref().ok_or(NoticeRefusal::Unreadable)?;
    serde_json::from_str(data.get()).map_err(|_| NoticeRefusal::Unreadable)
}

fn payment(
    deal: &Deal<'_>,
    news: &PaymentNews,
    fresh: bool,
) -> Result<NoticeReading, NoticeRefusal> {
    if news.order.order_id.as_str() != deal.order_id {
        return Err(NoticeRefusal::OtherOrder);
    }
    let number = deal.order.number;
    // A failed attempt ends no order; whether this one can still be paid, the partner must be
    // asked.
    let approval = match news.payment.standing() {
        Standing::Paid if fresh => news.payment.approval(),
        _ => None,
    };
    Ok(approval.map_or(NoticeReading::Enquire(number), |report| {
        NoticeReading::Report(number, Box::new(report))
    }))
}

fn refund(deal: &Deal<'_>, news: &RefundNews, fresh: bool) -> Result<NoticeReading, NoticeRefusal> {
    let refund = &news.refund;
    if refund.is_automatic() {
        return Ok(NoticeReading::Nothing);
    }
    if refund.order_id() != Some(deal.order_id.as_str()) {
        return Err(NoticeRefusal::OtherOrder);
    }
    // A refund with another name was made by hand at the partner; no operation here waits for it.
    let Some((payment, number)) = refund.refund_id().and_then(id::read) else {
        return Ok(NoticeReading::Nothing);
    };
    let ours = deal.exchange.payment;
    let known = ours
        .operation(number)
        .filter(|operation| operation.parent == Some(deal.order.number));
    if payment != ours.id || known.is_none() {
        return Err(NoticeRefusal::OtherOrder);
    }
    Ok(match refund.report().filter(|_| fresh) {
        Some(report) => NoticeReading::Report(number, Box::new(report)),
        None => NoticeReading::Enquire(number),
    })
}
