//! What waits for an endpoint, and how the endpoint stands. `next_at` of a delivery is set for as long as it waits.

use contracts::{Time, WebhookDeliveryId, WebhookId};
use kit::db::{DbError, Query, Row, Tx};
use kit::params;
use kit::service::Figure;
use uuid::Uuid;

use crate::domain::Status;

/// What operators watch: what should have left by now, and who is told something at all.
pub(crate) const FIGURES: [Figure; 2] = [
    Figure {
        name: "haat_webhook_deliveries_due",
        labels: &[],
        sql: "SELECT COUNT(*) FROM notifications.webhook_deliveries WHERE next_at <= $1",
    },
    Figure {
        name: "haat_webhook_endpoints",
        labels: &["state"],
        sql: "SELECT COUNT(*), state FROM (SELECT CASE WHEN enabled THEN 'enabled' ELSE COALESCE(disabled_reason, 'owner') END AS state \
              FROM notifications.webhooks) AS endpoints GROUP BY state ORDER BY state",
    },
];

/// What is to be known of an endpoint to send something there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Endpoint {
    pub id: WebhookId,
    pub url: String,
    pub enabled: bool,
    /// Sealed.
    pub secret: Vec<u8>,
    /// Sealed, and until when it signs.
    pub old_secret: Option<(Vec<u8>, Time)>,
    /// How often in a row it did not answer.
    pub silences: i64,
    /// Until when it is left alone because of that.
    pub rests_until: Option<Time>,
}

/// A delivery as it leaves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WebhookOutgoing {
    pub id: WebhookDeliveryId,
    pub series: i64,
    pub event_id: Uuid,
    pub event_type: String,
    pub payload: String,
}

/// An endpoint, of whomever.
pub(crate) fn endpoint(q: &mut Query, id: WebhookId) -> Result<Option<Endpoint>, DbError> {
    let row = q.row(
        "SELECT url, enabled, secret, old_secret, old_secret_until, silences, rests_until FROM notifications.webhooks WHERE id = $1",
        params![id.0],
    )?;
    let read = |r: Row| {
        Ok(Endpoint {
            id,
            url: r.get(0)?,
            enabled: r.get(1)?,
            secret: r.get(2)?,
            old_secret: r.get::<Option<Vec<u8>>>(3)?.zip(r.get(4)?),
            silences: r.get(5)?,
            rests_until: r.get(6)?,
        })
    };
    row.map(read).transpose()
}

/// What is due at an endpoint at `now`, at most `limit`, what has waited longest first.
pub(crate) fn due_at(q: &mut Query, webhook: WebhookId, now: Time, limit: i64) -> Result<Vec<WebhookOutgoing>, DbError> {
    let sql = "SELECT id, series, event_id, event_type, payload FROM notifications.webhook_deliveries \
               WHERE webhook_id = $1 AND next_at <= $2 ORDER BY next_at, id LIMIT $3";
    q.rows(sql, params![webhook.0, now, limit])?.iter().map(outgoing).collect()
}

/// When the next delivery is due at an endpoint that is not left alone until later.
pub(crate) fn next_due(q: &mut Query, webhook: WebhookId) -> Result<Option<Time>, DbError> {
    let row = q.row(
        "SELECT d.next_at, w.rests_until FROM notifications.webhook_deliveries d JOIN notifications.webhooks w ON w.id = d.webhook_id \
         WHERE d.webhook_id = $1 AND d.next_at IS NOT NULL ORDER BY d.next_at, d.id LIMIT 1",
        params![webhook.0],
    )?;
    let Some(row) = row else { return Ok(None) };
    let (next, rests_until): (Time, Option<Time>) = (row.get(0)?, row.get(1)?);
    Ok(Some(rests_until.map_or(next, |until| until.max(next))))
}

/// Gives up what is due at an endpoint that is told nothing.
pub(crate) fn give_up_due(tx: &mut Tx, webhook: WebhookId) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "UPDATE notifications.webhook_deliveries SET status = $2, next_at = NULL, updated_at = $3 WHERE webhook_id = $1 AND next_at <= $3",
        params![webhook.0, Status::Dead.as_str(), now],
    )
    .map(drop)
}

/// Notes how often in a row an endpoint did not answer, and until when it is left alone.
pub(crate) fn note_silences(tx: &mut Tx, id: WebhookId, silences: i64, until: Option<Time>) -> Result<(), DbError> {
    let sql = "UPDATE notifications.webhooks SET silences = $2, rests_until = $3 WHERE id = $1";
    tx.execute(sql, params![id.0, silences, until]).map(drop)
}

/// One delivery that has not ended, and where it goes.
pub(crate) fn one_outgoing(q: &mut Query, id: WebhookDeliveryId) -> Result<Option<(WebhookId, WebhookOutgoing)>, DbError> {
    let sql = "SELECT id, series, event_id, event_type, payload, webhook_id FROM notifications.webhook_deliveries \
               WHERE id = $1 AND status IN ('pending', 'failed')";
    q.row(sql, params![id.0])?.map(|r| Ok((WebhookId(r.get(5)?), outgoing(&r)?))).transpose()
}

fn outgoing(row: &Row) -> Result<WebhookOutgoing, DbError> {
    Ok(WebhookOutgoing {
        id: WebhookDeliveryId(row.get(0)?),
        series: row.get(1)?,
        event_id: row.get(2)?,
        event_type: row.get(3)?,
        payload: row.get(4)?,
    })
}
