//! What the pages of bank, ACS and shop have in common: languages, sums of money, headers.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderMap, HeaderName, ORIGIN,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{Html, IntoResponse, Response};
use iso_currency::Currency;

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Russian, the default.
    Ru,
    /// Kazakh.
    Kk,
    /// English.
    En,
}

impl Language {
    /// All of them, in the order of the switch.
    pub const ALL: [Language; 3] = [Language::Kk, Language::Ru, Language::En];

    /// The code for `lang` attributes and parameters.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::Kk => "kk",
            Self::En => "en",
        }
    }

    /// The name in the language itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ru => "Рус",
            Self::Kk => "Қаз",
            Self::En => "Eng",
        }
    }

    /// Reads a tag such as `kk` or `ru-KZ`.
    pub fn of_tag(tag: &str) -> Option<Language> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|language| primary.eq_ignore_ascii_case(language.code()))
    }

    /// The first language of an `Accept-Language` header that we speak.
    pub fn of_header(header: &str) -> Option<Language> {
        header.split(',').take(16).find_map(|part| {
            let tag = part.split(';').next().unwrap_or_default();
            Self::of_tag(tag.trim())
        })
    }
}

/// A sum as people write it: `12 500 ₸`, `12 500,50 ₸`, `10,00 USD`.
pub fn money(minor: i64, currency: Currency) -> String {
    let digits = u32::from(currency.exponent().unwrap_or(2));
    let unit = 10_u64.pow(digits);
    let (whole, part) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
    let mut text = String::new();
    if minor < 0 {
        text.push('−');
    }
    let grouped = whole.to_string();
    for (position, digit) in grouped.chars().enumerate() {
        if position > 0 && (grouped.len() - position).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    let short = currency == Currency::KZT && part == 0;
    if digits > 0 && !short {
        text.push_str(&format!(",{part:0width$}", width = digits as usize));
    }
    text.push('\u{a0}');
    text.push_str(if currency == Currency::KZT {
        "₸"
    } else {
        currency.code()
    });
    text
}

/// A card number as it stands on a card: in groups of four.
pub fn grouped_pan(pan: &str) -> String {
    let groups: Vec<&str> = (0..pan.len())
        .step_by(4)
        .map(|at| &pan[at..pan.len().min(at + 4)])
        .collect();
    groups.join(" ")
}

/// Renders a page with the headers that every page has and its own content policy.
pub fn page(template: &impl Template, policy: &str) -> Response {
    match template.render() {
        Ok(text) => {
            let headers = [
                (CONTENT_SECURITY_POLICY, policy),
                (CACHE_CONTROL, "no-store"),
                (X_CONTENT_TYPE_OPTIONS, "nosniff"),
                // Not `no-referrer`: it would take the origin out of our own forms' requests.
                (REFERRER_POLICY, "same-origin"),
            ];
            (headers, Html(text)).into_response()
        }
        Err(error) => {
            eprintln!("altyn-simulator: page: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A style sheet or script that is built into the program.
pub fn asset(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-cache"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

/// Browsers ask for an icon unasked; there is none, and that is no error.
pub async fn no_icon() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Whether a form was sent from one of our own pages, as far as the browser tells.
pub fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    match (text(ORIGIN), text(HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, at)| at == host),
        (Some(_), None) => false,
    }
}

/// The value of the first parameter of a form with this name.
pub fn parameter(form: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(form)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_grouped_and_cut() {
        let cases = [
            (0, Currency::KZT, "0 ₸"),
            (1_250_000, Currency::KZT, "12 500 ₸"),
            (1_250_050, Currency::KZT, "12 500,50 ₸"),
            (12_345_678_900, Currency::KZT, "123 456 789 ₸"),
            (100_000, Currency::USD, "1 000,00 USD"),
            (500, Currency::JPY, "500 JPY"),
            (-150, Currency::KZT, "−1,50 ₸"),
        ];
        for (minor, currency, text) in cases {
            assert_eq!(money(minor, currency).replace('\u{a0}', " "), text);
        }
    }

    #[test]
    fn languages_are_found_in_tags_and_headers() {
        assert_eq!(Language::of_tag("kk-KZ"), Some(Language::Kk));
        assert_eq!(Language::of_tag("RU"), Some(Language::Ru));
        assert_eq!(Language::of_tag("de"), None);
        assert_eq!(
            Language::of_header("de-DE, en;q=0.8, ru;q=0.7"),
            Some(Language::En)
        );
        assert_eq!(Language::of_header("*"), None);
    }

    #[test]
    fn forms_of_other_sites_are_told_apart() {
        let headers = |pairs: &[(&'static str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    value.parse().expect("a value"),
                )
            });
            pairs.collect::<HeaderMap>()
        };
        assert!(same_origin(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(!same_origin(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(same_origin(&headers(&[
            ("origin", "http://a:1"),
            ("host", "a:1")
        ])));
        assert!(!same_origin(&headers(&[
            ("origin", "http://b:1"),
            ("host", "a:1")
        ])));
        assert!(same_origin(&headers(&[])));
    }
}
