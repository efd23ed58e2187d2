//! Cases about ends that come later, and the callbacks that tell them.

use altyn_connectors::remote::state::State;

use super::charges::{message_of, paid};
use super::play::{Play, Work, expect, expect_failure};
use super::receiver::Heard;
use super::{Seen, Stop, fail, follow_ups, hold};

/// Waits for a callback about an operation: the first, the second and so on. It must be right in all.
pub async fn told(play: &Play, work: &Work, count: usize) -> Result<State, Stop> {
    let (_, state) = heard(play, work, count).await?;
    Ok(state)
}

async fn heard(play: &Play, work: &Work, count: usize) -> Result<(Heard, State), Stop> {
    let Some(heard) = play.receiver.wait(&work.id, count, play.wait).await else {
        let again = if count > 1 { " again" } else { "" };
        return fail(format!(
            "no callback{again} within {} ms",
            play.wait.as_millis()
        ));
    };
    let wrong = |stop| match stop {
        Stop::Fail(what) => Stop::Fail(format!("the callback: {what}")),
        Stop::Skip(why) => Stop::Skip(why),
    };
    play.client
        .believe(&heard.headers, &heard.body)
        .map_err(wrong)?;
    let state = play.state(work, &heard.body).map_err(wrong)?;
    Ok((heard, state))
}

/// An operation that is being worked on, and what its callback says in the end.
async fn late(play: &Play, work: &Work) -> Result<State, Stop> {
    let state = play.begin(work).await?;
    expect(&state, "processing")?;
    told(play, work, 1).await
}

pub async fn late_success(play: &Play) -> Seen {
    let charge = play.charge(3)?;
    expect(&late(play, &charge).await?, "success")?;
    expect(&play.status(&charge).await?, "success")?;
    Ok("processing, then success by callback and by status".to_owned())
}

pub async fn late_failure(play: &Play) -> Seen {
    let charge = play.charge(4)?;
    let state = late(play, &charge).await?;
    expect_failure(&state, "issuer_unavailable")?;
    expect_failure(&play.status(&charge).await?, "issuer_unavailable")?;
    Ok(message_of(play, &state))
}

pub async fn again(play: &Play) -> Seen {
    let charge = play.charge(3)?;
    play.receiver.refuse_once(&charge.id);
    play.begin(&charge).await?;
    let (first, _) = heard(play, &charge, 1).await?;
    let (second, state) = heard(play, &charge, 2).await?;
    expect(&state, "success")?;
    let id = |heard: &Heard| play.client.believe(&heard.headers, &heard.body);
    hold(id(&first)? == id(&second)?, || {
        "the callback that is sent again has another webhook-id".to_owned()
    })?;
    hold(first.body == second.body, || {
        "the callback that is sent again has another body".to_owned()
    })?;
    let pause = second.at.duration_since(first.at).as_millis();
    Ok(format!(
        "a callback that was answered with 503 came again after {pause} ms"
    ))
}

pub async fn refund_late(play: &Play) -> Seen {
    follow_ups::needs_refunds(play)?;
    let charge = paid(play, 13).await?;
    let refund = play.follow_up("refund", &charge, charge.amount);
    expect(&late(play, &refund).await?, "success")?;
    expect(&play.status(&refund).await?, "success")?;
    Ok("processing, then success by callback and by refund_status".to_owned())
}

pub async fn refund_late_failure(play: &Play) -> Seen {
    follow_ups::needs_refunds(play)?;
    let charge = paid(play, 14).await?;
    let refund = play.follow_up("refund", &charge, charge.amount);
    expect_failure(&late(play, &refund).await?, "technical")?;
    expect_failure(&play.status(&refund).await?, "technical")?;
    Ok("processing, then failure by callback and by refund_status".to_owned())
}
