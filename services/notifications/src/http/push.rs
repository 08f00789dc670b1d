//! Devices that messages can be pushed to.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use kit::http::{Json, Path};
use kit::{Caller, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::domain::{Platform, PushToken, token_error};

/// A device, as it says itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PushTokenBody {
    /// What its push service gave it; 1 to 4,096 characters.
    token: String,
    platform: Platform,
}

/// Somebody's devices.
#[derive(Serialize, ToSchema)]
pub(super) struct PushTokens {
    data: Vec<PushToken>,
}

/// The caller's devices, the one that was said last first.
#[utoipa::path(get, path = "/api/v1/notifications/push-tokens", tag = "notifications", responses((status = 200, body = PushTokens)))]
pub(super) async fn list_push_tokens(State(app): State<App>, caller: Caller) -> Result<axum::Json<PushTokens>, Problem> {
    Ok(axum::Json(PushTokens { data: app.push_tokens(caller.user()?.id).await? }))
}

/// Notes that a device is the caller's, whoever's it was before, until this session ends. Saying it again keeps its id;
/// of more than 20 devices those that were said last stay.
#[utoipa::path(post, path = "/api/v1/notifications/push-tokens", tag = "notifications", request_body = PushTokenBody,
    responses((status = 201, body = PushToken), (status = 422)))]
pub(super) async fn put_push_token(
    State(app): State<App>,
    caller: Caller,
    Json(body, _): Json<PushTokenBody>,
) -> Result<Response, Problem> {
    let user = caller.user()?;
    if let Some(error) = token_error(&body.token) {
        return Err(Problem::invalid(vec![error]));
    }
    let made = app.put_push_token(user.id, user.session, body.token, body.platform).await?;
    let location = format!("/api/v1/notifications/push-tokens/{}", made.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(made)).into_response())
}

/// Takes one of the caller's devices away.
#[utoipa::path(delete, path = "/api/v1/notifications/push-tokens/{id}", tag = "notifications", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 404)))]
pub(super) async fn delete_push_token(State(app): State<App>, caller: Caller, Path(id): Path<Uuid>) -> Result<StatusCode, Problem> {
    app.delete_push_token(caller.user()?.id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
