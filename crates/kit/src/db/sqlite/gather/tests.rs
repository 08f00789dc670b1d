use proptest::prelude::*;
use rusqlite::Connection;

use super::super::super::Durability;
use super::{GATHERED_MAX, Gathered};

fn writer(path: &std::path::Path, durability: Durability) -> Connection {
    let conn = super::open(path, durability).unwrap();
    let setup = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 10;
                 CREATE TABLE t (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);";
    conn.execute_batch(setup).unwrap();
    conn
}

/// All rows, as one number and a count.
fn rows(conn: &Connection) -> (i64, i64) {
    conn.query_row("SELECT COUNT(*), COALESCE(SUM(id * length(bytes)), 0) FROM t", [], |r| Ok((r.get(0)?, r.get(1)?))).unwrap()
}

/// What another machine would find that got the files as they are now.
fn found_elsewhere(path: &std::path::Path) -> (i64, i64) {
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("copy.db");
    std::fs::copy(path, &copy).unwrap();
    std::fs::copy(path.with_extension("db-wal"), copy.with_extension("db-wal")).unwrap();
    let conn = Connection::open(&copy).unwrap();
    assert_eq!(conn.query_row("PRAGMA integrity_check", [], |r| r.get::<_, String>(0)).unwrap(), "ok");
    rows(&conn)
}

#[test]
fn what_follows_is_gathered_up_to_a_limit() {
    let mut gathered = Gathered::default();
    assert!(gathered.takes(40, GATHERED_MAX + 1), "the first is always taken");
    gathered.add(40, &[1; 8]);
    assert!(gathered.takes(48, 8));
    assert!(!gathered.takes(47, 8) && !gathered.takes(49, 8) && !gathered.takes(0, 8), "it does not follow");
    assert!(gathered.takes(48, GATHERED_MAX - 8) && !gathered.takes(48, GATHERED_MAX - 7));
}

#[cfg(target_os = "linux")]
#[test]
fn a_commit_of_many_pages_is_few_writes() {
    let writes = || {
        let counters = std::fs::read_to_string("/proc/thread-self/io").unwrap();
        let line = counters.lines().find_map(|l| l.strip_prefix("syscw: ")).unwrap();
        line.parse::<u64>().unwrap()
    };
    let dir = tempfile::tempdir().unwrap();
    let conn = writer(&dir.path().join("few.db"), Durability::Machine);
    conn.execute_batch("PRAGMA cache_size = 1000").unwrap();
    let before = writes();
    conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    for id in 0..100 {
        conn.execute("INSERT INTO t VALUES (?1, zeroblob(3000))", [id]).unwrap();
    }
    conn.execute_batch("COMMIT").unwrap();
    let took = writes() - before;
    assert!((4..=6).contains(&took), "{took} writes for a hundred pages");
}

#[test]
fn what_was_undone_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let conn = writer(&dir.path().join("undone.db"), Durability::Machine);
    let waiting = || super::with_gathered(&conn, |gathered| gathered.bytes.len()).unwrap();
    conn.execute_batch("INSERT INTO t VALUES (0, zeroblob(3000))").unwrap();
    assert_eq!(waiting(), 0, "a commit writes all");
    let log = std::fs::read(dir.path().join("undone.db-wal")).unwrap();
    super::with_gathered(&conn, |gathered| gathered.add(40, b"of a transaction that was undone"));
    super::forget(&conn);
    assert_eq!((waiting(), rows(&conn)), (0, (1, 0)));
    assert_eq!(std::fs::read(dir.path().join("undone.db-wal")).unwrap(), log);
    let usual = Connection::open_in_memory().unwrap();
    assert_eq!(super::with_gathered(&usual, |_| ()), None);
}

/// One step of a writer's life.
#[derive(Clone, Debug)]
enum Step {
    /// So many rows of so many bytes; the cache holds ten pages, so that large ones reach the log before their commit.
    Insert(u8, u16),
    Delete(u8),
    Commit,
    RollBack,
    /// The log is copied into the database and begun anew, or cut.
    Checkpoint(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..40u8, 1..9_000u16).prop_map(|(rows, bytes)| Step::Insert(rows, bytes)),
        2 => any::<u8>().prop_map(Step::Delete),
        3 => Just(Step::Commit),
        1 => Just(Step::RollBack),
        1 => any::<bool>().prop_map(Step::Checkpoint),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// Whatever the writer does, it sees what a usual connection would have seen that did the same; and whenever a commit
    /// has returned, readers and the files themselves show it.
    #[test]
    fn nobody_can_tell_the_difference(steps in prop::collection::vec(step(), 1..40), flushed in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gathered.db");
        let conn = writer(&path, if flushed { Durability::Machine } else { Durability::Process });
        let usual = Connection::open_in_memory().unwrap();
        usual.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)").unwrap();
        let reader = Connection::open(&path).unwrap();
        let both = |sql: &str| [&conn, &usual].map(|c| c.execute_batch(sql).unwrap());
        let is_open = || !conn.is_autocommit();
        for step in steps {
            if !is_open() && !matches!(step, Step::Checkpoint(_)) {
                both("BEGIN IMMEDIATE");
            }
            match step {
                Step::Insert(rows, bytes) => {
                    let sql = format!(
                        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) INSERT INTO t (bytes) SELECT zeroblob({bytes}) FROM n"
                    );
                    both(&sql);
                }
                Step::Delete(at) => { both(&format!("DELETE FROM t WHERE id % 7 = {}", at % 7)); }
                Step::Commit => {
                    both("COMMIT");
                    let expected = rows(&usual);
                    prop_assert_eq!(rows(&reader), expected);
                    prop_assert_eq!(found_elsewhere(&path), expected);
                }
                Step::RollBack => { both("ROLLBACK"); }
                Step::Checkpoint(cuts) if !is_open() => {
                    let how = if cuts { "TRUNCATE" } else { "RESTART" };
                    conn.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(())).unwrap();
                }
                Step::Checkpoint(_) => {}
            }
            prop_assert_eq!(rows(&conn), rows(&usual));
        }
        if is_open() {
            both("COMMIT");
        }
        let expected = rows(&usual);
        drop((conn, reader));
        prop_assert_eq!(rows(&Connection::open(&path).unwrap()), expected);
    }
}
