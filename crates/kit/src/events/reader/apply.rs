//! The transactions of a reader: effects and position in one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use contracts::{Envelope, Time};
use uuid::Uuid;

use super::Handlers;
use super::failure::Verdict;
use crate::db::{DbError, Tx, Value, panic_text, placeholders};
use crate::events::ConsumerError;
use crate::{Context, context, params, trace};

/// Why events were not applied; nothing of them has happened.
#[derive(Debug)]
pub(in crate::events) enum Refusal {
    /// Another node has moved the position.
    Fenced,
    /// A handler failed on the event with this index; without one it was the transaction as a whole.
    Failed(Option<usize>, ConsumerError),
}

impl From<DbError> for Refusal {
    fn from(e: DbError) -> Refusal {
        Refusal::Failed(None, ConsumerError::Db(e))
    }
}

/// What a run of events did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Applied {
    /// So many handlers ran.
    pub(super) effects: usize,
    /// So many went behind parked ones of their stream.
    pub(super) parked: usize,
}

/// A step of the position in a publisher's log.
#[derive(Clone, Copy, Debug)]
pub(in crate::events) struct Move {
    pub(in crate::events) source: &'static str,
    /// As stored; `None` when nothing is stored yet.
    pub(in crate::events) from: Option<i64>,
    pub(in crate::events) to: i64,
}

/// Applies `events` and moves the position, if it still stands where this reader left it. With `blocked`, events of
/// streams that have parked ones go behind them.
pub(super) fn run(tx: &mut Tx, step: Move, events: &[Envelope], handlers: &Arc<Handlers>, blocked: bool) -> Result<Applied, Refusal> {
    fence(tx, step)?;
    let behind = if blocked { blocked_streams(tx, step.source, events)? } else { Vec::new() };
    let mut applied = Applied::default();
    for (i, event) in events.iter().enumerate().filter(|(_, e)| handlers.contains_key(e.kind.as_str())) {
        if behind.contains(&event.stream) {
            park(tx, event, None, 0, ("parked", "behind an earlier event of its stream"))?;
            applied.parked += 1;
        } else {
            handle(tx, event, handlers).map_err(|e| Refusal::Failed(Some(i), e))?;
            applied.effects += 1;
        }
    }
    crate::crash::point("reader.before_commit");
    Ok(applied)
}

/// Moves the position over one event that failed, and parks it.
pub(super) fn set_aside(tx: &mut Tx, step: Move, event: &Envelope, verdict: &Verdict, due: Time) -> Result<(), Refusal> {
    fence(tx, step)?;
    let due = (verdict.state().0 == "parked").then_some(due);
    Ok(park(tx, event, due, 1, verdict.state())?)
}

/// Moves the position; no row is changed where another node has moved it.
pub(in crate::events) fn fence(tx: &mut Tx, step: Move) -> Result<(), Refusal> {
    let now = tx.now();
    let moved = match step.from {
        Some(from) => tx.execute(
            "UPDATE own.readers SET position = $3, paused = NULL, updated_at = $4 WHERE source = $1 AND position = $2",
            params![step.source, from, step.to, now],
        )?,
        None => tx.execute(
            "INSERT INTO own.readers (source, position, paused, updated_at) VALUES ($1, $2, NULL, $3) ON CONFLICT (source) DO NOTHING",
            params![step.source, step.to, now],
        )?,
    };
    if moved == 1 { Ok(()) } else { Err(Refusal::Fenced) }
}

/// Runs the handlers of an event as work that the event caused. A panic is a failure like any other.
pub(super) fn handle(tx: &mut Tx, event: &Envelope, handlers: &Arc<Handlers>) -> Result<(), ConsumerError> {
    let Some(of_kind) = handlers.get(event.kind.as_str()) else { return Ok(()) };
    let span = trace::event::delivery(event, tx.service(), tx.now());
    let context = span.within(Context::from_event(event));
    tx.act_for(&context);
    tx.trace(span);
    let ran = catch_unwind(AssertUnwindSafe(|| of_kind.iter().try_for_each(|handler| handler(tx, event))));
    ran.unwrap_or_else(|panic| {
        let text = panic_text(&*panic);
        context::within(context, || {
            tracing::error!(kind = %event.kind, event = %event.id, panic = %text, "an event's handler panicked");
        });
        Err(ConsumerError::Db(DbError::Internal(format!("panic: {text}"))))
    })
}

fn blocked_streams(tx: &mut Tx, source: &'static str, events: &[Envelope]) -> Result<Vec<Uuid>, DbError> {
    let mut streams: Vec<Uuid> = events.iter().map(|e| e.stream).collect();
    streams.sort_unstable();
    streams.dedup();
    let params: Vec<Value> = std::iter::once(source.into()).chain(streams.iter().map(|s| Value::from(*s))).collect();
    let among = placeholders(2, streams.len());
    let sql = format!("SELECT DISTINCT stream FROM own.inbox WHERE source = $1 AND stream IN ({among}) ORDER BY stream");
    tx.rows(&sql, &params)?.iter().map(|r| r.get(0)).collect()
}

fn park(tx: &mut Tx, event: &Envelope, due: Option<Time>, attempts: i64, state: (&str, &str)) -> Result<(), DbError> {
    let now = tx.now();
    let (state, error) = state;
    tx.execute(
        "INSERT INTO own.inbox (event_id, source, position, stream, sequence, event, due_at, attempts, error, state, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (event_id) DO NOTHING",
        params![
            event.id,
            &event.source,
            event.position,
            event.stream,
            event.sequence,
            event.to_cloud_event(),
            due,
            attempts,
            error,
            state,
            now
        ],
    )?;
    Ok(())
}
