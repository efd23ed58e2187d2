//! `altyn connector`

use std::process::ExitCode;
use std::time::Duration;

use altyn_connectors::remote::signature::Keys;
use altyn_domain::Currency;
use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use url::Url;

use crate::check;

/// Arguments of `altyn connector`.
#[derive(Debug, Args)]
pub struct ConnectorArguments {
    #[command(subcommand)]
    command: ConnectorCommand,
}

#[derive(Debug, Subcommand)]
enum ConnectorCommand {
    /// Play the connector protocol against a connector in test mode; exit code 1 if anything is wrong
    Check(CheckArguments),
}

#[derive(Args)]
struct CheckArguments {
    /// The connector's address, exactly as it is to be called
    url: Url,
    /// Its key, `whsec_…`
    #[arg(long, env = "ALTYN_CONNECTOR_KEY", hide_env_values = true)]
    key: String,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// What is sent as the payment method's settings: a JSON object
    #[arg(long, default_value = "{}")]
    settings: String,
    /// What is sent as the connector's static settings: a JSON object
    #[arg(long = "static", default_value = "{}")]
    common: String,
    /// The currency to use; else the first that the connector takes
    #[arg(long, value_parser = currency)]
    currency: Option<Currency>,
    /// How long an answer may take, in milliseconds
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    timeout_ms: u64,
    /// How long a late end or a callback may take, in milliseconds
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    wait_ms: u64,
}

impl std::fmt::Debug for CheckArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "check {}", self.url)
    }
}

fn currency(code: &str) -> Result<Currency, String> {
    Currency::from_alpha(code).map_err(|error| error.to_string())
}

/// `altyn connector`
pub async fn run(arguments: ConnectorArguments) -> anyhow::Result<ExitCode> {
    let ConnectorCommand::Check(arguments) = arguments.command;
    let is_web = matches!(arguments.url.scheme(), "http" | "https");
    ensure!(is_web, "the address must begin with https:// or http://");
    let plan = check::Plan {
        keys: Keys::parse(&arguments.key)
            .context("the key must be whsec_ and 24 to 64 bytes in Base64")?,
        url: arguments.url,
        settings: object(&arguments.settings).context("--settings")?,
        common: object(&arguments.common).context("--static")?,
        currency: arguments.currency,
        timeout: Duration::from_millis(arguments.timeout_ms),
        wait: Duration::from_millis(arguments.wait_ms),
    };
    let is_right = Box::pin(check::run(plan, arguments.json)).await?;
    Ok(if is_right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn object(text: &str) -> anyhow::Result<Map<String, Value>> {
    serde_json::from_str(text).context("it must be a JSON object")
}
