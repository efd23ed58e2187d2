//! Why a call is answered with an error, and the one place where refusals and faults of the engine get
//! the family's codes.

use altyn_domain::{CardError, Language, PaymentStatus, Refusal};
use altyn_engine::EngineError;
use axum::http::StatusCode;
use tracing::{error, warn};

use super::action_code::ActionCode;
use super::messages::Message;

/// Why a call is answered with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The family's error code, a text on the wire.
    pub code: &'static str,
    pub message: Message,
    /// What the message is about: the name of a parameter, or an action code's sentence.
    about: About,
    /// Business errors come with 200.
    pub status: StatusCode,
    /// The reason as an action code, where a method tells one.
    pub action: Option<ActionCode>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum About {
    Nothing,
    Name(String),
    Action(ActionCode),
}

impl Fault {
    pub(super) fn new(code: &'static str, message: Message) -> Self {
        Self {
            code,
            message,
            about: About::Nothing,
            status: StatusCode::OK,
            action: None,
        }
    }

    /// A fault of one parameter, or of what else the message names.
    pub(super) fn of(code: &'static str, message: Message, name: impl Into<String>) -> Self {
        Self {
            about: About::Name(name.into()),
            ..Self::new(code, message)
        }
    }

    /// A parameter has an impossible value.
    pub(super) fn invalid(name: &'static str) -> Self {
        Self::of("5", Message::ParameterInvalid, name)
    }

    /// A fault whose message tells an action code's sentence.
    pub(super) fn because(code: &'static str, message: Message, action: ActionCode) -> Self {
        Self {
            about: About::Action(action),
            action: Some(action),
            ..Self::new(code, message)
        }
    }

    /// The same fault, told with an action code where the method tells one.
    pub(super) fn with_action(self, action: ActionCode) -> Self {
        Self {
            action: Some(action),
            ..self
        }
    }

    /// An operation is in flight, or the end of this one is not known: neither success nor refusal.
    pub(super) fn in_progress() -> Self {
        Self::new("7", Message::InProgress).with_action(ActionCode::OutcomePending)
    }

    pub(super) fn unknown_order() -> Self {
        Self::new("6", Message::OrderUnknown)
    }

    pub(super) fn busy() -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self {
            status,
            ..Self::new("7", Message::Busy)
        }
    }

    fn system() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self {
            status,
            ..Self::new("7", Message::System)
        }
    }

    /// What is wrong with a card.
    pub(super) fn of_card(wrong: CardError) -> Self {
        let message = match wrong {
            CardError::NumberLength | CardError::NumberCheck => Message::CardNumber,
            CardError::ExpiryMalformed => Message::CardExpiry,
            CardError::Expired => Message::CardExpired,
            CardError::SecurityCode => Message::CardCode,
        };
        Self::new("5", message).with_action(ActionCode::CardDataWrong)
    }

    pub(super) fn text(&self, language: Language) -> String {
        match &self.about {
            About::Nothing => self.message.text(language, ""),
            About::Name(name) => self.message.text(language, name),
            About::Action(action) => self.message.text(language, action.description(language)),
        }
    }

    /// The kind of fault in a payment by card.
    pub(super) const fn kind(&self) -> &'static str {
        match self.action {
            Some(ActionCode::CardDataWrong) => "DATA_INPUT_ERROR",
            Some(ActionCode::Declined(_) | ActionCode::AttemptsUsedUp) => "PAYMENT_DECLINED",
            Some(ActionCode::OutcomePending) => "IN_PROGRESS",
            Some(
                ActionCode::NoAttempt
                | ActionCode::Started
                | ActionCode::Success
                | ActionCode::TimeOver
                | ActionCode::DeclinedByMerchant
                | ActionCode::AlreadyPaid,
            ) => "ORDER_STATE",
            None => "REQUEST_ERROR",
        }
    }
}

/// What was asked for: the same refusal has other words in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Register,
    Deposit,
    Reverse,
    Refund,
    Decline,
    Pay,
    /// Something that changes nothing.
    Read,
}

/// The error of a use case in the family's words. Inner text goes to the log only.
pub(super) fn of_engine(failure: EngineError, verb: Verb) -> Fault {
    match failure {
        EngineError::Refused(refusal) => of_refusal(&refusal, verb),
        EngineError::Denied(_) => Fault::new("5", Message::AccessDenied),
        EngineError::Busy => Fault::busy(),
        EngineError::Unavailable(source) => {
            let reason = source.map(|inner| inner.to_string());
            warn!(reason, ?verb, "the database is not available");
            Fault::busy()
        }
        EngineError::StateUnknown => {
            error!(?verb, "it is not known whether a change is on disk");
            Fault::system()
        }
        EngineError::Fault(inner) => {
            error!(error = inner, ?verb, "a call failed");
            Fault::system()
        }
    }
}

fn of_refusal(refusal: &Refusal, verb: Verb) -> Fault {
    match refusal {
        Refusal::PaymentNotFound => Fault::unknown_order(),
        Refusal::ReferenceTaken(_) => Fault::new("1", Message::OrderNumberTaken),
        Refusal::CurrencyNotAccepted(_) => Fault::new("3", Message::CurrencyUnknown),
        Refusal::AmountInvalid => Fault::new("5", amount_message(verb)),
        Refusal::AlreadyPaid => {
            Fault::new("7", Message::AlreadyPaid).with_action(ActionCode::AlreadyPaid)
        }
        Refusal::WrongStatus(status) => wrong_status(*status, verb),
        Refusal::Expired => Fault::because("7", Message::OrderEnded, ActionCode::TimeOver),
        Refusal::TriesExhausted => {
            Fault::because("7", Message::OrderEnded, ActionCode::AttemptsUsedUp)
        }
        Refusal::InProgress => Fault::in_progress(),
        Refusal::Exceeds { .. } => match verb {
            Verb::Deposit => Fault::new("5", Message::DepositExceeds),
            Verb::Refund => Fault::new("7", Message::RefundExceeds),
            Verb::Reverse | Verb::Register | Verb::Decline | Verb::Pay | Verb::Read => {
                Fault::new("5", Message::AmountInvalid)
            }
        },
        Refusal::UnexpectedDeposited { .. } => Fault::new("7", Message::RefundUnexpected),
        Refusal::StepNotExpected => Fault::new("7", Message::StepUnexpected),
        Refusal::MethodCannot(_) => Fault::new("5", Message::AmountInvalid),
        Refusal::MethodUnavailable => Fault::of("7", Message::Unsupported, "CARD"),
        // The settings changed twice while the call was under way: a repeat will be decided anew.
        Refusal::SettingsChanged => Fault::busy(),
        Refusal::SubjectNotFound | Refusal::BalanceTooSmall { .. } | Refusal::LeaseLost => {
            error!(%refusal, ?verb, "a refusal that no call of a shop can meet");
            Fault::system()
        }
    }
}

const fn amount_message(verb: Verb) -> Message {
    match verb {
        Verb::Deposit => Message::DepositInvalid,
        Verb::Register | Verb::Reverse | Verb::Refund | Verb::Decline | Verb::Pay | Verb::Read => {
            Message::AmountInvalid
        }
    }
}

fn wrong_status(status: PaymentStatus, verb: Verb) -> Fault {
    match verb {
        Verb::Deposit => Fault::new("7", Message::DepositState),
        Verb::Reverse => Fault::new("7", Message::ReverseState),
        Verb::Refund => Fault::new("7", Message::RefundState),
        Verb::Decline => Fault::new("7", Message::DeclineState),
        Verb::Pay | Verb::Register | Verb::Read => match status {
            PaymentStatus::Cancelled => {
                Fault::because("7", Message::OrderEnded, ActionCode::DeclinedByMerchant)
            }
            PaymentStatus::Expired => {
                Fault::because("7", Message::OrderEnded, ActionCode::TimeOver)
            }
            PaymentStatus::Declined => {
                Fault::because("7", Message::OrderEnded, ActionCode::AttemptsUsedUp)
            }
            PaymentStatus::AwaitingPayment | PaymentStatus::Processing => Fault::in_progress(),
            PaymentStatus::Authorized
            | PaymentStatus::Captured
            | PaymentStatus::PartiallyRefunded
            | PaymentStatus::Refunded
            | PaymentStatus::Voided
            | PaymentStatus::Verified => {
                Fault::new("7", Message::AlreadyPaid).with_action(ActionCode::AlreadyPaid)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use altyn_domain::{Currency, Money, PaymentId};

    use super::*;

    fn kzt(minor: i64) -> Money {
        Money::new(minor, Currency::KZT).unwrap()
    }

    #[test]
    fn refusals_have_the_codes_of_the_family() {
        let captured = || Refusal::WrongStatus(PaymentStatus::Captured);
        let exceeds = || Refusal::Exceeds {
            asked: kzt(2),
            available: kzt(1),
        };
        let unknown_currency = Refusal::CurrencyNotAccepted(Currency::KZT);
        let deposited = "deposited amount is exceeding approved amount";
        let state = |what| format!("{what} is impossible for current transaction state");
        let table = [
            (
                Refusal::PaymentNotFound,
                Verb::Refund,
                "6",
                "Order not found".to_owned(),
            ),
            (
                unknown_currency,
                Verb::Register,
                "3",
                "Unknown currency".to_owned(),
            ),
            (
                captured(),
                Verb::Deposit,
                "7",
                "Payment must be in approved state".to_owned(),
            ),
            (captured(), Verb::Reverse, "7", state("Reversal")),
            (captured(), Verb::Refund, "7", state("Refund")),
            (exceeds(), Verb::Deposit, "5", deposited.to_owned()),
            (
                exceeds(),
                Verb::Refund,
                "7",
                "Refund amount exceeds deposited amount".to_owned(),
            ),
            (
                Refusal::AmountInvalid,
                Verb::Deposit,
                "5",
                "deposit amount is invalid".to_owned(),
            ),
            (
                Refusal::AmountInvalid,
                Verb::Refund,
                "5",
                "Amount is invalid".to_owned(),
            ),
        ];
        for (refusal, verb, code, text) in table {
            let fault = of_refusal(&refusal, verb);
            assert_eq!(
                (fault.code, fault.text(Language::En)),
                (code, text),
                "{verb:?}"
            );
            assert_eq!(fault.status, StatusCode::OK);
        }
    }

    #[test]
    fn a_number_that_was_used_is_error_1() {
        let owner = PaymentId::parse(&"0".repeat(32)).unwrap();
        let fault = of_refusal(&Refusal::ReferenceTaken(owner), Verb::Register);
        assert_eq!(
            (fault.code, fault.message),
            ("1", Message::OrderNumberTaken)
        );
    }

    #[test]
    fn inner_text_never_reaches_the_wire() {
        let fault = of_engine(EngineError::Fault("table payments".to_owned()), Verb::Read);
        assert_eq!(
            (fault.code, fault.text(Language::En).as_str()),
            ("7", "System error")
        );
        let status = |failure| of_engine(failure, Verb::Pay).status;
        assert_eq!(status(EngineError::Busy), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            status(EngineError::Unavailable(None)),
            StatusCode::SERVICE_UNAVAILABLE
        );
        assert_eq!(
            status(EngineError::StateUnknown),
            StatusCode::INTERNAL_SERVER_ERROR
        );
    }
}
