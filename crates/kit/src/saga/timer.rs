//! Keeps deadlines, and takes over what a process that has died left behind.

use std::sync::Arc;
use std::time::Duration;

use contracts::Time;
use futures::future::join_all;
use uuid::Uuid;

use super::drive::{Halt, is_passing};
use super::engine::Inner;
use super::store::{self, Which};
use super::{Instance, Sagas};
use crate::db::{DbError, Dialect};

/// How many sagas are taken at once.
const BATCH: i64 = 64;
/// How often the rows of other processes are looked at.
const POLL_SHARED: Duration = Duration::from_secs(2);
/// The same where there are no other processes.
const POLL_ALONE: Duration = Duration::from_secs(60);
/// The pause after a look that failed.
const POLL_FAILED: Duration = Duration::from_secs(1);

impl Sagas {
    /// Keeps the deadlines and leases of the service's sagas, until the tasks are stopped.
    pub async fn run(self) {
        let inner = self.inner;
        inner.remember_runtime();
        let alone = inner.db.dialect() == Dialect::Sqlite;
        let mut taken_over = !alone;
        loop {
            inner.alarm.clear();
            if !taken_over {
                taken_over = inner.take_over().await.is_ok();
            }
            let pause = match inner.look().await {
                _ if !taken_over => POLL_FAILED,
                Ok(()) if alone => POLL_ALONE,
                Ok(()) => POLL_SHARED,
                Err(e) => {
                    tracing::warn!(service = inner.db.service(), error = %e, "due sagas cannot be looked at");
                    inner.alarm.clear();
                    POLL_FAILED
                }
            };
            tokio::select! {
                biased;
                () = inner.tasks.stopping() => break,
                () = inner.alarm.wait(pause) => {}
            }
        }
        inner.active.idle().await;
        let owner = inner.owner;
        let released = inner.db.write(move |tx| store::release(tx, owner)).await;
        if let Err(e) = released {
            let e: DbError = e;
            tracing::warn!(service = inner.db.service(), error = %e, "leases are kept until they end");
        }
    }

    /// Looks for due sagas now; for tests that move the clock.
    pub fn wake(&self) {
        self.inner.alarm.set(Time(i64::MIN));
    }

    /// Whether nothing runs or unwinds and no deadline has come.
    pub async fn is_idle(&self) -> Result<bool, DbError> {
        if !self.inner.active.is_idle() {
            return Ok(false);
        }
        let now = self.inner.clock.now();
        self.inner.db.read(move |q| store::is_busy(q, now)).await.map(|busy| !busy)
    }
}

impl Inner {
    /// At the start of a process that has the database to itself: ends the leases of earlier ones at once.
    async fn take_over(&self) -> Result<u64, DbError> {
        let owner = self.owner;
        let taken = self.db.write(move |tx| store::take_over(tx, owner)).await;
        match &taken {
            Ok(0) => {}
            Ok(count) => tracing::info!(service = self.db.service(), count, "sagas of an earlier process are taken over"),
            Err(e) => tracing::warn!(service = self.db.service(), error = %e, "sagas of an earlier process cannot be taken over"),
        }
        taken
    }

    /// Takes what is due, and sets the alarm for what is due next.
    async fn look(self: &Arc<Self>) -> Result<(), DbError> {
        let kinds: Vec<_> = self.definitions().iter().map(|d| (d.kind, d.version)).collect();
        if kinds.is_empty() {
            return Ok(());
        }
        let first = self.db.read(move |q| store::due(q, &kinds, BATCH)).await?;
        let now = self.clock.now();
        let taken = join_all(first.iter().filter(|(_, due)| *due <= now).map(|(id, _)| self.take_due(*id))).await;
        taken.into_iter().collect::<Result<(), DbError>>()?;
        match first.iter().find(|(_, due)| *due > now) {
            Some((_, next)) => self.alarm.set(*next),
            // There may be more than one batch.
            None if first.len() as i64 == BATCH => self.alarm.set(now),
            None => {}
        }
        Ok(())
    }

    /// Claims a due saga and moves it, in one transaction.
    async fn take_due(self: &Arc<Self>, id: Uuid) -> Result<(), DbError> {
        let inner = self.clone();
        let moved = self.db.write(move |tx| {
            let mut saga = inner.load_due(tx, id)?;
            saga.resume(tx)?;
            let saga = inner.keep(tx, saga)?;
            inner.after_commit(tx, saga);
            Ok(())
        });
        match moved.await {
            Ok(()) | Err(Halt::Lost) => Ok(()),
            Err(Halt::Db(e)) if is_passing(&e) => Err(e),
            Err(Halt::Db(e)) => {
                let inner = self.clone();
                let saga = match self.db.write(move |tx| inner.load_due(tx, id)).await {
                    Ok(saga) => saga,
                    Err(Halt::Lost) => return Ok(()),
                    Err(Halt::Db(e)) => return Err(e),
                };
                match self.note_failure(&saga, &e).await {
                    Some(saga) if saga.is_moving() => self.spawn_drive(saga),
                    Some(saga) => saga.due_at.into_iter().for_each(|due| self.alarm.set(due)),
                    None => {}
                }
                Ok(())
            }
        }
    }

    fn load_due(&self, tx: &mut crate::Tx, id: Uuid) -> Result<Instance, Halt> {
        let stored = store::load(tx, &Which::Id(id))?.filter(|s| s.due_at.is_some_and(|due| due <= tx.now()));
        Ok(self.instance(tx, stored.ok_or(Halt::Lost)?)?)
    }
}
