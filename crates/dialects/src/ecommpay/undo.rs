//! capture, cancel, refund: what a shop does with its payment afterwards. What cannot be done as the
//! payment stands is refused; a refund that is too large, or of a kind that the method cannot make, is
//! accepted and declined by callback.

use altyn_domain::{Answer, MethodKind, OnRefusal, Payment, Target};
use altyn_engine::{CaptureRequest, EngineError, RefundRequest, Wait};
use axum::response::Response;

use super::answer::{self, Rejection, Verb, of_engine};
use super::codes::Code;
use super::gate::{CARD, Call};
use super::members;

/// Takes all that is held, or a part; the rest goes back to the payer.
pub(super) async fn capture(call: &Call<'_>, named: &str) -> Result<Response, Rejection> {
    let payment = held(call, named).await?;
    let wanted = CaptureRequest {
        amount: call.values().whole(&["payment", "amount"]),
        release_rest: true,
    };
    let target = Target::Payment(payment.id);
    let answer = call
        .engine()
        .capture(&call.owner, target, wanted, Wait::No)
        .await;
    tell(call, answer, Verb::Take)
}

/// Gives a hold up, all of it or a part.
pub(super) async fn cancel(call: &Call<'_>, named: &str) -> Result<Response, Rejection> {
    let payment = held(call, named).await?;
    let amount = call.values().whole(&["payment", "amount"]);
    let target = Target::Payment(payment.id);
    let answer = call
        .engine()
        .void(&call.owner, target, amount, Wait::No)
        .await;
    tell(call, answer, Verb::Take)
}

/// Gives captured money back, all or a part.
pub(super) async fn refund(call: &Call<'_>, named: Option<&str>) -> Result<Response, Rejection> {
    let kind = match named {
        Some(named) => call.method(named)?.kind,
        None => MethodKind::Card,
    };
    members::check(call.message, members::REFUND, kind)?;
    let values = call.values();
    let amount = values.whole(&["payment", "amount"]);
    let currency = values.text(&["payment", "currency"]);
    if amount.is_some() && currency.is_none() {
        return Err(Rejection::of(Code::CURRENCY_REQUIRED, "payment.currency"));
    }
    let payment = find(call, named).await?;
    if currency.is_some_and(|code| code != payment.amount.currency().alpha()) {
        return Err(Rejection::of(Code::REFUND_CURRENCY, "payment.currency"));
    }
    let wanted = RefundRequest {
        amount,
        reference: values.owned(&["payment", "merchant_refund_id"]),
        expected_deposited: None,
        description: values.owned(&["payment", "description"]),
        on_refusal: OnRefusal::Record,
    };
    let target = Target::Payment(payment.id);
    let answer = call
        .engine()
        .refund(&call.owner, target, wanted, Wait::No)
        .await;
    if answer.as_ref().is_ok_and(|answer| answer.repeated) {
        return Err(Rejection::of(
            Code::REFUND_ID_EXISTS,
            "payment.merchant_refund_id",
        ));
    }
    tell(call, answer, Verb::Refund)
}

/// The payment by card that is meant, in the currency that is meant.
async fn held(call: &Call<'_>, named: &str) -> Result<Payment, Rejection> {
    call.method_of(named, MethodKind::Card)?;
    members::check(call.message, members::TAKE, MethodKind::Card)?;
    let payment = find(call, Some(named)).await?;
    let currency = call.values().text(&["payment", "currency"]);
    if currency.is_some_and(|code| code != payment.amount.currency().alpha()) {
        return Err(Rejection::of(Code::INVALID_CURRENCY, "payment.currency"));
    }
    Ok(payment)
}

/// The payment of the sender's project that the request names. One that was paid by another method than
/// the address names is as unknown as one of another project.
pub(super) async fn find(call: &Call<'_>, named: Option<&str>) -> Result<Payment, Rejection> {
    let found = call.payment().await?;
    found
        .filter(|payment| named.is_none_or(|named| is_by(payment, named)))
        .ok_or_else(|| Rejection::bad(Code::TRANSACTION_NOT_FOUND))
}

/// Whether the payment is by the method that an address names: by its own id, or by the family's word.
fn is_by(payment: &Payment, named: &str) -> bool {
    let attempt = payment.winner().or_else(|| payment.last_try());
    attempt
        .is_some_and(|attempt| attempt.method == named || (named == CARD && attempt.card.is_some()))
}

fn tell(
    call: &Call<'_>,
    answer: Result<Answer, EngineError>,
    verb: Verb,
) -> Result<Response, Rejection> {
    let answer = answer.map_err(|failure| of_engine(failure, verb))?;
    answer::accepted(&answer, call.project_id, call.payment_id)
}
