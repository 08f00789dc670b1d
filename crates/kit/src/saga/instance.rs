//! One saga in memory, and how it moves within a transaction. Nothing here waits or calls.

use std::sync::Arc;

use contracts::{Metadata, Time};
use serde_json::Value as Json;
use uuid::Uuid;

use super::definition::{Action, Definition, Local, Outcome, Run, Step};
use super::policy::{lease_until, pause_ms};
use super::store::{self, Stored};
use super::{Status, UNAVAILABLE};
use crate::db::{DbError, Tx};
use crate::{Context, context};

/// Which way a saga goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Backward,
}

impl Direction {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Direction::Forward => "forward",
            Direction::Backward => "backward",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Direction> {
        [Direction::Forward, Direction::Backward].into_iter().find(|d| d.as_str() == text)
    }
}

/// What is stored of a step.
#[derive(Clone, Debug)]
pub(super) struct StepRow {
    pub step: usize,
    pub name: &'static str,
    pub direction: Direction,
    pub status: &'static str,
    pub attempts: i64,
    pub result: Option<Json>,
    pub error: Option<String>,
    pub started_at: Time,
    pub ended_at: Option<Time>,
}

/// A saga as it was last written, or as it will be written next.
#[derive(Clone)]
pub(super) struct Instance {
    pub id: Uuid,
    pub definition: Arc<Definition>,
    pub subject: Uuid,
    pub status: Status,
    /// The step that is tried, awaited or undone.
    pub step: usize,
    pub direction: Direction,
    pub data: Json,
    pub metadata: Metadata,
    /// Tries of that step that have begun.
    pub attempts: i64,
    /// When the first of them began.
    pub started_at: Time,
    /// Not before: the pause after an unknown outcome.
    pub retry_at: Option<Time>,
    /// When somebody should look at it: the end of the lease, or the deadline of the wait.
    pub due_at: Option<Time>,
    /// Why it unwinds or is stuck.
    pub reason: Option<String>,
    /// As read; a write expects it and adds one.
    pub epoch: i64,
    rows: Vec<StepRow>,
}

/// Whether there is a next step to take in this transaction.
#[derive(PartialEq, Eq)]
enum Go {
    On,
    Rest,
}

/// Whether a refused step has had an effect nevertheless.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    None,
    Done,
}

impl Instance {
    /// A saga that has not begun.
    pub(super) fn new(tx: &mut Tx, definition: Arc<Definition>, subject: Uuid, data: Json) -> Instance {
        Instance {
            id: tx.id(),
            definition,
            subject,
            status: Status::Running,
            step: 0,
            direction: Direction::Forward,
            data,
            metadata: tx.metadata(),
            attempts: 0,
            started_at: tx.now(),
            retry_at: None,
            due_at: None,
            reason: None,
            epoch: 1,
            rows: Vec::new(),
        }
    }

    /// A saga as stored.
    pub(super) fn from_stored(stored: Stored, definition: Arc<Definition>, now: Time) -> Instance {
        Instance {
            id: stored.id,
            definition,
            subject: stored.subject,
            status: stored.status,
            step: usize::try_from(stored.step).unwrap_or(0),
            direction: stored.direction,
            data: stored.data,
            metadata: stored.metadata,
            attempts: stored.attempts,
            started_at: stored.started_at.unwrap_or(now),
            retry_at: None,
            due_at: stored.due_at,
            reason: stored.reason,
            epoch: stored.epoch,
            rows: Vec::new(),
        }
    }

    /// Whether a step is to be tried or undone: somebody must drive it.
    pub(super) fn is_moving(&self) -> bool {
        matches!(self.status, Status::Running | Status::Compensating)
    }

    /// Until when it belongs to whoever drives it.
    pub(super) fn lease(&self) -> Option<Time> {
        self.due_at.filter(|_| self.is_moving())
    }

    /// The signal it waits for.
    pub(super) fn wait_key(&self) -> Option<String> {
        let step = self.definition.steps.get(self.step).filter(|_| self.status == Status::Waiting);
        step.map(|s| Step::signal_key(s.name, self.subject))
    }

    /// The circumstances of what it does: those of whoever started it.
    pub(super) fn context(&self, deadline: Option<Time>) -> Context {
        Context {
            request_id: self.metadata.correlation_id.clone(),
            traceparent: self.metadata.traceparent.clone(),
            causation_id: Some(self.id.to_string()),
            actor: self.metadata.actor.clone(),
            deadline,
        }
    }

    /// What happened to steps since the last write.
    pub(super) fn take_rows(&mut self) -> Vec<StepRow> {
        std::mem::take(&mut self.rows)
    }

    /// Whether its next step is a call: nothing is written for it before its own row.
    pub(super) fn begins_with_a_call(&self) -> bool {
        self.definition.steps.get(self.step).is_some_and(|s| matches!(s.action, Action::Remote(..)))
    }

    /// Takes a leading step as done whose effect is there already.
    pub(super) fn done_before(&mut self, tx: &Tx, name: &str, result: Json) -> Result<(), DbError> {
        let definition = self.definition.clone();
        let Some(step) = definition.steps.get(self.step).filter(|s| s.name == name) else {
            return Err(DbError::Internal(format!("saga {}: step {} is not {name}", definition.kind, self.step)));
        };
        self.attempts = 1;
        self.note(tx, step.name, "done", Some(result), None);
        self.next(tx, self.step + 1);
        Ok(())
    }

    /// Goes on from the current step for as far as this transaction reaches: to a call, a wait, or the end.
    pub(super) fn advance(&mut self, tx: &mut Tx) -> Result<(), DbError> {
        let definition = self.definition.clone();
        while let Some(step) = definition.steps.get(self.step) {
            let outcome = match &step.action {
                Action::Remote(..) => {
                    self.intend(tx, step, "running");
                    return Ok(());
                }
                Action::Local(f) => {
                    self.attempts += 1;
                    self.run(tx, f, Json::Null)?
                }
                Action::Wait { deadline, then } => {
                    let key = Step::signal_key(step.name, self.subject);
                    store::lock_signal(tx, &key)?;
                    let Some(payload) = store::consume_signal(tx, &key, self.id)? else {
                        let deadline = deadline(&self.data);
                        self.wait(tx, step, deadline);
                        return Ok(());
                    };
                    self.attempts += 1;
                    self.run(tx, then, payload)?
                }
            };
            if self.take(tx, step, outcome, Effect::None)? == Go::Rest {
                return Ok(());
            }
        }
        self.rest(Status::Completed);
        Ok(())
    }

    /// Takes the answer of the call that was in flight, then goes on.
    pub(super) fn answer(&mut self, tx: &mut Tx, outcome: Outcome) -> Result<(), DbError> {
        if self.retry_at.take().is_some() {
            self.attempts += 1;
        }
        let definition = self.definition.clone();
        let Some(step) = definition.steps.get(self.step) else { return Ok(()) };
        if self.direction == Direction::Backward {
            return match self.undone(tx, step, outcome)? {
                Go::On => self.go_back(tx, self.step),
                Go::Rest => Ok(()),
            };
        }
        let (outcome, effect) = match (outcome, &step.action) {
            (Outcome::Done(result), Action::Remote(_, Some(then))) => (self.run(tx, then, result)?, Effect::Done),
            (outcome, _) => (outcome, Effect::None),
        };
        match self.take(tx, step, outcome, effect)? {
            Go::On => self.advance(tx),
            Go::Rest => Ok(()),
        }
    }

    /// Takes the signal it waits for; null is the deadline.
    pub(super) fn signalled(&mut self, tx: &mut Tx, payload: Json) -> Result<(), DbError> {
        let definition = self.definition.clone();
        let Some(step) = definition.steps.get(self.step) else { return Ok(()) };
        let Action::Wait { then, .. } = &step.action else { return self.advance(tx) };
        self.attempts += 1;
        let outcome = self.run(tx, then, payload)?;
        match self.take(tx, step, outcome, Effect::None)? {
            Go::On => self.advance(tx),
            Go::Rest => Ok(()),
        }
    }

    /// Goes on where somebody left it: after a lease or a pause, or at the deadline of a wait.
    pub(super) fn resume(&mut self, tx: &mut Tx) -> Result<(), DbError> {
        self.retry_at = None;
        match (self.status, self.direction) {
            (Status::Waiting, _) => self.signalled(tx, Json::Null),
            (_, Direction::Forward) => self.advance(tx),
            (_, Direction::Backward) => self.go_back(tx, self.step + 1),
        }
    }

    /// Turns back, if there still is a way back. A call that may be in flight is undone as if it had happened.
    pub(super) fn abort(&mut self, tx: &mut Tx, reason: &str) -> Result<bool, DbError> {
        let pivot = self.definition.pivot();
        let step = self.definition.steps.get(self.step);
        let may_have_happened = self.attempts > 0 && !step.is_some_and(|s| matches!(s.action, Action::Wait { .. }));
        if self.step > pivot || (self.step == pivot && may_have_happened) {
            return Ok(false);
        }
        if let Some(step) = step {
            let status = if may_have_happened { "unknown" } else { "skipped" };
            self.note(tx, step.name, status, None, Some(reason.to_owned()));
        }
        self.unwind(tx, if may_have_happened { self.step + 1 } else { self.step }, reason.to_owned())?;
        Ok(true)
    }

    /// Takes up a stuck saga: the step that it stopped at is tried anew.
    pub(super) fn take_up(&mut self, tx: &mut Tx) -> Result<(), DbError> {
        (self.attempts, self.started_at) = (0, tx.now());
        self.status = if self.direction == Direction::Forward { Status::Running } else { Status::Compensating };
        self.resume(tx)
    }

    /// A transaction that should have moved it failed by a mistake in haat, such as a panic: the step is tried again.
    pub(super) fn failed(&mut self, tx: &mut Tx, text: String) -> Result<(), DbError> {
        self.attempts += 1;
        let definition = self.definition.clone();
        let Some(step) = definition.steps.get(self.step) else { return Ok(()) };
        if self.status != Status::Waiting {
            return self.unknown(tx, step, text);
        }
        if self.attempts >= step.limits.attempts_max {
            self.note(tx, step.name, "failed", None, Some(text.clone()));
            self.stuck(step.name, &text);
            return Ok(());
        }
        self.due_at = Some(self.after_pause(tx));
        self.note(tx, step.name, "running", None, Some(text));
        Ok(())
    }

    /// Gives up: an operator must look.
    pub(super) fn give_up(&mut self, tx: &Tx, text: &str) {
        let name = self.definition.steps.get(self.step).map_or("", |s| s.name);
        self.note(tx, name, "failed", None, Some(text.to_owned()));
        self.stuck(name, text);
    }

    fn take(&mut self, tx: &mut Tx, step: &Step, outcome: Outcome, effect: Effect) -> Result<Go, DbError> {
        match outcome {
            Outcome::Done(result) => {
                self.note(tx, step.name, "done", Some(result), None);
                self.next(tx, self.step + 1);
                Ok(Go::On)
            }
            Outcome::Unknown(_) if matches!(step.action, Action::Wait { .. }) => Ok(Go::On),
            Outcome::Unknown(text) => self.unknown(tx, step, text).map(|()| Go::Rest),
            Outcome::Refused(code) => {
                self.note(tx, step.name, "failed", None, Some(code.clone()));
                let below = if effect == Effect::Done { self.step + 1 } else { self.step };
                if below > self.definition.pivot() || self.gives_up_unseen(below) {
                    self.stuck(step.name, &code);
                } else {
                    self.unwind(tx, below, code)?;
                }
                Ok(Go::Rest)
            }
        }
    }

    /// Whether the saga would just end where its pivot is refused: nothing is undone, and nobody is told.
    fn gives_up_unseen(&self, below: usize) -> bool {
        let definition = &self.definition;
        let is_pivot = definition.steps.get(below).is_some_and(|s| s.pivot);
        is_pivot && definition.compensated.is_none() && definition.steps.iter().take(below).all(|s| s.compensation.is_none())
    }

    fn undone(&mut self, tx: &mut Tx, step: &Step, outcome: Outcome) -> Result<Go, DbError> {
        match outcome {
            Outcome::Done(result) => {
                self.note(tx, step.name, "compensated", Some(result), None);
                Ok(Go::On)
            }
            Outcome::Unknown(text) => self.unknown(tx, step, text).map(|()| Go::Rest),
            Outcome::Refused(code) => {
                self.note(tx, step.name, "failed", None, Some(code.clone()));
                self.stuck(step.name, &code);
                Ok(Go::Rest)
            }
        }
    }

    /// Nobody knows how the step ended: once more after a pause, or enough of it.
    fn unknown(&mut self, tx: &mut Tx, step: &Step, text: String) -> Result<(), DbError> {
        let way_back = self.direction == Direction::Forward && self.step < self.definition.pivot();
        let tried_us = tx.now().0 - self.started_at.0;
        if way_back && u128::try_from(tried_us).is_ok_and(|t| t >= step.limits.give_up_after.as_micros()) {
            self.note(tx, step.name, "unknown", None, Some(text));
            return self.unwind(tx, self.step + 1, UNAVAILABLE.to_owned());
        }
        if !way_back && self.attempts >= step.limits.attempts_max {
            self.note(tx, step.name, "failed", None, Some(text.clone()));
            self.stuck(step.name, &text);
            return Ok(());
        }
        let retry_at = self.after_pause(tx);
        (self.retry_at, self.due_at) = (Some(retry_at), Some(lease_until(retry_at, &step.limits)));
        self.status = if self.direction == Direction::Forward { Status::Running } else { Status::Compensating };
        self.note(tx, step.name, "unknown", None, Some(text));
        Ok(())
    }

    /// Undoes the steps below `below`.
    fn unwind(&mut self, tx: &mut Tx, below: usize, reason: String) -> Result<(), DbError> {
        (self.direction, self.reason) = (Direction::Backward, Some(reason));
        self.next(tx, self.step);
        self.go_back(tx, below)
    }

    fn go_back(&mut self, tx: &mut Tx, below: usize) -> Result<(), DbError> {
        let definition = self.definition.clone();
        for (place, step) in definition.steps.iter().enumerate().take(below).rev() {
            if place != self.step {
                self.next(tx, place);
            }
            let outcome = match &step.compensation {
                Some(Action::Remote(..)) => {
                    self.intend(tx, step, "compensating");
                    return Ok(());
                }
                Some(Action::Local(f)) => {
                    self.attempts += 1;
                    self.run(tx, f, Json::Null)?
                }
                Some(Action::Wait { .. }) | None => continue,
            };
            if self.undone(tx, step, outcome)? == Go::Rest {
                return Ok(());
            }
        }
        if let Some(hook) = &definition.compensated {
            let result = self.reason.as_deref().map_or(Json::Null, Json::from);
            let here = self.metadata.traceparent.clone();
            tx.at(here, |tx| hook(tx, &mut Run { saga: self.id, subject: self.subject, data: &mut self.data, result }))?;
        }
        self.rest(Status::Compensated);
        Ok(())
    }

    /// In the saga's own trace, whoever's transaction it is.
    fn run(&mut self, tx: &mut Tx, f: &Local, result: Json) -> Result<Outcome, DbError> {
        let here = self.step_traceparent();
        tx.at(here, |tx| f(tx, &mut Run { saga: self.id, subject: self.subject, data: &mut self.data, result }))
    }

    /// Writes down that a call will be made.
    fn intend(&mut self, tx: &Tx, step: &Step, status: &'static str) {
        self.attempts += 1;
        self.status = if self.direction == Direction::Forward { Status::Running } else { Status::Compensating };
        self.due_at = Some(lease_until(tx.now(), &step.limits));
        self.note(tx, step.name, status, None, None);
    }

    fn wait(&mut self, tx: &mut Tx, step: &Step, deadline: Time) {
        // A deadline that has passed and decided nothing comes again after a pause.
        let due = if self.attempts > 0 { deadline.max(self.after_pause(tx)) } else { deadline };
        (self.status, self.due_at) = (Status::Waiting, Some(due));
        self.note(tx, step.name, "running", None, None);
    }

    fn after_pause(&self, tx: &mut Tx) -> Time {
        let drawn = tx.id();
        tx.now().plus_millis(pause_ms(self.attempts, drawn))
    }

    fn next(&mut self, tx: &Tx, step: usize) {
        (self.step, self.attempts, self.started_at) = (step, 0, tx.now());
    }

    fn rest(&mut self, status: Status) {
        (self.status, self.due_at, self.retry_at) = (status, None, None);
    }

    /// What it unwinds for stays the reason: its last transaction needs the code. The step's row says why it stopped.
    fn stuck(&mut self, step: &str, text: &str) {
        if self.direction == Direction::Forward {
            self.reason = Some(format!("{step}: {text}"));
        }
        context::within(self.context(None), || {
            tracing::warn!(saga = %self.id, kind = self.definition.kind, step, reason = text, "saga is stuck");
        });
        self.rest(Status::Stuck);
    }

    fn note(&mut self, tx: &Tx, name: &'static str, status: &'static str, result: Option<Json>, error: Option<String>) {
        let (step, direction, attempts, started_at) = (self.step, self.direction, self.attempts, self.started_at);
        let ended = matches!(status, "done" | "failed" | "compensated" | "skipped");
        let ended_at = ended.then(|| tx.now());
        self.rows.retain(|row| (row.step, row.direction) != (step, direction));
        self.rows.push(StepRow { step, name, direction, status, attempts, result, error, started_at, ended_at });
    }
}
