//! `altyn signature`: for people who debug an integration.

use std::process::ExitCode;

use altyn_dialects::rbs::signature;
use clap::{Args, Subcommand};
use url::form_urlencoded;

/// Arguments of `altyn signature`.
#[derive(Debug, Args)]
pub struct SignatureArguments {
    #[command(subcommand)]
    dialect: Dialect,
}

#[derive(Debug, Subcommand)]
enum Dialect {
    /// The checksum of a register.do callback
    Rbs {
        /// The shared key
        #[arg(long, allow_hyphen_values = true)]
        key: String,
        /// The callback's query or form body, or its whole address: `mdOrder=…&operation=…`
        parameters: String,
        /// Exit with 0 if the checksum in the parameters is right, else with 1
        #[arg(long)]
        verify: bool,
    },
}

/// `altyn signature`
pub fn run(arguments: &SignatureArguments) -> anyhow::Result<ExitCode> {
    let Dialect::Rbs {
        key,
        parameters,
        verify,
    } = &arguments.dialect;
    let query = parameters
        .split_once('?')
        .map_or(parameters.as_str(), |(_, query)| query);
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let canonical = signature::canonical(&pairs);
    let checksum = signature::hmac_sha256_hex(key, &canonical);
    println!("{canonical}");
    println!("{checksum}");
    if !*verify {
        return Ok(ExitCode::SUCCESS);
    }
    let told = pairs
        .iter()
        .find(|(name, _)| name == "checksum")
        .map(|(_, value)| value.as_str());
    let right = told.is_some_and(|told| told.eq_ignore_ascii_case(&checksum));
    Ok(if right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
