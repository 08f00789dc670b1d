//! The loop of a reader.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use contracts::{Envelope, Time};
use tokio::time::Instant;
use uuid::Uuid;

use super::apply::{self, Applied, Move, Refusal};
use super::backoff::{outage_pause_ms, pause_ms};
use super::failure::{Verdict, is_outage};
use super::parked::{self, Head, Stored, Tried};
use super::{Handlers, Interest, Reader};
use crate::db::{Db, DbError};
use crate::events::ConsumerError;
use crate::service::Env;
use crate::{Clock, Context, Ids, Tasks, context, trace};

/// Events of one transaction.
const BATCH_EVENTS: usize = 256;
/// A reader that is not woken looks for itself, in milliseconds: another process may have written.
const POLL_MS: i64 = 1_000;
/// While the log holds back events behind one that may still be committed, in milliseconds.
const HELD_BACK_MS: i64 = 5;
/// What nobody waits for is taken in so long after it came, with what comes meanwhile, in milliseconds.
const GATHER_MS: i64 = 20;
/// Streams that fail in a row before the subscription pauses.
const FAILING_STREAMS_MAX: usize = 5;
/// So long an outage is heard nothing of, in milliseconds.
const OUTAGE_DEAF_MS: i64 = 250;
/// The position is stored after so many events that are of no interest.
const SKIPPED_EVENTS_MAX: i64 = 1_024;
/// An event that waits for another is tried at least every ten seconds: pauses grow only so often.
const LATER_DOUBLINGS_MAX: i64 = 10;

pub(super) struct Subscription {
    db: Db,
    clock: Clock,
    ids: Ids,
    tasks: Tasks,
    bus: bus::Local,
    reader: Reader,
    handlers: Arc<Handlers>,
    hurried: bool,
    stored: Stored,
    looked_at: Option<Instant>,
    /// Up to here events were applied, parked or skipped.
    seen: i64,
    skipped: i64,
    /// Events that one transaction takes in at most: fewer after one that took too long.
    at_once: usize,
    /// Streams that failed since something last took effect.
    failing: Vec<Uuid>,
    pauses: i64,
    pause_is_noted: bool,
}

/// Why a step ended early.
enum Stop {
    /// The log or the database does not answer at the moment.
    Outage(String),
    /// One stream after another fails: it is not they who are at fault.
    Failing(String),
    /// Another node was faster: look where it left the position.
    LookAgain,
}

/// What to do after a step.
enum Next {
    Go,
    WaitMs(i64),
}

impl Subscription {
    pub(super) fn new(env: &Env, bus: &bus::Local, reader: Reader, interest: Interest) -> Subscription {
        Subscription {
            db: env.db.clone(),
            clock: env.clock.clone(),
            ids: env.ids.clone(),
            tasks: env.tasks.clone(),
            bus: bus.clone(),
            reader,
            handlers: Arc::new(interest.handlers),
            hurried: interest.hurried,
            stored: Stored::default(),
            looked_at: None,
            seen: 0,
            skipped: 0,
            at_once: BATCH_EVENTS,
            failing: Vec::new(),
            pauses: 0,
            pause_is_noted: false,
        }
    }

    pub(super) async fn run(mut self) {
        let (tasks, mut woken) = (self.tasks.clone(), self.bus.watch(self.reader.source));
        while !tasks.is_stopping() {
            woken.borrow_and_update();
            let (wait_ms, heeds_wakes) = match self.step().await {
                Ok(Next::Go) | Err(Stop::LookAgain) => continue,
                Ok(Next::WaitMs(ms)) => (ms, true),
                Err(Stop::Outage(reason)) => {
                    self.pause(reason).await;
                    (self.outlast_ms().await, true)
                }
                Err(Stop::Failing(reason)) => {
                    self.pause(reason).await;
                    (pause_ms(self.pauses, &self.ids), false)
                }
            };
            tokio::select! {
                biased;
                () = tasks.stopping() => return,
                changed = woken.changed(), if heeds_wakes => match changed {
                    Ok(()) => self.gather().await,
                    Err(_) => return,
                },
                () = pause_of(wait_ms) => {}
            }
        }
    }

    /// The rest of an outage's pause, in milliseconds; a wake may end it sooner, since its publisher may be back. The part
    /// that is over here may not: a database that has too much to do wakes everybody all the time.
    async fn outlast_ms(&self) -> i64 {
        let whole = outage_pause_ms(self.pauses, &self.ids);
        let first = whole.min(OUTAGE_DEAF_MS);
        tokio::select! {
            biased;
            () = self.tasks.stopping() => {}
            () = pause_of(first) => {}
        }
        whole - first
    }

    /// Lets more come where nobody waits. Where somebody moves the clock on, nothing comes meanwhile.
    async fn gather(&self) {
        if !self.hurried && !self.clock.is_shifted() {
            tokio::select! {
                biased;
                () = self.tasks.stopping() => {}
                () = pause_of(GATHER_MS) => {}
            }
        }
    }

    /// Takes in what the log has, then tries again what is due.
    async fn step(&mut self) -> Result<Next, Stop> {
        let poll = Duration::from_millis(POLL_MS.unsigned_abs());
        if self.looked_at.is_none_or(|at| at.elapsed() >= poll) {
            self.look().await?;
        }
        let Some(log) = self.bus.log(self.reader.source) else { return Ok(Next::WaitMs(POLL_MS)) };
        let run = log(self.seen, BATCH_EVENTS).await.map_err(|e| Stop::Outage(e.to_string()))?;
        let (is_full, is_empty) = (run.events.len() == BATCH_EVENTS, run.events.is_empty());
        if is_empty && !run.held_back {
            self.gauge("haat_reader_lag_seconds", 0.0);
            self.look().await?;
        } else if !is_empty {
            self.take_in(run.events.into()).await?;
        }
        self.retry_due().await?;
        self.go_on().await?;
        Ok(if is_full {
            Next::Go
        } else if run.held_back {
            Next::WaitMs(HELD_BACK_MS)
        } else {
            Next::WaitMs(self.until_next_due_ms())
        })
    }

    /// Finds out where the subscription stands: at the start, and where another node or an operator may have moved it.
    async fn look(&mut self) -> Result<(), Stop> {
        let source = self.reader.source;
        self.stored = self.db.read(move |q| parked::look(q, source)).await.map_err(outage)?;
        self.pause_is_noted |= self.stored.paused;
        self.looked_at = Some(Instant::now());
        self.reached(self.stored.position.unwrap_or(0));
        self.gauge("haat_reader_blocked_streams", self.stored.blocked_streams as f64);
        Ok(())
    }

    /// Applies events in as few transactions as their failures allow.
    async fn take_in(&mut self, events: Arc<[Envelope]>) -> Result<(), Stop> {
        let (mut begin, mut end) = (0, self.at_once.min(events.len()));
        while begin < events.len() {
            match self.apply(&events, begin..end).await {
                Ok(_) => {
                    self.at_once = (self.at_once + 1).min(BATCH_EVENTS);
                    (begin, end) = (end, events.len().min(end + self.at_once));
                }
                Err(Refusal::Fenced) => {
                    self.look().await?;
                    return Err(Stop::LookAgain);
                }
                Err(Refusal::Failed(_, ConsumerError::Db(e))) if is_outage(&e) => return Err(Stop::Outage(e.to_string())),
                Err(Refusal::Failed(_, ConsumerError::Db(DbError::TimedOut))) if end - begin > 1 => {
                    self.at_once = (end - begin) / 2;
                    tracing::info!(subscriber = self.reader.subscriber, at_once = self.at_once, "a batch of events took too long");
                    end = begin + self.at_once;
                }
                Err(Refusal::Failed(at, error)) => match at {
                    Some(at) if at > 0 => end = begin + at,
                    None if end - begin > 1 => end = begin + 1,
                    Some(_) | None => {
                        self.set_aside(&events[begin], &error).await?;
                        (begin, end) = (begin + 1, events.len().min(begin + 1 + self.at_once));
                    }
                },
            }
        }
        let lag_us = events.last().map_or(0, |e| self.clock.now().0 - e.time.0);
        self.gauge("haat_reader_lag_seconds", lag_us.max(0) as f64 / 1e6);
        Ok(())
    }

    async fn apply(&mut self, events: &Arc<[Envelope]>, range: Range<usize>) -> Result<Applied, Refusal> {
        let Some(last) = events[range.clone()].last() else { return Ok(Applied::default()) };
        let step = self.move_to(last.position);
        let is_wanted = |e: &Envelope| self.handlers.contains_key(e.kind.as_str());
        if !events[range.clone()].iter().any(is_wanted) {
            self.skipped += range.len() as i64;
            if self.skipped >= SKIPPED_EVENTS_MAX {
                self.db.write(move |tx| apply::fence(tx, step)).await?;
                self.moved(step);
            }
            self.reached(step.to);
            return Ok(Applied::default());
        }
        let written: Vec<Time> = events[range.clone()].iter().filter(|e| is_wanted(e)).map(|e| e.time).collect();
        let (events, handlers, blocked) = (events.clone(), self.handlers.clone(), self.stored.blocked_streams > 0);
        let applied = self.db.write(move |tx| apply::run(tx, step, &events[range.clone()], &handlers, blocked)).await?;
        self.moved(step);
        if applied.parked > 0 {
            self.stored.next_due = Some(Time(0));
        }
        if applied.effects > 0 {
            self.took_effect(applied.effects);
        }
        if applied.parked == 0 {
            self.measure(&written);
        }
        Ok(applied)
    }

    /// Parks an event that failed, or makes it a dead letter.
    async fn set_aside(&mut self, event: &Envelope, error: &ConsumerError) -> Result<(), Stop> {
        let verdict = Verdict::of(error, 0);
        let due = self.due_after(&verdict, 1);
        self.report(event, &verdict, 1);
        let step = self.move_to(event.position);
        let (failed, reason) = (event.clone(), verdict.clone());
        match self.db.write(move |tx| apply::set_aside(tx, step, &failed, &reason, due)).await {
            Ok(()) => {}
            Err(Refusal::Fenced) => {
                self.look().await?;
                return Err(Stop::LookAgain);
            }
            Err(Refusal::Failed(_, error)) => return Err(Stop::Outage(error.to_string())),
        }
        self.moved(step);
        self.stored.blocked_streams += 1;
        self.stored.next_due = Some(self.stored.next_due.map_or(due, |next| next.min(due)));
        if matches!(verdict, Verdict::Later(_)) {
            return Ok(());
        }
        if !self.failing.contains(&event.stream) {
            self.failing.push(event.stream);
        }
        if self.failing.len() >= FAILING_STREAMS_MAX {
            return Err(Stop::Failing(format!("{} streams failed in a row, the last with: {}", self.failing.len(), verdict.state().1)));
        }
        Ok(())
    }

    /// Tries the heads that are due, each with what waits behind it.
    async fn retry_due(&mut self) -> Result<(), Stop> {
        let (source, now) = (self.reader.source, self.clock.now());
        if self.stored.blocked_streams == 0 || self.stored.next_due.is_none_or(|due| due > now) {
            return Ok(());
        }
        let heads = self.db.read(move |q| parked::due(q, source, now)).await.map_err(outage)?;
        for head in heads {
            let mut next = Some(head);
            while let Some(head) = next.take().filter(|_| !self.tasks.is_stopping()) {
                next = self.retry(head).await?;
            }
        }
        self.look().await
    }

    /// Tries one head, and returns the next one of its stream where it took effect.
    async fn retry(&mut self, head: Head) -> Result<Option<Head>, Stop> {
        let (tried, handlers) = (head.clone(), self.handlers.clone());
        match self.db.write(move |tx| parked::retry(tx, &tried, &handlers)).await {
            Ok(Tried::Taken | Tried::Done(false)) => Ok(None),
            Ok(Tried::Done(true)) => {
                self.took_effect(1);
                let (source, stream) = (self.reader.source, head.event.stream);
                self.db.read(move |q| parked::next(q, source, stream)).await.map_err(outage)
            }
            Err(Refusal::Fenced) => Ok(None),
            Err(Refusal::Failed(_, error)) => {
                let verdict = Verdict::of(&error, head.attempts);
                if let Verdict::Pause(reason) = verdict {
                    return Err(Stop::Outage(reason));
                }
                let due = self.due_after(&verdict, head.attempts + 1);
                self.report(&head.event, &verdict, head.attempts + 1);
                self.db.write(move |tx| parked::put_back(tx, &head, &verdict, due)).await.map_err(outage)?;
                Ok(None)
            }
        }
    }

    /// Notes a pause.
    async fn pause(&mut self, reason: String) {
        self.pauses += 1;
        self.looked_at = None;
        let source = self.reader.source;
        tracing::warn!(subscriber = self.reader.subscriber, source, reason, "a subscription pauses");
        self.gauge("haat_reader_paused", 1.0);
        // Where not even this can be written, the log has said it.
        self.pause_is_noted |= self.db.write(move |tx| parked::note_pause(tx, source, &reason)).await.is_ok();
    }

    /// After a step without a pause. The note may stand from before the process died.
    async fn go_on(&mut self) -> Result<(), Stop> {
        if self.pauses == 0 && !self.pause_is_noted {
            return Ok(());
        }
        if self.pause_is_noted {
            let source = self.reader.source;
            self.db.write(move |tx| parked::clear_pause(tx, source)).await.map_err(outage)?;
        }
        tracing::info!(subscriber = self.reader.subscriber, source = self.reader.source, "a subscription goes on");
        self.gauge("haat_reader_paused", 0.0);
        (self.pauses, self.pause_is_noted, self.stored.paused) = (0, false, false);
        Ok(())
    }

    fn move_to(&self, to: i64) -> Move {
        Move { source: self.reader.source, from: self.stored.position, to }
    }

    fn moved(&mut self, step: Move) {
        self.stored.position = Some(step.to);
        self.skipped = 0;
        self.reached(step.to);
    }

    fn reached(&mut self, position: i64) {
        self.seen = self.seen.max(position);
        self.reader.set_position(self.seen);
    }

    fn took_effect(&mut self, effects: usize) {
        self.failing.clear();
        let labels = [("subscriber", self.reader.subscriber), ("source", self.reader.source)];
        metrics::counter!("haat_reader_events_total", &labels).increment(effects as u64);
    }

    /// From when events came into being, before their own commit, until their effects were durable.
    fn measure(&self, written: &[Time]) {
        let (labels, now) = ([("subscriber", self.reader.subscriber), ("source", self.reader.source)], self.clock.now());
        let histogram = metrics::histogram!("haat_reader_effect_seconds", &labels);
        written.iter().for_each(|time| histogram.record((now.0 - time.0).max(0) as f64 / 1e6));
    }

    fn due_after(&self, verdict: &Verdict, attempts: i64) -> Time {
        let attempts = if matches!(verdict, Verdict::Later(_)) { attempts.min(LATER_DOUBLINGS_MAX) } else { attempts };
        self.clock.now().plus_millis(pause_ms(attempts, &self.ids))
    }

    fn until_next_due_ms(&self) -> i64 {
        let due_in = self.stored.next_due.map_or(POLL_MS, |due| (due.0 - self.clock.now().0) / 1_000 + 1);
        due_in.clamp(1, POLL_MS)
    }

    fn report(&self, event: &Envelope, verdict: &Verdict, attempts: i64) {
        let (subscriber, (state, error)) = (self.reader.subscriber, verdict.state());
        let waits = matches!(verdict, Verdict::Later(_));
        if !waits {
            trace::event::failed(event, subscriber, &error);
            context::within(Context::from_event(event), || {
                tracing::warn!(subscriber, source = %event.source, kind = %event.kind, event = %event.id, attempts, state, error, "an event failed");
            });
        }
    }

    fn gauge(&self, name: &'static str, value: f64) {
        let labels = [("subscriber", self.reader.subscriber), ("source", self.reader.source)];
        metrics::gauge!(name, &labels).set(value);
    }
}

fn pause_of(ms: i64) -> tokio::time::Sleep {
    tokio::time::sleep(Duration::from_millis(ms.unsigned_abs()))
}

fn outage(e: DbError) -> Stop {
    Stop::Outage(e.to_string())
}
