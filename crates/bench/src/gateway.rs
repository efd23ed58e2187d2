//! The gateway under load, and the bank that it pays at: programs that live as long as their input is open.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::process;
use crate::shop::Account;

/// How long a program may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often we look whether the gateway is ready.
const READY_POLL: Duration = Duration::from_millis(1);

/// The bank of the sandbox as a program of its own.
pub struct Bank {
    url: String,
    key: String,
    id: u32,
    _process: Child,
    _leash: ChildStdin,
}

impl Bank {
    /// Starts it without a journal: what it costs is not the gateway's.
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
        let config = serde_json::json!({ "terminal_key": key });
        leash.write_all(format!("{config}\n").as_bytes()).await?;
        let mut line = String::new();
        let stdout = process.stdout.take().context("the bank has no output")?;
        let mut reader = BufReader::new(stdout);
        tokio::time::timeout(PATIENCE, reader.read_line(&mut line))
            .await
            .context("the bank did not start in time")??;
        let ready: Value = serde_json::from_str(&line).context("the bank's first line")?;
        let url = text(&ready, "bank_url")?.to_owned();
        Ok(Self {
            url,
            key,
            id,
            _process: process,
            _leash: leash,
        })
    }

    /// Processor time of the bank, in microseconds.
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
    /// The bank; without one the demo starts its own, with a shop.
    pub bank: Option<&'a Bank>,
}

/// A running `altyn demo`.
pub struct Gateway {
    /// The shop's account.
    pub account: Account,
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
            command.args(["--bank-url", &bank.url, "--bank-key", &bank.key]);
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
        let account = account(&ready)?;
        let data = setup.data.to_owned();
        Ok(Self {
            account,
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

fn account(ready: &Value) -> Result<Account> {
    let url = text(ready, "base_url")?;
    let address: SocketAddr = url
        .trim_start_matches("http://")
        .parse()
        .context("base_url")?;
    let rbs = ready.get("rbs").context("demo.json without rbs")?;
    Ok(Account::new(
        address,
        text(rbs, "user_name")?,
        text(rbs, "password")?,
    ))
}

fn text<'a>(object: &'a Value, name: &str) -> Result<&'a str> {
    object
        .get(name)
        .and_then(Value::as_str)
        .with_context(|| format!("{name} is missing"))
}
