//! The parameters of a page, read once. All of them are texts; an empty one counts as absent.
//!
//! Read: identity (`project_id`, `payment_id`, `customer_id`), money (`payment_amount`, `payment_currency`,
//! `payment_description`), what to do (`mode`, `operation_type`, `moto_type`), `best_before`, the choice of
//! methods (`force_payment_method`, `default_payment_method`, `list_payment_block`, `hide`, `region_code`,
//! `language_code`), the customer (`customer_*`), the ways back (`merchant_*_url`, `redirect_*_url`), the
//! notification (`merchant_callback_url`, `merchant_data`, `payment_extra_param`) and the look
//! (`frame_mode`). Of the others those whose shape is documented must have it; apart from that they are
//! signed and change nothing here: saved instruments, series of payments, receipts and travel data, billing
//! and transfer families, styles, cashier.

use std::net::IpAddr;

use altyn_domain::{
    Currency, Customer, Language, MethodKind, Money, Order, Project, Timestamp, Way,
};
use altyn_engine::Registration;
use altyn_web::checkout::InFrame;
use serde_json::{Map, Value};

use crate::web_address::is_web_address;

use super::super::extra::{Door, Extra, ReturnUrls};
use super::super::request::instant;
use super::super::signed_json::{Json, SignedJson};
use super::super::{DIALECT, ids};
use super::fault::Fault;
use super::kept::{Back, How, Kept, Mode};

/// The largest amount, in minor units.
const AMOUNT_MAX: i64 = 10_000_000_000_000;

/// How long a payment can be paid unless `best_before` says otherwise, and how far ahead that may be. Longer
/// than a wallet's page is waited for, so that its late end still finds a payment that is open.
const USUAL_LIFE_MS: i64 = 30 * 60_000;
const AHEAD_MAX_MS: i64 = 30 * 86_400_000;

/// How many tries a payer has, and where the first failure goes back to the shop by itself.
const TRIES: u32 = 5;
const ONE_TRY: u32 = 1;

/// The longest text that is kept, in characters.
const TEXT_MAX: usize = 4_096;

/// The shape of a value.
#[derive(Clone, Copy)]
enum Shape {
    /// At most so many characters.
    Text(usize),
    /// From so many to so many digits; blanks, brackets, `+` and `-` between them do not count.
    Phone(usize, usize),
    /// Two letters.
    Country,
    /// `DD-MM-YYYY`.
    Date,
    /// 0 or 1, or a truth as clients write it.
    Truth,
}

/// Parameters whose shape is documented.
const SHAPES: [(&str, Shape); 28] = [
    ("customer_id", Shape::Text(255)),
    ("payment_description", Shape::Text(TEXT_MAX)),
    ("payment_extra_param", Shape::Text(TEXT_MAX)),
    ("merchant_data", Shape::Text(TEXT_MAX)),
    ("descriptor", Shape::Text(13)),
    ("debt_account", Shape::Text(10)),
    ("uuid", Shape::Text(64)),
    ("customer_first_name", Shape::Text(255)),
    ("customer_middle_name", Shape::Text(255)),
    ("customer_last_name", Shape::Text(255)),
    ("customer_email", Shape::Text(255)),
    ("customer_phone", Shape::Phone(4, 24)),
    ("customer_country", Shape::Country),
    ("customer_state", Shape::Text(255)),
    ("customer_city", Shape::Text(255)),
    ("customer_street", Shape::Text(255)),
    ("customer_address", Shape::Text(512)),
    ("customer_zip", Shape::Text(32)),
    ("customer_day_of_birth", Shape::Date),
    ("billing_country", Shape::Country),
    ("region_code", Shape::Country),
    ("recurring_register", Shape::Truth),
    ("redirect", Shape::Truth),
    ("redirect_on_mobile", Shape::Truth),
    ("force_acs_new_window", Shape::Truth),
    ("close_on_missclick", Shape::Truth),
    ("checkout_script", Shape::Truth),
    ("force_payment_method", Shape::Text(255)),
];

/// What of a customer is told back to the shop; the names without `customer_`.
const ECHOED: [&str; 12] = [
    "id",
    "first_name",
    "middle_name",
    "last_name",
    "email",
    "phone",
    "country",
    "state",
    "city",
    "address",
    "zip",
    "day_of_birth",
];

/// What a link asks for.
#[derive(Debug)]
pub(super) struct Parameters {
    /// The shop's id of the payment, as it is written.
    pub payment_id: String,
    pub amount: Money,
    /// A purchase, a hold (`operation_type` auth) or a check of the card (`mode` card_verify).
    pub way: Way,
    /// Until when it can be paid, if that is told and not too far ahead.
    pub best_before: Option<Timestamp>,
    /// Where callbacks of this one payment go.
    pub callback_url: Option<String>,
    description: Option<String>,
    customer: Customer,
    echoed: Map<String, Value>,
    /// The shop's own texts, told back.
    attributes: Vec<(&'static str, String)>,
    kept: Kept,
}

impl Parameters {
    /// Reads what is signed.
    pub(super) fn read(
        message: &SignedJson<'_>,
        project: &Project,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let values = Values(message);
        values.refuse_control_characters()?;
        let way = way(values)?;
        for (name, shape) in SHAPES {
            if values.get(name).is_some_and(|value| !shape.fits(value)) {
                return Err(Fault::Malformed(name));
            }
        }
        let payment_id = values.required("payment_id")?;
        if !ids::is_payment_id(payment_id) {
            return Err(Fault::Malformed("payment_id"));
        }
        let amount = amount(values, way, project)?;
        values.required("customer_id")?;
        let own_texts = ["merchant_data", "payment_extra_param"];
        let told = |name: &'static str| Some((name, values.owned(name)?));
        let customer = customer(values);
        let parameters = Self {
            payment_id: payment_id.to_owned(),
            amount,
            way,
            best_before: best_before(values, now)?,
            callback_url: values.web_address("merchant_callback_url")?,
            description: values.owned("payment_description"),
            echoed: echoed(values),
            attributes: own_texts.into_iter().filter_map(told).collect(),
            kept: kept(values, project)?,
            customer,
        };
        parameters.check_forced(project)?;
        Ok(parameters)
    }

    /// A way of paying that the shop insists on must fit.
    fn check_forced(&self, project: &Project) -> Result<(), Fault> {
        let forced = &self.kept.only_methods;
        if forced.is_empty() {
            return Ok(());
        }
        let is_hold = self.way == Way::Hold;
        let fits = forced.iter().any(|id| {
            project.method(id).is_some_and(|method| {
                let is_possible = self.way != Way::Verify || method.kind == MethodKind::Card;
                is_possible && method.check(self.amount, &self.customer, is_hold).is_ok()
            })
        });
        if fits { Ok(()) } else { Err(Fault::Method) }
    }

    /// What is kept with the payment, whose page is shown in `frame`.
    pub(super) fn kept(&self, frame: Option<&InFrame>) -> Kept {
        let mut kept = self.kept.clone();
        kept.set_frame(frame);
        kept
    }

    /// The order as it is registered when the payer pays.
    pub(super) fn registration(
        self,
        kept: &Kept,
        payer: Option<IpAddr>,
        now: Timestamp,
    ) -> Registration {
        let url = |back: &Option<Back>| back.as_ref().map(|back| back.url.clone());
        let urls = ReturnUrls {
            success: url(&kept.success),
            decline: url(&kept.fail),
            return_: url(&kept.any),
        };
        let extra = Extra {
            door: Door::Page,
            customer: self.echoed,
            return_urls: urls.clone(),
            page: Some(kept.to_value()),
            ..Extra::default()
        };
        let texts = self.attributes.into_iter();
        let order = Order {
            reference: self.payment_id.clone(),
            description: self.description,
            return_url: urls.success.or_else(|| urls.return_.clone()),
            fail_url: urls.decline.or(urls.return_),
            callback_url: self.callback_url,
            customer: Customer {
                ip: payer.map(|address| address.to_canonical().to_string()),
                ..self.customer
            },
            attributes: texts.map(|(name, text)| (name.to_owned(), text)).collect(),
            extra: extra.to_value(),
            // The language is the one of the page that the payer confirms on.
            language: Language::default(),
            ..Order::default()
        };
        let usual_end = now.plus_millis(USUAL_LIFE_MS);
        Registration {
            dialect: DIALECT,
            way: self.way,
            amount: self.amount,
            expires_at: Some(self.best_before.unwrap_or(usual_end)),
            auto_capture_at: None,
            auto_void_at: None,
            order,
            reference_key: Some(ids::reference_key(&self.payment_id)),
            tries_max: Some(if kept.fails_once() { ONE_TRY } else { TRIES }),
        }
    }
}

impl Shape {
    fn fits(self, value: &str) -> bool {
        match self {
            Self::Text(max) => value.chars().take(max + 1).count() <= max,
            Self::Phone(min, max) => {
                let digits = value.chars().filter(char::is_ascii_digit).count();
                let plain = |c: char| c.is_ascii_digit() || " +-().".contains(c);
                value.chars().all(plain) && (min..=max).contains(&digits)
            }
            Self::Country => value.len() == 2 && value.bytes().all(|b| b.is_ascii_alphabetic()),
            Self::Date => {
                let is_part = |part: &str, length| {
                    part.len() == length && part.bytes().all(|b| b.is_ascii_digit())
                };
                let parts: Vec<&str> = value.split('-').collect();
                matches!(parts.as_slice(), [day, month, year]
                    if is_part(day, 2) && is_part(month, 2) && is_part(year, 4))
            }
            Self::Truth => matches!(value, "0" | "1" | "true" | "false" | "True" | "False"),
        }
    }
}

/// The values of a message that is one level deep.
#[derive(Clone, Copy)]
struct Values<'m>(&'m SignedJson<'m>);

impl<'m> Values<'m> {
    fn get(self, name: &str) -> Option<&'m str> {
        let text = self.0.get(&[name]).and_then(Json::text);
        text.filter(|text| !text.is_empty())
    }

    fn owned(self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    fn required(self, name: &'static str) -> Result<&'m str, Fault> {
        self.get(name).ok_or(Fault::Missing(name))
    }

    fn web_address(self, name: &'static str) -> Result<Option<String>, Fault> {
        match self.get(name) {
            Some(url) if is_web_address(url) => Ok(Some(url.to_owned())),
            Some(_) => Err(Fault::Malformed(name)),
            None => Ok(None),
        }
    }

    /// The items of a list with commas.
    fn list(self, name: &str) -> impl Iterator<Item = &'m str> {
        let items = self.get(name).unwrap_or_default().split(',');
        items.map(str::trim).filter(|item| !item.is_empty())
    }

    /// Neither database nor log should ever meet these.
    fn refuse_control_characters(self) -> Result<(), Fault> {
        let Json::Object(members) = self.0.root() else {
            return Ok(());
        };
        let odd = |text: &str| {
            text.chars()
                .any(|c| c.is_control() && !matches!(c, '\t' | '\r' | '\n'))
        };
        let has_odd = |json: &Json<'_>| json.text().is_some_and(odd);
        if members
            .iter()
            .any(|(name, value)| odd(name) || has_odd(value))
        {
            return Err(Fault::Control);
        }
        Ok(())
    }
}

/// How the money is taken. A payer who is not there (`moto_type`) cannot use a page.
fn way(values: Values<'_>) -> Result<Way, Fault> {
    if values.get("moto_type").is_some_and(|kind| kind != "0") {
        return Err(Fault::NotPossible("moto_type"));
    }
    let names = ["operation_type", "card_operation_type"];
    let mut kinds = names
        .into_iter()
        .filter_map(|name| Some((name, values.get(name)?)));
    let is_hold = match kinds.next() {
        None | Some((_, "sale")) => false,
        Some((_, "auth")) => true,
        Some((name, _)) => return Err(Fault::Malformed(name)),
    };
    match values.get("mode").unwrap_or("purchase") {
        "purchase" if is_hold => Ok(Way::Hold),
        "purchase" => Ok(Way::Purchase),
        "card_verify" => Ok(Way::Verify),
        "payout" | "card_tokenize" => Err(Fault::NotPossible("mode")),
        _ => Err(Fault::Malformed("mode")),
    }
}

/// A check of a card is about nothing, everything else about something.
fn amount(values: Values<'_>, way: Way, project: &Project) -> Result<Money, Fault> {
    let text = values.required("payment_amount")?;
    let code = values.required("payment_currency")?;
    let is_plain = text.bytes().all(|b| b.is_ascii_digit());
    let minor = text.parse::<i64>().ok().filter(|_| is_plain);
    let minor = minor.ok_or(Fault::Malformed("payment_amount"))?;
    let fits = match way {
        Way::Verify => minor == 0,
        Way::Purchase | Way::Hold => (1..=AMOUNT_MAX).contains(&minor),
    };
    if !fits {
        return Err(Fault::Malformed("payment_amount"));
    }
    let malformed = Fault::Malformed("payment_currency");
    let currency = Currency::from_alpha(code).map_err(|_| malformed)?;
    if !project.settings.currencies.contains(&currency) {
        return Err(Fault::Currency);
    }
    Money::new(minor, currency).map_err(|_| malformed)
}

/// An end that cannot be read or is too far ahead does not count; one that is over is over.
fn best_before(values: Values<'_>, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
    let Some(text) = values.get("best_before") else {
        return Ok(None);
    };
    // A `+` that a client did not encode arrives as a blank.
    let at = instant(&text.replacen(' ', "+", 1));
    match at.map(|at| (at, at.millis_since(now))) {
        Some((_, left)) if left <= 0 => Err(Fault::TimeOver),
        Some((at, left)) if left <= AHEAD_MAX_MS => Ok(Some(at)),
        Some(_) | None => Ok(None),
    }
}

fn customer(values: Values<'_>) -> Customer {
    let owned = |name| values.owned(name);
    let names = ["customer_first_name", "customer_last_name"];
    let name: Vec<&str> = names
        .into_iter()
        .filter_map(|name| values.get(name))
        .collect();
    let place = ["customer_address", "customer_street", "billing_address"];
    let country = ["customer_country", "region_code"];
    let country = country.into_iter().find_map(|name| values.get(name));
    Customer {
        id: owned("customer_id"),
        kind: None,
        email: owned("customer_email"),
        phone: owned("customer_phone"),
        ip: None,
        name: Some(name.join(" ")).filter(|name| !name.is_empty()),
        country: country.map(str::to_ascii_uppercase),
        post_address: place.into_iter().find_map(owned),
    }
}

fn echoed(values: Values<'_>) -> Map<String, Value> {
    let told = |name: &str| {
        let value = values.get(&format!("customer_{name}"))?;
        Some((name.to_owned(), Value::from(value)))
    };
    ECHOED.into_iter().filter_map(told).collect()
}

/// How the page looks, and the ways back.
fn kept(values: Values<'_>, project: &Project) -> Result<Kept, Fault> {
    let ids = |codes: &mut dyn Iterator<Item = &str>| -> Vec<String> {
        codes.flat_map(|code| ids_of(project, code)).collect()
    };
    let forced = values.get("force_payment_method");
    let only_methods = ids(&mut forced.into_iter());
    if forced.is_some() && only_methods.is_empty() {
        return Err(Fault::Method);
    }
    let first = ids(&mut values.get("default_payment_method").into_iter());
    Ok(Kept {
        success: back(values, "success")?,
        fail: back(values, "fail")?,
        any: back(values, "return")?,
        only_methods,
        first_method: first.into_iter().next(),
        hidden_methods: ids(&mut values.list("hide")),
        listed_methods: ids(&mut values.list("list_payment_block")),
        ..Kept::default()
    })
}

/// The project's methods that a code of this dialect stands for: `card` for all cards.
fn ids_of(project: &Project, code: &str) -> Vec<String> {
    let methods = project.settings.methods.iter();
    let named = methods.filter(|method| match method.kind {
        MethodKind::Card => code == "card" || method.id == code,
        MethodKind::Wallet => method.id == code,
    });
    named.map(|method| method.id.clone()).collect()
}

/// A family of names for one way back, and what it means if nothing more is said.
struct Family {
    kind: &'static str,
    url: &'static str,
    /// Names for 0, 1 or 2; clients differ.
    enabled: [&'static str; 2],
    /// Names for where it opens; clients differ.
    mode: [&'static str; 3],
    usual: How,
}

/// The ways back, the newer names first. The older addresses of ends are gone to by themselves.
const FAMILIES: [Family; 6] = [
    Family {
        kind: "success",
        url: "merchant_success_url",
        enabled: ["merchant_success_enabled", "merchant_success_url_enabled"],
        mode: [
            "merchant_success_redirect_mode",
            "merchant_success_url_redirect_mode",
            "merchant_success_mode",
        ],
        usual: How::Button,
    },
    Family {
        kind: "fail",
        url: "merchant_fail_url",
        enabled: ["merchant_fail_enabled", "merchant_fail_url_enabled"],
        mode: [
            "merchant_fail_redirect_mode",
            "merchant_fail_url_redirect_mode",
            "merchant_fail_mode",
        ],
        usual: How::Button,
    },
    Family {
        kind: "return",
        url: "merchant_return_url",
        enabled: ["merchant_return_enabled", "merchant_return_url_enabled"],
        mode: [
            "merchant_return_redirect_mode",
            "merchant_return_url_redirect_mode",
            "merchant_return_mode",
        ],
        usual: How::Button,
    },
    Family {
        kind: "success",
        url: "redirect_success_url",
        enabled: ["redirect_success_enabled", "redirect_success_url_enabled"],
        mode: [
            "redirect_success_redirect_mode",
            "redirect_success_url_redirect_mode",
            "redirect_success_mode",
        ],
        usual: How::Automatic,
    },
    Family {
        kind: "fail",
        url: "redirect_fail_url",
        enabled: ["redirect_fail_enabled", "redirect_fail_url_enabled"],
        mode: [
            "redirect_fail_redirect_mode",
            "redirect_fail_url_redirect_mode",
            "redirect_fail_mode",
        ],
        usual: How::Automatic,
    },
    Family {
        kind: "return",
        url: "redirect_return_url",
        enabled: ["redirect_return_enabled", "redirect_return_url_enabled"],
        mode: [
            "redirect_return_redirect_mode",
            "redirect_return_url_redirect_mode",
            "redirect_return_mode",
        ],
        usual: How::Button,
    },
];

/// One way back: `_enabled` 0 is none, 1 a button, 2 by itself.
fn back(values: Values<'_>, kind: &str) -> Result<Option<Back>, Fault> {
    for family in FAMILIES.iter().filter(|family| family.kind == kind) {
        let Some(url) = values.web_address(family.url)? else {
            continue;
        };
        let first = |names: &[&'static str]| {
            let mut there = names
                .iter()
                .filter_map(|name| Some((*name, values.get(name)?)));
            there.next()
        };
        let how = match first(&family.enabled) {
            None => family.usual,
            Some((_, "0")) => return Ok(None),
            Some((_, "1")) => How::Button,
            Some((_, "2")) => How::Automatic,
            Some((name, _)) => return Err(Fault::Malformed(name)),
        };
        let mode = match first(&family.mode) {
            None => Mode::default(),
            Some((name, word)) => Mode::parse(word).ok_or(Fault::Malformed(name))?,
        };
        return Ok(Some(Back { url, how, mode }));
    }
    Ok(None)
}
