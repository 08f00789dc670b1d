//! What was sent to a webhook, and sending it anew.

use axum::extract::State;
use axum::http::StatusCode;
use contracts::{EventId, Time, WebhookDeliveryId, WebhookId};
use kit::http::{After, Json, Page, PageRequest, Path, Query};
use kit::{Caller, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::webhook_owner;
use crate::app::{App, Redelivery};
use crate::domain::Status;
use crate::domain::webhook::message_id;
use crate::error::Error;
use crate::store::{Span, WebhookAttempt as AttemptRow, WebhookDelivery as Row};

/// An event on its way to a webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookDelivery)]
pub(in crate::http) struct Delivery {
    id: WebhookDeliveryId,
    /// The header `webhook-id`: the same in every attempt.
    message_id: String,
    event_id: EventId,
    event_type: String,
    /// What is sent.
    #[schema(value_type = Object)]
    payload: Value,
    status: Status,
    /// Null where it is not tried any more.
    next_attempt_at: Option<Time>,
    /// Each attempt, oldest first.
    attempts: Vec<Attempt>,
    created_at: Time,
    updated_at: Time,
}

/// One attempt.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookAttempt)]
struct Attempt {
    /// From 1.
    number: i64,
    tried_at: Time,
    /// The HTTP status; null where there was no answer.
    status: Option<i64>,
    /// The answer's first characters, or why there was none.
    answer: String,
    duration_ms: i64,
}

impl From<AttemptRow> for Attempt {
    fn from(row: AttemptRow) -> Attempt {
        Attempt { number: row.number, tried_at: row.tried_at, status: row.status, answer: row.answer, duration_ms: row.duration_ms }
    }
}

impl From<Row> for Delivery {
    fn from(row: Row) -> Delivery {
        Delivery {
            id: row.id,
            message_id: message_id(row.event_id),
            event_id: EventId(row.event_id),
            event_type: row.event_type,
            payload: serde_json::from_str(&row.payload).unwrap_or_default(),
            status: row.status,
            next_attempt_at: row.next_at,
            attempts: row.tries.into_iter().map(Attempt::from).collect(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct DeliveryParams {
    /// 1 to 100; 20 where left out.
    limit: Option<i64>,
    /// Of the page before.
    cursor: Option<String>,
    /// Only these: pending, failed (and tried again), sent or dead (given up).
    status: Option<Status>,
}

/// What was sent to a webhook, newest first, with each attempt and what was answered.
#[utoipa::path(get, path = "/api/v1/webhooks/{id}/deliveries", tag = "webhooks", params(("id" = WebhookId, Path), DeliveryParams),
    responses((status = 200, body = Page<Delivery>), (status = 403), (status = 404)))]
pub(in crate::http) async fn list_webhook_deliveries(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WebhookId>,
    Query(p): Query<DeliveryParams>,
) -> Result<axum::Json<Page<Delivery>>, Problem> {
    webhook_owner(&caller)?;
    let page = PageRequest::new(p.limit, p.cursor.as_deref(), &format!("deliveries of {id} {:?}", p.status))?;
    let rows = app.webhook_deliveries(&caller, id, p.status, page.clone()).await?;
    let page = page.page(rows, |d| After { time: d.created_at, id: d.id.0 });
    Ok(axum::Json(Page { data: page.data.into_iter().map(Delivery::from).collect(), next_cursor: page.next_cursor }))
}

/// One delivery, or what was given up within a time.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::http) struct RedeliverBody {
    /// This delivery, however it ended.
    delivery_id: Option<WebhookDeliveryId>,
    /// Everything that was given up from then on,
    since: Option<Time>,
    /// and before then.
    until: Option<Time>,
}

/// How much is sent anew.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Redelivered {
    queued: i64,
}

/// Sends anew, with the same `webhook-id` and as many attempts as at first: one delivery by its id, or all that were given up
/// within a time.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/redeliver", tag = "webhooks", params(("id" = WebhookId, Path)), request_body = RedeliverBody,
    responses((status = 202, body = Redelivered), (status = 403), (status = 404), (status = 409, description = "webhook_disabled"), (status = 422)))]
pub(in crate::http) async fn redeliver_webhook(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WebhookId>,
    Json(body, _): Json<RedeliverBody>,
) -> Result<(StatusCode, axum::Json<Redelivered>), Problem> {
    webhook_owner(&caller)?;
    let what = match (body.delivery_id, body.since, body.until) {
        (Some(delivery), None, None) => Redelivery::One(delivery),
        (None, Some(since), Some(until)) if since < until => Redelivery::GivenUp(Span { since, until }),
        (None, Some(_), Some(_)) => return Err(wrong("/until", "the end must be after the beginning")),
        _ => return Err(wrong("/deliveryId", "expected either deliveryId, or since and until")),
    };
    let queued = app.redeliver(&caller, id, what).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(Redelivered { queued })))
}

fn wrong(pointer: &'static str, detail: &str) -> Problem {
    Error::Wrong(pointer, "invalid", detail.to_owned()).into()
}

/// Sends `webhook.test`, once; its delivery says what was answered.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/test", tag = "webhooks", params(("id" = WebhookId, Path)),
    responses((status = 202, body = Delivery), (status = 403), (status = 404)))]
pub(in crate::http) async fn test_webhook(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<WebhookId>,
) -> Result<(StatusCode, axum::Json<Delivery>), Problem> {
    webhook_owner(&caller)?;
    Ok((StatusCode::ACCEPTED, axum::Json(app.test_webhook(&caller, id).await?.into())))
}
