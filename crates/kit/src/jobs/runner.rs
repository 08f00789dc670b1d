//! Runs due jobs, a few at a time.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use contracts::Time;
use futures::FutureExt;
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

use super::store::{self, Claimed};
use super::{Job, JobDef, JobOutcome};
use crate::alarm::Alarm;
use crate::db::{Db, DbError, Dialect};
use crate::trace::{Kind, Span};
use crate::{Clock, Tasks, context};

/// From this try on a job that fails for now is a warning.
const ATTEMPTS_WARNED: i64 = 10;
/// How many jobs of a service run at once in one process.
const AT_ONCE: usize = 16;
/// How many of those that run apart: they do little but wait.
const AT_ONCE_APART: usize = 256;
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
/// The same of one that runs apart.
const GRACE_APART: Duration = Duration::from_secs(3);
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
    begun: AtomicBool,
    slots: Arc<Semaphore>,
    grace: Duration,
    queued: watch::Receiver<u64>,
}

impl JobRunner {
    /// For the service that `db` belongs to.
    pub fn new(db: Db, clock: Clock, tasks: Tasks, defs: Vec<JobDef>) -> JobRunner {
        let owner = db.ids().uuid(clock.now());
        let kinds: Vec<_> = defs.iter().map(|d| d.kind).collect();
        let (alarm, queued) = (Alarm::new(clock.clone()), db.bus().watch_jobs(db.service()));
        let (at_once, grace) = if defs.iter().all(|d| d.apart) { (AT_ONCE_APART, GRACE_APART) } else { (AT_ONCE, GRACE) };
        let (begun, slots) = (AtomicBool::new(kinds.is_empty()), Arc::new(Semaphore::new(at_once)));
        JobRunner(Arc::new(Inner { db, clock, tasks, owner, defs, kinds, alarm, begun, slots, grace, queued }))
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
                inner.begun.store(begun, Ordering::Relaxed);
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

    /// The service, where its jobs of an earlier process are not yet taken over and its regular ones not yet there.
    pub(crate) fn not_begun(&self) -> Option<&'static str> {
        (!self.0.begun.load(Ordering::Relaxed)).then(|| self.0.db.service())
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
        let (owner, kinds) = (self.owner, self.kinds.clone());
        let written = self.db.write(move |tx| {
            if alone {
                store::take_over(tx, owner, &kinds)?;
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
            let claimed = self.db.write(move |tx| store::claim(tx, owner, until, &kinds, limit)).await?;
            for (def, jobs) in self.runs_of(claimed) {
                self.spawn(def, jobs).await;
            }
        }
    }

    /// What is run together: new jobs of a kind that allows it. One that has failed before may be what made others fail.
    fn runs_of(&self, claimed: Vec<Claimed>) -> Vec<(JobDef, Vec<Claimed>)> {
        let mut runs: Vec<(JobDef, Vec<Claimed>)> = Vec::new();
        for job in claimed {
            let fits = |(def, jobs): &&mut (JobDef, Vec<Claimed>)| {
                def.kind == job.kind && jobs.len() < def.together && job.attempts == 0 && jobs.iter().all(|j| j.attempts == 0)
            };
            if let Some((_, jobs)) = runs.iter_mut().find(fits) {
                jobs.push(job);
            } else if let Some(def) = self.defs.iter().find(|d| d.kind == job.kind) {
                runs.push((def.clone(), vec![job]));
            }
        }
        runs
    }

    async fn spawn(self: &Arc<Self>, def: JobDef, mut jobs: Vec<Claimed>) {
        let mut spans: Vec<Span> = jobs.iter_mut().map(|job| self.span(job)).collect();
        let Ok(slot) = self.slots.clone().acquire_owned().await else { return };
        let inner = self.clone();
        let context = jobs.first().map(Claimed::context).unwrap_or_default();
        self.tasks.spawn(context::scope(context, async move {
            let outcomes = tokio::select! {
                biased;
                () = inner.lost(&jobs) => None,
                () = inner.stopped() => None,
                outcomes = try_once(&def, &jobs) => Some(outcomes),
            };
            if let Some(outcomes) = outcomes {
                crate::crash::point("job.after_run");
                spans.iter_mut().zip(&outcomes).for_each(|(span, outcome)| note(span, outcome));
                inner.end(jobs, def, outcomes).await;
            }
            drop((slot, spans));
        }));
    }

    /// The span of a try, below which the job is from now on.
    fn span(&self, job: &mut Claimed) -> Span {
        let traceparent = job.metadata.traceparent.as_deref();
        let mut span = Span::below(traceparent, self.db.service(), Kind::Internal, || format!("job {}", job.kind).into());
        if let Some(here) = span.traceparent() {
            span.set("haat.job.key", job.key.clone());
            span.set("haat.job.attempts", job.attempts);
            job.metadata.traceparent = Some(here);
        }
        span
    }

    /// Ends some time after a stop has begun: the job is run again elsewhere, or at the next start.
    async fn stopped(&self) {
        self.tasks.stopping().await;
        tokio::time::sleep(self.grace).await;
    }

    /// Renews the leases; ends when somebody else has one of the jobs.
    async fn lost(&self, jobs: &[Claimed]) {
        loop {
            tokio::time::sleep(RENEW).await;
            let (claimed, until) = (jobs.to_vec(), self.clock.now().plus_seconds(LEASE_SECONDS));
            let renewed: Result<bool, DbError> = self.db.write(move |tx| store::renew(tx, &claimed, until)).await;
            if renewed == Ok(false) {
                return;
            }
        }
    }

    async fn end(&self, jobs: Vec<Claimed>, def: JobDef, outcomes: Vec<JobOutcome>) {
        let service = self.db.service();
        for (job, outcome) in jobs.iter().zip(&outcomes) {
            match outcome {
                JobOutcome::Retry(e) if job.attempts + 1 >= ATTEMPTS_WARNED => {
                    tracing::warn!(service, kind = def.kind, key = job.key, attempts = job.attempts + 1, error = e, "job keeps failing")
                }
                JobOutcome::Retry(e) => {
                    tracing::info!(service, kind = def.kind, key = job.key, attempts = job.attempts, error = e, "job failed for now")
                }
                JobOutcome::Failed(e) => tracing::warn!(service, kind = def.kind, key = job.key, error = e, "job failed for good"),
                JobOutcome::Done | JobOutcome::Again(_) => {}
            }
        }
        let regular = def.every_seconds.is_some();
        let is_done = move |outcome: &JobOutcome| *outcome == JobOutcome::Done && !regular;
        let last_ones = outcomes.iter().all(is_done);
        let ended = self.db.write(move |tx| {
            let (done, others): (Vec<_>, Vec<_>) = jobs.iter().zip(&outcomes).partition(|(_, outcome)| is_done(outcome));
            let again = store::forget(tx, &done.into_iter().map(|(job, _)| job).collect::<Vec<_>>())?;
            for (job, outcome) in others {
                let drawn = tx.id();
                let retry_at = tx.now().plus_millis(pause_ms(job.attempts, drawn));
                store::end(tx, job, &def, outcome, retry_at)?;
            }
            if again || !last_ones {
                // Its next time may be the first that comes.
                tx.wake_jobs();
            }
            Ok(())
        });
        let ended: Result<(), DbError> = ended.await;
        if let Err(e) = ended {
            tracing::warn!(service, error = %e, "the end of a job cannot be stored; it is run again when its lease ends");
        }
    }
}

/// What the span of a try says of its end.
fn note(span: &mut Span, outcome: &JobOutcome) {
    let (said, error) = match outcome {
        JobOutcome::Done => ("done", None),
        JobOutcome::Again(_) => ("again", None),
        JobOutcome::Retry(e) => ("retry", Some(e)),
        JobOutcome::Failed(e) => ("failed", Some(e)),
    };
    span.set("haat.job.outcome", said);
    if let Some(e) = error {
        span.fail(e);
    }
}

async fn try_once(def: &JobDef, claimed: &[Claimed]) -> Vec<JobOutcome> {
    let jobs: Vec<Job> = claimed.iter().map(Claimed::job).collect();
    let run = AssertUnwindSafe(async { (def.run)(jobs).await }).catch_unwind();
    let all = |why: String| vec![JobOutcome::Retry(why); claimed.len()];
    match tokio::time::timeout(def.limit, run).await {
        Ok(Ok(outcomes)) if outcomes.len() == claimed.len() => outcomes,
        Ok(Ok(outcomes)) => all(format!("{} outcomes of {} jobs", outcomes.len(), claimed.len())),
        Ok(Err(panic)) => {
            let text = crate::saga::panic_text(&*panic);
            let keys = claimed.iter().map(|job| job.key.as_str()).collect::<Vec<_>>().join(", ");
            tracing::error!(kind = def.kind, key = keys, panic = text, "a job panicked");
            all(format!("panic: {text}"))
        }
        Err(_) => all(format!("it took longer than {} s", def.limit.as_secs())),
    }
}

/// Doubled with each try, and half of it up to chance.
fn pause_ms(attempts: i64, drawn: Uuid) -> i64 {
    let longest = (PAUSE_SECONDS.0 << attempts.clamp(0, 16)).min(PAUSE_SECONDS.1) * 1_000;
    let chance = i64::from((drawn.as_u128() & 0xffff) as u16);
    longest / 2 + (longest / 2) * chance / 0xffff
}
