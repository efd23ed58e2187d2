//! Capture, void, refund, cancel: what merchants do with a payment.

use altyn_domain::{
    Answer, Authentication, CancelPayment, Capture, Command, ExchangeKind, Initiator, OperationId,
    Refund, Target, Void,
};

use crate::{Engine, EngineError, Owner, crash};

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
        amount: Option<i64>,
        release_rest: bool,
    ) -> Result<Answer, EngineError> {
        let command = |operation_id| {
            let initiator = Initiator::Merchant;
            Command::Capture(Capture {
                target,
                operation_id,
                amount,
                release_rest,
                initiator,
            })
        };
        self.carry_out(owner, command, "capture.intent_committed")
            .await
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
    ) -> Result<Answer, EngineError> {
        let command = |operation_id| {
            let initiator = Initiator::Merchant;
            Command::Void(Void {
                target,
                operation_id,
                amount,
                initiator,
            })
        };
        self.carry_out(owner, command, "capture.intent_committed")
            .await
    }

    /// Gives captured money back: `amount` minor units, or all that is left. A `reference` seen before is
    /// answered with the first refund; with `expected_deposited` another captured sum is refused.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn refund(
        &self,
        owner: &Owner,
        target: Target,
        amount: Option<i64>,
        reference: Option<String>,
        expected_deposited: Option<i64>,
    ) -> Result<Answer, EngineError> {
        let command = |operation_id| {
            let initiator = Initiator::Merchant;
            Command::Refund(Refund {
                target,
                operation_id,
                amount,
                reference,
                expected_deposited,
                initiator,
            })
        };
        self.carry_out(owner, command, "refund.intent_committed")
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

    async fn carry_out(
        &self,
        owner: &Owner,
        command: impl FnOnce(OperationId) -> Command,
        committed: &'static str,
    ) -> Result<Answer, EngineError> {
        let command = command(self.new_operation_id(owner));
        let (engine, owner) = (self.clone(), owner.clone());
        self.detached(async move {
            let intent = engine.execute(&owner, command, None).await?;
            if intent.repeated {
                return Ok(intent);
            }
            crash::point(committed);
            engine
                .finish_exchange(&owner, intent, &PLAIN_EXCHANGE)
                .await
        })
        .await
    }
}
