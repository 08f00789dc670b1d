//! What roles there are, and what each of them opens. Both are fixed by the routes themselves: a role is given to a user
//! by `PUT /users/{id}/roles`, and takes effect on open sessions at once.

use axum::extract::State;
use kit::http::Who;
use kit::{Caller, Problem, Role};
use serde::Serialize;
use utoipa::ToSchema;

use super::users::admin;
use crate::app::App;
use crate::domain::assignable;

/// A role, and what it opens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Role)]
pub struct RoleView {
    /// As it is given and shown.
    #[schema(example = "support")]
    name: &'static str,
    /// Whether a person can have it: `service` is for programs.
    assignable: bool,
    /// The routes that are closed to callers without it or another role that they name; of `customer`, which everybody
    /// is who is signed in, those that need no further role. Within them everybody acts on what is theirs.
    permissions: Vec<String>,
}

/// Every role.
#[derive(Serialize, ToSchema)]
pub struct Roles {
    data: Vec<RoleView>,
}

/// Every role with the routes that it opens.
#[utoipa::path(get, path = "/api/v1/roles", tag = "identity", responses((status = 200, body = Roles), (status = 401), (status = 403)))]
pub async fn list_roles(State(app): State<App>, caller: Caller) -> Result<axum::Json<Roles>, Problem> {
    admin(&caller)?;
    let mut routes = app.routes();
    routes.sort_by(|a, b| (&a.path, a.method.as_str()).cmp(&(&b.path, b.method.as_str())));
    let opens = |who: Who, role: Role| match who {
        Who::Roles(roles) => roles.contains(&role),
        Who::User => role == Role::Customer,
        Who::Public | Who::Guest => false,
    };
    let permissions = |role| routes.iter().filter(|r| opens(r.who, role)).map(|r| format!("{} {}", r.method, r.path)).collect();
    let view = |role: Role| RoleView { name: role.as_str(), assignable: assignable(role), permissions: permissions(role) };
    Ok(axum::Json(Roles { data: Role::all().map(view).collect() }))
}
