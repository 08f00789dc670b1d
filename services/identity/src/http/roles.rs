//! What roles there are, and what each of them opens. The built-in ones are fixed by the routes themselves; others name
//! the routes that they open. A role is given to a user by `PUT /users/{id}/roles`, and takes effect on open sessions at once.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use contracts::Time;
use kit::http::{Ifs, Json, Path, RouteInfo, Who, given, idempotency_key};
use kit::idempotency::Answer;
use kit::{Caller, Problem, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::users::admin;
use super::{expects, tagged};
use crate::app::App;
use crate::domain::{CustomRole, RoleForm, assignable, new_role};
use crate::error::Error;

/// A role, and what it opens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Role)]
pub struct RoleView {
    /// As it is given and shown.
    #[schema(example = "support")]
    name: String,
    /// What it is for; null for built-in roles.
    description: Option<String>,
    /// Whether it belongs to the program, and not to this marketplace.
    built_in: bool,
    /// Whether a person can have it: `service` is for programs.
    assignable: bool,
    /// The routes that are closed to callers without it or another role that they name; of `customer`, which everybody
    /// is who is signed in, those that need no further role. Within them everybody acts on what is theirs; who is let in
    /// by a role of the marketplace's own making acts there as administrators or support do.
    permissions: Vec<String>,
    /// When it was made; null for built-in roles.
    created_at: Option<Time>,
    /// When it last changed; null for built-in roles.
    updated_at: Option<Time>,
}

/// Every role.
#[derive(Serialize, ToSchema)]
pub struct Roles {
    /// The built-in ones, then this marketplace's own by name.
    data: Vec<RoleView>,
    /// The routes that a role of the marketplace's own making may open.
    grantable: Vec<String>,
}

/// A new role.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRoleBody {
    /// 2 to 40 small letters and digits in words with hyphens between; it stays.
    #[schema(example = "catalog-editor")]
    name: String,
    /// What it is for; 0 to 300 characters.
    description: Option<String>,
    /// The routes that it opens, as `GET /roles` writes them in `grantable`.
    #[schema(example = json!(["POST /api/v1/categories"]))]
    permissions: Vec<String>,
}

/// What a role shall be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleBody {
    /// What it is for; 0 to 300 characters.
    description: Option<String>,
    /// All routes that it opens.
    #[schema(example = json!(["POST /api/v1/categories"]))]
    permissions: Vec<String>,
}

impl RoleView {
    fn built_in(role: Role, routes: &[RouteInfo]) -> RoleView {
        let opens = |who: Who| match who {
            Who::Roles(roles) => roles.contains(&role),
            Who::User => role == Role::Customer,
            Who::Public | Who::Guest => false,
        };
        let permissions = routes.iter().filter(|route| opens(route.who)).map(RouteInfo::name).collect();
        RoleView {
            name: role.as_str().to_owned(),
            description: None,
            built_in: true,
            assignable: assignable(role),
            permissions,
            created_at: None,
            updated_at: None,
        }
    }

    fn of(role: &CustomRole) -> RoleView {
        RoleView {
            name: role.name.clone(),
            description: Some(role.form.description.clone()),
            built_in: false,
            assignable: true,
            permissions: role.form.permissions.iter().cloned().collect(),
            created_at: Some(role.created_at),
            updated_at: Some(role.updated_at),
        }
    }
}

/// Every role with the routes that it opens.
#[utoipa::path(get, path = "/api/v1/roles", tag = "identity", responses((status = 200, body = Roles), (status = 401), (status = 403)))]
pub async fn list_roles(State(app): State<App>, caller: Caller) -> Result<axum::Json<Roles>, Problem> {
    admin(&caller)?;
    let (custom, routes, allowed) = (app.roles().await?, sorted(&app), app.grantable());
    let built_in = Role::all().map(|role| RoleView::built_in(role, &routes));
    let grantable = routes.iter().map(RouteInfo::name).filter(|name| allowed.get(name) == Some(&None)).collect();
    Ok(axum::Json(Roles { data: built_in.chain(custom.iter().map(RoleView::of)).collect(), grantable }))
}

/// Makes a role that opens routes which are otherwise for administrators or support: its holders act there as these do,
/// and nowhere else. What would make them administrators cannot be opened.
#[utoipa::path(post, path = "/api/v1/roles", tag = "identity", request_body = NewRoleBody,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 201, body = RoleView), (status = 401), (status = 403),
        (status = 409, description = "role_exists, too_many_roles"), (status = 422)))]
pub async fn make_role(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body, raw): Json<NewRoleBody>,
) -> Result<Response, Problem> {
    let admin = admin(&caller)?;
    let key = idempotency_key(&headers, &caller, "POST /roles", &raw)?;
    let role = new_role(&body.name, body.description.as_deref(), &body.permissions, &app.grantable())?;
    given(app.make_role(admin, role, key, made).await?)
}

/// One role.
#[utoipa::path(get, path = "/api/v1/roles/{name}", tag = "identity", params(("name" = String, Path)),
    responses((status = 200, body = RoleView), (status = 401), (status = 403), (status = 404)))]
pub async fn get_role(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Result<Response, Problem> {
    admin(&caller)?;
    if let Some(role) = Role::parse(&name) {
        return Ok(tagged(0, RoleView::built_in(role, &sorted(&app))));
    }
    let role = app.role(name).await?;
    Ok(tagged(role.version, RoleView::of(&role)))
}

/// Changes what a role is for and which routes it opens; who has it notices at once.
#[utoipa::path(put, path = "/api/v1/roles/{name}", tag = "identity", request_body = RoleBody,
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = RoleView), (status = 401), (status = 403), (status = 404),
        (status = 409, description = "role_built_in"), (status = 412), (status = 422)))]
pub async fn put_role(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    ifs: Ifs,
    Json(body, _): Json<RoleBody>,
) -> Result<Response, Problem> {
    let admin = admin(&caller)?;
    own(&name)?;
    let form = RoleForm::new(body.description.as_deref(), &body.permissions, &app.grantable())?;
    let role = app.change_role(admin, name, form, expects(ifs)).await?;
    Ok(tagged(role.version, RoleView::of(&role)))
}

/// Deletes a role that nobody has.
#[utoipa::path(delete, path = "/api/v1/roles/{name}", tag = "identity",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204), (status = 401), (status = 403), (status = 404),
        (status = 409, description = "role_in_use, role_built_in"), (status = 412)))]
pub async fn delete_role(State(app): State<App>, caller: Caller, Path(name): Path<String>, ifs: Ifs) -> Result<StatusCode, Problem> {
    let admin = admin(&caller)?;
    own(&name)?;
    app.delete_role(admin, name, expects(ifs)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Every route, by path and method.
fn sorted(app: &App) -> Vec<RouteInfo> {
    let routes: BTreeMap<_, _> = app.routes().into_iter().map(|r| ((r.path.clone(), r.method.to_string()), r)).collect();
    routes.into_values().collect()
}

fn own(name: &str) -> Result<(), Error> {
    if Role::parse(name).is_some() { Err(Error::RoleBuiltIn) } else { Ok(()) }
}

fn made(role: &CustomRole) -> Answer {
    Answer::new(201, Some(format!("/api/v1/roles/{}", role.name)), &RoleView::of(role))
}
