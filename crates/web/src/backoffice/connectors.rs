//! The registry of gateway connectors: the root reseller's alone.

use altyn_domain::{ConnectorId, Description, Permission};
use altyn_engine::{ConnectorChange, ConnectorView, KeyRotation, NewConnector, Secret};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::amounts::Range;
use super::bearer::Acting;
use super::etag::{IfMatch, Stateful as _, Tagged};
use super::extract::{Body, Id, Query, present};
use super::form::{Field, fields};
use super::instant::Instant;
use super::paging::{Page, PageQuery};
use super::problem::Problem;
use super::words::RefundWord;
use super::{BackOffice, Routes, Rule};

const LIST: &str = "connectors";

/// This group's end points.
pub(super) fn routes() -> Routes {
    let registry = Rule::Needs(Permission::Connectors);
    Routes::new()
        .add(registry, routes!(list))
        .add(registry, routes!(create))
        .add(registry, routes!(read))
        .add(registry, routes!(change))
        .add(registry, routes!(delete))
        .add(registry, routes!(rotate))
        .add(registry, routes!(describe))
}

/// A gateway connector of the registry.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "cnn_019f0e6b7c107a3f8b2c4d5e6f708192",
    "name": "Example wallet",
    "url": "https://gateway.example/altyn",
    "allow_http": false,
    "processing_period_min": 10,
    "schema": [{"type": "string", "key": "account", "label": "Account", "required": true}],
    "fields": [],
    "static": {"partner": "altyn"},
    "key_hint": "whsec_…LaSw",
    "old_key": null,
    "instances": 0,
    "created_at": "2026-11-22T09:30:00Z"
}))]
struct Connector {
    /// Its id.
    id: String,
    /// Its name; unique.
    name: String,
    /// The address that is called, exactly so.
    url: String,
    /// Whether plain HTTP to another machine is allowed.
    allow_http: bool,
    /// Whole minutes after which a payment no longer waits for a try; null for no timer.
    processing_period_min: Option<u32>,
    /// The settings of its payment methods, as they were given: an array of field descriptors or a JSON Schema.
    schema: Value,
    /// The same as a screen draws it.
    fields: Vec<Field>,
    /// Values common to all its payment methods.
    #[serde(rename = "static")]
    #[schema(value_type = Object)]
    common: Value,
    /// The beginning and the end of its key.
    key_hint: String,
    /// The old key, while it is valid too.
    old_key: Option<OldKey>,
    /// How many payment methods use it, at all resellers.
    instances: usize,
    /// When it was registered.
    created_at: Instant,
}

/// A key that is being replaced.
#[derive(Serialize, ToSchema)]
struct OldKey {
    /// Its beginning and end.
    key_hint: String,
    /// When it ends.
    until: Instant,
}

impl From<ConnectorView> for Connector {
    fn from(view: ConnectorView) -> Self {
        Self {
            id: view.id.to_string(),
            name: view.name,
            url: view.url,
            allow_http: view.allow_http,
            processing_period_min: view.processing_period_min,
            schema: view.schema,
            fields: fields(view.form.fields),
            common: Value::Object(view.static_values),
            key_hint: view.key_hint,
            old_key: view.old_key.map(|(key_hint, until)| OldKey {
                key_hint,
                until: Instant(until),
            }),
            instances: view.instances,
            created_at: Instant(view.created_at),
        }
    }
}

/// List connectors
///
/// The whole registry, by name.
#[utoipa::path(
    get,
    path = "/connectors",
    tag = "Connectors",
    operation_id = "listConnectors",
    params(PageQuery),
    responses((status = 200, description = "A page of connectors.", body = Page<Connector>))
)]
async fn list(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Connector>>, Problem> {
    let found = office.engine().connectors(&caller)?;
    Page::part(LIST, &query, found, |one| (one.name.clone(), one.id))
}

/// A connector to be registered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Example wallet",
    "url": "https://gateway.example/altyn",
    "processing_period_min": 10,
    "schema": [{"type": "string", "key": "account", "label": "Account", "required": true}],
    "static": {"partner": "altyn"}
}))]
struct ConnectorRequest {
    /// Its name: 1 to 200 characters, unique.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The address that is called, exactly so: `https`, or `http` on this machine.
    url: String,
    /// Whole minutes after which a payment no longer waits for a try; no timer unless given.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 43200)]
    processing_period_min: Option<u32>,
    /// The settings of its payment methods: an array of field descriptors, or a JSON Schema object.
    schema: Value,
    /// Values common to all its payment methods.
    #[serde(default, rename = "static")]
    #[schema(value_type = Object)]
    common: Value,
    /// A key that it shares with another connector, `whsec_…`; one is made unless given.
    #[serde(default)]
    key: Option<String>,
    /// Whether plain HTTP to another machine is allowed: only if the network between is your own.
    #[serde(default)]
    allow_http: bool,
}

/// A connector with its key.
#[derive(Serialize, ToSchema)]
struct NewlyRegistered {
    /// The key that both sides sign with; shown here and never again.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    key: String,
    /// The connector.
    connector: Connector,
}

/// Register a connector
///
/// Its key is shown in the answer and never again.
#[utoipa::path(
    post,
    path = "/connectors",
    tag = "Connectors",
    operation_id = "createConnector",
    request_body = ConnectorRequest,
    responses((status = 201, description = "Registered.", body = NewlyRegistered, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn create(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Body(request): Body<ConnectorRequest>,
) -> Result<(StatusCode, Tagged<NewlyRegistered>), Problem> {
    let new = NewConnector {
        name: request.name,
        url: request.url,
        processing_period_min: request.processing_period_min,
        schema: request.schema,
        static_values: request.common,
        key: request.key.map(Secret::new),
        allow_http: request.allow_http,
    };
    let (view, key) = office.engine().create_connector(&caller, new).await?;
    let made = Tagged {
        tag: view.tag(),
        body: NewlyRegistered {
            key: key.expose().to_owned(),
            connector: view.into(),
        },
    };
    Ok((StatusCode::CREATED, made))
}

/// Read a connector
///
/// One of the registry.
#[utoipa::path(
    get,
    path = "/connectors/{id}",
    tag = "Connectors",
    operation_id = "readConnector",
    params(("id" = String, Path, description = "The connector's id.")),
    responses((status = 200, description = "The connector.", body = Connector, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn read(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<ConnectorId>,
) -> Result<Tagged<Connector>, Problem> {
    Ok(Tagged::of(office.engine().connector_view(&caller, id)?))
}

/// What is to be changed; what is left away stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"processing_period_min": null}))]
struct ConnectorPatch {
    /// Its name.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// The address.
    #[serde(default)]
    url: Option<String>,
    /// Whole minutes, or null for no timer. Tries that were begun keep theirs.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 43200)]
    processing_period_min: Option<Option<u32>>,
    /// The settings of its payment methods; only while there are none (`schema_frozen`).
    #[serde(default)]
    schema: Option<Value>,
    /// Values common to all its payment methods.
    #[serde(default, rename = "static")]
    #[schema(value_type = Option<Object>)]
    common: Option<Value>,
    /// Whether plain HTTP to another machine is allowed.
    #[serde(default)]
    allow_http: Option<bool>,
}

/// Change a connector
///
/// While payment methods use it, its schema stays as it is (`schema_frozen`).
#[utoipa::path(
    patch,
    path = "/connectors/{id}",
    tag = "Connectors",
    operation_id = "changeConnector",
    params(("id" = String, Path, description = "The connector's id."), IfMatch),
    request_body = ConnectorPatch,
    responses((status = 200, description = "The connector as changed.", body = Connector, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn change(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<ConnectorId>,
    expected: IfMatch,
    Body(change): Body<ConnectorPatch>,
) -> Result<Tagged<Connector>, Problem> {
    let wanted = ConnectorChange {
        name: change.name,
        url: change.url,
        processing_period_min: change.processing_period_min,
        schema: change.schema,
        static_values: change.common,
        allow_http: change.allow_http,
    };
    let engine = office.engine();
    let changed = engine.update_connector(&caller, id, wanted, expected.tag());
    Ok(Tagged::of(changed.await?))
}

/// Delete a connector
///
/// Only while no payment method uses it (`in_use`).
#[utoipa::path(
    delete,
    path = "/connectors/{id}",
    tag = "Connectors",
    operation_id = "deleteConnector",
    params(("id" = String, Path, description = "The connector's id."), IfMatch),
    responses((status = 204, description = "Deleted."))
)]
async fn delete(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<ConnectorId>,
    expected: IfMatch,
) -> Result<StatusCode, Problem> {
    let engine = office.engine();
    engine.delete_connector(&caller, id, expected.tag()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How the key is replaced.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"overlap_hours": 24}))]
struct RotationRequest {
    /// Hours in which the old key is valid too and every message is signed by both: 0 to 720.
    #[schema(minimum = 0, maximum = 720)]
    overlap_hours: u32,
    /// The new key, if it is shared with another connector; one is made unless given.
    #[serde(default)]
    key: Option<String>,
}

/// A new key.
#[derive(Serialize, ToSchema)]
struct NewKey {
    /// The key; shown here and never again.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    key: String,
}

/// Replace a connector's key
///
/// Until the overlap ends, both keys are valid. The new one is shown in the answer and never again.
#[utoipa::path(
    post,
    path = "/connectors/{id}/rotate-key",
    tag = "Connectors",
    operation_id = "rotateConnectorKey",
    params(("id" = String, Path, description = "The connector's id."), IfMatch),
    request_body = RotationRequest,
    responses((status = 200, description = "The new key.", body = NewKey))
)]
async fn rotate(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<ConnectorId>,
    expected: IfMatch,
    Body(request): Body<RotationRequest>,
) -> Result<Json<NewKey>, Problem> {
    let rotation = KeyRotation {
        overlap_hours: request.overlap_hours,
        key: request.key.map(Secret::new),
    };
    let engine = office.engine();
    let key = engine.rotate_key(&caller, id, rotation, expected.tag());
    let key = key.await?;
    Ok(Json(NewKey {
        key: key.expose().to_owned(),
    }))
}

/// What a gateway says that it can do.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "name": "Example wallet",
    "test": true,
    "currencies": [{"currency": "INR", "min": 100, "max": 40000000}],
    "refunds": "partial",
    "holds": true,
    "not_found_final_after_ms": 330000
}))]
pub(super) struct GatewayAbilities {
    /// Its name.
    name: String,
    /// Whether it only plays and moves no money.
    test: bool,
    /// The currencies and amounts that it takes.
    currencies: Vec<Range>,
    /// Which refunds it makes.
    refunds: RefundWord,
    /// Whether it can reserve first and capture later.
    holds: bool,
    /// Milliseconds after which "no such operation" is final; null for never.
    not_found_final_after_ms: Option<i64>,
}

impl From<Description> for GatewayAbilities {
    fn from(told: Description) -> Self {
        Self {
            name: told.name,
            test: told.test,
            currencies: told.ranges.into_iter().map(Into::into).collect(),
            refunds: RefundWord(told.refunds),
            holds: told.holds,
            not_found_final_after_ms: told.not_found_final_after_ms,
        }
    }
}

/// Ask a connector what it can do
///
/// The connector is called, with the common values and no settings. `not_described` says why it did not answer as
/// the connector protocol wants.
#[utoipa::path(
    post,
    path = "/connectors/{id}/describe",
    tag = "Connectors",
    operation_id = "describeConnector",
    params(("id" = String, Path, description = "The connector's id."), IfMatch),
    responses((status = 200, description = "What it says.", body = GatewayAbilities))
)]
async fn describe(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<ConnectorId>,
    expected: IfMatch,
) -> Result<Json<GatewayAbilities>, Problem> {
    let engine = office.engine();
    let told = engine.describe_connector(&caller, id, expected.tag());
    Ok(Json(told.await?.into()))
}
