//! SQL: where it stands, and that both engines take it the same way.

use super::Finding;
use super::code::{Code, Kind, Word};
use super::tree::{File, Tree};

/// Words that make a text SQL.
const SIGNS: &[&str] = &[
    "SELECT",
    "INSERT INTO",
    "DELETE FROM",
    "WHERE",
    "ORDER BY",
    "GROUP BY",
    "ON CONFLICT",
    "RETURNING",
    "CREATE TABLE",
    "CREATE INDEX",
    "CREATE UNIQUE INDEX",
    "ALTER TABLE",
    "DROP TABLE",
];

/// What a service's SQL must not say, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("DEFERRABLE", "a deferred constraint fails the commit of others"),
    ("DEFERRED", "a deferred constraint fails the commit of others"),
    ("OR ROLLBACK", "it ends the transaction of others"),
    ("OR REPLACE", "SQLite only: ON CONFLICT … DO UPDATE"),
    ("OR IGNORE", "SQLite only: ON CONFLICT DO NOTHING"),
    ("BEGIN", "kit begins and ends transactions"),
    ("COMMIT", "kit begins and ends transactions"),
    ("ROLLBACK", "kit begins and ends transactions"),
    ("SAVEPOINT", "kit begins and ends transactions"),
    ("TRIGGER", "what happens is written where it is decided"),
    ("PRAGMA", "kit opens the database"),
    ("RANDOM", "a closure draws nothing: tx.id()"),
    ("GEN_RANDOM_UUID", "a closure draws nothing: tx.id()"),
    ("NOW", "a closure draws nothing: tx.now()"),
    ("CURRENT_TIMESTAMP", "a closure draws nothing: tx.now()"),
    ("CURRENT_TIME", "a closure draws nothing: tx.now()"),
    ("CURRENT_DATE", "a closure draws nothing: tx.now()"),
    ("FOR UPDATE", "PostgreSQL only: append the lock clause of kit"),
    ("ILIKE", "PostgreSQL only: LOWER(…) LIKE"),
    ("ANY", "PostgreSQL only: IN ($1, $2)"),
    ("OFFSET", "lists go on by key: WHERE (a, id) > ($1, $2)"),
    ("AUTOINCREMENT", "SQLite only: {serial}"),
    ("INTEGER", "whole numbers have 64 bits on both: bigint"),
    ("INT", "whole numbers have 64 bits on both: bigint"),
];

/// SQL text stands in store files and in kit.
pub fn stays_in_store(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, code) in tree.production().filter(|(f, _)| !is_store(f) && !is_free(f)) {
        for word in sql_texts(code) {
            let text = format!("SQL outside of the store: {:?}; move it to store.rs", start_of(&word.text));
            found.push(Finding::new(&file.path, word.line, text));
        }
    }
    found
}

fn is_store(file: &File) -> bool {
    file.path.split('/').any(|part| matches!(part, "store" | "store.rs"))
}

/// Kit knows the engines, the test platform makes databases, and nothing here runs in a service.
fn is_free(file: &File) -> bool {
    ["crates/kit/", "crates/testing/", "xtask/"].iter().any(|folder| file.path.starts_with(folder))
}

/// Services' SQL is in the subset that both engines share and that group commit bears.
pub fn shared_subset(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, code) in tree.production().filter(|(f, _)| !is_free(f)) {
        for word in code.production_words().map(|(_, w)| w).filter(|w| w.kind == Kind::Text && (is_sql(&w.text) || is_control(&w.text))) {
            found.extend(refused(&word.text).map(|(_, text)| Finding::new(&file.path, word.line, text)));
        }
    }
    // A second text for PostgreSQL alone may say what only PostgreSQL understands.
    for file in tree.files.iter().filter(|f| f.path.ends_with(".sql") && f.in_service().is_some() && !f.path.ends_with(".postgres.sql")) {
        found.extend(refused(&file.text).map(|(line, text)| Finding::new(&file.path, line, text)));
    }
    found
}

fn refused(sql: &str) -> impl Iterator<Item = (usize, String)> {
    let words = words_of(sql);
    let upper: Vec<String> = words.iter().map(|(_, w)| w.to_uppercase()).collect();
    let mut found = Vec::new();
    for (index, (line, word)) in words.iter().enumerate() {
        for (phrase, reason) in FORBIDDEN.iter().filter(|(phrase, _)| starts_with(&upper[index..], phrase)) {
            found.push((*line, format!("{phrase} in SQL; {reason}")));
        }
        let follows = |text: &str| upper.get(index + 1).is_some_and(|next| next == text);
        if upper[index] == "SUM"
            && follows("(")
            && !(index > 1 && upper[index - 1] == "(" && matches!(upper[index - 2].as_str(), "CAST" | "COALESCE"))
        {
            found.push((*line, "SUM is NUMERIC on PostgreSQL; CAST(SUM(…) AS BIGINT)".into()));
        }
        if upper[index] == "SELECT" && follows("*") {
            found.push((*line, "SELECT *; name the columns, their order is not promised".into()));
        }
        if word == "?" {
            found.push((*line, "a parameter ?; parameters are $1, $2, …".into()));
        }
    }
    found.into_iter()
}

/// `rows(…)` returns them in a stated order.
pub fn rows_are_ordered(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, code) in tree.production().filter(|(f, _)| !f.path.starts_with("crates/kit/src/db/")) {
        for (index, word) in code.production_words().filter(|(i, _)| code.reads(*i, &[".", "rows", "("])) {
            let text = first_argument(code, index + 3);
            if is_unordered(&text) {
                let text = format!("many rows in no order: {:?}; end with an ORDER BY that ends in a unique column", start_of(&text));
                found.push(Finding::new(&file.path, word.line, text));
            }
        }
    }
    found
}

/// The texts of the argument that begins at `index`.
fn first_argument(code: &Code, index: usize) -> String {
    let (mut depth, mut text) = (0, String::new());
    for word in &code.words[index..] {
        match (word.kind, word.text.as_str()) {
            (Kind::Sign, "(" | "[" | "{") => depth += 1,
            (Kind::Sign, ")" | "]" | "}") if depth == 0 => break,
            (Kind::Sign, ")" | "]" | "}") => depth -= 1,
            (Kind::Sign, ",") if depth == 0 => break,
            (Kind::Text, part) => text += part,
            _ => {}
        }
    }
    text
}

fn is_unordered(sql: &str) -> bool {
    let words: Vec<String> = words_of(sql).into_iter().map(|(_, w)| w.to_uppercase()).collect();
    let says = |phrase: &str| (0..words.len()).any(|i| starts_with(&words[i..], phrase));
    let reads = matches!(words.first().map(String::as_str), Some("SELECT" | "WITH"));
    let one_row = says("LIMIT 1") || ["COUNT (", "SUM (", "MAX (", "MIN ("].iter().any(|f| says(f)) && !says("GROUP BY");
    let open_end = sql.trim_end().ends_with('}');
    reads && !one_row && !says("ORDER BY") && !open_end
}

/// Every migration is numbered without a gap and named in the service's source.
pub fn migrations(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut last = ("", 0, "");
    for file in &tree.files {
        let Some((service, name)) = file.in_service().and_then(|(s, rest)| Some((s, rest.strip_prefix("migrations/")?))) else { continue };
        let source = || tree.production().filter(|(f, _)| f.in_service().is_some_and(|(s, _)| s == service));
        if !source().any(|(_, code)| code.words.iter().any(|w| w.kind == Kind::Text && w.text.ends_with(name))) {
            found.push(Finding::new(&file.path, 1, "no source of the service names this migration, so it never runs"));
        }
        let number = name.get(..4).and_then(|n| n.parse::<u32>().ok()).filter(|_| name.get(4..5) == Some("_"));
        let expected = if last.0 == service { last.1 + 1 } else { 1 };
        // One step may have a text for each engine.
        let step = name.trim_end_matches(".sql").trim_end_matches(".postgres");
        match number {
            Some(n) if n == expected || (service, n, step) == last => {}
            Some(n) => found.push(Finding::new(&file.path, 1, format!("number {n:04}; the next one is {expected:04}"))),
            None => found.push(Finding::new(&file.path, 1, "migrations are called 0001_what_it_does.sql")),
        }
        last = (service, number.unwrap_or(expected), step);
    }
    found
}

fn sql_texts(code: &Code) -> impl Iterator<Item = &Word> {
    code.production_words().map(|(_, w)| w).filter(|w| w.kind == Kind::Text && is_sql(&w.text))
}

/// Keywords are written in capitals; prose is not.
fn is_sql(text: &str) -> bool {
    let words = words_of(text);
    let words: Vec<String> = words.into_iter().map(|(_, w)| w).collect();
    let update = words.first().is_some_and(|w| w == "UPDATE") && words.iter().any(|w| w == "SET");
    update || SIGNS.iter().any(|sign| (0..words.len()).any(|i| starts_with(&words[i..], sign)))
}

fn is_control(text: &str) -> bool {
    let first = words_of(text).into_iter().next().map(|(_, w)| w).unwrap_or_default();
    matches!(first.as_str(), "BEGIN" | "COMMIT" | "ROLLBACK" | "SAVEPOINT" | "PRAGMA")
}

/// Words and signs with their lines, without quoted text and comments.
fn words_of(sql: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    for (index, line) in sql.lines().enumerate() {
        let line = line.split("--").next().unwrap_or("");
        let plain = line.split('\'').step_by(2).collect::<Vec<_>>().join(" ");
        let mut word = String::new();
        for c in plain.chars().chain([' ']) {
            if c.is_alphanumeric() || c == '_' {
                word.push(c);
                continue;
            }
            if !word.is_empty() {
                words.push((index + 1, std::mem::take(&mut word)));
            }
            if !c.is_whitespace() {
                words.push((index + 1, c.to_string()));
            }
        }
    }
    words
}

fn starts_with(words: &[String], phrase: &str) -> bool {
    let parts = phrase.split(' ');
    words.len() >= parts.clone().count() && parts.zip(words).all(|(part, word)| part == word)
}

fn start_of(sql: &str) -> String {
    sql.split_whitespace().take(6).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
