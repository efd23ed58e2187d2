//! What the answers of a remote connector mean. One that is not signed, not fresh or not about our question
//! says nothing, and nothing is never a decline.

use altyn_domain::{Description, ExchangeKind, ExchangeRequest, HttpResponse, Step, Timestamp};

use super::description;
use super::fault;
use super::message::{self, Kind};
use super::settings::Settings;
use super::signature::{self, Stamp};
use super::state::{BODY_MAX, Standing, State, Unusable};

pub(super) fn step(exchange: &ExchangeRequest<'_>, response: &HttpResponse) -> Step {
    let (Ok(settings), Ok(first)) = (
        Settings::read(exchange.settings, exchange.at),
        Kind::of(exchange),
    ) else {
        return Step::unknown();
    };
    let kind = if exchange.round == 0 {
        first
    } else {
        Kind::Cancel
    };
    let id = message::message_id(exchange, kind);
    let status = response.status;
    if status == 401 {
        return Step::unusable(DISBELIEVED);
    }
    if let Err(doubt) = believe(&settings, &id, exchange.at, response) {
        return Step::unusable(&format!("status {status}: {doubt}"));
    }
    match status {
        200 => understood(exchange, &settings, (kind, &response.body)),
        404 if exchange.round == 0 && is_not_found(&response.body) => Step::NotFound,
        _ => Step::unusable(&error(&settings, response)),
    }
}

/// A 401 need not be signed: it is nothing but a reason.
const DISBELIEVED: &str = "the connector does not believe our signature (401)";

/// An error of the connector in words: status, code and message.
fn error(settings: &Settings<'_>, response: &HttpResponse) -> String {
    let told = fault::words(&response.body, |message| settings.hide(message));
    format!("the connector answers {}{told}", response.status)
}

/// Whether this is the answer to the message `id`; else why not.
fn believe(
    settings: &Settings<'_>,
    id: &str,
    at: Timestamp,
    response: &HttpResponse,
) -> Result<(), String> {
    if response.body.len() > BODY_MAX {
        return Err(Unusable::TooLarge.to_string());
    }
    let headers = response.headers.iter().map(|(n, v)| (*n, v.as_str()));
    let stamp = Stamp::read(headers).map_err(|doubt| doubt.to_string())?;
    let right = settings.keys.verify(&stamp, &response.body, at);
    right.map_err(|doubt| doubt.to_string())?;
    // The answer to another question, however genuine, says nothing about this one.
    if stamp.id == id {
        Ok(())
    } else {
        Err(format!("{} is not the one of the request", signature::ID))
    }
}

/// What the connector says that it can do.
pub(super) fn description(
    settings: &Settings<'_>,
    id: &str,
    at: Timestamp,
    response: &HttpResponse,
) -> Result<Description, String> {
    if response.status == 401 {
        return Err(DISBELIEVED.to_owned());
    }
    believe(settings, id, at, response)?;
    match response.status {
        200 => description::read(&response.body).map_err(|fault| fault.to_string()),
        _ => Err(error(settings, response)),
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
    let state = match State::read(body) {
        Ok(state) => state,
        Err(fault) => return Step::unusable(&fault.to_string()),
    };
    if !fits(&state, exchange) {
        return Step::unusable(
            "it is about another operation, or leads a payer who has nothing to pay",
        );
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
