//! Work that must happen later, or until it succeeds: rows with leases, run by whoever holds one.

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
    /// It failed for now; again after a growing pause.
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
        JobDef { kind, every_seconds: None, first_after_seconds: 0, limit: LIMIT, together, run: Arc::new(move |jobs| Box::pin(f(jobs))) }
    }

    /// A job that runs again and again, on one node at a time.
    pub fn every<F, O>(kind: &'static str, seconds: i64, f: F) -> JobDef
    where
        F: Fn(Job) -> O + Send + Sync + 'static,
        O: Future<Output = JobOutcome> + Send + 'static,
    {
        JobDef { every_seconds: Some(seconds), ..JobDef::queued(kind, f) }
    }

    /// How long one try may take; 15 minutes unless said. Longer ones are dropped and tried again.
    pub fn limit(mut self, limit: Duration) -> JobDef {
        self.limit = limit;
        self
    }
}

/// Queues a job in the transaction that wants it done; woken after the commit.
pub fn queue(tx: &mut Tx, kind: &'static str, key: &str, payload: Json, due: Time) -> Result<(), DbError> {
    let (id, now, metadata) = (tx.id(), tx.now(), store::metadata(tx)?);
    tx.execute(
        "INSERT INTO own.jobs (id, kind, key, payload, metadata, state, due_at, attempts, epoch, created_at) VALUES ($1, $2, $3, $4, $5, 'queued', $6, 0, 0, $7) ON CONFLICT (kind, key) DO NOTHING",
        crate::params![id, kind, key, payload, metadata, due, now],
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

/// Forgets a job that was done outside the runner.
pub fn finish(tx: &mut Tx, kind: &'static str, key: &str) -> Result<(), DbError> {
    tx.execute("DELETE FROM own.jobs WHERE kind = $1 AND key = $2", crate::params![kind, key]).map(drop)
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
