//! What we learn from a gateway about one operation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{HttpMethod, Money};

/// What we know after one exchange with a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done: money is reserved or moved as asked.
    Approved,
    /// Refused, for this reason. No money moved.
    Declined(DeclineCode),
    /// Accepted; the end will be told later, or the payer must act first.
    Pending,
    /// It left us and no usable answer came back. Money may have moved.
    Unknown,
    /// It provably never left us. Safe to send again.
    NotSent,
    /// The gateway says it knows no such operation, and its contract makes that final.
    NotFound,
    /// The gateway undid the operation without effect.
    Voided,
}

/// Why an operation was refused: the vocabulary into which every gateway's codes are translated, and
/// from which every dialect takes its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineCode {
    /// Refused without a reason we may tell.
    General,
    /// Not enough money on the card.
    InsufficientFunds,
    /// The card's last month is over.
    ExpiredCard,
    /// No such card.
    InvalidCard,
    /// Wrong security code.
    SecurityCode,
    /// The payer did not pass 3-D Secure.
    AuthenticationFailed,
    /// The issuer wants 3-D Secure and it was not possible.
    AuthenticationRequired,
    /// Over a limit of the card.
    LimitExceeded,
    /// Lost, stolen or blocked.
    BlockedCard,
    /// The issuer does not allow this kind of operation.
    NotAllowed,
    /// Looks like fraud.
    SuspectedFraud,
    /// The issuer could not be reached.
    IssuerUnavailable,
    /// The amount is not possible for the gateway.
    InvalidAmount,
    /// The original operation is not known to the gateway.
    OriginalNotFound,
    /// It was interrupted before it reached the gateway; nothing was sent. Ours.
    Interrupted,
    /// A technical fault at the gateway.
    Technical,
    /// The payer gave it up at the gateway's page.
    CancelledByPayer,
    /// The payer's time at the gateway's page was over.
    TimeOver,
    /// Above what the payment method takes. Ours.
    AmountTooLarge,
    /// Below what the payment method takes. Ours.
    AmountTooSmall,
    /// The payment method does not take this currency. Ours.
    CurrencyNotPossible,
    /// The payment method is not for payers of this country. Ours.
    CountryNotPossible,
    /// The payment method cannot do such an operation. Ours.
    OperationNotAllowed,
    /// More than can still be refunded. Ours.
    RefundExceeds,
    /// The payment method refunds only the whole sum. Ours.
    PartialRefundImpossible,
    /// The payment method makes no refunds. Ours.
    RefundImpossible,
}

impl DeclineCode {
    /// All reasons.
    pub const ALL: [Self; 26] = [
        Self::General,
        Self::InsufficientFunds,
        Self::ExpiredCard,
        Self::InvalidCard,
        Self::SecurityCode,
        Self::AuthenticationFailed,
        Self::AuthenticationRequired,
        Self::LimitExceeded,
        Self::BlockedCard,
        Self::NotAllowed,
        Self::SuspectedFraud,
        Self::IssuerUnavailable,
        Self::InvalidAmount,
        Self::OriginalNotFound,
        Self::Interrupted,
        Self::Technical,
        Self::CancelledByPayer,
        Self::TimeOver,
        Self::AmountTooLarge,
        Self::AmountTooSmall,
        Self::CurrencyNotPossible,
        Self::CountryNotPossible,
        Self::OperationNotAllowed,
        Self::RefundExceeds,
        Self::PartialRefundImpossible,
        Self::RefundImpossible,
    ];
}

/// What a gateway told beside the outcome. All of it may be shown to the merchant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The gateway's own id of the operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector_reference: Option<String>,
    /// Whether the gateway gives an operation one id for ever. News with another one than before are then not
    /// believed: perhaps the operation was done twice.
    #[serde(skip)]
    pub one_reference: bool,
    /// The issuer's authorization code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_code: Option<String>,
    /// Retrieval reference number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rrn: Option<String>,
    /// The terminal that was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
    /// Electronic commerce indicator of 3-D Secure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eci: Option<String>,
    /// The gateway's own reason code, for support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_code: Option<String>,
    /// The gateway's own words for people about a failure; see [`message_of`](Self::message_of).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it happened by the gateway's own clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub happened_at: Option<crate::Timestamp>,
    /// The amount the gateway says it worked with. Another amount than asked is never booked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
}

impl Facts {
    /// The most characters of a message.
    pub const MESSAGE_MAX: usize = 255;

    /// A gateway's words as they may be kept and shown: on one line, without characters that control
    /// anything, at most [`MESSAGE_MAX`](Self::MESSAGE_MAX) of them; none if nothing is left.
    pub fn message_of(words: &str) -> Option<String> {
        let turns = |c: char| matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let plain: String = words
            .chars()
            .filter(|c| !turns(*c))
            .map(|c| if c.is_whitespace() { ' ' } else { c })
            .filter(|c| !c.is_control())
            .collect();
        let cut: String = plain.trim().chars().take(Self::MESSAGE_MAX).collect();
        let cut = cut.trim_end();
        (!cut.is_empty()).then(|| cut.to_owned())
    }
}

/// What the payer's browser must do before the operation can go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum PayerAction {
    /// 3-D Secure method: post `data` to `url` in a hidden frame.
    DeviceCheck {
        /// 3-D Secure server transaction id.
        transaction_id: String,
        /// Where to post.
        url: String,
        /// The field `threeDSMethodData`.
        data: String,
    },
    /// 3-D Secure challenge: send the payer to the issuer's page.
    Challenge {
        /// 3-D Secure server transaction id.
        transaction_id: String,
        /// The issuer's page.
        acs_url: String,
        /// The field `creq`.
        creq: String,
    },
    /// Send the payer to the gateway's own page.
    Redirect {
        /// Where to.
        url: String,
        /// How.
        #[serde(default)]
        method: HttpMethod,
        /// The fields of the form, if it is a POST.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        fields: BTreeMap<String, String>,
    },
}

/// One piece of news about an operation: the outcome, what came with it, and what the payer must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What happened.
    pub outcome: Outcome,
    /// What came with it.
    pub facts: Facts,
    /// With [`Outcome::Pending`]: what the payer must do next.
    pub action: Option<PayerAction>,
}

impl Report {
    /// News without any facts.
    pub fn bare(outcome: Outcome) -> Self {
        Self {
            outcome,
            facts: Facts::default(),
            action: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_words_and_nothing_else() {
        let table = [
            ("Not enough money", Some("Not enough money")),
            ("  two\r\nlines\t", Some("two  lines")),
            ("bell\u{7}\u{1b}[31m", Some("bell[31m")),
            ("\u{202e}turned\u{2066}", Some("turned")),
            ("ақша жетпейді", Some("ақша жетпейді")),
            ("\u{0}\u{200f} ", None),
            ("", None),
        ];
        for (words, expected) in table {
            assert_eq!(Facts::message_of(words).as_deref(), expected, "{words:?}");
        }
        let long = Facts::message_of(&"ы".repeat(300)).unwrap();
        assert_eq!(long.chars().count(), Facts::MESSAGE_MAX);
    }
}
