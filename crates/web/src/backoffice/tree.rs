//! The tree of owners: resellers and merchants.

use altyn_domain::{MerchantId, Permission, ResellerId};
use altyn_engine::{MerchantView, ResellerView};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::bearer::Acting;
use super::etag::{IfMatch, Tagged};
use super::extract::{Body, Id, Query, id_in};
use super::instant::Instant;
use super::paging::{Page, PageQuery};
use super::problem::Problem;
use super::{BackOffice, Routes, Rule};

const RESELLERS: &str = "resellers";
const MERCHANTS: &str = "merchants";

/// This group's end points.
pub(super) fn routes() -> Routes {
    let view = Rule::Needs(Permission::TreeView);
    let manage = Rule::Needs(Permission::TreeManage);
    Routes::new()
        .add(view, routes!(list_resellers))
        .add(manage, routes!(create_reseller))
        .add(view, routes!(read_reseller))
        .add(manage, routes!(change_reseller))
        .add(view, routes!(list_merchants))
        .add(manage, routes!(create_merchant))
        .add(view, routes!(read_merchant))
        .add(manage, routes!(change_merchant))
}

/// A reseller: a tenant that has resellers and merchants under it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "rsl_019f0e6b7c107a3f8b2c4d5e6f708192",
    "parent_id": null,
    "name": "Root",
    "created_at": "2026-11-22T09:30:00Z"
}))]
struct Reseller {
    /// Its id.
    id: String,
    /// The reseller above it; null for the root and for the caller's own.
    parent_id: Option<String>,
    /// Its name.
    name: String,
    /// When it was made.
    created_at: Instant,
}

impl From<ResellerView> for Reseller {
    fn from(view: ResellerView) -> Self {
        Self {
            id: view.id.to_string(),
            parent_id: view.parent_id.map(|id| id.to_string()),
            name: view.name,
            created_at: Instant(view.created_at),
        }
    }
}

/// A merchant: the legal entity that is paid, with its projects.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "mrc_019f0e6b7c107a3f8b2c4d5e6f708192",
    "reseller_id": "rsl_019f0e6b7c107a3f8b2c4d5e6f708192",
    "name": "Tea house",
    "created_at": "2026-11-22T09:30:00Z"
}))]
struct Merchant {
    /// Its id.
    id: String,
    /// The reseller above it.
    reseller_id: String,
    /// Its name.
    name: String,
    /// When it was made.
    created_at: Instant,
}

impl From<MerchantView> for Merchant {
    fn from(view: MerchantView) -> Self {
        Self {
            id: view.id.to_string(),
            reseller_id: view.reseller_id.to_string(),
            name: view.name,
            created_at: Instant(view.created_at),
        }
    }
}

/// Another name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Tea house"}))]
struct NameChange {
    /// The name: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

/// List resellers
///
/// Those in reach, by name.
#[utoipa::path(
    get,
    path = "/resellers",
    tag = "Tree of owners",
    operation_id = "listResellers",
    params(PageQuery),
    responses((status = 200, description = "A page of resellers.", body = Page<Reseller>))
)]
async fn list_resellers(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Reseller>>, Problem> {
    let found = office.engine().resellers(&caller)?;
    Page::part(RESELLERS, &query, found, |one| (one.name.clone(), one.id))
}

/// A reseller to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "parent_id": "rsl_019f0e6b7c107a3f8b2c4d5e6f708192", "name": "South"
}))]
struct ResellerRequest {
    /// The reseller above it: one in reach.
    parent_id: String,
    /// The name: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

/// Make a reseller
///
/// Under a reseller in reach.
#[utoipa::path(
    post,
    path = "/resellers",
    tag = "Tree of owners",
    operation_id = "createReseller",
    request_body = ResellerRequest,
    responses((status = 201, description = "Made.", body = Reseller, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn create_reseller(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Body(request): Body<ResellerRequest>,
) -> Result<(StatusCode, Tagged<Reseller>), Problem> {
    let parent: ResellerId = id_in("parent_id", &request.parent_id)?;
    let engine = office.engine();
    let made = engine
        .create_reseller(&caller, parent, &request.name)
        .await?;
    Ok((StatusCode::CREATED, Tagged::of(made)))
}

/// Read a reseller
///
/// One reseller in reach.
#[utoipa::path(
    get,
    path = "/resellers/{id}",
    tag = "Tree of owners",
    operation_id = "readReseller",
    params(("id" = String, Path, description = "The reseller's id.")),
    responses((status = 200, description = "The reseller.", body = Reseller, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn read_reseller(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<ResellerId>,
) -> Result<Tagged<Reseller>, Problem> {
    Ok(Tagged::of(office.engine().reseller_view(&caller, id)?))
}

/// Rename a reseller
///
/// One below the caller's own.
#[utoipa::path(
    patch,
    path = "/resellers/{id}",
    tag = "Tree of owners",
    operation_id = "changeReseller",
    params(("id" = String, Path, description = "The reseller's id."), IfMatch),
    request_body = NameChange,
    responses((status = 200, description = "The reseller as changed.", body = Reseller, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn change_reseller(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<ResellerId>,
    expected: IfMatch,
    Body(change): Body<NameChange>,
) -> Result<Tagged<Reseller>, Problem> {
    let engine = office.engine();
    let changed = engine.update_reseller(&caller, id, &change.name, expected.tag());
    Ok(Tagged::of(changed.await?))
}

/// List merchants
///
/// Those in reach, by name.
#[utoipa::path(
    get,
    path = "/merchants",
    tag = "Tree of owners",
    operation_id = "listMerchants",
    params(PageQuery),
    responses((status = 200, description = "A page of merchants.", body = Page<Merchant>))
)]
async fn list_merchants(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Merchant>>, Problem> {
    let found = office.engine().merchants(&caller)?;
    Page::part(MERCHANTS, &query, found, |one| (one.name.clone(), one.id))
}

/// A merchant to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "reseller_id": "rsl_019f0e6b7c107a3f8b2c4d5e6f708192", "name": "Tea house"
}))]
struct MerchantRequest {
    /// The reseller above it: one in reach.
    reseller_id: String,
    /// The name: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
}

/// Make a merchant
///
/// Under a reseller in reach.
#[utoipa::path(
    post,
    path = "/merchants",
    tag = "Tree of owners",
    operation_id = "createMerchant",
    request_body = MerchantRequest,
    responses((status = 201, description = "Made.", body = Merchant, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn create_merchant(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Body(request): Body<MerchantRequest>,
) -> Result<(StatusCode, Tagged<Merchant>), Problem> {
    let reseller: ResellerId = id_in("reseller_id", &request.reseller_id)?;
    let engine = office.engine();
    let made = engine
        .create_merchant(&caller, reseller, &request.name)
        .await?;
    Ok((StatusCode::CREATED, Tagged::of(made)))
}

/// Read a merchant
///
/// One merchant in reach.
#[utoipa::path(
    get,
    path = "/merchants/{id}",
    tag = "Tree of owners",
    operation_id = "readMerchant",
    params(("id" = String, Path, description = "The merchant's id.")),
    responses((status = 200, description = "The merchant.", body = Merchant, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn read_merchant(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<MerchantId>,
) -> Result<Tagged<Merchant>, Problem> {
    Ok(Tagged::of(office.engine().merchant_view(&caller, id)?))
}

/// Rename a merchant
///
/// One in reach.
#[utoipa::path(
    patch,
    path = "/merchants/{id}",
    tag = "Tree of owners",
    operation_id = "changeMerchant",
    params(("id" = String, Path, description = "The merchant's id."), IfMatch),
    request_body = NameChange,
    responses((status = 200, description = "The merchant as changed.", body = Merchant, headers(("etag" = String, description = "The tag of this state."))))
)]
async fn change_merchant(
    State(office): State<BackOffice>,
    Acting(caller): Acting,
    Id(id): Id<MerchantId>,
    expected: IfMatch,
    Body(change): Body<NameChange>,
) -> Result<Tagged<Merchant>, Problem> {
    let engine = office.engine();
    let changed = engine.update_merchant(&caller, id, &change.name, expected.tag());
    Ok(Tagged::of(changed.await?))
}
