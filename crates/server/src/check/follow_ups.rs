//! Cases about refunds, captures and voids.

use altyn_domain::RefundAbility;
use serde_json::json;

use super::charges::{in_words, message_of, moved, paid};
use super::play::{PLAIN, Play, Work, expect, expect_failure};
use super::{Seen, Stop, skip};

/// Part of a charge, in minor units; its last two digits mean nothing.
const PART: i64 = 120;

pub fn needs_refunds(play: &Play) -> Result<(), Stop> {
    if play.refunds == RefundAbility::Never {
        return skip("it makes no refunds");
    }
    Ok(())
}

fn needs_parts(play: &Play) -> Result<(), Stop> {
    if play.refunds == RefundAbility::Partial {
        return Ok(());
    }
    skip("it refunds no parts")
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
    needs_parts(play)?;
    let charge = paid(play, PLAIN).await?;
    let part = play.follow_up(
        "refund",
        &charge,
        moved(charge.amount, PART - charge.amount.minor())?,
    );
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
    let capture = play.follow_up("capture", &hold, moved(hold.amount, -100)?);
    let state = play.begin(&capture).await?;
    expect(&state, "success")?;
    expect(&play.status(&capture).await?, "success")?;
    let rest = play.follow_up(
        "capture",
        &hold,
        moved(hold.amount, PART - hold.amount.minor())?,
    );
    expect(&play.begin(&rest).await?, "failure")?;
    Ok(format!(
        "a part: {}; the rest is released",
        in_words(&state)
    ))
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
