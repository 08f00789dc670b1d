//! Every SQL statement about a database file at rest: tables are named as SQLite has them.

use kit::ServiceDef;

/// The steps that a service's schema has taken.
pub(super) fn steps_of(service: &str) -> String {
    format!("SELECT name FROM \"{service}_schema_steps\" ORDER BY name")
}

/// Currencies in which debits and credits differ.
pub(super) const OUT_OF_BALANCE: &str = "SELECT 'debits and credits in ' || currency || ' differ by ' || (CAST(SUM(debit) AS BIGINT) - CAST(SUM(credit) AS BIGINT)) \
     FROM payments_entries GROUP BY currency HAVING CAST(SUM(debit) AS BIGINT) <> CAST(SUM(credit) AS BIGINT) ORDER BY currency";

/// Streams whose events do not follow each other, or do not end where the stream is said to be.
pub(super) fn holes(service: &ServiceDef) -> String {
    let name = service.name;
    format!(
        "SELECT 'the log of stream ' || hex(e.stream) || ' has holes' FROM \
         (SELECT stream, COUNT(*) AS n, MIN(version) AS first, MAX(version) AS last FROM {name}_events GROUP BY stream) e \
         LEFT JOIN {name}_streams s ON s.stream = e.stream \
         WHERE e.n <> e.last - e.first + 1 OR s.version IS NULL OR s.version <> e.last ORDER BY e.stream LIMIT 5"
    )
}

/// A position behind the end of the log that is read.
pub(super) fn ahead(service: &ServiceDef, source: &str) -> String {
    format!(
        "SELECT 'it has read {source} up to ' || position || ', behind the end of that log' FROM {}_readers \
         WHERE source = '{source}' AND position > (SELECT COALESCE(MAX(position), 0) FROM {source}_events) ORDER BY source",
        service.name
    )
}
