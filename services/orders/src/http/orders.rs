//! What a shopper does with orders.

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use contracts::{OrderId, Time, UserId};
use kit::http::{After, Ifs, Json, Page, PageRequest, Path, Query, etag, required_idempotency_key, respond};
use kit::{Caller, Problem, Role, idempotency};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ListParams, changer, guest_token, reader};
use crate::app::view::{self, OrderView, TrackingView};
use crate::app::{App, Change, Found, Place, Placed};
use crate::domain::{self, CheckoutInput, ContactChange, Shopper};
use crate::error::Error;
use crate::store::Filter;

/// Orders the caller's cart, or listed items. The answer comes when the payer can act, or after 10 s.
#[utoipa::path(post, path = "/api/v1/orders", tag = "orders", request_body = CheckoutInput,
    params(("Idempotency-Key" = String, Header)),
    responses((status = 201, body = OrderView), (status = 401), (status = 409, description = "out_of_stock, price_changed, quote_expired, quote_mismatch"), (status = 422)))]
pub(super) async fn place_order(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(input, raw): Json<CheckoutInput>,
) -> Result<Response, Problem> {
    let who = reader(&caller)?;
    let key = required_idempotency_key(&headers, &caller, "POST /orders", &raw)?;
    let shopper = if who.user.is_some() { Shopper::User } else { Shopper::Guest };
    let checkout = domain::check(input, shopper, &app.config.payment_methods).map_err(Error::Invalid)?;
    let guest = guest_token(&caller)?.zip(who.guest);
    match app.place(Place { user: who.user, guest, checkout, key }).await? {
        Placed::Now(answer) => Ok(respond(answer, false)),
        Placed::Before(answer) => Ok(respond(answer, true)),
        Placed::Running => Err(idempotency::still_running()),
        Placed::Mismatch => Err(idempotency::mismatch()),
    }
}

/// The caller's orders, newest first.
#[utoipa::path(get, path = "/api/v1/orders", tag = "orders", params(ListParams), responses((status = 200, body = Page<OrderView>), (status = 401)))]
pub(super) async fn list_orders(
    State(app): State<App>,
    caller: Caller,
    Query(p): Query<ListParams>,
) -> Result<axum::Json<Page<OrderView>>, Problem> {
    let owner = reader(&caller)?.own().ok_or_else(|| Problem::unauthenticated("sign in first"))?;
    list(&app, owner, p).await
}

/// A user's orders, newest first: one's own, or anybody's for support.
#[utoipa::path(get, path = "/api/v1/orders/user/{userId}", tag = "orders", params(("userId" = UserId, Path), ListParams),
    responses((status = 200, body = Page<OrderView>), (status = 404)))]
pub(super) async fn list_orders_of_user(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<UserId>,
    Query(p): Query<ListParams>,
) -> Result<axum::Json<Page<OrderView>>, Problem> {
    if caller.user()?.id != user && !caller.has(&[Role::Support, Role::Admin]) {
        return Err(Problem::not_found("user"));
    }
    list(&app, Filter::User(user), p).await
}

async fn list(app: &App, owner: Filter, p: ListParams) -> Result<axum::Json<Page<OrderView>>, Problem> {
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("orders {owner:?}"))?;
    let found = app.orders(owner, page.clone()).await?;
    let page = page.page(found, |f| After { time: f.order.created_at, id: f.order.id.0 });
    let data = page.data.iter().map(|f| view::order(&f.order, &f.contact)).collect();
    Ok(axum::Json(Page { data, next_cursor: page.next_cursor }))
}

/// One order. With `Prefer: wait=10` (RFC 7240) the answer comes when the order no longer waits to be paid, or after so
/// many seconds, 20 at most: for the page to which the payer returns.
#[utoipa::path(get, path = "/api/v1/orders/{id}", tag = "orders", params(("id" = OrderId, Path), ("Prefer" = Option<String>, Header)),
    responses((status = 200, body = OrderView), (status = 401), (status = 404)))]
pub(super) async fn get_order(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<OrderId>,
    headers: HeaderMap,
) -> Result<Tagged<OrderView>, Problem> {
    let who = reader(&caller)?;
    let found = match preferred_wait(&headers) {
        Some(wait) => app.order_once_settled(who, id, wait).await?,
        None => app.order(who, id).await?,
    };
    Ok(tagged(&found))
}

/// How long a caller prefers to wait; what cannot be understood is no preference.
fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let preferences = headers.get_all("prefer").iter().filter_map(|h| h.to_str().ok()).flat_map(|h| h.split(','));
    let seconds = preferences.filter_map(|p| p.trim().strip_prefix("wait=")?.trim().parse::<u64>().ok()).next()?;
    Some(Duration::from_secs(seconds.min(WAIT_SECONDS_MAX)))
}

/// Longer than this nobody waits for an order: connections between here and the caller are cut.
const WAIT_SECONDS_MAX: u64 = 20;

/// With an entity tag.
type Tagged<T> = ([(&'static str, String); 1], axum::Json<T>);

fn tagged(found: &Found) -> Tagged<OrderView> {
    ([("etag", etag(found.version))], axum::Json(view::order(&found.order, &found.contact)))
}

/// What happened to the order.
#[derive(Serialize, ToSchema)]
pub(super) struct OrderHistoryEvent {
    id: Uuid,
    r#type: String,
    /// From 1, without holes.
    sequence: i64,
    time: Time,
    data: serde_json::Value,
}

#[derive(Serialize, ToSchema)]
pub(super) struct OrderHistory {
    data: Vec<OrderHistoryEvent>,
}

/// Everything that happened to an order, oldest first.
#[utoipa::path(get, path = "/api/v1/orders/{id}/events", tag = "orders", params(("id" = OrderId, Path)),
    responses((status = 200, body = OrderHistory), (status = 401), (status = 404)))]
pub(super) async fn list_order_events(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<OrderId>,
) -> Result<axum::Json<OrderHistory>, Problem> {
    let who = reader(&caller)?;
    let staff = who.staff;
    let event = |e: contracts::Envelope| {
        let mut data = e.json();
        if !staff {
            hide_what_is_the_stores(&mut data);
        }
        OrderHistoryEvent { id: e.id, r#type: e.kind, sequence: e.sequence, time: e.time, data }
    };
    let data = app.events(who, id).await?.into_iter().map(event).collect();
    Ok(axum::Json(OrderHistory { data }))
}

/// Commission is between the store and the marketplace.
fn hide_what_is_the_stores(data: &mut serde_json::Value) {
    let parts = data.get_mut("parts").and_then(|p| p.as_array_mut()).into_iter().flatten();
    let lines = parts.filter_map(|p| p.get_mut("lines")?.as_array_mut()).flatten();
    for line in lines.filter_map(|l| l.as_object_mut()) {
        line.shift_remove("commission");
        line.shift_remove("commissionBasisPoints");
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct OrderTracking {
    data: Vec<TrackingView>,
}

/// The way of each part to the shopper, with what its carrier tells.
#[utoipa::path(get, path = "/api/v1/orders/{id}/tracking", tag = "orders", params(("id" = OrderId, Path)),
    responses((status = 200, body = OrderTracking), (status = 401), (status = 404)))]
pub(super) async fn track_order(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<OrderId>,
) -> Result<axum::Json<OrderTracking>, Problem> {
    let (order, told) = app.track(reader(&caller)?, id).await?;
    Ok(axum::Json(OrderTracking { data: view::tracking(&order, &told) }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelBody {
    /// Why; 1 to 500 characters.
    reason: Option<String>,
}

/// Calls an order off, until a part has shipped. The money follows by itself.
#[utoipa::path(put, path = "/api/v1/orders/{id}/cancel", tag = "orders",
    params(("id" = OrderId, Path), ("If-Match" = Option<String>, Header)), request_body = Option<CancelBody>,
    responses((status = 200, body = OrderView), (status = 401), (status = 404), (status = 409, description = "illegal_transition"), (status = 422)))]
pub(super) async fn cancel_order(
    State(app): State<App>,
    caller: Caller,
    ifs: Ifs,
    Path(id): Path<OrderId>,
    body: Option<Json<CancelBody>>,
) -> Result<Tagged<OrderView>, Problem> {
    let viewer = changer(&caller)?;
    let reason = body.as_ref().and_then(|Json(body, _)| body.reason.as_deref()).unwrap_or("no reason given");
    let reason = domain::words("/reason", reason).map_err(|e| Error::Invalid(vec![e]))?;
    let found = app.cancel(Change { viewer, order: id, ifs }, reason).await?;
    Ok(tagged(&found))
}

/// Changes what may still change until a store packs: where the goods go, and the note. What is left out stays.
#[utoipa::path(put, path = "/api/v1/orders/{id}", tag = "orders",
    params(("id" = OrderId, Path), ("If-Match" = Option<String>, Header)), request_body = ContactChange,
    responses((status = 200, body = OrderView), (status = 401), (status = 404), (status = 409, description = "order_packed"), (status = 412), (status = 422)))]
pub(super) async fn update_order(
    State(app): State<App>,
    caller: Caller,
    ifs: Ifs,
    Path(id): Path<OrderId>,
    Json(body, _): Json<ContactChange>,
) -> Result<Tagged<OrderView>, Problem> {
    let viewer = changer(&caller)?;
    Ok(tagged(&app.update(Change { viewer, order: id, ifs }, body).await?))
}
