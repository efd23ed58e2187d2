//! The gateway under load, and the bank and the wallet partner that it pays at: programs that live as long
//! as their input is open.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::signature::Key;
use crate::{gate, process, shop};

/// How long a program may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often we look whether the gateway is ready.
const READY_POLL: Duration = Duration::from_millis(1);

/// The account that a demo has at a wallet partner it did not start itself.
const PARTNER_APP_ID: &str = "app-of-a-test";
const PARTNER_SECRET: &str = "partner-secret-of-a-test";

/// The bank of the sandbox and the wallet partner, as a program of its own.
pub struct Bank {
    /// Where the wallet partner listens.
    pub partner: SocketAddr,
    url: String,
    key: String,
    id: u32,
    _process: Child,
    _leash: ChildStdin,
}

impl Bank {
    /// Starts both without journals: what they cost is not the gateway's.
    pub async fn start(programs: &Path) -> Result<Self> {
        let key = "terminal-key-of-a-benchmark".to_owned();
        let program = programs.join("altyn-simulator");
        let mut command = Command::new(&program);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command
            .spawn()
            .with_context(|| program.display().to_string())?;
        let id = process.id().context("the bank ended at once")?;
        let mut leash = process.stdin.take().context("the bank has no input")?;
        let config = serde_json::json!({
            "terminal_key": key,
            "partner": { "app_id": PARTNER_APP_ID, "secret": PARTNER_SECRET },
        });
        leash.write_all(format!("{config}\n").as_bytes()).await?;
        let mut line = String::new();
        let stdout = process.stdout.take().context("the bank has no output")?;
        let mut reader = BufReader::new(stdout);
        tokio::time::timeout(PATIENCE, reader.read_line(&mut line))
            .await
            .context("the bank did not start in time")??;
        let ready: Value = serde_json::from_str(&line).context("the bank's first line")?;
        Ok(Self {
            partner: address(text(&ready, "partner_url")?)?,
            url: text(&ready, "bank_url")?.to_owned(),
            key,
            id,
            _process: process,
            _leash: leash,
        })
    }

    /// Processor time of the bank and the partner, in microseconds.
    pub fn cpu_us(&self) -> u64 {
        process::cpu_us(self.id)
    }
}

/// How a gateway is started.
pub struct Setup<'a> {
    /// Folder with the programs.
    pub programs: &'a Path,
    /// The data directory.
    pub data: &'a Path,
    /// Another database than the embedded one.
    pub database_url: Option<&'a str>,
    /// Bank and partner; without them the demo starts its own, with a shop.
    pub bank: Option<&'a Bank>,
}

/// A running `altyn demo`.
pub struct Gateway {
    /// The shop's account in the API of register.do.
    pub shop: shop::Account,
    /// The shop's account at the Gate.
    pub gate: gate::Account,
    /// From the start of the program to the moment it was ready.
    pub ready_after: Duration,
    id: u32,
    program: PathBuf,
    data: PathBuf,
    process: Child,
    leash: ChildStdin,
}

impl Gateway {
    /// Starts it and waits until it is ready.
    pub async fn start(setup: &Setup<'_>) -> Result<Self> {
        let ready_file = setup.data.join("demo.json");
        match std::fs::remove_file(&ready_file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
        let program = setup.programs.join("altyn");
        let mut command = Command::new(&program);
        command.args([
            "demo",
            "--stop-with-stdin",
            "--listen",
            "127.0.0.1:0",
            "--data",
        ]);
        command.arg(setup.data);
        if let Some(url) = setup.database_url {
            command.args(["--database-url", url]);
        }
        if let Some(bank) = setup.bank {
            let partner_url = format!("http://{}", bank.partner);
            command.args(["--bank-url", &bank.url, "--bank-key", &bank.key]);
            command.args(["--partner-url", &partner_url]);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let began = Instant::now();
        let mut process = command
            .spawn()
            .with_context(|| program.display().to_string())?;
        let id = process.id().context("altyn ended at once")?;
        let leash = process.stdin.take().context("altyn has no input")?;
        let ready = until_ready(&ready_file, &mut process, began).await?;
        let ready_after = began.elapsed();
        let data = setup.data.to_owned();
        Ok(Self {
            shop: shop_account(&ready)?,
            gate: gate_account(&ready)?,
            ready_after,
            id,
            program,
            data,
            process,
            leash,
        })
    }

    /// Processor time of the gateway, in microseconds.
    pub fn cpu_us(&self) -> u64 {
        process::cpu_us(self.id)
    }

    /// Memory in use now, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        process::memory_bytes(self.id, "VmRSS")
    }

    /// The most memory that was in use so far, in bytes.
    pub fn memory_peak_bytes(&self) -> u64 {
        process::memory_bytes(self.id, "VmHWM")
    }

    /// What `altyn audit` says of the installation; it must find nothing wrong.
    pub async fn audit(&self) -> Result<Value> {
        let mut command = Command::new(&self.program);
        command.args(["audit", "--json", "--data"]).arg(&self.data);
        let output = command
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!(
                "altyn audit: {said}{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        serde_json::from_str(&said).context("what altyn audit printed")
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(mut self) -> Result<()> {
        drop(self.leash);
        let status = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        let status = status.context("altyn did not stop in time")??;
        ensure!(status.success(), "altyn ended with {status}");
        Ok(())
    }
}

async fn until_ready(file: &Path, process: &mut Child, began: Instant) -> Result<Value> {
    while began.elapsed() < PATIENCE {
        if let Ok(text) = std::fs::read_to_string(file) {
            return serde_json::from_str(&text).context("demo.json");
        }
        if let Some(status) = process.try_wait()? {
            bail!("altyn ended while starting: {status}");
        }
        tokio::time::sleep(READY_POLL).await;
    }
    bail!("altyn was not ready after {} s", PATIENCE.as_secs())
}

fn shop_account(ready: &Value) -> Result<shop::Account> {
    let rbs = ready.get("rbs").context("demo.json without rbs")?;
    Ok(shop::Account::new(
        address(text(ready, "base_url")?)?,
        text(rbs, "user_name")?,
        text(rbs, "password")?,
    ))
}

fn gate_account(ready: &Value) -> Result<gate::Account> {
    let ecommpay = ready
        .get("ecommpay")
        .context("demo.json without ecommpay")?;
    let project_id = ecommpay.get("project_id").and_then(Value::as_u64);
    Ok(gate::Account {
        address: address(text(ecommpay, "gate_url")?)?,
        project_id: project_id.context("a project without a number")?,
        key: Key::new(text(ecommpay, "secret")?),
    })
}

/// The place that an address of this machine without a path names.
fn address(url: &str) -> Result<SocketAddr> {
    let place = url.trim_start_matches("http://");
    place.parse().with_context(|| url.to_owned())
}

fn text<'a>(object: &'a Value, name: &str) -> Result<&'a str> {
    object
        .get(name)
        .and_then(Value::as_str)
        .with_context(|| format!("{name} is missing"))
}
