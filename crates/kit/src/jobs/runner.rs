//! Runs due jobs, a few at a time.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use contracts::Time;
use futures::FutureExt;
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

use super::store::{self, Claimed};
use super::{Job, JobDef, JobOutcome};
use crate::alarm::Alarm;
use crate::db::{Db, DbError, Dialect};
use crate::{Clock, Context, Tasks, context};

/// Tries of a queued job until it is dead.
pub(super) const ATTEMPTS_MAX: i64 = 50;
/// How many jobs of a service run at once in one process.
const AT_ONCE: usize = 16;
/// How long a claimed job is left alone by others.
const LEASE_SECONDS: i64 = 30;
/// How often the lease of a job that takes long is renewed.
const RENEW: Duration = Duration::from_secs(10);
/// How often the jobs of other processes are looked at.
const POLL_SHARED: Duration = Duration::from_secs(2);
/// The same where there are no other processes.
const POLL_ALONE: Duration = Duration::from_secs(60);
/// The pause after a look that failed.
const POLL_FAILED: Duration = Duration::from_secs(1);
/// How long a job may still take once the process has begun to stop.
const GRACE: Duration = Duration::from_secs(10);
/// The first pause after a try that failed, and the longest, in seconds.
const PAUSE_SECONDS: (i64, i64) = (1, 600);

/// A service's jobs at work.
#[derive(Clone)]
pub struct JobRunner(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    tasks: Tasks,
    owner: Uuid,
    defs: Vec<JobDef>,
    kinds: Vec<&'static str>,
    alarm: Alarm,
    slots: Arc<Semaphore>,
    queued: watch::Receiver<u64>,
}

impl JobRunner {
    /// For the service that `db` belongs to.
    pub fn new(db: Db, clock: Clock, tasks: Tasks, defs: Vec<JobDef>) -> JobRunner {
        let owner = db.ids().uuid(clock.now());
        let kinds = defs.iter().map(|d| d.kind).collect();
        let (alarm, queued) = (Alarm::new(clock.clone()), db.bus().watch_jobs(db.service()));
        JobRunner(Arc::new(Inner { db, clock, tasks, owner, defs, kinds, alarm, slots: Arc::new(Semaphore::new(AT_ONCE)), queued }))
    }

    /// Runs jobs until the tasks are stopped. Jobs that have begun then end, as tracked tasks.
    pub async fn run(self) {
        let inner = self.0;
        if inner.kinds.is_empty() {
            return inner.tasks.stopping().await;
        }
        let alone = inner.db.dialect() == Dialect::Sqlite;
        let mut begun = false;
        let mut queued = inner.queued.clone();
        loop {
            inner.alarm.clear();
            queued.mark_unchanged();
            if !begun {
                begun = inner.begin(alone).await;
            }
            let pause = match inner.look().await {
                _ if !begun => POLL_FAILED,
                Ok(()) if alone => POLL_ALONE,
                Ok(()) => POLL_SHARED,
                Err(e) => {
                    tracing::warn!(service = inner.db.service(), error = %e, "due jobs cannot be looked at");
                    POLL_FAILED
                }
            };
            tokio::select! {
                biased;
                () = inner.tasks.stopping() => return,
                _ = queued.changed() => {}
                () = inner.alarm.wait(pause) => {}
            }
        }
    }

    /// Looks for due jobs now; for tests that move the clock.
    pub fn wake(&self) {
        self.0.alarm.set(Time(i64::MIN));
    }
}

impl Inner {
    /// Makes the rows of regular jobs; where no other process has the database, ends the leases of earlier ones.
    async fn begin(&self, alone: bool) -> bool {
        let regular = self.defs.iter().filter(|d| d.every_seconds.is_some());
        let regular: Vec<_> = regular.map(|d| (d.kind, d.first_after_seconds)).collect();
        let owner = self.owner;
        let written = self.db.write(move |tx| {
            if alone {
                store::take_over(tx, owner)?;
            }
            store::make_regular(tx, &regular)
        });
        let written: Result<(), DbError> = written.await;
        if let Err(e) = &written {
            tracing::warn!(service = self.db.service(), error = %e, "regular jobs cannot be made");
        }
        written.is_ok()
    }

    /// Starts what is due and sets the alarm for what comes next.
    async fn look(self: &Arc<Self>) -> Result<(), DbError> {
        loop {
            let kinds = self.kinds.clone();
            let Some(next) = self.db.read(move |q| store::next(q, &kinds)).await? else { return Ok(()) };
            let now = self.clock.now();
            if next > now {
                self.alarm.set(next);
                return Ok(());
            }
            if self.tasks.is_stopping() {
                return Ok(());
            }
            // At least one place is free; more are taken if they are.
            drop(self.slots.acquire().await);
            let (kinds, owner, limit) = (self.kinds.clone(), self.owner, self.slots.available_permits() as i64);
            let until = now.plus_seconds(LEASE_SECONDS);
            for job in self.db.write(move |tx| store::claim(tx, owner, until, &kinds, limit)).await? {
                self.spawn(job).await;
            }
        }
    }

    async fn spawn(self: &Arc<Self>, job: Claimed) {
        let Some(def) = self.defs.iter().find(|d| d.kind == job.kind).cloned() else { return };
        let Ok(slot) = self.slots.clone().acquire_owned().await else { return };
        let inner = self.clone();
        let context = Context {
            request_id: job.metadata.correlation_id.clone(),
            traceparent: job.metadata.traceparent.clone(),
            causation_id: Some(job.id.to_string()),
            actor: job.metadata.actor.clone(),
            deadline: None,
        };
        self.tasks.spawn(context::scope(context, async move {
            let outcome = tokio::select! {
                biased;
                () = inner.lost(&job) => None,
                () = inner.stopped() => None,
                outcome = try_once(&def, &job) => Some(outcome),
            };
            if let Some(outcome) = outcome {
                crate::crash::point("job.after_run");
                inner.end(job, def, outcome).await;
            }
            drop(slot);
        }));
    }

    /// Ends some time after a stop has begun: the job is run again elsewhere, or at the next start.
    async fn stopped(&self) {
        self.tasks.stopping().await;
        tokio::time::sleep(GRACE).await;
    }

    /// Renews the lease; ends when somebody else has the job.
    async fn lost(&self, job: &Claimed) {
        loop {
            tokio::time::sleep(RENEW).await;
            let (claimed, until) = (job.clone(), self.clock.now().plus_seconds(LEASE_SECONDS));
            let renewed: Result<bool, DbError> = self.db.write(move |tx| store::renew(tx, &claimed, until)).await;
            if renewed == Ok(false) {
                return;
            }
        }
    }

    async fn end(&self, job: Claimed, def: JobDef, outcome: JobOutcome) {
        let service = self.db.service();
        match &outcome {
            JobOutcome::Retry(e) => {
                tracing::info!(service, kind = def.kind, key = job.key, attempts = job.attempts, error = e, "job failed for now")
            }
            JobOutcome::Failed(e) => tracing::warn!(service, kind = def.kind, key = job.key, error = e, "job failed for good"),
            JobOutcome::Done | JobOutcome::Again(_) => {}
        }
        let ended = self.db.write(move |tx| {
            let drawn = tx.id();
            let retry_at = tx.now().plus_millis(pause_ms(job.attempts, drawn));
            store::end(tx, &job, &def, &outcome, retry_at)?;
            // Its next time may be the first that comes.
            tx.wake_jobs();
            Ok(())
        });
        let ended: Result<(), DbError> = ended.await;
        if let Err(e) = ended {
            tracing::warn!(service, error = %e, "the end of a job cannot be stored; it is run again when its lease ends");
        }
    }
}

async fn try_once(def: &JobDef, claimed: &Claimed) -> JobOutcome {
    let job = Job { key: claimed.key.clone(), payload: claimed.payload.clone(), attempts: claimed.attempts };
    let run = AssertUnwindSafe(async { (def.run)(job).await }).catch_unwind();
    match tokio::time::timeout(def.limit, run).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => {
            let text = crate::saga::panic_text(&*panic);
            tracing::error!(kind = def.kind, key = claimed.key, panic = text, "a job panicked");
            JobOutcome::Retry(format!("panic: {text}"))
        }
        Err(_) => JobOutcome::Retry(format!("it took longer than {} s", def.limit.as_secs())),
    }
}

/// Doubled with each try, and half of it up to chance.
fn pause_ms(attempts: i64, drawn: Uuid) -> i64 {
    let longest = (PAUSE_SECONDS.0 << attempts.clamp(0, 16)).min(PAUSE_SECONDS.1) * 1_000;
    let chance = i64::from((drawn.as_u128() & 0xffff) as u16);
    longest / 2 + (longest / 2) * chance / 0xffff
}
