//! Reads what merchants send: bodies of generation 2, and the rules of single fields that both
//! generations have.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use url::{Host, Url};

use super::order::{CURRENCY, Customer, Generation, OrderWish, Outcome, RefundWish};
use super::problem::Problem;
use super::{amount, time};

/// The least amount of an order, in paise.
pub const AMOUNT_MIN: i64 = 100;
/// The longest address.
pub const ADDRESS_CHARS_MAX: usize = 250;
/// The farthest limit of an order.
const ORDER_MS_MAX: u64 = 30 * 24 * 3_600_000;
/// Tags of one order.
const TAGS_MAX: usize = 10;
/// Ways of paying that an order may be restricted to; `app` is a wallet.
const PAYMENT_METHODS: [&str; 15] = [
    "cc",
    "dc",
    "ccc",
    "ppc",
    "nb",
    "upi",
    "paypal",
    "app",
    "paylater",
    "cardlessemi",
    "dcemi",
    "ccemi",
    "banktransfer",
    "applepay",
    "emi",
];
/// The wallets.
const PROVIDERS: [&str; 9] = [
    "gpay",
    "phonepe",
    "ola",
    "paytm",
    "amazon",
    "airtel",
    "freecharge",
    "mobikwik",
    "jio",
];

/// Amounts as they were written: a JSON number that passed through a float would not be exact.
#[derive(Deserialize)]
struct Amounts<'body> {
    #[serde(borrow, default)]
    order_amount: Option<&'body RawValue>,
    #[serde(borrow, default)]
    refund_amount: Option<&'body RawValue>,
}

/// A new payment of generation 2.
#[derive(Debug, PartialEq, Eq)]
pub struct PayWish {
    /// The token in `payment_session_id`.
    pub session: String,
    /// Which wallet.
    pub provider: String,
    /// The phone it belongs to.
    pub phone: String,
}

/// A forced result of generation 2.
#[derive(Debug, PartialEq, Eq)]
pub struct SimulationWish {
    /// `cf_payment_id`.
    pub payment_id: String,
    /// The word for what becomes of it.
    pub payment_status: String,
    /// What becomes of it.
    pub outcome: Outcome,
    /// Why it fails.
    pub payment_error_code: Option<String>,
}

/// Reads `POST /orders`. Names that the merchant leaves out are taken from `token`.
pub fn order(
    body: &[u8],
    version: &str,
    (token, now_ms, order_ms): (String, u64, u64),
) -> Result<OrderWish, Problem> {
    let value = object(body)?;
    let id = text(&value, "", "order_id", 3, 45)?;
    if id.as_deref().is_some_and(|id| !is_name(id)) {
        return Err(Problem::invalid(
            "order_id",
            "letters, digits, _ and - are allowed",
        ));
    }
    let amounts = amounts(body)?;
    let amount = money(amounts.order_amount, "order_amount", AMOUNT_MIN)?;
    let currency = required(text(&value, "", "order_currency", 3, 3)?, "order_currency")?;
    if currency != CURRENCY {
        return Err(Problem::invalid("order_currency", "only INR is enabled"));
    }
    let meta = &value["order_meta"];
    if !meta.is_null() && !meta.is_object() {
        return Err(Problem::invalid("order_meta", "should be an object"));
    }
    let expires_ms = match text(&value, "", "order_expiry_time", 1, 40)? {
        None => now_ms.saturating_add(order_ms),
        Some(text) => time::parse(&text)
            .filter(|at_ms| *at_ms > now_ms && *at_ms - now_ms <= ORDER_MS_MAX)
            .ok_or_else(|| {
                let rule = "should be ISO 8601 with an offset, within the next 30 days";
                Problem::invalid("order_expiry_time", rule)
            })?,
    };
    Ok(OrderWish {
        id: id.unwrap_or_else(|| format!("order_{token}")),
        generation: Generation::Second,
        version: version.to_owned(),
        amount,
        note: text(&value, "", "order_note", 3, 200)?,
        tags: tags(&value["order_tags"])?,
        customer: customer(&value["customer_details"])?,
        return_url: address(meta, "return_url", is_page)?,
        notify_url: address(meta, "notify_url", is_listener)?,
        payment_methods: methods(meta)?,
        expires_ms,
        token,
    })
}

/// Reads `PATCH /orders/{order_id}`, which can only end an order.
pub fn termination(body: &[u8]) -> Result<(), Problem> {
    let value = object(body)?;
    let status = text(&value, "", "order_status", 1, 40)?;
    if required(status, "order_status")? == "TERMINATED" {
        Ok(())
    } else {
        Err(Problem::invalid("order_status", "should be TERMINATED"))
    }
}

/// Reads `POST /orders/sessions`.
pub fn pay(body: &[u8]) -> Result<PayWish, Problem> {
    let value = object(body)?;
    let session = text(&value, "", "payment_session_id", 1, 200)?;
    let session = required(session, "payment_session_id")?;
    let method = &value["payment_method"];
    if method.is_null() {
        return Err(Problem::missing("payment_method"));
    }
    let app = &method["app"];
    if !app.is_object() {
        return Err(Problem::bad(
            "payment_method_unsupported",
            "payment_method : only app is enabled",
        ));
    }
    let path = "payment_method.app.";
    let field = |name| text(app, path, name, 1, 40)?.ok_or_else(|| absent(path, name));
    if field("channel")? != "link" {
        return Err(Problem::invalid(
            "payment_method.app.channel",
            "only link is enabled",
        ));
    }
    let provider = field("provider")?;
    if !PROVIDERS.contains(&provider.as_str()) {
        return Err(Problem::invalid(
            "payment_method.app.provider",
            "is not a known wallet",
        ));
    }
    let phone = field("phone")?;
    if !is_phone(&phone) {
        return Err(Problem::invalid("payment_method.app.phone", PHONE_RULE));
    }
    Ok(PayWish {
        session: session
            .strip_prefix("session_")
            .unwrap_or_default()
            .to_owned(),
        provider,
        phone,
    })
}

/// Reads `POST /orders/{order_id}/refunds`.
pub fn refund(body: &[u8]) -> Result<RefundWish, Problem> {
    let value = object(body)?;
    let amounts = amounts(body)?;
    let amount = money(amounts.refund_amount, "refund_amount", 1)?;
    let id = required(text(&value, "", "refund_id", 3, 40)?, "refund_id")?;
    if !is_name(&id) {
        return Err(Problem::invalid(
            "refund_id",
            "letters, digits, _ and - are allowed",
        ));
    }
    let speed = text(&value, "", "refund_speed", 1, 40)?;
    let speed = speed.unwrap_or_else(|| "STANDARD".to_owned());
    if !matches!(speed.as_str(), "STANDARD" | "INSTANT") {
        return Err(Problem::invalid(
            "refund_speed",
            "should be STANDARD or INSTANT",
        ));
    }
    Ok(RefundWish {
        merchant_id: Some(id),
        amount,
        note: text(&value, "", "refund_note", 3, 100)?,
        speed,
    })
}

/// Reads `POST /simulate`.
pub fn simulation(body: &[u8]) -> Result<SimulationWish, Problem> {
    let value = object(body)?;
    let entity = required(text(&value, "", "entity", 1, 40)?, "entity")?;
    if entity != "PAYMENTS" {
        return Err(Problem::invalid("entity", "only PAYMENTS can be simulated"));
    }
    let payment_id = required(text(&value, "", "entity_id", 1, 40)?, "entity_id")?;
    let wish = &value["entity_simulation"];
    let path = "entity_simulation.";
    let status = text(wish, path, "payment_status", 1, 40)?;
    let payment_status = status.ok_or_else(|| absent(path, "payment_status"))?;
    let outcome = match payment_status.as_str() {
        "SUCCESS" => Outcome::Success,
        "FAILED" => Outcome::Failed,
        "USER_DROPPED" => Outcome::UserDropped,
        "PENDING" => Outcome::Pending,
        _ => {
            return Err(Problem::invalid(
                "entity_simulation.payment_status",
                "should be SUCCESS, FAILED, PENDING or USER_DROPPED",
            ));
        }
    };
    Ok(SimulationWish {
        payment_id,
        payment_status,
        outcome,
        payment_error_code: text(wish, path, "payment_error_code", 1, 100)?,
    })
}

fn object(body: &[u8]) -> Result<Value, Problem> {
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) | Err(_) => Err(Problem::bad(
            "request_invalid",
            "the body should be a JSON object",
        )),
    }
}

fn amounts(body: &[u8]) -> Result<Amounts<'_>, Problem> {
    serde_json::from_slice(body)
        .map_err(|_| Problem::bad("request_invalid", "an amount is there twice"))
}

fn money(raw: Option<&RawValue>, field: &str, least: i64) -> Result<i64, Problem> {
    let raw = raw.ok_or_else(|| Problem::missing(field))?;
    let paise = amount::parse(raw.get()).filter(|paise| *paise >= least);
    paise.ok_or_else(|| {
        let least = amount::text(least);
        let rule = format!("should be a number of at least {least} with up to two decimals");
        Problem::invalid(field, &rule)
    })
}

fn customer(value: &Value) -> Result<Customer, Problem> {
    let path = "customer_details.";
    if value.is_null() {
        return Err(Problem::missing("customer_details"));
    }
    if !value.is_object() {
        return Err(Problem::invalid("customer_details", "should be an object"));
    }
    let id = text(value, path, "customer_id", 3, 50)?;
    let id = id.ok_or_else(|| absent(path, "customer_id"))?;
    if !is_name(&id) {
        return Err(Problem::invalid(
            "customer_details.customer_id",
            "letters, digits, _ and - are allowed",
        ));
    }
    let phone = text(value, path, "customer_phone", 1, 40)?;
    let phone = phone.ok_or_else(|| absent(path, "customer_phone"))?;
    if !is_phone(&phone) {
        return Err(Problem::invalid(
            "customer_details.customer_phone",
            PHONE_RULE,
        ));
    }
    Ok(Customer {
        id,
        name: text(value, path, "customer_name", 3, 100)?,
        email: text(value, path, "customer_email", 3, 100)?,
        phone,
    })
}

fn tags(value: &Value) -> Result<BTreeMap<String, String>, Problem> {
    let wrong = || {
        let rule = "should be an object of at most 10 texts of 1 to 255 characters";
        Problem::invalid("order_tags", rule)
    };
    let entries = match value {
        Value::Null => return Ok(BTreeMap::new()),
        Value::Object(entries) if entries.len() <= TAGS_MAX => entries,
        _ => return Err(wrong()),
    };
    let mut tags = BTreeMap::new();
    for (name, value) in entries {
        let text = value
            .as_str()
            .filter(|text| (1..=255).contains(&text.chars().count()));
        tags.insert(name.clone(), text.ok_or_else(wrong)?.to_owned());
    }
    Ok(tags)
}

fn methods(meta: &Value) -> Result<Option<String>, Problem> {
    let methods = text(meta, "order_meta.", "payment_methods", 0, 200)?;
    let methods = methods.filter(|methods| !methods.is_empty());
    let known = |methods: &str| {
        methods
            .split(',')
            .all(|method| PAYMENT_METHODS.contains(&method.trim()))
    };
    if methods.as_deref().is_some_and(|methods| !known(methods)) {
        return Err(Problem::invalid(
            "order_meta.payment_methods",
            "should be a comma list of known methods",
        ));
    }
    Ok(methods)
}

fn address(
    meta: &Value,
    name: &str,
    is_right: fn(&str) -> bool,
) -> Result<Option<String>, Problem> {
    let path = "order_meta.";
    let address = text(meta, path, name, 0, ADDRESS_CHARS_MAX)?;
    let address = address.filter(|address| !address.is_empty());
    if address.as_deref().is_some_and(|address| !is_right(address)) {
        let rule = "should be an https address, or an http address of this machine";
        return Err(Problem::invalid(&format!("{path}{name}"), rule));
    }
    Ok(address)
}

/// The text of a field; nothing if it is absent or null.
fn text(
    value: &Value,
    path: &str,
    name: &str,
    least: usize,
    most: usize,
) -> Result<Option<String>, Problem> {
    let wrong = || {
        let rule = format!("should be a text of {least} to {most} characters");
        Problem::invalid(&format!("{path}{name}"), &rule)
    };
    match &value[name] {
        Value::Null => Ok(None),
        Value::String(text) if (least..=most).contains(&text.chars().count()) => {
            Ok(Some(text.clone()))
        }
        _ => Err(wrong()),
    }
}

fn required(text: Option<String>, field: &str) -> Result<String, Problem> {
    text.ok_or_else(|| Problem::missing(field))
}

fn absent(path: &str, name: &str) -> Problem {
    Problem::missing(&format!("{path}{name}"))
}

const PHONE_RULE: &str = "should be ten digits, or + and 8 to 15 digits";

/// Whether a phone number is one of generation 2.
fn is_phone(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match text.strip_prefix('+') {
        Some(rest) => (8..=15).contains(&rest.len()) && digits(rest),
        None => text.len() == 10 && digits(text),
    }
}

/// Whether a name has only characters that names may have.
pub fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !text.is_empty() && text.bytes().all(allowed)
}

/// Whether a browser can be sent to an address. `{order_id}` in it is allowed.
pub fn is_page(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    plain && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// Whether notices can be sent to an address: https anywhere, http on this machine only.
pub fn is_listener(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let near = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && near)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body() -> Value {
        json!({
            "order_id": "WP-1001", "order_amount": 150.5, "order_currency": "INR",
            "customer_details": {"customer_id": "mary_1", "customer_phone": "9999999999"},
            "order_meta": {"return_url": "http://shop.example/?o={order_id}",
                           "notify_url": "http://127.0.0.1:9/notify", "payment_methods": "app,upi"},
        })
    }

    fn read(value: &Value) -> Result<OrderWish, Problem> {
        let context = ("t0k3n".to_owned(), 1_000, 600_000);
        order(value.to_string().as_bytes(), "2025-01-01", context)
    }

    #[test]
    fn order_is_read_exactly() {
        let wish = read(&body()).expect("an order");
        assert_eq!((wish.amount, wish.expires_ms), (15_050, 601_000));
        let text = body().to_string().replace("150.5", "1.000");
        let context = ("t".to_owned(), 0, 0);
        let refused = order(text.as_bytes(), "", context).expect_err("three decimals");
        assert_eq!(refused.code, "order_amount_invalid");
    }

    #[test]
    fn each_wrong_field_is_named() {
        let long = "x".repeat(251);
        let cases = [
            ("/order_id", json!("ab"), "order_id_invalid"),
            ("/order_id", json!("x".repeat(46)), "order_id_invalid"),
            ("/order_id", json!("a b c"), "order_id_invalid"),
            ("/order_amount", json!(0.99), "order_amount_invalid"),
            ("/order_amount", json!("150"), "order_amount_invalid"),
            ("/order_amount", json!(null), "order_amount_missing"),
            ("/order_currency", json!("USD"), "order_currency_invalid"),
            ("/order_currency", json!(null), "order_currency_missing"),
            ("/customer_details", json!(null), "customer_details_missing"),
            (
                "/customer_details/customer_id",
                json!("ab"),
                "customer_details.customer_id_invalid",
            ),
            (
                "/customer_details/customer_phone",
                json!("999999999"),
                "customer_details.customer_phone_invalid",
            ),
            (
                "/customer_details/customer_phone",
                json!("+12345678901234567"),
                "customer_details.customer_phone_invalid",
            ),
            (
                "/order_meta/return_url",
                json!(format!("https://a.example/{long}")),
                "order_meta.return_url_invalid",
            ),
            (
                "/order_meta/notify_url",
                json!("http://shop.example/"),
                "order_meta.notify_url_invalid",
            ),
            (
                "/order_meta/payment_methods",
                json!("app,gold"),
                "order_meta.payment_methods_invalid",
            ),
        ];
        for (place, wrong, code) in cases {
            let mut value = body();
            *value.pointer_mut(place).expect("there") = wrong.clone();
            let refused = read(&value).expect_err("refused");
            assert_eq!(refused.code, code, "{place} = {wrong}");
        }
    }

    #[test]
    fn optional_fields_have_their_rules() {
        let tags: Value = (0..11)
            .map(|n| (n.to_string(), json!("x")))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let cases = [
            ("order_note", json!("ab"), "order_note_invalid"),
            ("order_tags", tags, "order_tags_invalid"),
            ("order_tags", json!({"a": ""}), "order_tags_invalid"),
            (
                "order_expiry_time",
                json!("1970-01-01T00:00:00Z"),
                "order_expiry_time_invalid",
            ),
            (
                "order_expiry_time",
                json!("1970-03-01T00:00:00Z"),
                "order_expiry_time_invalid",
            ),
        ];
        for (name, wrong, code) in cases {
            let mut value = body();
            value[name] = wrong;
            assert_eq!(read(&value).expect_err("refused").code, code);
        }
        let mut value = body();
        value["order_expiry_time"] = json!("1970-01-01T05:31:00+05:30");
        assert_eq!(read(&value).expect("an order").expires_ms, 60_000);
        value.as_object_mut().expect("object").remove("order_id");
        assert_eq!(read(&value).expect("an order").id, "order_t0k3n");
    }

    #[test]
    fn notices_go_to_https_or_to_this_machine() {
        for good in [
            "https://a.example/n",
            "http://127.0.0.1:80/n",
            "http://[::1]/n",
            "http://localhost:1/",
        ] {
            assert!(is_listener(good), "{good}");
        }
        for bad in [
            "http://10.0.0.1/",
            "http://a.example/",
            "ftp://127.0.0.1/",
            "n",
        ] {
            assert!(!is_listener(bad), "{bad}");
        }
    }
}
