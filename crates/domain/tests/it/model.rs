//! Row 34: random scripts against the reference model. `ALTYN_TEST_FULL=1` plays a million steps;
//! `ALTYN_TEST_SEED=N` plays other scripts. A failure prints the seed and the shortest script found.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use altyn_domain::{
    Command, Currency, Money, Outcome, Payment, Refusal, Report, TimerKey, TimerKind,
};
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::book::{Book, Expected, Kind, Line, News, State};
use crate::checks::check;
use crate::desk::{Desk, Setup, challenge};
use crate::script::{Act, Amount, Expects, Said, SaidAmount, Share, Start, Step, percent, script};

/// How long a script is at most; on average it is half as long.
const STEPS_MAX: usize = 120;

/// A plain success.
const APPROVED: Said = Said {
    outcome: Outcome::Approved,
    amount: SaidAmount::None,
    step: None,
};

#[test]
fn row_34_random_scripts_agree_with_the_model() {
    let full = std::env::var("ALTYN_TEST_FULL").is_ok_and(|value| value == "1");
    let (cases, steps_min) = if full {
        (18_000, 1_000_000)
    } else {
        (1_000, 50_000)
    };
    let seed: u64 = std::env::var("ALTYN_TEST_SEED").map_or(34, |text| {
        text.parse().expect("ALTYN_TEST_SEED is a whole number")
    });
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let steps_played = Cell::new(0_usize);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&script(STEPS_MAX), |(setup, start, steps)| {
        play(&setup, &start, &steps);
        steps_played.set(steps_played.get() + steps.len());
        Ok(())
    });
    if let Err(error) = result {
        panic!("ALTYN_TEST_SEED={seed}: {error}");
    }
    assert!(
        steps_played.get() >= steps_min,
        "{} steps",
        steps_played.get()
    );
}

fn play(setup: &Setup, start: &Start, steps: &[Step]) {
    let mut game = Game::new(setup);
    check(&game.desk, &game.book);
    let begin = |from_balance| Act::Begin {
        method_known: true,
        from_balance,
    };
    match start {
        Start::Registered => {}
        Start::Paid => {
            game.act(&begin(Share::Percent(30)));
            game.report(1, &APPROVED, 0);
        }
        Start::Late(shares) => game.begin_late(shares),
        Start::Twice(shares) => {
            game.begin_late(shares);
            game.report(1, &APPROVED, 0);
            game.report(2, &APPROVED, 0);
        }
    }
    check(&game.desk, &game.book);
    for (index, step) in steps.iter().enumerate() {
        let played = catch_unwind(AssertUnwindSafe(|| game.step(step)));
        if let Err(panic) = played {
            eprintln!("at step {index}: {step:?}");
            resume_unwind(panic);
        }
    }
}

/// A desk and the book that is kept beside it.
struct Game {
    setup: Setup,
    desk: Desk,
    book: Book,
}

impl Game {
    fn new(setup: &Setup) -> Self {
        Self {
            setup: setup.clone(),
            desk: Desk::open(setup),
            book: Book::new(setup),
        }
    }

    /// Begins tries, as far as that is possible, and lets the payment wait for none of them.
    fn begin_late(&mut self, shares: &[Share]) {
        for share in shares {
            self.act(&Act::Begin {
                method_known: true,
                from_balance: *share,
            });
            self.fire(TimerKind::ProcessingPeriod, self.book.newest());
        }
    }

    fn step(&mut self, step: &Step) {
        self.desk.wait(step.wait_ms);
        self.act(&step.act);
        check(&self.desk, &self.book);
    }

    fn in_time(&self) -> bool {
        self.desk.now < self.desk.payment.expires_at
    }

    /// Any operation that exists, or now and then one that does not.
    fn pick(&self, index: Index) -> u32 {
        let count = usize::try_from(self.book.newest()).expect("small");
        u32::try_from(index.index(count + 2)).expect("small")
    }

    fn amount(&self, amount: Amount) -> Option<i64> {
        let whole = self.book.amount;
        match amount {
            Amount::All => None,
            Amount::Percent(percent) => Some(
                whole
                    .checked_mul(percent)
                    .map_or(whole / 2, |product| product / 100)
                    .max(1),
            ),
            Amount::Exact(exact) => Some(exact),
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::RegisterAgain => self.register_again(),
            Act::Stranger => self.stranger(),
            Act::Begin {
                method_known,
                from_balance,
            } => self.begin(*method_known, *from_balance),
            Act::GiveBack {
                operation,
                amount,
                reference,
            } => self.give_back(*operation, *amount, *reference),
            Act::Settings { policy, balances } => {
                let settings = &mut self.desk.project.settings;
                (settings.surplus, settings.balances) = (*policy, *balances);
                (self.book.policy, self.book.keeps_balances) = (*policy, *balances);
            }
            Act::Elsewhere(by) => self.elsewhere(*by),
            Act::Send { operation, after } => {
                let number = self.pick(*operation);
                let after = after.map(|n| format!("3ds-{n}"));
                let command = self.desk.send_command(number, after.as_deref());
                let expected = self.book.send(number, after.as_deref());
                self.compare(&command, expected);
            }
            Act::Answer { which, said } => self.answer(*which, said),
            Act::Report {
                operation,
                said,
                enquiries,
            } => {
                let number = self.pick(*operation);
                self.report(number, said, *enquiries);
            }
            Act::Capture {
                amount,
                release_rest,
            } => {
                let amount = self.amount(*amount);
                let command = self.desk.capture_command(amount, *release_rest);
                let expected = self.book.capture(amount, *release_rest);
                self.compare(&command, expected);
            }
            Act::Void { amount } => {
                let amount = self.amount(*amount);
                let command = self.desk.void_command(amount);
                let expected = self.book.void(amount);
                self.compare(&command, expected);
            }
            Act::Refund {
                amount,
                reference,
                expects,
            } => self.refund(*amount, *reference, *expects),
            Act::Cancel => {
                let command = self.desk.cancel_command();
                let expected = self.book.cancel();
                self.compare(&command, expected);
            }
            Act::Timer { which, due, said } => self.timer(*which, *due, said),
            Act::Stray { kind, subject } => self.fire(*kind, *subject),
            Act::Resolve { incident, report } => self.resolve(*incident, report.as_ref()),
        }
    }

    fn begin(&mut self, method_known: bool, from_balance: Share) {
        let in_time = self.in_time();
        let method = if method_known { "card" } else { "cash" };
        let share = self.share(from_balance);
        let command = self.desk.begin_partly_command(method, share);
        let expected = self.book.begin(method_known, in_time, share);
        self.compare(&command, expected);
    }

    /// The part of a try that the balance is to pay.
    fn share(&self, share: Share) -> i64 {
        match share {
            Share::Nothing => 0,
            Share::All => self.book.amount,
            Share::Available => self.book.spendable().min(self.book.amount),
            Share::Percent(by) => percent(self.book.amount, by),
            Share::Exact(exact) => exact,
        }
    }

    /// A surplus try, more often than another operation.
    fn give_back(&mut self, operation: Index, amount: Amount, reference: Option<u8>) {
        let numbered = (1_u32..).zip(&self.book.lines);
        let surpluses: Vec<u32> = numbered
            .filter(|(_, line)| line.kind == Kind::Try && line.surplus)
            .map(|(number, _)| number)
            .collect();
        let number = match operation.index(surpluses.len() + 1) {
            0 => self.pick(operation),
            place => surpluses[place - 1],
        };
        let amount = self.amount(amount);
        // The same numbers as those of refunds: the two know nothing of each other.
        let reference = reference.map(|n| format!("refund-{n}"));
        let command = self
            .desk
            .return_command(number, amount, reference.as_deref());
        let expected = self.book.give_back(number, amount, reference.as_deref());
        self.compare(&command, expected);
    }

    /// Other payments of the customer: what is reserved they cannot spend.
    fn elsewhere(&mut self, by: i64) {
        let free = self.book.balance - self.book.reserved;
        let change = percent(self.book.amount, by).max(-free);
        if self.book.balance < i64::MAX / 4 {
            self.desk.balance.posted += change;
            self.book.balance += change;
            self.book.elsewhere += change;
        }
    }

    fn register_again(&mut self) {
        let command = self.desk.registration(&self.setup);
        let refusal = self.desk.register_again(&command).err();
        assert_eq!(refusal, Some(Refusal::ReferenceTaken(self.desk.payment.id)));
    }

    fn stranger(&mut self) {
        let command = self.desk.cancel_command();
        let refusal = self.desk.run_as_stranger(&command).err();
        assert_eq!(refusal, Some(Refusal::PaymentNotFound));
    }

    /// What the gateway says, for the crate and for the model.
    fn news(&self, number: u32, said: &Said, enquiries: u32) -> (Report, News) {
        let minor = self
            .desk
            .payment
            .operation(number)
            .map_or(0, |operation| operation.amount - operation.on_balance);
        let mut report = Report::bare(said.outcome.clone());
        let rubles = Currency::from_alpha("RUB").expect("it exists");
        let (minor, currency) = match said.amount {
            SaidAmount::None | SaidAmount::Same => (minor, Currency::KZT),
            SaidAmount::Other => (minor + 1, Currency::KZT),
            SaidAmount::OtherCurrency => (minor, rubles),
        };
        if !matches!(said.amount, SaidAmount::None) {
            report.facts.amount = Some(Money::new(minor, currency).expect("not negative"));
        }
        let step = said.step.map(|step| step.map(|n| format!("3ds-{n}")));
        report.action = step.clone().map(|transaction| match transaction {
            Some(transaction) => challenge(&transaction),
            None => altyn_domain::PayerAction::Redirect {
                url: "https://wallet.example/pay".to_owned(),
                method: altyn_domain::HttpMethod::Get,
                fields: [].into(),
            },
        });
        let other_amount = matches!(said.amount, SaidAmount::Other | SaidAmount::OtherCurrency);
        let news = News {
            outcome: said.outcome.clone(),
            other_amount,
            enquiries,
            step,
        };
        (report, news)
    }

    fn answer(&mut self, which: Index, said: &Said) {
        let at_gateway = |line: &Line| matches!(line.state, State::Sent | State::Pending);
        let numbered = (1_u32..).zip(&self.book.lines);
        let open: Vec<u32> = numbered
            .filter(|(_, line)| at_gateway(line))
            .map(|(number, _)| number)
            .collect();
        if !open.is_empty() {
            self.report(open[which.index(open.len())], said, 0);
        }
    }

    fn report(&mut self, number: u32, said: &Said, enquiries: u32) {
        let (report, news) = self.news(number, said, enquiries);
        let command = self.desk.report_command(number, report, enquiries);
        let expected = self.book.report(number, &news, self.in_time());
        self.compare(&command, expected);
    }

    fn refund(&mut self, amount: Amount, reference: Option<u8>, expects: Expects) {
        let amount = self.amount(amount);
        let reference = reference.map(|n| format!("refund-{n}"));
        let expected_deposited = match expects {
            Expects::Nothing => None,
            Expects::Off(by) => Some(self.book.captured - self.book.refunded + by),
        };
        let command = self
            .desk
            .refund_command(amount, reference.as_deref(), expected_deposited);
        let expected = self
            .book
            .refund(amount, reference.as_deref(), expected_deposited);
        self.compare(&command, expected);
    }

    /// What the engine does when a timer is due.
    fn timer(&mut self, which: Index, due: bool, said: &Said) {
        let timers: Vec<(TimerKey, _)> = self
            .desk
            .timers
            .iter()
            .filter(|(key, _)| key.kind != TimerKind::Callback)
            .map(|(key, due)| (*key, *due))
            .collect();
        if timers.is_empty() {
            return;
        }
        let (key, (due_at, attempt)) = timers[which.index(timers.len())];
        if due {
            self.desk.now = self.desk.now.max(due_at);
        }
        match key.kind {
            TimerKind::Exchange => {
                let command = self.desk.send_command(key.subject, None);
                let expected = self.book.send(key.subject, None);
                self.compare(&command, expected);
            }
            TimerKind::Enquiry => self.report(key.subject, said, attempt + 1),
            TimerKind::Expiry
            | TimerKind::ProcessingPeriod
            | TimerKind::AutoCapture
            | TimerKind::AutoVoid => self.fire(key.kind, key.subject),
            TimerKind::Callback => unreachable!("left out above"),
        }
        // A timer that was due is cleared or set for later; else it would fire without end.
        if let Some((set_for, _)) = self.desk.timers.get(&key).filter(|_| due) {
            assert!(*set_for > self.desk.now, "{key:?} fires without end");
        }
    }

    fn fire(&mut self, kind: TimerKind, subject: u32) {
        let in_time = self.in_time();
        let expected = match kind {
            TimerKind::Expiry => self.book.expiry_fires(in_time),
            TimerKind::ProcessingPeriod => self.book.period_fires(subject, in_time),
            TimerKind::AutoCapture => self.book.automatic_fires(Kind::Capture),
            TimerKind::AutoVoid => self.book.automatic_fires(Kind::Void),
            TimerKind::Exchange | TimerKind::Enquiry | TimerKind::Callback => Expected::Refused,
        };
        // A timer of the payment's own has no subject.
        let own = matches!(
            kind,
            TimerKind::Expiry | TimerKind::AutoCapture | TimerKind::AutoVoid
        );
        let command = self.desk.fire_command(kind, if own { 0 } else { subject });
        self.compare(&command, expected);
    }

    fn resolve(&mut self, incident: Index, report: Option<&(Index, Said)>) {
        let count = usize::try_from(self.book.incidents).expect("small");
        let incident = u32::try_from(incident.index(count + 2)).expect("small");
        let (report, news) = match report {
            None => (None, None),
            Some((operation, said)) => {
                let number = self.pick(*operation);
                let (report, news) = self.news(number, said, 0);
                (Some((number, report)), Some((number, news)))
            }
        };
        let command = self.desk.resolve_command(incident, report);
        let expected = self.book.resolve(incident, news, self.in_time());
        self.compare(&command, expected);
    }

    /// Runs the command and holds it against what the model says.
    fn compare(&mut self, command: &Command, expected: Expected) {
        let before = self.desk.payment.clone();
        let (events, incidents) = (self.desk.events.len(), self.desk.incidents.len());
        let told = match (self.desk.run(command), expected) {
            (Err(_), Expected::Refused) => {
                assert_eq!(self.desk.payment, before, "a refusal changes nothing");
                return;
            }
            (Ok(decision), Expected::Repeated(number)) => {
                assert!(decision.repeated && decision.operation == Some(number));
                assert_eq!(decision.effects, altyn_domain::Effects::default());
                (vec![], vec![])
            }
            (Ok(decision), Expected::Done(events, incidents)) if !decision.repeated => {
                (events, incidents)
            }
            (answer, expected) => {
                let answer = answer.map(|decision| decision.effects);
                panic!("expected {expected:?}, got {answer:?}");
            }
        };
        let new_events = &self.desk.events[events..];
        let kinds: Vec<_> = new_events.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, told.0, "events");
        let new_incidents = self.desk.incidents[incidents..].iter();
        let kinds: Vec<_> = new_incidents.map(|incident| incident.kind).collect();
        assert_eq!(kinds, told.1, "incidents");
        for event in new_events {
            assert_eq!(
                event.payment, self.desk.payment,
                "an event shows what is saved"
            );
            assert!(changed(&before, &self.desk.payment), "an event of nothing");
        }
    }
}

/// Whether more than the row numbers and the time of the last change differ.
fn changed(before: &Payment, after: &Payment) -> bool {
    let mut before = before.clone();
    before.counters = after.counters;
    before.updated_at = after.updated_at;
    before != *after
}
