//! What cases speak: shops, and a gate through which their payments go as they do in the gateway.

use std::sync::Arc;

use altyn_domain::{
    Answer, BeginTry, Bucket, CancelPayment, Capture, CardBrand, CardSummary, Command,
    ConnectorSettings, Currency, DeclineCode, Endpoint, EndpointSecret, Expiry, Facts, FireTimer,
    HttpMethod, IdSource, Initiator, Language, Money, OnRefusal, OperationId, Order, Outcome,
    Payment, PaymentId, PaymentMethod, Project, ProjectId, ProjectSettings, ReferenceKind, Refund,
    Refusal, RegisterPayment, Report, ReportOutcome, SurplusPolicy, Target, TimerKind, Timestamp,
    Void, Way,
};
use uuid::Uuid;

use crate::{
    AccountBalance, BatchId, BatchWriter, ChangeSet, Lease, LoadKeys, Loaded, ReferenceKey,
    Request, Storage, StorageError,
};

/// Where the clock of every case starts.
pub const START: Timestamp = Timestamp::from_millis(1_795_000_000_000);
/// The dialect of every payment that asks for no other.
pub const DIALECT: &str = "rbs";
/// The exchange deadline that every decision is given.
pub const DEADLINE_MS: i64 = 30_000;
/// How long a try by card is waited for.
pub const PERIOD_MS: i64 = 5 * 60_000;
/// How long a payment can be paid.
pub const SESSION_MS: i64 = 20 * 60_000;
/// A case that hangs fails after this long.
pub const HANGS_AFTER: std::time::Duration = std::time::Duration::from_secs(120);
/// How often a batch is run again before a case fails.
const ATTEMPTS_MAX: u32 = 200;

/// Ids that depend on nothing but a seed and how many were made before.
#[derive(Debug, Clone, Copy)]
pub struct Ids(u64);

impl Ids {
    /// Ids that differ from those of every other seed.
    pub fn new(seed: u64) -> Self {
        Self(seed << 32)
    }

    /// A number below `bound` that looks random and is the same in every run.
    pub fn below(&mut self, bound: usize) -> usize {
        let mut mixed = self.random().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        usize::try_from((mixed >> 17) % bound).unwrap_or(0)
    }
}

impl IdSource for Ids {
    fn random(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }

    fn serial(&mut self) -> i64 {
        self.0 += 1;
        i64::try_from(self.0 & ((1 << 50) - 1)).expect("50 bits")
    }
}

/// The shop with this number; two numbers are two projects in two buckets.
pub fn shop(number: u16) -> Arc<Project> {
    let bucket = Bucket::new(number);
    let method = PaymentMethod::card("card", "sandbox", ConnectorSettings::default());
    Arc::new(Project {
        id: ProjectId::new(START, bucket, u64::from(number)),
        bucket,
        name: format!("Shop {number}"),
        slug: format!("shop-{number}"),
        settings: ProjectSettings {
            default_currency: Currency::KZT,
            currencies: vec![Currency::KZT, rubles()],
            language: Language::Ru,
            session_timeout_ms: SESSION_MS,
            tries_max: 3,
            surplus: SurplusPolicy::Return,
            balances: false,
            endpoints: vec![endpoint()],
            dynamic_endpoint: None,
            methods: vec![method],
            keys: Vec::new(),
        },
    })
}

/// The shop with this number, whose customers have balances to which a surplus is credited.
pub fn shop_with_balances(number: u16) -> Arc<Project> {
    let mut shop = (*shop(number)).clone();
    shop.settings.balances = true;
    shop.settings.surplus = SurplusPolicy::Balance;
    Arc::new(shop)
}

/// Another shop in the same bucket.
pub fn neighbour(shop: &Project) -> Arc<Project> {
    let mut next = shop.clone();
    let (_, low) = shop.id.uuid().as_u64_pair();
    next.id = ProjectId::new(START, shop.bucket, low + 10_000);
    next.slug.push_str("-next");
    Arc::new(next)
}

/// Waits for all tasks, but not forever.
pub async fn all<T: 'static>(tasks: tokio::task::JoinSet<T>) -> Vec<T> {
    tokio::time::timeout(HANGS_AFTER, tasks.join_all())
        .await
        .expect("no task hangs")
}

fn endpoint() -> Endpoint {
    Endpoint {
        id: "main".to_owned(),
        url: "https://shop.example/callback".to_owned(),
        format: "rbs".to_owned(),
        method: HttpMethod::Post,
        events: Vec::new(),
        signature: String::new(),
        secret: EndpointSecret::default(),
        parameters: Vec::new(),
        attempts_max: 5,
        retry_pause_ms: 1_000,
    }
}

/// The second currency of every shop.
pub fn rubles() -> Currency {
    Currency::from_alpha("RUB").expect("the rouble is a currency")
}

/// A card as it may be stored.
pub fn card() -> CardSummary {
    CardSummary {
        masked: "411111******1111".to_owned(),
        brand: CardBrand::Visa,
        expiry: Expiry::try_new(2030, 12).expect("December is a month"),
        holder: "TEST HOLDER".to_owned(),
    }
}

/// An approval with everything that a gateway may tell.
pub fn approval() -> Report {
    Report {
        outcome: Outcome::Approved,
        facts: Facts {
            connector_reference: Some("gw-1".to_owned()),
            one_reference: false,
            approval_code: Some("A1B2C3".to_owned()),
            rrn: Some("612345678901".to_owned()),
            terminal: Some("T-7".to_owned()),
            eci: Some("05".to_owned()),
            gateway_code: Some("00".to_owned()),
            message: Some("approved, thank you".to_owned()),
            happened_at: Some(START),
            amount: None,
        },
        action: None,
    }
}

/// A refusal for want of money.
pub fn refused() -> Report {
    Report::bare(Outcome::Declined(DeclineCode::InsufficientFunds))
}

/// The stored sums of all accounts, and those counted from the postings, each in account order.
pub async fn balances(storage: &dyn Storage) -> (Vec<AccountBalance>, Vec<AccountBalance>) {
    let (mut stored, mut counted) = storage.audit_accounts().await.expect("it reads");
    stored.sort_by_key(|balance| balance.account);
    counted.sort_by_key(|balance| balance.account);
    (stored, counted)
}

/// One writer of one handle with its own clock and ids, serving one shop unless told otherwise.
pub struct Gate {
    /// The handle.
    pub storage: Arc<dyn Storage>,
    /// The shop that commands come from.
    pub shop: Arc<Project>,
    /// The clock.
    pub now: Timestamp,
    /// The settings version that requests are authenticated under.
    pub settings_version: i64,
    /// Where ids come from.
    pub ids: Ids,
    /// The writer.
    pub writer: Box<dyn BatchWriter>,
    /// The batch that was committed last.
    pub last_batch: BatchId,
    seed: u64,
    orders: u64,
}

impl Gate {
    /// A writer of this handle. Gates of one case have different seeds.
    pub async fn open(storage: Arc<dyn Storage>, seed: u64) -> Self {
        let writer = storage.writer().await.expect("a writer opens");
        let settings_version = storage
            .settings_version()
            .await
            .expect("there is a version");
        Self {
            storage,
            shop: shop(7),
            now: START,
            settings_version,
            ids: Ids::new(seed),
            writer,
            last_batch: BatchId(Uuid::nil()),
            seed,
            orders: 0,
        }
    }

    /// Moves the clock.
    pub fn wait(&mut self, millis: i64) {
        self.now = self.now.plus_millis(millis);
    }

    /// A new batch id.
    pub fn batch(&mut self) -> BatchId {
        BatchId(Uuid::from_u64_pair(self.seed, self.ids.random()))
    }

    /// A request of the gate's shop.
    pub fn request(&self, command: Command) -> Request {
        Request {
            project: Arc::clone(&self.shop),
            settings_version: self.settings_version,
            lease: None,
            command,
        }
    }

    /// Loads what these requests need.
    pub async fn load(&mut self, requests: &[Request]) -> Result<Loaded, StorageError> {
        let mut keys = LoadKeys::default();
        for request in requests {
            request.collect_keys(&mut keys);
        }
        self.writer.load(&keys).await
    }

    /// Decides these requests in order on what was loaded.
    pub fn decide(
        &mut self,
        loaded: &mut Loaded,
        requests: &[Request],
    ) -> Vec<Result<Answer, Refusal>> {
        requests
            .iter()
            .map(|request| loaded.decide(request, self.now, &mut self.ids, DEADLINE_MS))
            .collect()
    }

    /// Loads and decides, and leaves the batch open.
    pub async fn begin(
        &mut self,
        requests: &[Request],
    ) -> (Vec<Result<Answer, Refusal>>, ChangeSet) {
        let mut loaded = self.load(requests).await.expect("it loads");
        let answers = self.decide(&mut loaded, requests);
        let batch = self.batch();
        (answers, loaded.into_changes(batch, self.now))
    }

    async fn attempt(
        &mut self,
        requests: &[Request],
    ) -> Result<Vec<Result<Answer, Refusal>>, StorageError> {
        let mut loaded = self.load(requests).await?;
        let answers = self.decide(&mut loaded, requests);
        let batch = self.batch();
        let changes = loaded.into_changes(batch, self.now);
        if changes.is_empty() {
            self.writer.abandon().await;
        } else {
            self.writer.save(&changes).await?;
            self.last_batch = batch;
        }
        Ok(answers)
    }

    /// Runs a batch as the gateway's writer does: again after a conflict.
    pub async fn run_requests(&mut self, requests: &[Request]) -> Vec<Result<Answer, Refusal>> {
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt(requests).await {
                Ok(answers) => return answers,
                Err(StorageError::Conflict) => {}
                Err(error) => panic!("the batch failed: {error}"),
            }
        }
        panic!("{ATTEMPTS_MAX} conflicts in a row");
    }

    /// Runs a batch of commands of the gate's shop.
    pub async fn run(&mut self, commands: Vec<Command>) -> Vec<Result<Answer, Refusal>> {
        let requests: Vec<_> = commands.into_iter().map(|c| self.request(c)).collect();
        self.run_requests(&requests).await
    }

    /// Runs one command and returns what it came to.
    pub async fn try_run(&mut self, command: Command) -> Result<Answer, Refusal> {
        self.run(vec![command])
            .await
            .pop()
            .expect("one command, one answer")
    }

    /// Runs one command that must be accepted.
    pub async fn done(&mut self, command: Command) -> Answer {
        let words = format!("{command:?}");
        self.try_run(command)
            .await
            .unwrap_or_else(|refusal| panic!("{words}: {refusal}"))
    }

    /// Runs one command as the work of a leased timer.
    pub async fn run_leased(&mut self, command: Command, lease: Lease) -> Result<Answer, Refusal> {
        let mut request = self.request(command);
        request.lease = Some(lease);
        self.run_requests(&[request])
            .await
            .pop()
            .expect("one command, one answer")
    }

    /// The payment as every reader sees it now.
    pub async fn read(&self, id: PaymentId) -> Payment {
        self.storage
            .payment(self.shop.id, id)
            .await
            .expect("it reads")
            .expect("it is there")
    }
}

/// Commands.
impl Gate {
    /// Registers an order of 100.00 tenge.
    pub fn register(&mut self, way: Way) -> RegisterPayment {
        self.orders += 1;
        let minor = if way == Way::Verify { 0 } else { 10_000 };
        let reference = format!("order-{}-{}", self.seed, self.orders);
        RegisterPayment {
            id: PaymentId::new(self.now, self.shop.bucket, self.ids.random()),
            dialect: DIALECT.to_owned(),
            way,
            amount: Money::new(minor, Currency::KZT).expect("not negative"),
            expires_at: self.now.plus_millis(SESSION_MS),
            auto_capture_at: None,
            auto_void_at: None,
            order: Order {
                reference: reference.clone(),
                ..Order::default()
            },
            reference_key: reference,
            tries_max: None,
            first_try: None,
        }
    }

    /// Begins a try.
    pub fn begin_try(&mut self, payment_id: PaymentId) -> Command {
        Command::BeginTry(BeginTry {
            payment_id,
            operation_id: self.operation_id(),
            method: "card".to_owned(),
            card: Some(card()),
            initiator: Initiator::Payer,
            on_refusal: OnRefusal::Answer,
            from_balance: 0,
        })
    }

    /// Registers an order of this customer.
    pub fn register_for(&mut self, customer: &str) -> RegisterPayment {
        let mut order = self.register(Way::Purchase);
        order.order.customer.id = Some(customer.to_owned());
        order
    }

    /// Begins a try of which the customer's balance pays a part.
    pub fn pay_from_balance(&mut self, payment_id: PaymentId, from_balance: i64) -> Command {
        let mut command = self.begin_try(payment_id);
        if let Command::BeginTry(begin) = &mut command {
            begin.from_balance = from_balance;
        }
        command
    }

    /// Tells what a gateway said.
    pub fn report(payment_id: PaymentId, operation: u32, report: Report) -> Command {
        Command::Report(ReportOutcome {
            payment_id,
            operation,
            report,
            enquiries: 0,
        })
    }

    /// Takes a part of a hold and keeps the rest.
    pub fn capture(&mut self, id: PaymentId, amount: Option<i64>) -> Command {
        Command::Capture(Capture {
            target: Target::Payment(id),
            operation_id: self.operation_id(),
            amount,
            release_rest: false,
            reference: None,
            description: None,
            initiator: Initiator::Merchant,
        })
    }

    /// Gives a part of a hold up.
    pub fn void(&mut self, id: PaymentId, amount: Option<i64>) -> Command {
        Command::Void(Void {
            target: Target::Payment(id),
            operation_id: self.operation_id(),
            amount,
            reference: None,
            description: None,
            initiator: Initiator::Merchant,
        })
    }

    /// Gives money back.
    pub fn refund(&mut self, id: PaymentId, amount: i64, reference: Option<&str>) -> Command {
        Command::Refund(Refund {
            target: Target::Payment(id),
            operation_id: self.operation_id(),
            amount: Some(amount),
            reference: reference.map(str::to_owned),
            expected_deposited: None,
            description: None,
            initiator: Initiator::Merchant,
            on_refusal: OnRefusal::Answer,
        })
    }

    /// Withdraws an unpaid payment.
    pub fn cancel(id: PaymentId) -> Command {
        Command::Cancel(CancelPayment {
            target: Target::Payment(id),
        })
    }

    /// Carries a timer out.
    pub fn fire(payment_id: PaymentId, kind: TimerKind, subject: u32) -> Command {
        Command::Fire(FireTimer {
            payment_id,
            kind,
            subject,
        })
    }

    fn operation_id(&mut self) -> OperationId {
        OperationId::new(self.now, self.shop.bucket, self.ids.random())
    }

    /// The key under which a payment's order is found.
    pub fn order_key(&self, reference: &str) -> ReferenceKey {
        ReferenceKey {
            bucket: self.shop.bucket,
            project_id: self.shop.id,
            dialect: DIALECT.to_owned(),
            kind: ReferenceKind::Payment,
            key: reference.to_owned(),
        }
    }
}

/// Payments that have come this far.
impl Gate {
    /// Registered, not paid.
    pub async fn registered(&mut self, way: Way) -> Payment {
        let command = Command::Register(Box::new(self.register(way)));
        self.done(command).await.payment
    }

    /// With a try at the gateway.
    pub async fn processing(&mut self, way: Way) -> Payment {
        let payment = self.registered(way).await;
        let command = self.begin_try(payment.id);
        self.done(command).await.payment
    }

    /// Paid, reserved or verified: whatever a successful try of this way leads to.
    pub async fn completed(&mut self, way: Way) -> Payment {
        let payment = self.processing(way).await;
        let command = Self::report(payment.id, 1, approval());
        self.done(command).await.payment
    }

    /// Paid: 100.00 tenge captured.
    pub async fn paid(&mut self) -> Payment {
        self.completed(Way::Purchase).await
    }

    /// Registered for this customer, not paid.
    pub async fn registered_for(&mut self, customer: &str) -> Payment {
        let command = Command::Register(Box::new(self.register_for(customer)));
        self.done(command).await.payment
    }

    /// Paid twice by this customer: the second 100.00 tenge are credited to the balance.
    pub async fn credited(&mut self, customer: &str) -> Payment {
        let id = self.registered_for(customer).await.id;
        let begin = self.begin_try(id);
        self.done(begin).await;
        self.wait(PERIOD_MS);
        self.done(Self::fire(id, TimerKind::ProcessingPeriod, 1))
            .await;
        let begin = self.begin_try(id);
        self.done(begin).await;
        self.done(Self::report(id, 2, approval())).await;
        self.done(Self::report(id, 1, approval())).await.payment
    }

    /// Reserved: 100.00 tenge held.
    pub async fn held(&mut self) -> Payment {
        self.completed(Way::Hold).await
    }
}
