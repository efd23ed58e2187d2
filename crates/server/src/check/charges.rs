//! Cases about charges.

use std::collections::BTreeMap;

use altyn_connectors::remote::state::{Standing, State};
use altyn_domain::{HttpMethod, Money, PayerAction, RefundAbility};
use serde_json::json;
use url::form_urlencoded;

use super::play::{PLAIN, Play, Work, expect, expect_failure};
use super::{Seen, Stop, callbacks, fail, hold, skip};

/// A state in few words.
pub fn in_words(state: &State) -> String {
    let reference = state.reference.as_deref().unwrap_or("without reference");
    match &state.standing {
        Standing::Failure(code) => format!("failure ({code}) {reference}"),
        Standing::Processing | Standing::Redirect(_) | Standing::Success => {
            format!("{} {reference}", state.standing.word())
        }
    }
}

/// A charge that succeeded.
pub async fn paid(play: &Play, digits: i64) -> Result<Work, Stop> {
    let charge = play.charge(digits)?;
    let state = play.begin(&charge).await?;
    expect(&state, "success")?;
    Ok(charge)
}

pub async fn success(play: &Play) -> Seen {
    let charge = play.charge(PLAIN)?;
    let began = std::time::Instant::now();
    let state = play.begin(&charge).await?;
    let took_ms = began.elapsed().as_millis();
    expect(&state, "success")?;
    let asked = play.status(&charge).await?;
    expect(&asked, "success")?;
    Ok(format!(
        "{} in {took_ms} ms; status says the same",
        in_words(&state)
    ))
}

pub async fn failure(play: &Play) -> Seen {
    let charge = play.charge(2)?;
    let state = play.begin(&charge).await?;
    expect_failure(&state, "insufficient_funds")?;
    expect_failure(&play.status(&charge).await?, "insufficient_funds")?;
    Ok(message_of(play, &state))
}

/// The words for the payer; none is a warning.
pub fn message_of(play: &Play, state: &State) -> String {
    let message = state.facts.message.clone();
    message.unwrap_or_else(|| {
        play.warn("a failure without a message: the payer reads no reason");
        String::new()
    })
}

/// Where a payer is led.
struct Page {
    url: String,
    method: HttpMethod,
    fields: BTreeMap<String, String>,
}

async fn led(play: &Play) -> Result<(Work, Page), Stop> {
    let charge = play.charge(1)?;
    let state = play.begin(&charge).await?;
    expect(&state, "redirect")?;
    let Standing::Redirect(PayerAction::Redirect {
        url,
        method,
        fields,
    }) = state.standing
    else {
        return fail("no redirect");
    };
    let page = Page {
        url,
        method,
        fields,
    };
    Ok((charge, page))
}

impl Page {
    fn form(&self, result: Option<&str>) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(&self.fields);
        if let Some(result) = result {
            form.append_pair("test_result", result);
        }
        form.finish()
    }

    /// Opens it as a payer's browser does.
    async fn open(&self, play: &Play) -> Result<(), Stop> {
        let form = (self.method != HttpMethod::Get).then(|| self.form(None));
        let reply = play.client.browse(&self.url, form).await?;
        hold(reply.status == 200, || {
            format!("the page: status {}", reply.status)
        })
    }

    /// Decides it as the protocol's test mode wants; what the answer was.
    async fn decide(&self, play: &Play, result: &str) -> Result<(u16, String), Stop> {
        let reply = play
            .client
            .browse(&self.url, Some(self.form(Some(result))))
            .await?;
        let location = reply.header("location").unwrap_or("").to_owned();
        Ok((reply.status, location))
    }
}

async fn decided(play: &Play, result: &str) -> Result<(Work, State), Stop> {
    let (charge, page) = led(play).await?;
    page.open(play).await?;
    let waiting = play.status(&charge).await?;
    expect(&waiting, "redirect")?;
    let (status, location) = page.decide(play, result).await?;
    hold(status == 303, || {
        format!("the page: status {status} instead of 303")
    })?;
    let back = play.return_url(&charge.id);
    hold(location.starts_with(&back), || {
        format!("the page leads to {location:?} instead of the return_url")
    })?;
    let told = callbacks::told(play, &charge, 1).await?;
    Ok((charge, told))
}

pub async fn redirect(play: &Play) -> Seen {
    let (charge, told) = decided(play, "success").await?;
    expect(&told, "success")?;
    expect(&play.status(&charge).await?, "success")?;
    Ok("paid on the page; callback, way back and status agree".to_owned())
}

pub async fn redirect_failure(play: &Play) -> Seen {
    let (charge, told) = decided(play, "failure").await?;
    expect_failure(&told, "cancelled_by_payer")?;
    expect_failure(&play.status(&charge).await?, "cancelled_by_payer")?;
    Ok(message_of(play, &told))
}

pub async fn duplicate(play: &Play) -> Seen {
    let charge = play.charge(PLAIN)?;
    let message = play.message(&charge.request);
    let first = play.begin_by(&charge, &message).await?;
    let again = play.begin_by(&charge, &message).await?;
    let renamed = play.begin(&charge).await?;
    let asked = play.status(&charge).await?;
    for state in [&again, &renamed, &asked] {
        expect(state, first.standing.word())?;
    }
    Ok(format!("charged once: {}", in_words(&first)))
}

pub async fn parallel(play: &Play) -> Seen {
    let charge = play.charge(PLAIN)?;
    let (one, two, three) = tokio::join!(
        play.begin(&charge),
        play.begin(&charge),
        play.begin(&charge)
    );
    for state in [one?, two?, three?] {
        if !matches!(state.standing, Standing::Processing) {
            expect(&state, "success")?;
        }
    }
    let asked = play.status(&charge).await?;
    Ok(format!("three at once, charged once: {}", in_words(&asked)))
}

pub async fn id_reused(play: &Play) -> Seen {
    let charge = paid(play, PLAIN).await?;
    let mut other = charge.request.clone();
    let amount = charge.amount.minor() + 100;
    other["amount"] = json!(amount);
    play.refused(&play.message(&other), 409, "id_reused")
        .await?;
    // Another type is another body. What it has no type for is refused for that.
    let kinds = [
        ("refund", play.refunds != RefundAbility::Never),
        ("void", play.holds),
    ];
    for (kind, _) in kinds.into_iter().filter(|(_, is_there)| *is_there) {
        let mut other = play.follow_up(kind, &charge, charge.amount).request;
        other["operation"] = json!(charge.id);
        let refused = play.refused(&play.message(&other), 409, "id_reused").await;
        refused.map_err(|stop| stop.about(&format!("a {kind} under the id of a charge")))?;
    }
    expect(&play.status(&charge).await?, "success")?;
    Ok("409 id_reused; the first stays".to_owned())
}

pub async fn cancel(play: &Play) -> Seen {
    let (charge, page) = led(play).await?;
    for _ in 0..2 {
        let reply = play.ask(&play.question("cancel", &charge.id)).await?;
        let state = play.state(&charge, &reply.body)?;
        if !matches!(state.standing, Standing::Failure(_)) {
            return skip(format!("it cannot be ended: {}", in_words(&state)));
        }
        expect_failure(&state, "cancelled")?;
    }
    page.decide(play, "success").await?;
    expect_failure(&play.status(&charge).await?, "cancelled")?;
    Ok("ended; its page takes no money any more".to_owned())
}

pub async fn cancel_ended(play: &Play) -> Seen {
    let charge = paid(play, PLAIN).await?;
    let reply = play.ask(&play.question("cancel", &charge.id)).await?;
    expect(&play.state(&charge, &reply.body)?, "success")?;
    expect(&play.status(&charge).await?, "success")?;
    Ok("a success stays one".to_owned())
}

/// The amount with so many minor units more or less.
pub fn moved(amount: Money, by: i64) -> Result<Money, Stop> {
    let minor = amount.minor() + by;
    Money::new(minor, amount.currency()).or_else(|_| skip("no such amount"))
}
