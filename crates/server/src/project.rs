//! `altyn project`: making a project before there is a back office to do it in.

use std::process::ExitCode;
use std::sync::Arc;

use altyn_dialects::rbs::{self, RbsCallbackFormat};
use altyn_domain::{
    CallbackFormat as _, ConnectorSettings, Currency, EndpointSecret, Language, PaymentMethod,
    Project, ProjectId, ProjectSettings, SurplusPolicy,
};
use altyn_engine::{Engine, NewCredential, NewProject};
use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use ipnet::IpNet;

use crate::audit::Place;
use crate::ecommpay;
use crate::serve::{ConfigArgument, open_engine};
use crate::user::words;

/// Arguments of `altyn project`.
#[derive(Debug, Args)]
pub struct ProjectArguments {
    #[command(subcommand)]
    command: ProjectCommand,
}

#[derive(Debug, Subcommand)]
enum ProjectCommand {
    /// Make a project that pays through the sandbox bank, and print its credentials once
    Create(CreateArguments),
    /// Give a project a number and a key of ECommPay's Gate and Payment Page, and print the key once
    Ecommpay(EcommpayArguments),
    /// Change a project: its customers' balances, and what becomes of money that a payment did not need
    Set(SetArguments),
    /// Revoke a register.do login; it acts no more from this moment
    Revoke {
        #[command(flatten)]
        config: ConfigArgument,
        /// The login
        login: String,
    },
}

#[derive(Debug, Args)]
struct EcommpayArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// The project's short name
    #[arg(long)]
    project: String,
    /// The number by which its shop knows it, 1 to 4294967295
    #[arg(long)]
    number: String,
    /// Address that callbacks go to, unless a payment brings its own
    #[arg(long)]
    callback_url: Option<String>,
    /// Networks that requests may come from; none for anywhere
    #[arg(long, value_delimiter = ',')]
    allow_from: Vec<IpNet>,
}

/// What becomes of a success that the payment did not need.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Surplus {
    /// It goes back by itself
    Return,
    /// It waits for a person
    Manual,
    /// It stands on the customer's balance; without a customer it goes back
    Balance,
}

impl From<Surplus> for SurplusPolicy {
    fn from(wanted: Surplus) -> Self {
        match wanted {
            Surplus::Return => Self::Return,
            Surplus::Manual => Self::Manual,
            Surplus::Balance => Self::Balance,
        }
    }
}

#[derive(Debug, Args)]
struct SetArguments {
    #[command(flatten)]
    place: Place,
    /// The project's short name
    #[arg(long)]
    project: String,
    #[command(flatten)]
    change: Change,
}

/// What is to be changed; one of them at least.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = true)]
struct Change {
    /// Whether customers have balances, in payments that are registered from now on
    #[arg(long, action = clap::ArgAction::Set)]
    balances: Option<bool>,
    /// What becomes of money that a payment did not need
    #[arg(long)]
    surplus: Option<Surplus>,
}

#[derive(Debug, Args)]
struct CreateArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// The name payers read
    #[arg(long)]
    name: String,
    /// Short latin name, also of the API login SLUG-api
    #[arg(long)]
    slug: String,
    /// Currencies that a payment may be in; the first is the default
    #[arg(long, value_delimiter = ',', default_value = "KZT")]
    currencies: Vec<String>,
    /// Address of the bank
    #[arg(long)]
    bank_url: String,
    /// Key of the terminal at the bank
    #[arg(long, allow_hyphen_values = true)]
    bank_key: String,
    /// Address that callbacks go to, unless an order brings its own
    #[arg(long)]
    callback_url: Option<String>,
    /// Networks that the credentials may be used from; none for anywhere
    #[arg(long, value_delimiter = ',')]
    allow_from: Vec<IpNet>,
    /// Customers have balances
    #[arg(long)]
    balances: bool,
    /// What becomes of money that a payment did not need
    #[arg(long, default_value = "return")]
    surplus: Surplus,
}

/// What a project's secrets are when it is made.
pub struct Credentials {
    /// The project.
    pub project_id: ProjectId,
    /// API login.
    pub user_name: String,
    /// API password.
    pub password: String,
    /// Public token.
    pub token: String,
    /// Key of callback checksums.
    pub callback_secret: String,
}

/// What a new project is to be.
pub struct Wanted {
    /// The name payers read.
    pub name: String,
    /// Short latin name.
    pub slug: String,
    /// Settings; the endpoints are added by [`create`].
    pub settings: ProjectSettings,
    /// Address that callbacks go to.
    pub callback_url: Option<String>,
    /// Networks that the credentials may be used from.
    pub allow_from: Vec<IpNet>,
}

/// Usual settings of a project that pays through the sandbox bank.
pub fn sandbox_settings(currencies: Vec<Currency>, bank: ConnectorSettings) -> ProjectSettings {
    ProjectSettings {
        default_currency: currencies.first().copied().unwrap_or(Currency::KZT),
        currencies,
        language: Language::Ru,
        // As gateways of the register.do family do by default: 20 minutes, three tries.
        session_timeout_ms: 1_200_000,
        tries_max: 3,
        surplus: SurplusPolicy::Return,
        balances: false,
        endpoints: Vec::new(),
        dynamic_endpoint: None,
        methods: vec![PaymentMethod::card("card", "sandbox-bank", bank)],
        keys: Vec::new(),
    }
}

/// Settings of the sandbox bank's connector.
pub fn bank_settings(url: &str, terminal_key: &str) -> ConnectorSettings {
    let pairs = [("base_url", url), ("terminal_key", terminal_key)];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
    ConnectorSettings(pairs.into())
}

/// Makes a project with a login, a token and a callback key.
pub async fn create(engine: &Engine, wanted: Wanted) -> anyhow::Result<Credentials> {
    let callback_secret = engine.random_text(24);
    let endpoint = |id: &str, url: &str| {
        RbsCallbackFormat.endpoint(id, url, EndpointSecret::new(&callback_secret), "")
    };
    let mut settings = wanted.settings;
    if let Some(url) = &wanted.callback_url {
        engine
            .url_guard()
            .check(url)
            .context("the callback address")?;
        settings.endpoints = vec![endpoint("shop", url)];
    }
    settings.dynamic_endpoint = Some(endpoint("order", ""));
    let user_name = format!("{}-api", wanted.slug);
    let new = NewProject {
        name: wanted.name,
        slug: wanted.slug,
        settings,
    };
    let project_id = engine.create_project(new).await.map_err(words)?;
    let credential = |login| NewCredential {
        dialect: rbs::DIALECT.to_owned(),
        login,
        allow_list: wanted.allow_from.clone(),
    };
    let password = engine
        .create_credential(project_id, credential(Some(user_name.clone())))
        .await?;
    let token = engine
        .create_credential(project_id, credential(None))
        .await?;
    Ok(Credentials {
        project_id,
        user_name,
        password: password.expose().to_owned(),
        token: token.expose().to_owned(),
        callback_secret,
    })
}

/// The project with this short name.
pub fn find(engine: &Engine, slug: &str) -> anyhow::Result<Arc<Project>> {
    engine
        .project_by_slug(slug)
        .with_context(|| format!("there is no project {slug}"))
}

async fn open_ecommpay(arguments: EcommpayArguments) -> anyhow::Result<ExitCode> {
    let engine = open_engine(&arguments.config).await?;
    let project = find(&engine, &arguments.project)?;
    let account = ecommpay::Account {
        number: &arguments.number,
        callback_url: arguments.callback_url.as_deref(),
        allow_from: &arguments.allow_from,
        public_url: &engine.config().public_url,
    };
    let secret = ecommpay::open_account(&engine, project.id, &account).await?;
    let made = serde_json::json!({ "project_id": arguments.number, "secret": secret.expose() });
    println!("{made}");
    Ok(ExitCode::SUCCESS)
}

async fn set(arguments: SetArguments) -> anyhow::Result<ExitCode> {
    let engine = arguments.place.open().await?;
    let project = find(&engine, &arguments.project)?;
    let change = arguments.change;
    let surplus = change.surplus.map(Into::into);
    let set = engine.set_surplus(project.id, change.balances, surplus);
    set.await.map_err(words)?;
    println!("{} is set", project.slug);
    Ok(ExitCode::SUCCESS)
}

/// `altyn project`
pub async fn run(arguments: ProjectArguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        ProjectCommand::Create(arguments) => {
            let engine = open_engine(&arguments.config).await?;
            let currencies: Result<Vec<_>, _> = arguments
                .currencies
                .iter()
                .map(|code| Currency::from_alpha(code))
                .collect();
            let bank = bank_settings(&arguments.bank_url, &arguments.bank_key);
            let mut settings = sandbox_settings(currencies?, bank);
            settings.balances = arguments.balances;
            settings.surplus = arguments.surplus.into();
            let wanted = Wanted {
                name: arguments.name,
                slug: arguments.slug,
                settings,
                callback_url: arguments.callback_url,
                allow_from: arguments.allow_from,
            };
            let made = create(&engine, wanted).await?;
            println!(
                "{}",
                serde_json::json!({
                    "project_id": made.project_id.to_string(),
                    "user_name": made.user_name,
                    "password": made.password,
                    "token": made.token,
                    "callback_secret": made.callback_secret,
                })
            );
            Ok(ExitCode::SUCCESS)
        }
        ProjectCommand::Ecommpay(arguments) => open_ecommpay(arguments).await,
        ProjectCommand::Set(arguments) => set(arguments).await,
        ProjectCommand::Revoke { config, login } => {
            let engine = open_engine(&config).await?;
            let count = engine.revoke_credential(rbs::DIALECT, &login).await?;
            println!("{count} credentials revoked");
            Ok(if count > 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
    }
}
