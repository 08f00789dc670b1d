//! Transactions as plain functions, on SQLite and PostgreSQL alike.
//!
//! A closure given to [`Db::write`] is ordinary synchronous code and **may be run again**: it draws nothing itself
//! (time and ids come from the [`Tx`]), touches nothing but the database, and reports what should happen after the
//! commit through [`Tx::after_commit`]. In return no transaction can wait for the network, SQLite flushes once for
//! many transactions, PostgreSQL conflicts are repeated, and all of it can be simulated on one thread.

mod beside;
mod counts;
mod error;
mod health;
mod inline;
mod migrate;
mod names;
mod position;
mod postgres;
mod queue;
mod sql;
mod sqlite;
mod tx;
mod value;
mod work;

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

pub use counts::{Counts, ServiceCounts};
pub use error::DbError;
pub use inline::{Disk, Flush, Image};
pub use migrate::{MigrateError, Migration, known_only, migrate, pending};
pub use names::constraint_names;
pub use sqlite::{DatabaseFile, Fate, put_in_place};
pub use tx::{Query, Tx};
pub use value::{FromValue, Row, Value};
pub use work::Priority;

pub(crate) use health::Health;
pub(crate) use position::{Gaps, XMIN, safe_run};
pub(crate) use tx::Pending;
pub(crate) use work::{Kind, Ran, Session, Work, panic_text};

use crate::{Clock, Ids};

/// A database with one writer thread, a pool of connections, or neither.
pub(crate) trait Engine: Send + Sync {
    /// Queues a unit of work; it is answered by itself.
    fn submit(&self, work: Box<dyn Work>, priority: Priority);
    /// Whether there is room for something new.
    fn admits(&self) -> bool;
    /// Runs a read on a consistent snapshot; it is answered by itself.
    fn read(&self, work: Box<dyn Work>);
    /// Which SQL it speaks.
    fn dialect(&self) -> Dialect;
    /// Its counts, and whether it can go on.
    fn health(&self) -> &Health;
    /// How many bytes there is room for where it stores; `None` where that is somebody else's to know.
    fn room_bytes(&self) -> Option<u64> {
        None
    }
    /// Takes nothing more, finishes what waits, and lets go of the database.
    fn close(&self);
}

/// The two languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// One file; `orders.lines` becomes `orders_lines`.
    Sqlite,
    /// Schemas; statements are taken as written.
    Postgres,
}

/// What an acknowledged transaction outlives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The machine: it was flushed.
    Machine,
    /// The process: it was handed to the operating system.
    Process,
}

/// An open database, before it is handed to services.
#[derive(Clone)]
pub struct Database {
    engine: Arc<dyn Engine>,
}

impl Database {
    /// Opens, or makes, the SQLite file `path`. One process at a time. Opened on a runtime, it answers there, and
    /// on a thread of its own once that has ended.
    pub fn sqlite(path: &std::path::Path) -> Result<Database, DbError> {
        Ok(Database { engine: Arc::new(sqlite::Sqlite::open(path, Durability::Machine)?) })
    }

    /// As [`Database::sqlite`], faster: what was acknowledged outlives this process, but perhaps not the machine, which
    /// then finds an earlier state. For filling a file with what can be made anew.
    pub fn sqlite_to_fill(path: &std::path::Path) -> Result<Database, DbError> {
        Ok(Database { engine: Arc::new(sqlite::Sqlite::open(path, Durability::Process)?) })
    }

    /// Connects to PostgreSQL with a budget of `connections`, shared by all services that use this database.
    pub fn postgres(url: &str, connections: usize) -> Result<Database, DbError> {
        Ok(Database { engine: Arc::new(postgres::Postgres::open(url, connections)?) })
    }

    /// Opens `disk` without threads, for one-threaded runs in virtual time. `decide` is told how many closures
    /// wait whenever a batch begins, and says what becomes of it. A database that had the disk before has crashed.
    pub fn inline(disk: &Disk, decide: impl FnMut(usize) -> Flush + Send + 'static) -> Database {
        Database { engine: Arc::new(inline::Inline::open(disk, Box::new(decide))) }
    }

    /// Which engine it is.
    pub fn dialect(&self) -> Dialect {
        self.engine.dialect()
    }

    /// What it has done since it was opened.
    pub fn counts(&self) -> Counts {
        self.engine.health().counters.snapshot()
    }

    /// Ends when the database cannot go on (a commit whose outcome is unknown, a thread that died), with the
    /// reason. The process must then stop: what was not acknowledged may or may not have happened.
    pub async fn fatal(&self) -> String {
        self.engine.health().fatal().await
    }

    /// Takes nothing more, finishes what waits, and lets go of the files and connections, so that they can be opened
    /// again though somebody still holds a [`Db`]. Waits for the threads: not for a busy runtime's thread.
    pub fn close(&self) {
        self.engine.close();
    }

    /// A service's own view of it, where no platform runs: nobody is told of what is written.
    pub fn view(&self, service: &'static str) -> Db {
        self.for_service(service, Clock::system(), Ids::random(), bus::Local::new())
    }

    /// A service's own view of it.
    pub fn for_service(&self, service: &'static str, clock: Clock, ids: Ids, bus: bus::Local) -> Db {
        Db { engine: self.engine.clone(), service, clock, ids, bus }
    }
}

/// One service's database. It reaches the service's own schema and no other.
#[derive(Clone)]
pub struct Db {
    engine: Arc<dyn Engine>,
    service: &'static str,
    clock: Clock,
    ids: Ids,
    bus: bus::Local,
}

impl Db {
    /// Runs `f` in a transaction and answers after it is durable. A refusal (`Err`) rolls back, and is answered
    /// after the flush too: it may rest on what another closure wrote. `f` may run several times.
    #[track_caller]
    pub fn write<T, E, F>(&self, f: F) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.submit(Location::caller(), f, Priority::Normal, Kind::Write)
    }

    /// As [`Db::write`], behind everything else: for imports, rebuilds and clean-up, in chunks of at most 500 rows.
    #[track_caller]
    pub fn write_behind<T, E, F>(&self, f: F) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.submit(Location::caller(), f, Priority::Behind, Kind::Write)
    }

    fn submit<T, E, F>(
        &self,
        name: &'static Location<'static>,
        f: F,
        priority: Priority,
        kind: Kind,
    ) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (work, answer) = work::unit(self, name, kind, f);
        self.engine.submit(work, priority);
        async move { answer.await.unwrap_or_else(|_| Err(DbError::Unknown("the database thread is gone".into()).into())) }
    }

    /// As [`Db::write`], for changes of the schema.
    #[track_caller]
    fn migrate<T, E, F>(&self, f: F) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.submit(Location::caller(), f, Priority::Normal, Kind::Migrate)
    }

    /// Runs `f` on one consistent snapshot that contains every write acknowledged in this process.
    #[track_caller]
    pub fn read<T, E, F>(&self, f: F) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        F: Fn(&mut Query) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (work, answer) = work::read(self, Location::caller(), f);
        self.engine.read(work);
        async move { answer.await.unwrap_or_else(|_| Err(DbError::Unavailable("the database thread is gone".into()).into())) }
    }

    /// As [`Db::read`], but a replica may answer: for public lists only.
    #[track_caller]
    pub fn read_stale<T, E, F>(&self, f: F) -> impl Future<Output = Result<T, E>> + Send + use<T, E, F>
    where
        F: Fn(&mut Query) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.read(f)
    }

    /// Whether something new may begin, such as a cart: [`DbError::Overloaded`] while what was begun waits too long. What
    /// was begun does not ask; it is done.
    pub fn admit(&self) -> Result<(), DbError> {
        if self.engine.admits() {
            return Ok(());
        }
        metrics::counter!("haat_db_overloaded_total").increment(1);
        Err(DbError::Overloaded)
    }

    /// Whether the database answers.
    pub async fn answers(&self) -> Result<(), DbError> {
        self.read(|q| q.row("SELECT 1", &[]).map(drop)).await
    }

    /// Sees what is committed to a stream in this process; others may write it too.
    pub fn watch(&self, stream: uuid::Uuid) -> bus::StreamWatch {
        self.bus.watch_stream(stream)
    }

    /// How many bytes there is room for where the database stores; `None` where it stores elsewhere, or cannot say.
    pub fn room_bytes(&self) -> Option<u64> {
        self.engine.room_bytes()
    }

    /// The service it belongs to.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Which engine it is.
    pub fn dialect(&self) -> Dialect {
        self.engine.dialect()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn ids(&self) -> &Ids {
        &self.ids
    }

    pub(crate) fn bus(&self) -> &bus::Local {
        &self.bus
    }
}

/// `$from, $from+1, …` for `count` parameters: the inside of an `IN (…)`.
pub fn placeholders(from: usize, count: usize) -> String {
    (from..from + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

/// `($1, $2), ($3, $4), …`: the rows of a `VALUES` list with `columns` columns.
pub fn value_rows(rows: usize, columns: usize) -> String {
    (0..rows).map(|row| format!("({})", placeholders(row * columns + 1, columns))).collect::<Vec<_>>().join(", ")
}

/// Rows in portions, each for one statement: of few different sizes, since a statement is prepared once for each size
/// and kept, and of at most 32, for both engines' limits.
pub fn portions<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut left = rows;
    std::iter::from_fn(move || {
        let size = match left.len() {
            0 => return None,
            1..8 => left.len(),
            8..32 => 8,
            _ => 32,
        };
        let (portion, rest) = left.split_at(size);
        left = rest;
        Some(portion)
    })
}

#[cfg(test)]
mod tests {
    use super::portions;

    #[test]
    fn portions_hold_every_row_once_and_come_in_few_sizes() {
        for count in 0..200 {
            let rows: Vec<usize> = (0..count).collect();
            assert_eq!(portions(&rows).flatten().copied().collect::<Vec<_>>(), rows);
            assert!(portions(&rows).all(|p| (1..=8).contains(&p.len()) || p.len() == 32), "{count}");
        }
    }
}
