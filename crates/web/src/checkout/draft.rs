//! An order that a shop's signed link describes: shown before it is registered, and registered by the try
//! that pays it.
//!
//! Nothing is kept of it here: the forms of the page bring the signed request back, and the dialect
//! verifies it again. Registration and the first try are one commit, so that two clicks or two windows make
//! one payment: the second finds the reference taken and is shown how the first stands.

use altyn_domain::{Language, Payment, Refusal};
use altyn_engine::{EngineError, Owner, Registration, Wait};
use axum::response::Response;

use super::Checkout;
use super::bill::Bill;
use super::card_form::CardForm;
use super::headers::Policy;
use super::manner::{InFrame, Manner};
use super::pages::{self, Filled, Form};
use super::paying::{BrowserPlace, Chosen, NotChosen};
use super::visit::{Visit, browser_language, payment_path, redirect};

/// A shop's signed request, as far as pages about it need it.
#[derive(Debug, Clone)]
pub struct Asking {
    /// The language of pages about it.
    pub language: Language,
    /// The frame that they are shown in.
    pub frame: Option<InFrame>,
    /// The request, for the forms that bring it back.
    pub request: String,
    /// The dialect's address that shows the request in another language, from the base path on.
    pub open_path: &'static str,
    /// The dialect's address that pays, from the base path on.
    pub pay_path: &'static str,
}

impl Asking {
    /// The language that a page is shown in: the one chosen, or the browser's.
    pub fn language_of(chosen: Option<Language>, accept_language: Option<&str>) -> Language {
        chosen.unwrap_or_else(|| browser_language(accept_language))
    }
}

/// An order that is not registered yet.
#[derive(Debug)]
pub struct Draft {
    /// Whose order it is.
    pub owner: Owner,
    /// What is registered when it is paid.
    pub registration: Registration,
    /// What the dialect wishes of the page.
    pub manner: Manner,
    /// How it was asked for.
    pub asking: Asking,
    /// Where the payer goes who does not want to pay: an address of the web.
    pub back_url: Option<String>,
}

/// A form that came back from a page about a [`Draft`]. Cannot be printed; wiped when dropped.
#[derive(Default, serde::Deserialize)]
#[serde(transparent)]
pub struct PaymentForm(CardForm);

impl PaymentForm {
    /// The signed request that it brings back.
    pub fn request(&self) -> &str {
        self.0.request()
    }

    /// The language of its page.
    pub fn language(&self) -> Option<Language> {
        self.0.language()
    }
}

/// Why a request registers nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused<'a> {
    /// The link is wrong; the words are for whoever mends the shop.
    BadLink(&'a str),
    /// It was good for a time that is over.
    TimeOver,
    /// No way of paying fits it.
    NoMethod,
}

impl Draft {
    fn bill(&self) -> Bill<'_> {
        Bill {
            project: self.owner.project(),
            order: &self.registration.order,
            way: self.registration.way,
            amount: self.registration.amount,
            language: self.asking.language,
        }
    }
}

/// Shows the form of an order that is not registered yet.
pub fn draft(checkout: &Checkout, draft: &Draft) -> Response {
    show(checkout, draft, &Filled::default())
}

fn show(checkout: &Checkout, draft: &Draft, filled: &Filled) -> Response {
    let form = Form {
        base: checkout.base(),
        bill: draft.bill(),
        manner: &draft.manner,
        now: checkout.engine().now(),
        asking: &draft.asking,
        back_url: draft.back_url.as_deref(),
    };
    let page = pages::draft_form(&form, filled);
    page.unwrap_or_else(|| refused(checkout, &draft.asking, Refused::NoMethod))
}

/// Registers the order and pays it as the form says, then shows what came of it.
pub async fn pay_draft(checkout: &Checkout, draft: Draft, form: &PaymentForm) -> Response {
    let engine = checkout.engine();
    let chosen = Chosen::read(&draft.bill(), &draft.manner, &form.0, engine.now());
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(NotChosen::NoSuchMethod) => return show(checkout, &draft, &Filled::default()),
        Err(NotChosen::Wrong(filled)) => return show(checkout, &draft, &filled),
    };
    let Draft {
        owner,
        mut registration,
        asking,
        ..
    } = draft;
    // What the payer sees now is what the payer sees later.
    registration.order.language = asking.language;
    let id = engine.new_payment_id(&owner);
    let place = BrowserPlace {
        public_url: checkout.public_url(),
        payment: id,
        order: &registration.order,
        language: asking.language,
    };
    let wanted = chosen.request(&place);
    let answer = engine.register_and_pay(&owner, id, registration, wanted, Wait::ForOutcome);
    match answer.await {
        Ok(answer) => {
            let visit = Visit {
                owner,
                payment: answer.payment,
                language: asking.language,
                now: engine.now(),
            };
            visit.view(checkout).go_on()
        }
        Err(EngineError::Refused(Refusal::ReferenceTaken(first))) => {
            let path = payment_path(checkout.base(), first, "");
            redirect(&path, &policy(&asking))
        }
        Err(EngineError::Refused(Refusal::MethodCannot(_) | Refusal::MethodUnavailable)) => {
            refused(checkout, &asking, Refused::NoMethod)
        }
        Err(EngineError::Refused(Refusal::CurrencyNotAccepted(currency))) => {
            refused(checkout, &asking, Refused::BadLink(currency.alpha()))
        }
        Err(failure) => pages::asking_trouble(checkout.base(), &asking, &failure),
    }
}

fn policy(asking: &Asking) -> Policy {
    Policy {
        ancestors: asking.frame.as_ref().map(InFrame::ancestors),
        ..Policy::default()
    }
}

/// Shows how the payment stands that a request was registered as before.
pub fn registered(checkout: &Checkout, asking: &Asking, payment: &Payment) -> Response {
    let path = payment_path(checkout.base(), payment.id, "");
    redirect(&path, &policy(asking))
}

/// Says why a request registers nothing, with status 400.
pub fn refused(checkout: &Checkout, asking: &Asking, why: Refused<'_>) -> Response {
    pages::asking_refused(checkout.base(), asking, why)
}

/// The engine could not look: the request may be made again.
pub fn trouble(checkout: &Checkout, asking: &Asking, failure: &EngineError) -> Response {
    pages::asking_trouble(checkout.base(), asking, failure)
}
