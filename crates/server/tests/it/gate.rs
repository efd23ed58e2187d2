//! A running gateway with its own data directory, database and simulator.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::bank::Bank;
use crate::database::{TestDatabase, keep_artifacts};

/// How long anything may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

pub const BOTH: [Database; 2] = [Database::Sqlite, Database::Postgres];

/// How a gateway is started.
pub struct Setup {
    pub database: Database,
    pub manual_clock: bool,
    pub exchange_deadline_ms: u32,
    pub bank_late_ms: u32,
    pub not_found_final_after_ms: u32,
    pub log: &'static str,
}

impl Setup {
    pub fn on(database: Database) -> Self {
        Self {
            database,
            manual_clock: false,
            exchange_deadline_ms: 5_000,
            bank_late_ms: 2_000,
            not_found_final_after_ms: 1_500,
            log: "info",
        }
    }

    pub fn manual_clock(mut self) -> Self {
        self.manual_clock = true;
        self
    }

    pub fn exchange_deadline_ms(mut self, ms: u32) -> Self {
        self.exchange_deadline_ms = ms;
        self
    }
}

/// A running gateway.
pub struct Gate {
    pub base_url: String,
    pub rest: String,
    pub user_name: String,
    pub password: String,
    pub token: String,
    pub callback_secret: String,
    /// The project in India: its number and its key.
    pub india: (u64, String),
    pub data: PathBuf,
    pub bank: Bank,
    pub http: reqwest::Client,
    database: TestDatabase,
    setup: Setup,
    process: Option<Child>,
    _directory: TempDir,
}

/// The answer of a register.do call.
pub type Answer = Value;

impl Gate {
    pub async fn start(setup: Setup) -> Self {
        let bank = Bank::start(setup.bank_late_ms).await;
        let database = TestDatabase::make(setup.database).await;
        let directory = tempfile::Builder::new()
            .prefix("altyn-gate-")
            .tempdir()
            .expect("a place");
        let mut gate = Self {
            base_url: String::new(),
            rest: String::new(),
            user_name: String::new(),
            password: String::new(),
            token: String::new(),
            callback_secret: String::new(),
            india: (0, String::new()),
            data: directory.path().join("data"),
            bank,
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .expect("a client"),
            database,
            setup,
            process: None,
            _directory: directory,
        };
        gate.boot(None).await;
        gate
    }

    /// Starts the program (again), optionally to die at a crash point.
    pub async fn boot(&mut self, crash_point: Option<&str>) {
        let listen = match self.base_url.strip_prefix("http://") {
            // A gateway comes back where it was: shops know it there.
            Some(address) => address.to_owned(),
            None => "127.0.0.1:0".to_owned(),
        };
        let _ = std::fs::remove_file(self.data.join("demo.json"));
        std::fs::create_dir_all(&self.data).expect("a data directory");
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.data.with_file_name("altyn.log"))
            .expect("a log file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_altyn"));
        command.args([
            "demo",
            "--stop-with-stdin",
            "--listen",
            &listen,
            "--log",
            self.setup.log,
        ]);
        command.arg("--data").arg(&self.data);
        command.args(["--bank-url", &self.bank.url, "--bank-key", &self.bank.key]);
        command.args(["--partner-url", &self.bank.partner_url]);
        let deadline = self.setup.exchange_deadline_ms.to_string();
        command.args(["--exchange-deadline-ms", &deadline]);
        let final_after = self.setup.not_found_final_after_ms.to_string();
        command.args(["--not-found-final-after-ms", &final_after]);
        if let Some(url) = &self.database.url {
            command.args(["--database-url", url]);
        }
        if self.setup.manual_clock {
            command.arg("--manual-clock");
        }
        if let Some(point) = crash_point {
            command.args(["--crash-point", point]);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        self.process = Some(command.spawn().expect("altyn starts"));
        self.read_demo_file().await;
    }

    async fn read_demo_file(&mut self) {
        let file = self.data.join("demo.json");
        let process = self.process.as_mut().expect("it was started");
        let began = Instant::now();
        let text = loop {
            if let Ok(text) = std::fs::read_to_string(&file) {
                break text;
            }
            if let Some(status) = process.try_wait().expect("its state is known") {
                let log = std::fs::read_to_string(self.data.with_file_name("altyn.log"));
                panic!("altyn ended with {status}:\n{}", log.unwrap_or_default());
            }
            assert!(began.elapsed() < PATIENCE, "altyn did not become ready");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let demo: Value = serde_json::from_str(&text).expect("demo.json is JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        self.base_url = text(&demo["base_url"]);
        self.rest = text(&demo["rbs"]["base_url"]);
        self.user_name = text(&demo["rbs"]["user_name"]);
        self.password = text(&demo["rbs"]["password"]);
        self.token = text(&demo["rbs"]["token"]);
        self.callback_secret = text(&demo["rbs"]["callback_secret"]);
        let number = demo["ecommpay"]["project_id"].as_u64();
        self.india = (number.expect("a number"), text(&demo["ecommpay"]["secret"]));
    }

    /// Ends the program at once, as a power cut would.
    pub async fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().await.expect("it can be killed");
        }
    }

    /// Whether the program ended by itself within the patience of a test.
    pub async fn died(&mut self) -> bool {
        let Some(process) = self.process.as_mut() else {
            return true;
        };
        let ended = tokio::time::timeout(PATIENCE, process.wait()).await.is_ok();
        if ended {
            self.process = None;
        }
        ended
    }

    /// The process of the program.
    pub fn process_id(&self) -> u32 {
        self.process.as_ref().and_then(Child::id).expect("it runs")
    }

    /// All files of the installation, its log included.
    pub fn files(&self) -> Vec<PathBuf> {
        let place = self.data.parent().expect("it has one");
        [place, &self.data]
            .into_iter()
            .flat_map(|directory| std::fs::read_dir(directory).expect("it can be listed"))
            .map(|entry| entry.expect("it can be read").path())
            .filter(|path| path.is_file())
            .collect()
    }

    /// Everything in a PostgreSQL database as text; empty for SQLite, whose file is among the files.
    pub async fn dump(&self) -> Vec<u8> {
        let Some(url) = &self.database.url else {
            return Vec::new();
        };
        let output = Command::new("pg_dump")
            .args(["--inserts", url])
            .output()
            .await;
        let output = output.expect("pg_dump runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    /// Asks the program to stop and waits until it has; returns whether it ended well.
    pub async fn stop(&mut self) -> bool {
        let Some(mut process) = self.process.take() else {
            return false;
        };
        drop(process.stdin.take());
        let status = tokio::time::timeout(PATIENCE, process.wait()).await;
        status.is_ok_and(|status| status.is_ok_and(|status| status.success()))
    }

    /// A configuration file for this installation, for a program that listens on `address`.
    pub fn configuration(&self, address: &str) -> PathBuf {
        let url = std::fs::read_to_string(self.data.join("database-url")).expect("it is there");
        let config = self.data.with_file_name("second.toml");
        let text = format!(
            "[server]\nlisten = \"{address}\"\npublic_url = \"http://{address}\"\n\
             [database]\nurl = \"{}\"\n[security]\nkey_file = \"{}\"\n\
             [engine]\nexchange_deadline_ms = {}\n\
             [callbacks]\nallowed_networks = [\"127.0.0.0/8\"]\n\
             [people]\nsecond_factor_required = false\n",
            url.trim(),
            self.data.join("altyn.key").display(),
            self.setup.exchange_deadline_ms,
        );
        std::fs::write(&config, text).expect("the configuration is written");
        config
    }

    /// A second program on the same installation, by `altyn serve`.
    pub async fn second_node(&self) -> Node {
        self.node_with("").await
    }

    /// A second program with more keys of its section `[server]`.
    pub async fn node_with(&self, keys: &str) -> Node {
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = port.local_addr().expect("it has one");
        drop(port);
        let config = self.configuration(&address.to_string());
        let text = std::fs::read_to_string(&config).expect("it is there");
        let text = text.replace("[server]\n", &format!("[server]\n{keys}"));
        std::fs::write(&config, text).expect("it is written");
        let mut process = Command::new(env!("CARGO_BIN_EXE_altyn"))
            .args(["serve", "--stop-with-stdin", "--config"])
            .arg(&config)
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("altyn starts");
        let base_url = format!("http://{address}");
        let began = Instant::now();
        while self
            .http
            .get(format!("{base_url}/health/ready"))
            .send()
            .await
            .is_err()
        {
            assert!(
                process.try_wait().expect("its state is known").is_none(),
                "it ended"
            );
            assert!(
                began.elapsed() < PATIENCE,
                "the second node did not become ready"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Node {
            rest: format!("{base_url}/payment/rest/"),
            base_url,
            process,
        }
    }

    /// Calls a method with the shop's login; the answer must be JSON with status 200.
    pub async fn call(&self, method: &str, parameters: &[(&str, &str)]) -> Answer {
        self.call_at(&self.rest, method, parameters).await
    }

    pub async fn call_at(&self, rest: &str, method: &str, parameters: &[(&str, &str)]) -> Answer {
        self.try_call_at(rest, method, parameters)
            .await
            .expect("the gateway answers")
    }

    /// Like [`call`](Self::call), but a broken connection is an error.
    pub async fn try_call(
        &self,
        method: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Answer, String> {
        self.try_call_at(&self.rest, method, parameters).await
    }

    async fn try_call_at(
        &self,
        rest: &str,
        method: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Answer, String> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("userName", &self.user_name)
            .append_pair("password", &self.password);
        form.extend_pairs(parameters);
        let response = self
            .http
            .post(format!("{rest}{method}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.finish())
            .send()
            .await
            .map_err(|error| error.to_string())?;
        let status = response.status();
        let text = response.text().await.map_err(|error| error.to_string())?;
        if status != 200 {
            return Err(format!("{status}: {text}"));
        }
        serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))
    }

    /// Registers an order of that many tiyn and returns its id.
    pub async fn registered(&self, number: &str, amount: u64) -> String {
        self.registered_by("register.do", number, amount).await
    }

    pub async fn registered_by(&self, method: &str, number: &str, amount: u64) -> String {
        let amount = amount.to_string();
        let answer = self
            .call(
                method,
                &[
                    ("orderNumber", number),
                    ("amount", &amount),
                    ("returnUrl", "https://shop.example.kz/done"),
                ],
            )
            .await;
        answer["orderId"]
            .as_str()
            .unwrap_or_else(|| panic!("not registered: {answer}"))
            .to_owned()
    }

    /// Pays with a card, server to server.
    pub async fn pay(&self, order: &str, pan: &str) -> Answer {
        self.call("paymentorder.do", &card(order, pan)).await
    }

    /// A paid order.
    pub async fn paid(&self, number: &str, amount: u64) -> String {
        let order = self.registered(number, amount).await;
        let answer = self.pay(&order, APPROVED).await;
        assert_eq!(answer["errorCode"], "0", "{answer}");
        order
    }

    /// An order with money on hold.
    pub async fn held(&self, number: &str, amount: u64) -> String {
        let order = self
            .registered_by("registerPreAuth.do", number, amount)
            .await;
        let answer = self.pay(&order, APPROVED).await;
        assert_eq!(answer["errorCode"], "0", "{answer}");
        order
    }

    pub async fn status(&self, order: &str) -> Answer {
        self.call("getOrderStatusExtended.do", &[("orderId", order)])
            .await
    }

    /// Waits until the order has this status; the last answer is returned.
    pub async fn until_status(&self, order: &str, wanted: i64) -> Answer {
        let began = Instant::now();
        loop {
            let answer = self.status(order).await;
            if answer["orderStatus"] == wanted {
                return answer;
            }
            assert!(began.elapsed() < PATIENCE, "not {wanted} in time: {answer}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Waits until what is due has been done and written down. A test that saw a message arrive waits for
    /// this before it moves the time: the sender may not have recorded it yet.
    pub async fn settle(&self) {
        self.advance(0).await;
    }

    /// Moves the time forward and waits until no timer is due.
    pub async fn advance(&self, seconds: u32) {
        let response = self
            .http
            .post(format!("{}/test/clock", self.base_url))
            .header("content-type", "application/json")
            .body(format!("{{\"advance_s\":{seconds}}}"))
            .send()
            .await
            .expect("the clock answers");
        assert_eq!(
            response.status(),
            200,
            "{}",
            response.text().await.unwrap_or_default()
        );
    }

    /// What `altyn audit` says; it must find nothing.
    pub async fn audit(&self) -> Value {
        let output = self.altyn(&["audit", "--json"]).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "the audit found:\n{text}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_str(&text).expect("the audit prints JSON")
    }

    /// Runs a command of the program on this installation.
    pub async fn altyn(&self, arguments: &[&str]) -> std::process::Output {
        Command::new(env!("CARGO_BIN_EXE_altyn"))
            .args(arguments)
            .arg("--data")
            .arg(&self.data)
            .output()
            .await
            .expect("altyn runs")
    }

    /// Runs the program on this installation with something on its standard input.
    pub async fn altyn_reading(&self, arguments: &[&str], input: &str) -> std::process::Output {
        use tokio::io::AsyncWriteExt as _;
        let mut process = Command::new(env!("CARGO_BIN_EXE_altyn"))
            .args(arguments)
            .arg("--data")
            .arg(&self.data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("altyn starts");
        let mut stdin = process.stdin.take().expect("it has an input");
        stdin.write_all(input.as_bytes()).await.expect("it reads");
        drop(stdin);
        process.wait_with_output().await.expect("altyn runs")
    }

    /// Waits until no operation is without a known end.
    pub async fn drain(&self) {
        let began = Instant::now();
        while self.audit().await["open_operations"] != 0 {
            assert!(began.elapsed() < PATIENCE * 2, "operations stay open");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Compares the bank's own log with what the gateway says of each order, and the ledger with both.
    pub async fn reconcile(&self, orders: &[String]) {
        let log = self.bank.log().await;
        let sum = |kinds: &[&str]| -> i64 {
            log.iter()
                .filter(|entry| entry["status"] == "approved")
                .filter(|entry| kinds.iter().any(|kind| entry["kind"] == *kind))
                .filter_map(|entry| entry["amount"].as_i64())
                .sum()
        };
        let (mut approved, mut refunded) = (0, 0);
        for order in orders {
            let status = self.status(order).await;
            let sums = &status["paymentAmountInfo"];
            approved += sums["approvedAmount"].as_i64().expect("a sum");
            refunded += sums["refundedAmount"].as_i64().expect("a sum");
        }
        assert_eq!(sum(&["authorization"]), approved, "authorizations: {log:?}");
        assert_eq!(sum(&["refund"]), refunded, "refunds: {log:?}");
    }
}

impl Gate {
    /// Like [`reconcile`](Self::reconcile), for orders whose registration was not always answered: the bank
    /// may know more, but nothing less and nothing twice.
    pub async fn reconcile_at_least(&self, orders: &[String]) {
        let log = self.bank.log().await;
        let mut keys: Vec<&str> = log
            .iter()
            .filter_map(|entry| entry["key"].as_str())
            .collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all, "one effect per key");
        for order in orders {
            let status = self.status(order).await;
            assert_eq!(status["errorCode"], "0", "{status}");
        }
    }
}

/// Ends a process at once, as a power cut would.
pub fn kill_process(id: u32) {
    let status = std::process::Command::new("kill")
        .args(["-9", &id.to_string()])
        .status();
    assert!(status.expect("kill runs").success());
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.start_kill();
        }
        keep_artifacts(self.data.parent().expect("it has one"));
        self.database.drop_it();
    }
}

/// A second gateway on the same database.
pub struct Node {
    pub base_url: String,
    pub rest: String,
    process: Child,
}

impl Node {
    pub fn id(&self) -> u32 {
        self.process.id().expect("it runs")
    }
}

pub const APPROVED: &str = "4444555511113333";
pub const NO_FUNDS: &str = "4000000000001166";
pub const CHALLENGE: &str = "5555555555555599";
pub const LATE_YES: &str = "4000000000009995";
pub const LATE_NO: &str = "4000000000009987";
pub const DROPPED: &str = "4000000000009979";

/// The parameters of paymentorder.do for a test card.
pub fn card<'a>(order: &'a str, pan: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("MDORDER", order),
        ("$PAN", pan),
        ("$CVC", "123"),
        ("$EXPIRY", "203012"),
        ("TEXT", "TEST CARD"),
    ]
}
