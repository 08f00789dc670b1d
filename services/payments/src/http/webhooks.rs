//! What providers tell us by themselves.

use axum::extract::State;
use axum::http::HeaderMap;
use bytes::Bytes;
use kit::Problem;
use kit::http::Path;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// That a message was taken in.
#[derive(Serialize, ToSchema)]
pub(super) struct Received {
    /// Always true.
    received: bool,
}

/// A provider's message: believed by its signature alone, taken in once.
#[utoipa::path(post, path = "/api/v1/payments/webhooks/{provider}", tag = "payments",
    params(("provider" = String, Path)), request_body(content = String, description = "As the provider sends it", content_type = "application/json"),
    responses((status = 200, body = Received), (status = 400), (status = 401), (status = 404)))]
pub(super) async fn receive(
    State(app): State<App>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<axum::Json<Received>, Problem> {
    match provider.as_str() {
        "sandbox" => app.sandbox_webhook(&headers, &body).await?,
        _ => return Err(Problem::not_found("payment provider")),
    }
    Ok(axum::Json(Received { received: true }))
}
