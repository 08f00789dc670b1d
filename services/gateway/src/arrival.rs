//! What a request is known by: its id and its place in a trace.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use contracts::Time;
use kit::Ids;
use kit::http::RouteInfo;
use kit::trace::{self, Parent, Span};

use crate::NAME;

/// The longest request id that is taken from a client.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// The client's request id where it is sane, else a new one.
pub fn request_id(headers: &HeaderMap, ids: &Ids, now: Time) -> String {
    let sent = headers.get("x-request-id").and_then(|v| v.to_str().ok());
    let sane =
        |id: &&str| (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    sent.filter(sane).map_or_else(|| ids.uuid(now).to_string(), str::to_owned)
}

/// Asked every few seconds by programs that watch haat; a trace of its own only where they want one.
const PROBES: [&str; 3] = ["/health", "/ready", "/metrics"];

/// Where a request stands in its client's trace, or in a new one, and its span.
pub fn trace(request: &Request, ids: &Ids, request_id: &str) -> (Parent, Span) {
    let sent = request.headers().get("traceparent").and_then(|v| v.to_str().ok());
    if sent.is_none() && PROBES.contains(&request.uri().path()) {
        return (trace::unrecorded(ids), Span::nothing());
    }
    let (place, mut span) = trace::arrive(NAME, sent, ids);
    if span.is_recorded() {
        span.set("haat.request.id", request_id.to_owned());
    }
    (place, span)
}

/// What is known of a request once it is answered. Methods and paths that fit no route are a client's to invent.
pub fn traced(mut span: Span, method: &Method, route: Option<&RouteInfo>, status: StatusCode) {
    if !span.is_recorded() {
        return;
    }
    span.set("http.request.method", route.map_or("_OTHER", |_| method.as_str()).to_owned());
    if let Some(route) = route {
        span.set("http.route", route.path.clone());
        span.set("haat.service", route.service);
    }
    span.name(|| route.map_or_else(|| "HTTP".to_owned(), |route| format!("{method} {}", route.path)));
    trace::http::answered(&mut span, status);
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, value: &[u8]) -> HeaderMap {
        let value = HeaderValue::from_bytes(value).unwrap();
        HeaderMap::from_iter([(axum::http::HeaderName::from_static(name), value)])
    }

    #[test]
    fn a_sane_request_id_is_taken_and_another_replaced() {
        let (ids, now) = (Ids::seeded(1), Time(0));
        for id in ["a", "0198c0de-0000-7000-8000-000000000000", "svc:1.2_3", &"x".repeat(128)] {
            assert_eq!(request_id(&headers("x-request-id", id.as_bytes()), &ids, now), id);
        }
        for id in ["", "a b", "<script>", "\"", &"x".repeat(129)] {
            assert_ne!(request_id(&headers("x-request-id", id.as_bytes()), &ids, now), id);
        }
        assert_eq!(request_id(&headers("x-request-id", b"\xff"), &ids, now).len(), 36);
    }
}
