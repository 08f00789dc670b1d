//! Starts, signals, aborts and awaits sagas.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::active::Active;
use super::store::{self, Stored, Which};
use super::{Definition, Instance, Status};
use crate::alarm::Alarm;
use crate::db::{Db, DbError, Query, Tx};
use crate::{BuildError, Clock, Tasks};

/// A service's sagas: starts them, signals them, moves them.
#[derive(Clone)]
pub struct Sagas {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub db: Db,
    pub clock: Clock,
    pub tasks: Tasks,
    /// Whose leases these are: one process, or one life of it.
    pub owner: Uuid,
    pub active: Active,
    pub alarm: Alarm,
    runtime: OnceLock<Handle>,
    definitions: OnceLock<Vec<Arc<Definition>>>,
}

/// What came of the wish to turn a saga back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aborted {
    /// It unwinds from now on, or did so already.
    Unwinding,
    /// It has passed its pivot, or may have: there is no way back.
    TooLate,
    /// There is none.
    Missing,
}

/// How often a saga that another process moves is looked at by those who wait for it.
const ELSEWHERE: Duration = Duration::from_millis(500);

impl Sagas {
    /// For the service that `db` belongs to. Call inside the runtime that shall drive the sagas, or [`Sagas::run`] there.
    pub fn new(db: Db, clock: Clock, tasks: Tasks) -> Sagas {
        let owner = db.ids().uuid(clock.now());
        let runtime = Handle::try_current().map_or_else(|_| OnceLock::new(), OnceLock::from);
        let (active, alarm, definitions) = (Active::default(), Alarm::new(clock.clone()), OnceLock::new());
        Sagas { inner: Arc::new(Inner { db, clock, tasks, owner, active, alarm, runtime, definitions }) }
    }

    /// Whose they are.
    pub fn service(&self) -> &'static str {
        self.inner.db.service()
    }

    /// Makes the definitions known; once, before the first saga starts.
    pub fn define(&self, definitions: Vec<Definition>) {
        let _ = self.inner.definitions.set(definitions.into_iter().map(Arc::new).collect());
    }

    /// Whether every definition makes sense and none is missing that a saga in the database began with.
    pub async fn check_definitions(&self) -> Result<(), BuildError> {
        let definitions = self.inner.definitions();
        for (place, definition) in definitions.iter().enumerate() {
            definition.check().map_err(BuildError::Other)?;
            let (kind, version) = (definition.kind, definition.version);
            if definitions[..place].iter().any(|d| (d.kind, d.version) == (kind, version)) {
                return Err(BuildError::Other(format!("saga {kind} version {version} is defined twice")));
            }
        }
        let used = self.inner.db.read(store::kinds_in_use).await.map_err(|e: DbError| BuildError::Other(e.to_string()))?;
        match used.iter().find(|(kind, version)| self.inner.definition(kind, *version).is_none()) {
            None => Ok(()),
            Some((kind, version)) => Err(BuildError::Other(format!(
                "{} has unfinished sagas {kind} of version {version}, which this version of haat does not know",
                self.inner.db.service()
            ))),
        }
    }

    /// Begins the newest definition of `kind` in the transaction that causes it; its first local steps run in it.
    /// `done` names leading steps whose effect is there already, with their results. Key and kind are unique: a repeat is
    /// a no-op. Returns the saga's id. It is driven on after the commit; [`Sagas::settle`] waits for that.
    pub fn start(&self, tx: &mut Tx, kind: &str, key: &str, subject: Uuid, data: Json, done: &[(&str, Json)]) -> Result<Uuid, DbError> {
        let definition = self.inner.newest(kind).ok_or_else(|| DbError::Internal(format!("no saga is called {kind}")))?;
        let mut saga = Instance::new(tx, definition, subject, data);
        for (name, result) in done {
            saga.done_before(tx, name, result.clone())?;
        }
        if saga.begins_with_a_call() {
            saga.advance(tx)?;
            if !store::insert(tx, &saga, key, self.inner.owner)? {
                return existing(tx, kind, key)?.map_or_else(|| Err(tx.lost_race()), Ok);
            }
        } else {
            // Steps that write may not run for a saga that is there already.
            if let Some(id) = existing(tx, kind, key)? {
                return Ok(id);
            }
            saga.advance(tx)?;
            if !store::insert(tx, &saga, key, self.inner.owner)? {
                return Err(tx.lost_race());
            }
        }
        let rows = saga.take_rows();
        saga.trace_steps(tx, &rows);
        store::write_steps(tx, saga.id, &rows)?;
        let id = saga.id;
        self.inner.after_commit(tx, saga);
        Ok(id)
    }

    /// Stores a signal, and moves the saga that waits for it, both in this transaction. `id` makes repeats harmless.
    pub fn signal(&self, tx: &mut Tx, key: &str, id: &str, payload: Json) -> Result<(), DbError> {
        store::lock_signal(tx, key)?;
        let waiting = store::load(tx, &Which::WaitsFor(key))?;
        if !store::insert_signal(tx, key, id, &payload, waiting.as_ref().map(|s| s.id))? {
            return Ok(());
        }
        let Some(stored) = waiting else { return Ok(()) };
        let mut saga = self.inner.instance(tx, stored)?;
        saga.signalled(tx, payload)?;
        self.save(tx, saga)
    }

    /// Turns the saga of this kind and key back, in this transaction, unless it has passed its pivot. A call that is in
    /// flight is undone as if it had happened. `reason` is what its last transaction gets as the code.
    pub fn abort(&self, tx: &mut Tx, kind: &str, key: &str, reason: &str) -> Result<Aborted, DbError> {
        let stored = store::load(tx, &Which::Key(kind, key))?;
        self.turn_back(tx, stored, reason)
    }

    pub(super) fn turn_back(&self, tx: &mut Tx, stored: Option<Stored>, reason: &str) -> Result<Aborted, DbError> {
        let Some(stored) = stored else { return Ok(Aborted::Missing) };
        match stored.status {
            Status::Compensating | Status::Compensated => return Ok(Aborted::Unwinding),
            Status::Stuck if stored.is_backward() => return Ok(Aborted::Unwinding),
            Status::Completed => return Ok(Aborted::TooLate),
            Status::Running | Status::Waiting | Status::Stuck => {}
        }
        let mut saga = self.inner.instance(tx, stored)?;
        if !saga.abort(tx, reason)? {
            return Ok(Aborted::TooLate);
        }
        self.save(tx, saga)?;
        Ok(Aborted::Unwinding)
    }

    /// Writes a saga that was moved within somebody's transaction; whoever was faster makes that run again.
    pub(super) fn save(&self, tx: &mut Tx, mut saga: Instance) -> Result<(), DbError> {
        if !self.inner.write(tx, &mut saga)? {
            return Err(tx.lost_race());
        }
        self.inner.after_commit(tx, saga);
        Ok(())
    }

    /// Waits until the saga waits for somebody outside, or has ended; or this process stops, and others go on with it. The
    /// caller's deadline is the caller's business.
    pub async fn settle(&self, saga: Uuid) -> Result<Status, DbError> {
        loop {
            if let Some(mut here) = self.inner.active.watch(saga) {
                // An error says that the drive was lost without a word; look again.
                if let Ok(rest) = here.wait_for(Option::is_some).await.map(|rest| *rest)
                    && let Some(status) = rest
                {
                    return Ok(status);
                }
                continue;
            }
            let stored = self.inner.db.read(move |q| store::load(q, &Which::Id(saga))).await?;
            let stored = stored.ok_or_else(|| DbError::Internal(format!("there is no saga {saga}")))?;
            if !matches!(stored.status, Status::Running | Status::Compensating) || self.inner.tasks.is_stopping() {
                return Ok(stored.status);
            }
            if self.inner.active.watch(saga).is_none() {
                tokio::select! {
                    biased;
                    () = self.inner.tasks.stopping() => {}
                    () = tokio::time::sleep(ELSEWHERE) => {}
                }
            }
        }
    }
}

fn existing(q: &mut Query, kind: &str, key: &str) -> Result<Option<Uuid>, DbError> {
    Ok(store::load(q, &Which::Key(kind, key))?.map(|stored| stored.id))
}

impl Inner {
    pub(super) fn definitions(&self) -> &[Arc<Definition>] {
        self.definitions.get().map_or(&[], Vec::as_slice)
    }

    pub(super) fn definition(&self, kind: &str, version: i64) -> Option<Arc<Definition>> {
        self.definitions().iter().find(|d| d.kind == kind && d.version == version).cloned()
    }

    fn newest(&self, kind: &str) -> Option<Arc<Definition>> {
        self.definitions().iter().filter(|d| d.kind == kind).max_by_key(|d| d.version).cloned()
    }

    /// A stored saga with its definition.
    pub(super) fn instance(&self, tx: &Tx, stored: Stored) -> Result<Instance, DbError> {
        let definition = self.definition(&stored.kind, stored.version);
        let unknown = || DbError::Internal(format!("no saga is called {} in version {}", stored.kind, stored.version));
        let definition = definition.ok_or_else(unknown)?;
        Ok(Instance::from_stored(stored, definition, tx.now()))
    }

    /// Writes a saga and its steps. `false`: somebody else has moved it.
    pub(super) fn write(&self, tx: &mut Tx, saga: &mut Instance) -> Result<bool, DbError> {
        let rows = saga.take_rows();
        if !store::update(tx, saga, self.owner)? {
            return Ok(false);
        }
        saga.trace_steps(tx, &rows);
        store::write_steps(tx, saga.id, &rows)?;
        Ok(true)
    }

    /// Once the transaction is durable: drives the saga on, or sees to it that its deadline is kept.
    pub(super) fn after_commit(self: &Arc<Self>, tx: &mut Tx, saga: Instance) {
        let inner = self.clone();
        tx.after_commit(move || {
            if saga.is_moving() {
                // The database's threads are outside the runtime.
                let _inside = inner.runtime.get().map(Handle::enter);
                inner.spawn_drive(saga);
            } else if let Some(due) = saga.due_at {
                inner.alarm.set(due);
            }
        });
    }

    pub(super) fn remember_runtime(&self) {
        if let Ok(handle) = Handle::try_current() {
            let _ = self.runtime.set(handle);
        }
    }
}
