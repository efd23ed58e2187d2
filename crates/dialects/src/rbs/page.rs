//! The payment page's addresses of this family, and the way back to the shop.

use altyn_domain::{Language, Payment, PaymentId, PaymentStatus};
use altyn_web::checkout::{self, OpenRequest};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::Rbs;
use super::request::Params;

/// The page that a payer of this order is sent to. A page view chooses the file's prefix, as shops with
/// pages of their own expect it; the page behind all of them is ours.
pub(super) fn form_url(
    public_url: &str,
    id: PaymentId,
    view: Option<&str>,
    language: Language,
) -> String {
    let prefix = view.map(prefix_of).unwrap_or_default();
    let (order, language) = (id.uuid(), language.code());
    format!("{public_url}/payment/merchants/{prefix}payment_{language}.html?mdOrder={order}")
}

fn prefix_of(view: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match view {
        "DESKTOP" => String::new(),
        "MOBILE" => "mobile_".to_owned(),
        own if !own.is_empty() && own.chars().all(plain) => format!("{own}_"),
        _ => String::new(),
    }
}

/// The language that a page file's name ends with, if it is a page file's name at all.
fn language_of(file: &str) -> Option<Option<Language>> {
    let stem = file.strip_suffix(".html")?;
    let (page, language) = stem.rsplit_once('_')?;
    let kind = page.rsplit_once('_').map_or(page, |(_, kind)| kind);
    matches!(kind, "payment" | "errors").then(|| Language::parse(language))
}

/// `GET /payment/merchants/…`
pub(super) async fn open(
    State(rbs): State<Rbs>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let file = match segments.as_slice() {
        [file] | [_, file] => *file,
        _ => "",
    };
    let Some(language) = language_of(file) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let params = Params::read(&query.unwrap_or_default(), b"").unwrap_or_default();
    let order = params.first_of(&["mdOrder", "orderId"]);
    let accept = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    let request = OpenRequest {
        payment_id: order.and_then(|text| PaymentId::parse(text).ok()),
        language,
        accept_language: accept.map(str::to_owned),
    };
    checkout::open(rbs.checkout(), request).await
}

/// Where the payer goes back: to the shop's address for failures if it has one and the order is not
/// paid, else to its usual one; with the order and the language added.
pub(super) fn return_url(payment: &Payment, language: Language) -> Option<String> {
    let order = &payment.order;
    let failed = match payment.status() {
        PaymentStatus::AwaitingPayment
        | PaymentStatus::Declined
        | PaymentStatus::Cancelled
        | PaymentStatus::Expired => true,
        PaymentStatus::Processing
        | PaymentStatus::Authorized
        | PaymentStatus::Captured
        | PaymentStatus::PartiallyRefunded
        | PaymentStatus::Refunded
        | PaymentStatus::Voided
        | PaymentStatus::Verified => false,
    };
    let fail_url = order.fail_url.as_deref().filter(|_| failed);
    let url = fail_url.or(order.return_url.as_deref())?;
    Some(with_order(url, payment.id, language))
}

fn with_order(url: &str, id: PaymentId, language: Language) -> String {
    let (bare, fragment) = match url.split_once('#') {
        Some((bare, fragment)) => (bare, format!("#{fragment}")),
        None => (url, String::new()),
    };
    let joint = match bare.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let (order, language) = (id.uuid(), language.code());
    format!("{bare}{joint}orderId={order}&lang={language}{fragment}")
}

#[cfg(test)]
mod tests {
    use altyn_domain::{EndReason, OperationState, Way};

    use super::super::samples::Sample;
    use super::*;

    #[test]
    fn page_files_are_told_from_other_files() {
        let table = [
            ("payment_ru.html", Some(Some(Language::Ru))),
            ("payment_EN.html", Some(Some(Language::En))),
            ("mobile_payment_kk.html", Some(Some(Language::Kk))),
            ("my_own_payment_ru.html", Some(Some(Language::Ru))),
            ("errors_en.html", Some(Some(Language::En))),
            ("payment_xx.html", Some(None)),
            ("payment.html", None),
            ("payment_ru.php", None),
            ("repayment_ru.html", None),
            ("style.css", None),
            ("", None),
        ];
        for (file, language) in table {
            assert_eq!(language_of(file), language, "{file}");
        }
    }

    #[test]
    fn the_page_s_address_names_order_and_language() {
        let id = PaymentId::parse("01491d0b-c848-7dd6-a20d-e96900a7d8c0").unwrap();
        let url = |view| form_url("http://gw", id, view, Language::En);
        let page = |prefix: &str| {
            format!(
                "http://gw/payment/merchants/{prefix}payment_en.html?mdOrder=01491d0b-c848-7dd6-a20d-e96900a7d8c0"
            )
        };
        assert_eq!(url(None), page(""));
        assert_eq!(url(Some("DESKTOP")), page(""));
        assert_eq!(url(Some("MOBILE")), page("mobile_"));
        assert_eq!(url(Some("bind")), page("bind_"));
        assert_eq!(url(Some("../x")), page(""));
    }

    #[test]
    fn the_way_back_names_order_and_language() {
        let id = PaymentId::parse("01491d0b-c848-7dd6-a20d-e96900a7d8c0").unwrap();
        let added = "orderId=01491d0b-c848-7dd6-a20d-e96900a7d8c0&lang=kk";
        let table = [
            ("https://a.kz", format!("https://a.kz?{added}")),
            ("https://a.kz/b?c=d", format!("https://a.kz/b?c=d&{added}")),
            ("https://a.kz/b?", format!("https://a.kz/b?{added}")),
            ("https://a.kz/b?c=d&", format!("https://a.kz/b?c=d&{added}")),
            (
                "https://a.kz/#/done?x",
                format!("https://a.kz/?{added}#/done?x"),
            ),
        ];
        for (url, expected) in table {
            assert_eq!(with_order(url, id, Language::Kk), expected);
        }
    }

    #[test]
    fn only_failures_go_to_the_address_for_failures() {
        let back = |sample: Sample| {
            let mut payment = sample.payment();
            let mut order = (*payment.order).clone();
            order.fail_url = Some("https://shop.kz/failed".to_owned());
            payment.order = order.into();
            return_url(&payment, Language::Ru)
                .unwrap()
                .contains("/failed?")
        };
        assert!(!back(Sample::new(Way::Purchase).paid()));
        assert!(!back(
            Sample::new(Way::Purchase).tried(OperationState::Pending)
        ));
        assert!(back(Sample::new(Way::Purchase).ended(EndReason::Declined)));
        assert!(back(Sample::new(Way::Hold).ended(EndReason::Expired)));
        let payment = Sample::new(Way::Hold).ended(EndReason::Expired).payment();
        assert!(
            return_url(&payment, Language::Ru)
                .unwrap()
                .starts_with("https://shop.kz/done?x=1&orderId=")
        );
    }
}
