//! A desk: one project with one payment, kept in memory exactly as a database keeps it. Tests say what
//! happens; the desk turns it into commands and stores whatever `decide` answers.

use std::collections::{BTreeMap, BTreeSet};

use altyn_domain::{
    Balance, BeginTry, Bucket, CancelPayment, Capture, Command, ConnectorSettings, Context,
    Currency, Customer, Decision, DeclineCode, Delivery, Effects, Endpoint, EndpointSecret, Event,
    EventKind, FireTimer, HttpMethod, IdSource, Incident, Initiator, Language, Money, OnRefusal,
    Operation, OperationId, OperationState, Order, Outcome, PayerAction, Payment, PaymentId,
    PaymentMethod, Posting, Project, ProjectId, ProjectSettings, ReferenceKind, Refund,
    RefundAbility, Refusal, RegisterPayment, Report, ReportOutcome, ResolveIncident, ReturnSurplus,
    SendOperation, SurplusPolicy, Target, TimerChange, TimerKey, TimerKind, Timestamp, Void, Way,
    balance_deltas, decide,
};

/// The exchange deadline that every decision is given.
const DEADLINE_MS: i64 = 30_000;
/// Where the clock of every test starts.
const START: Timestamp = Timestamp::from_millis(1_795_000_000_000);

/// What a test wants to differ from the plain case: a purchase of 100.00, three tries, surplus returned.
#[derive(Debug, Clone)]
pub struct Setup {
    pub way: Way,
    pub amount: i64,
    pub surplus: SurplusPolicy,
    pub tries_max: u32,
    pub session_ms: i64,
    pub period_ms: i64,
    pub auto_capture_ms: Option<i64>,
    pub auto_void_ms: Option<i64>,
    pub callback_url: Option<String>,
    pub endpoints: Vec<Endpoint>,
    pub dynamic_endpoint: Option<Endpoint>,
    /// Whether the merchant names the customer.
    pub customer: bool,
    /// Whether the project keeps its customers' balances.
    pub balances: bool,
    /// What stands on the customer's balance before this payment.
    pub balance: i64,
    pub refunds: RefundAbility,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            way: Way::Purchase,
            amount: 10_000,
            surplus: SurplusPolicy::Return,
            tries_max: 3,
            session_ms: 20 * 60_000,
            period_ms: 5 * 60_000,
            auto_capture_ms: None,
            auto_void_ms: None,
            callback_url: None,
            endpoints: vec![endpoint("main", &[])],
            dynamic_endpoint: None,
            customer: false,
            balances: false,
            balance: 0,
            refunds: RefundAbility::Partial,
        }
    }
}

impl Setup {
    /// A purchase of 100.00 by a customer on whose balance so much stands; the surplus goes there too.
    pub fn with_balance(balance: i64) -> Self {
        Self {
            surplus: SurplusPolicy::Balance,
            customer: true,
            balances: true,
            balance,
            ..Self::default()
        }
    }
}

/// An endpoint that wants these events; all of them if none is named.
pub fn endpoint(id: &str, events: &[EventKind]) -> Endpoint {
    Endpoint {
        id: id.to_owned(),
        url: format!("https://shop.example/{id}"),
        format: "test".to_owned(),
        method: HttpMethod::Post,
        events: events.to_vec(),
        signature: String::new(),
        secret: EndpointSecret::default(),
        parameters: Vec::new(),
        attempts_max: 5,
        retry_pause_ms: 1_000,
    }
}

/// Ids that depend on nothing but how many were made before.
#[derive(Debug, Clone, Copy)]
pub struct Ids(u64);

impl IdSource for Ids {
    fn random(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        self.0
    }

    fn serial(&mut self) -> i64 {
        self.0 = self.0.wrapping_add(1);
        i64::try_from(self.0 & ((1 << 50) - 1)).expect("50 bits")
    }
}

/// One project, one payment, and all rows that were saved for it.
pub struct Desk {
    pub project: Project,
    pub payment: Payment,
    pub now: Timestamp,
    pub postings: Vec<Posting>,
    pub events: Vec<Event>,
    pub deliveries: BTreeMap<u32, Delivery>,
    pub timers: BTreeMap<TimerKey, (Timestamp, u32)>,
    pub incidents: Vec<Incident>,
    pub resolved: BTreeSet<u32>,
    pub references: BTreeSet<(ReferenceKind, String)>,
    /// What stands on the customer's balance.
    pub balance: Balance,
    ids: Ids,
}

impl Desk {
    /// A registered payment.
    pub fn open(setup: &Setup) -> Self {
        let (project, command) = (project(setup), registration(setup, &mut Ids(0)));
        let mut ids = Ids(1);
        let balance = Balance {
            posted: setup.balance,
            reserved: 0,
        };
        let mut ctx = context(&project, START, balance, &mut ids);
        let decision = decide(&command, None, None, &mut ctx).expect("a new order is accepted");
        let mut desk = Self {
            payment: decision.payment.clone(),
            project,
            now: START,
            postings: Vec::new(),
            events: Vec::new(),
            deliveries: BTreeMap::new(),
            timers: BTreeMap::new(),
            incidents: Vec::new(),
            resolved: BTreeSet::new(),
            references: BTreeSet::new(),
            balance,
            ids,
        };
        desk.save(&decision.effects);
        desk
    }

    /// A plain payment of 100.00 of this kind.
    pub fn of(way: Way) -> Self {
        Self::open(&Setup {
            way,
            ..Setup::default()
        })
    }

    /// Decides and saves, or leaves everything as it was.
    pub fn run(&mut self, command: &Command) -> Result<Decision, Refusal> {
        let mut ctx = context(&self.project, self.now, self.balance, &mut self.ids);
        let decision = decide(command, Some(&self.payment), None, &mut ctx)?;
        self.payment = decision.payment.clone();
        self.save(&decision.effects);
        Ok(decision)
    }

    fn save(&mut self, effects: &Effects) {
        self.postings.extend(effects.postings.iter().cloned());
        for (key, (project_id, change)) in balance_deltas(&effects.postings) {
            assert_eq!(Some(key.customer_id), self.payment.customer_id);
            assert_eq!(key.currency, self.payment.amount.currency());
            assert_eq!(project_id, self.project.id);
            self.balance = self.balance.plus(change);
        }
        let Balance { posted, reserved } = self.balance;
        assert!(0 <= reserved && reserved <= posted, "{:?}", self.balance);
        self.events.extend(effects.events.iter().cloned());
        for delivery in &effects.deliveries {
            self.deliveries.insert(delivery.number, delivery.clone());
        }
        for (key, change) in &effects.timers {
            match change {
                TimerChange::Set { due_at, attempt } => {
                    self.timers.insert(*key, (*due_at, *attempt));
                }
                TimerChange::Clear => {
                    self.timers.remove(key);
                }
            }
        }
        self.incidents.extend(effects.incidents.iter().cloned());
        self.resolved
            .extend(effects.resolved.iter().map(|(number, _)| *number));
        for reference in &effects.references {
            let fresh = self.references.insert(reference.clone());
            assert!(fresh, "{reference:?} was taken before");
        }
    }

    /// Moves the clock.
    pub fn wait(&mut self, millis: i64) {
        self.now = self.now.plus_millis(millis);
    }

    /// A command that registers the same order once more.
    pub fn registration(&mut self, setup: &Setup) -> Command {
        registration(setup, &mut self.ids)
    }

    /// Decides a registration without a payment loaded; nothing is saved.
    pub fn register(&mut self, command: &Command) -> Result<Decision, Refusal> {
        let mut ctx = context(&self.project, self.now, self.balance, &mut self.ids);
        decide(command, None, None, &mut ctx)
    }

    /// Decides a registration whose reference this desk's payment owns; nothing is saved.
    pub fn register_again(&mut self, command: &Command) -> Result<Decision, Refusal> {
        let owner = Some(self.payment.id);
        let mut ctx = context(&self.project, self.now, self.balance, &mut self.ids);
        decide(command, None, owner, &mut ctx)
    }

    /// Decides a command as another project that learnt the payment's id; nothing is saved.
    pub fn run_as_stranger(&mut self, command: &Command) -> Result<Decision, Refusal> {
        let mut stranger = self.project.clone();
        stranger.id = ProjectId::new(START, Bucket::new(8), 99);
        let mut ctx = context(&stranger, self.now, self.balance, &mut self.ids);
        decide(command, Some(&self.payment), None, &mut ctx)
    }

    fn target(&self) -> Target {
        Target::Payment(self.payment.id)
    }

    fn operation_id(&mut self) -> OperationId {
        OperationId::new(self.now, self.project.bucket, self.ids.random())
    }

    pub fn begin_command(&mut self, method: &str) -> Command {
        self.begin_partly_command(method, 0)
    }

    /// A try of which the customer's balance pays a part.
    pub fn begin_partly_command(&mut self, method: &str, from_balance: i64) -> Command {
        Command::BeginTry(BeginTry {
            payment_id: self.payment.id,
            operation_id: self.operation_id(),
            method: method.to_owned(),
            card: None,
            initiator: Initiator::Payer,
            on_refusal: OnRefusal::Answer,
            from_balance,
        })
    }

    pub fn return_command(
        &mut self,
        surplus: u32,
        amount: Option<i64>,
        reference: Option<&str>,
    ) -> Command {
        Command::ReturnSurplus(ReturnSurplus {
            payment_id: self.payment.id,
            surplus,
            operation_id: self.operation_id(),
            amount,
            reference: reference.map(str::to_owned),
            reason: "the customer asked".to_owned(),
            initiator: Initiator::Operator,
        })
    }

    pub fn send_command(&self, operation: u32, after_action: Option<&str>) -> Command {
        Command::Send(SendOperation {
            payment_id: self.payment.id,
            operation,
            after_action: after_action.map(str::to_owned),
        })
    }

    pub fn report_command(&self, operation: u32, report: Report, enquiries: u32) -> Command {
        Command::Report(ReportOutcome {
            payment_id: self.payment.id,
            operation,
            report,
            enquiries,
        })
    }

    pub fn capture_command(&mut self, amount: Option<i64>, release_rest: bool) -> Command {
        Command::Capture(Capture {
            target: self.target(),
            operation_id: self.operation_id(),
            amount,
            release_rest,
            reference: None,
            description: None,
            initiator: Initiator::Merchant,
        })
    }

    pub fn void_command(&mut self, amount: Option<i64>) -> Command {
        Command::Void(Void {
            target: self.target(),
            operation_id: self.operation_id(),
            amount,
            reference: None,
            description: None,
            initiator: Initiator::Merchant,
        })
    }

    pub fn refund_command(
        &mut self,
        amount: Option<i64>,
        reference: Option<&str>,
        expected_deposited: Option<i64>,
    ) -> Command {
        Command::Refund(Refund {
            target: self.target(),
            operation_id: self.operation_id(),
            amount,
            reference: reference.map(str::to_owned),
            expected_deposited,
            description: None,
            initiator: Initiator::Merchant,
            on_refusal: OnRefusal::Answer,
        })
    }

    pub fn cancel_command(&self) -> Command {
        Command::Cancel(CancelPayment {
            target: self.target(),
        })
    }

    pub fn fire_command(&self, kind: TimerKind, subject: u32) -> Command {
        Command::Fire(FireTimer {
            payment_id: self.payment.id,
            kind,
            subject,
        })
    }

    pub fn resolve_command(&self, incident: u32, report: Option<(u32, Report)>) -> Command {
        Command::Resolve(ResolveIncident {
            payment_id: self.payment.id,
            incident,
            report,
            note: "looked at".to_owned(),
        })
    }
}

/// What tests say; each expects to be carried out.
impl Desk {
    /// Begins a try and returns its number.
    pub fn begin(&mut self) -> u32 {
        let command = self.begin_command("card");
        self.done(&command)
    }

    /// Begins a try of which the customer's balance pays a part, and returns its number.
    pub fn begin_partly(&mut self, from_balance: i64) -> u32 {
        let command = self.begin_partly_command("card", from_balance);
        self.done(&command)
    }

    /// The gateway approves an operation.
    pub fn approve(&mut self, operation: u32) -> Decision {
        self.tell(operation, Report::bare(Outcome::Approved))
    }

    /// The gateway refuses an operation for want of money.
    pub fn decline(&mut self, operation: u32) -> Decision {
        let outcome = Outcome::Declined(DeclineCode::InsufficientFunds);
        self.tell(operation, Report::bare(outcome))
    }

    /// The gateway says this about an operation.
    pub fn tell(&mut self, operation: u32, report: Report) -> Decision {
        let command = self.report_command(operation, report, 0);
        self.run(&command).expect("news is always taken")
    }

    /// The processing period of a try is over.
    pub fn end_period(&mut self, operation: u32) {
        self.fire(TimerKind::ProcessingPeriod, operation);
    }

    /// A timer that is set becomes due and fires; the clock moves to it.
    pub fn fire(&mut self, kind: TimerKind, subject: u32) -> Decision {
        let (due_at, _) = self
            .timer(kind, subject)
            .unwrap_or_else(|| panic!("{kind:?} of {subject} is not set"));
        self.now = self.now.max(due_at);
        let command = self.fire_command(kind, subject);
        self.run(&command).expect("a set timer fires")
    }

    /// Runs a command that must be accepted and returns its operation.
    pub fn done(&mut self, command: &Command) -> u32 {
        let decision = self
            .run(command)
            .unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"));
        decision.operation.expect("it concerns an operation")
    }

    /// Runs a command that must be refused and returns why; everything stays as it was.
    pub fn refused(&mut self, command: &Command) -> Refusal {
        let before = self.payment.clone();
        let refusal = self.run(command).err();
        assert_eq!(self.payment, before);
        refusal.unwrap_or_else(|| panic!("{command:?} was accepted"))
    }

    /// Captures and lets the gateway approve.
    pub fn captured(&mut self, amount: Option<i64>, release_rest: bool) -> u32 {
        let command = self.capture_command(amount, release_rest);
        let number = self.done(&command);
        self.approve(number);
        number
    }

    /// Refunds and lets the gateway approve.
    pub fn refunded(&mut self, amount: Option<i64>) -> u32 {
        let command = self.refund_command(amount, None, None);
        let number = self.done(&command);
        self.approve(number);
        number
    }

    /// Refunds what needs no gateway, so that it is done at once.
    pub fn refunded_at_once(&mut self, amount: Option<i64>) -> u32 {
        let command = self.refund_command(amount, None, None);
        let number = self.done(&command);
        assert_eq!(self.operation(number).state, OperationState::Succeeded);
        number
    }

    /// The operation with this number.
    pub fn operation(&self, number: u32) -> &Operation {
        self.payment.operation(number).expect("such an operation")
    }

    /// When a timer is due and how often it was tried, if it is set.
    pub fn timer(&self, kind: TimerKind, subject: u32) -> Option<(Timestamp, u32)> {
        let payment_id = self.payment.id;
        let key = TimerKey {
            payment_id,
            kind,
            subject,
        };
        self.timers.get(&key).copied()
    }

    /// The kinds of all events so far.
    pub fn told(&self) -> Vec<EventKind> {
        self.events.iter().map(|event| event.kind).collect()
    }
}

/// A step that the payer must take in this 3-D Secure transaction.
pub fn challenge(transaction: &str) -> PayerAction {
    PayerAction::Challenge {
        transaction_id: transaction.to_owned(),
        acs_url: "https://issuer.example/acs".to_owned(),
        creq: "e30".to_owned(),
    }
}

/// An approval that names this amount.
pub fn approval_of(minor: i64, currency: Currency) -> Report {
    let mut report = Report::bare(Outcome::Approved);
    report.facts.amount = Some(Money::new(minor, currency).expect("not negative"));
    report
}

fn context<'a>(
    project: &'a Project,
    now: Timestamp,
    balance: Balance,
    ids: &'a mut Ids,
) -> Context<'a> {
    Context {
        now,
        ids,
        project,
        balance,
        exchange_deadline_ms: DEADLINE_MS,
    }
}

fn project(setup: &Setup) -> Project {
    let bucket = Bucket::new(7);
    Project {
        id: ProjectId::new(START, bucket, 1),
        bucket,
        name: "Shop".to_owned(),
        slug: "shop".to_owned(),
        settings: ProjectSettings {
            default_currency: Currency::KZT,
            currencies: vec![Currency::KZT],
            language: Language::Ru,
            session_timeout_ms: setup.session_ms,
            tries_max: setup.tries_max,
            surplus: setup.surplus,
            balances: setup.balances,
            endpoints: setup.endpoints.clone(),
            dynamic_endpoint: setup.dynamic_endpoint.clone(),
            methods: vec![PaymentMethod {
                processing_period_ms: setup.period_ms,
                refunds: setup.refunds,
                ..PaymentMethod::card("card", "test", ConnectorSettings::default())
            }],
            keys: Vec::new(),
        },
    }
}

fn registration(setup: &Setup, ids: &mut Ids) -> Command {
    let amount = if setup.way == Way::Verify {
        0
    } else {
        setup.amount
    };
    Command::Register(Box::new(RegisterPayment {
        id: PaymentId::new(START, Bucket::new(7), ids.random()),
        dialect: "test".to_owned(),
        way: setup.way,
        amount: Money::new(amount, Currency::KZT).expect("not negative"),
        expires_at: START.plus_millis(setup.session_ms),
        auto_capture_at: setup.auto_capture_ms.map(|ms| START.plus_millis(ms)),
        auto_void_at: setup.auto_void_ms.map(|ms| START.plus_millis(ms)),
        order: Order {
            reference: "order-1".to_owned(),
            callback_url: setup.callback_url.clone(),
            customer: Customer {
                id: setup.customer.then(|| "customer-1".to_owned()),
                ..Customer::default()
            },
            ..Order::default()
        },
        reference_key: "order-1".to_owned(),
        tries_max: None,
        first_try: None,
    }))
}
