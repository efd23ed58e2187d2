//! The page itself, paying, what became of it, and the way back to the shop.

use std::convert::Infallible;

use altyn_domain::{BrowserFacts, CardDetails, Initiator, Language, PaymentId, Refusal};
use altyn_engine::{EngineError, PayRequest};
use axum::Json;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, FromRequestParts, Path, Query};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tracing::warn;

use super::card_form::{CardForm, FieldErrors, Kept};
use super::standing::Standing;
use super::visit::{Place, View, Visit, see_other};
use super::{Checkout, OpenRequest, headers, pages};

/// What every address of a payment is asked with. Never refused: a payment that no address names is
/// an unknown order.
pub(crate) struct Asked {
    pub checkout: Checkout,
    id: Option<PaymentId>,
    language: Option<Language>,
    accept_language: Option<String>,
}

impl FromRequestParts<Checkout> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        checkout: &Checkout,
    ) -> Result<Self, Infallible> {
        #[derive(Deserialize)]
        struct Wanted {
            lang: String,
        }
        let id = Path::<String>::from_request_parts(parts, checkout).await;
        let wanted = Query::<Wanted>::try_from_uri(&parts.uri);
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE);
        Ok(Self {
            checkout: checkout.clone(),
            id: id.ok().and_then(|Path(id)| PaymentId::parse(&id).ok()),
            language: wanted
                .ok()
                .and_then(|Query(wanted)| Language::parse(&wanted.lang)),
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
        Ok(visit) => present(&visit.view(checkout), Place::Front),
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
        Ok(visit) => present(&visit.view(&asked.checkout), place),
        Err(page) => page,
    }
}

/// The present standing at `place`, or the way to where it is shown.
pub(crate) fn present(view: &View<'_>, place: Place) -> Response {
    match (view.standing(), place) {
        (Standing::Open { .. }, Place::Front) => {
            pages::form(view, &Kept::default(), &FieldErrors::default())
        }
        (Standing::Asked(action), Place::Steps) => pages::steps(view, &action, true),
        (Standing::Waiting, _) => pages::wait(view),
        (Standing::Asked(_), Place::Front | Place::Result)
        | (Standing::Open { declined: None, .. }, Place::Result | Place::Steps)
        | (_, Place::Steps) => see_other(&view.next()),
        (standing, Place::Front | Place::Result) => pages::outcome(view, &standing, place),
    }
}

/// POST `/checkout/{id}/pay`.
pub(crate) async fn pay(asked: Asked, form: Result<Form<CardForm>, FormRejection>) -> Response {
    let form = form.map(|Form(form)| form).unwrap_or_default();
    let visit = match asked.visit(form.language()).await {
        Ok(visit) => visit,
        Err(page) => return page,
    };
    let checkout = &asked.checkout;
    if !matches!(visit.view(checkout).standing(), Standing::Open { .. }) {
        return see_other(&visit.view(checkout).next());
    }
    match form.read(visit.now) {
        Ok(card) => pay_by(checkout, visit, card, form.has_script()).await,
        Err(errors) => pages::form(&visit.view(checkout), &form.kept(), &errors),
    }
}

async fn pay_by(checkout: &Checkout, visit: Visit, card: CardDetails, script: bool) -> Response {
    let address = |rest| {
        let view = View {
            base: checkout.public_url(),
            ..visit.view(checkout)
        };
        view.path(rest)
    };
    let browser = BrowserFacts {
        notification_url: address("/3ds/return"),
        method_notification_url: address("/3ds/method"),
        method_supported: script,
        language: visit.language.code(),
    };
    let wanted = PayRequest::by_card(card, Some(browser), Initiator::Payer);
    let answer = checkout
        .engine()
        .pay(&visit.owner, visit.payment.id, wanted)
        .await;
    after(checkout, visit, answer.map(|answer| answer.payment)).await
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
    see_other(&visit.view(checkout).next())
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
const fn is_of_the_moment(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::AlreadyPaid
        | Refusal::WrongStatus(_)
        | Refusal::Expired
        | Refusal::TriesExhausted
        | Refusal::InProgress
        | Refusal::StepNotExpected
        | Refusal::PaymentNotFound
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
    if let Some(number) = visit.payment.try_in_flight().map(|attempt| attempt.number) {
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
    see_other(&visit.view(&asked.checkout).next())
}

/// GET `/checkout/{id}/return`: back to the shop, by what the shop registered and nothing else.
pub(crate) async fn back_to_shop(asked: Asked) -> Response {
    match asked.visit(None).await {
        Ok(visit) => match asked.checkout.return_url(&visit.payment, visit.language) {
            Some(url) => see_other(url.as_str()),
            None => see_other(&visit.view(&asked.checkout).next()),
        },
        Err(page) => page,
    }
}
