//! One connection with what is remembered for it, and a closure's view of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indexmap::IndexMap;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, ToSql, params_from_iter};
use tokio::time::Instant;

use super::super::names::Names;
use super::super::{DbError, Dialect, Durability, Gaps, Kind, Row, Session, Value, sql};
use super::authorizer::Scope;
use super::checkpoint::KEPT;
use super::{errors, gather};

/// How long a closure's statements may run together.
pub(super) const CLOSURE_TIME_MAX: Duration = Duration::from_secs(5);
/// Prepared statements kept per connection.
const STATEMENTS_MAX: usize = 256;
/// Rendered texts kept per connection.
const TEXTS_MAX: usize = 2_048;
/// Pages that the writer keeps at most; nobody else writes, so they stay true.
const CACHE_KIB: u32 = 8 * 1024;
/// How long the writer waits for others who lock the file, such as a backup that begins.
pub(super) const BUSY_MS: u64 = 5_000;
/// The limit on time is looked at after so many steps of SQLite's machine.
const STEPS: i32 = 10_000;

/// A connection.
pub(in crate::db) struct Link {
    pub(super) conn: Connection,
    pub(super) scope: Scope,
    pub(super) names: BTreeMap<&'static str, Names>,
    texts: BTreeMap<&'static str, IndexMap<String, Arc<str>>>,
    clock: Limit,
}

/// When the running closure must have ended.
#[derive(Clone)]
struct Limit {
    origin: Instant,
    /// Microseconds after `origin`; 0 for no limit.
    ends: Arc<AtomicU64>,
}

impl Limit {
    fn set(&self, limit: Option<Duration>) {
        let ends = limit.map_or(0, |l| self.micros().saturating_add(u64::try_from(l.as_micros()).unwrap_or(u64::MAX)));
        self.ends.store(ends, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        let ends = self.ends.load(Ordering::Relaxed);
        ends != 0 && self.micros() > ends
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Link {
    /// The one connection that writes `path`; makes the file where there is none.
    pub(super) fn writing(path: &Path, durability: Durability) -> Result<Link, DbError> {
        let opened = gather::open(path, durability).and_then(|conn| {
            conn.execute_batch(&format!(
                "PRAGMA busy_timeout = {BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
                 PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;
                 PRAGMA cache_size = -{CACHE_KIB}; PRAGMA journal_size_limit = {KEPT};",
            ))?;
            // Nothing has been read so far: a lock or a damaged file shows here and not at the first closure.
            conn.execute_batch("BEGIN IMMEDIATE; COMMIT;")?;
            Link::new(conn)
        });
        opened.map_err(|e| errors::opening(path, &e))
    }

    /// A connection that reads `path`.
    pub(super) fn reading(path: &Path) -> Result<Link, DbError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(path, flags).and_then(|conn| {
            conn.execute_batch("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;")?;
            Link::new(conn)
        });
        opened.map_err(|e| errors::opening(path, &e))
    }

    /// Around a connection that is set up already.
    pub(in crate::db) fn new(mut conn: Connection) -> rusqlite::Result<Link> {
        conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        // Plans do not depend on what is bound; otherwise SQLite prepares many statements anew at every run.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let (scope, clock) = (Scope::default(), Limit { origin: Instant::now(), ends: Arc::default() });
        scope.install(&mut conn)?;
        let limit = clock.clone();
        conn.progress_handler(STEPS, Some(move || limit.is_over()))?;
        Ok(Link { conn, scope, names: BTreeMap::new(), texts: BTreeMap::new(), clock })
    }

    /// Begins a transaction that writes.
    pub(super) fn begin(&self) -> rusqlite::Result<()> {
        gather::forget(&self.conn);
        self.own("BEGIN IMMEDIATE")
    }

    /// Runs one of the engine's own statements.
    pub(super) fn own(&self, text: &str) -> rusqlite::Result<()> {
        self.conn.prepare_cached(text)?.execute([]).map(drop)
    }

    /// Opens the connection for one run of a closure; close it with [`Open::end`].
    pub(super) fn open(&mut self, service: &'static str, kind: Kind) -> Open<'_> {
        self.scope.enter(service, kind);
        self.clock.set((kind != Kind::Migrate).then_some(CLOSURE_TIME_MAX));
        if kind == Kind::Migrate {
            self.names.clear();
        }
        Open { link: self, service, kind, done: Done::default() }
    }

    /// The text as SQLite takes it, marked with the service: the authorizer is asked when a statement is prepared,
    /// so a statement that one service has prepared must not serve another.
    fn text(&mut self, service: &'static str, given: &str) -> Arc<str> {
        let texts = self.texts.entry(service).or_default();
        if let Some(text) = texts.get(given) {
            return text.clone();
        }
        if texts.len() >= TEXTS_MAX {
            texts.clear();
        }
        let text: Arc<str> = format!("/*{service}*/ {}", sql::render(Dialect::Sqlite, service, given)).into();
        texts.insert(given.to_owned(), text.clone());
        text
    }
}

/// What a run has done.
#[derive(Default)]
pub(super) struct Done {
    pub(super) statements: u64,
    pub(super) wrote: bool,
    /// The transaction ended under a statement, with this error; SQLite has rolled all of it back.
    pub(super) gone: Option<DbError>,
}

/// A connection during one run of a closure.
pub(super) struct Open<'a> {
    link: &'a mut Link,
    service: &'static str,
    kind: Kind,
    done: Done,
}

impl Open<'_> {
    /// Ends the run.
    pub(super) fn end(self) -> Done {
        self.link.scope.leave();
        self.link.clock.set(None);
        self.done
    }

    /// `f` answers with what it found and whether that is a change.
    fn run<T>(&mut self, given: &str, f: impl FnOnce(&mut CachedStatement<'_>) -> rusqlite::Result<(T, bool)>) -> Result<T, DbError> {
        if let Some(e) = &self.done.gone {
            return Err(e.clone());
        }
        if self.link.clock.is_over() {
            return Err(DbError::TimedOut);
        }
        let text = self.link.text(self.service, given);
        self.done.statements += 1;
        let answer = self.link.conn.prepare_cached(&text).and_then(|mut statement| {
            let (answer, changed) = f(&mut statement)?;
            self.done.wrote |= changed && !statement.readonly();
            if self.kind == Kind::Migrate {
                statement.discard();
            }
            Ok(answer)
        });
        // A savepoint does not hold everything: a full disk, an interrupt or ON CONFLICT ROLLBACK end the transaction.
        let gone = self.link.conn.is_autocommit();
        let answer = answer.map_err(|e| errors::of_statement(self.link, self.service, &text, &e));
        if gone {
            let reason = answer.as_ref().err().cloned().unwrap_or_else(|| DbError::Internal(format!("it ends the transaction: {text}")));
            self.done.gone = Some(reason.clone());
            return Err(reason);
        }
        answer
    }
}

impl Session for Open<'_> {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DbError> {
        self.run(sql, |statement| {
            let changed = statement.execute(params_from_iter(params))? as u64;
            Ok((changed, changed > 0))
        })
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DbError> {
        self.run(sql, |statement| {
            let columns = statement.column_count();
            let mut rows = statement.query(params_from_iter(params))?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                out.push(Row((0..columns).map(|i| row.get_ref(i).map(column)).collect::<Result<_, _>>()?));
            }
            let found = !out.is_empty();
            Ok((out, found))
        })
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn lock_clause(&self) -> &'static str {
        ""
    }

    fn gaps(&self) -> Option<Arc<Gaps>> {
        None
    }
}

fn column(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(v) => Value::Int(v),
        ValueRef::Real(v) => Value::Real(v),
        // To check it as a whole is several times faster than to look for what is not UTF-8, which is not there.
        ValueRef::Text(v) => Value::Text(String::from_utf8(v.to_vec()).unwrap_or_else(|_| String::from_utf8_lossy(v).into_owned())),
        ValueRef::Blob(v) => Value::Bytes(v.to_vec()),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Int(v) => ToSqlOutput::Borrowed(ValueRef::Integer(*v)),
            Value::Real(v) => ToSqlOutput::Borrowed(ValueRef::Real(*v)),
            Value::Bool(v) => ToSqlOutput::Borrowed(ValueRef::Integer((*v).into())),
            Value::Text(v) => ToSqlOutput::Borrowed(ValueRef::Text(v.as_bytes())),
            Value::Bytes(v) => ToSqlOutput::Borrowed(ValueRef::Blob(v)),
            Value::Uuid(v) => ToSqlOutput::Borrowed(ValueRef::Blob(v.as_bytes())),
            Value::Time(v) => ToSqlOutput::Borrowed(ValueRef::Integer(v.0)),
            Value::Json(v) => ToSqlOutput::Owned(rusqlite::types::Value::Text(v.to_string())),
        })
    }
}
