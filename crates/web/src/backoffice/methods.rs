//! Payment methods of resellers.

use altyn_domain::{
    ConnectorId, MerchantId, MethodId, MethodKind, Permission, ProjectId, ProviderNumbers,
    ResellerId,
};
use altyn_engine::{
    ConnectorChoice, MethodAbilities, MethodChange, MethodConnector, MethodFacts, MethodName,
    MethodView, NewMethod, Offer, OwnMethod, OwnerRef,
};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::amounts::Range;
use super::bearer::Acting;
use super::connectors::GatewayAbilities;
use super::etag::{IfMatch, Tagged};
use super::extract::{Body, Id, Query, id_in, present, shaped};
use super::form::{Field, fields};
use super::instant::Instant;
use super::paging::{Page, PageQuery};
use super::problem::Problem;
use super::words::{CustomerKindWord, MethodKindWord, RefundWord};
use super::{BackOffice, Routes, Rule};

const LIST: &str = "methods";

/// This group's end points.
pub(super) fn routes() -> Routes {
    let view = Rule::Needs(Permission::MethodsView);
    let manage = Rule::Needs(Permission::MethodsManage);
    Routes::new()
        .add(view, routes!(list))
        .add(manage, routes!(create))
        .add(view, routes!(read))
        .add(manage, routes!(change))
        .add(manage, routes!(delete))
        .add(manage, routes!(describe))
        .add(manage, routes!(choices))
}

/// What a payment method is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "registered", "id": "cnn_019f0e6b7c107a3f8b2c4d5e6f708192"}))]
struct MadeFrom {
    /// What kind of connector.
    kind: MadeFromKind,
    /// The id of a connector of the registry, or the name of a built-in one.
    id: String,
}

/// What kind of connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum MadeFromKind {
    /// One of this program.
    Builtin,
    /// One of the registry.
    Registered,
}

impl MadeFrom {
    fn shown(connector: MethodConnector) -> Self {
        let (kind, id) = match connector {
            MethodConnector::Builtin(name) => (MadeFromKind::Builtin, name),
            MethodConnector::Registered(id) => (MadeFromKind::Registered, id.to_string()),
        };
        Self { kind, id }
    }

    fn read(self) -> Result<MethodConnector, Problem> {
        Ok(match self.kind {
            MadeFromKind::Builtin => MethodConnector::Builtin(self.id),
            MadeFromKind::Registered => {
                let id: ConnectorId = id_in("connector.id", &self.id)?;
                MethodConnector::Registered(id)
            }
        })
    }
}

/// A name: one text, or a text for each language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, try_from = "Value")]
enum MethodTitle {
    /// The same in every language.
    One(String),
    /// A text for each language.
    Each(MethodTitles),
}

/// A text for each language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ru": "Кошелёк", "kk": "Әмиян", "en": "Wallet"}))]
struct MethodTitles {
    /// Russian.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ru: Option<String>,
    /// Kazakh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kk: Option<String>,
    /// English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    en: Option<String>,
}

impl TryFrom<Value> for MethodTitle {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Ok(Self::One(text)),
            Value::Object(_) => shaped(&value).map(Self::Each),
            _ => Err("must be a text, or an object with a text for each language".to_owned()),
        }
    }
}

impl MethodTitle {
    fn shown(name: MethodName) -> Self {
        use altyn_domain::Language::{En, Kk, Ru};
        match name {
            MethodName::One(text) => Self::One(text),
            MethodName::Each(mut texts) => Self::Each(MethodTitles {
                ru: texts.remove(&Ru),
                kk: texts.remove(&Kk),
                en: texts.remove(&En),
            }),
        }
    }

    fn read(self) -> MethodName {
        use altyn_domain::Language::{En, Kk, Ru};
        match self {
            Self::One(text) => MethodName::One(text),
            Self::Each(texts) => {
                let all = [(Ru, texts.ru), (Kk, texts.kk), (En, texts.en)].into_iter();
                let there = all.filter_map(|(language, text)| Some((language, text?)));
                MethodName::Each(there.collect())
            }
        }
    }
}

/// Somebody in the tree of owners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "merchant", "id": "mrc_019f0e6b7c107a3f8b2c4d5e6f708192"}))]
struct OfferedTo {
    /// What kind.
    kind: OfferedToKind,
    /// The id of the reseller, merchant or project.
    id: String,
}

/// What kind of owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OfferedToKind {
    /// A reseller with everything under it.
    Reseller,
    /// A merchant with its projects.
    Merchant,
    /// One project.
    Project,
}

fn offered_to(offer: Offer) -> Option<Vec<OfferedTo>> {
    let Offer::Owners(owners) = offer else {
        return None;
    };
    let shown = owners.into_iter().map(|owner| {
        let (kind, id) = match owner {
            OwnerRef::Reseller(id) => (OfferedToKind::Reseller, id.to_string()),
            OwnerRef::Merchant(id) => (OfferedToKind::Merchant, id.to_string()),
            OwnerRef::Project(id) => (OfferedToKind::Project, id.to_string()),
        };
        OfferedTo { kind, id }
    });
    Some(shown.collect())
}

fn offer(owners: Option<Vec<OfferedTo>>) -> Result<Offer, Problem> {
    let Some(owners) = owners else {
        return Ok(Offer::All);
    };
    let read = owners.into_iter().enumerate().map(|(index, owner)| {
        let place = format!("offered_to[{index}].id");
        Ok(match owner.kind {
            OfferedToKind::Reseller => OwnerRef::Reseller(id_in::<ResellerId>(&place, &owner.id)?),
            OfferedToKind::Merchant => OwnerRef::Merchant(id_in::<MerchantId>(&place, &owner.id)?),
            OfferedToKind::Project => OwnerRef::Project(id_in::<ProjectId>(&place, &owner.id)?),
        })
    });
    Ok(Offer::Owners(read.collect::<Result<_, Problem>>()?))
}

/// What can be done by a payment method.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refunds": "full", "holds": false, "saved_card": false, "payout": false}))]
struct PaymentAbilities {
    /// Which refunds.
    refunds: RefundWord,
    /// Money can be reserved first and captured later.
    #[serde(default)]
    holds: bool,
    /// A card can be saved and charged again.
    #[serde(default)]
    saved_card: bool,
    /// Money can be sent out.
    #[serde(default)]
    payout: bool,
}

mirror!(
    PaymentAbilities,
    MethodAbilities {
        refunds,
        holds,
        saved_card,
        payout
    }
);

/// The numbers by which the ECommPay dialect names the provider behind a method.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"purchase": 1731, "refund": 1751}))]
struct ProviderPair {
    /// Of purchases.
    purchase: u32,
    /// Of refunds.
    refund: u32,
}

mirror!(ProviderPair, ProviderNumbers { purchase, refund });

fn each<A, B: From<A>>(list: Vec<A>) -> Vec<B> {
    list.into_iter().map(B::from).collect()
}

/// Connector and settings of a method.
#[derive(Serialize, ToSchema)]
struct MethodInside {
    /// What it is made from.
    connector: MadeFrom,
    /// The name of that.
    connector_name: String,
    /// The settings as a screen draws them.
    fields: Vec<Field>,
    /// Their values, without secrets.
    #[schema(value_type = Object)]
    settings: Value,
    /// The names of secrets that have a value.
    secrets: Vec<String>,
}

impl MethodInside {
    fn shown(own: OwnMethod) -> Self {
        Self {
            connector: MadeFrom::shown(own.connector),
            connector_name: own.connector_name,
            fields: fields(own.form.fields),
            settings: Value::Object(own.settings),
            secrets: own.secrets,
        }
    }
}

/// A payment method of a reseller.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "mth_019f0e6b7c107a3f8b2c4d5e6f708192",
    "reseller_id": "rsl_019f0e6b7c107a3f8b2c4d5e6f708192",
    "reseller_name": "South",
    "name": {"ru": "Кошелёк", "en": "Wallet"},
    "kind": "wallet",
    "currencies": [{"currency": "KZT", "min": 10000, "max": 50000000}],
    "countries": ["KZ"],
    "customer_kinds": [],
    "abilities": {"refunds": "full", "holds": false, "saved_card": false, "payout": false},
    "position": 0,
    "active": true,
    "offered_to": null,
    "processing_period_min": null,
    "provider": {"purchase": 0, "refund": 0},
    "inside": null,
    "created_at": "2026-11-22T09:30:00Z"
}))]
pub(super) struct Method {
    /// Its id; also its name in requests of shops.
    id: String,
    /// The reseller that owns it.
    reseller_id: String,
    /// The name of that.
    reseller_name: String,
    /// Its name, as payers read it.
    name: MethodTitle,
    /// What a payer does to pay by it.
    kind: MethodKindWord,
    /// Currencies and amounts that it takes; empty for all that a project takes.
    currencies: Vec<Range>,
    /// Countries of payers, two capital letters each; empty for all.
    countries: Vec<String>,
    /// Which customers may use it; empty for all.
    customer_kinds: Vec<CustomerKindWord>,
    /// What can be done by it.
    abilities: PaymentAbilities,
    /// Its place among the methods of a project: the smallest number first.
    position: i32,
    /// Whether payments may be begun by it.
    active: bool,
    /// To whom it is offered; null for every project under the reseller, and for those who only have it.
    offered_to: Option<Vec<OfferedTo>>,
    /// Of a built-in connector: whole minutes after which a payment no longer waits for a try; null for the usual.
    processing_period_min: Option<u32>,
    /// The numbers by which the ECommPay dialect names its provider.
    provider: ProviderPair,
    /// Connector and settings; null for those below the reseller.
    inside: Option<MethodInside>,
    /// When it was made.
    created_at: Instant,
}

impl From<MethodView> for Method {
    fn from(view: MethodView) -> Self {
        let facts = view.facts;
        Self {
            id: view.id.to_string(),
            reseller_id: view.reseller_id.to_string(),
            reseller_name: view.reseller_name,
            name: MethodTitle::shown(facts.name),
            kind: MethodKindWord(facts.kind),
            currencies: each(facts.ranges),
            countries: facts.countries,
            customer_kinds: each(facts.customer_kinds),
            abilities: facts.abilities.into(),
            position: facts.position,
            active: facts.active,
            offered_to: offered_to(facts.offer),
            processing_period_min: facts.processing_period_min,
            provider: facts.provider.into(),
            inside: view.own.map(MethodInside::shown),
            created_at: Instant(view.created_at),
        }
    }
}

/// List payment methods
///
/// Those of resellers in reach, and those that resellers above offer, in the order in which projects have them.
#[utoipa::path(
    get,
    path = "/methods",
    tag = "Payment methods",
    operation_id = "listMethods",
    params(PageQuery),
    responses((status = 200, description = "A page of payment methods.", body = Page<Method>))
)]
async fn list(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Method>>, Problem> {
    let found = office.engine().methods(&caller)?;
    Page::part(LIST, &query, found, |one| (one.facts.position, one.id))
}

/// A payment method to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "reseller_id": "rsl_019f0e6b7c107a3f8b2c4d5e6f708192",
    "connector": {"kind": "registered", "id": "cnn_019f0e6b7c107a3f8b2c4d5e6f708192"},
    "name": {"ru": "Кошелёк", "en": "Wallet"},
    "settings": {"account": "shop-7"},
    "currencies": [{"currency": "KZT", "min": 10000, "max": 50000000}],
    "abilities": {"refunds": "full"}
}))]
struct MethodRequest {
    /// The reseller that owns it: one in reach.
    reseller_id: String,
    /// What it is made from.
    connector: MadeFrom,
    /// Its name.
    name: MethodTitle,
    /// The values of the connector's settings.
    #[schema(value_type = Object)]
    settings: Value,
    /// Currencies and amounts that it takes; all that a project takes unless given.
    #[serde(default)]
    currencies: Vec<Range>,
    /// Countries of payers, two capital letters each; all unless given.
    #[serde(default)]
    countries: Vec<String>,
    /// Which customers may use it; all unless given.
    #[serde(default)]
    customer_kinds: Vec<CustomerKindWord>,
    /// What can be done by it.
    abilities: PaymentAbilities,
    /// Its place among the methods of a project; 0 unless given.
    #[serde(default)]
    position: i32,
    /// Whether payments may be begun by it; yes unless given.
    #[serde(default = "yes")]
    #[schema(default = true)]
    active: bool,
    /// To whom it is offered; to every project under the reseller unless given.
    #[serde(default)]
    offered_to: Option<Vec<OfferedTo>>,
    /// Of a built-in connector: whole minutes, 0 for never; 5 for cards unless given.
    #[serde(default)]
    processing_period_min: Option<u32>,
    /// The numbers by which the ECommPay dialect names its provider.
    #[serde(default)]
    provider: ProviderPair,
}

const fn yes() -> bool {
    true
}

/// Make a payment method
///
/// Of a reseller in reach, from a connector of the registry or a built-in one. It is offered at once.
#[utoipa::path(
    post,
    path = "/methods",
    tag = "Payment methods",
    operation_id = "createMethod",
    request_body = MethodRequest,
    responses((status = 201, description = "Made.", body = Method, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn create(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Body(request): Body<MethodRequest>,
) -> Result<(StatusCode, Tagged<Method>), Problem> {
    let connector = request.connector.read()?;
    let engine = office.engine();
    // What a payer does follows from the connector; one that is not there is refused below.
    let choices = engine.connector_choices(&caller)?;
    let choice = choices.iter().find(|one| one.connector == connector);
    let kind = choice.map_or(MethodKind::Wallet, |one| one.kind);
    let new = NewMethod {
        reseller_id: id_in("reseller_id", &request.reseller_id)?,
        connector,
        settings: request.settings,
        facts: MethodFacts {
            name: request.name.read(),
            kind,
            ranges: each(request.currencies),
            countries: request.countries,
            customer_kinds: each(request.customer_kinds),
            abilities: request.abilities.into(),
            position: request.position,
            active: request.active,
            offer: offer(request.offered_to)?,
            processing_period_min: request.processing_period_min,
            provider: request.provider.into(),
        },
    };
    let made = engine.create_method(&caller, new).await?;
    Ok((StatusCode::CREATED, Tagged::of(made)))
}

/// Read a payment method
///
/// One that the caller sees.
#[utoipa::path(
    get,
    path = "/methods/{id}",
    tag = "Payment methods",
    operation_id = "readMethod",
    params(("id" = String, Path, description = "The method's id.")),
    responses((status = 200, description = "The payment method.", body = Method, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn read(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<MethodId>,
) -> Result<Tagged<Method>, Problem> {
    Ok(Tagged::of(office.engine().method_view(&caller, id)?))
}

/// What is to be changed; what is left away stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"active": false}))]
struct MethodPatch {
    /// Its name.
    #[serde(default)]
    name: Option<MethodTitle>,
    /// All values of the connector's settings. A secret that is left away stays, one that is null goes.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    settings: Option<Value>,
    /// Currencies and amounts.
    #[serde(default)]
    currencies: Option<Vec<Range>>,
    /// Countries of payers.
    #[serde(default)]
    countries: Option<Vec<String>>,
    /// Which customers may use it.
    #[serde(default)]
    customer_kinds: Option<Vec<CustomerKindWord>>,
    /// What can be done by it.
    #[serde(default)]
    abilities: Option<PaymentAbilities>,
    /// Its place among the methods of a project.
    #[serde(default)]
    position: Option<i32>,
    /// Whether payments may be begun by it.
    #[serde(default)]
    active: Option<bool>,
    /// To whom it is offered; null for every project under the reseller.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<OfferedTo>>)]
    offered_to: Option<Option<Vec<OfferedTo>>>,
    /// Of a built-in connector: whole minutes; null for the usual.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    processing_period_min: Option<Option<u32>>,
    /// The numbers by which the ECommPay dialect names its provider.
    #[serde(default)]
    provider: Option<ProviderPair>,
}

/// Change a payment method
///
/// One of a reseller in reach. What was begun by it goes on.
#[utoipa::path(
    patch,
    path = "/methods/{id}",
    tag = "Payment methods",
    operation_id = "changeMethod",
    params(("id" = String, Path, description = "The method's id."), IfMatch),
    request_body = MethodPatch,
    responses((status = 200, description = "The payment method as changed.", body = Method, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn change(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<MethodId>,
    expected: IfMatch,
    Body(change): Body<MethodPatch>,
) -> Result<Tagged<Method>, Problem> {
    let wanted = MethodChange {
        name: change.name.map(MethodTitle::read),
        ranges: change.currencies.map(each),
        countries: change.countries,
        customer_kinds: change.customer_kinds.map(each),
        abilities: change.abilities.map(Into::into),
        position: change.position,
        active: change.active,
        offer: change.offered_to.map(offer).transpose()?,
        processing_period_min: change.processing_period_min,
        provider: change.provider.map(Into::into),
        settings: change.settings,
    };
    let engine = office.engine();
    let changed = engine.update_method(&caller, id, wanted, expected.tag());
    Ok(Tagged::of(changed.await?))
}

/// Delete a payment method
///
/// Nothing is begun by it any more. What was begun by it goes on, refunds too.
#[utoipa::path(
    delete,
    path = "/methods/{id}",
    tag = "Payment methods",
    operation_id = "deleteMethod",
    params(("id" = String, Path, description = "The method's id."), IfMatch),
    responses((status = 204, description = "Deleted."))
)]
async fn delete(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<MethodId>,
    expected: IfMatch,
) -> Result<StatusCode, Problem> {
    let engine = office.engine();
    engine.delete_method(&caller, id, expected.tag()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Test a payment method
///
/// Its gateway is asked what it can do, with the method's settings. `not_described` says why it did not answer;
/// `not_supported`: it knows no such question.
#[utoipa::path(
    post,
    path = "/methods/{id}/describe",
    tag = "Payment methods",
    operation_id = "describeMethod",
    params(("id" = String, Path, description = "The method's id.")),
    responses((status = 200, description = "What it says.", body = GatewayAbilities))
)]
async fn describe(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<MethodId>,
) -> Result<Json<GatewayAbilities>, Problem> {
    let told = office.engine().describe_method(&caller, id).await?;
    Ok(Json(told.into()))
}

/// Something that a payment method can be made from.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "connector": {"kind": "builtin", "id": "sandbox-bank"},
    "name": "sandbox-bank",
    "kind": "card",
    "fields": []
}))]
struct MethodSource {
    /// What it is.
    connector: MadeFrom,
    /// Its name.
    name: String,
    /// What a payer does to pay by it.
    kind: MethodKindWord,
    /// The settings that it asks for.
    fields: Vec<Field>,
}

impl From<ConnectorChoice> for MethodSource {
    fn from(choice: ConnectorChoice) -> Self {
        Self {
            connector: MadeFrom::shown(choice.connector),
            name: choice.name,
            kind: MethodKindWord(choice.kind),
            fields: fields(choice.form.fields),
        }
    }
}

/// List what payment methods can be made from
///
/// Connectors of the registry first, then built-in ones, all on one page.
#[utoipa::path(
    get,
    path = "/method-connectors",
    tag = "Payment methods",
    operation_id = "listMethodConnectors",
    responses((status = 200, description = "The connectors with their settings.", body = Page<MethodSource>))
)]
async fn choices(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
) -> Result<Json<Page<MethodSource>>, Problem> {
    let found = office.engine().connector_choices(&caller)?;
    Ok(Page::whole(found))
}
