//! Gateway connectors: registered, changed and deleted by the root reseller's people alone.

use altyn_domain::{Bucket, ConnectorError, ConnectorId, EndpointSecret, Permission, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::form::Form;
use super::offer::{REMOTE, remote_settings};
use super::record::{ConnectorBody, ConnectorKey, MethodConnector, Registered};
use super::{check_tag, name, object};
use crate::directory::Directory;
use crate::settings::Edit;
use crate::trail::Act;
use crate::{Caller, Engine, EngineError, Flaw, OfficeError, Secret};

/// Bytes of a generated key.
const KEY_BYTES: usize = 32;
/// The longest address.
const URL_MAX: usize = 2_048;
/// The largest set of static values, in bytes of JSON.
const STATIC_MAX: usize = 16 * 1024;
/// The longest processing period: thirty days.
const PERIOD_MAX_MIN: u32 = 30 * 24 * 60;
/// The longest time that two keys are valid: thirty days.
const OVERLAP_MAX_HOURS: u32 = 30 * 24;
/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// A connector to be registered.
#[derive(Debug, Clone)]
pub struct NewConnector {
    /// Its name; unique.
    pub name: String,
    /// The address that is called, exactly so.
    pub url: String,
    /// Whole minutes after which a payment no longer waits for a try; none for no timer.
    pub processing_period_min: Option<u32>,
    /// The settings of its payment methods: an array of field descriptors, or a JSON Schema.
    pub schema: Value,
    /// Values common to all its payment methods: a JSON object.
    pub static_values: Value,
    /// A key that it shares with another connector; else one is made.
    pub key: Option<Secret>,
    /// Whether plain HTTP to another machine is allowed.
    pub allow_http: bool,
}

/// What is to be changed; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ConnectorChange {
    /// Its name.
    pub name: Option<String>,
    /// The address.
    pub url: Option<String>,
    /// Whole minutes; `Some(None)` for no timer. Tries that were begun keep theirs.
    pub processing_period_min: Option<Option<u32>>,
    /// The settings of its payment methods; only while there are none.
    pub schema: Option<Value>,
    /// Values common to all its payment methods.
    pub static_values: Option<Value>,
    /// Whether plain HTTP to another machine is allowed.
    pub allow_http: Option<bool>,
}

/// How a key is replaced.
#[derive(Debug, Clone, Default)]
pub struct KeyRotation {
    /// Hours in which the old key is valid too, 0 to 720.
    pub overlap_hours: u32,
    /// The new key, if it is shared with another connector; else one is made.
    pub key: Option<Secret>,
}

/// A connector, as the root reseller's people see it.
#[derive(Debug, Clone)]
pub struct ConnectorView {
    /// Its id.
    pub id: ConnectorId,
    /// Its name.
    pub name: String,
    /// The address.
    pub url: String,
    /// Whether plain HTTP to another machine is allowed.
    pub allow_http: bool,
    /// Whole minutes; none for no timer.
    pub processing_period_min: Option<u32>,
    /// The schema as it was given.
    pub schema: Value,
    /// The same as a screen draws it.
    pub form: Form,
    /// The common values.
    pub static_values: Map<String, Value>,
    /// The beginning and the end of the key.
    pub key_hint: String,
    /// The beginning and the end of the old key and when it ends, while it is valid too.
    pub old_key: Option<(String, Timestamp)>,
    /// Payment methods that use it, at all resellers.
    pub instances: usize,
    /// When it was registered.
    pub created_at: Timestamp,
    tag: String,
}

impl ConnectorView {
    /// Another text after every change.
    pub fn etag(&self) -> &str {
        &self.tag
    }
}

impl Engine {
    /// Registers a connector; its key is shown here and never again.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn create_connector(
        &self,
        caller: &Caller,
        new: NewConnector,
    ) -> Result<(ConnectorView, Secret), OfficeError> {
        self.require_registry(caller)?;
        let key = new.key.clone().unwrap_or_else(|| self.new_connector_key());
        let id = ConnectorId::new(self.now(), Bucket::new(0), self.entropy().random());
        self.edit(|directory| {
            self.require_registry(caller)?;
            let registered = self.checked_connector(id, &new, &key, directory)?;
            let detail = json!({"name": registered.body.name, "url": registered.body.url});
            let act = Act::by(caller, None, "connector.created", id, detail);
            self.connector_edit(&registered, act)
        })
        .await?;
        let view = self.connector_view(caller, id);
        Ok((view.map_err(OfficeError::late)?, key))
    }

    /// All connectors of the registry, by name.
    ///
    /// # Errors
    /// If the caller is none of the root reseller's people with this permission.
    pub fn connectors(&self, caller: &Caller) -> Result<Vec<ConnectorView>, OfficeError> {
        self.require_registry(caller)?;
        let directory = self.directory();
        let found = directory.connectors.values();
        let found = found.filter(|connector| connector.archived_at.is_none());
        let views: Result<Vec<_>, _> = found.map(|one| self.view_of(&directory, one)).collect();
        let mut views = views?;
        views.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Ok(views)
    }

    /// One connector.
    ///
    /// # Errors
    /// As [`connectors`](Self::connectors), or if there is none with this id.
    pub fn connector_view(
        &self,
        caller: &Caller,
        id: ConnectorId,
    ) -> Result<ConnectorView, OfficeError> {
        self.require_registry(caller)?;
        let directory = self.directory();
        self.view_of(&directory, live(&directory, id)?)
    }

    /// Changes a connector, if it is still as the caller saw it.
    ///
    /// # Errors
    /// See [`OfficeError`]; `Conflict` if the schema is to be changed while payment methods use it.
    pub async fn update_connector(
        &self,
        caller: &Caller,
        id: ConnectorId,
        change: ConnectorChange,
        expected_tag: Option<&str>,
    ) -> Result<ConnectorView, OfficeError> {
        self.require_registry(caller)?;
        self.edit(|directory| {
            self.require_registry(caller)?;
            let known = live(directory, id)?;
            check_tag(expected_tag, &known.tag)?;
            let (registered, changed) = self.changed_connector(known, &change, directory)?;
            if changed.is_empty() {
                return Ok((Edit::default(), ()));
            }
            let detail = json!({"name": registered.body.name, "changed": changed});
            let act = Act::by(caller, None, "connector.changed", id, detail);
            self.connector_edit(&registered, act)
        })
        .await?;
        self.connector_view(caller, id).map_err(OfficeError::late)
    }

    /// Gives a connector a new key, if it is still as the caller saw it; the key is shown here and never again. Until the overlap ends, the old key is valid
    /// too and every message is signed by both.
    ///
    /// # Errors
    /// See [`OfficeError`].
    pub async fn rotate_key(
        &self,
        caller: &Caller,
        id: ConnectorId,
        rotation: KeyRotation,
        expected_tag: Option<&str>,
    ) -> Result<Secret, OfficeError> {
        self.require_registry(caller)?;
        if rotation.overlap_hours > OVERLAP_MAX_HOURS {
            let message = format!("must be 0 to {OVERLAP_MAX_HOURS}");
            return Err(OfficeError::invalid("overlap_hours", message));
        }
        let key = rotation.key.unwrap_or_else(|| self.new_connector_key());
        let overlap_ms = i64::from(rotation.overlap_hours) * HOUR_MS;
        self.edit(|directory| {
            self.require_registry(caller)?;
            let mut registered = live(directory, id)?.clone();
            check_tag(expected_tag, &registered.tag)?;
            let old = registered.body.keys.first().cloned();
            if old
                .as_ref()
                .is_some_and(|old| old.key.expose() == key.expose())
            {
                return Err(OfficeError::invalid(
                    "key",
                    "is the key that is there already",
                ));
            }
            let until = self.now().plus_millis(overlap_ms);
            let old = old.map(|old| ConnectorKey {
                key: old.key,
                until: Some(until),
            });
            registered.body.keys = vec![newest(&key)];
            registered.body.keys.extend(old.filter(|_| overlap_ms > 0));
            self.check_address(&registered)?;
            let detail = json!({
                "name": registered.body.name,
                "overlap_hours": rotation.overlap_hours,
            });
            let act = Act::by(caller, None, "connector.key_rotated", id, detail);
            self.connector_edit(&registered, act)
        })
        .await?;
        Ok(key)
    }

    /// Deletes a connector that no payment method uses, if it is still as the caller saw it.
    ///
    /// # Errors
    /// See [`OfficeError`]; `Conflict` with `in_use` while a payment method uses it.
    pub async fn delete_connector(
        &self,
        caller: &Caller,
        id: ConnectorId,
        expected_tag: Option<&str>,
    ) -> Result<(), OfficeError> {
        self.require_registry(caller)?;
        self.edit(|directory| {
            self.require_registry(caller)?;
            let mut registered = live(directory, id)?.clone();
            check_tag(expected_tag, &registered.tag)?;
            let instances = instances(directory, id);
            if instances > 0 {
                let message = format!("{instances} payment methods use this connector");
                return Err(OfficeError::Conflict("in_use", message));
            }
            registered.archived_at = Some(self.now());
            let detail = json!({"name": registered.body.name});
            let act = Act::by(caller, None, "connector.deleted", id, detail);
            self.connector_edit(&registered, act)
        })
        .await
    }

    /// The registry is the root reseller's alone.
    pub(super) fn require_registry(&self, caller: &Caller) -> Result<(), OfficeError> {
        caller.require(Permission::Connectors)?;
        if self.reach(caller).is_whole() {
            Ok(())
        } else {
            Err(OfficeError::Forbidden(Permission::Connectors))
        }
    }

    pub(super) fn connector_edit(
        &self,
        registered: &Registered,
        act: Act,
    ) -> Result<(Edit, ()), OfficeError> {
        let edit = Edit {
            entries: vec![registered.entry(&self.sealer())?],
            acts: vec![act],
            ..Edit::default()
        };
        Ok((edit, ()))
    }

    fn new_connector_key(&self) -> Secret {
        let mut random = zeroize::Zeroizing::new([0; KEY_BYTES]);
        self.entropy().fill(&mut *random);
        Secret(format!("whsec_{}", STANDARD.encode(*random)))
    }

    fn view_of(
        &self,
        directory: &Directory,
        one: &Registered,
    ) -> Result<ConnectorView, OfficeError> {
        let body = &one.body;
        let now = self.now();
        let old = body.keys.get(1).and_then(|old| Some((old, old.until?)));
        let old = old.filter(|(_, until)| *until > now);
        Ok(ConnectorView {
            id: one.id,
            name: body.name.clone(),
            url: body.url.clone(),
            allow_http: body.allow_http,
            processing_period_min: body.processing_period_min,
            schema: body.schema.clone(),
            form: form_of(one)?,
            static_values: body.static_values.clone(),
            key_hint: body
                .keys
                .first()
                .map(|key| hint(key.key.expose()))
                .unwrap_or_default(),
            old_key: old.map(|(old, until)| (hint(old.key.expose()), until)),
            instances: instances(directory, one.id),
            created_at: one.created_at,
            tag: one.tag.clone(),
        })
    }

    /// The connector as it is to be stored.
    fn checked_connector(
        &self,
        id: ConnectorId,
        new: &NewConnector,
        key: &Secret,
        directory: &Directory,
    ) -> Result<Registered, OfficeError> {
        let mut flaws = Vec::new();
        let registered = Registered {
            id,
            body: ConnectorBody {
                name: name("name", &new.name, &mut flaws),
                url: new.url.clone(),
                allow_http: new.allow_http,
                processing_period_min: new.processing_period_min,
                schema: new.schema.clone(),
                static_values: object("static", &new.static_values, &mut flaws),
                keys: vec![newest(key)],
                not_found_final_after_ms: None,
            },
            created_at: self.now(),
            archived_at: None,
            tag: String::new(),
        };
        self.check_connector(&registered, directory, flaws)?;
        Ok(registered)
    }

    /// The connector after a change, and the names of what changed.
    fn changed_connector(
        &self,
        known: &Registered,
        change: &ConnectorChange,
        directory: &Directory,
    ) -> Result<(Registered, Vec<&'static str>), OfficeError> {
        let mut flaws = Vec::new();
        let mut registered = known.clone();
        let body = &mut registered.body;
        if let Some(text) = &change.name {
            body.name = name("name", text, &mut flaws);
        }
        if let Some(url) = &change.url {
            body.url.clone_from(url);
        }
        if let Some(period) = change.processing_period_min {
            body.processing_period_min = period;
        }
        if let Some(schema) = &change.schema {
            body.schema = schema.clone();
        }
        if let Some(values) = &change.static_values {
            body.static_values = object("static", values, &mut flaws);
        }
        if let Some(allowed) = change.allow_http {
            body.allow_http = allowed;
        }
        let (old, new) = (&known.body, &registered.body);
        let changed = [
            ("name", old.name != new.name),
            ("url", old.url != new.url),
            (
                "processing_period_min",
                old.processing_period_min != new.processing_period_min,
            ),
            ("schema", old.schema != new.schema),
            ("static", old.static_values != new.static_values),
            ("allow_http", old.allow_http != new.allow_http),
        ];
        let changed: Vec<&str> = changed
            .iter()
            .filter(|one| one.1)
            .map(|one| one.0)
            .collect();
        if changed.contains(&"schema") && instances(directory, known.id) > 0 {
            let message = "the schema stays as it is while payment methods use the connector";
            return Err(OfficeError::Conflict("schema_frozen", message.to_owned()));
        }
        if changed.contains(&"url") {
            // Another program may be there; it is asked again what it promises.
            registered.body.not_found_final_after_ms = None;
        }
        self.check_connector(&registered, directory, flaws)?;
        Ok((registered, changed))
    }

    fn check_connector(
        &self,
        registered: &Registered,
        directory: &Directory,
        mut flaws: Vec<Flaw>,
    ) -> Result<(), OfficeError> {
        let body = &registered.body;
        let mut others = directory.connectors.values();
        if others.any(|other| {
            other.id != registered.id
                && other.archived_at.is_none()
                && other.body.name.to_lowercase() == body.name.to_lowercase()
        }) {
            flaws.push(Flaw::new("name", "another connector has this name"));
        }
        let period = body.processing_period_min;
        if period.is_some_and(|minutes| !(1..=PERIOD_MAX_MIN).contains(&minutes)) {
            let message = format!("must be 1 to {PERIOD_MAX_MIN} whole minutes");
            flaws.push(Flaw::new("processing_period_min", message));
        }
        let is_too_large = Value::Object(body.static_values.clone()).to_string().len() > STATIC_MAX;
        if is_too_large {
            let message = format!("at most {STATIC_MAX} bytes");
            flaws.push(Flaw::new("static", message));
        }
        match Form::parse(&body.schema) {
            Ok(form) => {
                let keys = body.static_values.keys();
                let twice = keys.filter(|key| form.field(key).is_some());
                flaws.extend(twice.map(|key| {
                    Flaw::new(format!("static.{key}"), "is a setting of the schema too")
                }));
            }
            Err(wrong) => flaws.extend(wrong),
        }
        match self.check_address(registered) {
            Err(OfficeError::Invalid(wrong)) => flaws.extend(wrong),
            other => other?,
        }
        if flaws.is_empty() {
            Ok(())
        } else {
            Err(OfficeError::Invalid(flaws))
        }
    }

    /// Whether the remote connector can work with this address and these keys.
    fn check_address(&self, registered: &Registered) -> Result<(), OfficeError> {
        let body = &registered.body;
        let rule = "must be https://…, or http://… on this machine, without a user or a #";
        let is_url = url::Url::parse(&body.url).is_ok() && body.url.len() <= URL_MAX;
        let remote = self.connector(REMOTE).ok_or_else(no_remote)?;
        // Keys and address are looked at apart, so that both are told.
        let mut flaws = Vec::new();
        let mut settings = remote_settings(registered, &Map::new());
        if !is_url || remote.check_settings(&settings) == Err(wrong("base_url")) {
            flaws.push(Flaw::new("url", rule));
        }
        let place = "https://connector.invalid/".to_owned();
        settings.0.insert("base_url".to_owned(), place);
        if remote.check_settings(&settings) == Err(wrong("key")) {
            let message = "must be whsec_ and 24 to 64 bytes in Base64";
            flaws.push(Flaw::new("key", message));
        }
        if flaws.is_empty() {
            Ok(())
        } else {
            Err(OfficeError::Invalid(flaws))
        }
    }
}

/// A connector that was not deleted.
pub(super) fn live(directory: &Directory, id: ConnectorId) -> Result<&Registered, OfficeError> {
    let found = directory.connectors.get(&id);
    found
        .filter(|connector| connector.archived_at.is_none())
        .ok_or(OfficeError::NotFound)
}

/// How many payment methods use a connector.
pub(super) fn instances(directory: &Directory, id: ConnectorId) -> usize {
    let wanted = MethodConnector::Registered(id);
    let methods = directory.methods.values();
    methods
        .filter(|method| method.archived_at.is_none() && method.body.connector == wanted)
        .count()
}

/// The form of a stored connector.
pub(super) fn form_of(registered: &Registered) -> Result<Form, OfficeError> {
    Form::parse(&registered.body.schema).map_err(|_| {
        let what = format!("the schema of {} cannot be read", registered.id);
        EngineError::Fault(what).into()
    })
}

pub(super) fn no_remote() -> OfficeError {
    EngineError::Fault("there is no remote connector".to_owned()).into()
}

fn wrong(setting: &'static str) -> ConnectorError {
    ConnectorError::MissingSetting(setting)
}

fn newest(key: &Secret) -> ConnectorKey {
    ConnectorKey {
        key: EndpointSecret::new(key.expose()),
        until: None,
    }
}

/// The first six characters, which all keys have in common, and the last four.
fn hint(key: &str) -> String {
    let tail = key.len().saturating_sub(4);
    match (key.get(..6), key.get(tail..)) {
        (Some(head), Some(end)) if key.len() >= 24 => format!("{head}…{end}"),
        _ => "…".to_owned(),
    }
}
