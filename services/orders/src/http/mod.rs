//! Orders over HTTP.

mod carriers;
mod fulfilment;
mod imports;
mod invoice;
mod orders;
mod pages;
mod quotes;
mod returns;
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
        .add_limited(Who::Roles(&[Role::Admin]), 8 << 20, 60, routes!(imports::import_orders))
        .add(Who::Roles(&[Role::Admin]), routes!(imports::export_orders))
        .add(Who::Guest, routes!(orders::get_order))
        .add(Who::Guest, routes!(pages::show_order))
        .add(Who::Public, routes!(pages::show_vendor_order))
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
        .add(Who::Guest, routes!(quotes::quote_cart))
        .add(Who::Public, routes!(quotes::quote_shipping))
        .add(Who::Public, routes!(carriers::receive_carrier_webhook))
        .add(Who::Roles(&[Role::Admin]), routes!(carriers::list_carrier_messages))
        .add(Who::Roles(&[Role::Admin]), routes!(carriers::replay_carrier_message))
        .add(Who::Public, routes!(carriers::list_development_carriers))
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

/// Whoever has the token has the cart and the orders: a shorter one could be guessed.
const CART_TOKEN_LENGTH_MIN: usize = 32;

/// The token of a guest; none of somebody signed in.
fn guest_token(caller: &Caller) -> Result<Option<String>, Problem> {
    match &caller.cart_token {
        Some(token) if caller.user.is_none() && token.len() < CART_TOKEN_LENGTH_MIN => {
            Err(Problem::bad_request("invalid_cart_token", "send X-Cart-Token as it was given to you"))
        }
        token => Ok(token.clone().filter(|_| caller.user.is_none())),
    }
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
