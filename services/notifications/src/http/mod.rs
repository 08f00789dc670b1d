//! Messages and webhooks over HTTP.

mod deliveries;
mod inbox;
mod mailbox;
mod page;
mod preferences;
mod push;
mod send;
mod stream;
mod templates;
mod unsubscribe;
mod webhooks;

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
/// Who has events sent somewhere.
const WEBHOOK_OWNERS: &[Role] = &[Role::Vendor, Role::Admin];
/// The largest body with a list of recipients.
const LIST_BYTES_MAX: usize = 1024 * 1024;

fn sender(caller: &Caller) -> Result<&User, Problem> {
    let user = caller.user()?;
    if caller.has(SENDERS) { Ok(user) } else { Err(Problem::forbidden("only administrators and other programs may do this")) }
}

fn webhook_owner(caller: &Caller) -> Result<&User, Problem> {
    let user = caller.user()?;
    if caller.has(WEBHOOK_OWNERS) { Ok(user) } else { Err(Problem::forbidden("only stores and administrators may do this")) }
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
        .add(Who::User, routes!(inbox::list_notifications))
        .add(Who::User, routes!(inbox::history))
        .add(Who::User, routes!(inbox::list_notifications_of_user))
        .add(Who::User, routes!(inbox::mark_read))
        .add(Who::User, routes!(inbox::mark_all_read))
        .add(Who::User, routes!(stream::follow))
        .add(Who::User, routes!(preferences::get_preferences, preferences::put_preferences))
        .add(Who::User, routes!(preferences::get_preferences_of_user, preferences::put_preferences_of_user))
        .add(Who::User, routes!(push::list_push_tokens, push::put_push_token))
        .add(Who::User, routes!(push::delete_push_token))
        .add(Who::Public, routes!(unsubscribe::ask, unsubscribe::turn_off))
        .add(Who::Roles(SENDERS), routes!(send::send))
        .add_limited(Who::Roles(SENDERS), LIST_BYTES_MAX, 30, routes!(send::bulk))
        .add(Who::Roles(SENDERS), routes!(send::broadcast))
        .add(Who::Roles(SENDERS), routes!(send::get_bulk))
        .add(Who::Roles(SENDERS), routes!(send::bulk_failures))
        .add(Who::Roles(ADMINS), routes!(deliveries::list_deliveries))
        .add(Who::Roles(ADMINS), routes!(deliveries::retry_delivery))
        .add(Who::Roles(WEBHOOK_OWNERS), routes!(webhooks::create_webhook, webhooks::list_webhooks))
        .add(Who::Roles(WEBHOOK_OWNERS), routes!(webhooks::get_webhook, webhooks::put_webhook, webhooks::delete_webhook))
        .add(Who::Roles(WEBHOOK_OWNERS), routes!(webhooks::rotate_secret))
        .add(Who::Roles(WEBHOOK_OWNERS), routes!(webhooks::deliveries::list_webhook_deliveries))
        .add(Who::Roles(WEBHOOK_OWNERS), routes!(webhooks::deliveries::redeliver_webhook))
        .add(Who::Roles(WEBHOOK_OWNERS), routes!(webhooks::deliveries::test_webhook))
        .add(Who::Roles(ADMINS), routes!(templates::list_templates))
        .add_limited(
            Who::Roles(ADMINS),
            TEMPLATE_BYTES_MAX,
            30,
            routes!(templates::get_template, templates::put_template, templates::reset_template),
        )
        .add_limited(Who::Roles(ADMINS), TEMPLATE_BYTES_MAX, 30, routes!(templates::preview_template))
}

fn mailbox(routes: Routes<App>) -> Routes<App> {
    routes
        .add(Who::Public, routes!(mailbox::show_page))
        .add(Who::Public, routes!(mailbox::list_mails))
        .add(Who::Public, routes!(mailbox::list_mails_of_api))
}
