//! Numbered lists of plain SQL, one per service.

use thiserror::Error;

use super::{Database, DbError, Dialect, Tx, sql};

/// One step of a service's schema. Steps are only ever added; a step that has run never changes.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// What it does, such as `0001_orders`.
    pub name: &'static str,
    /// Plain SQL for both engines, with the type words of the data page; statements end in `;` at a line's end.
    pub sql: &'static str,
    /// The text for PostgreSQL where the engines truly differ.
    pub postgres: Option<&'static str>,
}

impl Migration {
    /// The same text for both engines.
    pub const fn new(name: &'static str, sql: &'static str) -> Migration {
        Migration { name, sql, postgres: None }
    }

    fn statements(&self, dialect: Dialect) -> impl Iterator<Item = &'static str> {
        let text = if dialect == Dialect::Postgres { self.postgres.unwrap_or(self.sql) } else { self.sql };
        text.split(";\n").map(|s| sql::skip(s).trim_end().trim_end_matches(';')).filter(|s| !s.is_empty())
    }
}

/// Why a schema could not be brought up to date; nothing of that service's steps was kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MigrateError {
    /// A newer haat wrote this database.
    #[error("the schema of {service} has step {step}, which this version of haat does not know: it was written by a newer one")]
    Newer {
        /// The service.
        service: &'static str,
        /// The unknown step.
        step: String,
    },
    /// A step does not work on this database.
    #[error("step {step} of the schema of {service}: {reason}")]
    Step {
        /// The service.
        service: &'static str,
        /// The step.
        step: &'static str,
        /// What the database said.
        reason: DbError,
    },
    /// The database itself failed.
    #[error("the schema of a service: {0}")]
    Db(#[from] DbError),
}

impl From<MigrateError> for DbError {
    fn from(e: MigrateError) -> DbError {
        match e {
            MigrateError::Db(e) => e,
            other => DbError::Internal(other.to_string()),
        }
    }
}

/// Brings a service's schema up to date: first what `kit` itself needs there, then the service's own steps, all of
/// them or none. A schema that is newer than the list is refused by name.
pub async fn migrate(database: &Database, service: &'static str, steps: &'static [Migration]) -> Result<(), MigrateError> {
    database.view(service).migrate(move |tx| run(tx, service, steps)).await
}

/// The steps that a service's schema has still to take. Changes nothing.
pub async fn pending(database: &Database, service: &'static str, steps: &'static [Migration]) -> Result<Vec<&'static str>, MigrateError> {
    let read = database.view(service).read(|q| q.rows("SELECT name FROM own.schema_steps ORDER BY name", &[])).await;
    let done: Vec<String> = match read {
        Ok(rows) => rows.iter().map(|r| r.get(0)).collect::<Result<_, _>>()?,
        // There is no schema yet.
        Err(DbError::Internal(_)) => Vec::new(),
        Err(e) => return Err(e.into()),
    };
    known_only(service, steps, &done)?;
    let names = KIT.iter().chain(steps).map(|step| step.name);
    Ok(names.filter(|name| !done.iter().any(|d| d == name)).collect())
}

/// A schema that has taken steps which are not in the list is newer, and refused by name.
pub fn known_only(service: &'static str, steps: &[Migration], done: &[String]) -> Result<(), MigrateError> {
    match done.iter().find(|name| KIT.iter().chain(steps).all(|s| s.name != name.as_str())) {
        Some(unknown) => Err(MigrateError::Newer { service, step: unknown.clone() }),
        None => Ok(()),
    }
}

fn run(tx: &mut Tx, service: &'static str, steps: &'static [Migration]) -> Result<(), MigrateError> {
    let dialect = tx.dialect();
    let made = "CREATE TABLE IF NOT EXISTS own.schema_steps (name text PRIMARY KEY, applied_at {time} NOT NULL)";
    tx.execute(&sql::render_migration(dialect, service, made), &[])?;
    let rows = tx.rows("SELECT name FROM own.schema_steps ORDER BY name", &[])?;
    let done: Vec<String> = rows.iter().map(|r| r.get(0)).collect::<Result<_, _>>()?;
    known_only(service, steps, &done)?;
    for step in KIT.iter().chain(steps).filter(|s| !done.iter().any(|d| d == s.name)) {
        for statement in step.statements(dialect) {
            let ran = tx.execute(&sql::render_migration(dialect, service, statement), &[]);
            ran.map_err(|reason| MigrateError::Step { service, step: step.name, reason })?;
        }
        let now = tx.now();
        tx.execute("INSERT INTO own.schema_steps (name, applied_at) VALUES ($1, $2)", crate::params![step.name, now])?;
    }
    Ok(())
}

/// What `kit` keeps in every service's schema.
const KIT: &[Migration] = &[
    Migration::new("0000_kit", include_str!("kit.sql")),
    // Operators ask for them often, and there are few.
    Migration::new("0000_kit_stuck", "CREATE INDEX sagas_stuck ON own.sagas (type) WHERE status = 'stuck';"),
    // When a job that is running is wanted once more: what it does may be over before what it is wanted for.
    Migration::new("0001_kit_again", "ALTER TABLE own.jobs ADD COLUMN again_at {time};"),
    Migration::new("0001_kit_aged", "CREATE INDEX signals_aged ON own.signals (received_at);"),
];
