//! `altyn method`: a project's payment methods as data, to be read and changed before there is a panel.

use std::io::Read as _;
use std::process::ExitCode;

use altyn_connectors::remote::description::NOT_FOUND_MIN_MS;
use altyn_domain::PaymentMethod;
use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};

use crate::audit::Place;
use crate::project::find;
use crate::user::words;

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

/// The longest id of a new method.
const ID_MAX: usize = 64;

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
            let wanted = read(&text).context("the method")?;
            let engine = place.open().await?;
            let project = find(&engine, &project)?;
            let mut settings = project.settings.clone();
            let known = settings
                .methods
                .iter_mut()
                .find(|known| known.id == wanted.id);
            let method = checked(wanted, known.as_deref())?;
            engine.check_own_method(&method).map_err(words)?;
            let told = format!("{} is set", method.id);
            match known {
                Some(known) => *known = method,
                None => settings.methods.push(method),
            }
            engine.update_project(project.id, &settings).await?;
            println!("{told}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a method. A field that it does not have is a slip: what was meant would silently have its default.
fn read(text: &str) -> anyhow::Result<PaymentMethod> {
    let mut unknown = Vec::new();
    let mut json = serde_json::Deserializer::from_str(text);
    let method = serde_ignored::deserialize(&mut json, |path| unknown.push(path.to_string()))?;
    json.end()?;
    ensure!(
        unknown.is_empty(),
        "there is no field {}",
        unknown.join(", ")
    );
    Ok(method)
}

/// Whether it is a word that requests and URLs can have as it is.
fn is_usual(id: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=ID_MAX).contains(&id.len()) && id.bytes().all(is_usual)
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

/// The method as it is to be stored: hidden settings put back. What its connector and the engine say of it is
/// asked afterwards.
fn checked(
    mut wanted: PaymentMethod,
    known: Option<&PaymentMethod>,
) -> anyhow::Result<PaymentMethod> {
    // What is there already can be changed and put away under its old id.
    ensure!(
        known.is_some() || is_usual(&wanted.id),
        "id must be 1 to {ID_MAX} latin letters, digits, - and _"
    );
    ensure!(
        !wanted.id.starts_with("mth_"),
        "{} is a reseller's method: it is changed in the back office",
        wanted.id
    );
    ensure!(
        wanted.processing_period_ms >= 0,
        "processing_period_ms must not be below 0"
    );
    let promised = wanted.settings.0.get("not_found_final_after_ms");
    let promised: Option<i64> = promised.and_then(|text| text.parse().ok());
    ensure!(
        wanted.connector != "remote" || promised.is_none_or(|ms| ms >= NOT_FOUND_MIN_MS),
        "not_found_final_after_ms must be at least {NOT_FOUND_MIN_MS}: so long a signature is fresh and \
         the request can still come"
    );
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
        for id in ["a b!", "a/b", "карта", "a\n", "a.b", &"a".repeat(65)] {
            assert!(!is_usual(id), "{id}");
        }
        assert!(is_usual("Wallet_2-x") && is_usual(&"a".repeat(64)));
        assert!(broken(|m| m.id = "a b!".to_owned()).contains("latin letters"));
        let mut old = method();
        old.id = "a b!".to_owned();
        assert_eq!(checked(old.clone(), Some(&old)).unwrap(), old);
        assert!(broken(|m| m.id.insert_str(0, "mth_")).contains("back office"));
        assert!(broken(|m| m.processing_period_ms = -1).contains("processing_period_ms"));
        let early = broken(|m| {
            m.connector = "remote".to_owned();
            let promise = ("not_found_final_after_ms".to_owned(), "299999".to_owned());
            m.settings.0.extend([promise]);
        });
        assert!(early.contains("at least 300000"), "{early}");
    }

    #[test]
    fn fields_that_it_does_not_have_are_refused() {
        let known = serde_json::to_value(method()).unwrap();
        assert_eq!(read(&known.to_string()).unwrap(), method());
        for (pointer, field, named) in [
            ("", "zzz", "zzz"),
            ("", "refund", "refund"),
            ("/provider", "purchases", "provider.purchases"),
            ("/ranges/0", "minimum", "ranges.0.minimum"),
        ] {
            let mut wrong = known.clone();
            wrong["ranges"] = serde_json::json!([{ "currency": "KZT", "min": 1, "max": 2 }]);
            wrong.pointer_mut(pointer).unwrap()[field] = serde_json::json!(1);
            let told = read(&wrong.to_string()).unwrap_err().to_string();
            assert_eq!(told, format!("there is no field {named}"));
        }
        assert!(read(&format!("{known} {known}")).is_err(), "two of them");
    }
}
