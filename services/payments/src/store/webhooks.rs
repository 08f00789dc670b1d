//! What providers told us, as it came, and what became of it.

use contracts::{PaymentId, Time};
use kit::db::{DbError, Query, Row, Tx};
use kit::http::PageRequest;
use kit::{Value, params};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::domain::Verdict;

/// A message as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arrived {
    pub provider: &'static str,
    /// The provider's id of it, with the provider's name in front; only where its signature fits.
    pub message: Option<String>,
    pub kind: Option<String>,
    pub payment_id: Option<PaymentId>,
    /// Those that say who sent it and when.
    pub headers: Json,
    pub body: Vec<u8>,
}

/// A message that is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WebhookRow {
    pub id: Uuid,
    pub provider: String,
    pub message: Option<String>,
    pub kind: Option<String>,
    pub payment_id: Option<PaymentId>,
    pub verdict: Verdict,
    pub detail: Option<String>,
    pub headers: Json,
    pub body: Vec<u8>,
    pub received_at: Time,
    pub updated_at: Time,
}

/// Which messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct WebhookFilter {
    pub verdict: Option<Verdict>,
    pub payment_id: Option<PaymentId>,
}

const COLUMNS: &str = "id, provider, message, kind, payment_id, verdict, detail, headers, body, received_at, updated_at";

/// Whether a provider's message has had its effect.
pub(crate) fn was_applied(q: &mut Query, message: &str) -> Result<bool, DbError> {
    // The other table is where messages were noted before they were kept as they came; its rows age away.
    let sql = "SELECT 1 FROM payments.webhook_inbox WHERE message = $1 AND verdict = 'applied' \
               UNION ALL SELECT 1 FROM payments.webhooks WHERE id = $1 LIMIT 1";
    Ok(q.row(sql, params![message])?.is_some())
}

/// Keeps a message with what became of it; one that is there and has had no effect yet gets this verdict. False where it
/// has had its effect.
pub(crate) fn keep_webhook(tx: &mut Tx, arrived: &Arrived, verdict: Verdict, detail: Option<&str>) -> Result<bool, DbError> {
    let (id, now) = (tx.id(), tx.now());
    let kept = tx.execute(
        "INSERT INTO payments.webhook_inbox AS w (id, provider, message, kind, payment_id, verdict, detail, headers, body, received_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) ON CONFLICT (message) DO UPDATE SET verdict = excluded.verdict, \
         detail = excluded.detail, kind = excluded.kind, payment_id = excluded.payment_id, updated_at = excluded.updated_at \
         WHERE w.verdict <> 'applied'",
        params![
            id,
            arrived.provider,
            arrived.message.as_deref(),
            arrived.kind.as_deref(),
            arrived.payment_id.map(|p| p.0),
            verdict.as_str(),
            detail,
            arrived.headers.clone(),
            arrived.body.clone(),
            now
        ],
    )?;
    Ok(kept == 1)
}

/// Forgets the oldest of those that nobody vouched for where there are more than `kept`; at most 500. Returns how many.
pub(crate) fn thin_out_refused(tx: &mut Tx, kept: i64) -> Result<u64, DbError> {
    let count = tx.row("SELECT COUNT(*) FROM payments.webhook_inbox WHERE verdict = 'refused'", &[])?;
    let surplus = count.map_or(Ok(0), |r| r.get::<i64>(0))? - kept;
    if surplus <= 0 {
        return Ok(0);
    }
    tx.execute(
        "DELETE FROM payments.webhook_inbox WHERE id IN (SELECT id FROM payments.webhook_inbox WHERE verdict = 'refused' \
         ORDER BY received_at, id LIMIT $1)",
        params![surplus.min(500)],
    )
}

/// One message.
pub(crate) fn webhook(q: &mut Query, id: Uuid) -> Result<Option<WebhookRow>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM payments.webhook_inbox WHERE id = $1");
    q.row(&sql, params![id])?.map(|r| read(&r)).transpose()
}

/// Messages, newest first; one more than the limit where there are more.
pub(crate) fn webhooks(q: &mut Query, filter: &WebhookFilter, page: &PageRequest) -> Result<Vec<WebhookRow>, DbError> {
    let mut values: Vec<Value> = vec![(page.limit + 1).into()];
    let mut wanted = vec!["TRUE".to_owned()];
    if let Some(verdict) = filter.verdict {
        values.push(verdict.as_str().into());
        wanted.push(format!("verdict = ${}", values.len()));
    }
    if let Some(payment) = filter.payment_id {
        values.push(payment.0.into());
        wanted.push(format!("payment_id = ${}", values.len()));
    }
    if let Some(after) = page.after {
        values.extend_from_slice(params![after.time, after.id]);
        wanted.push(format!("(received_at, id) < (${}, ${})", values.len() - 1, values.len()));
    }
    let sql =
        format!("SELECT {COLUMNS} FROM payments.webhook_inbox WHERE {} ORDER BY received_at DESC, id DESC LIMIT $1", wanted.join(" AND "));
    q.rows(&sql, &values)?.iter().map(read).collect()
}

/// Forgets messages that came before `before`; at most 500 of each table. Returns how many.
pub(crate) fn forget_webhooks(tx: &mut Tx, before: Time) -> Result<u64, DbError> {
    let mut forgotten = 0;
    for table in ["webhook_inbox", "webhooks"] {
        let sql = format!(
            "DELETE FROM payments.{table} WHERE id IN (SELECT id FROM payments.{table} WHERE received_at < $1 ORDER BY received_at, id LIMIT 500)"
        );
        forgotten += tx.execute(&sql, params![before])?;
    }
    Ok(forgotten)
}

fn read(row: &Row) -> Result<WebhookRow, DbError> {
    let verdict: String = row.get(5)?;
    Ok(WebhookRow {
        id: row.get(0)?,
        provider: row.get(1)?,
        message: row.get(2)?,
        kind: row.get(3)?,
        payment_id: row.get::<Option<Uuid>>(4)?.map(PaymentId),
        verdict: Verdict::parse(&verdict).ok_or_else(|| DbError::Internal(format!("verdict of a webhook: {verdict}")))?,
        detail: row.get(6)?,
        headers: row.get(7)?,
        body: row.get(8)?,
        received_at: row.get(9)?,
        updated_at: row.get(10)?,
    })
}
