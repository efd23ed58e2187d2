//! What of a page's parameters is kept with the payment: how its page looks, and the ways back to the shop.

use altyn_domain::{Payment, PaymentStatus, Project};
use altyn_web::checkout::{FrameMode, InFrame, Leave, LeaveTo, Manner};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::extra::Extra;
use super::super::ids;
use super::super::view::{Spelling, View};

/// Whether a page goes back to the shop by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum How {
    /// A button.
    #[default]
    Button,
    /// By itself.
    Automatic,
}

/// Where the shop's page opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// In the frame.
    Iframe,
    /// In place of the shop's page around the frame.
    #[default]
    ParentPage,
    /// In a new window.
    BlankPage,
}

impl Mode {
    /// Reads the word of parameters.
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "iframe" => Some(Self::Iframe),
            "parent_page" => Some(Self::ParentPage),
            "blank_page" => Some(Self::BlankPage),
            _ => None,
        }
    }

    const fn window(self) -> LeaveTo {
        match self {
            Self::Iframe => LeaveTo::Frame,
            Self::ParentPage => LeaveTo::Parent,
            Self::BlankPage => LeaveTo::Blank,
        }
    }
}

/// One way back to the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Back {
    pub url: String,
    #[serde(default)]
    pub how: How,
    #[serde(default)]
    pub mode: Mode,
}

/// The frame of a shop's page that the page is shown in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Frame {
    mode: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
}

/// What is kept, in [`Extra::page`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    /// After a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<Back>,
    /// After a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail: Option<Back>,
    /// At any other time, and where the other two are absent.
    #[serde(rename = "return", skip_serializing_if = "Option::is_none")]
    pub any: Option<Back>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<Frame>,
    /// The only ways of paying, if there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only_methods: Vec<String>,
    /// The way of paying that is open first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_method: Option<String>,
    /// Ways of paying that are not offered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hidden_methods: Vec<String>,
    /// The ways of paying that are offered, if the project has any of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listed_methods: Vec<String>,
}

impl Kept {
    pub(super) fn of(payment: &Payment) -> Self {
        let page = Extra::of(payment).page.unwrap_or_default();
        Self::deserialize(page).unwrap_or_default()
    }

    pub(super) fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    pub(super) fn set_frame(&mut self, frame: Option<&InFrame>) {
        self.frame = frame.map(|frame| Frame {
            mode: frame.mode.word().to_owned(),
            parent: frame.parent.clone(),
        });
    }

    fn in_frame(&self) -> Option<InFrame> {
        let frame = self.frame.as_ref()?;
        Some(InFrame {
            mode: FrameMode::parse(&frame.mode)?,
            parent: frame.parent.clone(),
        })
    }

    /// Whether a failure goes back to the shop by itself: then there is no second try here.
    pub(super) fn fails_once(&self) -> bool {
        let fail = self.fail.as_ref().or(self.any.as_ref());
        fail.is_some_and(|back| back.how == How::Automatic)
    }

    /// The way back that fits how the payment stands. Nobody is sent to a shop's thanks for a payment that
    /// is not paid.
    pub(super) fn back(&self, payment: &Payment) -> Option<&Back> {
        let own = match payment.status() {
            PaymentStatus::Authorized
            | PaymentStatus::Captured
            | PaymentStatus::PartiallyRefunded
            | PaymentStatus::Refunded
            | PaymentStatus::Voided
            | PaymentStatus::Verified => self.success.as_ref(),
            PaymentStatus::Declined | PaymentStatus::Cancelled | PaymentStatus::Expired => {
                self.fail.as_ref()
            }
            PaymentStatus::AwaitingPayment if payment.tries_left() == 0 => self.fail.as_ref(),
            PaymentStatus::AwaitingPayment | PaymentStatus::Processing => None,
        };
        own.or(self.any.as_ref())
    }

    /// What does not depend on how the payment stands.
    fn plain_manner(&self) -> Manner {
        Manner {
            only_methods: self.only_methods.clone(),
            first_method: self.first_method.clone(),
            hidden_methods: self.hidden_methods.clone(),
            listed_methods: self.listed_methods.clone(),
            frame: self.in_frame(),
            leave: Leave::ByLink,
            shows_host: true,
            ..Manner::default()
        }
    }

    /// What there is to say of the page as the payment stands.
    pub(super) fn manner(&self, payment: &Payment) -> Manner {
        let back = self.back(payment);
        Manner {
            leave: match back.map(|back| back.how) {
                Some(How::Automatic) => Leave::ByItself,
                Some(How::Button) | None => Leave::ByLink,
            },
            leave_to: back.map(|back| back.mode).unwrap_or_default().window(),
            ..self.plain_manner()
        }
    }

    /// What there is to say of the page before there is a payment.
    pub(super) fn draft_manner(&self) -> Manner {
        let mode = self.any.as_ref().map(|back| back.mode);
        Manner {
            leave_to: mode.unwrap_or_default().window(),
            ..self.plain_manner()
        }
    }
}

/// What the shop's page around a frame is told of the payment: the result object of its handlers.
pub(super) fn told(payment: &Payment, project: &Project, return_url: Option<String>) -> Value {
    let view = View::new(payment, project, Spelling::of_project(project));
    let attempt = payment.winner().or_else(|| payment.last_try());
    let standing = attempt.map(|attempt| view.standing(attempt));
    let mut told = json!({
        "payment_id": payment.order.reference,
        "type": view.payment_type(),
        "status": view.payment_status(),
        "amount": payment.amount.minor(),
        "currency": payment.amount.currency().alpha(),
    });
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            told[name] = Value::String(value);
        }
    };
    add("method", view.method_name(attempt).map(str::to_owned));
    add(
        "request_id",
        attempt.map(|attempt| ids::request_id(payment, attempt)),
    );
    add("code", standing.map(|standing| standing.code.text()));
    add(
        "message",
        standing.map(|standing| standing.code.message().to_owned()),
    );
    add("return_url", return_url);
    told
}
