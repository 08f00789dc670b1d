//! How far a replay is.

use contracts::Time;
use uuid::Uuid;

use super::{Kept, ReadModel};

use crate::db::{DbError, Query, Row, Tx};
use crate::params;

/// Where a replay stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayStatus {
    /// On its way to its target.
    Running,
    /// The model is up to date.
    Done,
    /// It failed for the same reason again and again, and was given up.
    Failed,
    /// An operator has ended it.
    Cancelled,
}

impl ReplayStatus {
    /// As stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            ReplayStatus::Running => "running",
            ReplayStatus::Done => "done",
            ReplayStatus::Failed => "failed",
            ReplayStatus::Cancelled => "cancelled",
        }
    }

    fn parse(text: &str) -> Option<ReplayStatus> {
        use ReplayStatus::{Cancelled, Done, Failed, Running};
        [Running, Done, Failed, Cancelled].into_iter().find(|s| s.as_str() == text)
    }
}

/// The building anew of a read model.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// Its id.
    pub id: Uuid,
    /// The model.
    pub model: String,
    /// Where it stands.
    pub status: ReplayStatus,
    /// How far it has come in the log.
    pub position: i64,
    /// Where the log ended when it began.
    pub target: i64,
    /// Events taken in.
    pub events: i64,
    /// Why it does not go on; while it is running it is tried again by itself.
    pub error: Option<String>,
    /// When it began.
    pub started_at: Time,
    /// When it last moved.
    pub updated_at: Time,
}

impl Replay {
    /// Events taken in per second so far.
    pub fn events_per_second(&self) -> f64 {
        let elapsed_us = (self.updated_at.0 - self.started_at.0).max(1);
        self.events as f64 * 1e6 / elapsed_us as f64
    }

    /// How long it will still take at the pace so far; `None` where there is no pace yet.
    pub fn seconds_left(&self) -> Option<f64> {
        if self.status == ReplayStatus::Done {
            return Some(0.0);
        }
        let elapsed = (self.updated_at.0 - self.started_at.0) as f64 / 1e6;
        (self.position > 0 && self.status == ReplayStatus::Running)
            .then(|| elapsed * (self.target - self.position).max(0) as f64 / self.position as f64)
    }
}

const COLUMNS: &str = "id, model, status, position, target, events, error, started_at, updated_at";

/// Notes a new replay, up to where the log ends now. With an empty log a model that was emptied is done at once.
pub(super) fn begin(tx: &mut Tx, model: ReadModel) -> Result<Uuid, DbError> {
    let end = tx.row("SELECT COALESCE(MAX(position), 0) FROM own.events", &[])?;
    let target: i64 = end.map_or(Ok(0), |r| r.get(0))?;
    let is_emptied = matches!(model.kept, Kept::Behind { .. });
    let status = if target == 0 && is_emptied { ReplayStatus::Done } else { ReplayStatus::Running };
    let (id, now) = (tx.id(), tx.now());
    tx.execute(
        "INSERT INTO own.replays (id, model, status, position, target, events, error, started_at, updated_at) VALUES ($1, $2, $3, 0, $4, 0, NULL, $5, $5)",
        params![id, model.name, status.as_str(), target, now],
    )?;
    Ok(id)
}

/// The replay of a model that is running.
pub(super) fn running(q: &mut Query, model: &'static str) -> Result<Option<Uuid>, DbError> {
    let sql = "SELECT id FROM own.replays WHERE model = $1 AND status = 'running' ORDER BY id DESC LIMIT 1";
    q.row(sql, params![model])?.map(|r| r.get(0)).transpose()
}

/// Notes that a running replay has come to `position`, with so many more events; its model is not yet in place.
pub(super) fn advance(tx: &mut Tx, replay: Uuid, position: i64, events: i64) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "UPDATE own.replays SET position = $2, events = events + $3, error = NULL, updated_at = $4 WHERE id = $1 AND status = 'running'",
        params![replay, position, events, now],
    )?;
    Ok(())
}

/// Notes that a running replay has come to `position`, with so many more events, and that its model is in place.
pub(super) fn finish(tx: &mut Tx, replay: Uuid, position: i64, events: i64) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "UPDATE own.replays SET position = $2, events = events + $3, error = NULL, updated_at = $4, status = 'done' WHERE id = $1 AND status = 'running'",
        params![replay, position, events, now],
    )?;
    Ok(())
}

/// As [`advance`], of a model that is in place all the time: at its target the replay is done.
pub(super) fn approach(tx: &mut Tx, replay: Uuid, position: i64, events: i64) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "UPDATE own.replays SET position = $2, events = events + $3, error = NULL, updated_at = $4, status = CASE WHEN target <= $2 THEN 'done' ELSE 'running' END WHERE id = $1 AND status = 'running'",
        params![replay, position, events, now],
    )?;
    Ok(())
}

/// Notes why a model does not go on.
pub(super) fn fail(tx: &mut Tx, model: &'static str, error: &str) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute("UPDATE own.readers SET paused = $2, updated_at = $3 WHERE source = $1", params![model, error, now])?;
    tx.execute("UPDATE own.replays SET error = $2 WHERE model = $1 AND status = 'running'", params![model, error])?;
    Ok(())
}

/// Ends the running replay of a model without a result: what is in use stays as it is.
pub(super) fn end(tx: &mut Tx, model: &'static str, status: ReplayStatus, error: Option<&str>) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute("DELETE FROM own.readers WHERE source = $1", params![model])?;
    tx.execute(
        "UPDATE own.replays SET status = $2, error = COALESCE($3, error), updated_at = $4 WHERE model = $1 AND status = 'running'",
        params![model, status.as_str(), error, now],
    )?;
    Ok(())
}

pub(super) fn get(q: &mut Query, id: Uuid) -> Result<Option<Replay>, DbError> {
    let row = q.row(&format!("SELECT {COLUMNS} FROM own.replays WHERE id = $1"), params![id])?;
    row.as_ref().map(replay).transpose()
}

pub(super) fn list(q: &mut Query) -> Result<Vec<Replay>, DbError> {
    q.rows(&format!("SELECT {COLUMNS} FROM own.replays ORDER BY id DESC LIMIT 100"), &[])?.iter().map(replay).collect()
}

fn replay(row: &Row) -> Result<Replay, DbError> {
    let status: String = row.get(2)?;
    let status = ReplayStatus::parse(&status).ok_or_else(|| DbError::Internal(format!("a replay that is {status}")))?;
    Ok(Replay {
        id: row.get(0)?,
        model: row.get(1)?,
        status,
        position: row.get(3)?,
        target: row.get(4)?,
        events: row.get(5)?,
        error: row.get(6)?,
        started_at: row.get(7)?,
        updated_at: row.get(8)?,
    })
}
