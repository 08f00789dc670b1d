//! What people say of themselves beyond their profile: for themselves and support to read, for themselves and
//! administrators to change.

use axum::extract::State;
use axum::response::Response;
use contracts::{Time, UserId};
use kit::http::{Ifs, Json, Path};
use kit::{Caller, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::{ADMINS, READERS, expects, owner, tagged};
use crate::app::App;
use crate::domain::{Measurements, Preferences, Setting};
use crate::store::StoredSetting;

/// A body's measurements.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MeasurementsView {
    #[serde(flatten)]
    measurements: Measurements,
    /// Null where nothing was said.
    updated_at: Option<Time>,
}

/// How somebody likes to shop.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ShoppingPreferencesView)]
pub struct PreferencesView {
    #[serde(flatten)]
    preferences: Preferences,
    /// Null where nothing was said.
    updated_at: Option<Time>,
}

/// A person's measurements.
#[utoipa::path(get, path = "/api/v1/users/{id}/measurements", tag = "identity", params(("id" = UserId, Path)),
    responses((status = 200, body = MeasurementsView), (status = 401), (status = 404)))]
pub async fn get_measurements(State(app): State<App>, caller: Caller, Path(id): Path<UserId>) -> Result<Response, Problem> {
    owner(&caller, id, READERS)?;
    measurements(app.setting(id, Setting::Measurements).await?)
}

/// Puts these in place of a person's measurements; what is left out is not known any more.
#[utoipa::path(put, path = "/api/v1/users/{id}/measurements", tag = "identity", request_body = Measurements,
    params(("id" = UserId, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = MeasurementsView), (status = 401), (status = 404), (status = 412), (status = 422)))]
pub async fn put_measurements(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UserId>,
    ifs: Ifs,
    Json(body, _): Json<Measurements>,
) -> Result<Response, Problem> {
    owner(&caller, id, ADMINS)?;
    body.check()?;
    measurements(Some(app.put_setting(id, Setting::Measurements, json(&body)?, expects(ifs)).await?))
}

/// How a person likes to shop.
#[utoipa::path(get, path = "/api/v1/users/{id}/preferences", tag = "identity", params(("id" = UserId, Path)),
    responses((status = 200, body = PreferencesView), (status = 401), (status = 404)))]
pub async fn get_preferences(State(app): State<App>, caller: Caller, Path(id): Path<UserId>) -> Result<Response, Problem> {
    owner(&caller, id, READERS)?;
    preferences(app.setting(id, Setting::Preferences).await?)
}

/// Puts these in place of a person's preferences; what is left out is as it is for everybody.
#[utoipa::path(put, path = "/api/v1/users/{id}/preferences", tag = "identity", request_body = Preferences,
    params(("id" = UserId, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = PreferencesView), (status = 401), (status = 404), (status = 412), (status = 422)))]
pub async fn put_preferences(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UserId>,
    ifs: Ifs,
    Json(body, _): Json<Preferences>,
) -> Result<Response, Problem> {
    owner(&caller, id, ADMINS)?;
    body.check()?;
    preferences(Some(app.put_setting(id, Setting::Preferences, json(&body)?, expects(ifs)).await?))
}

fn measurements(stored: Option<StoredSetting>) -> Result<Response, Problem> {
    let (version, measurements, updated_at) = said(stored)?;
    Ok(tagged(version, MeasurementsView { measurements, updated_at }))
}

fn preferences(stored: Option<StoredSetting>) -> Result<Response, Problem> {
    let (version, preferences, updated_at) = said(stored)?;
    Ok(tagged(version, PreferencesView { preferences, updated_at }))
}

/// What was said, with its version; the defaults as version 0 where nothing was.
fn said<T: DeserializeOwned + Default>(stored: Option<StoredSetting>) -> Result<(i64, T, Option<Time>), Problem> {
    let Some(StoredSetting { data, version, updated_at }) = stored else { return Ok((0, T::default(), None)) };
    let data = serde_json::from_value(data).map_err(Problem::internal)?;
    Ok((version, data, Some(updated_at)))
}

fn json(said: &impl Serialize) -> Result<serde_json::Value, Problem> {
    serde_json::to_value(said).map_err(Problem::internal)
}
