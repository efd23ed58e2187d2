//! The program `altyn`: a self-hosted payment gateway.
//!
//! `altyn demo` shows it with everything it needs; `altyn serve --config FILE` runs it. This crate alone
//! knows the databases, the connectors, the callback formats, the clock and the source of randomness.

mod assemble;
mod audit;
mod check;
mod client;
mod clock;
mod configuration;
mod connector;
mod demo;
mod ecommpay;
mod http;
mod incidents;
mod installation;
mod logging;
mod method;
mod operations;
mod project;
mod serve;
mod signature;
mod simulator;
mod user;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "altyn", version, about = "A self-hosted payment gateway")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway with a simulated bank and a demo shop on an embedded database
    Demo(demo::DemoArguments),
    /// Run the gateway
    Serve(serve::ServeArguments),
    /// Bring the database to the form that this version needs
    Migrate(serve::ConfigArgument),
    /// Recompute the ledger and every payment, check the audit trail; exit code 1 on any difference
    Audit(audit::AuditArguments),
    /// Show or close what a person must look at
    Incidents(incidents::IncidentArguments),
    /// Make a project and its credentials
    Project(project::ProjectArguments),
    /// Show or change the payment methods of a project
    Method(method::MethodArguments),
    /// Make a root operator, or let one in who is locked out
    User(user::UserArguments),
    /// Check a gateway that is added over HTTP
    Connector(connector::ConnectorArguments),
    /// Print the canonical text and the signature of a message, as each dialect makes them
    Signature(signature::SignatureArguments),
}

fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("altyn: the runtime cannot start: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        let result = run(arguments.command).await;
        installation::close_databases().await;
        result
    });
    // Blocking threads of a database may still be busy; nothing waits for them.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("altyn: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<std::process::ExitCode> {
    match command {
        Command::Demo(arguments) => Box::pin(demo::run(arguments)).await,
        Command::Serve(arguments) => Box::pin(serve::run(arguments)).await,
        Command::Migrate(arguments) => serve::migrate(&arguments).await,
        Command::Audit(arguments) => audit::run(arguments).await,
        Command::Incidents(arguments) => incidents::run(arguments).await,
        Command::Project(arguments) => project::run(arguments).await,
        Command::Method(arguments) => method::run(arguments).await,
        Command::User(arguments) => user::run(arguments).await,
        Command::Connector(arguments) => connector::run(arguments).await,
        Command::Signature(arguments) => signature::run(&arguments),
    }
}
