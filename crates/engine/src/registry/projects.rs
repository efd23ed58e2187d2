//! Projects of merchants in reach: made and changed in the back office.

use altyn_domain::{
    Currency, Language, MerchantId, Permission, ProjectId, ProjectSettings, SurplusPolicy,
    Timestamp,
};
use serde_json::json;

use super::{check_tag, name};
use crate::directory::{Directory, tag_of_project};
use crate::settings::Edit;
use crate::trail::Act;
use crate::{Caller, Engine, Flaw, NewProject, OfficeError};

/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;
/// The longest time in which a payment can be paid: a year.
const SESSION_MAX_MIN: u32 = 366 * 24 * 60;
/// The most tries of a payer.
const TRIES_MAX: u32 = 100;
/// The longest short name.
const SLUG_MAX: usize = 64;

/// What people decide of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFacts {
    /// The name payers read.
    pub name: String,
    /// Short latin name; unique.
    pub slug: String,
    /// The currency of a payment that names none.
    pub default_currency: Currency,
    /// The currencies a payment may be in.
    pub currencies: Vec<Currency>,
    /// Default language of pages and messages.
    pub language: Language,
    /// Whole minutes in which a payment can be paid, unless the merchant says otherwise.
    pub session_timeout_min: u32,
    /// How many tries a payer has.
    pub tries_max: u32,
    /// What happens to a surplus success.
    pub surplus: SurplusPolicy,
    /// Whether the project's customers have balances.
    pub balances: bool,
}

/// What is to be changed of a project; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ProjectChange {
    /// The name payers read.
    pub name: Option<String>,
    /// Short latin name.
    pub slug: Option<String>,
    /// The currency of a payment that names none.
    pub default_currency: Option<Currency>,
    /// The currencies a payment may be in.
    pub currencies: Option<Vec<Currency>>,
    /// Default language of pages and messages.
    pub language: Option<Language>,
    /// Whole minutes in which a payment can be paid.
    pub session_timeout_min: Option<u32>,
    /// How many tries a payer has.
    pub tries_max: Option<u32>,
    /// What happens to a surplus success.
    pub surplus: Option<SurplusPolicy>,
    /// Whether the project's customers have balances.
    pub balances: Option<bool>,
}

impl ProjectChange {
    fn applied(&self, facts: ProjectFacts) -> ProjectFacts {
        let wanted = self.clone();
        ProjectFacts {
            name: wanted.name.unwrap_or(facts.name),
            slug: wanted.slug.unwrap_or(facts.slug),
            default_currency: wanted.default_currency.unwrap_or(facts.default_currency),
            currencies: wanted.currencies.unwrap_or(facts.currencies),
            language: wanted.language.unwrap_or(facts.language),
            session_timeout_min: wanted
                .session_timeout_min
                .unwrap_or(facts.session_timeout_min),
            tries_max: wanted.tries_max.unwrap_or(facts.tries_max),
            surplus: wanted.surplus.unwrap_or(facts.surplus),
            balances: wanted.balances.unwrap_or(facts.balances),
        }
    }
}

/// A project, as people see it.
#[derive(Debug, Clone)]
pub struct ProjectView {
    /// Its id.
    pub id: ProjectId,
    /// The merchant it belongs to; `None` if it was made by a command and given to nobody.
    pub merchant_id: Option<MerchantId>,
    /// What people decide of it.
    pub facts: ProjectFacts,
    /// Where callbacks go: name, address and format of each endpoint.
    pub endpoints: Vec<(String, String, String)>,
    /// When it was made.
    pub created_at: Timestamp,
    tag: String,
}

impl ProjectView {
    /// Another text after every change.
    pub fn etag(&self) -> &str {
        &self.tag
    }
}

impl Engine {
    /// Makes a project of a merchant in reach.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn create_merchant_project(
        &self,
        caller: &Caller,
        merchant_id: MerchantId,
        facts: ProjectFacts,
    ) -> Result<ProjectView, OfficeError> {
        caller.require(Permission::ProjectsManage)?;
        caller.require(Permission::TreeView)?;
        let id = self
            .edit(|directory| {
                if !self.reach(caller).merchant(merchant_id) {
                    return Err(OfficeError::invalid("merchant_id", "no such merchant"));
                }
                let facts = checked(directory, None, &facts)?;
                let new = NewProject {
                    name: facts.name.clone(),
                    slug: facts.slug.clone(),
                    settings: applied(&facts, None),
                };
                let record = self.new_project_record(&new, Some(merchant_id))?;
                let id = record.id;
                let detail = json!({"name": new.name, "slug": new.slug, "merchant": merchant_id});
                let scope = Some(id.uuid());
                let edit = Edit {
                    projects: vec![record],
                    acts: vec![Act::by(caller, scope, "project.created", id, detail)],
                    ..Edit::default()
                };
                Ok((edit, id))
            })
            .await?;
        self.project_view(caller, id).map_err(OfficeError::late)
    }

    /// Changes what people decide of a project. Endpoints, methods and keys stay.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn change_project(
        &self,
        caller: &Caller,
        id: ProjectId,
        change: ProjectChange,
        expected_tag: Option<&str>,
    ) -> Result<ProjectView, OfficeError> {
        caller.require(Permission::ProjectsManage)?;
        caller.require(Permission::TreeView)?;
        self.edit(|directory| {
            let known = self.reach(caller).project(id).cloned();
            let known = known.ok_or(OfficeError::NotFound)?;
            let record = directory.records.get(&id).ok_or(OfficeError::NotFound)?;
            check_tag(expected_tag, &tag_of_project(record))?;
            let own = directory.own_settings(id).ok_or(OfficeError::NotFound)?;
            let before = facts_of(&known.name, &known.slug, &own);
            let facts = checked(directory, Some(id), &change.applied(before.clone()))?;
            let changed = changed(&before, &facts);
            if changed.is_empty() {
                return Ok((Edit::default(), ()));
            }
            let mut record = record.clone();
            record.name.clone_from(&facts.name);
            record.slug.clone_from(&facts.slug);
            record.settings = self.sealer().seal(id.uuid(), &applied(&facts, Some(own)))?;
            let detail = json!({"name": facts.name, "changed": changed});
            let act = Act::by(caller, Some(id.uuid()), "project.changed", id, detail);
            let edit = Edit {
                projects: vec![record],
                acts: vec![act],
                ..Edit::default()
            };
            Ok((edit, ()))
        })
        .await?;
        self.project_view(caller, id).map_err(OfficeError::late)
    }

    /// A project in reach.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub fn project_view(&self, caller: &Caller, id: ProjectId) -> Result<ProjectView, OfficeError> {
        caller.require(Permission::TreeView)?;
        let reach = self.reach(caller);
        reach.project(id).ok_or(OfficeError::NotFound)?;
        view(&reach.directory, id).ok_or(OfficeError::NotFound)
    }

    /// All projects in reach, by name.
    ///
    /// # Errors
    /// If the caller lacks the permission.
    pub fn project_views(&self, caller: &Caller) -> Result<Vec<ProjectView>, OfficeError> {
        caller.require(Permission::TreeView)?;
        let reach = self.reach(caller);
        let keys = reach.projects().into_iter();
        let mut views: Vec<ProjectView> = keys
            .filter_map(|(_, id)| view(&reach.directory, id))
            .collect();
        views.sort_by(|a, b| (&a.facts.name, a.id).cmp(&(&b.facts.name, b.id)));
        Ok(views)
    }
}

fn view(directory: &Directory, id: ProjectId) -> Option<ProjectView> {
    let project = directory.projects.get(&id)?;
    let record = directory.records.get(&id)?;
    let endpoints = project.settings.endpoints.iter();
    Some(ProjectView {
        id,
        merchant_id: record.merchant_id,
        facts: facts_of(&project.name, &project.slug, &project.settings),
        endpoints: endpoints
            .map(|one| (one.id.clone(), one.url.clone(), one.format.clone()))
            .collect(),
        created_at: record.created_at,
        tag: tag_of_project(record),
    })
}

fn facts_of(name: &str, slug: &str, settings: &ProjectSettings) -> ProjectFacts {
    let minutes = settings.session_timeout_ms / MINUTE_MS;
    ProjectFacts {
        name: name.to_owned(),
        slug: slug.to_owned(),
        default_currency: settings.default_currency,
        currencies: settings.currencies.clone(),
        language: settings.language,
        session_timeout_min: u32::try_from(minutes).unwrap_or(u32::MAX),
        tries_max: settings.tries_max,
        surplus: settings.surplus,
        balances: settings.balances,
    }
}

/// The settings with these facts; what people do not decide here stays.
fn applied(facts: &ProjectFacts, known: Option<ProjectSettings>) -> ProjectSettings {
    let wanted_ms = i64::from(facts.session_timeout_min) * MINUTE_MS;
    let (endpoints, dynamic_endpoint, methods, keys, known_ms) = match known {
        Some(known) => (
            known.endpoints,
            known.dynamic_endpoint,
            known.methods,
            known.keys,
            known.session_timeout_ms,
        ),
        None => (Vec::new(), None, Vec::new(), Vec::new(), wanted_ms),
    };
    // A time that is no whole number of minutes was set by a command, and is not cut by the way.
    let is_same = known_ms / MINUTE_MS == i64::from(facts.session_timeout_min);
    ProjectSettings {
        default_currency: facts.default_currency,
        currencies: facts.currencies.clone(),
        language: facts.language,
        session_timeout_ms: if is_same { known_ms } else { wanted_ms },
        tries_max: facts.tries_max,
        surplus: facts.surplus,
        balances: facts.balances,
        endpoints,
        dynamic_endpoint,
        methods,
        keys,
    }
}

fn checked(
    directory: &Directory,
    id: Option<ProjectId>,
    given: &ProjectFacts,
) -> Result<ProjectFacts, OfficeError> {
    let mut facts = given.clone();
    let mut flaws = Vec::new();
    facts.name = name("name", &given.name, &mut flaws);
    let is_slug = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let slug = &facts.slug;
    let begins =
        slug.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit());
    if !begins || slug.len() > SLUG_MAX || !slug.bytes().all(is_slug) {
        let message = format!("must be small latin letters, digits and -, at most {SLUG_MAX}");
        flaws.push(Flaw::new("slug", message));
    }
    check_slug_is_free(directory, id, slug, &mut flaws);
    let currencies = &facts.currencies;
    if currencies.is_empty() {
        flaws.push(Flaw::new("currencies", "must be one at least"));
    }
    for (place, currency) in currencies.iter().enumerate() {
        if currencies[..place].contains(currency) {
            flaws.push(Flaw::new(format!("currencies[{place}]"), "is there twice"));
        }
    }
    if !currencies.contains(&facts.default_currency) {
        flaws.push(Flaw::new("default_currency", "is none of the currencies"));
    }
    if !(1..=SESSION_MAX_MIN).contains(&facts.session_timeout_min) {
        let message = format!("must be 1 to {SESSION_MAX_MIN} whole minutes");
        flaws.push(Flaw::new("session_timeout_min", message));
    }
    if !(1..=TRIES_MAX).contains(&facts.tries_max) {
        flaws.push(Flaw::new("tries_max", format!("must be 1 to {TRIES_MAX}")));
    }
    check_surplus(facts.surplus, facts.balances, &mut flaws);
    if flaws.is_empty() {
        Ok(facts)
    } else {
        Err(OfficeError::Invalid(flaws))
    }
}

/// Whether no other project has this short name.
pub(crate) fn check_slug_is_free(
    directory: &Directory,
    id: Option<ProjectId>,
    slug: &str,
    flaws: &mut Vec<Flaw>,
) {
    let mut others = directory.projects.values();
    if others.any(|other| Some(other.id) != id && other.slug == slug) {
        flaws.push(Flaw::new("slug", "another project has this short name"));
    }
}

/// Whether there are balances if surpluses are to stand on them.
pub(crate) fn check_surplus(surplus: SurplusPolicy, balances: bool, flaws: &mut Vec<Flaw>) {
    if surplus == SurplusPolicy::Balance && !balances {
        let message = "balance is only for a project with balances";
        flaws.push(Flaw::new("surplus", message));
    }
}

fn changed(old: &ProjectFacts, new: &ProjectFacts) -> Vec<&'static str> {
    let all = [
        ("name", old.name != new.name),
        ("slug", old.slug != new.slug),
        (
            "default_currency",
            old.default_currency != new.default_currency,
        ),
        ("currencies", old.currencies != new.currencies),
        ("language", old.language != new.language),
        (
            "session_timeout_min",
            old.session_timeout_min != new.session_timeout_min,
        ),
        ("tries_max", old.tries_max != new.tries_max),
        ("surplus", old.surplus != new.surplus),
        ("balances", old.balances != new.balances),
    ];
    all.iter().filter(|one| one.1).map(|one| one.0).collect()
}
