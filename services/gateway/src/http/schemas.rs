//! What the events look like that services tell each other.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use contracts::event::Description;
use contracts::events;
use kit::Problem;
use kit::http::Path;
use serde::Serialize;
use utoipa::ToSchema;

/// A type of event.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventType {
    /// Such as `order.created`.
    r#type: &'static str,
    /// The newest version of its data: what is written. Older ones that lie in logs are read as this one.
    version: i64,
    /// The service that says it.
    source: &'static str,
    /// Where the schema is.
    url: String,
}

/// Every type of event.
#[derive(Serialize, ToSchema)]
pub struct EventTypes {
    data: Vec<EventType>,
}

/// Every type of event, by name.
#[utoipa::path(get, path = "/api/v1/schemas", responses((status = 200, body = EventTypes)))]
pub async fn list_schemas() -> axum::Json<EventTypes> {
    let mut all = events::all();
    all.sort_by_key(|event| event.kind);
    let shown = |event: Description| EventType {
        r#type: event.kind,
        version: event.version,
        source: event.source,
        url: format!("/api/v1/schemas/{}/{}", event.kind, event.version),
    };
    axum::Json(EventTypes { data: all.into_iter().map(shown).collect() })
}

/// The JSON Schema of an event's data, in the version that is written now.
#[utoipa::path(get, path = "/api/v1/schemas/{type}/{version}",
    params(("type" = String, Path, description = "Such as `order.created`."), ("version" = i64, Path)),
    responses((status = 200, content_type = "application/schema+json", body = Object), (status = 404)))]
pub async fn get_schema(Path((kind, version)): Path<(String, i64)>) -> Result<Response, Problem> {
    let known = events::all().into_iter().find(|event| event.kind == kind && event.version == version);
    let schema = (known.ok_or_else(|| Problem::not_found("type of event in this version"))?.schema)();
    let text = serde_json::to_vec(&schema).map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/schema+json")], text).into_response())
}

/// As `/api/v1/schemas/{type}/{version}`: where an envelope's `dataschema` leads.
#[utoipa::path(get, path = "/schemas/{type}/{version}",
    params(("type" = String, Path, description = "Such as `order.created`."), ("version" = i64, Path)),
    responses((status = 200, content_type = "application/schema+json", body = Object), (status = 404)))]
pub async fn get_schema_of_envelope(path: Path<(String, i64)>) -> Result<Response, Problem> {
    get_schema(path).await
}
