//! An attempt to pay an order, and a refund, as generation 2 tells them in answers and notices.

use altyn_domain::{DeclineCode, Facts, Money, Outcome, Report};
use serde::Deserialize;

use super::wire::{Text, said};
use super::{amount, time};

#[derive(Deserialize)]
pub(super) struct Attempt {
    cf_payment_id: Option<Text>,
    /// In a notice it stands beside, with the order.
    order_id: Option<Text>,
    payment_status: Text,
    payment_amount: Option<Text>,
    payment_currency: Option<Text>,
    payment_time: Option<Text>,
    payment_completion_time: Option<Text>,
    bank_reference: Option<Text>,
    auth_id: Option<Text>,
    error_details: Option<ErrorDetails>,
}

#[derive(Deserialize)]
struct ErrorDetails {
    error_code: Option<Text>,
}

/// What is known of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The money is the merchant's.
    Paid,
    /// The bank has it; it may still succeed.
    AtBank,
    /// The payer has done nothing yet.
    Untouched,
    /// It ended without money.
    Over(Ending),
    /// A word that the contract does not know.
    Unclear,
}

/// How an attempt ended without money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Declined(DeclineCode),
    Voided,
}

impl Attempt {
    pub(super) fn order_id(&self) -> Option<&str> {
        said(self.order_id.as_ref())
    }

    pub(super) fn standing(&self) -> Standing {
        match self.payment_status.as_str() {
            "SUCCESS" => Standing::Paid,
            "PENDING" | "FLAGGED" | "INCOMPLETE" => Standing::AtBank,
            "NOT_ATTEMPTED" => Standing::Untouched,
            "FAILED" => Standing::Over(Ending::Declined(self.failure())),
            "CANCELLED" | "USER_DROPPED" => {
                Standing::Over(Ending::Declined(DeclineCode::CancelledByPayer))
            }
            "VOID" => Standing::Over(Ending::Voided),
            _ => Standing::Unclear,
        }
    }

    fn error_code(&self) -> Option<&str> {
        self.error_details
            .as_ref()
            .and_then(|details| said(details.error_code.as_ref()))
    }

    /// The wallet's codes are not public; only this one is known.
    fn failure(&self) -> DeclineCode {
        match self.error_code() {
            Some("ISSUER_NOT_AVAILABLE") => DeclineCode::IssuerUnavailable,
            _ => DeclineCode::General,
        }
    }

    /// When it was made, for finding the newest; one without a time is older than all.
    pub(super) fn began_at(&self) -> Option<altyn_domain::Timestamp> {
        said(self.payment_time.as_ref()).and_then(time::read)
    }

    /// The news of a success; none if its amount cannot be read.
    pub(super) fn approval(&self) -> Option<Report> {
        let currency = said(self.payment_currency.as_ref());
        let amount = amount::read_with(said(self.payment_amount.as_ref()), currency)?;
        Some(self.report(Outcome::Approved, Some(amount)))
    }

    /// The news of an end without money.
    pub(super) fn ended(&self, ending: Ending) -> Report {
        let outcome = match ending {
            Ending::Declined(code) => Outcome::Declined(code),
            Ending::Voided => Outcome::Voided,
        };
        self.report(outcome, None)
    }

    /// The news that the bank has it.
    pub(super) fn at_bank(&self) -> Report {
        self.report(Outcome::Pending, None)
    }

    fn report(&self, outcome: Outcome, amount: Option<Money>) -> Report {
        let text = |field: Option<&Text>| said(field).map(str::to_owned);
        let completed = said(self.payment_completion_time.as_ref()).and_then(time::read);
        let facts = Facts {
            connector_reference: text(self.cf_payment_id.as_ref()),
            approval_code: text(self.auth_id.as_ref()),
            rrn: text(self.bank_reference.as_ref()),
            gateway_code: Some(
                self.error_code()
                    .unwrap_or(self.payment_status.as_str())
                    .to_owned(),
            ),
            happened_at: completed.or_else(|| self.began_at()),
            amount,
            ..Facts::default()
        };
        Report {
            facts,
            ..Report::bare(outcome)
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Refund {
    cf_refund_id: Option<Text>,
    order_id: Option<Text>,
    refund_id: Option<Text>,
    refund_amount: Option<Text>,
    refund_currency: Option<Text>,
    refund_status: Text,
    refund_arn: Option<Text>,
    refund_type: Option<Text>,
    processed_at: Option<Text>,
}

impl Refund {
    pub(super) fn order_id(&self) -> Option<&str> {
        said(self.order_id.as_ref())
    }

    pub(super) fn refund_id(&self) -> Option<&str> {
        said(self.refund_id.as_ref())
    }

    /// Whether the partner made it by itself.
    pub(super) fn is_automatic(&self) -> bool {
        said(self.refund_type.as_ref()).is_some_and(|kind| kind.contains("AUTO_REFUND"))
    }

    /// The news of it; none if its status is not in the contract, or the amount of a success cannot
    /// be read.
    pub(super) fn report(&self) -> Option<Report> {
        let outcome = match self.refund_status.as_str() {
            "SUCCESS" => Outcome::Approved,
            // On hold: the merchant's balance at the partner is too low for it.
            "PENDING" | "ONHOLD" => Outcome::Pending,
            "CANCELLED" | "FAILED" => Outcome::Declined(DeclineCode::General),
            _ => return None,
        };
        let currency = said(self.refund_currency.as_ref());
        let amount = amount::read_with(said(self.refund_amount.as_ref()), currency);
        if outcome == Outcome::Approved && amount.is_none() {
            return None;
        }
        let text = |field: Option<&Text>| said(field).map(str::to_owned);
        let facts = Facts {
            connector_reference: text(self.cf_refund_id.as_ref()),
            rrn: text(self.refund_arn.as_ref()),
            gateway_code: Some(self.refund_status.as_str().to_owned()),
            happened_at: said(self.processed_at.as_ref()).and_then(time::read),
            amount,
            ..Facts::default()
        };
        Some(Report {
            facts,
            ..Report::bare(outcome)
        })
    }
}
