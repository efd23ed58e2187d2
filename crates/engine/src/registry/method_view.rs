//! Payment methods as people see them: their own in full but for secrets, those of resellers above without
//! any settings.

use altyn_domain::{
    ConnectorId, MethodId, MethodKind, Permission, ProjectId, ResellerId, Scope, Timestamp,
};
use serde_json::{Map, Value};

use super::connector::live;
use super::form::Form;
use super::offer::{chain, is_registered};
use super::record::{Method, MethodConnector, MethodFacts, Offer, OwnerRef};
use crate::directory::Directory;
use crate::{Caller, Engine, OfficeError, Reach};

/// What only those see who own a method.
#[derive(Debug, Clone)]
pub struct OwnMethod {
    /// What it is made from.
    pub connector: MethodConnector,
    /// The name of that, for people.
    pub connector_name: String,
    /// The settings as a screen draws them.
    pub form: Form,
    /// The values, without secrets.
    pub settings: Map<String, Value>,
    /// The names of secrets that have a value.
    pub secrets: Vec<String>,
}

/// A payment method.
#[derive(Debug, Clone)]
pub struct MethodView {
    /// Its id; also its name within projects.
    pub id: MethodId,
    /// The reseller that owns it.
    pub reseller_id: ResellerId,
    /// The name of that reseller.
    pub reseller_name: String,
    /// What it is. For those below the reseller the offer says [`Offer::All`]: who else has it is not told.
    pub facts: MethodFacts,
    /// Connector and settings; only for the reseller's people and those above.
    pub own: Option<OwnMethod>,
    /// When it was made.
    pub created_at: Timestamp,
    tag: String,
}

impl MethodView {
    /// Another text after every change.
    pub fn etag(&self) -> &str {
        &self.tag
    }
}

/// Something that a payment method can be made from.
#[derive(Debug, Clone)]
pub struct ConnectorChoice {
    /// What it is.
    pub connector: MethodConnector,
    /// Its name, for people.
    pub name: String,
    /// What a payer does to pay by it.
    pub kind: MethodKind,
    /// The settings that it asks for.
    pub form: Form,
}

impl Engine {
    /// A payment method that the caller sees.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub fn method_view(&self, caller: &Caller, id: MethodId) -> Result<MethodView, OfficeError> {
        caller.require(Permission::MethodsView)?;
        let reach = self.reach(caller);
        let method = reach.directory.methods.get(&id);
        let method = method.filter(|method| sees(&reach, caller, method));
        self.view_of_method(&reach, method.ok_or(OfficeError::NotFound)?)
    }

    /// All payment methods that the caller sees, in the order in which projects have them.
    ///
    /// # Errors
    /// If the caller lacks the permission.
    pub fn methods(&self, caller: &Caller) -> Result<Vec<MethodView>, OfficeError> {
        caller.require(Permission::MethodsView)?;
        let reach = self.reach(caller);
        let methods = reach.directory.methods.values();
        let methods = methods.filter(|method| sees(&reach, caller, method));
        let views: Result<Vec<_>, _> = methods
            .map(|one| self.view_of_method(&reach, one))
            .collect();
        let mut views = views?;
        views.sort_by_key(|view| (view.facts.position, view.id));
        Ok(views)
    }

    /// What payment methods can be made from, by name: the registry first.
    ///
    /// # Errors
    /// If the caller lacks the permission.
    pub fn connector_choices(&self, caller: &Caller) -> Result<Vec<ConnectorChoice>, OfficeError> {
        caller.require(Permission::MethodsManage)?;
        let directory = self.directory();
        let mut registered: Vec<(String, ConnectorId)> = directory
            .connectors
            .values()
            .filter(|one| one.archived_at.is_none())
            .map(|one| (one.body.name.clone(), one.id))
            .collect();
        registered.sort();
        let mut choices = Vec::new();
        for (name, id) in registered {
            let connector = MethodConnector::Registered(id);
            let (form, kind) = self.form_and_kind(&directory, &connector)?;
            choices.push(ConnectorChoice {
                connector,
                name,
                kind,
                form,
            });
        }
        for name in self.builtin_names() {
            let connector = MethodConnector::Builtin(name.to_owned());
            let (form, kind) = self.form_and_kind(&directory, &connector)?;
            choices.push(ConnectorChoice {
                connector,
                name: name.to_owned(),
                kind,
                form,
            });
        }
        Ok(choices)
    }

    /// The payment methods of resellers that a project is offered, in order.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub fn project_methods(
        &self,
        caller: &Caller,
        project: ProjectId,
    ) -> Result<Vec<MethodView>, OfficeError> {
        caller.require(Permission::MethodsView)?;
        let reach = self.reach(caller);
        let project = reach.project(project).ok_or(OfficeError::NotFound)?;
        let active = project.settings.methods.iter().filter(|one| one.active);
        let ids = active.filter(|one| is_registered(&one.id));
        let found = ids.filter_map(|one| {
            let id = MethodId::parse(&one.id).ok()?;
            reach.directory.methods.get(&id)
        });
        found.map(|one| self.view_of_method(&reach, one)).collect()
    }

    fn view_of_method(&self, reach: &Reach, method: &Method) -> Result<MethodView, OfficeError> {
        let directory = &reach.directory;
        let is_own = reach.reseller(method.reseller_id);
        let mut facts = method.body.facts.clone();
        if !is_own {
            facts.offer = Offer::All;
        }
        let reseller = directory.resellers.get(&method.reseller_id);
        Ok(MethodView {
            id: method.id,
            reseller_id: method.reseller_id,
            reseller_name: reseller.map(|one| one.name.clone()).unwrap_or_default(),
            facts,
            own: is_own
                .then(|| self.own_part(directory, method))
                .transpose()?,
            created_at: method.created_at,
            tag: method.tag.clone(),
        })
    }

    fn own_part(&self, directory: &Directory, method: &Method) -> Result<OwnMethod, OfficeError> {
        let connector = &method.body.connector;
        let (form, _) = self.form_and_kind(directory, connector)?;
        let (mut settings, mut secrets) = (Map::new(), Vec::new());
        for (key, value) in &method.body.settings {
            // What no field tells of is not shown either.
            match form.field(key) {
                Some(field) if !field.secret => {
                    settings.insert(key.clone(), value.clone());
                }
                Some(_) => secrets.push(key.clone()),
                None => {}
            }
        }
        Ok(OwnMethod {
            connector_name: match connector {
                MethodConnector::Builtin(name) => name.clone(),
                MethodConnector::Registered(id) => live(directory, *id)?.body.name.clone(),
            },
            connector: connector.clone(),
            form,
            settings,
            secrets,
        })
    }
}

/// Whether the caller sees a method: of a reseller in reach, or offered from above to something in reach.
fn sees(reach: &Reach, caller: &Caller, method: &Method) -> bool {
    if method.archived_at.is_some() {
        return false;
    }
    if reach.reseller(method.reseller_id) {
        return true;
    }
    let directory = &reach.directory;
    let place = match caller.scope() {
        Some(Scope::Reseller(id)) => Some(id),
        Some(Scope::Merchant(id)) => directory.merchants.get(&id).map(|one| one.reseller_id),
        Some(Scope::Customer { .. }) | None => None,
    };
    let chain = place
        .map(|place| chain(directory, place))
        .unwrap_or_default();
    let is_above = chain.contains(&method.reseller_id);
    is_above
        && method.body.facts.active
        && match &method.body.facts.offer {
            Offer::All => true,
            Offer::Owners(owners) => owners.iter().any(|owner| match owner {
                OwnerRef::Reseller(id) => chain.contains(id) || reach.reseller(*id),
                OwnerRef::Merchant(id) => reach.merchant(*id),
                OwnerRef::Project(id) => reach.project(*id).is_some(),
            }),
        }
}
