//! The private PostgreSQL cluster must be gone after its user, however that one went.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Longer than a start and a stop take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// `cargo xtask postgres` around a command that prints the URL and waits for the end of its input.
fn start() -> Result<(Child, SocketAddr)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args([
        "postgres",
        "--",
        "sh",
        "-c",
        "echo $ALTYN_TEST_POSTGRES_URL; exec cat",
    ]);
    let mut xtask = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = xtask.stdout.take().context("no pipe")?;
    let mut url = String::new();
    BufReader::new(stdout).read_line(&mut url)?;
    let rest = url
        .trim()
        .strip_prefix("postgres://altyn@")
        .context("an unexpected URL")?;
    let (address, _) = rest.split_once('/').context("a URL without a database")?;
    let address = address.parse()?;
    ensure!(is_open(address), "nobody listens on {address}");
    Ok((xtask, address))
}

fn is_open(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_secs(5)).is_ok()
}

fn wait_until_closed(address: SocketAddr) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while is_open(address) {
        ensure!(
            Instant::now() < deadline,
            "the server on {address} is still there"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

#[test]
fn the_cluster_is_gone_after_the_command() -> Result<()> {
    let (mut xtask, address) = start()?;
    drop(xtask.stdin.take());
    ensure!(xtask.wait()?.success(), "xtask failed");
    ensure!(!is_open(address), "the server outlived the command");
    Ok(())
}

#[test]
fn the_cluster_is_gone_after_a_kill() -> Result<()> {
    let (mut xtask, address) = start()?;
    // SIGKILL: nothing in xtask can run any more.
    xtask.kill()?;
    xtask.wait()?;
    wait_until_closed(address)
}
