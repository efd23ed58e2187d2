//! paymentorder.do: paying with card data that the shop took itself.
//!
//! With 3-D Secure the shop calls up to twice: the first answer may ask it to run the issuer's method
//! in the payer's browser, the second names the transaction and gets the challenge. The issuer's page
//! posts its result to our Checkout, which finishes the try and sends the payer back to the shop.

use altyn_domain::{
    Answer, DeclineCode, Initiator, Operation, OperationState, PayerAction, PaymentId,
};
use altyn_engine::{PayRequest, PayerStep, Wait};
use axum::response::Response;
use serde::Serialize;

use super::action_code::ActionCode;
use super::error::{Fault, Verb, of_engine};
use super::messages::Message;
use super::{Call, answer, card, order, page};

/// Names under which shops tell what became of the 3-D Secure method.
const INDICATORS: [&str; 2] = ["threeDSCompInd", "threeDSMethodCompletionIndicator"];

/// paymentorder.do
pub(super) async fn payment_order(call: &Call) -> Result<Response, Fault> {
    if call.params.text("bindingId").is_some() {
        return Err(Fault::new("2", Message::NoBinding));
    }
    let payment = order::named(call).await?;
    let answer = match call.params.text("threeDSServerTransId") {
        Some(transaction) => go_on(call, payment, transaction).await?,
        None => begin(call, payment).await?,
    };
    tell(call, &answer)
}

async fn begin(call: &Call, payment_id: PaymentId) -> Result<Answer, Fault> {
    let engine = call.rbs.engine();
    let card = card::read(&call.params, engine.now())?;
    // The payer comes back from the issuer to Checkout, wherever the card was typed.
    let browser = call.rbs.checkout().browser(payment_id, call.language);
    let wanted = PayRequest::by_card(card, Some(browser), Initiator::Merchant);
    let answer = engine.pay(&call.owner, payment_id, wanted).await;
    answer.map_err(|failure| of_engine(failure, Verb::Pay))
}

/// The shop has run the issuer's method. It knows whether it could; if it does not say, it could.
async fn go_on(call: &Call, payment: PaymentId, transaction: &str) -> Result<Answer, Fault> {
    let indicator = match call.params.first_of(&INDICATORS) {
        None | Some("Y") => 'Y',
        Some("N") => 'N',
        Some("U") => 'U',
        Some(_) => return Err(Fault::invalid("threeDSCompInd")),
    };
    let step = PayerStep::DeviceChecked { indicator };
    let engine = call.rbs.engine();
    let transaction = transaction.to_owned();
    let answer = engine
        .continue_payment(&call.owner, payment, transaction, step, Wait::ForOutcome)
        .await;
    answer.map_err(|failure| of_engine(failure, Verb::Pay))
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Paid {
    info: String,
    error_code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect: Option<String>,
    #[serde(rename = "is3DSVer2", skip_serializing_if = "Option::is_none")]
    is_3ds_2: Option<bool>,
    #[serde(
        rename = "threeDSServerTransId",
        skip_serializing_if = "Option::is_none"
    )]
    transaction: Option<String>,
    #[serde(rename = "threeDSMethodURL", skip_serializing_if = "Option::is_none")]
    method_url: Option<String>,
    #[serde(
        rename = "threeDSMethodURLServer",
        skip_serializing_if = "Option::is_none"
    )]
    method_url_server: Option<String>,
    #[serde(
        rename = "threeDSMethodDataPacked",
        skip_serializing_if = "Option::is_none"
    )]
    method_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acs_url: Option<String>,
    #[serde(rename = "packedCReq", skip_serializing_if = "Option::is_none")]
    creq: Option<String>,
}

fn tell(call: &Call, answer: &Answer) -> Result<Response, Fault> {
    let attempt = answer.operation().ok_or_else(Fault::in_progress)?;
    let (message, mut paid) = standing(attempt)?;
    paid.error_code = "0";
    paid.info = message.text(call.language, "");
    if attempt.state == OperationState::Succeeded {
        paid.redirect = page::return_url(&answer.payment, call.language);
    }
    Ok(answer::ok(&paid))
}

/// What the shop is to do now, or why the try came to nothing.
fn standing(attempt: &Operation) -> Result<(Message, Paid), Fault> {
    match attempt.state {
        OperationState::Succeeded => Ok((Message::Redirecting, Paid::default())),
        OperationState::Declined | OperationState::Voided => {
            let code = attempt.decline.unwrap_or(DeclineCode::General);
            Err(Fault::because(
                "2",
                Message::CardDeclined,
                ActionCode::Declined(code),
            ))
        }
        OperationState::Created | OperationState::Sent | OperationState::Pending => attempt
            .action
            .as_ref()
            .map(asked)
            .ok_or_else(Fault::in_progress),
    }
}

fn asked(action: &PayerAction) -> (Message, Paid) {
    match action.clone() {
        PayerAction::DeviceCheck {
            transaction_id,
            url,
            data,
        } => {
            let paid = Paid {
                is_3ds_2: Some(true),
                transaction: Some(transaction_id),
                method_url_server: Some(url.clone()),
                method_url: Some(url),
                method_data: Some(data),
                ..Paid::default()
            };
            (Message::CheckDevice, paid)
        }
        PayerAction::Challenge {
            transaction_id,
            acs_url,
            creq,
        } => {
            let paid = Paid {
                is_3ds_2: Some(true),
                transaction: Some(transaction_id),
                acs_url: Some(acs_url),
                creq: Some(creq),
                ..Paid::default()
            };
            (Message::GoToIssuer, paid)
        }
        PayerAction::Redirect { url, .. } => (
            Message::GoToIssuer,
            Paid {
                redirect: Some(url),
                ..Paid::default()
            },
        ),
    }
}

#[cfg(test)]
mod tests {
    use altyn_domain::Way;
    use serde_json::{Value, json};

    use super::super::samples::{Sample, challenge, device_check};
    use super::*;

    fn told(sample: Sample) -> Result<Value, (&'static str, Option<i32>)> {
        let payment = sample.payment();
        let attempt = payment.last_try().unwrap();
        standing(attempt)
            .map(|(_, paid)| serde_json::to_value(paid).unwrap())
            .map_err(|fault| (fault.code, fault.action.map(|action| action.number())))
    }

    #[test]
    fn three_d_secure_is_told_in_the_family_s_fields() {
        let open = || Sample::new(Way::Purchase).tried(OperationState::Pending);
        let method = told(open().asked(device_check())).unwrap();
        assert_eq!(
            method,
            json!({
                "info": "", "errorCode": "", "is3DSVer2": true, "threeDSServerTransId": "t-1",
                "threeDSMethodURL": "https://acs.kz/method", "threeDSMethodURLServer": "https://acs.kz/method",
                "threeDSMethodDataPacked": "eyJ9",
            })
        );
        let issuer = told(open().asked(challenge())).unwrap();
        assert_eq!(
            issuer,
            json!({
                "info": "", "errorCode": "", "is3DSVer2": true, "threeDSServerTransId": "t-1",
                "acsUrl": "https://acs.kz/challenge", "packedCReq": "e30",
            })
        );
    }

    #[test]
    fn an_unknown_end_is_neither_success_nor_refusal() {
        for state in [
            OperationState::Created,
            OperationState::Sent,
            OperationState::Pending,
        ] {
            let open = Sample::new(Way::Purchase).tried(state);
            assert_eq!(told(open), Err(("7", Some(-30001))), "{state:?}");
        }
        let refused = Sample::new(Way::Purchase).refused(DeclineCode::InsufficientFunds);
        assert_eq!(told(refused), Err(("2", Some(116))));
        assert!(told(Sample::new(Way::Purchase).paid()).is_ok());
    }
}
