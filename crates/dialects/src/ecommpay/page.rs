//! The Payment Page: a link signed by the shop that shows a form, and the form that pays.
//!
//! Nothing is registered by opening it. The form carries the signed parameters back, they are verified
//! again, and the payment is registered together with its first try. The same payment opened later shows
//! how it stands. What is wrong with a link is said on a page, with status 400, and nowhere else.

mod fault;
mod kept;
mod parameters;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::net::IpAddr;

use altyn_domain::{Language, Payment};
use altyn_engine::{AuthenticationError, Owner};
use altyn_web::checkout::{self, Asking, Draft, FrameMode, InFrame, Manner, PaymentForm, Refused};
use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Form, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, post};
use serde::Deserialize;

use crate::intake;

use super::signature::{self, Source};
use super::signed_json::{Json, SignedJson};
use super::{DIALECT, Ecommpay, ids};
use fault::Fault;
use kept::Kept;
use parameters::Parameters;

/// Where the form of a page is posted to, and where it is shown again in another language.
const PAY_PATH: &str = "/payment/confirm";
const OPEN_PATH: &str = "/payment/form";

/// How much larger the parameters may become when a form carries them back.
const CARRIED_FACTOR: usize = 4;

/// Names that our own pages add to the shop's parameters. Names that begin so are never signed.
const CHOSEN_LANGUAGE: &str = "_lang";
const ORIGIN: &str = "_origin";

/// The addresses of the page.
pub(super) fn routes(body_max: usize) -> Router<Ecommpay> {
    let carried = DefaultBodyLimit::max(body_max * CARRIED_FACTOR);
    Router::new()
        .route("/payment", any(open))
        .route(PAY_PATH, post(confirm).get(nothing).layer(carried))
        .route(OPEN_PATH, post(open_again).get(nothing).layer(carried))
        .layer(checkout::compression())
}

/// Where the payer of a page's payment goes back to the shop.
pub(super) fn return_url(payment: &Payment, _: Language) -> Option<String> {
    Kept::of(payment).back(payment).map(|back| back.url.clone())
}

/// How a payment's page looks and behaves.
pub(super) fn manner(ecommpay: &Ecommpay, payment: &Payment, language: Language) -> Manner {
    let project = ecommpay.engine().project(payment.project_id);
    let kept = Kept::of(payment);
    Manner {
        told: project.map(|project| kept::told(payment, &project, return_url(payment, language))),
        ..kept.manner(payment)
    }
}

/// `GET` or `POST /payment`.
async fn open(State(ecommpay): State<Ecommpay>, request: Request) -> Response {
    let limits = ecommpay.limits();
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::POST) {
        let allowed = [(header::ALLOW, "GET, POST")];
        return (StatusCode::METHOD_NOT_ALLOWED, allowed).into_response();
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    if query.len() > limits.body_max {
        return StatusCode::URI_TOO_LONG.into_response();
    }
    let visitor = Visitor::of(request.headers(), intake::address_of(&request));
    let reading = intake::collect(request.into_body(), limits.body_max);
    let body = match tokio::time::timeout(limits.body_timeout, reading).await {
        Ok(Ok(body)) => body,
        Ok(Err(status)) => return status.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    let pairs = pairs(query.as_bytes()).chain(pairs(&body)).collect();
    show(&ecommpay, Asked::of(pairs, None), visitor).await
}

/// A request that a page brings back.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Carried {
    request: String,
    #[serde(rename = "_lang")]
    language: String,
}

/// `POST /payment/form`: the same link in another language.
async fn open_again(
    State(ecommpay): State<Ecommpay>,
    headers: HeaderMap,
    form: Result<Form<Carried>, FormRejection>,
) -> Response {
    let form = form.map(|Form(form)| form).unwrap_or_default();
    let chosen = Language::parse(&form.language);
    let asked = Asked::of(pairs(form.request.as_bytes()).collect(), chosen);
    show(&ecommpay, asked, Visitor::of(&headers, None)).await
}

/// `GET /payment/confirm`: the address alone stands for nothing.
async fn nothing(State(ecommpay): State<Ecommpay>, headers: HeaderMap) -> Response {
    show(
        &ecommpay,
        Asked::of(Vec::new(), None),
        Visitor::of(&headers, None),
    )
    .await
}

async fn show(ecommpay: &Ecommpay, asked: Asked<'_>, visitor: Visitor) -> Response {
    match look(ecommpay, &asked, &visitor).await {
        Ok(draft) => checkout::draft(ecommpay.checkout(), &draft),
        Err(page) => page,
    }
}

/// `POST /payment/confirm`: the payer pays.
async fn confirm(State(ecommpay): State<Ecommpay>, request: Request) -> Response {
    let visitor = Visitor::of(request.headers(), intake::address_of(&request));
    let form = axum::RequestExt::extract::<Form<PaymentForm>, _>(request).await;
    let form = form.map(|Form(form)| form).unwrap_or_default();
    let asked = Asked::of(pairs(form.request().as_bytes()).collect(), form.language());
    match look(&ecommpay, &asked, &visitor).await {
        Ok(draft) => checkout::pay_draft(ecommpay.checkout(), draft, &form).await,
        Err(page) => page,
    }
}

/// Whose browser asks.
struct Visitor {
    accept_language: Option<String>,
    address: Option<IpAddr>,
}

impl Visitor {
    fn of(headers: &HeaderMap, address: impl Into<Option<IpAddr>>) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE);
        let accepted = accepted.and_then(|value| value.to_str().ok());
        let known = |address: &IpAddr| !address.is_unspecified();
        Self {
            accept_language: accepted.map(str::to_owned),
            address: address.into().filter(known),
        }
    }
}

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The parameters of a query or form; `+` and `%20` are a space alike.
fn pairs(text: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    form_urlencoded::parse(text)
}

/// What a link asks for, nothing of it proved yet.
struct Asked<'a> {
    /// The shop's parameters, and names that were added to them unsigned.
    pairs: Vec<Pair<'a>>,
    /// The language that the payer chose.
    chosen: Option<Language>,
}

impl<'a> Asked<'a> {
    fn of(mut pairs: Vec<Pair<'a>>, chosen: Option<Language>) -> Self {
        let mut asked_for = None;
        pairs.retain(|(name, value)| {
            let is_choice = name == CHOSEN_LANGUAGE;
            if is_choice {
                asked_for = Language::parse(value);
            }
            !is_choice
        });
        Self {
            pairs,
            chosen: chosen.or(asked_for),
        }
    }

    /// The first value of a name.
    fn first(&self, wanted: &str) -> Option<&str> {
        let mut pairs = self.pairs.iter();
        let found = pairs.find(|(name, _)| name == wanted)?;
        Some(found.1.as_ref()).filter(|value| !value.is_empty())
    }

    /// The frame that the page is to be shown in. It is told unsigned, by whoever shows the frame.
    fn frame(&self) -> Option<InFrame> {
        let parent = self.first(ORIGIN).map(str::to_owned);
        let mode = self.first("frame_mode").and_then(FrameMode::parse);
        let mode = mode.or(parent.as_ref().map(|_| FrameMode::Popup))?;
        Some(InFrame { mode, parent })
    }

    /// How pages about it are made, before anything of it is proved.
    fn asking(&self, visitor: &Visitor) -> Asking {
        let wished = self.first("language_code").and_then(Language::parse);
        let accepted = visitor.accept_language.as_deref();
        let mut request = form_urlencoded::Serializer::new(String::new());
        request.extend_pairs(self.pairs.iter());
        Asking {
            language: Asking::language_of(self.chosen.or(wished), accepted),
            frame: self.frame(),
            request: request.finish(),
            open_path: OPEN_PATH,
            pay_path: PAY_PATH,
        }
    }
}

/// What the link is for: an order that can be paid, or the page that is to be shown instead.
async fn look(
    ecommpay: &Ecommpay,
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Draft, Response> {
    let asking = asked.asking(visitor);
    let checkout = ecommpay.checkout();
    let refuse = |fault: Fault| {
        if fault == Fault::TimeOver {
            return checkout::refused(checkout, &asking, Refused::TimeOver);
        }
        checkout::refused(checkout, &asking, Refused::BadLink(&fault.to_string()))
    };
    let (owner, parameters) = read(ecommpay, asked).map_err(refuse)?;
    let key = ids::reference_key(&parameters.payment_id);
    let engine = ecommpay.engine();
    let registered = engine.payment_by_reference(&owner, DIALECT, &key).await;
    match registered {
        Ok(Some(payment)) if payment.amount != parameters.amount => {
            Err(refuse(Fault::OtherThanRegistered))
        }
        Ok(Some(payment)) => Err(checkout::registered(checkout, &asking, &payment)),
        Ok(None) => Ok(draft(ecommpay, (owner, parameters), asking, visitor)),
        Err(failure) => Err(checkout::trouble(checkout, &asking, &failure)),
    }
}

/// What the parameters say, if they are signed by the project that they name.
fn read(ecommpay: &Ecommpay, asked: &Asked<'_>) -> Result<(Owner, Parameters), Fault> {
    let pairs = asked.pairs.iter();
    let borrowed = pairs.map(|(name, value)| (Cow::from(name.as_ref()), Cow::from(value.as_ref())));
    let message = SignedJson::of_parameters(borrowed).map_err(|_| Fault::Unreadable)?;
    if signature::has_forbidden_characters(&message) {
        return Err(Fault::Forbidden);
    }
    let engine = ecommpay.engine();
    let owner = authenticate(ecommpay, &message)?;
    let project = owner.project();
    let parameters = Parameters::read(&message, project, engine.now())?;
    if let Some(url) = &parameters.callback_url
        && engine.url_guard().check(url).is_err()
    {
        return Err(Fault::Malformed("merchant_callback_url"));
    }
    Ok((owner, parameters))
}

fn authenticate(ecommpay: &Ecommpay, message: &SignedJson<'_>) -> Result<Owner, Fault> {
    let project = message.get(&["project_id"]).and_then(Json::text);
    let login = project.filter(|text| !text.is_empty());
    let login = login.ok_or(Fault::Missing("project_id"))?;
    let given = signature::signature_of(message).map_err(|_| Fault::Missing("signature"))?;
    let verify = |key: &str| signature::verify(message, given, key, Source::PaymentPage);
    let owner = ecommpay
        .engine()
        .authenticate_signed(DIALECT, login, None, verify);
    // Whether there is such a project is nobody's business.
    owner.map_err(|error| match error {
        AuthenticationError::Denied
        | AuthenticationError::SignatureWrong
        | AuthenticationError::AddressNotAllowed => Fault::Signature,
    })
}

fn draft(
    ecommpay: &Ecommpay,
    (owner, parameters): (Owner, Parameters),
    asking: Asking,
    visitor: &Visitor,
) -> Draft {
    let now = ecommpay.engine().now();
    let kept = parameters.kept(asking.frame.as_ref());
    let back = kept.any.as_ref();
    Draft {
        back_url: back.map(|back| back.url.clone()),
        manner: kept.draft_manner(),
        registration: parameters.registration(&kept, visitor.address, now),
        owner,
        asking,
    }
}
