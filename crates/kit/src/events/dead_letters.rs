//! Events that an operator must decide on: to try them again, or to do without them.
//!
//! The later events of their stream wait behind them.

use contracts::Time;
use serde_json::Value as Json;
use uuid::Uuid;

use super::reader::release_next;
use crate::db::{Db, DbError, Query, Row, Tx};
use crate::params;

/// Dead letters on a page at most.
pub const PAGE_MAX: i64 = 200;

/// An event that a subscriber could not take.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The event's id.
    pub id: Uuid,
    /// The publishing service.
    pub source: String,
    /// The event's type.
    pub kind: String,
    /// Its stream.
    pub stream: Uuid,
    /// Its place in the stream.
    pub sequence: i64,
    /// Why it failed, the last time.
    pub error: String,
    /// How often it was tried.
    pub attempts: i64,
    /// How many later events of the stream wait behind it.
    pub waiting: i64,
    /// When it failed first.
    pub created_at: Time,
    /// The whole event, as CloudEvents JSON.
    pub event: Json,
}

/// Dead letters that failed alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The publishing service.
    pub source: String,
    /// The events' type.
    pub kind: String,
    /// Why they failed.
    pub error: String,
    /// How many there are.
    pub count: i64,
    /// When the first of them failed.
    pub since: Time,
}

/// A subscriber's dead letters, newest first: up to `limit` of those whose event is older than `before`.
pub fn list(q: &mut Query, limit: i64, before: Option<Uuid>) -> Result<Vec<DeadLetter>, DbError> {
    let sql = "SELECT d.event_id, d.source, d.event, d.stream, d.sequence, d.error, d.attempts, d.created_at, (SELECT COUNT(*) FROM own.inbox w WHERE w.source = d.source AND w.stream = d.stream AND w.sequence > d.sequence) FROM own.inbox d WHERE d.state = 'dead' AND d.event_id < $1 ORDER BY d.event_id DESC LIMIT $2";
    let rows = q.rows(sql, params![before.unwrap_or(Uuid::max()), limit.clamp(1, PAGE_MAX)])?;
    rows.iter().map(letter).collect()
}

fn letter(row: &Row) -> Result<DeadLetter, DbError> {
    let event: Json = row.get(2)?;
    Ok(DeadLetter {
        id: row.get(0)?,
        source: row.get(1)?,
        kind: event["type"].as_str().unwrap_or_default().to_owned(),
        stream: row.get(3)?,
        sequence: row.get(4)?,
        error: row.get::<Option<String>>(5)?.unwrap_or_default(),
        attempts: row.get(6)?,
        created_at: row.get(7)?,
        waiting: row.get(8)?,
        event,
    })
}

/// A subscriber's dead letters by how they failed, the largest group first.
pub fn groups(q: &mut Query) -> Result<Vec<Group>, DbError> {
    let sql = "SELECT source, event->>'type', COALESCE(error, ''), COUNT(*), MIN(created_at) FROM own.inbox WHERE state = 'dead' GROUP BY source, event->>'type', COALESCE(error, '') ORDER BY COUNT(*) DESC, 1, 2, 3";
    let group = |r: &Row| Ok(Group { source: r.get(0)?, kind: r.get(1)?, error: r.get(2)?, count: r.get(3)?, since: r.get(4)? });
    q.rows(sql, &[])?.iter().map(group).collect()
}

/// Tries an event again, now: a dead letter, or one that waits for its next try. `false` when there is none.
pub async fn retry(db: &Db, id: Uuid) -> Result<bool, DbError> {
    let count = change(db, "event_id = $1 AND state IN ('dead', 'parked')", vec![id.into()], Change::Retry).await?;
    Ok(count > 0)
}

/// Does without the event of a dead letter; the ones behind it go on. `false` when there is no such dead letter.
pub async fn discard(db: &Db, id: Uuid) -> Result<bool, DbError> {
    let count = change(db, "event_id = $1 AND state = 'dead'", vec![id.into()], Change::Discard).await?;
    Ok(count > 0)
}

/// As [`retry`], for all of a group; returns how many.
pub async fn retry_group(db: &Db, source: &str, kind: &str, error: &str) -> Result<u64, DbError> {
    change(db, GROUP, vec![source.into(), kind.into(), error.into()], Change::Retry).await
}

/// As [`discard`], for all of a group; returns how many.
pub async fn discard_group(db: &Db, source: &str, kind: &str, error: &str) -> Result<u64, DbError> {
    change(db, GROUP, vec![source.into(), kind.into(), error.into()], Change::Discard).await
}

const GROUP: &str = "source = $1 AND event->>'type' = $2 AND COALESCE(error, '') = $3 AND state = 'dead'";
/// Rows of a group changed in one transaction.
const CHUNK_ROWS: u64 = 200;

#[derive(Clone, Copy)]
enum Change {
    Retry,
    Discard,
}

/// Changes what fits `condition`, in chunks, and wakes the readers.
async fn change(db: &Db, condition: &'static str, params: Vec<crate::Value>, change: Change) -> Result<u64, DbError> {
    let mut total = 0;
    loop {
        let (bus, params) = (db.bus().clone(), params.clone());
        let changed = db.write(move |tx| {
            let rows = take(tx, condition, &params, change)?;
            for (source, stream) in &rows {
                if matches!(change, Change::Discard) {
                    release_next(tx, source, *stream)?;
                }
                let (bus, source) = (bus.clone(), source.clone());
                tx.after_commit(move || bus.wake(&source));
            }
            Ok::<_, DbError>(rows.len() as u64)
        });
        let changed = changed.await?;
        total += changed;
        if changed < CHUNK_ROWS {
            return Ok(total);
        }
    }
}

/// Changes up to a chunk of rows and returns the source and stream of each.
fn take(tx: &mut Tx, condition: &str, params: &[crate::Value], change: Change) -> Result<Vec<(String, Uuid)>, DbError> {
    let chosen = format!("event_id IN (SELECT event_id FROM own.inbox WHERE {condition} ORDER BY event_id LIMIT {CHUNK_ROWS})");
    let (now, mut params) = (tx.now(), params.to_vec());
    let sql = match change {
        Change::Retry => {
            params.push(now.into());
            let due = params.len();
            format!("UPDATE own.inbox SET state = 'parked', due_at = ${due}, attempts = 0 WHERE {chosen} RETURNING source, stream")
        }
        Change::Discard => format!("DELETE FROM own.inbox WHERE {chosen} RETURNING source, stream"),
    };
    tx.rows(&sql, &params)?.iter().map(|r| Ok((r.get(0)?, r.get(1)?))).collect()
}
