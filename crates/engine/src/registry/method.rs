//! Payment methods: made, changed and deleted by the people of the reseller that owns them, or of one above.

use altyn_domain::{
    AmountRange, Bucket, CustomerKind, MethodId, Permission, ProviderNumbers, ResellerId,
};
use serde_json::{Map, Value, json};

use super::check_tag;
use super::record::{
    Method, MethodAbilities, MethodBody, MethodConnector, MethodFacts, MethodName, Offer,
};
use crate::directory::Directory;
use crate::settings::Edit;
use crate::trail::Act;
use crate::{Caller, Engine, MethodView, OfficeError};

/// A payment method to be made.
#[derive(Debug, Clone)]
pub struct NewMethod {
    /// The reseller that owns it.
    pub reseller_id: ResellerId,
    /// What it is made from.
    pub connector: MethodConnector,
    /// The values of the connector's settings: a JSON object.
    pub settings: Value,
    /// What it is.
    pub facts: MethodFacts,
}

/// What is to be changed; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct MethodChange {
    /// Its name.
    pub name: Option<MethodName>,
    /// Currencies and amounts.
    pub ranges: Option<Vec<AmountRange>>,
    /// Countries of payers.
    pub countries: Option<Vec<String>>,
    /// Which customers may use it.
    pub customer_kinds: Option<Vec<CustomerKind>>,
    /// What can be done by it.
    pub abilities: Option<MethodAbilities>,
    /// Its place among the methods of a project.
    pub position: Option<i32>,
    /// Whether tries may be begun by it.
    pub active: Option<bool>,
    /// To whom it is offered.
    pub offer: Option<Offer>,
    /// Of a built-in connector: whole minutes; `Some(None)` for the usual.
    pub processing_period_min: Option<Option<u32>>,
    /// The numbers by which a dialect names its provider.
    pub provider: Option<ProviderNumbers>,
    /// All values of the connector's settings. A secret that is left out stays, one that is null goes.
    pub settings: Option<Value>,
}

impl MethodChange {
    fn apply(&self, facts: &mut MethodFacts) {
        fn set<T: Clone>(place: &mut T, wanted: Option<&T>) {
            if let Some(wanted) = wanted {
                *place = wanted.clone();
            }
        }
        set(&mut facts.name, self.name.as_ref());
        set(&mut facts.ranges, self.ranges.as_ref());
        set(&mut facts.countries, self.countries.as_ref());
        set(&mut facts.customer_kinds, self.customer_kinds.as_ref());
        set(&mut facts.abilities, self.abilities.as_ref());
        set(&mut facts.position, self.position.as_ref());
        set(&mut facts.active, self.active.as_ref());
        set(&mut facts.offer, self.offer.as_ref());
        let period = self.processing_period_min.as_ref();
        set(&mut facts.processing_period_min, period);
        set(&mut facts.provider, self.provider.as_ref());
    }
}

impl Engine {
    /// Makes a payment method of a reseller in reach.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn create_method(
        &self,
        caller: &Caller,
        new: NewMethod,
    ) -> Result<MethodView, OfficeError> {
        caller.require(Permission::MethodsManage)?;
        caller.require(Permission::MethodsView)?;
        let id = MethodId::new(self.now(), Bucket::new(0), self.entropy().random());
        self.edit(|directory| {
            if !self.reach(caller).reseller(new.reseller_id) {
                return Err(OfficeError::invalid("reseller_id", "no such reseller"));
            }
            let wanted = MethodBody {
                connector: new.connector.clone(),
                settings: Map::new(),
                facts: new.facts.clone(),
            };
            let owner = new.reseller_id;
            let body =
                self.checked_method(caller, directory, owner, wanted, Some(&new.settings))?;
            let method = Method {
                id,
                reseller_id: new.reseller_id,
                body,
                created_at: self.now(),
                archived_at: None,
                tag: String::new(),
            };
            let detail = json!({"connector": method.body.connector});
            self.method_edit(caller, &method, "method.created", detail)
        })
        .await?;
        self.method_view(caller, id).map_err(OfficeError::late)
    }

    /// Changes a payment method, if it is still as the caller saw it.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn update_method(
        &self,
        caller: &Caller,
        id: MethodId,
        change: MethodChange,
        expected_tag: Option<&str>,
    ) -> Result<MethodView, OfficeError> {
        caller.require(Permission::MethodsManage)?;
        caller.require(Permission::MethodsView)?;
        self.edit(|directory| {
            let known = self.own_method(caller, directory, id)?;
            check_tag(expected_tag, &known.tag)?;
            let mut wanted = known.body.clone();
            change.apply(&mut wanted.facts);
            let settings = change.settings.as_ref();
            let owner = known.reseller_id;
            let body = self.checked_method(caller, directory, owner, wanted, settings)?;
            let changed = changed(&known.body, &body);
            if changed.is_empty() {
                return Ok((Edit::default(), ()));
            }
            let method = Method {
                body,
                ..known.clone()
            };
            self.method_edit(
                caller,
                &method,
                "method.changed",
                json!({"changed": changed}),
            )
        })
        .await?;
        self.method_view(caller, id).map_err(OfficeError::late)
    }

    /// Deletes a payment method, if it is still as the caller saw it: nothing is begun by it any more. What was begun goes on.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn delete_method(
        &self,
        caller: &Caller,
        id: MethodId,
        expected_tag: Option<&str>,
    ) -> Result<(), OfficeError> {
        caller.require(Permission::MethodsManage)?;
        caller.require(Permission::MethodsView)?;
        self.edit(|directory| {
            let mut method = self.own_method(caller, directory, id)?.clone();
            check_tag(expected_tag, &method.tag)?;
            method.archived_at = Some(self.now());
            self.method_edit(caller, &method, "method.deleted", json!({}))
        })
        .await
    }

    /// A method that was not deleted, of a reseller in reach.
    pub(super) fn own_method<'a>(
        &self,
        caller: &Caller,
        directory: &'a Directory,
        id: MethodId,
    ) -> Result<&'a Method, OfficeError> {
        let found = directory.methods.get(&id);
        let found = found.filter(|method| method.archived_at.is_none());
        let found = found.filter(|method| self.reach(caller).reseller(method.reseller_id));
        found.ok_or(OfficeError::NotFound)
    }

    fn method_edit(
        &self,
        caller: &Caller,
        method: &Method,
        action: &'static str,
        mut detail: Value,
    ) -> Result<(Edit, ()), OfficeError> {
        detail["name"] = json!(method.body.facts.name);
        let scope = Some(method.reseller_id.uuid());
        let edit = Edit {
            entries: vec![method.entry(&self.sealer())?],
            acts: vec![Act::by(caller, scope, action, method.id, detail)],
            ..Edit::default()
        };
        Ok((edit, ()))
    }
}

/// The names of what changed: of settings the keys, never the values.
fn changed(old: &MethodBody, new: &MethodBody) -> Vec<String> {
    let facts = |body: &MethodBody| serde_json::to_value(&body.facts).unwrap_or_default();
    let (before, after) = (facts(old), facts(new));
    let names = after.as_object().into_iter().flatten();
    let names = names.filter(|(name, value)| before.get(name.as_str()) != Some(*value));
    let mut changed: Vec<String> = names.map(|(name, _)| name.clone()).collect();
    let keys = old.settings.keys().chain(new.settings.keys());
    for key in keys {
        let place = format!("settings.{key}");
        if old.settings.get(key) != new.settings.get(key) && !changed.contains(&place) {
            changed.push(place);
        }
    }
    changed
}
