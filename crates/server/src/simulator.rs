//! The simulator as a child process: it lives as long as its standard input is open, so it can never
//! outlive this program, however that ends.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

/// What the simulator is told.
#[derive(Debug, Serialize)]
pub struct SimulatorConfig {
    /// Where the bank listens.
    pub bank_listen: String,
    /// The key of our terminal at the bank.
    pub terminal_key: String,
    /// Milliseconds by which `timeout_*` cards are answered too late.
    pub late_ms: u64,
    /// Where the bank remembers what it did.
    pub journal: Option<PathBuf>,
    /// The wallet partner.
    pub partner: PartnerConfig,
    /// The demo shop.
    pub shop: ShopConfig,
}

/// What the wallet partner is told.
#[derive(Debug, Serialize)]
pub struct PartnerConfig {
    /// Where it listens.
    pub listen: String,
    /// Our name at the partner.
    pub app_id: String,
    /// Our secret at the partner.
    pub secret: String,
    /// Where the partner remembers what it did.
    pub journal: Option<PathBuf>,
}

/// What the demo shop is told.
#[derive(Debug, Serialize)]
pub struct ShopConfig {
    /// Where it listens.
    pub listen: String,
    /// The gateway's register.do API.
    pub gateway_base_url: String,
    /// Its login.
    pub user_name: String,
    /// Its password.
    pub password: String,
    /// The key that callbacks to it are signed with.
    pub callback_secret: String,
    /// Its account in India.
    pub ecommpay: EcommpayShopConfig,
}

/// What the demo shop's cashier for India is told.
#[derive(Debug, Serialize)]
pub struct EcommpayShopConfig {
    /// The Gate.
    pub gate_url: String,
    /// The Payment Page.
    pub payment_page_url: String,
    /// The number of the project.
    pub project_id: u32,
    /// The key of every signature.
    pub secret: String,
}

/// Where the simulator is reached.
#[derive(Debug, Clone, Deserialize)]
pub struct SimulatorUrls {
    /// The bank.
    pub bank_url: String,
    /// The demo shop.
    pub shop_url: String,
    /// The wallet partner.
    pub partner_url: String,
}

/// A running simulator. It ends when this is dropped.
pub struct Simulator {
    /// Where it is reached.
    pub urls: SimulatorUrls,
    child: Child,
    stdin: Option<ChildStdin>,
}

/// How long the simulator may take to start and to stop.
const START_TIMEOUT: Duration = Duration::from_secs(20);
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

fn binary() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("the place of this program")?;
    let beside = own.with_file_name("altyn-simulator");
    if beside.is_file() {
        return Ok(beside);
    }
    bail!(
        "{} is missing: build it with `cargo build --bin altyn-simulator`",
        beside.display()
    )
}

impl Simulator {
    /// Starts it and waits until it is ready.
    pub async fn start(config: &SimulatorConfig) -> anyhow::Result<Self> {
        let mut child = Command::new(binary()?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("altyn-simulator")?;
        let mut stdin = child.stdin.take().context("altyn-simulator has no input")?;
        let stdout = child
            .stdout
            .take()
            .context("altyn-simulator has no output")?;
        let mut line = serde_json::to_vec(config)?;
        line.push(b'\n');
        stdin.write_all(&line).await?;
        let mut answer = String::new();
        let mut output = BufReader::new(stdout);
        let read = tokio::time::timeout(START_TIMEOUT, output.read_line(&mut answer)).await;
        let bytes = read.context("altyn-simulator did not start in time")??;
        if bytes == 0 {
            bail!("altyn-simulator ended at once; its message stands above");
        }
        let urls = serde_json::from_str(&answer).context("altyn-simulator's answer")?;
        Ok(Self {
            urls,
            child,
            stdin: Some(stdin),
        })
    }

    /// Ends it.
    pub async fn stop(mut self) {
        drop(self.stdin.take());
        if tokio::time::timeout(STOP_TIMEOUT, self.child.wait())
            .await
            .is_err()
        {
            let _ = self.child.kill().await;
        }
    }
}
