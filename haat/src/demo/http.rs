//! The demo's pictures over HTTP: drawn when they are asked for.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kit::Problem;
use kit::http::{Routes, Who, has_already};
use sha2::{Digest, Sha256};
use utoipa_axum::routes;

use super::pictures::Picture;

/// A picture's name says all of it: under one address is one picture.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// A drawing that is opened by itself may style itself, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// Every route of the demo.
pub fn routes() -> Routes<()> {
    Routes::new("console").add(Who::Public, routes!(picture))
}

/// A picture of the demo marketplace.
#[utoipa::path(get, path = "/media/demo/{name}", tag = "demo", params(("name" = String, Path)),
    responses((status = 200, content_type = "image/svg+xml", body = String), (status = 304), (status = 404)))]
async fn picture(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let drawing = Picture::named(&name).ok_or_else(|| Problem::not_found("picture"))?.svg();
    let tag = format!("\"{}\"", kit::auth::hex(&Sha256::digest(&drawing)[..8]));
    let mut response = match has_already(&headers, &tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => drawing.into_response(),
    };
    let fixed = [(header::CACHE_CONTROL, FOR_EVER), (header::CONTENT_SECURITY_POLICY, POLICY), (header::CONTENT_TYPE, "image/svg+xml")];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let tag = HeaderValue::from_str(&tag).map_err(|e| Problem::internal(e.to_string()))?;
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}
