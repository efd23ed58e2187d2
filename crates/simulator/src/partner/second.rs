//! Generation 2 of the API: JSON, credentials in headers, idempotency keys.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::header::{HeaderMap, HeaderName};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;

use super::answers::Answer;
use super::book::{Book, Refusal, Simulation};
use super::fault::{Call, Defect, Fault};
use super::order::{Generation, PaymentStatus, Plan};
use super::pay::{Decision, Wallet};
use super::problem::Problem;
use super::record::Record;
use super::reply::{self, Reply};
use super::{Partner, entity, sign, token, wish};
use crate::{secret, serve};

/// The oldest version that is spoken.
const VERSION_MIN: &str = "2022-09-01";
/// The longest idempotency key.
const KEY_CHARS_MAX: usize = 128;

/// All calls of generation 2.
pub fn router() -> Router<Arc<Partner>> {
    Router::new()
        .route("/pg/orders", post(create_order))
        .route("/pg/orders/sessions", post(pay))
        .route("/pg/orders/{order_id}", get(order).patch(terminate_order))
        .route("/pg/orders/{order_id}/payments", get(payments))
        .route("/pg/orders/{order_id}/payments/{payment_id}", get(payment))
        .route(
            "/pg/orders/{order_id}/refunds",
            get(refunds).post(create_refund),
        )
        .route("/pg/orders/{order_id}/refunds/{refund_id}", get(refund))
        .route("/pg/simulate", post(simulate))
        .route("/pg/simulate/{simulation_id}", get(simulation))
}

/// A call that showed the right keys, with its whole body.
struct Caller {
    version: String,
    key: Option<String>,
    fingerprint: String,
    body: Bytes,
}

impl FromRequest<Arc<Partner>> for Caller {
    type Rejection = Response;

    async fn from_request(request: Request, partner: &Arc<Partner>) -> Result<Caller, Response> {
        let refuse = |problem: Problem| problem.reply().into_response();
        let headers = request.headers();
        // A session is a credential of its own: only wrong keys are refused there.
        let optional = request.uri().path() == "/pg/orders/sessions";
        check_keys(partner, headers, optional).map_err(refuse)?;
        let version = header(headers, "x-api-version").map(str::to_owned);
        let version = version.ok_or_else(|| refuse(Problem::missing("x-api-version")))?;
        if !is_version(&version) {
            let rule = "should be a date such as 2025-01-01, not before 2022-09-01";
            return Err(refuse(Problem::invalid("x-api-version", rule)));
        }
        let key = header(headers, "x-idempotency-key").map(str::to_owned);
        let wrong = |key: &String| key.is_empty() || key.len() > KEY_CHARS_MAX;
        if key.as_ref().is_some_and(wrong) {
            let rule = "should be a text of 1 to 128 characters";
            return Err(refuse(Problem::invalid("x-idempotency-key", rule)));
        }
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let body = Bytes::from_request(request, partner)
            .await
            .map_err(IntoResponse::into_response)?;
        Ok(Caller {
            fingerprint: fingerprint(&partner.secret, &method, &path, &body),
            // Keys work on posted calls.
            key: key.filter(|_| method == Method::POST),
            version,
            body,
        })
    }
}

fn check_keys(partner: &Partner, headers: &HeaderMap, optional: bool) -> Result<(), Problem> {
    let id = header(headers, "x-client-id");
    let shown = header(headers, "x-client-secret");
    if optional && id.is_none() && shown.is_none() {
        return Ok(());
    }
    let right = id == Some(partner.app_id.as_str())
        && shown.is_some_and(|shown| secret::same(shown.as_bytes(), partner.secret.as_bytes()));
    if right {
        Ok(())
    } else {
        Err(Problem::unauthenticated())
    }
}

fn header<'headers>(headers: &'headers HeaderMap, name: &'static str) -> Option<&'headers str> {
    let value = headers.get(HeaderName::from_static(name))?;
    value.to_str().ok()
}

fn is_version(text: &str) -> bool {
    let shape = text.parse::<jiff::civil::Date>().is_ok() && text.len() == VERSION_MIN.len();
    shape && text >= VERSION_MIN
}

fn fingerprint(secret: &str, method: &Method, path: &str, body: &[u8]) -> String {
    let head = format!("{method} {path}\n");
    sign::tag(secret, &[head.as_bytes(), body])
}

/// Performs a call, with whatever fault is switched on for it. All work is done before the first
/// pause, so a caller that gives up waiting changes nothing.
async fn run(
    partner: &Partner,
    call: Call,
    caller: &Caller,
    work: impl FnOnce(&mut Book, u64) -> Result<Reply, Problem>,
) -> Response {
    let fault = partner.faults.strike(call);
    match fault.as_ref().map(|fault| fault.fault) {
        Some(Defect::DropBefore) => return serve::hang_up(),
        Some(Defect::RateLimit) => return Problem::too_many_requests().reply().into_response(),
        Some(_) | None => {}
    }
    let answer = partner.change(|book, now_ms| {
        if let Some(first) = known(book, caller) {
            return first;
        }
        let answer = perform(book, now_ms, fault.as_ref(), work);
        if let Some(key) = &caller.key {
            let answer = Answer {
                key: key.clone(),
                fingerprint: caller.fingerprint.clone(),
                status: answer.status.as_u16(),
                body: answer.body.clone(),
            };
            partner.keep(&Record::Answer(answer.clone()));
            book.answers.remember(answer);
        }
        answer
    });
    reply::send(answer, fault).await
}

/// The first answer to the caller's key, or the refusal of a key that belongs to another call.
fn known(book: &Book, caller: &Caller) -> Option<Reply> {
    let first = book.answers.find(caller.key.as_deref()?)?;
    if first.fingerprint != caller.fingerprint {
        return Some(Problem::key_reused().reply());
    }
    Some(Reply {
        status: StatusCode::from_u16(first.status).unwrap_or(StatusCode::OK),
        body: first.body.clone(),
    })
}

fn perform(
    book: &mut Book,
    now_ms: u64,
    fault: Option<&Fault>,
    work: impl FnOnce(&mut Book, u64) -> Result<Reply, Problem>,
) -> Reply {
    let defect = fault.map(|fault| fault.fault);
    if defect.is_some_and(Defect::prevents) {
        return Problem::broken().reply();
    }
    let answer = work(book, now_ms).unwrap_or_else(|problem| problem.reply());
    if defect == Some(Defect::Error500) {
        return Problem::broken().reply();
    }
    answer
}

/// `POST /pg/orders`.
async fn create_order(State(partner): State<Arc<Partner>>, caller: Caller) -> Response {
    let order_ms = partner.order_ms;
    run(&partner, Call::CreateOrder, &caller, |book, now_ms| {
        let context = (token(), now_ms, order_ms);
        let wish = wish::order(&caller.body, &caller.version, context)?;
        let index = book.create_order(wish, now_ms)?;
        Ok(Reply::ok(&entity::order(book, index, now_ms)))
    })
    .await
}

/// `GET /pg/orders/{order_id}`.
async fn order(
    State(partner): State<Arc<Partner>>,
    Path(order_id): Path<String>,
    caller: Caller,
) -> Response {
    run(&partner, Call::OrderStatus, &caller, |book, now_ms| {
        let index = book.find_order(&order_id, Generation::Second)?;
        Ok(Reply::ok(&entity::order(book, index, now_ms)))
    })
    .await
}

/// `PATCH /pg/orders/{order_id}`.
async fn terminate_order(
    State(partner): State<Arc<Partner>>,
    Path(order_id): Path<String>,
    caller: Caller,
) -> Response {
    run(&partner, Call::TerminateOrder, &caller, |book, now_ms| {
        wish::termination(&caller.body)?;
        let index = book.find_order(&order_id, Generation::Second)?;
        book.terminate(index, now_ms)?;
        Ok(Reply::ok(&entity::order(book, index, now_ms)))
    })
    .await
}

/// `POST /pg/orders/sessions`.
async fn pay(State(partner): State<Arc<Partner>>, caller: Caller) -> Response {
    run(&partner, Call::CreateSession, &caller, |book, now_ms| {
        let wish = wish::pay(&caller.body)?;
        let order = book.find_session(&wish.session).ok_or_else(|| {
            let message = "payment_session_id is not present or is invalid";
            Problem::bad("payment_session_id_invalid", message)
        })?;
        let methods = book.order(order).wish.payment_methods.as_deref();
        if methods.is_some_and(|list| !list.split(',').any(|method| method.trim() == "app")) {
            return Err(Problem::bad(
                "payment_method_unsupported",
                "payment_method : the order does not allow app",
            ));
        }
        let token = token();
        let link = partner.link(&token);
        let wallet = Wallet {
            provider: wish.provider,
            phone: wish.phone,
            token: Some(token),
        };
        let payment = book.start_payment(order, wallet, now_ms)?;
        Ok(Reply::ok(&entity::pay(book.payment(payment), link)))
    })
    .await
}

/// `GET /pg/orders/{order_id}/payments`.
async fn payments(
    State(partner): State<Arc<Partner>>,
    Path(order_id): Path<String>,
    caller: Caller,
) -> Response {
    run(&partner, Call::Payments, &caller, |book, _| {
        let index = book.find_order(&order_id, Generation::Second)?;
        let payments = book.order(index).payments.iter();
        let shown: Vec<_> = payments.map(|at| entity::payment(book, *at)).collect();
        Ok(Reply::ok(&shown))
    })
    .await
}

/// `GET /pg/orders/{order_id}/payments/{cf_payment_id}`.
async fn payment(
    State(partner): State<Arc<Partner>>,
    Path((order_id, payment_id)): Path<(String, String)>,
    caller: Caller,
) -> Response {
    run(&partner, Call::Payments, &caller, |book, _| {
        let order = book.find_order(&order_id, Generation::Second)?;
        let index = book.find_payment(&payment_id)?;
        if book.payment(index).order != order {
            return Err(Refusal::PaymentNotFound.into());
        }
        Ok(Reply::ok(&entity::payment(book, index)))
    })
    .await
}

/// `POST /pg/orders/{order_id}/refunds`.
async fn create_refund(
    State(partner): State<Arc<Partner>>,
    Path(order_id): Path<String>,
    caller: Caller,
) -> Response {
    run(&partner, Call::Refund, &caller, |book, now_ms| {
        let order = book.find_order(&order_id, Generation::Second)?;
        let wish = wish::refund(&caller.body)?;
        let payment = book.paid_by(order);
        let payment = payment.ok_or(Refusal::NotPaid)?;
        let index = book.create_refund(payment, wish, now_ms)?;
        Ok(Reply::ok(&entity::refund(book, index)))
    })
    .await
}

/// `GET /pg/orders/{order_id}/refunds`.
async fn refunds(
    State(partner): State<Arc<Partner>>,
    Path(order_id): Path<String>,
    caller: Caller,
) -> Response {
    run(&partner, Call::Refunds, &caller, |book, _| {
        let index = book.find_order(&order_id, Generation::Second)?;
        let refunds = book.order(index).refunds.iter();
        let shown: Vec<_> = refunds.map(|at| entity::refund(book, *at)).collect();
        Ok(Reply::ok(&shown))
    })
    .await
}

/// `GET /pg/orders/{order_id}/refunds/{refund_id}`.
async fn refund(
    State(partner): State<Arc<Partner>>,
    Path((order_id, refund_id)): Path<(String, String)>,
    caller: Caller,
) -> Response {
    run(&partner, Call::RefundStatus, &caller, |book, _| {
        let order = book.find_order(&order_id, Generation::Second)?;
        let mut refunds = book.order(order).refunds.iter().copied();
        let found = refunds.find(|at| entity::refund_name(book.refund(*at)) == refund_id);
        let index = found.ok_or(Refusal::RefundNotFound)?;
        Ok(Reply::ok(&entity::refund(book, index)))
    })
    .await
}

/// `POST /pg/simulate`.
async fn simulate(State(partner): State<Arc<Partner>>, caller: Caller) -> Response {
    run(&partner, Call::Simulate, &caller, |book, now_ms| {
        let wish = wish::simulation(&caller.body)?;
        let index = book.find_payment(&wish.payment_id)?;
        let payment = book.payment(index);
        let late = payment.stopped && payment.status != PaymentStatus::Cancelled;
        if !payment.status.is_running() && !late {
            let message = "entity_id : the payment is final already";
            return Err(Problem::bad("entity_id_invalid", message));
        }
        let simulation = Simulation {
            id: token(),
            payment_id: payment.id,
            payment_status: wish.payment_status,
            payment_error_code: wish.payment_error_code.clone(),
        };
        let decision = Decision {
            outcome: wish.outcome,
            error_code: wish.payment_error_code,
            plan: Plan::default(),
        };
        book.decide(index, &decision, now_ms);
        partner.keep(&Record::Simulation(simulation.clone()));
        let answer = Reply::ok(&entity::simulation(&simulation));
        book.add_simulation(simulation);
        Ok(answer)
    })
    .await
}

/// `GET /pg/simulate/{simulation_id}`.
async fn simulation(
    State(partner): State<Arc<Partner>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Response {
    run(&partner, Call::Simulate, &caller, |book, _| {
        let found = book.simulation(&id);
        let found = found.ok_or_else(|| {
            Problem::not_found("simulation_not_found", "simulation is not present")
        })?;
        Ok(Reply::ok(&entity::simulation(found)))
    })
    .await
}
