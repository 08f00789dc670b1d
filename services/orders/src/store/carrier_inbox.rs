//! What carriers told, as it came, and what became of it.

use contracts::Time;
use kit::db::{DbError, Query, Row, Tx};
use kit::http::PageRequest;
use kit::{Value, params};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::domain::{CarrierStatus, Verdict, number_key};

/// A message as it came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arrived {
    /// As it is compared.
    pub carrier: String,
    /// The carrier's id of it, with the carrier's name in front; only where its signature fits.
    pub message: Option<String>,
    pub status: Option<CarrierStatus>,
    /// As it is compared.
    pub number: Option<String>,
    /// Those that say who sent it and when.
    pub headers: Json,
    pub body: Vec<u8>,
}

/// A message that is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ArrivedRow {
    pub id: Uuid,
    pub arrived: Arrived,
    pub verdict: Verdict,
    pub detail: Option<String>,
    pub received_at: Time,
    pub updated_at: Time,
}

/// Which messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ArrivedFilter {
    pub verdict: Option<Verdict>,
    /// As it is compared.
    pub carrier: Option<String>,
    pub number: Option<String>,
}

const COLUMNS: &str = "id, carrier, message, status, number, verdict, detail, headers, body, received_at, updated_at";

/// Whether a carrier's message has had its effect.
pub(crate) fn was_applied(q: &mut Query, message: &str) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM orders.carrier_inbox WHERE message = $1 AND verdict = 'applied'";
    Ok(q.row(sql, params![message])?.is_some())
}

/// Keeps a message with what became of it; one that is there and has had no effect yet gets this
/// verdict, and is as it came now.
pub(crate) fn keep_arrived(tx: &mut Tx, arrived: &Arrived, verdict: Verdict, detail: Option<&str>) -> Result<(), DbError> {
    let (id, now) = (tx.id(), tx.now());
    tx.execute(
        "INSERT INTO orders.carrier_inbox AS w (id, carrier, message, status, number, verdict, detail, headers, body, received_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) ON CONFLICT (message) DO UPDATE SET verdict = excluded.verdict, \
         detail = excluded.detail, status = excluded.status, number = excluded.number, headers = excluded.headers, \
         body = excluded.body, updated_at = excluded.updated_at \
         WHERE w.verdict <> 'applied'",
        params![
            id,
            &arrived.carrier,
            arrived.message.as_deref(),
            arrived.status.map(CarrierStatus::as_str),
            arrived.number.as_deref(),
            verdict.as_str(),
            detail,
            arrived.headers.clone(),
            arrived.body.clone(),
            now
        ],
    )
    .map(drop)
}

/// Forgets the oldest of those that nobody vouched for where there are more than `kept`; at most 500.
pub(crate) fn thin_out_refused(tx: &mut Tx, kept: i64) -> Result<(), DbError> {
    let count = tx.row("SELECT COUNT(*) FROM orders.carrier_inbox WHERE verdict = 'refused'", &[])?;
    let surplus = count.map_or(Ok(0), |r| r.get::<i64>(0))? - kept;
    if surplus <= 0 {
        return Ok(());
    }
    tx.execute(
        "DELETE FROM orders.carrier_inbox WHERE id IN (SELECT id FROM orders.carrier_inbox WHERE verdict = 'refused' \
         ORDER BY received_at, id LIMIT $1)",
        params![surplus.min(500)],
    )
    .map(drop)
}

/// One message.
pub(crate) fn arrived(q: &mut Query, id: Uuid) -> Result<Option<ArrivedRow>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM orders.carrier_inbox WHERE id = $1");
    q.row(&sql, params![id])?.map(|r| read(&r)).transpose()
}

/// The oldest messages about a number that could not be applied.
pub(crate) fn unapplied(q: &mut Query, carrier: &str, number: &str, limit: i64) -> Result<Vec<ArrivedRow>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM orders.carrier_inbox WHERE carrier = $1 AND number = $2 AND verdict = 'failed' ORDER BY received_at, id LIMIT $3"
    );
    q.rows(&sql, params![carrier, number, limit])?.iter().map(read).collect()
}

/// Messages, newest first; one more than the limit where there are more.
pub(crate) fn all_arrived(q: &mut Query, filter: &ArrivedFilter, page: &PageRequest) -> Result<Vec<ArrivedRow>, DbError> {
    let mut values: Vec<Value> = vec![(page.limit + 1).into()];
    let mut wanted = vec!["TRUE".to_owned()];
    let number = filter.number.as_deref().map(number_key);
    for (column, value) in
        [("verdict", filter.verdict.map(Verdict::as_str)), ("carrier", filter.carrier.as_deref()), ("number", number.as_deref())]
    {
        let Some(value) = value else { continue };
        values.push(value.into());
        wanted.push(format!("{column} = ${}", values.len()));
    }
    if let Some(after) = page.after {
        values.extend_from_slice(params![after.time, after.id]);
        wanted.push(format!("(received_at, id) < (${}, ${})", values.len() - 1, values.len()));
    }
    let sql =
        format!("SELECT {COLUMNS} FROM orders.carrier_inbox WHERE {} ORDER BY received_at DESC, id DESC LIMIT $1", wanted.join(" AND "));
    q.rows(&sql, &values)?.iter().map(read).collect()
}

/// Forgets messages that came before `before`; at most 500. Returns how many.
pub(crate) fn forget_arrived(tx: &mut Tx, before: Time) -> Result<u64, DbError> {
    let sql = "DELETE FROM orders.carrier_inbox WHERE id IN \
               (SELECT id FROM orders.carrier_inbox WHERE received_at < $1 ORDER BY received_at, id LIMIT 500)";
    tx.execute(sql, params![before])
}

fn read(row: &Row) -> Result<ArrivedRow, DbError> {
    let verdict: String = row.get(5)?;
    let status: Option<String> = row.get(3)?;
    let arrived = Arrived {
        carrier: row.get(1)?,
        message: row.get(2)?,
        status: status.as_deref().and_then(CarrierStatus::parse),
        number: row.get(4)?,
        headers: row.get(7)?,
        body: row.get(8)?,
    };
    Ok(ArrivedRow {
        id: row.get(0)?,
        arrived,
        verdict: Verdict::parse(&verdict).ok_or_else(|| DbError::Internal(format!("verdict of a carrier's message: {verdict}")))?,
        detail: row.get(6)?,
        received_at: row.get(9)?,
        updated_at: row.get(10)?,
    })
}
