//! Building a read model anew beside the one that is in use.
//!
//! The log is taken into tables beside the model's own, in many small transactions, while the model goes on being kept up
//! with the events as they happen. Then the two are compared. Where many streams differ they are put in place a few at a
//! time, so that nobody waits for long; the last few and the rest of the log are put in place by one transaction. A stream
//! is seen as it was or as it should be, never half. What is stored is the position up to which the tables beside are
//! filled, so a replay goes on where a crash left it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use contracts::Envelope;
use tokio::sync::Notify;
use uuid::Uuid;

use super::compare::{self, Table};
use super::{ReadModel, ReplayStatus, progress};
use crate::db::{Db, DbError, Tx, Value, placeholders};
use crate::events::reader::{Move, Refusal, fence, pause_ms, place};
use crate::events::{ConsumerError, written_after};
use crate::params;
use crate::service::Env;
use crate::{Ids, Tasks};

/// Events of one transaction.
const BATCH_EVENTS: usize = 256;
/// Rows that one transaction removes.
const CLEARED_ROWS: i64 = 500;
/// Streams of one statement.
const STREAMS: usize = 100;
/// Streams that are put in place by one transaction, behind everything else.
const PLACED_STREAMS: usize = 50;
/// So many that differ may be put in place with the rest of the log.
const SWAPPED_STREAMS: usize = 100;
/// A replay that fails so often in a row for one reason, some eight minutes, is given up.
const FAILURES_MAX: i64 = 15;
/// Another node may have begun a replay.
const POLL: Duration = Duration::from_secs(1);
/// While the log holds back events behind one that may still be committed.
const HELD_BACK: Duration = Duration::from_millis(5);

/// Starts the task that carries replays of `model` out.
pub(super) fn start(env: &Env, bus: &bus::Local, model: ReadModel, tables: &'static [Table], begun: Arc<Notify>) {
    let (db, ids, tasks) = (env.db.clone(), env.ids.clone(), env.tasks.clone());
    let rebuild = Rebuild { db, ids, tasks, bus: bus.clone(), model, tables, begun };
    env.tasks.spawn_forever("replay", rebuild.run());
}

struct Rebuild {
    db: Db,
    ids: Ids,
    tasks: Tasks,
    bus: bus::Local,
    model: ReadModel,
    tables: &'static [Table],
    begun: Arc<Notify>,
}

/// Whether there was something to do.
enum Found {
    Replay,
    Nothing,
}

/// Why a replay does not go on.
enum Stop {
    /// Another node has moved it on, or the process ends: it is looked at again.
    Look,
    /// It is tried again after a pause.
    Failed(String),
}

impl From<DbError> for Stop {
    fn from(e: DbError) -> Stop {
        Stop::Failed(e.to_string())
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        match refusal {
            Refusal::Fenced => Stop::Look,
            Refusal::Failed(_, e) => Stop::Failed(e.to_string()),
        }
    }
}

impl Rebuild {
    async fn run(self) {
        // Failures in a row; those of them that were alike, and the reason; whether rows may be left beside the model.
        let (mut failures, mut alike, mut reason_before, mut left_over) = (0, 0, String::new(), false);
        while !self.tasks.is_stopping() {
            let wait = match self.carry_out().await {
                Ok(Found::Replay) => {
                    (failures, alike, left_over) = (0, 0, false);
                    POLL
                }
                Ok(Found::Nothing) => {
                    (failures, alike) = (0, 0);
                    left_over = left_over && self.clear(None).await.is_err();
                    POLL
                }
                Err(Stop::Look) => {
                    left_over = true;
                    HELD_BACK
                }
                Err(Stop::Failed(reason)) => {
                    (failures, left_over) = (failures + 1, true);
                    alike = if reason == reason_before { alike + 1 } else { 1 };
                    self.fail(reason.clone(), alike >= FAILURES_MAX).await;
                    reason_before = reason;
                    Duration::from_millis(pause_ms(failures, &self.ids).unsigned_abs())
                }
            };
            tokio::select! {
                biased;
                () = self.tasks.stopping() => return,
                () = self.begun.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Carries the running replay out, where there is one.
    async fn carry_out(&self) -> Result<Found, Stop> {
        let name = self.model.name;
        let looked = self.db.read(move |q| Ok::<_, DbError>((progress::running(q, name)?, place(q, name)?))).await?;
        let (Some(replay), Some((position, _))) = looked else { return Ok(Found::Nothing) };
        if position == 0 {
            self.clear(Some(0)).await?;
        }
        let mut position = self.fill(replay, position).await?;
        let mut different = compare::different(&self.db, self.tables).await?;
        crate::crash::point("replay.before_swap");
        while different.len() > SWAPPED_STREAMS {
            position = self.fill(replay, position).await?;
            let before = different.len();
            different = self.place(position, different).await?;
            if different.len() == before {
                break;
            }
        }
        position = self.fill(replay, position).await?;
        self.swap(replay, position, different).await?;
        tracing::info!(service = self.db.service(), model = name, "a read model was built anew");
        self.clear(None).await.map(|()| Found::Replay)
    }

    /// Empties the tables beside the model; with a position only while the replay stands there, without only while none runs.
    async fn clear(&self, at: Option<i64>) -> Result<(), Stop> {
        for table in self.tables {
            let (Table { name, key, .. }, source) = (*table, self.model.name);
            let sql = format!(
                "DELETE FROM own.{name}_next WHERE {key} IN (SELECT {key} FROM own.{name}_next ORDER BY {key} LIMIT {CLEARED_ROWS})"
            );
            loop {
                let sql = sql.clone();
                let removed = self.db.write_behind(move |tx| {
                    match at {
                        Some(at) => fence(tx, Move { source, from: Some(at), to: at })?,
                        // Another node has begun the next replay, which clears for itself.
                        None if progress::running(tx, source)?.is_some() => return Ok(0),
                        None => {}
                    }
                    Ok::<_, Refusal>(tx.execute(&sql, &[])?)
                });
                if removed.await? < CLEARED_ROWS.unsigned_abs() {
                    break;
                }
                self.go_on()?;
            }
        }
        Ok(())
    }

    /// Takes the log into the tables beside, up to its end. Returns how far that was.
    async fn fill(&self, replay: Uuid, mut position: i64) -> Result<i64, Stop> {
        loop {
            self.go_on()?;
            let Some(log) = self.bus.log(self.db.service()) else { return Err(Stop::Look) };
            let run = log(position, BATCH_EVENTS).await.map_err(|e| Stop::Failed(e.to_string()))?;
            let (is_full, held_back) = (run.events.len() == BATCH_EVENTS, run.held_back);
            if let Some(last) = run.events.last().map(|e| e.position) {
                let (model, tables, events) = (self.model, self.tables, Arc::new(run.events));
                let step = Move { source: model.name, from: Some(position), to: last };
                let filled = self.db.write_behind(move |tx| {
                    fence(tx, step)?;
                    take_in(tx, model, tables, &events)?;
                    Ok::<_, Refusal>(progress::advance(tx, replay, last, events.len() as i64)?)
                });
                filled.await?;
                position = last;
            }
            match (is_full, held_back) {
                (true, _) => {}
                (false, true) => tokio::time::sleep(HELD_BACK).await,
                (false, false) => return Ok(position),
            }
        }
    }

    /// Puts these streams in place, a few at a time, as far as that goes. Returns those that are left: they have moved on
    /// since, or a unique value of theirs is still at another's place.
    async fn place(&self, position: i64, streams: BTreeSet<Uuid>) -> Result<BTreeSet<Uuid>, Stop> {
        let all: Vec<Uuid> = streams.into_iter().collect();
        let mut waiting: Vec<Vec<Uuid>> = all.chunks(PLACED_STREAMS).map(<[Uuid]>::to_vec).collect();
        let mut left = BTreeSet::new();
        while let Some(few) = waiting.pop() {
            self.go_on()?;
            let (model, tables, wanted) = (self.model, self.tables, few.clone());
            let placed = self.db.write_behind(move |tx| {
                lock(tx, model, tables, position)?;
                let moved = moved_since(tx, position, &wanted)?;
                let still: Vec<Uuid> = wanted.iter().copied().filter(|stream| !moved.contains(stream)).collect();
                tables.iter().try_for_each(|table| put_in_place(tx, table, &still))?;
                Ok::<_, Refusal>(moved)
            });
            match placed.await {
                Ok(moved) => left.extend(moved),
                Err(Refusal::Failed(_, ConsumerError::Db(DbError::Unique(_) | DbError::TimedOut))) if few.len() > 1 => {
                    let (one, other) = few.split_at(few.len() / 2);
                    waiting.extend([one.to_vec(), other.to_vec()]);
                }
                Err(Refusal::Failed(_, ConsumerError::Db(DbError::Unique(_)))) => left.extend(few),
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Ok(left)
    }

    /// Takes in what has been written since, and puts the rows of these streams into the model: all in one transaction,
    /// during which nobody else writes the model.
    async fn swap(&self, replay: Uuid, position: i64, different: BTreeSet<Uuid>) -> Result<(), Stop> {
        let (model, tables) = (self.model, self.tables);
        let swapped = self.db.write(move |tx| {
            lock(tx, model, tables, position)?;
            let (mut streams, mut last, mut taken) = (different.clone(), position, 0);
            loop {
                let events = written_after(tx, last, BATCH_EVENTS as i64)?;
                let Some(end) = events.last().map(|e| e.position) else { break };
                take_in(tx, model, tables, &events)?;
                streams.extend(events.iter().map(|e| e.stream));
                (last, taken) = (end, taken + events.len() as i64);
            }
            let streams: Vec<Uuid> = streams.into_iter().collect();
            for table in tables {
                streams.chunks(STREAMS).try_for_each(|chunk| put_in_place(tx, table, chunk))?;
            }
            tx.execute("DELETE FROM own.readers WHERE source = $1", params![model.name])?;
            progress::finish(tx, replay, last, taken)?;
            Ok::<_, Refusal>(())
        });
        Ok(swapped.await?)
    }

    fn go_on(&self) -> Result<(), Stop> {
        if self.tasks.is_stopping() { Err(Stop::Look) } else { Ok(()) }
    }

    async fn fail(&self, reason: String, for_good: bool) {
        let (service, model) = (self.db.service(), self.model.name);
        tracing::warn!(service, model, reason, for_good, "a replay does not go on");
        // Where not even this can be written, the log has said it.
        let _ = self
            .db
            .write(move |tx| match for_good {
                true => progress::end(tx, model, ReplayStatus::Failed, Some(reason.as_str())),
                false => progress::fail(tx, model, &reason),
            })
            .await;
    }
}

/// From here until the end of the transaction nobody else writes the model, and the replay stands at `position`.
fn lock(tx: &mut Tx, model: ReadModel, tables: &'static [Table], position: i64) -> Result<(), Refusal> {
    fence(tx, Move { source: model.name, from: Some(position), to: position })?;
    let names: Vec<String> = tables.iter().map(|t| format!("own.{}", t.name)).collect();
    Ok(tx.lock_tables(&names.join(", "))?)
}

/// Those of these streams that have events after `position`.
fn moved_since(tx: &mut Tx, position: i64, streams: &[Uuid]) -> Result<BTreeSet<Uuid>, DbError> {
    let params: Vec<Value> = std::iter::once(position.into()).chain(streams.iter().map(|s| Value::from(*s))).collect();
    let among = placeholders(2, streams.len());
    let sql = format!("SELECT DISTINCT stream FROM own.events WHERE stream IN ({among}) AND position > $1 ORDER BY stream");
    tx.rows(&sql, &params)?.iter().map(|r| r.get(0)).collect()
}

fn take_in(tx: &mut Tx, model: ReadModel, tables: &'static [Table], events: &[Envelope]) -> Result<(), DbError> {
    let wanted = events.iter().filter(|e| model.wants(&e.kind));
    tx.beside(tables, |tx| wanted.into_iter().try_for_each(|event| (model.apply)(tx, event)))
}

/// Replaces the rows of these streams by those beside. All of them go first, since a unique value may have moved between them.
fn put_in_place(tx: &mut Tx, table: &Table, streams: &[Uuid]) -> Result<(), DbError> {
    if streams.is_empty() {
        return Ok(());
    }
    let Table { name, stream, .. } = table;
    let values: Vec<Value> = streams.iter().map(|s| Value::from(*s)).collect();
    let among = placeholders(1, streams.len());
    tx.execute(&format!("DELETE FROM own.{name} WHERE {stream} IN ({among})"), &values)?;
    tx.execute(&format!("INSERT INTO own.{name} SELECT * FROM own.{name}_next WHERE {stream} IN ({among})"), &values)?;
    Ok(())
}
