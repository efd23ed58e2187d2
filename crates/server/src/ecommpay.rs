//! What a project needs to be spoken to in ECommPay's way: its number and key, the callbacks, the methods.

use altyn_dialects::ecommpay::{DIALECT, EcommpayCallbackFormat};
use altyn_domain::{
    AmountRange, CallbackFormat as _, ConnectorSettings, Currency, EndpointSecret, MethodKind,
    PaymentMethod, ProjectId, ProviderNumbers, RefundAbility,
};
use altyn_engine::{Engine, Secret};
use anyhow::Context as _;
use ipnet::IpNet;

/// The demo's wallets of India through a partner: rupees only, refunds only of the whole sum.
pub fn wallet_partner(settings: ConnectorSettings) -> anyhow::Result<PaymentMethod> {
    Ok(PaymentMethod {
        processing_period_ms: 600_000,
        kind: MethodKind::Wallet,
        ranges: vec![AmountRange {
            currency: Currency::from_alpha("INR")?,
            min: 100,
            max: 40_000_000,
        }],
        countries: vec!["IN".to_owned()],
        refunds: RefundAbility::Full,
        holds: false,
        provider: ProviderNumbers {
            purchase: 1731,
            refund: 1751,
        },
        ..PaymentMethod::card("wallet-partner", "cashfree", settings)
    })
}

/// Settings of the wallet partner's connector.
pub fn partner_settings(
    url: &str,
    app_id: &str,
    secret: &str,
    generation: &str,
) -> ConnectorSettings {
    let pairs = [
        ("base_url", url),
        ("app_id", app_id),
        ("secret", secret),
        ("generation", generation),
        // As the method's shops know it from the partner's first generation.
        ("link_method", "POST"),
    ];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
    ConnectorSettings(pairs.into())
}

/// What makes a project known to this family.
pub struct Account<'a> {
    /// Its number, 1 to 4294967295.
    pub number: &'a str,
    /// Address that callbacks go to, unless a payment brings its own.
    pub callback_url: Option<&'a str>,
    /// Networks that requests may come from.
    pub allow_from: &'a [IpNet],
    /// Where payers find our pages.
    pub public_url: &'a str,
}

/// Gives a project its number, its key and its callbacks in this family.
pub async fn open_account(
    engine: &Engine,
    project_id: ProjectId,
    account: &Account<'_>,
) -> anyhow::Result<Secret> {
    let number: u32 = account.number.parse().context("the project's number")?;
    anyhow::ensure!(number > 0, "the project's number must not be 0");
    if let Some(url) = account.callback_url {
        let guard = engine.url_guard();
        guard.check(url).context("the callback address")?;
    }
    let number = number.to_string();
    let secret = engine
        .create_shared_key(project_id, DIALECT, &number, account.allow_from)
        .await
        .with_context(|| format!("project number {number} may be taken"))?;
    let project = engine.project(project_id).context("the project is gone")?;
    let mut settings = project.settings.clone();
    let made = |id: &str, url: &str| {
        let key = EndpointSecret::new(secret.expose());
        EcommpayCallbackFormat.endpoint(id, url, key, account.public_url)
    };
    settings.dynamic_endpoint = Some(made("payment", ""));
    settings.endpoints.retain(|known| known.format != DIALECT);
    let own = account.callback_url.map(|url| made(DIALECT, url));
    settings.endpoints.extend(own);
    engine.update_project(project_id, &settings).await?;
    Ok(secret)
}
