//! Reading: the status of a payment or of a request, and what a shop may ask about its project.

use altyn_domain::{MethodKind, PaymentMethod, Project, RefundAbility};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::answer::{self, Rejection, Verb, of_engine};
use super::codes::Code;
use super::gate::Call;
use super::status::Shop;
use super::{DIALECT, ids, members, status};

/// status: that a payment is not there is an answer like any other.
pub(super) async fn status(call: &Call<'_>) -> Result<Response, Rejection> {
    members::check(call.message, members::STATUS, MethodKind::Card)?;
    let shop = shop(call)?;
    let answer = match call.payment().await? {
        Some(payment) => answer::json(StatusCode::OK, &status::of_payment(&shop, &payment)),
        None => answer::json(StatusCode::OK, &status::unknown(&shop, call.payment_id)),
    };
    Ok(answer)
}

/// status/request: here an unknown request is an error.
pub(super) async fn status_of_request(call: &Call<'_>) -> Result<Response, Rejection> {
    members::check(call.message, members::STATUS_OF_REQUEST, MethodKind::Card)?;
    let shop = shop(call)?;
    let unknown = || Rejection::new(StatusCode::NOT_FOUND, Code::TRANSACTION_NOT_FOUND);
    let request_id = call.values().text(&["request_id"]).unwrap_or_default();
    let (payment_id, _) = ids::parse_request_id(request_id).ok_or_else(unknown)?;
    let found = call.engine().payment(&call.owner, payment_id).await;
    let found = found.map_err(|failure| of_engine(failure, Verb::Read))?;
    let payment = found.ok_or_else(unknown)?;
    let told = status::of_request(&shop, &payment, request_id).ok_or_else(unknown)?;
    Ok(answer::json(StatusCode::OK, &told))
}

/// The sender, and the key with which it signed: the answer is signed with the same one.
fn shop<'a>(call: &'a Call<'_>) -> Result<Shop<'a>, Rejection> {
    let project = call.owner.project();
    let key = project.shared_key(DIALECT, &call.project_id.to_string());
    let key = key.ok_or_else(|| Rejection::bad(Code::PROJECT_NOT_FOUND))?;
    Ok(Shop {
        project,
        number: call.project_id,
        key: key.secret.expose(),
    })
}

/// The banks of a method: with none of the methods here the payer chooses one at the shop.
pub(super) fn banks() -> Response {
    let none: [(); 0] = [];
    answer::json(StatusCode::OK, &none)
}

/// A payment method as a shop may know it. The members of the family's own list are not known; these
/// are ours.
#[derive(Debug, Serialize)]
struct Method<'a> {
    code: &'a str,
    name: &'a str,
    currencies: Vec<&'static str>,
    operations: &'static [&'static str],
}

/// The methods of the project.
pub(super) fn methods(call: &Call<'_>) -> Response {
    let project = call.owner.project();
    let methods = project.settings.methods.iter();
    let told: Vec<_> = methods.map(|method| told(project, method)).collect();
    answer::json(StatusCode::OK, &told)
}

fn told<'a>(project: &Project, method: &'a PaymentMethod) -> Method<'a> {
    let currencies = project.settings.currencies.iter();
    let taken = currencies.filter(|currency| method.takes(**currency));
    let refunds = method.refunds != RefundAbility::Never;
    Method {
        code: &method.id,
        name: Some(method.title.as_str())
            .filter(|title| !title.is_empty())
            .unwrap_or(&method.id),
        currencies: taken.map(|currency| currency.alpha()).collect(),
        operations: match (method.kind, method.holds, refunds) {
            (MethodKind::Card, true, true) => &["sale", "auth", "capture", "cancel", "refund"],
            (MethodKind::Card, true, false) => &["sale", "auth", "capture", "cancel"],
            (MethodKind::Card, false, true) | (MethodKind::Wallet, _, true) => &["sale", "refund"],
            (MethodKind::Card, false, false) | (MethodKind::Wallet, _, false) => &["sale"],
        },
    }
}

/// The signature was right, or nobody would come this far.
pub(super) fn signature() -> Response {
    StatusCode::OK.into_response()
}
