//! Cases about refunds, captures and voids.

use altyn_connectors::remote::state::{Standing, State};
use altyn_domain::{Money, RefundAbility};
use serde_json::json;

use super::charges::{in_words, message_of, moved, paid};
use super::play::{PLAIN, Play, Work, expect, expect_failure};
use super::{Seen, Stop, hold as must_hold, skip};

/// Part of a charge, in minor units; its last two digits mean nothing.
const PART: i64 = 120;

pub fn needs_refunds(play: &Play) -> Result<(), Stop> {
    if play.refunds == RefundAbility::Never {
        return skip("it makes no refunds");
    }
    Ok(())
}

fn needs_holds(play: &Play) -> Result<(), Stop> {
    if play.holds {
        return Ok(());
    }
    skip("it cannot reserve money")
}

pub async fn refund(play: &Play) -> Seen {
    needs_refunds(play)?;
    let charge = paid(play, PLAIN).await?;
    let refund = play.follow_up("refund", &charge, charge.amount);
    let state = play.begin(&refund).await?;
    expect(&state, "success")?;
    expect(&play.status(&refund).await?, "success")?;
    Ok(format!("all of it: {}", in_words(&state)))
}

pub async fn refund_duplicate(play: &Play) -> Seen {
    needs_refunds(play)?;
    let charge = paid(play, PLAIN).await?;
    let refund = play.follow_up("refund", &charge, charge.amount);
    let message = play.message(&refund.request);
    expect(&play.begin_by(&refund, &message).await?, "success")?;
    expect(&play.begin_by(&refund, &message).await?, "success")?;
    let mut other = refund.request.clone();
    other["amount"] = json!(refund.amount.minor() - 1);
    play.refused(&play.message(&other), 409, "id_reused")
        .await?;
    Ok("given back once; another amount under its id: 409 id_reused".to_owned())
}

pub async fn refund_partial(play: &Play) -> Seen {
    needs_refunds(play)?;
    let charge = paid(play, PLAIN).await?;
    let part = play.follow_up(
        "refund",
        &charge,
        moved(charge.amount, PART - charge.amount.minor())?,
    );
    if play.refunds == RefundAbility::Full {
        let state = play.begin(&part).await?;
        must_hold(matches!(state.standing, Standing::Failure(_)), || {
            format!(
                "a part: status {} instead of failure: only the whole sum is promised",
                state.standing.word()
            )
        })?;
        let whole = play.follow_up("refund", &charge, charge.amount);
        expect(&play.begin(&whole).await?, "success")?;
        return Ok("a part is refused, as promised; the whole sum is given back".to_owned());
    }
    let rest = play.follow_up("refund", &charge, moved(charge.amount, -PART)?);
    expect(&play.begin(&part).await?, "success")?;
    expect(&play.begin(&rest).await?, "success")?;
    let more = play.follow_up("refund", &charge, moved(part.amount, 0)?);
    expect(&play.begin(&more).await?, "failure")?;
    Ok("a part, the rest, and nothing after it".to_owned())
}

pub async fn refund_too_much(play: &Play) -> Seen {
    needs_refunds(play)?;
    let charge = paid(play, PLAIN).await?;
    let refund = play.follow_up("refund", &charge, moved(charge.amount, 100)?);
    let state = play.begin(&refund).await?;
    expect(&state, "failure")?;
    expect(&play.status(&refund).await?, "failure")?;
    Ok(format!("{}, and it stays", in_words(&state)))
}

pub async fn refund_failure(play: &Play) -> Seen {
    needs_refunds(play)?;
    let charge = paid(play, 12).await?;
    let refund = play.follow_up("refund", &charge, charge.amount);
    let state = play.begin(&refund).await?;
    expect_failure(&state, "not_allowed")?;
    expect_failure(&play.status(&refund).await?, "not_allowed")?;
    Ok(message_of(play, &state))
}

pub async fn refund_of_nothing(play: &Play) -> Seen {
    needs_refunds(play)?;
    let charge = play.charge(PLAIN)?;
    let refund = play.follow_up("refund", &charge, charge.amount);
    expect_failure(&play.begin(&refund).await?, "original_not_found")?;
    Ok("failure (original_not_found)".to_owned())
}

async fn held(play: &Play) -> Result<Work, Stop> {
    needs_holds(play)?;
    let hold = play.hold(PLAIN)?;
    expect(&play.begin(&hold).await?, "success")?;
    Ok(hold)
}

pub async fn capture(play: &Play) -> Seen {
    let hold = held(play).await?;
    let capture = play.follow_up("capture", &hold, moved(hold.amount, -REST)?);
    let state = play.begin(&capture).await?;
    expect(&state, "success")?;
    expect(&play.status(&capture).await?, "success")?;
    // Exactly the rest: more than that could be refused for another reason.
    for kind in ["capture", "void"] {
        let rest = play.follow_up(kind, &hold, rest_of(&hold)?);
        let state = play.begin(&rest).await?;
        refused(&state, kind, "the rest was to be released")?;
    }
    Ok(format!(
        "a part: {}; the rest is released",
        in_words(&state)
    ))
}

pub async fn capture_rest(play: &Play) -> Seen {
    let hold = held(play).await?;
    let mut part = play.follow_up("capture", &hold, moved(hold.amount, -REST)?);
    part.request["release_rest"] = json!(false);
    expect(&play.begin(&part).await?, "success")?;
    let rest = play.follow_up("capture", &hold, rest_of(&hold)?);
    let state = play.begin(&rest).await?;
    must_hold(matches!(state.standing, Standing::Success), || {
        format!(
            "the rest, that was to stay reserved: {} instead of success",
            in_words(&state)
        )
    })?;
    let more = play.follow_up("capture", &hold, rest_of(&hold)?);
    refused(&play.begin(&more).await?, "capture", "all was captured")?;
    Ok(format!("a part, then the rest: {}", in_words(&state)))
}

pub async fn refund_captured(play: &Play) -> Seen {
    needs_refunds(play)?;
    let hold = held(play).await?;
    let early = play.follow_up("refund", &hold, hold.amount);
    refused(&play.begin(&early).await?, "refund", "nothing was captured")?;
    let capture = play.follow_up("capture", &hold, moved(hold.amount, -REST)?);
    expect(&play.begin(&capture).await?, "success")?;
    let more = play.follow_up("refund", &hold, hold.amount);
    refused(&play.begin(&more).await?, "refund", "less was captured")?;
    Ok("nothing before the capture, and not more than it after it".to_owned())
}

/// What is left of a hold after a capture of a part, in minor units; its last two digits mean nothing.
const REST: i64 = 100;

fn rest_of(hold: &Work) -> Result<Money, Stop> {
    moved(hold.amount, REST - hold.amount.minor())
}

/// A follow-up that must be a failure, for this reason.
fn refused(state: &State, kind: &str, why: &str) -> Result<(), Stop> {
    must_hold(matches!(state.standing, Standing::Failure(_)), || {
        format!(
            "a {kind}: status {} instead of failure: {why}",
            state.standing.word()
        )
    })
}

pub async fn capture_too_much(play: &Play) -> Seen {
    let hold = held(play).await?;
    let capture = play.follow_up("capture", &hold, moved(hold.amount, 100)?);
    expect_failure(&play.begin(&capture).await?, "invalid_amount")?;
    Ok("failure (invalid_amount)".to_owned())
}

pub async fn void(play: &Play) -> Seen {
    let hold = held(play).await?;
    let void = play.follow_up("void", &hold, hold.amount);
    let state = play.begin(&void).await?;
    expect(&state, "success")?;
    expect(&play.status(&void).await?, "success")?;
    let capture = play.follow_up("capture", &hold, hold.amount);
    expect(&play.begin(&capture).await?, "failure")?;
    Ok(format!(
        "all of it: {}; nothing can be captured",
        in_words(&state)
    ))
}
