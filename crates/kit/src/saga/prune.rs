//! Forgetting what has ended.

use contracts::Time;
use uuid::Uuid;

use crate::clock::uuid_at;
use crate::db::{DbError, Tx, Value, placeholders};
use crate::params;

/// Sagas of one transaction: with their steps, some hundred rows.
const SAGAS_AT_ONCE: i64 = 40;
/// Signals of one transaction.
const SIGNALS_AT_ONCE: i64 = 500;

/// Forgets some sagas that have ended before `before`, with their steps; returns how many. Their ids are in the order of
/// their beginnings, so the young ones are not looked at.
pub(crate) fn prune(tx: &mut Tx, before: Time) -> Result<u64, DbError> {
    let ended = tx.rows(
        "SELECT id FROM own.sagas WHERE id < $1 AND status IN ('completed', 'compensated') AND updated_at < $2 ORDER BY id LIMIT $3",
        params![uuid_at(before, 0), before, SAGAS_AT_ONCE],
    )?;
    if ended.is_empty() {
        return Ok(0);
    }
    let ids = ended.iter().map(|r| r.get(0).map(|id: Uuid| Value::from(id))).collect::<Result<Vec<_>, _>>()?;
    let among = placeholders(1, ids.len());
    tx.execute(&format!("DELETE FROM own.saga_steps WHERE saga_id IN ({among})"), &ids)?;
    tx.execute(&format!("DELETE FROM own.sagas WHERE id IN ({among})"), &ids)
}

/// Forgets some signals that came before `before`; returns how many.
pub(crate) fn prune_signals(tx: &mut Tx, before: Time) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM own.signals WHERE (key, id) IN (SELECT key, id FROM own.signals WHERE received_at < $1 ORDER BY received_at, key, id LIMIT $2)",
        params![before, SIGNALS_AT_ONCE],
    )
}
