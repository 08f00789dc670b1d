//! Stores over HTTP.

mod commission;
mod figures;
mod page;
mod shipping;
mod staff;
mod stores;

use contracts::VendorId;
use kit::http::{Routes, Who};
use kit::{Caller, Problem, Role};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use crate::app::App;
use crate::domain::Store;
use crate::error::Error;

const VENDOR: Who = Who::Roles(&[Role::Vendor]);
const ADMIN: Who = Who::Roles(&[Role::Admin]);
const SELLERS: Who = Who::Roles(&[Role::Vendor, Role::Admin]);

/// Every route of stores.
pub(crate) fn routes() -> Routes<App> {
    Routes::new("vendors")
        .add(VENDOR, routes!(stores::my_store, stores::put_my_store))
        .add(Who::Public, routes!(stores::get_store))
        .add(SELLERS, routes!(stores::put_store))
        .add(VENDOR, routes!(figures::get_analytics))
        .add(SELLERS, routes!(figures::get_earnings))
        .add(SELLERS, routes!(figures::get_metrics))
        .add(VENDOR, routes!(staff::list_staff, staff::invite_staff))
        .add(VENDOR, routes!(staff::list_team))
        .add(VENDOR, routes!(staff::invite_to_team))
        .add(VENDOR, routes!(staff::remove_staff))
        .add(Who::User, routes!(staff::list_invitations))
        .add(Who::User, routes!(staff::accept_invitation))
        .add(Who::User, routes!(staff::decline_invitation))
        .add(Who::Public, routes!(page::show_invitations))
        .add(Who::Public, routes!(shipping::list_methods))
        .add_limited(VENDOR, 512 * 1024, 30, routes!(shipping::get_shipping, shipping::put_shipping))
        .add_limited(ADMIN, 512 * 1024, 30, routes!(commission::get_rules, commission::put_rules))
}

/// Which store.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StoreParams {
    /// One of the caller's stores; may be left out by who has or works in one alone, and by who works in others besides their own.
    vendor_id: Option<VendorId>,
}

/// The store that a vendor works in.
async fn own(app: &App, caller: &Caller, named: Option<VendorId>) -> Result<Store, Problem> {
    Ok(app.store_of(caller.user()?.id, named).await?)
}

/// The store of the owner, who alone decides who works there.
async fn owned(app: &App, caller: &Caller, named: Option<VendorId>) -> Result<VendorId, Problem> {
    let (store, user) = (own(app, caller, named).await?, caller.user()?.id);
    if store.owner_id == Some(user) { Ok(store.id) } else { Err(Error::NotOwner.into()) }
}
