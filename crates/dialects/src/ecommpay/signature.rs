//! The signature of messages in both directions.
//!
//! All leaves of a message become lines `path:value`, the lines are sorted and joined with `;`, and the
//! text is signed with HMAC-SHA512 under the project's key. Existing clients disagree about details of
//! that text. We write what the protocol documents, and accept what each known client writes.
//!
//! The format is weak where names and values hold its own separators: `;` in a value looks like one
//! more line, `:` in a value like one more name of a path. Whoever may change a message without the key
//! can shift such a boundary. Merchants' servers sign whole bodies that nobody else touches; the
//! parameters of the Payment Page pass through the payer's browser, so there
//! [`has_forbidden_characters`] must be asked too: with it, different parameters have different texts.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::lines::{Lines, Survey};
pub use super::lines::{Order, Rules};
use super::signed_json::{Json, SignedJson, Text};

/// Which rules a message came under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A JSON body: Gate, Data API, callbacks.
    Gate,
    /// The parameters of a Payment Page.
    PaymentPage,
}

/// One way in which clients write the text that is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// How names and values are written.
    pub rules: Rules,
    /// How lines are sorted.
    pub order: Order,
}

impl Variant {
    /// As documented: what this gateway writes.
    pub const DOCUMENTED: Self = Self {
        rules: Rules::DOCUMENTED,
        order: Order::Natural,
    };

    /// As documented, for the parameters of a Payment Page.
    pub const PAYMENT_PAGE: Self = Self {
        rules: Rules::UNDERSCORED_DROPPED,
        order: Order::Natural,
    };
}

/// Why a message has no signature to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// It is absent, empty or null.
    #[error("the signature is missing")]
    Missing,
    /// It is no text.
    #[error("the signature is not a text")]
    NotText,
}

/// How long a signature is before it is turned into text.
const SIGNATURE_BYTES: usize = 64;

/// Where clients put the signature. The first place that has one decides.
const PLACES: [&[&str]; 3] = [
    &["signature"],
    &["general", "signature"],
    &["customer", "signature"],
];

/// The ways of known clients to write names and values, each with the orders that may go with it, the
/// usual ones first.
const WAYS: [(Rules, &[Order]); 6] = {
    use Order::{Natural, PerLevel, Plain, WholeLines};
    let alone = Rules::COLONS_ALONE;
    let kept = Rules::FRACTIONS_KEPT;
    let python = alone
        .and(kept)
        .and(Rules::NULL_AS_NONE)
        .and(Rules::ARRAY_SIGNATURES_KEPT);
    [
        (Rules::DOCUMENTED, &[Natural, Plain, WholeLines]),
        (alone, &[PerLevel, Natural, Plain]),
        (python, &[Plain]),
        (kept, &[WholeLines, Plain, Natural]),
        (alone.and(kept), &[WholeLines, Plain, Natural]),
        (Rules::ARRAY_SIGNATURES_KEPT, &[Natural, Plain, WholeLines]),
    ]
};

/// What may come on top of these on a Payment Page: names that begin with `_` are added unsigned by
/// shop integrations, and truths that travel as words are signed as digits.
const PAGE_WAYS: [Rules; 4] = [
    Rules::UNDERSCORED_DROPPED,
    Rules::DOCUMENTED,
    Rules::UNDERSCORED_DROPPED.and(Rules::TRUTH_AS_DIGIT),
    Rules::TRUTH_AS_DIGIT,
];

/// What may come on top elsewhere: nothing.
const GATE_WAYS: [Rules; 1] = [Rules::DOCUMENTED];

/// The text that is signed, written in one way. It may hold card data.
pub fn canonical(message: &SignedJson<'_>, variant: Variant) -> Zeroizing<String> {
    let survey = Survey::of(message.root(), Source::PaymentPage);
    let lines = Lines::write(message.root(), variant.rules, &survey);
    match lines.joined(&lines.arranged(variant.order)) {
        Text::Borrowed(text) => Zeroizing::new(text.to_owned()),
        Text::Owned(text) => text,
    }
}

/// The signature of a text: HMAC-SHA512 in base64.
pub fn hmac_sha512_base64(key: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA512, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

/// The signature of a message of ours. A signature that is in it already does not count.
pub fn sign(message: &Value, key: &str) -> String {
    let text = canonical(&SignedJson::from(message), Variant::DOCUMENTED);
    hmac_sha512_base64(key, &text)
}

/// The signature that a message brings along: at its root, else in `general`, else in `customer`.
///
/// # Errors
/// If it has none, or one that is no text.
pub fn signature_of<'m>(message: &'m SignedJson<'_>) -> Result<&'m str, SignatureFault> {
    let told = PLACES.iter().find_map(|path| message.get(path));
    match told {
        None | Some(Json::Null) => Err(SignatureFault::Missing),
        Some(Json::Text(text)) if text.is_empty() => Err(SignatureFault::Missing),
        Some(Json::Text(text)) => Ok(text),
        Some(Json::Bool(_) | Json::Number(..) | Json::Array(_) | Json::Object(_)) => {
            Err(SignatureFault::NotText)
        }
    }
}

/// Whether the given signature is that of the message, written in any way of a known client.
///
/// The documented way is tried first, the others only where they make this message look different.
pub fn verify(message: &SignedJson<'_>, given: &str, key: &str, source: Source) -> bool {
    let given = STANDARD.decode(given);
    let Some(given) = given.ok().filter(|given| given.len() == SIGNATURE_BYTES) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA512, key.as_bytes());
    any_text(message, source, |text| {
        hmac::verify(&key, text.as_bytes(), &given).is_ok()
    })
}

/// Whether parameters of a Payment Page hold characters that would let one set pass for another: `;` in
/// a name or a value, `:` in a name. Values may hold `:`, as addresses and times do.
pub fn has_forbidden_characters(parameters: &SignedJson<'_>) -> bool {
    let Json::Object(members) = parameters.root() else {
        return false;
    };
    members.iter().any(|(name, value)| {
        let in_value = value.text().is_some_and(|text| text.contains(';'));
        name.contains([';', ':']) || in_value
    })
}

/// Whether any of the different texts that known clients would write for this message is right.
pub(super) fn any_text(
    message: &SignedJson<'_>,
    source: Source,
    mut is_right: impl FnMut(&str) -> bool,
) -> bool {
    let survey = Survey::of(message.root(), source);
    for (rules, orders) in ways(source, &survey) {
        let lines = Lines::write(message.root(), rules, &survey);
        let mut tried = Vec::new();
        for order in orders {
            let arrangement = lines.arranged(order);
            if tried.contains(&arrangement) {
                continue;
            }
            if is_right(&lines.joined(&arrangement)) {
                return true;
            }
            tried.push(arrangement);
        }
    }
    false
}

/// The ways that make a difference to a message: one entry for all orders under the same rules.
fn ways(source: Source, survey: &Survey) -> Vec<(Rules, Vec<Order>)> {
    let on_top: &[Rules] = match source {
        Source::Gate => &GATE_WAYS,
        Source::PaymentPage => &PAGE_WAYS,
    };
    let mut ways: Vec<(Rules, Vec<Order>)> = Vec::new();
    for top in on_top {
        for (rules, orders) in WAYS {
            let rules = rules.and(*top).among(survey.rules);
            let known = ways.iter().position(|(known, _)| *known == rules);
            let at = known.unwrap_or_else(|| {
                ways.push((rules, Vec::new()));
                ways.len() - 1
            });
            for order in orders {
                if !ways[at].1.contains(order) {
                    ways[at].1.push(*order);
                }
            }
        }
    }
    ways
}
