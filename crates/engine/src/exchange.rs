//! One exchange with a gateway: translate, send, translate back. No transaction is open meanwhile, and
//! whatever happens comes out as a [`Report`], never as an error.

use altyn_domain::{ExchangeKind, ExchangeRequest, NotFoundRule, Outcome, Payment, Report, Step};
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
        let method = owner.project().method(&operation.method);
        let connector = method.and_then(|method| self.connector(&method.connector));
        let (Some(method), Some(connector)) = (method, connector) else {
            warn!(payment.id = %payment.id, method = operation.method, "payment method is gone");
            return Report::bare(silence);
        };
        let exchange = ExchangeRequest {
            payment,
            operation,
            settings: &method.settings,
            kind,
        };
        let request = match connector.request(&exchange) {
            Ok(request) => request,
            Err(error) => {
                warn!(payment.id = %payment.id, %error, "no request could be made");
                return Report::bare(silence);
            }
        };
        let response = match self.gateways().send(request, None).await {
            Ok(response) => response,
            Err(NoResponse::NotSent(why)) => {
                warn!(payment.id = %payment.id, error = %why, "the gateway could not be reached");
                return Report::bare(silence);
            }
            Err(NoResponse::Lost(why)) => {
                warn!(payment.id = %payment.id, error = %why, "the gateway did not answer");
                return Report::bare(Outcome::Unknown);
            }
        };
        match connector.step(&exchange, &response) {
            Step::Report(report) => *report,
            Step::NotFound => {
                let sent_at = operation.sent_at.unwrap_or(operation.created_at);
                let since_ms = self.now().millis_since(sent_at);
                match connector.not_found_rule(&method.settings) {
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
