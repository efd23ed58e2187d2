//! What must be true of a payment method before it is stored. All flaws are told at once.

use std::collections::BTreeSet;

use altyn_domain::{
    AmountRange, Connector, ConnectorError, ConnectorSettings, CustomerKind, MethodKind,
    PaymentMethod, Permission, ResellerId,
};
use serde_json::{Map, Value};

use super::connector::{form_of, live, no_remote};
use super::form::Form;
use super::offer::{REMOTE, builtin_settings, chain, remote_settings};
use super::record::{MethodBody, MethodConnector, MethodFacts, MethodName, Offer, OwnerRef};
use super::{name, object};
use crate::directory::Directory;
use crate::{Caller, Engine, EngineError, Flaw, OfficeError};

/// The most currencies of a method.
const RANGES_MAX: usize = 200;
/// The most owners that a method is offered to by name.
const OWNERS_MAX: usize = 1_000;
/// The longest processing period: thirty days.
const PERIOD_MAX_MIN: u32 = 30 * 24 * 60;
/// There are no more countries.
const COUNTRIES_MAX: usize = 300;
/// A setting that built-in connectors have and no screen asks for: ms after which "not found" is believed.
const NOT_FOUND_FINAL_AFTER: &str = "not_found_final_after_ms";

impl Engine {
    /// The method as it is to be stored: `wanted`, with these settings if there are any.
    pub(super) fn checked_method(
        &self,
        caller: &Caller,
        directory: &Directory,
        owner: ResellerId,
        mut wanted: MethodBody,
        settings: Option<&Value>,
    ) -> Result<MethodBody, OfficeError> {
        let mut flaws = Vec::new();
        let (form, kind) = match self.form_and_kind(directory, &wanted.connector) {
            Err(OfficeError::NotFound) => {
                return Err(OfficeError::invalid("connector", "no such connector"));
            }
            found => found?,
        };
        check_facts(&mut wanted.facts, &mut flaws);
        check_kind(wanted.facts.kind, kind, &mut flaws);
        let is_registered = matches!(wanted.connector, MethodConnector::Registered(_));
        if is_registered && wanted.facts.processing_period_min.is_some() {
            let message = "the connector of the registry has its own";
            flaws.push(Flaw::new("processing_period_min", message));
        }
        check_offer(directory, owner, &wanted.facts.offer, &mut flaws);
        if let Some(settings) = settings {
            let given = object("settings", settings, &mut flaws);
            let values = with_kept_secrets(&form, given, &wanted.settings);
            match form.check(values) {
                Ok(values) => wanted.settings = values,
                Err(wrong) => flaws.extend(wrong),
            }
        }
        if flaws.is_empty() {
            let changes = settings.is_some();
            self.check_method_settings((caller, changes), directory, &wanted, &mut flaws)?;
        }
        if flaws.is_empty() {
            Ok(wanted)
        } else {
            Err(OfficeError::Invalid(flaws))
        }
    }

    /// Whether a method can be a project's own, which a command makes: that its connector can work with it,
    /// and that somebody can pay by it. What people's methods must be, as far as a command can say it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn check_own_method(&self, method: &PaymentMethod) -> Result<(), OfficeError> {
        let connector = self.connector(&method.connector).ok_or_else(|| {
            let message = format!("there is no connector {}", method.connector);
            OfficeError::invalid("connector", message)
        })?;
        let mut flaws = Vec::new();
        check_kind(method.kind, connector.method_kind(), &mut flaws);
        check_ranges("ranges", &method.ranges, &mut flaws);
        check_countries(&method.countries, &mut flaws);
        check_customer_kinds(&method.customer_kinds, &mut flaws);
        let mut asked = method.settings.0.clone();
        // The remote connector asks for nothing in words: its settings are in its page of the protocol.
        if let Some(form) = builtin_form(connector.as_ref())? {
            let is_number = |text: String| text.parse::<u32>().is_ok();
            if asked
                .remove(NOT_FOUND_FINAL_AFTER)
                .is_some_and(|ms| !is_number(ms))
            {
                let field = format!("settings.{NOT_FOUND_FINAL_AFTER}");
                flaws.push(Flaw::new(field, "must be whole milliseconds"));
            }
            let values = asked.into_iter();
            let values = values.map(|(key, value)| (key, Value::String(value)));
            if let Err(wrong) = form.check(values.collect()) {
                flaws.extend(wrong);
            }
        }
        if flaws.is_empty() {
            check_usable(connector.as_ref(), &method.settings, &mut flaws);
        }
        if flaws.is_empty() {
            Ok(())
        } else {
            Err(OfficeError::Invalid(flaws))
        }
    }

    /// The settings that a connector asks for, and what a payer does to pay by it.
    pub(super) fn form_and_kind(
        &self,
        directory: &Directory,
        connector: &MethodConnector,
    ) -> Result<(Form, MethodKind), OfficeError> {
        match connector {
            MethodConnector::Builtin(word) => {
                let builtin = self.connector(word).ok_or(OfficeError::NotFound)?;
                let form = builtin_form(builtin.as_ref())?.ok_or(OfficeError::NotFound)?;
                Ok((form, builtin.method_kind()))
            }
            MethodConnector::Registered(id) => {
                let remote = self.connector(REMOTE).ok_or_else(no_remote)?;
                Ok((form_of(live(directory, *id)?)?, remote.method_kind()))
            }
        }
    }

    /// Whether the connector can work with the settings.
    fn check_method_settings(
        &self,
        (caller, changes): (&Caller, bool),
        directory: &Directory,
        wanted: &MethodBody,
        flaws: &mut Vec<Flaw>,
    ) -> Result<(), OfficeError> {
        let (word, settings) = match &wanted.connector {
            MethodConnector::Builtin(word) => (word.as_str(), builtin_settings(&wanted.settings)),
            MethodConnector::Registered(id) => {
                let registered = live(directory, *id)?;
                (REMOTE, remote_settings(registered, &wanted.settings))
            }
        };
        let connector = self.connector(word).ok_or(OfficeError::NotFound)?;
        check_usable(connector.as_ref(), &settings, flaws);
        // Card data and secrets go to a gateway's address, and gateways may stand inside the installation's own
        // network: whoever runs it says where they are. Others use the addresses that he uses.
        let is_trusted = caller.may(Permission::Connectors) && self.reach(caller).is_whole();
        let address = settings.0.get("base_url");
        let is_checked = changes && !is_trusted;
        if let (MethodConnector::Builtin(_), Some(url), true) =
            (&wanted.connector, address, is_checked)
            && !is_known_address(directory, &wanted.connector, url)
        {
            let message = "must be an address that the root reseller's methods use";
            flaws.push(Flaw::new("settings.base_url", message));
        }
        Ok(())
    }
}

/// The settings that a built-in connector asks for; `None` if it asks for none in words.
fn builtin_form(connector: &dyn Connector) -> Result<Option<Form>, OfficeError> {
    let Some(schema) = connector.settings_schema() else {
        return Ok(None);
    };
    let word = connector.name();
    let fault = || EngineError::Fault(format!("the schema of {word} is broken"));
    let schema = serde_json::from_str(schema).map_err(|_| fault())?;
    Ok(Some(Form::parse(&schema).map_err(|_| fault())?))
}

/// Whether a payer does with a method what its connector has them do.
fn check_kind(given: MethodKind, kind: MethodKind, flaws: &mut Vec<Flaw>) {
    if given != kind {
        let message = match kind {
            MethodKind::Card => "this connector takes cards: card",
            MethodKind::Wallet => "this connector has a page of its own: wallet",
        };
        flaws.push(Flaw::new("kind", message));
    }
}

/// Whether the connector says that it can work with the settings.
fn check_usable(connector: &dyn Connector, settings: &ConnectorSettings, flaws: &mut Vec<Flaw>) {
    if let Err(ConnectorError::MissingSetting(key)) = connector.check_settings(settings) {
        flaws.push(Flaw::new(format!("settings.{key}"), "cannot be used"));
    }
}

/// Whether a method of the root reseller has this gateway called at this address.
fn is_known_address(directory: &Directory, connector: &MethodConnector, url: &str) -> bool {
    let root = directory.root().map(|reseller| reseller.id);
    let mut methods = directory.methods.values();
    methods.any(|method| {
        let address = method.body.settings.get("base_url").and_then(Value::as_str);
        Some(method.reseller_id) == root
            && method.archived_at.is_none()
            && method.body.connector == *connector
            && address == Some(url)
    })
}

/// The given values, with those secrets of the known ones that were left out.
fn with_kept_secrets(
    form: &Form,
    mut given: Map<String, Value>,
    known: &Map<String, Value>,
) -> Map<String, Value> {
    for field in form.fields.iter().filter(|field| field.secret) {
        if let (false, Some(value)) = (given.contains_key(&field.key), known.get(&field.key)) {
            given.insert(field.key.clone(), value.clone());
        }
    }
    given
}

fn check_facts(facts: &mut MethodFacts, flaws: &mut Vec<Flaw>) {
    match &mut facts.name {
        MethodName::One(text) => *text = name("name", text, flaws),
        MethodName::Each(texts) if texts.is_empty() => {
            flaws.push(Flaw::new("name", "must have one language at least"));
        }
        MethodName::Each(texts) => {
            for (language, text) in texts {
                *text = name(&format!("name.{}", language.code()), text, flaws);
            }
        }
    }
    check_ranges("currencies", &facts.ranges, flaws);
    check_countries(&facts.countries, flaws);
    check_customer_kinds(&facts.customer_kinds, flaws);
    if facts.processing_period_min > Some(PERIOD_MAX_MIN) {
        let message = format!("must be 0 to {PERIOD_MAX_MIN} whole minutes");
        flaws.push(Flaw::new("processing_period_min", message));
    }
}

/// The ranges of a method's amounts, which the field `all` has.
fn check_ranges(all: &str, ranges: &[AmountRange], flaws: &mut Vec<Flaw>) {
    if ranges.len() > RANGES_MAX {
        flaws.push(Flaw::new(all, format!("at most {RANGES_MAX}")));
    }
    for (place, range) in ranges.iter().enumerate() {
        let field = |name: &str| format!("{all}[{place}].{name}");
        if ranges[..place]
            .iter()
            .any(|one| one.currency == range.currency)
        {
            flaws.push(Flaw::new(field("currency"), "is there twice"));
        }
        if range.min < 1 {
            flaws.push(Flaw::new(field("min"), "must be 1 at least"));
        }
        if range.max < range.min {
            flaws.push(Flaw::new(field("max"), "is less than min"));
        }
    }
}

fn check_countries(countries: &[String], flaws: &mut Vec<Flaw>) {
    if countries.len() > COUNTRIES_MAX {
        flaws.push(Flaw::new("countries", format!("at most {COUNTRIES_MAX}")));
    }
    let mut seen = BTreeSet::new();
    for (place, country) in countries.iter().enumerate() {
        let is_code = country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
        let place = format!("countries[{place}]");
        if !is_code {
            flaws.push(Flaw::new(place, "must be two capital letters (ISO 3166-1)"));
        } else if !seen.insert(country) {
            flaws.push(Flaw::new(place, "is there twice"));
        }
    }
}

fn check_customer_kinds(kinds: &[CustomerKind], flaws: &mut Vec<Flaw>) {
    for (place, kind) in kinds.iter().enumerate() {
        if kinds[..place].contains(kind) {
            flaws.push(Flaw::new(
                format!("customer_kinds[{place}]"),
                "is there twice",
            ));
        }
    }
}

fn check_offer(directory: &Directory, owner: ResellerId, offer: &Offer, flaws: &mut Vec<Flaw>) {
    let Offer::Owners(owners) = offer else {
        return;
    };
    if owners.len() > OWNERS_MAX {
        flaws.push(Flaw::new("offered_to", format!("at most {OWNERS_MAX}")));
        return;
    }
    for (place, one) in owners.iter().enumerate() {
        if !stands_under(directory, owner, one) {
            let place = format!("offered_to[{place}]");
            flaws.push(Flaw::new(place, "is not under the reseller"));
        }
    }
}

/// Whether somebody stands under a reseller, or is it.
fn stands_under(directory: &Directory, owner: ResellerId, one: &OwnerRef) -> bool {
    let reseller_of = |merchant| {
        let merchant = directory.merchants.get(&merchant)?;
        Some(merchant.reseller_id)
    };
    let reseller = match one {
        OwnerRef::Reseller(id) => Some(*id),
        OwnerRef::Merchant(id) => reseller_of(*id),
        OwnerRef::Project(id) => match directory.owners.get(id) {
            Some(merchant) => reseller_of(*merchant),
            // A project of nobody is the operator's own.
            None if directory.projects.contains_key(id) => directory.root().map(|root| root.id),
            None => None,
        },
    };
    reseller.is_some_and(|reseller| chain(directory, reseller).contains(&owner))
}
