//! Health, readiness, metrics, and the description of the API.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use kit::Problem;
use kit::http::Path;
use serde_json::{Map, Value as Json, json};

use super::App;

const READY_SECONDS_MAX: u64 = 2;
/// With less room than this what is asked to be stored may be refused at any moment.
const ROOM_BYTES_MIN: u64 = 64 << 20;

/// Leads people to the reference. A program finds nothing here.
#[utoipa::path(get, path = "/", responses((status = 303, description = "To a browser."), (status = 404)))]
pub async fn front(headers: HeaderMap) -> Result<Response, Problem> {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|accepted| accepted.to_str().ok());
    if accepted.flat_map(|list| list.split(',')).any(|kind| kind.trim_start().starts_with("text/html")) {
        return Ok(([(header::VARY, "accept")], Redirect::to("/docs")).into_response());
    }
    Err(Problem::not_found("route; the API is below /api/v1, and described at /docs and in /openapi.json"))
}

/// Whether the process is alive.
#[utoipa::path(get, path = "/health", responses((status = 200, description = "It is.", body = Object)))]
pub async fn health() -> axum::Json<Json> {
    axum::Json(json!({"status": "ok"}))
}

/// Whether requests can be answered: the database, room where it stores, and each service by name.
#[utoipa::path(get, path = "/ready", responses((status = 200, description = "Each dependency answers.", body = Object), (status = 503, description = "One does not.")))]
pub async fn ready(State(app): State<App>) -> Response {
    let mut found = Map::new();
    let database = tokio::time::timeout(Duration::from_secs(READY_SECONDS_MAX), app.db.answers()).await;
    found.insert("database".into(), json!(if matches!(database, Ok(Ok(()))) { "ok" } else { "unavailable" }));
    if let Some(room) = app.db.room_bytes() {
        found.insert("storage".into(), json!(storage(room)));
    }
    if let Some(directory) = app.directory.upgrade() {
        for service in directory.services() {
            let state = match (directory.local_http(service), directory.remote(service)) {
                (Some(_), _) => "ok",
                (None, Some(_)) if app.operators.answers(service).await => "ok",
                (None, Some(_)) => "unavailable",
                (None, None) => "absent",
            };
            found.insert(service.into(), json!(state));
        }
    }
    if found.values().any(|state| state == "unavailable") {
        let waiting: Vec<&String> = found.iter().filter(|(_, state)| *state == "unavailable").map(|(name, _)| name).collect();
        let text = format!("not answering: {}", waiting.iter().map(|w| w.as_str()).collect::<Vec<_>>().join(", "));
        return Problem::unavailable("not_ready", text).with("dependencies", found).into_response();
    }
    axum::Json(json!({"status": "ready", "dependencies": found})).into_response()
}

fn storage(room_bytes: u64) -> &'static str {
    if room_bytes < ROOM_BYTES_MIN { "unavailable" } else { "ok" }
}

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "Text format 0.0.4.", content_type = "text/plain", body = String)))]
pub async fn metrics() -> Response {
    kit::telemetry::metrics_response()
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "OpenAPI 3.1.", body = Object)))]
pub async fn describe(State(app): State<App>) -> Result<Response, Problem> {
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::from(app.description()?)).into_response())
}

/// The reference for people.
#[utoipa::path(get, path = "/docs", responses((status = 303, description = "Where it is.")))]
pub async fn docs() -> Redirect {
    Redirect::to("/docs/index.html")
}

/// A file of the reference.
#[utoipa::path(get, path = "/docs/{*file}",
    params(("file" = String, Path, description = "Its name.")), responses((status = 200, description = "The file.")))]
pub async fn docs_file(Path(file): Path<String>) -> Result<Response, Problem> {
    static CONFIG: LazyLock<Arc<utoipa_swagger_ui::Config<'static>>> =
        LazyLock::new(|| Arc::new(utoipa_swagger_ui::Config::from("/openapi.json")));
    match utoipa_swagger_ui::serve(&file, CONFIG.clone()) {
        Ok(Some(file)) => {
            let mut response = (StatusCode::OK, file.bytes.into_owned()).into_response();
            let kind = file.content_type.parse().map_err(Problem::internal)?;
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            Ok(response)
        }
        Ok(None) => Err(Problem::not_found("file of the reference")),
        Err(e) => Err(Problem::internal(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_needs_some_room() {
        assert_eq!([0, ROOM_BYTES_MIN - 1, ROOM_BYTES_MIN, u64::MAX].map(storage), ["unavailable", "unavailable", "ok", "ok"]);
    }
}
