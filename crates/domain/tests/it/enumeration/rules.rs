//! What the phrases of the table mean: whether a row fits a step, and whether the step keeps it.

use altyn_domain::{
    Decision, DeclineCode, EntryKind, EventKind, IncidentKind, Initiator, Operation, OperationKind,
    OperationState, PaymentStatus, Phase,
};

use super::table::{Before, Done, Follows, Happens, Row, Shown, Stands, Then};
use super::world::{Act, Case, Said, World};

/// Something that happened and was carried out.
pub struct Step<'a> {
    pub case: &'a Case,
    pub before: &'a World,
    pub act: Act,
    pub after: &'a World,
    pub decision: &'a Decision,
}

/// Whether the payment is paid and still has some of the money.
fn is_paid(status: PaymentStatus) -> bool {
    use PaymentStatus as S;
    matches!(status, S::Authorized | S::Captured | S::PartiallyRefunded)
}

fn is_over(status: PaymentStatus) -> bool {
    use PaymentStatus as S;
    matches!(
        status,
        S::Declined | S::Cancelled | S::Expired | S::Voided | S::Refunded
    )
}

impl Step<'_> {
    /// The operation that it is about, as it was.
    fn subject(&self) -> Option<&Operation> {
        match self.act {
            Act::Answer(number, _) | Act::PeriodFires(number) => {
                Some(self.before.operation(number))
            }
            _ => None,
        }
    }

    /// The try that it is about, as it was.
    fn its_try(&self) -> Option<&Operation> {
        self.subject().filter(|operation| operation.kind.is_try())
    }

    fn said(&self) -> Option<Said> {
        match self.act {
            Act::Answer(_, said) => Some(said),
            _ => None,
        }
    }

    /// An end of a try that was not known before.
    fn first_end(&self) -> Option<(&Operation, bool)> {
        let its_try = self.its_try().filter(|o| o.state.is_open())?;
        match self.said()? {
            Said::Yes => Some((its_try, true)),
            Said::No | Said::Undone | Said::Lost => Some((its_try, false)),
            Said::Unknown => None,
        }
    }

    /// Whether the payment waits for this try.
    fn is_in_flight(&self, its_try: &Operation) -> bool {
        self.before.payment.status() == PaymentStatus::Processing
            && its_try.state.is_open()
            && !its_try.period_over
    }

    /// Whether the payment waits past its time and a timer finds it out: that is the end of its time, be it
    /// the timer of a try that is still open.
    pub fn ends_in_time(&self) -> bool {
        let of_open_try = || self.its_try().is_some_and(|o| o.state.is_open());
        let finds_out = match self.act {
            Act::ExpiryFires => true,
            Act::PeriodFires(_) => of_open_try(),
            _ => false,
        };
        finds_out
            && self.before.payment.status() == PaymentStatus::AwaitingPayment
            && self.before.is_late()
    }

    /// Whether the table has to say something about it.
    pub fn concerns_the_table(&self) -> bool {
        let asks = match self.act {
            Act::Begin => true,
            Act::PeriodFires(_) => true,
            Act::ExpiryFires => {
                self.before.payment.status() == PaymentStatus::Processing && self.before.is_late()
            }
            Act::Answer(..) => self.first_end().is_some(),
            _ => false,
        };
        asks && !self.ends_in_time()
    }

    fn kind_of_incidents(&self) -> Vec<IncidentKind> {
        let incidents = &self.decision.effects.incidents;
        incidents.iter().map(|incident| incident.kind).collect()
    }

    /// Operations that the step created.
    fn created(&self) -> &[Operation] {
        &self.after.payment.operations[self.before.payment.operations.len()..]
    }
}

impl Row {
    /// Whether this row speaks of the step.
    pub fn fits(&self, step: &Step<'_>) -> bool {
        self.before_fits(step) && self.happens_fits(step)
    }

    fn before_fits(&self, step: &Step<'_>) -> bool {
        let payment = &step.before.payment;
        let status = payment.status();
        let its_try = step.its_try();
        let winner = payment.winner();
        match self.before {
            Before::Waits => status == PaymentStatus::AwaitingPayment,
            Before::Processing => status == PaymentStatus::Processing,
            Before::Paid => is_paid(status),
            Before::Over => is_over(status),
            Before::PaidOrOver => is_paid(status) || is_over(status),
            Before::Any => true,
            Before::WaitsAfterPeriod => {
                status == PaymentStatus::AwaitingPayment && its_try.is_some_and(|o| o.period_over)
            }
            Before::ProcessingSecond => {
                let in_flight = payment.try_in_flight();
                let newer = |o: &Operation| in_flight.is_some_and(|f| f.number > o.number);
                status == PaymentStatus::Processing && its_try.is_some_and(newer)
            }
            Before::PaidByLate => is_paid(status) && winner.is_some_and(|o| o.period_over),
            Before::PaidBySecond => {
                let newer = |o: &Operation| winner.is_some_and(|w| w.number > o.number);
                is_paid(status) && its_try.is_some_and(newer)
            }
            Before::NotWaitingForIt => {
                its_try.is_some_and(|o| !step.is_in_flight(o)) && !step.ends_in_time()
            }
        }
    }

    fn happens_fits(&self, step: &Step<'_>) -> bool {
        let period = matches!(step.act, Act::PeriodFires(_));
        let in_flight = step.its_try().is_some_and(|o| step.is_in_flight(o));
        let end = step.first_end();
        let success = end.is_some_and(|(_, success)| success);
        let failure = end.is_some_and(|(_, success)| !success);
        let late = step.its_try().is_some_and(|o| o.period_over);
        let winner = step.before.payment.completed_by;
        let second = step
            .its_try()
            .is_some_and(|o| winner.is_some_and(|w| o.number > w));
        let state = step.subject().map(|o| o.state);
        let refused = matches!(
            state,
            Some(OperationState::Declined | OperationState::Voided)
        );
        let succeeded = state == Some(OperationState::Succeeded);
        let said = step.said();
        match self.happens {
            Happens::TryBegins => step.act == Act::Begin,
            Happens::SuccessInTime => success && in_flight,
            Happens::FailureInTime => failure && in_flight,
            Happens::PeriodEnds => period,
            Happens::PeriodEndsWaitedFor => period && in_flight,
            Happens::PeriodEndsMustDecline => {
                period && in_flight && step.before.payment.tries_left() == 0
            }
            Happens::LateSuccess => success && late,
            Happens::LateFailure => failure && late,
            Happens::SecondSucceeds => success && second,
            Happens::SecondFails => failure && second,
            Happens::Success => success,
            Happens::Failure => failure,
            Happens::HoldSucceeds => {
                success
                    && step
                        .its_try()
                        .is_some_and(|o| o.kind == OperationKind::Auth)
            }
            Happens::Same => {
                let again = matches!(said, Some(Said::No | Said::Undone));
                (succeeded && said == Some(Said::Yes)) || (refused && again)
            }
            Happens::Contradicts => match step.act {
                Act::Answer(number, said) => step.before.contradicts(number, said),
                _ => false,
            },
            Happens::SuccessAfterDecline => {
                refused && said == Some(Said::Yes) && step.its_try().is_some()
            }
            Happens::TimeEnds => step.act == Act::ExpiryFires && step.before.is_late(),
        }
    }

    /// Holds the step against the row.
    ///
    /// # Panics
    /// If it breaks the row.
    pub fn hold(&self, step: &Step<'_>) {
        self.hold_then(step);
        self.hold_shown(step);
        for done in &self.done {
            self.hold_done(*done, step);
        }
    }

    fn hold_then(&self, step: &Step<'_>) {
        let (before, after) = (&step.before.payment, &step.after.payment);
        let expired = step.after.is_late().then_some(PaymentStatus::Expired);
        let expected = match self.then {
            Then::Processing => PaymentStatus::Processing,
            Then::Paid if step.case.choice.way == altyn_domain::Way::Hold => {
                PaymentStatus::Authorized
            }
            Then::Paid => PaymentStatus::Captured,
            Then::WaitsOrExpired => expired.unwrap_or(PaymentStatus::AwaitingPayment),
            Then::WaitsOrOver => {
                let declined = (after.tries_left() == 0).then_some(PaymentStatus::Declined);
                expired
                    .or(declined)
                    .unwrap_or(PaymentStatus::AwaitingPayment)
            }
            Then::Unchanged => before.status(),
        };
        assert_eq!(after.status(), expected, "the payment then");
        if self.then == Then::Paid {
            let its_try = step.its_try().map(|o| o.number);
            assert_eq!(after.completed_by, its_try, "paid by this try");
        } else {
            assert_eq!(after.completed_by, before.completed_by, "who paid it");
            assert_eq!(after.sums, before.sums, "sums");
        }
    }

    fn hold_shown(&self, step: &Step<'_>) {
        let before = step.before.payment.visible_decline();
        let after = step.after.payment.visible_decline();
        let own = step.its_try().map(|o| step.after.operation(o.number));
        let own: Option<DeclineCode> = own.and_then(|o| o.decline);
        match self.shown {
            Shown::Nothing => assert_eq!(after, None, "shown"),
            Shown::Unchanged => assert_eq!(after, before, "shown"),
            Shown::ThisReason => assert!(own.is_some() && after == own, "shown: {after:?}"),
            Shown::NewestReason => {
                assert!(after.is_some(), "a reason is shown");
                assert_eq!(after, step.after.newest_reason(), "shown");
            }
            Shown::NothingNew => {
                assert_eq!(own, None, "a try without an answer says nothing");
                assert_eq!(after, step.before.newest_reason(), "shown");
            }
        }
    }

    fn hold_done(&self, done: Done, step: &Step<'_>) {
        let moved: Vec<_> = step
            .decision
            .effects
            .postings
            .iter()
            .map(|p| (p.entry, p.phase))
            .collect();
        let incidents = step.kind_of_incidents();
        // What the balance pays of this try.
        let share = step.its_try().is_some_and(|o| o.on_balance > 0);
        let of_share = |phase| Vec::from_iter(share.then_some((EntryKind::Sale, phase)));
        match done {
            Done::Nothing | Done::NoNewTries | Done::StaysOpen => {
                assert!(moved.is_empty() && incidents.is_empty(), "nothing is done");
                assert!(step.created().is_empty(), "operations");
            }
            Done::Reserved => assert_reserved(&moved, step),
            Done::Booked => {
                let booked = if step.case.choice.way == altyn_domain::Way::Hold {
                    (EntryKind::Hold, Phase::Pending)
                } else {
                    (EntryKind::Sale, Phase::Posted)
                };
                let mut expected = of_share(Phase::Posted);
                expected.push(booked);
                assert_eq!(moved, expected, "booked");
                assert!(incidents.is_empty() && step.created().is_empty());
            }
            Done::Kept => {
                let own = step.its_try().map(|o| step.after.operation(o.number));
                let own = own.expect("it is about a try");
                assert!(own.decline.is_some() && own.finished_at.is_some(), "kept");
                assert_eq!(moved, of_share(Phase::Released), "given up");
                assert!(incidents.is_empty() && step.created().is_empty());
            }
            Done::Surplus => self.hold_surplus(&moved, step),
            Done::Incident if self.done.contains(&Done::Surplus) => {
                assert_eq!(incidents, [IncidentKind::Surplus], "one incident");
            }
            Done::Incident => {
                assert_eq!(incidents, [IncidentKind::Contradiction], "an incident");
                // Which end exactly is told does not matter to that.
                if matches!(step.said(), Some(Said::Yes | Said::No)) {
                    assert_one_until_looked(step);
                }
                assert!(moved.is_empty() && step.created().is_empty(), "booked");
            }
            Done::Voided => {
                assert!(moved.is_empty(), "a hold that nobody needs moves no money");
                assert_goes_back(step, OperationKind::Void);
            }
        }
        if done == Done::NoNewTries {
            let refused = step.after.clone().play(step.case, Act::Begin).is_err();
            assert!(refused, "no new tries");
        }
        if done == Done::StaysOpen {
            let its_try = step.its_try().expect("it is about a try").number;
            assert!(step.after.operation(its_try).state.is_open(), "it is open");
            let over = |e: &&altyn_domain::Event| e.kind == EventKind::PeriodOver;
            let told = step.decision.effects.events.iter().filter(over).count();
            assert_eq!(told, 1, "who must say so is told");
        }
    }

    /// It is marked, what it reserved on the balance is given up, and the gateway's money stands and goes where
    /// the policy says.
    fn hold_surplus(&self, moved: &[(EntryKind, Phase)], step: &Step<'_>) {
        let its_try = step.its_try().expect("it is about a try");
        let after = step.after.operation(its_try.number);
        assert!(after.surplus, "marked");
        let (stands, follows) = step.case.surplus;
        let is_sale = its_try.kind == OperationKind::Sale;
        let mut expected = Vec::new();
        if its_try.on_balance > 0 {
            expected.push((EntryKind::Sale, Phase::Released));
        }
        if is_sale {
            expected.push((EntryKind::Surplus, Phase::Posted));
        }
        let credited = is_sale && stands == Stands::OnBalance;
        assert_eq!(after.credited, credited, "whether it is on the balance");
        let grown = step.after.balance.posted - step.before.balance.posted;
        let money = its_try.amount - its_try.on_balance;
        assert_eq!(grown, if credited { money } else { 0 }, "on the balance");
        match (its_try.kind, follows) {
            (OperationKind::Sale, Follows::GoesBack) => {
                expected.push((EntryKind::SurplusReturn, Phase::Pending));
                assert_goes_back(step, OperationKind::Reversal);
            }
            (OperationKind::Sale, Follows::WaitsForPerson | Follows::Stays) => {
                assert!(step.created().is_empty(), "nothing goes back by itself");
            }
            _ => assert_goes_back(step, OperationKind::Void),
        }
        assert_eq!(moved, expected, "what moves");
        let waits = is_sale && follows == Follows::WaitsForPerson;
        let incident = waits || self.done.contains(&Done::Incident);
        let expected = Vec::from_iter(incident.then_some(IncidentKind::Surplus));
        assert_eq!(step.kind_of_incidents(), expected, "incidents");
    }
}

/// One try begins, what the balance is to pay of it is reserved, and nothing else is done.
fn assert_reserved(moved: &[(EntryKind, Phase)], step: &Step<'_>) {
    let [begun] = step.created() else {
        panic!("one try begins");
    };
    let expected = step.before.share(step.case);
    assert_eq!(begun.on_balance, expected, "on the balance");
    let pending = (EntryKind::Sale, Phase::Pending);
    assert_eq!(moved, Vec::from_iter((expected > 0).then_some(pending)));
    assert!(step.kind_of_incidents().is_empty(), "nothing else is done");
}

/// The same doubt again opens no second incident before a person has looked, and one after that.
fn assert_one_until_looked(step: &Step<'_>) {
    let mut world = step.after.clone();
    let mut opened = |act| {
        let decision = world.play(step.case, act).expect("it is taken");
        decision.map_or(0, |decision| decision.effects.incidents.len())
    };
    assert_eq!(opened(step.act), 0, "a second incident");
    assert_eq!(opened(Act::Look), 0, "looking opens none");
    assert_eq!(opened(step.act), 1, "news after a person has looked");
}

/// The only new operation gives the try's money back, all of it.
fn assert_goes_back(step: &Step<'_>, kind: OperationKind) {
    let its_try = step.its_try().expect("it is about a try");
    let [back] = step.created() else {
        panic!("{} operations are new", step.created().len());
    };
    assert_eq!((back.kind, back.parent), (kind, Some(its_try.number)));
    let money = its_try.amount - its_try.on_balance;
    assert_eq!((back.amount, back.initiator), (money, Initiator::Rule));
    assert_eq!((back.on_balance, back.credited), (0, false));
    assert!(back.surplus && back.state == OperationState::Created);
}
