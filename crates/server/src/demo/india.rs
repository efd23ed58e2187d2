//! The demo's project in India: its shop speaks ECommPay's way, its payers pay by card at the bank and by
//! wallet at the simulated partner.

use altyn_dialects::ecommpay::public_url_parameter;
use altyn_domain::{Currency, Language, ProjectId};
use altyn_engine::NewProject;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::{Demo, Secrets};
use crate::ecommpay;
use crate::project::{bank_settings, sandbox_settings};
use crate::simulator::SimulatorUrls;
use crate::user::words;

/// The wallet partner's app id and secret when a test brings the partner.
const PARTNER_OF_TESTS: (&str, &str) = ("app-of-a-test", "partner-secret-of-a-test");

const CURRENCIES: [&str; 3] = ["INR", "USD", "EUR"];

/// What the demo keeps of this project between runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct India {
    project_id: ProjectId,
    /// By which the shop knows the project.
    pub number: String,
    /// The key of every signature.
    pub secret: String,
    /// Our name at the wallet partner.
    pub partner_app_id: String,
    /// Our secret at the wallet partner.
    pub partner_secret: String,
}

/// The project: made at the first run, kept among the demo's secrets.
pub async fn open(demo: &Demo<'_>, secrets: &mut Secrets) -> anyhow::Result<India> {
    if let Some(kept) = &secrets.ecommpay {
        return Ok(kept.clone());
    }
    let engine = demo.engine;
    let (app_id, partner_secret) = match &demo.arguments.test.partner_url {
        Some(_) => (PARTNER_OF_TESTS.0.to_owned(), PARTNER_OF_TESTS.1.to_owned()),
        None => ("altyn-demo".to_owned(), engine.random_text(24)),
    };
    let currencies: Result<Vec<_>, _> = CURRENCIES.map(Currency::from_alpha).into_iter().collect();
    let mut settings = sandbox_settings(currencies?, bank_settings("", &secrets.terminal_key));
    settings.language = Language::En;
    let partner = ecommpay::partner_settings("", &app_id, &partner_secret, "2");
    settings.methods.push(ecommpay::wallet_partner(partner)?);
    let new = NewProject {
        name: "Altyn Demo India".to_owned(),
        slug: demo.own_slug("india"),
        settings,
    };
    let project_id = engine.create_project(new).await.map_err(words)?;
    // Two demos may share one database, and a number belongs to one project.
    let mut number = u32::from_str_radix(&project_id.uuid().simple().to_string()[24..], 16)?;
    number = number % 900_000 + 100_000;
    let account = ecommpay::Account {
        number: &number.to_string(),
        callback_url: None,
        allow_from: &[],
        public_url: &demo.configuration.server.public_url,
    };
    let secret = ecommpay::open_account(engine, project_id, &account).await?;
    let made = India {
        project_id,
        number: number.to_string(),
        secret: secret.expose().to_owned(),
        partner_app_id: app_id,
        partner_secret,
    };
    secrets.ecommpay = Some(made.clone());
    secrets.keep(demo)?;
    Ok(made)
}

/// Bank and partner may listen on other ports than last time, and so may we.
pub async fn point_at_gateways(
    demo: &Demo<'_>,
    secrets: &Secrets,
    india: &India,
    urls: &SimulatorUrls,
) -> anyhow::Result<()> {
    let project = demo.engine.project(india.project_id);
    let project = project.context("the demo's project in India is not in the database")?;
    let mut settings = project.settings.clone();
    for method in &mut settings.methods {
        let base_url = match method.connector.as_str() {
            "sandbox-bank" => &urls.bank_url,
            "cashfree" => &urls.partner_url,
            // Somebody added it.
            _ => continue,
        };
        let mut changed = vec![("base_url", base_url.clone())];
        let final_after = demo.arguments.test.not_found_final_after_ms;
        changed.extend(final_after.map(|ms| ("not_found_final_after_ms", ms.to_string())));
        if method.connector == "sandbox-bank" {
            changed.push(("terminal_key", secrets.terminal_key.clone()));
        }
        let changed = changed.into_iter();
        let changed = changed.map(|(key, value)| (key.to_owned(), value));
        method.settings.0.extend(changed);
    }
    let public_url = public_url_parameter(&demo.configuration.server.public_url);
    let endpoints = settings.endpoints.iter_mut();
    for endpoint in endpoints.chain(&mut settings.dynamic_endpoint) {
        endpoint.parameters = vec![public_url.clone()];
    }
    if settings != project.settings {
        let engine = demo.engine;
        engine.update_project(india.project_id, &settings).await?;
    }
    Ok(())
}
