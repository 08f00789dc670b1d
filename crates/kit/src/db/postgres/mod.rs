//! PostgreSQL: threads that own a connection each and take closures from a queue.
//!
//! The synchronous client owns a runtime of its own and must not run on one of ours, so even the first connection
//! is made on a thread.

mod errors;
mod session;
mod values;
mod worker;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use postgres::{Client, Config, NoTls};

use super::health::DeathWatch;
use super::queue::Queue;
use super::{DbError, Dialect, Engine, Gaps, Health, Priority, Work};
use crate::Ids;
use worker::Worker;

/// How long a statement may run, and a transaction may do nothing.
const TIME_MAX_MS: u32 = 5_000;
/// The oldest server whose features are used.
const VERSION_MIN: i32 = 150_000;

pub(super) struct Postgres {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the threads and the handle have in common.
struct Shared {
    config: Config,
    queue: Queue,
    health: Health,
    gaps: Arc<Gaps>,
    /// For the pauses between repeats.
    ids: Ids,
    /// How many threads do work that nobody waits for, and how many may.
    behind: AtomicUsize,
    behind_max: usize,
}

impl Postgres {
    /// Connects to `url` with a budget of `threads` connections; refuses a budget that the server cannot give.
    pub(super) fn open(url: &str, threads: usize) -> Result<Postgres, DbError> {
        let config = configure(url)?;
        let threads = threads.max(1);
        let first = config.clone();
        let checked = std::thread::Builder::new().name("haat-postgres".into()).spawn(move || check(&first, threads));
        let checked = checked.map_err(|e| DbError::Unavailable(format!("a thread does not start: {e}")))?.join();
        checked.unwrap_or_else(|_| Err(DbError::Internal("the first connection panicked".into())))?;
        let shared = Arc::new(Shared {
            config,
            queue: Queue::default(),
            health: Health::default(),
            gaps: Arc::default(),
            ids: Ids::random(),
            behind: AtomicUsize::new(0),
            behind_max: threads.div_ceil(4),
        });
        let postgres = Postgres { shared, threads: Mutex::default() };
        for n in 1..=threads {
            postgres.start(n)?;
        }
        Ok(postgres)
    }

    fn start(&self, n: usize) -> Result<(), DbError> {
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new().name(format!("haat-postgres-{n}")).spawn(move || {
            let watch = DeathWatch(&shared.health);
            work_for_ever(&shared);
            drop(watch);
        });
        let thread = thread.map_err(|e| DbError::Unavailable(format!("a thread does not start: {e}")))?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }
}

impl Engine for Postgres {
    fn submit(&self, work: Box<dyn Work>, priority: Priority) {
        self.shared.queue.push(work, priority);
    }

    fn admits(&self) -> bool {
        self.shared.queue.admits()
    }

    fn read(&self, work: Box<dyn Work>) {
        self.shared.queue.push(work, Priority::Normal);
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn health(&self) -> &Health {
        &self.shared.health
    }

    fn close(&self) {
        self.shared.queue.close(DbError::Unavailable("the database is closed".into()));
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // The last handle may be dropped by a closure, on one of the threads. One that panicked has raised the alarm.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.close();
    }
}

fn work_for_ever(shared: &Shared) {
    let mut worker = Worker::new(shared);
    let may_go_behind = || shared.behind.load(Ordering::Relaxed) < shared.behind_max;
    while let Some(taken) = shared.queue.take(may_go_behind) {
        let behind = taken.priority == Priority::Behind;
        if behind {
            shared.behind.fetch_add(1, Ordering::Relaxed);
        }
        worker.answer(taken.work);
        if behind {
            shared.behind.fetch_sub(1, Ordering::Relaxed);
            shared.queue.nudge();
        }
    }
}

fn configure(url: &str) -> Result<Config, DbError> {
    let mut config: Config = url.parse().map_err(|e| DbError::Unavailable(format!("the address of the database is wrong: {e}")))?;
    let limits = format!("-c statement_timeout={TIME_MAX_MS} -c idle_in_transaction_session_timeout={TIME_MAX_MS}");
    // What the address says comes later, and so goes before.
    let options = config.get_options().map_or_else(|| limits.clone(), |given| format!("{limits} {given}"));
    config.options(&options);
    if config.get_application_name().is_none() {
        config.application_name("haat");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(5));
    }
    // A server that vanished without a word is noticed in half a minute.
    config.keepalives_idle(Duration::from_secs(10)).keepalives_interval(Duration::from_secs(5)).keepalives_retries(3);
    config.tcp_user_timeout(Duration::from_secs(20));
    Ok(config)
}

fn connect(config: &Config) -> Result<Client, DbError> {
    config.connect(NoTls).map_err(|e| DbError::Unavailable(errors::with_causes(&e)))
}

/// Whether the server is new enough and can give `threads` connections.
fn check(config: &Config, threads: usize) -> Result<(), DbError> {
    let mut client = connect(config)?;
    let row = client.query_one(
        "SELECT current_setting('server_version_num')::int4, current_setting('max_connections')::int8, current_setting('superuser_reserved_connections')::int8,
                (SELECT CASE WHEN rolconnlimit < 0 THEN NULL ELSE rolconnlimit END::int8 FROM pg_roles WHERE rolname = current_user),
                (SELECT CASE WHEN datconnlimit < 0 THEN NULL ELSE datconnlimit END::int8 FROM pg_database WHERE datname = current_database())",
        &[],
    );
    let row = row.map_err(|e| errors::of(&e))?;
    let (version, allowed, reserved): (i32, i64, i64) = (row.get(0), row.get(1), row.get(2));
    if version < VERSION_MIN {
        let (found, wanted) = (version / 10_000, VERSION_MIN / 10_000);
        return Err(DbError::Unavailable(format!("PostgreSQL {wanted} or newer is needed, found {found}")));
    }
    let limits = [Some(allowed - reserved), row.get(3), row.get(4)];
    let room = limits.into_iter().flatten().min().unwrap_or(0);
    if room < i64::try_from(threads).unwrap_or(i64::MAX) {
        return Err(DbError::Unavailable(format!(
            "a budget of {threads} connections does not fit: the server gives {room} (max_connections {allowed}, reserved {reserved}); lower the budget or raise max_connections"
        )));
    }
    Ok(())
}
