//! One operation as the bank remembers it. Compact, because a load test makes millions.

use std::sync::Arc;

use iso_currency::Currency;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::card::Behaviour;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Reserves money, or takes it at once.
    Authorization,
    /// Takes reserved money.
    Capture,
    /// Gives reserved money up.
    Void,
    /// Gives taken money back.
    Refund,
}

/// Where an operation stands. `pending` is not stored: it is how a decided operation looks from
/// outside while its answer is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Done.
    Approved,
    /// Refused; nothing moved.
    Declined,
    /// Not known yet to the terminal.
    Pending,
    /// Waits for the payer.
    AuthenticationRequired,
}

impl Kind {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
        }
    }
}

impl Status {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Pending => "pending",
            Self::AuthenticationRequired => "authentication_required",
        }
    }
}

/// A three-digit reason in the manner of ISO 8583.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code(pub u16);

impl Code {
    /// Approved.
    pub const APPROVED: Code = Code(0);
    /// General refusal.
    pub const REFUSED: Code = Code(100);
    /// The card is no longer valid.
    pub const EXPIRED_CARD: Code = Code(101);
    /// The amount is zero or more than what is left.
    pub const BAD_AMOUNT: Code = Code(110);
    /// Not a card number.
    pub const BAD_CARD_NUMBER: Code = Code(111);
    /// Not enough money on the card.
    pub const INSUFFICIENT_FUNDS: Code = Code(116);
    /// The payer did not pass 3-D Secure.
    pub const AUTHENTICATION_FAILED: Code = Code(120);
    /// The original is not in a state that allows this.
    pub const NOT_ALLOWED: Code = Code(125);
    /// No such original.
    pub const ORIGINAL_NOT_FOUND: Code = Code(914);

    /// The word on the wire.
    pub fn text(self) -> String {
        format!("{:03}", self.0)
    }
}

/// An operation. Sums other than `amount` are used by authorizations only:
/// `captured + voided + released <= held` and `refunded <= captured` always hold.
pub struct Operation {
    /// The name the terminal gave it.
    pub key: Arc<str>,
    /// What it does.
    pub kind: Kind,
    /// Where it stands.
    pub status: Status,
    /// Why.
    pub code: Code,
    /// Minor units.
    pub amount: i64,
    /// The currency; `XXX` if the original is not known.
    pub currency: Currency,
    /// Digest of the request, to tell a repeat from another request under the same key.
    pub fingerprint: [u8; 16],
    /// Index of the authorization it belongs to.
    pub parent: Option<u32>,
    /// How many times the terminal sent this key.
    pub received: u32,
    /// Electronic commerce indicator; 0 while not known.
    pub eci: u8,
    /// A card check that moves nothing.
    pub verify: bool,
    /// Money is taken with the authorization.
    pub capture_at_once: bool,
    /// What the card does.
    pub behaviour: Behaviour,
    /// `411111**1111`.
    pub masked_pan: Option<[u8; 12]>,
    /// Reserved.
    pub held: i64,
    /// Taken.
    pub captured: i64,
    /// Given up by the terminal.
    pub voided: i64,
    /// Given up by a capture of less than the hold.
    pub released: i64,
    /// Given back.
    pub refunded: i64,
    /// When the bank heard of it, milliseconds since 1970.
    pub at_ms: u64,
    /// Until when the terminal is told `pending`; 0 if never.
    pub late_until_ms: u64,
    /// The 3-D Secure part, if there is one.
    pub authentication: Option<Box<Authentication>>,
}

impl Operation {
    /// What the terminal is told at a moment.
    pub fn visible_status(&self, now_ms: u64) -> Status {
        if now_ms < self.late_until_ms {
            Status::Pending
        } else {
            self.status
        }
    }

    /// Reserved and neither taken nor given up.
    pub fn open(&self) -> i64 {
        self.held - self.captured - self.voided - self.released
    }

    /// Taken and not given back.
    pub fn refundable(&self) -> i64 {
        self.captured - self.refunded
    }

    /// The masked number as text.
    pub fn masked_pan(&self) -> Option<&str> {
        self.masked_pan
            .as_ref()
            .and_then(|masked| std::str::from_utf8(masked).ok())
    }
}

/// The step that the payer is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The hidden frame.
    Method,
    /// The page with the code.
    Challenge,
    /// Behind us.
    Over,
}

/// The ACS's record of one authentication.
#[derive(Clone, Serialize, Deserialize)]
pub struct Authentication {
    /// `threeDSServerTransID`.
    pub transaction_id: Uuid,
    /// `acsTransID`.
    pub acs_transaction_id: Uuid,
    /// The step that the payer is at.
    pub step: Step,
    /// Whether a challenge follows the method step.
    pub challenge: bool,
    /// The code to type, six digits.
    pub code: u32,
    /// Wrong codes typed so far.
    pub wrong_codes: u8,
    /// What the ACS decided; the bank believes this and nothing else.
    pub passed: Option<bool>,
    /// Where the payer's browser takes `cres`.
    pub notification_url: Option<Box<str>>,
    /// Where the hidden frame reports.
    pub method_notification_url: Option<Box<str>>,
    /// Language of the page, as the browser said it.
    pub language: Option<Box<str>>,
    /// What is bought, for the page.
    pub order: Box<str>,
}
