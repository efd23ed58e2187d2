//! The configuration file: one TOML file, every key with its unit and default, unknown keys refused.
//! `ALTYN__SECTION__KEY` in the environment overrides a key of a section.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use altyn_engine::{CallbackLimits, EngineConfig};
use anyhow::Context as _;
use ipnet::IpNet;
use serde::Deserialize;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Where and as what the gateway is reached.
    pub server: ServerSection,
    /// Where everything is stored.
    pub database: DatabaseSection,
    /// Keys.
    pub security: SecuritySection,
    /// Logs.
    #[serde(default)]
    pub log: LogSection,
    /// Limits of the engine.
    #[serde(default)]
    pub engine: EngineSection,
    /// Delivery of callbacks.
    #[serde(default)]
    pub callbacks: CallbackSection,
    /// How people sign in.
    #[serde(default)]
    pub people: PeopleSection,
}

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSection {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// The address that payers and shops know, without a trailing slash: `https://pay.example.kz`.
    pub public_url: String,
    /// Milliseconds a client may take to send the head of a request. Default 10000.
    #[serde(default = "ServerSection::default_header_timeout_ms")]
    pub header_timeout_ms: u64,
    /// Milliseconds that requests under way may take after a stop was asked for. Default 25000.
    #[serde(default = "ServerSection::default_stop_timeout_ms")]
    pub stop_timeout_ms: u64,
    /// Connections served at once; more wait to be accepted. Default 10000.
    #[serde(default = "ServerSection::default_connections_max")]
    pub connections_max: usize,
    /// Networks of the proxies that stand in front, as `10.0.0.5/32`: only these may say in `X-Forwarded-For` who
    /// calls. Default none.
    #[serde(default)]
    pub trusted_proxies: Vec<IpNet>,
}

impl ServerSection {
    pub(crate) const fn default_header_timeout_ms() -> u64 {
        10_000
    }

    pub(crate) const fn default_stop_timeout_ms() -> u64 {
        25_000
    }

    pub(crate) const fn default_connections_max() -> usize {
        10_000
    }
}

/// `[database]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSection {
    /// `sqlite:/var/lib/altyn/altyn.db` or `postgres://user:password@host/database`.
    pub url: String,
}

/// `[security]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecuritySection {
    /// File with the installation's key: 32 random bytes. Made by `altyn migrate` if it is missing and the
    /// database is empty. Without it nothing sealed can be opened: keep a copy apart from the database.
    pub key_file: PathBuf,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// `text` or `json`. Default `text`.
    pub format: LogFormat,
    /// Which events: `error`, `warn`, `info`, `debug`, or a filter such as `info,altyn_engine=debug`.
    /// Default `info`.
    pub level: String,
}

impl Default for LogSection {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: "info".to_owned(),
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// `[engine]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineSection {
    /// Commands that may wait for the writer; more are answered "busy" at once. Default 4096.
    pub queue_max: usize,
    /// Commands in one database transaction. Default 256.
    pub batch_max: usize,
    /// Milliseconds one exchange with a gateway may take. Default 15000.
    pub exchange_deadline_ms: i64,
    /// Milliseconds a lease on a timer lasts; at least twice what an exchange and a
    /// callback may take. What a killed server had begun goes on when its leases end. Default 30000.
    pub lease_ms: i64,
    /// Milliseconds between two looks for due timers. Default 200.
    pub timer_poll_ms: u64,
    /// Timers worked on at once. Default 64.
    pub timers_max: usize,
    /// Largest answer of a gateway in bytes. Default 1048576.
    pub response_max: usize,
    /// Exchanges under way at once that no caller waits for. Default 1024.
    pub background_max: usize,
}

impl Default for EngineSection {
    fn default() -> Self {
        let engine = EngineConfig::default();
        Self {
            queue_max: engine.queue_max,
            batch_max: engine.batch_max,
            exchange_deadline_ms: engine.exchange_deadline_ms,
            lease_ms: engine.lease_ms,
            timer_poll_ms: engine.timer_poll_ms,
            timers_max: engine.timers_max,
            response_max: engine.response_max,
            background_max: engine.background_max,
        }
    }
}

/// `[callbacks]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallbackSection {
    /// Milliseconds one attempt may take. Default 10000.
    pub timeout_ms: u64,
    /// Attempts under way at once to one host. Default 8.
    pub per_host_max: usize,
    /// Attempts under way at once in all. Default 64.
    pub in_all_max: usize,
    /// Networks that callbacks may go to although they are not public, as `10.1.0.0/16`. Default none.
    pub allowed_networks: Vec<IpNet>,
}

impl Default for CallbackSection {
    fn default() -> Self {
        let limits = EngineConfig::default().callbacks;
        Self {
            timeout_ms: limits.timeout_ms,
            per_host_max: limits.per_host_max,
            in_all_max: limits.in_all_max,
            allowed_networks: limits.allowed_networks,
        }
    }
}

/// `[people]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeopleSection {
    /// Whether everybody who signs in needs a second factor. Default true.
    pub second_factor_required: bool,
    /// Milliseconds after which a session that is not used ends. Default 900000.
    pub session_idle_ms: i64,
    /// Milliseconds after which a session ends at the latest. Default 43200000.
    pub session_max_ms: i64,
}

impl Default for PeopleSection {
    fn default() -> Self {
        let engine = EngineConfig::default();
        Self {
            second_factor_required: engine.second_factor_required,
            session_idle_ms: engine.session_idle_ms,
            session_max_ms: engine.session_max_ms,
        }
    }
}

impl Configuration {
    /// Reads the file and the environment, and checks everything before anything starts.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let file = config::File::from(path)
            .format(config::FileFormat::Toml)
            .required(true);
        let environment = config::Environment::with_prefix("ALTYN")
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true);
        let read = config::Config::builder()
            .add_source(file)
            .add_source(environment)
            .build();
        let configuration: Self = read
            .and_then(config::Config::try_deserialize)
            .with_context(|| format!("configuration {}", path.display()))?;
        configuration
            .check()
            .with_context(|| format!("configuration {}", path.display()))?;
        Ok(configuration)
    }

    /// What the types cannot say.
    pub fn check(&self) -> anyhow::Result<()> {
        let url = url::Url::parse(&self.server.public_url).context("server.public_url")?;
        anyhow::ensure!(
            matches!(url.scheme(), "http" | "https") && !self.server.public_url.ends_with('/'),
            "server.public_url must begin with http:// or https:// and have no trailing slash"
        );
        let proxies = &self.server.trusted_proxies;
        anyhow::ensure!(
            proxies.iter().all(|network| network.prefix_len() > 0),
            "server.trusted_proxies must not be every address: anybody could say to be anybody"
        );
        anyhow::ensure!(
            ["sqlite:", "postgres:", "postgresql:"]
                .iter()
                .any(|s| self.database.url.starts_with(s)),
            "database.url must begin with sqlite: or postgres:"
        );
        let engine = &self.engine;
        anyhow::ensure!(
            (1..=256).contains(&engine.batch_max) && engine.queue_max >= engine.batch_max,
            "engine.batch_max must be 1 to 256 and no more than engine.queue_max"
        );
        anyhow::ensure!(
            (100..=120_000).contains(&engine.exchange_deadline_ms),
            "engine.exchange_deadline_ms must be 100 to 120000"
        );
        let work_ms = engine
            .exchange_deadline_ms
            .max(i64::try_from(self.callbacks.timeout_ms)?);
        anyhow::ensure!(
            engine.lease_ms >= work_ms * 2,
            "engine.lease_ms must be at least twice engine.exchange_deadline_ms and callbacks.timeout_ms"
        );
        let counts = [
            engine.timers_max,
            self.callbacks.per_host_max,
            self.callbacks.in_all_max,
        ];
        anyhow::ensure!(
            counts.iter().all(|count| *count > 0) && engine.timer_poll_ms >= 10,
            "engine.timers_max and the limits of callbacks must not be 0, engine.timer_poll_ms not below 10"
        );
        // Use is noted once a minute, so a shorter pause would end a session in use.
        let people = &self.people;
        anyhow::ensure!(
            people.session_idle_ms >= 120_000 && people.session_max_ms >= people.session_idle_ms,
            "people.session_idle_ms must be at least 120000 and no more than people.session_max_ms"
        );
        Ok(())
    }

    /// The engine's limits.
    pub fn engine_config(&self) -> EngineConfig {
        EngineConfig {
            public_url: self.server.public_url.clone(),
            queue_max: self.engine.queue_max,
            batch_max: self.engine.batch_max,
            exchange_deadline_ms: self.engine.exchange_deadline_ms,
            lease_ms: self.engine.lease_ms,
            timer_poll_ms: self.engine.timer_poll_ms,
            timers_max: self.engine.timers_max,
            response_max: self.engine.response_max,
            background_max: self.engine.background_max,
            second_factor_required: self.people.second_factor_required,
            session_idle_ms: self.people.session_idle_ms,
            session_max_ms: self.people.session_max_ms,
            callbacks: CallbackLimits {
                timeout_ms: self.callbacks.timeout_ms,
                per_host_max: self.callbacks.per_host_max,
                in_all_max: self.callbacks.in_all_max,
                allowed_networks: self.callbacks.allowed_networks.clone(),
            },
        }
    }
}
