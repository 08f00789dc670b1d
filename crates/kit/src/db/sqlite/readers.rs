//! Reading connections: opened when needed, bounded, used on the caller's own thread.
//!
//! A short read costs less than the hop to another thread, so it runs where it is asked for. A closure whose last
//! run was long is run by a reader thread instead, and the caller's thread goes on with other tasks meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::time::Instant;

use super::super::counts::ServiceCounts;
use super::super::queue::{Queue, wanted};
use super::super::{Kind, Priority, Ran};
use super::session::CLOSURE_TIME_MAX;
use super::{DbError, Health, Link, Work};

/// Reading connections at most.
const LINKS_MAX: usize = 16;
/// Threads for long reads.
const THREADS: usize = 2;
/// From this a read is long.
const LONG: Duration = Duration::from_millis(20);

pub(super) struct Readers {
    pool: Arc<Pool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Pool {
    path: PathBuf,
    health: Arc<Health>,
    state: Mutex<State>,
    freed: Condvar,
    long: Mutex<BTreeSet<Place>>,
    queue: Queue,
}

type Place = (&'static str, u32, u32);

#[derive(Default)]
struct State {
    idle: Vec<Link>,
    open: usize,
    /// When the running reads began.
    running: BTreeMap<u64, Instant>,
    next: u64,
    closed: bool,
}

/// For the metrics: how long the oldest read has been running.
pub(super) struct Watched(Arc<Pool>);

impl Watched {
    pub(super) fn oldest(&self) -> Duration {
        self.0.lock().running.values().min().map(Instant::elapsed).unwrap_or_default()
    }
}

impl Readers {
    pub(super) fn new(path: &Path, health: Arc<Health>) -> Readers {
        let pool = Pool {
            path: path.to_owned(),
            health,
            state: Mutex::default(),
            freed: Condvar::new(),
            long: Mutex::default(),
            queue: Queue::default(),
        };
        Readers { pool: Arc::new(pool), threads: Mutex::default() }
    }

    pub(super) fn watch(&self) -> Watched {
        Watched(self.pool.clone())
    }

    pub(super) fn read(&self, work: Box<dyn Work>) {
        if !self.pool.long().contains(&place(work.name())) {
            return self.pool.run(work);
        }
        match self.start_threads() {
            Ok(()) => self.pool.queue.push(work, Priority::Normal),
            Err(e) => work.finish(Err(e)),
        }
    }

    pub(super) fn close(&self) {
        self.pool.queue.close(closed());
        for thread in std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner)) {
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
        let mut state = self.pool.lock();
        state.closed = true;
        state.idle.clear();
    }

    fn start_threads(&self) -> Result<(), DbError> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        while threads.len() < THREADS {
            let pool = self.pool.clone();
            let started = std::thread::Builder::new().name(format!("haat-reader-{}", threads.len() + 1)).spawn(move || {
                while let Some(taken) = pool.queue.take(|| false) {
                    pool.run(taken.work);
                }
            });
            threads.push(started.map_err(|e| DbError::Unavailable(format!("a reader does not start: {e}")))?);
        }
        Ok(())
    }
}

impl Pool {
    fn run(&self, work: Box<dyn Work>) {
        let Some(mut work) = wanted(work) else { return };
        if self.health.raised().is_some() {
            return work.finish(Err(DbError::Unavailable("the database has stopped".into())));
        }
        let (mut link, serial, began) = match self.take() {
            Ok(taken) => taken,
            Err(e) => return work.finish(Err(e)),
        };
        let outcome = snapshot(&mut link, &mut *work, &self.health);
        let sound = link.conn.is_autocommit();
        self.give_back(sound.then_some(link), serial);
        self.note(place(work.name()), began.elapsed() > LONG);
        work.finish(outcome);
    }

    fn take(&self) -> Result<(Link, u64, Instant), DbError> {
        let mut state = self.lock();
        let link = loop {
            if state.closed {
                return Err(closed());
            }
            if let Some(link) = state.idle.pop() {
                break Some(link);
            }
            if state.open < LINKS_MAX {
                state.open += 1;
                break None;
            }
            let (back, waited) = self.freed.wait_timeout(state, CLOSURE_TIME_MAX).unwrap_or_else(PoisonError::into_inner);
            state = back;
            if waited.timed_out() && state.idle.is_empty() {
                return Err(DbError::Overloaded);
            }
        };
        let (serial, began) = (state.next, Instant::now());
        state.next += 1;
        state.running.insert(serial, began);
        drop(state);
        match link.map_or_else(|| Link::reading(&self.path), Ok) {
            Ok(link) => Ok((link, serial, began)),
            Err(e) => {
                self.give_back(None, serial);
                Err(e)
            }
        }
    }

    fn give_back(&self, link: Option<Link>, serial: u64) {
        let mut state = self.lock();
        state.running.remove(&serial);
        match link {
            Some(link) if !state.closed => state.idle.push(link),
            _ => state.open -= 1,
        }
        drop(state);
        self.freed.notify_one();
    }

    fn note(&self, place: Place, long: bool) {
        let mut all = self.long();
        if long {
            all.insert(place);
        } else {
            all.remove(&place);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn long(&self) -> MutexGuard<'_, BTreeSet<Place>> {
        self.long.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a reading closure on one snapshot of `link`.
pub(in crate::db) fn snapshot(link: &mut Link, work: &mut dyn Work, health: &Health) -> Result<(), DbError> {
    let service = work.service();
    if let Err(e) = link.own("BEGIN") {
        return Err(DbError::Unavailable(e.to_string()));
    }
    let mut open = link.open(service, Kind::Read);
    let ran = work.run(&mut open);
    let done = open.end();
    let ended = link.own("COMMIT");
    let failed = matches!(ran, Ran::Failed(_));
    let read_statements = done.statements;
    let counts = ServiceCounts { reads: 1, statements: read_statements, read_statements, failures: failed.into(), ..Default::default() };
    health.counters.add(service, counts);
    match ran {
        Ran::Failed(e) => Err(e),
        Ran::Commit | Ran::Refused => ended.map_err(|e| DbError::Unavailable(e.to_string())),
    }
}

fn place(name: &'static Location<'static>) -> Place {
    (name.file(), name.line(), name.column())
}

fn closed() -> DbError {
    DbError::Unavailable("the database is closed".into())
}
