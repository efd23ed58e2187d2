//! The one total mapping from a payment to the family's order status, action code, states and amounts.

use altyn_domain::{
    DeclineCode, Operation, OperationKind, OperationState, PayerAction, Payment, PaymentStatus,
};

use super::action_code::ActionCode;

/// Where an order stands in the family's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OrderStatus {
    /// 0 registered, 1 held, 2 deposited, 3 reversed, 4 refunded, 5 at the issuer, 6 declined, 7 waiting,
    /// 8 deposited in part.
    pub number: u8,
    pub action: ActionCode,
    pub state: PaymentState,
}

/// The words of `paymentState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PaymentState {
    Created,
    Approved,
    Deposited,
    Declined,
    Reversed,
    Refunded,
}

impl PaymentState {
    pub(super) const ALL: [Self; 6] = [
        Self::Created,
        Self::Approved,
        Self::Deposited,
        Self::Declined,
        Self::Reversed,
        Self::Refunded,
    ];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Approved => "APPROVED",
            Self::Deposited => "DEPOSITED",
            Self::Declined => "DECLINED",
            Self::Reversed => "REVERSED",
            Self::Refunded => "REFUNDED",
        }
    }

    /// The statuses of payments that are shown in this state.
    pub(super) const fn statuses(self) -> &'static [PaymentStatus] {
        match self {
            Self::Created => &[PaymentStatus::AwaitingPayment, PaymentStatus::Processing],
            Self::Approved => &[PaymentStatus::Authorized],
            Self::Deposited => &[PaymentStatus::Captured],
            Self::Declined => &[
                PaymentStatus::Declined,
                PaymentStatus::Cancelled,
                PaymentStatus::Expired,
            ],
            Self::Reversed => &[PaymentStatus::Voided, PaymentStatus::Verified],
            Self::Refunded => &[PaymentStatus::PartiallyRefunded, PaymentStatus::Refunded],
        }
    }
}

/// Where an order stands. A refusal counts as the end of the order only when no attempt is left; a try
/// whose outcome is unknown is neither success nor refusal.
pub(super) fn order_status(payment: &Payment) -> OrderStatus {
    use PaymentState as P;
    let status = |number, action, state| OrderStatus {
        number,
        action,
        state,
    };
    match payment.status() {
        PaymentStatus::AwaitingPayment => status(0, waiting_action(payment), P::Created),
        PaymentStatus::Processing => in_flight(payment),
        PaymentStatus::Authorized => status(1, ActionCode::Success, P::Approved),
        PaymentStatus::Captured if payment.uncaptured() > 0 => {
            status(8, ActionCode::Success, P::Deposited)
        }
        PaymentStatus::Captured => status(2, ActionCode::Success, P::Deposited),
        PaymentStatus::PartiallyRefunded | PaymentStatus::Refunded => {
            status(4, ActionCode::Success, P::Refunded)
        }
        // The family ends the check of a card by giving the hold up.
        PaymentStatus::Voided | PaymentStatus::Verified => {
            status(3, ActionCode::Success, P::Reversed)
        }
        PaymentStatus::Declined => {
            let code = payment.visible_decline().unwrap_or(DeclineCode::General);
            status(6, ActionCode::Declined(code), P::Declined)
        }
        PaymentStatus::Cancelled => status(6, ActionCode::DeclinedByMerchant, P::Declined),
        PaymentStatus::Expired => status(6, ActionCode::TimeOver, P::Declined),
    }
}

/// Registered and no try in flight: never tried, refused with attempts left, or a try of which nobody
/// knows the end and for which the payment waits no longer.
fn waiting_action(payment: &Payment) -> ActionCode {
    let Some(last) = payment.last_try() else {
        return ActionCode::NoAttempt;
    };
    if last.state.is_open() {
        return ActionCode::OutcomePending;
    }
    payment
        .visible_decline()
        .map_or(ActionCode::NoAttempt, ActionCode::Declined)
}

fn in_flight(payment: &Payment) -> OrderStatus {
    let (number, action) = match payment.try_in_flight().and_then(|o| o.action.as_ref()) {
        Some(PayerAction::DeviceCheck { .. } | PayerAction::Challenge { .. }) => {
            (5, ActionCode::Started)
        }
        Some(PayerAction::Redirect { .. }) => (7, ActionCode::OutcomePending),
        None => (0, ActionCode::OutcomePending),
    };
    OrderStatus {
        number,
        action,
        state: PaymentState::Created,
    }
}

/// The amounts that the family shows, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Amounts {
    /// Held and not given up. A deposit does not change it: what it releases was approved all the same.
    pub approved: i64,
    /// Taken and still with the merchant.
    pub deposited: i64,
    /// Given back.
    pub refunded: i64,
}

/// The amounts that the family shows.
pub(super) fn amounts(payment: &Payment) -> Amounts {
    let undone = |operation: &&Operation| {
        matches!(
            operation.kind,
            OperationKind::Void | OperationKind::Reversal
        ) && operation.state == OperationState::Succeeded
            && !operation.surplus
    };
    let given_up: i64 = payment
        .operations
        .iter()
        .filter(undone)
        .map(|o| o.amount)
        .sum();
    Amounts {
        approved: payment.sums.held - given_up,
        deposited: payment.deposited(),
        refunded: payment.sums.refunded,
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Sample, challenge, device_check};
    use super::*;
    use altyn_domain::{DeclineCode, EndReason, HttpMethod, Way};

    /// Name, standing, order status, action code, payment state, amounts approved, deposited, refunded.
    type Row = (&'static str, Sample, u8, i32, &'static str, [i64; 3]);

    fn redirect() -> PayerAction {
        PayerAction::Redirect {
            url: "https://bank.kz/".to_owned(),
            method: HttpMethod::Get,
            fields: [].into(),
        }
    }

    #[test]
    fn every_standing_has_its_status() {
        use {OperationKind as K, OperationState as S};
        let hold = || Sample::new(Way::Hold).paid();
        let sale = || Sample::new(Way::Purchase).paid();
        let tried = |state| Sample::new(Way::Purchase).tried(state);
        let redirect = redirect();
        let general = DeclineCode::General;
        #[rustfmt::skip]
        let table: Vec<Row> = vec![
            ("registered", Sample::new(Way::Purchase), 0, -100, "CREATED", [0, 0, 0]),
            ("registered to hold", Sample::new(Way::Hold), 0, -100, "CREATED", [0, 0, 0]),
            ("sent", tried(S::Sent), 0, -30001, "CREATED", [0, 0, 0]),
            ("outcome unknown", tried(S::Pending), 0, -30001, "CREATED", [0, 0, 0]),
            ("unknown, no longer waited for", tried(S::Pending).period_over(), 0, -30001, "CREATED", [0, 0, 0]),
            ("device check", tried(S::Pending).asked(device_check()), 5, -9000, "CREATED", [0, 0, 0]),
            ("challenge", tried(S::Pending).asked(challenge()), 5, -9000, "CREATED", [0, 0, 0]),
            ("at another page", tried(S::Pending).asked(redirect), 7, -30001, "CREATED", [0, 0, 0]),
            ("refused, tries left", Sample::new(Way::Purchase).refused(DeclineCode::InsufficientFunds), 0, 116, "CREATED", [0, 0, 0]),
            ("refused, tried again", Sample::new(Way::Purchase).refused(general).tried(S::Pending), 0, -30001, "CREATED", [0, 0, 0]),
            ("refused for good", Sample::new(Way::Purchase).refused(DeclineCode::ExpiredCard).ended(EndReason::Declined), 6, 101, "DECLINED", [0, 0, 0]),
            ("withdrawn", Sample::new(Way::Purchase).ended(EndReason::Cancelled), 6, 4005, "DECLINED", [0, 0, 0]),
            ("withdrawn after a refusal", Sample::new(Way::Purchase).refused(general).ended(EndReason::Cancelled), 6, 4005, "DECLINED", [0, 0, 0]),
            ("time over", Sample::new(Way::Hold).ended(EndReason::Expired), 6, -2007, "DECLINED", [0, 0, 0]),
            ("time over, unknown try", tried(S::Pending).period_over().ended(EndReason::Expired), 6, -2007, "DECLINED", [0, 0, 0]),
            ("held", hold(), 1, 0, "APPROVED", [1000, 0, 0]),
            ("held, capture in flight", hold().then(K::Capture, S::Pending, 1000), 1, 0, "APPROVED", [1000, 0, 0]),
            ("held, capture refused", hold().then(K::Capture, S::Declined, 1000), 1, 0, "APPROVED", [1000, 0, 0]),
            ("held, part given up", hold().then(K::Void, S::Succeeded, 300), 1, 0, "APPROVED", [700, 0, 0]),
            ("captured", hold().then(K::Capture, S::Succeeded, 1000), 2, 0, "DEPOSITED", [1000, 1000, 0]),
            ("captured in part", hold().release(400), 2, 0, "DEPOSITED", [1000, 400, 0]),
            ("captured in part, rest kept", hold().then(K::Capture, S::Succeeded, 400), 8, 0, "DEPOSITED", [1000, 400, 0]),
            ("paid", sale(), 2, 0, "DEPOSITED", [1000, 1000, 0]),
            ("paid after a refusal", Sample::new(Way::Purchase).refused(general).paid(), 2, 0, "DEPOSITED", [1000, 1000, 0]),
            ("refund in flight", sale().then(K::Refund, S::Pending, 300), 2, 0, "DEPOSITED", [1000, 1000, 0]),
            ("refunded in part", sale().then(K::Refund, S::Succeeded, 300), 4, 0, "REFUNDED", [1000, 700, 300]),
            ("refunded", sale().then(K::Refund, S::Succeeded, 1000), 4, 0, "REFUNDED", [1000, 0, 1000]),
            ("given up", hold().then(K::Void, S::Succeeded, 1000), 3, 0, "REVERSED", [0, 0, 0]),
            ("undone", sale().then(K::Reversal, S::Succeeded, 1000), 3, 0, "REVERSED", [0, 0, 0]),
            ("card checked", Sample::new(Way::Verify).paid(), 3, 0, "REVERSED", [0, 0, 0]),
        ];
        let mut seen = Vec::new();
        for (name, sample, number, action, state, [approved, deposited, refunded]) in table {
            let payment = sample.payment();
            seen.push(payment.status());
            let told = order_status(&payment);
            assert_eq!(
                (told.number, told.action.number(), told.state.word()),
                (number, action, state),
                "{name}"
            );
            assert_eq!(
                amounts(&payment),
                Amounts {
                    approved,
                    deposited,
                    refunded
                },
                "{name}"
            );
            assert!(told.state.statuses().contains(&payment.status()), "{name}");
        }
        for status in PaymentStatus::ALL {
            assert!(
                seen.contains(&status),
                "{status:?} is not shown by the table"
            );
        }
    }

    #[test]
    fn every_reason_of_a_refusal_is_told() {
        for code in DeclineCode::ALL {
            let payment = Sample::new(Way::Purchase).refused(code).payment();
            assert_eq!(order_status(&payment).action, ActionCode::Declined(code));
        }
    }

    #[test]
    fn states_and_statuses_are_one_partition() {
        for status in PaymentStatus::ALL {
            let states = PaymentState::ALL
                .iter()
                .filter(|s| s.statuses().contains(&status));
            assert_eq!(states.count(), 1, "{status:?}");
        }
    }
}
