//! The catalog over HTTP.

mod categories;
mod filters;
mod inventory;
mod parts;
mod products;
mod warehouses;

use axum::response::Response;
use kit::http::{Routes, Who};
use kit::{Caller, Problem, Role, idempotency};
use serde::Serialize;
use utoipa_axum::routes;

use crate::app::{App, Given, Seller, etag};

const SELLERS: &[Role] = &[Role::Vendor, Role::Admin];
const ADMIN: &[Role] = &[Role::Admin];

/// Every route of the catalog.
pub(crate) fn routes() -> Routes<App> {
    Routes::new("catalog")
        .add(Who::Public, routes!(products::list_products))
        .add_limited(Who::Roles(SELLERS), 1024 * 1024, 30, routes!(products::create_product))
        .add(Who::Public, routes!(products::get_product))
        .add_limited(Who::Roles(SELLERS), 1024 * 1024, 30, routes!(products::replace_product))
        .add_limited(Who::Roles(SELLERS), 1024 * 1024, 30, routes!(products::patch_product))
        .add(Who::Roles(SELLERS), routes!(products::archive_product))
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
    let stores = match caller.has(&[Role::Admin]) {
        true => None,
        false => Some(app.stores_of(user).await?.into_iter().map(|s| s.id).collect()),
    };
    Ok(Seller { stores, actor: format!("user:{user}") })
}

/// As [`seller`], where the caller is one.
async fn seller_if_any(app: &App, caller: &Caller) -> Result<Option<Seller>, Problem> {
    if caller.has(SELLERS) { Ok(Some(seller(app, caller).await?)) } else { Ok(None) }
}

/// The answer to a request that may be repeated.
fn given(given: Given) -> Result<Response, Problem> {
    match given {
        Given::Now(answer) => Ok(kit::http::respond(answer, false)),
        Given::Before(answer) => Ok(kit::http::respond(answer, true)),
        Given::Running => Err(idempotency::still_running()),
        Given::Mismatch => Err(idempotency::mismatch()),
    }
}

/// With an entity tag.
type Tagged<T> = ([(&'static str, String); 1], axum::Json<T>);

fn tagged<T: Serialize>(version: i64, body: T) -> Tagged<T> {
    ([("etag", etag(version))], axum::Json(body))
}
