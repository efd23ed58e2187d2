//! 3-D Secure in the payer's browser: the hidden frame that looks at the device, and the issuer's page.

use altyn_domain::PayerAction;
use altyn_engine::{PayerStep, Wait};
use axum::extract::Form;
use axum::extract::rejection::FormRejection;
use axum::response::Response;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use super::handlers::{Asked, after, present};
use super::standing::Standing;
use super::visit::{Place, Visit};
use super::{Checkout, pages};

/// Issuers' pages differ in whether they pad.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// GET `/checkout/{id}/3ds`.
pub(crate) async fn page(asked: Asked) -> Response {
    match asked.visit(None).await {
        Ok(visit) => present(&visit.view(&asked.checkout), Place::Steps, ""),
        Err(page) => page,
    }
}

/// POST `/checkout/{id}/3ds/method`: the issuer's hidden page has ended, within the frame. Nothing is
/// decided here: the page around the frame hears of it and reports.
pub(crate) async fn method_frame(asked: Asked) -> Response {
    let visit = asked.visit(None).await;
    let around = visit
        .ok()
        .and_then(|visit| visit.view(&asked.checkout).policy().ancestors);
    pages::method_frame(asked.checkout.base(), around)
}

/// What our page reports of the hidden frame.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MethodDone {
    transaction: String,
    indicator: String,
    language: String,
}

/// POST `/checkout/{id}/3ds/method-done`.
pub(crate) async fn method_done(
    asked: Asked,
    form: Result<Form<MethodDone>, FormRejection>,
) -> Response {
    let done = form.map(|Form(done)| done).unwrap_or_default();
    let said = altyn_domain::Language::parse(&done.language);
    let visit = match asked.visit(said).await {
        Ok(visit) => visit,
        Err(page) => return page,
    };
    let indicator = match done.indicator.as_str() {
        "Y" => 'Y',
        "U" => 'U',
        _ => 'N',
    };
    let step = PayerStep::DeviceChecked { indicator };
    go_on(&asked.checkout, visit, done.transaction, step).await
}

/// What an issuer's page posts at its end.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ChallengeReturn {
    cres: String,
}

/// POST `/checkout/{id}/3ds/return`: the issuer's page has ended.
pub(crate) async fn challenge_return(
    asked: Asked,
    form: Result<Form<ChallengeReturn>, FormRejection>,
) -> Response {
    let cres = form.map(|Form(posted)| posted.cres).unwrap_or_default();
    let visit = match asked.visit(None).await {
        Ok(visit) => visit,
        Err(page) => return page,
    };
    let checkout = &asked.checkout;
    let Some(transaction) = transaction_of(&cres) else {
        // The issuer's page broke. Sending the payer there by itself once more could go on for ever.
        let view = visit.view(checkout);
        if let Standing::Asked(action @ PayerAction::Challenge { .. }) = view.standing() {
            return pages::steps(&view, &action, false);
        }
        return present(&view, Place::Steps, "");
    };
    go_on(checkout, visit, transaction, PayerStep::Challenged { cres }).await
}

async fn go_on(
    checkout: &Checkout,
    visit: Visit,
    transaction: String,
    step: PayerStep,
) -> Response {
    let payment = visit.payment.id;
    let answer = checkout
        .engine()
        .continue_payment(&visit.owner, payment, transaction, step, Wait::ForOutcome)
        .await;
    after(checkout, visit, answer.map(|answer| answer.payment)).await
}

/// The 3-D Secure transaction that a `cres` belongs to. Only the bank judges the rest of it.
fn transaction_of(cres: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Message {
        #[serde(rename = "threeDSServerTransID")]
        transaction: String,
    }
    let bytes = BASE64URL.decode(cres.trim()).ok()?;
    let message: Message = serde_json::from_slice(&bytes).ok()?;
    Some(message.transaction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transaction_is_read_with_and_without_padding() {
        let text = r#"{"threeDSServerTransID":"8a880dc0","transStatus":"Y"}"#;
        let bare = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let padded = base64::engine::general_purpose::URL_SAFE.encode(text);
        assert_eq!(transaction_of(&bare).as_deref(), Some("8a880dc0"));
        assert_eq!(transaction_of(&padded).as_deref(), Some("8a880dc0"));
        for broken in ["", "%%%", "e30", "bm90IGpzb24"] {
            assert_eq!(transaction_of(broken), None, "{broken}");
        }
    }
}
