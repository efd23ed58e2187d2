//! `altyn serve` and `altyn migrate`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use altyn_engine::{Clock, Engine, Entropy};
use altyn_web::backoffice::BackOffice;
use anyhow::Context as _;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::assemble::{self, Parts};
use crate::client::TrustedProxies;
use crate::clock::{ManualClock, SystemClock, SystemEntropy};
use crate::configuration::Configuration;
use crate::http::{self, HttpLimits};
use crate::operations::{self, Operations};
use crate::{installation, logging};

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgument {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Arguments of `altyn serve`.
#[derive(Debug, Args)]
pub struct ServeArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// End at standard input's end, so that a test's server cannot outlive it
    #[arg(long, hide = true)]
    stop_with_stdin: bool,
}

/// Opens the engine for a command that works beside a running server.
pub async fn open_engine(argument: &ConfigArgument) -> anyhow::Result<Engine> {
    let configuration = Configuration::load(&argument.config)?;
    logging::start(&configuration.log)?;
    start_engine(&configuration, Arc::new(SystemClock)).await
}

/// Opens database and key and starts the engine.
pub async fn start_engine(
    configuration: &Configuration,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Engine> {
    let storage = installation::open_database(&configuration.database.url).await?;
    let vault = installation::read_key(&configuration.security.key_file)?;
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
    let config = configuration.engine_config();
    assemble::engine(Parts {
        storage,
        clock,
        entropy,
        vault,
        config,
    })
    .await
}

/// `altyn serve`
pub async fn run(arguments: ServeArguments) -> anyhow::Result<ExitCode> {
    let configuration = Configuration::load(&arguments.config.config)?;
    logging::start(&configuration.log)?;
    let listener = TcpListener::bind(configuration.server.listen)
        .await
        .with_context(|| format!("cannot listen on {}", configuration.server.listen))?;
    let engine = start_engine(&configuration, Arc::new(SystemClock)).await?;
    let stop = stop_signal(arguments.stop_with_stdin)?;
    info!(listen = %listener.local_addr()?, "ready");
    run_server(Running {
        engine,
        listener,
        configuration,
        stop,
        manual_clock: None,
        is_demo: false,
    })
    .await
}

/// A server that is about to run.
pub struct Running {
    /// The engine.
    pub engine: Engine,
    /// Where it listens.
    pub listener: TcpListener,
    /// The configuration.
    pub configuration: Configuration,
    /// Ends it.
    pub stop: CancellationToken,
    /// The clock of a demo that tests move.
    pub manual_clock: Option<Arc<ManualClock>>,
    /// Whether everybody may know its credentials.
    pub is_demo: bool,
}

/// Serves until it is told to stop, then answers what is under way and lets timers finish.
pub async fn run_server(running: Running) -> anyhow::Result<ExitCode> {
    let Running {
        engine,
        listener,
        configuration,
        stop,
        manual_clock,
        is_demo,
    } = running;
    let operations = Operations {
        engine: engine.clone(),
        metrics: operations::metrics()?,
        stop: stop.clone(),
        manual_clock,
    };
    let public_url = &configuration.server.public_url;
    let office = BackOffice::try_new(engine.clone(), public_url, is_demo)
        .context("server.public_url is not an address of the web")?;
    let router = assemble::router(&engine, public_url, office, operations);
    engine.run_timers();
    let limits = HttpLimits {
        header_timeout: Duration::from_millis(configuration.server.header_timeout_ms),
        stop_timeout: Duration::from_millis(configuration.server.stop_timeout_ms),
        connections_max: configuration.server.connections_max,
    };
    let proxies = TrustedProxies::new(configuration.server.trusted_proxies);
    http::serve(listener, router, proxies, limits, stop).await;
    let _ = tokio::time::timeout(limits.stop_timeout, engine.stop()).await;
    info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Cancelled by SIGTERM or SIGINT, or at the end of standard input if that is wanted.
pub fn stop_signal(with_stdin: bool) -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let told = stop.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stdin_ended(), if with_stdin => {}
        }
        told.cancel();
    });
    Ok(stop)
}

async fn stdin_ended() {
    let (ended, end) = tokio::sync::oneshot::channel();
    // A thread of its own: a blocked read of the runtime would hold up its end.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = ended.send(());
    });
    let _ = end.await;
}

/// `altyn migrate`
pub async fn migrate(argument: &ConfigArgument) -> anyhow::Result<ExitCode> {
    let configuration = Configuration::load(&argument.config)?;
    logging::start(&configuration.log)?;
    let storage = installation::open_database(&configuration.database.url).await?;
    let entropy = SystemEntropy::default();
    let key_file = &configuration.security.key_file;
    installation::ensure_key_for(key_file, storage.as_ref(), &entropy).await?;
    println!("the {} database is ready", storage.name());
    Ok(ExitCode::SUCCESS)
}
