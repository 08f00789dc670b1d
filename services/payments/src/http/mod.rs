//! Payments and the ledger over HTTP.

mod ledger;
mod payments;
mod webhooks;

use kit::http::{Routes, Who};
use kit::{Caller, Problem, Role};
use utoipa_axum::routes;

use crate::app::App;
use crate::store::Owner;

const ADMINS: &[Role] = &[Role::Admin];
const REFUNDERS: &[Role] = &[Role::Vendor, Role::Admin];

/// How long a route that asks a provider may take, in seconds.
const PROVIDER_TIMEOUT_SECONDS: u64 = 60;

/// Every route of payments.
pub(crate) fn routes() -> Routes<App> {
    Routes::new("payments")
        .add_limited(Who::Guest, 4 * 1024, PROVIDER_TIMEOUT_SECONDS, routes!(payments::confirm))
        .add(Who::Public, routes!(payments::methods))
        .add(Who::User, routes!(payments::history))
        .add(Who::Guest, routes!(payments::of_order))
        .add(Who::Guest, routes!(payments::get_payment))
        .add_limited(Who::Roles(REFUNDERS), 4 * 1024, PROVIDER_TIMEOUT_SECONDS, routes!(payments::refund))
        .add(Who::Public, routes!(webhooks::receive))
        .add(Who::Roles(ADMINS), routes!(ledger::trial_balance))
        .add(Who::Roles(ADMINS), routes!(ledger::accounts))
        .add(Who::Roles(ADMINS), routes!(ledger::entries))
}

/// Whose payments a caller may see: everybody's with one of `roles`, else the caller's own. `401` for nobody.
fn owner(caller: &Caller, roles: &[Role]) -> Result<Owner, Problem> {
    match (&caller.user, caller.guest_hash()) {
        (Some(_), _) if caller.has(roles) => Ok(Owner::Anybody),
        (Some(user), _) => Ok(Owner::User(user.id)),
        (None, Some(hash)) => Ok(Owner::Guest(hash)),
        (None, None) => Err(Problem::unauthenticated("sign in, or send the X-Cart-Token of the order")),
    }
}
