//! Stock.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use contracts::{ProductId, VariantId, WarehouseId};
use kit::http::{After, Json, Page, PageRequest, Path, Query, idempotency_key};
use kit::problem::FieldError;
use kit::{Caller, Problem};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{given, seller, seller_if_any};
use crate::app::{Adjustment, App, Inventory, StockMovement};
use crate::domain::STOCK_MAX;
use crate::store::MovementFilter;

/// A product's stock: by warehouse for its store, in sum for everybody else.
#[utoipa::path(get, path = "/api/v1/inventory/{productId}", tag = "catalog", params(("productId" = ProductId, Path)),
    responses((status = 200, body = Inventory), (status = 404)))]
pub(super) async fn get_inventory(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ProductId>,
) -> Result<axum::Json<Inventory>, Problem> {
    let seller = seller_if_any(&app, &caller).await?;
    Ok(axum::Json(app.inventory(seller, id).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AdjustBody {
    /// Which variant.
    variant_id: VariantId,
    /// Where.
    warehouse_id: WarehouseId,
    /// How many more, or fewer.
    adjust: i64,
    /// Why; 1 to 200 characters.
    reason: String,
}

/// Adds to, or takes from, what is on hand; never below what is reserved.
#[utoipa::path(put, path = "/api/v1/inventory/{productId}", tag = "catalog",
    params(("productId" = ProductId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = AdjustBody,
    responses((status = 200, body = Inventory), (status = 404), (status = 409, description = "below_reserved"), (status = 422)))]
pub(super) async fn adjust_inventory(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<ProductId>,
    Json(body, raw): Json<AdjustBody>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &caller, &format!("PUT /inventory/{id}"), &raw)?;
    let wanted = checked(body)?;
    let seller = seller(&app, &caller).await?;
    given(app.adjust(seller, id, wanted, key).await?)
}

fn checked(body: AdjustBody) -> Result<Adjustment, Problem> {
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
    Ok(Adjustment { variant_id: body.variant_id, warehouse_id: body.warehouse_id, delta: body.adjust, reason: body.reason })
}

#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MovementParams {
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
    /// Of this variant only.
    variant_id: Option<VariantId>,
    /// In this warehouse only.
    warehouse_id: Option<WarehouseId>,
}

/// Every change of what is on hand, newest first.
#[utoipa::path(get, path = "/api/v1/inventory/{productId}/movements", tag = "catalog", params(("productId" = ProductId, Path), MovementParams),
    responses((status = 200, body = Page<StockMovement>), (status = 404)))]
pub(super) async fn list_movements(
    State(app): State<App>,
    caller: Caller,
    Path(product_id): Path<ProductId>,
    Query(p): Query<MovementParams>,
) -> Result<axum::Json<Page<StockMovement>>, Problem> {
    let filter = MovementFilter { product_id, variant_id: p.variant_id, warehouse_id: p.warehouse_id };
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("movements {filter:?}"))?;
    let seller = seller(&app, &caller).await?;
    let found = app.movements(seller, filter, page.clone()).await?;
    Ok(axum::Json(page.page(found, |m| After { time: m.created_at, id: m.id })))
}
