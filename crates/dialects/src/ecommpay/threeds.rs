//! 3ds_check_iframe and 3ds_result: a shop that carries 3-D Secure out by itself tells what the issuer's
//! pages posted to it.

use altyn_domain::{MethodKind, PayerAction};
use altyn_engine::{PayerStep, Wait};
use axum::response::Response;

use super::answer::{self, Rejection, Verb, of_engine};
use super::codes::Code;
use super::gate::Call;
use super::members;
use super::undo::find;

/// The hidden frame ended, or the shop says that it did not. What it does not tell was not tried.
pub(super) async fn frame_checked(call: &Call<'_>, named: &str) -> Result<Response, Rejection> {
    call.method_of(named, MethodKind::Card)?;
    members::check(call.message, members::FRAME_CHECKED, MethodKind::Card)?;
    let indicator = match call.values().truth(&["threeds_completion_indicator"]) {
        Some(true) => 'Y',
        Some(false) => 'N',
        None => 'U',
    };
    go_on(call, named, PayerStep::DeviceChecked { indicator }).await
}

/// The issuer's page posted its result. Under its older name it is the same to the gateway, which reads
/// it or does not.
pub(super) async fn challenged(call: &Call<'_>, named: &str) -> Result<Response, Rejection> {
    call.method_of(named, MethodKind::Card)?;
    members::check(call.message, members::CHALLENGED, MethodKind::Card)?;
    let values = call.values();
    let cres = values.owned(&["cres"]).or_else(|| values.owned(&["pares"]));
    let cres = cres.ok_or_else(|| Rejection::of(Code::REQUIRED_FIELD_MISSING, "cres"))?;
    go_on(call, named, PayerStep::Challenged { cres }).await
}

async fn go_on(call: &Call<'_>, named: &str, step: PayerStep) -> Result<Response, Rejection> {
    let payment = find(call, Some(named)).await?;
    let transaction = payment
        .tries()
        .rev()
        .find_map(|attempt| match attempt.action.as_ref()? {
            PayerAction::DeviceCheck { transaction_id, .. }
            | PayerAction::Challenge { transaction_id, .. } => Some(transaction_id.clone()),
            PayerAction::Redirect { .. } => None,
        });
    let transaction = transaction.ok_or_else(|| Rejection::bad(Code::STATUS_NOT_ALLOWED))?;
    let answer = call
        .engine()
        .continue_payment(&call.owner, payment.id, transaction, step, Wait::No)
        .await
        .map_err(|failure| of_engine(failure, Verb::Step))?;
    answer::accepted(&answer, call.project_id, call.payment_id)
}
