//! Who works in a store.

use axum::extract::State;
use axum::http::StatusCode;
use contracts::{UserId, VendorId};
use kit::http::{Json, Path, Query};
use kit::{Caller, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{StoreParams, own, owned};
use crate::app::App;
use crate::domain::{Invitation, Member, Store};

/// Who works in a store besides its owner, and who is asked to.
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

/// The stores that ask the caller to work in them.
#[derive(Serialize, ToSchema)]
pub struct Invitations {
    /// The longest waiting first.
    data: Vec<Invitation>,
}

/// Who works in the caller's store besides its owner, and who is asked to.
#[utoipa::path(get, path = "/api/v1/vendors/store/staff", tag = "vendors", params(StoreParams),
    responses((status = 200, body = Staff), (status = 404)))]
pub async fn list_staff(State(app): State<App>, caller: Caller, Query(p): Query<StoreParams>) -> Result<axum::Json<Staff>, Problem> {
    let store = own(&app, &caller, p.vendor_id).await?;
    Ok(axum::Json(Staff { data: app.staff(store.id).await? }))
}

/// Invites somebody to work in the caller's store; for its owner. They work there once they have accepted. A repeat changes nothing;
/// who was taken away or has declined may be invited anew, up to three times within 24 hours.
#[utoipa::path(post, path = "/api/v1/vendors/store/staff", tag = "vendors", params(StoreParams), request_body = StaffBody,
    responses((status = 201, body = Staff), (status = 403), (status = 404), (status = 429, description = "too_many_invitations")))]
pub async fn invite_staff(
    State(app): State<App>,
    caller: Caller,
    Query(p): Query<StoreParams>,
    Json(body, _): Json<StaffBody>,
) -> Result<(StatusCode, axum::Json<Staff>), Problem> {
    let store = owned(&app, &caller, p.vendor_id).await?;
    let data = app.invite(store, body.user_id).await?;
    Ok((StatusCode::CREATED, axum::Json(Staff { data })))
}

/// As `GET /api/v1/vendors/store/staff`.
#[utoipa::path(get, path = "/api/v1/vendors/staff", tag = "vendors", params(StoreParams),
    responses((status = 200, body = Staff), (status = 404)))]
pub async fn list_team(app: State<App>, caller: Caller, params: Query<StoreParams>) -> Result<axum::Json<Staff>, Problem> {
    list_staff(app, caller, params).await
}

/// As `POST /api/v1/vendors/store/staff`.
#[utoipa::path(post, path = "/api/v1/vendors/staff/invite", tag = "vendors", params(StoreParams), request_body = StaffBody,
    responses((status = 201, body = Staff), (status = 403), (status = 404), (status = 429, description = "too_many_invitations")))]
pub async fn invite_to_team(
    app: State<App>,
    caller: Caller,
    params: Query<StoreParams>,
    body: Json<StaffBody>,
) -> Result<(StatusCode, axum::Json<Staff>), Problem> {
    invite_staff(app, caller, params, body).await
}

/// Somebody no longer works in a store, or shall not: said by its owner, or by themselves.
#[utoipa::path(delete, path = "/api/v1/vendors/store/staff/{userId}", tag = "vendors", params(("userId" = UserId, Path), StoreParams),
    responses((status = 204), (status = 403), (status = 404), (status = 422, description = "vendor_id_needed, with the stores that can be left")))]
pub async fn remove_staff(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<UserId>,
    Query(p): Query<StoreParams>,
) -> Result<StatusCode, Problem> {
    if caller.user()?.id == user {
        app.leave(user, p.vendor_id).await?;
    } else {
        app.remove_staff(owned(&app, &caller, p.vendor_id).await?, user).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The stores that ask the caller to work in them.
#[utoipa::path(get, path = "/api/v1/vendors/staff/invitations", tag = "vendors", responses((status = 200, body = Invitations)))]
pub async fn list_invitations(State(app): State<App>, caller: Caller) -> Result<axum::Json<Invitations>, Problem> {
    Ok(axum::Json(Invitations { data: app.invitations(caller.user()?.id).await? }))
}

/// The caller works in a store from now on, in the role of a vendor; sign in anew, or refresh the token, to have it.
#[utoipa::path(post, path = "/api/v1/vendors/staff/invitations/{vendorId}/accept", tag = "vendors", params(("vendorId" = VendorId, Path)),
    responses((status = 200, body = Store), (status = 404)))]
pub async fn accept_invitation(State(app): State<App>, caller: Caller, Path(store): Path<VendorId>) -> Result<axum::Json<Store>, Problem> {
    Ok(axum::Json(app.accept(store, caller.user()?.id).await?))
}

/// The caller does not want to work in a store.
#[utoipa::path(delete, path = "/api/v1/vendors/staff/invitations/{vendorId}", tag = "vendors", params(("vendorId" = VendorId, Path)),
    responses((status = 204), (status = 404)))]
pub async fn decline_invitation(State(app): State<App>, caller: Caller, Path(store): Path<VendorId>) -> Result<StatusCode, Problem> {
    app.decline(store, caller.user()?.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
