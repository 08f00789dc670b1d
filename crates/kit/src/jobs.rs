//! Work that must happen later, or until it succeeds: rows with leases, run by whoever holds one.

pub mod dead;
mod housekeeping;
mod runner;
mod store;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use contracts::Time;
use serde_json::Value as Json;

pub(crate) use housekeeping::housekeeping;
pub use runner::JobRunner;

use crate::Context;
use crate::db::{DbError, Tx};

/// A job as its function sees it.
#[derive(Clone, Debug)]
pub struct Job {
    /// Unique among its kind; a second one with the key is not queued.
    pub key: String,
    /// What to do.
    pub payload: Json,
    /// How often it has been tried before.
    pub attempts: i64,
    /// Who and what caused it. A function of one job runs within it; one of several enters it where it writes.
    pub context: Context,
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq)]
pub enum JobOutcome {
    /// It is done, and forgotten.
    Done,
    /// Again at that time, as a regular job.
    Again(Time),
    /// It failed for now; again after a growing pause of ten minutes at most, however often: what it is for is still owed.
    Retry(String),
    /// It will never work; an operator sees it.
    Failed(String),
}

/// One outcome for each job, in their order.
pub(crate) type JobFn = Arc<dyn Fn(Vec<Job>) -> Pin<Box<dyn Future<Output = Vec<JobOutcome>> + Send>> + Send + Sync>;

/// A kind of job. The function may run more than once for the same key: its effect carries the key.
#[derive(Clone)]
pub struct JobDef {
    pub(crate) kind: &'static str,
    pub(crate) every_seconds: Option<i64>,
    /// Of a regular job: when it runs first, in seconds from the service's first start.
    pub(crate) first_after_seconds: i64,
    pub(crate) limit: Duration,
    /// How many are run together at most.
    pub(crate) together: usize,
    /// Whether it has places of its own.
    pub(crate) apart: bool,
    pub(crate) run: JobFn,
}

/// How long one try may take, unless said.
const LIMIT: Duration = Duration::from_secs(900);

impl JobDef {
    /// Jobs that are queued by [`queue`].
    pub fn queued<F, O>(kind: &'static str, f: F) -> JobDef
    where
        F: Fn(Job) -> O + Send + Sync + 'static,
        O: Future<Output = JobOutcome> + Send + 'static,
    {
        JobDef::of(kind, 1, move |jobs| {
            let runs: Vec<O> = jobs.into_iter().map(&f).collect();
            futures::future::join_all(runs)
        })
    }

    /// As [`JobDef::queued`], for jobs that cost less together: those that are due at once come in one call, which
    /// answers for each, in their order. One that has failed before comes alone.
    pub fn together<F, O>(kind: &'static str, f: F) -> JobDef
    where
        F: Fn(Vec<Job>) -> O + Send + Sync + 'static,
        O: Future<Output = Vec<JobOutcome>> + Send + 'static,
    {
        JobDef::of(kind, usize::MAX, f)
    }

    fn of<F, O>(kind: &'static str, together: usize, f: F) -> JobDef
    where
        F: Fn(Vec<Job>) -> O + Send + Sync + 'static,
        O: Future<Output = Vec<JobOutcome>> + Send + 'static,
    {
        let run: JobFn = Arc::new(move |jobs| Box::pin(f(jobs)));
        JobDef { kind, every_seconds: None, first_after_seconds: 0, limit: LIMIT, together, apart: false, run }
    }

    /// A job that runs again and again, on one node at a time.
    pub fn every<F, O>(kind: &'static str, seconds: i64, f: F) -> JobDef
    where
        F: Fn(Job) -> O + Send + Sync + 'static,
        O: Future<Output = JobOutcome> + Send + 'static,
    {
        JobDef { every_seconds: Some(seconds), ..JobDef::queued(kind, f) }
    }

    /// Runs in other places than the service's other jobs, of which there are many: it waits for strangers, and those must
    /// not wait with it; a stop neither, for longer than a few seconds.
    pub fn apart(mut self) -> JobDef {
        self.apart = true;
        self
    }

    /// How long one try may take; 15 minutes unless said. Longer ones are dropped and tried again.
    pub fn limit(mut self, limit: Duration) -> JobDef {
        self.limit = limit;
        self
    }
}

/// Queues a job in the transaction that wants it done; woken after the commit. A key that waits already is not queued
/// again; one that is running is run once more when it is done, since it may have looked before this transaction.
pub fn queue(tx: &mut Tx, kind: &'static str, key: &str, payload: Json, due: Time) -> Result<(), DbError> {
    let (id, now, metadata) = (tx.id(), tx.now(), store::metadata(tx)?);
    tx.execute(
        "INSERT INTO own.jobs (id, kind, key, payload, metadata, state, due_at, attempts, epoch, created_at) VALUES ($1, $2, $3, $4, $5, 'queued', $6, 0, 0, $7) \
         ON CONFLICT (kind, key) DO UPDATE SET again_at = excluded.due_at, payload = excluded.payload, metadata = excluded.metadata \
         WHERE own.jobs.state = 'running' AND own.jobs.again_at IS NULL",
        crate::params![id, kind, key, payload, metadata, due, now],
    )?;
    tx.wake_jobs();
    Ok(())
}

/// Sees to it that a job that works off a queue of its own runs at `due` at the latest: queues it, or has the one that is
/// there run earlier. Said in the transaction that adds to the queue, of a job that ends with [`rest`], it is never
/// missed, also where the job runs just now.
pub fn hasten(tx: &mut Tx, kind: &'static str, key: &str, due: Time) -> Result<(), DbError> {
    let (id, now, metadata) = (tx.id(), tx.now(), store::metadata(tx)?);
    tx.execute(
        "INSERT INTO own.jobs AS j (id, kind, key, payload, metadata, state, due_at, attempts, epoch, created_at) VALUES ($1, $2, $3, $4, $5, 'queued', $6, 0, 0, $7) \
         ON CONFLICT (kind, key) DO UPDATE SET due_at = excluded.due_at, attempts = CASE WHEN j.state = 'dead' THEN 0 ELSE j.attempts END, \
         state = CASE WHEN j.state = 'dead' THEN 'queued' ELSE j.state END WHERE j.state <> 'queued' OR j.due_at > excluded.due_at",
        crate::params![id, kind, key, Json::Null, metadata, due, now],
    )?;
    tx.wake_jobs();
    Ok(())
}

/// Ends a run of a job that works off a queue of its own: at rest until the time that `next` finds in the queue, forgotten
/// where that is empty. The run then ends with [`JobOutcome::Done`], which changes nothing any more.
pub fn rest(
    tx: &mut Tx,
    kind: &'static str,
    key: &str,
    next: impl FnOnce(&mut Tx) -> Result<Option<Time>, DbError>,
) -> Result<(), DbError> {
    // First, so that who adds to the queue has done so before it is looked at, or finds the job as it is afterwards.
    let held = format!("SELECT id FROM own.jobs WHERE kind = $1 AND key = $2{}", tx.lock_clause());
    tx.row(&held, crate::params![kind, key])?;
    let Some(due) = next(tx)? else { return finish(tx, kind, key) };
    tx.execute(
        "UPDATE own.jobs SET state = 'queued', due_at = $3, attempts = 0, error = NULL, lease_owner = NULL, lease_until = NULL, epoch = epoch + 1 WHERE kind = $1 AND key = $2",
        crate::params![kind, key, due],
    )?;
    tx.wake_jobs();
    Ok(())
}

/// How long a job that its caller runs itself is left alone by everybody else, in seconds.
const HELD_SECONDS: i64 = 30;

/// Queues a job whose caller begins it itself, right after the commit: for work that should be done at once and must be
/// done in the end. It ends with [`finish`] or [`give_back`]; without either, as after a crash, it is run when its lease
/// has ended. That saves the transaction of a claim.
pub fn queue_held(tx: &mut Tx, kind: &'static str, key: &str, payload: Json) -> Result<(), DbError> {
    let (id, holder, now, metadata) = (tx.id(), tx.id(), tx.now(), store::metadata(tx)?);
    tx.execute(
        "INSERT INTO own.jobs (id, kind, key, payload, metadata, state, due_at, attempts, lease_owner, lease_until, epoch, created_at) VALUES ($1, $2, $3, $4, $5, 'running', $6, 0, $7, $8, 1, $6) ON CONFLICT (kind, key) DO NOTHING",
        crate::params![id, kind, key, payload, metadata, now, holder, now.plus_seconds(HELD_SECONDS)],
    )?;
    tx.wake_jobs();
    Ok(())
}

/// Forgets a job that was done outside the runner, unless it is wanted once more.
pub fn finish(tx: &mut Tx, kind: &'static str, key: &str) -> Result<(), DbError> {
    if store::forget_where(tx, "kind = $1 AND key = $2", crate::params![kind, key], 1)? {
        tx.wake_jobs();
    }
    Ok(())
}

/// Leaves a job that was begun outside the runner, and failed, to the runner at `due`.
pub fn give_back(tx: &mut Tx, kind: &'static str, key: &str, error: &str, due: Time) -> Result<(), DbError> {
    tx.execute(
        "UPDATE own.jobs SET state = 'queued', due_at = $3, attempts = attempts + 1, error = $4, lease_owner = NULL, lease_until = NULL WHERE kind = $1 AND key = $2 AND state = 'running'",
        crate::params![kind, key, due, error],
    )?;
    tx.wake_jobs();
    Ok(())
}
