//! The callbacks that the documentation of the protocol shows, member by member: for tests of this dialect.

use altyn_domain::{
    DeclineCode, EndReason, EventKind, OperationKind, OperationState, Timestamp, Way,
};
use serde_json::json;

use super::delivered::{checked, endpoint, event, try_render};
use super::objects::Signed;
use super::samples::{KEY, Sample};

/// Text of a message but for what differs in every installation, byte for byte.
fn without_our_own(text: &str) -> String {
    let value = checked(text);
    let ours = [&value["operation"]["request_id"], &value["signature"]];
    let ours = ours.map(|value| value.as_str().unwrap().to_owned());
    text.replace(&ours[0], "REQUEST")
        .replace(&ours[1], "SIGNATURE")
}

fn seconds(text: &str) -> Timestamp {
    let instant: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_micros(instant.as_microsecond())
}

/// A payment with the order, ids and times of a documented example.
fn documented(id: &str, customer: Option<&str>, phone: &str, amount: i64) -> Sample {
    let mut sample = Sample::new(Way::Purchase).amount(amount);
    sample.order(|order| {
        order.reference = id.to_owned();
        order.description = Some(id.to_owned());
        order.customer.id = customer.map(str::to_owned);
        order.customer.phone = Some(phone.to_owned());
    });
    sample
}

fn dated(sample: Sample, serial: i64, created: &str, finished: &str) -> Sample {
    sample.last(|operation| {
        operation.serial = serial;
        operation.created_at = seconds(created);
        operation.finished_at = Some(seconds(finished));
    })
}

fn happened(sample: Sample, reference: &str, at: &str) -> Sample {
    sample
        .reached(reference)
        .last(|o| o.facts.happened_at = Some(seconds(at)))
}

fn render_at(kind: EventKind, operation: u32, sample: Sample, at: &str) -> String {
    let mut payment = sample.payment();
    payment.updated_at = seconds(at);
    let event = event(kind, Some(operation), payment);
    try_render(&event, &endpoint()).unwrap().unwrap()
}

#[test]
fn the_documented_sale_is_told_as_documented() {
    let mut sale = documented("TEST_wallet-partner_333", None, "123456789", 15_000);
    sale.order(|order| order.description = Some("TEST".to_owned()));
    let (created, at) = ("2020-08-24T09:23:21Z", "2020-08-24T09:36:01Z");
    let sale = dated(sale.paid(), 5_048_925_000_004_552, created, at);
    let sale = happened(sale, "201738090", "2020-08-24T09:33:56Z");
    let text = render_at(EventKind::Captured, 1, sale, at);
    let expected = concat!(
        r#"{"project_id":197,"payment":{"id":"TEST_wallet-partner_333","type":"purchase","#,
        r#""status":"success","date":"2020-08-24T09:36:01+0000","method":"wallet-partner","#,
        r#""sum":{"amount":15000,"currency":"INR"},"description":"TEST"},"#,
        r#""customer":{"phone":"123456789"},"operation":{"id":5048925000004552,"type":"sale","#,
        r#""status":"success","date":"2020-08-24T09:36:01+0000","#,
        r#""created_date":"2020-08-24T09:23:21+0000","request_id":"REQUEST","#,
        r#""sum_initial":{"amount":15000,"currency":"INR"},"#,
        r#""sum_converted":{"amount":15000,"currency":"INR"},"code":"0","message":"Success","#,
        r#""provider":{"id":1731,"payment_id":"201738090","auth_code":"","#,
        r#""date":"2020-08-24T09:33:56+0000"}},"signature":"SIGNATURE"}"#,
    );
    assert_eq!(without_our_own(&text), expected);
    // With the documented id of the request it is the message whose signature is agreed on.
    let mut value = checked(&text);
    value["operation"]["request_id"] = json!("65c6ff709b27777e91fe-05048926");
    let agreed =
        "8zNYtdChqKcPpqmHuGYOw0hcVQNX4U7lp6lkL0am7H+aPBdApKCeStvqlcAp3NKzuY0yISytJIuFc164DVOEoQ==";
    let signed = Signed::new(value, KEY);
    assert_eq!(serde_json::to_value(signed).unwrap()["signature"], agreed);
}

#[test]
fn the_documented_decline_is_told_as_documented() {
    let sale = documented("TEST_130670", Some("1"), "0000000000009999", 100);
    let (created, at) = ("2020-08-26T13:35:11Z", "2020-08-26T13:46:07Z");
    let sale = sale
        .refused(DeclineCode::General)
        .ended(EndReason::Declined);
    let mut sale = happened(
        dated(sale, 5_036_823_000_004_992, created, at),
        "202841146",
        "2020-08-26T13:35:41Z",
    )
    .payment();
    sale.end = sale.end.map(|end| altyn_domain::End {
        at: seconds(at),
        ..end
    });
    sale.updated_at = seconds(at);
    let event = event(EventKind::TryDeclined, Some(1), sale);
    let text = try_render(&event, &endpoint()).unwrap().unwrap();
    let expected = concat!(
        r#"{"project_id":197,"payment":{"id":"TEST_130670","type":"purchase","#,
        r#""status":"decline","date":"2020-08-26T13:46:07+0000","method":"wallet-partner","#,
        r#""sum":{"amount":100,"currency":"INR"},"description":"TEST_130670"},"#,
        r#""customer":{"id":"1","phone":"0000000000009999"},"#,
        r#""operation":{"id":5036823000004992,"type":"sale","#,
        r#""status":"decline","date":"2020-08-26T13:46:07+0000","#,
        r#""created_date":"2020-08-26T13:35:11+0000","request_id":"REQUEST","#,
        r#""sum_initial":{"amount":100,"currency":"INR"},"#,
        r#""sum_converted":{"amount":100,"currency":"INR"},"#,
        r#""code":"20000","message":"General decline","#,
        r#""provider":{"id":1731,"payment_id":"202841146","auth_code":"","#,
        r#""date":"2020-08-26T13:35:41+0000"}},"signature":"SIGNATURE"}"#,
    );
    assert_eq!(without_our_own(&text), expected);
}

/// Paid, and a refund of `amount` asked for under the payment's own id.
fn documented_refund(id: &str, serial: i64, state: OperationState, amount: i64) -> Sample {
    let paid = documented(id, Some("1"), "1234567890", 35_000).paid();
    let refund = paid.then(OperationKind::Refund, state, amount);
    let refund = dated(
        refund,
        serial,
        "2020-09-09T09:46:14Z",
        "2020-09-09T10:02:18Z",
    );
    refund.last(|refund| refund.reference = Some(id.to_owned()))
}

#[test]
fn the_documented_refund_is_told_as_documented() {
    let state = OperationState::Succeeded;
    let refund = documented_refund("TEST_554862", 90_266_010_010_271, state, 35_000);
    let at = "2020-09-09T10:02:18Z";
    let text = render_at(EventKind::Refunded, 2, refund.reached("4952688"), at);
    let expected = concat!(
        r#"{"project_id":197,"payment":{"id":"TEST_554862","type":"purchase","#,
        r#""status":"refunded","date":"2020-09-09T10:02:18+0000","method":"wallet-partner","#,
        r#""sum":{"amount":0,"currency":"INR"},"merchant_refund_id":"TEST_554862","#,
        r#""description":"TEST_554862"},"customer":{"id":"1","phone":"1234567890"},"#,
        r#""operation":{"id":90266010010271,"type":"refund","#,
        r#""status":"success","date":"2020-09-09T10:02:18+0000","#,
        r#""created_date":"2020-09-09T09:46:14+0000","request_id":"REQUEST","#,
        r#""sum_initial":{"amount":35000,"currency":"INR"},"#,
        r#""sum_converted":{"amount":35000,"currency":"INR"},"code":"0","message":"Success","#,
        r#""provider":{"id":1751,"payment_id":"4952688","auth_code":""}},"#,
        r#""signature":"SIGNATURE"}"#,
    );
    assert_eq!(without_our_own(&text), expected);
}

#[test]
fn the_documented_refusal_of_a_refund_is_told_as_documented() {
    let state = OperationState::Declined;
    let refund = documented_refund("TEST_554863", 90_266_010_010_272, state, 35_000);
    let refund = refund.last(|refund| refund.decline = Some(DeclineCode::RefundExceeds));
    let at = "2020-09-09T10:02:18Z";
    let text = render_at(EventKind::RefundDeclined, 2, refund, at);
    let expected = concat!(
        r#"{"project_id":197,"payment":{"id":"TEST_554863","type":"purchase","#,
        r#""status":"success","date":"2020-09-09T10:02:18+0000","method":"wallet-partner","#,
        r#""sum":{"amount":35000,"currency":"INR"},"merchant_refund_id":"TEST_554863","#,
        r#""description":"TEST_554863"},"customer":{"id":"1","phone":"1234567890"},"#,
        r#""operation":{"id":90266010010272,"type":"refund","#,
        r#""status":"decline","date":"2020-09-09T10:02:18+0000","#,
        r#""created_date":"2020-09-09T09:46:14+0000","request_id":"REQUEST","#,
        r#""sum_initial":{"amount":35000,"currency":"INR"},"#,
        r#""sum_converted":{"amount":35000,"currency":"INR"},"#,
        r#""code":"3283","message":"Refund amount more than init amount"},"#,
        r#""signature":"SIGNATURE"}"#,
    );
    assert_eq!(without_our_own(&text), expected);
}
