//! Identity over HTTP.

mod addresses;
mod auth;
mod links;
mod pages;
mod photos;
mod roles;
mod sessions;
mod settings;
mod users;
mod well_known;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use contracts::{Time, UserId};
use kit::http::{After, Ifs, Routes, Who, etag};
use kit::{Caller, Problem, Role};
use serde::Serialize;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::{App, Origin};
use crate::domain::PHOTO_BYTES_MAX;

/// Who may read anybody's account.
const READERS: &[Role] = &[Role::Support, Role::Admin];
/// Who may change anybody's account.
const ADMINS: &[Role] = &[Role::Admin];

/// The largest form: a token, and two passwords of letters that take twelve bytes each on their way.
const FORM_BYTES_MAX: usize = 8 * 1024;

/// Every route of identity.
pub fn routes() -> Routes<App> {
    Routes::new("identity")
        .add(Who::Public, routes!(auth::register))
        .add(Who::Public, routes!(auth::login))
        .add(Who::Public, routes!(auth::refresh))
        .add(Who::User, routes!(auth::logout))
        .add(Who::Public, routes!(links::forgot_password))
        .add(Who::Public, routes!(links::reset_password))
        .add(Who::Public, routes!(links::verify_email))
        .add_limited(Who::Public, FORM_BYTES_MAX, 30, routes!(pages::ask_new_password, pages::set_new_password))
        .add_limited(Who::Public, FORM_BYTES_MAX, 30, routes!(pages::ask_to_verify, pages::verify))
        .add(Who::User, routes!(sessions::list_sessions))
        .add(Who::User, routes!(sessions::end_session))
        .add(Who::User, routes!(users::get_profile, users::put_profile))
        .add(Who::User, routes!(addresses::list_addresses, addresses::add_address))
        .add(Who::User, routes!(addresses::get_address, addresses::put_address, addresses::delete_address))
        .add(Who::Roles(ADMINS), routes!(users::list_users))
        .add(Who::User, routes!(users::get_user, users::put_user))
        .add_limited(Who::User, PHOTO_BYTES_MAX, 30, routes!(photos::get_photo, photos::put_photo, photos::delete_photo))
        .add(Who::User, routes!(settings::get_measurements, settings::put_measurements))
        .add(Who::User, routes!(settings::get_preferences, settings::put_preferences))
        .add(Who::Roles(ADMINS), routes!(roles::list_roles, roles::make_role))
        .add(Who::Roles(ADMINS), routes!(roles::get_role, roles::put_role, roles::delete_role))
        .add(Who::Roles(ADMINS), routes!(users::put_roles))
        .add(Who::Roles(ADMINS), routes!(users::activate))
        .add(Who::Roles(ADMINS), routes!(users::deactivate))
        .add(Who::Public, routes!(well_known::jwks))
        .add(Who::Public, routes!(well_known::openid_configuration))
}

/// Others do not exist for the caller, but for staff.
fn owner(caller: &Caller, id: UserId, staff: &[Role]) -> Result<(), Problem> {
    if caller.user()?.id == id || caller.has(staff) { Ok(()) } else { Err(Problem::not_found("user")) }
}

/// Where a request comes from.
fn origin(headers: &HeaderMap, caller: &Caller) -> Origin {
    let device = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok());
    Origin::new(device, caller.address, caller.guest_hash())
}

/// The first page of a list begins after every row there can be.
fn from(after: Option<After>) -> After {
    /// The end of the year 9999, the last that both databases know.
    const LAST: Time = Time(253_402_300_799_000_000);
    after.unwrap_or(After { time: LAST, id: Uuid::max() })
}

/// Whether a version is one that the caller expects.
fn expects(ifs: Ifs) -> impl Fn(i64) -> bool + Send + 'static {
    move |version| ifs.check(&etag(version)).is_ok()
}

/// A single resource with its entity tag.
fn tagged(version: i64, body: impl Serialize) -> Response {
    let mut response = axum::Json(body).into_response();
    if let Ok(tag) = HeaderValue::from_str(&etag(version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
