use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use kit::db::{Database, migrate};
use kit::{DbError, Migration, params};

use super::{Bed, STEPS, add, ids, insert, service};

/// Keeps the writer busy until the sender is dropped, so that everything sent meanwhile is one batch.
/// Returns once the writer is held.
pub async fn hold(bed: &Bed) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), DbError>>) {
    let (release, held) = mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let (started, wait) = tokio::sync::oneshot::channel();
    let started = std::sync::Mutex::new(Some(started));
    let task = tokio::spawn(bed.db.write(move |_| {
        started.lock().unwrap().take().map(|s| s.send(()));
        let _ = held.lock().unwrap().recv();
        Ok(())
    }));
    wait.await.unwrap();
    (release, task)
}

#[tokio::test]
async fn a_batch_is_flushed_once() {
    let bed = Bed::new().await;
    let (release, held) = hold(&bed).await;
    let before = bed.database.counts();
    let writes: Vec<_> = (1..=100).map(|id| tokio::spawn(add(&bed.db, id))).collect();
    tokio::task::yield_now().await;
    drop(release);
    held.await.unwrap().unwrap();
    for write in writes {
        write.await.unwrap().unwrap();
    }
    let done = bed.database.counts().since(&before);
    assert_eq!((done.total().transactions, done.total().statements), (100, 100));
    assert!(done.flushes <= 2, "{} flushes for 100 closures", done.flushes);
    assert_eq!(ids(&bed.db).await.len(), 100);
}

#[tokio::test]
async fn a_refusal_undoes_its_closure_and_is_answered_after_the_flush() {
    let bed = Bed::new().await;
    let (release, held) = hold(&bed).await;
    let first = tokio::spawn(add(&bed.db, 1));
    tokio::task::yield_now().await;
    // The refusal rests on the row above, which is not durable yet; whoever hears it must then find the row.
    let refused = tokio::spawn(bed.db.write(|tx| {
        insert(tx, 2)?;
        match tx.row("SELECT 1 FROM own.items WHERE id = 1", &[])? {
            Some(_) => Err(DbError::Unavailable("it is there".into())),
            None => Ok(()),
        }
    }));
    tokio::task::yield_now().await;
    let flushes = bed.database.counts().flushes;
    drop(release);
    assert_eq!(refused.await.unwrap(), Err(DbError::Unavailable("it is there".into())));
    assert_eq!(bed.database.counts().flushes, flushes + 1, "answered before the flush");
    assert_eq!(ids(&bed.db).await, [1]);
    first.await.unwrap().unwrap();
    held.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_refusal_after_a_write_undoes_nothing_of_its_batch() {
    let bed = Bed::new().await;
    // The first batch runs without savepoints and again with them, the others with them at once.
    for round in 0..3 {
        let (release, held) = hold(&bed).await;
        let ids_of_round = |from: i64| (round * 100 + from)..(round * 100 + from + 5);
        let before: Vec<_> = ids_of_round(0).map(|id| tokio::spawn(add(&bed.db, id))).collect();
        tokio::task::yield_now().await;
        let refused = tokio::spawn(bed.db.write(move |tx| {
            insert(tx, round * 100 + 50)?;
            Err::<(), _>(DbError::Unavailable("no".into()))
        }));
        tokio::task::yield_now().await;
        let after: Vec<_> = ids_of_round(10).map(|id| tokio::spawn(add(&bed.db, id))).collect();
        tokio::task::yield_now().await;
        drop(release);
        held.await.unwrap().unwrap();
        assert_eq!(refused.await.unwrap(), Err(DbError::Unavailable("no".into())));
        for write in before.into_iter().chain(after) {
            write.await.unwrap().unwrap();
        }
        let kept: Vec<i64> = ids(&bed.db).await.into_iter().filter(|id| id / 100 == round).collect();
        assert_eq!(kept, ids_of_round(0).chain(ids_of_round(10)).collect::<Vec<_>>());
    }
    let counts = bed.database.counts().total();
    assert_eq!(counts.refusals, 3);
    assert!(counts.repeats > 0, "nothing was run again");
}

#[tokio::test]
async fn a_panic_is_undone_and_the_writer_lives_on() {
    let bed = Bed::new().await;
    let panicked = bed.db.write(|tx| -> Result<(), DbError> {
        insert(tx, 1)?;
        panic!("a mistake");
    });
    assert!(matches!(panicked.await, Err(DbError::Internal(reason)) if reason.contains("a mistake")));
    let after = bed.db.write(|tx| {
        tx.after_commit(|| panic!("after the commit"));
        insert(tx, 2)
    });
    after.await.unwrap();
    add(&bed.db, 3).await.unwrap();
    assert_eq!(ids(&bed.db).await, [2, 3]);
}

#[tokio::test]
async fn a_transaction_is_dead_after_its_first_error() {
    let bed = Bed::new().await;
    add(&bed.db, 1).await.unwrap();
    let hidden = bed.db.write(|tx| {
        let _ = tx.execute("INSERT INTO own.items (id, name, quantity) VALUES (1, 'another', 1)", &[]);
        let _ = insert(tx, 2);
        Ok::<_, DbError>(())
    });
    assert_eq!(hidden.await, Err(DbError::Unique("items_pkey".into())));
    assert_eq!(ids(&bed.db).await, [1]);
}

#[tokio::test]
async fn a_closure_that_ends_the_transaction_takes_nobody_with_it() {
    let bed = Bed::new().await;
    add(&bed.db, 1).await.unwrap();
    let (release, held) = hold(&bed).await;
    let runs = Arc::new(AtomicU64::new(0));
    let mut writes: Vec<_> = (2..=4).map(|id| tokio::spawn(add(&bed.db, id))).collect();
    tokio::task::yield_now().await;
    let counted = runs.clone();
    let guilty = tokio::spawn(bed.db.write(move |tx| {
        counted.fetch_add(1, Ordering::SeqCst);
        // Only here: it ends the whole transaction, which no service may.
        tx.execute("INSERT OR ROLLBACK INTO own.items (id, name, quantity) VALUES ($1, 'again', 1)", params![1]).map(drop)?;
        insert(tx, 100)
    }));
    tokio::task::yield_now().await;
    writes.extend((5..=7).map(|id| tokio::spawn(add(&bed.db, id))));
    tokio::task::yield_now().await;
    drop(release);
    held.await.unwrap().unwrap();
    assert_eq!(guilty.await.unwrap(), Err(DbError::Unique("items_pkey".into())));
    for write in writes {
        write.await.unwrap().unwrap();
    }
    assert_eq!(ids(&bed.db).await, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(runs.load(Ordering::SeqCst), 2, "once with the others, once alone");
}

#[tokio::test]
async fn a_deferred_constraint_fails_its_own_closure_only() {
    const DEFERRED: &[Migration] = &[Migration::new(
        "0001_items",
        "CREATE TABLE own.items (id bigint PRIMARY KEY, name text, quantity bigint);\n\
         CREATE TABLE own.parts (id bigint PRIMARY KEY, item bigint REFERENCES own.items (id) DEFERRABLE INITIALLY DEFERRED);\n",
    )];
    let folder = tempfile::tempdir().unwrap();
    let database = Database::sqlite(&folder.path().join("haat.db")).unwrap();
    let bed = Bed::on(database, folder, DEFERRED).await.unwrap();
    let (release, held) = hold(&bed).await;
    let good = tokio::spawn(add(&bed.db, 1));
    let guilty = tokio::spawn(bed.db.write(|tx| tx.execute("INSERT INTO own.parts (id, item) VALUES (1, 99)", &[])));
    let also = tokio::spawn(add(&bed.db, 2));
    tokio::task::yield_now().await;
    drop(release);
    held.await.unwrap().unwrap();
    assert!(matches!(guilty.await.unwrap(), Err(DbError::Internal(e)) if e.contains("FOREIGN KEY")));
    good.await.unwrap().unwrap();
    also.await.unwrap().unwrap();
    assert_eq!(ids(&bed.db).await, [1, 2]);
}

#[tokio::test]
async fn a_caller_that_left_before_the_start_is_skipped() {
    let bed = Bed::new().await;
    let (release, held) = hold(&bed).await;
    drop(bed.db.write(|tx| insert(tx, 1)));
    let kept = tokio::spawn(add(&bed.db, 2));
    tokio::task::yield_now().await;
    drop(release);
    held.await.unwrap().unwrap();
    kept.await.unwrap().unwrap();
    assert_eq!(ids(&bed.db).await, [2]);
}

#[tokio::test]
async fn what_is_past_its_deadline_is_refused_before_it_starts() {
    let bed = Bed::new().await;
    let late = kit::Context { deadline: Some(contracts::Time(1)), ..kit::Context::default() };
    let write = kit::context::scope(late, async { add(&bed.db, 1).await });
    assert_eq!(write.await, Err(DbError::Overloaded));
    assert_eq!(ids(&bed.db).await, Vec::<i64>::new());
}

/// The queue's clock is that of the test, which stands still; the writer is held.
#[tokio::test(start_paused = true)]
async fn nothing_new_begins_while_others_wait_too_long() {
    let bed = Bed::new().await;
    assert_eq!(bed.db.admit(), Ok(()));
    let (release, held) = hold(&bed).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(bed.db.admit(), Ok(()), "nobody waits");
    let write = |id: i64| bed.db.write(move |tx| insert(tx, id));
    let waiting: Vec<_> = (1..64).map(write).collect();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(bed.db.admit(), Ok(()), "few wait");
    drop(release);
    held.await.unwrap().unwrap();
    for one in waiting {
        one.await.unwrap();
    }
    let (release, held) = hold(&bed).await;
    let waiting: Vec<_> = (64..128).map(write).collect();
    for (more_ms, admitted) in [(25, 4), (25, 2), (24, 0), (1, 0), (60_000, 0)] {
        tokio::time::advance(Duration::from_millis(more_ms)).await;
        assert_eq!((0..4).filter(|_| bed.db.admit().is_ok()).count(), admitted, "{more_ms}");
    }
    assert_eq!(bed.db.admit(), Err(DbError::Overloaded));
    drop(release);
    held.await.unwrap().unwrap();
    for one in waiting {
        one.await.unwrap();
    }
    assert_eq!(bed.db.admit(), Ok(()));
}

/// The runtime has one thread, which does not come to the answers while this looks.
#[tokio::test]
async fn nothing_new_begins_while_answers_wait_too_long() {
    let bed = Bed::new().await;
    let before = bed.database.counts();
    let waiting: Vec<_> = (0..64).map(|id| bed.db.write(move |tx| insert(tx, id))).collect();
    let until = |done: &dyn Fn() -> bool, what: &str| {
        let began = tokio::time::Instant::now();
        while !done() {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}");
            std::thread::yield_now();
        }
    };
    let written = || bed.database.counts().since(&before).total().transactions >= 64;
    until(&written, "they are not written");
    until(&|| bed.db.admit().is_err(), "nobody is answered, and more begins");
    for one in waiting {
        one.await.unwrap();
    }
    assert_eq!(bed.db.admit(), Ok(()));
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let bed = Bed::new().await;
    let (release, held) = hold(&bed).await;
    let waiting: Vec<_> = (0..1_024).map(|id| bed.db.write(move |tx| insert(tx, id))).collect();
    assert_eq!(add(&bed.db, 5_000).await, Err(DbError::Overloaded));
    // The other queue has room of its own.
    let behind = bed.db.write_behind(|tx| insert(tx, 6_000));
    drop(release);
    held.await.unwrap().unwrap();
    for write in waiting {
        write.await.unwrap();
    }
    behind.await.unwrap();
    assert_eq!(ids(&bed.db).await.len(), 1_025);
}

#[tokio::test]
async fn work_that_nobody_waits_for_goes_behind() {
    let bed = Bed::new().await;
    let (release, held) = hold(&bed).await;
    let behind = tokio::spawn(bed.db.write_behind(|tx| {
        let seen = tx.rows("SELECT id FROM own.items ORDER BY id", &[])?.len();
        Ok::<_, DbError>(seen)
    }));
    let writes: Vec<_> = (0..10).map(|id| tokio::spawn(add(&bed.db, id))).collect();
    tokio::task::yield_now().await;
    drop(release);
    held.await.unwrap().unwrap();
    assert_eq!(behind.await.unwrap().unwrap(), 10, "it ran before what came later and somebody waits for");
    for write in writes {
        write.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_service_reaches_its_own_tables_and_no_others() {
    let bed = Bed::new().await;
    let cart = service(&bed.database, "cart");
    add(&cart, 7).await.unwrap();
    // The same text was prepared for the other service before; it must not be taken from the cache.
    for sql in [
        "SELECT id FROM cart_items ORDER BY id",
        "INSERT INTO cart_items (id, name, quantity) VALUES (1, 'x', 1)",
        "UPDATE cart_items SET quantity = 5",
        "DELETE FROM cart_items",
        "INSERT INTO own.items SELECT * FROM cart_items",
        "SELECT name FROM sqlite_master ORDER BY name",
        "PRAGMA synchronous = OFF",
        "ATTACH 'x.db' AS x",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT x",
        "RELEASE one",
        "CREATE TABLE own.more (id bigint)",
        "DROP TABLE own.items",
        "SELECT random()",
        "SELECT CURRENT_TIMESTAMP",
        "INSERT INTO own.items (id, name, quantity) VALUES (random(), 'x', 1)",
    ] {
        cart.write(move |tx| if sql.contains("cart_items") { tx.rows(sql, &[]).map(drop) } else { Ok(()) }).await.ok();
        let refused = bed.db.write(move |tx| tx.execute(sql, &[])).await;
        assert!(matches!(&refused, Err(DbError::Internal(e)) if e.contains("orders may not")), "{sql}: {refused:?}");
    }
    add(&bed.db, 1).await.unwrap();
    assert_eq!(ids(&bed.db).await, [1]);
}

#[tokio::test]
async fn a_read_writes_nothing() {
    let bed = Bed::new().await;
    let read = bed.db.read(|q| q.rows("INSERT INTO own.items (id, name, quantity) VALUES (1, 'x', 1) RETURNING id", &[]));
    assert!(matches!(read.await, Err(DbError::Internal(_))));
    assert_eq!(ids(&bed.db).await, Vec::<i64>::new());
}

#[tokio::test]
async fn a_read_is_one_snapshot_with_everything_acknowledged() {
    let bed = Bed::new().await;
    for id in 0..50 {
        add(&bed.db, id).await.unwrap();
        assert_eq!(ids(&bed.db).await.len(), usize::try_from(id).unwrap() + 1);
    }
    let other = bed.db.clone();
    let (go, gone) = mpsc::channel::<()>();
    let (started, wait) = tokio::sync::oneshot::channel();
    let state = std::sync::Mutex::new((Some(started), gone));
    let reader = tokio::task::spawn_blocking(move || {
        tokio::runtime::Handle::current().block_on(other.read(move |q| {
            let first = q.rows("SELECT id FROM own.items ORDER BY id", &[])?.len();
            let mut state = state.lock().unwrap();
            state.0.take().map(|s| s.send(()));
            let _ = state.1.recv();
            let second = q.rows("SELECT id FROM own.items ORDER BY id", &[])?.len();
            Ok::<_, DbError>((first, second))
        }))
    });
    wait.await.unwrap();
    add(&bed.db, 99).await.unwrap();
    drop(go);
    assert_eq!(reader.await.unwrap().unwrap(), (50, 50));
}

#[tokio::test]
async fn constraints_have_the_names_that_postgresql_gives() {
    let bed = Bed::new().await;
    add(&bed.db, 1).await.unwrap();
    let cases: [(&str, DbError); 3] = [
        ("INSERT INTO own.items (id, name, quantity) VALUES (1, 'x', 1)", DbError::Unique("items_pkey".into())),
        ("INSERT INTO own.items (id, name, quantity) VALUES (2, 'item 1', 1)", DbError::Unique("items_name_key".into())),
        ("UPDATE own.items SET quantity = quantity - 5", DbError::Check("items_quantity_check".into())),
    ];
    for (sql, expected) in cases {
        assert_eq!(bed.db.write(move |tx| tx.execute(sql, &[])).await, Err(expected), "{sql}");
    }
}

#[tokio::test]
async fn one_process_at_a_time() {
    let bed = Bed::new().await;
    let path = bed.folder.path().join("haat.db");
    let Err(DbError::Unavailable(reason)) = Database::sqlite(&path) else { panic!("opened twice") };
    assert!(reason.contains("is in use by another haat (process "), "{reason}");
    bed.database.close();
    assert!(matches!(add(&bed.db, 1).await, Err(DbError::Unavailable(_))));
    let again = Database::sqlite(&path).unwrap();
    migrate(&again, "orders", STEPS).await.unwrap();
    add(&service(&again, "orders"), 1).await.unwrap();
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let reason = |path: &std::path::Path| match Database::sqlite(path) {
        Err(e) => e.to_string(),
        Ok(_) => panic!("{} was opened", path.display()),
    };
    let missing = folder.path().join("missing").join("haat.db");
    assert!(reason(&missing).contains("cannot be written to"), "{}", reason(&missing));
    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, "not a database, but long enough to be read as one by mistake".repeat(100)).unwrap();
    assert!(reason(&garbage).contains("is not a database of haat"), "{}", reason(&garbage));
    let directory = folder.path().join("haat.db");
    std::fs::create_dir(&directory).unwrap();
    assert!(reason(&directory).contains("cannot be opened"), "{}", reason(&directory));
}
