//! Links that were sent by mail.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use kit::http::Json;
use kit::{Caller, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::origin;
use crate::app::App;
use crate::domain::{Check, Email, Password};
use crate::error::Error;

/// Who forgot a password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForgotBody {
    /// The address that was registered, in any case.
    #[schema(example = "rahim@example.com")]
    email: String,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResetBody {
    /// From the link.
    token: String,
    /// 10 to 200 characters.
    password: String,
}

/// Which address is proved.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyBody {
    /// From the link; left out by somebody signed in who wants another one.
    token: Option<String>,
}

/// Sends a link to a new password, if the address has an account. The answer does not say whether.
#[utoipa::path(post, path = "/api/v1/auth/forgot-password", tag = "identity", request_body = ForgotBody,
    responses((status = 202), (status = 422), (status = 429)))]
pub async fn forgot_password(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body, _): Json<ForgotBody>,
) -> Result<StatusCode, Problem> {
    let mut check = Check::default();
    let email = check.field("/email", Email::parse(&body.email));
    let Some(email) = email else { return Err(Error::Invalid(check.into_errors()).into()) };
    app.forgot_password(email, origin(&headers, &caller)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Sets a new password by the token of a link. Works once; all sessions end.
#[utoipa::path(post, path = "/api/v1/auth/reset-password", tag = "identity", request_body = ResetBody,
    responses((status = 204), (status = 422)))]
pub async fn reset_password(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body, _): Json<ResetBody>,
) -> Result<StatusCode, Problem> {
    let mut check = Check::default();
    let password = check.field("/password", Password::parse(body.password));
    let Some(password) = password else { return Err(Error::Invalid(check.into_errors()).into()) };
    app.reset_password(&body.token, password, origin(&headers, &caller)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the address as proved by the token of a link; without a token, sends the caller another link.
#[utoipa::path(post, path = "/api/v1/auth/verify-email", tag = "identity", request_body = VerifyBody,
    responses((status = 204, description = "It is proved."), (status = 202, description = "Another link is on its way."), (status = 401), (status = 422), (status = 429)))]
pub async fn verify_email(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body, _): Json<VerifyBody>,
) -> Result<StatusCode, Problem> {
    let Some(token) = body.token else {
        app.send_verification(caller.user()?.id, origin(&headers, &caller)).await?;
        return Ok(StatusCode::ACCEPTED);
    };
    app.verify_email(&token).await?;
    Ok(StatusCode::NO_CONTENT)
}
