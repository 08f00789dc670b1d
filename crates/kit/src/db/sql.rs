//! One SQL text for both engines: schema names, parameters, type words.

use super::Dialect;

/// The text as the engine takes it. `own.` is the service's schema; on SQLite `orders.lines` becomes
/// `orders_lines` and `$1` becomes `?1`. Text in quotes and comments are left alone.
pub(super) fn render(dialect: Dialect, service: &str, sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let mut rest = sql;
    let mut in_word = false;
    while let Some(c) = rest.chars().next() {
        if c == '\'' {
            let end = rest[1..].find('\'').map_or(rest.len(), |i| i + 2);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            in_word = false;
            continue;
        }
        if rest.starts_with("--") {
            let end = rest.find('\n').unwrap_or(rest.len());
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            in_word = false;
            continue;
        }
        if c == '$' && dialect == Dialect::Sqlite {
            out.push('?');
            rest = &rest[1..];
            continue;
        }
        if (c.is_ascii_alphabetic() || c == '_') && !in_word {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let (word, tail) = rest.split_at(end);
            if tail.starts_with('.') && (word == "own" || word == service) {
                out.push_str(service);
                out.push(if dialect == Dialect::Sqlite { '_' } else { '.' });
                rest = &tail[1..];
            } else {
                out.push_str(word);
                rest = tail;
            }
            in_word = !rest.is_empty() && out.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            continue;
        }
        in_word = c.is_ascii_alphanumeric() || c == '_';
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// A migration's text: `render`, then the type words `{id}`, `{time}`, `{json}`, `{text}` (long), `{bytes}`, `{bool}`, `{serial}`.
/// On SQLite, where all services share one name space, the names of indexes get the service's name before them.
pub(super) fn render_migration(dialect: Dialect, service: &str, sql: &str) -> String {
    let words = match dialect {
        Dialect::Sqlite => [
            ("{id}", "blob"),
            ("{time}", "integer"),
            ("{json}", "text"),
            ("{text}", "text"),
            ("{bytes}", "blob"),
            ("{bool}", "integer"),
            ("{serial}", "integer primary key autoincrement"),
        ],
        Dialect::Postgres => [
            ("{id}", "uuid"),
            ("{time}", "timestamptz"),
            ("{json}", "jsonb"),
            ("{text}", "text"),
            ("{bytes}", "bytea"),
            ("{bool}", "boolean"),
            ("{serial}", "bigserial primary key"),
        ],
    };
    let text = words.iter().fold(render(dialect, service, sql), |text, (word, with)| text.replace(word, with));
    if dialect == Dialect::Postgres {
        return text;
    }
    let text = if is_small_keyed_table(sql) { format!("{} WITHOUT ROWID", text.trim_end()) } else { text };
    name_index(&text, service).unwrap_or(text)
}

/// Whether a statement makes a table that has a key of its own and no column of any size. Its rows lie in the tree of their key
/// instead of in two trees, so that a change of one dirties a page less. Large rows would spill out of such a tree.
fn is_small_keyed_table(sql: &str) -> bool {
    let makes_table = words_from(sql, "create").and_then(|rest| words_from(rest, "table")).is_some();
    makes_table && sql.contains("PRIMARY KEY") && !["{serial}", "{json}", "{text}", "{bytes}"].iter().any(|word| sql.contains(word))
}

fn name_index(text: &str, service: &str) -> Option<String> {
    let mut rest = words_from(text, "create")?;
    rest = words_from(rest, "unique").unwrap_or(rest);
    rest = words_from(rest, "index")?;
    let condition = ["if", "not", "exists"].into_iter().try_fold(rest, words_from);
    rest = condition.unwrap_or(rest);
    let at = text.len() - rest.len();
    Some(format!("{}{service}_{}", &text[..at], rest))
}

/// What follows `word` at the beginning of `text`, whatever its case.
fn words_from<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let text = skip(text);
    let (head, tail) = text.split_at_checked(word.len())?;
    let whole = tail.starts_with(char::is_whitespace);
    (whole && head.eq_ignore_ascii_case(word)).then(|| tail.trim_start())
}

/// Without the white space and comments at the beginning.
pub(super) fn skip(text: &str) -> &str {
    let text = text.trim_start();
    match text.strip_prefix("--") {
        Some(comment) => skip(comment.split_once('\n').map_or("", |(_, rest)| rest)),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_names_and_parameters_are_rendered_per_engine() {
        let cases = [
            ("SELECT l.id FROM orders.lines l WHERE l.id = $1", "SELECT l.id FROM orders_lines l WHERE l.id = ?1"),
            ("SELECT 'orders.x $1' FROM own.events", "SELECT 'orders.x $1' FROM orders_events"),
            ("UPDATE orders.orders SET n = orders.orders.n", "UPDATE orders_orders SET n = orders_orders.n"),
            ("SELECT my_orders.x", "SELECT my_orders.x"),
            ("-- the shopper's own.x\nSELECT own.x", "-- the shopper's own.x\nSELECT orders_x"),
        ];
        for (sql, sqlite) in cases {
            assert_eq!(render(Dialect::Sqlite, "orders", sql), sqlite);
        }
        assert_eq!(render(Dialect::Postgres, "orders", "FROM own.a, orders.b $1"), "FROM orders.a, orders.b $1");
    }

    #[test]
    fn indexes_are_named_after_their_service_where_all_share_one_name_space() {
        let cases = [
            ("CREATE INDEX newest ON own.a (b)", "CREATE INDEX orders_newest ON orders_a (b)"),
            (
                "-- why\n create unique index if not exists n ON own.a (b)",
                "-- why\n create unique index if not exists orders_n ON orders_a (b)",
            ),
            ("CREATE TABLE own.index (b)", "CREATE TABLE orders_index (b)"),
        ];
        for (sql, sqlite) in cases {
            assert_eq!(render_migration(Dialect::Sqlite, "orders", sql), sqlite);
        }
        assert_eq!(render_migration(Dialect::Postgres, "orders", cases[0].0), "CREATE INDEX newest ON orders.a (b)");
    }

    #[test]
    fn small_tables_lie_in_the_tree_of_their_key() {
        let cases = [
            ("CREATE TABLE own.a (b {id} PRIMARY KEY)\n", "CREATE TABLE orders_a (b blob PRIMARY KEY) WITHOUT ROWID"),
            ("CREATE TABLE own.a (b {id} PRIMARY KEY, c {json})", "CREATE TABLE orders_a (b blob PRIMARY KEY, c text)"),
            ("CREATE TABLE own.a (b {id} PRIMARY KEY, c {text})", "CREATE TABLE orders_a (b blob PRIMARY KEY, c text)"),
            ("CREATE TABLE own.a (b {serial})", "CREATE TABLE orders_a (b integer primary key autoincrement)"),
            ("CREATE TABLE own.a (b bigint)", "CREATE TABLE orders_a (b bigint)"),
        ];
        for (sql, sqlite) in cases {
            assert_eq!(render_migration(Dialect::Sqlite, "orders", sql), sqlite);
        }
        assert_eq!(render_migration(Dialect::Postgres, "orders", cases[0].0), "CREATE TABLE orders.a (b uuid PRIMARY KEY)\n");
    }
}
