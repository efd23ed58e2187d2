//! One exchange with a gateway: translate, send, translate back. No transaction is open meanwhile, and
//! whatever happens comes out as a [`Report`], never as an error.

use altyn_domain::{
    Addresses, Connector, ExchangeKind, ExchangeRequest, HttpRequest, NotFoundRule, Outcome,
    Payment, PaymentId, ROUNDS_MAX, Report, Step,
};
use tracing::{info, warn};

use crate::http::NoResponse;
use crate::{Engine, Owner};

impl Engine {
    /// Exchanges one message about an operation of `payment` and says what is known then.
    pub(crate) async fn exchange(
        &self,
        owner: &Owner,
        payment: &Payment,
        operation: u32,
        kind: &ExchangeKind,
    ) -> Report {
        let began = self.now();
        let report = self.try_exchange(owner, payment, operation, kind).await;
        let duration_ms = self.now().millis_since(began);
        info!(
            payment.id = %payment.id,
            operation.number = operation,
            exchange = step_name(kind),
            outcome = ?report.outcome,
            duration_ms,
            "exchange with the gateway"
        );
        metrics::counter!("altyn_exchanges_total", "outcome" => outcome_name(&report.outcome))
            .increment(1);
        report
    }

    async fn try_exchange(
        &self,
        owner: &Owner,
        payment: &Payment,
        number: u32,
        kind: &ExchangeKind,
    ) -> Report {
        let asking = matches!(kind, ExchangeKind::Enquire);
        // A question that was not asked, or not answered, tells nothing about the operation.
        let silence = if asking {
            Outcome::Unknown
        } else {
            Outcome::NotSent
        };
        let Some(operation) = payment.operation(number) else {
            return Report::bare(silence);
        };
        let Some((method, connector)) = self.method_and_connector(owner, operation) else {
            warn!(payment.id = %payment.id, method = operation.method, "payment method is gone");
            return Report::bare(silence);
        };
        let addresses = self.addresses(payment.id, number);
        let mut exchange = ExchangeRequest {
            payment,
            operation,
            settings: &method.settings,
            kind,
            addresses: &addresses,
            round: 0,
            at: self.now(),
        };
        let request = match connector.request(&exchange) {
            Ok(request) => request,
            Err(error) => {
                warn!(payment.id = %payment.id, %error, "no request could be made");
                return Report::bare(silence);
            }
        };
        let step = match self
            .rounds(connector, &mut exchange, request, silence)
            .await
        {
            Ok(step) => step,
            Err(outcome) => return Report::bare(outcome),
        };
        self.meaning(&exchange, connector, step)
    }

    /// What the last step of an exchange tells.
    fn meaning(
        &self,
        exchange: &ExchangeRequest<'_>,
        connector: &dyn Connector,
        step: Step,
    ) -> Report {
        let (payment_id, operation) = (exchange.payment.id, exchange.operation);
        match step {
            Step::Report(report) => *report,
            Step::Unusable(reason) => {
                warn!(
                    payment.id = %payment_id,
                    operation.number = operation.number,
                    method = operation.method,
                    exchange = step_name(exchange.kind),
                    reason,
                    "the gateway's answer says nothing usable"
                );
                Report::bare(Outcome::Unknown)
            }
            Step::Next(_) => {
                warn!(payment.id = %payment_id, "the gateway leads nowhere");
                Report::bare(Outcome::Unknown)
            }
            Step::NotFound => {
                let asking = matches!(exchange.kind, ExchangeKind::Enquire);
                let sent_at = operation.sent_at.unwrap_or(operation.created_at);
                let since_ms = self.now().millis_since(sent_at);
                match connector.not_found_rule(exchange.settings) {
                    NotFoundRule::FinalAfterMs(after_ms) if asking && since_ms >= after_ms => {
                        Report::bare(Outcome::NotFound)
                    }
                    NotFoundRule::FinalAfterMs(_) | NotFoundRule::Never => {
                        Report::bare(Outcome::Unknown)
                    }
                }
            }
        }
    }

    /// The requests of one exchange, one after the other, until one of them says what is known; else the
    /// outcome of silence.
    async fn rounds(
        &self,
        connector: &dyn Connector,
        exchange: &mut ExchangeRequest<'_>,
        mut request: HttpRequest,
        silence: Outcome,
    ) -> Result<Step, Outcome> {
        let payment_id = exchange.payment.id;
        loop {
            let response = match self
                .gateways()
                .send(request, None, connector.wanted_headers())
                .await
            {
                Ok(response) => response,
                Err(NoResponse::NotSent(why)) if exchange.round == 0 => {
                    warn!(payment.id = %payment_id, error = %why, "the gateway could not be reached");
                    return Err(silence);
                }
                Err(NoResponse::NotSent(why) | NoResponse::Lost(why)) => {
                    warn!(payment.id = %payment_id, error = %why, "the gateway did not answer");
                    return Err(Outcome::Unknown);
                }
            };
            match connector.step(exchange, &response) {
                Step::Next(next) if exchange.round + 1 < ROUNDS_MAX => {
                    exchange.round += 1;
                    request = *next;
                }
                step => return Ok(step),
            }
        }
    }

    /// Where a gateway finds us about this operation, and where it sends the payer back to.
    pub(crate) fn addresses(&self, payment: PaymentId, operation: u32) -> Addresses {
        let (base, id) = (
            self.config().public_url.trim_end_matches('/'),
            payment.uuid(),
        );
        Addresses {
            notice_url: format!("{base}/notices/{id}/{operation}"),
            return_url: format!("{base}/checkout/{id}/back"),
        }
    }
}

fn step_name(kind: &ExchangeKind) -> &'static str {
    match kind {
        ExchangeKind::Begin { .. } => "begin",
        ExchangeKind::DeviceChecked { .. } => "device_checked",
        ExchangeKind::Challenged { .. } => "challenged",
        ExchangeKind::Enquire => "enquire",
    }
}

fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Approved => "approved",
        Outcome::Declined(_) => "declined",
        Outcome::Pending => "pending",
        Outcome::Unknown => "unknown",
        Outcome::NotSent => "not_sent",
        Outcome::NotFound => "not_found",
        Outcome::Voided => "voided",
    }
}
