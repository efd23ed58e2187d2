//! One look of a payer at one payment, and the addresses that lead on from it.

use altyn_domain::{
    Language, MethodKind, Operation, PayerAction, Payment, PaymentId, Project, Timestamp,
};
use altyn_engine::Owner;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::bill::{Bill, page_name};
use super::headers::Policy;
use super::manner::{InFrame, Manner};
use super::standing::Standing;
use super::{Checkout, headers, pages};
use crate::texts::{Texts, fill};

/// One look of a payer at one payment.
pub(crate) struct Visit {
    pub owner: Owner,
    pub payment: Payment,
    pub language: Language,
    pub now: Timestamp,
}

/// Which of Checkout's places an address names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The page itself.
    Front,
    /// What became of a try.
    Result,
    /// The payer's steps of 3-D Secure.
    Steps,
    /// The way to the gateway's own page.
    Away,
}

/// What a page is made from.
#[derive(Debug, Clone)]
pub(crate) struct View<'a> {
    /// The path before every address of ours.
    pub base: &'a str,
    pub payment: &'a Payment,
    pub project: &'a Project,
    pub language: Language,
    pub now: Timestamp,
    /// The host of the place that the shop named to come back to.
    pub back: Option<String>,
    /// What the dialect wishes of the page.
    pub manner: Manner,
}

impl Visit {
    /// Opens the payment. All reasons for not finding one look alike.
    pub(crate) async fn begin(
        checkout: &Checkout,
        id: Option<PaymentId>,
        wanted: Option<Language>,
        accept_language: Option<&str>,
    ) -> Result<Self, Response> {
        let fallback = || wanted.unwrap_or_else(|| browser_language(accept_language));
        let Some(id) = id else {
            return Err(pages::unknown_order(checkout.base(), fallback()));
        };
        match checkout.engine().open_payment(id).await {
            Ok(Some((owner, payment))) => Ok(Self {
                language: wanted.unwrap_or(payment.order.language),
                owner,
                payment,
                now: checkout.engine().now(),
            }),
            Ok(None) => Err(pages::unknown_order(checkout.base(), fallback())),
            Err(error) => Err(pages::trouble(
                checkout.base(),
                Some(id),
                fallback(),
                &error,
            )),
        }
    }

    /// What pages are made from.
    pub(crate) fn view<'a>(&'a self, checkout: &'a Checkout) -> View<'a> {
        View {
            base: checkout.base(),
            payment: &self.payment,
            project: self.owner.project(),
            language: self.language,
            now: self.now,
            back: checkout.host_of_return(&self.payment, self.language),
            manner: checkout.manner(&self.payment, self.language),
        }
    }
}

impl View<'_> {
    /// What is to be paid.
    pub(crate) fn bill(&self) -> Bill<'_> {
        Bill {
            project: self.project,
            order: &self.payment.order,
            way: self.payment.way,
            amount: self.payment.amount,
            language: self.language,
        }
    }

    /// The policy of a page about this payment that reaches nowhere else.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            ancestors: self.manner.frame.as_ref().map(InFrame::ancestors),
            ..Policy::default()
        }
    }

    /// The newest way to a gateway's own page that may still be gone, and what the payer calls that page. A
    /// try that nobody waits for any more may still be ended there.
    pub(crate) fn redirect(&self) -> Option<(String, &PayerAction)> {
        let mut open = self
            .payment
            .tries()
            .rev()
            .filter(|attempt| attempt.state.is_open());
        open.find_map(|attempt| match &attempt.action {
            Some(action @ PayerAction::Redirect { .. }) => Some((self.name_of(attempt), action)),
            Some(PayerAction::DeviceCheck { .. } | PayerAction::Challenge { .. }) | None => None,
        })
    }

    fn name_of(&self, attempt: &Operation) -> String {
        let method = self.project.method(&attempt.method);
        page_name(method, Texts::of(self.language))
    }

    /// By which kind of method a try is made; by card where nobody knows any more.
    pub(crate) fn kind_of(&self, attempt: Option<&Operation>) -> MethodKind {
        let method = attempt.and_then(|attempt| self.project.method(&attempt.method));
        method.map(|method| method.kind).unwrap_or_default()
    }

    /// By which kind of method the try was made whose refusal is shown.
    pub(crate) fn kind_of_decline(&self) -> MethodKind {
        self.kind_of(self.payment.visible_failure())
    }

    /// The gateway's own words about the refusal that is shown.
    pub(crate) fn gateway_words(&self) -> Option<String> {
        let failure = self.payment.visible_failure()?;
        let words = failure.facts.message.as_deref()?;
        Some(fill(Texts::of(self.language).gateway_says, words))
    }

    /// Where the payer stands.
    pub(crate) fn standing(&self) -> Standing {
        Standing::of(self.payment, self.now)
    }

    /// An address of this payment, in the language of this look.
    pub(crate) fn path(&self, rest: &str) -> String {
        self.path_in(rest, self.language)
    }

    /// An address of this payment in `language`.
    pub(crate) fn path_in(&self, rest: &str, language: Language) -> String {
        let bare = payment_path(self.base, self.payment.id, rest);
        if language == self.payment.order.language {
            bare
        } else {
            format!("{bare}?lang={}", language.code())
        }
    }

    /// The place where the present standing is shown.
    pub(crate) fn place(&self) -> Place {
        match self.standing() {
            Standing::Open { declined: None, .. } => Place::Front,
            Standing::Asked(PayerAction::Redirect { .. }) => Place::Away,
            Standing::Asked(PayerAction::DeviceCheck { .. } | PayerAction::Challenge { .. }) => {
                Place::Steps
            }
            Standing::Open {
                declined: Some(_), ..
            }
            | Standing::Waiting
            | Standing::Paid
            | Standing::Held
            | Standing::Verified
            | Standing::Returned
            | Standing::Declined(_)
            | Standing::TriesOver
            | Standing::Cancelled
            | Standing::Expired { .. } => Place::Result,
        }
    }

    /// The address of [`place`](Self::place).
    pub(crate) fn next(&self) -> String {
        self.path(self.place().path())
    }

    /// Sends the browser on to [`next`](Self::next).
    pub(crate) fn go_on(&self) -> Response {
        self.go(&self.next())
    }

    /// Sends the browser on, within the frame that the payment is shown in.
    pub(crate) fn go(&self, path: &str) -> Response {
        redirect(path, &self.policy())
    }
}

impl Place {
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Front => "",
            Self::Result => "/result",
            Self::Steps => "/3ds",
            Self::Away => "/go",
        }
    }
}

/// An address of a payment in the order's own language.
pub(crate) fn payment_path(base: &str, id: PaymentId, rest: &str) -> String {
    format!("{base}/checkout/{}{rest}", id.uuid())
}

/// Sends the browser on by GET.
pub(crate) fn redirect(path: &str, policy: &Policy) -> Response {
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response();
    headers::protect(&mut response, policy);
    response
}

/// The best of our languages for a browser: the first that it names and we have, by its weights.
pub(crate) fn browser_language(accept_language: Option<&str>) -> Language {
    let mut best: Option<(u32, Language)> = None;
    for range in accept_language.unwrap_or_default().split(',').take(20) {
        let mut parts = range.split(';');
        let tag = parts.next().unwrap_or_default().trim();
        let primary = tag.split('-').next().unwrap_or_default();
        let weight = parts.find_map(|part| part.trim().strip_prefix("q="));
        let weight = weight.map_or(1_000, thousandths);
        let Some(language) = Language::parse(primary) else {
            continue;
        };
        if weight > 0 && best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language).unwrap_or_default()
}

/// `0.8` as 800; what is no weight counts as none.
fn thousandths(text: &str) -> u32 {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = format!("{fraction:0<3}");
    match (whole.parse::<u32>(), digits.get(..3).map(str::parse::<u32>)) {
        (Ok(0), Some(Ok(rest))) => rest,
        (Ok(1), _) => 1_000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browsers_wishes_are_weighed() {
        let table = [
            (None, Language::Ru),
            (Some(""), Language::Ru),
            (Some("de, fr;q=0.9"), Language::Ru),
            (Some("en-US,en;q=0.9,ru;q=0.8"), Language::En),
            (Some("de;q=1, kk-KZ;q=0.9, ru;q=0.95"), Language::Ru),
            (Some("kk, ru"), Language::Kk),
            (Some("en;q=0, ru;q=0.001"), Language::Ru),
            (Some("en;q=abc"), Language::Ru),
        ];
        for (header, language) in table {
            assert_eq!(browser_language(header), language, "{header:?}");
        }
    }
}
