//! Connectors and payment methods as they are stored: sealed as a whole.

use std::collections::BTreeMap;

use altyn_domain::{
    AmountRange, ConnectorId, CustomerKind, EndpointSecret, Language, MerchantId, MethodId,
    MethodKind, ProjectId, ProviderNumbers, RefundAbility, ResellerId, Timestamp,
};
use altyn_storage::{SettingsEntry, SettingsKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::directory::tag_of;
use crate::tree::{Sealer, broken, open_body};
use crate::{EngineError, Vault};

/// One key of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConnectorKey {
    pub key: EndpointSecret,
    /// When it ends; never for the newest.
    pub until: Option<Timestamp>,
}

/// What is sealed of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConnectorBody {
    pub name: String,
    pub url: String,
    /// Whether plain HTTP to another machine is allowed.
    pub allow_http: bool,
    /// Whole minutes; none for no timer.
    pub processing_period_min: Option<u32>,
    /// As it was given: an array of descriptors, or a JSON Schema.
    pub schema: Value,
    /// The values common to all its payment methods.
    pub static_values: Map<String, Value>,
    /// The newest first; at most two.
    pub keys: Vec<ConnectorKey>,
    /// What the connector promised when it was asked last.
    pub not_found_final_after_ms: Option<i64>,
}

/// A connector of the registry.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    pub id: ConnectorId,
    pub body: ConnectorBody,
    pub created_at: Timestamp,
    pub archived_at: Option<Timestamp>,
    pub tag: String,
}

impl Registered {
    pub(crate) fn open(entry: &SettingsEntry, vault: &Vault) -> Result<Self, EngineError> {
        Ok(Self {
            id: ConnectorId::from_uuid(entry.id),
            body: open_body(entry, vault)?,
            created_at: entry.created_at,
            archived_at: entry.archived_at,
            tag: tag_of(entry),
        })
    }

    pub(crate) fn entry(&self, sealer: &Sealer<'_>) -> Result<SettingsEntry, EngineError> {
        Ok(SettingsEntry {
            kind: SettingsKind::Connector,
            id: self.id.uuid(),
            parent: None,
            body: sealer.seal(self.id.uuid(), &self.body)?,
            created_at: self.created_at,
            archived_at: self.archived_at,
        })
    }
}

/// What a payment method is made from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum MethodConnector {
    /// A connector of this program, by name.
    Builtin(String),
    /// A connector of the registry.
    Registered(ConnectorId),
}

/// The name of a payment method, as payers and people in panels read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MethodName {
    /// The same in every language.
    One(String),
    /// A text for each language.
    Each(BTreeMap<Language, String>),
}

impl MethodName {
    /// The name in this language, or in the first other one that there is.
    pub fn text(&self, language: Language) -> &str {
        match self {
            Self::One(text) => text,
            Self::Each(texts) => texts
                .get(&language)
                .or_else(|| texts.values().next())
                .map_or("", String::as_str),
        }
    }
}

/// Somebody in the tree of owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum OwnerRef {
    /// A reseller with everything under it.
    Reseller(ResellerId),
    /// A merchant with its projects.
    Merchant(MerchantId),
    /// One project.
    Project(ProjectId),
}

/// To whom a reseller offers a payment method.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "to", content = "owners")]
pub enum Offer {
    /// To every project under the reseller.
    #[default]
    All,
    /// To the projects of these, who stand under the reseller or are it.
    Owners(Vec<OwnerRef>),
}

/// What can be done by a payment method.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodAbilities {
    /// Which refunds.
    pub refunds: RefundAbility,
    /// Money can be reserved first and captured later.
    pub holds: bool,
    /// A card can be saved and charged again.
    pub saved_card: bool,
    /// Money can be sent out.
    pub payout: bool,
}

/// What a payment method is, without its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodFacts {
    /// Its name.
    pub name: MethodName,
    /// What a payer does to pay by it.
    pub kind: MethodKind,
    /// Currencies and amounts that it takes; empty for all that a project takes.
    pub ranges: Vec<AmountRange>,
    /// Countries of payers, two capital letters each; empty for all.
    pub countries: Vec<String>,
    /// Which customers may use it; empty for all.
    pub customer_kinds: Vec<CustomerKind>,
    /// What can be done by it.
    pub abilities: MethodAbilities,
    /// Its place among the methods of a project: the smallest number first.
    pub position: i32,
    /// Whether tries may be begun by it.
    pub active: bool,
    /// To whom it is offered.
    pub offer: Offer,
    /// Whole minutes after which a payment no longer waits for a try, 0 for never. Of a built-in connector
    /// only: a connector of the registry has its own. 5 for cards unless given.
    #[serde(default)]
    pub processing_period_min: Option<u32>,
    /// The numbers by which a dialect names its provider.
    #[serde(default)]
    pub provider: ProviderNumbers,
}

/// What is sealed of a payment method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MethodBody {
    pub connector: MethodConnector,
    pub settings: Map<String, Value>,
    pub facts: MethodFacts,
}

/// A payment method of a reseller.
#[derive(Debug, Clone)]
pub(crate) struct Method {
    pub id: MethodId,
    pub reseller_id: ResellerId,
    pub body: MethodBody,
    pub created_at: Timestamp,
    pub archived_at: Option<Timestamp>,
    pub tag: String,
}

impl Method {
    pub(crate) fn open(entry: &SettingsEntry, vault: &Vault) -> Result<Self, EngineError> {
        let parent = entry.parent.ok_or_else(|| broken(entry, &"no reseller"))?;
        Ok(Self {
            id: MethodId::from_uuid(entry.id),
            reseller_id: ResellerId::from_uuid(parent),
            body: open_body(entry, vault)?,
            created_at: entry.created_at,
            archived_at: entry.archived_at,
            tag: tag_of(entry),
        })
    }

    pub(crate) fn entry(&self, sealer: &Sealer<'_>) -> Result<SettingsEntry, EngineError> {
        Ok(SettingsEntry {
            kind: SettingsKind::Method,
            id: self.id.uuid(),
            parent: Some(self.reseller_id.uuid()),
            body: sealer.seal(self.id.uuid(), &self.body)?,
            created_at: self.created_at,
            archived_at: self.archived_at,
        })
    }
}
