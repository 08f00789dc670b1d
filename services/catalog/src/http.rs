//! The catalog over HTTP.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use contracts::{ProductId, VariantId, VendorId, WarehouseId};
use kit::http::{After, Json, Page, PageRequest, Path, Query, Routes, Who, idempotency_key};
use kit::problem::FieldError;
use kit::{Caller, Problem, Role, idempotency};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::app::{Adjustment, App, Created, Store, answer};
use crate::domain::{Kind, Product, ProductInput, STOCK_MAX};
use crate::store::Filter;

const SELLERS: &[Role] = &[Role::Vendor, Role::Admin];

/// Every route of the catalog.
pub(crate) fn routes() -> Routes<App> {
    Routes::new("catalog")
        .add(Who::Public, routes!(list_products))
        .add_limited(Who::Roles(SELLERS), 1024 * 1024, 30, routes!(create_product))
        .add(Who::Public, routes!(get_product))
        .add(Who::Public, routes!(get_inventory))
        .add(Who::Roles(SELLERS), routes!(adjust_inventory))
        .add(Who::Roles(SELLERS), routes!(list_warehouses))
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
    /// Of this store only.
    vendor_id: Option<VendorId>,
    /// Of this kind only.
    kind: Option<Kind>,
}

/// Published products, newest first.
#[utoipa::path(get, path = "/api/v1/products", tag = "catalog", params(ListParams), responses((status = 200, body = Page<Product>)))]
async fn list_products(State(app): State<App>, Query(p): Query<ListParams>) -> Result<axum::Json<Page<Product>>, Problem> {
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("products {:?} {:?}", p.vendor_id, p.kind))?;
    let products = app.list(Filter { vendor_id: p.vendor_id, kind: p.kind }, page.clone()).await?;
    Ok(axum::Json(page.page(products, |p| After { time: p.created_at, id: p.id.0 })))
}

/// One published product, by id or slug.
#[utoipa::path(get, path = "/api/v1/products/{id}", tag = "catalog", params(("id" = String, Path, description = "id or slug")),
    responses((status = 200, body = Product), (status = 404)))]
async fn get_product(State(app): State<App>, Path(id): Path<String>) -> Result<axum::Json<Product>, Problem> {
    Ok(axum::Json(app.product(id).await?))
}

/// Adds a product to the caller's store.
#[utoipa::path(post, path = "/api/v1/products", tag = "catalog", request_body = ProductInput,
    responses((status = 201, body = Product), (status = 409), (status = 422)))]
async fn create_product(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(input, raw): Json<ProductInput>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &caller, "POST /products", &raw)?;
    let owner = owner(&app, &caller, input.vendor_id).await?;
    match app.create(owner, input, key).await? {
        Created::Now(product) => Ok(kit::http::respond(answer(&product), false)),
        Created::Before(answer) => Ok(kit::http::respond(answer, true)),
        Created::Running => Err(idempotency::still_running()),
        Created::Mismatch => Err(idempotency::mismatch()),
    }
}

async fn owner(app: &App, caller: &Caller, named: Option<VendorId>) -> Result<Store, Problem> {
    match named {
        Some(id) if caller.has(&[Role::Admin]) => Ok(app.store(id).await?),
        named => Ok(app.store_of_user(caller.user()?.id, named).await?),
    }
}

/// Stock of one variant in one warehouse. Anonymous callers see only what is available, over all warehouses.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InventoryLevel {
    variant_id: VariantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    warehouse_id: Option<WarehouseId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_hand: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reserved: Option<i64>,
    available: Option<i64>,
}

#[derive(Serialize, ToSchema)]
struct Inventory {
    data: Vec<InventoryLevel>,
}

/// A product's stock: by warehouse for its store, in sum for everybody else.
#[utoipa::path(get, path = "/api/v1/inventory/{productId}", tag = "catalog", params(("productId" = ProductId, Path)),
    responses((status = 200, body = Inventory), (status = 404)))]
async fn get_inventory(State(app): State<App>, caller: Caller, Path(id): Path<ProductId>) -> Result<axum::Json<Inventory>, Problem> {
    let (product, levels) = app.levels(id).await?;
    let data = if may_write(&app, &caller, &product).await {
        let level = |l: crate::app::Level| InventoryLevel {
            variant_id: l.variant_id,
            warehouse_id: Some(l.warehouse_id),
            on_hand: Some(l.on_hand),
            reserved: Some(l.reserved),
            available: Some(l.on_hand - l.reserved),
        };
        levels.into_iter().map(level).collect()
    } else if product.status == crate::domain::Status::Published {
        let sum = |v: &crate::domain::Variant| InventoryLevel {
            variant_id: v.id,
            warehouse_id: None,
            on_hand: None,
            reserved: None,
            available: v.available,
        };
        product.variants.iter().map(sum).collect()
    } else {
        return Err(Problem::not_found("product"));
    };
    Ok(axum::Json(Inventory { data }))
}

async fn may_write(app: &App, caller: &Caller, product: &Product) -> bool {
    if caller.has(&[Role::Admin]) {
        return true;
    }
    match &caller.user {
        Some(user) if caller.has(&[Role::Vendor]) => app.store_of_user(user.id, Some(product.vendor_id)).await.is_ok(),
        _ => false,
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AdjustBody {
    /// Which variant.
    variant_id: VariantId,
    /// Where.
    warehouse_id: WarehouseId,
    /// How many more, or fewer.
    adjust: i64,
    /// Why; 1 to 200 characters.
    reason: String,
}

/// Adds to, or takes from, what is on hand.
#[utoipa::path(put, path = "/api/v1/inventory/{productId}", tag = "catalog", params(("productId" = ProductId, Path)), request_body = AdjustBody,
    responses((status = 200, body = Inventory), (status = 404), (status = 409), (status = 422)))]
async fn adjust_inventory(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ProductId>,
    Json(body, _): Json<AdjustBody>,
) -> Result<axum::Json<Inventory>, Problem> {
    let mut errors = Vec::new();
    if body.adjust == 0 || body.adjust.unsigned_abs() > STOCK_MAX.unsigned_abs() {
        errors.push(FieldError { pointer: "/adjust".into(), code: "range", detail: "adjust is -10^9 to 10^9, and not 0".into() });
    }
    if body.reason.trim().is_empty() || body.reason.chars().count() > 200 {
        errors.push(FieldError { pointer: "/reason".into(), code: "length", detail: "a reason has 1 to 200 characters".into() });
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let (product, _) = app.levels(id).await?;
    if !may_write(&app, &caller, &product).await {
        return Err(Problem::not_found("product"));
    }
    let actor = caller.user.as_ref().map(|u| format!("user:{}", u.id));
    let (variant_id, warehouse_id) = (body.variant_id, body.warehouse_id);
    let change = Adjustment { variant_id, warehouse_id, delta: body.adjust, reason: body.reason, actor };
    app.adjust(id, change).await?;
    get_inventory(State(app), caller, Path(id)).await
}

#[derive(Serialize, ToSchema)]
struct Warehouse {
    id: WarehouseId,
    code: String,
    name: String,
}

#[derive(Serialize, ToSchema)]
struct Warehouses {
    data: Vec<Warehouse>,
}

/// The places that hold stock.
#[utoipa::path(get, path = "/api/v1/warehouses", tag = "catalog", responses((status = 200, body = Warehouses)))]
async fn list_warehouses(State(app): State<App>) -> Result<(StatusCode, axum::Json<Warehouses>), Problem> {
    let data = app.warehouses().await?.into_iter().map(|(id, code, name)| Warehouse { id, code, name }).collect();
    Ok((StatusCode::OK, axum::Json(Warehouses { data })))
}
