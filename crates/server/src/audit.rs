//! `altyn audit`

use std::process::ExitCode;

use clap::Args;

use crate::demo;
use crate::serve::{ConfigArgument, open_engine};

/// Arguments of `altyn audit`.
#[derive(Debug, Args)]
pub struct AuditArguments {
    #[command(flatten)]
    place: Place,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Which installation a command works on.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct Place {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub config: Option<std::path::PathBuf>,
    /// The data directory of a demo
    #[arg(long, value_name = "DIR")]
    pub data: Option<std::path::PathBuf>,
}

impl Place {
    /// Opens the engine of this installation.
    pub async fn open(&self) -> anyhow::Result<altyn_engine::Engine> {
        match (&self.config, &self.data) {
            (Some(config), _) => {
                open_engine(&ConfigArgument {
                    config: config.clone(),
                })
                .await
            }
            (None, Some(data)) => demo::open_engine(data).await,
            (None, None) => anyhow::bail!("--config or --data is needed"),
        }
    }
}

/// `altyn audit`
pub async fn run(arguments: AuditArguments) -> anyhow::Result<ExitCode> {
    let engine = arguments.place.open().await?;
    let report = engine.audit().await?;
    let trail = engine.verify_trail().await?;
    if arguments.json {
        let findings: Vec<_> = report
            .findings
            .iter()
            .map(|finding| {
                serde_json::json!({
                    "payment_id": finding.payment_id.map(|id| id.to_string()),
                    "what": finding.what,
                })
            })
            .chain(trail.findings.iter().map(|finding| {
                serde_json::json!({
                    "payment_id": null,
                    "chain": finding.chain,
                    "number": finding.number,
                    "what": finding.what,
                })
            }))
            .collect();
        println!(
            "{}",
            serde_json::json!({
                "payments": report.payments,
                "postings": report.postings,
                "accounts": report.accounts,
                "open_operations": report.open_operations,
                "trail_chains": trail.chains,
                "trail_entries": trail.entries,
                "findings": findings,
            })
        );
    } else {
        println!(
            "{} payments, {} postings, {} accounts, {} operations without a known end",
            report.payments, report.postings, report.accounts, report.open_operations
        );
        for finding in &report.findings {
            let of = finding
                .payment_id
                .map(|id| format!("{id}: "))
                .unwrap_or_default();
            println!("DIFFERENCE {of}{}", finding.what);
        }
        println!(
            "{} lines of the audit trail in {} chains",
            trail.entries, trail.chains
        );
        for finding in &trail.findings {
            let (chain, number) = (finding.chain, finding.number);
            println!("DIFFERENCE audit trail {chain}/{number}: {}", finding.what);
        }
        let differences = report.findings.len() + trail.findings.len();
        println!("{differences} differences");
    }
    Ok(if report.findings.is_empty() && trail.findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
