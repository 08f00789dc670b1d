//! Profiles, and accounts as administrators see them.

use axum::extract::State;
use axum::response::Response;
use contracts::{Time, UserId};
use kit::http::{After, Ifs, Json, Page, PageRequest, Path, Query};
use kit::problem::FieldError;
use kit::{Caller, Problem};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ADMINS, READERS, expects, from, photos, tagged};
use crate::app::App;
use crate::domain::{ProfileChange, User, WantedRoles};

/// Characters of a search.
const QUERY_LENGTH_MAX: usize = 200;
/// Roles in one request.
const ROLES_MAX: usize = 20;

/// A person with an account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// Who.
    id: UserId,
    /// As its owner wrote it.
    email: String,
    /// Whether it is proved to be theirs.
    email_verified: bool,
    /// What they may do: built-in roles, then those of the marketplace's own making.
    roles: Vec<String>,
    /// `active` or `deactivated`.
    status: &'static str,
    /// Name and so on.
    profile: ProfileView,
    /// When they registered.
    created_at: Time,
    /// When profile, picture, roles or status last changed.
    updated_at: Time,
}

/// What others may show of a person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileView {
    /// Given name.
    first_name: String,
    /// Family name; empty for those who have none.
    last_name: String,
    /// E.164.
    phone: Option<String>,
    /// BCP 47.
    locale: String,
    /// Where the picture is, below the address of this marketplace; null where there is none.
    photo_url: Option<String>,
}

impl UserView {
    /// Of an account.
    pub fn of(user: &User) -> UserView {
        let profile = user.profile.clone();
        UserView {
            id: user.id,
            email: user.email.clone(),
            email_verified: user.email_verified,
            roles: user.roles.iter().map(|r| r.as_str().to_owned()).chain(user.custom_roles.iter().cloned()).collect(),
            status: user.status.as_str(),
            profile: ProfileView {
                first_name: profile.first_name,
                last_name: profile.last_name,
                phone: profile.phone,
                locale: profile.locale,
                photo_url: user.has_photo.then(|| photos::address(user.id)),
            },
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// A change of a profile: what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileBody {
    /// 1 to 100 characters.
    first_name: Option<String>,
    /// 0 to 100 characters.
    last_name: Option<String>,
    /// International, such as +8801712345678; null takes it away.
    #[serde(default, deserialize_with = "some")]
    #[schema(value_type = Option<String>)]
    phone: Option<Option<String>>,
    /// Such as en or bn-BD.
    locale: Option<String>,
}

/// Tells null from absent.
fn some<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(d).map(Some)
}

/// The caller's own account.
#[utoipa::path(get, path = "/api/v1/users/profile", tag = "identity", responses((status = 200, body = UserView), (status = 401)))]
pub async fn get_profile(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let user = app.user(caller.user()?.id).await?;
    Ok(tagged(user.version, UserView::of(&user)))
}

/// Changes the caller's own profile.
#[utoipa::path(put, path = "/api/v1/users/profile", tag = "identity", request_body = ProfileBody,
    params(("If-Match" = Option<String>, Header)),
    responses((status = 200, body = UserView), (status = 401), (status = 412), (status = 422)))]
pub async fn put_profile(State(app): State<App>, caller: Caller, ifs: Ifs, Json(body, _): Json<ProfileBody>) -> Result<Response, Problem> {
    change_profile(&app, caller.user()?.id, ifs, body).await
}

/// Changes a profile: one's own, or anybody's for administrators. Others do not exist for the caller.
#[utoipa::path(put, path = "/api/v1/users/{id}", tag = "identity", request_body = ProfileBody,
    params(("id" = UserId, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = UserView), (status = 401), (status = 404), (status = 412), (status = 422)))]
pub async fn put_user(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UserId>,
    ifs: Ifs,
    Json(body, _): Json<ProfileBody>,
) -> Result<Response, Problem> {
    if caller.user()?.id != id && !caller.has(ADMINS) {
        return Err(Problem::not_found("user"));
    }
    change_profile(&app, id, ifs, body).await
}

async fn change_profile(app: &App, id: UserId, ifs: Ifs, body: ProfileBody) -> Result<Response, Problem> {
    let change = ProfileChange { first_name: body.first_name, last_name: body.last_name, phone: body.phone, locale: body.locale };
    let user = app.change_profile(id, change.check()?, expects(ifs)).await?;
    Ok(tagged(user.version, UserView::of(&user)))
}

/// Which accounts.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsersParams {
    /// Part of an address or a name, in any case.
    #[serde(default)]
    query: String,
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
}

/// Accounts by address or name, newest first.
#[utoipa::path(get, path = "/api/v1/users", tag = "identity", params(UsersParams),
    responses((status = 200, body = Page<UserView>), (status = 401), (status = 403)))]
pub async fn list_users(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<UsersParams>,
) -> Result<axum::Json<Page<UserView>>, Problem> {
    admin(&caller)?;
    let search = params.query.trim();
    if search.chars().count() > QUERY_LENGTH_MAX || search.chars().any(char::is_control) {
        let detail = format!("query must be at most {QUERY_LENGTH_MAX} characters without control characters");
        return Err(Problem::bad_request("invalid_query", detail));
    }
    let page = PageRequest::new(params.limit, params.cursor.as_deref(), &format!("users {search}"))?;
    let users = app.users(search.to_owned(), from(page.after), page.limit).await?;
    let views = users.iter().map(UserView::of).collect();
    Ok(axum::Json(page.page(views, |v: &UserView| After { time: v.created_at, id: v.id.0 })))
}

/// One account: one's own, or anybody's for support. Others do not exist for the caller.
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "identity", params(("id" = UserId, Path)),
    responses((status = 200, body = UserView), (status = 401), (status = 404)))]
pub async fn get_user(State(app): State<App>, caller: Caller, Path(id): Path<UserId>) -> Result<Response, Problem> {
    if caller.user()?.id != id && !caller.has(READERS) {
        return Err(Problem::not_found("user"));
    }
    let user = app.user(id).await?;
    Ok(tagged(user.version, UserView::of(&user)))
}

/// The roles that a user shall have.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolesBody {
    /// All of them, built-in ones and those of the marketplace's own making; `customer` is always one.
    roles: Vec<String>,
}

/// Gives a user exactly these roles. Administrators cannot take their own right to do so.
#[utoipa::path(put, path = "/api/v1/users/{id}/roles", tag = "identity", params(("id" = UserId, Path)), request_body = RolesBody,
    responses((status = 200, body = UserView), (status = 401), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub async fn put_roles(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UserId>,
    Json(body, _): Json<RolesBody>,
) -> Result<Response, Problem> {
    let admin = admin(&caller)?;
    if body.roles.len() > ROLES_MAX {
        let detail = format!("expected at most {ROLES_MAX} roles, found {}", body.roles.len());
        return Err(Problem::invalid(vec![FieldError { pointer: "/roles".into(), code: "too_long", detail }]));
    }
    let user = app.set_roles(admin, id, WantedRoles::new(&body.roles)).await?;
    Ok(tagged(user.version, UserView::of(&user)))
}

/// Opens a closed account again.
#[utoipa::path(post, path = "/api/v1/users/{id}/activate", tag = "identity", params(("id" = UserId, Path)),
    responses((status = 200, body = UserView), (status = 401), (status = 403), (status = 404)))]
pub async fn activate(State(app): State<App>, caller: Caller, Path(id): Path<UserId>) -> Result<Response, Problem> {
    let admin = admin(&caller)?;
    let user = app.activate(admin, id).await?;
    Ok(tagged(user.version, UserView::of(&user)))
}

/// Closes an account and ends its sessions.
#[utoipa::path(post, path = "/api/v1/users/{id}/deactivate", tag = "identity", params(("id" = UserId, Path)),
    responses((status = 200, body = UserView), (status = 401), (status = 403), (status = 404), (status = 409)))]
pub async fn deactivate(State(app): State<App>, caller: Caller, Path(id): Path<UserId>) -> Result<Response, Problem> {
    let admin = admin(&caller)?;
    let user = app.deactivate(admin, id).await?;
    Ok(tagged(user.version, UserView::of(&user)))
}

/// The calling administrator.
pub fn admin(caller: &Caller) -> Result<UserId, Problem> {
    let user = caller.user()?;
    if caller.has(ADMINS) { Ok(user.id) } else { Err(Problem::forbidden("only administrators may do this")) }
}
