//! Failed attempts, counted in windows of fixed length.

use contracts::Time;
use kit::db::{DbError, Tx};
use kit::params;

/// Counts an attempt. Answers with the count and when its window began: at once where the last one began
/// before `window_start`.
pub fn count(tx: &mut Tx, key: &[u8], window_start: Time) -> Result<(i64, Time), DbError> {
    let now = tx.now();
    let row = tx.row(
        "INSERT INTO identity.attempts AS a (key, started_at, failures) VALUES ($1, $2, 1) ON CONFLICT (key) DO UPDATE SET \
         failures = CASE WHEN a.started_at <= $3 THEN 1 ELSE a.failures + 1 END, \
         started_at = CASE WHEN a.started_at <= $3 THEN $2 ELSE a.started_at END RETURNING failures, started_at",
        params![key, now, window_start],
    )?;
    row.map_or(Err(DbError::Internal("no attempt was counted".into())), |r| Ok((r.get(0)?, r.get(1)?)))
}

/// Takes back one attempt, which succeeded.
pub fn take_back(tx: &mut Tx, key: &[u8]) -> Result<(), DbError> {
    tx.execute("UPDATE identity.attempts SET failures = failures - 1 WHERE key = $1 AND failures > 0", params![key])?;
    Ok(())
}

/// Forgets all attempts under the key.
pub fn forget(tx: &mut Tx, key: &[u8]) -> Result<(), DbError> {
    tx.execute("DELETE FROM identity.attempts WHERE key = $1", params![key])?;
    Ok(())
}

/// Forgets windows that began before `before`; at most 500. Returns how many.
pub fn prune(tx: &mut Tx, before: Time) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM identity.attempts WHERE key IN (SELECT a.key FROM identity.attempts a WHERE a.started_at < $1 \
         ORDER BY a.started_at, a.key LIMIT 500)",
        params![before],
    )
}
