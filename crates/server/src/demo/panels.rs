//! The demo's people: an operator, a merchant's owner and a customer, with a project whose customers have
//! balances and a payment that waits for the customer.

use altyn_domain::{
    Currency, Customer, CustomerId, Language, MerchantId, Money, ProjectId, Role, Scope,
    SurplusPolicy, Way,
};
use altyn_engine::office::NewPayment;
use altyn_engine::{Caller, KnownPerson, ProjectFacts};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Demo, Secrets};
use crate::project::{bank_settings, sandbox_settings};

/// What the demo's project calls its customer.
const CUSTOMER: &str = "demo-customer";

/// What the demo keeps of its people between runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Panels {
    pub project_id: ProjectId,
    operator: SignIn,
    merchant: SignIn,
    customer: SignIn,
}

/// How one of them signs in.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SignIn {
    email: String,
    password: String,
}

impl Panels {
    /// As `demo.json` has them.
    pub fn told(&self, public_url: &str) -> Value {
        json!({
            "url": format!("{public_url}/backoffice/reference"),
            "api_url": format!("{public_url}/backoffice/v1"),
            "project_id": self.project_id.to_string(),
            "operator": self.operator,
            "merchant": self.merchant,
            "customer": self.customer,
        })
    }
}

/// The people: made at the first run, kept among the demo's secrets.
pub async fn open(demo: &Demo<'_>, secrets: &mut Secrets) -> anyhow::Result<Panels> {
    if let Some(kept) = &secrets.panels {
        return Ok(kept.clone());
    }
    // Two demos may share one database, and an address belongs to one person.
    let slug = demo.own_slug("services");
    let (merchant_id, project_id) = project(demo, secrets, &slug).await?;
    let merchant = Scope::Merchant(merchant_id);
    let customer = Scope::Customer {
        project_id,
        customer_id: CustomerId::of(project_id, CUSTOMER),
    };
    let made = Panels {
        project_id,
        operator: person(demo, ("operator", &slug), Role::RootOperator, None).await?,
        merchant: person(demo, ("owner", &slug), Role::MerchantOwner, Some(merchant)).await?,
        customer: person(demo, ("customer", &slug), Role::Customer, Some(customer)).await?,
    };
    // Tests that bring a bank of their own count payments.
    if demo.arguments.test.bank_url.is_none() {
        let payment = payment(project_id, &made.customer.email)?;
        let caller = Caller::command("altyn demo");
        let engine = demo.engine;
        engine.office_register_payment(&caller, payment).await?;
    }
    secrets.panels = Some(made.clone());
    secrets.keep(demo)?;
    Ok(made)
}

/// A merchant under the root reseller, with a project whose customers have balances.
async fn project(
    demo: &Demo<'_>,
    secrets: &Secrets,
    slug: &str,
) -> anyhow::Result<(MerchantId, ProjectId)> {
    let (engine, caller) = (demo.engine, Caller::command("altyn demo"));
    let root = engine.root_reseller().await?;
    let name = "Altyn Demo Services";
    let merchant = engine.create_merchant(&caller, root, name).await?;
    let tenge = Currency::from_alpha("KZT")?;
    let facts = ProjectFacts {
        name: name.to_owned(),
        slug: slug.to_owned(),
        default_currency: tenge,
        currencies: vec![tenge],
        language: Language::En,
        session_timeout_min: 7 * 24 * 60,
        tries_max: 5,
        surplus: SurplusPolicy::Balance,
        balances: true,
    };
    let made = engine
        .create_merchant_project(&caller, merchant.id, facts)
        .await?;
    let known = engine.project(made.id);
    let known = known.context("the demo's project of services is gone")?;
    let mut settings = known.settings.clone();
    let bank = bank_settings("", &secrets.terminal_key);
    settings.methods = sandbox_settings(vec![tenge], bank).methods;
    engine.update_project(made.id, &settings).await?;
    Ok((merchant.id, made.id))
}

async fn person(
    demo: &Demo<'_>,
    (kind, slug): (&str, &str),
    role: Role,
    scope: Option<Scope>,
) -> anyhow::Result<SignIn> {
    let sign_in = SignIn {
        email: format!("{kind}@{slug}.example"),
        password: format!("{}-1a", demo.engine.random_text(12)),
    };
    let new = KnownPerson {
        email: sign_in.email.clone(),
        name: format!("Demo {kind}"),
        password: sign_in.password.clone(),
        role,
        scope,
    };
    demo.engine.create_known_person(new).await?;
    Ok(sign_in)
}

/// A payment that waits for the customer.
fn payment(project_id: ProjectId, email: &str) -> anyhow::Result<NewPayment> {
    Ok(NewPayment {
        project_id,
        amount: Money::new(250_000, Currency::from_alpha("KZT")?)?,
        reference: Some("DEMO-1".to_owned()),
        description: Some("Internet access, one month".to_owned()),
        customer: Customer {
            id: Some(CUSTOMER.to_owned()),
            email: Some(email.to_owned()),
            ..Customer::default()
        },
        way: Way::Purchase,
        language: None,
        return_url: None,
        expires_at: None,
        key: None,
    })
}
