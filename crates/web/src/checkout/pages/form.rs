//! The page with which a payer pays: the order, and the ways of paying that fit it.

use altyn_domain::{CardError, MethodKind, Timestamp};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::bill::{Bill, page_name, title};
use super::super::card_form::{FieldErrors, Kept, compact_month};
use super::super::draft::Asking;
use super::super::headers::Policy;
use super::super::manner::{InFrame, Manner};
use super::super::standing::Standing;
use super::super::visit::{Place, View};
use super::{Around, BackLink, Frame, Summary, Switch, answer, unpayable};
use crate::texts::{Texts, fill};

/// What the payer has chosen and typed so far.
#[derive(Debug, Default)]
pub(crate) struct Filled {
    pub kept: Kept,
    pub errors: FieldErrors,
    /// The way of paying that is to be open.
    pub method: Option<String>,
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

/// A way of paying as the page offers it.
struct Offer {
    id: String,
    title: String,
    is_card: bool,
    is_open: bool,
    note: String,
}

/// Something said above the form, and perhaps a way on from it.
struct Notice {
    text: String,
    link: Option<(String, String)>,
}

impl Notice {
    fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            link: None,
        }
    }
}

/// The time that is left to pay.
struct TimeLeft {
    seconds: i64,
    text: String,
}

#[derive(Template)]
#[template(path = "form.html")]
struct FormPage {
    frame: Frame,
    summary: Summary,
    action: String,
    language: &'static str,
    /// The signed request that every form brings back, before there is a payment.
    request: Option<String>,
    notices: Vec<Notice>,
    wrong: Wrong,
    kept: Kept,
    offers: Vec<Offer>,
    /// Whether the first field takes the keyboard at once.
    focuses: bool,
    button: String,
    month: String,
    time_left: Option<TimeLeft>,
    back: Option<BackLink>,
}

/// The form of a payment, with what is wrong in it.
pub(crate) fn form(view: &View<'_>, filled: &Filled) -> Response {
    let bill = view.bill();
    let t = bill.texts();
    let newest = view
        .payment
        .last_try()
        .map(|attempt| attempt.method.as_str());
    let offers = offers(&bill, &view.manner, filled, newest);
    if offers.is_empty() {
        return unpayable(view);
    }
    let seconds = view.payment.expires_at.millis_since(view.now).max(0) / 1_000;
    let page = FormPage {
        frame: Frame::about(view, "form", t.page_title, Place::Front),
        action: view.path("/pay"),
        request: None,
        notices: notices(view, filled),
        time_left: Some(TimeLeft {
            seconds,
            text: time_left(seconds, t),
        }),
        back: BackLink::of(view),
        ..page(&bill, &view.manner, filled, offers, view.now)
    };
    respond(&page, view.policy())
}

/// What the form of an order that is not registered yet is made from.
pub(crate) struct Form<'a> {
    pub base: &'a str,
    pub bill: Bill<'a>,
    pub manner: &'a Manner,
    pub now: Timestamp,
    pub asking: &'a Asking,
    pub back_url: Option<&'a str>,
}

/// The form of an order that is not registered yet; `None` if no way of paying fits.
pub(crate) fn draft_form(form: &Form<'_>, filled: &Filled) -> Option<Response> {
    let bill = &form.bill;
    let offers = offers(bill, form.manner, filled, None);
    if offers.is_empty() {
        return None;
    }
    let page = FormPage {
        frame: draft_frame(form),
        action: format!("{}{}", form.base, form.asking.pay_path),
        request: Some(form.asking.request.clone()),
        back: form.back_url.and_then(|url| BackLink::to(url, form.manner)),
        ..page(bill, form.manner, filled, offers, form.now)
    };
    let ancestors = form.manner.frame.as_ref().map(InFrame::ancestors);
    let policy = Policy {
        ancestors,
        ..Policy::default()
    };
    Some(respond(&page, policy))
}

fn draft_frame(form: &Form<'_>) -> Frame {
    let (bill, base) = (&form.bill, form.base);
    let title = format!("{} · {}", bill.texts().page_title, bill.project.name);
    let again = format!("{base}{}", form.asking.open_path);
    let switch = Switch::by_form(bill.language, &again, &form.asking.request);
    Frame {
        around: Around::of(form.manner, "draft"),
        ..Frame::new(base, bill.language, "form", title, switch)
    }
}

/// What both forms share; what differs stands empty.
fn page(
    bill: &Bill<'_>,
    manner: &Manner,
    filled: &Filled,
    offers: Vec<Offer>,
    now: Timestamp,
) -> FormPage {
    let wrong = Wrong::of(&filled.errors, bill.texts());
    let is_single = offers.len() == 1 && manner.frame.is_none();
    let nowhere = Switch::by_links(bill.language, |_| String::new());
    FormPage {
        frame: Frame::new("", bill.language, "form", String::new(), nowhere),
        summary: Summary::of(bill),
        action: String::new(),
        language: bill.language.code(),
        request: None,
        notices: Vec::new(),
        focuses: is_single || (wrong.any() && manner.frame.is_none()),
        wrong,
        kept: filled.kept.clone(),
        offers,
        button: bill.button(),
        month: compact_month(now),
        time_left: None,
        back: None,
    }
}

fn respond(page: &FormPage, policy: Policy) -> Response {
    let status = if page.wrong.any() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    answer(status, page, &policy)
}

/// The ways of paying. The one that the payer chose is open, else the one tried last, else the one that
/// the shop would have first.
fn offers(bill: &Bill<'_>, manner: &Manner, filled: &Filled, newest: Option<&str>) -> Vec<Offer> {
    let t = bill.texts();
    let methods = bill.offered(manner);
    let wishes = [
        filled.method.as_deref(),
        newest,
        manner.first_method.as_deref(),
    ];
    let is_there = |wish: &&str| methods.iter().any(|method| method.id == **wish);
    let open = wishes.into_iter().flatten().find(is_there);
    let open = open.or_else(|| methods.first().map(|method| method.id.as_str()));
    let offer = |method: &&altyn_domain::PaymentMethod| Offer {
        id: method.id.clone(),
        title: title(method, t).to_owned(),
        is_card: method.kind == MethodKind::Card,
        is_open: open == Some(method.id.as_str()),
        note: fill(t.wallet_note, &page_name(Some(method), t)),
    };
    methods.iter().map(offer).collect()
}

/// What became of earlier tries.
fn notices(view: &View<'_>, filled: &Filled) -> Vec<Notice> {
    let t = Texts::of(view.language);
    let Standing::Open {
        declined,
        unanswered,
    } = view.standing()
    else {
        return Vec::new();
    };
    let mut notices = Vec::new();
    if let Some(code) = declined.filter(|_| !Wrong::of(&filled.errors, t).any()) {
        let kind = view.kind_of_decline();
        notices.extend([
            Notice::plain(t.last_try_failed),
            Notice::plain(t.decline(code, kind)),
        ]);
        notices.extend(view.gateway_words().map(Notice::plain));
    }
    if unanswered {
        notices.push(unanswered_notice(view));
    }
    notices
}

/// A try is still open though nobody waits for it. One that began elsewhere may be ended there.
fn unanswered_notice(view: &View<'_>) -> Notice {
    let t = Texts::of(view.language);
    let Some((name, _)) = view.redirect() else {
        return Notice::plain(t.unanswered);
    };
    Notice {
        text: fill(t.unanswered_wallet, &name),
        link: Some((view.path(Place::Away.path()), fill(t.go_on_at, &name))),
    }
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
