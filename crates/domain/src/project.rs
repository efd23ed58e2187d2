//! A project: one shop, site or terminal of a merchant, with the settings that decisions depend on.

use serde::{Deserialize, Serialize};

use crate::{
    Bucket, ConnectorSettings, Currency, Customer, CustomerId, CustomerKind, DeclineCode, Endpoint,
    EndpointSecret, Language, Money, Order, Payment, ProjectId,
};

/// What happens to money of a success that the payment did not need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SurplusPolicy {
    /// Give it back by itself.
    #[default]
    Return,
    /// Open an incident and wait for a person.
    Manual,
    /// Credit it to the customer's balance; as [`Return`](Self::Return) if the payment has no customer or the
    /// project keeps no balances.
    Balance,
}

/// What a payer does to pay by a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodKind {
    /// Types a card in.
    #[default]
    Card,
    /// Goes to the gateway's own page and comes back.
    Wallet,
}

/// The amounts of one currency that a method takes, in minor units, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmountRange {
    /// The currency.
    pub currency: Currency,
    /// At least.
    pub min: i64,
    /// At most.
    pub max: i64,
}

/// Which refunds a method can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundAbility {
    /// None at all.
    Never,
    /// Only of the whole captured sum.
    Full,
    /// Of any part, again and again.
    #[default]
    Partial,
}

/// The numbers by which a dialect names the provider behind a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProviderNumbers {
    /// Of purchases.
    pub purchase: u32,
    /// Of refunds.
    pub refund: u32,
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
    /// Milliseconds after which the payment no longer waits for a try (the try itself stays open); 0 for
    /// never.
    pub processing_period_ms: i64,
    /// What a payer does to pay by it.
    #[serde(default)]
    pub kind: MethodKind,
    /// The name payers read; empty for the usual name of its kind.
    #[serde(default)]
    pub title: String,
    /// Currencies and amounts that it takes; empty for all that the project takes.
    #[serde(default)]
    pub ranges: Vec<AmountRange>,
    /// Countries of payers, two capital letters each; empty for all. Checked if the country is known.
    #[serde(default)]
    pub countries: Vec<String>,
    /// Which refunds it can make.
    #[serde(default)]
    pub refunds: RefundAbility,
    /// Whether money can be reserved first and captured later.
    #[serde(default = "yes")]
    pub holds: bool,
    /// Which customers may use it; empty for all. Checked if the kind of customer is known.
    #[serde(default)]
    pub customer_kinds: Vec<CustomerKind>,
    /// Whether tries may be begun by it; what was begun before goes on all the same.
    #[serde(default = "yes")]
    pub active: bool,
    /// The numbers by which a dialect names its provider.
    #[serde(default)]
    pub provider: ProviderNumbers,
}

const fn yes() -> bool {
    true
}

impl PaymentMethod {
    /// A method by card over `connector` that takes whatever the project takes.
    pub fn card(id: &str, connector: &str, settings: ConnectorSettings) -> Self {
        Self {
            id: id.to_owned(),
            connector: connector.to_owned(),
            settings,
            processing_period_ms: 300_000,
            kind: MethodKind::Card,
            title: String::new(),
            ranges: Vec::new(),
            countries: Vec::new(),
            refunds: RefundAbility::Partial,
            holds: true,
            customer_kinds: Vec::new(),
            active: true,
            provider: ProviderNumbers::default(),
        }
    }

    /// Whether it takes payments in this currency at all.
    pub fn takes(&self, currency: Currency) -> bool {
        self.ranges.is_empty() || self.ranges.iter().any(|range| range.currency == currency)
    }

    /// Whether a payment of this customer can be paid by it; else why not.
    ///
    /// # Errors
    /// The reason, in the words of a decline.
    pub fn check(&self, amount: Money, payer: &Customer, hold: bool) -> Result<(), DeclineCode> {
        let kinds = &self.customer_kinds;
        let is_other = |kind| !kinds.is_empty() && !kinds.contains(&kind);
        if !self.active || payer.kind.is_some_and(is_other) {
            return Err(DeclineCode::OperationNotAllowed);
        }
        let country = payer.country.as_deref();
        if hold && !self.holds {
            return Err(DeclineCode::OperationNotAllowed);
        }
        let known = |country: &str| {
            self.countries
                .iter()
                .any(|c| c.eq_ignore_ascii_case(country))
        };
        if !self.countries.is_empty() && country.is_some_and(|country| !known(country)) {
            return Err(DeclineCode::CountryNotPossible);
        }
        if self.ranges.is_empty() {
            return Ok(());
        }
        let currency = amount.currency();
        let range = self.ranges.iter().find(|range| range.currency == currency);
        match range {
            None => Err(DeclineCode::CurrencyNotPossible),
            Some(range) if amount.minor() < range.min => Err(DeclineCode::AmountTooSmall),
            Some(range) if amount.minor() > range.max => Err(DeclineCode::AmountTooLarge),
            Some(_) => Ok(()),
        }
    }
}

/// A key that a shop shares with us to sign its requests in a dialect, under the name by which that dialect
/// knows the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedKey {
    /// The dialect.
    pub dialect: String,
    /// The project's name or number in that dialect.
    pub login: String,
    /// The key.
    pub secret: EndpointSecret,
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
    /// Whether the project's customers have balances: what the merchant calls a customer is one then.
    #[serde(default)]
    pub balances: bool,
    /// Where callbacks go, beside an address that a payment brings itself.
    pub endpoints: Vec<Endpoint>,
    /// How callbacks to an address that a payment brings are signed and sent.
    pub dynamic_endpoint: Option<Endpoint>,
    /// How payers pay; the first that fits is used.
    pub methods: Vec<PaymentMethod>,
    /// Keys with which the shop signs its requests.
    #[serde(default)]
    pub keys: Vec<SharedKey>,
}

impl ProjectSettings {
    /// The key that signs what is told in a dialect: that of the name by which the dialect knows the project.
    pub fn signing_key(&self, dialect: &str) -> Option<&EndpointSecret> {
        let mut keys = self.keys.iter();
        keys.find(|key| key.dialect == dialect)
            .map(|key| &key.secret)
    }
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
    /// The customer whose order this is, if the project keeps balances and the merchant named one.
    pub fn customer_of(&self, order: &Order) -> Option<CustomerId> {
        let reference = order.customer.id.as_deref()?;
        (self.settings.balances && !reference.is_empty())
            .then(|| CustomerId::of(self.id, reference))
    }

    /// Whether money of this payment may stand on its customer's balance, and be paid from there. What stands
    /// there stays when the project stops keeping balances, and can still be given back.
    pub fn keeps_balance_of(&self, payment: &Payment) -> bool {
        self.settings.balances && payment.customer_id.is_some()
    }

    /// The method with this name.
    pub fn method(&self, id: &str) -> Option<&PaymentMethod> {
        self.settings.methods.iter().find(|method| method.id == id)
    }

    /// The first method of this kind.
    pub fn method_of(&self, kind: MethodKind) -> Option<&PaymentMethod> {
        self.settings
            .methods
            .iter()
            .find(|method| method.kind == kind && method.active)
    }

    /// The key that this project shares with us in a dialect under this name.
    pub fn shared_key(&self, dialect: &str, login: &str) -> Option<&SharedKey> {
        let mut keys = self.settings.keys.iter();
        keys.find(|key| key.dialect == dialect && key.login == login)
    }

    /// What the project is called in a dialect whose requests are signed by a shared key.
    pub fn login(&self, dialect: &str) -> Option<&str> {
        let mut keys = self.settings.keys.iter();
        keys.find(|key| key.dialect == dialect)
            .map(|key| key.login.as_str())
    }
}
