//! Somebody's new messages as they come (server-sent events, HTML Living Standard 9.2).

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, StreamExt};
use kit::{Caller, Problem};

use super::inbox::Notification;
use crate::app::App;

/// How long nothing may be said: shorter than proxies wait for a silent connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// When a client that lost its connection comes again.
const RETRY: Duration = Duration::from_secs(3);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The caller's messages within the application, each as an event `notification` as soon as it is there. With
/// `Last-Event-ID` it goes on behind that event. It ends with the session or its access token.
#[utoipa::path(get, path = "/api/v1/notifications/stream", tag = "notifications",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that came.")),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 400), (status = 429)))]
pub(super) async fn follow(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    let user = caller.user()?.id;
    let feed = app.follow(user, last_event_id(&headers)?).await?;
    // Said at once, so that even a connection that is lost before the first message goes on from here.
    let opening = Event::default().id(feed.place().to_string()).retry(RETRY);
    let messages = stream::unfold(feed, async |mut feed| {
        let next = feed.next().await?;
        let event = Event::default().event("notification").id(next.place.to_string());
        let event = event.json_data(Notification::from(next.message)).ok()?;
        Some((event, feed))
    });
    let events = stream::iter([opening]).chain(messages).map(Ok::<_, Infallible>);
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    // Proxies that hold answers back until they are whole (nginx) do not hold this one.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(sent) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let place = sent.to_str().ok().and_then(|text| text.trim().parse::<i64>().ok()).filter(|place| *place >= 0);
    place.map(Some).ok_or_else(|| Problem::bad_request("invalid_last_event_id", "Last-Event-ID is not the id of an event of this stream"))
}
