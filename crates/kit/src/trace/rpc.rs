//! Calls between services, as OpenTelemetry's conventions for gRPC name them.

use std::borrow::Cow;

use tonic::{Code, Status};

use super::{Kind, Span};
use crate::Context;

/// A call of the method at `path`, `/haat.catalog.v1.Catalog/Reserve`, seen from `service`, below the work in hand.
pub(crate) fn call(service: &'static str, kind: Kind, path: &str) -> Span {
    named(Span::begin(service, kind, || name(path)), path)
}

/// As [`call`], of a call that came with `context`.
pub(crate) fn called(service: &'static str, context: &Context, path: &str) -> Span {
    named(Span::below(context.traceparent.as_deref(), service, Kind::Server, || name(path)), path)
}

fn name(path: &str) -> Cow<'static, str> {
    Cow::Owned(path.trim_start_matches('/').to_owned())
}

fn named(mut span: Span, path: &str) -> Span {
    if span.is_recorded() {
        span.set("rpc.system.name", "grpc");
        span.set("rpc.method", path.trim_start_matches('/').to_owned());
    }
    span
}

/// How it ended.
pub(crate) fn answered<B>(span: &mut Span, answer: Result<&http::Response<B>, &Status>) {
    if !span.is_recorded() {
        return;
    }
    let code = match answer {
        Err(status) => status.code(),
        // A call that goes wrong is answered by headers alone.
        Ok(response) => response.headers().get("grpc-status").map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes())),
    };
    span.set("rpc.response.status_code", screaming(code));
    // The others are answers, such as that there is too little stock.
    if matches!(code, Code::Unknown | Code::DeadlineExceeded | Code::Unimplemented | Code::Internal | Code::Unavailable | Code::DataLoss) {
        span.fail(&answer.err().map_or(code.description(), Status::message));
    }
}

fn screaming(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
