//! `POST /v2/…`: which request it is, that its sender may make it, and who carries it out.
//!
//! Checks come in this order, and the first that fails is the answer: size of the body, JSON, who sends
//! it and which payment it is about, a signature at all, a known project, the right signature, the
//! sender's address, the members, the payment as it stands.

use altyn_domain::{MethodKind, Payment, PaymentMethod, Way};
use altyn_engine::{Engine, Owner};
use axum::extract::{Request, State};
use axum::http::{Method as HttpVerb, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::intake;

use super::answer::{self, About, Rejection, Verb, of_engine};
use super::codes::Code;
use super::request::{self, Place, Values};
use super::signed_json::SignedJson;
use super::{DIALECT, Ecommpay, ids, info, sale, threeds, undo};

/// The word by which this family means a card, whatever the method's own id is.
pub(super) const CARD: &str = "card";

/// The longest id of a method in an address.
const METHOD_MAX: usize = 128;

/// What an address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// sale, auth: of a method, in a way.
    Pay(String, Way),
    Capture(String),
    Cancel(String),
    /// With the method that the address names.
    Refund(Option<String>),
    /// 3ds_check_iframe
    FrameChecked(String),
    /// 3ds_result
    Challenged(String),
    Status,
    StatusOfRequest,
    /// The banks of a method.
    Banks,
    Methods,
    /// Whether a signature is right.
    Signature,
    /// One that the family has and this gateway has not.
    Lacking(Place),
}

impl Endpoint {
    /// The request that this path means, if the family has it.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix("/v2/")?.split('/').collect();
        match segments.as_slice() {
            ["payment", rest @ ..] => Self::of_payment(rest),
            ["recurring", "retry_stop"] => Some(Self::Lacking(Place::General)),
            ["customer", "info" | "saved_account", ..] | ["customer", "card", ..] => {
                Self::of_customer(&segments[1..])
            }
            ["info", "banks", method @ .., _operation, "list"] => {
                method_of(method).map(|_| Self::Banks)
            }
            ["info", "available_methods_for_merchant", "list"] => Some(Self::Methods),
            ["info", "check", "signature"] => Some(Self::Signature),
            _ => None,
        }
    }

    fn of_customer(rest: &[&str]) -> Option<Self> {
        let known = matches!(
            rest,
            ["info"]
                | ["saved_account", "list" | "delete"]
                | ["card", "tokenize" | "bytoken"]
                | ["card", "token", "revoke"]
        );
        known.then_some(Self::Lacking(Place::Customer))
    }

    fn of_payment(rest: &[&str]) -> Option<Self> {
        match rest {
            ["status"] => Some(Self::Status),
            ["status", "request"] => Some(Self::StatusOfRequest),
            ["refund"] => Some(Self::Refund(None)),
            ["clarification"]
            | ["invoice", "create" | "cancel"]
            | ["invoice", "card", "token", "create"]
            | ["individual", "payout"] => Some(Self::Lacking(Place::Payment)),
            // A series is asked about without a payment.
            [method @ .., "recurring", "info"] => {
                method_of(method).map(|_| Self::Lacking(Place::General))
            }
            [
                method @ ..,
                "sale" | "auth" | "payout" | "account_verification",
                "token",
            ]
            | [method @ .., "sale" | "auth", "saved"]
            | [method @ .., "recurring", "update" | "cancel"]
            | [
                method @ ..,
                "payout" | "incremental" | "account_verification" | "recurring" | "merchant_auth",
            ] => method_of(method).map(|_| Self::Lacking(Place::Payment)),
            [method @ .., operation] => {
                let endpoint: fn(String) -> Self = match *operation {
                    "sale" => |method| Self::Pay(method, Way::Purchase),
                    "auth" => |method| Self::Pay(method, Way::Hold),
                    "capture" => Self::Capture,
                    "cancel" => Self::Cancel,
                    "refund" => |method| Self::Refund(Some(method)),
                    "3ds_check_iframe" => Self::FrameChecked,
                    "3ds_result" => Self::Challenged,
                    _ => return None,
                };
                method_of(method).map(endpoint)
            }
            [] => None,
        }
    }

    const fn place(&self) -> Place {
        match self {
            Self::Pay(..)
            | Self::Capture(_)
            | Self::Cancel(_)
            | Self::Refund(_)
            | Self::FrameChecked(_)
            | Self::Challenged(_)
            | Self::Status => Place::Payment,
            Self::StatusOfRequest => Place::Root,
            Self::Banks | Self::Methods | Self::Signature => Place::Anywhere,
            Self::Lacking(place) => *place,
        }
    }
}

/// The id of a method: segments as they stand in an address, not decoded.
fn method_of(segments: &[&str]) -> Option<String> {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    let sane = |segment: &&str| {
        segment.starts_with(|c: char| c.is_ascii_alphanumeric()) && segment.bytes().all(plain)
    };
    let method = segments.join("/");
    let fits = !segments.is_empty() && method.len() <= METHOD_MAX;
    (fits && segments.iter().all(sane)).then_some(method)
}

/// One request whose sender has been let in.
pub(super) struct Call<'m> {
    pub ecommpay: &'m Ecommpay,
    pub owner: Owner,
    pub message: &'m SignedJson<'m>,
    /// The number by which the sender knows its project.
    pub project_id: u32,
    /// The sender's id of the payment, as it is written.
    pub payment_id: &'m str,
}

impl<'m> Call<'m> {
    pub(super) fn engine(&self) -> &Engine {
        self.ecommpay.engine()
    }

    pub(super) fn values(&self) -> Values<'m> {
        Values(self.message)
    }

    /// The payment that the request names, if the sender's project has it.
    pub(super) async fn payment(&self) -> Result<Option<Payment>, Rejection> {
        let key = ids::reference_key(self.payment_id);
        let found = self
            .engine()
            .payment_by_reference(&self.owner, DIALECT, &key)
            .await;
        found.map_err(|failure| of_engine(failure, Verb::Read))
    }

    /// The method of the project that an address names.
    pub(super) fn method(&self, named: &str) -> Result<&PaymentMethod, Rejection> {
        let project = self.owner.project();
        let by_word = || {
            let cards = || project.method_of(MethodKind::Card);
            (named == CARD).then(cards).flatten()
        };
        let found = project.method(named).or_else(by_word);
        found.ok_or_else(|| Rejection::bad(Code::UNKNOWN_METHOD))
    }

    /// The method, which must be one of this kind for what is asked.
    pub(super) fn method_of(
        &self,
        named: &str,
        kind: MethodKind,
    ) -> Result<&PaymentMethod, Rejection> {
        let method = self.method(named)?;
        if method.kind != kind {
            return Err(Rejection::forbidden(Code::NOT_ALLOWED_BY_PROJECT));
        }
        Ok(method)
    }
}

/// Every request of the Gate comes in here.
pub(super) async fn entry(State(ecommpay): State<Ecommpay>, request: Request) -> Response {
    let Some(endpoint) = Endpoint::of_path(request.uri().path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if *request.method() != HttpVerb::POST {
        let allow = [(header::ALLOW, "POST")];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    let address = intake::address_of(&request);
    let body = match request::body(request, ecommpay.limits()).await {
        Ok(body) => body,
        Err(rejection) => return answer::rejected(&rejection, About::default()),
    };
    let read = SignedJson::parse(&body).map_err(request::unreadable);
    let identified = read.and_then(|message| {
        let identity = request::identity(&message, endpoint.place())?;
        let owner = request::authenticate(ecommpay.engine(), &message, &identity, address)?;
        Ok((message, identity, owner))
    });
    let (message, identity, owner) = match identified {
        Ok(identified) => identified,
        Err(rejection) => return answer::rejected(&rejection, About::default()),
    };
    let call = Call {
        ecommpay: &ecommpay,
        owner,
        message: &message,
        project_id: identity.project_id,
        payment_id: &identity.payment_id,
    };
    let about = About {
        project_id: Some(identity.project_id),
        payment_id: Some(identity.payment_id.as_str()).filter(|id| !id.is_empty()),
    };
    match Box::pin(carry_out(&endpoint, &call)).await {
        Ok(response) => response,
        Err(rejection) => answer::rejected(&rejection, about),
    }
}

async fn carry_out(endpoint: &Endpoint, call: &Call<'_>) -> Result<Response, Rejection> {
    request::refuse_control_characters(call.message)?;
    match endpoint {
        Endpoint::Pay(method, way) => sale::pay(call, method, *way).await,
        Endpoint::Capture(method) => undo::capture(call, method).await,
        Endpoint::Cancel(method) => undo::cancel(call, method).await,
        Endpoint::Refund(method) => undo::refund(call, method.as_deref()).await,
        Endpoint::FrameChecked(method) => threeds::frame_checked(call, method).await,
        Endpoint::Challenged(method) => threeds::challenged(call, method).await,
        Endpoint::Status => info::status(call).await,
        Endpoint::StatusOfRequest => info::status_of_request(call).await,
        Endpoint::Banks => Ok(info::banks()),
        Endpoint::Methods => Ok(info::methods(call)),
        Endpoint::Signature => Ok(info::signature()),
        Endpoint::Lacking(_) => Err(Rejection::forbidden(Code::NOT_ALLOWED_BY_PROJECT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_what_is_asked_for() {
        let pay = |method: &str, way| Endpoint::Pay(method.to_owned(), way);
        let lacking = Endpoint::Lacking;
        #[rustfmt::skip]
        let table = [
            ("payment/card/sale", pay("card", Way::Purchase)),
            ("payment/card/auth", pay("card", Way::Hold)),
            ("payment/banks/india/sale", pay("banks/india", Way::Purchase)),
            ("payment/status/sale", pay("status", Way::Purchase)),
            ("payment/a.b-c_1/x/y/sale", pay("a.b-c_1/x/y", Way::Purchase)),
            ("payment/card/capture", Endpoint::Capture("card".to_owned())),
            ("payment/card/cancel", Endpoint::Cancel("card".to_owned())),
            ("payment/refund", Endpoint::Refund(None)),
            ("payment/wallet-partner/refund", Endpoint::Refund(Some("wallet-partner".to_owned()))),
            ("payment/card/3ds_result", Endpoint::Challenged("card".to_owned())),
            ("payment/card/3ds_check_iframe", Endpoint::FrameChecked("card".to_owned())),
            ("payment/status", Endpoint::Status),
            ("payment/status/request", Endpoint::StatusOfRequest),
            ("payment/card/sale/token", lacking(Place::Payment)),
            ("payment/card/recurring/cancel", lacking(Place::Payment)),
            ("payment/card/recurring/info", lacking(Place::General)),
            ("payment/individual/payout", lacking(Place::Payment)),
            ("customer/info", lacking(Place::Customer)),
            ("recurring/retry_stop", lacking(Place::General)),
            ("info/banks/banks/india/sale/list", Endpoint::Banks),
            ("info/available_methods_for_merchant/list", Endpoint::Methods),
            ("info/check/signature", Endpoint::Signature),
        ];
        for (path, endpoint) in table {
            assert_eq!(
                Endpoint::of_path(&format!("/v2/{path}")),
                Some(endpoint),
                "{path}"
            );
        }
        let long = format!("payment/{}/sale", "x".repeat(METHOD_MAX + 1));
        #[rustfmt::skip]
        let unknown = [
            "", "payment", "payment/sale", "payment/card", "payment//sale", "payment/../sale",
            "payment/./sale", "payment/card/sale/", "payment/card/sale/x", "payment/c%61rd/sale",
            "payment/карта/sale", "payment/card/Sale", "payment/recurring/info", "info/banks/list",
            "info/banks/sale/list", "customer/card", "customer/card/info", "refund", &long,
        ];
        for path in unknown {
            assert_eq!(Endpoint::of_path(&format!("/v2/{path}")), None, "{path}");
        }
        assert_eq!(Endpoint::of_path("/payment/card/sale"), None);
    }
}
