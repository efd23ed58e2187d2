//! `altyn-simulator`: the outside world of the gateway on one machine — a bank with 3-D Secure
//! ([`bank`], [`acs`]), a wallet partner ([`partner`]) and a demo shop ([`shop`]).
//!
//! The program reads one line of JSON from standard input (its configuration), starts its servers
//! on loopback addresses, prints one line of JSON with their URLs, and runs until standard input
//! ends or SIGTERM arrives, so that it never outlives the process that started it.
//!
//! It shares no code with the gateway: the bank's contract is `docs/sandbox-bank.md`, the
//! partner's `docs/wallet-partner.md`, the shop speaks the merchants' API like any other shop. A
//! misunderstanding therefore shows as a failing test rather than as two halves that agree on the
//! same mistake.

mod acs;
mod bank;
mod clock;
mod config;
mod journal;
mod partner;
mod random;
mod secret;
mod serve;
mod shop;
mod web;

use std::io::{BufRead, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use bank::Bank;
use config::{Config, PartnerConfig};
use partner::Partner;
use shop::Shop;

/// The longest configuration line that is read.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// The line printed on standard output when everything listens.
#[derive(Serialize)]
struct Ready {
    bank_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    shop_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partner_url: Option<String>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("altyn-simulator: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let mut input = std::io::stdin().lock();
    let mut line = String::new();
    input
        .by_ref()
        .take(CONFIG_BYTES_MAX)
        .read_line(&mut line)
        .context("standard input")?;
    drop(input);
    let config = Config::parse(&line)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let bank_listener = TcpListener::bind(config::loopback(&config.bank_listen)?)
        .await
        .with_context(|| format!("bank_listen {}", config.bank_listen))?;
    let bank_url = format!("http://{}", bank_listener.local_addr()?);
    let bank = Bank::open(&config, &bank_url)?;

    let partner = match config.partner {
        Some(partner_config) => Some(open_partner(partner_config).await?),
        None => None,
    };
    let partner_url = partner.as_ref().map(|it| it.public_url().to_owned());
    let mut shop_url = None;
    let mut shop = None;
    if let Some(shop_config) = config.shop {
        let listener = TcpListener::bind(config::loopback(&shop_config.listen)?)
            .await
            .with_context(|| format!("shop listen {}", shop_config.listen))?;
        let address = format!("http://{}", listener.local_addr()?);
        let opened = Arc::new(Shop::open(
            shop_config,
            &address,
            &bank_url,
            partner_url.as_deref(),
            config.journal,
        )?);
        shop_url = Some(opened.public_url().to_owned());
        tokio::spawn(serve::serve(listener, shop::router(Arc::clone(&opened))));
        shop = Some(opened);
    }
    let routes = bank::router(Arc::clone(&bank)).merge(acs::router(Arc::clone(&bank)));
    tokio::spawn(serve::serve(bank_listener, routes));

    announce(&Ready {
        bank_url,
        shop_url,
        partner_url,
    })?;
    tokio::select! {
        () = parent_gone() => eprintln!("altyn-simulator: standard input ended, stopping"),
        _ = terminated.recv() => eprintln!("altyn-simulator: asked to stop"),
    }
    bank.close();
    if let Some(shop) = shop {
        shop.close();
    }
    if let Some(partner) = partner {
        partner.close();
    }
    Ok(())
}

/// Starts serving the wallet partner.
async fn open_partner(config: PartnerConfig) -> anyhow::Result<Arc<Partner>> {
    let listener = TcpListener::bind(config::loopback(&config.listen)?)
        .await
        .with_context(|| format!("partner listen {}", config.listen))?;
    let address = format!("http://{}", listener.local_addr()?);
    let opened = Partner::open(config, &address)?;
    tokio::spawn(serve::serve(listener, partner::router(Arc::clone(&opened))));
    tokio::spawn(Arc::clone(&opened).work());
    Ok(opened)
}

fn announce(ready: &Ready) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    serde_json::to_writer(&mut output, ready)?;
    output.write_all(b"\n")?;
    output.flush()?;
    Ok(())
}

/// Resolves at the end of standard input. A thread of its own reads, because a blocked read of
/// standard input cannot be cancelled and must not keep the program from ending.
async fn parent_gone() {
    let (ended, wait) = oneshot::channel();
    std::thread::spawn(move || {
        let copied = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = ended.send(copied);
    });
    let _ = wait.await;
}
