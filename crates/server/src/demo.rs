//! `altyn demo`: the gateway with a simulated bank and a demo shop, ready to click.
//!
//! The data directory holds the key, the database, the bank's journal, the demo's secrets and `demo.json`,
//! which is written once all is ready: URLs, every credential, test cards.

mod india;
mod panels;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use altyn_domain::{Currency, PaymentMethod, ProjectId};
use altyn_engine::{Clock, Engine};
use anyhow::{Context as _, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::clock::{ManualClock, SystemClock, SystemEntropy};
use crate::configuration::{
    CallbackSection, Configuration, DatabaseSection, EngineSection, LogFormat, LogSection,
    PeopleSection, SecuritySection, ServerSection,
};
use crate::project::{self, Wanted, bank_settings};
use crate::serve::{Running, run_server, start_engine, stop_signal};
use crate::simulator::{
    EcommpayShopConfig, PartnerConfig, ShopConfig, Simulator, SimulatorConfig, SimulatorUrls,
};
use crate::{installation, logging};
use india::India;
use panels::Panels;

/// Arguments of `altyn demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Where the gateway listens
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Data directory; made if it is missing
    #[arg(long, default_value = "altyn-demo")]
    data: PathBuf,
    /// Another database than the embedded one: postgres://…
    #[arg(long)]
    database_url: Option<String>,
    /// Where the simulated bank listens
    #[arg(long, default_value = "127.0.0.1:0")]
    simulator_listen: SocketAddr,
    /// Where the simulated wallet partner listens
    #[arg(long, default_value = "127.0.0.1:0")]
    partner_listen: SocketAddr,
    /// Where the demo shop listens
    #[arg(long, default_value = "127.0.0.1:0")]
    shop_listen: SocketAddr,
    /// Add POST /test/clock, by which tests move the time forward
    #[arg(long)]
    manual_clock: bool,
    /// What to log: error, warn, info, debug
    #[arg(long, default_value = "warn")]
    log: String,
    #[command(flatten)]
    test: TestArguments,
}

/// What only tests set.
#[derive(Debug, Args)]
struct TestArguments {
    /// Use this bank instead of starting a simulator
    #[arg(long, hide = true, requires = "bank_key")]
    bank_url: Option<String>,
    #[arg(long, hide = true, allow_hyphen_values = true)]
    bank_key: Option<String>,
    /// Use this wallet partner; its app id and secret are those of `india::PARTNER_OF_TESTS`
    #[arg(long, hide = true, requires = "bank_url")]
    partner_url: Option<String>,
    /// Milliseconds by which the bank answers too late for timeout cards
    #[arg(long, hide = true, default_value_t = 7_000)]
    bank_late_ms: u64,
    #[arg(long, hide = true, default_value_t = 5_000)]
    exchange_deadline_ms: i64,
    /// After how many milliseconds the bank's "not found" is believed
    #[arg(long, hide = true)]
    not_found_final_after_ms: Option<i64>,
    /// Die at POINT or at its N-th later pass: POINT or POINT:N
    #[arg(long, hide = true)]
    crash_point: Option<String>,
    /// End at standard input's end
    #[arg(long, hide = true)]
    stop_with_stdin: bool,
}

/// What the demo keeps of its credentials between runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Secrets {
    project_id: ProjectId,
    user_name: String,
    password: String,
    token: String,
    callback_secret: String,
    terminal_key: String,
    /// Absent in data directories of before.
    #[serde(default)]
    ecommpay: Option<India>,
    /// The same.
    #[serde(default)]
    panels: Option<Panels>,
}

impl Secrets {
    /// Writes them down for the next run.
    fn keep(&self, demo: &Demo<'_>) -> anyhow::Result<()> {
        write_private(&demo.secrets_file(), &serde_json::to_string_pretty(self)?)
    }
}

/// What a demo is made in: the engine is open, nothing is served yet.
struct Demo<'a> {
    engine: &'a Engine,
    arguments: &'a DemoArguments,
    configuration: &'a Configuration,
}

impl Demo<'_> {
    fn secrets_file(&self) -> PathBuf {
        self.arguments.data.join("secrets.json")
    }

    /// A project's short name. Two demos may share one database: each has projects of its own.
    fn own_slug(&self, kind: &str) -> String {
        let text = self.engine.random_text(24).to_ascii_lowercase();
        let word = text.chars().filter(char::is_ascii_alphanumeric);
        format!("{kind}-{}", word.take(6).collect::<String>())
    }
}

/// Test cards of the sandbox bank (`docs/sandbox-bank.md`): number and behaviour.
const TEST_CARDS: [(&str, &str); 9] = [
    ("4444555511113333", "approved"),
    ("4000000000001166", "declined_insufficient_funds"),
    ("4000000000000101", "declined_expired"),
    ("5555555555555599", "challenge_approved"),
    ("5555555555554444", "challenge_declined"),
    ("4111111111111111", "frictionless"),
    ("4000000000009995", "timeout_then_approved"),
    ("4000000000009987", "timeout_then_declined"),
    ("4000000000009979", "connection_drop"),
];

/// Milliseconds a callback to the demo shop may take.
const CALLBACK_TIMEOUT_MS: i64 = 3_000;

const CURRENCIES: [&str; 5] = ["KZT", "RUB", "USD", "EUR", "INR"];

impl DemoArguments {
    /// Checks what must hold before anything starts, and makes the data directory.
    fn prepare(&self) -> anyhow::Result<()> {
        ensure!(
            self.listen.ip().is_loopback(),
            "a demo listens on loopback only"
        );
        if let Some(plan) = &self.test.crash_point {
            let (point, passes) = plan.split_once(':').unwrap_or((plan, "0"));
            altyn_engine::crash::plan(point, passes.parse()?).map_err(anyhow::Error::msg)?;
        }
        fs::create_dir_all(&self.data)
            .with_context(|| format!("data directory {}", self.data.display()))
    }

    fn configuration(&self, listen: SocketAddr) -> anyhow::Result<Configuration> {
        let embedded = || format!("sqlite:{}", self.data.join("altyn.db").display());
        let database = self.database_url.clone().unwrap_or_else(embedded);
        let configuration = Configuration {
            server: ServerSection {
                listen,
                public_url: format!("http://{listen}"),
                header_timeout_ms: ServerSection::default_header_timeout_ms(),
                stop_timeout_ms: 10_000,
                connections_max: ServerSection::default_connections_max(),
                trusted_proxies: Vec::new(),
            },
            database: DatabaseSection {
                url: whole_url(database)?,
            },
            security: SecuritySection {
                key_file: self.data.join("altyn.key"),
            },
            log: LogSection {
                format: LogFormat::Text,
                level: self.log.clone(),
            },
            engine: EngineSection {
                exchange_deadline_ms: self.test.exchange_deadline_ms,
                // Short, so that a killed demo goes on soon after it is started again.
                lease_ms: self.test.exchange_deadline_ms.max(CALLBACK_TIMEOUT_MS) * 2,
                ..EngineSection::default()
            },
            callbacks: CallbackSection {
                timeout_ms: CALLBACK_TIMEOUT_MS.unsigned_abs(),
                // Everything of a demo is on this machine.
                allowed_networks: vec!["127.0.0.0/8".parse()?, "::1/128".parse()?],
                ..CallbackSection::default()
            },
            people: PeopleSection {
                // Whoever looks at a demo has no telephone at hand.
                second_factor_required: false,
                ..PeopleSection::default()
            },
        };
        configuration.check()?;
        Ok(configuration)
    }
}

/// The URL of a database, so that it means the same in every directory.
fn whole_url(url: String) -> anyhow::Result<String> {
    let Some(path) = url.strip_prefix("sqlite:") else {
        return Ok(url);
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = std::path::absolute(path).with_context(|| format!("database {path}"))?;
    Ok(format!("sqlite:{}", path.display()))
}

/// Opens the engine of a demo's data directory, for commands that work beside it.
pub async fn open_engine(data: &Path) -> anyhow::Result<Engine> {
    let kept = fs::read_to_string(data.join("database-url"))
        .with_context(|| format!("{} is not the data directory of a demo", data.display()))?;
    let arguments = DemoArguments {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        data: data.to_owned(),
        database_url: Some(kept.trim().to_owned()),
        simulator_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        shop_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        partner_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        manual_clock: false,
        log: "warn".to_owned(),
        test: TestArguments {
            bank_url: None,
            bank_key: None,
            partner_url: None,
            bank_late_ms: 0,
            exchange_deadline_ms: 5_000,
            not_found_final_after_ms: None,
            crash_point: None,
            stop_with_stdin: false,
        },
    };
    let configuration = arguments.configuration(arguments.listen)?;
    logging::start(&configuration.log)?;
    start_engine(&configuration, Arc::new(SystemClock)).await
}

/// `altyn demo`
pub async fn run(arguments: DemoArguments) -> anyhow::Result<ExitCode> {
    arguments.prepare()?;
    let demo_file = arguments.data.join("demo.json");
    let _ = fs::remove_file(&demo_file);
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let configuration = arguments.configuration(listener.local_addr()?)?;
    logging::start(&configuration.log)?;
    let entropy = SystemEntropy::default();
    installation::ensure_key(&configuration.security.key_file, &entropy)?;
    fs::write(
        arguments.data.join("database-url"),
        &configuration.database.url,
    )?;
    let manual_clock = arguments
        .manual_clock
        .then(|| Arc::new(ManualClock::default()));
    let clock: Arc<dyn Clock> = match &manual_clock {
        Some(clock) => clock.clone(),
        None => Arc::new(SystemClock),
    };
    let engine = start_engine(&configuration, clock).await?;
    let demo = Demo {
        engine: &engine,
        arguments: &arguments,
        configuration: &configuration,
    };
    let mut secrets = secrets(&demo).await?;
    let india = india::open(&demo, &mut secrets).await?;
    let panels = panels::open(&demo, &mut secrets).await?;
    let (urls, simulator) = simulate(&demo, &secrets, &india).await?;
    for project_id in [secrets.project_id, panels.project_id] {
        point_at_bank(&demo, (project_id, &secrets.terminal_key), &urls).await?;
    }
    india::point_at_gateways(&demo, &secrets, &india, &urls).await?;
    let stop = stop_signal(arguments.test.stop_with_stdin)?;
    let public_url = configuration.server.public_url.clone();
    let running = Running {
        engine,
        listener,
        configuration,
        stop,
        manual_clock,
        is_demo: true,
    };
    let server = tokio::spawn(run_server(running));
    let told = Told {
        public_url: &public_url,
        urls: &urls,
        secrets: &secrets,
        india: &india,
        panels: &panels,
    };
    write_demo_file(&demo_file, &told)?;
    print_welcome(&public_url, &urls, &demo_file);
    let code = server.await??;
    if let Some(simulator) = simulator {
        simulator.stop().await;
    }
    Ok(code)
}

/// The demo's project and credentials: made at the first run, kept in the data directory.
async fn secrets(demo: &Demo<'_>) -> anyhow::Result<Secrets> {
    let engine = demo.engine;
    let bank_key = demo.arguments.test.bank_key.clone();
    if let Ok(text) = fs::read_to_string(demo.secrets_file()) {
        let mut kept: Secrets = serde_json::from_str(&text).context("secrets.json")?;
        kept.terminal_key = bank_key.unwrap_or(kept.terminal_key);
        return Ok(kept);
    }
    let terminal_key = bank_key.unwrap_or_else(|| engine.random_text(24));
    let currencies: Result<Vec<_>, _> = CURRENCIES.map(Currency::from_alpha).into_iter().collect();
    let settings = project::sandbox_settings(currencies?, bank_settings("", &terminal_key));
    let wanted = Wanted {
        name: "Altyn Demo".to_owned(),
        slug: demo.own_slug("demo"),
        settings,
        callback_url: None,
        allow_from: Vec::new(),
    };
    let made = project::create(engine, wanted).await?;
    let secrets = Secrets {
        project_id: made.project_id,
        user_name: made.user_name,
        password: made.password,
        token: made.token,
        callback_secret: made.callback_secret,
        terminal_key,
        ecommpay: None,
        panels: None,
    };
    secrets.keep(demo)?;
    Ok(secrets)
}

async fn simulate(
    demo: &Demo<'_>,
    secrets: &Secrets,
    india: &India,
) -> anyhow::Result<(SimulatorUrls, Option<Simulator>)> {
    let (arguments, configuration) = (demo.arguments, demo.configuration);
    if let Some(bank_url) = &arguments.test.bank_url {
        let urls = SimulatorUrls {
            bank_url: bank_url.clone(),
            shop_url: String::new(),
            partner_url: arguments.test.partner_url.clone().unwrap_or_default(),
        };
        return Ok((urls, None));
    }
    let config = SimulatorConfig {
        bank_listen: arguments.simulator_listen.to_string(),
        terminal_key: secrets.terminal_key.clone(),
        late_ms: arguments.test.bank_late_ms,
        journal: Some(arguments.data.join("bank.journal")),
        partner: PartnerConfig {
            listen: arguments.partner_listen.to_string(),
            app_id: india.partner_app_id.clone(),
            secret: india.partner_secret.clone(),
            journal: Some(arguments.data.join("partner.journal")),
        },
        shop: ShopConfig {
            listen: arguments.shop_listen.to_string(),
            gateway_base_url: format!("{}/payment/rest/", configuration.server.public_url),
            user_name: secrets.user_name.clone(),
            password: secrets.password.clone(),
            callback_secret: secrets.callback_secret.clone(),
            ecommpay: EcommpayShopConfig {
                gate_url: configuration.server.public_url.clone(),
                payment_page_url: format!("{}/payment", configuration.server.public_url),
                project_id: india.number.parse()?,
                secret: india.secret.clone(),
            },
        },
    };
    let simulator = Simulator::start(&config).await?;
    Ok((simulator.urls.clone(), Some(simulator)))
}

/// The bank may listen on another port than last time.
async fn point_at_bank(
    demo: &Demo<'_>,
    (project_id, terminal_key): (ProjectId, &str),
    urls: &SimulatorUrls,
) -> anyhow::Result<()> {
    let engine = demo.engine;
    let project = engine.project(project_id).context(
        "the demo's project is not in the database: the data directory belongs to another database",
    )?;
    let mut bank = bank_settings(&urls.bank_url, terminal_key);
    if let Some(after_ms) = demo.arguments.test.not_found_final_after_ms {
        bank.0
            .insert("not_found_final_after_ms".to_owned(), after_ms.to_string());
    }
    let mut settings = project.settings.clone();
    let at_bank = |method: &&mut PaymentMethod| method.connector == "sandbox-bank";
    for method in settings.methods.iter_mut().filter(at_bank) {
        method.settings = bank.clone();
    }
    if settings != project.settings {
        engine.update_project(project_id, &settings).await?;
    }
    Ok(())
}

/// What `demo.json` tells.
struct Told<'a> {
    public_url: &'a str,
    urls: &'a SimulatorUrls,
    secrets: &'a Secrets,
    india: &'a India,
    panels: &'a Panels,
}

fn write_demo_file(file: &Path, told: &Told<'_>) -> anyhow::Result<()> {
    let Told {
        public_url,
        urls,
        secrets,
        india,
        panels,
    } = told;
    let number: u32 = india.number.parse()?;
    let cards: Vec<_> = TEST_CARDS
        .iter()
        .map(|(pan, behaviour)| {
            serde_json::json!({
                "pan": pan, "expiry": "203012", "cvc": "123", "behaviour": behaviour,
            })
        })
        .collect();
    let demo = serde_json::json!({
        "base_url": public_url,
        "simulator_url": urls.bank_url,
        "shop_url": urls.shop_url,
        "rbs": {
            "base_url": format!("{public_url}/payment/rest/"),
            "user_name": secrets.user_name,
            "password": secrets.password,
            "token": secrets.token,
            "callback_secret": secrets.callback_secret,
        },
        "ecommpay": {
            "project_id": number,
            "secret": india.secret,
            "gate_url": public_url,
            "payment_page_url": format!("{public_url}/payment"),
        },
        "wallet": { "partner_url": urls.partner_url },
        "panels": panels.told(public_url),
        "simulator": { "terminal_key": secrets.terminal_key },
        "test_cards": cards,
    });
    // Complete or absent: whoever waits for the file never reads half of it.
    let draft = file.with_extension("json.new");
    write_private(&draft, &serde_json::to_string_pretty(&demo)?)?;
    fs::rename(&draft, file)?;
    Ok(())
}

fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(file)?.write_all(text.as_bytes())?;
    Ok(())
}

fn print_welcome(public_url: &str, urls: &SimulatorUrls, demo_file: &Path) {
    println!("Altyn is ready.\n");
    println!("  Demo shop      {}", urls.shop_url);
    println!("   … in rupees   {}/?currency=INR", urls.shop_url);
    println!("  Simulated bank {}/bank", urls.bank_url);
    println!("  Wallet partner {}/partner", urls.partner_url);
    println!("  register.do    {public_url}/payment/rest/");
    println!("  Payment Page   {public_url}/payment");
    println!("  Gate           {public_url}/v2/");
    println!("  Back office    {public_url}/backoffice/reference");
    println!("  Health         {public_url}/health/ready");
    println!("  Credentials    {}\n", demo_file.display());
    println!("  Test cards, any future expiry, code 123:");
    for (pan, behaviour) in TEST_CARDS {
        println!("    {pan}  {behaviour}");
    }
    println!("\nStop with Ctrl-C.");
}
