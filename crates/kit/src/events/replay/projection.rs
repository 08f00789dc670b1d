//! The loop that keeps a read model up with the log.

use std::sync::Arc;
use std::time::Duration;

use contracts::Envelope;
use uuid::Uuid;

use super::{ReadModel, progress};
use crate::db::{Db, DbError, Query, Tx};
use crate::events::reader::{Move, Reader, Refusal, clear_pause, fence, pause_ms, place};
use crate::service::Env;
use crate::{Ids, Tasks};

/// Events of one transaction.
const BATCH_EVENTS: usize = 256;
/// A projection that is not woken looks for itself.
const POLL: Duration = Duration::from_millis(1_000);
/// While the log holds back events behind one that may still be committed.
const HELD_BACK: Duration = Duration::from_millis(5);
/// The position is stored after so many events that are of no interest.
const SKIPPED_EVENTS_MAX: usize = 1_024;

/// Starts the projection of a read model.
pub(super) fn start(env: &Env, bus: &bus::Local, model: ReadModel) -> Reader {
    let reader = Reader::of_model(env.db.service(), model.name);
    let projection = Projection {
        db: env.db.clone(),
        ids: env.ids.clone(),
        tasks: env.tasks.clone(),
        bus: bus.clone(),
        reader: reader.clone(),
        model,
        stored: None,
        seen: 0,
        skipped: 0,
        replay: None,
        paused: false,
    };
    env.tasks.spawn_forever("projection", projection.run());
    reader
}

struct Projection {
    db: Db,
    ids: Ids,
    tasks: Tasks,
    bus: bus::Local,
    reader: Reader,
    model: ReadModel,
    /// The position as stored.
    stored: Option<i64>,
    seen: i64,
    skipped: usize,
    /// The replay that is running.
    replay: Option<Uuid>,
    /// Whether it says of itself that it does not go on; perhaps in an earlier life.
    paused: bool,
}

impl Projection {
    async fn run(mut self) {
        let (tasks, mut woken) = (self.tasks.clone(), self.bus.watch(self.db.service()));
        let mut failures = 0;
        while !tasks.is_stopping() {
            woken.borrow_and_update();
            let wait = match self.step().await {
                Ok(None) => continue,
                Ok(Some(wait)) => {
                    failures = 0;
                    self.go_on().await;
                    wait
                }
                Err(reason) => {
                    failures += 1;
                    self.fail(reason).await;
                    Duration::from_millis(pause_ms(failures, &self.ids).unsigned_abs())
                }
            };
            tokio::select! {
                biased;
                () = tasks.stopping() => return,
                changed = woken.changed(), if failures == 0 => if changed.is_err() { return },
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Takes in what the log has. Returns how long to wait, or nothing where there is more.
    async fn step(&mut self) -> Result<Option<Duration>, String> {
        self.look().await.map_err(|e| e.to_string())?;
        loop {
            let Some(log) = self.bus.log(self.db.service()) else { return Ok(Some(POLL)) };
            let run = log(self.seen, BATCH_EVENTS).await.map_err(|e| e.to_string())?;
            let is_full = run.events.len() == BATCH_EVENTS;
            if !run.events.is_empty() && !self.take_in(run.events.into(), is_full).await? {
                return Ok(None);
            }
            if !is_full {
                return Ok(Some(if run.held_back { HELD_BACK } else { POLL }));
            }
            if self.tasks.is_stopping() {
                return Ok(None);
            }
        }
    }

    /// Another node may have moved on, or a replay begun.
    async fn look(&mut self) -> Result<(), DbError> {
        let name = self.model.name;
        let looked = self.db.read(move |q: &mut Query| Ok::<_, DbError>((place(q, name)?, progress::running(q, name)?))).await?;
        let (place, replay) = looked;
        let position = place.map(|(position, _)| position);
        if position != self.stored || position.is_none() {
            self.seen = position.unwrap_or(0);
            self.reader.set_position(self.seen);
        }
        (self.stored, self.replay, self.paused) = (position, replay, place.is_some_and(|(_, paused)| paused));
        Ok(())
    }

    /// Applies a batch; `false` when another node was faster. A backlog goes behind everything else.
    async fn take_in(&mut self, events: Arc<[Envelope]>, is_backlog: bool) -> Result<bool, String> {
        let Some(last) = events.last().map(|e| e.position) else { return Ok(true) };
        let is_wanted = events.iter().any(|e| self.model.wants(&e.kind));
        self.skipped += events.len();
        if is_wanted || self.replay.is_some() || self.skipped >= SKIPPED_EVENTS_MAX {
            let step = Move { source: self.model.name, from: self.stored, to: last };
            let (model, replay) = (self.model, self.replay);
            let work = move |tx: &mut Tx| apply(tx, step, &events, model, replay);
            let applied = if is_backlog { self.db.write_behind(work).await } else { self.db.write(work).await };
            match applied {
                Ok(()) => (self.stored, self.skipped) = (Some(last), 0),
                Err(Refusal::Fenced) => return Ok(false),
                Err(Refusal::Failed(_, e)) => return Err(e.to_string()),
            }
        }
        self.seen = last;
        self.reader.set_position(last);
        Ok(true)
    }

    /// After a step without a failure.
    async fn go_on(&mut self) {
        let name = self.model.name;
        // Where this cannot be written, the next step tries again.
        if self.paused && self.db.write(move |tx| clear_pause(tx, name)).await.is_ok() {
            self.paused = false;
        }
    }

    async fn fail(&mut self, reason: String) {
        let (service, model) = (self.db.service(), self.model.name);
        tracing::warn!(service, model, reason, "a read model does not go on");
        // Where not even this can be written, the log has said it.
        let _ = self.db.write(move |tx| progress::fail(tx, model, &reason)).await;
    }
}

fn apply(tx: &mut Tx, step: Move, events: &[Envelope], model: ReadModel, replay: Option<Uuid>) -> Result<(), Refusal> {
    fence(tx, step)?;
    for event in events.iter().filter(|e| model.wants(&e.kind)) {
        (model.apply)(tx, event)?;
    }
    if let Some(replay) = replay {
        progress::approach(tx, replay, step.to, events.len() as i64)?;
    }
    Ok(())
}
