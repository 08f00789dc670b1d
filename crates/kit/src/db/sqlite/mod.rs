//! The embedded engine: one file, one writing connection on a thread of its own, readers beside it, checkpoints on
//! a third. One process at a time.

mod answers;
mod authorizer;
mod checkpoint;
mod errors;
mod file;
mod gather;
mod lock;
mod readers;
mod session;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::time::Instant;

use super::health::DeathWatch;
use super::queue::Queue;
use super::{DbError, Dialect, Durability, Engine, Health, Priority, Work};
use answers::Answers;
use checkpoint::Maintenance;
use readers::Readers;

pub use file::{DatabaseFile, put_in_place};
pub(super) use readers::snapshot;
pub(super) use session::Link;
pub use writer::Fate;
pub(super) use writer::{Answer, Writer};

/// A batch is committed after so many closures,
const BATCH_MAX: usize = 256;
/// or after this time since it began.
const BATCH_TIME_MAX: Duration = Duration::from_millis(5);

pub(super) struct Sqlite {
    shared: Arc<Shared>,
    readers: Readers,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// The lock on the file, which the writer holds too.
    lock: Mutex<Option<Arc<File>>>,
}

/// What the threads and the handle have in common.
struct Shared {
    path: PathBuf,
    queue: Queue,
    health: Arc<Health>,
    maintenance: Maintenance,
}

impl Sqlite {
    pub(super) fn open(path: &Path, durability: Durability) -> Result<Sqlite, DbError> {
        let lock = Arc::new(lock::take(path)?);
        // What SQLite makes beside it may be read by the same.
        lock::private(path).map_err(|e| DbError::Unavailable(format!("{} cannot be opened: {e}", path.display())))?;
        let mut link = Link::writing(path, durability)?;
        let health = Arc::new(Health::default());
        let maintenance = Maintenance::watch(&mut link)?;
        let shared = Arc::new(Shared { path: path.to_owned(), queue: Queue::default(), health: health.clone(), maintenance });
        let readers = Readers::new(path, health.clone());
        let held = Mutex::new(Some(lock.clone()));
        let sqlite = Sqlite { shared: shared.clone(), readers, threads: Mutex::default(), lock: held };
        let (writer, answers) = (Writer::new(link, health), Answers::start(shared.clone()));
        sqlite.start("haat-writer", move || {
            write_for_ever(&shared, writer, &answers);
            drop(lock);
        })?;
        let shared = sqlite.shared.clone();
        let watched = sqlite.readers.watch();
        sqlite.start("haat-checkpoint", move || checkpoint::run(&shared, &watched))?;
        Ok(sqlite)
    }

    fn start(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), DbError> {
        let health = self.shared.health.clone();
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || {
            let watch = DeathWatch(&health);
            work();
            drop(watch);
        });
        let thread = thread.map_err(|e| DbError::Unavailable(format!("the thread {name} does not start: {e}")))?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }
}

impl Engine for Sqlite {
    fn submit(&self, work: Box<dyn Work>, priority: Priority) {
        self.shared.queue.push(work, priority);
    }

    fn admits(&self) -> bool {
        self.shared.queue.admits()
    }

    fn read(&self, work: Box<dyn Work>) {
        self.readers.read(work);
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn health(&self) -> &Health {
        &self.shared.health
    }

    fn room_bytes(&self) -> Option<u64> {
        let system = rustix::fs::statvfs(&self.shared.path).ok()?;
        Some(system.f_bavail.saturating_mul(system.f_frsize))
    }

    fn close(&self) {
        self.shared.queue.close(DbError::Unavailable("the database is closed".into()));
        self.shared.maintenance.stop();
        self.readers.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // The last handle may be dropped by a closure, on the writer itself. A thread that panicked has raised the alarm.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.close();
    }
}

fn write_for_ever(shared: &Shared, mut writer: Writer, answers: &Answers) {
    while let Some(first) = shared.queue.take(|| true) {
        let (mut next, priority) = (Some(first.work), first.priority);
        let began = Instant::now();
        let mut more = |taken: usize| {
            if let Some(work) = next.take() {
                return Some(work);
            }
            let room = taken < BATCH_MAX && began.elapsed() < BATCH_TIME_MAX;
            if room { shared.queue.take_more(priority) } else { None }
        };
        let (settled, ended) = writer.batch(&mut more, Fate::Durable);
        if let Err(reason) = ended {
            shared.health.raise(reason);
            settled.into_iter().for_each(Answer::give);
            shared.queue.abort(DbError::Unavailable("the database has stopped".into()));
            return;
        }
        answers.give(settled);
        shared.maintenance.committed();
        shared.maintenance.begin_anew(writer.connection());
    }
}
