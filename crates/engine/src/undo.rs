//! Capture, void, refund, cancel: what merchants do with a payment.

use altyn_domain::{
    Answer, Authentication, CancelPayment, Capture, Command, DeclineCode, ExchangeKind, Initiator,
    OnRefusal, PaymentId, Refund, Refusal, ReturnSurplus, Target, Void,
};

use crate::{Engine, EngineError, Owner, Wait};

/// A capture to be made.
#[derive(Debug, Clone, Copy)]
pub struct CaptureRequest {
    /// Minor units; `None` for all that is held.
    pub amount: Option<i64>,
    /// Whether the rest of the hold goes back to the payer.
    pub release_rest: bool,
}

/// A refund to be made.
#[derive(Debug, Clone, Default)]
pub struct RefundRequest {
    /// Minor units; `None` for all that is left.
    pub amount: Option<i64>,
    /// The merchant's own key of the refund.
    pub reference: Option<String>,
    /// Refuse unless exactly this much is captured and not given back.
    pub expected_deposited: Option<i64>,
    /// What the merchant wrote about it.
    pub description: Option<String>,
    /// What becomes of a refund that is too large or that the payment method cannot make.
    pub on_refusal: OnRefusal,
}

/// A surplus to be given back.
#[derive(Debug, Clone)]
pub struct SurplusReturn {
    /// The number of the surplus try.
    pub surplus: u32,
    /// Minor units; `None` for all of the surplus that is left.
    pub amount: Option<i64>,
    /// The caller's own key: a repeat is answered with the first return.
    pub reference: Option<String>,
    /// Why.
    pub reason: String,
}

/// Who asks, and under which key.
#[derive(Debug, Clone)]
pub(crate) struct AskedBy {
    /// Who asks.
    pub initiator: Initiator,
    /// The caller's own key of the operation: a repeat is answered with the first one.
    pub reference: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl AskedBy {
    /// The merchant, by an API that has no such key.
    const MERCHANT: Self = Self {
        initiator: Initiator::Merchant,
        reference: None,
        reason: None,
    };
}

/// An exchange without card or browser.
pub(crate) const PLAIN_EXCHANGE: ExchangeKind = ExchangeKind::Begin {
    card: None,
    browser: None,
    authentication: Authentication::Default,
};

impl Engine {
    /// Captures `amount` minor units of a hold (`None`: all of it). With `release_rest` the rest goes back to
    /// the payer. The answer shows the capture: succeeded, declined, or still open.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn capture(
        &self,
        owner: &Owner,
        target: Target,
        wanted: CaptureRequest,
        wait: Wait,
    ) -> Result<Answer, EngineError> {
        self.capture_by(owner, target, wanted, AskedBy::MERCHANT, wait)
            .await
    }

    /// As [`capture`](Self::capture), for whoever asks.
    pub(crate) async fn capture_by(
        &self,
        owner: &Owner,
        target: Target,
        wanted: CaptureRequest,
        by: AskedBy,
        wait: Wait,
    ) -> Result<Answer, EngineError> {
        if !wanted.release_rest {
            self.keeps_rest(owner, &target, wanted.amount).await?;
        }
        let command = Command::Capture(Capture {
            target,
            operation_id: self.new_operation_id(owner),
            amount: wanted.amount,
            release_rest: wanted.release_rest,
            reference: by.reference,
            description: by.reason,
            initiator: by.initiator,
        });
        let committed = "capture.intent_committed";
        self.carry_out(owner, wait, committed, command, |_| PLAIN_EXCHANGE)
            .await
    }

    /// Refuses to leave a rest with a gateway that would give it back: we would count as reserved what is not.
    async fn keeps_rest(
        &self,
        owner: &Owner,
        target: &Target,
        amount: Option<i64>,
    ) -> Result<(), EngineError> {
        let Some(amount) = amount else { return Ok(()) };
        let found = match target {
            Target::Payment(id) => self.payment(owner, *id).await?,
            Target::Reference { dialect, key, .. } => {
                self.payment_by_reference(owner, dialect, key).await?
            }
        };
        // A payment that is not there is refused where all are.
        let Some(payment) = found else { return Ok(()) };
        let connector = payment
            .winner()
            .and_then(|winner| self.method_and_connector(owner, winner));
        let gives_back = connector.is_some_and(|(_, connector)| !connector.keeps_rest());
        if gives_back && amount < payment.uncaptured() {
            let code = DeclineCode::OperationNotAllowed;
            return Err(Refusal::MethodCannot(code).into());
        }
        Ok(())
    }

    /// Gives up `amount` minor units of a hold (`None`: all of it).
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn void(
        &self,
        owner: &Owner,
        target: Target,
        amount: Option<i64>,
        wait: Wait,
    ) -> Result<Answer, EngineError> {
        self.void_by(owner, target, amount, AskedBy::MERCHANT, wait)
            .await
    }

    /// As [`void`](Self::void), for whoever asks.
    pub(crate) async fn void_by(
        &self,
        owner: &Owner,
        target: Target,
        amount: Option<i64>,
        by: AskedBy,
        wait: Wait,
    ) -> Result<Answer, EngineError> {
        let command = Command::Void(Void {
            target,
            operation_id: self.new_operation_id(owner),
            amount,
            reference: by.reference,
            description: by.reason,
            initiator: by.initiator,
        });
        let committed = "capture.intent_committed";
        self.carry_out(owner, wait, committed, command, |_| PLAIN_EXCHANGE)
            .await
    }

    /// Gives captured money back. A `reference` seen before is answered with the first refund.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn refund(
        &self,
        owner: &Owner,
        target: Target,
        wanted: RefundRequest,
        wait: Wait,
    ) -> Result<Answer, EngineError> {
        self.refund_by(owner, target, wanted, Initiator::Merchant, wait)
            .await
    }

    /// As [`refund`](Self::refund), for whoever asks.
    pub(crate) async fn refund_by(
        &self,
        owner: &Owner,
        target: Target,
        wanted: RefundRequest,
        initiator: Initiator,
        wait: Wait,
    ) -> Result<Answer, EngineError> {
        let command = Command::Refund(Refund {
            target,
            operation_id: self.new_operation_id(owner),
            amount: wanted.amount,
            reference: wanted.reference,
            expected_deposited: wanted.expected_deposited,
            description: wanted.description,
            initiator,
            on_refusal: wanted.on_refusal,
        });
        let committed = "refund.intent_committed";
        self.carry_out(owner, wait, committed, command, |_| PLAIN_EXCHANGE)
            .await
    }

    /// Gives the money of a surplus try back through its gateway, from the customer's balance or from
    /// suspense, wherever it stands.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn return_surplus(
        &self,
        owner: &Owner,
        payment_id: PaymentId,
        wanted: SurplusReturn,
        wait: Wait,
    ) -> Result<Answer, EngineError> {
        self.only(owner, payment_id)?;
        let command = Command::ReturnSurplus(ReturnSurplus {
            payment_id,
            surplus: wanted.surplus,
            operation_id: self.new_operation_id(owner),
            amount: wanted.amount,
            reference: wanted.reference,
            reason: wanted.reason,
            initiator: Initiator::Operator,
        });
        let committed = "refund.intent_committed";
        self.carry_out(owner, wait, committed, command, |_| PLAIN_EXCHANGE)
            .await
    }

    /// Withdraws an unpaid payment.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn cancel(&self, owner: &Owner, target: Target) -> Result<Answer, EngineError> {
        self.execute(owner, Command::Cancel(CancelPayment { target }), None)
            .await
    }
}
