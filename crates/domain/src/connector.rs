//! The contract of a connector: a pure translator between operations and one gateway's messages.
//! The engine owns sockets, deadlines, retries and logs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    AmountRange, CardDetails, MethodKind, Money, Operation, Outcome, Payment, RefundAbility,
    Report, Timestamp,
};

/// Method of an HTTP request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// GET.
    Get,
    /// POST.
    #[default]
    Post,
    /// PATCH.
    Patch,
}

/// A request that a connector wants sent. Its body may hold card data, so it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Method.
    pub method: HttpMethod,
    /// Whole address.
    pub url: String,
    /// Headers, content type included.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:?} {} ({} bytes)",
            self.method,
            self.url,
            self.body.len()
        )
    }
}

/// What came back. The engine has cut it at its size limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status.
    pub status: u16,
    /// Those headers that the connector [wants](Connector::wanted_headers), names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// The settings of a connector in one payment method. Values may be secret, so they are never printed.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectorSettings(pub BTreeMap<String, String>);

impl ConnectorSettings {
    /// The value of a setting.
    ///
    /// # Errors
    /// If it is missing.
    pub fn require(&self, key: &'static str) -> Result<&str, ConnectorError> {
        self.0
            .get(key)
            .map(String::as_str)
            .ok_or(ConnectorError::MissingSetting(key))
    }
}

impl std::fmt::Debug for ConnectorSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// Why a connector could not make a request. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectorError {
    /// The payment method lacks a setting.
    #[error("connector setting {0} is missing")]
    MissingSetting(&'static str),
    /// The gateway has no such operation.
    #[error("the gateway cannot do this")]
    Unsupported,
    /// A try of this kind needs card data and there is none any more.
    #[error("card data is needed and gone")]
    CardNeeded,
}

/// Whether 3-D Secure is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Authentication {
    /// As the gateway decides.
    #[default]
    Default,
    /// Required.
    Force,
    /// Not wanted.
    Skip,
}

/// What is known of the payer's browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserFacts {
    /// Where the issuer's page posts its result.
    pub notification_url: String,
    /// Where the issuer's hidden page posts its result.
    pub method_notification_url: String,
    /// Whether the page runs script, so that a hidden frame can be used.
    pub method_supported: bool,
    /// Language code.
    pub language: &'static str,
}

/// What is to be exchanged now.
#[derive(Debug, Clone)]
pub enum ExchangeKind {
    /// Begin the operation. Card data only with a card try.
    Begin {
        /// The card.
        card: Option<CardDetails>,
        /// The payer's browser, if there is one.
        browser: Option<BrowserFacts>,
        /// Whether 3-D Secure is wanted.
        authentication: Authentication,
    },
    /// The hidden frame of 3-D Secure ended: `Y` done, `N` no answer, `U` not tried.
    DeviceChecked {
        /// `Y`, `N` or `U`.
        indicator: char,
    },
    /// The issuer's page came back with this `cres`.
    Challenged {
        /// The field as it was posted.
        cres: String,
    },
    /// Ask what became of it.
    Enquire,
}

/// Everything a connector may need to make one request.
#[derive(Debug)]
pub struct ExchangeRequest<'a> {
    /// The payment.
    pub payment: &'a Payment,
    /// The operation.
    pub operation: &'a Operation,
    /// Settings of the payment method.
    pub settings: &'a ConnectorSettings,
    /// What is to be exchanged.
    pub kind: &'a ExchangeKind,
    /// Where the gateway finds us and sends the payer back to.
    pub addresses: &'a Addresses,
    /// How many requests of this exchange were answered before; see [`Step::Next`].
    pub round: u32,
    /// The time of this exchange.
    pub at: Timestamp,
}

/// Where a gateway finds us about one operation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addresses {
    /// For its notices.
    pub notice_url: String,
    /// For the payer, on the way back.
    pub return_url: String,
}

impl ExchangeRequest<'_> {
    /// The operation's amount.
    pub fn money(&self) -> Money {
        self.operation.money(self.payment)
    }

    /// The operation that this one captures, voids or refunds.
    pub fn parent(&self) -> Option<&Operation> {
        self.operation
            .parent
            .and_then(|number| self.payment.operation(number))
    }
}

/// What a response means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// There is news about the operation.
    Report(Box<Report>),
    /// It says nothing usable, for this reason: one for the log, without secrets and card data. It counts as
    /// [`Outcome::Unknown`]. Made by [`Step::unusable`].
    Unusable(String),
    /// The gateway knows no such operation. Final only by the connector's [`NotFoundRule`].
    NotFound,
    /// One more request belongs to this exchange; its response comes with `round` one higher. An exchange
    /// has at most [`ROUNDS_MAX`] of them.
    Next(Box<HttpRequest>),
}

/// How many requests one exchange may have.
pub const ROUNDS_MAX: u32 = 4;

/// What a gateway sends by itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice {
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// When it came.
    pub at: Timestamp,
}

impl Notice {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

impl std::fmt::Debug for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "notice of {} bytes", self.body.len())
    }
}

/// What a notice that is to be believed says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeReading {
    /// News about the operation with this number.
    Report(u32, Box<Report>),
    /// Something happened to the operation with this number; the gateway is to be asked what.
    Enquire(u32),
    /// Nothing that we follow.
    Nothing,
}

/// Why a notice is not believed. Nothing changes but the list of incidents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeRefusal {
    /// The gateway sends none.
    #[error("this gateway sends no notices")]
    Unsupported,
    /// It cannot be read.
    #[error("the notice cannot be read")]
    Unreadable,
    /// Its signature is missing or wrong.
    #[error("the signature of the notice is missing or wrong")]
    Signature,
    /// It is signed rightly, but by so many seconds too old; or ahead of our clock, if negative.
    #[error("the notice is {} s {}: see the clocks", .0.unsigned_abs(), if *.0 < 0 { "ahead" } else { "old" })]
    Stale(i64),
    /// It is about another order than its address.
    #[error("the notice is about another order")]
    OtherOrder,
}

impl Step {
    /// A response that says nothing usable.
    pub fn unknown() -> Self {
        Self::Report(Box::new(Report::bare(Outcome::Unknown)))
    }

    /// A response that says nothing usable, and why: on one line and cut to
    /// [`Facts::MESSAGE_MAX`](crate::Facts::MESSAGE_MAX).
    pub fn unusable(reason: &str) -> Self {
        Self::Unusable(crate::Facts::message_of(reason).unwrap_or_default())
    }
}

/// When "no such operation" may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFoundRule {
    /// Never: it stays unknown.
    Never,
    /// When asked at least that many milliseconds after the operation was sent last.
    FinalAfterMs(i64),
}

/// What a gateway says that it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its name, for people.
    pub name: String,
    /// Whether it only plays and moves no money.
    pub test: bool,
    /// The currencies and amounts that it takes.
    pub ranges: Vec<AmountRange>,
    /// Which refunds it makes.
    pub refunds: RefundAbility,
    /// Whether it can reserve first and capture later.
    pub holds: bool,
    /// Milliseconds after which "no such operation" is final; never if absent.
    pub not_found_final_after_ms: Option<i64>,
}

/// Why an answer is no [`Description`]; for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotDescribed(pub String);

/// A translator for one gateway. No sockets, clock or randomness.
pub trait Connector: Send + Sync {
    /// The name payment methods choose it by.
    fn name(&self) -> &'static str;

    /// The headers of responses that [`step`](Self::step) looks at, in lower case.
    fn wanted_headers(&self) -> &'static [&'static str] {
        &[]
    }

    /// The settings that a payment method must give: an array of field descriptors as JSON text, in the order
    /// in which a screen asks for them. `None` if payment methods are not made from it as it is.
    fn settings_schema(&self) -> Option<&'static str> {
        None
    }

    /// What a payer does to pay by it.
    fn method_kind(&self) -> MethodKind {
        MethodKind::Card
    }

    /// Whether what a capture leaves of a hold stays reserved for another capture. If not, the gateway gives
    /// the rest back by itself, whatever it is asked for.
    fn keeps_rest(&self) -> bool {
        true
    }

    /// Whether these settings can be worked with.
    ///
    /// # Errors
    /// The setting that is missing or cannot be used.
    fn check_settings(&self, _settings: &ConnectorSettings) -> Result<(), ConnectorError> {
        Ok(())
    }

    /// The request that asks the gateway what it can do, as the message `id`.
    ///
    /// # Errors
    /// If the gateway cannot tell or a setting is missing; then nothing is sent.
    fn describe(
        &self,
        _settings: &ConnectorSettings,
        _id: &str,
        _at: Timestamp,
    ) -> Result<HttpRequest, ConnectorError> {
        Err(ConnectorError::Unsupported)
    }

    /// What the answer to [`describe`](Self::describe) says.
    ///
    /// # Errors
    /// Why it says nothing.
    fn description(
        &self,
        _settings: &ConnectorSettings,
        _id: &str,
        _at: Timestamp,
        _response: &HttpResponse,
    ) -> Result<Description, NotDescribed> {
        Err(NotDescribed("this gateway cannot tell".to_owned()))
    }

    /// The request for one exchange.
    ///
    /// # Errors
    /// If the gateway cannot do this or a setting is missing; then nothing is sent.
    fn request(&self, exchange: &ExchangeRequest<'_>) -> Result<HttpRequest, ConnectorError>;

    /// What the response to such a request means. Only what is in the gateway's contract counts as an
    /// answer; everything else is [`Outcome::Unknown`].
    fn step(&self, exchange: &ExchangeRequest<'_>, response: &HttpResponse) -> Step;

    /// When "no such operation" may be believed.
    fn not_found_rule(&self, settings: &ConnectorSettings) -> NotFoundRule;

    /// Reads a notice that came to the address of `exchange`'s operation.
    ///
    /// # Errors
    /// If it is not to be believed.
    fn read_notice(
        &self,
        _exchange: &ExchangeRequest<'_>,
        _notice: &Notice,
    ) -> Result<NoticeReading, NoticeRefusal> {
        Err(NoticeRefusal::Unsupported)
    }

    /// The request that asks whether a card takes part in 3-D Secure.
    ///
    /// # Errors
    /// If the gateway cannot tell or a setting is missing; then nothing is sent.
    fn enrollment_request(
        &self,
        _settings: &ConnectorSettings,
        _card: &crate::CardNumber,
    ) -> Result<HttpRequest, ConnectorError> {
        Err(ConnectorError::Unsupported)
    }

    /// Whether the card takes part (`Y`, `N` or `U`), its issuer and the issuer's country.
    fn enrollment(&self, _response: &HttpResponse) -> Option<(char, String, String)> {
        None
    }
}
