//! Every SQL statement of the runner.

use std::collections::BTreeMap;

use contracts::{Metadata, Time};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{Job, JobDef, JobOutcome};
use crate::Context;
use crate::db::{DbError, Query, Row, Tx, Value, placeholders};
use crate::params;

/// A job that wants to be run again at once is so after this pause, in milliseconds: should it get nowhere, it leaves the
/// machine to others.
const AGAIN_MS_MIN: i64 = 20;

/// A job that is ours for as long as its lease.
#[derive(Clone)]
pub(super) struct Claimed {
    pub id: Uuid,
    pub kind: String,
    pub key: String,
    pub payload: Json,
    pub metadata: Metadata,
    pub attempts: i64,
    pub epoch: i64,
}

impl Claimed {
    /// As its function sees it.
    pub(super) fn job(&self) -> Job {
        Job { key: self.key.clone(), payload: self.payload.clone(), attempts: self.attempts, context: self.context() }
    }

    /// The circumstances in which it is run.
    pub(super) fn context(&self) -> Context {
        Context {
            request_id: self.metadata.correlation_id.clone(),
            traceparent: self.metadata.traceparent.clone(),
            causation_id: Some(self.id.to_string()),
            actor: self.metadata.actor.clone(),
            deadline: None,
        }
    }
}

/// Who and what caused this transaction, as stored.
pub(super) fn metadata(tx: &Tx) -> Result<Json, DbError> {
    serde_json::to_value(tx.metadata()).map_err(|e| DbError::Internal(e.to_string()))
}

/// When the next job of these kinds is due, or the next lease ends.
pub(super) fn next(q: &mut Query, kinds: &[&'static str]) -> Result<Option<Time>, DbError> {
    let (known, params) = (placeholders(1, kinds.len()), params_of(&[], kinds));
    let queued = format!("SELECT due_at FROM own.jobs WHERE state = 'queued' AND kind IN ({known}) ORDER BY due_at, id LIMIT 1");
    let leased = format!("SELECT lease_until FROM own.jobs WHERE state = 'running' AND kind IN ({known}) ORDER BY lease_until, id LIMIT 1");
    let queued: Option<Time> = q.row(&queued, &params)?.map(|r| r.get(0)).transpose()?;
    let leased: Option<Time> = q.row(&leased, &params)?.map(|r| r.get(0)).transpose()?;
    Ok([queued, leased].into_iter().flatten().min())
}

/// Takes up to `limit` jobs that are due, or whose lease has ended without a word.
pub(super) fn claim(tx: &mut Tx, owner: Uuid, until: Time, kinds: &[&'static str], limit: i64) -> Result<Vec<Claimed>, DbError> {
    const FREE: &str = "((state = 'queued' AND due_at <= $3) OR (state = 'running' AND lease_until <= $3))";
    let params = params_of(params![owner, until, tx.now(), limit], kinds);
    let sql = format!(
        "UPDATE own.jobs SET attempts = attempts + CASE WHEN state = 'running' THEN 1 ELSE 0 END, state = 'running', lease_owner = $1, lease_until = $2, epoch = epoch + 1 \
         WHERE id IN (SELECT id FROM own.jobs WHERE {FREE} AND kind IN ({}) ORDER BY due_at, id LIMIT $4) AND {FREE} \
         RETURNING id, kind, key, payload, metadata, attempts, epoch",
        placeholders(5, kinds.len())
    );
    let mut claimed = tx.rows(&sql, &params)?.iter().map(claimed).collect::<Result<Vec<_>, _>>()?;
    claimed.sort_by_key(|job| job.id);
    Ok(claimed)
}

fn claimed(row: &Row) -> Result<Claimed, DbError> {
    Ok(Claimed {
        id: row.get(0)?,
        kind: row.get(1)?,
        key: row.get(2)?,
        payload: row.get(3)?,
        metadata: serde_json::from_value(row.get(4)?).unwrap_or_default(),
        attempts: row.get(5)?,
        epoch: row.get(6)?,
    })
}

/// Keeps jobs that take long. `false`: somebody else has one of them.
pub(super) fn renew(tx: &mut Tx, jobs: &[Claimed], until: Time) -> Result<bool, DbError> {
    let mut all = true;
    for job in jobs {
        let sql = "UPDATE own.jobs SET lease_until = $3 WHERE id = $1 AND epoch = $2 AND state = 'running'";
        all &= tx.execute(sql, params![job.id, job.epoch, until])? == 1;
    }
    Ok(all)
}

/// Forgets jobs that are done, but for those that somebody else has. Whether some are wanted once more.
pub(super) fn forget(tx: &mut Tx, jobs: &[&Claimed]) -> Result<bool, DbError> {
    let mut again = false;
    let mut by_epoch: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
    for job in jobs {
        by_epoch.entry(job.epoch).or_insert_with(|| params![job.epoch].to_vec()).push(job.id.into());
    }
    for params in by_epoch.values() {
        let these = format!("epoch = $1 AND id IN ({})", placeholders(2, params.len() - 1));
        again |= forget_where(tx, &these, params, params.len() - 1)?;
    }
    Ok(again)
}

/// Forgets these jobs, `count` of them, but for those that were queued once more while they ran. Whether there are such.
pub(super) fn forget_where(tx: &mut Tx, these: &str, params: &[Value], count: usize) -> Result<bool, DbError> {
    let forgotten = tx.execute(&format!("DELETE FROM own.jobs WHERE {these} AND again_at IS NULL"), params)?;
    if forgotten >= count as u64 {
        return Ok(false);
    }
    let sql = format!(
        "UPDATE own.jobs SET state = 'queued', due_at = again_at, again_at = NULL, attempts = 0, error = NULL, lease_owner = NULL, lease_until = NULL, epoch = epoch + 1 \
         WHERE {these} AND again_at IS NOT NULL"
    );
    Ok(tx.execute(&sql, params)? > 0)
}

/// Stores how a try ended, unless somebody else has the job. One that failed for good and is wanted once more begins anew.
pub(super) fn end(tx: &mut Tx, job: &Claimed, def: &JobDef, outcome: &JobOutcome, retry_at: Time) -> Result<(), DbError> {
    let regular = def.every_seconds.map(|seconds| tx.now().plus_seconds(seconds));
    let (state, due, attempts, error) = match (outcome, regular) {
        (JobOutcome::Done, None) => return forget(tx, &[job]).map(drop),
        (JobOutcome::Done, Some(next)) => ("queued", next, 0, None),
        (JobOutcome::Again(due), _) => ("queued", (*due).max(tx.now().plus_millis(AGAIN_MS_MIN)), 0, None),
        (JobOutcome::Retry(e), _) => ("queued", retry_at, job.attempts + 1, Some(e)),
        (JobOutcome::Failed(e), None) => ("dead", tx.now(), job.attempts + 1, Some(e)),
        // A regular job that is dead would never be missed.
        (JobOutcome::Failed(e), Some(next)) => ("queued", next, job.attempts + 1, Some(e)),
    };
    if state == "dead" {
        let sql = "UPDATE own.jobs SET state = 'queued', due_at = again_at, again_at = NULL, attempts = 0, error = $3, lease_owner = NULL, lease_until = NULL, epoch = epoch + 1 \
                   WHERE id = $1 AND epoch = $2 AND again_at IS NOT NULL";
        if tx.execute(sql, params![job.id, job.epoch, error.map(String::as_str)])? > 0 {
            return Ok(());
        }
    }
    tx.execute(
        "UPDATE own.jobs SET state = $3, due_at = $4, attempts = $5, error = $6, lease_owner = NULL, lease_until = NULL, epoch = epoch + 1 WHERE id = $1 AND epoch = $2",
        params![job.id, job.epoch, state, due, attempts, error.map(String::as_str)],
    )
    .map(drop)
}

/// Makes the rows of the regular jobs that have none.
pub(super) fn make_regular(tx: &mut Tx, defs: &[(&'static str, i64)]) -> Result<(), DbError> {
    let (now, metadata) = (tx.now(), metadata(tx)?);
    for (kind, first_after) in defs {
        let id = tx.id();
        tx.execute(
            "INSERT INTO own.jobs (id, kind, key, payload, metadata, state, due_at, attempts, epoch, created_at) VALUES ($1, $2, 'regular', $3, $4, 'queued', $5, 0, 0, $6) ON CONFLICT (kind, key) DO NOTHING",
            params![id, *kind, Json::Null, metadata.clone(), now.plus_seconds(*first_after), now],
        )?;
    }
    Ok(())
}

/// Ends the leases of everybody but `owner` on jobs of these kinds, which nobody else is left to run.
pub(super) fn take_over(tx: &mut Tx, owner: Uuid, kinds: &[&'static str]) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE own.jobs SET lease_until = $2 WHERE state = 'running' AND lease_owner <> $1 AND lease_until > $2 AND kind IN ({})",
        placeholders(3, kinds.len())
    );
    let now = tx.now();
    tx.execute(&sql, &params_of(params![owner, now], kinds)).map(drop)
}

fn params_of(first: &[Value], kinds: &[&'static str]) -> Vec<Value> {
    first.iter().cloned().chain(kinds.iter().map(|kind| Value::from(*kind))).collect()
}
