//! A person's picture: for themselves and support to see, for themselves and administrators to change.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use contracts::{Time, UserId};
use kit::auth::hex;
use kit::http::{Ifs, Path, has_already};
use kit::{Caller, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ADMINS, READERS, owner};
use crate::app::App;
use crate::domain::{ImageKind, PHOTO_BYTES_MAX, Photo};
use crate::store::StoredPhoto;

/// Kept by who may see it, and asked for again each time: under one address comes one picture after the other.
const CACHE: HeaderValue = HeaderValue::from_static("private, no-cache");
/// The tag that expects that there is no picture, as settings that were never said have it. `*` expects one.
const NONE: &str = "\"0\"";

/// What is known of a picture.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Photo)]
pub struct PhotoView {
    /// Where it is, below the address of this marketplace.
    photo_url: String,
    /// `image/png`, `image/jpeg` or `image/webp`.
    media_type: &'static str,
    /// In pixels.
    width: i64,
    /// In pixels.
    height: i64,
    /// How long it is.
    size_bytes: i64,
    /// When it was sent.
    updated_at: Time,
}

/// The bytes of a picture, as they stand in its file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "it stands in the description only; handlers take the bytes as they come")]
pub struct PictureFile(Vec<u8>);

/// Where a user's picture is.
pub fn address(user: UserId) -> String {
    format!("/api/v1/users/{user}/photo")
}

/// A person's picture.
#[utoipa::path(get, path = "/api/v1/users/{id}/photo", tag = "identity",
    params(("id" = UserId, Path), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, content((PictureFile = "image/png"), (PictureFile = "image/jpeg"), (PictureFile = "image/webp"))),
        (status = 304), (status = 401), (status = 404)))]
pub async fn get_photo(State(app): State<App>, caller: Caller, headers: HeaderMap, Path(id): Path<UserId>) -> Result<Response, Problem> {
    owner(&caller, id, READERS)?;
    let (photo, content) = app.photo(id, move |hash| has_already(&headers, &tag(hash))).await?;
    let mut response = content.map_or_else(|| StatusCode::NOT_MODIFIED.into_response(), IntoResponse::into_response);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(photo.kind.as_str()));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, CACHE);
    headers.insert(header::ETAG, HeaderValue::try_from(tag(&photo.hash)).map_err(Problem::internal)?);
    Ok(response)
}

/// Puts a picture in place of the one before: the bytes of a PNG, a JPEG or a WebP file, at most 512 KiB and 4,096 pixels a side.
#[utoipa::path(put, path = "/api/v1/users/{id}/photo", tag = "identity",
    params(("id" = UserId, Path), ("If-Match" = Option<String>, Header)),
    request_body(content((PictureFile = "image/png"), (PictureFile = "image/jpeg"), (PictureFile = "image/webp"))),
    responses((status = 200, body = PhotoView), (status = 401), (status = 404), (status = 412), (status = 413), (status = 415),
        (status = 422, description = "invalid_image"), (status = 429, description = "too_many_attempts")))]
pub async fn put_photo(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    ifs: Ifs,
    Path(id): Path<UserId>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    owner(&caller, id, ADMINS)?;
    let kind = kind(&headers)?;
    let bytes = body.map_err(|e| match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", format!("a picture has at most {PHOTO_BYTES_MAX} bytes"))
        }
        _ => Problem::bad_request("body_unreadable", "the body ended early or could not be read"),
    })?;
    let stored = app.put_photo(id, Photo::read(kind, bytes.into())?, expects(ifs)).await?;
    let tag = HeaderValue::try_from(tag(&stored.hash)).map_err(Problem::internal)?;
    Ok(([(header::ETAG, tag)], axum::Json(view(id, stored))).into_response())
}

/// Takes a person's picture away.
#[utoipa::path(delete, path = "/api/v1/users/{id}/photo", tag = "identity",
    params(("id" = UserId, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204), (status = 401), (status = 404), (status = 412)))]
pub async fn delete_photo(State(app): State<App>, caller: Caller, Path(id): Path<UserId>, ifs: Ifs) -> Result<StatusCode, Problem> {
    owner(&caller, id, ADMINS)?;
    app.delete_photo(id, expects(ifs)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn kind(headers: &HeaderMap) -> Result<ImageKind, Problem> {
    let said = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    ImageKind::parse(said).ok_or_else(|| {
        let found = if said.is_empty() { "no content type" } else { said };
        let text = format!("a picture is image/png, image/jpeg or image/webp, found {found}");
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", text)
    })
}

/// Of the bytes, and not of a count: whoever takes a picture away and sends another does not meet an old tag again.
fn tag(hash: &[u8]) -> String {
    format!("\"{}\"", hex(&hash[..hash.len().min(16)]))
}

fn expects(ifs: Ifs) -> impl Fn(Option<&[u8]>) -> bool + Send + 'static {
    move |hash| match hash {
        Some(hash) => ifs.check(&tag(hash)).is_ok(),
        None => ifs.if_match.as_deref() != Some("*") && ifs.check(NONE).is_ok(),
    }
}

fn view(user: UserId, photo: StoredPhoto) -> PhotoView {
    let StoredPhoto { kind, width, height, size_bytes, updated_at, .. } = photo;
    PhotoView { photo_url: address(user), media_type: kind.as_str(), width, height, size_bytes, updated_at }
}
