//! Requests, as OpenTelemetry's conventions for HTTP name them.

use http::{Method, StatusCode, Uri};

use super::{Kind, Span};
use crate::Context;

/// A request to somebody else, below the work in hand. Of the address only the host is
/// said: the rest may hold a secret.
pub fn request(service: &'static str, method: &Method, uri: &Uri) -> Span {
    let mut span = Span::begin(service, Kind::Client, || method.as_str().to_owned().into());
    if span.is_recorded() {
        span.set("http.request.method", method.as_str().to_owned());
        span.set("server.address", uri.host().unwrap_or_default().to_owned());
        if let Some(port) = uri.port_u16() {
            span.set("server.port", i64::from(port));
        }
    }
    span
}

/// A request that came with `context` from another process of haat.
pub(crate) fn served(service: &'static str, context: &Context, method: &Method) -> Span {
    let mut span = Span::below(context.traceparent.as_deref(), service, Kind::Server, || format!("{method} {service}").into());
    if span.is_recorded() {
        span.set("http.request.method", method.as_str().to_owned());
    }
    span
}

/// How it ended: a server's error is an error.
pub fn answered(span: &mut Span, status: StatusCode) {
    span.set("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.fail(&status);
    }
}
