//! RFC 9457 problems: the one form in which anything goes wrong at the edge.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use crate::DbError;

/// An error as a caller reads it. What the log holds is separate.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable, snake_case.
    pub code: &'static str,
    /// What is wrong with this request, for people.
    pub detail: String,
    /// For `422`: what is wrong where.
    pub errors: Vec<FieldError>,
    /// Further members, by name.
    pub extensions: serde_json::Map<String, Value>,
    /// Seconds after which trying again makes sense.
    pub retry_after: Option<u32>,
    /// For the log only: what caused a 5xx.
    pub cause: Option<String>,
}

/// One mistake in a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// RFC 6901 pointer, such as `/items/0/quantity`.
    pub pointer: String,
    /// Stable, snake_case.
    pub code: &'static str,
    /// For people.
    pub detail: String,
}

impl Problem {
    /// A problem with a stable code.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
        let (errors, extensions) = (Vec::new(), serde_json::Map::new());
        Problem { status, code, detail: detail.into(), errors, extensions, retry_after: None, cause: None }
    }

    /// `400`: cannot be read.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// `401`: no or bad token.
    pub fn unauthenticated(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    /// `403`: signed in, but not with the role.
    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// `404`: not there, or not the caller's.
    pub fn not_found(what: &str) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found", format!("no such {what}"))
    }

    /// `409`: the state does not allow it.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT, code, detail)
    }

    /// `422`: understood, but not valid.
    pub fn invalid(errors: Vec<FieldError>) -> Problem {
        let mut p = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "the request has invalid fields");
        p.errors = errors;
        p
    }

    /// `422` with a code of its own.
    pub fn unprocessable(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// `503`: try again later.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Problem {
        let mut p = Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        p.retry_after = Some(1);
        p
    }

    /// `500`; the cause goes to the log only.
    pub fn internal(cause: impl std::fmt::Display) -> Problem {
        let mut p = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong here; it has been logged");
        p.cause = Some(cause.to_string());
        p
    }

    /// Adds a member to the body.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Problem {
        self.extensions.insert(name.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    /// The JSON body, with the id of the request.
    pub fn body(&self, request_id: Option<&str>) -> Value {
        let mut body = serde_json::json!({
            "type": format!("/problems/{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
            "requestId": request_id,
        });
        if let Some(object) = body.as_object_mut() {
            if !self.errors.is_empty() {
                object.insert("errors".into(), serde_json::to_value(&self.errors).unwrap_or(Value::Null));
            }
            object.extend(self.extensions.clone());
        }
        body
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status.is_server_error() && self.status != StatusCode::SERVICE_UNAVAILABLE {
            tracing::error!(code = self.code, cause = self.cause.as_deref().unwrap_or(""), "request failed");
        }
        let context = crate::Context::current();
        let mut body = self.body(context.request_id.as_deref());
        if let Some(trace) = context.recorded_trace() {
            body["traceId"] = trace.into();
        }
        let body = body.to_string();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The code of a race that was lost: nothing happened, and the same may succeed a moment later.
const OUTRUN: &str = "conflict";

impl From<DbError> for Problem {
    fn from(e: DbError) -> Problem {
        match e {
            DbError::Overloaded => Problem::unavailable("overloaded", "too much work is waiting; try again"),
            DbError::StorageFull => Problem::unavailable("storage_full", "there is no room left to store anything"),
            DbError::Unavailable(_) => Problem::unavailable("unavailable", "the database cannot be reached; try again"),
            DbError::TimedOut => Problem::unavailable("unavailable", "the database took too long; try again"),
            DbError::Unknown(_) => Problem::unavailable("outcome_unknown", "the outcome is unknown; ask again with the same key"),
            DbError::Conflict => Problem::conflict(OUTRUN, "somebody else changed it at the same moment; try again"),
            e => Problem::internal(e),
        }
    }
}

/// Name of the metadata entry in which a gRPC status carries the problem's code.
const CODE: &str = "haat-code";

impl From<Problem> for tonic::Status {
    fn from(p: Problem) -> tonic::Status {
        let code = match p.status.as_u16() {
            400 | 422 => tonic::Code::InvalidArgument,
            401 => tonic::Code::Unauthenticated,
            403 => tonic::Code::PermissionDenied,
            404 => tonic::Code::NotFound,
            409 if p.code == OUTRUN => tonic::Code::Aborted,
            409 | 412 => tonic::Code::FailedPrecondition,
            429 => tonic::Code::ResourceExhausted,
            503 => tonic::Code::Unavailable,
            _ => tonic::Code::Internal,
        };
        if code == tonic::Code::Internal {
            tracing::error!(code = p.code, cause = p.cause.as_deref().unwrap_or(""), "call failed");
        }
        let fields = p.errors.iter().map(|e| format!("{} {}", e.pointer.trim_start_matches('/'), e.detail)).collect::<Vec<_>>().join("; ");
        let words = if fields.is_empty() { p.detail } else { format!("{}: {fields}", p.detail) };
        let mut status = tonic::Status::new(code, words);
        status.metadata_mut().insert(CODE, tonic::metadata::MetadataValue::from_static(p.code));
        status
    }
}

/// The problem's code that a callee sent, if any.
pub fn status_code_of(status: &tonic::Status) -> Option<&str> {
    status.metadata().get(CODE).and_then(|v| v.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_race_that_was_lost_is_not_a_refusal() {
        let code = |problem: Problem| tonic::Status::from(problem).code();
        assert_eq!(code(DbError::Conflict.into()), tonic::Code::Aborted);
        assert_eq!(code(Problem::conflict("not_shipped", "it has not left")), tonic::Code::FailedPrecondition);
        assert_eq!(code(Problem::new(StatusCode::PRECONDITION_FAILED, "stale", "read it again")), tonic::Code::FailedPrecondition);
    }
}
