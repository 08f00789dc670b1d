//! What comes back: asked for by shoppers, answered by stores.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use contracts::{OrderId, OrderLineId, ReturnId, VariantId};
use kit::http::{After, Json, Page, PageRequest, Path, Query, etag, idempotency_key, respond};
use kit::{Caller, Problem, Role};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::vendor::stores;
use super::{changer, reader};
use crate::app::view::{self, ReturnView};
use crate::app::{App, FoundReturn, Named, ReturnRequest, StoreSays, Wanted};
use crate::domain::{RETURN_LINES_MAX, ReturnStatus, field, words};
use crate::error::Error;

/// A return with the entity tag of its order.
type Tagged = ([(&'static str, String); 1], axum::Json<ReturnView>);

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReturnBody {
    /// What comes back, all of one store.
    items: Vec<ReturnItemBody>,
    /// Why; 1 to 500 characters.
    reason: Option<String>,
}

/// Pieces of a line, which is named by its id or by its variant.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReturnItemBody {
    /// The line.
    line_id: Option<OrderLineId>,
    /// Or what it sold.
    variant_id: Option<VariantId>,
    /// How many; at most what was delivered and has not come back.
    quantity: i64,
}

/// Asks to send pieces of a delivered part back, until the order is completed.
#[utoipa::path(post, path = "/api/v1/orders/{id}/return", tag = "orders",
    params(("id" = OrderId, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = ReturnBody,
    responses((status = 201, body = ReturnView), (status = 401), (status = 404), (status = 409, description = "return_exceeds_delivered, illegal_transition"), (status = 422)))]
pub(super) async fn request_return(
    State(app): State<App>,
    caller: Caller,
    Path(order): Path<OrderId>,
    headers: HeaderMap,
    Json(body, raw): Json<ReturnBody>,
) -> Result<Response, Problem> {
    let viewer = changer(&caller)?;
    let key = idempotency_key(&headers, &caller, &format!("POST /orders/{order}/return"), &raw)?;
    let reason = words("/reason", body.reason.as_deref().unwrap_or("no reason given")).map_err(|e| Error::Invalid(vec![e]))?;
    let items = wanted(body.items)?;
    let (answer, replayed) = app.request_return(ReturnRequest { viewer, order, items, reason, key }).await?;
    Ok(respond(answer, replayed))
}

fn wanted(items: Vec<ReturnItemBody>) -> Result<Vec<Wanted>, Error> {
    if items.is_empty() || items.len() > RETURN_LINES_MAX {
        return Err(Error::Invalid(vec![field("/items", "length", format!("a return has 1 to {RETURN_LINES_MAX} items"))]));
    }
    let one = |(i, item): (usize, ReturnItemBody)| match (item.line_id, item.variant_id) {
        (Some(line), None) => Ok(Wanted { what: Named::Line(line), quantity: item.quantity }),
        (None, Some(variant)) => Ok(Wanted { what: Named::Variant(variant), quantity: item.quantity }),
        _ => Err(Error::Invalid(vec![field(format!("/items/{i}"), "ambiguous", "an item names a lineId or a variantId, and not both")])),
    };
    items.into_iter().enumerate().map(one).collect()
}

#[derive(Serialize, ToSchema)]
pub(super) struct Returns {
    data: Vec<ReturnView>,
}

/// The returns of an order, oldest first.
#[utoipa::path(get, path = "/api/v1/orders/{id}/returns", tag = "orders", params(("id" = OrderId, Path)),
    responses((status = 200, body = Returns), (status = 401), (status = 404)))]
pub(super) async fn list_returns(State(app): State<App>, caller: Caller, Path(id): Path<OrderId>) -> Result<axum::Json<Returns>, Problem> {
    let found = app.order(reader(&caller)?, id).await?;
    Ok(axum::Json(Returns { data: view::returns(&found.order) }))
}

/// One return, for its shopper and its store.
#[utoipa::path(get, path = "/api/v1/returns/{id}", tag = "orders", params(("id" = ReturnId, Path)),
    responses((status = 200, body = ReturnView), (status = 401), (status = 404)))]
pub(super) async fn get_return(State(app): State<App>, caller: Caller, Path(id): Path<ReturnId>) -> Result<Tagged, Problem> {
    let viewer = reader(&caller)?;
    let own = match viewer.user {
        Some(user) if caller.has(&[Role::Vendor]) => app.stores_of(user).await?,
        _ => Vec::new(),
    };
    tagged(&app.return_for(viewer, own, id).await?)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReturnListParams {
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
    /// In this state only.
    status: Option<ReturnStatus>,
}

/// The returns to the caller's stores, newest first.
#[utoipa::path(get, path = "/api/v1/vendor/returns", tag = "orders", params(ReturnListParams), responses((status = 200, body = Page<ReturnView>)))]
pub(super) async fn list_vendor_returns(
    State(app): State<App>,
    caller: Caller,
    Query(p): Query<ReturnListParams>,
) -> Result<axum::Json<Page<ReturnView>>, Problem> {
    let stores = app.stores_of(caller.user()?.id).await?;
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("vendor returns {stores:?} {:?}", p.status))?;
    let found = app.returns(stores, p.status, page.clone()).await?;
    let time = |f: &FoundReturn| f.order.return_of(f.id).map_or(f.order.created_at, |r| r.created_at);
    let page = page.page(found, |f| After { time: time(f), id: f.id.0 });
    let data = page.data.iter().filter_map(|f| view::return_of(&f.order, f.id)).collect();
    Ok(axum::Json(Page { data, next_cursor: page.next_cursor }))
}

/// The store takes it back: the shopper may send it.
#[utoipa::path(post, path = "/api/v1/returns/{id}/approve", tag = "orders", params(("id" = ReturnId, Path)),
    responses((status = 200, body = ReturnView), (status = 404), (status = 409, description = "illegal_transition")))]
pub(super) async fn approve_return(State(app): State<App>, caller: Caller, Path(id): Path<ReturnId>) -> Result<Tagged, Problem> {
    tagged(&app.answer_return(stores(&app, &caller).await?, id, StoreSays::Approve).await?)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RejectBody {
    /// Why; 1 to 500 characters.
    reason: String,
}

/// The store does not take it back, or it never came.
#[utoipa::path(post, path = "/api/v1/returns/{id}/reject", tag = "orders", params(("id" = ReturnId, Path)), request_body = RejectBody,
    responses((status = 200, body = ReturnView), (status = 404), (status = 409, description = "illegal_transition"), (status = 422)))]
pub(super) async fn reject_return(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ReturnId>,
    Json(body, _): Json<RejectBody>,
) -> Result<Tagged, Problem> {
    let reason = words("/reason", &body.reason).map_err(|e| Error::Invalid(vec![e]))?;
    tagged(&app.answer_return(stores(&app, &caller).await?, id, StoreSays::Reject(reason)).await?)
}

/// The goods are with the store: their money goes back, and they can be sold again.
#[utoipa::path(post, path = "/api/v1/returns/{id}/receive", tag = "orders", params(("id" = ReturnId, Path)),
    responses((status = 200, body = ReturnView), (status = 404), (status = 409, description = "illegal_transition")))]
pub(super) async fn receive_return(State(app): State<App>, caller: Caller, Path(id): Path<ReturnId>) -> Result<Tagged, Problem> {
    tagged(&app.answer_return(stores(&app, &caller).await?, id, StoreSays::Receive).await?)
}

fn tagged(found: &FoundReturn) -> Result<Tagged, Problem> {
    let view = view::return_of(&found.order, found.id).ok_or_else(|| Problem::not_found("return"))?;
    Ok(([("etag", etag(found.version))], axum::Json(view)))
}
