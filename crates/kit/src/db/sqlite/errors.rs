//! What SQLite's errors mean.

use std::path::Path;

use rusqlite::{Error, ErrorCode, ffi};

use super::super::names::{Names, SCHEMA, without_service};
use super::{DbError, Link};

/// Of opening `path`: says which file, and what to do.
pub(super) fn opening(path: &Path, e: &Error) -> DbError {
    let file = path.display();
    DbError::Unavailable(match e.sqlite_error_code() {
        Some(ErrorCode::CannotOpen) => format!("{file} cannot be opened: {e}"),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => format!("{file} cannot be written to: {e}"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => format!("{file} is locked by another program: {e}"),
        Some(ErrorCode::NotADatabase) => format!("{file} is not a database of haat: {e}"),
        Some(ErrorCode::DatabaseCorrupt) => format!("{file} is damaged: {e}"),
        Some(ErrorCode::DiskFull) => format!("there is no room for {file}: {e}"),
        _ => format!("{file}: {e}"),
    })
}

/// Of the engine's own statements and of commits that leave no doubt.
pub(super) fn own(e: &Error) -> DbError {
    match e.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => DbError::StorageFull,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            DbError::Unavailable("the database is locked by another program".into())
        }
        _ => DbError::Internal(e.to_string()),
    }
}

/// Of a closure's statement.
pub(super) fn of_statement(link: &mut Link, service: &'static str, text: &str, e: &Error) -> DbError {
    if let Some(refused) = link.scope.refused() {
        return DbError::Internal(format!("{refused}: {text}"));
    }
    match (e.sqlite_error_code(), e.sqlite_error().map(|e| e.extended_code)) {
        (_, Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID)) => {
            unique(link, service, &message(e))
        }
        (_, Some(ffi::SQLITE_CONSTRAINT_CHECK)) => check(link, service, text, &message(e)),
        (Some(ErrorCode::OperationInterrupted), _) => DbError::TimedOut,
        (Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), _) => own(e),
        (Some(ErrorCode::SystemIoFailure), _) => DbError::Unavailable(format!("the disk fails: {e}")),
        _ => DbError::Internal(format!("{e}: {text}")),
    }
}

fn message(e: &Error) -> String {
    match e {
        Error::SqliteFailure(_, Some(text)) => text.clone(),
        Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

/// `UNIQUE constraint failed: orders_lines.order_id, orders_lines.sku`, or `…: index 'orders_lines_once'`.
fn unique(link: &mut Link, service: &'static str, message: &str) -> DbError {
    let found = message.rsplit_once("failed: ").map_or(message, |(_, found)| found);
    let own = |name| without_service(service, name).unwrap_or(name);
    if let Some(index) = found.strip_prefix("index '") {
        return DbError::Unique(own(index.trim_end_matches('\'')).to_owned());
    }
    let columns: Vec<&str> = found.split(", ").map(|c| c.rsplit_once('.').map_or(c, |(_, column)| column)).collect();
    let table = found.split('.').next().map(own).unwrap_or_default();
    DbError::Unique(names(link, service).unique(table, &columns))
}

/// `CHECK constraint failed: quantity > 0`, without the table's name.
fn check(link: &mut Link, service: &'static str, text: &str, message: &str) -> DbError {
    let shown = message.split_once("failed: ").map_or(message, |(_, shown)| shown);
    let mut words = text.split(|c: char| c.is_whitespace() || c == '(');
    let target = words.find(|w| w.eq_ignore_ascii_case("into") || w.eq_ignore_ascii_case("update")).and_then(|_| words.next());
    let table = target.and_then(|t| without_service(service, t));
    DbError::Check(names(link, service).check(table, shown))
}

/// Read from the schema when first needed.
fn names<'a>(link: &'a mut Link, service: &'static str) -> &'a Names {
    if !link.names.contains_key(service) {
        link.scope.leave();
        let read = read_names(link, service).unwrap_or_else(|e| {
            tracing::error!(service, error = %e, "the schema cannot be read for the names of its constraints");
            Names::default()
        });
        link.names.insert(service, read);
    }
    &link.names[service]
}

fn read_names(link: &Link, service: &str) -> rusqlite::Result<Names> {
    let mut names = Names::default();
    let mut statement = link.conn.prepare_cached(SCHEMA)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (kind, name, table, sql): (String, String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        names.add(service, &kind, &name, &table, &sql);
    }
    Ok(names)
}
