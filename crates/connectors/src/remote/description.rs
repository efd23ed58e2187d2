//! What a remote connector says about itself.

use altyn_domain::{AmountRange, Currency, Description, RefundAbility};
use serde::Deserialize;

use super::signature::SKEW_MAX_S;
use super::state::{BODY_MAX, Unusable};

const NAME_MAX: usize = 100;
const CURRENCIES_MAX: usize = 200;
/// The least that may be promised about "not found", in milliseconds: as long as a signature is fresh, the
/// request may still come and be carried out.
pub const NOT_FOUND_MIN_MS: i64 = SKEW_MAX_S * 1_000;
/// Thirty days.
const NOT_FOUND_MAX_MS: i64 = 30 * 24 * 3_600 * 1_000;

#[derive(Deserialize)]
struct Wire {
    name: String,
    test: bool,
    currencies: Vec<WireRange>,
    refunds: String,
    holds: bool,
    #[serde(default)]
    not_found_final_after_ms: Option<i64>,
}

#[derive(Deserialize)]
struct WireRange {
    currency: String,
    min: i64,
    max: i64,
}

/// Reads the answer to `describe`.
///
/// # Errors
/// What is wrong with it.
pub fn read(body: &[u8]) -> Result<Description, Unusable> {
    let (description, promise) = read_apart(body)?;
    promise.map(|()| description)
}

/// The same, with a promise about "not found" that cannot be kept told apart from the rest, for a check that
/// goes on. The description must not be worked with then.
///
/// # Errors
/// What else is wrong with it.
pub fn read_apart(body: &[u8]) -> Result<(Description, Result<(), Unusable>), Unusable> {
    if body.len() > BODY_MAX {
        return Err(Unusable::TooLarge);
    }
    let wire: Wire = serde_json::from_slice(body).map_err(|error| Unusable::json(&error))?;
    let letters = wire.name.chars().count();
    if !(1..=NAME_MAX).contains(&letters) || wire.name.chars().any(char::is_control) {
        return Err(Unusable::Field("name"));
    }
    let refunds = match wire.refunds.as_str() {
        "none" => RefundAbility::Never,
        "full" => RefundAbility::Full,
        "partial" => RefundAbility::Partial,
        _ => return Err(Unusable::Field("refunds")),
    };
    if !(1..=CURRENCIES_MAX).contains(&wire.currencies.len()) {
        return Err(Unusable::Field("currencies"));
    }
    let ranges: Option<Vec<AmountRange>> = wire.currencies.iter().map(range).collect();
    let promise = match wire.not_found_final_after_ms {
        Some(ms) if ms > NOT_FOUND_MAX_MS => {
            return Err(Unusable::Field("not_found_final_after_ms"));
        }
        Some(ms) if ms < NOT_FOUND_MIN_MS => Err(Unusable::Promise(ms)),
        Some(_) | None => Ok(()),
    };
    let description = Description {
        name: wire.name,
        test: wire.test,
        ranges: ranges.ok_or(Unusable::Field("currencies"))?,
        refunds,
        holds: wire.holds,
        not_found_final_after_ms: wire.not_found_final_after_ms,
    };
    Ok((description, promise))
}

fn range(wire: &WireRange) -> Option<AmountRange> {
    let (min, max) = (wire.min, wire.max);
    let currency = Currency::from_alpha(&wire.currency).ok()?;
    (0 < min && min <= max).then_some(AmountRange { currency, min, max })
}
