//! Extractors whose refusals are problems.

use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use super::nul;
use crate::idempotency::{self, Given, Key};
use crate::{Caller, Problem};

/// A JSON body as `T`, with the raw value beside it for idempotency keys. Unknown fields are refused where `T`
/// says `deny_unknown_fields`.
#[derive(Clone, Debug, Default)]
pub struct Json<T>(pub T, pub serde_json::Value);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Json<T>, Problem> {
        expect_type(request.headers(), "application/json", |found| found == "application/json" || found.ends_with("+json"))?;
        let bytes = read(request, state).await?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|e| Problem::bad_request("invalid_json", format!("the body is not UTF-8 at byte {}", e.valid_up_to())))?;
        let raw = serde_json::from_str(text).map_err(|e| Problem::bad_request("invalid_json", format!("the body is not JSON: {e}")))?;
        nul::refuse_in_body(text, &raw)?;
        let value = T::deserialize(&raw).map_err(|e| Problem::bad_request("invalid_body", format!("the body does not fit: {e}")))?;
        Ok(Json(value, raw))
    }
}

/// A body that may be left out, by sending none.
impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Json<T>>, Problem> {
        let is_empty = axum::body::HttpBody::is_end_stream(request.body());
        if is_empty { Ok(None) } else { <Json<T> as FromRequest<S>>::from_request(request, state).await.map(Some) }
    }
}

/// What a form on a page sends (`application/x-www-form-urlencoded`), as `T`. Unknown fields are refused where `T` says so.
#[derive(Clone, Debug)]
pub struct Form<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Form<T>, Problem> {
        expect_type(request.headers(), "application/x-www-form-urlencoded", |found| found == "application/x-www-form-urlencoded")?;
        let bytes = read(request, state).await?;
        if bytes.contains(&0) || bytes.windows(3).any(|w| w == b"%00") {
            return Err(Problem::bad_request("invalid_body", format!("the body does not fit: {}", nul::REFUSED)));
        }
        let value = serde_urlencoded::from_bytes(&bytes);
        value.map(Form).map_err(|e| Problem::bad_request("invalid_body", format!("the body does not fit: {e}")))
    }
}

/// `415` where the body is said to be of a type that does not fit.
fn expect_type(headers: &HeaderMap, expected: &str, fits: impl Fn(&str) -> bool) -> Result<(), Problem> {
    let kind = headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or("");
    let essence = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if fits(&essence) {
        return Ok(());
    }
    let text = format!("the body must be {expected}, found {}", if kind.is_empty() { "no content type" } else { &essence });
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", text))
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<bytes::Bytes, Problem> {
    bytes::Bytes::from_request(request, state).await.map_err(|e| match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is larger than this route takes")
        }
        _ => Problem::bad_request("body_unreadable", "the body ended early or could not be read"),
    })
}

/// Path parameters as `T`. What does not parse does not exist: `404`; what no database stores is refused: `400`.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Path<T>, Problem> {
        let found = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        let path = found.map(|p| Path(p.0)).map_err(|_| Problem::not_found("resource: the path has a malformed id"))?;
        if nul::is_in_uri(parts.uri.path())
            && let Ok(params) = RawPathParams::from_request_parts(parts, state).await
            && let Some((name, _)) = params.iter().find(|(_, value)| value.contains('\0'))
        {
            return Err(Problem::bad_request("invalid_path", format!("{name}: {}", nul::REFUSED)));
        }
        Ok(path)
    }
}

/// The query string as `T`; unknown parameters are refused where `T` says so.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Query<T>, Problem> {
        nul::refuse_in_query(parts.uri.query().unwrap_or(""))?;
        let found = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        found
            .map(|q| Query(q.0))
            .map_err(|e| Problem::bad_request("invalid_query", format!("the query string does not fit: {}", e.body_text())))
    }
}

/// `If-Match` of a request.
#[derive(Clone, Debug, Default)]
pub struct Ifs {
    /// The entity tag, as sent.
    pub if_match: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Ifs {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Ifs, Problem> {
        Ok(Ifs { if_match: parts.headers.get("if-match").and_then(|v| v.to_str().ok()).map(str::to_owned) })
    }
}

impl Ifs {
    /// `412` where an entity tag was sent that is not `current`.
    pub fn check(&self, current: &str) -> Result<(), Problem> {
        match &self.if_match {
            Some(tag) if tag != "*" && tag != current => {
                Err(Problem::new(StatusCode::PRECONDITION_FAILED, "stale", "it has changed since you read it; read it again"))
            }
            _ => Ok(()),
        }
    }
}

/// Whether the caller has what `tag` stands for, as `If-None-Match` says: the answer is `304` then.
pub fn has_already(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get("if-none-match").and_then(|v| v.to_str().ok()).unwrap_or_default();
    known.split(',').any(|t| t.trim().trim_start_matches("W/") == tag || t.trim() == "*")
}

/// The `Idempotency-Key` of a request, scoped by caller, method and path.
pub fn idempotency_key(
    headers: &HeaderMap,
    caller: &Caller,
    method_and_path: &str,
    body: &serde_json::Value,
) -> Result<Option<Key>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or("").trim();
    if key.is_empty() || key.len() > 255 {
        return Err(Problem::bad_request("idempotency_key_invalid", "an Idempotency-Key has 1 to 255 visible ASCII characters"));
    }
    Ok(Some(Key::new(format!("{} {method_and_path}", caller.scope()), key.to_owned(), body)))
}

/// As [`idempotency_key`], for routes that require one.
pub fn required_idempotency_key(
    headers: &HeaderMap,
    caller: &Caller,
    method_and_path: &str,
    body: &serde_json::Value,
) -> Result<Key, Problem> {
    idempotency_key(headers, caller, method_and_path, body)?
        .ok_or_else(|| Problem::bad_request("idempotency_key_required", "this request moves something: send an Idempotency-Key header"))
}

/// What a request that may be repeated is answered, as a response.
pub fn given(given: Given) -> Result<axum::response::Response, Problem> {
    match given {
        Given::Now(answer) => Ok(respond(answer, false)),
        Given::Before(answer) => Ok(respond(answer, true)),
        Given::Running => Err(idempotency::still_running()),
        Given::Mismatch => Err(idempotency::mismatch()),
    }
}

/// The entity tag of what counts its changes.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// A stored answer as a response; `replayed` says that it was given before.
pub fn respond(answer: crate::idempotency::Answer, replayed: bool) -> axum::response::Response {
    let mut response = axum::http::Response::new(axum::body::Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert("content-type", axum::http::HeaderValue::from_static("application/json"));
    if let Some(location) = answer.location.and_then(|l| l.parse().ok()) {
        headers.insert("location", location);
    }
    if replayed {
        headers.insert("idempotent-replayed", axum::http::HeaderValue::from_static("true"));
    }
    response
}
