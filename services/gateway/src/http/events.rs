//! Events out of the services' logs.

use axum::extract::State;
use kit::Problem;
use kit::http::Query;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::App;

/// The most events on a page.
const LIMIT_MAX: i64 = kit::events::PART_EVENTS_MAX;
/// How many there are where nobody says.
const LIMIT_DEFAULT: i64 = 100;

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportParams {
    /// Whose, such as `orders`; all services, one after the other, where left out.
    service: Option<String>,
    /// 1 to 1,000; 100 where left out.
    limit: Option<i64>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Events of one service.
#[derive(Serialize, ToSchema)]
pub struct EventPage {
    /// CloudEvents 1.0, oldest first. There may be none although another page follows.
    #[schema(value_type = Vec<Object>)]
    data: Vec<Box<RawValue>>,
    /// Where the next page begins; null on the last. The same as before where what comes next is still being written.
    next: Option<String>,
    /// Services that run nowhere: their events are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    absent: Vec<&'static str>,
}

/// What happened: the log of a service, or of all of them, oldest first, up to where it went when its first page was asked for.
#[utoipa::path(get, path = "/api/v1/events/exports", params(ExportParams),
    responses((status = 200, body = EventPage), (status = 400), (status = 401), (status = 403)))]
pub async fn export_events(State(app): State<App>, Query(p): Query<ExportParams>) -> Result<axum::Json<EventPage>, Problem> {
    let limit = p.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::bad_request("invalid_limit", "limit is 1 to 1000"));
    }
    let found = app.operators.events(&app.directory()?, p.service.as_deref(), p.after.as_deref(), limit).await?;
    let data = found.events.into_iter().map(RawValue::from_string).collect::<Result<_, _>>().map_err(Problem::internal)?;
    Ok(axum::Json(EventPage { data, next: found.next, absent: found.absent }))
}
