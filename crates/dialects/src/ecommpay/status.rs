//! Answers to questions about a payment, and about a request: signed, like callbacks.
//!
//! Clients take the first of `operations` for the purchase and the last one for the refund, so they
//! stand in the order in which they were made.

use altyn_domain::{Operation, OperationState, Payment, Project};
use serde::Serialize;

use super::extra::{Door, ReturnUrls};
use super::objects::{
    Account, CustomerObject, ErrorObject, OperationObject, PaymentObject, Signed, Sum,
};
use super::view::{Spelling, View, operation_type};
use super::{Code, dates, ids};

/// Who is answered: a project, its number here, and the key that signs.
#[derive(Clone, Copy)]
pub(super) struct Shop<'a> {
    /// The project.
    pub project: &'a Project,
    /// The number by which it knows itself.
    pub number: u32,
    /// The key that it shares with us.
    pub key: &'a str,
}

impl<'a> Shop<'a> {
    fn view(&self, payment: &'a Payment) -> View<'a> {
        View::new(payment, self.project, Spelling::of_project(self.project))
    }
}

/// `/v2/payment/status`: the answer about a payment of the shop. A form that was opened and never used
/// is no payment: then as [`unknown`].
pub(super) fn of_payment<'a>(shop: &Shop<'a>, payment: &'a Payment) -> Signed<Status<'a>> {
    let view = shop.view(payment);
    if view.extra.door == Door::Page && payment.operations.is_empty() {
        return unknown(shop, &payment.order.reference);
    }
    let operations = view.operations();
    let body = Status::Known(Box::new(Known {
        project_id: shop.number,
        payment: PaymentObject::of(&view, None),
        operations: operations
            .filter_map(|o| OperationObject::of(&view, o))
            .collect(),
        customer: CustomerObject::of(&view),
        account: Account::of(&view, None),
    }));
    Signed::new(body, shop.key)
}

/// `/v2/payment/status`: the answer about a payment that is not there.
pub(super) fn unknown<'a>(shop: &Shop<'a>, payment_id: &'a str) -> Signed<Status<'a>> {
    let body = Status::Unknown(Unknown {
        project_id: shop.number,
        payment: UnknownPayment {
            id: payment_id,
            status: "error",
        },
        errors: [ErrorObject::of(Code::TRANSACTION_NOT_FOUND)],
    });
    Signed::new(body, shop.key)
}

/// `/v2/payment/status/request`: the answer about the request that began this operation. It is told in
/// two forms at once, for clients read either. `None` if the text is not the operation's request id, or
/// merchants are not told of such operations.
pub(super) fn of_request<'a>(
    shop: &Shop<'a>,
    payment: &'a Payment,
    request_id: &'a str,
) -> Option<Signed<RequestStatus<'a>>> {
    let view = shop.view(payment);
    let (_, number) = ids::parse_request_id(request_id)?;
    let operation = view
        .operations()
        .find(|operation| operation.number == number)?;
    if ids::request_id(payment, operation) != request_id {
        return None;
    }
    let body = RequestStatus::of(shop, &view, operation, request_id)?;
    Some(Signed::new(body, shop.key))
}

/// The answer to a question about a payment.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Status<'a> {
    /// It is there.
    Known(Box<Known<'a>>),
    /// It is not.
    Unknown(Unknown<'a>),
}

#[derive(Serialize)]
pub(super) struct Known<'a> {
    project_id: u32,
    payment: PaymentObject<'a>,
    operations: Vec<OperationObject<'a>>,
    customer: CustomerObject<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Account<'a>>,
}

#[derive(Serialize)]
pub(super) struct Unknown<'a> {
    project_id: u32,
    payment: UnknownPayment<'a>,
    errors: [ErrorObject; 1],
}

#[derive(Serialize)]
struct UnknownPayment<'a> {
    id: &'a str,
    status: &'static str,
}

/// The answer to a question about a request.
#[derive(Serialize)]
pub(super) struct RequestStatus<'a> {
    project_id: u32,
    payment_id: &'a str,
    request_id: &'a str,
    status: &'static str,
    code: String,
    message: &'static str,
    general: General<'a>,
    payment: RequestedPayment<'a>,
    customer: CustomerObject<'a>,
    transaction: Transaction,
    sum_request: Sum,
    sum_real: Sum,
    sum_refund: Sum,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    operations: Vec<OperationObject<'a>>,
    #[serde(skip_serializing_if = "is_empty")]
    return_url: ReturnUrls,
}

impl<'a> RequestStatus<'a> {
    fn of(
        shop: &Shop<'a>,
        view: &View<'a>,
        operation: &'a Operation,
        request_id: &'a str,
    ) -> Option<Self> {
        let payment = view.payment;
        let payment_id = payment.order.reference.as_str();
        let standing = view.standing(operation);
        let (code, message) = (standing.code.text(), standing.code.message());
        let sum = |amount| Sum::new(amount, payment.amount.currency());
        let date = dates::wire(view.changed_at(operation));
        let done = standing.status == "success" && operation.state == OperationState::Succeeded;
        Some(Self {
            project_id: shop.number,
            payment_id,
            request_id,
            status: standing.status,
            code: code.clone(),
            message,
            general: General {
                project_id: shop.number,
                payment_id,
            },
            payment: RequestedPayment {
                id: payment_id,
                method: view.method_name(Some(operation)),
                result_code: code,
                result_message: message,
                date: date.clone(),
            },
            customer: CustomerObject::of(view),
            transaction: Transaction {
                id: operation.serial,
                kind: operation_type(operation.kind)?,
                date,
            },
            sum_request: sum(operation.amount),
            sum_real: sum(if done { operation.amount } else { 0 }),
            sum_refund: sum(refunded(payment)),
            description: payment.order.description.as_deref(),
            operations: view
                .operations()
                .filter_map(|o| OperationObject::of(view, o))
                .collect(),
            return_url: view.extra.return_urls.clone(),
        })
    }
}

/// What went back to the payer.
const fn refunded(payment: &Payment) -> i64 {
    payment.sums.refunded + payment.sums.reversed
}

fn is_empty(urls: &ReturnUrls) -> bool {
    *urls == ReturnUrls::default()
}

#[derive(Serialize)]
struct General<'a> {
    project_id: u32,
    payment_id: &'a str,
}

#[derive(Serialize)]
struct RequestedPayment<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    result_code: String,
    result_message: &'static str,
    date: String,
}

#[derive(Serialize)]
struct Transaction {
    id: i64,
    #[serde(rename = "type")]
    kind: &'static str,
    date: String,
}

#[cfg(test)]
mod tests {
    use altyn_domain::{OperationKind, Way};
    use serde_json::{Value, json};

    use super::super::delivered::{assert_signed_alike, checked, names};
    use super::super::extra::{Extra, echo};
    use super::super::samples::{KEY, Sample, project};
    use super::super::standings::standings;
    use super::*;

    fn shop(project: &Project) -> Shop<'_> {
        Shop {
            project,
            number: 197,
            key: KEY,
        }
    }

    fn value(answer: &impl Serialize) -> Value {
        checked(&serde_json::to_string(answer).unwrap())
    }

    fn refunded_payment() -> Payment {
        let customer =
            json!({"id": "cust-7", "first_name": "Mary", "ssn": 1234, "billing": {"city": "X"}});
        let extra = Extra {
            door: Door::Gate,
            customer: echo(customer.as_object().unwrap()),
            return_urls: ReturnUrls {
                success: Some("https://shop.in/ok".to_owned()),
                ..ReturnUrls::default()
            },
            ..Extra::default()
        };
        let paid = Sample::new(Way::Purchase).extra(&extra).paid().by_card();
        let refunded = paid.then(OperationKind::Refund, OperationState::Succeeded, 300);
        refunded
            .last(|refund| refund.reference = Some("r-1".to_owned()))
            .payment()
    }

    #[test]
    fn a_payment_is_told_with_all_its_operations() {
        let (project, payment) = (project(), refunded_payment());
        let shop = shop(&project);
        let answer = of_payment(&shop, &payment);
        let text = serde_json::to_string(&answer).unwrap();
        let members = [
            "project_id",
            "payment",
            "operations",
            "customer",
            "account",
            "signature",
        ];
        assert_eq!(names(&text), members);
        let answer = value(&answer);
        assert_eq!(answer["project_id"], 197);
        let expected = json!({
            "id": "Order-7", "type": "purchase", "status": "partially refunded",
            "date": "2020-08-24T09:23:23+0000", "method": "card",
            "sum": {"amount": 700, "currency": "INR"}, "description": "Чай",
        });
        assert_eq!(answer["payment"], expected);
        assert_eq!(answer["operations"][0]["type"], "sale");
        assert_eq!(answer["operations"][0]["eci"], "05");
        assert_eq!(answer["operations"][1]["type"], "refund");
        assert_eq!(answer["operations"][1]["sum_initial"]["amount"], 300);
        assert_eq!(answer["operations"].as_array().unwrap().len(), 2);
        let customer = json!({"id": "cust-7", "first_name": "Mary", "ssn": 1234});
        assert_eq!(answer["customer"], customer);
        let account = json!({
            "number": "411111**1111", "type": "visa", "card_holder": "MARY SMITH",
            "expiry_month": "12", "expiry_year": "2030",
        });
        assert_eq!(answer["account"], account);
    }

    #[test]
    fn a_payment_that_is_not_there_is_told_so() {
        let project = project();
        let shop = shop(&project);
        let opened = Sample::page(Way::Purchase).payment();
        for answer in [unknown(&shop, "Order-7"), of_payment(&shop, &opened)] {
            let text = serde_json::to_string(&answer).unwrap();
            assert_eq!(
                names(&text),
                ["project_id", "payment", "errors", "signature"]
            );
            let mut answer = value(&answer);
            answer.as_object_mut().unwrap().remove("signature");
            let expected = json!({
                "project_id": 197, "payment": {"id": "Order-7", "status": "error"},
                "errors": [{"code": "3061", "message": "Transaction not found"}],
            });
            assert_eq!(answer, expected);
        }
    }

    #[test]
    fn a_request_is_told_in_both_forms() {
        let (project, payment) = (project(), refunded_payment());
        let shop = shop(&project);
        let id = ids::request_id(&payment, &payment.operations[1]);
        let answer = value(&of_request(&shop, &payment, &id).unwrap());
        let short = [
            "project_id",
            "payment_id",
            "request_id",
            "status",
            "code",
            "message",
        ];
        let short: Vec<_> = short.iter().map(|name| answer[name].clone()).collect();
        assert_eq!(
            Value::from(short),
            json!([197, "Order-7", id, "success", "0", "Success"])
        );
        assert_eq!(
            answer["general"],
            json!({"project_id": 197, "payment_id": "Order-7"})
        );
        let expected = json!({
            "id": "Order-7", "method": "card", "result_code": "0", "result_message": "Success",
            "date": "2020-08-24T09:23:23+0000",
        });
        assert_eq!(answer["payment"], expected);
        let transaction = json!({
            "id": 5_048_925_000_000_002_i64, "type": "refund", "date": "2020-08-24T09:23:23+0000",
        });
        assert_eq!(answer["transaction"], transaction);
        let sums = ["sum_request", "sum_real", "sum_refund"].map(|name| &answer[name]["amount"]);
        assert_eq!(sums, [300, 300, 300]);
        assert_eq!(
            answer["return_url"],
            json!({"success": "https://shop.in/ok"})
        );
        assert_eq!(answer["operations"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn only_the_id_of_the_request_itself_is_answered() {
        let (project, payment) = (project(), refunded_payment());
        let shop = shop(&project);
        let id = ids::request_id(&payment, &payment.operations[0]);
        let other_serial = format!("{}9", &id[..89]);
        let other_number = id.replacen("00000001-", "00000003-", 1);
        for text in ["", &other_serial, &other_number] {
            assert!(of_request(&shop, &payment, text).is_none(), "{text}");
        }
        // Nor is what merchants are not told of.
        let surplus = Sample::page(Way::Purchase)
            .paid()
            .tried(OperationState::Succeeded);
        let surplus = surplus.surplus().payment();
        let id = ids::request_id(&surplus, &surplus.operations[1]);
        assert!(of_request(&shop, &surplus, &id).is_none());
    }

    #[test]
    fn every_standing_is_told_and_signed() {
        let project = project();
        let shop = shop(&project);
        for (name, sample, (status, ..)) in standings() {
            let payment = sample.payment();
            let answer = value(&of_payment(&shop, &payment));
            let unused = Extra::of(&payment).door == Door::Page && payment.operations.is_empty();
            let expected = if unused { "error" } else { status };
            assert_eq!(answer["payment"]["status"], expected, "{name}");
            assert_signed_alike(&answer, name);
            for operation in &payment.operations {
                let id = ids::request_id(&payment, operation);
                if let Some(answer) = of_request(&shop, &payment, &id) {
                    assert_signed_alike(&value(&answer), name);
                }
            }
        }
    }
}
