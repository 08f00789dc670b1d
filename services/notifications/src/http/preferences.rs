//! What somebody wants to be told, and when not.

use axum::extract::State;
use contracts::UserId;
use kit::http::{Json, Path};
use kit::problem::FieldError;
use kit::{Caller, Problem, Role};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::inbox::READERS;
use crate::app::{App, Change, Preferences as Found};
use crate::domain::{Kind, Medium, QuietHours as Hours};

/// What somebody is told on which channel, and when not.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NotificationPreferences)]
pub(super) struct Preferences {
    /// Each kind of message on each channel on which it goes.
    preferences: Vec<Preference>,
    /// Null where there are none.
    quiet_hours: Option<QuietHours>,
}

/// Messages of one kind on one channel.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NotificationPreference)]
struct Preference {
    /// Such as `order.shipped`.
    kind: &'static str,
    channel: Medium,
    enabled: bool,
    /// Whether it cannot be turned off.
    required: bool,
    /// Whether it does not wait for the end of quiet hours.
    urgent: bool,
}

/// When mails wait, by the clock of a place.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct QuietHours {
    #[schema(example = "22:00")]
    start: String,
    /// On the next day where it is before the start.
    #[schema(example = "07:00")]
    end: String,
    /// A name of the IANA time zone database.
    #[schema(example = "Asia/Dhaka")]
    time_zone: String,
}

impl From<Found> for Preferences {
    fn from(found: Found) -> Preferences {
        let of_kind = |kind: Kind| kind.channels().iter().map(move |channel| (kind, *channel));
        let shown = |(kind, channel): (Kind, Medium)| Preference {
            kind: kind.as_str(),
            channel,
            enabled: kind.is_required() || !found.off.contains(&(kind, channel)),
            required: kind.is_required(),
            urgent: kind.is_urgent(),
        };
        let hours = |h: &Hours| QuietHours { start: h.start(), end: h.end(), time_zone: h.time_zone().to_owned() };
        Preferences {
            preferences: Kind::ALL.into_iter().flat_map(of_kind).map(shown).collect(),
            quiet_hours: found.quiet_hours.as_ref().map(hours),
        }
    }
}

/// What is to change. What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NotificationPreferencesChange)]
pub(super) struct PreferencesBody {
    #[serde(default)]
    preferences: Vec<Switch>,
    /// Null for none.
    #[serde(default, deserialize_with = "some")]
    #[schema(value_type = Option<QuietHours>)]
    quiet_hours: Option<Option<QuietHours>>,
}

/// Messages of one kind on one channel, on or off.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NotificationSwitch)]
struct Switch {
    #[schema(example = "order.shipped")]
    kind: String,
    channel: Medium,
    enabled: bool,
}

/// A member that is there, be it null.
fn some<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Option<QuietHours>>, D::Error> {
    Option::deserialize(d).map(Some)
}

/// What the caller is told on which channel, and when not.
#[utoipa::path(get, path = "/api/v1/notifications/preferences", tag = "notifications", responses((status = 200, body = Preferences)))]
pub(super) async fn get_preferences(State(app): State<App>, caller: Caller) -> Result<axum::Json<Preferences>, Problem> {
    Ok(axum::Json(app.preferences(caller.user()?.id.0).await?.into()))
}

/// Turns kinds of messages off and on, and sets quiet hours. What is left out stays as it is.
#[utoipa::path(put, path = "/api/v1/notifications/preferences", tag = "notifications", request_body = PreferencesBody,
    responses((status = 200, body = Preferences), (status = 422)))]
pub(super) async fn put_preferences(
    State(app): State<App>,
    caller: Caller,
    Json(body, _): Json<PreferencesBody>,
) -> Result<axum::Json<Preferences>, Problem> {
    let recipient = caller.user()?.id.0;
    Ok(axum::Json(app.change_preferences(recipient, change(body)?).await?.into()))
}

/// Somebody's preferences: one's own, or anybody's for support.
#[utoipa::path(get, path = "/api/v1/notifications/user/{userId}/preferences", tag = "notifications", params(("userId" = UserId, Path)),
    responses((status = 200, body = Preferences), (status = 404)))]
pub(super) async fn get_preferences_of_user(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<UserId>,
) -> Result<axum::Json<Preferences>, Problem> {
    theirs(&caller, user, READERS)?;
    Ok(axum::Json(app.preferences(user.0).await?.into()))
}

/// Changes somebody's preferences: one's own, or anybody's for administrators.
#[utoipa::path(put, path = "/api/v1/notifications/user/{userId}/preferences", tag = "notifications", params(("userId" = UserId, Path)),
    request_body = PreferencesBody, responses((status = 200, body = Preferences), (status = 404), (status = 422)))]
pub(super) async fn put_preferences_of_user(
    State(app): State<App>,
    caller: Caller,
    Path(user): Path<UserId>,
    Json(body, _): Json<PreferencesBody>,
) -> Result<axum::Json<Preferences>, Problem> {
    theirs(&caller, user, super::ADMINS)?;
    Ok(axum::Json(app.change_preferences(user.0, change(body)?).await?.into()))
}

fn theirs(caller: &Caller, user: UserId, roles: &[Role]) -> Result<(), Problem> {
    if caller.user()?.id == user || caller.has(roles) { Ok(()) } else { Err(Problem::not_found("user")) }
}

fn change(body: PreferencesBody) -> Result<Change, Problem> {
    let mut errors = Vec::new();
    let mut switches = Vec::new();
    for (i, wanted) in body.preferences.iter().enumerate() {
        match switch(wanted) {
            Ok(switch) => switches.push(switch),
            Err((member, code, detail)) => errors.push(FieldError { pointer: format!("/preferences/{i}/{member}"), code, detail }),
        }
    }
    let wrong = |e: crate::domain::WrongHours| FieldError {
        pointer: format!("/quietHours/{}", e.member),
        code: "invalid_quiet_hours",
        detail: e.detail,
    };
    let quiet_hours = body.quiet_hours.map(|hours| hours.map(|h| Hours::new(&h.start, &h.end, &h.time_zone)).transpose()).transpose();
    match quiet_hours {
        Ok(quiet_hours) if errors.is_empty() => Ok(Change { switches, quiet_hours }),
        outcome => {
            errors.extend(outcome.err().map(wrong));
            Err(Problem::invalid(errors))
        }
    }
}

fn switch(wanted: &Switch) -> Result<(Kind, Medium, bool), (&'static str, &'static str, String)> {
    let known = || Kind::ALL.map(Kind::as_str).join(", ");
    let kind = Kind::parse(&wanted.kind).ok_or_else(|| ("kind", "unknown_kind", format!("expected one of {}", known())))?;
    if !kind.channels().contains(&wanted.channel) {
        return Err(("channel", "unknown_channel", super::goes_on(kind)));
    }
    if kind.is_required() && !wanted.enabled {
        return Err(("enabled", "required", format!("{} cannot be turned off", kind.as_str())));
    }
    Ok((kind, wanted.channel, wanted.enabled))
}
