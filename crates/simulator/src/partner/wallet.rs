//! The payer's page, one for both generations. It works without script and may stand in a frame.
//!
//! A link of generation 1 leads to an order and may be visited until the order is paid; a link of
//! generation 2 leads to one payment. Both answer GET and POST, because gateways send browsers
//! either way.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{ACCEPT_LANGUAGE, HeaderMap};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use bytes::Bytes;

use super::book::{Book, Link};
use super::first::{Form, order_wish};
use super::order::{Generation, OrderStatus, OrderWish, Outcome, PaymentStatus};
use super::pay::Decision;
use super::sign::{self, RESULT_FIELDS};
use super::texts::Texts;
use super::{Partner, amount, notice};
use crate::secret;
use crate::web::{self, Language};

/// Shops are anywhere, and browsers apply `form-action` to the redirect after a form too. There
/// is no `frame-ancestors`: the gateway's page may show this one in a frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                      form-action http: https:; base-uri 'none'";

/// The addresses of payers.
pub fn router() -> Router<Arc<Partner>> {
    Router::new()
        .route("/billpay/checkout/post/submit", post(hosted_form))
        .route("/billpay/order/{token}", get(open).post(open))
        .route("/billpay/order/{token}/answer", post(answer).get(to_page))
        .route(
            "/billpay/style.css",
            get(|| async { web::asset("text/css", include_str!("../../assets/wallet.css")) }),
        )
        .route(
            "/billpay/onward.js",
            get(|| async { web::asset("text/javascript", include_str!("../../assets/onward.js")) }),
        )
}

/// Where the payer may go next.
enum Back {
    /// Nowhere: the shop has no page.
    Nowhere,
    /// By a link.
    Link(String),
    /// By a form with the signed result of generation 1.
    Form {
        action: String,
        fields: Vec<(&'static str, String)>,
    },
}

/// What a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    /// The buttons.
    Open,
    Paid,
    Failed,
    Waiting,
    Expired,
    Terminated,
    Returned,
    Unknown,
    Refused,
}

impl View {
    fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Waiting => "waiting",
            Self::Expired => "expired",
            Self::Terminated => "terminated",
            Self::Returned => "returned",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
        }
    }

    fn texts(self, texts: &Texts) -> [&'static str; 2] {
        match self {
            Self::Open => [texts.heading, texts.explanation],
            Self::Paid => texts.paid,
            Self::Failed => texts.failed,
            Self::Waiting => texts.waiting,
            Self::Expired => texts.expired,
            Self::Terminated => texts.terminated,
            Self::Returned => texts.returned,
            Self::Unknown => texts.unknown,
            Self::Refused => texts.refused,
        }
    }
}

/// What is being paid.
struct Subject {
    order_id: String,
    amount: String,
    note: Option<String>,
}

#[derive(Template)]
#[template(path = "wallet.html")]
struct WalletPage<'page> {
    texts: &'static Texts,
    language: &'static str,
    view: &'static str,
    heading: &'static str,
    sentence: &'static str,
    detail: &'page str,
    merchant: &'page str,
    subject: Option<Subject>,
    token: &'page str,
    back: Back,
}

#[derive(Template)]
#[template(path = "wallet_onward.html")]
struct OnwardPage {
    texts: &'static Texts,
    language: &'static str,
    view: &'static str,
    heading: &'static str,
    action: String,
    fields: Vec<(&'static str, String)>,
}

/// `GET` and `POST /billpay/order/{token}`.
async fn open(
    State(partner): State<Arc<Partner>>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let language = language(&headers);
    partner.change(|book, now_ms| {
        let Some(link) = book.find_link(&token) else {
            return problem(View::Unknown, "", language, StatusCode::NOT_FOUND);
        };
        show(&partner, book, link, (&token, language, now_ms))
    })
}

/// A browser that reloads the answer starts at the page again.
async fn to_page(Path(token): Path<String>) -> Redirect {
    Redirect::to(&format!("/billpay/order/{token}"))
}

/// What the payer pressed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pressed {
    Pay,
    Decline,
    Leave,
}

/// `POST /billpay/order/{token}/answer`.
async fn answer(
    State(partner): State<Arc<Partner>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: Bytes,
) -> Response {
    let language = language(&headers);
    let pressed = match web::parameter(&form, "action").as_deref() {
        Some("pay") => Pressed::Pay,
        Some("decline") => Pressed::Decline,
        Some("leave") => Pressed::Leave,
        Some(_) | None => return Redirect::to(&format!("/billpay/order/{token}")).into_response(),
    };
    let (response, waits_for) = partner.change(|book, now_ms| {
        let Some(link) = book.find_link(&token) else {
            let response = problem(View::Unknown, "", language, StatusCode::NOT_FOUND);
            return (response, Vec::new());
        };
        let place = (token.as_str(), language, now_ms);
        if pressed != Pressed::Leave && view(book, link, now_ms) != View::Open {
            // Pressed twice, or too late: the page says how things stand.
            return (show(&partner, book, link, place), Vec::new());
        }
        let waits_for = match pressed {
            Pressed::Pay => decide(book, link, Outcome::Success, now_ms),
            Pressed::Decline => decide(book, link, Outcome::Failed, now_ms),
            Pressed::Leave => Vec::new(),
        };
        (onward(&partner, book, link, place), waits_for)
    });
    partner.first_try(&waits_for).await;
    response
}

/// Carries the payer's decision out; gives the notices that must go before the browser does.
fn decide(book: &mut Book, link: Link, outcome: Outcome, now_ms: u64) -> Vec<usize> {
    let order = order_of(book, link);
    let plan = book.take_plan(order);
    let waits = plan.before_return == Some(true);
    let decision = Decision {
        outcome,
        error_code: None,
        plan,
    };
    let payment = match link {
        Link::Payment(payment) => Some(payment),
        Link::Order(_) => None,
    };
    let decided = book.force(order, payment, &decision, now_ms);
    if waits { decided.notices } else { Vec::new() }
}

/// `POST /billpay/checkout/post/submit`: the form of generation 1 that shops host themselves.
async fn hosted_form(
    State(partner): State<Arc<Partner>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let language = language(&headers);
    let form = Form::of(&body);
    let refuse = |detail: &str| problem(View::Refused, detail, language, StatusCode::BAD_REQUEST);
    let app_id = form.field("appId").unwrap_or_default();
    if !secret::same(app_id.as_bytes(), partner.app_id.as_bytes()) {
        return refuse("appId");
    }
    let expected = sign::form(&partner.secret, &form.0);
    let shown = form.field("signature").unwrap_or_default();
    if !expected.is_some_and(|expected| sign::same(shown, &expected)) {
        return refuse("signature");
    }
    partner.change(|book, now_ms| {
        let wish = match order_wish(&form, now_ms.saturating_add(partner.order_ms)) {
            Ok(wish) => wish,
            Err(reason) => return refuse(&reason),
        };
        let token = match book.find_any_order(&wish.id) {
            // The payer came twice: the same form leads to the same order.
            Ok(index) if is_same(&book.order(index).wish, &wish) => {
                book.order(index).wish.token.clone()
            }
            Ok(_) => return refuse("orderId"),
            Err(_) => {
                let token = wish.token.clone();
                if let Err(refusal) = book.create_order(wish, now_ms) {
                    return refuse(&refusal.to_string());
                }
                token
            }
        };
        Redirect::to(&format!("/billpay/order/{token}")).into_response()
    })
}

fn is_same(known: &OrderWish, wish: &OrderWish) -> bool {
    OrderWish {
        token: known.token.clone(),
        expires_ms: known.expires_ms,
        ..wish.clone()
    } == *known
}

fn order_of(book: &Book, link: Link) -> usize {
    match link {
        Link::Order(order) => order,
        Link::Payment(payment) => book.payment(payment).order,
    }
}

/// What a link shows at a moment.
fn view(book: &Book, link: Link, now_ms: u64) -> View {
    let order = order_of(book, link);
    let status = book.status(order, now_ms);
    let payment = match link {
        Link::Payment(payment) => Some(payment),
        // A failed try of generation 1 does not close the order; what is under way does.
        Link::Order(_) => book
            .leading(order)
            .filter(|at| matters(book.payment(*at).status) || status != OrderStatus::Active),
    };
    match payment.map(|at| book.payment(at).status) {
        Some(PaymentStatus::Cancelled) => return View::Returned,
        Some(PaymentStatus::Pending | PaymentStatus::Flagged) => return View::Waiting,
        Some(PaymentStatus::Success) => return View::Paid,
        Some(PaymentStatus::Failed | PaymentStatus::UserDropped)
            if matches!(link, Link::Payment(_)) && status == OrderStatus::Active =>
        {
            return View::Failed;
        }
        Some(PaymentStatus::NotAttempted | PaymentStatus::Failed | PaymentStatus::UserDropped)
        | None => {}
    }
    match status {
        OrderStatus::Paid => View::Paid,
        OrderStatus::Expired => View::Expired,
        OrderStatus::Terminated => View::Terminated,
        OrderStatus::Active => View::Open,
        OrderStatus::TerminationRequested => match link {
            // What was running when the shop ended the order may still be finished.
            Link::Payment(payment) if book.payment(payment).status.is_running() => View::Open,
            Link::Payment(_) | Link::Order(_) => View::Terminated,
        },
    }
}

fn matters(status: PaymentStatus) -> bool {
    match status {
        PaymentStatus::Pending | PaymentStatus::Flagged | PaymentStatus::Success => true,
        PaymentStatus::NotAttempted
        | PaymentStatus::Failed
        | PaymentStatus::UserDropped
        | PaymentStatus::Cancelled => false,
    }
}

/// The page of a link.
fn show(
    partner: &Partner,
    book: &Book,
    link: Link,
    (token, language, now_ms): (&str, Language, u64),
) -> Response {
    let texts = Texts::of(language);
    let view = view(book, link, now_ms);
    let [heading, sentence] = view.texts(texts);
    let wish = &book.order(order_of(book, link)).wish;
    let page = WalletPage {
        texts,
        language: language.code(),
        view: view.word(),
        heading,
        sentence,
        detail: "",
        merchant: &partner.merchant,
        subject: Some(Subject {
            order_id: wish.id.clone(),
            amount: amount::for_people(wish.amount, language),
            note: wish.note.clone(),
        }),
        token,
        back: back(partner, book, link, now_ms),
    };
    web::page(&page, POLICY)
}

fn problem(view: View, detail: &str, language: Language, status: StatusCode) -> Response {
    let texts = Texts::of(language);
    let [heading, sentence] = view.texts(texts);
    let page = WalletPage {
        texts,
        language: language.code(),
        view: view.word(),
        heading,
        sentence,
        detail,
        merchant: "",
        subject: None,
        token: "",
        back: Back::Nowhere,
    };
    (status, web::page(&page, POLICY)).into_response()
}

/// The way back to the shop, without waiting at a page of ours.
fn onward(
    partner: &Partner,
    book: &Book,
    link: Link,
    (token, language, now_ms): (&str, Language, u64),
) -> Response {
    match back(partner, book, link, now_ms) {
        Back::Nowhere => Redirect::to(&format!("/billpay/order/{token}")).into_response(),
        Back::Link(address) => Redirect::to(&address).into_response(),
        Back::Form { action, fields } => {
            let texts = Texts::of(language);
            let view = view(book, link, now_ms);
            let page = OnwardPage {
                texts,
                language: language.code(),
                view: view.word(),
                heading: match view {
                    View::Open => texts.returning,
                    other => other.texts(texts)[0],
                },
                action,
                fields,
            };
            web::page(&page, POLICY)
        }
    }
}

fn back(partner: &Partner, book: &Book, link: Link, now_ms: u64) -> Back {
    let index = order_of(book, link);
    let order = book.order(index);
    let Some(address) = order.wish.return_url.clone() else {
        return Back::Nowhere;
    };
    match order.wish.generation {
        Generation::First => {
            let payment = book.leading(index).map(|at| book.payment(at));
            let values = notice::result_values(&order.wish.id, order, payment, now_ms);
            let signature = sign::result(&partner.secret, &values);
            let mut fields: Vec<_> = RESULT_FIELDS.into_iter().zip(values).collect();
            fields.push(("signature", signature));
            Back::Form {
                action: address,
                fields,
            }
        }
        Generation::Second => Back::Link(address.replace("{order_id}", &order.wish.id)),
    }
}

fn language(headers: &HeaderMap) -> Language {
    let header = headers
        .get(ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    header.and_then(Language::of_header).unwrap_or(Language::En)
}
