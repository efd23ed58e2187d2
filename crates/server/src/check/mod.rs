//! The conformance check of a remote connector: a client of its own that plays `docs/connector-protocol.md`
//! against a connector in test mode. Nothing of it runs in a gateway.
//!
//! Each case makes operations of its own, so that one that fails tells nothing about the next.

mod callbacks;
mod charges;
mod client;
mod follow_ups;
mod play;
mod receiver;
mod refusals;
mod report;

use std::pin::Pin;
use std::time::Duration;

use altyn_connectors::remote::description;
use altyn_connectors::remote::signature::Keys;
use altyn_connectors::remote::state::Unusable;
use altyn_domain::{Currency, Description};
use serde_json::{Map, Value, json};
use url::Url;

use play::Play;
use report::Report;

/// What is to be checked, and how.
pub struct Plan {
    /// The connector's address.
    pub url: Url,
    /// Its key.
    pub keys: Keys,
    /// Sent as `settings`.
    pub settings: Map<String, Value>,
    /// Sent as `static`.
    pub common: Map<String, Value>,
    /// The currency to use.
    pub currency: Option<Currency>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long a late end or a callback may take.
    pub wait: Duration,
}

/// What a case saw, or why it went no further.
type Seen = Result<String, Stop>;

/// Why a case goes no further.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stop {
    /// The connector breaks the protocol.
    Fail(String),
    /// It cannot be played with this connector.
    Skip(String),
}

impl Stop {
    /// The same, with what it is about.
    fn about(self, what: &str) -> Self {
        match self {
            Self::Fail(why) => Self::Fail(format!("{what}: {why}")),
            Self::Skip(why) => Self::Skip(why),
        }
    }
}

fn fail<T>(what: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Fail(what.into()))
}

fn skip<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Skip(why.into()))
}

/// What must hold, and what is said if it does not.
fn hold(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Stop> {
    if holds { Ok(()) } else { fail(otherwise()) }
}

type Case<'a> = Pin<Box<dyn Future<Output = Seen> + Send + 'a>>;

/// Every case but the first, in the order in which they are played. Nothing runs before it is awaited.
fn cases(play: &Play) -> Vec<(&'static str, Case<'_>)> {
    vec![
        ("promise", Box::pin(promise(play))),
        ("success", Box::pin(charges::success(play))),
        ("failure", Box::pin(charges::failure(play))),
        ("redirect", Box::pin(charges::redirect(play))),
        (
            "redirect_failure",
            Box::pin(charges::redirect_failure(play)),
        ),
        ("late_success", Box::pin(callbacks::late_success(play))),
        ("late_failure", Box::pin(callbacks::late_failure(play))),
        ("callback_again", Box::pin(callbacks::again(play))),
        ("duplicate", Box::pin(charges::duplicate(play))),
        ("parallel", Box::pin(charges::parallel(play))),
        ("id_reused", Box::pin(charges::id_reused(play))),
        ("cancel", Box::pin(charges::cancel(play))),
        ("cancel_ended", Box::pin(charges::cancel_ended(play))),
        ("refund", Box::pin(follow_ups::refund(play))),
        (
            "refund_duplicate",
            Box::pin(follow_ups::refund_duplicate(play)),
        ),
        ("refund_partial", Box::pin(follow_ups::refund_partial(play))),
        (
            "refund_too_much",
            Box::pin(follow_ups::refund_too_much(play)),
        ),
        ("refund_failure", Box::pin(follow_ups::refund_failure(play))),
        ("refund_late", Box::pin(callbacks::refund_late(play))),
        (
            "refund_late_failure",
            Box::pin(callbacks::refund_late_failure(play)),
        ),
        (
            "refund_of_nothing",
            Box::pin(follow_ups::refund_of_nothing(play)),
        ),
        ("capture", Box::pin(follow_ups::capture(play))),
        ("capture_rest", Box::pin(follow_ups::capture_rest(play))),
        (
            "capture_too_much",
            Box::pin(follow_ups::capture_too_much(play)),
        ),
        ("void", Box::pin(follow_ups::void(play))),
        (
            "refund_captured",
            Box::pin(follow_ups::refund_captured(play)),
        ),
        ("unknown_id", Box::pin(refusals::unknown_id(play))),
        ("unknown_type", Box::pin(refusals::unknown_type(play))),
        ("unknown_field", Box::pin(refusals::unknown_field(play))),
        ("malformed", Box::pin(refusals::malformed(play))),
        ("too_large", Box::pin(refusals::too_large(play))),
        ("other_version", Box::pin(refusals::other_version(play))),
        ("wrong_signature", Box::pin(refusals::wrong_signature(play))),
        ("two_signatures", Box::pin(refusals::two_signatures(play))),
        ("old_message", Box::pin(refusals::old_message(play))),
        ("future_message", Box::pin(refusals::future_message(play))),
        ("missing_header", Box::pin(refusals::missing_header(play))),
    ]
}

/// Plays every case and prints what was seen; whether nothing failed.
///
/// # Errors
/// If this side of the conversation cannot be set up.
pub async fn run(plan: Plan, as_json: bool) -> anyhow::Result<bool> {
    let mut report = Report::new(plan.url.to_string(), as_json);
    let mut play = Play::open(plan).await?;
    match describe(&play).await {
        Ok((description, promise, seen)) => match play.take(&description, promise) {
            Ok(()) => report.add("describe", Ok(seen), play.warnings()),
            Err(stop) => report.add("describe", Err(stop), play.warnings()),
        },
        Err(stop) => report.add("describe", Err(stop), play.warnings()),
    }
    let is_described = !report.has_failed();
    for (name, case) in cases(&play) {
        let seen = if is_described {
            case.await
        } else {
            skip("describe failed")
        };
        report.add(name, seen, play.warnings());
    }
    report.end();
    Ok(!report.has_failed())
}

type Promise = Result<(), Unusable>;

async fn describe(play: &Play) -> Result<(Description, Promise, String), Stop> {
    let reply = play.ask(&play.whole(json!({ "type": "describe" }))).await?;
    let (description, promise) =
        description::read_apart(&reply.body).map_err(|fault| Stop::Fail(fault.to_string()))?;
    hold(description.test, || {
        "the connector is not in test mode".to_owned()
    })?;
    let currencies = description
        .ranges
        .iter()
        .map(|range| range.currency.alpha());
    let seen = format!(
        "{}; {}; refunds {}; holds {}",
        description.name,
        currencies.collect::<Vec<_>>().join(", "),
        play::refunds_word(description.refunds),
        if description.holds { "yes" } else { "no" },
    );
    Ok((description, promise, seen))
}

/// What is promised about "not found", and whether it can be kept.
async fn promise(play: &Play) -> Seen {
    if let Err(fault) = &play.promise {
        return fail(fault.to_string());
    }
    Ok(match play.not_found_final_after_ms {
        Some(ms) => format!("\"not found\" is final after {ms} ms"),
        None => "\"not found\" is never final: a person decides then".to_owned(),
    })
}
