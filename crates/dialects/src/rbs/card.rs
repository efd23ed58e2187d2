//! A card as shops send it: every field has several spellings.

use altyn_domain::{CardDetails, CardError, CardNumber, Expiry, SecurityCode, Timestamp};

use crate::calendar;

use super::error::Fault;
use super::messages::Message;
use super::request::Params;

const HOLDER_MAX: usize = 150;

/// Reads a card. An encrypted one cannot be opened here.
pub(super) fn read(params: &Params, now: Timestamp) -> Result<CardDetails, Fault> {
    if params.text("seToken").is_some() {
        return Err(Fault::of("7", Message::Unsupported, "seToken"));
    }
    let number = number(params)?;
    let expiry = expiry(params).map_err(Fault::of_card)?;
    let (year, month) = calendar::month(now);
    if expiry.is_before(year, month) {
        return Err(Fault::of_card(CardError::Expired));
    }
    let code = params
        .first_of(&["$CVC", "CVC", "cvc2", "cvv"])
        .unwrap_or_default();
    let security_code = SecurityCode::parse(code, number.brand()).map_err(Fault::of_card)?;
    let holder = params
        .first_of(&["TEXT", "cardholderName", "$CARDHOLDER"])
        .unwrap_or_default();
    if holder.chars().count() > HOLDER_MAX || holder.chars().any(char::is_control) {
        return Err(Fault::invalid("TEXT"));
    }
    Ok(CardDetails {
        number,
        expiry,
        security_code,
        holder: holder.trim().to_owned(),
    })
}

/// Reads a card number.
pub(super) fn number(params: &Params) -> Result<CardNumber, Fault> {
    let text = params.first_of(&["$PAN", "PAN"]).unwrap_or_default();
    CardNumber::parse(text).map_err(Fault::of_card)
}

/// `YYYYMM` in one field, or year and month in two.
fn expiry(params: &Params) -> Result<Expiry, CardError> {
    if let Some(text) = params.first_of(&["$EXPIRY", "EXPIRY", "expiryDate", "expiration"]) {
        return Expiry::parse_compact(text);
    }
    let year = params.first_of(&["YYYY", "$YYYY"]).unwrap_or_default();
    let month = params.first_of(&["MM", "$MM"]).unwrap_or_default();
    Expiry::parse_compact(&format!("{year}{month:0>2}"))
}

#[cfg(test)]
mod tests {
    use super::super::samples::NOW;
    use super::*;

    fn card(body: &str) -> Result<CardDetails, (&'static str, Option<i32>)> {
        let params = Params::read("", body.as_bytes()).unwrap();
        read(&params, NOW).map_err(|fault| (fault.code, fault.action.map(|action| action.number())))
    }

    #[test]
    fn a_card_is_read_in_every_spelling() {
        let spellings = [
            "$PAN=4111111111111111&$CVC=123&$EXPIRY=203012&TEXT=TEST%20HOLDER",
            "%24PAN=4111111111111111&%24CVC=123&YYYY=2030&MM=12&TEXT=TEST+HOLDER",
            "pan=4111111111111111&cvc=123&expiry=203012&cardholderName=TEST+HOLDER",
            "{\"$PAN\":\"4111111111111111\",\"$CVC\":\"123\",\"YYYY\":2030,\"MM\":12,\"cardHolderName\":\"TEST HOLDER\"}",
        ];
        for body in spellings {
            let card = card(body).unwrap();
            assert_eq!(card.number.masked(), "411111**1111");
            assert_eq!(card.expiry.compact(), "203012");
            assert_eq!(card.security_code.expose(), "123");
            assert_eq!(card.holder, "TEST HOLDER");
        }
    }

    #[test]
    fn wrong_card_data_is_named_by_its_action_code() {
        let wrong = Err(("5", Some(71015)));
        let bodies = [
            "",
            "$PAN=4111111111111112&$CVC=123&$EXPIRY=203012",
            "$PAN=4111111111111111&$CVC=12&$EXPIRY=203012",
            "$PAN=4111111111111111&$CVC=123&$EXPIRY=203013",
            "$PAN=4111111111111111&$CVC=123&$EXPIRY=202610",
            "$PAN=4111111111111111&$CVC=123",
            "$PAN=4111111111111111&$EXPIRY=203012",
            "$PAN=378282246310005&$CVC=123&$EXPIRY=203012",
        ];
        for body in bodies {
            assert_eq!(card(body).map(|card| card.holder), wrong, "{body}");
        }
        assert_eq!(card("seToken=abc").err(), Some(("7", None)));
        let this_month = "$PAN=4111111111111111&$CVC=123&$EXPIRY=202611";
        assert!(card(this_month).is_ok());
    }
}
