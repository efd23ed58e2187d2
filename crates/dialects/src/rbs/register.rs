//! register.do and registerPreAuth.do: an order becomes a payment, the shop gets the page to send its
//! payer to.

use altyn_domain::{Customer, Features, Money, Order, Timestamp, Way};
use altyn_engine::{Owner, Registration};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{Fault, Verb, of_engine};
use super::messages::Message;
use super::request::Params;
use super::{Call, DIALECT, answer, bundle, fields, page};

/// What only this dialect understands of an order; kept with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Extra {
    /// Which page file the payer is sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_view: Option<String>,
    /// The payer's name as the shop knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cardholder_name: Option<String>,
    /// The cart, echoed as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_bundle: Option<Value>,
    /// Fiscal settings, echoed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_system: Option<u8>,
}

impl Extra {
    /// What was kept with an order.
    pub(super) fn of(order: &Order) -> Self {
        Self::deserialize(&order.extra).unwrap_or_default()
    }
}

/// Success must not have an error code: a client takes any for a failure.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Registered {
    order_id: String,
    form_url: String,
}

/// Registers an order to be paid at once, or with `preauth` to be held first.
pub(super) async fn register(call: &Call, preauth: bool) -> Result<Response, Fault> {
    let registration = read(call, preauth)?;
    if let Some(url) = &registration.order.callback_url
        && call.rbs.engine().url_guard().check(url).is_err()
    {
        return Err(Fault::new("4", Message::CallbackUrlInvalid));
    }
    let view = Extra::of(&registration.order).page_view;
    let answer = call
        .rbs
        .engine()
        .register(&call.owner, registration)
        .await
        .map_err(|failure| of_engine(failure, Verb::Register))?;
    let id = answer.payment.id;
    let form_url = page::form_url(call.rbs.public_url(), id, view.as_deref(), call.language);
    Ok(answer::ok(&Registered {
        order_id: id.uuid().to_string(),
        form_url,
    }))
}

fn read(call: &Call, preauth: bool) -> Result<Registration, Fault> {
    let reading = Reading {
        params: &call.params,
        owner: &call.owner,
        now: call.rbs.engine().now(),
        preauth,
    };
    let number_required = call.rbs.limits().order_number_required;
    let reference = reading.order_number(number_required)?;
    let wishes = wishes(&call.params)?;
    let amount = reading.amount(wishes.verify)?;
    let (return_url, fail_url) = reading.addresses()?;
    let (auto_capture_at, auto_void_at) = reading.automatic_dates()?;
    let expires_at = fields::end_of_life(&call.params, reading.now)?;
    let way = match (wishes.verify, preauth) {
        (true, _) => Way::Verify,
        (false, true) => Way::Hold,
        (false, false) => Way::Purchase,
    };
    let order = Order {
        reference,
        description: fields::limited(&call.params, "description", 598)?,
        language: call.language,
        return_url: Some(return_url),
        fail_url,
        callback_url: fields::limited(&call.params, "dynamicCallbackUrl", 512)?,
        customer: customer(&call.params)?,
        features: wishes.features,
        attributes: fields::attributes(&call.params)?,
        extra: extra(&call.params, amount)?,
        ..Order::default()
    };
    let dialect = DIALECT;
    let registration = Registration {
        dialect,
        way,
        amount,
        expires_at,
        auto_capture_at,
        auto_void_at,
        order,
        reference_key: None,
        tries_max: None,
    };
    Ok(registration)
}

struct Reading<'a> {
    params: &'a Params,
    owner: &'a Owner,
    now: Timestamp,
    preauth: bool,
}

impl Reading<'_> {
    /// An absent number is made by the engine, unless the installation wants shops to bring theirs.
    fn order_number(&self, required: bool) -> Result<String, Fault> {
        match self.params.text("orderNumber") {
            Some(text) => fields::order_number(text),
            None if required => Err(Fault::new("4", Message::OrderNumberEmpty)),
            None => Ok(String::new()),
        }
    }

    fn amount(&self, verify: bool) -> Result<Money, Fault> {
        let invalid = || Fault::new("5", Message::AmountInvalid);
        let text = match self.params.text("amount") {
            Some(text) => text,
            None if verify => "0",
            None => return Err(Fault::new("4", Message::AmountEmpty)),
        };
        let minor = fields::amount(text).ok_or_else(invalid)?;
        if (minor == 0) != verify {
            return Err(invalid());
        }
        let settings = &self.owner.project().settings;
        let unknown = || Fault::new("3", Message::CurrencyUnknown);
        let currency = match self.params.text("currency") {
            Some(text) => fields::currency(text).ok_or_else(unknown)?,
            None => settings.default_currency,
        };
        if !settings.currencies.contains(&currency) {
            return Err(unknown());
        }
        Money::new(minor, currency).map_err(|_| invalid())
    }

    fn addresses(&self) -> Result<(String, Option<String>), Fault> {
        let return_url = self
            .params
            .text("returnUrl")
            .ok_or_else(|| Fault::new("4", Message::ReturnUrlEmpty))?;
        if !fields::is_web_address(return_url) {
            return Err(Fault::new("4", Message::ReturnUrlInvalid));
        }
        let fail_url = self.params.text("failUrl");
        if fail_url.is_some_and(|url| !fields::is_web_address(url)) {
            return Err(Fault::new("4", Message::FailUrlInvalid));
        }
        Ok((return_url.to_owned(), fail_url.map(str::to_owned)))
    }

    fn automatic_dates(&self) -> Result<(Option<Timestamp>, Option<Timestamp>), Fault> {
        const NAMES: [&str; 2] = ["autocompletionDate", "autoReverseDate"];
        if !self.preauth {
            let given = NAMES
                .into_iter()
                .find(|name| self.params.text(name).is_some());
            return match given {
                Some(name) => Err(Fault::of("5", Message::PreAuthOnly, name)),
                None => Ok((None, None)),
            };
        }
        let [capture, void] = NAMES.map(|name| fields::future(self.params, name, self.now));
        match (capture?, void?) {
            (Some(_), Some(_)) => Err(Fault::new("5", Message::DatesExclude)),
            dates => Ok(dates),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Wishes {
    verify: bool,
    features: Features,
}

/// Features that the family knows and this gateway does not have.
const UNAVAILABLE: [&str; 5] = [
    "FORCE_FULL_TDS",
    "FORCE_CREATE_BINDING",
    "PARTIAL_AUTHORIZATION",
    "FORCE_PAYMENT_WAY",
    "AUTO_PAYMENT",
];

fn wishes(params: &Params) -> Result<Wishes, Fault> {
    let mut wishes = Wishes::default();
    for word in params.list("features") {
        match word {
            "VERIFY" => wishes.verify = true,
            "FORCE_TDS" => wishes.features.force_authentication = true,
            "FORCE_SSL" => wishes.features.skip_authentication = true,
            known if UNAVAILABLE.contains(&known) => {
                return Err(Fault::of("13", Message::FeatureUnavailable, known));
            }
            _ => return Err(Fault::new("14", Message::FeatureUnknown)),
        }
    }
    if wishes.features.force_authentication && wishes.features.skip_authentication {
        return Err(Fault::new("13", Message::FeaturesExclude));
    }
    Ok(wishes)
}

fn customer(params: &Params) -> Result<Customer, Fault> {
    Ok(Customer {
        id: fields::limited(params, "clientId", 255)?,
        email: fields::email(params)?,
        phone: fields::phone(params)?,
        ip: fields::ip(params)?,
        post_address: fields::limited(params, "postAddress", 255)?,
        ..Customer::default()
    })
}

fn extra(params: &Params, amount: Money) -> Result<Value, Fault> {
    // Nothing can be saved to pay with, so no shop can name what was.
    if params.text("bindingId").is_some() {
        return Err(Fault::new("2", Message::NoBinding));
    }
    let tax_system = match params.text("taxSystem") {
        Some(text) => {
            let number = text.parse().ok().filter(|number| (0..=5).contains(number));
            Some(number.ok_or_else(|| Fault::invalid("taxSystem"))?)
        }
        None => None,
    };
    let extra = Extra {
        page_view: fields::limited(params, "pageView", 20)?,
        cardholder_name: fields::limited(params, "cardholderName", 150)?,
        order_bundle: params
            .text("orderBundle")
            .map(|text| bundle::read(text, amount))
            .transpose()?,
        tax_system,
    };
    if extra == Extra::default() {
        return Ok(Value::Null);
    }
    Ok(serde_json::to_value(extra).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wished(body: &str) -> Result<Wishes, &'static str> {
        wishes(&Params::read("", body.as_bytes()).unwrap()).map_err(|fault| fault.code)
    }

    #[test]
    fn features_work_or_say_why_not() {
        assert_eq!(wished(""), Ok(Wishes::default()));
        assert!(wished("features=VERIFY").unwrap().verify);
        assert!(
            wished("features=FORCE_TDS")
                .unwrap()
                .features
                .force_authentication
        );
        assert!(
            wished("features=FORCE_SSL")
                .unwrap()
                .features
                .skip_authentication
        );
        assert!(wished("features=VERIFY&features=FORCE_TDS").unwrap().verify);
        for body in [
            "features=FORCE_TDS,FORCE_SSL",
            "features=AUTO_PAYMENT",
            "features=FORCE_CREATE_BINDING",
        ] {
            assert_eq!(wished(body), Err("13"), "{body}");
        }
        assert_eq!(wished("features=FREE_MONEY"), Err("14"));
        assert_eq!(wished("features=verify"), Err("14"));
    }

    #[test]
    fn success_has_no_error_code() {
        let body = Registered {
            order_id: "1".to_owned(),
            form_url: "u".to_owned(),
        };
        let body = serde_json::to_value(body).unwrap();
        let names: Vec<_> = body.as_object().unwrap().keys().collect();
        assert_eq!(names, ["formUrl", "orderId"]);
    }

    #[test]
    fn what_only_we_understand_is_kept_with_the_order() {
        let amount = Money::new(100, altyn_domain::Currency::KZT).unwrap();
        let read = |body: &str| extra(&Params::read("", body.as_bytes()).unwrap(), amount);
        assert_eq!(read(""), Ok(Value::Null));
        let order = Order {
            extra: read("pageView=MOBILE&taxSystem=1").unwrap(),
            ..Order::default()
        };
        let kept = Extra::of(&order);
        assert_eq!(
            (kept.page_view.as_deref(), kept.tax_system),
            (Some("MOBILE"), Some(1))
        );
        assert_eq!(Extra::of(&Order::default()), Extra::default());
        assert_eq!(read("bindingId=5").unwrap_err().code, "2");
        assert_eq!(read("taxSystem=6").unwrap_err().code, "5");
    }
}
