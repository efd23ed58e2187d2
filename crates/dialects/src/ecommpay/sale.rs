//! sale and auth: an order becomes a payment with one try, in one commit. What the method does not take
//! is accepted and declined by callback; what the project does not take is refused at once.

use altyn_domain::{
    BrowserFacts, CardDetails, CardNumber, Currency, Customer, Expiry, Features, Initiator,
    Language, MethodKind, Money, OnRefusal, Order, Payment, PaymentId, PaymentStatus, SecurityCode,
    Timestamp, Way,
};
use altyn_engine::{PayRequest, Registration, Wait};
use axum::response::Response;

use crate::calendar;

use super::answer::{self, Rejection, Verb, of_engine};
use super::codes::Code;
use super::extra::{AcsReturnUrl, Door, Extra, ReturnUrls, echo};
use super::gate::Call;
use super::request::{Values, instant};
use super::{DIALECT, ids, members};

/// One request is one try; whoever wants another sends another payment.
const TRIES: u32 = 1;

/// How far ahead the end of a payment may lie; a later one does not count.
const AHEAD_MAX_MS: i64 = 30 * 86_400_000;

/// Begins a payment by the method that the address names.
pub(super) async fn pay(call: &Call<'_>, named: &str, way: Way) -> Result<Response, Rejection> {
    let method = call.method(named)?;
    let kind = method.kind;
    if way == Way::Hold && kind == MethodKind::Wallet {
        return Err(Rejection::forbidden(Code::NOT_ALLOWED_BY_PROJECT));
    }
    let members = match kind {
        MethodKind::Card => members::CARD_SALE,
        MethodKind::Wallet => members::WALLET_SALE,
    };
    members::check(call.message, members, kind)?;
    let values = call.values();
    refuse_what_is_missing_here(values)?;
    let engine = call.engine();
    let now = engine.now();
    let card = match kind {
        MethodKind::Card => Some(card(values, now)?),
        MethodKind::Wallet => None,
    };
    let registration = registration(call, way, now)?;
    let id = engine.new_payment_id(&call.owner);
    let browser = card
        .as_ref()
        .map(|_| browser(call, id, registration.order.language));
    let wanted = PayRequest {
        method: Some(method.id.clone()),
        card,
        browser,
        initiator: Initiator::Merchant,
        on_refusal: OnRefusal::Record,
        from_balance: 0,
    };
    let answer = engine
        .register_and_pay(&call.owner, id, registration, wanted, Wait::No)
        .await
        .map_err(|failure| of_engine(failure, Verb::Pay))?;
    answer::accepted(&answer, call.project_id, call.payment_id)
}

/// Money must not be taken in another way than the shop believes: a series that was not begun cannot be
/// gone on with, and an order by mail or telephone has no payer for 3-D Secure.
fn refuse_what_is_missing_here(values: Values<'_>) -> Result<(), Rejection> {
    let series = [&["recurring", "register"][..], &["recurring_register"]];
    let begins_series = series.iter().any(|path| values.truth(path) == Some(true));
    let by_mail = values.whole(&["payment", "moto_type"]).unwrap_or(0) != 0;
    if begins_series || by_mail {
        return Err(Rejection::forbidden(Code::NOT_ALLOWED_BY_PROJECT));
    }
    Ok(())
}

fn registration(call: &Call<'_>, way: Way, now: Timestamp) -> Result<Registration, Rejection> {
    let values = call.values();
    let malformed = |field: &str| Rejection::of(Code::MALFORMED_REQUEST, field);
    let callback_url = values.owned(&["general", "merchant_callback_url"]);
    if let Some(url) = &callback_url
        && call.engine().url_guard().check(url).is_err()
    {
        return Err(malformed("general.merchant_callback_url"));
    }
    let expires_at = end_of_life(values, now)?;
    let default = call.owner.project().settings.language;
    let language = values.text(&["customer", "language"]).and_then(language);
    let order = Order {
        reference: call.payment_id.to_owned(),
        description: values.owned(&["payment", "description"]),
        language: language.unwrap_or(default),
        return_url: values.owned(&["return_url", "success"]),
        fail_url: values.owned(&["return_url", "decline"]),
        callback_url,
        customer: customer(values),
        features: features(values),
        callback_delay_ms: values.whole(&["callback", "delay"]).unwrap_or(0) * 1_000,
        callbacks_disabled: values.truth(&["callback", "force_disable"]) == Some(true),
        extra: extra(values).to_value(),
        ..Order::default()
    };
    Ok(Registration {
        dialect: DIALECT,
        way,
        amount: amount(values)?,
        expires_at,
        auto_capture_at: None,
        auto_void_at: None,
        order,
        reference_key: Some(ids::reference_key(call.payment_id)),
        tries_max: Some(TRIES),
    })
}

fn amount(values: Values<'_>) -> Result<Money, Rejection> {
    let code = values.text(&["payment", "currency"]).unwrap_or_default();
    let currency = Currency::from_alpha(code);
    let currency =
        currency.map_err(|_| Rejection::of(Code::INVALID_CURRENCY, "payment.currency"))?;
    let minor = values.whole(&["payment", "amount"]).unwrap_or_default();
    Money::new(minor, currency)
        .map_err(|_| Rejection::of(Code::MALFORMED_REQUEST, "payment.amount"))
}

/// An end in the past is refused; one too far ahead does not count.
fn end_of_life(values: Values<'_>, now: Timestamp) -> Result<Option<Timestamp>, Rejection> {
    let at = values.text(&["payment", "best_before"]).and_then(instant);
    if at.is_some_and(|at| at <= now) {
        return Err(Rejection::of(
            Code::MALFORMED_REQUEST,
            "payment.best_before",
        ));
    }
    Ok(at.filter(|at| at.millis_since(now) <= AHEAD_MAX_MS))
}

/// `en_US`, `en-US` or `en`.
fn language(text: &str) -> Option<Language> {
    Language::parse(text.split(['_', '-']).next()?)
}

fn customer(values: Values<'_>) -> Customer {
    let owned = |name| values.owned(&["customer", name]);
    let names = [owned("first_name"), owned("last_name")];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    Customer {
        id: owned("id"),
        kind: None,
        email: owned("email"),
        phone: owned("phone"),
        ip: owned("ip_address"),
        name: Some(name).filter(|name| !name.is_empty()),
        country: owned("country"),
        post_address: owned("address"),
    }
}

/// The issuer's page is forced only where the shop says it must be shown.
fn features(values: Values<'_>) -> Features {
    let wanted = values.text(&["payment", "challenge_indicator"]);
    Features {
        force_authentication: wanted == Some("04"),
        skip_authentication: false,
    }
}

fn extra(values: Values<'_>) -> Extra {
    let customer = values.tree(&["customer"]).unwrap_or_default();
    let url = |name| values.owned(&["return_url", name]);
    let acs = |name| values.owned(&["acs_return_url", name]);
    let addresses = acs("return_url").zip(acs("3ds_notification_url"));
    Extra {
        door: Door::Gate,
        customer: customer.as_object().map(echo).unwrap_or_default(),
        return_urls: ReturnUrls {
            success: url("success"),
            decline: url("decline"),
            return_: url("return"),
        },
        acs_return_url: addresses.map(|(return_url, notification_url)| AcsReturnUrl {
            return_url,
            notification_url,
        }),
        page: None,
    }
}

/// The card, which lives as long as the exchange.
fn card(values: Values<'_>, now: Timestamp) -> Result<CardDetails, Rejection> {
    let malformed = |field: &str| Rejection::of(Code::MALFORMED_REQUEST, field);
    let number = CardNumber::parse(values.text(&["card", "pan"]).unwrap_or_default());
    let number = number.map_err(|_| malformed("card.pan"))?;
    let part = |name| values.whole(&["card", name]).unwrap_or_default();
    let (year, month) = (u16::try_from(part("year")), u8::try_from(part("month")));
    let expiry = year.ok().zip(month.ok());
    let expiry = expiry.and_then(|(year, month)| Expiry::try_new(year, month).ok());
    let expiry = expiry.ok_or_else(|| malformed("card.year"))?;
    let (year, month) = calendar::month(now);
    if expiry.is_before(year, month) {
        return Err(Rejection::of(Code::CARD_EXPIRED, "card"));
    }
    let code = values.text(&["card", "cvv"]);
    let code = code.ok_or_else(|| Rejection::of(Code::CVV_REQUIRED, "card.cvv"))?;
    let security_code = SecurityCode::parse(code, number.brand());
    let holder = values.text(&["card", "card_holder"]).unwrap_or_default();
    Ok(CardDetails {
        number,
        expiry,
        security_code: security_code.map_err(|_| malformed("card.cvv"))?,
        holder: holder.trim().to_owned(),
    })
}

/// Where the issuer's pages send the payer's browser: to the shop, if it carries 3-D Secure out by
/// itself, else to our Checkout.
fn browser(call: &Call<'_>, id: PaymentId, language: Language) -> BrowserFacts {
    let ours = call.ecommpay.checkout().browser(id, language);
    let acs = |name| call.values().owned(&["acs_return_url", name]);
    match acs("return_url").zip(acs("3ds_notification_url")) {
        Some((notification_url, method_notification_url)) => BrowserFacts {
            notification_url,
            method_notification_url,
            ..ours
        },
        None => ours,
    }
}

/// Where the payer of a Gate's payment goes back to the shop. Nobody is sent to a shop's thanks for a
/// payment that is not paid.
pub(super) fn return_url(payment: &Payment) -> Option<String> {
    let urls = Extra::of(payment).return_urls;
    match payment.status() {
        PaymentStatus::Authorized
        | PaymentStatus::Captured
        | PaymentStatus::PartiallyRefunded
        | PaymentStatus::Refunded
        | PaymentStatus::Voided
        | PaymentStatus::Verified => urls.success.or(urls.return_),
        PaymentStatus::Declined | PaymentStatus::Cancelled | PaymentStatus::Expired => {
            urls.decline.or(urls.return_)
        }
        PaymentStatus::AwaitingPayment | PaymentStatus::Processing => urls.return_,
    }
}

#[cfg(test)]
mod tests {
    use altyn_domain::{DeclineCode, EndReason, OperationKind, OperationState};

    use super::super::samples::Sample;
    use super::*;

    #[test]
    fn nobody_is_thanked_for_what_is_not_paid() {
        let urls = |names: &[&str]| {
            let url = |name: &str| {
                names
                    .contains(&name)
                    .then(|| format!("https://shop.in/{name}"))
            };
            Extra {
                door: Door::Gate,
                return_urls: ReturnUrls {
                    success: url("success"),
                    decline: url("decline"),
                    return_: url("return"),
                },
                ..Extra::default()
            }
        };
        let new = || Sample::new(Way::Purchase);
        let refunded = new()
            .paid()
            .then(OperationKind::Refund, OperationState::Succeeded, 1_000);
        let declined = new()
            .refused(DeclineCode::General)
            .ended(EndReason::Declined);
        let table = [
            (new().paid(), ["success", "success", "return"]),
            (refunded, ["success", "success", "return"]),
            (
                Sample::new(Way::Hold).paid(),
                ["success", "success", "return"],
            ),
            (declined, ["decline", "", "return"]),
            (
                new().tried(OperationState::Pending),
                ["return", "", "return"],
            ),
            (
                new()
                    .tried(OperationState::Pending)
                    .ended(EndReason::Expired),
                ["decline", "", "return"],
            ),
        ];
        for (sample, expected) in table {
            let given: [&[&str]; 3] =
                [&["success", "decline", "return"], &["success"], &["return"]];
            for (names, expected) in given.into_iter().zip(expected) {
                let payment = sample.clone().extra(&urls(names)).payment();
                let url = return_url(&payment).unwrap_or_default();
                let name = url.rsplit('/').next().unwrap_or_default();
                assert_eq!(name, expected, "{:?} {names:?}", payment.status());
            }
        }
    }

    #[test]
    fn languages_are_read_from_locales() {
        for (text, expected) in [
            ("en_US", Some(Language::En)),
            ("ru-RU", Some(Language::Ru)),
            ("KK", Some(Language::Kk)),
            ("hi_IN", None),
            ("", None),
        ] {
            assert_eq!(language(text), expected, "{text}");
        }
    }
}
