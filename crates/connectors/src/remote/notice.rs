//! Callbacks: the state of an operation, sent to that operation's own address and signed as answers are.

use altyn_domain::{ExchangeRequest, Notice, NoticeReading, NoticeRefusal};

use super::answer;
use super::message::Kind;
use super::settings::Settings;
use super::signature::{Doubt, Stamp};
use super::state::State;

pub(super) fn read(
    exchange: &ExchangeRequest<'_>,
    notice: &Notice,
) -> Result<NoticeReading, NoticeRefusal> {
    let settings =
        Settings::read(exchange.settings, notice.at).map_err(|_| NoticeRefusal::Unsupported)?;
    Kind::of(exchange).map_err(|_| NoticeRefusal::Unsupported)?;
    let headers = notice.headers.iter();
    let stamp = Stamp::read(headers.map(|(name, value)| (name.as_str(), value.as_str())))
        .map_err(|_| NoticeRefusal::Signature)?;
    settings
        .keys
        .verify(&stamp, &notice.body, notice.at)
        .map_err(|doubt| match doubt {
            Doubt::Stale(age_s) => NoticeRefusal::Stale(age_s),
            Doubt::Header(_) | Doubt::Id | Doubt::Time | Doubt::Signature => {
                NoticeRefusal::Signature
            }
        })?;
    let state = State::read(&notice.body).map_err(|_| NoticeRefusal::Unreadable)?;
    if state.operation != exchange.operation.id.to_string() {
        return Err(NoticeRefusal::OtherOrder);
    }
    if !answer::fits(&state, exchange) {
        return Err(NoticeRefusal::Unreadable);
    }
    let number = exchange.operation.number;
    Ok(NoticeReading::Report(number, Box::new(state.into_report())))
}
