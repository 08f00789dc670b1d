//! Places that hold stock.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use contracts::WarehouseId;
use kit::http::{Ifs, Json, Path, idempotency_key};
use kit::{Caller, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Tagged, given, seller, tagged};
use crate::app::App;
use crate::domain::{Warehouse, WarehouseInput};

#[derive(Serialize, ToSchema)]
pub(super) struct Warehouses {
    data: Vec<Warehouse>,
}

/// The marketplace's warehouses and the caller's own, by code.
#[utoipa::path(get, path = "/api/v1/warehouses", tag = "catalog", responses((status = 200, body = Warehouses)))]
pub(super) async fn list_warehouses(State(app): State<App>, caller: Caller) -> Result<axum::Json<Warehouses>, Problem> {
    let seller = seller(&app, &caller).await?;
    Ok(axum::Json(Warehouses { data: app.warehouses(seller).await? }))
}

/// Adds a warehouse to the caller's store; an administrator adds one for all stores.
#[utoipa::path(post, path = "/api/v1/warehouses", tag = "catalog", request_body = WarehouseInput,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = Warehouse), (status = 404), (status = 409, description = "code_taken"), (status = 422)))]
pub(super) async fn create_warehouse(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(input, raw): Json<WarehouseInput>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &caller, "POST /warehouses", &raw)?;
    let seller = seller(&app, &caller).await?;
    given(app.add_warehouse(seller, input, key).await?)
}

/// Gives one of the caller's warehouses another code and name.
#[utoipa::path(put, path = "/api/v1/warehouses/{id}", tag = "catalog",
    params(("id" = WarehouseId, Path), ("If-Match" = Option<String>, Header)), request_body = WarehouseInput,
    responses((status = 200, body = Warehouse), (status = 403), (status = 404), (status = 409, description = "code_taken"), (status = 412), (status = 422)))]
pub(super) async fn change_warehouse(
    State(app): State<App>,
    caller: Caller,
    ifs: Ifs,
    Path(id): Path<WarehouseId>,
    Json(input, _): Json<WarehouseInput>,
) -> Result<Tagged<Warehouse>, Problem> {
    let seller = seller(&app, &caller).await?;
    let changed = app.change_warehouse(seller, id, input, ifs).await?;
    Ok(tagged(changed.version, changed))
}
