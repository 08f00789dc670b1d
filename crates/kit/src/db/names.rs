//! The names that PostgreSQL gives to constraints, worked out for SQLite, whose messages carry none.
//!
//! SQLite says `UNIQUE constraint failed: orders_lines.order_id` and `CHECK constraint failed: quantity > 0`;
//! services want `lines_order_id_key` and `lines_quantity_check`. The rules are those of PostgreSQL 15
//! (`ChooseIndexName`, `ChooseConstraintName`, `makeObjectName`).

use std::collections::BTreeSet;

use super::{Db, DbError, Dialect};

/// PostgreSQL's names are cut to so many bytes.
const NAME_MAX: usize = 63;

/// What SQLite keeps of a schema, oldest first.
pub(super) const SCHEMA: &str =
    "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type IN ('table', 'index') ORDER BY rowid";

/// The names under which violations of a service's constraints are reported, sorted: the same on both engines.
pub async fn constraint_names(db: &Db) -> Result<Vec<String>, DbError> {
    let service = db.service();
    if db.dialect() == Dialect::Postgres {
        let text = "SELECT CAST(c.conname AS text) FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
                      WHERE n.nspname = $1 AND c.contype IN ('p', 'u', 'c')
                    UNION SELECT CAST(r.relname AS text) FROM pg_index i JOIN pg_class r ON r.oid = i.indexrelid
                      JOIN pg_namespace n ON n.oid = r.relnamespace WHERE n.nspname = $1 AND i.indisunique
                    ORDER BY 1";
        return db.read(move |q| q.rows(text, crate::params![service])?.iter().map(|r| r.get(0)).collect()).await;
    }
    let read = db.migrate(move |tx| {
        let mut names = Names::default();
        for row in tx.rows(SCHEMA, &[])? {
            let (kind, name, table, sql): (String, String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            names.add(service, &kind, &name, &table, &sql);
        }
        Ok(names.all())
    });
    read.await
}

/// The constraints of one service's tables, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Names {
    used: BTreeSet<String>,
    unique: Vec<Unique>,
    checks: Vec<Check>,
}

#[derive(Debug)]
struct Unique {
    table: String,
    columns: Vec<String>,
    name: String,
}

#[derive(Debug)]
struct Check {
    table: String,
    /// The condition as written, or the name that was given to it: what SQLite's message holds.
    shown: String,
    name: String,
}

impl Names {
    /// Takes in a row of [`SCHEMA`], where it is of `service`.
    pub(super) fn add(&mut self, service: &str, kind: &str, name: &str, table: &str, sql: &str) {
        let (Some(table), Some(name)) = (without_service(service, table), without_service(service, name)) else { return };
        if kind == "table" {
            self.add_table(table, sql);
        } else if words(sql).nth(1).is_some_and(|second| second.is("unique")) {
            self.add_index(table, name, sql);
        }
    }

    fn add_table(&mut self, table: &str, sql: &str) {
        let items = items(sql);
        let columns: Vec<&str> = items.iter().filter_map(|item| item.column()).collect();
        let found: Vec<Found> = items.iter().flat_map(|item| item.constraints()).collect();
        self.used.insert(table.to_owned());
        for check in found.iter().filter(|f| f.kind == Kind::Check) {
            let mut of: Vec<&str> = words(check.inner).map(|w| w.text).filter(|w| columns.contains(w)).collect();
            of.sort_unstable();
            of.dedup();
            let column = if let [one] = of[..] { one } else { "" };
            let name = match check.name {
                Some(name) => self.given(name),
                None => self.choose(table, column, "check"),
            };
            let shown = check.name.unwrap_or(check.inner.trim()).to_owned();
            self.checks.push(Check { table: table.to_owned(), shown, name });
        }
        for kind in [Kind::Primary, Kind::Unique] {
            for key in found.iter().filter(|f| f.kind == kind) {
                let columns = key.columns.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
                let name = match (key.name, kind) {
                    (Some(name), _) => self.given(name),
                    (None, Kind::Primary) => self.choose(table, "", "pkey"),
                    (None, _) => self.choose(table, &columns.join("_"), "key"),
                };
                self.unique.push(Unique { table: table.to_owned(), columns, name });
            }
        }
    }

    fn add_index(&mut self, table: &str, name: &str, sql: &str) {
        let items = items(sql);
        let columns = items.iter().filter_map(|item| item.words.first()).map(|w| w.text.to_owned()).collect();
        let name = self.given(name);
        self.unique.push(Unique { table: table.to_owned(), columns, name });
    }

    /// The name of the unique key over `columns`.
    pub(super) fn unique(&self, table: &str, columns: &[&str]) -> String {
        let found = self.unique.iter().find(|u| u.table == table && u.columns.iter().map(String::as_str).eq(columns.iter().copied()));
        found.map_or_else(|| object_name(table, &columns.join("_"), "key"), |u| u.name.clone())
    }

    /// The name of the check that SQLite calls `shown`; `table` decides where several read the same.
    pub(super) fn check(&self, table: Option<&str>, shown: &str) -> String {
        let mut alike = self.checks.iter().filter(|c| c.shown == shown);
        let first = alike.clone().next();
        let found = alike.find(|c| Some(c.table.as_str()) == table).or(first);
        found.map_or_else(|| shown.to_owned(), |c| c.name.clone())
    }

    /// All names, sorted.
    fn all(&self) -> Vec<String> {
        let mut all: Vec<String> = self.unique.iter().map(|u| &u.name).chain(self.checks.iter().map(|c| &c.name)).cloned().collect();
        all.sort();
        all
    }

    fn given(&mut self, name: &str) -> String {
        self.used.insert(name.to_owned());
        name.to_owned()
    }

    fn choose(&mut self, table: &str, columns: &str, label: &str) -> String {
        let mut name = object_name(table, columns, label);
        let mut pass = 0;
        while !self.used.insert(name.clone()) {
            pass += 1;
            name = object_name(table, columns, &format!("{label}{pass}"));
        }
        name
    }
}

/// A name as PostgreSQL has it: SQLite's begin with the service.
pub(super) fn without_service<'a>(service: &str, name: &'a str) -> Option<&'a str> {
    name.strip_prefix(service)?.strip_prefix('_')
}

fn object_name(table: &str, columns: &str, label: &str) -> String {
    let (mut first, mut second) = (table.len(), columns.len().min(NAME_MAX));
    let room = NAME_MAX - label.len() - 1 - usize::from(second > 0);
    while first + second > room {
        if first > second { first -= 1 } else { second -= 1 }
    }
    let columns = if second > 0 { format!("_{}", &columns[..second]) } else { String::new() };
    format!("{}{columns}_{label}", &table[..first])
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Primary,
    Unique,
    Check,
}

struct Found<'a> {
    kind: Kind,
    name: Option<&'a str>,
    columns: Vec<&'a str>,
    inner: &'a str,
}

/// What stands between two commas of a definition.
struct Item<'a> {
    sql: &'a str,
    words: Vec<Word<'a>>,
}

/// A word, with its depth in parentheses and where it ends.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    depth: usize,
    end: usize,
}

impl Word<'_> {
    fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }
}

impl<'a> Item<'a> {
    fn column(&self) -> Option<&'a str> {
        let first = self.words.first()?;
        let constraint = ["constraint", "primary", "unique", "check", "foreign"].iter().any(|w| first.is(w));
        (!constraint).then_some(first.text)
    }

    fn constraints(&self) -> Vec<Found<'a>> {
        let (mut found, mut name) = (Vec::new(), None);
        let top: Vec<&Word<'a>> = self.words.iter().filter(|w| w.depth == 0).collect();
        for (i, word) in top.iter().enumerate() {
            if word.is("constraint") {
                name = top.get(i + 1).map(|w| w.text);
                continue;
            }
            let kind = match () {
                () if word.is("primary") => Kind::Primary,
                () if word.is("unique") => Kind::Unique,
                () if word.is("check") => Kind::Check,
                () => continue,
            };
            let inner = inner(&self.sql[word.end..]);
            let columns = match self.column() {
                Some(column) => vec![column],
                None => words(inner).map(|w| w.text).collect(),
            };
            found.push(Found { kind, name: name.take(), columns, inner });
        }
        found
    }
}

/// The parts of the outermost parentheses.
fn items(sql: &str) -> Vec<Item<'_>> {
    let body = inner(sql);
    let mut ends = Vec::new();
    let mut depth = 0usize;
    scan(body, |at, c| match c {
        b'(' => depth += 1,
        b')' => depth = depth.saturating_sub(1),
        b',' if depth == 0 => ends.push(at),
        _ => {}
    });
    ends.push(body.len());
    let mut start = 0;
    let mut out = Vec::new();
    for end in ends {
        let sql = &body[start..end];
        out.push(Item { sql, words: words(sql).collect() });
        start = end + 1;
    }
    out
}

/// What stands inside the first parentheses.
fn inner(sql: &str) -> &str {
    let (mut depth, mut start, mut end) = (0usize, None, None);
    scan(sql, |at, c| match c {
        b'(' => {
            depth += 1;
            start.get_or_insert(at + 1);
        }
        b')' => {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                end.get_or_insert(at);
            }
        }
        _ => {}
    });
    match (start, end) {
        (Some(start), Some(end)) => &sql[start..end],
        _ => "",
    }
}

/// The words of `sql` that are not in strings or comments.
fn words(sql: &str) -> impl Iterator<Item = Word<'_>> {
    let mut out = Vec::new();
    let (mut depth, mut open) = (0usize, None::<(usize, usize)>);
    let mut close = |open: &mut Option<(usize, usize)>| {
        if let Some((start, end)) = open.take()
            && !sql[start..end].starts_with(|c: char| c.is_ascii_digit())
        {
            out.push((start, end));
        }
    };
    let mut depths = Vec::new();
    scan(sql, |at, c| {
        if c.is_ascii_alphanumeric() || c == b'_' {
            match &mut open {
                Some((_, end)) if *end == at => *end = at + 1,
                _ => {
                    close(&mut open);
                    open = Some((at, at + 1));
                }
            }
            return;
        }
        close(&mut open);
        match c {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => return,
        }
        depths.push((at, depth));
    });
    close(&mut open);
    let depth_at = move |at: usize| depths.iter().take_while(|(from, _)| *from < at).last().map_or(0, |(_, depth)| *depth);
    out.into_iter().map(move |(start, end)| Word { text: &sql[start..end], depth: depth_at(start), end })
}

/// Calls `see` for every byte outside strings and comments.
fn scan(sql: &str, mut see: impl FnMut(usize, u8)) {
    let bytes = sql.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let skip_to = match bytes[at] {
            b'\'' => Some('\''),
            b'-' if bytes.get(at + 1) == Some(&b'-') => Some('\n'),
            _ => None,
        };
        match skip_to {
            Some(end) => at = sql[at + 1..].find(end).map_or(bytes.len(), |i| at + i + 2),
            None => {
                see(at, bytes[at]);
                at += 1;
            }
        }
    }
}
