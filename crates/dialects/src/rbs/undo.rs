//! deposit.do, reverse.do, refund.do, decline.do: what a shop does with its order afterwards.

use altyn_domain::{Answer, DeclineCode, OperationState, Payment, Refusal, Target};
use altyn_engine::{CaptureRequest, EngineError, RefundRequest, Wait};
use axum::response::Response;

use super::action_code::ActionCode;
use super::answer::Done;
use super::error::{Fault, Verb, of_engine};
use super::messages::Message;
use super::{Call, answer, fields, order};

const EXTERNAL_REFUND_ID_MAX: usize = 32;

/// deposit.do: takes all that is held, or a part; the rest goes back to the payer.
pub(super) async fn deposit(call: &Call) -> Result<Response, Fault> {
    let amount = amount(call, &["amount"], Message::DepositInvalid)?;
    let payment = named(call).await?;
    let target = Target::Payment(payment.id);
    let engine = call.rbs.engine();
    let wanted = CaptureRequest {
        amount: amount.minor(),
        release_rest: true,
    };
    let answer = engine
        .capture(&call.owner, target, wanted, Wait::ForOutcome)
        .await;
    tell(call, answer, Verb::Deposit)
}

/// reverse.do: gives a hold up. What is captured is refunded, not reversed.
pub(super) async fn reverse(call: &Call) -> Result<Response, Fault> {
    let amount = amount(call, &["amount"], Message::AmountInvalid)?;
    let payment = named(call).await?;
    let target = Target::Payment(payment.id);
    let answer = call
        .rbs
        .engine()
        .void(&call.owner, target, amount.minor(), Wait::ForOutcome)
        .await;
    tell(call, answer, Verb::Reverse)
}

/// refund.do: gives captured money back, all or a part.
pub(super) async fn refund(call: &Call) -> Result<Response, Fault> {
    let wanted = amount(call, &["amount", "refundAmount"], Message::AmountInvalid)?;
    // All the money is given back only to a shop that says so.
    if wanted == Wanted::Absent {
        return Err(Fault::new("5", Message::AmountInvalid));
    }
    let expected = match call.params.text("expectedDepositedAmount") {
        Some(text) => {
            let minor = fields::amount(text);
            Some(minor.ok_or_else(|| Fault::invalid("expectedDepositedAmount"))?)
        }
        None => None,
    };
    let reference = fields::limited(&call.params, "externalRefundId", EXTERNAL_REFUND_ID_MAX)?;
    let payment = named(call).await?;
    let target = Target::Payment(payment.id);
    let engine = call.rbs.engine();
    let wanted = RefundRequest {
        amount: wanted.minor(),
        reference,
        expected_deposited: expected,
        ..RefundRequest::default()
    };
    let answer = engine
        .refund(&call.owner, target, wanted, Wait::ForOutcome)
        .await;
    if let Err(EngineError::Refused(Refusal::Exceeds { asked, .. })) = &answer
        && asked.minor() <= still_deposited(call, &payment).await?
    {
        // Only a refund in flight stands in the way, and it may yet be refused.
        return Err(Fault::in_progress());
    }
    tell(call, answer, Verb::Refund)
}

/// decline.do: withdraws an unpaid order.
pub(super) async fn decline(call: &Call) -> Result<Response, Fault> {
    let payment = order::find(call).await?;
    // With both names given they must name one order.
    let number = call.params.text("orderNumber");
    if number.is_some_and(|number| number != payment.order.reference) {
        return Err(Fault::unknown_order());
    }
    let target = Target::Payment(payment.id);
    match call.rbs.engine().cancel(&call.owner, target).await {
        Ok(_) => Ok(answer::ok(&Done::new(call.language))),
        Err(failure) => Err(of_engine(failure, Verb::Decline)),
    }
}

/// The order that is meant, in the currency that is meant.
async fn named(call: &Call) -> Result<Payment, Fault> {
    let payment = order::find(call).await?;
    order::check_currency(call, &payment)?;
    Ok(payment)
}

/// How much a shop wants to be taken or given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// It did not say.
    Absent,
    /// Zero means everything.
    All,
    Minor(i64),
}

impl Wanted {
    const fn minor(self) -> Option<i64> {
        match self {
            Self::Absent | Self::All => None,
            Self::Minor(minor) => Some(minor),
        }
    }
}

fn amount(call: &Call, names: &[&str], message: Message) -> Result<Wanted, Fault> {
    wanted(call.params.first_of(names)).ok_or_else(|| Fault::new("5", message))
}

fn wanted(text: Option<&str>) -> Option<Wanted> {
    match text {
        None => Some(Wanted::Absent),
        Some(text) => match fields::amount(text)? {
            0 => Some(Wanted::All),
            minor => Some(Wanted::Minor(minor)),
        },
    }
}

async fn still_deposited(call: &Call, payment: &Payment) -> Result<i64, Fault> {
    let found = call.rbs.engine().payment(&call.owner, payment.id).await;
    let found = found.map_err(|failure| of_engine(failure, Verb::Read))?;
    Ok(found.map_or(0, |payment| payment.deposited() - payment.sums.charged_back))
}

fn tell(call: &Call, answer: Result<Answer, EngineError>, verb: Verb) -> Result<Response, Fault> {
    let answer = answer.map_err(|failure| of_engine(failure, verb))?;
    match end_of(&answer) {
        Ok(()) => Ok(answer::ok(&Done::new(call.language))),
        Err(fault) => Err(fault),
    }
}

/// Success only when the bank has said so; a refusal only when the bank has said that.
fn end_of(answer: &Answer) -> Result<(), Fault> {
    let Some(operation) = answer.operation() else {
        return Err(Fault::in_progress());
    };
    match operation.state {
        OperationState::Succeeded => Ok(()),
        OperationState::Declined | OperationState::Voided => {
            let code = operation.decline.unwrap_or(DeclineCode::General);
            Err(Fault::because(
                "7",
                Message::Refused,
                ActionCode::Declined(code),
            ))
        }
        OperationState::Created | OperationState::Sent | OperationState::Pending => {
            Err(Fault::in_progress())
        }
    }
}

#[cfg(test)]
mod tests {
    use altyn_domain::{Language, OperationKind, Way};

    use super::super::samples::Sample;
    use super::*;

    #[test]
    fn zero_means_everything_and_nonsense_means_nothing() {
        assert_eq!(wanted(None), Some(Wanted::Absent));
        assert_eq!(wanted(Some("0")), Some(Wanted::All));
        assert_eq!(wanted(Some("700")), Some(Wanted::Minor(700)));
        for text in [
            "-1",
            "1.5",
            "110.00000000000001",
            "ten",
            "99999999999999999999",
        ] {
            assert_eq!(wanted(Some(text)), None, "{text}");
        }
    }

    #[test]
    fn only_a_known_end_is_told_as_one() {
        for state in OperationState::ALL {
            let payment = Sample::new(Way::Hold)
                .paid()
                .then(OperationKind::Capture, state, 1_000)
                .payment();
            let answer = Answer {
                payment,
                operation: Some(2),
                repeated: false,
            };
            let told = end_of(&answer).map_err(|fault| (fault.code, fault.text(Language::En)));
            match state {
                OperationState::Succeeded => assert_eq!(told, Ok(())),
                OperationState::Declined | OperationState::Voided => {
                    let text = "The bank refused the operation: The bank refused the payment";
                    assert_eq!(told, Err(("7", text.to_owned())));
                }
                OperationState::Created | OperationState::Sent | OperationState::Pending => {
                    let text = "An operation on the order is in progress, ask for the order status";
                    assert_eq!(told, Err(("7", text.to_owned())));
                }
            }
        }
    }
}
