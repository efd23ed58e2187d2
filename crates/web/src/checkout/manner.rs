//! What a dialect wishes of a payment's page beyond the usual: which ways of paying it offers, how the
//! payer leaves it, and whether a shop's page may show it in a frame.

/// How a payment's page looks and behaves. The default is a page of its own that offers all that fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manner {
    /// The only ways of paying to offer; empty for all that fit.
    pub only_methods: Vec<String>,
    /// The way of paying that is open first.
    pub first_method: Option<String>,
    /// Ways of paying that are not offered.
    pub hidden_methods: Vec<String>,
    /// If it names any that the project has: the ways of paying that are offered.
    pub listed_methods: Vec<String>,
    /// The frame of a shop's page that it may be shown in.
    pub frame: Option<InFrame>,
    /// How the payer leaves when the payment is over.
    pub leave: Leave,
    /// Where the shop's page opens then.
    pub leave_to: LeaveTo,
    /// Whether the page says which host the way back leads to.
    pub shows_host: bool,
    /// What the shop's page around a frame is told of the payment.
    pub told: Option<serde_json::Value>,
}

/// A frame of a shop's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFrame {
    /// How the shop shows it.
    pub mode: FrameMode,
    /// The origin of the shop's page, if it told it. Without one every page of the web may be around, and
    /// none is spoken to by itself.
    pub parent: Option<String>,
}

/// How a shop shows the page in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameMode {
    /// A part of the shop's page.
    Iframe,
    /// A window over the shop's page.
    Popup,
    /// Fields only: the button that pays is the shop's.
    Embedded,
}

impl FrameMode {
    /// The word of addresses and pages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Iframe => "iframe",
            Self::Popup => "popup",
            Self::Embedded => "embedded",
        }
    }

    /// Reads [`word`](Self::word).
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Iframe, Self::Popup, Self::Embedded]
            .into_iter()
            .find(|mode| mode.word() == word)
    }
}

/// How the payer leaves a page that shows the end of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leave {
    /// By a link; after a success also by itself, a little later.
    #[default]
    Usual,
    /// By a link alone.
    ByLink,
    /// By itself, whatever the end.
    ByItself,
}

/// Where the shop's page opens when the payer leaves a frame. Without a frame all are the same window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LeaveTo {
    /// In place of the shop's page around the frame.
    #[default]
    Parent,
    /// In the frame.
    Frame,
    /// In a new window.
    Blank,
}

impl LeaveTo {
    /// The name of the window, as links name it.
    pub(crate) const fn target(self, is_framed: bool) -> &'static str {
        match (self, is_framed) {
            (Self::Blank, _) => "_blank",
            (Self::Parent, true) => "_top",
            (Self::Parent | Self::Frame, false) | (Self::Frame, true) => "_self",
        }
    }
}

impl InFrame {
    /// Whose pages may be around, as a policy names them.
    pub(crate) fn ancestors(&self) -> String {
        match self.parent.as_deref().and_then(super::headers::origin) {
            Some(origin) => format!("'self' {origin}"),
            None => "'self' http: https:".to_owned(),
        }
    }

    /// The origin that is spoken to and listened to.
    pub(crate) fn spoken_to(&self) -> String {
        let parent = self.parent.as_deref().and_then(super::headers::origin);
        parent.unwrap_or_default()
    }
}
