//! What staff does with a payment: capture, void, refund, withdraw, give a surplus back.

use altyn_domain::{Money, PaymentId, Permission};
use altyn_engine::office::{CaptureWish, SurplusPlace, Undone, Why};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::amounts::{Sum, money_in};
use super::extract::Key;
use super::payment_shown::{OperationShown, PaymentInList};
use super::{Acting, BackOffice, Body, Id, Problem, Routes, Rule};

/// This group's end points.
pub(super) fn routes() -> Routes {
    let manage = Rule::Needs(Permission::PaymentsManage);
    Routes::new()
        .add(manage, routes!(capture))
        .add(manage, routes!(void))
        .add(manage, routes!(refund))
        .add(manage, routes!(cancel))
        .add(manage, routes!(return_surplus))
}

/// An operation that was asked for. Its end may not be known yet: look at `operation.state`.
#[derive(Debug, Serialize, ToSchema)]
pub struct UndoneShown {
    /// The operation.
    operation: OperationShown,
    /// The payment after it.
    payment: PaymentInList,
    /// Whether the same was asked for before under this key, and nothing happened now.
    repeated: bool,
}

impl From<Undone> for UndoneShown {
    fn from(undone: Undone) -> Self {
        let currency = undone.payment.amount.currency();
        Self {
            operation: OperationShown::of(undone.operation, currency),
            payment: undone.payment.into(),
            repeated: undone.repeated,
        }
    }
}

/// A capture.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CaptureSent {
    /// How much; all that is held if it is left away.
    amount: Option<Sum>,
    /// Whether the rest of the hold goes back to the payer. Without it a part can be captured only at a gateway
    /// that keeps the rest reserved; else the answer is `method_cannot`.
    #[serde(default)]
    release_rest: bool,
    /// Why, for people.
    #[schema(
        example = "the goods are on their way",
        min_length = 1,
        max_length = 500
    )]
    reason: String,
}

/// A void or refund.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UndoSent {
    /// How much; all that is left if it is left away.
    amount: Option<Sum>,
    /// Why, for people.
    #[schema(example = "the goods came back", min_length = 1, max_length = 500)]
    reason: String,
}

/// A withdrawal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CancelSent {
    /// Why, for people.
    #[schema(example = "ordered twice", min_length = 1, max_length = 500)]
    reason: String,
}

/// A return of surplus money.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SurplusSent {
    /// The number of the surplus try.
    #[schema(example = 2)]
    operation: u32,
    /// How much; all that is left of it if it is left away.
    amount: Option<Sum>,
    /// Why, for people.
    #[schema(example = "paid twice", min_length = 1, max_length = 500)]
    reason: String,
}

/// Who asks gives a reason, and may give a key under which the same is not done twice.
fn why(reason: String, key: Option<String>) -> Why {
    Why { reason, key }
}

impl UndoSent {
    fn read(self, key: Option<String>) -> Result<(Option<Money>, Why), Problem> {
        let amount = money_in("amount", self.amount.as_ref())?;
        Ok((amount, why(self.reason, key)))
    }
}

/// Capture a hold
///
/// Takes what is held, or a part of it. Conflicts: `wrong_status`, `operation_in_progress`, `key_used`.
#[utoipa::path(
    post,
    path = "/payments/{id}/captures",
    tag = "Payments",
    operation_id = "capturePayment",
    params(("id" = String, Path, description = "The payment.")),
    request_body = CaptureSent,
    responses((status = 200, description = "The capture.", body = UndoneShown))
)]
async fn capture(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<PaymentId>,
    Key(key): Key,
    Body(sent): Body<CaptureSent>,
) -> Result<Json<UndoneShown>, Problem> {
    let wish = CaptureWish {
        amount: money_in("amount", sent.amount.as_ref())?,
        release_rest: sent.release_rest,
    };
    let why = why(sent.reason, key);
    let done = office
        .engine()
        .office_capture(&caller, id, wish, &why)
        .await?;
    Ok(Json(done.into()))
}

/// Give up a hold
///
/// All of it, or a part. Conflicts: `wrong_status`, `operation_in_progress`, `key_used`.
#[utoipa::path(
    post,
    path = "/payments/{id}/voids",
    tag = "Payments",
    operation_id = "voidPayment",
    params(("id" = String, Path, description = "The payment.")),
    request_body = UndoSent,
    responses((status = 200, description = "The void.", body = UndoneShown))
)]
async fn void(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<PaymentId>,
    Key(key): Key,
    Body(sent): Body<UndoSent>,
) -> Result<Json<UndoneShown>, Problem> {
    let (amount, why) = sent.read(key)?;
    let done = office.engine().office_void(&caller, id, amount, &why);
    Ok(Json(done.await?.into()))
}

/// Refund a payment
///
/// All that is left, or a part. What the balance paid goes to the balance after all else went back through the
/// gateway. Conflicts: `wrong_status`, `operation_in_progress`, `key_used`.
#[utoipa::path(
    post,
    path = "/payments/{id}/refunds",
    tag = "Payments",
    operation_id = "refundPayment",
    params(("id" = String, Path, description = "The payment.")),
    request_body = UndoSent,
    responses((status = 200, description = "The refund.", body = UndoneShown))
)]
async fn refund(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<PaymentId>,
    Key(key): Key,
    Body(sent): Body<UndoSent>,
) -> Result<Json<UndoneShown>, Problem> {
    let (amount, why) = sent.read(key)?;
    let done = office.engine().office_refund(&caller, id, amount, &why);
    Ok(Json(done.await?.into()))
}

/// Withdraw a payment
///
/// Only while it is unpaid and no try is in flight. Conflicts: `wrong_status`, `operation_in_progress`.
#[utoipa::path(
    post,
    path = "/payments/{id}/cancel",
    tag = "Payments",
    operation_id = "cancelPayment",
    params(("id" = String, Path, description = "The payment.")),
    request_body = CancelSent,
    responses((status = 200, description = "The payment, withdrawn.", body = PaymentInList))
)]
async fn cancel(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<PaymentId>,
    Key(key): Key,
    Body(sent): Body<CancelSent>,
) -> Result<Json<PaymentInList>, Problem> {
    let why = why(sent.reason, key);
    let done = office.engine().office_cancel(&caller, id, &why).await?;
    Ok(Json(done.into()))
}

/// Give a surplus back
///
/// Money that came in although the payment did not need it goes back through the gateway it came by, from
/// suspense or from the customer's balance, wherever it stands; from a balance only with the permission
/// `balance_refund`. Conflicts: `key_used`.
#[utoipa::path(
    post,
    path = "/payments/{id}/surplus-returns",
    tag = "Payments",
    operation_id = "returnSurplus",
    params(("id" = String, Path, description = "The payment.")),
    request_body = SurplusSent,
    responses((status = 200, description = "The return.", body = UndoneShown))
)]
async fn return_surplus(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<PaymentId>,
    Key(key): Key,
    Body(sent): Body<SurplusSent>,
) -> Result<Json<UndoneShown>, Problem> {
    let place = SurplusPlace {
        payment_id: id,
        operation: sent.operation,
    };
    let amount = money_in("amount", sent.amount.as_ref())?;
    let why = why(sent.reason, key);
    let engine = office.engine();
    let done = engine
        .office_return_surplus(&caller, place, amount, &why)
        .await?;
    Ok(Json(done.into()))
}
