//! Callbacks in this family's format: a GET with a query or a POST with a form, and a checksum over it.

use altyn_domain::{
    CallbackFormat, CallbackMessage, Endpoint, EndpointChoices, EndpointSecret, Event, EventKind,
    HttpMethod, Operation, Payment, PaymentStatus, Project, RenderError, Timestamp, Way,
};
use form_urlencoded::Serializer;
use url::Url;

use super::order_status::{Amounts, amounts, order_status};
use super::{dates, signature, status};

/// The format "rbs".
#[derive(Debug, Clone, Copy, Default)]
pub struct RbsCallbackFormat;

type Parameters = Vec<(String, String)>;

impl CallbackFormat for RbsCallbackFormat {
    fn name(&self) -> &'static str {
        super::DIALECT
    }

    fn choices(&self) -> EndpointChoices {
        EndpointChoices {
            methods: &[HttpMethod::Get, HttpMethod::Post],
            // As [`operation_word`] has it.
            untold: &[
                EventKind::Cancelled,
                EventKind::ActionRequired,
                EventKind::PeriodOver,
            ],
            retries: true,
            by_project_key: false,
        }
    }

    fn endpoint(&self, id: &str, url: &str, secret: EndpointSecret, _: &str) -> Endpoint {
        Endpoint {
            id: id.to_owned(),
            url: url.to_owned(),
            format: super::DIALECT.to_owned(),
            method: HttpMethod::Get,
            events: Vec::new(),
            signature: "hmac-sha256".to_owned(),
            secret,
            parameters: vec!["amount".to_owned(), "operationRefundedAmount".to_owned()],
            // As gateways of the family do: every 30 s, given up after 3 failures.
            attempts_max: 3,
            retry_pause_ms: 30_000,
        }
    }

    /// Anything but 200 is sent again.
    fn accepts(&self, status: u16) -> bool {
        status == 200
    }

    fn render(
        &self,
        event: &Event,
        _project: &Project,
        endpoint: &Endpoint,
        url: &str,
    ) -> Result<Option<CallbackMessage>, RenderError> {
        let Some((operation, succeeded)) = operation_word(event) else {
            return Ok(None);
        };
        let address = Url::parse(url).map_err(|_| RenderError("not an address".to_owned()))?;
        let mut parameters = base_parameters(event, operation, succeeded);
        for name in &endpoint.parameters {
            let value = optional_parameter(name, event);
            let known = parameters.iter().any(|(known, _)| known == name);
            parameters.extend(value.filter(|_| !known).map(|value| (name.clone(), value)));
        }
        match endpoint.method {
            HttpMethod::Get => by_query(address, parameters, endpoint),
            HttpMethod::Post | HttpMethod::Patch => by_form(url, parameters, endpoint),
        }
        .map(Some)
    }
}

/// The family's word for what happened, and whether it succeeded; `None` if it has none.
fn operation_word(event: &Event) -> Option<(&'static str, bool)> {
    let paid = match event.payment.way {
        Way::Purchase => "deposited",
        Way::Hold | Way::Verify => "approved",
    };
    match event.kind {
        EventKind::Authorized | EventKind::Verified => Some(("approved", true)),
        EventKind::Captured => Some(("deposited", true)),
        EventKind::Voided | EventKind::Reversed => Some(("reversed", true)),
        EventKind::Refunded => Some(("refunded", true)),
        EventKind::TryDeclined => Some((paid, false)),
        EventKind::CaptureDeclined => Some(("deposited", false)),
        EventKind::VoidDeclined => Some(("reversed", false)),
        EventKind::RefundDeclined => Some(("refunded", false)),
        EventKind::Expired => Some(("declinedByTimeout", true)),
        // The shop did it itself and has the answer.
        EventKind::Cancelled => None,
        // It led the payer itself, or asks for the status.
        EventKind::ActionRequired | EventKind::PeriodOver => None,
    }
}

fn base_parameters(event: &Event, operation: &str, succeeded: bool) -> Parameters {
    let payment = &event.payment;
    let status = if succeeded { "1" } else { "0" };
    [
        ("mdOrder", payment.id.uuid().to_string()),
        ("orderNumber", payment.order.reference.clone()),
        ("operation", operation.to_owned()),
        ("status", status.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// A parameter that an endpoint asked for, if it is known of this event.
fn optional_parameter(name: &str, event: &Event) -> Option<String> {
    let payment = &event.payment;
    let operation = event.operation.and_then(|number| payment.operation(number));
    let Amounts {
        approved,
        deposited,
        refunded,
    } = amounts(payment);
    let shown = status::shown_try(payment);
    let date = |at: Option<Timestamp>| at.map(dates::java);
    match name {
        "amount" => Some(payment.amount.minor().to_string()),
        "callbackCreationDate" => Some(dates::java(event.at)),
        "operationRefundedAmount" => refund_of(event, operation).map(|o| o.amount.to_string()),
        "externalRefundId" => refund_of(event, operation).and_then(|o| o.reference.clone()),
        "approvedAmount" => Some(approved.to_string()),
        "depositedAmount" => Some(deposited.to_string()),
        "refundedAmount" => Some(refunded.to_string()),
        "maskedPan" => shown?.card.as_ref().map(|card| card.masked.clone()),
        "cardholderName" => {
            let holder = shown?.card.as_ref().map(|card| card.holder.clone());
            holder.filter(|holder| !holder.is_empty())
        }
        "paymentState" => Some(state_word(payment).to_owned()),
        "actionCode" => Some(action_code(event, operation).to_string()),
        "refNum" => operation.or(shown)?.facts.rrn.clone(),
        "approvalCode" => shown?.facts.approval_code.clone(),
        "terminalId" => shown?.facts.terminal.clone(),
        "ip" => payment.order.customer.ip.clone(),
        "clientId" => payment.order.customer.id.clone(),
        "currency" => Some(status::currency(payment)),
        "paymentDate" => date(payment.winner().and_then(|winner| winner.finished_at)),
        "depositedDate" => date(status::deposited_at(payment)),
        "refundedDate" => date(status::refunded_at(payment)),
        "reversedDate" => date(status::reversed_at(payment)),
        "declineDate" => date(declined_at(payment)),
        "depositFlag" => Some(deposit_flag(payment.way).to_owned()),
        _ => None,
    }
}

fn refund_of<'a>(event: &Event, operation: Option<&'a Operation>) -> Option<&'a Operation> {
    operation.filter(|_| matches!(event.kind, EventKind::Refunded | EventKind::RefundDeclined))
}

/// 1: one step; 2: hold first.
const fn deposit_flag(way: Way) -> &'static str {
    match way {
        Way::Purchase => "1",
        Way::Hold | Way::Verify => "2",
    }
}

/// The code of what the event is about: a refused step tells its own reason.
fn action_code(event: &Event, operation: Option<&Operation>) -> i32 {
    use super::action_code::ActionCode;
    match operation.and_then(|operation| operation.decline) {
        Some(code) => ActionCode::Declined(code).number(),
        None => order_status(&event.payment).action.number(),
    }
}

/// When an unpaid payment ended, or when its newest try was refused.
fn declined_at(payment: &Payment) -> Option<Timestamp> {
    if payment.completed_by.is_some() {
        return None;
    }
    let refused = || {
        payment
            .tries()
            .rev()
            .find(|attempt| attempt.decline.is_some())
    };
    payment
        .end
        .map(|end| end.at)
        .or_else(|| refused().and_then(|attempt| attempt.finished_at))
}

/// The state in the vocabulary of callbacks, which is not that of status answers.
fn state_word(payment: &Payment) -> &'static str {
    match payment.status() {
        PaymentStatus::AwaitingPayment if payment.visible_decline().is_some() => "payment_declined",
        PaymentStatus::AwaitingPayment => "started",
        PaymentStatus::Processing => "pending",
        PaymentStatus::Authorized => "payment_approved",
        PaymentStatus::Captured if payment.uncaptured() > 0 => "partly_deposited",
        PaymentStatus::Captured => "payment_deposited",
        PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded => "refunded",
        PaymentStatus::Voided | PaymentStatus::Verified => "payment_void",
        PaymentStatus::Declined | PaymentStatus::Cancelled | PaymentStatus::Expired => {
            "payment_declined"
        }
    }
}

/// Receivers check the checksum over the whole query they got, so what the address had already is
/// signed as well; it stays in front, byte for byte.
fn by_query(
    mut address: Url,
    mut parameters: Parameters,
    endpoint: &Endpoint,
) -> Result<CallbackMessage, RenderError> {
    let own = parameters.len();
    let theirs = address.query_pairs().into_owned();
    parameters.extend(theirs.collect::<Vec<_>>());
    let signed = checksum(&parameters, endpoint)?;
    parameters.truncate(own);
    let added = encode(parameters.into_iter().chain(signed));
    let query = match address.query() {
        Some(theirs) if !theirs.is_empty() => format!("{theirs}&{added}"),
        Some(_) | None => added,
    };
    address.set_query(Some(&query));
    address.set_fragment(None);
    Ok(CallbackMessage {
        method: HttpMethod::Get,
        url: address.into(),
        content_type: None,
        body: String::new(),
        headers: Vec::new(),
    })
}

fn by_form(
    url: &str,
    parameters: Parameters,
    endpoint: &Endpoint,
) -> Result<CallbackMessage, RenderError> {
    let signed = checksum(&parameters, endpoint)?;
    Ok(CallbackMessage {
        method: HttpMethod::Post,
        url: url.to_owned(),
        content_type: Some("application/x-www-form-urlencoded".to_owned()),
        body: encode(parameters.into_iter().chain(signed)),
        headers: Vec::new(),
    })
}

fn encode(parameters: impl Iterator<Item = (String, String)>) -> String {
    Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

/// `sign_alias` and `checksum`. With a shared key an alias is sent only if the endpoint asked for
/// it: there are receivers that would sign it too.
fn checksum(parameters: &Parameters, endpoint: &Endpoint) -> Result<Parameters, RenderError> {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let text = signature::canonical(parameters);
    let key = endpoint.secret.expose();
    match endpoint.signature.as_str() {
        "none" => Ok(Vec::new()),
        "hmac-sha256" if key.is_empty() => Err(RenderError(
            "the endpoint has no key to sign with".to_owned(),
        )),
        "hmac-sha256" => {
            let checksum = pair("checksum", signature::hmac_sha256_hex(key, &text));
            let wants_alias = endpoint.parameters.iter().any(|name| name == "sign_alias");
            let alias = wants_alias.then(|| pair("sign_alias", "HMAC-SHA256".to_owned()));
            Ok(alias.into_iter().chain([checksum]).collect())
        }
        "rsa-sha512" => {
            let unusable = |_| RenderError("the endpoint's private key cannot be used".to_owned());
            let checksum = signature::rsa_sha512_hex(key, &text).map_err(unusable)?;
            let alias = pair("sign_alias", signature::RSA_ALIAS.to_owned());
            Ok(vec![alias, pair("checksum", checksum)])
        }
        other => Err(RenderError(format!("unknown kind of signature: {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use altyn_domain::{DeclineCode, EndReason, OperationKind, OperationState};

    use super::super::samples::{NOW, Sample, shop};
    use super::*;

    fn endpoint(method: HttpMethod, parameters: &[&str]) -> Endpoint {
        Endpoint {
            id: "shop".to_owned(),
            url: "https://shop.kz/cb".to_owned(),
            format: "rbs".to_owned(),
            method,
            events: Vec::new(),
            signature: "hmac-sha256".to_owned(),
            secret: EndpointSecret::new("bereke-test-key-01"),
            parameters: parameters.iter().map(|name| (*name).to_owned()).collect(),
            attempts_max: 3,
            retry_pause_ms: 30_000,
        }
    }

    fn event(kind: EventKind, operation: Option<u32>, sample: Sample) -> Event {
        Event {
            number: 1,
            kind,
            operation,
            payment: sample.payment(),
            at: NOW,
        }
    }

    fn render(event: &Event, endpoint: &Endpoint, url: &str) -> CallbackMessage {
        RbsCallbackFormat
            .render(event, &shop(), endpoint, url)
            .unwrap()
            .unwrap()
    }

    fn pairs(text: &str) -> Parameters {
        form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect()
    }

    fn value<'a>(pairs: &'a Parameters, name: &str) -> Option<&'a str> {
        pairs
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    #[test]
    fn every_event_has_its_word_or_none() {
        use EventKind as E;
        let table = [
            (E::Authorized, Way::Hold, Some(("approved", true))),
            (E::Captured, Way::Purchase, Some(("deposited", true))),
            (E::Captured, Way::Hold, Some(("deposited", true))),
            (E::Voided, Way::Hold, Some(("reversed", true))),
            (E::Reversed, Way::Purchase, Some(("reversed", true))),
            (E::Refunded, Way::Purchase, Some(("refunded", true))),
            (E::Verified, Way::Verify, Some(("approved", true))),
            (E::TryDeclined, Way::Purchase, Some(("deposited", false))),
            (E::TryDeclined, Way::Hold, Some(("approved", false))),
            (E::CaptureDeclined, Way::Hold, Some(("deposited", false))),
            (E::VoidDeclined, Way::Hold, Some(("reversed", false))),
            (E::RefundDeclined, Way::Purchase, Some(("refunded", false))),
            (E::Expired, Way::Purchase, Some(("declinedByTimeout", true))),
            (E::Cancelled, Way::Purchase, None),
        ];
        for (kind, way, word) in table {
            assert_eq!(
                operation_word(&event(kind, None, Sample::new(way))),
                word,
                "{kind:?}"
            );
        }
        // Nobody chooses what is never told.
        let untold = RbsCallbackFormat.choices().untold;
        for kind in E::ALL {
            let told = operation_word(&event(kind, None, Sample::new(Way::Purchase)));
            assert_eq!(told.is_none(), untold.contains(&kind), "{kind:?}");
        }
        let cancelled = event(E::Cancelled, None, Sample::new(Way::Hold));
        let none = RbsCallbackFormat.render(
            &cancelled,
            &shop(),
            &endpoint(HttpMethod::Get, &[]),
            "https://shop.kz",
        );
        assert_eq!(none, Ok(None));
        assert!(RbsCallbackFormat.accepts(200) && !RbsCallbackFormat.accepts(204));
    }

    #[test]
    fn a_query_is_checked_as_shops_check_it() {
        let refunded = Sample::new(Way::Purchase)
            .paid()
            .then(OperationKind::Refund, OperationState::Succeeded, 300)
            .reference("r 1");
        let event = event(EventKind::Refunded, Some(2), refunded);
        let names = [
            "amount",
            "operationRefundedAmount",
            "callbackCreationDate",
            "externalRefundId",
            "unheardOf",
        ];
        let message = render(
            &event,
            &endpoint(HttpMethod::Get, &names),
            "https://shop.kz/cb?route=a%20b&x=",
        );
        assert_eq!(
            (message.method, message.content_type, message.body.as_str()),
            (HttpMethod::Get, None, "")
        );
        let (address, query) = message.url.split_once('?').unwrap();
        assert_eq!(address, "https://shop.kz/cb");
        assert!(query.starts_with("route=a%20b&x=&mdOrder="), "{query}");
        let got = pairs(query);
        assert_eq!(value(&got, "operation"), Some("refunded"));
        assert_eq!(value(&got, "operationRefundedAmount"), Some("300"));
        assert_eq!(value(&got, "externalRefundId"), Some("r 1"));
        assert_eq!(
            value(&got, "callbackCreationDate"),
            Some("Sun Nov 22 00:00:00 UTC 2026")
        );
        assert_eq!(value(&got, "unheardOf"), None);
        assert_eq!(value(&got, "sign_alias"), None);
        let expected =
            signature::hmac_sha256_hex("bereke-test-key-01", &signature::canonical(&got));
        assert_eq!(value(&got, "checksum"), Some(expected.as_str()));
    }

    #[test]
    fn a_form_leaves_the_address_alone() {
        let event = event(
            EventKind::Captured,
            Some(1),
            Sample::new(Way::Purchase).paid(),
        );
        let mut endpoint = endpoint(
            HttpMethod::Post,
            &["maskedPan", "paymentState", "sign_alias"],
        );
        let url = "https://shop.kz/cb?route=x";
        let message = render(&event, &endpoint, url);
        assert_eq!(
            (message.method, message.url.as_str()),
            (HttpMethod::Post, url)
        );
        assert_eq!(
            message.content_type.as_deref(),
            Some("application/x-www-form-urlencoded")
        );
        let got = pairs(&message.body);
        assert_eq!(value(&got, "maskedPan"), Some("411111**1111"));
        assert_eq!(value(&got, "paymentState"), Some("payment_deposited"));
        assert_eq!(value(&got, "sign_alias"), Some("HMAC-SHA256"));
        let expected =
            signature::hmac_sha256_hex("bereke-test-key-01", &signature::canonical(&got));
        assert_eq!(value(&got, "checksum"), Some(expected.as_str()));
        endpoint.signature = "none".to_owned();
        let got = pairs(&render(&event, &endpoint, url).body);
        assert_eq!(
            (value(&got, "checksum"), value(&got, "sign_alias")),
            (None, None)
        );
    }

    #[test]
    fn what_cannot_be_signed_is_not_sent() {
        let event = event(
            EventKind::Captured,
            Some(1),
            Sample::new(Way::Purchase).paid(),
        );
        let mut endpoint = endpoint(HttpMethod::Get, &[]);
        for (kind, key) in [
            ("hmac-sha256", ""),
            ("rsa-sha512", "no key"),
            ("md5", "key"),
            ("", "key"),
        ] {
            endpoint.signature = kind.to_owned();
            endpoint.secret = EndpointSecret::new(key);
            assert!(
                RbsCallbackFormat
                    .render(&event, &shop(), &endpoint, "https://shop.kz/")
                    .is_err(),
                "{kind}"
            );
        }
        endpoint.signature = "none".to_owned();
        assert!(
            RbsCallbackFormat
                .render(&event, &shop(), &endpoint, "no address")
                .is_err()
        );
    }

    #[test]
    fn optional_parameters_tell_what_is_known() {
        let paid = event(
            EventKind::Captured,
            Some(1),
            Sample::new(Way::Purchase).paid(),
        );
        let table = [
            ("approvedAmount", Some("1000")),
            ("depositedAmount", Some("1000")),
            ("refundedAmount", Some("0")),
            ("actionCode", Some("0")),
            ("refNum", Some("000000000001")),
            ("approvalCode", Some("123456")),
            ("terminalId", Some("SANDBOX1")),
            ("ip", Some("203.0.113.7")),
            ("clientId", Some("cust-7")),
            ("currency", Some("398")),
            ("depositFlag", Some("1")),
            ("cardholderName", Some("TEST HOLDER")),
            ("paymentDate", Some("Sun Nov 22 00:00:01 UTC 2026")),
            ("depositedDate", Some("Sun Nov 22 00:00:01 UTC 2026")),
            ("refundedDate", None),
            ("reversedDate", None),
            ("declineDate", None),
            ("externalRefundId", None),
            ("operationRefundedAmount", None),
            ("bindingId", None),
        ];
        for (name, expected) in table {
            assert_eq!(
                optional_parameter(name, &paid).as_deref(),
                expected,
                "{name}"
            );
        }
        let refused = Sample::new(Way::Hold)
            .refused(DeclineCode::InsufficientFunds)
            .ended(EndReason::Declined);
        let refused = event(EventKind::TryDeclined, Some(1), refused);
        let told = |name| optional_parameter(name, &refused);
        assert_eq!(told("actionCode").as_deref(), Some("116"));
        assert_eq!(
            told("declineDate").as_deref(),
            Some("Sun Nov 22 00:01:00 UTC 2026")
        );
        assert_eq!(told("paymentState").as_deref(), Some("payment_declined"));
        assert_eq!(told("depositFlag").as_deref(), Some("2"));
    }
}
