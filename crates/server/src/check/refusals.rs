//! Cases about what a connector must refuse, and what it must bear.

use altyn_connectors::remote::VERSION_HEADER;
use altyn_connectors::remote::signature::{self, SKEW_MAX_S};
use altyn_connectors::remote::state::BODY_MAX;
use serde_json::json;

use super::client::Message;
use super::play::{PLAIN, Play, Work, expect};
use super::{Seen, Stop, fail};

/// Beyond the tolerance, whatever the clocks differ by.
const TOO_FAR_S: i64 = SKEW_MAX_S + 60;

/// A signature of the right form by nobody's key.
const FORGED: &str = "v1,AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn signature_of(message: &Message) -> String {
    let mut headers = message.headers.iter();
    let found = headers.find(|(name, _)| *name == signature::SIGNATURE);
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

/// Nothing may be known of an operation whose request was refused.
async fn nothing_done(play: &Play, work: &Work) -> Result<(), Stop> {
    let question = play.message(&play.question("status", &work.id));
    match play.refused(&question, 404, "not_found").await {
        Err(Stop::Fail(told)) => fail(format!("it was refused, and yet done: {told}")),
        other => other,
    }
}

/// Sends a charge that was spoilt: 401, and nothing done.
async fn unauthorized(play: &Play, spoil: impl FnOnce(&mut Message)) -> Result<(), Stop> {
    let charge = play.charge(PLAIN)?;
    let mut message = play.message(&charge.request);
    spoil(&mut message);
    play.refused(&message, 401, "unauthorized").await?;
    nothing_done(play, &charge).await
}

pub async fn unknown_id(play: &Play) -> Seen {
    let id = play.client.fresh("opr");
    for kind in ["status", "refund_status", "cancel"] {
        let message = play.message(&play.question(kind, &id));
        play.refused(&message, 404, "not_found").await?;
    }
    Ok("404 not_found".to_owned())
}

pub async fn unknown_type(play: &Play) -> Seen {
    let id = play.client.fresh("opr");
    let message = play.message(&play.question("levitate", &id));
    play.refused(&message, 404, "unknown_operation").await?;
    Ok("404 unknown_operation".to_owned())
}

pub async fn unknown_field(play: &Play) -> Seen {
    let mut charge = play.charge(PLAIN)?;
    charge.request["field_of_tomorrow"] = json!({ "list": [1, null] });
    expect(&play.begin(&charge).await?, "success")?;
    Ok("ignored".to_owned())
}

pub async fn malformed(play: &Play) -> Seen {
    for body in ["", "{", "[]", "null", "{}"] {
        let message = play.client.message(body.as_bytes().to_vec());
        play.refused(&message, 400, "malformed").await?;
    }
    for amount in [
        json!(null),
        json!("1050"),
        json!(0),
        json!(-1050),
        json!(10.5),
    ] {
        let mut charge = play.charge(PLAIN)?;
        charge.request["amount"] = amount;
        play.refused(&play.message(&charge.request), 400, "malformed")
            .await?;
        nothing_done(play, &charge).await?;
    }
    Ok("400 malformed; nothing done".to_owned())
}

pub async fn too_large(play: &Play) -> Seen {
    let mut charge = play.charge(PLAIN)?;
    charge.request["field_of_tomorrow"] = json!("x".repeat(BODY_MAX));
    play.refused(&play.message(&charge.request), 413, "too_large")
        .await?;
    nothing_done(play, &charge).await?;
    Ok("413 too_large; nothing done".to_owned())
}

pub async fn other_version(play: &Play) -> Seen {
    for version in [Some("999"), None] {
        let charge = play.charge(PLAIN)?;
        let mut message = play.message(&charge.request);
        message.remove(VERSION_HEADER);
        if let Some(version) = version {
            message.set(VERSION_HEADER, version.to_owned());
        }
        play.refused(&message, 400, "unsupported_version").await?;
        nothing_done(play, &charge).await?;
    }
    Ok("400 unsupported_version; nothing done".to_owned())
}

pub async fn wrong_signature(play: &Play) -> Seen {
    for wrong in [FORGED, "v1,", "v1", ""] {
        let forge = |message: &mut Message| message.set(signature::SIGNATURE, wrong.to_owned());
        unauthorized(play, forge).await?;
    }
    unauthorized(play, |message| message.body.push(b' ')).await?;
    let rename = |message: &mut Message| message.set(signature::ID, "msg_other".to_owned());
    unauthorized(play, rename).await?;
    Ok("401; nothing done".to_owned())
}

pub async fn two_signatures(play: &Play) -> Seen {
    for other in [FORGED, "v1a,AAECAwQF"] {
        let charge = play.charge(PLAIN)?;
        let mut message = play.message(&charge.request);
        let both = format!("{other} {}", signature_of(&message));
        message.set(signature::SIGNATURE, both);
        expect(&play.begin_by(&charge, &message).await?, "success")?;
    }
    Ok("one right signature is enough".to_owned())
}

async fn at_another_time(play: &Play, age_s: i64) -> Seen {
    let charge = play.charge(PLAIN)?;
    let body = charge.request.to_string().into_bytes();
    let id = play.client.fresh("msg");
    let message = play.client.message_of(&id, age_s, body);
    play.refused(&message, 401, "unauthorized").await?;
    nothing_done(play, &charge).await?;
    Ok("401; nothing done".to_owned())
}

pub async fn old_message(play: &Play) -> Seen {
    at_another_time(play, TOO_FAR_S).await
}

pub async fn future_message(play: &Play) -> Seen {
    at_another_time(play, -TOO_FAR_S).await
}

pub async fn missing_header(play: &Play) -> Seen {
    for name in signature::HEADERS {
        unauthorized(play, |message| message.remove(name)).await?;
    }
    Ok("401; nothing done".to_owned())
}
