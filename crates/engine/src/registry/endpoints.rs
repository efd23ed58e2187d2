//! Where a project's callbacks go: its endpoints, listed without their secrets, made, changed, deleted.
//!
//! The template is an endpoint without an address of its own: it says how callbacks go to addresses that
//! payments bring. What an endpoint may choose, and what it is if nobody chooses, its format says.

use altyn_domain::{
    CallbackFormat, Endpoint, EndpointSecret, EventKind, HttpMethod, Permission, ProjectId,
    ProjectSettings,
};
use serde_json::json;

use crate::settings::Edit;
use crate::trail::{Act, hex};
use crate::{Caller, Engine, EngineError, Flaw, OfficeError, Secret};

use super::check_tag;

/// The most endpoints of a project.
const ENDPOINTS_MAX: usize = 20;
/// The longest address.
const URL_MAX: usize = 2_048;
/// How often a callback may be tried in all.
const ATTEMPTS_MAX: u32 = 100;
/// Pauses between two attempts, in milliseconds: a second to a day.
const PAUSE_MS: std::ops::RangeInclusive<i64> = 1_000..=86_400_000;
/// Characters of a secret that somebody types in.
const SECRET_LENGTH: std::ops::RangeInclusive<usize> = 16..=256;
/// Random bytes of a secret that is generated.
const SECRET_BYTES: usize = 24;

/// An endpoint to be made.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// The format of its callbacks.
    pub format: String,
    /// What it chooses; without an address it is the template for addresses that payments bring.
    pub choice: EndpointChoice,
    /// The secret that signs, where it is the endpoint's own; generated if none is given.
    pub secret: Option<Secret>,
}

/// What is chosen of an endpoint; what is `None` is as it was, or as is usual.
#[derive(Debug, Clone, Default)]
pub struct EndpointChoice {
    /// The receiver's address.
    pub url: Option<String>,
    /// How callbacks are sent, where the format leaves a choice.
    pub method: Option<HttpMethod>,
    /// What is told.
    pub events: Option<Vec<EventKind>>,
    /// How often a callback is tried in all, where the format leaves a choice.
    pub attempts_max: Option<u32>,
    /// Milliseconds between two attempts, where the format leaves a choice.
    pub retry_pause_ms: Option<i64>,
}

/// An endpoint without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointView {
    /// Its name within the project.
    pub id: String,
    /// The format of its callbacks.
    pub format: String,
    /// The receiver's address; `None` of the template.
    pub url: Option<String>,
    /// How callbacks are sent.
    pub method: HttpMethod,
    /// What is told.
    pub events: Vec<EventKind>,
    /// How often a callback is tried in all, and the pause in milliseconds; `None` if that is the format's own.
    pub retries: Option<(u32, i64)>,
    /// Whether the project's key of that dialect signs, and no secret of the endpoint's own.
    pub by_project_key: bool,
    tag: String,
}

impl EndpointView {
    /// Another text after every change.
    pub fn etag(&self) -> &str {
        &self.tag
    }
}

/// What was done to an endpoint, for the audit trail.
struct Done {
    action: &'static str,
    endpoint: Endpoint,
}

impl Engine {
    /// The endpoints of a project in reach, the template last.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub fn project_endpoints(
        &self,
        caller: &Caller,
        project: ProjectId,
    ) -> Result<Vec<EndpointView>, OfficeError> {
        caller.require(Permission::CredentialsManage)?;
        let reach = self.reach(caller);
        let found = reach.project(project).ok_or(OfficeError::NotFound)?;
        let settings = &found.settings;
        let all = settings.endpoints.iter().chain(&settings.dynamic_endpoint);
        all.map(|endpoint| self.endpoint_view(endpoint)).collect()
    }

    /// One endpoint of a project in reach.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub fn project_endpoint(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: &str,
    ) -> Result<EndpointView, OfficeError> {
        let mut all = self.project_endpoints(caller, project)?.into_iter();
        all.find(|one| one.id == id).ok_or(OfficeError::NotFound)
    }

    /// Makes an endpoint, and the template like it if the project has none. A secret that is generated is
    /// shown here and never again.
    ///
    /// # Errors
    /// See [`OfficeError`]; `Conflict` with `no_project_key`, `template_exists` or `too_many_endpoints`.
    pub async fn create_endpoint(
        &self,
        caller: &Caller,
        project: ProjectId,
        new: NewEndpoint,
    ) -> Result<(EndpointView, Option<Secret>), OfficeError> {
        self.edit_endpoints(caller, project, |settings| {
            let format = self.format(&new.format);
            let none = || OfficeError::invalid("format", "is not a format of callbacks");
            let format = format.ok_or_else(none)?.as_ref();
            let (secret, generated) = self.first_secret(format, settings, new.secret.as_ref())?;
            let mut endpoint = self.usual_endpoint(format, &secret);
            choose(&mut endpoint, format, &new.choice)?;
            self.check_endpoint_url(settings, &endpoint)?;
            add(settings, &endpoint, || self.new_endpoint_id())?;
            let view = self.endpoint_view(&endpoint)?;
            let action = "endpoint.created";
            Ok((Done { action, endpoint }, (view, generated)))
        })
        .await
    }

    /// Changes an endpoint, if it is still as the caller saw it. Callbacks that wait already go where they
    /// were to go.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn change_endpoint(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: &str,
        choice: EndpointChoice,
        expected_tag: Option<&str>,
    ) -> Result<EndpointView, OfficeError> {
        self.edit_endpoints(caller, project, |settings| {
            let known = find(settings, id)?.clone();
            check_tag(expected_tag, self.endpoint_view(&known)?.etag())?;
            let format = self.format_of(&known)?;
            let mut endpoint = known.clone();
            choose(&mut endpoint, format, &choice)?;
            if known.url.is_empty() && choice.url.is_some() {
                let words = "is none of the template's: each payment brings its own";
                return Err(OfficeError::invalid("url", words));
            }
            if endpoint.url != known.url {
                self.check_endpoint_url(settings, &endpoint)?;
            }
            *find(settings, id)? = endpoint.clone();
            let view = self.endpoint_view(&endpoint)?;
            let action = "endpoint.changed";
            Ok((Done { action, endpoint }, view))
        })
        .await
    }

    /// Deletes an endpoint, if it is still as the caller saw it. Callbacks that wait for it are given up.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn delete_endpoint(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: &str,
        expected_tag: Option<&str>,
    ) -> Result<(), OfficeError> {
        self.edit_endpoints(caller, project, |settings| {
            let endpoint = find(settings, id)?.clone();
            check_tag(expected_tag, self.endpoint_view(&endpoint)?.etag())?;
            settings.endpoints.retain(|one| one.id != id);
            settings.dynamic_endpoint = settings.dynamic_endpoint.take().filter(|t| t.id != id);
            let action = "endpoint.deleted";
            Ok((Done { action, endpoint }, ()))
        })
        .await
    }

    /// Gives an endpoint another secret, if it is still as the caller saw it. Others of its format that share the old one share the new one, such as
    /// the template that was made along with it. One that is generated is shown here and never again.
    ///
    /// # Errors
    /// See [`OfficeError`]; `Conflict` with `signed_by_project_key` where that is no secret of the endpoint's.
    pub async fn rotate_endpoint_secret(
        &self,
        caller: &Caller,
        project: ProjectId,
        id: &str,
        typed: Option<Secret>,
        expected_tag: Option<&str>,
    ) -> Result<Option<Secret>, OfficeError> {
        self.edit_endpoints(caller, project, |settings| {
            let known = find(settings, id)?.clone();
            check_tag(expected_tag, self.endpoint_view(&known)?.etag())?;
            let format = self.format_of(&known)?;
            if format.choices().by_project_key {
                let words = "the project's key signs: make another key instead".to_owned();
                return Err(OfficeError::Conflict("signed_by_project_key", words));
            }
            let (secret, generated) = self.first_secret(format, settings, typed.as_ref())?;
            if secret.expose() == known.secret.expose() {
                let words = "is the secret that is there already";
                return Err(OfficeError::invalid("secret", words));
            }
            for endpoint in all_of(settings) {
                if endpoint.format == known.format && endpoint.secret == known.secret {
                    endpoint.secret = EndpointSecret::new(secret.expose());
                }
            }
            let (action, endpoint) = ("endpoint.secret_rotated", known);
            Ok((Done { action, endpoint }, generated))
        })
        .await
    }

    /// Changes the endpoints of a project in reach.
    async fn edit_endpoints<T>(
        &self,
        caller: &Caller,
        project: ProjectId,
        change: impl Fn(&mut ProjectSettings) -> Result<(Done, T), OfficeError>,
    ) -> Result<T, OfficeError> {
        caller.require(Permission::CredentialsManage)?;
        self.edit(|directory| {
            let reach = self.reach(caller);
            reach.project(project).ok_or(OfficeError::NotFound)?;
            let record = directory.records.get(&project).cloned();
            let mut record = record.ok_or(OfficeError::NotFound)?;
            let settings = directory.own_settings(project);
            let known = settings.ok_or(OfficeError::NotFound)?;
            let mut settings = known.clone();
            let (Done { action, endpoint }, result) = change(&mut settings)?;
            if settings == known {
                return Ok((Edit::default(), result));
            }
            record.settings = self.sealer().seal(project.uuid(), &settings)?;
            // Not the whole address: there may be a secret in its query.
            let host = url::Url::parse(&endpoint.url);
            let host = host.map(|url| url.origin().ascii_serialization());
            let detail = json!({"format": endpoint.format, "host": host.ok()});
            let scope = Some(project.uuid());
            let edit = Edit {
                projects: vec![record],
                acts: vec![Act::by(caller, scope, action, &endpoint.id, detail)],
                ..Edit::default()
            };
            Ok((edit, result))
        })
        .await
    }

    /// Lets the endpoints that the project's key of a dialect signs be signed by the one by which the dialect
    /// knows the project now.
    pub(super) fn follow_project_key(&self, settings: &mut ProjectSettings, dialect: &str) {
        let is_signed_by = |name: &str| {
            let format = self.format(name);
            format.is_some_and(|format| format.choices().by_project_key)
        };
        let Some(key) = settings.signing_key(dialect).cloned() else {
            return;
        };
        if is_signed_by(dialect) {
            for endpoint in all_of(settings).filter(|one| one.format == dialect) {
                endpoint.secret = key.clone();
            }
        }
    }

    fn new_endpoint_id(&self) -> String {
        let random = [self.entropy().random(), self.entropy().random()];
        format!("end_{:016x}{:016x}", random[0], random[1])
    }

    fn usual_endpoint(&self, format: &dyn CallbackFormat, secret: &Secret) -> Endpoint {
        let secret = EndpointSecret::new(secret.expose());
        let public_url = &self.config().public_url;
        format.endpoint(&self.new_endpoint_id(), "", secret, public_url)
    }

    fn format_of(&self, endpoint: &Endpoint) -> Result<&dyn CallbackFormat, OfficeError> {
        let format = self.format(&endpoint.format);
        let gone = || EngineError::Fault(format!("no format {}", endpoint.format));
        Ok(format.ok_or_else(gone)?.as_ref())
    }

    /// What signs, and what of it is to be shown because nobody knows it yet.
    fn first_secret(
        &self,
        format: &dyn CallbackFormat,
        settings: &ProjectSettings,
        typed: Option<&Secret>,
    ) -> Result<(Secret, Option<Secret>), OfficeError> {
        if format.choices().by_project_key {
            if typed.is_some() {
                let words = "is none here: the project's key signs";
                return Err(OfficeError::invalid("secret", words));
            }
            let known = settings.signing_key(format.name());
            let known = known.map(|key| Secret::new(key.expose()));
            let words = || {
                format!(
                    "the project has no key of {}: make one first",
                    format.name()
                )
            };
            let missing = || OfficeError::Conflict("no_project_key", words());
            return Ok((known.ok_or_else(missing)?, None));
        }
        let Some(typed) = typed else {
            let secret = Secret::new(self.random_text(SECRET_BYTES));
            return Ok((secret.clone(), Some(secret)));
        };
        let text = typed.expose();
        if !SECRET_LENGTH.contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_graphic()) {
            let words = "must be 16 to 256 characters of ASCII without spaces";
            return Err(OfficeError::invalid("secret", words));
        }
        Ok((typed.clone(), None))
    }

    /// The address of an endpoint is one that we call, and no other's of the project. The template has none.
    fn check_endpoint_url(
        &self,
        settings: &ProjectSettings,
        endpoint: &Endpoint,
    ) -> Result<(), OfficeError> {
        let url = &endpoint.url;
        if url.is_empty() {
            return Ok(());
        }
        if url.len() > URL_MAX {
            let words = format!("must not be longer than {URL_MAX} characters");
            return Err(OfficeError::invalid("url", words));
        }
        if let Err(refused) = self.url_guard().check(url) {
            return Err(OfficeError::invalid("url", refused.to_string()));
        }
        let mut others = settings.endpoints.iter();
        if others.any(|other| other.url == *url && other.id != endpoint.id) {
            let words = "is the address of another endpoint";
            return Err(OfficeError::invalid("url", words));
        }
        Ok(())
    }

    fn endpoint_view(&self, endpoint: &Endpoint) -> Result<EndpointView, OfficeError> {
        let choices = self.format_of(endpoint)?.choices();
        let text = serde_json::to_string(endpoint);
        let text = text.map_err(|error| EngineError::Fault(error.to_string()))?;
        // Keyed, for the secret is in it.
        let tag = hex(&self.vault().hash(&text)[..16]);
        let kinds = EventKind::ALL.into_iter();
        Ok(EndpointView {
            id: endpoint.id.clone(),
            format: endpoint.format.clone(),
            url: Some(endpoint.url.clone()).filter(|url| !url.is_empty()),
            method: endpoint.method,
            events: kinds
                .filter(|kind| endpoint.wants(*kind) && !choices.untold.contains(kind))
                .collect(),
            retries: choices
                .retries
                .then_some((endpoint.attempts_max, endpoint.retry_pause_ms)),
            by_project_key: choices.by_project_key,
            tag: format!("\"{tag}\""),
        })
    }
}

fn all_of(settings: &mut ProjectSettings) -> impl Iterator<Item = &mut Endpoint> {
    let template = settings.dynamic_endpoint.as_mut();
    settings.endpoints.iter_mut().chain(template)
}

fn find<'a>(settings: &'a mut ProjectSettings, id: &str) -> Result<&'a mut Endpoint, OfficeError> {
    let found = all_of(settings).find(|endpoint| endpoint.id == id);
    found.ok_or(OfficeError::NotFound)
}

/// Adds an endpoint with the template like it, or the template alone if it has no address.
fn add(
    settings: &mut ProjectSettings,
    endpoint: &Endpoint,
    new_id: impl Fn() -> String,
) -> Result<(), OfficeError> {
    if endpoint.url.is_empty() {
        if settings.dynamic_endpoint.is_some() {
            let words = "there is a template already: change or delete it".to_owned();
            return Err(OfficeError::Conflict("template_exists", words));
        }
        settings.dynamic_endpoint = Some(endpoint.clone());
        return Ok(());
    }
    if settings.endpoints.len() >= ENDPOINTS_MAX {
        let words = format!("a project has at most {ENDPOINTS_MAX} endpoints");
        return Err(OfficeError::Conflict("too_many_endpoints", words));
    }
    settings.endpoints.push(endpoint.clone());
    settings.dynamic_endpoint.get_or_insert_with(|| Endpoint {
        id: new_id(),
        url: String::new(),
        ..endpoint.clone()
    });
    Ok(())
}

/// Puts what was chosen into an endpoint.
fn choose(
    endpoint: &mut Endpoint,
    format: &dyn CallbackFormat,
    choice: &EndpointChoice,
) -> Result<(), OfficeError> {
    let choices = format.choices();
    let mut flaws = Vec::new();
    if let Some(url) = &choice.url {
        if url.is_empty() {
            flaws.push(Flaw::new("url", "must not be empty"));
        }
        endpoint.url.clone_from(url);
    }
    if let Some(method) = choice.method {
        if !choices.methods.contains(&method) {
            flaws.push(Flaw::new("method", "is none of this format"));
        }
        endpoint.method = method;
    }
    if let Some(events) = &choice.events {
        flaws.extend(check_events(events, choices.untold));
        endpoint.events.clone_from(events);
    }
    for (field, is_given) in [
        ("attempts_max", choice.attempts_max.is_some()),
        ("retry_pause_ms", choice.retry_pause_ms.is_some()),
    ] {
        if is_given && !choices.retries {
            flaws.push(Flaw::new(field, "is the format's own"));
        }
    }
    if let Some(attempts) = choice.attempts_max {
        if !(1..=ATTEMPTS_MAX).contains(&attempts) {
            let words = format!("must be 1 to {ATTEMPTS_MAX}");
            flaws.push(Flaw::new("attempts_max", words));
        }
        endpoint.attempts_max = attempts;
    }
    if let Some(pause_ms) = choice.retry_pause_ms {
        if !PAUSE_MS.contains(&pause_ms) {
            let words = format!("must be {} to {}", PAUSE_MS.start(), PAUSE_MS.end());
            flaws.push(Flaw::new("retry_pause_ms", words));
        }
        endpoint.retry_pause_ms = pause_ms;
    }
    if flaws.is_empty() {
        Ok(())
    } else {
        Err(OfficeError::Invalid(flaws))
    }
}

fn check_events(events: &[EventKind], untold: &[EventKind]) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    if events.is_empty() {
        flaws.push(Flaw::new("events", "must be one at least"));
    }
    for (place, kind) in events.iter().enumerate() {
        let field = format!("events[{place}]");
        if events[..place].contains(kind) {
            flaws.push(Flaw::new(field, "is there twice"));
        } else if untold.contains(kind) {
            flaws.push(Flaw::new(field, "is not told in this format"));
        }
    }
    flaws
}
