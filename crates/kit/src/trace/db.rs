//! Transactions, as OpenTelemetry's conventions for databases name them.

use std::panic::Location;

use super::{Kind, Span};
use crate::db::{Db, DbError, Dialect, Kind as Purpose};

/// A closure that is handed to the database, below the work in hand. It is called by what it is for and where it is written.
pub(crate) fn transaction(db: &Db, place: &'static Location<'static>, purpose: Purpose) -> Span {
    let verb = if purpose == Purpose::Read { "read" } else { "write" };
    let mut span = Span::begin(db.service(), Kind::Client, || format!("{verb} {}", short(place.file())).into());
    if span.is_recorded() {
        span.set("db.system.name", if db.dialect() == Dialect::Sqlite { "sqlite" } else { "postgresql" });
        span.set("db.namespace", db.service());
        span.set("db.operation.name", verb);
        span.set("code.file.path", place.file());
        span.set("code.line.number", i64::from(place.line()));
    }
    span
}

/// How it ended; saying no is no failure.
pub(crate) fn answered(span: &mut Span, runs: i64, refused: bool, outcome: &Result<(), DbError>) {
    if runs > 1 {
        span.set("haat.db.runs", runs);
    }
    match outcome {
        Ok(()) if refused => span.set("haat.db.refused", true),
        Ok(()) => {}
        Err(e) => span.fail(e),
    }
}

/// `orders/app/place.rs` for `services/orders/src/app/place.rs`.
fn short(file: &str) -> String {
    let file = file.strip_prefix("services/").or_else(|| file.strip_prefix("crates/")).unwrap_or(file);
    file.replacen("/src/", "/", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_called_by_their_crate_and_file() {
        for (file, name) in
            [("services/orders/src/app/place.rs", "orders/app/place.rs"), ("crates/kit/src/db/mod.rs", "kit/db/mod.rs"), ("x.rs", "x.rs")]
        {
            assert_eq!(short(file), name);
        }
    }
}
