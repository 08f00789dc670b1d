//! Orders over HTTP.

mod fulfilment;
mod invoice;
mod orders;
mod returns;
mod shipping;
mod vendor;

use kit::http::{Routes, Who};
use kit::{Caller, Problem, Role};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use crate::app::{App, Viewer};

const SELLERS: &[Role] = &[Role::Vendor, Role::Admin];

/// Every route of orders.
pub(crate) fn routes() -> Routes<App> {
    Routes::new("orders")
        .add(Who::Guest, routes!(orders::place_order))
        .add(Who::Guest, routes!(orders::list_orders))
        .add(Who::Guest, routes!(orders::get_order))
        .add(Who::User, routes!(orders::list_orders_of_user))
        .add(Who::Guest, routes!(orders::list_order_events))
        .add(Who::Guest, routes!(orders::track_order))
        .add(Who::Guest, routes!(invoice::get_invoice))
        .add(Who::Guest, routes!(orders::cancel_order))
        .add(Who::Guest, routes!(orders::update_order))
        .add(Who::Roles(SELLERS), routes!(fulfilment::put_order_status))
        .add(Who::Roles(SELLERS), routes!(fulfilment::ship_order))
        .add(Who::Roles(SELLERS), routes!(fulfilment::deliver_order))
        .add(Who::Guest, routes!(returns::request_return))
        .add(Who::Guest, routes!(returns::list_returns))
        .add(Who::Guest, routes!(returns::get_return))
        .add(Who::Roles(SELLERS), routes!(returns::approve_return))
        .add(Who::Roles(SELLERS), routes!(returns::reject_return))
        .add(Who::Roles(SELLERS), routes!(returns::receive_return))
        .add(Who::Roles(SELLERS), routes!(returns::list_vendor_returns))
        .add(Who::Public, routes!(shipping::quote_shipping))
        .add(Who::Roles(SELLERS), routes!(vendor::list_vendor_orders))
        .add(Who::Roles(SELLERS), routes!(vendor::get_vendor_order))
        .add(Who::Roles(SELLERS), routes!(vendor::put_vendor_order_status))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
}

/// Who reads: the owner, or staff.
fn reader(caller: &Caller) -> Result<Viewer, Problem> {
    viewer(caller, &[Role::Support, Role::Admin])
}

/// Who changes: the owner, or an administrator.
fn changer(caller: &Caller) -> Result<Viewer, Problem> {
    viewer(caller, &[Role::Admin])
}

fn viewer(caller: &Caller, staff: &[Role]) -> Result<Viewer, Problem> {
    let (user, guest) = (caller.user.as_ref().map(|u| u.id), caller.guest_hash());
    if user.is_none() && guest.is_none() {
        return Err(Problem::unauthenticated("sign in, or send the X-Cart-Token with which the order was placed"));
    }
    Ok(Viewer { user, guest, staff: caller.has(staff) })
}
