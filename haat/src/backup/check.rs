//! Whether a copy is whole: as SQLite sees it, by its rows, and by what must always hold.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::bail;
use kit::db::DatabaseFile;

use super::store;
use crate::platform;

/// Reads a copy back; `rows` are those of the original. Everything that is wrong is named.
pub fn read_back(copy: &Path, rows: &BTreeMap<String, i64>) -> anyhow::Result<()> {
    let file = DatabaseFile::open(copy)?;
    let mut wrong = file.damage()?;
    if wrong.is_empty() {
        let found = file.counts()?;
        let tables = rows.keys().chain(found.keys().filter(|table| !rows.contains_key(*table)));
        wrong.extend(tables.filter(|table| rows.get(*table) != found.get(*table)).map(|table| {
            let count = |of: &BTreeMap<String, i64>| of.get(table).map_or("no".to_owned(), i64::to_string);
            format!("{table}: expected {} rows, found {}", count(rows), count(&found))
        }));
        for (table, sql) in rules(&found) {
            wrong.extend(file.texts(&sql)?.into_iter().map(|found| format!("{table}: {found}")));
        }
    }
    if wrong.is_empty() { Ok(()) } else { bail!("{}", wrong.join("; ")) }
}

/// Statements that find nothing where all is well, each with the table that it is about.
fn rules(tables: &BTreeMap<String, i64>) -> Vec<(String, String)> {
    let there = |service: &str, table: &str| tables.contains_key(&format!("{service}_{table}"));
    let mut rules = Vec::new();
    if there("payments", "entries") {
        rules.push(("payments_entries".to_owned(), store::OUT_OF_BALANCE.to_owned()));
    }
    for service in platform::SERVICES.iter().filter(|service| there(service.name, "events")) {
        rules.push((format!("{}_events", service.name), store::holes(service)));
        let sources = service.reads.iter().filter(|source| there(source, "events"));
        rules.extend(sources.map(|source| (format!("{}_readers", service.name), store::ahead(service, source))));
    }
    rules
}
