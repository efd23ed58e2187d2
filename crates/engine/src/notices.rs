//! What gateways send by themselves, and asking a gateway now because the payer came back.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use altyn_domain::{
    Answer, Command, Connector, DoubtNotice, ExchangeKind, ExchangeRequest, IncidentKind, Notice,
    NoticeReading, NoticeRefusal, Operation, OperationState, Outcome, Payment, PaymentId,
    PaymentMethod, Refusal, Report, ReportOutcome, Timestamp,
};
use tracing::{info, warn};

use crate::{Engine, EngineError, Owner};

/// So often a gateway is asked about one operation because of its payer, in so many milliseconds: a payer who
/// leaves and comes back is heard each time, somebody who plays is not.
const ASKS_MAX: u32 = 3;
const ASKS_WITHIN_MS: i64 = 1_000;

/// From so many entries on, those that no longer matter are dropped.
const ASKED_KEPT: usize = 1_024;

/// Since when, and how often, payers had gateways asked about operations.
#[derive(Debug, Default)]
pub(crate) struct Asked(Mutex<HashMap<(PaymentId, u32), (Timestamp, u32)>>);

impl Asked {
    /// Whether the gateway may be asked now; then it counts as asked.
    fn may_ask(&self, about: (PaymentId, u32), now: Timestamp) -> bool {
        let is_new = |at: &Timestamp| (0..ASKS_WITHIN_MS).contains(&now.millis_since(*at));
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, asks)) = asked.get_mut(&about).filter(|(since, _)| is_new(since)) {
            *asks += 1;
            return *asks <= ASKS_MAX;
        }
        if asked.len() >= ASKED_KEPT {
            asked.retain(|_, (since, _)| is_new(since));
        }
        asked.insert(about, (now, 1));
        true
    }
}

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
        let taken = self.read_notice(payment_id, operation, &notice).await?;
        let believed = match taken {
            NoticeTaken::Taken => "yes",
            NoticeTaken::Unknown | NoticeTaken::Refused(_) | NoticeTaken::OtherAmount => "no",
        };
        metrics::counter!("altyn_notices_total", "taken" => believed).increment(1);
        Ok(taken)
    }

    async fn read_notice(
        &self,
        payment_id: PaymentId,
        operation: u32,
        notice: &Notice,
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
        match connector.read_notice(&exchange, notice) {
            Ok(NoticeReading::Report(number, report)) => {
                self.record_notice(&owner, &payment, number, *report).await
            }
            Ok(NoticeReading::Enquire(number)) => {
                self.follow_hint(&owner, payment, number).await?;
                Ok(NoticeTaken::Taken)
            }
            Ok(NoticeReading::Nothing) => Ok(NoticeTaken::Taken),
            // Nobody sends notices about it but people who play: no trouble of anybody else's.
            Err(NoticeRefusal::Unsupported) => Ok(NoticeTaken::Refused(NoticeRefusal::Unsupported)),
            Err(refusal) => {
                warn!(payment.id = %payment_id, %refusal, "a notice was not believed");
                let doubt = (IncidentKind::NoticeRefused, refusal.to_string());
                self.doubt(&owner, payment_id, operation.number, doubt)
                    .await?;
                Ok(NoticeTaken::Refused(refusal))
            }
        }
    }

    /// Asks the gateway about an operation that is still open, now and not when its timer is due; but not
    /// again and again, for anybody who has the payment's address can want it as often as he likes.
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
        if !open || !self.asked().may_ask((payment_id, operation), self.now()) {
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
            let answer = engine.report(&owner, payment_id, operation, report).await;
            Ok(answer.map_err(EngineError::late)?.payment)
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

#[cfg(test)]
mod tests {
    use altyn_domain::Bucket;

    use super::*;

    #[test]
    fn payers_have_a_gateway_asked_a_few_times_a_second() {
        let asked = Asked::default();
        let id = |n| PaymentId::new(Timestamp::from_millis(1), Bucket::new(0), n);
        let at = |millis| Timestamp::from_millis(10_000 + millis);
        for (about, millis, may) in [
            ((id(1), 1), 0, true),
            ((id(1), 1), 0, true),
            ((id(1), 1), 500, true),
            ((id(1), 1), 500, false),
            ((id(1), 1), 999, false),
            ((id(1), 2), 999, true),
            ((id(2), 1), 999, true),
            ((id(1), 1), 1_000, true),
            // A clock that was put back keeps nobody waiting.
            ((id(1), 1), -5_000, true),
        ] {
            assert_eq!(asked.may_ask(about, at(millis)), may, "{about:?} {millis}");
        }
        for n in 0..5_000 {
            asked.may_ask((id(n), 1), at(i64::try_from(n).unwrap() * 10));
        }
        assert!(asked.0.lock().unwrap().len() <= ASKED_KEPT);
    }
}
