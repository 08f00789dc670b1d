//! Messages over HTTP.

mod deliveries;
mod inbox;
mod mailbox;
mod page;
mod preferences;
mod send;
mod stream;
mod templates;
mod unsubscribe;

use axum::Router;
use kit::auth::User;
use kit::http::{Routes, Who};
use kit::{Caller, Problem, Role};
use utoipa_axum::routes;

use crate::app::App;
use crate::domain::Kind;

/// Every route of notifications.
pub(crate) fn routes() -> Routes<App> {
    mailbox(everywhere())
}

/// What is served: the mailbox in development only, whatever a gateway lets through.
pub(crate) fn served(app: App, development: bool) -> Router {
    if development { routes().build(app) } else { everywhere().build(app) }
}

/// The largest body with a template: its longest parts, in characters of four bytes.
const TEMPLATE_BYTES_MAX: usize = 320 * 1024;

/// Who runs notifications.
const ADMINS: &[Role] = &[Role::Admin];

/// Who sends messages: administrators, and other programs.
const SENDERS: &[Role] = &[Role::Admin, Role::Service];
/// The largest body with a list of recipients.
const LIST_BYTES_MAX: usize = 1024 * 1024;

fn sender(caller: &Caller) -> Result<&User, Problem> {
    let user = caller.user()?;
    if caller.has(SENDERS) { Ok(user) } else { Err(Problem::forbidden("only administrators and other programs may do this")) }
}

fn admin(caller: &Caller) -> Result<&User, Problem> {
    let user = caller.user()?;
    if caller.has(ADMINS) { Ok(user) } else { Err(Problem::forbidden("only administrators may do this")) }
}

/// Which channels a kind of message goes on, in words.
fn goes_on(kind: Kind) -> String {
    let known: Vec<&str> = kind.channels().iter().map(|c| c.as_str()).collect();
    format!("{} goes on {} only", kind.as_str(), known.join(" and "))
}

fn everywhere() -> Routes<App> {
    Routes::new("notifications")
        .add(Who::User, routes!(inbox::list))
        .add(Who::User, routes!(inbox::history))
        .add(Who::User, routes!(inbox::list_of_user))
        .add(Who::User, routes!(inbox::mark_read))
        .add(Who::User, routes!(inbox::mark_all_read))
        .add(Who::User, routes!(stream::follow))
        .add(Who::User, routes!(preferences::get, preferences::put))
        .add(Who::User, routes!(preferences::get_of_user, preferences::put_of_user))
        .add(Who::Public, routes!(unsubscribe::ask, unsubscribe::turn_off))
        .add(Who::Roles(SENDERS), routes!(send::send))
        .add_limited(Who::Roles(SENDERS), LIST_BYTES_MAX, 30, routes!(send::bulk))
        .add(Who::Roles(SENDERS), routes!(send::broadcast))
        .add(Who::Roles(SENDERS), routes!(send::get_bulk))
        .add(Who::Roles(SENDERS), routes!(send::bulk_failures))
        .add(Who::Roles(ADMINS), routes!(deliveries::list))
        .add(Who::Roles(ADMINS), routes!(deliveries::retry))
        .add(Who::Roles(ADMINS), routes!(templates::list))
        .add_limited(Who::Roles(ADMINS), TEMPLATE_BYTES_MAX, 30, routes!(templates::get, templates::put, templates::reset))
        .add_limited(Who::Roles(ADMINS), TEMPLATE_BYTES_MAX, 30, routes!(templates::preview))
}

fn mailbox(routes: Routes<App>) -> Routes<App> {
    routes
        .add(Who::Public, routes!(mailbox::show_page))
        .add(Who::Public, routes!(mailbox::list))
        .add(Who::Public, routes!(mailbox::list_of_api))
}
