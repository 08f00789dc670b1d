//! Jobs that failed for good: an operator sees them, has them tried again once the cause is mended, or does without them.

use contracts::Time;
use uuid::Uuid;

use crate::db::{Db, DbError, Query, Row};
use crate::params;

/// Dead jobs on a page at most.
const PAGE_MAX: i64 = 200;

/// A job that is not tried any more by itself. What it holds is not shown: it may name people.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadJob {
    /// Its id.
    pub id: Uuid,
    /// What it does.
    pub kind: String,
    /// Unique among its kind; mostly the id of what it is about.
    pub key: String,
    /// Why it failed.
    pub error: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was queued.
    pub created_at: Time,
    /// When it failed for good.
    pub failed_at: Time,
}

/// A service's dead jobs, newest first: up to `limit` of those that are older than `before`.
pub fn list(q: &mut Query, limit: i64, before: Option<Uuid>) -> Result<Vec<DeadJob>, DbError> {
    let sql = "SELECT id, kind, key, COALESCE(error, ''), attempts, created_at, due_at FROM own.jobs WHERE state = 'dead' AND id < $1 ORDER BY id DESC LIMIT $2";
    let rows = q.rows(sql, params![before.unwrap_or(Uuid::max()), limit.clamp(1, PAGE_MAX)])?;
    rows.iter().map(dead_job).collect()
}

fn dead_job(row: &Row) -> Result<DeadJob, DbError> {
    Ok(DeadJob {
        id: row.get(0)?,
        kind: row.get(1)?,
        key: row.get(2)?,
        error: row.get(3)?,
        attempts: row.get(4)?,
        created_at: row.get(5)?,
        failed_at: row.get(6)?,
    })
}

/// Tries a dead job again, now, as if it had never been tried. `false` when there is none.
pub async fn retry(db: &Db, id: Uuid) -> Result<bool, DbError> {
    db.write(move |tx| {
        let now = tx.now();
        let sql = "UPDATE own.jobs SET state = 'queued', due_at = $2, attempts = 0 WHERE id = $1 AND state = 'dead'";
        let found = tx.execute(sql, params![id, now])? > 0;
        if found {
            tx.wake_jobs();
        }
        Ok(found)
    })
    .await
}

/// Does without a dead job: what it was to do is never done. `false` when there is none.
pub async fn discard(db: &Db, id: Uuid) -> Result<bool, DbError> {
    db.write(move |tx| Ok(tx.execute("DELETE FROM own.jobs WHERE id = $1 AND state = 'dead'", params![id])? > 0)).await
}
