//! One thread's life: take a closure, run it in a transaction, again where others were faster, answer.

use std::time::Duration;

use postgres::SimpleQueryMessage;
use tokio::time::Instant;

use super::super::counts::ServiceCounts;
use super::super::{DbError, Kind, Ran, Work};
use super::errors::{self, Repeat};
use super::session::{Link, Open};
use super::{Shared, connect};

/// A closure is run so often at most.
const RUNS_MAX: u64 = 6;
/// The pause before the second run is at most this long; each further one twice as long.
const PAUSE_MAX: Duration = Duration::from_millis(4);
/// How long the outcome of a commit is looked for.
const SEARCH_TIME_MAX: Duration = Duration::from_secs(5);
/// A closure that takes longer is named in the log.
const SLOW_MS: u128 = 50;

pub(super) struct Worker<'a> {
    shared: &'a Shared,
    link: Option<Link>,
}

/// How one run ended.
enum Attempt {
    /// With this answer.
    Done(Result<(), DbError>),
    /// Nothing happened, and another run may end better.
    Again(DbError, Repeat),
}

/// What a lost commit has come to.
enum Outcome {
    Committed,
    RolledBack,
    Unknown,
}

impl<'a> Worker<'a> {
    pub(super) fn new(shared: &'a Shared) -> Worker<'a> {
        Worker { shared, link: None }
    }

    /// Runs `work` until it has an answer.
    pub(super) fn answer(&mut self, mut work: Box<dyn Work>) {
        let began = Instant::now();
        let mut counts = ServiceCounts::default();
        let mut runs = 0;
        let outcome = loop {
            runs += 1;
            match self.attempt(&mut *work, &mut counts) {
                Attempt::Done(outcome) => break outcome,
                Attempt::Again(e, _) if runs == RUNS_MAX => break Err(e),
                Attempt::Again(_, Repeat::Later) => self.pause(runs),
                Attempt::Again(_, Repeat::Reconnect) => self.link = None,
                Attempt::Again(_, Repeat::Prepare | Repeat::No) => self.link.iter_mut().for_each(Link::forget),
            }
        };
        counts.repeats = runs - 1;
        counts.failures = outcome.is_err().into();
        self.shared.health.counters.add(work.service(), counts);
        let took = began.elapsed().as_millis();
        if took > SLOW_MS && work.kind() == Kind::Write {
            let took_ms = u64::try_from(took).unwrap_or(u64::MAX);
            tracing::warn!(service = work.service(), name = %work.name(), took_ms, runs, "a slow transaction");
        }
        work.finish(outcome);
    }

    fn attempt(&mut self, work: &mut dyn Work, counts: &mut ServiceCounts) -> Attempt {
        let (service, kind, gaps) = (work.service(), work.kind(), self.shared.gaps.clone());
        let xid = match self.begin(service, kind) {
            Ok(xid) => xid,
            Err(e) => return e,
        };
        let link = self.link.as_mut().expect("begin keeps the connection it used");
        let mut open = Open::new(link, service, kind, gaps);
        let ran = work.run(&mut open);
        let (repeat, wrote) = (open.repeat, open.wrote);
        counts.statements += open.statements;
        if kind == Kind::Read {
            counts.reads = 1;
            counts.read_statements = counts.statements;
        }
        match ran {
            Ran::Failed(e) => {
                self.roll_back();
                let conflict = e == DbError::Conflict;
                match repeat {
                    Repeat::No if conflict => Attempt::Again(e, Repeat::Later),
                    Repeat::No => Attempt::Done(Err(e)),
                    other => Attempt::Again(e, other),
                }
            }
            Ran::Refused => {
                self.roll_back();
                counts.refusals = u64::from(kind != Kind::Read);
                Attempt::Done(Ok(()))
            }
            Ran::Commit if kind == Kind::Read => {
                self.roll_back();
                Attempt::Done(Ok(()))
            }
            Ran::Commit => {
                let ended = self.commit(xid);
                if matches!(ended, Attempt::Done(Ok(()))) {
                    (counts.transactions, counts.empty) = (wrote.into(), (!wrote).into());
                    if wrote {
                        self.shared.health.counters.flushed();
                    }
                }
                ended
            }
        }
    }

    /// Opens a transaction in the service's role, in one round trip; for one that writes also draws its id: so its
    /// end can be looked up, and so it has an id before it draws a position (`db::position`).
    fn begin(&mut self, service: &'static str, kind: Kind) -> Result<Option<String>, Attempt> {
        let text = match kind {
            Kind::Read => format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL ROLE haat_{service}"),
            Kind::Write => format!("BEGIN; SET LOCAL ROLE haat_{service}; SELECT pg_current_xact_id()"),
            Kind::Migrate => prepare_schema(service),
        };
        let link = match self.link.take() {
            Some(link) if !link.client.is_closed() => link,
            _ => Link::new(connect(&self.shared.config).map_err(|e| Attempt::Done(Err(e)))?),
        };
        let link = self.link.insert(link);
        match link.client.simple_query(&text) {
            Ok(answers) => {
                let xid = answers.iter().rev().find_map(|answer| match answer {
                    SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                    _ => None,
                });
                Ok(xid)
            }
            Err(e) if errors::is_lost(&e) => Err(Attempt::Again(errors::of(&e), Repeat::Reconnect)),
            Err(e) => {
                let failed = errors::of(&e);
                let repeat = errors::repeat(&e);
                self.roll_back();
                Err(if repeat == Repeat::Later { Attempt::Again(failed, repeat) } else { Attempt::Done(Err(failed)) })
            }
        }
    }

    fn commit(&mut self, xid: Option<String>) -> Attempt {
        let Some(link) = &mut self.link else { return Attempt::Done(Err(DbError::Internal("no connection to commit on".into()))) };
        crate::crash::point("db.before_commit");
        let Err(e) = link.client.batch_execute("COMMIT") else {
            crate::crash::point("db.after_commit");
            return Attempt::Done(Ok(()));
        };
        let failed = errors::of(&e);
        if !errors::is_lost(&e) {
            // The server answered, so it rolled back: a deferred constraint, a conflict.
            self.roll_back();
            return match errors::repeat(&e) {
                Repeat::No => Attempt::Done(Err(failed)),
                repeat => Attempt::Again(failed, repeat),
            };
        }
        self.link = None;
        match xid.map_or(Outcome::Unknown, |xid| self.look_up(&xid)) {
            Outcome::Committed => Attempt::Done(Ok(())),
            Outcome::RolledBack => Attempt::Again(failed, Repeat::Reconnect),
            Outcome::Unknown => Attempt::Done(Err(DbError::Unknown(format!("the connection was lost at the commit: {failed}")))),
        }
    }

    /// What became of the transaction `xid`. The server may still be at it.
    fn look_up(&mut self, xid: &str) -> Outcome {
        let began = Instant::now();
        while began.elapsed() < SEARCH_TIME_MAX {
            let asked = connect(&self.shared.config).map(|client| self.link.insert(Link::new(client)));
            let status = asked.map(|link| link.client.query_one("SELECT pg_xact_status(CAST($1 AS text)::xid8)", &[&xid]));
            match status.map(|answer| answer.map(|row| row.get::<_, Option<String>>(0))) {
                Ok(Ok(Some(status))) if status == "committed" => return Outcome::Committed,
                Ok(Ok(Some(status))) if status == "aborted" => return Outcome::RolledBack,
                Ok(Ok(None)) => return Outcome::Unknown,
                // Another server, one that does not know that id.
                Ok(Err(e)) if !errors::is_lost(&e) => return Outcome::Unknown,
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        Outcome::Unknown
    }

    fn roll_back(&mut self) {
        let rolled_back = self.link.as_mut().map(|link| link.client.batch_execute("ROLLBACK"));
        if let Some(Err(_)) = rolled_back {
            // The server rolls back by itself when a connection ends.
            self.link = None;
        }
    }

    fn pause(&self, runs: u64) {
        let longest = PAUSE_MAX.as_micros() as u64 * (1 << runs.min(6));
        std::thread::sleep(Duration::from_micros(self.shared.ids.bits() % longest));
    }
}

/// Makes the service's role and schema where they are missing, and acts as that role: it owns its schema and
/// reaches no other. One process at a time.
///
/// A role belongs to the whole server, and the lock to one database: the role has a transaction of its own, since one
/// that has lost the race for it may not see the winner's until it ends.
fn prepare_schema(service: &str) -> String {
    let role = format!("haat_{service}");
    format!(
        "BEGIN; SET LOCAL statement_timeout = 0;
         DO $$ BEGIN
           IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role} NOLOGIN; END IF;
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
         END $$;
         COMMIT;
         BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
         SELECT pg_advisory_xact_lock(hashtext('haat migrate'));
         DO $$ BEGIN
           IF NOT pg_has_role(current_user, '{role}', 'MEMBER') THEN GRANT {role} TO CURRENT_USER; END IF;
         END $$;
         CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {role};
         SET LOCAL ROLE {role}; SELECT pg_current_xact_id()"
    )
}
