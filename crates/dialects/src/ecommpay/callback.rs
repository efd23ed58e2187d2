//! Callbacks in this dialect's format: a POST of signed JSON, and its own schedule of attempts.
//!
//! Parameters of an endpoint that this format knows:
//! - `public_url=https://pay.example`: the address under which payers reach our pages. Needed if shops
//!   lead payers by this format and leave 3-D Secure to us, for then the payer is sent there.
//! - `cancelled`: the status of a hold that was given up is spelt so, and not `canceled`.
//!
//! An endpoint whose shop uses the Gate must name the events that are not final too: one of them tells
//! where to lead the payer, the other that a try is given up.
//!
//! The endpoint's kind of signature, its method and its own numbers of attempts and pauses do not
//! count: this format has one of each.

use altyn_domain::{
    CallbackFormat, CallbackMessage, Endpoint, EndpointChoices, EndpointSecret, Event, EventKind,
    HttpMethod, Initiator, Operation, Payment, Project, RenderError,
};
use serde::Serialize;

use super::extra::Door;
use super::lead::Lead;
use super::objects::{
    Account, CustomerObject, OperationObject, PaymentObject, Signed, project_number,
};
use super::view::{Spelling, View};
use super::{DIALECT, schedule};

/// Tells the format where payers find our pages.
pub fn public_url_parameter(public_url: &str) -> String {
    format!("public_url={public_url}")
}

/// The format "ecommpay".
#[derive(Debug, Clone, Copy, Default)]
pub struct EcommpayCallbackFormat;

impl CallbackFormat for EcommpayCallbackFormat {
    fn name(&self) -> &'static str {
        DIALECT
    }

    fn choices(&self) -> EndpointChoices {
        EndpointChoices {
            methods: &[HttpMethod::Post],
            untold: &[],
            retries: false,
            by_project_key: true,
        }
    }

    fn endpoint(&self, id: &str, url: &str, secret: EndpointSecret, public_url: &str) -> Endpoint {
        Endpoint {
            id: id.to_owned(),
            url: url.to_owned(),
            format: DIALECT.to_owned(),
            method: HttpMethod::Post,
            // All that there is, what leads the payer included.
            events: EventKind::ALL.to_vec(),
            signature: "hmac-sha512".to_owned(),
            secret,
            parameters: vec![public_url_parameter(public_url)],
            // Not used: how often and when is the format's own.
            attempts_max: schedule::ATTEMPTS_MAX,
            retry_pause_ms: 10_000,
        }
    }

    /// Anything but 200 is sent again.
    fn accepts(&self, status: u16) -> bool {
        status == 200
    }

    fn retry_pause_ms(&self, _endpoint: &Endpoint, attempts: u32) -> Option<i64> {
        schedule::pause_after(attempts)
    }

    fn render(
        &self,
        event: &Event,
        project: &Project,
        endpoint: &Endpoint,
        url: &str,
    ) -> Result<Option<CallbackMessage>, RenderError> {
        if endpoint.secret.expose().is_empty() {
            return Err(fault("the endpoint has no key to sign with"));
        }
        let number = project_number(project);
        let number = number.ok_or_else(|| fault("the project has no number in this dialect"))?;
        let view = View::new(&event.payment, project, Spelling::of(&endpoint.parameters));
        let Some(operation) = told(event, &view, endpoint) else {
            return Ok(None);
        };
        let lead = match operation.filter(|_| event.kind == EventKind::ActionRequired) {
            Some(operation) => Lead::of(&view, operation, endpoint)?,
            None => Lead::default(),
        };
        let body = Body {
            project_id: number,
            payment: PaymentObject::of(&view, operation),
            customer: CustomerObject::of(&view),
            operation: operation.and_then(|operation| OperationObject::of(&view, operation)),
            account: Account::of(&view, operation),
            lead,
        };
        let signed = Signed::new(body, endpoint.secret.expose());
        let body = serde_json::to_string(&signed).map_err(|error| fault(&error.to_string()))?;
        Ok(Some(CallbackMessage {
            method: HttpMethod::Post,
            url: url.to_owned(),
            content_type: Some("application/json".to_owned()),
            body,
            headers: Vec::new(),
        }))
    }
}

fn fault(why: &str) -> RenderError {
    RenderError(why.to_owned())
}

/// What the event is told with: an operation, or none if the payment never had one. The outer `None` is
/// for events that are not told.
fn told<'a>(event: &Event, view: &View<'a>, endpoint: &Endpoint) -> Option<Option<&'a Operation>> {
    let payment = view.payment;
    let shown = |number| {
        view.operations()
            .find(|operation| operation.number == number)
    };
    match event.kind {
        EventKind::Authorized
        | EventKind::Captured
        | EventKind::Voided
        | EventKind::Refunded
        | EventKind::Reversed
        | EventKind::Verified
        | EventKind::TryDeclined
        | EventKind::CaptureDeclined
        | EventKind::VoidDeclined
        | EventKind::RefundDeclined
        | EventKind::PeriodOver => event.operation.and_then(shown).map(Some),
        // A payer on our own page is led by that page.
        EventKind::ActionRequired => {
            let operation = event.operation.and_then(shown)?;
            (operation.initiator == Initiator::Merchant).then_some(Some(operation))
        }
        EventKind::Expired if is_known(payment, endpoint) => None,
        // A form that was opened and never used is no payment.
        EventKind::Expired | EventKind::Cancelled if was_never_used(view) => None,
        EventKind::Expired | EventKind::Cancelled => {
            Some(view.operations().rfind(|operation| operation.kind.is_try()))
        }
    }
}

fn was_never_used(view: &View<'_>) -> bool {
    let ours = view.payment.dialect == DIALECT && view.extra.door == Door::Page;
    ours && view.payment.operations.is_empty()
}

/// Whether the endpoint has heard of this end of an unpaid payment already: together with the refusal
/// of its last try, or when it stopped waiting for that try.
fn is_known(payment: &Payment, endpoint: &Endpoint) -> bool {
    let (Some(last), Some(end)) = (payment.last_try(), payment.end) else {
        return false;
    };
    if last.state.is_open() {
        let stopped = last.period_over && payment.tries_left() == 0;
        stopped && endpoint.wants(EventKind::PeriodOver)
    } else {
        last.finished_at == Some(end.at) && endpoint.wants(EventKind::TryDeclined)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    project_id: u32,
    payment: PaymentObject<'a>,
    customer: CustomerObject<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<OperationObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Account<'a>>,
    #[serde(flatten)]
    lead: Lead<'a>,
}

#[cfg(test)]
mod tests {
    use altyn_domain::{
        DeclineCode, EndReason, EndpointSecret, OperationKind, OperationState, PayerAction, Way,
    };
    use serde_json::json;

    use super::super::delivered::assert_signed_alike;
    use super::super::delivered::{ALL, checked, endpoint, event, names, try_render};
    use super::super::extra::Extra;
    use super::super::samples::{NOW, Sample, challenge, device_check, project, redirect};
    use super::super::standings::standings;
    use super::*;

    fn render(kind: EventKind, operation: u32, sample: Sample) -> String {
        let event = event(kind, Some(operation), sample.payment());
        try_render(&event, &endpoint()).unwrap().unwrap()
    }

    #[test]
    fn shops_are_told_where_to_send_the_payer() {
        let tried = Sample::new(Way::Purchase).tried(OperationState::Pending);
        let text = render(
            EventKind::ActionRequired,
            1,
            tried.clone().asked(redirect()),
        );
        let expected = concat!(
            r#""redirect_data":{"body":{},"method":"POST","#,
            r#""url":"https://test.cashfree.com/billpay/order/example123","encrypted":[]},"#,
        );
        assert!(text.contains(expected), "{text}");
        let value = checked(&text);
        for object in ["payment", "operation"] {
            assert_eq!(value[object]["status"], "awaiting redirect result");
        }
        assert_eq!(value["operation"]["code"], "9999");
        assert_eq!(value["operation"]["message"], "Awaiting processing");
        assert!(value["operation"].get("provider").is_none());
        let fields = PayerAction::Redirect {
            url: "https://partner.in/".to_owned(),
            method: HttpMethod::Get,
            fields: [("b", "2"), ("a", "1")]
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
                .into(),
        };
        let value = checked(&render(EventKind::ActionRequired, 1, tried.asked(fields)));
        assert_eq!(value["redirect_data"]["body"], json!({"a": "1", "b": "2"}));
        assert_eq!(value["redirect_data"]["method"], "GET");
    }

    #[test]
    fn shops_that_carry_3d_secure_out_get_its_steps() {
        let by_shop = Sample::new(Way::Purchase).own_authentication();
        let tried = by_shop.tried(OperationState::Pending).by_card();
        let frame = render(
            EventKind::ActionRequired,
            1,
            tried.clone().asked(device_check()),
        );
        let frame = checked(&frame);
        let expected = json!({"iframe": {
            "url": "https://acs.in/method",
            "params": {"threeDSMethodData": "eyJ9", "3DSMethodData": "eyJ9"},
        }});
        assert_eq!(frame["threeds2"], expected);
        let asked = checked(&render(
            EventKind::ActionRequired,
            1,
            tried.asked(challenge()),
        ));
        let expected = json!({"redirect": {
            "url": "https://acs.in/challenge",
            "params": {"creq": "e30", "threeDSSessionData": "dC0x"},
        }});
        assert_eq!(asked["threeds2"], expected);
        for value in [frame, asked] {
            assert!(value.get("redirect_data").is_none());
            assert_eq!(value["payment"]["status"], "awaiting 3ds result");
            assert_eq!(value["account"]["number"], "411111**1111");
        }
    }

    #[test]
    fn shops_that_leave_3d_secure_to_us_send_the_payer_to_us() {
        let tried = Sample::new(Way::Purchase).tried(OperationState::Pending);
        let sample = tried.by_card().asked(challenge());
        let value = checked(&render(EventKind::ActionRequired, 1, sample.clone()));
        let payment = sample.payment();
        let address = format!("https://pay.in/checkout/{}/3ds", payment.id.uuid());
        let expected = json!({"body": {}, "method": "GET", "url": address, "encrypted": []});
        assert_eq!(value["redirect_data"], expected);
        assert_eq!(value["payment"]["status"], "awaiting redirect result");
        let event = event(EventKind::ActionRequired, Some(1), payment);
        let nowhere = Endpoint {
            parameters: Vec::new(),
            ..endpoint()
        };
        assert!(try_render(&event, &nowhere).is_err());
    }

    #[test]
    fn payers_on_our_own_page_are_led_by_it() {
        let tried = Sample::page(Way::Purchase).tried(OperationState::Pending);
        for action in [redirect(), challenge(), device_check()] {
            let payment = tried.clone().asked(action).payment();
            let event = event(EventKind::ActionRequired, Some(1), payment);
            assert_eq!(try_render(&event, &endpoint()), Ok(None));
        }
    }

    /// The event, its operation, and what is told: payment status, operation type and status, code.
    #[test]
    fn every_event_is_told_in_its_words() {
        use {EventKind as E, OperationKind as K, OperationState as S};
        let sale = || Sample::new(Way::Purchase);
        let hold = || Sample::new(Way::Hold).paid();
        let page = || Sample::page(Way::Purchase);
        let code = DeclineCode::General;
        let ended = |sample: Sample| sample.ended(EndReason::Declined);
        #[rustfmt::skip]
        let table = [
            (E::Captured, 1, sale().paid(), ["success", "sale", "success", "0"]),
            (E::Authorized, 1, hold(), ["awaiting capture", "auth", "success", "0"]),
            (E::Captured, 2, hold().then(K::Capture, S::Succeeded, 1000), ["success", "capture", "success", "0"]),
            (E::CaptureDeclined, 2, hold().then(K::Capture, S::Declined, 1000), ["awaiting capture", "capture", "decline", "20000"]),
            (E::Voided, 2, hold().then(K::Void, S::Succeeded, 1000), ["canceled", "cancel", "success", "0"]),
            (E::VoidDeclined, 2, hold().then(K::Void, S::Declined, 1000), ["awaiting capture", "cancel", "decline", "20000"]),
            (E::Refunded, 2, sale().paid().then(K::Refund, S::Succeeded, 1), ["partially refunded", "refund", "success", "0"]),
            (E::RefundDeclined, 2, sale().paid().then(K::Refund, S::Declined, 1), ["success", "refund", "decline", "20000"]),
            (E::Reversed, 2, sale().paid().then(K::Reversal, S::Succeeded, 1000), ["reversed", "reversal", "success", "0"]),
            (E::Verified, 1, Sample::new(Way::Verify).paid(), ["success", "account verification", "success", "0"]),
            (E::TryDeclined, 1, ended(sale().refused(code)), ["decline", "sale", "decline", "20000"]),
            (E::TryDeclined, 1, page().refused(code), ["awaiting customer", "sale", "decline", "20000"]),
            (E::TryDeclined, 1, page().refused(code).tried(S::Sent), ["processing", "sale", "decline", "20000"]),
            (E::PeriodOver, 1, sale().tried(S::Pending).period_over(), ["decline", "sale", "decline", "603"]),
            (E::Captured, 1, sale().paid().period_over(), ["success", "sale", "success", "0"]),
            (E::Expired, 0, page().refused(code).ended(EndReason::Expired), ["decline", "sale", "decline", "20000"]),
            (E::Cancelled, 0, page().refused(code).ended(EndReason::Cancelled), ["canceled", "sale", "decline", "20000"]),
        ];
        for (kind, number, sample, expected) in table {
            let event = event(kind, (number > 0).then_some(number), sample.payment());
            let value = checked(&try_render(&event, &endpoint()).unwrap().unwrap());
            let operation = &value["operation"];
            let told = [
                &value["payment"]["status"],
                &operation["type"],
                &operation["status"],
                &operation["code"],
            ];
            assert_eq!(told, expected, "{kind:?}");
        }
    }

    #[test]
    fn an_end_is_told_once() {
        let untold = |payment: Payment, endpoint: &Endpoint| {
            let expired = event(EventKind::Expired, None, payment);
            try_render(&expired, endpoint) == Ok(None)
        };
        let without = |kind| Endpoint {
            events: ALL.into_iter().filter(|known| *known != kind).collect(),
            ..endpoint()
        };
        let unknown = Sample::new(Way::Purchase)
            .tried(OperationState::Pending)
            .period_over();
        let unknown = unknown.ended(EndReason::Expired).payment();
        assert!(untold(unknown.clone(), &endpoint()));
        assert!(!untold(unknown, &without(EventKind::PeriodOver)));
        let refused = Sample::page(Way::Purchase).refused(DeclineCode::General);
        let mut refused = refused.ended(EndReason::Expired).payment();
        assert!(
            !untold(refused.clone(), &endpoint()),
            "there were tries left"
        );
        refused.operations[0].finished_at = refused.end.map(|end| end.at);
        assert!(
            untold(refused.clone(), &endpoint()),
            "it ended in the same moment"
        );
        assert!(!untold(refused, &without(EventKind::TryDeclined)));
        let chances = Sample::page(Way::Purchase)
            .tried(OperationState::Pending)
            .period_over();
        assert!(!untold(
            chances.ended(EndReason::Expired).payment(),
            &endpoint()
        ));
    }

    #[test]
    fn a_form_that_was_never_used_is_no_payment() {
        let ended = |reason| Sample::page(Way::Purchase).ended(reason).payment();
        let mut foreign = ended(EndReason::Expired);
        foreign.dialect = "rbs".to_owned();
        let expired = event(EventKind::Expired, None, ended(EndReason::Expired));
        let cancelled = event(EventKind::Cancelled, None, ended(EndReason::Cancelled));
        for event in [expired, cancelled] {
            assert_eq!(try_render(&event, &endpoint()), Ok(None));
        }
        let event = event(EventKind::Expired, None, foreign);
        let text = try_render(&event, &endpoint()).unwrap().unwrap();
        assert_eq!(
            names(&text),
            ["project_id", "payment", "customer", "signature"]
        );
        assert_eq!(checked(&text)["payment"]["status"], "expired");
    }

    #[test]
    fn what_merchants_are_not_told_of_is_not_told() {
        let surplus = Sample::page(Way::Purchase).paid();
        let surplus = surplus.tried(OperationState::Succeeded).surplus().payment();
        let gone = event(EventKind::Captured, Some(9), surplus.clone());
        for event in [event(EventKind::Captured, Some(2), surplus), gone] {
            assert_eq!(try_render(&event, &endpoint()), Ok(None));
        }
    }

    #[test]
    fn every_event_of_every_standing_is_signed_alike_everywhere() {
        let mut rendered = 0;
        for (name, sample, _) in standings() {
            let payment = sample.payment();
            let numbers = payment
                .operations
                .iter()
                .map(|operation| Some(operation.number));
            for number in numbers.chain([None]) {
                for kind in ALL {
                    let event = event(kind, number, payment.clone());
                    let Some(text) = try_render(&event, &endpoint()).unwrap() else {
                        continue;
                    };
                    assert_signed_alike(&checked(&text), name);
                    rendered += 1;
                }
            }
        }
        assert!(rendered > 500, "{rendered}");
    }

    #[test]
    fn without_a_key_or_a_number_nothing_can_be_made() {
        let event = event(
            EventKind::Captured,
            Some(1),
            Sample::new(Way::Purchase).paid().payment(),
        );
        let keyless = Endpoint {
            secret: EndpointSecret::default(),
            ..endpoint()
        };
        assert!(try_render(&event, &keyless).is_err());
        let mut nameless = project();
        nameless.settings.keys.clear();
        let url = "https://shop.in";
        assert!(
            EcommpayCallbackFormat
                .render(&event, &nameless, &endpoint(), url)
                .is_err()
        );
    }

    #[test]
    fn cards_have_an_account_and_an_eci() {
        let text = render(
            EventKind::Captured,
            1,
            Sample::new(Way::Purchase).paid().by_card(),
        );
        let value = checked(&text);
        let members = [
            "project_id",
            "payment",
            "customer",
            "operation",
            "account",
            "signature",
        ];
        assert_eq!(names(&text), members);
        assert_eq!(value["payment"]["method"], "card");
        assert_eq!(value["operation"]["eci"], "05");
        assert_eq!(value["account"]["expiry_year"], "2030");
        let no_name = Sample::new(Way::Purchase)
            .paid()
            .by_card()
            .last(|operation| {
                let card = operation.card.as_mut().unwrap();
                card.holder.clear();
                card.brand = altyn_domain::CardBrand::Other;
            });
        let value = checked(&render(EventKind::Captured, 1, no_name));
        let account =
            json!({"number": "411111**1111", "expiry_month": "12", "expiry_year": "2030"});
        assert_eq!(value["account"], account);
    }

    #[test]
    fn payments_of_other_dialects_are_told_too() {
        let mut payment = Sample::new(Way::Purchase).paid().payment();
        payment.dialect = "rbs".to_owned();
        assert_eq!(Extra::of(&payment), Extra::default());
        let event = event(EventKind::Captured, Some(1), payment);
        let value = checked(&try_render(&event, &endpoint()).unwrap().unwrap());
        assert_eq!(value["payment"]["status"], "success");
        assert_eq!(event.at, NOW.plus_millis(1_000));
    }

    #[test]
    fn only_200_is_an_acceptance() {
        assert!(EcommpayCallbackFormat.accepts(200) && !EcommpayCallbackFormat.accepts(204));
        assert_eq!(EcommpayCallbackFormat.name(), "ecommpay");
        let pauses = [1, 119, 120].map(|n| EcommpayCallbackFormat.retry_pause_ms(&endpoint(), n));
        assert_eq!(pauses, [Some(10_000), Some(14_400_000), None]);
    }
}
