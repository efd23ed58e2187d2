//! The things in the partner's book: orders, payments, refunds, notices and what tests plan.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The only currency of the partner.
pub const CURRENCY: &str = "INR";

/// Which of its two APIs an order came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generation {
    /// Form-encoded, credentials in the body.
    First,
    /// JSON, credentials in headers.
    Second,
}

/// Who pays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// The merchant's name for the payer; generation 2 only.
    pub id: String,
    /// Name of the payer, if told.
    pub name: Option<String>,
    /// E-mail address of the payer, if told.
    pub email: Option<String>,
    /// Phone number; its end may decide payments unattended.
    pub phone: String,
}

/// How far the merchant has got with ending an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Termination {
    /// Not asked for.
    None,
    /// Asked for while a payment was running.
    Requested,
    /// No payment can be made any more.
    Done,
}

/// What an order is told to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderStatus {
    /// Waits for a payment.
    Active,
    /// Has a successful payment.
    Paid,
    /// Its limit passed without one.
    Expired,
    /// The merchant ended it.
    Terminated,
    /// The merchant ended it while a payment was running.
    TerminationRequested,
}

impl OrderStatus {
    /// The word on the wire of both generations.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Paid => "PAID",
            Self::Expired => "EXPIRED",
            Self::Terminated => "TERMINATED",
            Self::TerminationRequested => "TERMINATION_REQUESTED",
        }
    }
}

/// What a merchant asks for when an order is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderWish {
    /// The merchant's name for it.
    pub id: String,
    /// Which API asked.
    pub generation: Generation,
    /// Of generation 2: the date that the caller named.
    pub version: String,
    /// Paise.
    pub amount: i64,
    /// For the payer.
    pub note: Option<String>,
    /// Returned as they came.
    pub tags: BTreeMap<String, String>,
    /// Who pays.
    pub customer: Customer,
    /// Where the browser goes afterwards.
    pub return_url: Option<String>,
    /// Where notices go.
    pub notify_url: Option<String>,
    /// Comma list of what the payer may use; generation 2 only.
    pub payment_methods: Option<String>,
    /// When no payment can begin or succeed any more.
    pub expires_ms: u64,
    /// Name of the order in its link (generation 1) or of its session (generation 2).
    pub token: String,
}

/// One order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// Its place in the book.
    pub index: usize,
    /// The partner's own number.
    pub partner_id: u64,
    /// What the merchant asked for.
    #[serde(flatten)]
    pub wish: OrderWish,
    /// When it was made.
    pub created_ms: u64,
    /// Whether the merchant ended it.
    pub termination: Termination,
    /// What the next decision of the payer shall bring along.
    pub plan: Option<Plan>,
    /// Its payments, oldest first.
    #[serde(skip)]
    pub payments: Vec<usize>,
    /// Its refunds, oldest first.
    #[serde(skip)]
    pub refunds: Vec<usize>,
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// The payer has not decided.
    NotAttempted,
    /// The wallet has it and has not answered.
    Pending,
    /// Paid, and held by risk control.
    Flagged,
    /// Paid.
    Success,
    /// Refused.
    Failed,
    /// The payer went away.
    UserDropped,
    /// Given back to the payer at once.
    Cancelled,
}

impl PaymentStatus {
    /// Whether it may still become something else.
    pub fn is_running(self) -> bool {
        match self {
            Self::NotAttempted | Self::Pending | Self::Flagged => true,
            Self::Success | Self::Failed | Self::UserDropped | Self::Cancelled => false,
        }
    }

    /// `txStatus` of generation 1.
    pub fn first_word(self) -> &'static str {
        match self {
            Self::NotAttempted => "INCOMPLETE",
            Self::Pending => "PENDING",
            Self::Flagged => "FLAGGED",
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
            Self::UserDropped => "USER_DROPPED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// `payment_status` of generation 2, which has no word for what risk control holds.
    pub fn second_word(self) -> &'static str {
        match self {
            Self::NotAttempted => "NOT_ATTEMPTED",
            Self::Pending | Self::Flagged => "PENDING",
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
            Self::UserDropped => "USER_DROPPED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// What the payer and the merchant are told in words.
    pub fn message(self) -> &'static str {
        match self {
            Self::NotAttempted => "Transaction not attempted",
            Self::Pending => "Transaction is pending at the wallet",
            Self::Flagged => "Transaction is held by risk control",
            Self::Success => "Transaction Successful",
            Self::Failed => "Transaction failed",
            Self::UserDropped => "The customer did not complete the payment",
            Self::Cancelled => "Transaction cancelled, the money goes back to the customer",
        }
    }
}

/// One attempt to pay an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Payment {
    /// Its place in the book.
    pub index: usize,
    /// Nine digits: `referenceId`, `cf_payment_id`.
    pub id: u64,
    /// Its order.
    pub order: usize,
    /// Name in its link; generation 2 only.
    pub token: Option<String>,
    /// The wallet.
    pub provider: String,
    /// The phone the wallet belongs to.
    pub phone: String,
    /// Where it stands.
    pub status: PaymentStatus,
    /// Paise.
    pub amount: i64,
    /// INR, unless a test says otherwise.
    pub currency: String,
    /// When it began.
    pub started_ms: u64,
    /// When it was decided.
    pub ended_ms: Option<u64>,
    /// Why it failed, such as `ISSUER_NOT_AVAILABLE`.
    pub error_code: Option<String>,
    /// Whether the limit of its order ended it, and not the payer.
    pub stopped: bool,
    /// Paise given back or on their way back; never above `amount`.
    pub refunded: i64,
}

impl Payment {
    /// The wallet's own reference.
    pub fn bank_reference(&self) -> Option<String> {
        (self.status == PaymentStatus::Success || self.status == PaymentStatus::Cancelled)
            .then(|| reference(self.id))
    }
}

/// Twelve digits that look drawn and are always the same for one id.
pub fn reference(id: u64) -> String {
    format!(
        "{:012}",
        id.wrapping_mul(7_654_321).wrapping_add(1_234_567) % 1_000_000_000_000
    )
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefundStatus {
    /// In work.
    Pending,
    /// Waits for money of the merchant.
    #[serde(rename = "ONHOLD")]
    OnHold,
    /// The payer has the money.
    Success,
    /// Given up after several tries.
    Cancelled,
    /// Refused.
    Failed,
}

impl RefundStatus {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::OnHold => "ONHOLD",
            Self::Success => "SUCCESS",
            Self::Cancelled => "CANCELLED",
            Self::Failed => "FAILED",
        }
    }

    /// Whether nothing more happens to it.
    pub fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::OnHold => false,
            Self::Success | Self::Cancelled | Self::Failed => true,
        }
    }

    /// What the merchant is told in words.
    pub fn message(self) -> &'static str {
        match self {
            Self::Pending => "Refund is in process",
            Self::OnHold => "Refund is on hold because the merchant's balance is low",
            Self::Success => "Refund processed successfully",
            Self::Cancelled => "Refund was cancelled after several attempts",
            Self::Failed => "Refund failed",
        }
    }
}

/// Who wanted a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefundKind {
    /// The merchant.
    MerchantInitiated,
    /// The partner, because the success came too late.
    PaymentAutoRefund,
}

impl RefundKind {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::MerchantInitiated => "MERCHANT_INITIATED",
            Self::PaymentAutoRefund => "PAYMENT_AUTO_REFUND",
        }
    }
}

/// What a merchant asks for when money goes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundWish {
    /// The merchant's name for it; generation 1 may leave it out.
    pub merchant_id: Option<String>,
    /// Paise.
    pub amount: i64,
    /// Decides the outcome.
    pub note: Option<String>,
    /// `STANDARD` or `INSTANT`.
    pub speed: String,
}

/// One refund.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refund {
    /// Its place in the book.
    pub index: usize,
    /// Seven digits: `refundId`, `cf_refund_id`.
    pub id: u64,
    /// Its payment.
    pub payment: usize,
    /// Its order.
    pub order: usize,
    /// What was asked for.
    #[serde(flatten)]
    pub wish: RefundWish,
    /// Who wanted it.
    pub kind: RefundKind,
    /// Where it stands.
    pub status: RefundStatus,
    /// When it was asked for.
    pub created_ms: u64,
    /// When it became final.
    pub ended_ms: Option<u64>,
    /// When it succeeds by itself.
    pub due_ms: Option<u64>,
}

impl Refund {
    /// The bank's reference of a refund that was done.
    pub fn arn(&self) -> Option<String> {
        (self.status == RefundStatus::Success).then(|| reference(self.id))
    }
}

/// What a test wants of a decision and of the notice about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// Collect this instead of the order's amount, in rupees: `149.00`.
    pub amount: Option<String>,
    /// Collect in another currency.
    pub currency: Option<String>,
    /// Whether a notice is sent at all.
    pub notify: bool,
    /// How many more times it is sent.
    pub duplicate: u32,
    /// Whether its signature is wrong.
    pub bad_signature: bool,
    /// The order it names instead of its own.
    pub other_order: Option<String>,
    /// Let a success after the limit, or a second one, stand.
    pub late: bool,
    /// True: the browser goes back only after the first attempt of the notice. False: the notice
    /// goes one pause later. Absent: both at once.
    pub before_return: Option<bool>,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            amount: None,
            currency: None,
            notify: true,
            duplicate: 0,
            bad_signature: false,
            other_order: None,
            late: false,
            before_return: None,
        }
    }
}

/// What is decided about a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Paid.
    Success,
    /// Refused.
    Failed,
    /// The payer went away.
    UserDropped,
    /// The wallet thinks about it.
    Pending,
    /// Held by risk control.
    Flagged,
}

/// One attempt to deliver a notice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// When.
    pub at_ms: u64,
    /// The status of the answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// Why there was none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// How far the delivery of a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// To be tried, or tried again.
    Waiting,
    /// Answered with 2xx.
    Delivered,
    /// All tries failed.
    GivenUp,
}

impl Delivery {
    /// The word in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }
}

/// The body of a notice, not signed yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// The values of generation 1, in the order in which they are signed.
    Form(Vec<String>),
    /// The JSON of generation 2.
    Json(String),
    /// Delivered or given up: not kept in memory.
    Gone,
}

/// A message to the merchant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// Its place in the book.
    pub index: usize,
    /// The order it is about, whatever it says.
    pub order: usize,
    /// Its type; for generation 1 the `txStatus` it tells.
    pub event: String,
    /// Where it goes.
    pub url: String,
    /// What it says.
    pub body: Body,
    /// `x-webhook-version`.
    pub version: String,
    /// What `x-idempotency-key` is made of: the same for every copy of one notice.
    pub subject: String,
    /// Whether its signature is wrong on purpose.
    pub bad_signature: bool,
    /// How far the delivery is.
    pub delivery: Delivery,
    /// When it is tried next; nothing while it is under way and when it is over.
    pub due_ms: Option<u64>,
    /// The tries so far.
    pub attempts: Vec<Attempt>,
}
