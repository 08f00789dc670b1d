//! Events in the inbox: the head of each stream is tried again, the later ones wait behind it.

use std::sync::Arc;

use contracts::{Envelope, Time};
use uuid::Uuid;

use super::Handlers;
use super::apply::{Refusal, handle};
use super::failure::Verdict;
use crate::db::{DbError, Query, Tx};
use crate::params;

/// Heads taken up at a time.
const HEADS_MAX: i64 = 32;

/// What a subscription finds in its tables.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Stored {
    /// Its position, once it has one.
    pub(super) position: Option<i64>,
    /// Whether it says of itself that it pauses; perhaps in an earlier life.
    pub(super) paused: bool,
    /// How many streams have parked or dead events.
    pub(super) blocked_streams: i64,
    /// When the next head is due.
    pub(super) next_due: Option<Time>,
}

/// The first event of a stream that is not done.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) event: Envelope,
    pub(super) attempts: i64,
}

/// How a try ended.
#[derive(Debug, PartialEq)]
pub(super) enum Tried {
    /// It took effect. The next one of its stream is the head now, if there is one.
    Done(bool),
    /// Another node has it.
    Taken,
}

/// Reads where a subscription stands. A head without a time is due: it became one while another node parked it.
pub(super) fn look(q: &mut Query, source: &'static str) -> Result<Stored, DbError> {
    let (position, paused) = place(q, source)?.map_or((None, false), |(position, paused)| (Some(position), paused));
    let heads = q.row(
        "SELECT COUNT(*), MIN(CASE WHEN i.state = 'parked' THEN COALESCE(i.due_at, $2) END) FROM own.inbox i WHERE i.source = $1 AND NOT EXISTS (SELECT 1 FROM own.inbox e WHERE e.source = i.source AND e.stream = i.stream AND e.sequence < i.sequence)",
        params![source, Time(0)],
    )?;
    let Some(heads) = heads else { return Ok(Stored { position, paused, ..Stored::default() }) };
    Ok(Stored { position, paused, blocked_streams: heads.get(0)?, next_due: heads.get(1)? })
}

/// A stored position, and whether the reader says that it pauses.
pub(in crate::events) fn place(q: &mut Query, source: &'static str) -> Result<Option<(i64, bool)>, DbError> {
    let row = q.row("SELECT position, paused FROM own.readers WHERE source = $1", params![source])?;
    row.map(|r| Ok((r.get(0)?, r.get::<Option<String>>(1)?.is_some()))).transpose()
}

/// Heads that are due, the longest waiting ones first.
pub(super) fn due(q: &mut Query, source: &'static str, now: Time) -> Result<Vec<Head>, DbError> {
    let sql = "SELECT i.event, i.attempts FROM own.inbox i WHERE i.source = $1 AND i.state = 'parked' AND (i.due_at IS NULL OR i.due_at <= $2) AND NOT EXISTS (SELECT 1 FROM own.inbox e WHERE e.source = i.source AND e.stream = i.stream AND e.sequence < i.sequence) ORDER BY i.due_at, i.event_id LIMIT $3";
    q.rows(sql, params![source, now, HEADS_MAX])?.iter().map(head).collect()
}

/// The head of one stream, if it is to be tried.
pub(super) fn next(q: &mut Query, source: &'static str, stream: Uuid) -> Result<Option<Head>, DbError> {
    let sql = "SELECT event, attempts, state FROM own.inbox WHERE source = $1 AND stream = $2 ORDER BY sequence, event_id LIMIT 1";
    let found = q.row(sql, params![source, stream])?;
    let parked = found.filter(|r| r.get::<String>(2).is_ok_and(|state| state == "parked"));
    parked.as_ref().map(head).transpose()
}

fn head(row: &crate::Row) -> Result<Head, DbError> {
    let stored: serde_json::Value = row.get(0)?;
    let event = Envelope::from_cloud_event(stored).map_err(|e| DbError::Internal(format!("a parked event: {e}")))?;
    Ok(Head { event, attempts: row.get(1)? })
}

/// Tries a head: its effect and its removal are one transaction, and only one node removes it.
pub(super) fn retry(tx: &mut Tx, head: &Head, handlers: &Arc<Handlers>) -> Result<Tried, Refusal> {
    let sql = "DELETE FROM own.inbox WHERE event_id = $1 AND state = 'parked' AND attempts = $2";
    if tx.execute(sql, params![head.event.id, head.attempts])? == 0 {
        return Ok(Tried::Taken);
    }
    handle(tx, &head.event, handlers).map_err(|e| Refusal::Failed(Some(0), e))?;
    let released = release_next(tx, &head.event.source, head.event.stream)?;
    crate::crash::point("reader.before_commit");
    Ok(Tried::Done(released))
}

/// Makes the first event that waits in a stream due, and says whether there is one.
pub(in crate::events) fn release_next(tx: &mut Tx, source: &str, stream: Uuid) -> Result<bool, DbError> {
    let now = tx.now();
    let released = tx.execute(
        "UPDATE own.inbox SET due_at = $3 WHERE state = 'parked' AND event_id = (SELECT event_id FROM own.inbox WHERE source = $1 AND stream = $2 ORDER BY sequence, event_id LIMIT 1)",
        params![source, stream, now],
    )?;
    Ok(released > 0)
}

/// Puts a head back after another failure.
pub(super) fn put_back(tx: &mut Tx, head: &Head, verdict: &Verdict, due: Time) -> Result<(), DbError> {
    let (state, error) = verdict.state();
    let due = (state == "parked").then_some(due);
    tx.execute(
        "UPDATE own.inbox SET attempts = attempts + 1, due_at = $3, error = $4, state = $5 WHERE event_id = $1 AND attempts = $2",
        params![head.event.id, head.attempts, due, error, state],
    )?;
    Ok(())
}

/// Notes why a subscription does not go on.
pub(super) fn note_pause(tx: &mut Tx, source: &'static str, reason: &str) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute("UPDATE own.readers SET paused = $2, updated_at = $3 WHERE source = $1", params![source, reason, now])?;
    Ok(())
}

/// Notes that it goes on.
pub(in crate::events) fn clear_pause(tx: &mut Tx, source: &'static str) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute("UPDATE own.readers SET paused = NULL, updated_at = $2 WHERE source = $1 AND paused IS NOT NULL", params![source, now])?;
    Ok(())
}
