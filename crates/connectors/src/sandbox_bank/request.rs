//! Requests to the sandbox bank.

use altyn_domain::{
    Authentication, CardDetails, CardNumber, ConnectorError, ConnectorSettings, ExchangeKind,
    ExchangeRequest, HttpMethod, HttpRequest, Operation, OperationKind,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

#[derive(Serialize)]
struct Authorization<'a> {
    key: String,
    amount: i64,
    currency: &'static str,
    capture: bool,
    verify: bool,
    card: Card<'a>,
    authentication: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    browser: Option<Browser<'a>>,
    order: OrderText<'a>,
}

#[derive(Serialize)]
struct Card<'a> {
    pan: &'a str,
    expiry: String,
    cvc: &'a str,
    holder: &'a str,
}

#[derive(Serialize)]
struct Browser<'a> {
    notification_url: &'a str,
    method_notification_url: &'a str,
    method_supported: bool,
    language: &'a str,
}

#[derive(Serialize)]
struct OrderText<'a> {
    number: &'a str,
    description: &'a str,
}

#[derive(Serialize)]
struct FollowUp {
    key: String,
    amount: i64,
}

#[derive(Serialize)]
struct Enrollment<'a> {
    pan: &'a str,
}

pub(super) fn request(exchange: &ExchangeRequest<'_>) -> Result<HttpRequest, ConnectorError> {
    let operation = exchange.operation;
    match exchange.kind {
        ExchangeKind::Begin { card, .. } => match operation.kind {
            OperationKind::Sale | OperationKind::Auth | OperationKind::Verify => {
                authorization(exchange, card.as_ref().ok_or(ConnectorError::CardNeeded)?)
            }
            OperationKind::Capture => follow_up(exchange, "captures"),
            OperationKind::Void => follow_up(exchange, "voids"),
            OperationKind::Refund | OperationKind::Reversal => follow_up(exchange, "refunds"),
            OperationKind::Chargeback | OperationKind::Payout => Err(ConnectorError::Unsupported),
        },
        ExchangeKind::DeviceChecked { indicator } => {
            let path = format!("operations/{}/authentication", key_in_path(operation));
            let body = serde_json::json!({ "method_completed": indicator.to_string() });
            work(exchange, &path, body.to_string().into_bytes())
        }
        ExchangeKind::Challenged { cres } => {
            let path = format!("operations/{}/challenge", key_in_path(operation));
            let body = serde_json::json!({ "cres": cres });
            work(exchange, &path, body.to_string().into_bytes())
        }
        ExchangeKind::Enquire => {
            let path = format!("operations/{}", key_in_path(operation));
            call(exchange.settings, HttpMethod::Get, &path, Vec::new())
        }
    }
}

fn authorization(
    exchange: &ExchangeRequest<'_>,
    card: &CardDetails,
) -> Result<HttpRequest, ConnectorError> {
    let ExchangeKind::Begin {
        browser,
        authentication,
        ..
    } = exchange.kind
    else {
        return Err(ConnectorError::Unsupported);
    };
    let money = exchange.money();
    let order = &exchange.payment.order;
    let body = Authorization {
        key: exchange.operation.id.to_string(),
        amount: money.minor(),
        currency: money.currency().alpha(),
        capture: exchange.operation.kind == OperationKind::Sale,
        verify: exchange.operation.kind == OperationKind::Verify,
        card: Card {
            pan: card.number.expose(),
            expiry: card.expiry.compact(),
            cvc: card.security_code.expose(),
            holder: &card.holder,
        },
        authentication: match authentication {
            Authentication::Default => "default",
            Authentication::Force => "force",
            Authentication::Skip => "skip",
        },
        browser: browser.as_ref().map(|browser| Browser {
            notification_url: &browser.notification_url,
            method_notification_url: &browser.method_notification_url,
            method_supported: browser.method_supported,
            language: browser.language,
        }),
        order: OrderText {
            number: &order.reference,
            description: order.description.as_deref().unwrap_or(""),
        },
    };
    work(exchange, "authorizations", to_json(&body)?)
}

fn follow_up(exchange: &ExchangeRequest<'_>, what: &str) -> Result<HttpRequest, ConnectorError> {
    let parent = exchange.parent().ok_or(ConnectorError::Unsupported)?;
    let path = format!("operations/{}/{what}", key_in_path(parent));
    let body = FollowUp {
        key: exchange.operation.id.to_string(),
        amount: exchange.money().minor(),
    };
    work(exchange, &path, to_json(&body)?)
}

/// A request that makes the bank work: it says when it was sent, so that the bank starts nothing late and
/// "no such operation" can become final.
fn work(
    exchange: &ExchangeRequest<'_>,
    path: &str,
    body: Vec<u8>,
) -> Result<HttpRequest, ConnectorError> {
    let mut request = call(exchange.settings, HttpMethod::Post, path, body)?;
    if let Some(sent_at) = exchange.operation.sent_at {
        request
            .headers
            .push(("request-sent-at", sent_at.as_millis().to_string()));
    }
    Ok(request)
}

pub(super) fn enrollment(
    settings: &ConnectorSettings,
    card: &CardNumber,
) -> Result<HttpRequest, ConnectorError> {
    let body = to_json(&Enrollment { pan: card.expose() })?;
    call(settings, HttpMethod::Post, "enrollment", body)
}

fn key_in_path(operation: &Operation) -> String {
    utf8_percent_encode(&operation.id.to_string(), NON_ALPHANUMERIC).to_string()
}

fn to_json(body: &impl Serialize) -> Result<Vec<u8>, ConnectorError> {
    serde_json::to_vec(body).map_err(|_| ConnectorError::Unsupported)
}

fn call(
    settings: &ConnectorSettings,
    method: HttpMethod,
    path: &str,
    body: Vec<u8>,
) -> Result<HttpRequest, ConnectorError> {
    let base = settings.require("base_url")?.trim_end_matches('/');
    let key = settings.require("terminal_key")?;
    let headers = vec![
        ("authorization", format!("Bearer {key}")),
        ("content-type", "application/json".to_owned()),
    ];
    Ok(HttpRequest {
        method,
        url: format!("{base}/bank/v1/{path}"),
        headers,
        body,
    })
}
