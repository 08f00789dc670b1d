//! What programs that verify our tokens need to know.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kit::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// How long others may remember these answers; far shorter than a key is published before it signs.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The public keys of access tokens, as a JWK set (RFC 7517).
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "identity",
    responses((status = 200, body = String, content_type = "application/jwk-set+json")))]
pub async fn jwks(State(app): State<App>) -> Result<Response, Problem> {
    let ring = app.keys.ring().await?;
    let kind = HeaderValue::from_static("application/jwk-set+json");
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, CACHE)], ring.public.print()).into_response())
}

/// What there is of OpenID Connect Discovery so far: who signs, and with which keys.
#[derive(Serialize, ToSchema)]
pub struct DiscoveryView {
    /// `iss` of every token.
    issuer: String,
    /// Where the keys are.
    jwks_uri: String,
    /// How tokens are signed.
    id_token_signing_alg_values_supported: Vec<&'static str>,
    /// Everybody sees the same `sub`.
    subject_types_supported: Vec<&'static str>,
    /// None yet.
    response_types_supported: Vec<&'static str>,
}

/// Discovery (OpenID Connect Discovery 1.0).
#[utoipa::path(get, path = "/.well-known/openid-configuration", tag = "identity", responses((status = 200, body = DiscoveryView)))]
pub async fn openid_configuration(State(app): State<App>) -> Response {
    let view = DiscoveryView {
        issuer: app.issuer.to_string(),
        jwks_uri: format!("{}/.well-known/jwks.json", app.issuer),
        id_token_signing_alg_values_supported: vec!["EdDSA"],
        subject_types_supported: vec!["public"],
        response_types_supported: Vec::new(),
    };
    ([(header::CACHE_CONTROL, CACHE)], axum::Json(view)).into_response()
}
