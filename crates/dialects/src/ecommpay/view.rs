//! A payment in the words of this dialect: one total mapping, whoever asks and whatever for.
//!
//! A merchant hears only of operations of its own payment: what we do to get rid of money that came too
//! late is not shown. A try whose end nobody knows is shown as declined once the payment waits for it no
//! longer and cannot be paid any more; its own state stays as it is, and if the money comes all the same
//! while the payment is still open, that is shown.

use altyn_domain::{
    CardSummary, DeclineCode, MethodKind, Operation, OperationKind, OperationState, PayerAction,
    Payment, PaymentMethod, PaymentStatus, Project, Timestamp, Way,
};

use super::extra::{Door, Extra};
use super::gate::CARD;
use super::{Code, DIALECT, ProviderKind, code_of};

/// How the end of a payment that was given up is written: clients disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Spelling {
    /// `canceled`, as documented.
    #[default]
    Canceled,
    /// `cancelled`, if an endpoint has this word among its parameters.
    Cancelled,
}

impl Spelling {
    /// As an endpoint with these parameters wants it.
    pub(super) fn of(parameters: &[String]) -> Self {
        if parameters.iter().any(|name| name == "cancelled") {
            Self::Cancelled
        } else {
            Self::Canceled
        }
    }

    /// As the project wants it in answers: like any of its endpoints of this format.
    pub(super) fn of_project(project: &Project) -> Self {
        let settings = &project.settings;
        let endpoints = settings.endpoints.iter().chain(&settings.dynamic_endpoint);
        let ours = endpoints.filter(|endpoint| endpoint.format == DIALECT);
        let spellings = ours.map(|endpoint| Self::of(&endpoint.parameters));
        spellings
            .max_by_key(|s| *s == Self::Cancelled)
            .unwrap_or_default()
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Canceled => "canceled",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// `operation.status`.
    pub status: &'static str,
    /// `operation.code`, and its message.
    pub code: Code,
}

impl Standing {
    const fn waiting(status: &'static str) -> Self {
        Self {
            status,
            code: Code::AWAITING_PROCESSING,
        }
    }

    const fn declined(code: Code) -> Self {
        Self {
            status: "decline",
            code,
        }
    }
}

/// A payment as merchants see it.
pub(super) struct View<'a> {
    /// The payment.
    pub payment: &'a Payment,
    /// What this dialect kept with its order.
    pub extra: Extra,
    project: &'a Project,
    spelling: Spelling,
}

impl<'a> View<'a> {
    pub(super) fn new(payment: &'a Payment, project: &'a Project, spelling: Spelling) -> Self {
        Self {
            payment,
            extra: Extra::of(payment),
            project,
            spelling,
        }
    }

    /// `payment.type`.
    pub(super) const fn payment_type(&self) -> &'static str {
        match self.payment.way {
            Way::Purchase | Way::Hold => "purchase",
            Way::Verify => "account verification",
        }
    }

    /// `payment.status`.
    pub(super) fn payment_status(&self) -> &'static str {
        let sums = self.payment.sums;
        match self.payment.status() {
            PaymentStatus::AwaitingPayment => self.open_status(),
            PaymentStatus::Processing => {
                let tried = self.payment.try_in_flight();
                tried.map_or("processing", |tried| self.waiting_word(tried))
            }
            PaymentStatus::Authorized => "awaiting capture",
            PaymentStatus::Captured | PaymentStatus::Verified => "success",
            PaymentStatus::PartiallyRefunded if sums.refunded == 0 => "partially reversed",
            PaymentStatus::PartiallyRefunded => "partially refunded",
            PaymentStatus::Refunded => "refunded",
            PaymentStatus::Voided if sums.captured > 0 => "reversed",
            PaymentStatus::Voided | PaymentStatus::Cancelled => self.spelling.word(),
            PaymentStatus::Declined => "decline",
            PaymentStatus::Expired if self.payment.last_try().is_none() => "expired",
            PaymentStatus::Expired => "decline",
        }
    }

    /// Nothing is in flight, and the payment may still be paid, if only by a try of which nobody knows
    /// the end.
    fn open_status(&self) -> &'static str {
        match (self.extra.door, self.payment.last_try()) {
            _ if self.is_over() => "decline",
            (Door::Gate, None) => "processing",
            (Door::Page, _) | (Door::Gate, Some(_)) => "awaiting customer",
        }
    }

    /// Whether nothing that the payer can do will pay it any more, and it is not paid.
    fn is_over(&self) -> bool {
        let payment = self.payment;
        let used_up = match self.extra.door {
            // One request is one try, however many the payment may have.
            Door::Gate => payment.last_try().is_some(),
            Door::Page => payment.tries_left() == 0,
        };
        let stopped = used_up && payment.try_in_flight().is_none();
        payment.completed_by.is_none() && (payment.end.is_some() || stopped)
    }

    /// `payment.sum`: what can still be refunded of a payment that is captured, all of any other.
    pub(super) fn sum(&self) -> i64 {
        if self.payment.sums.captured > 0 {
            self.payment.deposited()
        } else {
            self.payment.amount.minor()
        }
    }

    /// The operations that are shown, in the order in which they were made.
    pub(super) fn operations(&self) -> impl DoubleEndedIterator<Item = &'a Operation> {
        let unpaid = self.payment.completed_by.is_none();
        let operations = self.payment.operations.iter();
        operations.filter(move |operation| {
            // A try that came too late for a payment that is over was shown before.
            let of_payment = !operation.surplus || (unpaid && operation.kind.is_try());
            of_payment && operation_type(operation.kind).is_some()
        })
    }

    /// The try whose instrument is shown with an operation: itself, the one that paid, or the newest.
    pub(super) fn shown_try(&self, operation: Option<&'a Operation>) -> Option<&'a Operation> {
        let itself = operation.filter(|operation| operation.kind.is_try());
        itself
            .or_else(|| self.payment.winner())
            .or_else(|| self.payment.last_try())
    }

    /// `payment.method`, as told with an operation.
    pub(super) fn method_name(&self, operation: Option<&'a Operation>) -> Option<&'a str> {
        let tried = self.shown_try(operation)?;
        Some(match self.provider_kind(tried) {
            ProviderKind::Card => CARD,
            ProviderKind::Wallet => &tried.method,
        })
    }

    /// The method that carries an operation out, if the project still has it.
    fn method(&self, operation: &Operation) -> Option<&'a PaymentMethod> {
        self.project.method(&operation.method)
    }

    fn provider_kind(&self, operation: &Operation) -> ProviderKind {
        match self.method(operation).map(|method| method.kind) {
            Some(MethodKind::Card) => ProviderKind::Card,
            Some(MethodKind::Wallet) => ProviderKind::Wallet,
            None if operation.card.is_some() => ProviderKind::Card,
            None => ProviderKind::Wallet,
        }
    }

    /// `operation.provider.id`.
    pub(super) fn provider_number(&self, operation: &Operation) -> u32 {
        let numbers = self.method(operation).map(|method| method.provider);
        let numbers = numbers.unwrap_or_default();
        if gives_back(operation.kind) {
            numbers.refund
        } else {
            numbers.purchase
        }
    }

    /// The card to show with an operation.
    pub(super) fn card(&self, operation: Option<&'a Operation>) -> Option<&'a CardSummary> {
        self.shown_try(operation)?.card.as_ref()
    }

    /// `operation.status` and what goes with it.
    pub(super) fn standing(&self, operation: &Operation) -> Standing {
        if self.is_given_up(operation) {
            return Standing::declined(Code::AUTO_DECLINE);
        }
        match operation.state {
            OperationState::Created | OperationState::Sent | OperationState::Pending => {
                Standing::waiting(self.waiting_word(operation))
            }
            OperationState::Succeeded => Standing {
                status: "success",
                code: Code::SUCCESS,
            },
            OperationState::Declined | OperationState::Voided => {
                let reason = operation.decline.unwrap_or(DeclineCode::General);
                Standing::declined(code_of(reason, self.provider_kind(operation)))
            }
        }
    }

    /// Whether it is a try that was still open when the payment could not be paid any more: it was told
    /// to be declined, whatever became of it later.
    fn is_given_up(&self, operation: &Operation) -> bool {
        if !operation.kind.is_try() || !self.is_over() {
            return false;
        }
        let came_late = |finished_at: Timestamp| {
            let ended_at = self.payment.end.map(|end| end.at);
            ended_at.is_some_and(|ended_at| finished_at > ended_at)
        };
        operation.surplus || operation.finished_at.is_none_or(came_late)
    }

    /// An operation that is still open: what it waits for.
    fn waiting_word(&self, operation: &Operation) -> &'static str {
        match operation.action {
            _ if operation.period_over => "processing",
            None => "processing",
            Some(PayerAction::Redirect { .. }) => "awaiting redirect result",
            // The shop is given the address of our own page.
            Some(_) if self.is_led_to_our_page(operation) => "awaiting redirect result",
            Some(PayerAction::DeviceCheck { .. } | PayerAction::Challenge { .. }) => {
                "awaiting 3ds result"
            }
        }
    }

    /// Whether the shop leads the payer, and leaves 3-D Secure to us.
    pub(super) fn is_led_to_our_page(&self, operation: &Operation) -> bool {
        let by_shop = operation.initiator == altyn_domain::Initiator::Merchant;
        by_shop && self.extra.acs_return_url.is_none()
    }

    /// `operation.date`: its last change.
    pub(super) fn changed_at(&self, operation: &Operation) -> Timestamp {
        let ended_at = self.payment.end.map(|end| end.at);
        let given_up_at = ended_at.filter(|_| self.is_given_up(operation));
        let changed_at = given_up_at.or(operation.finished_at);
        changed_at.unwrap_or(self.payment.updated_at)
    }
}

/// `operation.type`; `None` for what merchants are told in another way.
pub(super) const fn operation_type(kind: OperationKind) -> Option<&'static str> {
    match kind {
        OperationKind::Sale => Some("sale"),
        OperationKind::Auth => Some("auth"),
        OperationKind::Verify => Some("account verification"),
        OperationKind::Capture => Some("capture"),
        OperationKind::Void => Some("cancel"),
        OperationKind::Refund => Some("refund"),
        OperationKind::Reversal => Some("reversal"),
        OperationKind::Payout => Some("payout"),
        OperationKind::Chargeback => None,
    }
}

/// Whether it gives captured money back: asked for by the merchant, or by a rule.
pub(super) const fn gives_back(kind: OperationKind) -> bool {
    matches!(kind, OperationKind::Refund | OperationKind::Reversal)
}

#[cfg(test)]
mod tests {
    use altyn_domain::EndReason;

    use super::super::samples::{Sample, challenge, device_check, project, redirect};
    use super::super::standings::standings;
    use super::*;

    /// Payment status, sum, and each operation: type, status, code.
    type Told = (&'static str, i64, Vec<(&'static str, &'static str, u32)>);

    fn told(payment: &Payment, spelling: Spelling) -> Told {
        let project = project();
        let view = View::new(payment, &project, spelling);
        let operations = view.operations().map(|operation| {
            let standing = view.standing(operation);
            let kind = operation_type(operation.kind).unwrap();
            (kind, standing.status, standing.code.number())
        });
        (view.payment_status(), view.sum(), operations.collect())
    }

    #[test]
    fn every_standing_has_its_words() {
        let mut seen = Vec::new();
        for (name, sample, (status, sum, operations)) in standings() {
            let payment = sample.payment();
            seen.push(payment.status());
            let expected = (status, sum, operations);
            assert_eq!(told(&payment, Spelling::Canceled), expected, "{name}");
        }
        for status in PaymentStatus::ALL {
            assert!(
                seen.contains(&status),
                "{status:?} is not shown by the table"
            );
        }
    }

    #[test]
    fn one_word_has_two_spellings() {
        let held = Sample::new(Way::Hold).paid();
        let given_up = held.then(OperationKind::Void, OperationState::Succeeded, 1_000);
        let withdrawn = Sample::page(Way::Purchase).ended(EndReason::Cancelled);
        for sample in [given_up, withdrawn] {
            let payment = sample.payment();
            assert_eq!(told(&payment, Spelling::Canceled).0, "canceled");
            assert_eq!(told(&payment, Spelling::Cancelled).0, "cancelled");
        }
        let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            Spelling::of(&words(&["x", "cancelled"])),
            Spelling::Cancelled
        );
        assert_eq!(Spelling::of(&words(&["canceled"])), Spelling::Canceled);
        assert_eq!(Spelling::of_project(&project()), Spelling::Canceled);
    }

    #[test]
    fn every_reason_of_a_refusal_is_told_by_its_provider() {
        let project = project();
        for code in DeclineCode::ALL {
            let wallet = Sample::new(Way::Purchase).refused(code);
            let card = Sample::new(Way::Purchase).refused(code).by_card();
            // The method is no longer there.
            let gone = |o: &mut Operation| o.method = "gone".to_owned();
            let expected = [
                (wallet.clone(), ProviderKind::Wallet),
                (wallet.last(gone), ProviderKind::Wallet),
                (card.clone(), ProviderKind::Card),
                (card.last(gone), ProviderKind::Card),
            ];
            for (sample, provider) in expected {
                let payment = sample.ended(EndReason::Declined).late().payment();
                let view = View::new(&payment, &project, Spelling::default());
                // As long as it was in time.
                let mut in_time = payment.operations[0].clone();
                in_time.finished_at = payment.end.map(|end| end.at);
                assert_eq!(view.standing(&in_time).code, code_of(code, provider));
                assert_eq!(
                    view.standing(&payment.operations[0]).code,
                    Code::AUTO_DECLINE
                );
            }
        }
    }

    #[test]
    fn instruments_are_those_of_the_try_that_paid() {
        let project = project();
        let refused = Sample::page(Way::Purchase).refused(DeclineCode::General);
        let paid = refused.paid().by_card();
        let refunded = paid.then(OperationKind::Refund, OperationState::Succeeded, 10);
        let payment = refunded.payment();
        let view = View::new(&payment, &project, Spelling::default());
        let [first, second, refund] = &payment.operations[..] else {
            panic!("three operations");
        };
        assert_eq!(view.method_name(Some(first)), Some("wallet-partner"));
        assert_eq!(view.method_name(Some(second)), Some("card"));
        assert_eq!(view.method_name(Some(refund)), Some("card"));
        assert_eq!(view.method_name(None), Some("card"));
        assert!(view.card(Some(first)).is_none() && view.card(Some(refund)).is_some());
        assert_eq!(view.provider_number(first), 1731);
        let by_wallet = |kind| Operation {
            kind,
            method: "wallet-partner".to_owned(),
            ..refund.clone()
        };
        assert_eq!(
            view.provider_number(&by_wallet(OperationKind::Refund)),
            1751
        );
        assert_eq!(view.provider_number(&by_wallet(OperationKind::Void)), 1731);
        assert_eq!(view.provider_number(second), 0);
        let none = Sample::page(Way::Purchase).payment();
        let view = View::new(&none, &project, Spelling::default());
        assert_eq!(view.method_name(None), None);
    }

    #[test]
    fn dates_are_those_of_the_last_change() {
        let project = project();
        let date = |sample: Sample| {
            let payment = sample.payment();
            let view = View::new(&payment, &project, Spelling::default());
            view.changed_at(&payment.operations[0])
                .millis_since(payment.created_at)
        };
        let open = Sample::new(Way::Purchase).tried(OperationState::Pending);
        assert_eq!(date(open.clone()), 0);
        assert_eq!(date(open.clone().asked(redirect())), 0);
        let over = open.period_over().ended(EndReason::Expired);
        assert_eq!(date(over), 60_000);
        let late = Sample::new(Way::Purchase).refused(DeclineCode::General);
        assert_eq!(date(late.clone()), 1_000);
        assert_eq!(date(late.ended(EndReason::Expired).late()), 60_000);
    }

    #[test]
    fn shops_that_leave_3d_secure_to_us_are_told_of_a_redirect() {
        for action in [device_check(), challenge()] {
            let status = |sample: Sample| {
                let tried = sample.tried(OperationState::Pending).by_card();
                told(&tried.asked(action.clone()).payment(), Spelling::default()).0
            };
            let gate = Sample::new(Way::Purchase);
            assert_eq!(status(gate.clone()), "awaiting redirect result");
            assert_eq!(status(gate.own_authentication()), "awaiting 3ds result");
            assert_eq!(status(Sample::page(Way::Purchase)), "awaiting 3ds result");
        }
    }
}
