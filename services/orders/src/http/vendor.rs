//! What a store does with its parts of orders.

use axum::extract::State;
use contracts::{Money, VendorId, VendorOrderId};
use kit::http::{After, Ifs, Json, Page, PageRequest, Path, Query, etag};
use kit::{Caller, Problem, Role};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::view::{self, VendorOrderView};
use crate::app::{App, FoundPart, PartChange, Which};
use crate::domain::{Move, PartStatus, Tracking, field, words};
use crate::error::Error;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct VendorListParams {
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
    /// In this state only.
    status: Option<PartStatus>,
    /// Of this one of the caller's stores only.
    #[serde(rename = "vendorId")]
    #[param(rename = "vendorId")]
    vendor_id: Option<VendorId>,
}

/// The parts of the caller's stores, newest first.
#[utoipa::path(get, path = "/api/v1/vendor/orders", tag = "orders",
    params(VendorListParams), responses((status = 200, body = Page<VendorOrderView>)))]
pub(super) async fn list_vendor_orders(
    State(app): State<App>,
    caller: Caller,
    Query(p): Query<VendorListParams>,
) -> Result<axum::Json<Page<VendorOrderView>>, Problem> {
    let mut stores = app.stores_of(caller.user()?.id).await?;
    if let Some(wanted) = p.vendor_id {
        stores.retain(|store| *store == wanted);
        if stores.is_empty() {
            return Err(Problem::not_found("store"));
        }
    }
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("vendor orders {stores:?} {:?}", p.status))?;
    let found = app.parts(stores, p.status, page.clone()).await?;
    let page = page.page(found, |f| After { time: f.found.order.created_at, id: f.part.0 });
    let data = page.data.iter().map(view).collect::<Result<_, Problem>>()?;
    Ok(axum::Json(Page { data, next_cursor: page.next_cursor }))
}

/// One part.
#[utoipa::path(get, path = "/api/v1/vendor/orders/{id}", tag = "orders", params(("id" = VendorOrderId, Path)),
    responses((status = 200, body = VendorOrderView), (status = 404)))]
pub(super) async fn get_vendor_order(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<VendorOrderId>,
) -> Result<([(&'static str, String); 1], axum::Json<VendorOrderView>), Problem> {
    let found = app.part(stores(&app, &caller).await?, id).await?;
    Ok(([("etag", etag(found.found.version))], axum::Json(view(&found)?)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusBody {
    /// `processing`, `shipped` or `delivered`, each after the one before; `refused` where it was not taken at the door.
    status: String,
    /// Who carries it, when it ships.
    tracking: Option<Tracking>,
    /// With `delivered`, where it is paid in cash: what was taken at the door, if it is not all that was due.
    collected: Option<Money>,
}

/// Moves a part on.
#[utoipa::path(put, path = "/api/v1/vendor/orders/{id}/status", tag = "orders",
    params(("id" = VendorOrderId, Path), ("If-Match" = Option<String>, Header)), request_body = StatusBody,
    responses((status = 200, body = VendorOrderView), (status = 404), (status = 409, description = "illegal_transition, with what is allowed"), (status = 422)))]
pub(super) async fn put_vendor_order_status(
    State(app): State<App>,
    caller: Caller,
    ifs: Ifs,
    Path(part): Path<VendorOrderId>,
    Json(body, _): Json<StatusBody>,
) -> Result<([(&'static str, String); 1], axum::Json<VendorOrderView>), Problem> {
    let step = step(&body.status, body.tracking, body.collected).map_err(Error::Invalid)?;
    let stores = stores(&app, &caller).await?;
    let found = app.advance_part(part, PartChange { stores, which: Which::Part(part), ifs, step }).await?;
    Ok(([("etag", etag(found.found.version))], axum::Json(view(&found)?)))
}

/// What a store says of its part, checked.
pub(super) fn step(status: &str, tracking: Option<Tracking>, collected: Option<Money>) -> Result<Move, Vec<kit::problem::FieldError>> {
    let mut errors = Vec::new();
    let to = PartStatus::parse(status);
    if to.is_none() {
        let text = format!("expected processing, shipped, delivered or refused, found {status:?}");
        errors.push(field("/status", "unknown_status", text));
    }
    if let Some(tracking) = &tracking {
        let texts = [("/tracking/carrier", &tracking.carrier), ("/tracking/number", &tracking.number)];
        errors.extend(texts.iter().filter_map(|(pointer, text)| words(pointer, text.as_deref()?).err()));
    }
    match to {
        Some(to) if errors.is_empty() => Ok(Move { to, tracking, collected }),
        _ => Err(errors),
    }
}

/// The stores whose parts the caller may see; `None`: all of them.
pub(super) async fn stores(app: &App, caller: &Caller) -> Result<Option<Vec<VendorId>>, Problem> {
    if caller.has(&[Role::Admin]) {
        return Ok(None);
    }
    Ok(Some(app.stores_of(caller.user()?.id).await?))
}

fn view(found: &FoundPart) -> Result<VendorOrderView, Problem> {
    let order = &found.found.order;
    let part = order.part(found.part).ok_or_else(|| Problem::internal("the list names a part that its order does not have"))?;
    Ok(view::vendor_order(order, part, &found.found.contact))
}
