//! What stores do with their parts of an order, named by the order: each moves its own, administrators move all or the one
//! they name.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use contracts::{Money, OrderId, VendorOrderId};
use kit::http::{Ifs, Json, Path, etag, idempotency_key, respond};
use kit::{Caller, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::vendor::{step, stores};
use crate::app::view::FulfilmentView;
use crate::app::{App, PartChange, Which};
use crate::domain::{PartStatus, Tracking};
use crate::error::Error;

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct OrderStatusBody {
    /// `processing`, `shipped` or `delivered`, each after the one before; `refused` where it was not taken at the door.
    status: String,
    /// One part; all of the caller's stores where left out, for an administrator all.
    vendor_order_id: Option<VendorOrderId>,
    /// Who carries it, when it ships.
    tracking: Option<Tracking>,
    /// With `delivered` of one part, where it is paid in cash: what was taken at the door, if it is not all that was due.
    collected: Option<Money>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ShipBody {
    /// One part; all of the caller's stores where left out, for an administrator all.
    vendor_order_id: Option<VendorOrderId>,
    /// Who carries it.
    tracking: Option<Tracking>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DeliverBody {
    /// One part; all of the caller's stores where left out, for an administrator all.
    vendor_order_id: Option<VendorOrderId>,
    /// Of one part that is paid in cash: what was taken at the door, if it is not all that was due.
    collected: Option<Money>,
}

/// Moves parts of an order on: all or none. Those that are there already stay as they are.
#[utoipa::path(put, path = "/api/v1/orders/{id}/status", tag = "orders",
    params(("id" = OrderId, Path), ("If-Match" = Option<String>, Header)), request_body = OrderStatusBody,
    responses((status = 200, body = FulfilmentView), (status = 404), (status = 409, description = "illegal_transition, with what is allowed"), (status = 412), (status = 422)))]
pub(super) async fn put_order_status(
    State(app): State<App>,
    caller: Caller,
    ifs: Ifs,
    Path(order): Path<OrderId>,
    Json(body, _): Json<OrderStatusBody>,
) -> Result<Response, Problem> {
    let step = step(&body.status, body.tracking, body.collected).map_err(Error::Invalid)?;
    let change = PartChange { stores: stores(&app, &caller).await?, which: Which::Of(order, body.vendor_order_id), ifs, step };
    let (answer, version) = app.advance_order(change, None).await?;
    Ok(tagged(respond(answer, false), version))
}

/// Hands packed parts of an order to their carrier: all or none.
#[utoipa::path(post, path = "/api/v1/orders/{id}/ship", tag = "orders",
    params(("id" = OrderId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = Option<ShipBody>,
    responses((status = 200, body = FulfilmentView), (status = 404), (status = 409, description = "illegal_transition, with what is allowed"), (status = 422)))]
pub(super) async fn ship_order(
    State(app): State<App>,
    caller: Caller,
    Path(order): Path<OrderId>,
    headers: HeaderMap,
    body: Option<Json<ShipBody>>,
) -> Result<Response, Problem> {
    let Json(body, raw) = body.unwrap_or_default();
    let step = step(PartStatus::Shipped.as_str(), body.tracking, None).map_err(Error::Invalid)?;
    let key = idempotency_key(&headers, &caller, &format!("POST /orders/{order}/ship"), &raw)?;
    let change =
        PartChange { stores: stores(&app, &caller).await?, which: Which::Of(order, body.vendor_order_id), ifs: Ifs::default(), step };
    let (answer, version) = app.advance_order(change, key).await?;
    Ok(tagged(respond(answer, version.is_none()), version))
}

/// Says that shipped parts of an order have arrived: all or none.
#[utoipa::path(post, path = "/api/v1/orders/{id}/deliver", tag = "orders",
    params(("id" = OrderId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = Option<DeliverBody>,
    responses((status = 200, body = FulfilmentView), (status = 404), (status = 409, description = "illegal_transition, with what is allowed"), (status = 422)))]
pub(super) async fn deliver_order(
    State(app): State<App>,
    caller: Caller,
    Path(order): Path<OrderId>,
    headers: HeaderMap,
    body: Option<Json<DeliverBody>>,
) -> Result<Response, Problem> {
    let Json(body, raw) = body.unwrap_or_default();
    let step = step(PartStatus::Delivered.as_str(), None, body.collected).map_err(Error::Invalid)?;
    let key = idempotency_key(&headers, &caller, &format!("POST /orders/{order}/deliver"), &raw)?;
    let change =
        PartChange { stores: stores(&app, &caller).await?, which: Which::Of(order, body.vendor_order_id), ifs: Ifs::default(), step };
    let (answer, version) = app.advance_order(change, key).await?;
    Ok(tagged(respond(answer, version.is_none()), version))
}

/// With the order's entity tag, where it is known which version the answer shows.
fn tagged(mut response: Response, version: Option<i64>) -> Response {
    if let Some(Ok(tag)) = version.map(|v| HeaderValue::from_str(&etag(v))) {
        response.headers_mut().insert("etag", tag);
    }
    response
}
