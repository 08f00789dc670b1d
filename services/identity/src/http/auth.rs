//! Registering, signing in and out.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use kit::http::{Json, Query, idempotency_key, respond};
use kit::idempotency::Answer;
use kit::{Caller, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::origin;
use super::users::UserView;
use crate::app::{App, Keyed, SignedIn};
use crate::domain::{Check, Email, Password, Registration};
use crate::error::Error;

/// Who registers.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterBody {
    /// The address to sign in with; two that differ only in case are one.
    #[schema(example = "rahim@example.com")]
    email: String,
    /// 10 to 200 characters.
    #[schema(example = "a-long-sentence-77")]
    password: String,
    /// 1 to 100 characters.
    #[schema(example = "Rahim")]
    first_name: String,
    /// 0 to 100 characters; many people have one name only.
    #[serde(default)]
    #[schema(example = "Uddin")]
    last_name: String,
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoginBody {
    /// The address that was registered, in any case.
    #[schema(example = "rahim@example.com")]
    email: String,
    /// Its password.
    #[schema(example = "a-long-sentence-77")]
    password: String,
}

/// Which session goes on.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefreshBody {
    /// As it was given last. Each one works once.
    refresh_token: String,
}

/// A user with a new pair of tokens.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokensView {
    /// Who.
    user: UserView,
    /// For `Authorization: Bearer`.
    access_token: String,
    /// For one call of `/auth/refresh`.
    refresh_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Life of the access token, in seconds.
    expires_in: i64,
}

impl TokensView {
    fn of(signed_in: &SignedIn) -> TokensView {
        TokensView {
            user: UserView::of(&signed_in.user),
            access_token: signed_in.access_token.clone(),
            refresh_token: signed_in.refresh_token.clone(),
            token_type: "Bearer",
            expires_in: signed_in.expires_in,
        }
    }
}

/// Makes an account and signs it in. A taken address is a `409`.
#[utoipa::path(post, path = "/api/v1/auth/register", tag = "identity", request_body = RegisterBody,
    params(("Idempotency-Key" = Option<String>, Header), ("X-Cart-Token" = Option<String>, Header)),
    responses((status = 201, body = TokensView), (status = 409), (status = 422), (status = 429)))]
pub async fn register(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body, raw): Json<RegisterBody>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &Caller::default(), "POST /auth/register", &raw)?;
    let registration = Registration::new(&body.email, body.password, &body.first_name, &body.last_name)?;
    match app.register(registration, origin(&headers, &caller), key, bytes).await? {
        Keyed::Now(signed_in) => Ok(tokens(StatusCode::CREATED, bytes(&signed_in), false)),
        Keyed::Before(answer) => Ok(tokens(StatusCode::CREATED, answer.body, true)),
    }
}

/// Signs in. Unknown accounts and wrong passwords get the same answer after the same work.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "identity", request_body = LoginBody,
    params(("X-Cart-Token" = Option<String>, Header)),
    responses((status = 200, body = TokensView), (status = 401), (status = 403), (status = 422), (status = 429)))]
pub async fn login(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(body, _): Json<LoginBody>,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    let email = check.field("/email", Email::parse(&body.email));
    let password = check.field("/password", Password::typed(body.password));
    let (Some(email), Some(password)) = (email, password) else { return Err(Error::Invalid(check.into_errors()).into()) };
    let signed_in = app.sign_in(email, password, origin(&headers, &caller)).await?;
    Ok(tokens(StatusCode::OK, bytes(&signed_in), false))
}

/// Renews a session: a new pair of tokens for a refresh token. One that was used before ends its session.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "identity", request_body = RefreshBody,
    responses((status = 200, body = TokensView), (status = 401)))]
pub async fn refresh(State(app): State<App>, Json(body, _): Json<RefreshBody>) -> Result<Response, Problem> {
    let signed_in = app.refresh(&body.refresh_token).await?;
    Ok(tokens(StatusCode::OK, bytes(&signed_in), false))
}

/// Which sessions to end.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogoutParams {
    /// Every one, on all devices.
    #[serde(default)]
    all: bool,
}

/// Ends the caller's session, or all of them. One that has ended already is no mistake.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "identity", params(LogoutParams), responses((status = 204), (status = 401)))]
pub async fn logout(State(app): State<App>, caller: Caller, Query(params): Query<LogoutParams>) -> Result<StatusCode, Problem> {
    let user = caller.user()?;
    if params.all {
        app.end_all_sessions(user.id).await?;
    } else {
        match app.end_session(user.id, user.session).await {
            Ok(()) | Err(Error::NotFound(_)) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

fn bytes(signed_in: &SignedIn) -> Vec<u8> {
    serde_json::to_vec(&TokensView::of(signed_in)).expect("a struct of strings and numbers is JSON")
}

/// An answer that no cache may keep (RFC 6749, 5.1).
fn tokens(status: StatusCode, body: Vec<u8>, replayed: bool) -> Response {
    let mut response = respond(Answer { status: status.as_u16(), location: None, body }, replayed);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
