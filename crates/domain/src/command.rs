//! Commands: everything that can change a payment. A command names its payment by id or by the
//! merchant's reference; what it means is decided by [`crate::decide`] on the loaded rows.

use serde::{Deserialize, Serialize};

use crate::{
    CardSummary, Delivery, DeliveryAttempt, IncidentKind, Money, OperationId, Order, PaymentId,
    ProjectId, ReferenceKind, Report, TimerChange, TimerKind, Timestamp, Way,
};

/// Who asked for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initiator {
    /// The payer, on the payment page.
    Payer,
    /// The merchant, by API.
    Merchant,
    /// A timer.
    Timer,
    /// A rule of ours (the return of a surplus).
    Rule,
    /// A person of the operator.
    Operator,
}

/// Names a payment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// By its id.
    Payment(PaymentId),
    /// By the merchant's reference.
    Reference {
        /// The project.
        project_id: ProjectId,
        /// The dialect in which the reference is unique.
        dialect: String,
        /// What it names.
        kind: ReferenceKind,
        /// The reference as the dialect writes it.
        key: String,
    },
}

/// Register an order to be paid.
#[derive(Debug, Clone)]
pub struct RegisterPayment {
    /// The new payment's id.
    pub id: PaymentId,
    /// The dialect it comes in.
    pub dialect: String,
    /// How the money is to be taken.
    pub way: Way,
    /// How much; zero only to verify a card.
    pub amount: Money,
    /// When it can no longer be paid.
    pub expires_at: Timestamp,
    /// When to capture by itself.
    pub auto_capture_at: Option<Timestamp>,
    /// When to void by itself.
    pub auto_void_at: Option<Timestamp>,
    /// What the merchant told.
    pub order: Order,
    /// The merchant's number of the order as the dialect compares it; it must be free.
    pub reference_key: String,
    /// How many tries are allowed; by default as the project says.
    pub tries_max: Option<u32>,
    /// A try that begins with the registration, in the same commit.
    pub first_try: Option<BeginTry>,
}

/// What a refusal by a rule of ours comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnRefusal {
    /// The caller is answered, and nothing is kept.
    #[default]
    Answer,
    /// The operation is recorded as declined and told as such.
    Record,
}

/// Begin a try to pay. The caller sends it to the gateway right after the commit.
#[derive(Debug, Clone)]
pub struct BeginTry {
    /// The payment.
    pub payment_id: PaymentId,
    /// The new operation's id.
    pub operation_id: OperationId,
    /// The payment method.
    pub method: String,
    /// The card, as far as it may be stored.
    pub card: Option<CardSummary>,
    /// Who pays.
    pub initiator: Initiator,
    /// What becomes of a try that the payment method does not take.
    pub on_refusal: OnRefusal,
    /// The part that is paid from the customer's balance, in minor units. If it is all, no gateway is asked
    /// and `method` is not looked at.
    pub from_balance: i64,
}

/// Record that an operation is about to be sent (again), or that its next step is.
#[derive(Debug, Clone)]
pub struct SendOperation {
    /// The payment.
    pub payment_id: PaymentId,
    /// The operation's number.
    pub operation: u32,
    /// Goes on after the payer did what was asked: the 3-D Secure transaction it was asked in.
    pub after_action: Option<String>,
}

/// Record what a gateway said, or that it said nothing.
#[derive(Debug, Clone)]
pub struct ReportOutcome {
    /// The payment.
    pub payment_id: PaymentId,
    /// The operation's number.
    pub operation: u32,
    /// The news.
    pub report: Report,
    /// How many status requests were made before this one; 0 if the news is no answer to one.
    pub enquiries: u32,
}

/// Take all or part of a hold. The caller sends it right after the commit.
#[derive(Debug, Clone)]
pub struct Capture {
    /// The payment.
    pub target: Target,
    /// The new operation's id.
    pub operation_id: OperationId,
    /// Minor units; `None` for all that is held.
    pub amount: Option<i64>,
    /// Whether the rest of the hold goes back to the payer.
    pub release_rest: bool,
    /// The caller's own key: a repeat is answered with the first capture.
    pub reference: Option<String>,
    /// Why, in the words of whoever asked.
    pub description: Option<String>,
    /// Who asked.
    pub initiator: Initiator,
}

/// Give up a hold. The caller sends it right after the commit.
#[derive(Debug, Clone)]
pub struct Void {
    /// The payment.
    pub target: Target,
    /// The new operation's id.
    pub operation_id: OperationId,
    /// Minor units; `None` for all that is held.
    pub amount: Option<i64>,
    /// The caller's own key: a repeat is answered with the first void.
    pub reference: Option<String>,
    /// Why, in the words of whoever asked.
    pub description: Option<String>,
    /// Who asked.
    pub initiator: Initiator,
}

/// Give captured money back. The caller sends it right after the commit.
#[derive(Debug, Clone)]
pub struct Refund {
    /// The payment.
    pub target: Target,
    /// The new operation's id.
    pub operation_id: OperationId,
    /// Minor units; `None` for all that is left.
    pub amount: Option<i64>,
    /// The merchant's own key of the refund: a repeat is answered with the first one.
    pub reference: Option<String>,
    /// Refuse unless exactly this much is captured and not given back.
    pub expected_deposited: Option<i64>,
    /// What the merchant wrote about it.
    pub description: Option<String>,
    /// Who asked.
    pub initiator: Initiator,
    /// What becomes of a refund that is too large or that the payment method cannot make.
    pub on_refusal: OnRefusal,
}

/// Give the money of a surplus try back through its gateway: from the customer's balance if it was credited
/// there, else from suspense. The caller sends it right after the commit.
#[derive(Debug, Clone)]
pub struct ReturnSurplus {
    /// The payment.
    pub payment_id: PaymentId,
    /// The number of the surplus try.
    pub surplus: u32,
    /// The new operation's id.
    pub operation_id: OperationId,
    /// Minor units; `None` for all of the surplus that is left.
    pub amount: Option<i64>,
    /// The caller's own key: a repeat is answered with the first return.
    pub reference: Option<String>,
    /// Why, in the words of whoever asked.
    pub reason: String,
    /// Who asked.
    pub initiator: Initiator,
}

/// Withdraw an unpaid payment.
#[derive(Debug, Clone)]
pub struct CancelPayment {
    /// The payment.
    pub target: Target,
}

/// A timer of the payment's own life is due: expiry, processing period, automatic capture or void.
#[derive(Debug, Clone)]
pub struct FireTimer {
    /// The payment.
    pub payment_id: PaymentId,
    /// Which timer.
    pub kind: TimerKind,
    /// Its subject: an operation's number or 0.
    pub subject: u32,
}

/// A notice of a gateway was not believed.
#[derive(Debug, Clone)]
pub struct DoubtNotice {
    /// The payment.
    pub payment_id: PaymentId,
    /// The operation's number.
    pub operation: u32,
    /// What is wrong with it.
    pub kind: IncidentKind,
    /// What was seen, for a person to read.
    pub detail: String,
}

/// A person has decided.
#[derive(Debug, Clone)]
pub struct ResolveIncident {
    /// The payment.
    pub payment_id: PaymentId,
    /// The incident's number within the payment.
    pub incident: u32,
    /// What the person found out about an operation, if that was the question.
    pub report: Option<(u32, Report)>,
    /// What the person writes about it.
    pub note: String,
}

/// Everything that can change a payment.
#[derive(Debug, Clone)]
pub enum Command {
    /// See [`RegisterPayment`].
    Register(Box<RegisterPayment>),
    /// See [`BeginTry`].
    BeginTry(BeginTry),
    /// See [`SendOperation`].
    Send(SendOperation),
    /// See [`ReportOutcome`].
    Report(ReportOutcome),
    /// See [`Capture`].
    Capture(Capture),
    /// See [`Void`].
    Void(Void),
    /// See [`Refund`].
    Refund(Refund),
    /// See [`ReturnSurplus`].
    ReturnSurplus(ReturnSurplus),
    /// See [`CancelPayment`].
    Cancel(CancelPayment),
    /// See [`FireTimer`].
    Fire(FireTimer),
    /// See [`DoubtNotice`].
    Doubt(DoubtNotice),
    /// See [`ResolveIncident`].
    Resolve(ResolveIncident),
    /// Record an attempt to deliver a callback.
    RecordDelivery {
        /// The payment.
        payment_id: PaymentId,
        /// The delivery as it stands after the attempt.
        delivery: Box<Delivery>,
        /// The attempt; `None` if the format had nothing to send.
        attempt: Option<Box<DeliveryAttempt>>,
        /// What becomes of the delivery's timer.
        timer: TimerChange,
    },
}

impl Command {
    /// The payment it concerns.
    pub fn target(&self) -> Target {
        match self {
            Self::Register(register) => Target::Payment(register.id),
            Self::BeginTry(begin) => Target::Payment(begin.payment_id),
            Self::Send(send) => Target::Payment(send.payment_id),
            Self::Report(report) => Target::Payment(report.payment_id),
            Self::Capture(capture) => capture.target.clone(),
            Self::Void(void) => void.target.clone(),
            Self::Refund(refund) => refund.target.clone(),
            Self::ReturnSurplus(back) => Target::Payment(back.payment_id),
            Self::Cancel(cancel) => cancel.target.clone(),
            Self::Fire(fire) => Target::Payment(fire.payment_id),
            Self::Doubt(doubt) => Target::Payment(doubt.payment_id),
            Self::Resolve(resolve) => Target::Payment(resolve.payment_id),
            Self::RecordDelivery { payment_id, .. } => Target::Payment(*payment_id),
        }
    }

    /// The reference that must be free, or whose owner must be known, to decide it.
    pub fn reference(&self, project_id: ProjectId) -> Option<Target> {
        let Self::Register(register) = self else {
            return None;
        };
        Some(Target::Reference {
            project_id,
            dialect: register.dialect.clone(),
            kind: ReferenceKind::Payment,
            key: register.reference_key.clone(),
        })
    }
}
