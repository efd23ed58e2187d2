//! What all pages of the shop have in common: who looks, the frame around the page, its headers.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use axum::response::{IntoResponse, Response};

use super::Shop;
use super::cashier::Cashier;
use super::texts::Texts;
use crate::web::{self, Language};

/// How long a browser remembers what its visitor chose: a year.
const REMEMBER_S: u32 = 31_536_000;

/// Who looks at a page.
#[derive(Clone, Copy)]
pub struct Visitor {
    /// What the page speaks.
    pub language: Language,
    /// In whose money prices are.
    pub cashier: Cashier,
}

impl Visitor {
    /// What is asked for in the address, remembered by the browser, or wished by it.
    pub fn of(headers: &HeaderMap, query: Option<&str>) -> Visitor {
        Visitor {
            language: language(headers, query),
            cashier: Cashier::chosen(headers, query),
        }
    }

    /// The same visitor, who speaks another language if the tag is of one of ours.
    pub fn speaking(self, tag: &str) -> Visitor {
        Visitor {
            language: Language::of_tag(tag).unwrap_or(self.language),
            ..self
        }
    }
}

fn language(headers: &HeaderMap, query: Option<&str>) -> Language {
    let asked = query.and_then(|query| web::parameter(query.as_bytes(), "lang"));
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let cookie = header(COOKIE).and_then(|cookies| {
        let mut pairs = cookies
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='));
        pairs
            .find(|(name, _)| *name == "lang")
            .and_then(|(_, value)| Language::of_tag(value))
    });
    asked
        .and_then(|tag| Language::of_tag(&tag))
        .or(cookie)
        .or_else(|| header(ACCEPT_LANGUAGE).and_then(Language::of_header))
        .unwrap_or(Language::Ru)
}

/// What every page needs.
pub struct Frame {
    /// The sentences.
    pub texts: &'static Texts,
    /// What the page speaks.
    pub language: Language,
    /// What it could speak.
    pub languages: [Language; 3],
    /// In whose money prices are.
    pub cashier: Cashier,
    /// The switch of cashiers; empty if there is but one.
    pub cashiers: &'static [Cashier],
    /// Where the switch of cashiers leads.
    pub cashiers_path: String,
    /// The simulated bank.
    pub bank_url: String,
    /// The simulated wallet partner, if there is one.
    pub partner_url: Option<String>,
    /// The page's own address, for the switch of languages.
    pub path: String,
    /// Seconds after which the page is loaded again; 0 for never.
    pub refresh_s: u32,
}

impl Frame {
    /// The frame of a page with this address.
    pub fn new(shop: &Shop, visitor: Visitor, path: impl Into<String>) -> Frame {
        Frame {
            texts: Texts::of(visitor.language),
            language: visitor.language,
            languages: Language::ALL,
            cashier: shop.cashier(visitor),
            cashiers: if shop.india.is_some() {
                &Cashier::ALL
            } else {
                &[]
            },
            cashiers_path: "/".to_owned(),
            bank_url: shop.bank_url.clone(),
            partner_url: shop.partner_url.clone(),
            path: path.into(),
            refresh_s: 0,
        }
    }

    /// A page whose prices depend on the cashier: the switch shows the same page.
    pub fn switching(mut self) -> Frame {
        self.cashiers_path.clone_from(&self.path);
        self
    }
}

/// The page with the shop's headers; the browser remembers what its visitor chose.
pub fn show(shop: &Shop, visitor: Visitor, template: &impl Template) -> Response {
    show_under(shop, visitor, template, &shop.policy)
}

/// As [`show`], under a content policy of the page's own.
pub fn show_under(
    shop: &Shop,
    visitor: Visitor,
    template: &impl Template,
    policy: &str,
) -> Response {
    let mut response = web::page(template, policy);
    let mut remember = |name: &str, value: &str| {
        let cookie = format!("{name}={value}; Path=/; Max-Age={REMEMBER_S}; SameSite=Lax");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    };
    remember("lang", visitor.language.code());
    if shop.india.is_some() {
        remember("currency", visitor.cashier.code());
    }
    response
}

#[derive(Template)]
#[template(path = "shop_problem.html")]
struct ProblemPage {
    frame: Frame,
    message: String,
}

/// A page that says why something did not work.
pub fn problem(shop: &Shop, visitor: Visitor, status: StatusCode, message: String) -> Response {
    let page = ProblemPage {
        frame: Frame::new(shop, visitor, "/"),
        message,
    };
    (status, show(shop, visitor, &page)).into_response()
}

/// The page for a wrong address.
pub fn missing(shop: &Shop, visitor: Visitor) -> Response {
    let message = Texts::of(visitor.language).not_found.to_owned();
    problem(shop, visitor, StatusCode::NOT_FOUND, message)
}
