//! The objects that callbacks and status answers are made of. Members stand in the order in which
//! clients know them; what is not known is left out, and no null and no boolean is ever written: clients
//! sign those each in their own way.

use altyn_domain::{CardBrand, Currency, Operation, Project};
use serde::Serialize;
use serde_json::{Map, Value};

use super::view::{View, gives_back, operation_type};
use super::{DIALECT, dates, ids, signature};

/// An amount in minor units.
#[derive(Debug, Serialize)]
pub(super) struct Sum {
    amount: i64,
    currency: &'static str,
}

impl Sum {
    pub(super) fn new(amount: i64, currency: Currency) -> Self {
        Self {
            amount,
            currency: currency.alpha(),
        }
    }
}

/// `payment`.
#[derive(Debug, Serialize)]
pub(super) struct PaymentObject<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    sum: Sum,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_refund_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

impl<'a> PaymentObject<'a> {
    /// The payment, told with this operation.
    pub(super) fn of(view: &View<'a>, operation: Option<&'a Operation>) -> Self {
        let payment = view.payment;
        let refund = operation.filter(|operation| gives_back(operation.kind));
        Self {
            id: &payment.order.reference,
            kind: view.payment_type(),
            status: view.payment_status(),
            date: dates::wire(payment.updated_at),
            method: view.method_name(operation),
            sum: Sum::new(view.sum(), payment.amount.currency()),
            merchant_refund_id: refund.and_then(|refund| refund.reference.as_deref()),
            description: payment.order.description.as_deref(),
        }
    }
}

/// `customer`: texts and whole numbers as the shop sent them, or what is known anyway.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum CustomerObject<'a> {
    Echo(Map<String, Value>),
    Known {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        phone: Option<&'a str>,
    },
}

impl<'a> CustomerObject<'a> {
    pub(super) fn of(view: &View<'a>) -> Self {
        // Nested objects are not told: clients sort their names each in their own way.
        let flat = |value: &Value| value.is_string() || value.is_i64();
        let members = view.extra.customer.iter().filter(|(_, value)| flat(value));
        let echo: Map<_, _> = members
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if !echo.is_empty() {
            return Self::Echo(echo);
        }
        let customer = &view.payment.order.customer;
        Self::Known {
            id: customer.id.as_deref(),
            phone: customer.phone.as_deref(),
        }
    }
}

/// `operation.provider`.
#[derive(Debug, Serialize)]
struct Provider<'a> {
    id: u32,
    payment_id: &'a str,
    auth_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
}

impl<'a> Provider<'a> {
    /// `None` if the provider was never reached.
    fn of(view: &View<'a>, operation: &'a Operation) -> Option<Self> {
        let facts = &operation.facts;
        let payment_id = facts.connector_reference.as_deref()?;
        // The documented refunds have no date of the provider, whether it tells one or not.
        let dated = Some(operation).filter(|operation| !gives_back(operation.kind));
        let date = dated.and_then(|_| facts.happened_at.or(operation.finished_at));
        Some(Self {
            id: view.provider_number(operation),
            payment_id,
            auth_code: facts.approval_code.as_deref().unwrap_or_default(),
            date: date.map(dates::wire),
        })
    }
}

/// `operation`, and each of `operations`.
#[derive(Debug, Serialize)]
pub(super) struct OperationObject<'a> {
    id: i64,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    date: String,
    created_date: String,
    request_id: String,
    sum_initial: Sum,
    sum_converted: Sum,
    code: String,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    eci: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Provider<'a>>,
}

impl<'a> OperationObject<'a> {
    /// `None` for what merchants are told in another way.
    pub(super) fn of(view: &View<'a>, operation: &'a Operation) -> Option<Self> {
        let payment = view.payment;
        let standing = view.standing(operation);
        let sum = || Sum::new(operation.amount, payment.amount.currency());
        Some(Self {
            id: operation.serial,
            kind: operation_type(operation.kind)?,
            status: standing.status,
            date: dates::wire(view.changed_at(operation)),
            created_date: dates::wire(operation.created_at),
            request_id: ids::request_id(payment, operation),
            sum_initial: sum(),
            sum_converted: sum(),
            code: standing.code.text(),
            message: standing.code.message(),
            eci: operation.facts.eci.as_deref(),
            provider: Provider::of(view, operation),
        })
    }
}

/// `account`: the card.
#[derive(Debug, Serialize)]
pub(super) struct Account<'a> {
    number: &'a str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_holder: Option<&'a str>,
    expiry_month: String,
    expiry_year: String,
}

impl<'a> Account<'a> {
    /// The card to show with this operation; `None` if it was none.
    pub(super) fn of(view: &View<'a>, operation: Option<&'a Operation>) -> Option<Self> {
        let card = view.card(operation)?;
        let expiry = card.expiry.compact();
        let (year, month) = expiry.split_at(4);
        Some(Self {
            number: &card.masked,
            kind: brand(card.brand),
            card_holder: Some(card.holder.as_str()).filter(|holder| !holder.is_empty()),
            expiry_month: month.to_owned(),
            expiry_year: year.to_owned(),
        })
    }
}

const fn brand(brand: CardBrand) -> Option<&'static str> {
    match brand {
        CardBrand::Visa => Some("visa"),
        CardBrand::Mastercard => Some("mastercard"),
        CardBrand::Amex => Some("amex"),
        CardBrand::Jcb => Some("jcb"),
        CardBrand::UnionPay => Some("unionpay"),
        CardBrand::Mir => Some("mir"),
        CardBrand::Other => None,
    }
}

/// One of `errors`.
#[derive(Debug, Serialize)]
pub(super) struct ErrorObject {
    code: String,
    message: &'static str,
}

impl ErrorObject {
    pub(super) fn of(code: super::Code) -> Self {
        Self {
            code: code.text(),
            message: code.message(),
        }
    }
}

/// A message of ours with its signature at the root, behind all else.
#[derive(Debug, Serialize)]
pub(super) struct Signed<T> {
    #[serde(flatten)]
    body: T,
    signature: String,
}

impl<T: Serialize> Signed<T> {
    pub(super) fn new(body: T, key: &str) -> Self {
        let value = serde_json::to_value(&body).expect("all names are texts, all numbers whole");
        let signature = signature::sign(&value, key);
        Self { body, signature }
    }
}

/// The number of a project in this dialect, if it has one.
pub(super) fn project_number(project: &Project) -> Option<u32> {
    let number = project.login(DIALECT)?.parse().ok()?;
    (number > 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn only_a_number_is_the_number_of_a_project() {
        let mut project = samples::project();
        let mut number = |login: &str| {
            login.clone_into(&mut project.settings.keys[0].login);
            project_number(&project)
        };
        assert_eq!(number("197"), Some(197));
        assert_eq!(number("4294967295"), Some(u32::MAX));
        for login in ["", "0", "x", "-1", "4294967296", "1.5"] {
            assert_eq!(number(login), None, "{login}");
        }
        project.settings.keys.clear();
        assert_eq!(project_number(&project), None);
    }
}
