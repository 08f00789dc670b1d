//! Products.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use contracts::{CategoryId, ProductId, VariantId, VendorId};
use kit::http::{After, Ifs, Json, Page, PageRequest, Path, idempotency_key};
use kit::{Caller, Problem, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::filters::{ListParams, parsed};
use super::{Tagged, given, seller, seller_if_any, tagged};
use crate::app::{App, Edit, Listed, StockWait, Store};
use crate::domain::{Product, ProductInput, ProductPatch, Status, Variant};
use crate::store::{Filter, Place, Sort};

/// Products, newest first where nothing else is said; published ones, except for those who sell them.
#[utoipa::path(get, path = "/api/v1/products", tag = "catalog", params(ListParams), responses((status = 200, body = Page<Product>)))]
pub(super) async fn list_products(State(app): State<App>, caller: Caller, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    list(&app, &caller, query, Within::Everything).await
}

/// Published products of a store, newest first where nothing else is said.
#[utoipa::path(get, path = "/api/v1/vendors/{id}/products", tag = "catalog", params(("id" = VendorId, Path), ListParams),
    responses((status = 200, body = Page<Product>), (status = 404)))]
pub(super) async fn list_products_of_store(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<VendorId>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    if !app.is_open(id).await? {
        return Err(Problem::not_found("store"));
    }
    list(&app, &caller, query, Within::Store(id)).await
}

/// Of what a list is, by its address.
#[derive(Debug)]
pub(super) enum Within {
    Everything,
    Category(CategoryId),
    Store(VendorId),
}

/// A page of products. What anybody may see may be a second old.
pub(super) async fn list(app: &App, caller: &Caller, query: Option<String>, within: Within) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let asked = parsed(&query)?;
    if Status::is_public(asked.0.status) {
        let name = format!("{within:?}?{query}");
        return Ok(super::json(app.kept.answer(&name, page_of(app, caller, asked, within)).await?));
    }
    Ok(axum::Json(page_of(app, caller, asked, within).await?).into_response())
}

async fn page_of(
    app: &App,
    caller: &Caller,
    (p, attributes): (ListParams, Vec<(String, String)>),
    within: Within,
) -> Result<Page<Listed>, Problem> {
    let category_id = match (&within, p.category) {
        (Within::Category(id), _) => Some(*id),
        (_, Some(named)) => {
            let unknown = |_| Problem::bad_request("unknown_category", "category: there is no such category");
            Some(app.category_id(named).await.map_err(unknown)?)
        }
        (_, None) => None,
    };
    let vendor_id = match (&within, p.vendor_id) {
        (Within::Store(id), Some(other)) if *id != other => {
            return Err(Problem::bad_request("invalid_query", "vendorId: the address names another store"));
        }
        (Within::Store(id), _) => Some(*id),
        (_, named) => named,
    };
    let stores = if Status::is_public(p.status) { None } else { seller(app, caller).await?.stores };
    let filter = Filter {
        status: p.status,
        stores,
        vendor_id,
        kind: p.kind,
        category_id,
        min_price: p.min_price,
        max_price: p.max_price,
        brand: p.brand,
        attributes,
        in_stock: p.in_stock,
        sort: p.sort.map_or(Sort::Newest, Into::into),
    };
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("products {filter:?}"))?;
    let sort = filter.sort;
    let products = app.list(filter, page.clone()).await?;
    let key = |p: &Place| match sort {
        Sort::Newest => p.created_at,
        Sort::Price | Sort::PriceDown => contracts::Time(p.lowest_price),
    };
    Ok(page.page(products, |p| After { time: key(&p.place), id: p.place.id.0 }))
}

/// One product, by id, slug or a slug that it had: a published one, or one of the caller's own.
#[utoipa::path(get, path = "/api/v1/products/{id}", tag = "catalog", params(("id" = String, Path, description = "id or slug")),
    responses((status = 200, body = Product), (status = 404)))]
pub(super) async fn get_product(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Tagged<Product>, Problem> {
    let found = visible(&app, &caller, id).await?;
    Ok(tagged(found.version, found))
}

/// A product for who may see it: everybody once it is published, its store before and after.
pub(super) async fn visible(app: &App, caller: &Caller, id: String) -> Result<Product, Problem> {
    let found = app.product(id).await?;
    if found.status != Status::Published {
        let seller = seller_if_any(app, caller).await?;
        seller.filter(|s| s.acts_for(found.vendor_id)).ok_or_else(|| Problem::not_found("product"))?;
    }
    Ok(found)
}

#[derive(Serialize, ToSchema)]
pub(super) struct Variants {
    data: Vec<Variant>,
}

/// What can be bought of a product.
#[utoipa::path(get, path = "/api/v1/products/{id}/variants", tag = "catalog", params(("id" = String, Path, description = "id or slug")),
    responses((status = 200, body = Variants), (status = 404)))]
pub(super) async fn list_variants(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<axum::Json<Variants>, Problem> {
    Ok(axum::Json(Variants { data: visible(&app, &caller, id).await?.variants }))
}

/// Adds a product to the caller's store.
#[utoipa::path(post, path = "/api/v1/products", tag = "catalog", request_body = ProductInput,
    params(("Idempotency-Key" = Option<String>, Header)),
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

/// The store into which a caller writes: the one named, or the caller's own.
pub(super) async fn owner(app: &App, caller: &Caller, named: Option<VendorId>) -> Result<Store, Problem> {
    match named {
        Some(id) if caller.has(&[Role::Admin]) => Ok(app.store(id).await?),
        named => Ok(app.store_of_user(caller.user()?.id, named).await?),
    }
}

/// Replaces a product. Variants keep their ids by sku; those that are left out can no longer be bought.
#[utoipa::path(put, path = "/api/v1/products/{id}", tag = "catalog",
    params(("id" = ProductId, Path), ("If-Match" = Option<String>, Header)), request_body = ProductInput,
    responses((status = 200, body = Product), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub(super) async fn replace_product(
    State(app): State<App>,
    caller: Caller,
    ifs: Ifs,
    Path(product): Path<ProductId>,
    Json(input, _): Json<ProductInput>,
) -> Result<Tagged<Product>, Problem> {
    let seller = seller(&app, &caller).await?;
    let now = app.replace(Edit { seller, product, ifs }, input).await?;
    Ok(tagged(now.version, now))
}

/// Changes some of what is said of a product, or moves it on in its life: draft, published, archived.
#[utoipa::path(patch, path = "/api/v1/products/{id}", tag = "catalog",
    params(("id" = ProductId, Path), ("If-Match" = Option<String>, Header)), request_body = ProductPatch,
    responses((status = 200, body = Product), (status = 404), (status = 409), (status = 412), (status = 422)))]
pub(super) async fn patch_product(
    State(app): State<App>,
    caller: Caller,
    ifs: Ifs,
    Path(product): Path<ProductId>,
    Json(patch, _): Json<ProductPatch>,
) -> Result<Tagged<Product>, Problem> {
    let seller = seller(&app, &caller).await?;
    let now = app.patch(Edit { seller, product, ifs }, patch).await?;
    Ok(tagged(now.version, now))
}

/// Takes a product from sale: it is archived, since what was sold of it stays known.
#[utoipa::path(delete, path = "/api/v1/products/{id}", tag = "catalog", params(("id" = ProductId, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204), (status = 404), (status = 412)))]
pub(super) async fn archive_product(
    State(app): State<App>,
    caller: Caller,
    ifs: Ifs,
    Path(product): Path<ProductId>,
) -> Result<StatusCode, Problem> {
    let seller = seller(&app, &caller).await?;
    app.archive(Edit { seller, product, ifs }).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WaitBody {
    /// Which variant; may be left out where the product has one.
    variant_id: Option<VariantId>,
}

/// The caller wants to know when a variant that is out of stock can be bought again. Told once.
#[utoipa::path(post, path = "/api/v1/products/{id}/back-in-stock", tag = "catalog",
    params(("id" = ProductId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = WaitBody,
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
