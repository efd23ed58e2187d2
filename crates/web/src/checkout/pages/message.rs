//! Pages that say one thing: what became of a payment, that it is waited for, or why there is none.

use altyn_domain::{CardSummary, Language, MethodKind, PaymentId, Refusal, Way};
use altyn_engine::EngineError;
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use tracing::{error, warn};

use super::super::amount;
use super::super::bill::title;
use super::super::draft::{Asking, Refused};
use super::super::headers::Policy;
use super::super::manner::{InFrame, Leave};
use super::super::standing::Standing;
use super::super::visit::{Place, View, payment_path};
use super::{Again, Around, BackLink, Frame, Switch, answer};
use crate::texts::{Message, Texts, fill};

/// Seconds after which a payer turned away may come back.
const RETRY_AFTER_S: &str = "5";

/// Seconds after which a page goes back to the shop by itself: as a rule, and where the shop wants it at
/// once. Even then there is time to read what happened.
const LEAVE_AFTER_S: u32 = 8;
const LEAVE_SOON_S: u32 = 3;

/// What a message looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ok,
    No,
    Info,
    Wait,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::No => "no",
            Self::Info => "info",
            Self::Wait => "wait",
        }
    }
}

/// A line of a receipt.
struct Row {
    label: &'static str,
    value: String,
}

/// A way on from a message.
struct Link {
    text: &'static str,
    path: String,
    /// The window that it opens in.
    target: &'static str,
    /// Whose page it is, where that is said.
    host: Option<String>,
}

impl Link {
    const fn here(text: &'static str, path: String) -> Self {
        Self {
            text,
            path,
            target: "_self",
            host: None,
        }
    }

    fn back(view: &View<'_>) -> Option<Self> {
        let BackLink { path, target, host } = BackLink::of(view)?;
        Some(Self {
            text: Texts::of(view.language).back_to_shop,
            path,
            target,
            host,
        })
    }
}

/// How a page goes back to the shop by itself.
#[derive(Clone, Copy)]
struct Leaving {
    after_s: u32,
    /// Whether the payer may stay.
    may_stay: bool,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    frame: Frame,
    kind: &'static str,
    title: &'static str,
    texts: Vec<String>,
    /// For whoever mends the shop.
    detail: Option<String>,
    rows: Vec<Row>,
    primary: Option<Link>,
    secondary: Option<Link>,
    /// Where the waiting page asks.
    poll: Option<String>,
    /// Where a page without script goes on to.
    again: Option<String>,
    /// The request that may be made again.
    repeat: Option<Again>,
    /// How the page follows its first link by itself, if it does.
    leaving: Option<Leaving>,
}

impl MessagePage {
    fn new(frame: Frame, kind: Kind, message: Message) -> Self {
        Self {
            frame,
            kind: kind.word(),
            title: message.title,
            texts: vec![message.text.to_owned()],
            detail: None,
            rows: Vec::new(),
            primary: None,
            secondary: None,
            poll: None,
            again: None,
            repeat: None,
            leaving: None,
        }
    }

    fn about(view: &View<'_>, place: Place, kind: Kind, message: Message) -> Self {
        let mut page = Self::new(
            Frame::about(view, "message", message.title, place),
            kind,
            message,
        );
        page.rows = rows(view);
        page.primary = Link::back(view);
        page
    }
}

/// No way of paying fits this payment.
pub(crate) fn unpayable(view: &View<'_>) -> Response {
    let message = Texts::of(view.language).no_method;
    let page = MessagePage::about(view, Place::Front, Kind::No, message);
    answer(StatusCode::OK, &page, &view.policy())
}

/// The lines that say which order this is, and how it was paid.
fn rows(view: &View<'_>) -> Vec<Row> {
    let t = Texts::of(view.language);
    let payment = view.payment;
    let mut rows = vec![Row {
        label: t.shop,
        value: view.project.name.clone(),
    }];
    let mut add = |label, value| rows.push(Row { label, value });
    if !payment.order.reference.is_empty() {
        add(t.order, payment.order.reference.clone());
    }
    if payment.way != Way::Verify {
        add(t.amount, view.bill().shown_amount());
    }
    let back = payment.sums.refunded + payment.sums.reversed;
    if back > 0 {
        add(
            t.refunded,
            amount::shown(payment.money(back), view.language),
        );
    }
    let attempt = payment.winner().or_else(|| payment.last_try());
    let method = attempt.and_then(|attempt| view.project.method(&attempt.method));
    if let Some(card) = attempt.and_then(|attempt| attempt.card.as_ref()) {
        add(t.card, card_shown(card));
    } else if let Some(method) = method.filter(|method| method.kind == MethodKind::Wallet) {
        add(t.method, title(method, t).to_owned());
    }
    let winner = payment.winner();
    if let Some(code) = winner.and_then(|winner| winner.facts.approval_code.clone()) {
        add(t.approval_code, code);
    }
    rows
}

/// `Visa •••• 1111`.
fn card_shown(card: &CardSummary) -> String {
    let end = card.masked.len().saturating_sub(4);
    let last = card.masked.get(end..).unwrap_or_default();
    format!("{} •••• {last}", card.brand.name())
        .trim()
        .to_owned()
}

/// The bank has not answered yet.
pub(crate) fn wait(view: &View<'_>) -> Response {
    let mut page = MessagePage::about(view, Place::Result, Kind::Wait, waited_for(view));
    page.frame.role = "wait";
    page.poll = Some(view.path("/state"));
    page.again = Some(view.path(Place::Result.path()));
    page.primary = None;
    answer(StatusCode::OK, &page, &view.policy())
}

fn waited_for(view: &View<'_>) -> Message {
    let t = Texts::of(view.language);
    match view.kind_of(view.payment.try_in_flight()) {
        MethodKind::Card => t.wait,
        MethodKind::Wallet => t.wait_wallet,
    }
}

/// What became of a try, or why there can be none.
pub(crate) fn outcome(view: &View<'_>, standing: &Standing, place: Place) -> Response {
    let t = Texts::of(view.language);
    let (kind, message) = match standing {
        Standing::Paid if place == Place::Front => (Kind::Ok, t.already_paid),
        Standing::Paid => (Kind::Ok, t.paid),
        Standing::Held => (Kind::Ok, t.held),
        Standing::Verified => (Kind::Ok, t.verified),
        Standing::Returned => (Kind::Info, t.returned),
        Standing::Open { .. } | Standing::Declined(_) => (Kind::No, t.declined),
        Standing::TriesOver => (Kind::Info, t.tries_over),
        Standing::Cancelled => (Kind::Info, t.cancelled),
        Standing::Expired { .. } => (Kind::Info, t.expired),
        Standing::Waiting | Standing::Asked(_) => (Kind::Wait, waited_for(view)),
    };
    let mut page = MessagePage::about(view, place, kind, message);
    add_words(&mut page, view, standing);
    page.leaving = leaving(view, standing, place);
    answer(StatusCode::OK, &page, &view.policy())
}

/// What the standing says beyond its message, and the ways on.
fn add_words(page: &mut MessagePage, view: &View<'_>, standing: &Standing) {
    let t = Texts::of(view.language);
    let why = |code| t.decline(code, view.kind_of_decline()).to_owned();
    match standing {
        Standing::Open {
            declined,
            unanswered,
        } => {
            if let Some(code) = declined {
                page.texts.insert(0, why(*code));
                page.texts.extend(view.gateway_words());
            }
            if *unanswered {
                page.texts = vec![unanswered_text(view)];
            }
            let left = view.payment.tries_left().to_string();
            page.texts.push(fill(t.tries_left, &left));
            page.secondary = page.primary.take();
            page.primary = Some(Link::here(t.try_again, view.path("")));
        }
        Standing::Declined(code) => {
            if let Some(code) = code {
                page.texts.insert(0, why(*code));
                page.texts.extend(view.gateway_words());
            }
            page.texts.push(t.declined_for_good.to_owned());
        }
        Standing::Expired {
            unanswered: true, ..
        } => page.texts.insert(0, unanswered_text(view)),
        Standing::Expired {
            declined: Some(code),
            ..
        } => {
            let mut texts = vec![why(*code)];
            texts.extend(view.gateway_words());
            page.texts.splice(0..0, texts);
        }
        Standing::Paid
        | Standing::Held
        | Standing::Verified
        | Standing::Returned
        | Standing::TriesOver
        | Standing::Cancelled
        | Standing::Expired { declined: None, .. }
        | Standing::Waiting
        | Standing::Asked(_) => {}
    }
}

fn unanswered_text(view: &View<'_>) -> String {
    let t = Texts::of(view.language);
    match view.redirect() {
        Some((name, _)) => fill(t.unanswered_wallet, &name),
        None => t.unanswered.to_owned(),
    }
}

/// Whether the page goes back to the shop by itself, and when.
fn leaving(view: &View<'_>, standing: &Standing, place: Place) -> Option<Leaving> {
    view.back.as_ref()?;
    let (is_success, is_end) = match standing {
        Standing::Paid | Standing::Held | Standing::Verified => (true, true),
        Standing::Returned
        | Standing::Declined(_)
        | Standing::TriesOver
        | Standing::Cancelled
        | Standing::Expired { .. } => (false, true),
        Standing::Open { .. } | Standing::Waiting | Standing::Asked(_) => (false, false),
    };
    let (after_s, may_stay) = match view.manner.leave {
        Leave::Usual if is_success && place == Place::Result => (LEAVE_AFTER_S, true),
        Leave::ByItself if is_end => (LEAVE_SOON_S, false),
        Leave::Usual | Leave::ByLink | Leave::ByItself => return None,
    };
    Some(Leaving { after_s, may_stay })
}

/// No such order, for whatever reason.
pub(crate) fn unknown_order(base: &str, language: Language) -> Response {
    let t = Texts::of(language);
    let title = t.unknown_order.title.to_owned();
    let switch = Switch::by_links(language, |other| {
        format!("{base}/checkout/unknown?lang={}", other.code())
    });
    let frame = Frame::new(base, language, "message", title, switch);
    let page = MessagePage::new(frame, Kind::Info, t.unknown_order);
    answer(StatusCode::NOT_FOUND, &page, &Policy::default())
}

/// The engine could not do it. The page never says what became of the money: the next one does.
pub(crate) fn trouble(
    base: &str,
    payment: Option<PaymentId>,
    language: Language,
    error: &EngineError,
) -> Response {
    let t = Texts::of(language);
    let payment_id = payment.map(|id| id.to_string()).unwrap_or_default();
    let message = match error {
        EngineError::Refused(Refusal::MethodUnavailable | Refusal::MethodCannot(_)) => t.no_method,
        EngineError::Refused(_)
        | EngineError::Denied(_)
        | EngineError::Busy
        | EngineError::Unavailable(_)
        | EngineError::StateUnknown
        | EngineError::Fault(_) => t.trouble,
    };
    log_trouble(&payment_id, error);
    message_of_trouble(base, payment, language, message)
}

fn log_trouble(payment_id: &str, error: &EngineError) {
    match error {
        EngineError::Busy => warn!(payment.id = payment_id, "a payer was turned away: busy"),
        EngineError::Refused(_)
        | EngineError::Denied(_)
        | EngineError::Unavailable(_)
        | EngineError::StateUnknown
        | EngineError::Fault(_) => {
            error!(payment.id = payment_id, ?error, "a payer was turned away");
        }
    }
}

pub(super) fn message_of_trouble(
    base: &str,
    payment: Option<PaymentId>,
    language: Language,
    message: Message,
) -> Response {
    let t = Texts::of(language);
    let path = |other: Language| {
        let front = payment.map(|id| payment_path(base, id, ""));
        let front = front.unwrap_or_else(|| format!("{base}/checkout/unknown"));
        format!("{front}?lang={}", other.code())
    };
    let switch = Switch::by_links(language, path);
    let frame = Frame::new(base, language, "message", message.title.to_owned(), switch);
    let mut page = MessagePage::new(frame, Kind::Info, message);
    page.primary = Some(Link::here(t.refresh, path(language)));
    retry_later(answer(
        StatusCode::SERVICE_UNAVAILABLE,
        &page,
        &Policy::default(),
    ))
}

fn retry_later(mut response: Response) -> Response {
    let retry_after = HeaderValue::from_static(RETRY_AFTER_S);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, retry_after);
    response
}

/// Why a request registers nothing.
pub(crate) fn asking_refused(base: &str, asking: &Asking, why: Refused<'_>) -> Response {
    let t = Texts::of(asking.language);
    let (kind, message, detail) = match why {
        Refused::BadLink(words) => (Kind::No, t.bad_link, Some(fill(t.bad_link_detail, words))),
        Refused::TimeOver => (Kind::Info, t.time_over, None),
        Refused::NoMethod => (Kind::No, t.no_method, None),
    };
    let mut page = about_asking(base, asking, kind, message);
    page.detail = detail;
    answer(StatusCode::BAD_REQUEST, &page, &asking_policy(asking))
}

/// The engine could not do what a request asks for. Made again, the request shows how things stand.
pub(crate) fn asking_trouble(base: &str, asking: &Asking, failure: &EngineError) -> Response {
    log_trouble("", failure);
    let message = Texts::of(asking.language).trouble;
    let mut page = about_asking(base, asking, Kind::Info, message);
    page.repeat = Some(Again {
        action: format!("{base}{}", asking.open_path),
        request: asking.request.clone(),
    });
    retry_later(answer(
        StatusCode::SERVICE_UNAVAILABLE,
        &page,
        &asking_policy(asking),
    ))
}

fn about_asking(base: &str, asking: &Asking, kind: Kind, message: Message) -> MessagePage {
    let language = asking.language;
    let again = format!("{base}{}", asking.open_path);
    let switch = Switch::by_form(language, &again, &asking.request);
    let mut frame = Frame::new(base, language, "message", message.title.to_owned(), switch);
    frame.around = asking.frame.as_ref().map(|frame| Around {
        mode: frame.mode.word(),
        parent: frame.spoken_to(),
        told: String::new(),
        standing: "failed",
    });
    MessagePage::new(frame, kind, message)
}

fn asking_policy(asking: &Asking) -> Policy {
    Policy {
        ancestors: asking.frame.as_ref().map(InFrame::ancestors),
        ..Policy::default()
    }
}
