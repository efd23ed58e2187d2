//! Requests to a remote connector. The body says everything, the kind of request too, for only the body is
//! signed; two sends of one request have the same body.

use altyn_domain::{
    ConnectorError, ExchangeKind, ExchangeRequest, HttpMethod, HttpRequest, Operation,
    OperationKind, Timestamp,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::settings::Settings;
use super::{VERSION, VERSION_HEADER, signature};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Charge,
    Status,
    Cancel,
    Capture,
    Void,
    Refund,
    RefundStatus,
}

impl Kind {
    /// What the first request of an exchange asks for.
    pub(super) fn of(exchange: &ExchangeRequest<'_>) -> Result<Self, ConnectorError> {
        use OperationKind as O;
        match (exchange.kind, exchange.operation.kind) {
            // A card number is for a gateway's own page; it is in no message of this protocol.
            (ExchangeKind::Begin { card: Some(_), .. }, _) => Err(ConnectorError::Unsupported),
            (ExchangeKind::Begin { .. }, O::Sale | O::Auth) => Ok(Self::Charge),
            (ExchangeKind::Begin { .. }, O::Capture) => Ok(Self::Capture),
            (ExchangeKind::Begin { .. }, O::Void) => Ok(Self::Void),
            (ExchangeKind::Begin { .. }, O::Refund | O::Reversal) => Ok(Self::Refund),
            (ExchangeKind::Enquire, O::Sale | O::Auth | O::Capture | O::Void) => Ok(Self::Status),
            (ExchangeKind::Enquire, O::Refund | O::Reversal) => Ok(Self::RefundStatus),
            (_, O::Verify | O::Chargeback | O::Payout)
            | (ExchangeKind::DeviceChecked { .. } | ExchangeKind::Challenged { .. }, _) => {
                Err(ConnectorError::Unsupported)
            }
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Status => "status",
            Self::Cancel => "cancel",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
            Self::RefundStatus => "refund_status",
        }
    }
}

#[derive(Serialize)]
struct Charge<'a> {
    #[serde(rename = "type")]
    kind: Kind,
    operation: String,
    payment: Payment<'a>,
    amount: i64,
    currency: &'static str,
    capture: bool,
    customer: Customer<'a>,
    language: &'static str,
    return_url: &'a str,
    callback_url: &'a str,
    expires_at_ms: i64,
    settings: &'a RawValue,
    #[serde(rename = "static")]
    common: &'a RawValue,
}

#[derive(Serialize)]
struct Payment<'a> {
    id: String,
    reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

#[derive(Serialize)]
struct Customer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<&'a str>,
}

/// A capture, a void or a refund.
#[derive(Serialize)]
struct FollowUp<'a> {
    #[serde(rename = "type")]
    kind: Kind,
    operation: String,
    charge: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    charge_reference: Option<&'a str>,
    amount: i64,
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    release_rest: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    callback_url: &'a str,
    settings: &'a RawValue,
    #[serde(rename = "static")]
    common: &'a RawValue,
}

/// A question about an operation, or the wish to end it.
#[derive(Serialize)]
struct Question<'a> {
    #[serde(rename = "type")]
    kind: Kind,
    operation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    settings: &'a RawValue,
    #[serde(rename = "static")]
    common: &'a RawValue,
}

/// The question what the connector can do.
#[derive(Serialize)]
struct Describe<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    settings: &'a RawValue,
    #[serde(rename = "static")]
    common: &'a RawValue,
}

/// The request that asks what the connector can do.
pub(super) fn describe(
    settings: &Settings<'_>,
    id: &str,
    at: Timestamp,
) -> Result<HttpRequest, ConnectorError> {
    let body = to_json(&Describe {
        kind: "describe",
        settings: settings.own,
        common: settings.common,
    })?;
    Ok(signed(settings, id, signature::second_of(at), body))
}

/// The request of this kind about the operation of an exchange.
pub(super) fn request(
    exchange: &ExchangeRequest<'_>,
    settings: &Settings<'_>,
    kind: Kind,
) -> Result<HttpRequest, ConnectorError> {
    let body = match kind {
        Kind::Charge => to_json(&charge(exchange, settings)),
        Kind::Capture | Kind::Void | Kind::Refund => to_json(&follow_up(exchange, settings, kind)?),
        Kind::Status | Kind::RefundStatus | Kind::Cancel => to_json(&Question {
            kind,
            operation: exchange.operation.id.to_string(),
            reference: exchange.operation.facts.connector_reference.as_deref(),
            settings: settings.own,
            common: settings.common,
        }),
    }?;
    let id = message_id(exchange, kind);
    let second = signature::second_of(exchange.at);
    Ok(signed(settings, &id, second, body))
}

fn signed(settings: &Settings<'_>, id: &str, second: i64, body: Vec<u8>) -> HttpRequest {
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("accept", "application/json".to_owned()),
        (VERSION_HEADER, VERSION.to_owned()),
        (signature::SIGNATURE, settings.keys.sign(id, second, &body)),
        (signature::TIMESTAMP, second.to_string()),
        (signature::ID, id.to_owned()),
    ];
    HttpRequest {
        method: HttpMethod::Post,
        url: settings.base_url.to_owned(),
        headers,
        body,
    }
}

/// The name of a message. What makes something has one name for ever; of questions each is a new one.
pub(super) fn message_id(exchange: &ExchangeRequest<'_>, kind: Kind) -> String {
    let operation = exchange.operation.id.uuid().simple();
    let word = kind.word();
    match kind {
        Kind::Charge | Kind::Capture | Kind::Void | Kind::Refund => {
            format!("msg_{operation}_{word}")
        }
        Kind::Status | Kind::RefundStatus | Kind::Cancel => {
            format!("msg_{operation}_{word}_{}", exchange.at.as_micros())
        }
    }
}

fn charge<'a>(exchange: &ExchangeRequest<'a>, settings: &Settings<'a>) -> Charge<'a> {
    let (payment, operation) = (exchange.payment, exchange.operation);
    let (order, money) = (&payment.order, exchange.money());
    let customer = &order.customer;
    Charge {
        kind: Kind::Charge,
        operation: operation.id.to_string(),
        payment: Payment {
            id: payment.id.to_string(),
            reference: &order.reference,
            description: order.description.as_deref(),
        },
        amount: money.minor(),
        currency: money.currency().alpha(),
        capture: operation.kind == OperationKind::Sale,
        customer: Customer {
            id: customer.id.as_deref(),
            name: customer.name.as_deref(),
            email: customer.email.as_deref(),
            phone: customer.phone.as_deref(),
            country: customer.country.as_deref(),
            ip: customer.ip.as_deref(),
        },
        language: order.language.code(),
        return_url: &exchange.addresses.return_url,
        callback_url: &exchange.addresses.notice_url,
        expires_at_ms: payment.expires_at.as_millis(),
        settings: settings.own,
        common: settings.common,
    }
}

fn follow_up<'a>(
    exchange: &'a ExchangeRequest<'_>,
    settings: &Settings<'a>,
    kind: Kind,
) -> Result<FollowUp<'a>, ConnectorError> {
    let operation = exchange.operation;
    let parent: &Operation = exchange.parent().ok_or(ConnectorError::Unsupported)?;
    let money = exchange.money();
    Ok(FollowUp {
        kind,
        operation: operation.id.to_string(),
        charge: parent.id.to_string(),
        charge_reference: parent.facts.connector_reference.as_deref(),
        amount: money.minor(),
        currency: money.currency().alpha(),
        release_rest: (kind == Kind::Capture).then_some(operation.release_rest),
        reason: operation.description.as_deref(),
        callback_url: &exchange.addresses.notice_url,
        settings: settings.own,
        common: settings.common,
    })
}

fn to_json(body: &impl Serialize) -> Result<Vec<u8>, ConnectorError> {
    serde_json::to_vec(body).map_err(|_| ConnectorError::Unsupported)
}
