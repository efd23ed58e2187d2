//! Payments and operations as the API shows them.

use altyn_domain::{Currency, Posting, Sums};
use altyn_engine::office::{
    Abilities, DeliveryCard, EventLine, MethodName, OperationCard, PaymentCard, PaymentLine,
    VisibleError,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::amounts::Amount;
use super::incidents::IncidentShown;
use super::instant::Instant;
use super::words::{
    AccountWord, CustomerKindWord, DeclineWord, DeliveryWord, EntryWord, EventWord, InitiatorWord,
    LanguageWord, OperationKindWord, OperationStateWord, PhaseWord, StatusWord, WayWord,
};

/// What happened to the money; only finished operations count.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SumsShown {
    /// Reserved in all; a purchase counts as reserved and captured.
    pub held: Amount,
    /// Taken.
    pub captured: Amount,
    /// Reserved and given up.
    pub voided: Amount,
    /// Given back.
    pub refunded: Amount,
    /// Undone after capture.
    pub reversed: Amount,
    /// Taken back by the issuer.
    pub charged_back: Amount,
}

impl SumsShown {
    fn of(sums: Sums, currency: Currency) -> Self {
        let amount = |minor| Amount::of(minor, currency);
        Self {
            held: amount(sums.held),
            captured: amount(sums.captured),
            voided: amount(sums.voided),
            refunded: amount(sums.refunded),
            reversed: amount(sums.reversed),
            charged_back: amount(sums.charged_back),
        }
    }
}

/// A payment method.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MethodShown {
    /// Its id within the project.
    #[schema(example = "wallet")]
    pub id: String,
    /// Its name; null if it has only the usual name of its kind, or is gone.
    #[schema(example = "Wallet")]
    pub title: Option<String>,
}

impl From<MethodName> for MethodShown {
    fn from(method: MethodName) -> Self {
        Self {
            id: method.id,
            title: method.title,
        }
    }
}

/// Why a payment failed, as its payer may know. It is there only while the payment is not paid, and tells of
/// the newest failure.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ErrorShown {
    /// The reason.
    pub code: DeclineWord,
    /// The gateway's own words, if it had any.
    #[schema(example = "Not enough money on the account")]
    pub message: Option<String>,
}

impl From<VisibleError> for ErrorShown {
    fn from(error: VisibleError) -> Self {
        Self {
            code: DeclineWord(error.code),
            message: error.message,
        }
    }
}

/// A payment in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PaymentInList {
    /// Its id.
    #[schema(example = "pay_01a2008d74177eb5b0f046239439ac78")]
    pub id: String,
    /// The project.
    #[schema(example = "prj_01a2008d74177eb5b0f046239439ac78")]
    pub project_id: String,
    /// The project's name.
    #[schema(example = "Tea shop")]
    pub project_name: String,
    /// The merchant's number of the order.
    #[schema(example = "W-1001")]
    pub reference: String,
    /// What is paid for.
    pub description: Option<String>,
    /// The customer, if the project keeps balances and the merchant named one.
    #[schema(example = "cus_01a2008d74178eb5b0f046239439ac78")]
    pub customer_id: Option<String>,
    /// What the merchant calls the customer.
    #[schema(example = "c-77")]
    pub customer_reference: Option<String>,
    /// The API it was registered by.
    #[schema(example = "backoffice")]
    pub dialect: String,
    /// How the money is to be taken.
    pub way: WayWord,
    /// How much.
    pub amount: Amount,
    /// Where it stands.
    pub status: StatusWord,
    /// What happened to the money.
    pub sums: SumsShown,
    /// Whether the issuer has taken money back.
    pub charged_back: bool,
    /// The method of the try that paid, else of the newest.
    pub method: Option<MethodShown>,
    /// Why it failed.
    pub error: Option<ErrorShown>,
    /// When it was registered.
    pub created_at: Instant,
    /// When it changed last.
    pub updated_at: Instant,
    /// When it can no longer be paid.
    pub expires_at: Instant,
}

impl From<PaymentLine> for PaymentInList {
    fn from(line: PaymentLine) -> Self {
        Self {
            id: line.id.to_string(),
            project_id: line.project_id.to_string(),
            project_name: line.project_name,
            reference: line.reference,
            description: line.description,
            customer_id: line.customer_id.map(|id| id.to_string()),
            customer_reference: line.customer_reference,
            dialect: line.dialect,
            way: WayWord(line.way),
            amount: line.amount.into(),
            status: StatusWord(line.status),
            sums: SumsShown::of(line.sums, line.amount.currency()),
            charged_back: line.charged_back,
            method: line.method.map(MethodShown::from),
            error: line.error.map(ErrorShown::from),
            created_at: Instant(line.created_at),
            updated_at: Instant(line.updated_at),
            expires_at: Instant(line.expires_at),
        }
    }
}

/// A card as it may be seen.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CardShown {
    /// The number, masked.
    #[schema(example = "411111**1111")]
    pub masked: String,
    /// The payment system; empty if it is not known.
    #[schema(example = "Visa")]
    pub brand: String,
}

/// Why an operation failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OperationErrorShown {
    /// The reason.
    pub code: DeclineWord,
    /// The gateway's own words.
    pub message: Option<String>,
    /// The gateway's own code.
    #[schema(example = "51")]
    pub gateway_code: Option<String>,
}

/// One step of a payment that reserves or moves money.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OperationShown {
    /// Its id, which the gateway knows too.
    #[schema(example = "opr_01a2008d74177eb5b0f046239439ac78")]
    pub id: String,
    /// Its place within the payment, from 1.
    pub number: u32,
    /// What it does.
    pub kind: OperationKindWord,
    /// Where it stands.
    pub state: OperationStateWord,
    /// How much.
    pub amount: Amount,
    /// The part of it that moves on the customer's balance.
    pub on_balance: Amount,
    /// The number of the operation that it follows.
    pub parent: Option<u32>,
    /// The key that whoever asked gave it.
    pub reference: Option<String>,
    /// Why, in the words of whoever asked.
    pub description: Option<String>,
    /// The method that carries it out.
    pub method: MethodShown,
    /// Who asked.
    pub initiator: InitiatorWord,
    /// Whether it is a success that the payment did not need, or gives one back.
    pub surplus: bool,
    /// With `surplus`: whether its money stands on the customer's balance, or leaves from there.
    pub credited: bool,
    /// Of a surplus: how much of it can be given back.
    pub surplus_left: Option<Amount>,
    /// Whether the payment no longer waits for it.
    pub period_over: bool,
    /// Whether the payer must do something.
    pub waits_for_payer: bool,
    /// The card it was paid with.
    pub card: Option<CardShown>,
    /// Why it failed.
    pub error: Option<OperationErrorShown>,
    /// The gateway's own id of it.
    pub connector_reference: Option<String>,
    /// The issuer's authorization code.
    pub approval_code: Option<String>,
    /// Retrieval reference number.
    pub rrn: Option<String>,
    /// When it was decided.
    pub created_at: Instant,
    /// When it was sent last.
    pub sent_at: Option<Instant>,
    /// When its end became known.
    pub finished_at: Option<Instant>,
}

impl OperationShown {
    pub(super) fn of(operation: OperationCard, currency: Currency) -> Self {
        let amount = |minor| Amount::of(minor, currency);
        Self {
            id: operation.id.to_string(),
            number: operation.number,
            kind: OperationKindWord(operation.kind),
            state: OperationStateWord(operation.state),
            amount: amount(operation.amount),
            on_balance: amount(operation.on_balance),
            parent: operation.parent,
            reference: operation.reference,
            description: operation.description,
            method: operation.method.into(),
            initiator: InitiatorWord(operation.initiator),
            surplus: operation.surplus,
            credited: operation.credited,
            surplus_left: operation.surplus_left.map(amount),
            period_over: operation.period_over,
            waits_for_payer: operation.waits_for_payer,
            card: operation.card.map(|card| CardShown {
                masked: card.masked,
                brand: card.brand.name().to_owned(),
            }),
            error: operation.error.map(|error| OperationErrorShown {
                code: DeclineWord(error.code),
                message: error.message,
                gateway_code: error.gateway_code,
            }),
            connector_reference: operation.connector_reference,
            approval_code: operation.approval_code,
            rrn: operation.rrn,
            created_at: Instant(operation.created_at),
            sent_at: operation.sent_at.map(Instant),
            finished_at: operation.finished_at.map(Instant),
        }
    }
}

/// A surplus that can be given back.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SurplusShown {
    /// The operation's number.
    pub operation: u32,
    /// How much is left of it.
    pub left: Amount,
}

/// What the caller can do with a payment now, as far as is known here; a request may still be refused.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AbilitiesShown {
    /// How much can be refunded.
    pub refundable: Amount,
    /// Whether only all of it at once can be.
    pub refund_whole_only: bool,
    /// How much can be captured.
    pub capturable: Amount,
    /// How much of the hold can be given up.
    pub voidable: Amount,
    /// Whether it can be withdrawn.
    pub cancellable: bool,
    /// Whether a try to pay can be begun.
    pub payable: bool,
    /// How much of it the customer's balance can pay.
    pub payable_from_balance: Amount,
    /// The surpluses that can be given back.
    pub surplus_returns: Vec<SurplusShown>,
}

impl AbilitiesShown {
    fn of(able: Abilities, currency: Currency) -> Self {
        let amount = |minor| Amount::of(minor, currency);
        let surplus = |(operation, left)| SurplusShown {
            operation,
            left: amount(left),
        };
        Self {
            refundable: amount(able.refundable),
            refund_whole_only: able.refund_whole_only,
            capturable: amount(able.capturable),
            voidable: amount(able.voidable),
            cancellable: able.cancellable,
            payable: able.payable,
            payable_from_balance: amount(able.payable_from_balance),
            surplus_returns: able.surplus_returns.into_iter().map(surplus).collect(),
        }
    }
}

/// The payer, as the merchant knows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PayerShown {
    /// What the merchant calls the payer.
    pub id: Option<String>,
    /// `individual` or `company`.
    pub kind: Option<CustomerKindWord>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// Whole name.
    pub name: Option<String>,
    /// Country, two capital letters.
    pub country: Option<String>,
    /// Postal address.
    pub post_address: Option<String>,
}

/// One payment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PaymentShown {
    /// What lists show of it.
    #[serde(flatten)]
    pub payment: PaymentInList,
    /// The payer.
    pub payer: PayerShown,
    /// The language of the payer's page.
    pub language: LanguageWord,
    /// Where the payer goes afterwards.
    pub return_url: Option<String>,
    /// When it ended unpaid.
    pub ended_at: Option<Instant>,
    /// The number of the try that paid.
    pub completed_by: Option<u32>,
    /// How many tries are allowed.
    pub tries_max: u32,
    /// How many tries are left.
    pub tries_left: u32,
    /// When it is captured by itself.
    pub auto_capture_at: Option<Instant>,
    /// When its hold is given up by itself.
    pub auto_void_at: Option<Instant>,
    /// All operations by number; a customer sees none.
    pub operations: Vec<OperationShown>,
    /// What the caller can do now.
    pub can: AbilitiesShown,
    /// Where the payer pays, as long as it is open.
    #[schema(example = "https://pay.altyn.example/checkout/01a2008d-7417-7eb5-b0f0-46239439ac78")]
    pub pay_url: Option<String>,
    /// What a person must look at, if the caller may see it.
    pub incidents: Vec<IncidentShown>,
    /// How many of them are open; null if the caller may not see them.
    pub incidents_open: Option<u32>,
}

impl From<PaymentCard> for PaymentShown {
    fn from(card: PaymentCard) -> Self {
        let currency = card.line.amount.currency();
        let payer = card.order.customer.clone();
        let operations = card.operations.into_iter();
        Self {
            payer: PayerShown {
                id: payer.id,
                kind: payer.kind.map(CustomerKindWord),
                email: payer.email,
                phone: payer.phone,
                name: payer.name,
                country: payer.country,
                post_address: payer.post_address,
            },
            language: LanguageWord(card.order.language),
            return_url: card.order.return_url.clone(),
            ended_at: card.end.map(|end| Instant(end.at)),
            completed_by: card.completed_by,
            tries_max: card.tries_max,
            tries_left: card.tries_left,
            auto_capture_at: card.auto_capture_at.map(Instant),
            auto_void_at: card.auto_void_at.map(Instant),
            operations: operations
                .map(|operation| OperationShown::of(operation, currency))
                .collect(),
            can: AbilitiesShown::of(card.abilities, currency),
            pay_url: card.pay_url,
            incidents_open: card.incidents_open,
            incidents: card
                .incidents
                .into_iter()
                .map(IncidentShown::from)
                .collect(),
            payment: card.line.into(),
        }
    }
}

/// Something that happened to a payment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventShown {
    /// Its number within the payment, from 1.
    pub number: u32,
    /// What happened.
    pub kind: EventWord,
    /// The number of the operation it is about.
    pub operation: Option<u32>,
    /// When.
    pub at: Instant,
    /// Where the payment stood then.
    pub status: StatusWord,
    /// What had happened to the money by then.
    pub sums: SumsShown,
}

impl From<EventLine> for EventShown {
    fn from(event: EventLine) -> Self {
        Self {
            number: event.number,
            kind: EventWord(event.kind),
            operation: event.operation,
            at: Instant(event.at),
            status: StatusWord(event.status),
            sums: SumsShown::of(event.sums, event.currency),
        }
    }
}

/// One attempt to deliver a callback.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AttemptShown {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// When it began.
    pub at: Instant,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// The status of the receiver's answer.
    #[schema(example = 200)]
    pub status: Option<u16>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// The first kilobyte of the answer.
    pub answer: String,
}

/// A callback to the merchant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeliveryShown {
    /// Its number within the payment, from 1.
    pub number: u32,
    /// The number of the event that it tells.
    pub event: u32,
    /// The endpoint's name within the project.
    pub endpoint: String,
    /// Where it goes.
    pub url: String,
    /// `waiting`: not delivered yet; `delivered`; `failed`: given up.
    pub state: DeliveryWord,
    /// The attempts, oldest first.
    pub attempts: Vec<AttemptShown>,
}

impl From<DeliveryCard> for DeliveryShown {
    fn from(card: DeliveryCard) -> Self {
        let attempts = card.attempts.into_iter();
        Self {
            number: card.delivery.number,
            event: card.delivery.event,
            endpoint: card.delivery.endpoint,
            url: card.delivery.url,
            state: DeliveryWord(card.delivery.state),
            attempts: attempts
                .map(|attempt| AttemptShown {
                    attempt: attempt.attempt,
                    at: Instant(attempt.at),
                    duration_ms: attempt.duration_ms,
                    status: attempt.status,
                    error: attempt.error,
                    answer: attempt.answer,
                })
                .collect(),
        }
    }
}

/// One movement in the ledger.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "number": 1, "operation": 1, "entry": "sale", "phase": "posted", "settles": null,
    "debit": "connector_clearing", "credit": "merchant_payable",
    "amount": {"amount": 1250000, "currency": "KZT", "decimal": "12500.00"},
    "customer_id": null, "at": "2026-11-22T09:30:00Z"
}))]
pub struct PostingShown {
    /// Its number within the payment, from 1.
    pub number: u32,
    /// The number of the operation that caused it.
    pub operation: u32,
    /// Why.
    pub entry: EntryWord,
    /// `pending`: reserves; `posted`: moves; `released`: gives up a reservation.
    pub phase: PhaseWord,
    /// The number of the pending posting that it settles in part or in full.
    pub settles: Option<u32>,
    /// The account that receives.
    pub debit: AccountWord,
    /// The account that gives.
    pub credit: AccountWord,
    /// How much.
    pub amount: Amount,
    /// Whose balance, if one of the accounts is `customer_balance`.
    pub customer_id: Option<String>,
    /// When.
    pub at: Instant,
}

impl From<Posting> for PostingShown {
    fn from(posting: Posting) -> Self {
        Self {
            number: posting.number,
            operation: posting.operation,
            entry: EntryWord(posting.entry),
            phase: PhaseWord(posting.phase),
            settles: posting.settles,
            debit: AccountWord(posting.debit),
            credit: AccountWord(posting.credit),
            amount: Amount::of(posting.amount, posting.currency),
            customer_id: posting.customer_id.map(|id| id.to_string()),
            at: Instant(posting.at),
        }
    }
}
