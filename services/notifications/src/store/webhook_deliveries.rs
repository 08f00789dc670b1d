//! Events on their way to endpoints, and each attempt.

use contracts::{Time, WebhookDeliveryId, WebhookId};
use kit::db::{DbError, Query, Row, Tx, placeholders};
use kit::http::After;
use kit::{Value, params};
use uuid::Uuid;

use crate::domain::Status;
use crate::domain::webhook::{Reply, TEST_EVENT};

/// An event on its way, as its endpoint's owner sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WebhookDelivery {
    pub id: WebhookDeliveryId,
    pub event_id: Uuid,
    pub event_type: String,
    pub payload: String,
    pub status: Status,
    pub attempts: i64,
    pub next_at: Option<Time>,
    pub created_at: Time,
    pub updated_at: Time,
    /// Oldest first.
    pub tries: Vec<WebhookAttempt>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WebhookAttempt {
    pub number: i64,
    /// HTTP status.
    pub status: Option<i64>,
    /// The answer's first characters, or why there was none.
    pub answer: String,
    pub duration_ms: i64,
    pub tried_at: Time,
}

const COLUMNS: &str = "id, event_id, event_type, payload, status, attempts, next_at, created_at, updated_at";

/// An event that is to go to an endpoint.
#[derive(Clone, Copy)]
pub(crate) struct NewDelivery<'a> {
    pub webhook: WebhookId,
    pub event_id: Uuid,
    pub event_type: &'a str,
    pub payload: &'a str,
}

/// Stores that an event is to go to an endpoint; `None` where it is known.
pub(crate) fn insert_webhook_delivery(tx: &mut Tx, new: &NewDelivery) -> Result<Option<WebhookDeliveryId>, DbError> {
    let (id, now) = (tx.id(), tx.now());
    // A test does not queue.
    let next_at = (new.event_type != TEST_EVENT).then_some(now);
    let inserted = tx.execute(
        "INSERT INTO notifications.webhook_deliveries (id, webhook_id, event_id, event_type, payload, status, attempts, series, series_from, next_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7, $8, $8) ON CONFLICT (webhook_id, event_id) DO NOTHING",
        params![id, new.webhook.0, new.event_id, new.event_type, new.payload, Status::Pending.as_str(), next_at, now],
    )?;
    Ok((inserted == 1).then_some(WebhookDeliveryId(id)))
}

/// Notes an attempt; its number in all, and within its series. `None` where the delivery is forgotten.
pub(crate) fn note_webhook_attempt(
    tx: &mut Tx,
    id: WebhookDeliveryId,
    reply: &Reply,
    tried_at: Time,
    duration_ms: i64,
) -> Result<Option<(i64, i64)>, DbError> {
    let counted = tx.row(
        "UPDATE notifications.webhook_deliveries SET attempts = attempts + 1 WHERE id = $1 RETURNING attempts, attempts - series_from",
        params![id.0],
    )?;
    let Some(row) = counted else { return Ok(None) };
    let (number, of_series): (i64, i64) = (row.get(0)?, row.get(1)?);
    tx.execute(
        "INSERT INTO notifications.webhook_attempts (delivery_id, number, status, answer, duration_ms, tried_at) VALUES ($1, $2, $3, $4, $5, $6)",
        params![id.0, number, reply.status.map(i64::from), &reply.words, duration_ms, tried_at],
    )?;
    Ok(Some((number, of_series)))
}

/// Notes where a delivery stands, unless a later series has begun; whether it was noted.
pub(crate) fn settle_webhook_delivery(
    tx: &mut Tx,
    id: WebhookDeliveryId,
    series: i64,
    status: Status,
    next_at: Option<Time>,
) -> Result<bool, DbError> {
    let now = tx.now();
    let changed = tx.execute(
        "UPDATE notifications.webhook_deliveries SET status = $3, next_at = $4, updated_at = $5 WHERE id = $1 AND series = $2 AND status IN ('pending', 'failed')",
        params![id.0, series, status.as_str(), next_at, now],
    )?;
    Ok(changed == 1)
}

/// Begins a new series of attempts; false where the endpoint has no such delivery.
pub(crate) fn begin_series(tx: &mut Tx, webhook: WebhookId, id: WebhookDeliveryId) -> Result<bool, DbError> {
    let now = tx.now();
    let sql = format!("{ANEW} WHERE id = $1 AND webhook_id = $4");
    Ok(tx.execute(&sql, params![id.0, Status::Pending.as_str(), now, webhook.0])? == 1)
}

const ANEW: &str =
    "UPDATE notifications.webhook_deliveries SET status = $2, series = series + 1, series_from = attempts, next_at = $3, updated_at = $3";

/// A time from which to which, the second not included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub since: Time,
    pub until: Time,
}

/// Begins a new series of attempts of up to `limit` deliveries from within a time that were given up; how many.
pub(crate) fn begin_series_of_dead(tx: &mut Tx, webhook: WebhookId, span: Span, limit: i64) -> Result<i64, DbError> {
    const WANTED: &str = "webhook_id = $1 AND status = $4 AND created_at >= $5 AND created_at < $6";
    let now = tx.now();
    let sql = format!(
        "{ANEW} WHERE id IN (SELECT id FROM notifications.webhook_deliveries WHERE {WANTED} ORDER BY created_at, id LIMIT $7) AND {WANTED}"
    );
    let (pending, dead) = (Status::Pending.as_str(), Status::Dead.as_str());
    let begun = tx.execute(&sql, params![webhook.0, pending, now, dead, span.since, span.until, limit])?;
    Ok(begun as i64)
}

/// One delivery of an endpoint.
pub(crate) fn webhook_delivery(q: &mut Query, webhook: WebhookId, id: WebhookDeliveryId) -> Result<Option<WebhookDelivery>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM notifications.webhook_deliveries WHERE id = $1 AND webhook_id = $2");
    let found = q.row(&sql, params![id.0, webhook.0])?.map(|r| read(&r)).transpose()?;
    Ok(with_attempts(q, found.into_iter().collect())?.pop())
}

/// The deliveries of an endpoint, newest first; one more than `limit` where there are more.
pub(crate) fn webhook_deliveries(
    q: &mut Query,
    webhook: WebhookId,
    status: Option<Status>,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<WebhookDelivery>, DbError> {
    let mut values: Vec<Value> = params![limit + 1, webhook.0].to_vec();
    let mut sql = format!("SELECT {COLUMNS} FROM notifications.webhook_deliveries WHERE webhook_id = $2");
    if let Some(status) = status {
        values.push(status.as_str().into());
        sql.push_str(&format!(" AND status = ${}", values.len()));
    }
    if let Some(After { time, id }) = after {
        values.extend_from_slice(params![time, id]);
        sql.push_str(&format!(" AND (created_at, id) < (${}, ${})", values.len() - 1, values.len()));
    }
    sql.push_str(" ORDER BY created_at DESC, id DESC LIMIT $1");
    let found = q.rows(&sql, &values)?.iter().map(read).collect::<Result<_, _>>()?;
    with_attempts(q, found)
}

/// Forgets deliveries from before `before`, at most `limit`, with their attempts; returns how many.
pub(crate) fn prune_webhook_deliveries(tx: &mut Tx, before: Time, limit: i64) -> Result<u64, DbError> {
    const OLD: &str = "SELECT id FROM notifications.webhook_deliveries WHERE created_at < $1 ORDER BY created_at, id LIMIT $2";
    tx.execute(&format!("DELETE FROM notifications.webhook_attempts WHERE delivery_id IN ({OLD})"), params![before, limit])?;
    tx.execute(&format!("DELETE FROM notifications.webhook_deliveries WHERE id IN ({OLD})"), params![before, limit])
}

fn with_attempts(q: &mut Query, mut deliveries: Vec<WebhookDelivery>) -> Result<Vec<WebhookDelivery>, DbError> {
    if deliveries.is_empty() {
        return Ok(deliveries);
    }
    let ids: Vec<Value> = deliveries.iter().map(|d| Value::from(d.id.0)).collect();
    let sql = format!(
        "SELECT delivery_id, number, status, answer, duration_ms, tried_at FROM notifications.webhook_attempts WHERE delivery_id IN ({}) ORDER BY delivery_id, number",
        placeholders(1, ids.len())
    );
    for row in q.rows(&sql, &ids)? {
        let of: Uuid = row.get(0)?;
        let attempt = WebhookAttempt {
            number: row.get(1)?,
            status: row.get(2)?,
            answer: row.get(3)?,
            duration_ms: row.get(4)?,
            tried_at: row.get(5)?,
        };
        deliveries.iter_mut().filter(|d| d.id.0 == of).for_each(|d| d.tries.push(attempt.clone()));
    }
    Ok(deliveries)
}

fn read(row: &Row) -> Result<WebhookDelivery, DbError> {
    let status: String = row.get(4)?;
    Ok(WebhookDelivery {
        id: WebhookDeliveryId(row.get(0)?),
        event_id: row.get(1)?,
        event_type: row.get(2)?,
        payload: row.get(3)?,
        status: Status::parse(&status).ok_or_else(|| DbError::Internal(format!("status of a delivery: {status}")))?,
        attempts: row.get(5)?,
        next_at: row.get(6)?,
        created_at: row.get(7)?,
        updated_at: row.get(8)?,
        tries: Vec::new(),
    })
}
