//! `altyn incidents`

use std::process::ExitCode;

use altyn_domain::PaymentId;
use altyn_engine::IncidentVerdict;
use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};

use crate::audit::Place;

/// Arguments of `altyn incidents`.
#[derive(Debug, Args)]
pub struct IncidentArguments {
    #[command(subcommand)]
    command: IncidentCommand,
}

#[derive(Debug, Subcommand)]
enum IncidentCommand {
    /// Show incidents, the newest first
    List {
        #[command(flatten)]
        place: Place,
        /// Closed ones too
        #[arg(long)]
        all: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Close an incident
    Resolve {
        #[command(flatten)]
        place: Place,
        /// The incident as `list` shows it: PAYMENT/NUMBER
        incident: String,
        /// What you found out about its operation
        #[arg(long = "as", value_enum, default_value_t = Verdict::Noted)]
        verdict: Verdict,
        /// What you did and why
        #[arg(long)]
        note: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Verdict {
    /// Nothing: only close the incident
    Noted,
    /// The gateway confirms the operation
    Approved,
    /// The gateway confirms that the operation had no effect
    Declined,
}

/// How many incidents `list` shows.
const LIST_MAX: u32 = 10_000;

/// `altyn incidents`
pub async fn run(arguments: IncidentArguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        IncidentCommand::List { place, all, json } => list(&place, all, json).await,
        IncidentCommand::Resolve {
            place,
            incident,
            verdict,
            note,
        } => {
            let (payment, number) = incident.split_once('/').context("write PAYMENT/NUMBER")?;
            let payment = PaymentId::parse(payment).context("write PAYMENT/NUMBER")?;
            let number = number.parse().context("write PAYMENT/NUMBER")?;
            let verdict = match verdict {
                Verdict::Noted => IncidentVerdict::Noted,
                Verdict::Approved => IncidentVerdict::Approved,
                Verdict::Declined => IncidentVerdict::Declined,
            };
            let engine = place.open().await?;
            let answer = engine
                .resolve_incident(payment, number, verdict, note)
                .await?;
            println!(
                "{payment}/{number} is closed; the payment is {}",
                answer.payment.status().word()
            );
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn list(place: &Place, all: bool, json: bool) -> anyhow::Result<ExitCode> {
    let engine = place.open().await?;
    let incidents = engine.incidents(all, LIST_MAX).await?;
    for record in &incidents {
        let incident = &record.incident;
        let id = format!("{}/{}", record.payment_id, incident.number);
        let state = if record.resolved.is_some() {
            "closed"
        } else {
            "open"
        };
        if json {
            println!(
                "{}",
                serde_json::json!({
                    "incident": id,
                    "kind": incident.kind.word(),
                    "operation": incident.operation,
                    "detail": incident.detail,
                    "state": state,
                    "note": record.resolved.as_ref().map(|(_, note)| note),
                })
            );
        } else {
            println!(
                "{id}  {state}  {}  {}",
                incident.kind.word(),
                incident.detail
            );
        }
    }
    if !json {
        println!("{} incidents", incidents.len());
    }
    Ok(ExitCode::SUCCESS)
}
