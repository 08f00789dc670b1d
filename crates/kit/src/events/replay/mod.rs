//! Read models: tables that are the fold of the service's own log, and can be built anew from it.
//!
//! One that is kept up behind has a projection, which applies the log's events to it in order, each once: position and
//! effect are one transaction, as with subscriptions. Its replay empties the model, puts the position back to the
//! beginning in the same transaction, and lets the projection run. Until it is done the model shows the past.
//!
//! One that is kept up at once is written in the transactions of the events themselves. Its replay builds it beside the
//! one in use and then puts what differs in place: see [`rebuild`]. A replay says how far it is.

mod compare;
mod progress;
mod projection;
mod rebuild;

use std::sync::Arc;

use contracts::Envelope;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::db::{Db, DbError, Tx};
use crate::params;
use crate::service::Env;
pub use compare::Table;
pub use progress::{Replay, ReplayStatus};

/// A model of the service's own events.
#[derive(Clone, Copy)]
pub struct ReadModel {
    /// Unique within the service; not the name of a service.
    pub name: &'static str,
    /// The types of event it is made of, all where none is named; the others are passed over.
    pub kinds: &'static [&'static str],
    /// How it is kept up with the log.
    pub kept: Kept,
    /// Takes in an event. Called once for each, in the order of the log.
    pub apply: fn(&mut Tx, &Envelope) -> Result<(), DbError>,
}

/// How a read model is kept up with the log.
#[derive(Clone, Copy)]
pub enum Kept {
    /// By a reader of the log, a moment later.
    Behind {
        /// Empties the model.
        reset: fn(&mut Tx) -> Result<(), DbError>,
    },
    /// In the transactions of the events, by the service itself, which touches the tables before its events are written.
    AtOnce {
        /// All of it.
        tables: &'static [Table],
    },
}

impl ReadModel {
    fn wants(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

/// What came of the wish to end a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It is over, and its model is as it was, or mended in part.
    Now,
    /// Its model was emptied for it, and shows the past until it is done.
    InPlace,
    /// It was over before.
    Over,
    /// There is none.
    Missing,
}

/// Starts replays of a service's read models, and tells how they are going.
#[derive(Clone)]
pub struct Replays {
    db: Db,
    /// Each with what wakes the task that carries its replays out.
    models: Vec<(ReadModel, Arc<Notify>)>,
}

impl Replays {
    /// Of the service that `db` belongs to.
    pub fn new(db: Db, models: Vec<ReadModel>) -> Replays {
        Replays { db, models: models.into_iter().map(|model| (model, Arc::default())).collect() }
    }

    /// The names of the models.
    pub fn models(&self) -> impl Iterator<Item = &'static str> {
        self.models.iter().map(|(m, _)| m.name)
    }

    /// Begins to build `model` anew; while that is running, another start is the same replay. `None`: no such model.
    pub async fn start(&self, model: &str) -> Result<Option<Uuid>, DbError> {
        let Some((model, begun)) = self.models.iter().find(|(m, _)| m.name == model).cloned() else { return Ok(None) };
        let bus = self.db.bus().clone();
        let begun = self.db.write(move |tx| {
            if let Some(running) = progress::running(tx, model.name)? {
                return Ok(running);
            }
            if let Kept::Behind { reset } = model.kept {
                reset(tx)?;
            }
            rewind(tx, model.name)?;
            let id = progress::begin(tx, model)?;
            let (bus, service, begun) = (bus.clone(), tx.service(), begun.clone());
            tx.after_commit(move || {
                bus.wake(service);
                begun.notify_one();
            });
            Ok(id)
        });
        begun.await.map(Some)
    }

    /// Ends a replay that is built beside the model in use, which stays as it is.
    pub async fn cancel(&self, id: Uuid) -> Result<Cancelled, DbError> {
        let models = self.models.clone();
        let bus = self.db.bus().clone();
        self.db
            .write(move |tx| {
                let Some(replay) = progress::get(tx, id)? else { return Ok(Cancelled::Missing) };
                let Some((model, begun)) = models.iter().find(|(m, _)| m.name == replay.model) else { return Ok(Cancelled::Missing) };
                match (replay.status, model.kept) {
                    (ReplayStatus::Cancelled, _) => return Ok(Cancelled::Now),
                    (ReplayStatus::Done | ReplayStatus::Failed, _) => return Ok(Cancelled::Over),
                    (ReplayStatus::Running, Kept::Behind { .. }) => return Ok(Cancelled::InPlace),
                    (ReplayStatus::Running, Kept::AtOnce { .. }) => {}
                }
                progress::end(tx, model.name, ReplayStatus::Cancelled, None)?;
                let (bus, service, begun) = (bus.clone(), tx.service(), begun.clone());
                tx.after_commit(move || {
                    bus.wake(service);
                    begun.notify_one();
                });
                Ok(Cancelled::Now)
            })
            .await
    }

    /// A replay, running or over.
    pub async fn get(&self, id: Uuid) -> Result<Option<Replay>, DbError> {
        self.db.read(move |q| progress::get(q, id)).await
    }

    /// The latest replays, newest first; at most 100.
    pub async fn list(&self) -> Result<Vec<Replay>, DbError> {
        self.db.read(progress::list).await
    }
}

/// Starts what keeps a service's read models up and carries their replays out. Returns the readers of those that are
/// kept up behind.
pub(crate) fn start_read_models(env: &Env, bus: &bus::Local, replays: &Replays) -> Vec<super::Reader> {
    let mut readers = Vec::new();
    for (model, begun) in &replays.models {
        match model.kept {
            Kept::Behind { .. } => readers.push(projection::start(env, bus, *model)),
            Kept::AtOnce { tables } => rebuild::start(env, bus, *model, tables, begun.clone()),
        }
    }
    readers
}

/// Puts a model's position back to the beginning; a projection that is under way finds itself fenced.
fn rewind(tx: &mut Tx, model: &'static str) -> Result<(), DbError> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO own.readers (source, position, paused, updated_at) VALUES ($1, 0, NULL, $2) ON CONFLICT (source) DO UPDATE SET position = 0, paused = NULL, updated_at = excluded.updated_at",
        params![model, now],
    )?;
    Ok(())
}
