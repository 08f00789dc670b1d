//! Browsers on other sites: which of them may ask, and what they may send and see (the Fetch standard's CORS protocol).

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::CorsLayer;

/// How long a browser may remember the permission, in seconds.
const REMEMBERED_SECONDS: u64 = 600;

/// The router, answering pages of these origins too. Tokens travel in headers, so cookies are never allowed along.
pub fn allow(origins: &[String], router: Router) -> Result<Router, String> {
    if origins.is_empty() {
        return Ok(router);
    }
    let origins = origins.iter().map(|o| origin(o)).collect::<Result<Vec<_>, _>>()?;
    let headers = |names: &[&'static str]| names.iter().map(|n| HeaderName::from_static(n)).collect::<Vec<_>>();
    let sent = [
        vec![header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_MATCH],
        headers(&["idempotency-key", "x-cart-token", "x-request-id", "traceparent"]),
    ];
    let seen = [
        vec![header::LOCATION, header::ETAG, header::RETRY_AFTER],
        headers(&["x-cart-token", "x-request-id", "idempotent-replayed", "ratelimit", "ratelimit-policy"]),
    ];
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(sent.concat())
        .expose_headers(seen.concat())
        .max_age(Duration::from_secs(REMEMBERED_SECONDS));
    Ok(router.layer(layer))
}

/// `scheme://host[:port]`, as browsers write it.
fn origin(text: &str) -> Result<HeaderValue, String> {
    let wrong = || format!("configuration of gateway: cors_origins: expected https://host or http://host, without a path, found {text:?}");
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or_else(wrong)?;
    if host.is_empty() || host.contains(['/', '?', '#', '@', ' ', '*']) || host != host.to_ascii_lowercase() {
        return Err(wrong());
    }
    HeaderValue::try_from(text).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for fine in ["https://shop.example", "http://localhost:3000"] {
            assert!(origin(fine).is_ok(), "{fine}");
        }
        for wrong in
            ["*", "shop.example", "https://", "https://shop.example/", "https://a/b", "https://Shop.example", "https://*.shop.example"]
        {
            assert!(origin(wrong).is_err_and(|e| e.contains(wrong)), "{wrong}");
        }
    }
}
