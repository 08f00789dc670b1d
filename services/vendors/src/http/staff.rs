//! Who works in a store.

use axum::extract::State;
use axum::http::StatusCode;
use contracts::UserId;
use kit::http::{Json, Path};
use kit::{Caller, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{own, owned};
use crate::app::App;
use crate::domain::Member;

/// Who works in a store besides its owner.
#[derive(Serialize, ToSchema)]
pub struct Staff {
    /// Longest there first.
    data: Vec<Member>,
}

/// Somebody who shall work in a store.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StaffBody {
    /// The id that their own profile shows them.
    user_id: UserId,
}

/// Who works in the caller's store besides its owner.
#[utoipa::path(get, path = "/api/v1/vendors/store/staff", tag = "vendors", responses((status = 200, body = Staff), (status = 404)))]
pub async fn list_staff(State(app): State<App>, caller: Caller) -> Result<axum::Json<Staff>, Problem> {
    let store = own(&app, &caller).await?;
    Ok(axum::Json(Staff { data: app.staff(store.id).await? }))
}

/// Lets somebody work in the caller's store; for its owner. A repeat changes nothing.
#[utoipa::path(post, path = "/api/v1/vendors/store/staff", tag = "vendors", request_body = StaffBody,
    responses((status = 201, body = Staff), (status = 403), (status = 404)))]
pub async fn add_staff(
    State(app): State<App>,
    caller: Caller,
    Json(body, _): Json<StaffBody>,
) -> Result<(StatusCode, axum::Json<Staff>), Problem> {
    let store = owned(&app, &caller).await?;
    let data = app.add_staff(store, body.user_id).await?;
    Ok((StatusCode::CREATED, axum::Json(Staff { data })))
}

/// Somebody no longer works in the caller's store; for its owner.
#[utoipa::path(delete, path = "/api/v1/vendors/store/staff/{userId}", tag = "vendors", params(("userId" = UserId, Path)),
    responses((status = 204), (status = 403), (status = 404)))]
pub async fn remove_staff(State(app): State<App>, caller: Caller, Path(user): Path<UserId>) -> Result<StatusCode, Problem> {
    let store = owned(&app, &caller).await?;
    app.remove_staff(store, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
