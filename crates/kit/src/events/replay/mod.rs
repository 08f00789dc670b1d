//! Read models: tables that are the fold of the service's own log, and can be built anew from it.
//!
//! A projection applies the log's events to the model in order, each once: position and effect are one transaction, as
//! with subscriptions. A replay empties the model, puts the position back to the beginning in the same transaction, and
//! lets the projection run; it says how far it is. Until it is done the model shows the past.

mod progress;
mod projection;

use contracts::Envelope;
use uuid::Uuid;

use crate::db::{Db, DbError, Tx};
use crate::params;
pub use progress::{Replay, ReplayStatus};
pub(crate) use projection::start_projections;

/// A model of the service's own events.
#[derive(Clone, Copy)]
pub struct ReadModel {
    /// Unique within the service; not the name of a service.
    pub name: &'static str,
    /// The types of event it is made of; the others are passed over.
    pub kinds: &'static [&'static str],
    /// Empties it.
    pub reset: fn(&mut Tx) -> Result<(), DbError>,
    /// Takes in an event. Called once for each, in the order of the log.
    pub apply: fn(&mut Tx, &Envelope) -> Result<(), DbError>,
}

/// Starts replays of a service's read models, and tells how they are going.
#[derive(Clone)]
pub struct Replays {
    db: Db,
    models: Vec<ReadModel>,
}

impl Replays {
    /// Of the service that `db` belongs to.
    pub fn new(db: Db, models: Vec<ReadModel>) -> Replays {
        Replays { db, models }
    }

    /// The names of the models.
    pub fn models(&self) -> impl Iterator<Item = &'static str> {
        self.models.iter().map(|m| m.name)
    }

    /// Begins to build `model` anew; while that is running, another start is the same replay. `None`: no such model.
    pub async fn start(&self, model: &str) -> Result<Option<Uuid>, DbError> {
        let Some(model) = self.models.iter().find(|m| m.name == model).copied() else { return Ok(None) };
        let bus = self.db.bus().clone();
        let begun = self.db.write(move |tx| {
            if let Some(running) = progress::running(tx, model.name)? {
                return Ok(running);
            }
            (model.reset)(tx)?;
            rewind(tx, model.name)?;
            let id = progress::begin(tx, model.name)?;
            let (bus, service) = (bus.clone(), tx.service());
            tx.after_commit(move || bus.wake(service));
            Ok(id)
        });
        begun.await.map(Some)
    }

    /// A replay, running or done.
    pub async fn get(&self, id: Uuid) -> Result<Option<Replay>, DbError> {
        self.db.read(move |q| progress::get(q, id)).await
    }

    /// The latest replays, newest first; at most 100.
    pub async fn list(&self) -> Result<Vec<Replay>, DbError> {
        self.db.read(progress::list).await
    }
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
