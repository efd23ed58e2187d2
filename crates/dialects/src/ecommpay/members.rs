//! The members of requests: which must be there, and what each may hold. Members that are not listed are
//! taken as they come; like all others they are signed.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use altyn_domain::{CardError, CardNumber, Currency, MethodKind};
use jiff::civil::Date;

use super::answer::{Fault, Rejection};
use super::codes::Code;
use super::request::{instant, is_present, is_web_address, whole_of};
use super::signed_json::{Json, SignedJson};

/// One member of an object.
pub(super) struct Member {
    name: &'static str,
    need: Need,
    kind: Kind,
}

/// Who must send a member.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Nobody,
    Everybody,
    /// Whoever lets its payers pay by a wallet.
    Wallets,
}

/// What a member may hold.
enum Kind {
    /// At most so many characters.
    Text(usize),
    /// So many digits.
    Digits(RangeInclusive<usize>),
    /// A whole number.
    Whole(RangeInclusive<i64>),
    Truth,
    OneOf(&'static [&'static str]),
    Email,
    CustomerId,
    Ip,
    Country,
    Currency,
    Url,
    /// `DD-MM-YYYY`.
    Birthday,
    /// Date and time with an offset.
    Instant,
    CardNumber,
    Holder,
    SecurityCode,
    Object(&'static [Member]),
}

const fn may(name: &'static str, kind: Kind) -> Member {
    let need = Need::Nobody;
    Member { name, need, kind }
}

const fn must(name: &'static str, kind: Kind) -> Member {
    let need = Need::Everybody;
    Member { name, need, kind }
}

const fn wallets_must(name: &'static str, kind: Kind) -> Member {
    let need = Need::Wallets;
    Member { name, need, kind }
}

/// The amounts that the schema lets in.
const AMOUNT: RangeInclusive<i64> = 1..=10_000_000_000_000;

const LINE: Kind = Kind::Text(255);

const GENERAL: Kind = Kind::Object(&[
    may("terminal_callback_url", LINE),
    may("referrer_url", LINE),
    may("merchant_callback_url", Kind::Url),
    may("merchant_success_callback_url", Kind::Url),
    may("merchant_decline_callback_url", Kind::Url),
]);

const PHONE: Kind = Kind::Digits(4..=24);

const CUSTOMER: Kind = Kind::Object(&[
    must("id", Kind::CustomerId),
    must("ip_address", Kind::Ip),
    wallets_must("first_name", LINE),
    may("middle_name", LINE),
    wallets_must("last_name", LINE),
    wallets_must("email", Kind::Email),
    wallets_must("phone", PHONE),
    may("home_phone", PHONE),
    may("work_phone", PHONE),
    may("country", Kind::Country),
    may("citizenship", Kind::Country),
    may("state", Kind::Text(256)),
    may("city", Kind::Text(256)),
    may("district", LINE),
    may("street", LINE),
    may("building", LINE),
    may("zip", Kind::Text(10)),
    may("birthplace", LINE),
    may("day_of_birth", Kind::Birthday),
    may("gender", Kind::OneOf(&["male", "female"])),
    may("ssn", Kind::Whole(0..=9_999)),
    may("person_type", LINE),
    may("identification_level", LINE),
    may("iin", LINE),
    may("language", LINE),
    may("browser", Kind::Text(512)),
    may("color_depth", Kind::Whole(0..=255)),
    may("java_enabled", Kind::Truth),
    may("js_enabled", Kind::Truth),
    may("address_match", Kind::Truth),
    may("save", Kind::Truth),
    may("account_save", Kind::Truth),
    may(
        "identify",
        Kind::Object(&[
            may("doc_number", LINE),
            may("doc_type", LINE),
            may("doc_issue_date", LINE),
            may("doc_issue_by", LINE),
            may("doc_issue_country", LINE),
        ]),
    ),
    may(
        "billing",
        Kind::Object(&[
            may("country", Kind::Country),
            may("region_code", Kind::Text(3)),
            may("city", Kind::Text(256)),
            may("address", Kind::Text(512)),
            may("postal", Kind::Text(16)),
        ]),
    ),
]);

const CHALLENGES: &[&str] = &["01", "02", "03", "04", "05", "06", "07", "08", "09"];

const PAYMENT: Kind = Kind::Object(&[
    must("amount", Kind::Whole(AMOUNT)),
    must("currency", Kind::Currency),
    may("description", LINE),
    may("extra_param", LINE),
    may("best_before", Kind::Instant),
    may("customer_amount", Kind::Whole(AMOUNT)),
    may("customer_currency", Kind::Currency),
    may("local_conversion_currency", Kind::Currency),
    may("challenge_indicator", Kind::OneOf(CHALLENGES)),
    may(
        "challenge_window",
        Kind::OneOf(&["01", "02", "03", "04", "05"]),
    ),
    may("reorder", Kind::OneOf(&["01", "02"])),
    may("preorder_purchase", Kind::OneOf(&["01", "02"])),
    may("device_channel", Kind::OneOf(&["01", "02"])),
    may("moto_type", Kind::Whole(0..=2)),
    may("debt_account", Kind::Text(10)),
    may("is_fast", Kind::Truth),
    may("end_to_end_id", Kind::Text(35)),
]);

const CARD: Kind = Kind::Object(&[
    must("pan", Kind::CardNumber),
    must("year", Kind::Whole(2020..=9_999)),
    must("month", Kind::Whole(1..=12)),
    must("card_holder", Kind::Holder),
    may("cvv", Kind::SecurityCode),
    may("save", Kind::Truth),
]);

const RETURN_URL: Kind = Kind::Object(&[
    wallets_must("success", Kind::Url),
    may("decline", Kind::Url),
    may("return", Kind::Url),
]);

const ACS_RETURN_URL: Kind = Kind::Object(&[
    must("return_url", Kind::Url),
    must("3ds_notification_url", Kind::Url),
]);

const CALLBACK: Kind = Kind::Object(&[
    may("delay", Kind::Whole(0..=600)),
    may("force_disable", Kind::Truth),
]);

const RECURRING: Kind = Kind::Object(&[may("register", Kind::Truth)]);

/// sale with a wallet.
pub(super) const WALLET_SALE: &[Member] = &[
    may("general", GENERAL),
    must("payment", PAYMENT),
    must("customer", CUSTOMER),
    wallets_must("return_url", RETURN_URL),
    may("callback", CALLBACK),
    may("recurring", RECURRING),
    may("recurring_register", Kind::Truth),
];

/// sale and auth with a card.
pub(super) const CARD_SALE: &[Member] = &[
    may("general", GENERAL),
    must("payment", PAYMENT),
    must("customer", CUSTOMER),
    must("card", CARD),
    may("return_url", RETURN_URL),
    may("acs_return_url", ACS_RETURN_URL),
    may(
        "avs_data",
        Kind::Object(&[
            must("avs_post_code", LINE),
            must("avs_street_address", LINE),
        ]),
    ),
    may(
        "merchant",
        Kind::Object(&[may("descriptor", Kind::Text(13))]),
    ),
    may("callback", CALLBACK),
    may("recurring", RECURRING),
    may("recurring_register", Kind::Truth),
];

/// capture and cancel.
pub(super) const TAKE: &[Member] = &[
    may("general", GENERAL),
    may(
        "payment",
        Kind::Object(&[
            may("amount", Kind::Whole(AMOUNT)),
            may("currency", Kind::Currency),
            may("description", LINE),
            may("extra_param", LINE),
        ]),
    ),
];

/// refund.
pub(super) const REFUND: &[Member] = &[
    may("general", GENERAL),
    must(
        "payment",
        Kind::Object(&[
            must("description", LINE),
            may("amount", Kind::Whole(AMOUNT)),
            may("currency", Kind::Currency),
            may("merchant_refund_id", LINE),
        ]),
    ),
    may("callback", CALLBACK),
];

/// 3ds_check_iframe.
pub(super) const FRAME_CHECKED: &[Member] = &[may("threeds_completion_indicator", Kind::Truth)];

/// 3ds_result.
pub(super) const CHALLENGED: &[Member] = &[
    may("cres", Kind::Text(32_768)),
    may("pares", Kind::Text(32_768)),
];

/// status.
pub(super) const STATUS: &[Member] = &[may("destination", Kind::OneOf(&["merchant", "terminal"]))];

/// status/request.
pub(super) const STATUS_OF_REQUEST: &[Member] = &[must("request_id", Kind::Text(100))];

/// Checks all members of a request for a method of this kind and tells all that is wrong.
pub(super) fn check(
    message: &SignedJson<'_>,
    members: &[Member],
    kind: MethodKind,
) -> Result<(), Rejection> {
    let mut check = Check {
        kind,
        faults: Vec::new(),
    };
    check.object(Some(message.root()), "", members);
    Rejection::of_all(check.faults)
}

struct Check {
    kind: MethodKind,
    faults: Vec<Fault>,
}

impl Check {
    /// Nesting is limited by the tables above.
    fn object(&mut self, object: Option<&Json<'_>>, path: &str, members: &[Member]) {
        for member in members {
            let value = object.and_then(|object| object.get(member.name));
            let value = value.filter(|value| is_present(value));
            let field = match path {
                "" => member.name.to_owned(),
                path => format!("{path}.{}", member.name),
            };
            match (&member.kind, value) {
                // What is needed in it is told by name.
                (Kind::Object(inner), None) if self.needs(member.need) => {
                    self.object(None, &field, inner);
                }
                (_, None) if self.needs(member.need) => {
                    self.wrong(Code::REQUIRED_FIELD_MISSING, field);
                }
                (_, None) => {}
                (Kind::Object(inner), Some(Json::Object(_))) => self.object(value, &field, inner),
                (kind, Some(value)) => {
                    if let Err(code) = kind.check(value) {
                        self.wrong(code, field);
                    }
                }
            }
        }
    }

    fn needs(&self, need: Need) -> bool {
        match need {
            Need::Nobody => false,
            Need::Everybody => true,
            Need::Wallets => self.kind == MethodKind::Wallet,
        }
    }

    fn wrong(&mut self, code: Code, field: String) {
        self.faults.push(Fault { code, field });
    }
}

impl Kind {
    fn check(&self, value: &Json<'_>) -> Result<(), Code> {
        let text = value.text();
        let fits = match self {
            Self::Text(max) => text.is_some_and(|text| has_at_most(text, *max)),
            Self::Digits(count) => text.is_some_and(|text| is_digits(text, count)),
            Self::Whole(range) => whole_of(value).is_some_and(|number| range.contains(&number)),
            Self::Truth => matches!(value, Json::Bool(_)),
            Self::OneOf(words) => text.is_some_and(|text| words.contains(&text)),
            Self::Email => text.is_some_and(is_email),
            Self::CustomerId => text.is_some_and(|text| has_at_most(text, 255)),
            Self::Ip => text.is_some_and(|text| text.parse::<IpAddr>().is_ok()),
            Self::Country => text.is_some_and(is_country),
            Self::Currency => text.is_some_and(|text| Currency::from_alpha(text).is_ok()),
            Self::Url => text.is_some_and(is_web_address),
            Self::Birthday => text.is_some_and(is_birthday),
            Self::Instant => text.is_some_and(|text| instant(text).is_some()),
            Self::CardNumber => return card_number(text),
            Self::Holder => text.is_some_and(is_holder),
            Self::SecurityCode => text.is_some_and(|text| is_digits(text, &(3..=4))),
            Self::Object(_) => false,
        };
        if fits { Ok(()) } else { Err(self.code()) }
    }

    /// What is told of an impossible value.
    const fn code(&self) -> Code {
        match self {
            Self::Email => Code::INVALID_EMAIL,
            Self::CustomerId => Code::INVALID_CUSTOMER_ID,
            Self::Country => Code::INVALID_COUNTRY,
            Self::Currency => Code::INVALID_CURRENCY,
            Self::Birthday => Code::INVALID_BIRTHDAY,
            Self::Holder => Code::INVALID_HOLDER,
            Self::Text(_)
            | Self::Digits(_)
            | Self::Whole(_)
            | Self::Truth
            | Self::OneOf(_)
            | Self::Ip
            | Self::Url
            | Self::Instant
            | Self::CardNumber
            | Self::SecurityCode
            | Self::Object(_) => Code::MALFORMED_REQUEST,
        }
    }
}

fn has_at_most(text: &str, max: usize) -> bool {
    text.chars().take(max + 1).count() <= max
}

fn is_digits(text: &str, count: &RangeInclusive<usize>) -> bool {
    count.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_email(text: &str) -> bool {
    let bare = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let whole =
        |(name, host): (&str, &str)| !name.is_empty() && !host.is_empty() && !host.contains('@');
    bare && has_at_most(text, 255) && text.split_once('@').is_some_and(whole)
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

fn is_birthday(text: &str) -> bool {
    text.len() == 10 && text.is_ascii() && Date::strptime("%d-%m-%Y", text).is_ok()
}

/// Letters of any script, digits, blanks and what names are written with.
fn is_holder(text: &str) -> bool {
    let plain =
        |c: char| c.is_alphabetic() || c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '\'');
    has_at_most(text, 255) && text.chars().all(plain)
}

/// A mistyped digit has a code of its own: the payer can put it right.
fn card_number(text: Option<&str>) -> Result<(), Code> {
    let text = text.filter(|text| has_at_most(text, 32));
    match text.map(CardNumber::parse) {
        Some(Ok(_)) => Ok(()),
        Some(Err(CardError::NumberCheck)) => Err(Code::CARD_NOT_FOUND),
        Some(Err(_)) | None => Err(Code::MALFORMED_REQUEST),
    }
}
