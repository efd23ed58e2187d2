//! A project: one shop, site or terminal of a merchant, with the settings that decisions depend on.

use serde::{Deserialize, Serialize};

use crate::{Bucket, ConnectorSettings, Currency, Endpoint, Language, ProjectId};

/// What happens to money of a success that the payment did not need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SurplusPolicy {
    /// Give it back by itself.
    #[default]
    Return,
    /// Open an incident and wait for a person.
    Manual,
}

/// A configured connector that a project offers to its payers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethod {
    /// Its name within the project.
    pub id: String,
    /// The connector's name.
    pub connector: String,
    /// The connector's settings: addresses, keys.
    pub settings: ConnectorSettings,
    /// Milliseconds after which the payment no longer waits for a try (the try itself stays open).
    pub processing_period_ms: i64,
}

/// The settings of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectSettings {
    /// The currency of a payment that names none.
    pub default_currency: Currency,
    /// The currencies a payment may be in.
    pub currencies: Vec<Currency>,
    /// Default language of pages and messages.
    pub language: Language,
    /// How long a payment can be paid, in milliseconds, unless the merchant says otherwise.
    pub session_timeout_ms: i64,
    /// How many tries a payer has.
    pub tries_max: u32,
    /// What happens to a surplus success.
    pub surplus: SurplusPolicy,
    /// Where callbacks go, beside an address that a payment brings itself.
    pub endpoints: Vec<Endpoint>,
    /// How callbacks to an address that a payment brings are signed and sent.
    pub dynamic_endpoint: Option<Endpoint>,
    /// How payers pay; the first that fits is used.
    pub methods: Vec<PaymentMethod>,
}

/// One shop, site or terminal of a merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Its shard key.
    pub bucket: Bucket,
    /// The name payers read.
    pub name: String,
    /// Short latin name, as in a payment page's address.
    pub slug: String,
    /// Settings.
    pub settings: ProjectSettings,
}

impl Project {
    /// The method with this name.
    pub fn method(&self, id: &str) -> Option<&PaymentMethod> {
        self.settings.methods.iter().find(|method| method.id == id)
    }
}
