//! `altyn method`: a project's payment methods as data, to be read and changed before there is a panel.

use std::io::Read as _;
use std::process::ExitCode;

use altyn_domain::PaymentMethod;
use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};

use crate::audit::Place;
use crate::project::find;

/// Arguments of `altyn method`.
#[derive(Debug, Args)]
pub struct MethodArguments {
    #[command(subcommand)]
    command: MethodCommand,
}

#[derive(Debug, Subcommand)]
enum MethodCommand {
    /// Print a project's payment methods as JSON; the connector's settings are shown as ***
    List {
        #[command(flatten)]
        place: Place,
        /// The project's short name
        #[arg(long)]
        project: String,
    },
    /// Add a method or replace the one with its id, read as JSON from standard input; a setting *** stays
    Set {
        #[command(flatten)]
        place: Place,
        /// The project's short name
        #[arg(long)]
        project: String,
    },
}

/// Stands for a setting that is not shown, and that is kept when it is read back.
const HIDDEN: &str = "***";

/// Settings that are no secrets.
const SHOWN: [&str; 5] = [
    "base_url",
    "generation",
    "wallet",
    "order_minutes",
    "link_method",
];

/// `altyn method`
pub async fn run(arguments: MethodArguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        MethodCommand::List { place, project } => {
            let engine = place.open().await?;
            let project = find(&engine, &project)?;
            let methods: Vec<_> = project.settings.methods.iter().map(masked).collect();
            println!("{}", serde_json::to_string_pretty(&methods)?);
        }
        MethodCommand::Set { place, project } => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            let wanted: PaymentMethod = serde_json::from_str(&text).context("the method")?;
            let engine = place.open().await?;
            let project = find(&engine, &project)?;
            let mut settings = project.settings.clone();
            let known = settings
                .methods
                .iter_mut()
                .find(|known| known.id == wanted.id);
            let method = checked(wanted, known.as_deref())?;
            println!("{} is set", method.id);
            match known {
                Some(known) => *known = method,
                None => settings.methods.push(method),
            }
            engine.update_project(project.id, &settings).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn masked(method: &PaymentMethod) -> PaymentMethod {
    let mut method = method.clone();
    for (key, value) in &mut method.settings.0 {
        if !SHOWN.contains(&key.as_str()) {
            HIDDEN.clone_into(value);
        }
    }
    method
}

/// The method as it is to be stored: hidden settings put back, and nothing in it that cannot be.
fn checked(
    mut wanted: PaymentMethod,
    known: Option<&PaymentMethod>,
) -> anyhow::Result<PaymentMethod> {
    ensure!(!wanted.id.is_empty(), "the method has no id");
    ensure!(
        !wanted.id.starts_with("mth_"),
        "{} is a reseller's method: it is changed in the back office",
        wanted.id
    );
    ensure!(
        altyn_connectors::all()
            .iter()
            .any(|connector| connector.name() == wanted.connector),
        "there is no connector {}",
        wanted.connector
    );
    ensure!(
        wanted.processing_period_ms >= 0,
        "processing_period_ms must not be below 0"
    );
    for range in &wanted.ranges {
        let (min, max) = (range.min, range.max);
        ensure!(
            0 < min && min <= max,
            "a range must have 0 < min <= max, not {min} and {max}"
        );
    }
    for (key, value) in &mut wanted.settings.0 {
        if value == HIDDEN {
            let kept = known.and_then(|known| known.settings.0.get(key));
            *value = kept
                .with_context(|| format!("setting {key} is not known"))?
                .clone();
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use altyn_domain::ConnectorSettings;

    use super::*;

    fn method() -> PaymentMethod {
        let settings = [("base_url", "http://127.0.0.1:1"), ("secret", "s-1")];
        let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
        PaymentMethod::card("card", "sandbox-bank", ConnectorSettings(settings.into()))
    }

    #[test]
    fn secrets_are_hidden_and_put_back() {
        let shown = masked(&method());
        assert_eq!(shown.settings.0["base_url"], "http://127.0.0.1:1");
        assert_eq!(shown.settings.0["secret"], HIDDEN);
        let known = method();
        assert_eq!(checked(shown.clone(), Some(&known)).unwrap(), known);
        assert!(checked(shown, None).is_err(), "nothing to put back");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let broken = |change: fn(&mut PaymentMethod)| {
            let mut method = method();
            change(&mut method);
            checked(method, None).unwrap_err().to_string()
        };
        assert!(broken(|m| m.id.clear()).contains("id"));
        assert!(broken(|m| m.id.insert_str(0, "mth_")).contains("back office"));
        assert!(broken(|m| m.connector = "none".to_owned()).contains("connector none"));
        assert!(broken(|m| m.processing_period_ms = -1).contains("processing_period_ms"));
    }
}
