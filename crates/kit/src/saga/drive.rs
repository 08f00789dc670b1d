//! Moves one saga from call to call until it rests. A drive that has lost its saga stops and writes nothing.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;

use super::active::Drive;
use super::definition::{Action, Call, Outcome};
use super::engine::Inner;
use super::policy::pause_ms;
use super::store::{self, Which};
use super::{Instance, Status, instance::Direction};
use crate::db::{DbError, Tx};
use crate::{Context, context};

/// Why a move was not written.
#[derive(Debug)]
pub(super) enum Halt {
    /// Somebody else has the saga, or it is not due.
    Lost,
    /// The database, or a mistake in a step.
    Db(DbError),
}

impl From<DbError> for Halt {
    fn from(e: DbError) -> Halt {
        Halt::Db(e)
    }
}

impl Inner {
    /// Starts to drive a saga that was just written as ours.
    pub(super) fn spawn_drive(self: &Arc<Self>, saga: Instance) {
        let inner = self.clone();
        let (id, drive) = (saga.id, self.active.begin(saga.id));
        let context = saga.context(None);
        let ending = Ending { inner: self.clone(), saga: id, drive, rest: None };
        self.tasks.spawn(context::scope(context, async move {
            let mut ending = ending;
            ending.rest = inner.drive(saga).await;
        }));
    }

    /// `None`: somebody else has it, or nobody until its lease ends.
    async fn drive(self: &Arc<Self>, mut saga: Instance) -> Option<Status> {
        while saga.is_moving() {
            if let Some(at) = saga.retry_at {
                let micros = u64::try_from(at.0 - self.clock.now().0).unwrap_or(0);
                tokio::select! {
                    biased;
                    () = self.tasks.stopping() => return None,
                    () = tokio::time::sleep(Duration::from_micros(micros)) => {}
                }
            }
            let (outcome, lease) = (self.call(&saga).await, saga.lease());
            let Some(moved) = self.record(saga, outcome).await else {
                // Nobody may have it when its lease has ended, and nobody else looks for that here.
                lease.into_iter().for_each(|until| self.alarm.set(until));
                return None;
            };
            saga = moved;
        }
        if let Some(due) = saga.due_at {
            self.alarm.set(due);
        }
        Some(saga.status)
    }

    /// Makes the call of the current step. `None` where that step is no call.
    async fn call(&self, saga: &Instance) -> Option<Outcome> {
        let step = saga.definition.steps.get(saga.step)?;
        let (action, undo) = match saga.direction {
            Direction::Forward => (&step.action, ""),
            Direction::Backward => (step.compensation.as_ref()?, "/undo"),
        };
        let Action::Remote(f, _) = action else { return None };
        let key = format!("{}/{}{undo}", saga.id, step.name);
        let call = Call { saga: saga.id, subject: saga.subject, key, data: saga.data.clone() };
        let timeout = step.limits.timeout;
        let deadline = self.clock.now().plus_millis(i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX / 2_000));
        let guarded = AssertUnwindSafe(async move { f(call).await }).catch_unwind();
        let context = Context { traceparent: saga.step_traceparent(), ..saga.context(Some(deadline)) };
        let within = context::scope(context, tokio::time::timeout(timeout, guarded));
        crate::crash::point("saga.before_call");
        let answer = within.await;
        crate::crash::point("saga.after_call");
        Some(match answer {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => {
                let text = panic_text(&*panic);
                tracing::error!(saga = %saga.id, step = step.name, panic = text, "a step of a saga panicked");
                Outcome::Unknown(format!("panic: {text}"))
            }
            Err(_) => Outcome::Unknown(format!("no answer within {} ms", timeout.as_millis())),
        })
    }

    /// Stores what came of the step, and how far the saga got in that transaction.
    async fn record(self: &Arc<Self>, saga: Instance, outcome: Option<Outcome>) -> Option<Instance> {
        let mut tries = 0;
        loop {
            let (moved, taken, inner) = (saga.clone(), outcome.clone(), self.clone());
            let written = self.db.write(move |tx| {
                let mut saga = moved.clone();
                match taken.clone() {
                    Some(outcome) => saga.answer(tx, outcome)?,
                    None => saga.resume(tx)?,
                }
                inner.keep(tx, saga)
            });
            match written.await {
                Ok(saga) => return Some(saga),
                Err(Halt::Lost) if tries > 0 => return self.reload_ours(&saga).await,
                Err(Halt::Lost) => return None,
                Err(Halt::Db(e)) if is_passing(&e) => tries += 1,
                Err(Halt::Db(e)) => return self.note_failure(&saga, &e).await,
            }
            // Beyond the lease others go on; their calls carry the same key.
            if saga.lease().is_none_or(|until| self.clock.now() >= until) || self.tasks.is_stopping() {
                return None;
            }
            let drawn = self.db.ids().uuid(self.clock.now());
            tokio::time::sleep(Duration::from_millis(u64::try_from(pause_ms(tries, drawn)).unwrap_or(0))).await;
        }
    }

    /// Writes the saga as moved, or rolls back.
    pub(super) fn keep(&self, tx: &mut Tx, mut saga: Instance) -> Result<Instance, Halt> {
        if self.write(tx, &mut saga)? { Ok(saga) } else { Err(Halt::Lost) }
    }

    /// After a write whose outcome was unknown: it may have been ours that took effect.
    async fn reload_ours(&self, before: &Instance) -> Option<Instance> {
        let (id, epoch, definition, now, owner) = (before.id, before.epoch, before.definition.clone(), self.clock.now(), self.owner);
        let stored = self.db.read(move |q| store::load(q, &Which::Id(id))).await.ok().flatten()?;
        let ours = stored.epoch == epoch + 1 && (stored.lease_owner == Some(owner) || stored.lease_owner.is_none());
        ours.then(|| Instance::from_stored(stored, definition, now))
    }

    /// A transaction that failed by a mistake in haat is an unknown outcome of its step.
    pub(super) async fn note_failure(self: &Arc<Self>, saga: &Instance, e: &DbError) -> Option<Instance> {
        tracing::error!(saga = %saga.id, kind = saga.definition.kind, step = saga.step, error = %e, "a saga could not be moved");
        let text = e.to_string();
        let (noted, inner, reason) = (saga.clone(), self.clone(), text.clone());
        let written = self.db.write(move |tx| {
            let mut saga = noted.clone();
            saga.failed(tx, reason.clone())?;
            inner.keep(tx, saga)
        });
        match written.await {
            Ok(saga) => return Some(saga),
            Err(Halt::Lost) => return None,
            Err(Halt::Db(e)) if is_passing(&e) => return None,
            Err(Halt::Db(_)) => {}
        }
        // What should undo it fails as well: nothing of it runs any more.
        let (stopped, inner) = (saga.clone(), self.clone());
        let written = self.db.write(move |tx| {
            let mut saga = stopped.clone();
            saga.give_up(tx, &text);
            inner.keep(tx, saga)
        });
        written.await.ok()
    }
}

/// Whether the same transaction may succeed a moment later.
pub(super) fn is_passing(e: &DbError) -> bool {
    match e {
        DbError::Conflict | DbError::Overloaded | DbError::TimedOut | DbError::StorageFull => true,
        DbError::Unknown(_) | DbError::Unavailable(_) => true,
        DbError::Unique(_) | DbError::Check(_) | DbError::Internal(_) => false,
    }
}

/// Tells those who wait how a drive ended, also when it is dropped.
struct Ending {
    inner: Arc<Inner>,
    saga: uuid::Uuid,
    drive: Drive,
    rest: Option<Status>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.inner.active.end(self.saga, self.drive, self.rest);
    }
}

pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}
