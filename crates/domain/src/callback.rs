//! Callbacks: how an event becomes a message in the receiver's format.

use serde::{Deserialize, Serialize};

use crate::{Event, EventKind, HttpMethod, Project};

/// A secret of an endpoint, in clear, only in memory.
#[derive(
    Clone, PartialEq, Eq, Default, Serialize, Deserialize, zeroize::Zeroize, zeroize::ZeroizeOnDrop,
)]
#[serde(transparent)]
pub struct EndpointSecret(String);

impl EndpointSecret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for signing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for EndpointSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Where and how a project wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its name within the project.
    pub id: String,
    /// The receiver's address. Empty for the template of addresses that payments bring.
    pub url: String,
    /// The name of the [`CallbackFormat`].
    pub format: String,
    /// GET with a query or POST with a form, where the format leaves the choice.
    pub method: HttpMethod,
    /// The events it wants; empty means all that are [final](EventKind::is_final).
    pub events: Vec<EventKind>,
    /// The kind of signature, where the format knows several.
    pub signature: String,
    /// The secret that signs: shared key or private key in PEM.
    pub secret: EndpointSecret,
    /// Optional parameters that the format may add.
    pub parameters: Vec<String>,
    /// How often a delivery is tried in all.
    pub attempts_max: u32,
    /// The pause after a failed attempt, in milliseconds.
    pub retry_pause_ms: i64,
}

impl Endpoint {
    /// Whether it wants to hear of this.
    pub fn wants(&self, kind: EventKind) -> bool {
        (self.events.is_empty() && kind.is_final()) || self.events.contains(&kind)
    }
}

/// A callback ready to be sent, and to be sent again byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackMessage {
    /// GET or POST.
    pub method: HttpMethod,
    /// The whole address, query included.
    pub url: String,
    /// Content type of the body, if there is one.
    pub content_type: Option<String>,
    /// The body.
    pub body: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

/// Why a message could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("callback cannot be rendered: {0}")]
pub struct RenderError(pub String);

/// What an endpoint of a format may choose; the rest is the format's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointChoices {
    /// How callbacks may be sent.
    pub methods: &'static [HttpMethod],
    /// What the format never tells.
    pub untold: &'static [EventKind],
    /// Whether the endpoint says how often and when a callback is sent again.
    pub retries: bool,
    /// Whether the key signs that the project has in the dialect of the format's name, and no secret of the
    /// endpoint's own.
    pub by_project_key: bool,
}

/// How events become messages of one format. Independent of the dialect that made the payment.
pub trait CallbackFormat: Send + Sync {
    /// The name endpoints choose it by.
    fn name(&self) -> &'static str;

    /// What an endpoint of this format may choose.
    fn choices(&self) -> EndpointChoices;

    /// An endpoint as is usual in this format. `url` is empty for the template of addresses that payments bring;
    /// `public_url` is the address under which payers find our pages.
    fn endpoint(&self, id: &str, url: &str, secret: EndpointSecret, public_url: &str) -> Endpoint;

    /// Whether an answer with this HTTP status means that the receiver took the callback.
    fn accepts(&self, status: u16) -> bool {
        (200..300).contains(&status)
    }

    /// The pause in milliseconds after `attempts` failed ones; `None` if that was the last.
    fn retry_pause_ms(&self, endpoint: &Endpoint, attempts: u32) -> Option<i64> {
        (attempts < endpoint.attempts_max).then_some(endpoint.retry_pause_ms)
    }

    /// Makes the message of `event` for `url`, from the project's settings of now; `None` if this format
    /// does not tell of such an event.
    ///
    /// # Errors
    /// If the endpoint's secret cannot be used or the address is not one.
    fn render(
        &self,
        event: &Event,
        project: &Project,
        endpoint: &Endpoint,
        url: &str,
    ) -> Result<Option<CallbackMessage>, RenderError>;
}
