//! The embedded engine without threads: for tests on one thread and for simulation in virtual time.
//!
//! A batch is an event: it begins when something is queued, lasts as long as it is told to, and only then runs its
//! closures, commits and answers, all in one instant. So, as with a real writer, reads in between see nothing of
//! it, closures that arrive meanwhile may join it, and a crash leaves nothing of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::queue::{Queue, wanted};
use super::sqlite::{Answer, Fate, Link, Writer, snapshot};
use super::{DbError, Dialect, Engine, Health, Priority, Work};

/// What becomes of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flush {
    /// It takes so many closures at most.
    pub size: usize,
    /// It lasts so long.
    pub after: Duration,
    /// How it ends.
    pub fate: Fate,
}

impl Flush {
    /// Everything that waits, at once, and it holds.
    pub const PLAIN: Flush = Flush { size: usize::MAX, after: Duration::ZERO, fate: Fate::Durable };
}

/// A database in memory that outlives the process that is simulated: what was flushed.
#[derive(Clone)]
pub struct Disk(Arc<Mutex<Platter>>);

struct Platter {
    writer: Writer,
    health: Arc<Health>,
    /// How often it was opened; only the latest engine may use it.
    opened: u64,
}

impl Disk {
    /// An empty one.
    pub fn empty() -> Result<Disk, DbError> {
        Disk::around(memory()?)
    }

    /// A copy of `image`.
    pub fn from_image(image: &Image) -> Result<Disk, DbError> {
        let mut conn = memory()?;
        copy(&image.0.lock().unwrap_or_else(PoisonError::into_inner), &mut conn)?;
        Disk::around(conn)
    }

    /// A copy of what was flushed, to start other disks from.
    pub fn image(&self) -> Result<Image, DbError> {
        let mut conn = memory()?;
        copy(self.lock().writer.connection(), &mut conn)?;
        Ok(Image(Arc::new(Mutex::new(conn))))
    }

    fn around(conn: Connection) -> Result<Disk, DbError> {
        let setup = conn.execute_batch("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;");
        let link = setup.and_then(|()| Link::new(conn)).map_err(|e| internal(&e))?;
        let health = Arc::new(Health::default());
        Ok(Disk(Arc::new(Mutex::new(Platter { writer: Writer::new(link, health.clone()), health, opened: 0 }))))
    }

    fn lock(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A database to start from, such as one that has all its tables.
#[derive(Clone)]
pub struct Image(Arc<Mutex<Connection>>);

type Decide = Box<dyn FnMut(usize) -> Flush + Send>;

pub(super) struct Inline {
    shared: Arc<Shared>,
    health: Arc<Health>,
}

struct Shared {
    disk: Disk,
    /// Which opening of the disk this is.
    opened: u64,
    queue: Queue,
    state: Mutex<State>,
}

struct State {
    decide: Decide,
    /// Whether a batch is under way, which will see to what waits.
    busy: bool,
}

impl Inline {
    pub(super) fn open(disk: &Disk, decide: Decide) -> Inline {
        let mut platter = disk.lock();
        platter.opened += 1;
        let (opened, health) = (platter.opened, platter.health.clone());
        drop(platter);
        let state = Mutex::new(State { decide, busy: false });
        Inline { shared: Arc::new(Shared { disk: disk.clone(), opened, queue: Queue::default(), state }), health }
    }
}

impl Engine for Inline {
    fn submit(&self, work: Box<dyn Work>, priority: Priority) {
        self.shared.queue.push(work, priority);
        if let Some(first) = self.shared.next_batch() {
            // Not one of the platform's tasks: a crash leaves it with nothing to do.
            tokio::spawn(flush(self.shared.clone(), first));
        }
    }

    fn admits(&self) -> bool {
        self.shared.queue.admits()
    }

    fn read(&self, work: Box<dyn Work>) {
        let Some(mut work) = wanted(work) else { return };
        let outcome = match self.shared.platter() {
            Some(mut platter) => {
                let health = platter.health.clone();
                snapshot(platter.writer.link(), &mut *work, &health)
            }
            None => Err(crashed()),
        };
        work.finish(outcome);
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn health(&self) -> &Health {
        &self.health
    }

    fn close(&self) {
        self.shared.queue.close(DbError::Unavailable("the database is closed".into()));
    }
}

impl Shared {
    /// The disk, while nobody else has opened it.
    fn platter(&self) -> Option<MutexGuard<'_, Platter>> {
        Some(self.disk.lock()).filter(|platter| platter.opened == self.opened)
    }

    /// What the next batch is to be, where something waits and no batch is under way.
    fn next_batch(&self) -> Option<Flush> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = self.queue.len();
        if state.busy || waiting == 0 {
            return None;
        }
        state.busy = true;
        Some((state.decide)(waiting))
    }

    /// Runs one batch; `false` when the disk belongs to another by now.
    fn run(&self, batch: &Flush) -> bool {
        let Some(mut platter) = self.platter() else {
            self.queue.abort(crashed());
            return false;
        };
        let priority = if self.queue.is_empty_of(Priority::Normal) { Priority::Behind } else { Priority::Normal };
        let mut more = |taken| if taken < batch.size.max(1) { self.queue.take_more(priority) } else { None };
        let (answers, ended) = platter.writer.batch(&mut more, batch.fate.clone());
        if let Err(reason) = ended {
            platter.health.raise(reason);
        }
        drop(platter);
        answers.into_iter().for_each(Answer::give);
        self.state.lock().unwrap_or_else(PoisonError::into_inner).busy = false;
        true
    }
}

/// Batch after batch, until nothing waits.
async fn flush(shared: Arc<Shared>, first: Flush) {
    let mut next = Some(first);
    while let Some(batch) = next {
        tokio::time::sleep(batch.after).await;
        if !shared.run(&batch) {
            return;
        }
        next = shared.next_batch();
    }
}

fn memory() -> Result<Connection, DbError> {
    Connection::open_in_memory().map_err(|e| internal(&e))
}

fn copy(from: &Connection, to: &mut Connection) -> Result<(), DbError> {
    let step = Backup::new(from, to).and_then(|backup| backup.step(-1)).map_err(|e| internal(&e))?;
    if step == StepResult::Done { Ok(()) } else { Err(DbError::Internal(format!("a copy in memory ended with {step:?}"))) }
}

fn internal(e: &rusqlite::Error) -> DbError {
    DbError::Internal(e.to_string())
}

fn crashed() -> DbError {
    DbError::Unavailable("this process has crashed".into())
}
