//! Paying: intent → gateway → outcome, and the payer's steps in between.

use std::time::Duration;

use altyn_domain::{
    Answer, Authentication, BALANCE_METHOD, BeginTry, BrowserFacts, CardDetails, Command,
    ExchangeKind, Features, Initiator, MethodKind, OnRefusal, OperationId, PayerAction, PaymentId,
    PaymentMethod, Project, Refusal, ReportOutcome, SendOperation,
};
use tracing::error;

use crate::{Engine, EngineError, Owner, Registration, crash};

/// How often an outcome is tried to be recorded, and the pause between two tries.
const RECORDS_MAX: u32 = 10;
const RECORD_PAUSE: Duration = Duration::from_millis(100);

/// Whether the caller waits for the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The answer shows what the gateway said.
    ForOutcome,
    /// The answer comes as soon as the intent is on disk; the exchange goes on by itself.
    No,
}

/// A try to pay.
#[derive(Debug, Clone)]
pub struct PayRequest {
    /// The payment method; by default the project's first of the kind that is paid with.
    pub method: Option<String>,
    /// The card, if it is paid by card; lives as long as the exchange.
    pub card: Option<CardDetails>,
    /// The payer's browser, if it is known.
    pub browser: Option<BrowserFacts>,
    /// Who pays.
    pub initiator: Initiator,
    /// What becomes of a try that the payment method does not take.
    pub on_refusal: OnRefusal,
    /// The part that the customer's balance pays, in minor units; all of it needs no method.
    pub from_balance: i64,
}

impl PayRequest {
    /// By card, with the project's first method for cards.
    pub fn by_card(card: CardDetails, browser: Option<BrowserFacts>, initiator: Initiator) -> Self {
        Self {
            method: None,
            card: Some(card),
            browser,
            initiator,
            on_refusal: OnRefusal::Answer,
            from_balance: 0,
        }
    }

    /// Wholly from the customer's balance, with all of the payment's `amount` in minor units.
    pub fn by_balance(amount: i64, initiator: Initiator) -> Self {
        Self {
            method: Some(BALANCE_METHOD.to_owned()),
            from_balance: amount,
            ..Self::by_method("", initiator)
        }
    }

    /// By a method at whose own page the payer pays.
    pub fn by_method(method: &str, initiator: Initiator) -> Self {
        Self {
            method: Some(method.to_owned()),
            card: None,
            browser: None,
            initiator,
            on_refusal: OnRefusal::Answer,
            from_balance: 0,
        }
    }

    fn method_of<'a>(&self, project: &'a Project) -> Result<&'a PaymentMethod, Refusal> {
        let kind = if self.card.is_some() {
            MethodKind::Card
        } else {
            MethodKind::Wallet
        };
        let method = match &self.method {
            Some(id) => project.method(id).filter(|method| method.kind == kind),
            None => project.method_of(kind),
        };
        method.ok_or(Refusal::MethodUnavailable)
    }

    fn command(
        &self,
        payment_id: PaymentId,
        owner: &Owner,
        id: OperationId,
    ) -> Result<BeginTry, Refusal> {
        Ok(BeginTry {
            payment_id,
            operation_id: id,
            method: if self.method.as_deref() == Some(BALANCE_METHOD) {
                BALANCE_METHOD.to_owned()
            } else {
                self.method_of(owner.project())?.id.clone()
            },
            card: self.card.as_ref().map(CardDetails::summary),
            initiator: self.initiator,
            on_refusal: self.on_refusal,
            from_balance: self.from_balance,
        })
    }

    fn exchange(self, features: Features) -> ExchangeKind {
        let authentication = match (features.force_authentication, features.skip_authentication) {
            (true, _) => Authentication::Force,
            (false, true) => Authentication::Skip,
            (false, false) => Authentication::Default,
        };
        ExchangeKind::Begin {
            card: self.card,
            browser: self.browser,
            authentication,
        }
    }
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
    /// Tries to pay. The answer shows the try: succeeded, declined, waiting for the payer or for the gateway.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn pay(
        &self,
        owner: &Owner,
        payment_id: PaymentId,
        wanted: PayRequest,
    ) -> Result<Answer, EngineError> {
        self.only(owner, payment_id)?;
        let begin = wanted.command(payment_id, owner, self.new_operation_id(owner))?;
        let kind = |intent: &Answer| wanted.exchange(intent.payment.order.features);
        let (command, committed) = (Command::BeginTry(begin), "pay.intent_committed");
        self.carry_out(owner, Wait::ForOutcome, committed, command, kind)
            .await
    }

    /// Registers an order as `id`, which is [new](Engine::new_payment_id), and begins its first try in one
    /// commit.
    ///
    /// # Errors
    /// See [`EngineError`]; a reference that was used before is a refusal.
    pub async fn register_and_pay(
        &self,
        owner: &Owner,
        id: PaymentId,
        registration: Registration,
        wanted: PayRequest,
        wait: Wait,
    ) -> Result<Answer, EngineError> {
        let mut register = self.registration(owner, id, registration);
        let first = wanted.command(register.id, owner, self.new_operation_id(owner))?;
        register.first_try = Some(first);
        let command = Command::Register(Box::new(register));
        let kind = |intent: &Answer| wanted.exchange(intent.payment.order.features);
        self.carry_out(owner, wait, "pay.intent_committed", command, kind)
            .await
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
        wait: Wait,
    ) -> Result<Answer, EngineError> {
        self.only(owner, payment_id)?;
        let payment = self
            .payment(owner, payment_id)
            .await?
            .ok_or(Refusal::PaymentNotFound)?;
        let waiting = payment.tries().find(|attempt| {
            attempt
                .action
                .as_ref()
                .is_some_and(|action| fits(action, &transaction_id, &step))
        });
        let operation = waiting.ok_or(Refusal::StepNotExpected)?.number;
        let command = Command::Send(SendOperation {
            payment_id,
            operation,
            after_action: Some(transaction_id),
        });
        let kind = match step {
            PayerStep::DeviceChecked { indicator } => ExchangeKind::DeviceChecked { indicator },
            PayerStep::Challenged { cres } => ExchangeKind::Challenged { cres },
        };
        self.carry_out(owner, wait, "pay.intent_committed", command, |_| kind)
            .await
    }

    /// Records an intent and exchanges it with the gateway, to the end even if the caller goes away.
    pub(crate) async fn carry_out(
        &self,
        owner: &Owner,
        wait: Wait,
        committed: &'static str,
        command: Command,
        kind: impl FnOnce(&Answer) -> ExchangeKind + Send + 'static,
    ) -> Result<Answer, EngineError> {
        let (engine, owner) = (self.clone(), owner.clone());
        match wait {
            Wait::ForOutcome => {
                self.detached(async move {
                    let intent = engine.execute(&owner, command, None).await?;
                    crash::point(committed);
                    let kind = kind(&intent);
                    engine.finish_exchange(&owner, intent, &kind).await
                })
                .await
            }
            Wait::No => {
                // A place first: what is accepted here is exchanged here, not left to a timer.
                let place = self.background_place()?;
                self.detached(async move {
                    let intent = engine.execute(&owner, command, None).await?;
                    crash::point(committed);
                    let (answer, kind) = (intent.clone(), kind(&intent));
                    let exchanging = engine.clone();
                    engine.tasks().spawn(async move {
                        let done = exchanging.finish_exchange(&owner, intent, &kind).await;
                        if let Err(failure) = done {
                            error!(error = %failure, "an exchange in the background failed");
                        }
                        drop(place);
                    });
                    Ok(answer)
                })
                .await
            }
        }
    }

    /// The network call of an intent that is on disk, and the record of its outcome.
    pub(crate) async fn finish_exchange(
        &self,
        owner: &Owner,
        intent: Answer,
        kind: &ExchangeKind,
    ) -> Result<Answer, EngineError> {
        // A repeated request, or one that a rule of ours declined: nothing is to be exchanged.
        let open = |operation: &altyn_domain::Operation| operation.state.is_open();
        if intent.repeated || !intent.operation().is_some_and(open) {
            return Ok(intent);
        }
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
                Err(
                    EngineError::Busy
                    | EngineError::Unavailable(_)
                    | EngineError::Refused(Refusal::SettingsChanged),
                ) if attempt < RECORDS_MAX => {
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
