//! Products.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use contracts::{CategoryId, ProductId, VariantId, VendorId};
use kit::http::{After, Json, Page, PageRequest, Path, Query, idempotency_key};
use kit::{Caller, Problem, Role};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::given;
use crate::app::{App, StockWait, Store};
use crate::domain::{Kind, Product, ProductInput};
use crate::store::Filter;

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
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
pub(super) async fn list_products(State(app): State<App>, Query(p): Query<ListParams>) -> Result<axum::Json<Page<Product>>, Problem> {
    list(&app, p, None).await
}

/// A page of published products, of a category where one is given.
pub(super) async fn list(app: &App, p: ListParams, category: Option<CategoryId>) -> Result<axum::Json<Page<Product>>, Problem> {
    let filter = Filter { vendor_id: p.vendor_id, kind: p.kind, category_id: category };
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("products {filter:?}"))?;
    let products = app.list(filter, page.clone()).await?;
    Ok(axum::Json(page.page(products, |p| After { time: p.created_at, id: p.id.0 })))
}

/// One published product, by id or slug.
#[utoipa::path(get, path = "/api/v1/products/{id}", tag = "catalog", params(("id" = String, Path, description = "id or slug")),
    responses((status = 200, body = Product), (status = 404)))]
pub(super) async fn get_product(State(app): State<App>, Path(id): Path<String>) -> Result<axum::Json<Product>, Problem> {
    Ok(axum::Json(app.product(id).await?))
}

/// Adds a product to the caller's store.
#[utoipa::path(post, path = "/api/v1/products", tag = "catalog", request_body = ProductInput,
    responses((status = 201, body = Product), (status = 409), (status = 422)))]
pub(super) async fn create_product(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(input, raw): Json<ProductInput>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &caller, "POST /products", &raw)?;
    let owner = owner(&app, &caller, input.vendor_id).await?;
    given(app.create(owner, input, key).await?)
}

async fn owner(app: &App, caller: &Caller, named: Option<VendorId>) -> Result<Store, Problem> {
    match named {
        Some(id) if caller.has(&[Role::Admin]) => Ok(app.store(id).await?),
        named => Ok(app.store_of_user(caller.user()?.id, named).await?),
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WaitBody {
    /// Which variant; may be left out where the product has one.
    variant_id: Option<VariantId>,
}

/// The caller wants to know when a variant that is out of stock can be bought again. Told once.
#[utoipa::path(post, path = "/api/v1/products/{id}/back-in-stock", tag = "catalog", params(("id" = ProductId, Path)), request_body = WaitBody,
    responses((status = 201, body = StockWait), (status = 404), (status = 409, description = "in_stock"), (status = 422)))]
pub(super) async fn wait_for_stock(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<ProductId>,
    Json(body, raw): Json<WaitBody>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &caller, &format!("POST /products/{id}/back-in-stock"), &raw)?;
    given(app.wait_for_stock(caller.user()?.id, id, body.variant_id, key).await?)
}
