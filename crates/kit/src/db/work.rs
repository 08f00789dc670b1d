//! A closure with everything that was drawn for it, made the same for every engine.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::position::Gaps;
use super::tx::{Draw, Query, Tx};
use super::{Db, DbError, Dialect, Row, Value};
use crate::trace::{self, Span};
use crate::{Clock, Context, context};

/// One open transaction of an engine.
pub(crate) trait Session {
    /// Runs a statement and counts the rows it changed.
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DbError>;
    /// Runs a statement and returns its rows.
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DbError>;
    /// What holds the rows of a SELECT until the end of the transaction; nothing where only one writes at a time.
    fn lock_clause(&self) -> &'static str;
    /// Which SQL it speaks.
    fn dialect(&self) -> Dialect;
    /// What is known of missing positions, where positions are not in commit order.
    fn gaps(&self) -> Option<Arc<Gaps>>;
}

/// What a closure is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It reads one snapshot.
    Read,
    /// It reads and writes rows.
    Write,
    /// It changes the schema.
    Migrate,
}

/// Which queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Somebody waits.
    Normal,
    /// Nobody waits.
    Behind,
}

/// How one run of a closure ended.
#[derive(Debug)]
pub(crate) enum Ran {
    /// Keep what it wrote.
    Commit,
    /// The closure said no: undo what it wrote, then answer.
    Refused,
    /// The database said no: undo, and perhaps run it again.
    Failed(DbError),
}

/// A closure that an engine can run, again if need be, and answer once.
pub(crate) trait Work: Send {
    /// Whose it is; only this schema may be touched.
    fn service(&self) -> &'static str;
    /// Where in the source it was written, for the log.
    fn name(&self) -> &'static Location<'static>;
    /// What it is run for.
    fn kind(&self) -> Kind;
    /// Whether the caller's deadline has passed; work that has not begun is then refused.
    fn is_expired(&self) -> bool;
    /// Whether the caller has gone away; work that has not begun is then skipped.
    fn is_abandoned(&self) -> bool;
    /// Runs the closure once. Panics are caught and become `Failed(Internal)`.
    fn run(&mut self, session: &mut dyn Session) -> Ran;
    /// Answers: `Ok` after the flush, else with why nothing is known to have happened.
    fn finish(self: Box<Self>, outcome: Result<(), DbError>);
}

struct Unit<T, E, F> {
    service: &'static str,
    name: &'static Location<'static>,
    kind: Kind,
    context: Context,
    clock: Clock,
    draw: Draw,
    bus: bus::Local,
    f: F,
    result: Option<Result<T, E>>,
    /// What the last run failed with, and with it the closure's own error where it returned one.
    failed: Option<DbError>,
    after: Vec<Box<dyn FnOnce() + Send>>,
    answer: oneshot::Sender<Result<T, E>>,
    /// From when it was handed in until it is answered.
    span: Span,
    runs: i64,
}

/// A closure as work, and where its answer arrives.
pub(super) fn unit<T, E, F>(db: &Db, name: &'static Location<'static>, kind: Kind, f: F) -> (Box<dyn Work>, oneshot::Receiver<Result<T, E>>)
where
    F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let (answer, receiver) = oneshot::channel();
    let (service, clock, bus) = (db.service(), db.clock().clone(), db.bus().clone());
    let draw = Draw::new(clock.now(), db.ids());
    let span = trace::db::transaction(db, name, kind);
    let context = span.within(Context::current());
    let (result, failed, after, runs) = (None, None, Vec::new(), 0);
    (Box::new(Unit { service, name, kind, context, clock, draw, bus, f, result, failed, after, answer, span, runs }), receiver)
}

/// As [`unit`], for a closure that only reads.
pub(super) fn read<T, E, F>(db: &Db, name: &'static Location<'static>, f: F) -> (Box<dyn Work>, oneshot::Receiver<Result<T, E>>)
where
    F: Fn(&mut Query) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    unit(db, name, Kind::Read, move |tx: &mut Tx| f(tx))
}

impl<T, E, F> Work for Unit<T, E, F>
where
    F: Fn(&mut Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    fn service(&self) -> &'static str {
        self.service
    }

    fn name(&self) -> &'static Location<'static> {
        self.name
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn is_expired(&self) -> bool {
        self.context.deadline.is_some_and(|deadline| deadline < self.clock.now())
    }

    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(&mut self, session: &mut dyn Session) -> Ran {
        self.runs += 1;
        let mut tx = Tx::new(session, self.service, self.draw, &self.context, &self.bus);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let result = (self.f)(&mut tx);
            if result.is_ok() {
                tx.write_events()?;
            }
            Ok(result)
        }));
        let (failed, published, after) = tx.into_parts();
        (self.result, self.failed, self.after) = (None, None, Vec::new());
        match (outcome, failed) {
            (Err(panic), _) => {
                let reason = format!("panic in {}: {}", self.name, panic_text(&*panic));
                context::within(self.context.clone(), || tracing::error!(name = %self.name, %reason, "a transaction panicked"));
                Ran::Failed(DbError::Internal(reason))
            }
            (Ok(Err(e)), _) => Ran::Failed(e),
            (Ok(Ok(result)), Some(e)) => {
                self.result = Some(result).filter(Result::is_err);
                self.failed = Some(e.clone());
                Ran::Failed(e)
            }
            (Ok(Ok(Ok(value))), None) => {
                self.result = Some(Ok(value));
                self.after = after;
                if !published.is_empty() {
                    let (bus, service) = (self.bus.clone(), self.service);
                    self.after.push(Box::new(move || {
                        for (kind, _) in &published {
                            metrics::counter!("haat_events_total", "service" => service, "type" => *kind).increment(1);
                        }
                        bus.said(service, published.iter().map(|(_, stream)| *stream));
                    }));
                }
                Ran::Commit
            }
            (Ok(Ok(Err(refusal))), None) => {
                self.result = Some(Err(refusal));
                Ran::Refused
            }
        }
    }

    fn finish(self: Box<Self>, outcome: Result<(), DbError>) {
        let mut unit = *self;
        trace::db::answered(&mut unit.span, unit.runs, unit.result.as_ref().is_some_and(Result::is_err), &outcome);
        let answer = match outcome {
            Ok(()) => {
                for f in unit.after {
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(f)) {
                        tracing::error!(name = %unit.name, panic = panic_text(&*panic), "panic after a commit");
                    }
                }
                unit.result.unwrap_or_else(|| Err(DbError::Internal("the closure never ran".into()).into()))
            }
            // The closure's own error for the failure says more than the failure.
            Err(e) if unit.failed.as_ref() == Some(&e) => unit.result.unwrap_or_else(|| Err(e.into())),
            Err(e) => Err(e.into()),
        };
        // A caller that has gone away no longer wants it.
        let _ = unit.answer.send(answer);
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}
