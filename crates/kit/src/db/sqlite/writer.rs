//! Many closures in one physical transaction and one flush, each answered after it.
//!
//! Closures seldom refuse after they have written. So they run without savepoints, which would copy every page that
//! each of them changes; where one does refuse, nobody has been answered yet, and all run again, each in a savepoint,
//! as do the next batches. A savepoint does not hold everything: a full disk, an interrupt and `ON CONFLICT ROLLBACK`
//! end the whole transaction, and the next statement would then commit alone. So after every statement the connection
//! is asked whether the transaction is still there; where it is gone, the others run again without the one at fault,
//! which runs alone and last.

use std::sync::Arc;

use rusqlite::ErrorCode;
use tokio::time::Instant;

use super::super::counts::ServiceCounts;
use super::super::{DbError, Health, Kind, Ran, Work};
use super::session::Done;
use super::{Link, errors};

/// A closure that takes longer is named in the log.
const SLOW_MS: u128 = 50;
/// So often the rest of a batch is run together again; then everybody runs alone.
const TOGETHER_MAX: usize = 3;
/// So many batches run in savepoints after one that would have needed them.
const CAREFUL_BATCHES: u32 = 64;

/// What happens to a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// What SQLite does.
    Durable,
    /// It takes effect, but nobody learns of it.
    AnswerLost,
    /// It does not take effect, and everybody gets this error.
    Undone(DbError),
}

/// Why the process must stop.
pub(in crate::db) type Stop = String;

/// The writing connection.
pub(in crate::db) struct Writer {
    link: Link,
    health: Arc<Health>,
    answers: Vec<Answer>,
    /// So many batches still run in savepoints.
    careful: u32,
}

/// A closure whose outcome is settled.
pub(in crate::db) struct Answer {
    work: Box<dyn Work>,
    outcome: Result<(), DbError>,
}

impl Answer {
    pub(in crate::db) fn give(self) {
        self.work.finish(self.outcome);
    }
}

struct Entry {
    work: Box<dyn Work>,
    runs: u64,
    ran: Ran,
    done: Done,
}

/// What a run has left of the transaction.
#[derive(PartialEq)]
enum Left {
    /// What was there before, and what the closure wants kept.
    Whole,
    /// Something that must not be kept.
    Spoiled,
    /// Nothing.
    Gone,
}

/// How a commit failed.
enum Failed {
    /// A deferred constraint of somebody in the batch.
    Constraint(DbError),
    /// Nothing happened.
    Definite(DbError),
    /// Perhaps something happened.
    Unknown(String),
}

impl Writer {
    pub(in crate::db) fn new(link: Link, health: Arc<Health>) -> Writer {
        Writer { link, health, answers: Vec::new(), careful: 0 }
    }

    /// SQLite's own connection, between batches.
    pub(in crate::db) fn connection(&self) -> &rusqlite::Connection {
        &self.link.conn
    }

    /// The connection, between batches.
    pub(in crate::db) fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    /// Runs what `more` gives, which is told how many it gave, in one transaction. The answers, one for each closure,
    /// are for the caller to give, when it holds no lock.
    pub(in crate::db) fn batch(
        &mut self,
        more: &mut dyn FnMut(usize) -> Option<Box<dyn Work>>,
        fate: Fate,
    ) -> (Vec<Answer>, Result<(), Stop>) {
        let ended = self.run_batch(more, fate);
        (std::mem::take(&mut self.answers), ended)
    }

    fn run_batch(&mut self, more: &mut dyn FnMut(usize) -> Option<Box<dyn Work>>, fate: Fate) -> Result<(), Stop> {
        let mut entries = Vec::new();
        // Everybody who waited may have gone away: then nothing may be begun that nobody ends.
        let Some(first) = more(0) else { return Ok(()) };
        let (mut taken, mut next) = (1, Some(first));
        if let Err(e) = self.begin() {
            while let Some(work) = next {
                self.answers.push(Answer { work, outcome: Err(e.clone()) });
                next = more(taken);
                taken += 1;
            }
            return Ok(());
        }
        let savepoints = self.careful > 0;
        self.careful = self.careful.saturating_sub(1);
        let mut at_fault = None;
        while let Some(work) = next.take().or_else(|| more(taken)) {
            taken = taken.max(entries.len() + 1);
            entries.push(Entry { work, runs: 0, ran: Ran::Commit, done: Done::default() });
            match self.run(entries.last_mut().expect("it was pushed in the line before"), savepoints)? {
                Left::Whole => continue,
                Left::Gone => at_fault = Some(entries.len() - 1),
                Left::Spoiled => {
                    self.link.own("ROLLBACK").map_err(|e| format!("a rollback failed: {e}"))?;
                    if entries.len() > 1 {
                        self.careful = CAREFUL_BATCHES;
                        at_fault = self.run_again(&mut entries)?;
                    } else {
                        entries.drain(..).for_each(|entry| self.answer(entry, None));
                    }
                }
            }
            break;
        }
        let mut alone = Vec::new();
        if let (Some(_), 1) = (at_fault, entries.len()) {
            // It ran alone already.
            entries.drain(..).for_each(|entry| self.answer(entry, None));
            return Ok(());
        }
        while let Some(at) = at_fault.take() {
            alone.push(entries.remove(at));
            if alone.len() == TOGETHER_MAX {
                entries.append(&mut alone);
                std::mem::swap(&mut entries, &mut alone);
            }
            if !entries.is_empty() {
                at_fault = self.run_again(&mut entries)?;
            }
        }
        if !entries.is_empty() {
            self.settle(entries, &mut alone, fate)?;
        }
        self.each_alone(alone)
    }

    /// Commits and answers `entries`; where one of them broke a deferred constraint they go before `alone`.
    fn settle(&mut self, entries: Vec<Entry>, alone: &mut Vec<Entry>, fate: Fate) -> Result<(), Stop> {
        let (error, stop) = match self.commit(&entries, fate) {
            Ok(()) => {
                entries.into_iter().for_each(|entry| self.answer(entry, None));
                return Ok(());
            }
            Err(Failed::Constraint(_)) if entries.len() > 1 => {
                alone.splice(0..0, entries);
                return Ok(());
            }
            Err(Failed::Constraint(e) | Failed::Definite(e)) => (e, None),
            Err(Failed::Unknown(reason)) => (DbError::Unknown(reason.clone()), Some(reason)),
        };
        for entry in entries {
            self.answer(entry, Some(error.clone()));
        }
        stop.map_or(Ok(()), |reason| {
            alone.drain(..).for_each(|entry| self.answer(entry, Some(stopped())));
            Err(reason)
        })
    }

    fn each_alone(&mut self, entries: Vec<Entry>) -> Result<(), Stop> {
        let mut waiting = entries.into_iter();
        while let Some(entry) = waiting.next() {
            let mut one = vec![entry];
            let failed = match self.run_again(&mut one) {
                Ok(None) => self.settle(one, &mut Vec::new(), Fate::Durable).err(),
                Ok(Some(_)) => {
                    one.into_iter().for_each(|entry| self.answer(entry, None));
                    None
                }
                Err(reason) => Some(reason),
            };
            if let Some(reason) = failed {
                waiting.for_each(|entry| self.answer(entry, Some(stopped())));
                return Err(reason);
            }
        }
        Ok(())
    }

    /// Runs `entries` in a new transaction. `Some`: that one ended the transaction.
    fn run_again(&mut self, entries: &mut Vec<Entry>) -> Result<Option<usize>, Stop> {
        if let Err(e) = self.begin() {
            for entry in entries.drain(..) {
                self.answer(entry, Some(e.clone()));
            }
            return Ok(None);
        }
        for (at, entry) in entries.iter_mut().enumerate() {
            if self.run(entry, true)? == Left::Gone {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Runs one closure.
    fn run(&mut self, entry: &mut Entry, savepoint: bool) -> Result<Left, Stop> {
        let (began, service, kind) = (Instant::now(), entry.work.service(), entry.work.kind());
        let broken = |e: rusqlite::Error| format!("a savepoint failed: {e}");
        if savepoint {
            self.link.own("SAVEPOINT one").map_err(broken)?;
        }
        let mut open = self.link.open(service, kind);
        entry.ran = entry.work.run(&mut open);
        let statements = entry.done.statements;
        entry.done = open.end();
        entry.done.statements += statements;
        entry.runs += 1;
        let took = began.elapsed().as_millis();
        if took > SLOW_MS && kind != Kind::Migrate {
            tracing::warn!(service, name = %entry.work.name(), took_ms = u64::try_from(took).unwrap_or(u64::MAX), "a slow transaction held everybody up");
        }
        if let Some(e) = &entry.done.gone {
            // The closure may have hidden it.
            if !matches!(entry.ran, Ran::Failed(_)) {
                entry.ran = Ran::Failed(e.clone());
            }
            return Ok(Left::Gone);
        }
        let kept = matches!(entry.ran, Ran::Commit);
        let spoiled = !kept && entry.done.wrote;
        entry.done.wrote &= kept;
        if !savepoint {
            return Ok(if spoiled { Left::Spoiled } else { Left::Whole });
        }
        if !kept {
            self.link.own("ROLLBACK TO one").map_err(broken)?;
        }
        self.link.own("RELEASE one").map_err(broken)?;
        Ok(Left::Whole)
    }

    fn begin(&mut self) -> Result<(), DbError> {
        self.link.begin().map_err(|e| errors::own(&e))
    }

    fn commit(&mut self, entries: &[Entry], fate: Fate) -> Result<(), Failed> {
        if let Fate::Undone(e) = fate {
            self.roll_back()?;
            return Err(Failed::Definite(e));
        }
        let wrote = entries.iter().any(|e| e.done.wrote);
        if wrote {
            crate::crash::point("db.before_commit");
        }
        let began = Instant::now();
        match self.link.own("COMMIT") {
            Ok(()) => {
                if wrote {
                    crate::crash::point("db.after_commit");
                    self.health.counters.flushed();
                    metrics::histogram!("haat_db_flush_seconds").record(began.elapsed());
                }
                if fate == Fate::AnswerLost {
                    return Err(Failed::Definite(DbError::Unknown("the answer to the commit is lost".into())));
                }
                Ok(())
            }
            Err(e) => {
                let failed = match e.sqlite_error_code() {
                    Some(ErrorCode::ConstraintViolation) => Failed::Constraint(errors::own(&e)),
                    Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Failed::Definite(errors::own(&e)),
                    _ => return Err(Failed::Unknown(format!("a commit failed: {e}"))),
                };
                self.roll_back()?;
                Err(failed)
            }
        }
    }

    fn roll_back(&mut self) -> Result<(), Failed> {
        if self.link.conn.is_autocommit() {
            return Ok(());
        }
        self.link.own("ROLLBACK").map_err(|e| Failed::Unknown(format!("a rollback failed: {e}")))
    }

    /// Answers after the flush: with how the closure ended, or with what befell the batch.
    fn answer(&mut self, entry: Entry, befell: Option<DbError>) {
        let mut counts = ServiceCounts { statements: entry.done.statements, repeats: entry.runs.saturating_sub(1), ..Default::default() };
        let outcome = match (befell, entry.ran) {
            (Some(e), _) | (None, Ran::Failed(e)) => {
                counts.failures = 1;
                Err(e)
            }
            (None, Ran::Refused) => {
                counts.refusals = 1;
                Ok(())
            }
            (None, Ran::Commit) => {
                let kept = if entry.done.wrote { &mut counts.transactions } else { &mut counts.empty };
                *kept = 1;
                Ok(())
            }
        };
        self.health.counters.add(entry.work.service(), counts);
        self.answers.push(Answer { work: entry.work, outcome });
    }
}

fn stopped() -> DbError {
    DbError::Unavailable("the database has stopped".into())
}
