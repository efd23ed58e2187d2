//! What the payer must do for the try in flight: steps of 3-D Secure, or a visit to the gateway's page.

use altyn_domain::{HttpMethod, PayerAction};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tracing::warn;

use super::super::assets::{self, Asset};
use super::super::headers::{Policy, origin};
use super::super::visit::{Place, View};
use super::message::message_of_trouble;
use super::{BackLink, Frame, Summary, answer};
use crate::texts::{Message, Texts, fill};

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
    auto: bool,
}

/// What 3-D Secure asks of the payer. With `auto` the script goes on by itself.
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
        PayerAction::Redirect { .. } => return away(view, auto),
    };
    let Some(origin) = origin(url) else {
        return nowhere(view);
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
        summary: Summary::of(&view.bill()),
        url: url.clone(),
        fields,
        transaction,
        done: view.path("/3ds/method-done"),
        language: view.language.code(),
        is_method,
        auto,
    };
    let policy = Policy {
        frame_origins: if is_method {
            vec![origin.clone()]
        } else {
            Vec::new()
        },
        form_origins: vec![origin],
        ..view.policy()
    };
    answer(StatusCode::OK, &page, &policy)
}

#[derive(Template)]
#[template(path = "away.html")]
struct AwayPage {
    frame: Frame,
    kind: &'static str,
    message: Message,
    text: String,
    summary: Summary,
    button: String,
    url: String,
    is_post: bool,
    fields: Vec<(String, String)>,
    auto: bool,
    /// Where the script asks whether the payment is over.
    poll: String,
    /// What it hears as long as nothing is new.
    standing: &'static str,
    /// Where a page without script goes on to.
    again: String,
    back: Option<BackLink>,
}

/// The way to the gateway's own page. With `auto` the script goes there by itself; else the payer has been
/// there, and the page waits for news while it offers the way again.
pub(crate) fn away(view: &View<'_>, auto: bool) -> Response {
    let t = Texts::of(view.language);
    let Some((name, action)) = view.redirect() else {
        return nowhere(view);
    };
    let PayerAction::Redirect {
        url,
        method,
        fields,
    } = action
    else {
        return nowhere(view);
    };
    let Some(origin) = origin(url) else {
        return nowhere(view);
    };
    let message = if auto { t.away } else { t.away_again };
    let place = if auto { Place::Away } else { Place::Front };
    let page = AwayPage {
        frame: Frame::about(view, "away", message.title, place),
        kind: if auto { "wait" } else { "info" },
        text: fill(message.text, &name),
        message,
        summary: Summary::of(&view.bill()),
        button: fill(t.go_on_at, &name),
        url: url.clone(),
        is_post: *method != HttpMethod::Get,
        fields: fields.clone().into_iter().collect(),
        auto,
        poll: view.path("/state"),
        standing: view.standing().word(),
        again: view.path(""),
        back: BackLink::of(view),
    };
    let policy = Policy {
        form_origins: vec![origin],
        ..view.policy()
    };
    answer(StatusCode::OK, &page, &policy)
}

fn nowhere(view: &View<'_>) -> Response {
    warn!(payment.id = %view.payment.id, "the payer was to be sent to no address of the web");
    let trouble = Texts::of(view.language).trouble;
    message_of_trouble(view.base, Some(view.payment.id), view.language, trouble)
}

#[derive(Template)]
#[template(path = "frame.html")]
struct FramePage {
    script: &'static Asset,
    base: String,
}

/// The end of the hidden frame: it tells the page around it, which is one of ours within `around`.
pub(crate) fn method_frame(base: &str, around: Option<String>) -> Response {
    let page = FramePage {
        script: &assets::SCRIPT,
        base: base.to_owned(),
    };
    let policy = Policy {
        ancestors: Some(around.unwrap_or_else(|| "'self'".to_owned())),
        ..Policy::default()
    };
    answer(StatusCode::OK, &page, &policy)
}
