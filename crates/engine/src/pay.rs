//! Paying by card: intent → gateway → outcome, and the payer's steps of 3-D Secure in between.

use std::time::Duration;

use altyn_domain::{
    Answer, Authentication, BeginTry, BrowserFacts, CardDetails, Command, ExchangeKind, Initiator,
    PayerAction, PaymentId, Refusal, ReportOutcome, SendOperation,
};

use tracing::error;

use crate::{Engine, EngineError, Owner, crash};

/// How often an outcome is tried to be recorded, and the pause between two tries.
const RECORDS_MAX: u32 = 10;
const RECORD_PAUSE: Duration = Duration::from_millis(100);

/// A card to pay with.
#[derive(Debug, Clone)]
pub struct CardPayment {
    /// The payment.
    pub payment_id: PaymentId,
    /// The card; lives as long as the exchange.
    pub card: CardDetails,
    /// The payer's browser, if the payer is at our page.
    pub browser: Option<BrowserFacts>,
    /// Who pays.
    pub initiator: Initiator,
}

/// What the payer's browser brought back.
#[derive(Debug, Clone)]
pub enum PayerStep {
    /// The hidden frame of 3-D Secure ended: `Y` done, `N` no answer, `U` not tried.
    DeviceChecked {
        /// `Y`, `N` or `U`.
        indicator: char,
    },
    /// The issuer's page came back with this `cres`.
    Challenged {
        /// The field as it was posted.
        cres: String,
    },
}

impl Engine {
    /// Tries to pay by card. The answer shows the try: succeeded, declined, waiting for the payer or for
    /// the gateway.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn pay_by_card(
        &self,
        owner: &Owner,
        payment: CardPayment,
    ) -> Result<Answer, EngineError> {
        let (engine, owner) = (self.clone(), owner.clone());
        self.detached(async move { engine.pay_to_the_end(&owner, payment).await })
            .await
    }

    async fn pay_to_the_end(
        &self,
        owner: &Owner,
        wanted: CardPayment,
    ) -> Result<Answer, EngineError> {
        self.only(owner, wanted.payment_id)?;
        let method = owner
            .project()
            .settings
            .methods
            .first()
            .ok_or(Refusal::MethodUnavailable)?;
        let begin = BeginTry {
            payment_id: wanted.payment_id,
            operation_id: self.new_operation_id(owner),
            method: method.id.clone(),
            card: Some(wanted.card.summary()),
            initiator: wanted.initiator,
        };
        let intent = self.execute(owner, Command::BeginTry(begin), None).await?;
        crash::point("pay.intent_committed");
        let features = intent.payment.order.features;
        let authentication = match (features.force_authentication, features.skip_authentication) {
            (true, _) => Authentication::Force,
            (false, true) => Authentication::Skip,
            (false, false) => Authentication::Default,
        };
        let kind = ExchangeKind::Begin {
            card: Some(wanted.card),
            browser: wanted.browser,
            authentication,
        };
        self.finish_exchange(owner, intent, &kind).await
    }

    /// Goes on with a try after the payer did what the gateway asked for. A step that was taken before, or
    /// was not asked for, is refused.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn continue_payment(
        &self,
        owner: &Owner,
        payment_id: PaymentId,
        transaction_id: String,
        step: PayerStep,
    ) -> Result<Answer, EngineError> {
        let (engine, owner) = (self.clone(), owner.clone());
        self.detached(async move {
            engine.only(&owner, payment_id)?;
            let payment = engine
                .payment(&owner, payment_id)
                .await?
                .ok_or(Refusal::PaymentNotFound)?;
            let waiting = payment.tries().find(|attempt| {
                attempt
                    .action
                    .as_ref()
                    .is_some_and(|action| fits(action, &transaction_id, &step))
            });
            let operation = waiting.ok_or(Refusal::StepNotExpected)?.number;
            let send = SendOperation {
                payment_id,
                operation,
                after_action: Some(transaction_id),
            };
            let intent = engine.execute(&owner, Command::Send(send), None).await?;
            let kind = match step {
                PayerStep::DeviceChecked { indicator } => ExchangeKind::DeviceChecked { indicator },
                PayerStep::Challenged { cres } => ExchangeKind::Challenged { cres },
            };
            engine.finish_exchange(&owner, intent, &kind).await
        })
        .await
    }

    /// The network call of an intent that is on disk, and the record of its outcome.
    pub(crate) async fn finish_exchange(
        &self,
        owner: &Owner,
        intent: Answer,
        kind: &ExchangeKind,
    ) -> Result<Answer, EngineError> {
        let payment = &intent.payment;
        let operation = intent.operation.ok_or(Refusal::SubjectNotFound)?;
        let points = crash_points(&intent);
        let report = self.exchange(owner, payment, operation, kind).await;
        crash::point(points.0);
        let news = ReportOutcome {
            payment_id: payment.id,
            operation,
            report,
            enquiries: 0,
        };
        let answer = self.record_outcome(owner, news).await;
        crash::point(points.1);
        match answer {
            Ok(answer) => Ok(answer),
            Err(EngineError::Refused(refusal)) => Err(refusal.into()),
            Err(failure) => {
                // What is on disk is the intent, and the operation's timer will ask the gateway. The caller
                // hears exactly that: still open; never "try again", for money may have moved.
                error!(payment.id = %intent.payment.id, error = %failure, "an outcome was not recorded");
                Ok(intent)
            }
        }
    }

    /// Records what the gateway said; a database that is busy or away is given a little time.
    async fn record_outcome(
        &self,
        owner: &Owner,
        news: ReportOutcome,
    ) -> Result<Answer, EngineError> {
        let mut attempt = 1;
        loop {
            match self
                .execute(owner, Command::Report(news.clone()), None)
                .await
            {
                Err(EngineError::Busy | EngineError::Unavailable(_)) if attempt < RECORDS_MAX => {
                    attempt += 1;
                    tokio::time::sleep(RECORD_PAUSE).await;
                }
                answer => return answer,
            }
        }
    }

    /// A capability opens its one payment and no other.
    pub(crate) fn only(&self, owner: &Owner, payment: PaymentId) -> Result<(), EngineError> {
        match owner.only_payment {
            Some(only) if only != payment => Err(Refusal::PaymentNotFound.into()),
            Some(_) | None => Ok(()),
        }
    }
}

fn crash_points(intent: &Answer) -> (&'static str, &'static str) {
    use altyn_domain::OperationKind as K;
    match intent.operation().map(|operation| operation.kind) {
        Some(K::Capture | K::Void) => ("capture.answered", "capture.outcome_committed"),
        Some(K::Refund | K::Reversal | K::Chargeback | K::Payout) => {
            ("refund.answered", "refund.outcome_committed")
        }
        Some(K::Sale | K::Auth | K::Verify) | None => ("pay.answered", "pay.outcome_committed"),
    }
}

fn fits(action: &PayerAction, transaction: &str, step: &PayerStep) -> bool {
    match (action, step) {
        (PayerAction::DeviceCheck { transaction_id, .. }, PayerStep::DeviceChecked { .. })
        | (PayerAction::Challenge { transaction_id, .. }, PayerStep::Challenged { .. }) => {
            transaction_id == transaction
        }
        (PayerAction::DeviceCheck { .. }, PayerStep::Challenged { .. })
        | (PayerAction::Challenge { .. }, PayerStep::DeviceChecked { .. })
        | (PayerAction::Redirect { .. }, _) => false,
    }
}
