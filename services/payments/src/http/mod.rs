//! Payments and the ledger over HTTP.

mod cash;
mod ledger;
mod payments;
mod statements;
mod webhooks;

use kit::http::{Routes, Who};
use kit::problem::FieldError;
use kit::{Caller, Problem, Role};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

use crate::app::App;
use crate::store::Owner;

const ADMINS: &[Role] = &[Role::Admin];
const SELLERS: &[Role] = &[Role::Vendor, Role::Admin];

/// How long a route that asks a provider may take, in seconds.
const PROVIDER_TIMEOUT_SECONDS: u64 = 60;

/// Every route of payments.
pub(crate) fn routes() -> Routes<App> {
    Routes::new("payments")
        .add_limited(Who::Guest, 4 * 1024, 30, routes!(payments::initiate))
        .add_limited(Who::Guest, 4 * 1024, PROVIDER_TIMEOUT_SECONDS, routes!(payments::confirm))
        .add(Who::Public, routes!(payments::methods))
        .add(Who::User, routes!(payments::history))
        .add(Who::Guest, routes!(payments::of_order))
        .add(Who::Guest, routes!(payments::get_payment))
        .add_limited(Who::Roles(SELLERS), 4 * 1024, PROVIDER_TIMEOUT_SECONDS, routes!(payments::refund))
        .add(Who::Roles(ADMINS), routes!(cash::settle_refund))
        .add(Who::Roles(SELLERS), routes!(cash::list_cash))
        .add(Who::Roles(SELLERS), routes!(cash::collect))
        .add(Who::Roles(ADMINS), routes!(cash::write_off))
        .add(Who::Roles(ADMINS), routes!(cash::remit, cash::remittances))
        .add(Who::Public, routes!(webhooks::receive_webhook))
        .add(Who::Roles(ADMINS), routes!(webhooks::list_webhooks))
        .add(Who::Roles(ADMINS), routes!(webhooks::replay_webhook))
        .add(Who::Roles(ADMINS), routes!(ledger::trial_balance))
        .add(Who::Roles(ADMINS), routes!(ledger::accounts))
        .add(Who::Roles(ADMINS), routes!(ledger::entries))
        .add(Who::Roles(SELLERS), routes!(statements::statement))
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

/// `403` for whoever is no administrator: the gateway has checked it, and money is worth a second look.
fn admin(caller: &Caller) -> Result<(), Problem> {
    if caller.has(ADMINS) { Ok(()) } else { Err(Problem::forbidden("this is an administrator's")) }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PageParams {
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
}

/// The longest text that a caller may leave, in characters.
const TEXT_MAX: usize = 500;

/// What somebody writes for others to read, trimmed.
fn text(pointer: &str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > TEXT_MAX || text.chars().any(|c| c.is_control() && c != '\n') {
        let detail = format!("expected 1 to {TEXT_MAX} characters without control characters");
        return Err(Problem::invalid(vec![FieldError { pointer: pointer.into(), code: "invalid_length", detail }]));
    }
    Ok(text.to_owned())
}
