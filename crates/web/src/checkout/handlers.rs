//! The page itself, paying, what became of it, and the way back to the shop.

use std::convert::Infallible;

use altyn_domain::{Language, PayerAction, PaymentId, Refusal};
use altyn_engine::EngineError;
use axum::Json;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tracing::warn;

use super::pages::Filled;
use super::standing::Standing;
use super::visit::{Place, View, Visit, redirect};
use super::{Checkout, OpenRequest, headers, pages};

/// What every address of a payment is asked with. Never refused: a payment that no address names is
/// an unknown order.
pub(crate) struct Asked {
    pub checkout: Checkout,
    id: Option<PaymentId>,
    language: Option<Language>,
    /// The way of paying that is to be open.
    method: String,
    accept_language: Option<String>,
}

impl FromRequestParts<Checkout> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        checkout: &Checkout,
    ) -> Result<Self, Infallible> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Wanted {
            lang: String,
            method: String,
        }
        let id = Path::<String>::from_request_parts(parts, checkout).await;
        let wanted = Query::<Wanted>::try_from_uri(&parts.uri);
        let wanted = wanted.map(|Query(wanted)| wanted).unwrap_or_default();
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE);
        Ok(Self {
            checkout: checkout.clone(),
            id: id.ok().and_then(|Path(id)| PaymentId::parse(&id).ok()),
            language: Language::parse(&wanted.lang),
            method: wanted.method,
            accept_language: accepted
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
        })
    }
}

impl Asked {
    /// Looks the payment up; `said` is the language that a form brought.
    pub(crate) async fn visit(&self, said: Option<Language>) -> Result<Visit, Response> {
        let accepted = self.accept_language.as_deref();
        Visit::begin(&self.checkout, self.id, said.or(self.language), accepted).await
    }
}

/// The page at a dialect's own address.
pub(crate) async fn front(checkout: &Checkout, request: OpenRequest) -> Response {
    let OpenRequest {
        payment_id,
        language,
        accept_language,
    } = request;
    match Visit::begin(checkout, payment_id, language, accept_language.as_deref()).await {
        Ok(visit) => present(&visit.view(checkout), Place::Front, ""),
        Err(page) => page,
    }
}

/// GET `/checkout/{id}`.
pub(crate) async fn page(asked: Asked) -> Response {
    show_at(Place::Front, asked).await
}

/// GET `/checkout/{id}/result`.
pub(crate) async fn result(asked: Asked) -> Response {
    show_at(Place::Result, asked).await
}

async fn show_at(place: Place, asked: Asked) -> Response {
    match asked.visit(None).await {
        Ok(visit) => present(&visit.view(&asked.checkout), place, &asked.method),
        Err(page) => page,
    }
}

/// GET `/checkout/{id}/go`: on to the gateway's own page.
pub(crate) async fn away(asked: Asked) -> Response {
    show_at(Place::Away, asked).await
}

/// The present standing at `place`, or the way to where it is shown. `method` is the way of paying that
/// is to be open.
pub(crate) fn present(view: &View<'_>, place: Place, method: &str) -> Response {
    match (view.standing(), place) {
        (Standing::Open { .. }, Place::Front) => {
            let filled = Filled {
                method: Some(method.to_owned()),
                ..Filled::default()
            };
            pages::form(view, &filled)
        }
        // Whoever comes back from the gateway's page is not sent there again without a word.
        (Standing::Asked(PayerAction::Redirect { .. }), Place::Front) => pages::away(view, false),
        (Standing::Asked(PayerAction::Redirect { .. }), Place::Result) => view.go(&view.path("")),
        (Standing::Asked(PayerAction::Redirect { .. }), Place::Away) => pages::away(view, true),
        (Standing::Open { .. }, Place::Away) if view.redirect().is_some() => {
            pages::away(view, true)
        }
        (Standing::Asked(action), Place::Steps) => pages::steps(view, &action, true),
        (Standing::Waiting, _) => pages::wait(view),
        (Standing::Asked(_), Place::Front | Place::Result)
        | (Standing::Open { declined: None, .. }, Place::Result)
        | (_, Place::Steps | Place::Away) => view.go_on(),
        (standing, Place::Front | Place::Result) => pages::outcome(view, &standing, place),
    }
}

/// Sends the payer to what came of a step: the payment after it, or why it was not taken.
pub(crate) async fn after(
    checkout: &Checkout,
    mut visit: Visit,
    outcome: Result<altyn_domain::Payment, EngineError>,
) -> Response {
    match outcome {
        Ok(payment) => visit.payment = payment,
        Err(EngineError::Refused(refusal)) if is_of_the_moment(&refusal) => {
            // Somebody was faster: another click, another tab, a timer. The present state is the answer.
            match checkout
                .engine()
                .payment(&visit.owner, visit.payment.id)
                .await
            {
                Ok(Some(payment)) => visit.payment = payment,
                Ok(None) => return pages::unknown_order(checkout.base(), visit.language),
                Err(error) => return visit_trouble(checkout, &visit, &error),
            }
        }
        Err(error) => return visit_trouble(checkout, &visit, &error),
    }
    visit.now = checkout.engine().now();
    visit.view(checkout).go_on()
}

fn visit_trouble(checkout: &Checkout, visit: &Visit, error: &EngineError) -> Response {
    match error {
        EngineError::StateUnknown => pages::wait(&visit.view(checkout)),
        EngineError::Refused(_)
        | EngineError::Denied(_)
        | EngineError::Busy
        | EngineError::Unavailable(_)
        | EngineError::Fault(_) => pages::trouble(
            checkout.base(),
            Some(visit.payment.id),
            visit.language,
            error,
        ),
    }
}

/// Whether a refusal says that the payment has moved on.
pub(crate) const fn is_of_the_moment(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::AlreadyPaid
        | Refusal::WrongStatus(_)
        | Refusal::Expired
        | Refusal::TriesExhausted
        | Refusal::InProgress
        | Refusal::StepNotExpected
        | Refusal::PaymentNotFound
        | Refusal::BalanceTooSmall { .. }
        | Refusal::SubjectNotFound => true,
        Refusal::ReferenceTaken(_)
        | Refusal::CurrencyNotAccepted(_)
        | Refusal::AmountInvalid
        | Refusal::Exceeds { .. }
        | Refusal::UnexpectedDeposited { .. }
        | Refusal::MethodUnavailable
        | Refusal::MethodCannot(_)
        | Refusal::LeaseLost
        | Refusal::SettingsChanged => false,
    }
}

/// GET `/checkout/{id}/state`, for the waiting page's script.
pub(crate) async fn state(asked: Asked) -> Response {
    let visit = match asked.visit(None).await {
        Ok(visit) => visit,
        Err(page) => return page,
    };
    let view = visit.view(&asked.checkout);
    let standing = view.standing();
    let next = (standing != Standing::Waiting).then(|| view.next());
    let body = serde_json::json!({ "status": standing.word(), "next": next });
    let mut response = Json(body).into_response();
    headers::protect(&mut response, &headers::Policy::default());
    response
}

/// GET or POST `/checkout/{id}/back`: the payer comes back from the gateway's own page. What the browser
/// brings is not believed; the gateway is asked.
pub(crate) async fn back_from_gateway(asked: Asked) -> Response {
    let mut visit = match asked.visit(None).await {
        Ok(visit) => visit,
        Err(page) => return page,
    };
    let engine = asked.checkout.engine();
    // A try that nobody waits for any more may have ended well all the same.
    let newest_open = {
        let mut tries = visit.payment.tries().rev();
        let open = tries.find(|attempt| attempt.state.is_open());
        open.map(|attempt| attempt.number)
    };
    if let Some(number) = newest_open {
        match engine
            .enquire_now(&visit.owner, visit.payment.id, number)
            .await
        {
            Ok(payment) => visit.payment = payment,
            // The operation's timer asks again, and the page shows what is known.
            Err(error) => {
                warn!(payment.id = %visit.payment.id, %error, "the gateway was not asked")
            }
        }
        visit.now = engine.now();
    }
    let view = visit.view(&asked.checkout);
    match view.standing() {
        // Sending the payer there again by itself could go on for ever. News may be quicker than the payer:
        // the place of results knows what to show then.
        Standing::Asked(PayerAction::Redirect { .. }) => view.go(&view.path(Place::Result.path())),
        Standing::Open { .. }
        | Standing::Waiting
        | Standing::Asked(PayerAction::DeviceCheck { .. } | PayerAction::Challenge { .. })
        | Standing::Paid
        | Standing::Held
        | Standing::Verified
        | Standing::Returned
        | Standing::Declined(_)
        | Standing::TriesOver
        | Standing::Cancelled
        | Standing::Expired { .. } => view.go_on(),
    }
}

/// GET `/checkout/{id}/return`: back to the shop, by what the shop registered and nothing else.
pub(crate) async fn back_to_shop(asked: Asked) -> Response {
    match asked.visit(None).await {
        Ok(visit) => match asked.checkout.return_url(&visit.payment, visit.language) {
            Some(url) => redirect(url.as_str(), &headers::Policy::default()),
            None => visit.view(&asked.checkout).go_on(),
        },
        Err(page) => page,
    }
}
