use super::super::said;
use super::*;

fn in_store(text: &str) -> String {
    format!("fn f(q: &mut Query) {{\n    q.rows({text:?}, &[]);\n}}")
}

#[test]
fn sql_outside_the_store_is_named() {
    let text = in_store("SELECT id FROM orders.lines ORDER BY id");
    let found = said(stays_in_store, &[("services/orders/src/app.rs", &text)]);
    assert_eq!(
        found,
        ["services/orders/src/app.rs:2: SQL outside of the store: \"SELECT id FROM orders.lines ORDER BY\"; move it to store.rs"]
    );
    for place in
        ["services/orders/src/store.rs", "services/orders/src/store/lines.rs", "crates/kit/src/jobs.rs", "services/orders/tests/it/main.rs"]
    {
        assert!(said(stays_in_store, &[(place, &text)]).is_empty(), "{place}");
    }
    let prose = "/// SELECT is for stores.\nfn f() { g(\"select a product, then update it and set a price where you like\") }";
    assert!(said(stays_in_store, &[("services/orders/src/app.rs", prose)]).is_empty());
    let part = "fn f() { g(\" WHERE id = $1\"); h(\"UPDATE orders.lines SET a = 1\") }";
    assert_eq!(said(stays_in_store, &[("services/orders/src/app.rs", part)]).len(), 2);
}

#[test]
fn what_only_one_engine_takes_or_breaks_group_commit_is_named() {
    let cases: &[(&str, usize)] = &[
        ("SELECT a FROM o.t WHERE b = $1", 0),
        ("SELECT CAST(SUM(a) AS BIGINT) FROM o.t WHERE b = $1", 0),
        ("SELECT COALESCE(CAST(SUM(a) AS BIGINT), 0) FROM o.t", 0),
        ("INSERT INTO o.t (a) VALUES ('OFFSET, NOW()') ON CONFLICT (a) DO NOTHING", 0),
        ("SELECT SUM(a) FROM o.t", 1),
        ("SELECT * FROM o.t", 1),
        ("SELECT a FROM o.t WHERE b = ?1", 1),
        ("SELECT a FROM o.t WHERE b = ANY($1)", 1),
        ("SELECT a FROM o.t WHERE b = $1 FOR UPDATE", 1),
        ("SELECT a FROM o.t LIMIT 3 OFFSET 9", 1),
        ("INSERT OR REPLACE INTO o.t (a) VALUES ($1) RETURNING a", 1),
        ("UPDATE o.t SET a = now()", 1),
        ("INSERT INTO o.t (a) VALUES (random())", 1),
        ("SAVEPOINT a", 1),
        ("PRAGMA synchronous = OFF", 1),
        ("COMMIT", 1),
    ];
    for (sql, count) in cases {
        let found = said(shared_subset, &[("services/orders/src/store.rs", &in_store(sql))]);
        assert_eq!(found.len(), *count, "{sql}: {found:?}");
    }
    assert!(said(shared_subset, &[("crates/kit/src/db/sqlite.rs", &in_store("PRAGMA synchronous = FULL"))]).is_empty());
}

#[test]
fn migrations_are_in_the_subset_too() {
    let text = "CREATE TABLE own.a (\n  id {id} PRIMARY KEY,\n  n integer NOT NULL, -- now\n  b {id} REFERENCES own.b DEFERRABLE\n);\n";
    let found = said(shared_subset, &[("services/orders/migrations/0001_a.sql", text)]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("services/orders/migrations/0001_a.sql:3: INTEGER"), "{found:?}");
    assert!(found[1].starts_with("services/orders/migrations/0001_a.sql:4: DEFERRABLE"), "{found:?}");
    assert!(said(shared_subset, &[("services/orders/migrations/0001_a.postgres.sql", text)]).is_empty());
}

#[test]
fn many_rows_come_in_an_order() {
    let cases: &[(&str, usize)] = &[
        ("SELECT a FROM o.t WHERE b = $1", 1),
        ("WITH x AS (SELECT 1) SELECT a FROM x", 1),
        ("SELECT a, COUNT(*) FROM o.t GROUP BY a", 1),
        ("SELECT a FROM o.t ORDER BY a", 0),
        ("SELECT COUNT(*) FROM o.t", 0),
        ("SELECT a FROM o.t WHERE id = $1 LIMIT 1", 0),
        ("UPDATE o.t SET a = 1 RETURNING id", 0),
        ("SELECT a FROM o.t {order}", 0),
    ];
    for (sql, count) in cases {
        let found = said(rows_are_ordered, &[("services/orders/src/store.rs", &in_store(sql))]);
        assert_eq!(found.len(), *count, "{sql}: {found:?}");
    }
    let formatted = "fn f() {\n  q.rows(&format!(\"SELECT {COLUMNS} FROM o.t\"), &[\"ORDER BY\"]);\n}";
    assert_eq!(said(rows_are_ordered, &[("services/orders/src/store.rs", formatted)]).len(), 1);
    let single = "fn f() {\n  q.row(\"SELECT a FROM o.t WHERE id = $1\", &[]);\n}";
    assert!(said(rows_are_ordered, &[("services/orders/src/store.rs", single)]).is_empty());
}

#[test]
fn migrations_are_numbered_and_named_in_the_source() {
    let lib = ("services/orders/src/lib.rs", "const A: &str = include_str!(\"../migrations/0001_a.sql\");");
    assert!(said(migrations, &[("services/orders/migrations/0001_a.sql", ""), lib]).is_empty());
    let both = ("services/orders/src/lib.rs", "const A: [&str; 2] = [\"0001_a.postgres.sql\", \"0001_a.sql\"];");
    let texts = ["services/orders/migrations/0001_a.postgres.sql", "services/orders/migrations/0001_a.sql"].map(|path| (path, ""));
    assert!(said(migrations, &[texts[0], texts[1], both]).is_empty(), "one step, a text for each engine");
    let found = said(migrations, &[("services/orders/migrations/0001_a.sql", ""), ("services/orders/migrations/0003_b.sql", ""), lib]);
    assert_eq!(
        found,
        [
            "services/orders/migrations/0003_b.sql:1: no source of the service names this migration, so it never runs",
            "services/orders/migrations/0003_b.sql:1: number 0003; the next one is 0002",
        ]
    );
    assert_eq!(
        said(migrations, &[("services/orders/migrations/first.sql", ""), ("services/orders/src/lib.rs", "const A: &str = \"first.sql\";")])
            .len(),
        1
    );
}
