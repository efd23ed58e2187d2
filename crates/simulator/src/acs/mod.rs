//! The access control server of the sandbox's issuer: the pages a payer sees in 3-D Secure 2.
//!
//! Each page works without script; where a form only carries a result onwards, a script of our
//! own presses its button. Pages may be shown in a frame, as those of real issuers are.

pub mod message;
mod texts;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;

use crate::bank::Bank;
use crate::bank::book::WRONG_CODES_MAX;
use crate::bank::operation::{Authentication, Operation, Step};
use crate::web::{self, Language};
use texts::Texts;

/// The longest `threeDSSessionData` that is returned.
const SESSION_DATA_BYTES_MAX: usize = 4096;

const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'";
/// The terminal's page may answer the form with a redirect to wherever the shop is, and browsers
/// apply `form-action` to that too: so any web address is allowed on the pages that only carry a
/// result onwards.
const ONWARD_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                             form-action http: https:; base-uri 'none'";

/// The addresses of the ACS.
pub fn router(bank: Arc<Bank>) -> Router {
    Router::new()
        .route("/acs/method", post(method))
        .route("/acs/challenge", post(challenge).get(no_request))
        .route("/acs/challenge/answer", post(answer).get(no_request))
        .route(
            "/acs/style.css",
            get(|| async { web::asset("text/css", include_str!("../../assets/acs.css")) }),
        )
        .route(
            "/acs/onward.js",
            get(|| async { web::asset("text/javascript", include_str!("../../assets/onward.js")) }),
        )
        .with_state(bank)
}

#[derive(Template)]
#[template(path = "acs_challenge.html")]
struct ChallengePage {
    texts: &'static Texts,
    language: &'static str,
    shop_order: String,
    amount: String,
    masked_pan: String,
    code: String,
    transaction_id: String,
    session_data: String,
    /// Tries left after a wrong code; nothing before the first try.
    tries_left: Option<u8>,
}

#[derive(Template)]
#[template(path = "acs_onward.html")]
struct OnwardPage {
    texts: &'static Texts,
    language: &'static str,
    title: &'static str,
    /// `Y`, `N`, or empty for the hidden frame.
    result: &'static str,
    /// Where the form goes; empty for a payment without a browser address.
    action: String,
    /// Name and value of each field.
    fields: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "acs_problem.html")]
struct ProblemPage {
    texts: &'static Texts,
    language: &'static str,
}

/// The hidden frame: reports back that the browser was seen.
async fn method(State(bank): State<Arc<Bank>>, form: Bytes) -> Response {
    let data = web::parameter(&form, "threeDSMethodData").unwrap_or_default();
    let book = bank.book();
    let found = message::transaction_id(&data).and_then(|id| book.find_transaction(id));
    let authentication = found.and_then(|index| book.at(index).authentication.as_deref());
    let Some(authentication) = authentication else {
        return problem(Language::Ru);
    };
    let language = language(authentication);
    let texts = Texts::of(language);
    let page = OnwardPage {
        texts,
        language: language.code(),
        title: texts.title,
        result: "",
        action: authentication
            .method_notification_url
            .as_deref()
            .unwrap_or_default()
            .to_owned(),
        fields: vec![("threeDSMethodData", message::method_result(authentication))],
    };
    drop(book);
    web::page(&page, ONWARD_POLICY)
}

/// The page with the code.
async fn challenge(State(bank): State<Arc<Bank>>, form: Bytes) -> Response {
    let request = web::parameter(&form, "creq").unwrap_or_default();
    let session_data = web::parameter(&form, "threeDSSessionData").unwrap_or_default();
    let book = bank.book();
    let found = message::transaction_id(&request).and_then(|id| book.find_transaction(id));
    let Some(index) = found.filter(|_| session_data.len() <= SESSION_DATA_BYTES_MAX) else {
        return problem(Language::Ru);
    };
    show(book.at(index), session_data, false)
}

/// The payer typed a code or gave up.
async fn answer(State(bank): State<Arc<Bank>>, form: Bytes) -> Response {
    let field = |name| web::parameter(&form, name).unwrap_or_default();
    let session_data = field("threeDSSessionData");
    let cancelled = field("action") == "cancel";
    let typed: String = field("code")
        .chars()
        .filter(char::is_ascii_digit)
        .take(7)
        .collect();
    // What is not six digits is a wrong code like any other.
    let code = if typed.len() == 6 {
        typed.parse().unwrap_or(u32::MAX)
    } else {
        u32::MAX
    };
    let mut book = bank.book();
    let found = field("transaction")
        .parse()
        .ok()
        .and_then(|id| book.find_transaction(id));
    let Some(index) = found.filter(|_| session_data.len() <= SESSION_DATA_BYTES_MAX) else {
        return problem(Language::Ru);
    };
    book.answer_challenge(index, if cancelled { None } else { Some(code) });
    bank.keep(&book, index);
    show(book.at(index), session_data, true)
}

async fn no_request() -> Response {
    problem(Language::Ru)
}

/// The code page, or the way onwards once the ACS has decided.
fn show(operation: &Operation, session_data: String, tried: bool) -> Response {
    let Some(authentication) = operation.authentication.as_deref() else {
        return problem(Language::Ru);
    };
    let language = language(authentication);
    let texts = Texts::of(language);
    if let Some(passed) = authentication.passed {
        return onward(authentication, passed, session_data);
    }
    if authentication.step != Step::Challenge {
        return problem(language);
    }
    let page = ChallengePage {
        texts,
        language: language.code(),
        shop_order: authentication.order.clone().into(),
        amount: web::money(operation.amount, operation.currency),
        masked_pan: operation.masked_pan().unwrap_or_default().to_owned(),
        code: format!("{:06}", authentication.code),
        transaction_id: authentication.transaction_id.to_string(),
        session_data,
        tries_left: tried.then(|| WRONG_CODES_MAX.saturating_sub(authentication.wrong_codes)),
    };
    web::page(&page, POLICY)
}

fn onward(authentication: &Authentication, passed: bool, session_data: String) -> Response {
    let language = language(authentication);
    let texts = Texts::of(language);
    let page = OnwardPage {
        texts,
        language: language.code(),
        title: if passed { texts.passed } else { texts.failed },
        result: if passed { "Y" } else { "N" },
        action: authentication
            .notification_url
            .as_deref()
            .unwrap_or_default()
            .to_owned(),
        fields: vec![
            ("cres", message::challenge_result(authentication, passed)),
            ("threeDSSessionData", session_data),
        ],
    };
    web::page(&page, ONWARD_POLICY)
}

fn problem(language: Language) -> Response {
    let page = ProblemPage {
        texts: Texts::of(language),
        language: language.code(),
    };
    (StatusCode::BAD_REQUEST, web::page(&page, POLICY)).into_response()
}

fn language(authentication: &Authentication) -> Language {
    authentication
        .language
        .as_deref()
        .and_then(Language::of_tag)
        .unwrap_or(Language::Ru)
}
