//! Paying: what the payer chose and typed, and the try that it becomes.

use altyn_domain::{BrowserFacts, CardDetails, Initiator, Language, MethodKind, Order, PaymentId};
use altyn_engine::PayRequest;
use axum::extract::Form;
use axum::extract::rejection::FormRejection;
use axum::response::Response;

use super::Checkout;
use super::bill::Bill;
use super::card_form::{CardForm, FieldErrors};
use super::handlers::{Asked, after};
use super::manner::Manner;
use super::pages::{self, Filled};
use super::standing::Standing;
use super::visit::payment_path;

/// A way of paying, ready to be tried.
pub(crate) enum Chosen {
    /// With this card.
    Card {
        method: String,
        card: Box<CardDetails>,
        has_script: bool,
    },
    /// At the method's own page.
    Wallet { method: String },
}

/// Why nothing can be tried.
pub(crate) enum NotChosen {
    /// The page offers no such way.
    NoSuchMethod,
    /// Something is wrong with the card.
    Wrong(Filled),
}

impl Chosen {
    /// What a posted form chooses among what its page offers.
    pub(crate) fn read(
        bill: &Bill<'_>,
        manner: &Manner,
        form: &CardForm,
        now: altyn_domain::Timestamp,
    ) -> Result<Self, NotChosen> {
        let wanted = form.method();
        let fits = |kind, id: &str| match wanted {
            "" => kind == MethodKind::Card,
            wanted => id == wanted,
        };
        let offered = bill.offered(manner);
        let method = offered.iter().find(|method| fits(method.kind, &method.id));
        let method = method.ok_or(NotChosen::NoSuchMethod)?;
        let id = method.id.clone();
        if method.kind == MethodKind::Wallet {
            return Ok(Self::Wallet { method: id });
        }
        match form.read(now) {
            Ok(card) => Ok(Self::Card {
                method: id,
                card: Box::new(card),
                has_script: form.has_script(),
            }),
            Err(errors) => Err(NotChosen::Wrong(filled(form, errors, id))),
        }
    }

    /// The try of a payment whose addresses are `place`.
    pub(crate) fn request(self, place: &BrowserPlace<'_>) -> PayRequest {
        match self {
            Self::Wallet { method } => PayRequest::by_method(&method, Initiator::Payer),
            Self::Card {
                method,
                card,
                has_script,
            } => {
                let browser = place.facts(has_script);
                PayRequest {
                    method: Some(method),
                    ..PayRequest::by_card(*card, Some(browser), Initiator::Payer)
                }
            }
        }
    }
}

fn filled(form: &CardForm, errors: FieldErrors, method: String) -> Filled {
    Filled {
        kept: form.kept(),
        errors,
        method: Some(method),
    }
}

/// Where the payer's browser is.
pub(crate) struct BrowserPlace<'a> {
    pub public_url: &'a str,
    pub payment: PaymentId,
    pub order: &'a Order,
    pub language: Language,
}

impl BrowserPlace<'_> {
    fn facts(&self, has_script: bool) -> BrowserFacts {
        let address = |rest| {
            let bare = payment_path(self.public_url, self.payment, rest);
            if self.language == self.order.language {
                bare
            } else {
                format!("{bare}?lang={}", self.language.code())
            }
        };
        BrowserFacts {
            notification_url: address("/3ds/return"),
            method_notification_url: address("/3ds/method"),
            method_supported: has_script,
            language: self.language.code(),
        }
    }
}

/// POST `/checkout/{id}/pay`.
pub(crate) async fn pay(asked: Asked, form: Result<Form<CardForm>, FormRejection>) -> Response {
    let form = form.map(|Form(form)| form).unwrap_or_default();
    let visit = match asked.visit(form.language()).await {
        Ok(visit) => visit,
        Err(page) => return page,
    };
    let checkout: &Checkout = &asked.checkout;
    let view = visit.view(checkout);
    if !matches!(view.standing(), Standing::Open { .. }) {
        return view.go_on();
    }
    let chosen = match Chosen::read(&view.bill(), &view.manner, &form, visit.now) {
        Ok(chosen) => chosen,
        Err(NotChosen::NoSuchMethod) => return view.go(&view.path("")),
        Err(NotChosen::Wrong(filled)) => return pages::form(&view, &filled),
    };
    let place = BrowserPlace {
        public_url: checkout.public_url(),
        payment: visit.payment.id,
        order: &visit.payment.order,
        language: visit.language,
    };
    let wanted = chosen.request(&place);
    let engine = checkout.engine();
    let answer = engine.pay(&visit.owner, visit.payment.id, wanted).await;
    after(checkout, visit, answer.map(|answer| answer.payment)).await
}
