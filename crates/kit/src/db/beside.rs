//! The same statement on the tables beside a read model's own.

use std::borrow::Cow;

use crate::events::Table;

/// The statement with `<name>_next` in place of each of `tables`.
pub(super) fn named<'s>(sql: &'s str, service: &str, tables: &[Table]) -> Cow<'s, str> {
    if tables.is_empty() {
        return Cow::Borrowed(sql);
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (mut out, mut rest) = (String::with_capacity(sql.len() + 32), sql);
    while let Some(dot) = rest.find('.') {
        let (head, tail) = rest.split_at(dot + 1);
        let schema = head[..dot].rsplit(|c| !is_word(c)).next().unwrap_or_default();
        let (word, after) = tail.split_at(tail.find(|c| !is_word(c)).unwrap_or(tail.len()));
        out.push_str(head);
        out.push_str(word);
        if (schema == "own" || schema == service) && tables.iter().any(|t| t.name == word) {
            out.push_str("_next");
        }
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_the_model_are_named_and_no_others() {
        let table = |name| Table { name, key: "id", stream: "id" };
        let tables = [table("orders"), table("returns")];
        let rows = [
            ("UPDATE orders.orders SET n = orders.orders.n + 1.5", "UPDATE orders.orders_next SET n = orders.orders_next.n + 1.5"),
            ("SELECT o.id FROM own.returns o WHERE o.orders = $1", "SELECT o.id FROM own.returns_next o WHERE o.orders = $1"),
            (
                "INSERT INTO orders.orders(id) SELECT id FROM orders.orders_old",
                "INSERT INTO orders.orders_next(id) SELECT id FROM orders.orders_old",
            ),
            ("SELECT 1", "SELECT 1"),
            ("SELECT payments.orders.id FROM own.events", "SELECT payments.orders.id FROM own.events"),
        ];
        for (sql, expected) in rows {
            assert_eq!(named(sql, "orders", &tables), expected);
        }
        assert!(matches!(named(rows[0].0, "orders", &[]), Cow::Borrowed(_)));
    }
}
