//! What the gateway tells of a payment: the same words in callbacks and in answers to the status
//! request. Nothing here is believed yet.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Operations that are read of one message.
const OPERATIONS_MAX: usize = 200;
/// Fields of a redirect that are read.
const FIELDS_MAX: usize = 100;

/// A message about a payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// `payment.id`.
    pub payment_id: String,
    /// `payment.status`.
    pub status: String,
    /// `payment.date`, seconds since 1970; 0 if there is none.
    pub date_s: i64,
    /// `payment.method`.
    pub method: String,
    /// `payment.sum`: what is taken and not given back, once it is taken.
    pub sum: Option<Sum>,
    /// `payment.merchant_refund_id`.
    pub refund_id: String,
    /// `operation`, or all of `operations`, oldest first.
    pub operations: Vec<Operation>,
    /// `redirect_data`: where the payer has to go.
    pub redirect: Option<Redirect>,
}

/// An amount with its currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Minor units.
    pub amount: i64,
    /// Three letters.
    pub currency: String,
}

/// One step of a payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// `type`: sale, refund …
    pub kind: String,
    /// `status`.
    pub status: String,
    /// `code`.
    pub code: String,
    /// `message`.
    pub message: String,
    /// `request_id`: that of the answer to the request.
    pub request_id: String,
    /// `sum_initial`.
    pub sum: Option<Sum>,
}

impl Operation {
    /// Whether it takes money.
    pub fn is_sale(&self) -> bool {
        matches!(self.kind.as_str(), "sale" | "auth" | "capture")
    }

    /// Whether it gives money back.
    pub fn is_refund(&self) -> bool {
        matches!(self.kind.as_str(), "refund" | "reversal")
    }
}

/// Where a payer has to go, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// With a form, or with the address alone.
    pub by_post: bool,
    /// The address.
    pub url: String,
    /// The fields of the form.
    pub fields: Vec<(String, String)>,
}

impl Told {
    /// Reads a message; nothing if it is not about a payment.
    pub fn read(message: &Value) -> Option<Told> {
        let payment = &message["payment"];
        let operations = match &message["operations"] {
            Value::Array(operations) => operations.iter().take(OPERATIONS_MAX).collect(),
            _ => vec![&message["operation"]],
        };
        let operations = operations.into_iter().filter(|each| each.is_object());
        Some(Told {
            payment_id: payment["id"].as_str()?.to_owned(),
            status: payment["status"].as_str()?.to_owned(),
            date_s: seconds(&text(&payment["date"])),
            method: text(&payment["method"]),
            sum: sum(&payment["sum"]),
            refund_id: text(&payment["merchant_refund_id"]),
            operations: operations.map(operation).collect(),
            redirect: redirect(&message["redirect_data"]),
        })
    }
}

fn operation(operation: &Value) -> Operation {
    Operation {
        kind: text(&operation["type"]),
        status: text(&operation["status"]),
        code: text(&operation["code"]),
        message: text(&operation["message"]),
        request_id: text(&operation["request_id"]),
        sum: sum(&operation["sum_initial"]),
    }
}

fn sum(sum: &Value) -> Option<Sum> {
    Some(Sum {
        amount: sum["amount"].as_i64()?,
        currency: sum["currency"].as_str()?.to_owned(),
    })
}

/// The body is an object, or an empty list.
fn redirect(redirect: &Value) -> Option<Redirect> {
    let members = redirect["body"].as_object();
    let fields = members.into_iter().flatten().take(FIELDS_MAX);
    Some(Redirect {
        by_post: !redirect["method"].as_str()?.eq_ignore_ascii_case("GET"),
        url: redirect["url"].as_str()?.to_owned(),
        fields: fields
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Reads `2020-08-24T09:36:01+0000`.
fn seconds(date: &str) -> i64 {
    let read = jiff::Zoned::strptime("%Y-%m-%dT%H:%M:%S%z", date).map(|zoned| zoned.timestamp());
    let read = read.or_else(|_| jiff::Timestamp::strptime("%Y-%m-%dT%H:%M:%S%z", date));
    read.map_or(0, jiff::Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn callback_and_status_have_the_same_words() {
        let sale = json!({
            "type": "sale", "status": "success", "code": "0", "message": "Success",
            "request_id": "r-1", "sum_initial": {"amount": 500, "currency": "INR"},
        });
        let payment = json!({"id": "P", "status": "success", "method": "wallet-partner",
                             "date": "2020-08-24T09:36:01+0000",
                             "sum": {"amount": 500, "currency": "INR"}});
        let callback = json!({"project_id": 7, "payment": payment, "operation": sale});
        let status = json!({"project_id": "7", "payment": payment, "operations": [sale]});
        let told = Told::read(&callback).expect("about a payment");
        assert_eq!(Told::read(&status).as_ref(), Some(&told));
        assert_eq!(told.date_s, 1_598_261_761);
        assert_eq!(told.operations[0].sum.as_ref().expect("a sum").amount, 500);
        assert_eq!(Told::read(&json!({"payment": {"id": 1}})), None);
    }

    #[test]
    fn redirects_have_fields_or_none() {
        let read = |body: Value, method: &str| {
            let data = json!({"body": body, "method": method, "url": "https://w.example/"});
            redirect(&data).expect("a redirect")
        };
        let form = read(json!({"a": "1", "n": 2}), "POST");
        assert_eq!(form.fields.len(), 2);
        assert_eq!(form.fields[1], ("n".to_owned(), "2".to_owned()));
        assert!(form.by_post && !read(json!([]), "get").by_post);
        assert!(read(json!([]), "GET").fields.is_empty());
        assert_eq!(redirect(&Value::Null), None);
    }
}
