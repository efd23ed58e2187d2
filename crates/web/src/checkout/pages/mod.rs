//! The pages, made of a payment and texts. Everything that a shop or a bank wrote is escaped by the
//! templates; nothing here is marked safe.

mod form;
mod message;
mod steps;

use altyn_domain::{Language, Way};
use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use tracing::error;

pub(crate) use form::{Filled, Form, draft_form, form};
pub(crate) use message::{
    asking_refused, asking_trouble, outcome, trouble, unknown_order, unpayable, wait,
};
pub(crate) use steps::{away, method_frame, steps};

use super::assets::{self, Asset};
use super::bill::Bill;
use super::headers::{self, Policy};
use super::manner::Manner;
use super::visit::{Place, View};
use crate::texts::Texts;

/// What every page shares.
struct Frame {
    t: &'static Texts,
    title: String,
    /// What the script does here.
    role: &'static str,
    switch: Switch,
    style: &'static Asset,
    script: &'static Asset,
    base: String,
    around: Option<Around>,
}

/// A shop's page around this one.
struct Around {
    mode: &'static str,
    /// The origin to speak to; empty for nobody.
    parent: String,
    /// What it is told of the payment, as JSON; empty for nothing.
    told: String,
    /// Where the payment stands, in a word of ours; empty before there is one.
    standing: &'static str,
}

impl Around {
    fn of(manner: &Manner, standing: &'static str) -> Option<Self> {
        let frame = manner.frame.as_ref()?;
        let told = manner.told.as_ref().map(ToString::to_string);
        Some(Self {
            mode: frame.mode.word(),
            parent: frame.spoken_to(),
            told: told.unwrap_or_default(),
            standing,
        })
    }
}

/// How another language is chosen.
struct Switch {
    choices: Vec<Choice>,
    /// A form that brings the request along, where no address of ours stands for it yet.
    form: Option<Again>,
}

/// A language to choose.
struct Choice {
    code: &'static str,
    name: &'static str,
    path: String,
    current: bool,
}

/// A request that is made again.
struct Again {
    action: String,
    request: String,
}

impl Switch {
    fn by_links(language: Language, path: impl Fn(Language) -> String) -> Self {
        let choice = |other: Language| Choice {
            code: other.code(),
            name: Texts::of(other).language_name,
            path: path(other),
            current: other == language,
        };
        Self {
            choices: Language::ALL.into_iter().map(choice).collect(),
            form: None,
        }
    }

    fn by_form(language: Language, action: &str, request: &str) -> Self {
        let again = Again {
            action: action.to_owned(),
            request: request.to_owned(),
        };
        Self {
            form: Some(again),
            ..Self::by_links(language, |_| String::new())
        }
    }
}

impl Frame {
    fn new(
        base: &str,
        language: Language,
        role: &'static str,
        title: String,
        switch: Switch,
    ) -> Self {
        Self {
            t: Texts::of(language),
            title,
            role,
            switch,
            style: &assets::STYLE,
            script: &assets::SCRIPT,
            base: base.to_owned(),
            around: None,
        }
    }

    /// The frame of a page about a payment; `place` is where the other languages of it are.
    fn about(view: &View<'_>, role: &'static str, title: &str, place: Place) -> Self {
        let title = format!("{title} · {}", view.project.name);
        let switch = Switch::by_links(view.language, |language| {
            view.path_in(place.path(), language)
        });
        Self {
            around: Around::of(&view.manner, view.standing().word()),
            ..Self::new(view.base, view.language, role, title, switch)
        }
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
    fn of(bill: &Bill<'_>) -> Self {
        let t = bill.texts();
        let (label, note) = match bill.way {
            Way::Purchase => (t.to_pay, None),
            Way::Hold => (t.to_hold, Some(t.hold_note)),
            Way::Verify => (t.to_verify, Some(t.verify_note)),
        };
        let description = bill.order.description.clone();
        Self {
            shop: bill.project.name.clone(),
            number: bill.order.reference.clone(),
            description: description.filter(|text| !text.trim().is_empty()),
            label,
            amount: bill.shown_amount(),
            note,
        }
    }
}

/// The way back to the shop, as a link.
struct BackLink {
    path: String,
    /// The window that it opens in.
    target: &'static str,
    /// Whose page it is, where that is said.
    host: Option<String>,
}

impl BackLink {
    fn of(view: &View<'_>) -> Option<Self> {
        let host = view.back.clone()?;
        Some(Self {
            path: view.path("/return"),
            target: view.manner.leave_to.target(view.manner.frame.is_some()),
            host: view.manner.shows_host.then_some(host),
        })
    }
}

impl BackLink {
    /// Straight to the shop: before there is a payment no address of ours leads there.
    fn to(url: &str, manner: &Manner) -> Option<Self> {
        let url = url::Url::parse(url).ok()?;
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        let host = url.host_str().map(str::to_owned)?;
        Some(Self {
            path: url.into(),
            target: manner.leave_to.target(manner.frame.is_some()),
            host: manner.shows_host.then_some(host),
        })
    }
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
