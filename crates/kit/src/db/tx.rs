//! What a closure sees.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use contracts::{Event, Metadata, Time};
use uuid::Uuid;

use super::beside;
use super::position::Gaps;
use super::{DbError, Dialect, Row, Session, Value};
use crate::events::Table;
use crate::trace::{Pending as PendingSpan, Span};
use crate::{Context, Ids};

/// A consistent view of the service's own tables.
pub struct Query<'a> {
    session: &'a mut dyn Session,
    service: &'static str,
    failed: Option<DbError>,
    /// These tables stand for those beside them.
    beside: &'static [Table],
}

impl Query<'_> {
    /// All rows. `$1`, `$2`, … are the parameters; every table is named with its schema.
    pub fn rows(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DbError> {
        self.guard()?;
        let answer = self.session.query(&beside::named(sql, self.service, self.beside), params);
        self.note(answer)
    }

    /// The first row, if there is one.
    pub fn row(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>, DbError> {
        Ok(self.rows(sql, params)?.into_iter().next())
    }

    /// Put behind a SELECT whose rows must not change until the end of the transaction: ` FOR UPDATE` or nothing.
    pub fn lock_clause(&self) -> &'static str {
        self.session.lock_clause()
    }

    /// Which SQL it speaks.
    pub(crate) fn dialect(&self) -> Dialect {
        self.session.dialect()
    }

    /// What is known of missing positions, where positions are not in commit order.
    pub(crate) fn gaps(&self) -> Option<Arc<Gaps>> {
        self.session.gaps()
    }

    /// The service whose tables these are.
    pub fn service(&self) -> &'static str {
        self.service
    }

    fn guard(&self) -> Result<(), DbError> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn note<T>(&mut self, answer: Result<T, DbError>) -> Result<T, DbError> {
        if let Err(e) = &answer {
            self.failed = Some(e.clone());
        }
        answer
    }
}

/// An open transaction. It is dead after its first database error, whatever the closure does with that error.
pub struct Tx<'a> {
    query: Query<'a>,
    draw: Draw,
    drawn: u32,
    bus: bus::Local,
    metadata: Metadata,
    events: Vec<Pending>,
    after: Vec<AfterCommit>,
}

/// What a closure wants done once it is durable.
pub(super) type AfterCommit = Box<dyn FnOnce() + Send>;

/// An event that waits for the end of its closure.
pub(crate) struct Pending {
    pub id: Uuid,
    pub stream: Uuid,
    /// `None`: the next one, whatever it is.
    pub version: Option<i64>,
    pub kind: &'static str,
    pub schema_version: i64,
    /// JSON text.
    pub data: String,
    /// Who and what caused it.
    pub metadata: Metadata,
}

/// What was drawn once for all runs of a closure.
#[derive(Clone, Copy)]
pub(crate) struct Draw {
    now: Time,
    seed: u64,
}

impl Draw {
    pub(super) fn new(now: Time, ids: &Ids) -> Draw {
        Draw { now, seed: ids.bits() }
    }
}

impl<'a> Tx<'a> {
    pub(super) fn new(session: &'a mut dyn Session, service: &'static str, draw: Draw, context: &Context, bus: &bus::Local) -> Tx<'a> {
        let query = Query { session, service, failed: None, beside: &[] };
        Tx { query, draw, drawn: 0, bus: bus.clone(), metadata: context.metadata(), events: Vec::new(), after: Vec::new() }
    }

    /// The moment that was drawn for this closure; the same in every run.
    pub fn now(&self) -> Time {
        self.draw.now
    }

    /// A new id; the n-th is the same in every run, and later ones sort after earlier ones.
    pub fn id(&mut self) -> Uuid {
        self.drawn += 1;
        let random = splitmix(self.draw.seed ^ u64::from(self.drawn).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        crate::clock::uuid_at(self.draw.now, u128::from(self.drawn & 0xfff) << 64 | u128::from(random))
    }

    /// Runs a statement and counts the rows it changed.
    pub fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DbError> {
        self.query.guard()?;
        let answer = self.query.session.execute(&beside::named(sql, self.query.service, self.query.beside), params);
        self.query.note(answer)
    }

    /// What `f` says of `tables` is said of those beside them, `<name>_next`.
    pub(crate) fn beside<T>(&mut self, tables: &'static [Table], f: impl FnOnce(&mut Tx) -> T) -> T {
        let before = std::mem::replace(&mut self.query.beside, tables);
        let answer = f(self);
        self.query.beside = before;
        answer
    }

    /// Waits until nobody else writes these tables, and keeps it so until the end of the transaction; readers go on.
    /// Nothing to do where only one writes at a time.
    pub(crate) fn lock_tables(&mut self, tables: &str) -> Result<(), DbError> {
        match self.dialect() {
            Dialect::Sqlite => Ok(()),
            Dialect::Postgres => self.execute(&format!("LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"), &[]).map(drop),
        }
    }

    /// Tells the others what happened. Written, in order, as the last statements of the transaction;
    /// its stream is the event's subject, its sequence the next one there.
    pub fn publish<E: Event>(&mut self, event: E) -> Result<(), DbError> {
        let data = serde_json::to_string(&event).map_err(|e| DbError::Internal(e.to_string()))?;
        let id = self.id();
        self.push(Pending {
            id,
            stream: event.subject(),
            version: None,
            kind: E::TYPE,
            schema_version: E::VERSION,
            data,
            metadata: self.metadata(),
        });
        Ok(())
    }

    /// Does something once the transaction is durable: wake a task, drop a cache entry, count.
    pub fn after_commit(&mut self, f: impl FnOnce() + Send + 'static) {
        self.after.push(Box::new(f));
    }

    /// Records `span` where the transaction is committed; it ends then.
    pub fn trace(&mut self, span: Span) {
        if span.is_recorded() {
            let pending = PendingSpan::new(span);
            self.after_commit(move || pending.end());
        }
    }

    /// Does `work` in another place of the traces: what it writes is said to have been caused there.
    pub(crate) fn at<T>(&mut self, traceparent: Option<String>, work: impl FnOnce(&mut Tx) -> T) -> T {
        let before = std::mem::replace(&mut self.metadata.traceparent, traceparent);
        let answer = work(self);
        self.metadata.traceparent = before;
        answer
    }

    /// Wakes the service's job runner after the commit.
    pub(crate) fn wake_jobs(&mut self) {
        let (bus, service) = (self.bus.clone(), self.query.service);
        self.after_commit(move || bus.wake_jobs(service));
    }

    /// Marks the transaction as one that lost a race; it is undone and run again.
    pub fn lost_race(&mut self) -> DbError {
        self.query.failed = Some(DbError::Conflict);
        DbError::Conflict
    }

    /// What is written from here on is caused by `context`, in place of the caller's.
    pub fn act_for(&mut self, context: &Context) {
        self.metadata = context.metadata();
    }

    /// Who and what causes the work in hand.
    pub(crate) fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    pub(crate) fn push(&mut self, event: Pending) {
        self.events.push(event);
    }

    pub(super) fn write_events(&mut self) -> Result<(), DbError> {
        let events = std::mem::take(&mut self.events);
        if events.is_empty() {
            return Ok(());
        }
        let written = crate::events::write(self, &events);
        self.events = events;
        written
    }

    /// What failed, the types and streams of the events that were written, and what to do after the commit.
    pub(super) fn into_parts(self) -> (Option<DbError>, Vec<(&'static str, Uuid)>, Vec<AfterCommit>) {
        (self.query.failed, self.events.iter().map(|e| (e.kind, e.stream)).collect(), self.after)
    }
}

impl<'a> Deref for Tx<'a> {
    type Target = Query<'a>;
    fn deref(&self) -> &Query<'a> {
        &self.query
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.query
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): spreads one drawn seed over the ids of a closure.
fn splitmix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
