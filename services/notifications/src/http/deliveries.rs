//! What an operator sees of messages on their way.

use axum::extract::State;
use contracts::{NotificationId, Time};
use kit::http::{After, Page, PageRequest, Path, Query};
use kit::{Caller, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::domain::Status;
use crate::store::{Attempt as AttemptRow, Delivery as Row};

/// A message on its way to the outside.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Delivery {
    /// The message.
    id: NotificationId,
    /// What it is about.
    kind: String,
    /// email
    channel: String,
    /// The address.
    to: String,
    status: Status,
    /// How often it was tried.
    attempts: i64,
    /// Null where it is not tried any more.
    next_attempt_at: Option<Time>,
    /// The provider's last words.
    answer: Option<String>,
    /// Each attempt, oldest first.
    tries: Vec<Attempt>,
    created_at: Time,
    updated_at: Time,
}

/// One attempt.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryAttempt)]
struct Attempt {
    /// From 1.
    number: i64,
    /// sent, later or never.
    outcome: String,
    /// The provider's words.
    answer: String,
    tried_at: Time,
}

impl From<AttemptRow> for Attempt {
    fn from(row: AttemptRow) -> Attempt {
        Attempt { number: row.number, outcome: row.outcome, answer: row.answer, tried_at: row.tried_at }
    }
}

impl From<Row> for Delivery {
    fn from(row: Row) -> Delivery {
        Delivery {
            id: row.id,
            kind: row.kind,
            channel: row.channel,
            to: row.address,
            status: row.status,
            attempts: row.progress.attempts,
            next_attempt_at: row.next_at,
            answer: row.tries.last().map(|t| t.answer.clone()),
            tries: row.tries.into_iter().map(Attempt::from).collect(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveryParams {
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
    /// Only these: pending, failed, sent or dead.
    status: Option<Status>,
}

/// Messages on their way, newest first, with each attempt and the provider's answer.
#[utoipa::path(get, path = "/api/v1/notifications/deliveries", tag = "notifications", params(DeliveryParams),
    responses((status = 200, body = Page<Delivery>), (status = 403)))]
pub(super) async fn list_deliveries(
    State(app): State<App>,
    caller: Caller,
    Query(p): Query<DeliveryParams>,
) -> Result<axum::Json<Page<Delivery>>, Problem> {
    super::admin(&caller)?;
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("deliveries {:?}", p.status))?;
    let rows = app.deliveries(p.status, page.clone()).await?;
    let page = page.page(rows, |d| After { time: d.created_at, id: d.id.0 });
    Ok(axum::Json(Page { data: page.data.into_iter().map(Delivery::from).collect(), next_cursor: page.next_cursor }))
}

/// Has a message that was given up tried anew, with as many attempts as a new one.
#[utoipa::path(post, path = "/api/v1/notifications/deliveries/{id}/retry", tag = "notifications", params(("id" = NotificationId, Path)),
    responses((status = 200, body = Delivery), (status = 403), (status = 404), (status = 409)))]
pub(super) async fn retry_delivery(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<NotificationId>,
) -> Result<axum::Json<Delivery>, Problem> {
    super::admin(&caller)?;
    Ok(axum::Json(app.retry(id).await?.into()))
}
