//! Stores over HTTP.

use axum::extract::State;
use contracts::VendorId;
use kit::http::{Path, Routes, Who};
use kit::{Caller, Problem, Role};
use utoipa_axum::routes;

use crate::app::App;
use crate::domain::Store;

/// Every route of stores.
pub(crate) fn routes() -> Routes<App> {
    Routes::new("vendors").add(Who::Roles(&[Role::Vendor]), routes!(my_store)).add(Who::Public, routes!(get_store))
}

/// The caller's own store.
#[utoipa::path(get, path = "/api/v1/vendors/store", tag = "vendors", responses((status = 200, body = Store), (status = 404)))]
async fn my_store(State(app): State<App>, caller: Caller) -> Result<axum::Json<Store>, Problem> {
    let stores = app.stores_of(caller.user()?.id).await?;
    stores.into_iter().next().map(axum::Json).ok_or_else(|| Problem::not_found("store"))
}

/// A store's shop window.
#[utoipa::path(get, path = "/api/v1/vendors/{id}", tag = "vendors", params(("id" = VendorId, Path)), responses((status = 200, body = Store), (status = 404)))]
async fn get_store(State(app): State<App>, Path(id): Path<VendorId>) -> Result<axum::Json<Store>, Problem> {
    app.stores(vec![id]).await?.into_iter().next().map(axum::Json).ok_or_else(|| Problem::not_found("store"))
}
