//! Every SQL statement of the engine.

use contracts::{Metadata, Time};
use serde_json::Value as Json;
use uuid::Uuid;

use super::instance::{Direction, StepRow};
use super::{Instance, Status};
use crate::db::{DbError, Dialect, Query, Row, Tx, Value, placeholders};
use crate::params;

/// A saga's row with the beginning of its current step, before its definition is looked up.
pub(super) struct Stored {
    pub id: Uuid,
    pub kind: String,
    pub version: i64,
    pub subject: Uuid,
    pub status: Status,
    pub step: i64,
    pub direction: Direction,
    pub data: Json,
    pub metadata: Metadata,
    pub due_at: Option<Time>,
    pub attempts: i64,
    pub reason: Option<String>,
    pub lease_owner: Option<Uuid>,
    pub epoch: i64,
    pub started_at: Option<Time>,
}

impl Stored {
    /// Whether it unwinds.
    pub(super) fn is_backward(&self) -> bool {
        self.direction == Direction::Backward
    }
}

/// Which saga.
pub(super) enum Which<'a> {
    Id(Uuid),
    Key(&'a str, &'a str),
    WaitsFor(&'a str),
}

/// Reads one saga; among several that wait for one signal the oldest.
pub(super) fn load(q: &mut Query, which: &Which) -> Result<Option<Stored>, DbError> {
    let (condition, params) = match which {
        Which::Id(id) => ("s.id = $1", params![*id].to_vec()),
        Which::Key(kind, key) => ("s.type = $1 AND s.key = $2", params![*kind, *key].to_vec()),
        Which::WaitsFor(key) => ("s.wait_key = $1 AND s.status = 'waiting'", params![*key].to_vec()),
    };
    let sql = format!(
        "SELECT s.id, s.type, s.definition, s.subject, s.status, s.step, s.direction, s.data, s.metadata, s.due_at, s.attempts, s.reason, s.lease_owner, s.epoch, t.started_at \
         FROM own.sagas s LEFT JOIN own.saga_steps t ON t.saga_id = s.id AND t.step = s.step AND t.direction = s.direction \
         WHERE {condition} ORDER BY s.id LIMIT 1"
    );
    q.row(&sql, &params)?.as_ref().map(stored).transpose()
}

fn stored(row: &Row) -> Result<Stored, DbError> {
    let (status, direction): (String, String) = (row.get(4)?, row.get(6)?);
    let odd = |what: &str| DbError::Internal(format!("saga with the {what}"));
    Ok(Stored {
        id: row.get(0)?,
        kind: row.get(1)?,
        version: row.get(2)?,
        subject: row.get(3)?,
        status: Status::parse(&status).ok_or_else(|| odd(&status))?,
        step: row.get(5)?,
        direction: Direction::parse(&direction).ok_or_else(|| odd(&direction))?,
        data: row.get(7)?,
        metadata: serde_json::from_value(row.get(8)?).unwrap_or_default(),
        due_at: row.get(9)?,
        attempts: row.get(10)?,
        reason: row.get(11)?,
        lease_owner: row.get(12)?,
        epoch: row.get(13)?,
        started_at: row.get(14)?,
    })
}

/// Inserts a new saga as it stands. `false`: kind and key are taken.
pub(super) fn insert(tx: &mut Tx, saga: &Instance, key: &str, owner: Uuid) -> Result<bool, DbError> {
    let now = tx.now();
    let metadata = serde_json::to_value(&saga.metadata).map_err(|e| DbError::Internal(e.to_string()))?;
    let inserted = tx.execute(
        "INSERT INTO own.sagas (id, type, definition, key, subject, status, step, direction, data, metadata, wait_key, due_at, attempts, reason, lease_owner, lease_until, epoch, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18) ON CONFLICT (type, key) DO NOTHING",
        params![
            saga.id,
            saga.definition.kind,
            saga.definition.version,
            key,
            saga.subject,
            saga.status.as_str(),
            saga.step as i64,
            saga.direction.as_str(),
            saga.data.clone(),
            metadata,
            saga.wait_key(),
            saga.due_at,
            saga.attempts,
            saga.reason.as_deref(),
            saga.lease().map(|_| owner),
            saga.lease(),
            saga.epoch,
            now
        ],
    )?;
    Ok(inserted == 1)
}

/// Writes a saga as it stands, if nobody has since `saga.epoch`. `false`: somebody has.
pub(super) fn update(tx: &mut Tx, saga: &mut Instance, owner: Uuid) -> Result<bool, DbError> {
    let now = tx.now();
    let updated = tx.execute(
        "UPDATE own.sagas SET status = $3, step = $4, direction = $5, data = $6, wait_key = $7, due_at = $8, attempts = $9, reason = $10, lease_owner = $11, lease_until = $12, updated_at = $13, epoch = epoch + 1 \
         WHERE id = $1 AND epoch = $2",
        params![
            saga.id,
            saga.epoch,
            saga.status.as_str(),
            saga.step as i64,
            saga.direction.as_str(),
            saga.data.clone(),
            saga.wait_key(),
            saga.due_at,
            saga.attempts,
            saga.reason.as_deref(),
            saga.lease().map(|_| owner),
            saga.lease(),
            now
        ],
    )?;
    saga.epoch += 1;
    Ok(updated == 1)
}

/// Writes what happened to steps, all in one statement.
pub(super) fn write_steps(tx: &mut Tx, saga: Uuid, rows: &[StepRow]) -> Result<(), DbError> {
    const COLUMNS: usize = 9;
    if rows.is_empty() {
        return Ok(());
    }
    let values: Vec<_> = (0..rows.len()).map(|row| format!("($1, {})", placeholders(2 + row * COLUMNS, COLUMNS))).collect();
    let sql = format!(
        "INSERT INTO own.saga_steps (saga_id, step, name, direction, status, attempts, result, error, started_at, ended_at) VALUES {} \
         ON CONFLICT (saga_id, step, direction) DO UPDATE SET status = excluded.status, attempts = excluded.attempts, result = excluded.result, error = excluded.error, started_at = excluded.started_at, ended_at = excluded.ended_at",
        values.join(", ")
    );
    let mut params = vec![Value::from(saga)];
    for row in rows {
        params.extend_from_slice(params![
            row.step as i64,
            row.name,
            row.direction.as_str(),
            row.status,
            row.attempts,
            row.result.clone(),
            row.error.as_deref(),
            row.started_at,
            row.ended_at
        ]);
    }
    tx.execute(&sql, &params)?;
    Ok(())
}

/// On PostgreSQL: lets one transaction at a time decide whether a signal or a wait came first. Both look for the
/// other's row, and neither would see it before the other's commit. SQLite has one writer anyway.
pub(super) fn lock_signal(tx: &mut Tx, key: &str) -> Result<(), DbError> {
    if tx.dialect() == Dialect::Postgres {
        let name = format!("{} {key}", tx.service());
        tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", params![name])?;
    }
    Ok(())
}

/// Stores a signal, consumed already where a saga takes it at once. `false`: it was stored before.
pub(super) fn insert_signal(tx: &mut Tx, key: &str, id: &str, payload: &Json, consumed_by: Option<Uuid>) -> Result<bool, DbError> {
    let now = tx.now();
    let inserted = tx.execute(
        "INSERT INTO own.signals (key, id, payload, received_at, consumed_by) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key, id) DO NOTHING",
        params![key, id, payload.clone(), now, consumed_by],
    )?;
    Ok(inserted == 1)
}

/// Takes the oldest signal that nobody has taken.
pub(super) fn consume_signal(tx: &mut Tx, key: &str, saga: Uuid) -> Result<Option<Json>, DbError> {
    let oldest = tx
        .row("SELECT id, payload FROM own.signals WHERE key = $1 AND consumed_by IS NULL ORDER BY received_at, id LIMIT 1", params![key])?;
    let Some(row) = oldest else { return Ok(None) };
    let id: String = row.get(0)?;
    tx.execute("UPDATE own.signals SET consumed_by = $3 WHERE key = $1 AND id = $2", params![key, id, saga])?;
    row.get(1).map(Some)
}

/// The sagas that want to be looked at first, of these kinds and versions, with when.
pub(super) fn due(q: &mut Query, kinds: &[(&'static str, i64)], limit: i64) -> Result<Vec<(Uuid, Time)>, DbError> {
    let known: Vec<_> = (0..kinds.len()).map(|i| format!("(type = ${} AND definition = ${})", 2 * i + 2, 2 * i + 3)).collect();
    let mut params = vec![Value::from(limit)];
    params.extend(kinds.iter().flat_map(|(kind, version)| [Value::from(*kind), Value::from(*version)]));
    let sql =
        format!("SELECT id, due_at FROM own.sagas WHERE due_at IS NOT NULL AND ({}) ORDER BY due_at, id LIMIT $1", known.join(" OR "));
    q.rows(&sql, &params)?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Whether a saga runs or unwinds, or waits for a moment that has come.
pub(super) fn is_busy(q: &mut Query, now: Time) -> Result<bool, DbError> {
    let found = q.row(
        "SELECT id FROM own.sagas WHERE due_at IS NOT NULL AND (status <> 'waiting' OR due_at <= $1) ORDER BY due_at, id LIMIT 1",
        params![now],
    )?;
    Ok(found.is_some())
}

/// The kinds and versions of the sagas that have not ended.
pub(super) fn kinds_in_use(q: &mut Query) -> Result<Vec<(String, i64)>, DbError> {
    let rows = q.rows(
        "SELECT DISTINCT type, definition FROM own.sagas WHERE status NOT IN ('completed', 'compensated') ORDER BY type, definition",
        &[],
    )?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Ends the leases of everybody but `owner`, who knows that nobody else is left. Returns how many.
pub(super) fn take_over(tx: &mut Tx, owner: Uuid) -> Result<u64, DbError> {
    let now = tx.now();
    tx.execute(
        "UPDATE own.sagas SET epoch = epoch + 1, due_at = $2, lease_owner = NULL, lease_until = NULL \
         WHERE due_at IS NOT NULL AND status IN ('running', 'compensating') AND (lease_owner IS NULL OR lease_owner <> $1)",
        params![owner, now],
    )
}

/// Ends the leases of `owner`, who leaves: somebody else may go on at once.
pub(super) fn release(tx: &mut Tx, owner: Uuid) -> Result<u64, DbError> {
    let now = tx.now();
    tx.execute(
        "UPDATE own.sagas SET epoch = epoch + 1, due_at = $2, lease_owner = NULL, lease_until = NULL WHERE due_at IS NOT NULL AND lease_owner = $1",
        params![owner, now],
    )
}
