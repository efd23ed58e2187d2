//! Which order a call means.

use altyn_domain::{Payment, PaymentId};

use super::error::{Fault, Verb, of_engine};
use super::messages::Message;
use super::{Call, DIALECT, fields};

/// The order that a call names by the gateway's id, which wins, or by the shop's own number. Unknown,
/// foreign and malformed ids look alike.
pub(super) async fn find(call: &Call) -> Result<Payment, Fault> {
    let engine = call.rbs.engine();
    let found = if let Some(id) = call.params.first_of(&["orderId", "mdOrder"]) {
        match id_of(id) {
            Some(id) => engine.payment(&call.owner, id).await,
            None => Ok(None),
        }
    } else if let Some(number) = call.params.text("orderNumber") {
        engine
            .payment_by_reference(&call.owner, DIALECT, number)
            .await
    } else {
        return Err(Fault::new("1", Message::OrderExpected));
    };
    let payment = found.map_err(|failure| of_engine(failure, Verb::Read))?;
    payment.ok_or_else(Fault::unknown_order)
}

/// The id of the order that a call names, not yet looked for if the call gives it: for calls whose
/// command refuses an unknown order itself.
pub(super) async fn named(call: &Call) -> Result<PaymentId, Fault> {
    match call.params.first_of(&["orderId", "mdOrder"]) {
        Some(id) => id_of(id).ok_or_else(Fault::unknown_order),
        None => Ok(find(call).await?.id),
    }
}

/// An id as this dialect writes it.
fn id_of(text: &str) -> Option<PaymentId> {
    let written_so = text.len() == 36 && text.as_bytes()[8] == b'-';
    PaymentId::parse(text).ok().filter(|_| written_so)
}

/// Refuses a call that names another currency than the order's: shops send it with everything.
pub(super) fn check_currency(call: &Call, payment: &Payment) -> Result<(), Fault> {
    let Some(text) = call.params.text("currency") else {
        return Ok(());
    };
    match fields::currency(text) {
        None => Err(Fault::new("3", Message::CurrencyUnknown)),
        Some(currency) if currency == payment.amount.currency() => Ok(()),
        Some(_) => Err(Fault::new("5", Message::CurrencyDiffers)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_as_we_write_them_are_ids() {
        assert!(id_of("01491d0b-c848-7dd6-a20d-e96900a7d8c0").is_some());
        for text in [
            "01491d0bc8487dd6a20de96900a7d8c0",
            "pay_01491d0bc8487dd6a20de96900a7d8c0",
            "1",
            "{}",
            "01491d0b-c848-7dd6-a20d-e96900a7d8cg",
        ] {
            assert_eq!(id_of(text), None, "{text}");
        }
    }
}
