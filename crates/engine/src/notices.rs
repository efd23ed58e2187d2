//! What gateways send by themselves, and asking a gateway now because the payer came back.

use altyn_domain::{
    Answer, Command, Connector, DoubtNotice, ExchangeKind, ExchangeRequest, IncidentKind, Notice,
    NoticeReading, NoticeRefusal, Operation, OperationState, Outcome, Payment, PaymentId,
    PaymentMethod, Refusal, Report, ReportOutcome,
};
use tracing::{info, warn};

use crate::{Engine, EngineError, Owner};

/// What became of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeTaken {
    /// It was believed, and what it says is on disk.
    Taken,
    /// There is no such payment or operation here.
    Unknown,
    /// It was not believed.
    Refused(NoticeRefusal),
    /// It names another amount than was asked: nothing is booked, a person must look (row 50).
    OtherAmount,
}

impl Engine {
    /// Takes a notice that came to the address of one operation. The same notice twice changes nothing; one
    /// that is not to be believed changes nothing but the list of incidents.
    ///
    /// # Errors
    /// If the database or the writer is not available; then the gateway should send it again.
    pub async fn take_notice(
        &self,
        payment_id: PaymentId,
        operation: u32,
        notice: Notice,
    ) -> Result<NoticeTaken, EngineError> {
        let Some((owner, payment)) = self.open_payment(payment_id).await? else {
            return Ok(NoticeTaken::Unknown);
        };
        let Some(operation) = payment.operation(operation) else {
            return Ok(NoticeTaken::Unknown);
        };
        let Some((method, connector)) = self.method_and_connector(&owner, operation) else {
            return Ok(NoticeTaken::Unknown);
        };
        let addresses = self.addresses(payment_id, operation.number);
        let exchange = ExchangeRequest {
            payment: &payment,
            operation,
            settings: &method.settings,
            kind: &ExchangeKind::Enquire,
            addresses: &addresses,
            round: 0,
            at: self.now(),
        };
        match connector.read_notice(&exchange, &notice) {
            Ok(NoticeReading::Report(number, report)) => {
                self.record_notice(&owner, &payment, number, *report).await
            }
            Ok(NoticeReading::Enquire(number)) => {
                self.follow_hint(&owner, payment, number).await?;
                Ok(NoticeTaken::Taken)
            }
            Ok(NoticeReading::Nothing) => Ok(NoticeTaken::Taken),
            Err(refusal) => {
                warn!(payment.id = %payment_id, %refusal, "a notice was not believed");
                metrics::counter!("altyn_notices_total", "taken" => "no").increment(1);
                let doubt = (IncidentKind::NoticeRefused, refusal.to_string());
                self.doubt(&owner, payment_id, operation.number, doubt)
                    .await?;
                Ok(NoticeTaken::Refused(refusal))
            }
        }
    }

    /// Asks the gateway about an operation that is still open, now and not when its timer is due.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn enquire_now(
        &self,
        owner: &Owner,
        payment_id: PaymentId,
        operation: u32,
    ) -> Result<Payment, EngineError> {
        self.only(owner, payment_id)?;
        let payment = self
            .payment(owner, payment_id)
            .await?
            .ok_or(Refusal::PaymentNotFound)?;
        let open = payment
            .operation(operation)
            .is_some_and(|o| o.state.is_open());
        if !open {
            return Ok(payment);
        }
        self.ask(owner, payment, operation).await
    }

    /// A genuine notice hints that there is news. Of an operation that ended without money too: if the
    /// gateway took money after all, a person must hear of it (life-cycle row 22).
    async fn follow_hint(
        &self,
        owner: &Owner,
        payment: Payment,
        operation: u32,
    ) -> Result<(), EngineError> {
        let succeeded = |o: &Operation| o.state == OperationState::Succeeded;
        if payment.operation(operation).is_none_or(succeeded) {
            return Ok(());
        }
        self.ask(owner, payment, operation).await.map(drop)
    }

    async fn ask(
        &self,
        owner: &Owner,
        payment: Payment,
        operation: u32,
    ) -> Result<Payment, EngineError> {
        let payment_id = payment.id;
        let (engine, owner) = (self.clone(), owner.clone());
        self.detached(async move {
            let report = engine
                .exchange(&owner, &payment, operation, &ExchangeKind::Enquire)
                .await;
            if report.outcome == Outcome::Unknown {
                // Nothing new; the operation's timer goes on as it was.
                return Ok(payment);
            }
            let answer = engine.report(&owner, payment_id, operation, report).await?;
            Ok(answer.payment)
        })
        .await
    }

    async fn record_notice(
        &self,
        owner: &Owner,
        payment: &Payment,
        number: u32,
        report: Report,
    ) -> Result<NoticeTaken, EngineError> {
        let Some(operation) = payment.operation(number) else {
            return Ok(NoticeTaken::Unknown);
        };
        let asked = operation.money(payment);
        if let Some(told) = report.facts.amount.filter(|told| *told != asked) {
            let detail = format!("a notice about operation {number} over {asked} says {told}");
            let doubt = (IncidentKind::AmountMismatch, detail);
            self.doubt(owner, payment.id, number, doubt).await?;
            return Ok(NoticeTaken::OtherAmount);
        }
        info!(payment.id = %payment.id, operation.number = number, outcome = ?report.outcome, "notice");
        metrics::counter!("altyn_notices_total", "taken" => "yes").increment(1);
        self.report(owner, payment.id, number, report).await?;
        Ok(NoticeTaken::Taken)
    }

    async fn report(
        &self,
        owner: &Owner,
        payment_id: PaymentId,
        operation: u32,
        report: Report,
    ) -> Result<Answer, EngineError> {
        let news = ReportOutcome {
            payment_id,
            operation,
            report,
            enquiries: 0,
        };
        self.execute(owner, Command::Report(news), None).await
    }

    async fn doubt(
        &self,
        owner: &Owner,
        payment_id: PaymentId,
        operation: u32,
        (kind, detail): (IncidentKind, String),
    ) -> Result<(), EngineError> {
        let doubt = DoubtNotice {
            payment_id,
            operation,
            kind,
            detail,
        };
        self.execute(owner, Command::Doubt(doubt), None)
            .await
            .map(drop)
    }

    /// The method that carries an operation out, and its connector.
    pub(crate) fn method_and_connector<'a>(
        &'a self,
        owner: &'a Owner,
        operation: &Operation,
    ) -> Option<(&'a PaymentMethod, &'a dyn Connector)> {
        let method = owner.project().method(&operation.method)?;
        Some((method, self.connector(&method.connector)?.as_ref()))
    }
}
