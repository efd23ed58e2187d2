//! The pages, made of a payment and texts. Everything that a shop or a bank wrote is escaped by the
//! templates; nothing here is marked safe.

use altyn_domain::{CardError, CardSummary, Language, PayerAction, PaymentId, Refusal, Way};
use altyn_engine::EngineError;
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use tracing::{error, warn};

use super::amount;
use super::assets::{self, Asset};
use super::card_form::{FieldErrors, Kept};
use super::headers::{self, Policy, origin};
use super::standing::Standing;
use super::visit::{Place, View, payment_path};
use crate::texts::{Message, Texts, fill};

/// Seconds after which a payer turned away may come back.
const RETRY_AFTER_S: &str = "5";

/// What every page shares.
struct Frame {
    t: &'static Texts,
    title: String,
    /// What the script does here.
    role: &'static str,
    switch: Vec<Choice>,
    style: &'static Asset,
    script: &'static Asset,
    base: String,
}

/// A language to choose.
struct Choice {
    code: &'static str,
    name: &'static str,
    path: String,
    current: bool,
}

impl Frame {
    fn new(
        base: &str,
        language: Language,
        role: &'static str,
        title: String,
        path: impl Fn(Language) -> String,
    ) -> Self {
        let choice = |other: Language| Choice {
            code: other.code(),
            name: Texts::of(other).language_name,
            path: path(other),
            current: other == language,
        };
        Self {
            t: Texts::of(language),
            title,
            role,
            switch: Language::ALL.into_iter().map(choice).collect(),
            style: &assets::STYLE,
            script: &assets::SCRIPT,
            base: base.to_owned(),
        }
    }

    /// The frame of a page about a payment; `place` is where the other languages of it are.
    fn about(view: &View<'_>, role: &'static str, title: &str, place: Place) -> Self {
        let title = format!("{title} · {}", view.project.name);
        Self::new(view.base, view.language, role, title, |language| {
            view.path_in(place.path(), language)
        })
    }
}

/// The order as the payer sees it.
struct Summary {
    shop: String,
    number: String,
    description: Option<String>,
    label: &'static str,
    amount: String,
    note: Option<&'static str>,
}

impl Summary {
    fn of(view: &View<'_>) -> Self {
        let t = Texts::of(view.language);
        let order = &view.payment.order;
        let (label, note) = match view.payment.way {
            Way::Purchase => (t.to_pay, None),
            Way::Hold => (t.to_hold, Some(t.hold_note)),
            Way::Verify => (t.to_verify, Some(t.verify_note)),
        };
        Self {
            shop: view.project.name.clone(),
            number: order.reference.clone(),
            description: order
                .description
                .clone()
                .filter(|text| !text.trim().is_empty()),
            label,
            amount: amount_of(view),
            note,
        }
    }
}

fn amount_of(view: &View<'_>) -> String {
    if view.payment.way == Way::Verify {
        Texts::of(view.language).no_charge.to_owned()
    } else {
        amount::shown(view.payment.amount, view.language)
    }
}

/// What is wrong with each field, in words; empty if nothing is.
#[derive(Default)]
struct Wrong {
    number: &'static str,
    expiry: &'static str,
    code: &'static str,
}

impl Wrong {
    fn of(errors: &FieldErrors, t: &'static Texts) -> Self {
        let say =
            |error: Option<CardError>| error.map_or("", |error| t.card_error(error, errors.brand));
        Self {
            number: if errors.number_missing {
                t.number_missing
            } else {
                say(errors.number)
            },
            expiry: say(errors.expiry),
            code: say(errors.security_code),
        }
    }

    const fn any(&self) -> bool {
        !(self.number.is_empty() && self.expiry.is_empty() && self.code.is_empty())
    }

    /// The field where the payer goes on.
    const fn first(&self) -> &'static str {
        if !self.number.is_empty() {
            "cc-number"
        } else if !self.expiry.is_empty() {
            "cc-exp"
        } else if !self.code.is_empty() {
            "cc-csc"
        } else {
            ""
        }
    }
}

#[derive(Template)]
#[template(path = "form.html")]
struct FormPage {
    frame: Frame,
    summary: Summary,
    action: String,
    language: &'static str,
    notices: Vec<&'static str>,
    wrong: Wrong,
    kept: Kept,
    button: String,
    month: String,
    seconds_left: i64,
    time_left: String,
    shop_path: Option<String>,
}

/// The form, with what is wrong in it.
pub(crate) fn form(view: &View<'_>, kept: &Kept, errors: &FieldErrors) -> Response {
    let t = Texts::of(view.language);
    if view.project.settings.methods.is_empty() {
        return message(view, Place::Front, Kind::No, t.no_method);
    }
    let wrong = Wrong::of(errors, t);
    let status = if wrong.any() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let mut notices = Vec::new();
    if let Standing::Open {
        declined,
        unanswered,
    } = view.standing()
    {
        if let Some(code) = declined.filter(|_| !wrong.any()) {
            notices.extend([t.last_try_failed, t.decline(code)]);
        }
        if unanswered {
            notices.push(t.unanswered);
        }
    }
    let seconds_left = view.payment.expires_at.millis_since(view.now).max(0) / 1_000;
    let page = FormPage {
        frame: Frame::about(view, "form", t.page_title, Place::Front),
        summary: Summary::of(view),
        action: view.path("/pay"),
        language: view.language.code(),
        notices,
        wrong,
        kept: kept.clone(),
        button: match view.payment.way {
            Way::Purchase => fill(t.pay, &amount_of(view)),
            Way::Hold => fill(t.hold, &amount_of(view)),
            Way::Verify => t.verify.to_owned(),
        },
        month: super::card_form::compact_month(view.now),
        seconds_left,
        time_left: time_left(seconds_left, t),
        shop_path: shop_path(view),
    };
    answer(status, &page, &Policy::default())
}

fn shop_path(view: &View<'_>) -> Option<String> {
    view.returns.then(|| view.path("/return"))
}

/// A time to pay, roughly: the script counts exactly.
fn time_left(seconds: i64, t: &Texts) -> String {
    let (text, unit) = match seconds {
        172_800.. => (t.days, 86_400),
        7_200.. => (t.hours, 3_600),
        _ => (t.minutes, 60),
    };
    fill(text, &(seconds / unit).max(1).to_string())
}

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
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    frame: Frame,
    kind: &'static str,
    title: &'static str,
    texts: Vec<String>,
    rows: Vec<Row>,
    primary: Option<Link>,
    secondary: Option<Link>,
    /// Where the waiting page asks.
    poll: Option<String>,
    /// Where a page without script goes on to.
    again: Option<String>,
    /// Whether the page goes back to the shop by itself.
    leaves: bool,
}

impl MessagePage {
    fn new(frame: Frame, kind: Kind, message: Message) -> Self {
        Self {
            frame,
            kind: kind.word(),
            title: message.title,
            texts: vec![message.text.to_owned()],
            rows: Vec::new(),
            primary: None,
            secondary: None,
            poll: None,
            again: None,
            leaves: false,
        }
    }

    fn about(view: &View<'_>, place: Place, kind: Kind, message: Message) -> Self {
        let mut page = Self::new(
            Frame::about(view, "message", message.title, place),
            kind,
            message,
        );
        page.rows = rows(view);
        page.primary = shop_path(view).map(|path| Link {
            text: Texts::of(view.language).back_to_shop,
            path,
        });
        page
    }

    fn respond(&self, status: StatusCode) -> Response {
        answer(status, self, &Policy::default())
    }
}

fn message(view: &View<'_>, place: Place, kind: Kind, message: Message) -> Response {
    MessagePage::about(view, place, kind, message).respond(StatusCode::OK)
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
        add(t.amount, amount_of(view));
    }
    let back = payment.sums.refunded + payment.sums.reversed;
    if back > 0 {
        add(
            t.refunded,
            amount::shown(payment.money(back), view.language),
        );
    }
    let attempt = payment.winner().or_else(|| payment.last_try());
    if let Some(card) = attempt.and_then(|attempt| attempt.card.as_ref()) {
        add(t.card, card_shown(card));
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
    let t = Texts::of(view.language);
    let mut page = MessagePage::about(view, Place::Result, Kind::Wait, t.wait);
    page.frame.role = "wait";
    page.poll = Some(view.path("/state"));
    page.again = Some(view.path(Place::Result.path()));
    page.primary = None;
    page.respond(StatusCode::OK)
}

/// What became of a try, or why there can be none.
pub(crate) fn outcome(view: &View<'_>, standing: &Standing, place: Place) -> Response {
    let t = Texts::of(view.language);
    let tried = view.payment.last_try().is_some();
    let (kind, message) = match standing {
        Standing::Paid if place == Place::Front => (Kind::Ok, t.already_paid),
        Standing::Paid => (Kind::Ok, t.paid),
        Standing::Held => (Kind::Ok, t.held),
        Standing::Verified => (Kind::Ok, t.verified),
        Standing::Returned => (Kind::Info, t.returned),
        Standing::Open { .. } | Standing::Declined(_) => (Kind::No, t.declined),
        Standing::TriesOver => (Kind::Info, t.tries_over),
        Standing::Cancelled => (Kind::Info, t.cancelled),
        Standing::Expired => (Kind::Info, t.expired),
        Standing::Waiting | Standing::Asked(_) => (Kind::Wait, t.wait),
    };
    let mut page = MessagePage::about(view, place, kind, message);
    match standing {
        Standing::Open {
            declined,
            unanswered,
        } => {
            if let Some(code) = declined {
                page.texts.insert(0, t.decline(*code).to_owned());
            }
            if *unanswered {
                page.texts = vec![t.unanswered.to_owned()];
            }
            let left = view.payment.tries_left().to_string();
            page.texts.push(fill(t.tries_left, &left));
            page.secondary = page.primary.take();
            page.primary = Some(Link {
                text: t.try_again,
                path: view.path(""),
            });
        }
        Standing::Declined(code) => {
            if let Some(code) = code {
                page.texts.insert(0, t.decline(*code).to_owned());
            }
            page.texts.push(t.declined_for_good.to_owned());
        }
        Standing::Expired if tried && has_open_try(view) => {
            page.texts.insert(0, t.unanswered.to_owned());
        }
        Standing::Paid | Standing::Held | Standing::Verified => {
            page.leaves = place == Place::Result && view.returns;
        }
        Standing::Returned
        | Standing::TriesOver
        | Standing::Cancelled
        | Standing::Expired
        | Standing::Waiting
        | Standing::Asked(_) => {}
    }
    page.respond(StatusCode::OK)
}

fn has_open_try(view: &View<'_>) -> bool {
    view.payment.tries().any(|attempt| attempt.state.is_open())
}

#[derive(Template)]
#[template(path = "steps.html")]
struct StepsPage {
    frame: Frame,
    message: Message,
    summary: Summary,
    url: String,
    fields: Vec<(&'static str, String)>,
    transaction: String,
    done: String,
    language: &'static str,
    is_method: bool,
    is_link: bool,
    auto: bool,
}

/// What the payer must do for the try in flight. With `auto` the script goes on by itself.
pub(crate) fn steps(view: &View<'_>, action: &PayerAction, auto: bool) -> Response {
    let t = Texts::of(view.language);
    let (url, transaction, fields, message) = match action {
        PayerAction::DeviceCheck {
            transaction_id,
            url,
            data,
        } => {
            let fields = vec![("threeDSMethodData", data.clone())];
            (url, transaction_id.clone(), fields, t.device_check)
        }
        PayerAction::Challenge {
            transaction_id,
            acs_url,
            creq,
        } => {
            let fields = vec![("creq", creq.clone())];
            (acs_url, transaction_id.clone(), fields, t.challenge)
        }
        PayerAction::Redirect { url, .. } => (url, String::new(), Vec::new(), t.challenge),
    };
    let Some(origin) = origin(url) else {
        warn!(payment.id = %view.payment.id, "the payer was to be sent to no address of the web");
        return message_of_trouble(view.base, Some(view.payment.id), view.language, t.trouble);
    };
    let is_method = matches!(action, PayerAction::DeviceCheck { .. });
    let text = if auto {
        message.text
    } else {
        t.challenge_again
    };
    let page = StepsPage {
        frame: Frame::about(view, "steps", message.title, Place::Steps),
        message: Message { text, ..message },
        summary: Summary::of(view),
        url: url.clone(),
        fields,
        transaction,
        done: view.path("/3ds/method-done"),
        language: view.language.code(),
        is_method,
        is_link: matches!(action, PayerAction::Redirect { .. }),
        auto,
    };
    let policy = Policy {
        frame_origins: if is_method {
            vec![origin.clone()]
        } else {
            Vec::new()
        },
        form_origins: vec![origin],
        framed_by_us: false,
    };
    answer(StatusCode::OK, &page, &policy)
}

#[derive(Template)]
#[template(path = "frame.html")]
struct FramePage {
    script: &'static Asset,
    base: String,
}

/// The end of the hidden frame: it tells the page around it.
pub(crate) fn method_frame(base: &str) -> Response {
    let page = FramePage {
        script: &assets::SCRIPT,
        base: base.to_owned(),
    };
    let policy = Policy {
        framed_by_us: true,
        ..Policy::default()
    };
    answer(StatusCode::OK, &page, &policy)
}

/// No such order, for whatever reason.
pub(crate) fn unknown_order(base: &str, language: Language) -> Response {
    let t = Texts::of(language);
    let title = t.unknown_order.title.to_owned();
    let frame = Frame::new(base, language, "message", title, |other| {
        format!("{base}/checkout/unknown?lang={}", other.code())
    });
    MessagePage::new(frame, Kind::Info, t.unknown_order).respond(StatusCode::NOT_FOUND)
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
        EngineError::Refused(Refusal::MethodUnavailable) => t.no_method,
        EngineError::Refused(_)
        | EngineError::Denied(_)
        | EngineError::Busy
        | EngineError::Unavailable(_)
        | EngineError::StateUnknown
        | EngineError::Fault(_) => t.trouble,
    };
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
    message_of_trouble(base, payment, language, message)
}

fn message_of_trouble(
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
    let frame = Frame::new(base, language, "message", message.title.to_owned(), path);
    let mut page = MessagePage::new(frame, Kind::Info, message);
    page.primary = Some(Link {
        text: t.refresh,
        path: path(language),
    });
    let mut response = page.respond(StatusCode::SERVICE_UNAVAILABLE);
    let retry_after = HeaderValue::from_static(RETRY_AFTER_S);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, retry_after);
    response
}

fn answer(status: StatusCode, page: &impl Template, policy: &Policy) -> Response {
    let mut response = match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    };
    headers::protect(&mut response, policy);
    response
}
