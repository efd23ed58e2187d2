//! How payment methods of resellers become payment methods of projects. Done once for each version of the
//! settings, when they are opened.

use altyn_domain::{
    ConnectorSettings, MerchantId, MethodId, MethodKind, PaymentMethod, Project, ProjectId,
    ProjectSettings, ResellerId,
};
use serde_json::Value;

use super::record::{Method, MethodConnector, Offer, OwnerRef, Registered};
use crate::directory::Directory;

/// The connector of all gateways of the registry.
pub(crate) const REMOTE: &str = "remote";

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;
/// What a method by card has unless it is told.
const CARD_PERIOD_MIN: u32 = 5;

/// The place of a project in the tree.
struct Place {
    project: ProjectId,
    merchant: Option<MerchantId>,
    /// The resellers above it, the nearest first.
    chain: Vec<ResellerId>,
}

/// Adds to each project the methods of the resellers above it: those that are offered to it, and, so that
/// tries that are under way can go on, inactive ones for all others.
pub(crate) fn resolve(directory: &mut Directory) {
    let mut methods: Vec<&Method> = directory.methods.values().collect();
    methods.sort_by_key(|method| (method.body.facts.position, method.id));
    let mut resolved: Vec<(ProjectId, Vec<PaymentMethod>)> = Vec::new();
    for project in directory.projects.values() {
        let place = place_of(directory, project.id);
        let mut added = Vec::new();
        for method in &methods {
            if !place.chain.contains(&method.reseller_id) {
                continue;
            }
            let is_offered = is_offered(method, &place);
            let mut one = payment_method(directory, method, project);
            one.active = one.active && is_offered;
            added.push(one);
        }
        if !added.is_empty() {
            resolved.push((project.id, added));
        }
    }
    for (id, added) in resolved {
        if let Some(project) = directory.projects.get_mut(&id) {
            let project = std::sync::Arc::make_mut(project);
            project.settings.methods.extend(added);
        }
    }
}

/// The settings of a project without what [`resolve`] added: what is stored.
pub(crate) fn own(settings: &ProjectSettings) -> ProjectSettings {
    let mut own = settings.clone();
    own.methods.retain(|method| !is_registered(&method.id));
    own
}

/// Whether a project's method is one of a reseller.
pub(crate) fn is_registered(id: &str) -> bool {
    id.starts_with("mth_") && MethodId::parse(id).is_ok()
}

/// The resellers from this one up to the root.
pub(crate) fn chain(directory: &Directory, from: ResellerId) -> Vec<ResellerId> {
    let mut chain = Vec::new();
    let mut next = Some(from);
    while let Some(id) = next {
        let Some(reseller) = directory.resellers.get(&id) else {
            break;
        };
        if chain.contains(&id) {
            break;
        }
        chain.push(id);
        next = reseller.parent;
    }
    chain
}

fn place_of(directory: &Directory, project: ProjectId) -> Place {
    let merchant = directory.owners.get(&project).copied();
    let found = merchant.and_then(|id| directory.merchants.get(&id));
    let chain = match found {
        Some(merchant) => chain(directory, merchant.reseller_id),
        // A project of nobody is the operator's own: the root may offer it a method by name.
        None => directory.root().map(|root| root.id).into_iter().collect(),
    };
    Place {
        project,
        merchant,
        chain,
    }
}

fn is_offered(method: &Method, place: &Place) -> bool {
    match &method.body.facts.offer {
        Offer::All => place.merchant.is_some(),
        Offer::Owners(owners) => owners.iter().any(|owner| match owner {
            OwnerRef::Project(id) => *id == place.project,
            OwnerRef::Merchant(id) => place.merchant == Some(*id),
            OwnerRef::Reseller(id) => place.merchant.is_some() && place.chain.contains(id),
        }),
    }
}

/// A reseller's method as one of this project.
fn payment_method(directory: &Directory, method: &Method, project: &Project) -> PaymentMethod {
    let facts = &method.body.facts;
    let default_min = match facts.kind {
        MethodKind::Card => CARD_PERIOD_MIN,
        MethodKind::Wallet => 0,
    };
    let own_period_min = facts.processing_period_min.unwrap_or(default_min);
    let (connector, settings, period_min) = match &method.body.connector {
        MethodConnector::Builtin(name) => {
            let settings = builtin_settings(&method.body.settings);
            (name.as_str(), settings, own_period_min)
        }
        MethodConnector::Registered(id) => match directory.connectors.get(id) {
            Some(registered) => (
                REMOTE,
                remote_settings(registered, &method.body.settings),
                registered.body.processing_period_min.unwrap_or(0),
            ),
            None => (REMOTE, ConnectorSettings::default(), 0),
        },
    };
    PaymentMethod {
        processing_period_ms: i64::from(period_min) * MINUTE_MS,
        kind: facts.kind,
        title: facts.name.text(project.settings.language).to_owned(),
        ranges: facts.ranges.clone(),
        countries: facts.countries.clone(),
        refunds: facts.abilities.refunds,
        holds: facts.abilities.holds,
        customer_kinds: facts.customer_kinds.clone(),
        active: facts.active && method.archived_at.is_none(),
        provider: facts.provider,
        ..PaymentMethod::card(&method.id.to_string(), connector, settings)
    }
}

/// The settings of a built-in connector: texts.
pub(crate) fn builtin_settings(values: &serde_json::Map<String, Value>) -> ConnectorSettings {
    let texts = values.iter().map(|(key, value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        (key.clone(), text)
    });
    ConnectorSettings(texts.collect())
}

/// The settings with which the remote connector speaks for a method.
pub(crate) fn remote_settings(
    registered: &Registered,
    values: &serde_json::Map<String, Value>,
) -> ConnectorSettings {
    let body = &registered.body;
    let keys: Vec<&str> = body.keys.iter().map(|key| key.key.expose()).collect();
    let mut settings = ConnectorSettings::default();
    let mut set = |key: &str, value: String| settings.0.insert(key.to_owned(), value);
    set("base_url", body.url.clone());
    set("key", keys.join(" "));
    set("settings", Value::Object(values.clone()).to_string());
    set(
        "static",
        Value::Object(body.static_values.clone()).to_string(),
    );
    if let Some(until) = body.keys.get(1).and_then(|key| key.until) {
        set("old_key_until_ms", until.as_millis().to_string());
    }
    if body.allow_http {
        set("allow_http", "yes".to_owned());
    }
    if let Some(ms) = body.not_found_final_after_ms {
        set("not_found_final_after_ms", ms.to_string());
    }
    settings
}
