//! What PostgreSQL's errors mean.

use std::error::Error as _;

use postgres::Error;
use postgres::error::{DbError as ServerError, Severity, SqlState};

use super::DbError;

/// What a failure says about running the closure again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It would fail again.
    No,
    /// Somebody else was faster.
    Later,
    /// A prepared statement is out of date: on the same connection, with fresh ones.
    Prepare,
    /// The connection is gone, and the transaction with it.
    Reconnect,
}

/// Whether and how it is worth trying again.
pub(super) fn repeat(e: &Error) -> Repeat {
    if is_lost(e) {
        return Repeat::Reconnect;
    }
    match e.code() {
        Some(c) if is_conflict(c) => Repeat::Later,
        Some(c) if *c == SqlState::FEATURE_NOT_SUPPORTED || *c == SqlState::INVALID_SQL_STATEMENT_NAME => Repeat::Prepare,
        _ => Repeat::No,
    }
}

/// Whether the connection is of no more use.
pub(super) fn is_lost(e: &Error) -> bool {
    e.is_closed() || e.as_db_error().is_none() && is_io(e) || e.as_db_error().is_some_and(is_fatal)
}

/// For the caller.
pub(super) fn of(e: &Error) -> DbError {
    let Some(server) = e.as_db_error() else {
        return if is_lost(e) { DbError::Unavailable(with_causes(e)) } else { DbError::Internal(with_causes(e)) };
    };
    let named = || server.constraint().unwrap_or_default().to_owned();
    let code = server.code();
    match () {
        () if *code == SqlState::UNIQUE_VIOLATION => DbError::Unique(named()),
        () if *code == SqlState::CHECK_VIOLATION => DbError::Check(named()),
        () if is_conflict(code) => DbError::Conflict,
        () if *code == SqlState::DISK_FULL => DbError::StorageFull,
        () if *code == SqlState::QUERY_CANCELED => DbError::TimedOut,
        () if is_fatal(server) || ["08", "53", "57"].iter().any(|class| code.code().starts_with(class)) => {
            DbError::Unavailable(server.message().to_owned())
        }
        () => DbError::Internal(format!("{}: {}", code.code(), server.message())),
    }
}

/// The error with what caused it: the client's own text often leaves that out.
pub(super) fn with_causes(e: &Error) -> String {
    let mut text = e.to_string();
    let mut cause = e.source();
    while let Some(c) = cause {
        let more = c.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = c.source();
    }
    text
}

fn is_conflict(code: &SqlState) -> bool {
    [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::LOCK_NOT_AVAILABLE].contains(code)
}

fn is_fatal(server: &ServerError) -> bool {
    matches!(server.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
}

fn is_io(e: &Error) -> bool {
    let mut cause = e.source();
    while let Some(c) = cause {
        if c.is::<std::io::Error>() {
            return true;
        }
        cause = c.source();
    }
    false
}
