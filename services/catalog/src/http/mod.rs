//! The catalog over HTTP.

mod categories;
mod exports;
mod filters;
mod inventory;
mod pages;
mod parts;
mod products;
mod uploads;
mod warehouses;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::Response;
use kit::http::{Routes, Who, etag, given};
use kit::{Caller, Problem, Role};
use serde::Serialize;
use utoipa_axum::routes;

use crate::app::{App, Kept, Seller, meant};
use crate::domain::UPLOAD_BYTES_MAX;

const SELLERS: &[Role] = &[Role::Vendor, Role::Admin];
const ADMIN: &[Role] = &[Role::Admin];

/// Every route of the catalog.
pub(crate) fn routes() -> Routes<App> {
    Routes::new("catalog")
        .add(Who::Public, routes!(products::list_products))
        .add_limited(Who::Roles(SELLERS), 1024 * 1024, 30, routes!(products::create_product))
        .add_limited(Who::Roles(SELLERS), UPLOAD_BYTES_MAX, 60, routes!(uploads::upload))
        .add(Who::Roles(SELLERS), routes!(uploads::get_upload))
        .add(Who::Roles(SELLERS), routes!(uploads::get_report))
        .add(Who::Roles(SELLERS), routes!(exports::export_products))
        .add(Who::Public, routes!(products::get_product))
        .add(Who::Public, routes!(pages::show_product))
        .add(Who::Public, routes!(pages::show_vendor_product))
        .add_limited(Who::Roles(SELLERS), 1024 * 1024, 30, routes!(products::replace_product))
        .add_limited(Who::Roles(SELLERS), 1024 * 1024, 30, routes!(products::patch_product))
        .add(Who::Roles(SELLERS), routes!(products::archive_product))
        .add(Who::Public, routes!(products::list_products_of_store))
        .add(Who::Public, routes!(products::list_variants))
        .add(Who::Roles(SELLERS), routes!(parts::add_variant))
        .add(Who::Roles(SELLERS), routes!(parts::change_variant))
        .add(Who::Roles(SELLERS), routes!(parts::remove_variant))
        .add(Who::Roles(SELLERS), routes!(parts::add_picture))
        .add(Who::Roles(SELLERS), routes!(parts::remove_picture))
        .add(Who::Roles(SELLERS), routes!(parts::order_pictures))
        .add(Who::User, routes!(products::wait_for_stock))
        .add(Who::Public, routes!(categories::list_categories))
        .add(Who::Public, routes!(categories::get_category))
        .add(Who::Public, routes!(categories::list_products_in_category))
        .add(Who::Roles(ADMIN), routes!(categories::create_category))
        .add(Who::Roles(ADMIN), routes!(categories::change_category))
        .add(Who::Roles(ADMIN), routes!(categories::delete_category))
        .add(Who::Public, routes!(inventory::get_inventory))
        .add(Who::Roles(SELLERS), routes!(inventory::adjust_inventory))
        .add(Who::Roles(SELLERS), routes!(inventory::list_movements))
        .add(Who::Roles(SELLERS), routes!(warehouses::list_warehouses))
        .add(Who::Roles(SELLERS), routes!(warehouses::create_warehouse))
        .add(Who::Roles(SELLERS), routes!(warehouses::change_warehouse))
}

/// The caller as somebody who sells; an administrator acts for every store.
async fn seller(app: &App, caller: &Caller) -> Result<Seller, Problem> {
    let user = caller.user()?.id;
    let actor = format!("user:{user}");
    if caller.has(&[Role::Admin]) {
        return Ok(Seller { stores: None, usual: None, actor });
    }
    let places = app.stores_of(user).await?;
    let stores = places.iter().map(|p| p.store.id).collect();
    Ok(Seller { stores: Some(stores), usual: meant(places, None).ok().map(|s| s.id), actor })
}

/// As [`seller`], where the caller is one.
async fn seller_if_any(app: &App, caller: &Caller) -> Result<Option<Seller>, Problem> {
    if caller.has(SELLERS) { Ok(Some(seller(app, caller).await?)) } else { Ok(None) }
}

/// Forgets the lists that were answered, after each request that changes something other than stock.
pub(crate) async fn forget_after_changes(State(kept): State<Kept>, request: Request, next: Next) -> Response {
    let changes = !request.method().is_safe() && !request.uri().path().starts_with("/api/v1/inventory");
    let response = next.run(request).await;
    if changes {
        kept.forget();
    }
    response
}

fn json(body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// With an entity tag.
type Tagged<T> = ([(&'static str, String); 1], axum::Json<T>);

fn tagged<T: Serialize>(version: i64, body: T) -> Tagged<T> {
    ([("etag", etag(version))], axum::Json(body))
}
