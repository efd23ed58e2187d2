//! What the answers of a remote connector mean. One that is not signed, not fresh or not about our question
//! says nothing, and nothing is never a decline.

use altyn_domain::{ExchangeKind, ExchangeRequest, HttpResponse, Step};

use super::fault;
use super::message::{self, Kind};
use super::settings::Settings;
use super::signature::Stamp;
use super::state::{BODY_MAX, Standing, State};

pub(super) fn step(exchange: &ExchangeRequest<'_>, response: &HttpResponse) -> Step {
    let (Ok(settings), Ok(first)) = (Settings::read(exchange.settings), Kind::of(exchange)) else {
        return Step::unknown();
    };
    let kind = if exchange.round == 0 {
        first
    } else {
        Kind::Cancel
    };
    let is_believed = response.body.len() <= BODY_MAX
        && Stamp::read(response.headers.iter().map(|(n, v)| (*n, v.as_str()))).is_ok_and(|stamp| {
            let right = settings.keys.verify(&stamp, &response.body, exchange.at);
            // The answer to another question, however genuine, says nothing about this one.
            right.is_ok() && stamp.id == message::message_id(exchange, kind)
        });
    if !is_believed {
        return Step::unknown();
    }
    match response.status {
        200 => understood(exchange, &settings, (kind, &response.body)),
        404 if exchange.round == 0 && is_not_found(&response.body) => Step::NotFound,
        _ => Step::unknown(),
    }
}

fn is_not_found(body: &[u8]) -> bool {
    fault::code(body).is_some_and(|code| code == fault::NOT_FOUND)
}

fn understood(
    exchange: &ExchangeRequest<'_>,
    settings: &Settings<'_>,
    (kind, body): (Kind, &[u8]),
) -> Step {
    let Ok(state) = State::read(body) else {
        return Step::unknown();
    };
    if !fits(&state, exchange) {
        return Step::unknown();
    }
    let runs = matches!(state.standing, Standing::Processing | Standing::Redirect(_));
    // Nobody needs this try any more: before it becomes a surplus, the connector is asked to end it.
    let asked = matches!(exchange.kind, ExchangeKind::Enquire) && kind == Kind::Status;
    let unneeded = asked && exchange.operation.kind.is_try() && !exchange.payment.is_open();
    if runs
        && unneeded
        && let Ok(cancel) = message::request(exchange, settings, Kind::Cancel)
    {
        return Step::Next(Box::new(cancel));
    }
    Step::Report(Box::new(state.into_report()))
}

/// Whether it is about this operation, and possible for its kind: a payer is led to pay and nowhere else.
pub(super) fn fits(state: &State, exchange: &ExchangeRequest<'_>) -> bool {
    let operation = exchange.operation;
    let leads = matches!(state.standing, Standing::Redirect(_));
    state.operation == operation.id.to_string() && (operation.kind.is_try() || !leads)
}
