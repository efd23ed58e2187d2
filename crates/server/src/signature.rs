//! `altyn signature`: for people who debug an integration.

use std::io::Read as _;
use std::process::ExitCode;

use altyn_dialects::ecommpay::signature as ecommpay;
use altyn_dialects::ecommpay::{SignedJson, Unreadable};
use altyn_dialects::rbs::signature as rbs;
use clap::{Args, Subcommand};
use url::form_urlencoded;

/// The largest message that is read, in bytes.
const MESSAGE_MAX: u64 = 1 << 20;

/// Standard input is no message.
const UNREADABLE: u8 = 2;

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
    /// The signature of an ECommPay message, which comes on standard input as JSON
    Ecommpay(EcommpayArguments),
}

#[derive(Debug, Args)]
struct EcommpayArguments {
    /// The project's key
    #[arg(long, allow_hyphen_values = true)]
    key: String,
    /// Print nothing; exit with 0 if the signature in the message is right, else with 1
    #[arg(long)]
    verify: bool,
    /// Standard input has the parameters of a Payment Page: as JSON, as a query or a whole address
    #[arg(long)]
    page: bool,
}

/// `altyn signature`
pub fn run(arguments: &SignatureArguments) -> anyhow::Result<ExitCode> {
    match &arguments.dialect {
        Dialect::Rbs {
            key,
            parameters,
            verify,
        } => Ok(run_rbs(key, parameters, *verify)),
        Dialect::Ecommpay(arguments) => run_ecommpay(arguments),
    }
}

fn run_rbs(key: &str, parameters: &str, verify: bool) -> ExitCode {
    let query = query_of(parameters);
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let canonical = rbs::canonical(&pairs);
    let checksum = rbs::hmac_sha256_hex(key, &canonical);
    println!("{canonical}");
    println!("{checksum}");
    if !verify {
        return ExitCode::SUCCESS;
    }
    let told = pairs
        .iter()
        .find(|(name, _)| name == "checksum")
        .map(|(_, value)| value.as_str());
    let right = told.is_some_and(|told| told.eq_ignore_ascii_case(&checksum));
    if right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run_ecommpay(arguments: &EcommpayArguments) -> anyhow::Result<ExitCode> {
    let mut input = Vec::new();
    std::io::stdin()
        .take(MESSAGE_MAX + 1)
        .read_to_end(&mut input)?;
    let message = match read(&input, arguments.page) {
        Ok(message) => message,
        Err(reason) => {
            eprintln!("altyn: standard input cannot be read: {reason}");
            return Ok(ExitCode::from(UNREADABLE));
        }
    };
    if !arguments.verify {
        let variant = if arguments.page {
            ecommpay::Variant::PAYMENT_PAGE
        } else {
            ecommpay::Variant::DOCUMENTED
        };
        let canonical = ecommpay::canonical(&message, variant);
        println!("{}", canonical.as_str());
        println!(
            "{}",
            ecommpay::hmac_sha512_base64(&arguments.key, &canonical)
        );
        return Ok(ExitCode::SUCCESS);
    }
    if let Err(reason) = verify(&message, &arguments.key, arguments.page) {
        eprintln!("altyn: {reason}");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn read(input: &[u8], page: bool) -> Result<SignedJson<'_>, String> {
    if input.len() as u64 > MESSAGE_MAX {
        return Err(format!("it is larger than {MESSAGE_MAX} bytes"));
    }
    let is_json = input.trim_ascii_start().starts_with(b"{");
    let message = if page && !is_json {
        let text = str::from_utf8(input.trim_ascii()).map_err(|_| Unreadable::NotUtf8);
        text.and_then(|text| {
            SignedJson::of_parameters(form_urlencoded::parse(query_of(text).as_bytes()))
        })
    } else {
        SignedJson::parse(input)
    };
    message.map_err(|reason| reason.to_string())
}

fn verify(message: &SignedJson<'_>, key: &str, page: bool) -> Result<(), String> {
    let given = ecommpay::signature_of(message).map_err(|fault| fault.to_string())?;
    let source = if page {
        ecommpay::Source::PaymentPage
    } else {
        ecommpay::Source::Gate
    };
    if page && ecommpay::has_forbidden_characters(message) {
        return Err("a parameter has `;` in it, or `:` in its name".to_owned());
    }
    if !ecommpay::verify(message, given, key, source) {
        return Err("the signature is not that of the message under this key".to_owned());
    }
    Ok(())
}

/// What follows the `?` of an address; what is no address is a query.
fn query_of(text: &str) -> &str {
    text.split_once('?').map_or(text, |(_, query)| query)
}
